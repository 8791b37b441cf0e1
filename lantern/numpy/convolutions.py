"""Convolutions and correlations of two vectors."""
from __future__ import annotations

from lantern.dtypes import canonical, is_complex
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, DTypeLike, argument_error, array, cast, common_dtype, shape_error
from lantern.lax.precision import PrecisionLike, check_precision
from lantern.ops import complex as parts
from lantern.ops import shape as ops
from lantern.ops.conv import Window, conv
from lantern.trace.array import Array

MODES = ("full", "same", "valid")


def _operands(function: str, a: ArrayLike, v: ArrayLike, mode: str, precision: PrecisionLike,
              preferred: DTypeLike) -> tuple[Array, Array]:
    x, y = array(function, a), array(function, v)
    check_precision(function, precision)
    if mode not in MODES:
        raise argument_error(f"{function}: mode must be 'full', 'same' or 'valid', got {mode!r}")
    if x.ndim != 1 or y.ndim != 1:
        raise shape_error(f"{function}: wanted two vectors (rank 1), got {x.aval} and {y.aval}",
                          "lax.conv_general_dilated convolves arrays of other ranks.")
    if not x.size or not y.size:
        raise shape_error(f"{function}: vectors must not be empty, got {x.aval} and {y.aval}")
    dtype = common_dtype([x, y], floats=True, function=function)[0] if preferred is None else canonical(preferred)
    return cast(x, dtype), cast(y, dtype)


def _slid(x: Array, kernel: Array, mode: str) -> Array:
    """The sums of products of the shorter vector at its places over the longer one; `same` keeps the middle ones."""
    if x.size < kernel.size:
        return ops.rev(_slid(kernel, x, mode), (0,))
    low, high = {"full": (kernel.size - 1, kernel.size - 1), "same": (kernel.size // 2, (kernel.size - 1) // 2),
                 "valid": (0, 0)}[mode]
    return conv(x, kernel, "x,x->x", [Window("x", 1, low, high)])


@one_program(2)
def convolve(a: ArrayLike, v: ArrayLike, mode: str = "full", *, precision: PrecisionLike = None,
             preferred_element_type: DTypeLike = None) -> Array:
    """The convolution of two vectors: element k is the sum of a[i] v[k - i] over all i.

    mode   "full": all max(M, N) + min(M, N) - 1 elements; "same": the max(M, N) in the middle; "valid": those for which
           the shorter vector lies within the longer one
    precision, preferred_element_type   as in `lax.conv_general_dilated`

    As in JAX, integers give floats. Raises ShapeError for operands that are no vectors or empty, ArgumentError for an
    unknown mode.

    >>> import numpy as np
    >>> convolve(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0])).tolist()
    [1.0, 12.0, 23.0, 30.0]
    """
    x, y = _operands("convolve", a, v, mode, precision, preferred_element_type)
    if x.size < y.size:
        x, y = y, x
    return _slid(x, ops.rev(y, (0,)), mode)


@one_program(2)
def correlate(a: ArrayLike, v: ArrayLike, mode: str = "valid", *, precision: PrecisionLike = None,
              preferred_element_type: DTypeLike = None) -> Array:
    """The correlation of two vectors: the sums of a[i + k] times the conjugate of v[i] over all i, for rising k.

    Modes and errors are those of `convolve`.

    >>> import numpy as np
    >>> correlate(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0])).tolist()
    [21.0, 32.0]
    """
    x, y = _operands("correlate", a, v, mode, precision, preferred_element_type)
    return _slid(x, parts.conj(y) if is_complex(y.dtype) else y, mode)
