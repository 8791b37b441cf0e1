"""Rows: random bits."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.ops import keys, random
from lantern.ops import shape as ops
from tests.optable.table import Case, Random, Row, Wrong, integers, table

I32, U32 = np.int32, np.uint32


def _cipher(key: Any, hi: Any, lo: Any) -> Any:
    """Threefry-2x32-20 in Python integers, one counter at a time."""
    words, mask = [int(key[0]), int(key[1])], 0xFFFFFFFF
    words.append(words[0] ^ words[1] ^ 0x1BD11BDA)
    x, y = (int(hi) + words[0]) & mask, (int(lo) + words[1]) & mask
    for group in range(5):
        for turn in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            x = (x + y) & mask
            y = ((y << turn | y >> (32 - turn)) & mask) ^ x
        x = (x + words[(group + 1) % 3]) & mask
        y = (y + words[(group + 2) % 3] + group + 1) & mask
    return x, y


def _words(key: Any, shape: Any) -> Any:
    count = int(np.prod(shape))
    pairs = [[_cipher(k, 0, n) for n in range(count)] for k in key.reshape(-1, 2)]
    return np.array(pairs, U32).reshape(*key.shape[:-1], *shape, 2)


def _bits(key: Any, shape: Any) -> Any:
    words = _words(key, shape)
    return words[..., 0] ^ words[..., 1]


def _fold_in(key: Any, data: Any) -> Any:
    return np.array([_cipher(k, 0, n) for k, n in zip(key.reshape(-1, 2), np.ravel(data), strict=True)],
                    U32).reshape(key.shape)


def _key(r: Random, *shape: int) -> np.ndarray[Any, Any]:
    return r.integers(0, 2**32, (*shape, 2), dtype=U32)


def _there_and_back(words: Any) -> Any:
    """Words become keys, are moved, and are words again: keys themselves are no NumPy arrays."""
    return keys.random_unwrap(ops.rev(keys.random_wrap(words), (0,)))


def _cloned(words: Any) -> Any:
    return keys.random_unwrap(keys.random_clone(keys.random_wrap(words)))


_RENAMED = "before lowering keys become their words (transforms/physical.py), and this disappears"
_NO_KEY = Wrong((np.zeros(3, U32),), r": a key is u32\[2\] .*, got u32\[3\], at ", {"shape": (2,)})

ROWS = table(
    Row("random_bits", random.random_bits, _bits,
        (Case(lambda r: (_key(r),), {"shape": (3, 5)}), Case(lambda r: (_key(r),), {"shape": ()}),
         Case(lambda r: (_key(r, 2),), {"shape": (3,)}), Case(lambda r: (_key(r),), {"shape": (0, 2)})),
        (_NO_KEY, Wrong((np.zeros(2, U32),), r"random_bits: wanted a shape of at most 2\*\*32 elements",
                        {"shape": (2**17, 2**17)}))),
    Row("random_split", random.random_split, _words,
        (Case(lambda r: (_key(r),), {"shape": (3,)}), Case(lambda r: (_key(r, 2, 2),), {"shape": (2, 2)})), (_NO_KEY,)),
    Row("random_fold_in", random.random_fold_in, _fold_in,
        (Case(lambda r: (_key(r), integers(r, low=0, high=99, dtype=U32))),
         Case(lambda r: (_key(r, 3), integers(r, 3, low=0, high=99, dtype=U32)))),
        (Wrong((np.zeros(2, U32), np.zeros((), I32)), r"random_fold_in: wanted one u32 for each key, got i32\[\]"),)),
    Row("random_wrap", _there_and_back, lambda words: words[::-1],
        (Case(lambda r: (_key(r, 3),)), Case(lambda r: (_key(r, 2, 3),))),
        (Wrong((np.zeros(3, U32),), r"random_wrap: wanted the words of keys, u32\[...,2\], got u32\[3\], at "),
         Wrong((np.zeros(2, I32),), r"random_wrap: wanted the words of keys, .*, got i32\[2\]")),
        reference_only=_RENAMED),
    Row("random_unwrap", _there_and_back, lambda words: words[::-1], (Case(lambda r: (_key(r, 2, 2),)),),
        (), reference_only=_RENAMED),
    Row("random_clone", _cloned, lambda words: words, (Case(lambda r: (_key(r),)), Case(lambda r: (_key(r, 3),))), (),
        reference_only=_RENAMED),
)
