"""Floats by their parts: signs, neighbours, mantissas and exponents, whole parts and fractions."""
from __future__ import annotations

import numpy as np

from lantern.dtypes import BF16, F16, F32, F64, I32, is_float, is_integer
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, DType, array, cast, promoted, type_error
from lantern.numpy.arithmetic import clip, floor_divide, multiply, negative, power, subtract, trunc
from lantern.numpy.element_types import finfo
from lantern.numpy.logic import equal, isinf, isnan, less, logical_or, where
from lantern.ops import compare
from lantern.ops import elementwise as ops
from lantern.ops.convert import bitcast, convert
from lantern.trace.array import Array
from lantern.trace.context import typeof
from lantern.trace.primitive import Value

# For each float: integers of its width, and how many bits its mantissa has.
_BITS: dict[DType, tuple[DType, int]] = {
    F16: (np.dtype(np.int16), 10), BF16: (np.dtype(np.int16), 7), F32: (I32, 23), F64: (np.dtype(np.int64), 52)}


def _floats(function: str, *xs: ArrayLike) -> list[Value]:
    found = promoted(function, *xs, floats=True)
    if not is_float(typeof(found[0]).dtype):
        raise type_error(f"{function}: wanted real numbers, got {' and '.join([str(typeof(x)) for x in found])}")
    return found


def _bits(x: Value) -> Value:
    return bitcast(x, _BITS[typeof(x).dtype][0])


@one_program(1)
def signbit(x: ArrayLike, /) -> Array:
    """Whether the sign is minus: of -0.0 and of NaN with that sign, too.

    Raises TypeError for complex numbers.

    >>> signbit(np.array([-1.0, -0.0, 0.0])).tolist()
    [True, True, False]
    """
    found = array("signbit", x)
    if is_float(found.dtype):
        return array("signbit", compare.lt(_bits(found), 0))
    if found.dtype.kind == "c":
        raise type_error(f"signbit: wanted real numbers, got {found.aval}")
    return less(found, 0)


