"""`lantern.scipy.stats`: probability distributions, one module each, under jax.scipy.stats's names."""
from __future__ import annotations

from lantern.absent import Absent
from lantern.scipy.stats import norm as norm

__getattr__ = Absent(__name__)
