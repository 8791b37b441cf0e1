"""Slices at computed positions, and the `_in_dim` forms of slicing, with jax.lax's names and arguments."""
from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from lantern.dtypes import I32, is_integer
from lantern.lax.operands import (
    ArrayLike,
    array,
    canonical_axis,
    canonical_shape,
    cast,
    is_array,
    shape_error,
    size_of,
    type_error,
)
from lantern.ops import shape as ops
from lantern.ops import windows
from lantern.ops.compare import lt, select
from lantern.ops.elementwise import clamp, mul
from lantern.ops.index import take
from lantern.ops.pointwise import add
from lantern.trace.array import Array
from lantern.trace.jaxpr import literal
from lantern.trace.primitive import Value

Starts: TypeAlias = "Array | np.ndarray[Any, Any] | Sequence[ArrayLike]"


def _start(function: str, x: Any, size: int, from_end: bool) -> Value:
    """One start as an i32 number; a negative one counts from the end."""
    if hasattr(x, "__index__") and not isinstance(x, (bool, np.bool_, np.ndarray, Array)):
        place = operator.index(x)
        return literal(max(min(place + size if place < 0 and from_end else place, size), 0), I32)
    found = array(function, x)
    if found.shape or not is_integer(found.dtype):
        raise type_error(f"{function}: a start must be an integer (rank 0), got {found.aval}")
    position = cast(found, I32)
    return select(lt(position, 0), add(position, size), position) if from_end and found.dtype.kind != "u" else position


def _starts(function: str, x: Array, starts: Starts, from_end: bool | Sequence[bool] = True) -> list[Value]:
    if is_array(starts) or isinstance(starts, np.ndarray):
        whole = array(function, starts)
        if whole.ndim != 1:
            raise shape_error(f"{function}: starts must be one integer for each axis of {x.aval}, got {whole.aval}")
        starts = [ops.reshape(ops.slice(whole, (k,), (k + 1,)), ()) for k in range(whole.shape[0])]
    flags = [from_end] * x.ndim if isinstance(from_end, bool) else list(from_end)
    if len(starts) != x.ndim or len(flags) != x.ndim:
        raise shape_error(f"{function}: wanted one start for each axis of {x.aval}, got {len(starts)}")
    return [_start(function, s, n, f) for s, n, f in zip(starts, x.shape, flags, strict=True)]


def dynamic_slice(operand: ArrayLike, start_indices: Starts, slice_sizes: Sequence[int], *,
                  allow_negative_indices: bool | Sequence[bool] = True) -> Array:
    """The window of `slice_sizes` that begins at `start_indices`, one integer for each axis, known or not.

    Negative starts count from the end. The window is then moved until it lies inside the array.

    Raises ShapeError if the window is larger than the array, TypeError for starts that are no integers.

    >>> dynamic_slice(np.arange(5), (np.int32(3),), (3,)).tolist()
    [2, 3, 4]
    """
    x = array("dynamic_slice", operand)
    starts = _starts("dynamic_slice", x, start_indices, allow_negative_indices)
    return windows.dynamic_slice(x, starts, canonical_shape("dynamic_slice", slice_sizes))


def dynamic_update_slice(operand: ArrayLike, update: ArrayLike, start_indices: Starts, *,
                         allow_negative_indices: bool | Sequence[bool] = True) -> Array:
    """`operand` with `update` in the window that begins at `start_indices`, which are as in `dynamic_slice`.

    In a compiled loop whose carry is `operand`, only the window is written.

    Raises ShapeError if the update has another rank or dtype or is larger than the array.

    >>> dynamic_update_slice(np.zeros(4), np.ones(2), (1,)).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    x = array("dynamic_update_slice", operand)
    starts = _starts("dynamic_update_slice", x, start_indices, allow_negative_indices)
    return windows.dynamic_update_slice(x, array("dynamic_update_slice", update), starts)


def dynamic_slice_in_dim(operand: ArrayLike, start_index: ArrayLike, slice_size: int, axis: int = 0, *,
                         allow_negative_indices: bool = True) -> Array:
    """`dynamic_slice` along one axis; the others stay whole.

    >>> dynamic_slice_in_dim(np.arange(6).reshape(3, 2), np.int32(1), 2).tolist()
    [[2, 3], [4, 5]]
    """
    x = array("dynamic_slice_in_dim", operand)
    place = canonical_axis("dynamic_slice_in_dim", axis, x.aval)
    starts: list[Any] = [start_index if k == place else 0 for k in range(x.ndim)]
    sizes = [operator.index(slice_size) if k == place else n for k, n in enumerate(x.shape)]
    return dynamic_slice(x, starts, sizes, allow_negative_indices=allow_negative_indices)


def dynamic_index_in_dim(operand: ArrayLike, index: ArrayLike, axis: int = 0, keepdims: bool = True, *,
                         allow_negative_indices: bool = True) -> Array:
    """One position along an axis, which stays with size 1 or goes.

    >>> dynamic_index_in_dim(np.arange(6).reshape(3, 2), np.int32(1), keepdims=False).tolist()
    [2, 3]
    """
    found = dynamic_slice_in_dim(operand, index, 1, axis, allow_negative_indices=allow_negative_indices)
    return found if keepdims else _without(found, canonical_axis("dynamic_index_in_dim", axis, found.aval))


def dynamic_update_slice_in_dim(operand: ArrayLike, update: ArrayLike, start_index: ArrayLike, axis: int, *,
                                allow_negative_indices: bool = True) -> Array:
    """`dynamic_update_slice` along one axis; the others are written from their beginning.

    >>> dynamic_update_slice_in_dim(np.zeros(4), np.ones(2), 1, 0).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    x = array("dynamic_update_slice_in_dim", operand)
    place = canonical_axis("dynamic_update_slice_in_dim", axis, x.aval)
    starts: list[Any] = [start_index if k == place else 0 for k in range(x.ndim)]
    return dynamic_update_slice(x, update, starts, allow_negative_indices=allow_negative_indices)


