"""The stages of one kernel put in order: what nobody needs goes, and loops over the same columns become one."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lantern.lower.expr import Body, Gather, Load, LoopIndex, Reduced, Ref
from lantern.lower.kernel import Kernel, Reduction, Scatter, Stage, Store
from lantern.lower.rewrite import copy, needed, started


def join(kernel: Kernel) -> Kernel:
    """The kernel without reductions that no store depends on, and with each stage run in the earliest loop over the
    same columns that comes after all it depends on. The first stage of a matrix product stays alone."""
    live = _live(kernel)
    loops: list[_Loop] = []
    home: dict[tuple[int, int], tuple[int, int]] = {}
    for number, stage in enumerate(kernel.stages):
        wanted = [(slot, r) for slot, r in enumerate(stage.reductions) if (number, slot) in live]
        if not wanted and not stage.stores:
            continue
        refs = [r.value for _, r in wanted] + [x for s in stage.stores for x in _reads(s)]
        after = max([home[i.stage, i.slot][0] for k in needed(stage.body, refs)
                     if isinstance(i := stage.body[k], Reduced)], default=-1)
        first = max(after + 1, 1 if kernel.dot is not None and number else 0)
        index = next((k for k in range(first, len(loops)) if loops[k].cols == stage.cols), len(loops))
        if index == len(loops):
            loops.append(_Loop(stage.cols, Body(len(kernel.rows) + len(stage.cols))))
        loop = loops[index]
        place = _moved(loop, stage, refs, home)
        for slot, r in wanted:
            home[number, slot] = index, loop.reduce(Reduction(r.op, place[r.value]))
        loop.stores += [_stored(s, place) for s in stage.stores]
    return replace(kernel, stages=tuple([loop.done() for loop in loops]))


@dataclass(slots=True)
class _Loop:
    cols: tuple[int, ...]
    body: Body
    reductions: list[Reduction] = field(default_factory=list[Reduction])
    stores: list[Store | Scatter] = field(default_factory=list["Store | Scatter"])

    def reduce(self, reduction: Reduction) -> int:
        """The slot of a reduction, which may be there already."""
        if reduction not in self.reductions:
            self.reductions.append(reduction)
        return self.reductions.index(reduction)

    def done(self) -> Stage:
        """The finished stage."""
        return Stage(self.cols, self.body.done(), tuple(self.reductions), tuple(self.stores), tuple(self.body.sources))


def _reads(store: Store | Scatter) -> list[Ref]:
    return [store.value] if isinstance(store, Store) else [store.index, store.value, store.keep]


def _live(kernel: Kernel) -> set[tuple[int, int]]:
    """The (stage, slot) of reductions that a store depends on."""
    live: set[tuple[int, int]] = set()
    for number in range(len(kernel.stages) - 1, -1, -1):
        stage = kernel.stages[number]
        refs = [r.value for slot, r in enumerate(stage.reductions) if (number, slot) in live]
        refs += [x for s in stage.stores for x in _reads(s)]
        for k in needed(stage.body, refs):
            instr = stage.body[k]
            if isinstance(instr, Reduced):
                live.add((instr.stage, instr.slot))
    return live


def _moved(loop: _Loop, stage: Stage, refs: list[Ref], home: dict[tuple[int, int], tuple[int, int]]) -> dict[Ref, Ref]:
    def leaf(into: Body, instr: LoopIndex | Load | Gather | Reduced) -> Ref:
        return into.reduced(*home[instr.stage, instr.slot]) if isinstance(instr, Reduced) else into.add(instr)

    place = copy(loop.body, stage, refs, leaf)
    assert place is not None, "internal: this leaf never refuses"
    return place


def _stored(store: Store | Scatter, place: dict[Ref, Ref]) -> Store | Scatter:
    match store:
        case Store(out, value, offset, strides):
            return Store(out, place[value], offset, strides)
        case Scatter(_, index, value, keep):
            return replace(store, index=place[index], value=place[value], keep=place[keep])


def without_outputs(kernel: Kernel, kept: Sequence[int]) -> Kernel:
    """The kernel with only some of its outputs, in the order of `kept`, and without what only the others needed."""
    number = {out: k for k, out in enumerate(kept)}
    stages = [replace(s, stores=tuple([replace(x, out=number[x.out]) for x in s.stores if x.out in number]))
              for s in kernel.stages]
    return join(replace(kernel, outs=tuple([kernel.outs[k] for k in kept]), stages=tuple(stages)))


def used_arguments(kernel: Kernel) -> list[int]:
    """The arguments that some instruction reads, or that an output starts as."""
    started = {x.start for s in kernel.stages for x in s.stores if isinstance(x, Scatter) and x.start is not None}
    return sorted(started | {i.arg for s in kernel.stages for i in s.body if isinstance(i, (Load, Gather))})


def with_arguments(kernel: Kernel, kept: Sequence[int]) -> Kernel:
    """The kernel with only some of its arguments, in the order of `kept`; the others must not be read."""
    if len(kept) == len(kernel.args):
        return kernel
    return _renumbered(kernel, {arg: k for k, arg in enumerate(kept)}, kept)


def bound_once(kernel: Kernel, args: Sequence[int]) -> tuple[Kernel, tuple[int, ...]]:
    """The kernel and its arguments without those that are given a second time."""
    unique = tuple(dict.fromkeys(args))
    if len(unique) == len(args):
        return kernel, unique
    places = {k: unique.index(v) for k, v in enumerate(args)}
    return _renumbered(kernel, places, [args.index(v) for v in unique]), unique


def _renumbered(kernel: Kernel, number: Mapping[int, int], kept: Sequence[int]) -> Kernel:
    stages: list[Stage] = []
    for stage in kernel.stages:
        body = [replace(i, arg=number[i.arg]) if isinstance(i, (Load, Gather)) else i for i in stage.body]
        stages.append(replace(stage, body=tuple(body), stores=started(stage.stores, number)))
    return replace(kernel, args=tuple([kernel.args[k] for k in kept]), stages=tuple(stages))
