"""Vectors as sets: different elements with their counts, membership, unions, intersections and differences.

Shapes that depend on values: as in `lantern.numpy.unique`, `size=` says how many results there are while tracing.
"""
from __future__ import annotations

from typing import Any, Generic, NamedTuple

from typing_extensions import TypeVar

from lantern.dtypes import BOOL, I32, is_complex
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, array, cast, common_dtype, type_error
from lantern.numpy.joining import concatenate
from lantern.numpy.logic import equal, logical_and, logical_not
from lantern.numpy.reductions import any as any_of
from lantern.numpy.searching import compress, unique
from lantern.numpy.shaping import ravel, reshape
from lantern.numpy.sorting import argsort, searchsorted, sort
from lantern.ops.broadcast import full
from lantern.ops.index import take
from lantern.trace.array import Array

# The types of the fields, of which the stubs say the shapes: values; positions and counts; numbers of values.
V = TypeVar("V", bound=Array[Any, *tuple[Any, ...]], default=Array)
P = TypeVar("P", bound=Array[Any, *tuple[Any, ...]], default=Array)
I = TypeVar("I", bound=Array[Any, *tuple[Any, ...]], default=Array)      # noqa: E741


class UniqueAll(NamedTuple, Generic[V, P, I]):
    """Values, the first position of each, the number of each element's value, and counts."""

    values: V
    indices: P
    inverse_indices: I
    counts: P


class UniqueCounts(NamedTuple, Generic[V, P]):
    """Values, and how often each occurs."""

    values: V
    counts: P


class UniqueInverse(NamedTuple, Generic[V, I]):
    """Values, and for each element the number of its value."""

    values: V
    inverse_indices: I


def unique_all(x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None) -> UniqueAll:
    """The different elements in ascending order, the position of the first of each, for each element the number of its
    value, and counts. NaNs differ from each other. `size` as in `unique`.

    >>> import numpy as np
    >>> [v.tolist() for v in unique_all(np.array([3, 1, 1]))]
    [[1, 3], [1, 0], [1, 0, 0], [2, 1]]
    """
    return UniqueAll(*unique(x, True, True, True, equal_nan=False, size=size, fill_value=fill_value))


def unique_counts(x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None) -> UniqueCounts:
    """The different elements in ascending order, and how often each occurs. NaNs differ from each other. `size` as in
    `unique`.

    >>> import numpy as np
    >>> [v.tolist() for v in unique_counts(np.array([3, 1, 1]))]
    [[1, 3], [2, 1]]
    """
    return UniqueCounts(*unique(x, return_counts=True, equal_nan=False, size=size, fill_value=fill_value))


def unique_inverse(x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None) -> UniqueInverse:
    """The different elements in ascending order, and for each element the number of its value. NaNs differ from each
    other. `size` as in `unique`.

    >>> import numpy as np
    >>> [v.tolist() for v in unique_inverse(np.array([3, 1, 1]))]
    [[1, 3], [1, 0, 0]]
    """
    return UniqueInverse(*unique(x, return_inverse=True, equal_nan=False, size=size, fill_value=fill_value))


def unique_values(x: ArrayLike, /, *, size: int | None = None, fill_value: ArrayLike | None = None) -> Array:
    """The different elements in ascending order. NaNs differ from each other. `size` as in `unique`.

    >>> import numpy as np
    >>> unique_values(np.array([3, 1, 1])).tolist()
    [1, 3]
    """
    return unique(x, equal_nan=False, size=size, fill_value=fill_value)


@one_program(2)
def isin(element: ArrayLike, test_elements: ArrayLike, assume_unique: bool = False, invert: bool = False, *,
         method: str = "auto") -> Array:
    """Whether each element occurs among the test elements; NaN never does. `invert`: whether it does not.

    By sorting the test elements and bisection; complex numbers are compared with each.

    >>> import numpy as np
    >>> isin(np.array([1, 2, 3]), np.array([3, 1])).tolist()
    [True, False, True]
    """
    x, tests = array("isin", element), ravel(array("isin", test_elements))
    dtype = common_dtype([x, tests], function="isin")[0]
    x, tests = array("isin", cast(x, dtype)), array("isin", cast(tests, dtype))
    if tests.size == 0:
        found = array("isin", full(x.shape, False, BOOL))
    elif is_complex(dtype):
        found = any_of(equal(reshape(x, (*x.shape, 1)), tests), -1)
    else:
        ordered = sort(tests)
        found = equal(take(ordered, searchsorted(ordered, x), 0), x)
    return logical_not(found) if invert else found


