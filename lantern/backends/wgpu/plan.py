"""What a program does, worked out beforehand: which pipelines run on which slots, what is allocated, what is a row.

A loop reads and writes rows of whole arrays. Where only kernels touch a row, they address it in the whole array (the
number of the row reaches them in a uniform); where a region, a copy or a scatter does, the row has memory of its own,
and a small kernel moves it.
"""
from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from lantern.backends.wgpu.native import Handle
from lantern.backends.wgpu.packed import stored_bytes
from lantern.backends.wgpu.render import check_size
from lantern.backends.wgpu.shader import Shader
from lantern.lower.expr import row_major
from lantern.lower.kernel import (
    Alloc,
    Branch,
    Clear,
    Copy,
    Dispatch,
    Free,
    HostCall,
    Kernel,
    Loop,
    Program,
    Run,
    Scatter,
    Target,
    While,
)
from lantern.lower.routine import Routine
from lantern.lower.views import view
from lantern.trace.aval import ShapedArray, shaped


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """A compiled kernel. `objects` keeps alive what the handles stand for; no handle: nothing to run. `moving`: it asks
    which row it is at."""

    shader: Shader
    handle: Handle
    layout: Handle
    layout_number: int
    objects: tuple[Any, ...]
    moving: bool = False


@dataclass(frozen=True, slots=True)
class Take:
    """Give a slot memory."""

    slot: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class Give:
    """Take a slot's memory back."""

    slot: int


