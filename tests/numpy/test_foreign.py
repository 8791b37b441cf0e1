"""Objects with `__lantern_array__` stand wherever arrays do."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import export, lax, nn, random, tree


class Foreign:
    """Some library's array."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lantern_array__(self) -> Any:
        return self.value


@lantern.custom_vjp
def sine(v: Any) -> Any:
    return jnp.sin(v)


sine.defvjp(lambda v: (jnp.sin(v), v), lambda r, g: (g * jnp.cos(r),))
X = np.array([0.5, 2.0, 1.0], np.float32)
I = np.array([2, 0], np.int32)      # noqa: E741

# functions of a wrapper `w` and an array `x`: the same with and without the wrapper
CASES: dict[str, Callable[[Any, Any], Any]] = {
    "operators": lambda w, x: [x + w(X), x * w(2.5), x @ w(X), x < w(X), x ** w(np.int32(2)), -x % w(X)],
    "functions": lambda w, x: [jnp.sin(w(X)), jnp.add(w(X), w(1)), jnp.sum(w(X)), jnp.cumsum(w(x)), jnp.sort(w(x))],
    "making": lambda w, x: [jnp.asarray(w(X)), jnp.array([w(x), w(X)]), jnp.asarray(w(X), jnp.float16),
                            jnp.zeros_like(w(x)), jnp.full((2,), w(2.5)), jnp.linspace(w(0.0), w(1.0), 3)],
    "joining": lambda w, x: [jnp.stack([w(X), x]), jnp.concatenate([w(X), w(x)]), jnp.pad(w(X), 1)],
    "choosing": lambda w, x: [jnp.where(w(X > 0.7), w(X), x), x[w(I)], x[w(1)], jnp.take(x, w(I)),
                              jnp.searchsorted(w(X), w(x))],
    "updates": lambda w, x: [x.at[w(I)].set(w(np.float32(7))), x.at[0].add(w(2.5)),
                             lax.dynamic_update_slice(x, w(X[:1]), (w(1),))],
    "products": lambda w, x: [jnp.einsum("i,i", w(X), w(x)), jnp.linalg.norm(w(X)), lax.add(w(X), x), nn.relu(w(X))],
    "transforms": lambda w, x: [lantern.jit(lambda v: v * 2)(w(X)), lantern.grad(lambda v: jnp.sum(v ** 2))(w(X)),
                                lantern.vmap(lambda v: v + 1)(w(X)), lantern.jvp(jnp.sin, (w(X),), (w(x),)),
                                lantern.vjp(jnp.sin, w(X))[1](w(x)), lantern.checkpoint(jnp.sin)(w(X)), sine(w(X)),
                                lantern.grad(lambda v: sine(v).sum())(w(X))],
    "results": lambda w, x: [lantern.jit(lambda v: w(v + 1))(x), lantern.grad(lambda v: w(jnp.sum(v)))(x),
                             lantern.vmap(lambda v: w(v))(x)],
    "loops": lambda w, x: [lax.scan(lambda c, r: (w(c + r), w(c)), w(0.0), w(X)), lax.map(jnp.sin, w(X)),
                           lax.while_loop(lambda c: w(c < 3), lambda c: w(c + 1), w(0)),
                           lax.fori_loop(0, 3, lambda i, c: c + w(X), w(x)), lax.associative_scan(jnp.add, w(X))],
    "branches": lambda w, x: [lax.cond(w(True), lambda v: v, lambda v: -v, w(X)),
                              lax.switch(w(1), [jnp.sin, jnp.cos], w(X))],
    "randomness": lambda w, x: [random.normal(w(random.key(1)), (2,)), random.permutation(random.key(1), w(X)),
                                random.uniform(random.key(1), (2,), minval=w(0.5), maxval=w(2.5))],
    "stages": lambda w, x: [lantern.jit(jnp.sin).lower(w(X)).compile()(w(X)), lantern.device_put(w(X)),
                            export.export(lantern.jit(jnp.sin))(w(X)).call(w(X)),
                            lantern.flatten_util.ravel_pytree([w(X), x])[0]],
    "calls": lambda w, x: [lantern.pure_callback(np.sin, lantern.ShapeDtypeStruct((3,), "float32"), w(X))],
}


@pytest.mark.parametrize("name", CASES)
def test_as_an_array(name: str) -> None:
    with lantern.default_device("cpu"):
        x = jnp.asarray(X)
        wrapped, plain = tree.leaves(CASES[name](Foreign, x)), tree.leaves(CASES[name](lambda v: v, x))
    assert [type(v) for v in wrapped] == [type(v) for v in plain]
    for a, b in zip(wrapped, plain, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_numbers_of_64_bits_take_their_default_width() -> None:
    assert jnp.sin(Foreign(np.arange(3.0))).dtype == jnp.float32
    with pytest.raises(OverflowError, match="does not fit"):
        jnp.add(Foreign(np.array([2**40])), 1)


def test_what_gives_no_array_is_named() -> None:
    for call in (jnp.sin, lantern.jit(jnp.sin), lambda v: jnp.ones(2)[v], lantern.device_put):
        with pytest.raises(TypeError, match=r"Foreign.__lantern_array__\(\) must give an array or a number, got "
                                            r"'text' of type str, at test_foreign.py:\d+ in .*\. Return"):
            call(Foreign("text"))
    with pytest.raises(TypeError, match="of type Foreign"):
        jnp.sin(Foreign(Foreign(1.0)))
