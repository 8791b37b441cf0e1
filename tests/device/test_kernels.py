"""Kernels of every form on the device against the emulator."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lantern.backends import emulate
from lantern.backends.wgpu import WgpuBackend
from lantern.lower.expr import Body, Const, Guard, ReduceOp, ScalarOp, row_major
from lantern.lower.kernel import Dispatch, Kernel, Program, Reduction, Stage, Store
from lantern.trace.aval import ShapedArray, shaped
from tests.device.kernels import (
    BOOL,
    F32,
    I32,
    U32,
    elementwise,
    f32,
    i32,
    product,
    reduction,
    run,
    run_program,
    scatter,
    softmax,
    stage,
)


def sample(aval: ShapedArray, seed: int = 0) -> np.ndarray[Any, Any]:
    """Numbers of an aval's shape and dtype."""
    random = np.random.default_rng(seed)
    if aval.dtype == BOOL:
        return random.random(aval.shape) < 0.5
    if aval.dtype == F32:
        return random.standard_normal(aval.shape).astype(np.float32)
    return random.integers(0 if aval.dtype == U32 else -9, 9, aval.shape).astype(aval.dtype)


def check(backend: WgpuBackend, kernel: Kernel, *args: np.ndarray[Any, Any], tolerance: float = 1e-6) -> None:
    """The device's outputs equal the emulator's, within a tolerance relative to the largest element."""
    args = args or tuple([sample(a, k) for k, a in enumerate(kernel.args)])
    for wanted, got in zip(emulate.run_kernel(kernel, args), run(backend, kernel, *args), strict=True):
        assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
        if wanted.dtype != F32:
            np.testing.assert_array_equal(got, wanted)
        else:
            finite = np.abs(wanted[np.isfinite(wanted)])
            np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * finite.max(initial=0.0))