def _vectors(function: str, ar1: ArrayLike, ar2: ArrayLike) -> tuple[Array, Array]:
    x, y = ravel(array(function, ar1)), ravel(array(function, ar2))
    dtype = common_dtype([x, y], function=function)[0]
    if is_complex(dtype):
        raise type_error(f"{function}: complex numbers have no order, got {x.aval} and {y.aval}")
    return array(function, cast(x, dtype)), array(function, cast(y, dtype))


def union1d(ar1: ArrayLike, ar2: ArrayLike, *, size: int | None = None, fill_value: ArrayLike | None = None) -> Array:
    """What occurs in one of two arrays, in ascending order. `size` as in `unique`.

    >>> import numpy as np
    >>> union1d(np.array([3, 1]), np.array([1, 2])).tolist()
    [1, 2, 3]
    """
    return unique(concatenate(_vectors("union1d", ar1, ar2), 0), size=size, fill_value=fill_value)


def setdiff1d(ar1: ArrayLike, ar2: ArrayLike, assume_unique: bool = False, *, size: int | None = None,
              fill_value: ArrayLike = 0) -> Array:
    """What occurs in the first array and not in the second, in ascending order (with `assume_unique`: in the order of
    the first). `size` as in `nonzero`.

    >>> import numpy as np
    >>> setdiff1d(np.array([3, 1, 3]), np.array([1, 2])).tolist()
    [3]
    """
    _, y = _vectors("setdiff1d", ar1, ar2)
    x = ravel(array("setdiff1d", ar1))
    x = x if assume_unique else sort(x)
    there = isin(x, y, invert=True)
    return compress(there if assume_unique else logical_and(there, _first(x)), x, size=size, fill_value=fill_value)


def _first(ordered: Array) -> Array:
    """Where a sorted vector has an element for the first time."""
    if ordered.size == 0:
        return array("unique", full((0,), False, BOOL))
    start = array("unique", full((1,), True, BOOL))
    return concatenate([start, logical_not(equal(ordered[1:], ordered[:-1]))], 0)


def intersect1d(ar1: ArrayLike, ar2: ArrayLike, assume_unique: bool = False, return_indices: bool = False, *,
                size: int | None = None, fill_value: ArrayLike = 0) -> Any:
    """What occurs in both arrays, in ascending order; with `return_indices` followed by the first position of each in
    the first and in the second array. `size` as in `nonzero` (missing positions are 0).

    >>> import numpy as np
    >>> [v.tolist() for v in intersect1d(np.array([3, 1, 3]), np.array([4, 3]), return_indices=True)]
    [[3], [0], [1]]
    """
    x, y = _vectors("intersect1d", ar1, ar2)
    order = argsort(x)
    ordered = array("intersect1d", take(x, order, 0))
    there = logical_and(isin(ordered, y), _first(ordered))
    values = compress(there, ordered, size=size, fill_value=fill_value)
    if not return_indices:
        return values
    order_of_y = argsort(y)
    found = searchsorted(y, ordered, sorter=order_of_y)
    where_in_y = full(ordered.shape, 0, I32) if y.size == 0 else take(order_of_y, found, 0)
    return values, compress(there, order, size=size), compress(there, array("intersect1d", where_in_y), size=size)


def setxor1d(ar1: ArrayLike, ar2: ArrayLike, assume_unique: bool = False, *, size: int | None = None,
             fill_value: ArrayLike = 0) -> Array:
    """What occurs in exactly one of two arrays, in ascending order. `size` as in `nonzero`.

    >>> import numpy as np
    >>> setxor1d(np.array([3, 1]), np.array([1, 2])).tolist()
    [2, 3]
    """
    x, y = _vectors("setxor1d", ar1, ar2)
    alone = concatenate([isin(x, y, invert=True), isin(y, x, invert=True)], 0)
    both = concatenate([x, y], 0)
    order = argsort(both)
    ordered, single = array("setxor1d", take(both, order, 0)), array("setxor1d", take(alone, order, 0))
    return compress(logical_and(single, _first(ordered)), ordered, size=size, fill_value=fill_value)
