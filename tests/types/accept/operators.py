"""Operators, methods and indexing of `Array`: every shape is asserted."""
from __future__ import annotations

from typing import Any, Literal, TypeVar, TypeVarTuple, assert_type

import lantern.numpy as jnp
from lantern.typing import Array, Bool, Dim, Float, Int, f16, i32


class Batch(Dim):
    """Examples."""


class Pixels(Dim):
    """What goes in."""


class Hidden(Dim):
    """What comes out."""


One = Literal[1]
Two = Literal[2]
Three = Literal[3]
Four = Literal[4]
Five = Literal[5]
L = TypeVarTuple("L")
N = TypeVar("N")

a, b, v = jnp.zeros((3, 4)), jnp.ones((4, 5)), jnp.ones((4,))
x, w, bias = jnp.zeros((Batch(8), Pixels(6))), jnp.zeros((Pixels(6), Hidden(7))), jnp.zeros((Hidden(7),))
i = jnp.zeros((Batch(8),), jnp.int32)
assert_type(a, Float[Three, Four])
assert_type(a.shape, tuple[Three, Four])
assert_type(x, Float[Batch, Pixels])
assert_type(x.shape[0], Batch)

# element by element, and broadcasting
assert_type(a + a, Float[Three, Four])
assert_type(a * 2, Float[Three, Four])
assert_type(2.0 - a, Float[Three, Four])
assert_type(a + v, Float[Three, Four])
assert_type(v + a, Float[Three, Four])
assert_type(a + a.sum(), Float[Three, Four])
assert_type(a - a.max(-1, keepdims=True), Float[Three, Four])
assert_type(jnp.zeros((3, 1)) + jnp.zeros((1, 4)), Float[Three, Four])
assert_type(jnp.zeros((2, 3, 4)) * jnp.zeros((3, 1)), Float[Two, Three, Four])
assert_type(jnp.zeros((2, 3, 4)) / jnp.zeros((2, 1, 4)), Float[Two, Three, Four])
assert_type(jnp.zeros((2, 3, 4, 5)) + jnp.zeros((2, 1, 1, 5)), Float[Two, Three, Four, Five])
assert_type(jnp.zeros((1, 3, 1, 5)) + jnp.zeros((2, 3, 4, 5)), Float[Two, Three, Four, Five])
assert_type(jnp.zeros((2, 3, 4, 5)) + jnp.zeros((3, 1, 1)), Float[Two, Three, Four, Five])
assert_type(x @ w + bias, Float[Batch, Hidden])
assert_type(-x, Float[Batch, Pixels])
assert_type(abs(x) ** 2, Float[Batch, Pixels])

# element types
assert_type(x > 0, Bool[Batch, Pixels])
assert_type(x == x, Bool[Batch, Pixels])
assert_type(x != 0.5, Bool[Batch, Pixels])
assert_type((x > 0) & (x < 1), Bool[Batch, Pixels])
assert_type(~(x > 0), Bool[Batch, Pixels])
assert_type(i + 1, Int[Batch])
assert_type(i + 2.5, Float[Batch])
assert_type(i / i, Float[Batch])
assert_type(i / 2, Float[Batch])
assert_type(1 / i, Float[Batch])
assert_type(i // 2, Int[Batch])
assert_type(i.mean(), Float[()])
assert_type(i.sum(), Int[()])
assert_type((x > 0).sum(), Int[()])
assert_type((x > 0) + 1, Int[Batch, Pixels])
assert_type(x.astype(i32), Int[Batch, Pixels])
assert_type(x.astype(int), Int[Batch, Pixels])
assert_type(x.astype(f16) * 2.0, Array[f16, Batch, Pixels])

# products of matrices
assert_type(x @ w, Float[Batch, Hidden])
assert_type(a @ b, Float[Three, Five])
assert_type(a @ v, Float[Three])
assert_type(v @ b, Float[Five])
assert_type(v @ v, Float[()])
assert_type(jnp.zeros((2, 3, 4)) @ b, Float[Two, Three, Five])
assert_type(jnp.zeros((2, 3, 4)) @ jnp.zeros((2, 4, 5)), Float[Two, Three, Five])

# reductions
assert_type(a.sum(), Float[()])
assert_type(a.sum(0), Float[Four])
assert_type(a.mean(axis=-1), Float[Three])
assert_type(a.max(0, keepdims=True), Float[One, Four])
assert_type(a.sum((0, 1)), Float[()])
assert_type(a.var(axis=1, ddof=1), Float[Three])
assert_type(a.argmax(-1), Int[Three])
assert_type(a.argmin(), Int[()])
assert_type(a.sum(0, dtype=f16), Array[f16, Four])
assert_type((a > 0).any(0), Bool[Four])
assert_type(x.sum(0), Float[Pixels])
assert_type(x.mean(-1, keepdims=True), Float[Batch, One])

# layout
assert_type(a.T, Float[Four, Three])
assert_type(v.T, Float[Four])
assert_type(jnp.zeros((2, 3, 4)).T, Float[Four, Three, Two])
assert_type(jnp.zeros((2, 3, 4)).mT, Float[Two, Four, Three])
assert_type(jnp.zeros((2, 3, 4)).transpose((2, 0, 1)), Float[Four, Two, Three])
assert_type(x.transpose(1, 0), Float[Pixels, Batch])
assert_type(x.swapaxes(-1, -2), Float[Pixels, Batch])
assert_type(a.reshape((2, 6)), Float[Two, Literal[6]])
assert_type(a.reshape((2, -1)), Float[Two, Any])
assert_type(a.reshape(2, 6), Float[Any, Any])
assert_type(x.reshape((Hidden(48),)), Float[Hidden])
assert_type(a.ravel(), Float[Any])
assert_type(jnp.zeros((1, 3)).squeeze(0), Float[Three])

# indexing
assert_type(a[0], Float[Four])
assert_type(a[:, 0], Float[Three])
assert_type(a[0, 1], Float[()])
assert_type(a[1:], Float[Any, Four])
assert_type(a[:, 1:3], Float[Three, Any])
assert_type(a[None], Float[One, Three, Four])
assert_type(a[:, None], Float[Three, One, Four])
assert_type(a[..., None], Float[Three, Four, One])
assert_type(a[..., 0], Float[Three])
assert_type(x[i], Float[Batch, Pixels])
assert_type(x[i, i], Float[Batch])
assert_type(list(x), list[Float[Pixels]])

# Python values
assert_type(float(a.sum()), float)
assert_type(int(i.sum()), int)


def softmax(z: Float[*L, N]) -> Float[*L, N]:
    """Polymorphic in any number of sizes."""
    e = jnp.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


assert_type(softmax(a), Float[Three, Four])
assert_type(softmax(x), Float[Batch, Pixels])

# indexed updates keep the type
assert_type(a.at[0].set(1.0), Float[Three, Four])
assert_type(x.at[i].add(x), Float[Batch, Pixels])
assert_type(x.at[:, 1:].multiply(2.0), Float[Batch, Pixels])
