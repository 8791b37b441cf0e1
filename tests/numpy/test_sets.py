"""Vectors as sets: NumPy's results outside traces, and with `size=` inside."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp

X, Y = np.int32([5, 1, 1, 3, 9, 5]), np.int32([3, 3, 7, 1])
NAN = np.float32([2, np.nan, -0.0, 0.0, np.nan])


@pytest.mark.parametrize("name", ["union1d", "setdiff1d", "intersect1d", "setxor1d"])
@pytest.mark.parametrize("x, y", [(X, Y), (X, Y[:0]), (X[:0], Y), (X / np.float32(2), Y / np.float32(2))])
def test_two_sets(name: str, x: Any, y: Any) -> None:
    wanted = getattr(np, name)(x, y)
    found = getattr(jnp, name)(x, y)
    np.testing.assert_array_equal(found, wanted)
    sized = lantern.jit(lambda x, y: getattr(jnp, name)(x, y, size=len(wanted) + 2, fill_value=-1))
    np.testing.assert_array_equal(sized(x, y), [*wanted, -1, -1])


def test_positions_of_what_is_in_both() -> None:
    for found, wanted in zip(jnp.intersect1d(X, Y, return_indices=True), np.intersect1d(X, Y, return_indices=True),
                             strict=True):
        np.testing.assert_array_equal(found, wanted)
    values, first, second = lantern.jit(lambda x, y: jnp.intersect1d(x, y, return_indices=True, size=3))(X, Y)
    assert (values.tolist(), first.tolist(), second.tolist()) == ([1, 3, 0], [1, 3, 0], [3, 0, 0])
    np.testing.assert_array_equal(jnp.setdiff1d(X[[0, 1, 3]], Y, assume_unique=True), [5])


def test_different_elements() -> None:
    everything = jnp.unique_all(NAN)
    for found, wanted in zip(everything, np.unique_all(NAN), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert everything._fields == ("values", "indices", "inverse_indices", "counts")
    np.testing.assert_array_equal(jnp.unique_counts(X).counts, np.unique_counts(X).counts)
    np.testing.assert_array_equal(jnp.unique_inverse(X).inverse_indices, np.unique_inverse(X).inverse_indices)
    np.testing.assert_array_equal(jnp.unique_values(NAN), np.unique_values(NAN))
    sized = lantern.jit(lambda x: jnp.unique_all(x, size=4))(X)
    assert [v.tolist() for v in sized] == [[1, 3, 5, 9], [1, 3, 0, 4], [2, 0, 0, 1, 3, 2], [2, 1, 2, 1]]


def test_mistakes() -> None:
    with pytest.raises(TypeError, match=r"union1d: complex numbers have no order, got c64\[2\] and i32\[4\], at "):
        jnp.union1d(np.complex64([1, 2]), Y)
    with pytest.raises(TypeError, match="number of results depends on the values"):
        lantern.jit(jnp.setdiff1d)(X, Y)
