"""The same elements in another shape or order: reshape, transpose, flip, roll, broadcast."""
from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from lantern.eager import one_program
from lantern.lax.operands import (
    ArrayLike,
    AxisLike,
    ShapeLike,
    argument_error,
    array,
    as_sequence,
    canonical_axes,
    canonical_axis,
    canonical_shape,
    common_shape,
    shape_error,
    size_of,
    stretch,
    whole,
)
from lantern.lax.operands import array as _array
from lantern.ops import shape as ops
from lantern.trace.array import Array


def shape(a: ArrayLike) -> tuple[int, ...]:
    """The sizes of the axes.

    >>> import numpy as np
    >>> shape(np.zeros((2, 3)))
    (2, 3)
    """
    return array("shape", a).shape


def ndim(a: ArrayLike) -> int:
    """The number of axes.

    >>> import numpy as np
    >>> ndim(np.zeros((2, 3)))
    2
    """
    return array("ndim", a).ndim


def size(a: ArrayLike, axis: int | None = None) -> int:
    """The number of elements, or the size of one axis.

    >>> import numpy as np
    >>> size(np.zeros((2, 3))), size(np.zeros((2, 3)), axis=1)
    (6, 3)
    """
    x = array("size", a)
    return x.size if axis is None else x.shape[canonical_axis("size", axis, x.aval)]


