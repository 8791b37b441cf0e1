"""Gaussian process regression: a curve through noisy points, with bounds, whose smoothness is learnt.

    python -m lantern.examples.gaussian_process [--device cpu|gpu] [--seed N] [--quick] [--out FILE]

The covariance matrix is factored by Cholesky (Rasmussen and Williams, "Gaussian processes for machine learning", 2006,
algorithm 2.1); the amplitude, the length and the noise climb the gradient of the log marginal likelihood, which goes
through that factorisation. With --out the curve and its bounds are drawn as a PNG.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import lax, random
from lantern.examples import adam
from lantern.examples.command import check, command
from lantern.scipy.linalg import solve_triangular
from lantern.typing import Array

NOISE = 0.2             # of the points, which the program does not know
JITTER = 1e-5           # added to the diagonal, so that rounding cannot make the matrix indefinite
RATE = 0.1
BOUND = 1.96            # deviations: 95 % of a normal distribution

Values = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


class Settings(NamedTuple):
    """The logarithms of what is learnt: amplitude, length, and deviation of the noise."""

    amplitude: Array
    length: Array
    noise: Array


class Result(NamedTuple):
    """The points, what was found along x (mean and deviation), the settings, and the likelihood of each step."""

    points: Values
    x: Values
    mean: Values
    deviation: Values
    settings: Values
    likelihoods: Values


def truth(x: Array) -> Array:
    """The curve that nobody knows."""
    return jnp.sin(2 * x) + 0.5 * jnp.sin(5 * x + 1)


def covariance(settings: Settings, a: Array, b: Array) -> Array:
    """Of the curve's values at a and at b: near where the points are near (squared exponential)."""
    distance = (a[:, None] - b[None, :]) / jnp.exp(settings.length)
    return jnp.exp(2 * settings.amplitude) * jnp.exp(-0.5 * distance ** 2)


def factor(settings: Settings, x: Array) -> Array:
    """The lower Cholesky factor of the covariance of what is measured at x."""
    noise = jnp.exp(2 * settings.noise) + JITTER
    return jnp.linalg.cholesky(covariance(settings, x, x) + noise * jnp.eye(x.shape[0]))


def log_likelihood(settings: Settings, x: Array, y: Array) -> Array:
    """Of the measurements y at x, whatever the curve: the logarithm of a normal density."""
    lower = factor(settings, x)
    whitened = solve_triangular(lower, y, lower=True)
    size = x.shape[0]
    return -0.5 * (whitened ** 2).sum() - jnp.log(jnp.diag(lower)).sum() - 0.5 * size * math.log(2 * math.pi)


def predict(settings: Settings, x: Array, y: Array, at: Array) -> tuple[Array, Array]:
    """Mean and deviation of the curve at other places."""
    lower = factor(settings, x)
    across = solve_triangular(lower, covariance(settings, x, at), lower=True)
    mean = across.T @ solve_triangular(lower, y, lower=True)
    variance = jnp.exp(2 * settings.amplitude) - (across ** 2).sum(0)
    return mean, jnp.sqrt(jnp.maximum(variance, 1e-9))


def learn(x: Array, y: Array, steps: int) -> tuple[Settings, Array]:
    """The settings after climbing the likelihood by Adam, and the likelihood before each step."""
    def cost(settings: Settings) -> Array:
        return -log_likelihood(settings, x, y) / x.shape[0]

    def step(state: adam.State[Settings], _: None) -> tuple[adam.State[Settings], Array]:
        value, slope = lantern.value_and_grad(cost)(state.params)
        return adam.move(state, slope, RATE), -value

    start = Settings(jnp.array(0.0), jnp.array(0.5), jnp.array(0.0))
    last, likelihoods = lax.scan(step, adam.start(start), None, length=steps)
    return last.params, likelihoods


def slope_and_difference(x: Array, y: Array) -> tuple[float, float]:
    """The likelihood's derivative by the logarithm of the length, and the difference quotient, per point."""
    def along(length: Array) -> Array:
        return log_likelihood(Settings(jnp.array(0.0), length, jnp.array(-1.0)), x, y) / x.shape[0]

    here, by = jnp.array(-0.5), 0.01
    return float(lantern.grad(along)(here)), float(along(here + by) - along(here - by)) / (2 * by)


def picture(found: Result) -> np.ndarray[Any, Any]:
    """The bounds in grey, the mean in black, the points in red."""
    height, width = 240, 480
    image = np.full((height, width, 3), 255, np.uint8)
    places = np.linspace(float(found.x[0]), float(found.x[-1]), width)
    mean, deviation = [np.interp(places, found.x, along) for along in (found.mean, found.deviation)]
    level = np.linspace(2.2, -2.2, height)[:, None]     # what each row of the picture stands for
    image[np.abs(level - mean) <= BOUND * deviation] = 210
    image[np.abs(level - mean) <= 0.015] = 0
    for x, y in found.points:
        image[(np.abs(level - y) <= 0.02) & (np.abs(places - x) <= 0.015)] = (200, 30, 30)
    return image


def run(quick: bool = False, seed: int = 0) -> Result:
    """Learn the settings from noisy points, and predict the curve between them."""
    count, steps = (40, 60) if quick else (160, 200)
    place_key, noise_key = random.split(random.key(seed))
    x = random.uniform(place_key, (count,), minval=-3.0, maxval=3.0)
    y = truth(x) + NOISE * random.normal(noise_key, (count,))
    settings, likelihoods = lantern.jit(learn, static_argnums=2)(x, y, steps)
    at = jnp.linspace(-2.8, 2.8, 100)
    mean, deviation = lantern.jit(predict)(settings, x, y, at)
    error = np.abs(np.asarray(mean - truth(at)))
    length, noise = math.exp(float(settings.length)), math.exp(float(settings.noise))
    print(f"likelihood {float(likelihoods[0]):.3f} a point before, {float(likelihoods[-1]):.3f} after {steps} steps")
    print(f"settings   length {length:.2f}, noise {noise:.3f} (the points have {NOISE})")
    slope, difference = slope_and_difference(x, y)
    check("gradient through Cholesky against differences", abs(slope - difference) / (1 + abs(slope)), at_most=0.02)
    check("error of the curve against the noise", float(np.sqrt((error ** 2).mean())) / NOISE, at_most=0.9)
    outside = float((error > BOUND * np.asarray(deviation)).mean())
    check("share of the curve outside of its bounds", outside, at_most=0.25)
    check("error of the noise", abs(noise - NOISE) / NOISE, at_most=0.5)
    return Result(np.stack([np.asarray(x), np.asarray(y)], 1), np.asarray(at), np.asarray(mean), np.asarray(deviation),
                  np.asarray(jnp.stack(list(settings))), np.asarray(likelihoods))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; the exit status."""
    return command("gaussian_process", __doc__, run, arguments, picture)


if __name__ == "__main__":
    raise SystemExit(main())
