"""Slices at computed starts, which are views to read and write, and rows at computed places, which are copied."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lantern.backends.numpy.memory import Layout, Memory, Value, dense
from lantern.backends.numpy.plan import table_of
from lantern.backends.numpy.runtime import FOLDS, scatter
from lantern.lower.expr import ReduceOp
from lantern.lower.kernel import Scatter
from lantern.trace.aval import ShapedArray

if TYPE_CHECKING:
    from lantern.backends.numpy.kernels import Writer
    from lantern.backends.numpy.plan import Node, Sink, Window


def window(to: Writer, number: int, node: Node, what: Window) -> Value:
    """Statements for what a window shows of an argument. Kernels keep it inside."""
    if all([math.prod(to.values[k].shape) == 1 for k in node.operands]):
        return _slice(to, number, node, what)
    return _rows(to, number, node, what)


def _slice(to: Writer, number: int, node: Node, what: Window) -> Value:
    """One of the overlapping windows on the argument, of which there is one for each element: a view, or a copy where
    the result wants it."""
    shown = _shown(to, to.args[what.arg], to.plan.kernel.args[what.arg], what, node.operands, node.shape)
    if number in to.direct or number in to.copied:
        out = to.target(number, node, over=False)
        to.line(f"{to.see(out)}[...] = {shown}")
        return out
    name = to.code.new("g")
    to.line(f"{name} = {shown}")
    return Value(name, node.shape, node.dtype)


def _shown(to: Writer, memory: Memory, aval: ShapedArray, what: Window, operands: Sequence[int],
           shape: tuple[int, ...]) -> str:
    starts = [f"{to.see(to.values[k])}.item()" + (f" * {factor}" if factor != 1 else "")
              for k, factor in zip(operands, what.factors, strict=True)]
    starts += [str(what.offset)] if what.offset else []
    count = aval.size - sum([s * (n - 1) for n, s in zip(shape, what.strides, strict=True)])
    steps = [s if n != 1 else 0 for n, s in zip(shape, what.strides, strict=True)]
    windows = to.name(Layout(memory, aval.dtype, 0, (count, *shape), (1, *steps)))
    return f"{windows}[{' + '.join(starts)}, ...]"


def scattered(to: Writer, sink: Sink, store: Scatter) -> None:
    """Statements of a scatter: on a slice where it is one, else element by element."""
    memory, aval, op = to.outs[store.out], to.plan.kernel.outs[store.out], store.op
    value, keep, index = [to.values[k] for k in sink.nodes[:3]]
    if sink.window is None:
        out, by = to.name(dense(memory, aval.dtype, (aval.size,))), "None"
        if op is not None:
            by = to.use(op, f"fold_{op.value}")
        operands = ", ".join([out, to.whole(index, sink), to.see(value), to.see(keep), by])
        to.line(f"{to.use(scatter, 'scatter')}({operands})")
        return
    name = to.code.new("g")
    shown = f"{name} = {_shown(to, memory, aval, sink.window, sink.nodes[2:], sink.domain)}"
    if op is None:
        done = f"{name}[...] = {to.see(value)}"
    else:
        ufunc = np.add if op is ReduceOp.SUM else FOLDS[op]
        done = f"{to.use(ufunc, ufunc.__name__)}({name}, {to.see(value)}, out={name})"
    always = keep.constant is not None and bool(keep.constant.value)
    to.line(f"{shown}; {done}" if always else f"if {to.see(keep)}: {shown}; {done}")


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
