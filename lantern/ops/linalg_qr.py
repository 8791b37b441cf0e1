"""qr: an orthonormal basis and a triangle. The reflections are a kernel; what they make of it are matrix products."""
from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

import numpy as np

from lantern.dtypes import F32, I32, is_complex
from lantern.errors import NotDifferentiableError
from lantern.lower.kernel import Region
from lantern.ops import linalg_wgsl as wgsl
from lantern.ops import shape as shapes
from lantern.ops.broadcast import front, full
from lantern.ops.build import AnyArray
from lantern.ops.elementwise import mul, sub
from lantern.ops.linalg_blocks import reflections_step, stepping
from lantern.ops.linalg_host import as_kernel
from lantern.ops.linalg_parts import (
    adjoint,
    as_columns,
    batched_in_front,
    check_matrix,
    eye,
    matrices,
    product,
    real_diagonal,
    triangle,
)
from lantern.ops.linalg_triangular import triangular_solve
from lantern.ops.pointwise import add
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind, typeof
from lantern.trace.jaxpr import Jaxpr, literal
from lantern.trace.primitive import Axis, Dims, Primitive, Rewritten, Structured, SubLowering, Tangent, Value, Zero
from lantern.trace.staging import trace_closed

# On a GPU: the sizes of matrices up to which one workgroup does them whole; beyond, so many columns at once.
WIDEST, TALLEST, BLOCK = 64, 1024, 32


def _reflect_abstract(a: ShapedArray, factors: ShapedArray, block: ShapedArray) -> Sequence[ShapedArray]:
    check_matrix("qr", a, square=False)
    return [a.strong(), shaped((*a.shape[:-2], min(a.shape[-2:])), a.dtype), block]


def _reflect_host(a: AnyArray, factors: AnyArray, block: AnyArray) -> list[AnyArray]:
    """LAPACK's geqrf. NumPy gives its result as in Fortran, transposed."""
    if not a.size:
        return [np.array(a), np.zeros(factors.shape, a.dtype), block]
    found, factors = np.linalg.qr(a, mode="raw")
    return [np.swapaxes(found, -1, -2), factors, block]


def _wide(a: AnyArray) -> AnyArray:
    return a.astype(np.complex128 if is_complex(a.dtype) else np.float64)


def _reflect_impl(a: AnyArray, factors: AnyArray, block: AnyArray) -> Sequence[AnyArray]:
    return [*[x.astype(a.dtype) for x in _reflect_host(_wide(a), factors, block)[:2]], block]


