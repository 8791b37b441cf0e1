"""Comparisons, which give bools, and `select`, which chooses by them."""
from __future__ import annotations

from collections.abc import Sequence

from lantern.dtypes import BOOL
from lantern.errors import ShapeError
from lantern.lower import scalar, views
from lantern.lower.expr import Body, DType, Ref, ScalarOp
from lantern.lower.kernel import Kernel
from lantern.ops.broadcast import front, instantiate
from lantern.ops.build import (
    ANYTHING,
    INEXACT,
    MOVABLE,
    ORDERED,
    AnyArray,
    call,
    is_linear,
    listed,
    same_type,
    scalar_like,
)
from lantern.ops.pointwise import elementwise
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind1, typeof
from lantern.trace.jaxpr import PLAIN, Literal
from lantern.trace.primitive import Axis, Dims, Primitive, Tangent, Value, Zero


def _gives_bool(dtype: DType) -> DType:
    return BOOL


def _comparison(op: ScalarOp, accepts: frozenset[DType] = ANYTHING) -> Primitive:
    return elementwise(op.value, op, accepts=accepts, result=_gives_bool)


eq_p = _comparison(ScalarOp.EQ, MOVABLE)
ne_p = _comparison(ScalarOp.NE, MOVABLE)
lt_p = _comparison(ScalarOp.LT, ORDERED)
le_p = _comparison(ScalarOp.LE, ORDERED)
gt_p = _comparison(ScalarOp.GT, ORDERED)
ge_p = _comparison(ScalarOp.GE, ORDERED)
is_nan_p = elementwise("is_nan", ScalarOp.ISNAN, accepts=INEXACT, result=_gives_bool)
is_finite_p = elementwise("is_finite", ScalarOp.ISFINITE, accepts=INEXACT, result=_gives_bool)


def eq(x: Value, y: Value) -> Value:
    """x == y; NaN is not equal to itself, and -0.0 equals 0.0.

    >>> import numpy as np
    >>> eq(np.int32([1, 2]), 2).tolist()
    [False, True]
    """
    return call(eq_p, x, y)


def ne(x: Value, y: Value) -> Value:
    """x != y; true for two NaNs."""
    return call(ne_p, x, y)


def lt(x: Value, y: Value) -> Value:
    """x < y; false beside NaN. False is less than True."""
    return call(lt_p, x, y)


def le(x: Value, y: Value) -> Value:
    """x <= y; false beside NaN."""
    return call(le_p, x, y)


def gt(x: Value, y: Value) -> Value:
    """x > y; false beside NaN."""
    return call(gt_p, x, y)


def ge(x: Value, y: Value) -> Value:
    """x >= y; false beside NaN."""
    return call(ge_p, x, y)


def is_nan(x: Value) -> Value:
    """Whether each float is NaN."""
    return call(is_nan_p, x)


def is_finite(x: Value) -> Value:
    """Whether each float is neither infinite nor NaN."""
    return call(is_finite_p, x)


def _select_abstract(c: ShapedArray, x: ShapedArray, y: ShapedArray) -> Sequence[ShapedArray]:
    if c.dtype != BOOL:
        raise ShapeError(f"select: the condition must be bools, got {c}. Compare it with something first")
    found = same_type("select", (x, y), MOVABLE)
    shapes = {a.shape for a in (c, found) if a.shape}
    if len(shapes) > 1:
        raise ShapeError(f"select: operands must have one shape, got {listed([c, x, y])}. Broadcast them first")
    return [found.with_shape(shapes.pop() if shapes else ())]


def _select_impl(c: AnyArray, x: AnyArray, y: AnyArray) -> Sequence[AnyArray]:
    return [scalar.apply(ScalarOp.SELECT, [c, x, y], x.dtype)]


def _select_lower(avals: Sequence[ShapedArray]) -> Kernel:
    def emit(body: Body, refs: Sequence[Ref]) -> Ref:
        return body.apply(ScalarOp.SELECT, *refs, dtype=avals[1].dtype)

    return views.pointwise(avals, _select_abstract(*avals), emit)


def _select_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    dx, dy = [_or_number_zero(t) for t in tangents[1:]]
    if type(dx) is Literal and type(dy) is Literal:
        return [Zero(typeof(outs[0]))]
    if type(primals[0]) is Literal:     # then no operand of `select` would have the outputs' shape but the tangent
        return [instantiate(tangents[1]) if primals[0].value else instantiate(tangents[2])]
    return [bind1(select_p, primals[0], dx, dy)]


def _or_number_zero(t: Tangent) -> Value:
    return scalar_like("select", 0, t.aval) if type(t) is Zero else t


def _select_transpose(cts: Sequence[Tangent], args: Sequence[Value]) -> Sequence[Value | None]:
    c, x, y = args
    return [None, select(c, cts[0], 0) if is_linear(x) else None, select(c, 0, cts[0]) if is_linear(y) else None]


def _select_batch(axis: Axis, args: Sequence[Value], dims: Dims) -> tuple[Sequence[Value], Dims]:
    return [bind1(select_p, *[a if type(a) is Literal else front(a, d, axis.size)
                              for a, d in zip(args, dims, strict=True)])], [0]


select_p = Primitive("select", _select_abstract, _select_impl, _select_lower, _select_batch, _select_jvp,
                     transpose=_select_transpose)


def select(condition: Value, x: Value, y: Value) -> Value:
    """x where the condition holds, y elsewhere. Both are computed; no derivative flows to what was not chosen.

    Raises ShapeError unless the condition is made of bools and all arrays have one shape.

    >>> import numpy as np
    >>> select(np.array([True, False]), np.float32([1, 2]), 0).tolist()
    [1.0, 0.0]
    """
    plain_x, plain_y = type(x) in PLAIN, type(y) in PLAIN
    if plain_x:
        x = scalar_like("select", x, None if plain_y else typeof(y))
    if plain_y:
        y = scalar_like("select", y, typeof(x))
    return call(select_p, condition, x, y)
