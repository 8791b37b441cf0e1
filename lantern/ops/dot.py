"""dot_general: sums of products over any axes of two arrays, batched over others. Every matrix product is one."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from lantern.dtypes import C128, F64, is_complex, is_float
from lantern.errors import ShapeError
from lantern.lower import views
from lantern.lower.kernel import Kernel
from lantern.ops.build import NUMBERS, AnyArray, check_axes, is_linear, listed, unaccepted
from lantern.ops.pointwise import add
from lantern.ops.shape import transpose
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind1, typeof
from lantern.trace.primitive import Axis, Dims, Primitive, Tangent, Value, Zero

Pairs: TypeAlias = "tuple[tuple[int, ...], tuple[int, ...]]"      # axes of x, and those of y they go with


def _rest(ndim: int, *taken: Sequence[int]) -> tuple[int, ...]:
    return tuple([k for k in range(ndim) if not any(k in axes for axes in taken)])


def _dot_abstract(x: ShapedArray, y: ShapedArray, *, contract: Pairs, batch: Pairs) -> Sequence[ShapedArray]:
    if x.dtype != y.dtype:
        raise ShapeError(f"dot: operands must have one dtype, got {listed([x, y])}. Convert them first")
    if x.dtype not in NUMBERS:
        raise unaccepted("dot", x, NUMBERS)
    for what, (left, right) in (("contracted", contract), ("batch", batch)):
        if len(left) != len(right):
            raise ShapeError(f"dot: wanted as many {what} axes of each operand, got {left} and {right} for "
                             f"{listed([x, y])}")
        for a, b in zip(left, right, strict=True):
            if a < x.ndim and b < y.ndim and x.shape[a] != y.shape[b]:
                raise ShapeError(f"dot: {what} sizes must agree, got {x.shape[a]} (axis {a} of {x}) and "
                                 f"{y.shape[b]} (axis {b} of {y})")
    check_axes("dot", x, (*contract[0], *batch[0]))
    check_axes("dot", y, (*contract[1], *batch[1]))
    free_x, free_y = _rest(x.ndim, contract[0], batch[0]), _rest(y.ndim, contract[1], batch[1])
    shape = (*[x.shape[k] for k in (*batch[0], *free_x)], *[y.shape[k] for k in free_y])
    return [shaped(shape, x.dtype, x.weak and y.weak)]


def _dot_impl(x: AnyArray, y: AnyArray, *, contract: Pairs, batch: Pairs) -> Sequence[AnyArray]:
    """By one batched matrix product; floats are multiplied and summed in double precision, and rounded once."""
    free_x, free_y = _rest(x.ndim, contract[0], batch[0]), _rest(y.ndim, contract[1], batch[1])
    shape = [*[x.shape[k] for k in (*batch[0], *free_x)], *[y.shape[k] for k in free_y]]
    wide = F64 if is_float(x.dtype) else C128 if is_complex(x.dtype) else x.dtype
    left = _grouped(x, batch[0], free_x, contract[0]).astype(wide)
    right = _grouped(y, batch[1], contract[1], free_y).astype(wide)
    return [np.matmul(left, right).astype(x.dtype).reshape(shape)]


def _grouped(x: AnyArray, *groups: Sequence[int]) -> AnyArray:
    sizes = [int(np.prod([x.shape[k] for k in g], dtype=np.int64)) for g in groups]
    return x.transpose([k for g in groups for k in g]).reshape(sizes)


def _dot_lower(avals: Sequence[ShapedArray], *, contract: Pairs, batch: Pairs) -> Kernel:
    out = _dot_abstract(*avals, contract=contract, batch=batch)[0]
    return views.matrix_product(avals[0], avals[1], out, contract, batch)


def _dot_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *, contract: Pairs,
             batch: Pairs) -> Sequence[Tangent]:
    (x, y), (dx, dy) = primals, tangents
    terms: list[Value] = []
    if type(dx) is not Zero:
        terms.append(dot_general(dx, y, contract, batch))
    if type(dy) is not Zero:
        terms.append(dot_general(x, dy, contract, batch))
    return [add(*terms) if len(terms) == 2 else terms[0] if terms else Zero(typeof(outs[0]))]


def _dot_transpose(cts: Sequence[Tangent], args: Sequence[Value], *, contract: Pairs,
                   batch: Pairs) -> Sequence[Value | None]:
    """The output's axes are batch, free of x, free of y. So x gets the product of ct and y over the free axes of y,
    with axes batch, free of x, contracted; y gets that of x and ct, with axes batch, contracted, free of y."""
    x, y = args
    count = len(batch[0])
    back: list[Value | None] = [None, None]
    if is_linear(x):
        free_x, free_y = _rest(x.aval.ndim, contract[0], batch[0]), _rest(typeof(y).ndim, contract[1], batch[1])
        ends = tuple(range(count + len(free_x), count + len(free_x) + len(free_y)))
        product = dot_general(cts[0], y, (ends, free_y), (tuple(range(count)), batch[1]))
        by_y = [a for _, a in sorted(zip(contract[1], contract[0], strict=True))]
        back[0] = _ordered(product, (*batch[0], *free_x, *by_y))
    if is_linear(y):
        free_x, free_y = _rest(typeof(x).ndim, contract[0], batch[0]), _rest(y.aval.ndim, contract[1], batch[1])
        middle = tuple(range(count, count + len(free_x)))
        product = dot_general(x, cts[0], (free_x, middle), (batch[0], tuple(range(count))))
        by_x = [b for _, b in sorted(zip(contract[0], contract[1], strict=True))]
        back[1] = _ordered(product, (*batch[1], *by_x, *free_y))
    return back


def _ordered(x: Value, axes: Sequence[int]) -> Value:
    """x has the axes named `axes`: bring them in order."""
    return transpose(x, sorted(range(len(axes)), key=axes.__getitem__))


def _dot_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, contract: Pairs,
               batch: Pairs) -> tuple[Sequence[Value], Dims]:
    """Both: one more batch axis. One: a free axis, which comes before its other free axes."""
    moved_x, moved_y = [0 if d is None else 1 for d in dims]
    contract = _moved(contract[0], moved_x), _moved(contract[1], moved_y)
    batch = _moved(batch[0], moved_x), _moved(batch[1], moved_y)
    if moved_x and moved_y:
        return [dot_general(args[0], args[1], contract, ((0, *batch[0]), (0, *batch[1])))], [0]
    out = dot_general(args[0], args[1], contract, batch)
    free_x = _rest(typeof(args[0]).ndim, contract[0], batch[0])
    place = len(batch[0]) if moved_x else len(batch[0]) + len(free_x)
    return [transpose(out, (place, *[k for k in range(typeof(out).ndim) if k != place]))], [0]


def _moved(axes: Sequence[int], by: int) -> tuple[int, ...]:
    return tuple([a + by for a in axes])


dot_general_p = Primitive("dot", _dot_abstract, _dot_impl, _dot_lower, _dot_batch, _dot_jvp, transpose=_dot_transpose)


def dot_general(x: Value, y: Value, contract: tuple[Sequence[int], Sequence[int]],
                batch: tuple[Sequence[int], Sequence[int]] = ((), ())) -> Value:
    """Sums of products over the `contract` axes (of x, of y), for each position along the `batch` axes.

    The result has the batch axes, then the other axes of x, then those of y. 16-bit floats are multiplied and summed in
    f32. Raises ShapeError if sizes or dtypes do not agree.

    >>> dot_general(np.float32([[1, 2], [3, 4]]), np.float32([1, 10]), ((1,), (0,))).tolist()
    [21.0, 43.0]
    """
    return bind1(dot_general_p, x, y, contract=(tuple(contract[0]), tuple(contract[1])),
                 batch=(tuple(batch[0]), tuple(batch[1])))
