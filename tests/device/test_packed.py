"""Numbers of 8 and 16 bits and bools are packed in memory: every way to read and to write them, and what it saves."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.backends.emulate import run_kernel
from lantern.backends.wgpu import WgpuBackend
from lantern.backends.wgpu.device import ROUNDS_F16
from lantern.backends.wgpu.plan import make_plan
from lantern.backends.wgpu.render import render
from lantern.devices import default_device
from lantern.lower.expr import DType, ReduceOp, ScalarOp, row_major
from lantern.lower.kernel import Alloc, Dispatch, Program, Store
from lantern.trace.aval import shaped
from tests.device.kernels import BOOL, elementwise, operation, product, program, reduction, run, run_program, scatter

NAMES = ("bool", "int8", "uint8", "int16", "uint16", "float16", "bfloat16")
F32 = np.dtype(np.float32)
packed_types = pytest.mark.parametrize("dtype", [np.dtype(getattr(ml_dtypes, n, None) or n) for n in NAMES], ids=NAMES)
numbers = pytest.mark.parametrize("dtype", [np.dtype(getattr(ml_dtypes, n, None) or n) for n in NAMES[1:]],
                                  ids=NAMES[1:])


def draw(dtype: DType, *shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Small whole numbers, or bools."""
    found = np.random.default_rng(seed).integers(-4, 5, shape)
    return found > 0 if dtype == BOOL else found.astype(dtype)


def check(backend: WgpuBackend, kernel: Any, *args: np.ndarray[Any, Any]) -> None:
    """A device gives what the emulator gives."""
    for got, want in zip(run(backend, kernel, *args), run_kernel(kernel, args), strict=True):
        np.testing.assert_array_equal(got, want)


@packed_types
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 7, 1023])
def test_arrays_come_back(backend: WgpuBackend, dtype: DType, count: int) -> None:
    x = draw(dtype, count)
    assert np.array_equal(backend.read(backend.write(x), shaped(x.shape, dtype)), x)


@packed_types
@pytest.mark.parametrize("shape", [(1,), (3,), (6,), (8,), (3, 5), (4, 6), (257, 3), (5, 1, 7)])
def test_copies_turned_and_straight(backend: WgpuBackend, dtype: DType, shape: tuple[int, ...]) -> None:
    """Stores in order, and those of neighbours by different invocations."""
    x, rank, lies = shaped(shape, dtype), len(shape), row_major(shape)
    turned = shaped(shape[::-1], dtype)
    check(backend, elementwise([x], x, lambda b: b.load(0, lies)), draw(dtype, *shape))
    check(backend, elementwise([x], turned, lambda b: b.load(0, lies[::-1])), draw(dtype, *shape))
    scattered = elementwise([x], turned, lambda b: b.load(0, row_major(shape)[:rank]))
    if rank > 1:
        stage = scattered.stages[0]
        moved = replace(stage, cols=shape, stores=(Store(0, 0, 0, row_major(shape[::-1])[::-1]),))
        check(backend, replace(scattered, stages=(moved,)), draw(dtype, *shape))


