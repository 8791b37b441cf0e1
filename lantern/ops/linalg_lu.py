"""lu: factors of a row-permuted matrix, by elimination with partial pivoting; and solve, which NumPy's LAPACK does."""
from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from lantern.dtypes import I32, is_complex
from lantern.lower.kernel import Region
from lantern.ops import shape as shapes
from lantern.ops.broadcast import front
from lantern.ops.build import AnyArray, is_linear
from lantern.ops.compare import ge, select
from lantern.ops.elementwise import mul
from lantern.ops.index import take
from lantern.ops.linalg_host import on_host
from lantern.ops.linalg_parts import batched_in_front, check_matrix, check_same, eye, product, swapped, triangle
from lantern.ops.linalg_triangular import in_columns, substitute, triangular_solve
from lantern.ops.pointwise import add, neg
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind, bind1, typeof
from lantern.trace.primitive import Axis, Dims, Primitive, Structured, SubLowering, Tangent, Value, Zero

BLOCK = 32


def _abstract(a: ShapedArray) -> Sequence[ShapedArray]:
    check_matrix("lu", a, square=False)
    *lead, m, n = a.shape
    return [a.strong(), shaped((*lead, min(m, n)), I32), shaped((*lead, m), I32)]


def eliminate(a: AnyArray) -> list[AnyArray]:
    """All matrices of a stack at once, in blocks of columns: pivots within a block, then one product for what is right
    of it (Golub and Van Loan, "Matrix computations", algorithm 3.4.1 and 3.2.11)."""
    *lead, m, n = a.shape
    count, size = math.prod(lead), min(m, n)
    found = np.array(a).reshape(count, m, n)
    pivots = np.zeros((count, size), np.int32)
    permutation = np.tile(np.arange(m, dtype=np.int32), (count, 1))
    with np.errstate(all="ignore"):
        for start in range(0, size, BLOCK):
            stop = min(start + BLOCK, size)
            if count == 1:
                _eliminate_one(found[0], pivots[0], permutation[0], start, stop)
            else:
                _eliminate_block(found, pivots, permutation, start, stop)
            if stop < n:
                block = found[:, start:stop, start:stop]
                right = substitute(block, found[:, start:stop, stop:], lower=True, transpose=False, unit=True)[0]
                found[:, start:stop, stop:] = right
                found[:, stop:, stop:] -= found[:, stop:, start:stop] @ right
    return [found.reshape(a.shape), pivots.reshape(*lead, size), permutation.reshape(*lead, m)]


def _sizes(column: AnyArray) -> AnyArray:
    """What pivots are chosen by: as in LAPACK, |x| + |y| of complex numbers; NaN comes first."""
    return np.abs(column.real) + np.abs(column.imag) if is_complex(column.dtype) else np.abs(column)


def _eliminate_block(x: AnyArray, pivots: AnyArray, permutation: AnyArray, start: int, stop: int) -> None:
    """Columns are divided by their pivots (unless these are 0, as in LAPACK) and taken from the others of the block."""
    each = np.arange(len(x))
    for k in range(start, stop):
        pivots[:, k] = chosen = np.argmax(_sizes(x[:, k:, k]), axis=1) + k
        if (chosen != k).any():
            for rows in (x, permutation):
                moved = rows[each, chosen]
                rows[each, chosen] = rows[:, k]
                rows[:, k] = moved
        pivot = x[:, k, k]
        x[:, k + 1:, k] /= np.where(pivot == 0, 1, pivot)[:, None].astype(x.dtype)
        if k + 1 < stop:
            x[:, k + 1:, k + 1:stop] -= x[:, k + 1:, k, None] * x[:, None, k, k + 1:stop]


def _eliminate_one(x: AnyArray, pivots: AnyArray, permutation: AnyArray, start: int, stop: int) -> None:
    """The same for one matrix, with a third of the calls."""
    for k in range(start, stop):
        p = k + int(_sizes(x[k:, k]).argmax())
        pivots[k] = p
        if p != k:
            x[[k, p]] = x[[p, k]]
            permutation[[k, p]] = permutation[[p, k]]
        if x[k, k] != 0:
            x[k + 1:, k] /= x[k, k]
        if k + 1 < stop:
            x[k + 1:, k + 1:stop] -= x[k + 1:, k, None] * x[k, k + 1:stop]


def _wide(a: AnyArray) -> AnyArray:
    return a.astype(np.complex128 if is_complex(a.dtype) else np.float64)


def _impl(a: AnyArray) -> Sequence[AnyArray]:
    found, pivots, permutation = eliminate(_wide(a))
    return [found.astype(a.dtype), pivots, permutation]


def _region(avals: Sequence[ShapedArray], lower: SubLowering) -> Region:
    return on_host("lu", eliminate, avals, _abstract(*avals), lower)


