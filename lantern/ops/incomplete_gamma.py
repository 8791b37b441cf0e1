"""The incomplete gamma functions, their derivative by the shape, and the derivative of a gamma variate by its shape.

P(a, x) and Q = 1 - P, whichever is small, by (DLMF 8.7.1, 8.7.3, 8.9.2, 8.12.3)
    the power series            where x <= a
    a series in -x              where both are small, so that Q keeps its digits
    the continued fraction      where x > a
    Temme's uniform expansion   where a >= 20 and x is near a
with as many steps as the precision needs everywhere in its region, the same for all elements: nothing is a loop.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from lantern.errors import NotDifferentiableError
from lantern.lower.expr import DType
from lantern.ops.build import PARTS
from lantern.ops.elementwise import exp, log, mul, neg, sub
from lantern.ops.gamma import (
    digamma,
    digamma_positive,
    lgamma,
    lgamma_positive,
    log_gamma_of_two_plus,
    stirling_rest,
)
from lantern.ops.gaussian import scaled_erfc
from lantern.ops.numbers import Dual, N, Number, largest, polynomial, smallest, where
from lantern.ops.pointwise import Scalars, elementwise, zero_tangents
from lantern.ops.precise import in_words
from lantern.source import user_source
from lantern.trace.context import typeof
from lantern.trace.primitive import Tangent, Value, Zero
from lantern.trace.staging import with_line

_TEMME_FROM = 20.0
_NEAR = 0.3             # |x - a| <= 0.3 a


@dataclass(frozen=True, slots=True)
class _Steps:
    """Steps of the power series, the series in -x, the continued fraction; terms and orders of Temme's expansion."""

    power: int
    small: int
    fraction: int
    terms: int
    orders: int


_SINGLE, _DOUBLE = _Steps(48, 11, 24, 8, 4), _Steps(100, 20, 80, 18, 10)


@cache
def _temme(orders: int, terms: int) -> tuple[tuple[float, ...], ...]:
    """The coefficients c[k][n] of DLMF 8.12.8 around eta = 0, the highest power first.

    mu(eta) solves mu mu' = eta (1 + mu); c[0] = 1 / mu - 1 / eta, c[k] = c[k-1]' / eta - c[k-1][1] c[0] without the
    pole. What is lost in double precision, 1e-7 of the last orders, is 1e-19 after their division by powers of a.
    """
    count = terms + 2 * orders + 2
    mu = [0.0, 1.0]
    for n in range(2, count + 1):
        known = sum([mu[i] * (n + 1 - i) * mu[n + 1 - i] for i in range(2, n)])
        mu.append((mu[n - 1] - known) / (n + 1))
    inverse = [1.0]         # of mu / eta
    for n in range(1, count):
        inverse.append(-sum([mu[i + 1] * inverse[n - i] for i in range(1, n + 1)]))
    first = inverse[1:]
    rows = [first]
    for _ in range(1, orders):
        last = rows[-1]
        rows.append([(n + 2) * last[n + 2] - last[1] * first[n] for n in range(len(last) - 2)])
    return tuple([tuple(row[:terms])[::-1] for row in rows])


def _power_series(a: N, x: Number, steps: int) -> N:
    """P / (x**a e**-x / gamma(a + 1)), from the last term to the first."""
    total = a * 0.0 + 1.0
    for n in range(steps, 0, -1):
        total = total * x / (a + float(n)) + 1.0
    return total


def _fraction(a: N, x: Number, steps: int) -> N:
    """Q / (x**a e**-x / gamma(a)), from the last denominator to the first."""
    tail = a * 0.0
    for n in range(steps, 0, -1):
        tail = (a - float(n)) * float(n) / (a - (x + (2.0 * n + 1)) + tail)
    return -1.0 / (a - (x + 1.0) + tail)


def _small_series(a: Number, x: Number, steps: int) -> Number:
    """Q for small x and a."""
    t = where(a < 0.5, a, a - 1.0)
    log_gamma = log_gamma_of_two_plus(t) - where(a < 0.5, a, 0.0).log1p()      # of a + 1
    exponent = a * x.log() - log_gamma
    term, total = x.like(1.0), x.like(0.0)
    for n in range(1, steps + 1):
        term = term * x * (-1.0 / n)
        total = total + term / (a + float(n))
    return -(exponent.expm1()) - a * exponent.exp() * total


