"""The largest and smallest elements, and elements chosen or brought into order by others, with jax.lax's names."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lantern.dtypes import BOOL, is_complex, is_integer
from lantern.eager import one_program
from lantern.lax.operands import (
    ArrayLike,
    argument_error,
    array,
    canonical_axis,
    exact,
    shape_error,
    stretch,
    type_error,
    whole,
)
from lantern.lax.sorting import sort
from lantern.ops import shape as ops
from lantern.ops import sort as orders
from lantern.ops.compare import lt, select
from lantern.ops.elementwise import not_
from lantern.ops.index import take_along_axis
from lantern.trace.array import Array
from lantern.trace.context import typeof
from lantern.trace.primitive import Value


@one_program(1)
def top_k(operand: ArrayLike, k: int, *, axis: int = -1) -> tuple[Array, Array]:
    """The k largest elements along an axis in descending order, and their positions (i32). Of equal ones the first
    comes first; NaN counts as larger than everything. The derivative follows the elements.

    Raises ArgumentError if there are not k elements, TypeError for complex numbers.

    >>> import numpy as np
    >>> [x.tolist() for x in top_k(np.array([2.0, 5.0, 1.0, 5.0]), 3)]
    [[5.0, 5.0, 2.0], [1, 3, 0]]
    """
    x = _ordered("top_k", operand)
    return _first("top_k", x, not_(orders.sortable(x)), k, axis)


@one_program(1)
def approx_max_k(operand: ArrayLike, k: int, reduction_dimension: int = -1, recall_target: float = 0.95,
                 reduction_input_size_override: int = -1, aggregate_to_topk: bool = True) -> tuple[Array, Array]:
    """The k largest elements along an axis and their positions: as `top_k`, exactly. The last three arguments, which
    trade exactness for speed on a TPU, change nothing.

    Raises ArgumentError if there are not k elements, TypeError for complex numbers.

    >>> import numpy as np
    >>> [x.tolist() for x in approx_max_k(np.array([2.0, 5.0, 1.0]), 2)]
    [[5.0, 2.0], [1, 0]]
    """
    x = _ordered("approx_max_k", operand)
    return _first("approx_max_k", x, not_(orders.sortable(x)), k, reduction_dimension)


@one_program(1)
def approx_min_k(operand: ArrayLike, k: int, reduction_dimension: int = -1, recall_target: float = 0.95,
                 reduction_input_size_override: int = -1, aggregate_to_topk: bool = True) -> tuple[Array, Array]:
    """The k smallest elements along an axis in ascending order and their positions, exactly; NaN comes last. The last
    three arguments, which trade exactness for speed on a TPU, change nothing.

    Raises ArgumentError if there are not k elements, TypeError for complex numbers.

    >>> import numpy as np
    >>> [x.tolist() for x in approx_min_k(np.array([2.0, 5.0, 1.0]), 2)]
    [[1.0, 2.0], [2, 0]]
    """
    x = _ordered("approx_min_k", operand)
    return _first("approx_min_k", x, orders.sortable(x), k, reduction_dimension)


def _ordered(function: str, operand: ArrayLike) -> Array:
    x = array(function, operand)
    if is_complex(x.dtype):
        raise type_error(f"{function}: complex numbers have no order, got {x.aval}", "Take abs, real or imag first.")
    if x.ndim == 0:
        raise shape_error(f"{function}: wanted an array of rank 1 or more, got {x.aval}")
    return x


def _first(function: str, x: Array, keys: Value, k: int, axis: int) -> tuple[Array, Array]:
    """The elements of x with the k smallest keys."""
    place, count = canonical_axis(function, axis, x.aval), whole(function, "k", k)
    if not 0 <= count <= x.shape[place]:
        raise argument_error(f"{function}: wanted k from 0 to {x.shape[place]}, the size of axis {place} of {x.aval}, "
                             f"got {count}")
    limits = [count if d == place else n for d, n in enumerate(x.shape)]
    order = ops.slice(orders.argsort(keys, place), [0] * x.ndim, limits)
    found = take_along_axis(x, order, place) if x.size else ops.slice(x, [0] * x.ndim, limits)
    return found, order


def sort_key_val(keys: ArrayLike, values: ArrayLike, dimension: int = -1, is_stable: bool = True) -> Any:
    """The keys in ascending order along an axis, and the values in the same order.

    Raises ShapeError for arrays of different shapes.

    >>> import numpy as np
    >>> [x.tolist() for x in sort_key_val(np.array([2, 1]), np.array([7, 8]))]
    [[1, 2], [8, 7]]
    """
    return sort((keys, values), dimension, is_stable, 1)


def select_n(which: ArrayLike, *cases: ArrayLike) -> Array:
    """Each element from the case that `which` names: bools choose between two, i32 between any number; numbers out of
    range take the nearest case. `which` has the cases' shape, or rank 0.

    Raises ArgumentError without cases and for bools with more than two, ShapeError for different shapes, TypeError if
    `which` is neither bool nor integer.

    >>> import numpy as np
    >>> select_n(np.array([0, 2]), np.array([1, 2]), np.array([3, 4]), np.array([5, 6])).tolist()
    [1, 6]
    """
    chosen = array("select_n", which)
    if not cases or (chosen.dtype == BOOL and len(cases) > 2):
        raise argument_error(f"select_n: wanted {'1 or 2' if cases else 'at least one of'} cases, got {len(cases)} "
                             f"beside {chosen.aval}")
    values: Sequence[Value] = exact(*cases, function="select_n")
    if chosen.dtype != BOOL and not is_integer(chosen.dtype):
        raise type_error(f"select_n: `which` must be bool or integers, got {chosen.aval}")
    shapes = [typeof(v).shape for v in values]
    if any([s != shapes[0] for s in shapes]) or chosen.shape not in ((), shapes[0]):
        raise shape_error(f"select_n: cases must have one shape, and `which` that or rank 0, got {chosen.aval} and "
                          f"{', '.join([str(typeof(v)) for v in values])}")
    chosen = stretch(chosen, shapes[0])
    if chosen.dtype == BOOL:
        return array("select_n", select(chosen, values[-1], values[0]))
    found = values[-1]
    for number, value in reversed(list(enumerate(values[:-1]))):
        found = select(lt(chosen, number + 1), value, found)
    return array("select_n", found)
