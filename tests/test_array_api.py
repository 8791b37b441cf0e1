"""The tool that runs the public Array API suite, and its page; the suite itself needs a checkout and takes minutes."""
from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools import array_api

REPORT = """<testsuites><testsuite>
<testcase classname="array_api_tests.test_a" name="test_sum" />
<testcase classname="array_api_tests.test_a" name="test_f[pow(x1) -&gt; 1]"><failure message="no" /></testcase>
<testcase classname="array_api_tests.test_a" name="test_f[pow(x1 | 2) -&gt; 2]"><error message="no" /></testcase>
<testcase classname="array_api_tests.test_a" name="test_g[int8]"><failure message="no" /></testcase>
<testcase classname="array_api_tests.test_a" name="test_h"><skipped message="later" /></testcase>
</testsuite></testsuites>"""


def test_a_report_becomes_a_score_and_a_list(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT, "utf-8")
    score = array_api.read(report)
    assert (len(score.passed), len(score.failed), len(score.skipped), score.total) == (1, 3, 1, 5)
    assert array_api.listed(score) == {"test_a::test_f[pow]": ["pow(x1 | 2) -> 2", "pow(x1) -> 1"],
                                       "test_a::test_g[int8]": [""]}
    text = array_api.section(score)
    assert text.startswith("1 of 5 pass, 3 fail, 1 are skipped by the suite itself.")
    assert "| `test_a::test_f[pow]` | 2 | `pow(x1 \\| 2) -> 2`; `pow(x1) -> 1` |" in text


def test_the_page_names_what_is_pinned_and_enough_passes() -> None:
    page = array_api.PAGE.read_text("utf-8")
    assert array_api.SUITE_COMMIT in page and array_api.STANDARD_COMMIT in page
    first = page.split(array_api.BEGIN)[1].splitlines()[0]
    passed, total = [int(n.replace(",", "")) for n in (first.split()[0], first.split()[2])]
    assert total == array_api.TESTS and passed >= array_api.WANTED


def test_nothing_is_hidden() -> None:
    found = array_api.command(Path("report.xml"), 5, "")
    assert "--derandomize" in found and "--max-examples=5" in found
    given = [found[k + 1] for k, word in enumerate(found) if word in ("--skips-file", "--xfails-file")]
    assert given == [os.devnull] * 2


def test_a_folder_without_the_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        array_api.main([str(tmp_path)])
    assert "has no array_api_tests, or its submodule array-api" in capsys.readouterr().err
