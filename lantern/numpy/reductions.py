"""Reductions: sums, products, means, extremes, truth of all or any. `axis` None means all axes; negative ones count
from the end; `keepdims` keeps the reduced axes with size 1.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lantern.dtypes import BF16, BOOL, F16, F32, canonical, default, is_complex, is_float, is_integer, real_dtype
from lantern.eager import one_program
from lantern.lax.operands import (
    ArrayLike,
    AxisLike,
    DType,
    DTypeLike,
    argument_error,
    array,
    canonical_axes,
    canonical_axis,
    common_dtype,
    inexact_dtype,
    operand,
    shape_error,
    size_of,
)
from lantern.numpy.arithmetic import divide, maximum, minimum, multiply, sqrt, square, subtract
from lantern.ops import compare, reduce
from lantern.ops.broadcast import broadcast_in_dim, reduce_sum
from lantern.ops.convert import convert
from lantern.ops.shape import reshape
from lantern.trace.array import Array
from lantern.trace.primitive import Value

Reduce = Callable[[Value, Sequence[int]], Value]


def _kept(x: Array, axes: Sequence[int]) -> tuple[int, ...]:
    """The shape with the reduced axes of size 1."""
    return tuple([1 if k in axes else n for k, n in enumerate(x.shape)])


def _reduce(op: Reduce, x: Array, axes: Sequence[int], keepdims: bool) -> Array:
    found = op(x, axes) if axes else x
    return reshape(found, _kept(x, axes)) if keepdims else found


def _masked(x: Array, where: ArrayLike | None, other: bool | int | float) -> Array:
    """x with `other` where the mask is False."""
    if where is None:
        return x
    mask = array("where", where)
    if mask.dtype != BOOL:
        raise argument_error(f"where: a mask is made of bools, got {mask.aval}")
    mask = broadcast_in_dim(mask, x.shape, tuple(range(x.ndim - mask.ndim, x.ndim)))
    return compare.select(mask, x, other)


def summed_dtype(dtype: DType) -> DType:
    """What sums and products are made of: integers and bools have the width of the default integer at least.

    >>> summed_dtype(np.dtype("int8"))
    dtype('int32')
    """
    if dtype == BOOL or is_integer(dtype):
        wide = default(np.dtype(np.uint64 if dtype.kind == "u" else np.int64))
        return wide if dtype.itemsize < wide.itemsize else dtype
    return dtype


@one_program(1)
def sum(a: ArrayLike, axis: AxisLike = None, dtype: DTypeLike = None, *, keepdims: bool = False,
        initial: ArrayLike | None = None, where: ArrayLike | None = None) -> Array:
    """The sum over `axis`; of nothing, 0. Integers below 32 bits and bools are summed in 32 bits (64 in x64 mode),
    16-bit floats in float32 and then rounded.

    Raises ArgumentError for an axis that is out of range.

    >>> sum(np.ones((2, 3)), axis=0).tolist()
    [2.0, 2.0, 2.0]
    """
    x = array("sum", a)
    if dtype is not None and canonical(dtype) == BOOL:
        return convert(sum(convert(x, BOOL), axis, keepdims=keepdims, initial=initial, where=where), BOOL)
    x = convert(x, summed_dtype(x.dtype) if dtype is None else canonical(dtype))
    found = _reduce(reduce_sum, _masked(x, where, 0), canonical_axes("sum", axis, x.aval), keepdims)
    return found if initial is None else found + initial


@one_program(1)
def prod(a: ArrayLike, axis: AxisLike = None, dtype: DTypeLike = None, *, keepdims: bool = False,
         initial: ArrayLike | None = None, where: ArrayLike | None = None) -> Array:
    """The product over `axis`; of nothing, 1. Integers below 32 bits and bools are multiplied in 32 bits.

    >>> prod(np.arange(1, 5)).item()
    24
    """
    x = array("prod", a)
    if dtype is not None and canonical(dtype) == BOOL:
        return convert(prod(convert(x, BOOL), axis, keepdims=keepdims, initial=initial, where=where), BOOL)
    x = convert(x, summed_dtype(x.dtype) if dtype is None else canonical(dtype))
    found = _reduce(reduce.reduce_prod, _masked(x, where, 1), canonical_axes("prod", axis, x.aval), keepdims)
    return found if initial is None else found * initial


def _extreme(function: str, op: Reduce, a: ArrayLike, axis: AxisLike, keepdims: bool, initial: ArrayLike | None,
             where: ArrayLike | None, lowest: bool) -> Array:
    x = array(function, a)
    if is_complex(x.dtype):
        raise shape_error(f"{function}: wanted numbers, got {x.aval}: complex numbers have no order, so this is not "
                          "defined", "Take abs, real or imag first.")
    if x.dtype == BOOL:     # as 0 and 1
        return convert(_extreme(function, op, x + 0, axis, keepdims, initial, where, lowest), BOOL)
    axes = canonical_axes(function, axis, x.aval)
    if where is not None and initial is None:
        raise argument_error(f"{function}: `where` needs `initial`, the result where nothing is selected")
    if initial is not None:
        other = maximum if lowest else minimum
        if size_of([x.shape[k] for k in axes]) == 0:
            kept = tuple([n for k, n in enumerate(x.shape) if k not in axes])
            empty = broadcast_in_dim(array(function, initial), _kept(x, axes) if keepdims else kept, ())
            return convert(empty, common_dtype([x, operand(function, initial)])[0])
        return other(_reduce(op, _masked(x, where, _loser(x.dtype, lowest)), axes, keepdims), initial)
    if size_of([x.shape[k] for k in axes]) == 0 and axes:
        raise argument_error(f"{function}: the {function} of no elements is not defined, got {x.aval} over axes {axes}",
                             "Give `initial`.")
    return _reduce(op, x, axes, keepdims)


def _loser(dtype: DType, lowest: bool) -> bool | int | float:
    """The value that no maximum (`lowest`) or minimum keeps."""
    if is_float(dtype):
        return -np.inf if lowest else np.inf
    bounds = np.iinfo(dtype)
    return int(bounds.min if lowest else bounds.max)


@one_program(1)
def max(a: ArrayLike, axis: AxisLike = None, *, keepdims: bool = False, initial: ArrayLike | None = None,
        where: ArrayLike | None = None) -> Array:
    """The largest element along `axis`; NaN if there is one. Equal largest elements share the derivative.

    Raises ArgumentError for no elements without `initial`.

    >>> max(np.array([[1, 5], [7, 2]]), axis=1).tolist()
    [5, 7]
    """
    return _extreme("max", reduce.reduce_max, a, axis, keepdims, initial, where, True)


@one_program(1)
def min(a: ArrayLike, axis: AxisLike = None, *, keepdims: bool = False, initial: ArrayLike | None = None,
        where: ArrayLike | None = None) -> Array:
    """The smallest element along `axis`; NaN if there is one. Equal smallest elements share the derivative.

    Raises ArgumentError for no elements without `initial`.

    >>> min(np.array([[1, 5], [7, 2]]), axis=1).tolist()
    [1, 2]
    """
    return _extreme("min", reduce.reduce_min, a, axis, keepdims, initial, where, False)


def amax(a: ArrayLike, axis: AxisLike = None, *, keepdims: bool = False, initial: ArrayLike | None = None,
         where: ArrayLike | None = None) -> Array:
    """As `max`.

    >>> amax(np.arange(3)).item()
    2
    """
    return max(a, axis, keepdims=keepdims, initial=initial, where=where)


def amin(a: ArrayLike, axis: AxisLike = None, *, keepdims: bool = False, initial: ArrayLike | None = None,
         where: ArrayLike | None = None) -> Array:
    """As `min`.

    >>> amin(np.arange(3)).item()
    0
    """
    return min(a, axis, keepdims=keepdims, initial=initial, where=where)


@one_program(1)
def ptp(a: ArrayLike, axis: AxisLike = None, *, keepdims: bool = False) -> Array:
    """max - min along `axis`.

    >>> ptp(np.arange(5)).item()
    4
    """
    return subtract(max(a, axis, keepdims=keepdims), min(a, axis, keepdims=keepdims))


def _truths(function: str, a: ArrayLike) -> Array:
    return convert(array(function, a), BOOL)


@one_program(1)
def all(a: ArrayLike, axis: AxisLike = None, *, keepdims: bool = False, where: ArrayLike | None = None) -> Array:
    """Whether all elements along `axis` are true (not 0); of nothing, True.

    >>> all(np.array([[True, False], [True, True]]), axis=1).tolist()
    [False, True]
    """
    x = _truths("all", a)
    return _reduce(reduce.reduce_and, _masked(x, where, True), canonical_axes("all", axis, x.aval), keepdims)


@one_program(1)
def any(a: ArrayLike, axis: AxisLike = None, *, keepdims: bool = False, where: ArrayLike | None = None) -> Array:
    """Whether some element along `axis` is true (not 0); of nothing, False.

    >>> any(np.array([[True, False], [False, False]]), axis=1).tolist()
    [True, False]
    """
    x = _truths("any", a)
    return _reduce(reduce.reduce_or, _masked(x, where, False), canonical_axes("any", axis, x.aval), keepdims)


@one_program(1)
def count_nonzero(a: ArrayLike, axis: AxisLike = None, *, keepdims: bool = False) -> Array:
    """How many elements along `axis` are not 0, as int32.

    >>> count_nonzero(np.array([0, 3, 0, 1])).item()
    2
    """
    return sum(_truths("count_nonzero", a), axis, keepdims=keepdims)


def _averaging(dtype: DType, asked: DTypeLike) -> tuple[DType, DType]:
    """(the dtype to compute a mean in, the dtype of the result)."""
    result = inexact_dtype(dtype) if asked is None else canonical(asked)
    return (F32 if result in (F16, BF16) else result), result


def _count(x: Array, axes: Sequence[int], where: ArrayLike | None, keepdims: bool, ddof: float = 0) -> ArrayLike:
    """What a mean divides by: the number of elements (under a mask: counted) less `ddof`, at least 0."""
    if where is None:
        count = size_of([x.shape[k] for k in axes]) - ddof
        return float(count) if count > 0 else 0.0
    ones = broadcast_in_dim(array("where", 1.0), x.shape, ())
    counts = _reduce(reduce_sum, _masked(ones, where, 0.0), axes, keepdims)
    return maximum(subtract(convert(counts, real_dtype(x.dtype)), ddof), 0)


@one_program(1)
def mean(a: ArrayLike, axis: AxisLike = None, dtype: DTypeLike = None, *, keepdims: bool = False,
         where: ArrayLike | None = None) -> Array:
    """The mean along `axis`, a float; of nothing, NaN. 16-bit floats are summed in float32.

    >>> mean(np.arange(4)).item()
    1.5
    """
    x = array("mean", a)
    axes = canonical_axes("mean", axis, x.aval)
    inner, result = _averaging(x.dtype, dtype)
    total = _reduce(reduce_sum, _masked(convert(x, inner), where, 0.0), axes, keepdims)
    return convert(divide(total, _count(x, axes, where, keepdims)), result)


@one_program(1)
def average(a: ArrayLike, axis: AxisLike = None, weights: ArrayLike | None = None, *, keepdims: bool = False) -> Array:
    """The mean along `axis` with weights: of a's shape, or one for each position along a single axis.

    Raises ArgumentError if the weights fit neither way.

    >>> average(np.array([1.0, 3.0]), weights=np.array([3.0, 1.0])).item()
    1.5
    """
    x = array("average", a)
    if weights is None:
        return mean(x, axis, keepdims=keepdims)
    w = array("average", weights)
    if w.shape != x.shape:
        if w.ndim != 1 or not isinstance(axis, int) or w.size != x.shape[canonical_axis("average", axis, x.aval)]:
            raise argument_error(f"average: weights of shape {w.shape} fit neither {x.aval} nor its axis {axis}")
        w = broadcast_in_dim(w, x.shape, (canonical_axis("average", axis, x.aval),))
    return divide(sum(multiply(x, w), axis, keepdims=keepdims), sum(w, axis, keepdims=keepdims))


@one_program(1)
def var(a: ArrayLike, axis: AxisLike = None, dtype: DTypeLike = None, *, ddof: float = 0, keepdims: bool = False,
        where: ArrayLike | None = None, correction: float | None = None) -> Array:
    """The variance along `axis`: the mean squared distance from the mean, divided by count - ddof instead of count.
    `correction` is another name for ddof.

    Distances of complex numbers are absolute values.

    Two passes, since the difference of mean square and squared mean loses digits.

    >>> var(np.array([1.0, 3.0])).item()
    1.0
    """
    x = array("var", a)
    axes = canonical_axes("var", axis, x.aval)
    ddof = ddof if correction is None else correction
    inner, result = _averaging(x.dtype, dtype)
    x = convert(x, inner)
    distance = subtract(x, mean(x, axes, keepdims=True, where=where))
    if is_complex(x.dtype):
        distance, result = abs(distance), real_dtype(result)
    total = _reduce(reduce_sum, _masked(square(distance), where, 0.0), axes, keepdims)
    return convert(divide(total, _count(x, axes, where, keepdims, ddof)), result)


@one_program(1)
def std(a: ArrayLike, axis: AxisLike = None, dtype: DTypeLike = None, *, ddof: float = 0, keepdims: bool = False,
        where: ArrayLike | None = None, correction: float | None = None) -> Array:
    """The standard deviation along `axis`: the square root of `var`. Its derivative is not finite where it is 0.

    >>> std(np.array([1.0, 3.0])).item()
    1.0
    """
    return sqrt(var(a, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, correction=correction))


def _position(function: str, op: Callable[[Value, int], Value], a: ArrayLike, axis: int | None,
              keepdims: bool) -> Array:
    x = array(function, a)
    x = convert(x, np.dtype(np.int32)) if x.dtype == BOOL else x
    shape: Any = (1,) * x.ndim
    if axis is None:
        flat, place = reshape(x, (x.size,)), 0
    else:
        flat, place = x, canonical_axis(function, axis, x.aval)
        shape = _kept(x, (place,))
    if flat.shape[place] == 0:
        raise argument_error(f"{function}: the {function} of no elements is not defined, got {x.aval}")
    found = op(flat, place)
    return reshape(found, shape) if keepdims else found


@one_program(1)
def argmax(a: ArrayLike, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The position of the (first) largest element along `axis` as int32; of the first NaN if there is one. None: in the
    flattened array.

    Raises ArgumentError for no elements.

    >>> argmax(np.array([[1, 5], [7, 2]]), axis=1).tolist()
    [1, 0]
    """
    return _position("argmax", reduce.argmax, a, axis, keepdims)


@one_program(1)
def argmin(a: ArrayLike, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The position of the (first) smallest element along `axis` as int32; of the first NaN if there is one. None: in
    the flattened array.

    Raises ArgumentError for no elements.

    >>> argmin(np.array([[1, 5], [7, 2]]), axis=1).tolist()
    [0, 1]
    """
    return _position("argmin", reduce.argmin, a, axis, keepdims)
