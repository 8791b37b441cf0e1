"""Kernels with reductions: a row is folded by the lanes of a workgroup together, or by one invocation alone.

A workgroup has `tall` rows of `lanes` invocations. Where columns are contiguous, neighbouring invocations are lanes of
one row; where rows are (a sum over the first axis), they belong to neighbouring rows: memory is read in order.
"""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lantern.backends.wgpu import scalar
from lantern.backends.wgpu.layout import CACHED_NUMBERS, UNROLLED, Layout, choose_layout, find_reuse
from lantern.backends.wgpu.nest import (
    Group,
    Memory,
    Scope,
    address_parts,
    dtype_of,
    lane_uniform,
    reachable,
    shifted,
)
from lantern.backends.wgpu.pairs import is_wide
from lantern.backends.wgpu.point import Point, make_point, store_refs
from lantern.backends.wgpu.shader import Shader, finish, make_grid
from lantern.backends.wgpu.trees import arg_tree, scratch, tree
from lantern.dtypes import BOOL, U32, short_name
from lantern.lower.expr import DType, Load, ReduceOp, Ref
from lantern.lower.kernel import Kernel, Stage, Store, Target

ARG = (ReduceOp.ARGMAX, ReduceOp.ARGMIN)


@dataclass(frozen=True, slots=True)
class _Plan:
    """One stage, planned. Of its loads, `fixed` ones do not depend on the column, `vectors` are read as vec4 (width 4),
    and `shared` ones once for all lanes of a step; the body makes the others. `reused`: values that an earlier stage
    left in registers."""

    number: int
    stage: Stage
    groups: tuple[Group, Group]
    width: int
    fixed: tuple[Ref, ...]
    vectors: tuple[Ref, ...]
    shared: tuple[Ref, ...]
    reused: Mapping[Ref, str]
    point: Point

    @property
    def count(self) -> int:
        """Number of columns."""
        return self.groups[1].size


