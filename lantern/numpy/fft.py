"""`lantern.numpy.fft`: jax.numpy.fft's names, arguments and meaning, which are NumPy's.

`norm` says where results are divided by the number of elements n: "backward" (the default) in inverse transforms,
"forward" in the others, "ortho" by its root in both. Results are c64 (f32 where real), or c128 of 64-bit operands, and
16-bit floats are transformed in f32. On a GPU each axis is one kernel if its length has no prime factor above 13 and
fits into a workgroup (2048 elements or more), else a few.
"""
from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from lantern.absent import Absent
from lantern.devices import DeviceLike
from lantern.dtypes import canonical, is_float, python_dtype
from lantern.eager import one_program
from lantern.lax.fourier import FftType, as_parts, transform
from lantern.lax.operands import (
    ArrayLike,
    AxisLike,
    DTypeLike,
    argument_error,
    array,
    as_sequence,
    canonical_axes,
    canonical_axis,
    type_error,
)
from lantern.numpy.arithmetic import divide, multiply
from lantern.numpy.creation import asarray
from lantern.numpy.shaping import roll
from lantern.ops import shape as ops
from lantern.ops.complex import conj
from lantern.ops.elementwise import mul
from lantern.trace.array import Array

Norm: TypeAlias = Literal["backward", "ortho", "forward"]
_SWAPPED: dict[Any, Norm] = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def _over(name: str, kind: FftType, a: ArrayLike, s: Any, axes: Any, norm: Any) -> Array:
    """A transform over axes, each cut or padded with zeros at its end to its size in `s` (-1 and None: as it is)."""
    if norm not in _SWAPPED:
        raise argument_error(f'{name}: wanted norm to be "backward", "ortho" or "forward", got {norm!r}')
    given = array(name, a)
    axes = _axes(name, given, s, axes)
    sizes = _sizes(name, given, kind, s, axes)
    x = as_parts(name, given, kind is not FftType.RFFT)
    if not axes:
        return x
    held = [*sizes[:-1], sizes[-1] // 2 + 1] if kind is FftType.IRFFT else sizes
    y = transform(_resized(x, axes, held), kind, axes, sizes[-1])
    count = math.prod(sizes)
    scales = {"backward": 1.0, "ortho": count ** -0.5, "forward": 1 / count}
    if kind in (FftType.IFFT, FftType.IRFFT):
        scales = {"backward": 1.0, "ortho": count ** 0.5, "forward": count}
    scale = scales[norm or "backward"]
    return y if scale == 1 else mul(y, scale)


def _axes(name: str, x: Array, s: Any, axes: Any) -> tuple[int, ...]:
    """The axes counted from the front; without any, the last ones, as many as there are sizes."""
    if axes is None and s is not None:
        count = len(as_sequence(s))
        if count > x.ndim:
            raise argument_error(f"{name}: {count} sizes in s={tuple(s)} for {x.aval}")
        return tuple(range(x.ndim - count, x.ndim))
    return canonical_axes(name, axes, x.aval)


def _sizes(name: str, x: Array, kind: FftType, s: Any, axes: tuple[int, ...]) -> list[int]:
    """The number of elements along each axis, of the result where that is real."""
    wanted = [None] * len(axes) if s is None else list(as_sequence(s))
    if len(wanted) != len(axes):
        raise argument_error(f"{name}: {len(wanted)} sizes in s={tuple(wanted)} for {len(axes)} axes of {x.aval}")
    found: list[int] = []
    for axis, n in zip(axes, wanted, strict=True):
        size = x.shape[axis] if n is None else operator.index(n)
        if (n is None or size == -1) and kind is FftType.IRFFT and axis == axes[-1]:
            size = 2 * (x.shape[axis] - 1)
        elif size == -1:
            size = x.shape[axis]
        if size < 1:
            raise argument_error(f"{name}: wanted at least one element along axis {axis}, got {size} for {x.aval}",
                                 "There is no transform of nothing; n= or s= pads with zeros.")
        found.append(size)
    return found


def _resized(x: Array, axes: Sequence[int], sizes: Sequence[int]) -> Array:
    wanted = list(x.shape)
    for axis, size in zip(axes, sizes, strict=True):
        wanted[axis] = size
    kept = [min(n, size) for n, size in zip(x.shape, wanted, strict=True)]
    x = ops.slice(x, [0] * x.ndim, kept)
    return ops.pad(x, 0, [(0, size - n, 0) for n, size in zip(kept, wanted, strict=True)])


def _along(name: str, kind: FftType, a: ArrayLike, n: int | None, axis: int, norm: Any) -> Array:
    x = array(name, a)
    return _over(name, kind, x, None if n is None else (n,), (canonical_axis(name, axis, x.aval),), norm)


@one_program(1)
def fft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: Norm | None = None) -> Array:
    """The discrete Fourier transform along an axis: sums of a[j] exp(-2 pi i j k / n), complex, with n at that axis.

    `n` cuts the axis or pads it with zeros. Raises ArgumentError for an axis that is not there, n below 1 and another
    norm.

    >>> fft(np.array([1.0, 2.0, 3.0, 4.0])).tolist()
    [(10+0j), (-2+2j), (-2+0j), (-2-2j)]
    """
    return _along("fft", FftType.FFT, a, n, axis, norm)


