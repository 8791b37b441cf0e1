"""New arrays: from Python and NumPy data, filled with a number, ranges, grids, triangles."""
from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.exceptions import ComplexWarning

from lantern.dtypes import BOOL, canonical, is_complex, is_inexact, is_integer, python_dtype, short_name
from lantern.eager import one_program
from lantern.lax.operands import (
    ArrayLike,
    DType,
    DTypeLike,
    ShapeLike,
    argument_error,
    canonical_axis,
    canonical_shape,
    cast,
    common_dtype,
    constant,
    host_array,
    is_array,
    is_host_array,
    operand,
    shape_error,
    shape_of,
    stretch,
)
from lantern.lax.operands import array as as_array
from lantern.lower.scalar import convert as host_convert
from lantern.numpy.arithmetic import add, divide, multiply, subtract
from lantern.numpy.indexing import diagonal
from lantern.numpy.joining import pad, stack
from lantern.numpy.logic import equal, greater_equal, where
from lantern.numpy.shaping import broadcast_to, moveaxis, reshape
from lantern.ops import shape as ops
from lantern.ops.broadcast import broadcast_in_dim
from lantern.ops.broadcast import full as filled
from lantern.ops.convert import convert
from lantern.trace.array import Array
from lantern.trace.jaxpr import Literal, literal
from lantern.trace.primitive import Value


def asarray(a: Any, dtype: DTypeLike = None) -> Array:
    """An Array of what is given: an array, a NumPy array, a number, nested lists of these.

    Without `dtype`, 64-bit NumPy values become 32-bit (an integer that does not fit raises OverflowError); a `dtype` is
    honoured, 64 bits too. Python numbers get the default dtype of their kind and stay weak. Raises TypeError for what
    is no array, ShapeError for lists of unequal lengths.

    >>> asarray([1, 2.5]).dtype
    dtype('float32')
    """
    wanted = None if dtype is None else canonical(dtype)
    if isinstance(a, (list, tuple)):
        return _from_lists(a, wanted)       # pyright: ignore[reportUnknownArgumentType]
    if wanted is None:
        return as_array("asarray", a)
    if is_host_array(a):
        return constant(np.asarray(host_convert(np.asarray(a), wanted)))
    found = operand("asarray", a)
    if isinstance(found, Array):
        return convert(found, wanted)
    if isinstance(found, float) and not is_inexact(wanted):
        return constant(np.asarray(host_convert(np.asarray(found), wanted)))
    return constant(literal(found, wanted, "asarray") if isinstance(found, (bool, int, float, complex))
                    else cast(found, wanted))


def _from_lists(a: Sequence[Any], dtype: DType | None) -> Array:
    """Nested lists: stacked if there are arrays in them, else by way of NumPy."""
    if _holds_arrays(a):
        return stack([asarray(x) for x in a], dtype=dtype)
    try:
        values = np.array(a)
    except ValueError:
        raise shape_error("asarray: nested lists must have equal lengths on each level") from None
    if dtype is None:
        return constant(host_array("asarray", values if values.size else values.astype(python_dtype(float))))
    if is_integer(dtype) and values.dtype.kind in "iuO" and values.size:
        bounds = np.iinfo(dtype)
        for extreme in (int(values.min()), int(values.max())):
            if not bounds.min <= extreme <= bounds.max:
                raise OverflowError(f"asarray: {extreme} does not fit into {short_name(dtype)}")
    return constant(host_convert(values, dtype))


def _holds_arrays(a: Any) -> bool:
    if isinstance(a, (list, tuple)):
        return any(_holds_arrays(x) for x in a)       # pyright: ignore[reportUnknownVariableType]
    return hasattr(a, "__lantern_array__") or is_array(a)


def array(object: Any, dtype: DTypeLike = None, copy: bool = True, *, ndmin: int = 0) -> Array:
    """As `asarray`, with at least `ndmin` axes. `copy` is there for NumPy's sake: arrays are immutable.

    >>> array([1, 2], ndmin=2).shape
    (1, 2)
    """
    found = asarray(object, dtype)
    return reshape(found, (1,) * (ndmin - found.ndim) + found.shape) if ndmin > found.ndim else found


