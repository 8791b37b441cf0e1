"""Loops, branches and calls of the host on the device: values, what is read and submitted, memory, Ctrl-C."""
from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lantern.backends.wgpu import WgpuBackend
from lantern.lower.kernel import Program
from lantern.lower.passes import lower_jaxpr
from lantern.ops import compare, convert, dot, elementwise, index, reduce, shape
from lantern.ops.broadcast import broadcast_in_dim
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.jaxpr import literal
from lantern.transforms.jit import run_impl
from tests.device.kernels import BOOL, F32, I32, f32, i32, run_program
from tests.lower.helpers import lower, sample, trace
from tests.lower.regions import branch, call, loop, random_program, while_loop

Function = Callable[..., Sequence[Any]]


def agree(backend: WgpuBackend, f: Function, *avals: ShapedArray, args: Sequence[Any] = ()) -> Program:
    """Compares with `impl`; the program."""
    given = list(args) or [sample(a, k) if a.dtype != BOOL else sample(a.with_dtype(F32), k) > 0
                           for k, a in enumerate(avals)]
    wanted = run_impl(trace(f, *avals), given)
    program = lower(f, *avals, target=backend.target).program
    for got, x in zip(run_program(backend, program, given), wanted, strict=True):
        np.testing.assert_allclose(got, x, rtol=3e-5, atol=1e-5)
    return program


def recurrence(n: int, length: int, columns: int) -> tuple[Function, list[ShapedArray]]:
    """h = tanh(h @ w - x), keeping every h and its sum."""
    def step(w: Any, h: Any, x: Any) -> Any:
        h = elementwise.tanh(elementwise.sub(elementwise.mul(dot.dot_general(h, w, ((1,), (0,))), 0.2), x))
        return [h, h, reduce.reduce_sum(h, (0, 1))]
    avals = [f32(columns, columns), f32(n, columns), f32(length, n, columns)]
    return lambda w, h, xs: loop(step, [w], [h], [xs], length), avals


@pytest.mark.parametrize(("n", "length", "columns"), [(2, 5, 3), (16, 7, 16), (1, 1, 4), (3, 9, 20), (2, 0, 3)])
def test_a_recurrence(backend: WgpuBackend, n: int, length: int, columns: int) -> None:
    f, avals = recurrence(n, length, columns)
    agree(backend, f, *avals)


@pytest.mark.parametrize("dtype", ["float32", "int32", "bool", "int8", "float16"])
@pytest.mark.parametrize("n", [0, 1, 3, 4, 7, 8])
@pytest.mark.parametrize("reverse", [False, True])
def test_rows_of_every_size_and_dtype(backend: WgpuBackend, dtype: str, n: int, reverse: bool) -> None:
    """A row may begin anywhere in a vec4, and anywhere in a word: the rows beside it stay as they are."""
    kind = np.dtype(dtype)
    x = (np.arange(5 * n) * 7 % 11 - 5).reshape(5, n)
    x = (x > 0) if kind == BOOL else x.astype(kind)

    def step(total: Any, x: Any) -> Any:
        value = convert.convert(x, F32)
        total = elementwise.sub(elementwise.mul(total, 0.5), value)
        flipped = elementwise.not_(x) if kind == BOOL else elementwise.neg(x)
        return [total, flipped, x, total, shape.rev(x, (0,))]

    agree(backend, lambda t, x: loop(step, [], [t], [x], 5, reverse), f32(n), shaped((5, n), kind),
          args=[np.ones(n, np.float32), x])


def test_two_rows_and_more_buffers_than_the_device_binds(backend: WgpuBackend) -> None:
    """The number of the row takes none of the places for storage buffers."""
    def step(h: Any, *rows: Any) -> Any:
        total = h
        for x in rows:
            total = elementwise.sub(total, x)
        return [total, *[elementwise.mul(x, 2.0) for x in rows[:9]], total]
    agree(backend, lambda h, *xs: loop(step, [], [h], xs, 3), f32(5), *[f32(3, 5)] * 14)


def test_what_stays_is_swapped_and_is_constant(backend: WgpuBackend) -> None:
    one = literal(1.0, F32)

    def f(a: Any, b: Any, c: Any, d: Any, k: Any) -> Any:
        return loop(lambda k, a, b, c, d: [b, a, c, one, k, a, a, one], [k], [a, b, c, d], [], 5)
    agree(backend, f, *[f32(6)] * 3, f32(), f32(3))


