"""Patches: all windows of fixed sizes that slide along some axes, as a view; and its transposition, which adds them up.

On a device patches are no work: whoever reads them (a matrix product, a reduction) reads the array at a stride.
"""
from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lantern.errors import ShapeError
from lantern.lower import views
from lantern.lower.expr import row_major
from lantern.lower.kernel import Kernel
from lantern.ops import shape as ops
from lantern.ops.broadcast import full, reduce_sum
from lantern.ops.build import AnyArray, check_axes, linear
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind1, typeof
from lantern.trace.primitive import Axis, Value

UNROLLED = 32       # elements of a window up to which one kernel reads each of them by name


@dataclass(frozen=True, slots=True, repr=False)
class Slide:
    """How a window of `size` elements, `dilation` apart, moves along an axis: by `stride`.

    >>> Slide(0, 3, stride=2).count(9)
    4
    """

    axis: int
    size: int
    stride: int = 1
    dilation: int = 1

    @property
    def span(self) -> int:
        """How many positions it covers."""
        return (self.size - 1) * self.dilation + 1

    def count(self, n: int) -> int:
        """At how many places it fits into n positions."""
        return max(0, (n - self.span) // self.stride + 1)

    def __repr__(self) -> str:
        return briefly("Slide", self.axis, self.size, stride=(self.stride, 1), dilation=(self.dilation, 1))


def briefly(name: str, *always: object, **others: tuple[int, int]) -> str:
    """How a value is printed in jaxprs: `others` (value, default) only where they are not what is usual.

    >>> briefly("Slide", 0, 3, stride=(2, 1), dilation=(1, 1))
    'Slide(0, 3, stride=2)'
    """
    told = [f"{key}={value}" for key, (value, default) in others.items() if value != default]
    return f"{name}({', '.join([*map(repr, always), *told])})"


def check_slides(name: str, x: ShapedArray, slides: Sequence[Slide]) -> None:
    """Raises ShapeError unless the slides are along different axes of x, with sizes and steps of 1 or more."""
    check_axes(name, x, [s.axis for s in slides])
    if any(s.size < 1 or s.stride < 1 or s.dilation < 1 for s in slides):
        raise ShapeError(f"{name}: sizes, strides and dilations must be 1 or more, got {tuple(slides)} for {x}")


def _abstract(x: ShapedArray, *, slides: tuple[Slide, ...]) -> Sequence[ShapedArray]:
    check_slides("patches", x, slides)
    along = {s.axis: s for s in slides}
    counts = [along[k].count(n) if k in along else n for k, n in enumerate(x.shape)]
    return [x.with_shape((*counts, *[s.size for s in slides]))]


def _impl(x: AnyArray, *, slides: tuple[Slide, ...]) -> Sequence[AnyArray]:
    return [_view(x, slides).copy()]


def _view(x: AnyArray, slides: tuple[Slide, ...]) -> AnyArray:
    along = {s.axis: s for s in slides}
    counts = [along[k].count(n) if k in along else n for k, n in enumerate(x.shape)]
    steps = [d * along[k].stride if k in along else d for k, d in enumerate(x.strides)]
    inner = [x.strides[s.axis] * s.dilation for s in slides]
    if 0 in counts:
        return np.zeros((*counts, *[s.size for s in slides]), x.dtype)
    return np.lib.stride_tricks.as_strided(x, (*counts, *[s.size for s in slides]), (*steps, *inner))


def _lower(avals: Sequence[ShapedArray], *, slides: tuple[Slide, ...]) -> Kernel:
    x, out = avals[0], _abstract(avals[0], slides=slides)[0]
    if not out.size:
        return views.loop_nest(avals, out, lambda body: body.const(0, x.dtype))
    lies, along = row_major(x.shape), {s.axis: s.stride for s in slides}
    steps = [lie * along.get(k, 1) for k, lie in enumerate(lies)]
    return views.view(x, out, 0, [*steps, *[lies[s.axis] * s.dilation for s in slides]])


def _transpose(ct: Value, aval: ShapedArray, *, slides: tuple[Slide, ...]) -> Value:
    return overlap_add(ct, aval, slides)


def _batch(axis: Axis, x: Value, *, slides: tuple[Slide, ...]) -> Value:
    return patches(x, [Slide(s.axis + 1, s.size, s.stride, s.dilation) for s in slides])


patches_p = linear("patches", _abstract, _impl, _lower, _transpose, _batch)


def patches(x: Value, slides: Sequence[Slide]) -> Value:
    """All windows of x: the axis of each slide counts its places, and its window's elements are a new axis at the end.

    Raises ShapeError for axes that x does not have, or are given twice, and for sizes, strides and dilations below 1.

    >>> patches(np.float32([1, 2, 3, 4]), [Slide(0, 2)]).tolist()
    [[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]
    """
    return bind1(patches_p, x, slides=tuple(slides)) if slides else x


def elements(x: Value, slides: Sequence[Slide]) -> list[Value]:
    """For each element of the windows, in row-major order, its value in all of them; there is at least one window.

    >>> [x.tolist() for x in elements(np.float32([1, 2, 3, 4]), [Slide(0, 2)])]
    [[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]]
    """
    shape = typeof(x).shape
    counts = {s.axis: s.count(shape[s.axis]) for s in slides}
    found: list[Value] = []
    for places in itertools.product(*[range(s.size) for s in slides]):
        start, limit, step = [0] * len(shape), list(shape), [1] * len(shape)
        for s, k in zip(slides, places, strict=True):
            start[s.axis] = k * s.dilation
            limit[s.axis] = start[s.axis] + (counts[s.axis] - 1) * s.stride + 1
            step[s.axis] = s.stride
        found.append(ops.slice(x, start, limit, step))
    return found


def overlap_add(y: Value, aval: ShapedArray, slides: Sequence[Slide]) -> Value:
    """The array of type `aval` to which each element of the patches y was added at the place that it was read from.

    >>> from lantern.trace.aval import shaped
    >>> overlap_add(np.ones((3, 2), np.float32), shaped((4,), np.dtype("float32")), [Slide(0, 2)]).tolist()
    [1.0, 2.0, 2.0, 1.0]
    """
    if not aval.size or not typeof(y).size:
        return full(aval.shape, 0, aval.dtype)
    for s in reversed(slides):
        y = _add_along(y, s, aval.shape[s.axis])
    return y


def _add_along(y: Value, s: Slide, n: int) -> Value:
    """The last axis (the elements of a window) added into axis s.axis (its places), which then has n positions."""
    shape, last = typeof(y).shape, typeof(y).ndim - 1
    before, count, after = shape[:s.axis], shape[s.axis], shape[s.axis + 1:last]
    rest, nothing = list(range(s.axis + 1, last)), (0, 0, 0)
    if s.dilation == 1 and s.stride >= s.size:      # windows lie side by side: nothing meets
        y = ops.transpose(y, [*range(s.axis), s.axis, last, *rest])
        y = ops.pad(y, 0, [*[nothing] * (s.axis + 1), (0, s.stride - s.size, 0), *[nothing] * len(rest)])
        y = ops.reshape(y, (*before, count * s.stride, *after))
        return ops.pad(y, 0, [*[nothing] * s.axis, (0, n - count * s.stride, 0), *[nothing] * len(rest)])
    # Line j of [size, n] wants the places moved by j * dilation: lines that are longer by the dilation, read as ones of
    # n positions, are. What is moved past an end is padding.
    y = ops.transpose(y, [*range(s.axis), last, s.axis, *rest])
    width = n + s.dilation
    high = width - ((count - 1) * s.stride + 1)
    y = ops.pad(y, 0, [*[nothing] * (s.axis + 1), (0, high, s.stride - 1), *[nothing] * len(rest)])
    y = ops.reshape(y, (*before, s.size * width, *after))
    y = ops.slice(y, [0] * last, [*before, s.size * n, *after])
    y = ops.reshape(y, (*before, s.size, n, *after))
    return reduce_sum(y, (s.axis,))
