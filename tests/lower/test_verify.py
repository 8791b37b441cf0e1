"""The checkers refuse what is not legal."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lantern.dtypes import BOOL, F32, I32
from lantern.errors import InternalError
from lantern.lower.expr import Body, Const, Guard, Load, ReduceOp, Ref, ScalarOp
from lantern.lower.kernel import Dot, Kernel, Reduction, Stage, Store, Target
from lantern.lower.verify import check_jaxpr, check_kernel
from lantern.lower.views import loop_nest, pointwise, reduction
from lantern.ops import elementwise
from lantern.trace.aval import shaped
from lantern.trace.jaxpr import Eqn, Jaxpr, Var
from tests.lower.helpers import f32, trace

X = f32(2, 3)


def _made(emit: Callable[[Body], Ref]) -> Kernel:
    return loop_nest([X], f32(2, 3), emit)


BROKEN: dict[str, Callable[[], Kernel]] = {
    "elements 0 to 7": lambda: _made(lambda b: b.load(0, (3, 2))),
    "elements -1": lambda: _made(lambda b: b.load(0, (3, 1), -1)),
    "1 strides over 2 axes": lambda: Kernel((X,), (X,), (), (Stage((2, 3), (Load(0, 0, (1,)),), stores=(
        Store(0, 0, 0, (3, 1)),)),)),
    "index of axis 2": lambda: _made(lambda b: b.apply(ScalarOp.CONVERT, b.index(2), dtype=F32)),
    "gives float32": lambda: _made(lambda b: b.apply(ScalarOp.ADD, b.load(0, (3, 1)), b.const(1, I32), dtype=F32)),
    "of 1 operands": lambda: _made(lambda b: b.apply(ScalarOp.ADD, b.load(0, (3, 1)), dtype=F32)),
    "gives bool": lambda: _made(lambda b: b.apply(ScalarOp.NEG, b.const(True, BOOL), dtype=BOOL)),
    "not an earlier one": lambda: _made(lambda b: b.reduced(0)),
    "no earlier i32": lambda: _made(lambda b: b.gather(0, b.load(0, (3, 1)))),
    "fill": lambda: _made(lambda b: b.load(0, (3, 1), 0, (Guard(0, 0, 1),))),
    "two guards": lambda: _made(lambda b: b.load(0, (3, 1), 0, (Guard(0, 0, 1), Guard(0, 0, 2)), Const.of(0, F32))),
    "another dtype": lambda: _made(lambda b: b.index(0)),
    "stored twice": lambda: Kernel((), (shaped((2, 2), F32),), (), (Stage((2, 2), (Const.of(0, F32),), stores=(
        Store(0, 0, 0, (1, 1)),)),)),
    "writes outputs": lambda: Kernel((X,), (X,), (), (Stage((2, 3), (Const.of(0, F32),)),)),
}


@pytest.mark.parametrize("message", BROKEN)
def test_an_illegal_kernel(message: str) -> None:
    with pytest.raises(InternalError, match=message):
        check_kernel(BROKEN[message]())


def test_legal_kernels() -> None:
    check_kernel(pointwise([X, X], X, lambda b, refs: b.apply(ScalarOp.ADD, *refs, dtype=F32)))
    check_kernel(reduction(X, f32(2), ReduceOp.SUM, (1,)))
    empty = f32(0, 3)
    check_kernel(pointwise([empty], empty, lambda b, refs: refs[0]))


def test_too_many_buffers() -> None:
    kernel = pointwise([X] * 4, X, lambda b, refs: b.apply(ScalarOp.ADD, refs[0], refs[3], dtype=F32))
    with pytest.raises(InternalError, match="5 buffers in one kernel, of 4"):
        check_kernel(kernel, Target("few", max_buffers=4))


def test_a_matrix_product_must_be_one_sum() -> None:
    kernel = reduction(X, f32(2), ReduceOp.SUM, (1,))
    stage = kernel.stages[0]
    twice = Stage(stage.cols, stage.body, (*stage.reductions, Reduction(ReduceOp.MAX, 0)))
    check_kernel(Kernel(kernel.args, kernel.outs, kernel.rows, (twice, kernel.stages[1])))
    with pytest.raises(InternalError, match="more than one sum"):
        check_kernel(Kernel(kernel.args, kernel.outs, kernel.rows, (twice, kernel.stages[1]), Dot(0, 1, 0)))


def test_a_jaxpr_whose_variable_lies() -> None:
    jaxpr = trace(elementwise.exp, X)
    (eqn,) = jaxpr.eqns
    liar = Var(shaped((3, 2), np.dtype("float32")))
    broken = Jaxpr(jaxpr.invars, (Eqn(eqn.primitive, eqn.invars, eqn.params, (liar,), None),), (liar,))
    with pytest.raises(InternalError, match="exp gives"):
        check_jaxpr(broken)
    with pytest.raises(InternalError, match="not bound"):
        check_jaxpr(Jaxpr(jaxpr.invars, (), (liar,)))
