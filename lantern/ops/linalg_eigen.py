"""eigh: eigenvalues and eigenvectors of Hermitian matrices; eig: of any square ones, as complex numbers."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lantern.dtypes import complex_dtype, is_complex, real_dtype
from lantern.lower.kernel import Region
from lantern.ops import shape as shapes
from lantern.ops.broadcast import reduce_sum
from lantern.ops.build import AnyArray
from lantern.ops.complex import complex, imag, real
from lantern.ops.convert import convert
from lantern.ops.elementwise import add, div, mul, sub
from lantern.ops.index import take_along_axis
from lantern.ops.linalg_host import for_each, on_host, with_settings
from lantern.ops.linalg_lu import solve
from lantern.ops.linalg_parts import (
    adjoint,
    as_columns,
    as_rows,
    batched_in_front,
    check_matrix,
    conjugated,
    diagonal_of,
    from_lower,
    off_diagonal,
    product,
)
from lantern.ops.reduce import argmax
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind, typeof
from lantern.trace.primitive import Primitive, Structured, SubLowering, Tangent, Value, Zero


def _wide(a: AnyArray) -> AnyArray:
    return a.astype(np.complex128 if is_complex(a.dtype) else np.float64)


def differences(w: Value) -> Value:
    """1 / (w_j - w_i), and 0 on the diagonal."""
    n = typeof(w).shape[-1]
    apart = off_diagonal(sub(as_rows(w, n), as_columns(w, n)), 1)
    return off_diagonal(div(1, apart), 0)


def as_type(x: Value, like: Value) -> Value:
    """Real numbers as those of `like`, which may be complex."""
    return convert(x, typeof(like).dtype)


def _eigh_abstract(a: ShapedArray) -> Sequence[ShapedArray]:
    check_matrix("eigh", a)
    return [shaped(a.shape[:-1], real_dtype(a.dtype)), a.strong()]


def _eigh_host(a: AnyArray) -> Sequence[AnyArray]:
    if not a.size:
        return [np.zeros(a.shape[:-1], a.real.dtype), np.array(a)]
    return np.linalg.eigh(a)


def _eigh_impl(a: AnyArray) -> Sequence[AnyArray]:
    return for_each(_eigh_host, _eigh_abstract(typeof(a)), _wide(a))


def _eigh_region(avals: Sequence[ShapedArray], lower: SubLowering) -> Region:
    return on_host("eigh", _eigh_host, avals, _eigh_abstract(*avals), lower)


def _eigh_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    """With e = v^H da v: dw is e's diagonal, dv = v (f e) with f_ij = 1 / (w_j - w_i) (Giles 2008, 3.1). Of equal
    eigenvalues the eigenvectors have no derivative: the result is then not finite, as in JAX."""
    if type(tangents[0]) is Zero:
        return [Zero(typeof(x)) for x in outs]
    w, v = outs
    e = product(product(adjoint(v), from_lower(tangents[0])), v)
    dw = diagonal_of(real(e) if is_complex(typeof(e).dtype) else e)
    return [dw, product(v, mul(as_type(differences(w), e), e))]


eigh_p = Primitive("eigh", _eigh_abstract, _eigh_impl, Structured(_eigh_region), batched_in_front(lambda: eigh_p),
                   _eigh_jvp)


def eigh(a: Value) -> tuple[Value, Value]:
    """Eigenvalues in ascending order (real), and eigenvectors as columns, of Hermitian matrices of which only the lower
    triangles are read. Has no GPU kernel. A matrix with NaN gives NaN.

    Raises ShapeError unless the last two sizes agree, and for 16-bit floats or integers.

    >>> eigh(np.float32([[0, 0], [2, 0]]))[0].tolist()
    [-2.0, 2.0]
    """
    w, v = bind(eigh_p, a)
    return w, v


def _eig_abstract(a: ShapedArray, *, left: bool, right: bool) -> Sequence[ShapedArray]:
    check_matrix("eig", a)
    dtype = complex_dtype(real_dtype(a.dtype))
    vectors = shaped(a.shape, dtype)
    return [shaped(a.shape[:-1], dtype), *[vectors] * (left + right)]


def _eig_host(a: AnyArray, *, left: bool, right: bool) -> list[AnyArray]:
    """The left eigenvectors of a are the rows of the inverse of the right ones, of length 1."""
    if not a.size:
        return [np.zeros(a.shape[:-1]), *[np.zeros(a.shape)] * (left + right)]
    if not left and not right:
        return [np.linalg.eigvals(a)]
    w, v = np.linalg.eig(a)
    if not left:
        return [w, v]
    rows = np.conj(np.swapaxes(np.linalg.inv(v), -1, -2))
    rows = rows / np.linalg.norm(rows, axis=-2, keepdims=True)
    place = np.argmax(np.abs(rows), axis=-2)[..., None, :]
    first = np.take_along_axis(rows, place, -2)
    rows = rows * (np.abs(first) / first)
    return [w, rows, v] if right else [w, rows]


def _eig_impl(a: AnyArray, *, left: bool, right: bool) -> Sequence[AnyArray]:
    return for_each(with_settings(_eig_host, left=left, right=right), _eig_abstract(typeof(a), left=left, right=right),
                    _wide(a))


def _eig_region(avals: Sequence[ShapedArray], lower: SubLowering, *, left: bool, right: bool) -> Region:
    return on_host("eig", with_settings(_eig_host, left=left, right=right), avals,
                   _eig_abstract(*avals, left=left, right=right), lower)


def _eig_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *, left: bool,
             right: bool) -> Sequence[Tangent]:
    """With e = v^-1 da v: dw is e's diagonal, dv = v (f e), f_ij = 1 / (w_j - w_i), and along v itself what keeps its
    length 1 and its largest element real (Giles 2008, 3.1; Boeddeker et al. 2017, "On the computation of complex-valued
    gradients with application to statistically optimum beamforming")."""
    if type(tangents[0]) is Zero:
        return [Zero(typeof(x)) for x in outs]
    a, da = (convert(x, typeof(outs[0]).dtype) for x in (primals[0], tangents[0]))
    w, v = outs[0], outs[-1] if right else eig(a)[-1]
    e = solve(v, product(da, v))
    found = [diagonal_of(e)]
    if left:
        u, back = outs[1], adjoint(da)
        found.append(_vectors_jvp(conjugated(w), u, solve(u, product(back, u))))
    if right:
        found.append(_vectors_jvp(w, v, e))
    return found


def _vectors_jvp(w: Value, v: Value, e: Value) -> Value:
    dv = product(v, mul(differences(w), e))
    rank, n = typeof(v).ndim, typeof(v).shape[-1]
    if n == 0:
        return dv
    longer = reduce_sum(real(mul(conjugated(v), dv)), (rank - 2,))
    size = add(mul(real(v), real(v)), mul(imag(v), imag(v)))
    place = argmax(size, rank - 2)
    largest = shapes.reshape(place, (*typeof(place).shape[:-1], 1, n))
    turned = [shapes.reshape(take_along_axis(x, largest, rank - 2), typeof(w).shape) for x in (imag(dv), real(v))]
    along = complex(longer, div(*turned))
    return sub(dv, mul(v, as_rows(along, n)))


eig_p = Primitive("eig", _eig_abstract, _eig_impl, Structured(_eig_region), batched_in_front(lambda: eig_p), _eig_jvp)


def eig(a: Value, *, left: bool = False, right: bool = True) -> tuple[Value, ...]:
    """Eigenvalues of any square matrices, in no order, then (as wanted) left and right eigenvectors as columns, of
    length 1 with a real largest element. All are complex. Has no GPU kernel. A matrix with NaN gives NaN.

    Raises ShapeError unless the last two sizes agree, and for 16-bit floats or integers.

    >>> sorted(eig(np.float32([[0, 1], [-1, 0]]))[0].tolist(), key=lambda z: z.imag)
    [-1j, 1j]
    """
    return tuple(bind(eig_p, a, left=left, right=right))
