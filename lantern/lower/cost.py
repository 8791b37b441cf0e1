"""What a program costs, counted from its kernels: operations, bytes moved, memory held."""
from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lantern.dtypes import I32, is_complex, is_inexact
from lantern.lower.expr import (
    COMPARISONS,
    Apply,
    Const,
    DType,
    Gather,
    Instr,
    Load,
    LoopIndex,
    Reduced,
    ReduceOp,
    ScalarOp,
)
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
    While,
)
from lantern.lower.routine import Routine

S = ScalarOp
ARITHMETIC = COMPARISONS | {S.ADD, S.SUB, S.MUL, S.DIV, S.FLOORDIV, S.MOD, S.NEG, S.ABS, S.SIGN, S.FLOOR, S.CEIL,
                            S.ROUND, S.MAX, S.MIN}
TRANSCENDENTAL = frozenset({S.SQRT, S.RSQRT, S.EXP, S.EXPM1, S.LOG, S.LOG1P, S.SIN, S.COS, S.TAN, S.TANH, S.ATAN2,
                            S.ERF, S.ERFINV, S.POW})
OF_COMPLEX = {S.ADD: 2, S.SUB: 2, S.NEG: 2, S.MUL: 6, S.DIV: 11}      # real operations of a complex one


@dataclass(frozen=True, slots=True)
class Cost:
    """Floating point operations, functions such as exp among them not counted; those functions; bytes."""

    flops: int = 0
    transcendentals: int = 0
    bytes: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.flops + other.flops, self.transcendentals + other.transcendentals, self.bytes + other.bytes)

    def times(self, count: int) -> Cost:
        """As often."""
        return Cost(self.flops * count, self.transcendentals * count, self.bytes * count)


@dataclass(frozen=True, slots=True)
class KernelCost:
    """What one step of a program costs each time, and how often it runs."""

    name: str
    launches: int
    each: Cost

    @property
    def total(self) -> Cost:
        """Of all launches."""
        return self.each.times(self.launches)


