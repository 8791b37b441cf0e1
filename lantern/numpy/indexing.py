"""Elements by position: `x[...]`, take, take_along_axis, diagonals and triangles of indices.

Positions known while tracing (Python and NumPy integers) are checked and raise IndexError. Positions in arrays of the
library are not known: negative ones count from the end, and those out of range are moved to the nearest end.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lantern.checks import check_positions
from lantern.dtypes import BOOL, I32, KEY, no_numbers, short_name
from lantern.eager import one_program
from lantern.lax.gathers import fill_of
from lantern.lax.operands import (
    ArrayLike,
    argument_error,
    array,
    at_user_line,
    canonical_axis,
    cast,
    common_dtype,
    common_shape,
    describe,
    is_array,
    is_host_array,
    operand,
    shape_error,
    shape_of,
    size_of,
    stretch,
    type_error,
)
from lantern.numpy.arithmetic import add, clip, multiply, remainder
from lantern.numpy.indices import Item, Positions, Ranges, checked, entries, integer_positions, ranges
from lantern.numpy.logic import greater_equal, less, logical_and, where
from lantern.numpy.shaping import ravel
from lantern.ops import index as gather
from lantern.ops import shape as ops
from lantern.ops.scatter import scatter
from lantern.trace.array import Array
from lantern.trace.aval import ShapedArray
from lantern.trace.context import EAGER, current

MODES = (None, "clip", "drop", "fill", "promise_in_bounds", "wrap")


def counted(function: str, positions: Positions, axis: int, aval: ShapedArray, mode: str | None = None) -> Positions:
    """Positions counted from the front, as int32; known ones are checked if no mode was asked for. All others may still
    be out of range."""
    length = aval.shape[axis]
    if mode is None and isinstance(positions, np.ndarray):
        return checked(function, positions, axis, aval)
    found = array(function, positions)
    if length == 0 and found.size and mode not in ("fill", "drop"):
        raise IndexError(f"{function}: axis {axis} of {aval} has no elements to take{at_user_line()}")
    if mode == "wrap":
        return cast(remainder(found, length), I32) if length else cast(found, I32)
    found = cast(found, I32)
    return found if positions.dtype.kind == "u" else where(less(found, 0), add(found, length), found)


def take(a: ArrayLike, indices: ArrayLike | Sequence[int], axis: int | None = None, mode: str | None = None,
         fill_value: bool | int | float | None = None, *, unique_indices: bool = False,
         indices_are_sorted: bool = False) -> Array:
    """The elements at positions along an axis: axis k of the result becomes the axes of `indices`. None flattens first.

    `mode` None: known positions out of range raise IndexError, unknown ones are moved to the nearest end; "clip" does
    that for all (also for negative ones); "wrap" counts modulo the size; "fill" reads `fill_value` (by default NaN, the
    least signed or largest unsigned integer, or True) where a position is out of range.

    >>> take(np.array([10, 20, 30]), np.array([2, 0, -1])).tolist()
    [30, 10, 30]
    >>> take(np.array([10, 20, 30]), np.array([2, 3]), mode="fill", fill_value=-1).tolist()
    [30, -1]
    """
    x = array("take", a)
    _check_mode("take", mode)
    if axis is None:
        x, axis = ravel(x), 0
    place = canonical_axis("take", axis, x.aval)
    positions = integer_positions("take", indices)
    if mode is None and is_host_array(positions):
        return gather.take(x, checked("take", positions, place, x.aval), place)
    if mode is None:
        check_positions("take", positions, place, x.aval)
    return _taken(x, array("take", positions), place, mode, fill_value)


def _check_mode(function: str, mode: str | None) -> None:
    if mode not in MODES:
        names = ", ".join([repr(m) for m in MODES[1:]])
        raise argument_error(f"{function}: wanted a mode of None, {names}, got {mode!r}")


@one_program(2)
def _taken(x: Array, positions: Array, axis: int, mode: str | None, fill_value: bool | int | float | None) -> Array:
    if mode == "clip":
        return gather.take(x, cast(clip(positions, 0, x.shape[axis] - 1), I32), axis)
    places = counted("take", positions, axis, x.aval, mode)
    if mode not in ("fill", "drop"):
        return gather.take(x, places, axis)
    i = array("take", places)
    around = [1 if k < axis or k >= axis + i.ndim else i.shape[k - axis] for k in range(x.ndim - 1 + i.ndim)]
    inside = logical_and(greater_equal(i, 0), less(i, x.shape[axis]))
    found = gather.take(x, i, axis, mode="zero")
    return where(ops.reshape(inside, around), found, fill(x, fill_value))


def fill(x: Array, fill_value: Any) -> Any:
    """What is read out of range, as an operand of x's dtype."""
    if x.dtype is KEY:
        raise no_numbers("", "there is no key to fill in where positions are out of range",
                         'Use mode="clip" or mode="wrap"')
    return cast(fill_of(x.dtype) if fill_value is None else fill_value, x.dtype)


