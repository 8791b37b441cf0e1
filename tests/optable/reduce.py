"""Rows: reductions."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.ops import reduce
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
    complexes,
    integers,
    table,
    uniform,
)

F32, I32 = np.float32, np.int32
MATRIX = np.ones((2, 3), F32)


def _cube(r: Random) -> Arrays:
    return (uniform(r, 2, 3, 4),)


def _empty(r: Random) -> Arrays:
    return (np.zeros((0, 3), F32),)


_EACH = ({"axes": (0,)}, {"axes": (1, 2)}, {"axes": (0, 1, 2)}, {"axes": (2,)})
_NO_AXIS = Wrong((MATRIX,), r": wanted different axes from 0 to 1, got \(2,\) for f32\[2,3\]", {"axes": (2,)})


def _extremum(name: str, function: Any, twin: Any, empty: str) -> Row:
    return Row(name, function, lambda x, axes: twin(x, axis=axes),
               (*[Case(lambda r: (apart(r, 2, 3, 4),), p) for p in _EACH],
                Case(lambda r: (SPECIAL.reshape(3, 6).copy(),), {"axes": (1,)}, smooth=False),
                Case(lambda r: (EXTREME.copy(),), {"axes": (0,)}, smooth=False),
                Case(_empty, {"axes": (1,)}, smooth=False)),
               (_NO_AXIS, Wrong((np.zeros((0, 3), F32),),
                                rf"{name}: there is no {empty} of no elements, got f32\[0,3\], whose "
                                                         "axis 0 is empty, at ", {"axes": (0,)}),
                Wrong((np.ones(2, bool),), rf"{name}: wanted numbers, got bool\[2\]", {"axes": (0,)}),
                Wrong((np.ones(2, np.complex64),),
                      rf"{name}: wanted numbers, got c64\[2\]: complex numbers have no order", {"axes": (0,)})),
               order=2)


def _truth(name: str, function: Any, twin: Any) -> Row:
    return Row(name, function, lambda x, axes: twin(x, axis=axes),
               (Case(lambda r: (bools(r, 2, 3, 2),), {"axes": (1,)}), Case(lambda r: (bools(r, 4),), {"axes": (0,)}),
                Case(lambda r: (np.zeros((0, 2), bool),), {"axes": (0,)})),
               (Wrong((MATRIX,), rf"{name}: wanted bools, got f32\[2,3\], at ", {"axes": (0,)}),))


def _position(name: str, function: Any, twin: Any) -> Row:
    return Row(name, function, lambda x, axis: twin(x, axis=axis).astype(I32),
               (Case(lambda r: (integers(r, 4, 5).astype(F32),), {"axis": 1}),
                Case(lambda r: (apart(r, 3, 4),), {"axis": 0}),
                Case(lambda r: (SPECIAL.reshape(3, 6).copy(),), {"axis": 0}),
                Case(lambda r: (EXTREME.copy(),), {"axis": 0})),
               (Wrong((np.zeros((0, 3), F32),), rf"{name}: there is no extreme element of no elements", {"axis": 0}),
                Wrong((MATRIX,), rf"{name}: wanted different axes from 0 to 1, got \(2,\)", {"axis": 2})))


def _with_zeros(r: Random) -> Arrays:
    x = uniform(r, 2, 3, 4)
    x[0, 1, :2] = 0
    x[1, 2, 3] = 0
    return (x,)


_COMPLEX = (Case(lambda r: (complexes(r, 2, 3, 4),), {"axes": (1,)}),
            Case(lambda r: (complexes(r, 2, 3),), {"axes": (0, 1)}))

ROWS = table(
    Row("reduce_sum", reduce.reduce_sum, lambda x, axes: np.sum(x, axis=axes, dtype=x.dtype),
        (*[Case(_cube, p) for p in _EACH], Case(lambda r: (uniform(r, 70, 33),), {"axes": (0,)}, smooth=False),
         Case(lambda r: (EXTREME.copy(),), {"axes": (0,)}), Case(_empty, {"axes": (0,)}), *_COMPLEX),
        (_NO_AXIS, Wrong((np.ones(2, bool),), r"reduce_sum: wanted numbers, got bool\[2\], at .*Convert",
                         {"axes": (0,)})),
        order=2, absolute=4e-7),
    Row("reduce_prod", reduce.reduce_prod, lambda x, axes: np.prod(x, axis=axes, dtype=x.dtype),
        (*[Case(_cube, p) for p in _EACH], *[Case(_with_zeros, p) for p in _EACH[:3]],
         Case(lambda r: (integers(r, 3, 4),), {"axes": (1,)}), Case(_empty, {"axes": (0,)}), *_COMPLEX), (_NO_AXIS,),
        order=2, tolerance=32),
    _extremum("reduce_max", reduce.reduce_max, np.max, "maximum"),
    _extremum("reduce_min", reduce.reduce_min, np.min, "minimum"),
    _truth("reduce_and", reduce.reduce_and, np.all),
    _truth("reduce_or", reduce.reduce_or, np.any),
    _position("argmax", reduce.argmax, np.argmax),
    _position("argmin", reduce.argmin, np.argmin),
)
