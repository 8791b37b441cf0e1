"""Collectives over the named axis of an enclosing vmap: sums, extrema, positions and all values of its elements.

Seen from inside vmap each element has its own value; the batch rule of the axis of that name turns a collective into a
reduction over the new axis (a position into an iota), and those of other axes pass it on. Cotangents: every element's
result holds every element's operand, so each operand gets the sum of all cotangents, a psum again.
"""
from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from lantern.dtypes import I32, is_inexact
from lantern.errors import ArgumentError
from lantern.lower.expr import DType
from lantern.ops.broadcast import broadcast_in_dim, reduce_sum
from lantern.ops.build import INEXACT, NUMBERS, REALS, AnyArray, as_operand, is_linear, unaccepted
from lantern.ops.compare import eq
from lantern.ops.convert import convert
from lantern.ops.elementwise import div, mul
from lantern.ops.index import take
from lantern.ops.reduce import reduce_max, reduce_min
from lantern.ops.shape import iota, transpose
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import axis_size, bind1, typeof
from lantern.trace.primitive import Axis, Dims, JvpRule, Primitive, Tangent, TransposeRule, Value, Zero


def _outside(name: str, axis_name: Hashable) -> ArgumentError:
    return ArgumentError(f"{name}: no axis is named {axis_name!r} here. Name it: vmap(..., axis_name={axis_name!r})")


def _collective(name: str, across: Callable[[Value, int, int | None], Value], jvp: JvpRule,
                transpose: TransposeRule | None = None, accepts: frozenset[DType] = REALS) -> Primitive:
    """`across(x, size, dim)`: the result over an axis of `size` elements, which is axis 0 of x, or absent (None)."""
    def abstract(x: ShapedArray, *, axis_name: Hashable) -> Sequence[ShapedArray]:
        axis_size(axis_name)
        if x.dtype not in accepts:
            raise unaccepted(name, x, accepts)
        return [x]

    def impl(x: AnyArray, *, axis_name: Hashable) -> Sequence[AnyArray]:
        raise _outside(name, axis_name)

    def batch(axis: Axis, args: Sequence[Value], dims: Dims, *, axis_name: Hashable) -> tuple[Sequence[Value], Dims]:
        if axis.name == axis_name:
            return [across(args[0], axis.size, dims[0])], [None]
        return [bind1(primitive, args[0], axis_name=axis_name)], [dims[0]]

    primitive = Primitive(name, abstract, impl, None, batch, jvp, transpose=transpose)
    return primitive


def _sum_across(x: Value, size: int, dim: int | None) -> Value:
    return mul(x, size) if dim is None else reduce_sum(x, (0,))


def _max_across(x: Value, size: int, dim: int | None) -> Value:
    return x if dim is None else reduce_max(x, (0,))


def _min_across(x: Value, size: int, dim: int | None) -> Value:
    return x if dim is None else reduce_min(x, (0,))


def _psum_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *,
              axis_name: Hashable) -> Sequence[Tangent]:
    return [Zero(typeof(outs[0])) if type(tangents[0]) is Zero else psum(tangents[0], axis_name)]


def _psum_transpose(cts: Sequence[Tangent], args: Sequence[Value], *, axis_name: Hashable) -> Sequence[Value | None]:
    return [psum(cts[0], axis_name) if is_linear(args[0]) else None]


def _extremum_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *,
                  axis_name: Hashable) -> Sequence[Tangent]:
    """The mean of the tangents of all elements that have the extreme value."""
    if type(tangents[0]) is Zero:
        return [Zero(typeof(outs[0]))]
    hit = convert(eq(primals[0], outs[0]), typeof(outs[0]).dtype)
    return [div(psum(mul(tangents[0], hit), axis_name), psum(hit, axis_name))]


psum_p = _collective("psum", _sum_across, _psum_jvp, _psum_transpose, NUMBERS)
pmax_p = _collective("pmax", _max_across, _extremum_jvp)
pmin_p = _collective("pmin", _min_across, _extremum_jvp)


def psum(x: Value, axis_name: Hashable) -> Value:
    """The sum of x over all elements of the named axis, which each of them gets. A Python number gives a Python number:
    psum(1, "i") is the size of the axis.

    Raises ArgumentError if no enclosing vmap has an axis of this name.
    """
    if type(x) in (int, float, complex):
        return x * axis_size(axis_name)
    return bind1(psum_p, as_operand(x), axis_name=axis_name)


