"""Derivatives: forward mode equals differences, reverse mode equals forward mode, to order 2, plain and through jit."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from lantern.api import jvp, vjp
from lantern.jitted import jit
from tests.ops.laws import (
    bind_arrays,
    close,
    difference,
    differentiable,
    direction,
    every_case,
    inner,
    is_floating,
    widened,
    x64,
)
from tests.optable.table import Case, Row

Function = Callable[..., Sequence[Any]]


def check_derivatives(f: Function, xs: Sequence[Any], order: int, seed: int = 0) -> None:
    """For f from arrays to a sequence of arrays: J v by forward mode is the difference along v, <w, J v> = <J^T w, v>,
    and the same holds for J v and J^T w as functions of x."""
    along = direction(xs, seed)
    outs, tangents = jvp(f, tuple(xs), tuple(along))
    for t, d in zip(tangents, difference(f, xs, along), strict=True):
        close(t, d)
    weights = direction(outs, seed + 1)
    back = vjp(f, *xs)[1](weights)
    close(inner(weights, tangents), inner(back, along), 1e-9)
    if order > 1:
        check_derivatives(lambda *xs: jvp(f, tuple(xs), tuple(along))[1], xs, order - 1, seed + 2)
        check_derivatives(lambda *xs: list(vjp(f, *xs)[1](weights)), xs, order - 1, seed + 3)


@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "jit"])
@every_case(differentiable)
def test_derivatives(row: Row, case: Case, compiled: bool) -> None:
    with x64():
        f, xs = bind_arrays(row, case, widened(case.draw()), is_floating)
        g: Function = jit(lambda *xs: [f(*xs)]) if compiled else lambda *xs: [f(*xs)]
        out = np.asarray(f(*xs))
        if out.dtype.kind in "fc" and out.size:
            check_derivatives(g, xs, row.order)
