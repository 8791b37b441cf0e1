"""Samplers: JAX's numbers, the distributions, derivatives, batches, bad input."""
from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import lantern
from lantern import random
from lantern.errors import ArgumentError, ShapeError
from tests.random.samplers import CALLS, KEY

RECORDED = np.load(Path(__file__).parents[1] / "data" / "samplers.npz")
F32 = np.float32


@pytest.mark.parametrize("name", CALLS)
def test_jaxs_numbers(name: str) -> None:
    want = RECORDED[name]
    got = np.asarray(CALLS[name](random, random.wrap_key_data(KEY)))
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    if want.dtype.kind == "i" or name.startswith(("binomial", "multinomial")):
        np.testing.assert_array_equal(got, want)
    else:
        np.testing.assert_allclose(got, want, rtol=3e-5, atol=1e-6)


# name -> (draw n samples, their distribution)
CONTINUOUS: dict[str, tuple[Callable[..., Any], Any]] = {
    "exponential": (lambda k, n: random.exponential(k, n), stats.expon()),
    "gumbel": (lambda k, n: random.gumbel(k, n), stats.gumbel_r()),
    "gumbel_high": (lambda k, n: random.gumbel(k, n, mode="high"), stats.gumbel_r()),
    "laplace": (lambda k, n: random.laplace(k, n), stats.laplace()),
    "logistic": (lambda k, n: random.logistic(k, n), stats.logistic()),
    "cauchy": (lambda k, n: random.cauchy(k, n), stats.cauchy()),
    "truncated_normal": (lambda k, n: random.truncated_normal(k, -1.0, 2.0, n), stats.truncnorm(-1, 2)),
    "pareto": (lambda k, n: random.pareto(k, 2.5, n), stats.pareto(2.5)),
    "rayleigh": (lambda k, n: random.rayleigh(k, 2.5, n), stats.rayleigh(scale=2.5)),
    "weibull_min": (lambda k, n: random.weibull_min(k, 2.5, 1.5, n), stats.weibull_min(1.5, scale=2.5)),
    "maxwell": (lambda k, n: random.maxwell(k, n), stats.maxwell()),
    "lognormal": (lambda k, n: random.lognormal(k, 0.5, n), stats.lognorm(0.5)),
    "triangular": (lambda k, n: random.triangular(k, 0.0, 1.0, 4.0, n), stats.triang(0.25, 0, 4)),
    "wald": (lambda k, n: random.wald(k, 2.0, n), stats.invgauss(2.0)),
    "gamma": (lambda k, n: random.gamma(k, 2.5, n), stats.gamma(2.5)),
    "gamma_small": (lambda k, n: random.gamma(k, 0.2, n), stats.gamma(0.2)),
    "gamma_one": (lambda k, n: random.gamma(k, 1.0, n), stats.expon()),
    "loggamma": (lambda k, n: random.loggamma(k, 0.7, n), stats.loggamma(0.7)),
    "beta": (lambda k, n: random.beta(k, 0.5, 2.0, n), stats.beta(0.5, 2)),
    "chisquare": (lambda k, n: random.chisquare(k, 3.0, n), stats.chi2(3)),
    "f": (lambda k, n: random.f(k, 3.0, 9.0, n), stats.f(3, 9)),
    "t": (lambda k, n: random.t(k, 5.0, n), stats.t(5)),
    "generalized_normal": (lambda k, n: random.generalized_normal(k, 3.0, n), stats.gennorm(3)),
    "dirichlet": (lambda k, n: random.dirichlet(k, F32([0.5, 1, 2]), n)[:, 2], stats.beta(2, 1.5)),
    "ball": (lambda k, n: (random.ball(k, 3, shape=n) ** 2).sum(-1) ** 1.5, stats.uniform()),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_distributions(name: str) -> None:
    """Kolmogorov and Smirnov: the largest distance to the distribution function, at a level of 1 in 10,000."""
    draw, law = CONTINUOUS[name]
    count = 6000
    x = np.sort(np.asarray(draw(random.key(1), (count,)), np.float64))
    ranks = law.cdf(x)
    distance = max(np.max(np.arange(1, count + 1) / count - ranks), np.max(ranks - np.arange(count) / count))
    assert distance < 2.23 / math.sqrt(count), distance


DISCRETE: dict[str, tuple[Callable[..., Any], Any]] = {
    "geometric": (lambda k, n: random.geometric(k, 0.3, n), stats.geom(0.3)),
    "poisson": (lambda k, n: random.poisson(k, 3.0, n), stats.poisson(3)),
    "poisson_many": (lambda k, n: random.poisson(k, 10.5, n), stats.poisson(10.5)),
    "binomial": (lambda k, n: random.binomial(k, 20, 0.2, n), stats.binom(20, 0.2)),
    "binomial_many": (lambda k, n: random.binomial(k, 40, 0.7, n), stats.binom(40, 0.7)),
    "multinomial": (lambda k, n: random.multinomial(k, 9, F32([0.2, 0.5, 0.3]), shape=(*n, 3))[:, 1],
                    stats.binom(9, 0.5)),
    "rademacher": (lambda k, n: (random.rademacher(k, n) + 1) // 2, stats.bernoulli(0.5)),
    "categorical": (lambda k, n: random.categorical(k, np.log(F32([2, 3, 5])), shape=n),
                    stats.rv_discrete(values=([0, 1, 2], [0.2, 0.3, 0.5]))),
    "choice": (lambda k, n: random.choice(k, 5, n), stats.randint(0, 5)),
    "choice_weighted": (lambda k, n: random.choice(k, np.array([0, 1, 2]), n, p=F32([0.2, 0.3, 0.5])),
                        stats.rv_discrete(values=([0, 1, 2], [0.2, 0.3, 0.5]))),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_distributions(name: str) -> None:
    """The distance of the distribution functions, for which the bound of continuous ones is too wide, and the mean."""
    draw, law = DISCRETE[name]
    count = 6000
    x = np.asarray(draw(random.key(1), (count,)))
    assert x.shape == (count,)
    places = np.arange(x.min() - 1, x.max() + 2)
    found = (x[:, None] <= places).mean(0)
    assert np.max(np.abs(found - law.cdf(places))) < 2.23 / math.sqrt(count)
    assert abs(x.mean() - law.mean()) < 4 * law.std() / math.sqrt(count)
    assert 0.9 < x.var() / law.var() < 1.1


def test_choice_without_replacement_takes_each_once() -> None:
    for p in (None, F32([0.1, 0.2, 0.3, 0.4])):
        taken = np.asarray(random.choice(random.key(2), 4, (2, 2), False, p=p))
        assert sorted(taken.ravel().tolist()) == [0, 1, 2, 3]
    drawn = np.asarray(random.categorical(random.key(0), np.zeros((2, 5), F32), shape=(5, 2), replace=False))
    assert all(sorted(column) == [0, 1, 2, 3, 4] for column in drawn.T.tolist())


def test_multivariate() -> None:
    mean, covariance = F32([1, -2]), F32([[2, 0.8], [0.8, 1]])
    for method in ("cholesky", "eigh", "svd"):
        x = np.asarray(random.multivariate_normal(random.key(3), mean, covariance, (5000,), method=method))
        np.testing.assert_allclose(x.mean(0), mean, atol=0.08)
        np.testing.assert_allclose(np.cov(x.T), covariance, atol=0.15)
    assert random.multivariate_normal(random.key(0), np.zeros((4, 1, 2), F32), np.ones((3, 1, 1), F32) * covariance,
                                      ).shape == (4, 3, 2)
    q = np.asarray(random.orthogonal(random.key(0), 3, (20,), m=5))
    np.testing.assert_allclose(q @ np.swapaxes(q, -1, -2), np.broadcast_to(np.eye(3), (20, 3, 3)), atol=1e-5)


def test_derivatives_by_parameters() -> None:
    key, k = random.key(5), random.wrap_key_data(KEY)
    slopes = lantern.vmap(lantern.grad(lambda a: random.gamma(k, a)))(F32([0.3, 1, 2, 50, 1000]))
    np.testing.assert_allclose(slopes, RECORDED["gamma_slope"], rtol=1e-3)
    # the mean of a gamma variate is a, of its logarithm digamma(a), of a beta variate a / (a + b)
    count = (20000,)
    assert abs(lantern.grad(lambda a: random.gamma(key, a, count).mean())(2.5).item() - 1) < 0.03
    trigamma = float(np.pi**2 / 2)
    assert abs(lantern.grad(lambda a: random.loggamma(key, a, count).mean())(0.5).item() / trigamma - 1) < 0.03
    assert lantern.grad(lambda a: random.loggamma(key, a, (50,)).mean())(1e-4).item() > 1e6
    assert abs(lantern.grad(lambda a: random.beta(key, a, 3.0, count).mean())(2.0).item() - 3 / 25) < 0.006
    slope = lantern.grad(lambda s: random.lognormal(key, s, count).mean())(0.5).item()
    assert abs(slope - 0.5 * math.exp(0.125)) < 0.02
    drift = lantern.jacobian(lambda m: random.multivariate_normal(key, m, np.eye(2, dtype=F32)))(np.zeros(2, F32))
    np.testing.assert_allclose(drift, np.eye(2), atol=1e-6)
    (low, high) = lantern.grad(lambda a, b: random.truncated_normal(key, a, b), (0, 1))(-1.0, 1.0)
    assert 0 < low.item() < 1 and 0 < high.item() < 1


BATCHED: dict[str, Callable[[Any, Any], Any]] = {
    "gumbel": lambda k, a: random.gumbel(k, (3,)) * a,
    "gamma": lambda k, a: random.gamma(k, a, (3,)),
    "poisson": lambda k, a: random.poisson(k, 20 * a, (3,)),
    "binomial": lambda k, a: random.binomial(k, 30, a / 3, (3,)),
    "categorical": lambda k, a: random.categorical(k, a * np.arange(4, dtype=F32), shape=(3,)),
    "choice": lambda k, a: random.choice(k, 9, (3,), False),
    "dirichlet": lambda k, a: random.dirichlet(k, a * np.ones(3, F32)),
    "multivariate_normal": lambda k, a: random.multivariate_normal(k, a * np.ones(2, F32), np.eye(2, dtype=F32)),
}


@pytest.mark.parametrize("name", BATCHED)
def test_vmap_over_keys_equals_a_loop(name: str) -> None:
    draw, keys, values = BATCHED[name], random.split(random.key(9), 4), F32([0.5, 1, 2, 2.5])
    want = np.stack([np.asarray(draw(keys[i], v)) for i, v in enumerate(values)])
    got = np.asarray(lantern.jit(lantern.vmap(draw))(keys, values))
    np.testing.assert_allclose(got, want, rtol=2e-6)
    assert len(np.unique(got, axis=0)) > 2


def test_many_gamma_variates_are_jaxs_too() -> None:
    """Beyond a limit the undecided elements are packed together: no element changes by that."""
    many = np.asarray(random.gamma(random.wrap_key_data(KEY), 1.0, (1 << 14,)))
    np.testing.assert_allclose(many[::31], RECORDED["gamma_many"], rtol=3e-5)
    ranks = stats.expon().cdf(np.sort(many.astype(np.float64)))
    assert np.max(np.abs(ranks - np.arange(many.size) / many.size)) < 2.23 / math.sqrt(many.size)


def test_empty_shapes_and_dtypes() -> None:
    key = random.key(0)
    assert random.gamma(key, 2.0, (0,)).shape == (0,)
    assert random.gamma(key, np.ones((0, 3), F32)).shape == (0, 3)
    assert random.poisson(key, 2.0, (0, 3)).shape == (0, 3)
    assert random.binomial(key, 3, 0.5, (0,)).shape == (0,)
    assert random.choice(key, 0, (0,)).shape == (0,)
    assert random.choice(key, np.ones((3, 2)), (0, 5), axis=1).shape == (3, 0, 5)
    assert random.categorical(key, np.zeros(3, F32), shape=(0,)).shape == (0,)
    assert random.dirichlet(key, np.ones(3, F32), (0,)).shape == (0, 3)
    assert random.ball(key, 0, shape=(4,)).shape == (4, 0)
    assert random.multivariate_normal(key, np.zeros(2, F32), np.eye(2, dtype=F32), (0,)).shape == (0, 2)
    assert random.exponential(key, (2, 0)).shape == (2, 0)
    for dtype in (np.float16, np.float64):
        assert random.gamma(key, 2.0, (3,), dtype).dtype == dtype
        assert random.laplace(key, (3,), dtype).dtype == dtype
    assert random.poisson(key, 2.0, (3,), np.int16).dtype == np.int16
    assert random.rademacher(key, (3,), np.float32).dtype == np.float32


def test_parameters_out_of_their_domain() -> None:
    key = random.key(0)
    assert np.isnan(random.gamma(key, -1.0)) and random.gamma(key, 0.0).item() == 0
    assert random.poisson(key, F32([-1, np.nan, 0])).tolist() == [-1, -1, 0]
    found = np.asarray(random.binomial(key, F32([-1, 3, np.nan, 3, np.inf, 5]), F32([0.5, -0.5, 0.5, 0, 0.5, 1])))
    np.testing.assert_array_equal(found, [np.nan, np.nan, np.nan, 0, np.inf, 5])
    assert random.geometric(key, 1.0).item() == 1


WRONG: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda k: random.exponential(k, (-1,)), ShapeError, r"exponential: sizes must not be negative, got \(-1,\)"),
    (lambda k: random.gumbel(k, (2,), np.int32), TypeError, "gumbel: wanted a floating point dtype, got i32"),
    (lambda k: random.gumbel(k, mode="top"), ArgumentError, "gumbel: no mode is called 'top'.*low and high"),
    (lambda k: random.gamma(k, np.ones(3), (2,)), ShapeError,
     r"gamma: parameters of shape \(3,\) do not broadcast to samples of shape \(2,\), at .*parameters last"),
    (lambda k: random.beta(k, np.ones(3), np.ones(2)), ShapeError, "beta: shapes .* cannot be broadcast together"),
    (lambda k: random.poisson(k, 2.0, dtype=np.float32), TypeError, "poisson: wanted an integer dtype, got f32"),
    (lambda k: random.binomial(k, 2, 0.5, dtype=np.int32), TypeError, "binomial: wanted a floating point dtype"),
    (lambda k: random.choice(k, 3, (4,), False), ArgumentError,
     "choice: 4 samples without replacement, but there are 3 elements, at .*replace=True"),
    (lambda k: random.choice(k, 3, p=np.ones(2)), ShapeError,
     r"choice: wanted p with one probability for each of 3 elements, got f32\[2\]"),
    (lambda k: random.choice(k, 0, (1,)), ArgumentError, "choice: there is nothing to choose from"),
    (lambda k: random.categorical(k, np.zeros(3), shape=(4,), replace=False), ArgumentError,
     "categorical: 4 samples without replacement, but there are 3 positions"),
    (lambda k: random.categorical(k, np.zeros((2, 3)), shape=(4,)), ShapeError, "categorical: parameters of shape"),
    (lambda k: random.categorical(k, np.zeros((2, 3)), axis=2), ArgumentError, "categorical: axis 2 is out of range"),
    (lambda k: random.dirichlet(k, 1.0), ShapeError, "dirichlet: wanted concentrations along an axis"),
    (lambda k: random.multinomial(k, 3, 0.5), ShapeError, "multinomial: wanted probabilities along an axis"),
    (lambda k: random.multivariate_normal(k, np.zeros(2), np.eye(3)), ShapeError,
     r"multivariate_normal: wanted a mean \(..., n\) and a covariance .*f32\[2\] and f32\[3,3\]"),
    (lambda k: random.multivariate_normal(k, np.zeros(2), np.eye(2), method="lu"), ArgumentError,
     "multivariate_normal: no method is called 'lu'.*cholesky"),
    (lambda k: random.ball(k, -1), ArgumentError, "ball: the dimension must not be negative"),
    (lambda k: random.orthogonal(k, -1), ArgumentError, "orthogonal: sizes must not be negative"),
    (lambda k: random.gamma(random.split(k), 2.0), ShapeError, "gamma: wanted one key.*vmap"),
    (lambda k: random.t(np.float32(1), 2.0), ShapeError, r"t: wanted one key.*random.key\(seed\)"),
]


@pytest.mark.parametrize(("call", "error", "pattern"), WRONG)
def test_bad_input(call: Callable[[Any], Any], error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        call(random.key(0))
    with pytest.raises(error, match=pattern):
        lantern.jit(call)(random.key(0))
