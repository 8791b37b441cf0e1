"""The op table: a row for each primitive. The laws in tests/ops are applied to every row."""
from __future__ import annotations

from tests.optable import arrays, collective, elementwise
from tests.optable.table import Row

ROWS: dict[str, Row] = {**elementwise.ROWS, **arrays.ROWS, **collective.ROWS}
assert len(ROWS) == len(elementwise.ROWS) + len(arrays.ROWS) + len(collective.ROWS), "a primitive has two rows"