def test_one_array_given_in_many_ways(backend: WgpuBackend) -> None:
    """As a constant, as a carry and as rows; inputs are not changed."""
    def f(x: Any) -> Any:
        return [*loop(lambda k, h, r: [elementwise.sub(elementwise.mul(h, 0.5), k), elementwise.sub(r, 1.0)], [x], [x],
                      [x], 3), x]
    agree(backend, f, f32(3, 3))


def test_rows_that_a_region_takes_and_makes(backend: WgpuBackend) -> None:
    """A row that is an array of rows itself, and that a loop inside makes."""
    def inner(k: Any, x: Any) -> Any:
        return loop(lambda k, h, r: [elementwise.sub(elementwise.mul(h, 0.5), r), elementwise.mul(h, k)], [k], [k], [x],
                    4)

    def step(h: Any, x: Any, y: Any) -> Any:
        last, rows = inner(h, x)
        again, twice = inner(y, rows)
        return [elementwise.sub(last, again), rows, twice, elementwise.neg(x), y]
    agree(backend, lambda h, x, y: loop(step, [], [h], [x, y], 6), f32(3), f32(6, 4, 3), f32(6, 3))


def test_a_loop_in_a_branch_in_a_loop(backend: WgpuBackend) -> None:
    def inner(x: Any) -> Any:
        return loop(lambda k, h, r: [elementwise.sub(elementwise.sin(h), k), r], [x], [x], [x], 3)[:1]

    def step(h: Any, x: Any, k: Any) -> Any:
        number = elementwise.min(k, literal(2, I32))
        made = branch(number, [lambda h, x: [elementwise.mul(h, x)], lambda h, x: inner(h), lambda h, x: [x]], h, x)
        return [*made, number]
    agree(backend, lambda h, x, k: loop(step, [], [h], [x, k], 6), f32(3), f32(6, 3), i32(6))


def test_scatters_into_rows(backend: WgpuBackend) -> None:
    def step(x: Any, i: Any) -> Any:
        return [index.scatter_add(x, elementwise.min(i, literal(4, I32)), 0, 5)]
    agree(backend, lambda x, i: loop(step, [], [], [x, i], 4), f32(4, 6), i32(4, 6))


def test_while(backend: WgpuBackend) -> None:
    def f(limit: Any, factor: Any, x: Any, n: Any) -> Any:
        return while_loop(lambda limit, x, n: compare.lt(reduce.reduce_sum(x, (0,)), limit),
                          lambda f, x, n: [elementwise.mul(x, broadcast_in_dim(f, (3,), ())), elementwise.sub(n, 1)],
                          [limit], [factor], [x, n])
    ones = np.ones(3, np.float32)
    for limit in (1, 10, 1e9):
        agree(backend, f, f32(), f32(), f32(3), i32(), args=[np.float32(limit), np.float32(2), ones, np.int32(7)])


def test_host_calls(backend: WgpuBackend) -> None:
    """They run in order, with what was computed before, and what they return goes on."""
    heard: list[Any] = []

    def note(*args: Any) -> Any:
        heard.append([a.copy() for a in args])
        return [args[0] + 1, np.array([True, False, True]), np.zeros((0, 2), np.float32)]

    outs = [f32(3), shaped((3,), BOOL), f32(0, 2)]

    def f(x: Any, b: Any) -> Any:
        y, flag, empty = call(note, outs, elementwise.exp(x), b, ordered=True)
        call(note, outs, y, flag, ordered=True)
        return [elementwise.sub(y, 1.0), flag, empty]

    program = lower(f, f32(3), shaped((3,), BOOL), target=backend.target).program
    given = [np.zeros(3, np.float32), np.array([False, True, True])]
    found = run_program(backend, program, given)
    np.testing.assert_array_equal(found[0], np.ones(3))
    np.testing.assert_array_equal(found[1], [True, False, True])
    assert found[2].shape == (0, 2)
    np.testing.assert_array_equal(heard[0][0], [1, 1, 1])
    np.testing.assert_array_equal(heard[0][1], given[1])
    np.testing.assert_array_equal(heard[1][0], [2, 2, 2])


@pytest.mark.parametrize("seed", range(12))
def test_random_regions(backend: WgpuBackend, seed: int) -> None:
    jaxpr = trace(random_program(random.Random(seed), 2), *[f32(3)] * 4)
    args = [sample(f32(3), k) for k in range(4)]
    program = lower_jaxpr(jaxpr, replace(backend.target, select_work=backend.target.select_work * (seed % 2))).program
    for _ in range(2):
        for got, wanted in zip(run_program(backend, program, args), run_impl(jaxpr, args), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4)
