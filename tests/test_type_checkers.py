"""Named sizes in other type checkers than pyright: pyrefly and mypy, in the versions that pyproject.toml pins.

They are no part of the test requirements: `pip install -e ".[test,checkers]"`.
"""
from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.types.checker import ROOT

PROGRAM = Path(__file__).parent / "types" / "portable.py"
COMMANDS = {
    "pyrefly": ("check", "--search-path", str(ROOT), "--python-version", "3.11", "--output-format", "min-text"),
    "mypy": ("--config-file", "mypy.ini", "--no-error-summary"),
}
MYPY_SETTINGS = f"""\
[mypy]
python_version = 3.11
mypy_path = {ROOT}
follow_imports = silent
[mypy-lantern.*]
ignore_errors = True
"""


def pinned(checker: str) -> str:
    """The version in pyproject.toml."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    return next(line.partition("==")[2] for line in extras["checkers"] if line.startswith(f"{checker}=="))


def need(checker: str) -> None:
    """Skip without the pinned version."""
    try:
        found = importlib.metadata.version(checker)
    except importlib.metadata.PackageNotFoundError:
        found = "none"
    if found != pinned(checker):
        pytest.skip(f'{checker} {pinned(checker)} is wanted, there is {found}: pip install ".[checkers]"')


@pytest.mark.parametrize("checker", COMMANDS)
def test_named_sizes_are_followed(checker: str, tmp_path: Path) -> None:
    need(checker)
    shutil.copy(PROGRAM, tmp_path)
    (tmp_path / "mypy.ini").write_text(MYPY_SETTINGS, encoding="utf-8")
    command = shutil.which(checker, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert command is not None, f"{checker} is installed without its command"
    done = subprocess.run([command, *COMMANDS[checker], PROGRAM.name], cwd=tmp_path, capture_output=True, text=True,
                          timeout=600, check=False)
    reported = {int(n) for n in re.findall(rf"{PROGRAM.name}:(\d+):.*(?:error:|\[[a-z-]+\])", done.stdout)}
    lines = PROGRAM.read_text(encoding="utf-8").splitlines()
    marked = {n for n, line in enumerate(lines, 1) if line.endswith("# error")}
    assert reported == marked, f"{done.stdout}\n{done.stderr}"
    assert len(marked) >= 10
