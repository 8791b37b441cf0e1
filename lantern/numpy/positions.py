"""Positions as arrays: of triangles and diagonals, of grids, and between flat and multiple ones."""
from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from lantern.dtypes import BOOL, I32, U32, canonical, is_integer
from lantern.errors import UnknownValueError
from lantern.lax.operands import (
    ArrayLike,
    DTypeLike,
    ShapeLike,
    argument_error,
    array,
    canonical_shape,
    constant,
    shape_error,
    size_of,
    type_error,
)
from lantern.numpy.arithmetic import add, clip, floor_divide, minimum, multiply, remainder
from lantern.numpy.indices import known_values
from lantern.numpy.joining import stack
from lantern.numpy.logic import where
from lantern.numpy.searching import nonzero
from lantern.numpy.shaping import broadcast_arrays
from lantern.ops import shape as ops
from lantern.ops.broadcast import full
from lantern.ops.convert import convert
from lantern.trace.array import Array


def _constants(found: Sequence[Any]) -> tuple[Array, ...]:
    return tuple([constant(np.asarray(x, np.int32)) for x in found])


def _length(function: str, n: Any) -> int:
    return canonical_shape(function, (n,))[0]


def tril_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Array, Array]:
    """The rows and columns (i32) on and below the k-th diagonal of an n x m matrix (m: n if not given).

    >>> [i.tolist() for i in tril_indices(2)]
    [[0, 1, 1], [0, 0, 1]]
    """
    rows, columns = _length("tril_indices", n), _length("tril_indices", n if m is None else m)
    first, second = _constants(np.tril_indices(rows, operator.index(k), columns))
    return first, second


def triu_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Array, Array]:
    """The rows and columns (i32) on and above the k-th diagonal of an n x m matrix (m: n if not given).

    >>> [i.tolist() for i in triu_indices(2)]
    [[0, 0, 1], [0, 1, 1]]
    """
    rows, columns = _length("triu_indices", n), _length("triu_indices", n if m is None else m)
    first, second = _constants(np.triu_indices(rows, operator.index(k), columns))
    return first, second


def _matrix(function: str, arr: ArrayLike) -> tuple[int, int]:
    x = array(function, arr)
    if x.ndim != 2:
        raise shape_error(f"{function}: wanted a matrix, got {x.aval}")
    return x.shape[0], x.shape[1]


def tril_indices_from(arr: ArrayLike, k: int = 0) -> tuple[Array, Array]:
    """`tril_indices` of a matrix's shape.

    Raises ShapeError unless it has rank 2.

    >>> [i.tolist() for i in tril_indices_from(np.zeros((1, 2)))]
    [[0], [0]]
    """
    rows, columns = _matrix("tril_indices_from", arr)
    return tril_indices(rows, k, columns)


def triu_indices_from(arr: ArrayLike, k: int = 0) -> tuple[Array, Array]:
    """`triu_indices` of a matrix's shape.

    Raises ShapeError unless it has rank 2.

    >>> [i.tolist() for i in triu_indices_from(np.zeros((1, 2)))]
    [[0, 0], [0, 1]]
    """
    rows, columns = _matrix("triu_indices_from", arr)
    return triu_indices(rows, k, columns)


def diag_indices(n: int, ndim: int = 2) -> tuple[Array, ...]:
    """The positions (i32) on the main diagonal of an array with `ndim` axes of size n.

    >>> [i.tolist() for i in diag_indices(2)]
    [[0, 1], [0, 1]]
    """
    return (ops.iota(I32, (_length("diag_indices", n),), 0),) * operator.index(ndim)


def diag_indices_from(arr: ArrayLike) -> tuple[Array, ...]:
    """`diag_indices` of an array's shape.

    Raises ShapeError unless it has two axes or more, all of one size.

    >>> [i.tolist() for i in diag_indices_from(np.zeros((2, 2)))]
    [[0, 1], [0, 1]]
    """
    x = array("diag_indices_from", arr)
    if x.ndim < 2 or len(set(x.shape)) != 1:
        raise shape_error(f"diag_indices_from: wanted two axes or more, all of one size, got {x.aval}")
    return diag_indices(x.shape[0], x.ndim)


def indices(dimensions: Sequence[int], dtype: DTypeLike = None, sparse: bool = False) -> Any:
    """For each axis of a grid the position along it, stacked; with `sparse` a tuple, with axes of size 1.

    >>> indices((2, 2)).tolist()
    [[[0, 0], [1, 1]], [[0, 1], [0, 1]]]
    """
    sizes = canonical_shape("indices", dimensions)
    wanted = canonical(int if dtype is None else dtype)
    if sparse:
        return tuple([ops.reshape(ops.iota(wanted, (n,), 0), [n if i == k else 1 for i in range(len(sizes))])
                      for k, n in enumerate(sizes)])
    if not sizes:
        return array("indices", full((0,), 0, wanted))
    return stack([ops.iota(wanted, sizes, k) for k in range(len(sizes))])