def copy(a: ArrayLike) -> Array:
    """The array itself: arrays are immutable.

    >>> copy(np.arange(2)).tolist()
    [0, 1]
    """
    return as_array("copy", a)


def astype(x: ArrayLike, dtype: DTypeLike, /) -> Array:
    """The values in another dtype. Floats become integers by truncation and saturate, NaN becomes 0; integers wrap; all
    but 0 is True. Complex numbers lose their imaginary part, with a ComplexWarning.

    >>> astype(np.array([1.7, -1.7]), "int32").tolist()
    [1, -1]
    """
    found, wanted = as_array("astype", x), canonical(dtype)
    if is_complex(found.dtype) and not is_complex(wanted) and wanted != BOOL:
        warnings.warn(f"astype: {found.aval} loses its imaginary part in {short_name(wanted)}; take lantern.numpy.real "
                      "first", ComplexWarning, stacklevel=2)
    return convert(found, wanted)


def _filled(shape: tuple[int, ...], value: bool | int | float, dtype: DType) -> Array:
    found = filled(shape, value, dtype)
    return constant(found) if isinstance(found, Literal) else found


def zeros(shape: ShapeLike, dtype: DTypeLike = None) -> Array:
    """Zeros, float32 unless asked otherwise.

    >>> zeros((2,)).tolist()
    [0.0, 0.0]
    """
    return _filled(canonical_shape("zeros", shape), 0, canonical(float if dtype is None else dtype))


def ones(shape: ShapeLike, dtype: DTypeLike = None) -> Array:
    """Ones, float32 unless asked otherwise.

    >>> ones((2,)).tolist()
    [1.0, 1.0]
    """
    return _filled(canonical_shape("ones", shape), 1, canonical(float if dtype is None else dtype))


def empty(shape: ShapeLike, dtype: DTypeLike = None) -> Array:
    """As `zeros`: no array is left undefined.

    >>> empty((2,)).tolist()
    [0.0, 0.0]
    """
    return zeros(shape, dtype)


def full(shape: ShapeLike, fill_value: ArrayLike, dtype: DTypeLike = None) -> Array:
    """An array of one value, in that value's dtype unless asked otherwise; an array as value is broadcast.

    Raises ShapeError if such an array does not fit the shape.

    >>> full((2,), 7).tolist()
    [7, 7]
    """
    target, value = canonical_shape("full", shape), operand("full", fill_value)
    wanted = common_dtype([value])[0] if dtype is None else canonical(dtype)
    if isinstance(value, (bool, int, float, complex)) and (is_inexact(wanted) or not isinstance(value, float)):
        number = literal(value, wanted, "full")
        return broadcast_in_dim(number, target, ()) if target else constant(number)
    return broadcast_to(asarray(value, wanted), target)


def _like(function: str, a: ArrayLike, dtype: DTypeLike, shape: ShapeLike | None) -> tuple[tuple[int, ...], DType]:
    found = operand(function, a)
    return (shape_of(found) if shape is None else canonical_shape(function, shape),
            common_dtype([found])[0] if dtype is None else canonical(dtype))


def zeros_like(a: ArrayLike, dtype: DTypeLike = None, shape: ShapeLike | None = None) -> Array:
    """Zeros of a's shape and dtype.

    >>> zeros_like(np.arange(2)).tolist()
    [0, 0]
    """
    return zeros(*_like("zeros_like", a, dtype, shape))


def ones_like(a: ArrayLike, dtype: DTypeLike = None, shape: ShapeLike | None = None) -> Array:
    """Ones of a's shape and dtype.

    >>> ones_like(np.arange(2)).tolist()
    [1, 1]
    """
    return ones(*_like("ones_like", a, dtype, shape))


