"""How indexed updates are written.

Integers and slices name a window with strides, which is written as one. With index arrays, all axes from the first to
the last that the index touches are seen as one axis, and the elements' flat positions along it are scattered to. In
both forms a compiled program writes nothing but these elements where it does not need the old array any more.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

import numpy as np

from lantern.checks import check_positions
from lantern.dtypes import BOOL, I32
from lantern.eager import one_program
from lantern.lax.operands import (
    NumpyArray,
    argument_error,
    array,
    common_shape,
    is_array,
    is_host_array,
    operand,
    shape_of,
    size_of,
)
from lantern.numpy.arithmetic import add, maximum, minimum, multiply
from lantern.numpy.indexing import MODES, broadcast_value, counted, fill
from lantern.numpy.indices import Item, Ranges, checked, entries, out_of_range, ranges
from lantern.numpy.logic import where
from lantern.ops import index as gather
from lantern.ops import shape as ops
from lantern.ops.broadcast import broadcast_in_dim, full
from lantern.ops.compare import ge, le, select
from lantern.ops.elementwise import and_, clamp, mul
from lantern.ops.pointwise import add as add_exactly
from lantern.ops.scatter import By, scatter
from lantern.ops.windows import dynamic_slice, dynamic_update_slice
from lantern.trace.array import Array
from lantern.trace.aval import ShapedArray
from lantern.trace.primitive import Value

_BINARY: dict[By, Callable[[Any, Any], Array]] = {"add": add, "mul": multiply, "min": minimum, "max": maximum}


def masked(function: str, by: By, x: Array, index: Any, values: Any) -> Array | None:
    """An update under a mask alone, whose value does not depend on how many elements that names: no positions are
    needed, and the mask need not be known. None for all other cases."""
    mask = _mask(index)
    if mask is None:
        return None
    rest = x.shape[mask.ndim:]
    sizes = shape_of(operand(function, values))
    if mask.shape != x.shape[:mask.ndim] or len(sizes) > len(rest):
        return None
    if any(n not in (1, m) for n, m in zip(reversed(sizes), reversed(rest), strict=False)):
        return None
    value = broadcast_value(function, x, values, rest)
    test = ops.reshape(array(function, mask), (*mask.shape, *[1] * len(rest)))
    return where(test, value if by == "set" else _BINARY[by](x, value), x)


def _mask(index: Any) -> NumpyArray | Array | None:
    """The mask that is the whole index."""
    given = cast("tuple[Any, ...]", index if isinstance(index, tuple) else (index,))
    only: Any = given[0] if len(given) == 1 else None
    if not is_array(only) and type(only) not in (list, np.ndarray):
        return None
    found: NumpyArray | Array = only if is_array(only) else np.asarray(only)
    return found if found.dtype == BOOL and found.ndim else None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an index means for arrays of one shape; index arrays are left out, and stand as their numbers.

    shape        of x[index]
    cut          what slices and integers select
    items        for each axis: the number of an index array, None for a slice
    known        for each index array: whether its positions were checked
    index_shape  what the index arrays broadcast to
    kept         the sizes of x[index] without new axes
    order        these axes in the order: before, of the index arrays, slices between, after
    first, last  the axes of x that the index touches: all from one to the other
    unique       whether no element is named twice
    """

    shape: tuple[int, ...]
    cut: Ranges
    items: tuple[int | None, ...]
    known: tuple[bool, ...]
    index_shape: tuple[int, ...]
    kept: tuple[int, ...]
    order: tuple[int, ...]
    first: int
    last: int
    mode: str | None
    unique: bool

    def without_starts(self) -> Plan:
        """The plan of a window wherever it starts, so that all of them are one program."""
        sizes, strides = self.cut.sizes, self.cut.strides
        spans = tuple([max(n - 1, 0) * s + min(n, 1) for n, s in zip(sizes, strides, strict=True)])
        cut = Ranges((0,) * len(spans), spans, strides, self.cut.reversed)
        return replace(self, cut=cut)


