"""Addresses and bodies: what one point of a loop nest reads, computes and writes, as WGSL statements."""
from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from lantern.backends.wgpu import packed, scalar
from lantern.backends.wgpu.pairs import Parts, is_wide, with_zeros
from lantern.dtypes import F32, I32, is_complex, is_float
from lantern.lower.expr import (
    Apply,
    Const,
    DType,
    Gather,
    Guard,
    Instr,
    Load,
    LoopIndex,
    Reduced,
    Ref,
    ScalarOp,
)
from lantern.lower.kernel import Kernel, Scatter, Stage


@dataclass(frozen=True, slots=True)
class Group:
    """Axes of a domain that one u32 variable of the shader walks in row-major order."""

    name: str
    axes: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of positions."""
        return math.prod(self.sizes)


@dataclass(frozen=True, slots=True)
class Part:
    """One term of an address: `stride` times the position `group / inner % size` (less what a guard says)."""

    group: Group
    inner: int
    size: int
    stride: int
    guard: Guard | None = None


def address_parts(strides: Sequence[int], guards: Sequence[Guard], groups: Sequence[Group]) -> tuple[Part, ...]:
    """The terms of an affine address, with neighbouring axes merged where their strides allow.

    >>> i = Group("i", (0, 1), (4, 8))
    >>> [(p.inner, p.size, p.stride) for p in address_parts((8, 1), (), [i])]
    [(1, 32, 1)]
    >>> [(p.inner, p.size, p.stride) for p in address_parts((1, 4), (), [i])]
    [(8, 4, 1), (1, 8, 4)]
    """
    guarded = {g.axis: g for g in guards}
    found: list[Part] = []
    for group in groups:
        inner, merged = 1, list[Part]()
        for axis, size in zip(reversed(group.axes), reversed(group.sizes), strict=True):
            guard, stride = guarded.get(axis), strides[axis]
            last = merged[-1] if merged else None
            if guard is None and (size == 1 or stride == 0):
                pass
            elif (last and guard is None and last.guard is None and last.inner * last.size == inner
                  and stride == last.stride * last.size):
                merged[-1] = Part(group, last.inner, last.size * size, last.stride)
            else:
                merged.append(Part(group, inner, size, stride, guard))
            inner *= size
        found += reversed(merged)
    return tuple(found)


def lane_uniform(parts: Sequence[Part], group: Group) -> bool:
    """Whether four neighbouring positions of `group`, from a multiple of four, share the address."""
    return all(p.inner % 4 == 0 for p in parts if p.group is group)


def lane_contiguous(parts: Sequence[Part], offset: int, group: Group) -> bool:
    """Whether four neighbouring positions of `group`, from a multiple of four, are one aligned vec4 in memory."""
    steps = [p for p in parts if p.group is group and p.inner == 1]
    if len(steps) != 1 or steps[0].stride != 1 or steps[0].size % 4 or steps[0].guard or offset % 4:
        return False
    return all(p is steps[0] or (p.stride % 4 == 0 and (p.group is not group or p.inner % 4 == 0)) for p in parts)


def shifted(name: str, lane: int) -> str:
    """The position of one of four neighbours."""
    return f"{name} + {lane}u" if lane else name


def from_start(place: str, start: int) -> str:
    """The distance of a position from where a guard starts, which may lie before the first position.

    >>> from_start("i", 2), from_start("i", -1)
    ('(i - 2u)', '(i + 1u)')
    """
    if start == 0:
        return place
    return f"({place} - {start}u)" if start > 0 else f"({place} + {-start}u)"


def quarter(place: str) -> str:
    """The number of the vec4 that an element is in."""
    return f"{packed.grouped(place)} / 4u"


@dataclass(frozen=True, slots=True)
class Binding:
    """One buffer of a shader. `index` counts among the kernel's args or, for an output, among its outs."""

    name: str
    dtype: DType
    output: bool
    index: int
    atomic: bool = False