def pmax(x: Value, axis_name: Hashable) -> Value:
    """The maximum of x over the named axis; NaN wins, and equal maxima share the derivative.

    Raises ArgumentError if no enclosing vmap has an axis of this name.
    """
    return bind1(pmax_p, as_operand(x), axis_name=axis_name)


def pmin(x: Value, axis_name: Hashable) -> Value:
    """The minimum of x over the named axis; NaN wins, and equal minima share the derivative.

    Raises ArgumentError if no enclosing vmap has an axis of this name.
    """
    return bind1(pmin_p, as_operand(x), axis_name=axis_name)


def pmean(x: Value, axis_name: Hashable) -> Value:
    """The mean of x (floats) over the named axis.

    Raises ArgumentError if no enclosing vmap has an axis of this name, ShapeError for integers.
    """
    x = as_operand(x)
    if not is_inexact(typeof(x).dtype):
        raise unaccepted("pmean", typeof(x), INEXACT)
    return div(psum(x, axis_name), float(axis_size(axis_name)))


def _index_abstract(*, axis_name: Hashable) -> Sequence[ShapedArray]:
    axis_size(axis_name)
    return [shaped((), I32)]


def _index_impl(*, axis_name: Hashable) -> Sequence[AnyArray]:
    raise _outside("axis_index", axis_name)


def _index_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, axis_name: Hashable) -> tuple[Sequence[Value], Dims]:
    if axis.name == axis_name:
        return [iota(I32, (axis.size,), 0)], [0]
    return [axis_index(axis_name)], [None]


def _index_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *,
               axis_name: Hashable) -> Sequence[Tangent]:
    return [Zero(typeof(outs[0]))]


axis_index_p = Primitive("axis_index", _index_abstract, _index_impl, None, _index_batch, _index_jvp)


def axis_index(axis_name: Hashable) -> Value:
    """The position (i32) of this element along the named axis.

    Raises ArgumentError if no enclosing vmap has an axis of this name.
    """
    return bind1(axis_index_p, axis_name=axis_name)


def _gather_abstract(x: ShapedArray, *, axis_name: Hashable) -> Sequence[ShapedArray]:
    return [shaped((axis_size(axis_name), *x.shape), x.dtype, x.weak)]


def _gather_impl(x: AnyArray, *, axis_name: Hashable) -> Sequence[AnyArray]:
    raise _outside("all_gather", axis_name)


def _gather_batch(axis: Axis, args: Sequence[Value], dims: Dims, *,
                  axis_name: Hashable) -> tuple[Sequence[Value], Dims]:
    """What vmap maps over is what all elements have together. Behind another axis the gathered one comes first."""
    if axis.name != axis_name:
        found, rank = all_gather(args[0], axis_name), typeof(args[0]).ndim
        return ([found], [None]) if dims[0] is None else ([transpose(found, (1, 0, *range(2, rank + 1)))], [0])
    if dims[0] is not None:
        return [args[0]], [None]
    shape = typeof(args[0]).shape
    return [broadcast_in_dim(args[0], (axis.size, *shape), tuple(range(1, len(shape) + 1)))], [None]


def _gather_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *,
                axis_name: Hashable) -> Sequence[Tangent]:
    return [Zero(typeof(outs[0])) if type(tangents[0]) is Zero else all_gather(tangents[0], axis_name)]


def _gather_transpose(cts: Sequence[Tangent], args: Sequence[Value], *,
                      axis_name: Hashable) -> Sequence[Value | None]:
    return [take(psum(cts[0], axis_name), axis_index(axis_name), 0) if is_linear(args[0]) else None]


all_gather_p = Primitive("all_gather", _gather_abstract, _gather_impl, None, _gather_batch, _gather_jvp,
                         transpose=_gather_transpose)


def all_gather(x: Value, axis_name: Hashable) -> Value:
    """The values of x of all elements of the named axis, along a new first axis; each element gets all of them.

    Raises ArgumentError if no enclosing vmap has an axis of this name.
    """
    return bind1(all_gather_p, as_operand(x), axis_name=axis_name)
