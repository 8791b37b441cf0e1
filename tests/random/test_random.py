"""lantern.random: known answers (JAX's partitionable threefry), moments and distributions, transforms, errors."""
from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import random
from lantern.errors import ArgumentError, ShapeError

KEY = np.uint32([0, 42])
DEVICES = ["cpu", "reference", "emulate"]

KNOWN: dict[str, tuple[Any, Any]] = {
    "key": (lambda: random.key_data(random.key(42)), [0, 42]),
    "split": (lambda: random.split(KEY), [[1832780943, 270669613], [64467757, 2916123636]]),
    "split_3": (lambda: random.split(KEY, 3)[2], [2465931498, 255383827]),
    "split_grid": (lambda: random.key_data(random.split(random.key(0), (2, 2))[1]),
                   [[4146024105, 2718843009], [2467461003, 3840466878]]),
    "fold_in": (lambda: random.fold_in(KEY, 7), [2547012911, 1371500959]),
    "fold_in_-1": (lambda: random.fold_in(KEY, -1), [2398536845, 3890976714]),
    "bits": (lambda: random.bits(KEY, (4,)), [2098992034, 2919706841, 2646866425, 2409546199]),
    "bits_16": (lambda: random.bits(KEY, (4,), jnp.uint16), [5026, 12505, 63993, 49623]),
    "bits_8": (lambda: random.bits(KEY, (4,), "uint8"), [162, 217, 249, 215]),
    "bits_64": (lambda: random.bits(KEY, (2,), "uint64"), [7871734211187709741, 276886910877598708]),
    "uniform": (lambda: random.uniform(KEY, (4,)),
                [0.48870956897735596, 0.6797971725463867, 0.6162714958190918, 0.5610160827636719]),
    "uniform_f16": (lambda: random.uniform(KEY, (4,), "float16"), [0.076171875, 0.1904296875, 0.9755859375,
                                                                   0.7568359375]),
    "uniform_f64": (lambda: random.uniform(KEY, (2,), "float64"), [0.4267275666499091, 0.015010069515314584]),
    "uniform_range": (lambda: random.uniform(KEY, (4,), minval=-2, maxval=2),
                      [-0.04516172409057617, 0.7191886901855469, 0.4650859832763672, 0.2440643310546875]),
    "bernoulli": (lambda: random.bernoulli(KEY, 0.3, (12,)), [k == 6 for k in range(12)]),
    "randint": (lambda: random.randint(KEY, (8,), 0, 10), [4, 4, 1, 9, 9, 9, 7, 7]),
    "randint_wide": (lambda: random.randint(KEY, (4,), -2 ** 31, 2 ** 31 - 1),
                     [977810628, 1236381714, -1367112521, -1019495231]),
    "randint_i8": (lambda: random.randint(KEY, (6,), -128, 128, jnp.int8), [68, -110, 55, 65, 13, -21]),
    "randint_i64": (lambda: random.randint(KEY, (3,), 0, 10 ** 15, "int64"),
                    [679464050701877, 242604979476158, 727848944880791]),
    "permutation": (lambda: random.permutation(KEY, 10), [7, 4, 2, 5, 3, 6, 8, 9, 0, 1]),
    "permutation_independent": (lambda: random.permutation(KEY, np.arange(6).reshape(2, 3), 1, independent=True),
                                [[2, 0, 1], [4, 5, 3]]),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", KNOWN)
def test_known_answers(name: str, device: str) -> None:
    call, wanted = KNOWN[name]
    with lantern.default_device(device):
        assert call().tolist() == wanted


@pytest.mark.parametrize("device", DEVICES)
def test_known_normals(device: str) -> None:
    wanted = np.float32([-0.02830461598932743, 0.4671318531036377, 0.2957029640674591, 0.15354591608047485,
                         -0.12403281778097153])
    with lantern.default_device(device):
        np.testing.assert_array_max_ulp(np.asarray(random.normal(KEY, (5,))), wanted, 4)
        np.testing.assert_allclose(random.normal(KEY, (2,), "float64"), [-0.18471174528191162, -2.169824560397754],
                                   1e-12)


@pytest.mark.parametrize(("size", "first", "total"), [(1500, [955, 914, 121, 753, 1161, 617], 850091947),
                                                      (3000, [2629, 116, 2048, 2566, 2509, 255], 6712181439)])
def test_known_long_permutations(size: int, first: list[int], total: int) -> None:
    found = np.asarray(random.permutation(KEY, size)).astype(np.int64)
    assert found[:6].tolist() == first
    assert int((found * np.arange(size)).sum()) == total


@pytest.mark.parametrize("size", [0, 1, 2, 1023, 1024, 1025, 2048, 5000])
def test_permutations_hold_everything(size: int) -> None:
    found = np.asarray(random.permutation(random.key(size), size))
    assert found.dtype == np.int32
    np.testing.assert_array_equal(np.sort(found), np.arange(size))


def test_all_orders_are_equally_likely() -> None:
    keys = random.split(random.key(0), 12000)
    orders = np.asarray(lantern.jit(lantern.vmap(lambda k: random.permutation(k, 4)))(keys))
    _, counts = np.unique(orders @ [64, 16, 4, 1], return_counts=True)
    assert len(counts) == 24
    assert ((counts - 500) ** 2 / 500).sum() < 49.7     # chi-squared with 23 degrees of freedom, p = 0.001


def test_permutation_of_arrays() -> None:
    x = np.arange(24).reshape(4, 6)
    rows = np.asarray(random.permutation(random.key(1), x))
    np.testing.assert_array_equal(rows[np.argsort(rows[:, 0])], x)
    columns = np.asarray(random.permutation(random.key(1), x, axis=1))
    np.testing.assert_array_equal(columns[:, np.argsort(columns[0])], x)
    lines = np.asarray(random.permutation(random.key(1), x, axis=1, independent=True))
    np.testing.assert_array_equal(np.sort(lines, 1), x)
    assert len({tuple(line % 6) for line in lines.tolist() for line in [np.array(line)]}) > 1
    same = lantern.jit(lambda k: random.permutation(k, x, 1))(random.key(1))
    np.testing.assert_array_equal(same, columns)


def kolmogorov_smirnov(sample: Any, distribution: Any) -> float:
    """sqrt(n) times the largest distance between a sample's distribution function and the given one."""
    x = np.sort(np.asarray(sample, np.float64).ravel())
    steps, exact = np.arange(len(x) + 1) / len(x), distribution(x)
    return math.sqrt(len(x)) * max(np.abs(exact - steps[1:]).max(), np.abs(exact - steps[:-1]).max())


LIMIT = 1.95     # of the Kolmogorov-Smirnov statistic, p = 0.001


def test_uniform_distribution() -> None:
    x = np.asarray(random.uniform(random.key(3), (50_000,)))
    assert 0 <= x.min() < x.max() < 1
    assert kolmogorov_smirnov(x, lambda v: v) < LIMIT
    y = np.asarray(random.uniform(random.key(3), (50_000,), minval=-3, maxval=5.5))
    assert -3 <= y.min() < y.max() < 5.5
    assert kolmogorov_smirnov(y, lambda v: (v + 3) / 8.5) < LIMIT
    for dtype in (np.float16, ml_dtypes.bfloat16):
        z = np.asarray(random.uniform(random.key(3), (1000,), dtype))
        assert z.dtype == dtype
        assert 0 <= z.min() < z.max() < 1


def test_normal_distribution() -> None:
    x = np.asarray(random.normal(random.key(4), (100, 500)))
    assert kolmogorov_smirnov(x, lambda v: 0.5 * (1 + np.vectorize(math.erf)(v / math.sqrt(2)))) < LIMIT
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3)):
        assert abs((x.astype(np.float64) ** power).mean() - moment) < 0.1
    assert np.isfinite(x).all()
    assert random.normal(random.key(4), (3,), jnp.bfloat16).dtype == ml_dtypes.bfloat16


