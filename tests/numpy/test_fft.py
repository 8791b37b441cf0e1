"""numpy.fft and lax.fft against NumPy: norms, axes, sizes, types, derivatives, batches, errors; a heat equation."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.errors import ArgumentError
from lantern.testing import check_grads

R = np.random.default_rng(0)
NORMS = (None, "backward", "ortho", "forward")
ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
MANY = ("fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2")


def numbers(*shape: int) -> Any:
    """Complex numbers in c64."""
    return (R.standard_normal(shape) + 1j * R.standard_normal(shape)).astype(np.complex64)


def sample(name: str, *shape: int) -> Any:
    """Real numbers where the transform wants them."""
    return numbers(*shape).real.copy() if name in ("rfft", "ihfft", "rfft2", "rfftn") else numbers(*shape)


def same(got: Any, want: Any, tolerance: float = 1e-6) -> None:
    """Shapes and dtypes agree, and numbers relative to the largest."""
    got, want = np.asarray(got), np.asarray(want)
    kind = np.complex64 if want.dtype.kind == "c" else np.float32
    assert got.dtype == kind and got.shape == want.shape, (got.dtype, got.shape, want.shape)
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * np.abs(want).max(initial=1e-3))


def both(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return getattr(jnp.fft, name), getattr(np.fft, name)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ONE)
def test_lengths_axes_and_norms(name: str, norm: Any) -> None:
    """Odd and even lengths, cut and padded, along each axis."""
    ours, numpys = both(name)
    x = sample(name, 3, 5, 4)
    for axis in (-1, 0, 1):
        for n in (None, 1 if name not in ("irfft", "hfft") else 2, 3, 4, 7, 8):
            same(ours(x, n, axis, norm), numpys(x.astype(np.result_type(x, np.float64)), n, axis, norm))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", MANY)
def test_several_axes(name: str, norm: Any) -> None:
    ours, numpys = both(name)
    x = sample(name, 3, 4, 5)
    wide = x.astype(np.result_type(x, np.float64))
    plans: list[tuple[Any, Any]] = [(None, (0, 1)), (None, (2, 0)), ((4, 6), (1, 2)), ((5, 2), (-1, 0))]
    if "2" not in name:
        plans += [(None, (1,)), (None, (2, 1, 0)), ((2, 4, 7), (0, 1, 2)), (None, None)]
    for s, axes in plans:
        same(ours(x, s, axes, norm), numpys(wide, s, axes, norm))
    same(ours(x), numpys(wide))
    same(ours(x, (-1, 6), (0, 2)), numpys(wide, (x.shape[0], 6), (0, 2)))


def test_without_axes() -> None:
    x = numbers(3, 4, 5)
    same(jnp.fft.fftn(x, (4, 2)), np.fft.fftn(x, (4, 2), (1, 2)))
    same(jnp.fft.fftn(x, axes=()), x)


def test_types() -> None:
    for dtype in ("int32", "bool", "float16", "bfloat16", "float32"):
        x = jnp.asarray([1, 0, 2, 1]).astype(dtype)
        same(jnp.fft.fft(x), np.fft.fft(np.asarray(x, np.float64)))
        same(jnp.fft.rfft(x), np.fft.rfft(np.asarray(x, np.float64)))
    assert jnp.fft.irfft(jnp.ones(3, "int8")).dtype == np.float32
    wide = jnp.asarray(R.standard_normal(8), "float64")
    assert jnp.fft.rfft(wide).dtype == jnp.fft.fft(wide).dtype == np.complex128
    np.testing.assert_allclose(jnp.fft.irfft(jnp.fft.rfft(wide)), wide, rtol=1e-14)
    assert jnp.fft.fft(np.zeros((0, 4))).shape == (0, 4)


def test_round_trips() -> None:
    for n in (1, 2, 9, 16, 37):
        z, x = numbers(n), numbers(n).real.copy()
        for norm in NORMS:
            same(jnp.fft.ifft(jnp.fft.fft(z, norm=norm), norm=norm), z)
            same(jnp.fft.irfft(jnp.fft.rfft(x, norm=norm), n, norm=norm), x)
            same(jnp.fft.hfft(jnp.fft.ihfft(x, norm=norm), n, norm=norm), x)


def test_frequencies() -> None:
    for n in (1, 2, 7, 8):
        for d in (1.0, 0.1, 3):
            same(jnp.fft.fftfreq(n, d), np.fft.fftfreq(n, d), 1e-7)
            same(jnp.fft.rfftfreq(n, d), np.fft.rfftfreq(n, d), 1e-7)
    assert jnp.fft.fftfreq(4, dtype="float16").dtype == np.float16
    assert jnp.fft.rfftfreq(4, dtype=jnp.float64).dtype == np.float64
    assert str(jnp.fft.fftfreq(4, device=lantern.devices("cpu")[0]).device) == "cpu:0"
    slope = lantern.grad(lambda d: jnp.fft.fftfreq(4, d)[1])(0.5)
    assert slope.item() == pytest.approx(-1 / (4 * 0.25))


def test_shifts() -> None:
    for shape in ((5,), (4,), (3, 4), (2, 3, 5)):
        x = numbers(*shape)
        for axes in (None, 0, -1, (0,), tuple(range(len(shape)))):
            assert np.array_equal(jnp.fft.fftshift(x, axes), np.fft.fftshift(x, axes))
            assert np.array_equal(jnp.fft.ifftshift(x, axes), np.fft.ifftshift(x, axes))


KINDS = [("fft", np.fft.fftn), ("ifft", np.fft.ifftn), ("rfft", np.fft.rfftn), ("irfft", np.fft.irfftn)]


@pytest.mark.parametrize(("kind", "twin"), KINDS)
def test_lax_fft(kind: str, twin: Any) -> None:
    x = sample(kind, 2, 3, 4, 5)
    for count in (1, 2, 3):
        axes = tuple(range(4 - count, 4))
        lengths = [x.shape[k] for k in axes]
        if kind == "irfft":
            lengths[-1] = 9
        want = twin(x.astype(np.result_type(x, np.float64)), lengths, axes)
        same(lax.fft(x, kind, lengths), want)
        same(lax.fft(x, lax.FftType(kind), tuple(lengths)), want)
    same(lax.fft(x, kind.upper(), lengths), want)


@pytest.mark.parametrize("name", [*ONE, "fftn", "irfft2", "rfft2"])
def test_derivatives_and_batches(name: str) -> None:
    ours, numpys = both(name)
    x = sample(name, 4, 3)
    check_grads(lambda a: (jnp.abs(ours(a, norm="ortho")) ** 2).sum(), (x,), order=1)
    check_grads(ours, (x,), order=2)
    rows = sample(name, 3, 4, 5)
    want = np.stack([numpys(r) for r in rows])
    same(lantern.vmap(ours)(rows), want)
    same(lantern.jit(lantern.vmap(ours, in_axes=2))(np.moveaxis(rows, 0, 2)), want)
    same(lantern.vmap(ours, in_axes=1, out_axes=1)(np.moveaxis(rows, 0, 1)), np.moveaxis(want, 0, 1))


def test_known_gradients() -> None:
    """The energy of a spectrum, whose gradient is 2 n x (Parseval), also as JAX's conventions have it for c64."""
    x, z = numbers(6).real.copy(), numbers(6)
    same(lantern.grad(lambda x: (jnp.abs(jnp.fft.fft(x)) ** 2).sum())(x), 12 * x)
    same(lantern.grad(lambda z: (jnp.abs(jnp.fft.fft(z)) ** 2).sum())(z), 12 * np.conj(z))
    weights = numbers(9).real.copy()
    slope = lantern.grad(lambda z: (jnp.fft.irfft(z, 9) * weights).sum())(numbers(5))
    same(slope, np.conj(np.fft.rfft(weights)) / 9 * np.array([1, 2, 2, 2, 2]))


