"""What the tracing tests share: central differences, and an operation that counts its evaluations."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.lower.expr import ScalarOp
from lantern.ops.build import call
from lantern.ops.elementwise import mul
from lantern.ops.pointwise import elementwise
from lantern.trace.primitive import Primitive

RUNS: list[int] = []


def _counted(scalars: Any, dtype: Any, x: Any) -> Any:
    RUNS.append(1)
    return scalars.apply(ScalarOp.MUL, x, x, dtype=dtype)


probe_p: Primitive = elementwise("test_probe", _counted, [lambda g, y, x: mul(g, mul(2.0, x))])


def probe(x: Any) -> Any:
    """x * x; counts its evaluations on the reference."""
    return call(probe_p, x)


def close(a: Any, b: Any, tolerance: float = 1e-7) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def differences(f: Any, x: Any, step: float = 1e-5) -> np.ndarray:
    """Central differences of a scalar function."""
    x = np.asarray(x, float)
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        d = np.zeros_like(x)
        d[i] = step
        out[i] = (float(f(x + d)) - float(f(x - d))) / (2 * step)
    return out
