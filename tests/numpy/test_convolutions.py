"""numpy.convolve and correlate against NumPy: modes, sizes, complex numbers, derivatives, errors."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import ArgumentError, ShapeError
from lantern.testing import check_grads

R = np.random.default_rng(0)
SIZES = [(5, 3), (3, 5), (4, 4), (6, 2), (2, 6), (1, 3), (1, 1), (7, 4)]
FUNCTIONS = [(jnp.convolve, np.convolve), (jnp.correlate, np.correlate)]


def vectors(m: int, n: int) -> tuple[Any, Any]:
    """Two f32 vectors."""
    return R.standard_normal(m).astype(np.float32), R.standard_normal(n).astype(np.float32)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize(("function", "twin"), FUNCTIONS)
def test_modes(function: Any, twin: Any, mode: str) -> None:
    for m, n in SIZES:
        a, v = vectors(m, n)
        np.testing.assert_allclose(function(a, v, mode), twin(a, v, mode), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(function(a + 1j * a[::-1], v - 2j * v, mode),
                                   twin(a + 1j * a[::-1], v - 2j * v, mode), rtol=1e-5, atol=1e-6)


def test_defaults_and_types() -> None:
    a, v = np.arange(4), np.arange(3)
    assert jnp.convolve(a, v).shape == (6,)
    assert jnp.correlate(a, v).shape == (2,)
    assert jnp.convolve(a, v).dtype == np.float32
    assert jnp.convolve(a, v, preferred_element_type=np.int32).dtype == np.int32
    assert jnp.convolve(a.astype(np.float16), v.astype(np.float16)).dtype == np.float16


@pytest.mark.parametrize(("function", "twin"), FUNCTIONS)
def test_derivatives_and_batches(function: Any, twin: Any) -> None:
    a, v = vectors(5, 3)
    check_grads(lambda a, v: function(a, v, "same"), (a, v), order=2)
    rows = R.standard_normal((4, 5)).astype(np.float32)
    for got, row in zip(np.asarray(lantern.vmap(lambda a: function(a, v, "full"))(rows)), rows, strict=True):
        np.testing.assert_allclose(got, twin(row, v, "full"), rtol=1e-5, atol=1e-6)


def test_on_the_gpu(gpu: None) -> None:
    a, v = vectors(40, 9)
    with lantern.default_device("gpu"):
        np.testing.assert_allclose(jnp.convolve(a, v), np.convolve(a, v), rtol=1e-5, atol=1e-5)


def test_errors() -> None:
    with pytest.raises(ArgumentError, match=r"convolve: mode must be 'full', 'same' or 'valid', got 'wrap', at "):
        jnp.convolve(np.ones(3), np.ones(2), "wrap")
    with pytest.raises(ShapeError, match=r"correlate: wanted two vectors \(rank 1\), got f32\[2,2\] and f32\[2\], at "):
        jnp.correlate(np.ones((2, 2)), np.ones(2))
    with pytest.raises(ShapeError, match=r"convolve: vectors must not be empty, got f32\[0\] and f32\[2\], at "):
        jnp.convolve(np.ones(0), np.ones(2))
