"""Evenly spaced numbers: arange, linspace, logspace, geomspace, and grids of them."""
from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from lantern.devices import DeviceLike, default_device
from lantern.dtypes import BOOL, canonical, is_integer, python_dtype
from lantern.lax.operands import (
    ArrayLike,
    DType,
    DTypeLike,
    argument_error,
    canonical_axis,
    common_dtype,
    constant,
    operand,
    shape_error,
    stretch,
    whole,
)
from lantern.lax.operands import array as as_array
from lantern.lower.scalar import convert as host_convert
from lantern.numpy.arithmetic import add, divide, floor, multiply, power, sign, subtract
from lantern.numpy.creation import asarray, on
from lantern.numpy.logic import equal, where
from lantern.numpy.shaping import expand_dims, moveaxis, reshape
from lantern.numpy.ufuncs import exp, log
from lantern.ops import shape as ops
from lantern.ops.convert import convert
from lantern.trace.array import Array
from lantern.trace.jaxpr import literal
from lantern.trace.primitive import Value
from lantern.transfer import device_put


def _number(function: str, x: Any) -> bool | int | float:
    """A Python number; of an array, its value if that is known."""
    found: Any = x.item() if hasattr(x, "item") else x
    if hasattr(found, "__index__"):
        return operator.index(found)
    if isinstance(found, float):
        return float(found)
    raise argument_error(f"{function}: wanted a number, got {found!r}")


def arange(start: Any, stop: Any = None, step: Any = None, dtype: DTypeLike = None, *,
           device: DeviceLike | None = None) -> Array:
    """start, start + step, ... up to (without) stop; with one argument, 0, 1, ... below it.

    The arguments decide the shape and must be known numbers. Of integers: int32. Raises ArgumentError for a step of 0.

    >>> arange(2, 8, 2).tolist()
    [2, 4, 6]
    """
    if device is not None:
        return on(device, arange, start, stop, step, dtype)
    first, last = (0, start) if stop is None else (start, stop)
    low, high = _number("arange", first), _number("arange", last)
    by = 1 if step is None else _number("arange", step)
    if by == 0:
        raise argument_error("arange: the step must not be 0")
    if isinstance(low, int) and isinstance(high, int) and isinstance(by, int):
        wanted = python_dtype(int) if dtype is None else canonical(dtype)
        positions = range(low, high, by)
        if is_integer(wanted) and positions:
            for extreme in (positions[0], positions[-1]):
                literal(extreme, wanted, "arange")        # raises OverflowError
        if wanted != BOOL and positions and (not is_integer(wanted) or _fits(by, wanted)):
            found = ops.iota(wanted, (len(positions),), 0)
            return found if low == 0 and by == 1 else add(multiply(found, by), low)
    else:
        wanted = python_dtype(float) if dtype is None else canonical(dtype)
    return constant(host_convert(np.arange(low, high, by), wanted))


def _fits(number: int, dtype: DType) -> bool:
    """Whether an integer dtype holds the number."""
    bounds = np.iinfo(dtype)
    return int(bounds.min) <= number <= int(bounds.max)


