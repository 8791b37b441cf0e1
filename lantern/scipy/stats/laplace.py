"""The Laplace distribution around `loc`."""
from __future__ import annotations

import math

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike
from lantern.numpy.arithmetic import abs
from lantern.numpy.logic import less, where
from lantern.numpy.ufuncs import exp, log
from lantern.scipy.stats.operands import floats
from lantern.trace.array import Array


@one_program(3)
def logpdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density.

    >>> from lantern.scipy.stats import laplace
    >>> round(laplace.logpdf(0.0).item(), 4)
    -0.6931
    """
    a, middle, width = floats("laplace.logpdf", x, loc, scale)
    return -(abs(a - middle) / width) - log(width) - math.log(2)


@one_program(3)
def pdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density.

    >>> from lantern.scipy.stats import laplace
    >>> round(laplace.pdf(0.0).item(), 4)
    0.5
    """
    return exp(logpdf(x, loc, scale))


@one_program(3)
def cdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The distribution function.

    >>> from lantern.scipy.stats import laplace
    >>> laplace.cdf(0.0).item()
    0.5
    """
    a, middle, width = floats("laplace.cdf", x, loc, scale)
    z = (a - middle) / width
    half = 0.5 * exp(-abs(z))
    return where(less(z, 0), half, 1 - half)
