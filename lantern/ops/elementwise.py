"""Arithmetic, rounding, powers, exponential and trigonometric functions, bits: each element alone."""
from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import Any

from lantern.dtypes import BOOL, is_complex, real_dtype, short_name
from lantern.errors import ShapeError
from lantern.lower.expr import DType, ScalarOp
from lantern.ops.broadcast import broadcast_in_dim_p
from lantern.ops.build import BITS, FLOATS, INEXACT, INTEGERS, MOVABLE, REALS, call, is_linear, scalar_like
from lantern.ops.compare import eq, gt, lt, select
from lantern.ops.complex import complex, conj, real
from lantern.ops.pointwise import Scalars, add, elementwise, linear_in_each, neg
from lantern.ops.pointwise import add_p as add_p
from lantern.ops.pointwise import neg_p as neg_p
from lantern.trace.context import bind1, typeof
from lantern.trace.jaxpr import Literal
from lantern.trace.primitive import Alias, Tangent, Value, Zero

# Arithmetic


def _mul_transpose(cts: Sequence[Tangent], args: Sequence[Value]) -> Sequence[Value | None]:
    x, y = args
    return [mul(cts[0], y) if is_linear(x) else None, mul(x, cts[0]) if is_linear(y) else None]


def _div_transpose(cts: Sequence[Tangent], args: Sequence[Value]) -> Sequence[Value | None]:
    return [div(cts[0], args[1]) if is_linear(args[0]) else None, None]


def _floor_of_quotient(s: Scalars, dtype: DType, x: Any, y: Any) -> Any:
    """For floats by way of the remainder, as Python does: x / y may round up to a whole number. An infinite y leaves no
    remainder to subtract; there the signs decide between 0 and -1. A zero has the sign of the quotient."""
    if dtype in INTEGERS:
        return s.apply(ScalarOp.FLOORDIV, x, y, dtype=dtype)
    multiple = s.apply(ScalarOp.SUB, x, s.apply(ScalarOp.MOD, x, y, dtype=dtype), dtype=dtype)
    whole = s.apply(ScalarOp.ROUND, s.apply(ScalarOp.DIV, multiple, y, dtype=dtype), dtype=dtype)
    quotient = s.apply(ScalarOp.DIV, x, y, dtype=dtype)
    signs = [s.apply(ScalarOp.SIGN, z, dtype=dtype) for z in (x, y)]
    half = s.apply(ScalarOp.MUL, s.apply(ScalarOp.MUL, *signs, dtype=dtype), s.const(0.5, dtype), dtype=dtype)
    by_infinity = s.apply(ScalarOp.FLOOR, s.apply(ScalarOp.ADD, quotient, half, dtype=dtype), dtype=dtype)
    finite = s.apply(ScalarOp.SELECT, s.apply(ScalarOp.ISFINITE, y, dtype=BOOL), whole, by_infinity, dtype=dtype)
    zero = s.apply(ScalarOp.MUL, quotient, s.const(0, dtype), dtype=dtype)
    is_zero = s.apply(ScalarOp.EQ, finite, s.const(0, dtype), dtype=BOOL)
    finite = s.apply(ScalarOp.SELECT, is_zero, zero, finite, dtype=dtype)
    by_zero = s.apply(ScalarOp.EQ, y, s.const(0, dtype), dtype=BOOL)
    return s.apply(ScalarOp.SELECT, by_zero, quotient, finite, dtype=dtype)


sub_p = elementwise("sub", ScalarOp.SUB, [lambda g, z, x, y: g, lambda g, z, x, y: neg(g)],
                    transpose=linear_in_each(lambda ct: ct, lambda ct: neg(ct)))
mul_p = elementwise("mul", ScalarOp.MUL, [lambda g, z, x, y: mul(g, y), lambda g, z, x, y: mul(x, g)],
                    transpose=_mul_transpose)
div_p = elementwise("div", ScalarOp.DIV, [lambda g, z, x, y: div(g, y), lambda g, z, x, y: neg(mul(g, div(z, y)))],
                    accepts=INEXACT, transpose=_div_transpose)
