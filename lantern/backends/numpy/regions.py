"""Loops, branches and calls of the host as Python's own: what they run stands inline, in blocks of one function."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lantern.backends.numpy.memory import Block, Memory, Row, Turn, dense, slot_memory
from lantern.backends.numpy.runtime import call_host
from lantern.dtypes import BOOL, I32
from lantern.lower.kernel import (
    Alloc,
    Branch,
    Clear,
    Copy,
    Dispatch,
    Free,
    HostCall,
    Loop,
    Program,
    Region,
    Run,
    While,
    subprograms,
)
from lantern.lower.routine import Routine

if TYPE_CHECKING:
    from lantern.backends.numpy.program import Steps


LOOPS = 15      # in each other: Python allows 20 blocks, and the tiles of a kernel are one more
BLOCKS = 80     # in each other: Python allows 100


def run(to: Steps, region: Region, args: Sequence[int], outs: Sequence[int]) -> None:
    """The statements of one region."""
    memories, chain = [to.memory[slot] for slot in args], to.code.block.chain
    if subprograms(region) and (len([b for b in chain if b.repeats]) >= LOOPS or len(chain) >= BLOCKS):
        _apart(to, region, args, outs)
        return
    match region:
        case Loop():
            _loop(to, region, memories, outs)
        case While():
            _while(to, region, memories, outs)
        case Branch():
            _branch(to, region, memories, outs)
        case HostCall() | Routine():
            _host_call(to, region, memories, outs)


def written(program: Program) -> set[int]:
    """The slots that steps of the program write."""
    found: set[int] = set()
    for step in program.steps:
        match step:
            case Dispatch(_, _, outs) | Run(_, _, outs):
                found.update(outs)
            case Clear(slot) | Copy(slot):
                found.add(slot)
            case Alloc() | Free():
                pass
    return found


def _loop(to: Steps, loop: Loop, args: Sequence[Memory], outs: Sequence[int]) -> None:
    """`for` over the rows of xs and ys: nothing gives views of them faster than iterating over arrays."""
    code, body, around = to.code, loop.body, to.code.block
    block, first = Block(around, repeats=True), loop.constants + loop.carry

    def row(whole: Memory, slot: int) -> Memory:
        place = Row(whole, loop.length, body.slots[slot].size, loop.reverse, block)
        return slot_memory(code.new("row"), body.slots[slot], place, whole.lasting)

    memory = dict(zip(body.inputs, args[:loop.constants], strict=False))
    memory |= {slot: row(whole, slot) for slot, whole in zip(body.inputs[first:], args[first:], strict=True)}
    ys = zip(body.outputs[loop.carry:], outs[loop.carry:], strict=True)
    wanted = {slot: row(to.allocate(out), slot) for slot, out in ys}
    carry = _Carry(to, body, loop.constants, args[loop.constants:first], outs[:loop.carry], loop.length, block)
    code.block = block
    to.inside(body, memory | carry.inputs, wanted | carry.outputs)
    carry.turn()
    code.block = around
    names, wholes = ", ".join(block.heads), ", ".join(block.heads.values())
    over = f"range({loop.length})" if not wholes else wholes if len(block.heads) == 1 else f"zip({wholes})"
    _add(around, f"for {names or '_'} in {over}:", block)
    carry.leave()


def _while(to: Steps, loop: While, args: Sequence[Memory], outs: Sequence[int]) -> None:
    """`while True`, with the condition's statements at the start of the block."""
    code, condition, body, around = to.code, loop.condition, loop.body, to.code.block
    block, first = Block(around, repeats=True), loop.condition_constants
    last = first + loop.body_constants
    carry = _Carry(to, body, loop.body_constants, args[last:], outs, None, block)
    code.block = block
    held = [*args[:first], *[carry.inputs[slot] for slot in body.inputs[loop.body_constants:]]]
    asked = to.inside(condition, dict(zip(condition.inputs, held, strict=True)), {})
    block.lines.append(f"if not {code.view(dense(asked.memory[condition.outputs[0]], BOOL, ()))}: break")
    for slot in tuple(asked.taken):
        asked.free(slot)
    memory = dict(zip(body.inputs, args[first:last], strict=False))
    to.inside(body, memory | carry.inputs, carry.outputs)
    carry.turn()
    code.block = around
    _add(around, "while True:", block)
    carry.leave()


