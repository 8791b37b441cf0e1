"""Norms of vectors and matrices, and condition numbers."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, argument_error, array, canonical_axes, inexact
from lantern.numpy.arithmetic import abs, power, sqrt
from lantern.numpy.complex_numbers import conj, real
from lantern.numpy.creation import astype
from lantern.numpy.linalg.factors import svdvals
from lantern.numpy.linalg.operands import matrices
from lantern.numpy.linalg.solving import inv
from lantern.numpy.logic import isnan, not_equal, where
from lantern.numpy.reductions import any, max, min, sum
from lantern.numpy.shaping import expand_dims, moveaxis, ravel, reshape
from lantern.trace.array import Array

Order = Any     # int, float, "fro", "nuc" or None


@one_program(1)
def norm(x: ArrayLike, ord: Order = None, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Array:
    """The norm of vectors (one axis) or matrices (two axes); without `axis` of the whole of x, flattened if `ord` is
    None.

    Orders of vectors: None and 2, inf, -inf, 0 (elements that are not zero), 1, and any p: sum(|x|^p)^(1/p). Of
    matrices: None and "fro", "nuc", inf, -inf (rows), 1, -1 (columns), 2, -2 (singular values). At zero the derivative
    is NaN. Raises ArgumentError for another order, or more axes than two.

    >>> import numpy as np
    >>> norm(np.array([3.0, 4.0])).item(), norm(np.array([[3.0, 4.0]]), 1).item()
    (5.0, 4.0)
    """
    found = inexact("norm", x)
    if axis is None and ord is None:
        total = _euclidean(ravel(found), (0,))
        return reshape(total, (1,) * found.ndim) if keepdims else total
    axes = canonical_axes("norm", axis, found.aval)
    if len(axes) == 1:
        return _vector("norm", found, axes, ord, keepdims)
    if len(axes) == 2:
        return _matrix("norm", found, axes, ord, keepdims)
    raise argument_error(f"norm: wanted one axis (vectors) or two (matrices), got {len(axes)} of {found.aval}",
                         "Give axis, or use vector_norm.")


def _euclidean(x: Array, axes: tuple[int, ...], keepdims: bool = False) -> Array:
    return sqrt(sum(real(x * conj(x)), axes, keepdims=keepdims))


def _vector(function: str, x: Array, axes: tuple[int, ...], ord: Order, keepdims: bool) -> Array:
    if ord is None or ord == 2:
        return _euclidean(x, axes, keepdims)
    if isinstance(ord, str):
        raise argument_error(f"{function}: wanted a number as the order of vectors, got {ord!r}")
    size = abs(x)
    if ord == float("inf"):
        return max(size, axes, keepdims=keepdims, initial=0)
    if ord == -float("inf"):
        return min(size, axes, keepdims=keepdims)
    if ord == 0:
        return sum(astype(not_equal(x, 0), size.dtype), axes, keepdims=keepdims)
    if ord == 1:
        return sum(size, axes, keepdims=keepdims)
    return power(sum(power(size, ord), axes, keepdims=keepdims), 1 / ord)


def _matrix(function: str, x: Array, axes: tuple[int, ...], ord: Order, keepdims: bool) -> Array:
    row, column = axes
    if ord in (None, "fro"):
        return _euclidean(x, axes, keepdims)
    if ord in ("nuc", 2, -2):
        values = svdvals(moveaxis(x, axes, (-2, -1)))
        found = sum(values, -1) if ord == "nuc" else max(values, -1, initial=0) if ord == 2 else min(values, -1)
    elif ord in (1, -1, float("inf"), -float("inf")):
        first, second = (row, column) if ord in (1, -1) else (column, row)
        sums = sum(abs(x), first, keepdims=True)
        found = max(sums, second, keepdims=True, initial=0) if ord > 0 else min(sums, second, keepdims=True)
        found = reshape(found, tuple([n for k, n in enumerate(x.shape) if k not in axes]))
    else:
        raise argument_error(f"{function}: wanted 'fro', 'nuc', 1, -1, 2, -2, inf or -inf as the order of matrices, "
                             f"got {ord!r}")
    return expand_dims(found, sorted(axes)) if keepdims else found


@one_program(1)
def vector_norm(x: ArrayLike, /, *, axis: int | Sequence[int] | None = None, keepdims: bool = False,
                ord: Order = 2) -> Array:
    """The norm of vectors along one axis, or of all elements along several; None means all. Orders as of `norm`.

    >>> import numpy as np
    >>> vector_norm(np.array([[3.0, 4.0]]), axis=-1).tolist()
    [5.0]
    """
    found = inexact("vector_norm", x)
    return _vector("vector_norm", found, canonical_axes("vector_norm", axis, found.aval), ord, keepdims)


@one_program(1)
def matrix_norm(x: ArrayLike, /, *, keepdims: bool = False, ord: Order = "fro") -> Array:
    """The norm of matrices (..., m, n). Orders as of `norm`.

    >>> import numpy as np
    >>> matrix_norm(np.array([[3.0, 4.0]]), ord="nuc").item()
    5.0
    """
    found = inexact("matrix_norm", x)
    if found.ndim < 2:
        raise argument_error(f"matrix_norm: wanted matrices (rank 2 or more), got {found.aval}", "Use vector_norm.")
    return _matrix("matrix_norm", found, (found.ndim - 2, found.ndim - 1), ord, keepdims)


@one_program(1)
def cond(x: ArrayLike, p: Order = None) -> Array:
    """The condition numbers of matrices (..., m, n): the norm times the inverse's, by default the largest singular
    value over the smallest. Orders as of `norm`. A singular matrix gives inf.

    Raises ArgumentError for empty matrices, ShapeError for orders other than None, 2 and -2 unless they are square.

    >>> import numpy as np
    >>> cond(np.array([[4.0, 0.0], [0.0, 1.0]])).item()
    4.0
    """
    found = matrices("cond", x, p not in (None, 2, -2))
    if not found.size:
        raise argument_error(f"cond: wanted matrices that are not empty, got {found.aval}")
    if p in (None, 2, -2):
        values = svdvals(found)
        ends = values[..., 0], values[..., -1]
        return ends[1] / ends[0] if p == -2 else ends[0] / ends[1]
    result = matrix_norm(found, ord=p) * matrix_norm(inv(found), ord=p)
    given = any(isnan(found), (-2, -1))
    return where(isnan(result) & ~given, array("cond", float("inf")).astype(result.dtype), result)
