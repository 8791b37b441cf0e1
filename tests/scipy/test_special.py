"""lantern.scipy.special against recorded values (tools/record_special.py), with derivatives, batches and bad input."""
from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lantern
from lantern import lax
from lantern.errors import ArgumentError, NotDifferentiableError, ShapeError
from lantern.scipy import special
from lantern.scipy.stats import norm
from lantern.testing import check_grads
from tests.ops.laws import x64

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "special.json").read_text())

# The relative error that is promised in f32 and in f64, and what the absolute one beside roots is of them.
BOUNDS: dict[str, tuple[float, float, float]] = {
    "gammaln": (1e-6, 1e-14, 1.0), "gamma": (2e-6, 1e-14, 0), "digamma": (2e-6, 1e-14, 1.0),
    "trigamma": (1e-6, 1e-14, 0), "polygamma3": (2e-6, 1e-14, 0), "zeta": (1e-6, 1e-14, 0),
    "betaln": (2e-6, 1e-13, 1.0), "gammainc": (2e-5, 1e-12, 0), "gammaincc": (2e-5, 1e-12, 0),
    "igamma_grad_a": (2e-5, 1e-12, 0), "random_gamma_grad": (5e-6, 1e-12, 0), "betainc": (2e-5, 1e-12, 0),
    "erf": (1e-6, 1e-14, 0), "erfc": (1e-6, 1e-13, 0), "erfcx": (1e-6, 1e-14, 0), "erfinv": (1e-6, 1e-14, 0),
    "erfcinv": (1e-6, 1e-14, 0), "ndtr": (2e-5, 1e-13, 0), "log_ndtr": (2e-6, 1e-13, 0), "ndtri": (1e-6, 1e-14, 0),
    "i0": (4e-6, 1e-13, 0), "i1": (4e-6, 1e-13, 0), "i0e": (1e-6, 1e-14, 0), "i1e": (1e-6, 1e-14, 0),
    "logit": (2e-6, 1e-14, 0), "log_expit": (1e-6, 1e-14, 0),
}


def function_of(name: str) -> Callable[..., Any]:
    """The function that was recorded under this name."""
    match name:
        case "trigamma":
            return lambda x: special.polygamma(1, x)
        case "polygamma3":
            return lambda x: special.polygamma(3, x)
        case "igamma_grad_a" | "random_gamma_grad":
            return getattr(lax, name)
        case _:
            return getattr(special, name)


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_values(name: str) -> None:
    single, double, root = BOUNDS[name]
    function, rows = function_of(name), np.array(RECORDED[name])
    *args, want = rows.T
    for dtype, bound in ((np.float32, single), (np.float64, double)):
        with x64():
            got = np.asarray(lantern.jit(function)(*[x.astype(dtype) for x in args]))
        assert got.dtype == dtype
        inside = np.abs(want) > (1e-37 if dtype == np.float32 else 0)
        np.testing.assert_allclose(got[inside].astype(float), want[inside], rtol=bound, atol=root * bound)


def test_every_recorded_function_has_a_bound() -> None:
    assert set(BOUNDS) == set(RECORDED)


