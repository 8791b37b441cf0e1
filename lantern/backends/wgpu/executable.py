"""Running a plan: its actions are recorded one after the other, those of a loop's body once for each step."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

import numpy as np

from lantern.backends.wgpu.interrupts import hear
from lantern.backends.wgpu.memory import Allocation, Buffer
from lantern.backends.wgpu.plan import Ask, Carry, Choose, Fill, Give, Launch, Pipeline, Plan, Repeat, Take, Until, Zero
from lantern.backends.wgpu.steady import Memory, carry_on, repeat_steadily
from lantern.backends.wgpu.steady import Recorder as StepRecorder
from lantern.dtypes import BOOL, I32
from lantern.errors import DeviceError, InternalError
from lantern.lower.kernel import HostCall
from lantern.trace.aval import ShapedArray, shaped

AnyArray: TypeAlias = "np.ndarray[Any, Any]"
NOWHERE = -1    # the row outside of loops
FLAG, NUMBER = shaped((), BOOL), shaped((), I32)


class Recorder(StepRecorder, Protocol):
    """Who records commands and owns memory: the backend."""

    def begin(self) -> None:
        """A program is about to be recorded."""
        ...

    def launch(self, pipeline: Pipeline, allocations: Sequence[Allocation], sizes: Sequence[int], row: int) -> None:
        """Record one kernel, at the given row of the arrays that it knows rows of."""
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

    def later(self, call: HostCall, held: Sequence[Allocation | None]) -> None:
        """A call on these values, which are its own, when somebody next waits."""
        ...

    def fetch(self, allocation: Allocation | None, aval: ShapedArray) -> AnyArray:
        """The values that an allocation has when all that was recorded is done."""
        ...

    def send(self, array: AnyArray) -> Allocation | None:
        """New memory with these values."""
        ...

    def released(self) -> AbstractContextManager[None]:
        """While the user's Python runs, others may use the device and Ctrl-C is heard at once."""
        ...

    def recorded(self, nbytes: int) -> None:
        """A program was recorded that touches `nbytes`."""
        ...


def run_plan(recorder: Recorder, plan: Plan, inputs: Sequence[Buffer]) -> list[Buffer]:
    """Record a program on its inputs. Returns at once (unless Python decides how it goes on); the outputs have their
    values when the device is done."""
    memory: Memory = [None] * plan.slot_count
    _bind_inputs(recorder, plan, inputs, memory)
    recorder.begin()
    _record_or_give(recorder, plan, memory, NOWHERE)
    outputs = _outputs(recorder, plan, inputs, memory)
    recorder.recorded(plan.touched)
    return outputs


def _record_or_give(recorder: Recorder, plan: Plan, memory: Memory, row: int) -> None:
    """Record the actions of a plan. If there is no room, or at Ctrl-C, what it had taken is free again."""
    try:
        _record(recorder, plan, memory, row)
    except BaseException:
        _give_all(recorder, plan, memory)
        raise


def _give_all(recorder: Recorder, plan: Plan, memory: Memory) -> None:
    for slot, allocation in enumerate(memory):
        if allocation is not None and slot not in plan.kept:
            recorder.pool.give(allocation)
            memory[slot] = None


def _record(recorder: Recorder, plan: Plan, memory: Memory, row: int) -> None:
    """Record the actions of a plan on the memory of its slots."""
    pool = recorder.pool
    for action in plan.actions:
        match action:
            case Launch(pipeline, slots, sizes):
                recorder.launch(pipeline, [_held(memory, s) for s in slots], sizes, row)
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
            case Repeat():
                _repeat(recorder, action, memory)
            case Until():
                _until(recorder, action, memory)
            case Choose():
                _choose(recorder, action, memory)
            case Ask():
                _ask(recorder, action, memory)


def _held(memory: Memory, slot: int) -> Allocation:
    allocation = memory[slot]
    if allocation is None:
        raise InternalError(f"internal: slot {slot} is used without memory")
    return allocation


# Regions


