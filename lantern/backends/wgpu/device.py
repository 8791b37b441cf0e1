"""Adapters and devices: what there is, in which order, with which limits; found once, on first use."""
from __future__ import annotations

import functools
import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lantern import config
from lantern.backends.wgpu.native import wgpu
from lantern.backends.wgpu.scalar import CURES
from lantern.errors import DeviceError
from lantern.lower.kernel import Target

_TYPES = ("DiscreteGPU", "IntegratedGPU", "VirtualGPU", "Unknown", "CPU")
_SLOW_BACKENDS = ("OpenGL", "OpenGLES")

# Limits that we ask a device for; all others stay as the adapter has them.
LIMITS = (
    "max-buffer-size", "max-storage-buffer-binding-size", "max-storage-buffers-per-shader-stage",
    "max-compute-workgroup-storage-size", "max-compute-invocations-per-workgroup", "max-compute-workgroup-size-x",
    "max-compute-workgroups-per-dimension", "min-uniform-buffer-offset-alignment",
)
FEATURES = ("timestamp-query", "timestamp-query-inside-passes", "subgroup", "shader-f16", "shader-float32-atomic")

ROUNDS_F16 = "rounds-f16"       # a feature of our own: see `rounds_f16`

# Addresses are u32 numbers of elements; some drivers compute byte addresses in 32 bits, too.
MOST_BYTES = (1 << 32) - 16


@dataclass(frozen=True, slots=True)
class AdapterInfo:
    """An adapter as plain data. `type` is DiscreteGPU, IntegratedGPU, VirtualGPU, Unknown or CPU.

    `index` is its place in `adapters()`; two equal cards differ in it.
    """

    index: int
    name: str
    driver: str
    backend: str
    type: str
    limits: tuple[tuple[str, int], ...]
    features: tuple[str, ...]

    @property
    def kind(self) -> str:
        """"software" for a driver that runs on the CPU, else "hardware"."""
        return "software" if self.type == "CPU" else "hardware"

    def limit(self, name: str) -> int:
        """One limit by its WebGPU name, such as "max-buffer-size"."""
        return dict(self.limits)[name]


@dataclass(frozen=True, slots=True)
class _Found:
    infos: tuple[AdapterInfo, ...]
    handles: tuple[Any, ...]
    reason: str


@functools.lru_cache(maxsize=1)
def _find() -> _Found:
    """Ask the system once. Whatever goes wrong becomes the reason why there is nothing."""
    try:
        with _quiet_libraries():
            handles: list[Any] = list(wgpu.gpu.enumerate_adapters_sync())
    except Exception as error:      # drivers fail in many ways; none may break `import` or `doctor`
        return _Found((), (), f"looking for adapters failed: {type(error).__name__}: {error}")
    if not handles:
        return _Found((), (), "no adapter: no Vulkan, Metal or Direct3D 12 driver was found. On Linux install the "
                              "Vulkan loader and a driver (Debian: libvulkan1 and mesa-vulkan-drivers).")
    handles.sort(key=_rank)     # stable: equal ranks stay in the system's order
    return _Found(tuple([_info(k, h) for k, h in enumerate(handles)]), tuple(handles), "")


@contextmanager
def _quiet_libraries() -> Generator[None]:
    """Window-system libraries, which we do not use, write to stderr where this variable is missing (in containers)."""
    name = "XDG_RUNTIME_DIR"
    if name in os.environ or not sys.platform.startswith("linux"):
        yield
        return
    os.environ[name] = tempfile.gettempdir()
    try:
        yield
    finally:
        del os.environ[name]


def _info(index: int, handle: Any) -> AdapterInfo:
    info: dict[str, Any] = dict(handle.info)
    return AdapterInfo(
        index=index,
        name=str(info.get("device") or info.get("vendor") or "unknown"),
        driver=str(info.get("description") or ""),
        backend=str(info.get("backend_type") or "unknown"),
        type=str(info.get("adapter_type") or "Unknown"),
        limits=tuple(sorted((str(k), int(v)) for k, v in handle.limits.items())),
        features=tuple(sorted(str(f) for f in handle.features)),
    )


def _rank(handle: Any) -> tuple[int, bool]:
    info = _info(0, handle)
    place = _TYPES.index(info.type) if info.type in _TYPES else _TYPES.index("Unknown")
    return place, info.backend in _SLOW_BACKENDS


def adapters() -> tuple[AdapterInfo, ...]:
    """The adapters of this machine, best first: discrete, integrated, virtual, software; OpenGL after the others.

    Never raises; if it is empty, `why_none` says why.
    """
    return _find().infos


def why_none() -> str:
    """Why `adapters()` is empty; an empty text if it is not."""
    return _find().reason


def open_device(info: AdapterInfo) -> Any:
    """A new wgpu device of an adapter, with its limits asked for explicitly and the features that we use.

    Raises DeviceError if the adapter refuses.
    """
    try:
        return _find().handles[info.index].request_device_sync(
            required_features=[f for f in FEATURES if f in info.features],
            required_limits={name: info.limit(name) for name in LIMITS if name in dict(info.limits)})
    except Exception as error:
        raise DeviceError(f"the adapter {info.name} ({info.backend}) does not open: {error}") from error


def honoured_limits(info: AdapterInfo, text: str | None = None) -> dict[str, int]:
    """The limits that we keep to: the adapter's, lowered by `text` (default: the setting LANTERN_LIMITS).

    Raises DeviceError for an unknown name or a value that is no number.

    >>> info = AdapterInfo(0, "a", "", "Vulkan", "CPU", (("max-buffer-size", 4096),), ())
    >>> honoured_limits(info, "max-buffer-size=1024")
    {'max-buffer-size': 1024}
    """
    limits = dict(info.limits)
    for item in filter(None, (config.flags.limits if text is None else text).split(",")):
        name, _, value = item.strip().partition("=")
        if name not in limits or not value.isdigit():
            raise DeviceError(f"LANTERN_LIMITS: wanted name=number with a name among {', '.join(sorted(limits))}; "
                              f"got {item.strip()!r}")
        limits[name] = min(limits[name], int(value))
    return limits


def rounds_f16(info: AdapterInfo) -> bool:
    """Whether conversions to f16 round to the nearest. Vulkan leaves that open: hardware with f16 arithmetic does it,
    software drivers truncate."""
    return info.backend == "Vulkan" and info.kind == "hardware" and "shader-f16" in info.features


def make_target(info: AdapterInfo) -> Target:
    """What lowering may rely on: the honoured limits, less one buffer that some drivers take for themselves."""
    limits = honoured_limits(info)
    parallel = {"DiscreteGPU": 256, "IntegratedGPU": 64, "VirtualGPU": 64}
    return Target(
        backend="wgpu",
        max_buffers=max(2, limits["max-storage-buffers-per-shader-stage"] - 1),
        max_binding=min(limits["max-storage-buffer-binding-size"], limits["max-buffer-size"], MOST_BYTES),
        max_workgroup_size=min(limits["max-compute-invocations-per-workgroup"], limits["max-compute-workgroup-size-x"],
                               256),
        max_workgroup_memory=limits["max-compute-workgroup-storage-size"],
        max_groups=limits["max-compute-workgroups-per-dimension"],
        recompute=True,
        lacks=tuple(CURES.items()),
        split_reduce=parallel.get(info.type, 0),
        select_work=1 << 18 if info.type == "CPU" else 1 << 24,     # operations in the time of a read
        features=frozenset([f for f in FEATURES if f in info.features] + [ROUNDS_F16] * rounds_f16(info)),
    )
