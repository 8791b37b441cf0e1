"""Rows: special functions. The twins are SciPy's; the hard places are in tests/scipy."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as twins

from lantern.ops import bessel, gamma, gaussian, incomplete_gamma
from tests.optable.table import Case, Row, Wrong, table, uniform

F32, INTS = np.float32, np.ones(3, np.int32)
UNUSUAL = np.array([0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 30.5, -30.5, 1e-6, np.inf, np.nan], F32)


def unary(name: str, function: Callable[..., Any], twin: Callable[..., Any], low: float, high: float,
          unusual: np.ndarray[Any, Any] = UNUSUAL, **more: Any) -> Row:
    """Smooth between `low` and `high`; `unusual` values are not differentiated."""
    cases = (Case(lambda r: (uniform(r, 3, 4, low=low, high=high),)), Case(lambda r: (unusual.copy(),), smooth=False))
    errors = (Wrong((INTS,), rf"{name}: wanted floats of 32 or 64 bits, got i32\[3\], at .*Convert"),)
    return Row(name, function, twin, cases, errors, **({"order": 2, "tolerance": 8} | more))


def binary(name: str, function: Callable[..., Any], twin: Callable[..., Any], low: float, high: float,
           **more: Any) -> Row:
    """Two positive operands. Their kernels are long: other precisions are those of tests/scipy."""
    cases = (Case(lambda r: (uniform(r, 3, 4, low=low, high=high), uniform(r, 3, 4, low=low, high=high))),)
    errors = (Wrong((np.ones(2, F32), np.ones(3, F32)), rf"{name}: operands must have one shape"),)
    return Row(name, function, twin, cases, errors, **({"tolerance": 64, "every_precision": False} | more))


def _derivative(f: Callable[[Any], Any], a: Any) -> Any:
    """By differences of the sixth order, in double precision."""
    h = 4e-3 * np.asarray(a)
    near, middle, far = [f(a + k * h) - f(a - k * h) for k in (1, 2, 3)]
    return (45 * near - 9 * middle + far) / (60 * h)


def _slope_by_shape(a: Any, x: Any) -> Any:
    return _derivative(lambda shape: twins.gammainc(shape, x), a)


def _slope_of_variate(a: Any, x: Any) -> Any:
    density = np.exp((a - 1) * np.log(x) - x - twins.gammaln(a))
    return -_slope_by_shape(a, x) / density


ROWS = table(
    unary("lgamma", gamma.lgamma, twins.gammaln, 0.2, 9, absolute=1e-6),
    unary("digamma", gamma.digamma, twins.psi, 2, 12, absolute=1e-6, tolerance=16),
    unary("gamma", gamma.gamma, twins.gamma, 0.3, 5, tolerance=16),
    unary("erfc", gaussian.erfc, twins.erfc, -2, 4, tolerance=16),
    unary("erfcx", gaussian.erfcx, twins.erfcx, -1.5, 4, UNUSUAL[:6], tolerance=16),
    unary("ndtri", gaussian.ndtri, twins.ndtri, 0.01, 0.99,
          np.array([0.0, 1.0, -0.5, 1.5, 1e-20, np.nan], F32), tolerance=16),
    unary("bessel_i0e", bessel.i0e, twins.i0e, 0.1, 9),
    unary("bessel_i1e", bessel.i1e, twins.i1e, 0.1, 9),
    binary("betaln", gamma.betaln, twins.betaln, 2, 12, order=2, tolerance=32, absolute=1e-6),
    binary("zeta", gamma.zeta, twins.zeta, 1.2, 6),
    binary("igamma", incomplete_gamma.igamma, twins.gammainc, 0.5, 6, absolute=1e-6),
    binary("igammac", incomplete_gamma.igammac, twins.gammaincc, 0.5, 6, absolute=1e-6),
    binary("igamma_grad_a", incomplete_gamma.igamma_grad_a, _slope_by_shape, 0.5, 6, absolute=1e-6),
    binary("random_gamma_grad", incomplete_gamma.random_gamma_grad, _slope_of_variate, 0.5, 6, absolute=1e-6),
)