def _branch(to: Steps, branch: Branch, args: Sequence[Memory], outs: Sequence[int]) -> None:
    """`if`, `elif`, `else`. What a branch took of large memory is there in that branch only."""
    code, around, last = to.code, to.code.block, len(branch.branches) - 1
    chosen = code.view(dense(args[0], I32, ()))
    given = [to.allocate(slot) for slot in outs]
    blocks: list[Block] = []
    for program in branch.branches:
        block = code.block = Block(around)
        memory = dict(zip(program.inputs, args[1:], strict=True))
        to.inside(program, memory, dict(zip(program.outputs, given, strict=True)))
        code.idle = [m for m in code.idle if m.fixed or m.block is not block]
        blocks.append(block)
    code.block = around
    number = code.new("n")
    around.lines.append(f"{number} = {chosen}.item()")
    for k, block in enumerate(blocks):
        _add(around, "else:" if k == last > 0 else f"{'elif' if k else 'if'} {number} == {k}:", block)


def _host_call(to: Steps, call: HostCall | Routine, args: Sequence[Memory], outs: Sequence[int]) -> None:
    """The function gets arrays that nobody writes later: the program's arguments, or copies."""
    code = to.code
    given: list[str] = []
    for memory, aval in zip(args, call.args, strict=True):
        name = code.view(dense(memory, aval.dtype, aval.shape))
        given.append(name if memory.lasting and aval.size else f"{name}.copy()")
    function, avals = code.use(call.function, code.new("host")), code.use(call.outs, code.new("outs"))
    asked = f"{code.use(call_host, 'call_host')}({', '.join([function, repr(call.name), avals, *given])})"
    names = [code.new("h") for _ in outs]
    code.lines.append(f"{', '.join(names)}, = {asked}" if names else asked)
    _take(to, names, outs)


def _apart(to: Steps, region: Region, args: Sequence[int], outs: Sequence[int]) -> None:
    """A region as a function of its own, which returns new arrays."""
    slots = tuple([to.program.slots[slot] for slot in (*args, *outs)])
    inner, made = tuple(range(len(args))), tuple(range(len(args), len(slots)))
    name = to.function(Program(slots, inner, made, slots[len(args):], (Run(region, inner, made),)))
    given: list[str] = []
    for memory, aval in zip([to.memory[slot] for slot in args], slots, strict=False):
        view = to.code.view(dense(memory, aval.dtype, aval.shape))
        given.append(view if memory.lasting else f"{view}.copy()")
    names = [to.code.new("h") for _ in outs]
    asked = f"{name}([{', '.join(given)}])"
    to.code.lines.append(f"{', '.join(names)}, = {asked}" if names else asked)
    _take(to, names, outs)


def _take(to: Steps, names: Sequence[str], outs: Sequence[int]) -> None:
    """Copies arrays that a call returned to their slots."""
    for name, slot in zip(names, outs, strict=True):
        aval = to.program.slots[slot]
        to.code.lines.append(f"{to.code.view(dense(to.allocate(slot), aval.dtype, aval.shape))}[...] = {name}")


def _add(around: Block, head: str, block: Block) -> None:
    around.lines += [head, *["    " + line for line in block.lines or ["pass"]]]


