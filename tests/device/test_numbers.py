"""Every scalar operation on the device against float64 or the meaning in NumPy, corner cases first."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lantern.backends import emulate
from lantern.backends.wgpu import WgpuBackend
from lantern.lower import special
from lantern.lower.expr import TO_BOOL, Body, ScalarOp
from lantern.trace.aval import shaped
from tests.device.kernels import BOOL, F32, I32, U32, elementwise, f32, operation, run

CORNERS = np.array([
    0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1.5, 2.5, -2.5, 3.5, np.inf, -np.inf, np.nan, 1e-30, -1e-30, 1e30, -1e30,
    3.4e38, 88.72, -80, 89, 127.9, 1e5, 1e6, -1e6, 1e10, 1e20, 7.25, 100.25, 16777217, 2147483648.0, -2147483648.0,
    4294967296.0, 4294967040.0, 0.9999999, 1.0000001, 0.3, -0.29, 0.25], np.float32)
INTEGERS = np.array([0, 1, -1, 2, -2, 3, 7, -7, 31, 32, 33, -31, 100, 2**31 - 1, -2**31, -2**31 + 1, 12345], np.int32)
SMALLEST = float(np.finfo(np.float32).tiny)

# The largest error in units of the last place. Devices may divide and take roots a little less exactly than 0.5.
UNARY: dict[ScalarOp, tuple[Callable[..., Any], float]] = {
    ScalarOp.EXP: (np.exp, 2), ScalarOp.EXPM1: (np.expm1, 4), ScalarOp.LOG: (np.log, 2), ScalarOp.LOG1P: (np.log1p, 4),
    ScalarOp.SIN: (np.sin, 4), ScalarOp.COS: (np.cos, 4), ScalarOp.TAN: (np.tan, 6), ScalarOp.TANH: (np.tanh, 4),
    ScalarOp.ERF: (special.erf, 7), ScalarOp.ERFINV: (special.erfinv, 5), ScalarOp.SQRT: (np.sqrt, 3),
    ScalarOp.RSQRT: (lambda x: 1 / np.sqrt(x), 4), ScalarOp.NEG: (np.negative, 0), ScalarOp.ABS: (np.abs, 0),
    ScalarOp.SIGN: (np.sign, 0), ScalarOp.FLOOR: (np.floor, 0), ScalarOp.CEIL: (np.ceil, 0),
    ScalarOp.ROUND: (np.rint, 0),
}
BINARY: dict[ScalarOp, tuple[Callable[..., Any], float]] = {
    ScalarOp.ADD: (np.add, 0.5), ScalarOp.SUB: (np.subtract, 0.5), ScalarOp.MUL: (np.multiply, 0.5),
    ScalarOp.DIV: (np.divide, 3), ScalarOp.MAX: (np.maximum, 0), ScalarOp.MIN: (np.minimum, 0),
    ScalarOp.ATAN2: (np.arctan2, 5), ScalarOp.POW: (np.power, 3), ScalarOp.MOD: (np.mod, 0.5),
}


def samples(seed: int, *extra: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Corner cases and numbers of all sizes."""
    random = np.random.default_rng(seed)
    wide = np.exp(random.uniform(-80, 80, 2000)) * random.choice([-1, 1], 2000)
    normal = random.standard_normal(2000)
    parts = [CORNERS, normal, normal[::-1] * 30, wide, random.uniform(-1, 1, 2000)]
    return np.concatenate([p.astype(np.float32) for p in (*parts, *extra)])


