"""Loops, branches and calls of the host on the CPU backend: against the emulator, and what a call leaves behind."""
from __future__ import annotations

import contextvars
import gc
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import lantern
import lantern.numpy as jnp
from lantern import ShapeDtypeStruct, jit, lax, pure_callback
from lantern.backends.emulate import run_program
from lantern.backends.numpy import NumpyBackend, memory, program, regions
from lantern.devices import CPU
from lantern.errors import DonatedArrayError
from lantern.lower.kernel import Program
from tests.backends.nested_programs import AnyArray, inputs_of, nested_programs

BACKEND = NumpyBackend()
RANDOM = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def on_cpu() -> Any:
    with lantern.default_device(CPU):
        yield


def agree(found: AnyArray, wanted: AnyArray) -> None:
    assert found.shape == wanted.shape and found.dtype == wanted.dtype and not found.flags.writeable
    np.testing.assert_allclose(found, wanted, 1e-4, 1e-5)


def check(tested: Program, *calls: list[AnyArray]) -> None:
    """Calls the program several times; what it was given and what it gave before stays as it is."""
    run = BACKEND.compile(tested)
    before = [[x.copy() for x in inputs] for inputs in calls]
    results = [list(run([BACKEND.write(x) for x in inputs])) for inputs in calls]
    for inputs, found in zip(calls, results, strict=True):
        for f, w in zip(found, run_program(tested, inputs), strict=True):
            agree(f, w)
    for inputs, old in zip(calls, before, strict=True):
        for x, o in zip(inputs, old, strict=True):
            np.testing.assert_array_equal(x, o)


@RANDOM
@given(nested_programs())
def test_random_programs(tested: Program) -> None:
    check(tested, inputs_of(tested, 0), inputs_of(tested, 1))


def test_random_programs_with_large_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if 12 bytes were many: memory comes from the pool, and views are made in each call."""
    monkeypatch.setattr(memory, "LARGE", 12)
    monkeypatch.setattr(program, "LARGE", 12)
    RANDOM(given(nested_programs())(lambda tested: check(tested, inputs_of(tested, 0), inputs_of(tested, 1))))()


@pytest.mark.parametrize(("limit", "most"), [("LOOPS", 1), ("BLOCKS", 2)])
def test_random_programs_cut_into_functions(monkeypatch: pytest.MonkeyPatch, limit: str, most: int) -> None:
    monkeypatch.setattr(regions, limit, most)
    RANDOM(given(nested_programs())(lambda tested: check(tested, inputs_of(tested, 0), inputs_of(tested, 1))))()


def source(f: Callable[..., Any], *args: Any) -> str:
    """The generated function, without comments."""
    text = BACKEND.source(jit(f).lower(*args).program)
    return "\n".join([line.partition("  #")[0].rstrip() for line in text.splitlines()])


def block(text: str, head: str) -> list[str]:
    """The statements of the first block under a line that starts with `head`."""
    lines = text.splitlines()
    start = next(k for k, line in enumerate(lines) if line.strip().startswith(head))
    depth = len(lines[start]) - len(lines[start].lstrip())
    found = lines[start + 1:]
    end = next(k for k, line in enumerate(found) if len(line) - len(line.lstrip()) <= depth)
    return [line.strip() for line in found[:end]]


def test_a_step_is_its_operations_only() -> None:
    """Rows are read and written where they are, the state's two buffers take turns, all views are made before."""
    def f(w: Any, u: Any, h: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            h = jnp.tanh(x @ u + h @ w)
            return h, h * 2
        return lax.scan(step, h, xs)
    text = source(f, jnp.ones((3, 3)), jnp.ones((4, 3)), jnp.zeros(3), jnp.ones((5, 4)))
    found = [re.sub(r"\(.*", "", line) for line in block(text, "for ")]
    assert found[:5] == ["dot", "dot", "add", "tanh", "multiply"]
    assert re.fullmatch(r"(\w+), (\w+), (\w+), (\w+) = \2, \1, \4, \3", found[5]) and len(found) == 6


def test_what_is_written_in_place_stays_there() -> None:
    text = source(lambda x: lax.fori_loop(0, 1000, lambda i, x: x * 2 + 1, x), jnp.ones(3))
    assert [re.sub(r"\(.*", "", line) for line in block(text, "for ")][-2:] == ["multiply", "add"]


def test_what_is_only_handed_on_is_read_where_it_is() -> None:
    def f(a: Any, b: Any) -> Any:
        return lax.scan(lambda c, _: ((c[0], c[1] * c[0]), None), (a, b), None, length=3)[0]
    text = source(f, jnp.full(3, 2.0), jnp.ones(3))
    assert re.fullmatch(r"multiply\((\w+), a0, \1\)|multiply\(a0, (\w+), \2\)", block(text, "for ")[0]), text
    assert [x.tolist() for x in jit(f)(jnp.full(3, 2.0), jnp.ones(3))] == [[2.0] * 3, [8.0] * 3]


def test_values_that_change_places() -> None:
    @jit
    def f(a: Any, b: Any, c: Any) -> Any:
        step = lambda s, _: ((s[1], s[2], s[0]), s[0])      # noqa: E731
        (a, b, c), ys = lax.scan(step, (a, b, c), None, length=4)
        return a, b, c, ys, lax.while_loop(lambda s: s[0] > 1, lambda s: (s[1], s[2], s[0]), (a, b, c))
    a, b, c, ys, last = f(jnp.array(3.0), jnp.array(2.0), jnp.array(1.0))
    assert (a, b, c) == (2.0, 1.0, 3.0) and ys.tolist() == [3.0, 2.0, 1.0, 3.0] and last == (1.0, 3.0, 2.0)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("length", "size"), [(0, 3), (1, 3), (4, 0), (0, 0), (3, 1)])
