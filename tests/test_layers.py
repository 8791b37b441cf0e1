"""The house rules that a program can check: imports point down, files are short, primitives live in their rooms."""
from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "lantern").rglob("*.py"))
CODE = [p for folder in ("lantern", "tests", "tools", "benchmarks") for p in sorted((ROOT / folder).rglob("*.py"))]
LINES = 500


def name(path: Path) -> str:
    """The path inside the repository: the id of a test."""
    return path.relative_to(ROOT).as_posix()


def test_imports_point_down() -> None:
    """The contracts of import-linter, in pyproject.toml."""
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", CODE, ids=name)
def test_no_file_is_long(path: Path) -> None:
    """Past 500 lines a file holds two rooms (generated stubs are .pyi and do not count)."""
    assert len(path.read_text().splitlines()) <= LINES


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_say_what_they_are(path: Path) -> None:
    """Each file begins with a docstring; only the empty `__init__.py` of a folder may be silent."""
    text = path.read_text()
    assert not text or ast.get_docstring(ast.parse(text)), f"{name(path)} has no docstring"


def test_primitives_are_made_in_their_rooms() -> None:
    """`Primitive(` stands in ops/, transforms/ and extend/ only: a primitive's rules are one file's story."""
    made = {name(p).split("/")[1] for p in SOURCES if re.search(r"(?<![\w.])Primitive\(", p.read_text())}
    assert made - {"ops", "transforms", "extend"} == set()


def test_only_the_backend_knows_wgpu() -> None:
    """Nothing outside lantern/backends/wgpu mentions the wgpu package in an import (import-linter sees the rest)."""
    pattern = re.compile(r"^\s*(import wgpu|from wgpu)", re.MULTILINE)
    found = [name(p) for p in SOURCES if pattern.search(p.read_text())]
    assert all(p.startswith("lantern/backends/wgpu/") for p in found), found
