"""Rows: shapes and views."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.ops import broadcast, shape
from tests.optable.table import Arrays, Case, Random, Row, Wrong, bools, complexes, integers, table, uniform

F32, I32 = np.float32, np.int32
MATRIX = np.ones((2, 3), F32)


def _cube(r: Random) -> Arrays:
    return (uniform(r, 2, 3, 4),)


def _empty(r: Random) -> Arrays:
    return (np.zeros((0, 3), F32),)


def _broadcast(x: Any, shape: Any, dims: Any) -> Any:
    between = [1] * len(shape)
    for k, d in enumerate(dims):
        between[d] = np.asarray(x).shape[k]
    return np.broadcast_to(np.reshape(x, between), shape)


def _pad(x: Any, value: Any, config: Any) -> Any:
    for axis, (low, high, inside) in enumerate(config):
        parts = [x[(slice(None),) * axis + (slice(k, k + 1),)] for k in range(x.shape[axis])]
        filler = np.full_like(x[(slice(None),) * axis + (slice(0, 1),)], value) if x.shape[axis] else \
            np.full((*x.shape[:axis], 1, *x.shape[axis + 1:]), value, x.dtype)
        spread: list[Any] = []
        for k, part in enumerate(parts):
            spread += [part] + [filler] * (inside if k < len(parts) - 1 else 0)
        spread = [filler] * low + spread if low >= 0 else spread[-low:]
        spread = spread + [filler] * high if high >= 0 else spread[:high]
        x = np.concatenate(spread, axis) if spread else x[(slice(None),) * axis + (slice(0, 0),)]
    return x


def _slice(x: Any, start: Any, limit: Any, strides: Any = None) -> Any:
    steps = strides or (1,) * len(start)
    return x[tuple([slice(a, b, s) for a, b, s in zip(start, limit, steps, strict=True)])]


def _iota(dtype: Any, shape: Any, axis: int) -> Any:
    return np.broadcast_to(np.arange(shape[axis]).reshape([-1 if k == axis else 1 for k in range(len(shape))]),
                           shape).astype(dtype)


def _concatenate(*xs: Any, axis: int) -> Any:
    return shape.concatenate(xs, axis)


def _padded(**params: Any) -> Case:
    return Case(lambda r: (uniform(r, 3, 4),), params)


ROWS = table(
    Row("broadcast_in_dim", broadcast.broadcast_in_dim, _broadcast,
        (Case(lambda r: (uniform(r, 3),), {"shape": (2, 3), "dims": (1,)}),
         Case(lambda r: (uniform(r, 2, 1),), {"shape": (2, 3, 4), "dims": (0, 2)}),
         Case(lambda r: (uniform(r),), {"shape": (2, 2), "dims": ()}),
         Case(lambda r: (bools(r, 2),), {"shape": (2, 0), "dims": (0,)}),
         Case(lambda r: (2.5,), {"shape": (3,), "dims": ()}), Case(lambda r: (1.5 - 2j,), {"shape": (3,), "dims": ()}),
         Case(lambda r: (complexes(r, 3),), {"shape": (2, 3), "dims": (1,)})),
        (Wrong((MATRIX,), r"broadcast_in_dim: axis 0 of the operand must have size 1 or 4 .*, got f32\[2,3\]",
               {"shape": (4, 3), "dims": (0, 1)}),
         Wrong((MATRIX,), r"broadcast_in_dim: wanted one axis of \(2, 3\) for each axis",
               {"shape": (2, 3), "dims": (0,)})),
        order=2),
    Row("reshape", shape.reshape, lambda x, shape: np.reshape(x, shape),
        (Case(_cube, {"shape": (4, 6)}), Case(_cube, {"shape": (24,)}), Case(_empty, {"shape": (5, 0)}),
         Case(lambda r: (uniform(r),), {"shape": (1, 1)}), Case(lambda r: (bools(r, 4),), {"shape": (2, 2)})),
        (Wrong((MATRIX,), r"reshape: wanted 6 elements, got shape \(4, 2\) \(8 elements\) for f32\[2,3\]",
               {"shape": (4, 2)}),),
        order=2),
    Row("transpose", shape.transpose, lambda x, perm: np.transpose(x, perm),
        (Case(_cube, {"perm": (2, 0, 1)}), Case(_cube, {"perm": (1, 0, 2)}),
         Case(lambda r: (complexes(r, 2, 3),), {"perm": (1, 0)}), Case(_empty, {"perm": (1, 0)})),
        (Wrong((MATRIX,), r"transpose: wanted an order of the axes 0 to 1, got \(0, 0\)", {"perm": (0, 0)}),), order=2),
    Row("slice", shape.slice, _slice,
        (Case(_cube, {"start": (0, 1, 1), "limit": (2, 3, 4)}),
         Case(lambda r: (uniform(r, 9, 4),), {"start": (1, 0), "limit": (8, 4), "strides": (3, 2)}),
         Case(lambda r: (uniform(r, 10),), {"start": (2,), "limit": (9,), "strides": (4,)}),
         Case(lambda r: (integers(r, 5),), {"start": (3,), "limit": (3,)}),
         Case(lambda r: (complexes(r, 9),), {"start": (1,), "limit": (8,), "strides": (2,)}),
         Case(_empty, {"start": (0, 1), "limit": (0, 2)})),
        (Wrong((MATRIX,), r"slice: wanted 0 <= start <= limit <= size .* for f32\[2,3\]",
               {"start": (0, 0), "limit": (3, 3)}),
         Wrong((MATRIX,), r"slice: wanted 0 <= start", {"start": (0,), "limit": (1,)})), order=2),
    Row("pad", shape.pad, _pad,
        (_padded(value=0, config=((1, 2, 0), (0, 0, 0))), _padded(value=1.5, config=((0, 1, 2), (2, 0, 1))),
         _padded(value=-1, config=((-1, 1, 0), (1, -2, 0))), _padded(value=0, config=((-1, 0, 1), (-2, -1, 2))),
         _padded(value=9, config=((-3, 2, 0), (0, 0, 0))), _padded(value=2, config=((-1, -1, 0), (-1, 0, 0))),
         Case(lambda r: (integers(r, 4),), {"value": 7, "config": ((2, -3, 1),)}),
         Case(lambda r: (complexes(r, 4),), {"value": 1j, "config": ((2, -1, 1),)}),
         Case(_empty, {"value": 2.0, "config": ((1, 1, 1), (0, 1, 0))})),
        (Wrong((MATRIX,), r"pad: negative padding removes more than there is",
               {"value": 0, "config": ((-1, -2, 0), (0, 0, 0))}),
         Wrong((MATRIX,), r"pad: wanted \(low, high, interior\) for each axis", {"value": 0, "config": ((0, 0, 0),)})),
        order=2),
    Row("concatenate", _concatenate, lambda *xs, axis: np.concatenate(xs, axis),
        (Case(lambda r: (uniform(r, 2, 3), uniform(r, 1, 3)), {"axis": 0}),
         Case(lambda r: (uniform(r, 2, 1), uniform(r, 2, 0), uniform(r, 2, 3)), {"axis": 1}),
         Case(lambda r: tuple([uniform(r, 1) for _ in range(17)]), {"axis": 0}),
         Case(lambda r: (bools(r, 3), bools(r, 2)), {"axis": 0}),
         Case(lambda r: (complexes(r, 2, 3), complexes(r, 1, 3)), {"axis": 0})),
        (Wrong((MATRIX, np.ones((2, 4), F32)),
               r"concatenate: operands must agree in dtype and in all axes but axis 0, got "
                                               r"f32\[2,3\] and f32\[2,4\]", {"axis": 0}),
         Wrong((MATRIX, np.ones((2, 3), I32)), r"concatenate: operands must agree in dtype", {"axis": 0})), order=2),
    Row("rev", shape.rev, lambda x, axes: np.flip(x, axes),
        (Case(_cube, {"axes": (0, 2)}), Case(_cube, {"axes": (1,)}), Case(_empty, {"axes": (0, 1)})),
        (Wrong((MATRIX,), r"rev: wanted different axes from 0 to 1, got \(2,\)", {"axes": (2,)}),), order=2),
    Row("iota", shape.iota, _iota,
        (Case(lambda r: (), {"dtype": np.dtype(F32), "shape": (2, 3), "axis": 1}),
         Case(lambda r: (), {"dtype": np.dtype(I32), "shape": (4,), "axis": 0}),
         Case(lambda r: (), {"dtype": np.dtype(np.int8), "shape": (2, 0, 3), "axis": 0})),
        (Wrong((), r"iota: wanted different axes from 0 to 1", {"dtype": np.dtype(F32), "shape": (2, 3), "axis": 2}),
         Wrong((), r"iota: wanted numbers, got bool\[2\]", {"dtype": np.dtype(bool), "shape": (2,), "axis": 0})),
         every_precision=False),
)
