"""Matrix products: operands brought into a form that BLAS reads where it lies, where they are not already."""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lantern.backends.numpy.memory import Layout, Value, merged
from lantern.backends.numpy.sums import blas_takes
from lantern.dtypes import F32, F64
from lantern.lower.expr import row_major

if TYPE_CHECKING:
    from lantern.backends.numpy.kernels import Writer
    from lantern.backends.numpy.plan import Node, Product


PIECE = 1 << 22     # bytes of a copy from which a product is computed piece by piece


@dataclass(frozen=True, slots=True)
class _Side:
    """A value as matrices [*batch, rows, columns], each axis made of several of the domain's."""

    value: Value
    batch: list[int]
    rows: list[int]
    columns: list[int]
    domain: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The value's sizes along the domain's axes; 1 where it does not vary."""
        return self.value.shape or (1,) * len(self.domain)

    @property
    def strides(self) -> tuple[int, ...] | None:
        """Where it lies, if it is a view of some memory."""
        layout = self.value.layout
        return layout.strides if layout is not None and self.value.shape == layout.shape else None

    def sizes(self, axes: Sequence[int], cut: _Cut | None = None) -> tuple[int, ...]:
        """Sizes of a copy: a batch axis along which the value does not vary stays of size one."""
        return tuple([cut.step if cut is not None and x == cut.axis else self.shape[x] if x in self.batch
                      else self.domain[x] for x in axes])


@dataclass(frozen=True, slots=True)
class _Cut:
    """A copy is made of `step` positions along `axis` at a time, from `start` up to `stop`; `index` is the variable."""

    axis: int
    start: int
    stop: int
    step: int
    index: str
    rest: _Cut | None = None

    @property
    def at(self) -> str:
        """The slice's text."""
        return f"{self.index}:{self.index} + {self.step}"


def product(to: Writer, number: int, node: Node, what: Product) -> Value:
    """Statements for the product, computed in its result's memory where nobody minds."""
    rank = len(node.shape)
    batch = list(range(what.batch))
    m = list(range(what.batch, what.batch + what.m))
    n = list(range(what.batch + what.m, rank))
    k = list(range(rank, rank + what.count))
    left, right = [to.values[x] for x in node.operands]
    sides = _Side(left, batch, m, k, node.domain), _Side(right, batch, k, n, node.domain)
    free = [m, n]
    for which in (1, 0):
        vectors = _correlated(to, sides[which], sides[1 - which], free[which], k)
        if vectors:
            out, result = _result(to, number, node, batch, m, n)
            function = to.use(np.correlate, "correlate")
            to.line(f"{result}[...] = {function}({vectors}, 'valid').reshape({result}.shape)")
            return out
    views = [_view(to, side) for side in sides]
    for which in (1, 0):
        cut = None if views[which] else _cut(to, sides[which], free[which])
        if cut is not None:
            other = views[1 - which] or _copied(to, sides[1 - which])
            out, result = _result(to, number, node, batch, m, n)
            for piece in (cut, cut.rest):
                if piece is not None:
                    part = other
                    if piece.axis in batch and sides[1 - which].shape[piece.axis] != 1:
                        part = f"{other}[{':, ' * batch.index(piece.axis)}{piece.at}]"
                    _piecewise(to, sides[which], free[which], piece, part, result, bool(which))
            return out
    x, y = [view or _copied(to, side) for view, side in zip(views, sides, strict=True)]
    out, result = _result(to, number, node, batch, m, n)
    function = to.use(np.matmul, "matmul") if batch else to.use(np.dot, "dot")
    to.line(f"{function}({x}, {y}, {result})")
    return out


def _correlated(to: Writer, side: _Side, other: _Side, free: list[int], k: list[int]) -> str:
    """Where one side shows all windows of a vector and the other is one vector: the operands of `correlate`, which
    needs no copy. Else nothing."""
    domain = side.domain
    inner, outer = [[x for x in axes if domain[x] != 1] for axes in (k, free)]
    strides, steps, layout, lies = side.strides, other.strides, side.value.layout, other.value.layout
    if strides is None or steps is None or layout is None or lies is None or len(inner) != 1 or len(outer) != 1:
        return ""
    places, elements = domain[outer[0]], domain[inner[0]]
    alone = places * elements == math.prod(domain) and side.value.dtype in (F32, F64)
    stride = strides[inner[0]]
    if not alone or stride != strides[outer[0]] or not stride or other.shape[inner[0]] != elements:
        return ""
    long = to.name(Layout(layout.memory, layout.dtype, layout.offset, (places + elements - 1,), (stride,)))
    return f"{long}, {to.name(Layout(lies.memory, lies.dtype, lies.offset, (elements,), (steps[inner[0]],)))}"


def _result(to: Writer, number: int, node: Node, batch: list[int], m: list[int], n: list[int]) -> tuple[Value, str]:
    """Where the product goes, and its name as matrices."""
    out = _target(to, number, node)
    assert out.layout is not None
    shape = (*[node.domain[x] for x in batch], _size(node.domain, m), _size(node.domain, n))
    return out, to.name(Layout(out.layout.memory, node.dtype, out.layout.offset, shape, row_major(shape)))


