"""Records values of special functions, computed with fifty digits by mpmath, for tests/scipy.

`python -m tools.record_special` writes tests/data/special.json. Arguments are f32 numbers, so that a test in either
precision asks for the same point. mpmath is needed here only.
"""
from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np

PATH = Path(__file__).parents[1] / "tests" / "data" / "special.json"
POSITIVE = [1e-6, 1e-3, 0.03, 0.3, 0.499, 0.5, 0.9, 0.999, 1.001, 1.3, 1.5, 1.99, 2.01, 2.49, 2.5, 3.3, 5, 6.7, 7.99,
            8, 8.1, 12.5, 17.3, 20.1, 25, 33.3]
LARGE = [1e2, 1234.5, 1e5, 3e8]
NEGATIVE = [-0.01, -0.3, -0.7, -1.2, -1.9, -2.6, -5.3, -9.4, -20.7]
SIGNED = [*[-x for x in (0.1, 0.46, 0.5, 1, 2.5, 4.1)], 0.01, 0.3, 0.46, 0.5, 0.7, 1, 1.9, 3.3, 4.1, 5.7, 8.8]
UNIT = [1e-30, 1e-10, 1e-4, 0.01, 0.07, 0.08, 0.3, 0.49, 0.51, 0.7, 0.93, 0.99, 0.9999]
PAIRS = [(0.01, 1e-5), (0.01, 0.9), (0.3, 0.2), (0.5, 1.05), (1, 1), (1.5, 4), (2.5, 2.2), (5, 12), (7.5, 3), (8.5, 9),
         (15, 15), (19.9, 30), (20.1, 20), (30, 29), (30, 12), (30, 60), (100, 110), (1000, 1010), (1000, 600),
         (1e5, 1.003e5), (1e7, 9.99e6)]
BETAS = [(0.5, 0.5, 0.3), (1, 1, 0.7), (0.02, 3, 0.2), (2, 3, 0.1), (2, 3, 0.9), (8.5, 9, 0.5), (30, 40, 0.4),
         (30, 40, 0.6), (300, 0.5, 0.997), (100, 1000, 0.1), (1000, 1200, 0.45), (20000, 30000, 0.401)]
ZETAS = [(1.01, 0.5), (1.5, 1), (2, 1), (2, 0.01), (3, 2.5), (4.5, 20), (10, 0.3), (20, 7), (30, 100), (3, -0.5),
         (2, -2.25)]