class CostAnalysis(dict[str, int]):
    """The costs of a program: "flops", "transcendentals" and "bytes accessed" by name. Printed, a table of its kernels.

    kernels  what runs, in the order of the program
    notes    what could not be counted
    """

    def __init__(self, kernels: Sequence[KernelCost], notes: Sequence[str]) -> None:
        total = sum([k.total for k in kernels], Cost())
        super().__init__({"flops": total.flops, "transcendentals": total.transcendentals,
                          "bytes accessed": total.bytes})
        self.kernels, self.notes = tuple(kernels), tuple(notes)

    def __str__(self) -> str:
        rows = [("", "launches", "flops", "transcendentals", "bytes accessed")]
        costs = [(k.name, f"{k.launches:,}", k.total) for k in self.kernels]
        for name, launches, c in (*costs, ("total", "", sum([c for *_, c in costs], Cost()))):
            rows.append((name, launches, f"{c.flops:,}", f"{c.transcendentals:,}", f"{c.bytes:,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join([row[0].ljust(widths[0]), *[x.rjust(w) for x, w in zip(row[1:], widths[1:], strict=True)]])
                 for row in rows]
        return "\n".join([*lines, *[f"({note})" for note in self.notes]])


def kernel_cost(kernel: Kernel) -> Cost:
    """One launch.

    Each scalar operation on floats counts once a point of its stage (a complex one as its real operations), and each
    element that a reduction or an adding scatter folds into another counts once; a matrix product counts 2 m n k.
    Integers (positions, random bits), conversions and selections are free. Of each array the elements that are read or
    written count once: caches are perfect.

    >>> import numpy as np
    >>> from lantern.lower.views import fill
    >>> from lantern.trace.aval import shaped
    >>> kernel_cost(fill(shaped((2, 3), np.dtype("float32")), 1.5))
    Cost(flops=0, transcendentals=0, bytes=24)
    """
    total = Cost()
    results: dict[tuple[int, int], DType] = {}
    read, written = [0] * len(kernel.args), [0] * len(kernel.outs)
    for number, stage in enumerate(kernel.stages):
        points = kernel.row_count * math.prod(stage.cols)
        dtypes = _dtypes(stage, kernel, results)
        for instr in stage.body:
            if isinstance(instr, Apply):
                total += _operation(instr, dtypes).times(points)
            elif isinstance(instr, (Load, Gather)):
                read[instr.arg] += _touched(instr, kernel, stage, points)
        for slot, reduction in enumerate(stage.reductions):
            dtype = dtypes[reduction.value]
            results[number, slot] = I32 if reduction.op in (ReduceOp.ARGMAX, ReduceOp.ARGMIN) else dtype
            folds = points if kernel.dot is not None else max(0, points - kernel.row_count)
            total += Cost(flops=_weight(S.ADD, dtype) * folds)
        for store in stage.stores:
            written[store.out] += points
            if isinstance(store, Scatter) and store.op is not None:
                total += Cost(flops=_weight(S.ADD, dtypes[store.value]) * points)
    moved = [min(n, a.size) * a.dtype.itemsize for n, a in zip((*read, *written), (*kernel.args, *kernel.outs),
                                                               strict=True)]
    return total + Cost(bytes=sum(moved))


def _dtypes(stage: Stage, kernel: Kernel, results: dict[tuple[int, int], DType]) -> list[DType]:
    found: list[DType] = []
    for instr in stage.body:
        found.append(_dtype(instr, kernel, results))
    return found


def _dtype(instr: Instr, kernel: Kernel, results: dict[tuple[int, int], DType]) -> DType:
    match instr:
        case Const(dtype) | Apply(dtype=dtype):
            return dtype
        case Load(arg) | Gather(arg):
            return kernel.args[arg].dtype
        case Reduced(stage, slot):
            return results[stage, slot]
        case LoopIndex():
            return I32


def _touched(instr: Load | Gather, kernel: Kernel, stage: Stage, points: int) -> int:
    """How many elements of its array an access can reach: axes with stride 0 read the same ones."""
    if isinstance(instr, Gather):
        return points
    domain = (*kernel.rows, *stage.cols)
    return math.prod([n for n, stride in zip(domain, instr.strides, strict=True) if stride])


def _weight(op: ScalarOp, dtype: DType) -> int:
    if is_complex(dtype):
        return OF_COMPLEX.get(op, 1)
    return 1 if is_inexact(dtype) else 0


def _operation(instr: Apply, dtypes: Sequence[DType]) -> Cost:
    dtype = dtypes[instr.operands[0]]
    if instr.op in ARITHMETIC:
        return Cost(flops=_weight(instr.op, dtype))
    return Cost(transcendentals=1 if instr.op in TRANSCENDENTAL and is_inexact(dtype) else 0)


def program_cost(program: Program) -> CostAnalysis:
    """All steps. A loop counts as often as it runs, a while loop once, a branch as its dearest; `notes` says so."""
    names: dict[Kernel, str] = {}
    for kernel in program.kernels:
        names.setdefault(kernel, f"k{len(names)}{' ' if kernel.name else ''}{kernel.name}")
    notes: dict[str, None] = {}
    return CostAnalysis(tuple(_steps(program, 1, names, notes)), tuple(notes))


def _steps(program: Program, times: int, names: dict[Kernel, str], notes: dict[str, None]) -> Iterator[KernelCost]:
    for step in program.steps:
        match step:
            case Dispatch(kernel):
                yield KernelCost(names[kernel], times, kernel_cost(kernel))
            case Clear(slot):
                yield KernelCost("clear", times, Cost(bytes=program.slots[slot].nbytes))
            case Copy(slot):
                yield KernelCost("copy", times, Cost(bytes=2 * program.slots[slot].nbytes))
            case Run(region):
                yield from _region(region, times, names, notes)
            case Alloc() | Free():
                pass


def _region(region: Region, times: int, names: dict[Kernel, str], notes: dict[str, None]) -> Iterator[KernelCost]:
    match region:
        case Loop(body, length=length):
            yield from _steps(body, times * length, names, notes)
        case While(condition, body):
            notes["a while loop is counted as one step: how many it makes is not known"] = None
            yield from _steps(condition, times, names, notes)
            yield from _steps(body, times, names, notes)
        case Branch(branches):
            notes["of branches the one with most operations is counted"] = None
            found = [tuple(_steps(b, times, names, notes)) for b in branches]
            yield from max(found, key=lambda steps: (sum([s.total.flops for s in steps]),
                                                     sum([s.total.bytes for s in steps])))
        case HostCall(args=args, outs=outs, name=name):
            notes["operations inside calls of Python are not counted"] = None
            yield KernelCost(f"host {name}", times, Cost(bytes=sum([a.nbytes for a in (*args, *outs)])))
        case Routine(args=args, outs=outs, name=name):
            notes["operations inside kernels written in WGSL are not counted"] = None
            yield KernelCost(f"routine {name}", times, Cost(bytes=sum([a.nbytes for a in (*args, *outs)])))


def own_peak(program: Program) -> int:
    """The most bytes that a program holds at one time beside its inputs (donated ones count until they are freed)."""
    live = {s: program.slots[s].nbytes for s in program.inputs if s in program.donated}
    given = sum(live.values())
    held = peak = given
    for step in program.steps:
        match step:
            case Alloc(slot):
                live[slot] = program.slots[slot].nbytes
                held += live[slot]
            case Free(slot):
                held -= live.pop(slot, 0)
            case Run(region, _, outs):
                for slot in outs:
                    live[slot] = program.slots[slot].nbytes
                    held += live[slot]
                peak = max(peak, held + _inner_peak(region))
            case Clear() | Copy() | Dispatch():
                pass
        peak = max(peak, held)
    return peak - given


def _inner_peak(region: Region) -> int:
    """The most that a region holds beside its arguments and results: carries are copied before the first step."""
    match region:
        case Loop(body, constants, carry):
            copied = body.inputs[constants: constants + carry]
            return own_peak(body) + sum([body.slots[s].nbytes for s in copied])
        case While(condition, body, _, constants):
            copied = body.inputs[constants:]
            return max(own_peak(condition), own_peak(body)) + sum([body.slots[s].nbytes for s in copied])
        case Branch(branches):
            return max([own_peak(b) for b in branches])
        case HostCall() | Routine():
            return 0


@dataclass(frozen=True, slots=True)
class MemoryStats:
    """Bytes that a compiled function needs, as scheduled; a device may round up and keep freed memory for later.

    argument   arrays that a call passes
    output     arrays that it returns
    alias      outputs that lie in the memory of donated arguments
    temp       the most that is held at one time beside arguments and outputs
    constant   arrays that the function closed over
    code       the text that was generated
    """

    argument_size_in_bytes: int
    output_size_in_bytes: int
    alias_size_in_bytes: int
    temp_size_in_bytes: int
    constant_size_in_bytes: int
    generated_code_size_in_bytes: int
    peak_memory_in_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        peak = (self.argument_size_in_bytes + self.output_size_in_bytes - self.alias_size_in_bytes
                + self.temp_size_in_bytes + self.constant_size_in_bytes)
        object.__setattr__(self, "peak_memory_in_bytes", peak)


def program_memory(program: Program, captured: int, code: int) -> MemoryStats:
    """The bytes of a program whose first `captured` inputs are arrays that the function closed over."""
    sizes = [program.slots[s].nbytes for s in program.inputs]
    results = set(program.outputs)
    inputs, donated = set(program.inputs), program.donated
    shared = sum([program.slots[s].nbytes for s in results & donated])
    own = sum([program.slots[s].nbytes for s in results - inputs])
    temp = max(0, own_peak(program) - own)
    output = sum([a.nbytes for a in program.out_avals])
    return MemoryStats(sum(sizes[captured:]), output, shared, temp, sum(sizes[:captured]), code)