@dataclass(slots=True)
class Memory:
    """The buffers of a kernel. An argument that shares memory with an output is bound once, as that output.

    `shared`: arg -> out; `vectors`: names of the buffers declared as arrays of vec4; `atomics`: those whose packed
    elements are written one by one. Both have to be known before the first access is written. `rows`: the buffers of
    which the kernel sees one row, with the number of elements of a row; the uniform `turn` has the number of the row.
    `hardware`: the device converts f16 as the reference does.
    """

    kernel: Kernel
    shared: Mapping[int, int]
    rows: Mapping[str, int] = field(default_factory=dict[str, int])
    vectors: set[str] = field(default_factory=set[str])
    atomics: set[str] = field(default_factory=set[str])
    hardware: bool = False

    def arg(self, index: int) -> str:
        """The variable that holds an argument."""
        out = self.shared.get(index)
        return f"arg{index}" if out is None else f"out{out}"

    def arg_dtype(self, index: int) -> DType:
        """The element type in a buffer; zero-size arguments are not bound, and their loads never run."""
        return self.kernel.args[index].dtype

    def place(self, name: str, index: str) -> str:
        """Where an element of a row is in its buffer."""
        size = self.rows.get(name)
        return index if size is None else f"{index} + turn.x * {size}u"

    def wide(self, name: str) -> bool:
        """Whether the elements of a buffer take two words, which are never read or written four at a time."""
        avals = self.kernel.args if name.startswith("arg") else self.kernel.outs
        return is_wide(avals[int(name[3:])].dtype)

    def contiguous(self, name: str, parts: Sequence[Part], offset: int, group: Group) -> bool:
        """Whether `lane_contiguous` holds in every row of a buffer whose elements have a vec4."""
        return self.rows.get(name, 0) % 4 == 0 and not self.wide(name) and lane_contiguous(parts, offset, group)

    def element(self, arg: int, index: str) -> str:
        """One element of an argument, in whatever way its buffer is declared."""
        name = self.arg(arg)
        index = self.place(name, index)
        return packed.load_one(name, index, self.arg_dtype(arg), name in self.vectors, name in self.atomics)

    def four(self, arg: int, index: str) -> str:
        """Four neighbours of an argument as a vec4, from an aligned index."""
        name = self.arg(arg)
        return packed.load_four(f"{name}[{quarter(self.place(name, index))}]", self.arg_dtype(arg))

    def store(self, out: int, index: str, value: str) -> Sequence[str]:
        """The statements that write one element of an output."""
        dtype = self.kernel.outs[out].dtype
        text = scalar.to_storage(value, dtype)
        index = self.place(f"out{out}", index)
        if packed.per_word(dtype) == 1:
            return (f"out{out}[{index}] = {text};",)
        self.atomics.add(f"out{out}")
        return packed.store_one(f"out{out}", index, text, dtype)

    def store_four(self, out: int, index: str, values: Sequence[str]) -> str:
        """The statement that writes four neighbours of an output, from an aligned index."""
        dtype = self.kernel.outs[out].dtype
        lanes = ", ".join([scalar.to_storage(v, dtype) for v in values])
        four = packed.pack_four(f"vec4<{scalar.storage_type(dtype)}>({lanes})", dtype)
        return f"out{out}[{quarter(self.place(f'out{out}', index))}] = {four};"

    def bindings(self) -> tuple[Binding, ...]:
        """What to bind, in order: arguments, then outputs; nothing of size zero."""
        atomic = {s.out for stage in self.kernel.stages for s in stage.stores
                  if isinstance(s, Scatter) and s.op is not None}
        read = {n.arg for stage in self.kernel.stages for n in stage.body if isinstance(n, (Load, Gather))}
        args = [Binding(f"arg{k}", a.dtype, False, k) for k, a in enumerate(self.kernel.args)
                if a.size and k in read and k not in self.shared]
        outs = [Binding(f"out{k}", a.dtype, True, k, k in atomic) for k, a in enumerate(self.kernel.outs) if a.size]
        return tuple(args + outs)

    def declarations(self) -> str:
        """The variables of the bindings, in WGSL."""
        lines: list[str] = []
        for number, b in enumerate(self.bindings()):
            kind = scalar.storage_type(b.dtype)
            if b.name in self.vectors:
                kind = packed.four_type(b.dtype, kind)
            elif packed.per_word(b.dtype) > 1:
                kind = "atomic<u32>" if b.name in self.atomics else "u32"
            elif b.atomic:      # atomics of floats, and of the words of complex numbers, hold their bits
                kind = f"atomic<{'u32' if kind == 'f32' or is_wide(b.dtype) else kind}>"
            access = "read_write" if b.output else "read"
            lines.append(f"@group(0) @binding({number}) var<storage, {access}> {b.name}: array<{kind}>;")
        if self.rows:
            lines.append("@group(1) @binding(0) var<uniform> turn: vec4<u32>;")
        return "\n".join(lines)


