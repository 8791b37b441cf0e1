"""Reductions against NumPy: axes, keepdims, dtypes, masks, nothing to reduce, NaN."""
from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import ArgumentError

RNG = np.random.default_rng(0)
FLOATS = RNG.normal(size=(2, 3, 4)).astype(np.float32)
AXES: list[Any] = [None, 0, 1, -1, (0, 1), (-1, 0), (0, 1, 2), ()]


def close(found: Any, wanted: Any, tolerance: float = 2e-6) -> None:
    """Shapes and values agree."""
    assert found.shape == np.shape(wanted)
    np.testing.assert_allclose(np.asarray(found).astype(np.float64), np.asarray(wanted, np.float64), tolerance,
                               tolerance)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "var", "std", "amax", "amin", "ptp"])
@pytest.mark.parametrize(("axis", "keepdims"), list(itertools.product(AXES, [False, True])))
def test_floats(name: str, axis: Any, keepdims: bool) -> None:
    wanted = getattr(np, name)(FLOATS.astype(np.float64), axis=axis, keepdims=keepdims)
    close(getattr(jnp, name)(FLOATS, axis, keepdims=keepdims), wanted)


@pytest.mark.parametrize("name", ["all", "any", "count_nonzero"])
@pytest.mark.parametrize("axis", AXES)
def test_truth(name: str, axis: Any) -> None:
    x = RNG.random((2, 3, 4)) < 0.8
    found = getattr(jnp, name)(x, axis)
    close(found, getattr(np, name)(x, axis=axis))
    assert found.dtype == (np.int32 if name == "count_nonzero" else np.bool_)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_positions(name: str, axis: Any) -> None:
    x = RNG.integers(0, 3, (3, 4, 5))
    for values in (x, x.astype(np.float32), x > 1):
        for keepdims in (False, True):
            found = getattr(jnp, name)(values, axis, keepdims=keepdims)
            assert found.dtype == np.int32
            close(found, getattr(np, name)(values, axis=axis, keepdims=keepdims))


def test_dtypes() -> None:
    for dtype, wanted in ((np.bool_, np.int32), (np.int8, np.int32), (np.uint8, np.uint32), (np.int32, np.int32),
                          (np.float16, np.float16), (np.float32, np.float32)):
        x = np.array([1, 0, 1], dtype)
        assert jnp.sum(x).dtype == wanted
        assert jnp.prod(x).dtype == wanted
        assert jnp.max(x).dtype == dtype
        assert jnp.mean(x).dtype == (dtype if dtype == np.float16 else np.float32)
    assert jnp.sum(np.uint8([200, 100])).item() == 300
    assert jnp.sum(np.arange(3), dtype=jnp.float16).dtype == np.float16
    assert jnp.max(np.array([False, True])).item() is True
    assert jnp.min(np.array([False, True])).item() is False


def test_half_precision_is_summed_in_single() -> None:
    x = np.full(4096, 1 + 2 ** -10, np.float16)
    assert jnp.sum(x).item() == np.float16(x.astype(np.float32).sum())
    assert jnp.mean(x).item() == np.float16(1 + 2 ** -10)
    assert jnp.mean(np.full(4096, 60000, np.float16)).item() == 60000


def test_masks_and_initial() -> None:
    mask = FLOATS > 0
    close(jnp.sum(FLOATS, 1, where=mask), np.sum(FLOATS, 1, where=mask))
    close(jnp.prod(FLOATS, 1, where=mask, initial=2.0), np.prod(FLOATS, 1, where=mask, initial=2.0))
    close(jnp.max(FLOATS, 1, where=mask, initial=-1.0), np.max(FLOATS, 1, where=mask, initial=-1.0))
    close(jnp.min(FLOATS, 1, where=mask[0, 0], initial=9.0), np.min(FLOATS, 1, where=mask[0, 0], initial=9.0))
    close(jnp.mean(FLOATS, 2, where=mask | (FLOATS < -1)), np.mean(FLOATS, 2, where=mask | (FLOATS < -1)))
    close(jnp.var(FLOATS, where=mask, ddof=1), np.var(FLOATS, where=mask, ddof=1))
    close(jnp.any(FLOATS > 1, 0, where=mask), np.any(FLOATS > 1, 0, where=mask))
    close(jnp.all(FLOATS > 1, 0, where=mask), np.all(FLOATS > 1, 0, where=mask))
    close(jnp.max(np.array([3, 9]), where=np.array([True, False]), initial=0), 3)
    close(jnp.sum(FLOATS, initial=10), np.sum(FLOATS, initial=10))
    with pytest.raises(ArgumentError, match="`where` needs `initial`"):
        jnp.max(FLOATS, where=mask)


