"""Running sums and their kin against NumPy: axes, directions, dtypes, NaN, infinities, derivatives."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern.numpy as jnp
from lantern import grad, jit, lax, vmap
from lantern.errors import ArgumentError, ShapeError

GENERATOR = np.random.default_rng(0)
TWINS: dict[str, Callable[..., Any]] = {
    "cumsum": np.cumsum, "cumprod": np.cumprod, "cummax": np.maximum.accumulate, "cummin": np.minimum.accumulate,
    "cumlogsumexp": np.logaddexp.accumulate,
}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("name", TWINS)
def test_equals_numpy(name: str, axis: int, reverse: bool) -> None:
    f = getattr(lax, name)
    for n in (0, 1, 2, 5, 8):
        x = GENERATOR.normal(size=(n, 3)).astype(np.float32)
        wanted = np.flip(TWINS[name](np.flip(x, axis), axis), axis) if reverse else TWINS[name](x, axis)
        for got in (f(x, axis, reverse), jit(lambda x: f(x, axis, reverse))(x), f(jnp.asarray(x), axis, reverse)):
            assert got.dtype == np.float32
            np.testing.assert_allclose(np.asarray(got), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "cummax", "cummin"])
def test_integers_stay_integers(name: str) -> None:
    x = GENERATOR.integers(-5, 5, 9).astype(np.int8)
    got = getattr(lax, name)(x)
    assert got.dtype == np.int8
    assert np.array_equal(np.asarray(got), TWINS[name](x, dtype=np.int8) if "cum" in TWINS[name].__name__
                          else TWINS[name](x))


def test_nan_and_infinities() -> None:
    x = np.float32([1, np.nan, 3, 2])
    for name in ("cummax", "cummin", "cumsum"):
        assert np.isnan(np.asarray(getattr(lax, name)(x))[1:]).all(), name
    low = np.float32([-np.inf, -np.inf, 0, np.inf, 1])
    assert np.asarray(lax.cumlogsumexp(low)).tolist() == [-np.inf, -np.inf, 0, np.inf, np.inf]
    slope = np.asarray(grad(lambda x: lax.cumlogsumexp(x)[2])(low[:3]))
    np.testing.assert_allclose(slope, [0, 0, 1])


def test_derivatives() -> None:
    x = np.float32([0.5, 0.0, 2.0, -1.0])
    np.testing.assert_allclose(np.asarray(grad(lambda x: jnp.sum(lax.cumsum(x)))(x)), [4, 3, 2, 1])
    # prefixes of a product with a zero: no division
    np.testing.assert_allclose(np.asarray(grad(lambda x: jnp.sum(lax.cumprod(x)))(x)), [1, 0.5 + 1 - 1, 0, 0])
    np.testing.assert_allclose(np.asarray(grad(lambda x: lax.cummax(x)[3])(x)), [0, 0, 1, 0])
    soft = np.exp(x) / np.exp(x).sum()
    np.testing.assert_allclose(np.asarray(grad(lambda x: lax.cumlogsumexp(x)[-1])(x)), soft, rtol=1e-5)
    rows = np.stack([x, x[::-1]])
    np.testing.assert_allclose(np.asarray(vmap(lax.cumsum)(rows)), np.cumsum(rows, 1), rtol=1e-6)


def test_messages() -> None:
    with pytest.raises(ArgumentError, match=r"cumsum: .*2.*f32\[3\]"):
        lax.cumsum(np.zeros(3), 2)
    with pytest.raises(ShapeError, match=r"add: wanted numbers, got bool\[\d\]"):
        lax.cumsum(np.zeros(3, bool))
    with pytest.raises(TypeError, match="cumprod: wanted an array or a number, got str"):
        lax.cumprod("abc")
