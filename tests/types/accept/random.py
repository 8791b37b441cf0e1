"""Samplers: every shape is asserted."""
from __future__ import annotations

from typing import Any, Literal, assert_type

import lantern.numpy as jnp
from lantern import random
from lantern.typing import Array, Dim, Float, Int, f16


class Batch(Dim):
    """Draws."""

    size = 3


class Rows(Dim):
    """Parameters."""

    size = 5


class Depth(Dim):
    """As many as are asked for."""

    size = 4


Three = Literal[3]
Four = Literal[4]
k = random.key(0)
v, x = jnp.ones((Rows(),)), jnp.ones((Batch(), Rows()))
assert_type(random.gamma(k, 2.0), Float[()])
assert_type(random.gamma(k, v), Float[Rows])
assert_type(random.gamma(k, v, (Batch(), Rows())), Float[Batch, Rows])
assert_type(random.gamma(k, 2.0, (3, 4)), Float[Three, Four])
assert_type(random.gamma(k, 2.0, dtype=jnp.float16), Array[f16, *tuple[()]])
assert_type(random.loggamma(k, v), Float[Rows])
assert_type(random.beta(k, v, 2.0), Float[Rows])
assert_type(random.beta(k, x, v), Float[Batch, Rows])
assert_type(random.beta(k, 1.0, 2.0, (Batch(),)), Float[Batch])
assert_type(random.chisquare(k, v), Float[Rows])
assert_type(random.t(k, 3.0, (Batch(),)), Float[Batch])
assert_type(random.f(k, v, v), Float[Rows])
assert_type(random.lognormal(k, shape=(Batch(),)), Float[Batch])
assert_type(random.lognormal(k), Float[()])
assert_type(random.pareto(k, v), Float[Rows])
assert_type(random.rayleigh(k, v), Float[Rows])
assert_type(random.wald(k, v), Float[Rows])
assert_type(random.weibull_min(k, 1.0, v), Float[Rows])
assert_type(random.triangular(k, 0.0, 0.5, v), Float[Rows])
assert_type(random.truncated_normal(k, -2.0, 2.0, (Batch(), Rows())), Float[Batch, Rows])
assert_type(random.truncated_normal(k, -2.0, 2.0), Float[()])
assert_type(random.poisson(k, v), Int[Rows])
assert_type(random.poisson(k, 3.0, (Batch(),)), Int[Batch])
assert_type(random.geometric(k, 0.5, (3,)), Int[Three])
assert_type(random.binomial(k, 10, 0.5, (3,)), Float[Three])
assert_type(random.double_sided_maxwell(k, 0.0, 1.0, (Batch(),)), Float[Batch])
assert_type(random.generalized_normal(k, 2.0, (Batch(),)), Float[Batch])
assert_type(random.dirichlet(k, v), Float[Rows])
assert_type(random.dirichlet(k, v, (Batch(),)), Float[Batch, Rows])
assert_type(random.multinomial(k, 10, v / 5), Float[Rows])
assert_type(random.multivariate_normal(k, v, jnp.eye(Rows())), Float[Rows])
assert_type(random.multivariate_normal(k, x, jnp.eye(Rows())), Float[Batch, Rows])
assert_type(random.multivariate_normal(k, v, jnp.eye(Rows()), (Batch(),)), Float[Batch, Rows])
assert_type(random.categorical(k, x), Int[Batch])
assert_type(random.categorical(k, x, axis=0), Int[Rows])
assert_type(random.categorical(k, v, shape=(Batch(),)), Int[Batch])
assert_type(random.choice(k, 10), Int[()])
assert_type(random.choice(k, 10, (Batch(),)), Int[Batch])
assert_type(random.choice(k, v, (3, 4)), Float[Three, Four])
assert_type(random.choice(k, x, (Depth(),)), Float[Depth, Rows])
assert_type(random.choice(k, x), Float[Rows])
assert_type(random.ball(k, 3, shape=(Batch(),)), Float[Batch, Any])
assert_type(random.ball(k, Rows()), Float[Rows])
assert_type(random.orthogonal(k, Rows()), Float[Rows, Rows])
assert_type(random.orthogonal(k, Rows(), (Batch(),)), Float[Batch, Rows, Rows])
