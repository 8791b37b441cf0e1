"""`checked_indexing`: positions on a device that are out of range raise, with the line, the position and the bound."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
from lantern import lax
from lantern import numpy as jnp
from lantern.debug import checked_indexing
from tests.conftest import need_gpu

X = np.arange(12, dtype=np.float32).reshape(3, 4)
BAD = np.array([0, 5, -7, 1], np.int32)
USES: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "read": (lambda x, i: x[i], r"getitem: index 5 is out of range for axis 0 of f32\[3,4\] \(size 3\)"),
    "column": (lambda x, i: x[:, i], r"getitem: index 5 is out of range for axis 1 of f32\[3,4\] \(size 4\)"),
    "set": (lambda x, i: x.at[i].set(0.0), r"at\[...\].set: index 5 is out of range for axis 0"),
    "add": (lambda x, i: x.at[0, i].add(1.0), r"at\[...\].add: index 5 is out of range for axis 1"),
    "take": (lambda x, i: jnp.take(x, i, 1), r"take: index 5 is out of range for axis 1"),
    "along": (lambda x, i: jnp.take_along_axis(x, i[:3, None], 1), "take_along_axis: index 5 is out of range"),
}


@pytest.mark.parametrize("name", USES)
def test_positions_out_of_range_raise(name: str, device: str) -> None:
    use, message = USES[name]
    x, bad, good = jnp.asarray(X), jnp.asarray(BAD), jnp.asarray(np.array([0, 2, -1, 1], np.int32))
    compiled = lantern.jit(use)
    want = np.asarray(use(x, bad))
    np.testing.assert_array_equal(compiled(x, bad), want)
    with checked_indexing():
        np.testing.assert_array_equal(compiled(x, good), use(x, good))
        for f in (use, compiled):
            with pytest.raises(IndexError, match=message + r".*, at test_checked_indexing.py:\d+ in <lambda>"):
                lantern.block_until_ready(f(x, bad))
    np.testing.assert_array_equal(compiled(x, bad), want)


def test_a_mode_is_no_mistake() -> None:
    with checked_indexing():
        assert jnp.arange(3).at[jnp.asarray(BAD)].set(7, mode="drop").tolist() == [7, 7, 2]
        assert jnp.take(jnp.arange(3), jnp.asarray(BAD), mode="wrap").tolist() == [0, 2, 2, 1]


def test_in_loops_and_under_transforms() -> None:
    x = jnp.asarray(X[0])
    with checked_indexing():
        with pytest.raises(IndexError, match="index 4 is out of range for axis 0"):
            lantern.block_until_ready(lantern.jit(lambda x: lax.fori_loop(0, 6, lambda i, x: x.at[i].add(1.0), x))(x))
        with pytest.raises(IndexError, match="index 5"):
            lantern.vmap(lambda i: x[i])(BAD)
        with pytest.raises(IndexError, match="index 5"):
            lantern.block_until_ready(lantern.jit(lantern.grad(lambda x: jnp.sum(x[jnp.asarray(BAD)])))(x))
        assert lantern.grad(lambda x: x[jnp.array(1)])(x).tolist() == [0, 1, 0, 0]


def test_a_gpu_is_not_waited_for() -> None:
    """Checks inside kernels are told when somebody next waits; in a loop of many they do not pile up."""
    need_gpu()
    with lantern.default_device("gpu"), checked_indexing():
        x, bad, good = jnp.asarray(X), jnp.asarray(BAD), jnp.asarray(np.array([0, 2], np.int32))
        backend = x.device.backend
        read = lantern.jit(lambda x, i: x[i] + 1.0)
        lantern.block_until_ready(read(x, good))
        reads = backend.native.reads
        found = read(x, bad)
        assert backend.native.reads == reads
        with pytest.raises(IndexError, match=r"getitem: index 5 is out of range .*, at test_checked_indexing.py:\d+"):
            lantern.block_until_ready(found)
        assert np.asarray(found).shape == (4, 4)        # told once
        live = backend.pool.live
        loop = lantern.jit(lambda x, i: lax.fori_loop(0, 1000, lambda k, s: s + x[i % 3].sum(), 0.0))
        assert np.isfinite(float(loop(x, good)))
        backend.wait()
        assert backend.pool.live - live < 1 << 16
