"""Writes at computed positions: `scatter` sets elements of an array, or folds updates into them.

The axes are those of `take` turned round: x has batch, before, size, after; indices have batch, positions; the updates
have batch, before, positions, after. What is out of range is dropped.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal as Choice
from typing import TypeAlias

import numpy as np

from lantern.dtypes import BOOL, F64, I32, is_complex, is_float
from lantern.errors import ShapeError
from lantern.lower.expr import Body, ReduceOp, row_major
from lantern.lower.kernel import Kernel, Scatter, Stage
from lantern.ops import shape as ops
from lantern.ops.broadcast import broadcast_in_dim, front, full, instantiate
from lantern.ops.build import ANYTHING, MOVABLE, NUMBERS, AnyArray, is_linear, unaccepted
from lantern.ops.compare import eq, ge, select
from lantern.ops.convert import convert
from lantern.ops.elementwise import clamp, div, mul
from lantern.ops.index import address, by_groups, check_indices, scatter_add, take, take_along_axis
from lantern.ops.pointwise import add
from lantern.ops.sort import argsort
from lantern.source import user_source
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind1, typeof
from lantern.trace.jaxpr import literal
from lantern.trace.primitive import Axis, Dims, Primitive, Tangent, Value, Zero
from lantern.trace.staging import with_line

By: TypeAlias = Choice["set", "add", "mul", "min", "max"]
_FOLDS: dict[By, ReduceOp | None] = {"set": None, "add": ReduceOp.SUM, "mul": ReduceOp.PROD, "min": ReduceOp.MIN,
                                     "max": ReduceOp.MAX}
_UFUNCS: dict[By, np.ufunc] = {"add": np.add, "mul": np.multiply, "min": np.minimum, "max": np.maximum}


def _abstract(x: ShapedArray, indices: ShapedArray, updates: ShapedArray, *, axis: int, by: By,
              batch: int) -> Sequence[ShapedArray]:
    check_indices("scatter", indices, x, batch)
    accepts = MOVABLE if by == "set" else NUMBERS if by in ("add", "mul") else ANYTHING
    if x.dtype not in accepts:
        raise unaccepted("scatter", x, accepts)
    wanted = (*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1:])
    if not batch <= axis < x.ndim or updates.shape != wanted or updates.dtype != x.dtype:
        raise ShapeError(f"scatter: updates of {x} at axis {axis} with indices {indices} must be "
                         f"{x.with_shape(wanted)}, got {updates}. Broadcast or convert them first")
    return [x.strong() if x.weak and not updates.weak else x]


def _impl(x: AnyArray, indices: AnyArray, updates: AnyArray, *, axis: int, by: By, batch: int) -> Sequence[AnyArray]:
    if 0 in updates.shape or 0 in x.shape:
        return [np.array(x)]
    wide = F64 if is_float(x.dtype) and by in ("add", "mul") else x.dtype
    out = np.array(by_groups(x, batch, axis, axis + 1).transpose(0, 2, 1, 3), wide)
    parts = by_groups(updates, batch, axis, axis + indices.ndim - batch).transpose(0, 2, 1, 3).astype(wide)
    places = by_groups(indices, batch, batch, indices.ndim)[:, 0, :, 0]
    rows, columns = np.nonzero((places >= 0) & (places < out.shape[1]))
    where = (rows, places[rows, columns])
    if by == "set":
        out[where] = parts[rows, columns]
    else:
        _UFUNCS[by].at(out, where, parts[rows, columns])
    return [out.transpose(0, 2, 1, 3).astype(x.dtype).reshape(x.shape)]


def _lower(avals: Sequence[ShapedArray], *, axis: int, by: By, batch: int) -> Kernel:
    x, indices, updates = [a.strong() for a in avals]
    body = Body(updates.ndim)
    value = body.load(2, row_major(updates.shape))
    place, inside = address(body, 1, x, indices, axis, batch)
    inside = inside if x.size else body.const(False, BOOL)
    store = Scatter(0, place, value, inside, _FOLDS[by], 0)
    return Kernel((x, indices, updates), (x,), (), (Stage(updates.shape, body.done(), stores=(store,)),))


def _jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *, axis: int, by: By,
         batch: int) -> Sequence[Tangent]:
    if type(tangents[0]) is Zero and type(tangents[2]) is Zero:
        return [Zero(typeof(outs[0]))]
    (x, indices, updates), dx, du = primals, instantiate(tangents[0]), instantiate(tangents[2])
    size = typeof(x).shape[axis]
    if 0 in typeof(x).shape or 0 in typeof(updates).shape:
        return [dx]
    match by:
        case "set" | "add":
            return [scatter(dx, indices, du, axis, by, batch=batch, unique=True)]
        case "mul":
            direct = scatter(dx, indices, updates, axis, "mul", batch=batch)
            others = _others_product(updates, indices, axis, batch)
            return [add(direct, mul(x, scatter_add(mul(du, others), indices, axis, size, batch=batch)))]
        case "min" | "max":
            # the mean of the tangents of all that have the extreme value, as in reduce_max
            there = take(outs[0], indices, axis, batch=batch)
            hit, hits = convert(eq(x, outs[0]), typeof(x).dtype), convert(eq(updates, there), typeof(x).dtype)
            count = scatter(hit, indices, hits, axis, "add", batch=batch)
            return [div(scatter(mul(dx, hit), indices, mul(du, hits), axis, "add", batch=batch), count)]


def _others_product(updates: Value, indices: Value, axis: int, batch: int) -> Value:
    """For each update the product of the others at its place: right with zeros, where the product of all divided by the
    update is not."""
    ordered, ids, order = _by_place(updates, indices, axis, batch)
    products = [_product_before(ordered, ids, axis, batch, sign) for sign in (1, -1)]
    nothing = instantiate(Zero(typeof(ordered)))
    back = scatter(nothing, order, mul(*products), axis, "set", batch=batch, unique=True)
    return ops.reshape(back, typeof(updates).shape)


def _by_place(updates: Value, indices: Value, axis: int, batch: int) -> tuple[Value, Value, Value]:
    """The updates in the order of their places, with one axis for all, these places, and the order."""
    shape, places = typeof(updates).shape, typeof(indices)
    count = math.prod(places.shape[batch:])
    flat = ops.reshape(updates, (*shape[:axis], count, *shape[axis + places.ndim - batch:]))
    ids = ops.reshape(indices, (*shape[:batch], count))
    order = argsort(ids, batch)
    return take(flat, order, axis, batch=batch), take_along_axis(ids, order, batch), order


def _product_before(ordered: Value, ids: Value, axis: int, batch: int, sign: int) -> Value:
    """For each update, in the order of places, the product of those of its place that come before it (after it, if the
    sign is negative), in doubling steps."""
    whole = typeof(ordered).shape
    count = whole[axis]

    def before(x: Value, step: int) -> Value:
        """The product of up to `step` updates of the same place that come before (after, if negative) each."""
        if abs(step) >= count:
            return full(whole, 1, typeof(x).dtype)
        moved = ops.pad(x, 1, [(step, -step, 0) if k == axis else (0, 0, 0) for k in range(len(whole))])
        return select(_like_neighbour(ids, whole, axis, batch, step), moved, 1)

    found, step = before(ordered, sign), 1
    while step < count:
        found, step = mul(found, before(found, sign * step)), 2 * step
    return found


def _like_neighbour(ids: Value, whole: Sequence[int], axis: int, batch: int, step: int) -> Value:
    """Whether what stands `step` before has the same place."""
    near = [(step, -step, 0) if k == batch else (0, 0, 0) for k in range(batch + 1)]
    return broadcast_in_dim(eq(ops.pad(ids, -1, near), ids), whole, (*range(batch), axis))


def _transpose(cts: Sequence[Tangent], args: Sequence[Value], *, axis: int, by: By,
               batch: int) -> Sequence[Value | None]:
    ct, (x, indices, updates) = cts[0], args
    assert by in ("set", "add") or not is_linear(updates), f"internal: scatter by {by} is not linear in its updates"
    back: Value | None = None
    if is_linear(x):
        match by:
            case "set":
                shape = updates.aval.shape if is_linear(updates) else typeof(updates).shape
                nothing = instantiate(Zero(typeof(ct).with_shape(shape)))
                back = scatter(ct, indices, nothing, axis, "set", batch=batch, unique=True)
            case "mul":
                back = scatter(ct, indices, updates, axis, "mul", batch=batch)
            case _:
                back = ct
    read = take(ct, indices, axis, batch=batch, mode="zero") if is_linear(updates) else None
    return [back, None, read]


def _batch(axis_new: Axis, args: Sequence[Value], dims: Dims, *, axis: int, by: By,
           batch: int) -> tuple[Sequence[Value], Dims]:
    x, updates = front(args[0], dims[0], axis_new.size), front(args[2], dims[2], axis_new.size)
    if dims[1] is None and batch == 0:
        return [bind1(scatter_p, x, args[1], updates, axis=axis + 1, by=by, batch=0)], [0]
    indices = front(args[1], dims[1], axis_new.size)
    return [bind1(scatter_p, x, indices, updates, axis=axis + 1, by=by, batch=batch + 1)], [0]


scatter_p = Primitive("scatter", _abstract, _impl, _lower, _batch, _jvp, transpose=_transpose)


def scatter(x: Value, indices: Value, updates: Value, axis: int, by: By, *, batch: int = 0,
            unique: bool = False) -> Value:
    """x with the updates folded in at `indices` (i32) along `axis`; the first `batch` axes of all three are shared.

    Where indices repeat, "add", "mul", "min" and "max" combine (floats are added in no fixed order), and "set" keeps
    the last update, on every device. `unique` promises that none repeats, which makes "set" cheaper; a broken promise
    leaves one of the updates. Raises ShapeError if indices are not i32 or the updates do not fit them.

    >>> scatter(np.float32([1, 2, 3]), np.int32([0, 2, 0, 9]), np.float32([4, 5, 6, 7]), 0, "set").tolist()
    [6.0, 2.0, 5.0]
    """
    indices = literal(indices, I32) if type(indices) is int else indices
    shape = typeof(indices).shape
    empty = 0 in typeof(x).shape or 0 in shape
    if by == "set" and not unique and not empty and math.prod(shape[batch:]) > 1:
        return _last_wins(x, indices, updates, axis, batch)
    if by == "mul" and is_complex(typeof(x).dtype) and not empty:
        return _multiplied(x, indices, updates, axis, batch)
    return bind1(scatter_p, x, indices, updates, axis=axis, by=by, batch=batch)


def _check(x: Value, indices: Value, updates: Value, axis: int, by: By, batch: int) -> None:
    """Raises what binding the primitive would, for what is written in other ones."""
    try:
        _abstract(typeof(x), typeof(indices), typeof(updates), axis=axis, by=by, batch=batch)
    except ShapeError as error:
        raise with_line(error, user_source()) from None


def _multiplied(x: Value, indices: Value, updates: Value, axis: int, batch: int) -> Value:
    """x times the product of the updates at each place, by bringing these together: a device that cannot change the
    eight bytes of a complex number at once cannot multiply in place."""
    _check(x, indices, updates, axis, "mul", batch)
    ordered, ids, _ = _by_place(updates, indices, axis, batch)
    products = mul(ordered, _product_before(ordered, ids, axis, batch, 1))
    last = select(_like_neighbour(ids, typeof(ids).shape, batch, batch, -1), -1, ids)
    ones = full(typeof(x).shape, 1, typeof(x).dtype)
    return mul(x, scatter(ones, last, products, axis, "set", batch=batch, unique=True))


def _last_wins(x: Value, indices: Value, updates: Value, axis: int, batch: int) -> Value:
    """Each element of x looks up the last update that names it: no order of writes is left to chance."""
    aval, places = typeof(x), typeof(indices)
    _check(x, indices, updates, axis, "set", batch)
    lead, count = aval.shape[:batch], math.prod(places.shape[batch:])
    numbers = ops.reshape(ops.iota(I32, (*lead, count), batch), places.shape)
    nobody = full((*lead, aval.shape[axis]), -1, I32)
    winner = scatter(nobody, indices, numbers, batch, "max", batch=batch)
    flat = ops.reshape(updates, (*aval.shape[:axis], count, *aval.shape[axis + 1:]))
    found = take(flat, clamp(0, winner, count - 1), axis, batch=batch)
    written = broadcast_in_dim(ge(winner, 0), aval.shape, (*range(batch), axis))
    return select(written, found, x)
