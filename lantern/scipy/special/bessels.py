"""Modified Bessel functions of order 0 and 1."""
from __future__ import annotations

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, inexact
from lantern.numpy.arithmetic import abs, multiply
from lantern.numpy.ufuncs import exp
from lantern.ops import bessel
from lantern.trace.array import Array


@one_program(1)
def i0(x: ArrayLike) -> Array:
    """The modified Bessel function of order 0.

    >>> i0(0.0).item()
    1.0
    """
    a = inexact("i0", x)
    return multiply(exp(abs(a)), bessel.i0e(a))


@one_program(1)
def i0e(x: ArrayLike) -> Array:
    """exp(-|x|) i0(x).

    >>> i0e(0.0).item()
    1.0
    """
    return bessel.i0e(inexact("i0e", x))


@one_program(1)
def i1(x: ArrayLike) -> Array:
    """The modified Bessel function of order 1.

    >>> i1(0.0).item()
    0.0
    """
    a = inexact("i1", x)
    return multiply(exp(abs(a)), bessel.i1e(a))


@one_program(1)
def i1e(x: ArrayLike) -> Array:
    """exp(-|x|) i1(x).

    >>> i1e(0.0).item()
    0.0
    """
    return bessel.i1e(inexact("i1e", x))
