"""The exponential distribution from `loc` on, of mean `scale` above it."""
from __future__ import annotations

import numpy as np

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike
from lantern.numpy.logic import less, where
from lantern.numpy.ufuncs import exp, expm1, log
from lantern.scipy.stats.operands import floats
from lantern.trace.array import Array


@one_program(3)
def logpdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density; -inf below loc.

    >>> from lantern.scipy.stats import expon
    >>> expon.logpdf(1.0).item()
    -1.0
    """
    a, low, width = floats("expon.logpdf", x, loc, scale)
    return where(less(a, low), -np.inf, -((a - low) / width) - log(width))


@one_program(3)
def pdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density.

    >>> from lantern.scipy.stats import expon
    >>> expon.pdf(0.0).item()
    1.0
    """
    return exp(logpdf(x, loc, scale))


@one_program(3)
def cdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The distribution function.

    >>> from lantern.scipy.stats import expon
    >>> expon.cdf(0.0).item()
    0.0
    """
    a, low, width = floats("expon.cdf", x, loc, scale)
    return where(less(a, low), 0.0, -expm1(-((a - low) / width)))
