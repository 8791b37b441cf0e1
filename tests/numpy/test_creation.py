"""New arrays, dtypes, and questions about them."""
from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import ArgumentError, ShapeError


def same(found: Any, wanted: Any, dtype: Any = None) -> None:
    """Shapes, values and (64 bits apart) dtypes agree."""
    wanted = np.asarray(wanted)
    narrow = {"float64": np.float32, "int64": np.int32, "uint64": np.uint32}.get(wanted.dtype.name, wanted.dtype)
    assert found.dtype == (dtype or narrow)
    assert found.shape == wanted.shape
    np.testing.assert_array_equal(np.asarray(found), wanted.astype(found.dtype))


VALUES: list[Any] = [2, 2.5, True, [1, 2], [1.0, 2], [[1, 2], [3, 4.0]], np.arange(3), np.arange(3.0), np.float64(2),
                     np.int64(3),
                     [True, False], (1, 2), [[1], [2]], [np.arange(2), np.arange(2)], np.float16([1]),
                     ml_dtypes.bfloat16(1.5),
                     np.arange(6)[::-2], np.zeros((0, 3)), np.asfortranarray(np.arange(6.0).reshape(2, 3))]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_asarray(value: Any) -> None:
    same(jnp.asarray(value), value)
    same(jnp.array(value), value)
    assert isinstance(jnp.asarray(value), jnp.ndarray)
    for dtype in ("float16", "int8", "bool", "float32"):
        same(jnp.asarray(value, dtype), np.asarray(value).astype(dtype), np.dtype(dtype))


def test_asarray_of_arrays_in_lists() -> None:
    x = jnp.arange(2)
    same(jnp.asarray([x, x + 1]), [[0, 1], [1, 2]])
    same(jnp.asarray([[x[0], 5], [6, 7.5]]), [[0, 5], [6, 7.5]])
    found = lantern.grad(lambda a: jnp.sum(jnp.array([a, a * a, 1.0]) * np.float32([1, 2, 3])))(3.0)
    assert found.item() == 13.0
    assert jnp.array([1, 2], ndmin=3).shape == (1, 1, 2)


def test_narrowing() -> None:
    assert jnp.asarray(np.arange(3)).dtype == np.int32
    assert jnp.asarray(np.uint64([1])).dtype == np.uint32
    with pytest.raises(OverflowError, match=str(2 ** 40)):
        jnp.asarray(np.array([1, 2 ** 40]))
    with pytest.raises(OverflowError, match=str(2 ** 40)):
        jnp.asarray(2 ** 40)
    with pytest.raises(OverflowError, match="300"):
        jnp.asarray([300], jnp.int8)
    assert np.isinf(jnp.asarray(np.array([1e300])).item())
    assert jnp.asarray(np.array([2 ** 40]), jnp.int64).dtype == np.int64
    assert jnp.asarray(np.array([0.1]), jnp.float64).item() == 0.1
    assert jnp.asarray(np.array([300]), jnp.uint8).item() == 44


@pytest.mark.parametrize("value", ["a", None, {}, np.array(["a"]), np.longdouble(1), object(), [None]],
                         ids=lambda x: type(x).__name__)
def test_asarray_of_what_is_no_array(value: Any) -> None:
    with pytest.raises(TypeError):
        jnp.asarray(value)


def test_ragged_lists() -> None:
    with pytest.raises(ShapeError,
                       match=r"asarray: nested lists must have equal lengths on each level, at test_creation\.py"):
        jnp.asarray([[1, 2], [3]])


@pytest.mark.parametrize("name", ["zeros", "ones", "empty"])
def test_constant(name: str) -> None:
    value = 1 if name == "ones" else 0
    for shape in ((), 3, (2, 3), (0,), [2, 2], np.int64(2)):
        same(getattr(jnp, name)(shape), np.full(shape, value, np.float32))
        same(getattr(jnp, name)(shape, jnp.int8), np.full(shape, value, np.int8))
    for shape, message in (((-1,), "must not be negative"), (2.5, "a shape is an int or a sequence of ints")):
        with pytest.raises(ShapeError, match=rf"(zeros|{name}): .*{message}"):
            getattr(jnp, name)(shape)


