"""The two ends of a matrix product: functions that load four neighbours of an operand, and one that finishes sums."""
from __future__ import annotations

from dataclasses import dataclass

from lantern.backends.wgpu import scalar
from lantern.backends.wgpu.elementwise import split_loads
from lantern.backends.wgpu.nest import Group, Memory, Scope, address_parts, lane_contiguous, reachable, shifted
from lantern.backends.wgpu.pairs import four, lane
from lantern.backends.wgpu.point import make_point, store_refs
from lantern.lower.expr import DType, Load, Ref, ScalarOp
from lantern.lower.kernel import Kernel, Stage, Store

LETTERS = "xyzw"


@dataclass(frozen=True, slots=True)
class Product:
    """A kernel read as a matrix product: the axes of its domain in four groups, and the operands."""

    batch: Group
    m: Group
    n: Group
    k: Group
    a: Ref
    b: Ref
    dtype: DType

    @property
    def groups(self) -> tuple[Group, Group, Group, Group]:
        """All axes."""
        return self.batch, self.m, self.n, self.k


@dataclass(frozen=True, slots=True)
class Operand:
    """How one side travels: `along_k`: vec4 run along the contracted axis and are turned on their way in."""

    name: str
    along_k: bool
    functions: tuple[str, ...]


def operand(kernel: Kernel, p: Product, name: str, ref: Ref, outer: Group, block: int, slab: int, memory: Memory
            ) -> Operand:
    """The function `load_<name>`: four neighbours of an operand as a vec4, zeros outside of the matrix."""
    stage, groups = kernel.stages[0], [p.batch, outer, p.k]
    along_k = _runs_along_k(stage, p, ref, outer)
    line = p.k if along_k else outer
    scope, kind = Scope(groups), scalar.wgsl_type(p.dtype)
    tests = {g.name: f"{g.name} < {g.size}u" for g, step in ((outer, block), (p.k, slab)) if g.size % step}
    places = {g.name: g.name for g in groups}
    if line.size % 4 == 0:
        vectors, shared = split_loads(stage, memory, line, groups, [ref])
        point = make_point(f"{name}_at", stage, memory, groups, vectors + shared, [ref])
        if tests:
            scope.add(f"if (!({scalar.every(list(tests.values()))})) {{ return {four(kind)}(); }}")
        _load_all(scope, stage, vectors, shared, memory)
        if vectors == [ref]:
            scope.add(f"return x{ref};")
        else:
            lanes = [point.call(places | {line.name: shifted(line.name, k)}, _lane(vectors, shared, k))
                     for k in range(4)]
            scope.add(f"return {four(kind)}({', '.join(lanes)});")
        own = () if vectors == [ref] else (point.text,)
    else:
        point = make_point(f"{name}_at", stage, memory, groups, (), [ref])
        scope.add(f"var y = {four(kind)}();")
        for k in range(4):
            place = shifted(line.name, k)
            test = [t for g, t in tests.items() if g != line.name] + [f"{place} < {line.size}u"]
            call = point.call(places | {line.name: place}, {})
            scope.add(f"if ({scalar.every(test)}) {{ {lane('y', k, kind)} = {call}; }}")
        scope.add("return y;")
        own = (point.text,)
    head = f"fn load_{name}(batch: u32, {outer.name}: u32, k: u32) -> {four(kind)} {{\n"
    return Operand(name, along_k, (*own, head + "\n".join(scope.lines) + "\n}"))


def _lane(vectors: list[Ref], shared: list[Ref], number: int) -> dict[Ref, str]:
    """What each load gives to one of four neighbours."""
    return {r: f"x{r}.{LETTERS[number]}" for r in vectors} | {r: f"x{r}" for r in shared}


def _load_all(scope: Scope, stage: Stage, vectors: list[Ref], shared: list[Ref], memory: Memory) -> None:
    for ref in sorted(vectors + shared):
        load = stage.body[ref]
        assert isinstance(load, Load)
        scope.load(f"x{ref}", load, memory, vector=ref in vectors)


