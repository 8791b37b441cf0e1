"""Memory, submission, donation, limits and failures of the device's run time."""
from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from lantern import config
from lantern.backends import emulate
from lantern.backends.wgpu import AdapterInfo, WgpuBackend, adapters, memory
from lantern.backends.wgpu.device import honoured_limits
from lantern.backends.wgpu.memory import size_class
from lantern.backends.wgpu.native import wgpu
from lantern.errors import DeviceError
from lantern.events import subscribe
from lantern.lower.expr import ReduceOp, ScalarOp
from lantern.lower.kernel import Alloc, Clear, Dispatch, Free, Kernel, Program
from lantern.trace.aval import ShapedArray, shaped
from tests.device.kernels import (
    BOOL,
    F32,
    I32,
    elementwise,
    f32,
    operation,
    product,
    program,
    reduction,
    run,
    run_program,
    scatter,
    softmax,
)

N = 1000


def add(value: float, size: int = N) -> Kernel:
    """x + value."""
    return elementwise([f32(size)], f32(size),
                       lambda b: b.apply(ScalarOp.ADD, b.load(0, (1,)), b.const(value, F32), dtype=F32), f"add{value}")


def chain(length: int, size: int = N) -> Program:
    """Adds 1, 2, ... one launch after the other, with two buffers in turn."""
    steps: list[Any] = []
    for k in range(length):
        steps += [Alloc(k + 1), Dispatch(add(k + 1, size), (k,), (k + 1,)), *([Free(k)] if k else [])]
    slots = (f32(size),) * (length + 1)
    return Program(slots, (0,), (length,), (f32(size),), tuple(steps), name="chain")


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint32", "bool", "complex64"])
@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (0,), (4, 0, 2), (1 << 16,)])
def test_write_and_read(backend: WgpuBackend, dtype: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    y = backend.read(backend.write(x), shaped(shape, np.dtype(dtype)))
    np.testing.assert_array_equal(x, y)
    assert y.dtype == x.dtype and y.shape == shape


def test_strided_arrays_are_written_in_order(backend: WgpuBackend) -> None:
    x = np.arange(24, dtype=np.float32).reshape(4, 6)[::2, ::-1].T
    np.testing.assert_array_equal(backend.read(backend.write(x), f32(*x.shape)), x)


@pytest.mark.parametrize("dtype", ["float64", "int64", "uint64", "complex128"])
def test_missing_dtypes(backend: WgpuBackend, dtype: str) -> None:
    with pytest.raises(DeviceError, match=f"dtype {dtype}.*CPU device"):
        backend.write(np.zeros(3, dtype))
    with pytest.raises(DeviceError, match=f"dtype {dtype}"):
        backend.compile(program(operation(ScalarOp.CONVERT, [f32(3)], np.dtype(dtype))))


def test_programs(backend: WgpuBackend) -> None:
    x = np.arange(N, dtype=np.float32)
    for length in (1, 2, 10, 100):
        np.testing.assert_array_equal(run_program(backend, chain(length), [x])[0], x + length * (length + 1) / 2)


def test_programs_are_asynchronous_and_in_order(backend: WgpuBackend) -> None:
    executable = backend.compile(chain(3))
    buffers = [backend.write(np.zeros(N, np.float32))]
    for _ in range(100):
        buffers = list(executable(buffers))
    np.testing.assert_array_equal(backend.read(buffers[0], f32(N)), np.full(N, 600, np.float32))
    backend.wait()


def test_memory_is_used_again(backend: WgpuBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    executable = backend.compile(chain(4))
    x = backend.write(np.zeros(N, np.float32))
    for _ in range(3):
        executable([x])
    gc.collect()
    backend.pool.collect()
    created, made = backend.native.create_buffer, list[int]()
    monkeypatch.setattr(backend.native, "create_buffer", lambda size, usage: made.append(size) or created(size, usage))
    for _ in range(50):
        executable([x])
    assert not made


def test_overwriting_memory_that_recorded_work_reads(backend: WgpuBackend) -> None:
    """Dropped memory may be written to again before the commands that read it were submitted."""
    executable = backend.compile(chain(1))
    outputs = []
    for k in range(20):
        outputs.append(executable([backend.write(np.full(N, k, np.float32))])[0])
    for k, buffer in enumerate(outputs):
        assert backend.read(buffer, f32(N))[0] == k + 1


def test_outputs_that_are_inputs_or_repeat(backend: WgpuBackend) -> None:
    made = Program((f32(N), f32(N)), (0,), (0, 1, 1), (f32(N),) * 3, (Alloc(1), Dispatch(add(1), (0,), (1,))))
    x = np.arange(N, dtype=np.float32)
    a, b, c = run_program(backend, made, [x])
    np.testing.assert_array_equal(a, x)
    np.testing.assert_array_equal(b, x + 1)
    np.testing.assert_array_equal(c, b)


def in_place() -> Program:
    """x + 1 in the memory of x."""
    return Program((f32(N),), (0,), (0,), (f32(N),), (Dispatch(add(1), (0,), (0,)),), frozenset({0}), "in_place")


def test_donation(backend: WgpuBackend) -> None:
    executable = backend.compile(in_place())
    x = backend.write(np.zeros(N, np.float32))
    allocation = x.allocation
    (y,) = executable([x])
    assert y.allocation is allocation and x.allocation is None
    assert backend.read(y, f32(N))[0] == 1
    with pytest.raises(DeviceError, match="donated"):
        executable([x])
    with pytest.raises(DeviceError, match="donated"):
        backend.read(x, f32(N))


def test_donation_of_shared_memory_copies(backend: WgpuBackend) -> None:
    """A buffer that two arrays hold is not overwritten when one of them is donated."""
    both = Program((f32(N),), (0,), (0, 0), (f32(N),) * 2, ())
    x, y = backend.compile(both)([backend.write(np.zeros(N, np.float32))])
    (z,) = backend.compile(in_place())([x])
    assert backend.read(y, f32(N))[0] == 0 and backend.read(z, f32(N))[0] == 1
    two = elementwise([f32(N), f32(N)], f32(N), lambda b: b.apply(
        ScalarOp.SUB, b.apply(ScalarOp.ADD, b.load(0, (1,)), b.load(1, (-1,), N - 1), dtype=F32), b.const(1, F32),
        dtype=F32))
    made = Program((f32(N),) * 2, (0, 1), (0,), (f32(N),), (Dispatch(two, (0, 1), (0,)),), frozenset({0}))
    values = np.arange(N, dtype=np.float32)
    twice = backend.write(values)
    (found,) = backend.compile(made)([twice, twice])
    np.testing.assert_array_equal(backend.read(found, f32(N)), np.full(N, N - 2, np.float32))
    np.testing.assert_array_equal(backend.read(twice, f32(N)), values)


def test_in_place_rows(backend: WgpuBackend) -> None:
    for rows, cols in ((5, 4096), (70, 33)):
        kernel = softmax(rows, cols)
        made = Program(kernel.args, (0,), (0,), kernel.outs, (Dispatch(kernel, (0,), (0,)),), frozenset({0}))
        x = np.random.default_rng(0).standard_normal((rows, cols)).astype(np.float32)
        np.testing.assert_allclose(run_program(backend, made, [x])[0], emulate.run_kernel(kernel, [x])[0], rtol=1e-5)


def test_cleared_memory(backend: WgpuBackend) -> None:
    kernel = scatter(100, 10, F32)
    index, ones = np.arange(100, dtype=np.int32) % 10, np.ones(100, np.float32)
    executable = backend.compile(program(kernel))
    args = [backend.write(index), backend.write(ones)]
    for _ in range(3):
        np.testing.assert_array_equal(backend.read(executable(args)[0], f32(10)), np.full(10, 10, np.float32))


def test_size_zero(backend: WgpuBackend) -> None:
    for kernel in (elementwise([f32(0)], f32(0), lambda b: b.load(0, (1,))),
                   reduction(f32(0, 3), ReduceOp.SUM, (1,)), reduction(f32(3, 0), ReduceOp.SUM, (1,)),
                   reduction(f32(3, 0), ReduceOp.PROD, (1,)), product(1, 9, 9, 0), product(1, 0, 9, 9),
                   softmax(0, 4), softmax(4, 0), scatter(0, 4, F32)):
        args = [np.zeros(a.shape, a.dtype) for a in kernel.args]
        np.testing.assert_array_equal(run(backend, kernel, *args)[0], emulate.run_kernel(kernel, args)[0])
    empty = Program((f32(0), f32(0)), (0,), (1, 0), (f32(0),) * 2, (Alloc(1), Clear(1), Free(0)), frozenset({0}))
    assert [x.shape for x in run_program(backend, empty, [np.zeros(0, np.float32)])] == [(0,), (0,)]


def test_limits_are_honoured(limited: WgpuBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limited.target.max_binding == 4096
    with pytest.raises(DeviceError, match=r"shape \(32, 33\) and dtype float32 needs 4224 bytes .* at most 4096"):
        limited.write(np.zeros((32, 33), np.float32))
    with pytest.raises(DeviceError, match=r"f32\[2000\].*needs 8000 bytes"):
        limited.compile(program(elementwise([f32(1)], f32(2000), lambda b: b.load(0, (0,)))))
    monkeypatch.setattr(config.flags, "limits", "max-buffers=3")
    with pytest.raises(DeviceError, match=r"LANTERN_LIMITS.*max-buffers=3"):
        honoured_limits(limited.adapter)


def test_adapters_are_plain_data_and_ranked(backend: WgpuBackend) -> None:
    found = adapters()
    assert [a.index for a in found] == list(range(len(found)))
    kinds = ["hardware", "software"]
    assert sorted(found, key=lambda a: kinds.index(a.kind)) == list(found)
    for a in found:
        assert isinstance(a, AdapterInfo) and a.name and a.limit("max-buffer-size") > 0
    assert backend.target.max_buffers >= 4 and backend.target.recompute


def test_kernels_are_compiled_once(backend: WgpuBackend) -> None:
    compiled: list[str] = []
    end = subscribe(lambda event: compiled.append(event.data["kernel"]) if event.kind == "wgpu.compile" else None)
    try:
        for _ in range(3):
            backend.compile(program(add(12345.5, 77)))
    finally:
        end()
    assert compiled == ["add12345.5"]


def test_texts(backend: WgpuBackend) -> None:
    texts = backend.texts(chain(2))
    assert len(texts) == 2 and all("fn main" in t for t in texts)
    assert texts == backend.texts(chain(2))


def test_no_memory_left(backend: WgpuBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says so, and what the program had taken is used again."""
    executable = backend.compile(chain(3, 3_000_000))
    x = backend.write(np.zeros(3_000_000, np.float32))
    created, left = backend.native.create_buffer, [1]

    def create(size: int, usage: int) -> object:
        if left[0] <= 0:
            raise wgpu.GPUOutOfMemoryError("none left")
        left[0] -= 1
        return created(size, usage)

    backend.pool.trim()
    live = backend.pool.live
    monkeypatch.setattr(backend.native, "create_buffer", create)
    with pytest.raises(DeviceError, match=r"no room for .* more bytes"):
        executable([x])
    assert backend.pool.live == live
    left[0] = 10
    assert backend.read(executable([x])[0], f32(3_000_000))[0] == 6


def test_threads(backend: WgpuBackend) -> None:
    executable = backend.compile(chain(5))
    failures: list[object] = []

    def work(seed: int) -> None:
        x = np.full(N, seed, np.float32)
        for _ in range(30):
            got = backend.read(executable([backend.write(x)])[0], f32(N))
            if not (got == x + 15).all():
                failures.append(got)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


FORK = """
import os, warnings
import numpy as np
import lantern
warnings.simplefilter("ignore")     # of forking a process with threads
backend = lantern.devices("gpu")[0].backend
backend.wait()
if os.fork() == 0:
    try:
        backend.write(np.zeros(3, np.float32))
        print("no error", flush=True)
    except lantern.errors.DeviceError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_child(backend: WgpuBackend) -> None:
    """In a process of its own: a test process has threads of other libraries, which may hold locks at the fork."""
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60, check=False)
    assert "forked" in done.stdout, done.stdout + done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_interruption_while_waiting(backend: WgpuBackend) -> None:
    """Ctrl-C ends a read at once, and the device works on afterwards."""
    executable = backend.compile(program(product(1, 512, 512, 512)))
    x = backend.write(np.ones((1, 512, 512), np.float32))
    outputs = [executable([x, x])[0] for _ in range(8)]
    timer = threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        backend.read(outputs[-1], f32(1, 512, 512))
        time.sleep(1)       # a fast device is done before the signal comes
    except KeyboardInterrupt:
        pass
    timer.join()
    assert backend.read(outputs[0], f32(1, 512, 512))[0, 0, 0] == 512


def test_faulty_wgsl_is_reported_with_its_file(backend: WgpuBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lantern.backends.wgpu.scalar.ZEROS", {})
    monkeypatch.setattr("lantern.backends.wgpu.scalar.constant", lambda const, opaque=False: "nonsense")
    with pytest.raises(DeviceError, match=r"internal: kernel wrong: the driver refused its WGSL.*\.wgsl") as caught:
        backend.compile(program(elementwise([], f32(3), lambda b: b.const(1, F32), "wrong")))
    path = str(caught.value).split("which is in ")[1].split(": ")[0]
    with open(path, encoding="utf-8") as file:
        assert "nonsense" in file.read()
    os.remove(path)


def test_lost_device(backend: WgpuBackend) -> None:
    other = WgpuBackend(backend.adapter)
    executable = other.compile(chain(2))
    x = other.write(np.zeros(N, np.float32))
    other.native.object.destroy()
    for _ in range(2):
        with pytest.raises(DeviceError, match="lost"):
            other.read(executable([x])[0], f32(N))
    assert run_program(backend, chain(1), [np.zeros(N, np.float32)])[0][0] == 1


def test_checked_shaders(backend: WgpuBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """LANTERN_CHECK keeps the driver's bounds checks; the results are the same."""
    monkeypatch.setattr(config.flags, "check", True)
    other = WgpuBackend(backend.adapter)
    for kernel in (softmax(9, 260), product(1, 70, 66, 33), reduction(f32(9, 40), ReduceOp.ARGMAX, (0,))):
        args = [np.random.default_rng(k).standard_normal(a.shape).astype(F32) for k, a in enumerate(kernel.args)]
        wanted = emulate.run_kernel(kernel, args)[0]
        np.testing.assert_allclose(run(other, kernel, *args)[0], wanted, rtol=1e-4, atol=1e-4)


def test_large_reads_come_in_pieces(backend: WgpuBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lantern.backends.wgpu.runtime.PIECE", 4096)
    for size in (1024, 1025, 10_000):
        x = np.random.default_rng(0).integers(-9, 9, size).astype(np.int32)
        np.testing.assert_array_equal(backend.read(backend.write(x), shaped((size,), I32)), x)


def test_size_classes() -> None:
    for nbytes in (1, 255, 256, 257, 1 << 20, (1 << 20) + 1, 12345678):
        size = size_class(nbytes)
        assert nbytes <= size and size % 16 == 0
        assert size <= max(256, 2 * nbytes if nbytes <= 1 << 20 else nbytes * 1.25 + 1)
    aval: ShapedArray = shaped((1,), BOOL)
    assert aval.nbytes == 1


def test_memory_is_kept_for_a_loop_and_given_up_later(backend: WgpuBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop over large arrays gets the same buffers again; what nobody wants for a second goes back to the driver."""
    now, pool = [100.0], backend.pool
    monkeypatch.setattr(memory.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(memory, "KEEP", 1 << 12)
    pool.collect()
    pool.trim()
    held = [pool.take(1 << 20) for _ in range(3)]
    numbers = {a.id for a in held}
    for _ in range(5):
        for a in held:
            pool.give(a)
        now[0] += 0.3
        held = [pool.take(1 << 20) for _ in range(3)]
        assert {a.id for a in held} == numbers
    for a in held:
        pool.give(a)
    pool.collect()
    now[0] += 0.5
    pool.collect()
    assert pool.unused == 3 << 20
    now[0] += 2.0
    pool.collect()
    assert pool.unused == 0


def test_memory_kept_has_a_limit(backend: WgpuBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = backend.pool
    monkeypatch.setattr(memory, "KEEP", 1 << 12)
    monkeypatch.setattr(memory, "KEEP_BRIEFLY", 2 << 20)
    pool.collect()
    pool.trim()
    for a in [pool.take((4 << 20) + pool.live) for _ in range(3)]:
        pool.give(a)
    pool.collect()
    assert pool.unused <= max(2 << 20, 2 * pool.live)
