"""A Kalman filter in logarithmic depth: the same estimates by an associative scan as step by step.

    python -m lantern.examples.kalman [--device cpu|gpu] [--seed N] [--quick]

A point moves along a line with a nearly constant speed; only its position is seen, with noise. The filter's steps are
written as elements that can be joined in any grouping (Särkkä and García-Fernández, "Temporal parallelization of
Bayesian smoothers", 2021), so that a parallel scan joins all of them at once. Both filters must agree, and so must the
gradients of the likelihood by the noise that they assume.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import lax, random
from lantern.examples.command import check, command
from lantern.typing import Array

STEP = 0.1              # seconds between two measurements
JERK = 0.5              # how strongly the speed changes by chance
NOISE = 0.3             # of a measurement, in metres
UNKNOWN = 10.0          # the variance of what is known before the first measurement

Values = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


class Gaussian(NamedTuple):
    """What is known of (position, speed): mean and covariance; of all times at once with an axis in front."""

    mean: Array
    covariance: Array


class Element(NamedTuple):
    """A stretch of time: how it maps what is known before it (a, b, c), and what its measurements say of that (eta, j).
    """

    a: Array
    b: Array
    c: Array
    eta: Array
    j: Array


class Result(NamedTuple):
    """Estimates of the positions by both filters, their likelihoods' gradients, and the errors in metres."""

    parallel: Values
    sequential: Values
    gradients: tuple[float, float]
    error: float
    measured: float


def model() -> tuple[Array, Array]:
    """How the state moves in one step, and the covariance of what chance adds."""
    move = jnp.array([[1.0, STEP], [0.0, 1.0]])
    chance = JERK ** 2 * jnp.array([[STEP ** 3 / 3, STEP ** 2 / 2], [STEP ** 2 / 2, STEP]])
    return move, chance


def inverse(m: Array) -> Array:
    """Of a 2x2 matrix."""
    a, b, c, d = m[0, 0], m[0, 1], m[1, 0], m[1, 1]
    return jnp.stack([jnp.stack([d, -b]), jnp.stack([-c, a])]) / (a * d - b * c)


def outer(x: Array, y: Array) -> Array:
    """All products."""
    return x[:, None] * y[None, :]


def first_step(y: Array, noise: Array) -> tuple[Array, Array]:
    """(mean, covariance) after the first measurement."""
    gain = jnp.array([UNKNOWN, 0.0]) / (UNKNOWN + noise ** 2)
    return gain * y, UNKNOWN * jnp.eye(2) - outer(gain, gain) * (UNKNOWN + noise ** 2)


def sequential(ys: Array, noise: Array) -> Gaussian:
    """The textbook's filter: predict, then correct, one measurement after the other."""
    move, chance = model()

    def step(known: Gaussian, y: Array) -> tuple[Gaussian, Gaussian]:
        mean, covariance = move @ known.mean, move @ known.covariance @ move.T + chance
        surprise = covariance[0, 0] + noise ** 2
        gain = covariance[:, 0] / surprise
        after = Gaussian(mean + gain * (y - mean[0]), covariance - outer(gain, gain) * surprise)
        return after, after

    start = Gaussian(*first_step(ys[0], noise))
    _, rest = lax.scan(step, start, ys[1:])
    return Gaussian(jnp.concatenate([start.mean[None], rest.mean]),
                    jnp.concatenate([start.covariance[None], rest.covariance]))


def element(y: Array, noise: Array) -> Element:
    """One step and its measurement."""
    move, chance = model()
    surprise = chance[0, 0] + noise ** 2
    gain = chance[:, 0] / surprise
    seen = move[0]      # the row of the position
    keep = jnp.eye(2) - outer(gain, jnp.array([1.0, 0.0]))
    return Element(keep @ move, gain * y, keep @ chance, seen * y / surprise, outer(seen, seen) / surprise)


def first_element(y: Array, noise: Array) -> Element:
    """The first measurement, after which nothing before matters."""
    mean, covariance = first_step(y, noise)
    return Element(jnp.zeros((2, 2)), mean, covariance, jnp.zeros(2), jnp.zeros((2, 2)))


