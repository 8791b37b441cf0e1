"""Three bodies that chase each other along a figure eight, by leapfrog steps in one scan.

    python -m lantern.examples.nbody [--device cpu|gpu] [--seed N] [--quick]

The orbit was found by Moore (1993) and proved by Chenciner and Montgomery (2000); after one period every body is back.
The force is the gradient of the potential, so only the energy is written down. The scan runs as one program; energy,
momentum and the return to the start are checked, and the sensitivity to the start is a derivative of the whole orbit.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import lax, random
from lantern.examples.command import check, command
from lantern.typing import Array, Dim, Float


class Bodies(Dim):
    """Three of them, each of mass one."""


class Plane(Dim):
    """Two coordinates."""


class State(NamedTuple):
    """Where the bodies are and how fast they move."""

    position: Float[Bodies, Plane]
    velocity: Float[Bodies, Plane]


class Result(NamedTuple):
    """The orbit, the energy after each step, how far the return misses the start, and the sensitivity."""

    orbit: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    energies: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    miss: float
    sensitivity: float


PERIOD = 6.32591398


def figure_eight() -> State:
    """The start of the orbit."""
    x, v = (0.97000436, -0.24308753), (0.466203685, 0.43236573)
    position = jnp.array([x, (-x[0], -x[1]), (0.0, 0.0)])
    velocity = jnp.array([v, v, (-2 * v[0], -2 * v[1])])
    return State(position, velocity)


def potential(position: Float[Bodies, Plane]) -> Float[()]:
    """Minus the sum of inverse distances, each pair once."""
    apart = position[:, None, :] - position[None, :, :]
    same = jnp.eye(position.shape[0])
    distance = jnp.sqrt((apart ** 2).sum(-1) + same)    # one in the diagonal, which is masked
    return -0.5 * ((1 - same) / distance).sum()


def energy(state: State) -> Float[()]:
    """Kinetic and potential."""
    return 0.5 * (state.velocity ** 2).sum() + potential(state.position)


def leapfrog(state: State, step: float) -> State:
    """Half a kick, a drift, half a kick: time can be reversed, so the energy does not drift away."""
    half = state.velocity - step / 2 * lantern.grad(potential)(state.position)
    position = state.position + step * half
    return State(position, half - step / 2 * lantern.grad(potential)(position))


def orbit(start: State, steps: int, periods: float = 1.0) -> tuple[State, tuple[Array, Array]]:
    """(the last state, (positions, energies) after each step)."""
    def step(state: State, _: None) -> tuple[State, tuple[Array, Array]]:
        after = leapfrog(state, PERIOD * periods / steps)
        return after, (after.position, energy(after))

    return lax.scan(step, start, None, length=steps)


def sensitivity(start: State, direction: Array, steps: int) -> Array:
    """How far the end of a tenth of a period moves when the start moves along `direction`, per length."""
    def end(position: Array) -> Array:
        return orbit(start._replace(position=position), steps, 0.1)[0].position

    _, moved = lantern.jvp(end, (start.position,), (direction,))
    return jnp.sqrt((moved ** 2).sum() / (direction ** 2).sum())


def picture(positions: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> str:
    """The path of the first body as characters."""
    columns, rows = 56, 15
    field = [[" "] * columns for _ in range(rows)]
    for x, y in positions[:, 0]:
        column, row = int((float(x) + 1.2) / 2.4 * columns), int((0.45 - float(y)) / 0.9 * rows)
        if 0 <= row < rows and 0 <= column < columns:
            field[row][column] = "*"
    return "\n".join(["    " + "".join(line).rstrip() for line in field])


def run(quick: bool = False, seed: int = 0) -> Result:
    """One period; the seed draws the direction of the sensitivity."""
    steps = 1000 if quick else 4000
    start = figure_eight()
    before = float(energy(start))
    last, (positions, energies) = lantern.jit(orbit, static_argnames=("steps",))(start, steps=steps)
    path, levels = np.asarray(positions), np.asarray(energies)
    print(f"orbit      {steps} steps, energy {before:.6f}\n{picture(path)}")
    check("change of the energy", float(np.abs(levels - before).max()), at_most=1e-4)
    check("momentum", float(jnp.abs(last.velocity.sum(0)).max()), at_most=1e-4)
    miss = float(jnp.abs(last.position - start.position).max())
    check("distance from the start after one period", miss, at_most=1e-2)
    direction = random.normal(random.key(seed), start.position.shape)
    factor = float(lantern.jit(sensitivity, static_argnames=("steps",))(start, direction, steps=steps // 10))
    tiny = 1e-3
    there, here = [orbit(start._replace(position=start.position + s * tiny * direction), steps // 10, 0.1)[0].position
                   for s in (1, -1)]
    by_difference = float(jnp.sqrt(((there - here) ** 2).sum() / (direction ** 2).sum())) / (2 * tiny)
    print(f"moved      a moved start is {factor:.4f} times as far away after a tenth of a period")
    check("that against a difference", abs(factor - by_difference) / factor, at_most=1e-2)
    return Result(path, levels, miss, factor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; the exit status."""
    return command("nbody", __doc__, run, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
