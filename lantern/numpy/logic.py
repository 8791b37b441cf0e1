"""Comparisons, truth values and bits, element by element; tests for NaN and infinity; `where`."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lantern.dtypes import BOOL, is_inexact, python_dtype
from lantern.eager import one_program
from lantern.lax.operands import (
    ArrayLike,
    array,
    broadcasted,
    cast,
    common_dtype,
    constant,
    inexact,
    integer,
    operand,
    promoted,
    shape_of,
    type_error,
)
from lantern.numpy.arithmetic import abs, add, multiply, subtract
from lantern.numpy.reductions import all
from lantern.ops import compare, elementwise
from lantern.ops.convert import convert
from lantern.trace.array import Array
from lantern.trace.context import typeof
from lantern.trace.primitive import Value


@one_program(2)
def equal(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x == y, as bool. NaN equals nothing.

    >>> equal(np.arange(3), 1).tolist()
    [False, True, False]
    """
    a, b = promoted("equal", x, y)
    return compare.eq(a, b)


@one_program(2)
def not_equal(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x != y, as bool. NaN differs from everything.

    >>> not_equal(np.arange(3), 1).tolist()
    [True, False, True]
    """
    a, b = promoted("not_equal", x, y)
    return compare.ne(a, b)


@one_program(2)
def less(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x < y, as bool; False where one of them is NaN.

    >>> less(np.arange(3), 1).tolist()
    [True, False, False]
    """
    a, b = promoted("less", x, y)
    return compare.lt(a, b)


@one_program(2)
def less_equal(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x <= y, as bool; False where one of them is NaN.

    >>> less_equal(np.arange(3), 1).tolist()
    [True, True, False]
    """
    a, b = promoted("less_equal", x, y)
    return compare.le(a, b)


@one_program(2)
def greater(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x > y, as bool; False where one of them is NaN.

    >>> greater(np.arange(3), 1).tolist()
    [False, False, True]
    """
    a, b = promoted("greater", x, y)
    return compare.gt(a, b)


@one_program(2)
def greater_equal(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x >= y, as bool; False where one of them is NaN.

    >>> greater_equal(np.arange(3), 1).tolist()
    [False, True, True]
    """
    a, b = promoted("greater_equal", x, y)
    return compare.ge(a, b)


def _truth(function: str, x: Any) -> Array:
    found = array(function, x)
    return found if found.dtype == BOOL else convert(found, BOOL)


def _connect(function: str, op: Callable[[Value, Value], Value], x: ArrayLike, y: ArrayLike) -> Array:
    """A connective on truth values: what is not zero is true."""
    a, b = promoted(function, _truth(function, x), _truth(function, y))
    return op(a, b)


@one_program(2)
def logical_and(x: ArrayLike, y: ArrayLike, /) -> Array:
    """Whether both are true; numbers other than 0 are, NaN as well.

    >>> logical_and(np.arange(3), True).tolist()
    [False, True, True]
    """
    return _connect("logical_and", elementwise.and_, x, y)


@one_program(2)
def logical_or(x: ArrayLike, y: ArrayLike, /) -> Array:
    """Whether one of them is true.

    >>> logical_or(np.arange(2), False).tolist()
    [False, True]
    """
    return _connect("logical_or", elementwise.or_, x, y)


@one_program(2)
def logical_xor(x: ArrayLike, y: ArrayLike, /) -> Array:
    """Whether exactly one of them is true.

    >>> logical_xor(np.arange(2), True).tolist()
    [True, False]
    """
    return _connect("logical_xor", elementwise.xor, x, y)


@one_program(1)
def logical_not(x: ArrayLike, /) -> Array:
    """Whether x is false, that is 0.

    >>> logical_not(np.arange(2)).tolist()
    [True, False]
    """
    return elementwise.not_(_truth("logical_not", x))


def _bits(function: str, x: ArrayLike, y: ArrayLike) -> tuple[Value, Value]:
    a, b = promoted(function, x, y)
    if is_inexact(typeof(a).dtype):
        raise type_error(f"{function}: wanted integers or bools, got {typeof(a)} and {typeof(b)}")
    return a, b


@one_program(2)
def bitwise_and(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x & y of integers or bools.

    >>> bitwise_and(np.arange(4), 2).tolist()
    [0, 0, 2, 2]
    """
    return elementwise.and_(*_bits("bitwise_and", x, y))


@one_program(2)
def bitwise_or(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x | y of integers or bools.

    >>> bitwise_or(np.arange(4), 2).tolist()
    [2, 3, 2, 3]
    """
    return elementwise.or_(*_bits("bitwise_or", x, y))


@one_program(2)
def bitwise_xor(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x ^ y of integers or bools.

    >>> bitwise_xor(np.arange(4), 2).tolist()
    [2, 3, 0, 1]
    """
    return elementwise.xor(*_bits("bitwise_xor", x, y))


@one_program(1)
def bitwise_not(x: ArrayLike, /) -> Array:
    """~x: of integers each bit, of bools the truth value.

    >>> bitwise_not(np.arange(3)).tolist()
    [-1, -2, -3]
    """
    return elementwise.not_(integer("bitwise_not", array("bitwise_not", x)))


def invert(x: ArrayLike, /) -> Array:
    """As `bitwise_not`.

    >>> invert(True).item()
    False
    """
    return bitwise_not(x)


def bitwise_invert(x: ArrayLike, /) -> Array:
    """As `bitwise_not`.

    >>> bitwise_invert(0).item()
    -1
    """
    return bitwise_not(x)


@one_program(2)
def left_shift(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x << y of integers; 0 for shifts as wide as the dtype.

    >>> left_shift(1, np.array([0, 4, 32])).tolist()
    [1, 16, 0]
    """
    return elementwise.shift_left(*_integers("left_shift", x, y))


@one_program(2)
def right_shift(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x >> y of integers: arithmetic (sign fill) for signed ones, logical for unsigned ones.

    >>> right_shift(np.array([-8, 8]), 2).tolist()
    [-2, 2]
    """
    return elementwise.shift_right(*_integers("right_shift", x, y))


def _integers(function: str, x: ArrayLike, y: ArrayLike) -> tuple[Value, Value]:
    """Promoted integers; bools become int32."""
    a, b = _bits(function, x, y)
    if typeof(a).dtype == BOOL:
        a, b = promoted(function, convert(a, python_dtype(int)), convert(b, python_dtype(int)))
    return a, b


def bitwise_left_shift(x: ArrayLike, y: ArrayLike, /) -> Array:
    """As `left_shift`.

    >>> bitwise_left_shift(1, 2).item()
    4
    """
    return left_shift(x, y)


def bitwise_right_shift(x: ArrayLike, y: ArrayLike, /) -> Array:
    """As `right_shift`.

    >>> bitwise_right_shift(4, 2).item()
    1
    """
    return right_shift(x, y)


@one_program(1)
def isnan(x: ArrayLike, /) -> Array:
    """Whether x is NaN.

    >>> isnan(np.array([1.0, np.nan])).tolist()
    [False, True]
    """
    return compare.is_nan(inexact("isnan", x))


@one_program(1)
def isfinite(x: ArrayLike, /) -> Array:
    """Whether x is neither infinite nor NaN.

    >>> isfinite(np.array([1.0, np.nan, np.inf])).tolist()
    [True, False, False]
    """
    return compare.is_finite(inexact("isfinite", x))


@one_program(1)
def isinf(x: ArrayLike, /) -> Array:
    """Whether x is infinite, of either sign.

    >>> isinf(np.array([1.0, np.nan, -np.inf])).tolist()
    [False, False, True]
    """
    return equal(abs(inexact("isinf", x)), np.inf)


@one_program(1)
def isposinf(x: ArrayLike, /) -> Array:
    """Whether x is plus infinity.

    >>> isposinf(np.array([np.inf, -np.inf])).tolist()
    [True, False]
    """
    return equal(inexact("isposinf", x), np.inf)


@one_program(1)
def isneginf(x: ArrayLike, /) -> Array:
    """Whether x is minus infinity.

    >>> isneginf(np.array([np.inf, -np.inf])).tolist()
    [False, True]
    """
    return equal(inexact("isneginf", x), -np.inf)


@one_program(3)
def where(condition: ArrayLike, x: ArrayLike, y: ArrayLike, /) -> Array:
    """x where the condition is true (not 0), elsewhere y. All three broadcast together.

    Both x and y are computed and differentiated: where one of them is NaN or infinite on the side not taken, guard its
    operand as well, as in `where(x > 0, log(where(x > 0, x, 1)), 0)`, or the derivative is NaN.

    >>> where(np.arange(4) < 2, 0, np.arange(4)).tolist()
    [0, 0, 2, 3]
    """
    test = operand("where", condition)
    found = [operand("where", x), operand("where", y)]
    dtype, weak = common_dtype(found, function="where")
    values = [cast(v, dtype, weak) for v in found]
    if not isinstance(test, (Array, np.ndarray)) or shape_of(test) == ():
        test = _truth("where", test)
    elif isinstance(test, np.ndarray):
        test = test != 0
    elif test.dtype != BOOL:
        test = convert(test, BOOL)
    a, b, c = broadcasted("where", [test, *values], [test, *found])
    return compare.select(a, b, c)


@one_program(2)
def isclose(a: ArrayLike, b: ArrayLike, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """Whether abs(a - b) <= atol + rtol * abs(b); infinities must be equal, NaN is close to NaN only on request.

    >>> isclose(np.array([1.0, 2.0]), np.array([1.000001, 2.1])).tolist()
    [True, False]
    """
    x, y = promoted("isclose", a, b, floats=True)
    near = less_equal(abs(subtract(x, y)), add(atol, multiply(rtol, abs(y))))
    both = logical_and(isfinite(x), isfinite(y))
    found = logical_or(logical_and(near, both), equal(x, y))
    return logical_or(found, logical_and(isnan(x), isnan(y))) if equal_nan else found


@one_program(2)
def allclose(a: ArrayLike, b: ArrayLike, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """Whether all elements are close, as `isclose` says.

    >>> allclose(np.arange(3.0), np.arange(3.0) + 1e-9).item()
    True
    """
    return all(isclose(a, b, rtol, atol, equal_nan))


@one_program(2)
def array_equal(a1: ArrayLike, a2: ArrayLike, equal_nan: bool = False) -> Array:
    """Whether shapes and all elements are equal.

    >>> array_equal(np.arange(3), [0, 1, 2]).item()
    Traceback (most recent call last):
    TypeError: array_equal: wanted an array or a number, got list...
    """
    a, b = array("array_equal", a1), array("array_equal", a2)
    if a.shape != b.shape:
        return constant(False)
    same = equal(a, b)
    return all(logical_or(same, logical_and(isnan(a), isnan(b))) if equal_nan else same)
