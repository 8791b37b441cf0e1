"""Reads at computed positions (`take`), and the additions at computed positions that are their transpositions.

Axes in front may be shared: x has axes batch, before, size, after; indices have batch, positions; what is read has
batch, before, positions, after.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal as Choice
from typing import TypeAlias

import numpy as np

from lantern.dtypes import BOOL, F64, I32, is_float
from lantern.errors import ShapeError
from lantern.lower import views
from lantern.lower.expr import Body, Ref, ScalarOp, row_major
from lantern.lower.kernel import Kernel, Scatter, Stage
from lantern.ops.broadcast import front
from lantern.ops.build import NUMBERS, AnyArray, check_axes, linear, unaccepted
from lantern.ops.elementwise import clamp
from lantern.ops.shape import transpose
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind1, typeof
from lantern.trace.jaxpr import literal
from lantern.trace.primitive import Axis, Dims, Value

Mode: TypeAlias = Choice["clip", "zero"]


def check_indices(name: str, indices: ShapedArray, x: ShapedArray, batch: int) -> None:
    """Raises ShapeError unless the indices are i32 and share the first `batch` axes of x."""
    if indices.dtype != I32:
        raise ShapeError(f"{name}: indices must be i32, got {indices}. Convert them first")
    if indices.ndim < batch or indices.shape[:batch] != x.shape[:batch]:
        raise ShapeError(f"{name}: the first {batch} axes must agree, got {x} and indices {indices}")


def _take_abstract(x: ShapedArray, indices: ShapedArray, *, axis: int, batch: int, mode: Mode) -> Sequence[ShapedArray]:
    check_axes("take", x, (axis, *range(batch)))
    check_indices("take", indices, x, batch)
    if x.shape[axis] == 0 and mode == "clip" and indices.size:
        raise ShapeError(f"take: nothing can be read from {x}, whose axis {axis} is empty")
    return [x.with_shape((*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1:]))]


def by_groups(x: AnyArray, batch: int, axis: int, last: int) -> AnyArray:
    """x with its axes merged into four: batch, before, from `axis` to `last`, after."""
    groups = (x.shape[:batch], x.shape[batch:axis], x.shape[axis:last], x.shape[last:])
    return x.reshape([math.prod(g) for g in groups])


def _take_impl(x: AnyArray, indices: AnyArray, *, axis: int, batch: int, mode: Mode) -> Sequence[AnyArray]:
    shape = (*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1:])
    if 0 in shape or 0 in x.shape:
        return [np.zeros(shape, x.dtype)]
    x = by_groups(x, batch, axis, axis + 1)
    places = by_groups(indices, batch, batch, indices.ndim)[:, 0, :, 0]
    rows = np.arange(len(x))[:, None]
    found = x[rows, :, np.clip(places, 0, x.shape[2] - 1), :]       # axes batch, positions, before, after
    if mode == "zero":
        inside = (places >= 0) & (places < x.shape[2])
        found = np.where(inside[:, :, None, None], found, np.zeros((), x.dtype))
    return [found.transpose(0, 2, 1, 3).reshape(shape)]


def _weighted(body: Body, start: Ref, terms: Sequence[tuple[int, int]]) -> Ref:
    """start + the sum of the loop's positions along axes times strides, in i32."""
    for axis, stride in terms:
        if stride:
            term = body.apply(ScalarOp.MUL, body.index(axis), body.const(stride, I32), dtype=I32)
            start = body.apply(ScalarOp.ADD, start, term, dtype=I32)
    return start


