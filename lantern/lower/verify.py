"""What is legal in jaxprs, kernels, graphs and programs. Each checker raises InternalError: the fault is lantern's."""
from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from lantern.dtypes import BOOL, I32, complex_dtype, is_complex, is_float, real_dtype
from lantern.errors import InternalError
from lantern.lower.expr import COMPARISONS, Apply, Const, DType, Gather, Load, LoopIndex, Reduced, ReduceOp, ScalarOp
from lantern.lower.graph import Call, Graph, Node
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
    Target,
    While,
)
from lantern.lower.routine import Routine
from lantern.lower.schedule import in_place
from lantern.lower.tile import Affine, positions
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.jaxpr import Jaxpr, Literal

MAX_INSTRUCTIONS = 4096     # fusion stops far below; one equation alone may be long (threefry)

_FLOAT_ONLY = frozenset({
    ScalarOp.DIV, ScalarOp.SQRT, ScalarOp.RSQRT, ScalarOp.EXP, ScalarOp.EXPM1, ScalarOp.LOG, ScalarOp.LOG1P,
    ScalarOp.SIN, ScalarOp.COS, ScalarOp.TAN, ScalarOp.TANH, ScalarOp.ATAN2, ScalarOp.ERF, ScalarOp.ERFINV})
_INTEGER_ONLY = frozenset({ScalarOp.FLOORDIV, ScalarOp.SHL, ScalarOp.SHR})
_BITS = frozenset({ScalarOp.AND, ScalarOp.OR, ScalarOp.XOR, ScalarOp.NOT})
_ANYTHING = COMPARISONS | _BITS | {ScalarOp.MAX, ScalarOp.MIN, ScalarOp.ISNAN, ScalarOp.ISFINITE}
_UNARY = frozenset({
    ScalarOp.NEG, ScalarOp.ABS, ScalarOp.SIGN, ScalarOp.FLOOR, ScalarOp.CEIL, ScalarOp.ROUND, ScalarOp.SQRT,
    ScalarOp.RSQRT, ScalarOp.EXP, ScalarOp.EXPM1, ScalarOp.LOG, ScalarOp.LOG1P, ScalarOp.SIN, ScalarOp.COS,
    ScalarOp.TAN, ScalarOp.TANH, ScalarOp.ERF, ScalarOp.ERFINV, ScalarOp.NOT, ScalarOp.ISNAN, ScalarOp.ISFINITE,
    ScalarOp.CONVERT, ScalarOp.BITCAST, ScalarOp.REAL, ScalarOp.IMAG, ScalarOp.CONJ})
_COMPLEX = frozenset({
    ScalarOp.ADD, ScalarOp.SUB, ScalarOp.MUL, ScalarOp.DIV, ScalarOp.NEG, ScalarOp.ABS, ScalarOp.SIGN, ScalarOp.SQRT,
    ScalarOp.RSQRT, ScalarOp.EXP, ScalarOp.EXPM1, ScalarOp.LOG, ScalarOp.LOG1P, ScalarOp.SIN, ScalarOp.COS,
    ScalarOp.TAN, ScalarOp.TANH, ScalarOp.POW, ScalarOp.EQ, ScalarOp.NE, ScalarOp.ISNAN, ScalarOp.ISFINITE,
    ScalarOp.REAL, ScalarOp.IMAG, ScalarOp.CONJ})
_PARTS = frozenset({ScalarOp.ABS, ScalarOp.REAL, ScalarOp.IMAG})       # give a float of a complex number


_SCATTERS = (None, ReduceOp.SUM, ReduceOp.PROD, ReduceOp.MAX, ReduceOp.MIN)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise InternalError(f"internal: {message}")


