"""The first table of docs/semantics.md: one row, one test, on every device. A test's docstring begins with its row."""
from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import nn
from lantern.errors import DeviceError, ShapeError

NAN, INF = float("nan"), float("inf")


def run(f: Callable[..., Any], *args: Any) -> np.ndarray[Any, Any]:
    """The value of `f` on arrays of the default device; one operation at a time and compiled must agree."""
    arrays = [jnp.asarray(a) for a in args]
    eager, jitted = np.asarray(f(*arrays)), np.asarray(lantern.jit(f)(*arrays))
    np.testing.assert_array_equal(eager, jitted)
    assert eager.dtype == jitted.dtype
    return jitted


def i32(*values: int) -> np.ndarray[Any, Any]:
    """An int32 vector."""
    return np.array(values, np.int32)


def f32(*values: float | np.floating[Any]) -> np.ndarray[Any, Any]:
    """A float32 vector."""
    return np.array(values, np.float32)


@pytest.fixture
def x64() -> Iterator[None]:
    """64-bit mode, for one test."""
    lantern.config.update("enable_x64", True)
    yield
    lantern.config.update("enable_x64", False)


def test_default_dtypes(device: str) -> None:
    """default dtypes: 32 bits, weak for Python scalars; what does not fit raises."""
    assert [str(jnp.asarray(v).dtype) for v in (1.5, 1, True)] == ["float32", "int32", "bool"]
    assert (jnp.asarray(np.ones(2, np.uint32)) * 3).dtype == np.uint32
    assert [str(jnp.asarray(np.ones(2, t)).dtype) for t in ("f8", "i8", "u8")] == ["float32", "int32", "uint32"]
    with pytest.raises(OverflowError):
        jnp.asarray(np.array([1, 2**40]))


def test_explicit_64_bit(device: str) -> None:
    """explicit 64-bit: honoured, or an error."""
    if device == "gpu":
        with pytest.raises(DeviceError, match=r"float64|f64|64-bit"):
            jnp.zeros((2,), np.float64) + 1
        return
    third = run(lambda x: jnp.asarray(x, np.float64) / 3, f32(1))
    assert third.dtype == np.float64
    assert third[0] == 1 / 3


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "float16", "bfloat16"])
def test_8_and_16_bits(device: str, dtype: str) -> None:
    """8 and 16 bits: honoured on every device."""
    assert (jnp.ones((2,), dtype) + 1).dtype == dtype
    assert (jnp.ones((2,), dtype) + 1).tolist() == [2, 2]


def test_complex_numbers(device: str) -> None:
    """complex numbers: without an order; c128 on the CPU, and a GPU says that it lacks them."""
    z = np.array([1 + 2j, -1j], np.complex64)
    if device == "gpu":
        with pytest.raises(DeviceError, match=r"complex128.*use the CPU device or complex64"):
            jnp.asarray(z, "complex128") * 2
    np.testing.assert_array_equal(run(lambda z: z * z + 1j, z), z * z + np.complex64(1j))
    assert run(abs, np.array([3 + 4j], np.complex64)) == 5
    for f in (jnp.less, jnp.maximum):
        with pytest.raises(ShapeError, match=r"c64\[2\]: complex numbers have no order.*abs, real or imag"):
            f(z, z)
    for f in (jnp.sort, jnp.max):
        with pytest.raises(ShapeError, match=r"c64\[2\]: complex numbers have no order.*abs, real or imag"):
            f(z)
    assert lantern.grad(lambda z: abs(z) ** 2)(1 + 2j).item() == 2 - 4j


def test_x64_mode(x64: None) -> None:
    """x64 mode: on the CPU 64 bits are the default."""
    with lantern.default_device("cpu"):
        assert [str(jnp.asarray(v).dtype) for v in (1.5, 1, np.ones(2))] == ["float64", "int64", "float64"]
        assert jnp.zeros((2,)).dtype == np.float64


def test_promotion(device: str) -> None:
    """promotion: JAX's lattice without surprising 64 bits."""
    def joined(a: str, b: str) -> str:
        return str((jnp.ones((2,), a) + jnp.ones((2,), b)).dtype)
    assert joined("int32", "uint32") == "int32"
    assert joined("bool", "int32") == "int32"
    assert joined("int32", "float32") == "float32"
    assert (jnp.ones((2,), "int32") + 1.5).dtype == np.float32
    assert joined("int32", "float16") == "float16"
    assert joined("int8", "uint8") == "int16"
    assert joined("bfloat16", "float16") == "float32"
    half = jnp.ones((2,), "bfloat16")       # a quotient of integers is as weak as they are
    assert [str((half * (n / 2)).dtype) for n in (jnp.ones((2,), "int32"), jnp.asarray(3))] == ["float32", "bfloat16"]
    assert joined("bool", "int8") == "int8"
    assert (jnp.ones((2,), "int8") + 1).dtype == np.int8
    assert (jnp.ones((2,), "int8") + 1.5).dtype == np.float32


