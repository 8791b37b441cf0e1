"""Graph -> Graph with fewer kernels.

Nodes are visited in order, and each takes in producers of what it reads, in one of two ways (`merge.py` says how):

inline   the producer's expression goes where its value was loaded. For copies and constants always; for a value with
         one reader where that does not multiply work; for cheap values with several readers if the target recomputes.
absorb   both become one kernel over common rows, which may still store the value for other readers: epilogues of matrix
         products and reductions, softmax as one kernel of several stages, elementwise kernels with several outputs.

What may be fused follows from the kernels alone; no primitive is known here. Values never move to where they would be
computed more often, unless they are cheap. Regions (loops, branches, calls of the host) stay as they are.
"""
from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lantern.lower.collapse import collapse
from lantern.lower.expr import Apply, Const, Gather, Load, LoopIndex, Reduced, ReduceOp, ScalarOp
from lantern.lower.graph import AnyNode, Call, Fence, Graph, Node
from lantern.lower.join import used_arguments, with_arguments, without_outputs
from lantern.lower.kernel import Kernel, Scatter, Stage, Target, calls_host
from lantern.lower.merge import Wires, absorb, inline, is_pointwise, loads_of, origin
from lantern.lower.rewrite import needed
from lantern.lower.schedule import in_place

MAX_INSTRUCTIONS = 256
LONG_ROW = 4096         # a row longer than this wants more than one workgroup
CHEAP, VERY_CHEAP = 8, 4
_TRANSCENDENTAL = frozenset({
    ScalarOp.EXP, ScalarOp.EXPM1, ScalarOp.LOG, ScalarOp.LOG1P, ScalarOp.SIN, ScalarOp.COS, ScalarOp.TAN,
    ScalarOp.TANH, ScalarOp.ATAN2, ScalarOp.ERF, ScalarOp.ERFINV, ScalarOp.POW})


def fuse(graph: Graph, target: Target) -> Graph:
    """The same values from fewer launches. Takes time about linear in the number of nodes."""
    fuser = _Fuser(graph, target)
    for group in fuser.groups:
        if group.call is None:
            fuser.take_in_copies(group)
    fuser.prune()
    for group in list(fuser.groups):
        fuser.begin(group)
        if group.call is None:
            fuser.take_in(group)
    fuser.prune()
    return Graph(graph.values, graph.inputs, graph.outputs, graph.out_avals, fuser.nodes(), graph.name)


@dataclass(slots=True, eq=False)
class _Group:
    """A kernel in the making, or a call, whose kernel is nothing.

    `members` and `before` are sets of original nodes, as bits: its own, its ancestors. `call` keeps a region's own
    arguments and outputs: those of a group may have an order in addition (`_Fuser.call`).
    """

    kernel: Kernel
    args: tuple[int, ...]
    outs: tuple[int, ...]
    members: int
    before: int
    call: Call | Fence | None = None
    alive: bool = True
    visited: bool = False


_NOTHING = Kernel((), (), (), ())


@dataclass(frozen=True, slots=True)
class _Value:
    """What making one output of a group costs."""

    cost: int           # operations; transcendental ones count ten
    reads: bool         # whether memory is read
    guarded: bool
    pure: bool          # depends on no reduction
    points: int         # of the loop that makes it


def describe(kernel: Kernel, out: int) -> _Value | None:
    """The cost of one output; None if it is scattered into."""
    made = origin(kernel, out)
    if made is None:
        return None
    cost, reads, guarded, pure = 0, False, False, True
    for k in needed(made.stage.body, [made.store.value]):
        match made.stage.body[k]:
            case Apply(op):
                cost += 10 if op in _TRANSCENDENTAL else 1
            case Load(guards=guards):
                reads, guarded = True, guarded or bool(guards)
            case Gather():
                reads, cost = True, cost + 2
            case Reduced():
                pure = False
            case Const() | LoopIndex():
                pass
    return _Value(cost, reads, guarded, pure, math.prod(kernel.rows + made.stage.cols))


