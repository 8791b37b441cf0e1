"""x[...], take and take_along_axis against NumPy."""
from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lantern
import lantern.numpy as jnp
from lantern.errors import ArgumentError, ShapeError

X = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
A = np.array
INDICES: list[Any] = [
    0, -1, (0, 1), (slice(None), 1), (Ellipsis, 0), (None, 0), slice(None, None, -1), slice(5, 0, -2), (slice(1, 3),
                                                                                                        slice(None,
                                                                                                              None, 2)),
    (0, Ellipsis, None, -1), slice(3, 1), A([0, 1]), (slice(None), A([2, 0])), (slice(None), A([[0, 1], [2, -1]])),
    (A([0, 1]), A([2, 1])), (0, slice(None), A([1, 2])), (A([0, 1]), slice(None), A([1, 2])), (slice(None), A([0, 1]),
                                                                                               A([1, 2])),
    (None, A([0, 1]), A([1, 2])), (A([0, 1]), None, A([1, 2])), (Ellipsis, A([1, 2])), (A([[0], [1]]), A([[0, 1, 2]])),
    (0, A([1, 2]), 0), A([True, False, True]), (slice(None), A([True, False, True, True])), X[:, :, 0] > 20, (0, 0, 0),
    (), Ellipsis,
    None, np.int64(1), (A(1), slice(None)), (slice(None), A([], np.int32)), (A([0, 1]), 0), (slice(None), 0, A([1, 2])),
    (slice(None), slice(None, None, -2), A([0, -1])), (slice(0, 0), A([1, 2])), (0, slice(None, None, -1)), (A([0]),
                                                                                                             None, 1),
    (slice(None), None, A([1, 0]), Ellipsis), (slice(-2, None), slice(None, -1), slice(1, -1)),
]


def ids(index: Any) -> str:
    """A short name."""
    return str(index).replace(" ", "")[:40]


@pytest.mark.parametrize("index", INDICES, ids=ids)
def test_getitem(index: Any) -> None:
    found = jnp.asarray(X)[index]
    assert found.shape == X[index].shape
    np.testing.assert_array_equal(found, X[index])


@pytest.mark.parametrize("index", INDICES, ids=ids)
def test_getitem_with_traced_positions(index: Any) -> None:
    items = index if isinstance(index, tuple) else (index,)
    arrays = [i for i in items if isinstance(i, np.ndarray) and i.dtype != bool]

    def f(x: Any, *given: Any) -> Any:
        rest = iter(given)
        return x[tuple([next(rest) if isinstance(i, np.ndarray) and i.dtype != bool else i for i in items])]

    np.testing.assert_array_equal(lantern.jit(f)(X, *arrays), X[index])
    cotangent = np.cos(X[index])
    wanted = np.zeros_like(X)
    np.add.at(wanted, index, cotangent)
    found = lantern.grad(lambda x: jnp.sum(f(x, *arrays) * cotangent))(X)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@given(index=hnp.basic_indices((3, 4, 5), allow_newaxis=True))
@settings(max_examples=60, deadline=None)
def test_basic_indices(index: Any) -> None:
    np.testing.assert_array_equal(jnp.asarray(X)[index], X[index])


@given(index=hnp.integer_array_indices((3, 4, 5), result_shape=hnp.array_shapes(max_dims=2, max_side=3)))
@settings(max_examples=30, deadline=None)
def test_integer_array_indices(index: Any) -> None:
    np.testing.assert_array_equal(jnp.asarray(X)[index], X[index])
    np.testing.assert_array_equal(lantern.jit(lambda x, *i: x[i])(X, *index), X[index])


def test_every_row_is_one_program() -> None:
    x = jnp.asarray(np.arange(400.0, dtype=np.float32).reshape(200, 2))
    assert [x[k].tolist() for k in (0, 7, -1, 199)] == [[0.0, 1.0], [14.0, 15.0], [398.0, 399.0], [398.0, 399.0]]


def test_unknown_positions_are_kept_in_range() -> None:
    x = jnp.arange(5)
    pick = lantern.jit(lambda x, i: x[i])
    assert pick(x, A([7, -1, -7, 2])).tolist() == [4, 4, 0, 2]
    assert pick(x, np.uint8([7, 1])).tolist() == [4, 1]
    assert pick(x, -9).item() == 0
    assert jnp.take(x, jnp.asarray([9, -1])).tolist() == [4, 4]
    grid = jnp.arange(6).reshape(2, 3)
    assert lantern.jit(lambda i, j: grid[i, j])(A([0, 9]), A([9, 0])).tolist() == [2, 3]


@pytest.mark.parametrize(("index", "position", "axis"), [(3, 3, 0), (-4, -4, 0), ((0, 4), 4, 1), ((Ellipsis, 5), 5, 2),
                                                         (A([0, 3]), 3, 0), ((0, A([1, -5])), -5, 1), ([0, 7], 7, 0),
                                                         (np.int64(8), 8, 0)])
