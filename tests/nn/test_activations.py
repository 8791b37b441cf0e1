"""The other activations of lantern.nn against formulas in double precision: values, slopes, batches, both devices."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import nn
from lantern.errors import ArgumentError, ShapeError
from tests.conftest import need_gpu

X = np.array([-1e4, -90, -20, -3.5, -1.5, -0.5, -1e-3, 1e-3, 0.5, 1.5, 2.5, 3.5, 20, 90, 1e4], np.float32)


def hard_sigmoid(x: Any) -> Any:
    """Straight lines."""
    return np.clip(x + 3, 0, 6) / 6


def log1mexp(x: Any) -> Any:
    """Of positive numbers."""
    return np.where(x < 0.7, np.log(-np.expm1(-np.maximum(x, 0))), np.log1p(-np.exp(-np.maximum(x, 0.1))))


FORMULAS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "identity": (nn.identity, lambda x: x),
    "hard_sigmoid": (nn.hard_sigmoid, hard_sigmoid),
    "hard_silu": (nn.hard_silu, lambda x: x * hard_sigmoid(x)),
    "hard_swish": (nn.hard_swish, lambda x: x * hard_sigmoid(x)),
    "hard_tanh": (nn.hard_tanh, lambda x: np.clip(x, -1, 1)),
    "mish": (nn.mish, lambda x: x * np.tanh(np.logaddexp(x, 0))),
    "celu": (lambda x: nn.celu(x, 2.0), lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0) / 2))),
    "squareplus": (nn.squareplus, lambda x: np.where(x > 0, x + np.sqrt(x * x + 4), 4 / (np.sqrt(x * x + 4) - x)) / 2),
    "sparse_plus": (nn.sparse_plus, lambda x: np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4))),
    "sparse_sigmoid": (nn.sparse_sigmoid, lambda x: np.clip((x + 1) / 2, 0, 1)),
    "soft_sign": (nn.soft_sign, lambda x: x / (1 + np.abs(x))),
    "log1mexp": (lambda x: nn.log1mexp(jnp.abs(x)), lambda x: log1mexp(np.abs(x))),
}


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize("name", FORMULAS)
def test_values_and_slopes(name: str, device: str) -> None:
    if device == "gpu":
        need_gpu()
    function, formula = FORMULAS[name]
    x = X.astype(np.float64)
    slope = (formula(x + 1e-6 * np.abs(x)) - formula(x - 1e-6 * np.abs(x))) / (2e-6 * np.abs(x))
    with lantern.default_device(device):
        found, slopes = lantern.jit(lantern.vmap(lantern.value_and_grad(function)))(X)
        assert found.dtype == np.float32
        tolerance = 2e-6 if device == "cpu" else 2e-5
        np.testing.assert_allclose(found, formula(x), rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(slopes, slope, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(function(X), found, rtol=1e-5, atol=1e-6)
        assert np.isnan(function(np.float32([np.nan]))).all()
        assert function(np.float16([1.0])).dtype == np.float16
        assert function(np.zeros((0, 3))).shape == (0, 3)


def test_squareplus_of_large_negative_numbers() -> None:
    """x + sqrt(x^2 + 4) would be 0."""
    np.testing.assert_allclose(nn.squareplus(np.float32(-1e6)), 1e-6, rtol=1e-5)


def test_glu() -> None:
    x = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
    np.testing.assert_allclose(nn.glu(x), x[:, :3] / (1 + np.exp(-x[:, 3:])), rtol=1e-5)
    np.testing.assert_allclose(nn.glu(x, axis=0), x[:2] / (1 + np.exp(-x[2:])), rtol=1e-5)
    with pytest.raises(ShapeError, match=r"glu: axis 0 is cut in halves and must have an even size, got f32\[3\], at "):
        nn.glu(np.ones(3))


def test_standardize() -> None:
    x = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32) + 1000
    want = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    for algorithm in ("fast", "stable"):
        np.testing.assert_allclose(nn.standardize(x, algorithm=algorithm), want, atol=2e-3)
    where = np.arange(6) < 4
    np.testing.assert_allclose(nn.standardize(x, where=where)[:, :4], nn.standardize(x[:, :4]), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(nn.standardize(x, mean=1000.0, variance=4.0, epsilon=0.0), (x - 1000) / 2, rtol=1e-5)
    with pytest.raises(ArgumentError, match=r"standardize: algorithm must be 'fast' or 'stable', got 'exact', at "):
        nn.standardize(x, algorithm="exact")


def test_logmeanexp() -> None:
    x = np.array([[1e4, 1e4], [0, -np.inf]], np.float32)
    np.testing.assert_allclose(nn.logmeanexp(x, 1), [1e4, np.log(0.5)], rtol=1e-6)
    assert nn.logmeanexp(x, 0, keepdims=True).shape == (1, 2)
    np.testing.assert_allclose(nn.logmeanexp(x, 1, where=np.array([True, False])), [1e4, 0])
