"""Rewriting kernels: bodies copied through maps, literals put in, axes dropped, merged and cut."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from lantern.dtypes import I32
from lantern.lower import scalar
from lantern.lower.expr import (
    Apply,
    Body,
    Const,
    Gather,
    Instr,
    Load,
    LoopIndex,
    Reduced,
    ReduceOp,
    Ref,
    ScalarOp,
)
from lantern.lower.kernel import Dot, Kernel, Reduction, Scatter, Stage, Store
from lantern.lower.tile import Affine, axis_of, identity, substitute, through
from lantern.source import Source

Leaf: TypeAlias = "Callable[[Body, LoopIndex | Load | Gather | Reduced], Ref | None]"


def needed(body: Sequence[Instr], roots: Iterable[Ref]) -> list[Ref]:
    """The instructions that `roots` depend on, themselves included, in order.

    >>> from lantern.dtypes import F32
    >>> body = Body(1)
    >>> unused, x = body.const(1.0, F32), body.load(0, (1,))
    >>> negative = body.apply(ScalarOp.NEG, x, dtype=F32)
    >>> needed(body.done(), [negative])
    [1, 2]
    """
    wanted = [False] * len(body)
    for r in roots:
        wanted[r] = True
    for k in range(len(body) - 1, -1, -1):
        if wanted[k]:
            instr = body[k]
            if type(instr) is Apply:
                for x in instr.operands:
                    wanted[x] = True
            elif type(instr) is Gather:
                wanted[instr.index] = True
    return [k for k, w in enumerate(wanted) if w]


def roots(stage: Stage) -> list[Ref]:
    """What a stage's reductions and stores read."""
    found = [r.value for r in stage.reductions]
    for store in stage.stores:
        found += [store.value] if isinstance(store, Store) else [store.index, store.value, store.keep]
    return found


def copy(into: Body, stage: Stage, wanted: Iterable[Ref], leaf: Leaf) -> dict[Ref, Ref] | None:
    """Copies what `wanted` depends on; constant arithmetic is done here. `leaf` says what becomes of indices, loads
    (gathers with their index already copied) and earlier results; it may refuse with None, which is then the answer."""
    place: dict[Ref, Ref] = {}
    sources = stage.sources
    for k in needed(stage.body, wanted):
        instr = stage.body[k]
        if sources:
            into.source = sources[k]
        if type(instr) is Apply:        # by far the most frequent
            place[k] = apply(into, instr.op, tuple([place[x] for x in instr.operands]), instr.dtype)
        elif type(instr) is Const:
            place[k] = into.add(instr)
        else:
            assert not isinstance(instr, (Apply, Const)), "internal: instructions have no subclasses"
            found = leaf(into, Gather(instr.arg, place[instr.index]) if isinstance(instr, Gather) else instr)
            if found is None:
                return None
            place[k] = found
    return place


def apply(into: Body, op: ScalarOp, operands: tuple[Ref, ...], dtype: np.dtype[np.generic]) -> Ref:
    """The operation, or its result where all operands are constants."""
    instrs = into.instrs
    for x in operands:
        if type(instrs[x]) is not Const:
            return into.add(Apply(op, operands, dtype))
    values = [c.value for x in operands if isinstance(c := instrs[x], Const)]
    return into.add(Const.of(scalar.apply(op, values, dtype), dtype))


def emit_affine(into: Body, place: Affine) -> Ref:
    """The i32 value of a map of the loop's positions."""
    total: Ref | None = None
    for axis, c in enumerate(place.coefs):
        if c:
            term = into.index(axis)
            if c != 1:
                term = into.apply(ScalarOp.MUL, term, into.const(c, I32), dtype=I32)
            total = term if total is None else into.apply(ScalarOp.ADD, total, term, dtype=I32)
    if total is None:
        return into.const(place.offset, I32)
    return into.apply(ScalarOp.ADD, total, into.const(place.offset, I32), dtype=I32) if place.offset else total


def mapped(axes: Sequence[Affine], sizes: Sequence[int]) -> Leaf:
    """A leaf rule for `copy`: axes are replaced by maps of a nest of `sizes`; all else stays."""
    def leaf(into: Body, instr: LoopIndex | Load | Gather | Reduced) -> Ref | None:
        match instr:
            case LoopIndex(axis):
                return emit_affine(into, axes[axis])
            case Load():
                found = substitute(instr, axes, sizes)
                return None if found is None else into.add(found)
            case _:
                return into.add(instr)
    return leaf


