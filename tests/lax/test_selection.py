"""top_k and its relatives: values, ties, NaN, derivatives, batches, and every device."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.errors import ArgumentError, ShapeError
from lantern.testing import check_grads

X = np.float32([[2, 5, np.nan, 5, -1], [np.inf, -np.inf, 0, 7, 7]])


def wanted(x: Any, k: int, axis: int = -1, smallest: bool = False) -> tuple[Any, Any]:
    """By NumPy's stable sort of keys that turn the order round."""
    keys = x if smallest else np.where(np.isnan(x), -np.inf, -x) if x.dtype.kind == "f" else -x.astype(np.int64)
    order = np.take(np.argsort(keys, axis, kind="stable"), np.arange(k), axis)
    return np.take_along_axis(x, order, axis), order


def test_top_k(device: str) -> None:
    values, places = lantern.jit(lambda x: lax.top_k(x, 3))(X)
    assert places.dtype == np.int32
    np.testing.assert_array_equal(places, [[2, 1, 3], [0, 3, 4]])
    np.testing.assert_array_equal(values, [[np.nan, 5, 5], [np.inf, 7, 7]])


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.int8, np.uint32, np.float16, np.bool_])
def test_top_k_of_every_kind_and_axis(dtype: Any) -> None:
    x = np.random.default_rng(0).integers(0, 2 if dtype is np.bool_ else 99, (4, 7, 3)).astype(dtype)
    for axis in (0, 1, -1):
        for k in (0, 1, x.shape[axis]):
            found = lax.top_k(x, k, axis=axis)
            for one, other in zip(found, wanted(x, k, axis), strict=True):
                np.testing.assert_array_equal(one, other)
            assert found[0].dtype == dtype


def test_extremes_of_integers() -> None:
    ends = np.int32([-2**31, 2**31 - 1, 0, -2**31])
    assert lax.top_k(ends, 4)[1].tolist() == [1, 2, 0, 3]
    assert lax.approx_min_k(ends, 4)[1].tolist() == [0, 3, 2, 1]
    assert lax.top_k(np.float32([-0.0, 0.0]), 2)[1].tolist() == [0, 1]


def test_derivative_and_batches() -> None:
    x = np.random.default_rng(1).permutation(12).astype(np.float32).reshape(3, 4)
    check_grads(lambda a: lax.top_k(a, 2)[0], (x,), order=2)
    slope = lantern.grad(lambda a: (lax.top_k(a, 2)[0] * np.float32([10, 1])).sum())(np.float32([3, 9, 5]))
    assert slope.tolist() == [0, 10, 1]
    for one, other in zip(lantern.vmap(lambda a: lax.top_k(a, 2))(x), wanted(x, 2), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(lantern.vmap(lambda a: lax.top_k(a, 2), in_axes=1)(x), wanted(x.T, 2), strict=True):
        np.testing.assert_array_equal(one, other)


def test_approximate_ones_are_exact() -> None:
    for one, other in zip(lax.approx_max_k(X, 2), lax.top_k(X, 2), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(lax.approx_min_k(X, 3, recall_target=0.5), wanted(X, 3, smallest=True), strict=True):
        np.testing.assert_array_equal(one, other)
    assert lax.approx_max_k(X, 1, reduction_dimension=0)[1].tolist() == [[1, 0, 0, 1, 1]]


def test_empty_arrays() -> None:
    values, places = lax.top_k(np.zeros((0, 3), np.float32), 2)
    assert values.shape == places.shape == (0, 2)
    assert lax.top_k(np.zeros((2, 0), np.float32), 0)[0].shape == (2, 0)


def test_sort_key_val_and_select_n(device: str) -> None:
    keys, values = lax.sort_key_val(np.int32([3, 1, 2]), np.float32([0.3, 0.1, 0.2]))
    assert keys.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(values, np.float32([0.1, 0.2, 0.3]))
    cases = [np.float32([k, k, k, k]) for k in (1, 2, 3)]
    assert lax.select_n(np.int32([0, 1, 2, 7]), *cases).tolist() == [1, 2, 3, 3]
    assert lax.select_n(np.array([True, False, True, True]), *cases[:2]).tolist() == [2, 1, 2, 2]
    assert lax.select_n(np.int32(1), *cases).tolist() == [2] * 4
    assert lax.select_n(jnp.array(True), *cases[:2]).tolist() == [2] * 4
    slopes = lantern.grad(lambda a, b: lax.select_n(np.array([True, False]), a, b).sum(), (0, 1))(*[np.ones(2)] * 2)
    assert [s.tolist() for s in slopes] == [[0, 1], [1, 0]]


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: lax.top_k(X, 6), ArgumentError,
     r"^top_k: wanted k from 0 to 5, the size of axis 1 of f32\[2,5\], got 6, at test_selection.py:\d+"),
    (lambda: lax.top_k(X, -1), ArgumentError, "top_k: wanted k from 0 to 5"),
    (lambda: lax.top_k(X, 1, axis=2), ArgumentError, r"top_k: axis 2 is out of range for f32\[2,5\]"),
    (lambda: lax.top_k(1.0, 1), ShapeError, r"top_k: wanted an array of rank 1 or more, got f32\*\[\], at "),
    (lambda: lax.top_k(X.astype(np.complex64), 1), TypeError,
     r"top_k: complex numbers have no order, got c64\[2,5\], at .* Take abs"),
    (lambda: lax.approx_min_k(X, 9), ArgumentError, "approx_min_k: wanted k from 0 to 5"),
    (lambda: lax.select_n(np.int32([0])), ArgumentError, r"select_n: wanted at least one of cases, got 0 beside i32"),
    (lambda: lax.select_n(np.array([True]), X[0, :1], X[0, :1], X[0, :1]), ArgumentError, "wanted 1 or 2 cases, got 3"),
    (lambda: lax.select_n(np.float32([0]), X[0, :1]), TypeError, r"must be bool or integers, got f32\[1\], at "),
    (lambda: lax.select_n(np.int32([0]), X[0], X[0]), ShapeError,
     r"cases must have one shape, .* got i32\[1\] and f32\[5\], f32\[5\]"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=range(len(ERRORS)))
def test_errors(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
