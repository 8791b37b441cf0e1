"""The device that these tests need: the best adapter there is."""
from __future__ import annotations

import functools

import pytest

from lantern import config
from lantern.backends.wgpu import WgpuBackend, adapters, why_none


@functools.lru_cache(maxsize=1)
def _open() -> WgpuBackend:
    return WgpuBackend(adapters()[0])


@pytest.fixture
def backend() -> WgpuBackend:
    """A backend, the same one for all tests."""
    if not adapters():
        assert not config.flags.require_adapter, f"LANTERN_REQUIRE_ADAPTER is set, but: {why_none()}"
        pytest.skip(why_none())
    return _open()


@pytest.fixture
def limited(backend: WgpuBackend, monkeypatch: pytest.MonkeyPatch) -> WgpuBackend:
    """A backend of the same adapter with limits as low as they may be."""
    monkeypatch.setattr(config.flags, "limits", "max-buffer-size=4096,max-compute-workgroups-per-dimension=3")
    return WgpuBackend(backend.adapter)
