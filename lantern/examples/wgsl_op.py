"""An operation of one's own in WGSL, with its gradient in WGSL, inside a network that is trained.

    python -m lantern.examples.wgsl_op [--device cpu|gpu] [--seed N] [--quick]

Networks extrapolate waves badly, unless their activation is periodic: snake(x) = x + sin(a x)^2 / a, where each unit
learns its own a (Ziyin, Hartwig, Ueda, 2020). The value is one kernel, the gradient is another with two results. Both
have NumPy references, which run on the CPU and judge the GPU. The same training with lantern's own functions must give
the same network.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import random
from lantern.devices import current_device
from lantern.errors import ShapeError
from lantern.examples import adam
from lantern.examples.command import check, command
from lantern.extend import ShapedArray, check_kernel, wgsl_kernel
from lantern.typing import Array

HIDDEN, POINTS = 32, 96
RATE = 0.01

Values = np.ndarray[Any, Any]
Activation = Callable[[Array, Array], Array]


def slopes_shape(x: ShapedArray, a: ShapedArray, ct: ShapedArray) -> tuple[ShapedArray, ShapedArray]:
    """Two results like x; a holds one number for each element of x's last axis."""
    return snake_shape(x, a), snake_shape(x, a)


def snake_shape(x: ShapedArray, a: ShapedArray) -> ShapedArray:
    """One result like x. Raises ShapeError where a does not fit."""
    if a.shape != x.shape[-1:]:
        raise ShapeError(f"snake: a must have the shape {x.shape[-1:]}, got {a} for {x}")
    return x


def snake_reference(x: Values, a: Values) -> Values:
    """What the kernel means."""
    return x + np.sin(a * x) ** 2 / a


def slopes_reference(x: Values, a: Values, ct: Values) -> tuple[Values, Values]:
    """The cotangents of x and, for each element, of its a."""
    s, c = np.sin(a * x), np.cos(a * x)
    return ct * (1 + 2 * s * c), ct * (2 * s * c * x / a - s * s / (a * a))


snake_slopes = wgsl_kernel(
    "snake_slopes", """
        let k = a[i % a_size];
        let s = sin_f32(k * x[i]);
        let c = cos_f32(k * x[i]);
        by_x[i] = ct[i] * (1.0 + 2.0 * s * c);
        by_a[i] = ct[i] * (2.0 * s * c * x[i] / k - s * s / (k * k));
    """,
    shape=slopes_shape, reference=slopes_reference, outputs=("by_x", "by_a"))


def snake_backward(primals: tuple[Array, Array], out: Array, ct: Array) -> tuple[Array, Array]:
    """The gradient by the second kernel; a is shared by all rows of x."""
    x, a = primals
    by_x, by_a = snake_slopes(x, a, ct)
    return by_x, by_a.reshape(-1, a.shape[0]).sum(0)


snake = wgsl_kernel(
    "snake", """
        let k = a[i % a_size];
        let s = sin_f32(k * x[i]);
        out[i] = x[i] + s * s / k;
    """,
    shape=snake_shape, reference=snake_reference, vjp=snake_backward)


def plain_snake(x: Array, a: Array) -> Array:
    """The same with lantern's functions."""
    return x + jnp.sin(a * x) ** 2 / a


class Params(NamedTuple):
    """Two hidden layers, each with the frequencies of its units."""

    w1: Array
    b1: Array
    a1: Array
    w2: Array
    b2: Array
    a2: Array
    w3: Array
    b3: Array


class Result(NamedTuple):
    """Losses with the kernel and without, and the error of the fit."""

    losses: list[float]
    plain_losses: list[float]
    error: float


def initial_params(key: Array) -> Params:
    """Random weights; all units start with the same frequency."""
    k1, k2, k3 = random.split(key, 3)
    n = HIDDEN
    return Params(random.normal(k1, (1, n)), jnp.zeros(n), jnp.full(n, 2.0),
                  random.normal(k2, (n, n)) / math.sqrt(n), jnp.zeros(n), jnp.full(n, 1.0),
                  random.normal(k3, (n, 1)) / math.sqrt(n), jnp.zeros(1))


def predict(activation: Activation, params: Params, x: Array) -> Array:
    """The network at one number."""
    p = params
    hidden = activation(x[None] @ p.w1 + p.b1, p.a1)
    hidden = activation(hidden @ p.w2 + p.b2, p.a2)
    return (hidden @ p.w3 + p.b3)[0]


def data() -> tuple[Array, Array]:
    """A wave on a slope."""
    x = jnp.linspace(-3.0, 3.0, POINTS)
    return x, jnp.sin(3 * x) + 0.3 * x


def loss(activation: Activation, params: Params, x: Array, y: Array) -> Array:
    """The mean squared error; `vmap` hands all points to the kernel in one launch."""
    def at(params: Params, x: Array) -> Array:
        return predict(activation, params, x)

    guesses = lantern.vmap(at, in_axes=(None, 0))(params, x)
    return ((guesses - y) ** 2).mean()


def update(activation: Activation, state: adam.State[Params], x: Array, y: Array) -> tuple[adam.State[Params], Array]:
    """One step of Adam: (next state, loss before it)."""
    def of_params(params: Params) -> Array:
        return loss(activation, params, x, y)

    value, slope = lantern.value_and_grad(of_params)(state.params)
    return adam.move(state, slope, RATE), value


def train(activation: Activation, steps: int, seed: int) -> tuple[Params, list[float]]:
    """(the trained network, the loss of each step)."""
    params = initial_params(random.key(seed))
    state, losses = adam.start(params), list[Array]()
    x, y = data()
    step = lantern.jit(partial(update, activation))
    for k in range(steps):
        state, value = step(state, x, y)
        losses.append(value)
        if (k + 1) % (steps // 4) == 0:
            print(f"step {k + 1:5}/{steps}  loss {float(value):.5f}")
    return state.params, [float(v) for v in np.asarray(jnp.stack(losses))]


def run(quick: bool = False, seed: int = 0) -> Result:
    """Check the kernels against their references, then train with them and without."""
    steps = 120 if quick else 1000
    rng = np.random.default_rng(seed)
    x, a = rng.normal(size=(3, 5)).astype(np.float32), rng.uniform(0.5, 2, 5).astype(np.float32)
    for op, operands in ((snake, (x, a)), (snake_slopes, (x, a, x + 1))):
        report = check_kernel(op, *operands, devices=[current_device()])
        check(f"{report.name} against its reference in {len(report.lines)} ways", report.largest_error, at_most=1e-5)
    print("with the kernel")
    params, losses = train(snake, steps, seed)
    print("with lantern's own functions")
    _, plain_losses = train(plain_snake, steps, seed)
    first = max([abs(p - q) / q for p, q in zip(losses[:20], plain_losses[:20], strict=True)])
    check("losses of the first 20 steps, with and without the kernel", first, at_most=1e-2)
    x, y = data()
    error = math.sqrt(float(loss(snake, params, x, y)))
    check("error of the fit", error, at_most=0.1)
    return Result(losses, plain_losses, error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; the exit status."""
    return command("wgsl_op", __doc__, run, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
