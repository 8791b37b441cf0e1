"""Two hundred programs of twenty operations on the GPU: as near to float64 as the judge's float32, within a factor."""
from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings

import lantern
from lantern.backends.wgpu import WgpuBackend, adapters
from tests.laws.long_programs import RUNS, Program, agree, programs

# SwiftShader takes half a second and megabytes for each kernel: with it a few programs, or all of them (an hour) where
# ALL_PROGRAMS is set.
SLOW = any(["SwiftShader" in a.name for a in adapters()[:1]]) and "ALL_PROGRAMS" not in os.environ
CLEARED = 10        # programs whose kernels may be in memory at a time
_seen = [0]


@pytest.fixture(autouse=True)
def _clean() -> None:
    _seen[0] = 0


@settings(max_examples=4 if SLOW else 200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(f=programs)
def test_the_gpu_agrees_with_the_judge(backend: WgpuBackend, f: Program) -> None:
    _seen[0] += 1
    if _seen[0] % CLEARED == 0:
        lantern.clear_caches()
    agree(f, "gpu", RUNS[:2] if SLOW else RUNS)
