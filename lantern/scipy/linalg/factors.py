"""Factorisations and the solutions of linear systems that they give, under SciPy's names."""
from __future__ import annotations

from typing import Any

from lantern.dtypes import I32
from lantern.eager import one_program
from lantern.lax import linalg as lax
from lantern.lax.operands import ArrayLike, argument_error, common_shape, shape_error, stretch
from lantern.numpy import linalg
from lantern.numpy.creation import eye, tril, triu
from lantern.numpy.indexing import take_along_axis
from lantern.numpy.linalg.operands import adjoint, matrices, together
from lantern.numpy.linalg.results import EighResult
from lantern.numpy.logic import equal
from lantern.numpy.shaping import broadcast_to, expand_dims
from lantern.ops.convert import convert
from lantern.ops.linalg_triangular import triangular_solve
from lantern.ops.shape import iota
from lantern.trace.array import Array

TRANSPOSED = {0: (False, False), "N": (False, False), 1: (True, False), "T": (True, False), 2: (True, True),
              "C": (True, True)}


def _system(function: str, a: ArrayLike, b: ArrayLike) -> tuple[Array, Array, bool]:
    """A matrix and right-hand sides of one dtype and the same batches, and whether the sides are vectors."""
    x, y = together(function, a, b)
    matrices(function, x)
    vector = y.ndim == 1 or y.ndim == x.ndim - 1
    right = expand_dims(y, -1) if vector else y
    if right.ndim < 2 or right.shape[-2] != x.shape[-1]:
        raise shape_error(f"{function}: wanted right-hand sides with {x.shape[-1]} rows, got {x.aval} and {y.aval}")
    lead = common_shape(function, [x.shape[:-2], right.shape[:-2]], [x, y])
    return stretch(x, (*lead, *x.shape[-2:])), stretch(right, (*lead, *right.shape[-2:])), vector


def _plain(found: Array, vector: bool) -> Array:
    return found[..., 0] if vector else found


def _trans(function: str, trans: int | str) -> tuple[bool, bool]:
    if trans not in TRANSPOSED:
        raise argument_error(f"{function}: wanted trans 0 or 'N', 1 or 'T', 2 or 'C', got {trans!r}")
    return TRANSPOSED[trans]


@one_program(2)
def solve_triangular(a: ArrayLike, b: ArrayLike, trans: int | str = 0, lower: bool = False, unit_diagonal: bool = False,
                     overwrite_b: bool = False, debug: Any = None, check_finite: bool = True) -> Array:
    """x with a x = b for triangular matrices a (..., n, n), of which only the upper (`lower`: lower) triangle is read,
    and b (..., n) or (..., n, m). `trans`: 1 or "T" solves with the transpose, 2 or "C" with the adjoint.

    A kernel on a GPU. A zero on the diagonal gives infinities or NaN. Raises ShapeError where sizes do not agree.

    >>> import numpy as np
    >>> solve_triangular(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([2.0, 3.0]), lower=True).tolist()
    [1.0, 2.0]
    """
    x, y, vector = _system("solve_triangular", a, b)
    transposed, conjugated = _trans("solve_triangular", trans)
    return _plain(triangular_solve(x, y, lower=lower, transpose_a=transposed, conjugate_a=conjugated,
                                   unit_diagonal=unit_diagonal), vector)


