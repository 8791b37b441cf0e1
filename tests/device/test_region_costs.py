"""What loops on the device cost: submissions, reads, memory, bind groups; and what ends them early."""
from __future__ import annotations

import gc
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from lantern.backends.wgpu import WgpuBackend
from lantern.backends.wgpu.turns import FIXED
from lantern.lower.kernel import Loop, Program, Run
from lantern.ops import compare, dot, elementwise
from lantern.ops.shape import reshape
from lantern.trace.aval import ShapedArray
from lantern.trace.jaxpr import literal
from lantern.transforms.jit import run_impl
from tests.device.kernels import f32, i32, run_program
from tests.lower.helpers import lower, sample, trace
from tests.lower.regions import branch, call, loop, while_loop


def counting(length: int) -> Callable[[Any], Any]:
    """Adds one, `length` times."""
    return lambda x: loop(lambda h: [elementwise.sub(h, -1.0)], [], [x], [], length)


def compiled(backend: WgpuBackend, f: Callable[..., Any], *avals: ShapedArray, donated: Sequence[int] = ()) -> Any:
    """The executable of a function, and its program."""
    program = lower(f, *avals, target=backend.target, donated=donated).program
    return backend.compile(program), program


def dispatches(program: Program) -> int:
    """Launches of one run of a program with a single loop."""
    (region,) = [s.region for s in program.steps if isinstance(s, Run)]
    assert isinstance(region, Loop)
    return region.length * len(region.body.kernels)


@pytest.mark.parametrize("length", [1000, 4096, 5000, 10_000])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_loop_reads_nothing_and_submits_seldom(backend: WgpuBackend, length: int, reverse: bool) -> None:
    def f(w: Any, h: Any, xs: Any) -> Any:
        def step(w: Any, h: Any, x: Any) -> Any:
            h = elementwise.sub(reshape(dot.dot_general(w, h, ((1,), (0,))), (2,)), x)
            return [h, elementwise.mul(x, 2.0)]
        return loop(step, [w], [h], [xs], length, reverse)

    executable, program = compiled(backend, f, f32(2, 2), f32(2), f32(length, 2))
    xs = np.arange(2 * length, dtype=np.float32).reshape(length, 2)
    buffers = [backend.write(x) for x in (np.zeros((2, 2), np.float32), np.zeros(2, np.float32), xs)]
    compiled(backend, counting(3), f32(2))[0]([buffers[1]])       # something that waits for submission
    native = backend.native
    before = native.submissions, native.reads
    last, twice = executable(buffers)
    backend.flush()
    assert native.reads == before[1]
    assert native.submissions - before[0] <= math.ceil(dispatches(program) / 4096)
    np.testing.assert_array_equal(backend.read(last, f32(2)), -xs[0 if reverse else -1])
    np.testing.assert_array_equal(backend.read(twice, f32(length, 2)), xs * 2)
    assert native.reads == before[1] + 2


def test_loops_beyond_the_table_of_row_numbers(backend: WgpuBackend) -> None:
    """Several loops in one program, none of whose rows has a fixed place in the table at its end."""
    length = FIXED + 700

    def f(x: Any) -> Any:
        for _ in range(3):
            (x,) = loop(lambda r: [elementwise.sub(r, -1.0)], [], [], [x], length, reverse=True)
        return [x]
    x = np.arange(length, dtype=np.float32)
    executable, _ = compiled(backend, f, f32(length))
    for _ in range(2):
        np.testing.assert_array_equal(backend.read(executable([backend.write(x)])[0], f32(length)), x + 3)


