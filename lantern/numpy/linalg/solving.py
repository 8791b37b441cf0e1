"""Linear systems: solve, inv, det, slogdet, pinv, lstsq, and their tensor forms."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lantern.custom_rules import custom_jvp
from lantern.dtypes import I32, is_complex, real_dtype
from lantern.eager import one_program
from lantern.lax import linalg as lax
from lantern.lax.operands import ArrayLike, argument_error, array, common_shape, inexact, shape_error, stretch
from lantern.numpy.arithmetic import abs, sign
from lantern.numpy.complex_numbers import conj, imag, real
from lantern.numpy.creation import eye, zeros
from lantern.numpy.indexing import diagonal, take_along_axis
from lantern.numpy.linalg.factors import eigvalsh, svdvals
from lantern.numpy.linalg.operands import adjoint, matrices, precision, together
from lantern.numpy.linalg.results import SlogdetResult
from lantern.numpy.logic import not_equal, where
from lantern.numpy.products import trace
from lantern.numpy.reductions import max, prod, sum
from lantern.numpy.shaping import expand_dims, moveaxis, reshape
from lantern.numpy.ufuncs import log
from lantern.ops.convert import convert
from lantern.ops.elementwise import stop_gradient
from lantern.ops.linalg_lu import lu as bind_lu
from lantern.ops.linalg_lu import solve as bind_solve
from lantern.ops.linalg_qr import reflections
from lantern.ops.linalg_triangular import triangular_solve
from lantern.ops.shape import iota
from lantern.trace.array import Array


@one_program(2)
def solve(a: ArrayLike, b: ArrayLike) -> Array:
    """x with a x = b, for square matrices a (..., n, n) and b (..., n, m), whose batches broadcast; only a b of rank 1
    is a vector (array API 2024.12).

    A singular matrix gives infinities or NaN. On a GPU the matrices are copied to the CPU; for positive definite ones
    `scipy.linalg.solve(assume_a="pos")` stays there. Raises ShapeError where sizes or batches do not agree.

    >>> import numpy as np
    >>> solve(np.array([[0.0, 2.0], [1.0, 0.0]]), np.array([4.0, 3.0])).tolist()
    [3.0, 2.0]
    """
    x, y = together("solve", a, b)
    matrices("solve", x)
    if y.ndim < 1 or y.shape[-1 if y.ndim == 1 else -2] != x.shape[-1]:
        raise shape_error(f"solve: wanted right-hand sides with {x.shape[-1]} rows, got {x.aval} and {y.aval}",
                          "Only a b of rank 1 is a vector; a stack of vectors needs an axis of size 1 behind.")
    vector = y.ndim == 1
    if vector:
        y = expand_dims(y, -1)
    lead = common_shape("solve", [x.shape[:-2], y.shape[:-2]], [x, y])
    found: Array = bind_solve(stretch(x, (*lead, *x.shape[-2:])), stretch(y, (*lead, *y.shape[-2:])))
    return found[..., 0] if vector else found


@one_program(1)
def inv(a: ArrayLike) -> Array:
    """The inverses of square matrices (..., n, n); infinities or NaN where a matrix is singular.

    On a GPU the matrices are copied to the CPU. Raises ShapeError unless the matrices are square.

    >>> import numpy as np
    >>> inv(np.array([[0.0, 2.0], [1.0, 0.0]])).tolist()
    [[0.0, 1.0], [0.5, 0.0]]
    """
    x = matrices("inv", a)
    return bind_solve(x, _identities(x))


def _identities(x: Array) -> Array:
    return stretch(eye(x.shape[-1], dtype=x.dtype), x.shape)


@one_program(1)
def det(a: ArrayLike) -> Array:
    """The determinants of square matrices (..., n, n): (...).

    Up to 3 x 3 a polynomial, which stays on a GPU; else by LU, for which the matrices are copied to the CPU. The
    derivative is that of the cofactors: it exists, too, for matrices of rank n - 1 whose last pivot is the zero. Raises
    ShapeError unless the matrices are square.

    >>> import numpy as np
    >>> det(np.array([[1.0, 2.0], [3.0, 4.0]])).item()
    -2.0
    """
    x = matrices("det", a)
    n = x.shape[-1]
    if n > 3:
        return _det(x)
    if n == 0:
        return stretch(array("det", 1).astype(x.dtype), x.shape[:-2])
    rows = [[x[..., i, j] for j in range(n)] for i in range(n)]
    return _expanded(rows)


def _expanded(rows: Sequence[Sequence[Array]]) -> Array:
    """By cofactors of the first row."""
    if len(rows) == 1:
        return rows[0][0]
    terms = [rows[0][k] * _expanded([[*row[:k], *row[k + 1:]] for row in rows[1:]]) for k in range(len(rows))]
    total = terms[0] - terms[1]
    return total if len(terms) == 2 else total + terms[2]


def _parity(pivots: Array, dtype: Any) -> Array:
    """1 for an even number of swaps, else -1."""
    swaps = sum(not_equal(pivots, iota(pivots.dtype, pivots.shape, pivots.ndim - 1)), -1)
    return convert(1 - 2 * (swaps % 2), dtype)


@custom_jvp
def _det(x: Array) -> Array:
    found, pivots, _ = bind_lu(x)
    return _parity(pivots, x.dtype) * prod(diagonal(found, 0, -2, -1), -1)


def _det_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    """tr(adj(x) dx) with p x = l u and adj(x) = det(p) adj(u) l^-1 p. The last pivot d of u may be zero: with u1 and c
    left and above it, adj(u) = det(u1) [[d u1^-1, -u1^-1 c], [0, 1]]."""
    (x,), (dx,) = primals, tangents
    found, pivots, order = bind_lu(x)
    parity = _parity(pivots, x.dtype)
    y: Array = triangular_solve(found, take_along_axis(dx, expand_dims(order, -1), -2), unit_diagonal=True)
    first, d = found[..., :-1, :-1], found[..., -1, -1]
    right: Array = triangular_solve(first, y[..., :-1, :-1], lower=False)
    above: Array = triangular_solve(first, found[..., :-1, -1:], lower=False)
    change = d * trace(right, 0, -2, -1) - sum(y[..., -1, :-1] * above[..., 0], -1) + y[..., -1, -1]
    minor = parity * prod(diagonal(first, 0, -2, -1), -1)
    return minor * d, minor * change


_det.defjvp(_det_jvp)


@one_program(1)
def slogdet(a: ArrayLike, *, method: str | None = None) -> SlogdetResult:
    """`SlogdetResult(sign, logabsdet)` of square matrices (..., n, n): the determinant is sign * exp(logabsdet); of a
    singular matrix 0 and -inf.

    `method`: "lu" (the default; on a GPU the matrices are copied to the CPU) or, for real matrices, "qr", which stays
    on a GPU. Raises ShapeError unless the matrices are square, ArgumentError for another method.

    >>> import numpy as np
    >>> slogdet(np.array([[1.0, 2.0], [3.0, 4.0]])).sign.item()
    -1.0
    """
    x = matrices("slogdet", a)
    if method not in (None, "lu", "qr") or (method == "qr" and is_complex(x.dtype)):
        raise argument_error(f"slogdet: wanted method 'lu', or 'qr' for real matrices, got {method!r} for {x.aval}")
    found, logarithm = (_slogdet_qr if method == "qr" else _slogdet_lu)(x)
    return SlogdetResult(found, logarithm)


def _of_triangle(found: Array, parity: Array) -> tuple[Array, Array]:
    values = diagonal(found, 0, -2, -1)
    return parity * prod(sign(values), -1), sum(log(abs(values)), -1)


@custom_jvp
def _slogdet_lu(x: Array) -> tuple[Array, Array]:
    found, pivots, _ = bind_lu(x)
    return _of_triangle(found, _parity(pivots, x.dtype))


def _slogdet_lu_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """The trace of x^-1 dx: its real part for the logarithm, its imaginary part turns the sign."""
    (x,), (dx,) = primals, tangents
    found, pivots, order = bind_lu(x)
    outs = _of_triangle(found, _parity(pivots, x.dtype))
    left = triangular_solve(found, take_along_axis(dx, expand_dims(order, -1), -2), unit_diagonal=True)
    return outs, _slope(outs[0], triangular_solve(found, left, lower=False))


def _slope(turn: Array, inverse_times: Array) -> tuple[Array, Array]:
    change = trace(inverse_times, 0, -2, -1)
    if not is_complex(change.dtype):
        return turn * 0, change
    return turn * (1j * imag(change)), real(change)


_slogdet_lu.defjvp(_slogdet_lu_jvp)


@custom_jvp
def _slogdet_qr(x: Array) -> tuple[Array, Array]:
    """Each reflection that is one turns the sign."""
    found, factors = reflections(x)
    return _of_triangle(found, prod(where(not_equal(factors, 0), -1, 1), -1).astype(x.dtype))


def _slogdet_qr_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    (x,), (dx,) = primals, tangents
    q, r = lax.qr(x)
    return _slogdet_qr(x), _slope(_slogdet_qr(x)[0], triangular_solve(r, adjoint(q) @ dx, lower=False))


_slogdet_qr.defjvp(_slogdet_qr_jvp)


@one_program(1)
def pinv(a: ArrayLike, rtol: ArrayLike | None = None, hermitian: bool = False, *,
         rcond: ArrayLike | None = None) -> Array:
    """The pseudo-inverses (..., n, m) of matrices (..., m, n), by singular values; those up to `rtol` (one number, or
    one a matrix; also called `rcond`) times the largest count as zero. By default rtol is 10 max(m, n) eps, as in JAX.

    Its derivative takes the rank as constant (Golub and Pereyra 1973, "The differentiation of pseudo-inverses and
    nonlinear least squares problems"). On a GPU the matrices are copied to the CPU. Raises ShapeError for rank below 2.

    >>> import numpy as np
    >>> pinv(np.array([[2.0, 0.0], [0.0, 0.0]])).tolist()
    [[0.5, 0.0], [0.0, 0.0]]
    """
    x = matrices("pinv", a, hermitian)
    if rtol is not None and rcond is not None:
        raise argument_error("pinv: rtol and rcond are two names of one argument", "Give one of them.")
    chosen = rtol if rtol is not None else rcond
    bound = inexact("pinv", 10 * _larger(x) * precision(x.dtype) if chosen is None else chosen)
    return _pinv(x, stop_gradient(convert(bound, real_dtype(x.dtype))))


def _larger(x: Array) -> int:
    """The larger size of the matrices."""
    return sorted(x.shape[-2:])[-1]


@custom_jvp
def _pinv(x: Array, bound: Array) -> Array:
    if not x.size:
        return zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)
    u, s, vh = lax.svd(x, full_matrices=False)
    kept = s > expand_dims(bound, -1) * s[..., :1]
    inverse = where(kept, 1 / where(kept, s, 1), 0)
    return adjoint(vh) @ (expand_dims(inverse, -1).astype(x.dtype) * adjoint(u))


def _pinv_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (x, bound), (dx, _) = primals, tangents
    p = _pinv(x, bound)
    ph, dxh = adjoint(p), adjoint(dx)
    across = p @ (ph @ (dxh - (dxh @ x) @ p))
    along = (dxh - p @ (x @ dxh)) @ (ph @ p)
    return p, across + along - p @ (dx @ p)


_pinv.defjvp(_pinv_jvp)


def lstsq(a: ArrayLike, b: ArrayLike, rcond: float | None = None, *,
          numpy_resid: bool = False) -> tuple[Array, Array, Array, Array]:
    """The x (n,) or (n, k) of least norm that makes |a x - b| least, for a (m, n) and b (m,) or (m, k); the sums of
    squares that remain (k,); the rank of a; and its singular values.

    Singular values up to `rcond` (default max(m, n) eps) times the largest count as zero. With `numpy_resid` the sums
    are left out, as NumPy does, where the rank is below n or m <= n; this needs a's value. On a GPU the matrices are
    copied to the CPU. Raises ShapeError where shapes do not agree.

    >>> import numpy as np
    >>> lstsq(np.array([[1.0], [1.0]]), np.array([1.0, 3.0]))[0].round(3).tolist()
    [2.0]
    """
    x, y = together("lstsq", a, b)
    if x.ndim != 2 or y.ndim not in (1, 2) or y.shape[0] != x.shape[0]:
        raise shape_error(f"lstsq: wanted a matrix (m, n) and right-hand sides (m,) or (m, k), got {x.aval} and "
                          f"{y.aval}", "Use lantern.vmap for stacks of matrices.")
    m, n = x.shape
    bound = precision(x.dtype) * _larger(x) if rcond is None else rcond
    s = svdvals(x)
    rank = sum(s > bound * s[:1]) if s.size else array("lstsq", 0)
    found = pinv(x, bound) @ y
    rest = y - x @ found
    squares = sum(real(rest * conj(rest)), 0)
    squares = reshape(squares, (-1,))
    if numpy_resid and (m <= n or int(rank) < n):
        squares = squares[:0]
    return found, squares, rank, s


@one_program(2)
def matrix_rank(M: ArrayLike, rtol: ArrayLike | None = None, *, hermitian: bool = False,
                tol: ArrayLike | None = None) -> Array:
    """How many singular values of matrices (..., m, n) are above `rtol` times the largest (default max(m, n) eps), or
    above `tol`: i32 (...). Of a vector or a number: whether any element is not zero.

    On a GPU the matrices are copied to the CPU. `hermitian` promises that M is Hermitian.

    >>> import numpy as np
    >>> matrix_rank(np.ones((3, 3))).item()
    1
    """
    x = inexact("matrix_rank", M)
    if x.ndim < 2:
        return convert(sum(not_equal(x, 0)) > 0, I32)
    x = matrices("matrix_rank", x, hermitian)
    s = abs(eigvalsh(x)) if hermitian else svdvals(x)
    if not s.shape[-1]:
        return convert(sum(s, -1), I32)
    if tol is not None:
        bound = inexact("matrix_rank", tol)
    else:
        largest = max(s, -1)
        bound = largest * (precision(x.dtype) * _larger(x) if rtol is None else rtol)
    return sum(s > expand_dims(bound, -1), -1, I32)


@one_program(1)
def tensorinv(a: ArrayLike, ind: int = 2) -> Array:
    """The inverse of a as a map from its last axes to its first `ind`, whose sizes have one product: the last axes come
    first.

    Raises ShapeError unless the products agree, ArgumentError unless 0 < ind.

    >>> import numpy as np
    >>> tensorinv(np.eye(4).reshape(2, 2, 4)).shape
    (4, 2, 2)
    """
    x = inexact("tensorinv", a)
    if ind <= 0:
        raise argument_error(f"tensorinv: wanted a positive ind, got {ind}")
    first, last = x.shape[:ind], x.shape[ind:]
    if math.prod(first) != math.prod(last):
        raise shape_error(f"tensorinv: the product of the first {ind} sizes must be that of the others, got {x.aval}")
    return reshape(inv(reshape(x, (math.prod(first), -1))), (*last, *first))


@one_program(2)
def tensorsolve(a: ArrayLike, b: ArrayLike, axes: Sequence[int] | None = None) -> Array:
    """x with tensordot(a, x, x.ndim) = b. `axes` of a are moved to the end first.

    Raises ShapeError unless the sizes of a behind those of b have the same product.

    >>> import numpy as np
    >>> tensorsolve(np.eye(4).reshape(2, 2, 4), np.ones((2, 2))).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    x, y = together("tensorsolve", a, b)
    if axes is not None:
        x = moveaxis(x, tuple(axes), tuple(range(x.ndim - len(axes), x.ndim)))
    shape = x.shape[y.ndim:]
    if math.prod(shape) != y.size or x.size != y.size * y.size:
        raise shape_error(f"tensorsolve: the sizes of a behind those of b must have the product {y.size}, got {x.aval} "
                          f"and {y.aval}")
    return reshape(solve(reshape(x, (y.size, y.size)), reshape(y, (-1,))), shape)
