"""Random numbers from keys: the same key gives the same numbers, on every device.

A key is an array u32[2] (a batch of keys: u32[..., 2]). Bits, integers, uniforms, Bernoulli draws and permutations are
equal bit for bit on all devices, normals within 4 ulp. Bits come from the counter-based cipher threefry-2x32 with the
counters of JAX's partitionable generator, so `split`, `fold_in`, `bits`, `uniform`, `randint` and `permutation` give
JAX's numbers too.

Never use a key twice: `split` it, or `fold_in` a number.
"""
from __future__ import annotations

import math
import operator
from collections.abc import Sequence

import numpy as np

from lantern.dtypes import F32, F64, I32, U32, canonical, is_float, is_integer, short_name
from lantern.eager import one_program
from lantern.lax.operands import (
    ArrayLike,
    DType,
    DTypeLike,
    ShapeLike,
    argument_error,
    array,
    canonical_axis,
    canonical_shape,
    cast,
    common_shape,
    constant,
    shape_error,
    stretch,
    type_error,
)
from lantern.numpy.arithmetic import add, maximum, minimum, multiply, remainder, subtract
from lantern.numpy.creation import arange, asarray, astype, tri, zeros, zeros_like
from lantern.numpy.element_types import finfo
from lantern.numpy.indexing import take_along_axis
from lantern.numpy.joining import pad, stack
from lantern.numpy.logic import (
    bitwise_and,
    bitwise_or,
    equal,
    left_shift,
    less,
    less_equal,
    logical_and,
    logical_or,
    right_shift,
    where,
)
from lantern.numpy.reductions import sum
from lantern.numpy.shaping import broadcast_to, expand_dims, moveaxis, reshape
from lantern.ops import elementwise as ops
from lantern.ops.convert import bitcast, convert
from lantern.ops.index import scatter_add, take
from lantern.ops.random import random_bits, random_fold_in, random_split
from lantern.trace.array import Array

Key = Array
_BLOCK = 1024               # permutations compare all pairs within blocks of this many, and search sorted blocks beyond
_LARGEST_PERMUTATION = 1 << 18


def key(seed: int | ArrayLike) -> Key:
    """A key from a seed. Of a seed of 32 bits (also a negative one, and of arrays) the first word is 0; a longer Python
    int gives 64 bits, the high word first.

    Raises TypeError for floats.

    >>> key(42).tolist()
    [0, 42]
    """
    if isinstance(seed, Array):
        word = _word("key", seed)
        return stack([zeros_like(word), word], -1)
    number = operator.index(seed)       # pyright: ignore[reportArgumentType]
    high = 0 if -1 << 31 <= number < 1 << 32 else (number >> 32) & 0xFFFFFFFF
    return constant(np.array([high, number & 0xFFFFFFFF], np.uint32))


def _word(function: str, x: ArrayLike) -> Array:
    """Integers modulo 2**32, as u32."""
    if isinstance(x, int):
        return constant(np.asarray(x & 0xFFFFFFFF, np.uint32))
    found = array(function, x)
    if not is_integer(found.dtype):
        raise type_error(f"{function}: wanted an integer, got {found.aval}")
    return convert(found, U32)


def _checked(function: str, key: ArrayLike) -> Key:
    """One key. Raises ShapeError for what is none, and for batches of keys."""
    found = array(function, key)
    if found.dtype != U32 or found.shape != (2,):
        batch = found.dtype == U32 and found.shape[-1:] == (2,)
        cure = "Use vmap for a batch of keys." if batch else "Make one with random.key(seed)."
        raise shape_error(f"{function}: wanted one key, u32[2], got {found.aval}", cure)
    return found


def split(key: ArrayLike, num: int | Sequence[int] = 2) -> Key:
    """New keys, `num` of them (or an array of this shape), along new first axes.

    >>> split(key(0)).shape
    (2, 2)
    """
    return random_split(_checked("split", key), canonical_shape("split", num))


def fold_in(key: ArrayLike, data: int | ArrayLike) -> Key:
    """A new key from a key and an integer, such as the number of a step. Only its low 32 bits count.

    >>> fold_in(key(0), 1).shape
    (2,)
    """
    return random_fold_in(_checked("fold_in", key), _word("fold_in", data))


@one_program(1)
def bits(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = np.uint32) -> Array:
    """Random bits as unsigned integers of 8, 16, 32 or 64 bits.

    Raises TypeError for another dtype.

    >>> bits(key(0), (3,)).dtype
    dtype('uint32')
    """
    wanted = canonical(dtype)
    if wanted.kind != "u":
        raise type_error(f"bits: wanted an unsigned integer dtype, got {short_name(wanted)}")
    return _bits(_checked("bits", key), canonical_shape("bits", shape), wanted)