def address(body: Body, arg: int, array: ShapedArray, indices: ShapedArray, axis: int, batch: int) -> tuple[Ref, Ref]:
    """For one point of `take`'s result (or `scatter_add`'s updates): the flat place in `array` that the index names,
    kept in range, and whether it was in range."""
    rank = indices.ndim - batch
    lies = row_major(indices.shape)
    loads = (*lies[:batch], *[0] * (axis - batch), *lies[batch:], *[0] * (array.ndim - axis - 1))
    index = body.load(arg, loads)
    zero, last = body.const(0, I32), body.const(max(array.shape[axis] - 1, 0), I32)
    inside = body.apply(ScalarOp.AND, body.apply(ScalarOp.GE, index, zero, dtype=BOOL),
                        body.apply(ScalarOp.LE, index, last, dtype=BOOL), dtype=BOOL)
    clipped = body.apply(ScalarOp.MIN, body.apply(ScalarOp.MAX, index, zero, dtype=I32), last, dtype=I32)
    strides = row_major(array.shape)
    start = body.apply(ScalarOp.MUL, clipped, body.const(strides[axis], I32), dtype=I32)
    before = [(k, strides[k]) for k in range(axis)]
    after = [(k + rank - 1, strides[k]) for k in range(axis + 1, array.ndim)]
    return _weighted(body, start, before + after), inside


def _take_lower(avals: Sequence[ShapedArray], *, axis: int, batch: int, mode: Mode) -> Kernel:
    x, indices = avals
    out = _take_abstract(x, indices, axis=axis, batch=batch, mode=mode)[0]

    def emit(body: Body) -> Ref:
        if x.size == 0:
            return body.const(0, x.dtype)
        place, inside = address(body, 1, x, indices, axis, batch)
        found = body.gather(0, place)
        if mode == "clip":
            return found
        return body.apply(ScalarOp.SELECT, inside, found, body.const(0, x.dtype), dtype=x.dtype)

    return views.loop_nest(avals, out, emit)


def _take_transpose(ct: Value, aval: ShapedArray, indices: Value, *, axis: int, batch: int, mode: Mode) -> Value:
    size = aval.shape[axis]
    places = clamp(0, indices, max(size - 1, 0)) if mode == "clip" else indices
    return scatter_add(ct, places, axis, size, batch=batch)


def _take_batch(axis_new: Axis, args: Sequence[Value], dims: Dims, *, axis: int, batch: int,
                mode: Mode) -> tuple[Sequence[Value], Dims]:
    (x, indices), (dim_x, dim_indices) = args, dims
    if dim_indices is None and batch == 0:
        return [take(x, indices, axis + 1, mode=mode)], [0]
    if dim_x is None and batch == 0:        # the new axis is one more axis of positions
        out = take(x, indices, axis, mode=mode)
        return [transpose(out, (axis, *[k for k in range(typeof(out).ndim) if k != axis]))], [0]
    x, indices = front(x, dim_x, axis_new.size), front(indices, dim_indices, axis_new.size)
    return [take(x, indices, axis + 1, batch=batch + 1, mode=mode)], [0]


take_p = linear("take", _take_abstract, _take_impl, _take_lower, _take_transpose, batch_all=_take_batch)


def take(x: Value, indices: Value, axis: int, *, batch: int = 0, mode: Mode = "clip") -> Value:
    """The elements at `indices` (i32) along `axis`, whose place the indices' axes take. The first `batch` axes of both
    are shared. Indices out of range are clipped, or read 0 with mode "zero"; they are not counted from the end.

    Raises ShapeError if the indices are not i32 or there is nothing to read.

    >>> take(np.float32([[1, 2, 3], [4, 5, 6]]), np.int32([2, 0, 9]), 1).tolist()
    [[3.0, 1.0, 3.0], [6.0, 4.0, 6.0]]
    """
    indices = literal(indices, I32) if type(indices) is int else indices
    return bind1(take_p, x, indices, axis=axis, batch=batch, mode=mode)


def take_along_axis(x: Value, indices: Value, axis: int, *, mode: Mode = "clip") -> Value:
    """For each line of x along `axis` the elements at its own `indices` (i32, the shape of x but for that axis).

    Raises ShapeError if the other axes differ in size.

    >>> take_along_axis(np.float32([[1, 2, 3], [4, 5, 6]]), np.int32([[2], [0]]), 1).tolist()
    [[3.0], [4.0]]
    """
    rest = [k for k in range(typeof(x).ndim) if k != axis]
    found = take(transpose(x, [*rest, axis]), transpose(indices, [*rest, axis]), len(rest), batch=len(rest), mode=mode)
    return transpose(found, sorted(range(len(rest) + 1), key=[*rest, axis].__getitem__))


