"""Runs kernels and programs in NumPy, one instruction at a time over whole domains: slow and meant to be right.

It parts a lowering bug from a renderer's bug and needs no device. Every address is checked against its buffer; memory
that nobody wrote holds NaN or a pattern, so that reading it shows.
"""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from lantern.backends.base import Buffer, Executable
from lantern.dtypes import BOOL, is_float
from lantern.errors import InternalError
from lantern.lower.expr import Apply, Const, Gather, Instr, Load, LoopIndex, Reduced, ReduceOp
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
from lantern.lower.print import print_kernel, print_program
from lantern.lower.routine import Routine
from lantern.lower.scalar import apply, fold
from lantern.trace.aval import ShapedArray

AnyArray: TypeAlias = "np.ndarray[Any, Any]"
FOLDS: dict[ReduceOp, np.ufunc] = {ReduceOp.SUM: np.add, ReduceOp.PROD: np.multiply, ReduceOp.MAX: np.maximum,
                                   ReduceOp.MIN: np.minimum}


def run_kernel(kernel: Kernel, args: Sequence[AnyArray]) -> list[AnyArray]:
    """The kernel's outputs, in the shapes of its `outs`.

    Raises InternalError for an address outside its buffer.

    >>> from lantern.lower.expr import ReduceOp
    >>> from lantern.lower.views import reduction
    >>> from lantern.trace.aval import shaped
    >>> x, y = shaped((2, 3), np.dtype("float32")), shaped((2,), np.dtype("float32"))
    >>> run_kernel(reduction(x, y, ReduceOp.SUM, (1,)), [np.ones((2, 3), np.float32)])
    [array([3., 3.], dtype=float32)]
    """
    flat = [np.ascontiguousarray(x).reshape(-1) for x in args]
    scattered = {s.out: s.start for stage in kernel.stages for s in stage.stores if isinstance(s, Scatter)}
    outs = [_unwritten(a) for a in kernel.outs]
    for out, start in scattered.items():
        outs[out][:] = np.zeros((), outs[out].dtype) if start is None else flat[start]
    _launch(kernel, flat, outs)
    return [x.reshape(a.shape) for x, a in zip(outs, kernel.outs, strict=True)]


def run_program(program: Program, inputs: Sequence[AnyArray]) -> list[AnyArray]:
    """The program's outputs. Donated inputs are copied first, so the caller's arrays never change."""
    memory: dict[int, AnyArray] = {}
    for slot, x in zip(program.inputs, inputs, strict=True):
        memory[slot] = np.ascontiguousarray(x).reshape(-1).copy()
    for step in program.steps:
        match step:
            case Alloc(slot):
                memory[slot] = _unwritten(program.slots[slot])
            case Free(slot):
                del memory[slot]
            case Clear(slot):
                memory[slot][:] = np.zeros((), memory[slot].dtype)
            case Copy(slot, source):
                memory[slot][:] = memory[source]
            case Dispatch(kernel, args, outs):
                _launch(kernel, [memory[s] for s in args], [memory[s] for s in outs])
            case Run(region, args, outs):
                made = run_region(region, [memory[s].copy() for s in args])
                memory.update({s: np.array(x).reshape(-1) for s, x in zip(outs, made, strict=True)})
    return [memory[s].reshape(a.shape).copy() for s, a in zip(program.outputs, program.out_avals, strict=True)]


def run_region(region: Region, args: Sequence[AnyArray]) -> Sequence[AnyArray]:
    """The outputs of a region; its arguments are flat arrays."""
    match region:
        case Loop():
            return _run_loop(region, args)
        case While(condition, body, first, second):
            carry = list(args[first + second:])
            while bool(run_program(condition, [*args[:first], *carry])[0]):
                carry = run_program(body, [*args[first:first + second], *carry])
            return carry
        case Branch(branches):
            return run_program(branches[int(args[0][0])], args[1:])
        case HostCall(function=function, args=avals, outs=outs) | Routine(function=function, args=avals, outs=outs):
            given = [x.reshape(a.shape) for x, a in zip(args, avals, strict=True)]
            found = [np.asarray(x) for x in function(*given)]
            if [(x.shape, x.dtype) for x in found] != [(a.shape, a.dtype) for a in outs]:
                raise InternalError(f"internal: {region.name or 'a host call'} gave {found}, wanted {outs}")
            return found


