"""Arrays inside programs: what a rule of the user's, staged where nothing can be captured, took from outside."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lantern.dtypes import BOOL, I32
from lantern.lower import views
from lantern.lower.expr import Body, Ref, ScalarOp, row_major
from lantern.lower.kernel import HostCall, Kernel
from lantern.ops.build import AnyArray
from lantern.ops.pointwise import zero_tangents
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind1
from lantern.trace.primitive import Axis, Dims, Primitive, Structured, SubLowering, Value

SMALL = 32      # so many elements are selected by position in a kernel; more are handed over by the host


class Table:
    """A read-only array as a parameter: equal to another with the same bits and type."""

    __slots__ = ("aval", "hashed", "values")

    def __init__(self, values: AnyArray, aval: ShapedArray) -> None:
        self.values, self.aval = np.array(values), aval
        self.values.setflags(write=False)
        self.hashed = hash((aval, self.values.tobytes()))

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, Table) and self.aval == other.aval
                and self.values.tobytes() == other.values.tobytes())

    def __hash__(self) -> int:
        return self.hashed

    def __repr__(self) -> str:
        return str(self.aval)

    def __call__(self) -> Sequence[AnyArray]:
        """The array, as the one result of a function."""
        return [self.values]


def _abstract(*, table: Table) -> Sequence[ShapedArray]:
    return [table.aval]


def _impl(*, table: Table) -> Sequence[AnyArray]:
    return table()


def _batch(axis: Axis, args: Sequence[Value], dims: Dims, *, table: Table) -> tuple[Sequence[Value], Dims]:
    return [constant(table)], [None]


def _lower(avals: Sequence[ShapedArray], *, table: Table) -> Kernel:
    def emit(body: Body) -> Ref:
        dtype = table.aval.dtype
        place = body.const(0, I32)
        for k, stride in enumerate(row_major(table.aval.shape)):
            step = body.apply(ScalarOp.MUL, body.index(k), body.const(stride, I32), dtype=I32)
            place = body.apply(ScalarOp.ADD, place, step, dtype=I32)
        numbers = table.values.reshape(-1)
        found = body.const(numbers[0] if numbers.size else 0, dtype)
        for k in range(1, numbers.size):
            here = body.apply(ScalarOp.EQ, place, body.const(k, I32), dtype=BOOL)
            found = body.apply(ScalarOp.SELECT, here, body.const(numbers[k], dtype), found, dtype=dtype)
        return found

    return views.loop_nest([], table.aval, emit)


def _from_host(avals: Sequence[ShapedArray], lower: SubLowering, *, table: Table) -> HostCall:
    return HostCall(table, (), (table.aval.strong(),), "constant")


constant_p = Primitive("constant", _abstract, _impl, _lower, _batch, zero_tangents)
host_constant_p = Primitive("host_constant", _abstract, _impl, Structured(_from_host), _batch, zero_tangents)


def primitive_of(table: Table) -> Primitive:
    """Which of the two primitives gives this array."""
    return constant_p if table.aval.size <= SMALL else host_constant_p


def constant(table: Table) -> Value:
    """The array that a table holds."""
    primitive: Any = primitive_of(table)
    return bind1(primitive, table=table)
