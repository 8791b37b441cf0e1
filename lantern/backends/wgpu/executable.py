"""Running a program: its steps with everything that can be known beforehand, and the loop that records them."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from lantern.backends.wgpu.memory import Allocation, Buffer, Pool
from lantern.backends.wgpu.native import Handle
from lantern.backends.wgpu.packed import stored_bytes
from lantern.backends.wgpu.render import check_size
from lantern.backends.wgpu.shader import Shader
from lantern.errors import DeviceError, InternalError
from lantern.lower.kernel import Alloc, Clear, Copy, Dispatch, Free, Kernel, Program, Target


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """A compiled kernel. `objects` keeps alive what the handles stand for; no handle: nothing to run."""

    shader: Shader
    handle: Handle
    layout: Handle
    layout_number: int
    objects: tuple[Any, ...]


class Recorder(Protocol):
    """Who records commands and owns memory: the backend."""

    pool: Pool

    def buffer(self, nbytes: int) -> Buffer:
        """A new buffer."""
        ...

    def launch(self, pipeline: Pipeline, allocations: Sequence[Allocation], sizes: Sequence[int]) -> None:
        """Record one kernel."""
        ...

    def clear(self, allocation: Allocation, nbytes: int) -> None:
        """Record filling with zeros."""
        ...

    def copy(self, source: Allocation, target: Allocation, nbytes: int) -> None:
        """Record filling `target` with the bytes of `source`."""
        ...

    def duplicate(self, allocation: Allocation) -> Allocation:
        """A copy, recorded."""
        ...

    def recorded(self, nbytes: int) -> None:
        """A program was recorded that touches `nbytes`."""
        ...


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


Action: TypeAlias = "Take | Give | Zero | Fill | Launch"


@dataclass(frozen=True, slots=True)
class Plan:
    """A program ready to run. `kept`: input slots that the caller still owns; `donated`: those that it does not."""

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


def make_plan(program: Program, target: Target, pipeline: Callable[[Kernel, Mapping[int, int]], Pipeline]) -> Plan:
    """Compile every kernel and work out what each step binds. Raises DeviceError for memory beyond the limits."""
    sizes = [stored_bytes(s.size, s.dtype) for s in program.slots]
    for slot, aval in enumerate(program.slots):
        check_size(aval.size, aval.dtype, f"{program.name or 'program'}: {aval} (slot {slot})", target)
    actions: list[Action] = []
    touched = 0
    for step in program.steps:
        match step:
            case Alloc(slot):
                actions += [Take(slot, sizes[slot])] if sizes[slot] else []
            case Free(slot):
                actions += [Give(slot)] if sizes[slot] else []
            case Clear(slot):
                actions += [Zero(slot, sizes[slot])] if sizes[slot] else []
            case Copy(slot, source):
                actions += [Fill(slot, source, sizes[slot])] if sizes[slot] else []
            case Dispatch():
                made = pipeline(step.kernel, shared_memory(step))
                if made.handle is not None:
                    actions.append(_launch(step, made))
                    touched += sum(actions[-1].sizes) if isinstance(actions[-1], Launch) else 0
    donated = frozenset(program.inputs) & program.donated
    return Plan(program.name or "program", len(sizes), program.inputs, tuple(sizes[s] for s in program.inputs),
                program.outputs, tuple(stored_bytes(a.size, a.dtype) for a in program.out_avals), tuple(actions),
                frozenset(program.inputs) - donated, donated, touched)


def shared_memory(step: Dispatch) -> dict[int, int]:
    """Which arguments of a launch have the memory of one of its outputs: argument -> output."""
    return {k: step.outs.index(slot) for k, slot in enumerate(step.args) if slot in step.outs}


def _launch(step: Dispatch, pipeline: Pipeline) -> Launch:
    slots: list[int] = []
    sizes: list[int] = []
    for b in pipeline.shader.bindings:
        avals, places = (step.kernel.outs, step.outs) if b.output else (step.kernel.args, step.args)
        slots.append(places[b.index])
        sizes.append(-(-stored_bytes(avals[b.index].size, b.dtype) // 16) * 16)        # whole vec4
    return Launch(pipeline, tuple(slots), tuple(sizes))


def run_plan(recorder: Recorder, plan: Plan, inputs: Sequence[Buffer]) -> list[Buffer]:
    """Record a program on its inputs. Returns at once; the outputs have their values when the device is done."""
    memory: list[Allocation | None] = [None] * plan.slot_count
    _bind_inputs(recorder, plan, inputs, memory)
    try:
        _record(recorder, plan, memory)
    except BaseException:       # no room, or Ctrl-C: what the program had taken is free again
        for slot, allocation in enumerate(memory):
            if allocation is not None and slot not in plan.kept:
                recorder.pool.give(allocation)
        raise
    outputs = _outputs(recorder, plan, inputs, memory)
    recorder.recorded(plan.touched)
    return outputs


def _record(recorder: Recorder, plan: Plan, memory: list[Allocation | None]) -> None:
    """Record the steps of a program on the memory of its slots."""
    pool = recorder.pool
    for action in plan.actions:
        match action:
            case Launch(pipeline, slots, sizes):
                recorder.launch(pipeline, [_held(memory, s) for s in slots], sizes)
            case Take(slot, nbytes):
                memory[slot] = pool.take(nbytes)
            case Give(slot):
                if slot not in plan.kept:
                    pool.give(_held(memory, slot))
                memory[slot] = None
            case Zero(slot, nbytes):
                recorder.clear(_held(memory, slot), nbytes)
            case Fill(slot, source, nbytes):
                recorder.copy(_held(memory, source), _held(memory, slot), nbytes)


def _held(memory: list[Allocation | None], slot: int) -> Allocation:
    allocation = memory[slot]
    if allocation is None:
        raise InternalError(f"internal: slot {slot} is used without memory")
    return allocation


def _bind_inputs(recorder: Recorder, plan: Plan, inputs: Sequence[Buffer], memory: list[Allocation | None]) -> None:
    """Put the inputs in their slots. A donated one is taken over, or copied where somebody else holds it too."""
    for slot, nbytes, buffer in zip(plan.inputs, plan.input_bytes, inputs, strict=True):
        if nbytes and buffer.allocation is None:
            raise DeviceError(f"{plan.name}: the memory of an argument was donated to an earlier compiled call")
        memory[slot] = buffer.allocation
    if not plan.donated:
        return
    for slot, buffer in zip(plan.inputs, inputs, strict=True):
        allocation = buffer.allocation
        if slot in plan.donated and allocation is not None:
            if buffer.shared or sum(b is buffer for b in inputs) > 1:
                memory[slot] = recorder.duplicate(allocation)
            else:
                memory[slot] = buffer.take()


def _outputs(recorder: Recorder, plan: Plan, inputs: Sequence[Buffer], memory: list[Allocation | None]
             ) -> list[Buffer]:
    """Buffers for the outputs. One that is an input, or that stands twice, is marked as shared."""
    found: dict[int, Buffer] = {s: b for s, b in zip(plan.inputs, inputs, strict=True) if s in plan.kept}
    made: list[Buffer] = []
    for slot, nbytes in zip(plan.outputs, plan.output_bytes, strict=True):
        buffer = found.get(slot)
        if buffer is None:
            allocation = _held(memory, slot) if nbytes else None
            buffer = found[slot] = Buffer(allocation, nbytes, recorder.pool.returned)
            memory[slot] = None
        else:
            buffer.shared = True
        made.append(buffer)
    for slot in plan.donated:
        allocation = memory[slot]
        if allocation is not None:      # neither freed nor returned
            recorder.pool.give(allocation)
    return made
