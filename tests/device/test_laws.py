"""Random programs on the GPU: value, gradient and batched gradient equal the judge's."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import lantern
import lantern.numpy as jnp
from lantern.backends.wgpu import WgpuBackend
from tests.laws.programs import SHAPE, Program, programs

GENERATOR = np.random.default_rng(2)
X, Y = (GENERATOR.uniform(0.5, 2.0, SHAPE).astype("f4") for _ in range(2))
CT = GENERATOR.normal(size=SHAPE).astype("f4")


def outcomes(f: Any) -> list[np.ndarray]:
    def loss(x: Any, y: Any) -> Any:
        return jnp.sum(f(x, y) * CT)

    each = lantern.vmap(lantern.grad(loss), in_axes=(0, None))
    return [np.asarray(x) for x in (lantern.jit(f)(X, Y), *lantern.jit(lantern.grad(loss, (0, 1)))(X, Y),
                                    lantern.jit(each)(np.stack([X, X * 0.5]), Y))]


def same_as_the_judge(f: Any, device: str) -> None:
    with lantern.default_device("reference"):
        wanted = outcomes(f)
    with lantern.default_device(device):
        for got, want in zip(outcomes(f), wanted, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3 * (1 + np.abs(want).max()))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(f=programs)
def test_random_programs(backend: WgpuBackend, f: Program) -> None:
    same_as_the_judge(f, "gpu")


@pytest.mark.parametrize("steps", [
    (("sqrt", 15, 18), ("log1p", 10, 5), ("outer", 4, 1), ("outer", 19, 2), ("add", 5, 4)),
    (("softmax", 12, 2), ("sub", 9, 7), ("turn", 16, 5), ("tanh", 2, 10), ("sqrt", 2, 1), ("matmul", 12, 5)),
])
def test_programs_that_a_driver_once_got_wrong(backend: WgpuBackend, steps: Any) -> None:
    """Copying a sign with masks, in two tanh of each other, was miscompiled by llvmpipe."""
    same_as_the_judge(Program(steps), "gpu")


def test_a_spread_array_cut_at_both_ends(backend: WgpuBackend) -> None:
    """A slice of an interior padding: the guard of the fused load starts before the first position."""
    def f(x: Any, y: Any) -> Any:
        spread = lantern.lax.pad(x, 0.0, [(1, 2, 1), (0, 1, 2)])
        return spread[2:-1, 1:] * jnp.sum(y)

    def with_weights(x: Any, y: Any) -> Any:
        out = f(x, y)
        return jnp.sum(out * jnp.reshape(jnp.arange(out.size, dtype=jnp.float32), out.shape))

    with lantern.default_device("reference"):
        wanted = np.asarray(lantern.jit(f)(X, Y)), np.asarray(lantern.grad(with_weights)(X, Y))
    with lantern.default_device("gpu"):
        np.testing.assert_allclose(np.asarray(lantern.jit(f)(X, Y)), wanted[0], rtol=1e-5)
        np.testing.assert_allclose(np.asarray(lantern.jit(lantern.grad(with_weights))(X, Y)), wanted[1], rtol=1e-5)


def test_a_fold_over_one_column_between_others(backend: WgpuBackend) -> None:
    """Softmax over an axis of size one, of a sum: a stage with fewer columns than lanes keeps its value."""
    def f(x: Any) -> Any:
        return lantern.nn.softmax(jnp.sum(x, axis=0)[:, None], axis=1) * jnp.exp(jnp.sum(x, axis=0))[:, None]

    x = GENERATOR.normal(size=(5, 33)).astype("f4")
    with lantern.default_device("reference"):
        wanted = np.asarray(lantern.jit(f)(x))
    with lantern.default_device("gpu"):
        np.testing.assert_allclose(np.asarray(lantern.jit(f)(x)), wanted, rtol=1e-4)
