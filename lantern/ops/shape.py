"""Where elements lie: reshape, transpose, slice, pad, concatenate, rev; and iota, which makes positions."""
from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from lantern.dtypes import BOOL
from lantern.errors import ShapeError
from lantern.lower import scalar, views
from lantern.lower.expr import Body, Const, DType, Guard, Ref, ScalarOp, row_major
from lantern.lower.kernel import Kernel
from lantern.ops.broadcast import broadcast_in_dim as broadcast_in_dim
from lantern.ops.broadcast import broadcast_in_dim_p as broadcast_in_dim_p
from lantern.ops.broadcast import front, instantiate
from lantern.ops.build import NUMBERS, AnyArray, as_operand, check_axes, is_linear, linear, listed, unaccepted
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind1, typeof
from lantern.trace.jaxpr import Literal
from lantern.trace.primitive import Alias, Axis, Dims, Primitive, Tangent, Value, Zero

# reshape


def _reshape_abstract(x: ShapedArray, *, shape: tuple[int, ...]) -> Sequence[ShapedArray]:
    if math.prod(shape) != x.size or any(n < 0 for n in shape):
        raise ShapeError(f"reshape: wanted {x.size} elements, got shape {shape} ({math.prod(shape)} elements) for {x}")
    return [x.with_shape(shape)]


def _reshape_batch(axis: Axis, x: Value, *, shape: tuple[int, ...]) -> Value:
    return reshape(x, (axis.size, *shape))


def _reshape_transpose(ct: Value, aval: ShapedArray, *, shape: tuple[int, ...]) -> Value:
    return reshape(ct, aval.shape)


def _reshape_impl(x: AnyArray, *, shape: tuple[int, ...]) -> Sequence[AnyArray]:
    return [np.reshape(x, shape)]


reshape_p = linear("reshape", _reshape_abstract, _reshape_impl, Alias.OPERAND, _reshape_transpose, _reshape_batch)