floordiv_p = elementwise("floordiv", _floor_of_quotient, accepts=REALS)
mod_p = elementwise("mod", ScalarOp.MOD, [lambda g, z, x, y: g, lambda g, z, x, y: neg(mul(g, floordiv(x, y)))],
                    accepts=REALS)


def sub(x: Value, y: Value) -> Value:
    """x - y; integers wrap."""
    return call(sub_p, x, y)


def mul(x: Value, y: Value) -> Value:
    """x * y; integers wrap."""
    return call(mul_p, x, y)


def div(x: Value, y: Value) -> Value:
    """x / y, of floats."""
    return call(div_p, x, y)


def floordiv(x: Value, y: Value) -> Value:
    """x // y, rounded down. Integers by zero give 0.

    >>> import numpy as np
    >>> floordiv(np.int32([7, -7, 7]), np.int32([2, 2, 0])).tolist()
    [3, -4, 0]
    """
    return call(floordiv_p, x, y)


def mod(x: Value, y: Value) -> Value:
    """x % y, with the sign of y. Integers by zero give 0.

    >>> import numpy as np
    >>> mod(np.int32([7, -7, 7]), np.int32([4, 4, 0])).tolist()
    [3, 1, 0]
    """
    return call(mod_p, x, y)


# Signs, rounding and bounds


def _max_weight(x: Value, y: Value) -> Value:
    """The derivative of max(x, y) by x: ties share evenly."""
    one, half = scalar_like("max", 1.0, typeof(x)), scalar_like("max", 0.5, typeof(x))
    return select(gt(x, y), one, select(eq(x, y), half, 0))


def _abs_slope(g: Value, y: Value, x: Value) -> Value:
    """Of a complex number the part of the tangent that points away from 0."""
    return real(mul(g, conj(sign(x)))) if is_complex(typeof(x).dtype) else mul(g, sign(x))


def _sign_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    """Zero for real numbers. The direction of a complex number turns with the part of the tangent across it."""
    y = outs[0]
    if type(tangents[0]) is Zero or not is_complex(typeof(y).dtype):
        return [Zero(typeof(y))]
    x, g = primals[0], tangents[0]
    across = sub(g, mul(y, complex(real(mul(conj(y), g)), 0)))
    size = abs(x)
    return [select(eq(x, 0), 0, div(across, complex(select(eq(size, 0), 1, size), 0)))]


def _clamp(s: Scalars, dtype: DType, low: Any, x: Any, high: Any) -> Any:
    return s.apply(ScalarOp.MIN, s.apply(ScalarOp.MAX, x, low, dtype=dtype), high, dtype=dtype)


def _identity(s: Scalars, dtype: DType, x: Any) -> Any:
    return x


abs_p = elementwise("abs", ScalarOp.ABS, [_abs_slope], result=real_dtype)
sign_p = elementwise("sign", ScalarOp.SIGN, jvp=_sign_jvp)
floor_p = elementwise("floor", ScalarOp.FLOOR, accepts=FLOATS)
ceil_p = elementwise("ceil", ScalarOp.CEIL, accepts=FLOATS)
round_p = elementwise("round", ScalarOp.ROUND, accepts=FLOATS)
max_p = elementwise("max", ScalarOp.MAX, [lambda g, z, x, y: mul(g, _max_weight(x, y)),
                                          lambda g, z, x, y: mul(g, _max_weight(y, x))], accepts=REALS)
min_p = elementwise("min", ScalarOp.MIN, [lambda g, z, x, y: mul(g, _max_weight(y, x)),
                                          lambda g, z, x, y: mul(g, _max_weight(x, y))], accepts=REALS)
# The bounds themselves pass no derivative to x, as in JAX.
clamp_p = elementwise("clamp", _clamp, [lambda g, z, low, x, high: select(gt(low, x), g, 0),
                                        lambda g, z, low, x, high: select(gt(x, low), select(lt(x, high), g, 0), 0),
                                        lambda g, z, low, x, high: select(lt(high, x), g, 0)], accepts=REALS)
