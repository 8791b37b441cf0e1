"""How fast the WebGPU backend's kernels are, as ratios to what the device can do.

    python -m benchmarks.gpu_kernels            # sizes for a real GPU
    python -m benchmarks.gpu_kernels --small    # for drivers that run on the CPU

Kernels are built by hand, so nothing but rendering and the run time is measured. Each result is checked against NumPy.
"""
from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lantern.backends.base import Executable
from lantern.backends.wgpu import WgpuBackend, adapters, why_none
from lantern.backends.wgpu.memory import Buffer
from lantern.lower.expr import Body, ReduceOp, Ref, ScalarOp, row_major
from lantern.lower.kernel import Alloc, Dispatch, Dot, Free, Kernel, Program, Reduction, Stage, Store
from lantern.trace.aval import ShapedArray, shaped

F32 = np.dtype("float32")
SECONDS = 0.5


def f32(*shape: int) -> ShapedArray:
    """A float32 aval."""
    return shaped(shape, F32)


def program(kernel: Kernel) -> Program:
    """One launch."""
    count = len(kernel.args)
    return Program((*kernel.args, *kernel.outs), tuple(range(count)), (count,), kernel.outs,
                   (Alloc(count), Dispatch(kernel, tuple(range(count)), (count,))), name=kernel.name)


def best_time(backend: WgpuBackend, run: Executable, inputs: Sequence[Buffer]) -> float:
    """Seconds a call takes when calls follow each other: the best of a few rounds of many."""
    run(inputs)
    backend.wait()
    start = time.perf_counter()
    run(inputs)
    backend.wait()
    count = int(max(2, min(100, 0.1 * SECONDS / max(time.perf_counter() - start, 1e-6))))
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end or best == float("inf"):
        start = time.perf_counter()
        for _ in range(count):
            run(inputs)
        backend.wait()
        best = min(best, (time.perf_counter() - start) / count)
    return best


def measure(backend: WgpuBackend, kernel: Kernel, args: Sequence[np.ndarray[Any, Any]],
            check: Callable[[np.ndarray[Any, Any]], float], bound: float) -> float:
    """Seconds for one launch, after its result has been found right."""
    run = backend.compile(program(kernel))
    inputs = [backend.write(x) for x in args]
    error = check(backend.read(run(inputs)[0], kernel.outs[0]))
    assert error < bound, f"{kernel.name}: wrong by {error}"
    return best_time(backend, run, inputs)


def driver_copy(backend: WgpuBackend, size: int) -> float:
    """Seconds the driver takes to copy `size` bytes on the device."""
    source, target = [backend.pool.take(size) for _ in range(2)]
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        for _ in range(10):
            backend.native.copy(source.handle, 0, target.handle, size)
        backend.wait()
        best = min(best, (time.perf_counter() - start) / 10)
    backend.pool.give(source)
    backend.pool.give(target)
    return best


def copy_kernel(size: int) -> Kernel:
    """y = x."""
    body = Body(1)
    store = Store(0, body.load(0, (1,)), 0, (1,))
    return Kernel((f32(size),), (f32(size),), (), (Stage((size,), body.done(), (), (store,)),), name="copy")


def gelu_kernel(size: int) -> Kernel:
    """Fourteen operations on each element, the tanh form of gelu between others."""
    body = Body(1)

    def apply(op: ScalarOp, *refs: Ref) -> Ref:
        return body.apply(op, *refs, dtype=F32)

    def number(value: float) -> Ref:
        return body.const(value, F32)

    x = body.load(0, (1,))
    t = apply(ScalarOp.ADD, apply(ScalarOp.MUL, x, number(1.1)), number(0.3))
    cube = apply(ScalarOp.MUL, apply(ScalarOp.MUL, t, t), t)
    inner = apply(ScalarOp.ADD, t, apply(ScalarOp.MUL, cube, number(0.044715)))
    bent = apply(ScalarOp.ADD, apply(ScalarOp.TANH, apply(ScalarOp.MUL, inner, number(0.7978845608))), number(1.0))
    gelu = apply(ScalarOp.MUL, apply(ScalarOp.MUL, t, number(0.5)), bent)
    store = Store(0, apply(ScalarOp.ADD, apply(ScalarOp.MUL, gelu, gelu), x), 0, (1,))
    return Kernel((f32(size),), (f32(size),), (), (Stage((size,), body.done(), (), (store,)),), name="gelu")


