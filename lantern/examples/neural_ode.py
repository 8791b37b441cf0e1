"""A neural network learns how a point moves: a differential equation with the adjoint method as its gradient.

    python -m lantern.examples.neural_ode [--device cpu|gpu] [--seed N] [--quick]

The velocity is a small network (Chen et al., "Neural ordinary differential equations", 2018). A scan integrates it.
`custom_vjp` gives that scan the adjoint method as its derivative: a second equation, integrated backwards in time, so
no step has to be remembered. That gradient is checked against plain `grad` through the scan; then the network learns.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import lax, random, tree
from lantern.examples import adam
from lantern.examples.command import check, command
from lantern.typing import Array

HIDDEN = 32
INTERVAL = 0.2          # seconds between two observations
STEPS = 4               # of the integrator in that time
OBSERVATIONS = 48
RATE = 0.02


class Params(NamedTuple):
    """Two layers."""

    w1: Array
    b1: Array
    w2: Array
    b2: Array


class Result(NamedTuple):
    """How far the adjoint gradient is from the plain one, the losses, the learnt path and how far it is off."""

    difference: float
    losses: list[float]
    path: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    error: float


def initial_params(key: Array) -> Params:
    """Random weights."""
    k1, k2 = random.split(key)
    return Params(random.normal(k1, (2, HIDDEN)), jnp.zeros(HIDDEN),
                  random.normal(k2, (HIDDEN, 2)) / math.sqrt(HIDDEN), jnp.zeros(2))


def velocity(params: Params, y: Array) -> Array:
    """The network."""
    return jnp.tanh(y @ params.w1 + params.b1) @ params.w2 + params.b2


def spiral(y: Array) -> Array:
    """What there is to learn: a slow way inwards."""
    return y @ jnp.array([[-0.1, -1.5], [1.5, -0.1]])


def runge_kutta(f: Callable[[Any], Any], y: Any, step: float) -> Any:
    """One step of order 4 for a tree of arrays."""
    def moved(slope: Any, by: float) -> Any:
        def each(a: Array, s: Array) -> Array:
            return a + by * s

        return tree.map(each, y, slope)

    def joined(a: Array, p: Array, q: Array, r: Array, s: Array) -> Array:
        return a + step / 6 * (p + 2 * q + 2 * r + s)

    k1 = f(y)
    k2 = f(moved(k1, step / 2))
    k3 = f(moved(k2, step / 2))
    k4 = f(moved(k3, step))
    return tree.map(joined, y, k1, k2, k3, k4)


def integrate(f: Callable[[Any], Any], y: Any, time: float) -> Any:
    """Where y is after a time; backwards if that is negative."""
    def step(y: Any, _: None) -> tuple[Any, None]:
        return runge_kutta(f, y, time / STEPS), None

    return lax.scan(step, y, None, length=STEPS)[0]


def plain_flow(params: Params, y: Array) -> Array:
    """Where y is after one interval; differentiated step by step."""
    return integrate(lambda y: velocity(params, y), y, INTERVAL)


@lantern.custom_vjp
def flow(params: Params, y: Array) -> Array:
    """The same with the adjoint method as its derivative."""
    return plain_flow(params, y)


def flow_forward(params: Params, y: Array) -> tuple[Array, tuple[Params, Array]]:
    """The value, and what the derivative needs: the end of the path is enough."""
    end = flow(params, y)
    return end, (params, end)


def flow_backward(saved: tuple[Params, Array], ct: Array) -> tuple[Params, Array]:
    """Path, adjoint and parameters' gradient, integrated from the end to the start."""
    params, end = saved

    def rates(state: tuple[Array, Array, Params]) -> tuple[Array, Array, Params]:
        y, adjoint, _ = state
        slope, pull = lantern.vjp(velocity, params, y)
        by_params, by_y = pull(adjoint)
        return slope, -by_y, Params(*[-g for g in by_params])

    zeros = tree.map(jnp.zeros_like, params)
    _, adjoint, gradient = integrate(rates, (end, ct, zeros), -INTERVAL)
    return gradient, adjoint


flow.defvjp(flow_forward, flow_backward)


def loss(params: Params, path: Array, flow: Callable[[Params, Array], Array] = flow) -> Array:
    """From each observation to the next: the mean squared error."""
    guesses = lantern.vmap(flow, in_axes=(None, 0))(params, path[:-1])
    return ((guesses - path[1:]) ** 2).mean() / INTERVAL ** 2


@lantern.jit
def update(state: adam.State[Params], path: Array) -> tuple[adam.State[Params], Array]:
    """One step of Adam: (next state, loss before it)."""
    value, slope = lantern.value_and_grad(loss)(state.params, path)
    return adam.move(state, slope, RATE), value


def observe() -> Array:
    """The true path, seen at each interval."""
    def step(y: Array, _: None) -> tuple[Array, Array]:
        return integrate(spiral, y, INTERVAL), y

    return lax.scan(step, jnp.array([2.0, 0.0]), None, length=OBSERVATIONS)[1]


def predict(params: Params, start: Array) -> Array:
    """The path that the network draws from the start alone."""
    def step(y: Array, _: None) -> tuple[Array, Array]:
        return plain_flow(params, y), y

    return lax.scan(step, start, None, length=OBSERVATIONS)[1]


def difference(params: Params, path: Array) -> float:
    """The largest difference between the two gradients, in units of the largest number."""
    def plain_loss(params: Params, path: Array) -> Array:
        return loss(params, path, plain_flow)

    by_adjoint = lantern.jit(lantern.grad(loss))(params, path)
    by_steps = lantern.jit(lantern.grad(plain_loss))(params, path)
    most = max([float(jnp.abs(g).max()) for g in by_steps])
    return max([float(jnp.abs(a - b).max()) for a, b in zip(by_adjoint, by_steps, strict=True)]) / most


def run(quick: bool = False, seed: int = 0) -> Result:
    """Compare the gradients, train, then draw the path from its start alone."""
    steps = 150 if quick else 1000
    path = lantern.jit(observe)()
    params = initial_params(random.key(seed))
    apart = difference(params, path)
    check("adjoint gradient against plain grad", apart, at_most=1e-3)
    state, losses = adam.start(params), list[Array]()
    for k in range(steps):
        state, value = update(state, path)
        losses.append(value)
        if (k + 1) % (steps // 5) == 0:
            print(f"step {k + 1:5}/{steps}  loss {float(value):.5f}")
    drawn = lantern.jit(predict)(state.params, path[0])
    error = float(jnp.sqrt(((drawn - path) ** 2).sum(-1)).mean())
    check("mean distance from the true path, drawn from its start", error, at_most=0.4 if quick else 0.1)
    return Result(apart, [float(x) for x in np.asarray(jnp.stack(losses))], np.asarray(drawn), error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; the exit status."""
    return command("neural_ode", __doc__, run, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