def _log_ratio(x: Number, a: Number) -> tuple[Number, Number]:
    """mu = (x - a) / a, and mu - log(1 + mu), by the series of the inverse hyperbolic tangent near 0."""
    mu = (x - a) / a
    r = mu / (mu + 2.0)
    square = r * r
    odd = [1 / (2 * k + 3) for k in range(7 if x.single else 16)]
    near = r * (mu - 2.0 * square * polynomial(odd[::-1], square))
    return mu, where(abs(mu) < 0.5, near, mu - (x / a).log())


def _decay(a: Number, x: Number, phi: Number) -> Number:
    """x**a e**-x / gamma(a + 1)."""
    plain = (a * x.log() - x - lgamma_positive(a + 1.0)).exp()
    far = (-(a * phi) - stirling_rest(a)).exp() / (2 * math.pi * a).sqrt()
    return where(a < 8.0, plain, far)


def _uniform(a: N, eta: N, steps: _Steps) -> N:
    """Temme's sum over c[k](eta) a**-k."""
    rows = _temme(steps.orders, steps.terms)
    total = polynomial(rows[-1], eta)
    for row in rows[-2::-1]:
        total = total / a + polynomial(row, eta)
    return total


@dataclass(frozen=True, slots=True)
class _Regions:
    """Which way is taken, and what several of them need."""

    near: Number
    below: Number
    small: Number
    mu: Number
    phi: Number
    eta: Number


def _regions(a: Number, x: Number) -> _Regions:
    mu, phi = _log_ratio(x, a)
    root = (2.0 * largest(phi, 0.0)).sqrt()
    early = where(x <= 0.5, a * x.log() < -0.4, a > 1.1 * x)
    tiny = x <= 1.1
    return _Regions((a >= _TEMME_FROM) & (abs(mu) <= _NEAR), where(tiny, early, x <= a), tiny & ~early, mu, phi,
                    where(mu < 0.0, -root, root))


def _both(a: Number, x: Number) -> tuple[Number, Number]:
    """P and Q."""
    steps = _SINGLE if x.single else _DOUBLE
    way = _regions(a, x)
    decay = _decay(a, x, way.phi)
    below = decay * _power_series(a, x, steps.power)
    above = decay * a * _fraction(a, x, steps.fraction)
    above = where(way.small, _small_series(a, x, steps.small), above)
    eta = smallest(largest(way.eta, -1.0), 1.0)
    spread = _uniform(a, eta, steps) / (2 * math.pi * a).sqrt()
    half = 0.5 * scaled_erfc(abs(eta) * (0.5 * a).sqrt())
    uniform = (-(a * way.phi)).exp() * where(way.mu < 0.0, half - spread, half + spread)
    lower = where(way.near, way.mu < 0.0, way.below)
    minor = where(way.near, uniform, where(way.below, below, above))
    return where(lower, minor, 1.0 - minor), where(lower, 1.0 - minor, minor)


def _bounded(found: Number, a: Number, x: Number, at_zero: float) -> Number:
    """The limits at 0 and infinity, and NaN outside the domain."""
    found = where(x.equals(0.0) | a.equals(math.inf), at_zero, found)
    found = where(a.equals(0.0) | x.equals(math.inf), 1.0 - at_zero, found)
    nowhere = (a.equals(0.0) & x.equals(0.0)) | (a.equals(math.inf) & x.equals(math.inf)) | (a < 0.0) | (x < 0.0)
    return where(nowhere | a.isnan() | x.isnan(), math.nan, found)


def _write_igamma(s: Scalars, dtype: DType, shape: object, bound: object) -> object:
    a, x = Number(s, dtype, shape), Number(s, dtype, bound)
    return _bounded(_both(a, x)[0], a, x, 0.0).ref


def _write_igammac(s: Scalars, dtype: DType, shape: object, bound: object) -> object:
    a, x = Number(s, dtype, shape), Number(s, dtype, bound)
    return _bounded(_both(a, x)[1], a, x, 1.0).ref


def _slope(a: Number, x: Number, way: _Regions) -> Number:
    """dP/da / (x**a e**-x / gamma(a + 1)), in which nothing underflows."""
    steps = _SINGLE if x.single else _DOUBLE
    shape = Dual(a, a.like(1.0))
    rate = x.log() - digamma_positive(a + 1.0)      # d/da of the logarithm of the decay
    series = _power_series(shape, x, steps.power)
    below = rate * series.value + series.slope
    fraction = shape * _fraction(shape, x, steps.fraction)
    above = -(rate * fraction.value + fraction.slope)
    tilt = _tilt(way)
    spread = _uniform(shape, Dual(way.eta, -(tilt / a)), steps)
    # P = erfc(-eta sqrt(a / 2)) / 2 - e**(-a phi) sum / sqrt(2 pi a): all by a, without the exponential
    moved = 0.5 * way.eta - tilt
    inner = spread.slope - spread.value * (0.5 / a - way.mu.log1p())
    uniform = (moved - inner) * stirling_rest(a).exp()
    return where(way.near, uniform, where(way.below | (x <= 1.1), below, above))


