"""Complex numbers on the device: every scalar operation against complex128, and every form of kernel."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
from lantern import lax
from lantern import numpy as jnp
from lantern.backends import emulate
from lantern.backends.wgpu import WgpuBackend
from lantern.lower.expr import Body, Const, Guard, ReduceOp, ScalarOp, row_major
from lantern.lower.kernel import Kernel, Stage, Store
from lantern.trace.aval import shaped
from tests.device.kernels import BOOL, F32, elementwise, f32, i32, operation, product, reduction, run, scatter
from tests.device.test_kernels import views

C64 = np.dtype(np.complex64)
EPSILON = 2.0**-23



def log1p(z: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """NumPy's loses small numbers."""
    return np.where(np.abs(z) < 1e-3, z - z**2 / 2 + z**3 / 3, np.log1p(z))


# The largest error, relative to the size of the number, in units of 2**-23.
UNARY: dict[ScalarOp, tuple[Callable[..., Any], float]] = {
    ScalarOp.ABS: (np.abs, 4), ScalarOp.SIGN: (lambda z: z / np.abs(z), 6), ScalarOp.SQRT: (np.sqrt, 6),
    ScalarOp.RSQRT: (lambda z: 1 / np.sqrt(z), 12), ScalarOp.EXP: (np.exp, 6), ScalarOp.EXPM1: (np.expm1, 8),
    ScalarOp.LOG: (np.log, 4), ScalarOp.LOG1P: (log1p, 6), ScalarOp.SIN: (np.sin, 8), ScalarOp.COS: (np.cos, 8),
    ScalarOp.TAN: (np.tan, 12), ScalarOp.TANH: (np.tanh, 12), ScalarOp.NEG: (np.negative, 0),
    ScalarOp.CONJ: (np.conjugate, 0), ScalarOp.REAL: (np.real, 0), ScalarOp.IMAG: (np.imag, 0),
}
BINARY: dict[ScalarOp, tuple[Callable[..., Any], float]] = {
    ScalarOp.ADD: (np.add, 1), ScalarOp.SUB: (np.subtract, 1), ScalarOp.MUL: (np.multiply, 2),
    ScalarOp.DIV: (np.divide, 16),
}


def numbers(seed: int, reach: float) -> np.ndarray[Any, Any]:
    """Complex numbers of all arguments, with sizes between exp(-reach) and exp(reach), near 1 and on the axes."""
    random = np.random.default_rng(seed)
    turned = np.exp(1j * random.uniform(-np.pi, np.pi, 1000))
    plain = random.standard_normal(1000) + 1j * random.standard_normal(1000)
    near = 1 + 1e-3 * plain
    axes = np.concatenate([plain.real, 1j * plain.real])
    return np.concatenate([plain, turned * np.exp(random.uniform(-reach, reach, 1000)), near, axes]).astype(C64)


def check(op: ScalarOp, got: Any, wanted: Any, bound: float, *args: Any) -> None:
    """Errors are relative to the size of the result, and denormal numbers may be zero."""
    with np.errstate(all="ignore"):
        inside = (np.abs(wanted) < 3e38) & (np.abs(wanted) > 1e-36)
        off = np.abs(got - wanted) / (np.abs(wanted) * EPSILON)
    off = np.where(inside, np.nan_to_num(off, nan=np.inf), 0)
    worst = int(np.argmax(off))
    assert inside.mean() > 0.5
    assert off[worst] <= bound, f"{op.value}{tuple(a[worst] for a in args)} is off by {off[worst]}: {got[worst]}"


@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.value)
def test_functions(backend: WgpuBackend, op: ScalarOp) -> None:
    function, bound = UNARY[op]
    trigonometric = op in (ScalarOp.SIN, ScalarOp.COS, ScalarOp.TAN, ScalarOp.TANH, ScalarOp.EXP, ScalarOp.EXPM1)
    z = numbers(0, 4 if trigonometric else 80)
    real = op in (ScalarOp.ABS, ScalarOp.REAL, ScalarOp.IMAG)
    got = run(backend, operation(op, [shaped(z.shape, C64)], F32 if real else C64), z)[0]
    with np.errstate(all="ignore"):
        check(op, got, function(z.astype(np.complex128)), bound, z)


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.value)
def test_functions_of_two(backend: WgpuBackend, op: ScalarOp) -> None:
    function, bound = BINARY[op]
    x, y = numbers(1, 40), numbers(2, 40)[::-1].copy()
    got = run(backend, operation(op, [shaped(x.shape, C64)] * 2, C64), x, y)[0]
    with np.errstate(all="ignore"):
        check(op, got, function(x.astype(np.complex128), y.astype(np.complex128)), bound, x, y)


