"""What the functions of `lantern.numpy.linalg` that give several arrays return: tuples with the array API's names."""
from __future__ import annotations

from typing import NamedTuple

from lantern.trace.array import Array


class EighResult(NamedTuple):
    """Of `eigh`: values in ascending order, vectors as columns."""

    eigenvalues: Array
    eigenvectors: Array


class EigResult(NamedTuple):
    """Of `eig`: complex values in no order, vectors as columns."""

    eigenvalues: Array
    eigenvectors: Array


class QRResult(NamedTuple):
    """Of `qr`: an orthonormal basis and a triangle."""

    Q: Array
    R: Array


class SlogdetResult(NamedTuple):
    """Of `slogdet`: the determinant is sign * exp(logabsdet)."""

    sign: Array
    logabsdet: Array


class SVDResult(NamedTuple):
    """Of `svd`: singular vectors as columns of U and rows of Vh, values in descending order."""

    U: Array
    S: Array
    Vh: Array
