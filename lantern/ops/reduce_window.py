"""Sums and extrema of sliding windows, without padding: pooling, with its gradients.

The derivative of an extremum follows the element that won, the first of equal ones. `window_position` says which that
is; `window_pick` reads elements at such positions, and `window_place`, its transposition, adds them there. Everything
is deterministic: a place asks the windows over it, and no window writes.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from lantern.dtypes import I32, is_float
from lantern.errors import ShapeError
from lantern.lower import scalar, views
from lantern.lower.expr import ReduceOp
from lantern.ops import shape as ops
from lantern.ops.broadcast import broadcast_in_dim, full, reduce_sum
from lantern.ops.build import NUMBERS, REALS, AnyArray, linear, listed, unaccepted
from lantern.ops.compare import eq, is_nan, select
from lantern.ops.convert import convert
from lantern.ops.elementwise import max, min, or_
from lantern.ops.patches import UNROLLED, Slide, check_slides, elements, overlap_add, patches, patches_p
from lantern.ops.pointwise import add, zero_tangents
from lantern.ops.reduce import argmax, argmin, reduce_max, reduce_min
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind1, typeof
from lantern.trace.jaxpr import Jaxpr
from lantern.trace.primitive import Axis, Dims, Primitive, Rewritten, Tangent, Value, Zero
from lantern.trace.staging import trace_closed

Slides = tuple[Slide, ...]


def _counted(name: str, x: ShapedArray, slides: Slides) -> ShapedArray:
    """The type of what holds one element for each window."""
    check_slides(name, x, slides)
    return x.with_shape(patches_p.abstract(x, slides=slides)[0].shape[:x.ndim])


def _seen(x: AnyArray, slides: Slides) -> AnyArray:
    """A NumPy array's windows, the elements of each along one last axis."""
    found = patches_p.impl(x, slides=slides)[0]
    return found.reshape(*found.shape[:x.ndim], math.prod([s.size for s in slides]))


def _count(slides: Slides) -> int:
    return math.prod([s.size for s in slides])


def _is_small(slides: Slides) -> bool:
    """Whether one kernel reads each element of a window by name."""
    return _count(slides) <= UNROLLED


def _folded(x: Value, slides: Slides, two: Callable[[Value, Value], Value],
            along: Callable[[Value, Sequence[int]], Value]) -> Value:
    """The windows of x folded: small ones in one kernel, large ones one axis after the other."""
    aval = typeof(x)
    if not _is_small(slides) and len(slides) > 1:
        for s in slides:
            x = _folded(x, (s,), two, along)
        return x
    if not _is_small(slides):
        return along(patches(x, slides), range(aval.ndim, aval.ndim + len(slides)))
    parts = elements(x, slides)
    while len(parts) > 1:
        pairs = [two(*pair) for pair in zip(parts[::2], parts[1::2], strict=False)]
        parts = pairs + parts[len(pairs) * 2:]
    return parts[0]


# sums


def _sum_abstract(x: ShapedArray, *, slides: Slides) -> Sequence[ShapedArray]:
    if x.dtype not in NUMBERS:
        raise unaccepted("window_sum", x, NUMBERS)
    return [_counted("window_sum", x, slides)]


def _sum_impl(x: AnyArray, *, slides: Slides) -> Sequence[AnyArray]:
    return [scalar.fold(ReduceOp.SUM, _seen(x, slides))]


def _sum_jaxpr(avals: Sequence[ShapedArray], *, slides: Slides) -> Jaxpr:
    out = _sum_abstract(avals[0], slides=slides)[0]

    def staged(x: Value) -> Sequence[Value]:
        if not out.size:
            return [full(out.shape, 0, out.dtype)]
        wide = convert(x, views.accumulator(out.dtype))
        return [convert(_folded(wide, slides, add, reduce_sum), out.dtype)]

    return trace_closed(staged, avals, "window_sum")


def _sum_transpose(ct: Value, aval: ShapedArray, *, slides: Slides) -> Value:
    """Each element was in the windows over it: the sum of the cotangents of these, which stand a stride apart."""
    if not typeof(ct).size or not aval.size:
        return full(aval.shape, 0, aval.dtype)
    return window_sum(_apart(ct, aval, slides), _backwards(slides))