EDGES: list[tuple[str, list[Any], list[Any]]] = [
    ("gammaln", [[0, -0.0, -1, -7, math.inf, -math.inf, math.nan]], [math.inf] * 6 + [math.nan]),
    ("gamma", [[0, -0.0, -1, math.inf, -math.inf, math.nan, 40, -0.5]],
     [math.inf, -math.inf, math.nan, math.inf, math.nan, math.nan, math.inf, -2 * math.sqrt(math.pi)]),
    ("digamma", [[0, -0.0, -1, math.inf, -math.inf]], [-math.inf, math.inf, math.nan, math.inf, math.nan]),
    ("gammasgn", [[0, -0.0, -1, -0.5, -1.5, 3]], [1, -1, math.nan, -1, 1, 1]),
    ("loggamma", [[-0.5, 1, 0]], [math.nan, 0, math.inf]),
    ("factorial", [[0, 1, 5, -2]], [1, 1, 120, 0]),
    ("zeta", [[1, 0.5, 3, 3, 2.5, 2, math.nan], [1, 1, 0, -2, -0.5, math.inf, 1]],
     [math.inf, math.nan, math.inf, math.inf, math.nan, 0, math.nan]),
    ("beta", [[1, 2, 0.5], [1, 3, 0.5]], [1, 1 / 12, math.pi]),
    ("gammainc", [[0, 1, 1, -1, 1, math.inf, 0], [1, 0, math.inf, 1, -1, 1, 0]],
     [1, 0, 1, math.nan, math.nan, 0, math.nan]),
    ("gammaincc", [[0, 1, 1, -1, 1, math.inf, 0], [1, 0, math.inf, 1, -1, 1, 0]],
     [0, 1, 0, math.nan, math.nan, 1, math.nan]),
    ("betainc", [[1, 1, 0, 1, 0, -1, 1, math.inf], [1, 1, 1, 0, 0, 1, 1, 1], [0, 1, 0.5, 0.5, 0.5, 0.5, 1.5, 0.5]],
     [0, 1, 1, 0, math.nan, math.nan, math.nan, 0]),
    ("erfc", [[math.inf, -math.inf, math.nan]], [0, 2, math.nan]),
    ("erfcx", [[math.inf, -math.inf, math.nan]], [0, math.inf, math.nan]),
    ("erfcinv", [[0, 1, 2, 3]], [math.inf, 0, -math.inf, math.nan]),
    ("ndtr", [[math.inf, -math.inf, 0]], [1, 0, 0.5]),
    ("log_ndtr", [[math.inf, -math.inf, math.nan]], [0, -math.inf, math.nan]),
    ("ndtri", [[0, 1, -1, 2, 0.5]], [-math.inf, math.inf, math.nan, math.nan, 0]),
    ("i0e", [[0, math.inf, -math.inf, math.nan]], [1, 0, 0, math.nan]),
    ("i1e", [[0, math.inf, -math.inf, math.nan]], [0, 0, 0, math.nan]),
    ("entr", [[0, 1, -1, math.nan]], [0, 0, -math.inf, math.nan]),
    ("rel_entr", [[0, 1, 1, -1, 0.5], [0, 0, 1, 1, 1]], [0, math.inf, 0, math.inf, 0.5 * math.log(0.5)]),
    ("kl_div", [[0, 1, 1, -1], [2, 0, 1, 1]], [2, math.inf, 0, math.inf]),
    ("xlogy", [[0, 0, 0, 2, math.nan], [0, -1, math.nan, 0, 1]], [0, 0, math.nan, -math.inf, math.nan]),
    ("xlog1py", [[0, 0, 2], [-1, -3, -1]], [0, 0, -math.inf]),
    ("logit", [[0, 1, 0.5, -1, 2]], [-math.inf, math.inf, 0, math.nan, math.nan]),
    ("expit", [[-math.inf, 0, math.inf]], [0, 0.5, 1]),
]


@pytest.mark.parametrize(("name", "args", "want"), EDGES, ids=[e[0] for e in EDGES])
def test_edges(name: str, args: list[Any], want: list[Any]) -> None:
    got = np.asarray(getattr(special, name)(*[np.float32(x) for x in args]))
    np.testing.assert_allclose(got, np.float32(want), rtol=1e-6, atol=1e-6)


