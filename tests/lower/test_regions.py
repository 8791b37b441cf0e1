"""Loops, branches and calls of the host through all passes: values, order, kernels counted, texts, faults caught."""
from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import lantern
from lantern import stages
from lantern.backends.emulate import run_program
from lantern.errors import InternalError
from lantern.events import subscribe
from lantern.lower.kernel import Branch, Dispatch, Free, HostCall, Loop, Program, Run, Target, While
from lantern.lower.passes import lower_jaxpr
from lantern.lower.verify import check_program
from lantern.ops import compare, dot, elementwise, reduce, shape
from lantern.ops.broadcast import broadcast_in_dim
from lantern.trace.context import bind1
from lantern.trace.jaxpr import literal
from lantern.transforms.jit import run_impl
from tests.lower.helpers import CPU, GPU, both, checked, f32, i32, lower, sample, trace
from tests.lower.regions import branch, call, everything, jaxpr_of, loop, loop_p, random_program, while_loop


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


# What programs become


def test_bodies_are_fused_as_programs_are() -> None:
    """One product with everything around it; a sum of what it gives."""
    avals = [f32(3, 3), f32(2, 3), f32(5, 2, 3)]
    inside, outside = lower(recurrence, *avals, target=GPU).program.kernels, lower(
        lambda w, h, x: elementwise.tanh(elementwise.sub(dot.dot_general(h, w, ((1,), (0,))), x)), *avals[:2],
        f32(2, 3), target=GPU).program.kernels
    assert len(outside) == 1 and len(inside) == 2
    assert inside[0].stages[0] == outside[0].stages[0]


def test_carries_change_hands_and_nothing_is_copied() -> None:
    """A carry that the body may overwrite is overwritten where it lies."""
    program = lower(lambda x: loop(lambda h: [elementwise.mul(h, 2.0)], [], [x], [], 3), f32(4)).program
    body = inner(program)
    assert body.outputs == body.inputs and body.donated == set(body.inputs)
    swapped = inner(lower(lambda x, y: loop(lambda a, b: [b, a], [], [x, y], [], 3), f32(4), f32(4)).program)
    assert swapped.outputs == swapped.inputs[::-1] and not swapped.kernels


def test_rows_have_memory_of_their_own() -> None:
    """A row that a loop makes is written nowhere else, and a copy where it is an input or stands twice."""
    def step(k: Any, h: Any, x: Any) -> Any:
        y = elementwise.mul(h, x)
        return [y, y, y, k, x, h]
    for target in (CPU, GPU):
        lowering = lower(lambda k, h, x: loop(step, [k], [h], [x], 3), f32(4), f32(4), f32(3, 4), target=target)
        body = inner(lowering.program)
        assert len(set(body.outputs)) == 6 and not set(body.outputs[1:]) & set(body.inputs)


def test_equal_loops_are_one_and_loops_with_effects_are_not() -> None:
    def body(h: Any) -> Any:
        return [elementwise.mul(h, 2.0)]

    step = jaxpr_of(body, [f32(3)])

    def twice(x: Any) -> Any:
        a, b = [bind1(loop_p, x, body=step, constants=0, carry=1, length=3, reverse=False) for _ in range(2)]
        return elementwise.sub(a, b)
    assert len(regions(lower(twice, f32(3)).program)) == 1

    def noted(x: Any) -> Any:
        loop(lambda h: call(lambda h: [h], [f32(3)], h, ordered=True), [], [x], [], 2)
        loop(lambda h: call(lambda h: [h], [f32(3)], h), [], [x], [], 2)
        return x
    assert len(regions(lower(noted, f32(3)).program)) == 1


SELECTING = replace(GPU, select_work=1 << 12)


@pytest.mark.parametrize(("n", "kernels"), [(4, 1), (5000, 0)])
def test_small_branches_all_run(n: int, kernels: int) -> None:
    """Where that costs less than asking which one; a NaN of one that is not taken goes nowhere."""
    def f(k: Any, x: Any) -> Any:
        return branch(k, [lambda x: [elementwise.log(elementwise.neg(x)), x], lambda x: [elementwise.mul(x, 2.0), x],
                          lambda x: [elementwise.exp(x), x]], x)
    program = lower(f, i32(), f32(n), target=SELECTING).program
    assert len(regions(program)) == 1 - kernels
    x = np.arange(n, dtype=np.float32) % 7
    for k, wanted in ((1, x * 2), (2, np.exp(x))):
        first, second = run_program(program, [np.int32(k), x])
        np.testing.assert_allclose(first, wanted, rtol=1e-6)
        np.testing.assert_array_equal(second, x)


def test_branches_with_effects_do_not_all_run() -> None:
    def f(k: Any, x: Any) -> Any:
        return branch(k, [lambda x: [x], lambda x: call(lambda x: [x], [f32(3)], x, ordered=True)], x)
    assert len(regions(lower(f, i32(), f32(3), target=SELECTING).program)) == 1


def test_a_branch_that_is_known_is_no_branch() -> None:
    def note(x: Any) -> Any:
        return call(lambda x: [x + 1], [f32(3)], x, ordered=True)

    def f(x: Any) -> Any:
        (y,) = branch(literal(1, np.dtype("int32")), [lambda x: [elementwise.exp(x)], note], x)
        return branch(literal(0, np.dtype("int32")), [lambda x: [elementwise.neg(x)], note], y)
    program = lower(f, f32(3)).program
    assert [type(r) for r in regions(program)] == [HostCall] and len(program.kernels) == 1
    np.testing.assert_array_equal(run_program(program, [np.ones(3, np.float32)])[0], np.full(3, -2))


# Texts