def test_known_positions_out_of_range(index: Any, position: int, axis: int) -> None:
    message = (rf"getitem: index {position} is out of range for axis {axis} of f32\[3,4,5\] \(size \d\), "
               r"at test_indexing\.py:\d+ in")
    with pytest.raises(IndexError, match=message):
        jnp.asarray(X)[index]
    with pytest.raises(IndexError, match=message):
        lantern.jit(lambda x: x[index])(X)


def test_wrong_indices() -> None:
    x = jnp.asarray(X)
    with pytest.raises(IndexError, match=r"too many indices: f32\[3,4,5\] has 3 axes, got 4, at test_indexing"):
        x[0, 0, 0, 0]
    with pytest.raises(IndexError, match="one ellipsis"):
        x[..., ...]
    with pytest.raises(TypeError, match="positions must be integers, got float32"):
        x[jnp.asarray([1.0])]
    with pytest.raises(TypeError,
                       match=r"wanted integers, slices, ..., None or arrays of integers or bools, got 'a' for f32"):
        x["a"]
    with pytest.raises(TypeError, match=r"the shape of x\[mask\] depends on the values of the mask bool.*size=n"):
        lantern.jit(lambda x: x[x > 3])(x)
    with pytest.raises(IndexError, match=r"a mask of shape \(3, 3\) does not fit axes 0 to 1 of f32"):
        x[np.ones((3, 3), bool)]
    with pytest.raises(TypeError, match=r"got 1.5 for f32\[3,4,5\], at test_indexing"):
        x[1.5]
    with pytest.raises(TypeError, match=r"got True for f32\[3,4,5\], at test_indexing"):
        x[True]
    with pytest.raises(ShapeError, match=r"getitem: shapes .* cannot be broadcast together"):
        x[A([0, 1]), A([0, 1, 2])]
    with pytest.raises(TypeError, match=r"x\[i\] = v does not work, at test_indexing.py:\d+ in .*x.at\[i\].set\(v\)"):
        x[0] = 1


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("indices", [A([0, 1]), A([[1, -1], [0, 1]]), 1, A([], np.int32), [2, 0]], ids=ids)
def test_take(axis: Any, indices: Any) -> None:
    np.testing.assert_array_equal(jnp.take(X, indices, axis), np.take(X, indices, axis))
    far = np.asarray(indices) + 7
    for mode in ("clip", "wrap"):
        np.testing.assert_array_equal(jnp.take(X, far, axis, mode), np.take(X, far, axis, mode=mode))
        np.testing.assert_array_equal(jnp.take(X, jnp.asarray(far), axis, mode), np.take(X, far, axis, mode=mode))


def test_take_errors() -> None:
    with pytest.raises(IndexError, match=r"take: index 9 is out of range for axis 1 of f32\[3,4,5\]"):
        jnp.take(X, [0, 9], 1)
    with pytest.raises(ArgumentError, match=r"wanted a mode of None, 'clip', .*'wrap', got 'raise'"):
        jnp.take(X, 0, 0, "raise")
    with pytest.raises(TypeError, match="take: positions must be integers"):
        jnp.take(X, 1.5)
    with pytest.raises(IndexError, match=r"axis 0 of f32\[0,2\] has no elements"):
        jnp.take(np.zeros((0, 2)), jnp.asarray([0]), 0)


def test_take_along_axis() -> None:
    order = np.argsort(-X, 1)
    np.testing.assert_array_equal(jnp.take_along_axis(X, order, 1), np.take_along_axis(X, order, 1))
    np.testing.assert_array_equal(jnp.take_along_axis(X, A([[[0], [1]]]), 1), np.take_along_axis(X, A([[[0], [1]]]), 1))
    np.testing.assert_array_equal(jnp.take_along_axis(X, A([3, -1]), None), np.take_along_axis(X, A([3, -1]), None))
    labels = A([1, 0, 2])
    scores = X[0, :3, :3]
    found = lantern.jit(lambda s, y: jnp.take_along_axis(s, y[:, None], 1)[:, 0])(scores, labels)
    np.testing.assert_array_equal(found, scores[A([0, 1, 2]), labels])
    with pytest.raises(ShapeError, match="take_along_axis: array and indices must have one rank"):
        jnp.take_along_axis(X, A([0]), 0)
    with pytest.raises(IndexError, match="take_along_axis: index 4"):
        jnp.take_along_axis(X, np.full((3, 1, 5), 4), 1)


def test_under_vmap() -> None:
    rows = lantern.vmap(lambda x, i: x[i])(X, A([1, 0, 3]))
    np.testing.assert_array_equal(rows, X[A([0, 1, 2]), A([1, 0, 3])])
    shared = lantern.vmap(lambda i: jnp.asarray(X)[i, ..., i])(A([2, 0]))
    np.testing.assert_array_equal(shared, X[A([2, 0]), :, A([2, 0])])


@given(st.integers(-6, 6), st.integers(-6, 6), st.sampled_from([-3, -2, -1, 1, 2, 3]))
@settings(max_examples=40, deadline=None)
def test_slices(start: int, stop: int, step: int) -> None:
    index = (slice(None), slice(start, stop, step))
    np.testing.assert_array_equal(jnp.asarray(X)[index], X[index])
