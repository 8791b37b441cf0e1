"""Slices and rows at computed places on the CPU backend: the same elements, without an index for each of them."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import jit, lax
from lantern.backends.emulate import run_program
from lantern.backends.numpy import NumpyBackend
from lantern.devices import CPU

BACKEND = NumpyBackend()
X = np.arange(60, dtype=np.float32).reshape(5, 4, 3)
PLACES = np.array([0, 3, -1, 7, 2], np.int32)


@pytest.fixture(autouse=True)
def on_cpu() -> Any:
    with lantern.default_device(CPU):
        yield


READS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "rows": (lambda x, i: x[i], ".take("),
    "middle": (lambda x, i: x[:, i], ".take("),
    "last": (lambda x, i: x[:, :, i], ".take("),
    "first two axes at once": (lambda x, i: jnp.reshape(x, (20, 3))[i], ".take("),
    "rows of two": (lambda x, i: x[jnp.reshape(i[:4], (2, 2))], ".take("),
    "rows, then more": (lambda x, i: jnp.sum(x[i] * 2 + x[i[::-1]], axis=0), ".take("),
    "row": (lambda x, i: x[i[1]], ".item()"),
    "column": (lambda x, i: x[:, i[1]] + 1, ".item()"),
    "element": (lambda x, i: x[i[0], i[1], i[2]] * 2, ".item()"),
    "row and column": (lambda x, i: x[i[1], :, i[2]], ".item()"),
    "slice": (lambda x, i: lax.dynamic_slice(x, (i[1], i[0], i[2]), (2, 2, 3)), ".item()"),
    "slice of bits": (lambda x, i: lax.bitcast_convert_type(x[i[1]], jnp.int32), ".item()"),
    "product": (lambda x, i: x[i[1]] @ x[i[2]].T, ".item()"),
    "sum": (lambda x, i: x[i[1]].sum(0), ".item()"),
    "backwards": (lambda x, i: x[i][:, ::-1], ""),
}
WRITES: dict[str, Callable[[Any, Any], Any]] = {
    "set row": lambda x, i: x.at[i[1]].set(7.0),
    "add row": lambda x, i: x.at[i[1]].add(x[i[2]]),
    "max element": lambda x, i: x.at[i[1], i[2], i[0]].max(50.0),
    "multiply column": lambda x, i: x.at[:, i[1]].multiply(x[:, 0]),
    "update": lambda x, i: lax.dynamic_update_slice(x, x[:2, :2, :2] * 3, (i[1], i[2], i[0])),
    "outside": lambda x, i: x.at[i[3]].set(7.0),
    "set from itself": lambda x, i: x.at[i[1]].set(x[i[1]] * 2),
    "shifted over itself": lambda x, i: lax.dynamic_update_slice(x, x[:4], (i[4] - 1, 0, 0)),
    "read before": lambda x, i: (x.at[i[1]].set(0.0), x[i[1]], x[i[1]] + 1),
}


def check(f: Callable[..., Any], *args: Any, donate: tuple[int, ...] = ()) -> str:
    """Agrees with the emulator; the generated function."""
    program = jit(f, donate_argnums=donate).lower(*map(jnp.asarray, args)).program
    run = BACKEND.compile(program)
    for _ in range(2):
        found = run([BACKEND.write(np.asarray(a)) for a in args])
        for x, y in zip(found, run_program(program, list(map(np.asarray, args))), strict=True):
            np.testing.assert_allclose(x, y, 1e-6)
            assert x.dtype == y.dtype and x.shape == y.shape
    return BACKEND.source(program)


@pytest.mark.parametrize("name", READS)
def test_reads(name: str) -> None:
    f, how = READS[name]
    assert how in check(f, X, PLACES)


@pytest.mark.parametrize("donate", [(), (0,)])
@pytest.mark.parametrize("name", WRITES)
def test_writes(name: str, donate: tuple[int, ...]) -> None:
    assert "scatter(" not in check(WRITES[name], X, PLACES, donate=donate)


def test_repeated_places_still_add_up() -> None:
    assert "scatter(" in check(lambda x, i: x.at[jnp.zeros(3, jnp.int32)].add(1.0), X, PLACES)


@pytest.mark.parametrize("shape", [(1, 3), (1, 1), (4, 1), (4, 0)])
def test_thin_arrays(shape: tuple[int, int]) -> None:
    x = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
    for f in (lambda x, i: x[i], lambda x, i: x[i[0]] + 1, lambda x, i: x.at[i[0]].set(5.0)):
        check(f, x, PLACES)


def test_a_loop_walks_over_rows() -> None:
    """Reading and writing row i of what a loop carries and of what it does not."""
    def f(table: Any, x: Any) -> Any:
        return lax.fori_loop(0, 4, lambda i, x: x.at[i].set(x[i - 1] + table[i]), x)
    text = check(f, X[0], X[1])
    assert ".take(" not in text and "scatter(" not in text
    wanted = X[1].copy()
    for k in range(4):
        wanted[k] = wanted[k - 1] + X[0][k]
    np.testing.assert_array_equal(jit(f)(jnp.asarray(X[0]), jnp.asarray(X[1])), wanted)
