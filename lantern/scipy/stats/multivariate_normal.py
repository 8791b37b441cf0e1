"""The normal distribution of vectors."""
from __future__ import annotations

import math

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, common_shape, shape_error
from lantern.numpy import linalg
from lantern.numpy.indexing import diagonal
from lantern.numpy.reductions import sum
from lantern.numpy.shaping import broadcast_to, expand_dims, squeeze
from lantern.numpy.ufuncs import exp, log
from lantern.scipy.linalg import solve_triangular
from lantern.scipy.stats.operands import floats
from lantern.trace.array import Array


@one_program(3)
def logpdf(x: ArrayLike, mean: ArrayLike, cov: ArrayLike) -> Array:
    """The logarithm of the density of vectors x (..., n), of mean (..., n) and covariance (..., n, n).

    Raises ShapeError where sizes do not fit.

    >>> import numpy as np
    >>> from lantern.scipy.stats import multivariate_normal
    >>> round(multivariate_normal.logpdf(np.zeros(2), np.zeros(2), np.eye(2)).item(), 4)
    -1.8379
    """
    (v, middle, spread) = [floats("multivariate_normal.logpdf", a)[0] for a in (x, mean, cov)]
    count = spread.shape[-1] if spread.ndim >= 2 else 0
    if spread.shape[-2:] != (count, count) or any(a.ndim and a.shape[-1] not in (1, count) for a in (v, middle)):
        raise shape_error("multivariate_normal.logpdf: wanted vectors (..., n), a mean (..., n) and a covariance "
                          f"(..., n, n), got {v.aval}, {middle.aval} and {spread.aval}")
    factor = linalg.cholesky(spread)
    off = v - middle
    lead = common_shape("multivariate_normal.logpdf", [off.shape[:-1], spread.shape[:-2]])
    columns = expand_dims(broadcast_to(off, (*lead, count)), -1)
    white = squeeze(solve_triangular(broadcast_to(factor, (*lead, count, count)), columns, lower=True), -1)
    logs = sum(log(diagonal(factor, 0, -2, -1)), -1)
    return -0.5 * sum(white * white, -1) - logs - 0.5 * count * math.log(2 * math.pi)


@one_program(3)
def pdf(x: ArrayLike, mean: ArrayLike, cov: ArrayLike) -> Array:
    """The density.

    >>> import numpy as np
    >>> from lantern.scipy.stats import multivariate_normal
    >>> round(multivariate_normal.pdf(np.zeros(2), np.zeros(2), np.eye(2)).item(), 4)
    0.1592
    """
    return exp(logpdf(x, mean, cov))
