"""Keys: made from seeds, split, folded, and handed to whoever draws.

A key has a dtype of its own, `key<fry>`, so that nothing takes it for a number. All functions also take raw keys, their
words u32[2] (`PRNGKey`), and give raw keys back for these. Whoever draws asks `words` for what it draws from.
"""
from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from lantern import config
from lantern.devices import current_device, keys_of
from lantern.dtypes import KEY, U32, is_integer
from lantern.eager import one_program
from lantern.lax.operands import (
    Array,
    ArrayLike,
    argument_error,
    array,
    canonical_shape,
    constant,
    is_array,
    shape_error,
    type_error,
)
from lantern.numpy.creation import zeros_like
from lantern.numpy.joining import stack
from lantern.numpy.logic import right_shift
from lantern.ops.convert import convert
from lantern.ops.keys import random_clone, random_unwrap, random_wrap
from lantern.ops.random import random_fold_in, random_split
from lantern.trace.constants import unwrapped
from lantern.trace.context import EAGER, current

IMPLEMENTATION = "threefry2x32"


def key(seed: int | ArrayLike, *, impl: str | None = None) -> Array:
    """A key from a seed; of an array of seeds, as many keys. Of a seed of 32 bits the first word is 0; of 64 bits (a
    longer Python int; in x64 mode every negative one, and arrays of 64 bits) the high word comes first.

    `impl`: None or "threefry2x32", the one there is. Raises TypeError for floats, ArgumentError for another `impl`.

    >>> from lantern import random
    >>> random.key(42)
    Array(key<fry>[] of words [ 0 42], device=cpu:0)
    """
    _check_implementation("key", impl)
    found = _seeded("key", seed)
    if isinstance(found, np.ndarray) and current() is EAGER:
        return keys_of(found, current_device(), loose=True)
    return random_wrap(found)


def PRNGKey(seed: int | ArrayLike, *, impl: str | None = None) -> Array:
    """As `key`, but raw: the words of the key, u32[2], which nothing keeps from being used as numbers.

    >>> from lantern import random
    >>> random.PRNGKey(42).tolist()
    [0, 42]
    """
    _check_implementation("PRNGKey", impl)
    found = _seeded("PRNGKey", seed)
    return constant(found)


def _check_implementation(function: str, impl: str | None) -> None:
    if impl not in (None, IMPLEMENTATION):
        raise argument_error(f"{function}: no generator is called {impl!r}", f"There is {IMPLEMENTATION!r}.")


def _seeded(function: str, seed: int | ArrayLike) -> Array | np.ndarray[tuple[int], np.dtype[np.uint32]]:
    """The words of a seed, u32[..., 2]."""
    if isinstance(seed, Array):
        word = _word(function, seed)
        high = zeros_like(word) if seed.dtype.itemsize < 8 else _word(function, right_shift(seed, 32))
        return stack([high, word], -1)
    if isinstance(seed, np.ndarray) and seed.ndim:
        return _seeded(function, constant(seed))
    try:
        number = operator.index(seed)       # pyright: ignore[reportArgumentType]
    except TypeError:
        raise type_error(f"{function}: wanted an integer as seed, got {type(seed).__name__}") from None
    narrow = isinstance(seed, (np.ndarray, np.generic)) and seed.dtype.itemsize < 8
    short = -1 << 31 <= number < 1 << 32 and (narrow or not config.flags.enable_x64)
    high = 0 if short else (number >> 32) & 0xFFFFFFFF
    return np.array([high, number & 0xFFFFFFFF], np.uint32)


def _word(function: str, x: ArrayLike) -> Array:
    """Integers modulo 2**32, as u32."""
    if isinstance(x, int):
        return constant(np.asarray(x & 0xFFFFFFFF, np.uint32))
    found = array(function, x)
    if not is_integer(found.dtype):
        raise type_error(f"{function}: wanted an integer, got {found.aval}")
    return convert(found, U32)