def _bits(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """Up to 32 bits are the low ones of one word; 64 are both words of the cipher."""
    if dtype.itemsize < 8:
        return convert(random_bits(key, shape), dtype)
    words = convert(random_split(key, shape), dtype)
    return bitwise_or(left_shift(words[..., 0], 32), words[..., 1])


def _floats(function: str, dtype: DTypeLike) -> DType:
    wanted = canonical(dtype)
    if not is_float(wanted):
        raise type_error(f"{function}: wanted a floating point dtype, got {short_name(wanted)}")
    return wanted


def _unit(key: Key, shape: tuple[int, ...], dtype: DType) -> Array:
    """Uniform in [0, 1): a whole number of as many bits as the mantissa has, times a power of two; exact on every
    device."""
    info = finfo(dtype)
    mantissa = int(info.nmant)
    if dtype == F64:
        whole, wide = right_shift(_bits(key, shape, np.dtype(np.uint64)), 64 - mantissa), F64
    else:
        width = 8 if mantissa < 8 else int(info.bits)       # JAX draws 8 bits for bfloat16
        drawn = random_bits(key, shape)
        drawn = drawn if width == 32 else bitwise_and(drawn, (1 << width) - 1)
        whole, wide = right_shift(drawn, width - mantissa), F32
    return convert(multiply(convert(whole, wide), 2.0 ** -mantissa), dtype)


@one_program(1)
def uniform(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = float, minval: ArrayLike = 0.0,
            maxval: ArrayLike = 1.0) -> Array:
    """Uniform floats in [minval, maxval).

    Raises ShapeError if the bounds do not broadcast to the shape.

    >>> x = uniform(key(0), (1000,))
    >>> bool((x >= 0).all()), bool((x < 1).all())
    (True, True)
    """
    wanted, sizes = _floats("uniform", dtype), canonical_shape("uniform", shape)
    unit = _unit(_checked("uniform", key), sizes, wanted)
    if isinstance(minval, (int, float)) and isinstance(maxval, (int, float)):
        if (minval, maxval) == (0, 1):
            return unit
        low, high = [np.asarray(v, wanted) for v in (minval, maxval)]
        return _scaled(unit, low[()], (high - low)[()])
    low, high = [_bound("uniform", v, sizes, wanted) for v in (minval, maxval)]
    return _scaled(unit, low, subtract(high, low))


def _bound(function: str, x: ArrayLike, shape: tuple[int, ...], dtype: DType) -> Array:
    """A bound of a distribution, stretched to the shape."""
    found = constant(cast(x, dtype)) if isinstance(x, (int, float)) else convert(array(function, x), dtype)
    if common_shape(function, [found.shape, shape]) != shape:
        raise shape_error(f"{function}: bounds of shape {found.shape} do not broadcast to {shape}")
    return stretch(found, shape)


def _scaled(unit: Array, low: ArrayLike, span: ArrayLike) -> Array:
    """unit * span + low, at least low. The bound in between changes nothing, but keeps a device from contracting
    product and sum into one operation with another rounding.
    """
    return maximum(low, add(minimum(multiply(unit, span), maximum(span, 0)), low))


@one_program(1)
def normal(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = float) -> Array:
    """Normal floats of mean 0 and variance 1: sqrt(2) times the inverse error function of uniforms in (-1, 1).

    >>> normal(key(0), (2, 3)).shape
    (2, 3)
    """
    wanted = _floats("normal", dtype)
    low = np.nextafter(np.asarray(-1, wanted), np.asarray(0, wanted))
    unit = _unit(_checked("normal", key), canonical_shape("normal", shape), wanted)
    return multiply(math.sqrt(2), ops.erf_inv(maximum(low[()], add(multiply(unit, 2), low[()]))))


@one_program(2)
def bernoulli(key: ArrayLike, p: ArrayLike = 0.5, shape: ShapeLike | None = None) -> Array:
    """True with probability p. The shape is p's unless given; p then broadcasts to it.

    >>> bool(bernoulli(key(0), 0.0, (10,)).any())
    False
    """
    probability = astype(p, F32) if not isinstance(p, Array) or not is_float(p.dtype) else p
    sizes = probability.shape if shape is None else canonical_shape("bernoulli", shape)
    found = _bound("bernoulli", probability, sizes, probability.dtype)
    return less(_unit(_checked("bernoulli", key), sizes, found.dtype), found)


@one_program(1)
def randint(key: ArrayLike, shape: ShapeLike, minval: ArrayLike, maxval: ArrayLike, dtype: DTypeLike = int) -> Array:
    """Integers in [minval, maxval); where maxval <= minval, minval. The bounds may be arrays.

    Two random numbers make one of twice the bits, of which the remainder is taken: the bias is below 2**-32 for 32
    bits.

    >>> x = randint(key(0), (100,), 0, 10)
    >>> bool((x >= 0).all()), bool((x < 10).all())
    (True, True)
    """
    wanted, sizes = canonical(dtype), canonical_shape("randint", shape)
    if not is_integer(wanted):
        raise type_error(f"randint: wanted an integer dtype, got {short_name(wanted)}")
    found = _checked("randint", key)
    if wanted.itemsize < 4:         # drawn with 32 bits, which leaves less bias
        bounds = np.iinfo(wanted)
        low, high = _limited(minval, bounds.min, bounds.max), _limited(maxval, bounds.min, bounds.max + 1)
        return convert(randint(found, sizes, low, high, I32), wanted)
    last = int(np.iinfo(wanted).max)
    past = isinstance(maxval, int) and maxval > last            # one more than the largest integer is allowed
    low, high = [_bound("randint", _limited(v, -last - 1, last), sizes, wanted) for v in (minval, maxval)]
    return add(low, convert(_offsets(found, low, high, past), wanted))


def _limited(x: ArrayLike, low: int, high: int) -> ArrayLike:
    """A Python int moved into [low, high]; arrays by clipping in their own dtype."""
    return min(max(x, low), high) if isinstance(x, int) else x


def _offsets(key: Key, low: Array, high: Array, past: bool) -> Array:
    """Integers in [0, high - low), or one more if `past`, as unsigned; 0 where high <= low.

    (upper * 2**bits + lower) modulo span, computed with factors below span: 2**bits = (2**(bits / 2))**2.
    """
    width = 8 * low.dtype.itemsize
    unsigned = np.dtype(f"uint{width}")
    distance = subtract(high, low)
    span = distance if distance.dtype == unsigned else bitcast(distance, unsigned)
    span = where(less_equal(high, low), 1, add(span, int(past)))
    keys = random_split(key, (2,))
    upper, lower = _bits(keys[0], low.shape, unsigned), _bits(keys[1], low.shape, unsigned)
    half = remainder(asarray(1 << (width // 2), unsigned), span)
    carry = remainder(multiply(half, half), span)
    total = add(multiply(remainder(upper, span), carry), remainder(lower, span))
    found = remainder(total, span)
    return where(equal(span, 0), lower, found) if past else found       # the full range wraps to a span of 0


@one_program(1)
def permutation(key: ArrayLike, x: int | ArrayLike, axis: int = 0, independent: bool = False) -> Array:
    """The elements of x in random order along an axis; an integer means 0 ... x - 1. All orders are equally likely.

    Slices along the axis stay whole, unless `independent` shuffles each line on its own. There is no sorting yet: n
    elements are ordered by random bits with about 1000 n comparisons. Raises ArgumentError for more than 2**18
    elements.

    >>> sorted(permutation(key(0), 5).tolist())
    [0, 1, 2, 3, 4]
    """
    found = _checked("permutation", key)
    if isinstance(x, int):
        return _shuffled(found, (x,), x)
    a = array("permutation", x)
    place = canonical_axis("permutation", axis, a.aval)
    if not independent:
        return take(a, _shuffled(found, (a.shape[place],), a.shape[place]), place)
    order = _shuffled(found, a.shape, a.size, place)
    return take_along_axis(a, order, place)


def _shuffled(key: Key, shape: tuple[int, ...], size: int, axis: int = 0) -> Array:
    """Random orders along an axis, in as many rounds of sorting by 32 random bits as make ties harmless (as in JAX)."""
    length = shape[axis]
    if length > _LARGEST_PERMUTATION:
        raise argument_error(f"permutation: at most {_LARGEST_PERMUTATION} elements, got {length}",
                             "Permute with numpy.random and pass the order as an array.")
    rest = [n for k, n in enumerate(shape) if k != axis]
    rows = math.prod(rest)
    order = broadcast_to(arange(length), (rows, length))
    for _ in range(math.ceil(3 * math.log(max(1, size)) / math.log(2 ** 32 - 1))):
        key, drawn = split(key)
        words = reshape(moveaxis(random_bits(drawn, shape), axis, -1), (rows, length))
        order = take_along_axis(order, _sorting_order(words), 1)
    return moveaxis(reshape(order, (*rest, length)), -1, axis)


def _sorting_order(words: Array) -> Array:
    """For each row the positions of its elements in increasing order, ties by position."""
    rows, length = words.shape
    ranks = _ranks(words) if length <= _BLOCK else _ranks_by_blocks(words)
    starts = reshape(multiply(arange(rows), length), (rows, 1))
    places = reshape(add(ranks, starts), (rows * length,))
    positions = broadcast_to(arange(length), (rows, length))
    return reshape(scatter_add(reshape(positions, (rows * length,)), places, 0, rows * length), (rows, length))


def _ranks(words: Array) -> Array:
    """How many elements of the last axis come before each: all pairs compared, ties by position."""
    length = words.shape[-1]
    mine, other = expand_dims(words, -1), expand_dims(words, -2)
    earlier = tri(length, length, -1, dtype=bool)
    before = logical_or(less(other, mine), logical_and(equal(other, mine), earlier))
    return sum(before, -1)


def _ranks_by_blocks(words: Array) -> Array:
    """The same for long rows: blocks are sorted on their own, and each element is looked up in every other block.

    With blocks of B elements that is B + n / B * log2(B) comparisons an element (bisection) instead of n.
    """
    rows, length = words.shape
    blocks = -(-length // _BLOCK)
    padded = pad(words, ((0, 0), (0, blocks * _BLOCK - length)), constant_values=0xFFFFFFFF)
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
