"""Factorisations, their solves, and the orders of rows that they speak of."""
from __future__ import annotations

from lantern.dtypes import I32
from lantern.lax.loops import fori_loop
from lantern.lax.operands import ArrayLike, argument_error, array, exact, shape_error
from lantern.ops import linalg_cholesky, linalg_eigen, linalg_lu, linalg_qr, linalg_svd, linalg_triangular
from lantern.ops import shape as shapes
from lantern.ops.broadcast import broadcast_in_dim, reduce_sum
from lantern.ops.compare import eq, select
from lantern.ops.convert import convert
from lantern.ops.elementwise import add, mul
from lantern.ops.index import take
from lantern.ops.linalg_parts import adjoint
from lantern.trace.array import Array
from lantern.trace.context import typeof
from lantern.trace.primitive import Value


def symmetrize(x: Array) -> Value:
    """(x + x^H) / 2, so that a derivative is symmetric, too."""
    return mul(add(x, adjoint(x)), 0.5)


def _matrices(function: str, x: ArrayLike, square: bool = True) -> Array:
    found = array(function, x)
    if found.ndim < 2 or (square and found.shape[-1] != found.shape[-2]):
        check_line(function, found, square)
    return found


def check_line(function: str, x: Array, square: bool) -> None:
    """Raises ShapeError, with the user's line, unless x is a stack of (square) matrices."""
    if x.ndim < 2:
        raise shape_error(f"{function}: wanted matrices (rank 2 or more), got {x.aval}",
                          "The last two axes are the matrix; add axes with reshape.")
    if square and x.shape[-1] != x.shape[-2]:
        raise shape_error(f"{function}: wanted square matrices, got {x.aval}, whose last two sizes are {x.shape[-2]} "
                          f"and {x.shape[-1]}")


def cholesky(x: ArrayLike, *, symmetrize_input: bool = True) -> Array:
    """The lower triangle l with l l^H = x, of Hermitian positive definite matrices (..., n, n) of f32, f64, c64 or
    c128.

    With `symmetrize_input` x is replaced by (x + x^H) / 2; without, only its lower triangle is read. A matrix that is
    not positive definite gives NaN on and below the diagonal. Raises ShapeError unless the matrices are square.

    >>> import numpy as np
    >>> cholesky(np.array([[4.0, 2.0], [2.0, 2.0]])).tolist()
    [[2.0, 0.0], [1.0, 1.0]]
    """
    found = _matrices("cholesky", x)
    return linalg_cholesky.cholesky(symmetrize(found) if symmetrize_input else found)


def triangular_solve(a: ArrayLike, b: ArrayLike, *, left_side: bool = False, lower: bool = False,
                     transpose_a: bool = False, conjugate_a: bool = False, unit_diagonal: bool = False) -> Array:
    """x with op(a) x = b (`left_side`) or x op(a) = b, where only a's lower or upper triangle is read, and op
    transposes or conjugates. `unit_diagonal`: the diagonal is taken as ones.

    a is (..., n, n), b is (..., n, m) or (..., m, n), or without m a vector. A zero on the diagonal gives infinities
    and NaN. Raises ShapeError where sizes, batches or dtypes do not agree.

    >>> import numpy as np
    >>> triangular_solve(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([2.0, 3.0]), left_side=True, lower=True).tolist()
    [1.0, 2.0]
    """
    matrix, right = (array("triangular_solve", x) for x in exact(a, b, function="triangular_solve"))
    check_line("triangular_solve", matrix, True)
    vector = right.ndim == matrix.ndim - 1
    if vector:
        right = shapes.reshape(right, (*right.shape, 1) if left_side else (*right.shape[:-1], 1, right.shape[-1]))
    found = linalg_triangular.triangular_solve(matrix, right, left_side=left_side, lower=lower, transpose_a=transpose_a,
                                               conjugate_a=conjugate_a, unit_diagonal=unit_diagonal)
    if not vector:
        return found
    shape = typeof(found).shape
    return shapes.reshape(found, shape[:-1] if left_side else (*shape[:-2], shape[-1]))


