"""Where something holds, what occurs, and order: as NumPy says, with and without `size=`, on every device."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lantern
from lantern import numpy as jnp
from lantern.errors import ArgumentError, ShapeError

X = np.array([[3, 0, 1, 0], [0, 0, 2, 5], [1, 3, 0, 0]], np.float32)
NAN = np.array([2, np.nan, -0.0, 0.0, np.nan, -np.inf, 2, np.inf, -1], np.float32)
A = np.array


def brief(x: Any) -> str:
    return f"{x.dtype}-{x.shape}"


@pytest.mark.parametrize("x", [X, X != 0, X[0], X.astype(np.int32), np.zeros((2, 0)), np.zeros(3)], ids=brief)
def test_nonzero(x: Any, device: str) -> None:
    want = np.nonzero(x)
    count = len(want[0])
    for found, axis in zip(jnp.nonzero(x), want, strict=True):
        np.testing.assert_array_equal(found, axis)
        assert found.dtype == np.int32
    for size in (count, count + 2, max(count - 1, 0)):
        sized = lantern.jit(lambda x, size=size: jnp.nonzero(x, size=size, fill_value=-1))(x)
        for found, axis in zip(sized, want, strict=True):
            np.testing.assert_array_equal(found, np.append(axis, [-1, -1])[:size])
    np.testing.assert_array_equal(jnp.argwhere(x), np.argwhere(x))
    np.testing.assert_array_equal(jnp.flatnonzero(x), np.flatnonzero(x))


def test_where_of_a_condition_alone() -> None:
    assert [i.tolist() for i in jnp.where(X > 2)] == [i.tolist() for i in np.where(X > 2)]
    assert [i.tolist() for i in lantern.jit(lambda x: jnp.where(x > 2, size=3, fill_value=(7, 8)))(X)] == [[0, 1, 2],
                                                                                                      [0, 3, 1]]
    with pytest.raises(ArgumentError, match="where: wanted both x and y, or none"):
        jnp.where(X, 1)
    with pytest.raises(ArgumentError, match="size and fill_value belong to where"):
        jnp.where(X, 1, 2, size=3)


def test_masks_read_in_eager_code() -> None:
    x = jnp.asarray(X)
    np.testing.assert_array_equal(x[x > 1], X[X > 1])
    np.testing.assert_array_equal(x[jnp.array([True, False, True]), 1:], X[[True, False, True], 1:])
    np.testing.assert_array_equal(x[:, x[0] > 0], X[:, X[0] > 0])
    slope = lantern.grad(lambda x: jnp.sum(x[x > 1] ** 2))(x)
    np.testing.assert_array_equal(slope, np.where(X > 1, 2 * X, 0))


@pytest.mark.parametrize("call", [
    lambda x: jnp.nonzero(x), lambda x: jnp.argwhere(x), lambda x: jnp.flatnonzero(x), lambda x: jnp.where(x),
    lambda x: jnp.unique(x), lambda x: jnp.compress(x[0] > 0, x, axis=1), lambda x: jnp.extract(x > 0, x)])
def test_unknown_counts_ask_for_a_size(call: Any) -> None:
    with pytest.raises(TypeError, match=r"number of results depends on the values of .*, at test_searching.*size=n"):
        lantern.jit(call)(X)


def test_wrong_sizes() -> None:
    with pytest.raises(ArgumentError, match="nonzero: wanted a size of 0 or more, got -1"):
        jnp.nonzero(X, size=-1)
    with pytest.raises(ShapeError, match="nonzero: wanted an array with axes"):
        jnp.nonzero(np.float32(1))
    with pytest.raises(ArgumentError, match="one for each axis"):
        jnp.nonzero(X, size=3, fill_value=(1, 2, 3))


@pytest.mark.parametrize("x", [X, NAN, A([3, 1, 1, 3], np.int32), A([True, False]), np.zeros(0)], ids=brief)
def test_unique(x: Any, device: str) -> None:
    want = np.unique(x, True, True, True)
    count = len(want[0])
    plain = jnp.unique(x, True, True, True)
    sized = lantern.jit(lambda x: jnp.unique(x, True, True, True, size=count))(x)
    longer = lantern.jit(lambda x: jnp.unique(x, True, True, True, size=count + 2, fill_value=1))(x)
    for k, values in enumerate(want):
        whole = values.reshape(x.shape) if k == 2 else values
        np.testing.assert_array_equal(plain[k], whole)
        np.testing.assert_array_equal(sized[k], whole)
        np.testing.assert_array_equal(longer[k][:count] if k != 2 else longer[k], whole)
    assert longer[3].tolist()[count:] == [0, 0]
    np.testing.assert_array_equal(longer[0][count:], np.ones(2))


def test_unique_along_an_axis_and_of_nan() -> None:
    rows = A([[1, 2], [0, 5], [1, 2], [0, 4]], np.float32)
    for axis in (0, 1):
        want = np.unique(rows, return_counts=True, axis=axis)
        for found, values in zip(jnp.unique(rows, return_counts=True, axis=axis), want, strict=True):
            np.testing.assert_array_equal(found, values)
        count = len(want[1])
        found = lantern.jit(lambda x, axis=axis, count=count: jnp.unique(x, axis=axis, size=count))(rows)
        np.testing.assert_array_equal(found, want[0])
    assert len(jnp.unique(NAN, equal_nan=False)) == 7
    assert lantern.jit(lambda x: jnp.unique(x, return_counts=True, size=7, equal_nan=False))(NAN)[1].tolist() == [
        1, 1, 2, 2, 1, 1, 1]


def test_compress_extract_select_choose() -> None:
    np.testing.assert_array_equal(jnp.compress(A([True, False, True]), X, axis=0), X[[0, 2]])
    np.testing.assert_array_equal(jnp.compress(X[0], X, axis=1), np.compress(X[0], X, axis=1))
    sized = lantern.jit(lambda c, x: jnp.compress(c, x, axis=1, size=3, fill_value=9))(X[0] > 0, X)
    np.testing.assert_array_equal(sized, np.append(X[:, X[0] > 0], np.full((3, 1), 9), 1))
    np.testing.assert_array_equal(jnp.extract(X > 1, X), X[X > 1])
    np.testing.assert_array_equal(jnp.select([X > 2, X > 0], [X, -X], 7), np.select([X > 2, X > 0], [X, -X], 7))
    numbers = A([[0, 1, 2, 1]], np.int32)
    np.testing.assert_array_equal(jnp.choose(numbers, [X, -X, 5]), np.choose(numbers, [X, -X, 5]))
    for mode in ("wrap", "clip"):
        far = numbers * 3 - 2
        np.testing.assert_array_equal(jnp.choose(far, [X, -X, 5], mode=mode), np.choose(far, [X, -X, 5], mode=mode))
    with pytest.raises(ArgumentError, match="choose: wanted numbers from 0 to 1, got 0 to 2"):
        jnp.choose(numbers, [X, -X])
    with pytest.raises(ArgumentError, match="select: wanted as many conditions"):
        jnp.select([X > 0], [])
    with pytest.raises(TypeError, match="choose: mode 'raise' needs the values"):
        lantern.jit(lambda k: jnp.choose(k, [1, 2]))(numbers)


@pytest.mark.parametrize("x", [X, NAN, np.arange(100)[::-1] % 7, np.sin(np.arange(300, dtype=np.float32)),
                               A([True, False, True]), A([3, 0, 2**32 - 1], np.uint32), np.float32(3), np.zeros((2, 0)),
                               A([5, -3, 100], np.int8), A([1.5, -2, np.nan], np.float16)], ids=brief)
def test_sort(x: Any, device: str) -> None:
    if device == "gpu" and x.dtype.itemsize == 8:
        x = x.astype(x.dtype.kind + "4")
    x = np.asarray(x)
    axis = -1
    np.testing.assert_array_equal(jnp.sort(x), np.sort(x, axis) if x.ndim else x)
    if x.ndim:
        np.testing.assert_array_equal(jnp.argsort(x), np.argsort(x, axis, kind="stable"))
        np.testing.assert_array_equal(jnp.sort(x, descending=True), np.flip(np.sort(x, axis), axis))
        np.testing.assert_array_equal(lantern.jit(lambda x: jnp.sort(x, 0))(x), np.sort(x, 0))
    np.testing.assert_array_equal(jnp.sort(x, None), np.sort(x, None))


def test_sort_is_differentiated_and_batched() -> None:
    weights = np.arange(4, dtype=np.float32)
    x = A([3, 1, 2, 0.5], np.float32)
    slope = lantern.grad(lambda x: jnp.sum(jnp.sort(x) ** 2 * weights))
    np.testing.assert_allclose(slope(x), 2 * x * np.argsort(np.argsort(x)))
    np.testing.assert_allclose(lantern.hessian(lambda x: jnp.sum(jnp.sort(x) ** 2 * weights))(x),
                               np.diag(2 * np.argsort(np.argsort(x))))
    np.testing.assert_array_equal(lantern.vmap(jnp.argsort)(X), np.argsort(X, 1, kind="stable"))
    assert jnp.argsort(A([1, 0, 1, 0]), descending=True).tolist() == [0, 2, 1, 3]


def test_lexsort_and_searchsorted() -> None:
    r = np.random.default_rng(0)
    keys = r.integers(0, 3, (3, 40))
    np.testing.assert_array_equal(jnp.lexsort(keys), np.lexsort(keys))
    line, wanted = np.sort(r.integers(0, 9, 20)).astype(np.float32), r.uniform(-1, 10, (4, 5)).astype(np.float32)
    wanted[0, 0] = line[7]
    for side in ("left", "right"):
        np.testing.assert_array_equal(jnp.searchsorted(line, wanted, side), np.searchsorted(line, wanted, side))
        np.testing.assert_array_equal(jnp.searchsorted(np.zeros(0), wanted, side), np.zeros((4, 5)))
    mixed = r.permutation(line)
    sorter = np.argsort(mixed)
    np.testing.assert_array_equal(jnp.searchsorted(mixed, wanted, sorter=sorter), np.searchsorted(line, wanted))
    with pytest.raises(ArgumentError, match="wanted a side of 'left' or 'right', got 'up'"):
        jnp.searchsorted(line, wanted, "up")
    with pytest.raises(ShapeError, match="searchsorted: a must have rank 1"):
        jnp.searchsorted(X, 1)
    with pytest.raises(ShapeError, match="lexsort: wanted keys of one shape"):
        jnp.lexsort(())


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=12), st.integers(0, 14))
@settings(max_examples=30, deadline=None)
def test_sized_results(numbers: list[int], size: int) -> None:
    x = np.array(numbers, np.int32)
    found, = jnp.nonzero(x, size=size, fill_value=99)
    np.testing.assert_array_equal(found, np.append(np.nonzero(x)[0], np.full(size, 99))[:size])
    values, inverse, counts = jnp.unique(x, return_inverse=True, return_counts=True, size=13, fill_value=50)
    want = np.unique(x, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(values, np.append(want[0], np.full(13, 50))[:13])
    np.testing.assert_array_equal(inverse, want[1])
    np.testing.assert_array_equal(counts, np.append(want[2], np.zeros(13))[:13])
