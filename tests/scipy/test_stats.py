"""lantern.scipy.stats against SciPy: values in double precision, derivatives, the ends, batches, bad input."""
from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from scipy import stats as twins

import lantern
from lantern.errors import ShapeError
from lantern.scipy import stats
from lantern.testing import check_grads
from tests.ops.laws import x64

X = np.array([-3.0, -0.5, 0.0, 0.25, 0.5, 1.0, 1.75, 4.0])
COUNTS = np.array([-1.0, 0.0, 1.0, 2.0, 2.5, 7.0])
LAWS: list[tuple[str, str, np.ndarray[Any, Any], tuple[float, ...]]] = [
    *[("expon", f, X, (0.5, 2.0)) for f in ("pdf", "logpdf", "cdf")],
    *[("laplace", f, X, (0.5, 2.0)) for f in ("pdf", "logpdf", "cdf")],
    *[("uniform", f, X, (0.1, 2.0)) for f in ("pdf", "logpdf", "cdf")],
    *[("gamma", f, X, (2.5, 0.1, 2.0)) for f in ("pdf", "logpdf", "cdf", "sf")],
    *[("beta", f, X, (2.5, 1.5, 0.1, 2.0)) for f in ("pdf", "logpdf", "cdf")],
    *[("t", f, X, (3.5, 0.1, 2.0)) for f in ("pdf", "logpdf")],
    *[("poisson", f, COUNTS, (2.2,)) for f in ("pmf", "logpmf", "cdf")],
    *[("bernoulli", f, COUNTS, (0.3,)) for f in ("pmf", "logpmf", "cdf")],
]


@pytest.mark.parametrize(("law", "function", "x", "parameters"), LAWS, ids=[f"{a}.{b}" for a, b, *_ in LAWS])
def test_values(law: str, function: str, x: np.ndarray[Any, Any], parameters: tuple[float, ...]) -> None:
    ours, theirs = getattr(getattr(stats, law), function), getattr(getattr(twins, law), function)
    with x64():
        got = np.asarray(ours(x[:, None], *parameters))
    np.testing.assert_allclose(got[:, 0], theirs(x, *parameters), rtol=1e-12, atol=1e-300)
    single = np.asarray(lantern.jit(lantern.vmap(lambda v: ours(v, *parameters)))(x.astype(np.float32)))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, theirs(x, *parameters), rtol=2e-5, atol=1e-7)


SMOOTH: list[tuple[str, str, tuple[float, ...]]] = [
    ("expon", "logpdf", (1.3, 0.1, 2.0)), ("laplace", "logpdf", (1.3, 0.1, 2.0)),
    ("gamma", "logpdf", (1.3, 2.5, 0.1, 2.0)), ("gamma", "cdf", (1.3, 2.5)), ("beta", "logpdf", (0.3, 2.5, 1.5)),
    ("t", "logpdf", (1.3, 3.5, 0.1, 2.0)),
]


@pytest.mark.parametrize(("law", "function", "point"), SMOOTH)
def test_derivatives(law: str, function: str, point: tuple[float, ...]) -> None:
    with x64():
        check_grads(getattr(getattr(stats, law), function), tuple([np.float64(v) for v in point]), order=1)
        slope = lantern.grad(lambda p: stats.poisson.logpmf(3, p))(2.0)
    assert abs(slope.item() - 0.5) < 1e-6


def test_derivatives_outside_are_zero_and_no_nan() -> None:
    assert lantern.grad(lambda x: stats.gamma.logpdf(x, 2.0))(-1.0).item() == 0
    assert lantern.grad(lambda x: stats.beta.logpdf(x, 2.0, 3.0))(1.5).item() == 0
    assert lantern.grad(lambda p: stats.bernoulli.logpmf(1, p))(1.0).item() == 1


def test_multivariate_normal() -> None:
    r = np.random.default_rng(0)
    x, mean, root = r.normal(size=(4, 3)), r.normal(size=3), r.normal(size=(3, 3))
    covariance = root @ root.T + np.eye(3)
    with x64():
        got = np.asarray(stats.multivariate_normal.logpdf(x, mean, covariance))
        np.testing.assert_allclose(got, twins.multivariate_normal(mean, covariance).logpdf(x), rtol=1e-10)
        np.testing.assert_allclose(stats.multivariate_normal.pdf(x[0], mean, covariance), np.exp(got[0]), rtol=1e-10)
        check_grads(stats.multivariate_normal.logpdf, (x, mean, covariance), order=1)
    both = stats.multivariate_normal.logpdf(x.astype(np.float32), 0.0, np.stack([np.eye(3), covariance])[:, None])
    assert both.shape == (2, 4)
    with pytest.raises(ShapeError, match=r"multivariate_normal.logpdf: wanted vectors .*f32\[2\] and f32\[3,3\]"):
        stats.multivariate_normal.logpdf(np.zeros(2), np.zeros(2), np.eye(3))


def test_modules_import_on_their_own() -> None:
    assert importlib.import_module("lantern.scipy.stats.norm").pdf is stats.norm.pdf
