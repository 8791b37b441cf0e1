"""Programs of twenty operations on the GPU: as near to float64 as the judge's float32, within a factor."""
from __future__ import annotations

from hypothesis import HealthCheck, given, settings

import lantern
from lantern.backends.wgpu import WgpuBackend
from tests.laws.long_programs import COUNT, Program, agree, programs

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
