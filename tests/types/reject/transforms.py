"""Each marked line is a mistake in the use of a transform."""
from __future__ import annotations

import lantern
import lantern.numpy as jnp
from lantern.typing import Dim, Float


class Batch(Dim):
    """Examples."""


class Units(Dim):
    """Of a layer."""


class Hidden(Dim):
    """Of the next layer."""


x, w, v = jnp.zeros((Batch(8), Units(6))), jnp.zeros((Units(6), Hidden(7))), jnp.zeros((Units(6),))


def loss(w: Float[Units, Hidden], x: Float[Batch, Units]) -> Float[()]:
    """A scalar."""
    return (x @ w).sum()


def no_scalar(w: Float[Units, Hidden], x: Float[Batch, Units]) -> Float[Batch, Hidden]:
    """A matrix."""
    return x @ w


def layer(x: Float[Units], w: Float[Units, Hidden]) -> Float[Hidden]:
    """One example."""
    return x @ w


lantern.jit(loss)(x, w)                                     # error: reportArgumentType
lantern.jit(loss)(w)                                        # error: reportCallIssue
lantern.jit(loss)(w, x, 3)                                  # error: reportCallIssue
lantern.jit(loss)(w=w, y=x)                                 # error: reportCallIssue
lantern.jit(3)                                              # error: reportArgumentType
lantern.grad(no_scalar)                                     # error: reportArgumentType
lantern.value_and_grad(no_scalar)                           # error: reportArgumentType
lantern.grad(loss)(x, x)                                    # error: reportArgumentType
lantern.grad(loss, 5)                                       # error: reportArgumentType
lantern.grad(loss, has_aux=True)                            # error: reportArgumentType
lantern.vmap(layer, in_axes=(0, None))(x, x)                # error: reportArgumentType
lantern.vmap(layer, in_axes=(0, None))(v, w)                # error: reportArgumentType
lantern.vmap(layer)(x, w)                                   # error: reportArgumentType
lantern.vmap(layer, in_axes=(0, None, None))                # error: reportArgumentType
lantern.vmap(layer, in_axes=(0, None))(x, w).sum(2)         # error: reportArgumentType
lantern.jvp(layer, (v, w), (w, v))                          # error: reportArgumentType
lantern.vjp(layer, w, v)                                    # error: reportArgumentType
lantern.vjp(layer, v, w)[1](v)                              # error: reportArgumentType
lantern.hessian(layer)                                      # error: reportArgumentType
wrong: Float[Hidden, Units] = lantern.grad(loss)(w, x)      # error: reportAssignmentType