@one_program(1)
def cholesky(a: ArrayLike, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """The upper triangle u with u^H u = a (`lower`: l with l l^H = a), of Hermitian positive definite matrices, of
    which only that triangle is read; NaN where one is not positive definite. A kernel on a GPU.

    >>> import numpy as np
    >>> cholesky(np.array([[4.0, 2.0], [2.0, 2.0]])).tolist()
    [[2.0, 1.0], [0.0, 1.0]]
    """
    x = matrices("cholesky", a)
    found = lax.cholesky(x if lower else adjoint(x), symmetrize_input=False)
    return found if lower else adjoint(found)


def cho_factor(a: ArrayLike, lower: bool = False, overwrite_a: bool = False,
               check_finite: bool = True) -> tuple[Array, bool]:
    """`(cholesky(a, lower), lower)`, as `cho_solve` takes it. Zeros stand in the other triangle.

    >>> import numpy as np
    >>> cho_factor(np.array([[4.0]]))[0].tolist()
    [[2.0]]
    """
    return cholesky(a, lower), lower


def cho_solve(c_and_lower: tuple[ArrayLike, bool], b: ArrayLike, overwrite_b: bool = False,
              check_finite: bool = True) -> Array:
    """x with a x = b, from `cho_factor(a)`; b is (..., n) or (..., n, m). Kernels on a GPU.

    >>> import numpy as np
    >>> cho_solve(cho_factor(np.array([[4.0]])), np.array([2.0])).tolist()
    [0.5]
    """
    factor, lower = c_and_lower
    return _cho_solve(factor, b, bool(lower))


@one_program(2)
def _cho_solve(factor: ArrayLike, b: ArrayLike, lower: bool) -> Array:
    c, y, vector = _system("cho_solve", factor, b)
    first: Array = triangular_solve(c, y, lower=lower, transpose_a=not lower, conjugate_a=not lower)
    return _plain(triangular_solve(c, first, lower=lower, transpose_a=lower, conjugate_a=lower), vector)


@one_program(2)
def solve(a: ArrayLike, b: ArrayLike, lower: bool = False, overwrite_a: bool = False, overwrite_b: bool = False,
          debug: bool = False, check_finite: bool = True, assume_a: str = "gen") -> Array:
    """x with a x = b, for square matrices a (..., n, n) and b (n,) or (..., n, m). `assume_a`: "gen", "sym" or "her"
    solve by LU; "pos" promises positive definite matrices, of which only the upper (`lower`: lower) triangle is read,
    and runs as kernels on a GPU.

    Raises ShapeError where sizes do not agree, ArgumentError for another assume_a.

    >>> import numpy as np
    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 2.0]), assume_a="pos").tolist()
    [1.0, 0.5]
    """
    if assume_a not in ("gen", "sym", "her", "pos"):
        raise argument_error(f"solve: wanted assume_a 'gen', 'sym', 'her' or 'pos', got {assume_a!r}")
    return _cho_solve(cholesky(a, lower), b, lower) if assume_a == "pos" else linalg.solve(a, b)


@one_program(1)
def lu(a: ArrayLike, permute_l: bool = False, overwrite_a: bool = False,
       check_finite: bool = True) -> tuple[Array, ...]:
    """p, l, u with a = p l u, of matrices (..., m, n): a permutation, ones on l's diagonal, and an upper triangle; or
    (p l, u) with `permute_l`.

    >>> import numpy as np
    >>> [x.tolist() for x in lu(np.array([[1.0, 1.0], [2.0, 4.0]]))]
    [[[0.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [0.5, 1.0]], [[2.0, 4.0], [0.0, -1.0]]]
    """
    x = matrices("lu", a, False)
    found, _, order = lax.lu(x)
    m, n = x.shape[-2:]
    size = n if n < m else m
    low = tril(found[..., :size], -1) + eye(m, size, dtype=x.dtype)
    rows = iota(I32, (m, m), 0)
    p = convert(equal(expand_dims(order, -2), rows), found.real.dtype)
    upper = triu(found[..., :size, :])
    return (convert(p, x.dtype) @ low, upper) if permute_l else (p, low, upper)


@one_program(1)
def lu_factor(a: ArrayLike, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Array, Array]:
    """l (its ones left out) and u in one array, and the row that each step swapped its own with, as `lu_solve` takes
    them.

    >>> import numpy as np
    >>> [x.tolist() for x in lu_factor(np.array([[1.0, 1.0], [2.0, 4.0]]))]
    [[[2.0, 4.0], [0.5, -1.0]], [1, 1]]
    """
    return lax.lu(matrices("lu_factor", a))[:2]


def lu_solve(lu_and_piv: tuple[ArrayLike, ArrayLike], b: ArrayLike, trans: int | str = 0, overwrite_b: bool = False,
             check_finite: bool = True) -> Array:
    """x with a x = b, from `lu_factor(a)`; b is (..., n) or (..., n, m). `trans`: 1 or "T" solves with the transpose,
    2 or "C" with the adjoint. Kernels on a GPU.

    >>> import numpy as np
    >>> lu_solve(lu_factor(np.array([[0.0, 2.0], [1.0, 0.0]])), np.array([4.0, 3.0])).tolist()
    [3.0, 2.0]
    """
    return _lu_solve(*lu_and_piv, b, trans)


@one_program(3)
def _lu_solve(factors: ArrayLike, pivots: ArrayLike, b: ArrayLike, trans: int | str) -> Array:
    found, y, vector = _system("lu_solve", factors, b)
    transposed, conjugated = _trans("lu_solve", trans)
    order = lax.lu_pivots_to_permutation(pivots, found.shape[-1])
    order = broadcast_to(expand_dims(order, -1), y.shape)
    if not transposed:
        left = triangular_solve(found, take_along_axis(y, order, -2), unit_diagonal=True)
        return _plain(triangular_solve(found, left, lower=False), vector)
    left = triangular_solve(found, y, lower=False, transpose_a=True, conjugate_a=conjugated)
    permuted: Array = triangular_solve(found, left, transpose_a=True, conjugate_a=conjugated, unit_diagonal=True)
    return _plain(take_along_axis(permuted, order.argsort(-2), -2), vector)


@one_program(1)
def qr(a: ArrayLike, overwrite_a: bool = False, lwork: Any = None, mode: str = "full", pivoting: bool = False,
       check_finite: bool = True) -> tuple[Array, ...]:
    """q and r with a = q r, of matrices (..., m, n): m columns (`mode` "full"), or min(m, n) ("economic"); (r,) alone
    with "r". A kernel on a GPU.

    Raises ArgumentError for another mode, and for `pivoting`, which there is not.

    >>> import numpy as np
    >>> qr(np.array([[3.0], [4.0]]), mode="r")[0].tolist()
    [[-5.0], [0.0]]
    """
    if mode not in ("full", "r", "economic"):
        raise argument_error(f"qr: wanted mode 'full', 'r' or 'economic', got {mode!r}")
    q, r = lax.qr(matrices("qr", a, False), pivoting=pivoting, full_matrices=mode != "economic")
    return (r,) if mode == "r" else (q, r)


def svd(a: ArrayLike, full_matrices: bool = True, compute_uv: bool = True, overwrite_a: bool = False,
        check_finite: bool = True, lapack_driver: str = "gesdd") -> Any:
    """u, s, vh, or s alone: `lantern.numpy.linalg.svd`.

    >>> import numpy as np
    >>> svd(np.array([[3.0, 0.0], [0.0, -4.0]]), compute_uv=False).tolist()
    [4.0, 3.0]
    """
    found = linalg.svd(a, full_matrices, compute_uv)
    return tuple(found) if compute_uv else found


@one_program(1)
def eigh(a: ArrayLike, b: None = None, lower: bool = True, eigvals_only: bool = False, overwrite_a: bool = False,
         overwrite_b: bool = False, turbo: bool = True, eigvals: None = None, type: int = 1,
         check_finite: bool = True) -> Any:
    """Eigenvalues (..., n), ascending, and eigenvectors as columns, of Hermitian matrices, of which only the lower
    triangle (or the upper one) is read; the values alone with `eigvals_only`.

    Raises ArgumentError for `b`, `eigvals` and other types than 1, which there are not.

    >>> import numpy as np
    >>> eigh(np.array([[0.0, 0.0], [2.0, 0.0]]), eigvals_only=True).tolist()
    [-2.0, 2.0]
    """
    if b is not None or eigvals is not None or type != 1:
        raise argument_error("eigh: there are no generalised problems and no ranges of eigenvalues",
                             "Factor b by cholesky, or take a slice of the result.")
    v, w = lax.eigh(matrices("eigh", a), lower=lower, symmetrize_input=False)
    return w if eigvals_only else EighResult(w, v)


def det(a: ArrayLike, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """The determinants of square matrices: `lantern.numpy.linalg.det`.

    >>> import numpy as np
    >>> det(np.array([[1.0, 2.0], [3.0, 4.0]])).item()
    -2.0
    """
    return linalg.det(a)


def inv(a: ArrayLike, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """The inverses of square matrices: `lantern.numpy.linalg.inv`.

    >>> import numpy as np
    >>> inv(np.array([[0.0, 2.0], [1.0, 0.0]])).tolist()
    [[0.0, 1.0], [0.5, 0.0]]
    """
    return linalg.inv(a)
