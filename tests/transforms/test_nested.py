"""Loops in branches in loops, and control flow within transforms within control flow."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import grad, hessian, jit, jvp, lax, make_jaxpr, vmap
from lantern.trace.check import check_jaxpr
from lantern.trace.jaxpr import count_eqns
from tests.transforms.helpers import check_against, close

XS = np.array([0.3, 1.2, -0.5])
START = np.array([0.4, 1.3])


def nested(x: Any, xs: Any) -> Any:
    """A branch in a scan in a scan."""
    def inner(c: Any, y: Any) -> Any:
        c = lax.cond(c > 0.5, lambda c: jnp.sin(c) * x, lambda c: c * c + y, c)
        return c, c * y

    def outer(c: Any, y: Any) -> Any:
        c, ys = lax.scan(inner, c, xs * y)
        return jnp.tanh(c), jnp.sum(ys)

    c, ys = lax.scan(outer, x, xs)
    return c + jnp.sum(ys)


def nested_loop(x: Any, xs: Any) -> Any:
    c, total = x, 0.0
    for i in range(3):
        for k in range(3):
            y = xs[k] * xs[i]
            c = jnp.sin(c) * x if c > 0.5 else c * c + y
            total = total + c * y
        c = jnp.tanh(c)
    return c + total


def sandwich(x: Any, xs: Any) -> Any:
    """A scan in a branch in a scan."""
    def step(c: Any, y: Any) -> Any:
        def long(c: Any) -> Any:
            return lax.scan(lambda c, z: (jnp.sin(c * z) + y, c * x), c, xs)

        def short(c: Any) -> Any:
            return c * y, jnp.ones(3) * c

        c, ys = lax.cond(c * y > 0.1, long, short, c)
        return c, jnp.sum(ys)

    c, ys = lax.scan(step, x, xs)
    return c * jnp.sum(ys)


def sandwich_loop(x: Any, xs: Any) -> Any:
    c, total = x, 0.0
    for i in range(3):
        y = xs[i]
        if c * y > 0.1:
            for k in range(3):
                total = total + c * x
                c = jnp.sin(c * xs[k]) + y
        else:
            total = total + 3 * c
            c = c * y
    return c * total


@pytest.mark.parametrize(("f", "loop"), [(nested, nested_loop), (sandwich, sandwich_loop)])
@pytest.mark.parametrize("x", START)
def test_all_derivatives_equal_those_of_loops(f: Any, loop: Any, x: float) -> None:
    check_against(f, loop, (x, XS))
    close(hessian(lambda z: f(x, z))(XS), hessian(lambda z: loop(x, z))(XS))


@pytest.mark.parametrize(("f", "loop"), [(nested, nested_loop), (sandwich, sandwich_loop)])
def test_batches(f: Any, loop: Any) -> None:
    close(vmap(f, (0, None))(START, XS), [loop(x, XS) for x in START])
    close(vmap(grad(f), (0, None))(START, XS), [grad(loop)(x, XS) for x in START])
    close(vmap(grad(grad(f)), (0, None))(START, XS), [grad(grad(loop))(x, XS) for x in START])
    close(jit(vmap(grad(jit(f)), (0, None)))(START, XS), [grad(loop)(x, XS) for x in START])
    close(grad(lambda z: jnp.sum(vmap(f, (0, None))(z, XS)))(START), [grad(loop)(x, XS) for x in START])
    check_jaxpr(make_jaxpr(vmap(grad(grad(f)), (0, None)))(START, XS))


def test_transforms_within_bodies() -> None:
    """Newton's method: grad of grad in a scan, differentiated; vmap and jvp in bodies."""
    def minimum(a: Any) -> Any:
        def loss(x: Any) -> Any:
            return jnp.exp(x - a) + jnp.exp(a - x) + x * x

        def step(x: Any, _: Any) -> Any:
            return x - grad(loss)(x) / grad(grad(loss))(x), None

        return lax.scan(step, 0.0, length=8)[0]

    h = 1e-5
    close(grad(minimum)(0.7), (minimum(0.7 + h) - minimum(0.7 - h)) / (2 * h), 1e-6)
    close(vmap(grad(minimum))(START), [grad(minimum)(a) for a in START])

    def f(x: Any) -> Any:
        return lax.scan(lambda c, y: (jnp.sum(vmap(lambda z: jnp.sin(z * c) * y)(x)), None), 1.0, XS)[0]

    def same(x: Any) -> Any:
        c = 1.0
        for y in XS:
            c = jnp.sum(jnp.sin(x * c) * y)
        return c

    check_against(f, same, (START,))
    g = lax.scan(lambda c, y: (jvp(jnp.sin, (c,), (y,))[1], None), 1.0, XS)[0]
    c = 1.0
    for y in XS:
        c = np.cos(c) * y
    close(g, c)


def test_jit_within_bodies() -> None:
    inner = jit(lambda c, x: jnp.sin(c) * x)

    def f(x: Any) -> Any:
        return lax.scan(lambda c, y: (lax.cond(y > 0, inner, jit(lambda c, x: c), c, y) + x, None), x, XS)[0]

    def same(x: Any) -> Any:
        c = x
        for y in XS:
            c = (jnp.sin(c) * y if y > 0 else c) + x
        return c

    check_against(f, same, (0.4,))


def mixed(depth: int) -> Any:
    def f(c: Any) -> Any:
        if depth == 0:
            return jnp.tanh(c * jnp.sin(c) + c)
        def body(c: Any, x: Any) -> Any:
            return lax.cond(c > 0, lambda c: mixed(depth - 1)(c) * x, lambda c: jnp.cos(c), c), c
        c, ys = lax.scan(body, c, np.array([1.1, 0.9]))
        return c + jnp.sum(ys)
    return f


def test_mixed_nests_grow_linearly_with_depth() -> None:
    for transform in (grad, lambda f: grad(grad(f)), lambda f: vmap(grad(f))):
        x = np.ones(2) if transform is not grad and "vmap" in transform(mixed(1)).__name__ else 1.0
        sizes = [count_eqns(make_jaxpr(transform(mixed(d)))(x)) for d in (1, 2, 3, 4)]
        steps = np.diff(sizes)
        assert steps[2] <= steps[0] * 3 + 10, sizes


def test_every_device(device: str) -> None:
    x, xs = np.float32(0.4), XS.astype(np.float32)
    for f, loop in ((nested, nested_loop), (sandwich, sandwich_loop)):
        with lantern.default_device("reference"):
            wanted = [np.asarray(g) for g in grad(loop, (0, 1))(x, xs)]
        for g, w in zip(jit(grad(f, (0, 1)))(x, xs), wanted, strict=True):
            close(g, w, 1e-4)
