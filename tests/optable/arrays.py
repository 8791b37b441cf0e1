"""Rows: shapes and views, reductions, products, indexing, random bits, and the primitives of the transforms."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.jitted import jit
from lantern.ops import broadcast, dot, elementwise, index, random, reduce, shape
from tests.optable.table import (
    EXTREME,
    SPECIAL,
    Arrays,
    Case,
    Random,
    Row,
    Wrong,
    apart,
    bools,
    integers,
    table,
    uniform,
)

F32, I32, U32 = np.float32, np.int32, np.uint32
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


SHAPES = (
    Row("broadcast_in_dim", broadcast.broadcast_in_dim, _broadcast,
        (Case(lambda r: (uniform(r, 3),), {"shape": (2, 3), "dims": (1,)}),
         Case(lambda r: (uniform(r, 2, 1),), {"shape": (2, 3, 4), "dims": (0, 2)}),
         Case(lambda r: (uniform(r),), {"shape": (2, 2), "dims": ()}),
         Case(lambda r: (bools(r, 2),), {"shape": (2, 0), "dims": (0,)}), Case(lambda r: (2.5,), {"shape": (3,), "dims": ()})),
        (Wrong((MATRIX,), r"broadcast_in_dim: axis 0 of the operand must have size 1 or 4 .*, got f32\[2,3\]",
               {"shape": (4, 3), "dims": (0, 1)}),
         Wrong((MATRIX,), r"broadcast_in_dim: wanted one axis of \(2, 3\) for each axis", {"shape": (2, 3), "dims": (0,)})),
        order=2),
    Row("reshape", shape.reshape, lambda x, shape: np.reshape(x, shape),
        (Case(_cube, {"shape": (4, 6)}), Case(_cube, {"shape": (24,)}), Case(_empty, {"shape": (5, 0)}),
         Case(lambda r: (uniform(r),), {"shape": (1, 1)}), Case(lambda r: (bools(r, 4),), {"shape": (2, 2)})),
        (Wrong((MATRIX,), r"reshape: wanted 6 elements, got shape \(4, 2\) \(8 elements\) for f32\[2,3\]", {"shape": (4, 2)}),),
        order=2),
    Row("transpose", shape.transpose, lambda x, perm: np.transpose(x, perm),
        (Case(_cube, {"perm": (2, 0, 1)}), Case(_cube, {"perm": (1, 0, 2)}), Case(_empty, {"perm": (1, 0)})),
        (Wrong((MATRIX,), r"transpose: wanted an order of the axes 0 to 1, got \(0, 0\)", {"perm": (0, 0)}),), order=2),
    Row("slice", shape.slice, _slice,
        (Case(_cube, {"start": (0, 1, 1), "limit": (2, 3, 4)}),
         Case(lambda r: (uniform(r, 9, 4),), {"start": (1, 0), "limit": (8, 4), "strides": (3, 2)}),
         Case(lambda r: (uniform(r, 10),), {"start": (2,), "limit": (9,), "strides": (4,)}),
         Case(lambda r: (integers(r, 5),), {"start": (3,), "limit": (3,)}), Case(_empty, {"start": (0, 1), "limit": (0, 2)})),
        (Wrong((MATRIX,), r"slice: wanted 0 <= start <= limit <= size .* for f32\[2,3\]", {"start": (0, 0), "limit": (3, 3)}),
         Wrong((MATRIX,), r"slice: wanted 0 <= start", {"start": (0,), "limit": (1,)})), order=2),
    Row("pad", shape.pad, _pad,
        (_padded(value=0, config=((1, 2, 0), (0, 0, 0))), _padded(value=1.5, config=((0, 1, 2), (2, 0, 1))),
         _padded(value=-1, config=((-1, 1, 0), (1, -2, 0))), _padded(value=0, config=((-1, 0, 1), (-2, -1, 2))),
         _padded(value=9, config=((-3, 2, 0), (0, 0, 0))),
         Case(lambda r: (integers(r, 4),), {"value": 7, "config": ((2, -3, 1),)}),
         Case(_empty, {"value": 2.0, "config": ((1, 1, 1), (0, 1, 0))})),
        (Wrong((MATRIX,), r"pad: negative padding removes more than there is", {"value": 0, "config": ((-1, -2, 0), (0, 0, 0))}),
         Wrong((MATRIX,), r"pad: wanted \(low, high, interior\) for each axis", {"value": 0, "config": ((0, 0, 0),)})),
        order=2),
    Row("concatenate", _concatenate, lambda *xs, axis: np.concatenate(xs, axis),
        (Case(lambda r: (uniform(r, 2, 3), uniform(r, 1, 3)), {"axis": 0}),
         Case(lambda r: (uniform(r, 2, 1), uniform(r, 2, 0), uniform(r, 2, 3)), {"axis": 1}),
         Case(lambda r: tuple([uniform(r, 1) for _ in range(17)]), {"axis": 0}),
         Case(lambda r: (bools(r, 3), bools(r, 2)), {"axis": 0})),
        (Wrong((MATRIX, np.ones((2, 4), F32)), r"concatenate: operands must agree in dtype and in all axes but axis 0, got "
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
         Wrong((), r"iota: wanted numbers, got bool\[2\]", {"dtype": np.dtype(bool), "shape": (2,), "axis": 0})), every_precision=False),
)

_EACH = ({"axes": (0,)}, {"axes": (1, 2)}, {"axes": (0, 1, 2)}, {"axes": (2,)})
_NO_AXIS = Wrong((MATRIX,), r": wanted different axes from 0 to 1, got \(2,\) for f32\[2,3\]", {"axes": (2,)})


def _extremum(name: str, function: Any, twin: Any, empty: str) -> Row:
    return Row(name, function, lambda x, axes: twin(x, axis=axes),
               (*[Case(lambda r: (apart(r, 2, 3, 4),), p) for p in _EACH],
                Case(lambda r: (SPECIAL.reshape(3, 6).copy(),), {"axes": (1,)}, smooth=False),
                Case(lambda r: (EXTREME.copy(),), {"axes": (0,)}, smooth=False),
                Case(_empty, {"axes": (1,)}, smooth=False)),
               (_NO_AXIS, Wrong((np.zeros((0, 3), F32),), rf"{name}: there is no {empty} of no elements, got f32\[0,3\], whose "
                                                         "axis 0 is empty, at ", {"axes": (0,)}),
                Wrong((np.ones(2, bool),), rf"{name}: wanted numbers, got bool\[2\]", {"axes": (0,)})), order=2)


def _truth(name: str, function: Any, twin: Any) -> Row:
    return Row(name, function, lambda x, axes: twin(x, axis=axes),
               (Case(lambda r: (bools(r, 2, 3, 2),), {"axes": (1,)}), Case(lambda r: (bools(r, 4),), {"axes": (0,)}),
                Case(lambda r: (np.zeros((0, 2), bool),), {"axes": (0,)})),
               (Wrong((MATRIX,), rf"{name}: wanted bools, got f32\[2,3\], at ", {"axes": (0,)}),))


def _position(name: str, function: Any, twin: Any) -> Row:
    return Row(name, function, lambda x, axis: twin(x, axis=axis).astype(I32),
               (Case(lambda r: (integers(r, 4, 5).astype(F32),), {"axis": 1}), Case(lambda r: (apart(r, 3, 4),), {"axis": 0}),
                Case(lambda r: (SPECIAL.reshape(3, 6).copy(),), {"axis": 0}), Case(lambda r: (EXTREME.copy(),), {"axis": 0})),
               (Wrong((np.zeros((0, 3), F32),), rf"{name}: there is no extreme element of no elements", {"axis": 0}),
                Wrong((MATRIX,), rf"{name}: wanted different axes from 0 to 1, got \(2,\)", {"axis": 2})))


def _with_zeros(r: Random) -> Arrays:
    x = uniform(r, 2, 3, 4)
    x[0, 1, :2] = 0
    x[1, 2, 3] = 0
    return (x,)


REDUCTIONS = (
    Row("reduce_sum", reduce.reduce_sum, lambda x, axes: np.sum(x, axis=axes, dtype=x.dtype),
        (*[Case(_cube, p) for p in _EACH], Case(lambda r: (uniform(r, 70, 33),), {"axes": (0,)}, smooth=False),
         Case(lambda r: (EXTREME.copy(),), {"axes": (0,)}), Case(_empty, {"axes": (0,)})),
        (_NO_AXIS, Wrong((np.ones(2, bool),), r"reduce_sum: wanted numbers, got bool\[2\], at .*Convert", {"axes": (0,)})),
        order=2, absolute=4e-7),
    Row("reduce_prod", reduce.reduce_prod, lambda x, axes: np.prod(x, axis=axes, dtype=x.dtype),
        (*[Case(_cube, p) for p in _EACH], *[Case(_with_zeros, p) for p in _EACH[:3]],
         Case(lambda r: (integers(r, 3, 4),), {"axes": (1,)}), Case(_empty, {"axes": (0,)})), (_NO_AXIS,),
        order=2, tolerance=32),
    _extremum("reduce_max", reduce.reduce_max, np.max, "maximum"),
    _extremum("reduce_min", reduce.reduce_min, np.min, "minimum"),
    _truth("reduce_and", reduce.reduce_and, np.all),
    _truth("reduce_or", reduce.reduce_or, np.any),
    _position("argmax", reduce.argmax, np.argmax),
    _position("argmin", reduce.argmin, np.argmin),
)


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


PRODUCTS = (
    Row("dot", dot.dot_general, _einsum,
        (_dot((3, 4), (4, 5), ((1,), (0,))), _dot((4, 3), (5, 4), ((0,), (1,))), _dot((4,), (4,), ((0,), (0,))),
         _dot((2, 3, 4), (2, 4, 5), ((2,), (1,)), ((0,), (0,))), _dot((3, 2, 4, 5), (5, 6, 2, 4), ((3, 2), (0, 3)), ((1,), (2,))),
         _dot((2, 3), (4,), ((), ())), _dot((0, 3), (3, 2), ((1,), (0,))), _dot((2, 0), (0, 3), ((1,), (0,))),
         _dot((2, 3, 4), (4, 2, 3), ((1,), (2,)), ((2, 0), (0, 1))),
         Case(lambda r: (integers(r, 3, 4), integers(r, 4, 2)), {"contract": ((1,), (0,))})),
        (Wrong((MATRIX, MATRIX), r"dot: contracted sizes must agree, got 3 \(axis 1 of f32\[2,3\]\) and 2 \(axis 0 of "
                                 r"f32\[2,3\]\), at ", {"contract": ((1,), (0,))}),
         Wrong((MATRIX, np.ones((3, 2), I32)), r"dot: operands must have one dtype, got f32\[2,3\] and i32\[3,2\]",
               {"contract": ((1,), (0,))}),
         Wrong((MATRIX, MATRIX), r"dot: wanted different axes", {"contract": ((2,), (1,))})),
        order=2, tolerance=16, absolute=4e-7),
)


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


INDEXING = (
    Row("take", index.take, _take,
        (_indexed((5,), (3,), axis=0), _indexed((5,), (), axis=0), _indexed((2, 5, 3), (2, 2), axis=1),
         _indexed((4, 3), (6,), axis=0, mode="zero"), _indexed((2, 5), (2, 4), axis=1, batch=1),
         _indexed((2, 3, 5, 2), (2, 4), axis=2, batch=1, mode="zero"), _indexed((3, 0), (2,), axis=0),
         Case(lambda r: (integers(r, 4, 3), integers(r, 2, low=0, high=4)), {"axis": 0})),
        (Wrong((MATRIX, np.ones(2, F32)), r"take: indices must be i32, got f32\[2\], at ", {"axis": 0}),
         Wrong((np.zeros((0, 3), F32), np.zeros(2, I32)), r"take: nothing can be read from f32\[0,3\], whose axis 0 is empty",
               {"axis": 0}),
         Wrong((MATRIX, np.zeros((3, 1), I32)), r"take: the first 1 axes must agree", {"axis": 1, "batch": 1})), order=2),
    Row("scatter_add", index.scatter_add, _scatter_add,
        (_indexed((4,), (4,), axis=0, size=5), _indexed((2, 3, 4), (3,), axis=1, size=5), _indexed((), (), axis=0, size=4),
         _indexed((2, 3), (2, 3), axis=1, size=4, batch=1), _indexed((2, 6, 3), (2, 6), axis=1, size=2, batch=1),
         _indexed((3,), (3,), axis=0, size=0),
         Case(lambda r: (integers(r, 9), integers(r, 9, low=0, high=3)), {"axis": 0, "size": 3})),
        (Wrong((MATRIX, np.zeros(2, I32)), r"scatter_add: the updates' axes from 1 on must be those of the indices .*, got "
                                          r"f32\[2,3\] and indices i32\[2\]", {"axis": 1, "size": 4}),
         Wrong((MATRIX, np.zeros(2, U32)), r"scatter_add: indices must be i32", {"axis": 0, "size": 4})),
        order=2, absolute=2e-7),
)


def _cipher(key: Any, hi: Any, lo: Any) -> Any:
    """Threefry-2x32-20 in Python integers, one counter at a time."""
    words, mask = [int(key[0]), int(key[1])], 0xFFFFFFFF
    words.append(words[0] ^ words[1] ^ 0x1BD11BDA)
    x, y = (int(hi) + words[0]) & mask, (int(lo) + words[1]) & mask
    for group in range(5):
        for turn in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            x = (x + y) & mask
            y = ((y << turn | y >> (32 - turn)) & mask) ^ x
        x = (x + words[(group + 1) % 3]) & mask
        y = (y + words[(group + 2) % 3] + group + 1) & mask
    return x, y


def _words(key: Any, shape: Any) -> Any:
    count = int(np.prod(shape))
    pairs = [[_cipher(k, 0, n) for n in range(count)] for k in key.reshape(-1, 2)]
    return np.array(pairs, U32).reshape(*key.shape[:-1], *shape, 2)


def _bits(key: Any, shape: Any) -> Any:
    words = _words(key, shape)
    return words[..., 0] ^ words[..., 1]


def _fold_in(key: Any, data: Any) -> Any:
    return np.array([_cipher(k, 0, n) for k, n in zip(key.reshape(-1, 2), np.ravel(data), strict=True)], U32).reshape(key.shape)


def _key(r: Random, *shape: int) -> np.ndarray[Any, Any]:
    return r.integers(0, 2**32, (*shape, 2), dtype=U32)


_NO_KEY = Wrong((np.zeros(3, U32),), r": a key is u32\[2\] .*, got u32\[3\], at ", {"shape": (2,)})

RANDOM = (
    Row("random_bits", random.random_bits, _bits,
        (Case(lambda r: (_key(r),), {"shape": (3, 5)}), Case(lambda r: (_key(r),), {"shape": ()}),
         Case(lambda r: (_key(r, 2),), {"shape": (3,)}), Case(lambda r: (_key(r),), {"shape": (0, 2)})),
        (_NO_KEY, Wrong((np.zeros(2, U32),), r"random_bits: wanted a shape of at most 2\*\*32 elements", {"shape": (2**17, 2**17)}))),
    Row("random_split", random.random_split, _words,
        (Case(lambda r: (_key(r),), {"shape": (3,)}), Case(lambda r: (_key(r, 2, 2),), {"shape": (2, 2)})), (_NO_KEY,)),
    Row("random_fold_in", random.random_fold_in, _fold_in,
        (Case(lambda r: (_key(r), integers(r, low=0, high=99, dtype=U32))),
         Case(lambda r: (_key(r, 3), integers(r, 3, low=0, high=99, dtype=U32)))),
        (Wrong((np.zeros(2, U32), np.zeros((), I32)), r"random_fold_in: wanted one u32 for each key, got i32\[\]"),)),
)


@jit
def _inner(x: Any, y: Any) -> Any:
    return elementwise.mul(elementwise.sin(x), y), elementwise.add(x, 1.0)


def _through_jit(x: Any, y: Any) -> Any:
    first, second = _inner(x, y)
    return elementwise.mul(first, second)


HIGHER = (
    Row("jit", _through_jit, lambda x, y: np.sin(x) * y * (x + 1), (Case(lambda r: (uniform(r, 3, 2), uniform(r, 3, 2))),),
        order=2, tolerance=16, every_precision=False),
)

ROWS = table(*SHAPES, *REDUCTIONS, *PRODUCTS, *INDEXING, *RANDOM, *HIGHER)
