"""Modified Bessel functions of the first kind, scaled by exp(-|x|), of order 0 and 1.

Near 0 the integral exp(x cos t) over a period by the midpoint rule, whose error falls faster than any power; far away
the asymptotic series in 1/x (Abramowitz and Stegun 9.6.19 and 9.7.1).
"""
from __future__ import annotations

import math

from lantern.lower.expr import DType
from lantern.ops.build import PARTS
from lantern.ops.compare import eq, select
from lantern.ops.elementwise import div, mul, sign, sub
from lantern.ops.numbers import Number, polynomial, smallest, where
from lantern.ops.pointwise import Scalars, elementwise
from lantern.ops.precise import in_words
from lantern.trace.primitive import Value


def _plan(x: Number) -> tuple[float, int, int]:
    """Where the series takes over, the points of the rule, and the terms of the series."""
    return (10.0, 12, 13) if x.single else (25.0, 32, 25)


def _series(order: int, count: int) -> list[float]:
    """Coefficients of (1/x)**k, the highest first."""
    terms = [1.0]
    for k in range(1, count):
        terms.append(-terms[-1] * (4 * order * order - (2 * k - 1) ** 2) / (8 * k))
    return terms[::-1]


def _far(x: Number, order: int) -> Number:
    """The series, for large positive x."""
    return polynomial(_series(order, _plan(x)[2]), 1.0 / x) / (2 * math.pi * x).sqrt()


def _write_i0e(s: Scalars, dtype: DType, ref: object) -> object:
    x = abs(Number(s, dtype, ref))
    edge, points, _ = _plan(x)
    near, total = smallest(x, edge), x.like(0.0)
    for k in range(points):     # cos(t) - 1 = -2 sin(t / 2)**2
        total = total + (near * (-2 * math.sin(math.pi * (k + 0.5) / (2 * points)) ** 2)).exp()
    return where(x <= edge, total * (1 / points), where(x.isnan(), x, _far(x, 0))).ref


def _write_i1e(s: Scalars, dtype: DType, ref: object) -> object:
    """The points t and pi - t together, whose difference is small near 0."""
    x = Number(s, dtype, ref)
    size = abs(x)
    edge, points, _ = _plan(x)
    near, total = smallest(size, edge), x.like(0.0)
    for k in range(points // 2):
        angle = math.pi * (k + 0.5) / points
        decay = (near * (-2 * math.sin(angle / 2) ** 2)).exp()
        total = total - decay * (near * (-2 * math.cos(angle))).expm1() * math.cos(angle)
    found = where(size <= edge, total * (1 / points), _far(size, 1))
    return where(x < 0.0, -found, where(x.isnan(), x, found)).ref


def _i1e_slope(g: Value, y: Value, x: Value) -> Value:
    """i0e - y (sign(x) + 1 / x), which is 1/2 at 0."""
    at_zero = eq(x, 0.0)
    slope = sub(i0e(x), mul(y, sign(x)))
    return mul(g, select(at_zero, 0.5, sub(slope, div(y, select(at_zero, 1.0, x)))))


i0e_p = elementwise("bessel_i0e", _write_i0e, [lambda g, y, x: mul(g, sub(i1e(x), mul(sign(x), y)))], accepts=PARTS)
i1e_p = elementwise("bessel_i1e", _write_i1e, [_i1e_slope], accepts=PARTS)


def i0e(x: Value) -> Value:
    """exp(-|x|) I0(x).

    >>> import numpy as np
    >>> i0e(np.float32([0])).tolist()
    [1.0]
    """
    return in_words(i0e_p, x)


def i1e(x: Value) -> Value:
    """exp(-|x|) I1(x).

    >>> import numpy as np
    >>> i1e(np.float32([0])).tolist()
    [0.0]
    """
    return in_words(i1e_p, x)