def _runs_along_k(stage: Stage, p: Product, ref: Ref, outer: Group) -> bool:
    """Whether vec4 of an operand should run along the contracted axis: where memory is contiguous."""
    balance = 0
    for r in reachable(stage.body, [ref]):
        load = stage.body[r]
        if isinstance(load, Load):
            parts = address_parts(load.strides, load.guards, [p.batch, outer, p.k])
            steps = {x.group.name: abs(x.stride) for x in parts}    # of the innermost axes
            if outer.name in steps and "k" in steps:
                balance += 1 if steps["k"] < steps[outer.name] else -1
                balance += 2 * lane_contiguous(parts, load.offset, p.k)
                balance -= 2 * lane_contiguous(parts, load.offset, outer)
    return balance > 0


def epilogue(kernel: Kernel, p: Product, tall: int, wide: int, memory: Memory) -> tuple[str, ...]:
    """The function `finish`: takes four neighbouring sums of a line through the later stages and stores the outcome."""
    groups, kind = [p.batch, p.m, p.n], scalar.wgsl_type(p.dtype)
    scope = Scope(groups)
    functions: list[str] = []
    stores = [s for stage in kernel.stages[1:] for s in stage.stores if kernel.outs[s.out].size]
    vector = p.n.size % 4 == 0 and all(
        isinstance(s, Store) and memory.contiguous(f"out{s.out}", address_parts(s.strides, (), groups), s.offset, p.n)
        for s in stores)
    tests = {g.name: f"{g.name} < {g.size}u" for g, step in ((p.m, tall), (p.n, wide)) if g.size % step}
    if vector:
        memory.vectors.update([f"out{s.out}" for s in stores])
        if tests:
            scope.add(f"if (!({scalar.every(list(tests.values()))})) {{ return; }}")
    for number, stage in enumerate(kernel.stages[1:], start=1):
        write = _four_at_once if vector else _one_by_one
        functions.append(write(scope, f"stage{number}", stage, p, memory, tests))
    head = f"fn finish(batch: u32, m: u32, n: u32, sums: {four(kind)}) {{\n"
    return (*functions, head + "\n".join(scope.lines) + "\n}")


def _sum(p: Product, number: int) -> str:
    """One of four sums, which for small integers are kept in 32 bits."""
    return scalar.narrowed(ScalarOp.ADD, lane("sums", number, scalar.wgsl_type(p.dtype)), p.dtype)


def _one_by_one(scope: Scope, name: str, stage: Stage, p: Product, memory: Memory, tests: dict[str, str]) -> str:
    """Calls that finish and store each sum by itself."""
    point = make_point(name, stage, memory, [p.batch, p.m, p.n], (), (), stage.stores)
    for number in range(4):
        place = shifted("n", number)
        test = [t for g, t in tests.items() if g == "m"] + [f"{place} < {p.n.size}u"]
        call = point.call({"batch": "batch", "m": "m", "n": place}, {}, {"r0_0": _sum(p, number)})
        scope.add(f"if ({scalar.every(test)}) {{ {call}; }}")
    return point.text


def _four_at_once(scope: Scope, name: str, stage: Stage, p: Product, memory: Memory, tests: dict[str, str]) -> str:
    """Calls that finish four sums, which are then stored as vec4."""
    refs, groups = store_refs(stage.stores), [p.batch, p.m, p.n]
    vectors, shared = split_loads(stage, memory, p.n, groups, refs)
    point = make_point(name, stage, memory, groups, vectors + shared, refs)
    scope.add("{")
    scope.depth += 1
    outside = dict(scope.names)
    _load_all(scope, stage, vectors, shared, memory)
    for number in range(4):
        places = {"batch": "batch", "m": "m", "n": shifted("n", number)}
        call = point.call(places, _lane(vectors, shared, number), {"r0_0": _sum(p, number)})
        scope.add(f"let y{number} = {call};")
    for s in stage.stores:
        aval = memory.kernel.outs[s.out]
        if isinstance(s, Store) and aval.size:
            place = scope.address(s.offset, address_parts(s.strides, (), groups))
            scope.add(memory.store_four(s.out, place, [point.result(f"y{k}", s.value) for k in range(4)]))
    scope.names = outside
    scope.depth -= 1
    scope.add("}")
    return point.text