def render_rows(kernel: Kernel, memory: Memory, target: Target) -> Shader:
    """The shader of any kernel whose stages reduce."""
    row = Group("row", tuple(range(len(kernel.rows))), kernel.rows)
    widths = _widths(memory, row)
    size = min(256, target.max_workgroup_size)
    steps = [-(-math.prod(s.cols) // w) for s, w in zip(kernel.stages, widths, strict=True)]
    layout = choose_layout(kernel, max(steps), size)
    reused, left = find_reuse(kernel, widths, layout)
    plans = [_plan(kernel, k, row, w, memory, reused[k]) for k, w in enumerate(widths)]
    grid = make_grid(kernel, -(-kernel.row_count // layout.tall), target)
    writer = _Writer(kernel, memory, layout, plans, left)
    scope = writer.scope
    exact = grid.count * layout.tall == kernel.row_count
    _place(scope, layout, kernel.row_count, grid.linear, exact)
    for plan in plans:
        writer.stage(plan, guarded=not exact)
    functions = [p.point.text for p in plans if p.point.text] + list(writer.trees.values())
    return finish(kernel, memory, grid, layout.size, functions, scope.lines,
                  [f"var<workgroup> {n}: array<{k}, {layout.size}>;" for n, k in sorted(writer.scratch.items())])


def _place(scope: Scope, layout: Layout, rows: int, number: str, exact: bool) -> None:
    """Which row and lane this invocation is. Rows past the end repeat the last one and store nothing."""
    if layout.lanes == 1:
        place, lane = "thread", "0u"
    elif layout.tall == 1:
        place, lane = "0u", "thread"
    elif layout.by_row:
        place, lane = f"thread % {layout.tall}u", f"thread / {layout.tall}u"
    else:
        place, lane = f"thread / {layout.lanes}u", f"thread % {layout.lanes}u"
    start = number if layout.tall == 1 else f"{number} * {layout.tall}u + {place}"
    scope.add(f"let lane = {lane};")
    if exact:
        scope.add(f"let row = {start};")
    else:
        scope.add(f"let place = {start};")
        scope.add(f"let live = place < {rows}u;")
        scope.add(f"let row = min(place, {rows - 1}u);")


def _widths(memory: Memory, row: Group) -> list[int]:
    """4 for each stage that can work on vec4 along its columns, else 1; stores into one output agree."""
    kernel, widths = memory.kernel, list[int]()
    for stage in kernel.stages:
        col = _columns(kernel, stage)
        fits = col.size % 4 == 0 and col.size > 0
        fits &= not any(is_wide(dtype_of(kernel, stage, ref)) for ref in range(len(stage.body)))
        fits &= all(isinstance(s, Store) and memory.contiguous(
            f"out{s.out}", address_parts(s.strides, (), [row, col]), s.offset, col) for s in stage.stores)
        loads = [n for n in stage.body if isinstance(n, Load)]
        fits &= bool(stage.stores) or any(
            memory.contiguous(memory.arg(n.arg), address_parts(n.strides, n.guards, [row, col]), n.offset, col)
            for n in loads)
        widths.append(4 if fits else 1)
    stores = [(s.out, w) for stage, w in zip(kernel.stages, widths, strict=True) for s in stage.stores]
    outs = {out for out, w in stores if w == 1}
    return [1] * len(widths) if any(w == 4 and out in outs for out, w in stores) else widths


def _columns(kernel: Kernel, stage: Stage) -> Group:
    rank = len(kernel.rows)
    return Group("col", tuple(range(rank, rank + len(stage.cols))), stage.cols)


def _plan(kernel: Kernel, number: int, row: Group, width: int, memory: Memory, reused: Mapping[Ref, str]) -> _Plan:
    stage = kernel.stages[number]
    col = _columns(kernel, stage)
    groups = (row, col)
    stores = [s for s in stage.stores if kernel.outs[s.out].size]
    results = [r.value for r in stage.reductions]
    if width == 4:
        results += store_refs(stores)
        memory.vectors.update([f"out{s.out}" for s in stores])
    written = {f"out{s.out}" for other in kernel.stages for s in other.stores} - memory.vectors
    fixed, vectors, shared = list[Ref](), list[Ref](), list[Ref]()
    for ref in reachable(stage.body, [r.value for r in stage.reductions] + store_refs(stores), reused):
        load = stage.body[ref]
        if not isinstance(load, Load):
            continue
        parts = address_parts(load.strides, load.guards, groups)
        if not any(p.group is col for p in parts):
            fixed.append(ref)
        elif width == 1 or lane_uniform(parts, col):
            shared.append(ref)
        elif (memory.contiguous(memory.arg(load.arg), parts, load.offset, col)
              and memory.arg(load.arg) not in written):
            vectors.append(ref)
            memory.vectors.add(memory.arg(load.arg))
    inside = () if width == 4 else stores
    given = [*fixed, *vectors, *shared, *reused]
    point = make_point(f"stage{number}", stage, memory, groups, given, results, inside)
    return _Plan(number, stage, groups, width, tuple(fixed), tuple(vectors), tuple(shared), reused, point)


class _Writer:
    """Writes the stages one after the other, and gathers the workgroup reductions that they call."""

    def __init__(self, kernel: Kernel, memory: Memory, layout: Layout, plans: Sequence[_Plan],
                 left: Mapping[tuple[int, Ref], str]) -> None:
        self.kernel, self.memory, self.layout = kernel, memory, layout
        self.scope = Scope([plans[0].groups[0]])
        self.trees: dict[str, str] = {}
        self.scratch: dict[str, str] = {}
        self.left = left
        self.kept = _registers(plans, layout, len(left))
        self.unrolled = {plan.number for plan in plans if plan.reused or any(
            self._kept(plan, r) for r in plan.vectors + plan.shared)} | {number for number, _ in left}
        self.filled: set[tuple[str, int]] = set()

    def _kept(self, plan: _Plan, ref: Ref) -> str | None:
        return self.kept.get((plan.stage.cols, plan.width, plan.stage.body[ref]))

    def stage(self, plan: _Plan, guarded: bool) -> None:
        """One loop over the columns, its folds, and what they come to for the whole row."""
        scope, stage, number = self.scope, plan.stage, plan.number
        for ref in plan.fixed:
            load = stage.body[ref]
            assert isinstance(load, Load)
            scope.groups = (plan.groups[0], plan.groups[1])
            scope.load(f"h{number}_{ref}", load, self.memory)
        for slot, fold in enumerate(stage.reductions):
            dtype = dtype_of(self.kernel, stage, fold.value)
            scope.add(f"var a{number}_{slot} = {scalar.identity(fold.op, dtype)};")
            if fold.op in ARG:
                scope.add(f"var p{number}_{slot} = {scalar.LAST_INDEX};")
        if plan.count:
            self._columns(plan, guarded and bool(stage.stores))
        for slot, fold in enumerate(stage.reductions):
            self._finish(plan, slot, fold.op, dtype_of(self.kernel, stage, fold.value))

    def _columns(self, plan: _Plan, guarded: bool) -> None:
        """The loop, or its turns written out where row values stay in registers."""
        scope, lanes = self.scope, self.layout.lanes
        step = lanes * plan.width
        first = ("lane" if lanes > 1 else "0u") + (f" * {plan.width}u" if plan.width > 1 and lanes > 1 else "")
        turns = -(-plan.count // step)
        if plan.number in self.unrolled:
            for k in range(turns):
                self._declare_kept(plan, k)
                start = first if k == 0 else f"{first} + {step * k}u" if lanes > 1 else f"{step * k}u"
                test = ["live"] * guarded + [f"col < {plan.count}u"] * ((k + 1) * step > plan.count)
                self._turn(plan, k, start, scalar.every(test))
        elif turns == 1:
            one = "lane == 0u" if plan.count == 1 else f"col < {plan.count}u"
            test = ["live"] * guarded + [one] * (plan.count < step)
            self._turn(plan, 0, first if plan.count > 1 else "0u", scalar.every(test))
        else:
            if guarded:
                scope.add("if (live) {")
                scope.depth += 1
            scope.add(f"for (var col = {first}; col < {plan.count}u; col = col + {step}u) {{")
            scope.depth += 1
            self._body(plan, 0)
            scope.depth -= 1
            scope.add("}")
            if guarded:
                scope.depth -= 1
                scope.add("}")

    def _declare_kept(self, plan: _Plan, turn: int) -> None:
        for (number, ref), name in self.left.items():
            if number == plan.number:
                kind = scalar.wgsl_type(dtype_of(self.kernel, plan.stage, ref))
                self.scope.add(f"var {name}_{turn}: {f'vec4<{kind}>' if plan.width == 4 else kind};")
        declared: set[str] = set()      # a body may hold one load twice
        for ref in plan.vectors + plan.shared:
            name, load = self._kept(plan, ref), plan.stage.body[ref]
            if name and name not in declared and (name, turn) not in self.filled:
                assert isinstance(load, Load)
                declared.add(name)
                kind = scalar.storage_type(self.memory.arg_dtype(load.arg))
                self.scope.add(f"var {name}_{turn}: {f'vec4<{kind}>' if ref in plan.vectors else kind};")

    def _turn(self, plan: _Plan, turn: int, start: str, test: str) -> None:
        """One turn of a loop in a block of its own."""
        scope, heads = self.scope, list[str]()
        wanted = "col" in plan.point.coordinates or "col" in test or any(f.op in ARG for f in plan.stage.reductions)
        if plan.count > 1 or wanted:
            heads += ["{", f"let col = {start};"]
        if test or not heads:
            heads.append(f"if ({test}) {{" if test else "{")
        for head in heads:
            scope.add(head)
            scope.depth += head.endswith("{")
        self._body(plan, turn)
        for head in heads:
            if head.endswith("{"):
                scope.depth -= 1
                scope.add("}")

    def _body(self, plan: _Plan, turn: int) -> None:
        """Loads, the body for each lane, folds and stores at one place of the loop."""
        scope, outer = self.scope, (self.scope.groups, dict(self.scope.names))
        scope.groups = plan.groups
        values = {r: f"h{plan.number}_{r}" for r in plan.fixed}
        for ref in plan.vectors + plan.shared:
            load, kept = plan.stage.body[ref], self._kept(plan, ref)
            assert isinstance(load, Load)
            values[ref] = f"{kept}_{turn}" if kept else f"x{ref}"
            if kept is None or (kept, turn) not in self.filled:
                scope.load(f"x{ref}", load, self.memory, vector=ref in plan.vectors)
                if kept:
                    scope.add(f"{kept}_{turn} = x{ref};")
                    self.filled.add((kept, turn))
        for lane in range(plan.width):
            given = {r: f"{t}.{'xyzw'[lane]}" if r in plan.vectors else t for r, t in values.items()}
            for ref, name in plan.reused.items():
                given[ref] = f"{name}_{turn}.{'xyzw'[lane]}" if plan.width == 4 else f"{name}_{turn}"
            call = plan.point.call({"row": "row", "col": shifted("col", lane)}, given)
            scope.add(f"let y{lane} = {call};" if plan.point.results else f"{call};")
        for slot, fold in enumerate(plan.stage.reductions):
            lanes = [plan.point.result(f"y{lane}", fold.value) for lane in range(plan.width)]
            self._fold(plan, slot, lanes)
            name = self.left.get((plan.number, fold.value))
            if name:
                kind = scalar.wgsl_type(dtype_of(self.kernel, plan.stage, fold.value))
                text = f"vec4<{kind}>({', '.join(lanes)})" if len(lanes) > 1 else lanes[0]
                scope.add(f"{name}_{turn} = {text};")
        if plan.width == 4:
            self._store(plan)
        scope.groups, scope.names = outer

    def _fold(self, plan: _Plan, slot: int, lanes: list[str]) -> None:
        """Fold one value or four into what this invocation has so far; four in pairs, which rounds less."""
        fold = plan.stage.reductions[slot]
        dtype = dtype_of(self.kernel, plan.stage, fold.value)
        total, position = f"a{plan.number}_{slot}", f"p{plan.number}_{slot}"
        if fold.op in ARG:
            for lane, value in enumerate(lanes):
                test = f"{scalar.better(fold.op, value, total, dtype)} | ({position} == {scalar.LAST_INDEX})"
                place = f"i32({shifted('col', lane)})"
                self.scope.add(f"if ({test}) {{ {total} = {value}; {position} = {place}; }}")
            return
        while len(lanes) > 1:
            lanes = [f"({scalar.combine(fold.op, x, y, dtype)})" if scalar.infix(fold.op, dtype)
                     else scalar.combine(fold.op, x, y, dtype) for x, y in zip(lanes[::2], lanes[1::2], strict=True)]
        self.scope.add(f"{total} = {scalar.combine(fold.op, total, lanes[0], dtype)};")

    def _store(self, plan: _Plan) -> None:
        for s in plan.stage.stores:
            aval = self.kernel.outs[s.out]
            if isinstance(s, Store) and aval.size:
                place = self.scope.address(s.offset, address_parts(s.strides, (), plan.groups))
                lanes = [plan.point.result(f"y{k}", s.value) for k in range(4)]
                self.scope.add(self.memory.store_four(s.out, place, lanes))

    def _finish(self, plan: _Plan, slot: int, op: ReduceOp, dtype: DType) -> None:
        """Fold the lanes of a row together. Every invocation takes part: a barrier needs uniform control flow."""
        name, total, position = f"r{plan.number}_{slot}", f"a{plan.number}_{slot}", f"p{plan.number}_{slot}"
        if plan.count == 0 or self.layout.lanes == 1:
            if op in ARG:
                total = "0i" if plan.count == 0 else position
            self.scope.add(f"let {name} = {total};")
            return
        truth = dtype == BOOL and op not in ARG
        if dtype == BOOL:       # lanes of NVIDIA's driver lose each other's bools in workgroup memory
            dtype, total = U32, f"u32({total})"
        kind = scalar.wgsl_type(dtype)
        function = f"row_{op.value}_{short_name(dtype)}"
        self.scratch[scratch(kind)] = kind
        if op in ARG:
            self.scratch["positions"] = "i32"
            self.trees[function] = arg_tree(function, op, dtype, self.layout)
            self.scope.add(f"let {name} = {function}(thread, lane, {total}, {position});")
        else:
            self.trees[function] = tree(function, op, dtype, self.layout)
            found = f"{function}(thread, lane, {total})"
            self.scope.add(f"let {name} = {found} != 0u;" if truth else f"let {name} = {found};")


def _registers(plans: Sequence[_Plan], layout: Layout, taken: int
               ) -> dict[tuple[tuple[int, ...], int, object], str]:
    """Loads that several stages repeat, if a row's values fit into registers: (cols, width, load) -> variable.

    `taken`: how many values of another kind stay there.
    """
    counts: dict[tuple[tuple[int, ...], int, object], int] = {}
    for plan in plans:
        turns = -(-plan.count // (layout.lanes * plan.width))
        if 0 < turns <= UNROLLED and turns * plan.width <= CACHED_NUMBERS:
            for ref in plan.vectors + plan.shared:
                key = (plan.stage.cols, plan.width, plan.stage.body[ref])
                counts[key] = counts.get(key, 0) + 1
    found: dict[tuple[tuple[int, ...], int, object], str] = {}
    numbers = taken * CACHED_NUMBERS // 4
    for key, count in counts.items():
        turns = -(-math.prod(key[0]) // (layout.lanes * key[1]))
        if count > 1 and numbers + turns * key[1] <= CACHED_NUMBERS:
            numbers += turns * key[1]
            found[key] = f"kept{len(found)}"
    return found
