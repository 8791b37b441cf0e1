"""Random programs of loops, branches and calls of the host in each other, and inputs for them."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from lantern.dtypes import BOOL, F32, I32
from lantern.lower import views
from lantern.lower.build import separate
from lantern.lower.expr import Body, ReduceOp, Ref, ScalarOp, row_major
from lantern.lower.graph import Call, Graph, Node
from lantern.lower.kernel import Branch, HostCall, Kernel, Loop, Program, Region, Scatter, Stage, While
from lantern.lower.schedule import schedule
from lantern.lower.verify import check_program
from lantern.trace.aval import ShapedArray, shaped

Draw = Callable[[st.SearchStrategy[Any]], Any]
AnyArray = np.ndarray[Any, Any]
SHAPES = ((), (1,), (3,), (6,), (2, 3), (3, 2), (4, 3), (0,), (2, 0))
COUNT, TABLE, ROW = shaped((), I32), shaped((4, 3), F32), shaped((3,), F32)


@dataclass(slots=True)
class Maker:
    """A graph being made. Every value stays between -1 and 1, apart from counts."""

    draw: Draw
    depth: int
    values: list[ShapedArray] = field(default_factory=list[ShapedArray])
    nodes: list[Node | Call] = field(default_factory=list["Node | Call"])

    def new(self, aval: ShapedArray) -> int:
        self.values.append(aval)
        return len(self.values) - 1

    def launch(self, kernel: Kernel, *args: int) -> int:
        """A kernel with one output; a value that stands twice is bound once."""
        if len(set(args)) != len(args):
            args, kernel = self.copied(kernel, args)
        out = self.new(kernel.outs[0])
        self.nodes.append(Node(kernel, args, (out,)))
        return out

    def copied(self, kernel: Kernel, args: tuple[int, ...]) -> tuple[tuple[int, ...], Kernel]:
        aval = kernel.args[1]
        return (args[0], self.launch(pointwise(ScalarOp.ABS, aval), args[1])), kernel

    def of(self, aval: ShapedArray) -> list[int]:
        """The values with as many elements of that dtype."""
        return [k for k, v in enumerate(self.values) if (v.dtype, v.size) == (aval.dtype, aval.size)]

    def any(self, aval: ShapedArray) -> int:
        """One of them, or a constant."""
        found = self.of(aval)
        if found and self.draw(st.integers(0, 5)):
            return self.draw(st.sampled_from(found))
        return self.launch(views.fill(aval, self.draw(st.integers(0, 1)) if aval.dtype == I32 else 0.5))

    def aval(self) -> ShapedArray:
        return shaped(self.draw(st.sampled_from(SHAPES)), F32)

    # Operations

    def step(self) -> None:
        """One more operation."""
        kinds = [self.unary, self.binary, self.binary, self.total, self.spread, self.turned, self.product, self.scaled,
                 self.looked_up, self.placed]
        if self.depth:
            kinds += [self.loop, self.loop, self.while_, self.branch, self.host_call]
        self.draw(st.sampled_from(kinds))()

    def unary(self) -> None:
        aval = self.aval()
        op = self.draw(st.sampled_from([ScalarOp.TANH, ScalarOp.NEG, ScalarOp.SIN, ScalarOp.ABS]))
        self.launch(pointwise(op, aval), self.any(aval))

    def binary(self) -> None:
        aval = self.aval()
        op = self.draw(st.sampled_from([ScalarOp.MUL, ScalarOp.MAX, ScalarOp.MIN]))
        self.launch(pointwise(op, aval, 2), self.any(aval), self.any(aval))

    def scaled(self) -> None:
        """By a value without axes."""
        aval = self.aval()
        kernel = views.pointwise([aval, shaped((), F32)], aval, lambda b, refs: b.apply(ScalarOp.MUL, *refs, dtype=F32))
        x, y = self.any(aval), self.any(shaped((), F32))
        if x != y:
            self.launch(kernel, x, y)

    def total(self) -> None:
        x = self.aval()
        axes = tuple(range(self.draw(st.integers(0, x.ndim)), x.ndim))
        op = self.draw(st.sampled_from([ReduceOp.MAX, ReduceOp.SUM]))
        y = shaped(x.shape[:x.ndim - len(axes)], F32)
        if axes and x.size:
            kept = self.launch(views.reduction(x, y, op, axes), self.any(x))
            self.launch(pointwise(ScalarOp.TANH, y), kept)

    def spread(self) -> None:
        x, n = self.aval(), self.draw(st.integers(0, 3))
        if x.ndim < 2:
            y = shaped((n, *x.shape), F32)
            self.launch(views.view(x, y, 0, (0, *row_major(x.shape))), self.any(x))

    def turned(self) -> None:
        """Transposed, or backwards."""
        x = self.aval()
        if x.ndim == 2:
            a, b = row_major(x.shape)
            self.launch(views.view(x, shaped(x.shape[::-1], F32), 0, (b, a)), self.any(x))
        elif x.ndim == 1 and x.size:
            self.launch(views.view(x, x, x.size - 1, (-1 if x.size > 1 else 0,)), self.any(x))

    def product(self) -> None:
        x, y, z = shaped((2, 3), F32), shaped((3, 2), F32), shaped((2, 2), F32)
        a, b = self.any(x), self.any(y)
        if a != b:
            self.launch(pointwise(ScalarOp.TANH, z), self.launch(views.matrix_product(x, y, z, ((1,), (0,))), a, b))

    def looked_up(self) -> None:
        """A row at a computed place."""
        kernel = views.loop_nest([TABLE, COUNT], ROW, lambda b: b.gather(0, in_table(b)))
        self.launch(kernel, self.any(TABLE), self.any(COUNT))

    def placed(self) -> None:
        """A row written at a computed place."""
        b = Body(1)
        index, value, keep = in_table(b), b.load(2, (1,)), b.const(self.draw(st.booleans()), BOOL)
        op = self.draw(st.sampled_from([None, ReduceOp.MAX, ReduceOp.MIN]))
        stage = Stage((3,), b.done(), stores=(Scatter(0, index, value, keep, op, 0),))
        kernel = Kernel((TABLE, COUNT, ROW), (TABLE,), (), (stage,))
        self.launch(kernel, self.any(TABLE), self.any(COUNT), self.any(ROW))

    # Regions

    def call(self, region: Region, args: Sequence[int], outs: Sequence[ShapedArray]) -> None:
        self.nodes.append(Call(region, tuple(args), tuple([self.new(a) for a in outs])))

    def some(self, most: int) -> list[int]:
        return self.draw(st.lists(st.sampled_from(range(len(self.values))), max_size=most)) if self.values else []

    def loop(self) -> None:
        length = self.draw(st.integers(0, 4))
        constants, carry = self.some(2), self.some(3)
        rows = [self.aval() for _ in range(self.draw(st.integers(0, 2)))]
        xs = [self.any(shaped((length, *a.shape), F32)) for a in rows]
        made = [self.aval() for _ in range(self.draw(st.integers(0, 2)))]
        avals = [self.values[k] for k in (*constants, *carry)]
        kept = avals[len(constants):]
        body = program(self.draw, [*avals, *rows], [*kept, *made], self.depth - 1, len(constants), len(carry))
        region = Loop(body, len(constants), len(carry), length, self.draw(st.booleans()))
        self.call(region, [*constants, *carry, *xs], [*kept, *[shaped((length, *a.shape), F32) for a in made]])

    def while_(self) -> None:
        """Counts up to a bound, which is the first constant of the condition."""
        first, second, carry = self.some(1), self.some(2), self.some(3)
        bound, start = self.any(COUNT), self.launch(views.fill(COUNT, self.draw(st.integers(-3, 1))))
        avals = [[self.values[k] for k in part] for part in ([bound, *first], second, [start, *carry])]
        asked = Maker(self.draw, 0, [*avals[0], *avals[2]])
        limit, count = 0, len(avals[0])
        flag = shaped((), BOOL)
        less = views.pointwise([COUNT, COUNT], flag, lambda b, refs: b.apply(ScalarOp.LT, *refs, dtype=BOOL))
        asked.launch(less, count, asked.launch(with_number(ScalarOp.MIN, 3), limit))
        condition = asked.done(len(avals[0]) + len(avals[2]), [flag], [len(asked.values) - 1], range(0))
        body = program(self.draw, [*avals[1], *avals[2]], avals[2], self.depth - 1, len(second), 1 + len(carry), True)
        region = While(condition, body, 1 + len(first), len(second))
        self.call(region, [bound, *first, *second, start, *carry], avals[2])

    def branch(self) -> None:
        count, args = self.draw(st.integers(1, 3)), self.some(3)
        number = self.launch(with_number(ScalarOp.MAX, 0), self.any(COUNT))
        number = self.launch(with_number(ScalarOp.MIN, count - 1), number)
        avals, outs = [self.values[k] for k in args], [self.aval() for _ in range(self.draw(st.integers(0, 2)))]
        branches = tuple([program(self.draw, avals, outs, self.depth - 1, 0, 0) for _ in range(count)])
        self.call(Branch(branches), [number, *args], outs)

    def host_call(self) -> None:
        args = self.some(2)
        avals = tuple([self.values[k] for k in args])

        def on_host(*arrays: AnyArray) -> list[AnyArray]:
            return [np.asarray(1 - x, x.dtype) if x.dtype == I32 else np.asarray(np.cos(x), F32) for x in arrays]
        self.call(HostCall(on_host, avals, avals, "on_host"), args, avals)

    def done(self, inputs: int, out_avals: Sequence[ShapedArray], outputs: Sequence[int], owned: range) -> Program:
        """The scheduled program, which owns the inputs `owned` and hands out rows after as many outputs as these."""
        graph = Graph(tuple(self.values), tuple(range(inputs)), tuple(outputs), tuple(out_avals), tuple(self.nodes))
        own = range(len(owned), len(outputs))
        return schedule(separate(graph, owned, own), owned, own)


def pointwise(op: ScalarOp, aval: ShapedArray, count: int = 1) -> Kernel:
    """An operation on arrays of one aval."""
    return views.pointwise([aval] * count, aval, lambda b, refs: b.apply(op, *refs, dtype=aval.dtype))


def in_table(b: Body) -> Ref:
    """Where the elements of a row of TABLE lie, of the row that args[1] counts."""
    count = b.apply(ScalarOp.MAX, b.load(1, (0,)), b.const(0, I32), dtype=I32)
    count = b.apply(ScalarOp.MIN, count, b.const(3, I32), dtype=I32)
    return b.apply(ScalarOp.ADD, b.apply(ScalarOp.MUL, count, b.const(3, I32), dtype=I32), b.index(0), dtype=I32)


def with_number(op: ScalarOp, number: int) -> Kernel:
    """An operation on a count and a number."""
    return views.pointwise([COUNT], COUNT, lambda b, refs: b.apply(op, refs[0], b.const(number, I32), dtype=I32))


def program(draw: Draw, avals: Sequence[ShapedArray], outs: Sequence[ShapedArray], depth: int, constants: int,
            carry: int, counts: bool = False) -> Program:
    """The program of a region: `carry` inputs after the constants are its own. With `counts`, the first of these goes
    up by one."""
    maker = Maker(draw, depth, list(avals))
    for _ in range(draw(st.integers(0, 4))):
        maker.step()
    outputs = [maker.any(a) for a in outs]
    if counts:
        outputs[0] = maker.launch(with_number(ScalarOp.ADD, 1), constants)
    return maker.done(len(avals), outs, outputs, range(constants, constants + carry))


@st.composite
def nested_programs(draw: Draw, depth: int = 3) -> Program:
    """A program, with some of its inputs donated."""
    avals = [COUNT, *[shaped(draw(st.sampled_from(SHAPES)), F32) for _ in range(draw(st.integers(0, 4)))]]
    maker = Maker(draw, depth, list(avals))
    for _ in range(draw(st.integers(1, 6))):
        maker.step()
    outputs = draw(st.lists(st.sampled_from(range(len(maker.values))), min_size=1, max_size=6))
    donated = draw(st.sets(st.sampled_from(range(len(avals)))))
    graph = Graph(tuple(maker.values), tuple(range(len(avals))), tuple(outputs),
                  tuple([maker.values[k] for k in outputs]), tuple(maker.nodes))
    found = schedule(graph, donated)
    check_program(found)
    return found


def inputs_of(program: Program, seed: int) -> list[AnyArray]:
    """Values between -1 and 1, and small counts."""
    random = np.random.default_rng(seed)
    avals = [program.slots[slot] for slot in program.inputs]
    return [np.asarray(random.integers(-1, 5, a.shape), I32) if a.dtype == I32
            else np.asarray(random.uniform(-1, 1, a.shape), F32) for a in avals]
