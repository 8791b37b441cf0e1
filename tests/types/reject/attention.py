"""Attention with one mistake a line, each of which people make."""
from __future__ import annotations

import math
from typing import NamedTuple

import lantern
import lantern.numpy as jnp
from lantern import nn
from lantern.typing import Bool, Dim, Float, Int


class Batch(Dim):
    """Texts."""


class Time(Dim):
    """Positions that ask."""


class Past(Dim):
    """Positions that are looked at."""


class Heads(Dim):
    """Attention heads."""


class Size(Dim):
    """Features of a head."""


class Width(Dim):
    """Features of a position."""


class Vocabulary(Dim):
    """Different symbols."""


class Weights(NamedTuple):
    """Projections."""

    query: Float[Width, Size]
    key: Float[Width, Size]
    value: Float[Width, Size]
    out: Float[Size, Width]


def scores_of(q: Float[Time, Size], k: Float[Past, Size]) -> Float[Time, Past]:
    """How well each position fits each question."""
    return q @ k.T / math.sqrt(8)


def attend(q: Float[Time, Size], k: Float[Past, Size], v: Float[Past, Size], mask: Bool[Time, Past]) -> Float[Time, Size]:
    """One head of one text."""
    scores = jnp.where(mask, scores_of(q, k), -1e9)
    return nn.softmax(scores) @ v


def mistakes(p: Weights, x: Float[Time, Width], past: Float[Past, Width], seen: Bool[Past], mask: Bool[Time, Past]) -> None:
    """In one head of one text."""
    q, k, v = x @ p.query, past @ p.key, past @ p.value
    scores = scores_of(q, k)
    q @ k                                                           # error: reportOperatorIssue
    k @ q.T @ v                                                     # error: reportOperatorIssue
    scores_of(k, q)                                                 # error: reportArgumentType
    scores.T @ v                                                    # error: reportOperatorIssue
    nn.softmax(scores, axis=2)                                      # error: reportArgumentType
    nn.softmax(scores) @ q                                          # error: reportOperatorIssue
    nn.softmax(scores @ v) @ k                                      # error: reportOperatorIssue
    jnp.where(mask.T, scores, -1e9)                                 # error: reportArgumentType
    jnp.where(seen[:, None], scores, -1e9)                          # error: reportArgumentType
    jnp.where(x, scores, -1e9)                                      # error: reportArgumentType
    scores * seen                                                   # error: reportOperatorIssue
    scores + mask.T.astype(jnp.float32)                             # error: reportOperatorIssue
    scores / scores.sum(-1)                                         # error: reportOperatorIssue
    scores - scores.max(0)[:, None]                                 # error: reportOperatorIssue
    attend(q, k, v, seen)                                           # error: reportArgumentType
    attend(q, k, x, mask)                                           # error: reportArgumentType
    attend(q, k, v, mask.astype(jnp.int32))                         # error: reportArgumentType
    attend(q, v, mask)                                              # error: reportCallIssue
    attend(q, k, v, mask) @ p.query                                 # error: reportOperatorIssue
    x + attend(q, k, v, mask)                                       # error: reportOperatorIssue
    past + attend(q, k, v, mask) @ p.out                            # error: reportOperatorIssue


def many(q: Float[Batch, Heads, Time, Size], k: Float[Batch, Heads, Past, Size], v: Float[Batch, Heads, Past, Size],
         padding: Bool[Batch, Past], causal: Bool[Time, Past], text: Int[Batch, Time],
         table: Float[Vocabulary, Width], slope: Float[Heads]) -> None:
    """Batches of texts with several heads: first what is right, then what is nearly right."""
    scores = q @ k.mT
    shown = jnp.where(padding[:, None, None, :], scores, -1e9)
    right: Float[Batch, Heads, Time, Past] = jnp.where(causal, shown, -1e9) + slope[:, None, None]
    q @ k.T                                                         # error: reportOperatorIssue
    q @ jnp.swapaxes(k, 1, 2)                                       # error: reportOperatorIssue
    scores + slope                                                  # error: reportOperatorIssue
    scores + slope[:, None]                                         # error: reportOperatorIssue
    jnp.where(padding, scores, -1e9)                                # error: reportArgumentType
    jnp.where(padding[:, None, :], scores, -1e9)                    # error: reportArgumentType
    jnp.where(causal.T, scores, -1e9)                               # error: reportArgumentType
    scores_of(q, k)                                                 # error: reportArgumentType
    lantern.vmap(scores_of)(q, k)                                   # error: reportArgumentType
    lantern.vmap(scores_of)(q[0], k[0, 0])                          # error: reportArgumentType
    lantern.vmap(lantern.vmap(scores_of))(q, k.mT)                  # error: reportArgumentType
    table[right]                                                    # error: reportArgumentType
    table[text] + table                                             # error: reportOperatorIssue
    table[text] @ table                                             # error: reportOperatorIssue
    merged: Float[Batch, Time, Heads, Size] = q                     # error: reportAssignmentType
