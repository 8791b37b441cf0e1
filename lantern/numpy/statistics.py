"""Order statistics, covariances and counts: quantiles, medians, cov, bincount, histograms."""
from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from lantern.dtypes import F32, I32, is_complex, is_integer
from lantern.eager import one_program
from lantern.errors import UnknownValueError
from lantern.lax.operands import (
    ArrayLike,
    AxisLike,
    DTypeLike,
    argument_error,
    array,
    as_sequence,
    canonical_axes,
    cast,
    common_dtype,
    inexact,
    shape_error,
    size_of,
    type_error,
)
from lantern.numpy.arithmetic import add, clip, divide, floor, maximum, minimum, multiply, sqrt, subtract
from lantern.numpy.complex_numbers import conj
from lantern.numpy.creation import asarray, diag
from lantern.numpy.indexing import take_along_axis
from lantern.numpy.indices import known_values
from lantern.numpy.joining import concatenate, diff
from lantern.numpy.logic import equal, isnan, logical_and, where
from lantern.numpy.positions import as_positions
from lantern.numpy.products import matmul
from lantern.numpy.ranges import linspace
from lantern.numpy.reductions import any as any_of
from lantern.numpy.reductions import average, max, min, sum
from lantern.numpy.shaping import atleast_2d, broadcast_to, expand_dims, moveaxis, part, ravel, reshape
from lantern.numpy.sorting import searchsorted, sort
from lantern.ops.broadcast import full
from lantern.ops.convert import convert
from lantern.ops.scatter import scatter
from lantern.trace.array import Array

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantiles(function: str, a: ArrayLike, q: ArrayLike, axis: AxisLike, method: str, keepdims: bool, skip_nan: bool
               ) -> Array:
    """Values at the fractions q of the sorted elements; `skip_nan` counts only what is no NaN."""
    x, at = inexact(function, a), inexact(function, q)
    if is_complex(x.dtype) or is_complex(at.dtype):
        raise type_error(f"{function}: complex numbers have no order, got {x.aval} and fractions {at.aval}")
    if method not in _METHODS:
        raise argument_error(f"{function}: wanted a method of {', '.join(_METHODS)}, got {method!r}")
    if at.ndim > 1:
        raise shape_error(f"{function}: fractions must have rank 0 or 1, got {at.aval}")
    axes = canonical_axes(function, axis, x.aval)
    kept = tuple([1 if k in axes else n for k, n in enumerate(x.shape)])
    rest = [k for k in range(x.ndim) if k not in axes]
    lines = reshape(moveaxis(x, rest, tuple(range(len(rest)))), (*[x.shape[k] for k in rest], size_of(_sizes(x, axes))))
    if lines.shape[-1] == 0:
        raise argument_error(f"{function}: no elements have no {function}, got {x.aval}")
    inner = common_dtype([lines, at])[0]
    inner = inner if inner.itemsize >= 4 else F32
    found = _at_fractions(sort(convert(lines, inner), -1), convert(ravel(at), inner), method, skip_nan)
    shape = kept if keepdims else tuple([x.shape[k] for k in rest])
    return convert(reshape(moveaxis(found, -1, 0), (*at.shape, *shape)), x.dtype)


def _sizes(x: Array, axes: Sequence[int]) -> list[int]:
    return [x.shape[k] for k in axes]


def _at_fractions(ordered: Array, fractions: Array, method: str, skip_nan: bool) -> Array:
    """For sorted lines (NaN last) the values at each fraction, along the last axis; NaN in a line gives NaN, unless it
    is skipped."""
    length = ordered.shape[-1]
    missing = isnan(ordered)
    count: ArrayLike = length
    if skip_nan:
        count = subtract(length, sum(missing, -1, keepdims=True))
        place = multiply(fractions, convert(maximum(subtract(count, 1), 0), fractions.dtype))
    else:
        place = broadcast_to(multiply(fractions, length - 1), (*ordered.shape[:-1], fractions.shape[0]))
    last = maximum(subtract(count, 1), 0)
    low = minimum(convert(clip(floor(place), 0, length - 1), I32), last)
    high = minimum(add(low, 1), last)
    below, above = [take_along_axis(ordered, k, -1) for k in (low, high)]
    part_above = subtract(place, convert(low, place.dtype))
    match method:
        case "lower":
            found = below
        case "higher":
            found = where(equal(part_above, 0), below, above)
        case "midpoint":
            found = where(equal(part_above, 0), below, multiply(add(below, above), 0.5))
        case "nearest":
            even = equal(multiply(floor(divide(convert(low, place.dtype), 2)), 2), convert(low, place.dtype))
            nearer_below = (part_above < 0.5) | (equal(part_above, 0.5) & even)
            found = where(nearer_below, below, above)
        case _:
            # an infinite neighbour that has no part in the result must not make it NaN
            found = where(equal(part_above, 0), below,
                          add(multiply(below, subtract(1, part_above)), multiply(above, part_above)))
    nothing = equal(count, 0) if skip_nan else any_of(missing, -1, keepdims=True)
    return where(nothing, cast(np.nan, found.dtype), found)


