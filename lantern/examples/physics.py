"""A throw with bounces, differentiated through Python's own `if` and `while`: no jit, no special control flow.

    python -m lantern.examples.physics [--device cpu|gpu] [--seed N] [--quick]

A ball is thrown over a wall and bounces on. How often, and whether it clears the wall, depends on the throw; the
simulation asks with `while` and `if`, and `grad` sees only what really happened. Gradient descent then finds the throw
that puts the ball into a basket at a given time.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import random
from lantern.examples.command import check, command
from lantern.typing import Array

GRAVITY = 9.81
RESTITUTION = 0.7       # of the vertical speed at each bounce on the floor
GRIP = 0.9              # of the horizontal speed
WALL, HEIGHT = 2.0, 1.0     # where it stands, and how high it is
END = 2.5               # seconds of flight
BASKET = 6.0, 0.5           # where the ball should be then
THROW = 4.0, 5.0            # the first try, more or less: metres per second, forwards and upwards


class Ball(NamedTuple):
    """Where it is and how fast it moves, in metres and seconds."""

    x: Array
    y: Array
    vx: Array
    vy: Array


class Result(NamedTuple):
    """The gradient of the first try, by lantern and by differences; the throw that was found, and how far it misses."""

    gradient: list[float]
    differences: list[float]
    throw: list[float]
    miss: float


def time_to_floor(ball: Ball) -> Array:
    """The positive root of y + vy t - g t^2 / 2."""
    return (ball.vy + jnp.sqrt(ball.vy ** 2 + 2 * GRAVITY * ball.y)) / GRAVITY


def fly(ball: Ball, time: Array | float) -> Ball:
    """Free flight."""
    return Ball(ball.x + ball.vx * time, ball.y + ball.vy * time - GRAVITY / 2 * time ** 2, ball.vx,
                ball.vy - GRAVITY * time)


def simulate(throw: Array) -> tuple[Ball, int, bool]:
    """(the ball at the end, bounces on the floor, whether it hit the wall)."""
    ball = Ball(jnp.array(0.0), jnp.array(1.0), throw[0], throw[1])
    left: Array | float = END
    bounces, hit = 0, False
    while True:
        until_floor = time_to_floor(ball)
        until_wall = (WALL - ball.x) / ball.vx
        if 0 < until_wall < left and until_wall < until_floor:
            at_wall = fly(ball, until_wall)
            if at_wall.y < HEIGHT:      # not high enough: it comes back
                ball, hit = at_wall._replace(vx=-RESTITUTION * at_wall.vx), True
                left = left - until_wall
                continue
        if until_floor >= left:
            return fly(ball, left), bounces, hit
        landed = fly(ball, until_floor)
        ball = landed._replace(vx=GRIP * landed.vx, vy=-RESTITUTION * landed.vy)
        left, bounces = left - until_floor, bounces + 1


def miss(throw: Array) -> Array:
    """The squared distance from the basket."""
    ball, _, _ = simulate(throw)
    return (ball.x - BASKET[0]) ** 2 + (ball.y - BASKET[1]) ** 2


def by_differences(throw: Array, step: float = 5e-3) -> list[float]:
    """The gradient of `miss` by central differences."""
    found: list[float] = []
    for k in range(2):
        move = jnp.array([step if j == k else 0.0 for j in range(2)])
        found.append((float(miss(throw + move)) - float(miss(throw - move))) / (2 * step))
    return found


def tell(what: str, throw: Array) -> None:
    """One line about a throw."""
    ball, bounces, hit = simulate(throw)
    print(f"{what:10} ({float(throw[0]):.3f}, {float(throw[1]):.3f}) m/s: {bounces} bounces, "
          f"{'the wall was hit' if hit else 'over the wall'}, ends at ({float(ball.x):.3f}, {float(ball.y):.3f}) m")


def run(quick: bool = False, seed: int = 0) -> Result:
    """Compare the gradient with differences, then look for the throw. The seed changes the first try a little."""
    throw = jnp.array(THROW) + random.uniform(random.key(seed), (2,), minval=-0.1, maxval=0.1)
    tell("first try", throw)
    gradient = [float(g) for g in lantern.grad(miss)(throw)]
    differences = by_differences(throw)
    print(f"gradient   {gradient[0]:.4f}, {gradient[1]:.4f}; by differences {differences[0]:.4f}, {differences[1]:.4f}")
    check("gradient against differences", relative(gradient, differences), at_most=5e-3)
    slope = lantern.value_and_grad(miss)
    for _ in range(80 if quick else 200):
        distance, change = slope(throw)
        throw = throw - 0.02 * change
    tell("found", throw)
    distance = math.sqrt(float(miss(throw)))
    check("distance from the basket, in metres", distance, at_most=0.05)
    return Result(gradient, differences, [float(v) for v in throw], distance)


def relative(x: Sequence[float], y: Sequence[float]) -> float:
    """The largest difference, in units of the largest number."""
    return float(np.max(np.abs(np.subtract(x, y))) / np.max(np.abs(y)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; the exit status."""
    return command("physics", __doc__, run, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