class Scope:
    """Statements being written, with the coordinates that they have in common."""

    __slots__ = ("depth", "groups", "lines", "names", "source", "used")

    def __init__(self, groups: Sequence[Group], depth: int = 1) -> None:
        self.groups = tuple(groups)
        self.depth = depth
        self.lines: list[str] = []
        self.names: dict[str, str] = {}
        self.used: set[str] = set()
        self.source = ""

    def add(self, text: str, deeper: int = 0) -> None:
        """One line."""
        self.lines.append("  " * (self.depth + deeper) + text)

    def coordinate(self, group: Group, inner: int, size: int) -> str:
        """The name of `group / inner % size`, computed once."""
        self.used.add(group.name)
        if size == 1:
            return "0u"
        text = group.name
        if inner > 1:
            text += f" / {inner}u"
        if inner * size != group.size:
            text += f" % {size}u"
        if text == group.name:
            return text
        if text not in self.names:
            self.names[text] = f"{group.name}_{len(self.names)}"
            self.add(f"let {self.names[text]} = {text};")
        return self.names[text]

    def index(self, axis: int) -> str:
        """The u32 position along one axis of the domain."""
        for group in self.groups:
            inner = 1
            for a, size in zip(reversed(group.axes), reversed(group.sizes), strict=True):
                if a == axis:
                    return self.coordinate(group, inner, size)
                inner *= size
        raise AssertionError(f"internal: no axis {axis} in this nest")

    def address(self, offset: int, parts: Sequence[Part]) -> str:
        """A flat element position. Arithmetic is modulo 2**32, so that negative strides need no signed type."""
        plus: list[str] = []
        minus: list[str] = []
        for p in parts:
            place = self.coordinate(p.group, p.inner, p.size)
            if p.guard:
                place = from_start(place, p.guard.start)
                place = f"{place} / {p.guard.step}u" if p.guard.step > 1 else place
            if p.stride == 0 or place == "0u":
                continue
            step = abs(p.stride)
            (plus if p.stride > 0 else minus).append(place if step == 1 else f"{place} * {step}u")
        if offset > 0:
            plus.append(f"{offset}u")
        elif offset < 0:
            minus.append(f"{-offset}u")
        return " - ".join([" + ".join(plus) or "0u", *minus])

    def conditions(self, parts: Sequence[Part]) -> str:
        """What the guards among `parts` ask for; empty if they always hold."""
        tests: list[str] = []
        for p in parts:
            if p.guard is None:
                continue
            place = self.coordinate(p.group, p.inner, p.size)
            start, stop, step = p.guard.start, p.guard.stop, p.guard.step
            if start > 0:
                tests.append(f"{place} >= {start}u")
            if stop < p.size:
                tests.append(f"{place} < {max(stop, 0)}u")
            if step > 1:
                tests.append(f"{from_start(place, start)} % {step}u == 0u")
        return scalar.every(tests)

    def comment(self, source: object) -> None:
        """The user's line, if it is not the one that the last comment named."""
        text = "" if source is None else str(source)
        if text and text != self.source:
            self.add(f"// {text}")
            self.source = text

    def load(self, name: str, load: Load, memory: Memory, vector: bool = False) -> None:
        """Declare `name` as what a load reads; a bool is still a u32."""
        kind = scalar.storage_type(memory.arg_dtype(load.arg))
        parts = address_parts(load.strides, load.guards, self.groups)
        test = self.conditions(parts)
        if memory.kernel.args[load.arg].size == 0:      # never runs, but has to compile
            text = f"vec4<{kind}>()" if vector else f"{kind}()"
        else:
            place = self.address(load.offset, parts)
            text = memory.four(load.arg, place) if vector else memory.element(load.arg, place)
        if not test:
            self.add(f"let {name} = {text};")
            return
        fill = scalar.ZEROS[kind] if load.fill is None else scalar.to_storage(scalar.constant(load.fill),
                                                                              load.fill.dtype)
        self.add(f"var {name} = {f'vec4<{kind}>({fill})' if vector else fill};")
        self.add(f"if ({test}) {{ {name} = {text}; }}")


