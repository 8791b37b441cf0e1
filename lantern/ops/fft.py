"""Fourier transforms along one axis: of complex numbers, and of real ones to and from their half of the spectrum.

The CPU calls NumPy. A GPU has a kernel for lines of small factors that fit into a workgroup (`fft_kernel`). Longer
ones are cut in two factors, with a multiplication in between (J. W. Cooley and J. W. Tukey, "An algorithm for the
machine calculation of complex Fourier series", 1965). Lengths with large prime factors become a convolution with a
chirp of a length that is a power of two (L. I. Bluestein, "A linear filtering approach to the computation of discrete
Fourier transform", 1970), short ones a product with the matrix.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from lantern.dtypes import C128, F32, F64, I32, complex_dtype, real_dtype
from lantern.errors import DeviceError, ShapeError
from lantern.lower.expr import DType
from lantern.lower.kernel import HostCall, Region, Target
from lantern.lower.routine import Routine
from lantern.ops import shape as ops
from lantern.ops.broadcast import broadcast_in_dim, full
from lantern.ops.build import COMPLEX, PARTS, AnyArray, check_axes, linear, unaccepted
from lantern.ops.compare import eq, select
from lantern.ops.complex import complex, conj, imag, real
from lantern.ops.convert import convert
from lantern.ops.dot import dot_general
from lantern.ops.elementwise import and_, cos, floordiv, mod, mul, or_, sin, sub
from lantern.ops.fft_kernel import longest, radices, written
from lantern.ops.pointwise import add, neg
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind1, typeof
from lantern.trace.jaxpr import Jaxpr
from lantern.trace.primitive import Axis, Structured, SubLowering, Value
from lantern.trace.staging import trace_closed

MATRIX = 64             # up to this length the matrix is not dearer than a chirp
WHOLE = 1 << 28         # positions of the longest line: eight times such a number still is a u32


def _checked(name: str, x: ShapedArray, axis: int, accepts: frozenset[DType]) -> int:
    """The length of the axis."""
    check_axes(name, x, (axis,))
    if x.dtype not in accepts:
        raise unaccepted(name, x, accepts)
    if x.shape[axis] == 0:
        raise ShapeError(f"{name}: axis {axis} of {x} has length 0, and there is no transform of nothing. Give it at "
                         "least one element")
    return x.shape[axis]


def _with_size(x: ShapedArray, axis: int, size: int, dtype: DType) -> ShapedArray:
    return shaped((*x.shape[:axis], size, *x.shape[axis + 1:]), dtype)


# Complex to complex


def _fft_abstract(x: ShapedArray, *, axis: int, inverse: bool) -> Sequence[ShapedArray]:
    _checked("fft", x, axis, COMPLEX)
    return [x]


def _fft_impl(x: AnyArray, *, axis: int, inverse: bool) -> Sequence[AnyArray]:
    function = np.fft.ifft if inverse else np.fft.fft
    return [function(x.astype(C128), axis=axis).astype(x.dtype)]


def _on_host(function: Callable[..., Any], out: ShapedArray, *arrays: AnyArray) -> Sequence[AnyArray]:
    """NumPy's function, which before NumPy 2 computes in double precision."""
    with np.errstate(all="ignore"):
        return [np.asarray(function(*arrays)).astype(out.dtype, copy=False)]


_NUMPY: dict[str, Callable[..., Any]] = {"fft": np.fft.fft, "ifft": np.fft.ifft, "rfft": np.fft.rfft,
                                         "irfft": np.fft.irfft}


@lru_cache(maxsize=1024)
def _host_call(name: str, arg: ShapedArray, out: ShapedArray, **settings: Any) -> HostCall:
    """The same call for the same question: lowered programs compare functions by identity."""
    function = partial(_NUMPY[name], **settings)
    return HostCall(partial(_on_host, function, out), (arg,), (out,), name)


