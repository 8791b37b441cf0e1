"""What the array API standard asks of arrays and of the module: namespaces, devices, dtypes, limits."""
from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import AxisError, DeviceError

CREATED = [lambda **k: jnp.zeros(2, **k), lambda **k: jnp.ones(2, **k), lambda **k: jnp.empty(2, **k),
           lambda **k: jnp.full(2, 3.0, **k), lambda **k: jnp.zeros_like(np.zeros(2), **k),
           lambda **k: jnp.ones_like(np.zeros(2), **k), lambda **k: jnp.empty_like(np.zeros(2), **k),
           lambda **k: jnp.full_like(np.zeros(2), 3, **k), lambda **k: jnp.eye(2, **k),
           lambda **k: jnp.arange(3.0, **k),
           lambda **k: jnp.linspace(0, 1, 3, **k), lambda **k: jnp.asarray([1.0], **k),
           lambda **k: jnp.array([1.0], **k),
           lambda **k: jnp.astype(jnp.zeros(2), jnp.float32, **k)]


@pytest.mark.parametrize("make", CREATED)
def test_arrays_are_made_on_a_device(make: Any) -> None:
    x = make(device="emulate")
    assert x.device.platform == "emulate" and not x.loose
    np.testing.assert_array_equal(x, make())
    assert lantern.jit(lambda y: y + jnp.sum(make(device=y.device)))(np.float32(1)).shape == ()


def test_what_is_like_an_array_stands_beside_it() -> None:
    placed = jnp.zeros(2, device="emulate")
    assert jnp.ones_like(placed).device is placed.device
    assert jnp.ones_like(jnp.zeros(2)).loose
    with pytest.raises(DeviceError, match="no device is called 'tpu'"):
        jnp.zeros(2, device="tpu")


def test_sixty_four_bits_on_the_cpu_beside_a_gpu(gpu: None) -> None:
    with lantern.default_device("gpu"):
        assert jnp.zeros(2, jnp.float64, device="cpu").dtype == np.float64


def test_the_namespace_of_an_array() -> None:
    x = jnp.zeros(2)
    assert x.__array_namespace__() is jnp is x.__array_namespace__(api_version="2024.12")
    lantern.jit(lambda y: y if y.__array_namespace__() is jnp else None)(x)
    with pytest.raises(ValueError, match=r"versions 2021.12, .*, 2024.12 of the array API standard, got '2099.12'"):
        x.__array_namespace__(api_version="2099.12")
    assert x.to_device("emulate").device.platform == "emulate"
    assert lantern.jit(lambda y: y.to_device("emulate") + 1)(x).tolist() == [1, 1]
    with pytest.raises(ValueError, match="wanted stream=None, got 3"):
        x.to_device("cpu", stream=3)


def test_information_about_the_namespace() -> None:
    info = jnp.__array_namespace_info__()
    assert jnp.__array_api_version__ == "2024.12"
    assert info.capabilities()["data-dependent shapes"] is True
    assert info.default_device() in info.devices()
    assert info.default_dtypes() == {"real floating": np.float32, "complex floating": np.complex64,
                                     "integral": np.int32, "indexing": np.int32}
    assert list(info.dtypes(kind="unsigned integer", device="cpu")) == ["uint8", "uint16", "uint32", "uint64"]
    assert list(info.dtypes(kind=("bool", "complex floating"), device="cpu")) == ["bool", "complex64", "complex128"]
    with pytest.raises(ValueError, match="no kind is called 'small'; there are bool"):
        info.dtypes(kind="small")