def test_integers() -> None:
    x = np.asarray(random.randint(random.key(5), (60_000,), -3, 3))
    _, counts = np.unique(x, return_counts=True)
    assert len(counts) == 6
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 20.5       # 5 degrees of freedom, p = 0.001
    assert x.min() == -3
    assert random.randint(random.key(5), (3,), 5, 5).tolist() == [5, 5, 5]
    assert random.randint(random.key(5), (3,), 5, 2).tolist() == [5, 5, 5]
    bytes_ = np.asarray(random.randint(random.key(5), (4000,), 0, 256, "uint8"))
    assert len(np.unique(bytes_)) == 256
    whole = np.asarray(random.randint(random.key(5), (4000,), -2 ** 31, 2 ** 31))
    assert whole.min() < -2 ** 30 < 2 ** 30 < whole.max()
    columns = np.asarray(random.randint(random.key(5), (1000, 3), np.array([0, 10, 20]), np.array([1, 12, 30])))
    assert columns.min(0).tolist() == [0, 10, 20]
    assert columns.max(0).tolist() == [0, 11, 29]


def test_bernoulli() -> None:
    for p in (0.0, 0.1, 0.5, 1.0):
        share = np.asarray(random.bernoulli(random.key(6), p, (20_000,))).mean()
        assert abs(share - p) < 4 * math.sqrt(p * (1 - p) / 20_000) + 1e-9
    assert random.bernoulli(random.key(6)).shape == ()
    assert random.bernoulli(random.key(6), np.array([0.0, 1.0])).tolist() == [False, True]
    assert random.bernoulli(random.key(6), jnp.asarray([0.0, 1.0]), (2, 2)).tolist() == [[False, True]] * 2


