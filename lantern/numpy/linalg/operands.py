"""What the functions of `lantern.numpy.linalg` accept: stacks of matrices, made floats."""
from __future__ import annotations

from typing import Any

from lantern.dtypes import is_complex
from lantern.lax.linalg.factors import check_line
from lantern.lax.operands import DType, common_dtype, inexact, inexact_dtype, type_error
from lantern.numpy.element_types import finfo
from lantern.ops.complex import conj
from lantern.ops.convert import convert
from lantern.ops.linalg_parts import FACTORED
from lantern.ops.shape import transpose
from lantern.trace.array import Array


def matrices(function: str, x: Any, square: bool = True) -> Array:
    """x as floats or complex numbers, its last two axes (square) matrices.

    Raises ShapeError for other shapes, TypeError for 16-bit floats.
    """
    found = inexact(function, x)
    check_line(function, found, square)
    if found.dtype not in FACTORED:
        raise type_error(f"{function}: wanted f32, f64, c64 or c128, got {found.aval}", "Convert it with astype.")
    return found


def together(function: str, a: Any, b: Any) -> tuple[Array, Array]:
    """Two operands as floats or complex numbers of one dtype."""
    x, y = inexact(function, a), inexact(function, b)
    dtype = inexact_dtype(common_dtype([x, y], function=function)[0])
    if dtype not in FACTORED:
        raise type_error(f"{function}: wanted f32, f64, c64 or c128, got {x.aval} and {y.aval}",
                         "Convert them with astype.")
    return convert(x, dtype), convert(y, dtype)


def transposed(x: Array) -> Array:
    """Each matrix transposed."""
    return transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def adjoint(x: Array) -> Array:
    """Each matrix transposed, its numbers conjugated."""
    return transposed(conj(x) if is_complex(x.dtype) else x)


def precision(dtype: DType) -> float:
    """The distance from 1 to the next number of a dtype's (real) kind."""
    return finfo(dtype).eps
