"""docs/parity.md is current and says what issue 4 asks for: every name has a row, none of T1 is missing."""
from __future__ import annotations

import pytest

from tests.optable import ROWS
from tests.optable.public import PUBLIC
from tools import parity


@pytest.fixture(scope="module")
def found() -> list[parity.Name]:
    return parity.names()


def test_every_name_has_a_row_and_every_row_a_name() -> None:
    assert {(module, name) for module, name, _ in parity.wanted()} == set(PUBLIC)


def test_the_page_is_current(found: list[parity.Name]) -> None:
    assert parity.PAGE.read_text("utf-8") == parity.text(found), "run python -m tools.parity"


def test_none_of_t1_is_missing_and_at_most_three_of_t2(found: list[parity.Name]) -> None:
    assert [n for n in found if n.tier == "T1" and not n.present] == []
    assert len([n for n in found if n.tier == "T2" and not n.present]) <= 3


def test_what_is_no_pure_python_is_made_of_primitives_with_rows(found: list[parity.Name]) -> None:
    """A call on arrays that compiles is traced to primitives: the column is not empty by accident."""
    bare = {n.name for n in found if n.present and PUBLIC[n.module, n.name].smooth and not n.primitives}
    assert bare == {"copy", "positive", "atleast_1d", "atleast_2d"}     # which give back what they get
    assert all(set(n.primitives) <= set(ROWS) for n in found)
