"""`python -m tools.array_api SUITE` runs the public Array API test suite against `lantern.numpy` and prints the score.

SUITE is a checkout of https://github.com/data-apis/array-api-tests at the commit `SUITE_COMMIT` with its submodule
`array-api`; its requirements (requirements.txt there) must be importable. The suite runs unmodified, without files of
skips or expected failures, derandomised, in x64 mode on the CPU. `--compare numpy` runs another module in the same way.
`--write` brings the list of failures in docs/array-api.md up to date.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "array-api.md"
SUITE_COMMIT = "55fcc60179efa2680ddd6cd926ddf17b83530e2b"
STANDARD_COMMIT = "5f847a3858875c682ae901aa22b0413bf24be9da"
VERSION = "2024.12"
TESTS = 1380
WANTED = 1320
BEGIN, END = "<!-- failures -->\n", "<!-- end of failures -->\n"


@dataclass(frozen=True, slots=True)
class Score:
    """What a run found: ids of tests by outcome."""

    passed: tuple[str, ...]
    failed: tuple[str, ...]
    skipped: tuple[str, ...]

    @property
    def total(self) -> int:
        """All tests, skipped ones included."""
        return len(self.passed) + len(self.failed) + len(self.skipped)


def command(report: Path, examples: int, only: str) -> list[str]:
    """How pytest is called in the suite's folder."""
    found = [sys.executable, "-m", "pytest", "array_api_tests", "-q", "--no-header", "--no-summary", "--tb=no"]
    found += ["--disable-warnings", "-p", "no:cacheprovider"]
    found += ["--derandomize", "--disable-deadline", f"--max-examples={examples}", f"--junit-xml={report}"]
    found += ["--skips-file", os.devnull, "--xfails-file", os.devnull]
    return [*found, "-k", only] if only else found


def run(suite: Path, module: str, examples: int, only: str) -> Score:
    """Run the suite against a module."""
    settings = {
        "ARRAY_API_TESTS_MODULE": module,
        "ARRAY_API_TESTS_VERSION": VERSION,
        "LANTERN_ENABLE_X64": "1",
        "LANTERN_DEVICE": "cpu",
        "JAX_ENABLE_X64": "1",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        done = subprocess.run(command(report, examples, only), cwd=suite, env={**os.environ, **settings}, check=False)
        if not report.exists():
            raise SystemExit(f"the suite did not run (pytest: exit status {done.returncode})")
        return read(report)


def read(report: Path) -> Score:
    """The outcomes in a report of pytest."""
    found: dict[str, list[str]] = {"passed": [], "failed": [], "skipped": []}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        found[outcome].append(f"{case.get('classname', '').split('.')[-1]}::{case.get('name', '')}")
    return Score(*[tuple(sorted(ids)) for ids in (found["passed"], found["failed"], found["skipped"])])


def state(suite: Path) -> str:
    """Which checkout it is, and whether that is the pinned one."""
    asked = ["git", "-C", str(suite), "rev-parse", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    commit = done.stdout.strip()
    if done.returncode or not (suite / ".git").exists():
        return f"no git checkout; the pinned commit is {SUITE_COMMIT}"
    return "the pinned commit" if commit == SUITE_COMMIT else f"commit {commit}, pinned is {SUITE_COMMIT}"


def listed(score: Score) -> dict[str, list[str]]:
    """Failures that differ only in the case of one function together: test -> cases."""
    found: dict[str, list[str]] = {}
    for name in score.failed:
        test, _, case = name.partition("[")
        function = re.match(r"\w+(?=\()", case)
        key = f"{test}[{function.group()}]" if function else name
        found.setdefault(key, []).append(case.removesuffix("]") if function else "")
    return found


def section(score: Score) -> str:
    """The list of failures as docs/array-api.md has it."""
    counts = f"{len(score.passed):,} of {score.total:,} pass, {len(score.failed)} fail"
    lines = [f"{counts}, {len(score.skipped)} are skipped by the suite itself.", ""]
    lines += ["| test | failures | cases |", "| --- | --- | --- |"]
    for test, cases in listed(score).items():
        texts = [f"`{c.replace('|', chr(92) + '|')}`" for c in cases if c]
        lines.append(f"| `{test}` | {len(cases)} | {'; '.join(texts)} |")
    return "\n".join(lines) + "\n"


def write(score: Score) -> None:
    """Bring the list in docs/array-api.md up to date."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(before + BEGIN + section(score) + END + rest.split(END)[1], encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 0 if lantern passes as many tests as it must."""
    parser = argparse.ArgumentParser("python -m tools.array_api", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("suite", type=Path, help="a checkout of data-apis/array-api-tests with its submodule")
    parser.add_argument("--compare", metavar="MODULE", action="append", default=[], help="run another module as well")
    parser.add_argument("--examples", type=int, default=5, help="examples of each property (5)")
    parser.add_argument("--only", default="", metavar="EXPRESSION", help="only some tests, as pytest -k chooses them")
    parser.add_argument("--write", action="store_true", help="bring docs/array-api.md up to date")
    options = parser.parse_args(arguments)
    suite: Path = options.suite.resolve()
    if not (suite / "array_api_tests").is_dir() or not (suite / "array-api" / "src").is_dir():
        parser.error(f"{suite} has no array_api_tests, or its submodule array-api ({STANDARD_COMMIT}) is missing")
    print(f"suite: {state(suite)}; version {VERSION} of the standard, {options.examples} examples")
    scores: dict[str, Score] = {}
    for module in ("lantern.numpy", *options.compare):
        scores[module] = run(suite, module, options.examples, options.only)
    for test, cases in listed(scores["lantern.numpy"]).items():
        print(f"failed: {test}" + (f" ({len(cases)})" if len(cases) > 1 else ""))
    for module, s in scores.items():
        print(f"{module}: {len(s.passed)} of {s.total} pass, {len(s.failed)} fail, {len(s.skipped)} skipped")
    if options.write:
        write(scores["lantern.numpy"])
    if options.only:
        return 0
    if scores["lantern.numpy"].total != TESTS:
        print(f"the pinned suite has {TESTS} tests")
    return 0 if len(scores["lantern.numpy"].passed) >= WANTED else 1


if __name__ == "__main__":
    raise SystemExit(main())