def _fft_region(avals: Sequence[ShapedArray], lower: SubLowering, *, axis: int, inverse: bool) -> Region | Jaxpr:
    x, target = avals[0].strong(), lower.target
    host = _host_call("ifft" if inverse else "fft", x, x, axis=axis)
    n = x.shape[axis]
    if target.backend != "wgpu" or x.size == 0:
        return host
    if _has_kernel(n, target):
        return Routine(host.function, written(x.shape, axis, inverse, target), (x,), (x,), host.name)

    def staged(x: Value) -> Sequence[Value]:
        return [_longer(x, axis, inverse, longest(target))]

    return trace_closed(staged, [x], host.name)


def _has_kernel(n: int, target: Target) -> bool:
    return 1 < n <= longest(target) and radices(n) is not None


def _longer(x: Value, axis: int, inverse: bool, most: int) -> Value:
    """A line for which there is no kernel, in terms of others."""
    n = typeof(x).shape[axis]
    if n == 1:
        return x
    if n >= WHOLE:
        raise DeviceError(f"fft: an axis of length {n} is too long for a GPU, which transforms fewer than {WHOLE} "
                          "numbers at once. Use the CPU device")
    if radices(n):
        return _in_two_factors(x, axis, inverse, _factor(n, most))
    return _by_matrix(x, axis, inverse) if n <= MATRIX else _by_chirp(x, axis, inverse)


def _factor(n: int, most: int) -> int:
    """The divisor of n nearest to its root, of those for which there is a kernel."""
    divisors = [d for d in range(2, min(n - 1, most) + 1) if n % d == 0]
    return min(divisors, key=lambda d: abs(math.log(d * d / n)))