def test_full() -> None:
    same(jnp.full((2, 3), 7), np.full((2, 3), 7))
    same(jnp.full((2, 3), 2.5), np.full((2, 3), 2.5))
    same(jnp.full((2,), 2.5, int), np.full((2,), 2))
    same(jnp.full((3, 2), np.float32([1, 2])), np.full((3, 2), np.float32([1, 2])))
    same(jnp.full((), True), np.full((), True))
    same(jnp.full_like(np.int8([1, 2]), 7), np.int8([7, 7]))
    same(jnp.zeros_like(np.float16([1])), np.float16([0]))
    same(jnp.ones_like(2), np.ones((), int))
    same(jnp.zeros_like(np.ones(2), shape=(3,), dtype=jnp.int32), np.zeros(3, int))
    same(jnp.empty_like(np.ones(2)), np.zeros(2))
    with pytest.raises(ShapeError, match="broadcast_to"):
        jnp.full((2,), np.ones(3))


RANGES: list[Any] = [(5,), (2, 7), (2, 10, 3), (10, 2, -3), (0,), (5, 2), (0.0, 1.0, 0.1), (2.5,), (1, 5, 0.5), (3, 3),
                     (-3, 3), (np.int64(3),)]


@pytest.mark.parametrize("arguments", RANGES, ids=str)
def test_arange(arguments: Any) -> None:
    same(jnp.arange(*arguments), np.arange(*arguments))


def test_arange_dtypes_and_errors() -> None:
    same(jnp.arange(5, dtype=jnp.float16), np.arange(5, dtype=np.float16))
    same(jnp.arange(3, dtype=jnp.uint8), np.arange(3, dtype=np.uint8))
    same(jnp.arange(jnp.asarray(3)), np.arange(3))
    with pytest.raises(ArgumentError, match="arange: the step must not be 0"):
        jnp.arange(0, 1, 0)
    with pytest.raises(OverflowError):
        jnp.arange(300, dtype=jnp.int8)
    with pytest.raises(lantern.errors.UnknownValueError):
        lantern.jit(jnp.arange)(3)


def test_linspace() -> None:
    for arguments in ((0, 1), (0, 1, 5), (2.0, 3.0, 4), (0, 10, 1), (0, 10, 0), (-3, 3, 7)):
        for endpoint in (True, False):
            same(jnp.linspace(*arguments, endpoint=endpoint), np.linspace(*arguments, endpoint=endpoint))
    low, high = np.float32([0, 1]), np.float32([2, 5])
    for axis in (0, 1, -1):
        found = jnp.linspace(low, high, 5, axis=axis)
        np.testing.assert_allclose(found, np.linspace(low, high, 5, axis=axis), rtol=1e-6)
    values, step = jnp.linspace(0, 1, 5, retstep=True)
    assert (values.shape, step.item()) == ((5,), 0.25)
    assert jnp.linspace(low, high, 4)[-1].tolist() == [2.0, 5.0]
    with pytest.raises(ArgumentError, match="must not be negative"):
        jnp.linspace(0, 1, -1)


def test_matrices() -> None:
    for k in (-1, 0, 2):
        same(jnp.eye(3, 4, k), np.eye(3, 4, k))
        same(jnp.tri(3, 4, k), np.tri(3, 4, k))
    same(jnp.eye(2, dtype=jnp.int8), np.eye(2, dtype=np.int8))
    same(jnp.identity(3), np.identity(3))


@pytest.mark.parametrize("options", [{}, {"indexing": "ij"}, {"sparse": True}, {"sparse": True, "indexing": "ij"}],
                         ids=str)
def test_meshgrid(options: Any) -> None:
    vectors = np.arange(2), np.arange(3.0), np.arange(4)
    for count in (1, 2, 3):
        for found, wanted in zip(jnp.meshgrid(*vectors[:count], **options), np.meshgrid(*vectors[:count], **options),
                                 strict=True):
            same(found, wanted)
    with pytest.raises(ArgumentError, match="'xy' or 'ij'"):
        jnp.meshgrid(np.arange(2), indexing="ab")


