"""The WebGPU backend: WGSL through wgpu. Importing this package imports wgpu; opening a backend creates a device."""
from __future__ import annotations

from lantern.backends.wgpu.device import AdapterInfo as AdapterInfo
from lantern.backends.wgpu.device import adapters as adapters
from lantern.backends.wgpu.device import why_none as why_none
from lantern.backends.wgpu.runtime import WgpuBackend as WgpuBackend
