"""Functions of `lantern.numpy`, `lantern.nn` and `lantern.random`: every shape is asserted."""
from __future__ import annotations

from typing import Any, Literal, assert_type

import numpy as np

import lantern.numpy as jnp
from lantern import lax, nn, random
from lantern.typing import Array, Bool, Dim, Float, Int, Key, c64, f16, u32


class Batch(Dim):
    """Examples."""


class Units(Dim):
    """Of a layer."""


class Classes(Dim):
    """Of one size."""

    size = 10


class Rows(Dim):
    """Of a matrix."""

    size = 5


class Columns(Dim):
    """Of a matrix."""

    size = 6


class Depth(Dim):
    """Of another one."""

    size = 7


Two = Literal[2]
Three = Literal[3]
Four = Literal[4]
a, x = jnp.zeros((3, 4)), jnp.ones((Batch(8), Units(6)))
i = jnp.zeros((Batch(8),), jnp.int32)

# creation
assert_type(jnp.zeros(()), Float[()])
assert_type(jnp.zeros((Batch(8), 3)), Float[Batch, Three])
assert_type(jnp.zeros(Batch(8)), Float[Batch])
assert_type(jnp.zeros(3), Float[Any])
assert_type(jnp.zeros(x.shape), Float[Batch, Units])
assert_type(jnp.ones((3,), jnp.float16), Array[f16, Three])
assert_type(jnp.ones((3,), dtype=bool), Bool[Three])
assert_type(jnp.full((3,), 1), Int[Three])
assert_type(jnp.full((Batch(8),), 0.5), Float[Batch])
assert_type(jnp.zeros_like(x), Float[Batch, Units])
assert_type(jnp.ones_like(x, dtype=jnp.int32), Int[Batch, Units])
assert_type(jnp.array([1.0, 2.0]), Float[Any])
assert_type(jnp.array([[1, 2]]), Int[Any, Any])
assert_type(jnp.asarray(x), Float[Batch, Units])
assert_type(jnp.asarray(np.zeros(3), jnp.float32), Float[*tuple[Any, ...]])
assert_type(jnp.arange(Batch(8)), Int[Batch])
assert_type(jnp.eye(Units(6)), Float[Units, Units])

# element by element
assert_type(jnp.exp(x), Float[Batch, Units])
assert_type(jnp.sqrt(i), Float[Batch])
assert_type(jnp.maximum(x, 0), Float[Batch, Units])
assert_type(jnp.minimum(1.0, x), Float[Batch, Units])
assert_type(jnp.add(x, x.sum(0)), Float[Batch, Units])
assert_type(jnp.divide(i, i), Float[Batch])
assert_type(jnp.greater(x, 0), Bool[Batch, Units])
assert_type(jnp.isfinite(x), Bool[Batch, Units])
assert_type(jnp.where(x > 0, x, 0.0), Float[Batch, Units])
assert_type(jnp.where(x > 0, x, x.mean(-1, keepdims=True)), Float[Batch, Units])
assert_type(jnp.clip(x, 0, 1), Float[Batch, Units])

