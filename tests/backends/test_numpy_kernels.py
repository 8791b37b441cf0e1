"""The CPU backend's statements against the emulator, kernel by kernel."""
from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lantern.backends.emulate import run_kernel
from lantern.backends.numpy import NumpyBackend
from lantern.backends.numpy import program as rendering
from lantern.dtypes import BF16, BOOL, F16, F32, F64, I32, I64, MARKERS, U32, is_complex, is_float, real_dtype
from lantern.lower import views
from lantern.lower.expr import COMPARISONS, TO_BOOL, Body, Const, DType, Guard, ReduceOp, Ref, ScalarOp, row_major
from lantern.lower.kernel import Alloc, Clear, Dispatch, Kernel, Program, Reduction, Scatter, Stage, Store
from lantern.trace.aval import ShapedArray, shaped

AnyArray = np.ndarray[Any, Any]
BACKEND = NumpyBackend()
TOLERANCE = {F16: 2e-3, BF16: 2e-2, F32: 2e-5, F64: 1e-12}
INTEGERS = [m.dtype for m in MARKERS if m.dtype.kind in "iu"]
FLOATS = [F16, BF16, F32, F64]


def program_of(kernel: Kernel) -> Program:
    """The program that launches one kernel."""
    count = len(kernel.args)
    slots = kernel.args + kernel.outs
    outs = tuple(range(count, len(slots)))
    added = [s.out for stage in kernel.stages for s in stage.stores if isinstance(s, Scatter)]
    steps = [*[Alloc(k) for k in outs], *[Clear(count + k) for k in added], Dispatch(kernel, tuple(range(count)), outs)]
    return Program(slots, tuple(range(count)), outs, kernel.outs, tuple(steps))


def check(kernel: Kernel, *args: AnyArray) -> list[AnyArray]:
    """Runs the kernel twice (scratch is used again) and compares with the emulator."""
    run = BACKEND.compile(program_of(kernel))
    buffers = [BACKEND.write(a) for a in args]
    wanted = run_kernel(kernel, args)
    run(buffers)
    found = run(buffers)
    for f, w in zip(found, wanted, strict=True):
        assert type(f) is np.ndarray and f.dtype == w.dtype and f.shape == w.shape and not f.flags.writeable
        close(f, w)
    return list(found)


def close(found: AnyArray, wanted: AnyArray) -> None:
    """Equal; for floats within the dtype's tolerance."""
    if is_complex(wanted.dtype):
        rtol = TOLERANCE[real_dtype(wanted.dtype)]
        np.testing.assert_allclose(found.real, wanted.real, rtol, rtol)
        np.testing.assert_allclose(found.imag, wanted.imag, rtol, rtol)
    elif is_float(wanted.dtype):
        rtol = TOLERANCE[wanted.dtype]
        np.testing.assert_allclose(found.astype(F64), wanted.astype(F64), rtol, rtol)
    else:
        np.testing.assert_array_equal(found, wanted)


def sample(shape: Sequence[int], dtype: DType, seed: int = 0) -> AnyArray:
    """Values around zero, with the awkward ones among them."""
    random = np.random.default_rng(seed)
    size = int(np.prod(shape))
    if dtype == BOOL:
        return (random.integers(0, 2, size) == 1).reshape(shape)
    if is_complex(dtype):
        part = real_dtype(dtype)
        found = sample(shape, part, seed).astype(dtype)
        found.imag = sample(shape, part, seed + 100).reshape(-1)[::-1].reshape(shape)
        return found
    if is_float(dtype):
        values = random.normal(size=size) * 2
        odd = [0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -1.0, 0.5]
        values[:min(size, len(odd))] = odd[:size]
        return values.astype(dtype).reshape(shape)
    bounds = np.iinfo(dtype)
    values = random.integers(-20, 20, size)
    odd = [0, bounds.min, bounds.max, 1, 2, bounds.bits, bounds.bits - 1]
    found = values.astype(dtype)
    found[:min(size, len(odd))] = np.array(odd, object)[:size].astype(dtype)
    return random.permutation(found).reshape(shape)


