"""Two hundred programs of twenty operations on the GPU: as near to float64 as the judge's float32, within a factor."""
from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from lantern.backends.wgpu import WgpuBackend
from tests.laws.long_programs import Program, agree, programs


@settings(max_examples=200, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(f=programs)
def test_the_gpu_agrees_with_the_judge(backend: WgpuBackend, f: Program) -> None:
    agree(f, "gpu")
