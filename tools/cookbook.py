"""The section "What an editor shows" of docs/typed-shapes.md: programs, and what pyright's server says of them.

    python -m tools.cookbook        writes the section anew; tests/test_editor.py checks that it is current
"""
from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.editor import Diagnostic, Editor

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "typed-shapes.md"
BEGIN, END = "<!-- begin: python -m tools.cookbook -->\n", "<!-- end: python -m tools.cookbook -->\n"

HEADER = """\
import lantern
import lantern.numpy as jnp
from lantern import lax, nn
from lantern.typing import Dim, Float, Int

class Batch(Dim): ...
class Time(Dim): ...
class Past(Dim): ...
class Heads(Dim): ...
class Pixels(Dim): ...
class Hidden(Dim): ...
class Classes(Dim): size = 10

"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A short program. What stands over the names that begin a line, `name = ...`, is shown; errors are too."""

    title: str
    program: str


RECIPES = (
    Recipe("A layer", """\
def layer(x: Float[Batch, Pixels], w: Float[Pixels, Hidden], bias: Float[Hidden]) -> Float[Batch, Hidden]:
    scores = x @ w + bias
    wrong = x @ w.T
    return nn.relu(scores)
"""),
    Recipe("Attention", """\
def attend(q: Float[Heads, Time, Hidden], k: Float[Heads, Past, Hidden]) -> Float[Heads, Time, Past]:
    scores = q @ k.mT
    weights = scores / scores.sum(-1, keepdims=True)
    forgotten = scores / scores.sum(-1)
    return nn.softmax(scores, axis=3)
"""),
    Recipe("A loss and its gradient", """\
def loss(w: Float[Pixels, Classes], x: Float[Batch, Pixels], labels: Int[Batch]) -> Float[()]:
    picked = nn.log_softmax(x @ w) * nn.one_hot(labels, Classes())
    return -picked.sum(-1).mean()

slope = lantern.grad(loss)
compiled = lantern.jit(loss)

def step(w: Float[Pixels, Classes], x: Float[Batch, Pixels], labels: Int[Batch]) -> Float[Pixels, Classes]:
    moved = w - 0.1 * slope(w, x, labels)
    swapped = slope(x, w, labels)
    return moved
"""),
    Recipe("One example, then a batch", """\
def score(x: Float[Pixels], w: Float[Pixels, Hidden]) -> Float[Hidden]:
    return x @ w

scores = lantern.vmap(score, in_axes=(0, None))

def run(x: Float[Batch, Pixels], w: Float[Pixels, Hidden]) -> None:
    rows = scores(x, w)
    single = score(x, w)
"""),
    Recipe("A scan", """\
def cell(h: Float[Hidden], x: Float[Hidden]) -> tuple[Float[Hidden], Float[()]]:
    return jnp.tanh(h + x), h.sum()

def run(h: Float[Hidden], xs: Float[Time, Hidden]) -> None:
    last, sums = lax.scan(cell, h, xs)
    turned = lax.scan(cell, h, xs.T)
"""),
    Recipe("Literal sizes", """\
a, b = jnp.zeros((3, 4)), jnp.zeros((4, 5))
product = a @ b
total = a + b
row = a[:, None, 0]
"""),
)


def told(editor: Editor, folder: Path, recipe: Recipe) -> Iterator[str]:
    """The lines of one recipe."""
    path = folder / f"{re.sub(r'[^a-z]', '_', recipe.title.lower())}.py"
    path.write_text(HEADER + recipe.program, encoding="utf-8")
    editor.open(path)
    reported, _ = editor.diagnostics(path)
    first = HEADER.count("\n") + 1
    yield from (f"### {recipe.title}", "", "```python", *recipe.program.splitlines(), "```", "", "```text")
    for number, line in enumerate(recipe.program.splitlines(), first):
        errors = [d for d in reported if d.line == number]
        if errors:
            yield from ("", f"line {number - first + 1}: {line.strip()}", *_told(errors))
        elif named := re.match(r" *([a-z, ]+?) = ", line):
            for name in named[1].split(", "):
                yield editor.hover(path, number, line.index(name) + 1).text.partition("\n\n")[0]     # no docstring
    yield from ("```", "")


def _told(errors: list[Diagnostic]) -> Iterator[str]:
    """The messages, indented."""
    for error in errors:
        yield from ["    " + line.replace("\N{NO-BREAK SPACE}", " ") for line in error.message.splitlines()]


def section() -> str:
    """What stands between the marks."""
    settings = {"pythonVersion": "3.11", "typeCheckingMode": "standard", "extraPaths": [str(ROOT)]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        with Editor(folder, settings) as editor:
            return "\n".join([line for recipe in RECIPES for line in told(editor, folder, recipe)])


def current() -> str:
    """The page with the section as it should be."""
    shown = section()
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    return before + BEGIN + shown + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(current(), encoding="utf-8")
