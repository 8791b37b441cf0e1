"""Slices at computed starts, which are views, and rows at computed places, which are copied row by row."""
from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lantern.backends.numpy.memory import Layout, Value, dense
from lantern.backends.numpy.plan import table_of

if TYPE_CHECKING:
    from lantern.backends.numpy.kernels import Writer
    from lantern.backends.numpy.plan import Node, Window


def window(to: Writer, number: int, node: Node, what: Window) -> Value:
    """Statements for what a window shows of an argument. Kernels keep it inside."""
    if all([math.prod(to.values[k].shape) == 1 for k in node.operands]):
        return _slice(to, number, node, what)
    return _rows(to, number, node, what)


def _slice(to: Writer, number: int, node: Node, what: Window) -> Value:
    """One of the overlapping windows on the argument, of which there is one for each element: a view, or a copy where
    the result wants it."""
    starts = [f"{to.see(to.values[k])}.item()" + (f" * {factor}" if factor != 1 else "")
              for k, factor in zip(node.operands, what.factors, strict=True)]
    extent = sum([s * (n - 1) for n, s in zip(node.shape, what.strides, strict=True)]) if node.shape else 0
    count = to.plan.kernel.args[what.arg].size - what.offset - extent
    shape, steps = (count, *node.shape), (1, *what.strides[:len(node.shape)])
    windows = to.name(Layout(to.args[what.arg], node.dtype, what.offset, shape, steps))
    shown = f"{windows}[{' + '.join(starts)}, ...]"
    if number in to.direct or number in to.copied:
        out = to.target(number, node, over=False)
        to.line(f"{to.see(out)}[...] = {shown}")
        return out
    name = to.code.new("g")
    to.line(f"{name} = {shown}")
    return Value(name, node.shape, node.dtype)


def _rows(to: Writer, number: int, node: Node, what: Window) -> Value:
    """`take` along one axis: clipping saves it a buffer."""
    out, places = to.target(number, node, over=False), to.values[node.operands[0]]
    found = table_of(what, node.domain, places.shape, to.plan.kernel.args[what.arg].size)
    assert found is not None and out.layout is not None
    shape, axis = found
    table = to.name(dense(to.args[what.arg], node.dtype, shape))
    kept = [k for k, n in enumerate(places.shape) if n != 1]
    index = f"{to.see(places)}.reshape({tuple([places.shape[k] for k in kept])})"
    if places.layout is not None:
        lies = places.layout
        index = to.name(Layout(lies.memory, lies.dtype, lies.offset, tuple([lies.shape[k] for k in kept]),
                               tuple([lies.strides[k] for k in kept])))
    both = [k for k, s in enumerate(what.strides) if s or k in kept]
    target = to.name(Layout(out.layout.memory, node.dtype, out.layout.offset, tuple([node.shape[k] for k in both]),
                            tuple([out.layout.strides[k] for k in both])))
    to.line(f"{table}.take({index}, {axis}, {target}, 'clip')")
    return out
