"""broadcast_in_dim and reduce_sum: each is the transposition of the other. And arrays made of one number."""
from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from lantern.errors import ShapeError
from lantern.lower import scalar, views
from lantern.lower.expr import DType, ReduceOp, row_major
from lantern.lower.kernel import Kernel
from lantern.ops.build import NUMBERS, AnyArray, as_operand, check_axes, linear, unaccepted
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind1, typeof
from lantern.trace.jaxpr import Literal
from lantern.trace.primitive import Axis, Tangent, Value, Zero


def _broadcast_abstract(x: ShapedArray, *, shape: tuple[int, ...], dims: tuple[int, ...]) -> Sequence[ShapedArray]:
    increasing = all(a < b for a, b in itertools.pairwise(dims))
    if len(dims) != x.ndim or not increasing or not all(0 <= d < len(shape) for d in dims):
        raise ShapeError(f"broadcast_in_dim: wanted one axis of {shape} for each axis of the operand, increasing, got "
                         f"dims={dims} for {x}")
    for k, d in enumerate(dims):
        if x.shape[k] not in (1, shape[d]):
            raise ShapeError(f"broadcast_in_dim: axis {k} of the operand must have size 1 or {shape[d]} (axis {d} of "
                             f"{shape}), got {x}")
    return [x.with_shape(shape)]


def _broadcast_impl(x: AnyArray, *, shape: tuple[int, ...], dims: tuple[int, ...]) -> Sequence[AnyArray]:
    between = [1] * len(shape)
    for k, d in enumerate(dims):
        between[d] = x.shape[k]
    return [np.broadcast_to(x.reshape(between), shape).copy()]


def _broadcast_lower(avals: Sequence[ShapedArray], *, shape: tuple[int, ...], dims: tuple[int, ...]) -> Kernel:
    strides = [0] * len(shape)
    for d, stride in zip(dims, row_major(avals[0].shape), strict=True):     # row_major gives 0 where the size is 1
        strides[d] = stride
    return views.view(avals[0], avals[0].with_shape(shape), 0, strides)


def _broadcast_transpose(ct: Value, aval: ShapedArray, *, shape: tuple[int, ...], dims: tuple[int, ...]) -> Value:
    stretched = [d for k, d in enumerate(dims) if aval.shape[k] != shape[d]]
    summed = reduce_sum(ct, tuple([d for d in range(len(shape)) if d not in dims or d in stretched]))
    kept = tuple([k for k, d in enumerate(dims) if d not in stretched])
    return broadcast_in_dim(summed, aval.shape, kept)


def _broadcast_batch(axis: Axis, x: Value, *, shape: tuple[int, ...], dims: tuple[int, ...]) -> Value:
    return broadcast_in_dim(x, (axis.size, *shape), (0, *[d + 1 for d in dims]))


broadcast_in_dim_p = linear("broadcast_in_dim", _broadcast_abstract, _broadcast_impl, _broadcast_lower,
                            _broadcast_transpose, _broadcast_batch)


def broadcast_in_dim(x: Value, shape: Sequence[int], dims: Sequence[int]) -> Value:
    """`x` repeated to `shape`: axis k of x becomes axis dims[k], where it has the same size or size 1.

    Raises ShapeError if `dims` are not increasing or a size does not fit.

    >>> broadcast_in_dim(np.float32([1, 2]), (3, 2), (1,)).shape
    (3, 2)
    """
    x, shape = as_operand(x), tuple(shape)
    if type(x) is not Literal and typeof(x).shape == shape and len(shape) == len(dims):
        return x
    return bind1(broadcast_in_dim_p, x, shape=shape, dims=tuple(dims))


def _sum_abstract(x: ShapedArray, *, axes: tuple[int, ...]) -> Sequence[ShapedArray]:
    check_axes("reduce_sum", x, axes)
    if x.dtype not in NUMBERS:
        raise unaccepted("reduce_sum", x, NUMBERS)
    return [without_axes(x, axes)]


def _sum_impl(x: AnyArray, *, axes: tuple[int, ...]) -> Sequence[AnyArray]:
    return [scalar.fold(ReduceOp.SUM, merged_last(x, axes))]


def _sum_lower(avals: Sequence[ShapedArray], *, axes: tuple[int, ...]) -> Kernel:
    return views.reduction(avals[0], without_axes(avals[0], axes), ReduceOp.SUM, axes)


def _sum_transpose(ct: Value, aval: ShapedArray, *, axes: tuple[int, ...]) -> Value:
    return broadcast_in_dim(ct, aval.shape, tuple([k for k in range(aval.ndim) if k not in axes]))


def _sum_batch(axis: Axis, x: Value, *, axes: tuple[int, ...]) -> Value:
    return reduce_sum(x, [a + 1 for a in axes])


reduce_sum_p = linear("reduce_sum", _sum_abstract, _sum_impl, _sum_lower, _sum_transpose, _sum_batch)


def reduce_sum(x: Value, axes: Sequence[int]) -> Value:
    """The sum over `axes`, which go. 16-bit floats are summed in f32, integers wrap, no elements give 0.

    Raises ShapeError for bools and for axes that x does not have.

    >>> reduce_sum(np.float32([[1, 2], [3, 4]]), (0,)).tolist()
    [4.0, 6.0]
    """
    return bind1(reduce_sum_p, x, axes=tuple(sorted(axes))) if axes else x


def without_axes(aval: ShapedArray, axes: Sequence[int]) -> ShapedArray:
    """The aval of a reduction's result."""
    return aval.with_shape(tuple([n for k, n in enumerate(aval.shape) if k not in axes]))


def merged_last(x: AnyArray, axes: Sequence[int]) -> AnyArray:
    """A NumPy array with `axes` merged into one, at the end."""
    kept = [k for k in range(x.ndim) if k not in axes]
    count = int(np.prod([x.shape[k] for k in axes], dtype=np.int64))
    return x.transpose([*kept, *axes]).reshape([*[x.shape[k] for k in kept], count])


def full(shape: tuple[int, ...], value: bool | int | float, dtype: DType, weak: bool = False) -> Value:
    """An array of one number; for rank 0 the number itself, as a literal.

    >>> full((2,), 7, np.dtype("int32")).tolist()
    [7, 7]
    """
    number = Literal(value, shaped((), dtype, weak))
    return bind1(broadcast_in_dim_p, number, shape=shape, dims=()) if shape else number


def instantiate(tangent: Tangent) -> Value:
    """A tangent or cotangent with its zeros written out."""
    if type(tangent) is not Zero:
        return tangent
    return full(tangent.aval.shape, 0, tangent.aval.dtype, tangent.aval.weak)


def front(x: Value, dim: int | None, size: int) -> Value:
    """An operand with the new axis in front, repeated if it has none."""
    if dim == 0:
        return x
    shape = typeof(x).shape
    return broadcast_in_dim(x, (size, *shape), tuple(range(1, len(shape) + 1)))
