"""Matrix products: tiles in workgroup memory and registers, with whatever computes the operands in front and whatever
uses the result behind.

A workgroup computes bm x bn results in slabs of bk. Each invocation holds tm x tn sums in named registers (arrays would
be spilled). While one slab is multiplied, the next is on its way in registers. A second slab in workgroup memory would
save one of two barriers, but leaves room for fewer workgroups, which costs more (docs/decisions/0007).
"""
from __future__ import annotations

import itertools
from dataclasses import dataclass

from lantern.backends.wgpu import scalar
from lantern.backends.wgpu.nest import Group, Memory, Scope, reachable
from lantern.backends.wgpu.operands import Operand, Product, epilogue, operand
from lantern.backends.wgpu.pairs import four, is_wide, lane
from lantern.backends.wgpu.shader import Shader, finish, make_grid
from lantern.lower.expr import Apply, Load, LoopIndex, ReduceOp, Ref, ScalarOp
from lantern.lower.kernel import Kernel, Stage, Target

SMALLEST = 8        # products with fewer rows or columns are folds: nothing is used often enough to be worth a tile
SWIZZLE = 8         # tile rows that are walked together, so that their operands stay in the L2 cache


@dataclass(frozen=True, slots=True)
class Tile:
    """Sizes of a workgroup's tile and of an invocation's. It is worth it from 1/`share` of the workgroups that fill the
    device: a large tile half filling it beats small tiles that fill it, since it reads memory less often."""

    bm: int
    bn: int
    bk: int
    tm: int
    tn: int
    share: int

    @property
    def threads(self) -> int:
        """Invocations of a workgroup."""
        return (self.bm // self.tm) * (self.bn // self.tn)

    def groups(self, p: Product) -> int:
        """Workgroups for a product."""
        return -(-p.m.size // self.bm) * -(-p.n.size // self.bn) * p.batch.size

    def memory(self, p: Product) -> int:
        """Bytes of workgroup memory: a slab of each operand, with four elements of padding a line."""
        return (32 if is_wide(p.dtype) else 16) * self.bk * (self.bm // 4 + self.bn // 4 + 2)


TILES = (Tile(128, 128, 8, 8, 8, 4), Tile(64, 64, 16, 8, 4, 2), Tile(32, 64, 32, 4, 4, 4), Tile(16, 32, 16, 4, 4, 1))


def choose_tile(p: Product, target: Target) -> Tile:
    """The largest tile that still gives every part of the device something to do."""
    for tile in TILES:
        if tile.memory(p) <= target.max_workgroup_memory and tile.threads <= target.max_workgroup_size:
            wasteful = tile.bm >= 2 * p.m.size or tile.bn >= 2 * p.n.size
            if tile is TILES[-1] or (tile.groups(p) >= max(4, target.split_reduce // tile.share) and not wasteful):
                return tile
    return TILES[-1]


def find_product(kernel: Kernel) -> Product | None:
    """The kernel as a matrix product, if it is one that tiles are good for."""
    first, dot = kernel.stages[0], kernel.dot
    if dot is None or len(first.reductions) != 1 or first.stores or first.reductions[0].op is not ReduceOp.SUM:
        return None
    if any(s.cols or s.reductions for s in kernel.stages[1:]):
        return None
    product = first.body[first.reductions[0].value]
    if not isinstance(product, Apply) or product.op is not ScalarOp.MUL:
        return None
    bounds = (0, dot.batch, dot.batch + dot.m, dot.batch + dot.m + dot.n)
    names = ("batch", "m", "n")
    axes = [tuple(range(x, y)) for x, y in itertools.pairwise(bounds)]
    batch, m, n = [Group(name, a, tuple(kernel.rows[x] for x in a)) for name, a in zip(names, axes, strict=True)]
    rank = len(kernel.rows)
    k = Group("k", tuple(range(rank, rank + len(first.cols))), first.cols)
    a, b = product.operands
    if min(m.size, n.size) < SMALLEST or k.size < 4 or not _apart(first, a, n) or not _apart(first, b, m):
        return None
    return Product(batch, m, n, k, a, b, product.dtype)


def _apart(stage: Stage, ref: Ref, group: Group) -> bool:
    """Whether an operand does not depend on a group of axes."""
    for r in reachable(stage.body, [ref]):
        instr = stage.body[r]
        if isinstance(instr, LoopIndex) and instr.axis in group.axes:
            return False
        if isinstance(instr, Load) and (any(instr.strides[x] for x in group.axes)
                                        or any(g.axis in group.axes for g in instr.guards)):
            return False
    return True


def render_matmul(kernel: Kernel, p: Product, memory: Memory, target: Target) -> Shader:
    """The shader of a matrix product."""
    tile = choose_tile(p, target)
    left = operand(kernel, p, "a", p.a, p.m, tile.bm, tile.bk, memory)
    right = operand(kernel, p, "b", p.b, p.n, tile.bn, tile.bk, memory)
    behind = epilogue(kernel, p, tile.bm, tile.bn, memory)
    grid = make_grid(kernel, tile.groups(p), target)
    scope = Scope([])
    if grid.count != tile.groups(p):
        scope.add(f"if ({grid.linear} >= {tile.groups(p)}u) {{ return; }}")    # uniform: whole workgroups leave
    _place(scope, p, tile, grid.linear)
    writer = _Writer(scope, p, tile, left, right)
    writer.slabs()
    writer.results()
    kind = scalar.wgsl_type(p.dtype)
    variables = [f"var<workgroup> slab_{o.name}: array<{four(kind)}, {tile.bk * writer.line(o)}>;"
                 for o in (left, right)]
    return finish(kernel, memory, grid, tile.threads, [*left.functions, *right.functions, *behind], scope.lines,
                  variables)


def _place(scope: Scope, p: Product, tile: Tile, number: str) -> None:
    """Which tile this workgroup computes, and which sums of it this invocation holds."""
    down, across = -(-p.m.size // tile.bm), -(-p.n.size // tile.bn)
    scope.add(f"let batch = {number} / {down * across}u;" if p.batch.size > 1 else "let batch = 0u;")
    scope.add(f"let tile = {number} % {down * across}u;" if p.batch.size > 1 else f"let tile = {number};")
    if down > 1 and across > 1:
        tall = min(SWIZZLE, down)
        scope.add(f"let band = tile / {tall * across}u;")
        scope.add(f"let height = min({down}u - band * {tall}u, {tall}u);")
        scope.add(f"let within = tile % {tall * across}u;")
        scope.add(f"let m0 = (band * {tall}u + within % height) * {tile.bm}u;")
        scope.add(f"let n0 = within / height * {tile.bn}u;")
    else:
        scope.add(f"let m0 = tile % {down}u * {tile.bm}u;")
        scope.add(f"let n0 = tile / {down}u * {tile.bn}u;")
    wide, tall = tile.bn // tile.tn, tile.bm // tile.tm
    if wide % 16 == 0 and tall % 4 == 0 and tile.threads % 32 == 0:      # 32 neighbours are a square of 8 x 4
        scope.add(f"let tx = thread % 8u + thread / 32u % {wide // 8}u * 8u;")
        scope.add(f"let ty = thread / 8u % 4u + thread / {4 * wide}u * 4u;")
    else:
        scope.add(f"let tx = thread % {wide}u;")
        scope.add(f"let ty = thread / {wide}u;")


def _sum(name: str, number: int) -> str:
    return f"{name} + {number}u" if number else name


class _Writer:
    """Writes the entry point of a matrix product."""

    def __init__(self, scope: Scope, p: Product, tile: Tile, left: Operand, right: Operand) -> None:
        self.scope, self.product, self.tile = scope, p, tile
        self.left, self.right = left, right
        self.kind = scalar.wgsl_type(p.dtype)

    def block(self, side: Operand) -> int:
        """The tile's length along an operand's own axis."""
        return self.tile.bm if side is self.left else self.tile.bn

    def line(self, side: Operand) -> int:
        """vec4 in one line of a slab; a turned operand is written down columns and gets one of padding."""
        return self.block(side) // 4 + (1 if side.along_k else 0)

    def turns(self, side: Operand) -> int:
        """vec4 that each invocation loads for one slab."""
        return self.block(side) * self.tile.bk // 4 // self.tile.threads

    def slabs(self) -> None:
        """Fetch, multiply, and fetch on while multiplying."""
        scope, tile, count = self.scope, self.tile, -(-self.product.k.size // self.tile.bk)
        for side in (self.left, self.right):
            self._places(side)
        for i in range(tile.tm):
            for j in range(tile.tn // 4):
                scope.add(f"var sum{i}_{j} = {four(self.kind)}();")
        for side in (self.left, self.right):
            self._fetch(side, "0u", "var ")
        for side in (self.left, self.right):
            self._keep(side)
        scope.add("workgroupBarrier();")
        scope.add(f"for (var slab = 0u; slab < {count}u; slab = slab + 1u) {{")
        scope.depth += 1
        more = f"if (slab + 1u < {count}u) {{"
        scope.add(more)
        scope.depth += 1
        for side in (self.left, self.right):
            self._fetch(side, f"(slab + 1u) * {tile.bk}u", "")
        scope.depth -= 1
        scope.add("}")
        self._multiply()
        scope.add("workgroupBarrier();")
        scope.add(more)
        scope.depth += 1
        for side in (self.left, self.right):
            self._keep(side)
        scope.depth -= 1
        scope.add("}")
        scope.add("workgroupBarrier();")
        scope.depth -= 1
        scope.add("}")

    def _places(self, side: Operand) -> None:
        """Where each vec4 comes from (row and column) and where it goes in a slab."""
        scope, x, block, bk = self.scope, side.name, self.block(side), self.tile.bk
        start = "m0" if side is self.left else "n0"
        for t in range(self.turns(side)):
            scope.add(f"let i_{x}{t} = thread + {t * self.tile.threads}u;" if t else f"let i_{x}{t} = thread;")
            if side.along_k:
                scope.add(f"let o_{x}{t} = i_{x}{t} / {bk // 4}u;")
                scope.add(f"let k_{x}{t} = i_{x}{t} % {bk // 4}u * 4u;")
                scope.add(f"let s_{x}{t} = k_{x}{t} * {self.line(side)}u + o_{x}{t} / 4u;")
                scope.add(f"let g_{x}{t} = {start} + o_{x}{t};")
            else:
                scope.add(f"let k_{x}{t} = i_{x}{t} / {block // 4}u;")
                scope.add(f"let s_{x}{t} = i_{x}{t};")
                scope.add(f"let g_{x}{t} = {start} + i_{x}{t} % {block // 4}u * 4u;")

    def _fetch(self, side: Operand, k: str, declare: str) -> None:
        x = side.name
        for t in range(self.turns(side)):
            place = f"k_{x}{t}" if k == "0u" else f"{k} + k_{x}{t}"
            self.scope.add(f"{declare}next_{x}{t} = load_{x}(batch, g_{x}{t}, {place});")

    def _keep(self, side: Operand) -> None:
        x = side.name
        for t in range(self.turns(side)):
            if not side.along_k:
                self.scope.add(f"slab_{x}[s_{x}{t}] = next_{x}{t};")
                continue
            for c in range(4):
                place = _sum(f"s_{x}{t}", c * self.line(side))
                value = lane(f"next_{x}{t}", c, self.kind)
                self.scope.add(f"slab_{x}[{place}][o_{x}{t} % 4u] = {value};")

    def _multiply(self) -> None:
        """Turns along k are written out, but those of complex numbers, which would take drivers ten times as long."""
        scope, tile = self.scope, self.tile
        left, right = self.line(self.left), self.line(self.right)
        if is_wide(self.product.dtype):
            scope.add(f"for (var k = 0u; k < {tile.bk}u; k = k + 1u) {{")
            self._turn(f"ty + k * {left}u", f"tx + k * {right}u", 0, 0)
            return
        for k in range(tile.bk):
            scope.add("{")
            self._turn("ty", "tx", k * left, k * right)

    def _turn(self, a: str, b: str, left: int, right: int) -> None:
        """One place along k: what is there in the slabs, at these places and so many further, is multiplied."""
        scope, tile = self.scope, self.tile
        tall, wide = tile.bm // tile.tm, tile.bn // tile.tn
        scope.depth += 1
        for i in range(tile.tm // 4):
            scope.add(f"let a{i} = slab_a[{_sum(a, left + i * tall)}];")
        for j in range(tile.tn // 4):
            scope.add(f"let b{j} = slab_b[{_sum(b, right + j * wide)}];")
            if is_wide(self.product.dtype):
                scope.add(f"let t{j} = turned_c64(b{j});")
        for i in range(tile.tm):
            for j in range(tile.tn // 4):
                self._add(f"sum{i}_{j}", lane(f"a{i // 4}", i % 4, self.kind), j)
        scope.depth -= 1
        scope.add("}")

    def _add(self, total: str, x: str, j: int) -> None:
        """Add one number times four; complex ones as x (b) + y (i b)."""
        if self.kind == "f32":
            self.scope.add(f"{total} = fma(vec4<f32>({x}), b{j}, {total});")
        elif is_wide(self.product.dtype):
            self.scope.add(f"{total} = {total} + {x}.x * b{j} + {x}.y * t{j};")
        else:
            self.scope.add(f"{total} = {total} + vec4<{self.kind}>({x}) * b{j};")

    def results(self) -> None:
        """Hand every line of sums to the epilogue."""
        tile = self.tile
        tall, wide = tile.bm // tile.tm, tile.bn // tile.tn
        for i in range(tile.tm):
            for j in range(tile.tn // 4):
                row = f"m0 + (ty + {i // 4 * tall}u) * 4u + {i % 4}u" if i else "m0 + ty * 4u"
                col = f"n0 + (tx + {j * wide}u) * 4u" if j else "n0 + tx * 4u"
                self.scope.add(f"finish(batch, {row}, {col}, sum{i}_{j});")
