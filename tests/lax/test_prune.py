"""Compiled loops and branches do no more than is read of them."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
from lantern import lax
from lantern import numpy as lnp
from lantern.lower.simplify import simplify
from lantern.trace.jaxpr import Eqn, Jaxpr, Literal
from lantern.transforms.jit import run_impl

X = np.linspace(0.5, 2.0, 4, dtype=np.float32)
ROWS = np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(3, 4)


def pruned(f: Callable[..., Any], *args: Any) -> list[Eqn]:
    """The equations of the simplified function, which gives what the function gives."""
    traced = lantern.jit(f).trace(*args)
    jaxpr, args = traced.jaxpr, (*[np.asarray(c) for c in traced.captured], *args)
    found = simplify(jaxpr)
    for got, wanted in zip(run_impl(found, args), run_impl(jaxpr, args), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6)
    return list(found.eqns)


def only(eqns: list[Eqn], name: str) -> Eqn:
    (eqn,) = [e for e in eqns if e.primitive.name == name]
    return eqn


def test_rows_and_carries_that_nobody_reads() -> None:
    def f(h: Any, xs: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            h, total, count = c
            return (lnp.tanh(h) + x, total + h.sum(), count + 1), (h * 2.0, lnp.exp(x))
        (h, _, _), (rows, _) = lax.scan(step, (h, 0.0, 0), xs)
        return h, rows
    scan = only(pruned(f, X, ROWS), "scan")
    assert len(scan.outvars) == 2 and scan.params["n_carry"] == 1
    assert {e.primitive.name for e in scan.params["jaxpr"].eqns} == {"tanh", "add", "mul"}


def test_a_carry_that_another_one_needs_stays() -> None:
    def f(a: Any, b: Any, c: Any) -> Any:
        return lax.scan(lambda k, _: ((k[1], k[2] * 2.0, k[2] + 1.0), None), (a, b, c), None, length=4)[0][0]
    assert only(pruned(f, X, X, X), "scan").params["n_carry"] == 3


def test_what_stays_is_a_constant() -> None:
    def f(w: Any, h: Any, xs: Any) -> Any:
        return lax.scan(lambda c, x: ((c[0], c[0] * c[1] + x), None), (w, h), xs)[0]
    scan = only(pruned(f, X, X, ROWS), "scan")
    assert (scan.params["n_consts"], scan.params["n_carry"], len(scan.outvars)) == (1, 1, 1)


def test_a_number_that_stays_is_written_in() -> None:
    def f(x: Any) -> Any:
        return lax.while_loop(lambda c: c[0] < c[1], lambda c: (c[0] + c[1], c[1], c[2] * 2.0), (0, 3, x))
    loop = only(pruned(f, X), "while")
    assert len(loop.outvars) == 2 and not loop.params["n_body"]
    assert all(isinstance(e.invars[1], Literal) for e in loop.params["condition"].eqns)


def test_loops_in_loops() -> None:
    """What the inner loop does not need, the outer one does not carry."""
    def f(h: Any, spare: Any) -> Any:
        def inner(c: Any, _: Any) -> Any:
            return (c[0] * 0.5 + 1.0, lnp.sin(c[1])), None

        def outer(c: Any, _: Any) -> Any:
            return lax.scan(inner, c, None, length=2)[0], None
        return lax.scan(outer, (h, spare), None, length=3)[0][0]
    scan = only(pruned(f, X, X), "scan")
    inside: Jaxpr = scan.params["jaxpr"]
    assert scan.params["n_carry"] == 1 and only(list(inside.eqns), "scan").params["n_carry"] == 1


def test_while_keeps_what_its_condition_reads() -> None:
    def f(x: Any, y: Any) -> Any:
        def step(c: Any) -> Any:
            k, x, y, spare = c
            return k + 1, x * y, y, spare * 2.0
        return lax.while_loop(lambda c: c[0] < 5, step, (0, x, y, y))[1]
    loop = only(pruned(f, X, X), "while")
    assert len(loop.outvars) == 2 and loop.params["n_body"] == 1 and loop.params["n_condition"] == 0


def test_branches() -> None:
    def f(p: Any, x: Any, y: Any, z: Any) -> Any:
        return lax.cond(p > 0, lambda x, y, z: (x + y, z), lambda x, y, z: (x - 1.0, lnp.exp(z)), x, y, z)[0]
    cond = only(pruned(f, np.float32(1), X, X, X), "cond")
    assert len(cond.outvars) == 1 and len(cond.invars) == 3


def test_what_is_all_needed_stays_as_it_is() -> None:
    """The same jaxpr, so that what is remembered of it is found again."""
    def f(h: Any, xs: Any) -> Any:
        return lax.scan(lambda h, x: (h * x, h + x), h, xs)
    jaxpr = lantern.jit(f).trace(X, ROWS).jaxpr
    assert only(list(simplify(jaxpr).eqns), "scan").params["jaxpr"] is only(list(jaxpr.eqns), "scan").params["jaxpr"]


@pytest.mark.parametrize("length", [0, 1, 3])
def test_effects_stay(length: int) -> None:
    heard: list[float] = []

    def f(x: Any) -> Any:
        def step(c: Any, _: Any) -> Any:
            lantern.debug.callback(lambda v: heard.append(float(v)), c.sum(), ordered=True)
            return c * 2.0, c
        lax.scan(step, x, None, length=length)
        return x
    lantern.jit(f)(X)
    assert heard == pytest.approx([float(X.sum()) * 2 ** k for k in range(length)])
