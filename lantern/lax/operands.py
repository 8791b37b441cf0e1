"""What the functions of `lantern.lax` and `lantern.numpy` accept, and how it becomes operands of primitives.

Arrays pass as they are. NumPy arrays and scalars take their default width (an integer that does not fit raises).
Python numbers stay Python numbers until the common dtype is known, then become literals, which are never broadcast.
"""
from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from lantern.config import strict_promotion
from lantern.devices import current_device, on_device
from lantern.dtypes import (
    BOOL,
    KEY,
    SHORT_NAMES,
    default,
    is_inexact,
    is_integer,
    no_numbers,
    promote,
    python_dtype,
    short_name,
    strict_clash,
    strict_error,
)
from lantern.errors import ArgumentError, AxisError, ShapeError
from lantern.lax.moving import check_moves
from lantern.ops.broadcast import broadcast_in_dim, broadcast_in_dim_p
from lantern.ops.convert import convert
from lantern.source import user_source
from lantern.trace.array import Array
from lantern.trace.array import is_array as is_array
from lantern.trace.array import is_host_array as is_host_array
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.constants import narrowed, unwrapped
from lantern.trace.context import EAGER, bind1, current
from lantern.trace.jaxpr import PLAIN, Literal, literal, misfit
from lantern.trace.primitive import Value

NumpyArray: TypeAlias = "np.ndarray[Any, Any]"
DType: TypeAlias = "np.dtype[Any]"


class SupportsLanternArray(Protocol):
    """A foreign object that knows how to become an array."""

    def __lantern_array__(self) -> Array:
        """The array that the object stands for."""
        ...


Number: TypeAlias = "bool | int | float | complex"        # stubs need it where a function is called complex
ArrayLike: TypeAlias = "Array | NumpyArray | np.generic | bool | int | float | complex | SupportsLanternArray"
DTypeLike: TypeAlias = Any
ShapeLike: TypeAlias = "int | Sequence[int]"
AxisLike: TypeAlias = "int | Sequence[int] | None"

# An operand before its dtype is settled: an Array, a NumPy array of a dtype that lantern has, a Python number, or (from
# one function of ours to another) a literal.
Operand: TypeAlias = "Array | NumpyArray | Literal | bool | int | float | complex"
_PLAIN = PLAIN | {Literal}


def as_sequence(x: Any) -> Sequence[Any]:
    """A tuple or list as it is, anything else as the one element of a tuple."""
    return x if isinstance(x, (tuple, list)) else (x,)      # pyright: ignore[reportUnknownVariableType]


def at_user_line() -> str:
    """`, at model.py:12 in loss`: the end of the first sentence of an error message."""
    source = user_source()
    return f", at {source}" if source is not None else ""


def _with_line(message: str, cure: str) -> str:
    return f"{message}{at_user_line()}." + (f" {cure}" if cure else "")


def shape_error(message: str, cure: str = "") -> ShapeError:
    """A ShapeError with the user's line between what happened and the cure."""
    return ShapeError(_with_line(message, cure))


def argument_error(message: str, cure: str = "") -> ArgumentError:
    """An ArgumentError with the user's line between what happened and the cure."""
    return ArgumentError(_with_line(message, cure))


def type_error(message: str, cure: str = "") -> TypeError:
    """A TypeError with the user's line between what happened and the cure."""
    return TypeError(_with_line(message, cure))


def operand(function: str, x: Any) -> Operand:
    """x as an Array, a NumPy array of a dtype that lantern has, or a plain Python number.

    Raises TypeError for a foreign type, and OverflowError for 64-bit integers that do not fit into 32 bits.

    >>> operand("add", np.arange(3.0)).dtype
    dtype('float32')
    """
    if is_array(x):
        check_moves(function, x)
        return x
    if type(x) in _PLAIN:
        return x
    if is_host_array(x):
        return host_array(function, np.asarray(x))
    if isinstance(x, (bool, int, float, complex)):      # a subclass, such as Dim
        return int(x) if isinstance(x, int) else float(x) if isinstance(x, float) else complex(x)
    foreign: Any = unwrapped(x)
    if foreign is not x:
        return operand(function, foreign)
    cure = "Convert it with lantern.numpy.asarray." if type(x) in (list, tuple) else ""
    raise type_error(f"{function}: wanted an array or a number, got {type(x).__name__}", cure)


def host_array(function: str, x: NumpyArray) -> NumpyArray:
    """A NumPy array in the default width of its dtype.

    >>> host_array("asarray", np.array([2**40]))
    Traceback (most recent call last):
    OverflowError: int64 array holds 1099511627776, which does not fit into int32; ...
    """
    dtype = default(x.dtype)
    if dtype == x.dtype:
        if dtype not in SHORT_NAMES:
            raise type_error(f"{function}: dtype {dtype} is not supported",
                             f"There are {', '.join(SHORT_NAMES.values())}.")
        return x
    return narrowed(x, dtype)


