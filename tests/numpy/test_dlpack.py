"""DLPack both ways: who may see whose memory, who may write it, and what is said where that cannot be."""
from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.backends.dlpack import VERSIONED
from lantern.errors import TracerConversionError
from tests.conftest import need_gpu

needs_versions = pytest.mark.skipif(not VERSIONED, reason="NumPy before 2.1 speaks no DLPack 1.0")
DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint32", "float16", "float32", "float64", "complex64"]


def address(x: Any) -> int:
    return np.asarray(x).__array_interface__["data"][0]


@pytest.fixture(autouse=True)
def _on_the_cpu() -> Any:
    with lantern.default_device("cpu"):
        yield


class Foreign:
    """An array of some library: a NumPy array with the methods of DLPack, as old or new as wished."""

    def __init__(self, values: Any, place: tuple[int, int] = (1, 0), old: bool = False) -> None:
        self.values, self.place, self.old = values, place, old

    def __dlpack__(self, **options: Any) -> Any:
        if self.old and options:
            raise TypeError("__dlpack__() got an unexpected keyword argument")
        if self.place != (1, 0) and options.get("dl_device") != (1, 0):
            raise BufferError("elsewhere")
        return self.values.__dlpack__(**{k: v for k, v in options.items() if k != "dl_device"})

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.place


@pytest.mark.parametrize("dtype", DTYPES)
def test_there_and_back(dtype: str) -> None:
    values = np.arange(6).reshape(2, 3).astype(dtype)
    x: Any = jnp.from_dlpack(values)
    assert x.dtype == values.dtype and x.device is lantern.devices("cpu")[0]
    np.testing.assert_array_equal(np.from_dlpack(x), values)
    assert address(x) == address(values)
    assert jnp.sum(x) == values.sum()


def test_an_array_from_elsewhere_keeps_its_memory_alive_and_is_never_written() -> None:
    values = np.full(1000, 3.0, np.float32)
    x: Any = jnp.from_dlpack(values)
    step = lantern.jit(lambda v: v * 2.0, donate_argnums=0)
    y = step(x)
    assert x.is_deleted() and values[0] == 3.0 and y[0] == 6.0
    x = jnp.from_dlpack(values)
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(x)[0] = 1.0
    values[1] = 4.0                         # its owner's business
    del values
    gc.collect()
    assert float(x[0]) == 3.0


def test_what_does_not_lie_in_order_is_copied() -> None:
    values = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    x: Any = jnp.from_dlpack(values.T)
    assert x.shape == (4, 3) and address(x) != address(values)
    np.testing.assert_array_equal(x, values.T)
    np.testing.assert_array_equal(jnp.from_dlpack(values[::2]), values[::2])
    with pytest.raises(BufferError, match=r"shape \[4, 3\] does not lie in row-major order, and copy=False forbids"):
        jnp.from_dlpack(values.T, copy=False)
    assert address(jnp.from_dlpack(values, copy=True)) != address(values)
    assert address(jnp.from_dlpack(values, copy=False)) == address(values)


@needs_versions
def test_read_only_memory_is_taken_as_such() -> None:
    values = np.ones(3, np.float32)
    values.setflags(write=False)
    x: Any = jnp.from_dlpack(values)
    assert address(x) == address(values) and lantern.jit(lambda v: v + 1.0, donate_argnums=0)(x).tolist() == [2.0] * 3
    assert values.tolist() == [1.0] * 3


def test_others_get_a_copy_that_they_may_write() -> None:
    x: Any = jnp.ones(3)
    taken = np.from_dlpack(x)
    taken[0] = 5.0
    assert x.tolist() == [1.0] * 3


