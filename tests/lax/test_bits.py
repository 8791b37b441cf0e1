"""Functions of bits, and small functions about shapes, dtypes and precision."""
from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import lantern
from lantern import lax
from lantern.errors import ArgumentError, ShapeError

INTEGERS = (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_counting_bits(dtype: Any) -> None:
    ends = np.iinfo(dtype)
    x = np.array([ends.min, ends.max, 0, 1, 2, 3, 100, 77], dtype)
    bits = [int(k) % (1 << ends.bits) for k in x]
    for f, want in ((lax.population_count, [k.bit_count() for k in bits]),
                    (lax.clz, [ends.bits - k.bit_length() for k in bits])):
        found = f(x)
        assert found.dtype == dtype
        assert found.tolist() == want


def test_counting_bits_on_every_device(device: str) -> None:
    x = np.int32([-1, 0, 5, 1 << 30])
    assert lantern.jit(lax.population_count)(x).tolist() == [32, 0, 2, 1]
    assert lantern.jit(lax.clz)(x).tolist() == [0, 32, 29, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
def test_nextafter(dtype: Any) -> None:
    numbers = np.array([0.0, -0.0, 1.0, -1.0, 3.5, -2.0, np.inf, -np.inf, np.nan]).astype(dtype)
    x, y = [a.reshape(-1) for a in np.meshgrid(numbers, numbers)]
    found = np.asarray(lax.nextafter(x, y))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found.astype(np.float64), np.nextafter(x, y).astype(np.float64))
    assert lantern.grad(lambda a: lax.nextafter(a, 2.0))(1.0).item() == 0


def rounded(x: float, exponent_bits: int, mantissa_bits: int) -> float:
    """By Python's numbers, which are wide enough to be exact."""
    if x == 0 or not math.isfinite(x):
        return x
    bias = 2 ** (exponent_bits - 1) - 1
    unit = 2.0 ** (math.floor(math.log2(abs(x))) - mantissa_bits)
    found = round(x / unit) * unit      # Python rounds half to even
    if abs(found) >= 2.0 ** (bias + 1):
        return math.copysign(math.inf, x)
    return math.copysign(0.0, x) if abs(found) < 2.0 ** (1 - bias) else found


@pytest.mark.parametrize(("exponent_bits", "mantissa_bits"), [(8, 7), (5, 10), (5, 2), (4, 3), (8, 23), (8, 0), (3, 9)])
def test_reduce_precision(exponent_bits: int, mantissa_bits: int) -> None:
    r = np.random.default_rng(0)
    x = np.concatenate([(r.normal(size=200) * 10.0 ** r.uniform(-8, 8, 200)),
                        [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, 1.5, 1.75, 65520.0, 3e38]]).astype(np.float32)
    want = np.array([rounded(float(v), exponent_bits, min(mantissa_bits, 23)) for v in x], np.float32)
    np.testing.assert_array_equal(lax.reduce_precision(x, exponent_bits, mantissa_bits), want)


def test_reduce_precision_of_other_types_and_its_derivative() -> None:
    bf16 = np.float32([1.001, 3.14159]).astype(ml_dtypes.bfloat16)
    found = lax.reduce_precision(np.float32([1.001, 3.14159]), 8, 7)
    np.testing.assert_array_equal(found, bf16.astype(np.float32))
    assert lax.reduce_precision(np.float16([1.001]), 5, 2).dtype == np.float16
    slope = lantern.vmap(lantern.grad(lambda a: 3 * lax.reduce_precision(a, 8, 7)))(np.float32([1, 2]))
    assert slope.tolist() == [3, 3]


def test_shapes_and_dtypes() -> None:
    assert lax.broadcast_shapes((2, 1), (3,), ()) == (2, 3)
    assert lax.broadcast_shapes() == ()
    assert lax.dtype(np.float16([1])) == np.float16
    assert (lax.dtype(1), lax.dtype(1.0), lax.dtype(True)) == (np.int32, np.float32, np.bool_)
    x = np.zeros((2, 3, 4, 5))
    assert lax.collapse(x, 1, 3).shape == (2, 12, 5)
    assert lax.collapse(x, 1).shape == (2, 60)
    assert lax.collapse(x, -3, -1).shape == (2, 12, 5)
    assert lax.collapse(x, 0, 4).shape == (120,)


def test_products_take_a_precision_and_a_type() -> None:
    x = np.arange(6, dtype=np.int8).reshape(2, 3) * 20
    numbers = (((1,), (0,)), ((), ()))
    found = lax.dot_general(x, x.T.copy(), numbers, lax.Precision.HIGHEST, np.int32)
    np.testing.assert_array_equal(found, x.astype(np.int32) @ x.T.astype(np.int32))
    assert found.dtype == np.int32
    half = np.float16([300.0])
    assert lax.dot(half, half, precision="highest", preferred_element_type=np.float32).item() == 90000
    assert lax.dot(np.float32([1]), np.float32([2]), preferred_element_type=np.float16).dtype == np.float16
    assert lax.dot(np.float32([1]), np.float32([2]), (lax.Precision.HIGH, None)).item() == 2
    assert lax.batch_matmul(np.ones((2, 3, 4)), np.ones((2, 4, 5)), "tensorfloat32").shape == (2, 3, 5)


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: lax.population_count(1.5), TypeError, r"^population_count: wanted integers, got f32\*\[\], at test_b"),
    (lambda: lax.clz(np.array([True])), TypeError, r"clz: wanted integers, got bool\[1\], at "),
    (lambda: lax.nextafter(1, 2), TypeError, r"nextafter: wanted floats, got i32\*\[\], at "),
    (lambda: lax.nextafter(np.float32([1]), np.float32([1, 2])), ShapeError, r"one shape, got f32\[1\] and f32\[2\]"),
    (lambda: lax.reduce_precision(1, 8, 7), TypeError, r"reduce_precision: wanted floats, got i32\*\[\], at "),
    (lambda: lax.reduce_precision(1.0, 9, 7), ArgumentError, "from 1 to 8 exponent_bits .* got 9 and 7, at "),
    (lambda: lax.broadcast_shapes((2,), (3,)), ShapeError, r"broadcast_shapes: shapes \(2,\) and \(3,\) cannot be"),
    (lambda: lax.collapse(np.ones(3), 1, 1), ArgumentError, "collapse: axis 1 is out of range"),
    (lambda: lax.collapse(np.ones((3, 3)), 1, 1), ArgumentError, r"at least one axis, got those from 1 to 1 of f32\[3"),
    (lambda: lax.dot(np.ones(3), np.ones(3), "best"), ArgumentError, "dot: precision must be None, a lax.Precision, .* "
                                                                     "got 'best', at "),
    (lambda: lax.dot_general(np.ones(3), np.ones(3), (((0,), (0,)), ((), ())), 3), ArgumentError, "got 3, at "),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=range(len(ERRORS)))
def test_errors(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