def _aligned(function: str, x: Array, indices: Any, axis: int | None, mode: str | None) -> tuple[Array, Array, int]:
    """An array, positions along one of its axes of the same rank, and this axis; None flattens both."""
    _check_mode(function, mode)
    positions = integer_positions(function, indices)
    if axis is None:
        x, positions, axis = ravel(x), positions.reshape(-1), 0
    place = canonical_axis(function, axis, x.aval)
    if positions.ndim != x.ndim:
        raise shape_error(f"{function}: array and indices must have one rank, got {x.aval} and indices of shape "
                          f"{positions.shape}")
    if mode == "clip":
        positions = clip(positions, 0, max(x.shape[place] - 1, 0))
    if mode is None and is_array(positions):
        check_positions(function, positions, place, x.aval)
    return x, array(function, counted(function, positions, place, x.aval, mode)), place


def take_along_axis(arr: ArrayLike, indices: ArrayLike, axis: int | None = -1, mode: str | None = None,
                    fill_value: bool | int | float | None = None) -> Array:
    """result[..., k, ...] = arr[..., indices[..., k, ...], ...] along `axis`; the other axes broadcast. None flattens
    both.

    Raises ShapeError if ranks differ or the other axes do not fit. `mode` as in `take`.

    >>> take_along_axis(np.array([[1, 2], [3, 4]]), np.array([[1], [0]]), axis=1).tolist()
    [[2], [3]]
    """
    x, i, place = _aligned("take_along_axis", array("take_along_axis", arr), indices, axis, mode)
    rests = [(*s[:place], 1, *s[place + 1:]) for s in (x.shape, i.shape)]
    target = common_shape("take_along_axis", rests, [x, i])
    x, i = [stretch(a, (*target[:place], a.shape[place], *target[place + 1:])) for a in (x, i)]
    found = gather.take_along_axis(x, i, place)
    if mode not in ("fill", "drop"):
        return found
    return where(logical_and(greater_equal(i, 0), less(i, x.shape[place])), found, fill(x, fill_value))


def put_along_axis(arr: ArrayLike, indices: ArrayLike, values: ArrayLike, axis: int | None, inplace: bool = False, *,
                   mode: str | None = None) -> Array:
    """A new array with result[..., indices[..., k, ...], ...] = values[..., k, ...] along `axis`; None means the
    flattened array. The other axes of `indices`, and `values`, broadcast.

    Where positions repeat, the last one counts. `inplace` must be False: arrays never change.

    Raises ShapeError if ranks differ or shapes do not fit, ArgumentError for inplace=True.

    >>> put_along_axis(np.zeros((2, 2)), np.array([[1], [0]]), np.array([[5], [6]]), axis=1).tolist()
    [[0.0, 5.0], [6.0, 0.0]]
    """
    if inplace:
        raise argument_error("put_along_axis: arrays never change, so inplace must be False",
                             "Use the array that is returned.")
    whole = array("put_along_axis", arr)
    x, i, place = _aligned("put_along_axis", whole, indices, axis, mode)
    rest = [n for k, n in enumerate(x.shape) if k != place]
    target = (*rest[:place], i.shape[place], *rest[place:])
    if any(n not in (1, m) for n, m in zip(i.shape, target, strict=True)):
        raise shape_error(f"put_along_axis: indices of shape {i.shape} do not fit {x.aval} at axis {place}; their "
                          "other axes must be its own or 1")
    u = broadcast_value("put_along_axis", x, values, target)
    order = [*[k for k in range(x.ndim) if k != place], place]
    lines, places, updates = [ops.transpose(a, order) for a in (x, stretch(i, target), u)]
    found = scatter(lines, places, updates, x.ndim - 1, "set", batch=x.ndim - 1)
    return ops.reshape(ops.transpose(found, sorted(range(x.ndim), key=order.__getitem__)), whole.shape)