SMOOTH: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (special.gammaln, (np.array([0.3, 2.5, -0.6, -3.3]),)),
    (special.gamma, (np.array([0.3, 2.5, -0.6]),)),
    (special.digamma, (np.array([0.3, 2.5, -0.6, -3.3]),)),
    (special.betaln, (np.array([0.3, 9.0]), np.array([2.0, 12.0]))),
    (lambda x: special.polygamma(2, x), (np.array([0.4, 3.0]),)),
    (lambda q: special.zeta(3.5, q), (np.array([0.4, 3.0]),)),
    (lambda x: special.gammainc(2.5, x), (np.array([0.4, 3.0]),)),
    (lambda x: special.gammaincc(25.0, x), (np.array([20.0, 26.0]),)),
    (special.erfc, (np.array([-0.3, 1.5]),)),
    (special.erfcx, (np.array([-0.3, 1.5]),)),
    (special.ndtri, (np.array([0.01, 0.6]),)),
    (special.erfcinv, (np.array([0.1, 1.6]),)),
    (special.log_ndtr, (np.array([-20.0, -0.5, 2.0]),)),
    (special.i0, (np.array([0.2, -3.0]),)),
    (special.i1, (np.array([0.2, -3.0]),)),
    (special.entr, (np.array([0.2, 3.0]),)),
    (special.xlogy, (np.array([0.2, 0.0]), np.array([1.3, 0.4]))),
    (special.xlog1py, (np.array([0.2, 0.0]), np.array([1.3, 0.4]))),
    (special.rel_entr, (np.array([0.2]), np.array([1.3]))),
    (special.kl_div, (np.array([0.2]), np.array([1.3]))),
    (special.logit, (np.array([0.2, 0.5, 0.95]),)),
    (special.log_expit, (np.array([-3.0, 2.0]),)),
    (lambda a: special.multigammaln(a, 3), (np.array([2.2, 4.0]),)),
    (lambda x: special.softmax(x, 1), (np.array([[0.1, 2.0, 0.3]]),)),
    (lambda x: special.log_softmax(x, 1), (np.array([[0.1, 2.0, 0.3]]),)),
    (lambda x: special.logsumexp(x, 1, b=np.array([1.0, 2.0, -0.5])), (np.array([[0.1, 2.0, 0.3]]),)),
]


