"""The gamma function, its logarithm and the derivatives of that; the Hurwitz zeta function, on which these rest."""
from __future__ import annotations

import math
from collections.abc import Sequence

from lantern.errors import NotDifferentiableError
from lantern.lower.expr import DType
from lantern.ops.build import PARTS
from lantern.ops.compare import lt, select
from lantern.ops.elementwise import div, mul, neg, round, sin, sub
from lantern.ops.numbers import Number, euler_sum, largest, polynomial, smallest, where
from lantern.ops.pointwise import Scalars, add, elementwise
from lantern.ops.precise import in_words
from lantern.source import user_source
from lantern.trace.context import typeof
from lantern.trace.primitive import Tangent, Value, Zero
from lantern.trace.staging import with_line

EULER = 0.57721566490153286060651209008240243
_FAR = 8.0          # where Stirling's series takes over
# B(2k) / (2k (2k - 1)): Stirling's series, in odd powers of 1/x
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
# B(2k) / 2k: the series of digamma, in even powers of 1/x
_DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160, 43867 / 14364)
# B(2k) / (2k)!: the Euler-Maclaurin terms of zeta
_ZETA = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600,
         -3617 / 10670622842880000, 43867 / 5109094217170944000, -174611 / 802857662698291200000)
# lgamma(2 + t) = t (1 - Euler's constant) + sum (zeta(k) - 1) (-t)**k / k, which converges like 4**-k for |t| <= 1/2
_NEAR_TWO = (1 - EULER, *[(-1) ** k * euler_sum(2, k) / k for k in range(2, 28)])


def _pieces(x: Number) -> tuple[int, int, int]:
    """How many terms of `_NEAR_TWO`, of the series at infinity, and steps of a recurrence the precision needs."""
    return (12, 4, 6) if x.single else (26, 8, 6)


def stirling_rest(x: Number) -> Number:
    """lgamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2 for x >= 8."""
    inverse = 1.0 / x
    terms = _STIRLING[:_pieces(x)[1]]
    return polynomial(terms[::-1], inverse * inverse) * inverse


def _near_two(x: Number, steps: int) -> tuple[Number, Number]:
    """(p, t) with gamma(x) = p gamma(2 + t) and |t| <= 1/2, for 1.5 <= x < 2.5 + steps."""
    product = x.like(1.0)
    for _ in range(steps):
        high = x >= 2.5
        x = where(high, x - 1.0, x)
        product = where(high, product * x, product)
    return product, x - 2.0


def log_gamma_of_two_plus(t: Number) -> Number:
    """lgamma(2 + t) for |t| <= 1/2, exact in relative terms near t = 0."""
    return polynomial(_NEAR_TWO[:_pieces(t)[0]][::-1], t) * t


def lgamma_positive(x: Number) -> Number:
    """lgamma of a positive number."""
    low = x < 1.5
    product, high_t = _near_two(x, _pieces(x)[2])
    t = where(x < 0.5, x, where(low, x - 1.0, high_t))
    divisor = where(x < 0.5, x * (x + 1.0), x)
    logarithm = where(low, divisor, product).log()
    near = log_gamma_of_two_plus(t) + where(low, -logarithm, logarithm)
    far = (x - 0.5) * (x.log() - 1.0) + (0.5 * math.log(2 * math.pi) - 0.5) + stirling_rest(x)
    return where(x < _FAR, near, far)


def _off_whole(x: Number) -> Number:
    """The distance to the nearest whole number, with its sign."""
    return x - x.round()


def lgamma_anywhere(x: Number) -> Number:
    """lgamma, by reflection below 0: gamma(-z) gamma(z + 1) = pi / sin(-pi z)."""
    size = abs(x)
    found = lgamma_positive(size)
    r = _off_whole(x)
    mirrored = math.log(math.pi) - (size * abs((math.pi * r).sin())).log() - found
    mirrored = where(r.equals(0.0), math.inf, mirrored)
    found = where(x > 0.0, found, mirrored)
    return where(size.equals(math.inf), size, found)


def _write_lgamma(s: Scalars, dtype: DType, ref: object) -> object:
    return lgamma_anywhere(Number(s, dtype, ref)).ref


