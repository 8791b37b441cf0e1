"""Running sums and products along an axis, and differences of neighbours with ends.

Sums are added in the order of a tree (`lax.cumsum`), so floats differ in the last digits from a loop's.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lantern.dtypes import BOOL, canonical, is_inexact
from lantern.eager import one_program
from lantern.lax import cumulative as running
from lantern.lax.operands import (
    ArrayLike,
    DTypeLike,
    argument_error,
    array,
    canonical_axis,
    cast,
    type_error,
)
from lantern.numpy.arithmetic import subtract
from lantern.numpy.joining import concatenate
from lantern.numpy.logic import isnan, where
from lantern.numpy.reductions import summed_dtype
from lantern.numpy.shaping import part, ravel
from lantern.ops.broadcast import full
from lantern.ops.convert import convert
from lantern.trace.array import Array

_Running = Callable[[Array, int], Array]


def _along(function: str, step: _Running, a: ArrayLike, axis: int | None, dtype: DTypeLike, empty: int | None) -> Array:
    """`step` along an axis of `a` in the dtype of a sum; None: of the flattened array, unless NaN stands for nothing.

    `empty`: what stands for NaN, if something does.
    """
    x = array(function, a)
    if axis is None:
        x, axis = ravel(x), 0
    place = canonical_axis(function, axis, x.aval)
    if empty is not None and is_inexact(x.dtype):
        x = where(isnan(x), cast(empty, x.dtype), x)
    if dtype is not None and canonical(dtype) == BOOL:
        return convert(step(convert(convert(x, BOOL), summed_dtype(BOOL)), place), BOOL)
    return step(convert(x, summed_dtype(x.dtype) if dtype is None else canonical(dtype)), place)


@one_program(1)
def cumsum(a: ArrayLike, axis: int | None = None, dtype: DTypeLike = None) -> Array:
    """The sum of all elements up to each along `axis`; None: of the flattened array. Dtypes are those of `sum`.

    Raises ArgumentError for an axis that is out of range.

    >>> import numpy as np
    >>> cumsum(np.array([1, 2, 3])).tolist()
    [1, 3, 6]
    """
    return _along("cumsum", running.cumsum, a, axis, dtype, None)


@one_program(1)
def cumprod(a: ArrayLike, axis: int | None = None, dtype: DTypeLike = None) -> Array:
    """The product of all elements up to each along `axis`; None: of the flattened array. Dtypes are those of `prod`.

    Raises ArgumentError for an axis that is out of range.

    >>> import numpy as np
    >>> cumprod(np.array([1, 2, 3])).tolist()
    [1, 2, 6]
    """
    return _along("cumprod", running.cumprod, a, axis, dtype, None)


@one_program(1)
def nancumsum(a: ArrayLike, axis: int | None = None, dtype: DTypeLike = None) -> Array:
    """As `cumsum`, NaN taken as 0.

    >>> import numpy as np
    >>> nancumsum(np.array([1, np.nan, 3])).tolist()
    [1.0, 1.0, 4.0]
    """
    return _along("nancumsum", running.cumsum, a, axis, dtype, 0)


@one_program(1)
def nancumprod(a: ArrayLike, axis: int | None = None, dtype: DTypeLike = None) -> Array:
    """As `cumprod`, NaN taken as 1.

    >>> import numpy as np
    >>> nancumprod(np.array([2, np.nan, 3])).tolist()
    [2.0, 2.0, 6.0]
    """
    return _along("nancumprod", running.cumprod, a, axis, dtype, 1)


def _cumulative(function: str, step: _Running, x: ArrayLike, axis: int | None, dtype: DTypeLike, first: int | None
                ) -> Array:
    found = array(function, x)
    if axis is None and found.ndim != 1:
        raise argument_error(f"{function}: `axis` may be left out for a vector only, got {found.aval}",
                             "Give the axis, or ravel the array.")
    place = canonical_axis(function, 0 if axis is None else axis, found.aval)
    sums = _along(function, step, found, place, dtype, None)
    if first is None:
        return sums
    shape = (*sums.shape[:place], 1, *sums.shape[place + 1:])
    return concatenate([full(shape, first, sums.dtype), sums], place)


@one_program(1)
def cumulative_sum(x: ArrayLike, /, *, axis: int | None = None, dtype: DTypeLike = None,
                   include_initial: bool = False) -> Array:
    """The sum of all elements up to each along `axis`, which may be left out for a vector only; with `include_initial`
    a 0 stands before them.

    Raises ArgumentError for an axis that is out of range or missing.

    >>> import numpy as np
    >>> cumulative_sum(np.array([1, 2, 3]), include_initial=True).tolist()
    [0, 1, 3, 6]
    """
    return _cumulative("cumulative_sum", running.cumsum, x, axis, dtype, 0 if include_initial else None)


@one_program(1)
def cumulative_prod(x: ArrayLike, /, *, axis: int | None = None, dtype: DTypeLike = None,
                    include_initial: bool = False) -> Array:
    """The product of all elements up to each along `axis`, which may be left out for a vector only; with
    `include_initial` a 1 stands before them.

    Raises ArgumentError for an axis that is out of range or missing.

    >>> import numpy as np
    >>> cumulative_prod(np.array([1, 2, 3]), include_initial=True).tolist()
    [1, 1, 2, 6]
    """
    return _cumulative("cumulative_prod", running.cumprod, x, axis, dtype, 1 if include_initial else None)


def ediff1d(ary: ArrayLike, to_end: ArrayLike | None = None, to_begin: ArrayLike | None = None) -> Array:
    """Differences of neighbours of the flattened array, between given first and last elements.

    Raises TypeError for bools.

    >>> import numpy as np
    >>> ediff1d(np.array([1, 4, 9]), to_begin=np.array([0])).tolist()
    [0, 3, 5]
    """
    x = ravel(array("ediff1d", ary))
    if x.dtype.kind == "b":
        raise type_error(f"ediff1d: wanted numbers, got {x.aval}", "Use logical_xor.")
    length = x.size
    differences = subtract(part(x, 0, min(1, length), length), part(x, 0, 0, max(length - 1, 0)))
    ends: Sequence[Any] = (to_begin, differences, to_end)
    return concatenate([convert(ravel(array("ediff1d", e)), x.dtype) for e in ends if e is not None], 0)