def check_jaxpr(jaxpr: Jaxpr) -> None:
    """Variables are bound once and before their use, and have the shapes and dtypes of their abstract rules (inlining
    may change which of them are weak)."""
    bound = set(jaxpr.invars)
    for e in jaxpr.eqns:
        _require(all(isinstance(a, Literal) or a in bound for a in e.invars), f"{e.primitive} reads an unbound name")
        wanted = [a.strong() for a in e.primitive.abstract(*[a.aval for a in e.invars], **e.params)]
        _require(wanted == [v.aval.strong() for v in e.outvars],
                 f"{e.primitive} gives {', '.join(map(str, wanted))}, its variables say "
                 f"{', '.join([str(v.aval) for v in e.outvars])}")
        _require(bound.isdisjoint(e.outvars), f"{e.primitive} binds a variable twice")
        bound.update(e.outvars)
    _require(all(isinstance(a, Literal) or a in bound for a in jaxpr.outvars), "an output of a jaxpr is not bound")


def check_kernel(kernel: Kernel, target: Target | None = None) -> None:
    """References go backwards, operands have the dtypes that operations ask for, addresses stay in their buffers, every
    output is written, the target's limits hold."""
    reduced: dict[tuple[int, int], DType] = {}
    for number, stage in enumerate(kernel.stages):
        sizes = kernel.rows + stage.cols
        dtypes = _check_body(kernel, stage, sizes, reduced)
        for slot, r in enumerate(stage.reductions):
            _require(r.value < len(dtypes), "a reduction reads a later instruction")
            reduced[number, slot] = I32 if r.op in (ReduceOp.ARGMAX, ReduceOp.ARGMIN) else dtypes[r.value]
        for store in stage.stores:
            _check_store(kernel, store, sizes, dtypes)
    written = {s.out for stage in kernel.stages for s in stage.stores}
    _require(written == set(range(len(kernel.outs))), f"a kernel writes outputs {written} of {len(kernel.outs)}")
    dot = kernel.dot
    if dot is not None:
        _require(dot.batch + dot.m + dot.n == len(kernel.rows), "a matrix product's axes are not its rows")
        first = kernel.stages[0]
        _require([r.op for r in first.reductions] == [ReduceOp.SUM] and not first.stores,
                 "the first stage of a matrix product is more than one sum")
    if target is not None:
        buffers = len(kernel.args) + len(kernel.outs)
        _require(buffers <= target.max_buffers, f"{buffers} buffers in one kernel, of {target.max_buffers}")
        most = max([len(s.body) for s in kernel.stages])
        _require(most <= MAX_INSTRUCTIONS, f"{most} instructions in one stage")


def _check_body(kernel: Kernel, stage: Stage, sizes: tuple[int, ...],
                reduced: dict[tuple[int, int], DType]) -> list[DType]:
    dtypes: list[DType] = []
    empty = 0 in sizes
    _require(not stage.sources or len(stage.sources) == len(stage.body), "not one source an instruction")
    for instr in stage.body:
        match instr:
            case Const(dtype):
                dtypes.append(dtype)
            case LoopIndex(axis):
                _require(0 <= axis < len(sizes), f"index of axis {axis} of {len(sizes)}")
                dtypes.append(I32)
            case Load():
                _require(len(instr.strides) == len(sizes), f"{len(instr.strides)} strides over {len(sizes)} axes")
                _require(0 <= instr.arg < len(kernel.args), "a load from no argument")
                if not empty:
                    _check_load(instr, sizes, kernel.args[instr.arg])
                dtypes.append(kernel.args[instr.arg].dtype)
            case Gather(arg, index):
                _require(index < len(dtypes) and dtypes[index] == I32, "a gather's index is no earlier i32")
                dtypes.append(kernel.args[arg].dtype)
            case Reduced(number, slot):
                _require((number, slot) in reduced, f"reduction {slot} of stage {number} is not an earlier one")
                dtypes.append(reduced[number, slot])
            case Apply(op, operands, dtype):
                _require(all(x < len(dtypes) for x in operands), f"{op.value} reads a later instruction")
                _check_apply(op, [dtypes[x] for x in operands], dtype)
                dtypes.append(dtype)
    return dtypes