@one_program(1)
def ifft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: Norm | None = None) -> Array:
    """The inverse of `fft`: sums of a[j] exp(2 pi i j k / n), divided by n.

    Raises ArgumentError as `fft` does.

    >>> ifft(np.array([4.0, 0.0, 0.0, 0.0])).tolist()
    [(1+0j), (1+0j), (1+0j), (1+0j)]
    """
    return _along("ifft", FftType.IFFT, a, n, axis, norm)


@one_program(1)
def rfft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: Norm | None = None) -> Array:
    """The first n // 2 + 1 elements of the `fft` of n real numbers; the others are their conjugates.

    Raises TypeError for complex numbers, and ArgumentError as `fft` does.

    >>> rfft(np.array([1.0, 2.0, 3.0, 4.0])).tolist()
    [(10+0j), (-2+2j), (-2+0j)]
    """
    return _along("rfft", FftType.RFFT, a, n, axis, norm)


@one_program(1)
def irfft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: Norm | None = None) -> Array:
    """The n real numbers (default: 2 (m - 1), where the axis has m) whose `rfft` is a, cut or padded to n // 2 + 1.

    Raises ArgumentError as `fft` does.

    >>> irfft(np.array([10, -2 + 2j, -2])).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    return _along("irfft", FftType.IRFFT, a, n, axis, norm)


@one_program(1)
def hfft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: Norm | None = None) -> Array:
    """The `fft`, n real numbers (default: 2 (m - 1)), of what is given by the first half of its conjugate symmetry.

    Raises ArgumentError as `fft` does.

    >>> hfft(np.array([1.0, 2.0, 3.0])).tolist()
    [8.0, -2.0, 0.0, -2.0]
    """
    return _along("hfft", FftType.IRFFT, conj(as_parts("hfft", a, True)), n, axis, _swapped("hfft", norm))


@one_program(1)
def ihfft(a: ArrayLike, n: int | None = None, axis: int = -1, norm: Norm | None = None) -> Array:
    """The inverse of `hfft`: the first n // 2 + 1 elements of the `ifft` of n real numbers.

    Raises TypeError for complex numbers, and ArgumentError as `fft` does.

    >>> ihfft(np.array([8.0, -2.0, 0.0, -2.0])).tolist()
    [(1-0j), (2-0j), (3-0j)]
    """
    return conj(_along("ihfft", FftType.RFFT, a, n, axis, _swapped("ihfft", norm)))


def _swapped(name: str, norm: Any) -> Norm:
    """A transform by way of its inverse is divided where that one is not."""
    if norm not in _SWAPPED:
        raise argument_error(f'{name}: wanted norm to be "backward", "ortho" or "forward", got {norm!r}')
    return _SWAPPED[norm]


@one_program(1)
def fftn(a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
         norm: Norm | None = None) -> Array:
    """`fft` along several axes (default: the last len(s), or all); `s` has the size to which each is cut or padded.

    Raises ArgumentError for axes that repeat or are not there, for other sizes than one for each axis, none of them
    below 1, and for another norm.

    >>> fftn(np.ones((2, 2))).real.tolist()
    [[4.0, 0.0], [0.0, 0.0]]
    """
    return _over("fftn", FftType.FFT, a, s, axes, norm)


@one_program(1)
def ifftn(a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
          norm: Norm | None = None) -> Array:
    """The inverse of `fftn`. Raises ArgumentError as that one does.

    >>> ifftn(np.ones((2, 2))).real.tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    return _over("ifftn", FftType.IFFT, a, s, axes, norm)


@one_program(1)
def rfftn(a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
          norm: Norm | None = None) -> Array:
    """`fftn` of real numbers: `rfft` along the last of the axes, `fft` along the others.

    Raises TypeError for complex numbers, and ArgumentError as `fftn` does.

    >>> rfftn(np.ones((2, 4))).real.tolist()
    [[8.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return _over("rfftn", FftType.RFFT, a, s, axes, norm)


@one_program(1)
def irfftn(a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
           norm: Norm | None = None) -> Array:
    """The inverse of `rfftn`; `s` has the sizes of the result, of which the last is 2 (m - 1) by default.

    Raises ArgumentError as `fftn` does.

    >>> irfftn(np.array([[8.0, 0.0, 0.0], [0.0, 0.0, 0.0]])).tolist()
    [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]
    """
    return _over("irfftn", FftType.IRFFT, a, s, axes, norm)


@one_program(1)
def fft2(a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1),
         norm: Norm | None = None) -> Array:
    """`fftn` over two axes. Raises ArgumentError as that one does, and unless there are two axes.

    >>> fft2(np.ones((3, 2, 2))).shape
    (3, 2, 2)
    """
    return _over("fft2", FftType.FFT, a, s, _two("fft2", axes), norm)


@one_program(1)
def ifft2(a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1),
          norm: Norm | None = None) -> Array:
    """`ifftn` over two axes. Raises ArgumentError as `fft2` does.

    >>> ifft2(np.ones((2, 2))).real.tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    return _over("ifft2", FftType.IFFT, a, s, _two("ifft2", axes), norm)


