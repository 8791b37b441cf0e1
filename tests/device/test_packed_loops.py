"""Loops and branches over packed numbers: rows of odd sizes start amid words."""
from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.backends.wgpu import WgpuBackend
from lantern.devices import default_device

NAMES = ("bool", "int8", "uint8", "int16", "uint16", "float16", "bfloat16")
packed_types = pytest.mark.parametrize("dtype", [np.dtype(getattr(ml_dtypes, n, None) or n) for n in NAMES], ids=NAMES)


def draw(dtype: Any, *shape: int) -> np.ndarray[Any, Any]:
    """Small whole numbers, or bools."""
    found = np.random.default_rng(0).integers(-3, 4, shape)
    return found > 0 if dtype == np.bool_ else found.astype(dtype)


def agree(f: Any, *args: Any) -> None:
    """The GPU gives what the CPU gives."""
    with default_device("cpu"):
        want = lantern.jit(f)(*args)
    with default_device("gpu"):
        got = lantern.jit(f)(*args)
    for x, y in zip(lantern.tree.leaves(got), lantern.tree.leaves(want), strict=True):
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


@packed_types
@pytest.mark.parametrize("row", [(), (1,), (3,), (4,), (5, 3), (130,)])
def test_scans(backend: WgpuBackend, dtype: Any, row: tuple[int, ...]) -> None:
    """Rows are read, written, and turned; the carry is packed as well."""
    def step(c: Any, x: Any) -> Any:
        c = jnp.logical_xor(c, x) if dtype == np.bool_ else c + x
        return c, (c, jnp.transpose(x), x.astype(jnp.float32), jnp.any(x != 0))

    agree(lambda c, xs: lax.scan(step, c, xs), draw(dtype, *row), draw(dtype, 7, *row))
    agree(lambda c, xs: lax.scan(step, c, xs, reverse=True), draw(dtype, *row), draw(dtype, 5, *row))


@packed_types
def test_whiles_and_branches(backend: WgpuBackend, dtype: Any) -> None:
    x = draw(dtype, 5)
    turn = jnp.logical_not if dtype == np.bool_ else jnp.negative
    agree(lambda x: lax.while_loop(lambda s: s[0] < 6, lambda s: (s[0] + 1, turn(s[1])), (0, x)), x)
    agree(lambda x: lax.cond(x[0] == x[1], lambda x: turn(x), lambda x: x, x), x)


def test_rows_as_long_as_words_are_written_at_once(backend: WgpuBackend) -> None:
    xs = draw(np.dtype(np.int8), 6, 8)
    agree(lambda xs: lax.scan(lambda c, x: (c + x, c * x), jnp.zeros(8, jnp.int8), xs), xs)


@packed_types
def test_updates_at_indices(backend: WgpuBackend, dtype: Any) -> None:
    where, again = np.array([4, 0, 2]), np.array([4, 0, 4])
    agree(lambda x, y: jnp.asarray(x).at[where].set(y), draw(dtype, 7), draw(dtype, 3))
    if dtype != np.bool_:
        agree(lambda x, y: jnp.asarray(x).at[again].add(y), draw(dtype, 7), draw(dtype, 3))
        agree(lambda x, y: jnp.asarray(x).at[again].max(y), draw(dtype, 7), draw(dtype, 3))