def test_spread_and_weights() -> None:
    close(jnp.std(FLOATS, 1, ddof=1), np.std(FLOATS, 1, ddof=1))
    close(jnp.var(FLOATS + 1000, 0), np.var(FLOATS.astype(np.float64) + 1000, 0), 1e-4)
    close(jnp.average(FLOATS, 1, np.array([1.0, 2.0, 3.0])), np.average(FLOATS, 1, np.array([1.0, 2.0, 3.0])))
    close(jnp.average(FLOATS, weights=np.abs(FLOATS)), np.average(FLOATS, weights=np.abs(FLOATS)))
    with pytest.raises(ArgumentError,
                       match=r"average: weights of shape \(2,\) fit neither f32\[2,3,4\] nor its axis 1"):
        jnp.average(FLOATS, 1, np.ones(2))


def test_nothing() -> None:
    empty = np.zeros((0, 3), np.float32)
    assert jnp.sum(empty, 0).tolist() == [0.0] * 3
    assert jnp.prod(empty, 0).tolist() == [1.0] * 3
    assert jnp.all(empty > 0).item() is True
    assert jnp.any(empty > 0).item() is False
    assert np.isnan(np.asarray(jnp.mean(empty, 0))).all()
    assert jnp.max(empty, initial=5.0).item() == 5.0
    assert jnp.max(empty, 0, initial=5).tolist() == [5.0] * 3
    assert jnp.max(empty, 1).shape == (0,)
    for name in ("max", "min", "argmax", "argmin"):
        with pytest.raises(ArgumentError, match=rf"{name}: the {name} of no elements is not defined, got f32\[0,3\]"):
            getattr(jnp, name)(empty, 0)
        with pytest.raises(ArgumentError, match=rf"{name}: .*, at test_reductions.py"):
            getattr(jnp, name)(empty)


def test_nan() -> None:
    x = np.array([1.0, np.nan, 3.0, np.nan], np.float32)
    assert np.isnan(jnp.max(x).item())
    assert np.isnan(jnp.min(x).item())
    assert jnp.argmax(x).item() == 1
    assert jnp.argmin(x).item() == 1
    assert jnp.any(np.array([np.nan])).item() is True


def test_wrong_axes() -> None:
    for name in ("sum", "max", "mean", "all", "argmax", "var"):
        with pytest.raises(ArgumentError,
                           match=rf"{name}: axis 3 is out of range for \w+\[2,3,4\] \(rank 3\), at test_red"):
            getattr(jnp, name)(FLOATS, 3)
    with pytest.raises(ArgumentError, match=r"sum: axes must differ, got \(0, 0\)"):
        jnp.sum(FLOATS, (0, 0))


def test_derivatives() -> None:
    x = np.array([1.0, 3.0, 3.0], np.float32)
    assert lantern.grad(jnp.max)(x).tolist() == [0.0, 0.5, 0.5]
    assert lantern.grad(jnp.sum)(x).tolist() == [1.0, 1.0, 1.0]
    assert lantern.grad(jnp.prod)(np.array([2.0, 0.0, 3.0], np.float32)).tolist() == [0.0, 6.0, 0.0]
    np.testing.assert_allclose(lantern.grad(jnp.var)(x), 2 * (x - x.mean()) / 3, rtol=1e-6)


def test_methods() -> None:
    x = jnp.asarray(FLOATS)
    close(x.sum(1, keepdims=True), FLOATS.sum(1, keepdims=True))
    close(x.mean(), FLOATS.mean())
    close(x.std(0, ddof=1), FLOATS.std(0, ddof=1))
    close(x.argmax(-1), FLOATS.argmax(-1))
    assert (x > 9).any().item() is False
