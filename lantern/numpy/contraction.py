"""Contractions of two arrays: `dot_general` with the errors and the axis labels that matmul and einsum speak of."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from lantern.dtypes import BOOL, I32
from lantern.errors import ShapeError
from lantern.lax.operands import cast, shape_error
from lantern.numpy.logic import not_equal
from lantern.numpy.reductions import any, sum
from lantern.numpy.shaping import squeeze
from lantern.ops.dot import dot_general
from lantern.ops.shape import transpose
from lantern.trace.array import Array

Pairs: TypeAlias = "tuple[Sequence[int], Sequence[int]]"
Labelled: TypeAlias = tuple[Array, str]      # an array and a letter for each of its axes


def uncontractable(function: str, x: Array, i: int, y: Array, j: int) -> ShapeError:
    """The error for axis i of x and axis j of y, which should have one size."""
    return shape_error(f"{function}: contracted sizes must agree, got {x.shape[i]} (axis {i} of {x.aval}) and "
                       f"{y.shape[j]} (axis {j} of {y.aval})")


def contract(function: str, x: Array, y: Array, axes: Pairs, batch: Pairs = ((), ())) -> Array:
    """Sums of products over `axes` (of x, of y), for each position of the `batch` axes: the result has the batch axes,
    then the other axes of x, then those of y. Bools are multiplied by `and` and summed by `or`.

    Raises ShapeError naming the function if sizes do not agree.
    """
    for i, j in (*zip(*axes, strict=True), *zip(*batch, strict=True)):
        if x.shape[i] != y.shape[j]:
            raise uncontractable(function, x, i, y, j)
    if x.dtype == BOOL:
        return not_equal(dot_general(cast(x, I32), cast(y, I32), axes, batch), 0)
    return dot_general(x, y, axes, batch)


def contract_labels(function: str, x: Labelled, y: Labelled, out: str) -> Array:
    """The contraction that letters describe: those of both operands and not of the result are summed over, those of all
    three are batch axes. An axis of size 1 facing a larger one is dropped, so nothing is repeated in memory.
    """
    (a, a_labels), (b, b_labels) = _without_ones(*x, *y), _without_ones(*y, *x)
    a, a_labels = summed(a, a_labels, b_labels + out)
    b, b_labels = summed(b, b_labels, a_labels + out)
    shared = [c for c in a_labels if c in b_labels]
    batch, inner = [c for c in shared if c in out], [c for c in shared if c not in out]
    found = contract(function, a, b, _places(inner, a_labels, b_labels), _places(batch, a_labels, b_labels))
    labels = [*batch, *[c for c in a_labels if c not in shared], *[c for c in b_labels if c not in shared]]
    return transpose(found, [labels.index(c) for c in out])


def _places(labels: Sequence[str], a_labels: str, b_labels: str) -> Pairs:
    return [a_labels.index(c) for c in labels], [b_labels.index(c) for c in labels]


def _without_ones(x: Array, labels: str, other: Array, other_labels: str) -> Labelled:
    """x without the axes of size 1 that face larger axes of the other operand."""
    gone = [k for k, c in enumerate(labels) if x.shape[k] == 1 and c in other_labels and
            other.shape[other_labels.index(c)] != 1]
    return (squeeze(x, gone), "".join([c for k, c in enumerate(labels) if k not in gone])) if gone else (x, labels)


def summed(x: Array, labels: str, kept: str) -> Labelled:
    """x summed over the axes whose letters are not in `kept`; bools by `or`."""
    gone = [k for k, c in enumerate(labels) if c not in kept]
    if not gone:
        return x, labels
    found = any(x, gone) if x.dtype == BOOL else sum(x, gone, x.dtype)
    return found, "".join([c for c in labels if c in kept])
