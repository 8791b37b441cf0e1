"""Functions of complex numbers that their real parts compute: inverse circular and hyperbolic ones, `expm1`.

Branch cuts, signs of zeros and the values at infinities and NaN are those of C99, Annex G. Formulas: W. Kahan, Branch
cuts for complex elementary functions (1987); far from 0, where they would overflow, their first terms.
"""
from __future__ import annotations

import math

import numpy as np

from lantern.dtypes import F64
from lantern.lax.operands import DType, cast
from lantern.numpy.arithmetic import abs, add, divide, multiply, negative, sqrt, square, subtract
from lantern.numpy.float_parts import copysign, signbit
from lantern.numpy.logic import equal, isfinite, isinf, isnan, less, less_equal, logical_and, logical_not, where
from lantern.ops import elementwise
from lantern.ops.complex import complex, imag, real
from lantern.trace.array import Array


def _parts(z: Array) -> tuple[Array, Array]:
    return real(z), imag(z)


def _atan2(y: Array, x: Array) -> Array:
    return elementwise.atan2(y, x)


def _far(x: Array, y: Array, wide: float, narrow: float) -> Array:
    """Where a part is beyond a limit (that of float64, or of narrower ones) or no number: first terms suffice there."""
    limit = wide if x.dtype == F64 else narrow
    return logical_not(logical_and(less_equal(abs(x), limit), less_equal(abs(y), limit)))


def _root(x: Array, y: Array) -> tuple[Array, Array]:
    """The parts of sqrt(x + iy)."""
    return _parts(elementwise.sqrt(complex(x, y)))


def _log_of_double(x: Array, y: Array) -> Array:
    """log(2 |x + iy|)."""
    half = complex(multiply(x, 0.5), multiply(y, 0.5))
    return add(elementwise.log(elementwise.abs(half)), 2 * math.log(2))


def asinh_of_reals(v: Array) -> Array:
    """log1p(a + a*a / (1 + sqrt(a*a + 1))) of a = abs(v) is exact for small a; where 1 is lost beside a*a, log(a) +
    log(2). Not by `abs`, whose derivative at 0 is 0."""
    below = signbit(v)
    a = where(below, negative(v), v)
    far = less(root_of_precision(v.dtype), a)
    near = where(far, 1, a)
    squared = square(near)
    small = elementwise.log1p(add(near, divide(squared, add(1, sqrt(add(squared, 1))))))
    large = add(elementwise.log(where(far, a, 1)), math.log(2))
    found = where(far, large, small)
    return where(below, negative(found), found)


def root_of_precision(dtype: DType) -> float:
    """A number beside whose square 1 is lost."""
    return 1e8 if dtype == F64 else 1e4 if dtype.itemsize == 4 else 1e2


def arccos(z: Array) -> Array:
    """The angle whose cosine is z.

    >>> import lantern.numpy as jnp
    >>> arccos(jnp.array(0.5 + 1j)).item()
    (1.2213...-0.9261...j)
    """
    x, y = _parts(z)
    far = _far(x, y, 1e10, 1e5)
    near_x, near_y = where(far, 0, x), where(far, 0, y)
    a, b = _root(subtract(1, near_x), negative(near_y))
    c, d = _root(add(1, near_x), near_y)
    angle = where(far, _atan2(abs(y), x), multiply(2, _atan2(a, c)))
    size = where(far, copysign(_log_of_double(x, y), negative(y)),
                 asinh_of_reals(subtract(multiply(c, b), multiply(d, a))))
    on_axis = logical_and(equal(x, 0), isnan(y))
    return complex(where(on_axis, cast(math.pi / 2, x.dtype), angle), size)


def arccosh(z: Array) -> Array:
    """The number whose hyperbolic cosine is z, its real part not negative.

    >>> import lantern.numpy as jnp
    >>> arccosh(jnp.array(0.5 + 1j)).item()
    (0.9261...+1.2213...j)
    """
    x, y = _parts(z)
    far = _far(x, y, 1e10, 1e5)
    near_x, near_y = where(far, 0, x), where(far, 0, y)
    a, b = _root(subtract(near_x, 1), near_y)
    c, d = _root(add(near_x, 1), near_y)
    size = where(far, _log_of_double(x, y), asinh_of_reals(add(multiply(a, c), multiply(b, d))))
    angle = where(far, _atan2(y, x), multiply(2, _atan2(b, c)))
    on_axis = logical_and(equal(x, 0), isnan(y))
    return complex(size, where(on_axis, cast(math.pi / 2, x.dtype), angle))


def arcsinh(z: Array) -> Array:
    """The number whose hyperbolic sine is z.

    >>> import lantern.numpy as jnp
    >>> arcsinh(jnp.array(0.5 + 1j)).item()
    (0.7328...+0.8959...j)
    """
    x, y = _parts(z)
    far = _far(x, y, 1e10, 1e5)
    near_x, near_y = where(far, 0, x), where(far, 0, y)
    a, b = _root(add(1, near_y), negative(near_x))
    c, d = _root(subtract(1, near_y), near_x)
    size = where(far, copysign(_log_of_double(x, y), x), asinh_of_reals(subtract(multiply(a, d), multiply(c, b))))
    angle = where(far, _atan2(y, abs(x)), _atan2(near_y, subtract(multiply(a, c), multiply(b, d))))
    on_axis = logical_and(isnan(x), equal(y, 0))
    return complex(size, where(on_axis, y, angle))


