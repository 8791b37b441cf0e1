"""Rows: arithmetic, rounding, powers, exponentials, trigonometry, bits, comparisons, conversions."""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np

from lantern.errors import ShapeError
from lantern.ops import compare, complex, convert, elementwise
from tests.optable.table import (
    EXTREME,
    SPECIAL,
    Case,
    Row,
    Wrong,
    apart,
    bools,
    complexes,
    extreme_pairs,
    integers,
    special,
    special_pairs,
    table,
    uniform,
)

F32, I32, U32 = np.float32, np.int32, np.uint32
VECTOR, INTS, PLANE = np.ones(3, F32), np.ones(3, I32), np.ones(3, np.complex64)
COMPLEX = Case(lambda r: (complexes(r, 3, 4),))
COMPLEX_PAIR = Case(lambda r: (complexes(r, 3, 4), complexes(r, 3, 4)))
COMPLEX_LITERAL = Case(lambda r: (complexes(r, 5), 1.5 - 0.5j))


def unary(name: str, function: Callable[..., Any], twin: Callable[..., Any], low: float = -2, high: float = 2,
          order: int = 2, analytic: bool = False, **more: Any) -> Row:
    """Floats only, and if `analytic` complex numbers; smooth between `low` and `high`."""
    cases = (Case(lambda r: (uniform(r, 3, 4, low=low, high=high),)), Case(special, smooth=False),
             Case(lambda r: (uniform(r, 0, 2),), smooth=False), Case(lambda r: (uniform(r, low=low, high=high),)))
    if analytic:
        cases += (COMPLEX, Case(lambda r: (complexes(r),)))
    errors = (Wrong((INTS,), rf"{name}: wanted floats, got i32\[3\], at .*Convert"),)
    return Row(name, function, twin, cases, errors, order, **more)


def binary(name: str, function: Callable[..., Any], twin: Callable[..., Any], *cases: Case, **more: Any) -> Row:
    """Two operands of one shape and dtype."""
    errors = (Wrong((np.ones((2, 3), F32), np.ones(4, F32)),
                    rf"{name}: operands must have one shape, got f32\[2,3\] and "
                                                            r"f32\[4\]"),
              Wrong((VECTOR, INTS), rf"{name}: operands must have one dtype, got f32\[3\] and i32\[3\], at .*Convert"))
    return Row(name, function, twin, cases, errors, **more)


PAIR = Case(lambda r: (uniform(r, 3, 4), uniform(r, 3, 4, low=0.5)))
POSITIVE = Case(lambda r: (uniform(r, 2, 3, low=0.2), uniform(r, 2, 3, low=0.3)))
LITERAL_LEFT = Case(lambda r: (1.5, uniform(r, 3, 4, low=0.5)))
LITERAL_RIGHT = Case(lambda r: (uniform(r, 3, 4, low=0.5), 2.5))
APART = Case(lambda r: (lambda x: (x[0], x[1]))(apart(r, 2, 3, 4)))
SPECIAL_PAIRS = Case(special_pairs, smooth=False)
INTEGER_PAIRS = Case(extreme_pairs, smooth=False)
UNSIGNED_PAIRS = Case(lambda r: tuple([x.astype(U32) for x in extreme_pairs(r)]), smooth=False)
FLOAT_CASES = (PAIR, POSITIVE, LITERAL_LEFT, LITERAL_RIGHT, SPECIAL_PAIRS)
INTEGERS = (INTEGER_PAIRS, UNSIGNED_PAIRS)
COMPLEX_CASES = (COMPLEX_PAIR, COMPLEX_LITERAL)
BOOL_PAIRS = Case(lambda r: (bools(r, 3, 5), bools(r, 3, 5)), smooth=False)


def _floor_quotient(x: Any, y: Any) -> Any:
    if np.asarray(x).dtype.kind in "iu" and np.asarray(y).dtype.kind in "iu":
        return np.floor_divide(x, y)
    return np.where(np.equal(y, 0), np.divide(x, y), np.floor_divide(x, y))


