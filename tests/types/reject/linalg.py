"""Each marked line is a mistake in linear algebra or a special function."""
from __future__ import annotations

import lantern.numpy as jnp
from lantern.scipy import linalg, special
from lantern.scipy.stats import norm
from lantern.typing import Dim


class Rows(Dim):
    """Of a matrix."""


class Columns(Dim):
    """Of a matrix."""


s, m, v = jnp.eye(Rows(5)), jnp.ones((Rows(5), Columns(6))), jnp.ones((Columns(6),))
i = jnp.zeros((Rows(5),), jnp.int32)
jnp.linalg.inv(m)                               # error: reportArgumentType
jnp.linalg.cholesky(v)                          # error: reportArgumentType
jnp.linalg.det(m)                               # error: reportArgumentType
jnp.linalg.slogdet(m)                           # error: reportArgumentType
jnp.linalg.eigh(m)                              # error: reportArgumentType
jnp.linalg.eigh(s).values                       # error: reportAttributeAccessIssue
jnp.linalg.solve(s, v)                          # error: reportArgumentType
jnp.linalg.solve(m, v)                          # error: reportArgumentType
jnp.linalg.matrix_power(m, 2)                   # error: reportArgumentType
jnp.linalg.svd(v)                               # error: reportArgumentType
jnp.linalg.pinv(m) + m                          # error: reportOperatorIssue
jnp.linalg.norm(m, axis=2)                      # error: reportArgumentType
jnp.linalg.norm(m, axis=-1) + v                 # error: reportOperatorIssue
jnp.linalg.multi_dot((m, m))                    # error: reportArgumentType
jnp.linalg.lstsq(m, v)                          # error: reportArgumentType
jnp.linalg.trace(v)                             # error: reportArgumentType
linalg.solve_triangular(s, v)                   # error: reportArgumentType
linalg.cho_solve(linalg.cho_factor(s), v)       # error: reportArgumentType
linalg.cho_solve(s, m)                          # error: reportArgumentType
linalg.lu_solve(linalg.lu_factor(s), v)         # error: reportArgumentType
linalg.expm(m)                                  # error: reportArgumentType
linalg.eigh(s, eigvals_only=True) + m           # error: reportOperatorIssue
special.erf("1")                                # error: reportArgumentType
special.xlogy(m, s)                             # error: reportArgumentType
special.logsumexp(m, axis=2)                    # error: reportArgumentType
norm.logpdf(m, s)                               # error: reportArgumentType
norm.logpdf(v, i)                               # error: reportArgumentType