@pytest.mark.parametrize(("function", "args"), SMOOTH)
def test_derivatives(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    with x64():
        check_grads(function, args, order=2)


def test_derivatives_by_the_shape() -> None:
    a, x = np.array([0.4, 3.0, 30.0]), np.array([0.2, 4.0, 29.0])
    with x64():
        check_grads(lambda a: special.gammainc(a, x), (a,), order=1)
        check_grads(lambda a: special.gammaincc(a, x), (a,), order=1)
        check_grads(lambda x: lax.igamma_grad_a(a, x), (x,), order=1)
        with pytest.raises(NotDifferentiableError, match=r"igamma_grad_a: .*, at test_special.py:\d+ .*stop_gradient"):
            lantern.hessian(lambda a: special.gammainc(a, 2.0))(3.0)
        with pytest.raises(NotDifferentiableError, match=r"random_gamma_grad: .*, at test_special.py"):
            lantern.grad(lambda a: lax.random_gamma_grad(a, 2.0))(3.0)
        check_grads(lambda x: special.betainc(2.5, 9.0, x), (np.array([0.1, 0.6]),), order=1)
    with pytest.raises(NotDifferentiableError, match=r"betainc: .*, at test_special.py:\d+ .*stop_gradient"):
        lantern.grad(lambda a: special.betainc(a, 3.0, 0.3))(2.0)
    with pytest.raises(NotDifferentiableError, match=r"zeta: .*, at test_special.py:\d+ .*second"):
        lantern.grad(lambda s: special.zeta(s, 3.0))(2.0)


def test_vmap_and_broadcasting() -> None:
    a, x = np.float32([0.5, 3, 25]), np.linspace(0.1, 0.9, 4, dtype=np.float32)
    for function in (special.gammainc, special.betaln, lambda a, x: special.betainc(a, 2.0, x)):
        table = np.asarray(function(a[:, None], x))
        mapped = lantern.jit(lantern.vmap(lantern.vmap(function, (None, 0)), (0, None)))(a, x)
        np.testing.assert_allclose(mapped, table, rtol=1e-6)
        assert function(np.zeros((0, 1), np.float32), x).shape == (0, 4)


def test_types() -> None:
    assert special.gammaln(3).dtype == np.float32
    assert special.gammaln(np.float16([3])).dtype == np.float16
    assert special.betainc(np.float16([3]), 2, np.float16([0.5])).dtype == np.float16
    assert special.gammainc(1, 2).dtype == np.float32
    assert abs(special.gammainc(1, 2).item() - (1 - math.exp(-2))) < 1e-6


def test_logsumexp() -> None:
    x = np.float32([[1, 2], [-np.inf, -np.inf]])
    np.testing.assert_allclose(special.logsumexp(x, axis=1), [np.log(np.exp(1) + np.exp(2)), -np.inf], rtol=1e-6)
    size, sign = special.logsumexp(np.float32([1, 2]), b=np.float32([1, -1]), return_sign=True)
    np.testing.assert_allclose([size, sign], [np.log(np.exp(2) - np.exp(1)), -1], rtol=1e-6)
    assert np.isnan(special.logsumexp(np.float32([1, 2]), b=np.float32([1, -1])))
    assert special.logsumexp(x, axis=0, keepdims=True, where=np.isfinite(x)).shape == (1, 2)
    assert special.logsumexp(np.float32([np.inf, 1]), b=np.float32([0, 1])).item() == 1.0
    np.testing.assert_allclose(special.softmax(np.float32([0, 1e4])), [0, 1])
    want = 0.5 * np.log(np.pi) + math.lgamma(3) + math.lgamma(2.5)
    np.testing.assert_allclose(special.multigammaln(3.0, 2), want, rtol=1e-6)


def test_normal_distribution() -> None:
    x, loc, scale = np.linspace(-9, 9, 7), 0.5, np.array([[0.5], [3.0]])
    z = (x - loc) / scale
    tail = np.vectorize(math.erfc)
    below, above = tail(-z / math.sqrt(2)) / 2, tail(z / math.sqrt(2)) / 2
    density = np.exp(-z * z / 2) / scale / math.sqrt(2 * math.pi)
    p = np.array([1e-9, 0.2, 0.5, 0.9])
    with x64():
        np.testing.assert_allclose(norm.pdf(x, loc, scale), density, rtol=1e-12)
        np.testing.assert_allclose(norm.cdf(x, loc, scale), below, rtol=1e-12)
        np.testing.assert_allclose(norm.sf(x, loc, scale), above, rtol=1e-12)
        np.testing.assert_allclose(norm.logcdf(x, loc, scale), np.log(below), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(norm.logsf(x, loc, scale), np.log(above), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(norm.cdf(norm.ppf(p, loc, scale), loc, scale)[0], p, rtol=1e-12)
        np.testing.assert_allclose(norm.sf(norm.isf(p, 1, 2), 1, 2), p, rtol=1e-12)
        check_grads(norm.logpdf, (x, np.float64(0.3), np.float64(1.2)), order=2)
        check_grads(norm.logcdf, (x, np.float64(0.3), np.float64(1.2)), order=2)
    assert np.isnan(norm.pdf(0.0, 0.0, -1.0)) and np.isnan(norm.ppf(0.5, 0.0, 0.0))


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match=r"gammainc: shapes f32\[2\] and f32\[3\] cannot be broadcast"):
        special.gammainc(np.ones(2, np.float32), np.ones(3, np.float32))
    with pytest.raises(ShapeError, match="lgamma: wanted floats of 32 or 64 bits, got c64"):
        special.gammaln(np.complex64(1 + 1j))
    with pytest.raises(ArgumentError, match=r"factorial: .*math\.factorial"):
        special.factorial(3, exact=True)
    with pytest.raises(ArgumentError, match="multigammaln: wanted a dimension of at least 1, got 0"):
        special.multigammaln(2.0, 0)
    with pytest.raises(ShapeError, match="regularized_incomplete_beta: wanted floats of one dtype"):
        lax.betainc(np.ones(2, np.float32), np.ones(3, np.float32), np.ones(2, np.float32))
    with pytest.raises(TypeError, match="gammaln"):
        special.gammaln("x")