def test_a_steady_loop_makes_nothing(backend: WgpuBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory changes hands: a hundred thousand steps need the buffers and bind groups of a few."""
    native = backend.native
    buffers, groups = list[int](), list[int]()
    create_buffer, create_group = native.create_buffer, native.create_bind_group
    monkeypatch.setattr(native, "create_buffer", lambda *a: buffers.append(1) or create_buffer(*a))
    monkeypatch.setattr(native, "create_bind_group", lambda *a: groups.append(1) or create_group(*a))
    made = []
    for length in (10, 30_000):
        executable, _ = compiled(backend, counting(length), f32(5))
        x = backend.write(np.zeros(5, np.float32))
        buffers.clear()
        groups.clear()
        np.testing.assert_array_equal(backend.read(executable([x])[0], f32(5)), np.full(5, length))
        made.append((len(buffers), len(groups)))
    assert made[1][0] <= 2 and made[1][1] <= max(made[0][1], 4), made


def test_memory_is_given_back(backend: WgpuBackend) -> None:
    def outer(h: Any, row: Any) -> Any:
        return loop(lambda k, h: [elementwise.sub(h, k)], [row], [h], [], 3)

    executable, _ = compiled(backend, lambda x, y: loop(outer, [], [x], [y], 4), f32(3), f32(4, 3))
    x, y = backend.write(np.ones(3, np.float32)), backend.write(np.ones((4, 3), np.float32))
    executable([x, y])
    gc.collect()
    backend.pool.collect()
    live = backend.pool.live
    for _ in range(5):
        executable([x, y])
    gc.collect()
    backend.pool.collect()
    assert backend.pool.live == live
    np.testing.assert_array_equal(backend.read(executable([x, y])[0], f32(3)), np.full(3, 1 - 12))


def test_a_donated_carry_is_taken_over(backend: WgpuBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[int] = []
    copy = backend.native.copy
    monkeypatch.setattr(backend.native, "copy", lambda *a: copied.append(1) or copy(*a))
    for donated, copies in (((), 1), ((0,), 0)):
        executable, _ = compiled(backend, counting(3), f32(6), donated=donated)
        x = backend.write(np.zeros(6, np.float32))
        copied.clear()
        out = executable([x])[0]
        assert len(copied) == copies
        np.testing.assert_array_equal(backend.read(out, f32(6)), np.full(6, 3))
        assert (x.allocation is None) == bool(donated)


def _interrupted(seconds: float, run: Callable[[], Any]) -> float:
    """Ctrl-C after some seconds; how long it takes from then to the end."""
    timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        run()
    timer.join()
    return time.perf_counter() - start - seconds


def test_ctrl_c_ends_loops(backend: WgpuBackend) -> None:
    """Also one that would never end, and one inside another; what it had taken is free again."""
    forever, _ = compiled(backend, lambda x: while_loop(lambda x: compare.lt(x, 2.0), lambda x: [elementwise.neg(x)],
                                                        [], [], [x]), f32())
    long, _ = compiled(backend, counting(100_000_000), f32(4))
    nested, _ = compiled(backend, lambda x: loop(lambda h: counting(100_000_000)(h), [], [x], [], 2), f32(4))
    x, one = backend.write(np.zeros(4, np.float32)), backend.write(np.float32(1))
    backend.pool.collect()
    live = backend.pool.live
    for executable, given in ((long, x), (nested, x), (forever, one)):
        assert _interrupted(0.3, lambda run=executable, x=given: run([x])) < 5
        backend.pool.collect()
        assert backend.pool.live == live
    np.testing.assert_array_equal(run_program(backend, lower(counting(2), f32(4), target=backend.target).program,
                                              [np.zeros(4, np.float32)])[0], np.full(4, 2))


class Own(Exception):
    """An exception of the user's."""


def test_exceptions_of_host_functions_reach_the_user(backend: WgpuBackend) -> None:
    error = Own("as it was")

    def fail(x: Any) -> Any:
        raise error

    def f(x: Any) -> Any:
        return loop(lambda h: call(fail, [f32(4)], elementwise.exp(h)), [], [x], [], 3)

    executable, _ = compiled(backend, f, f32(4))
    x = backend.write(np.zeros(4, np.float32))
    backend.pool.collect()
    live = backend.pool.live
    with pytest.raises(Own) as caught:
        executable([x])
    assert caught.value is error
    del caught
    gc.collect()
    backend.pool.collect()
    assert backend.pool.live == live
    np.testing.assert_array_equal(backend.read(x, f32(4)), np.zeros(4))


def test_ctrl_c_in_a_host_function_is_heard_at_once(backend: WgpuBackend) -> None:
    def slow(x: Any) -> Any:
        time.sleep(20)
        return [x]
    executable, _ = compiled(backend, lambda x: call(slow, [f32(2)], x), f32(2))
    x = backend.write(np.zeros(2, np.float32))
    assert _interrupted(0.3, lambda: executable([x])) < 5
    before = signal.getsignal(signal.SIGINT)
    np.testing.assert_array_equal(backend.read(x, f32(2)), np.zeros(2))
    assert signal.getsignal(signal.SIGINT) is before


def test_host_functions_may_use_the_device(backend: WgpuBackend) -> None:
    """By themselves, and through another thread that they wait for."""
    inner, _ = compiled(backend, counting(5), f32(3))

    def use(x: Any) -> Any:
        return backend.read(inner([backend.write(x)])[0], f32(3))

    def twice(x: Any) -> Any:
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(use(use(x))))
        thread.start()
        thread.join(30)
        return [found[0]]

    def f(x: Any) -> Any:
        (y,) = call(twice, [f32(3)], elementwise.mul(x, 2.0))
        return [elementwise.sub(y, x)]
    executable, _ = compiled(backend, f, f32(3))
    found = backend.read(executable([backend.write(np.ones(3, np.float32))])[0], f32(3))
    np.testing.assert_array_equal(found, np.full(3, 2 + 10 - 1))