def close(into: Body, stage: Stage, place: dict[Ref, Ref], cols: tuple[int, ...], axes: Sequence[Affine]) -> Stage:
    """The stage around a copied body: its reductions and stores, seen through the same maps."""
    stores: list[Store | Scatter] = []
    for store in stage.stores:
        match store:
            case Store(out, value, offset, strides):
                seen = through(Affine(offset, strides), axes, into.rank)
                stores.append(Store(out, place[value], seen.offset, seen.coefs))
            case Scatter(_, index, value, keep):
                stores.append(replace(store, index=place[index], value=place[value], keep=place[keep]))
    reductions = tuple([Reduction(r.op, place[r.value]) for r in stage.reductions])
    return Stage(cols, into.done(), reductions, tuple(stores), tuple(into.sources))


def started(stores: Sequence[Store | Scatter],
            number: Mapping[int, int] | Sequence[int]) -> tuple[Store | Scatter, ...]:
    """The stores of a kernel whose arguments get other numbers."""
    return tuple([replace(s, start=number[s.start]) if isinstance(s, Scatter) and s.start is not None else s
                  for s in stores])


def reindex(kernel: Kernel, rows: tuple[int, ...], row_axes: Sequence[Affine],
            columns: Sequence[tuple[tuple[int, ...], Sequence[Affine]]], dot: Dot | None = None) -> Kernel | None:
    """The kernel over other axes of the same points: each old row axis as a map of the new `rows`, and for each stage
    its new cols and each old column axis as a map of them. None where a guard cannot be said over the new axes."""
    stages: list[Stage] = []
    for stage, (cols, col_axes) in zip(kernel.stages, columns, strict=True):
        none_cols, none_rows = (0,) * len(cols), (0,) * len(rows)
        axes = [Affine(a.offset, a.coefs + none_cols) for a in row_axes]
        axes += [Affine(a.offset, none_rows + a.coefs) for a in col_axes]
        into = Body(len(rows) + len(cols))
        place = copy(into, stage, roots(stage), mapped(axes, rows + cols))
        if place is None:
            return None
        stages.append(close(into, stage, place, cols, axes))
    return replace(kernel, rows=rows, stages=tuple(stages), dot=dot)


def specialise(kernel: Kernel, constants: Sequence[Const | None], places: Sequence[int], source: Source | None,
               name: str) -> Kernel:
    """Operand k becomes the constant constants[k], or argument places[k] of a kernel that binds each buffer once. Every
    instruction gets the equation's source."""
    avals = {place: aval for place, aval in zip(places, kernel.args, strict=True) if place >= 0}

    def leaf(into: Body, instr: LoopIndex | Load | Gather | Reduced) -> Ref:
        match instr:
            case Load(arg, offset, strides, guards, fill):
                constant = constants[arg]
                if constant is None:
                    return into.add(Load(places[arg], offset, strides, guards, fill))
                if guards:
                    return _guarded_constant(into, instr, constant)
                return into.add(constant)
            case Gather(arg, index):
                constant = constants[arg]
                return into.add(Gather(places[arg], index) if constant is None else constant)
            case _:
                return into.add(instr)

    stages: list[Stage] = []
    for stage in kernel.stages:
        into = Body(len(kernel.rows) + len(stage.cols), source=source)
        place = copy(into, replace(stage, sources=()), roots(stage), leaf)
        assert place is not None, "internal: this leaf never refuses"
        made = close(into, stage, place, stage.cols, identity(into.rank))
        stages.append(replace(made, stores=started(made.stores, places)))
    args = tuple([avals[k].strong() for k in range(len(avals))])
    return Kernel(args, tuple([a.strong() for a in kernel.outs]), kernel.rows, tuple(stages), kernel.dot, name)


def _guarded_constant(into: Body, load: Load, constant: Const) -> Ref:
    """A pad of a literal: the constant inside the guards and the fill outside."""
    assert load.fill is not None, "internal: a guarded load has a fill"
    inside = emit_inside(into, load)
    return into.apply(ScalarOp.SELECT, inside, into.add(constant), into.add(load.fill), dtype=constant.dtype)


