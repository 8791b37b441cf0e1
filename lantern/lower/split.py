"""Reductions of few long rows cut in two kernels, so that a device with many cores has work for all of them."""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from lantern.dtypes import BOOL, I32
from lantern.lower import scalar
from lantern.lower.expr import (
    Body,
    Gather,
    Load,
    LoopIndex,
    Reduced,
    ReduceOp,
    Ref,
    ScalarOp,
    row_major,
)
from lantern.lower.fuse import LONG_ROW
from lantern.lower.graph import AnyNode, Graph, Node
from lantern.lower.join import used_arguments, with_arguments
from lantern.lower.kernel import Kernel, Reduction, Scatter, Stage, Store, Target
from lantern.lower.rewrite import Leaf, close, copy, dtype_of, emit_affine, mapped, roots
from lantern.lower.tile import Affine, axis_of
from lantern.trace.aval import ShapedArray, shaped

MOST_CHUNKS = 1024


def split(graph: Graph, target: Target) -> Graph:
    """The same values; where fewer than `target.split_reduce` rows are each longer than `LONG_ROW`, a first kernel
    reduces chunks of the rows and a second one what that gave."""
    values = list(graph.values)
    nodes: list[AnyNode] = []
    for node in graph.nodes:
        parts = _parts(node, target, values) if isinstance(node, Node) else None
        nodes += [node] if parts is None else parts
    return replace(graph, values=tuple(values), nodes=tuple(nodes))


