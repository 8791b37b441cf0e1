"""The documents are true: CI runs their commands, examples run, links lead somewhere, each row has its test."""
from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lantern import config

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def readme_commands() -> list[str]:
    """The indented commands of the README, cut at `&&`."""
    lines = re.findall(r"^    (python -m .*)$", README, re.MULTILINE)
    return [part.strip() for line in lines for part in line.split("&&")]


def test_ci_runs_the_commands_of_the_readme() -> None:
    """Word for word; .ci/run may add options behind them."""
    script = (ROOT / ".ci" / "run").read_text()
    commands = readme_commands()
    assert len(commands) == 4, commands
    for command in commands:
        assert f"run '{command}" in script, f".ci/run does not run {command}"


def test_the_readme_example_runs() -> None:
    """The Python block runs as it stands, and its last line prints that the loss has become small."""
    block, = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    done = subprocess.run([sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.01
    assert len([line for line in block.splitlines() if line and not line.startswith(("import", "from"))]) <= 20


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Relative links of all pages, and their headings."""
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        file, _, heading = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), f"{page.name} links to {target}"
        if heading:
            titles = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
            assert heading in [re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles]


def test_decisions_are_numbered() -> None:
    """0001, 0002, ... without a gap, each with the same three headings."""
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [r.name[:4] for r in records] == [f"{i:04}" for i in range(1, len(records) + 1)]
    for record in records:
        assert re.findall(r"^## (.*)$", record.read_text(), re.MULTILINE) == ["Question", "Decision", "Consequences"]


def rows() -> list[str]:
    """The first cells of the tables in docs/semantics.md."""
    cells = re.findall(r"^\| ([^|]+?) \|", (ROOT / "docs" / "semantics.md").read_text(), re.MULTILINE)
    return [c for c in cells if c not in ("case", "---")]


def test_each_row_of_the_semantics_has_its_test() -> None:
    """tests/semantics has one test a row; the test's docstring begins with the row's first cell."""
    tests = [node for path in sorted((ROOT / "tests" / "semantics").glob("test_*.py"))
             for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
    titles = [(ast.get_docstring(t) or "").partition(":")[0] for t in tests if t.name.startswith("test_")]
    assert sorted(titles) == sorted(rows())


def test_each_setting_is_documented() -> None:
    """docs/semantics.md names every LANTERN_ variable, and no other."""
    named = set(re.findall(r"LANTERN_[A-Z0-9_]+", (ROOT / "docs" / "semantics.md").read_text()))
    assert named == {s.variable for s in config.SETTINGS}
