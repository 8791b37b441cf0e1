"""Rows: collectives, each inside a vmap that names its axis."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lantern.api import vmap
from lantern.errors import ArgumentError
from lantern.ops import collective, elementwise
from lantern.ops.shape import reshape, slice
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


def _first_and_last(x: Any, name: str) -> Any:
    """Of the same value for each element: an array with one axis more is no operand of the row's product."""
    found = collective.all_gather(x, name)
    first, last = [reshape(slice(found, [k] + [0] * (len(found.shape) - 1), [k + 1, *found.shape[1:]]), found.shape[1:])
                   for k in (0, found.shape[0] - 1)]
    return elementwise.sub(first, elementwise.mul(2, last))


ROWS = table(
    _row("psum", collective.psum, lambda x: np.sum(x, 0, x.dtype)),
    _row("pmax", collective.pmax, lambda x: np.max(x, 0)),
    _row("pmin", collective.pmin, lambda x: np.min(x, 0)),
    _row("all_gather", _first_and_last, lambda x: x[0] - 2 * x[-1]),
    Row("axis_index", _index, lambda x: x + np.arange(len(x), dtype=np.int32), (Case(lambda r: (integers(r, 6),)),),
        reference_only=REASON),
)
