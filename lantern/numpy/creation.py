"""New arrays: from Python and NumPy data, filled with a number, triangles and diagonals. `device` says where."""
from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.exceptions import ComplexWarning

from lantern.backends.array import DeviceArray
from lantern.devices import DeviceLike, default_device
from lantern.dtypes import BOOL, canonical, is_complex, is_inexact, is_integer, python_dtype, short_name
from lantern.eager import one_program
from lantern.lax.operands import (
    ArrayLike,
    DType,
    DTypeLike,
    ShapeLike,
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
    type_error,
)
from lantern.lax.operands import array as as_array
from lantern.lower.scalar import convert as host_convert
from lantern.numpy.arithmetic import add
from lantern.numpy.indexing import diagonal
from lantern.numpy.joining import pad, stack
from lantern.numpy.logic import equal, greater_equal, where
from lantern.numpy.shaping import broadcast_to, reshape
from lantern.ops import shape as ops
from lantern.ops.broadcast import broadcast_in_dim
from lantern.ops.broadcast import full as filled
from lantern.ops.convert import convert
from lantern.trace.array import Array
from lantern.trace.jaxpr import Literal, literal
from lantern.transfer import device_put


def on(device: DeviceLike, make: Callable[..., Array], *args: Any) -> Array:
    """What `make` gives, made and placed on a device; a traced result stays where its trace is."""
    with default_device(device) as place:
        return device_put(make(*args), place)


def asarray(a: Any, dtype: DTypeLike = None, order: str | None = None, *, copy: bool | None = None,
            device: DeviceLike | None = None) -> Array:
    """An Array of what is given: an array, a NumPy array, a number, nested lists of these.

    Without `dtype`, 64-bit NumPy values become 32-bit (an integer that does not fit raises OverflowError); a `dtype` is
    honoured, 64 bits too. Python numbers get the default dtype of their kind and stay weak. Raises TypeError for what
    is no array, ShapeError for lists of unequal lengths. With copy=False, ValueError for what cannot be an Array as it
    is. `order` is there for NumPy's sake: arrays have no layout.

    >>> asarray([1, 2.5]).dtype
    dtype('float32')
    """
    if copy is False and not (is_array(a) and (dtype is None or a.dtype == canonical(dtype))):
        raise ValueError(f"asarray: {type(a).__name__} cannot be an array{'' if dtype is None else f' of {dtype}'} "
                         "without a copy; leave out copy=False")
    return _asarray(a, dtype) if device is None else on(device, _asarray, a, dtype)


def _asarray(a: Any, dtype: DTypeLike) -> Array:
    wanted = None if dtype is None else canonical(dtype)
    if isinstance(a, (list, tuple)):
        return _from_lists(a, wanted)       # pyright: ignore[reportUnknownArgumentType]
    if wanted is None:
        return as_array("asarray", a)
    if is_host_array(a):
        return constant(np.asarray(host_convert(_of_numbers(np.asarray(a)), wanted)))
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
    if is_integer(dtype) and _of_numbers(values).dtype.kind in "iuO" and values.size:
        bounds = np.iinfo(dtype)
        for extreme in (int(values.min()), int(values.max())):
            if not bounds.min <= extreme <= bounds.max:
                raise OverflowError(f"asarray: {extreme} does not fit into {short_name(dtype)}")
    return constant(host_convert(_of_numbers(values), dtype))