def empty_like(prototype: ArrayLike, dtype: DTypeLike = None, shape: ShapeLike | None = None) -> Array:
    """As `zeros_like`: no array is left undefined.

    >>> empty_like(np.arange(2)).tolist()
    [0, 0]
    """
    return zeros(*_like("empty_like", prototype, dtype, shape))


def full_like(a: ArrayLike, fill_value: ArrayLike, dtype: DTypeLike = None, shape: ShapeLike | None = None) -> Array:
    """An array of one value, of a's shape and dtype.

    >>> full_like(np.arange(2), 7).tolist()
    [7, 7]
    """
    target, wanted = _like("full_like", a, dtype, shape)
    return full(target, fill_value, wanted)


def _number(function: str, x: Any) -> bool | int | float:
    """A Python number; of an array, its value if that is known."""
    found: Any = x.item() if hasattr(x, "item") else x
    if hasattr(found, "__index__"):
        return operator.index(found)
    if isinstance(found, float):
        return float(found)
    raise argument_error(f"{function}: wanted a number, got {found!r}")


def arange(start: Any, stop: Any = None, step: Any = None, dtype: DTypeLike = None) -> Array:
    """start, start + step, ... up to (without) stop; with one argument, 0, 1, ... below it.

    The arguments decide the shape and must be known numbers. Of integers: int32. Raises ArgumentError for a step of 0.

    >>> arange(2, 8, 2).tolist()
    [2, 4, 6]
    """
    first, last = (0, start) if stop is None else (start, stop)
    low, high = _number("arange", first), _number("arange", last)
    by = 1 if step is None else _number("arange", step)
    if by == 0:
        raise argument_error("arange: the step must not be 0")
    if isinstance(low, int) and isinstance(high, int) and isinstance(by, int):
        wanted = python_dtype(int) if dtype is None else canonical(dtype)
        positions = range(low, high, by)
        if is_integer(wanted) and positions:
            for extreme in (positions[0], positions[-1]):
                literal(extreme, wanted, "arange")        # raises OverflowError
        if wanted != BOOL:
            found = ops.iota(wanted, (len(positions),), 0)
            return found if low == 0 and by == 1 else add(multiply(found, by), low)
    wanted = python_dtype(float) if dtype is None else canonical(dtype)
    return constant(host_convert(np.arange(low, high, by), wanted))