def gelu_numpy(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same in float64."""
    t = x.astype(np.float64) * 1.1 + 0.3
    g = 0.5 * t * (1 + np.tanh(0.7978845608 * (t + 0.044715 * t**3)))
    return g * g + x


def softmax_kernel(rows: int, cols: int) -> Kernel:
    """Two folds and a store, in one launch."""
    strides = (cols, 1)
    first, second, third = Body(2), Body(2), Body(2)
    top = Reduction(ReduceOp.MAX, first.load(0, strides))

    def shifted(body: Body) -> Ref:
        moved = body.apply(ScalarOp.SUB, body.load(0, strides), body.reduced(0), dtype=F32)
        return body.apply(ScalarOp.EXP, moved, dtype=F32)

    total = Reduction(ReduceOp.SUM, shifted(second))
    store = Store(0, third.apply(ScalarOp.DIV, shifted(third), third.reduced(1), dtype=F32), 0, strides)
    stages = (Stage((cols,), first.done(), (top,)), Stage((cols,), second.done(), (total,)),
              Stage((cols,), third.done(), (), (store,)))
    return Kernel((f32(rows, cols),), (f32(rows, cols),), (rows,), stages, name="softmax")


def sum_kernel(rows: int, cols: int, axis: int) -> Kernel:
    """The sum of a matrix over one of its axes."""
    strides = (cols, 1) if axis == 1 else (1, cols)
    kept, folded = (rows, cols) if axis == 1 else (cols, rows)
    first, last = Body(2), Body(1)
    fold = Reduction(ReduceOp.SUM, first.load(0, strides))
    store = Store(0, last.reduced(0), 0, (1,))
    stages = (Stage((folded,), first.done(), (fold,)), Stage((), last.done(), (), (store,)))
    return Kernel((f32(rows, cols),), (f32(kept),), (kept,), stages, name=f"sum{axis}")


def product_kernel(m: int, n: int, k: int, turned: tuple[bool, bool] = (False, False)) -> Kernel:
    """A matrix product; `turned` operands are stored transposed."""
    first, last = Body(3), Body(2)
    a = first.load(0, (1, 0, m) if turned[0] else (k, 0, 1))
    b = first.load(1, (0, k, 1) if turned[1] else (0, 1, n))
    fold = Reduction(ReduceOp.SUM, first.apply(ScalarOp.MUL, a, b, dtype=F32))
    store = Store(0, last.reduced(0), 0, row_major((m, n)))
    stages = (Stage((k,), first.done(), (fold,)), Stage((), last.done(), (), (store,)))
    args = (f32(k, m) if turned[0] else f32(m, k), f32(n, k) if turned[1] else f32(k, n))
    return Kernel(args, (f32(m, n),), (m, n), stages, Dot(0, 1, 1), "product")


def add_kernel(size: int, value: float) -> Kernel:
    """x + value."""
    body = Body(1)
    total = body.apply(ScalarOp.ADD, body.load(0, (1,)), body.const(value, F32), dtype=F32)
    stage = Stage((size,), body.done(), (), (Store(0, total, 0, (1,)),))
    return Kernel((f32(size),), (f32(size),), (), (stage,), name="add")


def relative(got: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> float:
    """The largest difference in terms of the largest element."""
    return float(np.abs(got - wanted).max() / np.abs(wanted).max())


def memory_bound(backend: WgpuBackend, small: bool) -> None:
    """Elementwise and row kernels against the bandwidth of a copy."""
    random = np.random.default_rng(0)
    size = min(1 << 20 if small else 1 << 26, backend.target.max_binding // 4)
    x = random.standard_normal(size, dtype=np.float32)
    seconds = measure(backend, copy_kernel(size), [x], lambda y: relative(y, x), 1e-9)
    report(f"copy of {size} floats", f"{8 * size / seconds / 1e9:.1f} GB/s")
    copied = 8 * size / min(seconds, driver_copy(backend, 4 * size))
    report("the driver's or ours, the faster", f"{copied / 1e9:.1f} GB/s")
    seconds = measure(backend, gelu_kernel(size), [x],
                      lambda y: relative(y[:65536], gelu_numpy(x[:65536])), 1e-5)
    report("gelu chain on them", f"{8 * size / seconds / copied:.0%} of the copy's bandwidth")
    rows, cols = (512, 1024) if small else (16384, 4096)
    rows = min(rows, backend.target.max_binding // (4 * cols))
    x = random.standard_normal((rows, cols), dtype=np.float32)

    def softmax_error(y: np.ndarray[Any, Any]) -> float:
        e = np.exp(x[-8:].astype(np.float64))
        return relative(y[-8:], e / e.sum(1, keepdims=True))

    seconds = measure(backend, softmax_kernel(rows, cols), [x], softmax_error, 1e-5)
    report(f"softmax of [{rows},{cols}]", f"{8 * x.size / seconds / copied:.0%} of the copy's bandwidth")
    for axis in (0, 1):
        wanted = x.sum(axis, dtype=np.float64)
        seconds = measure(backend, sum_kernel(rows, cols, axis), [x], lambda y, w=wanted: relative(y, w), 1e-4)
        report(f"its sum over axis {axis}", f"{4 * x.size / seconds / copied:.0%} of the copy's bandwidth")


def compute_bound(backend: WgpuBackend, small: bool) -> None:
    """Matrix products, plain and with transposed operands."""
    random = np.random.default_rng(0)
    for n in ((64, 256) if small else (256, 1024, 2048, 4096)):
        x, y = [random.standard_normal((n, n), dtype=np.float32) for _ in range(2)]
        for turned in ((False, False), (True, False), (False, True)):
            wanted = (x[:, :64].T if turned[0] else x[:64]).astype(np.float64) @ (y.T if turned[1] else y)
            seconds = measure(backend, product_kernel(n, n, n, turned), [x, y],
                              lambda z, w=wanted: relative(z[:64], w), 1e-4)
            names = f"{'x.T' if turned[0] else 'x'} @ {'y.T' if turned[1] else 'y'}"
            report(f"{names}, {n} x {n}", f"{2 * n**3 / seconds / 1e12:.3g} TFLOP/s")
    n = 100 if small else 4095
    x, y = [random.standard_normal((n, n), dtype=np.float32) for _ in range(2)]
    seconds = measure(backend, product_kernel(n, n, n), [x, y],
                      lambda z: relative(z[:64], x[:64].astype(np.float64) @ y), 1e-4)
    report(f"x @ y, {n} x {n}", f"{2 * n**3 / seconds / 1e12:.3g} TFLOP/s")


def overheads(backend: WgpuBackend) -> None:
    """Time of the CPU for small programs."""
    for length in (1, 10):
        steps: list[Any] = []
        for k in range(length):
            steps += [Alloc(k + 1), Dispatch(add_kernel(256, k), (k,), (k + 1,)), *([Free(k)] if k else [])]
        chain = Program((f32(256),) * (length + 1), (0,), (length,), (f32(256),), tuple(steps))
        run, x = backend.compile(chain), [backend.write(np.zeros(256, np.float32))]
        recorded, submitted, finished = list[float](), list[float](), list[float]()
        for _ in range(300):
            start = time.perf_counter()
            outputs = run(x)
            recorded.append(time.perf_counter() - start)
            backend.flush()
            submitted.append(time.perf_counter() - start)
            backend.read(outputs[0], f32(256))
            finished.append(time.perf_counter() - start)
        middle = [sorted(times)[len(times) // 2] * 1e6 for times in (recorded, submitted, finished)]
        report(f"a program of {length} kernels", f"{middle[0]:.0f} us to record, {middle[1]:.0f} us with submission, "
                                                 f"{middle[2]:.0f} us with reading the result")


def report(what: str, figure: str) -> None:
    """One line."""
    print(f"{what:<36} {figure}", flush=True)


def main() -> None:
    """Run everything on one adapter."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="sizes for drivers that run on the CPU")
    parser.add_argument("--adapter", type=int, default=0, help="which adapter, as the doctor lists them")
    options = parser.parse_args()
    found = adapters()
    if not found:
        raise SystemExit(why_none())
    index: int = options.adapter
    adapter = found[index]
    print(f"{adapter.name}, {adapter.type}, {adapter.backend}, {adapter.driver}")
    backend = WgpuBackend(adapter)
    overheads(backend)
    memory_bound(backend, options.small)
    compute_bound(backend, options.small)


if __name__ == "__main__":
    main()