def normals(kernel: Kernel, seed: int = 0) -> list[AnyArray]:
    """Arguments for a kernel of floats."""
    return [np.random.default_rng(seed + k).normal(size=a.shape).astype(a.dtype) for k, a in enumerate(kernel.args)]


def pointwise(op: ScalarOp, dtypes: Sequence[DType], result: DType, shape: tuple[int, ...]) -> Kernel:
    """One operation on arrays of one shape."""
    avals = [shaped(shape, d) for d in dtypes]
    return views.pointwise(avals, shaped(shape, result), lambda body, refs: body.apply(op, *refs, dtype=result))


_BITS = [ScalarOp.AND, ScalarOp.OR, ScalarOp.XOR, ScalarOp.NOT]
_PARTS = [ScalarOp.REAL, ScalarOp.IMAG]
_ELSEWHERE = [ScalarOp.SELECT, ScalarOp.CONVERT, ScalarOp.BITCAST, ScalarOp.CONJ, ScalarOp.COMPLEX, *_PARTS]
FLOAT_OPS = [op for op in ScalarOp if op not in [*_BITS, *_ELSEWHERE, ScalarOp.FLOORDIV, ScalarOp.SHL, ScalarOp.SHR]]
BOOL_OPS = [ScalarOp.MAX, ScalarOp.MIN, *COMPARISONS, *_BITS]
INTEGER_OPS = [*BOOL_OPS, ScalarOp.ADD, ScalarOp.SUB, ScalarOp.MUL, ScalarOp.FLOORDIV, ScalarOp.MOD, ScalarOp.NEG,
               ScalarOp.ABS, ScalarOp.SIGN, ScalarOp.SHL, ScalarOp.SHR, ScalarOp.FLOOR, ScalarOp.ISNAN,
               ScalarOp.ISFINITE]
COMPLEX_OPS = [ScalarOp.ADD, ScalarOp.SUB, ScalarOp.MUL, ScalarOp.NEG, ScalarOp.EQ, ScalarOp.NE, ScalarOp.CONJ,
               ScalarOp.ABS, ScalarOp.ISNAN, ScalarOp.ISFINITE, *_PARTS]
BINARY = {ScalarOp.ADD, ScalarOp.SUB, ScalarOp.MUL, ScalarOp.DIV, ScalarOp.FLOORDIV, ScalarOp.MOD, ScalarOp.ATAN2,
          ScalarOp.POW, ScalarOp.SHL, ScalarOp.SHR, ScalarOp.AND, ScalarOp.OR, ScalarOp.XOR, ScalarOp.MAX, ScalarOp.MIN,
          *COMPARISONS}


@pytest.mark.parametrize("dtype", [m.dtype for m in MARKERS], ids=str)
@pytest.mark.parametrize("shape", [(), (5,), (3, 0), (7, 9)], ids=str)
def test_every_operation(dtype: DType, shape: tuple[int, ...]) -> None:
    if is_complex(dtype):
        for op in COMPLEX_OPS:
            result = BOOL if op in TO_BOOL else real_dtype(dtype) if op in [*_PARTS, ScalarOp.ABS] else dtype
            check(pointwise(op, [dtype] * (2 if op in BINARY else 1), result, shape),
                  *[sample(shape, dtype, seed) for seed in range(2 if op in BINARY else 1)])
        return
    ops = FLOAT_OPS if is_float(dtype) else BOOL_OPS if dtype == BOOL else INTEGER_OPS
    for op in ops:
        count = 2 if op in BINARY else 1
        kernel = pointwise(op, [dtype] * count, BOOL if op in TO_BOOL else dtype, shape)
        check(kernel, *[sample(shape, dtype, seed) for seed in range(count)])


