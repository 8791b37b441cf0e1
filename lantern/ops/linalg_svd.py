"""svd: singular values and vectors."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lantern.dtypes import is_complex, real_dtype
from lantern.errors import NotDifferentiableError
from lantern.lower.kernel import Region
from lantern.ops.build import AnyArray
from lantern.ops.compare import eq, select
from lantern.ops.complex import real
from lantern.ops.elementwise import add, div, mul, sub
from lantern.ops.linalg_eigen import as_type
from lantern.ops.linalg_host import for_each, on_host, with_settings
from lantern.ops.linalg_parts import (
    adjoint,
    as_columns,
    as_rows,
    batched_in_front,
    check_matrix,
    diagonal_of,
    eye,
    matrices,
    off_diagonal,
    product,
)
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind, typeof
from lantern.trace.primitive import Primitive, Structured, SubLowering, Tangent, Value, Zero


def _abstract(a: ShapedArray, *, full: bool, vectors: bool) -> Sequence[ShapedArray]:
    check_matrix("svd", a, square=False)
    *lead, m, n = a.shape
    size = min(m, n)
    values = shaped((*lead, size), real_dtype(a.dtype))
    if not vectors:
        return [values]
    return [matrices(a, m, m if full else size), values, matrices(a, n if full else size, n)]


def _on_host(a: AnyArray, *, full: bool, vectors: bool) -> Sequence[AnyArray]:
    if not vectors:
        return [np.linalg.svd(a, compute_uv=False)]
    return np.linalg.svd(a, full_matrices=full)


def _impl(a: AnyArray, *, full: bool, vectors: bool) -> Sequence[AnyArray]:
    wide = a.astype(np.complex128 if is_complex(a.dtype) else np.float64)
    return for_each(with_settings(_on_host, full=full, vectors=vectors),
                    _abstract(typeof(a), full=full, vectors=vectors), wide)


def _region(avals: Sequence[ShapedArray], lower: SubLowering, *, full: bool, vectors: bool) -> Region:
    return on_host("svd", with_settings(_on_host, full=full, vectors=vectors), avals,
                   _abstract(*avals, full=full, vectors=vectors), lower)


def _jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *, full: bool,
         vectors: bool) -> Sequence[Tangent]:
    """With e = u^H da v: ds is e's diagonal, du = u (f (e s + s e^H)), dv = v (f (s e + e^H s)), f_ij = 1 / (s_j^2 -
    s_i^2), and what leaves the spaces that u and v span (Giles 2008, 3.2; Townsend 2016, "Differentiating the singular
    value decomposition"). Of equal singular values the vectors have no derivative: the result is then not finite, as in
    JAX."""
    da = tangents[0]
    if type(da) is Zero:
        return [Zero(typeof(x)) for x in outs]
    m, n = typeof(da).shape[-2:]
    if vectors and full and m != n:
        raise NotDifferentiableError(f"svd: the vectors past the singular values of {typeof(da)} are not determined by "
                                     "it, so they have no derivative. Use full_matrices=False")
    u, s, vh = outs if vectors else svd(primals[0])
    v, size = adjoint(vh), min(m, n)
    e = product(product(adjoint(u), da), v)
    ds = diagonal_of(real(e) if is_complex(typeof(e).dtype) else e)
    if not vectors:
        return [ds]
    down, across = as_columns(s, size), as_rows(s, size)
    apart = off_diagonal(mul(add(across, down), sub(across, down)), 1)
    f = as_type(off_diagonal(div(1, apart), 0), e)
    es, se = mul(e, as_type(across, e)), mul(as_type(down, e), e)
    du = mul(f, add(es, adjoint(es)))
    if is_complex(typeof(e).dtype):     # the phases of a pair are free together: u's takes what is imaginary
        du = add(du, _imaginary(e, s))
    du, dv = product(u, du), product(v, mul(f, add(se, adjoint(se))))
    if m > n:
        du = add(du, _outside(u, product(da, v), across_rows(s, m, e)))
    if n > m:
        dv = add(dv, _outside(v, product(adjoint(da), u), across_rows(s, n, e)))
    return [du, ds, adjoint(dv)]


def across_rows(s: Value, rows: int, like: Value) -> Value:
    """Singular values above each column, as numbers of `like`."""
    return as_type(as_rows(s, rows), like)


def _imaginary(e: Value, s: Value) -> Value:
    """The imaginary part of e's diagonal over s; zero where s is."""
    size = typeof(s).shape[-1]
    safe = select(eq(s, 0), 1, s)
    half = mul(sub(e, adjoint(e)), 0.5)
    diagonal = mul(half, eye(e, size, size))
    return div(diagonal, as_type(as_rows(safe, size), e))


def _outside(u: Value, moved: Value, s: Value) -> Value:
    """The part of da v that is orthogonal to u, over s."""
    return div(sub(moved, product(u, product(adjoint(u), moved))), s)


svd_p = Primitive("svd", _abstract, _impl, Structured(_region), batched_in_front(lambda: svd_p), _jvp)


def svd(a: Value, full: bool = False, vectors: bool = True) -> Sequence[Value]:
    """u, s, vh with a = u diag(s) vh, s in descending order, for matrices (..., m, n): min(m, n) vectors each, or all m
    and n if `full`. Only s, in a list, without `vectors`. Has no GPU kernel. A matrix with NaN gives NaN.

    Raises ShapeError for 16-bit floats or integers, NotDifferentiableError for derivatives of `full` vectors unless the
    matrix is square.

    >>> svd(np.float32([[3, 0], [0, -4]]), vectors=False)[0].tolist()
    [4.0, 3.0]
    """
    return bind(svd_p, a, full=full, vectors=vectors)