def test_powers(backend: WgpuBackend) -> None:
    """The error grows with the exponent, as that of exp(b log a) does."""
    x, y = numbers(3, 3), numbers(4, 1)[::-1].copy()
    got = run(backend, operation(ScalarOp.POW, [shaped(x.shape, C64)] * 2, C64), x, y)[0]
    check(ScalarOp.POW, got, x.astype(np.complex128) ** y.astype(np.complex128), 128, x, y)


CORNERS = [0.0, -0.0, 1.0, -2.0, np.inf, -np.inf, np.nan, 1e18, 1e-30]


def corners() -> np.ndarray[Any, Any]:
    parts = np.array(np.meshgrid(CORNERS, CORNERS)).reshape(2, -1).astype(np.float32)
    z = np.empty(parts.shape[1], C64)
    z.real, z.imag = parts
    return z


@pytest.mark.parametrize("op", [ScalarOp.ADD, ScalarOp.SUB, ScalarOp.MUL], ids=lambda op: op.value)
@pytest.mark.parametrize("constant", [None, 2, 1j, 0, "converted"])
def test_arithmetic_of_corner_cases(backend: WgpuBackend, op: ScalarOp, constant: Any) -> None:
    """NaN, infinities and zeros, also where an operand is a literal that a driver might fold."""
    function = BINARY[op][0]
    x, y = [a.ravel() for a in np.meshgrid(corners(), corners())]
    if constant == "converted":
        y = np.real(y).astype(C64)
        args = (x, y.real)
        kernel = elementwise([shaped(x.shape, C64), f32(x.size)], shaped(x.shape, C64), lambda b: b.apply(
            op, b.load(0, (1,)), b.apply(ScalarOp.CONVERT, b.load(1, (1,)), dtype=C64), dtype=C64))
    elif constant is None:
        kernel, args = operation(op, [shaped(x.shape, C64)] * 2, C64), (x, y)
    else:
        y = np.full_like(x, constant)
        args = (x,)
        kernel = elementwise([shaped(x.shape, C64)], shaped(x.shape, C64), lambda b: b.apply(
            op, b.load(0, (1,)), b.const(constant, C64), dtype=C64))
    got = run(backend, kernel, *args)[0]
    with np.errstate(all="ignore"):
        wanted = function(x, y)
        size = np.nan_to_num(np.abs(wanted), posinf=0)
        for part in (np.real, np.imag):
            p, q = part(got), part(wanted)
            fits = (np.isnan(p) & np.isnan(q)) | (np.abs(p - q) <= 4e-7 * size) | (p == q)
            fits &= (p != 0) | (q != 0) | (np.signbit(p) == np.signbit(q))
            where = int(np.argmin(fits))
            assert fits.all(), f"{x[where]} {op.value} {y[where]} = {got[where]}, wanted {wanted[where]}"