def operands(instr: Instr) -> tuple[Ref, ...]:
    """The earlier instructions that an instruction uses."""
    match instr:
        case Apply(_, refs, _):
            return refs
        case Gather(_, index):
            return (index,)
        case _:
            return ()


def reachable(body: Sequence[Instr], wanted: Sequence[Ref], given: Collection[Ref] = ()) -> list[Ref]:
    """The instructions that `wanted` need, in order; what is `given` is not entered."""
    found: set[Ref] = set()
    pending = list(wanted)
    while pending:
        ref = pending.pop()
        if ref not in found:
            found.add(ref)
            if ref not in given:
                pending += operands(body[ref])
    return sorted(found)


def dtype_of(kernel: Kernel, stage: Stage, ref: Ref) -> DType:
    """The dtype of a body's value."""
    match stage.body[ref]:
        case Const(dtype, _) | Apply(_, _, dtype):
            return dtype
        case LoopIndex():
            return I32
        case Load(arg=arg) | Gather(arg=arg):
            return kernel.args[arg].dtype
        case Reduced(earlier, slot):
            fold = kernel.stages[earlier].reductions[slot]
            return I32 if fold.op.value.startswith("arg") else dtype_of(kernel, kernel.stages[earlier], fold.value)


def write_body(scope: Scope, stage: Stage, memory: Memory, wanted: Sequence[Ref], given: Mapping[Ref, str]
               ) -> dict[Ref, str]:
    """Write the statements that compute `wanted`; `given` has what is already there: loads (raw) and other values.

    Returns the expression of every value. Reduced values are variables named r<stage>_<slot>.
    """
    kernel, names = memory.kernel, dict[Ref, str]()
    for ref in reachable(stage.body, wanted, given):
        instr = stage.body[ref]
        if ref in given and not isinstance(instr, Load):
            names[ref] = given[ref]
            continue
        if not isinstance(instr, (Const, Reduced)) and stage.sources:
            scope.comment(stage.sources[ref])
        name = f"v{ref}"
        match instr:
            case Const():
                name = scalar.constant(instr)
            case Reduced(earlier, slot):
                name = f"r{earlier}_{slot}"
            case LoopIndex(axis):
                scope.add(f"let {name} = i32({scope.index(axis)});")
            case Load(arg=arg):
                raw, dtype = given.get(ref), memory.arg_dtype(arg)
                if raw is None:
                    raw = f"x{ref}"
                    scope.load(raw, instr, memory)
                name = raw
                if scalar.wgsl_type(dtype) == "bool":
                    name = f"v{ref}"
                    scope.add(f"let {name} = {raw} != 0u;")
            case Gather(arg, index):
                element = memory.element(arg, f"u32({names[index]})")
                if kernel.args[arg].size == 0:
                    element = f"{scalar.storage_type(memory.arg_dtype(arg))}()"
                scope.add(f"let {name} = {scalar.from_storage(element, memory.arg_dtype(arg))};")
            case Apply():
                scope.add(f"let {name} = {_apply(kernel, stage, instr, names)};")
        names[ref] = name
    return names


INVERTIBLE = 2.0**126       # the inverse of a smaller f32 is no denormal