@pytest.mark.parametrize("shape", [(1,), (3,), (4,), (1000,), (1 << 20,), (5, 7), (3, 4, 8), (1, 1, 1), (2, 3, 5, 4)])
@pytest.mark.parametrize("dtype", [F32, I32, U32, BOOL], ids=str)
def test_copies(backend: WgpuBackend, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    aval = shaped(shape, dtype)
    check(backend, elementwise([aval], aval, lambda b: b.load(0, row_major(shape))))


def views() -> dict[str, tuple[tuple[int, ...], tuple[int, ...], int, tuple[int, ...], tuple[Guard, ...]]]:
    """Name -> shape of the buffer, domain, offset, strides, guards."""
    g = Guard
    return {
        "transpose": ((12, 20), (20, 12), 0, (1, 20), ()),
        "transpose_inner": ((2, 3, 8), (3, 2, 8), 0, (8, 24, 1), ()),
        "broadcast_rows": ((8,), (5, 8), 0, (0, 1), ()),
        "broadcast_cols": ((5,), (5, 8), 0, (1, 0), ()),
        "scalar": ((), (3, 4), 0, (0, 0), ()),
        "slice": ((6, 16), (4, 8), 16 + 4, (16, 1), ()),
        "slice_unaligned": ((6, 16), (4, 8), 16 + 3, (16, 1), ()),
        "every_other": ((64,), (32,), 1, (2,), ()),
        "reverse": ((3, 8), (3, 8), 23, (-8, -1), ()),
        "pad": ((4, 8), (7, 12), 0, (8, 1), (g(0, 2, 6), g(1, 4, 12))),
        "pad_front": ((5,), (8,), 0, (1,), (g(0, 3, 8),)),
        "pad_outer": ((4, 8), (6, 8), 0, (8, 1), (g(0, 1, 5),)),
        "pad_interior": ((4,), (12,), 0, (1,), (g(0, 1, 11, 3),)),
        "nothing": ((4,), (8,), 0, (1,), (g(0, 0, 0),)),
        "tail": ((12,), (8,), 4, (1,), ()),
        "one": ((1, 4), (3, 4), 0, (0, 1), (g(0, 1, 2),)),
    }


@pytest.mark.parametrize("name", views())
@pytest.mark.parametrize("dtype", [F32, BOOL], ids=str)
def test_views(backend: WgpuBackend, name: str, dtype: np.dtype[Any]) -> None:
    shape, domain, offset, strides, guards = views()[name]
    fill = Const.of(1, dtype)
    check(backend, elementwise([shaped(shape, dtype)], shaped(domain, dtype),
                               lambda b: b.load(0, strides, offset, guards, fill)))


def test_views_together(backend: WgpuBackend) -> None:
    """Contiguous, broadcast, transposed and padded operands of one kernel; one of them is read in two ways."""
    def write(b: Body) -> int:
        whole, row, turned = b.load(0, (12, 1)), b.load(1, (0, 1)), b.load(2, (1, 8))
        again = b.load(0, (12, -1), 11)
        padded = b.load(0, (12, 1), 0, (Guard(0, 2, 8),), Const.of(0.5, F32))
        total = b.apply(ScalarOp.ADD, whole, row, dtype=F32)
        for other in (turned, again, padded):
            total = b.apply(ScalarOp.SUB, other, total, dtype=F32)
        return total

    check(backend, elementwise([f32(8, 12), f32(12), f32(12, 8)], f32(8, 12), write))


def test_positions(backend: WgpuBackend) -> None:
    def write(b: Body) -> int:
        row = b.apply(ScalarOp.MUL, b.index(0), b.const(100, I32), dtype=I32)
        return b.apply(ScalarOp.ADD, b.apply(ScalarOp.ADD, row, b.index(2), dtype=I32), b.index(1), dtype=I32)

    for shape in ((3, 5, 8), (3, 1, 7), (2, 2, 2)):
        check(backend, elementwise([], i32(*shape), write))


def test_gather(backend: WgpuBackend) -> None:
    kernel = elementwise([f32(50), i32(12)], f32(12), lambda b: b.gather(0, b.load(1, (1,))))
    check(backend, kernel, sample(f32(50)), np.arange(12, dtype=np.int32)[::-1] * 4)


@pytest.mark.parametrize("dtype", [F32, I32, U32], ids=str)
def test_scatter(backend: WgpuBackend, dtype: np.dtype[Any]) -> None:
    index = np.random.default_rng(0).integers(-1, 7, 5000).astype(np.int32)
    check(backend, scatter(5000, 7, dtype), index, np.ones(5000, dtype))


def test_several_outputs(backend: WgpuBackend) -> None:
    for size in (64, 63):
        body = Body(1)
        x = body.load(0, (1,))
        y = body.apply(ScalarOp.GT, x, body.const(0, F32), dtype=BOOL)
        z = body.apply(ScalarOp.SELECT, y, x, body.const(7, F32), dtype=F32)
        stores = (Store(0, y, 0, (1,)), Store(1, z, 0, (1,)), Store(2, z, size - 1, (-1,)))
        outs = (shaped((size,), BOOL), f32(size), f32(size))
        check(backend, Kernel((f32(size),), outs, (), (Stage((size,), body.done(), (), stores),)))


SHAPES = [((6, 5), (1,)), ((6, 5), (0,)), ((300, 4), (0,)), ((4, 300), (1,)), ((3, 1024), (1,)), ((1000, 3), (1,)),
          ((5, 4, 6), (1,)), ((5, 4, 6), (0, 2)), ((5, 4, 64), (0, 1, 2)), ((70000,), (0,)), ((2, 3, 0), (2,)),
          ((40, 33, 2), (1,)), ((1, 7), (0,)), ((513, 257), (0,)), ((513, 260), (1,)), ((9, 40), (1,)), ((1,), (0,))]


@pytest.mark.parametrize(("shape", "axes"), SHAPES, ids=str)
@pytest.mark.parametrize("op", [ReduceOp.SUM, ReduceOp.MAX, ReduceOp.MIN, ReduceOp.ARGMAX, ReduceOp.ARGMIN],
                         ids=lambda op: op.value)
def test_folds(backend: WgpuBackend, shape: tuple[int, ...], axes: tuple[int, ...], op: ReduceOp) -> None:
    kernel = reduction(f32(*shape), op, axes)
    values = sample(kernel.args[0])
    check(backend, kernel, values, tolerance=3e-5 if values.size > 10000 else 1e-6)     # sums may cancel
    if values.size > 20 and op is not ReduceOp.SUM:
        values.reshape(-1)[[1, 7, values.size // 2, values.size - 1]] = np.nan
        check(backend, kernel, values)


@pytest.mark.parametrize("op", list(ReduceOp), ids=lambda op: op.value)
@pytest.mark.parametrize("dtype", [I32, U32, BOOL], ids=str)
def test_folds_of_integers(backend: WgpuBackend, op: ReduceOp, dtype: np.dtype[Any]) -> None:
    if dtype == BOOL and op in (ReduceOp.SUM, ReduceOp.PROD):
        return
    for shape, axes in (((7, 300), (1,)), ((300, 7), (0,)), ((6, 3), (1,)), ((4, 0), (1,)), ((4, 260), (1,))):
        check(backend, reduction(shaped(shape, dtype), op, axes))


def test_equal_values_and_infinities(backend: WgpuBackend) -> None:
    for value in (0.0, -np.inf, np.inf, np.nan):
        for op in (ReduceOp.ARGMAX, ReduceOp.ARGMIN, ReduceOp.MAX, ReduceOp.MIN):
            check(backend, reduction(f32(3, 700), op, (1,)), np.full((3, 700), value, np.float32))


@pytest.mark.parametrize(("rows", "cols"), [(100, 130), (7, 4096), (1000, 8), (5, 1), (33, 10000), (1, 64), (3, 20000)])
def test_softmax(backend: WgpuBackend, rows: int, cols: int) -> None:
    check(backend, softmax(rows, cols), tolerance=3e-6)


def test_row_broadcasts(backend: WgpuBackend) -> None:
    """Normalisation with a weight for each column, an offset for each row and two folds in one stage."""
    for rows, cols in ((9, 260), (33, 12), (4, 7)):
        body = Body(2)
        x = body.load(0, (cols, 1))
        square = body.apply(ScalarOp.MUL, x, x, dtype=F32)
        first = Stage((cols,), body.done(), (Reduction(ReduceOp.SUM, x), Reduction(ReduceOp.SUM, square)))

        def write(b: Body, cols: int = cols) -> int:
            scaled = b.apply(ScalarOp.MUL, b.load(0, (cols, 1)), b.load(1, (0, 1)), dtype=F32)
            moved = b.apply(ScalarOp.ADD, scaled, b.load(2, (1, 0)), dtype=F32)
            size = b.apply(ScalarOp.SQRT, b.reduced(0, 1), dtype=F32)
            return b.apply(ScalarOp.DIV, b.apply(ScalarOp.SUB, moved, b.reduced(0, 0), dtype=F32), size, dtype=F32)

        last = stage(2, (cols,), write, 0, (cols, 1))
        check(backend, Kernel((f32(rows, cols), f32(cols), f32(rows)), (f32(rows, cols),), (rows,), (first, last)),
              tolerance=1e-5)


PRODUCTS = [(1, 64, 64, 64), (1, 130, 70, 36), (2, 33, 65, 17), (3, 8, 9, 5), (1, 257, 129, 31), (1, 1, 50, 30),
            (1, 50, 1, 30), (2, 64, 512, 40), (1, 300, 300, 4), (4, 16, 16, 16), (1, 128, 64, 40), (1, 256, 256, 64)]


@pytest.mark.parametrize("sizes", PRODUCTS, ids=str)
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)], ids=str)
def test_products(backend: WgpuBackend, sizes: tuple[int, int, int, int], turned: tuple[bool, bool]) -> None:
    for extra in (False, True):
        check(backend, product(*sizes, turned, bias=extra, scale=extra), tolerance=1e-5)


