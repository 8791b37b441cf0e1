"""Element types under NumPy's names, questions about them, and constants."""
from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import ml_dtypes
import numpy as np

from lantern.dtypes import (
    KEY,
    bf16,
    c64,
    c128,
    canonical,
    element_type,
    f16,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    is_float,
    is_integer,
    promote,
    real_dtype,
    u8,
    u16,
    u32,
    u64,
)
from lantern.dtypes import bool_ as bool_
from lantern.lax.operands import DType, DTypeLike, argument_error, as_sequence, kind_of, operand, type_error
from lantern.trace.array import Array

int8, int16, int32, int64 = i8, i16, i32, i64
uint8, uint16, uint32, uint64 = u8, u16, u32, u64
float16, bfloat16, float32, float64 = f16, bf16, f32, f64
complex64, complex128 = c64, c128
half, single, double, csingle, cdouble = f16, f32, f64, c64, c128

pi, e, inf, nan = math.pi, math.e, math.inf, math.nan
newaxis = None
ndarray = Array

generic, number, integer, signedinteger = np.generic, np.number, np.integer, np.signedinteger
unsignedinteger, inexact, floating = np.unsignedinteger, np.inexact, np.floating
complexfloating = np.complexfloating
_KINDS = (generic, number, integer, signedinteger, unsignedinteger, inexact, floating, complexfloating)


def dtype(x: DTypeLike) -> DType:
    """The NumPy dtype that a marker, a name or a NumPy type means.

    >>> dtype(float32)
    dtype('float32')
    """
    return element_type(x)


@dataclass(frozen=True, slots=True)
class FloatInfo:
    """The limits of a floating point dtype. All are Python numbers, so that they stand beside arrays of any dtype."""

    dtype: DType
    bits: int
    eps: float
    epsneg: float
    max: float
    min: float
    smallest_normal: float
    smallest_subnormal: float
    tiny: float
    resolution: float
    precision: int
    nmant: int
    nexp: int
    machep: int
    negep: int
    minexp: int
    maxexp: int


def finfo(dtype: DTypeLike) -> FloatInfo:
    """The limits of a floating point dtype (or of an array's): max, min, eps, tiny, bits, ... Those of a complex dtype
    are those of its parts. They are Python numbers.

    Raises TypeError for other dtypes.

    >>> finfo("float32").eps
    1.1920928955078125e-07
    """
    module: Any = ml_dtypes
    found = real_dtype(canonical(dtype))
    if not is_float(found):
        raise type_error(f"finfo: wanted a floating point dtype, got {found}", "Use iinfo for integers.")
    limits = module.finfo(found)
    numbers: dict[str, Any] = {f.name: (float if f.type == "float" else int)(getattr(limits, f.name))
                               for f in fields(FloatInfo)[1:]}
    return FloatInfo(found, **numbers)


def iinfo(dtype: DTypeLike) -> Any:
    """The limits of an integer dtype (or of an array's): max, min, bits.

    Raises TypeError for other dtypes.

    >>> iinfo("int8").max
    127
    """
    found = canonical(dtype)
    if not is_integer(found):
        raise type_error(f"iinfo: wanted an integer dtype, got {found}", "Use finfo for floats.")
    return np.iinfo(found)


def issubdtype(arg1: DTypeLike, arg2: DTypeLike) -> bool:
    """Whether a dtype is of a kind (`floating`, `integer`, ...) or equal to another. bfloat16 is a `floating`.

    >>> issubdtype(bfloat16, floating), issubdtype("int32", floating)
    (True, False)
    """
    first = element_type(arg1)
    if arg2 not in _KINDS:
        return first == element_type(arg2)
    if first is KEY:
        return False
    if is_float(first):
        return arg2 in (floating, inexact, number, generic)
    return bool(np.issubdtype(first, arg2))


def can_cast(from_: Any, to: DTypeLike, casting: str = "safe") -> bool:
    """Whether every value of a dtype has a place in another: NumPy's rule, which bfloat16 follows as a float that holds
    8 bits and that float32 holds.

    `casting`: "no", "equiv", "safe", "same_kind" or "unsafe". Raises ArgumentError for another word.

    >>> can_cast("int8", "float32"), can_cast("float32", bfloat16), can_cast(bfloat16, "float32")
    (True, False, True)
    """
    if casting not in ("no", "equiv", "safe", "same_kind", "unsafe"):
        raise argument_error(f"can_cast: wanted no, equiv, safe, same_kind or unsafe, got {casting!r}")
    return bool(np.can_cast(_kind(from_)[0], canonical(to), casting))     # pyright: ignore[reportArgumentType]


def promote_types(a: DTypeLike, b: DTypeLike) -> DType:
    """The dtype in which arrays of two dtypes meet.

    >>> promote_types("int32", "float16")
    dtype('float16')
    """
    return promote([(canonical(a), False), (canonical(b), False)])[0]


def result_type(*args: Any) -> DType:
    """The dtype in which arrays, Python numbers (weak) and dtypes meet.

    >>> result_type(np.float16(1), 2.0)
    dtype('float16')
    """
    return promote([_kind(x) for x in args])[0]


def _kind(x: Any) -> tuple[DType, bool]:
    if isinstance(x, (str, np.dtype, type)):
        return canonical(x), False      # pyright: ignore[reportUnknownArgumentType]
    return kind_of(operand("result_type", x))


def isscalar(element: Any) -> bool:
    """Whether it is a number or an array of rank 0.

    >>> isscalar(2.0), isscalar(np.zeros(1))
    (True, False)
    """
    if isinstance(element, (Array, np.ndarray)):
        return element.ndim == 0
    return isinstance(element, (bool, int, float, complex, np.generic))


def isdtype(dtype: DTypeLike, kind: Any) -> bool:
    """Whether a dtype is of a kind: "bool", "signed integer", "unsigned integer", "integral", "real floating",
    "complex floating", "numeric", a dtype, or a tuple of these.

    Raises ValueError for another kind.

    >>> isdtype("int8", "integral")
    True
    """
    found = element_type(dtype)
    letters = {"bool": "b", "signed integer": "i", "unsigned integer": "u", "integral": "iu", "real floating": "f",
               "complex floating": "c", "numeric": "iufc"}
    kinds = as_sequence(kind)
    for k in kinds:
        if isinstance(k, str) and k not in letters and not hasattr(np, k):
            raise ValueError(f"isdtype: no kind is called {k!r}; there are {', '.join(letters)}")
    letter = "f" if is_float(found) else found.kind
    return any(letter in letters[k] if isinstance(k, str) and k in letters else found == element_type(k) for k in kinds)