def _apart(ct: Value, aval: ShapedArray, slides: Slides, between: int = 0) -> Value:
    """The numbers of windows as far apart as the windows' first elements, so that one of stride 1 sees, at each place
    of an array of type `aval`, those that cover the place."""
    config = [(0, 0, 0)] * aval.ndim
    for s in slides:
        n, count = aval.shape[s.axis], typeof(ct).shape[s.axis]
        config[s.axis] = (s.span - 1, n - ((count - 1) * s.stride + 1), s.stride - 1)
    return ops.pad(ct, between, config)


def _backwards(slides: Slides) -> Slides:
    return tuple([replace(s, stride=1) for s in slides])


def _moved(slides: Slides) -> Slides:
    return tuple([replace(s, axis=s.axis + 1) for s in slides])


def _sum_batch(axis: Axis, x: Value, *, slides: Slides) -> Value:
    return window_sum(x, _moved(slides))


window_sum_p = linear("window_sum", _sum_abstract, _sum_impl, Rewritten(_sum_jaxpr), _sum_transpose, _sum_batch)


def window_sum(x: Value, slides: Sequence[Slide]) -> Value:
    """The sums over all windows of x. 16-bit floats are summed in f32.

    Raises ShapeError for bools, and for windows that are none.

    >>> window_sum(np.float32([1, 2, 3, 4]), [Slide(0, 2, stride=2)]).tolist()
    [3.0, 7.0]
    """
    return bind1(window_sum_p, x, slides=tuple(slides)) if slides else x


# extrema


def _ordered(name: str, x: ShapedArray, slides: Slides) -> ShapedArray:
    if x.dtype not in REALS:
        raise unaccepted(name, x, REALS)
    return _counted(name, x, slides)


def _extremum_abstract(x: ShapedArray, *, slides: Slides, largest: bool) -> Sequence[ShapedArray]:
    return [_ordered("window_extremum", x, slides)]


def _extremum_impl(x: AnyArray, *, slides: Slides, largest: bool) -> Sequence[AnyArray]:
    return [scalar.fold(ReduceOp.MAX if largest else ReduceOp.MIN, _seen(x, slides))]


def _extremum_jaxpr(avals: Sequence[ShapedArray], *, slides: Slides, largest: bool) -> Jaxpr:
    out = _ordered("window_extremum", avals[0], slides)

    def staged(x: Value) -> Sequence[Value]:
        if not out.size:
            return [full(out.shape, 0, out.dtype)]
        return [_folded(x, slides, max if largest else min, reduce_max if largest else reduce_min)]

    return trace_closed(staged, avals, "window_extremum")


def _extremum_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *, slides: Slides,
                  largest: bool) -> Sequence[Tangent]:
    if type(tangents[0]) is Zero:
        return [Zero(typeof(outs[0]))]
    return [window_pick(tangents[0], window_position(primals[0], slides, largest), slides)]


def _extremum_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, slides: Slides,
                    largest: bool) -> tuple[Sequence[Value], Dims]:
    return [window_extremum(args[0], _moved(slides), largest)], [0]


window_extremum_p = Primitive("window_extremum", _extremum_abstract, _extremum_impl, Rewritten(_extremum_jaxpr),
                              _extremum_batch, _extremum_jvp)


def window_extremum(x: Value, slides: Sequence[Slide], largest: bool) -> Value:
    """The maximum (or minimum) of each window; NaN wins. The derivative goes to the first of equal ones.

    Raises ShapeError for bools and complex numbers, and for windows that are none.

    >>> window_extremum(np.float32([1, 3, 2, 0]), [Slide(0, 2)], largest=True).tolist()
    [3.0, 3.0, 2.0]
    """
    return bind1(window_extremum_p, x, slides=tuple(slides), largest=largest) if slides else x


def _position_abstract(x: ShapedArray, *, slides: Slides, largest: bool) -> Sequence[ShapedArray]:
    return [_ordered("window_position", x, slides).with_dtype(I32).strong()]


def _position_impl(x: AnyArray, *, slides: Slides, largest: bool) -> Sequence[AnyArray]:
    return [scalar.fold(ReduceOp.ARGMAX if largest else ReduceOp.ARGMIN, _seen(x, slides))]


