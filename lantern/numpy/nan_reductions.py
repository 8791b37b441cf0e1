"""Reductions that leave NaN out: sums, products, means, extremes and their positions.

Of integers they are the plain reductions.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lantern.dtypes import is_float, is_inexact
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, AxisLike, DTypeLike, array, cast
from lantern.numpy import reductions
from lantern.numpy.logic import isnan, logical_and, logical_not, where
from lantern.trace.array import Array


def _numbers(x: Array, mask: ArrayLike | None) -> ArrayLike | None:
    """Where x is a number and the mask holds; None: everywhere."""
    if not is_inexact(x.dtype):
        return mask
    there = logical_not(isnan(x))
    return there if mask is None else logical_and(there, mask)


@one_program(1)
def nansum(a: ArrayLike, axis: AxisLike = None, dtype: DTypeLike = None, *, keepdims: bool = False,
           initial: ArrayLike | None = None, where: ArrayLike | None = None) -> Array:
    """The sum over `axis` of what is no NaN; of nothing, 0.

    >>> nansum(np.array([1, np.nan, 3])).item()
    4.0
    """
    x = array("nansum", a)
    return reductions.sum(x, axis, dtype, keepdims=keepdims, initial=initial, where=_numbers(x, where))


@one_program(1)
def nanprod(a: ArrayLike, axis: AxisLike = None, dtype: DTypeLike = None, *, keepdims: bool = False,
            initial: ArrayLike | None = None, where: ArrayLike | None = None) -> Array:
    """The product over `axis` of what is no NaN; of nothing, 1.

    >>> nanprod(np.array([2, np.nan, 3])).item()
    6.0
    """
    x = array("nanprod", a)
    return reductions.prod(x, axis, dtype, keepdims=keepdims, initial=initial, where=_numbers(x, where))


@one_program(1)
def nanmean(a: ArrayLike, axis: AxisLike = None, dtype: DTypeLike = None, *, keepdims: bool = False,
            where: ArrayLike | None = None) -> Array:
    """The mean along `axis` of what is no NaN; of nothing, NaN.

    >>> nanmean(np.array([1, np.nan, 3])).item()
    2.0
    """
    x = array("nanmean", a)
    return reductions.mean(x, axis, dtype, keepdims=keepdims, where=_numbers(x, where))


@one_program(1)
def nanvar(a: ArrayLike, axis: AxisLike = None, dtype: DTypeLike = None, *, ddof: float = 0, keepdims: bool = False,
           where: ArrayLike | None = None) -> Array:
    """The variance along `axis` of what is no NaN, as `var` defines it; of nothing, NaN.

    >>> nanvar(np.array([1, np.nan, 3])).item()
    1.0
    """
    x = array("nanvar", a)
    return reductions.var(x, axis, dtype, ddof=ddof, keepdims=keepdims, where=_numbers(x, where))


@one_program(1)
def nanstd(a: ArrayLike, axis: AxisLike = None, dtype: DTypeLike = None, *, ddof: float = 0, keepdims: bool = False,
           where: ArrayLike | None = None) -> Array:
    """The standard deviation along `axis` of what is no NaN; of nothing, NaN.

    >>> nanstd(np.array([1, np.nan, 3])).item()
    1.0
    """
    x = array("nanstd", a)
    return reductions.std(x, axis, dtype, ddof=ddof, keepdims=keepdims, where=_numbers(x, where))


def _extreme(reduce: Callable[..., Array], a: ArrayLike, axis: AxisLike, keepdims: bool, initial: ArrayLike | None,
             mask: ArrayLike | None, worst: float) -> Array:
    """NaN only where there is nothing else."""
    name = f"nan{reduce.__name__}"
    x = array(name, a)
    if not is_float(x.dtype):
        return reduce(x, axis, keepdims=keepdims, initial=initial, where=mask)
    missing = isnan(x)
    found = reduce(where(missing, cast(worst, x.dtype), x), axis, keepdims=keepdims, initial=initial, where=mask)
    if initial is not None:
        return found
    nothing = reductions.all(missing, axis, keepdims=keepdims)
    return where(nothing, cast(np.nan, x.dtype), found)


@one_program(1)
def nanmax(a: ArrayLike, axis: AxisLike = None, *, keepdims: bool = False, initial: ArrayLike | None = None,
           where: ArrayLike | None = None) -> Array:
    """The largest element along `axis` that is no NaN; NaN if there is none.

    Raises ArgumentError for no elements without `initial`.

    >>> nanmax(np.array([1, np.nan, 3])).item()
    3.0
    """
    return _extreme(reductions.max, a, axis, keepdims, initial, where, -np.inf)


@one_program(1)
def nanmin(a: ArrayLike, axis: AxisLike = None, *, keepdims: bool = False, initial: ArrayLike | None = None,
           where: ArrayLike | None = None) -> Array:
    """The smallest element along `axis` that is no NaN; NaN if there is none.

    Raises ArgumentError for no elements without `initial`.

    >>> nanmin(np.array([1, np.nan, 3])).item()
    1.0
    """
    return _extreme(reductions.min, a, axis, keepdims, initial, where, np.inf)


def _position(reduce: Callable[..., Array], a: ArrayLike, axis: int | None, keepdims: bool, worst: float) -> Array:
    x = array(f"nan{reduce.__name__}", a)
    if not is_float(x.dtype):
        return reduce(x, axis, keepdims=keepdims)
    missing = isnan(x)
    found = reduce(where(missing, cast(worst, x.dtype), x), axis, keepdims=keepdims)
    return where(reductions.all(missing, axis, keepdims=keepdims), cast(-1, found.dtype), found)


@one_program(1)
def nanargmax(a: ArrayLike, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The position of the (first) largest element along `axis` that is no NaN; -1 if there is none.

    Raises ArgumentError for no elements.

    >>> nanargmax(np.array([1, np.nan, 3])).item()
    2
    """
    return _position(reductions.argmax, a, axis, keepdims, -np.inf)


@one_program(1)
def nanargmin(a: ArrayLike, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The position of the (first) smallest element along `axis` that is no NaN; -1 if there is none.

    Raises ArgumentError for no elements.

    >>> nanargmin(np.array([np.nan, 1, 3])).item()
    1
    """
    return _position(reductions.argmin, a, axis, keepdims, np.inf)