def kind_of(x: Operand) -> tuple[DType, bool]:
    """Dtype and weakness, as `promote` wants them."""
    if isinstance(x, (Array, Literal)):
        aval = x.aval
        return aval.dtype, aval.weak
    if isinstance(x, np.ndarray):
        return x.dtype, False
    return python_dtype(type(x)), type(x) is not bool


def shape_of(x: Operand) -> tuple[int, ...]:
    """Sizes of the axes; none for a number."""
    return x.shape if isinstance(x, (Array, np.ndarray)) else ()


def describe(x: Operand) -> str:
    """The operand's type as messages print it."""
    return str(shaped(shape_of(x), *kind_of(x)))


def cast(x: Operand, dtype: DType, weak: bool = False, function: str = "") -> Value:
    """x as an operand of this dtype; numbers and NumPy scalars become literals, `weak` or not.

    An array that has the dtype stays as it is, weak or not: beside a strong operand the result is strong.
    Raises OverflowError for a Python int that the dtype cannot hold, naming the function.
    """
    if isinstance(x, Array):
        return x if x.aval.dtype == dtype else convert(x, dtype, weak=weak)
    if dtype is KEY:
        raise no_numbers(function, f"{describe(x)} stands beside keys", "Make keys with lantern.random.key(seed)")
    if isinstance(x, Literal):
        return x if x.aval.dtype == dtype else Literal(x.value, shaped((), dtype, weak))
    if isinstance(x, np.ndarray):
        if x.dtype != dtype:
            with np.errstate(all="ignore"):
                x = x.astype(dtype)
        return x if x.ndim else Literal(x[()], shaped((), dtype, weak))
    if type(x) is float and not is_inexact(dtype):
        what = f"the Python float {x} stands beside {short_name(dtype)}, which cannot hold it"
        raise TypeError(misfit(function, what, "Convert the other operand with astype"))
    number = literal(x, dtype, function)
    return Literal(number.value, shaped((), dtype, True)) if weak else number


def array(function: str, x: Any) -> Array:
    """x as an Array; a Python number gets the default dtype of its kind and stays weak."""
    found = operand(function, x)
    return found if isinstance(found, Array) else constant(found)


def constant(x: Operand | Literal) -> Array:
    """A NumPy array, a Python number or a literal as an Array: outside any trace at once, on the current device."""
    if isinstance(x, bool):
        x = literal(x, BOOL)        # not weak
    value = x if isinstance(x, (np.ndarray, Array, Literal)) else literal(x)
    if current() is EAGER:
        return on_device(value, current_device(), loose=True)
    shape = () if isinstance(value, Literal) else value.shape
    return bind1(broadcast_in_dim_p, value, shape=shape, dims=tuple(range(len(shape))))


def inexact(function: str, x: Any) -> Array:
    """x as an Array of floats or complex numbers: integers and bool become the default float."""
    found = array(function, x)
    return found if is_inexact(found.dtype) else convert(found, python_dtype(float), weak=found.aval.weak)


def inexact_dtype(dtype: DType) -> DType:
    """The float dtype in which values of `dtype` are computed where the result cannot be an integer.

    >>> inexact_dtype(np.dtype("int8"))
    dtype('float32')
    """
    return dtype if is_inexact(dtype) else python_dtype(float)


def common_dtype(xs: Sequence[Operand], floats: bool = False, function: str = "") -> tuple[DType, bool]:
    """The dtype that operands meet in, and whether it is weak; `floats` makes integers floats, as weak as they were.

    Raises PromotionError in strict mode, naming the function and two operands of different dtypes.
    """
    kinds = [kind_of(x) for x in xs]
    if strict_promotion() and (clash := strict_clash(kinds)) is not None:
        raise strict_error(function, [describe(xs[k]) for k in clash])
    if any([d is KEY for d, _ in kinds]) and not all([d is KEY for d, _ in kinds]):
        raise no_numbers(function, f"{' and '.join([describe(x) for x in xs])} have no common dtype")
    dtype, weak = promote(kinds)
    return (python_dtype(float), weak) if floats and not is_inexact(dtype) else (dtype, weak)


def promoted(function: str, *xs: Any, floats: bool = False) -> list[Value]:
    """Operands of one dtype and one shape; literals stay beside them as they are.

    Raises ShapeError naming the function and the shapes if these cannot be broadcast together.
    """
    found = [operand(function, x) for x in xs]
    dtype, weak = common_dtype(found, floats, function)
    return broadcasted(function, [cast(x, dtype, weak, function) for x in found], found)