def dynamic_update_index_in_dim(operand: ArrayLike, update: ArrayLike, index: ArrayLike, axis: int, *,
                                allow_negative_indices: bool = True) -> Array:
    """One position along an axis replaced; the update may lack the axis.

    >>> dynamic_update_index_in_dim(np.zeros((2, 2)), np.ones(2), 1, 0).tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    x, u = array("dynamic_update_index_in_dim", operand), array("dynamic_update_index_in_dim", update)
    place = canonical_axis("dynamic_update_index_in_dim", axis, x.aval)
    if u.ndim == x.ndim - 1:
        u = ops.reshape(u, (*u.shape[:place], 1, *u.shape[place:]))
    return dynamic_update_slice_in_dim(x, u, index, place, allow_negative_indices=allow_negative_indices)


def index_in_dim(operand: ArrayLike, index: int, axis: int = 0, keepdims: bool = True) -> Array:
    """One known position along an axis, which stays with size 1 or goes.

    Raises IndexError if the position is out of range.

    >>> index_in_dim(np.arange(6).reshape(3, 2), -1, keepdims=False).tolist()
    [4, 5]
    """
    x = array("index_in_dim", operand)
    place, position = canonical_axis("index_in_dim", axis, x.aval), operator.index(index)
    size = x.shape[place]
    if not -size <= position < size:
        raise IndexError(f"index_in_dim: index {position} is out of range for axis {place} of {x.aval}")
    low = [position % size if k == place else 0 for k in range(x.ndim)]
    high = [position % size + 1 if k == place else n for k, n in enumerate(x.shape)]
    found = ops.slice(x, low, high)
    return found if keepdims else _without(found, place)


def _without(x: Array, axis: int) -> Array:
    return ops.reshape(x, [n for k, n in enumerate(x.shape) if k != axis])


def index_take(src: ArrayLike, idxs: Sequence[ArrayLike], axes: Sequence[int]) -> Array:
    """The elements at positions along several axes: idxs[k] (all of one shape of rank 1) along axes[k]. The positions
    become the first axis; those out of range are moved to the nearest end.

    >>> index_take(np.arange(6).reshape(3, 2), (np.array([0, 2]), np.array([1, 0])), (0, 1)).tolist()
    [1, 4]
    """
    x = array("index_take", src)
    chosen = [canonical_axis("index_take", a, x.aval) for a in axes]
    rest = [k for k in range(x.ndim) if k not in chosen]
    positions = [cast(array("index_take", i), I32) for i in idxs]
    if len(positions) != len(chosen) or any(p.shape != positions[0].shape for p in positions):
        raise shape_error(f"index_take: wanted one index array of one shape for each of the axes {tuple(axes)}, got "
                          f"{', '.join([str(p.aval) for p in positions])}")
    flat: Value = 0
    for place, axis in zip(positions, chosen, strict=True):
        inside = clamp(0, place, max(x.shape[axis] - 1, 0))
        flat = inside if type(flat) is int else add(mul(flat, x.shape[axis]), inside)
    merged = ops.reshape(ops.transpose(x, [*chosen, *rest]),
                         (size_of([x.shape[k] for k in chosen]), *[x.shape[k] for k in rest]))
    return take(merged, flat, 0)