def lu(x: ArrayLike) -> tuple[Array, Array, Array]:
    """Factors of p x = l u by partial pivoting, of matrices (..., m, n): l (its ones left out) and u in one array; the
    row that each step swapped its own with, i32 (..., min(m, n)); the rows of x in their new order, i32 (..., m).

    A singular matrix has a zero on u's diagonal. Raises ShapeError for rank below 2.

    >>> import numpy as np
    >>> [x.tolist() for x in lu(np.array([[1.0, 1.0], [2.0, 4.0]]))]
    [[[2.0, 4.0], [0.5, -1.0]], [1, 1], [1, 0]]
    """
    return linalg_lu.lu(_matrices("lu", x, False))


def lu_pivots_to_permutation(pivots: ArrayLike, permutation_size: int) -> Array:
    """The order of rows that swaps k <-> pivots[k], one after the other, lead to; i32 (..., permutation_size).

    >>> import numpy as np
    >>> lu_pivots_to_permutation(np.array([2, 2]), 3).tolist()
    [2, 0, 1]
    """
    swaps: Array = convert(array("lu_pivots_to_permutation", pivots), I32)
    if swaps.ndim < 1 or swaps.shape[-1] > permutation_size:
        raise shape_error(f"lu_pivots_to_permutation: wanted at most {permutation_size} pivots, got {swaps.aval}")
    shape = (*swaps.shape[:-1], permutation_size)
    last = len(shape) - 1
    places = shapes.iota(I32, shape, last)

    def swap(number: Value, order: Value) -> Value:
        k = convert(number, I32)
        other = broadcast_in_dim(take(swaps, k, last), shape, tuple(range(last)))
        mine = broadcast_in_dim(take(order, k, last), shape, tuple(range(last)))
        here = broadcast_in_dim(k, shape, ())
        chosen = eq(places, other)
        theirs = broadcast_in_dim(_summed(select(chosen, order, 0)), shape, tuple(range(last)))
        return select(eq(places, here), theirs, select(chosen, mine, order))

    if not swaps.shape[-1]:
        return places
    return fori_loop(0, swaps.shape[-1], swap, places)


def _summed(x: Array) -> Value:
    return reduce_sum(x, (x.ndim - 1,))


def householder_product(a: ArrayLike, taus: ArrayLike) -> Array:
    """The first columns of the product of reflections 1 - tau v v^H, where v is a column of a below the diagonal with a
    leading 1. a is (..., m, n) with m >= n, taus (..., k) with k <= n, the result (..., m, n). LAPACK's orgqr.

    Raises ShapeError where sizes do not agree.

    >>> import numpy as np
    >>> householder_product(np.array([[-5.0], [0.5]]), np.array([1.6])).round(3).tolist()
    [[-0.6000000238418579], [-0.800000011920929]]
    """
    found, factors = (array("householder_product", x) for x in exact(a, taus, function="householder_product"))
    check_line("householder_product", found, False)
    m, n = found.shape[-2:]
    if n > m or factors.ndim != found.ndim - 1 or factors.shape[-1] > n or factors.shape[:-1] != found.shape[:-2]:
        raise shape_error("householder_product: wanted matrices (..., m, n) with m >= n and at most n factors, got "
                          f"{found.aval} and {factors.aval}")
    return linalg_qr.from_reflections(found, factors, n)


def geqrf(a: ArrayLike) -> tuple[Array, Array]:
    """Householder's reflections that make matrices (..., m, n) triangular: r with the reflections' vectors below it,
    and their factors (..., min(m, n)), as `householder_product` takes them. It has no derivative: use `qr`.

    >>> import numpy as np
    >>> [x.tolist() for x in geqrf(np.array([[3.0], [4.0]]))]
    [[[-5.0], [0.5]], [1.600000023841858]]
    """
    return linalg_qr.reflections(_matrices("geqrf", a, False))


def qr(x: ArrayLike, *, pivoting: bool = False, full_matrices: bool = True) -> tuple[Array, Array]:
    """q with orthonormal columns and the upper triangle r with x = q r, of matrices (..., m, n): m columns, or
    min(m, n) without `full_matrices`. The signs are LAPACK's: r's diagonal may be negative.

    Derivatives need `full_matrices=False` (or m <= n), and the first min(m, n) columns of x independent. Raises
    ArgumentError for `pivoting`, which there is not.

    >>> import numpy as np
    >>> qr(np.array([[3.0], [4.0]]), full_matrices=False)[1].tolist()
    [[-5.0]]
    """
    if pivoting:
        raise argument_error("qr: there is no pivoting", "Use lax.linalg.svd to find the rank of a matrix.")
    return linalg_qr.qr(_matrices("qr", x, False), full_matrices)


