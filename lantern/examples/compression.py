"""Fewer numbers for the same picture: principal components of digits, singular values of a photo.

    python -m lantern.examples.compression [--device cpu|gpu] [--seed N] [--quick] [--out FILE]

Of all matrices of rank k, the first k singular vectors give the nearest one (Eckart and Young, 1936): no other k
columns can do better. The photo is one of scikit-learn's; reading it needs Pillow, without which a sheet of digits
takes its place. On a GPU the factorisations themselves run on the CPU, and a warning says so once. With --out the
picture is drawn beside its compressions as a PNG.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import random
from lantern.errors import MissingExtraError
from lantern.examples.command import check, command
from lantern.extras import require_extra
from lantern.typing import Array

RANKS = (4, 12, 32)
COMPONENTS = 16

Values = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


class Result(NamedTuple):
    """The picture and its compressions, the relative error of each, and that of the digits by their components."""

    picture: Values
    compressed: list[Values]
    errors: Values
    digits_error: float


def photo(quick: bool) -> Values:
    """Grey values from 0 to 1: a photo of scikit-learn's, or a sheet of digits where Pillow is missing."""
    datasets = require_extra("sklearn.datasets")
    try:
        require_extra("PIL.Image")
    except MissingExtraError:
        print("picture    a sheet of digits; with Pillow it would be a photo")
        rows, columns = (8, 12) if quick else (16, 24)
        sheet = datasets.load_digits().images[:rows * columns].reshape(rows, columns, 8, 8) / 16
        return np.asarray(sheet.transpose(0, 2, 1, 3).reshape(8 * rows, 8 * columns), np.float32)
    colours = np.asarray(datasets.load_sample_image("china.jpg"), np.float32)
    every = 6 if quick else 1
    return np.ascontiguousarray(colours.mean(2)[::every, ::every] / 255)


def compress(image: Array, rank: int) -> Array:
    """The nearest matrix of that rank."""
    left, sizes, right = jnp.linalg.svd(image, full_matrices=False)
    return (left[:, :rank] * sizes[:rank]) @ right[:rank]


def components(points: Array, count: int) -> tuple[Array, Array, Array]:
    """(mean, the directions in which points differ most, as columns, and the variance along each, smallest first)."""
    mean = points.mean(0)
    centred = points - mean
    covariance: Array = centred.T @ centred / points.shape[0]
    variances, directions = jnp.linalg.eigh(covariance)
    return mean, directions[:, -count:], variances


def random_columns(key: Array, image: Array, rank: int) -> Array:
    """The picture seen through as many random columns: what anyone could do without singular vectors."""
    basis, _ = jnp.linalg.qr(random.normal(key, (image.shape[1], rank)))
    return (image @ basis) @ basis.T


def relative(found: Array, wanted: Array) -> float:
    """The error's norm over the picture's."""
    return float(jnp.linalg.norm(found - wanted) / jnp.linalg.norm(wanted))


def compressed_digits() -> tuple[float, float]:
    """Mean squared errors of the digits by COMPONENTS numbers each: measured, and by the variances left out."""
    points = jnp.asarray(np.asarray(require_extra("sklearn.datasets").load_digits().data, np.float32) / 16)
    mean, directions, variances = lantern.jit(components, static_argnums=1)(points, COMPONENTS)
    again = mean + ((points - mean) @ directions) @ directions.T
    return float(((again - points) ** 2).sum(1).mean()), float(variances[:-COMPONENTS].sum())


def picture(found: Result) -> np.ndarray[Any, Any]:
    """The picture and its compressions, side by side."""
    row = np.concatenate([*found.compressed, found.picture], 1)
    return np.asarray(row.clip(0, 1) * 255, np.uint8)


def run(quick: bool = False, seed: int = 0) -> Result:
    """Compress a picture and the digits."""
    image = photo(quick)
    given = jnp.asarray(image)
    best = np.linalg.svd(image.astype(np.float64), compute_uv=False)
    total = float(np.sqrt((best ** 2).sum()))
    compressed: list[Values] = []
    errors: list[float] = []
    for rank in RANKS:
        found = lantern.jit(compress, static_argnums=1)(given, rank)
        errors.append(relative(found, given))
        compressed.append(np.asarray(found))
        optimum = float(np.sqrt((best[rank:] ** 2).sum())) / total
        share = rank * (sum(image.shape) + 1) / image.size
        print(f"rank {rank:<5} {share:.0%} of the numbers, error {errors[-1]:.2%}")
        check("error against the smallest possible one, less 1", errors[-1] / optimum - 1, at_most=1e-3)
    plain = relative(random_columns(random.key(seed), given, RANKS[-1]), given)
    print(f"random     as many random columns leave {plain:.1%}")
    check("error of singular vectors against that of random ones", errors[-1] / plain, at_most=0.7)
    measured, left_out = compressed_digits()
    print(f"digits     {COMPONENTS} of 64 numbers leave a squared error of {measured:.4f} an image")
    check("that error against the variances left out", abs(measured / left_out - 1), at_most=1e-3)
    return Result(image, compressed, np.asarray(errors, np.float32), measured)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; the exit status."""
    return command("compression", __doc__, run, arguments, picture)


if __name__ == "__main__":
    raise SystemExit(main())