@pytest.mark.parametrize("source", [m.dtype for m in MARKERS], ids=str)
@pytest.mark.parametrize("target", [m.dtype for m in MARKERS], ids=str)
def test_every_conversion(source: DType, target: DType) -> None:
    check(pointwise(ScalarOp.CONVERT, [source], target, (11,)), sample((11,), source))


@pytest.mark.parametrize("dtype", [BOOL, I32, I64, F16, BF16, F32, F64, np.dtype("i1")], ids=str)
@pytest.mark.parametrize("size", [7, 5000])
@pytest.mark.parametrize("zero", ["none", "left", "right"])
def test_select(dtype: DType, size: int, zero: str) -> None:
    """By elements and by bits, which keeps every bit of a NaN."""
    avals = [shaped((size,), d) for d in (BOOL, dtype, dtype)]

    def emit(body: Body, refs: Sequence[Ref]) -> Ref:
        c, x, y = refs
        nothing = body.const(0, dtype)
        x, y = nothing if zero == "left" else x, nothing if zero == "right" else y
        return body.apply(ScalarOp.SELECT, c, x, y, dtype=dtype)

    kernel = views.pointwise(avals, avals[1], emit)
    args = [sample((size,), a.dtype, k) for k, a in enumerate(avals)]
    found = check(kernel, *args)[0]
    assert found.tobytes() == run_kernel(kernel, args)[0].tobytes()


BITCASTS = [(F32, U32), (U32, F32), (F32, I32), (F64, I64), (BF16, np.dtype("u2"))]


@pytest.mark.parametrize(("source", "target"), BITCASTS, ids=str)
def test_bitcast(source: DType, target: DType) -> None:
    def emit(body: Body, refs: Sequence[Ref]) -> Sequence[Ref]:
        bits = body.apply(ScalarOp.BITCAST, refs[0], dtype=target)
        again = body.apply(ScalarOp.MAX, refs[0], refs[0], dtype=source)
        return bits, body.apply(ScalarOp.BITCAST, again, dtype=target)

    outs = [shaped((6,), target), shaped((6,), target)]
    check(views.pointwise([shaped((6,), source)], outs, emit), np.arange(6).astype(source))


def test_views() -> None:
    x = sample((4, 6), I32)
    a = shaped((4, 6), I32)
    check(views.view(a, shaped((6, 4), I32), 0, (1, 6)), x)
    check(views.view(a, shaped((2, 3), I32), 7, (12, 2)), x)
    check(views.view(a, shaped((4, 6), I32), 23, (-6, -1)), x)
    check(views.view(a, shaped((5, 4, 6), I32), 0, (0, 6, 1)), x)
    check(views.view(a, shaped((24,), I32), 0, (1,)), x)
    check(views.view(a, shaped((4,), I32), 0, (7,)), x)
    check(views.view(shaped((), I32), shaped((3, 2), I32), 0, (0, 0)), np.array(4, np.int32))
    check(views.fill(shaped((2, 3), F32), np.nan))
    check(views.iota(shaped((2, 3), F32), 1))
    check(views.iota(shaped((0, 3), F32), 1))


GUARDS = [
    (Guard(0, 1, 5),), (Guard(0, 2, 10, 2),), (Guard(0, 1, 5), Guard(1, 2, 8)), (Guard(0, -2, 2),),
    (Guard(0, -3, 9, 3),),
]


@pytest.mark.parametrize("guards", GUARDS, ids=str)
def test_guards(guards: tuple[Guard, ...]) -> None:
    strides = [6, 1]
    shape = (11, 9) if len(guards) == 2 else (11, 6)
    kernel = views.view(shaped((4, 6), F32), shaped(shape, F32), 0, strides, guards, Const.of(2.5, F32))
    check(kernel, sample((4, 6), F32))


