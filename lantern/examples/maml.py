"""Learning to learn: a network that knows a new sine wave after one step of gradient descent on ten points.

    python -m lantern.examples.maml [--device cpu|gpu] [--seed N] [--quick]

Model-agnostic meta-learning (Finn, Abbeel, Levine, 2017): the loss of a task is measured after a step of gradient
descent on it, and that loss is differentiated through the step, by `grad` of a function that calls `grad`. `vmap` runs
all tasks of a batch, `jit` makes one program of it. The gradient of the gradient is checked against differences.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import random, tree
from lantern.examples import adam
from lantern.examples.command import check, command
from lantern.typing import Array

TASKS, POINTS, HIDDEN = 16, 10, 40
INNER_RATE, RATE = 0.03, 2e-3        # of the step on a task, and of learning to learn


class Params(NamedTuple):
    """Three layers."""

    w1: Array
    b1: Array
    w2: Array
    b2: Array
    w3: Array
    b3: Array


class Task(NamedTuple):
    """Points of one sine wave to learn from, and others to be judged by."""

    x: Array
    y: Array
    test_x: Array
    test_y: Array


class Result(NamedTuple):
    """Losses of the outer descent; the loss on new tasks without and with a step of learning."""

    losses: list[float]
    before: float
    after: float


def initial_params(key: Array) -> Params:
    """Random weights (He et al., 2015)."""
    k1, k2, k3 = random.split(key, 3)
    return Params(random.normal(k1, (1, HIDDEN)) * math.sqrt(2), jnp.zeros(HIDDEN),
                  random.normal(k2, (HIDDEN, HIDDEN)) * math.sqrt(2 / HIDDEN), jnp.zeros(HIDDEN),
                  random.normal(k3, (HIDDEN, 1)) * math.sqrt(1 / HIDDEN), jnp.zeros(1))


def predict(params: Params, x: Array) -> Array:
    """The network at points x."""
    hidden = jnp.tanh(x[:, None] @ params.w1 + params.b1)
    hidden = jnp.tanh(hidden @ params.w2 + params.b2)
    return (hidden @ params.w3 + params.b3)[:, 0]


def loss(params: Params, x: Array, y: Array) -> Array:
    """The mean squared error."""
    return ((predict(params, x) - y) ** 2).mean()


def adapted(params: Params, task: Task) -> Params:
    """The parameters after one step on the task's points."""
    slope = lantern.grad(loss)(params, task.x, task.y)
    return tree.map(stepped, params, slope)


def stepped(parameter: Array, gradient: Array) -> Array:
    """One step of gradient descent."""
    return parameter - INNER_RATE * gradient


def task_loss(params: Params, task: Task) -> Array:
    """How well the adapted network does on the task's other points."""
    return loss(adapted(params, task), task.test_x, task.test_y)


def meta_loss(params: Params, tasks: Task) -> Array:
    """The mean over tasks."""
    return lantern.vmap(task_loss, in_axes=(None, 0))(params, tasks).mean()


def draw_tasks(key: Array) -> Task:
    """Waves of random height and phase."""
    height_key, phase_key, x_key = random.split(key, 3)
    height = random.uniform(height_key, (TASKS, 1), minval=0.5, maxval=2.0)
    phase = random.uniform(phase_key, (TASKS, 1), minval=0.0, maxval=math.pi)
    x = random.uniform(x_key, (TASKS, 2 * POINTS), minval=-3.0, maxval=3.0)
    y = height * jnp.sin(x - phase)
    return Task(x[:, :POINTS], y[:, :POINTS], x[:, POINTS:], y[:, POINTS:])


@lantern.jit
def update(state: adam.State[Params], key: Array) -> tuple[adam.State[Params], Array]:
    """One step of Adam on tasks drawn with the key: (next state, loss before it)."""
    value, slope = lantern.value_and_grad(meta_loss)(state.params, draw_tasks(key))
    return adam.move(state, slope, RATE), value


def error_of_gradient(params: Params, tasks: Task, key: Array) -> float:
    """How far the derivative along a random direction is from a difference."""
    keys = random.split(key, len(params))
    direction = Params(*[random.normal(k, p.shape) for k, p in zip(keys, params, strict=True)])
    slope = lantern.grad(meta_loss)(params, tasks)
    along = float(sum([(g * d).sum() for g, d in zip(slope, direction, strict=True)], jnp.array(0.0)))
    tiny = 1e-3
    there, here = [float(meta_loss(Params(*[p + s * tiny * d for p, d in zip(params, direction, strict=True)]), tasks))
                   for s in (1, -1)]
    return abs(along - (there - here) / (2 * tiny)) / abs(along)


def run(quick: bool = False, seed: int = 0) -> Result:
    """Learn to learn, then judge by tasks that were never seen."""
    steps = 200 if quick else 4000
    params_key, task_key, new_key = random.split(random.key(seed), 3)
    params = initial_params(params_key)
    check("gradient of the gradient against a difference",
          error_of_gradient(params, draw_tasks(new_key), task_key), at_most=2e-2)
    state, losses = adam.start(params), list[Array]()
    for k in range(steps):
        state, value = update(state, random.fold_in(task_key, k))
        losses.append(value)
        if (k + 1) % (steps // 5) == 0:
            print(f"step {k + 1:5}/{steps}  loss after one inner step {float(value):.4f}")
    new = draw_tasks(new_key)
    before = float(lantern.vmap(loss, in_axes=(None, 0, 0))(state.params, new.test_x, new.test_y).mean())
    after = float(meta_loss(state.params, new))
    print(f"new tasks  loss {before:.4f} before, {after:.4f} after one step on {POINTS} points")
    check("loss after the step against the loss before", after / before, at_most=0.7)
    numbers = np.asarray(jnp.stack(losses))
    return Result([float(x) for x in numbers], before, after)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; the exit status."""
    return command("maml", __doc__, run, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