class _Fuser:
    def __init__(self, graph: Graph, target: Target) -> None:
        self.graph, self.target = graph, target
        self.kept = frozenset(graph.outputs)
        self.maker: dict[int, _Group] = {}
        self.readers: dict[int, set[_Group]] = {}
        self.groups: list[_Group] = []
        # by the kernels' identity, not their value: equal kernels may come from different lines of the user's
        self.made: dict[tuple[Any, ...], tuple[Kernel, Sequence[int], Kernel, Kernel] | None] = {}
        self.described: dict[tuple[int, int], tuple[_Value | None, Kernel]] = {}
        self.host_calls = 0
        for position, node in enumerate(graph.nodes):
            group = (_Group(node.kernel, node.args, node.outs, 1 << position, 0) if isinstance(node, Node)
                     else self.call(node, 1 << position))
            for v in group.args:
                self.readers.setdefault(v, set()).add(group)
            self.maker.update(dict.fromkeys(group.outs, group))
            self.groups.append(group)

    def call(self, call: Call | Fence, member: int) -> _Group:
        """A region as a group. Those that call the host run one after the other: each of them also makes a value, with
        a negative number, that the next one reads."""
        if isinstance(call, Fence) or not calls_host(call.region):
            return _Group(_NOTHING, call.args, call.outs, member, 0, call)
        self.host_calls += 1
        first = self.host_calls == 1
        args = call.args if first else (*call.args, 1 - self.host_calls)
        return _Group(_NOTHING, args, (*call.outs, -self.host_calls), member, 0, call)

    # which fusions are wanted

    def take_in_copies(self, group: _Group) -> None:
        """Inline producers that only say where elements lie, or are constants."""
        for v in group.args:
            maker = self.kernel_of(v)
            if maker is not None and is_pointwise(maker.kernel):
                value = self.describe(maker, v)
                if value is not None and _is_free(value) and not (group.kernel.dot and value.guarded):
                    self.try_inline(maker, group, v)

    def kernel_of(self, v: int) -> _Group | None:
        """The group that makes a value, if that is a kernel."""
        maker = self.maker.get(v)
        return maker if maker is not None and maker.call is None else None

    def begin(self, group: _Group) -> None:
        """Gather the ancestors of a group whose turn has come."""
        group.visited = True
        for v in group.args:
            if v in self.maker:
                group.before |= self.maker[v].before | self.maker[v].members

    def take_in(self, group: _Group) -> None:
        """Fuse producers into a group until none of them will."""
        refused: set[tuple[int, _Group]] = set()
        while group.alive:
            found = next(((v, maker) for v in group.args
                          if (maker := self.kernel_of(v)) is not None and (v, maker) not in refused), None)
            if found is None:
                return
            merged = self.try_fuse(found[1], group, found[0])
            if merged is None:
                refused.add(found)
            elif merged is not group:
                group = merged
                refused.clear()

    def try_fuse(self, maker: _Group, group: _Group, v: int) -> _Group | None:
        """The group that results, or None."""
        value = self.describe(maker, v)
        if value is None or not self.nonempty(maker) or not self.nonempty(group):
            return None
        if _length(maker.kernel) + _length(group.kernel) > MAX_INSTRUCTIONS:
            return None
        single = self.is_single(maker, group, v, value.cost)
        points = sum([math.prod(group.kernel.rows + s.cols) for s in group.kernel.stages
                      if loads_of(s, {group.args.index(v): 0})])
        grows = points > value.points
        recompute = self.target.recompute and value.cost <= (VERY_CHEAP if grows else CHEAP)
        if group.kernel.dot is not None:
            wanted = value.pure and not value.guarded and self.target.recompute and value.cost <= VERY_CHEAP
            return self.try_inline(maker, group, v) if wanted else None
        padded = self.target.recompute and points <= 2 * value.points      # pads, concatenations: work beats memory
        if value.pure and ((single and (not grows or padded or recompute)) or _is_free(value)):
            merged = self.try_inline(maker, group, v)
            if merged is not None:
                return merged
        merged = self.try_absorb(maker, group)
        if merged is None and value.pure and recompute:
            merged = self.try_inline(maker, group, v)
        return merged

    def is_single(self, maker: _Group, group: _Group, v: int, cost: int) -> bool:
        """Whether only this group reads `v`, and inlining it repeats nothing: outputs of one maker may share work."""
        return self.readers[v] == {group} and v not in self.kept and (len(maker.outs) == 1 or cost <= CHEAP)

    def nonempty(self, group: _Group) -> bool:
        """Index algebra supposes that loops run at least once."""
        return all(a.size for a in (*group.kernel.args, *group.kernel.outs))

    def describe(self, maker: _Group, v: int) -> _Value | None:
        """`describe`, remembered. The kernel is held so that its identity stays its own."""
        out = maker.outs.index(v)
        key = id(maker.kernel), out
        if key not in self.described:
            self.described[key] = describe(maker.kernel, out), maker.kernel
        return self.described[key][0]

    # fusing

    def remembered(self, how: Callable[[Kernel, Kernel, Wires], Kernel | None], maker: _Group, group: _Group,
                   wires: Wires) -> tuple[Kernel, Sequence[int]] | None:
        """The fused kernel and which arguments it reads. Repeated layers are fused once."""
        first, second = maker.kernel, group.kernel
        key = (how, id(first), id(second), tuple(wires.values.items()), tuple(wires.producer.values()),
               tuple(wires.consumer.items()), wires.kept)
        if key not in self.made:
            kernel = how(first, second, wires)
            if kernel is None or _length(kernel) > MAX_INSTRUCTIONS:
                self.made[key] = None
            else:
                used = used_arguments(kernel)
                self.made[key] = with_arguments(kernel, used), used, first, second
        found = self.made[key]
        return None if found is None else found[:2]

    def try_inline(self, maker: _Group, group: _Group, v: int) -> _Group | None:
        """The group with the expression of `v` in it; the maker stays for its other readers."""
        args = _unique([b for a in group.args for b in (maker.args if a == v else (a,))])
        wires = self.wires(maker, group, {group.args.index(v): maker.outs.index(v)}, args, ())
        made = self.remembered(inline, maker, group, wires)
        if made is None or not self.fits(made[0], group) or _needs_copy(group.kernel, made[0]):
            return None
        self.rebind(group, made[0], [args[k] for k in made[1]], group.outs)
        self.release(v, group)
        return group

    def try_absorb(self, maker: _Group, group: _Group) -> _Group | None:
        """One group in place of two."""
        values = {k: maker.outs.index(v) for k, v in enumerate(group.args) if v in maker.outs}
        read = {group.args[k] for k in values}
        if not self.may_absorb(maker, group) or self.is_path_between(maker, group):
            return None
        kept = tuple([k for k, v in enumerate(maker.outs)
                      if v in self.kept or v not in read or self.readers[v] != {group}])
        args = _unique([*maker.args, *[a for a in group.args if a not in read]])
        made = self.remembered(_absorb_well, maker, group, self.wires(maker, group, values, args, kept))
        if made is None or not self.fits(made[0], group):
            return None
        outs = (*[maker.outs[k] for k in kept], *group.outs)
        for v in (*maker.args, *group.args):
            self.readers[v] -= {maker, group}
        members = maker.members | group.members
        merged = _Group(made[0], (), outs, members, (maker.before | group.before) & ~members, visited=True)
        maker.alive = group.alive = False
        self.groups.append(merged)
        self.maker.update(dict.fromkeys(outs, merged))
        self.rebind(merged, made[0], [args[k] for k in made[1]], outs)
        self.descend(merged)
        return merged

    def may_absorb(self, maker: _Group, group: _Group) -> bool:
        """Whether one kernel may do both: scatters stay alone, and long rows stay apart where there are few of them."""
        if any(isinstance(s, Scatter) for g in (maker, group) for stage in g.kernel.stages for s in stage.stores):
            return False
        few = self.target.split_reduce
        if not few or (is_pointwise(maker.kernel) and is_pointwise(group.kernel)):
            return True
        rows = [g.kernel.row_count for g in (maker, group) if not is_pointwise(g.kernel)]
        if min(rows) >= few:
            return True
        longest = max([math.prod(g.kernel.rows + s.cols) for g in (maker, group) for s in g.kernel.stages])
        return longest // min(rows) <= LONG_ROW

    def is_path_between(self, maker: _Group, group: _Group) -> bool:
        """Whether a third group depends on the maker and is needed by the group."""
        for v in group.args:
            other = self.maker.get(v)
            if other is not None and other is not maker and other.before & maker.members:
                return True
        return False

    def descend(self, merged: _Group) -> None:
        """What depends on a part of a merged group now depends on all of it."""
        everything = merged.before | merged.members
        pending = [merged]
        while pending:
            for v in pending.pop().outs:
                for other in self.readers.get(v, ()):
                    if other.visited and other.before | everything != other.before:
                        other.before |= everything
                        pending.append(other)

    def fits(self, kernel: Kernel, group: _Group) -> bool:
        """Whether the target binds so many buffers; an unfused kernel may exceed that by itself."""
        buffers = len(kernel.args) + len(kernel.outs)
        return buffers <= max(self.target.max_buffers, len(group.args) + len(group.outs))

    def wires(self, maker: _Group, group: _Group, values: dict[int, int], args: Sequence[int],
              kept: tuple[int, ...]) -> Wires:
        number = {v: k for k, v in enumerate(args)}
        producer = {k: number[v] for k, v in enumerate(maker.args)}
        consumer = {k: number[v] for k, v in enumerate(group.args) if k not in values}
        return Wires(values, producer, consumer, tuple([self.graph.values[v] for v in args]), kept)

    def rebind(self, group: _Group, kernel: Kernel, args: Sequence[int], outs: tuple[int, ...]) -> None:
        """Give a group a new kernel and new arguments."""
        for v in group.args:
            if v not in args:
                self.readers[v].discard(group)
        for v in args:
            self.readers.setdefault(v, set()).add(group)
        group.kernel, group.args, group.outs = kernel, tuple(args), outs

    def release(self, v: int, group: _Group) -> None:
        """After `group` stopped reading `v`: a maker that nobody reads any more goes, and so on upwards."""
        pending = [v]
        while pending:
            maker = self.maker.get(pending.pop())
            if maker is None or not maker.alive or any([self.is_wanted(o) for o in maker.outs]):
                continue
            maker.alive = False
            for a in maker.args:
                self.readers[a].discard(maker)
                pending.append(a)

    def is_wanted(self, v: int) -> bool:
        """Whether anybody needs a value; that the host was called (a negative number) always counts."""
        return v < 0 or v in self.kept or bool(self.readers.get(v))

    # the result

    def prune(self) -> None:
        """Drop groups that nobody reads, and outputs that nobody reads of the others."""
        for group in reversed(_ordered([g for g in self.groups if g.alive])):
            wanted = [k for k, v in enumerate(group.outs) if self.is_wanted(v)]
            if not wanted:
                group.alive = False
                for v in group.args:
                    self.readers[v].discard(group)
            elif len(wanted) < len(group.outs) and group.call is None:
                kernel = without_outputs(group.kernel, wanted)
                used = used_arguments(kernel)
                args, outs = [group.args[k] for k in used], tuple([group.outs[k] for k in wanted])
                self.rebind(group, with_arguments(kernel, used), args, outs)
        self.groups = [g for g in self.groups if g.alive]

    def nodes(self) -> tuple[AnyNode, ...]:
        """The groups in an order in which they can run."""
        found: dict[int, Kernel] = {}
        for group in self.groups:
            if group.call is None and id(group.kernel) not in found:
                found[id(group.kernel)] = collapse(group.kernel)
        return tuple([g.call or Node(found[id(g.kernel)], g.args, g.outs) for g in _ordered(self.groups)])


