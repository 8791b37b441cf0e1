"""Complex numbers and their parts.

Cotangents follow JAX: products are not conjugated, so the gradient of a real function of z = x + iy is d/dx - i d/dy.
"""
from __future__ import annotations

from collections.abc import Sequence

from lantern.dtypes import complex_dtype, real_dtype
from lantern.lower.expr import ScalarOp
from lantern.ops.build import COMPLEX, PARTS, call, is_linear
from lantern.ops.pointwise import elementwise, linear_in_each, neg
from lantern.trace.primitive import Tangent, Value


def _complex_transpose(cts: Sequence[Tangent], args: Sequence[Value]) -> Sequence[Value | None]:
    x, y = args
    return [real(cts[0]) if is_linear(x) else None, neg(imag(cts[0])) if is_linear(y) else None]


real_p = elementwise("real", ScalarOp.REAL, [lambda g, y, z: real(g)], accepts=COMPLEX, result=real_dtype,
                     transpose=linear_in_each(lambda ct: complex(ct, 0)))
imag_p = elementwise("imag", ScalarOp.IMAG, [lambda g, y, z: imag(g)], accepts=COMPLEX, result=real_dtype,
                     transpose=linear_in_each(lambda ct: complex(0, neg(ct))))
conj_p = elementwise("conj", ScalarOp.CONJ, [lambda g, y, z: conj(g)], accepts=COMPLEX,
                     transpose=linear_in_each(lambda ct: conj(ct)))
complex_p = elementwise("complex", ScalarOp.COMPLEX, [lambda g, z, x, y: complex(g, 0),
                                                      lambda g, z, x, y: complex(0, g)],
                        accepts=PARTS, result=complex_dtype, transpose=_complex_transpose)


def real(z: Value) -> Value:
    """The real parts of complex numbers.

    >>> import numpy as np
    >>> real(np.complex64([1 + 2j])).tolist()
    [1.0]
    """
    return call(real_p, z)


def imag(z: Value) -> Value:
    """The imaginary parts of complex numbers.

    >>> import numpy as np
    >>> imag(np.complex64([1 + 2j])).tolist()
    [2.0]
    """
    return call(imag_p, z)


def conj(z: Value) -> Value:
    """Complex numbers with the sign of their imaginary parts changed."""
    return call(conj_p, z)


def complex(x: Value, y: Value) -> Value:
    """x + iy, of two floats of 32 or of 64 bits.

    >>> import numpy as np
    >>> complex(np.float32([1]), np.float32([2])).tolist()
    [(1+2j)]
    """
    return call(complex_p, x, y)
