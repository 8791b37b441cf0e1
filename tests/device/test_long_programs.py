"""Two hundred programs of twenty operations on the GPU: as near to float64 as the judge's float32, within a factor."""
from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings

import lantern
from lantern.backends.wgpu import WgpuBackend, adapters
from tests.laws.long_programs import Program, agree, programs

# SwiftShader takes half a second for each program: with it a quarter of them, or all where ALL_PROGRAMS is set.
SLOW = any(["SwiftShader" in a.name for a in adapters()[:1]]) and "ALL_PROGRAMS" not in os.environ
COUNT = 50 if SLOW else 200
CLEARED = 10        # programs whose kernels may be in memory at a time


def test_the_gpu_agrees_with_the_judge(backend: WgpuBackend) -> None:
    compared = 0

    @settings(max_examples=COUNT, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(f=programs)
    def check(f: Program) -> None:
        nonlocal compared
        agree(f, "gpu")
        compared += 1
        if compared % CLEARED == 0:
            lantern.clear_caches()

    check()
    assert compared >= COUNT, f"{compared} programs were compared, the others have no derivative to agree with"