def test_predicates_and_corner_cases_of_functions(backend: WgpuBackend) -> None:
    z = corners()
    aval = shaped(z.shape, C64)
    with np.errstate(all="ignore"):
        for op, dtype, wanted in (
                (ScalarOp.ISNAN, BOOL, np.isnan(z)), (ScalarOp.ISFINITE, BOOL, np.isfinite(z)),
                (ScalarOp.ABS, F32, np.abs(z)), (ScalarOp.LOG, C64, np.log(z)), (ScalarOp.SQRT, C64, np.sqrt(z)),
                (ScalarOp.NEG, C64, -z), (ScalarOp.CONJ, C64, np.conj(z))):
            got = run(backend, operation(op, [aval], dtype), z)[0]
            np.testing.assert_allclose(got, wanted, rtol=1e-6, err_msg=op.value)
            if dtype == C64 and op is not ScalarOp.LOG:
                known = ~np.isnan(wanted)
                for part in (np.real, np.imag):
                    np.testing.assert_array_equal(np.signbit(part(got[known])), np.signbit(part(wanted[known])))
    x, y = [a.ravel() for a in np.meshgrid(z, z)]
    for op, function in ((ScalarOp.EQ, np.equal), (ScalarOp.NE, np.not_equal)):
        got = run(backend, operation(op, [shaped(x.shape, C64)] * 2, BOOL), x, y)[0]
        np.testing.assert_array_equal(got, function(x, y))
    quotients = run(backend, operation(ScalarOp.DIV, [aval, aval], C64), np.full_like(z, 1 + 1j), z)[0]
    assert np.isinf(quotients[np.abs(z) == 0]).all() and not np.isnan(quotients[np.abs(z) == 0]).any()
    finite = np.isfinite(z) & (np.abs(z) > 0) & (np.abs(z) < 3.2e38)
    with np.errstate(all="ignore"):
        wanted = ((1 + 1j) / z.astype(np.complex128)).astype(C64)
    np.testing.assert_allclose(quotients[finite], wanted[finite], rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize("dtype", [np.bool_, np.int32, np.uint32, np.float32, np.int8, np.float16, np.complex64])
def test_conversions(backend: WgpuBackend, dtype: Any) -> None:
    z = np.array([0, 1, 2.5 - 3j, 1j, 7], C64)
    for given, wanted in ((z, np.dtype(dtype)), (z.real.astype(dtype), C64)):
        kernel = operation(ScalarOp.CONVERT, [shaped(z.shape, given.dtype)], wanted)
        np.testing.assert_array_equal(run(backend, kernel, given)[0], emulate.run_kernel(kernel, [given])[0])


def same(backend: WgpuBackend, kernel: Kernel, *args: np.ndarray[Any, Any], tolerance: float = 1e-6) -> None:
    for wanted, got in zip(emulate.run_kernel(kernel, args), run(backend, kernel, *args), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max(initial=1))


def sample(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(seed)
    return (random.standard_normal(shape) + 1j * random.standard_normal(shape)).astype(C64)


@pytest.mark.parametrize("name", views())
def test_views(backend: WgpuBackend, name: str) -> None:
    shape, domain, offset, strides, guards = views()[name]
    same(backend, elementwise([shaped(shape, C64)], shaped(domain, C64),
                              lambda b: b.load(0, strides, offset, guards, Const.of(1 - 2j, C64))), sample(*shape))


@pytest.mark.parametrize("size", [1, 3, 4, 64, 1001])
def test_beside_other_types(backend: WgpuBackend, size: int) -> None:
    """Outputs of one, four and eight bytes in one kernel, one of them reversed."""
    body = Body(1)
    z, x = body.load(0, (1,)), body.load(1, (1,))
    scaled = body.apply(ScalarOp.MUL, z, body.apply(ScalarOp.CONVERT, x, dtype=C64), dtype=C64)
    length = body.apply(ScalarOp.ABS, z, dtype=F32)
    long = body.apply(ScalarOp.GT, length, x, dtype=BOOL)
    avals = (shaped((size,), C64), f32(size), shaped((size,), BOOL))
    for place in ((0, (1,)), (size - 1, (-1,))):
        stores = (Store(0, scaled, *place), Store(1, length, 0, (1,)), Store(2, long, 0, (1,)))
        for chosen in (stores, stores[:2], stores[:1], (stores[0], stores[2])):
            numbered = tuple([Store(k, s.value, s.offset, s.strides) for k, s in enumerate(chosen)])
            outs = tuple([avals[s.out] for s in chosen])
            kernel = Kernel(avals[:2], outs, (), (Stage((size,), body.done(), (), numbered),))
            same(backend, kernel, sample(size), np.abs(sample(size, seed=1)))


@pytest.mark.parametrize(("shape", "axes"), [((7, 300), (1,)), ((300, 7), (0,)), ((4, 260), (1,)), ((6, 4), (1,)),
                                             ((4, 0), (1,)), ((70000,), (0,))], ids=str)
@pytest.mark.parametrize("op", [ReduceOp.SUM, ReduceOp.PROD], ids=lambda op: op.value)
def test_folds(backend: WgpuBackend, shape: tuple[int, ...], axes: tuple[int, ...], op: ReduceOp) -> None:
    z = sample(*shape)
    if op is ReduceOp.PROD:
        z /= np.abs(z)
    same(backend, reduction(shaped(shape, C64), op, axes), z, tolerance=1e-5 if z.size < 10000 else 2e-3)


def test_normalised_rows(backend: WgpuBackend) -> None:
    """Sums of real and complex numbers in stages of one kernel."""
    @lantern.jit
    def normalise(z: Any) -> Any:
        centred = z - jnp.mean(z, axis=1, keepdims=True)
        return centred / jnp.sqrt(jnp.sum(jnp.abs(centred) ** 2, axis=1, keepdims=True))

    for cols in (8, 64, 1030):
        z = sample(5, cols)
        centred = z - z.mean(axis=1, keepdims=True)
        with lantern.default_device("gpu"):
            got = np.asarray(normalise(z))
        np.testing.assert_allclose(got, centred / np.linalg.norm(centred, axis=1, keepdims=True), atol=1e-5)


def test_gather_and_scatter(backend: WgpuBackend) -> None:
    kernel = elementwise([shaped((50,), C64), i32(12)], shaped((12,), C64), lambda b: b.gather(0, b.load(1, (1,))))
    same(backend, kernel, sample(50), np.arange(12, dtype=np.int32)[::-1] * 4)
    index = np.random.default_rng(0).integers(-1, 7, 5000).astype(np.int32)
    same(backend, scatter(5000, 7, C64), index, sample(5000), tolerance=1e-4)


@pytest.mark.parametrize(("sizes", "turned", "extra"), [
    ((1, 64, 64, 64), False, False), ((1, 64, 64, 64), True, True), ((2, 33, 65, 17), True, True),
    ((3, 8, 9, 5), False, True), ((1, 257, 129, 31), False, False), ((1, 1, 50, 30), False, True)], ids=str)
def test_products(backend: WgpuBackend, sizes: tuple[int, int, int, int], turned: bool, extra: bool) -> None:
    """With tiles, with ragged ones that are turned on their way, and without."""
    kernel = product(*sizes, (turned, turned), dtype=C64, bias=extra, scale=extra)
    same(backend, kernel, *[sample(*a.shape, seed=k) for k, a in enumerate(kernel.args)], tolerance=1e-5)


def test_masked_sums(backend: WgpuBackend) -> None:
    """Guards, a fill and a select before a sum."""
    body = Body(2)
    z = body.load(0, (8, 1), 0, (Guard(1, 2, 9),), Const.of(1j, C64))
    inside = body.apply(ScalarOp.LT, body.index(1), body.const(9, np.dtype(np.int32)), dtype=BOOL)
    chosen = body.apply(ScalarOp.SELECT, inside, z, body.const(2, C64), dtype=C64)
    kernel = elementwise([shaped((5, 8), C64)], shaped((5, 12), C64),
                         lambda b: b.apply(ScalarOp.ADD, b.load(0, (8, 1), 0, (Guard(1, 2, 9),), Const.of(1j, C64)),
                                           b.const(1, C64), dtype=C64))
    same(backend, kernel, sample(5, 8))
    assert body.done()[chosen] and row_major((5, 12)) == (12, 1)


def test_loops_with_a_complex_carry(backend: WgpuBackend) -> None:
    def step(carry: Any, z: Any) -> Any:
        carry = carry * 0.9j + z
        return carry, jnp.abs(carry)

    @lantern.jit
    def run_loop(start: Any, zs: Any) -> Any:
        last, sizes = lax.scan(step, start, zs)
        return lax.while_loop(lambda z: jnp.abs(z).sum() < 100, lambda z: z * (1 + 1j), last), sizes

    start, zs = sample(6), sample(9, 6, seed=1)
    with lantern.default_device("cpu"):
        wanted = [np.asarray(x) for x in run_loop(start, zs)]
        slope = np.asarray(lantern.grad(lambda z: run_sum(z, zs))(start))
    with lantern.default_device("gpu"):
        got = [np.asarray(x) for x in run_loop(start, zs)]
        other = np.asarray(lantern.grad(lambda z: run_sum(z, zs))(start))
    for x, y in zip(got, wanted, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5)
    np.testing.assert_allclose(other, slope, rtol=1e-5)


@lantern.jit
def run_sum(start: Any, zs: Any) -> Any:
    return lax.scan(lambda c, z: (c * 0.9j + z, jnp.abs(c)), start, zs)[1].sum()


def test_what_is_missing(backend: WgpuBackend) -> None:
    with lantern.default_device("gpu"), pytest.raises(lantern.errors.DeviceError, match=r"complex128.*or complex64"):
        jnp.ones(2, "complex128") + 1
    info = jnp.__array_namespace_info__()
    assert list(info.dtypes(device="gpu", kind="complex floating")) == ["complex64"]
