"""Kernels and programs built by hand, and how they are run on a device and in the emulator."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lantern.backends.wgpu import WgpuBackend
from lantern.lower.expr import Body, DType, ReduceOp, Ref, ScalarOp, row_major
from lantern.lower.kernel import Alloc, Clear, Dispatch, Dot, Kernel, Program, Reduction, Scatter, Stage, Store
from lantern.trace.aval import ShapedArray, shaped

F32, I32, U32, BOOL = [np.dtype(n) for n in ("float32", "int32", "uint32", "bool")]


def f32(*shape: int) -> ShapedArray:
    """A float32 aval."""
    return shaped(shape, F32)


def i32(*shape: int) -> ShapedArray:
    """An int32 aval."""
    return shaped(shape, I32)


def stage(rank: int, cols: tuple[int, ...], write: Callable[[Body], Ref], out: int | None = None,
          strides: tuple[int, ...] = (), reduce: ReduceOp | None = None) -> Stage:
    """One stage from a function that writes its body; it stores or reduces the value that this returns."""
    body = Body(rank)
    value = write(body)
    return Stage(cols, body.done(), () if reduce is None else (Reduction(reduce, value),),
                 () if out is None else (Store(out, value, 0, strides),))


def elementwise(avals: Sequence[ShapedArray], out: ShapedArray, write: Callable[[Body], Ref], name: str = "") -> Kernel:
    """A kernel over the output's shape."""
    return Kernel(tuple(avals), (out,), (), (stage(out.ndim, out.shape, write, 0, row_major(out.shape)),), name=name)


def operation(op: ScalarOp, avals: Sequence[ShapedArray], dtype: DType) -> Kernel:
    """One operation on vectors."""
    return elementwise(avals, shaped(avals[0].shape, dtype),
                       lambda b: b.apply(op, *[b.load(k, (1,)) for k in range(len(avals))], dtype=dtype), op.value)


def reduction(aval: ShapedArray, op: ReduceOp, axes: tuple[int, ...], name: str = "") -> Kernel:
    """A fold over some axes of an array."""
    kept = tuple(k for k in range(aval.ndim) if k not in axes)
    strides = row_major(aval.shape)
    rows, cols = tuple(aval.shape[k] for k in kept), tuple(aval.shape[k] for k in axes)
    order = tuple(strides[k] for k in kept + axes)
    out = shaped(rows, I32 if op.value.startswith("arg") else aval.dtype)
    first = stage(len(order), cols, lambda b: b.load(0, order), reduce=op)
    last = stage(len(rows), (), lambda b: b.reduced(0), 0, row_major(rows))
    return Kernel((aval,), (out,), rows, (first, last), name=name)


def softmax(rows: int, cols: int) -> Kernel:
    """Two folds and a store over the last axis of a matrix."""
    strides = (cols, 1)

    def shifted(b: Body) -> Ref:
        return b.apply(ScalarOp.EXP, b.apply(ScalarOp.SUB, b.load(0, strides), b.reduced(0), dtype=F32), dtype=F32)

    stages = (stage(2, (cols,), lambda b: b.load(0, strides), reduce=ReduceOp.MAX),
              stage(2, (cols,), shifted, reduce=ReduceOp.SUM),
              stage(2, (cols,), lambda b: b.apply(ScalarOp.DIV, shifted(b), b.reduced(1), dtype=F32), 0, strides))
    return Kernel((f32(rows, cols),), (f32(rows, cols),), (rows,), stages, name="softmax")


def product(batch: int, m: int, n: int, k: int, turned: tuple[bool, bool] = (False, False), dtype: DType = F32,
            bias: bool = False, scale: bool = False) -> Kernel:
    """A batched matrix product; `turned` operands are stored with their axes swapped. With `bias`, relu(a b + c), or
    a b + c of complex numbers."""
    left, right = ((k, m) if turned[0] else (m, k)), ((n, k) if turned[1] else (k, n))
    a, b, c = shaped((batch, *left), dtype), shaped((batch, *right), dtype), shaped((n,), dtype)
    a_strides = (m * k, 1, 0, m) if turned[0] else (m * k, k, 0, 1)
    b_strides = (k * n, 0, k, 1) if turned[1] else (k * n, 0, 1, n)

    def terms(body: Body) -> Ref:
        x, y = body.load(0, a_strides), body.load(1, b_strides)
        x = body.apply(ScalarOp.MUL, x, body.const(2, dtype), dtype=dtype) if scale else x
        return body.apply(ScalarOp.MUL, x, y, dtype=dtype)

    def finish(body: Body) -> Ref:
        if not bias:
            return body.reduced(0)
        total = body.apply(ScalarOp.ADD, body.reduced(0), body.load(2, (0, 0, 1)), dtype=dtype)
        return total if dtype.kind == "c" else body.apply(ScalarOp.MAX, total, body.const(0, dtype), dtype=dtype)

    rows = (batch, m, n)
    stages = (stage(4, (k,), terms, reduce=ReduceOp.SUM), stage(3, (), finish, 0, (m * n, n, 1)))
    return Kernel((a, b, c) if bias else (a, b), (shaped(rows, dtype),), rows, stages, Dot(1, 1, 1), "product")


def scatter(count: int, size: int, dtype: DType) -> Kernel:
    """Adds values at given positions, where positions are not negative."""
    body = Body(1)
    index, value = body.load(0, (1,)), body.load(1, (1,))
    keep = body.apply(ScalarOp.GE, index, body.const(0, I32), dtype=BOOL)
    only = Stage((count,), body.done(), (), (Scatter(0, index, value, keep),))
    return Kernel((i32(count), shaped((count,), dtype)), (shaped((size,), dtype),), (), (only,), name="scatter")


def program(kernel: Kernel) -> Program:
    """One launch, on memory of its own; what is added to is cleared first."""
    count = len(kernel.args)
    outs = tuple(range(count, count + len(kernel.outs)))
    added = {s.out for st in kernel.stages for s in st.stores if isinstance(s, Scatter)}
    steps = [Alloc(o) for o in outs] + [Clear(count + k) for k in sorted(added)]
    return Program(kernel.args + kernel.outs, tuple(range(count)), outs, kernel.outs,
                   (*steps, Dispatch(kernel, tuple(range(count)), outs)), name=kernel.name)


def run_program(backend: WgpuBackend, made: Program, args: Sequence[np.ndarray[Any, Any]]) -> list[Any]:
    """The outputs of a program on a device."""
    outs = backend.compile(made)([backend.write(x) for x in args])
    return [backend.read(buffer, aval) for buffer, aval in zip(outs, made.out_avals, strict=True)]


def run(backend: WgpuBackend, kernel: Kernel, *args: np.ndarray[Any, Any]) -> list[Any]:
    """The outputs of one kernel on a device."""
    return run_program(backend, program(kernel), args)
