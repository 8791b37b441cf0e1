"""What an editor shows of a typed model, and how soon: pyright's language server, asked over its protocol."""
from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_types import PROGRAMS
from tests.types.checker import SETTINGS
from tools import cookbook
from tools.editor import Editor

MODEL = PROGRAMS / "accept" / "transformer.py"
COLD, WARM = 10.0, 0.3      # seconds until a file is checked, and of a hover; on two cores with nothing else to do
BUSY = 3                    # how much slower the machine may be

SHOWN = {
    "centred = ": "(variable) centred: Array[f32, *Shape@normalise, Width]",
    "masked = ": "(variable) masked: Array[f32, Heads, Time, Time]",
    "embedded = ": "(variable) embedded: Array[f32, Time, Width]",
    "losses = lantern.vmap": "(variable) losses: Array[f32, Batch]",
    "jacobian = ": "(variable) jacobian: Array[f32, Width, Width]",
    "symbol = (": "(variable) symbol: Array[i32]",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model in a folder of its own, with a mistake and an unfinished line in other files."""
    folder = tmp_path_factory.mktemp("editor").resolve()
    shutil.copy(MODEL, folder / "model.py")
    (folder / "wrong.py").write_text(
        "import lantern.numpy as jnp\nx = jnp.zeros((3, 4)) + jnp.zeros((4, 5))\n", encoding="utf-8")
    (folder / "unfinished.py").write_text("import lantern.numpy as jnp\njnp.zeros((3, 4)).me\n", encoding="utf-8")
    return folder / "model.py"


@pytest.fixture(scope="module")
def editor(model: Path) -> Iterator[Editor]:
    with Editor(model.parent, SETTINGS) as editor:
        yield editor


def _named(path: Path, start: str) -> tuple[int, int]:
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [(n, line.index(start)) for n, line in enumerate(lines, 1) if line.lstrip().startswith(start)]
    assert found, f"no line of {path.name} begins with {start!r}"
    return found[0][0], found[0][1] + 1


def test_a_typed_model_is_checked_soon(editor: Editor, model: Path) -> None:
    assert len(model.read_text(encoding="utf-8").splitlines()) >= 375
    start = time.perf_counter()
    editor.open(model)
    reported, _ = editor.diagnostics(model)
    seconds = time.perf_counter() - start
    assert not reported, reported
    assert seconds < COLD * BUSY, f"{seconds:.1f} s"


@pytest.mark.parametrize("start", SHOWN)
def test_an_editor_shows_names_of_sizes(editor: Editor, model: Path, start: str) -> None:
    editor.open(model)
    assert editor.hover(model, *_named(model, start)).text == SHOWN[start]


def test_hovers_come_at_once(editor: Editor, model: Path) -> None:
    editor.open(model)
    editor.diagnostics(model)
    places = [_named(model, start) for start in SHOWN] * 4
    seconds = [editor.hover(model, *place).seconds for place in places[:20]]
    assert statistics.median(seconds) < WARM * BUSY, seconds


def test_mistakes_are_told_with_both_shapes(editor: Editor, model: Path) -> None:
    path = model.parent / "wrong.py"
    editor.open(path)
    reported, _ = editor.diagnostics(path)
    assert {d.line for d in reported} == {2}
    message = next(d.message for d in reported if d.rule == "reportOperatorIssue")
    assert "Array[f32, Literal[3], Literal[4]]" in message and "Array[f32, Literal[4], Literal[5]]" in message


def test_methods_are_offered(editor: Editor, model: Path) -> None:
    path = model.parent / "unfinished.py"
    editor.open(path)
    names, _ = editor.completions(path, 2, len("jnp.zeros((3, 4)).me") + 1)
    assert "mean" in names


def test_the_page_shows_what_an_editor_shows() -> None:
    page = cookbook.PAGE.read_text(encoding="utf-8")
    assert cookbook.current() == page, "docs/typed-shapes.md is not current: run python -m tools.cookbook"
