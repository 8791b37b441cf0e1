"""Recurrent nets, filters and samplers in time with one mistake a line."""
from __future__ import annotations

from typing import NamedTuple

import lantern
import lantern.numpy as jnp
from lantern import lax, nn
from lantern.typing import Bool, Dim, Float, Int


class Batch(Dim):
    """Sequences."""


class Time(Dim):
    """Steps."""


class Inputs(Dim):
    """Features of a step."""


class Units(Dim):
    """Of the state."""


class Gates(Dim):
    """Four for each unit."""


class State(NamedTuple):
    """What an LSTM remembers."""

    hidden: Float[Units]
    cell: Float[Units]


class Cell(NamedTuple):
    """An LSTM's weights."""

    from_input: Float[Inputs, Units]
    from_hidden: Float[Units, Units]
    bias: Float[Units]


def gate(p: Cell, s: State, x: Float[Inputs]) -> Float[Units]:
    """One of the four."""
    return nn.sigmoid(x @ p.from_input + s.hidden @ p.from_hidden + p.bias)


def lstm(p: Cell, s: State, x: Float[Inputs]) -> tuple[State, Float[Units]]:
    """One step."""
    forget, keep, out = gate(p, s, x), gate(p, s, x), gate(p, s, x)
    cell = forget * s.cell + keep * jnp.tanh(gate(p, s, x))
    hidden = out * jnp.tanh(cell)
    return State(hidden, cell), hidden


def mistakes(p: Cell, s: State, xs: Float[Time, Inputs], batch: Float[Batch, Time, Inputs], length: Int[Batch]) -> None:
    """In the cell and in its scan."""
    def step(s: State, x: Float[Inputs]) -> tuple[State, Float[Units]]:
        return lstm(p, s, x)

    def no_output(s: State, x: Float[Inputs]) -> State:
        return lstm(p, s, x)[0]

    def half(s: State, x: Float[Inputs]) -> tuple[Float[Units], Float[Units]]:
        return lstm(p, s, x)[0].hidden, x @ p.from_input

    def grows(h: Float[Units], x: Float[Inputs]) -> tuple[Float[Units, Inputs], None]:
        return jnp.outer(h, x), None

    def halves(n: Int[()], x: Float[Inputs]) -> tuple[Float[()], None]:
        return x.sum() * 0.5, None

    x, h = xs[0], s.hidden
    p.from_input @ x                                                # error: reportOperatorIssue
    h @ p.from_input                                                # error: reportOperatorIssue
    x @ p.from_input + x @ p.from_hidden                            # error: reportOperatorIssue
    x @ p.from_input + h @ p.from_hidden + x                        # error: reportOperatorIssue
    lstm(p, h, x)                                                   # error: reportArgumentType
    lstm(p, s, xs)                                                  # error: reportArgumentType
    lstm(p, x, s)                                                   # error: reportArgumentType
    State(h, x)                                                     # error: reportArgumentType
    State(h)                                                        # error: reportCallIssue
    final, outputs = lax.scan(step, s, xs)
    lax.scan(step, h, xs)                                           # error: reportArgumentType
    lax.scan(step, s, xs.T)                                         # error: reportArgumentType
    lax.scan(step, s, batch)                                        # error: reportArgumentType
    lax.scan(no_output, s, xs)                                      # error: reportArgumentType
    lax.scan(half, s, xs)                                           # error: reportArgumentType
    lax.scan(grows, h, xs)                                          # error: reportArgumentType
    lax.scan(halves, jnp.zeros((), jnp.int32), xs)                  # error: reportArgumentType
    outputs @ final.hidden + xs                                     # error: reportOperatorIssue
    outputs @ final                                                 # error: reportOperatorIssue
    outputs[-1] + xs[-1]                                            # error: reportOperatorIssue
    last: Float[Units] = outputs[:, -1]                             # error: reportAssignmentType
    jnp.where(length > jnp.arange(Time(5)), 1.0, 0.0)               # error: reportOperatorIssue

    def whole(xs: Float[Time, Inputs]) -> Float[Time, Units]:
        return lax.scan(step, s, xs)[1]

    lantern.vmap(whole)(xs)                                         # error: reportArgumentType
    lantern.vmap(whole, in_axes=(0, 0))(batch)                      # error: reportCallIssue
    masked = lantern.vmap(whole)(batch)
    masked * (jnp.arange(Time(5)) < length[:, None])                # error: reportOperatorIssue
    jnp.where(jnp.arange(Time(5)) < length[:, None], masked, 0.0)   # error: reportArgumentType
    masked.mean(1) + batch.mean(1)                                  # error: reportOperatorIssue


def loops(h: Float[Units], w: Float[Units, Units], x: Float[Inputs]) -> None:
    """Conditions and bodies."""
    def settled(h: Float[Units]) -> Bool[()]:
        return (h < 1.0).all()

    def each(h: Float[Units]) -> Bool[Units]:
        return h < 1.0

    def once(h: Float[Units]) -> Float[Units]:
        return jnp.tanh(h @ w)

    def total(h: Float[Units]) -> Float[()]:
        return h.sum()

    lax.while_loop(settled, total, h)                               # error: reportArgumentType
    lax.while_loop(once, settled, h)                                # error: reportArgumentType
    lax.while_loop(settled, once, x)                                # error: reportArgumentType
    lax.fori_loop(0, 5, once, h)                                    # error: reportArgumentType
    lax.cond(settled(h), once, total, h)                            # error: reportArgumentType
    lax.cond(settled(h), once, once, x)                             # error: reportArgumentType
    lax.switch(jnp.array(0), [once, settled], h)                    # error: reportArgumentType
    lax.map(once, h)                                                # error: reportArgumentType
    lax.cond(settled(h), once, once)                                # error: reportArgumentType
    result: Float[()] = lax.while_loop(settled, once, h)            # error: reportAssignmentType
    each(h) + each                                                  # error: reportOperatorIssue
