"""Functions of floats, element by element: exponentials, logarithms, circular and hyperbolic functions.

Integers and bools become floats first.
"""
from __future__ import annotations

import math

import numpy as np

from lantern.dtypes import F32, is_complex, is_float
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, array, inexact, promoted, type_error
from lantern.numpy import complex_functions as of_complex
from lantern.numpy.arithmetic import abs, add, divide, maximum, minimum, multiply, sqrt, square, subtract
from lantern.numpy.element_types import finfo
from lantern.numpy.logic import equal, greater_equal, isinf, isnan, less, logical_or, where
from lantern.ops import elementwise
from lantern.ops.complex import complex, imag, real
from lantern.ops.convert import convert
from lantern.trace.array import Array
from lantern.trace.context import typeof


@one_program(1)
def exp(x: ArrayLike, /) -> Array:
    """e ** x.

    >>> exp(0.0).item()
    1.0
    """
    return elementwise.exp(inexact("exp", x))


@one_program(1)
def exp2(x: ArrayLike, /) -> Array:
    """2 ** x.

    >>> exp2(3).item()
    8.0
    """
    two, y = promoted("exp2", 2.0, inexact("exp2", x))
    return elementwise.pow(two, y)


@one_program(1)
def expm1(x: ArrayLike, /) -> Array:
    """exp(x) - 1, exact for small x.

    >>> expm1(0.0).item()
    0.0
    """
    a = inexact("expm1", x)
    return of_complex.expm1(a) if is_complex(a.dtype) else elementwise.expm1(a)


@one_program(1)
def log(x: ArrayLike, /) -> Array:
    """The natural logarithm; -inf at 0, NaN below.

    >>> log(1.0).item()
    0.0
    """
    return elementwise.log(inexact("log", x))


@one_program(1)
def log2(x: ArrayLike, /) -> Array:
    """The logarithm to base 2.

    >>> log2(8.0).item()
    3.0
    """
    return divide(elementwise.log(inexact("log2", x)), math.log(2))


@one_program(1)
def log10(x: ArrayLike, /) -> Array:
    """The logarithm to base 10.

    >>> round(log10(100.0).item(), 5)
    2.0
    """
    return divide(elementwise.log(inexact("log10", x)), math.log(10))


@one_program(1)
def log1p(x: ArrayLike, /) -> Array:
    """log(1 + x), exact for small x.

    >>> log1p(0.0).item()
    0.0
    """
    return elementwise.log1p(inexact("log1p", x))


@one_program(1)
def sin(x: ArrayLike, /) -> Array:
    """The sine of x in radians.

    >>> sin(0.0).item()
    0.0
    """
    return elementwise.sin(inexact("sin", x))


@one_program(1)
def cos(x: ArrayLike, /) -> Array:
    """The cosine of x in radians.

    >>> cos(0.0).item()
    1.0
    """
    return elementwise.cos(inexact("cos", x))


@one_program(1)
def tan(x: ArrayLike, /) -> Array:
    """The tangent of x in radians.

    >>> tan(0.0).item()
    0.0
    """
    return elementwise.tan(inexact("tan", x))


@one_program(1)
def arcsin(x: ArrayLike, /) -> Array:
    """The angle in [-pi/2, pi/2] whose sine is x; of real numbers outside [-1, 1] NaN.

    >>> arcsin(0.0).item()
    0.0
    """
    a = inexact("arcsin", x)
    if is_complex(a.dtype):
        return of_complex.arcsin(a)
    return elementwise.atan2(a, sqrt(multiply(subtract(1, a), add(1, a))))


@one_program(1)
def arccos(x: ArrayLike, /) -> Array:
    """The angle in [0, pi] whose cosine is x; of real numbers outside [-1, 1] NaN.

    >>> arccos(1.0).item()
    0.0
    """
    a = inexact("arccos", x)
    if is_complex(a.dtype):
        return of_complex.arccos(a)
    return elementwise.atan2(sqrt(multiply(subtract(1, a), add(1, a))), a)


@one_program(1)
def arctan(x: ArrayLike, /) -> Array:
    """The angle in [-pi/2, pi/2] whose tangent is x.

    >>> arctan(0.0).item()
    0.0
    """
    a, one = promoted("arctan", inexact("arctan", x), 1.0)
    if is_complex(a.dtype):
        return of_complex.arctan(a)
    return elementwise.atan2(a, one)


