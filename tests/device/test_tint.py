"""Tint, the compiler of Chromium, accepts every form of shader that there is; that of wgpu is not as strict."""
from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from lantern import config
from lantern.backends.wgpu import adapters
from lantern.backends.wgpu.prelude import blocks, functions_for
from lantern.backends.wgpu.render import render
from lantern.backends.wgpu.written import render_routine
from lantern.dtypes import C64, is_inexact
from lantern.lower.expr import TO_BOOL, ReduceOp, ScalarOp
from lantern.lower.kernel import Kernel, Target
from lantern.lower.routine import Routine, Written
from lantern.ops import linalg_wgsl
from lantern.ops.fft_kernel import written
from lantern.trace.aval import shaped
from tests.device.chromium import NAMES, Fault, compile_in_chromium, find_chromium
from tests.device.kernels import (
    BOOL,
    F32,
    I32,
    U32,
    elementwise,
    f32,
    i32,
    operation,
    product,
    reduction,
    scatter,
    softmax,
)
from tests.device.test_complex import BINARY as COMPLEX_BINARY
from tests.device.test_complex import UNARY as COMPLEX_UNARY
from tests.device.test_kernels import PRODUCTS, SHAPES, views
from tests.device.test_numbers import BINARY, UNARY

GOLDEN = Path(__file__).parents[1] / "golden"
PORTABLE = Target("wgpu", max_buffers=7, max_binding=1 << 27, recompute=True)      # the least that WebGPU promises
NARROW = tuple(np.dtype(n) for n in ("int8", "uint8", "int16", "uint16", "float16", ml_dtypes.bfloat16))
TYPES = (F32, I32, U32, BOOL, *NARROW, C64)

PLANTED = {
    "planted syntax": "fn f( {",
    "planted barrier": """var<workgroup> w: u32;
@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) thread: u32) {
  if (thread < 8u) {
    workgroupBarrier();
  }
}""",   # the compiler of wgpu accepts this one
}


def golden_texts() -> Iterator[tuple[str, str]]:
    for path in sorted((GOLDEN / "wgsl").glob("*.txt")):
        yield f"golden/wgsl/{path.name}", path.read_text("utf-8")
    count, _, texts = (GOLDEN / "digits" / "step.wgsl").read_text("utf-8").partition("\n\n")
    step = re.split(r"\n(?=// .*\n@group\(0\) @binding\(0\))", texts)
    assert count == f"// {len(step)} kernels"
    for k, text in enumerate(step):
        yield f"golden/digits/step.wgsl, kernel {k}", text


def operations() -> Iterator[Kernel]:
    """Every scalar operation on every type for which it has a meaning."""
    predicates = {ScalarOp.ISNAN, ScalarOp.ISFINITE}
    bitwise = {ScalarOp.AND, ScalarOp.OR, ScalarOp.XOR, ScalarOp.NOT}
    whole = bitwise | {ScalarOp.FLOORDIV, ScalarOp.SHL, ScalarOp.SHR}
    parts = {ScalarOp.REAL, ScalarOp.IMAG, ScalarOp.CONJ, ScalarOp.COMPLEX}
    shapeless = {*parts, ScalarOp.SELECT, ScalarOp.CONVERT, ScalarOp.BITCAST}
    numbers = {ScalarOp.NEG, ScalarOp.ABS, ScalarOp.SIGN, ScalarOp.FLOOR, ScalarOp.CEIL, ScalarOp.ROUND}
    floats = (UNARY.keys() | {ScalarOp.DIV, ScalarOp.ATAN2}) - numbers
    meant = {F32: set(ScalarOp) - whole - shapeless, I32: set(ScalarOp) - floats - shapeless,
             BOOL: TO_BOOL | bitwise | {ScalarOp.MAX, ScalarOp.MIN}}
    meant[U32] = meant[I32]
    meant |= {d: meant[I32 if d.kind in "iu" else F32] for d in NARROW}
    assert set().union(*meant.values(), shapeless) == set(ScalarOp) and BINARY.keys() <= meant[F32]
    alone = UNARY.keys() | COMPLEX_UNARY.keys() | predicates | {ScalarOp.NOT}
    numbers = {ScalarOp.POW, ScalarOp.EQ, ScalarOp.NE, *predicates}
    meant[C64] = COMPLEX_UNARY.keys() | COMPLEX_BINARY.keys() | numbers
    yield operation(ScalarOp.COMPLEX, [f32(8)] * 2, C64)
    for dtype in TYPES:
        aval = shaped((8,), dtype)
        for op in sorted(meant[dtype], key=lambda o: o.value):
            parted = dtype == C64 and op in (ScalarOp.ABS, ScalarOp.REAL, ScalarOp.IMAG)
            yield operation(op, [aval] * (1 if op in alone else 2), BOOL if op in TO_BOOL else F32 if parted else dtype)
        yield operation(ScalarOp.SELECT, [shaped((8,), BOOL), aval, aval], dtype)
        for wanted in TYPES:
            yield operation(ScalarOp.CONVERT, [aval], wanted)
            if BOOL not in (dtype, wanted) and dtype.itemsize == wanted.itemsize:
                yield operation(ScalarOp.BITCAST, [aval], wanted)