@needs_versions
def test_the_memory_itself_on_request_read_only() -> None:
    x: Any = jnp.arange(1000.0)
    taken = np.from_dlpack(x, copy=False)
    assert address(taken) == address(x) and not taken.flags.writeable
    y: Any = lantern.jit(lambda v: v * 2.0, donate_argnums=0)(x)
    assert x.is_deleted() and taken[3] == 3.0 and y[3] == 6.0      # donated, but somebody still looks at it
    with pytest.raises(BufferError, match=r"f32\[2\] on cpu:0: its memory is read-only, which DLPack"):
        jnp.ones(2).__dlpack__(copy=False)


def test_what_cannot_be_handed_over() -> None:
    x: Any = jnp.ones(2)
    with pytest.raises(BufferError, match=r"__dlpack__: f32\[2\] on cpu:0: .*no streams; leave stream out"):
        x.__dlpack__(stream=1)
    with pytest.raises(BufferError, match=r"in host memory, \(1, 0\), not on the device \(2, 0\)"):
        x.__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError, match=r"bf16\[2\] .*Convert it with astype, or use numpy.asarray"):
        x.astype(jnp.bfloat16).__dlpack__()
    with pytest.raises(TracerConversionError, match=r"is traced by .* and has no memory"):
        lantern.jit(lambda v: np.from_dlpack(v))(x)
    with pytest.raises(TracerConversionError, match=r"from_dlpack: f32\[2\] is traced .*use it as it is"):
        lantern.grad(lambda v: jnp.from_dlpack(v).sum())(x)


def test_what_cannot_be_taken() -> None:
    with pytest.raises(TypeError, match=r"wanted an array of a library that speaks DLPack .*, got list\. Convert it"):
        jnp.from_dlpack([1, 2])
    with pytest.raises((TypeError, BufferError), match=r"float128|longdouble|native|dtype"):
        jnp.from_dlpack(np.ones(2, np.longdouble))
    with pytest.raises(BufferError, match=r"from_dlpack: Foreign cannot be taken over: .*Copy it to the host"):
        jnp.from_dlpack(Foreign(np.ones(2), place=(2, 0), old=True))


def test_old_and_far_libraries() -> None:
    values = np.arange(3.0, dtype=np.float32)
    assert jnp.from_dlpack(Foreign(values, old=True)).tolist() == [0, 1, 2]
    if VERSIONED:
        assert jnp.from_dlpack(Foreign(values, place=(2, 0))).tolist() == [0, 1, 2]


def test_arrays_of_ours() -> None:
    x: Any = jnp.ones(2)
    assert jnp.from_dlpack(x) is x and jnp.from_dlpack(x, device="cpu") is x
    assert jnp.from_dlpack(x, copy=True) is not x
    with pytest.raises(lantern.errors.DonatedArrayError):
        lantern.jit(lambda v: v + 1.0, donate_argnums=0)(x)
        np.from_dlpack(x)


def test_gpu_arrays_come_by_copy() -> None:
    need_gpu()
    x: Any = jnp.from_dlpack(np.arange(3.0, dtype=np.float32), device="gpu")
    assert str(x.device).startswith("gpu") and x.__dlpack_device__() == (1, 0)
    assert np.from_dlpack(x).tolist() == [0, 1, 2] and jnp.from_dlpack(x) is x
    assert jnp.from_dlpack(x, device="cpu").tolist() == [0, 1, 2]
    with pytest.raises(BufferError, match=r"on gpu:0: its memory is the GPU's.*Leave copy=False out"):
        x.__dlpack__(copy=False, max_version=(1, 0))
    with pytest.raises(BufferError, match="has another memory than the host"):
        jnp.from_dlpack(np.ones(2, np.float32), device="gpu", copy=False)


def test_torch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; the same ways are tested with NumPy above")
    t = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    x: Any = jnp.from_dlpack(t)
    assert address(x) == t.data_ptr() and x.tolist() == t.tolist()
    assert jnp.from_dlpack(t.T).tolist() == t.T.tolist()
    back = torch.from_dlpack(jnp.sin(x))
    assert torch.allclose(back, torch.sin(t))
    back += 1.0
    assert float(jnp.sin(x)[0, 0]) == 0.0
