"""Primitives that work on each element alone, with jax.lax's names and arguments.

Nothing is promoted or broadcast: arrays must have one dtype and one shape, or ShapeError says so. Python numbers take
the dtype of the arrays beside them. `lantern.numpy` has the convenient forms.
"""
from __future__ import annotations

import numpy as np

from lantern.dtypes import canonical
from lantern.lax.operands import ArrayLike, DTypeLike, array, cast, exact, shape_error, whole
from lantern.ops import compare
from lantern.ops import elementwise as ops
from lantern.ops.convert import bitcast, convert
from lantern.trace.array import Array
from lantern.trace.context import typeof
from lantern.trace.jaxpr import Literal
from lantern.trace.primitive import Value


def neg(x: ArrayLike) -> Array:
    """-x.

    >>> neg(1.5).item()
    -1.5
    """
    return ops.neg(*exact(x, function="neg"))


def abs(x: ArrayLike) -> Array:
    """The absolute value.

    >>> abs(-1.5).item()
    1.5
    """
    return ops.abs(*exact(x, function="abs"))


def sign(x: ArrayLike) -> Array:
    """-1, 0 or 1; NaN stays.

    >>> sign(-1.5).item()
    -1.0
    """
    return ops.sign(*exact(x, function="sign"))


def floor(x: ArrayLike) -> Array:
    """The largest whole number <= x.

    >>> floor(1.5).item()
    1.0
    """
    return ops.floor(*exact(x, function="floor"))


def ceil(x: ArrayLike) -> Array:
    """The smallest whole number >= x.

    >>> ceil(1.5).item()
    2.0
    """
    return ops.ceil(*exact(x, function="ceil"))


def sqrt(x: ArrayLike) -> Array:
    """The square root; NaN below zero.

    >>> sqrt(4.0).item()
    2.0
    """
    return ops.sqrt(*exact(x, function="sqrt"))


def rsqrt(x: ArrayLike) -> Array:
    """1 / sqrt(x).

    >>> rsqrt(4.0).item()
    0.5
    """
    return ops.rsqrt(*exact(x, function="rsqrt"))


def exp(x: ArrayLike) -> Array:
    """e ** x.

    >>> exp(0.0).item()
    1.0
    """
    return ops.exp(*exact(x, function="exp"))


def expm1(x: ArrayLike) -> Array:
    """exp(x) - 1, exact for small x.

    >>> expm1(0.0).item()
    0.0
    """
    return ops.expm1(*exact(x, function="expm1"))


def log(x: ArrayLike) -> Array:
    """The natural logarithm.

    >>> log(1.0).item()
    0.0
    """
    return ops.log(*exact(x, function="log"))


def log1p(x: ArrayLike) -> Array:
    """log(1 + x), exact for small x.

    >>> log1p(0.0).item()
    0.0
    """
    return ops.log1p(*exact(x, function="log1p"))


def sin(x: ArrayLike) -> Array:
    """The sine of x in radians.

    >>> sin(0.0).item()
    0.0
    """
    return ops.sin(*exact(x, function="sin"))


def cos(x: ArrayLike) -> Array:
    """The cosine of x in radians.

    >>> cos(0.0).item()
    1.0
    """
    return ops.cos(*exact(x, function="cos"))


def tan(x: ArrayLike) -> Array:
    """The tangent of x in radians.

    >>> tan(0.0).item()
    0.0
    """
    return ops.tan(*exact(x, function="tan"))


def tanh(x: ArrayLike) -> Array:
    """The hyperbolic tangent.

    >>> tanh(0.0).item()
    0.0
    """
    return ops.tanh(*exact(x, function="tanh"))


def logistic(x: ArrayLike) -> Array:
    """1 / (1 + exp(-x)), without overflow.

    >>> logistic(0.0).item()
    0.5
    """
    return ops.logistic(*exact(x, function="logistic"))


def erf(x: ArrayLike) -> Array:
    """The error function.

    >>> erf(0.0).item()
    0.0
    """
    return ops.erf(*exact(x, function="erf"))


def erf_inv(x: ArrayLike) -> Array:
    """The inverse of `erf`; NaN outside [-1, 1].

    >>> erf_inv(0.0).item()
    0.0
    """
    return ops.erf_inv(*exact(x, function="erf_inv"))


def stop_gradient(x: ArrayLike) -> Array:
    """x itself, with derivative zero.

    >>> stop_gradient(1.5).item()
    1.5
    """
    return ops.stop_gradient(*exact(x, function="stop_gradient"))