def errors(got: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Distance in units of the last place of the wanted number. Denormal numbers may be zero."""
    rounded = wanted.astype(np.float32)
    unit = np.spacing(np.maximum(np.abs(rounded), np.float32(SMALLEST))).astype(np.float64)
    distance = np.abs(got.astype(np.float64) - wanted) / unit
    tiny = (np.abs(wanted) < SMALLEST) & (np.abs(got) < 2 * SMALLEST)
    same = (np.isnan(got) & np.isnan(rounded)) | (got == rounded) | tiny
    return np.where(same, 0.0, np.nan_to_num(distance, nan=np.inf))


@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.value)
def test_functions(backend: WgpuBackend, op: ScalarOp) -> None:
    random = np.random.default_rng(1)
    x = samples(0, random.uniform(-1e6, 1e6, 2000), random.uniform(-9000, 9000, 2000))
    function, bound = UNARY[op]
    with np.errstate(all="ignore"):
        wanted = function(x.astype(np.float64))
        found = errors(run(backend, operation(op, [f32(x.size)], F32), x)[0], wanted)
    worst = int(np.argmax(found))
    assert found[worst] <= bound, f"{op.value}({x[worst]!r}) is off by {found[worst]} ulp"


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.value)
def test_functions_of_two(backend: WgpuBackend, op: ScalarOp) -> None:
    a, b = [x.ravel() for x in np.meshgrid(CORNERS, CORNERS)]
    more = samples(2)
    a, b = np.concatenate([a, more, np.abs(more)]), np.concatenate([b, samples(3)[::-1], samples(4)])
    function, bound = BINARY[op]
    with np.errstate(all="ignore"):
        exact = op is ScalarOp.MOD      # where float64 is not the truth about float32 operands
        wanted = function(a, b).astype(np.float64) if exact else function(a.astype(np.float64), b.astype(np.float64))
        found = errors(run(backend, operation(op, [f32(a.size)] * 2, F32), a, b)[0], wanted)
    if op is ScalarOp.DIV:      # a denormal reciprocal of a divisor beyond 2**126 may be zero
        found = np.where(np.abs(b) > 2.0**126, 0, found)
    worst = int(np.argmax(found))
    assert found[worst] <= bound, f"{op.value}({a[worst]!r}, {b[worst]!r}) is off by {found[worst]} ulp"


def test_signs_of_zero(backend: WgpuBackend) -> None:
    x = np.array([-0.0, 0.0, -1e-30], np.float32)
    for op in (ScalarOp.NEG, ScalarOp.SIN, ScalarOp.TAN, ScalarOp.TANH, ScalarOp.SQRT, ScalarOp.FLOOR, ScalarOp.EXPM1,
               ScalarOp.LOG1P):
        kernel = operation(op, [f32(2)], F32)
        wanted, got = emulate.run_kernel(kernel, [x[:2]])[0], run(backend, kernel, x[:2])[0]
        np.testing.assert_array_equal(np.signbit(got), np.signbit(wanted), op.value)


def test_angles_without_bound(backend: WgpuBackend) -> None:
    x = np.concatenate([np.float32(2.0) ** np.arange(0, 128, dtype=np.float32), np.geomspace(1, 3e38, 999)])
    x = x.astype(np.float32)
    got = run(backend, operation(ScalarOp.SIN, [f32(x.size)], F32), x)[0]
    assert errors(got, np.array([math.sin(float(v)) for v in x])).max() <= 4


@pytest.mark.parametrize("dtype", [I32, U32, BOOL], ids=str)
def test_integers_and_truth_values(backend: WgpuBackend, dtype: np.dtype[Any]) -> None:
    values = np.array([True, False]) if dtype == BOOL else INTEGERS.view(dtype)
    a, b = [np.ascontiguousarray(x.ravel()) for x in np.meshgrid(values, values)]
    unary = {ScalarOp.NEG, ScalarOp.ABS, ScalarOp.SIGN, ScalarOp.NOT, ScalarOp.ISNAN, ScalarOp.ISFINITE}
    arithmetic = set(ScalarOp) - {*UNARY, ScalarOp.SELECT, ScalarOp.CONVERT, ScalarOp.BITCAST, ScalarOp.DIV,
                                  ScalarOp.ATAN2, ScalarOp.REAL, ScalarOp.IMAG, ScalarOp.CONJ, ScalarOp.COMPLEX} | unary
    if dtype == BOOL:
        arithmetic = TO_BOOL | {ScalarOp.AND, ScalarOp.OR, ScalarOp.XOR, ScalarOp.NOT, ScalarOp.MAX, ScalarOp.MIN}
    for op in sorted(arithmetic, key=lambda o: o.value):
        args = [a] if op in unary else [a, b]
        kernel = operation(op, [shaped(a.shape, dtype)] * len(args), BOOL if op in TO_BOOL else dtype)
        np.testing.assert_array_equal(run(backend, kernel, *args)[0], emulate.run_kernel(kernel, args)[0], op.value)


@pytest.mark.parametrize("op", [op for op in ScalarOp if op in TO_BOOL], ids=lambda op: op.value)
def test_comparisons(backend: WgpuBackend, op: ScalarOp) -> None:
    a, b = [np.ascontiguousarray(x.ravel()) for x in np.meshgrid(CORNERS, CORNERS)]
    args = [a] if op in (ScalarOp.ISNAN, ScalarOp.ISFINITE) else [a, b]
    plain = operation(op, [f32(a.size)] * len(args), BOOL)

    def negated(body: Body) -> int:
        refs = [body.load(k, (1,)) for k in range(len(args))]
        return body.apply(ScalarOp.NOT, body.apply(op, *refs, dtype=BOOL), dtype=BOOL)

    for kernel in (plain, elementwise(plain.args, shaped((a.size,), BOOL), negated)):
        np.testing.assert_array_equal(run(backend, kernel, *args)[0], emulate.run_kernel(kernel, args)[0])


def test_nan_is_not_itself(backend: WgpuBackend) -> None:
    kernel = elementwise([f32(CORNERS.size)], shaped((CORNERS.size,), BOOL),
                         lambda b: b.apply(ScalarOp.EQ, b.load(0, (1,)), b.load(0, (1,)), dtype=BOOL))
    np.testing.assert_array_equal(run(backend, kernel, CORNERS)[0], ~np.isnan(CORNERS))


def test_zero_times_infinity(backend: WgpuBackend) -> None:
    kernel = elementwise([f32(CORNERS.size)], f32(CORNERS.size),
                         lambda b: b.apply(ScalarOp.MUL, b.load(0, (1,)), b.const(0.0, F32), dtype=F32))
    with np.errstate(all="ignore"):
        wanted = CORNERS * np.float32(0)
    got = run(backend, kernel, CORNERS)[0]
    np.testing.assert_array_equal(got, wanted)
    finite = np.isfinite(CORNERS)
    np.testing.assert_array_equal(np.signbit(got[finite]), np.signbit(wanted[finite]))


@pytest.mark.parametrize("source", [F32, I32, U32, BOOL], ids=str)
@pytest.mark.parametrize("target", [F32, I32, U32, BOOL], ids=str)
def test_conversions(backend: WgpuBackend, source: np.dtype[Any], target: np.dtype[Any]) -> None:
    values = {F32: CORNERS, I32: INTEGERS, U32: INTEGERS.view(np.uint32), BOOL: np.array([True, False, True])}[source]
    kernel = operation(ScalarOp.CONVERT, [shaped(values.shape, source)], target)
    np.testing.assert_array_equal(run(backend, kernel, values)[0], emulate.run_kernel(kernel, [values])[0])


def test_constants(backend: WgpuBackend) -> None:
    """Constants keep their bits, and operations on constants only are no constant expressions."""
    values = [0.1, -0.0, 1e-45, 3.4028235e38, np.inf, -np.inf, 2.5, 1e10, -7.0]
    for value in values:
        got = run(backend, elementwise([], f32(8), lambda b, v=value: b.const(v, F32)))[0]
        wanted = np.full(8, value, np.float32)
        assert (got.view(np.uint32) == wanted.view(np.uint32)).all(), value
    for op, dtype, x, y in ((ScalarOp.ADD, I32, 2**31 - 1, 1), (ScalarOp.DIV, F32, 1.0, 0.0),
                            (ScalarOp.MUL, U32, 2**31, 2), (ScalarOp.FLOORDIV, I32, 1, 0), (ScalarOp.SHL, U32, 1, 40)):
        kernel = elementwise([], shaped((3,), dtype),
                             lambda b, o=op, d=dtype, p=x, q=y: b.apply(o, b.const(p, d), b.const(q, d), dtype=d))
        np.testing.assert_array_equal(run(backend, kernel)[0], emulate.run_kernel(kernel, [])[0])
