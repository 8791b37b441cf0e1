"""Fences: aliases that CSE and fusion do not see through, and that cost nothing in the program."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.lower.build import build
from lantern.lower.graph import Fence, Node, without_fences
from lantern.lower.kernel import Dispatch
from lantern.lower.passes import InnerLowering
from lantern.lower.simplify import simplify
from lantern.trace.jaxpr import Jaxpr
from lantern.transforms.remat import fence_p, fenced

X = jnp.array([0.5, 1.0, 2.0])


def jaxpr_of(f: Any, *args: Any) -> Jaxpr:
    return simplify(lantern.make_jaxpr(f)(*args))


def count(jaxpr: Jaxpr, name: str) -> int:
    return sum(e.primitive.name == name for e in jaxpr.eqns)


def twice(x: Any) -> Any:
    return jnp.exp(x) + jnp.exp(fenced([x])[0])


def test_equations_on_both_sides_are_not_shared() -> None:
    assert count(jaxpr_of(twice, X), "exp") == 2
    assert count(jaxpr_of(lambda x: jnp.exp(x) + jnp.exp(x), X), "exp") == 1
    assert count(jaxpr_of(lambda x: twice(x) + twice(x), X), "fence") == 2     # fences neither


def test_fences_that_nobody_reads_go() -> None:
    assert count(jaxpr_of(lambda x: (fenced([x]), x * 2.0)[1], X), "fence") == 0


def test_fusion_does_not_see_through() -> None:
    def chain(x: Any) -> Any:
        y = jnp.exp(x) * 2.0
        return jnp.sin(fenced([y])[0]) + y

    assert len(lantern.jit(chain).lower(X).kernels) == 2
    assert len(lantern.jit(lambda x: jnp.sin(jnp.exp(x)) + x).lower(X).kernels) == 1


def test_programs_hold_no_copies() -> None:
    lowered = lantern.jit(lambda x, y: fenced([x * 2.0, y], [y])).lower(X, X)
    assert len([s for s in lowered.program.steps if isinstance(s, Dispatch)]) == 1
    assert lowered.program.outputs[1] == lowered.program.inputs[1]
    assert "fence" in lowered.stage("simplified")


def test_a_kernel_that_reads_both_sides_binds_the_memory_once() -> None:
    jaxpr = jaxpr_of(lambda x: jnp.sin(x) * fenced([x])[0] + x[::-1], X)
    target = lantern.devices("cpu")[0].backend.target
    graph = build(jaxpr, target, InnerLowering(target))
    assert any(isinstance(n, Fence) for n in graph.nodes)
    dissolved = without_fences(graph)
    assert all(isinstance(n, Node) and len(set(n.args)) == len(n.args) for n in dissolved.nodes)
    assert without_fences(dissolved) is dissolved


@pytest.mark.parametrize("wait", [False, True])
def test_values(wait: bool, device: str) -> None:
    def f(x: Any, y: Any) -> Any:
        a, b, c = fenced([x, y * 2.0, x], [jnp.sum(y)] if wait else [])
        return jnp.sin(x) * a + b[::-1] * y + c, a

    x, y = X, X + 1.0
    want = (np.sin(x) * x + (2 * np.asarray(y))[::-1] * y + x, x)
    for g in (f, lantern.jit(f)):
        for got, expected in zip(g(x, y), want, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-6)
    mapped = lantern.jit(lantern.vmap(f, (0, None)))(jnp.stack([x, x]), y)
    for got, expected in zip(mapped, want, strict=True):
        np.testing.assert_allclose(got[1], expected, rtol=1e-6)


def test_fences_in_loops_and_branches(device: str) -> None:
    def step(c: Any, r: Any) -> Any:
        a, b = fenced([c, r])
        return b, a

    last, rows = lantern.jit(lambda xs: lantern.lax.scan(step, jnp.zeros(()), xs))(X)
    assert float(last) == 2.0 and rows.tolist() == [0.0, 0.5, 1.0]
    both = lantern.jit(lambda p, x: lantern.lax.cond(p, lambda x: fenced([x])[0], lambda x: x * 2.0, x))
    assert both(True, X).tolist() == X.tolist() and both(False, X).tolist() == (2 * X).tolist()


def test_derivatives_pass() -> None:
    assert lantern.grad(lambda x: jnp.sum(jnp.sin(fenced([x])[0])))(X).tolist() == jnp.cos(X).tolist()
    assert lantern.linear_transpose(lambda x: fenced([x, x])[0], X)(X)[0].tolist() == X.tolist()
    assert fence_p.transpose is not None
