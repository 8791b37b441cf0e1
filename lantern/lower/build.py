"""Jaxpr -> Graph: one unfused kernel (or one region) per equation, by the lower rule of its primitive."""
from __future__ import annotations

import functools
import math
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lantern.dtypes import BOOL, I32
from lantern.errors import DeviceError, InternalError
from lantern.lower.expr import Body, Const, Load, Ref, ScalarOp
from lantern.lower.graph import AnyNode, Call, Fence, Graph, Node
from lantern.lower.join import used_arguments, with_arguments
from lantern.lower.kernel import Branch, Kernel, Program, Run, Store, Target
from lantern.lower.narrow import narrow
from lantern.lower.rewrite import canonical, specialise
from lantern.lower.simplify import simplify
from lantern.lower.views import fill, pointwise
from lantern.source import Source
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Literal, Var, has_effect, param_key
from lantern.trace.primitive import Alias, Inline, Primitive, RegionRule, Rewritten, Structured, SubLowering

MOST_KERNELS = 16       # of branches that all run


def build(jaxpr: Jaxpr, target: Target, lower: SubLowering) -> Graph:
    """The graph of a jaxpr whose `jit` equations have been inlined.

    Literal operands become constants of the kernel, an operand that occurs twice is bound once, and reshapes are the
    same value. `lower` makes the programs of the jaxprs that loops and branches hold. Raises DeviceError for a
    primitive that only the reference computes.
    """
    return _Builder(target, lower).build(jaxpr)


def separate(graph: Graph, donated: Collection[int], own: Collection[int]) -> Graph:
    """The same with outputs that are different values, as regions want them: an output that stands a second time, that
    is an input at no position in `donated`, or that is an input at a position in `own`, is a copy."""
    values, nodes = list(graph.values), list(graph.nodes)
    given = {v: k for k, v in enumerate(graph.inputs)}
    outputs: list[int] = []
    for position, v in enumerate(graph.outputs):
        if v in outputs or (v in given and (position in own or given[v] not in donated)):
            aval = values[v]
            values.append(aval)
            nodes.append(Node(canonical(pointwise([aval], aval, lambda b, refs: refs[0])), (v,), (len(values) - 1,)))
            v = len(values) - 1
        outputs.append(v)
    return replace(graph, values=tuple(values), nodes=tuple(nodes), outputs=tuple(outputs))


