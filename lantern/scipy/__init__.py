"""`lantern.scipy`: what programs use of jax.scipy."""
from __future__ import annotations

from lantern.absent import Absent
from lantern.scipy import linalg as linalg
from lantern.scipy import special as special
from lantern.scipy import stats as stats

__getattr__ = Absent(__name__)
