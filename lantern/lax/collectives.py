"""Collectives: sums, extrema and moves across the elements of a named axis of `vmap`, with jax.lax's names.

Those that move values are `all_gather` and a choice: on one device, gathering is nothing but looking at the whole
array. Where one name stands for an axis, sums, extrema and positions take a tuple of names, too: all those axes.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import numpy as np

from lantern import tree
from lantern.lax.operands import argument_error, array, as_sequence, canonical_axis, shape_error
from lantern.ops import collective
from lantern.ops import shape as ops
from lantern.ops.elementwise import mul
from lantern.ops.index import take
from lantern.ops.pointwise import add
from lantern.trace.array import Array
from lantern.trace.context import axes_in_scope
from lantern.trace.context import axis_size as size_of_axis

T = TypeVar("T")


def _names(axis_name: Hashable) -> tuple[Hashable, ...]:
    """One name, or several in a tuple that is no name itself."""
    if axis_name in dict(axes_in_scope()) or not isinstance(axis_name, tuple):
        return (axis_name,)     # pyright: ignore[reportUnknownVariableType]
    return tuple(as_sequence(axis_name))


def _across(function: str, one: Callable[[Any, Hashable], Any], x: Any, axis_name: Hashable) -> Any:
    """`one` of each leaf along one axis after the other."""
    def across(leaf: Any) -> Any:
        number = type(leaf) in (int, float, complex) and function == "psum"     # the sum of a Python number is one
        found = leaf if number else array(function, leaf)
        for name in _names(axis_name):
            found = one(found, name)
        return found

    return tree.map(across, x)


def psum(x: Any, axis_name: Hashable) -> Any:
    """The sum over a named axis of `vmap`, for each leaf of a pytree. Of a Python number it is a Python number:
    psum(1, "i") is the size of the axis.

    Raises ArgumentError if no enclosing vmap has an axis of this name.

    >>> import lantern
    >>> lantern.vmap(lambda v: psum(v, "i"), axis_name="i")(np.arange(3)).tolist()
    [3, 3, 3]
    """
    return _across("psum", collective.psum, x, axis_name)


def pmean(x: Any, axis_name: Hashable) -> Any:
    """The mean over a named axis of `vmap`, for each leaf of a pytree.

    Raises ArgumentError if no enclosing vmap has an axis of this name, ShapeError for integers.

    >>> import lantern
    >>> lantern.vmap(lambda v: pmean(v, "i"), axis_name="i")(np.arange(3.0)).tolist()
    [1.0, 1.0, 1.0]
    """
    return _across("pmean", collective.pmean, x, axis_name)


def pmax(x: Any, axis_name: Hashable) -> Any:
    """The largest value over a named axis of `vmap`, for each leaf of a pytree.

    Raises ArgumentError if no enclosing vmap has an axis of this name.

    >>> import lantern
    >>> lantern.vmap(lambda v: pmax(v, "i"), axis_name="i")(np.arange(3)).tolist()
    [2, 2, 2]
    """
    return _across("pmax", collective.pmax, x, axis_name)


def pmin(x: Any, axis_name: Hashable) -> Any:
    """The smallest value over a named axis of `vmap`, for each leaf of a pytree.

    Raises ArgumentError if no enclosing vmap has an axis of this name.

    >>> import lantern
    >>> lantern.vmap(lambda v: pmin(v, "i"), axis_name="i")(np.arange(3)).tolist()
    [0, 0, 0]
    """
    return _across("pmin", collective.pmin, x, axis_name)


def axis_size(axis_name: Hashable) -> int:
    """The size of a named axis of `vmap`; of several, the product.

    Raises ArgumentError if no enclosing vmap has an axis of this name.
    """
    return math.prod([size_of_axis(name) for name in _names(axis_name)])


def axis_index(axis_name: Hashable) -> Array:
    """The position along a named axis of `vmap`, as int32; along several, as if they were one, the last the fastest.

    Raises ArgumentError if no enclosing vmap has an axis of this name.

    >>> import lantern
    >>> lantern.vmap(lambda v: axis_index("i"), axis_name="i")(np.zeros(3)).tolist()
    [0, 1, 2]
    """
    names = _names(axis_name)
    found = collective.axis_index(names[0])
    for name in names[1:]:
        found = add(mul(found, size_of_axis(name)), collective.axis_index(name))
    return found


def _one_group(function: str, groups: Any) -> None:
    if groups is not None:
        raise argument_error(f"{function}: axis_index_groups is not supported, got {groups!r}",
                             "Split the axis in two, and map over both.")


def all_gather(x: Any, axis_name: Hashable, *, axis_index_groups: None = None, axis: int = 0,
               tiled: bool = False) -> Any:
    """The values of all elements of a named axis of `vmap`, along a new axis of the result, for each leaf of a pytree;
    with `tiled` they stand one behind the other along the existing axis `axis`. Each element gets all of them.

    Raises ArgumentError if no enclosing vmap has an axis of this name, or if there is no such axis.

    >>> import lantern
    >>> lantern.vmap(lambda v: all_gather(v, "i"), axis_name="i")(np.arange(3)).tolist()
    [[0, 1, 2], [0, 1, 2], [0, 1, 2]]
    """
    _one_group("all_gather", axis_index_groups)

    def across(leaf: Any) -> Array:
        value = array("all_gather", leaf)
        place = canonical_axis("all_gather", axis, value.aval, value.ndim + (not tiled))
        return _joined(collective.all_gather(value, axis_name), place, tiled)

    return tree.map(across, x)


def _joined(gathered: Any, place: int, tiled: bool) -> Array:
    """Axis 0 moved to `place`; `tiled` merges it with the axis behind it."""
    rest = list(range(1, gathered.ndim))
    moved = ops.transpose(gathered, [*rest[:place], 0, *rest[place:]])
    shape = moved.shape
    merged = (*shape[:place], shape[place] * shape[place + 1], *shape[place + 2:]) if tiled else shape
    return ops.reshape(moved, merged)


def ppermute(x: Any, axis_name: Hashable, perm: Sequence[tuple[int, int]]) -> Any:
    """Each element of a named axis sends its value to another: `perm` holds pairs (source, destination). Who is no
    destination gets zeros. For each leaf of a pytree.

    Raises ArgumentError for a position out of range, and for one that occurs twice as source or as destination.

    >>> import lantern
    >>> ring = [(0, 1), (1, 2), (2, 0)]
    >>> lantern.vmap(lambda v: ppermute(v, "i", ring), axis_name="i")(np.arange(3)).tolist()
    [2, 0, 1]
    """
    size = size_of_axis(axis_name)
    source = np.full(size, size, np.int32)      # out of range: reads zero
    for ends, word in zip(zip(*perm, strict=True), ("source", "destination"), strict=False):
        wrong = [k for k in ends if not 0 <= k < size or ends.count(k) > 1]
        if wrong:
            raise argument_error(f"ppermute: each {word} must occur once and lie in 0..{size - 1}, the positions of "
                                 f"axis {axis_name!r}, got {wrong[0]} in {list(perm)}")
    for start, end in perm:
        source[end] = start

    def across(leaf: Any) -> Array:
        mine = take(array("ppermute", source), collective.axis_index(axis_name), 0)
        return take(collective.all_gather(array("ppermute", leaf), axis_name), mine, 0, mode="zero")

    return tree.map(across, x)


def pshuffle(x: Any, axis_name: Hashable, perm: Sequence[int]) -> Any:
    """Element k of a named axis gets the value of element perm[k], for each leaf of a pytree.

    Raises ArgumentError if perm is no permutation of the axis.

    >>> import lantern
    >>> lantern.vmap(lambda v: pshuffle(v, "i", [2, 0, 1]), axis_name="i")(np.arange(3)).tolist()
    [2, 0, 1]
    """
    if sorted(perm) != list(range(size_of_axis(axis_name))):
        raise argument_error(f"pshuffle: wanted a permutation of 0..{size_of_axis(axis_name) - 1}, got {list(perm)}")
    return ppermute(x, axis_name, [(k, place) for place, k in enumerate(perm)])


def all_to_all(x: Any, axis_name: Hashable, split_axis: int, concat_axis: int, *, axis_index_groups: None = None,
               tiled: bool = False) -> Any:
    """The named axis changes places with another: element k gets the k-th part along `split_axis` of every element,
    along a new axis `concat_axis`. That axis must have the size of the named one; with `tiled` it is cut into as many
    parts, which are joined along the existing `concat_axis`. For each leaf of a pytree.

    Raises ShapeError if the axis cannot be split so.

    >>> import lantern
    >>> lantern.vmap(lambda v: all_to_all(v, "i", 0, 0), axis_name="i")(np.arange(4).reshape(2, 2)).tolist()
    [[0, 2], [1, 3]]
    """
    _one_group("all_to_all", axis_index_groups)
    size = size_of_axis(axis_name)

    def across(leaf: Any) -> Array:
        value = array("all_to_all", leaf)
        split = canonical_axis("all_to_all", split_axis, value.aval)
        place = canonical_axis("all_to_all", concat_axis, value.aval)
        length = value.shape[split]
        if length % size if tiled else length != size:
            wanted = f"a multiple of {size}" if tiled else str(size)
            raise shape_error(f"all_to_all: axis {split} of {value.aval} must have size {wanted}, as axis "
                              f"{axis_name!r} has {size} elements")
        parts = ops.reshape(value, (*value.shape[:split], size, length // size, *value.shape[split + 1:]))
        mine = take(collective.all_gather(parts, axis_name), collective.axis_index(axis_name), split + 1)
        if tiled:
            return _joined(mine, place, True)
        return _joined(ops.reshape(mine, (size, *value.shape[:split], *value.shape[split + 1:])), place, False)

    return tree.map(across, x)


def psum_scatter(x: Any, axis_name: Hashable, *, scatter_dimension: int = 0, axis_index_groups: None = None,
                 tiled: bool = False) -> Any:
    """The sum over a named axis of `vmap`, of which element k gets the k-th part along `scatter_dimension`. That axis
    must have the size of the named one and is gone; with `tiled` it is cut into as many parts and stays.

    Raises ShapeError if the axis cannot be split so.

    >>> import lantern
    >>> lantern.vmap(lambda v: psum_scatter(v, "i"), axis_name="i")(np.arange(4).reshape(2, 2)).tolist()
    [2, 4]
    """
    _one_group("psum_scatter", axis_index_groups)
    size = size_of_axis(axis_name)

    def across(leaf: Any) -> Array:
        value = array("psum_scatter", leaf)
        place = canonical_axis("psum_scatter", scatter_dimension, value.aval)
        length = value.shape[place]
        if length % size if tiled else length != size:
            wanted = f"a multiple of {size}" if tiled else str(size)
            raise shape_error(f"psum_scatter: axis {place} of {value.aval} must have size {wanted}, as axis "
                              f"{axis_name!r} has {size} elements")
        total = collective.psum(value, axis_name)
        parts = ops.reshape(total, (*value.shape[:place], size, length // size, *value.shape[place + 1:]))
        mine = take(parts, collective.axis_index(axis_name), place)
        return mine if tiled else ops.reshape(mine, (*value.shape[:place], *value.shape[place + 1:]))

    return tree.map(across, x)


def with_sharding_constraint(x: T, shardings: Any) -> T:
    """x itself: a program runs on one device, so every placement of its parts is the same one.

    >>> with_sharding_constraint(1.5, None)
    1.5
    """
    return x