class _Builder:
    def __init__(self, target: Target, lower: SubLowering) -> None:
        self.target, self.lower, self.lacks = target, lower, dict(target.lacks)
        self.values: list[ShapedArray] = []
        self.number: dict[Var, int] = {}
        self.nodes: list[AnyNode] = []
        self.behind: dict[int, int] = {}        # what a fence gave -> what it was given, which is what outputs are

    def build(self, jaxpr: Jaxpr) -> Graph:
        inputs = tuple([self.new(v) for v in jaxpr.invars])
        for eqn in jaxpr.eqns:
            self.equation(eqn)
        outputs = tuple([self.behind.get(v, v) for v in map(self.output, jaxpr.outvars)])
        return Graph(tuple(self.values), inputs, outputs, tuple(jaxpr.out_avals), tuple(self.nodes))

    def new(self, var: Var) -> int:
        number = self.number[var] = self.add(var.aval)
        return number

    def add(self, aval: ShapedArray) -> int:
        self.values.append(aval.strong())
        return len(self.values) - 1

    def output(self, atom: Atom) -> int:
        return self.constant(atom, atom.aval) if isinstance(atom, Literal) else self.number[atom]

    def constant(self, atom: Literal, aval: ShapedArray) -> int:
        value = self.add(aval)
        self.nodes.append(Node(canonical(fill(aval.strong(), atom.value)), (), (value,)))
        return value

    def equation(self, eqn: Eqn) -> None:
        for var in eqn.outvars:
            if var.aval.dtype.name in self.lacks:
                line = f", at {eqn.source}" if eqn.source else ""
                raise DeviceError(f"{eqn.primitive}: {var.aval} on {self.target.backend}{line}: "
                                  f"{self.lacks[var.aval.dtype.name]}")
        match eqn.primitive.lower:
            case Alias.OPERAND:
                operand = eqn.invars[0]
                out = eqn.outvars[0]
                if isinstance(operand, Literal):
                    self.number[out] = self.constant(operand, out.aval)
                else:
                    self.number[out] = self.number[operand]
            case Alias.FENCE:
                args = tuple([self.output(a) for a in eqn.invars])
                self.nodes.append(Fence(args, tuple([self.new(v) for v in eqn.outvars])))
                outs = [self.number[v] for v in eqn.outvars]
                self.behind.update(zip(outs, [self.behind.get(a, a) for a in args], strict=False))
            case Inline.SUBJAXPR | Rewritten():
                raise InternalError(f"internal: {eqn.primitive} was not inlined before building")
            case None:
                raise DeviceError(f"{eqn.primitive}: {self.target.backend} cannot compute this; only the reference can"
                                  f"{f', at {eqn.source}' if eqn.source else ''}; move it out of jit")
            case Structured(rule):
                self.region(eqn, rule)
            case _:
                self.launch(eqn)

    def region(self, eqn: Eqn, rule: RegionRule) -> None:
        lower = _Remembering(self.lower, self.target)
        region = rule([a.aval for a in eqn.invars], lower, **eqn.params)
        args = tuple([self.output(a) for a in eqn.invars])
        if isinstance(region, Jaxpr):
            self.number.update(zip(eqn.outvars, self.inline(region, args), strict=True))
            return
        if isinstance(region, Branch):
            index, branches = eqn.invars[0], [lower.jaxprs[id(b)] for b in region.branches]
            if isinstance(index, Literal) or len(branches) == 1:
                only = branches[int(index.value) if isinstance(index, Literal) else 0]
                self.number.update(zip(eqn.outvars, self.inline(only, args[1:]), strict=True))
                return
            if all([is_small(b, self.target.select_work) for b in region.branches]) and not has_effect(eqn):
                self.select(eqn, args, branches)
                return
        self.nodes.append(Call(region, args, tuple([self.new(v) for v in eqn.outvars])))

    def inline(self, jaxpr: Jaxpr, args: Sequence[int]) -> list[int]:
        """The values of a jaxpr's outputs, computed here."""
        jaxpr = simplify(jaxpr)
        self.number.update(zip(jaxpr.invars, args, strict=True))
        for eqn in jaxpr.eqns:
            self.equation(eqn)
        return [self.output(a) for a in jaxpr.outvars]

    def select(self, eqn: Eqn, args: tuple[int, ...], branches: Sequence[Jaxpr]) -> None:
        """All branches, and of each output the one that the number args[0] says."""
        made = [self.inline(branch, args[1:]) for branch in branches]
        for out, values in zip(eqn.outvars, zip(*made, strict=True), strict=True):
            if len(set(values)) == 1:
                self.number[out] = values[0]
                continue
            bound = tuple(dict.fromkeys([args[0], *values]))
            places = tuple([bound.index(v) for v in (args[0], *values)])
            kernel = specialise(_choice(out.aval.strong(), len(values)), [None] * len(places), places, eqn.source,
                                eqn.primitive.name)
            self.node(canonical(kernel), bound, (self.new(out),))

    def launch(self, eqn: Eqn) -> None:
        avals = tuple([a.aval for a in eqn.invars])
        constants: list[Const | None] = []
        operands: list[int] = []
        for a in eqn.invars:
            constants.append(Const.of(a.value, a.aval.dtype) if isinstance(a, Literal) else None)
            operands.append(-1 if isinstance(a, Literal) else self.number[a])
        args = tuple(dict.fromkeys([v for v in operands if v >= 0]))
        places = tuple([args.index(v) if v >= 0 else -1 for v in operands])
        params = tuple([(k, param_key(eqn.params[k]), _Opaque(eqn.params[k])) for k in sorted(eqn.params)])
        kernel, used = _kernel(eqn.primitive, avals, params, tuple(constants), places, eqn.source)
        args = tuple([args[k] for k in used])
        if len(args) == 1 and is_copy(kernel):
            self.number[eqn.outvars[0]] = args[0]
        else:
            self.node(kernel, args, tuple([self.new(v) for v in eqn.outvars]))

    def node(self, kernel: Kernel, args: tuple[int, ...], outs: tuple[int, ...]) -> None:
        """One launch, or several where the target binds fewer buffers than the kernel needs."""
        if len(args) + len(outs) <= self.target.max_buffers:
            self.nodes.append(Node(kernel, args, outs))
            return
        bound = list(args)
        parts = narrow(kernel, self.target.max_buffers)
        for k, part in enumerate(parts):
            made = outs if k == len(parts) - 1 else (self.add(part.kernel.outs[0]),)
            self.nodes.append(Node(part.kernel, tuple([bound[a] for a in part.args]), made))
            bound += made