def concatenation(sizes: Sequence[int], wrap: bool) -> Kernel:
    """Concatenation along axis 1 as the op lowers it; `wrap` uses it further."""
    avals = [shaped((3, n), F32) for n in sizes]
    total = sum(sizes)

    def emit(body: Body) -> Ref:
        zero = Const.of(0, F32)
        value, stop = body.add(zero), total
        for k, n in reversed(list(enumerate(sizes))):
            part = body.load(k, (n, 1), 0, (Guard(1, stop - n, stop),), zero)
            if stop == total:
                value = part
            else:
                before = body.apply(ScalarOp.LT, body.index(1), body.const(stop, I32), dtype=BOOL)
                value = body.apply(ScalarOp.SELECT, before, part, value, dtype=F32)
            stop -= n
        return body.apply(ScalarOp.NEG, value, dtype=F32) if wrap else value

    return views.loop_nest(avals, shaped((3, total), F32), emit)


@pytest.mark.parametrize("wrap", [False, True])
def test_concatenation_is_slice_assignments(wrap: bool) -> None:
    kernel = concatenation([2, 5, 1], wrap)
    check(kernel, *[sample((3, n), F32, n) for n in (2, 5, 1)])
    text = BACKEND.texts(program_of(kernel))[0]
    assert "where" not in text and "less" not in text and text.count("[...] =") == 3


