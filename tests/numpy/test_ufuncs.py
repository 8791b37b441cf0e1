"""Elementwise functions against NumPy: values, dtypes, broadcasting, promotion."""
from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lantern
import lantern.numpy as jnp

SPECIAL = np.array([0.0, -0.0, 1, -1, 0.5, -0.5, 2.5, -2.5, np.inf, -np.inf, np.nan, 1e-6, -1e-6, 1e30, 80, -80],
                   np.float32)
UNIT = np.linspace(-1, 1, 41, dtype=np.float32)
POSITIVE = np.geomspace(1e-20, 1e20, 41, dtype=np.float32)
MODERATE = np.linspace(-9, 9, 55, dtype=np.float32)

FLOAT_FUNCTIONS: dict[str, Any] = {
    "exp": MODERATE, "exp2": MODERATE, "expm1": MODERATE, "sin": MODERATE, "cos": MODERATE, "tan": MODERATE,
    "tanh": MODERATE,
    "sinh": MODERATE, "cosh": MODERATE, "arcsinh": POSITIVE, "arctan": MODERATE, "arcsin": UNIT, "arccos": UNIT,
    "arctanh": UNIT[1:-1], "arccosh": np.geomspace(1, 1e30, 41, dtype=np.float32), "log": POSITIVE, "log2": POSITIVE,
    "log10": POSITIVE, "log1p": POSITIVE, "sqrt": POSITIVE, "reciprocal": POSITIVE, "square": MODERATE,
    "deg2rad": MODERATE,
    "rad2deg": MODERATE, "fabs": MODERATE, "rint": MODERATE,
}
EXACT_FUNCTIONS = ("negative", "positive", "abs", "absolute", "sign", "floor", "ceil", "trunc", "isnan", "isfinite",
                   "isinf",
                   "isposinf", "isneginf", "logical_not", "square")
BINARY = ("add", "subtract", "multiply", "maximum", "minimum", "equal", "not_equal", "less", "less_equal", "greater",
          "greater_equal", "logical_and", "logical_or", "logical_xor")


