"""Elements by position: `x[...]`, take, take_along_axis, diagonals and triangles of indices.

Positions known while tracing (Python and NumPy integers) are checked and raise IndexError. Positions in arrays of the
library are not known: negative ones count from the end, and those out of range are moved to the nearest end.
"""
from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, TypeAlias

import numpy as np

from lantern.dtypes import BOOL, I32, is_integer
from lantern.eager import one_program
from lantern.lax.operands import (
    ArrayLike,
    NumpyArray,
    argument_error,
    array,
    at_user_line,
    canonical_axis,
    cast,
    common_shape,
    is_array,
    is_host_array,
    shape_error,
    size_of,
    stretch,
    type_error,
)
from lantern.numpy.arithmetic import add, clip, multiply, remainder
from lantern.numpy.logic import less, where
from lantern.numpy.shaping import ravel
from lantern.ops import index as gather
from lantern.ops import shape as ops
from lantern.trace.array import Array
from lantern.trace.aval import ShapedArray
from lantern.trace.context import EAGER, current

# One entry of an index: a position, a range, many positions along one axis, or a new axis.
Item: TypeAlias = "int | slice | NumpyArray | Array | None"
Positions: TypeAlias = "NumpyArray | Array"
_MODES = (None, "clip", "wrap")


def _out_of_range(function: str, position: int, axis: int, aval: ShapedArray) -> IndexError:
    return IndexError(f"{function}: index {position} is out of range for axis {axis} of {aval} "
                      f"(size {aval.shape[axis]}){at_user_line()}")


def _checked(function: str, positions: NumpyArray, axis: int, aval: ShapedArray) -> NumpyArray:
    """Known positions counted from the front, as int32."""
    length = aval.shape[axis]
    wrong = positions[(positions < -length) | (positions >= length)]
    if wrong.size:
        raise _out_of_range(function, int(wrong.ravel()[0]), axis, aval)
    return np.where(positions < 0, positions + length, positions).astype(np.int32)


def _counted(function: str, positions: Positions, axis: int, aval: ShapedArray, mode: str | None = None) -> Positions:
    """Positions counted from the front, as int32; known ones are checked. Unknown ones may still be out of range."""
    length = aval.shape[axis]
    if mode is None and isinstance(positions, np.ndarray):
        return _checked(function, positions, axis, aval)
    found = array(function, positions)
    if length == 0 and found.size:
        raise IndexError(f"{function}: axis {axis} of {aval} has no elements to take{at_user_line()}")
    if mode == "wrap":
        return cast(remainder(found, length), I32) if length else cast(found, I32)
    if mode == "clip":
        return cast(clip(found, 0, length - 1), I32)
    found = cast(found, I32)
    return found if positions.dtype.kind == "u" else where(less(found, 0), add(found, length), found)


def _positions(function: str, indices: Any) -> Positions:
    """An index array: NumPy's if its values are known.

    Raises TypeError unless it is made of integers.
    """
    found: Positions = indices if is_array(indices) else np.asarray(indices)
    if is_host_array(found) and found.size == 0 and not is_host_array(indices):
        found = found.astype(np.int32)      # an empty list has no dtype of its own
    if not is_integer(found.dtype):
        raise type_error(f"{function}: positions must be integers, got {found.dtype}")
    return found


def take(a: ArrayLike, indices: ArrayLike | Sequence[int], axis: int | None = None, mode: str | None = None) -> Array:
    """The elements at positions along an axis: axis k of the result becomes the axes of `indices`. None flattens first.

    `mode` None: known positions out of range raise IndexError, unknown ones are moved to the nearest end; "clip" does
    that for all (also for negative ones); "wrap" counts modulo the size.

    >>> take(np.array([10, 20, 30]), np.array([2, 0, -1])).tolist()
    [30, 10, 30]
    """
    x = array("take", a)
    if mode not in _MODES:
        raise argument_error(f"take: wanted a mode of None, 'clip' or 'wrap', got {mode!r}")
    if axis is None:
        x, axis = ravel(x), 0
    place = canonical_axis("take", axis, x.aval)
    positions = _positions("take", indices)
    if mode is None and is_host_array(positions):
        return gather.take(x, _checked("take", positions, place, x.aval), place)
    return _taken(x, array("take", positions), place, mode)


@one_program(2)
def _taken(x: Array, positions: Array, axis: int, mode: str | None) -> Array:
    return gather.take(x, _counted("take", positions, axis, x.aval, mode), axis)


