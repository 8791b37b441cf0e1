"""The uniform distribution from `loc` to `loc + scale`."""
from __future__ import annotations

import numpy as np

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike
from lantern.numpy.arithmetic import clip
from lantern.numpy.logic import greater, less, logical_or, where
from lantern.numpy.ufuncs import exp, log
from lantern.scipy.stats.operands import floats
from lantern.trace.array import Array


@one_program(3)
def logpdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density; -inf outside.

    >>> from lantern.scipy.stats import uniform
    >>> uniform.logpdf(2.0).item()
    -inf
    """
    a, low, width = floats("uniform.logpdf", x, loc, scale)
    return where(logical_or(less(a, low), greater(a, low + width)), -np.inf, -log(width))


@one_program(3)
def pdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density.

    >>> from lantern.scipy.stats import uniform
    >>> uniform.pdf(0.5).item()
    1.0
    """
    return exp(logpdf(x, loc, scale))


@one_program(3)
def cdf(x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The distribution function.

    >>> from lantern.scipy.stats import uniform
    >>> uniform.cdf(0.25).item()
    0.25
    """
    a, low, width = floats("uniform.cdf", x, loc, scale)
    return clip((a - low) / width, 0, 1)
