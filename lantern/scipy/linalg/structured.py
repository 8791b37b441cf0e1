"""Matrices that are made of smaller arrays: block_diag, toeplitz."""
from __future__ import annotations

from lantern.dtypes import I32
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, array, common_dtype, common_shape, shape_error, stretch
from lantern.numpy.creation import zeros
from lantern.numpy.joining import concatenate, pad
from lantern.numpy.shaping import atleast_2d, flip
from lantern.ops.convert import convert
from lantern.ops.shape import iota
from lantern.trace.array import Array


def block_diag(*arrs: ArrayLike) -> Array:
    """The matrix with these on its diagonal, one after the other, and zeros elsewhere. Vectors are rows.

    Raises ShapeError for rank above 2.

    >>> import numpy as np
    >>> block_diag(np.array([[1, 2]]), 3).tolist()
    [[1, 2, 0], [0, 0, 3]]
    """
    xs = [atleast_2d(array("block_diag", x)) for x in arrs or (zeros((1, 0)),)]
    if any([x.ndim != 2 for x in xs]):
        raise shape_error(f"block_diag: wanted arrays of rank 2 or less, got {', '.join([str(x.aval) for x in xs])}")
    dtype = common_dtype(xs, function="block_diag")[0]
    columns, before, rows = sum([x.shape[1] for x in xs]), 0, list[Array]()
    for x in xs:
        rows.append(pad(convert(x, dtype), ((0, 0), (before, columns - before - x.shape[1]))))
        before += x.shape[1]
    return concatenate(rows, 0)


@one_program(2)
def toeplitz(c: ArrayLike, r: ArrayLike | None = None) -> Array:
    """Matrices with constant diagonals: first columns c (..., m), first rows r (..., n), whose first element is not
    read; by default r is the conjugate of c.

    >>> import numpy as np
    >>> toeplitz(np.array([1, 2, 3]), np.array([9, 7])).tolist()
    [[1, 7], [2, 1], [3, 2]]
    """
    column = array("toeplitz", c)
    row = column.conj() if r is None else array("toeplitz", r)
    if column.ndim < 1 or row.ndim < 1:
        raise shape_error(f"toeplitz: wanted vectors, got {column.aval} and {row.aval}")
    dtype = common_dtype([column, row], function="toeplitz")[0]
    lead = common_shape("toeplitz", [column.shape[:-1], row.shape[:-1]], [column, row])
    m, n = column.shape[-1], row.shape[-1]
    values = concatenate([flip(stretch(convert(row, dtype), (*lead, n))[..., 1:], -1),
                          stretch(convert(column, dtype), (*lead, m))], -1)
    places = iota(I32, (m, n), 0) - iota(I32, (m, n), 1) + max(n - 1, 0)
    return values.take(places, -1)
