"""Windows at computed positions: `dynamic_slice` reads one, `dynamic_update_slice` writes one.

A window has one start for each axis (an i32 number), `sizes` that are known and fixed `strides`. As in XLA it is moved
until it lies inside the array. Writing touches the window alone where the old array is not needed any more.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lantern.dtypes import BOOL, I32
from lantern.errors import ShapeError
from lantern.lower import views
from lantern.lower.expr import Body, Ref, ScalarOp, row_major
from lantern.lower.kernel import Kernel, Scatter, Stage
from lantern.ops import shape as ops
from lantern.ops.broadcast import broadcast_in_dim, front, full, instantiate
from lantern.ops.build import AnyArray, is_linear, linear
from lantern.ops.elementwise import clamp, mul
from lantern.ops.index import take
from lantern.ops.pointwise import add
from lantern.ops.scatter import scatter
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind1, typeof
from lantern.trace.jaxpr import literal
from lantern.trace.primitive import Axis, Dims, Primitive, Tangent, Value, Zero

Sizes = tuple[int, ...]


def _check(name: str, x: ShapedArray, starts: Sequence[ShapedArray], sizes: Sizes, strides: Sizes) -> None:
    if not len(starts) == len(sizes) == len(strides) == x.ndim:
        raise ShapeError(f"{name}: wanted one start, size and stride for each axis of {x}, got {len(starts)} starts, "
                         f"sizes {sizes} and strides {strides}")
    if any(s.shape or s.dtype != I32 for s in starts):
        shown = ", ".join(map(str, starts))
        raise ShapeError(f"{name}: starts must be i32 numbers (rank 0), got {shown}. Convert them first")
    if any(s < 1 for s in strides) or any(n < 0 for n in sizes) or any(m < 0 for m in _ends(x, sizes, strides)):
        step = f" with strides {strides}" if any(s != 1 for s in strides) else ""
        raise ShapeError(f"{name}: a window of sizes {sizes}{step} does not fit into {x}. "
                         "Sizes may be at most those of the array")


def _ends(x: ShapedArray, sizes: Sizes, strides: Sizes) -> list[int]:
    """The last position at which the window can start, for each axis."""
    return [n - (max(k - 1, 0) * s + min(k, 1)) for n, k, s in zip(x.shape, sizes, strides, strict=True)]


def _cuts(x: AnyArray, starts: Sequence[AnyArray], sizes: Sizes, strides: Sizes) -> tuple[slice, ...]:
    spans = [max(k - 1, 0) * s + min(k, 1) for k, s in zip(sizes, strides, strict=True)]
    begins = [int(np.clip(b, 0, n - w)) for b, n, w in zip(starts, x.shape, spans, strict=True)]
    return tuple([slice(b, b + w, s) for b, w, s in zip(begins, spans, strides, strict=True)])


def _place(body: Body, first: int, x: ShapedArray, sizes: Sizes, strides: Sizes) -> Ref:
    """The flat place in x of one point of the window; the starts are the operands from `first` on."""
    lies = row_major(x.shape)
    place = body.const(0, I32)
    for k, last in enumerate(_ends(x, sizes, strides)):
        if last and lies[k]:
            start = body.apply(ScalarOp.MAX, body.load(first + k, (0,) * body.rank), body.const(0, I32), dtype=I32)
            start = body.apply(ScalarOp.MIN, start, body.const(last, I32), dtype=I32)
            step = body.apply(ScalarOp.MUL, start, body.const(lies[k], I32), dtype=I32)
            place = body.apply(ScalarOp.ADD, place, step, dtype=I32)
    for k, n in enumerate(sizes):
        if n != 1 and lies[k]:
            step = body.apply(ScalarOp.MUL, body.index(k), body.const(lies[k] * strides[k], I32), dtype=I32)
            place = body.apply(ScalarOp.ADD, place, step, dtype=I32)
    return place


def _slice_abstract(x: ShapedArray, *starts: ShapedArray, sizes: Sizes, strides: Sizes) -> Sequence[ShapedArray]:
    _check("dynamic_slice", x, starts, sizes, strides)
    return [x.with_shape(sizes)]


def _slice_impl(x: AnyArray, *starts: AnyArray, sizes: Sizes, strides: Sizes) -> Sequence[AnyArray]:
    return [x[_cuts(x, starts, sizes, strides)]]


def _slice_lower(avals: Sequence[ShapedArray], *, sizes: Sizes, strides: Sizes) -> Kernel:
    x = avals[0]

    def emit(body: Body) -> Ref:
        return body.const(0, x.dtype) if 0 in sizes else body.gather(0, _place(body, 1, x, sizes, strides))

    return views.loop_nest(avals, x.with_shape(sizes), emit)


def _slice_transpose(ct: Value, aval: ShapedArray, *starts: Value, sizes: Sizes, strides: Sizes) -> Value:
    return _update(instantiate(Zero(aval)), ct, starts, strides)


def _slice_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, sizes: Sizes,
                 strides: Sizes) -> tuple[Sequence[Value], Dims]:
    if all(d is None for d in dims[1:]):
        starts = (literal(0, I32), *args[1:])
        return [bind1(dynamic_slice_p, args[0], *starts, sizes=(axis.size, *sizes), strides=(1, *strides))], [0]
    flat, places, batch = _flat(axis, args[0], dims[0], args[1:], dims[1:], sizes, strides)
    return [ops.reshape(take(flat, places, batch, batch=batch), (axis.size, *sizes))], [0]


def _flat(axis: Axis, x: Value, dim: int | None, starts: Sequence[Value], dims: Dims, sizes: Sizes,
          strides: Sizes) -> tuple[Value, Value, int]:
    """x with all axes but the new one merged; the places of each window's elements in it; how many axes both share."""
    whole = typeof(x)
    shape = whole.shape if dim is None else whole.shape[1:]
    flat = ops.reshape(x, (*whole.shape[:whole.ndim - len(shape)], int(np.prod(shape, dtype=np.int64))))
    inner = whole.with_shape(shape)
    lies, total = row_major(shape), (axis.size, *sizes)
    places: Value = full(total, 0, I32)
    for k, (start, d, last) in enumerate(zip(starts, dims, _ends(inner, sizes, strides), strict=True)):
        first = mul(clamp(0, front(start, d, axis.size), last), lies[k])
        places = add(places, broadcast_in_dim(first, total, (0,)))
        places = add(places, mul(ops.iota(I32, total, k + 1), lies[k] * strides[k]))
    return flat, ops.reshape(places, (axis.size, int(np.prod(sizes, dtype=np.int64)))), int(dim is not None)


