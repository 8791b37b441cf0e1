"""Bits, integers and uniforms of every width: numbers recorded from JAX 0.10 for the key 42, and x64 mode."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import lantern
from lantern import random

KEY = np.uint32([0, 42])
DEVICES = ["cpu", "reference", "emulate"]


@pytest.fixture
def x64() -> Iterator[None]:
    lantern.config.update("enable_x64", True)
    try:
        yield
    finally:
        lantern.config.update("enable_x64", False)


BITS: dict[str, list[list[int]]] = {
    "uint8": [[162, 217, 249], [215, 21, 216]], "uint16": [[5026, 12505, 63993], [49623, 29461, 20184]],
    "uint32": [[2098992034, 2919706841, 2646866425], [2409546199, 1935504149, 2516274904]],
    "uint64": [[7871734211187709741, 276886910877598708, 10591095138341673235],
               [13462782411356743825, 12687676868490354166, 11878554724538143822]],
}

INTEGERS: dict[tuple[str, int, int], list[int]] = {
    ("int8", 0, 10): [4, 4, 1, 9], ("int8", -5, 5): [-1, -1, -4, 4], ("int8", 5, 2): [5, 5, 5, 5],
    ("int8", 125, 127): [125, 125, 126, 126], ("int8", -128, 128): [68, -110, 55, 65],
    ("int16", -5, 5): [-1, -1, -4, 4], ("int16", 32765, 32767): [32765, 32765, 32766, 32766],
    ("int16", -32768, 32768): [-19260, 12306, 1207, 15553],
    ("int32", -5, 5): [-1, -1, -4, 4], ("int32", 5, 2): [5, 5, 5, 5],
    ("int32", 2147483645, 2147483647): [2147483645, 2147483645, 2147483646, 2147483646],
    ("int32", -2147483648, 2147483648): [977810628, 1236381714, -1367112521, -1019495231],
    ("int64", -5, 5): [0, 3, -2, -4], ("int64", 5, 2): [5, 5, 5, 5],
    ("int64", 2**63 - 3, 2**63 - 1): [2**63 - 2, 2**63 - 3, 2**63 - 2, 2**63 - 2],
    ("uint8", -5, 5): [4, 4, 1, 4], ("uint8", 253, 255): [253, 253, 254, 254], ("uint8", 0, 256): [196, 18, 183, 193],
    ("uint16", -5, 5): [4, 4, 1, 4], ("uint16", 0, 65536): [13508, 45074, 33975, 48321],
    ("uint32", -5, 5): [4, 4, 1, 4], ("uint32", 5, 2): [5, 5, 5, 5],
    ("uint32", 2**32 - 3, 2**32 - 1): [2**32 - 3, 2**32 - 3, 2**32 - 2, 2**32 - 2],
    ("uint32", 0, 2**32): [3125294276, 3383865362, 780371127, 1127988417],
    ("uint64", 0, 10): [5, 8, 3, 1], ("uint64", -5, 5): [0, 3, 3, 1],
}

# dtype of the bounds, bounds, dtype of the numbers, shape, numbers
BOUNDS: list[tuple[str, Any, Any, str, tuple[int, ...], Any]] = [
    ("int8", [-5, 3, 0], [100, 120, 127], "uint8", (2, 3), [[44, 54, 38], [69, 5, 60]]),
    ("int16", [-100], [20000], "int8", (4,), [-88, -34, -37, 117]),
    ("uint8", 3, 200, "int8", (4,), [22, 42, 74, 122]),
    ("uint32", 0, 4000000000, "int32", (4,), [977810628, 1236381714, 780371127, 1127988417]),
    ("int8", [-5, 3, 0], [100, 120, 127], "uint64", (2, 3), [[85, 61, 119], [71, 55, 41]]),
]

UNIFORMS: dict[tuple[str, int, int], list[float]] = {
    ("float16", 0, 1): [0.076171875, 0.1904296875, 0.9755859375, 0.7568359375],
    ("float16", -2, 2): [-1.6953125, -1.23828125, 1.90234375, 1.02734375],
    ("bfloat16", 0, 1): [0.6328125, 0.84375, 0.96875, 0.8359375],
    ("bfloat16", -2, 2): [0.53125, 1.375, 1.875, 1.34375],
    ("float32", 0, 1): [0.48870956897735596, 0.6797971725463867, 0.6162714958190918, 0.5610160827636719],
    ("float32", -2, 2): [-0.04516172409057617, 0.7191886901855469, 0.4650859832763672, 0.2440643310546875],
    ("float64", 0, 1): [0.4267275666499091, 0.015010069515314584, 0.5741444178995352, 0.7298188969046309],
    ("float64", -2, 2): [-0.2930897334003637, -1.9399597219387417, 0.29657767159814075, 0.9192755876185235],
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", BITS)
def test_bits(dtype: str, device: str) -> None:
    with lantern.default_device(device):
        found = random.bits(KEY, (2, 3), dtype)
    assert found.dtype == dtype and found.tolist() == BITS[dtype]


@pytest.mark.parametrize("device", DEVICES)
def test_integers(device: str) -> None:
    with lantern.default_device(device):
        for (dtype, low, high), want in INTEGERS.items():
            found = random.randint(KEY, (4,), low, high, dtype)
            assert found.dtype == dtype and found.tolist() == want, (dtype, low, high)


@pytest.mark.parametrize("device", DEVICES)
def test_bounds_that_are_arrays(device: str) -> None:
    """What they have beyond the dtype is cut off, at the upper end with the largest integer still among the numbers."""
    with lantern.default_device(device):
        for kind, low, high, dtype, shape, want in BOUNDS:
            found = random.randint(KEY, shape, np.array(low, kind), np.array(high, kind), dtype)
            assert found.dtype == dtype and found.tolist() == want, (kind, low, high, dtype)


def test_all_integers_of_a_range_come() -> None:
    for dtype, low, high, want in (("uint8", -1000, 1000, range(256)), ("int8", -1000, 1000, range(-128, 128)),
                                   ("uint16", 65530, 70000, range(65530, 65536)), ("uint32", -4, 3, range(3)),
                                   ("int32", 2**31 - 2, 2**40, range(2**31 - 2, 2**31)), ("uint64", -9, 2, range(2))):
        found = random.randint(random.key(1), (5000,), low, high, dtype)
        assert sorted(set(found.tolist())) == [*want], (dtype, low, high)


@pytest.mark.parametrize("device", DEVICES)
def test_uniforms(device: str) -> None:
    with lantern.default_device(device):
        for (dtype, low, high), want in UNIFORMS.items():
            found = random.uniform(KEY, (4,), dtype, low, high)
            np.testing.assert_array_equal(np.asarray(found).astype(float), want)


def test_defaults_in_x64_mode(x64: None) -> None:
    assert random.bits(KEY, (2,)).tolist() == BITS["uint64"][0][:2]
    assert random.uniform(KEY, (2,)).tolist() == UNIFORMS["float64", 0, 1][:2]
    assert random.randint(KEY, (4,), -5, 5).tolist() == INTEGERS["int64", -5, 5]
    assert random.normal(KEY).dtype == np.float64
    assert random.permutation(KEY, 10).tolist() == [7, 4, 2, 5, 3, 6, 8, 9, 0, 1]
    assert random.permutation(KEY, 10).dtype == np.int64


def test_seeds_in_x64_mode(x64: None) -> None:
    top = 2**32 - 1
    for seed, want in ((0, [0, 0]), (-1, [top, top]), (2**31, [0, 2**31]), (2**40 + 7, [256, 7]),
                       (-2**40, [top - 255, 0]), (np.int32(-5), [0, top - 4]), (np.uint32(top), [0, top]),
                       (np.int64(-3), [top, top - 2])):
        assert random.key_data(random.key(seed)).tolist() == want, seed
        assert random.PRNGKey(seed).tolist() == want, seed
    batch = random.key(lantern.numpy.array([5, -1, 2**33], "int64"))
    assert random.key_data(batch).tolist() == [[0, 5], [top, top], [2, 0]]


def test_seeds() -> None:
    top = 2**32 - 1
    for seed, want in ((-1, [0, top]), (2**31, [0, 2**31]), (np.int32(-5), [0, top - 4]), (2**40 + 7, [256, 7])):
        assert random.key_data(random.key(seed)).tolist() == want, seed
    assert random.key_data(random.key(lantern.numpy.array([5, -1]))).tolist() == [[0, 5], [0, top]]
