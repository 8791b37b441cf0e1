"""cholesky: the lower triangle l with l l^H = a."""
from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from lantern.dtypes import F32, I32, is_complex
from lantern.lower.kernel import Region
from lantern.ops import linalg_wgsl as wgsl
from lantern.ops import shape as shapes
from lantern.ops.broadcast import front
from lantern.ops.build import AnyArray
from lantern.ops.compare import eq, select
from lantern.ops.elementwise import mul
from lantern.ops.linalg_blocks import cholesky_step, stepping
from lantern.ops.linalg_host import as_kernel, for_each
from lantern.ops.linalg_parts import batched_in_front, check_matrix, from_lower, product, triangle
from lantern.ops.linalg_triangular import triangular_solve
from lantern.ops.pointwise import zero_tangents
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind, bind1, typeof
from lantern.trace.jaxpr import Jaxpr, literal
from lantern.trace.primitive import (
    Axis,
    Dims,
    Primitive,
    Rewritten,
    Structured,
    SubLowering,
    Tangent,
    Value,
    Zero,
)
from lantern.trace.staging import trace_closed

LARGEST, BLOCK = 128, 64        # one workgroup a matrix; columns at once where they are larger


def _abstract(a: ShapedArray) -> Sequence[ShapedArray]:
    check_matrix("cholesky", a)
    return [a.strong()]


def _factor(a: AnyArray) -> list[AnyArray]:
    return [np.linalg.cholesky(a)]


def _on_host(a: AnyArray) -> list[AnyArray]:
    """NaN stands in the lower triangle alone, as on a GPU."""
    return [np.tril(x) for x in for_each(_factor, _abstract(typeof(a)), a)]


def _impl(a: AnyArray) -> Sequence[AnyArray]:
    wide = a.astype(np.complex128 if is_complex(a.dtype) else np.float64)
    return [x.astype(a.dtype) for x in _on_host(wide)]


def _blocks_abstract(a: ShapedArray, block: ShapedArray) -> Sequence[ShapedArray]:
    return [*_abstract(a), block]


def _blocks_impl(a: AnyArray, block: AnyArray) -> Sequence[AnyArray]:
    return [*_impl(a), block]


def _blocks_host(a: AnyArray, block: AnyArray) -> list[AnyArray]:
    return [*_on_host(a), block]


def _blocks_region(avals: Sequence[ShapedArray], lower: SubLowering) -> Region:
    count, n = math.prod(avals[0].shape[:-2]), avals[0].shape[-1]
    if n > LARGEST and lower.target.backend == "wgpu" and avals[0].dtype == F32 and count:
        return stepping(partial(cholesky_step, cholesky, BLOCK), avals, -(-n // BLOCK), lower, "cholesky")
    return as_kernel("cholesky", _blocks_host, wgsl.cholesky(count, n), avals, avals, lower)


def _blocks_batch(axis: Axis, args: Sequence[Value], dims: Dims) -> tuple[Sequence[Value], Dims]:
    return bind(cholesky_blocks_p, front(args[0], dims[0], axis.size), args[1]), [0, None]


# The number of the block is an operand: on a GPU large matrices are a loop, whose carry it is in.
cholesky_blocks_p = Primitive("cholesky_blocks", _blocks_abstract, _blocks_impl, Structured(_blocks_region),
                              _blocks_batch, zero_tangents)


def _rewritten(avals: Sequence[ShapedArray]) -> Jaxpr:
    def factor(a: Value) -> list[Value]:
        return [cholesky_blocks(a)]

    return trace_closed(factor, [avals[0].strong()], "cholesky")


def cholesky_blocks(a: Value) -> Value:
    """The factor, without a derivative."""
    return bind(cholesky_blocks_p, a, literal(0, I32))[0]


def _jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    """dl = l phi(l^-1 da l^-H), where phi takes the lower triangle and half the diagonal (Giles 2008, "Collected matrix
    derivative results"; I. Murray 2016, "Differentiation of the Cholesky decomposition", eq. 8)."""
    factor, da = outs[0], tangents[0]
    if type(da) is Zero:
        return [Zero(typeof(factor))]
    left = triangular_solve(factor, from_lower(da))
    both = triangular_solve(factor, left, left_side=False, transpose_a=True, conjugate_a=True)
    return [product(factor, _half(both))]


def _half(x: Value) -> Value:
    shape = typeof(x).shape
    row, column = (shapes.iota(np.dtype("int32"), shape, len(shape) - k) for k in (2, 1))
    return select(eq(row, column), mul(x, 0.5), triangle(x, True, -1))


cholesky_p = Primitive("cholesky", _abstract, _impl, Rewritten(_rewritten), batched_in_front(lambda: cholesky_p), _jvp)


def cholesky(a: Value) -> Value:
    """The lower triangle l with l l^H = a, of Hermitian positive definite matrices, of which only the lower triangles
    are read. Of a matrix that is not positive definite all elements of l on and below the diagonal are NaN.

    Raises ShapeError unless the last two sizes agree, and for 16-bit floats or integers.

    >>> cholesky(np.float32([[4, 0], [2, 2]])).tolist()
    [[2.0, 0.0], [1.0, 1.0]]
    """
    return bind1(cholesky_p, a)