def _of_numbers(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array itself. Raises TypeError for strings and for objects that are no numbers: NumPy would read them, and
    None as NaN."""
    if values.dtype.kind not in "OSU":
        return values
    for value in values.flat:
        if not isinstance(value, (bool, int, float, complex, np.number)):
            raise type_error(f"asarray: wanted numbers, got {type(value).__name__}")
    return values


def _holds_arrays(a: Any) -> bool:
    if isinstance(a, (list, tuple)):
        return any(_holds_arrays(x) for x in a)       # pyright: ignore[reportUnknownVariableType]
    return hasattr(a, "__lantern_array__") or is_array(a)


def array(object: Any, dtype: DTypeLike = None, copy: bool = True, order: str | None = "K", ndmin: int = 0, *,
          device: DeviceLike | None = None) -> Array:
    """As `asarray`, with at least `ndmin` axes. `copy` is there for NumPy's sake: arrays are immutable.

    >>> array([1, 2], ndmin=2).shape
    (1, 2)
    """
    found = asarray(object, dtype, device=device)
    return reshape(found, (1,) * (ndmin - found.ndim) + found.shape) if ndmin > found.ndim else found


def copy(a: ArrayLike, order: str | None = None) -> Array:
    """The array itself: arrays are immutable.

    >>> copy(np.arange(2)).tolist()
    [0, 1]
    """
    return as_array("copy", a)


def astype(x: ArrayLike, dtype: DTypeLike, /, *, copy: bool = False, device: DeviceLike | None = None) -> Array:
    """The values in another dtype. Floats become integers by truncation and saturate, NaN becomes 0; integers wrap; all
    but 0 is True. Complex numbers lose their imaginary part, with a ComplexWarning.

    >>> astype(np.array([1.7, -1.7]), "int32").tolist()
    [1, -1]
    """
    found, wanted = as_array("astype", x), canonical(dtype)
    if is_complex(found.dtype) and not is_complex(wanted) and wanted != BOOL:
        warnings.warn(f"astype: {found.aval} loses its imaginary part in {short_name(wanted)}; take lantern.numpy.real "
                      "first", ComplexWarning, stacklevel=2)
    made = convert(found, wanted)
    return made if device is None else device_put(made, device)


def _filled(shape: tuple[int, ...], value: bool | int | float, dtype: DType) -> Array:
    found = filled(shape, value, dtype)
    return constant(found) if isinstance(found, Literal) else found


def zeros(shape: ShapeLike, dtype: DTypeLike = None, *, device: DeviceLike | None = None) -> Array:
    """Zeros, float32 unless asked otherwise.

    >>> zeros((2,)).tolist()
    [0.0, 0.0]
    """
    wanted, sizes = canonical(float if dtype is None else dtype), canonical_shape("zeros", shape)
    return _filled(sizes, 0, wanted) if device is None else on(device, _filled, sizes, 0, wanted)


def ones(shape: ShapeLike, dtype: DTypeLike = None, *, device: DeviceLike | None = None) -> Array:
    """Ones, float32 unless asked otherwise.

    >>> ones((2,)).tolist()
    [1.0, 1.0]
    """
    wanted, sizes = canonical(float if dtype is None else dtype), canonical_shape("ones", shape)
    return _filled(sizes, 1, wanted) if device is None else on(device, _filled, sizes, 1, wanted)


def empty(shape: ShapeLike, dtype: DTypeLike = None, *, device: DeviceLike | None = None) -> Array:
    """As `zeros`: no array is left undefined.

    >>> empty((2,)).tolist()
    [0.0, 0.0]
    """
    return zeros(shape, dtype, device=device)


def full(shape: ShapeLike, fill_value: ArrayLike, dtype: DTypeLike = None, *,
         device: DeviceLike | None = None) -> Array:
    """An array of one value, in that value's dtype unless asked otherwise; an array as value is broadcast.

    Raises ShapeError if such an array does not fit the shape.

    >>> full((2,), 7).tolist()
    [7, 7]
    """
    if device is not None:
        return on(device, full, shape, fill_value, dtype)
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


def _place(a: Any, device: DeviceLike | None) -> DeviceLike | None:
    """Where something like `a` is made: on its device, if somebody placed it there."""
    return a.device if device is None and type(a) is DeviceArray and not a.loose else device


def zeros_like(a: ArrayLike, dtype: DTypeLike = None, shape: ShapeLike | None = None, *,
               device: DeviceLike | None = None) -> Array:
    """Zeros of a's shape and dtype.

    >>> zeros_like(np.arange(2)).tolist()
    [0, 0]
    """
    return zeros(*_like("zeros_like", a, dtype, shape), device=_place(a, device))


def ones_like(a: ArrayLike, dtype: DTypeLike = None, shape: ShapeLike | None = None, *,
              device: DeviceLike | None = None) -> Array:
    """Ones of a's shape and dtype.

    >>> ones_like(np.arange(2)).tolist()
    [1, 1]
    """
    return ones(*_like("ones_like", a, dtype, shape), device=_place(a, device))


def empty_like(prototype: ArrayLike, dtype: DTypeLike = None, shape: ShapeLike | None = None, *,
               device: DeviceLike | None = None) -> Array:
    """As `zeros_like`: no array is left undefined.

    >>> empty_like(np.arange(2)).tolist()
    [0, 0]
    """
    return zeros(*_like("empty_like", prototype, dtype, shape), device=_place(prototype, device))


def full_like(a: ArrayLike, fill_value: ArrayLike, dtype: DTypeLike = None, shape: ShapeLike | None = None, *,
              device: DeviceLike | None = None) -> Array:
    """An array of one value, of a's shape and dtype.

    >>> full_like(np.arange(2), 7).tolist()
    [7, 7]
    """
    target, wanted = _like("full_like", a, dtype, shape)
    return full(target, fill_value, wanted, device=_place(a, device))


def tri(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike = None) -> Array:
    """Ones on and below the k-th diagonal of an N x M matrix (M: N if not given), zeros above.

    >>> tri(2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    return convert(_lower(N, N if M is None else M, k), canonical(float if dtype is None else dtype))


def _indices(rows: int, columns: int, axis: int) -> Array:
    return ops.iota(np.dtype(np.int32), canonical_shape("tri", (rows, columns)), axis)


def _offset(rows: int, columns: int, k: int) -> int:
    """A diagonal's number, or that of the first one outside the matrix."""
    return min(max(operator.index(k), -operator.index(rows)), operator.index(columns))


def _lower(rows: int, columns: int, k: int) -> Array:
    """Whether column - row <= k."""
    return greater_equal(add(_indices(rows, columns, 0), _offset(rows, columns, k)), _indices(rows, columns, 1))


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


def eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike = None, *,
        device: DeviceLike | None = None) -> Array:
    """Ones on the k-th diagonal of an N x M matrix (M: N if not given), zeros elsewhere.

    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if device is not None:
        return on(device, eye, N, M, k, dtype)
    columns = N if M is None else M
    ones_at = equal(add(_indices(N, columns, 0), _offset(N, columns, k)), _indices(N, columns, 1))
    return convert(ones_at, canonical(float if dtype is None else dtype))


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
    inside = equal(add(_indices(row.size, row.size, 0), offset), _indices(row.size, row.size, 1))
    return where(inside, row, cast(False, x.dtype))
