"""`jit(max_compiles=n)`: the call that would need one program too many says what is different about it."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import ArgumentError, RecompileError


def compiled(most: int) -> Any:
    return lantern.jit(lambda p, n, k: p["w"] * n, static_argnames="k", max_compiles=most)


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "shape": (lambda f: f({"w": np.ones(4)}, 1, 3), r"argument `p\['w'\]` was f32\[2\] and is f32\[4\]"),
    "dtype": (lambda f: f({"w": np.ones(2, int)}, 1, 3), r"argument `p\['w'\]` was f32\[2\] and is i32\[2\]"),
    "weak type": (lambda f: f({"w": np.ones(2)}, 1.0, 3), r"argument `n` was i32\*\[\] and is f32\*\[\]"),
    "static value": (lambda f: f({"w": np.ones(2)}, 1, 4), "static argument `k` was 3 and is 4"),
    "new leaf": (lambda f: f({"w": np.ones(2), "b": 1}, 1, 3), r"argument `p\['b'\]` is new"),
    "structure": (lambda f: f({"w": np.ones(2), "e": ()}, 1, 3), "the structure of the arguments was .*'e'"),
    "device": (lambda f: f({"w": lantern.device_put(np.ones(2), "emulate")}, 1, 3),
               "the device was cpu:0 and is emulate:0"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed(change: str) -> None:
    call, pattern = CHANGES[change]
    with lantern.default_device("cpu"):
        f = compiled(1)
        f({"w": np.ones(2)}, 1, 3)
        f({"w": np.zeros(2)}, 2, 3)
        assert (f.n_compiles, f.cache_size) == (1, 1)
        with pytest.raises(RecompileError, match=f"max_compiles=1 and this call needs another program: {pattern}"):
            call(f)
        assert f({"w": np.ones(2)}, 5, 3).tolist() == [5, 5]
        more = compiled(2)
        more({"w": np.ones(2)}, 1, 3)
        call(more)
        assert more.n_compiles == 2


def test_the_most_similar_kind_is_named() -> None:
    f = lantern.jit(lambda x, y: x + y, max_compiles=2)
    f(np.ones(2), np.ones(2))
    f(np.ones(3), np.ones(3))
    with pytest.raises(RecompileError, match=r"program: argument `y` was f32\[2\] and is f32\[1\]\. Give"):
        f(np.ones(2), np.ones(1))


def test_the_budget_inside_traces_and_after_clearing() -> None:
    f = lantern.jit(lambda x: jnp.sum(x * x), max_compiles=1)
    f.lower(np.ones(3))         # looking costs nothing
    f(np.ones(2))
    assert lantern.grad(f)(np.ones(2)).tolist() == [2, 2]
    with pytest.raises(RecompileError, match=r"`x` was f32\[2\] and is f32\[3\]"):
        lantern.grad(f)(np.ones(3))
    f.clear_cache()
    assert float(f(np.ones(3))) == 3


def test_budgets_that_are_none() -> None:
    for wrong in (0, -1, 1.5, "two"):
        with pytest.raises(ArgumentError, match="max_compiles must be a positive int or None"):
            lantern.jit(lambda x: x, max_compiles=wrong)    # type: ignore[arg-type]


def test_no_compiles(device: str) -> None:
    f = lantern.jit(lambda x: jnp.tanh(x) * 2)
    x, y = jnp.ones(2), jnp.ones(3)
    f(x), lantern.grad(lambda v: jnp.sum(f(v)))(x)
    with lantern.no_compiles():
        f(x), lantern.grad(lambda v: jnp.sum(f(v)))(x)
        pattern = r"jit\(<lambda>\): .*`x` was f32\[2\] and is f32\[3\], at test_budget.py"
        with pytest.raises(RecompileError, match=pattern):
            f(y)
        with pytest.raises(RecompileError, match="arctan: a compilation inside no_compiles"):
            jnp.arctan(jnp.arctan(y))
    assert f(y).shape == (3,)