def reshape(a: ArrayLike, shape: ShapeLike, order: str = "C", *, copy: bool | None = None) -> Array:
    """The same elements in row-major order in another shape; one size may be -1 and follows from the others.

    `order` "F": column-major, in the operand and in the result. `copy` is there for NumPy's sake: arrays are immutable.
    Raises ShapeError if the numbers of elements differ, ArgumentError for another order.

    >>> import numpy as np
    >>> reshape(np.arange(6), (2, -1)).tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    x = array("reshape", a)
    if order == "F":
        return transpose(ops.reshape(transpose(x), _filled_in(x, shape)[::-1]))
    if order != "C":
        raise argument_error(f"reshape: wanted an order of 'C' or 'F', got {order!r}")
    return ops.reshape(x, _filled_in(x, shape))


def _filled_in(x: Array, shape: Any) -> tuple[int, ...]:
    """The shape with -1 replaced."""
    found = [whole("reshape", "a size", n) for n in (shape if getattr(shape, "ndim", 0) == 1 else as_sequence(shape))]
    missing = [k for k, n in enumerate(found) if n == -1]
    known = size_of([n for n in found if n != -1])
    if len(missing) == 1 and known and x.size % known == 0:
        found[missing[0]] = x.size // known
    elif missing or size_of(found) != x.size or any(n < 0 for n in found):
        raise shape_error(f"reshape: {x.aval} has {x.size} elements, which do not fit shape {tuple(found)}",
                          "At most one size may be -1, and the others must divide the number of elements." if missing
                          else "")
    return tuple(found)


def ravel(a: ArrayLike) -> Array:
    """All elements along one axis, in row-major order.

    >>> import numpy as np
    >>> ravel(np.array([[1, 2], [3, 4]])).tolist()
    [1, 2, 3, 4]
    """
    x = array("ravel", a)
    return ops.reshape(x, (x.size,))


def transpose(a: ArrayLike, axes: Sequence[int] | None = None) -> Array:
    """The axes in another order: axis k of the result is axis axes[k] of a. None reverses them.

    Raises ShapeError unless `axes` names each axis once.

    >>> import numpy as np
    >>> transpose(np.array([[1, 2], [3, 4]])).tolist()
    [[1, 3], [2, 4]]
    """
    x = array("transpose", a)
    if axes is None:
        return ops.transpose(x, tuple(range(x.ndim))[::-1])
    order = canonical_axes("transpose", tuple(axes), x.aval)
    if len(order) != x.ndim:
        raise shape_error(f"transpose: wanted an order of {x.ndim} axes, got {tuple(axes)} for {x.aval}")
    return ops.transpose(x, order)


def permute_dims(a: ArrayLike, /, axes: Sequence[int]) -> Array:
    """As `transpose` with given axes.

    >>> import numpy as np
    >>> permute_dims(np.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    return transpose(a, axes)


def matrix_transpose(x: ArrayLike, /) -> Array:
    """The last two axes exchanged.

    >>> import numpy as np
    >>> matrix_transpose(np.zeros((5, 2, 3))).shape
    (5, 3, 2)
    """
    return swapaxes(x, -1, -2)


def swapaxes(a: ArrayLike, axis1: int, axis2: int) -> Array:
    """Two axes exchanged.

    >>> import numpy as np
    >>> swapaxes(np.zeros((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    x = array("swapaxes", a)
    first, second = canonical_axis("swapaxes", axis1, x.aval), canonical_axis("swapaxes", axis2, x.aval)
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    return ops.transpose(x, order)


def moveaxis(a: ArrayLike, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    """Axes `source` go to the places `destination`; the others keep their order.

    Raises ArgumentError if the two differ in length.

    >>> import numpy as np
    >>> moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = array("moveaxis", a)
    old, new = canonical_axes("moveaxis", source, x.aval), canonical_axes("moveaxis", destination, x.aval)
    if len(old) != len(new):
        raise argument_error(f"moveaxis: source and destination must have one length, got {source} and {destination}")
    rest = iter([k for k in range(x.ndim) if k not in old])
    order = [old[new.index(k)] if k in new else next(rest) for k in range(x.ndim)]
    return ops.transpose(x, order)


def expand_dims(a: ArrayLike, axis: int | Sequence[int]) -> Array:
    """With new axes of size 1, which stand at `axis` in the result.

    >>> import numpy as np
    >>> expand_dims(np.zeros((2, 3)), (0, -1)).shape
    (1, 2, 3, 1)
    """
    x = array("expand_dims", a)
    rank = x.ndim + (len(axis) if isinstance(axis, Sequence) else 1)
    places = canonical_axes("expand_dims", axis, x.aval, rank)
    sizes = iter(x.shape)
    return ops.reshape(x, [1 if k in places else next(sizes) for k in range(rank)])


def squeeze(a: ArrayLike, axis: AxisLike = None) -> Array:
    """Without axes of size 1: the given ones, or all.

    Raises ShapeError if a given axis has another size.

    >>> import numpy as np
    >>> squeeze(np.zeros((1, 2, 1))).shape
    (2,)
    """
    x = array("squeeze", a)
    if axis is None:
        return ops.reshape(x, [n for n in x.shape if n != 1])
    gone = canonical_axes("squeeze", axis, x.aval)
    for k in gone:
        if x.shape[k] != 1:
            raise shape_error(f"squeeze: axis {k} must have size 1, got {x.shape[k]} in {x.aval}")
    return ops.reshape(x, [n for k, n in enumerate(x.shape) if k not in gone])


def broadcast_to(array: ArrayLike, shape: ShapeLike) -> Array:
    """Repeated to `shape` by NumPy's rule: axes are aligned from the right; size 1 stretches.

    Raises ShapeError if the shape does not fit.

    >>> import numpy as np
    >>> broadcast_to(np.arange(2), (2, 2)).tolist()
    [[0, 1], [0, 1]]
    """
    x, target = _array("broadcast_to", array), canonical_shape("broadcast_to", shape)
    padded = (1,) * (len(target) - x.ndim) + x.shape
    if len(padded) != len(target) or any(old not in (1, new) for old, new in zip(padded, target, strict=True)):
        raise shape_error(f"broadcast_to: {x.aval} does not fit shape {target}")
    return stretch(x, target)


def broadcast_shapes(*shapes: ShapeLike) -> tuple[int, ...]:
    """The shape that arrays of these shapes have together.

    Raises ShapeError if they cannot be broadcast together.

    >>> broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    return common_shape("broadcast_shapes", [canonical_shape("broadcast_shapes", s) for s in shapes])


def broadcast_arrays(*args: ArrayLike) -> list[Array]:
    """All arrays stretched to their common shape.

    Raises ShapeError if they cannot be broadcast together.

    >>> import numpy as np
    >>> [x.shape for x in broadcast_arrays(np.zeros((2, 1)), np.zeros(3))]
    [(2, 3), (2, 3)]
    """
    xs = [array("broadcast_arrays", a) for a in args]
    target = common_shape("broadcast_arrays", [x.shape for x in xs], xs)
    return [stretch(x, target) for x in xs]


def atleast_1d(x: ArrayLike, /) -> Array:
    """x with at least one axis.

    >>> atleast_1d(2.0).shape
    (1,)
    """
    a = array("atleast_1d", x)
    return a if a.ndim else ops.reshape(a, (1,))


def atleast_2d(x: ArrayLike, /) -> Array:
    """x with at least two axes; new ones come first.

    >>> import numpy as np
    >>> atleast_2d(np.zeros(3)).shape
    (1, 3)
    """
    a = array("atleast_2d", x)
    return a if a.ndim >= 2 else ops.reshape(a, (1, a.size))


def atleast_3d(x: ArrayLike, /) -> Array:
    """x with at least three axes: rank 1 becomes (1, n, 1), rank 2 (n, m, 1).

    >>> import numpy as np
    >>> atleast_3d(np.zeros(3)).shape
    (1, 3, 1)
    """
    a = array("atleast_3d", x)
    if a.ndim >= 3:
        return a
    return ops.reshape(a, (*a.shape, 1) if a.ndim == 2 else (1, a.size, 1))


@one_program(1)
def flip(m: ArrayLike, axis: AxisLike = None) -> Array:
    """Backwards along `axis`; None: along all axes.

    >>> import numpy as np
    >>> flip(np.arange(3)).tolist()
    [2, 1, 0]
    """
    x = array("flip", m)
    return ops.rev(x, canonical_axes("flip", axis, x.aval))


def fliplr(m: ArrayLike) -> Array:
    """Backwards along axis 1.

    >>> import numpy as np
    >>> fliplr(np.array([[1, 2]])).tolist()
    [[2, 1]]
    """
    return flip(m, 1)


def flipud(m: ArrayLike) -> Array:
    """Backwards along axis 0.

    >>> import numpy as np
    >>> flipud(np.array([[1], [2]])).tolist()
    [[2], [1]]
    """
    return flip(m, 0)


@one_program(1)
def roll(a: ArrayLike, shift: int | Sequence[int], axis: AxisLike = None) -> Array:
    """Elements moved by `shift` along `axis`; what leaves one end comes in at the other. None: in the flattened array.

    Raises ArgumentError if shifts and axes differ in number.

    >>> import numpy as np
    >>> roll(np.arange(4), 1).tolist()
    [3, 0, 1, 2]
    """
    x = array("roll", a)
    if axis is None:
        flat = ops.reshape(x, (x.size,))
        return ops.reshape(roll(flat, shift, 0), x.shape)
    axes = [canonical_axis("roll", k, x.aval) for k in (axis if isinstance(axis, Sequence) else (axis,))]
    shifts = list(shift) if isinstance(shift, Sequence) else [shift] * len(axes)
    if len(axes) == 1:
        axes = axes * len(shifts)
    if len(shifts) != len(axes):
        raise argument_error(f"roll: wanted one shift for each axis, got shifts {shift} and axes {axis}")
    for step, k in zip(shifts, axes, strict=True):
        x = _rolled(x, operator.index(step), k)
    return x


def _rolled(x: Array, shift: int, axis: int) -> Array:
    length = x.shape[axis]
    cut = -shift % length if length else 0
    if cut == 0:
        return x
    return ops.concatenate([part(x, axis, cut, length), part(x, axis, 0, cut)], axis)


def part(x: Array, axis: int, start: int, stop: int) -> Array:
    """The positions from `start` to `stop` along one axis."""
    low, high = [0] * x.ndim, list(x.shape)
    low[axis], high[axis] = start, stop
    return ops.slice(x, low, high)


@one_program(1)
def rot90(m: ArrayLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """Turned by k quarter turns in the plane of two axes, from the first towards the second.

    >>> import numpy as np
    >>> rot90(np.array([[1, 2], [3, 4]])).tolist()
    [[2, 4], [1, 3]]
    """
    x = array("rot90", m)
    first, second = canonical_axes("rot90", axes, x.aval)
    match k % 4:
        case 0:
            return x
        case 1:
            return swapaxes(flip(x, second), first, second)
        case 2:
            return flip(x, (first, second))
        case _:
            return flip(swapaxes(x, first, second), second)