def _jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    """With e = l^-1 p da u^-1: dl = l (e below the diagonal), du = (e on and above it) u (de Hoog, Anderssen and Lukas
    2011, "Differentiation of matrix functionals using triangular factorization"). Where a is not square, l or u is made
    so by ones on the diagonal. The permutation is constant."""
    found, pivots, permutation = outs
    steady = [Zero(typeof(pivots)), Zero(typeof(permutation))]
    if type(tangents[0]) is Zero:
        return [Zero(typeof(found)), *steady]
    lead = typeof(found).ndim - 2
    moved = take(tangents[0], permutation, lead, batch=lead)
    m, n = typeof(found).shape[-2:]
    lower = add(triangle(_resized(found, m, m), True, -1), eye(found, m, m))
    upper = add(triangle(_resized(found, n, n), False), _ones_beyond(found, m, n))
    left = triangular_solve(lower, moved, unit_diagonal=True)
    both = triangular_solve(upper, left, left_side=False, lower=False)
    return [add(product(lower, triangle(both, True, -1)), product(triangle(both, False), upper)), *steady]


def _resized(x: Value, rows: int, columns: int) -> Value:
    """The first rows and columns; zeros where there are none."""
    shape = typeof(x).shape
    if shape[-2:] == (rows, columns):
        return x
    kept = [min(shape[-2], rows), min(shape[-1], columns)]
    cut = shapes.slice(x, [0] * len(shape), [*shape[:-2], *kept])
    return shapes.pad(cut, 0, [(0, 0, 0)] * (len(shape) - 2) + [(0, rows - kept[0], 0), (0, columns - kept[1], 0)])


def _ones_beyond(like: Value, m: int, n: int) -> Value:
    """Zeros of n x n, with ones on the diagonal from row m on."""
    if m >= n:
        return mul(eye(like, n, n), 0)
    full = eye(like, n, n)
    rows = shapes.iota(I32, typeof(full).shape, typeof(full).ndim - 2)
    return select(ge(rows, m), full, 0)


lu_p = Primitive("lu", _abstract, _impl, Structured(_region), batched_in_front(lambda: lu_p), _jvp)


def lu(a: Value) -> tuple[Value, Value, Value]:
    """Factors of p a = l u by partial pivoting: l (its ones left out) and u in one array (..., m, n); the row that each
    step swapped its own with, i32 (..., min(m, n)); and p as the rows of a in their new order, i32 (..., m).

    A singular matrix has a zero on u's diagonal, and no error. Has no GPU kernel. Raises ShapeError for 16-bit floats
    or integers.

    >>> [x.tolist() for x in lu(np.float32([[1, 1], [2, 4]]))]
    [[[2.0, 4.0], [0.5, -1.0]], [1, 1], [1, 0]]
    """
    found, pivots, permutation = bind(lu_p, a)
    return found, pivots, permutation


def _solve_abstract(a: ShapedArray, b: ShapedArray) -> Sequence[ShapedArray]:
    check_matrix("solve", a)
    check_same("solve", a, b)
    return [b.strong()]


def _solve_host(a: AnyArray, b: AnyArray) -> list[AnyArray]:
    """LAPACK's gesv, for each matrix; where that finds a zero pivot, elimination and division by it all the same."""
    try:
        return [np.linalg.solve(a, b)]
    except np.linalg.LinAlgError:
        x = np.empty(b.shape, b.dtype)
        for place in np.ndindex(*a.shape[:-2]):
            x[place] = _solve_one(a[place], b[place])
        return [x]


def _solve_one(a: AnyArray, b: AnyArray) -> AnyArray:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        found, _, permutation = eliminate(a)
        left = substitute(found, b[permutation], lower=True, transpose=False, unit=True)[0]
        return substitute(found, left, lower=False, transpose=False, unit=False)[0]


def _solve_impl(a: AnyArray, b: AnyArray) -> Sequence[AnyArray]:
    with np.errstate(all="ignore"):
        return [_solve_host(_wide(a), _wide(b))[0].astype(b.dtype)]


def _solve_region(avals: Sequence[ShapedArray], lower: SubLowering) -> Region:
    return on_host("solve", _solve_host, avals, avals[1:], lower)


def _solve_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    """dx = a^-1 (db - da x) (Giles 2008, 2.2.3)."""
    da, right = tangents
    if type(da) is not Zero:
        change = neg(product(da, outs[0]))
        right = change if type(right) is Zero else add(right, change)
    return [Zero(typeof(outs[0])) if type(right) is Zero else solve(primals[0], right)]


def _solve_transpose(cts: Sequence[Tangent], args: Sequence[Value]) -> Sequence[Value | None]:
    assert not is_linear(args[0]), "internal: solve is not linear in its matrix"
    return [None, solve(swapped(args[0]), cts[0])]


def _solve_batch(axis: Axis, args: Sequence[Value], dims: Dims) -> tuple[Sequence[Value], Dims]:
    a, b = args
    if dims[0] is None:
        return [in_columns(b, partial(solve, a))], [0]
    return [solve(a, front(b, dims[1], axis.size))], [0]


solve_p = Primitive("solve", _solve_abstract, _solve_impl, Structured(_solve_region), _solve_batch, _solve_jvp,
                    transpose=_solve_transpose)


def solve(a: Value, b: Value) -> Value:
    """x with a x = b, for square matrices a (..., n, n) and right-hand sides b (..., n, m).

    A singular matrix gives infinities and NaN, and no error. Has no GPU kernel. Raises ShapeError for other shapes,
    unequal dtypes, and 16-bit floats or integers.

    >>> solve(np.float32([[0, 2], [1, 0]]), np.float32([[4], [3]])).tolist()
    [[3.0], [2.0]]
    """
    return bind1(solve_p, a, b)
