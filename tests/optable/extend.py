"""Rows: the primitives that stand for users' own operations."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.api import jvp
from lantern.errors import CustomRuleError
from lantern.extend import primitive, wgsl_kernel
from lantern.ops import elementwise
from tests.optable.table import Case, Row, Wrong, integers, table, uniform


def _scaled_jvp(primals: Any, out: Any, tangents: Any, *, times: float) -> Any:
    x, y = primals
    dx, dy = tangents
    first = elementwise.mul(elementwise.mul(elementwise.mul(x, dx), y), 2.0 * times)
    return elementwise.add(first, elementwise.mul(elementwise.mul(elementwise.mul(x, x), dy), times))


scaled = wgsl_kernel("scaled", "out[i] = x[i] * x[i] * y[i] * times;", shape=lambda x, y, *, times: x,
                     reference=lambda x, y, *, times: x * x * y * x.dtype.type(times), jvp=_scaled_jvp)

shifted = wgsl_kernel("shifted", "out[i] = n[(i + 1u) % n_size] * 3;", shape=lambda n: n,
                      reference=lambda n: np.roll(n.reshape(-1), -1).reshape(n.shape) * n.dtype.type(3))

cubed = primitive("test_cubed", abstract=lambda x: x, impl=lambda x: x ** 3,
                  lower=lambda x: elementwise.mul(elementwise.mul(x, x), x),
                  vjp=lambda primals, out, ct: elementwise.mul(
                      elementwise.mul(elementwise.mul(primals[0], primals[0]), ct), 3.0))


def _either(x: Any, y: Any = None, times: float = 0.5) -> Any:
    return shifted(x) if y is None else scaled(x, y, times=times)


def _either_twin(x: Any, y: Any = None, times: float = 0.5) -> Any:
    return np.roll(x.reshape(-1), -1).reshape(x.shape) * 3 if y is None else x * x * y * times


def _slope(x: Any) -> Any:
    return jvp(cubed, (x,), (elementwise.mul(x, x),))[1]


ROWS = table(
    Row("wgsl_kernel", _either, _either_twin,
        (Case(lambda r: (uniform(r, 3, 5), uniform(r, 3, 5))),
         Case(lambda r: (uniform(r, 7), uniform(r, 7)), {"times": -2.0}),
         Case(lambda r: (integers(r, 13),), smooth=False),
         Case(lambda r: (uniform(r, 0), uniform(r, 0)), smooth=False)),
        (Wrong((np.ones(3, bool),), r"shifted .*: n is bool\[3\]; arrays in a WGSL kernel hold float32, int32",
               error=CustomRuleError),),
        order=2, every_precision=False),
    Row("tangent", _slope, lambda x: 3 * x ** 4,
        (Case(lambda r: (uniform(r, 4, 3),)), Case(lambda r: (uniform(r, 5),))),
        order=2, every_precision=False),
)
