"""`fft`: Fourier transforms over the last axes, with jax.lax's name and arguments."""
from __future__ import annotations

import operator
from collections.abc import Sequence
from enum import Enum
from typing import Any

from lantern.dtypes import BF16, F16, F32, is_complex
from lantern.lax.operands import ArrayLike, argument_error, inexact, shape_error, type_error
from lantern.ops import fft as ops
from lantern.ops.complex import complex
from lantern.ops.convert import convert
from lantern.trace.array import Array


class FftType(Enum):
    """The kinds of transforms: complex numbers to complex ones and back, real numbers to half a spectrum and back."""

    FFT = "fft"
    IFFT = "ifft"
    RFFT = "rfft"
    IRFFT = "irfft"


def fft(x: ArrayLike, fft_type: FftType | str, fft_lengths: Sequence[int]) -> Array:
    """The discrete Fourier transform over the last `len(fft_lengths)` axes, whose sizes are `fft_lengths`.

    fft_type   FftType, or its name: "fft", "ifft" (divided by the number of elements), "rfft" (real to complex: the
               last axis of the result has n // 2 + 1 elements) or "irfft" (the inverse of that: `fft_lengths` are the
               sizes of the result)

    16-bit floats are transformed in f32. Raises ArgumentError for another type and for lengths that are not those of
    the axes, TypeError for complex numbers where real ones are wanted, ShapeError for an empty axis.

    >>> import numpy as np
    >>> fft(np.float32([1, 2, 3, 4]), "rfft", (4,)).tolist()
    [(10+0j), (-2+2j), (-2+0j)]
    """
    kind = _kind(fft_type)
    found = as_parts("fft", x, kind is not FftType.RFFT)
    lengths = tuple([operator.index(n) for n in fft_lengths])
    rank = found.ndim
    if not 1 <= len(lengths) <= rank:
        raise argument_error(f"fft: wanted a length for each of one or more last axes, got {lengths} for {found.aval}")
    sizes = lengths if kind is not FftType.IRFFT else (*lengths[:-1], lengths[-1] // 2 + 1)
    if min(lengths) < 1 or found.shape[rank - len(lengths):] != sizes:
        raise argument_error(f"fft: {kind.value} of lengths {lengths} wants the last axes to be {sizes}, got "
                             f"{found.aval}", "lantern.numpy.fft cuts and pads.")
    return transform(found, kind, tuple(range(rank - len(lengths), rank)), lengths[-1])


def _kind(given: Any) -> FftType:
    try:
        return given if isinstance(given, FftType) else FftType(given.lower())
    except (ValueError, AttributeError):
        raise argument_error(f"fft: wanted fft_type to be one of {', '.join([k.value for k in FftType])}, got "
                             f"{given!r}") from None


def as_parts(function: str, x: ArrayLike, wants_complex: bool) -> Array:
    """x as an Array of complex numbers, or of the floats that these are made of.

    Raises TypeError for complex numbers where floats are wanted.
    """
    found = inexact(function, x)
    if found.dtype in (F16, BF16):
        found = convert(found, F32)
    if wants_complex:
        return found if is_complex(found.dtype) else complex(found, 0)
    if is_complex(found.dtype):
        raise type_error(f"{function}: wanted real numbers, got {found.aval}",
                         "Take their real part, or use the transform of complex numbers.")
    return found


def transform(x: Array, kind: FftType, axes: Sequence[int], last: int) -> Array:
    """The transform over all these axes; the last one is that of real numbers, of which there are `last`.

    Raises ShapeError, naming the user's line, for an empty axis.
    """
    for axis in axes:
        if x.shape[axis] == 0:
            raise shape_error(f"{kind.value}: axis {axis} of {x.aval} is empty, and there is no transform of nothing",
                              "Give it at least one element, or pad it with n= or s=.")
    inverse = kind in (FftType.IFFT, FftType.IRFFT)
    if kind is FftType.RFFT:
        x = ops.rfft(x, axes[-1])
    real_ends = kind in (FftType.RFFT, FftType.IRFFT)
    for axis in reversed(axes[:-1] if real_ends else axes):
        x = ops.fft(x, axis, inverse)
    return ops.irfft(x, axes[-1], last) if kind is FftType.IRFFT else x
