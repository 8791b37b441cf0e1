"""Loops and branches whose types do not fit: each marked line must be reported."""
from __future__ import annotations

import lantern.numpy as jnp
from lantern import lax
from lantern.typing import Dim, Float


class Time(Dim):
    """Steps."""


class Units(Dim):
    """Of a layer."""


class Others(Dim):
    """Of another layer."""


xs, h, other = jnp.ones((Time(8), Units(6))), jnp.ones((Units(6),)), jnp.ones((Others(7),))


def step(h: Float[Units], x: Float[Units]) -> tuple[Float[Units], Float[()]]:
    """A recurrent layer."""
    return h + x, h.sum()


def drifting(h: Float[Units], x: Float[Units]) -> tuple[Float[Others], None]:
    """The carry becomes another."""
    return other, None


def single(h: Float[Units], x: Float[Units]) -> Float[Units]:
    """No pair."""
    return h + x


def double(h: Float[Units]) -> Float[Units]:
    """A body."""
    return h * 2.0


def drop(h: Float[Units]) -> Float[Others]:
    """Another size."""
    return other


lax.scan(step, other, xs)                                           # error: reportArgumentType
lax.scan(step, h, other)                                            # error: reportArgumentType
lax.scan(drifting, h, xs)                                           # error: reportArgumentType
lax.scan(single, h, xs)                                             # error: reportArgumentType
wrong: tuple[Float[Units], Float[Units]] = lax.scan(step, h, xs)    # error: reportAssignmentType
lax.truncated_scan(step, h, xs)                                     # error: reportCallIssue
lax.while_loop(double, drop, h)                                     # error: reportArgumentType
lax.fori_loop(0, 3, lambda i, h: other, h)                          # error: reportArgumentType
lax.cond(True, double, double, other)                               # error: reportArgumentType
lax.map(double, h)                                                  # error: reportArgumentType