stop_gradient_p = elementwise("stop_gradient", _identity, accepts=MOVABLE, lower=Alias.OPERAND)


def abs(x: Value) -> Value:
    """The absolute value, a float for complex numbers; its derivative at 0 is 0."""
    return call(abs_p, x)


def sign(x: Value) -> Value:
    """-1, 0 or 1; zeros keep their sign and NaN stays. Of a complex number its direction, z / |z|, or 0."""
    return call(sign_p, x)


def floor(x: Value) -> Value:
    """Rounded down."""
    return call(floor_p, x)


def ceil(x: Value) -> Value:
    """Rounded up."""
    return call(ceil_p, x)


def round(x: Value) -> Value:
    """Rounded to the nearest whole number, halves to even.

    >>> import numpy as np
    >>> round(np.float32([0.5, 1.5, 2.5])).tolist()
    [0.0, 2.0, 2.0]
    """
    return call(round_p, x)


def max(x: Value, y: Value) -> Value:
    """The larger one; NaN wins. Equal operands share the derivative."""
    return call(max_p, x, y)


def min(x: Value, y: Value) -> Value:
    """The smaller one; NaN wins. Equal operands share the derivative."""
    return call(min_p, x, y)


def clamp(low: Value, x: Value, high: Value) -> Value:
    """x, but at least `low` and at most `high` (which wins); NaN stays.

    >>> import numpy as np
    >>> clamp(0, np.float32([-1, 0.5, 2]), 1).tolist()
    [0.0, 0.5, 1.0]
    """
    return call(clamp_p, low, x, high)


def stop_gradient(x: Value) -> Value:
    """x itself, with a derivative of zero."""
    return call(stop_gradient_p, x)


# Powers


def _number(value: Any, like: Literal) -> Literal:
    return Literal(value, like.aval)


def _power_dtype(dtype: DType, *, y: int) -> DType:
    if y < 0 and dtype in INTEGERS:
        raise ShapeError(f"integer_pow: a negative power needs floats, got y={y} for {short_name(dtype)}. Convert")
    return dtype


def _pow_by_base(g: Value, z: Value, x: Value, y: Value) -> Value:
    """y * x**(y - 1). At x = y = 0 the power is taken at exponent 0 instead of -1, which keeps 0 * inf away."""
    if type(y) is Literal:
        return mul(g, mul(y, pow(x, _number(y.value - 1, y)))) if y.value else mul(g, 0)
    safe = select(eq(x, 0), select(eq(y, 0), 1, y), y)
    return mul(g, mul(y, pow(x, sub(safe, 1))))


def _pow_by_exponent(g: Value, z: Value, x: Value, y: Value) -> Value:
    """x**y * log(x), and 0 where x is 0."""
    if type(x) is Literal:
        base = x.value.item()
        if is_complex(x.aval.dtype):
            return mul(g, mul(_number(cmath.log(base) if base else 0, x), z))
        return mul(g, mul(_number(math.log(base) if base > 0 else math.nan if base else 0, x), z))
    return mul(g, mul(log(select(eq(x, 0), 1, x)), z))


def _repeated_squares(s: Scalars, dtype: DType, x: Any, *, y: int) -> Any:
    left, square, total = -y if y < 0 else y, x, None
    while left:
        if left & 1:
            total = square if total is None else s.apply(ScalarOp.MUL, total, square, dtype=dtype)
        left >>= 1
        if left:
            square = s.apply(ScalarOp.MUL, square, square, dtype=dtype)
    return total if y > 0 else s.apply(ScalarOp.DIV, s.const(1, dtype), total, dtype=dtype)


def _integer_pow_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *,
                     y: int) -> Sequence[Tangent]:
    if type(tangents[0]) is Zero:
        return [Zero(typeof(outs[0]))]
    return [mul(tangents[0], mul(float(y), integer_pow(primals[0], y - 1)))]