def test_few_steps_and_empty_rows(length: int, size: int, reverse: bool) -> None:
    xs = np.arange(length * size, dtype=np.float32).reshape(length, size)

    @jit
    def f(start: Any, xs: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            return c + x.sum(), (c, x * 2, jnp.full((), 7.0))
        return lax.scan(step, start, xs, reverse=reverse)
    last, (carries, doubled, sevens) = f(jnp.array(1.0), jnp.asarray(xs))
    rows = xs.sum(1)[::-1] if reverse else xs.sum(1)
    before = np.concatenate([[1], 1 + np.cumsum(rows)]).astype(np.float32)
    assert last == before[-1] and sevens.tolist() == [7.0] * length
    np.testing.assert_array_equal(doubled, xs * 2)
    np.testing.assert_array_equal(carries, before[:-1][::-1] if reverse else before[:-1])


def test_results_that_are_constants_or_arguments() -> None:
    @jit
    def f(x: Any) -> Any:
        first = lax.scan(lambda c, _: (jnp.zeros(3), c), x, None, length=2)
        second = lax.cond(x[0] > 0, lambda x: (x, jnp.ones(2)), lambda x: (x * 2, jnp.zeros(2)), x)
        return first, second, lax.while_loop(lambda c: False, lambda c: c, x)
    x = jnp.array([1.0, 2.0, 3.0])
    for _ in range(2):
        (last, ys), (same, ones), again = f(x)
        assert last.tolist() == [0.0] * 3 and ys.tolist() == [[1.0, 2.0, 3.0], [0.0] * 3]
        assert same.tolist() == x.tolist() == again.tolist() and ones.tolist() == [1.0, 1.0]


def test_a_donated_start() -> None:
    f = jit(lambda x, xs: lax.scan(lambda c, y: (c * y, c), x, xs), donate_argnums=0)
    x = jnp.full(4, 1.5)
    last, ys = f(x, jnp.array([2.0, 3.0]))
    assert last.tolist() == [9.0] * 4 and ys.tolist() == [[1.5] * 4, [3.0] * 4]
    with pytest.raises(DonatedArrayError):
        f(x, jnp.ones(2))


@pytest.mark.parametrize("depth", [14, 15, 16, 40])
def test_deep_nests(depth: int) -> None:
    def deep(x: Any, n: int) -> Any:
        return x + 1 if n == 0 else lax.scan(lambda c, _: (deep(c, n - 1), None), x, None, length=1)[0]
    assert jit(lambda x: deep(x, depth))(jnp.zeros(2)).tolist() == [1.0, 1.0]
    assert max(map(len, re.findall("^ *", source(lambda x: deep(x, depth), jnp.zeros(2)), re.M))) < 80


# Calls of the host


def counting(raises: BaseException | None = None) -> tuple[list[AnyArray], Callable[[AnyArray], AnyArray]]:
    seen: list[AnyArray] = []

    def call(x: AnyArray) -> AnyArray:
        seen.append(x)
        if raises is not None and len(seen) == 3:
            raise raises
        return x + np.float32(1)
    return seen, call


def stepping(call: Callable[..., Any]) -> Any:
    form = ShapeDtypeStruct((2,), "float32")
    return jit(lambda x: lax.scan(lambda c, _: (pure_callback(call, form, c) * 2, c), x, None, length=4))


def test_the_host_keeps_what_it_was_given() -> None:
    seen, call = counting()
    last, before = stepping(call)(jnp.zeros(2))
    stepping(call)(jnp.ones(2))
    assert last.tolist() == [30.0, 30.0]
    assert [x.tolist() for x in seen[:4]] == before.tolist() and not any(x.flags.writeable for x in seen)


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt("mine"), SystemExit(3)])
def test_what_the_host_raises(error: BaseException) -> None:
    _, call = counting(error)
    f = stepping(call)
    with pytest.raises(type(error)) as caught:
        f(jnp.zeros(2))
    assert caught.value is error
    assert f(jnp.zeros(2))[0].tolist() == [30.0, 30.0]


