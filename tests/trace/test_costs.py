"""What tracing may cost: memory of long loops, time of an equation."""
from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import lantern
import lantern.numpy as jnp

MEMORY = r"""
import re
import numpy as np
import lantern
import lantern.numpy as jnp

def f(x):
    for _ in range(10_000):
        x = x * 1.0001 - x * 0.0001
    return jnp.sum(x)

def peak():
    return int(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read()).group(1)) / 1024

with lantern.default_device("cpu"):
    lantern.grad(lambda x: jnp.sum(x * 1.0001 - x * 0.0001))(np.ones(1 << 18, np.float32))     # compile
    lantern.grad(f)(np.ones(4, np.float32))     # what the trace itself costs, without arrays to speak of
    before = peak()
    lantern.grad(f)(np.ones(1 << 18, np.float32))
    print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process's memory is read from /proc")
def test_ten_thousand_linear_steps_hold_no_intermediate_arrays() -> None:
    """A linear loop on 1 MB has no residuals; 20,000 intermediate results would be 20 GB."""
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 50, f"array memory grew by {done.stdout} MB"


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
