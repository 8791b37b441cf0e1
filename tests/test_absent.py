"""Names of JAX that lantern leaves out: what the error says, and that its cures exist."""
from __future__ import annotations

import importlib
import re
from typing import Any

import pytest

import lantern
from lantern.absent.hints import HINTS

WORDS = [(module, names, hint) for module, hints in HINTS.items() for names, hint in hints.items()]
CURES = sorted({cure for _, _, hint in WORDS for cure in re.findall("`([^`]+)`", hint)})


def resolved(path: str) -> Any:
    """What a dotted path from `lantern` names."""
    found: Any = lantern
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("cure", CURES)
def test_every_cure_exists(cure: str) -> None:
    importlib.import_module("lantern.scipy.linalg"), importlib.import_module("lantern.scipy.special")
    assert resolved(cure) is not None


@pytest.mark.parametrize("module", HINTS)
def test_a_module_answers_with_its_hints(module: str) -> None:
    found = importlib.import_module(module)
    for names, hint in HINTS[module].items():
        for name in names.split():
            assert not hasattr(found, name), f"{module}.{name} exists: its hint is of no use"
            with pytest.raises(AttributeError, match=rf"^{re.escape(f'{module} has no {name}: {hint}')}$"):
                getattr(found, name)


def test_no_name_is_hinted_twice() -> None:
    for module, hints in HINTS.items():
        every = " ".join(hints).split()
        assert len(every) == len(set(every)), module


def test_other_names_get_those_that_are_close() -> None:
    with pytest.raises(AttributeError, match=r"^lantern\.numpy has no arrange\. Did you mean arange"):
        _ = lantern.numpy.arrange       # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"^lantern\.lax has no xyzzyxyzzy$"):
        _ = lantern.lax.xyzzyxyzzy      # type: ignore[attr-defined]
    assert not hasattr(lantern.numpy, "__wrapped__")
    assert getattr(lantern.nn, "rleu", None) is None
    with pytest.raises(ImportError, match="polyfit"):
        exec("from lantern.numpy import polyfit")


def test_stubs_know_nothing_of_it() -> None:
    """A type checker must see a missing name as missing."""
    for module in ("numpy", "lax", "nn", "random"):
        path = importlib.import_module(f"lantern.{module}").__file__
        assert path is not None
        with open(path.replace(".py", ".pyi"), encoding="utf-8") as stub:
            assert "__getattr__" not in stub.read()
