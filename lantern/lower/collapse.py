"""Neighbouring axes of a kernel made one, wherever every access steps through them as through one."""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from lantern.lower.expr import Body, Gather, Guard, Load, LoopIndex, Reduced, Ref
from lantern.lower.kernel import Dot, Kernel, Reduction, Scatter, Stage, Store
from lantern.lower.rewrite import copy, roots


def collapse(kernel: Kernel) -> Kernel:
    """The kernel with as few axes as its accesses allow; the groups of a matrix product's rows stay apart.

    >>> import numpy as np
    >>> from lantern.lower.views import fill
    >>> from lantern.trace.aval import shaped
    >>> collapse(fill(shaped((2, 3, 4), np.dtype("float32")), 0.0)).stages[0].cols
    (24,)
    """
    width = len(kernel.rows)
    if width < 2 and all(len(s.cols) < 2 for s in kernel.stages):
        return kernel
    starts = [0] if kernel.dot is None else [0, kernel.dot.batch, kernel.dot.batch + kernel.dot.m]
    rows = _groups(kernel.rows, 0, starts, kernel.stages)
    cols = [_groups(s.cols, width, [0], [s]) for s in kernel.stages]
    if len(rows) == width and all(len(c) == len(s.cols) for c, s in zip(cols, kernel.stages, strict=True)):
        return kernel
    dot = kernel.dot
    if dot is not None:
        ends = [dot.batch, dot.batch + dot.m, width]
        dot = Dot(*[sum(a <= g[0] < b for g in rows) for a, b in zip([0, *ends], ends, strict=False)])
    stages = tuple([_stage(s, width, rows, c) for s, c in zip(kernel.stages, cols, strict=True)])
    return replace(kernel, rows=_sizes(kernel.rows, rows), stages=stages, dot=dot)


def _groups(sizes: tuple[int, ...], first: int, starts: Sequence[int], stages: Sequence[Stage]) -> list[list[int]]:
    """Runs of the axes first, first + 1, ... (counted from 0 here) that every access of the stages joins."""
    accesses = [i.strides for s in stages for i in s.body if isinstance(i, Load)]
    accesses += [store.strides for s in stages for store in s.stores if isinstance(store, Store)]
    held = {i.axis for s in stages for i in s.body if isinstance(i, LoopIndex)}
    held |= {g.axis for s in stages for i in s.body if isinstance(i, Load) for g in i.guards}
    groups: list[list[int]] = []
    for k, n in enumerate(sizes):
        axis = first + k
        joins = bool(groups) and k not in starts and not held & {axis, axis - 1}
        if joins and all(a[axis - 1] == a[axis] * n for a in accesses):
            groups[-1].append(k)
        else:
            groups.append([k])
    return groups


def _sizes(sizes: tuple[int, ...], groups: Sequence[Sequence[int]]) -> tuple[int, ...]:
    return tuple([math.prod([sizes[k] for k in g]) for g in groups])


def _stage(stage: Stage, width: int, rows: Sequence[Sequence[int]], cols: Sequence[Sequence[int]]) -> Stage:
    last = [g[-1] for g in rows] + [width + g[-1] for g in cols]       # a group steps as its innermost axis does
    number = {axis: k for k, axis in enumerate(last)}

    def picked(strides: tuple[int, ...]) -> tuple[int, ...]:
        return tuple([strides[axis] for axis in last])

    def leaf(into: Body, instr: LoopIndex | Load | Gather | Reduced) -> Ref:
        match instr:
            case LoopIndex(axis):
                return into.index(number[axis])
            case Load(arg, offset, strides, guards, fill):
                moved = tuple([Guard(number[g.axis], g.start, g.stop, g.step) for g in guards])
                return into.add(Load(arg, offset, picked(strides), moved, fill))
            case _:
                return into.add(instr)

    into = Body(len(last))
    place = copy(into, stage, roots(stage), leaf)
    assert place is not None, "internal: this leaf never refuses"
    stores: list[Store | Scatter] = []
    for store in stage.stores:
        match store:
            case Store(out, value, offset, strides):
                stores.append(Store(out, place[value], offset, picked(strides)))
            case Scatter(_, index, value, keep):
                stores.append(replace(store, index=place[index], value=place[value], keep=place[keep]))
    reductions = tuple([Reduction(r.op, place[r.value]) for r in stage.reductions])
    return Stage(_sizes(stage.cols, cols), into.done(), reductions, tuple(stores), tuple(into.sources))
