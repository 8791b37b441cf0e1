"""The error function, the normal distribution function, their inverses and logarithms."""
from __future__ import annotations

import math

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, inexact
from lantern.numpy.arithmetic import divide, multiply, negative, subtract
from lantern.numpy.logic import greater, where
from lantern.numpy.ufuncs import log, log1p
from lantern.ops import elementwise, gaussian
from lantern.trace.array import Array

_ROOT = math.sqrt(0.5)


@one_program(1)
def erf(x: ArrayLike) -> Array:
    """The error function.

    >>> erf(0.0).item()
    0.0
    """
    return elementwise.erf(inexact("erf", x))


@one_program(1)
def erfc(x: ArrayLike) -> Array:
    """1 - erf(x), exact where that is tiny.

    >>> erfc(0.0).item()
    1.0
    """
    return gaussian.erfc(inexact("erfc", x))


@one_program(1)
def erfcx(x: ArrayLike) -> Array:
    """exp(x**2) erfc(x).

    >>> erfcx(0.0).item()
    1.0
    """
    return gaussian.erfcx(inexact("erfcx", x))


@one_program(1)
def erfinv(x: ArrayLike) -> Array:
    """The inverse of `erf`; NaN outside [-1, 1].

    >>> erfinv(0.0).item()
    0.0
    """
    return elementwise.erf_inv(inexact("erfinv", x))


@one_program(1)
def erfcinv(x: ArrayLike) -> Array:
    """The inverse of `erfc`; NaN outside [0, 2].

    >>> import numpy as np
    >>> erfcinv(np.array([0.0, 2.0])).tolist()
    [inf, -inf]
    """
    return multiply(negative(gaussian.ndtri(multiply(0.5, inexact("erfcinv", x)))), _ROOT)


@one_program(1)
def ndtr(x: ArrayLike) -> Array:
    """The normal distribution function.

    >>> ndtr(0.0).item()
    0.5
    """
    return multiply(0.5, gaussian.erfc(multiply(inexact("ndtr", x), -_ROOT)))


@one_program(1)
def log_ndtr(x: ArrayLike) -> Array:
    """log(ndtr(x)), where that underflows, too.

    >>> round(log_ndtr(-100.0).item(), 2)
    -5005.52
    """
    a = inexact("log_ndtr", x)
    high = greater(a, -1)
    above, below = where(high, a, 0), where(high, -1, a)
    tail = log(multiply(0.5, gaussian.erfcx(multiply(below, -_ROOT))))
    near = log1p(multiply(-0.5, gaussian.erfc(multiply(above, _ROOT))))
    return where(high, near, subtract(tail, divide(multiply(below, below), 2)))


@one_program(1)
def ndtri(p: ArrayLike) -> Array:
    """The quantile of the normal distribution: the inverse of `ndtr`, NaN outside [0, 1].

    >>> import numpy as np
    >>> ndtri(np.array([0.0, 0.5, 1.0])).tolist()
    [-inf, 0.0, inf]
    """
    return gaussian.ndtri(inexact("ndtri", p))
