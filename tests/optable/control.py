"""Rows: loops and branches."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern import lax
from lantern.ops import elementwise
from lantern.ops.broadcast import reduce_sum
from lantern.ops.compare import lt
from lantern.ops.shape import concatenate, reshape
from tests.optable.table import Case, Row, table, uniform


def _flat(*xs: Any) -> Any:
    """Several arrays as one, so that the laws see all results."""
    return concatenate([reshape(x, (x.size,)) for x in xs], 0)


def _scan(w: Any, c: Any, xs: Any, reverse: bool = False) -> Any:
    """A constant of which only sin(w) is needed, a carry, a counter, a carry that starts at zero, xs and ys."""
    def step(carry: Any, x: Any) -> Any:
        h, count, total = carry
        h = elementwise.tanh(elementwise.add(elementwise.mul(h, elementwise.sin(w)), x))
        return (h, count + 1, elementwise.add(total, reduce_sum(h, (0,)))), elementwise.mul(h, x)

    (h, count, total), ys = lax.scan(step, (c, 0, 0.0), xs, reverse=reverse)
    return _flat(h, elementwise.mul(total, count.astype(total.dtype)), ys)


def _scan_twin(w: Any, c: Any, xs: Any, reverse: bool = False) -> Any:
    ys, total = np.zeros_like(xs), 0.0
    for i in reversed(range(len(xs))) if reverse else range(len(xs)):
        c = np.tanh(c * np.sin(w) + xs[i])
        total = total + c.sum()
        ys[i] = c * xs[i]
    return np.concatenate([c, [total * len(xs)], ys.reshape(-1)])


def _switch(index: Any, x: Any, y: Any) -> Any:
    """Branches that use both operands, one, and none; the last returns an operand as it is."""
    branches = (lambda x, y: (elementwise.mul(elementwise.sin(x), y), y),
                lambda x, y: (elementwise.mul(x, elementwise.mul(x, x)), x),
                lambda x, y: (np.zeros(3, np.float32).astype(y.dtype), y))
    first, second = lax.switch(index, branches, x, y)
    return elementwise.add(first, elementwise.mul(second, y))


def _switch_twin(index: Any, x: Any, y: Any) -> Any:
    first, second = ((np.sin(x) * y, y), (x * x * x, x), (0 * y, y))[min(max(int(index), 0), 2)]
    return first + second * y


def _while(x: Any, factor: Any) -> Any:
    """Each element of a batch has its own number of steps."""
    def step(state: Any) -> Any:
        x, count = state
        return elementwise.mul(x, factor), elementwise.add(count, 1)

    x, count = lax.while_loop(lambda state: lt(reduce_sum(state[0], (0,)), 20.0), step, (x, 0))
    return _flat(x, reshape(count, (1,)).astype(x.dtype))


def _while_twin(x: Any, factor: Any) -> Any:
    count = 0
    while x.sum() < 20:
        x, count = x * factor, count + 1
    return np.concatenate([x, [count]])


def _rows(r: np.random.Generator) -> tuple[Any, ...]:
    return uniform(r, 2), uniform(r, 2), uniform(r, 5, 2)


ROWS = table(
    Row("scan", _scan, _scan_twin,
        (Case(_rows), Case(_rows, {"reverse": True}),
         Case(lambda r: (uniform(r, 2), uniform(r, 2), uniform(r, 0, 2)))),
        order=2, tolerance=64, every_precision=False),
    Row("cond", _switch, _switch_twin,
        tuple([Case(lambda r, index=index: (np.asarray(index, np.int32), uniform(r, 3),
                                            uniform(r, 3))) for index in (-1, 1, 2)]),
        order=2, tolerance=16, every_precision=False),
    Row("while", _while, _while_twin,
        (Case(lambda r: (uniform(r, 3, low=0.5), uniform(r, 3, low=1.2))),),
        tolerance=64, every_precision=False),
)