def test_the_host_sees_the_callers_settings() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="nobody's")
    seen: list[Any] = []

    def call(x: AnyArray) -> AnyArray:
        seen.append((variable.get(), np.geterr()["divide"]))
        variable.set("the host's")
        return x / np.float32(0)
    f = jit(lambda x: pure_callback(call, ShapeDtypeStruct((2,), "float32"), x / 0.0))

    def run() -> None:
        variable.set("the caller's")
        with np.errstate(divide="raise", invalid="ignore"):
            f(jnp.zeros(2))
        assert variable.get() == "the host's"
        with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
            f(jnp.ones(2) - 1)
            np.float32(1) / np.float32(0)
    contextvars.copy_context().run(run)
    assert seen[0] == ("the caller's", "raise")


def test_a_call_of_the_same_function_inside() -> None:
    form = ShapeDtypeStruct((), "float32")
    inner: list[Any] = []

    def call(x: AnyArray) -> AnyArray:
        if x < 3:
            inner.append(f(jnp.asarray(x + 1)).tolist())
        return np.asarray(x * 2)
    f = jit(lambda x: lax.fori_loop(0, 2, lambda i, c: pure_callback(call, form, c) + x, x))
    assert f(jnp.array(2.0)).tolist() == 14.0 and inner == [21.0]


# Threads and interruptions


def test_threads_share_a_loop() -> None:
    f = jit(lambda x: lax.scan(lambda c, k: (jnp.tanh(c * k), c), x, jnp.linspace(0.5, 1.5, 50)))
    starts = [np.full(5, k / 8, np.float32) for k in range(8)]
    wanted = [[np.array(y) for y in f(jnp.asarray(x))] for x in starts]
    wrong: list[int] = []

    def work(k: int) -> None:
        x = jnp.asarray(starts[k])
        for _ in range(40):
            if not all(np.array_equal(a, b) for a, b in zip(f(x), wanted[k], strict=True)):
                wrong.append(k)
    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an interval timer")
def test_an_interruption_leaves_nothing_broken() -> None:
    f = jit(lambda x, n: lax.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, c[2] + 1, c[1]), (0, x, x * 2)))
    x = jnp.zeros(3)
    wanted = [y.tolist() for y in f(x, 5)]
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for pause in (0.01, 0.05, 0.1):
            start = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, pause)
            with pytest.raises(KeyboardInterrupt):
                f(x, 2**31 - 1)
            assert time.perf_counter() - start < 5
            assert [y.tolist() for y in f(x, 5)] == wanted and x.tolist() == [0.0] * 3
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_calls_leave_no_memory_behind() -> None:
    f = jit(lambda x, ys: lax.scan(lambda c, y: (jnp.tanh(c * y) + c, c), x, ys))
    x, ys = jnp.ones(16), jnp.linspace(0.5, 1.5, 20)
    for _ in range(50):
        f(x, ys)
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(500):
        f(x, ys)
    gc.collect()
    assert sys.getallocatedblocks() - before < 100
