"""Collectives that move values along a named axis of vmap: against NumPy, in two axes at once, and differentiated."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
from lantern import lax
from lantern.errors import ArgumentError, ShapeError
from lantern.testing import check_grads

X = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
SQUARE = np.arange(48, dtype=np.float32).reshape(4, 4, 3)
RING = [(0, 1), (1, 2), (2, 3)]


def each(f: Any) -> Any:
    """f of every element of the axis "i"."""
    return lantern.vmap(f, axis_name="i")


def every(x: Any) -> Any:
    """The same for each of four elements."""
    return np.broadcast_to(x, (4, *x.shape))


CASES: list[tuple[str, Any, Any, Any]] = [
    ("all_gather", lambda v: lax.all_gather(v, "i"), X, every(X)),
    ("all_gather_behind", lambda v: lax.all_gather(v, "i", axis=-1), X, every(np.moveaxis(X, 0, -1))),
    ("all_gather_tiled", lambda v: lax.all_gather(v, "i", tiled=True), X, every(X.reshape(8, 3))),
    ("all_gather_tiled_1", lambda v: lax.all_gather(v, "i", axis=1, tiled=True), X,
     every(X.transpose(1, 0, 2).reshape(2, 12))),
    ("ppermute", lambda v: lax.ppermute(v, "i", RING), X, np.concatenate([np.zeros((1, 2, 3), np.float32), X[:3]])),
    ("pshuffle", lambda v: lax.pshuffle(v, "i", [3, 1, 0, 2]), X, X[[3, 1, 0, 2]]),
    ("all_to_all", lambda v: lax.all_to_all(v, "i", 0, 0), SQUARE, SQUARE.swapaxes(0, 1)),
    ("all_to_all_behind", lambda v: lax.all_to_all(v, "i", 0, 1), SQUARE, SQUARE.transpose(1, 2, 0)),
    ("all_to_all_tiled", lambda v: lax.all_to_all(v, "i", 0, 1, tiled=True), SQUARE.reshape(4, 4, 3),
     SQUARE.transpose(1, 0, 2).reshape(4, 1, 12)),
    ("psum_scatter", lambda v: lax.psum_scatter(v, "i"), SQUARE, SQUARE.sum(0)),
    ("psum_scatter_tiled", lambda v: lax.psum_scatter(v, "i", tiled=True), SQUARE, SQUARE.sum(0)[:, None]),
]


@pytest.mark.parametrize("case", CASES, ids=[c[0] for c in CASES])
def test_values(case: Any, device: str) -> None:
    _, f, x, want = case
    np.testing.assert_array_equal(lantern.jit(each(f))(x), want)


@pytest.mark.parametrize("case", CASES, ids=[c[0] for c in CASES])
def test_inside_and_outside_of_another_axis(case: Any) -> None:
    _, f, x, want = case
    both = np.stack([x, x + 1])
    wanted = [want, each(f)(x + 1)]
    np.testing.assert_array_equal(lantern.vmap(each(f))(both), wanted)
    swapped = lantern.vmap(lantern.vmap(f), in_axes=1, axis_name="i")(both)     # the named axis is the outer one
    np.testing.assert_array_equal(np.asarray(swapped).swapaxes(0, 1), wanted)


@pytest.mark.parametrize("case", CASES, ids=[c[0] for c in CASES])
def test_derivatives(case: Any) -> None:
    _, f, x, _ = case
    check_grads(lambda a: each(lambda v: f(v * v))(a), (x / 10,), order=2)


def test_values_that_are_the_same_for_all_and_trees() -> None:
    found = each(lambda v: lax.all_gather({"a": v, "b": 2.0}, "i"))(np.int32([1, 2]))
    assert found["a"].tolist() == [[1, 2], [1, 2]]
    assert found["b"].tolist() == [[2, 2], [2, 2]]
    assert lax.with_sharding_constraint({"a": X}, "anything")["a"] is X


def test_several_axes_at_once() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)

    def both(f: Any) -> Any:
        return lantern.vmap(lantern.vmap(f, axis_name="j"), axis_name="i")(x)

    np.testing.assert_array_equal(both(lambda v: lax.psum(v, ("i", "j"))), np.full((2, 3), 15))
    np.testing.assert_array_equal(both(lambda v: lax.pmean(v, ("i", "j"))), np.full((2, 3), 2.5))
    np.testing.assert_array_equal(both(lambda v: lax.pmax(v, ("j", "i")) - lax.pmin(v, ("i", "j"))), np.full((2, 3), 5))
    np.testing.assert_array_equal(both(lambda v: lax.axis_index(("i", "j"))), x)
    np.testing.assert_array_equal(both(lambda v: lax.axis_index(("j", "i"))), [[0, 2, 4], [1, 3, 5]])
    sizes: list[Any] = []
    both(lambda v: sizes.append((lax.axis_size(("i", "j")), lax.psum(1, ("i", "j")), lax.psum(1, "j"))) or v)
    assert sizes == [(6, 6, 3)]
    assert all(type(n) is int for n in sizes[0])


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: lax.all_gather(X, "i"), ArgumentError, r"no axis is named 'i' here.*at test_collectives.py:\d+"),
    (lambda: each(lambda v: lax.ppermute(v, "j", RING))(X), ArgumentError, r"no axis is named 'j' here \(in scope"),
    (lambda: each(lambda v: lax.ppermute(v, "i", [(0, 9)]))(X), ArgumentError,
     r"ppermute: each destination must occur once and lie in 0\.\.3.* got 9 in \[\(0, 9\)\], at "),
    (lambda: each(lambda v: lax.ppermute(v, "i", [(0, 1), (0, 2)]))(X), ArgumentError, "each source must occur once"),
    (lambda: each(lambda v: lax.pshuffle(v, "i", [0, 0, 1, 2]))(X), ArgumentError, r"permutation of 0\.\.3, got \[0"),
    (lambda: each(lambda v: lax.all_to_all(v, "i", 0, 0))(X), ShapeError,
     r"all_to_all: axis 0 of f32\[2,3\] must have size 4, as axis 'i' has 4 elements, at "),
    (lambda: each(lambda v: lax.psum_scatter(v, "i", scatter_dimension=1, tiled=True))(X), ShapeError,
     r"psum_scatter: axis 1 of f32\[2,3\] must have size a multiple of 4"),
    (lambda: each(lambda v: lax.all_gather(v, "i", axis=5))(X), ArgumentError, "all_gather: axis 5 is out of range"),
    (lambda: each(lambda v: lax.all_gather(v, "i", axis_index_groups=[[0, 1]]))(X), ArgumentError,
     "axis_index_groups is not supported.*Split the axis"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=range(len(ERRORS)))
def test_errors(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
