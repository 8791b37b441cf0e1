"""Sums of exponentials, entropies, logistic functions."""
from __future__ import annotations

import numpy as np

from lantern.custom_rules import custom_jvp
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, AxisLike, inexact, promoted
from lantern.numpy.arithmetic import abs, add, divide, multiply, negative, sign, subtract
from lantern.numpy.logic import equal, greater, greater_equal, isfinite, isnan, less, logical_and, logical_or
from lantern.numpy.logic import where as choose
from lantern.numpy.reductions import max, sum
from lantern.numpy.shaping import squeeze
from lantern.numpy.ufuncs import exp, log, log1p, logaddexp
from lantern.ops import elementwise as ops
from lantern.trace.array import Array


@one_program(1)
def logsumexp(a: ArrayLike, axis: AxisLike = None, b: ArrayLike | None = None, keepdims: bool = False,
              return_sign: bool = False, where: ArrayLike | None = None) -> Array | tuple[Array, Array]:
    """log(sum(b * exp(a))) along `axis`, without overflow; of only -inf, and of nothing, -inf (with derivative 0).

    A negative sum has no logarithm: NaN; with `return_sign` the logarithm of its size, and its sign.

    >>> logsumexp(np.array([1e4, -np.inf])).item()
    10000.0
    >>> [x.item() for x in logsumexp(np.array([0.0, 0.0]), b=np.array([1.0, -2.0]), return_sign=True)]
    [0.0, -1.0]
    """
    x = inexact("logsumexp", a)
    x = x if where is None else choose(where, x, -np.inf)
    x = x if b is None else choose(equal(b, 0), -np.inf, x)
    largest = max(x, axis, keepdims=True, initial=-np.inf)
    largest = ops.stop_gradient(choose(isfinite(largest), largest, 0))
    e = exp(subtract(x, largest))
    total = sum(e if b is None else multiply(b, e), axis, keepdims=True)
    size = abs(total) if return_sign else total
    nothing = equal(total, 0)
    found = add(choose(nothing, -np.inf, log(choose(nothing, 1, size))), largest)
    places = tuple(range(x.ndim)) if axis is None else axis
    if not return_sign:
        return found if keepdims else squeeze(found, places)
    return (found, sign(total)) if keepdims else (squeeze(found, places), squeeze(sign(total), places))


def _shifted(x: Array, axis: AxisLike) -> Array:
    """x minus its maximum along `axis`, which changes no ratio of exponentials."""
    return subtract(x, ops.stop_gradient(max(x, axis, keepdims=True, initial=-np.inf)))


@one_program(1)
def softmax(x: ArrayLike, axis: AxisLike = None) -> Array:
    """exp(x) / sum(exp(x)) along `axis`, by default over all elements; nothing overflows.

    >>> softmax(np.array([1e4, 1e4])).tolist()
    [0.5, 0.5]
    """
    e = exp(_shifted(inexact("softmax", x), axis))
    return divide(e, sum(e, axis, keepdims=True))


@one_program(1)
def log_softmax(x: ArrayLike, axis: AxisLike = None) -> Array:
    """log(softmax(x)), exact where softmax underflows.

    >>> log_softmax(np.array([0.0, 1e4])).tolist()
    [-10000.0, 0.0]
    """
    moved = _shifted(inexact("log_softmax", x), axis)
    return subtract(moved, log(sum(exp(moved), axis, keepdims=True)))


def _quotient(above: Array, x: Array, below: Array) -> Array:
    """above / below, and 0 where both x and `below` are 0."""
    zero = logical_and(equal(x, 0), equal(below, 0))
    return choose(zero, 0, divide(above, choose(zero, 1, below)))


@custom_jvp
def _xlogy(x: Array, y: Array) -> Array:
    zero = logical_and(equal(x, 0), equal(y, y))
    return choose(zero, 0, multiply(x, log(choose(zero, 1, y))))


def _xlogy_by_x(t: Array, out: Array, x: Array, y: Array) -> Array:
    return multiply(t, log(y))


def _xlogy_by_y(t: Array, out: Array, x: Array, y: Array) -> Array:
    return _quotient(multiply(t, x), x, y)


_xlogy.defjvps(_xlogy_by_x, _xlogy_by_y)


@custom_jvp
def _xlog1py(x: Array, y: Array) -> Array:
    zero = logical_and(equal(x, 0), equal(y, y))
    return choose(zero, 0, multiply(x, log1p(choose(zero, 0, y))))