def emit_inside(into: Body, load: Load) -> Ref:
    """Whether all guards of a load hold, as a bool."""
    total: Ref | None = None
    boolean = np.dtype(np.bool_)
    for guard in load.guards:
        index = into.index(guard.axis)
        terms = [into.apply(ScalarOp.GE, index, into.const(guard.start, I32), dtype=boolean),
                 into.apply(ScalarOp.LT, index, into.const(guard.stop, I32), dtype=boolean)]
        if guard.step != 1:
            distance = into.apply(ScalarOp.SUB, index, into.const(guard.start, I32), dtype=I32)
            rest = into.apply(ScalarOp.MOD, distance, into.const(guard.step, I32), dtype=I32)
            terms.append(into.apply(ScalarOp.EQ, rest, into.const(0, I32), dtype=boolean))
        for term in terms:
            total = term if total is None else into.apply(ScalarOp.AND, total, term, dtype=boolean)
    assert total is not None, "internal: no guards"
    return total


def canonical(kernel: Kernel) -> Kernel:
    """Without axes of size one, and with reductions over nothing replaced by what they start from."""
    if any(s.reductions and 0 in s.cols for s in kernel.stages):
        kernel = _without_empty(kernel)
    if 1 not in kernel.rows and not any(1 in s.cols for s in kernel.stages):
        return kernel
    rows, row_axes = _dropped(kernel.rows)
    columns = [_dropped(s.cols) for s in kernel.stages]
    dot = kernel.dot
    if dot is not None:
        ends = (dot.batch, dot.batch + dot.m, dot.batch + dot.m + dot.n)
        counts = [sum(n != 1 for n in kernel.rows[a:b]) for a, b in zip((0, *ends), ends, strict=False)]
        dot = Dot(*counts)
    found = reindex(kernel, rows, row_axes, columns, dot)
    assert found is not None, "internal: guards on axes of size one can always be decided"
    return found


def _dropped(sizes: tuple[int, ...]) -> tuple[tuple[int, ...], list[Affine]]:
    kept = [k for k, n in enumerate(sizes) if n != 1]
    axes = [axis_of(len(kept), kept.index(k)) if n != 1 else Affine(0, (0,) * len(kept)) for k, n in enumerate(sizes)]
    return tuple([sizes[k] for k in kept]), axes


def _without_empty(kernel: Kernel) -> Kernel:
    empty = {k for k, s in enumerate(kernel.stages) if s.reductions and 0 in s.cols}
    dtypes = {(k, slot): dtype_of(kernel, s.body, r.value) for k, s in enumerate(kernel.stages)
              for slot, r in enumerate(s.reductions)}
    number = {k: n for n, k in enumerate([k for k in range(len(kernel.stages)) if k not in empty])}

    def leaf(into: Body, instr: LoopIndex | Load | Gather | Reduced) -> Ref:
        if not isinstance(instr, Reduced):
            return into.add(instr)
        if instr.stage not in empty:
            return into.reduced(number[instr.stage], instr.slot)
        op = kernel.stages[instr.stage].reductions[instr.slot].op
        if op in (ReduceOp.ARGMAX, ReduceOp.ARGMIN):
            return into.const(0, I32)
        dtype = dtypes[instr.stage, instr.slot]
        return into.const(scalar.identity(op, dtype), dtype)

    stages: list[Stage] = []
    for k in number:
        stage = kernel.stages[k]
        into = Body(len(kernel.rows) + len(stage.cols))
        place = copy(into, stage, roots(stage), leaf)
        assert place is not None, "internal: this leaf never refuses"
        stages.append(close(into, stage, place, stage.cols, identity(into.rank)))
    if len(stages) == 1 and not stages[0].cols:
        stages = [replace(stages[0], cols=kernel.rows)]
        return replace(kernel, rows=(), stages=tuple(stages), dot=None)
    return replace(kernel, stages=tuple(stages), dot=None)


def dtype_of(kernel: Kernel, body: Sequence[Instr], ref: Ref) -> np.dtype[np.generic]:
    """The dtype of an instruction of one of the kernel's bodies."""
    match body[ref]:
        case Const(dtype) | Apply(dtype=dtype):
            return dtype
        case LoopIndex():
            return I32
        case Load(arg) | Gather(arg):
            return kernel.args[arg].dtype
        case Reduced(stage, slot):
            reduction = kernel.stages[stage].reductions[slot]
            if reduction.op in (ReduceOp.ARGMAX, ReduceOp.ARGMIN):
                return I32
            return dtype_of(kernel, kernel.stages[stage].body, reduction.value)
