"""What every ScalarOp and ReduceOp means, in NumPy: the emulator runs this, and `impl` rules may.

Written for truth: transcendental functions of f32 and of 16-bit floats are computed in a wider type and rounded once.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from lantern.dtypes import BF16, BOOL, C128, F16, F32, F64, I32, complex_dtype, is_complex, is_float, is_inexact
from lantern.errors import InternalError
from lantern.lower.expr import TO_BOOL, DType, ReduceOp, ScalarOp
from lantern.lower.special import erf, erfinv

AnyArray: TypeAlias = "np.ndarray[Any, Any]"


def apply(op: ScalarOp, operands: Sequence[AnyArray], dtype: DType) -> AnyArray:
    """The operation on arrays that broadcast against each other; `dtype` is that of the result.

    Operands have the dtypes that `ScalarOp` asks for. Raises InternalError for an operation that their dtype lacks.

    >>> apply(ScalarOp.MAX, [np.float32([1, np.nan]), np.float32([2, 0])], np.dtype("float32"))
    array([ 2., nan], dtype=float32)
    >>> apply(ScalarOp.CONVERT, [np.float32([-3e9, np.nan, 2.9])], np.dtype("int32"))
    array([-2147483648,           0,           2], dtype=int32)
    """
    with np.errstate(all="ignore"):
        return _apply(op, [np.asarray(x) for x in operands], dtype)


def _apply(op: ScalarOp, xs: Sequence[AnyArray], dtype: DType) -> AnyArray:
    match op:
        case ScalarOp.CONVERT:
            return convert(xs[0], dtype)
        case ScalarOp.BITCAST:
            return np.ascontiguousarray(xs[0]).view(dtype).reshape(xs[0].shape)
        case ScalarOp.SELECT:
            return np.where(xs[0], xs[1], xs[2]).astype(dtype, copy=False)
        case _:
            pass
    kind = xs[0].dtype
    if is_complex(kind):
        xs = [x.astype(C128) for x in xs]
        function = _COMPLEX.get(op)
    elif is_float(kind):
        if op in _WIDE:
            xs = [x.astype(F64) for x in xs]
        elif kind in (F16, BF16):
            xs = [x.astype(F32) for x in xs]
        function = _FLOATS.get(op)
    elif kind == BOOL:
        function = _BOOLS.get(op)
    else:
        function = _INTEGERS.get(op)
    if function is None:
        raise InternalError(f"internal: scalar operation {op.value} has no meaning for {kind}")
    return np.asarray(function(*xs)).astype(BOOL if op in TO_BOOL else dtype, copy=False)


def convert(x: AnyArray, dtype: DType) -> AnyArray:
    """`x` as `dtype`: float to integer truncates and saturates, and NaN gives 0; to bool is `!= 0`; integers wrap.

    >>> convert(np.int32([300, -1]), np.dtype("uint8"))
    array([ 44, 255], dtype=uint8)
    """
    if dtype == x.dtype:
        return x
    with np.errstate(all="ignore"):
        if dtype == BOOL:
            return x != 0
        if is_complex(x.dtype) and not is_complex(dtype):
            return convert(x.real, dtype)
        if not is_float(x.dtype) or is_inexact(dtype):
            return x.astype(dtype)
        whole, bounds = np.trunc(x.astype(F64)), np.iinfo(dtype)
        low, high = float(bounds.min), float(bounds.max)        # `high` may round up to 2**63 or 2**64: not reached
        inside = (whole >= low) & (whole < high)
        least, zero, most = [np.array(v, dtype) for v in (bounds.min, 0, bounds.max)]
        ends = np.where(whole >= high, most, np.where(whole <= low, least, zero))
        return np.where(inside, np.where(inside, whole, 0.0).astype(dtype), ends)


def identity(op: ReduceOp, dtype: DType) -> Any:
    """What a reduction starts from; for MAX, MIN and ARG* the value that loses against every other."""
    match op:
        case ReduceOp.SUM | ReduceOp.OR:
            return np.zeros((), dtype)[()]
        case ReduceOp.PROD:
            return np.ones((), dtype)[()]
        case ReduceOp.AND:
            return np.invert(np.zeros((), dtype))[()]
        case ReduceOp.MAX | ReduceOp.ARGMAX:
            return _lowest(dtype, -1)
        case ReduceOp.MIN | ReduceOp.ARGMIN:
            return _lowest(dtype, 1)


def _lowest(dtype: DType, side: int) -> Any:
    if is_float(dtype):
        return np.array(side * np.inf).astype(dtype)[()]
    if dtype == BOOL:
        return np.bool_(side > 0)
    bounds = np.iinfo(dtype)
    return dtype.type(bounds.max if side > 0 else bounds.min)


def fold(op: ReduceOp, values: AnyArray) -> AnyArray:
    """The reduction over the last axis, in the values' dtype (i32 for ARG*). NaN wins; no values give `identity`.

    >>> fold(ReduceOp.SUM, np.float32([[1, 2], [3, 4]]))
    array([3., 7.], dtype=float32)
    >>> fold(ReduceOp.ARGMAX, np.float32([[1, np.nan, 9]]))
    array([1], dtype=int32)
    """
    dtype = values.dtype
    position = op in (ReduceOp.ARGMAX, ReduceOp.ARGMIN)
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], 0 if position else identity(op, dtype), I32 if position else dtype)
    if dtype in (F16, BF16):
        values = values.astype(F32)
    with np.errstate(all="ignore"):
        found = _FOLDS[op](np.ascontiguousarray(values))
    return np.asarray(found).astype(I32 if position else dtype, copy=False)


def _integer_power(base: AnyArray, exponent: AnyArray) -> AnyArray:
    """By repeated squaring, wrapping; a negative exponent truncates the true value (0 for a base of 0)."""
    base, exponent = [np.array(x) for x in np.broadcast_arrays(base, exponent)]
    negative = exponent < 0
    inverse = np.where(base == 1, 1, np.where((base + 1 == 0) & negative, 1 - 2 * (exponent & 1), 0))
    left, square, total = np.where(negative, 0, exponent), base, np.ones_like(base)
    while left.any():
        total = np.where(left & 1, total * square, total).astype(base.dtype)
        left, square = left >> 1, (square * square).astype(base.dtype)
    return np.where(negative, inverse, total).astype(base.dtype)


def _shift_left(x: AnyArray, count: AnyArray) -> AnyArray:
    inside = (count >= 0) & (count < x.dtype.itemsize * 8)
    return np.where(inside, np.left_shift(x, np.where(inside, count, 0)), 0)


def _shift_right(x: AnyArray, count: AnyArray) -> AnyArray:
    last = x.dtype.itemsize * 8 - 1
    inside = (count >= 0) & (count <= last)
    sign = np.right_shift(x, last) if x.dtype.kind == "i" else 0
    return np.where(inside, np.right_shift(x, np.where(inside, count, 0)), sign)


def _rsqrt(x: AnyArray) -> AnyArray:
    return 1.0 / np.sqrt(x)


def _direction(x: AnyArray) -> AnyArray:
    return np.where(x == 0, 0, x / np.where(x == 0, 1, np.abs(x)))


def _compose(real: AnyArray, imaginary: AnyArray) -> AnyArray:
    """Not real + 1j * imaginary, which makes NaN of an infinite part."""
    found = np.empty(np.broadcast_shapes(real.shape, imaginary.shape), complex_dtype(real.dtype))
    found.real, found.imag = real, imaginary
    return found


def _same(x: AnyArray) -> AnyArray:
    return x


def _no(x: AnyArray) -> AnyArray:
    return np.zeros(x.shape, BOOL)


def _yes(x: AnyArray) -> AnyArray:
    return np.ones(x.shape, BOOL)


_Table: TypeAlias = "dict[ScalarOp, Callable[..., Any]]"

_COMPARE: _Table = {
    ScalarOp.EQ: np.equal, ScalarOp.NE: np.not_equal, ScalarOp.LT: np.less, ScalarOp.LE: np.less_equal,
    ScalarOp.GT: np.greater, ScalarOp.GE: np.greater_equal, ScalarOp.MAX: np.maximum, ScalarOp.MIN: np.minimum,
}
_BITS: _Table = {ScalarOp.AND: np.bitwise_and, ScalarOp.OR: np.bitwise_or, ScalarOp.XOR: np.bitwise_xor,
                 ScalarOp.NOT: np.invert, ScalarOp.ISNAN: _no, ScalarOp.ISFINITE: _yes}
_ARITHMETIC: _Table = {
    ScalarOp.ADD: np.add, ScalarOp.SUB: np.subtract, ScalarOp.MUL: np.multiply, ScalarOp.MOD: np.remainder,
    ScalarOp.NEG: np.negative, ScalarOp.ABS: np.abs, ScalarOp.SIGN: np.sign,
}
# Computed in double precision, whatever the operands are.
_WIDE: _Table = {
    ScalarOp.RSQRT: _rsqrt, ScalarOp.EXP: np.exp, ScalarOp.EXPM1: np.expm1, ScalarOp.LOG: np.log,
    ScalarOp.LOG1P: np.log1p, ScalarOp.SIN: np.sin, ScalarOp.COS: np.cos,
    ScalarOp.TAN: np.tan, ScalarOp.TANH: np.tanh, ScalarOp.ATAN2: np.arctan2, ScalarOp.ERF: erf,
    ScalarOp.ERFINV: erfinv, ScalarOp.POW: np.power,
}
_FLOATS: _Table = {
    **_COMPARE, **_ARITHMETIC, **_WIDE, ScalarOp.DIV: np.divide, ScalarOp.SQRT: np.sqrt, ScalarOp.FLOOR: np.floor,
    ScalarOp.CEIL: np.ceil, ScalarOp.ROUND: np.rint, ScalarOp.ISNAN: np.isnan, ScalarOp.ISFINITE: np.isfinite,
    ScalarOp.COMPLEX: _compose,
}
_COMPLEX: _Table = {
    ScalarOp.ADD: np.add, ScalarOp.SUB: np.subtract, ScalarOp.MUL: np.multiply, ScalarOp.DIV: np.divide,
    ScalarOp.NEG: np.negative, ScalarOp.ABS: np.abs, ScalarOp.SIGN: _direction, ScalarOp.SQRT: np.sqrt,
    ScalarOp.RSQRT: _rsqrt, ScalarOp.EXP: np.exp, ScalarOp.EXPM1: np.expm1, ScalarOp.LOG: np.log,
    ScalarOp.LOG1P: np.log1p, ScalarOp.SIN: np.sin, ScalarOp.COS: np.cos, ScalarOp.TAN: np.tan, ScalarOp.TANH: np.tanh,
    ScalarOp.POW: np.power, ScalarOp.EQ: np.equal, ScalarOp.NE: np.not_equal, ScalarOp.ISNAN: np.isnan,
    ScalarOp.ISFINITE: np.isfinite, ScalarOp.REAL: np.real, ScalarOp.IMAG: np.imag, ScalarOp.CONJ: np.conjugate,
}
_INTEGERS: _Table = {
    **_COMPARE, **_ARITHMETIC, **_BITS, ScalarOp.FLOORDIV: np.floor_divide, ScalarOp.POW: _integer_power,
    ScalarOp.FLOOR: _same, ScalarOp.CEIL: _same, ScalarOp.ROUND: _same, ScalarOp.SHL: _shift_left,
    ScalarOp.SHR: _shift_right,
}
_BOOLS: _Table = {**_COMPARE, **_BITS}
_FOLDS: dict[ReduceOp, Callable[[AnyArray], Any]] = {
    ReduceOp.SUM: lambda x: np.sum(x, axis=-1, dtype=x.dtype),
    ReduceOp.PROD: lambda x: np.prod(x, axis=-1, dtype=x.dtype),
    ReduceOp.MAX: lambda x: np.max(x, axis=-1), ReduceOp.MIN: lambda x: np.min(x, axis=-1),
    ReduceOp.AND: lambda x: np.bitwise_and.reduce(x, axis=-1), ReduceOp.OR: lambda x: np.bitwise_or.reduce(x, axis=-1),
    ReduceOp.ARGMAX: lambda x: np.argmax(x, axis=-1), ReduceOp.ARGMIN: lambda x: np.argmin(x, axis=-1),
}
