"""Each marked line is a mistake in shapes or element types that the type checker must report."""
from __future__ import annotations

import lantern.numpy as jnp
from lantern.typing import Array, Dim, Float, i32


class Batch(Dim):
    """Examples."""


class Time(Dim):
    """Steps."""


class Units(Dim):
    """Of a layer."""


class Hidden(Dim):
    """Of the next layer."""


a, b, v, c = jnp.zeros((3, 4)), jnp.zeros((4, 5)), jnp.zeros((4,)), jnp.zeros((2, 3, 4))
x, w = jnp.zeros((Batch(8), Units(6))), jnp.zeros((Units(6), Hidden(7)))
a + b                                           # error: reportOperatorIssue
a + jnp.zeros((3,))                             # error: reportOperatorIssue
a * jnp.zeros((2, 4))                           # error: reportOperatorIssue
c + jnp.zeros((3, 5))                           # error: reportOperatorIssue
jnp.zeros((3, 1)) + jnp.zeros((2, 4))           # error: reportOperatorIssue
jnp.zeros((2, 3, 4, 5)) + jnp.zeros((2, 1, 1, 4))   # error: reportOperatorIssue
a < b                                           # error: reportOperatorIssue
a == b                                          # error: reportOperatorIssue
a + a.astype(i32)                               # error: reportOperatorIssue
x & (x > 0)                                     # error: reportOperatorIssue
x + "1"                                         # error: reportOperatorIssue
a @ a                                           # error: reportOperatorIssue
v @ a                                           # error: reportOperatorIssue
c @ jnp.zeros((5, 4, 2))                        # error: reportOperatorIssue
x @ x                                           # error: reportOperatorIssue
w @ x                                           # error: reportOperatorIssue
x + w                                           # error: reportOperatorIssue
a.sum() @ v                                     # error: reportOperatorIssue
a.sum(2)                                        # error: reportArgumentType
v.mean(axis=1)                                  # error: reportArgumentType
a.argmax(axis=-3)                               # error: reportArgumentType
a.sum((0, 2))                                   # error: reportArgumentType
v.mT                                            # error: reportAttributeAccessIssue
a.transpose((0, 1, 2))                          # error: reportArgumentType
a.transpose((0, 0))                             # error: reportArgumentType
c.swapaxes(0, 3)                                # error: reportArgumentType
a.squeeze(0)                                    # error: reportArgumentType
a.reshape([2, 6])                               # error: reportArgumentType
v[0, 1]                                         # error: reportArgumentType
a.sum()[0]                                      # error: reportArgumentType
a[x]                                            # error: reportArgumentType
float(a)                                        # error: reportArgumentType
int(v)                                          # error: reportArgumentType
a.shape[2]                                      # error: reportGeneralTypeIssues


def wrong_result(x: Float[Batch, Units], w: Float[Units, Hidden]) -> Float[Batch, Units]:
    """The annotation says something else than the body."""
    return x @ w                                # error: reportReturnType


def transposed(q: Float[Batch, Time, Units], k: Float[Batch, Time, Units]) -> Float[Batch, Time, Time]:
    """The second operand is not transposed."""
    return q @ k                                # error: reportOperatorIssue


def unknown_swallows_nothing(u: Array, x: Float[Batch, Units], w: Float[Units, Hidden]) -> None:
    """Beside an unknown shape, known ones are still compared."""
    (u + x) + (x + w)                           # error: reportOperatorIssue
    x @ x + u                                   # error: reportOperatorIssue


named: Float[Batch, Hidden] = w.T               # error: reportAssignmentType
literal: Float[Batch] = v                       # error: reportAssignmentType
