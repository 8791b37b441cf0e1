"""Keys: made from seeds, split, folded, and handed to whoever draws."""
from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from lantern.dtypes import U32, is_integer
from lantern.lax.operands import ArrayLike, array, canonical_shape, constant, shape_error, type_error
from lantern.numpy.creation import zeros_like
from lantern.numpy.joining import stack
from lantern.ops.convert import convert
from lantern.ops.random import random_fold_in, random_split
from lantern.trace.array import Array


def key(seed: int | ArrayLike) -> Array:
    """A key from a seed. Of a seed of 32 bits (also a negative one, and of arrays) the first word is 0; a longer Python
    int gives 64 bits, the high word first.

    Raises TypeError for floats.

    >>> from lantern import random
    >>> random.key(42).tolist()
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


def words(function: str, key: ArrayLike) -> Array:
    """One key. Raises ShapeError for what is none, and for batches of keys."""
    found = array(function, key)
    if found.dtype != U32 or found.shape != (2,):
        batch = found.dtype == U32 and found.shape[-1:] == (2,)
        cure = "Use vmap for a batch of keys." if batch else "Make one with random.key(seed)."
        raise shape_error(f"{function}: wanted one key, u32[2], got {found.aval}", cure)
    return found


def split(key: ArrayLike, num: int | Sequence[int] = 2) -> Array:
    """New keys, `num` of them (or an array of this shape), along new first axes.

    >>> from lantern import random
    >>> random.split(random.key(0)).shape
    (2, 2)
    """
    return random_split(words("split", key), canonical_shape("split", num))


def fold_in(key: ArrayLike, data: int | ArrayLike) -> Array:
    """A new key from a key and an integer, such as the number of a step. Only its low 32 bits count.

    >>> from lantern import random
    >>> random.fold_in(random.key(0), 1).shape
    (2,)
    """
    return random_fold_in(words("fold_in", key), _word("fold_in", data))
