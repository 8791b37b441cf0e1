"""Rules of custom functions in files, wherever these are called: a loaded function has the same derivatives."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import export, lax

F = Callable[..., Any]


@lantern.custom_vjp
def clip(x: Any, low: Any) -> Any:
    return jnp.maximum(x, low)


clip.defvjp(lambda x, low: (jnp.maximum(x, low), (x,)), lambda r, g: (g * jnp.sin(r[0]), jnp.sum(g) * 0 + 7.0))


@partial(lantern.custom_jvp, nondiff_argnums=(1,))
def power(x: Any, n: int) -> Any:
    return x ** n


power.defjvp(lambda n, p, t: (power(p[0], n), 10.0 * t[0] * p[0]))


@lantern.custom_jvp
def times(i: Any, x: Any) -> Any:
    return x * i


times.defjvp(lambda p, t: (times(*p), 5.0 * t[1] * p[1]), symbolic_zeros=True)

CASES: dict[str, F] = {
    "mapped": lambda x: lantern.vmap(lambda v: clip(v, 0.5).sum())(x).sum(),
    "mapped, both operands": lambda x: lantern.vmap(lambda v: clip(v, v[0]).sum())(x).sum(),
    "mapped, with a static argument": lambda x: lantern.vmap(lambda v: power(v, 2).sum())(x).sum(),
    "in a loop": lambda x: lax.scan(lambda c, r: (clip(c * r.sum(), 0.1), c), 1.0, x)[0],
    "in branches": lambda x: lax.cond(x.sum() > 0, lambda v: power(v, 2).sum(), lambda v: clip(v, 0.0).sum(), x),
    "with an integer": lambda x: times(jnp.int32(3), x).sum(),
    "in checkpoint": lambda x: lantern.checkpoint(lambda v: power(v, 2))(x).sum(),
    "in jit": lambda x: lantern.jit(lambda v: clip(v, 0.3))(x).sum(),
    "in a gradient": lambda x: (lantern.grad(lambda v: clip(v, 0.3).sum())(x) * x).sum(),
}
X = np.linspace(0.1, 1.0, 6, dtype=np.float32).reshape(2, 3)


def twice(f: F) -> F:
    return lantern.grad(lambda x: (lantern.grad(f)(x) ** 2).sum())


@pytest.mark.parametrize("name", CASES)
def test_the_same_derivatives(name: str) -> None:
    f = CASES[name]
    batch = np.stack([X, 2 * X])
    with lantern.default_device("cpu"):
        exported = export.export(lantern.jit(f))(X)
        once, second = [export.deserialize(exported.serialize(vjp_order=n)).call for n in (1, 2)]
        for of, loaded, x in ((lambda g: g, once, X), (lantern.grad, once, X), (twice, second, X),
                              (lambda g: lantern.vmap(lantern.grad(g)), once, batch),
                              (lambda g: lantern.grad(lambda b: lantern.vmap(g)(b).sum()), once, batch)):
            np.testing.assert_allclose(of(loaded)(x), of(f)(x), rtol=1e-5)