def _scatter_shape(updates: ShapedArray, indices: ShapedArray, axis: int, batch: int, size: int) -> ShapedArray:
    return updates.with_shape((*updates.shape[:axis], size, *updates.shape[axis + indices.ndim - batch:]))


def _scatter_abstract(updates: ShapedArray, indices: ShapedArray, *, axis: int, batch: int,
                      size: int) -> Sequence[ShapedArray]:
    check_indices("scatter_add", indices, updates, batch)
    if updates.dtype not in NUMBERS:
        raise unaccepted("scatter_add", updates, NUMBERS)
    rank = indices.ndim - batch
    if not batch <= axis <= updates.ndim - rank or updates.shape[axis:axis + rank] != indices.shape[batch:]:
        raise ShapeError(f"scatter_add: the updates' axes from {axis} on must be those of the indices (without {batch} "
                         f"batch axes), got {updates} and indices {indices}")
    return [_scatter_shape(updates, indices, axis, batch, size)]


def _scatter_impl(updates: AnyArray, indices: AnyArray, *, axis: int, batch: int, size: int) -> Sequence[AnyArray]:
    rank = indices.ndim - batch
    shape = (*updates.shape[:axis], size, *updates.shape[axis + rank:])
    wide = F64 if is_float(updates.dtype) else updates.dtype
    if 0 in updates.shape or 0 in shape:
        return [np.zeros(shape, updates.dtype)]
    parts = by_groups(updates.astype(wide), batch, axis, axis + rank).transpose(0, 2, 1, 3)
    places = by_groups(indices, batch, batch, indices.ndim)[:, 0, :, 0]
    total = np.zeros((parts.shape[0], size, *parts.shape[2:]), wide)
    rows, columns = np.nonzero((places >= 0) & (places < size))
    np.add.at(total, (rows, places[rows, columns]), parts[rows, columns])
    return [total.transpose(0, 2, 1, 3).astype(updates.dtype).reshape(shape)]


def _scatter_lower(avals: Sequence[ShapedArray], *, axis: int, batch: int, size: int) -> Kernel:
    updates, indices = avals[0].strong(), avals[1].strong()
    out = _scatter_shape(updates, indices, axis, batch, size)
    body = Body(updates.ndim)
    value = body.load(0, row_major(updates.shape))
    place, inside = address(body, 1, out, indices, axis, batch)
    if size == 0:
        inside = body.const(False, BOOL)
    store = Scatter(0, place, value, inside)
    return Kernel((updates, indices), (out,), (), (Stage(updates.shape, body.done(), stores=(store,)),))


def _scatter_transpose(ct: Value, aval: ShapedArray, indices: Value, *, axis: int, batch: int, size: int) -> Value:
    return take(ct, indices, axis, batch=batch, mode="zero")


def _scatter_batch(axis_new: Axis, args: Sequence[Value], dims: Dims, *, axis: int, batch: int,
                   size: int) -> tuple[Sequence[Value], Dims]:
    (updates, indices), (dim_updates, dim_indices) = args, dims
    if dim_indices is None and batch == 0:
        return [scatter_add(updates, indices, axis + 1, size)], [0]
    updates = front(updates, dim_updates, axis_new.size)
    indices = front(indices, dim_indices, axis_new.size)
    return [scatter_add(updates, indices, axis + 1, size, batch=batch + 1)], [0]


scatter_add_p = linear("scatter_add", _scatter_abstract, _scatter_impl, _scatter_lower, _scatter_transpose,
                       batch_all=_scatter_batch)


def scatter_add(updates: Value, indices: Value, axis: int, size: int, *, batch: int = 0) -> Value:
    """Zeros, `size` of them along `axis`, to which the updates are added at `indices` (i32); what is out of range is
    dropped. The updates' axes: batch, before, those of the indices (from `axis` on), after. The order of additions at
    one place is not fixed.

    Raises ShapeError if the indices are not i32 or the updates do not fit them.

    >>> scatter_add(np.float32([1, 2, 3, 4]), np.int32([0, 2, 0, 9]), 0, 3).tolist()
    [4.0, 0.0, 2.0]
    """
    indices = literal(indices, I32) if type(indices) is int else indices
    return bind1(scatter_add_p, updates, indices, axis=axis, batch=batch, size=size)
