"""erf, erfc and erfinv in double precision, for NumPy arrays."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

F64Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

# W. J. Cody, "Rational Chebyshev Approximations for the Error Function", Math. Comp. 23 (1969), 631-637; the
# coefficients in full precision are those of the public-domain CALERF. Highest power first, as `_polynomial` reads.
SMALL_P = (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
            3.20937758913846947e3)
SMALL_Q = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
MIDDLE_P = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
             2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
             1.23033935479799725e3)
MIDDLE_Q = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
             3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3)
LARGE_P = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
            1.60837851487422766e-2, 6.58749161529837803e-4)
LARGE_Q = (1.0, 2.56852019228982242e0, 1.87295284992346047e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
            2.33520497626869185e-3)

# M. Giles, "Approximating the erfinv function", GPU Computing Gems 2 (2010), single precision: here a first guess.
_GILES_CENTRE = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
                 -0.00417768164, 0.246640727, 1.50140941)
_GILES_TAIL = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
               0.00943887047, 1.00167406, 2.83297682)


def _polynomial(coefficients: Sequence[float], x: F64Array) -> F64Array:
    total = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        total = total * x + c
    return total


def _tail(y: F64Array) -> F64Array:
    """erfc(y) for y > 0.46875."""
    middle = _polynomial(MIDDLE_P, y) / _polynomial(MIDDLE_Q, y)
    square = 1.0 / (y * y)
    large = (1.0 / np.sqrt(np.pi) - square * _polynomial(LARGE_P, square) / _polynomial(LARGE_Q, square)) / y
    # exp(-y*y) with y split at 1/16, so that the square's rounding does not grow
    cut = np.floor(y * 16.0) / 16.0
    rest = (y - cut) * (y + cut)
    return np.exp(-cut * cut) * np.exp(-rest) * np.where(y <= 4.0, middle, large)


def _centre(x: F64Array) -> F64Array:
    """erf(x) for |x| <= 0.46875."""
    square = x * x
    return x * _polynomial(SMALL_P, square) / _polynomial(SMALL_Q, square)


def erf(x: F64Array) -> F64Array:
    """The error function.

    >>> float(erf(np.array(0.5)))
    0.5204998778130465
    """
    with np.errstate(all="ignore"):
        y = np.abs(x)
        far = np.copysign(1.0 - np.where(y > 6.0, 0.0, _tail(y)), x)
        return np.where(np.isnan(x), x, np.where(y <= 0.46875, _centre(x), far))


def erfc(x: F64Array) -> F64Array:
    """One minus the error function, exact where that is tiny.

    >>> float(erfc(np.array(5.0)) * 1e12)
    1.53745979442803...
    """
    with np.errstate(all="ignore"):
        y = np.abs(x)
        tail = np.where(y > 27.5, 0.0, _tail(y))
        far = np.where(x < 0.0, 2.0 - tail, tail)
        return np.where(np.isnan(x), x, np.where(y <= 0.46875, 1.0 - _centre(x), far))


def erfinv(x: F64Array) -> F64Array:
    """The inverse of erf on [-1, 1]: infinite at the ends, NaN outside.

    Giles' guess, then three Halley steps on erf, or on erfc in the tails, where 1 - |x| is exact.

    >>> abs(float(erfinv(np.array(0.5204998778130465))) - 0.5) < 1e-15
    True
    """
    with np.errstate(all="ignore"):
        a = np.abs(x)
        w = -np.log((1.0 - a) * (1.0 + a))
        y = a * np.where(w < 5.0, _polynomial(_GILES_CENTRE, w - 2.5), _polynomial(_GILES_TAIL, np.sqrt(w) - 3.0))
        for _ in range(3):
            error = np.where(a < 0.5, erf(y) - a, (1.0 - a) - erfc(y))
            step = error * (np.sqrt(np.pi) / 2.0) * np.exp(y * y)
            y = y - step / (1.0 + y * step)
        y = np.where(a < 1.0, y, np.where(a == 1.0, np.inf, np.nan))
        return np.copysign(y, x)
