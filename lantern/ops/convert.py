"""Changes of dtype: of the number (`convert`), or of what its bits mean (`bitcast`)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lantern.dtypes import BOOL, KEY, is_inexact, no_numbers, short_name
from lantern.errors import ShapeError
from lantern.lower import scalar, views
from lantern.lower.expr import Body, DType, Ref, ScalarOp
from lantern.lower.kernel import Kernel
from lantern.ops.broadcast import front
from lantern.ops.build import AnyArray, as_operand, is_linear
from lantern.ops.pointwise import zero_tangents
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind1, typeof
from lantern.trace.jaxpr import Literal
from lantern.trace.primitive import Axis, Dims, Primitive, Tangent, Value, Zero


def _convert_abstract(x: ShapedArray, *, dtype: DType, weak: bool = False) -> Sequence[ShapedArray]:
    if x.dtype is not dtype and KEY in (x.dtype, dtype):
        raise no_numbers("convert", f"got {x} to become {short_name(dtype)}")
    return [shaped(x.shape, dtype, weak)]


def _convert_impl(x: AnyArray, *, dtype: DType, weak: bool = False) -> Sequence[AnyArray]:
    return [scalar.apply(ScalarOp.CONVERT, [x], dtype)]


def _convert_lower(avals: Sequence[ShapedArray], *, dtype: DType, weak: bool = False) -> Kernel:
    def emit(body: Body, refs: Sequence[Ref]) -> Ref:
        return views.convert(body, refs[0], avals[0].dtype, dtype)

    return views.pointwise(avals, avals[0].with_dtype(dtype), emit)


def _convert_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *, dtype: DType,
                 weak: bool = False) -> Sequence[Tangent]:
    if type(tangents[0]) is Zero or not is_inexact(dtype):
        return [Zero(typeof(outs[0]))]
    return [convert(tangents[0], dtype)]


def _convert_transpose(cts: Sequence[Tangent], args: Sequence[Value], *, dtype: DType,
                       weak: bool = False) -> Sequence[Value | None]:
    return [convert(cts[0], args[0].aval.dtype) if is_linear(args[0]) else None]


def _convert_batch(axis: Axis, args: Sequence[Value], dims: Dims, **params: Any) -> tuple[Sequence[Value], Dims]:
    return [bind1(convert_p, front(args[0], dims[0], axis.size), **params)], [0]


convert_p = Primitive("convert", _convert_abstract, _convert_impl, _convert_lower, _convert_batch, _convert_jvp,
                      transpose=_convert_transpose)


def convert(x: Value, dtype: DType, *, weak: bool = False) -> Value:
    """The numbers in another dtype, strongly typed unless `weak`. Floats become integers by truncation, saturate at the
    ends, and NaN becomes 0; integers wrap; bools are 0 and 1, and everything but zero is True. Complex numbers lose
    their imaginary part. Between floats and complex numbers it is differentiable.

    >>> import numpy as np
    >>> convert(np.float32([-1.5, 3e9]), np.dtype("int32")).tolist()
    [-1, 2147483647]
    """
    x = as_operand(x)
    aval = typeof(x)
    if aval.dtype == dtype and aval.weak == weak and type(x) is not Literal:
        return x
    return bind1(convert_p, x, dtype=dtype, weak=True) if weak else bind1(convert_p, x, dtype=dtype)


def _bitcast_abstract(x: ShapedArray, *, dtype: DType) -> Sequence[ShapedArray]:
    if x.dtype.itemsize != dtype.itemsize or BOOL in (x.dtype, dtype):
        raise ShapeError(f"bitcast: wanted another number of {8 * x.dtype.itemsize} bits, got {x} and "
                         f"{short_name(dtype)}. Use convert to change the width")
    return [x.with_dtype(dtype)]


def _bitcast_impl(x: AnyArray, *, dtype: DType) -> Sequence[AnyArray]:
    return [scalar.apply(ScalarOp.BITCAST, [x], dtype)]


def _bitcast_lower(avals: Sequence[ShapedArray], *, dtype: DType) -> Kernel:
    def emit(body: Body, refs: Sequence[Ref]) -> Ref:
        return body.apply(ScalarOp.BITCAST, refs[0], dtype=dtype)

    return views.pointwise(avals, avals[0].with_dtype(dtype), emit)


def _bitcast_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, dtype: DType) -> tuple[Sequence[Value], Dims]:
    return [bind1(bitcast_p, front(args[0], dims[0], axis.size), dtype=dtype)], [0]


bitcast_p = Primitive("bitcast", _bitcast_abstract, _bitcast_impl, _bitcast_lower, _bitcast_batch, zero_tangents)


def bitcast(x: Value, dtype: DType) -> Value:
    """The same bits read as another dtype of the same width. Its derivative is zero.

    Raises ShapeError if the widths differ, and for bools.

    >>> import numpy as np
    >>> hex(bitcast(np.float32([1.0]), np.dtype("uint32")).tolist()[0])
    '0x3f800000'
    """
    return bind1(bitcast_p, as_operand(x), dtype=dtype)