def linspace(start: ArrayLike, stop: ArrayLike, num: int = 50, endpoint: bool = True, retstep: bool = False,
             dtype: DTypeLike = None, axis: int = 0) -> Any:
    """`num` evenly spaced values from start to stop (left out unless `endpoint`); with `retstep` (values, step).

    Start and stop may be arrays, which broadcast; the values then stand along the new axis `axis`.
    Raises ArgumentError for a negative number.

    >>> linspace(0, 1, 5).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    count = operator.index(num)
    if count < 0:
        raise argument_error(f"linspace: num must not be negative, got {count}")
    low: Value = operand("linspace", start)
    high: Value = operand("linspace", stop)
    inner = common_dtype([low, high], floats=True)[0]
    wanted = inner if dtype is None else canonical(dtype)
    steps = count - 1 if endpoint else count
    if isinstance(low, (bool, int, float, complex)) and isinstance(high, (bool, int, float, complex)):
        found = constant(host_convert(np.linspace(low, high, count, endpoint), wanted))
        return (found, asarray((high - low) / steps if steps > 0 else math.nan, inner)) if retstep else found
    distance = subtract(high, low)
    a, b = add(multiply(distance, 0), low), add(multiply(distance, 0), high)
    along = (count,) + (1,) * a.ndim
    t = reshape(divide(ops.iota(inner, (count,), 0), max(steps, 1)), along)
    # a (1 - t) + b t is exact at both ends.
    values = convert(add(multiply(a, subtract(1, t)), multiply(b, t)), wanted)
    values = moveaxis(values, 0, canonical_axis("linspace", axis, values.aval))
    return (values, divide(distance, steps)) if retstep else values


def tri(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike = None) -> Array:
    """Ones on and below the k-th diagonal of an N x M matrix (M: N if not given), zeros above.

    >>> tri(2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    return convert(_lower(N, N if M is None else M, k), canonical(float if dtype is None else dtype))


def _indices(rows: int, columns: int, axis: int) -> Array:
    return ops.iota(np.dtype(np.int32), canonical_shape("tri", (rows, columns)), axis)


def _lower(rows: int, columns: int, k: int) -> Array:
    """Whether column - row <= k."""
    return greater_equal(add(_indices(rows, columns, 0), operator.index(k)), _indices(rows, columns, 1))


def _matrix(function: str, m: ArrayLike) -> Array:
    x = as_array(function, m)
    if x.ndim < 2:
        raise shape_error(f"{function}: wanted a matrix (rank 2 or more), got {x.aval}")
    return x


@one_program(1)
def tril(m: ArrayLike, k: int = 0) -> Array:
    """The matrix with zeros above its k-th diagonal; leading axes are batches.

    Raises ShapeError for rank < 2.

    >>> tril(np.ones((2, 2))).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    x = _matrix("tril", m)
    return where(_lower(x.shape[-2], x.shape[-1], k), x, cast(False, x.dtype))


@one_program(1)
def triu(m: ArrayLike, k: int = 0) -> Array:
    """The matrix with zeros below its k-th diagonal; leading axes are batches.

    Raises ShapeError for rank < 2.

    >>> triu(np.ones((2, 2))).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    x = _matrix("triu", m)
    return where(_lower(x.shape[-2], x.shape[-1], operator.index(k) - 1), cast(False, x.dtype), x)


def eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike = None) -> Array:
    """Ones on the k-th diagonal of an N x M matrix (M: N if not given), zeros elsewhere.

    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    columns = N if M is None else M
    on = equal(add(_indices(N, columns, 0), operator.index(k)), _indices(N, columns, 1))
    return convert(on, canonical(float if dtype is None else dtype))


def identity(n: int, dtype: DTypeLike = None) -> Array:
    """The n x n unit matrix.

    >>> identity(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype)


@one_program(1)
def diag(v: ArrayLike, k: int = 0) -> Array:
    """Of a vector, the matrix with it on the k-th diagonal; of a matrix, its k-th diagonal.

    Raises ShapeError for other ranks.

    >>> diag(np.array([1, 2])).tolist()
    [[1, 0], [0, 2]]
    """
    x, offset = as_array("diag", v), operator.index(k)
    if x.ndim == 2:
        return diagonal(x, offset)
    if x.ndim != 1:
        raise shape_error(f"diag: wanted a vector or a matrix, got {x.aval}")
    row = pad(x, (max(offset, 0), max(-offset, 0)))
    on = equal(add(_indices(row.size, row.size, 0), offset), _indices(row.size, row.size, 1))
    return where(on, row, cast(False, x.dtype))


def meshgrid(*xi: ArrayLike, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> list[Array]:
    """One array for each vector, in which it varies along its own axis; together the coordinates of a grid.

    `indexing` "xy": the first two axes are exchanged, as in pictures; "ij": as in matrices. `sparse` leaves axes at
    size 1.

    >>> [m.tolist() for m in meshgrid(np.arange(2), np.arange(2))]
    [[[0, 1], [0, 1]], [[0, 0], [1, 1]]]
    """
    if indexing not in ("xy", "ij"):
        raise argument_error(f"meshgrid: wanted an indexing of 'xy' or 'ij', got {indexing!r}")
    xs = [as_array("meshgrid", x) for x in xi]
    for x in xs:
        if x.ndim > 1:
            raise shape_error(f"meshgrid: wanted vectors, got {x.aval}")
    places = list(range(len(xs)))
    if indexing == "xy" and len(xs) > 1:
        places[:2] = [1, 0]
    sizes = [0] * len(xs)
    for place, x in zip(places, xs, strict=True):
        sizes[place] = x.size
    found = [reshape(x, [x.size if k == place else 1 for k in range(len(xs))])
             for place, x in zip(places, xs, strict=True)]
    return found if sparse else [stretch(x, tuple(sizes)) for x in found]
