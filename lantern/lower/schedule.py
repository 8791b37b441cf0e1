"""Graph -> Program: lifetimes, which values share memory, what is cleared first and what may be written in place."""
from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from lantern.lower.expr import DType, Gather, Load
from lantern.lower.graph import Call, Graph, Node, without_fences
from lantern.lower.kernel import Alloc, Clear, Copy, Dispatch, Free, Kernel, Program, Run, Scatter, Step
from lantern.trace.aval import ShapedArray


def schedule(graph: Graph, donated: Collection[int] = (), own: Collection[int] = ()) -> Program:
    """The program: nodes in the graph's order, each value in a slot.

    A slot whose value has died is used again for one of the same dtype and size; what no value uses again is freed. An
    output takes over a dying argument's slot where `in_place` allows it. `donated` are positions among the inputs,
    whose memory may be used as if the program had allocated it; other inputs are never written. `own` are positions
    among the outputs that never lie in an input's memory, donated or not. A region's outputs have slots that nothing
    used before, since the region gives them memory.
    """
    graph = without_fences(graph)
    scheduler = _Scheduler(graph, frozenset(donated), frozenset([graph.outputs[k] for k in own]))
    for position, node in enumerate(graph.nodes):
        if isinstance(node, Call):
            scheduler.call(position, node)
        elif isinstance(node, Node):
            scheduler.launch(position, node)
    return scheduler.finish()


def in_place(kernel: Kernel, arg: int, out: int) -> bool:
    """Whether output `out` may be the memory of argument `arg`: every access of the argument is the very element that
    the point stores, no stage reads it after the stage that stores, and nothing is gathered from it."""
    if kernel.args[arg].dtype != kernel.outs[out].dtype or kernel.args[arg].size != kernel.outs[out].size:
        return False
    stores = [(k, s) for k, stage in enumerate(kernel.stages) for s in stage.stores if s.out == out]
    if len(stores) != 1:
        return False
    number, store = stores[0]
    if isinstance(store, Scatter):
        return store.start == arg and _keeps_apart(kernel, arg, number, store)
    cols = kernel.stages[number].cols
    for k, stage in enumerate(kernel.stages):
        for instr in stage.body:
            if isinstance(instr, Gather) and instr.arg == arg:
                return False
            if isinstance(instr, Load) and instr.arg == arg:
                same = instr.strides == store.strides and instr.offset == store.offset and not instr.guards
                if not same or stage.cols != cols or k > number:
                    return False
    return True


def _keeps_apart(kernel: Kernel, arg: int, number: int, store: Scatter) -> bool:
    """Whether all that is read of what a scatter starts as is the very element that the point writes."""
    for k, stage in enumerate(kernel.stages):
        for instr in stage.body:
            if isinstance(instr, Load) and instr.arg == arg:
                return False
            if isinstance(instr, Gather) and instr.arg == arg:
                same = k == number and instr.index == store.index
                if not same or store.op is not None:
                    return False
    return True


def _prepared(store: Scatter, args: Sequence[int], outs: Sequence[int]) -> list[Step]:
    """What gives a scatter's output the elements that it starts as."""
    out = outs[store.out]
    if store.start is None:
        return [Clear(out)]
    return [] if args[store.start] == out else [Copy(out, args[store.start])]


