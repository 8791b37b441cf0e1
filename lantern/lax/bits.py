"""Functions of the bits of numbers: counting them, stepping to the next float, fewer bits of a float."""
from __future__ import annotations

import numpy as np

from lantern.custom_rules import custom_jvp
from lantern.dtypes import F32, F64, is_float, is_integer, short_name
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, DType, argument_error, array, cast, exact, type_error
from lantern.ops import compare
from lantern.ops import elementwise as ops
from lantern.ops.convert import bitcast, convert
from lantern.trace.array import Array
from lantern.trace.context import typeof
from lantern.trace.primitive import Value


def _unsigned(dtype: DType) -> DType:
    return np.dtype(f"uint{8 * dtype.itemsize}")


def _bits(function: str, x: ArrayLike) -> tuple[Array, Value]:
    """x, and its bits as an unsigned integer."""
    value = array(function, x)
    if not is_integer(value.dtype):
        raise type_error(f"{function}: wanted integers, got {value.aval}")
    return value, value if value.dtype.kind == "u" else bitcast(value, _unsigned(value.dtype))


@one_program(1)
def population_count(x: ArrayLike) -> Array:
    """How many bits of an integer are 1, in its dtype. Neighbours are added up, then pairs, and so on (H. S. Warren,
    Hacker's Delight, 2002).

    Raises TypeError for what are no integers.

    >>> population_count(np.array([0, 7, -1])).tolist()
    [0, 3, 32]
    """
    value, bits = _bits("population_count", x)
    return array("population_count", convert(_ones(bits), value.dtype))


def _ones(bits: Value) -> Value:
    dtype: DType = typeof(bits).dtype
    width = 8 * dtype.itemsize
    step = 1
    while step < width:
        ones = sum([((1 << step) - 1) << start for start in range(0, width, 2 * step)])
        mask = cast(ones, dtype)
        bits = ops.add(ops.and_(bits, mask), ops.and_(ops.shift_right(bits, step), mask))
        step *= 2
    return bits


@one_program(1)
def clz(x: ArrayLike) -> Array:
    """How many bits of an integer are 0 before the first 1, in its dtype; of 0, all.

    Raises TypeError for what are no integers.

    >>> clz(np.array([0, 1, -1])).tolist()
    [32, 31, 0]
    """
    value, bits = _bits("clz", x)
    step, width = 1, 8 * value.dtype.itemsize
    while step < width:     # all bits behind the first 1 become 1
        bits = ops.or_(bits, ops.shift_right(bits, step))
        step *= 2
    return array("clz", convert(_ones(ops.not_(bits)), value.dtype))


@one_program(2)
def nextafter(x1: ArrayLike, x2: ArrayLike) -> Array:
    """The float next to x1 in the direction of x2; x2 itself if they are equal, NaN if one is. Its derivative is zero.

    The smallest steps from zero are denormal numbers, which a GPU may flush to zero.

    Raises TypeError for what are no floats, ShapeError for operands of different types.

    >>> nextafter(np.float32([1.0]), np.float32([2.0])).tolist()
    [1.0000001192092896]
    """
    a, b = exact(x1, x2, function="nextafter")
    dtype: DType = typeof(a).dtype
    if not is_float(dtype):
        raise type_error(f"nextafter: wanted floats, got {typeof(a)}")
    signed = np.dtype(f"int{8 * dtype.itemsize}")
    a, b = array("nextafter", a), array("nextafter", b)
    bits, lowest = bitcast(a, signed), int(np.iinfo(signed).min)
    away = ops.sub(ops.mul(2, convert(compare.eq(compare.lt(a, b), compare.gt(a, 0.0)), signed)), 1)
    stepped = bitcast(ops.add(bits, away), dtype)
    least = bitcast(compare.select(compare.lt(b, 0.0), cast(lowest + 1, signed), cast(1, signed)), dtype)
    moved = compare.select(compare.eq(a, 0.0), least, stepped)
    found = compare.select(compare.eq(a, b), b, moved)
    undefined = ops.or_(compare.is_nan(a), compare.is_nan(b))
    return array("nextafter", compare.select(undefined, cast(float("nan"), dtype), found))


def reduce_precision(operand: ArrayLike, exponent_bits: int, mantissa_bits: int) -> Array:
    """Floats rounded, half to even, to what a format with so many bits can hold: beyond its largest number they become
    infinite, below its smallest normal one zero. The derivative is that of x.

    Raises ArgumentError for fewer than 1 and more than 8 bits of the exponent (11 of f64), and for negative
    mantissa_bits; TypeError for what are no floats.

    >>> reduce_precision(3.14159, 8, 7).item()
    3.140625
    """
    x = array("reduce_precision", operand)
    if not is_float(x.dtype):
        raise type_error(f"reduce_precision: wanted floats, got {x.aval}")
    most = 11 if x.dtype == F64 else 8
    if not 1 <= exponent_bits <= most or mantissa_bits < 0:
        raise argument_error(f"reduce_precision: {short_name(x.dtype)} has from 1 to {most} exponent_bits and no fewer "
                             f"than 0 mantissa_bits, got {exponent_bits} and {mantissa_bits}")
    return _rounded(x, exponent_bits, mantissa_bits)


def _reduced(x: Array, exponent_bits: int, mantissa_bits: int) -> Array:
    """The last bits are added half a unit and cut; f16 and bf16 are f32 meanwhile."""
    dtype = x.dtype
    wide = F64 if dtype == F64 else F32
    mantissa, exponent = (52, 11) if wide == F64 else (23, 8)
    value = convert(x, wide)
    unsigned = _unsigned(wide)
    bits = bitcast(value, unsigned)
    cut = mantissa - mantissa_bits
    if cut > 0:
        last = ops.and_(ops.shift_right(bits, cut), 1)
        bits = ops.add(bits, ops.add(last, cast((1 << (cut - 1)) - 1, unsigned)))
        bits = ops.and_(bits, cast((1 << (8 * wide.itemsize)) - (1 << cut), unsigned))
    found = bitcast(bits, wide)
    if exponent_bits < exponent:
        bias = (1 << (exponent_bits - 1)) - 1
        size = ops.abs(found)
        small, large = compare.lt(size, cast(2.0 ** (1 - bias), wide)), compare.ge(size, cast(2.0 ** (bias + 1), wide))
        found = compare.select(small, ops.mul(found, 0.0), compare.select(large, ops.div(found, 0.0), found))
    found = compare.select(compare.is_nan(value), value, found)
    return array("reduce_precision", convert(found, dtype))


_rounded = custom_jvp(_reduced, nondiff_argnums=(1, 2))


@_rounded.defjvp
def _rounded_jvp(exponent_bits: int, mantissa_bits: int, primals: tuple[Array],
                 tangents: tuple[Array]) -> tuple[Array, Array]:
    return _rounded(primals[0], exponent_bits, mantissa_bits), tangents[0]      # rounding would not be linear
