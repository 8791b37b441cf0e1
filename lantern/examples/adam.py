"""Adam, the optimizer of several examples (Kingma, Ba, "Adam: a method for stochastic optimization", 2015)."""
from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import lantern.numpy as jnp
from lantern import tree
from lantern.typing import Array

Params = TypeVar("Params")
SLOW, SLOWER = 0.9, 0.99        # how much the averages keep at each step


class State(NamedTuple, Generic[Params]):
    """What a step turns into the next: the parameters, averages of gradients and of their squares, steps so far."""

    params: Params
    mean: Params
    square: Params
    step: Array


def start(params: Params) -> State[Params]:
    """Before the first step."""
    zeros = tree.map(jnp.zeros_like, params)
    return State(params, zeros, zeros, jnp.array(0.0))


def move(state: State[Params], slope: Params, rate: float) -> State[Params]:
    """One step against the gradient `slope`."""
    step = state.step + 1
    rate_now = rate * jnp.sqrt(1 - SLOWER ** step) / (1 - SLOW ** step)

    def moved(parameter: Array, mean: Array, square: Array) -> Array:
        return parameter - rate_now * mean / (jnp.sqrt(square) + 1e-8)

    mean = tree.map(_slow, state.mean, slope)
    square = tree.map(_slower, state.square, slope)
    return State(tree.map(moved, state.params, mean, square), mean, square, step)


def _slow(mean: Array, gradient: Array) -> Array:
    return SLOW * mean + (1 - SLOW) * gradient


def _slower(square: Array, gradient: Array) -> Array:
    return SLOWER * square + (1 - SLOWER) * gradient * gradient
