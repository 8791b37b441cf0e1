"""Rows: the primitives of the transforms."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.jitted import jit
from lantern.ops import elementwise
from tests.optable.table import Case, Row, table, uniform


@jit
def _inner(x: Any, y: Any) -> Any:
    return elementwise.mul(elementwise.sin(x), y), elementwise.add(x, 1.0)


def _through_jit(x: Any, y: Any) -> Any:
    first, second = _inner(x, y)
    return elementwise.mul(first, second)


ROWS = table(
    Row("jit", _through_jit, lambda x, y: np.sin(x) * y * (x + 1),
        (Case(lambda r: (uniform(r, 3, 2), uniform(r, 3, 2))),),
        order=2, tolerance=16, every_precision=False),
)