dynamic_slice_p = linear("dynamic_slice", _slice_abstract, _slice_impl, _slice_lower, _slice_transpose,
                         batch_all=_slice_batch)


def dynamic_slice(x: Value, starts: Sequence[Value], sizes: Sequence[int],
                  strides: Sequence[int] | None = None) -> Value:
    """The window of `sizes` that begins at `starts` (i32 numbers), moved until it lies inside x.

    Raises ShapeError if the window is larger than x or the starts are not one i32 number for each axis.

    >>> dynamic_slice(np.int32([1, 2, 3, 4]), [np.int32(9)], (2,)).tolist()
    [3, 4]
    """
    starts = [literal(s, I32) if type(s) is int else s for s in starts]
    return bind1(dynamic_slice_p, x, *starts, sizes=tuple(sizes), strides=tuple(strides or (1,) * len(sizes)))


def _update_abstract(x: ShapedArray, u: ShapedArray, *starts: ShapedArray, strides: Sizes) -> Sequence[ShapedArray]:
    if u.dtype != x.dtype or u.ndim != x.ndim:
        raise ShapeError("dynamic_update_slice: the update must have the dtype and rank of the array, got "
                         f"{u} for {x}. Convert or reshape it first")
    _check("dynamic_update_slice", x, starts, u.shape, strides)
    return [x.strong() if x.weak and not u.weak else x]


def _update_impl(x: AnyArray, u: AnyArray, *starts: AnyArray, strides: Sizes) -> Sequence[AnyArray]:
    out = np.array(x)
    out[_cuts(x, starts, u.shape, strides)] = u
    return [out]


def _update_lower(avals: Sequence[ShapedArray], *, strides: Sizes) -> Kernel:
    x, u = avals[0].strong(), avals[1].strong()
    body = Body(u.ndim)
    value = body.load(1, row_major(u.shape))
    place = _place(body, 2, x, u.shape, strides)
    store = Scatter(0, place, value, body.const(True, BOOL), None, 0)
    return Kernel((x, u, *[a.strong() for a in avals[2:]]), (x,), (), (Stage(u.shape, body.done(), stores=(store,)),))


def _update_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *,
                strides: Sizes) -> Sequence[Tangent]:
    if all(type(t) is Zero for t in tangents[:2]):
        return [Zero(typeof(outs[0]))]
    return [_update(instantiate(tangents[0]), instantiate(tangents[1]), primals[2:], strides)]


def _update_transpose(cts: Sequence[Tangent], args: Sequence[Value], *, strides: Sizes) -> Sequence[Value | None]:
    ct, (x, u, *starts) = cts[0], args
    inside = typeof_operand(u)
    nothing = Zero(inside.with_dtype(typeof(ct).dtype))
    back_x = _update(ct, instantiate(nothing), starts, strides) if is_linear(x) else None
    back_u = dynamic_slice(ct, starts, inside.shape, strides) if is_linear(u) else None
    return [back_x, back_u, *[None] * len(starts)]


def typeof_operand(x: Value) -> ShapedArray:
    """The aval of an operand that may be under transposition."""
    return x.aval if is_linear(x) else typeof(x)


def _update_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, strides: Sizes) -> tuple[Sequence[Value], Dims]:
    x, u = front(args[0], dims[0], axis.size), front(args[1], dims[1], axis.size)
    if all(d is None for d in dims[2:]):
        return [_update(x, u, (literal(0, I32), *args[2:]), (1, *strides))], [0]
    shape, sizes = typeof(x).shape, typeof(u).shape[1:]
    flat, places, batch = _flat(axis, x, 0, args[2:], dims[2:], sizes, strides)
    updates = ops.reshape(u, typeof(places).shape)
    return [ops.reshape(scatter(flat, places, updates, batch, "set", batch=batch, unique=True), shape)], [0]


dynamic_update_slice_p = Primitive("dynamic_update_slice", _update_abstract, _update_impl, _update_lower, _update_batch,
                                   _update_jvp, transpose=_update_transpose)


def _update(x: Value, u: Value, starts: Sequence[Value], strides: Sizes) -> Value:
    return bind1(dynamic_update_slice_p, x, u, *starts, strides=strides)


def dynamic_update_slice(x: Value, update: Value, starts: Sequence[Value],
                         strides: Sequence[int] | None = None) -> Value:
    """x with `update` in the window that begins at `starts` (i32 numbers), moved until it lies inside x.

    Raises ShapeError if the update is larger than x or of another dtype or rank.

    >>> dynamic_update_slice(np.int32([1, 2, 3, 4]), np.int32([7, 8]), [np.int32(1)]).tolist()
    [1, 7, 8, 4]
    """
    starts = [literal(s, I32) if type(s) is int else s for s in starts]
    if not typeof(x).ndim:
        _update_abstract(typeof(x), typeof(update), *map(typeof, starts), strides=())
        return update
    return _update(x, update, starts, tuple(strides or (1,) * len(starts)))
