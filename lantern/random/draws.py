"""The plain draws: uniform, normal, Bernoulli."""
from __future__ import annotations

import math

import numpy as np

from lantern.dtypes import F32, is_float
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, DType, DTypeLike, ShapeLike, canonical_shape
from lantern.numpy.arithmetic import add, maximum, minimum, multiply, subtract
from lantern.numpy.creation import astype
from lantern.numpy.logic import less
from lantern.ops import elementwise as ops
from lantern.random.bits import bound, floating, unit
from lantern.random.keys import words
from lantern.trace.array import Array


@one_program(1)
def uniform(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = float, minval: ArrayLike = 0.0,
            maxval: ArrayLike = 1.0) -> Array:
    """Uniform floats in [minval, maxval).

    Raises ShapeError if the bounds do not broadcast to the shape.

    >>> from lantern import random
    >>> x = random.uniform(random.key(0), (1000,))
    >>> bool((x >= 0).all()), bool((x < 1).all())
    (True, True)
    """
    wanted, sizes = floating("uniform", dtype), canonical_shape("uniform", shape)
    drawn = unit(words("uniform", key), sizes, wanted)
    if isinstance(minval, (int, float)) and isinstance(maxval, (int, float)):
        if (minval, maxval) == (0, 1):
            return drawn
        low, high = [np.asarray(v, wanted) for v in (minval, maxval)]
        return scaled(drawn, low[()], (high - low)[()])
    low, high = [bound("uniform", v, sizes, wanted) for v in (minval, maxval)]
    return scaled(drawn, low, subtract(high, low))


def scaled(unit: Array, low: ArrayLike, span: ArrayLike) -> Array:
    """unit * span + low, at least low. The bound in between changes nothing, but keeps a device from contracting
    product and sum into one operation with another rounding.
    """
    return maximum(low, add(minimum(multiply(unit, span), maximum(span, 0)), low))


@one_program(1)
def normal(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = float) -> Array:
    """Normal floats of mean 0 and variance 1: sqrt(2) times the inverse error function of uniforms in (-1, 1).

    >>> from lantern import random
    >>> random.normal(random.key(0), (2, 3)).shape
    (2, 3)
    """
    wanted = floating("normal", dtype)
    return standard_normal(words("normal", key), canonical_shape("normal", shape), wanted)


def standard_normal(key: Array, shape: tuple[int, ...], dtype: DType) -> Array:
    """Normal floats for each of the keys, u32[..., 2]."""
    low = np.nextafter(np.asarray(-1, dtype), np.asarray(0, dtype))
    drawn = unit(key, shape, dtype)
    return multiply(math.sqrt(2), ops.erf_inv(maximum(low[()], add(multiply(drawn, 2), low[()]))))


@one_program(2)
def bernoulli(key: ArrayLike, p: ArrayLike = 0.5, shape: ShapeLike | None = None) -> Array:
    """True with probability p. The shape is p's unless given; p then broadcasts to it.

    >>> from lantern import random
    >>> bool(random.bernoulli(random.key(0), 0.0, (10,)).any())
    False
    """
    probability = astype(p, F32) if not isinstance(p, Array) or not is_float(p.dtype) else p
    sizes = probability.shape if shape is None else canonical_shape("bernoulli", shape)
    found = bound("bernoulli", probability, sizes, probability.dtype)
    return less(unit(words("bernoulli", key), sizes, found.dtype), found)