def take_along_axis(arr: ArrayLike, indices: ArrayLike, axis: int | None = -1, mode: str | None = None) -> Array:
    """result[..., k, ...] = arr[..., indices[..., k, ...], ...] along `axis`; the other axes broadcast. None flattens
    both.

    Raises ShapeError if ranks differ or the other axes do not fit. `mode` as in `take`.

    >>> take_along_axis(np.array([[1, 2], [3, 4]]), np.array([[1], [0]]), axis=1).tolist()
    [[2], [3]]
    """
    x = array("take_along_axis", arr)
    positions = _positions("take_along_axis", indices)
    if axis is None:
        x, positions, axis = ravel(x), positions.reshape(-1), 0
    place = canonical_axis("take_along_axis", axis, x.aval)
    if positions.ndim != x.ndim:
        raise shape_error(f"take_along_axis: array and indices must have one rank, got {x.aval} and {positions.shape}")
    i = array("take_along_axis", _counted("take_along_axis", positions, place, x.aval, mode))
    rests = [(*s[:place], 1, *s[place + 1:]) for s in (x.shape, i.shape)]
    target = common_shape("take_along_axis", rests, [x, i])
    sizes = [(*target[:place], s[place], *target[place + 1:]) for s in (x.shape, i.shape)]
    return gather.take_along_axis(stretch(x, sizes[0]), stretch(i, sizes[1]), place)


