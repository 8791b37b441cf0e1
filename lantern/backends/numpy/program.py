"""A program as one straight-line Python function over NumPy arrays."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from lantern.backends.numpy.kernels import Tile, Writer
from lantern.backends.numpy.memory import Code, Memory, dense, slot_memory
from lantern.backends.numpy.plan import Concatenated, Node, Plan, Product, make_plan, remembered_plan, shaped_like
from lantern.backends.numpy.runtime import LARGE, Run, block, claim, large, pool
from lantern.lower.collapse import collapse
from lantern.lower.expr import Apply, Gather, Load
from lantern.lower.kernel import Alloc, Clear, Dispatch, Free, Kernel, Program, ScatterAdd

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
    return _Renderer(program, comments).render()


def load(rendered: Rendered, name: str) -> Callable[[], Run]:
    """Compiles the source and returns its `make`."""
    names = dict(rendered.names)
    exec(compile(rendered.text, f"<lantern {name or 'program'}>", "exec"), names)
    return cast("Callable[[], Run]", names["make"])


@dataclass(slots=True)
class _Renderer:
    program: Program
    comments: bool
    code: Code = field(default_factory=Code)
    memory: dict[int, Memory] = field(default_factory=dict[int, Memory])
    texts: list[str] = field(default_factory=list[str])

    def render(self) -> Rendered:
        program, code = self.program, self.code
        code.names |= {"array": np.array, "empty": np.empty, "ndarray": np.ndarray, "block": block, "pool": pool}
        shapes = dict(zip(reversed(program.outputs), reversed(program.out_avals), strict=True))
        for k, slot in enumerate(program.inputs):
            self.memory[slot] = slot_memory(f"a{k}", program.slots[slot])
        if program.inputs:
            code.lines.append(", ".join([f"a{k}" for k in range(len(program.inputs))]) + ", = arguments")
        written = {s for step in program.steps if isinstance(step, Dispatch) for s in step.outs}
        for k, slot in enumerate(program.inputs):
            if slot in program.donated and slot in written:
                code.lines.append(f"a{k} = {code.use(claim, 'claim')}(a{k})")
        for step in program.steps:
            match step:
                case Alloc(slot) if slot in shapes:
                    self.result(slot, shapes[slot].shape)
                case Alloc(slot):
                    self.memory[slot] = code.scratch(program.slots[slot].nbytes)
                case Free(slot):
                    self.free(slot)
                case Clear(slot):
                    aval = program.slots[slot]
                    code.lines.append(f"{code.view(dense(self.memory[slot], aval.dtype, (aval.size,)))}.fill(0)")
                case Dispatch(kernel, args, outs):
                    self.kernel(kernel, args, outs)
        self.finish(written)
        once = ["    " + line for line in code.once]
        run = ["        " + line for line in code.lines]
        text = "\n".join(["def make():", *once, "    def run(arguments):", *run, "    return run", ""])
        return Rendered(text, code.names, tuple(self.texts))

    def result(self, slot: int, shape: tuple[int, ...]) -> None:
        """Fresh memory for what leaves the program."""
        aval = self.program.slots[slot].with_shape(shape)
        memory = self.memory[slot] = slot_memory(self.code.new("o"), aval)
        dtype = self.code.dtype(aval.dtype)
        if aval.nbytes < LARGE:
            self.code.lines.append(f"{memory.name} = empty({shape}, {dtype})")
        else:
            self.code.use(large, "large")
            self.code.lines.append(f"{memory.name} = large({shape}, {dtype}, {aval.nbytes})")

    def free(self, slot: int) -> None:
        memory = self.memory.pop(slot)
        if memory.shape is None:
            self.code.give_back(memory)

    def finish(self, written: set[int]) -> None:
        """Results become read-only and get the shapes that were promised."""
        names: list[str] = []
        own = [s for s in dict.fromkeys(self.program.outputs) if s not in self.program.inputs or s in written]
        for slot in own:
            self.code.lines.append(f"{self.memory[slot].name}.setflags(False)")
        for slot, aval in zip(self.program.outputs, self.program.out_avals, strict=True):
            memory = self.memory[slot]
            names.append(memory.name if memory.shape == aval.shape else f"{memory.name}.reshape({aval.shape})")
        self.code.lines.append(f"return [{', '.join(names)}]")

    def kernel(self, kernel: Kernel, args: Sequence[int], outs: Sequence[int]) -> None:
        """The statements of one launch."""
        once, lines = len(self.code.once), len(self.code.lines)
        memories = [self.memory[s] for s in (*args, *outs)]
        plan, tile = _tiled(kernel)
        if tile is None:
            shapes = [m.shape for m in reversed(memories) if m.shape is not None]
            plan = (make_plan if self.comments else remembered_plan)(shaped_like(kernel, shapes))
        if any(0 not in sink.domain for sink in plan.sinks):
            Writer(self.code, plan, memories[:len(args)], memories[len(args):], tile, self.comments).write()
        text = ["# once", *self.code.once[once:], "# each call"] if len(self.code.once) > once else []
        self.texts.append("\n".join([*text, *self.code.lines[lines:]]))


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
    if any(isinstance(n.what, Product) for n in plan.nodes) or any(isinstance(s.store, ScatterAdd) for s in plan.sinks):
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
