"""The beta distribution between `loc` and `loc + scale`."""
from __future__ import annotations

import numpy as np

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike
from lantern.numpy.arithmetic import clip
from lantern.numpy.logic import greater, less, logical_or, where
from lantern.numpy.ufuncs import exp, log
from lantern.scipy.special.entropies import xlog1py, xlogy
from lantern.scipy.special.gammas import betainc, betaln
from lantern.scipy.stats.operands import floats
from lantern.trace.array import Array


@one_program(5)
def logpdf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density; -inf outside.

    >>> from lantern.scipy.stats import beta
    >>> beta.logpdf(0.5, 1.0, 1.0).item()
    0.0
    """
    v, first, second, low, width = floats("beta.logpdf", x, a, b, loc, scale)
    z = (v - low) / width
    outside = logical_or(less(z, 0), greater(z, 1))
    safe = where(outside, 0.5, z)
    inside = xlogy(first - 1, safe) + xlog1py(second - 1, -safe) - betaln(first, second) - log(width)
    return where(outside, -np.inf, inside)


@one_program(5)
def pdf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density.

    >>> from lantern.scipy.stats import beta
    >>> beta.pdf(0.5, 1.0, 1.0).item()
    1.0
    """
    return exp(logpdf(x, a, b, loc, scale))


@one_program(5)
def cdf(x: ArrayLike, a: ArrayLike, b: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The distribution function.

    >>> from lantern.scipy.stats import beta
    >>> beta.cdf(0.25, 1.0, 1.0).item()
    0.25
    """
    v, first, second, low, width = floats("beta.cdf", x, a, b, loc, scale)
    return betainc(first, second, clip((v - low) / width, 0, 1))
