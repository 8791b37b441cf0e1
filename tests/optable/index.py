"""Rows: reads and additions at computed positions."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.ops import index
from tests.optable.table import Case, Row, Wrong, integers, table, uniform

F32, I32, U32 = np.float32, np.int32, np.uint32
MATRIX = np.ones((2, 3), F32)


def _take(x: Any, i: Any, axis: int, batch: int = 0, mode: str = "clip") -> Any:
    out = np.empty((*x.shape[:axis], *i.shape[batch:], *x.shape[axis + 1:]), x.dtype)
    rank = i.ndim - batch
    for place in np.ndindex(*out.shape):
        k = i[(*place[:batch], *place[axis:axis + rank])]
        inside = 0 <= k < x.shape[axis]
        k = min(max(k, 0), x.shape[axis] - 1)
        out[place] = x[(*place[:axis], k, *place[axis + rank:])] if inside or mode == "clip" else 0
    return out


def _scatter_add(u: Any, i: Any, axis: int, size: int, batch: int = 0) -> Any:
    rank = i.ndim - batch
    out = np.zeros((*u.shape[:axis], size, *u.shape[axis + rank:]), u.dtype)
    for place in np.ndindex(*u.shape):
        k = i[(*place[:batch], *place[axis:axis + rank])]
        if 0 <= k < size:
            out[(*place[:axis], k, *place[axis + rank:])] += u[place]
    return out


def _indexed(x: tuple[int, ...], i: tuple[int, ...], **params: Any) -> Case:
    return Case(lambda r: (uniform(r, *x), integers(r, *i, low=-2, high=7)), params)


ROWS = table(
    Row("take", index.take, _take,
        (_indexed((5,), (3,), axis=0), _indexed((5,), (), axis=0), _indexed((2, 5, 3), (2, 2), axis=1),
         _indexed((4, 3), (6,), axis=0, mode="zero"), _indexed((2, 5), (2, 4), axis=1, batch=1),
         _indexed((2, 3, 5, 2), (2, 4), axis=2, batch=1, mode="zero"), _indexed((3, 0), (2,), axis=0),
         Case(lambda r: (integers(r, 4, 3), integers(r, 2, low=0, high=4)), {"axis": 0})),
        (Wrong((MATRIX, np.ones(2, F32)), r"take: indices must be i32, got f32\[2\], at ", {"axis": 0}),
         Wrong((np.zeros((0, 3), F32), np.zeros(2, I32)),
               r"take: nothing can be read from f32\[0,3\], whose axis 0 is empty",
               {"axis": 0}),
         Wrong((MATRIX, np.zeros((3, 1), I32)), r"take: the first 1 axes must agree", {"axis": 1, "batch": 1})),
         order=2),
    Row("scatter_add", index.scatter_add, _scatter_add,
        (_indexed((4,), (4,), axis=0, size=5), _indexed((2, 3, 4), (3,), axis=1, size=5),
         _indexed((), (), axis=0, size=4),
         _indexed((2, 3), (2, 3), axis=1, size=4, batch=1), _indexed((2, 6, 3), (2, 6), axis=1, size=2, batch=1),
         _indexed((3,), (3,), axis=0, size=0),
         Case(lambda r: (integers(r, 9), integers(r, 9, low=0, high=3)), {"axis": 0, "size": 3})),
        (Wrong((MATRIX, np.zeros(2, I32)),
               r"scatter_add: the updates' axes from 1 on must be those of the indices .*, got "
                                          r"f32\[2,3\] and indices i32\[2\]", {"axis": 1, "size": 4}),
         Wrong((MATRIX, np.zeros(2, U32)), r"scatter_add: indices must be i32", {"axis": 0, "size": 4})),
        order=2, absolute=2e-7),
)