def reshape(x: Value, shape: Sequence[int]) -> Value:
    """The same elements, in row-major order, in another shape.

    Raises ShapeError if the numbers of elements differ.

    >>> reshape(np.arange(6, dtype=np.int32), (2, 3)).tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    x, shape = as_operand(x), tuple(shape)
    return x if typeof(x).shape == shape and type(x) is not Literal else bind1(reshape_p, x, shape=shape)


# transpose


def _transpose_abstract(x: ShapedArray, *, perm: tuple[int, ...]) -> Sequence[ShapedArray]:
    if sorted(perm) != list(range(x.ndim)):
        raise ShapeError(f"transpose: wanted an order of the axes 0 to {x.ndim - 1}, got {perm} for {x}")
    return [x.with_shape(tuple([x.shape[k] for k in perm]))]


def _transpose_impl(x: AnyArray, *, perm: tuple[int, ...]) -> Sequence[AnyArray]:
    return [np.transpose(x, perm).copy()]


def _transpose_lower(avals: Sequence[ShapedArray], *, perm: tuple[int, ...]) -> Kernel:
    lies = row_major(avals[0].shape)
    return views.view(avals[0], _transpose_abstract(avals[0], perm=perm)[0], 0, [lies[k] for k in perm])


def _transpose_transpose(ct: Value, aval: ShapedArray, *, perm: tuple[int, ...]) -> Value:
    return transpose(ct, sorted(range(len(perm)), key=perm.__getitem__))


def _transpose_batch(axis: Axis, x: Value, *, perm: tuple[int, ...]) -> Value:
    return transpose(x, (0, *[k + 1 for k in perm]))


transpose_p = linear("transpose", _transpose_abstract, _transpose_impl, _transpose_lower, _transpose_transpose,
                     _transpose_batch)


def transpose(x: Value, perm: Sequence[int]) -> Value:
    """The axes in another order: axis k of the result is axis perm[k] of x.

    Raises ShapeError if `perm` is no order of the axes.

    >>> transpose(np.float32([[1, 2, 3], [4, 5, 6]]), (1, 0)).tolist()
    [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]
    """
    perm = tuple(perm)
    return x if perm == tuple(range(typeof(x).ndim)) else bind1(transpose_p, x, perm=perm)


# slice


def _slice_abstract(x: ShapedArray, *, start: tuple[int, ...], limit: tuple[int, ...],
                    strides: tuple[int, ...]) -> Sequence[ShapedArray]:
    right_rank = len(start) == len(limit) == len(strides) == x.ndim
    if not right_rank or not all(0 <= a <= b <= n and s > 0
                                 for a, b, n, s in zip(start, limit, x.shape, strides, strict=True)):
        raise ShapeError(f"slice: wanted 0 <= start <= limit <= size and strides of 1 or more on each axis, got "
                         f"start={start}, limit={limit}, strides={strides} for {x}")
    return [x.with_shape(tuple([-(-(b - a) // s) for a, b, s in zip(start, limit, strides, strict=True)]))]


def _slice_impl(x: AnyArray, *, start: tuple[int, ...], limit: tuple[int, ...],
                strides: tuple[int, ...]) -> Sequence[AnyArray]:
    return [x[tuple([builtins.slice(a, b, s) for a, b, s in zip(start, limit, strides, strict=True)])].copy()]


def _slice_lower(avals: Sequence[ShapedArray], *, start: tuple[int, ...], limit: tuple[int, ...],
                 strides: tuple[int, ...]) -> Kernel:
    lies = row_major(avals[0].shape)
    out = _slice_abstract(avals[0], start=start, limit=limit, strides=strides)[0]
    offset = sum([a * lie for a, lie in zip(start, lies, strict=True)])
    return views.view(avals[0], out, offset, [s * lie for s, lie in zip(strides, lies, strict=True)])


def _slice_transpose(ct: Value, aval: ShapedArray, *, start: tuple[int, ...], limit: tuple[int, ...],
                     strides: tuple[int, ...]) -> Value:
    config: list[tuple[int, int, int]] = []
    for low, step, count, size in zip(start, strides, typeof(ct).shape, aval.shape, strict=True):
        covered = (count - 1) * step + 1 if count else 0
        config.append((low, size - low - covered, step - 1))
    return pad(ct, 0, config)


def _slice_batch(axis: Axis, x: Value, *, start: tuple[int, ...], limit: tuple[int, ...],
                 strides: tuple[int, ...]) -> Value:
    return slice(x, (0, *start), (axis.size, *limit), (1, *strides))


slice_p = linear("slice", _slice_abstract, _slice_impl, _slice_lower, _slice_transpose, _slice_batch)


def slice(x: Value, start: Sequence[int], limit: Sequence[int], strides: Sequence[int] | None = None) -> Value:
    """The elements from `start` up to (without) `limit` on each axis, every `strides`-th.

    Raises ShapeError unless 0 <= start <= limit <= size and the strides are positive.

    >>> slice(np.arange(10, dtype=np.int32), (1,), (8,), (3,)).tolist()
    [1, 4, 7]
    """
    start, limit = tuple(start), tuple(limit)
    strides = (1,) * len(start) if strides is None else tuple(strides)
    whole = limit == typeof(x).shape and not any(start) and all(s == 1 for s in strides)
    return x if whole else bind1(slice_p, x, start=start, limit=limit, strides=strides)


# pad

PadConfig: TypeAlias = tuple[tuple[int, int, int], ...]


def _pad_abstract(x: ShapedArray, *, value: Const, config: PadConfig) -> Sequence[ShapedArray]:
    if len(config) != x.ndim or any(inside < 0 for _, _, inside in config):
        raise ShapeError(f"pad: wanted (low, high, interior) for each axis, interior 0 or more, got {config} for {x}")
    shape = tuple([low + high + n + max(n - 1, 0) * inside
                   for n, (low, high, inside) in zip(x.shape, config, strict=True)])
    if any(n < 0 for n in shape):
        raise ShapeError(f"pad: negative padding removes more than there is: got {config} for {x}")
    return [x.with_shape(shape)]


def _pad_impl(x: AnyArray, *, value: Const, config: PadConfig) -> Sequence[AnyArray]:
    shape = _pad_abstract(shaped(x.shape, x.dtype), value=value, config=config)[0].shape
    out = np.full(shape, value.value, x.dtype)
    target: list[builtins.slice] = []
    source: list[builtins.slice] = []
    for n, (low, _, inside), size in zip(x.shape, config, shape, strict=True):
        step = inside + 1
        kept = [k for k in range(n) if 0 <= low + k * step < size]
        first, count = (kept[0], len(kept)) if kept else (0, 0)
        source.append(builtins.slice(first, first + count))
        begin = low + first * step
        target.append(builtins.slice(begin, begin + (count - 1) * step + 1, step) if count else builtins.slice(0, 0))
    out[tuple(target)] = x[tuple(source)]
    return [out]


def _pad_lower(avals: Sequence[ShapedArray], *, value: Const, config: PadConfig) -> Kernel:
    out = _pad_abstract(avals[0], value=value, config=config)[0]
    if avals[0].size == 0:
        return views.loop_nest(avals, out, lambda body: body.add(value))
    guards: list[Guard] = []
    offset = 0
    for k, (n, (low, _, inside), size) in enumerate(zip(avals[0].shape, config, out.shape, strict=True)):
        step = inside + 1
        skipped = max(0, -(low // step)) if low < 0 else 0      # elements that a negative `low` removes
        offset += skipped * row_major(avals[0].shape)[k]
        start, stop = low + skipped * step, min(size, low + (n - 1) * step + 1)
        if start > 0 or stop < size or step > 1:
            guards.append(Guard(k, start, max(start, stop), step))
    return views.view(avals[0], out, offset, row_major(avals[0].shape), guards, value)


def _pad_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *, value: Const,
             config: PadConfig) -> Sequence[Tangent]:
    return [Zero(typeof(outs[0])) if type(tangents[0]) is Zero else pad(tangents[0], 0, config)]


def _pad_transpose(cts: Sequence[Tangent], args: Sequence[Value], *, value: Const,
                   config: PadConfig) -> Sequence[Value | None]:
    if not is_linear(args[0]):
        return [None]
    shape = args[0].aval.shape
    if 0 in shape:
        return [instantiate(Zero(args[0].aval))]
    uncropped = pad(cts[0], 0, [(-low, -high, 0) for low, high, _ in config])
    return [slice(uncropped, (0,) * len(shape), typeof(uncropped).shape, [inside + 1 for _, _, inside in config])]


def _pad_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, value: Const,
               config: PadConfig) -> tuple[Sequence[Value], Dims]:
    return [bind1(pad_p, args[0], value=value, config=((0, 0, 0), *config))], [0]


pad_p = Primitive("pad", _pad_abstract, _pad_impl, _pad_lower, _pad_batch, _pad_jvp, transpose=_pad_transpose)


def pad(x: Value, value: bool | int | float, config: Sequence[tuple[int, int, int]]) -> Value:
    """`value` around and between the elements: (low, high, interior) counts for each axis.

    Negative `low` and `high` remove elements. The value is a number and has no derivative.
    Raises ShapeError for a negative interior, or if more is removed than there is.

    >>> pad(np.int32([1, 2, 3]), 0, [(1, -1, 1)]).tolist()
    [0, 1, 0, 2, 0]
    """
    number = value.value if isinstance(value, Literal) else value
    config = tuple([(low, high, inside) for low, high, inside in config])
    if not any(any(c) for c in config) and len(config) == typeof(x).ndim:
        return x
    return bind1(pad_p, x, value=Const.of(number, typeof(x).dtype), config=config)


# concatenate


def _concatenate_abstract(*xs: ShapedArray, axis: int) -> Sequence[ShapedArray]:
    if not xs:
        raise ShapeError("concatenate: wanted at least one array, got none")
    check_axes("concatenate", xs[0], (axis,))
    rests = [(x.shape[:axis], x.shape[axis + 1:], x.dtype, x.ndim) for x in xs]
    if any(r != rests[0] for r in rests):
        raise ShapeError(f"concatenate: operands must agree in dtype and in all axes but axis {axis}, got {listed(xs)}")
    total = sum([x.shape[axis] for x in xs])
    shape = (*xs[0].shape[:axis], total, *xs[0].shape[axis + 1:])
    return [shaped(shape, xs[0].dtype, all(x.weak for x in xs))]


def _concatenate_impl(*xs: AnyArray, axis: int) -> Sequence[AnyArray]:
    return [np.concatenate(xs, axis)]


def _concatenate_lower(avals: Sequence[ShapedArray], *, axis: int) -> Kernel:
    """Each operand is read where its part is; a chain of selections puts the parts together."""
    out = _concatenate_abstract(*avals, axis=axis)[0]
    parts = [(k, a) for k, a in enumerate(avals) if a.size]
    zero = Const.of(0, out.dtype)

    def emit(body: Body) -> Ref:
        value, stop = body.add(zero), out.shape[axis]
        for k, a in reversed(parts):
            start = stop - a.shape[axis]
            guards = (Guard(axis, start, stop),) if len(parts) > 1 else ()
            part = body.load(k, row_major(a.shape), 0, guards, zero if guards else None)
            if stop == out.shape[axis]:
                value = part
            else:
                before = body.apply(ScalarOp.LT, body.index(axis), body.const(stop, np.dtype(np.int32)), dtype=BOOL)
                value = body.apply(ScalarOp.SELECT, before, part, value, dtype=out.dtype)
            stop = start
        return value

    return views.loop_nest(avals, out, emit)


def _concatenate_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *,
                     axis: int) -> Sequence[Tangent]:
    if all(type(t) is Zero for t in tangents):
        return [Zero(typeof(outs[0]))]
    return [concatenate([instantiate(t) for t in tangents], axis)]


def _concatenate_transpose(cts: Sequence[Tangent], args: Sequence[Value], *, axis: int) -> Sequence[Value | None]:
    back: list[Value | None] = []
    start = 0
    shape = typeof(cts[0]).shape
    for x in args:
        stop = start + typeof_linear(x).shape[axis]
        low, high = [0] * len(shape), list(shape)
        low[axis], high[axis] = start, stop
        back.append(slice(cts[0], low, high) if is_linear(x) else None)
        start = stop
    return back


def typeof_linear(x: Value) -> ShapedArray:
    """The aval of an operand of a transposition rule."""
    return x.aval if is_linear(x) else typeof(x)


def _concatenate_batch(axis_new: Axis, args: Sequence[Value], dims: Dims, *, axis: int) -> tuple[Sequence[Value], Dims]:
    return [concatenate([front(x, d, axis_new.size) for x, d in zip(args, dims, strict=True)], axis + 1)], [0]


concatenate_p = Primitive("concatenate", _concatenate_abstract, _concatenate_impl, _concatenate_lower,
                          _concatenate_batch, _concatenate_jvp, transpose=_concatenate_transpose)


_AT_ONCE = 7    # operands of one kernel: with the output 8 buffers, which every GPU can bind


def concatenate(xs: Sequence[Value], axis: int) -> Value:
    """The arrays behind each other along `axis`.

    Raises ShapeError if they differ in dtype or in another axis, or if there is none.

    >>> concatenate([np.int32([1, 2]), np.int32([3])], 0).tolist()
    [1, 2, 3]
    """
    while len(xs) > _AT_ONCE:
        xs = [concatenate(xs[k:k + _AT_ONCE], axis) for k in range(0, len(xs), _AT_ONCE)]
    return xs[0] if len(xs) == 1 else bind1(concatenate_p, *xs, axis=axis)


# rev


def _rev_abstract(x: ShapedArray, *, axes: tuple[int, ...]) -> Sequence[ShapedArray]:
    check_axes("rev", x, axes)
    return [x]


def _rev_impl(x: AnyArray, *, axes: tuple[int, ...]) -> Sequence[AnyArray]:
    return [np.flip(x, axes).copy()]


def _rev_lower(avals: Sequence[ShapedArray], *, axes: tuple[int, ...]) -> Kernel:
    x, lies = avals[0], row_major(avals[0].shape)
    offset = sum([(x.shape[k] - 1) * lies[k] for k in axes]) if x.size else 0
    return views.view(x, x, offset, [-lie if k in axes else lie for k, lie in enumerate(lies)])


def _rev_transpose(ct: Value, aval: ShapedArray, *, axes: tuple[int, ...]) -> Value:
    return rev(ct, axes)


def _rev_batch(axis: Axis, x: Value, *, axes: tuple[int, ...]) -> Value:
    return rev(x, [k + 1 for k in axes])


rev_p = linear("rev", _rev_abstract, _rev_impl, _rev_lower, _rev_transpose, _rev_batch)


def rev(x: Value, axes: Sequence[int]) -> Value:
    """Backwards along `axes`.

    >>> rev(np.int32([1, 2, 3]), (0,)).tolist()
    [3, 2, 1]
    """
    return bind1(rev_p, x, axes=tuple(sorted(axes))) if axes else x


# iota


def _iota_abstract(*, dtype: DType, shape: tuple[int, ...], axis: int) -> Sequence[ShapedArray]:
    found = shaped(shape, dtype)
    check_axes("iota", found, (axis,))
    if dtype not in NUMBERS:
        raise unaccepted("iota", found, NUMBERS)
    return [found]


def _iota_impl(*, dtype: DType, shape: tuple[int, ...], axis: int) -> Sequence[AnyArray]:
    along = [1] * len(shape)
    along[axis] = shape[axis]
    positions = scalar.convert(np.arange(shape[axis], dtype=np.int32), dtype)
    return [np.broadcast_to(positions.reshape(along), shape).copy()]


def _iota_lower(avals: Sequence[ShapedArray], *, dtype: DType, shape: tuple[int, ...], axis: int) -> Kernel:
    return views.iota(shaped(shape, dtype), axis)


def _iota_batch(axis_new: Axis, args: Sequence[Value], dims: Dims, *, dtype: DType, shape: tuple[int, ...],
                axis: int) -> tuple[Sequence[Value], Dims]:
    return [iota(dtype, shape, axis)], [None]


def _no_tangents(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *, dtype: DType,
                 shape: tuple[int, ...], axis: int) -> Sequence[Tangent]:
    return [Zero(typeof(outs[0]))]


iota_p = Primitive("iota", _iota_abstract, _iota_impl, _iota_lower, _iota_batch, _no_tangents)


def iota(dtype: DType, shape: Sequence[int], axis: int) -> Value:
    """Each element is its position along `axis`.

    >>> iota(np.dtype("int32"), (2, 3), 1).tolist()
    [[0, 1, 2], [0, 1, 2]]
    """
    return bind1(iota_p, dtype=dtype, shape=tuple(shape), axis=axis)