@dataclass(frozen=True, slots=True)
class _Ranges:
    """What slices and integers select: bounds for `ops.slice`, the axes to turn round, and how many are left of
    each."""

    start: tuple[int, ...]
    limit: tuple[int, ...]
    strides: tuple[int, ...]
    reversed: tuple[int, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many elements are selected along each axis."""
        return tuple([len(range(a, b, s)) for a, b, s in zip(self.start, self.limit, self.strides, strict=True)])

    def of(self, x: Array) -> Array:
        """The elements selected; all axes stay."""
        return ops.rev(ops.slice(x, self.start, self.limit, self.strides), self.reversed)


def getitem(x: ArrayLike, index: Any, /) -> Array:
    """x[index]: integers, slices, `...`, None, and integer arrays (several broadcast together), in any mixture.

    As in NumPy, the axes of index arrays come first if a slice, `...` or None stands between them, else where they
    stood. A mask must be a NumPy array, since the number of its true elements decides the shape. Raises IndexError for
    a known position out of range or too many indices, TypeError for other entries.

    >>> getitem(np.arange(12).reshape(3, 4), (slice(None, None, 2), -1)).tolist()
    [3, 11]
    """
    a = array("getitem", x)
    items = _entries(a.aval, index)
    if any(isinstance(i, (Array, np.ndarray)) for i in items):
        return _gathered(a, items)
    ranges = _ranges(a.aval, [i for i in items if i is not None])
    sizes = iter(ranges.sizes)
    shape: list[int] = []
    for i in items:
        if i is None:
            shape.append(1)
        elif isinstance(i, slice):
            shape.append(next(sizes))
        else:
            next(sizes)
    one_row = bool(items) and isinstance(items[0], int) and tuple(shape) == ranges.sizes[1:] == a.shape[1:]
    if one_row and not ranges.reversed and current() is EAGER:
        # One program for all positions: x[0], x[1], ... in a Python loop compiles once.
        return gather.take(a, np.asarray(ranges.start[0], np.int32), 0)
    return _cut(a, ranges, tuple(shape))


@one_program(1)
def _cut(x: Array, ranges: _Ranges, shape: tuple[int, ...]) -> Array:
    return ops.reshape(ranges.of(x), shape)


def _entries(aval: ShapedArray, index: Any) -> list[Item]:
    """The index with one entry for each axis (and None for each new one): `...` written out, masks as positions."""
    found: list[Item | EllipsisType] = []
    for entry in index if isinstance(index, tuple) else (index,):       # pyright: ignore[reportUnknownVariableType]
        found.extend(_entry(aval, entry))
    dots = [k for k, i in enumerate(found) if i is Ellipsis]
    if len(dots) > 1:
        raise IndexError(f"getitem: an index can have one ellipsis ('...'), got {len(dots)}{at_user_line()}")
    used = sum([1 for i in found if i is not None and i is not Ellipsis])
    if used > aval.ndim:
        raise IndexError(f"getitem: too many indices: {aval} has {aval.ndim} axes, got {used}{at_user_line()}")
    place = dots[0] if dots else len(found)
    whole: list[Item] = [slice(None)] * (aval.ndim - used)
    before: Any = found[:place]
    after: Any = found[place + 1:]
    return [*before, *whole, *after]


def _entry(aval: ShapedArray, entry: Any) -> list[Item | EllipsisType]:
    """One entry of an index; a mask counts for as many axes as it has."""
    if entry is None or entry is Ellipsis or isinstance(entry, slice):
        return [entry]
    if isinstance(entry, Array):
        if entry.dtype == BOOL:
            raise type_error(f"getitem: the shape of x[mask] depends on the values of the mask {entry.aval}",
                             "Use lantern.numpy.where(mask, x, other), or a NumPy mask.")
        return [_positions("getitem", entry)]
    if hasattr(entry, "__index__") and not isinstance(entry, (bool, np.bool_, np.ndarray)):
        return [operator.index(entry)]
    if isinstance(entry, (list, np.ndarray, np.generic)):
        values: NumpyArray = np.asarray(entry)      # pyright: ignore[reportUnknownArgumentType]
        if values.dtype == np.bool_ and values.ndim:
            return [*values.nonzero()]
        return [_positions("getitem", entry)]
    raise type_error(f"getitem: wanted integers, slices, ..., None or integer arrays, got {entry!r} for {aval}")


def _ranges(aval: ShapedArray, items: Sequence[Item]) -> _Ranges:
    """What to cut out; axes with index arrays stay whole."""
    start: list[int] = []
    limit: list[int] = []
    strides: list[int] = []
    turned: list[int] = []
    for axis, (item, length) in enumerate(zip(items, aval.shape, strict=True)):
        low, high, step = 0, length, 1
        if isinstance(item, int):
            if not -length <= item < length:
                raise _out_of_range("getitem", item, axis, aval)
            low = item % length
            high = low + 1
        elif isinstance(item, slice):
            positions = range(*item.indices(length))
            if positions.step < 0:
                turned.append(axis)
                positions = positions[::-1]
            step = positions.step
            low, high = (positions[0], positions[-1] + 1) if positions else (0, 0)
        start.append(low)
        limit.append(high)
        strides.append(step)
    return _Ranges(tuple(start), tuple(limit), tuple(strides), tuple(turned))


def _gathered(x: Array, items: Sequence[Item]) -> Array:
    """Integer arrays among the entries: their axes are merged into one, from which one `take` reads."""
    consuming = [i for i in items if i is not None]
    chosen = [axis for axis, i in enumerate(consuming) if not isinstance(i, slice)]
    kept = [axis for axis, i in enumerate(consuming) if isinstance(i, slice)]
    # Integers beside arrays are arrays of rank 0 for this purpose, and so stay out of the ranges.
    ranges = _ranges(x.aval, [i if isinstance(i, slice) else slice(None) for i in consuming])
    merged = size_of([x.shape[axis] for axis in chosen])
    flat = _flat_positions(x.aval, [(axis, consuming[axis]) for axis in chosen])
    where_chosen = [k for k, i in enumerate(items) if i is not None and not isinstance(i, slice)]
    adjacent = where_chosen[-1] - where_chosen[0] + 1 == len(where_chosen)
    before = [axis for axis in kept if axis < chosen[0]] if adjacent else []
    after = [axis for axis in kept if axis not in before]
    lead, tail = [ranges.sizes[k] for k in before], [ranges.sizes[k] for k in after]
    remaining = iter([*lead, *tail])
    first = where_chosen[0] if adjacent else 0
    shape: list[int] = []
    for k, i in enumerate([*items, slice(None)]):
        if k == first:
            shape.extend(flat.shape)
        if k < len(items) and (i is None or isinstance(i, slice)):
            shape.append(1 if i is None else next(remaining))
    plan = _Plan(ranges, (*before, *chosen, *after), (*lead, merged, *tail), len(before), tuple(shape))
    return _read(x, flat if is_array(flat) else np.asarray(flat), plan)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to read with index arrays: cut, bring the indexed axes together, merge them (`sizes`), take along `axis`."""

    ranges: _Ranges
    order: tuple[int, ...]
    sizes: tuple[int, ...]
    axis: int
    shape: tuple[int, ...]


@one_program(2)
def _read(x: Array, positions: Positions, plan: _Plan) -> Array:
    merged = ops.reshape(ops.transpose(plan.ranges.of(x), plan.order), plan.sizes)
    return ops.reshape(gather.take(merged, positions, plan.axis), plan.shape)


def _flat_positions(aval: ShapedArray, chosen: Sequence[tuple[int, Any]]) -> Positions:
    """Positions along several axes as positions along those axes merged into one."""
    counted = [_counted("getitem", np.asarray(i) if isinstance(i, int) else i, axis, aval) for axis, i in chosen]
    shape = common_shape("getitem", [c.shape for c in counted])
    if len(counted) == 1:
        return counted[0]
    total: Positions = np.zeros(shape, np.int32)
    for (axis, _), positions in zip(chosen, counted, strict=True):
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
