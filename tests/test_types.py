"""Static shapes: pyright accepts right programs, reports each planted mistake, and broadcasts as NumPy does.

All programs are checked by one run of pyright. In tests/types/accept nothing may be reported; in tests/types/reject
each line marked `# error: rule` must be, and no other.
"""
from __future__ import annotations

import itertools
import json
import random
import re
import runpy
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import lantern

ROOT = Path(lantern.__file__).parents[1]
PROGRAMS = Path(__file__).parent / "types"
EXAMPLE = ROOT / "lantern" / "examples" / "digits.py"
ACCEPTED = sorted(p.name for p in (PROGRAMS / "accept").glob("*.py"))
REJECTED = sorted(p.name for p in (PROGRAMS / "reject").glob("*.py"))

# Five mistakes for the digits example: what it says, and what it would say.
# The bias of another layer; a loss that is no scalar; one label for all images; the wrong axis; a transposed weight.
MISTAKES = (
    ("params.output_weight + params.output_bias", "params.output_weight + params.hidden_bias"),
    ("nn.one_hot(label, CLASSES)).sum()", "nn.one_hot(label, CLASSES))"),
    ("vmap(example_loss, in_axes=(None, 0, 0))", "vmap(example_loss, in_axes=(None, 0, None))"),
    (".argmax(-1)", ".argmax(0)"),
    ("(PIXELS, HIDDEN)) *", "(HIDDEN, PIXELS)) *"),
)
SETTINGS = {
    "pythonVersion": "3.11", "typeCheckingMode": "strict", "extraPaths": [str(ROOT)], "reportMissingTypeStubs": False,
    "reportUnusedExpression": False, "reportUnnecessaryTypeIgnoreComment": "error",
}
FUZZED_PAIRS = 60

Shape = tuple[int, ...]