@dataclass(slots=True)
class _Scheduler:
    graph: Graph
    donated: frozenset[int]
    own: frozenset[int]     # values
    slots: list[ShapedArray] = field(default_factory=list[ShapedArray])
    slot: dict[int, int] = field(default_factory=dict[int, int])
    steps: list[Step] = field(default_factory=list[Step])
    idle: dict[tuple[DType, int], list[int]] = field(default_factory=dict[tuple[DType, int], list[int]])
    ends: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    last: dict[int, int] = field(default_factory=dict[int, int])
    writable: set[int] = field(default_factory=set[int])

    def __post_init__(self) -> None:
        graph = self.graph
        for value in graph.inputs:
            self.slot[value] = self.new(graph.values[value])
        self.writable = {graph.inputs[k] for k in self.donated}
        for position, node in enumerate(graph.nodes):
            for value in (*node.args, *node.outs):
                self.last[value] = position
        for value in graph.outputs:
            self.last[value] = len(graph.nodes)
        for value in self.writable:
            self.last.setdefault(value, -1)
        for value, position in self.last.items():
            self.ends.setdefault(position, []).append(value)
        self.release(-1)

    def new(self, aval: ShapedArray) -> int:
        self.slots.append(aval)
        return len(self.slots) - 1

    def call(self, position: int, call: Call) -> None:
        args = tuple([self.slot[v] for v in call.args])
        for value in call.outs:
            self.slot[value] = self.new(self.graph.values[value])
            self.writable.add(value)
        self.steps.append(Run(call.region, args, tuple([self.slot[v] for v in call.outs])))
        self.release(position)

    def launch(self, position: int, node: Node) -> None:
        taken: set[int] = set()
        args = tuple([self.slot[v] for v in node.args])
        for out, value in enumerate(node.outs):
            self.slot[value] = self.place(position, node, out, value, taken)
            self.writable.add(value)
        outs = tuple([self.slot[v] for v in node.outs])
        for stage in node.kernel.stages:
            self.steps += [step for s in stage.stores if isinstance(s, Scatter) for step in _prepared(s, args, outs)]
        self.steps.append(Dispatch(node.kernel, args, outs))
        self.release(position, taken)

    def place(self, position: int, node: Node, out: int, value: int, taken: set[int]) -> int:
        """A dying argument's slot, or an idle one, or a new one."""
        for arg, candidate in enumerate(node.args):
            dying = self.last[candidate] == position and candidate in self.writable and candidate not in taken
            if dying and self.allows(value, self.slot[candidate]) and in_place(node.kernel, arg, out):
                taken.add(candidate)
                return self.slot[candidate]
        aval = self.graph.values[value]
        idle = self.idle.get((aval.dtype, aval.size), [])
        for k in range(len(idle) - 1, -1, -1):
            if self.allows(value, idle[k]):
                return idle.pop(k)
        slot = self.new(aval)
        self.steps.append(Alloc(slot))
        return slot

    def allows(self, value: int, slot: int) -> bool:
        """Whether a value may lie in a slot: one of `own` not in an input's, which are the first."""
        return value not in self.own or slot >= len(self.graph.inputs)

    def release(self, position: int, taken: Collection[int] = ()) -> None:
        """Values whose last use this was leave their slots to others."""
        for value in self.ends.get(position, ()):
            if value in self.writable and value not in taken:
                aval = self.graph.values[value]
                self.idle.setdefault((aval.dtype, aval.size), []).append(self.slot[value])

    def finish(self) -> Program:
        graph = self.graph
        outputs = tuple([self.slot[v] for v in graph.outputs])
        inputs = tuple([self.slot[v] for v in graph.inputs])
        donated = frozenset([inputs[k] for k in self.donated])
        steps = _with_frees(self.steps, set(outputs), donated)
        return Program(tuple(self.slots), inputs, outputs, graph.out_avals, steps, donated, graph.name)


def _with_frees(steps: list[Step], outputs: set[int], donated: frozenset[int]) -> tuple[Step, ...]:
    """A Free after the last step that touches each slot which is the program's own and no output."""
    own = {s.slot for s in steps if isinstance(s, Alloc)} | {o for s in steps if isinstance(s, Run) for o in s.outs}
    own |= donated
    last: dict[int, int] = dict.fromkeys(donated, -1)
    for k, step in enumerate(steps):
        for slot in _touched(step):
            last[slot] = k
    frees: dict[int, list[Step]] = {}
    for slot in sorted(own - outputs):
        frees.setdefault(last[slot], []).append(Free(slot))
    found: list[Step] = list(frees.get(-1, ()))
    for k, step in enumerate(steps):
        found += [step, *frees.get(k, ())]
    return tuple(found)


def _touched(step: Step) -> Sequence[int]:
    return (*step.args, *step.outs) if isinstance(step, (Dispatch, Run)) else (step.slot,)