def test_product_of_integers(backend: WgpuBackend) -> None:
    for dtype in (I32, U32):
        check(backend, product(2, 40, 50, 60, dtype=dtype))


def test_product_of_padded_operands(backend: WgpuBackend) -> None:
    """Guards and broadcasts in front of a product, and a transposed store behind it."""
    def terms(b: Body) -> int:
        x = b.load(0, (20, 0, 1), 0, (Guard(0, 3, 33),), Const.of(0.25, F32))
        y = b.apply(ScalarOp.ADD, b.load(1, (0, 1, 24)), b.load(2, (0, 1, 0)), dtype=F32)
        return b.apply(ScalarOp.MUL, x, y, dtype=F32)

    stages = (stage(3, (20,), terms, reduce=ReduceOp.SUM), stage(2, (), lambda b: b.reduced(0), 0, (1, 40)))
    dotted = product(1, 40, 24, 20).dot
    assert dotted is not None
    kernel = Kernel((f32(30, 20), f32(20, 24), f32(24)), (f32(24, 40),), (40, 24), stages,
                    type(dotted)(0, 1, 1), "padded")
    check(backend, kernel, tolerance=1e-5)


@pytest.mark.parametrize(("rows", "cols"), [(5, 64), (37, 10), (3, 2000), (300, 4), (70, 260)])
def test_stages_that_store_and_fold(backend: WgpuBackend, rows: int, cols: int) -> None:
    """exp(x), its sum, and the largest quotient, each of them stored."""
    strides = (cols, 1)
    first = Body(2)
    power = first.apply(ScalarOp.EXP, first.load(0, strides), dtype=F32)
    second = Body(2)
    again = second.apply(ScalarOp.EXP, second.load(0, strides), dtype=F32)
    share = second.apply(ScalarOp.DIV, again, second.reduced(0), dtype=F32)
    big = second.apply(ScalarOp.GT, share, second.const(0.01, F32), dtype=BOOL)
    stages = (
        Stage((cols,), first.done(), (Reduction(ReduceOp.SUM, power),), (Store(0, power, 0, strides),)),
        Stage((cols,), second.done(), (Reduction(ReduceOp.MAX, share), Reduction(ReduceOp.ARGMAX, share),
                                       Reduction(ReduceOp.OR, big)), (Store(1, big, cols * rows - 1, (-cols, -1)),)),
        stage(1, (), lambda b: b.reduced(0), 2, (1,)), stage(1, (), lambda b: b.reduced(1, 1), 3, (1,)),
        stage(1, (), lambda b: b.reduced(1, 2), 4, (1,)))
    outs = (f32(rows, cols), shaped((rows, cols), BOOL), f32(rows), i32(rows), shaped((rows,), BOOL))
    check(backend, Kernel((f32(rows, cols),), outs, (rows,), stages), tolerance=3e-6)