def _cut(to: Writer, side: _Side, free: list[int]) -> _Cut | None:
    """The pieces in which a large copy is made, so that it stays in the cache: patches of an array are many times as
    large as the array. None for a copy that is not large."""
    size = math.prod(side.sizes([*side.batch, *side.rows, *side.columns])) * side.value.dtype.itemsize
    axis = next((x for x in [*side.batch, *free] if (side.shape if x in side.batch else side.domain)[x] > 1), None)
    if size <= PIECE or axis is None:
        return None
    extent = side.domain[axis]
    step = min(extent, max(1, PIECE * extent // size))
    whole = extent - extent % step
    index = to.code.new("g")
    return _Cut(axis, 0, whole, step, index, _Cut(axis, whole, extent, extent % step, index) if extent % step else None)


def _piecewise(to: Writer, side: _Side, free: list[int], cut: _Cut, other: str, result: str, last: bool) -> None:
    """A loop over pieces of one operand, each of which gives matrices of a batch, or columns (`last`) or rows of the
    product."""
    statement, piece = _copying(to, side, cut)
    if cut.axis in side.batch:
        part = f"{':, ' * side.batch.index(cut.axis)}{cut.at}"
    else:
        behind = math.prod([side.domain[x] for x in free[free.index(cut.axis) + 1:]])
        part = f"..., {cut.index} * {behind}:({cut.index} + {cut.step}) * {behind}" + ("" if last else ", :")
    operands = f"{other}, {piece}" if last else f"{piece}, {other}"
    product = f"{to.use(np.matmul, 'matmul')}({operands}, {result}[{part}])"
    to.line(f"for {cut.index} in range({cut.start}, {cut.stop}, {cut.step}): {statement}; {product}")


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


def _view(to: Writer, side: _Side) -> str:
    """The value as matrices where it lies, if its axes merge and BLAS can read it so; else no name."""
    value, shape, strides = side.value, side.shape, side.strides
    if strides is None or value.layout is None:
        return ""
    varying = all(shape[x] == side.domain[x] for x in [*side.rows, *side.columns])
    row, column = [merged([shape[x] for x in g], [strides[x] for x in g]) for g in (side.rows, side.columns)]
    if not varying or row is None or column is None or not _readable(value, row, column):
        return ""
    form = (*[shape[x] for x in side.batch], row[0], column[0])
    steps = (*[strides[x] for x in side.batch], row[1], column[1])
    return to.name(Layout(value.layout.memory, value.dtype, value.layout.offset, form, steps))


def _copied(to: Writer, side: _Side) -> str:
    """A copy of the value as matrices."""
    statement, name = _copying(to, side, None)
    to.line(statement)
    return name


def _copying(to: Writer, side: _Side, cut: _Cut | None) -> tuple[str, str]:
    """The statement that copies a value, or a piece of it, and the name of the copy as matrices.

    Whichever of rows and columns lies together in memory does so in the copy, too: BLAS reads both.
    """
    turned = _lies_turned(side)
    axes = [*side.batch, *(side.columns + side.rows if turned else side.rows + side.columns)]
    copy = to.temporary(side.sizes(axes, cut), side.value.dtype)
    moved = to.see(side.value)
    if side.value.shape:
        rest = [x for x in range(len(side.domain)) if x not in axes]
        moved = f"{moved}.transpose({(*axes, *rest)}).reshape({tuple([side.shape[x] for x in axes])})"
        if cut is not None and side.shape[cut.axis] != 1:
            moved += f"[{':, ' * axes.index(cut.axis)}{cut.at}]"
    m, n = [math.prod(side.sizes(g, cut)) for g in (side.rows, side.columns)]
    lead = side.sizes(side.batch, cut)
    form, steps = (*lead, m, n), row_major((*lead, m * n))[:-1]
    inner = (1 if m != 1 else 0, m if n != 1 else 0) if turned else row_major((m, n))
    layout = Layout(to.layouts[copy].memory, side.value.dtype, 0, form, (*steps, *inner))
    return f"{copy}[...] = {moved}", to.name(layout)


def _lies_turned(side: _Side) -> bool:
    """Whether the elements of a column lie nearer to each other than those of a row."""
    strides = side.strides
    if strides is None:
        return False
    row, column = [next((strides[x] for x in reversed(g) if side.shape[x] > 1 and strides[x]), 0)
                   for g in (side.rows, side.columns)]
    return 0 < row < column


def _readable(value: Value, row: tuple[int, int], column: tuple[int, int]) -> bool:
    if value.dtype not in (F32, F64):
        return True     # no BLAS for these: NumPy's own loops take any strides
    (m, down), (n, across) = row, column
    if m == 1 or n == 1:
        return True
    return blas_takes((m, n), (down, across))