def _position_jaxpr(avals: Sequence[ShapedArray], *, slides: Slides, largest: bool) -> Jaxpr:
    out, rank = _position_abstract(avals[0], slides=slides, largest=largest)[0], avals[0].ndim

    def staged(x: Value) -> Sequence[Value]:
        if not out.size:
            return [full(out.shape, 0, I32)]
        if not _is_small(slides):
            lines = ops.reshape(patches(x, slides), (*out.shape, _count(slides)))
            return [(argmax if largest else argmin)(lines, rank)]
        parts = elements(x, slides)
        best = _folded(x, slides, max if largest else min, reduce_max if largest else reduce_min)
        found = full(out.shape, len(parts) - 1, I32)
        for k in range(len(parts) - 2, -1, -1):
            won = eq(parts[k], best)
            if is_float(avals[0].dtype):    # the extremum is NaN if there is one
                won = or_(won, is_nan(parts[k]))
            found = select(won, k, found)
        return [found]

    return trace_closed(staged, avals, "window_position")


def _position_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, slides: Slides,
                    largest: bool) -> tuple[Sequence[Value], Dims]:
    return [window_position(args[0], _moved(slides), largest)], [0]


window_position_p = Primitive("window_position", _position_abstract, _position_impl, Rewritten(_position_jaxpr),
                              _position_batch, zero_tangents)


def window_position(x: Value, slides: Sequence[Slide], largest: bool) -> Value:
    """Which element of each window is its maximum (or minimum): the first one's number in row-major order, i32.

    >>> window_position(np.float32([1, 3, 2, 0]), [Slide(0, 2)], largest=True).tolist()
    [1, 0, 0]
    """
    return bind1(window_position_p, x, slides=tuple(slides), largest=largest)


# reading and adding at positions


def _pick_abstract(x: ShapedArray, position: ShapedArray, *, slides: Slides) -> Sequence[ShapedArray]:
    out = _counted("window_pick", x, slides)
    if position.shape != out.shape or position.dtype != I32:
        raise ShapeError(f"window_pick: wanted an i32 position for each window, {out.with_dtype(I32)}, got "
                         f"{listed([x, position])}")
    return [out]


def _pick_impl(x: AnyArray, position: AnyArray, *, slides: Slides) -> Sequence[AnyArray]:
    return [np.take_along_axis(_seen(x, slides), position[..., None], -1)[..., 0]]


def _numbers(rank: int, shape: Sequence[int], slides: Slides) -> Value:
    """The number of each window's element, beside `shape`."""
    sizes = tuple([s.size for s in slides])
    numbers = ops.reshape(ops.iota(I32, (_count(slides),), 0), sizes)
    return broadcast_in_dim(numbers, (*shape, *sizes), range(rank, rank + len(sizes)))


def _chosen(values: Sequence[Value], positions: Sequence[Value], wanted: Sequence[int]) -> Value:
    """The sum of those values whose position is the wanted one; 16-bit floats are summed in f32."""
    dtype, total = typeof(values[0]).dtype, None
    for value, position, number in zip(values, positions, wanted, strict=True):
        term = select(eq(position, number), convert(value, views.accumulator(dtype)), 0)
        total = term if total is None else add(total, term)
    return convert(total, dtype)


def _pick_jaxpr(avals: Sequence[ShapedArray], *, slides: Slides) -> Jaxpr:
    out, rank = _pick_abstract(*avals, slides=slides)[0], avals[0].ndim

    def staged(x: Value, position: Value) -> Sequence[Value]:
        if not out.size:
            return [full(out.shape, 0, out.dtype)]
        if _is_small(slides):
            return [_chosen(elements(x, slides), [position] * _count(slides), range(_count(slides)))]
        seen = patches(x, slides)
        here = broadcast_in_dim(position, typeof(seen).shape, range(rank))
        chosen = select(eq(here, _numbers(rank, out.shape, slides)), seen, 0)
        return [reduce_sum(chosen, range(rank, typeof(seen).ndim))]

    return trace_closed(staged, avals, "window_pick")


def _pick_transpose(ct: Value, aval: ShapedArray, position: Value, *, slides: Slides) -> Value:
    return window_place(ct, position, aval.shape, slides)


def _pick_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, slides: Slides) -> tuple[Sequence[Value], Dims]:
    x, position = _both(axis, args, dims)
    return [window_pick(x, position, _moved(slides))], [0]


def _both(axis: Axis, args: Sequence[Value], dims: Dims) -> list[Value]:
    return [x if d == 0 else broadcast_in_dim(x, (axis.size, *typeof(x).shape), range(1, typeof(x).ndim + 1))
            for x, d in zip(args, dims, strict=True)]