def _roots(k: Value, n: int, inverse: bool) -> Value:
    """exp(-2 pi i k / n) (conjugated for the inverse) of i32 numbers 0 <= k < n, as exact as c64 can be: a quarter turn
    at a time is taken off in integers, so that the angle is at most pi / 4."""
    quadrant = floordiv(add(mul(k, 4), n // 2), n)
    rest = convert(sub(mul(k, 4), mul(quadrant, n)), F32)
    angle = mul(rest, math.pi / (2 * n))
    s, c = sin(angle), cos(angle)
    odd = eq(and_(quadrant, 1), 1)
    x, y = select(odd, s, c), select(odd, c, s)
    left = or_(eq(quadrant, 1), eq(quadrant, 2))
    x = select(left, neg(x), x)
    below = or_(eq(quadrant, 2), eq(quadrant, 3))
    y = select(below, neg(y), y)
    return complex(x, y if inverse else neg(y))


def _in_two_factors(x: Value, axis: int, inverse: bool, first: int) -> Value:
    """With n = n1 n2: transforms of length n1 over elements n2 apart, roots of unity, transforms of length n2."""
    shape = typeof(x).shape
    n = shape[axis]
    second = n // first
    lead, behind = math.prod(shape[:axis]), math.prod(shape[axis + 1:])
    y = fft(ops.reshape(x, (lead, first, second, behind)), 1, inverse)
    place = mul(ops.iota(I32, (first, second), 0), ops.iota(I32, (first, second), 1))
    y = mul(y, broadcast_in_dim(_roots(place, n, inverse), typeof(y).shape, (1, 2)))
    y = fft(y, 2, inverse)
    return ops.reshape(ops.transpose(y, (0, 2, 1, 3)), shape)


def _by_matrix(x: Value, axis: int, inverse: bool) -> Value:
    n, rank = typeof(x).shape[axis], typeof(x).ndim
    place = mod(mul(ops.iota(I32, (n, n), 0), ops.iota(I32, (n, n), 1)), n)
    y = dot_general(x, _roots(place, n, inverse), ((axis,), (0,)))
    y = ops.transpose(y, [*range(axis), rank - 1, *range(axis, rank - 1)])
    return mul(y, 1 / n) if inverse else y


def _by_chirp(x: Value, axis: int, inverse: bool) -> Value:
    """With jk = (j**2 + k**2 - (k - j)**2) / 2 the transform is a convolution, done by transforms of 2**m numbers."""
    aval = typeof(x)
    n = aval.shape[axis]
    size = 1 << (2 * n - 2).bit_length()
    chirp = _roots(_squares(n), 2 * n, inverse)
    whole = broadcast_in_dim(chirp, aval.shape, (axis,))
    y = ops.pad(mul(x, whole), 0, [(0, size - n, 0) if k == axis else (0, 0, 0) for k in range(aval.ndim)])
    answer = conj(chirp)
    mirrored = ops.rev(ops.slice(answer, (1,), (n,)), (0,))
    answer = ops.concatenate([ops.pad(answer, 0, [(0, size - 2 * n + 1, 0)]), mirrored], 0)
    y = fft(y, axis, False)
    y = mul(y, broadcast_in_dim(fft(answer, 0, False), typeof(y).shape, (axis,)))
    y = fft(y, axis, True)
    y = mul(ops.slice(y, [0] * aval.ndim, aval.shape), whole)
    return mul(y, 1 / n) if inverse else y


def _squares(n: int) -> Value:
    """j**2 modulo 2 n for j < n (i32), where j**2 may be too large: a few bits of one factor at a time."""
    whole = 2 * n
    j = ops.iota(I32, (n,), 0)
    if n <= 46340:
        return mod(mul(j, j), whole)
    bits = 30 - whole.bit_length()
    total = full((n,), 0, I32)
    for start in reversed(range(0, n.bit_length(), bits)):
        some = and_(floordiv(j, 1 << start), (1 << bits) - 1)
        total = mod(add(mul(total, 1 << bits), mod(mul(j, some), whole)), whole)
    return total


def _fft_transpose(ct: Value, aval: ShapedArray, *, axis: int, inverse: bool) -> Value:
    """The matrix is symmetric, and cotangents are not conjugated."""
    return fft(ct, axis, inverse)


def _fft_batch(new: Axis, x: Value, *, axis: int, inverse: bool) -> Value:
    return fft(x, axis + 1, inverse)


fft_p = linear("fft", _fft_abstract, _fft_impl, Structured(_fft_region), _fft_transpose, _fft_batch)


def fft(x: Value, axis: int, inverse: bool = False) -> Value:
    """The discrete Fourier transform of complex numbers along an axis, sums of x[j] exp(-2 pi i j k / n); `inverse`
    has the other sign and is divided by n.

    Raises ShapeError for real numbers and for an axis that is empty or not there.

    >>> fft(np.complex64([1, 0, 0, 0]), 0).tolist()
    [(1+0j), (1+0j), (1+0j), (1+0j)]
    """
    return bind1(fft_p, x, axis=axis, inverse=inverse)


# Real to complex


def _rfft_abstract(x: ShapedArray, *, axis: int) -> Sequence[ShapedArray]:
    n = _checked("rfft", x, axis, PARTS)
    return [_with_size(x, axis, n // 2 + 1, complex_dtype(x.dtype))]


def _rfft_impl(x: AnyArray, *, axis: int) -> Sequence[AnyArray]:
    return [np.fft.rfft(x.astype(F64), axis=axis).astype(complex_dtype(x.dtype))]


def _rfft_region(avals: Sequence[ShapedArray], lower: SubLowering, *, axis: int) -> Region | Jaxpr:
    x = avals[0].strong()
    out = _rfft_abstract(x, axis=axis)[0]
    host = _host_call("rfft", x, out, axis=axis)
    if lower.target.backend != "wgpu" or x.size == 0:
        return host
    if _has_kernel(x.shape[axis], lower.target):
        text = written(x.shape, axis, False, lower.target, real=True)
        return Routine(host.function, text, (x,), (out,), host.name)

    def staged(x: Value) -> Sequence[Value]:
        return [_half_of(fft(complex(x, 0), axis), axis)]

    return trace_closed(staged, [x], "rfft")


def _half_of(y: Value, axis: int) -> Value:
    """The first half of a spectrum, with both ends."""
    shape = typeof(y).shape
    return ops.slice(y, [0] * len(shape), [n // 2 + 1 if k == axis else n for k, n in enumerate(shape)])


def _rfft_transpose(ct: Value, aval: ShapedArray, *, axis: int) -> Value:
    missing = aval.shape[axis] - typeof(ct).shape[axis]
    config = [(0, missing, 0) if k == axis else (0, 0, 0) for k in range(aval.ndim)]
    return real(fft(ops.pad(ct, 0, config), axis))


def _rfft_batch(new: Axis, x: Value, *, axis: int) -> Value:
    return rfft(x, axis + 1)


rfft_p = linear("rfft", _rfft_abstract, _rfft_impl, Structured(_rfft_region), _rfft_transpose, _rfft_batch)


def rfft(x: Value, axis: int) -> Value:
    """The first n // 2 + 1 elements of the transform of n real numbers along an axis; the others are their conjugates.

    Raises ShapeError for other numbers than floats of 32 or 64 bits, and for an axis that is empty or not there.

    >>> rfft(np.float32([1, 2, 3]), 0).shape
    (2,)
    """
    return bind1(rfft_p, x, axis=axis)


# Complex to real


def _irfft_abstract(x: ShapedArray, *, axis: int, size: int) -> Sequence[ShapedArray]:
    found = _checked("irfft", x, axis, COMPLEX)
    if size < 1 or found != size // 2 + 1:
        raise ShapeError(f"irfft: {size} real numbers have a spectrum of {size // 2 + 1}, got {found} along axis "
                         f"{axis} of {x}. Cut or pad it first")
    return [_with_size(x, axis, size, real_dtype(x.dtype))]


def _irfft_impl(x: AnyArray, *, axis: int, size: int) -> Sequence[AnyArray]:
    return [np.fft.irfft(x.astype(C128), size, axis=axis).astype(real_dtype(x.dtype))]


def _irfft_region(avals: Sequence[ShapedArray], lower: SubLowering, *, axis: int, size: int) -> Region | Jaxpr:
    x = avals[0].strong()
    out = _irfft_abstract(x, axis=axis, size=size)[0]
    host = _host_call("irfft", x, out, n=size, axis=axis)
    if lower.target.backend != "wgpu" or x.size == 0:
        return host
    if _has_kernel(size, lower.target):
        text = written(out.shape, axis, True, lower.target, real=True)
        return Routine(host.function, text, (x,), (out,), host.name)

    def staged(x: Value) -> Sequence[Value]:
        return [real(fft(_whole(x, axis, size), axis, True))]

    return trace_closed(staged, [x], "irfft")


def _whole(x: Value, axis: int, size: int) -> Value:
    """A spectrum from its first half: what is missing are conjugates in reverse. The imaginary parts of the ends, which
    real numbers do not have, are dropped with those of the result."""
    rest = size - typeof(x).shape[axis]
    if rest == 0:
        return x
    rank = typeof(x).ndim
    limit = [rest + 1 if k == axis else n for k, n in enumerate(typeof(x).shape)]
    inside = ops.slice(x, [int(k == axis) for k in range(rank)], limit)
    return ops.concatenate([x, conj(ops.rev(inside, (axis,)))], axis)


def _irfft_transpose(ct: Value, aval: ShapedArray, *, axis: int, size: int) -> Value:
    """Elements between the ends stand for two."""
    count = aval.shape[axis]
    k = ops.iota(I32, (count,), 0)
    ends = or_(eq(k, 0), eq(mul(k, 2), size))
    weight = select(ends, full((count,), 1 / size, real_dtype(aval.dtype)), 2 / size)
    spectrum = rfft(ct, axis)
    whole = broadcast_in_dim(weight, aval.shape, (axis,))
    return complex(mul(real(spectrum), whole), neg(mul(imag(spectrum), whole)))


def _irfft_batch(new: Axis, x: Value, *, axis: int, size: int) -> Value:
    return irfft(x, axis + 1, size)


irfft_p = linear("irfft", _irfft_abstract, _irfft_impl, Structured(_irfft_region), _irfft_transpose, _irfft_batch)


def irfft(x: Value, axis: int, size: int) -> Value:
    """The `size` real numbers whose `rfft` along an axis is x; imaginary parts that such a spectrum lacks are ignored.

    Raises ShapeError unless x is complex and has size // 2 + 1 elements along the axis.

    >>> irfft(np.complex64([6, -3]), 0, 3).round(3).tolist()
    [0.0, 3.0, 3.0]
    """
    return bind1(irfft_p, x, axis=axis, size=size)
