"""Where something holds, and what occurs: nonzero, argwhere, unique, compress, and choices between arrays.

The shapes of these results depend on values. Outside any trace the values are read (one wait for the device). While
they are traced, `size=` says how many results there are: what lacks is `fill_value`, what is too much is left out.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from lantern.dtypes import BOOL, I32, is_float
from lantern.eager import one_program
from lantern.errors import UnknownValueError
from lantern.lax.associative import associative_scan
from lantern.lax.operands import (
    ArrayLike,
    NumpyArray,
    argument_error,
    array,
    canonical_axis,
    shape_error,
    size_of,
    type_error,
    whole,
)
from lantern.lax.operands import cast as converted
from lantern.numpy import logic
from lantern.numpy.indexing import fill, getitem
from lantern.numpy.indices import known_values
from lantern.numpy.joining import stack
from lantern.numpy.reductions import any as any_of
from lantern.numpy.shaping import broadcast_arrays, moveaxis, ravel
from lantern.ops import shape as ops
from lantern.ops.broadcast import broadcast_in_dim, full
from lantern.ops.compare import is_nan, lt, ne
from lantern.ops.compare import select as choose_between
from lantern.ops.convert import convert
from lantern.ops.elementwise import and_, floordiv, mod, not_, sub
from lantern.ops.index import take
from lantern.ops.pointwise import add
from lantern.ops.scatter import scatter
from lantern.ops.sort import argsort
from lantern.trace.array import Array
from lantern.trace.context import EAGER, current
from lantern.trace.primitive import Value

Fill = bool | int | float | Sequence[Any] | None


def _unknown(function: str, what: str) -> NoReturn:
    cure = f"Give it, as in {function}(x, size=n, fill_value=...), or use lantern.numpy.where(mask, x, other)."
    raise type_error(f"{function}: the number of results depends on the values of {what}, which are not known while "
                     "tracing", cure)


def _known(function: str, x: Array) -> NumpyArray:
    try:
        return known_values(x, f"{function}(x)")
    except UnknownValueError:
        _unknown(function, str(x.aval))


def _size(function: str, size: Any) -> int:
    found = whole(function, "size", size)
    if found < 0:
        raise argument_error(f"{function}: wanted a size of 0 or more, got {found}")
    return found


def _counts(mask: Value, size: int) -> Value:
    """For each place how many places before it, itself included, are true."""
    if not size:
        return full((0,), 0, I32)
    return associative_scan(add, convert(mask, I32))


def _places(mask: Value, length: int, size: int) -> tuple[Value, Value]:
    """The places where a vector is true, in order, and which of these `size` there are."""
    before = _counts(mask, length)
    target = choose_between(mask, sub(before, 1), size)        # beyond the end: dropped
    found = scatter(full((size,), 0, I32), target, ops.iota(I32, (length,), 0), 0, "set", unique=True)
    total = ops.slice(before, (length - 1,), (length,)) if length else full((1,), 0, I32)
    return found, lt(ops.iota(I32, (size,), 0), broadcast_in_dim(ops.reshape(total, ()), (size,), ()))


def nonzero(a: ArrayLike, *, size: int | None = None, fill_value: Fill = None) -> tuple[Array, ...]:
    """The positions of the elements that are not zero, in row-major order: one vector (i32) for each axis.

    `size` is how many there are; it must be given while a is traced. Missing ones are `fill_value` (default 0; a
    sequence has one for each axis). Raises ShapeError for rank 0, TypeError for unknown values without `size`.

    >>> [i.tolist() for i in nonzero(np.array([[3, 0], [0, 4]]))]
    [[0, 1], [0, 1]]
    >>> nonzero(np.array([0, 5]), size=3, fill_value=-1)[0].tolist()
    [1, -1, -1]
    """
    return _nonzero("nonzero", array("nonzero", a), size, fill_value)


def _nonzero(function: str, x: Array, size: int | None, fill_value: Fill) -> tuple[Array, ...]:
    if x.ndim == 0:
        raise shape_error(f"{function}: wanted an array with axes, got {x.aval}", "Use lantern.numpy.atleast_1d.")
    if size is None:
        return tuple([array(function, i.astype(np.int32)) for i in _known(function, x).nonzero()])
    fills: tuple[Any, ...] = tuple(fill_value) if isinstance(fill_value, Sequence) else (fill_value or 0,) * x.ndim
    if len(fills) != x.ndim:
        raise argument_error(f"{function}: wanted one fill value, or one for each axis of {x.aval}, got {len(fills)}")
    return _sized(x, _size(function, size), fills)


@one_program(1)
def _sized(x: Array, size: int, fills: tuple[Any, ...]) -> Any:
    mask = ne(ops.reshape(x, (x.size,)), False if x.dtype == BOOL else 0)
    flat, there = _places(mask, x.size, size)
    found: list[Array] = []
    for length, missing in zip(reversed(x.shape), reversed(fills), strict=True):
        place = mod(flat, max(length, 1))
        flat = floordiv(flat, max(length, 1))
        found.append(array("nonzero", choose_between(there, place, converted(missing, I32))))
    return tuple(reversed(found))


def flatnonzero(a: ArrayLike, *, size: int | None = None, fill_value: Fill = None) -> Array:
    """The positions of the elements of the flattened array that are not zero; `size` as in `nonzero`.

    >>> flatnonzero(np.array([[3, 0], [0, 4]])).tolist()
    [0, 3]
    """
    return _nonzero("flatnonzero", ravel(array("flatnonzero", a)), size, fill_value)[0]


def argwhere(a: ArrayLike, *, size: int | None = None, fill_value: Fill = None) -> Array:
    """The positions of the elements that are not zero, one row for each; `size` as in `nonzero`.

    >>> argwhere(np.array([[3, 0], [0, 4]])).tolist()
    [[0, 0], [1, 1]]
    """
    return stack(list(_nonzero("argwhere", array("argwhere", a), size, fill_value)), axis=1)


def where(condition: ArrayLike, x: ArrayLike | None = None, y: ArrayLike | None = None, /, *, size: int | None = None,
          fill_value: Fill = None) -> Any:
    """x where the condition is true (not 0), elsewhere y. All three broadcast together.

    Both x and y are computed and differentiated: where one of them is NaN or infinite on the side not taken, guard its
    operand as well, as in `where(x > 0, log(where(x > 0, x, 1)), 0)`, or the derivative is NaN.

    Of the condition alone: `nonzero(condition, size=size, fill_value=fill_value)`.

    >>> where(np.arange(4) < 2, 0, np.arange(4)).tolist()
    [0, 0, 2, 3]
    >>> where(np.array([False, True]))[0].tolist()
    [1]
    """
    if x is None and y is None:
        return _nonzero("where", array("where", condition), size, fill_value)
    if x is None or y is None:
        raise argument_error("where: wanted both x and y, or none of them")
    if size is not None or fill_value is not None:
        raise argument_error("where: size and fill_value belong to where(condition) alone")
    return logic.where(condition, x, y)


def compress(condition: ArrayLike, a: ArrayLike, axis: int | None = None, *, size: int | None = None,
             fill_value: ArrayLike = 0) -> Array:
    """The elements along an axis (None: of the flattened array) where a vector of truth values holds; `size` as in
    `nonzero`.

    >>> compress(np.array([True, False, True]), np.arange(3)).tolist()
    [0, 2]
    """
    x, test = array("compress", a), array("compress", condition)
    if test.ndim != 1:
        raise shape_error(f"compress: the condition must have rank 1, got {test.aval}")
    if axis is None:
        x, axis = ravel(x), 0
    place = canonical_axis("compress", axis, x.aval)
    if test.shape[0] > x.shape[place]:
        raise shape_error(f"compress: the condition {test.aval} is longer than axis {place} of {x.aval}")
    if size is None:
        positions = _known("compress", test).nonzero()[0]
        return getitem(x, (*[slice(None)] * place, positions))
    return _compressed(x, test, place, _size("compress", size), fill_value)


@one_program(2)
def _compressed(x: Array, test: Array, axis: int, size: int, fill_value: Any) -> Array:
    mask = ne(test, False if test.dtype == BOOL else 0)
    places, there = _places(mask, test.shape[0], size)
    found = take(x, places, axis, mode="zero")
    return array("compress", choose_between(broadcast_in_dim(there, found.shape, (axis,)), found, fill(x, fill_value)))


def extract(condition: ArrayLike, arr: ArrayLike, *, size: int | None = None, fill_value: ArrayLike = 0) -> Array:
    """The elements of the flattened array where the flattened condition holds; `size` as in `nonzero`.

    >>> extract(np.array([[True, False], [False, True]]), np.array([[1, 2], [3, 4]])).tolist()
    [1, 4]
    """
    return compress(ravel(array("extract", condition)), ravel(array("extract", arr)), size=size, fill_value=fill_value)


def unique(ar: ArrayLike, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
           axis: int | None = None, *, equal_nan: bool = True, size: int | None = None,
           fill_value: ArrayLike | None = None, sorted: bool = True) -> Any:
    """The different elements (or slices along an axis) in ascending order.

    On request followed by: the position of the first of each, for each element the number of its value, and how often
    each occurs. `size` is how many there are; it must be given while `ar` is traced. Missing ones are `fill_value`
    (default: the first), with a count of 0.

    Raises TypeError for unknown values without `size`.

    >>> unique(np.array([3, 1, 1])).tolist()
    [1, 3]
    >>> [x.tolist() for x in unique(np.array([3, 1, 1]), True, True, True, size=3, fill_value=0)]
    [[1, 3, 0], [1, 0, 1], [1, 0, 0], [2, 1, 0]]
    """
    x = array("unique", ar)
    lines = ravel(x) if axis is None else moveaxis(x, canonical_axis("unique", axis, x.aval), 0)
    if size is None:
        found = _on_host(_known("unique", lines), axis is None, equal_nan)
        if current() is EAGER:
            return _chosen(found, x, axis, (True, return_index, return_inverse, return_counts))
        size = found[0].shape[0]
    outs: list[Array] = list(_different(lines, _size("unique", size), fill_value, equal_nan))
    return _chosen(outs, x, axis, (True, return_index, return_inverse, return_counts))


def _on_host(values: NumpyArray, whole: bool, equal_nan: bool) -> list[Array]:
    """Values, first positions, numbers of the values, and counts, by NumPy: no program for each number of values."""
    found = np.unique(values, True, True, True, None if whole else 0, equal_nan=equal_nan)
    return [array("unique", found[0]), *[array("unique", x.reshape(-1).astype(np.int32)) for x in found[1:]]]


def _chosen(outs: list[Array], x: Array, axis: int | None, wanted: Sequence[bool]) -> Any:
    outs[0] = outs[0] if axis is None else moveaxis(outs[0], 0, axis)
    outs[2] = outs[2].reshape(x.shape) if axis is None else outs[2]
    chosen = [o for o, w in zip(outs, wanted, strict=True) if w]
    return chosen[0] if len(chosen) == 1 else tuple(chosen)


@one_program(1)
def _different(lines: Array, size: int, fill_value: Any, equal_nan: bool) -> Any:
    """Values, first positions, numbers of the values, and counts."""
    length, rest = lines.shape[0], lines.shape[1:]
    if length == 0:
        empty, none = full((size,), 0, I32), full((0,), 0, I32)
        missing = fill(lines, 0 if fill_value is None else fill_value)
        return broadcast_in_dim(missing, (size, *rest), ()), empty, none, empty
    columns = ops.reshape(lines, (length, size_of(rest)))
    order: Value = ops.iota(I32, (length,), 0)
    for k in reversed(range(size_of(rest))):
        column = take(ops.reshape(ops.slice(columns, (0, k), (length, k + 1)), (length,)), order, 0)
        order = take(order, argsort(column, 0), 0)
    ordered = take(columns, order, 0)
    now, before = ops.slice(ordered, (1, 0), ordered.shape), ops.slice(ordered, (0, 0), (length - 1, ordered.shape[1]))
    differs = ne(now, before)
    if equal_nan and is_float(lines.dtype):
        differs = and_(differs, not_(and_(is_nan(now), is_nan(before))))
    new = ops.concatenate([full((1,), True, BOOL), any_of(array("unique", differs), axis=1)], 0)
    places, there = _places(new, length, size + 1)
    numbers = sub(_counts(new, length), 1)
    inverse = scatter(full((length,), 0, I32), order, numbers, 0, "set", unique=True)
    ends = choose_between(there, places, length)
    here, first = [ops.slice(a, (0,), (size,)) for a in (there, places)]
    counts = choose_between(here, sub(ops.slice(ends, (1,), (size + 1,)), first), 0)
    first = choose_between(here, first, 0)
    values = ops.reshape(take(ordered, first, 0), (size, *rest))
    if fill_value is not None:
        values = choose_between(broadcast_in_dim(here, (size, *rest), (0,)), values, fill(lines, fill_value))
    return values, take(order, first, 0), inverse, counts


def select(condlist: Sequence[ArrayLike], choicelist: Sequence[ArrayLike], default: ArrayLike = 0) -> Array:
    """Each element from the first choice whose condition holds there, else `default`.

    Raises ArgumentError unless there are as many conditions as choices, and one at least.

    >>> select([np.arange(4) < 1, np.arange(4) < 3], [10, np.arange(4)], -1).tolist()
    [10, 1, 2, -1]
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise argument_error(f"select: wanted as many conditions as choices, and one at least, got {len(condlist)} and "
                             f"{len(choicelist)}")
    found: Any = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        found = logic.where(condition, choice, found)
    return found