def add(x: ArrayLike, y: ArrayLike) -> Array:
    """x + y.

    >>> add(1.0, 2.0).item()
    3.0
    """
    return ops.add(*exact(x, y, function="add"))


def sub(x: ArrayLike, y: ArrayLike) -> Array:
    """x - y.

    >>> sub(1.0, 2.0).item()
    -1.0
    """
    return ops.sub(*exact(x, y, function="sub"))


def mul(x: ArrayLike, y: ArrayLike) -> Array:
    """x * y.

    >>> mul(3.0, 2.0).item()
    6.0
    """
    return ops.mul(*exact(x, y, function="mul"))


def div(x: ArrayLike, y: ArrayLike) -> Array:
    """x / y of floats.

    >>> div(1.0, 2.0).item()
    0.5
    """
    return ops.div(*exact(x, y, function="div"))


def pow(x: ArrayLike, y: ArrayLike) -> Array:
    """x ** y.

    >>> pow(2.0, 3.0).item()
    8.0
    """
    return ops.pow(*exact(x, y, function="pow"))


def atan2(x: ArrayLike, y: ArrayLike) -> Array:
    """The angle in [-pi, pi] of the point (y, x).

    >>> atan2(0.0, 1.0).item()
    0.0
    """
    return ops.atan2(*exact(x, y, function="atan2"))


def max(x: ArrayLike, y: ArrayLike) -> Array:
    """The larger of both; NaN if one is NaN.

    >>> max(1.0, 2.0).item()
    2.0
    """
    return ops.max(*exact(x, y, function="max"))


def min(x: ArrayLike, y: ArrayLike) -> Array:
    """The smaller of both; NaN if one is NaN.

    >>> min(1.0, 2.0).item()
    1.0
    """
    return ops.min(*exact(x, y, function="min"))


def shift_left(x: ArrayLike, y: ArrayLike) -> Array:
    """x << y of integers; 0 for shifts as wide as the dtype.

    >>> shift_left(1, 3).item()
    8
    """
    return ops.shift_left(*exact(x, y, function="shift_left"))


def bitwise_and(x: ArrayLike, y: ArrayLike) -> Array:
    """x & y of integers or bools.

    >>> bitwise_and(6, 3).item()
    2
    """
    return ops.and_(*exact(x, y, function="bitwise_and"))


def bitwise_or(x: ArrayLike, y: ArrayLike) -> Array:
    """x | y of integers or bools.

    >>> bitwise_or(6, 3).item()
    7
    """
    return ops.or_(*exact(x, y, function="bitwise_or"))


def bitwise_xor(x: ArrayLike, y: ArrayLike) -> Array:
    """x ^ y of integers or bools.

    >>> bitwise_xor(6, 3).item()
    5
    """
    return ops.xor(*exact(x, y, function="bitwise_xor"))


def eq(x: ArrayLike, y: ArrayLike) -> Array:
    """x == y, as bool.

    >>> eq(1, 2).item()
    False
    """
    return compare.eq(*exact(x, y, function="eq"))


def ne(x: ArrayLike, y: ArrayLike) -> Array:
    """x != y, as bool.

    >>> ne(1, 2).item()
    True
    """
    return compare.ne(*exact(x, y, function="ne"))


def lt(x: ArrayLike, y: ArrayLike) -> Array:
    """x < y, as bool.

    >>> lt(1, 2).item()
    True
    """
    return compare.lt(*exact(x, y, function="lt"))


def le(x: ArrayLike, y: ArrayLike) -> Array:
    """x <= y, as bool.

    >>> le(1, 2).item()
    True
    """
    return compare.le(*exact(x, y, function="le"))


def gt(x: ArrayLike, y: ArrayLike) -> Array:
    """x > y, as bool.

    >>> gt(1, 2).item()
    False
    """
    return compare.gt(*exact(x, y, function="gt"))


def ge(x: ArrayLike, y: ArrayLike) -> Array:
    """x >= y, as bool.

    >>> ge(1, 2).item()
    False
    """
    return compare.ge(*exact(x, y, function="ge"))


def bitwise_not(x: ArrayLike) -> Array:
    """~x of integers or bools.

    >>> bitwise_not(0).item()
    -1
    """
    return ops.not_(*exact(x, function="bitwise_not"))


def is_finite(x: ArrayLike) -> Array:
    """Whether x is neither infinite nor NaN, as bool.

    >>> is_finite(1.0).item()
    True
    """
    return compare.is_finite(*exact(x, function="is_finite"))


