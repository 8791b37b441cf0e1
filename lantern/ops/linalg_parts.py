"""What the factorisations share: checks of matrices, and small products of them.

Matrices are the last two axes of an array; all axes before them are batches, so `vmap` only puts one more in front.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lantern.dtypes import C64, C128, F32, F64, I32, is_complex
from lantern.errors import ShapeError
from lantern.ops import elementwise as ops
from lantern.ops import shape as shapes
from lantern.ops.broadcast import broadcast_in_dim, front
from lantern.ops.build import listed
from lantern.ops.compare import eq, ge, select
from lantern.ops.complex import conj
from lantern.ops.convert import convert
from lantern.ops.dot import dot_general
from lantern.ops.pointwise import add
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind, typeof
from lantern.trace.primitive import Axis, BatchRule, Dims, Primitive, Value

FACTORED = frozenset({F32, F64, C64, C128})     # the dtypes that LAPACK has


def check_matrix(name: str, aval: ShapedArray, square: bool = True) -> None:
    """Raises ShapeError unless `aval` is a stack of (square) matrices of 32- or 64-bit floats or complex numbers."""
    if aval.ndim < 2:
        raise ShapeError(f"{name}: wanted matrices (rank 2 or more), got {aval}. The last two axes are the matrix; add "
                         "axes with reshape")
    if square and aval.shape[-1] != aval.shape[-2]:
        raise ShapeError(f"{name}: wanted square matrices, got {aval}, whose last two sizes are {aval.shape[-2]} and "
                         f"{aval.shape[-1]}")
    if aval.dtype not in FACTORED:
        raise ShapeError(f"{name}: wanted f32, f64, c64 or c128, got {aval}. Convert it with astype")


def check_same(name: str, a: ShapedArray, b: ShapedArray) -> None:
    """Raises ShapeError unless both have one dtype, the same batches, and as many rows."""
    if a.dtype != b.dtype:
        raise ShapeError(f"{name}: operands must have one dtype, got {listed([a, b])}. Convert them first")
    if b.ndim < 2 or a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"{name}: wanted right-hand sides with {a.shape[-1]} rows and the batches {a.shape[:-2]}, got "
                         f"{listed([a, b])}")


def matrices(aval: ShapedArray, rows: int, columns: int) -> ShapedArray:
    """The type of as many matrices of another size."""
    return shaped((*aval.shape[:-2], rows, columns), aval.dtype)


# Arithmetic in terms of ops


def swapped(x: Value) -> Value:
    """Each matrix transposed."""
    rank = typeof(x).ndim
    return shapes.transpose(x, (*range(rank - 2), rank - 1, rank - 2))


def adjoint(x: Value) -> Value:
    """Each matrix transposed, its numbers conjugated."""
    return swapped(conjugated(x))


def conjugated(x: Value) -> Value:
    """The conjugate of complex numbers; floats as they are."""
    return conj(x) if is_complex(typeof(x).dtype) else x


def product(x: Value, y: Value) -> Value:
    """The matrix product, for each of the batches, which are the same."""
    rank = typeof(x).ndim
    lead = tuple(range(rank - 2))
    return dot_general(x, y, ((rank - 1,), (rank - 2,)), (lead, lead))


def as_rows(x: Value, count: int) -> Value:
    """Vectors (..., n) as matrices (..., count, n) whose rows are all the same."""
    shape = typeof(x).shape
    return broadcast_in_dim(x, (*shape[:-1], count, shape[-1]), (*range(len(shape) - 1), len(shape)))


def as_columns(x: Value, count: int) -> Value:
    """Vectors (..., n) as matrices (..., n, count) whose columns are all the same."""
    shape = typeof(x).shape
    return broadcast_in_dim(x, (*shape, count), tuple(range(len(shape))))


def triangle(x: Value, lower: bool, offset: int = 0) -> Value:
    """The elements on and below (`lower`) or above the diagonal `offset`; zeros elsewhere."""
    shape = typeof(x).shape
    row, column = (shapes.iota(I32, shape, len(shape) - k) for k in (2, 1))
    kept = ge(add(row, offset), column) if lower else ge(column, add(row, offset))
    return select(kept, x, 0)


def diagonal_of(x: Value) -> Value:
    """The diagonal of square matrices."""
    aval = typeof(x)
    n, lead = aval.shape[-1], aval.shape[:-2]
    if n < 2:
        return shapes.reshape(x, (*lead, n))
    flat = shapes.reshape(x, (*lead, n * n))
    return shapes.slice(flat, [0] * len(lead) + [0], [*lead, n * n], [1] * len(lead) + [n + 1])


def eye(like: Value, rows: int, columns: int) -> Value:
    """Identity matrices, one for each of those of `like`."""
    aval = typeof(like)
    shape = (rows, columns)
    row, column = (shapes.iota(I32, shape, k) for k in (0, 1))
    one = convert(eq(row, column), aval.dtype)
    return broadcast_in_dim(one, (*aval.shape[:-2], *shape), (aval.ndim - 2, aval.ndim - 1))


def off_diagonal(x: Value, fill: float) -> Value:
    """Square matrices with `fill` on the diagonal."""
    shape = typeof(x).shape
    row, column = (shapes.iota(I32, shape, len(shape) - k) for k in (2, 1))
    return select(eq(row, column), fill, x)


def from_lower(x: Value) -> Value:
    """The Hermitian matrices whose lower triangles are those of x; the diagonal is taken as real."""
    below = triangle(x, True, -1)
    return add(add(below, adjoint(below)), real_diagonal(x))


def real_diagonal(x: Value) -> Value:
    """Diagonal matrices of the real parts of x's diagonal."""
    middle = triangle(triangle(x, True), False)
    return ops.mul(add(middle, conj(middle)), 0.5) if is_complex(typeof(x).dtype) else middle


def batched_in_front(primitive: Callable[[], Primitive]) -> BatchRule:
    """The batch rule of a primitive that takes any number of leading axes: all operands get the new axis in front."""
    def batch(axis: Axis, args: Sequence[Value], dims: Dims, **params: Any) -> tuple[Sequence[Value], Dims]:
        fronted = [front(x, d, axis.size) for x, d in zip(args, dims, strict=True)]
        outs = bind(primitive(), *fronted, **params)
        return outs, [0] * len(outs)

    return batch