def test_a_while_reads_one_flag_a_step(backend: WgpuBackend) -> None:
    def f(n: Any, x: Any) -> Any:
        return while_loop(lambda n, x: compare.gt(n, literal(0)), lambda n, x: [elementwise.sub(n, 1),
                                                                               elementwise.mul(x, 2.0)], [], [], [n, x])
    executable, _ = compiled(backend, f, i32(), f32(3))
    before = backend.native.reads
    n, x = executable([backend.write(np.int32(20)), backend.write(np.ones(3, np.float32))])
    assert backend.native.reads == before + 21
    assert backend.read(n, i32()) == 0
    np.testing.assert_array_equal(backend.read(x, f32(3)), np.full(3, 2.0 ** 20))


@pytest.mark.parametrize("reads", [0, 1])
def test_small_branches_read_nothing(backend: WgpuBackend, reads: int) -> None:
    """All of them run; a large one is worth asking for."""
    n = backend.target.select_work if reads else 8
    executable, _ = compiled(backend, lambda k, x: branch(
        k, [lambda x: [elementwise.log(x)], lambda x: [elementwise.exp(elementwise.neg(x))]], x), i32(), f32(n))
    x = np.linspace(-1, 1, n, dtype=np.float32)
    given = [backend.write(np.int32(1)), backend.write(x)]
    before = backend.native.reads
    (found,) = executable(given)
    assert backend.native.reads == before + reads
    np.testing.assert_allclose(backend.read(found, f32(n)), np.exp(-x), rtol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 6, 7, 8, 63, 64, 65, 130])
def test_cycles_of_memory(backend: WgpuBackend, length: int) -> None:
    """Carries that rotate among five of one size while others come and go: the last step ends where it should, and all
    that the loop had taken is free."""
    def step(k: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, x: Any) -> Any:
        total = elementwise.sub(dot.dot_general(k, a, ((1,), (0,))), x)
        return [b, elementwise.mul(c, 0.5), a, e, elementwise.sub(d, total), elementwise.sub(f, x), total]

    def function(k: Any, a: Any, f: Any, x: Any) -> Any:
        b, c, d, e = [elementwise.mul(a, float(n)) for n in (2, 3, 4, 5)]
        return loop(step, [k], [a, b, c, d, e, f], [x], length)

    avals = [f32(3, 3), f32(3), f32(3), f32(length, 3)]
    args = [sample(a, n) for n, a in enumerate(avals)]
    wanted = run_impl(trace(function, *avals), args)
    executable, program = compiled(backend, function, *avals)
    buffers = [backend.write(x) for x in args]
    for _ in range(2):
        found = [backend.read(b, a) for b, a in zip(executable(buffers), program.out_avals, strict=True)]
        for got, x in zip(found, wanted, strict=True):
            np.testing.assert_allclose(got, x, rtol=1e-4, atol=1e-5)
    gc.collect()
    backend.pool.collect()
    live = backend.pool.live
    executable(buffers)
    gc.collect()
    backend.pool.collect()
    assert backend.pool.live == live


def test_a_body_of_very_many_launches(backend: WgpuBackend) -> None:
    """More than bind groups are remembered: no cycle is looked for in all of them."""
    def step(h: Any, w: Any) -> Any:
        for _ in range(100):
            h = elementwise.sub(reshape(dot.dot_general(w, h, ((1,), (0,))), (2,)), 1.0)
        return [h]
    executable, program = compiled(backend, lambda h, w: loop(lambda w, h: step(h, w), [w], [h], [], 70), f32(2),
                                   f32(2, 2))
    assert dispatches(program) >= 7000
    w = np.array([[0, 1], [1, 0]], np.float32)
    found = backend.read(executable([backend.write(np.zeros(2, np.float32)), backend.write(w)])[0], f32(2))
    np.testing.assert_array_equal(found, np.full(2, -7000))
