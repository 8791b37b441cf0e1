"""Arithmetic, element by element: sums, products, quotients, powers, rounding, the larger and the smaller."""
from __future__ import annotations

import operator
from typing import Any

import numpy as np

from lantern.dtypes import BOOL, is_complex, is_float, is_inexact, python_dtype
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, array, cast, inexact, promoted, type_error
from lantern.ops import compare, elementwise
from lantern.ops import complex as parts
from lantern.ops.convert import convert
from lantern.trace.array import Array
from lantern.trace.context import typeof
from lantern.trace.primitive import Value


@one_program(2)
def add(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x + y; of bools, `or`.

    >>> add(np.arange(3), 0.5).tolist()
    [0.5, 1.5, 2.5]
    """
    a, b = promoted("add", x, y)
    return elementwise.or_(a, b) if typeof(a).dtype == BOOL else elementwise.add(a, b)


@one_program(2)
def subtract(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x - y. Raises TypeError for bools.

    >>> subtract(np.arange(3), 1).tolist()
    [-1, 0, 1]
    """
    a, b = promoted("subtract", x, y)
    if typeof(a).dtype == BOOL:
        raise type_error("subtract: wanted numbers, got bool and bool", "Use logical_xor.")
    return elementwise.sub(a, b)


@one_program(2)
def multiply(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x * y; of bools, `and`.

    >>> multiply(np.arange(3), 2).tolist()
    [0, 2, 4]
    """
    a, b = promoted("multiply", x, y)
    return elementwise.and_(a, b) if typeof(a).dtype == BOOL else elementwise.mul(a, b)


@one_program(2)
def divide(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x / y, a float: integers are converted first (int32 / int32 is float32).

    >>> divide(np.array([1, 2]), 4).tolist()
    [0.25, 0.5]
    """
    a, b = promoted("divide", x, y, floats=True)
    return elementwise.div(a, b)


def true_divide(x: ArrayLike, y: ArrayLike, /) -> Array:
    """As `divide`.

    >>> true_divide(1, 2).item()
    0.5
    """
    return divide(x, y)


def _numbers(function: str, x: Any, y: Any) -> tuple[Value, Value]:
    """Promoted operands; bools, which have no quotients and powers, become int32."""
    a, b = promoted(function, x, y)
    if typeof(a).dtype == BOOL:
        a, b = promoted(function, convert(a, python_dtype(int)), convert(b, python_dtype(int)))
    return a, b


@one_program(2)
def floor_divide(x: ArrayLike, y: ArrayLike, /) -> Array:
    """The quotient rounded towards minus infinity. For integers, x // 0 is 0.

    >>> floor_divide(np.array([7, -7]), 2).tolist()
    [3, -4]
    """
    a, b = _numbers("floor_divide", x, y)
    return elementwise.floordiv(a, b)


@one_program(2)
def remainder(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x - floor_divide(x, y) * y: it has the sign of y. For integers, x % 0 is 0.

    >>> remainder(np.array([7, -7]), 3).tolist()
    [1, 2]
    """
    a, b = _numbers("remainder", x, y)
    return elementwise.mod(a, b)


def mod(x: ArrayLike, y: ArrayLike, /) -> Array:
    """As `remainder`.

    >>> mod(-1, 3).item()
    2
    """
    return remainder(x, y)


@one_program(2)
def divmod(x: ArrayLike, y: ArrayLike, /) -> tuple[Array, Array]:
    """(floor_divide(x, y), remainder(x, y)).

    >>> [r.item() for r in divmod(-7, 2)]
    [-4, 1]
    """
    return floor_divide(x, y), remainder(x, y)


def power(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x ** y. A Python int as y is multiplied out, so that derivatives are exact; integers to integer powers wrap.

    An integer to a negative power is truncated: 0, except for the bases 1 and -1.

    >>> power(np.array([-2.0, 3.0]), 3).tolist()
    [-8.0, 27.0]
    """
    return _fixed_power(x, y) if type(y) is int else _power(x, y)


def pow(x: ArrayLike, y: ArrayLike, /) -> Array:
    """As `power`.

    >>> pow(2, 3).item()
    8
    """
    return power(x, y)


@one_program(1)
def _fixed_power(x: ArrayLike, exponent: int) -> Array:
    base = array("power", x)
    if (exponent > 0 and base.dtype != BOOL) or (exponent < 0 and is_inexact(base.dtype)):
        return elementwise.integer_pow(base, exponent)
    return _power(base, exponent)


@one_program(2)
def _power(x: ArrayLike, y: ArrayLike) -> Array:
    a, b = _numbers("power", x, y)
    return elementwise.pow(a, b)


@one_program(2)
def float_power(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x ** y computed with floats, also for integers.

    >>> float_power(2, -1).item()
    0.5
    """
    a, b = promoted("float_power", x, y, floats=True)
    return elementwise.pow(a, b)


@one_program(1)
def negative(x: ArrayLike, /) -> Array:
    """-x. Raises TypeError for bools.

    >>> negative(np.arange(3)).tolist()
    [0, -1, -2]
    """
    a = array("negative", x)
    if a.dtype == BOOL:
        raise type_error(f"negative: wanted numbers, got {a.aval}", "Use logical_not.")
    return elementwise.neg(a)


def positive(x: ArrayLike, /) -> Array:
    """+x: the same values.

    >>> positive(2).item()
    2
    """
    return array("positive", x)


@one_program(1)
def abs(x: ArrayLike, /) -> Array:
    """The absolute value. That of the smallest integer of a signed dtype wraps to itself.

    >>> abs(np.array([-1.5, 2.0])).tolist()
    [1.5, 2.0]
    """
    a = array("abs", x)
    return a if a.dtype.kind in "bu" else elementwise.abs(a)


def absolute(x: ArrayLike, /) -> Array:
    """As `abs`.

    >>> absolute(-1).item()
    1
    """
    return abs(x)


@one_program(1)
def fabs(x: ArrayLike, /) -> Array:
    """The absolute value as a float.

    >>> fabs(-1).item()
    1.0
    """
    return elementwise.abs(inexact("fabs", x))


@one_program(1)
def sign(x: ArrayLike, /) -> Array:
    """-1, 0 or 1, of x's dtype; NaN stays NaN and zeros keep their sign.

    >>> sign(np.array([-2.0, 0.0, 3.0])).tolist()
    [-1.0, 0.0, 1.0]
    """
    return elementwise.sign(array("sign", x))


@one_program(1)
def reciprocal(x: ArrayLike, /) -> Array:
    """1 / x, a float.

    >>> reciprocal(4).item()
    0.25
    """
    return divide(1, inexact("reciprocal", x))


@one_program(1)
def square(x: ArrayLike, /) -> Array:
    """x * x.

    >>> square(np.arange(4)).tolist()
    [0, 1, 4, 9]
    """
    a = array("square", x)
    a = convert(a, python_dtype(int)) if a.dtype == BOOL else a
    return elementwise.mul(a, a)


@one_program(1)
def sqrt(x: ArrayLike, /) -> Array:
    """The square root, a float; NaN below zero.

    >>> sqrt(np.array([4, 9])).tolist()
    [2.0, 3.0]
    """
    return elementwise.sqrt(inexact("sqrt", x))


@one_program(2)
def maximum(x: ArrayLike, y: ArrayLike, /) -> Array:
    """The larger of x and y; NaN if one of them is NaN. Where they are equal, each gets half of the derivative.

    >>> maximum(np.arange(3), 1).tolist()
    [1, 1, 2]
    """
    a, b = promoted("maximum", x, y)
    return elementwise.or_(a, b) if typeof(a).dtype == BOOL else elementwise.max(a, b)


@one_program(2)
def minimum(x: ArrayLike, y: ArrayLike, /) -> Array:
    """The smaller of x and y; NaN if one of them is NaN. Where they are equal, each gets half of the derivative.

    >>> minimum(np.arange(3), 1).tolist()
    [0, 1, 1]
    """
    a, b = promoted("minimum", x, y)
    return elementwise.and_(a, b) if typeof(a).dtype == BOOL else elementwise.min(a, b)


@one_program(3)
def clip(arr: ArrayLike, /, min: ArrayLike | None = None, max: ArrayLike | None = None) -> Array:
    """Values limited to [min, max]; None is no limit. If min > max, max wins. NaN stays NaN.

    >>> clip(np.arange(5), 1, 3).tolist()
    [1, 1, 2, 3, 3]
    """
    found = array("clip", arr)
    if min is not None:
        found = maximum(found, min)
    return found if max is None else minimum(found, max)


@one_program(1)
def floor(x: ArrayLike, /) -> Array:
    """The largest whole number <= x, in x's dtype.

    >>> floor(np.array([1.5, -1.5])).tolist()
    [1.0, -2.0]
    """
    a = array("floor", x)
    return a if a.dtype.kind in "biu" else elementwise.floor(a)


@one_program(1)
def ceil(x: ArrayLike, /) -> Array:
    """The smallest whole number >= x, in x's dtype.

    >>> ceil(np.array([1.5, -1.5])).tolist()
    [2.0, -1.0]
    """
    a = array("ceil", x)
    return a if a.dtype.kind in "biu" else elementwise.ceil(a)


@one_program(1)
def trunc(x: ArrayLike, /) -> Array:
    """x without its fraction, in x's dtype.

    >>> trunc(np.array([1.5, -1.5])).tolist()
    [1.0, -1.0]
    """
    a = array("trunc", x)
    if a.dtype.kind in "biu":
        return a
    return compare.select(compare.lt(a, cast(0.0, a.dtype)), elementwise.ceil(a), elementwise.floor(a))


def fix(x: ArrayLike, /) -> Array:
    """As `trunc`.

    >>> fix(-0.5).item()
    -0.0
    """
    return trunc(x)


@one_program(1)
def rint(x: ArrayLike, /) -> Array:
    """The nearest whole number, half to even; integers become floats.

    >>> rint(np.array([0.5, 1.5])).tolist()
    [0.0, 2.0]
    """
    return elementwise.round(inexact("rint", x))


@one_program(1)
def round(a: ArrayLike, decimals: int = 0) -> Array:
    """Rounded half to even to a number of decimals, which may be negative.

    >>> round(np.array([0.5, 1.5, 2.25])).tolist()
    [0.0, 2.0, 2.0]
    >>> round(1250, -2).item()
    1200
    """
    x, places = array("round", a), operator.index(decimals)
    if is_complex(x.dtype):
        return parts.complex(round(parts.real(x), places), round(parts.imag(x), places))
    if not is_float(x.dtype):
        return x if places >= 0 or x.dtype == BOOL else _round_integers(x, 10 ** -places)
    if places == 0:
        return elementwise.round(x)
    if places > 0:
        return divide(elementwise.round(multiply(x, 10.0 ** places)), 10.0 ** places)
    return multiply(elementwise.round(divide(x, 10.0 ** -places)), 10.0 ** -places)


def _round_integers(x: Array, unit: int) -> Array:
    """To multiples of `unit`, an even number; halves to the even multiple."""
    if unit > int(np.iinfo(x.dtype).max):
        return multiply(x, 0)
    down = floor_divide(x, unit)
    rest = subtract(x, multiply(down, unit))
    half = cast(unit // 2, x.dtype)
    odd = compare.eq(remainder(down, 2), cast(1, x.dtype))
    up = elementwise.or_(compare.gt(rest, half), elementwise.and_(compare.eq(rest, half), odd))
    return multiply(add(down, up), unit)
