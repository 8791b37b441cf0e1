"""Pooling over windows, with Flax's names and arguments: spatial axes stand before the last axis, the features."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lantern.dtypes import is_float
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, array, inexact, shape_error, size_of
from lantern.lax.paddings import Padding
from lantern.lax.reductions import reduce_window
from lantern.numpy.arithmetic import divide
from lantern.numpy.creation import ones
from lantern.ops.elementwise import add, max, min
from lantern.trace.array import Array


def pool(inputs: ArrayLike, init: ArrayLike, reduce_fn: Callable[[Any, Any], Any], window_shape: Sequence[int],
         strides: Sequence[int] | None = None, padding: Padding = "VALID") -> Array:
    """Windows folded by an associative function, as `lax.reduce_window` does.

    inputs        any number of batch axes, one axis for each of `window_shape`, and the features
    strides       how far the window moves; None: 1, as in Flax
    padding       "SAME", "VALID", "SAME_LOWER", or (low, high) for each axis of the window, filled with `init`

    Raises ShapeError if the array has too few axes or the sizes do not fit.

    >>> import lantern.lax
    >>> pool(np.arange(4.0).reshape(4, 1), 0.0, lantern.lax.add, (2,), (2,)).tolist()
    [[1.0], [5.0]]
    """
    return _pooled("pool", array("pool", inputs), init, reduce_fn, window_shape, strides, padding)


def _pooled(name: str, x: Array, init: ArrayLike, reduce_fn: Callable[[Any, Any], Any], window_shape: Sequence[int],
            strides: Sequence[int] | None, padding: Padding) -> Array:
    window = tuple(window_shape)
    batch = x.ndim - len(window) - 1
    if batch < 0:
        raise shape_error(f"{name}: wanted an axis for each of the window's, {window}, and one of features behind "
                          f"them, got {x.aval}")
    steps = (1,) * len(window) if strides is None else tuple(strides)
    if len(steps) != len(window):
        raise shape_error(f"{name}: wanted a stride for each axis of the window {window}, got {steps}")
    if not isinstance(padding, str):
        padding = [(0, 0)] * batch + list(padding) + [(0, 0)]
    lead = (1,) * batch
    return reduce_window(x, init, reduce_fn, (*lead, *window, 1), (*lead, *steps, 1), padding)


@one_program(1)
def max_pool(inputs: ArrayLike, window_shape: Sequence[int], strides: Sequence[int] | None = None,
             padding: Padding = "VALID") -> Array:
    """The largest element of each window; NaN wins. The derivative goes to the first of equal ones.

    Arguments and errors are those of `pool`; padding never wins.

    >>> max_pool(np.array([[1.0], [3.0], [2.0], [0.0]]), (2,), (2,)).tolist()
    [[3.0], [2.0]]
    """
    x = array("max_pool", inputs)
    lowest = -np.inf if is_float(x.dtype) else int(np.iinfo(x.dtype).min)
    return _pooled("max_pool", x, lowest, max, window_shape, strides, padding)


@one_program(1)
def min_pool(inputs: ArrayLike, window_shape: Sequence[int], strides: Sequence[int] | None = None,
             padding: Padding = "VALID") -> Array:
    """The smallest element of each window; NaN wins. The derivative goes to the first of equal ones.

    Arguments and errors are those of `pool`; padding never wins.

    >>> min_pool(np.array([[1.0], [3.0], [2.0], [0.0]]), (2,), (2,)).tolist()
    [[1.0], [0.0]]
    """
    x = array("min_pool", inputs)
    highest = np.inf if is_float(x.dtype) else int(np.iinfo(x.dtype).max)
    return _pooled("min_pool", x, highest, min, window_shape, strides, padding)


@one_program(1)
def avg_pool(inputs: ArrayLike, window_shape: Sequence[int], strides: Sequence[int] | None = None,
             padding: Padding = "VALID", count_include_pad: bool = True) -> Array:
    """The mean of each window. Padding counts as zeros, or not at all without `count_include_pad`.

    Arguments and errors are those of `pool`.

    >>> avg_pool(np.array([[1.0], [3.0], [2.0]]), (2,), (2,), "SAME", count_include_pad=False).tolist()
    [[2.0], [2.0]]
    """
    x = inexact("avg_pool", inputs)
    total = _pooled("avg_pool", x, 0, add, window_shape, strides, padding)
    if count_include_pad:
        return divide(total, size_of(window_shape))
    one = ones((*x.shape[-len(tuple(window_shape)) - 1:-1], 1), x.dtype)
    return divide(total, _pooled("avg_pool", one, 0, add, window_shape, strides, padding))
