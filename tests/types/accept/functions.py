"""Functions of `lantern.numpy`, `lantern.nn` and `lantern.random`: every shape is asserted."""
from __future__ import annotations

from typing import Any, Literal, assert_type

import numpy as np

import lantern.numpy as jnp
from lantern import lax, nn, random
from lantern.typing import Array, Bool, Dim, Float, Int, Key, f16, u32


class Batch(Dim):
    """Examples."""


class Units(Dim):
    """Of a layer."""


class Classes(Dim):
    """Of one size."""

    size = 10


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