def test_nested_programs(golden: Callable[[str, str], None]) -> None:
    lowering = lower(everything, f32(), f32(3), f32(5, 3), i32(5), target=GPU)
    golden("lower/regions.txt", re.sub(" +# .*", "", lowering.text("scheduled")) + "\n")


# Faults


def _loop(program: Program) -> tuple[Run, Loop]:
    (step,) = [s for s in program.steps if isinstance(s, Run)]
    assert isinstance(step.region, Loop)
    return step, step.region


def _with_region(program: Program, region: Any, **changes: Any) -> Program:
    steps = tuple([replace(s, region=region, **changes) if isinstance(s, Run) else s for s in program.steps])
    return replace(program, steps=steps)


FAULTS: dict[str, Callable[[Run, Loop], tuple[Loop, dict[str, Any]]]] = {
    "two outputs in one slot": lambda s, r: (
        replace(r, body=replace(r.body, outputs=(r.body.outputs[1], *r.body.outputs[1:]))), {}),
    "an output is an input": lambda s, r: (
        replace(r, body=replace(r.body, outputs=(r.body.outputs[0], r.body.inputs[2], r.body.outputs[2]))), {}),
    "it owns other inputs": lambda s, r: (replace(r, body=replace(r.body, donated=frozenset(r.body.inputs))), {}),
    "not written or was freed": lambda s, r: (
        replace(r, body=replace(r.body, steps=(*r.body.steps, Free(r.body.outputs[1])))), {}),
    "the rows that a loop takes": lambda s, r: (replace(r, length=6), {}),
    "the last carry of a loop": lambda s, r: (replace(r, constants=0, carry=2), {}),
    "gives memory to slots": lambda s, r: (r, {"outs": (s.args[0], *s.outs[1:])}),
    "read before written": lambda s, r: (r, {"args": (s.outs[0], *s.args[1:])}),
    "read and written at other places": lambda s, r: (
        replace(r, body=replace(r.body, steps=(*r.body.steps, transposing(r.body.outputs[0])))), {}),
}


def transposing(slot: int) -> Dispatch:
    """A kernel that turns a matrix where it lies."""
    (kernel,) = lower(lambda x: shape.transpose(x, (1, 0)), f32(3, 3)).program.kernels
    return Dispatch(kernel, (slot,), (slot,))


@pytest.mark.parametrize("message", FAULTS)
def test_the_checker_looks_into_loops(message: str) -> None:
    def step(w: Any, h: Any, x: Any) -> Any:
        h = elementwise.tanh(elementwise.sub(dot.dot_general(h, w, ((1,), (0,))), x))
        return [h, elementwise.neg(h), reduce.reduce_sum(h, (0, 1))]
    program = lower(lambda w, h, x: loop(step, [w], [h], [x], 5), f32(3, 3), f32(3, 3), f32(5, 3, 3)).program
    check_program(program)
    region, changes = FAULTS[message](*_loop(program))
    with pytest.raises(InternalError, match=message):
        check_program(_with_region(program, region, **changes))


def test_the_checker_looks_into_conditions_and_branches() -> None:
    x = lower(lambda x: while_loop(lambda x: compare.lt(x, 3.0), lambda x: [elementwise.exp(x)], [], [], [x]), f32())
    region = regions(x.program)[0]
    assert isinstance(region, While)
    check_program(x.program)
    for broken, message in ((replace(region, condition=region.body), "gives no bool|wanted"),
                            (replace(region, body=replace(region.body, donated=frozenset())), "may not be written"),
                            (replace(region, body_constants=1), "the arguments of a")):
        with pytest.raises(InternalError, match=message):
            check_program(_with_region(x.program, broken))
    y = lower(lambda k, x: branch(k, [lambda x: [elementwise.exp(x)]] * 2, x), i32(), f32(3))
    with pytest.raises(InternalError, match="chosen by no i32"):
        check_program(replace(y.program, slots=(f32(), *y.program.slots[1:])))
    with pytest.raises(InternalError, match="there is no branch"):
        check_program(_with_region(y.program, Branch(())))


def regions(program: Program) -> list[Any]:
    """The regions of a program's own steps."""
    return [s.region for s in program.steps if isinstance(s, Run)]


def inner(program: Program) -> Program:
    """The body of its only loop."""
    (region,) = regions(program)
    return region.body


def test_eager_loops_are_found_by_what_they_do() -> None:
    """Each call traces a new jaxpr: it fills no cache of operations, and equal ones are compiled once."""
    x = lantern.device_put(np.ones(3, np.float32), "cpu")
    compiled: list[Any] = []
    end = subscribe(lambda e: compiled.append(e.kind) if e.kind == "compile.end" else None)
    try:
        for _ in range(3):
            (y,) = loop(lambda h: [elementwise.mul(h, 1.25)], [], [x], [], 3)
    finally:
        end()
    np.testing.assert_allclose(np.asarray(y), np.full(3, 1.25 ** 3), rtol=1e-6)
    assert len(compiled) <= 1
    assert not any(loop_p in key for key in stages._eager.entries)


@pytest.mark.parametrize("target", [CPU, GPU, SELECTING])
@pytest.mark.parametrize("seed", range(40))
def test_random_regions(seed: int, target: Target) -> None:
    """Slots that change hands, are used again, and stand twice among the outputs."""
    f = random_program(random.Random(seed), 2)
    jaxpr = trace(f, *[f32(3)] * 4)
    args = [sample(f32(3), k) for k in range(4)]
    program = checked(lambda: lower_jaxpr(jaxpr, target)).program
    for got, wanted in zip(run_program(program, args), run_impl(jaxpr, args), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
