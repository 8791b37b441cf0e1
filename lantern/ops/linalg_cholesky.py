"""cholesky: the lower triangle l with l l^H = a."""
from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lantern.dtypes import is_complex
from lantern.lower.kernel import Region
from lantern.ops import linalg_wgsl as wgsl
from lantern.ops import shape as shapes
from lantern.ops.build import AnyArray
from lantern.ops.compare import eq, select
from lantern.ops.elementwise import mul
from lantern.ops.linalg_host import as_kernel, for_each
from lantern.ops.linalg_parts import batched_in_front, check_matrix, from_lower, product, triangle
from lantern.ops.linalg_triangular import triangular_solve
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind1, typeof
from lantern.trace.primitive import Primitive, Structured, SubLowering, Tangent, Value, Zero


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


def _region(avals: Sequence[ShapedArray], lower: SubLowering) -> Region:
    written = wgsl.cholesky(math.prod(avals[0].shape[:-2]), avals[0].shape[-1])
    return as_kernel("cholesky", _on_host, written, avals, avals, lower)


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


cholesky_p = Primitive("cholesky", _abstract, _impl, Structured(_region), batched_in_front(lambda: cholesky_p), _jvp)


def cholesky(a: Value) -> Value:
    """The lower triangle l with l l^H = a, of Hermitian positive definite matrices, of which only the lower triangles
    are read. Of a matrix that is not positive definite all elements of l on and below the diagonal are NaN.

    Raises ShapeError unless the last two sizes agree, and for 16-bit floats or integers.

    >>> cholesky(np.float32([[4, 0], [2, 2]])).tolist()
    [[2.0, 0.0], [1.0, 1.0]]
    """
    return bind1(cholesky_p, a)
