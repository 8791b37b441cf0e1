"""A classifier and its training with one mistake a line."""
from __future__ import annotations

from typing import NamedTuple

import lantern
import lantern.numpy as jnp
from lantern import lax, nn, random, tree
from lantern.typing import Dim, Float, Int, Key


class Batch(Dim):
    """Images at a time."""


class Steps(Dim):
    """Batches of an epoch."""


class Pixels(Dim):
    """What goes in."""


class Hidden(Dim):
    """Units in between."""


class Classes(Dim):
    """Digits."""

    size = 10


class Params(NamedTuple):
    """Two layers."""

    up: Float[Pixels, Hidden]
    up_bias: Float[Hidden]
    down: Float[Hidden, Classes]
    down_bias: Float[Classes]


def logits(p: Params, x: Float[Pixels]) -> Float[Classes]:
    """Of one image."""
    return nn.relu(x @ p.up + p.up_bias) @ p.down + p.down_bias


def cross_entropy(scores: Float[Batch, Classes], labels: Int[Batch]) -> Float[()]:
    """The mean over the images."""
    return -(nn.log_softmax(scores) * nn.one_hot(labels, Classes())).sum(-1).mean()


def loss(p: Params, x: Float[Batch, Pixels], labels: Int[Batch]) -> Float[()]:
    """Of a batch."""
    return cross_entropy(lantern.vmap(logits, in_axes=(None, 0))(p, x), labels)


def losses(p: Params, x: Float[Batch, Pixels], labels: Int[Batch]) -> Float[Batch]:
    """One for each image."""
    scores = lantern.vmap(logits, in_axes=(None, 0))(p, x)
    return -(nn.log_softmax(scores) * nn.one_hot(labels, Classes())).sum(-1)


@lantern.jit
def train_step(p: Params, x: Float[Batch, Pixels], labels: Int[Batch]) -> tuple[Params, Float[()]]:
    """Gradient descent."""
    value, slope = lantern.value_and_grad(loss)(p, x, labels)
    return tree.map(lambda w, g: w - 0.1 * g, p, slope), value


