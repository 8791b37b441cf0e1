"""Loops and branches as plain Python, for `disable_jit`: prints, debuggers and `if` see values."""
from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from lantern import tree
from lantern.dtypes import promote
from lantern.errors import UnknownValueError
from lantern.flat import as_output, as_result
from lantern.ops.convert import convert
from lantern.ops.shape import concatenate, reshape
from lantern.trace.context import typeof
from lantern.trace.primitive import Value


def plain_scan(f: Callable[..., Any], init: Any, xs: Any, length: int, reverse: bool) -> Any:
    """As `scan`, for at least one step: without a step nobody knows what f returns."""
    carry = tree.map(_array, init)
    rows = tree.map(_array, xs)
    steps: list[Any] = [None] * length
    for i in reversed(range(length)) if reverse else range(length):
        carry, steps[i] = f(carry, tree.map(operator.itemgetter(i), rows))
    return carry, tree.map(_stacked, *steps)


def _array(x: Any) -> Any:
    return as_result(as_output(x, "scan"))


def _stacked(*rows: Any) -> Value:
    given = [_array(x) for x in rows]
    dtype, weak = promote([(typeof(x).dtype, typeof(x).weak) for x in given])   # the first step may give Python numbers
    given = [convert(x, dtype, weak=weak) for x in given]
    return concatenate([reshape(x, (1, *typeof(x).shape)) for x in given], 0)


def plain_while(condition: Callable[..., Any], body: Callable[..., Any], val: Any) -> tuple[Any] | None:
    """As `while_loop`; None if the condition has no value here (under `vmap`)."""
    val = tree.map(_array, val)
    try:
        running = bool(condition(val))
    except UnknownValueError:
        return None
    while running:
        val = body(val)
        running = bool(condition(val))
    return (val,)


def plain_choice(chosen: Value, branches: Sequence[Callable[..., Any]], operands: Sequence[Any]) -> tuple[Any] | None:
    """The result of the chosen branch; None if the index has no value here."""
    index, number = _array(chosen), 0
    try:
        while index != number:      # a decision by `bool`: `int(index)` would take a value out of the gradient
            number += 1
    except UnknownValueError:
        return None
    return (tree.map(_array, branches[number](*operands)),)