def choose(a: ArrayLike, choices: Sequence[ArrayLike] | Array, out: None = None, mode: str = "raise") -> Array:
    """Each element from the choice whose number stands there: choices[a[i]][i]. All broadcast together.

    `mode` "wrap" counts modulo the number of choices, "clip" takes the nearest; "raise" raises ArgumentError for a
    number out of range, and TypeError where the numbers are not known.

    >>> choose(np.array([1, 0, 1]), [np.array([1, 2, 3]), 0]).tolist()
    [0, 2, 0]
    """
    number, count = array("choose", a), len(choices)
    if mode not in ("raise", "wrap", "clip") or not count:
        raise argument_error("choose: wanted a mode of 'raise', 'wrap' or 'clip' and one choice at least, got "
                             f"{mode!r} and {count} choices")
    if mode == "raise":
        try:
            values = known_values(number, "choose(a)")
        except UnknownValueError:
            raise type_error(f"choose: mode 'raise' needs the values of {number.aval}, which are not known while "
                             "tracing", "Use mode='clip' or mode='wrap'.") from None
        if values.size and not 0 <= values.min() <= values.max() < count:
            raise argument_error(f"choose: wanted numbers from 0 to {count - 1}, got {values.min()} to {values.max()}")
    number = number % count if mode == "wrap" else number
    found: Any = choices[count - 1]
    for k in reversed(range(count - 1)):
        found = logic.where(number <= k, choices[k], found)
    return broadcast_arrays(array("choose", found), number)[0]
