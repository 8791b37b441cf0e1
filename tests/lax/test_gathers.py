"""Windows at computed positions: dynamic slices, gather and scatter in general form, against plain loops."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lantern
from lantern import lax
from lantern.errors import ArgumentError, ShapeError

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
FOLDS: dict[str, Any] = {"scatter": lambda _, new: new, "scatter_add": np.add, "scatter_sub": np.subtract,
                         "scatter_mul": np.multiply, "scatter_min": np.minimum, "scatter_max": np.maximum}


def windows(x: Any, indices: Any, mapped: Any, sizes: Any, mode: str) -> Any:
    """For each index vector: its place, and the slices of its window, or None if that is not inside."""
    for place in np.ndindex(*indices.shape[:-1]):
        start = [0] * x.ndim
        for axis, k in zip(mapped, indices[place], strict=True):
            start[axis] = int(k)
        last = [n - w for n, w in zip(x.shape, sizes, strict=True)]
        if mode == "clip":
            start = [min(max(s, 0), e) for s, e in zip(start, last, strict=True)]
        inside = all(0 <= s <= e for s, e in zip(start, last, strict=True))
        yield place, tuple([slice(s, s + w) for s, w in zip(start, sizes, strict=True)]) if inside else None


def gathered(x: Any, indices: Any, offset: Any, collapsed: Any, mapped: Any, sizes: Any, mode: str) -> Any:
    inner = tuple([w for k, w in enumerate(sizes) if k not in collapsed])
    out = np.full((*indices.shape[:-1], *inner), np.nan, x.dtype)
    for place, window in windows(x, indices, mapped, sizes, mode):
        if window is not None:
            out[place] = x[window].reshape(inner)
    lead = out.ndim - len(inner)
    rest = [k for k in range(out.ndim) if k not in offset]
    return np.moveaxis(out, range(out.ndim), [*rest[:lead], *offset])


def scattered(name: str, x: Any, indices: Any, updates: Any, window_dims: Any, inserted: Any, mapped: Any, sizes: Any,
              mode: str) -> Any:
    out = x.copy()
    lead = [k for k in range(updates.ndim) if k not in window_dims]
    ordered = updates.transpose([*lead, *window_dims])
    for place, window in windows(x, indices, mapped, sizes, mode):
        if window is not None:
            out[window] = FOLDS[name](out[window], ordered[place].reshape(sizes))
    return out


@st.composite
def problems(draw: st.DrawFn) -> Any:
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    axes = range(len(shape))
    mapped = tuple(draw(st.permutations(axes)))[:draw(st.integers(1, len(shape)))]
    collapsed = tuple([k for k in axes if draw(st.booleans())])
    sizes = tuple([1 if k in collapsed else draw(st.integers(1, shape[k])) for k in axes])
    lead = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    rank, inner = len(lead) + len(shape) - len(collapsed), len(shape) - len(collapsed)
    offset = tuple(sorted(draw(st.permutations(range(rank)))[:inner]))
    r = np.random.default_rng(draw(st.integers(0, 99)))
    return (r.uniform(1, 2, shape).astype(np.float32), r.integers(-2, 5, (*lead, len(mapped))).astype(np.int32), offset,
            collapsed, mapped, sizes, r)


@given(problems(), st.sampled_from(["clip", "fill"]))
@settings(max_examples=40, deadline=None)
def test_gather_and_scatter(problem: Any, mode: str) -> None:
    x, indices, offset, collapsed, mapped, sizes, r = problem
    want = gathered(x, indices, offset, collapsed, mapped, sizes, mode)
    numbers = lax.GatherDimensionNumbers(offset, collapsed, mapped)
    np.testing.assert_array_equal(lax.gather(x, indices, numbers, sizes, mode=mode), want)
    updates = r.uniform(1, 2, want.shape).astype(np.float32)
    for name in FOLDS:
        into = lax.ScatterDimensionNumbers(offset, collapsed, mapped)
        found = getattr(lax, name)(x, indices, updates, into, mode=mode)
        want = scattered(name, x, indices, updates, offset, collapsed, mapped, sizes, mode)
        np.testing.assert_allclose(found, want, rtol=1e-5)


def test_gather_with_batching_axes(device: str) -> None:
    indices = np.array([[[2], [0]], [[1], [9]]], np.int32)
    numbers = lax.GatherDimensionNumbers((2,), (1,), (1,), (0,), (0,))
    found = lantern.jit(lambda x, i: lax.gather(x, i, numbers, (1, 1, 4), fill_value=-1))(X, indices)
    np.testing.assert_array_equal(found, [X[0, [2, 0]], [X[1, 1], np.full(4, -1)]])
    into = lax.ScatterDimensionNumbers((2,), (1,), (1,), (0,), (0,))
    written = lantern.jit(lambda x, i, u: lax.scatter_add(x, i, u, into))(X, indices, np.ones((2, 2, 4), np.float32))
    want = X.copy()
    want[0, [2, 0]] += 1
    want[1, 1] += 1
    np.testing.assert_array_equal(written, want)


def test_gather_is_differentiated() -> None:
    numbers = lax.GatherDimensionNumbers((1,), (0,), (0,))
    x, i = X[0], np.array([[1], [1], [7]], np.int32)
    slope = lantern.grad(lambda x: lantern.numpy.sum(lax.gather(x, i, numbers, (1, 4), fill_value=0) ** 2))(x)
    np.testing.assert_allclose(slope, 2 * x * np.array([0, 2, 0])[:, None])


def test_dynamic_slices(device: str) -> None:
    f = lantern.jit(lambda x, i, j: lax.dynamic_slice(x, (i, 0, j), (1, 3, 2)))
    np.testing.assert_array_equal(f(X, np.int32(1), np.int32(9)), X[1:, :, 2:])
    np.testing.assert_array_equal(f(X, np.int32(-1), np.int32(-3)), X[1:, :, 1:3])
    np.testing.assert_array_equal(lax.dynamic_slice(X, np.array([0, 1, -1]), (2, 1, 1)), X[:, 1:2, 3:])
    np.testing.assert_array_equal(lax.dynamic_slice(X, (-5, 0, 0), (1, 3, 4), allow_negative_indices=False), X[:1])
    np.testing.assert_array_equal(lax.dynamic_slice_in_dim(X, np.int32(1), 2, 1), X[:, 1:])
    np.testing.assert_array_equal(lax.dynamic_index_in_dim(X, np.int32(2), 1, keepdims=False), X[:, 2])
    np.testing.assert_array_equal(lax.index_in_dim(X, -1, 2), X[:, :, 3:])
    want = X.copy()
    want[:, 1] = 7
    seven = np.full((2, 4), 7, np.float32)
    f = lantern.jit(lambda x, u, i: lax.dynamic_update_index_in_dim(x, u, i, 1))
    np.testing.assert_array_equal(f(X, seven, 1), want)
    np.testing.assert_array_equal(lax.dynamic_update_slice_in_dim(X, seven[:, None], np.int32(1), 1), want)
    np.testing.assert_array_equal(lax.dynamic_update_slice(X, seven[:, None], (0, 1, 0)), want)
    np.testing.assert_array_equal(lax.index_take(X, (np.array([1, 0]), np.array([0, 9])), (0, 2)), X[[1, 0], :, [0, 3]])
    swept = lantern.vmap(lambda i: lax.dynamic_slice(X[0], (i, i), (2, 2)))(np.arange(4, dtype=np.int32))
    np.testing.assert_array_equal(swept, [X[0, min(i, 1):min(i, 1) + 2, min(i, 2):min(i, 2) + 2] for i in range(4)])


def test_sort_of_several(device: str) -> None:
    r = np.random.default_rng(0)
    a, b = r.integers(0, 3, (2, 30)).astype(np.int32), r.normal(size=(2, 30)).astype(np.float32)
    found = lantern.jit(lambda a, b: lax.sort((a, b), num_keys=2))(a, b)
    for k in range(2):
        order = np.lexsort((b[k], a[k]))
        np.testing.assert_array_equal(found[0][k], a[k][order])
        np.testing.assert_array_equal(found[1][k], b[k][order])
    np.testing.assert_array_equal(lax.sort(b, 0), np.sort(b, 0))


def test_wrong_windows() -> None:
    with pytest.raises(ShapeError, match=r"dynamic_slice: a window of sizes \(3, 3, 4\) does not fit into f32"):
        lax.dynamic_slice(X, (0, 0, 0), (3, 3, 4))
    with pytest.raises(ShapeError, match=r"dynamic_slice: wanted one start for each axis of f32.*, got 2, at test_"):
        lax.dynamic_slice(X, (0, 0), (1, 1, 1))
    with pytest.raises(TypeError, match=r"dynamic_slice: a start must be an integer \(rank 0\), got f32"):
        lax.dynamic_slice(X, (0.5, 0, 0), (1, 1, 1))
    with pytest.raises(ShapeError, match="dynamic_update_slice: the update must have the dtype and rank of the array"):
        lax.dynamic_update_slice(X, X[0], (0, 0, 0))
    with pytest.raises(IndexError, match=r"index_in_dim: index 2 is out of range for axis 0 of f32\[2,3,4\]"):
        lax.index_in_dim(X, 2)
    numbers = lax.GatherDimensionNumbers((1,), (0,), (0,))
    with pytest.raises(ShapeError, match=r"gather: the last axis of the indices must have size 1, .* got i32\[2\]"):
        lax.gather(X[0], np.zeros(2, np.int32), numbers, (1, 4))
    with pytest.raises(ShapeError, match=r"gather: windows of sizes \(1, 5\) do not fit into f32\[3,4\]"):
        lax.gather(X[0], np.zeros((2, 1), np.int32), numbers, (1, 5))
    with pytest.raises(TypeError, match="gather: indices must be integers, got f32"):
        lax.gather(X[0], np.zeros((2, 1)), numbers, (1, 4))
    with pytest.raises(ArgumentError, match="mode: wanted 'clip', 'fill', 'drop' or 'promise_in_bounds', got 'wrap'"):
        lax.gather(X[0], np.zeros((2, 1), np.int32), numbers, (1, 4), mode="wrap")
    with pytest.raises(ShapeError, match=r"scatter_add: updates of f32\[3,4\] at indices i32\[2,1\] must have"):
        lax.scatter_add(X[0], np.zeros((2, 1), np.int32), np.zeros((3, 4), np.float32),
                        lax.ScatterDimensionNumbers((1,), (0,), (0,)))
    with pytest.raises(ArgumentError, match="sort: wanted num_keys from 1 to 2, got 3"):
        lax.sort((X, X), num_keys=3)
