"""Kernels without reductions: one invocation per element, or per four neighbours where memory allows vec4."""
from __future__ import annotations

from collections.abc import Sequence

from lantern.backends.wgpu.nest import (
    Group,
    Memory,
    Scope,
    address_parts,
    lane_uniform,
    reachable,
    shifted,
)
from lantern.backends.wgpu.packed import per_word
from lantern.backends.wgpu.point import make_point, store_refs
from lantern.backends.wgpu.shader import Grid, Shader, finish, make_grid
from lantern.lower.expr import Load, Ref
from lantern.lower.kernel import Kernel, Stage, Store, Target

GROUP_SIZE = 256


def render_elementwise(kernel: Kernel, memory: Memory, target: Target) -> Shader:
    """The shader of a kernel with one stage and no reduction; its rows and columns are one domain."""
    stage = kernel.stages[0]
    domain = kernel.rows + stage.cols
    group = Group("i", tuple(range(len(domain))), domain)
    size = min(GROUP_SIZE, target.max_workgroup_size)
    narrow = {f"out{s.out}" for s in stage.stores if per_word(kernel.outs[s.out].dtype) > 1}
    if group.size % 4 == 0 and _vector_stores(memory, stage, group):
        return _vector(kernel, stage, group, memory, target, size)
    in_order = all(isinstance(s, Store) and _in_order(s.strides, s.offset, group) for s in stage.stores)
    if narrow and in_order and narrow.isdisjoint(memory.rows):      # other invocations write the next row's elements
        return _vector(kernel, stage, group, memory, target, size)
    memory.atomics.update(narrow)
    grid = make_grid(kernel, -(-group.size // size), target)
    scope = Scope([group])
    point = make_point("element", stage, memory, [group], (), (), stage.stores)
    call = f"{point.call({'i': 'i'}, {})};"
    scope.add(f"let i = {grid.linear} * {size}u + thread;")
    scope.add(call if exact(grid, group.size, size) else f"if (i < {group.size}u) {{ {call} }}")
    return finish(kernel, memory, grid, size, [point.text], scope.lines)


def exact(grid: Grid, count: int, size: int) -> bool:
    """Whether a grid of groups of `size` has no invocation to spare."""
    return grid.count * size == count


def _vector_stores(memory: Memory, stage: Stage, group: Group) -> bool:
    """Whether all stores are of aligned groups of four."""
    return bool(stage.stores) and all(
        isinstance(s, Store)
        and memory.contiguous(f"out{s.out}", address_parts(s.strides, (), [group]), s.offset, group)
        for s in stage.stores)


def _in_order(strides: Sequence[int], offset: int, group: Group) -> bool:
    """Whether position i of `group` is element i."""
    parts = address_parts(strides, (), [group])
    whole = len(parts) == 1 and (parts[0].inner, parts[0].size, parts[0].stride) == (1, group.size, 1)
    return offset == 0 and (whole or group.size == 1)


def split_loads(stage: Stage, memory: Memory, group: Group, groups: list[Group], wanted: list[Ref]
                ) -> tuple[list[Ref], list[Ref]]:
    """The loads that one vec4 serves, and those that four neighbours of `group` share."""
    vectors, shared = list[Ref](), list[Ref]()
    for ref in reachable(stage.body, wanted):
        load = stage.body[ref]
        if isinstance(load, Load):
            parts = address_parts(load.strides, load.guards, groups)
            if lane_uniform(parts, group):
                shared.append(ref)
            elif memory.contiguous(memory.arg(load.arg), parts, load.offset, group):
                vectors.append(ref)
                memory.vectors.add(memory.arg(load.arg))
    return vectors, shared


def _vector(kernel: Kernel, stage: Stage, group: Group, memory: Memory, target: Target, size: int) -> Shader:
    """Four neighbours per invocation: loads and stores of vec4, the body once for each lane.

    Of a domain that is no multiple of four, the last lanes repeat its last element. What they read and write lies in
    the padding of whole vec4 that every buffer has; elements with a word of their own are not written there.
    """
    ragged = group.size % 4 > 0
    stores = [s for s in stage.stores if isinstance(s, Store) and kernel.outs[s.out].size]
    alone = [s for s in stores if memory.wide(f"out{s.out}") or (ragged and per_word(kernel.outs[s.out].dtype) == 1)]
    memory.vectors.update([f"out{s.out}" for s in stores if s not in alone])
    wanted = store_refs(stores)
    vectors, shared = (_ragged_loads(stage, memory, group, wanted) if ragged
                       else split_loads(stage, memory, group, [group], wanted))
    grid = make_grid(kernel, -(-group.size // (4 * size)), target)
    point = make_point("element", stage, memory, [group], vectors + shared, wanted)
    scope = Scope([group])
    scope.add(f"let i = 4u * ({grid.linear} * {size}u + thread);")
    guarded = not exact(grid, group.size, 4 * size)
    if guarded:
        scope.add(f"if (i < {group.size}u) {{")
        scope.depth += 1
    for ref in sorted(vectors + shared):
        load = stage.body[ref]
        assert isinstance(load, Load)
        scope.load(f"x{ref}", load, memory, vector=ref in vectors)
    for lane, letter in enumerate("xyzw"):
        values = {r: f"x{r}.{letter}" for r in vectors} | {r: f"x{r}" for r in shared}
        place = f"min({shifted('i', lane)}, {group.size - 1}u)" if ragged and lane else shifted("i", lane)
        scope.add(f"let y{lane} = {point.call({'i': place}, values)};")
    for s in stores:
        lanes = [point.result(f"y{k}", s.value) for k in range(4)]
        place = scope.address(s.offset, address_parts(s.strides, (), [group]))
        if s not in alone:
            scope.add(memory.store_four(s.out, place, lanes))
            continue
        for k, value in enumerate(lanes):
            scope.add(f"if ({shifted('i', k)} < {group.size}u) {{ {memory.store(s.out, shifted('i', k), value)[0]} }}")
    if guarded:
        scope.depth -= 1
        scope.add("}")
    return finish(kernel, memory, grid, size, [point.text], scope.lines)


def _ragged_loads(stage: Stage, memory: Memory, group: Group, wanted: list[Ref]) -> tuple[list[Ref], list[Ref]]:
    """`split_loads` for a domain that is no multiple of four: what is read in order, what is the same everywhere."""
    vectors, shared = list[Ref](), list[Ref]()
    for ref in reachable(stage.body, wanted):
        load = stage.body[ref]
        if isinstance(load, Load):
            name = memory.arg(load.arg)
            if not load.guards and group.size > 1 and _in_order(load.strides, load.offset, group):
                if (name not in memory.rows and not memory.wide(name)
                        and (name.startswith("arg") or name in memory.vectors)):
                    vectors.append(ref)
                    memory.vectors.add(name)
            elif not address_parts(load.strides, load.guards, [group]):
                shared.append(ref)
    return vectors, shared
