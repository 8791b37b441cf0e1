"""Texts of whole programs: what a user's function becomes, from the jaxpr to WGSL. Needs no adapter."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lantern
import lantern.numpy as jnp
from lantern import nn, random, tree
from lantern.backends.wgpu.render import render
from lantern.examples import digits
from lantern.lower.kernel import Target
from lantern.lower.passes import lower_jaxpr
from lantern.transforms.physical import physical

Golden = Callable[[str, str], None]
PORTABLE = Target("wgpu", max_buffers=7, max_binding=1 << 27, recompute=True)      # the least that WebGPU promises
STEP_KERNELS = 13   # three draw the batch, ten compute; a changed count wants a line in docs/decisions


def layer(w: Any, b: Any, x: Any) -> Any:
    return jnp.tanh(x @ w + b)


def loss(params: Any, x: Any) -> Any:
    return jnp.mean(layer(params["w"], params["b"], x) ** 2)


def rnn(w: Any, start: Any, xs: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = jnp.tanh(h @ jnp.sin(w) + x)
        return h, jnp.sum(h)

    return jnp.sum(lantern.lax.scan(step, start, xs)[1])


PARAMS = {"w": jnp.zeros((3, 4)), "b": jnp.zeros(4)}


@pytest.mark.parametrize(("name", "f", "args"), [
    ("layer", layer, (PARAMS["w"], PARAMS["b"], jnp.zeros((2, 3)))),
    ("grad", lantern.grad(loss), (PARAMS, jnp.zeros((2, 3)))),
    ("grad_of_jit", lantern.jit(lantern.grad(lantern.jit(loss))), (PARAMS, jnp.zeros((2, 3)))),
    ("per_example", lantern.vmap(lantern.grad(loss), in_axes=(None, 0)), (PARAMS, jnp.zeros((5, 3)))),
    ("collective", lantern.vmap(lambda x: x / lantern.lax.psum(x, "batch"), axis_name="batch"), (jnp.zeros(3),)),
    ("second", lantern.grad(lantern.grad(lambda x: jnp.sin(x) * x)), (1.0,)),
    ("softmax", nn.softmax, (jnp.zeros((2, 3)),)),
    ("grad_of_scan", lantern.grad(rnn), (PARAMS["w"][:3, :3], jnp.zeros(3), jnp.zeros((5, 3)))),
], ids=lambda x: x if isinstance(x, str) else "")
def test_jaxprs(golden: Golden, name: str, f: Any, args: tuple[Any, ...]) -> None:
    golden(f"jaxpr/{name}.txt", str(lantern.make_jaxpr(f)(*args)) + "\n")


def digits_step() -> Any:
    """The jaxpr of the example's update step, on data of a fixed size."""
    with lantern.default_device("cpu"):
        data = digits.Data(jnp.zeros((1437, 64)), jnp.zeros(1437, jnp.int32), jnp.zeros((360, 64)),
                           jnp.zeros(360, jnp.int32))
        params = digits.initial_params(random.key(0))
        state = digits.State(params, tree.map(jnp.zeros_like, params))
        return digits.update.trace(state, data, random.key(1)).jaxpr


def test_the_digits_step(golden: Golden) -> None:
    """Kernels are counted, and each one is readable WGSL with the user's lines above its statements."""
    lowering = lower_jaxpr(physical(digits_step()), PORTABLE)
    kernels = lowering.program.kernels
    texts = [render(k, PORTABLE).text for k in kernels]
    golden("digits/fused.txt", lowering.stages["fused"]() + "\n")
    golden("digits/step.wgsl", f"// {len(kernels)} kernels\n\n" + "\n".join(texts))
    assert len(kernels) == STEP_KERNELS
    for text in texts:
        assert "// digits.py:" in text, text