def eigh(x: ArrayLike, *, lower: bool = True, symmetrize_input: bool = True, sort_eigenvalues: bool = True,
         subset_by_index: tuple[int, int] | None = None) -> tuple[Array, Array]:
    """Eigenvectors as columns and eigenvalues, in this order, of Hermitian matrices (..., n, n). The values are real
    and ascending, whatever `sort_eigenvalues`; `subset_by_index=(start, stop)` keeps these.

    With `symmetrize_input` x is replaced by (x + x^H) / 2; without, only its lower (or upper) triangle is read. Of
    equal eigenvalues vectors have no derivative (NaN). Raises ShapeError unless the matrices are square.

    >>> import numpy as np
    >>> eigh(np.array([[0.0, 2.0], [2.0, 0.0]]))[1].tolist()
    [-2.0, 2.0]
    """
    found = _matrices("eigh", x)
    if symmetrize_input:
        found = symmetrize(found)
    elif not lower:
        found = adjoint(found)
    values, vectors = linalg_eigen.eigh(found)
    if subset_by_index is None:
        return vectors, values
    start, stop = _subset("eigh", subset_by_index, typeof(values).shape[-1])
    return vectors[..., start:stop], values[..., start:stop]


def _subset(function: str, found: tuple[int, int], size: int) -> tuple[int, int]:
    start, stop = found
    if not 0 <= start <= stop <= size:
        raise argument_error(f"{function}: wanted 0 <= start <= stop <= {size} as subset_by_index, got {found}")
    return start, stop


def svd(x: ArrayLike, *, full_matrices: bool = True, compute_uv: bool = True,
        subset_by_index: tuple[int, int] | None = None) -> Array | tuple[Array, Array, Array]:
    """u, s, vh with x = u diag(s) vh and s descending, of matrices (..., m, n); only s without `compute_uv`. u is
    (..., m, m) and vh (..., n, n), or with min(m, n) vectors without `full_matrices`; `subset_by_index=(start, stop)`
    keeps these singular values.

    Derivatives of vectors need `full_matrices=False` (or m == n) and singular values that differ. Raises ShapeError for
    rank below 2, ArgumentError for a subset of full matrices.

    >>> import numpy as np
    >>> svd(np.array([[3.0, 0.0], [0.0, -4.0]]), compute_uv=False).tolist()
    [4.0, 3.0]
    """
    found = _matrices("svd", x, False)
    start, stop = 0, min(found.shape[-2:])
    if subset_by_index is not None:
        start, stop = _subset("svd", subset_by_index, stop)
        if full_matrices and compute_uv and (start, stop) != (0, min(found.shape[-2:])):
            raise argument_error("svd: a subset of singular values has no full matrices", "Use full_matrices=False.")
    if not compute_uv:
        return linalg_svd.svd(found, vectors=False)[0][..., start:stop]
    u, s, vh = linalg_svd.svd(found, full_matrices)
    return (u, s, vh) if subset_by_index is None else (u[..., start:stop], s[..., start:stop], vh[..., start:stop, :])


def eig(x: ArrayLike, *, compute_left_eigenvectors: bool = True,
        compute_right_eigenvectors: bool = True) -> tuple[Array, ...]:
    """Eigenvalues of square matrices (..., n, n), in no order, then left and right eigenvectors as columns, of length 1
    with a real largest element; all complex.

    Left eigenvectors come from the inverse of the right ones, so a matrix that has too few of these gives NaN there.
    Raises ShapeError unless the matrices are square.

    >>> import numpy as np
    >>> values, left, right = eig(np.array([[2.0, 0.0], [0.0, 1.0]]))
    >>> values.tolist()
    [(2+0j), (1+0j)]
    """
    return linalg_eigen.eig(_matrices("eig", x), left=compute_left_eigenvectors, right=compute_right_eigenvectors)