def _apply(kernel: Kernel, stage: Stage, instr: Apply, names: Mapping[Ref, str]) -> str:
    """One operation, minding what constant evaluation refuses and what drivers fold wrongly."""
    body, texts = stage.body, [names[r] for r in instr.operands]
    constants = [n for n in (body[r] for r in instr.operands) if isinstance(n, Const)]
    if len(constants) == len(texts):
        texts = [scalar.constant(c, opaque=True) for c in constants]
    kind = dtype_of(kernel, stage, instr.operands[0])
    if is_float(kind) and len(texts) == 2:
        zeros = [isinstance(n, Const) and bool(n.value == 0) for n in (body[r] for r in instr.operands)]
        guarded = _guarded(instr.op, texts, zeros)
        if guarded is not None:
            return guarded
        divisor = body[instr.operands[1]]
        if instr.op is ScalarOp.DIV and isinstance(divisor, Const) and abs(float(divisor.value)) < INVERTIBLE:
            return scalar.narrowed(instr.op, f"{texts[0]} / {texts[1]}", instr.dtype)
    if is_complex(kind) and len(texts) == 2 and len(constants) < 2:
        found = with_zeros(instr.op, *[_parts(kernel, stage, r, names) for r in instr.operands])
        if found is not None:
            return found
    compared = _compared(kernel, stage, instr, names)
    if instr.op is ScalarOp.NOT and compared:
        return f"!{texts[0]} | !ordered({', '.join(compared)})"
    if instr.op is ScalarOp.SELECT and not {*compared}.isdisjoint(texts[1:]):
        # Or NVIDIA's compiler takes the smaller or larger of two numbers by an instruction that drops NaN.
        return f"select({texts[2]}, {texts[1]}, {texts[0]} & ordered({', '.join(compared)}))"
    return scalar.operation(instr.op, texts, kind, instr.dtype)


def _compared(kernel: Kernel, stage: Stage, instr: Apply, names: Mapping[Ref, str]) -> list[str]:
    """The floats whose order is the first operand of an instruction; empty if that is something else."""
    inner = stage.body[instr.operands[0]]
    if (isinstance(inner, Apply) and inner.op in (ScalarOp.LT, ScalarOp.LE, ScalarOp.GT, ScalarOp.GE)
            and is_float(dtype_of(kernel, stage, inner.operands[0]))):
        return [names[r] for r in inner.operands]
    return []


def _parts(kernel: Kernel, stage: Stage, ref: Ref, names: Mapping[Ref, str]) -> Parts:
    """The two parts of a complex value, of which some constants, and all converted real numbers, have one that is 0."""
    instr = stage.body[ref]
    if isinstance(instr, Const):
        halves = [Const(F32, instr.bits & 0xffffffff), Const(F32, instr.bits >> 32)]
        real, imaginary = [(scalar.constant(c), bool(c.value == 0)) for c in halves]
        return real, imaginary
    if isinstance(instr, Apply) and instr.op is ScalarOp.CONVERT and instr.operands[0] in names:
        kind = dtype_of(kernel, stage, instr.operands[0])
        if not is_complex(kind):
            return (scalar.operation(ScalarOp.CONVERT, [names[instr.operands[0]]], kind, F32), False), ("0.0", True)
    return (f"{names[ref]}.x", False), (f"{names[ref]}.y", False)


def _guarded(op: ScalarOp, texts: Sequence[str], zeros: Sequence[bool]) -> str | None:
    """What drivers fold as if there were no NaN, infinity or negative zero, written so that they cannot."""
    (x, y), (left, right) = texts, zeros
    match op:
        case ScalarOp.MUL if left or right:
            return f"mul_zero({y}, {x})" if left else f"mul_zero({x}, {y})"
        case ScalarOp.ADD if left or right:
            return f"add_zero({y}, {x})" if left else f"add_zero({x}, {y})"
        case ScalarOp.SUB if right:
            return f"add_zero({x}, neg_f32({y}))"
        case ScalarOp.SUB if left:
            return f"add_zero(neg_f32({y}), {x})"
        case ScalarOp.SUB if x == y:
            return f"sub_self({x})"
        case ScalarOp.DIV if left:
            return f"div_zero({x}, {y})"
        case ScalarOp.DIV if x == y:
            return f"div_self({x})"
        case _:
            return None
