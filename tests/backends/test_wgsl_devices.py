"""Looking for adapters, with systems that have none."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lantern.backends.wgpu import adapters, device, why_none


def system(found: Callable[[], list[Any]]) -> SimpleNamespace:
    """What stands in for the module wgpu."""
    return SimpleNamespace(gpu=SimpleNamespace(enumerate_adapters_sync=found))


def adapter(kind: str, backend: str, name: str) -> SimpleNamespace:
    """An adapter as wgpu reports it."""
    return SimpleNamespace(info={"device": name, "adapter_type": kind, "backend_type": backend, "description": "1.0"},
                           limits={"max-buffer-size": 4096}, features={"shader-f16"})


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Each test looks anew, and so do those that follow."""
    device._find.cache_clear()
    yield
    device._find.cache_clear()


def test_failing_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> list[Any]:
        raise OSError("no loader")

    monkeypatch.setattr(device, "wgpu", system(fail))
    assert adapters() == () and "OSError: no loader" in why_none()


def test_no_adapters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "wgpu", system(list))
    assert adapters() == () and "libvulkan1" in why_none()


def test_order(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [adapter("CPU", "Vulkan", "e"), adapter("DiscreteGPU", "OpenGL", "b"),
             adapter("IntegratedGPU", "Metal", "c"), adapter("DiscreteGPU", "Vulkan", "a"),
             adapter("something new", "D3D12", "d")]
    monkeypatch.setattr(device, "wgpu", system(lambda: there))
    assert "".join(a.name for a in adapters()) == "abcde"
    assert [a.kind for a in adapters()] == ["hardware"] * 4 + ["software"]
    assert why_none() == ""