@dataclass(frozen=True, slots=True)
class Zero:
    """Fill a slot with zeros."""

    slot: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class Fill:
    """Fill a slot with the elements of another."""

    slot: int
    source: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class Launch:
    """Run a pipeline on slots, with the bytes of each to bind."""

    pipeline: Pipeline
    slots: tuple[int, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Carry:
    """One array that a loop carries on: where it starts, its slots in the body before and after, where it ends.

    `takes`: nobody wants the start afterwards, so it need not be copied.
    """

    start: int
    before: int
    after: int
    end: int
    nbytes: int
    takes: bool


@dataclass(frozen=True, slots=True)
class Repeat:
    """A loop. `given`: slots outside and inside that share memory, with constants and whole arrays of rows; `made`: the
    same for the whole arrays that it makes, with their bytes."""

    body: Plan
    length: int
    reverse: bool
    given: tuple[tuple[int, int], ...]
    carries: tuple[Carry, ...]
    made: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Until:
    """A loop with a condition, whose carry shares memory with the body's: `watched` are its slots there and here."""

    condition: Plan
    body: Plan
    known: tuple[tuple[int, int], ...]      # outside, and in the condition
    watched: tuple[tuple[int, int], ...]    # in the body, and in the condition
    given: tuple[tuple[int, int], ...]
    carries: tuple[Carry, ...]


@dataclass(frozen=True, slots=True)
class Choose:
    """One of several plans, by the number in slot `index`."""

    index: int
    branches: tuple[Plan, ...]
    args: tuple[int, ...]
    outs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """A Python function of what lies in slots."""

    call: HostCall
    args: tuple[int, ...]
    outs: tuple[int, ...]


Action: TypeAlias = "Take | Give | Zero | Fill | Launch | Repeat | Until | Choose | Ask"


@dataclass(frozen=True, slots=True)
class Plan:
    """A program ready to run. `kept`: slots whose memory somebody else owns; `donated`: inputs that it owns."""

    name: str
    slot_count: int
    inputs: tuple[int, ...]
    input_bytes: tuple[int, ...]
    outputs: tuple[int, ...]
    output_bytes: tuple[int, ...]
    actions: tuple[Action, ...]
    kept: frozenset[int]
    donated: frozenset[int]
    touched: int

    @property
    def steady(self) -> bool:
        """Whether it does nothing but launch kernels on memory."""
        return all(isinstance(a, (Take, Give, Launch)) for a in self.actions)


# A kernel, which arguments share an output's memory, and the names of its buffers that hold many rows.
Compile: TypeAlias = Callable[[Kernel | Routine, Mapping[int, int], Collection[str]], Pipeline]


def make_plan(program: Program, target: Target, pipeline: Compile) -> Plan:
    """Compile every kernel and work out what each step binds. Raises DeviceError for memory beyond the limits."""
    return _Planner(program, target, pipeline).plan()


@dataclass(slots=True)
class _Planner:
    """`wholes`: slots that are rows, with the bytes of the whole arrays that they lie in."""

    program: Program
    target: Target
    pipeline: Compile
    wholes: Mapping[int, int] = field(default_factory=dict[int, int])
    sizes: list[int] = field(default_factory=list[int])
    actions: list[Action] = field(default_factory=list[Action])
    taken: set[int] = field(default_factory=set[int])
    touched: int = 0

    def __post_init__(self) -> None:
        program = self.program
        self.sizes = [stored_bytes(s.size, s.dtype) for s in program.slots]
        for slot, aval in enumerate(program.slots):
            check_size(aval.size, aval.dtype, f"{program.name or 'program'}: {aval} (slot {slot})", self.target)

    def plan(self) -> Plan:
        program = self.program
        for position, step in enumerate(program.steps):
            match step:
                case Alloc(slot):
                    self.act(slot, Take(slot, self.sizes[slot]))
                case Free(slot):
                    self.act(slot, Give(slot))
                case Clear(slot):
                    self.act(slot, Zero(slot, self.sizes[slot]))
                case Copy(slot, source):
                    self.act(slot, Fill(slot, source, self.sizes[slot]))
                case Dispatch():
                    self.launch(step)
                case Run():
                    self.region(step, _freed_after(program, position))
        donated = frozenset(program.inputs) & program.donated
        return Plan(program.name or "program", len(self.sizes), program.inputs,
                    tuple([self.sizes[s] for s in program.inputs]), program.outputs,
                    tuple([stored_bytes(a.size, a.dtype) for a in program.out_avals]), tuple(self.actions),
                    (frozenset(program.inputs) - donated) | frozenset(self.wholes), donated, self.touched)

    def act(self, slot: int, action: Action) -> None:
        """An action on memory that is there: not on nothing, on what a whole array holds, or on what was taken over."""
        if isinstance(action, Give) and slot in self.taken:
            return
        if self.sizes[slot] and slot not in self.wholes:
            self.actions.append(action)

    def launch(self, step: Dispatch) -> None:
        kernel, shared = step.kernel, shared_memory(step)
        moving = [f"arg{k}" for k, s in enumerate(step.args) if s in self.wholes and k not in shared]
        moving += [f"out{k}" for k, s in enumerate(step.outs) if s in self.wholes]
        made = self.pipeline(kernel, shared, moving)
        if made.handle is None:
            return
        slots: list[int] = []
        sizes: list[int] = []
        for b in made.shader.bindings:
            slot = (step.outs if b.output else step.args)[b.index]
            slots.append(slot)
            sizes.append(-(-self.wholes.get(slot, self.sizes[slot]) // 16) * 16)      # whole vec4
            self.touched += self.sizes[slot]
        self.actions.append(Launch(made, tuple(slots), tuple(sizes)))

    def region(self, step: Run, dying: Collection[int]) -> None:
        region, args = step.region, step.args
        takes = frozenset([s for s in dying if args.count(s) == 1 and s not in self.wholes])
        match region:
            case Loop():
                self.actions.append(self.loop(region, step, takes))
            case While():
                self.actions.append(self.until(region, step, takes))
            case Branch(branches):
                plans = tuple([make_plan(b, self.target, self.pipeline) for b in branches])
                self.touched += max([p.touched for p in plans])
                self.actions.append(Choose(args[0], plans, args[1:], step.outs))
            case HostCall():
                self.actions.append(Ask(region, args, step.outs))
            case Routine():
                self.routine(region, step)

    def routine(self, routine: Routine, step: Run) -> None:
        """A kernel that the user wrote, which writes memory of its own."""
        made = self.pipeline(routine, {}, ())
        self.actions += [Take(s, self.sizes[s]) for s in step.outs if self.sizes[s]]
        if made.handle is not None:
            slots = tuple([(step.outs if b.output else step.args)[b.index] for b in made.shader.bindings])
            self.touched += sum([self.sizes[s] for s in slots])
            self.actions.append(Launch(made, slots, tuple([-(-self.sizes[s] // 16) * 16 for s in slots])))

    def carries(self, body: Plan, starts: Sequence[int], before: Sequence[int], ends: Sequence[int],
                takes: Collection[int]) -> tuple[Carry, ...]:
        """How the carry goes through a body. What it takes over is not given back a second time."""
        self.taken |= {s for s in starts if s in takes}
        return tuple([Carry(s, b, a, e, self.sizes[s], s in takes) for s, b, a, e in
                      zip(starts, before, body.outputs[:len(before)], ends, strict=True)])

    def loop(self, loop: Loop, step: Run, takes: Collection[int]) -> Repeat:
        body, kept = loop.body, loop.constants + loop.carry
        rows_in = dict(zip(body.inputs[kept:], step.args[kept:], strict=True))
        rows_out = dict(zip(body.outputs[loop.carry:], step.outs[loop.carry:], strict=True))
        whole = {s: self.sizes[w] for s, w in (rows_in | rows_out).items()}
        inner = _Planner(body, self.target, self.pipeline, _only_launched(body, whole))
        moved = {s: len(inner.sizes) + k for k, s in enumerate([s for s in whole if s not in inner.wholes])}
        plan = inner.with_rows(moved, whole, rows_in)
        self.touched += plan.touched * loop.length
        place = {s: moved.get(s, s) for s in whole}
        given = [(w, place[s]) for s, w in rows_in.items() if self.sizes[w]]
        made = [(w, place[s], self.sizes[w]) for s, w in rows_out.items() if self.sizes[w]]
        constants = zip(step.args[:loop.constants], body.inputs[:loop.constants], strict=True)
        carries = self.carries(plan, step.args[loop.constants:kept], body.inputs[loop.constants:kept],
                               step.outs[:loop.carry], takes)
        return Repeat(plan, loop.length, loop.reverse, (*constants, *given), carries, tuple(made))

    def with_rows(self, moved: Mapping[int, int], whole: Mapping[int, int], read: Collection[int]) -> Plan:
        """The plan of a loop's body in which the rows `moved` have memory of their own; their whole arrays are in the
        slots that `moved` names."""
        slots = self.program.slots
        for s, w in moved.items():
            if s in read and self.sizes[s]:
                self.actions.append(Take(s, self.sizes[s]))
                self.actions.append(self.mover(slots[s], "arg0", (w, s), whole[s]))
        plan = self.plan()
        after: list[Action] = []
        for s, w in moved.items():
            if self.sizes[s]:
                after += [] if s in read else [self.mover(slots[s], "out0", (s, w), whole[s])]
                after.append(Give(s))
        kept = (plan.kept - frozenset(moved)) | frozenset(moved.values())
        return Plan(plan.name, plan.slot_count + len(moved), plan.inputs, plan.input_bytes, plan.outputs,
                    plan.output_bytes, (*plan.actions, *after), kept, plan.donated, self.touched)

    def mover(self, row: ShapedArray, moving: str, slots: tuple[int, int], whole: int) -> Launch:
        """Between a row and its place in a whole array."""
        flat = shaped((row.size,), row.dtype)
        made = self.pipeline(view(flat, flat, 0, row_major(flat.shape)), {}, [moving])
        size = stored_bytes(row.size, row.dtype)
        self.touched += 2 * size
        sizes = (whole, size) if moving == "arg0" else (size, whole)
        return Launch(made, slots, tuple([-(-n // 16) * 16 for n in sizes]))

    def until(self, loop: While, step: Run, takes: Collection[int]) -> Until:
        first, second = loop.condition_constants, loop.body_constants
        args = step.args
        condition = make_plan(loop.condition, self.target, self.pipeline)
        body = make_plan(loop.body, self.target, self.pipeline)
        self.touched += condition.touched + body.touched
        carries = self.carries(body, args[first + second:], body.inputs[second:], step.outs, takes)
        return Until(condition, body, tuple(zip(args[:first], condition.inputs[:first], strict=True)),
                     tuple(zip(body.inputs[second:], condition.inputs[first:], strict=True)),
                     tuple(zip(args[first:first + second], body.inputs[:second], strict=True)), carries)


def shared_memory(step: Dispatch) -> dict[int, int]:
    """Which arguments of a launch have the memory of one of its outputs: argument -> output."""
    return {k: step.outs.index(slot) for k, slot in enumerate(step.args) if slot in step.outs}


def _freed_after(program: Program, position: int) -> set[int]:
    """What is freed right after a step."""
    found: set[int] = set()
    for step in program.steps[position + 1:]:
        if not isinstance(step, Free):
            break
        found.add(step.slot)
    return found


def _only_launched(program: Program, whole: Mapping[int, int]) -> dict[int, int]:
    """Those slots among `whole` that kernels alone touch, element by element."""
    others: set[int] = set()
    for step in program.steps:
        match step:
            case Run(_, args, outs):
                others.update((*args, *outs))
            case Copy(slot, source):
                others.update((slot, source))
            case Clear(slot):
                others.add(slot)
            case Dispatch(kernel, _, outs):
                others.update([outs[s.out] for stage in kernel.stages for s in stage.stores if isinstance(s, Scatter)])
            case Alloc() | Free():
                pass
    return {s: size for s, size in whole.items() if s not in others}