@dataclass(frozen=True, slots=True)
class _Remembering:
    """Lowers, and keeps which jaxpr became which program."""

    lower: SubLowering
    target: Target
    jaxprs: dict[int, Jaxpr] = field(default_factory=dict[int, Jaxpr])

    def __call__(self, jaxpr: Jaxpr, donated: Collection[int], own: Collection[int]) -> Program:
        program = self.lower(jaxpr, donated, own)
        self.jaxprs[id(program)] = jaxpr
        return program


def is_small(program: Program, most: int) -> bool:
    """Whether a program is kernels alone, of no more than `most` operations."""
    work = sum([math.prod(k.rows + s.cols) * len(s.body) for k in program.kernels for s in k.stages])
    return work <= most and len(program.kernels) <= MOST_KERNELS and not any(isinstance(s, Run) for s in program.steps)


def _choice(aval: ShapedArray, count: int) -> Kernel:
    """One of `count` arrays by a number, which is in range and the first argument."""
    def emit(body: Body, refs: Sequence[Ref]) -> Ref:
        index, *values = refs
        found = values[-1]
        for k in range(count - 2, -1, -1):
            here = body.apply(ScalarOp.EQ, index, body.const(k, I32), dtype=BOOL)
            found = body.apply(ScalarOp.SELECT, here, values[k], found, dtype=aval.dtype)
        return found

    return pointwise([shaped((), I32), *[aval] * count], aval, emit)


def is_copy(kernel: Kernel) -> bool:
    """Whether the one output is the one argument, element for element, so that both may be the same memory."""
    stage = kernel.stages[0]
    if len(kernel.stages) != 1 or len(stage.body) != 1 or len(stage.stores) != 1 or stage.reductions:
        return False
    load, store = stage.body[0], stage.stores[0]
    return (isinstance(load, Load) and isinstance(store, Store) and not load.guards and load.offset == store.offset
            and load.strides == store.strides and kernel.args[0].size == kernel.outs[0].size)


class _Opaque:
    """Carries a parameter through a cache without being part of its key: all are equal."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Opaque)

    def __hash__(self) -> int:
        return 0


@functools.lru_cache(maxsize=4096)
def _kernel(primitive: Primitive, avals: tuple[ShapedArray, ...], params: tuple[tuple[str, Hashable, _Opaque], ...],
            constants: tuple[Const | None, ...], places: tuple[int, ...],
            source: Source | None) -> tuple[Kernel, list[int]]:
    """The kernel, and which of the bound arguments it reads."""
    rule = primitive.lower
    assert callable(rule), "internal: only rules are launched"
    made = rule(avals, **{name: opaque.value for name, _, opaque in params})
    kernel = canonical(specialise(made, constants, places, source, primitive.name))
    used = used_arguments(kernel)
    return with_arguments(kernel, used), used

