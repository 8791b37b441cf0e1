"""Rows: collectives, each inside a vmap that names its axis."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lantern.api import vmap
from lantern.errors import ArgumentError
from lantern.ops import collective, elementwise
from tests.optable.table import Case, Row, Wrong, apart, integers, table

REASON = "vmap turns it into a reduction; outside there is no axis to reduce over"


def _row(name: str, function: Callable[[Any, str], Any], twin: Callable[..., Any]) -> Row:
    no_axis = Wrong((np.ones(3, np.float32),),
                    r"no axis is named 'j' here \(in scope: 'i'\), at .*vmap\(\.\.\., axis_name='j'\)",
                    {"name": "j"}, ArgumentError)

    def over(x: Any, name: str = "i") -> Any:
        return vmap(lambda element: elementwise.mul(function(element, name), element), axis_name="i")(x)

    return Row(name, over, lambda x: twin(x) * x, (Case(lambda r: (apart(r, 4, 3),)), Case(lambda r: (apart(r, 3),)),
                                                   Case(lambda r: (integers(r, 5, 2),), smooth=False)),
               (no_axis,), order=2, tolerance=16, absolute=4e-7, reference_only=REASON)


def _index(x: Any) -> Any:
    return vmap(lambda element: elementwise.add(element, collective.axis_index("i")), axis_name="i")(x)


ROWS = table(
    _row("psum", collective.psum, lambda x: np.sum(x, 0, x.dtype)),
    _row("pmax", collective.pmax, lambda x: np.max(x, 0)),
    _row("pmin", collective.pmin, lambda x: np.min(x, 0)),
    Row("axis_index", _index, lambda x: x + np.arange(len(x), dtype=np.int32), (Case(lambda r: (integers(r, 6),)),),
        reference_only=REASON),
)