def linspace(start: ArrayLike, stop: ArrayLike, num: int = 50, endpoint: bool = True, retstep: bool = False,
             dtype: DTypeLike = None, axis: int = 0, *, device: DeviceLike | None = None) -> Any:
    """`num` evenly spaced values from start to stop (left out unless `endpoint`); with `retstep` (values, step).

    Start and stop may be arrays, which broadcast; the values then stand along the new axis `axis`. As integers they are
    rounded down.

    Raises ArgumentError for a negative number.

    >>> linspace(0, 1, 5).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    if device is not None:
        with default_device(device) as place:
            return device_put(linspace(start, stop, num, endpoint, retstep, dtype, axis), place)
    count = whole("linspace", "num", num)
    if count < 0:
        raise argument_error(f"linspace: num must not be negative, got {count}")
    low: Value = operand("linspace", start)
    high: Value = operand("linspace", stop)
    inner = common_dtype([low, high], floats=True)[0]
    wanted = inner if dtype is None else canonical(dtype)
    steps = count - 1 if endpoint else count
    if isinstance(low, (bool, int, float, complex)) and isinstance(high, (bool, int, float, complex)):
        values = np.linspace(low, high, count, endpoint)
        found = constant(host_convert(np.floor(values) if is_integer(wanted) else values, wanted))
        return (found, asarray((high - low) / steps if steps > 0 else math.nan, inner)) if retstep else found
    distance = subtract(high, low)
    a, b = add(multiply(distance, 0), low), add(multiply(distance, 0), high)
    along = (count,) + (1,) * a.ndim
    t = reshape(divide(ops.iota(inner, (count,), 0), max(steps, 1)), along)
    # a (1 - t) + b t is exact at both ends.
    values = add(multiply(a, subtract(1, t)), multiply(b, t))
    values = convert(floor(values) if is_integer(wanted) else values, wanted)
    values = moveaxis(values, 0, canonical_axis("linspace", axis, values.aval))
    return (values, divide(distance, steps)) if retstep else values


def logspace(start: ArrayLike, stop: ArrayLike, num: int = 50, endpoint: bool = True, base: ArrayLike = 10.0,
             dtype: DTypeLike = None, axis: int = 0) -> Array:
    """`base` to the power of `num` evenly spaced exponents from start to stop.

    Raises ArgumentError for a negative number.

    >>> logspace(0, 3, 4).tolist()
    [1.0, 10.0, 100.0, 1000.0]
    """
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    return _as_asked(power(base, exponents), dtype)


def geomspace(start: ArrayLike, stop: ArrayLike, num: int = 50, endpoint: bool = True, dtype: DTypeLike = None,
              axis: int = 0) -> Array:
    """`num` numbers from start to stop, each the same multiple of the one before it. Real ends must have one sign.

    Raises ArgumentError for a negative number.

    >>> np.round(geomspace(1, 8, 4), 4).tolist()
    [1.0, 2.0, 4.0, 8.0]
    """
    low, high = as_array("geomspace", start), as_array("geomspace", stop)
    # Complex and negative ends are turned to positive ones, and the numbers turned back.
    direction = sign(convert(low, common_dtype([low, high], floats=True)[0]))
    first, last = divide(low, direction), divide(high, direction)
    found = multiply(_powers_between(first, last, num, endpoint, axis), _along(direction, axis))
    return _as_asked(found, dtype)


def _powers_between(first: Array, last: Array, num: int, endpoint: bool, axis: int) -> Array:
    exponents = linspace(log(first), log(last), num, endpoint, axis=axis)
    found = exp(exponents)
    along = ops.iota(np.dtype(np.int32), found.shape, canonical_axis("geomspace", axis, found.aval)) if num else None
    if along is None:
        return found
    found = where(equal(along, 0), _along(first, axis), found)
    return where(equal(along, num - 1), _along(last, axis), found) if endpoint and num > 1 else found


def _along(x: Array, axis: int) -> Array:
    """With a new axis of size 1 where the numbers stand, unless x is a number."""
    return expand_dims(x, axis) if x.ndim else x


def _as_asked(x: Array, dtype: DTypeLike) -> Array:
    return x if dtype is None else convert(x, canonical(dtype))


def meshgrid(*xi: ArrayLike, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> list[Array]:
    """One array for each vector, in which it varies along its own axis; together the coordinates of a grid.

    `indexing` "xy": the first two axes are exchanged, as in pictures; "ij": as in matrices. `sparse` leaves axes at
    size 1.

    >>> [m.tolist() for m in meshgrid(np.arange(2), np.arange(2))]
    [[[0, 1], [0, 1]], [[0, 0], [1, 1]]]
    """
    if indexing not in ("xy", "ij"):
        raise argument_error(f"meshgrid: wanted an indexing of 'xy' or 'ij', got {indexing!r}")
    xs = [as_array("meshgrid", x) for x in xi]
    for x in xs:
        if x.ndim > 1:
            raise shape_error(f"meshgrid: wanted vectors, got {x.aval}")
    places = list(range(len(xs)))
    if indexing == "xy" and len(xs) > 1:
        places[:2] = [1, 0]
    sizes = [0] * len(xs)
    for place, x in zip(places, xs, strict=True):
        sizes[place] = x.size
    found = [reshape(x, [x.size if k == place else 1 for k in range(len(xs))])
             for place, x in zip(places, xs, strict=True)]
    return found if sparse else [stretch(x, tuple(sizes)) for x in found]
