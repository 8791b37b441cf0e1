"""Rows: writes at computed positions, windows, and order."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.ops import scatter, sort, windows
from tests.optable.table import Case, Row, Wrong, apart, bools, complexes, integers, table, uniform

F32, I32, U32 = np.float32, np.int32, np.uint32
MATRIX = np.ones((2, 3), F32)
FOLDS = {"set": lambda _, new: new, "add": np.add, "mul": np.multiply, "min": np.minimum, "max": np.maximum}


def _scatter(x: Any, i: Any, u: Any, axis: int, by: str, batch: int = 0, unique: bool = False) -> Any:
    rank, out = i.ndim - batch, x.copy()
    for place in np.ndindex(*u.shape):
        k = i[(*place[:batch], *place[axis:axis + rank])]
        if 0 <= k < x.shape[axis]:
            at = (*place[:axis], k, *place[axis + rank:])
            out[at] = FOLDS[by](out[at], u[place])
    return out


def _starts(x: Any, starts: Any, sizes: Any, strides: Any) -> tuple[slice, ...]:
    spans = [max(n - 1, 0) * s + min(n, 1) for n, s in zip(sizes, strides, strict=True)]
    first = [min(max(int(b), 0), n - w) for b, n, w in zip(starts, x.shape, spans, strict=True)]
    return tuple([slice(b, b + w, s) for b, w, s in zip(first, spans, strides, strict=True)])


def _window(x: Any, *starts: Any, sizes: Any, strides: Any = None) -> Any:
    return x[_starts(x, starts, sizes, strides or (1,) * x.ndim)]


def _updated(x: Any, u: Any, *starts: Any, strides: Any = None) -> Any:
    out = x.copy()
    out[_starts(x, starts, u.shape, strides or (1,) * x.ndim)] = u
    return out


def _dynamic_slice(x: Any, *starts: Any, sizes: Any, strides: Any = None) -> Any:
    return windows.dynamic_slice(x, starts, sizes, strides)


def _dynamic_update_slice(x: Any, u: Any, *starts: Any, strides: Any = None) -> Any:
    return windows.dynamic_update_slice(x, u, starts, strides)


def _order(keys: Any, order: Any) -> Any:
    return sort.sort_pairs(keys, order)[1]


def _scattered(x: tuple[int, ...], i: tuple[int, ...], u: tuple[int, ...], by: str, axis: int = 0,
               **params: Any) -> Case:
    def make(r: np.random.Generator) -> Any:
        numbers = apart(r, int(np.prod(x)) + int(np.prod(u)))
        return (numbers[:int(np.prod(x))].reshape(x), integers(r, *i, low=-1, high=6),
                numbers[int(np.prod(x)):].reshape(u))

    return Case(make, {"axis": axis, "by": by, **params})


def _at(*starts: int) -> list[Any]:
    return [np.array(s, I32) for s in starts]


def _permuted(r: np.random.Generator) -> Any:
    return uniform(r, 5, 2), r.permutation(5)[:3].astype(I32), uniform(r, 3, 2)


ROWS = table(
    Row("scatter", scatter.scatter, _scatter,
        (*[_scattered((5,), (6,), (6,), by) for by in FOLDS],
         *[_scattered((2, 5, 2), (2, 3), (2, 2, 3, 2), by, 1) for by in FOLDS],
         *[_scattered((2, 3, 5), (2, 6), (2, 3, 6), by, 2, batch=1) for by in FOLDS],
         _scattered((5,), (), (), "mul"), _scattered((5, 2), (0,), (0, 2), "set"), _scattered((0,), (2,), (2,), "max"),
         Case(_permuted, {"axis": 0, "by": "set", "unique": True}),
         Case(lambda r: (integers(r, 5), integers(r, 9, low=-1, high=6), integers(r, 9)), {"axis": 0, "by": "mul"}),
         Case(lambda r: (integers(r, 5), integers(r, 9, low=-1, high=6), integers(r, 9)), {"axis": 0, "by": "max"}),
         Case(lambda r: (integers(r, 5, low=0, dtype=U32), integers(r, 9, low=-1, high=6),
                         integers(r, 9, low=0, dtype=U32)), {"axis": 0, "by": "min"}),
         Case(lambda r: (bools(r, 5), integers(r, 9, low=-1, high=6), bools(r, 9)), {"axis": 0, "by": "max"}),
         Case(lambda r: (bools(r, 5), integers(r, 9, low=-1, high=6), bools(r, 9)), {"axis": 0, "by": "min"}),
         Case(lambda r: (bools(r, 5), integers(r, 9, low=-1, high=6), bools(r, 9)), {"axis": 0, "by": "set"}),
         *[Case(lambda r: (complexes(r, 2, 5), integers(r, 9, low=-1, high=6), complexes(r, 2, 9)),
                {"axis": 1, "by": by}) for by in ("set", "add", "mul")],
         Case(lambda r: (complexes(r, 2, 5, 2), integers(r, 2, 2, 3, low=-1, high=6), complexes(r, 2, 2, 3, 2)),
              {"axis": 1, "by": "mul", "batch": 1}),
         Case(lambda r: (complexes(r, 5), integers(r), complexes(r)), {"axis": 0, "by": "mul"}),
         Case(lambda r: (np.array([1, np.nan, 2], F32), np.array([0, 1, 2, 2], I32), np.array([np.nan, 0, 1, 3], F32)),
              {"axis": 0, "by": "max"}, smooth=False)),
        (Wrong((MATRIX, np.zeros(2, I32), MATRIX),
               r"scatter: updates of f32\[2,3\] at axis 1 with indices i32\[2\] must be f32\[2,2\], got f32\[2,3\]",
               {"axis": 1, "by": "set"}),
         Wrong((MATRIX, np.zeros(2, F32), MATRIX), r"scatter: indices must be i32", {"axis": 0, "by": "add"}),
         Wrong((MATRIX > 0, np.zeros(2, I32), MATRIX > 0), r"scatter: wanted numbers, got bool\[2,3\]",
               {"axis": 0, "by": "add"})),
        order=2, tolerance=8, absolute=2e-6),
    Row("dynamic_slice", _dynamic_slice, _window,
        (Case(lambda r: (uniform(r, 5), *_at(2)), {"sizes": (3,)}),
         Case(lambda r: (uniform(r, 4, 5, 2), *_at(-3, 9, 0)), {"sizes": (2, 3, 2)}),
         Case(lambda r: (uniform(r, 7, 6), *_at(1, 5)), {"sizes": (3, 2), "strides": (2, 3)}),
         Case(lambda r: (uniform(r, 3, 4), *_at(1, 1)), {"sizes": (0, 2)}),
         Case(lambda r: (integers(r, 5), *_at(4)), {"sizes": (1,)})),
        (Wrong((MATRIX, *_at(0, 0)), r"dynamic_slice: a window of sizes \(3, 1\) does not fit into f32\[2,3\]",
               {"sizes": (3, 1)}),
         Wrong((MATRIX, *_at(0)), r"dynamic_slice: wanted one start, size and stride for each axis of f32\[2,3\]",
               {"sizes": (1, 1)}),
         Wrong((MATRIX[0], np.float32(1)), r"dynamic_slice: starts must be i32 numbers \(rank 0\), got f32\[\]",
               {"sizes": (1,)})),
        order=2),
    Row("dynamic_update_slice", _dynamic_update_slice, _updated,
        (Case(lambda r: (uniform(r, 5), uniform(r, 3), *_at(1))),
         Case(lambda r: (uniform(r, 4, 5, 2), uniform(r, 2, 3, 2), *_at(-3, 9, 0))),
         Case(lambda r: (uniform(r, 7, 6), uniform(r, 3, 2), *_at(1, 5)), {"strides": (2, 3)}),
         Case(lambda r: (uniform(r, 3, 4), uniform(r, 0, 2), *_at(1, 1))),
         Case(lambda r: (bools(r, 5), bools(r, 2), *_at(4)))),
        (Wrong((MATRIX, MATRIX[0], *_at(0, 0)), r"dynamic_update_slice: the update must have the dtype and rank of the "
                                               r"array, got f32\[3\] for f32\[2,3\]"),
         Wrong((MATRIX[:1], MATRIX, *_at(0, 0)), r"dynamic_update_slice: a window of sizes \(2, 3\) does not fit")),
        order=2),
    Row("sort_pairs", _order, lambda keys, order: np.take_along_axis(order, np.lexsort((order, keys)), -1),
        (Case(lambda r: (integers(r, 8), np.arange(8, dtype=I32))),
         Case(lambda r: (integers(r, 3, 64), np.tile(np.arange(64, dtype=I32), (3, 1)))),
         Case(lambda r: (integers(r, 2, 1), np.zeros((2, 1), I32)))),
        (Wrong((np.zeros(3, I32), np.zeros(3, I32)), r"sort_pairs: wanted i32 or i64 keys .* a power of two, got "
                                                     r"i32\[3\] and i32\[3\]"),)),
)
