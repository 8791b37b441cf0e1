"""Complex numbers and their parts under jax.lax's names."""
from __future__ import annotations

from lantern.lax.operands import ArrayLike, exact
from lantern.ops import complex as ops
from lantern.trace.array import Array


def real(x: ArrayLike) -> Array:
    """The real parts of complex numbers. Raises ShapeError for other dtypes.

    >>> import numpy as np
    >>> real(np.complex64([1 + 2j])).tolist()
    [1.0]
    """
    return ops.real(*exact(x, function="real"))


def imag(x: ArrayLike) -> Array:
    """The imaginary parts of complex numbers. Raises ShapeError for other dtypes.

    >>> import numpy as np
    >>> imag(np.complex64([1 + 2j])).tolist()
    [2.0]
    """
    return ops.imag(*exact(x, function="imag"))


def conj(x: ArrayLike) -> Array:
    """The conjugates of complex numbers. Raises ShapeError for other dtypes.

    >>> import numpy as np
    >>> conj(np.complex64([1 + 2j])).tolist()
    [(1-2j)]
    """
    return ops.conj(*exact(x, function="conj"))


def complex(x: ArrayLike, y: ArrayLike) -> Array:
    """x + iy, of floats of 32 or 64 bits. Raises ShapeError for other dtypes and for different shapes.

    >>> import numpy as np
    >>> complex(np.float32([1]), np.float32([2])).tolist()
    [(1+2j)]
    """
    return ops.complex(*exact(x, y, function="complex"))
