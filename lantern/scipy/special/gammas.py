"""The gamma function and its family: factorials, beta functions, derivatives, incomplete functions, zeta."""
from __future__ import annotations

import math
import operator

import numpy as np

from lantern.eager import one_program
from lantern.lax import incomplete_beta
from lantern.lax import special as of_lax
from lantern.lax.operands import ArrayLike, argument_error, inexact, promoted
from lantern.numpy.arithmetic import add, divide, floor, multiply, remainder, subtract
from lantern.numpy.logic import equal, greater, less, logical_and, logical_or, where
from lantern.numpy.ufuncs import exp
from lantern.ops import gamma as ops
from lantern.trace.array import Array


@one_program(1)
def gammaln(x: ArrayLike) -> Array:
    """log(|gamma(x)|); infinite at 0, -1, -2 ...

    >>> gammaln(np.array([1.0, 2.0, 0.0])).tolist()
    [0.0, 0.0, inf]
    """
    return ops.lgamma(inexact("gammaln", x))


@one_program(1)
def loggamma(x: ArrayLike) -> Array:
    """The logarithm of gamma(x) of real numbers; NaN below 0, where it is complex.

    >>> loggamma(np.array([1.0, -0.5])).tolist()
    [0.0, nan]
    """
    a = inexact("loggamma", x)
    return where(less(a, 0), np.nan, ops.lgamma(where(less(a, 0), 1, a)))


@one_program(1)
def gamma(x: ArrayLike) -> Array:
    """The gamma function; NaN at -1, -2 ..., infinite at 0.

    >>> gamma(5.0).item()
    24.0
    """
    return ops.gamma(inexact("gamma", x))


@one_program(1)
def gammasgn(x: ArrayLike) -> Array:
    """The sign of gamma(x): -1 or 1; NaN at -1, -2 ..., and 1 or -1 at the zeros.

    >>> gammasgn(np.array([2.5, -0.5, -1.5])).tolist()
    [1.0, -1.0, 1.0]
    """
    a = inexact("gammasgn", x)
    below = floor(a)
    odd = equal(remainder(below, 2), 1)
    negative_zero = logical_and(equal(a, 0), less(divide(1, a), 0))
    sign = where(logical_or(logical_and(less(a, 0), odd), negative_zero), -1, add(multiply(a, 0), 1))
    sign = where(greater(a, 0), 1, sign)
    return where(logical_and(less(a, 0), equal(below, a)), np.nan, sign)


@one_program(1)
def factorial(n: ArrayLike, exact: bool = False) -> Array:
    """n! = gamma(n + 1), also of fractions; 0 below 0.

    Raises ArgumentError for `exact=True`: arrays hold no integers of any length.

    >>> factorial(np.array([0, 3, -1])).tolist()
    [1.0, 6.0, 0.0]
    """
    if exact:
        raise argument_error("factorial: exact=True needs integers of any length", "Use math.factorial.")
    a = inexact("factorial", n)
    return where(less(a, 0), 0, ops.gamma(add(where(less(a, 0), 0, a), 1)))


@one_program(2)
def betaln(a: ArrayLike, b: ArrayLike) -> Array:
    """log(|beta(a, b)|), without subtracting large logarithms.

    >>> betaln(1.0, 1.0).item()
    0.0
    """
    return ops.betaln(*promoted("betaln", a, b, floats=True))


@one_program(2)
def beta(a: ArrayLike, b: ArrayLike) -> Array:
    """gamma(a) gamma(b) / gamma(a + b).

    >>> beta(1.0, 1.0).item()
    1.0
    """
    x, y = promoted("beta", a, b, floats=True)
    return multiply(multiply(gammasgn(x), multiply(gammasgn(y), gammasgn(add(x, y)))), exp(ops.betaln(x, y)))


@one_program(1)
def digamma(x: ArrayLike) -> Array:
    """The derivative of `gammaln`.

    >>> round(digamma(1.0).item(), 4)
    -0.5772
    """
    return ops.digamma(inexact("digamma", x))


@one_program(2)
def polygamma(n: ArrayLike, x: ArrayLike) -> Array:
    """Derivative number n of `digamma`. From order 2 on, x should be positive (down to about -8 it may be less).

    >>> round(polygamma(1, 1.0).item(), 4)
    1.6449
    """
    return of_lax.polygamma(*promoted("polygamma", n, x, floats=True))


@one_program(2)
def zeta(x: ArrayLike, q: ArrayLike = 1.0) -> Array:
    """Hurwitz' zeta function, the sum of (n + q)**-x for n >= 0; Riemann's for q = 1. NaN for x < 1.

    >>> round(zeta(2.0, 1.0).item(), 4)
    1.6449
    """
    return ops.zeta(*promoted("zeta", x, q, floats=True))


@one_program(2)
def gammainc(a: ArrayLike, x: ArrayLike) -> Array:
    """The regularised lower incomplete gamma function: the distribution function of a gamma variate of shape a.

    >>> gammainc(1.0, 0.0).item()
    0.0
    """
    return of_lax.igamma(*promoted("gammainc", a, x, floats=True))


@one_program(2)
def gammaincc(a: ArrayLike, x: ArrayLike) -> Array:
    """1 - gammainc(a, x), exact where that is tiny.

    >>> gammaincc(1.0, 0.0).item()
    1.0
    """
    return of_lax.igammac(*promoted("gammaincc", a, x, floats=True))


@one_program(3)
def betainc(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Array:
    """The regularised incomplete beta function: the distribution function of a beta variate. Differentiable by x.

    >>> betainc(1.0, 1.0, 0.25).item()
    0.25
    """
    return incomplete_beta.betainc(*promoted("betainc", a, b, x, floats=True))


@one_program(1)
def multigammaln(a: ArrayLike, d: int) -> Array:
    """The logarithm of the multivariate gamma function of dimension d, for a > (d - 1) / 2.

    >>> multigammaln(2.0, 1).item()
    0.0
    """
    count, x = operator.index(d), inexact("multigammaln", a)
    if count < 1:
        raise argument_error(f"multigammaln: wanted a dimension of at least 1, got {count}")
    total = add(ops.lgamma(x), 0.25 * count * (count - 1) * math.log(math.pi))
    for j in range(1, count):
        total = add(total, ops.lgamma(subtract(x, 0.5 * j)))
    return total