def _write_betaln(s: Scalars, dtype: DType, left: object, right: object) -> object:
    """With Stirling's series for what is large, so that no two large logarithms are subtracted."""
    a, b = Number(s, dtype, left), Number(s, dtype, right)
    high, low = largest(a, b), smallest(a, b)
    total, ratio = high + low, low / high
    bent = ratio.log1p()
    rest = stirling_rest(high) - stirling_rest(total)
    both = (low - 0.5) * (ratio / (ratio + 1.0)).log() - high * bent - 0.5 * high.log() + (
        0.5 * math.log(2 * math.pi)) + (stirling_rest(low) + rest)
    one = lgamma_anywhere(low) + (low - (high - 0.5) * bent - low * total.log() + rest)
    neither = lgamma_anywhere(low) + lgamma_anywhere(high) - lgamma_anywhere(total)
    found = where(low >= _FAR, both, where((high >= _FAR) & (low > 0.0), one, neither))
    return where(low.equals(0.0) & (high >= 0.0), math.inf, found).ref


def digamma_positive(x: Number) -> Number:
    """digamma of a positive number: shifted to 8 and beyond, then the series at infinity."""
    total = x.like(0.0)
    for _ in range(int(_FAR)):
        low = x < _FAR
        total = where(low, total + 1.0 / x, total)
        x = where(low, x + 1.0, x)
    inverse = 1.0 / (x * x)
    series = polynomial(_DIGAMMA[:4 if x.single else 9][::-1], inverse) * inverse
    return x.log() - 0.5 / x - series - total


def _write_digamma(s: Scalars, dtype: DType, ref: object) -> object:
    """By reflection below 0; NaN at the poles, except 0, where the sign of zero says which infinity it is."""
    x = Number(s, dtype, ref)
    below = x < 0.0
    r = _off_whole(x)
    angle = math.pi * r
    positive = where(below, 1.0 - x, x)
    found = digamma_positive(where(positive.equals(0.0), 1.0, positive))
    mirrored = found - math.pi * angle.cos() / angle.sin()
    found = where(below, where(r.equals(0.0), math.nan, mirrored), found)
    found = where(x.equals(-math.inf), math.nan, found)
    return where(x.equals(0.0), -1.0 / x, found).ref


def gamma_positive(x: Number) -> Number:
    """gamma of a positive number: as a product where that is cheap, which keeps small errors small."""
    steps = 34 if x.single else 18
    low = x < 1.5
    product, high_t = _near_two(x, steps)
    t = where(x < 0.5, x, where(low, x - 1.0, high_t))
    divisor = where(x < 0.5, x * (x + 1.0), x)
    e = log_gamma_of_two_plus(t).exp()
    near = where(low, e / divisor, e * product)
    if x.single:
        return where(x < 36.0, near, math.inf)
    half = x.power(0.5 * x - 0.25)          # in two halves, so that it does not overflow before the result does
    far = half * (-x).exp() * half * math.sqrt(2 * math.pi) * stirling_rest(x).exp()
    return where(x < 20.0, near, where(x < 172.0, far, math.inf))


def _write_gamma(s: Scalars, dtype: DType, ref: object) -> object:
    """By reflection below 0; NaN at the negative whole numbers and at -inf, as in SciPy."""
    x = Number(s, dtype, ref)
    size = abs(x)
    found = gamma_positive(size)
    r = _off_whole(x)
    mirrored = (-math.pi / ((math.pi * r).sin() * size)) / found
    odd = (0.5 * x.round()).floor() * 2.0 < x.round()       # sin(pi x) = (-1)**n sin(pi r) for x = n + r
    mirrored = where(odd, -mirrored, mirrored)
    mirrored = where(r.equals(0.0) | x.equals(-math.inf), math.nan, -mirrored)
    return where(x > 0.0, found, where(x.equals(0.0), 1.0 / x, where(x.isnan(), x, mirrored))).ref


