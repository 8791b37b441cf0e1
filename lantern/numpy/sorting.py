"""Order: sort, argsort, searchsorted. NaN comes last, equal elements keep their order, positions are i32."""
from __future__ import annotations

from collections.abc import Sequence

from lantern.dtypes import I32, is_complex
from lantern.eager import one_program
from lantern.lax.operands import (
    ArrayLike,
    argument_error,
    array,
    canonical_axis,
    cast,
    common_dtype,
    shape_error,
    whole,
)
from lantern.numpy.shaping import flip, ravel
from lantern.ops import sort as orders
from lantern.ops.broadcast import full
from lantern.ops.compare import lt, select
from lantern.ops.elementwise import and_, floordiv, not_, sub
from lantern.ops.index import take, take_along_axis
from lantern.ops.pointwise import add
from lantern.trace.array import Array
from lantern.trace.primitive import Value


@one_program(1)
def sort(a: ArrayLike, axis: int | None = -1, *, kind: None = None, order: None = None, stable: bool = True,
         descending: bool = False) -> Array:
    """The elements in ascending order along an axis, NaN last; None sorts the flattened array. The derivative follows
    the elements. `descending` turns the order round, and NaN comes first.

    >>> import numpy as np
    >>> sort(np.array([2.0, np.nan, 1.0])).tolist()
    [1.0, 2.0, nan]
    """
    x, place = _line("sort", a, axis)
    if x.ndim == 0:
        return x
    found = take_along_axis(x, _order(x, place, descending), place) if x.shape[place] > 1 else x
    return array("sort", found)


@one_program(1)
def argsort(a: ArrayLike, axis: int | None = -1, *, kind: None = None, order: None = None, stable: bool = True,
            descending: bool = False) -> Array:
    """The positions that bring an array into ascending order along an axis; None sorts the flattened array.

    >>> import numpy as np
    >>> argsort(np.array([2.0, np.nan, 1.0, 2.0])).tolist()
    [2, 0, 3, 1]
    """
    x, place = _line("argsort", a, axis)
    return array("argsort", full((), 0, I32) if x.ndim == 0 else _order(x, place, descending))


def _ordered(function: str, x: Array) -> Array:
    """x, unless it is made of complex numbers."""
    if is_complex(x.dtype):
        raise shape_error(f"{function}: wanted numbers or bools, got {x.aval}: complex numbers have no order",
                          "Take abs, real or imag first.")
    return x


def _line(function: str, a: ArrayLike, axis: int | None) -> tuple[Array, int]:
    x = _ordered(function, array(function, a))
    if axis is None:
        return ravel(x), 0
    return x, canonical_axis(function, axis, x.aval) if x.ndim else 0


def _order(x: Array, axis: int, descending: bool) -> Value:
    if not descending:
        return orders.argsort(x, axis)
    backwards = orders.argsort(flip(x, axis), axis)      # so that equal elements keep their order
    return flip(array("argsort", sub(x.shape[axis] - 1, backwards)), axis)


def partition(a: ArrayLike, kth: int, axis: int = -1) -> Array:
    """An array with its kth smallest element along an axis in place, smaller ones before and larger ones behind it.

    It is sorted altogether: on a GPU that costs no more. Raises ArgumentError if there is no such place.

    >>> import numpy as np
    >>> partition(np.array([3, 1, 2]), 1).tolist()
    [1, 2, 3]
    """
    _check_place("partition", a, kth, axis)
    return sort(a, axis)


def argpartition(a: ArrayLike, kth: int, axis: int = -1) -> Array:
    """The positions that `partition` takes.

    >>> import numpy as np
    >>> argpartition(np.array([3, 1, 2]), 1).tolist()
    [1, 2, 0]
    """
    _check_place("argpartition", a, kth, axis)
    return argsort(a, axis)


def _check_place(function: str, a: ArrayLike, kth: int, axis: int) -> None:
    x = array(function, a)
    size = x.shape[canonical_axis(function, axis, x.aval)]
    if not -size <= whole("partition", "kth", kth) < size:
        raise argument_error(f"{function}: there is no place {kth} along axis {axis} of {x.aval}")


def lexsort(keys: Sequence[ArrayLike] | Array, axis: int = -1) -> Array:
    """The positions that sort by the last key, then by the one before it, and so on.

    >>> import numpy as np
    >>> lexsort((np.array([1, 0, 2]), np.array([5, 5, 3]))).tolist()
    [2, 1, 0]
    """
    given = [_ordered("lexsort", array("lexsort", k)) for k in keys]
    if not given or any([k.shape != given[0].shape for k in given]):
        raise shape_error(f"lexsort: wanted keys of one shape, got {', '.join([str(k.aval) for k in given]) or 'none'}")
    place = canonical_axis("lexsort", axis, given[0].aval)
    found = orders.argsort(given[0], place)
    for key in given[1:]:
        found = take_along_axis(found, orders.argsort(take_along_axis(key, found, place), place), place)
    return array("lexsort", found)


@one_program(2)
def searchsorted(a: ArrayLike, v: ArrayLike, side: str = "left", sorter: ArrayLike | None = None, *,
                 method: str = "scan") -> Array:
    """Where each element of v would stand in the sorted vector a: before ("left") or after ("right") equal elements.

    By bisection: about log2(len(a)) reads for each element.

    Raises ShapeError unless a has rank 1, ArgumentError for another side.

    >>> import numpy as np
    >>> searchsorted(np.array([1, 3, 3, 5]), np.array([3, 9])).tolist()
    [1, 4]
    """
    if side not in ("left", "right"):
        raise argument_error(f"searchsorted: wanted a side of 'left' or 'right', got {side!r}")
    line, wanted = array("searchsorted", a), array("searchsorted", v)
    if line.ndim != 1:
        raise shape_error(f"searchsorted: a must have rank 1, got {line.aval}")
    if sorter is not None:
        line = array("searchsorted", take(line, array("searchsorted", sorter), 0))
    x, y = [orders.sortable(p) for p in _common(line, wanted)]
    size = line.shape[0]
    low, high = full(wanted.shape, 0, I32), full(wanted.shape, size, I32)
    for _ in range(size.bit_length()):
        middle = floordiv(add(low, high), 2)
        found = take(x, middle, 0) if size else y
        before = lt(found, y) if side == "left" else not_(lt(y, found))
        open_still = lt(low, high)
        low = select(and_(open_still, before), add(middle, 1), low)
        high = select(and_(open_still, not_(before)), middle, high)
    return array("searchsorted", low)


def _common(line: Array, wanted: Array) -> list[Array]:
    dtype = common_dtype([line, wanted])[0]
    return [_ordered("searchsorted", array("searchsorted", cast(x, dtype))) for x in (line, wanted)]