def _parts(node: Node, target: Target, values: list[ShapedArray]) -> list[Node] | None:
    kernel = node.kernel
    reducing = [k for k, s in enumerate(kernel.stages) if s.reductions]
    first = kernel.stages[0]
    if reducing != [0] or kernel.dot is not None or not 0 < kernel.row_count < target.split_reduce:
        return None
    if math.prod(first.cols) <= LONG_ROW or not _may_be_cut(first):
        return None
    axis, chunks = _cut(first.cols, target.split_reduce // kernel.row_count + 1)
    early = tuple([s.out for s in first.stores])
    made = _chunked(kernel, axis, chunks, early)
    if made is None:
        return None
    temporaries = range(len(values), len(values) + len(first.reductions))
    values += made.outs[:len(temporaries)]
    last, used = _gathered(kernel, chunks, made.outs[:len(temporaries)], early)
    used_first = used_arguments(made)
    args = (*node.args, *temporaries)
    return [
        Node(with_arguments(made, used_first), tuple([node.args[k] for k in used_first]),
             (*temporaries, *[node.outs[k] for k in early])),
        Node(last, tuple([args[k] for k in used]),
             tuple([v for k, v in enumerate(node.outs) if k not in early])),
    ]


def _may_be_cut(stage: Stage) -> bool:
    """Positions cannot be pieced together, and guards would have to be cut as well."""
    guarded = any(isinstance(i, Load) and i.guards for i in stage.body)
    scattered = any(isinstance(s, Scatter) for s in stage.stores)
    return not guarded and not scattered and all(
        r.op not in (ReduceOp.ARGMAX, ReduceOp.ARGMIN) for r in stage.reductions)


def _cut(cols: tuple[int, ...], fewest: int) -> tuple[int, int]:
    """Which axis to cut, and into how many chunks: near the square root of the points, even if that can be."""
    axis = max(range(len(cols)), key=lambda k: cols[k])
    size = cols[axis]
    ideal = min(size, max(fewest, min(MOST_CHUNKS, math.isqrt(math.prod(cols)))))
    even = [d for d in range(max(2, ideal // 4), min(size, ideal * 4) + 1) if size % d == 0]
    return axis, min(even, key=lambda d: abs(math.log(d / ideal))) if even else ideal


def _chunked(kernel: Kernel, axis: int, chunks: int, early: Sequence[int]) -> Kernel | None:
    """The first kernel: a row for each chunk of each row. What the reducing stage stored, it still stores."""
    width, stage = len(kernel.rows), kernel.stages[0]
    size = stage.cols[axis]
    inner = -(-size // chunks)
    rows = (*kernel.rows, chunks)
    cols = tuple([inner if k == axis else n for k, n in enumerate(stage.cols)])
    rank = len(rows) + len(cols)
    axes = [axis_of(rank, k if k < width else k + 1) for k in range(width + len(cols))]
    place = Affine(0, tuple([inner if k == width else int(k == width + 1 + axis) for k in range(rank)]))
    axes[width + axis] = place
    uneven = inner * chunks != size
    if uneven and early:
        return None
    into = Body(rank)
    leaf = _within(axes, width + axis, place, size, rows + cols) if uneven else mapped(axes, rows + cols)
    copied = copy(into, stage, roots(stage), leaf)
    if copied is None:
        return None
    dtypes = [dtype_of(kernel, stage.body, r.value) for r in stage.reductions]
    if uneven:
        inside = into.apply(ScalarOp.LT, emit_affine(into, place), into.const(size, I32), dtype=BOOL)
        for r, dtype in zip(stage.reductions, dtypes, strict=True):
            nothing = into.const(scalar.identity(r.op, dtype), dtype)
            copied[r.value] = into.apply(ScalarOp.SELECT, inside, copied[r.value], nothing, dtype=dtype)
    made = close(into, stage, copied, cols, axes)
    count = len(stage.reductions)
    stores = tuple([replace(s, out=count + early.index(s.out)) for s in made.stores])
    body = Body(len(rows))
    ends = tuple([Store(k, body.reduced(0, k), 0, row_major(rows)) for k in range(count)])
    outs = [shaped(rows, dtype) for dtype in dtypes] + [kernel.outs[k] for k in early]
    stages = replace(made, stores=stores), Stage((), body.done(), stores=ends)
    return Kernel(kernel.args, tuple(outs), rows, stages, None, kernel.name)


def _within(axes: Sequence[Affine], axis: int, place: Affine, size: int, sizes: tuple[int, ...]) -> Leaf:
    """Chunks that reach past the end read the last element there; the caller replaces what that gives."""
    plain = mapped(axes, sizes)

    def leaf(into: Body, instr: LoopIndex | Load | Gather | Reduced) -> Ref | None:
        if isinstance(instr, LoopIndex) and instr.axis == axis:
            return clipped(into)
        if isinstance(instr, Load) and instr.strides[axis]:
            others = [0 if k == axis else s for k, s in enumerate(instr.strides)]
            rest = Affine(instr.offset, tuple([sum(s * a.coefs[k] for s, a in zip(others, axes, strict=True))
                                               for k in range(len(sizes))]))
            step = into.apply(ScalarOp.MUL, clipped(into), into.const(instr.strides[axis], I32), dtype=I32)
            return into.gather(instr.arg, into.apply(ScalarOp.ADD, emit_affine(into, rest), step, dtype=I32))
        return plain(into, instr)

    def clipped(into: Body) -> Ref:
        return into.apply(ScalarOp.MIN, emit_affine(into, place), into.const(size - 1, I32), dtype=I32)

    return leaf


def _gathered(kernel: Kernel, chunks: int, temporaries: Sequence[ShapedArray],
              early: Sequence[int]) -> tuple[Kernel, list[int]]:
    """The second kernel: it reduces the chunks and goes on as the original did. And which of the original's arguments,
    followed by the temporaries, it reads."""
    width = len(kernel.rows)
    body = Body(width + 1)
    loads = [body.load(len(kernel.args) + k, row_major((*kernel.rows, chunks))) for k in range(len(temporaries))]
    ops = kernel.stages[0].reductions
    first = Stage((chunks,), body.done(), tuple([Reduction(r.op, x) for r, x in zip(ops, loads, strict=True)]))
    late = [k for k in range(len(kernel.outs)) if k not in early]
    rest = [replace(s, stores=tuple([replace(x, out=late.index(x.out)) for x in s.stores])) for s in kernel.stages[1:]]
    args, outs = (*kernel.args, *temporaries), tuple([kernel.outs[k] for k in late])
    whole = Kernel(args, outs, kernel.rows, (first, *rest), None, kernel.name)
    used = used_arguments(whole)
    return with_arguments(whole, used), used
