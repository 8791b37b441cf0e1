"""The incomplete beta function: a continued fraction, evaluated backwards, in as many steps for all elements."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lantern.custom_rules import SymbolicZero, custom_jvp
from lantern.dtypes import BF16, F16, F32, is_float
from lantern.errors import NotDifferentiableError
from lantern.lax.loops import fori_loop
from lantern.lax.operands import ArrayLike, at_user_line, constant, exact, is_array, shape_error
from lantern.ops import elementwise as ops
from lantern.ops.broadcast import broadcast_in_dim
from lantern.ops.compare import select
from lantern.ops.convert import convert
from lantern.ops.gamma import betaln
from lantern.trace.array import Array
from lantern.trace.context import typeof
from lantern.trace.primitive import Value

_STEPS = 200        # enough for parameters up to 1e5
_EXCESS = tuple([1 / (2 * k + 3) for k in range(16)])
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)


def regularized_incomplete_beta(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Array:
    """I_x(a, b), the beta distribution function; differentiable by x. Accurate for parameters up to 1e5.

    Raises NotDifferentiableError for derivatives by a and b.

    >>> regularized_incomplete_beta(1.0, 1.0, 0.25).item()
    0.25
    """
    operands: list[Value] = exact(a, b, x, function="regularized_incomplete_beta")
    arrays: list[Value] = [v if is_array(v) else constant(v) for v in operands]
    _same_type(arrays)
    shape = max([typeof(v).shape for v in arrays], key=len)
    stretched = [v if v.shape else broadcast_in_dim(v, shape, ()) for v in arrays]
    dtype = typeof(arrays[0]).dtype
    if dtype in (F16, BF16):
        return convert(_betainc(*[convert(v, F32) for v in stretched]), dtype)
    return _betainc(*stretched)


def betainc(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Array:
    """As `regularized_incomplete_beta`.

    >>> betainc(1.0, 1.0, 0.25).item()
    0.25
    """
    return regularized_incomplete_beta(a, b, x)


def _same_type(arrays: Sequence[Value]) -> None:
    avals = [typeof(v) for v in arrays]
    shapes, dtypes = {a.shape for a in avals if a.shape}, {a.dtype for a in avals}
    if len(shapes) > 1 or len(dtypes) > 1 or not is_float(avals[0].dtype):
        found = ", ".join([str(a) for a in avals])
        raise shape_error(f"regularized_incomplete_beta: wanted floats of one dtype and one shape, got {found}",
                          "Broadcast and convert them first, or use scipy.special.betainc.")


def _polynomial(coefficients: Sequence[float], x: Array) -> Array:
    """Coefficients of x**0, x**1 ..."""
    total = x * coefficients[-1]
    for c in coefficients[-2:0:-1]:
        total = (total + c) * x
    return total + coefficients[0]


def _log_excess(u: Array) -> Array:
    """u - log(1 + u), by the series of the inverse hyperbolic tangent near 0."""
    r = u / (u + 2.0)
    near = r * (u - 2.0 * r * r * _polynomial(_EXCESS, r * r))
    return select(ops.abs(u) < 0.5, near, u - ops.log1p(u))


def _stirling_rest(x: Array) -> Array:
    """What Stirling's formula leaves of lgamma(x), for x >= 8."""
    return _polynomial(_STIRLING, 1.0 / (x * x)) / x


def _decay(a: Array, b: Array, x: Array) -> Array:
    """x**a (1 - x)**b / B(a, b). For large parameters as the value at the mean times what is lost away from it."""
    plain = a * ops.log(x) + b * ops.log1p(-x) - betaln(a, b)
    total = a + b
    mean, other = a / total, b / total
    off = select(mean < 0.5, x - mean, other - (1.0 - x))       # the smaller share has the smaller error
    lost = a * _log_excess(off / mean) + b * _log_excess(-off / other)
    at_mean = 0.5 * ops.log(a / (2 * math.pi) * other) + (
        _stirling_rest(total) - _stirling_rest(a) - _stirling_rest(b))
    found = ops.exp(select(ops.min(a, b) > 8.0, at_mean - lost, plain))
    return select((x > 0.0) & (x < 1.0), found, 0.0)


def _fraction(a: Array, b: Array, x: Array) -> Array:
    """I_x(a, b) / decay, for x below the mean, from the last denominator to the first (A. R. DiDonato, A. H. Morris,
    "Significant digit computation of the incomplete beta function ratios", ACM TOMS 18 (1992), equation 9)."""
    y = 1.0 - x
    first = a * y - b * x + 1.0

    def step(k: Any, tail: Array) -> Array:
        m = float(_STEPS) - convert(k, x.dtype)
        before = a + 2.0 * m - 1.0
        product = m * (b - m) * (x / before)
        numerator = ((a + m - 1.0) / before) * (a + b + m - 1.0) * product * x
        below = m + product + (a + m) * ((first + m * (y + 1.0)) / (before + 2.0))
        return numerator / (below + tail)

    return 1.0 / (a * first / (a + 1.0) + fori_loop(0, _STEPS, step, x * 0.0))


def _value(a: Array, b: Array, x: Array) -> Array:
    swap = x > (a + 1.0) / (a + b + 2.0)
    p, q, z = select(swap, b, a), select(swap, a, b), select(swap, 1.0 - x, x)
    part = _decay(p, q, z) * _fraction(p, q, z)
    return _bounded(select(swap, 1.0 - part, part), a, b, x)


def _bounded(found: Array, a: Array, b: Array, x: Array) -> Array:
    """The limits at the ends, and NaN outside the domain."""
    limits = ((1.0, a == 0.0), (0.0, b == 0.0), (0.0, a == math.inf), (1.0, b == math.inf), (0.0, x == 0.0),
              (1.0, x == 1.0))
    for value, there in limits:
        found = select(there, value, found)
    least = ops.min(ops.min(a, b), ops.min(x, 1.0 - x))
    inside = (least >= 0.0) & (ops.max(a, b) > 0.0) & (ops.min(a, b) < math.inf)
    return select(inside, found, math.nan)


_betainc = custom_jvp(_value)


def _betainc_jvp(primals: Sequence[Array], tangents: Sequence[Array | SymbolicZero]) -> tuple[Array, Any]:
    a, b, x = primals
    if not all([isinstance(t, SymbolicZero) for t in tangents[:2]]):
        raise NotDifferentiableError(f"betainc: the derivatives by a and b are not known{at_user_line()}. "
                                     "Differentiate by x, or stop_gradient the parameters")
    return _betainc(a, b, x), ops.mul(tangents[2], ops.exp(_log_density(a, b, x)))


def _log_density(a: Array, b: Array, x: Array) -> Array:
    return (a - 1.0) * ops.log(x) + (b - 1.0) * ops.log1p(-x) - betaln(a, b)


_betainc.defjvp(_betainc_jvp, symbolic_zeros=True)