def _absorb_well(producer: Kernel, consumer: Kernel, wires: Wires) -> Kernel | None:
    kernel = absorb(producer, consumer, wires)
    return kernel if kernel is not None and _stores_along_loops(kernel) else None


def _needs_copy(before: Kernel, after: Kernel) -> bool:
    """Whether a scatter could write where the array lies that it starts as, and now reads that elsewhere, too."""
    stores = [s for k in (before, after) for stage in k.stages for s in stage.stores if isinstance(s, Scatter)]
    if len(stores) != 2 or stores[0].start is None or stores[1].start is None:
        return False
    old, new = stores
    return in_place(before, stores[0].start, old.out) and not in_place(after, stores[1].start, new.out)


def _is_free(value: _Value) -> bool:
    """Copies cost nothing; what reads no memory costs next to nothing."""
    return value.pure and (value.cost == 0 or (not value.reads and value.cost <= VERY_CHEAP))


def _length(kernel: Kernel) -> int:
    return sum([len(s.body) for s in kernel.stages])


def _unique(values: Sequence[int]) -> list[int]:
    return list(dict.fromkeys(values))


def _stores_along_loops(kernel: Kernel) -> bool:
    """Stores inside a reducing loop must step through memory as the loop does, or they would be slow."""
    return all(_is_along(kernel, s) for s in kernel.stages if s.reductions and s.stores)