@dataclass(slots=True)
class _Carry:
    """What steps pass on. `inputs` is where the body finds it, `outputs` where it leaves it, by slot.

    What the body writes in place stays where it is. Where it makes the next value in other memory than this one's, the
    memories take turns: no element is copied, and all views are made before the loop. What is only handed on is read
    where it is.
    """

    to: Steps
    body: Program
    constants: int
    initial: Sequence[Memory]
    outs: Sequence[int]
    steps: int | None           # None: nobody knows before
    block: Block
    inputs: dict[int, Memory] = field(default_factory=dict[int, Memory])
    outputs: dict[int, Memory] = field(default_factory=dict[int, Memory])
    own: dict[int, tuple[Memory, ...]] = field(default_factory=dict[int, tuple[Memory, ...]])   # from each slot's on
    names: list[dict[object, tuple[str, ...]]] = field(default_factory=list[dict[object, tuple[str, ...]]])
    settled: set[int] = field(default_factory=set[int])                     # whose last values need no copy
    copied: dict[int, Memory] = field(default_factory=dict[int, Memory])    # where last values are copied to

    def __post_init__(self) -> None:
        to, body = self.to, self.body
        first = dict(zip(body.inputs[self.constants:], self.initial, strict=False))
        changed = written(body)
        for cycle in _cycles(dict(zip(first, body.outputs, strict=False))):
            if len(cycle) == 1 and cycle[0] not in changed:
                self.inputs[cycle[0]] = first[cycle[0]]
                continue
            own, names = self.memories(cycle), dict[object, tuple[str, ...]]()
            self.names.append(names)
            for k, slot in enumerate(cycle):
                self.own[slot] = (*own[k:], *own[:k])
                found = own[k]
                if len(own) > 1:
                    turn = Turn(tuple(own), k, self.block, names)
                    found = Memory(to.code.new("turn"), found.size, False, block=self.block, place=turn)
                self.outputs[slot] = found
                if slot in first:
                    self.inputs[slot] = found
                    to.copy(own[k], first[slot], body.slots[slot])
        self.inputs = {slot: self.inputs[slot] for slot in first}

    def memories(self, cycle: Sequence[int]) -> list[Memory]:
        """What the values of a cycle lie in: the places where the last ones are wanted, as far as that is known."""
        found: dict[int, Memory] = {}
        out = dict(zip(self.body.inputs[self.constants:], self.outs, strict=False))
        for k, slot in enumerate(cycle):
            if slot not in out:
                continue
            if len(cycle) > 1 and self.steps is None:
                self.copied[slot] = self.to.allocate(out[slot])
            elif self.to.has_place(out[slot]):
                found[(k + (self.steps or 0)) % len(cycle)] = self.to.allocate(out[slot])
                self.settled.add(slot)
        size = self.body.slots[cycle[0]].nbytes
        return [found.get(k) or self.to.code.scratch(size) for k in range(len(cycle))]

    def turn(self) -> None:
        """The last statement of each step: variables change places. Those by which last values are found, too."""
        for slot, memory in self.copied.items():
            self.to.both(memory, self.inputs[slot], self.body.slots[slot])
        pairs = [(name, following) for names in self.names for row in names.values()
                 for name, following in zip(row, (*row[1:], row[0]), strict=True)]
        if pairs:
            self.block.lines.append(" = ".join([", ".join(side) for side in zip(*pairs, strict=True)]))

    def leave(self) -> None:
        """After the loop: the last values in the slots of the program around."""
        to, kept = self.to, list[Memory]()
        for slot, out in zip(self.inputs, self.outs, strict=True):
            own = self.own.get(slot)
            if own is None or slot in self.copied:
                to.copy(self.copied.get(slot) or to.allocate(out), self.inputs[slot], self.body.slots[slot])
                continue
            kept.append(own[(self.steps or 0) % len(own)])
            if slot not in self.settled:
                to.receive(out, kept[-1])
        for memory in {own[0] for own in self.own.values()}:
            if memory not in kept:
                to.code.give_back(memory)


def _cycles(after: Mapping[int, int]) -> list[list[int]]:
    """Slots in the order in which the steps' values go through them: the input slot k holds next what is made in
    `after[k]`. Memory where a value is made that was no input before is, in the next step, an input's that no value
    came to.

    >>> _cycles({1: 1, 2: 3, 3: 2, 4: 5, 5: 6})
    [[4, 5, 6], [1], [2, 3]]
    """
    found: list[list[int]] = []
    for start in (*[slot for slot in after if slot not in after.values()], *after):
        if not any(start in cycle for cycle in found):
            cycle = [start]
            while after.get(cycle[-1], start) != start:
                cycle.append(after[cycle[-1]])
            found.append(cycle)
    return found