def _xlog1py_by_x(t: Array, out: Array, x: Array, y: Array) -> Array:
    return multiply(t, log1p(y))


def _xlog1py_by_y(t: Array, out: Array, x: Array, y: Array) -> Array:
    return _quotient(multiply(t, x), x, add(y, 1))


_xlog1py.defjvps(_xlog1py_by_x, _xlog1py_by_y)


def _pair(function: str, x: ArrayLike, y: ArrayLike) -> list[Array]:
    """Both as arrays of one float dtype."""
    return [inexact(function, v) for v in promoted(function, x, y, floats=True)]


@one_program(2)
def xlogy(x: ArrayLike, y: ArrayLike) -> Array:
    """x log(y), and 0 where x is 0, whatever y is.

    >>> xlogy(0.0, 0.0).item()
    0.0
    """
    return _xlogy(*_pair("xlogy", x, y))


@one_program(2)
def xlog1py(x: ArrayLike, y: ArrayLike) -> Array:
    """x log(1 + y), and 0 where x is 0, whatever y is.

    >>> xlog1py(0.0, -1.0).item()
    0.0
    """
    return _xlog1py(*_pair("xlog1py", x, y))


@one_program(1)
def entr(x: ArrayLike) -> Array:
    """-x log(x), 0 at 0, -inf below: a part of an entropy.

    >>> entr(np.array([0.0, 1.0, -1.0])).tolist()
    [0.0, 0.0, -inf]
    """
    a = inexact("entr", x)
    below = less(a, 0)
    kept = choose(below, 1, a)
    return choose(below, -np.inf, subtract(0, _xlogy(kept, kept)))


@one_program(2)
def rel_entr(p: ArrayLike, q: ArrayLike) -> Array:
    """p log(p / q), 0 where p = 0 <= q, elsewhere infinite unless both are positive: a part of a relative entropy.

    >>> rel_entr(np.array([0.0, 1.0]), np.array([1.0, 1.0])).tolist()
    [0.0, 0.0]
    """
    x, y = _pair("rel_entr", p, q)
    both, zero = _domains(x, y)
    safe_x, safe_y = choose(both, x, 1), choose(both, y, 1)
    found = choose(both, multiply(safe_x, subtract(log(safe_x), log(safe_y))), choose(zero, 0, np.inf))
    return choose(logical_or(isnan(x), isnan(y)), np.nan, found)


@one_program(2)
def kl_div(p: ArrayLike, q: ArrayLike) -> Array:
    """p log(p / q) - p + q, q where p = 0 <= q, elsewhere infinite unless both are positive.

    >>> kl_div(np.array([0.0, 1.0]), np.array([1.0, 1.0])).tolist()
    [1.0, 0.0]
    """
    x, y = _pair("kl_div", p, q)
    both, zero = _domains(x, y)
    finite = choose(logical_or(both, zero), subtract(y, x), 0)
    return add(rel_entr(x, y), finite)


def _domains(x: Array, y: Array) -> tuple[Array, Array]:
    """Where both are positive, and where x is 0 and y is not negative."""
    return logical_and(greater(x, 0), greater(y, 0)), logical_and(equal(x, 0), greater_equal(y, 0))


@one_program(1)
def expit(x: ArrayLike) -> Array:
    """1 / (1 + exp(-x)), without overflow.

    >>> expit(0.0).item()
    0.5
    """
    return ops.logistic(inexact("expit", x))


@one_program(1)
def log_expit(x: ArrayLike) -> Array:
    """log(expit(x)), without underflow.

    >>> round(log_expit(0.0).item(), 4)
    -0.6931
    """
    return negative(logaddexp(negative(inexact("log_expit", x)), 0))


@one_program(1)
def logit(x: ArrayLike) -> Array:
    """log(x / (1 - x)), the inverse of `expit`; NaN outside [0, 1], infinite at the ends.

    >>> logit(np.array([0.0, 0.5, 1.0])).tolist()
    [-inf, 0.0, inf]
    """
    p = inexact("logit", x)
    s = subtract(multiply(2, p), 1)
    middle = less(abs(s), 0.4)      # there 2 p - 1 is exact, and the logarithms would cancel
    kept = choose(middle, s, 0)
    return choose(middle, subtract(log1p(kept), log1p(negative(kept))), subtract(log(p), log1p(negative(p))))
