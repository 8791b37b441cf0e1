"""A kernel as statements of NumPy: ufuncs that write into scratch or straight into results."""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lantern.backends.numpy import elementwise, products, sums, windows
from lantern.backends.numpy.elementwise import Operand
from lantern.backends.numpy.memory import Code, Layout, Memory, Value, dense
from lantern.backends.numpy.plan import Concatenated, Fold, Node, Plan, Product, Sink, Spread, Window
from lantern.backends.numpy.runtime import tiles
from lantern.errors import InternalError
from lantern.lower.expr import Apply, Const, DType, Gather, Load, LoopIndex, ScalarOp, row_major
from lantern.lower.kernel import Scatter, Store
from lantern.lower.scalar import apply
from lantern.source import Source

KEPT = 1 << 16      # bytes of a value that is the same in every call, up to which a frame keeps it


@dataclass(frozen=True, slots=True)
class Tile:
    """A kernel runs piece by piece: `step` of the `size` positions along `axis` at a time."""

    axis: int
    size: int
    step: int


@dataclass(slots=True)
class Writer:
    """Writes one kernel. In a tiled kernel, statements go into a loop unless their value is the same for all tiles."""

    code: Code
    plan: Plan
    args: Sequence[Memory]
    outs: Sequence[Memory]
    tile: Tile | None = None
    comments: bool = False
    values: dict[int, Value] = field(default_factory=dict[int, Value])
    loop: list[str] = field(default_factory=list[str])
    carried: dict[str, str] = field(default_factory=dict[str, str])     # scratch view -> its name in the loop
    sliced: dict[str, str] = field(default_factory=dict[str, str])      # large array -> the name of its tile
    layouts: dict[str, Layout] = field(default_factory=dict[str, Layout])
    borrowed: list[Memory] = field(default_factory=list[Memory])
    last: dict[int, int] = field(default_factory=dict[int, int])
    reads: dict[Memory, int] = field(default_factory=dict[Memory, int])
    direct: dict[int, Sink] = field(default_factory=dict[int, Sink])
    holders: dict[Memory, list[int]] = field(default_factory=dict[Memory, list[int]])
    ends: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    copied: set[int] = field(default_factory=set[int])
    hoisting: bool = False
    source: Source | None = None
    shown: Source | None = None

    # What the sequences of other files need

    def line(self, text: str) -> None:
        """One more statement."""
        if self.comments and self.source is not None and self.source != self.shown:
            text, self.shown = f"{text:<56}  # {self.source}", self.source
        (self.code.lines if self.tile is None or self.hoisting else self.loop).append(text)

    def use(self, function: object, name: str) -> str:
        """The name of a function."""
        return self.code.use(function, name)

    def number(self, value: object, dtype: DType) -> str:
        """The name of a constant."""
        return self.code.constant(Const.of(value, dtype))

    def temporary(self, shape: tuple[int, ...], dtype: DType) -> str:
        """Scratch until the end of this operation."""
        memory = self.code.scratch(math.prod(shape) * dtype.itemsize)
        self.borrowed.append(memory)
        return self.name(dense(memory, dtype, shape))

    def bits(self, operand: Operand, dtype: DType) -> str:
        """The operand's bits as integers of the same width."""
        if operand.constant is not None:
            return self.code.constant(Const(dtype, operand.constant.bits))
        layout = self.layouts.get(operand.name)
        if layout is None:
            return f"{operand.name}.view({self.code.dtype(dtype)})"
        return self.name(Layout(layout.memory, dtype, layout.offset, layout.shape, layout.strides))

    # Shapes and names

    def local(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the part of a value that one tile computes."""
        t = self.tile
        if t is None or len(shape) <= t.axis or shape[t.axis] != t.size:
            return shape
        return (*shape[:t.axis], t.step, *shape[t.axis + 1:])

    def varies(self, shape: tuple[int, ...]) -> bool:
        """Whether a value of this (whole or local) shape differs from tile to tile."""
        t = self.tile
        return t is not None and len(shape) > t.axis and shape[t.axis] != 1

    def name(self, layout: Layout) -> str:
        """The variable of an array; in a tiled kernel of the part that belongs to the tile."""
        found = self.code.view(layout)
        if self.varies(layout.shape):
            t = self.tile
            assert t is not None
            if layout.shape[t.axis] == t.size:
                found = self.part(found)
            else:
                found = self.carried.setdefault(found, f"t{len(self.carried)}")
        self.layouts[found] = layout
        return found

    def part(self, name: str) -> str:
        """The tile of a large array."""
        found = self.sliced.get(name)
        if found is None:
            assert self.tile is not None
            found = self.sliced[name] = f"{name}_s"
            self.loop.append(f"{found} = {name}[{':, ' * self.tile.axis}s]")
        return found

    def see(self, value: Value) -> str:
        """The variable of a value."""
        if not value.name and value.layout is not None:
            value.name = self.name(value.layout)
        return value.name

    def operand(self, value: Value) -> Operand:
        """A value as the result of a scalar operation."""
        return Operand(self.see(value), value.shape, value.dtype, value.constant)

    def read(self, value: Value) -> Operand:
        """A value as an operand. Broadcasting adds axes in front by itself, so a row that is an argument needs no
        reshaping."""
        layout = value.layout
        if self.tile is None and layout is not None and not layout.memory.fixed and layout.shape[:1] == (1,):
            first = next((k for k, n in enumerate(layout.shape) if n != 1), len(layout.shape) - 1)
            shape, strides = layout.shape[first:], layout.strides[first:]
            row = self.name(Layout(layout.memory, layout.dtype, layout.offset, shape, strides))
            return Operand(row, shape, value.dtype, value.constant)
        return self.operand(value)

    # The kernel

    def write(self) -> None:
        """All statements of the kernel."""
        self.survey()
        order = range(len(self.plan.nodes))
        if self.tile is not None:       # what is the same for all tiles first, in memory that the loop cannot reuse
            order = sorted(order, key=lambda k: self.varies(self.plan.nodes[k].shape))
        for number in order:
            node = self.plan.nodes[number]
            self.source = node.source
            self.hoisting = self.tile is not None and not self.varies(node.shape)
            value = self.values[number] = self.evaluate(number, node)
            if value.scratch is not None:
                self.holders.setdefault(value.scratch, []).append(number)
            self.release(number)
        self.hoisting, self.source = False, None
        done = set(map(id, self.direct.values()))
        for sink in self.plan.sinks:
            if id(sink) not in done:
                self.sink(sink)
        for memory in self.holders:
            self.code.give_back(memory)
        if self.tile is not None:
            self.close_loop(self.tile)

    def close_loop(self, t: Tile) -> None:
        """The loop over tiles around the statements gathered for it."""
        names = ", ".join(["s", *self.carried.values()])
        views = "".join([f"{v}, " for v in self.carried])
        self.use(tiles, "tiles")
        target = names if self.carried else "s,"
        self.code.lines.append(f"for {target} in tiles({t.size}, {t.step}, {t.axis}, ({views})):")
        self.code.lines.extend(["    " + line for line in self.loop])

    def survey(self) -> None:
        """Last uses, and which nodes are computed straight into a result's memory."""
        nodes, end = self.plan.nodes, len(self.plan.nodes)
        written = {self.outs[s.store.out] for s in self.plan.sinks}
        stored = {k for s in self.plan.sinks for k in s.nodes}
        several = len(self.plan.sinks) > 1
        for number, node in enumerate(nodes):
            what = node.what
            if not isinstance(what, (Load, Window)) or (isinstance(what, Load) and what.guards):
                continue
            if several and number in stored and self.args[what.arg] in written:
                self.copied.add(number)     # a store must not overwrite what a later one copies
        for number, node in enumerate(nodes):
            self.last.setdefault(number, number)
            for k in node.operands:
                self.touch(k, number)
        for k in stored:
            self.touch(k, end)
        for number, position in self.last.items():
            self.ends.setdefault(position, []).append(number)
        for number, node in enumerate(nodes):
            for memory, position in self.accesses(number, node):
                self.reads[memory] = max(self.reads.get(memory, -1), position)
        for sink in self.plan.sinks:
            number = sink.nodes[0]
            if number not in self.direct and self.is_direct(sink, number, nodes[number]):
                self.direct[number] = sink

    def touch(self, number: int, position: int) -> None:
        """A use of a node, and of what it is only another view of."""
        self.last[number] = max(self.last.get(number, number), position)
        node = self.plan.nodes[number]
        if _is_view(node):
            self.touch(node.operands[0], position)

    def accesses(self, number: int, node: Node) -> list[tuple[Memory, int]]:
        """Which arguments a node reads, and until when."""
        match node.what:
            case Load(arg, _, _, guards):
                return [(self.args[arg], number if guards or number in self.copied else self.last[number])]
            case Gather(arg):
                return [(self.args[arg], number)]
            case Window(arg):
                return [(self.args[arg], self.last[number])]
            case Concatenated(_, parts):
                return [(self.args[load.arg], number) for _, _, load in parts]
            case _:
                return []

    def is_direct(self, sink: Sink, number: int, node: Node) -> bool:
        """Whether a stored node can be computed in its place: it is computed at all, it has as many elements as the
        store, and nobody reads the place's old contents later."""
        if not isinstance(sink.store, Store) or node.shape != sink.domain or _is_view(node):
            return False
        if isinstance(node.what, (Const, LoopIndex, Spread)) or (isinstance(node.what, Load) and not node.what.guards):
            return False
        if isinstance(node.what, (Fold, Product, Window)) and sink.store.strides != row_major(sink.domain):
            return False
        memory = self.outs[sink.store.out]
        over = number if isinstance(node.what, Apply) else number - 1       # ufuncs may write over what they read
        return node.dtype == self.plan.kernel.outs[sink.store.out].dtype and self.reads.get(memory, -1) <= over

    def release(self, position: int) -> None:
        """Scratch whose last use this was is given back; in a loop, what all tiles read stays."""
        for memory in self.borrowed:
            self.code.give_back(memory)
        self.borrowed.clear()
        if self.hoisting:
            return
        for number in self.ends.get(position, ()):
            value = self.values[number]
            memory = value.scratch
            if memory in self.holders and self.dies(number, position):
                self.code.give_back(memory)
                del self.holders[memory]

    # One node

    def evaluate(self, number: int, node: Node) -> Value:
        """The statements of one node."""
        match node.what:
            case Const():
                return Value(self.code.constant(node.what), (), node.dtype, constant=node.what)
            case LoopIndex(axis):
                return self.positions(axis, node)
            case Load():
                return self.load(number, node, node.what)
            case Gather(arg):
                return self.gather(number, node, arg)
            case Window():
                return windows.window(self, number, node, node.what)
            case Spread():
                return self.respread(node)
            case Concatenated(axis, parts):
                return self.concatenate(number, node, axis, parts)
            case Fold(op, count):
                return sums.fold(self, number, node, op, count)
            case Product():
                return products.product(self, number, node, node.what)
            case Apply(op):
                if op is ScalarOp.BITCAST:
                    return self.bitcast(node)
                if self.is_fixed(node):
                    self.direct.pop(number, None)       # kept apart from the result, which is handed out
                    return self.computed_once(node, op)
                out = self.target(number, node)
                elementwise.emit(self, op, [self.read(self.values[k]) for k in node.operands], self.operand(out))
                return out

    def target(self, number: int, node: Node, over: bool = True) -> Value:
        """Where a node is computed: in its result's memory, over a dying operand of the same form, or in scratch."""
        shape = self.local(node.shape)
        sink = self.direct.get(number)
        if sink is not None:
            layout = self.destination(sink)
            return Value("", shape, node.dtype, layout)
        for k in node.operands if over else ():
            old = self.values[k]
            same = old.shape == shape and old.dtype.itemsize == node.dtype.itemsize and old.layout is not None
            if same and old.scratch is not None and self.dies(k, number):
                layout = dense(old.scratch, node.dtype, shape)
                return Value("", shape, node.dtype, layout, old.scratch)
        return self.fresh(shape, node.dtype)

    def dies(self, number: int, position: int) -> bool:
        """Whether nobody needs a node's memory after `position`."""
        value = self.values[number]
        if value.scratch is None or (self.tile is not None and not self.varies(value.shape)):
            return False
        return all(self.last[k] <= position for k in self.holders.get(value.scratch, ()))

    def fresh(self, shape: tuple[int, ...], dtype: DType) -> Value:
        """Scratch of a local shape."""
        memory = self.code.scratch(math.prod(shape) * dtype.itemsize)
        layout = dense(memory, dtype, shape)
        return Value("", shape, dtype, layout, memory)

    def destination(self, sink: Sink) -> Layout:
        """Where a store goes."""
        store = sink.store
        assert isinstance(store, Store)
        strides = tuple([0 if n == 1 else s for n, s in zip(sink.domain, store.strides, strict=True)])
        return Layout(self.outs[store.out], self.plan.kernel.outs[store.out].dtype, store.offset, sink.domain, strides)

    def positions(self, axis: int, node: Node) -> Value:
        """The cached numbers 0, 1, ... along one axis."""
        size = node.shape[axis]
        self.code.use(np.arange, "arange")
        expression = f"arange({size}, dtype={self.code.dtype(node.dtype)}).reshape({node.shape})"
        name = self.code.once_made(("arange", node.shape), "k", expression)
        return self.fixed(name, node)

    def is_fixed(self, node: Node) -> bool:
        """Whether a node depends on positions and constants only, and is small enough to keep."""
        small = math.prod(node.shape) * node.dtype.itemsize <= KEPT
        return small and all([self.values[k].fixed or self.values[k].constant for k in node.operands])

    def computed_once(self, node: Node, op: ScalarOp) -> Value:
        """What is the same in every call, computed once by each frame."""
        operands = [self.values[k].fixed or self.values[k].name for k in node.operands]
        self.code.use(apply, "apply")
        expression = f"apply({self.use(op, op.name)}, ({', '.join(operands)},), {self.code.dtype(node.dtype)})"
        return self.fixed(self.code.once_made(expression, "k", expression), node)

    def fixed(self, name: str, node: Node) -> Value:
        """The value of an array that each frame makes once."""
        seen = self.part(name) if self.varies(node.shape) else name
        return Value(seen, self.local(node.shape), node.dtype, fixed=name)

    def load(self, number: int, node: Node, load: Load) -> Value:
        """A view of an argument, or a filled array with a copy of the part inside the guards."""
        memory, dtype = self.args[load.arg], node.dtype
        if not load.guards:
            layout = Layout(memory, dtype, load.offset, node.shape, load.strides)
            seen = Value("", self.local(node.shape), dtype, layout)
            if number not in self.copied:
                return seen
            out = self.target(number, node)
            self.line(f"{self.see(out)}[...] = {self.see(seen)}")
            return out
        out = self.target(number, node)
        if load.fill is None:
            raise InternalError("internal: a guarded load has no fill")
        self.line(f"{self.see(out)}.fill({self.code.constant(load.fill)})")
        self.inside(out, load, node)
        return out

    def inside(self, out: Value, load: Load, node: Node) -> None:
        """Copies what a load reads inside its guards to the same places of `out`."""
        target = out.layout
        assert target is not None
        shape, strides = list(node.shape), list(load.strides)
        to_offset, to_strides, offset = target.offset, list(target.strides), load.offset
        for guard in load.guards:
            k, first = guard.axis, guard.start
            skipped = max(0, -(first // guard.step)) if first < 0 else 0
            first += skipped * guard.step
            stop = min(guard.stop, node.domain[k])
            shape[k] = max(0, -(-(stop - first) // guard.step))
            offset += skipped * strides[k]
            to_offset += first * to_strides[k]
            to_strides[k] *= guard.step
        if 0 in shape:
            return
        to_shape = [target.shape[k] if self.tile and k == self.tile.axis else n for k, n in enumerate(shape)]
        to = Layout(target.memory, node.dtype, to_offset, tuple(to_shape), _still(to_shape, to_strides))
        of = Layout(self.args[load.arg], node.dtype, offset, tuple(shape), _still(shape, strides))
        self.line(f"{self.name(to)}[...] = {self.name(of)}")

    def concatenate(self, number: int, node: Node, axis: int, parts: Sequence[tuple[int, int, Load]]) -> Value:
        """Each part copied to its place."""
        out = self.target(number, node)
        if parts[0][0] > 0:
            fill = parts[0][2].fill
            assert fill is not None
            self.line(f"{self.see(out)}.fill({self.code.constant(fill)})")
        for _, _, load in parts:
            self.inside(out, load, node)
        return out

    def gather(self, number: int, node: Node, arg: int) -> Value:
        """`take` from the flat argument; the kernel keeps positions in range, so clipping only saves a buffer."""
        memory, out = self.args[arg], self.target(number, node, over=False)
        size = self.plan.kernel.args[arg].size
        flat = self.code.view(dense(memory, node.dtype, (size,)))
        index = self.values[node.operands[0]]
        if not index.shape:
            self.line(f"{self.see(out)}[...] = {flat}[{self.see(index)}]")
        else:
            self.line(f"{flat}.take({self.see(index)}, None, {self.see(out)}, 'clip')")
        return out

    def respread(self, node: Node) -> Value:
        """The same elements with axes of size one behind."""
        value = self.values[node.operands[0]]
        if value.layout is None:
            raise InternalError("internal: a reduction has no memory")
        shape = self.local(node.shape)
        more = (0,) * (len(shape) - len(value.layout.strides))
        whole = value.layout.shape + node.shape[len(value.shape):]
        layout = Layout(value.layout.memory, node.dtype, value.layout.offset, whole, value.layout.strides + more)
        return Value("", shape, node.dtype, layout, value.scratch)

    def bitcast(self, node: Node) -> Value:
        """The same bytes as another dtype."""
        value = self.values[node.operands[0]]
        if value.layout is None:
            return Value(f"{self.see(value)}.view({self.code.dtype(node.dtype)})", value.shape, node.dtype)
        old = value.layout
        layout = Layout(old.memory, node.dtype, old.offset, old.shape, old.strides)
        return Value("", value.shape, node.dtype, layout, value.scratch)

    def sink(self, sink: Sink) -> None:
        """A store that was not written in place."""
        if isinstance(sink.store, Scatter):
            windows.scattered(self, sink, sink.store)
            return
        value, layout = self.values[sink.nodes[0]], self.destination(sink)
        if value.layout != layout:
            self.line(f"{self.name(layout)}[...] = {self.see(value)}")

    def whole(self, value: Value, sink: Sink) -> str:
        """The value over all of the sink's domain, which the other operands may lack."""
        if value.shape == sink.domain:
            return self.see(value)
        return f"{self.use(np.broadcast_to, 'broadcast_to')}({self.see(value)}, {sink.domain})"


def _is_view(node: Node) -> bool:
    return isinstance(node.what, Spread) or (isinstance(node.what, Apply) and node.what.op is ScalarOp.BITCAST)


def _still(shape: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
    return tuple([0 if n == 1 else s for n, s in zip(shape, strides, strict=True)])
