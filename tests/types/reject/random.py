"""Each marked line is a mistake in a call of a sampler."""
from __future__ import annotations

import lantern.numpy as jnp
from lantern import random
from lantern.typing import Dim


class Batch(Dim):
    """Draws."""


class Rows(Dim):
    """Parameters."""


k = random.key(0)
v, x = jnp.ones((Rows(5),)), jnp.ones((Batch(3), Rows(5)))
w = jnp.ones((Batch(3),))
random.gamma(v, 2.0)                            # error: reportArgumentType
random.gamma(k, "2")                            # error: reportArgumentType
random.gamma(k, v) + w                          # error: reportOperatorIssue
random.beta(k, v, w)                            # error: reportArgumentType
random.triangular(k, 0.0, v, w)                 # error: reportArgumentType
random.poisson(k, v) + v                        # error: reportOperatorIssue
random.truncated_normal(k, -2.0)                # error: reportCallIssue
random.truncated_normal(k, -2.0, 2.0, [3])      # error: reportArgumentType
random.dirichlet(k, v, (Batch(3),)) + x.T       # error: reportOperatorIssue
random.dirichlet(k, 1.5)                        # error: reportArgumentType
random.multivariate_normal(k, v, v)             # error: reportArgumentType
random.multivariate_normal(k, w, jnp.eye(Rows(5)))    # error: reportArgumentType
random.categorical(k, v, axis=1)                # error: reportArgumentType
random.categorical(k, x) + v.astype(int)        # error: reportOperatorIssue
random.choice(k, x, (Batch(3),)) + x.T          # error: reportOperatorIssue
random.orthogonal(k, Rows(5)) @ w               # error: reportOperatorIssue
random.ball(k, Rows(5)) + w                     # error: reportOperatorIssue
