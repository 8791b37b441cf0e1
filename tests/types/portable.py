"""Named sizes in mypy and pyrefly: no error but in the marked lines. No literal sizes here, which are pyright's only."""
from __future__ import annotations

import lantern
import lantern.numpy as jnp
from lantern.typing import Dim, Float, Int


class Batch(Dim):
    """Examples."""


class Pixels(Dim):
    """What goes in."""


class Hidden(Dim):
    """Units in between."""


class Classes(Dim):
    """What comes out."""


x, w = jnp.zeros((Batch(8), Pixels(6))), jnp.zeros((Pixels(6), Hidden(7)))
bias, labels = jnp.zeros((Hidden(7),)), jnp.zeros((Batch(8),), jnp.int32)


def layer(x: Float[Batch, Pixels], w: Float[Pixels, Hidden], bias: Float[Hidden]) -> Float[Batch, Hidden]:
    """One layer."""
    return jnp.tanh(x @ w + bias)


def loss(w: Float[Pixels, Hidden], x: Float[Batch, Pixels]) -> Float[()]:
    """A scalar."""
    return (x @ w).mean()


def score(x: Float[Pixels], w: Float[Pixels, Hidden]) -> Float[Hidden]:
    """Of one example."""
    return x @ w


a: Float[Batch, Hidden] = layer(x, w, bias)
b: Float[Hidden] = a.sum(0)
c: Float[Batch] = a.mean(axis=-1)
d: Float[Hidden, Pixels] = w.T
e: Float[Pixels, Hidden] = lantern.grad(loss)(w, x)
f: Float[Batch, Hidden] = lantern.vmap(score, in_axes=(0, None))(x, w)
g: Float[()] = lantern.jit(loss)(w, x)
h: Int[Batch] = a.argmax(-1)
i: Float[Batch, Pixels] = x * 2.0 + x
j: Float[Batch, Pixels] = jnp.where(x > 0, x, 0.0)
k: Float[Batch, Hidden] = jnp.reshape(a, (Batch(8), Hidden(7)))

x + w                                                   # error
x @ x                                                   # error
w @ x                                                   # error
x @ w + labels                                          # error
layer(w, x, bias)                                       # error
layer(x, w, labels)                                     # error
lantern.grad(loss)(x, w)                                # error
lantern.grad(layer)                                     # error
lantern.jit(loss)(x, w)                                 # error
jnp.maximum(x, w)                                       # error
wrong_axis: Float[Hidden] = a.sum(1)                    # error
wrong_order: Float[Pixels, Hidden] = w.T                # error
wrong_map: Float[Hidden, Batch] = lantern.vmap(score, in_axes=(0, None))(x, w)  # error
