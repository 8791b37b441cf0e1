"""Unknown shapes flow on: they keep what is known, they fit everywhere, and an annotation anchors them again."""
from __future__ import annotations

from typing import Any, Literal, assert_type

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import nn
from lantern.typing import AnyShape, Array, Dim, Float, Int, f32, unknown


class Batch(Dim):
    """Examples."""


class Units(Dim):
    """Of a layer."""


UnknownFloat = Array[f32, *tuple[Any, ...]]
UnknownArray = Array[Any, *tuple[Any, ...]]


def bare(u: Array, x: Float[Batch, Units], i: Int[Batch]) -> Float[Batch, Units]:
    """Without any type argument."""
    assert_type(u + x, UnknownArray)
    assert_type(x + u, UnknownFloat)
    assert_type(u * 2, UnknownArray)
    assert_type(u @ x, UnknownArray)
    assert_type(x @ u, UnknownFloat)
    assert_type(u.sum(0), UnknownArray)
    assert_type(u.sum(), Array[Any, *tuple[()]])
    assert_type(u.T, UnknownArray)
    assert_type(u[0], UnknownArray)
    assert_type(jnp.exp(u), UnknownArray)
    assert_type(jnp.maximum(x, u), UnknownFloat)
    assert_type(jnp.where(x > 0, u, 0.0), UnknownArray)
    assert_type(nn.softmax(u), UnknownArray)
    assert_type(jnp.concatenate([u, u]), UnknownArray)
    return u[i]


def known_dtype(u: Float[*AnyShape], x: Float[Batch, Units]) -> Float[Batch]:
    """Only the shape is unknown."""
    assert_type(u + x, UnknownFloat)
    assert_type(u.mean(-1), UnknownFloat)
    assert_type(u @ x, UnknownFloat)
    assert_type(u.astype(int), Int[*tuple[Any, ...]])
    return u.sum(-1)


def one_unknown_size(x: Float[Any, Units], y: Float[Batch, Units], n: int) -> Float[Batch]:
    """`Any` stands for one size."""
    assert_type(x + y, Float[Any, Units])
    assert_type(y @ x.T, Float[Batch, Any])
    assert_type(jnp.zeros((n, Units(6))), Float[int, Units])
    return x.sum(-1)


def from_numpy(images: np.ndarray[Any, Any]) -> Float[Batch, Units]:
    """NumPy arrays have no shape that types know."""
    assert_type(jnp.zeros((Batch(8), Units(6))) + images, UnknownArray)
    return jnp.asarray(images)


def pair(x: Float[Batch], w: dict[str, Float[Units]]) -> dict[str, Float[Units]]:
    """Pytrees that vmap cannot type give Any."""
    return {name: value * x.sum() for name, value in w.items()}


rows: Any = lantern.vmap(pair, in_axes=(0, None))(jnp.ones((3, Batch(8))), {"w": jnp.ones((Units(6),))})
columns: Any = lantern.vmap(pair, in_axes=(1, None))(jnp.ones((Batch(8), 3)), {"w": jnp.ones((Units(6),))})

# by hand: from here on a checker knows the element type only, until an annotation anchors the shape again
loose = unknown(jnp.zeros((3, 4)))
assert_type(loose, Float[*tuple[Any, ...]])
anchored: Float[Literal[12]] = loose.reshape((12,))


@lantern.typed
def doubled(x: Float[Literal[12]]) -> Float[Literal[12]]:
    """Checked at each call, and typed as it was."""
    return x * 2.0


assert_type(doubled(anchored), Float[Literal[12]])
