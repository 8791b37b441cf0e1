"""Primitives that move, repeat, reduce and contract elements, with jax.lax's names and arguments."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from lantern.dtypes import BOOL, canonical
from lantern.lax.operands import (
    ArrayLike,
    DTypeLike,
    ShapeLike,
    argument_error,
    canonical_axis,
    canonical_shape,
    cast,
    common_dtype,
    common_shape,
    shape_error,
    size_of,
)
from lantern.lax.operands import array as as_array
from lantern.lax.operands import operand as as_operand
from lantern.lax.precision import PrecisionLike, check_precision
from lantern.ops import broadcast as broadcasting
from lantern.ops import compare, reduce
from lantern.ops import dot as dots
from lantern.ops import shape as ops
from lantern.ops.convert import convert
from lantern.trace.array import Array

# ((contracted axes of lhs, of rhs), (batch axes of lhs, of rhs))
DotDimensionNumbers: TypeAlias = "tuple[tuple[Sequence[int], Sequence[int]], tuple[Sequence[int], Sequence[int]]]"


def broadcast_in_dim(operand: ArrayLike, shape: ShapeLike, broadcast_dimensions: Sequence[int]) -> Array:
    """Repeated to `shape`: axis k becomes axis broadcast_dimensions[k], where it has the same size or size 1.

    >>> broadcast_in_dim(np.arange(2), (3, 2), (1,)).tolist()
    [[0, 1], [0, 1], [0, 1]]
    """
    return ops.broadcast_in_dim(as_array("broadcast_in_dim", operand), canonical_shape("broadcast_in_dim", shape),
                                tuple(broadcast_dimensions))


def broadcast(operand: ArrayLike, sizes: Sequence[int]) -> Array:
    """Repeated along new first axes of the given sizes.

    >>> broadcast(np.arange(2), (2,)).tolist()
    [[0, 1], [0, 1]]
    """
    x = as_array("broadcast", operand)
    lead = canonical_shape("broadcast", sizes)
    return ops.broadcast_in_dim(x, (*lead, *x.shape), tuple(range(len(lead), len(lead) + x.ndim)))


def reshape(operand: ArrayLike, new_sizes: Sequence[int]) -> Array:
    """The same elements in row-major order in another shape.

    >>> reshape(np.arange(4), (2, 2)).tolist()
    [[0, 1], [2, 3]]
    """
    return ops.reshape(as_array("reshape", operand), canonical_shape("reshape", new_sizes))


def expand_dims(array: ArrayLike, dimensions: Sequence[int]) -> Array:
    """With axes of size 1 at the places `dimensions` of the result.

    >>> expand_dims(np.zeros((2, 3)), (0,)).shape
    (1, 2, 3)
    """
    x = as_array("expand_dims", array)
    rank = x.ndim + len(dimensions)
    places = [canonical_axis("expand_dims", d, x.aval, rank) for d in dimensions]
    sizes = iter(x.shape)
    return ops.reshape(x, [1 if k in places else next(sizes) for k in range(rank)])


def squeeze(array: ArrayLike, dimensions: Sequence[int]) -> Array:
    """Without the given axes, which must have size 1.

    >>> squeeze(np.zeros((1, 2)), (0,)).shape
    (2,)
    """
    x = as_array("squeeze", array)
    gone = [canonical_axis("squeeze", d, x.aval) for d in dimensions]
    if any(x.shape[k] != 1 for k in gone):
        raise shape_error(f"squeeze: axes {tuple(dimensions)} must have size 1, got {x.aval}")
    return ops.reshape(x, [n for k, n in enumerate(x.shape) if k not in gone])


def transpose(operand: ArrayLike, permutation: Sequence[int]) -> Array:
    """The axes in another order: axis k of the result is axis permutation[k].

    >>> transpose(np.zeros((2, 3)), (1, 0)).shape
    (3, 2)
    """
    return ops.transpose(as_array("transpose", operand), tuple(permutation))


def slice(operand: ArrayLike, start_indices: Sequence[int], limit_indices: Sequence[int],
          strides: Sequence[int] | None = None) -> Array:
    """The elements from start to limit (left out), every strides-th, along each axis.

    >>> slice(np.arange(6), (1,), (6,), (2,)).tolist()
    [1, 3, 5]
    """
    return ops.slice(as_array("slice", operand), start_indices, limit_indices, strides)


def slice_in_dim(operand: ArrayLike, start_index: int | None, limit_index: int | None, stride: int = 1,
                 axis: int = 0) -> Array:
    """The elements from start to limit (left out) along one axis; None means the end.

    >>> slice_in_dim(np.arange(6), 1, None, 2).tolist()
    [1, 3, 5]
    """
    x = as_array("slice_in_dim", operand)
    place = canonical_axis("slice_in_dim", axis, x.aval)
    length = x.shape[place]
    start, limit, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
    for bounds, given in ((start, start_index), (limit, limit_index)):
        if given is not None:
            bounds[place] = given + length if given < 0 else given
    steps[place] = stride
    return ops.slice(x, start, limit, steps)


def pad(operand: ArrayLike, padding_value: ArrayLike, padding_config: Sequence[tuple[int, int, int]]) -> Array:
    """A number around and between the elements: (low, high, interior) for each axis; negative low and high cut.

    Raises ShapeError for a padding value with axes.

    >>> pad(np.arange(1, 3), 0, [(1, 0, 1)]).tolist()
    [0, 1, 0, 2]
    """
    x = as_array("pad", operand)
    value = as_operand("pad", padding_value)
    if not isinstance(value, Array):
        return ops.pad(x, cast(value, x.dtype), padding_config)
    if value.ndim:
        raise shape_error(f"pad: wanted one padding value, got {value.aval}")
    inside = ops.pad(broadcasting.full(x.shape, True, BOOL), False, padding_config)
    around = broadcasting.broadcast_in_dim(cast(value, x.dtype), inside.shape, ())
    return compare.select(inside, ops.pad(x, 0, padding_config), around)


def concatenate(operands: Sequence[ArrayLike], dimension: int) -> Array:
    """The arrays behind each other along an axis.

    >>> concatenate([np.arange(2), np.arange(2)], 0).tolist()
    [0, 1, 0, 1]
    """
    return ops.concatenate([as_array("concatenate", x) for x in operands], dimension)


def rev(operand: ArrayLike, dimensions: Sequence[int]) -> Array:
    """Backwards along the given axes.

    >>> rev(np.arange(3), (0,)).tolist()
    [2, 1, 0]
    """
    return ops.rev(as_array("rev", operand), tuple(dimensions))


def iota(dtype: DTypeLike, size: int) -> Array:
    """0, 1, ... below size.

    >>> iota(np.int32, 3).tolist()
    [0, 1, 2]
    """
    return ops.iota(canonical(dtype), canonical_shape("iota", (size,)), 0)


def broadcasted_iota(dtype: DTypeLike, shape: ShapeLike, dimension: int) -> Array:
    """Each element's position along one axis.

    >>> broadcasted_iota(np.int32, (2, 2), 1).tolist()
    [[0, 1], [0, 1]]
    """
    return ops.iota(canonical(dtype), canonical_shape("broadcasted_iota", shape), dimension)


def full(shape: ShapeLike, fill_value: ArrayLike, dtype: DTypeLike = None) -> Array:
    """An array of one number.

    >>> full((2,), 7).tolist()
    [7, 7]
    """
    value = as_operand("full", fill_value)
    wanted = common_dtype([value])[0] if dtype is None else canonical(dtype)
    number = convert(as_array("full", value), wanted)
    return ops.broadcast_in_dim(number, canonical_shape("full", shape), ())


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape that these shapes broadcast to together; that of nothing is ().

    Raises ShapeError if they do not.

    >>> broadcast_shapes((3, 1), (2,))
    (3, 2)
    """
    return common_shape("broadcast_shapes", [canonical_shape("broadcast_shapes", s) for s in shapes])


