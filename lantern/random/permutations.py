"""Random orders."""
from __future__ import annotations

import math

from lantern.dtypes import I32, python_dtype
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, array, canonical_axis, canonical_shape
from lantern.ops.convert import convert
from lantern.ops.index import take, take_along_axis
from lantern.ops.random import random_bits, random_split
from lantern.ops.shape import iota
from lantern.ops.sort import argsort
from lantern.random.keys import words
from lantern.trace.array import Array


@one_program(1)
def permutation(key: ArrayLike, x: int | ArrayLike, axis: int = 0, independent: bool = False) -> Array:
    """The elements of x in random order along an axis; an integer means 0 ... x - 1. All orders are equally likely.

    Slices along the axis stay whole, unless `independent` shuffles each line on its own.

    >>> from lantern import random
    >>> sorted(random.permutation(random.key(0), 5).tolist())
    [0, 1, 2, 3, 4]
    """
    found = words("permutation", key)
    if isinstance(x, int):
        return convert(_shuffled(found, canonical_shape("permutation", x), x), python_dtype(int))
    a = array("permutation", x)
    place = canonical_axis("permutation", axis, a.aval)
    if not independent:
        return take(a, _shuffled(found, (a.shape[place],), a.shape[place]), place)
    return take_along_axis(a, _shuffled(found, a.shape, a.size, place), place)


def _shuffled(key: Array, shape: tuple[int, ...], size: int, axis: int = 0) -> Array:
    """Random orders along an axis (i32), in as many rounds of sorting by 32 random bits as make ties harmless, as in
    JAX."""
    order = iota(I32, shape, axis)
    for _ in range(math.ceil(3 * math.log(max(1, size)) / math.log(2 ** 32 - 1))):
        keys = random_split(key, (2,))
        key, drawn = keys[0], random_bits(keys[1], shape)
        order = take_along_axis(order, argsort(drawn, axis), axis)
    return order
