"""Factorisations: cholesky, qr, eigenvalues, singular values."""
from __future__ import annotations

from typing import Any

from lantern.eager import one_program
from lantern.lax import linalg as lax
from lantern.lax.operands import ArrayLike, argument_error, array
from lantern.numpy.arithmetic import abs
from lantern.numpy.indexing import take_along_axis
from lantern.numpy.linalg.operands import adjoint, matrices, transposed
from lantern.numpy.linalg.results import EighResult, EigResult, QRResult, SVDResult
from lantern.numpy.logic import where
from lantern.numpy.shaping import expand_dims
from lantern.numpy.sorting import argsort
from lantern.ops.linalg_eigen import eig as bind_eig
from lantern.ops.linalg_qr import qr as bind_qr
from lantern.ops.linalg_qr import reflections
from lantern.trace.array import Array


@one_program(1)
def cholesky(a: ArrayLike, *, upper: bool = False, symmetrize_input: bool = True) -> Array:
    """The lower triangle l with l l^H = a (or the upper one u with u^H u = a), of Hermitian positive definite matrices
    (..., n, n).

    With `symmetrize_input` a is replaced by (a + a^H) / 2. A matrix that is not positive definite gives NaN in its
    triangle. A kernel on a GPU. Raises ShapeError unless the matrices are square.

    >>> import numpy as np
    >>> cholesky(np.array([[4.0, 2.0], [2.0, 2.0]])).tolist()
    [[2.0, 0.0], [1.0, 1.0]]
    """
    x = matrices("cholesky", a)
    if upper and not symmetrize_input:
        x = adjoint(x)
    found = lax.cholesky(x, symmetrize_input=symmetrize_input)
    return adjoint(found) if upper else found


@one_program(1)
def qr(a: ArrayLike, mode: str = "reduced") -> Any:
    """`QRResult(Q, R)` of matrices (..., m, n): orthonormal columns and an upper triangle with a = Q R, min(m, n)
    columns, or m with mode="complete". mode="r" gives R alone, "raw" the transposed reflections and their factors.

    The signs are LAPACK's: R's diagonal may be negative. A kernel on a GPU. Derivatives need mode="reduced" (or
    m <= n), and the first min(m, n) columns independent. Raises ShapeError for rank below 2, ArgumentError for another
    mode.

    >>> import numpy as np
    >>> qr(np.array([[3.0], [4.0]])).R.tolist()
    [[-5.0]]
    """
    x = matrices("qr", a, False)
    if mode == "raw":
        found, factors = reflections(x)
        return QRResult(transposed(found), factors)
    if mode not in ("reduced", "complete", "full", "r"):
        raise argument_error(f"qr: wanted mode 'reduced', 'complete', 'r' or 'raw', got {mode!r}")
    q, r = bind_qr(x, mode in ("complete", "full"))
    return r if mode == "r" else QRResult(q, r)


@one_program(1)
def eigh(a: ArrayLike, UPLO: str | None = None, symmetrize_input: bool = True) -> EighResult:
    """`EighResult(eigenvalues, eigenvectors)` of Hermitian matrices (..., n, n): real values in ascending order,
    vectors as columns.

    With `symmetrize_input` a is replaced by (a + a^H) / 2; without, `UPLO` ("L" or "U") says which triangle is read. Of
    equal eigenvalues the vectors have no derivative (it is NaN); the values' is finite. On a GPU the matrices are
    copied to the CPU. Raises ShapeError unless the matrices are square, ArgumentError for another UPLO.

    >>> import numpy as np
    >>> eigh(np.array([[0.0, 2.0], [2.0, 0.0]])).eigenvalues.tolist()
    [-2.0, 2.0]
    """
    lower = _is_lower("eigh", UPLO)
    v, w = lax.eigh(matrices("eigh", a), lower=lower, symmetrize_input=symmetrize_input)
    return EighResult(w, v)


