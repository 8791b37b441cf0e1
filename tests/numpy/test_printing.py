"""Options of printing, and arrays in files."""
from __future__ import annotations

import io
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import UnknownValueError


def test_options_are_those_of_numpy() -> None:
    x = jnp.array([1 / 3])
    with jnp.printoptions(precision=2):
        assert str(x) == "[0.33]" and jnp.get_printoptions()["precision"] == 2
        jnp.set_printoptions(precision=3)
        assert str(x) == "[0.333]"
    assert jnp.array_str(x, precision=1) == "[0.3]"
    assert jnp.array_repr(x) == repr(np.float32([1 / 3])) and jnp.array2string(x, precision=1) == "[0.3]"
    with pytest.raises(UnknownValueError, match=r"array_str\(x\) needs the value"):
        lantern.jit(lambda x: jnp.array_str(x))(x)


@pytest.mark.parametrize("x", [np.float32([[1, 2]]), np.arange(3, dtype=np.int8), np.ones(2, ml_dtypes.bfloat16),
                               np.complex64(1j), np.zeros((0, 2), bool)])
def test_files(x: np.ndarray, tmp_path: Path) -> None:
    jnp.save(tmp_path / "x.npy", jnp.asarray(x))
    found = jnp.load(tmp_path / "x.npy")
    assert isinstance(found, lantern.Array) and found.dtype == x.dtype and found.shape == x.shape
    np.testing.assert_array_equal(np.asarray(found).astype(complex), x.astype(complex))


def test_files_of_several_arrays() -> None:
    file = io.BytesIO()
    jnp.savez(file, jnp.arange(2), w=jnp.ones(3))
    file.seek(0)
    with jnp.load(file) as found:
        assert sorted(found) == ["arr_0", "w"] and (jnp.asarray(found["w"]) + 1).tolist() == [2, 2, 2]