def arcsin(z: Array) -> Array:
    """The angle whose sine is z: -i arcsinh(i z).

    >>> import lantern.numpy as jnp
    >>> arcsin(jnp.array(0.5 + 1j)).item()
    (0.3494...+0.9261...j)
    """
    x, y = _parts(z)
    found = arcsinh(complex(negative(y), x))
    return complex(imag(found), negative(real(found)))


def arctanh(z: Array) -> Array:
    """The number whose hyperbolic tangent is z.

    >>> import lantern.numpy as jnp
    >>> arctanh(jnp.array(0.5 + 1j)).item()
    (0.2388...+0.8475...j)
    """
    signed_x, signed_y = _parts(z)
    side = copysign(cast(1.0, signed_x.dtype), signed_x)
    x, y = abs(signed_x), multiply(signed_y, side)
    far = _far(x, y, 1e150, 1e18)
    near_x, near_y = where(far, 0, x), where(far, 0, y)
    beside = subtract(1, near_x)
    distance = add(square(beside), square(near_y))
    size = multiply(elementwise.log1p(divide(multiply(4, near_x), distance)), 0.25)
    turn = _atan2(multiply(-2, near_y), subtract(multiply(beside, add(1, near_x)), square(near_y)))
    infinite = isinf(x) | isinf(y)
    reach = elementwise.abs(complex(multiply(x, 0.5), multiply(y, 0.5)))
    tail = divide(divide(multiply(x, 0.25), reach), reach)
    nothing = infinite | logical_and(equal(x, 0), isnan(y))
    lost = logical_and(isnan(x), logical_not(isinf(y)))
    quarter = where(isnan(y), y, copysign(cast(math.pi / 2, y.dtype), y))
    size = where(far, where(nothing, cast(0.0, x.dtype), tail), size)
    angle = where(far, where(lost, cast(np.nan, x.dtype), quarter), multiply(turn, -0.5))
    return complex(multiply(size, side), multiply(angle, side))


def arctan(z: Array) -> Array:
    """The angle whose tangent is z: -i arctanh(i z).

    >>> import lantern.numpy as jnp
    >>> arctan(jnp.array(0.5 + 1j)).item()
    (0.9078...+0.7083...j)
    """
    x, y = _parts(z)
    found = arctanh(complex(negative(y), x))
    return complex(imag(found), negative(real(found)))


def expm1(z: Array) -> Array:
    """exp(z) - 1, exact for small z: expm1(x) cos(y) - 2 sin(y / 2)**2 + i exp(x) sin(y).

    >>> import lantern.numpy as jnp
    >>> expm1(jnp.array(0.5 + 1j)).item()
    (-0.109...+1.3873...j)
    """
    x, y = _parts(z)
    turning = isfinite(y)
    across = square(elementwise.sin(multiply(y, 0.5)))
    along = subtract(multiply(elementwise.expm1(x), elementwise.cos(y)), multiply(2, across))
    along = add(along, 0.0)         # a zero is +0, whatever the signs in z
    up = multiply(elementwise.exp(x), elementwise.sin(y))
    end = logical_and(isinf(x), logical_not(turning))
    up = where(logical_and(equal(y, 0), logical_not(isfinite(x))), y, up)
    up = where(logical_and(end, less(x, 0)), cast(0.0, x.dtype), up)
    return complex(where(end, where(less(x, 0), cast(-1.0, x.dtype), x), along), up)


def completed(z: Array, along: Array, up: Array, end: Array) -> Array:
    """along + i up, in each part the product of a function of x and one of y; a zero or an infinity of one decides over
    the infinity or NaN of the other. `end`: the real part at x = +-inf where y has no direction."""
    x, y = _parts(z)
    still, turning = isfinite(x), isfinite(y)
    along = where(logical_and(isinf(x), logical_not(turning)), end, along)
    up = where(logical_and(equal(y, 0), logical_not(still)), y, up)
    return complex(along, up)


def sinh(z: Array, sinh_x: Array, cosh_x: Array) -> Array:
    """The hyperbolic sine, of those of the real part: sinh(x) cos(y) + i cosh(x) sin(y)."""
    x, y = _parts(z)
    along, up = multiply(sinh_x, elementwise.cos(y)), multiply(cosh_x, elementwise.sin(y))
    return completed(z, where(_axis_ends(x, y), x, along), up, x)


def cosh(z: Array, sinh_x: Array, cosh_x: Array) -> Array:
    """The hyperbolic cosine, of those of the real part: cosh(x) cos(y) + i sinh(x) sin(y)."""
    x, y = _parts(z)
    along, up = multiply(cosh_x, elementwise.cos(y)), multiply(sinh_x, elementwise.sin(y))
    return completed(z, along, where(_axis_ends(x, y), x, up), abs(x))


def _axis_ends(x: Array, y: Array) -> Array:
    """On the imaginary axis, where it is infinite or NaN: one part of sinh and cosh is 0 there, too."""
    return logical_and(equal(x, 0), logical_not(isfinite(y)))
