"""What an index means: `x[...]` and `x.at[...]` read it in the same way.

Positions known while tracing (Python and NumPy integers) are checked and raise IndexError. Positions in arrays of the
library are not known: negative ones count from the end, and what is out of range follows a mode.
"""
from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, TypeAlias, cast

import numpy as np

from lantern.dtypes import BOOL, is_integer
from lantern.errors import UnknownValueError
from lantern.lax.operands import NumpyArray, at_user_line, is_array, is_host_array, type_error
from lantern.ops import shape as ops
from lantern.trace.array import Array
from lantern.trace.aval import ShapedArray
from lantern.trace.constants import unwrapped
from lantern.trace.staging import Tracer

# One entry of an index: a position, a range, many positions along one axis, or a new axis.
Item: TypeAlias = "int | slice | NumpyArray | Array | None"
Positions: TypeAlias = "NumpyArray | Array"


def out_of_range(function: str, position: int, axis: int, aval: ShapedArray) -> IndexError:
    """The error for a known position that the axis lacks."""
    return IndexError(f"{function}: index {position} is out of range for axis {axis} of {aval} "
                      f"(size {aval.shape[axis]}){at_user_line()}")


def checked(function: str, positions: NumpyArray, axis: int, aval: ShapedArray) -> NumpyArray:
    """Known positions counted from the front, as int32.

    Raises IndexError for one that is out of range.
    """
    length = aval.shape[axis]
    wrong = positions[(positions < -length) | (positions >= length)]
    if wrong.size:
        raise out_of_range(function, int(wrong.ravel()[0]), axis, aval)
    return np.where(positions < 0, positions + length, positions).astype(np.int32)


def integer_positions(function: str, indices: Any) -> Positions:
    """An index array: NumPy's if its values are known.

    Raises TypeError unless it is made of integers.
    """
    indices = unwrapped(indices)
    found: Positions = indices if is_array(indices) else np.asarray(indices)
    if is_host_array(found) and found.size == 0 and not is_host_array(indices):
        found = found.astype(np.int32)      # an empty list has no dtype of its own
    if not is_integer(found.dtype):
        raise type_error(f"{function}: positions must be integers, got {found.dtype}")
    return found


def known_values(x: Array, what: str) -> NumpyArray:
    """The values of an array on the host.

    Raises UnknownValueError while they are being traced.
    """
    return np.asarray(x.concrete(what)) if isinstance(x, Tracer) else x.host_value(what)


@dataclass(frozen=True, slots=True)
class Ranges:
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


def ranges(function: str, aval: ShapedArray, items: Sequence[Item]) -> Ranges:
    """What to cut out; axes with index arrays stay whole.

    Raises IndexError for an integer out of range.
    """
    start: list[int] = []
    limit: list[int] = []
    strides: list[int] = []
    turned: list[int] = []
    for axis, (item, length) in enumerate(zip(items, aval.shape, strict=True)):
        low, high, step = 0, length, 1
        if isinstance(item, int):
            if not -length <= item < length:
                raise out_of_range(function, item, axis, aval)
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
    return Ranges(tuple(start), tuple(limit), tuple(strides), tuple(turned))


def entries(function: str, aval: ShapedArray, index: Any) -> list[Item]:
    """The index with one entry for each axis (and None for each new one): `...` written out, masks as positions.

    Raises IndexError for too many entries and masks of another shape than the axes they stand for, TypeError for
    entries of other types and for masks whose values are not known.
    """
    given = index if isinstance(index, tuple) else (index,)     # pyright: ignore[reportUnknownVariableType]
    parts = [_entry(function, aval, entry) for entry in given]  # pyright: ignore[reportUnknownVariableType]
    if sum([1 for p in parts if p is Ellipsis]) > 1:
        raise IndexError(f"{function}: an index can have one ellipsis ('...'), got several{at_user_line()}")
    used = sum([_width(p) for p in parts])
    if used > aval.ndim:
        raise IndexError(f"{function}: too many indices: {aval} has {aval.ndim} axes, got {used}{at_user_line()}")
    if Ellipsis not in [p for p in parts if p is None or p is Ellipsis]:
        parts.append(Ellipsis)
    found: list[Item] = []
    axis = 0
    for part in parts:
        if isinstance(part, EllipsisType):
            found += [slice(None)] * (aval.ndim - used)
            axis += aval.ndim - used
        elif isinstance(part, Mask):
            found += part.positions(function, aval, axis)
            axis += _width(part)
        else:
            found.append(part)
            axis += _width(part)
    return found


@dataclass(frozen=True, slots=True)
class Mask:
    """An entry made of bools: it stands for as many axes as it has."""

    values: NumpyArray | Array

    def positions(self, function: str, aval: ShapedArray, first: int) -> list[NumpyArray]:
        """Where it is true, along the axes from `first` on."""
        covered = aval.shape[first:first + self.values.ndim]
        if self.values.shape != covered:
            raise IndexError(f"{function}: a mask of shape {self.values.shape} does not fit axes {first} to "
                             f"{first + self.values.ndim - 1} of {aval}, which have shape {covered}{at_user_line()}")
        if is_array(self.values):
            try:
                return [*known_values(self.values, "x[mask]").nonzero()]
            except UnknownValueError:
                raise type_error(
                    f"{function}: the shape of x[mask] depends on the values of the mask {self.values.aval}, which are "
                    "not known while tracing",
                    "Use lantern.numpy.where(mask, x, other), positions from lantern.numpy.nonzero(mask, size=n), or a "
                    "NumPy mask.") from None
        return [*self.values.nonzero()]


def _width(part: Item | EllipsisType | Mask) -> int:
    return part.values.ndim if isinstance(part, Mask) else int(part is not None and part is not Ellipsis)


def _entry(function: str, aval: ShapedArray, entry: Any) -> Item | EllipsisType | Mask:
    if entry is None or entry is Ellipsis or isinstance(entry, slice):
        return cast("slice | EllipsisType | None", entry)
    if is_array(entry):
        return Mask(entry) if entry.dtype == BOOL and entry.ndim else integer_positions(function, entry)
    if hasattr(entry, "__index__") and not isinstance(entry, (bool, np.bool_, np.ndarray)):
        return operator.index(entry)
    if isinstance(entry, (list, np.ndarray, np.generic)) and not isinstance(entry, np.bool_):
        values: NumpyArray = np.asarray(entry)      # pyright: ignore[reportUnknownArgumentType]
        return Mask(values) if values.dtype == np.bool_ and values.ndim else integer_positions(function, entry)
    foreign = unwrapped(entry)
    if foreign is not entry:
        return _entry(function, aval, foreign)
    raise type_error(f"{function}: wanted integers, slices, ..., None or arrays of integers or bools, got {entry!r} "
                     f"for {aval}")