def _clamp(low: Any, x: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


ARITHMETIC = (
    binary("add", elementwise.add, np.add, *FLOAT_CASES, *INTEGERS, *COMPLEX_CASES, order=2),
    binary("sub", elementwise.sub, np.subtract, *FLOAT_CASES, *INTEGERS, *COMPLEX_CASES, order=2),
    binary("mul", elementwise.mul, np.multiply, *FLOAT_CASES, *INTEGERS, *COMPLEX_CASES, order=2),
    binary("div", elementwise.div, np.divide, *FLOAT_CASES, *COMPLEX_CASES, order=2),
    binary("floordiv", elementwise.floordiv, _floor_quotient, SPECIAL_PAIRS,
           Case(lambda r: (uniform(r, 9, low=-20, high=20), uniform(r, 9, low=0.5, high=3)), smooth=False), *INTEGERS),
    binary("mod", elementwise.mod, np.mod, PAIR, SPECIAL_PAIRS, *INTEGERS, order=2),
    Row("neg", elementwise.neg, np.negative, (Case(lambda r: (uniform(r, 3),)), Case(special, smooth=False),
                                              Case(lambda r: (EXTREME.copy(),), smooth=False), COMPLEX), order=2),
)

def _sign(x: Any) -> Any:
    if x.dtype.kind == "c":
        return x / np.maximum(np.abs(x), 1e-30)
    return np.copysign(np.sign(x), x) if x.dtype.kind == "f" else np.sign(x)


SIGNS = (
    Row("abs", elementwise.abs, np.abs, (Case(lambda r: (apart(r, 6),)), Case(special, smooth=False),
                                         Case(lambda r: (EXTREME.copy(),), smooth=False), COMPLEX,
                                         Case(lambda r: (np.zeros(2, np.complex64),), smooth=False)), order=2),
    Row("sign", elementwise.sign, _sign,
        (Case(lambda r: (apart(r, 6),)), Case(special, smooth=False), Case(lambda r: (EXTREME.copy(),), smooth=False),
         COMPLEX, Case(lambda r: (np.zeros(2, np.complex64),), smooth=False)), order=2),
    unary("floor", elementwise.floor, np.floor, 0.1, 0.9),
    unary("ceil", elementwise.ceil, np.ceil, 0.1, 0.9),
    unary("round", elementwise.round, np.rint, 0.6, 1.4),
    binary("max", elementwise.max, np.maximum, APART, SPECIAL_PAIRS, *INTEGERS, order=2),
    binary("min", elementwise.min, np.minimum, APART, SPECIAL_PAIRS, *INTEGERS, order=2),
    Row("clamp", elementwise.clamp, _clamp,
        (Case(lambda r: (uniform(r, 8, low=-2, high=-1), apart(r, 8), uniform(r, 8, low=1, high=2))),
         Case(lambda r: (-1.0, apart(r, 2, 4), 1.0)), Case(lambda r: (-1.0, SPECIAL.copy(), 1.0), smooth=False),
         Case(lambda r: (-3, EXTREME.copy(), 40), smooth=False)),
        (Wrong((np.ones(2, F32), VECTOR, 1.0), r"clamp: operands must have one shape, got f32\[2\] and f32\[3\]"),),
        order=2),
    Row("stop_gradient", elementwise.stop_gradient, lambda x: x,
        (Case(lambda r: (uniform(r, 3, 2),), smooth=False), Case(lambda r: (bools(r, 4),), smooth=False))),
)


def _integer_pow(x: Any, y: int) -> Any:
    return x ** y if x.dtype.kind == "i" else np.power(x, float(y))


def _pow(x: Any, y: Any) -> Any:
    return np.power(x, y) if np.asarray(x).dtype.kind != "i" else (x.astype(np.int64) ** y).astype(I32)


POWERS = (
    unary("sqrt", elementwise.sqrt, np.sqrt, 0.3, 4, analytic=True),
    unary("rsqrt", elementwise.rsqrt, lambda x: 1 / np.sqrt(x), 0.3, 4, analytic=True),
    binary("pow", elementwise.pow, _pow, Case(lambda r: (uniform(r, 6, low=0.3), uniform(r, 6, low=-3, high=3))),
           Case(lambda r: (uniform(r, 5, low=-2), 3.0)), Case(lambda r: (1.7, uniform(r, 5))), SPECIAL_PAIRS,
           Case(lambda r: (integers(r, 9), integers(r, 9, low=0, high=6)), smooth=False), COMPLEX_PAIR,
           COMPLEX_LITERAL, Case(lambda r: (1.5 + 0.5j, complexes(r, 4))), order=2, tolerance=64),
    Row("integer_pow", elementwise.integer_pow, _integer_pow,
        (Case(lambda r: (uniform(r, 5),), {"y": 2}), Case(lambda r: (uniform(r, 5),), {"y": 7}),
         Case(lambda r: (uniform(r, 5, low=0.5),), {"y": -3}), Case(special, {"y": 3}, smooth=False),
         Case(lambda r: (EXTREME.copy(),), {"y": 5}, smooth=False), Case(lambda r: (complexes(r, 4),), {"y": 3}),
         Case(lambda r: (complexes(r, 4),), {"y": -2})),
        (Wrong((INTS,), r"integer_pow: a negative power needs floats, got y=-1 for i32", {"y": -1}),), order=2,
        tolerance=16),
)

_ERF = np.vectorize(math.erf, otypes=[float])


def _erf_inv(y: Any) -> Any:
    """By bisection on math.erf; near 0 by its slope there."""
    y = np.asarray(y, float)
    low, high = np.full(y.shape, -7.0), np.full(y.shape, 7.0)
    middle = low
    for _ in range(80):
        middle = (low + high) / 2
        below = _ERF(middle) < y
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    middle = np.where(np.abs(y) < 1e-9, y * math.sqrt(math.pi) / 2, middle)
    return np.where(np.abs(y) < 1, middle, np.where(np.abs(y) == 1, y * np.inf, np.nan))


def _logistic(x: Any) -> Any:
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


FUNCTIONS = (
    unary("exp", elementwise.exp, np.exp, analytic=True),
    unary("expm1", elementwise.expm1, np.expm1, analytic=True, tolerance=8),
    unary("log", elementwise.log, np.log, 0.3, 4, analytic=True, tolerance=8, absolute=1e-7),
    unary("log1p", elementwise.log1p, np.log1p, -0.6, 4, analytic=True, tolerance=8),
    unary("sin", elementwise.sin, np.sin, analytic=True, tolerance=8, absolute=1e-7),
    unary("cos", elementwise.cos, np.cos, analytic=True, tolerance=8, absolute=1e-7),
    unary("tan", elementwise.tan, np.tan, -1.2, 1.2, analytic=True, tolerance=16, absolute=1e-7),
    unary("tanh", elementwise.tanh, np.tanh, analytic=True, tolerance=8),
    binary("atan2", elementwise.atan2, np.arctan2, PAIR, LITERAL_LEFT, LITERAL_RIGHT, SPECIAL_PAIRS, order=2,
           tolerance=16),
    unary("logistic", elementwise.logistic, _logistic, tolerance=8),
    unary("erf", elementwise.erf, _ERF, tolerance=16),
    unary("erf_inv", elementwise.erf_inv, _erf_inv, -0.9, 0.9, tolerance=32),
)


def _shift_left(x: Any, n: Any) -> Any:
    wide = x.astype(np.int64) << np.clip(n.astype(np.int64), 0, 31)
    return np.where((n >= 0) & (n < 32), wide, 0).astype(x.dtype)


def _shift_right(x: Any, n: Any) -> Any:
    far = (n < 0) | (n >= 32)
    return (x.astype(np.int64) >> np.where(far, 32, n.astype(np.int64))).astype(x.dtype)


def bitwise(name: str, function: Callable[..., Any], twin: Callable[..., Any], *cases: Case) -> Row:
    """Two operands of integers or bools."""
    return Row(name, function, twin, cases, (Wrong((VECTOR, VECTOR),
                                                   rf"{name}: wanted integers.*, got f32\[3\], at "),))


BITS = (
    bitwise("and", elementwise.and_, np.bitwise_and, *INTEGERS, BOOL_PAIRS),
    bitwise("or", elementwise.or_, np.bitwise_or, *INTEGERS, BOOL_PAIRS),
    bitwise("xor", elementwise.xor, np.bitwise_xor, *INTEGERS, BOOL_PAIRS),
    Row("not", elementwise.not_, np.invert, (Case(lambda r: (EXTREME.copy(),)), Case(lambda r: (bools(r, 5),))),
        (Wrong((VECTOR,), r"not: wanted integers or bools, got f32\[3\]"),)),
    bitwise("shift_left", elementwise.shift_left, _shift_left, *INTEGERS),
    bitwise("shift_right", elementwise.shift_right, _shift_right, *INTEGERS),
)


def comparison(name: str, twin: Callable[..., Any]) -> Row:
    """A comparison of two operands."""
    row = binary(name, getattr(compare, name), twin, SPECIAL_PAIRS, *INTEGERS, BOOL_PAIRS,
                 Case(lambda r: (integers(r, 3, 3, low=0, high=3), 1)))
    if name in ("eq", "ne"):
        return replace(row, cases=(*row.cases, Case(lambda r: (_mixed(r), _mixed(r)), smooth=False)))
    unordered = Wrong((PLANE, PLANE), rf"{name}: wanted numbers or bools, got c64\[3\]: complex numbers have no order.*"
                                      r"abs, real or imag", {})
    return replace(row, errors=(*row.errors, unordered))


def _mixed(r: Any) -> Any:
    """Complex numbers of which some agree, in one part or in both."""
    return (integers(r, 20, low=0, high=2) + 1j * integers(r, 20, low=0, high=2)).astype(np.complex64)


def _select(c: Any, x: Any, y: Any) -> Any:
    return np.where(c, x, y)


COMPARISONS = (
    *[comparison(name, twin) for name, twin in (("eq", np.equal), ("ne", np.not_equal), ("lt", np.less),
                                                ("le", np.less_equal), ("gt", np.greater), ("ge", np.greater_equal))],
    unary("is_nan", compare.is_nan, np.isnan, order=0, analytic=True),
    unary("is_finite", compare.is_finite, np.isfinite, order=0, analytic=True),
    Row("select", compare.select, _select,
        (Case(lambda r: (bools(r, 3, 4), uniform(r, 3, 4), uniform(r, 3, 4))),
         Case(lambda r: (bools(r, 4), uniform(r, 4), 2.0)), Case(lambda r: (bools(r, 4), 0.5, uniform(r, 4))),
         Case(lambda r: (bools(r, 9), integers(r, 9), integers(r, 9))),
         Case(lambda r: (bools(r, 9), complexes(r, 9), 1j))),
        (Wrong((VECTOR, VECTOR, VECTOR), r"select: the condition must be bools, got f32\[3\], at "),
         Wrong((np.ones(2, bool), VECTOR, VECTOR), r"select: operands must have one shape, got bool\[2\]"),
         Wrong((np.ones(3, bool), VECTOR, INTS), r"select: operands must have one dtype, got f32\[3\] and i32\[3\]")),
        order=2),
)


def _saturate(x: Any, dtype: np.dtype[Any]) -> Any:
    if x.dtype.kind == "c" and dtype.kind not in "cb":
        x = x.real
    if x.dtype.kind != "f" or dtype.kind not in "iu":
        return x.astype(dtype)
    bounds = np.iinfo(dtype)
    whole = np.trunc(np.nan_to_num(x.astype(float), nan=0.0, posinf=1e30, neginf=-1e30))
    return np.array([min(max(int(v), bounds.min), bounds.max) for v in whole.ravel()], dtype).reshape(x.shape)


def _bitcast(x: Any, dtype: np.dtype[Any]) -> Any:
    return x.astype(np.float32 if x.dtype.kind == "f" else x.dtype).view(dtype)


def _to(name: Any) -> dict[str, Any]:
    return {"dtype": np.dtype(name)}


CONVERSIONS = (
    Row("convert", convert.convert, _saturate,
        (Case(lambda r: (uniform(r, 3, 4),), _to(np.float16), smooth=False), Case(special, _to(np.int32), smooth=False),
         Case(lambda r: (uniform(r, 4),), _to(np.float64)), Case(special, _to(np.uint32), smooth=False),
         Case(special, _to(bool), smooth=False), Case(lambda r: (EXTREME.copy(),), _to(np.uint32), smooth=False),
         Case(lambda r: (EXTREME.copy(),), _to(np.float32), smooth=False), Case(special, _to(np.float16), smooth=False),
         Case(lambda r: (EXTREME.copy(),), _to(np.int8), smooth=False),
         Case(lambda r: (bools(r, 5),), _to(np.float32), smooth=False),
         Case(special, _to(ml_dtypes.bfloat16), smooth=False),
         Case(lambda r: (uniform(r, 4),), _to(np.complex128)), Case(lambda r: (complexes(r, 4),), _to(np.float64)),
         Case(lambda r: (complexes(r, 4),), _to(np.complex128)),
         Case(lambda r: (complexes(r, 4),), _to(np.float16), smooth=False),
         Case(lambda r: (complexes(r, 4),), _to(np.int8), smooth=False),
         Case(lambda r: (complexes(r, 4),), _to(bool), smooth=False),
         Case(lambda r: (integers(r, 4),), _to(np.complex64), smooth=False)), order=2,
        every_precision=False),
    Row("bitcast", convert.bitcast, _bitcast,
        (Case(special, _to(np.uint32), smooth=False), Case(special, _to(np.int32), smooth=False),
         Case(lambda r: (integers(r, 5, low=0, high=2**30),), _to(np.float32), smooth=False)),
        (Wrong((VECTOR,), r"bitcast: wanted another number of 32 bits, got f32\[3\] and u8", _to(np.uint8),
               ShapeError),),
        every_precision=False),
)

PARTS = (
    Row("real", complex.real, np.real, (COMPLEX,), (Wrong((VECTOR,), r"real: wanted complex numbers, got f32\[3\]"),),
        order=2),
    Row("imag", complex.imag, np.imag, (COMPLEX,), (Wrong((INTS,), r"imag: wanted complex numbers, got i32\[3\]"),),
        order=2),
    Row("conj", complex.conj, np.conjugate, (COMPLEX, Case(lambda r: (complexes(r),))), order=2),
    Row("complex", complex.complex, lambda x, y: x + 1j * np.asarray(y),
        (PAIR, LITERAL_LEFT, LITERAL_RIGHT, Case(lambda r: (uniform(r, 0), uniform(r, 0)), smooth=False)),
        (Wrong((np.ones(2, np.float16),) * 2, r"complex: wanted floats of 32 or 64 bits, got f16\[2\]"),), order=2,
        every_precision=False),
)

ROWS = table(*PARTS, *ARITHMETIC, *SIGNS, *POWERS, *FUNCTIONS, *BITS, *COMPARISONS, *CONVERSIONS)