def constants() -> Iterator[Kernel]:
    """Constants that WGSL cannot write, and operations whose value no compiler may compute."""
    for value in (-0.0, 1e-45, 3.4028235e38, float("inf"), float("nan")):
        yield elementwise([], f32(8), lambda b, v=value: b.const(v, F32), f"constant {value}")
    for op, dtype, x, y in ((ScalarOp.ADD, I32, 2**31 - 1, 1), (ScalarOp.DIV, F32, 1.0, 0.0),
                            (ScalarOp.MUL, U32, 2**31, 2), (ScalarOp.FLOORDIV, I32, 1, 0), (ScalarOp.SHL, U32, 1, 40)):
        yield elementwise([], shaped((3,), dtype), lambda b, o=op, d=dtype, p=x, q=y: b.apply(
            o, b.const(p, d), b.const(q, d), dtype=d), f"{op.value} of constants")
    for op, y in ((ScalarOp.FLOORDIV, 0), (ScalarOp.MOD, 0), (ScalarOp.SHL, 40), (ScalarOp.SHR, 40)):
        for dtype in (I32, U32):
            yield elementwise([shaped((8,), dtype)], shaped((8,), dtype), lambda b, o=op, d=dtype, q=y: b.apply(
                o, b.load(0, (1,)), b.const(q, d), dtype=d), f"{op.value} by {y}")


def memory() -> Iterator[Kernel]:
    """Every way to read and to write."""
    for name, (shape, domain, offset, strides, guards) in views().items():
        for dtype in TYPES:
            yield elementwise([shaped(shape, dtype)], shaped(domain, dtype),
                              lambda b, a=(strides, offset, guards): b.load(0, *a), name)
    yield elementwise([f32(50), i32(12)], f32(12), lambda b: b.gather(0, b.load(1, (1,))), "gather")
    for dtype in (F32, I32, U32, *NARROW, C64):
        yield scatter(5000, 7, dtype)


def folds() -> Iterator[Kernel]:
    for shape, axes in SHAPES:
        for op in (ReduceOp.SUM, ReduceOp.MAX, ReduceOp.ARGMAX):
            yield reduction(f32(*shape), op, axes)
    for dtype in TYPES:
        for op in ReduceOp:
            bits, sums = op in (ReduceOp.AND, ReduceOp.OR), op in (ReduceOp.SUM, ReduceOp.PROD)
            if (is_inexact(dtype) and bits) or (dtype == BOOL and sums) or (dtype == C64 and not sums):
                continue
            for shape, axes in (((7, 300), (1,)), ((300, 7), (0,)), ((6, 3), (1,)), ((4, 260), (1,))):
                yield reduction(shaped(shape, dtype), op, axes)
    for cols in (1, 8, 64, 130, 4096, 20000):
        yield softmax(100, cols)


def products() -> Iterator[Kernel]:
    for sizes in PRODUCTS:
        for turned in ((False, False), (True, False), (False, True), (True, True)):
            for extra in (False, True):
                yield product(*sizes, turned, bias=extra, scale=extra)
    for dtype in (I32, U32, *NARROW[:4], C64):
        yield product(2, 40, 50, 60, dtype=dtype)