@pytest.mark.parametrize(("call", "error", "pattern"), [
    (lambda: jnp.fft.fft(np.ones(3), 0), ArgumentError, r"fft: wanted at least one element along axis 0, got 0 for"),
    (lambda: jnp.fft.fft(np.ones((2, 0))), ArgumentError, r"fft: wanted at least one element along axis 1, got 0 "),
    (lambda: jnp.fft.irfft(np.ones(1)), ArgumentError, r"irfft: wanted at least one element along axis 0, got 0"),
    (lambda: jnp.fft.fft(np.ones(3), axis=1), ArgumentError, r"fft: axis 1 is out of range for f32\[3\] \(rank 1\)"),
    (lambda: jnp.fft.fft(1.0), ArgumentError, r"fft: axis -1 is out of range for f32\*?\[\]"),
    (lambda: jnp.fft.ifft(np.ones(3), norm="both"), ArgumentError, r'ifft: wanted norm to be "backward".*got \'both\''),
    (lambda: jnp.fft.fft("abc"), TypeError, r"fft: wanted an array or a number, got str"),
    (lambda: jnp.fft.hfft(np.ones(3), norm=1), ArgumentError, r"hfft: wanted norm"),
    (lambda: jnp.fft.rfft(np.ones(3) * 1j), TypeError, r"rfft: wanted real numbers, got c64\[3\], at .*Take their"),
    (lambda: jnp.fft.ihfft(np.ones(3) * 1j), TypeError, r"ihfft: wanted real numbers, got c64\[3\]"),
    (lambda: jnp.fft.fftn(np.ones((2, 2)), axes=(0, 0)), ArgumentError, r"fftn: axes must differ, got \(0, 0\)"),
    (lambda: jnp.fft.fftn(np.ones((2, 2)), (1, 2, 3)), ArgumentError, r"fftn: 3 sizes in s=\(1, 2, 3\) for f32\[2,2\]"),
    (lambda: jnp.fft.fftn(np.ones((2, 2)), (1, 2), (0,)), ArgumentError, r"fftn: 2 sizes in s=\(1, 2\) for 1 axes of"),
    (lambda: jnp.fft.fft2(np.ones((2, 2)), axes=(0,)), ArgumentError, r"fft2: wanted two axes, got \(0,\).*fftn"),
    (lambda: jnp.fft.fftfreq(0), ArgumentError, r"fftfreq: wanted n of at least 1, got 0"),
    (lambda: jnp.fft.rfftfreq(4, 0), ArgumentError, r"rfftfreq: samples cannot be d = 0 apart"),
    (lambda: jnp.fft.fftfreq(4, dtype=int), TypeError, r"fftfreq: wanted a dtype of floats, got int32"),
    (lambda: lax.fft(np.ones(3), "dct", (3,)), ArgumentError, r"fft: wanted fft_type to be one of fft, .*got 'dct'"),
    (lambda: lax.fft(np.ones(3), "fft", (4,)), ArgumentError, r"fft of lengths \(4,\) wants the last axes to be \(4"),
    (lambda: lax.fft(np.ones(3), "irfft", (3,)), ArgumentError, r"irfft of lengths \(3,\) wants .* \(2,\), got c64\["),
    (lambda: lax.fft(np.ones(3), "fft", (1, 3)), ArgumentError, r"fft: wanted a length for each of one or more last"),
    (lambda: lax.fft(np.ones((0, 0)), "fft", (0,)), ArgumentError, r"fft of lengths \(0,\)"),
    (lambda: lax.fft(np.ones(3) * 1j, "rfft", (3,)), TypeError, r"fft: wanted real numbers, got c64\[3\]"),
])
def test_errors(call: Callable[[], Any], error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern) as caught:
        call()
    assert ", at test_fft.py:" in str(caught.value)