def mistakes(p: Params, x: Float[Batch, Pixels], labels: Int[Batch], key: Key[()]) -> None:
    """In the layers."""
    hidden = nn.relu(x @ p.up + p.up_bias)
    scores = hidden @ p.down + p.down_bias
    x @ p.up.T                                                      # error: reportOperatorIssue
    p.up @ x                                                        # error: reportOperatorIssue
    x @ p.down                                                      # error: reportOperatorIssue
    x @ p.up + p.down_bias                                          # error: reportOperatorIssue
    hidden @ p.down + p.up_bias                                     # error: reportOperatorIssue
    hidden @ p.down + labels                                        # error: reportOperatorIssue
    logits(p, x)                                                    # error: reportArgumentType
    logits(x[0], p)                                                 # error: reportArgumentType
    x - x.mean(1)                                                   # error: reportOperatorIssue
    x / x.std(-1)                                                   # error: reportOperatorIssue
    (x - x.mean(0)) / x.std(0, keepdims=True).T                     # error: reportOperatorIssue
    hidden * random.bernoulli(key, 0.9, (Batch(8), Classes()))      # error: reportOperatorIssue
    hidden * random.bernoulli(key, 0.9, (Hidden(16),))              # error: reportOperatorIssue
    Params(p.up, p.down_bias, p.down, p.up_bias)                    # error: reportArgumentType
    Params(p.up.T, p.up_bias, p.down, p.down_bias)                  # error: reportArgumentType
    Params(p.up, p.up_bias, p.down)                                 # error: reportCallIssue

    # the loss
    cross_entropy(scores.argmax(-1), labels)                        # error: reportArgumentType
    cross_entropy(scores, scores.argmax(0))                         # error: reportArgumentType
    cross_entropy(scores, nn.one_hot(labels, Classes()))            # error: reportArgumentType
    cross_entropy(scores, labels.astype(jnp.float32))               # error: reportArgumentType
    cross_entropy(hidden, labels)                                   # error: reportArgumentType
    cross_entropy(scores.T, labels)                                 # error: reportArgumentType
    cross_entropy(labels, scores)                                   # error: reportArgumentType
    nn.one_hot(scores, Classes())                                   # error: reportArgumentType
    nn.log_softmax(scores) * labels                                 # error: reportOperatorIssue
    nn.log_softmax(scores) * labels.astype(jnp.float32)             # error: reportOperatorIssue
    nn.log_softmax(scores, axis=2)                                  # error: reportArgumentType
    nn.log_softmax(scores)[labels, scores]                          # error: reportArgumentType
    (scores.argmax(0) == labels).mean()                             # error: reportOperatorIssue
    (nn.softmax(scores) == labels).mean()                           # error: reportOperatorIssue
    scores - nn.logsumexp(scores, axis=-1)                          # error: reportOperatorIssue

    # gradients and steps
    lantern.grad(losses)                                            # error: reportArgumentType
    lantern.value_and_grad(logits)                                  # error: reportArgumentType
    lantern.grad(loss)(x, p, labels)                                # error: reportArgumentType
    lantern.grad(loss)(p, x)                                        # error: reportCallIssue
    value, slope = lantern.value_and_grad(loss)(p, x, labels)
    p.up - 0.1 * slope.down                                         # error: reportOperatorIssue
    p.up - value.up                                                 # error: reportAttributeAccessIssue
    p.up - 0.1 * slope                                              # error: reportOperatorIssue
    slope.up_bias + value.mean(0)                                   # error: reportArgumentType
    train_step(p, labels, x)                                        # error: reportArgumentType
    train_step(p, x.T, labels)                                      # error: reportArgumentType
    p, x = train_step(p, x, labels)                                 # error: reportAssignmentType
    train_step(p, x, labels).up                                     # error: reportAttributeAccessIssue
    train_step(p, x, labels, 0.1)                                   # error: reportCallIssue
    norm: Float[Hidden] = slope.up_bias @ slope.up_bias             # error: reportAssignmentType


def epoch(p: Params, images: Float[Steps, Batch, Pixels], labels: Int[Steps, Batch]) -> None:
    """A scan over batches."""
    def step(p: Params, x: Float[Batch, Pixels]) -> tuple[Params, Float[()]]:
        p, value = train_step(p, x, x.argmax(-1))
        return p, value

    def swapped(p: Params, x: Float[Batch, Pixels]) -> tuple[Float[()], Params]:
        p, value = train_step(p, x, x.argmax(-1))
        return value, p

    last, curve = lax.scan(step, p, images)
    lax.scan(step, p, labels)                                       # error: reportArgumentType
    lax.scan(step, p, images[0])                                    # error: reportArgumentType
    lax.scan(swapped, p, images)                                    # error: reportArgumentType
    lax.scan(step, images, p)                                       # error: reportArgumentType
    lax.scan(train_step, p, images)                                 # error: reportArgumentType
    curve[:, None] @ curve[:, None]                                 # error: reportOperatorIssue
    best: Int[Steps] = curve.argmin()                               # error: reportAssignmentType
    last.up + curve                                                 # error: reportOperatorIssue


def keys(key: Key[()], x: Float[Batch, Pixels]) -> None:
    """Random numbers."""
    first, second = random.split(key)
    key + 1                                                         # error: reportOperatorIssue
    key * x                                                         # error: reportOperatorIssue
    x + first                                                       # error: reportOperatorIssue
    random.normal(x.shape, key)                                     # error: reportArgumentType
    random.normal(42, (3,))                                         # error: reportArgumentType
    random.normal(random.split(key), (3,))                          # error: reportArgumentType
    x + random.normal(second, (Pixels(64), Batch(8)))               # error: reportOperatorIssue
    lantern.vmap(random.normal)(key)                                # error: reportArgumentType
