"""Loops, branches and calls of the host through all passes: values, memory, order, kernels counted, faults caught."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lantern.backends.emulate import run_program
from lantern.lower.kernel import HostCall, Run
from lantern.ops import compare, dot, elementwise, reduce
from lantern.ops.broadcast import broadcast_in_dim
from lantern.trace.jaxpr import literal
from tests.lower.helpers import CPU, GPU, both, f32, i32, lower
from tests.lower.regions import branch, call, loop, while_loop


def agree(f: Callable[..., Any], *avals: Any) -> None:
    for target in (CPU, GPU):
        for wanted, got in zip(*both(f, *avals, target=target), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=1e-6)


def recurrence(w: Any, h: Any, xs: Any) -> Any:
    """h = tanh(h @ w + x), keeping every h and its sum."""
    def step(w: Any, h: Any, x: Any) -> Any:
        h = elementwise.tanh(elementwise.sub(dot.dot_general(h, w, ((1,), (0,))), x))
        return [h, h, reduce.reduce_sum(h, (0, 1))]
    return loop(step, [w], [h], [xs], 5)


def test_a_recurrence() -> None:
    agree(recurrence, f32(3, 3), f32(2, 3), f32(5, 2, 3))


def test_a_loop_in_reverse_over_several_arrays() -> None:
    def f(a: Any, x: Any, y: Any) -> Any:
        return loop(lambda a, x, y: [elementwise.sub(elementwise.mul(a, x), reduce.reduce_sum(y, (0,))), a, y], [], [a],
                    [x, y], 4, reverse=True)
    agree(f, f32(), f32(4), f32(4, 3))


def test_carries_that_stay_are_swapped_and_are_constant() -> None:
    one = literal(1.0, np.dtype("float32"))

    def f(a: Any, b: Any, c: Any, d: Any) -> Any:
        return loop(lambda k, a, b, c, d: [b, a, c, one, k, a, a, one], [a], [a, b, c, d], [], 3)
    agree(f, f32(), f32(), f32(), f32())


@pytest.mark.parametrize("length", [0, 1])
def test_short_loops(length: int) -> None:
    def f(a: Any, x: Any, y: Any) -> Any:
        return loop(lambda a, x, y: [elementwise.exp(a), y, x], [], [a], [x, y], length)
    agree(f, f32(2, 3), f32(length, 5), f32(length, 0, 2))


def test_a_loop_in_a_branch_in_a_loop() -> None:
    def inner(x: Any) -> Any:
        return loop(lambda k, h, r: [elementwise.sub(elementwise.sin(h), k), r], [x], [x], [x], 3)[:1]

    def step(h: Any, x: Any, k: Any) -> Any:
        number = elementwise.min(k, literal(2, np.dtype("int32")))
        return [*branch(number, [lambda h, x: [elementwise.mul(h, x)], lambda h, x: inner(h), lambda h, x: [x]], h, x),
                number]
    agree(lambda h, x, k: loop(step, [], [h], [x, k], 4), f32(3), f32(4, 3), i32(4))


def test_while() -> None:
    def f(limit: Any, factor: Any, x: Any, n: Any) -> Any:
        return while_loop(lambda limit, x, n: compare.lt(reduce.reduce_sum(x, (0,)), limit),
                          lambda f, x, n: [elementwise.mul(x, broadcast_in_dim(f, (3,), ())), elementwise.sub(n, 1)],
                          [limit], [factor], [x, n])
    for target in (CPU, GPU):
        program = lower(f, f32(), f32(), f32(3), i32(), target=target).program
        x, n = run_program(program, [np.float32(10), np.float32(2), np.ones(3, np.float32), np.int32(7)])
        np.testing.assert_array_equal(x, [4, 4, 4])
        assert n == 5


def test_host_calls_keep_their_order() -> None:
    """The second one has nothing to do with the first, and the value that it needs is ready earlier."""
    heard: list[str] = []

    def note(name: str) -> Callable[..., Any]:
        def function(*args: Any) -> Any:
            heard.append(name)
            return [args[0] + 1]
        return function

    def f(x: Any, y: Any) -> Any:
        (a,) = call(note("first"), [f32(3)], elementwise.exp(elementwise.exp(x)), ordered=True)
        call(note("second"), [f32(3)], y, ordered=True)
        call(note("unused"), [f32(3)], y)
        (c,) = loop(lambda h: call(note("inner"), [f32(3)], h, ordered=True), [], [y], [], 2)
        return elementwise.sub(a, c)

    for target in (CPU, GPU):
        program = lower(f, f32(3), f32(3), target=target).program
        heard.clear()
        found = run_program(program, [np.zeros(3, np.float32), np.ones(3, np.float32)])[0]
        assert heard == ["first", "second", "inner", "inner"]
        np.testing.assert_allclose(found, np.full(3, np.e + 1 - 3), rtol=1e-6)
        assert sum(isinstance(s, Run) and isinstance(s.region, HostCall) for s in program.steps) == 2
