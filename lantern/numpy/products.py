"""Products of vectors and matrices, and traces. All are `dot_general`, sums of products over chosen axes.

16-bit floats are multiplied and summed in float32.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lantern.dtypes import is_complex
from lantern.eager import one_program
from lantern.lax.operands import (
    ArrayLike,
    DTypeLike,
    argument_error,
    array,
    canonical_axes,
    canonical_axis,
    cast,
    common_dtype,
    common_shape,
    shape_error,
)
from lantern.numpy.arithmetic import multiply, subtract
from lantern.numpy.contraction import contract, contract_labels, uncontractable
from lantern.numpy.indexing import diagonal, take
from lantern.numpy.joining import stack
from lantern.numpy.reductions import sum
from lantern.numpy.shaping import moveaxis, ravel, reshape
from lantern.ops import complex as parts
from lantern.trace.array import Array


def _operands(function: str, a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    x, y = array(function, a), array(function, b)
    dtype = common_dtype([x, y])[0]
    return cast(x, dtype), cast(y, dtype)


@one_program(2)
def dot(a: ArrayLike, b: ArrayLike) -> Array:
    """The sum of products over the last axis of a and the last but one of b (of a vector: its only one). A number
    multiplies.

    Raises ShapeError if the contracted sizes differ.

    >>> import numpy as np
    >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0])).item()
    11.0
    """
    x, y = _operands("dot", a, b)
    if x.ndim == 0 or y.ndim == 0:
        return multiply(x, y)
    return contract("dot", x, y, ((x.ndim - 1,), (max(y.ndim - 2, 0),)))


@one_program(2)
def matmul(a: ArrayLike, b: ArrayLike, /) -> Array:
    """Matrix products over the last two axes; the axes before them are batches and broadcast. A vector on the left is a
    row, on the right a column, and that axis goes.

    Raises ShapeError if the contracted sizes differ, the batches do not broadcast, or an operand has rank 0.

    >>> import numpy as np
    >>> matmul(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])).tolist()
    [[11.0]]
    """
    x, y = _operands("matmul", a, b)
    if x.ndim == 0 or y.ndim == 0:
        raise shape_error(f"matmul: operands must have rank 1 or more, got {x.aval} and {y.aval}", "Use multiply.")
    left, right = x.ndim - 1, y.ndim - 2 if y.ndim > 1 else 0
    if (x.ndim <= 2 and y.ndim <= 2) or y.ndim == 1:
        return contract("matmul", x, y, ((left,), (right,)))
    if x.shape[left] != y.shape[right]:
        raise uncontractable("matmul", x, left, y, right)
    batch = common_shape("matmul", [x.shape[:-2], y.shape[:-2]], [x, y])
    labels = "abcdefghijklmnopqrstuvwxyz"[:len(batch)]      # the axes in capitals are row, contracted and column
    x_labels = labels[len(batch) - max(x.ndim - 2, 0):] + ("RC" if x.ndim > 1 else "C")
    y_labels = labels[len(batch) - (y.ndim - 2):] + "CN"
    return contract_labels("matmul", (x, x_labels), (y, y_labels), labels + ("RN" if x.ndim > 1 else "N"))


@one_program(2)
def vdot(a: ArrayLike, b: ArrayLike) -> Array:
    """The sum of products of all elements, both flattened; of complex numbers, those of `a` are conjugated.

    >>> import numpy as np
    >>> vdot(np.array([[1.0, 2.0]]), np.array([3.0, 4.0])).item()
    11.0
    """
    x, y = _operands("vdot", a, b)
    return contract("vdot", ravel(parts.conj(x) if is_complex(x.dtype) else x), ravel(y), ((0,), (0,)))


@one_program(2)
def vecdot(x1: ArrayLike, x2: ArrayLike, /, *, axis: int = -1) -> Array:
    """The sum of products along one axis, in the operands' dtype; the other axes broadcast. Complex numbers of `x1` are
    conjugated.

    Raises ShapeError if the sizes along the axis differ.

    >>> import numpy as np
    >>> vecdot(np.ones((2, 3)), np.arange(3.0)).tolist()
    [3.0, 3.0]
    """
    x, y = _operands("vecdot", x1, x2)
    x = moveaxis(x, canonical_axis("vecdot", axis, x.aval), -1)
    y = moveaxis(y, canonical_axis("vecdot", axis, y.aval), -1)
    if x.shape[-1] != y.shape[-1]:
        raise uncontractable("vecdot", x, x.ndim - 1, y, y.ndim - 1)
    return sum(multiply(parts.conj(x) if is_complex(x.dtype) else x, y), axis=-1, dtype=x.dtype)


@one_program(2)
def inner(a: ArrayLike, b: ArrayLike) -> Array:
    """The sum of products over the last axes of both. A number multiplies.

    >>> import numpy as np
    >>> inner(np.array([1.0, 2.0]), np.array([3.0, 4.0])).item()
    11.0
    """
    x, y = _operands("inner", a, b)
    if x.ndim == 0 or y.ndim == 0:
        return multiply(x, y)
    return contract("inner", x, y, ((x.ndim - 1,), (y.ndim - 1,)))


@one_program(2)
def outer(a: ArrayLike, b: ArrayLike) -> Array:
    """All products of an element of a and one of b, both flattened.

    >>> import numpy as np
    >>> outer(np.array([1, 2]), np.array([3, 4])).tolist()
    [[3, 4], [6, 8]]
    """
    x, y = _operands("outer", a, b)
    return multiply(reshape(x, (-1, 1) if x.size else (0, 1)), reshape(y, (1, -1) if y.size else (1, 0)))


@one_program(2)
def tensordot(a: ArrayLike, b: ArrayLike, axes: int | Sequence[Any] = 2) -> Array:
    """The sum of products over the last n axes of a and the first n of b; or over axes[0] of a and axes[1] of b.

    Raises ArgumentError for axes of unequal number, ShapeError if contracted sizes differ.

    >>> import numpy as np
    >>> tensordot(np.ones((2, 3)), np.ones((3, 4)), 1).shape
    (2, 4)
    """
    x, y = _operands("tensordot", a, b)
    if isinstance(axes, int):
        if not 0 <= axes <= min(x.ndim, y.ndim):
            raise argument_error(f"tensordot: cannot contract {axes} axes of {x.aval} and {y.aval}")
        left, right = tuple(range(x.ndim - axes, x.ndim)), tuple(range(axes))
    else:
        left, right = canonical_axes("tensordot", axes[0], x.aval), canonical_axes("tensordot", axes[1], y.aval)
        if len(left) != len(right):
            raise argument_error(f"tensordot: wanted as many axes of each operand, got {axes[0]} and {axes[1]}")
    return contract("tensordot", x, y, (left, right))


@one_program(1)
def trace(a: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: DTypeLike = None) -> Array:
    """The sum along a diagonal of two axes.

    >>> import numpy as np
    >>> trace(np.eye(3)).item()
    3.0
    """
    return sum(diagonal(a, offset, axis1, axis2), -1, dtype)


@one_program(2)
def cross(a: ArrayLike, b: ArrayLike, axisa: int = -1, axisb: int = -1, axisc: int = -1,
          axis: int | None = None) -> Array:
    """The cross product of vectors of 3 elements (or 2: a third of 0; of two such vectors the third element alone)
    along an axis of a and one of b; the other axes broadcast. The result's vectors lie along `axisc`; `axis` is all
    three.

    Raises ShapeError for other sizes.

    >>> import numpy as np
    >>> cross(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])).tolist()
    [0.0, 0.0, 1.0]
    """
    x, y = _operands("cross", a, b)
    if axis is not None:
        axisa = axisb = axisc = axis
    left = _components("cross", x, axisa)
    right = _components("cross", y, axisb)
    last = subtract(multiply(left[0], right[1]), multiply(left[1], right[0]))
    if len(left) == len(right) == 2:
        return last
    zero = [multiply(z[0], 0) for z in (left, right)]
    (u, v), (p, q) = (left[:2], right[:2])
    w = left[2] if len(left) == 3 else zero[0]
    r = right[2] if len(right) == 3 else zero[1]
    found = stack([subtract(multiply(v, r), multiply(w, q)), subtract(multiply(w, p), multiply(u, r)), last], -1)
    return moveaxis(found, -1, canonical_axis("cross", axisc, found.aval))


def _components(function: str, x: Array, axis: int) -> list[Array]:
    """The 2 or 3 slices along an axis."""
    size = x.shape[canonical_axis(function, axis, x.aval)] if x.ndim else 0
    if size not in (2, 3):
        raise shape_error(f"{function}: wanted 2 or 3 elements along axis {axis}, got {x.aval}")
    return [take(x, k, axis) for k in range(size)]