def ix_(*args: ArrayLike) -> tuple[Array, ...]:
    """Vectors, each along its own axis, so that x[ix_(rows, columns)] takes all pairs; bools choose their positions.

    Raises ShapeError unless all are vectors.

    >>> [i.shape for i in ix_(np.array([0, 1]), np.array([2, 3, 4]))]
    [(2, 1), (1, 3)]
    """
    found: list[Array] = []
    for k, a in enumerate(args):
        x = array("ix_", a)
        if x.ndim != 1:
            raise shape_error(f"ix_: wanted vectors, got {x.aval}")
        x = nonzero(x)[0] if x.dtype == BOOL else x
        found.append(ops.reshape(x, [x.size if i == k else 1 for i in range(len(args))]))
    return tuple(found)


def as_positions(x: Array, limit: int) -> Array:
    """Integers in a dtype that holds `limit`, which stands for all larger ones.

    >>> import lantern.numpy as jnp
    >>> as_positions(jnp.array([1, 4_000_000_000], jnp.uint32), 9).tolist()
    [1, 9]
    """
    if x.dtype.itemsize < 4:
        return array("positions", convert(x, I32))
    return array("positions", convert(minimum(x, limit), I32)) if x.dtype == U32 else x


def unravel_index(indices: ArrayLike, shape: ShapeLike) -> tuple[Array, ...]:
    """Positions in the flattened array as positions along each axis of `shape`. Negative ones count from the end; those
    out of range give the nearest element.

    Raises TypeError for floats.

    >>> [i.tolist() for i in unravel_index(np.array([1, 5]), (2, 3))]
    [[0, 1], [1, 2]]
    """
    x, sizes = array("unravel_index", indices), canonical_shape("unravel_index", shape)
    if not is_integer(x.dtype):
        raise type_error(f"unravel_index: wanted integers, got {x.aval}")
    count = size_of(sizes)
    x = as_positions(x, count)
    flat = clip(where(x < 0, add(x, count), x), 0, max(count - 1, 0))
    found: list[Array] = []
    for n in reversed(sizes):
        found.append(remainder(flat, max(n, 1)))
        flat = floor_divide(flat, max(n, 1))
    return tuple(reversed(found))


def ravel_multi_index(multi_index: Sequence[ArrayLike], dims: Sequence[int], mode: str = "raise", order: str = "C", *,
                      dtype: DTypeLike = None) -> Array:
    """Positions along each axis as positions in the flattened array; the inverse of `unravel_index`.

    `mode` for positions out of range: "wrap", "clip", or "raise", which needs their values. `order`: "C" or "F".
    Raises ArgumentError for a position out of range and for other words, TypeError for floats, and for "raise" while
    the positions are traced.

    >>> ravel_multi_index((np.array([0, 1]), np.array([1, 2])), (2, 3)).tolist()
    [1, 5]
    """
    sizes = canonical_shape("ravel_multi_index", dims)
    xs = [array("ravel_multi_index", x) for x in multi_index]
    if len(xs) != len(sizes) or mode not in ("raise", "wrap", "clip") or order not in ("C", "F"):
        raise argument_error("ravel_multi_index: wanted positions for each axis, a mode of raise, wrap or clip and an "
                             f"order of C or F, got {len(xs)} for {len(sizes)} axes, {mode!r} and {order!r}")
    for x in xs:
        if not is_integer(x.dtype):
            raise type_error(f"ravel_multi_index: wanted integers, got {x.aval}")
    if mode == "raise":
        _check_inside(xs, sizes)
    inside = [remainder(x, n) if mode == "wrap" else clip(x, 0, n - 1) if mode == "clip" else x
              for x, n in zip(xs, sizes, strict=True)]
    pairs = list(zip(broadcast_arrays(*inside), sizes, strict=True))
    found: Any = 0
    for x, n in pairs if order == "C" else reversed(pairs):
        found = add(multiply(found, n), x)
    return array("ravel_multi_index", found) if dtype is None else convert(found, canonical(dtype))


def _check_inside(xs: Sequence[Array], sizes: Sequence[int]) -> None:
    for k, (x, n) in enumerate(zip(xs, sizes, strict=True)):
        try:
            values = known_values(x, "ravel_multi_index(x)")
        except UnknownValueError:
            raise type_error(f"ravel_multi_index: mode 'raise' needs the values of {x.aval}, which are not known while "
                             "tracing", "Use mode='clip' or mode='wrap'.") from None
        if values.size and not 0 <= values.min() <= values.max() < n:
            raise argument_error(f"ravel_multi_index: wanted positions from 0 to {n - 1} along axis {k}, got "
                                 f"{values.min()} to {values.max()}")
