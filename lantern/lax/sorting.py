"""`sort` of several arrays at once, with jax.lax's name and arguments."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lantern.lax.operands import ArrayLike, argument_error, array, canonical_axis, shape_error
from lantern.ops import sort as orders
from lantern.ops.index import take_along_axis
from lantern.trace.array import Array
from lantern.trace.primitive import Value


def sort(operand: ArrayLike | Sequence[ArrayLike], dimension: int = -1, is_stable: bool = True,
         num_keys: int = 1) -> Any:
    """Arrays in ascending order along an axis, NaN last. Of several, the first `num_keys` are compared, one after the
    other, and all are brought into the same order. Equal elements keep their order in any case.

    Raises ShapeError for arrays of different shapes, ArgumentError for num_keys out of range.

    >>> import numpy as np
    >>> [x.tolist() for x in sort((np.array([2, 1, 2]), np.array([7, 8, 9])))]
    [[1, 2, 2], [8, 7, 9]]
    """
    several = isinstance(operand, (tuple, list))
    xs: list[Array] = [array("sort", x) for x in (operand if several else [operand])]
    if not xs or any([x.shape != xs[0].shape for x in xs]):
        raise shape_error(f"sort: arrays must have one shape, got {', '.join([str(x.aval) for x in xs]) or 'none'}")
    if not 1 <= num_keys <= len(xs):
        raise argument_error(f"sort: wanted num_keys from 1 to {len(xs)}, got {num_keys}")
    axis = canonical_axis("sort", dimension, xs[0].aval)
    order: Value = orders.argsort(xs[num_keys - 1], axis)
    for key in reversed(xs[:num_keys - 1]):
        order = take_along_axis(order, orders.argsort(take_along_axis(key, order, axis), axis), axis)
    found = [take_along_axis(x, order, axis) if x.shape[axis] > 1 else x for x in xs]
    return tuple(found) if several else found[0]