def _tilt(way: _Regions) -> Number:
    """mu / eta, which is 1 at 0."""
    zero = way.eta.equals(0.0)
    return where(zero, 1.0, way.mu / where(zero, 1.0, way.eta))


def _write_slope(s: Scalars, dtype: DType, shape: object, bound: object) -> object:
    a, x = Number(s, dtype, shape), Number(s, dtype, bound)
    way = _regions(a, x)
    found = _slope(a, x, way) * _decay(a, x, way.phi)
    found = where(x.equals(0.0) | x.equals(math.inf), 0.0, found)
    return where((a <= 0.0) | (x < 0.0) | a.isnan() | x.isnan(), math.nan, found).ref


def _write_variate(s: Scalars, dtype: DType, shape: object, sample: object) -> object:
    a, x = Number(s, dtype, shape), Number(s, dtype, sample)
    found = -(x / a) * _slope(a, x, _regions(a, x))
    found = where(x.equals(0.0), 0.0, found)
    return where((a <= 0.0) | (x < 0.0) | a.isnan() | x.isnan(), math.nan, found).ref


def _density(a: Value, x: Value) -> Value:
    """x**(a - 1) e**-x / gamma(a)."""
    return exp(sub(sub(mul(sub(a, 1.0), log(x)), x), lgamma(a)))


def _slope_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    a, x = primals
    if type(tangents[0]) is not Zero:
        error = NotDifferentiableError("igamma_grad_a: the second derivative by the shape is not known. "
                                       "Differentiate by the bound, or stop_gradient the shape")
        raise with_line(error, user_source())
    if type(tangents[1]) is Zero:
        return [Zero(typeof(outs[0]))]
    return [mul(tangents[1], mul(_density(a, x), sub(log(x), digamma(a))))]


def _variate_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    if any(type(t) is not Zero for t in tangents):
        error = NotDifferentiableError("random_gamma_grad: the second derivative of a gamma variate is not known. "
                                       "Differentiate once, or stop_gradient the shape")
        raise with_line(error, user_source())
    return zero_tangents(primals, outs, tangents)


igamma_p = elementwise("igamma", _write_igamma, [lambda g, y, a, x: mul(g, igamma_grad_a(a, x)),
                                                 lambda g, y, a, x: mul(g, _density(a, x))], accepts=PARTS)
igammac_p = elementwise("igammac", _write_igammac, [lambda g, y, a, x: neg(mul(g, igamma_grad_a(a, x))),
                                                    lambda g, y, a, x: neg(mul(g, _density(a, x)))], accepts=PARTS)
igamma_grad_a_p = elementwise("igamma_grad_a", _write_slope, accepts=PARTS, jvp=_slope_jvp)
random_gamma_grad_p = elementwise("random_gamma_grad", _write_variate, accepts=PARTS, jvp=_variate_jvp)


def igamma(a: Value, x: Value) -> Value:
    """P(a, x): the gamma distribution function of shape a at x.

    >>> import numpy as np
    >>> igamma(np.float32([1.0]), np.float32([np.log(2)])).round(5).tolist()
    [0.5]
    """
    return in_words(igamma_p, a, x)


def igammac(a: Value, x: Value) -> Value:
    """1 - P(a, x), exact where that is tiny.

    >>> import numpy as np
    >>> igammac(np.float32([1.0]), np.float32([0.0])).tolist()
    [1.0]
    """
    return in_words(igammac_p, a, x)


def igamma_grad_a(a: Value, x: Value) -> Value:
    """The derivative of P(a, x) by a.

    >>> import numpy as np
    >>> igamma_grad_a(np.float32([1.0]), np.float32([0.0])).tolist()
    [0.0]
    """
    return in_words(igamma_grad_a_p, a, x)


def random_gamma_grad(a: Value, x: Value) -> Value:
    """dx/da of a gamma variate x that moves with its shape a so that P(a, x) stays: implicit reparameterisation
    (Figurnov, Mohamed, Mnih 2018).

    >>> import numpy as np
    >>> random_gamma_grad(np.float32([1.0]), np.float32([0.0])).tolist()
    [0.0]
    """
    return in_words(random_gamma_grad_p, a, x)
