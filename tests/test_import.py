"""Importing lantern: quick, without a GPU library, and warning where another package has taken its name."""
from __future__ import annotations

import os
import statistics
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from lantern.clash import warn_if_clashing
from lantern.errors import MissingExtraError
from lantern.extras import EXTRAS, require_extra

RUNS = 7
EXTRA_SECONDS = 0.2


def seconds(module: str, environment: dict[str, str]) -> float:
    """What a new process takes to import a module, in processor time: wall time would measure the other processes."""
    statement = f"import time; start = time.process_time(); import {module}; print(time.process_time() - start)"
    done = subprocess.run([sys.executable, "-c", statement], check=True, env=environment, capture_output=True)
    return float(done.stdout)


def test_import_is_quick(tmp_path: Path) -> None:
    """At most 0.2 s more than importing NumPy: median of 7 processes each. Other work on the machine only adds to what
    is measured, so the best of three tries counts; alone it is 0.13 s."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    seconds("lantern", environment)     # writes the bytecode, which every installation has
    extra = float("inf")
    for _ in range(3):
        numpy, lantern = [statistics.median([seconds(m, environment) for _ in range(RUNS)])
                          for m in ("numpy", "lantern")]
        extra = min(extra, lantern - numpy)
        if extra <= EXTRA_SECONDS:
            break
    assert extra <= EXTRA_SECONDS, f"import lantern takes {extra:.3f} s more than import numpy"


@pytest.mark.parametrize("module", ["wgpu", "sklearn", "rich", "jax", "asyncio", "importlib.metadata"])
def test_import_brings_little(module: str) -> None:
    """No GPU library, no extra, no slow part of the standard library that NumPy does not import itself."""
    statement = (f"import numpy, sys; before = {module!r} in sys.modules; import lantern; "
                 f"raise SystemExit(not before and {module!r} in sys.modules)")
    subprocess.run([sys.executable, "-c", statement], check=True)


@pytest.mark.parametrize("folder", ["lantern-0.1.2.dist-info", "Lantern-0.1.2-py3.6.egg-info"])
def test_the_other_lantern_is_noticed(tmp_path: Path, folder: str) -> None:
    """The distribution `lantern` shares our import name."""
    (tmp_path / folder).mkdir()
    pattern = r"the distribution 'lantern' \(0\.1\.2\) is installed too.*Cure: python -m pip"
    with pytest.warns(RuntimeWarning, match=pattern):
        warn_if_clashing(["/nowhere", str(tmp_path)])


def test_our_own_distribution_is_no_clash(tmp_path: Path) -> None:
    """lantern-jit itself, and other packages whose names begin alike."""
    for folder in ("lantern_jit-0.1.0.dist-info", "lanternfish-1.0.dist-info", "lantern"):
        (tmp_path / folder).mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_clashing([str(tmp_path)])


def test_import_warns_of_the_other_lantern(tmp_path: Path) -> None:
    """The check runs when lantern is imported, and points at the user's line."""
    (tmp_path / "lantern-0.1.2.dist-info").mkdir()
    done = subprocess.run([sys.executable, "-c", f"import sys; sys.path.append({str(tmp_path)!r})\nimport lantern"],
                          capture_output=True, text=True, check=True)
    assert "RuntimeWarning: the distribution 'lantern' (0.1.2) is installed too" in done.stderr


def test_a_missing_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact pip line."""
    monkeypatch.setitem(sys.modules, "sklearn", None)
    for module in [m for m in sys.modules if m.startswith("sklearn.")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(MissingExtraError, match=r'python -m pip install "lantern-jit\[examples\]"'):
        require_extra("sklearn.datasets")


def test_extras_are_declared() -> None:
    """Every extra that an error may recommend exists in pyproject.toml."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert all(f"\n{extra} = [" in text for extra in EXTRAS.values())
