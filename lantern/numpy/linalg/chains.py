"""Products under the array API's names: powers, chains, cross products, and those that `lantern.numpy` has as well."""
from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, DTypeLike, argument_error, array, canonical_axis, shape_error
from lantern.numpy import products
from lantern.numpy.creation import eye
from lantern.numpy.indexing import diagonal as diagonal_of_axes
from lantern.numpy.linalg.solving import inv
from lantern.numpy.products import matmul
from lantern.numpy.shaping import broadcast_to
from lantern.trace.array import Array


@one_program(1)
def matrix_power(a: ArrayLike, n: int) -> Array:
    """Square matrices (..., m, m) multiplied n times, by repeated squares; n < 0 takes the inverse first.

    Raises ShapeError unless the matrices are square, ArgumentError unless n is an int.

    >>> import numpy as np
    >>> matrix_power(np.array([[1.0, 1.0], [0.0, 1.0]]), 5).tolist()
    [[1.0, 5.0], [0.0, 1.0]]
    """
    x = array("matrix_power", a)
    if not isinstance(n, int):      # pyright: ignore[reportUnnecessaryIsInstance]
        raise argument_error(f"matrix_power: wanted an int as the exponent, got {n!r}")
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise shape_error(f"matrix_power: wanted square matrices, got {x.aval}")
    if n < 0:
        x, n = inv(x), -n
    if n == 0:
        return broadcast_to(eye(x.shape[-1], dtype=x.dtype), x.shape)
    found: Array | None = None
    while n:
        if n % 2:
            found = x if found is None else matmul(found, x)
        n //= 2
        if n:
            x = matmul(x, x)
    assert found is not None, "internal: a positive exponent has a bit"
    return found


def multi_dot(arrays: Sequence[ArrayLike]) -> Array:
    """The product of several matrices in the order that needs the fewest multiplications (Cormen et al., "Introduction
    to algorithms", 15.2). The first may be a row, the last a column, of rank 1.

    Raises ArgumentError for fewer than two arrays, ShapeError where ranks or sizes do not agree.

    >>> import numpy as np
    >>> multi_dot([np.ones((2, 9)), np.ones((9, 1)), np.ones(1)]).tolist()
    [9.0, 9.0]
    """
    xs = [array("multi_dot", x) for x in arrays]
    if len(xs) < 2:
        raise argument_error(f"multi_dot: wanted two arrays or more, got {len(xs)}")
    for k, x in enumerate(xs):
        if x.ndim != 2 and not (x.ndim == 1 and k in (0, len(xs) - 1)):
            raise shape_error("multi_dot: wanted matrices (the first and last may have rank 1), got "
                              f"{x.aval} as number {k}")
    shapes = [(1, *x.shape) if k == 0 and x.ndim == 1 else (*x.shape, 1) if x.ndim == 1 else x.shape
              for k, x in enumerate(xs)]
    for k, (left, right) in enumerate(itertools.pairwise(shapes)):
        if left[1] != right[0]:
            raise shape_error(f"multi_dot: sizes must agree, got {xs[k].aval} beside {xs[k + 1].aval}")
    return _chained(xs, _splits([shapes[0][0], *[s[1] for s in shapes]]), 0, len(xs) - 1)


def _splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to cut the chain from i to j, for matrices sizes[k] x sizes[k + 1]."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    found: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            totals = [cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)]
            cost[i, j] = sorted(totals)[0]
            found[i, j] = i + totals.index(cost[i, j])
    return found


def _chained(xs: Sequence[Array], splits: dict[tuple[int, int], int], i: int, j: int) -> Array:
    if i == j:
        return xs[i]
    k = splits[i, j]
    return matmul(_chained(xs, splits, i, k), _chained(xs, splits, k + 1, j))


def cross(x1: ArrayLike, x2: ArrayLike, /, *, axis: int = -1) -> Array:
    """The cross product of vectors of 3 elements along an axis; the other axes broadcast.

    Raises ShapeError unless the sizes along the axis are 3.

    >>> import numpy as np
    >>> cross(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])).tolist()
    [0.0, 0.0, 1.0]
    """
    x, y = array("cross", x1), array("cross", x2)
    for z in (x, y):
        if z.ndim == 0 or z.shape[canonical_axis("cross", axis, z.aval)] != 3:
            raise shape_error(f"cross: wanted 3 elements along axis {axis}, got {x.aval} and {y.aval}")
    return products.cross(x, y, axis=axis)


def outer(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """All products of an element of a vector x1 (m,) and one of a vector x2 (n,): (m, n).

    Raises ShapeError unless both have rank 1; `lantern.numpy.outer` flattens.

    >>> import numpy as np
    >>> outer(np.array([1, 2]), np.array([3, 4])).tolist()
    [[3, 4], [6, 8]]
    """
    x, y = array("outer", x1), array("outer", x2)
    if x.ndim != 1 or y.ndim != 1:
        raise shape_error(f"outer: wanted vectors, got {x.aval} and {y.aval}", "lantern.numpy.outer flattens arrays.")
    return products.outer(x, y)


def diagonal(x: ArrayLike, /, *, offset: int = 0) -> Array:
    """The elements with column - row = offset of matrices (..., m, n), as the last axis.

    >>> import numpy as np
    >>> diagonal(np.arange(8).reshape(2, 2, 2)).tolist()
    [[0, 3], [4, 7]]
    """
    return diagonal_of_axes(x, offset, -2, -1)


def trace(x: ArrayLike, /, *, offset: int = 0, dtype: DTypeLike = None) -> Array:
    """The sums along a diagonal of matrices (..., m, n): (...).

    >>> import numpy as np
    >>> trace(np.arange(8).reshape(2, 2, 2)).tolist()
    [3, 11]
    """
    return products.trace(x, offset, -2, -1, dtype)


def tensordot(x1: ArrayLike, x2: ArrayLike, /, *, axes: int | Sequence[Any] = 2) -> Array:
    """The sum of products over the last n axes of x1 and the first n of x2; or over axes[0] of x1 and axes[1] of x2.

    >>> import numpy as np
    >>> tensordot(np.ones((2, 3)), np.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    return products.tensordot(x1, x2, axes)