@one_program(2)
def quantile(a: ArrayLike, q: ArrayLike, axis: AxisLike = None, *, method: str = "linear", keepdims: bool = False
             ) -> Array:
    """The values below which the fractions q of the elements along `axis` lie; the axis of q (if any) comes first.

    Between two elements: `method` "linear", "lower", "higher", "midpoint" or "nearest". A NaN gives NaN.
    Raises ArgumentError for another method or no elements, ShapeError for q of rank 2 or more.

    >>> quantile(np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.75])).tolist()
    [2.0, 3.0]
    """
    return _quantiles("quantile", a, q, axis, method, keepdims, False)


@one_program(2)
def nanquantile(a: ArrayLike, q: ArrayLike, axis: AxisLike = None, *, method: str = "linear", keepdims: bool = False
                ) -> Array:
    """As `quantile`, of what is no NaN.

    >>> nanquantile(np.array([1.0, np.nan, 4.0]), 0.5).item()
    2.5
    """
    return _quantiles("nanquantile", a, q, axis, method, keepdims, True)


@one_program(2)
def percentile(a: ArrayLike, q: ArrayLike, axis: AxisLike = None, *, method: str = "linear", keepdims: bool = False
               ) -> Array:
    """`quantile` of q / 100.

    >>> percentile(np.array([1.0, 2.0, 4.0]), 50).item()
    2.0
    """
    return _quantiles("percentile", a, divide(q, 100), axis, method, keepdims, False)


@one_program(2)
def nanpercentile(a: ArrayLike, q: ArrayLike, axis: AxisLike = None, *, method: str = "linear", keepdims: bool = False
                  ) -> Array:
    """`nanquantile` of q / 100.

    >>> nanpercentile(np.array([1.0, np.nan, 4.0]), 50).item()
    2.5
    """
    return _quantiles("nanpercentile", a, divide(q, 100), axis, method, keepdims, True)


@one_program(1)
def median(a: ArrayLike, axis: AxisLike = None, *, keepdims: bool = False) -> Array:
    """The middle element along `axis`; the mean of the two middle ones if their number is even. A NaN gives NaN.

    >>> median(np.array([5, 1, 2, 4])).item()
    3.0
    """
    return _quantiles("median", a, 0.5, axis, "linear", keepdims, False)


@one_program(1)
def nanmedian(a: ArrayLike, axis: AxisLike = None, *, keepdims: bool = False) -> Array:
    """As `median`, of what is no NaN.

    >>> nanmedian(np.array([5, np.nan, 2])).item()
    3.5
    """
    return _quantiles("nanmedian", a, 0.5, axis, "linear", keepdims, True)