def dtype(x: Any) -> np.dtype[Any]:
    """The dtype of an array, or that an array of a number would have.

    >>> dtype(1.5)
    dtype('float32')
    """
    return common_dtype([as_operand("dtype", x)])[0]


def collapse(operand: ArrayLike, start_dimension: int, stop_dimension: int | None = None) -> Array:
    """The axes from start to stop (left out) as one; None means the end.

    Raises ArgumentError for axes that do not exist, or none.

    >>> collapse(np.zeros((2, 3, 4)), 0, 2).shape
    (6, 4)
    """
    x = as_array("collapse", operand)
    start = canonical_axis("collapse", start_dimension, x.aval)
    stop = x.ndim if stop_dimension is None else canonical_axis("collapse", stop_dimension, x.aval, x.ndim + 1) if (
        stop_dimension >= 0) else stop_dimension + x.ndim
    if not start < stop:
        raise argument_error(f"collapse: wanted at least one axis, got those from {start_dimension} to "
                             f"{stop_dimension} of {x.aval}")
    return ops.reshape(x, (*x.shape[:start], size_of(x.shape[start:stop]), *x.shape[stop:]))


def full_like(x: ArrayLike, fill_value: ArrayLike, dtype: DTypeLike = None, shape: ShapeLike | None = None) -> Array:
    """An array of one number, of x's shape and dtype.

    >>> full_like(np.zeros(2), 7).tolist()
    [7.0, 7.0]
    """
    like = as_array("full_like", x)
    return full(like.shape if shape is None else shape, fill_value, like.dtype if dtype is None else dtype)


def reduce_sum(operand: ArrayLike, axes: Sequence[int]) -> Array:
    """The sum over axes; of nothing, 0.

    >>> reduce_sum(np.arange(4), (0,)).item()
    6
    """
    return broadcasting.reduce_sum(as_array("reduce_sum", operand), axes)


def reduce_prod(operand: ArrayLike, axes: Sequence[int]) -> Array:
    """The product over axes; of nothing, 1.

    >>> reduce_prod(np.arange(1, 5), (0,)).item()
    24
    """
    return reduce.reduce_prod(as_array("reduce_prod", operand), axes)


