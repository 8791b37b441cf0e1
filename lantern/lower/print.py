"""The text of kernels and programs: deterministic, for people and for golden tests."""
from __future__ import annotations

from collections.abc import Iterable, Sequence

from lantern.dtypes import short_name
from lantern.lower.expr import Apply, Const, Gather, Guard, Instr, Load, LoopIndex, Reduced
from lantern.lower.kernel import Alloc, Clear, Dispatch, Free, Kernel, Program, ScatterAdd, Stage, Store
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

    Slots that a call receives are `s0:f32[2,3]`; a `!` marks those it may overwrite.
    """
    names: dict[Kernel, str] = {}
    for kernel in program.kernels:
        names.setdefault(kernel, f"k{len(names)}")
    takes = ", ".join([f"s{s}{'!' if s in program.donated else ''}:{program.slots[s]}" for s in program.inputs])
    gives = ", ".join([f"s{s}:{a}" for s, a in zip(program.outputs, program.out_avals, strict=True)])
    lines = [f"program ({takes}) -> {gives}"]
    for step in program.steps:
        match step:
            case Alloc(slot):
                lines.append(f"  alloc s{slot}:{program.slots[slot]}")
            case Free(slot):
                lines.append(f"  free s{slot}")
            case Clear(slot):
                lines.append(f"  clear s{slot}")
            case Dispatch(kernel, args, outs):
                lines.append(f"  {_slots(outs)} = {names[kernel]} {_slots(args)}".rstrip())
    texts = [print_kernel(kernel, name, column) for kernel, name in names.items()]
    return "\n\n".join(["\n".join(lines), *texts])


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
            case ScatterAdd(out, index, value, keep):
                lines.append(f"    out{out}[%{index}] += %{value} if %{keep}")
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