def _points(values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Each argument as the f32 number next to it, in mpmath."""
    return [tuple([mp.mpf(float(np.float32(v))) for v in (p if isinstance(p, tuple) else (p,))]) for p in values]


def _shape_slope(a: Any, x: Any) -> Any:
    return mp.diff(lambda t: mp.gammainc(t, 0, x, regularized=True), a)


def _variate_slope(a: Any, x: Any) -> Any:
    return -_shape_slope(a, x) * mp.exp(x - (a - 1) * mp.log(x) + mp.loggamma(a))


def _lower(a: Any, x: Any) -> Any:
    """By quadrature over forty standard deviations where the series is too long."""
    if a < 2000:
        return mp.gammainc(a, 0, x, regularized=True)
    edges = [x - k * mp.sqrt(a) for k in range(40, -1, -1)]
    return mp.quad(lambda t: mp.exp((a - 1) * mp.log(t) - t - mp.loggamma(a)), edges)


def _upper(a: Any, x: Any) -> Any:
    return mp.gammainc(a, x, regularized=True) if a < 2000 else 1 - _lower(a, x)


def _beta_distribution(a: Any, b: Any, x: Any) -> Any:
    if a + b < 3000:
        return mp.betainc(a, b, 0, x, regularized=True)
    spread = mp.sqrt(a * b / (a + b) ** 3)
    edges = [x - k * spread for k in range(25, -1, -1)]
    scale = mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b)
    return mp.quad(lambda t: mp.exp((a - 1) * mp.log(t) + (b - 1) * mp.log1p(-t) + scale), edges)


def _zeta(s: Any, q: Any) -> Any:
    """mpmath's own loses digits for large s, where the sum is short."""
    return mp.zeta(s, q) if s < 8 else mp.fsum([(q + n) ** -s for n in range(20000)])


def _ndtri(p: Any) -> Any:
    """By Newton's method on the logarithm of the smaller tail."""
    low = mp.mpf(min(p, 1 - p))
    guess = -mp.sqrt(-2 * mp.log(low)) if low < 0.1 else mp.mpf(-0.5)
    found = mp.findroot(lambda z: mp.log(mp.erfc(-z / mp.sqrt(2)) / 2) - mp.log(low), guess)
    return found if p < 0.5 else -found


Function = Callable[..., Any]
FUNCTIONS: dict[str, tuple[Function, Sequence[Any]]] = {
    "gammaln": (lambda x: mp.re(mp.loggamma(x)), [*POSITIVE, *LARGE, *NEGATIVE]),
    "gamma": (mp.gamma, [*POSITIVE, *NEGATIVE]),
    "digamma": (mp.digamma, [*POSITIVE, *LARGE, *NEGATIVE]),
    "trigamma": (lambda x: mp.polygamma(1, x), [*POSITIVE, *LARGE, *NEGATIVE]),
    "polygamma3": (lambda x: mp.polygamma(3, x), [*POSITIVE, *LARGE]),
    "zeta": (_zeta, ZETAS),
    "betaln": (lambda a, b: mp.log(mp.beta(a, b)), [*PAIRS[2:-2], (1e4, 0.3), (1e5, 3)]),
    "gammainc": (_lower, PAIRS),
    "gammaincc": (_upper, PAIRS),
    "igamma_grad_a": (_shape_slope, PAIRS[:-2]),
    "random_gamma_grad": (_variate_slope, PAIRS[:-2]),
    "betainc": (_beta_distribution, BETAS),
    "erf": (mp.erf, SIGNED),
    "erfc": (mp.erfc, SIGNED),
    "erfcx": (lambda x: mp.exp(x * x) * mp.erfc(x), [*SIGNED, 30, 1e4, 1e10]),
    "erfinv": (mp.erfinv, [-0.999, -0.5, 1e-6, 0.01, 0.3, 0.9, 0.9999]),
    "erfcinv": (lambda y: -_ndtri(y / 2) / mp.sqrt(2), [*UNIT, 1.5, 1.99]),
    "ndtr": (mp.ncdf, [-13.5, -10, -5, *SIGNED]),
    "log_ndtr": (lambda x: mp.log(mp.ncdf(x)), [-1e4, -100, -20, *SIGNED]),
    "ndtri": (_ndtri, UNIT),
    "i0": (lambda x: mp.besseli(0, x), [*SIGNED, 12, 50]),
    "i1": (lambda x: mp.besseli(1, x), [*SIGNED, 12, 50]),
    "i0e": (lambda x: mp.exp(-abs(x)) * mp.besseli(0, x), [*SIGNED, 9.99, 10.01, 24.9, 25.1, 1e3, 1e6]),
    "i1e": (lambda x: mp.exp(-abs(x)) * mp.besseli(1, x), [*SIGNED, 1e-6, 9.99, 10.01, 24.9, 25.1, 1e3, 1e6]),
    "logit": (lambda p: mp.log(p / (1 - p)), UNIT),
    "log_expit": (lambda x: -mp.log1p(mp.exp(-x)), [-100, *SIGNED, 50]),
}


def main() -> None:
    """Write the file."""
    mp.mp.dps = 50
    found: dict[str, Any] = {}
    for name, (function, values) in FUNCTIONS.items():
        points = _points(values)
        found[name] = [[*[float(v) for v in p], float(mp.re(function(*p)))] for p in points]
    lines = [f'"{name}": [{", ".join(json.dumps(row) for row in rows)}]' for name, rows in found.items()]
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