def words(function: str, key: ArrayLike, uses: bool = True) -> Array:
    """What one key is to whoever draws: u32[2]. `uses`: the draw uses the key up, so that the check for keys used twice
    sees it; ask once in a function.

    Raises ShapeError for batches of keys and for what is no key.
    """
    key = unwrapped(key)
    if is_array(key) and key.aval.dtype is KEY:
        if not key.aval.shape:
            return random_unwrap(key, function if uses else "")
        raise shape_error(f"{function}: wanted one key, got {key.aval}", "Use vmap for a batch of keys.")
    found = array(function, key)
    if found.dtype != U32 or found.shape != (2,):
        batch = found.dtype == U32 and found.shape[-1:] == (2,)
        cure = "Use vmap for a batch of keys." if batch else "Make one with random.key(seed)."
        raise shape_error(f"{function}: wanted one key, key<fry>[] (or raw: u32[2]), got {found.aval}", cure)
    return found


def _alike(made: Array, key: ArrayLike) -> Array:
    """New keys like the one they were made from: raw ones of a raw one."""
    return random_wrap(made) if is_array(key) and key.aval.dtype is KEY else made


@one_program(1)
def split(key: ArrayLike, num: int | Sequence[int] = 2) -> Array:
    """New keys, `num` of them (or an array of this shape). Draw from them, and not from `key` again.

    Raises ShapeError for a batch of keys: use vmap.

    >>> from lantern import random
    >>> random.split(random.key(0)).shape
    (2,)
    """
    return _alike(random_split(words("split", key), canonical_shape("split", num)), key)


def fold_in(key: ArrayLike, data: int | ArrayLike) -> Array:
    """A new key from a key and an integer, such as the number of a step. Only its low 32 bits count.

    >>> from lantern import random
    >>> random.fold_in(random.key(0), 1).shape
    ()
    """
    return _folded(key, np.asarray(data & 0xFFFFFFFF, np.uint32) if isinstance(data, int) else data)


@one_program(2)
def _folded(key: ArrayLike, data: ArrayLike) -> Array:
    return _alike(random_fold_in(words("fold_in", key, uses=False), _word("fold_in", data)), key)


@one_program(1)
def key_data(keys: ArrayLike) -> Array:
    """The words of keys, u32[..., 2]: numbers, to save in a file or to look at. Raw keys are these words already.

    Raises TypeError for what is no key.

    >>> from lantern import random
    >>> random.key_data(random.key(42)).tolist()
    [0, 42]
    """
    if is_array(keys) and keys.aval.dtype is KEY:
        return random_unwrap(keys)
    return _raw("key_data", keys)


def _raw(function: str, keys: ArrayLike) -> Array:
    """Raw keys."""
    found = array(function, keys)
    if found.dtype != U32 or found.shape[-1:] != (2,):
        raise type_error(f"{function}: wanted keys, got {found.aval}", "Make them with random.key(seed).")
    return found


def wrap_key_data(key_bits_array: ArrayLike, *, impl: str | None = None) -> Array:
    """The keys that have these words, u32[..., 2]: the inverse of `key_data`.

    Raises TypeError for another dtype or last axis, ArgumentError for an `impl` other than "threefry2x32".

    >>> from lantern import random
    >>> bool(random.wrap_key_data(random.key_data(random.key(42))) == random.key(42))
    True
    """
    _check_implementation("wrap_key_data", impl)
    found = array("wrap_key_data", key_bits_array)
    if found.dtype != U32 or found.shape[-1:] != (2,):
        raise type_error(f"wrap_key_data: wanted the words of keys, u32[...,2], got {found.aval}",
                         "They come from random.key_data(key).")
    return random_wrap(found)


def key_impl(keys: ArrayLike) -> str:
    """The name of the generator that keys belong to.

    Raises TypeError for what is no key.

    >>> from lantern import random
    >>> random.key_impl(random.key(0))
    'threefry2x32'
    """
    if not (is_array(keys) and keys.aval.dtype is KEY):
        _raw("key_impl", keys)
    return IMPLEMENTATION


@one_program(1)
def clone(key: ArrayLike) -> Array:
    """The same keys, which the check for keys used twice (`lantern.debug.key_reuse`) takes for new ones.

    >>> from lantern import random
    >>> k = random.key(0)
    >>> bool(random.clone(k) == k)
    True
    """
    return random_clone(key) if is_array(key) and key.aval.dtype is KEY else _raw("clone", key)