def _is_lower(function: str, UPLO: str | None) -> bool:
    if UPLO not in (None, "L", "U", "l", "u"):
        raise argument_error(f"{function}: wanted UPLO 'L' or 'U', got {UPLO!r}")
    return UPLO not in ("U", "u")


@one_program(1)
def eigvalsh(a: ArrayLike, UPLO: str | None = "L", *, symmetrize_input: bool = True) -> Array:
    """The eigenvalues of Hermitian matrices (..., n, n), real and ascending: (..., n). As of `eigh`.

    >>> import numpy as np
    >>> eigvalsh(np.array([[0.0, 2.0], [2.0, 0.0]])).tolist()
    [-2.0, 2.0]
    """
    x = matrices("eigvalsh", a)
    return lax.eigh(x, lower=_is_lower("eigvalsh", UPLO), symmetrize_input=symmetrize_input)[1]


@one_program(1)
def eig(a: ArrayLike) -> EigResult:
    """`EigResult(eigenvalues, eigenvectors)` of square matrices (..., n, n), complex: values in no order, vectors as
    columns of length 1 whose largest element is real.

    On a GPU the matrices are copied to the CPU. Raises ShapeError unless the matrices are square.

    >>> import numpy as np
    >>> eig(np.array([[2.0, 0.0], [1.0, 3.0]])).eigenvalues.tolist()
    [(3+0j), (2+0j)]
    """
    w, v = bind_eig(matrices("eig", a))
    return EigResult(w, v)


@one_program(1)
def eigvals(a: ArrayLike) -> Array:
    """The eigenvalues of square matrices (..., n, n), complex and in no order: (..., n). As of `eig`.

    >>> import numpy as np
    >>> abs(eigvals(np.array([[0.0, -1.0], [1.0, 0.0]]))).tolist()
    [1.0, 1.0]
    """
    return bind_eig(matrices("eigvals", a), right=False)[0]


@one_program(1)
def svd(a: ArrayLike, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False,
        subset_by_index: tuple[int, int] | None = None) -> Any:
    """`SVDResult(U, S, Vh)` of matrices (..., m, n): a = U diag(S) Vh, S (..., min(m, n)) descending; only S without
    `compute_uv`. U is (..., m, m) and Vh (..., n, n), or with min(m, n) vectors without `full_matrices`. `hermitian`
    promises that a is Hermitian. `subset_by_index=(start, stop)` keeps these singular values.

    Derivatives of vectors need `full_matrices=False` (or m == n) and singular values that differ. On a GPU the matrices
    are copied to the CPU. Raises ShapeError for rank below 2.

    >>> import numpy as np
    >>> svd(np.array([[3.0, 0.0], [0.0, -4.0]])).S.tolist()
    [4.0, 3.0]
    """
    x = matrices("svd", a, hermitian)
    if hermitian and subset_by_index is None:
        return _svd_of_hermitian(x, compute_uv)
    found = lax.svd(x, full_matrices=full_matrices, compute_uv=compute_uv, subset_by_index=subset_by_index)
    return SVDResult(*found) if isinstance(found, tuple) else found


def _svd_of_hermitian(x: Array, vectors: bool) -> Any:
    """The sizes of the eigenvalues, the largest first; the signs go to Vh."""
    v, w = lax.eigh(x)
    order = argsort(abs(w), descending=True)
    w = take_along_axis(w, order, -1)
    if not vectors:
        return abs(w)
    u = take_along_axis(v, expand_dims(order, -2), -1)
    signed = where(expand_dims(w, -2) < 0, -u, u)
    return SVDResult(u, abs(w), adjoint(signed))


@one_program(1)
def svdvals(x: ArrayLike, /) -> Array:
    """The singular values of matrices (..., m, n), descending: (..., min(m, n)). As of `svd`.

    >>> import numpy as np
    >>> svdvals(np.array([[3.0, 0.0], [0.0, -4.0]])).tolist()
    [4.0, 3.0]
    """
    return array("svdvals", lax.svd(matrices("svdvals", x, False), compute_uv=False))