def make_plan(name: str, x: Array, index: Any, mode: str | None, unique: bool) -> tuple[Plan, list[NumpyArray | Array]]:
    """The plan of an index, and its arrays."""
    function = f"at[...].{name}"
    if mode not in MODES:
        raise argument_error(f"{function}: wanted a mode of None, {', '.join([repr(m) for m in MODES[1:]])}, got "
                             f"{mode!r}")
    items = entries(function, x.aval, index)
    consuming = [i for i in items if i is not None]
    if mode is not None or any([not isinstance(i, (int, slice)) for i in consuming]):
        items, consuming = _as_arrays(function, x.aval, items, mode)
    found: list[NumpyArray | Array] = []
    numbers: list[int | None] = []
    known: list[bool] = []
    for axis, item in enumerate(consuming):
        if item is None or isinstance(item, (int, slice)):
            numbers.append(None)
            continue
        sure = mode is None and is_host_array(item)
        if mode is None and is_array(item):
            check_positions(function, item, axis, x.aval)
        numbers.append(len(found))
        known.append(sure)
        found.append(checked(function, np.asarray(item), axis, x.aval) if sure else item)
    cut = ranges(function, x.aval, [i if isinstance(i, (int, slice)) else slice(None) for i in consuming])
    shape = common_shape(function, [a.shape for a in found])
    single = size_of(shape) <= 1 or unique or (all(known) and _differ(found, x.aval, numbers))
    return _laid_out(x.aval, items, consuming, cut, tuple(numbers), tuple(known), shape, mode, single), found


def _as_arrays(function: str, aval: ShapedArray, items: Sequence[Item],
               mode: str | None) -> tuple[list[Item], list[Item]]:
    """Integers beside index arrays, and those that only a mode can place, become arrays of rank 0."""
    consuming = [i for i in items if i is not None]
    beside = any([not isinstance(i, (int, slice)) for i in consuming])
    found: list[Item] = []
    axis = 0
    for item in items:
        if isinstance(item, int):
            outside = not -aval.shape[axis] <= item < aval.shape[axis]
            if outside and mode is None:
                raise out_of_range(function, item, axis, aval)
            found.append(np.asarray(item, np.int32) if beside or outside else item)
        else:
            found.append(item)
        axis += int(item is not None)
    if not beside and any([is_host_array(i) for i in found]):      # one of them is an array now: all are
        found = [np.asarray(i, np.int32) if isinstance(i, int) else i for i in found]
    return found, [i for i in found if i is not None]


_FEW = 1 << 16


def _differ(arrays: Sequence[NumpyArray | Array], aval: ShapedArray, numbers: Sequence[int | None]) -> bool:
    """Whether known positions name no element twice."""
    hosts = [a for a in arrays if is_host_array(a)]
    if not hosts or size_of(np.broadcast_shapes(*[a.shape for a in hosts])) > _FEW:
        return False
    sizes = [n for n, k in zip(aval.shape, numbers, strict=True) if k is not None]
    if 0 in sizes:
        return True
    flat = np.ravel_multi_index(tuple(np.broadcast_arrays(*hosts)), sizes, mode="clip")
    return np.unique(flat).size == flat.size


def _laid_out(aval: ShapedArray, items: Sequence[Item], consuming: Sequence[Item], cut: Ranges,
              numbers: tuple[int | None, ...], known: tuple[bool, ...], index_shape: tuple[int, ...],
              mode: str | None, unique: bool) -> Plan:
    """Where the axes of x[index] come from. Those of index arrays come first if a slice or new axis stands between
    these, else where they stood."""
    touched = [k for k, n in enumerate(numbers) if n is not None or not _is_whole(consuming[k], aval.shape[k])]
    first, last = (touched[0], touched[-1]) if touched else (0, -1)
    chosen = [k for k, i in enumerate(items) if not (i is None or isinstance(i, (int, slice)))]
    adjacent = not chosen or chosen[-1] - chosen[0] + 1 == len(chosen)
    begin = chosen[0] if chosen and adjacent else 0
    shape: list[int] = []
    kept: list[int] = []
    tags: list[tuple[int, int]] = []        # sorted, they give the order in which elements are scattered
    axis = 0
    for k, item in enumerate([*items, slice(None)]):
        if chosen and k == begin:
            shape += index_shape
            kept += index_shape
            tags += [(1, n) for n in range(len(index_shape))]
        if k == len(items):
            break
        if item is None:
            shape.append(1)
        elif isinstance(item, slice):
            shape.append(cut.sizes[axis])
            kept.append(cut.sizes[axis])
            tags.append((0 if axis < first else 2 if axis <= last else 3, axis))
        axis += int(item is not None)
    order = tuple(sorted(range(len(tags)), key=tags.__getitem__))
    return Plan(tuple(shape), cut, numbers, known, index_shape, tuple(kept), order, first, last, mode, unique)


def _is_whole(item: Item, length: int) -> bool:
    return isinstance(item, slice) and range(*item.indices(length)) == range(length)


