"""Reductions: sums, products, extrema, all and any over axes; positions of extrema along one axis."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lantern.dtypes import I32
from lantern.errors import ShapeError
from lantern.lower import scalar, views
from lantern.lower.expr import DType, ReduceOp
from lantern.lower.kernel import Kernel
from lantern.ops.broadcast import broadcast_in_dim, merged_last, reduce_sum, without_axes
from lantern.ops.broadcast import reduce_sum_p as reduce_sum_p
from lantern.ops.build import BOOLS, NUMBERS, REALS, AnyArray, check_axes, unaccepted
from lantern.ops.compare import eq
from lantern.ops.convert import convert
from lantern.ops.elementwise import div, mul
from lantern.ops.pointwise import zero_tangents
from lantern.ops.shape import pad, reshape, transpose
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind1, typeof
from lantern.trace.primitive import Axis, Dims, JvpRule, Primitive, Tangent, Value, Zero


def _reduction(name: str, op: ReduceOp, accepts: frozenset[DType], jvp: JvpRule, empty: str = "") -> Primitive:
    """A reduction over `axes`. `empty`: what the result of no elements would have to be, where there is none."""
    def abstract(x: ShapedArray, *, axes: tuple[int, ...]) -> Sequence[ShapedArray]:
        check_axes(name, x, axes)
        if x.dtype not in accepts:
            raise unaccepted(name, x, accepts)
        if empty:
            check_nonempty(name, x, axes, empty)
        return [without_axes(x, axes)]

    def impl(x: AnyArray, *, axes: tuple[int, ...]) -> Sequence[AnyArray]:
        return [scalar.fold(op, merged_last(x, axes))]

    def lower(avals: Sequence[ShapedArray], *, axes: tuple[int, ...]) -> Kernel:
        return views.reduction(avals[0], without_axes(avals[0], axes), op, axes)

    def batch(axis: Axis, args: Sequence[Value], dims: Dims, *, axes: tuple[int, ...]) -> tuple[Sequence[Value], Dims]:
        return [bind1(primitive, args[0], axes=tuple([a + 1 for a in axes]))], [0]

    primitive = Primitive(name, abstract, impl, lower, batch, jvp)
    return primitive


def check_nonempty(name: str, x: ShapedArray, axes: Sequence[int], what: str) -> None:
    """Raises ShapeError if there is nothing to reduce."""
    for k in axes:
        if x.shape[k] == 0:
            raise ShapeError(f"{name}: there is no {what} of no elements, got {x}, whose axis {k} is empty. "
                             "Give it at least one element, or treat the empty case apart")


def _extremum_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *,
                  axes: tuple[int, ...]) -> Sequence[Tangent]:
    """The mean of the tangents at all places that have the extreme value."""
    if type(tangents[0]) is Zero:
        return [Zero(typeof(outs[0]))]
    x = typeof(primals[0])
    extreme = broadcast_in_dim(outs[0], x.shape, [k for k in range(x.ndim) if k not in axes])
    hit = convert(eq(primals[0], extreme), x.dtype)
    return [div(reduce_sum(mul(tangents[0], hit), axes), reduce_sum(hit, axes))]


def _prod_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *,
              axes: tuple[int, ...]) -> Sequence[Tangent]:
    """Each tangent times the product of all other elements: right with zeros, where the product divided by the element
    is not."""
    if type(tangents[0]) is Zero:
        return [Zero(typeof(outs[0]))]
    x, g = _flat_last(primals[0], axes), _flat_last(tangents[0], axes)
    last = typeof(x).ndim - 1
    others = mul(_products_before(x, last, 1), _products_before(x, last, -1))
    return [reduce_sum(mul(g, others), (last,))]


def _flat_last(x: Value, axes: Sequence[int]) -> Value:
    shape = typeof(x).shape
    kept = [k for k in range(len(shape)) if k not in axes]
    count = int(np.prod([shape[k] for k in axes], dtype=np.int64))
    return reshape(transpose(x, [*kept, *axes]), (*[shape[k] for k in kept], count))


def _products_before(x: Value, axis: int, direction: int) -> Value:
    """At each place the product of all elements before it (direction 1) or after it (-1), by doubling steps."""
    def moved(x: Value, step: int) -> Value:
        here = (step, -step, 0) if direction > 0 else (-step, step, 0)
        return pad(x, 1, [here if k == axis else (0, 0, 0) for k in range(typeof(x).ndim)])

    size = typeof(x).shape[axis]
    if size == 0:
        return x
    products, step = moved(x, 1), 1
    while step < size:
        products, step = mul(products, moved(products, step)), 2 * step
    return products


reduce_prod_p = _reduction("reduce_prod", ReduceOp.PROD, NUMBERS, _prod_jvp)
reduce_max_p = _reduction("reduce_max", ReduceOp.MAX, REALS, _extremum_jvp, "maximum")
reduce_min_p = _reduction("reduce_min", ReduceOp.MIN, REALS, _extremum_jvp, "minimum")
reduce_and_p = _reduction("reduce_and", ReduceOp.AND, BOOLS, zero_tangents)
reduce_or_p = _reduction("reduce_or", ReduceOp.OR, BOOLS, zero_tangents)


def _over(primitive: Primitive) -> Callable[[Value, Sequence[int]], Value]:
    def reduce(x: Value, axes: Sequence[int]) -> Value:
        return bind1(primitive, x, axes=tuple(sorted(axes))) if axes else x

    return reduce


_prod, _max, _min, _and, _or = map(_over, (reduce_prod_p, reduce_max_p, reduce_min_p, reduce_and_p, reduce_or_p))


def reduce_prod(x: Value, axes: Sequence[int]) -> Value:
    """The product over `axes`, which go; no elements give 1.

    >>> reduce_prod(np.float32([[1, 2], [3, 4]]), (0, 1)).tolist()
    24.0
    """
    return _prod(x, axes)


def reduce_max(x: Value, axes: Sequence[int]) -> Value:
    """The maximum over `axes`, which go; NaN wins. Equal maxima share the derivative evenly.

    Raises ShapeError if there are no elements.

    >>> reduce_max(np.float32([[1, 2], [3, np.nan]]), (1,)).tolist()
    [2.0, nan]
    """
    return _max(x, axes)


def reduce_min(x: Value, axes: Sequence[int]) -> Value:
    """The minimum over `axes`, which go; NaN wins. Equal minima share the derivative evenly.

    Raises ShapeError if there are no elements.
    """
    return _min(x, axes)


def reduce_and(x: Value, axes: Sequence[int]) -> Value:
    """Whether all bools over `axes` are True; True for none."""
    return _and(x, axes)


def reduce_or(x: Value, axes: Sequence[int]) -> Value:
    """Whether any bool over `axes` is True; False for none."""
    return _or(x, axes)


def _position(name: str, op: ReduceOp) -> Primitive:
    """The first place of an extreme value along one axis."""
    def abstract(x: ShapedArray, *, axis: int) -> Sequence[ShapedArray]:
        check_axes(name, x, (axis,))
        if x.dtype not in REALS:
            raise unaccepted(name, x, REALS)
        check_nonempty(name, x, (axis,), "extreme element")
        return [without_axes(x, (axis,)).with_dtype(I32)]

    def impl(x: AnyArray, *, axis: int) -> Sequence[AnyArray]:
        return [scalar.fold(op, merged_last(x, (axis,)))]

    def lower(avals: Sequence[ShapedArray], *, axis: int) -> Kernel:
        return views.reduction(avals[0], abstract(avals[0], axis=axis)[0], op, (axis,))

    def batch(axis_new: Axis, args: Sequence[Value], dims: Dims, **params: Any) -> tuple[Sequence[Value], Dims]:
        return [bind1(primitive, args[0], axis=params["axis"] + 1)], [0]

    primitive = Primitive(name, abstract, impl, lower, batch, zero_tangents)
    return primitive


argmax_p = _position("argmax", ReduceOp.ARGMAX)
argmin_p = _position("argmin", ReduceOp.ARGMIN)


def argmax(x: Value, axis: int) -> Value:
    """The first position (i32) of the maximum along `axis`, which goes; the first NaN wins.

    Raises ShapeError if there are no elements.

    >>> argmax(np.float32([[1, 5, 5], [7, np.nan, 9]]), 1).tolist()
    [1, 1]
    """
    return bind1(argmax_p, x, axis=axis)


def argmin(x: Value, axis: int) -> Value:
    """The first position (i32) of the minimum along `axis`, which goes; the first NaN wins.

    Raises ShapeError if there are no elements.
    """
    return bind1(argmin_p, x, axis=axis)
