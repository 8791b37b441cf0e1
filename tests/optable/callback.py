"""Rows: calls of Python from inside programs."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern import ShapeDtypeStruct, debug, io_callback, pure_callback
from lantern.errors import CallbackError
from tests.optable.table import Case, Row, Wrong, integers, table, uniform

F32_3 = np.ones(3, np.float32)


def _cumulative(x: Any, y: Any) -> Any:
    return np.cumsum(x, -1) * y


def _pure(x: Any, y: Any, vmap_method: str, promised: Any = None) -> Any:
    result = promised or ShapeDtypeStruct(x.shape, x.dtype)
    return pure_callback(_cumulative, result, x, y, vmap_method=vmap_method)


def _io(x: Any) -> Any:
    return io_callback(lambda v: v * 2, ShapeDtypeStruct(x.shape, x.dtype), x)


def _debug(x: Any) -> Any:
    debug.callback(lambda v: None, x)
    return x


ROWS = table(
    Row("pure_callback", _pure, lambda x, y, vmap_method: np.cumsum(x, -1) * y,
        (Case(lambda r: (uniform(r, 4, 3), uniform(r, 4, 3)), {"vmap_method": "sequential"}, smooth=False),
         Case(lambda r: (uniform(r, 5), uniform(r, 5)), {"vmap_method": "broadcast_all"}, smooth=False),
         Case(lambda r: (uniform(r, 5), uniform(r, 5)), {"vmap_method": "expand_dims"}, smooth=False),
         Case(lambda r: (integers(r, 0), integers(r, 0)), {"vmap_method": "sequential"}, smooth=False)),
        (Wrong((F32_3, F32_3), r"callback _cumulative: wanted f32\[2\], got f32\[3\], at callback.py:\d+ in _pure",
               {"vmap_method": None, "promised": ShapeDtypeStruct((2,), np.float32)}, CallbackError),
         Wrong((F32_3, F32_3), r"callback _cumulative: wanted i32\[3\], got f32\[3\]",
               {"vmap_method": None, "promised": ShapeDtypeStruct((3,), np.int32)}, CallbackError),
         Wrong((F32_3, F32_3), r"callback _cumulative: the result must have the structure \(\*, \*\), got \*",
               {"vmap_method": None, "promised": (ShapeDtypeStruct((3,), np.int32),) * 2}, CallbackError)),
        every_precision=False),
    Row("io_callback", _io, lambda x: x * 2,
        (Case(lambda r: (uniform(r, 4, 3),), smooth=False), Case(lambda r: (integers(r),), smooth=False)),
        every_precision=False),
    Row("debug_callback", _debug, lambda x: x,
        (Case(lambda r: (uniform(r, 4, 3),)), Case(lambda r: (integers(r, 2),), smooth=False)),
        order=2),
)
