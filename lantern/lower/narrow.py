"""One kernel that binds more buffers than a target allows, as several: parts of its expression are stored."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lantern.errors import DeviceError
from lantern.lower.expr import Apply, Body, Gather, Instr, Load, LoopIndex, Reduced, Ref, row_major
from lantern.lower.join import used_arguments, with_arguments
from lantern.lower.kernel import Kernel, Stage, Store
from lantern.lower.merge import is_pointwise
from lantern.lower.rewrite import copy, dtype_of, roots
from lantern.trace.aval import shaped


@dataclass(frozen=True, slots=True)
class Part:
    """A kernel, and what it binds: arguments of the original from 0, then the outputs of earlier parts."""

    kernel: Kernel
    args: tuple[int, ...]


def narrow(kernel: Kernel, buffers: int) -> list[Part]:
    """The parts in order; the last one makes the original's outputs, each other one makes one temporary.

    Concatenating twenty arrays reads twenty buffers, where a GPU binds eight in one kernel. Raises DeviceError where an
    expression cannot be taken apart.
    """
    parts: list[Part] = []
    while len(used_arguments(kernel)) + len(kernel.outs) > buffers:
        found = _largest_part(kernel, buffers - 1)
        if found is None:
            raise DeviceError(f"{kernel.name}: {len(kernel.args)} operands and {len(kernel.outs)} results in one "
                              f"kernel; this device binds {buffers} buffers. Combine fewer arrays at a time")
        stage = kernel.stages[0]
        lies = row_major(stage.cols)
        made = shaped(stage.cols, dtype_of(kernel, stage.body, found))
        store = Store(0, found, 0, lies)
        part = replace(kernel, outs=(made,), stages=(_only(stage, store),))
        used = used_arguments(part)
        parts.append(Part(with_arguments(part, used), tuple(used)))
        load = Load(len(kernel.args), 0, lies)
        kernel = replace(kernel, args=(*kernel.args, made), stages=(_with_load(stage, found, load),))
    used = used_arguments(kernel)
    return [*parts, Part(with_arguments(kernel, used), tuple(used))]


def _largest_part(kernel: Kernel, most: int) -> Ref | None:
    """The operation that reads the most arguments of those that read no more than `most`; more than one at least."""
    if not is_pointwise(kernel):
        return None
    body = kernel.stages[0].body
    best, count = None, 1
    reads: list[frozenset[int]] = []
    for k, instr in enumerate(body):
        reads.append(_reads(instr, reads))
        if isinstance(instr, Apply) and count < len(reads[k]) <= most:
            best, count = k, len(reads[k])
    return best


def _reads(instr: Instr, reads: Sequence[frozenset[int]]) -> frozenset[int]:
    match instr:
        case Load(arg):
            return frozenset([arg])
        case Gather(arg, index):
            return reads[index] | {arg}
        case Apply(_, operands):
            return frozenset([arg for x in operands for arg in reads[x]])
        case _:
            return frozenset[int]()


def _keep(into: Body, instr: LoopIndex | Load | Gather | Reduced) -> Ref:
    return into.add(instr)


def _only(stage: Stage, store: Store) -> Stage:
    """The stage with one store and what it needs."""
    into = Body(len(stage.cols))
    place = copy(into, stage, [store.value], _keep)
    assert place is not None, "internal: this leaf never refuses"
    stored = replace(store, value=place[store.value])
    return Stage(stage.cols, into.done(), stores=(stored,), sources=tuple(into.sources))


def _with_load(stage: Stage, at: Ref, load: Load) -> Stage:
    """The stage with one instruction replaced by a load, and without what only that needed."""
    body = (*stage.body[:at], load, *stage.body[at + 1:])
    changed = replace(stage, body=body)
    into = Body(len(stage.cols))
    place = copy(into, changed, roots(changed), _keep)
    assert place is not None, "internal: this leaf never refuses"
    stores = tuple([replace(s, value=place[s.value]) for s in stage.stores if isinstance(s, Store)])
    return Stage(stage.cols, into.done(), stores=stores, sources=tuple(into.sources))
