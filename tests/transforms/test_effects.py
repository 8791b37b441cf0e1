"""Effects inside bodies happen once for each step that runs, in order, whatever transform is around, and are never
removed as dead code."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
from lantern import debug, grad, jit, jvp, lax, linearize, vjp, vmap

XS = np.float32([1, 2, 3])
STEPS = [("x", 10.0), ("c", 1.0), ("x", 20.0), ("c", 1.0), ("x", 30.0), ("c", 2.0)]
SEEN: list[tuple[str, Any]] = []


def note(name: str) -> Callable[[Any], None]:
    return lambda x: SEEN.append((name, np.asarray(x).tolist()))


def seen(f: Callable[..., Any], *args: Any) -> list[tuple[str, Any]]:
    SEEN.clear()
    lantern.device_get(f(*args))
    return list(SEEN)


def product(x: Any) -> Any:
    def step(c: Any, y: Any) -> Any:
        debug.callback(note("x"), y * 10)
        debug.callback(note("c"), c)
        return c * y, None

    return lax.scan(step, x, XS)[0]


TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "eager": product,
    "jit": jit(product),
    "grad": grad(product),
    "jit of grad": jit(grad(product)),
    "grad of jit": grad(jit(product)),
    "grad of grad": grad(grad(product)),
    "jvp": lambda x: jvp(product, (x,), (1.0,))[1],
    "linearize": lambda x: linearize(product, x)[1](1.0),
    "vjp": lambda x: vjp(product, x)[1](1.0),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_each_step_of_a_scan(device: str, name: str) -> None:
    assert seen(TRANSFORMS[name], 1.0) == STEPS


def test_each_element_of_a_batch(device: str) -> None:
    for f in (vmap(product), jit(vmap(product))):
        found = seen(f, XS)
        assert [v for n, v in found if n == "x"] == [10.0, 20.0, 30.0]
        assert [v for n, v in found if n == "c"] == [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 2.0, 4.0, 6.0]


def test_a_loop_whose_results_nobody_reads_runs_for_its_effect(device: str) -> None:
    def f(x: Any) -> Any:
        lax.scan(lambda c, y: (debug.callback(note("d"), y), (c, None))[1], 0.0, XS)
        return x * 2

    for g in (f, jit(f), grad(f), jit(grad(f)), grad(jit(f))):
        assert seen(g, 1.0) == [("d", 1.0), ("d", 2.0), ("d", 3.0)]


def test_an_effect_that_depends_on_constants_alone_happens_at_each_step(device: str) -> None:
    def f(x: Any) -> Any:
        def step(c: Any, y: Any) -> Any:
            debug.callback(note("w"), x)
            return c * x, None
        return lax.scan(step, x, XS)[0]

    for g in (f, jit(f), grad(f), jit(grad(f)), grad(grad(f))):
        assert seen(g, 2.0) == [("w", 2.0)] * 3


def test_each_step_of_a_while_loop_once(device: str) -> None:
    """Also where the loop runs twice, for values and for tangents."""
    def f(x: Any) -> Any:
        def test(s: Any) -> Any:
            debug.callback(note("test"), s[0], ordered=True)
            return s[0] < 2

        def step(s: Any) -> Any:
            debug.callback(note("step"), s[0], ordered=True)
            return s[0] + 1, s[1] * x
        return lax.while_loop(test, step, (0, x))[1]

    wanted = [("test", 0), ("step", 0), ("test", 1), ("step", 1), ("test", 2)]
    for g in (f, jit(f), lambda x: jvp(f, (x,), (1.0,))[1], lambda x: linearize(f, x)[1](1.0),
              lambda x: linearize(jit(f), x)[1](1.0), jit(lambda x: jvp(f, (x,), (1.0,))[1])):
        assert seen(g, 2.0) == wanted


def test_only_the_branch_taken(device: str) -> None:
    def f(x: Any) -> Any:
        def yes(x: Any) -> Any:
            debug.callback(note("yes"), x)
            return x * 2

        def no(x: Any) -> Any:
            debug.callback(note("no"), x)
            return x * 3
        return lax.cond(x > 0, yes, no, x)

    for g in (f, jit(f), grad(f), jit(grad(f)), grad(jit(f))):
        assert seen(g, 2.0) == [("yes", 2.0)]
        assert seen(g, -2.0) == [("no", -2.0)]


def test_effects_in_nested_bodies(device: str) -> None:
    def f(x: Any) -> Any:
        def inner(c: Any, y: Any) -> Any:
            return lax.cond(y > 1, lambda c: (debug.callback(note("in"), y), c * y)[1], lambda c: c, c), None

        return lax.scan(lambda c, _: (lax.scan(inner, c, XS)[0], None), x, length=2)[0]

    for g in (f, jit(f), grad(f), jit(grad(f))):
        assert seen(g, 1.0) == [("in", 2.0), ("in", 3.0)] * 2