def test_astype() -> None:
    x = np.array([-1.7, 0.0, 3.2, np.nan, np.inf, -np.inf, 3e9], np.float32)
    assert jnp.astype(x, jnp.int32).tolist() == [-1, 0, 3, 0, 2 ** 31 - 1, -2 ** 31, 2 ** 31 - 1]
    assert jnp.asarray(x).astype(jnp.uint8).tolist() == [0, 0, 3, 0, 255, 0, 255]
    assert jnp.astype(x, bool).tolist() == [True, False, True, True, True, True, True]
    assert jnp.astype(np.array([300, -1]), jnp.uint8).tolist() == [44, 255]
    assert jnp.astype(2.0, jnp.bfloat16).dtype == ml_dtypes.bfloat16
    with pytest.raises(TypeError, match=r"(longdouble|float\d+) is not supported"):
        jnp.astype(x, np.longdouble)
    with pytest.raises(TypeError, match=r"'float33' is no dtype, at test_creation.py:\d+ in test_astype; lantern has"):
        jnp.astype(x, "float33")


def test_names_of_dtypes() -> None:
    for name in ("int8", "int16", "int32", "uint8", "uint16", "uint32", "float16", "float32", "bfloat16", "bool_"):
        assert jnp.zeros(1, getattr(jnp, name)).dtype == np.dtype(getattr(jnp, name).dtype)
    assert jnp.dtype(jnp.float32) == np.float32
    assert (jnp.finfo(jnp.bfloat16).bits, jnp.iinfo("int8").max, jnp.finfo(jnp.ones(2)).bits) == (16, 127, 32)
    assert jnp.issubdtype(jnp.bfloat16, jnp.floating)
    assert not jnp.issubdtype(jnp.bfloat16, jnp.integer)
    assert jnp.issubdtype("int8", jnp.signedinteger)
    assert jnp.issubdtype(np.float32, np.float32)
    assert jnp.issubdtype("bool", jnp.bool_)
    assert jnp.promote_types("int32", "uint32") == np.int32
    assert jnp.result_type(np.float16(1), 2.0) == np.float16
    assert jnp.result_type(1, 2.0) == np.float32
    assert jnp.result_type("int8", jnp.uint8) == np.int16
    assert jnp.isdtype("int8", "integral")
    assert jnp.isdtype(jnp.bfloat16, ("integral", "real floating"))
    assert not jnp.isdtype("bool", "numeric")
    with pytest.raises(ValueError, match="no kind is called 'odd'"):
        jnp.isdtype("int8", "odd")
    assert (jnp.isscalar(2.0), jnp.isscalar(np.zeros(1)), jnp.isscalar(jnp.asarray(1))) == (True, False, True)


def test_weak_numbers() -> None:
    assert jnp.asarray(2.0).weak_type
    assert not jnp.asarray(np.float32(2)).weak_type
    assert (jnp.asarray(2.0) + np.float16([1])).dtype == np.float16
    assert (jnp.ones(()) + np.float16([1])).dtype == np.float32
    assert not jnp.asarray(2.0, jnp.float32).weak_type


def test_equal_calls_do_not_share_memory() -> None:
    for _ in range(3):
        x = jnp.arange(5, dtype=jnp.float32)
        assert jnp.divide(x, 4).tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
        assert x.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_weak_numbers_stay_weak_while_traced() -> None:
    h = np.float16([1, 2])
    assert lantern.jit(lambda n: (n / 2) * h)(3).dtype == np.float16
    assert lantern.jit(lambda n: jnp.exp(n) * h)(3).dtype == np.float16
    assert lantern.vmap(lambda n: n * h)(jnp.ones(2)).dtype == np.float32
    slope = lantern.grad(lambda n: jnp.sum(n * 2 / 3 * h).astype(jnp.float32))
    assert slope(1.0).item() == pytest.approx(2, rel=1e-3)