@one_program(2)
def copysign(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The size of x1 with the sign of x2, a float. Its derivative by x1 is 1 or -1.

    Raises TypeError for complex numbers.

    >>> copysign(np.array([1.0, -2.0]), -0.0).tolist()
    [-1.0, -2.0]
    """
    x, y = [array("copysign", v) for v in _floats("copysign", x1, x2)]
    return where(equal(signbit(x), signbit(y)), x, negative(x))


@one_program(2)
def nextafter(x: ArrayLike, y: ArrayLike, /) -> Array:
    """The float next to x in the direction of y; y itself where they are equal.

    On a GPU numbers below the smallest normal one may be 0. Raises TypeError for complex numbers.

    >>> nextafter(np.float32(1), np.float32(2)).item() - 1
    1.1920928955078125e-07
    """
    a, b = promoted("nextafter", *[array("nextafter", v) for v in _floats("nextafter", x, y)])     # no literals: bits
    bits = _bits(a)
    away = compare.eq(compare.lt(a, b), compare.gt(a, 0))       # further from 0: the bits of the size grow
    step = compare.select(away, ops.add(bits, 1), ops.sub(bits, 1))
    beside_zero = compare.select(compare.lt(a, b), _like(bits, 1), _like(bits, _lowest(bits) + 1))
    smallest = bitcast(beside_zero, typeof(a).dtype)
    moved = compare.select(compare.eq(a, 0), smallest, bitcast(step, typeof(a).dtype))
    lost = ops.or_(compare.is_nan(a), compare.is_nan(b))
    found = compare.select(compare.eq(a, b), b, compare.select(lost, ops.add(a, b), moved))
    return array("nextafter", ops.stop_gradient(found))


def _like(bits: Value, number: int) -> Value:
    """A number as bits of this shape."""
    return ops.add(ops.mul(bits, 0), number)


def _lowest(bits: Value) -> int:
    return int(np.iinfo(typeof(bits).dtype).min)


@one_program(2)
def ldexp(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """x1 * 2**x2, for whole x2.

    Raises TypeError for exponents that are no integers, and for complex numbers.

    >>> ldexp(np.array([1.0, 3.0]), np.array([3, -1])).tolist()
    [8.0, 1.5]
    """
    x, exponent = array("ldexp", _floats("ldexp", x1)[0]), array("ldexp", x2)
    if not is_integer(exponent.dtype):
        raise type_error(f"ldexp: wanted whole exponents, got {exponent.aval}", "Use x * 2 ** y.")
    # In three steps, each with a normal number: 2**x2 itself may overflow where the product does not, and 0 * inf is
    # NaN. Beyond three such steps every number is 0 or infinite.
    step = finfo(x.dtype).maxexp - 2
    if exponent.dtype.itemsize < 4:
        exponent = array("ldexp", convert(exponent, I32))       # it must hold the bounds
    exponent = clip(exponent, 0 if exponent.dtype.kind == "u" else -3 * step, 3 * step)
    exponent = array("ldexp", convert(exponent, I32))
    first = floor_divide(exponent, 3)
    second = floor_divide(subtract(exponent, first), 2)
    two = cast(2, x.dtype)
    for part in (first, second, subtract(subtract(exponent, first), second)):
        # The choice keeps a GPU's compiler from multiplying the three powers first.
        x = where(isnan(x), x, multiply(x, power(two, part)))
    return x


@one_program(1)
def frexp(x: ArrayLike, /) -> tuple[Array, Array]:
    """(mantissas, exponents as int32): x = mantissa * 2**exponent with 0.5 <= abs(mantissa) < 1, or 0 and 0.

    NaN and infinities are their own mantissas, with exponent 0.

    >>> [v.tolist() for v in frexp(np.array([8.0, 0.75]))]
    [[0.5, 0.75], [4, 0]]
    """
    a = _floats("frexp", x)[0]
    a = array("frexp", a)
    dtype = a.dtype
    width = _BITS[dtype][1]
    bias = 15 if dtype == F16 else 1023 if dtype == F64 else 127
    # Numbers below the smallest normal one are made normal first.
    normal = multiply(a, 2.0 ** (width + 1))
    tiny = less(ops.abs(a), float(np.finfo(np.float32 if dtype == BF16 else dtype).tiny))
    scaled = where(tiny, normal, a)
    field = ops.and_(ops.shift_right(_bits(scaled), width), 2 * bias + 1)
    exponent = subtract(subtract(convert(field, I32), bias - 1), where(tiny, width + 1, 0))
    plain = logical_or(logical_or(isnan(a), isinf(a)), equal(a, 0))
    size = where(plain, 0, exponent)
    return where(plain, a, ldexp(a, negative(size))), size


@one_program(1)
def modf(x: ArrayLike, /) -> tuple[Array, Array]:
    """(fractions, whole parts), both with the sign of x and as floats.

    >>> [v.tolist() for v in modf(np.array([1.5, -2.25]))]
    [[0.5, -0.25], [1.0, -2.0]]
    """
    a = array("modf", _floats("modf", x)[0])
    whole = trunc(a)
    return copysign(where(isinf(a), cast(0.0, a.dtype), subtract(a, whole)), a), whole


@one_program(2)
def heaviside(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """0 where x1 < 0, x2 where x1 is 0, 1 where x1 > 0; NaN stays.

    >>> heaviside(np.array([-1.0, 0.0, 2.0]), 0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    x, at_zero = [array("heaviside", v) for v in _floats("heaviside", x1, x2)]
    found = where(less(x, 0), cast(0.0, x.dtype), where(equal(x, 0), at_zero, cast(1.0, x.dtype)))
    return where(isnan(x), x, found)


@one_program(2)
def fmax(x1: ArrayLike, x2: ArrayLike) -> Array:
    """The larger of both; where one is NaN, the other.

    >>> fmax(np.array([1.0, np.nan]), 0.0).tolist()
    [1.0, 0.0]
    """
    x, y = [array("fmax", v) for v in promoted("fmax", x1, x2)]
    return where(logical_or(x > y, isnan(y)), x, y)


@one_program(2)
def fmin(x1: ArrayLike, x2: ArrayLike) -> Array:
    """The smaller of both; where one is NaN, the other.

    >>> fmin(np.array([1.0, np.nan]), 0.0).tolist()
    [0.0, 0.0]
    """
    x, y = [array("fmin", v) for v in promoted("fmin", x1, x2)]
    return where(logical_or(x < y, isnan(y)), x, y)
