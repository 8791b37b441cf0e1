"""The op table: a row for each primitive. The laws in tests/ops are applied to every row."""
from __future__ import annotations

from tests.optable import (
    callback,
    collective,
    control,
    conv,
    custom,
    dot,
    elementwise,
    extend,
    fft,
    index,
    linalg,
    random,
    reduce,
    scatter,
    shape,
    special,
    transforms,
)
from tests.optable.table import Row

FAMILIES = (control.ROWS, conv.ROWS, elementwise.ROWS, shape.ROWS, reduce.ROWS, dot.ROWS, index.ROWS, random.ROWS,
            special.ROWS, collective.ROWS, transforms.ROWS, callback.ROWS, scatter.ROWS, extend.ROWS, custom.ROWS,
            linalg.ROWS, fft.ROWS)
ROWS: dict[str, Row] = {name: row for family in FAMILIES for name, row in family.items()}
assert len(ROWS) == sum(map(len, FAMILIES)), "a primitive has two rows"
