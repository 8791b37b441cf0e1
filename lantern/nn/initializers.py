"""Start values of weights, with jax.nn.initializers' names and arguments: each makes a function `init(key, shape,
dtype)`; `zeros` and `ones` are such functions."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np

from lantern.dtypes import canonical, is_float
from lantern.lax.operands import (
    ArrayLike,
    DTypeLike,
    ShapeLike,
    argument_error,
    as_sequence,
    canonical_shape,
    shape_error,
    type_error,
)
from lantern.numpy import creation
from lantern.numpy.arithmetic import multiply
from lantern.numpy.creation import full
from lantern.numpy.joining import pad
from lantern.numpy.shaping import moveaxis, reshape
from lantern.random import continuous, draws, multivariate
from lantern.trace.array import Array

Mode = Literal["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]
Distribution = Literal["truncated_normal", "normal", "uniform"]


class Initializer(Protocol):
    """A function that makes start values."""

    def __call__(self, key: ArrayLike, shape: ShapeLike, dtype: DTypeLike = None) -> Array:
        """An array of this shape and dtype."""
        ...


def zeros(key: ArrayLike, shape: ShapeLike, dtype: DTypeLike = None) -> Array:
    """Zeros; the key is not used.

    >>> from lantern.random import key
    >>> zeros(key(0), (2,)).tolist()
    [0.0, 0.0]
    """
    return creation.zeros(shape, dtype)


def ones(key: ArrayLike, shape: ShapeLike, dtype: DTypeLike = None) -> Array:
    """Ones; the key is not used.

    >>> from lantern.random import key
    >>> ones(key(0), (2,)).tolist()
    [1.0, 1.0]
    """
    return creation.ones(shape, dtype)


def constant(value: ArrayLike, dtype: DTypeLike = None) -> Initializer:
    """One number everywhere, or an array that broadcasts to the shape.

    >>> from lantern.random import key
    >>> constant(0.5)(key(0), (2,)).tolist()
    [0.5, 0.5]
    """
    default = dtype

    def init(key: ArrayLike, shape: ShapeLike, dtype: DTypeLike = default) -> Array:
        return full(shape, value, canonical(float if dtype is None else dtype))

    return init


def _floats(name: str, dtype: DTypeLike) -> np.dtype[Any]:
    found = canonical(float if dtype is None else dtype)
    if not is_float(found):
        raise type_error(f"{name}: wanted a float dtype, got {found}")
    return found


def uniform(scale: float = 1e-2, dtype: DTypeLike = None) -> Initializer:
    """Uniform numbers from 0 to `scale`.

    >>> from lantern.random import key
    >>> uniform(1.0)(key(0), (3,)).shape
    (3,)
    """
    default = dtype

    def init(key: ArrayLike, shape: ShapeLike, dtype: DTypeLike = default) -> Array:
        return multiply(draws.uniform(key, shape, _floats("initializers.uniform", dtype)), scale)

    return init


def normal(stddev: float = 1e-2, dtype: DTypeLike = None) -> Initializer:
    """Normal numbers of mean 0 and this standard deviation.

    >>> from lantern.random import key
    >>> normal(1.0)(key(0), (3,)).shape
    (3,)
    """
    default = dtype

    def init(key: ArrayLike, shape: ShapeLike, dtype: DTypeLike = default) -> Array:
        return multiply(draws.normal(key, shape, _floats("initializers.normal", dtype)), stddev)

    return init


def truncated_normal(stddev: float = 1e-2, dtype: DTypeLike = None, lower: float = -2.0,
                     upper: float = 2.0) -> Initializer:
    """Normal numbers between `lower` and `upper`, times `stddev`.

    >>> from lantern.random import key
    >>> bool((abs(truncated_normal(1.0)(key(0), (100,))) <= 2).all())
    True
    """
    default = dtype

    def init(key: ArrayLike, shape: ShapeLike, dtype: DTypeLike = default) -> Array:
        wanted, sizes = _floats("initializers.truncated_normal", dtype), canonical_shape("truncated_normal", shape)
        return multiply(continuous.truncated_normal(key, lower, upper, sizes, wanted), stddev)

    return init


Axes = int | Sequence[int]


def variance_scaling(scale: float, mode: Mode, distribution: Distribution, in_axis: Axes = -2, out_axis: Axes = -1,
                     batch_axis: Axes = (), dtype: DTypeLike = None) -> Initializer:
    """Numbers of mean 0 and variance scale / n, where n counts the inputs of a unit ("fan_in"), its outputs
    ("fan_out"), or is the mean ("fan_avg") or the geometric mean ("fan_geo_avg") of both.

    The in_axis and out_axis of a shape are those of features; all others but batch_axis are a kernel's, and count for
    both. Raises ArgumentError for an unknown mode or distribution, ShapeError for a shape without such axes.

    >>> from lantern.random import key
    >>> variance_scaling(1.0, "fan_in", "normal")(key(0), (3, 2)).shape
    (3, 2)
    """
    default = dtype
    if mode not in ("fan_in", "fan_out", "fan_avg", "fan_geo_avg"):
        raise argument_error("variance_scaling: mode must be 'fan_in', 'fan_out', 'fan_avg' or 'fan_geo_avg', got "
                             f"{mode!r}")
    if distribution not in ("truncated_normal", "normal", "uniform"):
        raise argument_error("variance_scaling: distribution must be 'truncated_normal', 'normal' or 'uniform', got "
                             f"{distribution!r}")

    def init(key: ArrayLike, shape: ShapeLike, dtype: DTypeLike = default) -> Array:
        wanted, sizes = _floats("variance_scaling", dtype), canonical_shape("variance_scaling", shape)
        fan_in, fan_out = _fans(sizes, in_axis, out_axis, batch_axis)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2,
               "fan_geo_avg": math.sqrt(fan_in * fan_out)}[mode]
        variance = scale / fan if fan else 0.0
        if distribution == "truncated_normal":      # 0.8796...: the standard deviation of what is left between -2 and 2
            drawn = continuous.truncated_normal(key, -2, 2, sizes, wanted)
            return multiply(drawn, math.sqrt(variance) / 0.87962566103423978)
        if distribution == "normal":
            return multiply(draws.normal(key, sizes, wanted), math.sqrt(variance))
        return multiply(draws.uniform(key, sizes, wanted, -1.0, 1.0), math.sqrt(3 * variance))

    return init


def _fans(shape: tuple[int, ...], in_axis: Axes, out_axis: Axes, batch_axis: Axes) -> tuple[float, float]:
    """How many inputs and outputs a unit has."""
    groups: list[Sequence[int]] = [as_sequence(a) for a in (in_axis, out_axis, batch_axis)]
    if any(not -len(shape) <= a < len(shape) for group in groups for a in group):
        raise shape_error(f"variance_scaling: in_axis {in_axis}, out_axis {out_axis} and batch_axis {batch_axis} must "
                          f"be axes of the shape, got {shape}", "A vector has no inputs and outputs to count.")
    inputs, outputs, batch = [math.prod([shape[a] for a in group]) for group in groups]
    around = math.prod(shape) / (inputs * outputs * batch) if 0 not in shape else 0
    return inputs * around, outputs * around


def glorot_uniform(in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (),
                   dtype: DTypeLike = None) -> Initializer:
    """`variance_scaling(1, "fan_avg", "uniform")` (Glorot and Bengio, Understanding the difficulty of training deep
    feedforward neural networks, 2010).

    >>> from lantern.random import key
    >>> glorot_uniform()(key(0), (3, 2)).shape
    (3, 2)
    """
    return variance_scaling(1.0, "fan_avg", "uniform", in_axis, out_axis, batch_axis, dtype)


def glorot_normal(in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (),
                  dtype: DTypeLike = None) -> Initializer:
    """`variance_scaling(1, "fan_avg", "truncated_normal")`, see `glorot_uniform`.

    >>> from lantern.random import key
    >>> glorot_normal()(key(0), (3, 2)).shape
    (3, 2)
    """
    return variance_scaling(1.0, "fan_avg", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


def lecun_uniform(in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (),
                  dtype: DTypeLike = None) -> Initializer:
    """`variance_scaling(1, "fan_in", "uniform")` (LeCun et al., Efficient backprop, 1998).

    >>> from lantern.random import key
    >>> lecun_uniform()(key(0), (3, 2)).shape
    (3, 2)
    """
    return variance_scaling(1.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def lecun_normal(in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (),
                 dtype: DTypeLike = None) -> Initializer:
    """`variance_scaling(1, "fan_in", "truncated_normal")`, see `lecun_uniform`.

    >>> from lantern.random import key
    >>> lecun_normal()(key(0), (3, 2)).shape
    (3, 2)
    """
    return variance_scaling(1.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


def he_uniform(in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: DTypeLike = None) -> Initializer:
    """`variance_scaling(2, "fan_in", "uniform")` (He et al., Delving deep into rectifiers, 2015).

    >>> from lantern.random import key
    >>> he_uniform()(key(0), (3, 2)).shape
    (3, 2)
    """
    return variance_scaling(2.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def he_normal(in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: DTypeLike = None) -> Initializer:
    """`variance_scaling(2, "fan_in", "truncated_normal")`, see `he_uniform`.

    >>> from lantern.random import key
    >>> he_normal()(key(0), (3, 2)).shape
    (3, 2)
    """
    return variance_scaling(2.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


def orthogonal(scale: float = 1.0, column_axis: int = -1, dtype: DTypeLike = None) -> Initializer:
    """`scale` times a matrix with orthonormal columns, or rows if it has fewer of these (Saxe, McClelland and Ganguli,
    Exact solutions to the nonlinear dynamics of learning in deep linear neural networks, 2014). All axes but
    `column_axis` are the rows.

    Raises ShapeError for fewer than two axes.

    >>> from lantern.random import key
    >>> orthogonal()(key(0), (3, 2)).shape
    (3, 2)
    """
    default = dtype

    def init(key: ArrayLike, shape: ShapeLike, dtype: DTypeLike = default) -> Array:
        wanted, sizes = _floats("initializers.orthogonal", dtype), canonical_shape("orthogonal", shape)
        if len(sizes) < 2 or not -len(sizes) <= column_axis < len(sizes):
            raise shape_error(f"initializers.orthogonal: wanted a shape of two axes or more with an axis "
                              f"{column_axis}, got {sizes}")
        if 0 in sizes:
            return creation.zeros(sizes, wanted)
        columns = sizes[column_axis]
        q = multivariate.orthogonal(key, math.prod(sizes) // columns, (), wanted, columns)
        rows = [n for k, n in enumerate(sizes) if k != column_axis % len(sizes)]
        return multiply(moveaxis(reshape(q, (*rows, columns)), -1, column_axis), scale)

    return init


def delta_orthogonal(scale: float = 1.0, column_axis: int = -1, dtype: DTypeLike = None) -> Initializer:
    """A convolution's kernel [*window, inputs, outputs] that is an `orthogonal` matrix in its middle, and zero around
    it (Xiao et al., Dynamical isometry and a mean field theory of CNNs, 2018).

    Raises ShapeError unless there are 1 to 3 axes of a window and no fewer outputs than inputs.

    >>> from lantern.random import key
    >>> delta_orthogonal()(key(0), (3, 3, 2, 4)).shape
    (3, 3, 2, 4)
    """
    default = dtype

    def init(key: ArrayLike, shape: ShapeLike, dtype: DTypeLike = default) -> Array:
        sizes = canonical_shape("delta_orthogonal", shape)
        if len(sizes) not in (3, 4, 5) or sizes[-1] < sizes[-2]:
            raise shape_error("initializers.delta_orthogonal: wanted 1 to 3 axes of a window, inputs, and outputs, no "
                              f"fewer than inputs, got {sizes}")
        if 0 in sizes:
            return creation.zeros(sizes, _floats("initializers.delta_orthogonal", dtype))
        matrix = orthogonal(scale, column_axis)(key, sizes[-2:], dtype)
        around = [((n - 1) // 2, n // 2) for n in sizes[:-2]]
        return pad(reshape(matrix, (*(1,) * len(around), *sizes[-2:])), [*around, (0, 0), (0, 0)])

    return init


xavier_uniform, xavier_normal = glorot_uniform, glorot_normal
kaiming_uniform, kaiming_normal = he_uniform, he_normal