def square(x: ArrayLike) -> Array:
    """x * x.

    >>> square(3.0).item()
    9.0
    """
    a = array("square", x)
    return ops.mul(a, a)


def reciprocal(x: ArrayLike) -> Array:
    """1 / x of floats.

    >>> reciprocal(4.0).item()
    0.25
    """
    return div(1.0, array("reciprocal", x))


def round(x: ArrayLike) -> Array:
    """The nearest whole number, half to even (jax.lax rounds half away from zero unless told otherwise).

    >>> round(2.5).item()
    2.0
    """
    return ops.round(*exact(x, function="round"))


def rem(x: ArrayLike, y: ArrayLike) -> Array:
    """The remainder with the sign of x, as in C. For integers, rem(x, 0) is 0.

    >>> rem(-7, 3).item()
    -1
    """
    a, b = exact(x, y, function="rem")
    zero = np.zeros((), typeof(a).dtype).item()
    floored = ops.mod(a, b)
    apart = ops.and_(compare.ne(floored, zero), compare.ne(compare.lt(a, zero), compare.lt(b, zero)))
    return compare.select(apart, ops.sub(floored, b), floored)


def integer_pow(x: ArrayLike, y: int) -> Array:
    """x ** y for a fixed whole number, by repeated squaring.

    Raises ShapeError for a negative power of integers, TypeError for an exponent that is no integer.

    >>> integer_pow(-3.0, 3).item()
    -27.0
    """
    return array("integer_pow", ops.integer_pow(array("integer_pow", x), whole("integer_pow", "the exponent", y)))


def shift_right_arithmetic(x: ArrayLike, y: ArrayLike) -> Array:
    """x >> y; the sign fills. Of signed integers.

    Raises ShapeError for unsigned ones.

    >>> shift_right_arithmetic(-8, 1).item()
    -4
    """
    return ops.shift_right(*_signs("shift_right_arithmetic", "i", exact(x, y, function="shift_right_arithmetic")))


def shift_right_logical(x: ArrayLike, y: ArrayLike) -> Array:
    """x >> y; zeros fill. Signed integers are read as unsigned ones of the same bits. Raises ShapeError for floats.

    >>> shift_right_logical(np.uint32(8), np.uint32(1)).item()
    4
    """
    a, b = _signs("shift_right_logical", "iu", exact(x, y, function="shift_right_logical"))
    dtype = typeof(a).dtype
    if dtype.kind == "u":
        return ops.shift_right(a, b)
    return bitcast(ops.shift_right(_unsigned(a), _unsigned(b)), dtype)


def _unsigned(x: Value) -> Value:
    """The bits of signed integers as unsigned ones; a literal stays one."""
    bits = 8 * typeof(x).dtype.itemsize
    unsigned = np.dtype(f"uint{bits}")
    return cast(int(x.value) % (1 << bits), unsigned) if isinstance(x, Literal) else bitcast(x, unsigned)


def _signs(function: str, kind: str, operands: list[Value]) -> list[Value]:
    found = typeof(operands[0])
    if found.dtype.kind not in kind:
        raise shape_error(f"{function}: wanted {'signed ' if kind == 'i' else ''}integers, got {found}")
    return operands


def clamp(min: ArrayLike, x: ArrayLike, max: ArrayLike) -> Array:
    """x limited to [min, max]; NaN stays.

    >>> clamp(0.0, 1.5, 1.0).item()
    1.0
    """
    return ops.clamp(*exact(min, x, max, function="clamp"))


def select(pred: ArrayLike, on_true: ArrayLike, on_false: ArrayLike) -> Array:
    """on_true where the bools `pred` are true, elsewhere on_false.

    >>> select(np.array([True, False]), np.array([1, 2]), np.array([3, 4])).tolist()
    [1, 4]
    """
    (condition,), values = exact(pred, function="select"), exact(on_true, on_false, function="select")
    return compare.select(condition, *values)


def convert_element_type(operand: ArrayLike, new_dtype: DTypeLike) -> Array:
    """The values in another dtype. Floats become integers by truncation and saturate, NaN becomes 0.

    >>> convert_element_type(1.7, np.int32).item()
    1
    """
    return convert(array("convert_element_type", operand), canonical(new_dtype))


def bitcast_convert_type(operand: ArrayLike, new_dtype: DTypeLike) -> Array:
    """The same bits as another dtype of the same width.

    Raises ShapeError for another width.

    >>> hex(bitcast_convert_type(1.0, np.uint32).item())
    '0x3f800000'
    """
    return bitcast(array("bitcast_convert_type", operand), canonical(new_dtype))
