"""Each marked line is a mistake in a call of `lantern.numpy`, `lantern.nn` or `lantern.random`."""
from __future__ import annotations

import lantern.numpy as jnp
from lantern import lax, nn, random
from lantern.typing import Dim


class Batch(Dim):
    """Examples."""


class Units(Dim):
    """Of a layer."""


class Hidden(Dim):
    """Of the next layer."""


x, w = jnp.zeros((Batch(8), Units(6))), jnp.zeros((Units(6), Hidden(7)))
i, key = jnp.zeros((Batch(8),), jnp.int32), random.key(0)
jnp.zeros([3, 4])                               # error: reportArgumentType
jnp.zeros((3, 4), dtypes=jnp.int32)             # error: reportCallIssue
jnp.maximum(x, w)                               # error: reportArgumentType
jnp.add(i, x.sum(-1))                           # error: reportArgumentType
jnp.where(x > 0, x, w)                          # error: reportArgumentType
jnp.where(x, x, 0.0)                            # error: reportArgumentType
jnp.concatenate((x, w))                         # error: reportArgumentType
jnp.stack((x, w))                               # error: reportArgumentType
jnp.matmul(w, x)                                # error: reportArgumentType
jnp.dot(w, x)                                   # error: reportArgumentType
jnp.sum(x, axis=2)                              # error: reportArgumentType
jnp.sum(x, axis=(0, 2))                         # error: reportArgumentType
jnp.squeeze(x, 0)                               # error: reportArgumentType
jnp.expand_dims(x, 7)                           # error: reportArgumentType
jnp.take(x, x, axis=0)                          # error: reportArgumentType
jnp.isnan("x")                                  # error: reportArgumentType
jnp.bitwise_and(i, 0.5)                         # error: reportArgumentType
lax.add(x, x.sum(0))                            # error: reportArgumentType
lax.exp(i)                                      # error: reportArgumentType
lax.reduce_sum(x, (2,))                         # error: reportArgumentType
nn.softmax(x, axis=2)                           # error: reportArgumentType
nn.logsumexp(x, axis=-3)                        # error: reportArgumentType
nn.one_hot(x, Units(6))                         # error: reportArgumentType
random.normal(0, (3,))                          # error: reportArgumentType
random.normal((3, 4))                           # error: reportArgumentType
random.uniform(x, (3,))                         # error: reportArgumentType
random.uniform(random.split(key, 3))            # error: reportArgumentType
random.split(i)                                 # error: reportArgumentType
random.key_data(x)                              # error: reportArgumentType
jnp.sin(key)                                    # error: reportArgumentType
jnp.matmul(key, key)                            # error: reportArgumentType

# what joins, picks, spaces and contracts
v = jnp.zeros((Units(6),))
jnp.einsum("ij,jk->ik", w, x) + 1               # error: reportOperatorIssue
jnp.einsum("ii->", x) + 1                       # error: reportOperatorIssue
jnp.einsum("i,i->", v, x) + 1                   # error: reportOperatorIssue
jnp.linspace(0.0, 1.0, v)                       # error: reportArgumentType
jnp.allclose(x, w)                              # error: reportArgumentType
jnp.isclose(x, w)                               # error: reportArgumentType
jnp.hstack((x, w))                              # error: reportArgumentType
jnp.vstack((x, w))                              # error: reportArgumentType
jnp.append(x, w, axis=0)                        # error: reportArgumentType
jnp.pad(v, ((0, 1), (1, 1)))                    # error: reportArgumentType
jnp.meshgrid(x, v)                              # error: reportArgumentType
jnp.tensordot(x, x, 1)                          # error: reportArgumentType
jnp.inner(x, w)                                 # error: reportArgumentType
jnp.vecdot(v, x.T)                              # error: reportArgumentType
jnp.trace(v)                                    # error: reportArgumentType
jnp.diff(v, axis=1)                             # error: reportArgumentType
jnp.quantile(x, 0.5, axis=2)                    # error: reportArgumentType
jnp.select([x > 0], [w])                        # error: reportArgumentType
jnp.convolve(x, v)                              # error: reportArgumentType
jnp.gradient(v, axis=1)                         # error: reportArgumentType
jnp.divmod(x, w)                                # error: reportArgumentType