def test_python_int_beyond_the_dtype(device: str) -> None:
    """Python int beyond the dtype: raises OverflowError."""
    with pytest.raises(OverflowError, match=r"add: the Python int 2147483648 does not fit into int32 .*, at "
                                            r"test_numbers.py:\d+ in test_python_int_beyond"):
        jnp.ones((2,), "int32") + 2**31
    with pytest.raises(OverflowError):
        jnp.ones((2,), "uint32") + -1
    with pytest.raises(OverflowError):
        jnp.asarray(2**40)


def test_integer_overflow(device: str) -> None:
    """integer overflow: wraps."""
    top = 2**31 - 1
    assert run(lambda x: x + 1, i32(top))[0] == -top - 1
    assert run(lambda x: x * x, i32(65537))[0] == 131073
    assert run(lambda x: -x, i32(-top - 1))[0] == -top - 1
    assert run(lambda x: x - 1, np.array([0], np.uint32))[0] == 2**32 - 1
    assert run(lambda x: x + x, np.array([200], np.uint8))[0] == 144
    assert run(lambda x: x * x, np.array([-200], np.int16))[0] == 40000 - 2**16


def test_integer_division(device: str) -> None:
    """integer division: floors; by zero gives 0; the smallest integer wraps."""
    x, y = i32(7, -7, 7, -7, 5, -2**31), i32(2, 2, -2, -2, 0, -1)
    np.testing.assert_array_equal(run(lambda x, y: x // y, x, y), [3, -4, -4, 3, 0, -2**31])
    np.testing.assert_array_equal(run(lambda x, y: x % y, x, y), [1, 1, -1, -1, 0, 0])
    u = np.array([7, 2**32 - 1], np.uint32)
    np.testing.assert_array_equal(run(lambda x, y: x // y, u, np.array([0, 2], np.uint32)), [0, 2**31 - 1])


def test_integer_by_integer(device: str) -> None:
    """integer / integer: gives f32."""
    half = run(lambda x, y: x / y, i32(1, 1), i32(2, 0))
    assert half.dtype == np.float32
    np.testing.assert_array_equal(half, f32(0.5, INF))


def test_float_to_integer(device: str) -> None:
    """float to integer: truncates, saturates, NaN gives 0."""
    x = f32(1.9, -1.9, 1e20, -1e20, INF, NAN)
    np.testing.assert_array_equal(run(lambda x: x.astype("int32"), x), [1, -1, 2**31 - 1, -2**31, 2**31 - 1, 0])
    np.testing.assert_array_equal(run(lambda x: x.astype("uint32"), x), [1, 0, 2**32 - 1, 0, 2**32 - 1, 0])
    np.testing.assert_array_equal(run(lambda x: x.astype("bool"), f32(0, -0.0, NAN, 2)), [False, False, True, True])
    if device != "gpu":
        np.testing.assert_array_equal(run(lambda x: x.astype("uint8"), x), [1, 0, 255, 0, 255, 0])


def test_shifts(device: str) -> None:
    """shifts: past the width they give 0; to the right the sign fills."""
    x, by = i32(1, 1, -8, -8, 1), i32(4, 32, 1, 40, 33)
    np.testing.assert_array_equal(run(lambda x, y: x << y, x, by), [16, 0, -16, 0, 0])
    np.testing.assert_array_equal(run(lambda x, y: x >> y, x, by), [0, 0, -4, -1, 0])


def test_nan(device: str) -> None:
    """NaN: passes through, and is found first."""
    x = f32(1, NAN, 3, NAN)
    passes: list[Callable[[Any], Any]] = [lambda x: jnp.maximum(x, 2), lambda x: jnp.minimum(2, x), nn.relu, jnp.sign,
                                          lambda x: jnp.clip(x, 0, 2)]
    for f in passes:
        np.testing.assert_array_equal(np.isnan(run(f, x)), np.isnan(x))
    assert np.isnan(run(lambda x: x.max(), x))
    assert np.isnan(run(lambda x: x.min(), x))
    assert run(lambda x: x.argmax(), x) == 1
    assert run(lambda x: x.argmin(), x) == 1
    np.testing.assert_array_equal(run(lambda x: x == x, x), [True, False, True, False])
    np.testing.assert_array_equal(run(jnp.isnan, x), [False, True, False, True])


def test_negative_zero(device: str) -> None:
    """negative zero: is kept."""
    zeros = f32(-0.0, 0.0)
    np.testing.assert_array_equal(np.signbit(run(lambda x: x * 1, zeros)), [True, False])
    np.testing.assert_array_equal(np.signbit(run(lambda x: -x, zeros)), [False, True])
    np.testing.assert_array_equal(np.signbit(run(lambda x: x + 0.0, zeros)), [False, False])
    np.testing.assert_array_equal(np.signbit(run(lambda x: x.reshape((2, 1)).T, zeros)), [[True, False]])
    np.testing.assert_array_equal(run(lambda x: 1 / x, zeros), f32(-INF, INF))


def test_legal_rewrites(device: str) -> None:
    """legal rewrites: what looks like nothing is computed."""
    x = f32(NAN, INF, -INF, 1)
    np.testing.assert_array_equal(run(lambda x: x * 0, x), f32(NAN, NAN, NAN, 0))
    np.testing.assert_array_equal(run(lambda x: x - x, x), f32(NAN, NAN, NAN, 0))
    np.testing.assert_array_equal(run(lambda x: x / x, x), f32(NAN, NAN, NAN, 1))
    np.testing.assert_array_equal(run(lambda x: 0.0 / x, f32(NAN, INF, 0, 1)), f32(NAN, 0, NAN, 0))
    np.testing.assert_array_equal(run(lambda x: x * 2 - x * 2, x), f32(NAN, NAN, NAN, 0))
    np.testing.assert_array_equal(run(lambda x: jnp.where(x > 0, x, 0.0), x), f32(0, INF, 0, 1))


def test_denormals(device: str) -> None:
    """denormals: kept, or zero on a GPU."""
    tiny = np.float32(1e-40)
    compiled = lantern.jit(lambda x: x * 1)         # not `run`: a GPU may keep them in one program and not in another
    found = np.asarray(compiled(f32(tiny)))[0]
    assert found == tiny or (device == "gpu" and found == 0)


def test_rounding(device: str) -> None:
    """rounding: half to even."""
    x = f32(0.5, 1.5, 2.5, -0.5, -1.5, 2.4)
    np.testing.assert_array_equal(run(jnp.round, x), f32(0, 2, 2, -0.0, -2, 2))
    assert run(lambda x: x.astype("float32"), i32(2**24 + 1, 2**24 + 3)).tolist() == [2**24, 2**24 + 4]
    if device != "gpu":
        assert run(lambda x: x.astype("float16"), f32(2049))[0] == 2048
        assert run(lambda x: x.astype("bfloat16"), f32(257))[0] == 256


def test_empty_reductions(device: str) -> None:
    """empty reductions: neutral elements; no maximum of nothing."""
    nothing = np.zeros((0, 3), np.float32)
    np.testing.assert_array_equal(run(lambda x: x.sum(0), nothing), f32(0, 0, 0))
    np.testing.assert_array_equal(run(lambda x: x.prod(0), nothing), f32(1, 1, 1))
    np.testing.assert_array_equal(run(lambda x: jnp.all(x > 0, 0), nothing), [True] * 3)
    np.testing.assert_array_equal(run(lambda x: jnp.any(x > 0, 0), nothing), [False] * 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isnan(run(lambda x: x.mean(0), nothing)).all()
    for f in (jnp.max, jnp.min, jnp.argmax, jnp.argmin):
        with pytest.raises((ShapeError, ValueError)):
            f(jnp.asarray(nothing), 0)
    assert run(lambda x: x.max(1), nothing).shape == (0,)


def test_zero_size_arrays_and_rank_0(device: str) -> None:
    """zero-size arrays and rank 0: work everywhere."""
    assert run(lambda x: jnp.tanh(x) + 1, np.zeros((0, 3), np.float32)).shape == (0, 3)
    product = run(lambda x, y: x @ y, np.ones((2, 0), np.float32), np.ones((0, 3), np.float32))
    np.testing.assert_array_equal(product, np.zeros((2, 3)))
    assert run(lambda x: jnp.concatenate([x, x]), np.zeros((0,), np.float32)).shape == (0,)
    assert run(lambda x: x * x, np.float32(3)) == 9
    assert run(lambda x: x.sum(), np.float32(3)) == 3
    assert run(lambda x: x.reshape((1, 1)).T, np.float32(3)).shape == (1, 1)


def test_precision_of_products(device: str) -> None:
    """precision of products: half types are summed in f32."""
    x = np.linspace(0, 1, 1000, dtype=np.float32)
    np.testing.assert_allclose(run(lambda x: x @ x, x), np.dot(x.astype(np.float64), x), rtol=1e-6)
    if device != "gpu":
        ones = np.ones((4096,), np.float16)
        assert run(lambda x: x @ x, ones) == 4096       # a f16 sum stops at 2048
        assert run(lambda x: x.astype("bfloat16") @ x.astype("bfloat16"), ones) == 4096
