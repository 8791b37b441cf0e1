"""Functions that leave the process: a second one loads and runs them, on any device, and differentiates them."""
from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import export, lax, random, tree
from lantern.examples import digits
from tests.conftest import need_gpu

SECOND = Path(__file__).with_name("second.py")
X = np.linspace(-1.0, 2.0, 6, dtype=np.float32)
W = np.random.default_rng(0).normal(size=(6, 6)).astype(np.float32)


def loops(x: Any) -> Any:
    """scan, cond, while, and constants that no number in JSON can say."""
    def step(c: Any, r: Any) -> Any:
        return lax.cond(jnp.sum(r) > 0, lambda c: c * 0.5 + r, lambda c: c - jnp.sin(r), c), c.sum()

    carry, ys = lax.scan(step, jnp.zeros(6), x * jnp.asarray(W))
    doubled = lax.while_loop(lambda v: jnp.max(v) < 50.0, lambda v: v * 2.0, jnp.abs(carry) + 1.0)
    odd = jnp.where(x > 1e9, jnp.nan, jnp.where(x > 1.5, -0.0, jnp.inf))
    return {"carry": carry, "ys": ys, "doubled": doubled, "odd": 1.0 / odd}


@lantern.custom_vjp
def clipped(x: Any) -> Any:
    return x * x


clipped.defvjp(lambda x: (x * x, x), lambda x, g: (jnp.clip(2.0 * x * g, -1.0, 1.0),))


def ruled(x: Any) -> Any:
    """A rule of the user's own decides about the gradient."""
    return jnp.sum(clipped(x) * jnp.arange(6.0))


def step(params: Any, velocity: Any, data: Any, key: Any) -> Any:
    """The digits' update, with plain containers around."""
    state = digits.State(digits.Params(*params), digits.Params(*velocity))
    state, loss = digits.update(state, digits.Data(*data), key)
    return list(state.params), list(state.velocity), loss


def digits_arguments() -> Any:
    with lantern.default_device("cpu"):
        data = digits.load()
        params = digits.initial_params(random.key(0))
    host = [np.asarray(x) for x in params]
    return host, [np.zeros_like(x) for x in host], [np.asarray(x) for x in data], random.key(1)


FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[[], Any], dict[str, Any]]] = {
    "loops": (loops, lambda: (X,), {}),
    "grad_tanh": (lambda x: jnp.sum(jnp.tanh(jnp.asarray(W) @ x) ** 2), lambda: (X,), {}),
    "grad_ruled": (ruled, lambda: (X,), {}),
    "donated": (lambda x, y: (x + y, jnp.cumsum(x)), lambda: (X, X), {"donate_argnums": 0}),
    "draws": (lambda key, n: random.normal(key, (4,)) + n, lambda: (random.key(7), np.int32(3)), {}),
    "digits": (step, digits_arguments, {}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files, and what the functions give here, on the CPU."""
    where = tmp_path_factory.mktemp("exported")
    with lantern.default_device("cpu"):
        for name, (f, make, options) in FUNCTIONS.items():
            args = make()
            exported = export.export(lantern.jit(f, **options))(*args)
            export.save(where / f"{name}.lantern", exported, vjp_order=1)
            leaves = tree.leaves(args)
            host = [np.asarray(random.key_data(x))[-1] if "key" in str(a) else np.asarray(x)
                    for x, a in zip(leaves, exported.in_avals, strict=True)]
            np.savez(where / f"{name}.args.npz", *host)
            outs = tree.leaves(lantern.jit(f)(*args))
            if name.startswith("grad_"):
                outs += [lantern.grad(f)(*args), lantern.vmap(f)(*[np.stack([x, 2.0 * x]) for x in args])]
            np.savez(where / f"{name}.here.npz", *map(np.asarray, outs))
    return where


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_a_second_process(folder: Path, device: str) -> None:
    if device == "gpu":
        need_gpu()
    done = subprocess.run([sys.executable, str(SECOND), str(folder), device], capture_output=True, text=True,
                          cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONPATH": "."})
    assert done.returncode == 0, done.stderr
    for name in FUNCTIONS:
        with np.load(folder / f"{name}.here.npz") as here, np.load(folder / f"{name}.{device}.npz") as there:
            assert list(here) == list(there)
            for k in here:
                np.testing.assert_allclose(there[k], here[k], rtol=2e-4, atol=1e-5, err_msg=f"{name}: {k}")
                if device == "cpu":
                    np.testing.assert_array_equal(there[k], here[k], err_msg=f"{name}: {k}")


def test_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of docs/export.md runs, and the file that it writes is laid out as the page says."""
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "export.md", "exec"), scope)
        np.testing.assert_allclose(scope.pop("y"), np.tanh(np.full((5, 4), 3.0)), rtol=1e-6)
    arrays = 15 + 12 + 4 + 20
    assert scope["costs"] == {"flops": 2 * 5 * 3 * 4 + 20, "transcendentals": 20, "bytes accessed": 4 * arrays}
    data = (tmp_path / "step.lantern").read_bytes()
    assert data[:16] == b"lantern.export\0\0" and struct.unpack("<I", data[16:20]) == (1,)
    assert data[20:52] == hashlib.sha256(data[52:]).digest()
    length, = struct.unpack("<Q", data[52:60])
    assert (60 + length) % 64 == 0
    header = json.loads(data[60: 60 + length])
    named = set(re.findall(r"`(\w+)`", page.partition("| name | value |")[2].partition("Parameters are")[0]))
    assert set(header) <= named
    assert [a for a in header["avals"] if a[0] == [3, 4]] == [[[3, 4], "f32", False]]
    assert all(j["eqns"] is not None and set(j) == {"in", "eqns", "out"} for j in header["jaxprs"])
