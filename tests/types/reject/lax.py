"""Each marked line is a mistake in a call of `lantern.lax` or `lantern.nn`."""
from __future__ import annotations

import lantern.numpy as jnp
from lantern import lax, nn
from lantern.typing import Dim


class Batch(Dim):
    """Examples."""


class Rows(Dim):
    """Features."""


class Columns(Dim):
    """Other features."""


x, v = jnp.ones((Batch(3), Rows(5))), jnp.ones((Rows(5),))
i = jnp.zeros((Batch(3),), jnp.int32)
images, kernel = jnp.ones((Batch(3), 8, 8, Rows(5))), jnp.ones((3, 3, Columns(6), Rows(5)))
queries, keys = jnp.ones((Batch(3), Rows(5), 2, 4)), jnp.ones((Batch(3), Columns(6), 2, 4))
layouts = ("NHWC", "HWIO", "NHWC")
lax.argmax(x, 2)                                # error: reportArgumentType
lax.sort_key_val(x, v)                          # error: reportArgumentType
lax.top_k(v, 2, axis=1)                         # error: reportArgumentType
lax.top_k(x, 2)[0] + x.T                        # error: reportOperatorIssue
lax.clamp(0.0, x, v)                            # error: reportArgumentType
lax.complex(x, v)                               # error: reportArgumentType
lax.concatenate([x, x.T], 0)                    # error: reportArgumentType
lax.conv_general_dilated(images, kernel, (1, 1), "SAME", dimension_numbers=layouts)    # error: reportArgumentType
lax.conv(images, kernel, (1, 1), "SAME") + x    # error: reportArgumentType
lax.dynamic_slice_in_dim(v, 0, 2, axis=1)       # error: reportArgumentType
lax.dynamic_index_in_dim(x, 0, keepdims=False) + x.T    # error: reportOperatorIssue
lax.slice_in_dim(v, 0, 1, axis=-2)              # error: reportArgumentType
lax.dynamic_update_slice(x, v[None], (0, 0)) + v[:, None]    # error: reportOperatorIssue
lax.expand_dims(v, (2,))                        # error: reportArgumentType
lax.squeeze(x, (0,))                            # error: reportArgumentType
lax.select_n(x > 0, x, v)                       # error: reportArgumentType
lax.shift_left(i, x)                            # error: reportArgumentType
lax.igamma(x, v)                                # error: reportArgumentType
lax.betainc(v, v, x)                            # error: reportArgumentType
lax.broadcast_in_dim(v, (Batch(3), Rows(5)), (1,)) + x.T    # error: reportOperatorIssue
nn.dot_product_attention(queries, keys, queries)    # error: reportArgumentType
nn.dot_product_attention(queries, keys, keys) + keys    # error: reportOperatorIssue
nn.glu(v, axis=1)                               # error: reportArgumentType
nn.avg_pool(v, (2, 2))                          # error: reportArgumentType
nn.standardize(v, axis=1)                       # error: reportArgumentType
nn.logmeanexp(v, axis=1)                        # error: reportArgumentType
