"""Random integers in a range."""
from __future__ import annotations

import numpy as np

from lantern.dtypes import I32, canonical, is_integer, short_name
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, DTypeLike, ShapeLike, canonical_shape, type_error
from lantern.numpy.arithmetic import add, multiply, remainder, subtract
from lantern.numpy.creation import asarray
from lantern.numpy.logic import equal, less_equal, where
from lantern.ops.convert import bitcast, convert
from lantern.ops.random import random_split
from lantern.random.bits import bound, random_words
from lantern.random.keys import words
from lantern.trace.array import Array


@one_program(1)
def randint(key: ArrayLike, shape: ShapeLike, minval: ArrayLike, maxval: ArrayLike, dtype: DTypeLike = int) -> Array:
    """Integers in [minval, maxval); where maxval <= minval, minval. The bounds may be arrays.

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
    found = words("randint", key)
    if wanted.itemsize < 4:         # drawn with 32 bits, which leaves less bias
        bounds = np.iinfo(wanted)
        low, high = _limited(minval, bounds.min, bounds.max), _limited(maxval, bounds.min, bounds.max + 1)
        return convert(randint(found, sizes, low, high, I32), wanted)
    last = int(np.iinfo(wanted).max)
    past = isinstance(maxval, int) and maxval > last            # one more than the largest integer is allowed
    low, high = [bound("randint", _limited(v, -last - 1, last), sizes, wanted) for v in (minval, maxval)]
    return add(low, convert(_offsets(found, low, high, past), wanted))


def _limited(x: ArrayLike, low: int, high: int) -> ArrayLike:
    """A Python int moved into [low, high]; arrays by clipping in their own dtype."""
    return min(max(x, low), high) if isinstance(x, int) else x


def _offsets(key: Array, low: Array, high: Array, past: bool) -> Array:
    """Integers in [0, high - low), or one more if `past`, as unsigned; 0 where high <= low.

    (upper * 2**bits + lower) modulo span, computed with factors below span: 2**bits = (2**(bits / 2))**2.
    """
    width = 8 * low.dtype.itemsize
    unsigned = np.dtype(f"uint{width}")
    distance = subtract(high, low)
    span = distance if distance.dtype == unsigned else bitcast(distance, unsigned)
    span = where(less_equal(high, low), 1, add(span, int(past)))
    keys = random_split(key, (2,))
    upper, lower = random_words(keys[0], low.shape, unsigned), random_words(keys[1], low.shape, unsigned)
    half = remainder(asarray(1 << (width // 2), unsigned), span)
    carry = remainder(multiply(half, half), span)
    total = add(multiply(remainder(upper, span), carry), remainder(lower, span))
    found = remainder(total, span)
    return where(equal(span, 0), lower, found) if past else found       # the full range wraps to a span of 0
