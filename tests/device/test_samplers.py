"""Samplers and special functions on a GPU: the numbers of the CPU, and nothing read back while they are drawn."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
from lantern import lax, random
from lantern.backends.wgpu import WgpuBackend

F32 = np.float32

DRAWN: dict[str, Callable[[Any], Any]] = {
    "gamma": lambda k: random.gamma(k, F32([0.3, 2, 50]), (20, 3)),
    "poisson": lambda k: random.poisson(k, F32([0, 4, 50]), (20, 3)),
    "truncated_normal": lambda k: random.truncated_normal(k, -1.0, 2.0, (50,)),
    "choice": lambda k: random.choice(k, 9, (5,), False, p=np.arange(1, 10, dtype=F32)),
    "betainc": lambda k: lax.betainc(F32([0.5, 9, 300]), F32([3, 9, 200]), random.uniform(k, (3,))),
}


@pytest.mark.parametrize("name", DRAWN)
def test_gpu_equals_cpu(name: str, backend: WgpuBackend) -> None:
    found = []
    for device in ("cpu", "gpu"):
        with lantern.default_device(device):
            draw = lantern.jit(DRAWN[name])
            key = random.key(3)
            found.append(np.asarray(draw(key)))
            if device == "gpu":
                native = key.device.backend.native
                before = native.reads
                draw(key)
                assert native.reads == before, "a sampler waits for no answer of the GPU"
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5, atol=1e-6)
