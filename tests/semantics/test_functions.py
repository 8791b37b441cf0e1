"""The table of functions in docs/semantics.md: one row, one test, on every device. A test's docstring begins with its
row."""
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax, random
from lantern.errors import TransferWarning

NAN, INF = float("nan"), float("inf")


def test_order(device: str) -> None:
    """order: stable; where NaN and -0.0 stand."""
    x = np.float32([2, NAN, -0.0, 0.0, 2, -INF])
    assert jnp.argsort(x).tolist() == [5, 2, 3, 0, 4, 1]
    np.testing.assert_array_equal(jnp.sort(x), np.sort(x))
    assert lax.top_k(x, 6)[1].tolist() == [1, 0, 4, 2, 3, 5]
    assert jnp.searchsorted(jnp.sort(x), np.float32([0, NAN])).tolist() == [1, 5]
    keys, order = lax.sort((np.int32([1, 0, 1, 0]), np.arange(4, dtype=np.int32)))
    assert (keys.tolist(), order.tolist()) == ([0, 0, 1, 1], [1, 3, 0, 2])


def test_products_of_several_arrays(device: str) -> None:
    """products of several arrays: two at a time, whatever the order; bools by and, or."""
    xs = [np.arange(6).reshape(2, 3), np.arange(12).reshape(3, 4), np.arange(4)]
    for optimize in ("optimal", "greedy", False, [(0, 1), (0, 1)]):
        assert jnp.einsum("ij,jk,k->i", *xs, optimize=optimize).tolist() == np.einsum("ij,jk,k->i", *xs).tolist()
    both = np.array([[True, True], [False, True]])
    found = jnp.einsum("ij,jk->ik", both, both)
    assert (found.dtype, found.tolist()) == (np.bool_, [[True, True], [False, True]])


def test_matrices_without_an_answer(device: str) -> None:
    """matrices without an answer: NaN or infinite for that matrix alone; no error."""
    good, indefinite = np.float32([[4, 2], [2, 3]]), np.float32([[1, 2], [2, 1]])
    lower = jnp.linalg.cholesky(np.stack([good, indefinite]))
    np.testing.assert_allclose(lower[0], np.linalg.cholesky(good), 1e-5)
    assert np.isnan(np.asarray(lower[1])).any()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TransferWarning)
        found = jnp.linalg.inv(np.stack([good, np.ones((2, 2), np.float32)]))
        np.testing.assert_allclose(found[0], np.linalg.inv(good), 1e-5)
        assert not np.isfinite(np.asarray(found[1])).all()
        assert jnp.linalg.det(np.ones((2, 2), np.float32)).item() == 0


def test_fourier_transforms(device: str) -> None:
    """Fourier transforms: of integers and f16 in f32; the inverse divides by n."""
    for x in (np.arange(6), np.arange(6).astype(np.float16), np.arange(6).astype(np.float32)):
        found = jnp.fft.rfft(x)
        assert found.dtype == np.complex64
        np.testing.assert_allclose(found, np.fft.rfft(x.astype(np.float32)), 1e-4, 1e-4)
        back = jnp.fft.irfft(found, 6)
        assert back.dtype == np.float32
        np.testing.assert_allclose(back, np.arange(6), 1e-4, 1e-5)


def test_random_keys(device: str) -> None:
    """random keys: no numbers; the same key gives the same."""
    key = random.key(3)
    assert (key.shape, random.split(key, 5).shape) == ((), (5,))
    for wrong in (lambda: key + 1, lambda: jnp.sum(random.split(key)), lambda: jnp.sin(key)):
        with pytest.raises(TypeError, match="key"):
            wrong()
    assert random.uniform(key, (3,)).tolist() == random.uniform(random.key(3), (3,)).tolist()


def test_named_axes(device: str) -> None:
    """named axes: vmap's, on one device."""
    x = np.arange(3, dtype=np.float32)

    def each(f: Any) -> Any:
        return lantern.vmap(f, axis_name="i")(x).tolist()

    assert each(lambda v: lax.psum(v, "i")) == [3, 3, 3]
    assert each(lambda v: lax.ppermute(v, "i", [(0, 1), (1, 2)])) == [0, 0, 1]
    assert each(lambda v: lax.all_gather(v, "i")) == [[0, 1, 2]] * 3
    assert each(lambda v: v * lax.psum(1, "i")) == [0, 3, 6]