sqrt_p = elementwise("sqrt", ScalarOp.SQRT, [lambda g, y, x: mul(g, div(0.5, y))], accepts=INEXACT)
rsqrt_p = elementwise("rsqrt", ScalarOp.RSQRT, [lambda g, y, x: mul(g, mul(-0.5, div(y, x)))], accepts=INEXACT)
pow_p = elementwise("pow", ScalarOp.POW, [_pow_by_base, _pow_by_exponent])
integer_pow_p = elementwise("integer_pow", _repeated_squares, result=_power_dtype, jvp=_integer_pow_jvp)


def sqrt(x: Value) -> Value:
    """The square root; NaN below zero."""
    return call(sqrt_p, x)


def rsqrt(x: Value) -> Value:
    """1 / sqrt(x)."""
    return call(rsqrt_p, x)


def pow(x: Value, y: Value) -> Value:
    """x ** y. A negative float base with a fractional exponent gives NaN; anything to the power 0 is 1.

    >>> import numpy as np
    >>> pow(np.float32([2, 4]), 0.5).tolist()[1]
    2.0
    """
    return call(pow_p, x, y)


def integer_pow(x: Value, y: int) -> Value:
    """x ** y for a fixed whole number, by repeated squaring.

    Raises ShapeError for a negative power of integers.

    >>> import numpy as np
    >>> integer_pow(np.float32([2, -3]), 3).tolist()
    [8.0, -27.0]
    """
    if y == 1:
        return x
    if y == 0:
        aval = typeof(x)
        return bind1(broadcast_in_dim_p, Literal(1, aval.with_shape(())), shape=aval.shape, dims=())
    return call(integer_pow_p, x, y=y)


# Exponentials, logarithms, trigonometry, the error function


def _logistic(s: Scalars, dtype: DType, x: Any) -> Any:
    """1 / (1 + exp(-x)), with an exponential of something negative only, so that nothing overflows."""
    below = s.apply(ScalarOp.NEG, s.apply(ScalarOp.ABS, x, dtype=dtype), dtype=dtype)
    small = s.apply(ScalarOp.EXP, below, dtype=dtype)
    one = s.const(1, dtype)
    positive = s.apply(ScalarOp.GE, x, s.const(0, dtype), dtype=BOOL)
    above = s.apply(ScalarOp.SELECT, positive, one, small, dtype=dtype)
    return s.apply(ScalarOp.DIV, above, s.apply(ScalarOp.ADD, one, small, dtype=dtype), dtype=dtype)


def _square(x: Value) -> Value:
    return Literal(x.value * x.value, x.aval) if type(x) is Literal else mul(x, x)


def _over_norm(g: Value, x: Value, y: Value, z: Value) -> Value:
    return mul(g, div(z, add(_square(x), _square(y))))


_ERF_SLOPE = 2 / math.sqrt(math.pi)     # the derivative of erf at 0

exp_p = elementwise("exp", ScalarOp.EXP, [lambda g, y, x: mul(g, y)], accepts=INEXACT)
expm1_p = elementwise("expm1", ScalarOp.EXPM1, [lambda g, y, x: mul(g, add(y, 1))], accepts=INEXACT)
log_p = elementwise("log", ScalarOp.LOG, [lambda g, y, x: div(g, x)], accepts=INEXACT)
log1p_p = elementwise("log1p", ScalarOp.LOG1P, [lambda g, y, x: div(g, add(x, 1))], accepts=INEXACT)
sin_p = elementwise("sin", ScalarOp.SIN, [lambda g, y, x: mul(g, cos(x))], accepts=INEXACT)
cos_p = elementwise("cos", ScalarOp.COS, [lambda g, y, x: neg(mul(g, sin(x)))], accepts=INEXACT)
tan_p = elementwise("tan", ScalarOp.TAN, [lambda g, y, x: mul(g, add(mul(y, y), 1))], accepts=INEXACT)
# (1 + y) (1 - y) and not 1 - y * y, which loses digits where y is almost 1.
tanh_p = elementwise("tanh", ScalarOp.TANH, [lambda g, y, x: mul(g, mul(add(y, 1), sub(1, y)))], accepts=INEXACT)
atan2_p = elementwise("atan2", ScalarOp.ATAN2, [lambda g, z, y, x: _over_norm(g, x, y, x),
                                                lambda g, z, y, x: neg(_over_norm(g, x, y, y))], accepts=FLOATS)