# reductions, products, layout
assert_type(jnp.sum(x), Float[()])
assert_type(jnp.mean(x, axis=0), Float[Units])
assert_type(jnp.argmax(x, axis=-1), Int[Batch])
assert_type(jnp.std(x, 0, keepdims=True), Float[Literal[1], Units])
assert_type(jnp.matmul(x, x.T), Float[Batch, Batch])
assert_type(jnp.outer(i, i), Int[Batch, Batch])
assert_type(jnp.vdot(i, i), Int[()])
assert_type(jnp.reshape(a, (4, 3)), Float[Four, Three])
assert_type(jnp.transpose(x), Float[Units, Batch])
assert_type(jnp.swapaxes(x, 0, 1), Float[Units, Batch])
assert_type(jnp.moveaxis(jnp.zeros((2, 3, 4)), 0, -1), Float[Three, Four, Two])
assert_type(jnp.expand_dims(x, 1), Float[Batch, Literal[1], Units])
assert_type(jnp.squeeze(jnp.zeros((1, 3)), 0), Float[Three])
assert_type(jnp.broadcast_to(a, (2, 3, 4)), Float[Two, Three, Four])
assert_type(jnp.concatenate((a, jnp.zeros((7, 4)))), Float[Any, Four])
assert_type(jnp.concatenate([x, x], axis=-1), Float[Batch, Any])
assert_type(jnp.stack((a, a)), Float[Two, Three, Four])
assert_type(jnp.stack([x, x], axis=1), Float[Batch, Any, Units])
assert_type(jnp.split(x, 2), list[Float[Any, Units]])
assert_type(jnp.take(x, i, axis=0), Float[Batch, Units])
assert_type(jnp.flip(x, 0), Float[Batch, Units])

assert_type(jnp.cumsum(x, 0), Float[Batch, Units])
assert_type(jnp.cumsum(x), Float[Any])
assert_type(jnp.cumsum(x > 0, axis=1), Int[Batch, Units])
assert_type(jnp.cumprod(x, 1, dtype=f16), Array[f16, Batch, Units])
assert_type(x.cumsum(-1), Float[Batch, Units])
assert_type(jnp.sort(x), Float[Batch, Units])
assert_type(jnp.argsort(x, 0, descending=True), Int[Batch, Units])
assert_type(x.sort(None), Float[Any])
assert_type(jnp.searchsorted(jnp.arange(3), i), Int[Batch])
assert_type(jnp.isin(i, i), Bool[Batch])
assert_type(jnp.signbit(x), Bool[Batch, Units])
assert_type(jnp.copysign(x, -1.0), Float[Batch, Units])
assert_type(jnp.nanmax(x, axis=0), Float[Units])
assert_type(jnp.nanmean(x, axis=-1, keepdims=True), Float[Batch, Literal[1]])
assert_type(jnp.median(x, axis=1), Float[Batch])

# lax
assert_type(lax.add(x, x), Float[Batch, Units])
assert_type(lax.lt(x, 0.5), Bool[Batch, Units])
assert_type(lax.select(x > 0, x, x), Float[Batch, Units])
assert_type(lax.reduce_sum(x, (0,)), Float[Units])
assert_type(lax.transpose(x, (1, 0)), Float[Units, Batch])
assert_type(lax.stop_gradient(x), Float[Batch, Units])

# nn and random
assert_type(nn.relu(x), Float[Batch, Units])
assert_type(nn.softmax(x), Float[Batch, Units])
assert_type(nn.log_softmax(x, axis=0), Float[Batch, Units])
assert_type(nn.logsumexp(x, axis=-1), Float[Batch])
logarithm, sign = nn.logsumexp(x, 0, return_sign=True)
assert_type(nn.one_hot(i, Classes()), Float[Batch, Classes])
key = random.key(0)
assert_type(key, Key[()])
first, second = random.split(key)
assert_type(first, Key[()])
assert_type(random.split(key, Batch(8)), Key[Batch])
assert_type(random.fold_in(second, 3), Key[()])
assert_type(random.split(random.PRNGKey(0)), Array[u32, Two, Two])
assert_type(random.normal(random.PRNGKey(0)), Float[()])
assert_type(random.key_data(random.split(key, Batch(8))), Array[u32, Batch, Two])
assert_type(random.wrap_key_data(random.PRNGKey(0)), Key[()])
assert_type(random.normal(key), Float[()])
assert_type(random.normal(key, (Batch(8), Units(6))), Float[Batch, Units])
assert_type(random.uniform(key, (3, 4), minval=-1.0), Float[Three, Four])
assert_type(random.randint(key, (Batch(8),), 0, 10), Int[Batch])
assert_type(random.bernoulli(key, 0.5, (3,)), Bool[Three])
assert_type(random.permutation(key, x), Float[Batch, Units])

