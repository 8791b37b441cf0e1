"""The gamma distribution of shape a, from `loc` on."""
from __future__ import annotations

import numpy as np

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike
from lantern.numpy.arithmetic import maximum
from lantern.numpy.logic import less, where
from lantern.numpy.ufuncs import exp, log
from lantern.scipy.special.entropies import xlogy
from lantern.scipy.special.gammas import gammainc, gammaincc, gammaln
from lantern.scipy.stats.operands import floats
from lantern.trace.array import Array


@one_program(4)
def logpdf(x: ArrayLike, a: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density; -inf below loc.

    >>> from lantern.scipy.stats import gamma
    >>> gamma.logpdf(1.0, 1.0).item()
    -1.0
    """
    v, shape, low, width = floats("gamma.logpdf", x, a, loc, scale)
    z = (v - low) / width
    below = less(z, 0)
    safe = where(below, 1, z)
    return where(below, -np.inf, xlogy(shape - 1, safe) - safe - gammaln(shape) - log(width))


@one_program(4)
def pdf(x: ArrayLike, a: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density.

    >>> from lantern.scipy.stats import gamma
    >>> gamma.pdf(0.0, 1.0).item()
    1.0
    """
    return exp(logpdf(x, a, loc, scale))


@one_program(4)
def cdf(x: ArrayLike, a: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The distribution function.

    >>> from lantern.scipy.stats import gamma
    >>> gamma.cdf(0.0, 2.0).item()
    0.0
    """
    v, shape, low, width = floats("gamma.cdf", x, a, loc, scale)
    return gammainc(shape, maximum((v - low) / width, 0))


@one_program(4)
def sf(x: ArrayLike, a: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """1 - cdf, exact where that is tiny.

    >>> from lantern.scipy.stats import gamma
    >>> gamma.sf(0.0, 2.0).item()
    1.0
    """
    v, shape, low, width = floats("gamma.sf", x, a, loc, scale)
    return gammaincc(shape, maximum((v - low) / width, 0))