def _write_zeta(s: Scalars, dtype: DType, power: object, start: object) -> object:
    """The sum of (q + n)**-s for n >= 0: some terms, then Euler-Maclaurin. The terms reach past 8 from q > -8 only."""
    x, q = Number(s, dtype, power), Number(s, dtype, start)
    count, order = (12, 5) if x.single else (16, 10)
    total = q.power(-x)
    for n in range(1, count):
        total = total + (q + float(n)).power(-x)
    a = q + float(count)
    last = a.power(-x)
    factor, rest = x / a, x.like(0.0)
    for k in range(order):
        rest = rest + factor * _ZETA[k]
        factor = factor * ((x + (2 * k + 1.0)) / a) * ((x + (2 * k + 2.0)) / a)
    tail = where(last.equals(0.0), 0.0, last * (a / (x - 1.0) + 0.5 + rest))
    found = total + tail
    whole = q.equals(q.floor())
    found = where(q > 0.0, found, where(whole, math.inf, where(x.equals(x.floor()), found, math.nan)))
    found = where(q > 4.0 - count, found, where(whole & (q <= 0.0), x.like(math.inf), math.nan))
    found = where(x > 1.0, found, where(x.equals(1.0), x.like(math.inf), math.nan))
    found = where(q.equals(math.inf), 0.0, found)
    return where(x.isnan() | q.isnan(), math.nan, found).ref


def _zeta_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    x, q = primals
    if type(tangents[0]) is not Zero:
        error = NotDifferentiableError("zeta: the derivative by its first argument is not known. Differentiate by the "
                                       "second, or stop_gradient the first")
        raise with_line(error, user_source())
    if type(tangents[1]) is Zero:
        return [Zero(typeof(outs[0]))]
    return [mul(tangents[1], neg(mul(x, zeta(add(x, 1.0), q))))]


zeta_p = elementwise("zeta", _write_zeta, accepts=PARTS, jvp=_zeta_jvp)
lgamma_p = elementwise("lgamma", _write_lgamma, [lambda g, y, x: mul(g, digamma(x))], accepts=PARTS)
digamma_p = elementwise("digamma", _write_digamma, [lambda g, y, x: mul(g, trigamma(x))], accepts=PARTS)
gamma_p = elementwise("gamma", _write_gamma, [lambda g, y, x: mul(g, mul(y, digamma(x)))], accepts=PARTS)
betaln_p = elementwise("betaln", _write_betaln, [lambda g, y, a, b: mul(g, sub(digamma(a), digamma(add(a, b)))),
                                                 lambda g, y, a, b: mul(g, sub(digamma(b), digamma(add(a, b))))],
                       accepts=PARTS)


def lgamma(x: Value) -> Value:
    """The logarithm of |gamma(x)|; infinite at the poles 0, -1, -2 ...

    Relative error below 1e-6 (f32) and 1e-14 (f64) for x > 0; below 0, where it has roots, the error is absolute.

    >>> import numpy as np
    >>> lgamma(np.float32([1, 2, 0, np.inf])).tolist()
    [0.0, 0.0, inf, inf]
    """
    return in_words(lgamma_p, x)


def digamma(x: Value) -> Value:
    """The derivative of `lgamma`; NaN at the negative whole numbers.

    >>> import numpy as np
    >>> digamma(np.float32([1.0])).round(4).tolist()
    [-0.5771999955177307]
    """
    return in_words(digamma_p, x)


def gamma(x: Value) -> Value:
    """The gamma function: (x - 1)! for whole numbers; NaN at -1, -2 ..., infinite at 0.

    >>> import numpy as np
    >>> gamma(np.float32([5.0])).tolist()
    [24.0]
    """
    return in_words(gamma_p, x)


def betaln(a: Value, b: Value) -> Value:
    """lgamma(a) + lgamma(b) - lgamma(a + b).

    >>> import numpy as np
    >>> betaln(np.float32([1.0]), np.float32([1.0])).tolist()
    [0.0]
    """
    return in_words(betaln_p, a, b)


def zeta(x: Value, q: Value) -> Value:
    """Hurwitz' zeta function, the sum of (q + n)**-x for n = 0, 1, ...; NaN for x < 1, and for q below -8.

    >>> import numpy as np
    >>> zeta(np.float32([2.0]), np.float32([1.0])).round(5).tolist()
    [1.6449300050735474]
    """
    return in_words(zeta_p, x, q)


def trigamma(x: Value) -> Value:
    """The derivative of `digamma`, by reflection below 1/2."""
    below = lt(x, 0.5)
    found = zeta(2.0, select(below, sub(1.0, x), x))
    ratio = div(math.pi, select(below, sin(mul(math.pi, sub(x, round(x)))), 1.0))
    return select(below, sub(mul(ratio, ratio), found), found)
