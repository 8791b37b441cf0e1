"""The normal distribution: density, distribution function, survival function, quantile, and their logarithms.

`loc` is the mean, `scale` the standard deviation; all three broadcast. A scale that is not positive gives NaN.
"""
from __future__ import annotations

import math

import numpy as np

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, promoted
from lantern.numpy.arithmetic import add, divide, multiply, negative, square, subtract
from lantern.numpy.logic import greater, where
from lantern.numpy.ufuncs import exp, log
from lantern.scipy.special import errors
from lantern.trace.array import Array


def _standard(function: str, x: ArrayLike, loc: ArrayLike, scale: ArrayLike) -> tuple[Array, Array]:
    """(x - loc) / scale, and the scale."""
    a, mean, width = promoted(function, x, loc, scale, floats=True)
    width = where(greater(width, 0), width, np.nan)
    return divide(subtract(a, mean), width), width


@one_program(3)
def logpdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density.

    >>> from lantern.scipy.stats import norm
    >>> round(norm.logpdf(0.0).item(), 4)
    -0.9189
    """
    z, width = _standard("norm.logpdf", x, loc, scale)
    return subtract(multiply(-0.5, square(z)), add(log(width), 0.5 * math.log(2 * math.pi)))


@one_program(3)
def pdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density.

    >>> from lantern.scipy.stats import norm
    >>> round(norm.pdf(0.0).item(), 4)
    0.3989
    """
    return exp(logpdf(x, loc, scale))


@one_program(3)
def cdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The distribution function.

    >>> from lantern.scipy.stats import norm
    >>> norm.cdf(0.0).item()
    0.5
    """
    return errors.ndtr(_standard("norm.cdf", x, loc, scale)[0])


@one_program(3)
def logcdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the distribution function.

    >>> from lantern.scipy.stats import norm
    >>> round(norm.logcdf(-100.0).item(), 2)
    -5005.52
    """
    return errors.log_ndtr(_standard("norm.logcdf", x, loc, scale)[0])


@one_program(3)
def sf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The survival function, 1 - cdf, exact where that is tiny.

    >>> from lantern.scipy.stats import norm
    >>> norm.sf(0.0).item()
    0.5
    """
    return errors.ndtr(negative(_standard("norm.sf", x, loc, scale)[0]))


@one_program(3)
def logsf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the survival function.

    >>> from lantern.scipy.stats import norm
    >>> round(norm.logsf(100.0).item(), 2)
    -5005.52
    """
    return errors.log_ndtr(negative(_standard("norm.logsf", x, loc, scale)[0]))


@one_program(3)
def ppf(q: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The quantile, the inverse of `cdf`; NaN outside [0, 1].

    >>> from lantern.scipy.stats import norm
    >>> norm.ppf(0.5, loc=3).item()
    3.0
    """
    p, mean, width = promoted("norm.ppf", q, loc, scale, floats=True)
    return add(multiply(errors.ndtri(p), where(greater(width, 0), width, np.nan)), mean)


@one_program(3)
def isf(q: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The inverse of the survival function.

    >>> from lantern.scipy.stats import norm
    >>> norm.isf(0.5, loc=3).item()
    3.0
    """
    p, mean, width = promoted("norm.isf", q, loc, scale, floats=True)
    return subtract(mean, multiply(errors.ndtri(p), where(greater(width, 0), width, np.nan)))
