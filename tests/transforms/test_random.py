"""Random nests of loops and branches: staged, they do what Python does with the same functions under `disable_jit`."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import debug, grad, jit, jvp, lax, vmap
from tests.transforms.helpers import close

Carry = tuple[Any, Any]
Step = Callable[[Carry, Any], Carry]


def arithmetic(r: np.random.Generator) -> Step:
    """A little arithmetic; some parts of the carry stay as they are, or lose their derivative."""
    kind, factor = r.integers(6), float(r.uniform(0.5, 1.5))

    def step(c: Carry, x: Any) -> Carry:
        a, b = c
        return [(jnp.sin(a * x) + b, b), (a, jnp.tanh(b + x) * factor), (b, a * factor), (a * jnp.cos(b), b * x),
                (a + jnp.sum(b) * x, lax.stop_gradient(b)), (jnp.exp(-a * a), a - b * 0.5)][kind]

    return step


def program(r: np.random.Generator, depth: int) -> Step:
    """Steps in a row, each arithmetic, a scan, a branch or a counted loop."""
    parts = [nest(r, depth) if depth and r.random() < 0.7 else arithmetic(r) for _ in range(r.integers(1, 3))]

    def run(c: Carry, x: Any) -> Carry:
        for part in parts:
            c = part(c, x)
        return c

    return run


def nest(r: np.random.Generator, depth: int) -> Step:
    inner, other = program(r, depth - 1), program(r, depth - 1)
    kind, reverse, use_ys, unroll = r.integers(4), bool(r.integers(2)), bool(r.integers(2)), int(r.integers(1, 3))
    length, bound = int(r.integers(0, 4)), float(r.normal())

    def scan(c: Carry, x: Any) -> Carry:
        def body(c: Carry, y: Any) -> tuple[Carry, Any]:
            new = inner(c, y + x)
            return new, (new[0] * y, c[1])

        rows = jnp.stack([x * k for k in (0.5, -1.0, 2.0)][:length]) if length else jnp.zeros((0, *x.shape))
        (a, b), (ys, zs) = lax.scan(body, c, rows, reverse=reverse, unroll=unroll)
        return (a + jnp.sum(ys, 0), b) if use_ys else (a, b * 0.5 + jnp.sum(zs, 0))

    def cond(c: Carry, x: Any) -> Carry:
        return lax.cond(jnp.sum(c[0]) > bound, inner, other, c, x)

    def switch(c: Carry, x: Any) -> Carry:
        return lax.switch(jnp.floor(jnp.sum(c[1])).astype(int), [inner, other, lambda c, x: c], c, x)

    def counted(c: Carry, x: Any) -> Carry:
        return lax.fori_loop(0, length, lambda i, c: inner(c, x * i), c)

    return (scan, cond, switch, counted)[kind]


@pytest.mark.parametrize("seed", range(20))
def test_random_nests(seed: int) -> None:
    run = program(np.random.default_rng(seed), 3)
    a, b, x, along = np.random.default_rng(seed).uniform(-1, 1, (4, 2))

    def f(a: Any, b: Any, x: Any) -> Any:
        c = run((a, b), x)
        return jnp.sum(c[0] * along) + jnp.sum(c[1])

    def slope(a: Any, b: Any, x: Any) -> Any:
        return sum([jnp.sum(g * along) for g in grad(f, (0, 1, 2))(a, b, x)])

    points = (a, b, x)
    with debug.disable_jit():
        wanted = [np.asarray(w) for w in (f(*points), *grad(f, (0, 1, 2))(*points), *grad(slope, (0, 1, 2))(*points))]
        others = [np.asarray(f(a + k, b, x)) for k in range(3)]
        slopes = [np.asarray(grad(f)(a + k, b, x)) for k in range(3)]
    found = (f(*points), *grad(f, (0, 1, 2))(*points), *grad(slope, (0, 1, 2))(*points))
    for got, w in zip(found, wanted, strict=True):
        close(got, w, 1e-8)
    compiled = jit(lambda *xs: (f(*xs), *grad(jit(f), (0, 1, 2))(*xs), *grad(jit(slope), (0, 1, 2))(*xs)))
    for got, w in zip(compiled(*points), wanted, strict=True):
        close(got, w, 1e-8)
    close(jvp(f, points, (along, along, along))[1], sum([np.sum(w * along) for w in wanted[1:4]]), 1e-8)
    many = np.stack([a + k for k in range(3)])
    close(vmap(f, (0, None, None))(many, b, x), others, 1e-8)
    close(vmap(grad(f), (0, None, None))(many, b, x), slopes, 1e-8)
    close(grad(lambda many: jnp.sum(vmap(f, (0, None, None))(many, b, x)))(many), slopes, 1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_random_nests_on_every_device(device: str, seed: int) -> None:
    run = program(np.random.default_rng(seed), 3)
    a, b, x = np.random.default_rng(seed).uniform(-1, 1, (3, 2)).astype(np.float32)

    def f(a: Any, b: Any, x: Any) -> Any:
        c = run((a, b), x)
        return jnp.sum(c[0]) + jnp.sum(c[1])

    with lantern.default_device("reference"):
        wanted = [np.asarray(w) for w in grad(f, (0, 1, 2))(a, b, x)]
    for got, w in zip(jit(grad(f, (0, 1, 2)))(a, b, x), wanted, strict=True):
        close(got, w, 1e-3)