# what joins, picks, spaces and contracts
m, w, v = jnp.zeros((Rows(), Columns())), jnp.zeros((Columns(), Depth())), jnp.zeros((Columns(),))
j = jnp.zeros((Rows(),), jnp.int32)
assert_type(jnp.einsum("ij,jk->ik", m, w), Float[Rows, Depth])
assert_type(jnp.einsum("zj,jk->zk", m, w), Float[*tuple[Any, ...]])
assert_type(jnp.einsum("ij->ji", m), Float[Columns, Rows])
assert_type(jnp.einsum("ii->", jnp.eye(Columns())), Float[()])
assert_type(jnp.linspace(0, 1, Rows()), Float[Rows])
assert_type(jnp.linspace(0, 1, 7), Float[Any])
assert_type(jnp.linspace(0.0, 1.0), Float[Any])
assert_type(jnp.linspace(v, 1.0, Rows(), axis=-1), Float[Columns, Rows])
assert_type(jnp.linspace(0, 1, Rows(), retstep=True), tuple[Float[Rows], Float[()]])
assert_type(jnp.allclose(m, m), Bool[()])
assert_type(jnp.allclose(m, 1.0), Bool[()])
assert_type(jnp.allclose(m, np.zeros(6)), Bool[()])
assert_type(jnp.isclose(m, 1.0), Bool[Rows, Columns])
assert_type(jnp.array_equal(m, w), Bool[()])
assert_type(jnp.hstack((m, m)), Float[Rows, Any])
assert_type(jnp.hstack([v, v]), Float[Any])
assert_type(jnp.vstack((v, v)), Float[Two, Columns])
assert_type(jnp.vstack([m, m]), Float[Any, Columns])
assert_type(jnp.column_stack((v, v)), Float[Columns, Two])
assert_type(jnp.dstack((v, v)), Float[Literal[1], Columns, Two])
assert_type(jnp.append(v, 1.0), Float[Any])
assert_type(jnp.append(m, m, axis=0), Float[Any, Columns])
assert_type(jnp.pad(m, 1), Float[Any, Any])
assert_type(jnp.pad(m, ((0, 0), (1, 1))), Float[Rows, Any])
assert_type(jnp.pad(m, ((0, 0), (1, 1)), mode="edge"), Float[Rows, Any])
assert_type(jnp.pad(m, [(0, 0), (1, 1)]), Float[Any, Any])
assert_type(jnp.tile(m, 2), Float[Rows, Any])
assert_type(jnp.tile(m, (2, 1)), Float[Any, Any])
assert_type(jnp.tile(v, (2, 1)), Float[Any, Any])
assert_type(jnp.meshgrid(v, jnp.zeros((Depth(),))), list[Float[Depth, Columns]])
assert_type(jnp.meshgrid(v, jnp.zeros((Depth(),)), indexing="ij"), list[Float[Columns, Depth]])
assert_type(jnp.tensordot(m, w, 1), Float[Rows, Depth])
assert_type(jnp.tensordot(m, w, axes=([1], [0])), Float[*tuple[Any, ...]])
assert_type(jnp.diff(m), Float[Rows, Any])
assert_type(jnp.diff(m, axis=0), Float[Any, Columns])
assert_type(jnp.conj(m), Float[Rows, Columns])
assert_type(jnp.real(m), Float[Rows, Columns])
assert_type(jnp.abs(m), Float[Rows, Columns])
assert_type(jnp.trace(m), Float[()])
assert_type(jnp.diag(v), Float[Columns, Columns])
assert_type(jnp.diag(v, 1), Float[Any, Any])
assert_type(jnp.diagonal(m), Float[Any])
assert_type(jnp.cross(jnp.zeros((Rows(), 3)), jnp.zeros((Rows(), 3))), Float[Rows, Three])
assert_type(jnp.inner(v, v), Float[()])
assert_type(jnp.inner(m, v), Float[Rows])
assert_type(jnp.vecdot(m, v), Float[Rows])
assert_type(jnp.nonzero(m), tuple[Int[Any], Int[Any]])
assert_type(jnp.nonzero(m, size=Depth()), tuple[Int[Depth], Int[Depth]])
assert_type(jnp.argwhere(m), Int[Any, Two])
assert_type(jnp.unique(m), Float[Any])
assert_type(jnp.unique(m, return_counts=True), tuple[Float[Any], Int[Any]])
assert_type(jnp.unique(m, return_inverse=True, size=Depth()), tuple[Float[Depth], Int[Rows, Columns]])
assert_type(jnp.bincount(j, length=Depth()), Int[Depth])
assert_type(jnp.quantile(m, 0.5), Float[()])
assert_type(jnp.quantile(m, 0.5, axis=0), Float[Columns])
assert_type(jnp.quantile(m, v, axis=0), Float[Columns, Columns])
assert_type(jnp.quantile(m, jnp.array([0.1, 0.9]), axis=-1), Float[Any, Rows])
assert_type(jnp.average(m, 0), Float[Columns])
assert_type(jnp.histogram(m), tuple[Array[Any, Any], Array[Any, Any]])
assert_type(jnp.cov(m), Float[Rows, Rows])
assert_type(jnp.gradient(v), Float[Columns])
assert_type(jnp.frexp(v), tuple[Float[Columns], Int[Columns]])
assert_type(jnp.divmod(v, v), tuple[Float[Columns], Float[Columns]])
assert_type(jnp.select([m > 0, m < 1], [m, m]), Float[Rows, Columns])
assert_type(jnp.select([m > 0, m < 1], [m, m], 3.0), Float[Rows, Columns])
assert_type(jnp.polyval(v, m), Float[Rows, Columns])
assert_type(jnp.ix_(v, v), tuple[Float[Columns, Literal[1]], Float[Literal[1], Columns]])
assert_type(jnp.kron(m, m), Float[Any, Any])
assert_type(jnp.convolve(v, v), Float[Any])
assert_type(jnp.rot90(m), Float[Columns, Rows])
assert_type(jnp.atleast_2d(v), Float[Literal[1], Columns])
assert_type(jnp.broadcast_arrays(m, v), list[Float[Rows, Columns]])
assert_type(jnp.unravel_index(j, (2, 3)), tuple[Int[Rows], Int[Rows]])
assert_type(jnp.indices((2, 3)), Int[Two, Two, Three])
assert_type(jnp.fmax(m, v), Float[Rows, Columns])
assert_type(jnp.trapezoid(m), Float[Rows])
assert_type(jnp.setdiff1d(m, m), Float[Any])
assert_type(jnp.cumulative_sum(v, axis=0), Float[Columns])
assert_type(jnp.lexsort((v, v)), Int[Columns])
assert_type(jnp.exp(jnp.zeros((3,), jnp.complex64)), Array[c64, Three])
assert_type(jnp.abs(jnp.zeros((3,), jnp.complex64)), Float[Three])
assert_type(jnp.tri(Columns()), Float[Columns, Columns])
assert_type(jnp.diag_indices(Columns()), tuple[Int[Columns], Int[Columns]])
assert_type(jnp.einsum("...ij,...jk->...ik", jnp.zeros((2, 3, 4)), jnp.zeros((2, 4, 3))), Float[Two, Three, Three])
assert_type(jnp.einsum("i,i->", v, v), Float[()])
assert_type(jnp.einsum("ij,j->i", m, v), Float[Rows])
assert_type(jnp.outer(v, v), Float[Columns, Columns])
assert_type(jnp.tensordot(jnp.zeros((2, 3, 4)), jnp.zeros((3, 4))), Float[Two])
assert_type(jnp.tensordot(v, v, 0), Float[Columns, Columns])