def test_stages_without_folds(backend: WgpuBackend) -> None:
    stages = (stage(2, (40,), lambda b: b.load(0, (40, 1)), 0, (40, 1)),
              stage(3, (2, 3), lambda b: b.apply(ScalarOp.NEG, b.load(1, (6, 1, 2)), dtype=F32), 1, (6, 3, 1)))
    check(backend, Kernel((f32(5, 40), f32(5, 3, 2)), (f32(5, 40), f32(5, 2, 3)), (5,), stages))


def in_place(backend: WgpuBackend, kernel: Kernel, arg: int) -> None:
    """Check a kernel whose output has the memory of one of its arguments."""
    args = [sample(a, k) for k, a in enumerate(kernel.args)]
    slots = tuple(range(len(args)))
    made = Program(kernel.args, slots, (arg,), kernel.outs, (Dispatch(kernel, slots, (arg,)),), frozenset({arg}))
    got, wanted = run_program(backend, made, args)[0], emulate.run_kernel(kernel, args)[0]
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


def test_in_place(backend: WgpuBackend) -> None:
    for size in (64, 63, 4096):
        in_place(backend, elementwise([f32(size), f32(size)], f32(size), lambda b: b.apply(
            ScalarOp.SUB, b.load(0, (1,)), b.load(1, (1,)), dtype=F32)), 1)
    for rows, cols in ((6, 2048), (50, 9)):
        in_place(backend, softmax(rows, cols), 0)
    for m, n in ((40, 64), (33, 35), (4, 100)):
        plain = product(1, m, n, 20)

        def add(b: Body, m: int = m, n: int = n) -> int:
            return b.apply(ScalarOp.ADD, b.reduced(0), b.load(2, (m * n, n, 1)), dtype=F32)

        last = stage(3, (), add, 0, (m * n, n, 1))
        stages = (plain.stages[0], last)
        in_place(backend, Kernel((*plain.args, f32(1, m, n)), plain.outs, plain.rows, stages, plain.dot), 2)


