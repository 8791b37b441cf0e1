"""Random integers in a range."""
from __future__ import annotations

import numpy as np

from lantern.dtypes import BOOL, I32, canonical, is_integer, python_dtype, short_name
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, DType, DTypeLike, ShapeLike, array, canonical_shape, type_error
from lantern.numpy.arithmetic import add, maximum, minimum, multiply, remainder, subtract
from lantern.numpy.creation import asarray
from lantern.numpy.logic import equal, greater, less_equal, where
from lantern.ops.convert import bitcast, convert
from lantern.ops.random import random_split
from lantern.random.bits import bound, random_words
from lantern.random.keys import words
from lantern.trace.array import Array


@one_program(1)
def randint(key: ArrayLike, shape: ShapeLike, minval: ArrayLike, maxval: ArrayLike, dtype: DTypeLike = int) -> Array:
    """Integers in [minval, maxval); where maxval <= minval, minval. The bounds may be arrays. What a bound has beyond
    the dtype is cut off; `maxval` may be one more than the largest integer.

    Two random numbers make one of twice the bits, of which the remainder is taken: the bias is below 2**-32 for 32
    bits.

    >>> from lantern import random
    >>> x = random.randint(random.key(0), (100,), 0, 10)
    >>> bool((x >= 0).all()), bool((x < 10).all())
    (True, True)
    """
    wanted, sizes = canonical(dtype), canonical_shape("randint", shape)
    if not is_integer(wanted):
        raise type_error(f"randint: wanted an integer dtype, got {short_name(wanted)}")
    return _between(words("randint", key), sizes, _whole(minval), _whole(maxval), wanted)


def _whole(x: ArrayLike) -> int | Array:
    """A bound as a Python int or an array of integers."""
    if isinstance(x, (int, float)):
        return int(x)
    found = array("randint", x)
    return found if is_integer(found.dtype) else convert(found, python_dtype(int))


def _between(key: Array, shape: tuple[int, ...], low: int | Array, high: int | Array, dtype: DType) -> Array:
    bounds = np.iinfo(dtype)
    first, last = int(bounds.min), int(bounds.max)
    if dtype.itemsize < 4:          # drawn with 32 bits, which leaves less bias
        return convert(_between(key, shape, _limited(low, first, last), _limited(high, first, last + 1), I32), dtype)
    past = _beyond(high, last)
    low, high = [bound("randint", _limited(v, first, last), shape, dtype) for v in (low, high)]
    past = past if isinstance(past, bool) else bound("randint", past, shape, BOOL)
    return add(low, convert(_offsets(key, low, high, past), dtype))


def _limited(x: int | Array, low: int, high: int) -> int | Array:
    """A bound moved into [low, high]; arrays in their own dtype, if that reaches further."""
    if isinstance(x, int):
        return min(max(x, low), high)
    own = np.iinfo(x.dtype)
    x = maximum(x, low) if own.min < low else x
    return minimum(x, high) if own.max > high else x


def _beyond(x: int | Array, last: int) -> bool | Array:
    """Whether a bound is above the largest integer of the dtype."""
    if isinstance(x, int):
        return x > last
    return greater(x, last) if np.iinfo(x.dtype).max > last else False


def _offsets(key: Array, low: Array, high: Array, past: bool | Array) -> Array:
    """Integers in [0, high - low), or one more where `past`, as unsigned; 0 where high <= low.

    (upper * 2**bits + lower) modulo span, computed with factors below span: 2**bits = (2**(bits / 2))**2.
    """
    width = 8 * low.dtype.itemsize
    unsigned = np.dtype(f"uint{width}")
    distance = subtract(high, low)
    span = distance if distance.dtype == unsigned else bitcast(distance, unsigned)
    wider = int(past) if isinstance(past, bool) else convert(past, unsigned)
    span = where(less_equal(high, low), 1, add(span, wider))
    keys = random_split(key, (2,))
    upper, lower = random_words(keys[0], low.shape, unsigned), random_words(keys[1], low.shape, unsigned)
    half = remainder(asarray(1 << (width // 2), unsigned), span)
    carry = remainder(multiply(half, half), span)
    total = add(multiply(remainder(upper, span), carry), remainder(lower, span))
    found = remainder(total, span)
    return found if past is False else where(equal(span, 0), lower, found)      # the full range wraps to a span of 0