def _run_loop(loop: Loop, args: Sequence[AnyArray]) -> list[AnyArray]:
    kept = loop.constants + loop.carry
    constants, carry = args[:loop.constants], list(args[loop.constants:kept])
    rows = [x.reshape(loop.length, x.size // max(1, loop.length)) for x in args[kept:]]
    made = [np.zeros((loop.length, a.size), a.dtype) for a in loop.body.out_avals[loop.carry:]]
    for step in reversed(range(loop.length)) if loop.reverse else range(loop.length):
        outs = run_program(loop.body, [*constants, *carry, *[x[step] for x in rows]])
        carry = outs[:loop.carry]
        for whole, row in zip(made, outs[loop.carry:], strict=True):
            whole[step] = row.reshape(-1)
    return [*carry, *made]


class EmulateBackend:
    """The emulator as a backend; `target` lets it stand in for another device's limits."""

    def __init__(self, target: Target | None = None) -> None:
        self._target = target or Target("emulate")

    @property
    def target(self) -> Target:
        """What lowering may rely on: anything, unless another device's target was given."""
        return self._target

    def write(self, array: AnyArray) -> Buffer:
        """A copy of the array."""
        return np.array(array)

    def read(self, buffer: Buffer, aval: ShapedArray) -> AnyArray:
        """A copy in the aval's shape."""
        return np.array(buffer).reshape(aval.shape)

    def compile(self, program: Program) -> Executable:
        """A function that walks the program."""
        def execute(buffers: Sequence[Buffer]) -> Sequence[Buffer]:
            return run_program(program, buffers)
        return execute

    def texts(self, program: Program) -> tuple[str, ...]:
        """The kernels' own texts: nothing else is rendered here."""
        return tuple([print_kernel(kernel) for kernel in program.kernels])

    def source(self, program: Program) -> str:
        """The program's own text."""
        return print_program(program)

    def wait(self) -> None:
        """Nothing is ever pending."""


def _unwritten(aval: ShapedArray) -> AnyArray:
    if is_float(aval.dtype):
        return np.full(aval.size, np.nan, aval.dtype)
    return np.full(aval.size, True if aval.dtype == BOOL else 0x55, aval.dtype)


def _launch(kernel: Kernel, args: Sequence[AnyArray], outs: Sequence[AnyArray]) -> None:
    reduced: dict[tuple[int, int], AnyArray] = {}
    for number, stage in enumerate(kernel.stages):
        domain = kernel.rows + stage.cols
        values = _body(stage, domain, len(kernel.rows), args, reduced)
        for slot, reduction in enumerate(stage.reductions):
            lines = values[reduction.value].reshape(*kernel.rows, math.prod(stage.cols))
            reduced[number, slot] = fold(reduction.op, lines)
        for store in stage.stores:
            match store:
                case Store(out, value, offset, strides):
                    place = _checked(_address(domain, offset, strides), outs[out].size)
                    outs[out][place] = values[value]
                case Scatter(out, index, value, keep, op):
                    kept = values[keep]
                    place = _checked(values[index][kept], outs[out].size)
                    if op is None:
                        outs[out][place] = values[value][kept]
                    else:
                        with np.errstate(all="ignore"):
                            FOLDS[op].at(outs[out], place, values[value][kept])


def _body(stage: Stage, domain: tuple[int, ...], row_axes: int, args: Sequence[AnyArray],
          reduced: Mapping[tuple[int, int], AnyArray]) -> list[AnyArray]:
    values: list[AnyArray] = []
    for instr in stage.body:
        found = _instr(instr, domain, row_axes, args, reduced, values)
        values.append(np.broadcast_to(found, domain))
    return values


def _instr(instr: Instr, domain: tuple[int, ...], row_axes: int, args: Sequence[AnyArray],
           reduced: Mapping[tuple[int, int], AnyArray], values: Sequence[AnyArray]) -> AnyArray:
    match instr:
        case Const():
            return np.asarray(instr.value)
        case LoopIndex(axis):
            return _position(domain, axis).astype(np.int32)
        case Load():
            return _load(instr, domain, args[instr.arg])
        case Gather(arg, index):
            return args[arg][_checked(values[index], args[arg].size)]
        case Reduced(number, slot):
            row = reduced[number, slot]
            return row.reshape(row.shape + (1,) * (len(domain) - row_axes))
        case Apply(op, operands, dtype):
            return apply(op, [values[k] for k in operands], dtype)


def _position(domain: tuple[int, ...], axis: int) -> AnyArray:
    return np.arange(domain[axis]).reshape([-1 if k == axis else 1 for k in range(len(domain))])


def _address(domain: tuple[int, ...], offset: int, strides: Sequence[int]) -> AnyArray:
    place = np.full((1,) * len(domain), offset)
    for axis, stride in enumerate(strides):
        place = place + _position(domain, axis) * stride
    return np.broadcast_to(place, domain)


def _load(load: Load, domain: tuple[int, ...], buffer: AnyArray) -> AnyArray:
    if not load.guards:
        return buffer[_checked(_address(domain, load.offset, load.strides), buffer.size)]
    inside = np.ones((1,) * len(domain), np.bool_)
    place = np.full((1,) * len(domain), load.offset)
    guards = {g.axis: g for g in load.guards}
    for axis, stride in enumerate(load.strides):
        position = _position(domain, axis)
        guard = guards.get(axis)
        if guard is not None:
            inside = inside & (position >= guard.start) & (position < guard.stop)
            inside = inside & ((position - guard.start) % guard.step == 0)
            position = (position - guard.start) // guard.step
        place = place + position * stride
    inside, place = np.broadcast_to(inside, domain), np.broadcast_to(place, domain)
    if load.fill is None:
        raise InternalError("internal: a guarded load has no fill")
    found = np.full(domain, load.fill.value, buffer.dtype)
    found[inside] = buffer[_checked(place[inside], buffer.size)]
    return found


def _checked(place: AnyArray, size: int) -> AnyArray:
    if place.size and (place.min() < 0 or place.max() >= size):
        raise InternalError(f"internal: an address in [{place.min()}, {place.max()}] outside a buffer of {size}")
    return place