@pytest.mark.parametrize("dtype", [F16, BF16, F32, F64, I32, U32, np.dtype("i1")], ids=str)
@pytest.mark.parametrize(("shape", "axes"), [
    ((5, 7), (0,)), ((5, 7), (1,)), ((5, 7), (0, 1)), ((2, 3, 4), (1,)), ((2, 3, 4), (0, 2)), ((3,), (0,)),
    ((4, 0), (1,)), ((0, 4), (1,)), ((1, 1), (0,)), ((300, 3), (0,)), ((3, 1500), (1,)),
], ids=str)
def test_reductions(dtype: DType, shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    kept = tuple([n for k, n in enumerate(shape) if k not in axes])
    x = np.random.default_rng(1).integers(-3, 4, shape).astype(dtype)
    for op in (ReduceOp.SUM, ReduceOp.PROD, ReduceOp.MAX, ReduceOp.MIN, ReduceOp.ARGMAX, ReduceOp.ARGMIN):
        out = I32 if op in (ReduceOp.ARGMAX, ReduceOp.ARGMIN) else dtype
        check(views.reduction(shaped(shape, dtype), shaped(kept, out), op, axes), x)


@pytest.mark.parametrize("dtype", [F16, BF16, F32], ids=str)
def test_nan_wins_reductions(dtype: DType) -> None:
    x = np.array([[1, np.nan, 3, np.nan], [4, 5, 6, 7]]).astype(dtype)
    for op in (ReduceOp.MAX, ReduceOp.MIN, ReduceOp.ARGMAX, ReduceOp.ARGMIN):
        out = I32 if op in (ReduceOp.ARGMAX, ReduceOp.ARGMIN) else dtype
        check(views.reduction(shaped((2, 4), dtype), shaped((2,), out), op, (1,)), x)


def test_truth_reductions() -> None:
    x = sample((5, 6), BOOL)
    for op in (ReduceOp.AND, ReduceOp.OR):
        check(views.reduction(shaped((5, 6), BOOL), shaped((5,), BOOL), op, (1,)), x)
        check(views.reduction(shaped((5, 6), BOOL), shaped((), BOOL), op, (0, 1)), x)


def test_reduction_of_what_does_not_vary() -> None:
    """A sum over columns that the value does not depend on counts each of them."""
    body = Body(2)
    value = body.load(0, (1, 0))
    last = Body(1)
    store = Store(0, last.reduced(0), 0, (1,))
    kernel = Kernel((shaped((3,), F32),), (shaped((3,), F32),), (3,), (
        Stage((5,), body.done(), (Reduction(ReduceOp.SUM, value),)), Stage((), last.done(), stores=(store,))))
    check(kernel, np.array([1, 2, 3], np.float32))


def softmax(rows: tuple[int, ...], n: int, dtype: DType = F32) -> Kernel:
    """Two reducing stages and a storing one, in one kernel."""
    shape = (*rows, n)
    width = len(rows)
    stages: list[Stage] = []
    for number in range(3):
        body = Body(width + 1)
        x = body.load(0, row_major(shape))
        if number:
            x = body.apply(ScalarOp.EXP, body.apply(ScalarOp.SUB, x, body.reduced(0), dtype=dtype), dtype=dtype)
        if number == 2:
            value = body.apply(ScalarOp.DIV, x, body.reduced(1), dtype=dtype)
            stages.append(Stage((n,), body.done(), stores=(Store(0, value, 0, row_major(shape)),)))
        else:
            op = ReduceOp.SUM if number else ReduceOp.MAX
            stages.append(Stage((n,), body.done(), (Reduction(op, x),)))
    return Kernel((shaped(shape, dtype),), (shaped(shape, dtype),), rows, tuple(stages))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("rows", [(), (4,), (2, 3), (0,)], ids=str)
def test_softmax(rows: tuple[int, ...], dtype: DType) -> None:
    kernel = softmax(rows, 10, dtype)
    check(kernel, np.random.default_rng(0).normal(size=(*rows, 10)).astype(dtype))
    if rows != (0,):
        assert BACKEND.texts(program_of(kernel))[0].count("exp(") == 1


Axes = tuple[int, ...]
CONTRACTIONS: list[tuple[Axes, Axes, tuple[Axes, Axes], tuple[Axes, Axes]]] = [
    ((4, 3), (3, 5), ((1,), (0,)), ((), ())),
    ((3, 4), (3, 5), ((0,), (0,)), ((), ())),
    ((4, 3), (5, 3), ((1,), (1,)), ((), ())),
    ((3,), (3,), ((0,), (0,)), ((), ())),
    ((3,), (3, 5), ((0,), (0,)), ((), ())),
    ((4, 3), (3,), ((1,), (0,)), ((), ())),
    ((4,), (5,), ((), ()), ((), ())),
    ((2, 4, 3), (2, 3, 5), ((2,), (1,)), ((0,), (0,))),
    ((4, 2, 3), (3, 5, 2), ((2,), (0,)), ((1,), (2,))),
    ((2, 3, 4), (4, 3, 6), ((1, 2), (1, 0)), ((), ())),
    ((2, 3, 4, 5), (2, 3, 5, 6), ((3,), (2,)), ((0, 1), (0, 1))),
    ((4, 0), (0, 5), ((1,), (0,)), ((), ())),
    ((0, 3), (3, 5), ((1,), (0,)), ((), ())),
    ((4, 1), (1, 5), ((1,), (0,)), ((), ())),
]


@pytest.mark.parametrize("dtype", [F16, BF16, F32, F64, I32], ids=str)
@pytest.mark.parametrize("case", CONTRACTIONS, ids=str)
def test_matrix_products(case: Any, dtype: DType) -> None:
    left, right, contract, batch = case
    rest = [[n for k, n in enumerate(s) if k not in c and k not in b]
            for s, c, b in zip((left, right), contract, batch, strict=True)]
    out = (*[left[k] for k in batch[0]], *rest[0], *rest[1])
    kernel = views.matrix_product(shaped(left, dtype), shaped(right, dtype), shaped(out, dtype), contract, batch)
    random = np.random.default_rng(0)
    check(kernel, random.integers(-4, 5, left).astype(dtype), random.integers(-4, 5, right).astype(dtype))


def test_epilogue_works_in_place() -> None:
    """relu(x @ w + b): the product is computed where the result goes."""
    x, w, b, y = shaped((4, 3), F32), shaped((3, 5), F32), shaped((5,), F32), shaped((4, 5), F32)
    plain = views.matrix_product(x, w, y, ((1,), (0,)))
    last = Body(2)
    total = last.apply(ScalarOp.ADD, last.reduced(0), last.load(2, (0, 1)), dtype=F32)
    value = last.apply(ScalarOp.MAX, total, last.const(0, F32), dtype=F32)
    epilogue = Stage((), last.done(), stores=(Store(0, value, 0, (5, 1)),))
    kernel = Kernel((x, w, b), (y,), plain.rows, (plain.stages[0], epilogue), plain.dot)
    check(kernel, sample((4, 3), F32, 1), np.ones((3, 5), np.float32), np.ones(5, np.float32))
    assert "dot(a0, a1, o0)" in BACKEND.texts(program_of(kernel))[0]


@pytest.mark.parametrize("dtype", [F32, F64, F16, BF16, I32, U32], ids=str)
@pytest.mark.parametrize("size", [4, 4000])
def test_gather_and_scatter(dtype: DType, size: int) -> None:
    table, index = shaped((size,), dtype), shaped((50,), I32)
    places = np.random.default_rng(0).integers(0, size, 50).astype(np.int32)
    values = np.random.default_rng(1).integers(-5, 5, 50).astype(dtype)
    check(views.loop_nest([table, index], shaped((50,), dtype), lambda b: b.gather(0, b.load(1, (1,)))),
          np.arange(size).astype(dtype), places)
    body = Body(1)
    value, place = body.load(0, (1,)), body.load(1, (1,))
    keep = body.apply(ScalarOp.LT, place, body.const(size - 1, I32), dtype=BOOL)
    scatter = Kernel((shaped((50,), dtype), index), (table,), (), (
        Stage((50,), body.done(), stores=(Scatter(0, place, value, keep),)),))
    check(scatter, values, places)


def test_rank_0_gather() -> None:
    table, index = shaped((4,), F32), shaped((), I32)
    check(views.loop_nest([table, index], shaped((), F32), lambda b: b.gather(0, b.load(1, ()))),
          np.arange(4, dtype=np.float32), np.array(2, np.int32))


# Tiles


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels of a few elements are cut."""
    monkeypatch.setattr(rendering, "MANY", 32)
    monkeypatch.setattr(rendering, "TILE", 16)


def gelu(shape: tuple[int, ...]) -> Kernel:
    """The tanh form, with a scale per column and what does not vary at all."""
    avals = [shaped(shape, F32), shaped(shape[-1:], F32), shaped((), F32)]

    def emit(body: Body) -> Ref:
        x = body.load(0, row_major(shape))
        scale = body.load(1, (*[0] * (len(shape) - 1), 1))
        twice = body.apply(ScalarOp.MUL, scale, body.load(2, (0,) * len(shape)), dtype=F32)
        cube = body.apply(ScalarOp.MUL, body.apply(ScalarOp.MUL, x, x, dtype=F32), x, dtype=F32)
        inner = body.apply(ScalarOp.ADD, x, body.apply(ScalarOp.MUL, cube, twice, dtype=F32), dtype=F32)
        first = body.apply(ScalarOp.LT, body.index(0), body.const(3, I32), dtype=BOOL)
        inner = body.apply(ScalarOp.SELECT, first, inner, x, dtype=F32)
        return body.apply(ScalarOp.MUL, x, body.apply(ScalarOp.TANH, inner, dtype=F32), dtype=F32)

    return views.loop_nest(avals, shaped(shape, F32), emit)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("kernel", [
    gelu((9, 11)), gelu((100,)), gelu((4, 4, 4)), gelu((2, 50)), softmax((13,), 10), softmax((3, 5), 7),
], ids=lambda k: str(k.args[0]))
def test_tiles(kernel: Kernel) -> None:
    assert "tiles(" in BACKEND.texts(program_of(kernel))[0]
    check(kernel, *normals(kernel))


@pytest.mark.usefixtures("small_tiles")
def test_a_guarded_axis_is_not_cut() -> None:
    a = shaped((40, 9), F32)

    def emit(body: Body) -> Ref:
        x = body.load(0, (9, 1), 0, (Guard(1, 2, 11),), Const.of(1, F32))
        return body.apply(ScalarOp.MUL, body.apply(ScalarOp.ADD, x, x, dtype=F32), x, dtype=F32)

    kernel = views.loop_nest([a], shaped((40, 13), F32), emit)
    assert "tiles(40, " in BACKEND.texts(program_of(kernel))[0]
    check(kernel, sample((40, 9), F32))


# Whole calls


def test_threads_do_not_share_scratch() -> None:
    kernel = gelu((300, 200))
    run = BACKEND.compile(program_of(kernel))
    args = [normals(kernel, 10 * k) for k in range(4)]
    wanted = [run_kernel(kernel, a)[0] for a in args]
    failures: list[int] = []

    def work(k: int) -> None:
        for _ in range(30):
            if not np.allclose(run(args[k])[0], wanted[k], 1e-4, 1e-5):
                failures.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


def test_no_warning_and_no_lasting_setting() -> None:
    before = np.geterr()
    kernel = pointwise(ScalarOp.DIV, [F32, F32], F32, (3,))
    BACKEND.compile(program_of(kernel))([np.array([1, 0, -1], np.float32), np.zeros(3, np.float32)])
    assert np.geterr() == before


# Random bodies


@st.composite
def bodies(draw: Callable[..., Any]) -> Kernel:
    """Chains of operations over strided, broadcast and transposed loads, with several stores."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    avals: list[ShapedArray] = []
    body = Body(len(shape))
    refs: list[Ref] = []
    for k in range(draw(st.integers(1, 3))):
        order = draw(st.permutations(range(len(shape))))
        kept = draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
        inner = tuple([shape[a] for a in order if kept[a]])
        lies = dict(zip([a for a in order if kept[a]], row_major(inner), strict=True))
        avals.append(shaped(inner, F32))
        refs.append(body.load(k, tuple([lies.get(a, 0) for a in range(len(shape))])))
    refs.append(body.const(draw(st.sampled_from([0.0, 1.5, -2.0])), F32))
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(["two", "one", "select", "index", "bits"]))
        x, y, z = [draw(st.sampled_from(refs)) for _ in range(3)]
        if kind == "two":
            op = draw(st.sampled_from([ScalarOp.ADD, ScalarOp.MUL, ScalarOp.SUB, ScalarOp.MAX]))
            refs.append(body.apply(op, x, y, dtype=F32))
        elif kind == "one":
            op = draw(st.sampled_from([ScalarOp.TANH, ScalarOp.NEG, ScalarOp.ABS, ScalarOp.ERF]))
            refs.append(body.apply(op, x, dtype=F32))
        elif kind == "select":
            refs.append(body.apply(ScalarOp.SELECT, body.apply(ScalarOp.LT, x, y, dtype=BOOL), y, z, dtype=F32))
        elif kind == "index":
            axis = draw(st.integers(0, len(shape) - 1))
            refs.append(body.apply(ScalarOp.CONVERT, body.index(axis), dtype=F32))
        else:
            bits = body.apply(ScalarOp.BITCAST, x, dtype=I32)
            mask = body.apply(ScalarOp.AND, bits, body.const(0x7FFFFFFF, I32), dtype=I32)
            refs.append(body.apply(ScalarOp.BITCAST, mask, dtype=F32))
    stores = tuple([Store(k, draw(st.sampled_from(refs)), 0, row_major(shape)) for k in range(draw(st.integers(1, 3)))])
    outs = tuple([shaped(shape, F32)] * len(stores))
    return Kernel(tuple(avals), outs, (), (Stage(shape, body.done(), stores=stores),))


@settings(max_examples=150, deadline=None)
@given(bodies(), st.booleans())
def test_random_bodies(kernel: Kernel, cut: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if cut:
            patch.setattr(rendering, "MANY", 1)
            patch.setattr(rendering, "TILE", 3)
        check(kernel, *normals(kernel))
