"""A program as one Python function over NumPy arrays."""
from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from lantern.backends.numpy import regions
from lantern.backends.numpy.kernels import Tile, Writer
from lantern.backends.numpy.memory import Code, Memory, dense, slot_memory
from lantern.backends.numpy.plan import (
    Concatenated,
    Node,
    Plan,
    Product,
    Window,
    make_plan,
    remembered_plan,
    shaped_like,
)
from lantern.backends.numpy.runtime import LARGE, Function, block, claim, large, pool
from lantern.lower.collapse import collapse
from lantern.lower.expr import Apply, Gather, Load
from lantern.lower.kernel import Alloc, Clear, Copy, Dispatch, Free, Kernel, Program, Run, Scatter
from lantern.trace.aval import ShapedArray

MANY = 1 << 19      # elements from which a kernel runs tile by tile, so that what lies between stays in the cache
TILE = 1 << 17      # elements of a tile: fewer cost more in calls than they save in memory traffic


@dataclass(frozen=True, slots=True)
class Rendered:
    """The source of a whole program, its globals, and the part of the source that belongs to each kernel."""

    text: str
    names: dict[str, object]
    kernels: tuple[str, ...]


def render(program: Program, comments: bool = False) -> Rendered:
    """The function `make`, which allocates scratch and returns the function `run` that uses it.

    `comments`: statements carry the user's lines.
    """
    code = Code()
    code.names |= {"array": np.array, "frombuffer": np.frombuffer, "empty": np.empty, "ndarray": np.ndarray,
                   "block": block, "pool": pool}
    memory = {slot: slot_memory(f"a{k}", program.slots[slot]) for k, slot in enumerate(program.inputs)}
    steps = Steps(program, code, memory, comments=comments)
    steps.results = dict(zip(reversed(program.outputs), reversed(program.out_avals), strict=True))
    if program.inputs:
        code.lines.append(", ".join([f"a{k}" for k in range(len(program.inputs))]) + ", = arguments")
    given = regions.written(program)
    for k, slot in enumerate(program.inputs):
        if slot not in program.donated:
            memory[slot].lasting = True
        elif slot in given:
            code.lines.append(f"a{k} = {code.use(claim, 'claim')}(a{k})")
    steps.write()
    _finish(steps, given)
    once = ["    " + line for line in code.once]
    run = ["        " + line for line in code.lines]
    text = "\n".join(["def make():", *once, "    def run(arguments):", *run, "    return run", ""])
    return Rendered(text, code.names, tuple(steps.texts))


def load(rendered: Rendered, name: str) -> Callable[[], Function]:
    """Compiles the source and returns its `make`."""
    names = dict(rendered.names)
    exec(compile(rendered.text, f"<lantern {name or 'program'}>", "exec"), names)
    return cast("Callable[[], Function]", names["make"])


def _finish(steps: Steps, given: Collection[int]) -> None:
    """Results become read-only and get the shapes that were promised."""
    program, names = steps.program, list[str]()
    own = [s for s in dict.fromkeys(program.outputs) if s not in program.inputs or s in given]
    for slot in own:
        steps.code.lines.append(f"{steps.memory[slot].name}.setflags(False)")
    for slot, aval in zip(program.outputs, program.out_avals, strict=True):
        memory = steps.memory[slot]
        names.append(memory.name if memory.shape == aval.shape else f"{memory.name}.reshape({aval.shape})")
    steps.code.lines.append(f"return [{', '.join(names)}]")


