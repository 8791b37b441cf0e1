"""Mistakes that also fail when they run: the editor and the run name the same sizes.

Sizes that differ in name differ in number here.
"""
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


@lantern.jit
def layer(x: Float[Batch, Pixels], w: Float[Pixels, Hidden]) -> Float[Batch, Hidden]:
    """One layer."""
    return jnp.tanh(x @ w)


@lantern.jit
def biased(h: Float[Batch, Hidden], bias: Float[Hidden]) -> Float[Batch, Hidden]:
    """Another one."""
    return h + bias


def loss(w: Float[Pixels, Hidden], x: Float[Batch, Pixels]) -> Float[()]:
    """A scalar."""
    return layer(x, w).sum()


def score(x: Float[Pixels], w: Float[Pixels, Hidden]) -> Float[Hidden]:
    """Of one example."""
    return x @ w


@lantern.typed
def entropy(scores: Float[Batch, Classes], labels: Int[Batch]) -> Float[()]:
    """Checked at each call."""
    return jnp.take_along_axis(scores, labels[:, None], 1).mean()


x, w, h = jnp.ones((Batch(4), Pixels(6))), jnp.ones((Pixels(6), Hidden(5))), jnp.ones((Batch(4), Hidden(5)))
scores, labels, bias = jnp.ones((Batch(4), Classes(3))), jnp.zeros((Batch(4),), jnp.int32), jnp.ones((Hidden(5),))

layer(w, x)                                                         # error: reportArgumentType
layer(x, w.T)                                                       # error: reportArgumentType
layer(x.T, w)                                                       # error: reportArgumentType
biased(h, scores[0])                                                # error: reportArgumentType
biased(h, h)                                                        # error: reportArgumentType
biased(x, bias)                                                     # error: reportArgumentType
lantern.grad(loss)(x, w)                                            # error: reportArgumentType
lantern.vmap(score, in_axes=(0, None))(x, w.T)                      # error: reportArgumentType
entropy(h.T, labels)                                                # error: reportArgumentType
entropy(scores, scores)                                             # error: reportArgumentType
lantern.jit(score)(x[0], w.T)                                       # error: reportArgumentType
lantern.value_and_grad(loss)(w.T, x)                                # error: reportArgumentType
layer(h, w)                                                         # error: reportArgumentType
