"""Loops whose bodies only launch kernels: after a few steps the same launches come again, and are recorded as they are.

A step takes memory and gives memory back. It does so from a store of the loop's own, so what a step does depends on
nothing but which allocations hold the carry and which lie in that store. Once that has been so before, the steps since
then are a cycle.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from lantern.backends.wgpu.interrupts import hear
from lantern.backends.wgpu.memory import Allocation, Pool
from lantern.backends.wgpu.native import Prepared
from lantern.backends.wgpu.plan import Carry, Give, Launch, Pipeline, Repeat, Take
from lantern.errors import InternalError

Memory: TypeAlias = "list[Allocation | None]"
LONGEST = 64        # steps after which no cycle is looked for any more,
MOST = 2048         # or launches: their bind groups have to be remembered
PIECE = 256         # steps that are recorded at a time: between them Ctrl-C is heard


class Recorder(Protocol):
    """What the backend does here."""

    pool: Pool

    def prepare(self, pipeline: Pipeline, allocations: Sequence[Allocation], sizes: Sequence[int]) -> Prepared:
        """What recording one kernel on this memory takes."""
        ...

    def replay(self, cycle: Sequence[Sequence[Prepared]], rows: Sequence[int], start: int) -> None:
        """Record a loop's steps, from `start` in a cycle of steps that repeat."""
        ...

    def touch(self, allocations: Sequence[Allocation]) -> None:
        """What was recorded uses these."""
        ...


@dataclass(slots=True)
class _Store:
    """Memory that a loop has taken and holds none of its values."""

    pool: Pool
    free: dict[int, list[Allocation]] = field(default_factory=dict[int, "list[Allocation]"])

    def take(self, nbytes: int) -> Allocation:
        size = self.pool.size(nbytes)
        idle = self.free.get(size)
        return idle.pop() if idle else self.pool.take(nbytes)

    def give(self, allocation: Allocation) -> None:
        self.free.setdefault(allocation.size, []).append(allocation)

    @property
    def held(self) -> list[Allocation]:
        return [a for idle in self.free.values() for a in idle]


def repeat_steadily(recorder: Recorder, loop: Repeat, inner: Memory, rows: Sequence[int]) -> int:
    """Records steps of a loop on the memory of its body: all, or the first ones, if no cycle is found.

    Returns how many, and leaves the carry where the next step takes it.
    """
    store = _Store(recorder.pool)
    states: dict[Any, int] = {}
    carried: list[list[Allocation | None]] = []
    steps: list[list[Prepared]] = []
    try:
        launches = max(1, sum([isinstance(a, Launch) for a in loop.body.actions]))
        first_rows = rows[:min(LONGEST, MOST // launches)]
        for position, row in enumerate(first_rows):
            hear()
            carry = [inner[c.before] for c in loop.carries]
            state = tuple(map(id, carry)), tuple([(n, tuple(map(id, idle))) for n, idle in store.free.items() if idle])
            first = states.setdefault(state, position)
            if first < position:
                _replay(recorder, loop, inner, store, rows[position:], steps[first:], carried[first:])
                return len(rows)
            carried.append(carry)
            steps.append(_step(recorder, loop, inner, store))
            recorder.replay(steps[-1:], (row,), 0)
            carry_on(loop.carries, inner)
        return len(first_rows)
    finally:
        for allocation in store.held:
            recorder.pool.give(allocation)


def _step(recorder: Recorder, loop: Repeat, inner: Memory, store: _Store) -> list[Prepared]:
    """One step of the body: its launches."""
    made: list[Prepared] = []
    for action in loop.body.actions:
        match action:
            case Launch(pipeline, slots, sizes):
                held = [a for s in slots if (a := inner[s]) is not None]
                made.append(recorder.prepare(pipeline, held, sizes))
            case Take(slot, nbytes):
                inner[slot] = store.take(nbytes)
            case Give(slot):
                allocation, inner[slot] = inner[slot], None
                if allocation is not None and slot not in loop.body.kept:
                    store.give(allocation)
            case _:
                raise InternalError(f"internal: {type(action).__name__} in a steady loop")
    return made


def _replay(recorder: Recorder, loop: Repeat, inner: Memory, store: _Store, rows: Sequence[int],
            cycle: Sequence[Sequence[Prepared]], carried: Sequence[Sequence[Allocation | None]]) -> None:
    """The rest of the steps. The carry ends where it was at that place in the cycle; all other memory is free."""
    memory = [a for a in inner if a is not None] + store.held
    try:
        for start in range(0, len(rows), PIECE):
            hear()
            recorder.replay(cycle, rows[start:start + PIECE], start)
    finally:
        recorder.touch(memory)
    owned = [a for c in loop.carries if (a := inner[c.before]) is not None] + store.held
    for c, allocation in zip(loop.carries, carried[len(rows) % len(cycle)], strict=True):
        inner[c.before] = allocation
    last = {id(inner[c.before]) for c in loop.carries}
    store.free = {}
    for allocation in owned:
        if id(allocation) not in last:
            store.give(allocation)


def carry_on(carries: Sequence[Carry], inner: Memory) -> None:
    """What the body gave is what it takes next: nothing is copied."""
    made = [inner[c.after] for c in carries]
    for c in carries:
        inner[c.after] = None
    for c, allocation in zip(carries, made, strict=True):
        inner[c.before] = allocation
