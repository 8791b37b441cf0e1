"""What an editor shows: the names of the sizes."""
from __future__ import annotations

from typing import reveal_type

import lantern
import lantern.numpy as jnp
from lantern.typing import Dim, Float


class Batch(Dim):
    """Examples."""


class Pixels(Dim):
    """What goes in."""


class Hidden(Dim):
    """What comes out."""


def layer(x: Float[Pixels], w: Float[Pixels, Hidden]) -> Float[Hidden]:
    """One example."""
    return jnp.tanh(x @ w)


def loss(w: Float[Pixels, Hidden], x: Float[Batch, Pixels]) -> Float[()]:
    """A scalar."""
    return (x @ w).sum()


def show(x: Float[Batch, Pixels], w: Float[Pixels, Hidden]) -> None:
    """Each line is shown as it says."""
    reveal_type(x @ w)                              # shows: Array[f32, Batch, Hidden]
    reveal_type(x.mean(-1))                         # shows: Array[f32, Batch]
    reveal_type(x.shape)                            # shows: tuple[Batch, Pixels]
    reveal_type(jnp.zeros((3, 4)))                  # shows: Array[f32, Literal[3], Literal[4]]
    reveal_type(lantern.grad(loss))                 # shows: (Array[f32, Pixels, Hidden], x: Array[f32, Batch, Pixels]) -> Array[f32, Pixels, Hidden]
    reveal_type(lantern.vmap(layer, (0, None)))     # shows: (Array[f32, N@vmap, Pixels], Array[f32, Pixels, Hidden]) -> Array[f32, N@vmap, Hidden]
    reveal_type(lantern.jit(loss))                  # shows: Jitted[(w: Array[f32, Pixels, Hidden], x: Array[f32, Batch, Pixels]), Array[f32]]
