"""k-means: the ten digits found in 1,797 images without being told their names.

    python -m lantern.examples.kmeans [--device cpu|gpu] [--seed N] [--quick] [--out FILE]

Each start is seeded by k-means++ (Arthur and Vassilvitskii, 2007) and runs until no centre moves, in a `while_loop`;
`vmap` runs all starts at once, and the one with the least squared distances wins. With --out the centres are drawn as
a PNG.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import lax, random
from lantern.examples.command import check, command
from lantern.extras import require_extra
from lantern.typing import Array

CENTRES = 10
MOST_STEPS = 100

Values = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


class Fit(NamedTuple):
    """Centres, the centre of each point, the mean squared distance, and how many steps it took."""

    centres: Array
    nearest: Array
    distance: Array
    steps: Array


class Result(NamedTuple):
    """The best centres, the mean squared distances of all starts, and how many images lie with their own digit."""

    centres: Values
    distances: Values
    purity: float


def load(count: int) -> tuple[Values, np.ndarray[Any, Any]]:
    """(images as rows of 64 numbers from 0 to 1, the digits they show)."""
    digits = require_extra("sklearn.datasets").load_digits()
    return np.asarray(digits.data[:count] / 16, np.float32), np.asarray(digits.target[:count])


def squared_distances(points: Array, centres: Array) -> Array:
    """Of every point to every centre: |x|^2 - 2 x c + |c|^2, so that the work is one product of matrices."""
    products = points @ centres.T
    squares = (points ** 2).sum(1)[:, None] - 2 * products + (centres ** 2).sum(1)
    return jnp.maximum(squares, 0)


def seeded(key: random.Key, points: Array) -> Array:
    """First centres: points, each drawn in proportion to its squared distance to the nearest one before."""
    first_key, rest = random.split(key)
    first = points[random.randint(first_key, (), 0, points.shape[0])]

    def add(state: tuple[Array, Array], place: Array) -> tuple[tuple[Array, Array], None]:
        centres, nearest = state
        sums = jnp.cumsum(nearest)
        drawn = random.uniform(random.fold_in(rest, place)) * sums[-1]
        chosen = points[jnp.searchsorted(sums, drawn)]
        distance = ((points - chosen) ** 2).sum(1)
        return (centres.at[place].set(chosen), jnp.minimum(nearest, distance)), None

    start = jnp.zeros((CENTRES, points.shape[1])).at[0].set(first), ((points - first) ** 2).sum(1)
    (centres, _), _ = lax.scan(add, start, jnp.arange(1, CENTRES))
    return centres


def moved(points: Array, centres: Array) -> Array:
    """Each centre in the middle of the points that are nearest to it; one without points stays."""
    nearest = jnp.argmin(squared_distances(points, centres), axis=1)
    count = jnp.zeros(CENTRES).at[nearest].add(1.0)
    total = jnp.zeros_like(centres).at[nearest].add(points)
    seen, mean = count[:, None] > 0, total / jnp.maximum(count, 1)[:, None]
    return jnp.where(seen, mean, centres)


def fit(key: random.Key, points: Array) -> Fit:
    """Lloyd's algorithm, until no centre moves."""
    def moving(state: tuple[Array, Array, Array]) -> Array:
        _, change, step = state
        return (change > 1e-6) & (step < MOST_STEPS)

    def step(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        centres, _, steps = state
        after = moved(points, centres)
        return after, jnp.abs(after - centres).max(), steps + 1

    start = seeded(key, points), jnp.array(jnp.inf), jnp.array(0)
    centres, _, steps = lax.while_loop(moving, step, start)
    distances = squared_distances(points, centres)
    return Fit(centres, jnp.argmin(distances, axis=1), distances.min(1).mean(), steps)


def purity(nearest: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> float:
    """The share of images whose digit is the most frequent one at their centre."""
    right = sum([int(np.bincount(labels[nearest == k]).max(initial=0)) for k in range(CENTRES)])
    return right / len(labels)


def picture(found: Result) -> np.ndarray[Any, Any]:
    """The centres in a row, as grey values."""
    sheet = np.pad(found.centres.reshape(CENTRES, 8, 8), ((0, 0), (1, 1), (1, 1)))
    grey = np.concatenate(list(sheet), 1).repeat(8, 0).repeat(8, 1)
    return np.asarray((1 - grey.clip(0, 1)) * 255, np.uint8)


def run(quick: bool = False, seed: int = 0) -> Result:
    """Find the digits."""
    points, labels = load(400 if quick else 1797)
    keys = random.split(random.key(seed), 2 if quick else 16)
    starts = lantern.jit(lantern.vmap(fit, in_axes=(0, None)))(keys, jnp.asarray(points))
    distances, steps = np.asarray(starts.distance), np.asarray(starts.steps)
    best = int(distances.argmin())
    centres, nearest = np.asarray(starts.centres[best]), np.asarray(starts.nearest[best])
    print(f"k-means    {len(points)} images, {len(keys)} starts of {steps.min()} to {steps.max()} steps; mean squared "
          f"distance {distances.min():.4f} to {distances.max():.4f}")
    print("centres    mostly " + " ".join([str(np.bincount(labels[nearest == k]).argmax()) for k in range(CENTRES)
                                           if (nearest == k).any()]))
    means = np.stack([points[nearest == k].mean(0) if (nearest == k).any() else centres[k] for k in range(CENTRES)])
    check("centres against the means of their points", float(np.abs(centres - means).max()), at_most=1e-4)
    share = purity(nearest, labels)
    check("images away from their digit", 1 - share, at_most=0.3)
    return Result(centres, distances, share)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; the exit status."""
    return command("kmeans", __doc__, run, arguments, picture)


if __name__ == "__main__":
    raise SystemExit(main())