def reduce_max(operand: ArrayLike, axes: Sequence[int]) -> Array:
    """The largest element over axes; NaN if there is one.

    >>> reduce_max(np.arange(4), (0,)).item()
    3
    """
    return reduce.reduce_max(as_array("reduce_max", operand), axes)


def reduce_min(operand: ArrayLike, axes: Sequence[int]) -> Array:
    """The smallest element over axes; NaN if there is one.

    >>> reduce_min(np.arange(4), (0,)).item()
    0
    """
    return reduce.reduce_min(as_array("reduce_min", operand), axes)


def reduce_and(operand: ArrayLike, axes: Sequence[int]) -> Array:
    """Whether all bools over axes are true; of nothing, True.

    >>> reduce_and(np.array([True, False]), (0,)).item()
    False
    """
    return reduce.reduce_and(as_array("reduce_and", operand), axes)


def reduce_or(operand: ArrayLike, axes: Sequence[int]) -> Array:
    """Whether some bool over axes is true; of nothing, False.

    >>> reduce_or(np.array([True, False]), (0,)).item()
    True
    """
    return reduce.reduce_or(as_array("reduce_or", operand), axes)


def argmax(operand: ArrayLike, axis: int, index_dtype: DTypeLike = np.int32) -> Array:
    """The position of the first largest element along an axis; of the first NaN if there is one.

    >>> argmax(np.array([1.0, 3.0, 3.0]), 0, np.int32).item()
    1
    """
    return convert(reduce.argmax(as_array("argmax", operand), axis), canonical(index_dtype))


def argmin(operand: ArrayLike, axis: int, index_dtype: DTypeLike = np.int32) -> Array:
    """The position of the first smallest element along an axis; of the first NaN if there is one.

    >>> argmin(np.array([1.0, 3.0, 3.0]), 0, np.int32).item()
    0
    """
    return convert(reduce.argmin(as_array("argmin", operand), axis), canonical(index_dtype))


def dot_general(lhs: ArrayLike, rhs: ArrayLike, dimension_numbers: DotDimensionNumbers,
                precision: PrecisionLike = None, preferred_element_type: DTypeLike = None) -> Array:
    """Sums of products over contracted axes, for each position of batch axes.

    dimension_numbers = ((contracted axes of lhs, of rhs), (batch axes of lhs, of rhs)). The result has the batch axes,
    then the other axes of lhs, then those of rhs. `precision` is checked, and always the highest. With
    `preferred_element_type` the result has that dtype; products are computed in it if it is the wider one.

    Raises ShapeError if sizes or dtypes do not agree, ArgumentError for what is no precision.

    >>> dot_general(np.eye(2), np.arange(2.0), (((1,), (0,)), ((), ()))).tolist()
    [0.0, 1.0]
    """
    contract, batch = dimension_numbers
    check_precision("dot_general", precision)
    return _product(as_array("dot_general", lhs), as_array("dot_general", rhs), contract, batch, preferred_element_type)


def _product(x: Array, y: Array, contract: tuple[Sequence[int], Sequence[int]],
             batch: tuple[Sequence[int], Sequence[int]], preferred: DTypeLike) -> Array:
    if preferred is None:
        return dots.dot_general(x, y, contract, batch)
    dtype = canonical(preferred)
    if dtype.itemsize > x.dtype.itemsize and x.dtype == y.dtype:
        x, y = cast(x, dtype), cast(y, dtype)
    return cast(dots.dot_general(x, y, contract, batch), dtype)


def dot(lhs: ArrayLike, rhs: ArrayLike, precision: PrecisionLike = None,
        preferred_element_type: DTypeLike = None) -> Array:
    """The product of vectors and matrices: the last axis of lhs with the first of rhs. `precision` and
    `preferred_element_type` as in `dot_general`.

    >>> dot(np.arange(3.0), np.arange(3.0)).item()
    5.0
    """
    x, y = as_array("dot", lhs), as_array("dot", rhs)
    if not (x.ndim and y.ndim):
        raise shape_error(f"dot: wanted arrays with axes, got {x.aval} and {y.aval}", "Use multiply.")
    check_precision("dot", precision)
    return _product(x, y, ((x.ndim - 1,), (0,)), ((), ()), preferred_element_type)


def batch_matmul(lhs: ArrayLike, rhs: ArrayLike, precision: PrecisionLike = None) -> Array:
    """Matrix products over the last two axes; all axes before them are batches. `precision` as in `dot_general`.

    >>> batch_matmul(np.ones((2, 3, 4)), np.ones((2, 4, 5))).shape
    (2, 3, 5)
    """
    x, y = as_array("batch_matmul", lhs), as_array("batch_matmul", rhs)
    if min(x.ndim, y.ndim) < 2:
        raise shape_error(f"batch_matmul: wanted matrices, got {x.aval} and {y.aval}", "Use dot.")
    check_precision("batch_matmul", precision)
    lead = tuple(range(x.ndim - 2))
    return dots.dot_general(x, y, ((x.ndim - 1,), (y.ndim - 2,)), (lead, lead))