@one_program(3)
def write_window(x: Array, value: Array, starts: Any, plan: Plan, by: By) -> Array:
    """An update of what integers and slices select; `starts` in eager code, so that all windows are one program."""
    cut = plan.cut
    update = ops.rev(ops.reshape(value, cut.sizes), cut.reversed)
    begin: list[Value] = list(cut.start)
    if starts is not None:
        begin = [ops.reshape(ops.slice(starts, (k,), (k + 1,)), ()) for k in range(x.ndim)]
    if by != "set":
        old = _window(x, begin, cut)
        update = _BINARY[by](old, update)
    if cut.sizes == x.shape and all([s == 1 for s in cut.strides]):
        return update
    return dynamic_update_slice(x, update, begin, cut.strides)


def _window(x: Array, begin: Sequence[Value], cut: Ranges) -> Array:
    if all([type(b) is int for b in begin]):
        return ops.slice(x, cut.start, cut.limit, cut.strides)
    return dynamic_slice(x, begin, cut.sizes, cut.strides)


def _flat_positions(x: Array, arrays: Sequence[Any], plan: Plan) -> tuple[Value, Value | None]:
    """The flat position, along the axes that the index touches seen as one, of each element in the order of the plan;
    and whether it is in range (None: all are)."""
    index_rank = len(plan.index_shape)
    between = [k for k in range(plan.first, plan.last + 1) if plan.items[k] is None]
    shape = (*plan.index_shape, *[plan.cut.sizes[k] for k in between])
    total: Value = full(shape, 0, I32)
    inside: Value | None = None
    step = 1
    for axis in range(plan.last, plan.first - 1, -1):
        number, length = plan.items[axis], x.shape[axis]
        if number is None:
            along = ops.iota(I32, shape, index_rank + between.index(axis))
            stride, start = plan.cut.strides[axis], plan.cut.start[axis]
            if axis in plan.cut.reversed:
                start, stride = start + (plan.cut.sizes[axis] - 1) * stride, -stride
            place: Value = add_exactly(mul(along, stride), start)
        else:
            given = array("at", arrays[number])
            if not plan.known[number]:
                given = array("at", counted("at", given, axis, x.aval, plan.mode or "drop"))
            place = _spread(given, shape, tuple(range(index_rank - given.ndim, index_rank)))
            if not plan.known[number] and plan.mode != "wrap":
                here = and_(ge(place, 0), le(place, length - 1))
                inside = here if inside is None else and_(inside, here)
                place = clamp(0, place, max(length - 1, 0))
        total = add_exactly(total, mul(place, step))
        step *= length
    return total, inside


def _spread(x: Array, shape: tuple[int, ...], dims: tuple[int, ...]) -> Array:
    """x at the axes `dims` of `shape`; axes of size one stretch."""
    kept = [k for k, n in enumerate(x.shape) if n != 1]
    return broadcast_in_dim(ops.reshape(x, [x.shape[k] for k in kept]), shape, tuple([dims[k] for k in kept]))


def _merged(x: Array, plan: Plan) -> Array:
    lead, middle, tail = x.shape[:plan.first], x.shape[plan.first:plan.last + 1], x.shape[plan.last + 1:]
    return ops.reshape(x, (*lead, size_of(middle), *tail))


def _write(x: Array, value: Array, *rest: Any) -> Array:
    """An update at index arrays; the last two of `rest` are the plan and what the update does."""
    *arrays, plan, by = rest
    places, inside = _flat_positions(x, arrays, plan)
    if inside is not None and plan.mode != "clip":
        places = select(inside, places, -1)
    update = ops.transpose(ops.reshape(value, plan.kept), plan.order)
    return ops.reshape(scatter(_merged(x, plan), places, update, plan.first, by, unique=plan.unique), x.shape)


def _read(x: Array, *rest: Any) -> Array:
    """A read at index arrays; the last two of `rest` are the plan and the fill value."""
    *arrays, plan, fill_value = rest
    places, inside = _flat_positions(x, arrays, plan)
    found = gather.take(_merged(x, plan), places, plan.first, mode="zero")
    if inside is not None and plan.mode in ("fill", "drop"):
        rank = len(plan.index_shape) + sum([plan.items[k] is None for k in range(plan.first, plan.last + 1)])
        mask = broadcast_in_dim(inside, found.shape, tuple(range(plan.first, plan.first + rank)))
        found = select(mask, found, fill(x, fill_value))
    back = ops.transpose(found, sorted(range(found.ndim), key=plan.order.__getitem__))
    return ops.reshape(back, plan.shape)


_MOST = 32
_Program: TypeAlias = Callable[..., Array]
WRITERS: dict[int, _Program] = {n: one_program(n + 2)(_write) for n in range(1, _MOST + 1)}
READERS: dict[int, _Program] = {n: one_program(n + 1)(_read) for n in range(1, _MOST + 1)}
