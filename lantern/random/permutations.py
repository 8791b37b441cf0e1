"""Random orders."""
from __future__ import annotations

import math

import numpy as np

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, argument_error, array, canonical_axis
from lantern.numpy.arithmetic import add, minimum, multiply
from lantern.numpy.creation import tri, zeros
from lantern.numpy.indexing import take_along_axis
from lantern.numpy.joining import pad
from lantern.numpy.logic import equal, less, less_equal, logical_and, logical_or, where
from lantern.numpy.ranges import arange
from lantern.numpy.reductions import sum
from lantern.numpy.shaping import broadcast_to, expand_dims, moveaxis, reshape
from lantern.ops.index import scatter_add, take
from lantern.ops.random import random_bits
from lantern.random.keys import split, words
from lantern.trace.array import Array

_BLOCK = 1024               # permutations compare all pairs within blocks of this many, and search sorted blocks beyond
_LARGEST_PERMUTATION = 1 << 18


@one_program(1)
def permutation(key: ArrayLike, x: int | ArrayLike, axis: int = 0, independent: bool = False) -> Array:
    """The elements of x in random order along an axis; an integer means 0 ... x - 1. All orders are equally likely.

    Slices along the axis stay whole, unless `independent` shuffles each line on its own. There is no sorting yet: n
    elements are ordered by random bits with about 1000 n comparisons. Raises ArgumentError for more than 2**18
    elements.

    >>> from lantern import random
    >>> sorted(random.permutation(random.key(0), 5).tolist())
    [0, 1, 2, 3, 4]
    """
    found = words("permutation", key)
    if isinstance(x, int):
        return _shuffled(found, (x,), x)
    a = array("permutation", x)
    place = canonical_axis("permutation", axis, a.aval)
    if not independent:
        return take(a, _shuffled(found, (a.shape[place],), a.shape[place]), place)
    order = _shuffled(found, a.shape, a.size, place)
    return take_along_axis(a, order, place)


def _shuffled(key: Array, shape: tuple[int, ...], size: int, axis: int = 0) -> Array:
    """Random orders along an axis, in as many rounds of sorting by 32 random bits as make ties harmless (as in JAX)."""
    length = shape[axis]
    if length > _LARGEST_PERMUTATION:
        raise argument_error(f"permutation: at most {_LARGEST_PERMUTATION} elements, got {length}",
                             "Permute with numpy.random and pass the order as an array.")
    rest = [n for k, n in enumerate(shape) if k != axis]
    rows = math.prod(rest)
    order = broadcast_to(arange(length), (rows, length))
    for _ in range(math.ceil(3 * math.log(max(1, size)) / math.log(2 ** 32 - 1))):
        key, once = split(key)
        drawn = reshape(moveaxis(random_bits(once, shape), axis, -1), (rows, length))
        order = take_along_axis(order, _sorting_order(drawn), 1)
    return moveaxis(reshape(order, (*rest, length)), -1, axis)


def _sorting_order(drawn: Array) -> Array:
    """For each row the positions of its elements in increasing order, ties by position."""
    rows, length = drawn.shape
    ranks = _ranks(drawn) if length <= _BLOCK else _ranks_by_blocks(drawn)
    starts = reshape(multiply(arange(rows), length), (rows, 1))
    places = reshape(add(ranks, starts), (rows * length,))
    positions = broadcast_to(arange(length), (rows, length))
    return reshape(scatter_add(reshape(positions, (rows * length,)), places, 0, rows * length), (rows, length))


def _ranks(drawn: Array) -> Array:
    """How many elements of the last axis come before each: all pairs compared, ties by position."""
    length = drawn.shape[-1]
    mine, other = expand_dims(drawn, -1), expand_dims(drawn, -2)
    earlier = tri(length, length, -1, dtype=bool)
    before = logical_or(less(other, mine), logical_and(equal(other, mine), earlier))
    return sum(before, -1)


def _ranks_by_blocks(drawn: Array) -> Array:
    """The same for long rows: blocks are sorted on their own, and each element is looked up in every other block.

    With blocks of B elements that is B + n / B * log2(B) comparisons an element (bisection) instead of n.
    """
    rows, length = drawn.shape
    blocks = -(-length // _BLOCK)
    padded = pad(drawn, ((0, 0), (0, blocks * _BLOCK - length)), constant_values=0xFFFFFFFF)
    parts = reshape(padded, (rows * blocks, _BLOCK))
    inside = _ranks(parts)
    starts = reshape(multiply(arange(rows * blocks), _BLOCK), (rows * blocks, 1))
    places = reshape(add(inside, starts), (parts.size,))
    ordered = scatter_add(reshape(parts, (parts.size,)), places, 0, parts.size)
    mine = reshape(padded, (rows, blocks, _BLOCK, 1))
    own, facing = reshape(arange(blocks), (blocks, 1, 1)), arange(blocks)
    first = reshape(multiply(arange(rows * blocks), _BLOCK), (rows, 1, 1, blocks))
    found = zeros((rows, blocks, _BLOCK, blocks), np.int32)
    step = _BLOCK
    while step:
        probe = take(ordered, add(first, minimum(add(found, step - 1), _BLOCK - 1)), 0)
        before = logical_or(less(probe, mine), logical_and(equal(probe, mine), less(facing, own)))
        within = less_equal(add(found, step), _BLOCK)
        found = add(found, where(logical_and(before, within), step, 0))
        step //= 2
    elsewhere = sum(where(equal(facing, own), 0, found), -1)
    ranks = add(elsewhere, reshape(inside, (rows, blocks, _BLOCK)))
    return reshape(ranks, (rows, blocks * _BLOCK))[:, :length]