def heat(start: Any, rate: Any) -> Any:
    """The temperature of a ring after 20 steps, each exact in the Fourier space."""
    waves = (2 * jnp.pi * jnp.fft.rfftfreq(start.shape[-1], 1 / start.shape[-1])) ** 2

    def step(now: Any, _: Any) -> Any:
        now = jnp.fft.irfft(jnp.fft.rfft(now) * jnp.exp(-rate * 1e-3 * waves), start.shape[-1])
        return now, jnp.max(now)

    return lax.scan(step, start, None, length=20)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_heat(gpu: None, device: str) -> None:
    """A loop of transforms under jit, its gradient, and both on a GPU: the waves die out as the solution says."""
    places = np.arange(32) / 32
    start = (1 + np.sin(2 * np.pi * places) + 0.5 * np.cos(4 * np.pi * places)).astype(np.float32)

    def solution(rate: float) -> Any:
        fast, slow = np.exp(-rate * 0.02 * 16 * np.pi**2), np.exp(-rate * 0.02 * 4 * np.pi**2)
        return 1 + slow * np.sin(2 * np.pi * places) + fast * 0.5 * np.cos(4 * np.pi * places)

    def loss(rate: Any) -> Any:
        return (heat(start, rate)[0] ** 2).mean()

    with lantern.default_device(device):
        last, highest = lantern.jit(heat)(start, 0.3)
        np.testing.assert_allclose(last, solution(0.3), atol=2e-6)
        assert (np.diff(np.asarray(highest)) < 0).all()
        slope = lantern.jit(lantern.grad(loss))(0.3).item()
    expected = ((solution(0.3 + 1e-5) ** 2).mean() - (solution(0.3 - 1e-5) ** 2).mean()) / 2e-5
    assert slope == pytest.approx(expected, rel=1e-4)
