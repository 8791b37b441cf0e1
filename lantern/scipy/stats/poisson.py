"""The Poisson distribution of mean mu, from `loc` on."""
from __future__ import annotations

import numpy as np

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike
from lantern.numpy.arithmetic import floor
from lantern.numpy.logic import less, logical_or, not_equal, where
from lantern.numpy.ufuncs import exp
from lantern.scipy.special.entropies import xlogy
from lantern.scipy.special.gammas import gammaincc, gammaln
from lantern.scipy.stats.operands import floats
from lantern.trace.array import Array


@one_program(3)
def logpmf(k: ArrayLike, mu: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The logarithm of the probability of k; -inf for what is no count.

    >>> from lantern.scipy.stats import poisson
    >>> poisson.logpmf(0, 2.0).item()
    -2.0
    """
    count, mean, low = floats("poisson.logpmf", k, mu, loc)
    z = count - low
    never = logical_or(less(z, 0), not_equal(z, floor(z)))
    safe = where(never, 0, z)
    return where(never, -np.inf, xlogy(safe, mean) - gammaln(safe + 1) - mean)


@one_program(3)
def pmf(k: ArrayLike, mu: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The probability of k.

    >>> from lantern.scipy.stats import poisson
    >>> poisson.pmf(0, 0.0).item()
    1.0
    """
    return exp(logpmf(k, mu, loc))


@one_program(3)
def cdf(k: ArrayLike, mu: ArrayLike, loc: ArrayLike = 0) -> Array:
    """The probability of k or less.

    >>> from lantern.scipy.stats import poisson
    >>> poisson.cdf(-1, 2.0).item()
    0.0
    """
    count, mean, low = floats("poisson.cdf", k, mu, loc)
    z = floor(count - low)
    return where(less(z, 0), 0.0, gammaincc(where(less(z, 0), 0, z) + 1, mean))