def joined(first: Element, second: Element) -> Element:
    """One stretch of time after the other."""
    middle = inverse(jnp.eye(2) + first.c @ second.j)
    forward, back = second.a @ middle, first.a.T @ middle.T
    return Element(
        forward @ first.a,
        forward @ (first.b + first.c @ second.eta) + second.b,
        forward @ first.c @ second.a.T + second.c,
        back @ (second.eta - second.j @ first.b) + first.eta,
        back @ second.j @ first.a + first.j)


def parallel(ys: Array, noise: Array) -> Gaussian:
    """The same estimates: every prefix of steps joined, all in a number of rounds that is a logarithm."""
    start = first_element(ys[0], noise)
    rest = lantern.vmap(element, in_axes=(0, None))(ys[1:], noise)
    every = Element(*[jnp.concatenate([x[None], xs]) for x, xs in zip(start, rest, strict=True)])
    found = lax.associative_scan(lantern.vmap(joined), every)
    return Gaussian(found.b, found.c)


def cost(filtered: Callable[[Array, Array], Gaussian], ys: Array, noise: Array) -> Array:
    """Minus the logarithm of the likelihood of all measurements but the first, per measurement."""
    move, chance = model()
    known = filtered(ys, noise)
    means = known.mean[:-1] @ move.T
    covariances = move @ known.covariance[:-1] @ move.T + chance
    surprise = covariances[:, 0, 0] + noise ** 2
    return 0.5 * ((ys[1:] - means[:, 0]) ** 2 / surprise + jnp.log(surprise)).mean()


def slope(filtered: Callable[[Array, Array], Gaussian], ys: Array, noise: Array) -> float:
    """The derivative of the cost by the noise."""
    def of_noise(noise: Array) -> Array:
        return cost(filtered, ys, noise)

    return float(lantern.jit(lantern.grad(of_noise))(noise))


def simulate(key: Array, steps: int) -> tuple[Array, Array]:
    """(true positions, measurements)."""
    chance_key, noise_key = random.split(key)
    kicks = random.normal(chance_key, (steps,)) * (JERK * STEP ** 0.5)

    def step(state: tuple[Array, Array], kick: Array) -> tuple[tuple[Array, Array], Array]:
        position, speed = state
        after = position + STEP * speed, speed + kick
        return after, after[0]

    _, truth = lax.scan(step, (jnp.array(0.0), jnp.array(1.0)), kicks)
    return truth, truth + NOISE * random.normal(noise_key, (steps,))


def run(quick: bool = False, seed: int = 0) -> Result:
    """Filter a random path both ways."""
    steps = 64 if quick else 1024
    truth, ys = lantern.jit(simulate, static_argnames=("steps",))(random.key(seed), steps=steps)
    noise = jnp.array(NOISE)
    one, all_at_once = lantern.jit(sequential)(ys, noise), lantern.jit(parallel)(ys, noise)
    by_steps, by_scan = np.asarray(one.mean[:, 0]), np.asarray(all_at_once.mean[:, 0])
    error, measured = [float(jnp.sqrt(((x - truth) ** 2).mean())) for x in (all_at_once.mean[:, 0], ys)]
    print(f"filter     {steps} measurements, off by {measured:.3f} m; estimates off by {error:.3f} m")
    scale = float(np.abs(by_steps).max())
    check("parallel against sequential", float(np.abs(by_steps - by_scan).max()) / scale, at_most=1e-4)
    check("error of the estimates against that of the measurements", error / measured, at_most=0.9)
    slopes = [slope(f, ys, 2 * noise) for f in (sequential, parallel)]
    print(f"gradient   of the cost by the noise, at twice its value: {slopes[0]:.5f} and {slopes[1]:.5f}")
    check("gradient through either filter", abs(slopes[0] - slopes[1]) / (1 + abs(slopes[0])), at_most=1e-3)
    return Result(by_scan, by_steps, (slopes[0], slopes[1]), error, measured)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; the exit status."""
    return command("kalman", __doc__, run, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