def broadcast_value(function: str, x: Array, values: ArrayLike, shape: tuple[int, ...]) -> Array:
    """What is written into x, in x's dtype and broadcast to `shape`.

    Raises TypeError if x cannot hold its dtype, ShapeError if it does not broadcast.
    """
    given = operand(function, values)
    dtype = common_dtype([x, given], function=function)[0]
    if dtype != x.dtype:
        raise type_error(f"{function}: a value of {describe(given)} does not fit into {x.aval}: together they are "
                         f"{short_name(dtype)}", "Convert one of them with astype.")
    sizes = shape_of(given)
    pairs = zip(reversed(sizes), reversed(shape), strict=False)
    extra = len(sizes) - len(shape)
    if any(n not in (1, m) for n, m in pairs) or any(n != 1 for n in sizes[:max(extra, 0)]):
        raise shape_error(f"{function}: a value of {describe(given)} does not broadcast to the shape {shape} that is "
                          f"written in {x.aval}")
    value = array(function, cast(given, x.dtype, x.aval.weak))
    return stretch(ops.reshape(value, sizes[extra:]) if extra > 0 else value, shape)


def getitem(x: ArrayLike, index: Any, /) -> Array:
    """x[index]: integers, slices, `...`, None, and integer arrays (several broadcast together), in any mixture.

    As in NumPy, the axes of index arrays come first if a slice, `...` or None stands between them, else where they
    stood. A mask must be a NumPy array, since the number of its true elements decides the shape. Raises IndexError for
    a known position out of range or too many indices, TypeError for other entries.

    >>> getitem(np.arange(12).reshape(3, 4), (slice(None, None, 2), -1)).tolist()
    [3, 11]
    """
    a = array("getitem", x)
    if is_array(index) and index.dtype == BOOL and index.ndim == 0:
        # One truth value is a mask over no axes: a new axis of size 1 or 0.
        return getitem(ops.reshape(a, (1, *a.shape)), ops.reshape(index, (1,)))
    items = entries("getitem", a.aval, index)
    if any(isinstance(i, (Array, np.ndarray)) for i in items):
        return _gathered(a, items)
    cut = ranges("getitem", a.aval, [i for i in items if i is not None])
    sizes = iter(cut.sizes)
    shape: list[int] = []
    for i in items:
        if i is None:
            shape.append(1)
        elif isinstance(i, slice):
            shape.append(next(sizes))
        else:
            next(sizes)
    one_row = bool(items) and isinstance(items[0], int) and tuple(shape) == cut.sizes[1:] == a.shape[1:]
    if one_row and not cut.reversed and current() is EAGER:
        # One program for all positions: x[0], x[1], ... in a Python loop compiles once.
        return gather.take(a, np.asarray(cut.start[0], np.int32), 0)
    return _cut(a, cut, tuple(shape))


@one_program(1)
def _cut(x: Array, chosen: Ranges, shape: tuple[int, ...]) -> Array:
    return ops.reshape(chosen.of(x), shape)


