"""`gather` and `scatter` in XLA's general form: windows of an array at many positions at once.

Both are computed on flat positions: a window's elements are named one by one, and read or written by `take` and
`scatter` of the array with all its axes merged.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from lantern.dtypes import BOOL, I32, is_float, is_integer
from lantern.lax.operands import (
    ArrayLike,
    argument_error,
    array,
    canonical_shape,
    cast,
    shape_error,
    size_of,
    type_error,
)
from lantern.ops import shape as ops
from lantern.ops.broadcast import broadcast_in_dim, full
from lantern.ops.compare import ge, le, select
from lantern.ops.elementwise import and_, clamp, mul, neg
from lantern.ops.index import take
from lantern.ops.pointwise import add
from lantern.ops.scatter import By
from lantern.ops.scatter import scatter as scatter_flat
from lantern.trace.array import Array
from lantern.trace.primitive import Value


class GatherScatterMode(Enum):
    """What happens to windows that do not lie inside the array."""

    CLIP = "clip"                               # moved until they do
    FILL_OR_DROP = "fill"                       # read as the fill value, not written
    PROMISE_IN_BOUNDS = "promise_in_bounds"     # there are none; if there are, they are treated as by CLIP

    @staticmethod
    def from_any(mode: str | GatherScatterMode | None) -> GatherScatterMode:
        """The mode of a name; None is FILL_OR_DROP.

        Raises ArgumentError for a name that is none.

        >>> GatherScatterMode.from_any("drop")
        <GatherScatterMode.FILL_OR_DROP: 'fill'>
        """
        if isinstance(mode, GatherScatterMode):
            return mode
        if mode is None or mode == "drop":
            return GatherScatterMode.FILL_OR_DROP
        if mode not in [m.value for m in GatherScatterMode]:
            raise argument_error(f"mode: wanted 'clip', 'fill', 'drop' or 'promise_in_bounds', got {mode!r}")
        return GatherScatterMode(mode)


@dataclass(frozen=True, slots=True)
class GatherDimensionNumbers:
    """Which axes mean what in `gather`; the index vector is the last axis of the indices.

    offset_dims             axes of the result that run inside the windows
    collapsed_slice_dims    axes of the operand whose window has size 1 and that the result lacks
    start_index_map         component k of an index vector is a position along axis start_index_map[k]
    operand_batching_dims, start_indices_batching_dims  axes of operand and indices that run together
    """

    offset_dims: tuple[int, ...]
    collapsed_slice_dims: tuple[int, ...]
    start_index_map: tuple[int, ...]
    operand_batching_dims: tuple[int, ...] = ()
    start_indices_batching_dims: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ScatterDimensionNumbers:
    """Which axes mean what in `scatter`; the index vector is the last axis of the indices.

    update_window_dims          axes of the updates that run inside the windows
    inserted_window_dims        axes of the operand whose window has size 1 and that the updates lack
    scatter_dims_to_operand_dims    component k of an index vector is a position along axis [k] of the operand
    operand_batching_dims, scatter_indices_batching_dims    axes of operand and indices that run together
    """

    update_window_dims: Sequence[int]
    inserted_window_dims: Sequence[int]
    scatter_dims_to_operand_dims: Sequence[int]
    operand_batching_dims: Sequence[int] = ()
    scatter_indices_batching_dims: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class _Windows:
    """Where windows lie: which component of the index vector moves each axis, which axes run with the indices."""

    function: str
    sizes: tuple[int, ...]
    kept: tuple[int, ...]               # axes of the operand along which windows keep an axis
    moved_by: dict[int, int]            # axis -> component
    along: dict[int, int]               # axis -> axis of the indices


def _windows(function: str, x: Array, indices: Array, sizes: Sequence[int], gone: Sequence[int], mapped: Sequence[int],
             batching: Sequence[int], along: Sequence[int]) -> _Windows:
    kept = tuple([k for k in range(x.ndim) if k not in (*gone, *batching)])
    if not is_integer(indices.dtype):
        raise type_error(f"{function}: indices must be integers, got {indices.aval}")
    if indices.ndim < 1 or indices.shape[-1] != len(mapped):
        raise shape_error(f"{function}: the last axis of the indices must have size {len(mapped)}, one for each mapped "
                          f"axis, got {indices.aval}")
    axes = (*gone, *mapped, *batching)
    if any(not 0 <= a < x.ndim for a in axes) or len(set(mapped)) != len(mapped) or len(batching) != len(along):
        raise argument_error(f"{function}: the dimension numbers do not fit {x.aval}: axes {axes}")
    if len(sizes) != x.ndim or any(not 0 <= w <= n for w, n in zip(sizes, x.shape, strict=False)):
        raise shape_error(f"{function}: windows of sizes {tuple(sizes)} do not fit into {x.aval}")
    if any(sizes[k] != 1 for k in (*gone, *batching)):
        raise shape_error(f"{function}: windows must have size 1 along the axes {(*gone, *batching)}, got "
                          f"{tuple(sizes)}")
    return _Windows(function, tuple(sizes), kept, {a: k for k, a in enumerate(mapped)},
                    dict(zip(batching, along, strict=True)))


def _flat(x: Array, indices: Array, w: _Windows) -> tuple[Value, Value]:
    """The flat position of each element of each window, moved inside the operand, and whether the window lay there:
    axes of the indices (without the vector), then those of the window."""
    lead = indices.shape[:-1]
    inner = tuple([w.sizes[k] for k in w.kept])
    whole = (*lead, *inner)
    vectors = cast(indices, I32)
    total: Value = full(whole, 0, I32)
    inside: Value = full(whole, True, BOOL)
    step = 1
    for axis in reversed(range(x.ndim)):
        if axis in w.moved_by:
            component = w.moved_by[axis]
            part = ops.slice(vectors, [0] * len(lead) + [component], [*lead, component + 1])
            start = broadcast_in_dim(ops.reshape(part, lead), whole, tuple(range(len(lead))))
            last = x.shape[axis] - w.sizes[axis]
            inside = and_(inside, and_(ge(start, 0), le(start, last)))
            total = add(total, mul(clamp(0, start, last), step))
        if axis in w.along:
            total = add(total, mul(ops.iota(I32, whole, w.along[axis]), step))
        if axis in w.kept and w.sizes[axis] > 1:
            total = add(total, mul(ops.iota(I32, whole, len(lead) + w.kept.index(axis)), step))
        step *= x.shape[axis]
    return total, inside


def fill_of(dtype: np.dtype[Any]) -> Any:
    """What is read out of range by mode "fill": NaN, the least signed or the largest unsigned integer, True.

    >>> fill_of(np.dtype("int8")), fill_of(np.dtype("float32"))
    (-128, nan)
    """
    if dtype == BOOL:
        return True
    if is_integer(dtype):
        return int(np.iinfo(dtype).min if dtype.kind == "i" else np.iinfo(dtype).max)
    return float("nan") if is_float(dtype) else complex("nan")


def gather(operand: ArrayLike, start_indices: ArrayLike, dimension_numbers: GatherDimensionNumbers,
           slice_sizes: Sequence[int], *, unique_indices: bool = False, indices_are_sorted: bool = False,
           mode: str | GatherScatterMode | None = None, fill_value: Any = None) -> Array:
    """Windows of `slice_sizes` at the positions that the index vectors (last axis of `start_indices`) name.

    The result has the axes of the indices (without the vector), with those of the windows at `offset_dims`. `mode`:
    windows that leave the array read `fill_value` (NaN and its like by default), or are moved back ("clip").

    Raises ShapeError if windows do not fit into the array, TypeError for indices that are no integers.

    >>> rows = GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,))
    >>> gather(np.arange(6).reshape(3, 2), np.array([[2], [0]]), rows, (1, 2)).tolist()
    [[4, 5], [0, 1]]
    """
    x, indices, d = array("gather", operand), array("gather", start_indices), dimension_numbers
    sizes = canonical_shape("gather", slice_sizes)
    w = _windows("gather", x, indices, sizes, d.collapsed_slice_dims, d.start_index_map, d.operand_batching_dims,
                 d.start_indices_batching_dims)
    if len(d.offset_dims) != len(w.kept):
        raise argument_error(f"gather: wanted {len(w.kept)} offset_dims, one for each axis of a window, got "
                             f"{tuple(d.offset_dims)}")
    places, inside = _flat(x, indices, w)
    found = take(ops.reshape(x, (size_of(x.shape),)), places, 0)
    if GatherScatterMode.from_any(mode) is GatherScatterMode.FILL_OR_DROP:
        found = select(inside, found, fill_of(x.dtype) if fill_value is None else fill_value)
    rank, lead = found.ndim, found.ndim - len(w.kept)
    front, back = iter(range(lead)), iter(range(lead, rank))
    return ops.transpose(found, [next(back) if k in d.offset_dims else next(front) for k in range(rank)])


def _scatter(function: str, by: By, operand: ArrayLike, indices: ArrayLike, updates: ArrayLike,
             d: ScatterDimensionNumbers, mode: str | GatherScatterMode | None, unique: bool) -> Array:
    x, places, u = array(function, operand), array(function, indices), array(function, updates)
    inner = iter([u.shape[k] for k in d.update_window_dims])
    single = (*d.inserted_window_dims, *d.operand_batching_dims)
    if len(d.update_window_dims) != x.ndim - len(single):
        raise argument_error(f"{function}: wanted {x.ndim - len(single)} update_window_dims, one for each axis of a "
                             f"window into {x.aval}, got {tuple(d.update_window_dims)}")
    sizes = [1 if k in single else next(inner) for k in range(x.ndim)]
    w = _windows(function, x, places, sizes, d.inserted_window_dims, d.scatter_dims_to_operand_dims,
                 d.operand_batching_dims, d.scatter_indices_batching_dims)
    lead = [k for k in range(u.ndim) if k not in d.update_window_dims]
    if u.dtype != x.dtype or tuple([u.shape[k] for k in lead]) != places.shape[:-1]:
        raise shape_error(f"{function}: updates of {x.aval} at indices {places.aval} must have its dtype and, beside "
                          f"windows, the axes {places.shape[:-1]}, got {u.aval}")
    flat, inside = _flat(x, places, w)
    if GatherScatterMode.from_any(mode) is GatherScatterMode.FILL_OR_DROP:
        flat = select(inside, flat, -1)
    ordered = ops.transpose(u, [*lead, *d.update_window_dims])
    found = scatter_flat(ops.reshape(x, (size_of(x.shape),)), flat, ordered, 0, by, unique=unique)
    return ops.reshape(found, x.shape)


def scatter(operand: ArrayLike, scatter_indices: ArrayLike, updates: ArrayLike,
            dimension_numbers: ScatterDimensionNumbers, *, indices_are_sorted: bool = False,
            unique_indices: bool = False, mode: str | GatherScatterMode | None = None) -> Array:
    """`operand` with windows replaced by the updates. Where windows overlap, the last update wins, on every device.

    Windows that leave the array are not written, or moved back with mode "clip". Raises as `gather`.

    >>> rows = ScatterDimensionNumbers((1,), (0,), (0,))
    >>> scatter(np.zeros((3, 2)), np.array([[2], [7]]), np.ones((2, 2)), rows).tolist()
    [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]
    """
    return _scatter("scatter", "set", operand, scatter_indices, updates, dimension_numbers, mode, unique_indices)


def scatter_add(operand: ArrayLike, scatter_indices: ArrayLike, updates: ArrayLike,
                dimension_numbers: ScatterDimensionNumbers, *, indices_are_sorted: bool = False,
                unique_indices: bool = False, mode: str | GatherScatterMode | None = None) -> Array:
    """As `scatter`, but the updates are added. The order of additions at one place is not fixed.

    >>> scatter_add(np.zeros(3), np.array([[1], [1]]), np.ones(2), ScatterDimensionNumbers((), (0,), (0,))).tolist()
    [0.0, 2.0, 0.0]
    """
    return _scatter("scatter_add", "add", operand, scatter_indices, updates, dimension_numbers, mode, unique_indices)


def scatter_sub(operand: ArrayLike, scatter_indices: ArrayLike, updates: ArrayLike,
                dimension_numbers: ScatterDimensionNumbers, *, indices_are_sorted: bool = False,
                unique_indices: bool = False, mode: str | GatherScatterMode | None = None) -> Array:
    """As `scatter`, but the updates are subtracted.

    >>> scatter_sub(np.zeros(3), np.array([[1], [1]]), np.ones(2), ScatterDimensionNumbers((), (0,), (0,))).tolist()
    [0.0, -2.0, 0.0]
    """
    negated = neg(array("scatter_sub", updates))
    return _scatter("scatter_sub", "add", operand, scatter_indices, negated, dimension_numbers, mode, unique_indices)


def scatter_mul(operand: ArrayLike, scatter_indices: ArrayLike, updates: ArrayLike,
                dimension_numbers: ScatterDimensionNumbers, *, indices_are_sorted: bool = False,
                unique_indices: bool = False, mode: str | GatherScatterMode | None = None) -> Array:
    """As `scatter`, but elements are multiplied by the updates.

    >>> scatter_mul(np.ones(2), np.array([[1], [1]]), np.full(2, 3.0), ScatterDimensionNumbers((), (0,), (0,))).tolist()
    [1.0, 9.0]
    """
    return _scatter("scatter_mul", "mul", operand, scatter_indices, updates, dimension_numbers, mode, unique_indices)


def scatter_min(operand: ArrayLike, scatter_indices: ArrayLike, updates: ArrayLike,
                dimension_numbers: ScatterDimensionNumbers, *, indices_are_sorted: bool = False,
                unique_indices: bool = False, mode: str | GatherScatterMode | None = None) -> Array:
    """As `scatter`, but the smaller number stays; NaN wins.

    >>> scatter_min(np.ones(2), np.array([[1], [1]]), np.zeros(2), ScatterDimensionNumbers((), (0,), (0,))).tolist()
    [1.0, 0.0]
    """
    return _scatter("scatter_min", "min", operand, scatter_indices, updates, dimension_numbers, mode, unique_indices)


def scatter_max(operand: ArrayLike, scatter_indices: ArrayLike, updates: ArrayLike,
                dimension_numbers: ScatterDimensionNumbers, *, indices_are_sorted: bool = False,
                unique_indices: bool = False, mode: str | GatherScatterMode | None = None) -> Array:
    """As `scatter`, but the larger number stays; NaN wins.

    >>> scatter_max(np.ones(2), np.array([[1], [1]]), np.full(2, 3.0), ScatterDimensionNumbers((), (0,), (0,))).tolist()
    [1.0, 3.0]
    """
    return _scatter("scatter_max", "max", operand, scatter_indices, updates, dimension_numbers, mode, unique_indices)