def broadcasted(function: str, values: Sequence[Value], shown: Sequence[Operand]) -> list[Value]:
    """Values stretched to their common shape, except literals; `shown` is what an error message describes."""
    shapes = [v.shape for v in values if type(v) is not Literal]
    if not shapes or all(s == shapes[0] for s in shapes):
        return list(values)
    shape = common_shape(function, shapes, shown)
    return [v if type(v) is Literal else stretch(v, shape) for v in values]


def common_shape(function: str, shapes: Sequence[tuple[int, ...]], shown: Sequence[Operand] = ()) -> tuple[int, ...]:
    """The shape that `shapes` broadcast to, by NumPy's rule.

    Raises ShapeError naming the function and the full shapes.
    """
    rank = max([len(s) for s in shapes], default=0)
    result: list[int] = []
    for sizes in zip(*[(1,) * (rank - len(s)) + s for s in shapes], strict=True):
        stretched = [n for n in sizes if n != 1]
        if any(n != stretched[0] for n in stretched):
            texts = [describe(x) for x in shown] or [str(s) for s in shapes]
            shown_shapes = f"{', '.join(texts[:-1])} and {texts[-1]}"
            raise shape_error(f"{function}: shapes {shown_shapes} cannot be broadcast together",
                              "Axes are aligned from the right and must be equal or 1.")
        result.append(stretched[0] if stretched else 1)
    return tuple(result)


def stretch(x: Value, shape: tuple[int, ...]) -> Value:
    """x broadcast to `shape`, whose last axes are those of x (axes of size 1 stretch)."""
    old: tuple[int, ...] = x.shape
    return x if old == shape else broadcast_in_dim(x, shape, tuple(range(len(shape) - len(old), len(shape))))


def canonical_shape(function: str, shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of Python ints; an int means rank 1.

    Raises ShapeError for a negative size or a size that is no integer.
    """
    try:
        single = hasattr(shape, "__index__") and not getattr(shape, "ndim", 0)      # arrays of any rank have __index__
        found = tuple([operator.index(n) for n in ((shape,) if single else shape)])
    except TypeError as error:
        if type(error) is not TypeError:        # an UnknownValueError says more
            raise
        raise shape_error(f"{function}: a shape is an int or a sequence of ints, got {shape!r}") from None
    if any(n < 0 for n in found):
        raise shape_error(f"{function}: sizes must not be negative, got {found}")
    return found


def whole(function: str, what: str, number: Any) -> int:
    """A Python int.

    Raises TypeError that names the function and the argument for what is no integer.
    """
    try:
        return operator.index(number)
    except TypeError as error:
        if type(error) is not TypeError:        # an UnknownValueError says more
            raise
        shown = f"an array of shape {number.shape}" if hasattr(number, "shape") else repr(number)
        raise type_error(f"{function}: {what} is an int, got {shown}") from None


def canonical_axis(function: str, axis: Any, aval: ShapedArray, rank: int | None = None) -> int:
    """An axis counted from the front. `rank` is that of the result, where it is not the operand's.

    Raises AxisError if the array has no such axis, TypeError for what is no integer.
    """
    number, count = whole(function, "an axis", axis), aval.ndim if rank is None else rank
    if not -count <= number < count:
        raise AxisError(_with_line(f"{function}: axis {number} is out of range for {aval} (rank {aval.ndim})", ""))
    return number % count


def canonical_axes(function: str, axis: Any, aval: ShapedArray, rank: int | None = None) -> tuple[int, ...]:
    """Axes counted from the front, in the order given; None means all.

    Raises AxisError for an axis that is out of range, ArgumentError for one that is given twice.
    """
    count = aval.ndim if rank is None else rank
    if axis is None:
        return tuple(range(count))
    found = tuple([canonical_axis(function, a, aval, rank) for a in as_sequence(axis)])
    if len(set(found)) != len(found):
        raise argument_error(f"{function}: axes must differ, got {axis} for {aval}")
    return found


def size_of(shape: Sequence[int]) -> int:
    """Number of elements."""
    return math.prod(shape)


def integer(function: str, x: Array) -> Array:
    """x itself if its dtype is an integer or bool.

    Raises TypeError for floats.
    """
    if not (is_integer(x.dtype) or x.dtype == BOOL):
        raise type_error(f"{function}: wanted integers or bool, got {x.aval}")
    return x


def exact(*xs: Any, function: str) -> list[Value]:
    """Operands of a primitive as they are: nothing is promoted or broadcast, but Python numbers take the dtype of the
    arrays beside them.

    >>> [v.dtype for v in exact(np.zeros(2), 1, function="add") if isinstance(v, np.ndarray)]
    [dtype('float32')]
    """
    found = [operand(function, x) for x in xs]
    arrays = [x for x in found if isinstance(x, (Array, np.ndarray))]
    dtype, weak = common_dtype(arrays[:1] or found)
    return [x if isinstance(x, (Array, np.ndarray)) else cast(x, dtype, weak, function) for x in found]
