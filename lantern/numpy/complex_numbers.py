"""Complex numbers: their parts, conjugates and angles."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.dtypes import is_complex
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, array, kind_of, operand
from lantern.numpy.arithmetic import multiply
from lantern.numpy.logic import equal, not_equal
from lantern.numpy.ufuncs import arctan2
from lantern.ops import complex as ops
from lantern.ops.broadcast import full
from lantern.trace.array import Array


@one_program(1)
def real(val: ArrayLike, /) -> Array:
    """The real parts; real numbers themselves.

    >>> real(np.array([1 + 2j, 3])).tolist()
    [1.0, 3.0]
    """
    x = array("real", val)
    return ops.real(x) if is_complex(x.dtype) else x


@one_program(1)
def imag(val: ArrayLike, /) -> Array:
    """The imaginary parts; zeros for real numbers.

    >>> imag(np.array([1 + 2j, 3])).tolist()
    [2.0, 0.0]
    """
    x = array("imag", val)
    return ops.imag(x) if is_complex(x.dtype) else array("imag", full(x.shape, 0, x.dtype))


@one_program(1)
def conj(x: ArrayLike, /) -> Array:
    """The complex conjugates: imaginary parts with the other sign. Real numbers stay.

    >>> conj(np.array([1 + 2j])).tolist()
    [(1-2j)]
    """
    found = array("conj", x)
    return ops.conj(found) if is_complex(found.dtype) else found


def conjugate(x: ArrayLike, /) -> Array:
    """As `conj`.

    >>> conjugate(1j).item()
    -1j
    """
    return conj(x)


@one_program(1)
def angle(z: ArrayLike, deg: bool = False) -> Array:
    """The angle to the positive real axis, from -pi to pi; in degrees with `deg`.

    >>> angle(np.array([1j, -1.0]), deg=True).tolist()
    [90.0, 180.0]
    """
    found = arctan2(imag(z), real(z))
    return multiply(found, 180 / np.pi) if deg else found


@one_program(1)
def isreal(x: ArrayLike, /) -> Array:
    """Whether the imaginary part is 0.

    >>> isreal(np.array([1j, 1.0])).tolist()
    [False, True]
    """
    return equal(imag(x), 0)


@one_program(1)
def iscomplex(x: ArrayLike, /) -> Array:
    """Whether the imaginary part is not 0.

    >>> iscomplex(np.array([1j, 1.0])).tolist()
    [True, False]
    """
    return not_equal(imag(x), 0)


def iscomplexobj(x: Any) -> bool:
    """Whether x has a complex dtype, whatever its values are.

    >>> iscomplexobj(np.complex64(1)), iscomplexobj(1.0)
    (True, False)
    """
    return is_complex(kind_of(operand("iscomplexobj", x))[0])


def isrealobj(x: Any) -> bool:
    """Whether x has a dtype that is not complex.

    >>> isrealobj(np.complex64(1)), isrealobj(1.0)
    (False, True)
    """
    return not iscomplexobj(x)
