"""Whole programs on the CPU backend: memory that is shared, donated, pooled and returned."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.backends.emulate import run_program
from lantern.backends.numpy import NumpyBackend
from lantern.backends.numpy.runtime import LARGE, Pool, block, executable, large, scatter_add
from lantern.dtypes import F32, F64
from lantern.lower import views
from lantern.lower.expr import Body, ScalarOp
from lantern.lower.kernel import Alloc, Dispatch, Free, Kernel, Program, Stage, Store
from lantern.trace.aval import shaped

BACKEND = NumpyBackend()
X = shaped((4, 3), F32)


class Holder:
    """Refers to a buffer as an array does."""

    def __init__(self, buffer: np.ndarray[Any, Any]) -> None:
        self.buffer = buffer


def unary(op: ScalarOp, aval: Any = X) -> Kernel:
    return views.pointwise([aval], aval, lambda body, refs: body.apply(op, *refs, dtype=aval.dtype))


def binary(op: ScalarOp, aval: Any = X) -> Kernel:
    return views.pointwise([aval, aval], aval, lambda body, refs: body.apply(op, *refs, dtype=aval.dtype))


def ones(shape: tuple[int, ...] = (4, 3)) -> np.ndarray[Any, Any]:
    return BACKEND.write(np.ones(shape, np.float32))


def test_a_chain_of_kernels() -> None:
    exp, add = unary(ScalarOp.EXP), binary(ScalarOp.ADD)
    steps = (Alloc(1), Dispatch(exp, (0,), (1,)), Alloc(2), Dispatch(exp, (1,), (2,)), Alloc(3),
             Dispatch(add, (1, 2), (3,)), Free(1), Free(2))
    program = Program((X,) * 4, (0,), (3, 0, 3), (X, shaped((12,), F32), shaped((2, 6), F32)), steps)
    x = ones()
    found, wanted = BACKEND.compile(program)([x]), run_program(program, [x])
    for f, w in zip(found, wanted, strict=True):
        np.testing.assert_allclose(f, w, 1e-5)
        assert f.shape == w.shape and not f.flags.writeable
    assert found[1].base is x


def test_results_are_fresh() -> None:
    program = Program((X, X), (0,), (1,), (X,), (Alloc(1), Dispatch(unary(ScalarOp.EXP), (0,), (1,))))
    run = BACKEND.compile(program)
    first = run([ones()])[0]
    before = first.copy()
    run([BACKEND.write(np.zeros((4, 3), np.float32))])
    np.testing.assert_array_equal(first, before)


def donating() -> Program:
    """exp, in place."""
    return Program((X,), (0,), (0,), (X,), (Dispatch(unary(ScalarOp.EXP), (0,), (0,)),), frozenset([0]))


def test_a_donated_array_is_overwritten() -> None:
    run = BACKEND.compile(donating())
    holder = Holder(ones())
    address = holder.buffer.ctypes.data
    found = run([holder.buffer])[0]
    assert found.ctypes.data == address and not found.flags.writeable
    np.testing.assert_allclose(found, np.e, 1e-6)


def test_a_donated_array_that_others_see_is_copied() -> None:
    run = BACKEND.compile(donating())
    holder = Holder(ones())
    seen = np.asarray(holder.buffer)
    part = ones()[1:]
    np.testing.assert_allclose(run([holder.buffer])[0], np.e, 1e-6)
    np.testing.assert_array_equal(seen, 1)
    view = Holder(part.base if isinstance(part.base, np.ndarray) else part)
    np.testing.assert_allclose(run([view.buffer])[0], np.e, 1e-6)
    np.testing.assert_array_equal(part, 1)


def test_a_donated_result_of_the_pool_is_overwritten() -> None:
    aval = shaped((LARGE // 4,), F32)
    exp = unary(ScalarOp.EXP, aval)
    make = BACKEND.compile(Program((aval, aval), (0,), (1,), (aval,), (Alloc(1), Dispatch(exp, (0,), (1,)))))
    again = BACKEND.compile(Program((aval,), (0,), (0,), (aval,), (Dispatch(exp, (0,), (0,)),), frozenset([0])))
    holder = Holder(make([np.zeros(aval.shape, np.float32)])[0])
    address = holder.buffer.ctypes.data
    assert again([holder.buffer])[0].ctypes.data == address
    shown = Holder(make([np.zeros(aval.shape, np.float32)])[0])
    part = shown.buffer[:1]
    assert again([shown.buffer])[0].ctypes.data != part.ctypes.data and part[0] == 1


def test_in_place_with_two_stores() -> None:
    """The first store lies on an argument that the second one still reads."""
    body = Body(1)
    x, y = body.load(0, (1,)), body.load(1, (1,))
    total = body.apply(ScalarOp.ADD, x, y, dtype=F32)
    product = body.apply(ScalarOp.MUL, x, y, dtype=F32)
    flat = shaped((12,), F32)
    stores = (Store(0, total, 0, (1,)), Store(1, product, 0, (1,)), Store(2, x, 0, (1,)), Store(3, y, 0, (1,)))
    kernel = Kernel((flat, flat), (flat,) * 4, (), (Stage((12,), body.done(), stores=stores),))
    fresh = tuple([Alloc(k) for k in (2, 3, 4, 5)])
    apart = Program((flat,) * 6, (0, 1), (2, 3, 4, 5), (flat,) * 4, (*fresh, Dispatch(kernel, (0, 1), (2, 3, 4, 5))))
    args = [BACKEND.write(np.arange(12, dtype=np.float32) + k) for k in (1, 5)]
    wanted = BACKEND.compile(apart)(args)
    for outs in ((0, 1, 2, 3), (1, 0, 2, 3), (2, 3, 1, 0), (2, 3, 0, 1), (0, 2, 1, 3)):
        steps = (Alloc(2), Alloc(3), Dispatch(kernel, (0, 1), outs))
        program = Program((flat,) * 4, (0, 1), outs, (flat,) * 4, steps, frozenset([0, 1]))
        found = BACKEND.compile(program)([a.copy() for a in args])
        for f, w in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(f, w)


def test_the_pool_uses_memory_again() -> None:
    pool = Pool(limit=40_000)
    first = pool.take(10_000)
    address = first.ctypes.data
    part = np.ndarray((10,), F64, first)[3:]
    second = pool.take(10_000)
    assert second.ctypes.data != address
    del first
    assert pool.take(10_000).ctypes.data != address         # `part` still lies there
    del part
    assert pool.take(10_000).ctypes.data == address
    assert pool.take(9_900).ctypes.data == address          # the same class of sizes


def test_the_pool_holds_no_more_than_its_limit() -> None:
    pool = Pool(limit=40_000)
    arrays = [pool.take(10_000) for _ in range(8)]
    assert pool.held <= 40_000
    del arrays
    pool.clear()
    assert pool.held == 0
    pool.take(30_000)
    pool.take(20_000)       # the first block had to go
    assert pool.held <= 40_000


def test_large_scratch_is_shared() -> None:
    """Two programs with large values in between hold no memory when they are not running."""
    aval = shaped((LARGE // 4 + 5,), F32)
    exp, add = unary(ScalarOp.TANH, aval), binary(ScalarOp.ADD, aval)
    steps = (Alloc(1), Dispatch(exp, (0,), (1,)), Alloc(2), Dispatch(add, (0, 1), (2,)), Free(1))
    program = Program((aval,) * 3, (0,), (2,), (aval,), steps)
    assert "pool.take" in BACKEND.source(program)
    x = np.full(aval.shape, 0.5, np.float32)
    for _ in range(2):
        np.testing.assert_allclose(BACKEND.compile(program)([x])[0], 0.5 + np.tanh(0.5), 1e-6)


def test_runtime_parts() -> None:
    assert block(0).size == 0
    assert large((2, 3), F32, 24).shape == (2, 3)
    calls: list[int] = []

    def make() -> Any:
        def run(arguments: Any) -> Any:
            calls.append(len(calls))
            return [inner(arguments)] if len(calls) < 3 else arguments
        return run

    inner = executable(make)
    assert inner([1]) == [[[1]]]        # re-entrant: each level has a frame of its own
    out = np.zeros(3, np.int32)
    scatter_add(out, np.array(1), np.array(5, np.int32), np.array(True))
    assert out.tolist() == [0, 5, 0]


def test_texts_show_the_statements() -> None:
    program = Program((X, X), (0,), (1,), (X,), (Alloc(1), Dispatch(unary(ScalarOp.EXP), (0,), (1,))))
    assert BACKEND.texts(program) == ("exp(a0, o0)",)


def test_views_of_layouts() -> None:
    """Matrices that are views of one buffer: nothing is copied for BLAS."""
    a, b = shaped((6, 4), F32), shaped((4, 6), F32)
    kernel = views.matrix_product(a, b, shaped((4, 4), F32), ((0,), (1,)))
    steps = (Alloc(2), Dispatch(kernel, (0, 1), (2,)))
    program = Program((a, b, shaped((4, 4), F32)), (0, 1), (2,), (shaped((4, 4), F32),), steps)
    text = BACKEND.texts(program)[0]
    assert "dot(v0, v1, o0)" in text and "block" not in BACKEND.source(program)
