"""Reductions over the last axes of a value."""
from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lantern.backends.numpy.memory import Layout, Value, merged
from lantern.dtypes import BF16, F16, F32, F64, is_float
from lantern.lower.expr import Const, DType, ReduceOp
from lantern.lower.scalar import identity

if TYPE_CHECKING:
    from lantern.backends.numpy.kernels import Writer
    from lantern.backends.numpy.plan import Node

_UFUNCS: dict[ReduceOp, np.ufunc] = {
    ReduceOp.SUM: np.add, ReduceOp.PROD: np.multiply, ReduceOp.MAX: np.maximum, ReduceOp.MIN: np.minimum,
    ReduceOp.AND: np.bitwise_and, ReduceOp.OR: np.bitwise_or,
}
_LONG = 1024    # columns beyond which sums want NumPy's pairwise order
_SMALL = 9216   # elements from which BLAS would wake its threads, which costs far more than the sum when cores are busy


def fold(to: Writer, number: int, node: Node, op: ReduceOp, count: int) -> Value:
    """Statements that reduce the operand's last `count` axes."""
    out = to.target(number, node, over=False)
    value = to.values[node.operands[0]]
    columns = node.domain[len(node.domain) - count:]
    if 0 in columns or not count:
        _trivial(to, node, op, out, value, count)
        return out
    value = _full(to, value, columns, out)
    if value.dtype in (F16, BF16):
        value = _widened(to, value)
    if op in (ReduceOp.ARGMAX, ReduceOp.ARGMIN):
        name = to.see(value)
        if count > 1:
            name = f"{name}.reshape({(*value.shape[:-count], math.prod(columns))})"
        to.line(f"{to.see(out)}[...] = {name}.{op.value}(-1)")
        return out
    result = out if value.dtype == out.dtype else _scratch(to, out.shape, value.dtype)
    if not (op is ReduceOp.SUM and _by_ones(to, value, result, count)):
        ufunc = _UFUNCS[op]
        axes = tuple(range(len(value.shape) - count, len(value.shape)))
        dtype = "None" if is_float(value.dtype) else to.code.dtype(value.dtype)
        name = to.use(ufunc, ufunc.__name__)
        to.line(f"{name}.reduce({to.see(value)}, {axes[0] if count == 1 else axes}, {dtype}, {to.see(result)})")
    if result is not out:
        to.line(f"{to.see(out)}[...] = {to.see(result)}")
    return out


def _trivial(to: Writer, node: Node, op: ReduceOp, out: Value, value: Value, count: int) -> None:
    """Of nothing, or of one element."""
    if op in (ReduceOp.ARGMAX, ReduceOp.ARGMIN):
        to.line(f"{to.see(out)}.fill(0)")
    elif count:
        to.line(f"{to.see(out)}.fill({to.code.constant(Const.of(identity(op, node.dtype), node.dtype))})")
    else:
        to.line(f"{to.see(out)}[...] = {to.see(value)}")


def _full(to: Writer, value: Value, columns: tuple[int, ...], out: Value) -> Value:
    """The value with all of its columns: one that does not vary along them counts as often as there are columns."""
    shape = out.shape + columns
    if value.shape == shape:
        return value
    name = f"{to.use(np.broadcast_to, 'broadcast_to')}({to.see(value)}, {shape})"
    return Value(name, shape, value.dtype)


def _widened(to: Writer, value: Value) -> Value:
    wide = _scratch(to, value.shape, F32)
    to.line(f"{to.see(wide)}[...] = {to.see(value)}")
    return wide


def _scratch(to: Writer, shape: tuple[int, ...], dtype: DType) -> Value:
    name = to.temporary(shape, dtype)
    return Value(name, shape, dtype, to.layouts[name])


def _by_ones(to: Writer, value: Value, out: Value, count: int) -> bool:
    """Short sums as a product with ones: BLAS needs a third of the time of a reduction."""
    columns = value.shape[len(value.shape) - count:]
    if value.dtype not in (F32, F64) or math.prod(columns) > _LONG or math.prod(value.shape) >= _SMALL:
        return False
    layout = value.layout
    if layout is None or out.layout is None or to.tile is not None or value.shape != layout.shape:
        return False
    rank = len(layout.shape) - count
    rows = merged(layout.shape[:rank], layout.strides[:rank])
    columns = merged(layout.shape[rank:], layout.strides[rank:])
    if rows is None or columns is None or rows[0] < 2 or columns[0] < 2:
        return False
    if not blas_takes((rows[0], columns[0]), (rows[1], columns[1])):
        return False
    size, dtype = columns[0], value.dtype
    matrix = to.name(Layout(layout.memory, dtype, layout.offset, (rows[0], size), (rows[1], columns[1])))
    flat = merged(out.layout.shape, out.layout.strides)
    if flat is None or flat[1] != 1:
        return False
    result = to.name(Layout(out.layout.memory, dtype, out.layout.offset, (rows[0],), (1,)))
    to.use(np.ones, "ones")
    ones = to.code.once_made(("ones", dtype, size), "k", f"ones({size}, {to.code.dtype(dtype)})")
    to.line(f"{to.use(np.dot, 'dot')}({matrix}, {ones}, {result})")
    return True


def blas_takes(shape: tuple[int, int], strides: tuple[int, int]) -> bool:
    """Whether BLAS can read a matrix where it lies: rows or columns are contiguous and do not overlap.

    >>> blas_takes((3, 4), (4, 1)), blas_takes((3, 4), (1, 3)), blas_takes((3, 4), (8, 2))
    (True, True, False)
    """
    (m, n), (row, column) = shape, strides
    return (column == 1 and row >= n) or (row == 1 and column >= m)
