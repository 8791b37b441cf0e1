"""Fourier transforms on the device: every way to split a length, and layouts of lines, against NumPy in c128."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import config
from lantern.backends.wgpu import WgpuBackend
from lantern.lower.kernel import Program, Run, Target
from lantern.lower.routine import Routine
from lantern.ops.fft import fft, irfft, rfft
from lantern.ops.fft_kernel import lay_out, longest, radices, written
from lantern.trace.aval import shaped
from tests.device.kernels import run_program

EPSILON = 2.0**-23

SHAPES: list[tuple[tuple[int, ...], int]] = [
    ((2,), 0), ((3, 4), 0), ((13, 5), 0), ((11, 7), 1), ((300, 16), 1), ((16, 300), 0),      # one pass, or two
    ((5, 100, 3), 1), ((3, 1024), 1), ((1024, 9), 0), ((2, 2048), 1), ((1, 1500), 1),        # several lines or one
    ((2, 16384), 1), ((6000, 2), 0),                                                         # two factors
    ((3, 37), 1), ((37, 3), 0), ((5, 101), 1), ((2, 7919), 1),                               # a matrix, a chirp
]


def numbers(shape: tuple[int, ...]) -> Any:
    random = np.random.default_rng(0)
    return (random.standard_normal(shape) + 1j * random.standard_normal(shape)).astype(np.complex64)


def check(got: Any, want: Any) -> None:
    """Errors in units of 2**-23: of all numbers together, and the largest."""
    got = np.asarray(got)
    assert got.shape == want.shape
    distance = got - want
    assert np.linalg.norm(distance) <= 5 * EPSILON * np.linalg.norm(want)
    assert np.abs(distance).max() <= 10 * EPSILON * np.abs(want).max()


@pytest.mark.parametrize(("shape", "axis"), SHAPES, ids=str)
def test_lengths_and_layouts(backend: WgpuBackend, shape: tuple[int, ...], axis: int) -> None:
    z = numbers(shape)
    with lantern.default_device("gpu"):
        check(fft(z, axis), np.fft.fft(z.astype(np.complex128), axis=axis))
        if z.size < 400:
            check(fft(z, axis, True), np.fft.ifft(z.astype(np.complex128), axis=axis))


@pytest.mark.parametrize(("n", "inner"), [(2, 1), (9, 3), (16, 1), (37, 1), (300, 3)])
def test_real_numbers(backend: WgpuBackend, n: int, inner: int) -> None:
    x, z = numbers((3, n, inner)).real.copy(), numbers((3, n // 2 + 1, inner))
    with lantern.default_device("gpu"):
        check(rfft(x, 1), np.fft.rfft(x.astype(np.float64), axis=1))
        check(irfft(z, 1, n), np.fft.irfft(z.astype(np.complex128), n, axis=1))


def test_batches_and_loops(backend: WgpuBackend) -> None:
    """Convolution by transforms, mapped over rows and over columns, and repeated in a loop."""
    x, h = numbers((4, 24)), numbers((24,)) / 24

    def convolve(row: Any) -> Any:
        return jnp.fft.ifft(jnp.fft.fft(row) * jnp.fft.fft(h))

    want = np.fft.ifft(np.fft.fft(x) * np.fft.fft(h))
    with lantern.default_device("gpu"):
        check(lantern.jit(lantern.vmap(convolve))(x), want)
        check(lantern.vmap(convolve, in_axes=1)(x.T), want)
        check(lantern.lax.fori_loop(0, 3, lambda _, y: convolve(y), x[0]),
              np.fft.ifft(np.fft.fft(x[0]) * np.fft.fft(h) ** 3))


def test_a_small_device() -> None:
    """Less workgroup memory and narrower grids: lines and workgroups are as many as before."""
    assert radices(2 * 3 * 5 * 7 * 11 * 13) == (13, 11, 7, 5, 3, 2) and radices(34) is None
    small = Target("wgpu", max_workgroup_size=64, max_workgroup_memory=2048, max_groups=10)
    assert longest(small) == 256 and longest(Target("wgpu")) == 2048
    for shape, axis in (((1000, 16), 1), ((16, 1000), 0), ((3, 256), 1), ((7,), 0)):
        lines = lay_out(shape, axis, small)
        assert (lines.per == 1 or lines.per * lines.n <= 256) and lines.threads <= 64
        assert max(lines.groups) <= 10 and lines.groups[0] * lines.groups[1] * lines.per >= lines.count


def test_more_workgroups_than_a_dimension_has(backend: WgpuBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config.flags, "limits", "max-compute-workgroups-per-dimension=3")
    narrow = WgpuBackend(backend.adapter)
    z = numbers((7, 1024))
    aval = shaped(z.shape, z.dtype)
    routine = Routine(lambda x: [np.fft.fft(x)], written(z.shape, 1, False, narrow.target), (aval,), (aval,), "fft")
    assert routine.written.grid == (3, 3, 1)
    program = Program((aval, aval), (0,), (1,), (aval,), (Run(routine, (0,), (1,)),))
    check(run_program(narrow, program, [z])[0], np.fft.fft(z.astype(np.complex128)))