@packed_types
@pytest.mark.parametrize(("shape", "axes"), [((7, 300), (1,)), ((300, 7), (0,)), ((5, 3), (1,)), ((64, 64), (0, 1))])
def test_one_result_a_row(backend: WgpuBackend, dtype: DType, shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    """Neighbouring rows write to one word."""
    aval = shaped(shape, dtype)
    for op in (ReduceOp.AND, ReduceOp.OR) if dtype == BOOL else (ReduceOp.MAX, ReduceOp.MIN, ReduceOp.ARGMAX):
        check(backend, reduction(aval, op, axes), draw(dtype, *shape))
    if dtype.kind in "iu":
        check(backend, reduction(aval, ReduceOp.SUM, axes), 50 * draw(dtype, *shape))


@numbers
@pytest.mark.parametrize("op", [ReduceOp.SUM, ReduceOp.MAX, ReduceOp.MIN, None])
def test_scatters(backend: WgpuBackend, dtype: DType, op: ReduceOp | None) -> None:
    """Many values to few places, so that words are fought over; sums of small whole numbers are exact."""
    count, size = (300, 7) if op else (7, 7)
    kernel = scatter(count, size, dtype)
    only = kernel.stages[0]
    folded = replace(only.stores[0], op=op)
    kernel = replace(kernel, stages=(replace(only, stores=(folded,)),))
    random = np.random.default_rng(1)
    places = random.integers(-1, size, count) if op else random.permutation(size)
    check(backend, kernel, places.astype(np.int32), draw(dtype, count))


@packed_types
def test_gathers(backend: WgpuBackend, dtype: DType) -> None:
    kernel = elementwise([shaped((50,), dtype), shaped((13,), np.dtype(np.int32))], shaped((13,), dtype),
                         lambda b: b.gather(0, b.load(1, (1,))), "gather")
    check(backend, kernel, draw(dtype, 50), np.random.default_rng(2).integers(0, 50, 13).astype(np.int32))


@numbers
@pytest.mark.parametrize("count", [8, 9])
def test_in_place(backend: WgpuBackend, dtype: DType, count: int) -> None:
    """An argument's memory is written while neighbours in the same words are read."""
    kernel = operation(ScalarOp.ADD, [shaped((count,), dtype)] * 2, dtype)
    made = Program(kernel.args + kernel.outs, (0, 1), (0,), kernel.outs, (Dispatch(kernel, (0, 1), (0,)),),
                   frozenset({0}))
    x, y = draw(dtype, count), draw(dtype, count, seed=1)
    assert np.array_equal(run_program(backend, made, [x, y])[0], x + y)


@pytest.mark.parametrize("sizes", [(1, 33, 17, 65), (2, 64, 64, 32), (1, 8, 9, 5)])
@pytest.mark.parametrize("dtype", [np.dtype(np.int8), np.dtype(np.uint16)])
def test_products_wrap(backend: WgpuBackend, dtype: DType, sizes: tuple[int, ...]) -> None:
    batch, m, n, k = sizes
    check(backend, product(batch, m, n, k, dtype=dtype), 100 * draw(dtype, batch, m, k), 70 * draw(dtype, batch, k, n))


@pytest.mark.parametrize("dtype", [np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)])
@pytest.mark.parametrize("shape", [(40, 50, 60), (17, 9, 33), (128, 128, 64)])
def test_products_of_16_bits_add_in_f32(backend: WgpuBackend, dtype: DType, shape: tuple[int, int, int]) -> None:
    m, n, k = shape
    random = np.random.default_rng(3)
    x, y = random.normal(size=(m, k)).astype(dtype), random.normal(size=(k, n)).astype(dtype)
    with default_device("gpu"):
        got = np.asarray(lantern.jit(jnp.matmul)(x, y))
    want = (x.astype(np.float64) @ y.astype(np.float64))
    assert got.dtype == dtype
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=2.0 ** (-10 if dtype.kind == "f" else -7), atol=1e-4)


def test_every_f16_is_read_and_written(backend: WgpuBackend) -> None:
    """Denormal numbers, too, and infinities; NaN stays NaN."""
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    half, single = shaped(every.shape, every.dtype), shaped(every.shape, F32)
    widen = elementwise([half], single, lambda b: b.apply(ScalarOp.CONVERT, b.load(0, (1,)), dtype=F32))
    np.testing.assert_array_equal(run(backend, widen, every)[0], every.astype(np.float32))
    copy = elementwise([half], half, lambda b: b.load(0, (1,)))
    np.testing.assert_array_equal(run(backend, copy, every)[0], every)