@dataclass(slots=True)
class Steps:
    """Writes the steps of one program, the whole one or that of a loop or branch.

    `memory` holds the slots that have memory now. Outputs lie in the memory that `wanted` names, `results` in fresh
    arrays, everything else in scratch, which is `taken` until it is freed.
    """

    program: Program
    code: Code
    memory: dict[int, Memory]
    wanted: Mapping[int, Memory] = field(default_factory=dict[int, Memory])
    results: Mapping[int, ShapedArray] = field(default_factory=dict[int, ShapedArray])
    taken: set[int] = field(default_factory=set[int])
    comments: bool = False
    texts: list[str] = field(default_factory=list[str])

    def write(self) -> None:
        """All steps."""
        for step in self.program.steps:
            match step:
                case Alloc(slot):
                    self.allocate(slot)
                case Free(slot):
                    self.free(slot)
                case Clear(slot):
                    aval = self.program.slots[slot]
                    view = self.code.view(dense(self.memory[slot], aval.dtype, (aval.size,)))
                    self.code.lines.append(f"{view}.fill(0)")
                case Copy(slot, source):
                    self.copy(self.memory[slot], self.memory[source], self.program.slots[slot])
                case Dispatch(kernel, args, outs):
                    self.kernel(kernel, args, outs)
                case Run(region, args, outs):
                    regions.run(self, region, args, outs)

    def inside(self, program: Program, memory: dict[int, Memory], wanted: Mapping[int, Memory]) -> Steps:
        """Writes the steps of a program that a region runs, in the current block."""
        steps = Steps(program, self.code, memory, wanted, comments=self.comments, texts=self.texts)
        steps.write()
        return steps

    def allocate(self, slot: int) -> Memory:
        """Memory for a slot."""
        if slot in self.results:
            memory = self.result(slot)
        elif slot in self.wanted:
            memory = self.wanted[slot]
        else:
            memory = self.code.scratch(self.program.slots[slot].nbytes)
            self.taken.add(slot)
        self.memory[slot] = memory
        return memory

    def result(self, slot: int) -> Memory:
        """Fresh memory for what leaves the program."""
        aval = self.program.slots[slot].with_shape(self.results[slot].shape)
        memory, dtype = slot_memory(self.code.new("o"), aval), self.code.dtype(aval.dtype)
        if aval.nbytes < LARGE:
            self.code.lines.append(f"{memory.name} = empty({aval.shape}, {dtype})")
        else:
            self.code.use(large, "large")
            self.code.lines.append(f"{memory.name} = large({aval.shape}, {dtype}, {aval.nbytes})")
        return memory

    def has_place(self, slot: int) -> bool:
        """Whether a slot has memory of its own that it is better to write than to copy to. Small results are copied:
        views of scratch are made once, theirs in each call."""
        return slot in self.wanted or (slot in self.results and self.program.slots[slot].nbytes >= LARGE)

    def receive(self, slot: int, memory: Memory) -> None:
        """A slot lies in scratch that a region took."""
        if slot in self.results:
            self.copy(self.allocate(slot), memory, self.program.slots[slot])
            self.code.give_back(memory)
        else:
            self.memory[slot] = memory
            self.taken.add(slot)

    def copy(self, to: Memory, of: Memory, aval: ShapedArray) -> None:
        """Copies all elements."""
        if aval.size:
            names = self.both(to, of, aval)
            self.code.lines.append(f"{names[0]}[...] = {names[1]}")

    def both(self, to: Memory, of: Memory, aval: ShapedArray) -> tuple[str, str]:
        """All elements of two memories, in the shape that the variable of one of them has."""
        shape = to.shape if to.shape is not None else of.shape if of.shape is not None else aval.shape
        return self.code.view(dense(to, aval.dtype, shape)), self.code.view(dense(of, aval.dtype, shape))

    def function(self, program: Program) -> str:
        """The name of a program as a function of its own."""
        rendered, name = render(program, self.comments), self.code.new("f")
        self.texts += rendered.kernels
        self.code.once.append(f"{name} = {self.code.use(load(rendered, program.name), f'make_{name}')}()")
        return name

    def free(self, slot: int) -> None:
        """The memory of a slot is used again if it is scratch of this program."""
        memory = self.memory.pop(slot)
        if slot in self.taken:
            self.taken.remove(slot)
            self.code.give_back(memory)

    def kernel(self, kernel: Kernel, args: Sequence[int], outs: Sequence[int]) -> None:
        """The statements of one launch."""
        once, before = len(self.code.once), [(b, len(b.lines)) for b in reversed(self.code.block.chain)]
        memories = [self.memory[s] for s in (*args, *outs)]
        plan, tile = _tiled(kernel)
        if tile is None:
            shapes = [m.shape for m in reversed(memories) if m.shape is not None]
            plan = (make_plan if self.comments else remembered_plan)(shaped_like(kernel, shapes))
        if any(0 not in sink.domain for sink in plan.sinks):
            Writer(self.code, plan, memories[:len(args)], memories[len(args):], tile, self.comments).write()
        text = ["# once", *self.code.once[once:], "# each call"] if len(self.code.once) > once else []
        self.texts.append("\n".join([*text, *[line for b, start in before for line in b.lines[start:]]]))


def _tiled(kernel: Kernel) -> tuple[Plan, Tile | None]:
    if max([math.prod(kernel.rows + s.cols) for s in kernel.stages]) < MANY:
        return Plan(kernel), None
    plan = make_plan(collapse(kernel))
    return plan, choose_tile(plan)


def choose_tile(plan: Plan) -> Tile | None:
    """How a large kernel is cut, or None: only where values between argument and result would else go to memory."""
    kernel = plan.kernel
    domain = max([kernel.rows + s.cols for s in kernel.stages], key=math.prod)
    between = [n for n in plan.nodes if math.prod(n.shape) == math.prod(domain) and _is_computed(n)]
    alone = len(kernel.stages) == 1 and not kernel.stages[0].reductions
    if kernel.dot is not None or math.prod(domain) < MANY or len(between) < (2 if alone else 1):
        return None
    whole = any([isinstance(n.what, (Product, Window)) for n in plan.nodes])
    if whole or any([isinstance(s.store, Scatter) for s in plan.sinks]):
        return None
    fixed = _guarded_axes(plan)
    axes = [k for k in range(len(domain) if alone else len(kernel.rows)) if k not in fixed and domain[k] > 1]
    if not axes:
        return None
    axis = next((k for k in axes if math.prod(domain) // domain[k] <= TILE), max(axes, key=domain.__getitem__))
    step = max(1, TILE * domain[axis] // math.prod(domain))
    return Tile(axis, domain[axis], step) if step < domain[axis] else None


def _is_computed(node: Node) -> bool:
    guarded = isinstance(node.what, Load) and bool(node.what.guards)
    return guarded or isinstance(node.what, (Apply, Gather, Concatenated))


def _guarded_axes(plan: Plan) -> set[int]:
    found: set[int] = set()
    for node in plan.nodes:
        match node.what:
            case Load(guards=guards):
                found |= {g.axis for g in guards}
            case Concatenated(axis):
                found.add(axis)
            case _:
                pass
    return found
