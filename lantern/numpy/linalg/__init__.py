"""`lantern.numpy.linalg`: jax.numpy.linalg's names, arguments and meaning, and those of the array API 2024.12.

Matrices are the last two axes; the axes before them are batches.
"""
from __future__ import annotations