def test_keys() -> None:
    def words(key: Any) -> list[int]:
        return random.key_data(key).tolist()

    assert words(random.key(0)) == [0, 0]
    assert words(random.key(-1)) == [0, 2 ** 32 - 1]
    assert words(random.key(2 ** 40 + 5)) == [256, 5]
    assert words(random.key(np.int64(7))) == [0, 7]
    assert words(lantern.jit(random.key)(7)) == [0, 7]
    assert random.split(random.key(0), 5).shape == (5,)
    assert words(lantern.jit(random.fold_in)(random.key(0), 3)) == words(random.fold_in(random.key(0), 3))
    assert len({tuple(words(random.fold_in(random.key(0), k))) for k in range(300)}) == 300


def test_under_jit_and_vmap() -> None:
    keys = random.split(random.PRNGKey(8), 3)
    draws = [lambda k: random.normal(k, (2,)), lambda k: random.uniform(k, (2,), minval=1, maxval=3),
             lambda k: random.randint(k, (2,), 0, 9), lambda k: random.bernoulli(k, 0.5, (2,)), random.split,
             lambda k: random.fold_in(k, 5), lambda k: random.permutation(k, 6), lambda k: random.bits(k, (2,))]
    for draw in draws:
        one_by_one = np.stack([np.asarray(draw(keys[i])) for i in range(3)])
        np.testing.assert_array_equal(lantern.vmap(draw)(keys), one_by_one)
        np.testing.assert_array_equal(lantern.jit(lantern.vmap(draw))(keys), one_by_one)
        np.testing.assert_array_equal(lantern.jit(draw)(keys[0]), one_by_one[0])


def test_derivatives_flow_through_the_parameters() -> None:
    def sample(mean: Any, scale: Any) -> Any:
        return jnp.sum(mean + scale * random.normal(random.key(9), (4,)))
    slopes = lantern.grad(sample, (0, 1))(1.0, 2.0)
    assert slopes[0].item() == 4.0
    np.testing.assert_allclose(slopes[1].item(), np.asarray(random.normal(random.key(9), (4,))).sum(), rtol=1e-6)


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: random.normal(42, (2,)), ShapeError,
     r"normal: wanted one key, key<fry>\[\] \(or raw: u32\[2\]\), got i32\*\[\].*random\.key\(seed\)"),
    (lambda: random.uniform(random.split(KEY), (2,)), ShapeError,
     r"uniform: wanted one key, .*, got u32\[2,2\].*vmap"),
    (lambda: random.uniform(KEY, (-1,)), ShapeError, "uniform: sizes must not be negative"),
    (lambda: random.uniform(KEY, (2,), "int32"), TypeError, "uniform: wanted a floating point dtype, got i32"),
    (lambda: random.uniform(KEY, (2,), minval=np.zeros(3)), ShapeError, r"uniform: shapes \(3,\) and \(2,\) cannot be"),
    (lambda: random.randint(KEY, (2,), 0, 5, "float32"), TypeError, "randint: wanted an integer dtype, got f32"),
    (lambda: random.bits(KEY, (2,), "int32"), TypeError, "bits: wanted an unsigned integer dtype, got i32"),
    (lambda: random.permutation(KEY, -3), ShapeError, "permutation: sizes must not be negative"),
    (lambda: random.permutation(KEY, np.zeros((2, 3)), 2), ArgumentError, "permutation: axis 2 is out of range"),
    (lambda: random.key(1.5), TypeError, "float"),
    (lambda: random.fold_in(KEY, 1.5), TypeError, "fold_in: wanted an integer"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=range(len(ERRORS)))
def test_errors(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