@one_program(2)
def arctan2(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The angle in [-pi, pi] of the point (x2, x1).

    >>> arctan2(0.0, 1.0).item()
    0.0
    """
    a, b = promoted("arctan2", x1, x2, floats=True)
    return elementwise.atan2(a, b)


def asin(x: ArrayLike, /) -> Array:
    """As `arcsin`.

    >>> asin(0.0).item()
    0.0
    """
    return arcsin(x)


def acos(x: ArrayLike, /) -> Array:
    """As `arccos`.

    >>> acos(1.0).item()
    0.0
    """
    return arccos(x)


def atan(x: ArrayLike, /) -> Array:
    """As `arctan`.

    >>> atan(0.0).item()
    0.0
    """
    return arctan(x)


def atan2(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """As `arctan2`.

    >>> atan2(0.0, 1.0).item()
    0.0
    """
    return arctan2(x1, x2)


@one_program(1)
def sinh(x: ArrayLike, /) -> Array:
    """The hyperbolic sine, exact for small x.

    For small x, (m + m / (m + 1)) / 2 with m = expm1(x) loses nothing; for large x, exp(x + log(1/2)) overflows no
    sooner than the result.

    >>> sinh(0.0).item()
    0.0
    """
    a = inexact("sinh", x)
    if is_complex(a.dtype):
        return of_complex.sinh(a, sinh(real(a)), cosh(real(a)))
    if a.dtype.itemsize == 2:       # 30 - log(2) has no digits behind the point in bfloat16
        return convert(sinh(convert(a, F32)), a.dtype)
    near = less(abs(a), 1)
    m = elementwise.expm1(where(near, a, 0))
    small = multiply(0.5, add(m, divide(m, add(m, 1))))
    half = math.log(0.5)
    large = subtract(elementwise.exp(add(a, half)), elementwise.exp(subtract(half, a)))
    return where(near, small, large)


@one_program(1)
def cosh(x: ArrayLike, /) -> Array:
    """The hyperbolic cosine.

    >>> round(cosh(0.0).item(), 6)
    1.0
    """
    a, half = inexact("cosh", x), math.log(0.5)
    if is_complex(a.dtype):
        return of_complex.cosh(a, sinh(real(a)), cosh(real(a)))
    if a.dtype.itemsize == 2:       # as for `sinh`
        return convert(cosh(convert(a, F32)), a.dtype)
    return add(elementwise.exp(add(a, half)), elementwise.exp(subtract(half, a)))


@one_program(1)
def tanh(x: ArrayLike, /) -> Array:
    """The hyperbolic tangent.

    >>> tanh(0.0).item()
    0.0
    """
    return elementwise.tanh(inexact("tanh", x))


@one_program(1)
def arcsinh(x: ArrayLike, /) -> Array:
    """The inverse of `sinh`.

    >>> arcsinh(0.0).item()
    0.0
    """
    v = inexact("arcsinh", x)
    return of_complex.arcsinh(v) if is_complex(v.dtype) else of_complex.asinh_of_reals(v)


@one_program(1)
def arccosh(x: ArrayLike, /) -> Array:
    """The inverse of `cosh`, for x >= 1; of real numbers below NaN.

    >>> arccosh(1.0).item()
    0.0
    """
    v = inexact("arccosh", x)
    if is_complex(v.dtype):
        return of_complex.arccosh(v)
    far = less(of_complex.root_of_precision(v.dtype), v)
    t = subtract(where(far, 1, v), 1)
    # Two roots: t * (t + 2) is positive for x < -1, too.
    small = elementwise.log1p(add(t, multiply(sqrt(t), sqrt(add(t, 2)))))
    return where(far, add(elementwise.log(where(far, v, 1)), math.log(2)), small)


@one_program(1)
def arctanh(x: ArrayLike, /) -> Array:
    """The inverse of `tanh`: (log1p(x) - log1p(-x)) / 2; infinite at 1 and -1, of real numbers beyond NaN.

    >>> arctanh(0.0).item()
    0.0
    """
    a = inexact("arctanh", x)
    if is_complex(a.dtype):
        return of_complex.arctanh(a)
    return multiply(0.5, subtract(elementwise.log1p(a), elementwise.log1p(elementwise.neg(a))))


def asinh(x: ArrayLike, /) -> Array:
    """As `arcsinh`.

    >>> asinh(0.0).item()
    0.0
    """
    return arcsinh(x)


def acosh(x: ArrayLike, /) -> Array:
    """As `arccosh`.

    >>> acosh(1.0).item()
    0.0
    """
    return arccosh(x)


def atanh(x: ArrayLike, /) -> Array:
    """As `arctanh`.

    >>> atanh(0.0).item()
    0.0
    """
    return arctanh(x)


@one_program(2)
def hypot(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """sqrt(x1**2 + x2**2) without overflow on the way: the larger times sqrt(1 + ratio**2).

    >>> hypot(3.0, 4.0).item()
    5.0
    """
    a, b = promoted("hypot", x1, x2, floats=True)
    if is_complex(typeof(a).dtype):
        raise type_error(f"hypot: wanted real numbers, got {typeof(a)} and {typeof(b)}", "Take abs first.")
    infinite = logical_or(isinf(a), isinf(b))       # the answer even beside NaN
    large, small = where(infinite, np.inf, maximum(abs(a), abs(b))), minimum(abs(a), abs(b))
    plain = logical_or(equal(large, 0), infinite)
    ratio = divide(where(plain, 0, small), where(plain, 1, large))
    return where(plain, large, multiply(large, sqrt(add(1, square(ratio)))))


@one_program(2)
def logaddexp(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """log(exp(x1) + exp(x2)) without overflow: the larger plus log1p(exp(smaller - larger)).

    Where the larger one is infinite or NaN, it is the answer. The two are chosen, not computed with abs and maximum: so
    derivatives of every order hold where they are equal, too.

    >>> round(logaddexp(0.0, 0.0).item(), 6)
    0.693147
    """
    a, b = promoted("logaddexp", x1, x2, floats=True)
    ordered = logical_or(greater_equal(a, b), isnan(a))
    larger, smaller = where(ordered, a, b), where(ordered, b, a)
    infinite = isinf(larger)
    distance = subtract(where(infinite, 0, smaller), where(infinite, 0, larger))
    return where(infinite, larger, add(larger, log1p(exp(distance))))


@one_program(2)
def logaddexp2(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """log2(2**x1 + 2**x2) without overflow.

    >>> logaddexp2(1.0, 1.0).item()
    2.0
    """
    a, b = promoted("logaddexp2", x1, x2, floats=True)
    return divide(logaddexp(multiply(a, math.log(2)), multiply(b, math.log(2))), math.log(2))


@one_program(1)
def deg2rad(x: ArrayLike, /) -> Array:
    """Degrees as radians.

    >>> round(deg2rad(180.0).item(), 5)
    3.14159
    """
    return multiply(inexact("deg2rad", x), math.pi / 180)


@one_program(1)
def rad2deg(x: ArrayLike, /) -> Array:
    """Radians as degrees.

    >>> round(rad2deg(np.pi).item(), 3)
    180.0
    """
    return multiply(inexact("rad2deg", x), 180 / math.pi)


@one_program(1)
def nan_to_num(x: ArrayLike, copy: bool = True, nan: ArrayLike = 0.0, posinf: ArrayLike | None = None,
               neginf: ArrayLike | None = None) -> Array:
    """x with NaN and infinities replaced: by `nan`, and by the largest and smallest finite numbers where not given.

    `copy` is there for NumPy's sake; arrays are immutable.

    >>> nan_to_num(np.array([np.nan, 1.0])).tolist()
    [0.0, 1.0]
    """
    a = array("nan_to_num", x)
    if is_complex(a.dtype):
        return complex(*[nan_to_num(part(a), copy, nan, posinf, neginf) for part in (real, imag)])
    if not is_float(a.dtype):
        return a
    largest = float(finfo(a.dtype).max)
    found = where(isnan(a), nan, a)
    found = where(equal(a, np.inf), largest if posinf is None else posinf, found)
    return where(equal(a, -np.inf), -largest if neginf is None else neginf, found)
