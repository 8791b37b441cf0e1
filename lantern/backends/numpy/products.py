"""Matrix products: operands brought into a form that BLAS reads where it lies, where they are not already."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lantern.backends.numpy.memory import Layout, Value, dense, merged
from lantern.backends.numpy.sums import blas_takes
from lantern.dtypes import F32, F64
from lantern.lower.expr import row_major

if TYPE_CHECKING:
    from lantern.backends.numpy.kernels import Writer
    from lantern.backends.numpy.plan import Node, Product


def product(to: Writer, number: int, node: Node, what: Product) -> Value:
    """Statements for the product, computed in its result's memory where nobody minds."""
    rank = len(node.shape)
    batch = list(range(what.batch))
    m = list(range(what.batch, what.batch + what.m))
    n = list(range(what.batch + what.m, rank))
    k = list(range(rank, rank + what.count))
    left, right = [to.values[x] for x in node.operands]
    a = _matrix(to, left, batch, m, k, node.domain)
    b = _matrix(to, right, batch, k, n, node.domain)
    out = _target(to, number, node)
    assert out.layout is not None
    shape = (*[node.domain[x] for x in batch], _size(node.domain, m), _size(node.domain, n))
    result = to.name(Layout(out.layout.memory, node.dtype, out.layout.offset, shape, row_major(shape)))
    function = to.use(np.matmul, "matmul") if batch else to.use(np.dot, "dot")
    to.line(f"{function}({a}, {b}, {result})")
    return out


def _size(domain: Sequence[int], axes: Sequence[int]) -> int:
    return math.prod([domain[x] for x in axes])


def _target(to: Writer, number: int, node: Node) -> Value:
    """The place where the epilogue's result goes, if it has the same form and nothing else needs that place before;
    then the epilogue works in place."""
    for last, sink in to.direct.items():
        layout = to.destination(sink)
        fits = layout.shape == node.shape and layout.dtype == node.dtype and layout.strides == row_major(node.shape)
        if last != number and fits and to.last[number] <= last and to.reads.get(layout.memory, -1) < number:
            to.reads[layout.memory] = to.last[number]       # taken until then: another product may not have it
            return Value("", node.shape, node.dtype, layout)
    return to.target(number, node, over=False)


def _matrix(to: Writer, value: Value, batch: list[int], rows: list[int], columns: list[int],
            domain: tuple[int, ...]) -> str:
    """The value as [*batch, rows, columns]: a view if its axes merge and BLAS can read it so, else of a copy."""
    shape = value.shape or (1,) * len(domain)
    axes = [*batch, *rows, *columns]
    strides = (0,) * len(domain)
    if value.layout is not None and value.shape == value.layout.shape:
        strides = value.layout.strides
        varying = all(shape[x] == domain[x] for x in [*rows, *columns])
        row, column = [merged([shape[x] for x in g], [strides[x] for x in g]) for g in (rows, columns)]
        if varying and row is not None and column is not None and _readable(value, row, column):
            form = (*[shape[x] for x in batch], row[0], column[0])
            steps = (*[strides[x] for x in batch], row[1], column[1])
            return to.name(Layout(value.layout.memory, value.dtype, value.layout.offset, form, steps))
    whole = tuple([shape[x] if x in batch else domain[x] for x in axes])
    copy = to.temporary(whole, value.dtype)
    moved = to.see(value)
    if value.shape:
        rest = [x for x in range(len(domain)) if x not in axes]
        moved = f"{to.see(value)}.transpose({(*axes, *rest)}).reshape({tuple([shape[x] for x in axes])})"
    to.line(f"{copy}[...] = {moved}")
    form = (*[shape[x] for x in batch], _size(domain, rows), _size(domain, columns))
    return to.name(dense(to.layouts[copy].memory, value.dtype, form))


def _readable(value: Value, row: tuple[int, int], column: tuple[int, int]) -> bool:
    if value.dtype not in (F32, F64):
        return True     # no BLAS for these: NumPy's own loops take any strides
    (m, down), (n, across) = row, column
    if m == 1 or n == 1:
        return True
    return blas_takes((m, n), (down, across))