@one_program(1)
def rfft2(a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1),
          norm: Norm | None = None) -> Array:
    """`rfftn` over two axes. Raises TypeError for complex numbers, and ArgumentError as `fft2` does.

    >>> rfft2(np.ones((2, 4))).shape
    (2, 3)
    """
    return _over("rfft2", FftType.RFFT, a, s, _two("rfft2", axes), norm)


@one_program(1)
def irfft2(a: ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1),
           norm: Norm | None = None) -> Array:
    """`irfftn` over two axes. Raises ArgumentError as `fft2` does.

    >>> irfft2(np.ones((2, 3))).shape
    (2, 4)
    """
    return _over("irfft2", FftType.IRFFT, a, s, _two("irfft2", axes), norm)


def _two(name: str, axes: Any) -> tuple[int, ...]:
    if axes is None or len(as_sequence(axes)) != 2:
        raise argument_error(f"{name}: wanted two axes, got {axes}", f"{name.replace('2', 'n')} takes any number.")
    return tuple(axes)


def fftfreq(n: int, d: ArrayLike = 1.0, *, dtype: DTypeLike = None, device: DeviceLike | None = None) -> Array:
    """The n frequencies of `fft` for samples d apart: 0, 1, ..., -1 divided by n d, the positive ones first. A float.

    Raises ArgumentError if n is below 1, TypeError for a dtype that is no float.

    >>> fftfreq(5, 0.2).tolist()
    [0.0, 1.0, 2.0, -2.0, -1.0]
    """
    count = _count("fftfreq", n)
    return _frequencies("fftfreq", np.concatenate([np.arange((count + 1) // 2), np.arange(-(count // 2), 0)]), count, d,
                        dtype, device)


def rfftfreq(n: int, d: ArrayLike = 1.0, *, dtype: DTypeLike = None, device: DeviceLike | None = None) -> Array:
    """The n // 2 + 1 frequencies of `rfft` for n samples d apart: 0, 1, ..., n // 2 divided by n d. A float.

    Raises ArgumentError if n is below 1, TypeError for a dtype that is no float.

    >>> rfftfreq(4, 0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    count = _count("rfftfreq", n)
    return _frequencies("rfftfreq", np.arange(count // 2 + 1), count, d, dtype, device)


def _count(name: str, n: Any) -> int:
    count = operator.index(n)
    if count < 1:
        raise argument_error(f"{name}: wanted n of at least 1, got {count}")
    return count


def _frequencies(name: str, numbers: np.ndarray[Any, Any], count: int, d: ArrayLike, dtype: Any,
                 device: DeviceLike | None) -> Array:
    """Numbers / (count d): for a known d computed in double precision and rounded once."""
    wanted = python_dtype(float) if dtype is None else canonical(dtype)
    if not is_float(wanted):
        raise type_error(f"{name}: wanted a dtype of floats, got {wanted}")
    if isinstance(d, (int, float)):
        if d == 0:
            raise argument_error(f"{name}: samples cannot be d = {d} apart")
        return asarray((numbers / (count * d)).astype(wanted), wanted, device=device)
    return divide(asarray(numbers.astype(wanted), wanted, device=device), multiply(d, count))


def fftshift(x: ArrayLike, axes: AxisLike = None) -> Array:
    """x with frequency 0 in the middle of the axes (default: all), where `fft` has it first; shape and dtype stay.

    Raises ArgumentError for an axis that is not there.

    >>> fftshift(fftfreq(5, 0.2)).tolist()
    [-2.0, -1.0, 0.0, 1.0, 2.0]
    """
    return _shifted("fftshift", x, axes, 1)


def ifftshift(x: ArrayLike, axes: AxisLike = None) -> Array:
    """The inverse of `fftshift`. Raises ArgumentError for an axis that is not there.

    >>> ifftshift(fftshift(fftfreq(5, 0.2))).tolist()
    [0.0, 1.0, 2.0, -2.0, -1.0]
    """
    return _shifted("ifftshift", x, axes, -1)


def _shifted(name: str, x: ArrayLike, axes: AxisLike, way: int) -> Array:
    found = array(name, x)
    chosen = canonical_axes(name, axes, found.aval)
    halves = [n // 2 if way > 0 else -(n // 2) for n in [found.shape[k] for k in chosen]]
    return roll(found, halves, chosen)


__getattr__ = Absent(__name__)