def _gathered(x: Array, items: Sequence[Item]) -> Array:
    """Integer arrays among the entries: their axes are merged into one, from which one `take` reads."""
    consuming = [i for i in items if i is not None]
    chosen = [axis for axis, i in enumerate(consuming) if not isinstance(i, slice)]
    kept = [axis for axis, i in enumerate(consuming) if isinstance(i, slice)]
    # Integers beside arrays are arrays of rank 0 for this purpose, and so stay out of the ranges.
    cut = ranges("getitem", x.aval, [i if isinstance(i, slice) else slice(None) for i in consuming])
    merged = size_of([x.shape[axis] for axis in chosen])
    flat = _flat_positions(x.aval, [(axis, consuming[axis]) for axis in chosen])
    where_chosen = [k for k, i in enumerate(items) if i is not None and not isinstance(i, slice)]
    adjacent = where_chosen[-1] - where_chosen[0] + 1 == len(where_chosen)
    before = [axis for axis in kept if axis < chosen[0]] if adjacent else []
    after = [axis for axis in kept if axis not in before]
    lead, tail = [cut.sizes[k] for k in before], [cut.sizes[k] for k in after]
    remaining = iter([*lead, *tail])
    first = where_chosen[0] if adjacent else 0
    shape: list[int] = []
    for k, i in enumerate([*items, slice(None)]):
        if k == first:
            shape.extend(flat.shape)
        if k < len(items) and (i is None or isinstance(i, slice)):
            shape.append(1 if i is None else next(remaining))
    plan = _Plan(cut, (*before, *chosen, *after), (*lead, merged, *tail), len(before), tuple(shape))
    return _read(x, flat if is_array(flat) else np.asarray(flat), plan)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to read with index arrays: cut, bring the indexed axes together, merge them (`sizes`), take along `axis`."""

    chosen: Ranges
    order: tuple[int, ...]
    sizes: tuple[int, ...]
    axis: int
    shape: tuple[int, ...]


@one_program(2)
def _read(x: Array, positions: Positions, plan: _Plan) -> Array:
    merged = ops.reshape(ops.transpose(plan.chosen.of(x), plan.order), plan.sizes)
    return ops.reshape(gather.take(merged, positions, plan.axis), plan.shape)


def _flat_positions(aval: ShapedArray, chosen: Sequence[tuple[int, Any]]) -> Positions:
    """Positions along several axes as positions along those axes merged into one."""
    for axis, i in chosen:
        if is_array(i):
            check_positions("getitem", i, axis, aval)
    places = [counted("getitem", np.asarray(i) if isinstance(i, int) else i, axis, aval) for axis, i in chosen]
    shape = common_shape("getitem", [c.shape for c in places])
    if len(places) == 1:
        return places[0]
    total: Positions = np.zeros(shape, np.int32)
    for (axis, _), positions in zip(chosen, places, strict=True):
        length = aval.shape[axis]
        if isinstance(positions, np.ndarray) and isinstance(total, np.ndarray):
            total = (total * length + positions).astype(np.int32)
        else:
            inside = positions if isinstance(positions, np.ndarray) else clip(positions, 0, length - 1)
            total = add(multiply(total, length), inside)
    return total


def diagonal(a: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The elements with index2 - index1 = offset of two axes, as a new last axis.

    Row-major, neighbours on a diagonal lie columns + 1 apart, so it is a strided slice. Raises ShapeError for rank < 2.

    >>> diagonal(np.arange(9).reshape(3, 3)).tolist()
    [0, 4, 8]
    """
    x = array("diagonal", a)
    if x.ndim < 2:
        raise shape_error(f"diagonal: wanted two axes or more, got {x.aval}")
    first, second = canonical_axis("diagonal", axis1, x.aval), canonical_axis("diagonal", axis2, x.aval)
    if first == second:
        raise argument_error(f"diagonal: the axes must differ, got {axis1} and {axis2} for {x.aval}")
    rest = [k for k in range(x.ndim) if k not in (first, second)]
    rows, columns = x.shape[first], x.shape[second]
    lead = [x.shape[k] for k in rest]
    flat = ops.reshape(ops.transpose(x, [*rest, first, second]), (*lead, rows * columns))
    count = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    start = (offset if offset >= 0 else -offset * columns) if count else 0
    stop = start + (count - 1) * (columns + 1) + 1 if count else 0
    zeros, ones = [0] * len(lead), [1] * len(lead)
    return ops.slice(flat, (*zeros, start), (*lead, stop), (*ones, columns + 1))
