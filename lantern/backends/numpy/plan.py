"""A kernel as a graph of whole-array operations: what stages share is computed once, over as few axes as it needs."""
from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from lantern.caches import on_clear
from lantern.dtypes import I32
from lantern.lower.expr import (
    Apply,
    Const,
    DType,
    Gather,
    Instr,
    Load,
    LoopIndex,
    Reduced,
    ReduceOp,
    Ref,
    ScalarOp,
    row_major,
)
from lantern.lower.kernel import Kernel, Scatter, Stage, Store
from lantern.lower.scalar import apply
from lantern.source import Source


@dataclass(frozen=True, slots=True)
class Concatenated:
    """Loads side by side along an axis, as (start, stop, load) in order up to its end; their fill before the first."""

    axis: int
    parts: tuple[tuple[int, int, Load], ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """Reduces the operand's last `count` axes; the result has the row axes only."""

    op: ReduceOp
    count: int


@dataclass(frozen=True, slots=True)
class Product:
    """The matrix product of two operands over rows = batch + m + n axes and `count` contracted ones."""

    batch: int
    m: int
    n: int
    count: int


@dataclass(frozen=True, slots=True)
class Window:
    """Elements of args[arg] at `offset`, plus each operand times its factor, plus `strides` times the position."""

    arg: int
    factors: tuple[int, ...]
    offset: int
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """The operand (over rows) with `count` axes of size one behind."""

    count: int


What: TypeAlias = "Const | LoopIndex | Load | Gather | Window | Apply | Concatenated | Fold | Product | Spread"


@dataclass(slots=True)
class Node:     # not frozen: thousands are made, and numbered twice
    """One value: `shape` has 1 where the value does not vary along an axis of `domain`, and is () for constants."""

    what: What
    operands: tuple[int, ...]
    dtype: DType
    shape: tuple[int, ...]
    domain: tuple[int, ...]
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Sink:
    """A store, with the numbers of the nodes that it reads: the stored value, of a scatter the condition, then the
    index or, where it writes a window, the window's operands."""

    store: Store | Scatter
    nodes: tuple[int, ...]
    domain: tuple[int, ...]
    window: Window | None = None


@dataclass(slots=True)
class Plan:
    """Nodes in the order in which they can run, and what is stored."""

    kernel: Kernel
    nodes: list[Node] = field(default_factory=list[Node])
    sinks: list[Sink] = field(default_factory=list[Sink])
    seen: dict[object, int] = field(default_factory=dict[object, int])
    source: Source | None = None        # of the instruction being added

    def add(self, key: object, node: Node) -> int:
        """The number of an equal earlier node, or of this new one."""
        number = self.seen.get(key)
        if number is None:
            number = self.seen[key] = len(self.nodes)
            node.source = self.source
            self.nodes.append(node)
        return number


def make_plan(kernel: Kernel) -> Plan:
    """The kernel's nodes: equal instructions of stages over the same columns are one node.

    >>> import numpy as np
    >>> from lantern.lower.views import fill
    >>> from lantern.trace.aval import shaped
    >>> [n.what for n in make_plan(fill(shaped((2,), np.dtype("float32")), 1.0)).nodes]
    [Const(dtype=dtype('float32'), bits=1065353216)]
    """
    plan = Plan(kernel)
    folds: dict[tuple[int, int], int] = {}
    for number, stage in enumerate(kernel.stages):
        place = _body(plan, stage, folds)
        domain = kernel.rows + stage.cols
        for slot, reduction in enumerate(stage.reductions):
            folds[number, slot] = _fold(plan, stage, place[reduction.value], reduction.op)
        for store in stage.stores:
            if isinstance(store, Store):
                plan.sinks.append(Sink(store, (place[store.value],), domain))
            else:
                plan.sinks.append(_scattered(plan, store, place, domain))
    return _without_unused(plan)


remembered_plan = functools.lru_cache(maxsize=1024)(make_plan)     # for equal layers, whatever their source lines
on_clear(remembered_plan.cache_clear)


def _body(plan: Plan, stage: Stage, folds: dict[tuple[int, int], int]) -> list[int]:
    place: list[int] = []
    for k, instr in enumerate(stage.body):
        plan.source = stage.sources[k] if stage.sources else None
        place.append(_instr(plan, stage, instr, place, folds))
    return place


def _instr(plan: Plan, stage: Stage, instr: Instr, place: Sequence[Ref], folds: dict[tuple[int, int], int]) -> int:
    kernel, domain = plan.kernel, plan.kernel.rows + stage.cols
    match instr:
        case Const(dtype):
            return plan.add(instr, Node(instr, (), dtype, (), domain))
        case LoopIndex(axis):
            shape = tuple([n if k == axis or n == 0 else 1 for k, n in enumerate(domain)])
            return plan.add((instr, stage.cols), Node(instr, (), I32, shape, domain))
        case Load(arg):
            load = _plain(instr, domain)
            varying = {k for k, s in enumerate(load.strides) if s} | {g.axis for g in load.guards}
            shape = tuple([n if k in varying or n == 0 else 1 for k, n in enumerate(domain)])
            return plan.add((load, stage.cols), Node(load, (), kernel.args[arg].dtype, shape, domain))
        case Gather(arg, index):
            operand = place[index]
            found = _window(plan, arg, operand, domain)
            if found is not None:
                return plan.add((found.what, found.operands, domain), found)
            node = Node(instr, (operand,), kernel.args[arg].dtype, plan.nodes[operand].shape, domain)
            return plan.add((Gather, arg, operand), node)
        case Reduced(number, slot):
            fold = folds[number, slot]
            if not stage.cols:
                return fold
            found = plan.nodes[fold]
            ones = tuple([1 if n else 0 for n in stage.cols])
            node = Node(Spread(len(stage.cols)), (fold,), found.dtype, found.shape + ones, domain)
            return plan.add((Spread, fold, ones), node)
        case Apply(op, operands, dtype):
            return _apply(plan, op, tuple([place[r] for r in operands]), dtype, domain)


def _window(plan: Plan, arg: int, index: int, domain: tuple[int, ...]) -> Node | None:
    """A gather whose index is computed from one number and steps along axes on which that number does not depend: a
    slice at a computed start, or (with one number for each row) rows at computed places."""
    terms, strides = dict[int, int](), [0] * len(domain)
    offset = _terms(plan, index, 1, terms, strides)
    shape = _joined([plan.nodes[k].shape for k in terms]) or (1,) * len(domain)
    along = [k for k, s in enumerate(strides) if s and domain[k] != 1]
    if not terms or 0 in domain or offset < 0 or min(strides, default=0) < 0 or any(shape[k] != 1 for k in along):
        return None
    steps = tuple([strides[k] if k in along else 0 for k in range(len(domain))])
    window = Window(arg, tuple(terms.values()), offset, steps)
    size, several = plan.kernel.args[arg].size, any(n != 1 for n in shape)
    last = offset + sum([s * (n - 1) for n, s in zip(domain, steps, strict=True)])
    if last >= size or (several and (len(terms) > 1 or table_of(window, domain, shape, size) is None)):
        return None
    whole = tuple([domain[k] if k in along else n for k, n in enumerate(shape)])
    return Node(window, tuple(terms), plan.kernel.args[arg].dtype, whole, domain)


def table_of(window: Window, domain: tuple[int, ...], places: tuple[int, ...], size: int
             ) -> tuple[tuple[int, ...], int] | None:
    """The shape of an argument of `size` elements of which a window takes rows, one for each of `places`, along an axis
    of it; None if these are no rows of the whole argument."""
    varying = [k for k, n in enumerate(places) if n != 1]
    before = [k for k, s in enumerate(window.strides) if s and k < varying[0]]
    behind = [k for k, s in enumerate(window.strides) if s and k > varying[-1]]
    if len(before) + len(behind) < len([s for s in window.strides if s]) or window.offset or not (before or behind):
        return None
    apart = [domain[k] for k in before], [domain[k] for k in behind]
    count, rest = divmod(size, math.prod(apart[0]) * math.prod(apart[1]))
    shape = (*apart[0], count, *apart[1])
    steps = [*[window.strides[k] for k in before], window.factors[0], *[window.strides[k] for k in behind]]
    fits = all([n == 1 or s == wanted for n, s, wanted in zip(shape, steps, row_major(shape), strict=True)])
    return (shape, len(before)) if fits and not rest and count else None


def _scattered(plan: Plan, store: Scatter, place: Sequence[Ref], domain: tuple[int, ...]) -> Sink:
    """A scatter into one slice at a computed start, if it is one whose elements are all different."""
    value, keep, index = [place[k] for k in (store.value, store.keep, store.index)]
    terms, strides = dict[int, int](), [0] * len(domain)
    offset = _terms(plan, index, 1, terms, strides)
    known = all([math.prod(plan.nodes[k].shape) == 1 for k in (keep, *terms)])
    extent = 0
    for s, n in sorted([(s, n) for s, n in zip(strides, domain, strict=True) if n != 1]):
        known, extent = known and s > extent, extent + s * (n - 1)
    if not known or not terms or 0 in domain or offset < 0 or offset + extent >= plan.kernel.outs[store.out].size:
        return Sink(store, (value, keep, index), domain)
    window = Window(store.out, tuple(terms.values()), offset, tuple(strides))
    return Sink(store, (value, keep, *terms), domain, window)


def _terms(plan: Plan, number: int, factor: int, terms: dict[int, int], strides: list[int]) -> int:
    """Adds what an index is the sum of to `terms` and `strides`; returns its constant part."""
    node = plan.nodes[number]
    match node.what:
        case Const():
            return factor * int(node.what.value)
        case LoopIndex(axis):
            strides[axis] += factor
            return 0
        case Apply(ScalarOp.ADD, (a, b)):
            return _terms(plan, a, factor, terms, strides) + _terms(plan, b, factor, terms, strides)
        case Apply(ScalarOp.MUL, (a, b)) if isinstance(plan.nodes[b].what, Const):
            return _terms(plan, a, factor * _number(plan, b), terms, strides)
        case Apply(ScalarOp.MUL, (a, b)) if isinstance(plan.nodes[a].what, Const):
            return _terms(plan, b, factor * _number(plan, a), terms, strides)
        case _:
            terms[number] = terms.get(number, 0) + factor
            return 0


def _number(plan: Plan, number: int) -> int:
    what = plan.nodes[number].what
    assert isinstance(what, Const)
    return int(what.value)


def _plain(load: Load, domain: tuple[int, ...]) -> Load:
    """Guards that always hold, and strides that never count, taken out."""
    guards = tuple([g for g in load.guards if g.start > 0 or g.stop < domain[g.axis] or g.step != 1 or g.start < 0])
    held = {g.axis for g in guards}
    strides = tuple([s if domain[k] != 1 or k in held else 0 for k, s in enumerate(load.strides)])
    return load if guards == load.guards and strides == load.strides else replace(load, guards=guards, strides=strides)


def _apply(plan: Plan, op: ScalarOp, operands: tuple[int, ...], dtype: DType, domain: tuple[int, ...]) -> int:
    nodes = [plan.nodes[k] for k in operands]
    constants = [n.what.value for n in nodes if isinstance(n.what, Const)]
    if len(constants) == len(nodes):
        known = Const.of(apply(op, constants, dtype), dtype)
        return plan.add(known, Node(known, (), dtype, (), domain))
    if op is ScalarOp.CONVERT and nodes[0].dtype == dtype:
        return operands[0]
    if dtype.kind in "iu" and len(nodes) == 2:
        for known, other in ((0, 1), (1, 0)):
            what = nodes[known].what
            if isinstance(what, Const) and _changes_nothing(op, what.bits, known):
                return operands[other]
    found = _concatenated(plan, op, operands, domain)
    if found is not None:
        axis = found.axis
        varying = _joined([plan.nodes[k].shape for k in operands])
        shape = (*varying[:axis], domain[axis], *varying[axis + 1:])
        return plan.add((found, domain), Node(found, (), dtype, shape, domain))
    shape = _joined([n.shape for n in nodes])
    return plan.add((op, operands, dtype), Node(Apply(op, operands, dtype), operands, dtype, shape, domain))


def _changes_nothing(op: ScalarOp, bits: int, position: int) -> bool:
    """Integer arithmetic with an identity; of floats, x + 0.0 is not always x."""
    match op:
        case ScalarOp.ADD | ScalarOp.OR | ScalarOp.XOR:
            return bits == 0
        case ScalarOp.SUB | ScalarOp.SHL | ScalarOp.SHR:
            return bits == 0 and position == 1
        case ScalarOp.MUL:
            return bits == 1
        case _:
            return False


def _joined(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    full = [s for s in shapes if s]
    return tuple([next((n for n in sizes if n != 1), 1) for sizes in zip(*full, strict=True)])


def _concatenated(plan: Plan, op: ScalarOp, operands: tuple[int, ...], domain: tuple[int, ...]) -> Concatenated | None:
    """`select(i < stop, part, rest)`, where the part is a load guarded to end at stop and the rest begins there."""
    if op is not ScalarOp.SELECT:
        return None
    condition, part, rest = [plan.nodes[k].what for k in operands]
    if not isinstance(condition, Apply) or condition.op is not ScalarOp.LT:
        return None
    index, bound = [plan.nodes[k].what for k in condition.operands]
    if not isinstance(index, LoopIndex) or not isinstance(bound, Const):
        return None
    axis, stop = index.axis, int(bound.value)
    first, others = _range(part, axis), rest.parts if isinstance(rest, Concatenated) else (_range(rest, axis),)
    parts = [p for p in (first, *others) if p is not None]
    if len(parts) != 1 + len(others) or any(p[2].fill != parts[0][2].fill for p in parts):
        return None
    ends = [p[1] for p in parts]
    if parts[0][1] != stop or [p[0] for p in parts[1:]] != ends[:-1] or ends[-1] != domain[axis]:
        return None
    return Concatenated(axis, tuple(parts))


def _range(what: What, axis: int) -> tuple[int, int, Load] | None:
    if not isinstance(what, Load) or len(what.guards) != 1:
        return None
    guard = what.guards[0]
    if guard.axis != axis or guard.step != 1 or guard.start < 0:
        return None
    return guard.start, guard.stop, what


def _fold(plan: Plan, stage: Stage, operand: int, op: ReduceOp) -> int:
    kernel, count = plan.kernel, len(stage.cols)
    value = plan.nodes[operand]
    shape = value.shape[:len(kernel.rows)] if value.shape else tuple([min(n, 1) for n in kernel.rows])
    dtype = I32 if op in (ReduceOp.ARGMAX, ReduceOp.ARGMIN) else value.dtype
    dot = kernel.dot if stage is kernel.stages[0] and op is ReduceOp.SUM else None
    if dot is not None and isinstance(value.what, Apply) and value.what.op is ScalarOp.MUL:
        product = Product(dot.batch, dot.m, dot.n, count)
        node = Node(product, value.what.operands, dtype, kernel.rows, kernel.rows + stage.cols)
        return plan.add((Product, value.what.operands), node)
    # The columns belong to the key: a constant has no axes that would tell them.
    node = Node(Fold(op, count), (operand,), dtype, shape, kernel.rows + stage.cols)
    return plan.add((Fold, op, operand, stage.cols), node)


def _without_unused(plan: Plan) -> Plan:
    wanted = {k for sink in plan.sinks for k in sink.nodes}
    for k in range(len(plan.nodes) - 1, -1, -1):
        if k in wanted:
            wanted.update(plan.nodes[k].operands)
    if len(wanted) == len(plan.nodes):
        return Plan(plan.kernel, plan.nodes, plan.sinks)
    kept = sorted(wanted)
    place = {k: n for n, k in enumerate(kept)}
    nodes = [plan.nodes[k] for k in kept]
    for node in nodes:
        node.operands = tuple([place[x] for x in node.operands])
    sinks = [replace(s, nodes=tuple([place[k] for k in s.nodes])) for s in plan.sinks]
    return Plan(plan.kernel, nodes, sinks)


def shaped_like(kernel: Kernel, shapes: Sequence[tuple[int, ...]]) -> Kernel:
    """A kernel over one flat axis whose every access walks its buffer from end to end (or stays at one element), over
    the first of `shapes` with as many elements instead: arrays of that shape then need no reshaping. Other kernels stay
    as they are.
    """
    if kernel.rows or len(kernel.stages) != 1 or len(kernel.stages[0].cols) != 1:
        return kernel
    stage = kernel.stages[0]
    shape = next((s for s in shapes if len(s) > 1 and math.prod(s) == stage.cols[0]), None)
    if shape is None or stage.reductions or not all(_walks(i) for i in stage.body):
        return kernel
    if not all(isinstance(s, Store) and s.strides == (1,) and s.offset == 0 for s in stage.stores):
        return kernel
    walks, stays = row_major(shape), (0,) * len(shape)
    body = tuple([replace(i, strides=walks if i.strides[0] else stays) if isinstance(i, Load) else i
                  for i in stage.body])
    stores = tuple([replace(s, strides=walks) if isinstance(s, Store) else s for s in stage.stores])
    return replace(kernel, stages=(replace(stage, cols=shape, body=body, stores=stores),))


def _walks(instr: Instr) -> bool:
    match instr:
        case Load(_, offset, strides, guards):
            return not guards and (strides == (0,) or (strides == (1,) and offset == 0))
        case Const() | Apply():
            return True
        case _:
            return False
