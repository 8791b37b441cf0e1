"""Arrays put together, taken apart, repeated and padded."""
from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np

from lantern.dtypes import BOOL, I32, canonical, is_integer
from lantern.eager import one_program
from lantern.errors import UnknownValueError
from lantern.lax.cumulative import cumsum
from lantern.lax.operands import (
    ArrayLike,
    DTypeLike,
    argument_error,
    array,
    canonical_axis,
    canonical_shape,
    cast,
    common_dtype,
    constant,
    describe,
    is_array,
    is_host_array,
    shape_error,
    stretch,
    type_error,
    whole,
)
from lantern.numpy.arithmetic import maximum, subtract
from lantern.numpy.indices import known_values
from lantern.numpy.logic import not_equal, where
from lantern.numpy.shaping import atleast_1d, atleast_2d, atleast_3d, expand_dims, part, ravel, squeeze
from lantern.numpy.sorting import searchsorted
from lantern.ops import index
from lantern.ops import shape as ops
from lantern.ops.broadcast import broadcast_in_dim
from lantern.trace.array import Array


def _arrays(function: str, arrays: Any, dtype: DTypeLike = None) -> list[Array]:
    """At least one array, all of one dtype."""
    if not hasattr(arrays, "__iter__") or not getattr(arrays, "ndim", 1):
        raise type_error(f"{function}: wanted a sequence of arrays, got {type(arrays).__name__}")
    if is_array(arrays) or is_host_array(arrays):
        arrays = [arrays[k] for k in range(len(arrays))]
    xs = [array(function, a) for a in arrays]
    if not xs:
        raise shape_error(f"{function}: wanted at least one array, got none")
    wanted = common_dtype(xs, function=function)[0] if dtype is None else canonical(dtype)
    return [cast(x, wanted) for x in xs]


def _listed(xs: Sequence[Array]) -> str:
    texts = [describe(x) for x in xs]
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else texts[0]


def concatenate(arrays: Sequence[ArrayLike] | Array, axis: int | None = 0, dtype: DTypeLike = None) -> Array:
    """The arrays behind each other along an axis that they have; None flattens them first.

    Raises ShapeError if they differ in another axis, or if there is none.

    >>> concatenate([np.arange(2), np.array([5])]).tolist()
    [0, 1, 5]
    """
    xs = _arrays("concatenate", arrays, dtype)
    if axis is None:
        xs, axis = [ravel(x) for x in xs], 0
    if xs[0].ndim == 0:
        raise shape_error(f"concatenate: wanted arrays of rank 1 or more, got {_listed(xs)}", "Use stack.")
    place = canonical_axis("concatenate", axis, xs[0].aval)
    rests = [(*x.shape[:place], *x.shape[place + 1:]) for x in xs]
    if any(r != rests[0] or x.ndim != xs[0].ndim for r, x in zip(rests, xs, strict=True)):
        raise shape_error(f"concatenate: sizes must agree in all axes but axis {place}, got {_listed(xs)}")
    return ops.concatenate(xs, place)


def concat(arrays: Sequence[ArrayLike], /, *, axis: int | None = 0) -> Array:
    """As `concatenate`.

    >>> concat([np.arange(2), np.array([5])]).tolist()
    [0, 1, 5]
    """
    return concatenate(arrays, axis)


def stack(arrays: Sequence[ArrayLike] | Array, axis: int = 0, dtype: DTypeLike = None) -> Array:
    """Arrays of one shape along a new axis.

    Raises ShapeError if their shapes differ, or if there is none.

    >>> stack([np.arange(2), np.arange(2)], axis=1).tolist()
    [[0, 0], [1, 1]]
    """
    xs = _arrays("stack", arrays, dtype)
    if any(x.shape != xs[0].shape for x in xs):
        raise shape_error(f"stack: arrays must have one shape, got {_listed(xs)}")
    place = canonical_axis("stack", axis, xs[0].aval, xs[0].ndim + 1)
    return ops.concatenate([expand_dims(x, place) for x in xs], place)