def _check_load(load: Load, sizes: tuple[int, ...], aval: ShapedArray) -> None:
    counts = list(sizes)
    _require(len({g.axis for g in load.guards}) == len(load.guards), "two guards on one axis")
    for guard in load.guards:
        _require(load.fill is not None and load.fill.dtype == aval.dtype, "a guarded load has no fill of its dtype")
        inside = [i for i in range(sizes[guard.axis])
                  if guard.start <= i < guard.stop and (i - guard.start) % guard.step == 0]
        if not inside:
            return
        counts[guard.axis] = min(positions(guard), (inside[-1] - guard.start) // guard.step + 1)
    _check_address(load.offset, load.strides, counts, aval)


def _check_address(offset: int, strides: tuple[int, ...], counts: Sequence[int], aval: ShapedArray) -> None:
    low, high = Affine(offset, strides).bounds(counts)
    _require(0 <= low <= high < aval.size, f"an access of elements {low} to {high} of {aval}")


def _check_apply(op: ScalarOp, operands: Sequence[DType], dtype: DType) -> None:
    count = 3 if op is ScalarOp.SELECT else 1 if op in _UNARY else 2
    _require(len(operands) == count, f"{op.value} of {len(operands)} operands")
    said = f"{op.value} of {', '.join(map(str, operands))} gives {dtype}"
    match op:
        case ScalarOp.CONVERT:
            return
        case ScalarOp.BITCAST:
            _require(operands[0].itemsize == dtype.itemsize, said)
            return
        case ScalarOp.SELECT:
            _require(operands[0] == BOOL and operands[1] == operands[2] == dtype, said)
            return
        case _:
            kind = operands[0]
    _require(all(x == kind for x in operands), said)
    gives = BOOL if op in COMPARISONS or op in (ScalarOp.ISNAN, ScalarOp.ISFINITE) else kind
    if is_complex(kind):
        _require(op in _COMPLEX and dtype == (real_dtype(kind) if op in _PARTS else gives), said)
        return
    if op is ScalarOp.COMPLEX:
        _require(is_float(kind) and dtype == complex_dtype(kind), said)
        return
    _require(dtype == gives, said)
    _require(op not in (ScalarOp.REAL, ScalarOp.IMAG, ScalarOp.CONJ), said)
    if op in _FLOAT_ONLY:
        _require(is_float(kind), said)
    if op in _INTEGER_ONLY:
        _require(kind.kind in "iu", said)
    if op in _BITS:
        _require(not is_float(kind), said)
    if op not in _ANYTHING:
        _require(kind != BOOL, said)


def _check_store(kernel: Kernel, store: Store | Scatter, sizes: tuple[int, ...], dtypes: Sequence[DType]) -> None:
    out = kernel.outs[store.out]
    _require(store.value < len(dtypes) and dtypes[store.value] == out.dtype, f"a store into {out} of another dtype")
    match store:
        case Scatter(_, index, _, keep, op, start):
            _require(dtypes[index] == I32 and dtypes[keep] == BOOL, "a scatter's index is i32 and its condition bool")
            _require(op in _SCATTERS, f"a scatter by {op}")
            if start is not None:
                first = kernel.args[start]
                _require(first.dtype == out.dtype and first.size == out.size, f"{out} starts as {first}")
        case Store(_, _, offset, strides):
            _require(len(strides) == len(sizes), f"{len(strides)} strides over {len(sizes)} axes")
            _require(math.prod(sizes) == out.size, f"{math.prod(sizes)} points store {out.size} elements")
            if out.size:
                _check_address(offset, strides, sizes, out)
                _require(len(set(_nonzero(strides, sizes))) == len(_nonzero(strides, sizes)), "an element stored twice")


def _nonzero(strides: Sequence[int], sizes: Sequence[int]) -> list[int]:
    return [s for s, n in zip(strides, sizes, strict=True) if n != 1]


def check_graph(graph: Graph, target: Target | None = None) -> None:
    """Every value is made once and before its use; kernels and regions are legal and fit the values they are given."""
    made = set(graph.inputs)
    for node in graph.nodes:
        _require(made.issuperset(node.args), f"a node reads values {set(node.args) - made}, which nobody made")
        _require(made.isdisjoint(node.outs) and len(set(node.outs)) == len(node.outs), "a value is made twice")
        made.update(node.outs)
        args, outs = [graph.values[v] for v in node.args], [graph.values[v] for v in node.outs]
        if isinstance(node, Node):
            check_kernel(node.kernel, target)
            _require(len(set(node.args)) == len(node.args), "a node binds one value twice")
            _check_bindings(node.kernel, args, outs)
        elif isinstance(node, Call):
            check_region(node.region, args, outs)
    _require(made.issuperset(graph.outputs), "an output is never made")


def _check_bindings(kernel: Kernel, args: Sequence[ShapedArray], outs: Sequence[ShapedArray]) -> None:
    for wanted, got in zip((*kernel.args, *kernel.outs), (*args, *outs), strict=True):
        _require(wanted.dtype == got.dtype and wanted.size == got.size, f"a kernel wants {wanted} and is given {got}")


def check_program(program: Program) -> None:
    """Slots have memory while they are used and are freed once; what is read was written; inputs are not written unless
    donated; an output shares an argument's slot only where that is safe; scatters add to cleared memory; regions and
    the programs in them are legal."""
    memory = set(program.inputs)
    written = set(program.inputs)
    protected = set(program.inputs) - program.donated
    ready: dict[int, int | None] = {}       # cleared, or filled with the elements of another slot
    for step in program.steps:
        match step:
            case Alloc(slot):
                _require(slot not in memory, f"slot {slot} is allocated twice")
                memory.add(slot)
            case Free(slot):
                _require(slot in memory and slot not in protected, f"slot {slot} is freed and was not the program's")
                memory.remove(slot)
                written.discard(slot)
            case Clear(slot):
                _require(slot in memory and slot not in protected, f"slot {slot} is cleared and not the program's")
                ready[slot] = None
            case Copy(slot, source):
                _require(slot in memory and slot not in protected, f"slot {slot} is filled and not the program's")
                _require(source in memory and source in written, f"slot {source} is copied before written")
                ready[slot] = source
            case Dispatch():
                _check_dispatch(program, step, memory, written, protected, ready)
                written.update(step.outs)
                ready = {k: v for k, v in ready.items() if k not in step.outs and v not in step.outs}
            case Run(region, args, outs):
                _require(written.issuperset(args), f"slots {args} are read before written")
                _require(memory.isdisjoint(outs) and len(set(outs)) == len(outs),
                         f"a region gives memory to slots {outs}, which have some")
                check_region(region, [program.slots[s] for s in args], [program.slots[s] for s in outs])
                memory.update(outs)
                written.update(outs)
    _require(written.issuperset(program.outputs), "an output is not written or was freed")
    for slot, aval in zip(program.outputs, program.out_avals, strict=True):
        got = program.slots[slot]
        _require(got.dtype == aval.dtype and got.size == aval.size, f"output {aval} lies in a slot of {got}")


def _check_dispatch(program: Program, step: Dispatch, memory: Collection[int], written: Collection[int],
                    protected: Collection[int], ready: Mapping[int, int | None]) -> None:
    kernel = step.kernel
    check_kernel(kernel)
    _check_bindings(kernel, [program.slots[s] for s in step.args], [program.slots[s] for s in step.outs])
    _require(all(s in memory and s in written for s in step.args), f"slots {step.args} are read before written")
    _require(all(s in memory and s not in protected for s in step.outs), f"slots {step.outs} may not be written")
    _require(len(set(step.outs)) == len(step.outs), "two outputs in one slot")
    for out, slot in enumerate(step.outs):
        if slot in step.args:
            _require(in_place(kernel, step.args.index(slot), out), f"slot {slot} is read and written at other places")
    for store in [s for stage in kernel.stages for s in stage.stores if isinstance(s, Scatter)]:
        slot, start = step.outs[store.out], None if store.start is None else step.args[store.start]
        _require(slot == start or ready.get(slot, -1) == start, "a scatter into memory that was not prepared for it")


def check_region(region: Region, args: Sequence[ShapedArray], outs: Sequence[ShapedArray]) -> None:
    """A region is given and gives what its programs take and give; those are legal, own what they may overwrite, and
    give different slots."""
    match region:
        case Loop():
            _check_loop(region, args, outs)
        case While():
            _check_while(region, args, outs)
        case Branch(branches):
            _require(bool(args) and args[0].dtype == I32 and args[0].size == 1, "a branch is chosen by no i32")
            _require(bool(branches), "there is no branch")
            for branch in branches:
                _fits("branch", branch, args[1:], outs)
                _check_inner("branch", branch, range(0))
        case HostCall() | Routine():
            _same("the arguments of a call", region.args, args)
            _same("the results of a call", region.outs, outs)
            _require(not outs or not isinstance(region, HostCall) or not region.deferred, "results may not wait")


def _check_loop(loop: Loop, args: Sequence[ShapedArray], outs: Sequence[ShapedArray]) -> None:
    body, kept = loop.body, loop.constants + loop.carry
    inputs = _avals(body, body.inputs)
    _require(loop.length >= 0 and kept <= len(inputs), "a loop of less than nothing")
    _same("the constants and the carry of a loop", inputs[:kept], args[:kept])
    _same("the last carry of a loop", inputs[loop.constants:kept], outs[:loop.carry])
    _same("the carry of a loop's body", inputs[loop.constants:kept], body.out_avals[:loop.carry])
    for what, wholes, rows in (("takes", args[kept:], inputs[kept:]),
                               ("makes", outs[loop.carry:], body.out_avals[loop.carry:])):
        _same(f"the rows that a loop {what}", [shaped((loop.length, a.size), a.dtype) for a in rows], wholes)
    _check_inner("loop", body, range(loop.constants, kept))
    _require(set(body.outputs[loop.carry:]).isdisjoint(body.inputs), "a row that a loop makes is an input of its body")


def _check_while(loop: While, args: Sequence[ShapedArray], outs: Sequence[ShapedArray]) -> None:
    first, kept = loop.condition_constants, loop.condition_constants + loop.body_constants
    _require(kept <= len(args), "a while with more constants than arguments")
    carry, predicate = args[kept:], loop.condition.out_avals
    _require(len(predicate) == 1 and predicate[0].dtype == BOOL and predicate[0].size == 1, "a condition gives no bool")
    _fits("condition", loop.condition, [*args[:first], *carry], predicate)
    _fits("while", loop.body, args[first:], carry)
    _same("the last carry of a while", outs, carry)
    _check_inner("condition", loop.condition, range(0))
    _check_inner("while", loop.body, range(loop.body_constants, loop.body_constants + len(carry)))


def _check_inner(what: str, program: Program, donated: range) -> None:
    """The program of a region overwrites what it owns, and its outputs are different slots of its own."""
    check_program(program)
    owned = frozenset([program.inputs[k] for k in donated])
    _require(program.donated == owned, f"{what}: it owns other inputs than its carry")
    _require(len(set(program.outputs)) == len(program.outputs), f"{what}: two outputs in one slot")
    _require((set(program.inputs) - program.donated).isdisjoint(program.outputs), f"{what}: an output is an input")


def _fits(what: str, program: Program, args: Sequence[ShapedArray], outs: Sequence[ShapedArray]) -> None:
    _same(f"the arguments of a {what}", _avals(program, program.inputs), args)
    _same(f"the results of a {what}", program.out_avals, outs)


def _avals(program: Program, slots: Sequence[int]) -> list[ShapedArray]:
    return [program.slots[s] for s in slots]


def _same(what: str, wanted: Sequence[ShapedArray], got: Sequence[ShapedArray]) -> None:
    alike = len(wanted) == len(got) and all(
        [a.dtype == b.dtype and a.size == b.size for a, b in zip(wanted, got, strict=True)])
    _require(alike, f"{what}: wanted {', '.join(map(str, wanted))}, given {', '.join(map(str, got))}")
