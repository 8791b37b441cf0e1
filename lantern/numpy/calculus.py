"""Functions given by samples: interpolation, differences, integrals; polynomials at points; Kronecker products."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lantern.dtypes import is_complex
from lantern.eager import one_program
from lantern.lax.operands import (
    ArrayLike,
    argument_error,
    array,
    canonical_axes,
    canonical_axis,
    cast,
    common_dtype,
    inexact,
    shape_error,
    type_error,
)
from lantern.numpy.arithmetic import add, clip, divide, multiply, remainder, subtract
from lantern.numpy.creation import zeros_like
from lantern.numpy.joining import concatenate, diff
from lantern.numpy.logic import equal, where
from lantern.numpy.reductions import sum
from lantern.numpy.shaping import expand_dims, moveaxis, part, reshape
from lantern.numpy.sorting import argsort, searchsorted
from lantern.ops.index import take
from lantern.trace.array import Array


@one_program(3)
def interp(x: ArrayLike, xp: ArrayLike, fp: ArrayLike, left: ArrayLike | None = None, right: ArrayLike | None = None,
           period: ArrayLike | None = None) -> Array:
    """The values at x of the line through the points (xp, fp), xp ascending; outside them `left` and `right` (the first
    and last value if not given). With `period`, points are repeated and may stand in any order.

    Raises ShapeError unless xp and fp are vectors of one length, of one point at least.

    >>> import numpy as np
    >>> interp(np.array([0.5, 9.0]), np.array([0.0, 1.0]), np.array([10.0, 20.0])).tolist()
    [15.0, 20.0]
    """
    at, places, values = inexact("interp", x), inexact("interp", xp), inexact("interp", fp)
    if places.ndim != 1 or places.shape != values.shape or not places.size:
        raise shape_error(f"interp: wanted xp and fp as vectors of one length, of one point at least, got "
                          f"{places.aval} and {values.aval}")
    if is_complex(at.dtype) or is_complex(places.dtype):
        raise type_error(f"interp: complex numbers have no order, got x {at.aval} and xp {places.aval}")
    dtype = common_dtype([at, places])[0]
    at, places = array("interp", cast(at, dtype)), array("interp", cast(places, dtype))
    if period is not None:
        at, places, values = _periodic(at, places, values, period)
    size = places.shape[0]
    last = clip(searchsorted(places, at, side="right"), min(1, size - 1), size - 1)
    first = clip(subtract(last, 1), 0, size - 1)
    x0, x1, y0, y1 = [array("interp", take(v, k, 0)) for v, k in ((places, first), (places, last), (values, first),
                                                                 (values, last))]
    distance = subtract(x1, x0)
    together = equal(distance, 0)
    slope = divide(subtract(y1, y0), where(together, 1, distance))
    found = where(together, y0, add(y0, multiply(subtract(at, x0), slope)))
    if period is not None:
        return found
    low, high = values[0] if left is None else left, values[-1] if right is None else right
    return where(at < places[0], low, where(at > places[-1], high, found))


def _periodic(at: Array, places: Array, values: Array, period: ArrayLike) -> tuple[Array, Array, Array]:
    """All points within one period in ascending order, with the nearest ones of the periods before and after."""
    length = array("interp", period)
    at, places = remainder(at, length), remainder(places, length)
    order = argsort(places)
    places, values = array("interp", take(places, order, 0)), array("interp", take(values, order, 0))
    places = concatenate([subtract(places[-1:], length), places, add(places[:1], length)], 0)
    return at, places, concatenate([values[-1:], values, values[:1]], 0)


def gradient(f: ArrayLike, *varargs: ArrayLike, axis: int | Sequence[int] | None = None, edge_order: int = 1) -> Any:
    """Central differences of samples along each axis (or along `axis`), one-sided at the ends: a list, or one array
    for a single axis.

    `varargs`: the distance of samples, one for all axes or one for each; a vector has the samples' places.

    Raises ArgumentError for another edge_order than 1 and for wrong numbers of distances, ShapeError for an axis of
    fewer than two samples.

    >>> import numpy as np
    >>> gradient(np.array([0.0, 1.0, 4.0])).tolist()
    [1.0, 2.0, 3.0]
    """
    x = inexact("gradient", f)
    axes = canonical_axes("gradient", axis, x.aval)
    if edge_order != 1:
        raise argument_error(f"gradient: wanted edge_order=1, got {edge_order}")
    if len(varargs) not in (0, 1, len(axes)):
        raise argument_error(f"gradient: wanted one distance, or one for each of {len(axes)} axes, got {len(varargs)}")
    distances = varargs if len(varargs) == len(axes) else (varargs or (1.0,)) * len(axes)
    found = [_slopes(x, k, array("gradient", d)) for k, d in zip(axes, distances, strict=True)]
    return found[0] if len(found) == 1 else found


@one_program(1)
def _slopes(x: Array, axis: int, distance: Array) -> Array:
    length = x.shape[axis]
    if length < 2:
        raise shape_error(f"gradient: wanted two samples or more along axis {axis}, got {x.aval}")
    if distance.ndim > 1 or (distance.ndim == 1 and distance.shape[0] != length):
        raise shape_error(f"gradient: wanted a distance, or {length} places along axis {axis} of {x.aval}, got "
                          f"{distance.aval}")
    steps = diff(x, axis=axis)
    if distance.ndim == 0:
        slopes = divide(steps, distance)
        before, after = part(slopes, axis, 0, length - 2), part(slopes, axis, 1, length - 1)
        middle = multiply(add(before, after), 0.5)
    else:
        gaps = reshape(diff(distance), [length - 1 if k == axis else 1 for k in range(x.ndim)])
        slopes = divide(steps, gaps)
        before, after = part(slopes, axis, 0, length - 2), part(slopes, axis, 1, length - 1)
        left, right = part(gaps, axis, 0, length - 2), part(gaps, axis, 1, length - 1)
        middle = divide(add(multiply(before, right), multiply(after, left)), add(left, right))
    return concatenate([part(slopes, axis, 0, 1), middle, part(slopes, axis, length - 2, length - 1)], axis)


@one_program(2)
def trapezoid(y: ArrayLike, x: ArrayLike | None = None, dx: ArrayLike = 1.0, axis: int = -1) -> Array:
    """The integral of samples along an axis by the trapezoidal rule; x has their places, `dx` their distance.

    >>> import numpy as np
    >>> trapezoid(np.array([1.0, 2.0, 3.0])).item()
    4.0
    """
    values = inexact("trapezoid", y)
    place = canonical_axis("trapezoid", axis, values.aval)
    lines = moveaxis(values, place, -1)
    length = lines.shape[-1]
    middles = multiply(add(lines[..., min(1, length):], lines[..., :max(length - 1, 0)]), 0.5)
    if x is None:
        return sum(multiply(middles, dx), -1)
    places = array("trapezoid", x)
    places = places if places.ndim == 1 else moveaxis(places, axis, -1)
    return sum(multiply(middles, diff(places)), -1)


@one_program(2)
def polyval(p: ArrayLike, x: ArrayLike) -> Array:
    """The polynomial with the coefficients p, the highest power first, at x: by Horner's rule.

    Raises ShapeError unless p has an axis; the others broadcast against x.

    >>> import numpy as np
    >>> polyval(np.array([1.0, 0.0, 2.0]), 3.0).item()
    11.0
    """
    coefficients, at = array("polyval", p), array("polyval", x)
    if coefficients.ndim == 0:
        raise shape_error(f"polyval: wanted a vector of coefficients, got {coefficients.aval}")
    dtype = common_dtype([coefficients, at], function="polyval")[0]
    found = zeros_like(at, dtype)
    for k in range(coefficients.shape[0]):
        found = add(multiply(found, at), coefficients[k])
    return found


@one_program(2)
def kron(a: ArrayLike, b: ArrayLike) -> Array:
    """The Kronecker product: b times each element of a, in blocks. The array of lower rank gets axes in front.

    >>> import numpy as np
    >>> kron(np.array([1, 10]), np.array([1, 2])).tolist()
    [1, 2, 10, 20]
    """
    x, y = array("kron", a), array("kron", b)
    rank = max(x.ndim, y.ndim)
    x, y = [reshape(v, (1,) * (rank - v.ndim) + v.shape) for v in (x, y)]
    wide = multiply(expand_dims(x, tuple(range(1, 2 * rank, 2))), expand_dims(y, tuple(range(0, 2 * rank, 2))))
    return reshape(wide, [n * m for n, m in zip(x.shape, y.shape, strict=True)])
