"""Formulas in the scalar language, written with Python's operators: numbers, conditions, and numbers with a slope.

A primitive whose kernel takes many scalar operations writes them on `Number`. The same formula on `Dual` gives the
derivative, by the rules of calculus and not by differences.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lantern.dtypes import BOOL, F32
from lantern.lower.expr import DType, ScalarOp
from lantern.ops.pointwise import Scalars


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A value of the scalar language (or, if its dtype is bool, a condition); beside it may stand Python numbers."""

    scalars: Scalars
    dtype: DType
    ref: Any

    @property
    def single(self) -> bool:
        """Whether 24 bits of precision are enough for whatever is computed of it."""
        return self.dtype == F32

    def like(self, value: float) -> Number:
        """A constant of the same dtype."""
        return Number(self.scalars, self.dtype, self.scalars.const(value, self.dtype))

    def apply(self, op: ScalarOp, *others: Number | float, dtype: DType | None = None) -> Number:
        """One operation on this number and others."""
        refs = [x.ref if isinstance(x, Number) else self.scalars.const(x, self.dtype) for x in others]
        wanted = dtype or self.dtype
        return Number(self.scalars, wanted, self.scalars.apply(op, self.ref, *refs, dtype=wanted))

    def __add__(self, other: Number | float) -> Number:
        return self.apply(ScalarOp.ADD, other)

    def __radd__(self, other: float) -> Number:
        return self.like(other) + self

    def __sub__(self, other: Number | float) -> Number:
        return self.apply(ScalarOp.SUB, other)

    def __rsub__(self, other: float) -> Number:
        return self.like(other) - self

    def __mul__(self, other: Number | float) -> Number:
        return self.apply(ScalarOp.MUL, other)

    def __rmul__(self, other: float) -> Number:
        return self.like(other) * self

    def __truediv__(self, other: Number | float) -> Number:
        return self.apply(ScalarOp.DIV, other)

    def __rtruediv__(self, other: float) -> Number:
        return self.like(other) / self

    def __neg__(self) -> Number:
        return self.apply(ScalarOp.NEG)

    def __abs__(self) -> Number:
        return self.apply(ScalarOp.ABS)

    def __lt__(self, other: Number | float) -> Number:
        return self.apply(ScalarOp.LT, other, dtype=BOOL)

    def __le__(self, other: Number | float) -> Number:
        return self.apply(ScalarOp.LE, other, dtype=BOOL)

    def __gt__(self, other: Number | float) -> Number:
        return self.apply(ScalarOp.GT, other, dtype=BOOL)

    def __ge__(self, other: Number | float) -> Number:
        return self.apply(ScalarOp.GE, other, dtype=BOOL)

    def equals(self, other: Number | float) -> Number:
        """Whether two numbers are equal."""
        return self.apply(ScalarOp.EQ, other, dtype=BOOL)

    def __and__(self, other: Number) -> Number:
        return self.apply(ScalarOp.AND, other)

    def __or__(self, other: Number) -> Number:
        return self.apply(ScalarOp.OR, other)

    def __invert__(self) -> Number:
        return self.apply(ScalarOp.NOT)

    def exp(self) -> Number:
        """e to this power."""
        return self.apply(ScalarOp.EXP)

    def expm1(self) -> Number:
        """e to this power, minus 1."""
        return self.apply(ScalarOp.EXPM1)

    def log(self) -> Number:
        """The natural logarithm."""
        return self.apply(ScalarOp.LOG)

    def log1p(self) -> Number:
        """The logarithm of one more."""
        return self.apply(ScalarOp.LOG1P)

    def sqrt(self) -> Number:
        """The square root."""
        return self.apply(ScalarOp.SQRT)

    def sin(self) -> Number:
        """The sine."""
        return self.apply(ScalarOp.SIN)

    def cos(self) -> Number:
        """The cosine."""
        return self.apply(ScalarOp.COS)

    def power(self, exponent: Number | float) -> Number:
        """This number to a power."""
        return self.apply(ScalarOp.POW, exponent)

    def floor(self) -> Number:
        """Rounded down."""
        return self.apply(ScalarOp.FLOOR)

    def round(self) -> Number:
        """Rounded to the nearest whole number."""
        return self.apply(ScalarOp.ROUND)

    def isnan(self) -> Number:
        """Whether it is NaN."""
        return self.apply(ScalarOp.ISNAN, dtype=BOOL)


def where(condition: Number, x: Number | float, y: Number | float) -> Number:
    """x where the condition holds, else y; at least one of them is no constant."""
    like = x if isinstance(x, Number) else y
    assert isinstance(like, Number), "internal: one of the choices is a Number"
    x, y = [v if isinstance(v, Number) else like.like(v) for v in (x, y)]
    return Number(like.scalars, like.dtype,
                  like.scalars.apply(ScalarOp.SELECT, condition.ref, x.ref, y.ref, dtype=like.dtype))


def largest(x: Number, y: Number | float) -> Number:
    """The larger one."""
    return x.apply(ScalarOp.MAX, y)


def smallest(x: Number, y: Number | float) -> Number:
    """The smaller one."""
    return x.apply(ScalarOp.MIN, y)


@dataclass(frozen=True, slots=True, eq=False)
class Dual:
    """A number and its derivative by one variable."""

    value: Number
    slope: Number

    def __add__(self, other: Dual | Number | float) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value + other.value, self.slope + other.slope)
        return Dual(self.value + other, self.slope)

    def __radd__(self, other: float) -> Dual:
        return self + other

    def __sub__(self, other: Dual | Number | float) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value - other.value, self.slope - other.slope)
        return Dual(self.value - other, self.slope)

    def __rsub__(self, other: float) -> Dual:
        return Dual(other - self.value, -self.slope)

    def __mul__(self, other: Dual | Number | float) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)
        return Dual(self.value * other, self.slope * other)

    def __rmul__(self, other: float) -> Dual:
        return self * other

    def __truediv__(self, other: Dual | Number | float) -> Dual:
        if isinstance(other, Dual):
            quotient = self.value / other.value
            return Dual(quotient, (self.slope - quotient * other.slope) / other.value)
        return Dual(self.value / other, self.slope / other)

    def __rtruediv__(self, other: float) -> Dual:
        quotient = other / self.value
        return Dual(quotient, -(quotient * self.slope) / self.value)


N = TypeVar("N", Number, Dual)


def polynomial(coefficients: Sequence[float], x: N) -> N:
    """The polynomial with these coefficients, the highest power first, by Horner's rule."""
    total = x * coefficients[0] + coefficients[1] if len(coefficients) > 1 else x * 0.0 + coefficients[0]
    for c in coefficients[2:]:
        total = total * x + c
    return total


def euler_sum(first: int, power: int) -> float:
    """The sum of n**-power for n >= first, in double precision (Euler-Maclaurin after forty terms).

    >>> abs(euler_sum(1, 2) - math.pi**2 / 6) < 1e-15
    True
    """
    last = first + 40
    rest = [last ** (1 - power) / (power - 1), last ** -power / 2, power * last ** (-power - 1) / 12,
            -math.prod(range(power, power + 3)) * last ** (-power - 3) / 720,
            math.prod(range(power, power + 5)) * last ** (-power - 5) / 30240]
    return math.fsum([*[n ** -power for n in range(first, last)], *rest])