def cov(m: ArrayLike, y: ArrayLike | None = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
        fweights: ArrayLike | None = None, aweights: ArrayLike | None = None, dtype: DTypeLike = None) -> Array:
    """The covariance matrix of variables, one a row (`rowvar`) or one a column; `y` adds variables.

    Divided by the number of observations less `ddof` (1, or 0 with `bias`). `fweights` count how often an observation
    occurs, `aweights` are their importances.

    Raises ShapeError for rank 3 or more and for weights that do not fit.

    >>> cov(np.array([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    x = _variables("cov", m, y, rowvar)
    x = x if dtype is None else convert(x, np.dtype(dtype))
    count = x.shape[1]
    weights = _weights(count, fweights, aweights)
    mean = average(x, 1, weights)
    taken = (0 if bias else 1) if ddof is None else ddof
    if weights is None:
        total: Any = float(count)
        less: Any = taken
    else:
        total = sum(weights)
        less = taken if aweights is None else divide(multiply(taken, sum(multiply(weights, aweights))), total)
    centred = subtract(x, expand_dims(mean, 1))
    weighted = centred if weights is None else multiply(centred, weights)
    found = divide(matmul(weighted, conj(centred.T)), maximum(subtract(total, less), 0))
    return reshape(found, ()) if x.shape[0] == 1 else found


def _variables(function: str, m: ArrayLike, y: ArrayLike | None, rowvar: bool) -> Array:
    given = [inexact(function, z) for z in (m, y) if z is not None]
    for z in given:
        if z.ndim > 2:
            raise shape_error(f"{function}: wanted rank 1 or 2, got {z.aval}")
    rows = [atleast_2d(z) if rowvar or z.ndim < 2 else z.T for z in given]
    if len(rows) > 1 and rows[0].shape[1] != rows[1].shape[1]:
        raise shape_error(f"{function}: wanted as many observations of each variable, got {given[0].aval} and "
                          f"{given[1].aval}")
    return concatenate(rows, 0) if len(rows) > 1 else rows[0]


def _weights(count: int, fweights: ArrayLike | None, aweights: ArrayLike | None) -> Array | None:
    found = [array("cov", w) for w in (fweights, aweights) if w is not None]
    for w in found:
        if w.shape != (count,):
            raise shape_error(f"cov: wanted weights of shape {(count,)}, one for each observation, got {w.aval}")
    return None if not found else found[0] if len(found) == 1 else multiply(*found)


def corrcoef(x: ArrayLike, y: ArrayLike | None = None, rowvar: bool = True, dtype: DTypeLike = None) -> Array:
    """Correlation coefficients: covariances divided by the standard deviations of both variables.

    Raises ShapeError for rank 3 or more.

    >>> corrcoef(np.array([[0.0, 1.0, 2.0], [4.0, 2.0, 0.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return divide(c, c)
    spread = sqrt(diag(c).real)
    found = divide(divide(c, expand_dims(spread, 1)), expand_dims(spread, 0))
    return found if is_complex(found.dtype) else clip(found, -1, 1)


def bincount(x: ArrayLike, weights: ArrayLike | None = None, minlength: int = 0, *, length: int | None = None) -> Array:
    """How often each number from 0 occurs in a vector of integers; with weights, their sums.

    The length of the result is the largest number + 1, at least `minlength`; or `length`, which must be given while x
    is traced. Then negative numbers count as 0, and those from `length` on are left out.

    Raises ArgumentError for a negative number without `length`, TypeError for floats and for unknown values without
    `length`, ShapeError unless x is a vector.

    >>> bincount(np.array([1, 1, 3])).tolist()
    [0, 2, 0, 1]
    """
    numbers = array("bincount", x)
    if numbers.ndim != 1:
        raise shape_error(f"bincount: wanted a vector, got {numbers.aval}", "Ravel it.")
    if not is_integer(numbers.dtype):
        raise type_error(f"bincount: wanted integers, got {numbers.aval}")
    amounts = None if weights is None else array("bincount", weights)
    if amounts is not None and amounts.shape != numbers.shape:
        raise shape_error(f"bincount: wanted weights of shape {numbers.shape}, got {amounts.aval}")
    if length is None:
        try:
            values = known_values(numbers, "bincount(x)")
        except UnknownValueError:
            raise type_error(f"bincount: the length of the result depends on the values of {numbers.aval}, which are "
                             "not known while tracing", "Give it, as in bincount(x, length=n).") from None
        if values.size and int(values.min()) < 0:
            raise argument_error(f"bincount: wanted numbers from 0, got {values.min()}")
        length = int(values.max()) + 1 if values.size else 0
    size = sorted([operator.index(length), operator.index(minlength)])[1]
    if size >= 2 ** 31:
        raise argument_error(f"bincount: positions end at {2 ** 31 - 1}, wanted {size} of them")
    return _counted(numbers, amounts, size)


@one_program(2)
def _counted(numbers: Array, amounts: Array | None, length: int) -> Array:
    places = clip(as_positions(numbers, length), 0, length)
    return _sums(places, full(numbers.shape, 1, I32) if amounts is None else amounts, length)


def _sums(places: Array, amounts: Array, length: int) -> Array:
    """For each place the sum of the amounts there; the place `length` is outside and dropped."""
    return array("bincount", scatter(full((length,), 0, amounts.dtype), convert(places, I32), amounts, 0, "add"))


def histogram_bin_edges(a: ArrayLike, bins: ArrayLike = 10, range: Sequence[ArrayLike] | None = None,
                        weights: ArrayLike | None = None) -> Array:
    """The edges of `bins` equal bins from the smallest to the largest element (or over `range`); edges that are given
    as a vector are those.

    Raises ArgumentError for a rule by name, such as "auto".

    >>> histogram_bin_edges(np.array([0.0, 2.0, 4.0]), 2).tolist()
    [0.0, 2.0, 4.0]
    """
    if isinstance(bins, str):
        raise argument_error(f"histogram_bin_edges: wanted a number of bins or their edges, got {bins!r}")
    x, edges = inexact("histogram_bin_edges", a), array("histogram_bin_edges", bins)
    if edges.ndim == 1:
        return edges
    count = operator.index(bins)        # pyright: ignore[reportArgumentType]
    if count < 1:
        raise argument_error(f"histogram_bin_edges: wanted one bin or more, got {count}")
    if range is None:
        low, high = (min(x), max(x)) if x.size else (asarray(0.0, x.dtype), asarray(1.0, x.dtype))
    else:
        low, high = [convert(array("histogram_bin_edges", r), x.dtype) for r in range]
    low, high = [convert(v, F32) if v.dtype.itemsize < 4 else v for v in (low, high)]
    alone = equal(low, high)
    return linspace(where(alone, subtract(low, 0.5), low), where(alone, add(high, 0.5), high), count + 1, dtype=x.dtype)


def histogram(a: ArrayLike, bins: ArrayLike = 10, range: Sequence[ArrayLike] | None = None,
              weights: ArrayLike | None = None, density: bool | None = None) -> tuple[Array, Array]:
    """How many elements lie in each bin (with `weights` their sums; with `density` divided by widths and total), and
    the edges. The last bin holds its upper edge; what lies outside is left out.

    Counts are floats, as in JAX. Raises ShapeError for weights of another shape.

    >>> [x.tolist() for x in histogram(np.array([0.0, 1.0, 4.0]), 2)]
    [[2.0, 1.0], [0.0, 2.0, 4.0]]
    """
    x = ravel(inexact("histogram", a))
    edges = histogram_bin_edges(x, bins, range, weights)
    amounts = full(x.shape, 1.0, x.dtype) if weights is None else ravel(array("histogram", weights))
    if amounts.shape != x.shape:
        raise shape_error(f"histogram: wanted weights of shape {x.shape}, got {amounts.aval}")
    counts = _sums(_bin(x, edges), amounts, edges.shape[0] - 1)
    if density:
        counts = divide(divide(counts, diff(edges)), sum(counts))
    return counts, edges


def histogram2d(x: ArrayLike, y: ArrayLike, bins: Any = 10, range: Sequence[Any] | None = None,
                weights: ArrayLike | None = None, density: bool | None = None) -> tuple[Array, Array, Array]:
    """How many points (x, y) lie in each cell of a grid, and the edges along x and y; see `histogram`.

    `bins`: one number or vector of edges for both directions, or a pair of these.

    >>> histogram2d(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 2)[0].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    first, second = ravel(inexact("histogram2d", x)), ravel(inexact("histogram2d", y))
    if first.shape != second.shape:
        raise shape_error(f"histogram2d: wanted as many x as y, got {first.aval} and {second.aval}")
    given = as_sequence(bins)
    pair = given if len(given) == 2 else (bins, bins)
    x_range, y_range = (None, None) if range is None else range
    edges = [histogram_bin_edges(z, b, r) for z, b, r in zip((first, second), pair, (x_range, y_range), strict=True)]
    amounts = full(first.shape, 1.0, first.dtype) if weights is None else ravel(array("histogram2d", weights))
    rows, columns = [e.shape[0] - 1 for e in edges]
    places = add(multiply(_bin(first, edges[0]), columns), _bin(second, edges[1]))
    outside = (_bin(first, edges[0]) >= rows) | (_bin(second, edges[1]) >= columns)
    counts = reshape(_sums(where(outside, rows * columns, places), amounts, rows * columns), (rows, columns))
    if density:
        area = multiply(expand_dims(diff(edges[0]), 1), expand_dims(diff(edges[1]), 0))
        counts = divide(divide(counts, area), sum(counts))
    return counts, edges[0], edges[1]


@one_program(2)
def _bin(x: Array, edges: Array) -> Array:
    """The bin of each element; the number of bins for those outside."""
    count = edges.shape[0] - 1
    last = part(edges, 0, count, count + 1)
    places = where(equal(x, last), count - 1, subtract(searchsorted(edges, x, side="right"), 1))
    return where(logical_and(x >= part(edges, 0, 0, 1), x <= last), places, count)


def digitize(x: ArrayLike, bins: ArrayLike, right: bool = False) -> Array:
    """The number of the bin of each element: i where bins[i - 1] <= x < bins[i] (with `right`, < and <=). The edges may
    descend.

    Raises ShapeError unless `bins` is a vector.

    >>> digitize(np.array([0.5, 1.0, 9.0]), np.array([0.0, 1.0, 2.0])).tolist()
    [1, 2, 3]
    """
    edges = array("digitize", bins)
    if edges.ndim != 1:
        raise shape_error(f"digitize: bins must be a vector, got {edges.aval}")
    if edges.size == 0:
        return full(array("digitize", x).shape, 0, I32)
    side = "left" if right else "right"
    backwards = subtract(edges.size, searchsorted(edges[::-1], x, side))
    return where(edges[-1] >= edges[0], searchsorted(edges, x, side), backwards)