def _is_along(kernel: Kernel, stage: Stage) -> bool:
    if any(r.op in (ReduceOp.ARGMAX, ReduceOp.ARGMIN) for r in stage.reductions):
        return False
    strides = [s.strides for s in stage.stores if not isinstance(s, Scatter)]
    return not stage.cols or all(s[-1] == 1 for s in strides)


def _ordered(groups: Sequence[_Group]) -> list[_Group]:
    """In an order in which they can run, as near to the original one as that allows."""
    maker = {v: g for g in groups for v in g.outs}
    waits = {g: {maker[v] for v in g.args if v in maker} for g in groups}
    unblocks: dict[_Group, list[_Group]] = {}
    for g, sources in waits.items():
        for source in sources:
            unblocks.setdefault(source, []).append(g)
    ready = [(g.members.bit_length(), k, g) for k, g in enumerate(groups) if not waits[g]]
    heapq.heapify(ready)
    number = {g: k for k, g in enumerate(groups)}
    found: list[_Group] = []
    while ready:
        group = heapq.heappop(ready)[2]
        found.append(group)
        for other in unblocks.get(group, ()):
            waits[other].discard(group)
            if not waits[other]:
                heapq.heappush(ready, (other.members.bit_length(), number[other], other))
    assert len(found) == len(groups), "internal: fusion made a cycle"
    return found
