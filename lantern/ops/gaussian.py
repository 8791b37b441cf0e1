"""Functions of the normal distribution where `erf` is too coarse: the complementary error function, also scaled by
exp(x**2), and the quantile."""
from __future__ import annotations

import math

from lantern.lower.expr import DType
from lantern.lower.special import LARGE_P, LARGE_Q, MIDDLE_P, MIDDLE_Q, SMALL_P, SMALL_Q
from lantern.ops.build import PARTS
from lantern.ops.elementwise import exp, mul, neg, sub
from lantern.ops.numbers import Number, polynomial, smallest, where
from lantern.ops.pointwise import Scalars, elementwise
from lantern.ops.precise import in_words
from lantern.trace.primitive import Value

# M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37 (1988),
# 477-484: rational functions of degree 7, the highest power first.
_CENTRE_P = (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
             13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.3871328727963666080)
_CENTRE_Q = (5226.4952788528545610, 28729.085735721942674, 39307.895800092710610, 21213.794301586595867,
             5394.1960214247511077, 687.18700749205790830, 42.313330701600911252, 1.0)
_TAIL_P = (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258,
           3.64784832476320460504, 5.76949722146069140550, 4.63033784615654529590, 1.42343711074968357734)
_TAIL_Q = (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
           6.89767334985100004550e-1, 1.67638483018380384940, 2.05319162663775882187, 1.0)
_END_P = (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
          2.96560571828504891230e-1, 1.78482653991729133580, 5.46378491116411436990, 6.65790464350110377720)
_END_Q = (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
          1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0)


def tail_of_erfc(y: Number) -> Number:
    """exp(y**2) erfc(y) for y > 0.46875 (Cody 1969; the coefficients are those of `lower/special.py`)."""
    near = smallest(y, 4.0)
    middle = polynomial(MIDDLE_P, near) / polynomial(MIDDLE_Q, near)
    square = 1.0 / (y * y)
    large = (1 / math.sqrt(math.pi) - square * polynomial(LARGE_P, square) / polynomial(LARGE_Q, square)) / y
    return where(y <= 4.0, middle, large)


def exp_of_square(y: Number, sign: float) -> Number:
    """exp(sign * y**2), with y split at 1/16 so that the rounding of its square does not grow."""
    cut = (y * 16.0).floor() * 0.0625
    return (cut * cut * sign).exp() * ((y - cut) * (y + cut) * sign).exp()


def _small_erf(x: Number) -> Number:
    square = x * x
    return x * (polynomial(SMALL_P, square) / polynomial(SMALL_Q, square))


def _write_erfc(s: Scalars, dtype: DType, ref: object) -> object:
    x = Number(s, dtype, ref)
    y = smallest(abs(x), 30.0)
    tail = tail_of_erfc(y) * exp_of_square(y, -1.0)
    far = where(x < 0.0, 2.0 - tail, tail)
    return where(y <= 0.46875, 1.0 - _small_erf(x), far).ref


def scaled_erfc(x: Number) -> Number:
    """exp(x**2) erfc(x)."""
    y = abs(x)
    tail = tail_of_erfc(y)
    far = where(x < 0.0, 2.0 * exp_of_square(smallest(y, 30.0), 1.0) - tail, tail)
    far = where(y > 1e15, where(x < 0.0, math.inf, (1 / math.sqrt(math.pi)) / y), far)
    return where(y <= 0.46875, (1.0 - _small_erf(x)) * (x * x).exp(), far)


def _write_erfcx(s: Scalars, dtype: DType, ref: object) -> object:
    return scaled_erfc(Number(s, dtype, ref)).ref


def _write_ndtri(s: Scalars, dtype: DType, ref: object) -> object:
    p = Number(s, dtype, ref)
    q = p - 0.5
    r = 0.180625 - q * q
    centre = q * polynomial(_CENTRE_P, r) / polynomial(_CENTRE_Q, r)
    lower = where(q < 0.0, p, 1.0 - p)
    r = (-lower.log()).sqrt()
    tail = polynomial(_TAIL_P, r - 1.6) / polynomial(_TAIL_Q, r - 1.6)
    end = polynomial(_END_P, r - 5.0) / polynomial(_END_Q, r - 5.0)
    outer = where(r <= 5.0, tail, end)
    found = where(abs(q) <= 0.425, centre, where(q < 0.0, -outer, outer))
    return where(p.equals(0.0), -math.inf, where(p.equals(1.0), math.inf, found)).ref


_SLOPE = 2 / math.sqrt(math.pi)

erfc_p = elementwise("erfc", _write_erfc, [lambda g, y, x: mul(g, mul(-_SLOPE, exp(neg(mul(x, x)))))], accepts=PARTS)
erfcx_p = elementwise("erfcx", _write_erfcx, [lambda g, y, x: mul(g, sub(mul(2.0, mul(x, y)), _SLOPE))], accepts=PARTS)
ndtri_p = elementwise("ndtri", _write_ndtri,
                      [lambda g, y, p: mul(g, mul(math.sqrt(2 * math.pi), exp(mul(0.5, mul(y, y)))))], accepts=PARTS)


def erfc(x: Value) -> Value:
    """One minus the error function, exact where that is tiny.

    >>> import numpy as np
    >>> erfc(np.float32([0, 5])).tolist()
    [1.0, 1.53745...e-12]
    """
    return in_words(erfc_p, x)


def erfcx(x: Value) -> Value:
    """exp(x**2) erfc(x): what is left of `erfc` without its exponential decay.

    >>> import numpy as np
    >>> erfcx(np.float32([0])).tolist()
    [1.0]
    """
    return in_words(erfcx_p, x)


def ndtri(p: Value) -> Value:
    """The quantile of the normal distribution: NaN outside [0, 1], infinite at the ends.

    >>> import numpy as np
    >>> ndtri(np.float32([0, 0.5, 1])).tolist()
    [-inf, 0.0, inf]
    """
    return in_words(ndtri_p, p)