@pytest.mark.parametrize("dtype", [np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)])
def test_rounding_to_16_bits(backend: WgpuBackend, dtype: DType) -> None:
    """To the nearest, ties to even: all exponents, both signs, and everything around the ties."""
    high = np.arange(0, 1 << 16, 7, dtype=np.uint32)[:, None] << 16
    low = np.array([0, 1, 0xFFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0x8001, 0x3000, 0xF000, 0xFFFF], np.uint32)
    x = (high | low).ravel().view(np.float32)
    x = x[(np.abs(x) >= np.finfo(np.float32).tiny) | np.isnan(x) | (x == 0)]      # denormal f32 may count as zero
    narrow = elementwise([shaped(x.shape, F32)], shaped(x.shape, dtype),
                         lambda b: b.apply(ScalarOp.CONVERT, b.load(0, (1,)), dtype=dtype))
    with np.errstate(all="ignore"):
        want = x.astype(dtype)
    np.testing.assert_array_equal(run(backend, narrow, x)[0].astype(np.float32), want.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)])
def test_every_operation_rounds(backend: WgpuBackend, dtype: DType) -> None:
    """(x + y) - y, fused, is what two kernels would give."""
    x, y = [np.random.default_rng(k).normal(size=1001).astype(dtype) for k in range(2)]
    aval = shaped((1001,), dtype)
    kernel = elementwise([aval, aval], aval, lambda b: b.apply(
        ScalarOp.SUB, b.apply(ScalarOp.ADD, b.load(0, (1,)), b.load(1, (1,)), dtype=dtype), b.load(1, (1,)),
        dtype=dtype))
    check(backend, kernel, x, y)


@pytest.mark.parametrize(("name", "share"), [("float16", 2), ("bfloat16", 2), ("int16", 2), ("int8", 4), ("uint8", 4)])
def test_a_kernel_moves_as_many_bytes_as_its_elements_have(backend: WgpuBackend, name: str, share: int) -> None:
    def touched(dtype: Any) -> int:
        made = program(operation(ScalarOp.ADD, [shaped((4096,), dtype)] * 2, dtype))
        return make_plan(made, backend.target, backend.pipeline).touched

    assert touched(F32) == 3 * 4 * 4096
    assert touched(np.dtype(getattr(ml_dtypes, name, None) or name)) * share == touched(F32)


def test_bools_take_a_byte(backend: WgpuBackend) -> None:
    made = program(operation(ScalarOp.LT, [shaped((4096,), F32)] * 2, BOOL))
    assert make_plan(made, backend.target, backend.pipeline).touched == 9 * 4096


@packed_types
def test_whole_words_are_written_without_atomics(backend: WgpuBackend, dtype: DType) -> None:
    for count in (4096, 4099):
        aval = shaped((count,), dtype)
        assert "atomic" not in render(elementwise([aval], aval, lambda b: b.load(0, (1,))), backend.target).text


def test_kernels_of_equal_words_but_other_types_are_not_confused(backend: WgpuBackend) -> None:
    """An i8 and an i32 are both computed as i32; their folds between lanes differ."""
    x = np.full((2, 4096), 100, np.int8)
    with default_device("gpu"):
        both = lantern.jit(lambda x: (jnp.sum(x, 1, dtype=jnp.int8), jnp.sum(x.astype(jnp.int32), 1)))(x)
    assert [b.tolist() for b in both] == [[0, 0], [409600, 409600]]


def test_hardware_conversions_replace_our_own(backend: WgpuBackend) -> None:
    aval = shaped((8,), np.dtype(np.float16))
    kernel = operation(ScalarOp.ADD, [aval, aval], aval.dtype)
    texts = {f: render(kernel, replace(backend.target, features=frozenset(f))).text for f in ((), (ROUNDS_F16,))}
    assert "pack2x16float(" in texts[ROUNDS_F16,] and "pack2x16float(" not in texts[()]
    assert all("hardware_" not in text and "fn round_f16(" in text for text in texts.values())


def test_alloc_is_whole_words(backend: WgpuBackend) -> None:
    """A slot of one byte is cleared, copied and read in words."""
    aval = shaped((), np.dtype(np.int8))
    kernel = elementwise([], aval, lambda b: b.const(-7, aval.dtype))
    made = Program((aval,), (), (0,), (aval,), (Alloc(0), Dispatch(kernel, (), (0,))))
    assert run_program(backend, made, [])[0] == -7
