"""Static shapes: pyright accepts right programs and reports each planted mistake.

All programs are checked by one run of pyright. In tests/types/accept nothing may be reported; in tests/types/reject
each line marked `# error: rule` must be, and no other.
"""
from __future__ import annotations
import __future__

import ast
import re
import runpy
import shutil
import sys
import tomllib
import types
from collections.abc import Sequence
from pathlib import Path

import pytest

from lantern.errors import ShapeError
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


def statements(path: Path) -> list[tuple[int, types.CodeType]]:
    """The top level of a program, each statement with its line."""
    text = path.read_text(encoding="utf-8")
    flags = __future__.annotations.compiler_flag
    return [(node.lineno, compile(ast.Module([node], []), path, "exec", flags, dont_inherit=True))
            for node in ast.parse(text).body]


def sizes_named(text: str) -> set[str]:
    """The names of sizes in a message: `Batch` and `Pixels` in both `Float[Batch, Pixels]` and `f32[Batch,Pixels]`; of
    a run's message the one that disagrees, if it is one."""
    shapes = re.findall(r"dim (\w+) was bound", text) or re.findall(r"\[([\w, ]*)\]", text)
    return set(re.findall(r"[A-Z][a-z]+", " ".join(shapes)))


def test_mistakes_fail_again_when_they_run_and_name_the_same_sizes(
        reports: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = PROGRAMS / "reject" / "names.py", 0
    module = types.ModuleType("names")
    monkeypatch.setitem(sys.modules, "names", module)
    for line, code in statements(path):
        told = reports["reject/names.py"].errors.get(line)
        if not told:
            exec(code, module.__dict__)
            continue
        seen += 1
        with pytest.raises(ShapeError) as error:
            exec(code, module.__dict__)
        here, there = sizes_named("\n".join([message for _, message in told])), sizes_named(str(error.value))
        assert there and there <= here, f"{path.name}:{line}: the editor names {here}, the run {error.value}"
        assert f"names.py:{line} in" in str(error.value)
    assert seen >= 10


def test_the_programs_are_many() -> None:
    right = [(PROGRAMS / "accept" / name).read_text(encoding="utf-8") for name in ACCEPTED]
    wrong = [(PROGRAMS / "reject" / name).read_text(encoding="utf-8") for name in REJECTED]
    asserted = sum([len(re.findall(r"^\s*assert_type\(", text, re.MULTILINE)) for text in right])
    rejected = sum([text.count("# error: ") for text in wrong])
    sys.stdout.write(f"{asserted} asserted types, {rejected} rejected mistakes\n")
    assert asserted >= 250
    assert rejected >= 150


def test_the_examples_of_the_package_are_checked() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pyright"]
    assert "lantern" in settings["include"] and settings["typeCheckingMode"] == "strict"
    assert "ignore" not in settings and not [p for p in settings.get("exclude", ()) if not p.startswith("tools/")]
    silenced = [p.name for p in (ROOT / "lantern" / "examples").glob("*.py")
                if re.search(r"#\s*(type|pyright):", p.read_text(encoding="utf-8"))]
    assert not silenced, f"the type checker is told to be silent in {silenced}"


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_programs_run(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(PROGRAMS / "accept" / name))
