"""What the functions of `lantern.numpy.linalg` that give several arrays return: tuples with the array API's names."""
from __future__ import annotations

from typing import Any, Generic, NamedTuple

from typing_extensions import TypeVar

from lantern.trace.array import Array

# The types of the fields: the stubs say which shapes they have.
A = TypeVar("A", bound=Array[Any, *tuple[Any, ...]], default=Array, covariant=True)
B = TypeVar("B", bound=Array[Any, *tuple[Any, ...]], default=Array, covariant=True)
C = TypeVar("C", bound=Array[Any, *tuple[Any, ...]], default=Array, covariant=True)


class EighResult(NamedTuple, Generic[A, B]):
    """Of `eigh`: values in ascending order, vectors as columns."""

    eigenvalues: A
    eigenvectors: B


class EigResult(NamedTuple, Generic[A, B]):
    """Of `eig`: complex values in no order, vectors as columns."""

    eigenvalues: A
    eigenvectors: B


class QRResult(NamedTuple, Generic[A, B]):
    """Of `qr`: an orthonormal basis and a triangle."""

    Q: A
    R: B


class SlogdetResult(NamedTuple, Generic[A, B]):
    """Of `slogdet`: the determinant is sign * exp(logabsdet)."""

    sign: A
    logabsdet: B


class SVDResult(NamedTuple, Generic[A, B, C]):
    """Of `svd`: singular vectors as columns of U and rows of Vh, values in descending order."""

    U: A
    S: B
    Vh: C