@pytest.mark.parametrize("seed", range(40))
def test_random_kernels(backend: WgpuBackend, seed: int) -> None:
    """Loads with random strides, offsets and guards over random domains, in elementwise and in row kernels."""
    random = np.random.default_rng(seed)
    sizes = [int(n) for n in random.choice([1, 2, 3, 4, 5, 8, 12], random.integers(1, 5))]
    split = int(random.integers(0, len(sizes)))
    args: list[ShapedArray] = []

    def load(b: Body, domain: list[int]) -> int:
        strides, guards, extents = list[int](), list[Guard](), list[int]()
        step = 1
        for axis in random.permutation(len(domain)):
            n = domain[axis]
            extents.append(axis)
            if random.random() < 0.25 and n > 1:
                start, stop = sorted(int(v) for v in random.integers(0, n + 1, 2))
                guards.append(Guard(int(axis), start, stop, int(random.integers(1, 3))))
            strides.append(0 if random.random() < 0.2 else step * (-1 if random.random() < 0.2 else 1))
            step *= n
        placed = [s for _, s in sorted(zip(extents, strides, strict=True))]
        offset = sum((n - 1) * -s for n, s in zip(domain, placed, strict=True) if s < 0)
        offset += int(random.integers(0, 3)) * 4
        args.append(f32(offset + step + 4))
        return b.load(len(args) - 1, tuple(placed), offset, tuple(guards), Const.of(float(seed), F32))

    def write(b: Body, domain: list[int]) -> int:
        total = load(b, domain)
        for _ in range(random.integers(0, 3)):
            total = b.apply(ScalarOp.ADD, total, load(b, domain), dtype=F32)
        return total

    rows = tuple(sizes[:split])
    if seed % 2:
        kernel = elementwise(args, f32(*sizes), lambda b: write(b, sizes))
        kernel = Kernel(tuple(args), kernel.outs, (), kernel.stages)
    else:
        first = stage(len(sizes), tuple(sizes[split:]), lambda b: write(b, sizes), reduce=ReduceOp.SUM)
        last = stage(split, (), lambda b: b.apply(ScalarOp.SUB, write(b, sizes[:split]) if split else b.reduced(0),
                                                  b.reduced(0), dtype=F32), 0, row_major(rows))
        kernel = Kernel(tuple(args), (f32(*rows),), rows, (first, last))
    check(backend, kernel, tolerance=1e-5)


def test_large_grids(limited: WgpuBackend) -> None:
    """More workgroups than fit along one dimension, or along two."""
    size = 4096 // 4
    assert limited.target.max_groups == 3
    check(limited, elementwise([f32(size)], f32(size), lambda b: b.load(0, (1,))))
    check(limited, reduction(f32(size // 2, 2), ReduceOp.SUM, (1,)))
    check(limited, reduction(f32(32, 32), ReduceOp.SUM, (1,)))
    check(limited, product(1, 32, 32, 32), tolerance=1e-5)
