"""Rows: products."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.ops import dot
from tests.optable.table import Case, Row, Wrong, complexes, integers, table, uniform

F32, I32 = np.float32, np.int32
MATRIX = np.ones((2, 3), F32)


def _einsum(x: Any, y: Any, contract: Any, batch: Any = ((), ())) -> Any:
    left, right = list(range(x.ndim)), [20 + k for k in range(y.ndim)]
    for axes in (contract, batch):
        for a, b in zip(*axes, strict=True):
            right[b] = left[a]
    shared = [left[a] for a in batch[0]]
    free = [k for k in left if k not in right] + [k for k in right if k not in left]
    return np.einsum(x, left, y, right, shared + free).astype(x.dtype)


def _dot(x: tuple[int, ...], y: tuple[int, ...], contract: Any, batch: Any = ((), ())) -> Case:
    return Case(lambda r: (uniform(r, *x), uniform(r, *y)), {"contract": contract, "batch": batch})


ROWS = table(
    Row("dot", dot.dot_general, _einsum,
        (_dot((3, 4), (4, 5), ((1,), (0,))), _dot((4, 3), (5, 4), ((0,), (1,))), _dot((4,), (4,), ((0,), (0,))),
         _dot((2, 3, 4), (2, 4, 5), ((2,), (1,)), ((0,), (0,))),
         _dot((3, 2, 4, 5), (5, 6, 2, 4), ((3, 2), (0, 3)), ((1,), (2,))),
         _dot((2, 3), (4,), ((), ())), _dot((0, 3), (3, 2), ((1,), (0,))), _dot((2, 0), (0, 3), ((1,), (0,))),
         _dot((2, 3, 4), (4, 2, 3), ((1,), (2,)), ((2, 0), (0, 1))),
         Case(lambda r: (integers(r, 3, 4), integers(r, 4, 2)), {"contract": ((1,), (0,))}),
         Case(lambda r: (complexes(r, 3, 4), complexes(r, 4, 2)), {"contract": ((1,), (0,))}),
         Case(lambda r: (complexes(r, 2, 3, 4), complexes(r, 2, 4, 5)),
              {"contract": ((2,), (1,)), "batch": ((0,), (0,))})),
        (Wrong((MATRIX, MATRIX), r"dot: contracted sizes must agree, got 3 \(axis 1 of f32\[2,3\]\) and 2 \(axis 0 of "
                                 r"f32\[2,3\]\), at ", {"contract": ((1,), (0,))}),
         Wrong((MATRIX, np.ones((3, 2), I32)), r"dot: operands must have one dtype, got f32\[2,3\] and i32\[3,2\]",
               {"contract": ((1,), (0,))}),
         Wrong((MATRIX, MATRIX), r"dot: wanted different axes", {"contract": ((2,), (1,))})),
        order=2, tolerance=16, absolute=4e-7),
)