def _repeat(recorder: Recorder, loop: Repeat, memory: Memory) -> None:
    body, inner = loop.body, _inside(loop.body, loop.given, memory)
    for whole, slot, nbytes in loop.made:
        memory[whole] = inner[slot] = recorder.pool.take(nbytes)

    rows = range(loop.length)[::-1] if loop.reverse else range(loop.length)

    def steps() -> None:
        done = repeat_steadily(recorder, loop, inner, rows) if body.steady else 0
        for row in rows[done:]:
            hear()
            _record(recorder, body, inner, row)
            carry_on(loop.carries, inner)

    _carried(recorder, body, loop.carries, memory, inner, steps)


def _until(recorder: Recorder, loop: Until, memory: Memory) -> None:
    inner = _inside(loop.body, loop.given, memory)

    def steps() -> None:
        while _holds(recorder, loop, memory, inner):
            hear()
            _record(recorder, loop.body, inner, NOWHERE)
            carry_on(loop.carries, inner)

    _carried(recorder, loop.body, loop.carries, memory, inner, steps)


def _holds(recorder: Recorder, loop: Until, memory: Memory, inner: Memory) -> bool:
    """What the condition says of the carry, read from the device."""
    plan = loop.condition
    asked = _inside(plan, loop.known, memory)
    for body, slot in loop.watched:
        asked[slot] = inner[body]
    _record_or_give(recorder, plan, asked, NOWHERE)
    try:
        return bool(recorder.fetch(_held(asked, plan.outputs[0]), FLAG)[()])
    finally:
        _give_all(recorder, plan, asked)


def _inside(plan: Plan, given: Sequence[tuple[int, int]], memory: Memory) -> Memory:
    """The memory of an inner plan, with what it is given."""
    inner: Memory = [None] * plan.slot_count
    for outside, slot in given:
        inner[slot] = memory[outside]
    return inner


def _carried(recorder: Recorder, body: Plan, carries: Sequence[Carry], memory: Memory, inner: Memory,
             steps: Callable[[], None]) -> None:
    """The first carry goes in, `steps` run, the last carry comes out."""
    try:
        for c in carries:
            start = memory[c.start]
            if c.nbytes and start is not None:
                inner[c.before] = start if c.takes else recorder.duplicate(start)
                memory[c.start] = None if c.takes else start
        steps()
    except BaseException:
        _give_all(recorder, body, inner)
        raise
    for c in carries:
        memory[c.end] = inner[c.before]


def _choose(recorder: Recorder, choice: Choose, memory: Memory) -> None:
    number = int(recorder.fetch(_held(memory, choice.index), NUMBER)[()])
    if not 0 <= number < len(choice.branches):
        raise InternalError(f"internal: branch {number} of {len(choice.branches)}")
    plan = choice.branches[number]
    inner = _inside(plan, tuple(zip(choice.args, plan.inputs, strict=True)), memory)
    _record_or_give(recorder, plan, inner, NOWHERE)
    for outside, slot in zip(choice.outs, plan.outputs, strict=True):
        memory[outside] = inner[slot]


def _ask(recorder: Recorder, asked: Ask, memory: Memory) -> None:
    call = asked.call
    if call.deferred:
        held = [memory[s] for s in asked.args]
        recorder.later(call, [None if a is None else recorder.duplicate(a) for a in held])
        return
    args = [recorder.fetch(memory[s], aval) for s, aval in zip(asked.args, call.args, strict=True)]
    with recorder.released():
        outs = [np.asarray(x) for x in call.function(*args)]
    given, wanted = [(x.shape, x.dtype) for x in outs], [(a.shape, a.dtype) for a in call.outs]
    if given != wanted:
        raise InternalError(f"internal: {call.name or 'a host call'} gave {given}, wanted {wanted}")
    for slot, x in zip(asked.outs, outs, strict=True):
        memory[slot] = recorder.send(x)


# A whole program's inputs and outputs


def _bind_inputs(recorder: Recorder, plan: Plan, inputs: Sequence[Buffer], memory: Memory) -> None:
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


def _outputs(recorder: Recorder, plan: Plan, inputs: Sequence[Buffer], memory: Memory
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