window_pick_p = linear("window_pick", _pick_abstract, _pick_impl, Rewritten(_pick_jaxpr), _pick_transpose,
                       batch_all=_pick_batch)


def window_pick(x: Value, position: Value, slides: Sequence[Slide]) -> Value:
    """The element of each window that has the number `position` (i32), which is in range.

    Raises ShapeError unless there is one position for each window.

    >>> window_pick(np.float32([1, 3, 2]), np.int32([1, 0]), [Slide(0, 2)]).tolist()
    [3.0, 3.0]
    """
    return bind1(window_pick_p, x, position, slides=tuple(slides))


def _place_abstract(u: ShapedArray, position: ShapedArray, *, shape: tuple[int, ...],
                    slides: Slides) -> Sequence[ShapedArray]:
    out = u.with_shape(shape)
    wanted = _counted("window_place", out, slides)
    if u.shape != wanted.shape or position.shape != u.shape or position.dtype != I32:
        raise ShapeError(f"window_place: wanted a number and an i32 position for each window, {wanted} and "
                         f"{wanted.with_dtype(I32)}, got {listed([u, position])}")
    return [out]


def _place_impl(u: AnyArray, position: AnyArray, *, shape: tuple[int, ...], slides: Slides) -> Sequence[AnyArray]:
    places = _seen(np.arange(math.prod(shape)).reshape(shape), slides)
    chosen = np.take_along_axis(places, position[..., None], -1)[..., 0]
    wide = np.zeros(math.prod(shape), np.float64 if u.dtype.kind not in "iuc" else u.dtype)
    np.add.at(wide, chosen.ravel(), u.ravel())
    return [wide.astype(u.dtype).reshape(shape)]


def _place_jaxpr(avals: Sequence[ShapedArray], *, shape: tuple[int, ...], slides: Slides) -> Jaxpr:
    out, rank = avals[0].with_shape(shape), len(shape)

    def staged(u: Value, position: Value) -> Sequence[Value]:
        if not out.size or not typeof(u).size:
            return [full(shape, 0, out.dtype)]
        if all(s.stride >= s.size and s.dilation == 1 for s in slides):     # each place is in one window
            sizes = (*typeof(u).shape, *[s.size for s in slides])
            here = eq(broadcast_in_dim(position, sizes, range(rank)), _numbers(rank, typeof(u).shape, slides))
            return [overlap_add(select(here, broadcast_in_dim(u, sizes, range(rank)), 0), out, slides)]
        back, apart, over = _backwards(slides), _apart(u, out, slides), _apart(position, out, slides, -1)
        if _is_small(slides):       # windows that lie before come first, and this is a late element of theirs
            return [_chosen(elements(apart, back), elements(over, back), range(_count(slides) - 1, -1, -1))]
        numbers = patches(over, back)
        wanted = ops.rev(_numbers(0, (), slides), range(len(slides)))
        here = eq(numbers, broadcast_in_dim(wanted, typeof(numbers).shape, range(rank, rank + len(slides))))
        chosen = select(here, patches(apart, back), 0)
        return [reduce_sum(chosen, range(rank, rank + len(slides)))]

    return trace_closed(staged, avals, "window_place")


def _place_transpose(ct: Value, aval: ShapedArray, position: Value, *, shape: tuple[int, ...],
                     slides: Slides) -> Value:
    return window_pick(ct, position, slides)


def _place_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, shape: tuple[int, ...],
                 slides: Slides) -> tuple[Sequence[Value], Dims]:
    u, position = _both(axis, args, dims)
    return [window_place(u, position, (axis.size, *shape), _moved(slides))], [0]


window_place_p = linear("window_place", _place_abstract, _place_impl, Rewritten(_place_jaxpr), _place_transpose,
                        batch_all=_place_batch)


def window_place(u: Value, position: Value, shape: Sequence[int], slides: Sequence[Slide]) -> Value:
    """An array of `shape` to which, for each of its windows, a number was added at the window's element `position`.

    Raises ShapeError unless there are a number and a position for each window.

    >>> window_place(np.float32([1, 10]), np.int32([1, 0]), (3,), [Slide(0, 2)]).tolist()
    [0.0, 11.0, 0.0]
    """
    return bind1(window_place_p, u, position, shape=tuple(shape), slides=tuple(slides))

