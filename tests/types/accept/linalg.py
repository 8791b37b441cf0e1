"""Linear algebra and special functions: every shape is asserted."""
from __future__ import annotations

from typing import Any, Literal, assert_type

import lantern.numpy as jnp
from lantern.scipy import linalg, special
from lantern.scipy.stats import norm
from lantern.typing import Array, Dim, Float, Int, c64


class Batch(Dim):
    """Matrices."""

    size = 3


class Rows(Dim):
    """Of a matrix."""

    size = 5


class Columns(Dim):
    """Of a matrix."""

    size = 6


s, m, v = jnp.eye(Rows()), jnp.ones((Rows(), Columns())), jnp.ones((Rows(),))
batch = jnp.ones((Batch(), Rows(), Rows())) + 2 * jnp.eye(Rows())
assert_type(jnp.linalg.cholesky(s), Float[Rows, Rows])
assert_type(jnp.linalg.inv(batch), Float[Batch, Rows, Rows])
assert_type(jnp.linalg.det(batch), Float[Batch])
assert_type(jnp.linalg.slogdet(batch).logabsdet, Float[Batch])
assert_type(jnp.linalg.eigh(batch).eigenvectors, Float[Batch, Rows, Rows])
values, vectors = jnp.linalg.eigh(s)
assert_type(vectors, Float[Rows, Rows])
assert_type(values, Float[Rows])
assert_type(jnp.linalg.eig(s).eigenvalues, Array[c64, Rows])
assert_type(jnp.linalg.eigvalsh(s), Float[Rows])
assert_type(jnp.linalg.solve(s, v), Float[Rows])
assert_type(jnp.linalg.solve(batch, m), Float[Batch, Rows, Columns])
assert_type(jnp.linalg.qr(s).Q, Float[Rows, Rows])
assert_type(jnp.linalg.qr(m).Q, Float[Rows, Any])
assert_type(jnp.linalg.qr(m, "complete").R, Float[Rows, Columns])
assert_type(jnp.linalg.qr(m, mode="r"), Float[Any, Columns])
assert_type(jnp.linalg.svd(m).Vh, Float[Columns, Columns])
assert_type(jnp.linalg.svd(m, full_matrices=False).U, Float[Rows, Any])
assert_type(jnp.linalg.svd(s, False).S, Float[Rows])
assert_type(jnp.linalg.svd(m, compute_uv=False), Float[Any])
assert_type(jnp.linalg.svdvals(m), Float[Any])
assert_type(jnp.linalg.pinv(m), Float[Columns, Rows])
assert_type(jnp.linalg.matrix_power(s, 3), Float[Rows, Rows])
assert_type(jnp.linalg.matrix_rank(batch), Int[Batch])
assert_type(jnp.linalg.norm(m), Float[()])
assert_type(jnp.linalg.norm(m, axis=-1), Float[Rows])
assert_type(jnp.linalg.norm(m, axis=-1, keepdims=True), Float[Rows, Literal[1]])
assert_type(jnp.linalg.norm(m, "fro"), Float[()])
assert_type(jnp.linalg.norm(m, 1, 0), Float[Columns])
assert_type(jnp.linalg.vector_norm(m, axis=0), Float[Columns])
assert_type(jnp.linalg.matrix_norm(batch), Float[Batch])
assert_type(jnp.linalg.cond(s), Float[()])
assert_type(jnp.linalg.lstsq(m, v), tuple[Float[Columns], Float[Any], Int[()], Float[Any]])
assert_type(jnp.linalg.diagonal(s), Float[Rows])
assert_type(jnp.linalg.trace(batch), Float[Batch])
assert_type(jnp.linalg.outer(v, v), Float[Rows, Rows])
assert_type(jnp.linalg.multi_dot((s, m)), Float[Rows, Columns])
assert_type(jnp.linalg.multi_dot([s, s]), Float[Any, Any])
assert_type(jnp.linalg.matmul(s, m), Float[Rows, Columns])
assert_type(jnp.linalg.vecdot(v, v), Float[()])
assert_type(linalg.cholesky(s, lower=True), Float[Rows, Rows])
factor = linalg.cho_factor(s, lower=True)
assert_type(factor, tuple[Float[Rows, Rows], bool])
assert_type(linalg.cho_solve(factor, v), Float[Rows])
assert_type(linalg.cho_solve(linalg.cho_factor(s), m), Float[Rows, Columns])
assert_type(linalg.cho_solve((s, True), m), Float[Rows, Columns])
assert_type(linalg.solve_triangular(s, m, lower=True), Float[Rows, Columns])
assert_type(linalg.solve(s, v, assume_a="pos"), Float[Rows])
assert_type(linalg.expm(s), Float[Rows, Rows])
assert_type(linalg.eigh(s), tuple[Float[Rows], Float[Rows, Rows]])
assert_type(linalg.eigh(s, eigvals_only=True), Float[Rows])
assert_type(linalg.lu(m), tuple[Float[Rows, Rows], Float[Rows, Any], Float[Any, Columns]])
assert_type(linalg.lu_solve(linalg.lu_factor(s), v), Float[Rows])
assert_type(linalg.qr(s), tuple[Float[Rows, Rows], Float[Rows, Rows]])
assert_type(linalg.svd(m, full_matrices=False), tuple[Float[Rows, Any], Float[Any], Float[Any, Columns]])
assert_type(linalg.block_diag(s, m), Array[Any, Any, Any])
assert_type(linalg.toeplitz(v), Float[Rows, Rows])
assert_type(special.logsumexp(m, axis=1), Float[Rows])
assert_type(special.erf(m), Float[Rows, Columns])
assert_type(special.xlogy(m, 2.0), Float[Rows, Columns])
assert_type(special.xlogy(m, m.sum(-1, keepdims=True)), Float[Rows, Columns])
assert_type(special.betainc(v, v, v), Float[Rows])
assert_type(special.betainc(0.5, 1.0, v), Float[Rows])
assert_type(special.polygamma(1, v), Float[Rows])
assert_type(special.zeta(v, 1.0), Float[Rows])
assert_type(norm.pdf(m), Float[Rows, Columns])
assert_type(norm.logpdf(m, 1.0, 2.0), Float[Rows, Columns])
assert_type(norm.logpdf(m, jnp.ones((Columns(),)), 2.0), Float[Rows, Columns])
assert_type(norm.logpdf(v, v, v), Float[Rows])
assert_type(norm.cdf(0.5), Float[()])
assert_type(norm.pdf(0.5, scale=v), Float[Rows])