def _reflect_region(avals: Sequence[ShapedArray], lower: SubLowering) -> Region:
    count, (m, n) = math.prod(avals[0].shape[:-2]), avals[0].shape[-2:]
    size = min(m, n)
    block = min(BLOCK if m <= TALLEST else BLOCK // 2, size)
    if size and (n > block) and (n > WIDEST or m > TALLEST) and lower.target.backend == "wgpu" and count and (
            avals[0].dtype == F32):
        return stepping(partial(reflections_step, reflections, block), avals, -(-size // block), lower, "qr")
    return as_kernel("qr", _reflect_host, wgsl.householder(count, m, n), avals, _reflect_abstract(*avals), lower)


def _reflect_batch(axis: Axis, args: Sequence[Value], dims: Dims) -> tuple[Sequence[Value], Dims]:
    fronted = [front(x, d, axis.size) for x, d in zip(args[:2], dims[:2], strict=True)]
    return bind(reflections_p, *fronted, args[2]), [0, 0, None]


def _reflect_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent]) -> NoReturn:
    raise NotDifferentiableError("reflections: the vectors of Householder's reflections have no derivative. Use qr, "
                                 "whose q and r have one")


reflections_p = Primitive("reflections", _reflect_abstract, _reflect_impl, Structured(_reflect_region),
                          _reflect_batch, _reflect_jvp)


def reflections(a: Value) -> tuple[Value, Value]:
    """Householder's reflections that make matrices (..., m, n) triangular: the triangle, with the vectors below it
    (their leading ones left out), and the factors (..., min(m, n)). LAPACK's geqrf, and its signs.

    >>> [x.tolist() for x in reflections(np.float32([[3.0], [4.0]]))]
    [[[-5.0], [0.5]], [1.600000023841858]]
    """
    aval = typeof(a)
    size = min(aval.shape[-2:]) if aval.ndim > 1 else 0
    start = full((*aval.shape[:-2], size), 0, aval.dtype)
    found, factors, _ = bind(reflections_p, a, start, literal(0, I32))
    return found, factors


def from_reflections(found: Value, factors: Value, columns: int) -> Value:
    """The first columns of the product of all reflections 1 - tau v v^H: 1 - V T V^H, with T = (1 + D S)^-1 D, where D
    is the diagonal of the factors and S what lies above the diagonal of V^H V (Joffrain et al. 2006, "Accumulating
    Householder transformations, revisited")."""
    m = typeof(found).shape[-2]
    size = typeof(factors).shape[-1]
    below = triangle(_columns(found, size), True, -1)
    v = add(below, eye(found, m, size))
    scaled = mul(as_columns(factors, size), triangle(product(adjoint(v), v), False, -1))
    first = _columns(adjoint(v), columns)
    t = triangular_solve(scaled, mul(as_columns(factors, columns), first), lower=False, unit_diagonal=True)
    return sub(eye(found, m, columns), product(v, t))


def _columns(x: Value, count: int) -> Value:
    shape = typeof(x).shape
    return x if shape[-1] == count else shapes.slice(x, [0] * len(shape), [*shape[:-1], count])


def _shapes(a: ShapedArray, full: bool) -> Sequence[ShapedArray]:
    check_matrix("qr", a, square=False)
    m, n = a.shape[-2:]
    inner = m if full else min(m, n)
    return [matrices(a, m, inner), matrices(a, inner, n)]


def _qr_abstract(a: ShapedArray, *, full: bool) -> Sequence[ShapedArray]:
    return _shapes(a, full)


def _qr_impl(a: AnyArray, *, full: bool) -> Sequence[AnyArray]:
    found = np.linalg.qr(_wide(a), mode="complete" if full else "reduced")
    return [x.astype(a.dtype) for x in found]


def _qr_rewritten(avals: Sequence[ShapedArray], *, full: bool) -> Jaxpr:
    def factors(a: Value) -> list[Value]:
        found, tau = reflections(a)
        inner = _shapes(avals[0], full)[0].shape[-1]
        shape = typeof(found).shape
        r = shapes.slice(triangle(found, False), [0] * len(shape), [*shape[:-2], inner, shape[-1]])
        return [from_reflections(found, tau, inner), r]

    return trace_closed(factors, [avals[0].strong()], "qr")


def _qr_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *,
            full: bool) -> Sequence[Tangent]:
    """With e = q^H da r^-1, and w = (e below the diagonal) - (its adjoint) + (the imaginary part of e's diagonal):
    dq = q (w - e) + da r^-1, dr = (e - w) r (Walter and Lehmann 2018, "Algorithmic differentiation of linear algebra
    functions"). Columns past the square follow: r2 = q^H a2."""
    da = tangents[0]
    if type(da) is Zero:
        return [Zero(typeof(x)) for x in outs]
    q, r = outs
    m, n = typeof(da).shape[-2:]
    if full and m > n:
        raise NotDifferentiableError(f"qr: the columns of q past those of {typeof(da)} are not determined by it, so "
                                     "they have no derivative. Use mode='reduced' (full_matrices=False)")
    if n > m:
        square, rest = _columns(r, m), _columns_from(da, m)
        dq, first = _square_jvp(q, square, _columns(da, m))
        second = add(product(product(adjoint(dq), q), _columns_from(r, m)), product(adjoint(q), rest))
        return [dq, shapes.concatenate([first, second], typeof(first).ndim - 1)]
    return list(_square_jvp(q, r, da))


def _square_jvp(q: Value, r: Value, da: Value) -> tuple[Value, Value]:
    right = triangular_solve(r, da, left_side=False, lower=False)
    e = product(adjoint(q), right)
    below = triangle(e, True, -1)
    w = sub(below, adjoint(below))
    if is_complex(typeof(e).dtype):
        w = add(w, sub(triangle(triangle(e, True), False), real_diagonal(e)))
    return add(product(q, sub(w, e)), right), product(sub(e, w), r)


def _columns_from(x: Value, start: int) -> Value:
    shape = typeof(x).shape
    return shapes.slice(x, [*[0] * (len(shape) - 1), start], shape)


qr_p = Primitive("qr", _qr_abstract, _qr_impl, Rewritten(_qr_rewritten), batched_in_front(lambda: qr_p), _qr_jvp)


def qr(a: Value, full: bool = False) -> tuple[Value, Value]:
    """q with orthonormal columns and the upper triangle r with a = q r, for matrices (..., m, n): min(m, n) columns,
    or m of them if `full`. The signs are LAPACK's: r's diagonal may be negative.

    Raises ShapeError for 16-bit floats or integers, NotDifferentiableError for derivatives of a full q of a matrix with
    more rows than columns.

    >>> [x.tolist() for x in qr(np.float32([[3.0], [4.0]]))]
    [[[-0.6000000238418579], [-0.800000011920929]], [[-5.0]]]
    """
    q, r = bind(qr_p, a, full=full)
    return q, r