logistic_p = elementwise("logistic", _logistic, [lambda g, y, x: mul(g, mul(y, sub(1, y)))], accepts=FLOATS)
erf_p = elementwise("erf", ScalarOp.ERF, [lambda g, y, x: mul(g, mul(_ERF_SLOPE, exp(neg(mul(x, x)))))], accepts=FLOATS)
erf_inv_p = elementwise("erf_inv", ScalarOp.ERFINV, [lambda g, y, x: mul(g, mul(1 / _ERF_SLOPE, exp(mul(y, y))))],
                        accepts=FLOATS)


def exp(x: Value) -> Value:
    """e ** x."""
    return call(exp_p, x)


def expm1(x: Value) -> Value:
    """e ** x - 1, accurate near 0."""
    return call(expm1_p, x)


def log(x: Value) -> Value:
    """The natural logarithm; -inf at 0 and NaN below."""
    return call(log_p, x)


def log1p(x: Value) -> Value:
    """log(1 + x), accurate near 0."""
    return call(log1p_p, x)


def sin(x: Value) -> Value:
    """The sine of an angle in radians."""
    return call(sin_p, x)


def cos(x: Value) -> Value:
    """The cosine of an angle in radians."""
    return call(cos_p, x)


def tan(x: Value) -> Value:
    """The tangent of an angle in radians."""
    return call(tan_p, x)


def tanh(x: Value) -> Value:
    """The hyperbolic tangent."""
    return call(tanh_p, x)


def atan2(y: Value, x: Value) -> Value:
    """The angle of the point (x, y), from -pi to pi; the signs of zeros count.

    >>> import numpy as np
    >>> atan2(np.float32([0.0, -0.0]), -1).tolist()
    [3.1415927410125732, -3.1415927410125732]
    """
    return call(atan2_p, y, x)


def logistic(x: Value) -> Value:
    """1 / (1 + exp(-x)), without overflow.

    >>> import numpy as np
    >>> logistic(np.float32([-1e4, 0, 1e4])).tolist()
    [0.0, 0.5, 1.0]
    """
    return call(logistic_p, x)


def erf(x: Value) -> Value:
    """The error function."""
    return call(erf_p, x)


def erf_inv(x: Value) -> Value:
    """The inverse of erf: NaN outside [-1, 1]."""
    return call(erf_inv_p, x)


# Bits

and_p = elementwise("and", ScalarOp.AND, accepts=BITS)
or_p = elementwise("or", ScalarOp.OR, accepts=BITS)
xor_p = elementwise("xor", ScalarOp.XOR, accepts=BITS)
not_p = elementwise("not", ScalarOp.NOT, accepts=BITS)
shift_left_p = elementwise("shift_left", ScalarOp.SHL, accepts=INTEGERS)
shift_right_p = elementwise("shift_right", ScalarOp.SHR, accepts=INTEGERS)


def and_(x: Value, y: Value) -> Value:
    """Bitwise (for bools: logical) and."""
    return call(and_p, x, y)


def or_(x: Value, y: Value) -> Value:
    """Bitwise (for bools: logical) or."""
    return call(or_p, x, y)


def xor(x: Value, y: Value) -> Value:
    """Bitwise (for bools: logical) exclusive or."""
    return call(xor_p, x, y)


def not_(x: Value) -> Value:
    """All bits (for bools: the truth value) inverted."""
    return call(not_p, x)


def shift_left(x: Value, count: Value) -> Value:
    """x << count; a count that is not less than the width gives 0."""
    return call(shift_left_p, x, count)


def shift_right(x: Value, count: Value) -> Value:
    """x >> count. The sign fills signed integers, zeros fill unsigned ones.

    >>> import numpy as np
    >>> shift_right(np.int32([-8, 8]), 1).tolist(), shift_right(np.uint32([1 << 31]), 31).tolist()
    ([-4, 4], [1])
    """
    return call(shift_right_p, x, count)
