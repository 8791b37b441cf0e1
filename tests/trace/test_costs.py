"""What tracing may cost: memory of long loops, time of an equation."""
from __future__ import annotations

import time
import tracemalloc
from typing import Any

import numpy as np

import lantern
import lantern.numpy as jnp


def test_ten_thousand_linear_steps_hold_no_intermediate_arrays() -> None:
    """A linear loop on 1 MB has no residuals; 20,000 intermediate results would be 20 GB."""
    x = np.ones(1 << 18, np.float32)

    def f(x: Any) -> Any:
        for _ in range(10_000):
            x = x * 1.0001 - x * 0.0001
        return jnp.sum(x)

    with lantern.default_device("cpu"):
        steps = lantern.grad(lambda x: jnp.sum(x * 1.0001 - x * 0.0001))
        steps(x)        # compile the operations
        tracemalloc.start()
        try:
            small = np.ones(4, np.float32)
            lantern.grad(f)(small)      # what the trace itself costs, without arrays to speak of
            _, trace_peak = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            lantern.grad(f)(x)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    arrays = (peak - trace_peak) / 1e6
    assert arrays < 50, f"array memory: {arrays:.1f} MB, trace: {trace_peak / 1e6:.1f} MB"


def test_time_of_one_equation_under_grad() -> None:
    """The goal is 30 us; the test allows twice that, for slow machines."""
    def f(x: Any) -> Any:
        for _ in range(500):
            x = jnp.sin(x) * 1.01
        return x

    with lantern.default_device("cpu"):
        equations = 0
        best = float("inf")
        for _ in range(4):
            start = time.perf_counter()
            lantern.grad(f)(0.5)
            best = min(best, time.perf_counter() - start)
        equations = 7 * 500     # forward 2, derivative 3, backward 2 for each step
    assert best / equations < 60e-6, f"{best / equations * 1e6:.1f} us an equation"
