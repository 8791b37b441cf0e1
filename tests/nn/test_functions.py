"""lantern.nn against formulas in double precision: ordinary and extreme values, masks, derivatives."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import nn
from lantern.errors import ArgumentError

X = np.array([-1e4, -90, -20, -3, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 3, 20, 90, 1e4], np.float32)
ERF = np.vectorize(math.erf)


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


FORMULAS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "relu": (nn.relu, lambda x: np.maximum(x, 0)),
    "relu6": (nn.relu6, lambda x: np.clip(x, 0, 6)),
    "leaky_relu": (nn.leaky_relu, lambda x: np.where(x >= 0, x, 0.01 * x)),
    "elu": (nn.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    "selu": (nn.selu, lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x,
                                                                                                                 0)))),
    "gelu": (nn.gelu, lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))),
    "gelu_erf": (lambda x: nn.gelu(x, approximate=False), lambda x: 0.5 * x * (1 + ERF(x / np.sqrt(2)))),
    "sigmoid": (nn.sigmoid, sigmoid),
    "silu": (nn.silu, lambda x: x * sigmoid(x)),
    "swish": (nn.swish, lambda x: x * sigmoid(x)),
    "tanh": (nn.tanh, np.tanh),
    "softplus": (nn.softplus, lambda x: np.logaddexp(x, 0)),
    "log_sigmoid": (nn.log_sigmoid, lambda x: -np.logaddexp(-x, 0)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_activations(name: str) -> None:
    function, formula = FORMULAS[name]
    found = function(X)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, formula(X.astype(np.float64)), rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(lantern.jit(function)(X), found, rtol=1e-6, atol=1e-7)
    assert np.isnan(function(np.nan).item())
    assert function(np.float16([1.0])).dtype == np.float16
    assert function(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("name", FORMULAS)
def test_slopes(name: str) -> None:
    function, formula = FORMULAS[name]
    slopes = np.asarray(lantern.grad(lambda x: jnp.sum(function(x)))(X))
    assert np.isfinite(slopes).all(), slopes
    smooth = (np.abs(X) < 100) & (np.abs(X) > 0.01) & (X != 6)
    points, step = X[smooth].astype(np.float64), 1e-4
    wanted = (formula(points + step) - formula(points - step)) / (2 * step)
    np.testing.assert_allclose(slopes[smooth], wanted, rtol=1e-4, atol=1e-5)


def test_relu_at_zero() -> None:
    assert lantern.grad(nn.relu)(0.0).item() == 0.0
    assert nn.relu(np.array([-1, 2])).dtype == np.int32
    assert lantern.grad(nn.softplus)(0.0).item() == 0.5


def softmax(x: Any, axis: int) -> Any:
    """In double precision."""
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax(axis: int) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32) * 9
    exact = softmax(x.astype(np.float64), axis)
    np.testing.assert_allclose(nn.softmax(x, axis), exact, rtol=2e-6, atol=1e-7)
    np.testing.assert_allclose(nn.log_softmax(x, axis), np.log(exact), rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(nn.logsumexp(x, axis), np.log(np.exp(x.astype(np.float64)).sum(axis)), rtol=2e-6)
    assert nn.logsumexp(x, axis, keepdims=True).shape == exact.sum(axis, keepdims=True).shape


def test_softmax_over_several_axes() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    np.testing.assert_allclose(nn.softmax(x, axis=(0, 1)).sum().item(), 1, rtol=1e-6)
    np.testing.assert_allclose(nn.softmax(x, axis=None).sum().item(), 1, rtol=1e-6)
    np.testing.assert_allclose(nn.logsumexp(x), np.log(np.exp(x).sum()), rtol=1e-6)


def test_extreme_rows() -> None:
    big = np.array([[1e4, 1e4], [0, 1e4], [-1e4, -1e4], [3e38, -3e38]], np.float32)
    assert nn.softmax(big).tolist() == [[0.5, 0.5], [0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    np.testing.assert_allclose(nn.log_softmax(big[:3]), [[-math.log(2)] * 2, [-1e4, 0], [-math.log(2)] * 2], rtol=1e-6)
    np.testing.assert_allclose(nn.logsumexp(big[:3], -1), [1e4 + math.log(2), 1e4, -1e4 + math.log(2)], rtol=1e-6)
    infinite = np.array([[-np.inf, -np.inf], [-np.inf, 1.0], [np.inf, 1.0]], np.float32)
    assert nn.logsumexp(infinite, -1).tolist() == [-np.inf, 1.0, np.inf]
    assert np.isnan(np.asarray(nn.softmax(infinite))[0]).all()
    assert nn.softmax(infinite)[1].tolist() == [0.0, 1.0]
    assert np.isnan(nn.logsumexp(np.array([np.nan, 1.0])).item())
    assert nn.logsumexp(np.zeros((0,))).item() == -np.inf


def test_slopes_of_extreme_rows() -> None:
    rows = np.array([[1e4, 1e4], [0, 1e4], [-1e4, -1e4], [-np.inf, 1.0]], np.float32)
    for function in (nn.softmax, nn.log_softmax):
        slopes = lantern.grad(lambda x, f=function: jnp.sum(f(x)[..., 1]))(rows)
        assert np.isfinite(np.asarray(slopes)).all(), (function, slopes)
    slopes = lantern.grad(lambda x: jnp.sum(nn.logsumexp(x[:, :], -1)))(rows)
    np.testing.assert_allclose(slopes, [[0.5, 0.5], [0, 1], [0.5, 0.5], [0, 1]], rtol=1e-6)
    nothing = lantern.grad(nn.logsumexp)(np.full(3, -np.inf, np.float32))
    assert nothing.tolist() == [0.0, 0.0, 0.0]


def test_masks() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    mask = np.array([True, False, True, True])
    wanted = np.zeros_like(x)
    wanted[:, mask] = softmax(x[:, mask].astype(np.float64), -1)
    np.testing.assert_allclose(nn.softmax(x, where=mask), wanted, rtol=2e-6)
    assert nn.log_softmax(x, where=mask)[:, 1].tolist() == [-np.inf] * 3
    np.testing.assert_allclose(nn.logsumexp(x, -1, where=mask), np.log(np.exp(x[:, mask]).sum(-1)), rtol=1e-6)
    slopes = np.asarray(lantern.grad(lambda a: jnp.sum(nn.softmax(a, where=mask) ** 2))(x))
    assert np.isfinite(slopes).all()
    assert not slopes[:, 1].any()


def test_weighted_logsumexp() -> None:
    x, b = np.float32([1, 2, 3]), np.float32([0.5, 0, 2])
    np.testing.assert_allclose(nn.logsumexp(x, b=b), np.log((b * np.exp(x)).sum()), rtol=1e-6)


def test_one_hot() -> None:
    assert nn.one_hot(np.array([0, 2, 5, -1]), 3).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert nn.one_hot(1, 3).tolist() == [0.0, 1.0, 0.0]
    assert nn.one_hot(np.array([[0], [1]]), 2, dtype=jnp.int32).dtype == np.int32
    assert nn.one_hot(np.array([0, 2]), 3, axis=0).tolist() == [[1, 0], [0, 0], [0, 1]]
    assert nn.one_hot(np.zeros((2, 4), int), 3, axis=1).shape == (2, 3, 4)
    found = lantern.jit(lantern.vmap(lambda y: nn.one_hot(y, 4)))(np.array([3, 1]))
    assert found.tolist() == [[0, 0, 0, 1], [0, 1, 0, 0]]
    with pytest.raises(ArgumentError, match="one_hot: axis 2 is out of range"):
        nn.one_hot(np.array([0]), 3, axis=2)


def test_cross_entropy_slope_is_softmax_minus_one_hot() -> None:
    x, y = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32), np.array([0, 1, 2, 3, 3, 0])
    loss = lantern.jit(lantern.grad(lambda s: -jnp.sum(nn.log_softmax(s) * nn.one_hot(y, 4))))
    np.testing.assert_allclose(loss(x), softmax(x.astype(np.float64), -1) - np.eye(4)[y], rtol=1e-5, atol=1e-6)


def test_wrong_axis() -> None:
    with pytest.raises(ArgumentError, match=r"axis 2 is out of range for f32\[2,3\]"):
        nn.softmax(np.ones((2, 3)), axis=2)
