"""Laws that hold for every program: transforms commute with jit, forward and reverse mode agree, batching is a loop."""
from __future__ import annotations

import gc
from typing import Any

import numpy as np
from hypothesis import given, settings

import lantern
import lantern.numpy as jnp
from lantern.trace.check import check_jaxpr
from lantern.trace.staging import Tracer
from tests.laws.programs import SHAPE, Program, programs

GENERATOR = np.random.default_rng(0)
X, Y = (GENERATOR.uniform(0.5, 2.0, SHAPE).astype("f4") for _ in range(2))
DX, DY, CT = (GENERATOR.normal(size=SHAPE).astype("f4") for _ in range(3))
laws = settings(max_examples=40, deadline=None, derandomize=True)


def close(a: Any, b: Any, tolerance: float = 2e-4) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def scalar(f: Program) -> Any:
    return lambda x, y: jnp.sum(f(x, y) * CT)


@laws
@given(programs)
def test_jit_changes_nothing(f: Program) -> None:
    with lantern.default_device("reference"):
        wanted = np.asarray(f(X, Y))
    for device in ("cpu", "emulate"):
        with lantern.default_device(device):
            close(f(X, Y), wanted)
            close(lantern.jit(f)(X, Y), wanted)


@laws
@given(programs)
def test_grad_and_jit_commute(f: Program) -> None:
    loss = scalar(f)
    with lantern.default_device("reference"):
        wanted = [np.asarray(g) for g in lantern.grad(loss, argnums=(0, 1))(X, Y)]
    for g in (lantern.jit(lantern.grad(loss, (0, 1))), lantern.grad(lantern.jit(loss), (0, 1)),
              lantern.jit(lantern.grad(lantern.jit(loss), (0, 1)))):
        for got, w in zip(g(X, Y), wanted, strict=True):
            close(got, w)


@laws
@given(programs)
def test_forward_and_reverse_mode_agree(f: Program) -> None:
    out, tangent = lantern.jvp(f, (X, Y), (DX, DY))
    same, pull = lantern.vjp(lantern.jit(f), X, Y)
    close(out, same)
    gx, gy = pull(CT)
    forward = float(np.sum(np.asarray(tangent) * CT))
    close(forward, float(np.sum(np.asarray(gx) * DX) + np.sum(np.asarray(gy) * DY)), 1e-3)
    _, push = lantern.linearize(f, X, Y)
    close(push(DX, DY), tangent)


@laws
@given(programs)
def test_batching_is_a_loop(f: Program) -> None:
    xs = np.stack([X, X * 0.5, X + 0.1])
    close(lantern.vmap(f, in_axes=(0, None))(xs, Y), np.stack([np.asarray(f(x, Y)) for x in xs]))
    grads = lantern.jit(lantern.vmap(lantern.grad(scalar(f)), in_axes=(0, None)))(xs, Y)
    close(grads, np.stack([np.asarray(lantern.grad(scalar(f))(x, Y)) for x in xs]))


@laws
@given(programs)
def test_programs_are_well_typed_and_print_the_same_twice(f: Program) -> None:
    first, second = (lantern.make_jaxpr(lantern.grad(scalar(f)))(X, Y) for _ in range(2))
    check_jaxpr(first)
    assert str(first) == str(second)
    texts = [lantern.jit(f).lower(X, Y).stage("scheduled") for _ in range(2)]
    assert texts[0] == texts[1]


@settings(max_examples=10, deadline=None, derandomize=True)
@given(programs)
def test_no_tracer_outlives_its_trace(f: Program) -> None:
    lantern.jit(lantern.grad(scalar(f)))(X, Y)
    gc.collect()
    assert not [x for x in gc.get_objects() if type(x) is Tracer]


def test_products_and_folds_of_one_kernel_do_not_share_their_memory() -> None:
    """Two sums of squares behind a product of one element, and the largest square: one kernel on the CPU."""
    def f(x: Any) -> Any:
        y = jnp.exp(0.1 * (x @ x.T))
        return jnp.sum(y * y) + 10.0 * jnp.sum(jnp.sin(y) * jnp.sin(y)) + jnp.max(y * x[:, :1])

    for x in (X[:1], X):
        with lantern.default_device("reference"):
            wanted = np.asarray(f(x))
        for device in ("cpu", "emulate"):
            with lantern.default_device(device):
                close(lantern.jit(f)(x), wanted)
