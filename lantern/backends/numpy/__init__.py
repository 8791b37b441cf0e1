"""The CPU device: straight-line generated NumPy with `out=` buffers, made from a Program."""
from __future__ import annotations

from lantern.backends.numpy.backend import NumpyBackend as NumpyBackend
