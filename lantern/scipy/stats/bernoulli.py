"""The Bernoulli distribution: 1 with probability p, else 0, from `loc` on."""
from __future__ import annotations

import numpy as np

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike
from lantern.numpy.logic import equal, less, logical_and, logical_or, where
from lantern.numpy.ufuncs import exp
from lantern.scipy.special.entropies import xlog1py, xlogy
from lantern.scipy.stats.operands import floats
from lantern.trace.array import Array


@one_program(3)
def logpmf(k: ArrayLike, p: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The logarithm of the probability of k; -inf unless k is 0 or 1.

    >>> from lantern.scipy.stats import bernoulli
    >>> bernoulli.logpmf(1, 1.0).item()
    0.0
    """
    count, chance, low = floats("bernoulli.logpmf", k, p, loc)
    z = count - low
    possible = logical_or(equal(z, 0), equal(z, 1))
    safe = where(possible, z, 0)
    return where(possible, xlogy(safe, chance) + xlog1py(1 - safe, -chance), -np.inf)


@one_program(3)
def pmf(k: ArrayLike, p: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The probability of k.

    >>> from lantern.scipy.stats import bernoulli
    >>> bernoulli.pmf(2, 0.5).item()
    0.0
    """
    return exp(logpmf(k, p, loc))


@one_program(3)
def cdf(k: ArrayLike, p: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The probability of k or less.

    >>> from lantern.scipy.stats import bernoulli
    >>> bernoulli.cdf(0, 0.25).item()
    0.75
    """
    count, chance, low = floats("bernoulli.cdf", k, p, loc)
    z = count - low
    return where(less(z, 0), 0.0, where(logical_and(z >= 0, less(z, 1)), 1 - chance, 1.0))
