"""Heat flowing through a plate, solved exactly by Fourier transforms, and run backwards by gradients.

    python -m lantern.examples.heat [--device cpu|gpu] [--seed N] [--quick] [--out FILE]

On a periodic plate each wave of the temperature fades on its own: transform, multiply by exp(-diffusivity k^2 t),
transform back. A warm spot spreads as Gauss's curve, which says how good that is. Since the transforms have
derivatives, the temperature at the start can be found from that at the end, by gradient descent. With --out the plates
are drawn as a PNG.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import lax, random
from lantern.examples.command import check, command
from lantern.typing import Array

SIDE = 1.0
DIFFUSIVITY = 0.01
WIDTH = 0.06            # of the warm spot, its deviation
LATE = 0.08             # when the plate is looked at

Values = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


class Result(NamedTuple):
    """Plates: after a while, by the formula, the random start, what was found of it, and the errors on the way."""

    spread: Values
    formula: Values
    start: Values
    found: Values
    costs: Values


def decay(size: int) -> Array:
    """How much of each wave is left of it in one unit of time: its logarithm, for the waves that `rfftn` gives."""
    waves = 2 * math.pi * jnp.fft.fftfreq(size, SIDE / size)
    across = 2 * math.pi * jnp.fft.rfftfreq(size, SIDE / size)
    return -DIFFUSIVITY * (waves[:, None] ** 2 + across[None, :] ** 2)


def after(start: Array, time: float) -> Array:
    """The temperature after some time."""
    waves = jnp.fft.rfftn(start) * jnp.exp(decay(start.shape[0]) * time)
    return jnp.fft.irfftn(waves, start.shape)


def spot(size: int, time: float) -> Array:
    """A spot that was Gauss's curve at time 0: wider and lower. Spots of all neighbouring plates add up."""
    variance = WIDTH ** 2 + 2 * DIFFUSIVITY * time
    places = jnp.arange(size) * (SIDE / size) - SIDE / 2
    images = jnp.arange(-2, 3) * SIDE
    one = jnp.exp(-((places[:, None] - images[None, :]) ** 2) / (2 * variance)).sum(1)
    return one[:, None] * one[None, :] * (WIDTH ** 2 / variance)


def warm_up(key: Array, size: int) -> Array:
    """A random temperature, a little smooth."""
    return after(random.normal(key, (size, size)) * (size / 16), 0.04)


def backwards(late: Array, steps: int) -> tuple[Array, Array]:
    """The temperature at the start, by gradient descent with momentum on what it would come to; and the costs."""
    def cost(start: Array) -> Array:
        return 0.5 * ((after(start, LATE) - late) ** 2).sum()

    def step(state: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
        start, speed = state
        value, slope = lantern.value_and_grad(cost)(start)
        after_speed = 0.9 * speed - slope
        return (start + after_speed, after_speed), value

    (found, _), costs = lax.scan(step, (late, jnp.zeros_like(late)), None, length=steps)
    return found, costs


def picture(found: Result) -> np.ndarray[Any, Any]:
    """The spot, the random start, and what was found of it, side by side."""
    plates = [(x - x.min()) / (x.max() - x.min()) for x in (found.spread, found.start, found.found)]
    return np.asarray(np.concatenate(plates, 1).repeat(4, 0).repeat(4, 1) * 255, np.uint8)


def run(quick: bool = False, seed: int = 0) -> Result:
    """Let heat flow, and find where it came from."""
    size, steps = (32, 60) if quick else (128, 400)
    start = spot(size, 0.0)
    time = 0.5
    flowed, formula = lantern.jit(after)(start, time), spot(size, time)
    print(f"spread     a spot of height {float(start.max()):.3f} is {float(flowed.max()):.3f} high at time {time}")
    check("temperatures against the formula", float(jnp.abs(flowed - formula).max()), at_most=1e-4)
    check("heat lost on the way", abs(float(flowed.sum() / start.sum()) - 1), at_most=1e-4)
    warm = lantern.jit(warm_up, static_argnums=1)(random.key(seed), size)
    late = lantern.jit(after)(warm, LATE)
    found, costs = lantern.jit(backwards, static_argnums=1)(late, steps)
    errors = [float(jnp.sqrt(((x - warm) ** 2).mean() / (warm ** 2).mean())) for x in (late, found)]
    print(f"backwards  the late plate differs from the start by {errors[0]:.1%}, what {steps} steps find by "
          f"{errors[1]:.1%}")
    check("error of what was found against that of the late plate", errors[1] / errors[0], at_most=0.5)
    return Result(np.asarray(flowed), np.asarray(formula), np.asarray(warm), np.asarray(found), np.asarray(costs))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; the exit status."""
    return command("heat", __doc__, run, arguments, picture)


if __name__ == "__main__":
    raise SystemExit(main())
