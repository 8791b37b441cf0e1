"""The text of kernels and programs: deterministic, for people and for golden tests."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lantern.dtypes import short_name
from lantern.lower.expr import Apply, Const, Gather, Guard, Instr, Load, LoopIndex, Reduced, ReduceOp
from lantern.lower.kernel import (
    Alloc,
    Branch,
    Clear,
    Copy,
    Dispatch,
    Free,
    HostCall,
    Kernel,
    Loop,
    Program,
    Region,
    Run,
    Scatter,
    Stage,
    Store,
    While,
)
from lantern.lower.routine import Routine
from lantern.trace.aval import ShapedArray


def print_kernel(kernel: Kernel, name: str = "", column: int = 72) -> str:
    """The text of a kernel, with the user's lines at the right margin where they are known.

    >>> import numpy as np
    >>> from lantern.lower.views import fill
    >>> from lantern.trace.aval import shaped
    >>> print(print_kernel(fill(shaped((2, 3), np.dtype("float32")), 1.5)))
    kernel () -> f32[2,3]
      for 2 x 3
        %0 = 1.5:f32
        out0[3*i0 + i1] = %0
    """
    head = f"kernel{' ' if name else ''}{name} ({_avals(kernel.args)}) -> {', '.join(map(str, kernel.outs))}"
    if kernel.dot is not None:
        head += f"  dot batch={kernel.dot.batch} m={kernel.dot.m} n={kernel.dot.n}"
    lines = [head]
    if kernel.rows:
        lines.append(f"  rows {_sizes(kernel.rows)}")
    for stage in kernel.stages:
        lines += _stage(stage, column)
    return "\n".join(lines)


def print_program(program: Program, column: int = 72) -> str:
    """The text of a program: its steps, then each different kernel once, named k0, k1, ... in order of first launch.

    Slots that a call receives are `s0:f32[2,3]`; a `!` marks those it may overwrite. The programs of loops and branches
    stand below them, further to the right; their slots are numbered for themselves.
    """
    names: dict[Kernel, str] = {}
    for kernel in program.kernels:
        names.setdefault(kernel, f"k{len(names)}")
    texts = [print_kernel(kernel, name, column) for kernel, name in names.items()]
    return "\n\n".join(["\n".join(_program("program", program, names)), *texts])


def _program(title: str, program: Program, names: Mapping[Kernel, str]) -> list[str]:
    takes = ", ".join([f"s{s}{'!' if s in program.donated else ''}:{program.slots[s]}" for s in program.inputs])
    gives = ", ".join([f"s{s}:{a}" for s, a in zip(program.outputs, program.out_avals, strict=True)])
    lines = [f"{title} ({takes}) -> {gives}"]
    for step in program.steps:
        match step:
            case Alloc(slot):
                lines.append(f"  alloc s{slot}:{program.slots[slot]}")
            case Free(slot):
                lines.append(f"  free s{slot}")
            case Clear(slot):
                lines.append(f"  clear s{slot}")
            case Copy(slot, source):
                lines.append(f"  copy s{slot} = s{source}")
            case Dispatch(kernel, args, outs):
                lines.append(f"  {_slots(outs)} = {names[kernel]} {_slots(args)}".rstrip())
            case Run(region, args, outs):
                head, parts = _region(region)
                lines.append(f"  {_slots(outs)}{' = ' if outs else ''}{head} {_slots(args)}".rstrip())
                lines += ["    " + line for name, inner in parts for line in _program(name, inner, names)]
    return lines


def _region(region: Region) -> tuple[str, list[tuple[str, Program]]]:
    """What the line of a region says, and its programs with their titles."""
    match region:
        case Loop(body, constants, carry, length, reverse):
            head = f"loop{' reverse' if reverse else ''} length={length} constants={constants} carry={carry}"
            return head, [("body", body)]
        case While(condition, body, condition_constants, body_constants):
            head = f"while condition_constants={condition_constants} body_constants={body_constants}"
            return head, [("condition", condition), ("body", body)]
        case Branch(branches):
            return "branch", [(f"branch{k}", b) for k, b in enumerate(branches)]
        case HostCall(name=name):
            return f"host{' ' if name else ''}{name}", []
        case Routine(name=name):
            return f"routine {name}", []


def _avals(avals: Sequence[ShapedArray]) -> str:
    return ", ".join([f"a{k}:{a}" for k, a in enumerate(avals)])


def _sizes(sizes: Iterable[int]) -> str:
    return " x ".join(map(str, sizes))


def _slots(slots: Iterable[int]) -> str:
    return " ".join([f"s{s}" for s in slots])


def _stage(stage: Stage, column: int) -> list[str]:
    lines = [f"  for {_sizes(stage.cols)}" if stage.cols else "  once"]
    sources = stage.sources or (None,) * len(stage.body)
    shown = ""
    for k, (instr, source) in enumerate(zip(stage.body, sources, strict=True)):
        text = f"    %{k} = {_instr(instr)}"
        if source is not None and str(source) != shown:
            shown = str(source)
            text = f"{text:<{column}}  # {shown}"
        lines.append(text)
    for k, reduction in enumerate(stage.reductions):
        lines.append(f"    r{k} = {reduction.op.value} %{reduction.value}")
    for store in stage.stores:
        match store:
            case Store(out, value, offset, strides):
                lines.append(f"    out{out}[{_address(offset, strides)}] = %{value}")
            case Scatter(out, index, value, keep, op, start):
                sign = "=" if op is None else "+=" if op is ReduceOp.SUM else f"{op.value}="
                first = "" if start is None else f", on a{start}"
                lines.append(f"    out{out}[%{index}] {sign} %{value} if %{keep}{first}")
    return lines


def _instr(instr: Instr) -> str:
    match instr:
        case Const():
            return _const(instr)
        case LoopIndex(axis):
            return f"i{axis}"
        case Load(arg, offset, strides, guards, fill):
            text = f"a{arg}[{_address(offset, strides, guards)}]"
            conditions = [_guard(g) for g in guards]
            if fill is not None:
                conditions.append(f"else {_const(fill)}")
            return f"{text} if {' '.join(conditions)}" if conditions else text
        case Gather(arg, index):
            return f"a{arg}[%{index}]"
        case Reduced(stage, slot):
            return f"stage{stage}.r{slot}"
        case Apply(op, operands, dtype):
            return f"{op.value} {' '.join([f'%{x}' for x in operands])} : {short_name(dtype)}"


def _const(const: Const) -> str:
    return f"{const.value!s}:{short_name(const.dtype)}"


def _guard(guard: Guard) -> str:
    step = f" step {guard.step}" if guard.step != 1 else ""
    return f"{guard.start}<=i{guard.axis}<{guard.stop}{step}"


def _address(offset: int, strides: Sequence[int], guards: Sequence[Guard] = ()) -> str:
    position = {g.axis: _position(g) for g in guards}
    terms: list[str] = []
    for axis, stride in enumerate(strides):
        if stride:
            place = position.get(axis, f"i{axis}")
            terms.append(place if stride == 1 else f"{stride}*{place}")
    if offset or not terms:
        terms.append(str(offset))
    return " + ".join(terms).replace("+ -", "- ")


def _position(guard: Guard) -> str:
    place = f"i{guard.axis}"
    if guard.start:
        place = f"({place} - {guard.start})" if guard.start > 0 else f"({place} + {-guard.start})"
    return place if guard.step == 1 else f"({place} // {guard.step})"