def factorisations() -> Iterator[Routine]:
    """Kernels of small matrices and of large ones."""
    def routine(name: str, text: Written, args: tuple[int, ...], outs: tuple[int, ...], counted: bool) -> Routine:
        number = (shaped((), I32),) * counted
        ends = [(*[f32(n) for n in sizes], *number) for sizes in (args, outs)]
        return Routine(lambda *xs: xs, text, *ends, name)

    for n in (3, 40):
        yield routine("cholesky", linalg_wgsl.cholesky(2, n), (2 * n * n,), (2 * n * n,), True)
        sizes = (2 * n * n, 2 * n)
        yield routine("householder", linalg_wgsl.householder(2, n, n), sizes, sizes, True)
        for lower, transpose, unit in ((True, False, False), (False, False, True), (True, True, False)):
            text = linalg_wgsl.substitution(2, n, 5, lower, transpose, unit)
            yield routine("substitution", text, (2 * n * n, 10 * n), (10 * n,), False)


def transforms(target: Target) -> Iterator[Routine]:
    """Fourier transforms of every radix, along rows and columns, of complex and of real numbers."""
    for shape, axis in (((5, 210), 1), ((143, 6), 0), ((100, 256), 1), ((64, 20), 0), ((2,), 0)):
        for inverse, real in ((False, False), (True, False), (False, True), (True, True)):
            half = shaped((*shape[:axis], shape[axis] // 2 + 1, *shape[axis + 1:]), C64)
            whole = shaped(shape, F32 if real else C64)
            ends = (half if real else whole, whole) if inverse else (whole, half if real else whole)
            text = written(shape, axis, inverse, target, real)
            yield Routine(lambda *xs: xs, text, ends[:1], ends[1:], f"fft{'i' * inverse}{'r' * real}")


def every_shader() -> dict[str, str]:
    """Name -> text. Equal texts, and kernels with nothing to do, are left out."""
    found = dict(golden_texts())
    found["prelude"] = functions_for(" ".join(blocks()))
    small = dataclasses.replace(PORTABLE, max_workgroup_size=64, max_groups=30)
    for target in (PORTABLE, small):
        for make in (operations, constants, memory, folds, products):
            for kernel in make():
                signature = f"{kernel.name} {', '.join(map(str, kernel.args))} -> {kernel.outs[0]}"
                found[f"{make.__name__}[{len(found)}]: {signature}"] = render(kernel, target).text
        for routine in (*transforms(target), *(factorisations() if target is PORTABLE else ())):
            found[f"{routine.name}[{len(found)}]: {routine.args[0]}"] = render_routine(routine, target)[0].text
    by_text = {text: name for name, text in reversed(found.items()) if text}
    return {name: text for text, name in reversed(by_text.items())}


def complaint(name: str, text: str, fault: Fault) -> str:
    """An error with the line that it is about."""
    line = text.splitlines()[fault.line - 1].strip() if fault.line else ""
    return f"{name}, line {fault.line}: {fault.text}\n    {line}"


def test_tint_accepts_every_shader() -> None:
    """Two wrong shaders take the same way, in the same start of the browser, and are found."""
    executable = find_chromium()
    if executable is None:
        # Where Chromium's driver is, Chromium was installed for these tests.
        installed = any("SwiftShader" in a.name for a in adapters())
        assert not (config.flags.require_adapter and installed), f"LANTERN_REQUIRE_ADAPTER is set; no {NAMES} in PATH"
        pytest.skip(f"none of {', '.join(NAMES)} in PATH, so Tint is not asked")
    shaders = every_shader()
    found = compile_in_chromium(executable, shaders | PLANTED)
    complaints = [complaint(name, text, f) for name, text in shaders.items() for f in found[name]]
    assert not complaints, f"Tint refuses {len(complaints)} of {len(shaders)}:\n" + "\n".join(complaints[:20])
    syntax, barrier = [found[name] for name in PLANTED]
    assert complaint("f", PLANTED["planted syntax"], syntax[0]).startswith("f, line 1: expected ")
    assert [f.line for f in barrier] == [4] and "uniform control flow" in barrier[0].text
