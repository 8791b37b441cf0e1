"""triangular_solve: x with a x = b for triangular matrices a, by substitution. It is linear in b."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lantern.dtypes import is_complex
from lantern.lower.kernel import Region
from lantern.ops import linalg_wgsl as wgsl
from lantern.ops import shape as shapes
from lantern.ops.broadcast import front
from lantern.ops.build import AnyArray, is_linear
from lantern.ops.linalg_host import as_kernel, with_settings
from lantern.ops.linalg_parts import check_matrix, check_same, conjugated, product, swapped, triangle
from lantern.ops.pointwise import add, neg
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind1, typeof
from lantern.trace.primitive import Axis, Dims, Primitive, Structured, SubLowering, Tangent, Value, Zero

BLOCK = 64


def _abstract(a: ShapedArray, b: ShapedArray, **params: Any) -> Sequence[ShapedArray]:
    check_matrix("triangular_solve", a)
    check_same("triangular_solve", a, b)
    return [b.strong()]


def substitute(a: AnyArray, b: AnyArray, *, lower: bool, transpose: bool, unit: bool) -> list[AnyArray]:
    """Substitution in blocks. NumPy has no triangular solver, but its LU of an upper triangle is that triangle, with
    no pivoting and no rounding: solving with diagonal blocks is substitution, and the rest are matrix products. A
    lower triangle is an upper one read backwards."""
    if transpose:
        a, lower = np.swapaxes(a, -1, -2), not lower
    if lower:
        a, b = a[..., ::-1, ::-1], b[..., ::-1, :]
    x = np.empty(b.shape, b.dtype)
    size = a.shape[-1]
    for stop in range(size, 0, -BLOCK):
        start = max(0, stop - BLOCK)
        right = b[..., start:stop, :]
        if stop < size:
            right = right - a[..., start:stop, stop:] @ x[..., stop:, :]
        x[..., start:stop, :] = _backwards(np.triu(a[..., start:stop, start:stop]), right, unit)
    return [x[..., ::-1, :] if lower else x]


def _backwards(u: AnyArray, b: AnyArray, unit: bool) -> AnyArray:
    """One block: u is an upper triangle. What LAPACK refuses (zeros on the diagonal, NaN) is divided all the same."""
    places = list(range(u.shape[-1]))
    if unit:
        u[..., places, places] = 1
    if u[..., places, places].all() and np.isfinite(u).all():
        return np.linalg.solve(u, b)
    x = np.array(b)
    for k in places[::-1]:
        x[..., k, :] /= u[..., k, k, None]
        x[..., :k, :] -= u[..., :k, k, None] * x[..., None, k, :]
    return x


def _impl(a: AnyArray, b: AnyArray, **params: bool) -> Sequence[AnyArray]:
    """Row by row, in double precision."""
    lower, transpose, unit = params["lower"], params["transpose"], params["unit"]
    wide = np.complex128 if is_complex(a.dtype) else np.float64
    t = (np.swapaxes(a, -1, -2) if transpose else a).astype(wide)
    x = b.astype(wide)
    order = range(a.shape[-1]) if lower != transpose else reversed(range(a.shape[-1]))
    with np.errstate(all="ignore"):
        for k in order:
            if not unit:
                x[..., k, :] /= t[..., k, k, None]
            rest = slice(k + 1, None) if lower != transpose else slice(0, k)
            x[..., rest, :] -= t[..., rest, k, None] * x[..., None, k, :]
        return [x.astype(b.dtype)]


def _region(avals: Sequence[ShapedArray], lowering: SubLowering, /, **params: bool) -> Region:
    a, b = avals
    written = wgsl.substitution(math.prod(a.shape[:-2]), a.shape[-1], b.shape[-1], **_named(params))
    return as_kernel("triangular_solve", with_settings(substitute, **params), written, avals, [b], lowering)


def _named(params: dict[str, bool]) -> dict[str, bool]:
    return {name: params[name] for name in ("lower", "transpose", "unit")}


def _jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *, lower: bool, transpose: bool,
         unit: bool) -> Sequence[Tangent]:
    """dx = a^-1 (db - da x), where da is a triangle, too (Giles 2008, "Collected matrix derivative results for forward
    and reverse mode algorithmic differentiation", 2.2.3)."""
    (a, _), (da, right) = primals, tangents
    if type(da) is not Zero:
        moved = triangle(da, lower, (-1 if lower else 1) if unit else 0)
        change = neg(product(swapped(moved) if transpose else moved, outs[0]))
        right = change if type(right) is Zero else add(right, change)
    if type(right) is Zero:
        return [Zero(typeof(outs[0]))]
    return [_solve(a, right, lower, transpose, unit)]


def _transpose(cts: Sequence[Tangent], args: Sequence[Value], *, lower: bool, transpose: bool,
               unit: bool) -> Sequence[Value | None]:
    assert not is_linear(args[0]), "internal: triangular_solve is not linear in its matrix"
    return [None, _solve(args[0], cts[0], lower, not transpose, unit)]


def _batch(axis: Axis, args: Sequence[Value], dims: Dims, **params: bool) -> tuple[Sequence[Value], Dims]:
    """Right-hand sides of one matrix are columns; else each matrix has its own."""
    a, b = args
    if dims[0] is None:
        def solve(x: Value) -> Value:
            return bind1(triangular_solve_p, a, x, **params)

        return [in_columns(b, solve)], [0]
    return [bind1(triangular_solve_p, a, front(b, dims[1], axis.size), **params)], [0]


def in_columns(b: Value, solve: Callable[[Value], Value]) -> Value:
    """`solve` of b's first axis as columns: right-hand sides that all have the same matrix."""
    size, *lead, n, m = typeof(b).shape
    rank = len(lead)
    columns = shapes.reshape(shapes.transpose(b, (*range(1, rank + 2), 0, rank + 2)), (*lead, n, size * m))
    found = shapes.reshape(solve(columns), (*lead, n, size, m))
    return shapes.transpose(found, (rank + 1, *range(rank + 1), rank + 2))


triangular_solve_p = Primitive("triangular_solve", _abstract, _impl, Structured(_region), _batch, _jvp,
                               transpose=_transpose)


def _solve(a: Value, b: Value, lower: bool, transpose: bool, unit: bool) -> Value:
    return bind1(triangular_solve_p, a, b, lower=lower, transpose=transpose, unit=unit)


def triangular_solve(a: Value, b: Value, *, left_side: bool = True, lower: bool = True, transpose_a: bool = False,
                     conjugate_a: bool = False, unit_diagonal: bool = False) -> Value:
    """x with op(a) x = b (or x op(a) = b, unless `left_side`), where a's lower or upper triangle is all that is read,
    and op transposes or conjugates. `unit_diagonal`: the diagonal is taken as ones.

    a is (..., n, n), b is (..., n, m) (or (..., m, n)). A zero on the diagonal gives infinities and NaN, no error.
    Raises ShapeError for other shapes, unequal dtypes, and 16-bit floats or integers.

    >>> import numpy as np
    >>> triangular_solve(np.float32([[2, 0], [1, 1]]), np.float32([[2], [3]])).tolist()
    [[1.0], [2.0]]
    """
    if conjugate_a:
        a = conjugated(a)
    if left_side:
        return _solve(a, b, lower, transpose_a, unit_diagonal)
    if typeof(b).ndim < 2:
        return _solve(a, b, lower, not transpose_a, unit_diagonal)      # raises
    return swapped(_solve(a, swapped(b), lower, not transpose_a, unit_diagonal))
