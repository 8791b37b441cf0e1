"""`lantern.lax` and `lantern.nn`: every shape is asserted."""
from __future__ import annotations

from typing import Any, Literal, assert_type

import lantern.numpy as jnp
from lantern import lax, nn
from lantern.typing import Array, Bool, Dim, Float, Int, c64


class Batch(Dim):
    """Examples."""

    size = 3


class Rows(Dim):
    """Features."""

    size = 5


class Columns(Dim):
    """Other features."""

    size = 6


class Depth(Dim):
    """A new axis."""

    size = 7


Two = Literal[2]
Three = Literal[3]
Four = Literal[4]
x, v = jnp.ones((Batch(), Rows())), jnp.ones((Rows(),))
i = jnp.zeros((Batch(),), jnp.int32)
images, kernel = jnp.ones((Batch(), 8, 8, Rows())), jnp.ones((3, 3, Rows(), Columns()))
planes = jnp.ones((Batch(), Rows(), 8, 8))
layouts = ("NHWC", "HWIO", "NHWC")
assert_type(lax.argmax(x, 1), Int[Batch])
assert_type(lax.sort(x), Float[Batch, Rows])
assert_type(lax.sort((x, x)), tuple[Float[Batch, Rows], Float[Batch, Rows]])
assert_type(lax.sort_key_val(v, v), tuple[Float[Rows], Float[Rows]])
assert_type(lax.top_k(x, 2), tuple[Float[Batch, Any], Int[Batch, Any]])
assert_type(lax.top_k(x, Batch()), tuple[Float[Batch, Batch], Int[Batch, Batch]])
assert_type(lax.top_k(x, Batch(), axis=0), tuple[Float[Batch, Rows], Int[Batch, Rows]])
assert_type(lax.approx_max_k(x, 2), tuple[Float[Batch, Any], Int[Batch, Any]])
assert_type(lax.broadcast(x, (Depth(),)), Float[Depth, Batch, Rows])
assert_type(lax.broadcast(x, (2, 3)), Float[Two, Three, Batch, Rows])
assert_type(lax.broadcast_in_dim(v, (Batch(), Rows()), (1,)), Float[Batch, Rows])
assert_type(lax.broadcasted_iota(jnp.int32, (Batch(), 4), 1), Int[Batch, Four])
assert_type(lax.iota(jnp.float32, Batch()), Float[Batch])
assert_type(lax.full((Batch(), 4), 1.0), Float[Batch, Four])
assert_type(lax.full_like(x, 0), Float[Batch, Rows])
assert_type(lax.clamp(0.0, x, 1.0), Float[Batch, Rows])
assert_type(lax.collapse(images, 0, 2), Float[Any, Literal[8], Rows])
assert_type(lax.complex(x, x), Array[c64, Batch, Rows])
assert_type(lax.real(lax.complex(x, x)), Float[Batch, Rows])
assert_type(lax.concatenate([x, x], 0), Float[Any, Rows])
assert_type(lax.conv(planes, jnp.ones((Columns(), Rows(), 3, 3)), (1, 1), "VALID"), Float[Batch, Columns, Any, Any])
assert_type(lax.conv_transpose(images, kernel, (2, 2), "SAME"), Float[Batch, Any, Any, Columns])
assert_type(lax.dynamic_slice(x, (0, 0), (2, 2)), Float[Two, Two])
assert_type(lax.dynamic_slice_in_dim(x, 1, 2), Float[Any, Rows])
assert_type(lax.dynamic_slice_in_dim(x, 0, Batch(), axis=1), Float[Batch, Batch])
assert_type(lax.slice_in_dim(x, 1, 2, axis=1), Float[Batch, Any])
assert_type(lax.dynamic_index_in_dim(x, 0), Float[Literal[1], Rows])
assert_type(lax.dynamic_index_in_dim(x, 0, axis=1, keepdims=False), Float[Batch])
assert_type(lax.dynamic_index_in_dim(x, 0, 1, False), Float[Batch])
assert_type(lax.index_in_dim(x, 0, keepdims=False), Float[Rows])
assert_type(lax.dynamic_update_slice(x, jnp.zeros((2, 2)), (0, 0)), Float[Batch, Rows])
assert_type(lax.dynamic_update_slice_in_dim(x, jnp.zeros((1, 5)), 0, 0), Float[Batch, Rows])
assert_type(lax.dynamic_update_index_in_dim(x, v, 0, 0), Float[Batch, Rows])
assert_type(lax.expand_dims(x, (0,)), Float[Literal[1], Batch, Rows])
assert_type(lax.squeeze(jnp.ones((1, 3)), (0,)), Float[Three])
assert_type(lax.pad(x, 0.0, [(1, 1, 0), (0, 0, 0)]), Float[Any, Any])
assert_type(lax.slice(x, (0, 0), (2, 2)), Float[Any, Any])
assert_type(lax.reduce_window(images, 0.0, lax.add, (1, 2, 2, 1)), Float[Any, Any, Any, Any])
assert_type(lax.rev(x, (0,)), Float[Batch, Rows])
assert_type(lax.igamma(v, v), Float[Rows])
assert_type(lax.betainc(v, v, v), Float[Rows])
assert_type(lax.reduce_or(x > 0, (0,)), Bool[Rows])
assert_type(lax.with_sharding_constraint(x, None), Float[Batch, Rows])
assert_type(nn.glu(jnp.ones((Rows(), 4))), Float[Rows, Any])
assert_type(nn.hard_tanh(x), Float[Batch, Rows])
assert_type(nn.identity(x), Float[Batch, Rows])
assert_type(nn.logmeanexp(x, axis=-1), Float[Batch])
assert_type(nn.standardize(x), Float[Batch, Rows])
assert_type(nn.avg_pool(images, (2, 2), (2, 2)), Float[Batch, Any, Any, Rows])
assert_type(nn.max_pool(jnp.ones((Batch(), 8, Rows())), (2,)), Float[Batch, Any, Rows])
assert_type(lax.shift_left(i, i), Int[Batch])
assert_type(lax.select_n(x > 0, x, x), Float[Batch, Rows])
assert_type(lax.conv_general_dilated(images, kernel, (1, 1), "SAME", dimension_numbers=layouts),
            Float[Batch, Any, Any, Columns])
queries, keys = jnp.ones((Batch(), Rows(), 2, 4)), jnp.ones((Batch(), Columns(), 2, 4))
assert_type(nn.dot_product_attention(queries, keys, keys), Float[Batch, Rows, Two, Four])
assert_type(nn.dot_product_attention(queries[0], keys[0], keys[0]), Float[Rows, Two, Four])
