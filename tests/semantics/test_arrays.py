"""The second table of docs/semantics.md: one row, one test, on every device. A test's docstring begins with its row."""
from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.backends.dlpack import VERSIONED
from lantern.errors import LanternError, TracerConversionError


def test_equality(device: str) -> None:
    """equality: elementwise; no hash."""
    x = jnp.asarray([1.0, 2.0])
    np.testing.assert_array_equal(np.asarray(x == 2), [False, True])
    np.testing.assert_array_equal(np.asarray(x != x), [False, False])
    assert (x == "two") is False
    assert (x == None) is False    # noqa: E711
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)


def test_truth(device: str) -> None:
    """truth: one element only."""
    assert bool(jnp.asarray([[3.0]]))
    assert not jnp.asarray(0)
    with pytest.raises((TypeError, ValueError), match=r"any\(\) or all\(\)"):
        bool(jnp.ones((2,)))


def test_iteration(device: str) -> None:
    """iteration: along axis 0; rank 0 raises."""
    rows = list(jnp.asarray(np.arange(6).reshape(3, 2)))
    assert [r.tolist() for r in rows] == [[0, 1], [2, 3], [4, 5]]
    first, *_ = jnp.ones((3,))
    assert first.shape == ()
    with pytest.raises(TypeError, match="rank 0"):
        iter(jnp.asarray(1.0))


def test_assignment(device: str) -> None:
    """assignment: arrays never change."""
    x = y = jnp.ones((2,))
    x += 1
    assert (x.tolist(), y.tolist()) == ([2, 2], [1, 1])
    with pytest.raises(TypeError, match="immutable"):
        x[0] = 5    # pyright: ignore[reportIndexIssue]


def test_copies_and_pickles(device: str) -> None:
    """copies and pickles: keep value, dtype and device; compiled functions say why not."""
    x = jnp.asarray([1, 2], "uint32")
    for y in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert (y.tolist(), y.dtype, y.device) == (x.tolist(), x.dtype, x.device)
    with pytest.raises((TypeError, LanternError), match=r"compiled|jit|pickle"):
        pickle.dumps(lantern.jit(lambda x: x))


def test_isinstance(device: str) -> None:
    """isinstance: tracers are Arrays."""
    seen: list[bool] = []

    def f(x: Any) -> Any:
        seen.append(isinstance(x, lantern.Array))
        return x * 2

    lantern.jit(f)(1.0)
    lantern.grad(f)(1.0)
    lantern.vmap(f)(jnp.ones((2,)))
    assert len(seen) >= 3
    assert all(seen)
    assert isinstance(jnp.ones((2,)), lantern.Array)


class Celsius:
    """A foreign object that knows its array."""

    def __lantern_array__(self) -> np.ndarray[Any, Any]:
        return np.array([20.0, 30.0], np.float32)


def test_foreign_objects(device: str) -> None:
    """foreign objects: in by protocol, out by numpy.asarray."""
    assert (jnp.asarray(Celsius()) + 1).tolist() == [21, 31]
    assert (jnp.ones((2,)) + np.array([1, 2], np.float32)).tolist() == [2, 3]
    assert isinstance(np.ones(2, np.float32) + jnp.ones((2,)), lantern.Array)
    assert np.asarray(jnp.ones((2,))).dtype == np.float32
    x = jnp.asarray([1.0, 2.0])
    for found, wanted in ((np.exp2(x), [2, 4]), (np.sum(x), 3), (np.mean(x, axis=0), 1.5), (np.add(x, [1, 1]), [2, 3]),
                          (np.concatenate([x, np.ones(1)]), [1, 2, 1])):
        assert isinstance(found, (np.ndarray, np.generic))
        np.testing.assert_array_equal(found, wanted)


def test_dlpack(device: str) -> None:
    """DLPack: others get a copy, or what is marked as read-only; what is taken is never written."""
    x: Any = jnp.ones((2,))
    taken = np.from_dlpack(x)
    taken += 1
    assert x.tolist() == [1, 1] and taken.tolist() == [2, 2]
    if device == "gpu":
        with pytest.raises(BufferError, match="needs a copy"):
            x.__dlpack__(copy=False)
    elif VERSIONED:
        assert not np.from_dlpack(x, copy=False).flags.writeable
    given = np.ones(2, np.float32)
    y: Any = jnp.from_dlpack(given)
    assert lantern.jit(lambda v: v + 1, donate_argnums=0)(y).tolist() == [2, 2] and given.tolist() == [1, 1]


def test_tracer_conversions(device: str) -> None:
    """tracer conversions: values where known, never to NumPy."""
    def reads(x: Any) -> Any:
        y = x * 2
        assert (bool(y > 3), int(y), float(y), y.item(), f"{y:.1f}") == (True, 6, 6.0, 6.0, "6.0")
        assert "6." in repr(y)
        return y * x

    assert float(lantern.grad(reads)(3.0)) == 12.0
    conversions = [np.sin, np.sum, np.asarray, lambda x: np.from_dlpack(x), lambda x: np.stack([jnp.ones(()), x])]
    for convert in conversions:
        with pytest.raises(TracerConversionError, match=r"at test_arrays.py:\d+.*(lantern.numpy|lantern.device_get)"):
            lantern.grad(lambda x, convert=convert: x * convert(x))(3.0)


def test_gradient_cut_by_float(device: str) -> None:
    """gradient cut by float: an error if nothing is left, else the documented partial cut."""
    with pytest.raises(LanternError, match=r"depends on no|does not depend"):
        lantern.grad(lambda x: jnp.asarray(float(x)) * 2)(3.0)
    assert float(lantern.grad(lambda x: x * float(x))(3.0)) == 3.0
    assert float(lantern.grad(lambda x: x * math.sin(x))(3.0)) == pytest.approx(math.sin(3.0))


def test_index_out_of_range(device: str) -> None:
    """index out of range: IndexError for integers; arrays are clipped where they read and dropped where they write."""
    x = jnp.asarray([1.0, 2.0, 3.0])
    for index in (3, -4, np.int32(7)):
        with pytest.raises(IndexError):
            x[index]
    assert float(x[-1]) == 3
    assert jnp.take(x, jnp.asarray([0, 7]), axis=0).tolist() == [1, 3]
    assert x[jnp.asarray([7, 1])].tolist() == [3, 2]
    assert x.at[jnp.asarray([7, 1, -9])].set(0).tolist() == [1, 0, 3]
    assert x.at[jnp.asarray([7, 1])].add(1, mode="clip").tolist() == [1, 3, 4]


def test_repeated_positions(device: str) -> None:
    """repeated positions: the last `set` wins, the others combine."""
    x, i, v = jnp.asarray([1.0, 2.0, 3.0]), jnp.asarray([1, 1, 0, 1]), jnp.asarray([5.0, 7.0, 2.0, 6.0])
    assert x.at[i].set(v).tolist() == [2, 6, 3]
    assert x.at[i].add(v).tolist() == [3, 20, 3]
    assert x.at[i].multiply(v).tolist() == [2, 420, 3]
    assert x.at[i].min(v).tolist() == [1, 2, 3]
    assert x.at[i].max(v).tolist() == [2, 7, 3]


def test_printing(device: str) -> None:
    """printing: NumPy's look, with shape, dtype and device."""
    x = jnp.asarray([[1.0, 2.5]]) * 1
    assert str(x) == "[[1.  2.5]]"
    assert f"{x.sum():.2f}" == "3.50"
    assert repr(x).startswith("Array([[1. , 2.5]], shape=(1, 2), dtype=float32, device=")