@dataclass
class Report:
    """What pyright said of one file: errors (rule and message) and revealed types, by line."""

    errors: dict[int, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    revealed: dict[int, str] = field(default_factory=dict)


Reports = dict[str, Report]


def with_mistakes(text: str) -> tuple[str, list[int]]:
    """The digits example with the mistakes, and the lines that they are in."""
    lines = text.splitlines()
    patched: list[int] = []
    for right, wrong in MISTAKES:
        found = [i for i, line in enumerate(lines) if right in line]
        assert len(found) == 1, f"the digits example has {right!r} in {len(found)} lines: plant another mistake"
        lines[found[0]] = lines[found[0]].replace(right, wrong)
        patched.append(found[0] + 1)
    return "\n".join(lines) + "\n", sorted(patched)


def broadcast(a: Shape, b: Shape) -> Shape | None:
    """NumPy's rule for `+`."""
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        return None


def product(a: Shape, b: Shape) -> Shape | None:
    """NumPy's rule for `@`."""
    try:
        return (np.zeros(a) @ np.zeros(b)).shape
    except ValueError:
        return None


def fuzzed_cases() -> list[tuple[str, Shape, Shape, Shape | None]]:
    """Operators with random operands of rank 0 to 3, and the shapes that NumPy gives (None: an error)."""
    shapes = [s for rank in range(4) for s in itertools.product((1, 2, 3), repeat=rank)]
    pairs = random.Random(0).sample(list(itertools.product(shapes, shapes)), FUZZED_PAIRS)
    return [(op, a, b, rule(a, b)) for a, b in pairs for op, rule in (("+", broadcast), ("@", product))]


def annotation(shape: Shape) -> str:
    """The type of a float32 array of this shape, as pyright writes it."""
    return f"Array[{', '.join(['f32', *[f'Literal[{n}]' for n in shape]])}]"


def fuzzed_program() -> str:
    """One function a line."""
    lines = ["from typing import Literal, reveal_type", "from lantern.typing import Array, f32"]
    for i, (op, a, b, _) in enumerate(fuzzed_cases()):
        x, y = [annotation(s) if s else "Array[f32, *tuple[()]]" for s in (a, b)]
        lines.append(f"def case_{i}(x: {x}, y: {y}): reveal_type(x {op} y)")
    return "\n".join(lines) + "\n"


FUZZ_HEADER = 2


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """All programs, checked in one run."""
    folder = tmp_path_factory.mktemp("types").resolve()
    for kind in ("accept", "reject"):
        shutil.copytree(PROGRAMS / kind, folder / kind)
    example = EXAMPLE.read_text(encoding="utf-8")
    (folder / "digits.py").write_text(example, encoding="utf-8")
    (folder / "digits_mistakes.py").write_text(with_mistakes(example)[0], encoding="utf-8")
    (folder / "fuzz.py").write_text(fuzzed_program(), encoding="utf-8")
    (folder / "pyrightconfig.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.startswith("{"), f"pyright did not run:\n{done.stdout}\n{done.stderr}"
    found: Reports = defaultdict(Report)
    for d in json.loads(done.stdout)["generalDiagnostics"]:
        report, line = found[Path(d["file"]).relative_to(folder).as_posix()], d["range"]["start"]["line"] + 1
        if d["severity"] == "error":
            report.errors[line].append((d.get("rule", ""), d["message"]))
        elif shown := re.match(r'Type of ".*?" is "(.*)"$', d["message"]):
            report.revealed[line] = shown[1]
    return found


def described(name: str, report: Report, lines: Sequence[int]) -> str:
    """The errors in these lines, for a failure message."""
    errors = [(n, rule, message.splitlines()[0]) for n in sorted(lines) for rule, message in report.errors[n]]
    return "\n".join([f"{name}:{n}: {message} ({rule})" for n, rule, message in errors])


@pytest.mark.parametrize("name", [*[f"accept/{n}" for n in ACCEPTED], "digits.py"])
def test_right_programs_are_accepted(reports: Reports, name: str) -> None:
    report = reports[name]
    assert not report.errors, "pyright reports what is right:\n" + described(name, report, list(report.errors))


@pytest.mark.parametrize("name", REJECTED)
def test_each_mistake_is_reported(reports: Reports, name: str) -> None:
    text = (PROGRAMS / "reject" / name).read_text(encoding="utf-8")
    marks = {n: mark[1] for n, line in enumerate(text.splitlines(), 1) if (mark := re.search(r"# error: (\w+)", line))}
    report = reports[f"reject/{name}"]
    problems = [f"{name}:{n}: not reported, wanted {rule}: {text.splitlines()[n - 1].partition('#')[0].strip()}"
                for n, rule in marks.items() if rule not in [r for r, _ in report.errors.get(n, [])]]
    problems += [f"not marked: {described(name, report, [n])}" for n in report.errors if n not in marks]
    assert not problems, "\n".join(problems)


def test_the_five_mistakes_in_the_digits_example_and_nothing_else(reports: Reports) -> None:
    report = reports["digits_mistakes.py"]
    _, patched = with_mistakes(EXAMPLE.read_text(encoding="utf-8"))
    assert sorted(report.errors) == patched, described("digits_mistakes.py", report, list(report.errors))
    assert len(patched) == len(MISTAKES)


def test_editors_show_the_names_of_the_sizes(reports: Reports) -> None:
    text = (PROGRAMS / "accept" / "hover.py").read_text(encoding="utf-8")
    wanted = {n: mark[1] for n, line in enumerate(text.splitlines(), 1) if (mark := re.search(r"# shows: (.*)$", line))}
    assert reports["accept/hover.py"].revealed == wanted


@pytest.mark.parametrize("op", ["+", "@"])
def test_shapes_combine_as_in_numpy(reports: Reports, op: str) -> None:
    report = reports["fuzz.py"]
    problems: list[str] = []
    for i, (operator, a, b, wanted) in enumerate(fuzzed_cases()):
        line = FUZZ_HEADER + i + 1
        refused = "reportOperatorIssue" in [rule for rule, _ in report.errors.get(line, [])]
        got = None if refused else report.revealed.get(line, "nothing")
        if operator == op and got != (None if wanted is None else annotation(wanted)):
            problems.append(f"{a} {op} {b}: NumPy gives {wanted}, pyright {got}")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_programs_run(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(PROGRAMS / "accept" / name))
