"""Factorisations of large matrices on a GPU, a block of columns after the other: a kernel for the block, products for
the rest. Each is a loop whose carry holds the matrix and the number of the block.

The kernels of `linalg_wgsl` alone would be right, too, on hardware; but one workgroup is a small part of a GPU, and
software drivers stop the loops of an invocation after 65535 turns.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from lantern.dtypes import I32
from lantern.lower.kernel import Loop
from lantern.ops import shape as shapes
from lantern.ops.broadcast import broadcast_in_dim, full
from lantern.ops.compare import ge, is_nan, lt, select
from lantern.ops.elementwise import add, and_, mul, sub
from lantern.ops.index import take
from lantern.ops.linalg_parts import as_columns, eye, product, swapped, triangle
from lantern.ops.linalg_triangular import triangular_solve
from lantern.trace.aval import ShapedArray
from lantern.trace.context import typeof
from lantern.trace.primitive import SubLowering, Value
from lantern.trace.staging import trace_closed

Factor = Callable[[Value], Value]
Reflect = Callable[[Value], tuple[Value, Value]]


def _numbers(count: int) -> Value:
    return shapes.iota(I32, (count,), 0)


def _plus(places: Value, by: Value) -> Value:
    return add(places, broadcast_in_dim(by, typeof(places).shape, ()))


def _minus(places: Value, by: Value) -> Value:
    return sub(places, broadcast_in_dim(by, typeof(places).shape, ()))


def _rows(x: Value, places: Value) -> Value:
    """The rows at these places; zeros where there are none."""
    return take(x, places, typeof(x).ndim - 2, mode="zero")


def _columns(x: Value, places: Value) -> Value:
    return take(x, places, typeof(x).ndim - 1, mode="zero")


def _where_row(condition: Value, x: Value, y: Value) -> Value:
    """By a condition for each row."""
    aval = typeof(x)
    return select(broadcast_in_dim(condition, aval.shape, (aval.ndim - 2,)), x, y)


def _where_column(condition: Value, x: Value, y: Value) -> Value:
    aval = typeof(x)
    return select(broadcast_in_dim(condition, aval.shape, (aval.ndim - 1,)), x, y)


def _inside(places: Value, size: int) -> Value:
    return and_(ge(places, 0), lt(places, size))


def cholesky_step(factor: Factor, block: int, a: Value, k: Value) -> Sequence[Value]:
    """Columns k * block and so on become those of the factor; what lies to their right loses their products (Golub and
    Van Loan, "Matrix computations", 4.2.6)."""
    n, rank = typeof(a).shape[-1], typeof(a).ndim
    start = mul(k, block)
    places = _plus(_numbers(block), start)
    rows = _minus(_numbers(n), start)
    column = _columns(a, places)
    own = _rows(column, places)
    own = _where_row(ge(places, n), eye(own, block, block), own)        # past the end
    small = factor(own)
    below = triangular_solve(small, column, left_side=False, transpose_a=True)
    below = _where_row(ge(rows, block), below, 0)
    right = sub(a, product(below, swapped(below)))
    panel = add(below, _rows(small, rows))
    found = _where_column(_inside(rows, block), _columns(panel, rows), right)
    last = shapes.slice(small, [*[0] * (rank - 2), block - 1, block - 1], typeof(small).shape)
    failed = broadcast_in_dim(is_nan(last), typeof(a).shape, tuple(range(rank)))
    bad = triangle(full(typeof(a).shape, float("nan"), typeof(a).dtype), True)
    return [select(failed, bad, found), add(k, 1)]


def reflections_step(reflect: Reflect, block: int, h: Value, tau: Value, k: Value) -> Sequence[Value]:
    """Columns k * block and so on are reflected upon their triangle, and what lies to their right with them: it loses
    V T^T V^T of itself (Schreiber and Van Loan 1989, "A storage-efficient WY representation for products of Householder
    transformations")."""
    m, n = typeof(h).shape[-2:]
    start = mul(k, block)
    down, across = _minus(_numbers(m), start), _minus(_numbers(n), start)
    panel = _columns(h, _plus(_numbers(block), start))
    small, factors = reflect(_rows(panel, _plus(_numbers(m), start)))
    v = add(triangle(small, True, -1), eye(small, m, block))
    inner = triangle(product(swapped(v), v), False, -1)
    v = _rows(v, down)
    scaled = mul(as_columns(factors, block), inner)
    right = triangular_solve(scaled, product(swapped(v), h), lower=False, transpose_a=True, unit_diagonal=True)
    moved = sub(h, product(v, mul(as_columns(factors, n), right)))
    done = _where_row(ge(down, 0), _rows(small, down), panel)
    found = _where_column(ge(across, block), moved, _where_column(ge(across, 0), _columns(done, across), h))
    last = typeof(tau).ndim - 1
    places = _minus(_numbers(typeof(tau).shape[-1]), start)
    here = broadcast_in_dim(_inside(places, block), typeof(tau).shape, (last,))
    return [found, select(here, take(factors, places, last, mode="zero"), tau), add(k, 1)]


def stepping(step: Callable[..., Sequence[Value]], avals: Sequence[ShapedArray], length: int, lower: SubLowering,
             name: str) -> Loop:
    """The loop of a step over its carry."""
    strong = [a.strong() for a in avals]
    return Loop(lower(trace_closed(step, strong, name), range(len(strong)), ()), 0, len(strong), length)

