"""Threefry: the published vectors, and the bits that JAX draws from the same keys."""
from __future__ import annotations

import numpy as np
import pytest

from lantern.devices import default_device
from lantern.ops.pointwise import ON_ARRAYS
from lantern.ops.random import random_bits, random_bits_p, random_fold_in, random_split, threefry
from lantern.trace.aval import shaped

# The known-answer tests of the Random123 library (threefry2x32, 20 rounds): counter, key, result.
VECTORS = [((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
           ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
           ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0))]

# jax.random of jax 0.10 (partitionable threefry) for jax.random.key(42): bits of shape 4, split in 2, fold_in of 7.
BITS = [2098992034, 2919706841, 2646866425, 2409546199]
SPLIT = [[1832780943, 270669613], [64467757, 2916123636]]
FOLDED = [2547012911, 1371500959]


@pytest.mark.parametrize(("counter", "key", "want"), VECTORS)
def test_known_answers(counter: tuple[int, int], key: tuple[int, int], want: tuple[int, int]) -> None:
    words = [np.asarray(n, np.uint32) for n in (*key, *counter)]
    got = threefry(ON_ARRAYS, (words[0], words[1]), (words[2], words[3]))
    assert tuple(int(w) for w in got) == want


@pytest.mark.parametrize("device", ["reference", "emulate", "cpu"])
def test_the_bits_are_those_of_jax(device: str) -> None:
    key = np.array([0, 42], np.uint32)
    with default_device(device):
        assert np.asarray(random_bits(key, (4,))).tolist() == BITS
        assert np.asarray(random_split(key, (2,))).tolist() == SPLIT
        assert np.asarray(random_fold_in(key, np.uint32(7))).tolist() == FOLDED


def test_a_kernel_of_random_bits_leaves_room_for_what_uses_them() -> None:
    lower = random_bits_p.lower
    assert callable(lower)
    kernel = lower([shaped((4, 2), np.dtype(np.uint32))], shape=(3, 5))
    assert len(kernel.stages[0].body) <= 160
