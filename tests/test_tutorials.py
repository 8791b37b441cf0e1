"""JAX's tutorials run with other imports: each program gives JAX's numbers, and nothing else in it is lantern's."""
from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lantern

FOLDER = Path(__file__).parent / "tutorials"
IMPORT = re.compile(r"^(import|from) lantern\b.*$", re.MULTILINE)

# What each program must come to; where JAX is installed, all its numbers are compared with JAX's.
PROGRAMS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "neural_network": lambda r: float(r["accuracy"]) > 0.9 and float(r["after"]) < 0.2 * float(r["before"]),
    "autobatching": lambda r: float(r["elbo"][-1]) > float(r["elbo"][0]) + 5 and np.allclose(r["by_hand"], r["by_vmap"],
                                                                                         rtol=1e-4),
    "autodiff_cookbook": lambda r: np.allclose([*r["log1pexp"], r["sqrt"]], [0.95257413, 1.0, 2 ** 0.5]),
    "convolutions": lambda r: r["up"].shape == (1, 61, 77, 3) and float(r["losses"][-1]) < 0.5 * float(r["losses"][0]),
}


@pytest.fixture(autouse=True)
def on_cpu() -> Iterator[None]:
    """The CPU is the default device."""
    with lantern.default_device("cpu"):
        yield


def source(name: str) -> str:
    return (FOLDER / f"{name}.py").read_text("utf-8")


def for_jax(text: str) -> str:
    """The program as its author wrote it: `lantern` is `jax` again in the lines that import."""
    def line(found: re.Match[str]) -> str:
        return found[0].replace("import lantern as jax", "import jax").replace("lantern", "jax")

    return IMPORT.sub(line, text)


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_runs(name: str) -> None:
    found = importlib.import_module(f"tests.tutorials.{name}").main()
    assert PROGRAMS[name](found)


@pytest.mark.parametrize("name", PROGRAMS)
def test_only_imports_are_changed(name: str) -> None:
    text = source(name)
    assert "lantern" not in IMPORT.sub("", text)
    changed = for_jax(text)
    compile(changed, f"{name}.py", "exec")
    lines = list(zip(text.splitlines(), changed.splitlines(), strict=True))
    assert 2 <= sum([one != other for one, other in lines]) <= 5


@pytest.mark.parametrize("name", PROGRAMS)
def test_jax_gives_the_same_numbers(name: str) -> None:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("JAX is not installed: its numbers cannot be compared")
    room: dict[str, Any] = {"__name__": name}
    exec(compile(for_jax(source(name)), f"{name}.py", "exec"), room)
    wanted = room["main"]()
    found = importlib.import_module(f"tests.tutorials.{name}").main()
    assert found.keys() == wanted.keys()
    for what, value in found.items():
        for one, other in zip(lantern.tree.leaves(value), lantern.tree.leaves(wanted[what]), strict=True):
            np.testing.assert_allclose(np.asarray(one), np.asarray(other), 2e-3, 2e-3, err_msg=what)