@one_program(1)
def unstack(x: ArrayLike, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The parts along an axis, without it.

    >>> [part.tolist() for part in unstack(np.array([[1, 2], [3, 4]]))]
    [[1, 2], [3, 4]]
    """
    a = array("unstack", x)
    place = canonical_axis("unstack", axis, a.aval)
    return tuple([squeeze(part(a, place, k, k + 1), place) for k in range(a.shape[place])])


def hstack(tup: Sequence[ArrayLike], dtype: DTypeLike = None) -> Array:
    """Joined along axis 1, vectors along axis 0.

    >>> hstack([np.arange(2), np.arange(2)]).tolist()
    [0, 1, 0, 1]
    """
    xs = [atleast_1d(x) for x in _arrays("hstack", tup, dtype)]
    return concatenate(xs, 0 if xs[0].ndim == 1 else 1)


def vstack(tup: Sequence[ArrayLike], dtype: DTypeLike = None) -> Array:
    """Joined along axis 0; vectors become rows.

    >>> vstack([np.arange(2), np.arange(2)]).tolist()
    [[0, 1], [0, 1]]
    """
    return concatenate([atleast_2d(x) for x in _arrays("vstack", tup, dtype)], 0)


def dstack(tup: Sequence[ArrayLike], dtype: DTypeLike = None) -> Array:
    """Joined along axis 2.

    >>> dstack([np.arange(2), np.arange(2)]).shape
    (1, 2, 2)
    """
    return concatenate([atleast_3d(x) for x in _arrays("dstack", tup, dtype)], 2)


def column_stack(tup: Sequence[ArrayLike]) -> Array:
    """Vectors become columns of a matrix; matrices are joined along axis 1.

    >>> column_stack([np.arange(2), np.arange(2)]).tolist()
    [[0, 0], [1, 1]]
    """
    return concatenate([expand_dims(atleast_1d(x), 1) if x.ndim < 2 else x for x in _arrays("column_stack", tup)], 1)


def block(arrays: Any) -> Array:
    """An array put together from nested lists of blocks: the innermost lists are joined along the last axis, the lists
    around them along the one before it, and so on.

    Raises ArgumentError for lists nested to different depths and for an empty list, ShapeError for sizes that do not
    fit.

    >>> block([[np.ones((1, 1)), np.zeros((1, 2))], [np.full((1, 3), 7)]]).tolist()
    [[1.0, 0.0, 0.0], [7.0, 7.0, 7.0]]
    """
    depth, leaves = _nesting(arrays)
    rank = max([depth, *[x.ndim for x in leaves]])
    return _joined_blocks(arrays, depth, rank)


def _nesting(blocks: Any) -> tuple[int, list[Array]]:
    """How deep lists are nested, and what is in them."""
    if not isinstance(blocks, (list, tuple)):
        return 0, [array("block", blocks)]
    found = [_nesting(b) for b in blocks]     # pyright: ignore[reportUnknownVariableType]
    if not found or any(f[0] != found[0][0] for f in found):
        raise argument_error("block: wanted lists nested to one depth, none of them empty, got depths "
                             f"{sorted({f[0] for f in found})}")
    return found[0][0] + 1, [x for _, leaves in found for x in leaves]


def _joined_blocks(blocks: Any, depth: int, rank: int) -> Array:
    if not isinstance(blocks, (list, tuple)):
        x = array("block", blocks)
        return ops.reshape(x, (1,) * (rank - x.ndim) + x.shape)
    return concatenate([_joined_blocks(b, depth - 1, rank) for b in blocks], -depth)     # pyright: ignore[reportUnknownVariableType]


def append(arr: ArrayLike, values: ArrayLike, axis: int | None = None) -> Array:
    """`values` behind `arr` along an axis; None flattens both first.

    >>> append(np.arange(2), 5).tolist()
    [0, 1, 5]
    """
    return concatenate([arr, values], axis)


@one_program(1)
def array_split(ary: ArrayLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Array]:
    """The parts along an axis: so many, as equal as possible (the first ones are longer); or cut before given
    positions.

    >>> [x.tolist() for x in array_split(np.arange(5), 2)]
    [[0, 1, 2], [3, 4]]
    """
    x = array("array_split", ary)
    place = canonical_axis("array_split", axis, x.aval)
    length = x.shape[place]
    if _are_positions(indices_or_sections):
        cuts = [whole("array_split", "a position", i) for i in indices_or_sections]
        cuts = [min(max(i + length if i < 0 else i, 0), length) for i in cuts]
    else:
        count = whole("array_split", "the number of parts", indices_or_sections)
        if count < 1:
            raise argument_error(f"array_split: the number of parts must be positive, got {count}")
        cuts = [k * (length // count) + min(k, length % count) for k in range(1, count)]
    starts, stops = [0, *cuts], [*cuts, length]
    return [part(x, place, a, max(a, b)) for a, b in zip(starts, stops, strict=True)]


def _are_positions(indices_or_sections: Any) -> TypeGuard[Sequence[int]]:
    return isinstance(indices_or_sections, Sequence) or getattr(indices_or_sections, "ndim", 0) > 0


def split(ary: ArrayLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Array]:
    """The parts along an axis: so many equal ones, or cut before given positions.

    Raises ShapeError if equal parts are not possible.

    >>> [x.tolist() for x in split(np.arange(4), 2)]
    [[0, 1], [2, 3]]
    """
    x = array("split", ary)
    place = canonical_axis("split", axis, x.aval)
    if not _are_positions(indices_or_sections):
        count = whole("split", "the number of parts", indices_or_sections)
        if count < 1 or x.shape[place] % count:
            raise shape_error(f"split: axis {place} of {x.aval} cannot be cut into {count} equal parts",
                              "Use array_split.")
    return array_split(x, indices_or_sections, place)


def hsplit(ary: ArrayLike, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """`split` along axis 1; of vectors along axis 0.

    >>> [x.shape for x in hsplit(np.zeros((2, 4)), 2)]
    [(2, 2), (2, 2)]
    """
    x = array("hsplit", ary)
    return split(x, indices_or_sections, 0 if x.ndim == 1 else 1)


def vsplit(ary: ArrayLike, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """`split` along axis 0.

    >>> [x.shape for x in vsplit(np.zeros((2, 4)), 2)]
    [(1, 4), (1, 4)]
    """
    return split(ary, indices_or_sections, 0)


@one_program(1)
def tile(A: ArrayLike, reps: int | Sequence[int]) -> Array:
    """The whole array repeated reps[k] times along each axis k.

    >>> tile(np.arange(2), 2).tolist()
    [0, 1, 0, 1]
    """
    x, counts = array("tile", A), canonical_shape("tile", reps)
    counts = (1,) * (x.ndim - len(counts)) + counts
    sizes = (1,) * (len(counts) - x.ndim) + x.shape
    pairs = [n for pair in zip(counts, sizes, strict=True) for n in pair]
    offset = 2 * (len(counts) - x.ndim)
    wide = broadcast_in_dim(x, pairs, [offset + 2 * k + 1 for k in range(x.ndim)])
    return ops.reshape(wide, [c * n for c, n in zip(counts, sizes, strict=True)])


def repeat(a: ArrayLike, repeats: ArrayLike | Sequence[int], axis: int | None = None, *,
           total_repeat_length: int | None = None) -> Array:
    """Each element repeated along an axis: `repeats` times, or repeats[k] times for position k. None flattens first.

    The counts decide the shape: their values must be known, or `total_repeat_length` says how long the result is; then
    what is too much is left out, the last element fills what lacks, and a negative count in an array is 0.

    Raises ShapeError if the number of counts does not fit, ArgumentError for a negative count, TypeError for counts
    that are not known.

    >>> repeat(np.arange(2), 2).tolist()
    [0, 0, 1, 1]
    """
    x = array("repeat", a)
    if axis is None:
        x, axis = ravel(x), 0
    place = canonical_axis("repeat", axis, x.aval)
    if total_repeat_length is not None:
        if isinstance(repeats, (int, list, tuple, np.ndarray)) and bool(np.any(np.asarray(repeats) < 0)):
            raise argument_error(f"repeat: a count must not be negative, got {repeats}")
        return _repeated_to(x, array("repeat", np.asarray(repeats) if isinstance(repeats, (list, tuple)) else repeats),
                            place, canonical_shape("repeat", total_repeat_length)[0])
    return _repeated(x, _counts(repeats), place)


def _counts(repeats: Any) -> int | Sequence[int]:
    """Counts as Python or NumPy integers."""
    if not is_array(repeats):
        return repeats
    if not is_integer(repeats.dtype):
        raise type_error(f"repeat: wanted whole counts, got {repeats.aval}")
    try:
        values = known_values(repeats, "repeat(x, repeats)")
    except UnknownValueError:
        raise type_error(f"repeat: the length of the result depends on the counts {repeats.aval}, which are not known "
                         "while tracing", "Give it, as in repeat(x, repeats, total_repeat_length=n).") from None
    return int(values) if values.ndim == 0 else tuple(values.tolist())


@one_program(2)
def _repeated_to(x: Array, counts: Array, axis: int, total: int) -> Array:
    length = x.shape[axis]
    if counts.shape not in ((), (1,), (length,)) or not is_integer(counts.dtype):
        raise shape_error(f"repeat: wanted one whole count or {length} (axis {axis} of {x.aval}), got {counts.aval}")
    if not length:
        raise shape_error(f"repeat: axis {axis} of {x.aval} has no elements to repeat {total} times")
    ends = cumsum(stretch(maximum(counts, 0), (length,)))
    owners = array("repeat", searchsorted(ends, ops.iota(I32, (total,), 0), side="right"))
    return index.take(x, owners, axis)      # beyond the last end: the last element


@one_program(1)
def _repeated(x: Array, repeats: int | Sequence[int], place: int) -> Array:
    before, length, after = x.shape[:place], x.shape[place], x.shape[place + 1:]
    if isinstance(repeats, (Sequence, np.ndarray)) and np.ndim(repeats) and len(repeats) != 1:
        if len(repeats) != length:
            raise shape_error(f"repeat: wanted one count or {length} (axis {place} of {x.aval}), got {len(repeats)}")
        counts = [operator.index(n) for n in repeats]
        if any(n < 0 for n in counts):
            raise argument_error(f"repeat: a count must not be negative, got {min(counts)}")
        positions = np.repeat(np.arange(length, dtype=np.int32), counts)
        return index.take(x, positions, place)
    count = operator.index(np.asarray(repeats).reshape(())[()])
    if count < 0:
        raise argument_error(f"repeat: a count must not be negative, got {count}")
    others = [k if k <= place else k + 1 for k in range(x.ndim)]
    wide = broadcast_in_dim(x, (*before, length, count, *after), others)
    return ops.reshape(wide, (*before, length * count, *after))


_INDEX_MODES = ("edge", "reflect", "symmetric", "wrap")


def pad(array: ArrayLike, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Array:
    """More elements around the array: `pad_width` is one number, (before, after), or one such pair for each axis.

    `mode`: "constant" (the value `constant_values`), or "edge", "reflect", "symmetric", "wrap", which repeat elements
    as `numpy.pad` does. Raises ArgumentError for another mode.

    >>> pad(np.arange(2), (1, 2)).tolist()
    [0, 0, 1, 0, 0]
    >>> pad(np.arange(3), 2, "reflect").tolist()
    [2, 1, 0, 1, 2, 1, 0]
    """
    x = _one("pad", array)
    widths = [(int(low), int(high)) for low, high in np.broadcast_to(np.asarray(pad_width, np.int64), (x.ndim, 2))]
    if any(low < 0 or high < 0 for low, high in widths):
        raise argument_error(f"pad: widths must not be negative, got {pad_width}")
    if mode == "constant":
        return _constant_pad(x, widths, constant_values)
    if mode not in _INDEX_MODES:
        raise argument_error(f"pad: wanted a mode of constant, {', '.join(_INDEX_MODES)}, got {mode!r}")
    for k, (low, high) in enumerate(widths):
        if low or high:
            positions = np.pad(np.arange(x.shape[k], dtype=np.int32), (low, high), mode)    # pyright: ignore[reportUnknownVariableType, reportCallIssue, reportArgumentType]
            x = index.take(x, positions, k)
    return x


def _constant_pad(x: Array, widths: Sequence[tuple[int, int]], value: Any) -> Array:
    config = [(low, high, 0) for low, high in widths]
    number = value.item() if is_host_array(value) and value.ndim == 0 else value
    if isinstance(number, (bool, int, float, complex)):
        return ops.pad(x, cast(number, x.dtype), config)
    inside = ops.pad(broadcast_in_dim(constant(True), x.shape, ()), False, config)
    return where(inside, ops.pad(x, 0, config), cast(_one("pad", value), x.dtype))


def _one(function: str, x: ArrayLike) -> Array:
    return array(function, x)


def diff(a: ArrayLike, n: int = 1, axis: int = -1, prepend: ArrayLike | None = None, append: ArrayLike | None = None
         ) -> Array:
    """Differences of neighbours along an axis, n times over; of bools, whether they differ. `prepend` and `append` are
    joined to the array first; a number is one more element.

    Raises ArgumentError for a negative n, ShapeError for ends that do not fit.

    >>> diff(np.array([1, 4, 9])).tolist()
    [3, 5]
    """
    x = array("diff", a)
    place = canonical_axis("diff", axis, x.aval)
    if prepend is not None or append is not None:
        parts = [_end(x, prepend, place), [x], _end(x, append, place)]
        x = concatenate([v for some in parts for v in some], place)
    return _differences(x, n, place)


def _end(x: Array, end: ArrayLike | None, axis: int) -> list[Array]:
    if end is None:
        return []
    found = array("diff", end)
    return [stretch(found, (*x.shape[:axis], 1, *x.shape[axis + 1:])) if found.ndim == 0 else found]


@one_program(1)
def _differences(x: Array, n: int, place: int) -> Array:
    if n < 0:
        raise argument_error(f"diff: the order must not be negative, got {n}")
    for _ in range(n):
        length = x.shape[place]
        later, earlier = part(x, place, min(1, length), length), part(x, place, 0, max(length - 1, 0))
        x = not_equal(later, earlier) if x.dtype == BOOL else subtract(later, earlier)
    return x
