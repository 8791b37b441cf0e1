"""The builder of elementwise primitives, and `add`, with which it sums tangents."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from lantern.lower import scalar, views
from lantern.lower.expr import Body, Const, DType, Ref, ScalarOp
from lantern.lower.kernel import Kernel
from lantern.ops.broadcast import front
from lantern.ops.build import NUMBERS, AnyArray, call, is_linear, same_type
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind1, typeof
from lantern.trace.jaxpr import Literal
from lantern.trace.primitive import Alias, Axis, Dims, JvpRule, Primitive, Tangent, TransposeRule, Value, Zero


class Scalars(Protocol):
    """What an elementwise operation is written in: the scalar language, on instructions (`Body`) or on NumPy arrays."""

    def const(self, value: object, dtype: DType, /) -> Any:
        """A number."""
        ...

    def apply(self, op: ScalarOp, *operands: Any, dtype: DType) -> Any:
        """One operation; `dtype` is that of the result."""
        ...


class OnArrays:
    """The scalar language evaluated at once, for `impl` rules."""

    def const(self, value: object, dtype: DType, /) -> AnyArray:
        """A number."""
        return np.asarray(Const.of(value, dtype).value)

    def apply(self, op: ScalarOp, *operands: AnyArray, dtype: DType) -> AnyArray:
        """One operation."""
        return scalar.apply(op, operands, dtype)


ON_ARRAYS = OnArrays()

# (scalars, dtype of the operands, *operands, **params) -> the value
Emit: TypeAlias = Callable[..., Any]
# (tangent, output, *operands) -> this operand's part of the output's tangent
Derivative: TypeAlias = (Callable[[Value, Value, Value], Value] | Callable[[Value, Value, Value, Value], Value] |
                         Callable[[Value, Value, Value, Value, Value], Value] | None)


def elementwise(name: str, emit: ScalarOp | Emit, derivs: Sequence[Derivative] = (), *,
                accepts: frozenset[DType] = NUMBERS, result: Callable[..., DType] | None = None,
                transpose: TransposeRule | None = None, lower: Alias | None = None,
                jvp: JvpRule | None = None) -> Primitive:
    """A primitive that works on each element alone. Operands: one dtype out of `accepts`, one shape or literals.

    emit       a scalar operation, or a function that writes several
    derivs     for each operand its part of the tangent; None where it is zero; empty if all are
    result     (dtype of the operands, **params) -> dtype of the output; the same dtype if not given
    transpose  for those that are linear in some operand
    """
    def abstract(*avals: ShapedArray, **params: Any) -> Sequence[ShapedArray]:
        found = same_type(name, avals, accepts)
        dtype = result(found.dtype, **params) if result else found.dtype
        return [found if dtype == found.dtype else shaped(found.shape, dtype)]

    def write(scalars: Scalars, dtype: DType, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        if isinstance(emit, ScalarOp):
            return scalars.apply(emit, *operands, dtype=result(dtype, **params) if result else dtype)
        return emit(scalars, dtype, *operands, **params)

    def impl(*operands: AnyArray, **params: Any) -> Sequence[AnyArray]:
        return [np.asarray(write(ON_ARRAYS, operands[0].dtype, operands, params))]

    def make_kernel(avals: Sequence[ShapedArray], **params: Any) -> Kernel:
        def emit_body(body: Body, refs: Sequence[Ref]) -> Ref:
            return write(body, avals[0].dtype, refs, params)

        return views.pointwise(avals, abstract(*avals, **params), emit_body)

    def batch(axis: Axis, args: Sequence[Value], dims: Dims, **params: Any) -> tuple[Sequence[Value], Dims]:
        fronted = [a if type(a) is Literal else front(a, d, axis.size) for a, d in zip(args, dims, strict=True)]
        return [bind1(primitive, *fronted, **params)], [0]

    primitive = Primitive(name, abstract, impl, lower or make_kernel, batch, jvp or sum_of_derivatives(derivs),
                          transpose=transpose)
    return primitive


def sum_of_derivatives(derivs: Sequence[Derivative]) -> JvpRule:
    """The rule for forward mode: what each operand with a tangent contributes, added up."""
    def jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent]) -> Sequence[Tangent]:
        total: Value = None
        for derivative, tangent in zip(derivs, tangents, strict=True):
            if derivative is not None and type(tangent) is not Zero:
                term = derivative(tangent, outs[0], *primals)
                total = term if total is None else add(total, term)
        return [Zero(typeof(outs[0])) if total is None else total]

    return jvp if derivs else zero_tangents


def zero_tangents(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent],
                  **params: Any) -> Sequence[Tangent]:
    """The rule of what is constant almost everywhere, or not made of floats."""
    return [Zero(typeof(y)) for y in outs]


def linear_in_each(*rules: Callable[[Value], Value]) -> TransposeRule:
    """Transposition of an operation that is linear in all its operands together: one rule an operand."""
    def transpose(cts: Sequence[Tangent], args: Sequence[Value]) -> Sequence[Value | None]:
        return [rule(cts[0]) if is_linear(a) else None for rule, a in zip(rules, args, strict=True)]

    return transpose


def _same(x: Value) -> Value:
    return x


add_p = elementwise("add", ScalarOp.ADD, [lambda g, z, x, y: g, lambda g, z, x, y: g],
                    transpose=linear_in_each(_same, _same))
neg_p = elementwise("neg", ScalarOp.NEG, [lambda g, z, x: neg(g)], transpose=linear_in_each(lambda ct: neg(ct)))


def add(x: Value, y: Value) -> Value:
    """x + y; integers wrap.

    >>> add(np.float32([1, 2]), 1).tolist()
    [2.0, 3.0]
    """
    return call(add_p, x, y)


def neg(x: Value) -> Value:
    """-x; integers wrap."""
    return call(neg_p, x)
