"""`lantern.scipy`: what programs use of jax.scipy."""
from __future__ import annotations

from typing import TYPE_CHECKING

from lantern.absent import Absent

if TYPE_CHECKING:
    from lantern.scipy import linalg as linalg
    from lantern.scipy import special as special
    from lantern.scipy import stats as stats

__getattr__ = Absent(__name__, ("linalg", "special", "stats"))
