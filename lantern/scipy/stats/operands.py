"""What the distributions accept: numbers and arrays, which meet in one float dtype and broadcast."""
from __future__ import annotations

from lantern.lax.operands import ArrayLike, inexact, promoted
from lantern.trace.array import Array


def floats(function: str, *xs: ArrayLike) -> list[Array]:
    """The operands as arrays of one float dtype."""
    return [inexact(function, x) for x in promoted(function, *xs, floats=True)]
