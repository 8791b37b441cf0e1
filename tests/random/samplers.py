"""Calls of samplers that are made in JAX (tools/record_samplers.py) and here, with the same key."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

F32 = np.float32
KEY = np.array([7, 42], np.uint32)
N = (6, 7)
SHAPES, PROBABILITIES = F32([0.3, 1, 2, 50]), F32([0.1, 0.2, 0.3, 0.4])
LOGITS = np.arange(24, dtype=F32).reshape(8, 3) / 9

# (module, key) -> samples; the module is jax.random or lantern.random
CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "exponential": lambda r, k: r.exponential(k, N),
    "gumbel": lambda r, k: r.gumbel(k, N),
    "gumbel_high": lambda r, k: r.gumbel(k, N, mode="high"),
    "laplace": lambda r, k: r.laplace(k, N),
    "logistic": lambda r, k: r.logistic(k, N),
    "cauchy": lambda r, k: r.cauchy(k, N),
    "truncated_normal": lambda r, k: r.truncated_normal(k, F32(-1), F32(2), N),
    "pareto": lambda r, k: r.pareto(k, F32(2.5), N),
    "rayleigh": lambda r, k: r.rayleigh(k, F32(2.5), N),
    "weibull_min": lambda r, k: r.weibull_min(k, F32(2.5), F32(1.5), N),
    "maxwell": lambda r, k: r.maxwell(k, N),
    "double_sided_maxwell": lambda r, k: r.double_sided_maxwell(k, F32(1), F32(2), N),
    "lognormal": lambda r, k: r.lognormal(k, F32(0.5), N),
    "triangular": lambda r, k: r.triangular(k, F32(0), F32(1), F32(3), N),
    "wald": lambda r, k: r.wald(k, F32(2), N),
    "gamma": lambda r, k: r.gamma(k, SHAPES, (9, 4)),
    "loggamma": lambda r, k: r.loggamma(k, F32([1e-4, 0.01, 2]), (9, 3)),
    "beta": lambda r, k: r.beta(k, F32(0.5), F32(2), N),
    "chisquare": lambda r, k: r.chisquare(k, F32(3), N),
    "f": lambda r, k: r.f(k, F32(3), F32(5), N),
    "t": lambda r, k: r.t(k, F32(3), N),
    "dirichlet": lambda r, k: r.dirichlet(k, F32([0.5, 1, 2]), (9,)),
    "generalized_normal": lambda r, k: r.generalized_normal(k, F32(3), N),
    "ball": lambda r, k: r.ball(k, 3, 2.0, N),
    "rademacher": lambda r, k: r.rademacher(k, N),
    "geometric": lambda r, k: r.geometric(k, F32(0.3), N),
    "poisson": lambda r, k: r.poisson(k, F32([0, 4, 30, 1e4]), (9, 4)),
    "binomial": lambda r, k: r.binomial(k, F32([0, 20, 100, 1000]), F32(0.3), (9, 4)),
    "binomial_likely": lambda r, k: r.binomial(k, F32([0, 20, 100]), F32(0.8), (9, 3)),
    "multinomial": lambda r, k: r.multinomial(k, F32(20), PROBABILITIES, shape=(6, 4)),
    "categorical": lambda r, k: r.categorical(k, np.log(PROBABILITIES), shape=N),
    "categorical_axis": lambda r, k: r.categorical(k, LOGITS, axis=0, shape=(7, 3)),
    "categorical_without": lambda r, k: r.categorical(k, LOGITS, axis=0, shape=(5, 3), replace=False),
    "choice": lambda r, k: r.choice(k, 10, N),
    "choice_without": lambda r, k: r.choice(k, 30, (5,), False),
    "choice_weighted": lambda r, k: r.choice(k, 4, N, p=PROBABILITIES),
    "choice_weighted_without": lambda r, k: r.choice(k, 4, (3,), False, p=PROBABILITIES),
    "choice_rows": lambda r, k: r.choice(k, LOGITS, (2, 2), axis=1),
    "multivariate_normal": lambda r, k: r.multivariate_normal(k, F32([1, 2]), F32([[2, 0.5], [0.5, 1]]), (9,)),
    "orthogonal": lambda r, k: r.orthogonal(k, 3, (4,)),
    "orthogonal_wide": lambda r, k: r.orthogonal(k, 2, (4,), m=3),
}
