"""Checks of positions that are known only when a program runs: `lantern.debug.checked_indexing` turns them on."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lantern import config
from lantern.callbacks import call_for_effect
from lantern.dtypes import I32
from lantern.ops import shape as ops
from lantern.ops.broadcast import reduce_sum
from lantern.ops.compare import ge, lt
from lantern.ops.convert import convert
from lantern.ops.elementwise import or_
from lantern.ops.index import take
from lantern.ops.reduce import argmax
from lantern.source import user_source
from lantern.trace.aval import ShapedArray
from lantern.trace.context import EAGER, current, typeof
from lantern.trace.primitive import Value


@dataclass(frozen=True, slots=True)
class Report:
    """Raises if a check counted positions out of range. `line` is where they were used."""

    function: str
    axis: int
    array: str
    size: int
    line: str

    def __call__(self, found: Any) -> None:
        """`found`: how many positions are out of range, and the first of them."""
        count, first = np.asarray(found).tolist()
        if count:
            more = f" and {count - 1} more" if count > 1 else ""
            raise IndexError(f"{self.function}: index {first} is out of range for axis {self.axis} of {self.array} "
                             f"(size {self.size}){more}, at {self.line}")


def check_positions(function: str, positions: Value, axis: int, aval: ShapedArray) -> None:
    """Inside `checked_indexing`, say that `positions` (integers, negative ones counted from the end) are to be looked
    at. In eager code that happens here; in a traced program where it gets here. On a GPU nobody waits for that: it is
    told when somebody next does.

    Raises IndexError for a position that the axis lacks.
    """
    mode = config.mode()
    if mode is None or not mode.checked_indexing or not typeof(positions).size:
        return
    length = aval.shape[axis]
    report = Report(function, axis, str(aval), length, str(user_source()))
    if current() is EAGER:
        values = np.asarray(positions)
        wrong = values[(values < -length) | (values >= length)]
        report((wrong.size, int(wrong[0]) if wrong.size else 0))
        return
    signed = typeof(positions).dtype.kind != "u"
    flat = ops.reshape(convert(positions, I32), (typeof(positions).size,))
    wrong = convert(or_(lt(flat, -length if signed else 0), ge(flat, length)), I32)
    first = take(flat, argmax(wrong, 0), 0)
    pair = ops.concatenate([ops.reshape(reduce_sum(wrong, (0,)), (1,)), ops.reshape(first, (1,))], 0)
    call_for_effect(report, "checked_indexing", (pair,), {}, ordered=False, ours=True, deferred=True)