def same(found: Any, wanted: Any, tolerance: float = 0.0) -> None:
    """Shape and values agree; NaN equals NaN."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found.astype(np.float64), wanted.astype(np.float64), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", FLOAT_FUNCTIONS)
def test_float_functions(name: str) -> None:
    x = FLOAT_FUNCTIONS[name]
    found = getattr(jnp, name)(x)
    assert found.dtype == np.float32
    exact = getattr(np, name)(x.astype(np.float64))
    np.testing.assert_allclose(np.asarray(found), exact, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", [n for n in FLOAT_FUNCTIONS if n not in ("square", "fabs", "reciprocal")])
@pytest.mark.parametrize("x", [np.array([1, 1]), np.array([True]), np.uint8([1])], ids=["int", "bool", "uint8"])
def test_integers_become_floats(name: str, x: Any) -> None:
    found = getattr(jnp, name)(x)
    assert found.dtype == np.float32
    with np.errstate(all="ignore"):
        same(found, getattr(np, name)(x.astype(np.float64)), 1e-6)


@pytest.mark.parametrize("name", FLOAT_FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_sixteen_bits(name: str, dtype: Any) -> None:
    x = np.array([0.25, 0.5, 0.75], dtype)
    x = x + np.array(1, dtype) if name == "arccosh" else x
    found = getattr(jnp, name)(x)
    assert found.dtype == dtype
    same(found, getattr(np, name)(x.astype(np.float64)), 2e-2)


@pytest.mark.parametrize("name", EXACT_FUNCTIONS)
def test_exact_functions(name: str) -> None:
    with np.errstate(all="ignore"):
        same(getattr(jnp, name)(SPECIAL), getattr(np, name)(SPECIAL))


def test_integers_stay_integers() -> None:
    for name in ("negative", "abs", "sign", "floor", "ceil", "trunc", "square", "positive"):
        found = getattr(jnp, name)(np.array([-3, 0, 4], np.int8))
        assert found.dtype == np.int8, name
        same(found, getattr(np, name)(np.array([-3, 0, 4], np.int8)))


@pytest.mark.parametrize("name", BINARY)
@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3), data=st.data())
@settings(max_examples=20, deadline=None)
def test_broadcasting(name: str, shapes: Any, data: Any) -> None:
    values = st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, np.inf, np.nan])
    x, y = [data.draw(hnp.arrays(np.float32, s, elements=values)) for s in shapes.input_shapes]
    with np.errstate(all="ignore"):
        same(getattr(jnp, name)(x, y), getattr(np, name)(x, y))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint32])
def test_integer_binary(name: str, dtype: Any) -> None:
    x, y = np.array([0, 1, 5, 100, 127], dtype), np.array([3, 0, 5, 50, 2], dtype)
    found, wanted = getattr(jnp, name)(x, y), getattr(np, name)(x, y)
    assert found.dtype == wanted.dtype
    same(found, wanted)


def test_promotion() -> None:
    i, u, h, f = [np.ones(2, d) for d in (np.int32, np.uint32, np.float16, np.float32)]
    assert jnp.add(i, u).dtype == np.int32
    assert jnp.add(i, h).dtype == np.float16
    assert jnp.add(h, f).dtype == np.float32
    assert jnp.add(h, 2.5).dtype == np.float16
    assert jnp.add(i, 2.5).dtype == np.float32
    assert jnp.add(i, True).dtype == np.int32
    assert jnp.add(np.int8([1]), np.uint8([1])).dtype == np.int16
    assert jnp.add(h, np.float32(1)).dtype == np.float32
    assert jnp.add(np.ones(2), 1).dtype == np.float32
    assert jnp.divide(i, i).dtype == np.float32
    assert jnp.add(np.array([True]), np.array([True])).tolist() == [True]


def test_python_numbers_are_literals() -> None:
    text = str(lantern.make_jaxpr(lambda x: jnp.where(x > 0, x * 2, 0.5))(np.ones((2, 3), np.float32)))
    assert "broadcast_in_dim" not in text, text


def test_python_int_beyond_the_dtype() -> None:
    for x, n in ((np.int8([1]), 200), (np.uint8([1]), -1), (np.int32([1]), 2 ** 31), (np.uint32([1]), -1)):
        with pytest.raises(OverflowError, match=str(n)):
            jnp.add(x, n)
    assert jnp.add(np.float32([1]), 2 ** 40).dtype == np.float32
    assert jnp.add(np.uint32([1]), 2 ** 32 - 1).tolist() == [0]


def test_division_and_remainder() -> None:
    x, y = np.array([7, -7, 7, -7, 5, 0]), np.array([3, 3, -3, -3, 0, 0])
    with np.errstate(all="ignore"):
        same(jnp.floor_divide(x, y), np.floor_divide(x, y))
        same(jnp.remainder(x, y), np.remainder(x, y))
    f, g = x.astype(np.float32), np.float32([3, 3, -3, -3, 2, 5])
    same(jnp.floor_divide(f, g), np.floor_divide(f, g))
    same(jnp.remainder(f, g), np.remainder(f, g))
    q, r = jnp.divmod(f, g)
    same(q * g + r, f)
    assert jnp.floor_divide(np.int32([-2 ** 31]), -1).tolist() == [-2 ** 31]
    assert jnp.floor_divide(np.array([True]), True).dtype == np.int32


def test_power() -> None:
    x = np.array([-2.0, 0.5, 3.0], np.float32)
    for n in (0, 1, 2, 3, 7, -1, -2):
        same(jnp.power(x, n), x.astype(np.float64) ** n, 1e-6)
        same(jnp.asarray(x) ** n, x.astype(np.float64) ** n, 1e-6)
    same(jnp.power(np.abs(x), 0.5), np.abs(x) ** 0.5, 1e-6)
    same(jnp.power(2.0, x), 2.0 ** x.astype(np.float64), 1e-6)
    i = np.array([-3, 0, 1, 2, 9])
    same(jnp.power(i, np.array([3, 0, 5, 10, 3])), i ** np.array([3, 0, 5, 10, 3]))
    assert jnp.power(i, 3).dtype == np.int32
    assert jnp.power(np.array([1, -1, 2, -1]), np.array([-1, -3, -1, -2])).tolist() == [1, -1, 0, 1]
    assert jnp.power(3, 2).item() == 9
    assert jnp.float_power(np.array([2]), -1).tolist() == [0.5]


def test_power_of_a_python_int_has_an_exact_derivative() -> None:
    slope = lantern.grad(lambda x: x ** 3)
    assert slope(-2.0).item() == 12.0
    assert slope(0.0).item() == 0.0


def test_shifts() -> None:
    x = np.array([1, -8, 8], np.int32)
    assert jnp.left_shift(x, np.array([31, 1, 32])).tolist() == [-2 ** 31, -16, 0]
    assert jnp.right_shift(x, np.array([0, 2, 40])).tolist() == [1, -2, 0]
    assert jnp.right_shift(np.uint32([2 ** 31]), 31).tolist() == [1]
    assert (jnp.asarray(x) << 1).tolist() == [2, -16, 16]


def test_bits() -> None:
    x, y = np.arange(8), np.arange(8)[::-1]
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        same(getattr(jnp, name)(x, y), getattr(np, name)(x, y))
        same(getattr(jnp, name)(x > 3, y > 3), getattr(np, name)(x > 3, y > 3))
    same(jnp.invert(x), ~x)
    same(~jnp.asarray(x > 3), ~(x > 3))
    with pytest.raises(TypeError, match=r"bitwise_and: wanted integers or bools, got f32\[2\]"):
        jnp.bitwise_and(np.ones(2), np.ones(2))


def test_clip() -> None:
    same(jnp.clip(SPECIAL, -1, 1), np.clip(SPECIAL, -1, 1))
    same(jnp.clip(np.arange(5), None, 2), np.clip(np.arange(5), None, 2))
    same(jnp.clip(np.arange(5.0), min=3), np.clip(np.arange(5.0), 3, None))
    assert jnp.clip(np.arange(5), 0.5).dtype == np.float32


def test_round() -> None:
    x = np.array([0.5, 1.5, 2.5, -0.5, 1234.5678], np.float32)
    same(jnp.round(x), np.round(x))
    same(jnp.round(x, 2), np.round(x, 2), 1e-6)
    same(jnp.round(x, -2), np.round(x, -2), 1e-6)
    i = np.array([1250, 1350, -1250, -1350, 55, 49])
    same(jnp.round(i, -2), np.round(i, -2))
    assert jnp.round(np.int8([120]), -3).tolist() == [0]


def test_where() -> None:
    mask = np.array([[True], [False]])
    found = jnp.where(mask, np.arange(3), 2.5)
    same(found, np.where(mask, np.arange(3), 2.5))
    assert found.dtype == np.float32
    assert jnp.where(np.array([True, False]), 1, 2).dtype == np.int32
    assert jnp.where(np.array([0.0, np.nan, 2.0]), 1, 0).tolist() == [0, 1, 1]
    assert jnp.where(True, np.ones(2), np.zeros(2)).tolist() == [1.0, 1.0]
    with pytest.raises(OverflowError):
        jnp.where(mask, np.int8([1]), 1000)


def test_guarded_where_has_a_finite_derivative() -> None:
    f = lantern.grad(lambda x: jnp.sum(jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1)), 0)))
    assert f(np.array([0.0, 2.0], np.float32)).tolist() == [0.0, 0.5]


def test_two_argument_functions() -> None:
    x, y = np.meshgrid(np.float32([-2, -0.5, 0, 1, 3]), np.float32([-1, 0, 2]))
    for name in ("arctan2", "hypot", "logaddexp", "logaddexp2"):
        same(getattr(jnp, name)(x, y), getattr(np, name)(x.astype(np.float64), y.astype(np.float64)), 2e-6)
    assert jnp.hypot(np.float32(3e30), np.float32(4e30)).item() == pytest.approx(5e30)
    assert jnp.hypot(np.inf, 1.0).item() == np.inf
    assert jnp.logaddexp(-np.inf, -np.inf).item() == -np.inf
    assert jnp.logaddexp(np.inf, 1.0).item() == np.inf
    assert jnp.logaddexp(1e4, 1e4).item() == pytest.approx(1e4 + np.log(2))
    assert np.isnan(jnp.logaddexp(np.nan, 1.0).item())


@pytest.mark.parametrize("at", [(0.0, 0.0), (-np.inf, 1.0), (-np.inf, -np.inf), (50.0, -50.0)])
def test_logaddexp_slopes(at: tuple[float, float]) -> None:
    slopes = lantern.grad(jnp.logaddexp, (0, 1))(*at)
    assert all(np.isfinite(s.item()) for s in slopes), slopes
    if at != (-np.inf, -np.inf):
        assert slopes[0].item() + slopes[1].item() == pytest.approx(1)


def test_closeness() -> None:
    x, y = np.array([1.0, 2.0, np.inf, np.nan, np.inf]), np.array([1.000001, 2.1, np.inf, np.nan, 1.0])
    same(jnp.isclose(x, y), np.isclose(x, y))
    same(jnp.isclose(x, y, equal_nan=True), np.isclose(x, y, equal_nan=True))
    assert not jnp.allclose(x, y)
    assert jnp.allclose(np.ones(3), 1.0)
    assert jnp.array_equal(np.arange(3), np.arange(3.0))
    assert not jnp.array_equal(np.arange(3), np.arange(4))
    assert not jnp.array_equal(x, x)
    assert jnp.array_equal(x, x, equal_nan=True)


def test_nan_to_num() -> None:
    same(jnp.nan_to_num(SPECIAL), np.nan_to_num(SPECIAL))
    same(jnp.nan_to_num(SPECIAL, nan=5, posinf=1, neginf=2), np.nan_to_num(SPECIAL, nan=5, posinf=1, neginf=2))
    assert jnp.nan_to_num(np.arange(3)).dtype == np.int32


class Celsius:
    """A foreign type that offers its values."""

    def __lantern_array__(self) -> Any:
        return jnp.asarray([20.0, 30.0])


def test_accepted_operands() -> None:
    assert jnp.add(Celsius(), 1).tolist() == [21.0, 31.0]
    assert jnp.asarray(Celsius()).shape == (2,)
    for foreign, name in (("text", "str"), (None, "NoneType"), ([1, 2], "list"), ({}, "dict")):
        with pytest.raises(TypeError, match=f"add: wanted an array or a number, got {name}"):
            jnp.add(foreign, 1)     # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match=r"longdouble|float\d+"):
        jnp.add(np.longdouble(1), 1)
    with pytest.raises(OverflowError, match=str(2 ** 40)):
        jnp.add(np.array([2 ** 40]), 1)


def test_errors_name_function_shapes_and_line() -> None:
    with pytest.raises(lantern.errors.ShapeError,
                       match=r"^add: shapes f32\[2,3\] and f32\[4\] cannot be broadcast together, "
                                                        r"at test_ufuncs\.py:\d+ in test_errors_name"):
        jnp.add(np.ones((2, 3)), np.ones(4))
    with pytest.raises(lantern.errors.ShapeError, match=r"where: shapes bool\[2\], f32\[3\] and i32\*?\[\] cannot"):
        jnp.where(np.array([True, False]), np.ones(3), 1)
    with pytest.raises(TypeError, match=r"subtract: wanted numbers, got bool.*logical_xor"):
        jnp.subtract(np.array([True]), np.array([True]))
    with pytest.raises(TypeError, match=r"negative: wanted numbers, got bool\[1\].*logical_not"):
        jnp.negative(np.array([True]))


def test_zero_size() -> None:
    for x in (np.zeros((0,)), np.zeros((0, 3)), np.zeros((2, 0))):
        assert jnp.add(x, 1).shape == x.shape
        assert jnp.exp(x).shape == x.shape
    assert jnp.add(np.zeros((0, 1)), np.zeros((3,))).shape == (0, 3)


def test_inside_jit_as_outside() -> None:
    def f(x: Any) -> Any:
        return jnp.where(x > 1, jnp.power(x, 2) % 3, jnp.arctan2(x, 2.0)) + np.arange(3)
    x = np.array([0.5, 1.5, 2.5], np.float32)
    same(lantern.jit(f)(x), f(x), 1e-6)
