"""Static shapes: pyright accepts right programs and reports each planted mistake.

All programs are checked by one run of pyright. In tests/types/accept nothing may be reported; in tests/types/reject
each line marked `# error: rule` must be, and no other.
"""
from __future__ import annotations

import re
import runpy
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.types.checker import ROOT, Report, Reports, checked

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


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """All programs, checked in one run."""
    folder = tmp_path_factory.mktemp("types").resolve()
    for kind in ("accept", "reject"):
        shutil.copytree(PROGRAMS / kind, folder / kind)
    example = EXAMPLE.read_text(encoding="utf-8")
    (folder / "digits.py").write_text(example, encoding="utf-8")
    (folder / "digits_mistakes.py").write_text(with_mistakes(example)[0], encoding="utf-8")
    return checked(folder)


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


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_programs_run(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(PROGRAMS / "accept" / name))
