"""Student's t distribution with df degrees of freedom."""
from __future__ import annotations

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike
from lantern.numpy.ufuncs import exp, log, log1p
from lantern.scipy.special.gammas import betaln
from lantern.scipy.stats.operands import floats
from lantern.trace.array import Array


@one_program(4)
def logpdf(x: ArrayLike, df: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The logarithm of the density.

    >>> from lantern.scipy.stats import t
    >>> round(t.logpdf(0.0, 1.0).item(), 4)
    -1.1447
    """
    v, freedom, middle, width = floats("t.logpdf", x, df, loc, scale)
    z = (v - middle) / width
    # gamma(df / 2) / gamma((df + 1) / 2) = beta(df / 2, 1 / 2) / sqrt(pi): no large logarithms are subtracted
    norm = betaln(freedom / 2, freedom * 0 + 0.5) + 0.5 * log(freedom) + log(width)
    return -norm - (freedom + 1) / 2 * log1p(z * z / freedom)


@one_program(4)
def pdf(x: ArrayLike, df: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Array:
    """The density.

    >>> from lantern.scipy.stats import t
    >>> round(t.pdf(0.0, 1.0).item(), 4)
    0.3183
    """
    return exp(logpdf(x, df, loc, scale))
