"""Distributions made with linear algebra: the multivariate normal, random rotations."""
from __future__ import annotations

import operator

from lantern.eager import one_program
from lantern.lax.operands import (
    ArrayLike,
    DTypeLike,
    ShapeLike,
    argument_error,
    canonical_shape,
    common_dtype,
    operand,
    shape_error,
)
from lantern.numpy import linalg
from lantern.numpy.arithmetic import sign, sqrt
from lantern.numpy.indexing import diagonal
from lantern.numpy.products import matmul
from lantern.numpy.shaping import expand_dims, matrix_transpose, squeeze
from lantern.random.bits import floating
from lantern.random.draws import standard_normal
from lantern.random.keys import words
from lantern.random.parameters import parameter, sample_shape
from lantern.trace.array import Array

_METHODS = ("cholesky", "eigh", "svd")


@one_program(3)
def multivariate_normal(key: ArrayLike, mean: ArrayLike, cov: ArrayLike, shape: ShapeLike | None = None,
                        dtype: DTypeLike = None, method: str = "cholesky") -> Array:
    """Normal vectors of this mean (..., n) and covariance (..., n, n), along the last axis; batch axes broadcast to
    `shape`. Differentiable by both.

    `method` factors the covariance: "cholesky" is fastest, "eigh" and "svd" take singular ones, too. Raises ShapeError
    where shapes do not fit, ArgumentError for another method.

    >>> import numpy as np
    >>> from lantern import random
    >>> random.multivariate_normal(random.key(0), np.zeros(2), np.eye(2), (5,)).shape
    (5, 2)
    """
    if method not in _METHODS:
        raise argument_error(f"multivariate_normal: no method is called {method!r}",
                             f"There are {', '.join(_METHODS)}.")
    both = [operand("multivariate_normal", v) for v in (mean, cov)]
    wanted = floating("multivariate_normal", common_dtype(both, floats=True)[0] if dtype is None else dtype)
    middle, spread = [parameter("multivariate_normal", v, wanted) for v in (mean, cov)]
    if not middle.ndim or spread.shape[-2:] != (middle.shape[-1],) * 2:
        raise shape_error("multivariate_normal: wanted a mean (..., n) and a covariance (..., n, n), got "
                          f"{middle.aval} and {spread.aval}")
    sizes = sample_shape("multivariate_normal", shape, middle.shape[:-1], spread.shape[:-2])
    z = standard_normal(words("multivariate_normal", key), (*sizes, middle.shape[-1]), wanted)
    return middle + squeeze(matmul(_factor(spread, method), expand_dims(z, -1)), -1)


def _factor(covariance: Array, method: str) -> Array:
    """A matrix whose product with its transpose is the covariance."""
    match method:
        case "cholesky":
            return linalg.cholesky(covariance)
        case "eigh":
            values, vectors = linalg.eigh(covariance)
            return vectors * sqrt(expand_dims(values, -2))
        case _:
            left, values, _ = linalg.svd(covariance)
            return left * sqrt(expand_dims(values, -2))


@one_program(1)
def orthogonal(key: ArrayLike, n: int, shape: ShapeLike = (), dtype: DTypeLike = float, m: int | None = None) -> Array:
    """Matrices n x m (by default n x n) with orthonormal columns, or rows if n < m; all are equally likely (Mezzadri
    2007).

    >>> from lantern import random
    >>> random.orthogonal(random.key(0), 3, (2,)).shape
    (2, 3, 3)
    """
    wanted, sizes = floating("orthogonal", dtype), canonical_shape("orthogonal", shape)
    rows, columns = operator.index(n), operator.index(n if m is None else m)
    if rows < 0 or columns < 0:
        raise argument_error(f"orthogonal: sizes must not be negative, got {rows} and {columns}")
    z = standard_normal(words("orthogonal", key), (*sizes, max(rows, columns), min(rows, columns)), wanted)
    q, r = linalg.qr(z)
    signed = q * expand_dims(sign(diagonal(r, 0, -2, -1)), -2)
    return matrix_transpose(signed) if rows < columns else signed
