"""Order: `argsort` along an axis, from which everything sorted follows by gathering.

The primitive orders pairs of an integer key and a number that says where the key came from. Devices run a bitonic
network as a loop (K. E. Batcher, Sorting networks and their applications, 1968); the CPU calls NumPy.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lantern.dtypes import BF16, F16, F32, F64, I32, I64, U32, is_complex, is_float, u64
from lantern.errors import ShapeError
from lantern.lower.kernel import HostCall, Loop, Region
from lantern.ops import shape as ops
from lantern.ops.broadcast import broadcast_in_dim, front, full
from lantern.ops.build import ORDERED, AnyArray, check_axes, listed, unaccepted
from lantern.ops.compare import eq, is_nan, lt, select
from lantern.ops.convert import bitcast, convert
from lantern.ops.elementwise import and_, not_, or_, shift_left, shift_right, xor
from lantern.ops.index import take, take_along_axis
from lantern.ops.pointwise import add, zero_tangents
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind, typeof
from lantern.trace.jaxpr import Jaxpr, literal
from lantern.trace.primitive import Axis, Dims, Primitive, Structured, SubLowering, Value
from lantern.trace.staging import trace_closed


def _abstract(keys: ShapedArray, order: ShapedArray, width: ShapedArray, step: ShapedArray) -> Sequence[ShapedArray]:
    size = keys.shape[-1] if keys.shape else 0
    if keys.dtype not in (I32, I64) or order.dtype != I32 or order.shape != keys.shape or size & (size - 1) or not size:
        raise ShapeError(f"sort_pairs: wanted i32 or i64 keys and an i32 order of one shape, the last size a power of "
                         f"two, got {listed([keys, order])}")
    return [keys, order, width, step]


def _impl(keys: AnyArray, order: AnyArray, width: AnyArray, step: AnyArray) -> Sequence[AnyArray]:
    found = np.lexsort((order, keys))
    return [np.take_along_axis(keys, found, -1), np.take_along_axis(order, found, -1), width, step]


def _stages(size: int) -> int:
    levels = size.bit_length() - 1
    return levels * (levels + 1) // 2


def _exchange(keys: Value, order: Value, width: Value, step: Value) -> Sequence[Value]:
    """One stage of the network: each place compares itself with its partner `step` away; blocks of `width` are ordered
    upwards and downwards in turn. The pairs are all different, so nothing depends on how ties are broken."""
    shape = typeof(keys).shape
    place = ops.iota(I32, shape[-1:], 0)
    partner = xor(place, broadcast_in_dim(step, shape[-1:], ()))
    axis = len(shape) - 1
    other_keys, other_order = take(keys, partner, axis), take(order, partner, axis)
    smaller = or_(lt(other_keys, keys), and_(eq(other_keys, keys), lt(other_order, order)))
    up = eq(and_(place, broadcast_in_dim(width, shape[-1:], ())), 0)
    wants_smaller = eq(lt(place, partner), up)
    swap = eq(smaller, broadcast_in_dim(wants_smaller, shape, (axis,)))
    half = shift_right(step, 1)
    done = eq(half, 0)
    return [select(swap, other_keys, keys), select(swap, other_order, order),
            select(done, shift_left(width, 1), width), select(done, width, half)]


def _on_host(keys: AnyArray, order: AnyArray, width: AnyArray, step: AnyArray) -> Sequence[AnyArray]:
    """NumPy sorts numbers twice as fast as positions: a key and its number are one number where both are of 32 bits."""
    if keys.dtype != I32 or (order < 0).any():
        return _impl(keys, order, width, step)
    pairs = np.sort((keys.astype(I64) << 32) | order, -1)
    return [(pairs >> 32).astype(I32), pairs.astype(I32), width, step]


def _region(avals: Sequence[ShapedArray], lower: SubLowering) -> Region:
    strong = tuple([a.strong() for a in avals])
    if lower.target.backend == "numpy":
        return HostCall(_on_host, strong, strong, "sort")
    return Loop(lower(_body(strong), range(4), ()), 0, 4, _stages(avals[0].shape[-1]))


def _body(avals: Sequence[ShapedArray]) -> Jaxpr:
    return trace_closed(_exchange, avals, "sort")


def _batch(axis: Axis, args: Sequence[Value], dims: Dims) -> tuple[Sequence[Value], Dims]:
    keys, order = [front(x, d, axis.size) for x, d in zip(args[:2], dims[:2], strict=True)]
    outs = bind(sort_pairs_p, keys, order, *args[2:])
    return outs, [0, 0, None, None]


sort_pairs_p = Primitive("sort_pairs", _abstract, _impl, Structured(_region), _batch, zero_tangents)


def sort_pairs(keys: Value, order: Value) -> Sequence[Value]:
    """Keys (i32 or i64) in ascending order along the last axis, whose size is a power of two, and the numbers that
    came with them; equal keys in ascending order of these, which must differ.

    Raises ShapeError for other types or sizes.

    >>> [x.tolist() for x in sort_pairs(np.int32([3, 1, 3, 0]), np.int32([0, 1, 2, 3]))]
    [[0, 1, 3, 3], [3, 1, 0, 2]]
    """
    return bind(sort_pairs_p, keys, order, literal(2, I32), literal(1, I32))[:2]


def sortable(x: Value) -> Value:
    """Integers (i32 or i64) in the order of x: -0.0 is 0.0, NaN comes last.

    >>> sortable(np.float32([-1, 0, -0.0, 2, np.nan])).tolist()
    [-1065353217, 0, 0, 1073741824, 2147483647]
    """
    dtype = typeof(x).dtype
    if is_complex(dtype):
        raise unaccepted("sort", typeof(x), ORDERED)
    if dtype in (F16, BF16):
        x, dtype = convert(x, F32), F32
    if is_float(dtype):
        wide = I64 if dtype == F64 else I32
        bits = bitcast(add(x, 0.0), wide)       # -0.0 + 0.0 is 0.0
        lowest = int(np.iinfo(wide).min)
        ordered = select(lt(bits, 0), xor(not_(bits), lowest), bits)
        return select(is_nan(x), int(np.iinfo(wide).max), ordered)
    if dtype in (U32, u64.dtype):
        signed = I64 if dtype == u64.dtype else I32
        return xor(bitcast(x, signed), int(np.iinfo(signed).min))
    return x if dtype in (I32, I64) else convert(x, I32)


def argsort(x: Value, axis: int) -> Value:
    """The positions (i32) along `axis` that bring x into ascending order: equal elements keep their order, NaN comes
    last.

    Raises ShapeError if x has no such axis.

    >>> argsort(np.float32([2, np.nan, 1, 2]), 0).tolist()
    [2, 0, 3, 1]
    """
    aval = typeof(x)
    check_axes("argsort", aval, (axis,))
    rest = [k for k in range(aval.ndim) if k != axis]
    size = aval.shape[axis]
    if aval.size == 0 or size == 1:
        return full(aval.shape, 0, I32)
    keys = sortable(ops.transpose(x, [*rest, axis]))
    padded = 1 << (size - 1).bit_length()
    if padded != size:
        largest = int(np.iinfo(typeof(keys).dtype).max)
        keys = ops.pad(keys, largest, [(0, 0, 0)] * len(rest) + [(0, padded - size, 0)])
    order = sort_pairs(keys, ops.iota(I32, typeof(keys).shape, len(rest)))[1]
    lead = [aval.shape[k] for k in rest]
    cut = ops.slice(order, [0] * aval.ndim, [*lead, size])
    return ops.transpose(cut, sorted(range(aval.ndim), key=[*rest, axis].__getitem__))


def sort(x: Value, axis: int) -> Value:
    """x in ascending order along `axis`, NaN last. The derivative follows the elements.

    >>> sort(np.float32([2, np.nan, 1]), 0).tolist()
    [1.0, 2.0, nan]
    """
    return take_along_axis(x, argsort(x, axis), axis) if typeof(x).shape[axis] > 1 else x
