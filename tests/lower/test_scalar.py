"""The scalar language in NumPy: the corner cases of docs/semantics.md, one a row."""
from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest

from lantern.dtypes import BF16, BOOL, F16, F32, F64, I32, U8, U32, i8
from lantern.lower.expr import DType, ReduceOp, ScalarOp
from lantern.lower.scalar import apply, fold
from lantern.lower.special import erf, erfc, erfinv

NAN, INF = math.nan, math.inf
LOW, HIGH = -2**31, 2**31 - 1

ROWS: list[tuple[ScalarOp, DType, list[list[float]], DType, list[float]]] = [
    (ScalarOp.ADD, I32, [[HIGH], [1]], I32, [LOW]),
    (ScalarOp.MUL, U8, [[200], [2]], U8, [144]),
    (ScalarOp.NEG, U32, [[1]], U32, [2**32 - 1]),
    (ScalarOp.ABS, I32, [[LOW]], I32, [LOW]),
    (ScalarOp.FLOORDIV, I32, [[-7, 7, -7, 5, LOW], [2, -2, -2, 0, -1]], I32, [-4, -4, 3, 0, LOW]),
    (ScalarOp.MOD, I32, [[-7, 7, -7, 5], [2, -2, -2, 0]], I32, [1, -1, -1, 0]),
    (ScalarOp.MOD, F32, [[-7.5, 7.5, 1.0], [2.0, -2.0, 0.0]], F32, [0.5, -0.5, NAN]),
    (ScalarOp.SHL, I32, [[1, 1, 1, 1], [31, 32, 33, -1]], I32, [LOW, 0, 0, 0]),
    (ScalarOp.SHR, I32, [[-8, -8, 8], [1, 32, 40]], I32, [-4, -1, 0]),
    (ScalarOp.SHR, U32, [[2**32 - 1, 5], [31, 32]], U32, [1, 0]),
    (ScalarOp.POW, I32, [[2, -1, -1, 0, 3], [-1, -3, -2, -1, 40]], I32, [0, -1, 1, 0, 0]),
    (ScalarOp.MAX, F32, [[NAN, 1], [1, NAN]], F32, [NAN, NAN]),
    (ScalarOp.MIN, F32, [[NAN, 1], [1, NAN]], F32, [NAN, NAN]),
    (ScalarOp.SIGN, F32, [[NAN, -2, 3]], F32, [NAN, -1, 1]),
    (ScalarOp.ROUND, F32, [[0.5, 1.5, -2.5]], F32, [0, 2, -2]),
    (ScalarOp.EQ, F32, [[NAN, 0.0], [NAN, -0.0]], BOOL, [False, True]),
    (ScalarOp.NE, F32, [[NAN], [NAN]], BOOL, [True]),
    (ScalarOp.ISNAN, I32, [[3]], BOOL, [False]),
    (ScalarOp.ISFINITE, F32, [[NAN, INF, 1]], BOOL, [False, False, True]),
    (ScalarOp.NOT, BOOL, [[True]], BOOL, [False]),
    (ScalarOp.NOT, I32, [[0]], I32, [-1]),
    (ScalarOp.CONVERT, F32, [[NAN, INF, -INF, 2.9, -2.9, 3e9]], I32, [0, HIGH, LOW, 2, -2, HIGH]),
    (ScalarOp.CONVERT, F32, [[-1.0, 256.0, NAN]], U8, [0, 255, 0]),
    (ScalarOp.CONVERT, F64, [[1e300, -129.0]], i8.dtype, [127, -128]),
    (ScalarOp.CONVERT, F32, [[NAN, 0.0, -0.0, 0.5]], BOOL, [True, False, False, True]),
    (ScalarOp.CONVERT, I32, [[300]], U8, [44]),
    (ScalarOp.EXP, F16, [[1.0, 20.0]], F16, [2.71875, INF]),
    (ScalarOp.LOG, F32, [[0.0, -1.0]], F32, [-INF, NAN]),
    (ScalarOp.ERFINV, F32, [[1.0, -1.0, 2.0]], F32, [INF, -INF, NAN]),
]


@pytest.mark.parametrize("row", range(len(ROWS)), ids=[f"{r[0].value}-{r[1]}" for r in ROWS])
def test_corner(row: int) -> None:
    op, kind, operands, dtype, wanted = ROWS[row]
    if op is ScalarOp.POW:
        wanted = [*wanted[:-1], np.int64(3**40 % 2**32).astype(np.uint32).view(np.int32)]
    found = apply(op, [np.array(x).astype(kind) for x in operands], dtype)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.array(wanted).astype(dtype))


def test_bitcast_keeps_bits() -> None:
    assert apply(ScalarOp.BITCAST, [np.float32([-0.0])], U32)[0] == 1 << 31


@pytest.mark.parametrize("dtype", [F32, F16, BF16, I32, BOOL])
def test_reductions_of_nothing(dtype: DType) -> None:
    nothing = np.zeros((2, 0), dtype)
    assert fold(ReduceOp.OR if dtype == BOOL else ReduceOp.SUM, nothing).tolist() == [0, 0]


def test_the_first_nan_wins() -> None:
    x = np.array([1, NAN, 9, NAN])
    for dtype in (F32, F16, np.dtype(ml_dtypes.bfloat16)):
        assert fold(ReduceOp.ARGMAX, x.astype(dtype)) == fold(ReduceOp.ARGMIN, x.astype(dtype)) == 1
        assert np.isnan(fold(ReduceOp.MAX, x.astype(dtype)))


def test_special_functions_to_the_last_digits() -> None:
    x = np.concatenate([np.linspace(-7, 7, 2001), 10.0 ** np.linspace(-300, 1.4, 200)])
    np.testing.assert_allclose(erf(x), [math.erf(v) for v in x], rtol=2e-15)
    np.testing.assert_allclose(erfc(x), [math.erfc(v) for v in x], rtol=3e-15, atol=1e-300)
    y = np.concatenate([np.linspace(-0.999, 0.999, 2001), 1 - 10.0 ** np.linspace(-15, -1, 50)])
    np.testing.assert_allclose([math.erf(v) for v in erfinv(y)], y, rtol=1e-15)