def test_dtypes_of_a_gpu_can_be_made_there(gpu: None) -> None:
    for dtype in jnp.__array_namespace_info__().dtypes(device="gpu").values():
        assert jnp.zeros(1, dtype, device="gpu").dtype == dtype


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ml_dtypes.bfloat16])
def test_limits_of_floats(dtype: Any) -> None:
    found, wanted = jnp.finfo(dtype), ml_dtypes.finfo(dtype)
    assert found.dtype == dtype and isinstance(found.eps, float) and isinstance(found.bits, int)
    for name in ("eps", "max", "min", "tiny", "smallest_normal", "bits", "nmant", "maxexp"):
        assert getattr(found, name) == getattr(wanted, name)
    assert jnp.finfo("complex64") == jnp.finfo("float32")
    assert (jnp.zeros(1, jnp.float16) + jnp.finfo("float32").eps).dtype == np.float16


def test_copies() -> None:
    x = jnp.zeros(2)
    assert jnp.asarray(x, copy=False) is x
    for given, dtype in ((np.zeros(2), None), ([1.0], None), (x, jnp.int32)):
        with pytest.raises(ValueError, match=r"asarray: .* without a copy"):
            jnp.asarray(given, dtype, copy=False)
    assert jnp.reshape(x, (1, 2), copy=True).shape == (1, 2)


def test_a_mask_without_axes() -> None:
    x = jnp.arange(3)
    assert x[jnp.array(True)].tolist() == [[0, 1, 2]] and x[jnp.array(False)].shape == (0, 3)


def test_counts_of_repeat() -> None:
    x, counts = np.float32([1, 2, 3]), np.int32([2, 0, 1])
    assert jnp.repeat(x, jnp.asarray(counts)).tolist() == [1, 1, 3]
    sized = lantern.jit(lambda x, n: jnp.repeat(x, n, total_repeat_length=5))
    assert sized(x, counts).tolist() == [1, 1, 3, 3, 3]
    assert jnp.repeat(x[None], np.array([2])).tolist() == [1, 1, 2, 2, 3, 3]
    with pytest.raises(TypeError, match=r"counts i32\[3\], which are not known while tracing.*total_repeat_length=n"):
        lantern.jit(jnp.repeat)(x, counts)
    with pytest.raises(ValueError, match="count must not be negative, got -1"):
        jnp.repeat(x, [1, -1, 1])


@pytest.mark.parametrize("name, args", [
    ("cumsum", ()), ("cumsum", (1,)), ("cumprod", (0, np.int32)), ("diagonal", (-1,)),
    ("compress", ([True, False], 0)), ("reshape", (3, 2)), ("argsort", (0,)), ("round", (1,))])
def test_methods(name: str, args: tuple[Any, ...]) -> None:
    x = np.float32([[3, -1, 2], [0.25, 5, -4]])
    given = [np.asarray(a) if isinstance(a, list) else a for a in args]
    np.testing.assert_array_equal(getattr(jnp.asarray(x), name)(*given), getattr(x, name)(*args))
    if "compress" not in name:
        np.testing.assert_array_equal(lantern.jit(lambda x: getattr(x, name)(*given))(x), getattr(x, name)(*args))
    assert jnp.asarray(x).ptp() == np.ptp(x) and hasattr(lantern.Array, "block_until_ready")
    np.testing.assert_array_equal(jnp.arange(4).searchsorted(np.array([2, 9]), side="right"), [3, 4])


def test_products_keep_small_integers() -> None:
    assert jnp.vecdot(np.uint8([200, 1]), np.uint8([1, 100])).item() == 44


def test_an_axis_that_is_not_there_is_an_index_and_a_value_that_is_wrong() -> None:
    with pytest.raises(AxisError, match=r"expand_dims: axis 3 is out of range for f32\[2\] \(rank 1\), at test_array_st"
                       ) as caught:
        jnp.expand_dims(jnp.zeros(2), 3)
    assert isinstance(caught.value, IndexError) and isinstance(caught.value, ValueError)


@pytest.mark.parametrize("k", [2**40, -2**40, 3, -2])
def test_diagonals_far_outside(k: int) -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(jnp.eye(2, 3, k), np.eye(2, 3, k))
    np.testing.assert_array_equal(jnp.tril(x, k), np.tril(x, k))
    np.testing.assert_array_equal(jnp.triu(x, k), np.triu(x, k))
