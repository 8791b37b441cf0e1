"""What there is and whether it works: Python, packages, adapters, devices, a matrix product on each, cures."""
from __future__ import annotations

import ctypes.util
import importlib
import importlib.metadata
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lantern import config
from lantern.backends.base import Device
from lantern.devices import CPU, default_device_and_reason, gpus, on_device
from lantern.errors import LanternError
from lantern.jitted import jit
from lantern.numpy import matmul
from lantern.trace.array import Array
from lantern.transfer import block_until_ready

PACKAGES = ("lantern-jit", "numpy", "ml_dtypes", "wgpu", "typing_extensions", "scikit-learn", "rich")
LIMITS = ("max-buffer-size", "max-storage-buffer-binding-size", "max-storage-buffers-per-shader-stage",
          "max-compute-workgroup-storage-size", "max-compute-invocations-per-workgroup")
SIZES = {"cpu": 512, "software": 512, "hardware": 2048}     # of the matrices, by kind of device
SECONDS = 0.3           # how long a device is timed
TOLERANCE = 1e-5        # of the largest element; float32 sums of up to 2,048 products stay well below


@dataclass(frozen=True, slots=True)
class Adapter:
    """One GPU driver that was found, and the device that stands for it."""

    device: str
    name: str
    type: str
    backend: str
    driver: str
    limits: dict[str, int]
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A matrix product on one device, compared with NumPy. `problem` is empty if it is right."""

    device: str
    size: int
    max_error: float | None
    gflops: float | None
    problem: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that `lantern doctor` prints. It holds no user names and no paths."""

    python: str
    os: str
    machine: str
    packages: dict[str, str]
    settings: dict[str, str]
    adapters: tuple[Adapter, ...]
    default_device: str
    reason: str
    checks: tuple[Check, ...]
    cures: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """Whether all devices compute correctly; a missing GPU is no illness."""
        return not any(check.problem for check in self.checks)


def examine() -> Report:
    """Look at everything. Takes a second or so for each device."""
    problems: list[str] = []
    try:
        found = gpus()
    except (ImportError, OSError, RuntimeError) as error:   # no wgpu, or its library does not load
        found = ()
        problems.append(f"The GPU library wgpu does not work: {private(str(error))}. Reinstall it: "
                        "python -m pip install --force-reinstall wgpu")
    try:
        default, reason = (CPU, "wgpu does not work") if problems else default_device_and_reason()
    except LanternError as error:
        default, reason = CPU, "LANTERN_DEVICE cannot be followed"
        problems.append(str(error))
    kinds = [device.kind for device in found]
    return Report(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        os=f"{platform.system()} {platform.release()}",
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        packages={name: version(name) for name in PACKAGES},
        settings={s.variable: private(os.environ[s.variable]) for s in config.SETTINGS if s.variable in os.environ},
        adapters=tuple(adapters(found)),
        default_device=f"{default} ({default.name})",
        reason=reason,
        checks=tuple([check(device) for device in (CPU, *found)]),
        cures=(*problems, *cures(sys.platform, platform.release(), kinds, has_loader())))


def version(distribution: str) -> str:
    """The installed version, or "not installed".

    >>> version("no-such-package")
    'not installed'
    """
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def adapters(devices: Sequence[Device]) -> list[Adapter]:
    """What the drivers say about themselves, in the order of the devices."""
    if not devices:
        return []
    module: Any = importlib.import_module("lantern.backends.wgpu.device")
    return [Adapter(str(device), a.name, a.type, a.backend, a.driver, {k: n for k, n in a.limits if k in LIMITS},
                    a.features)
            for device, a in zip(devices, module.adapters(), strict=True)]


def check(device: Device) -> Check:
    """A matrix product of random matrices on `device`, its largest error against NumPy in float64, and its speed.

    >>> check(CPU).problem
    ''
    """
    size = SIZES[device.kind]
    random = np.random.default_rng(0)
    x, y = (random.standard_normal((size, size)).astype(np.float32) for _ in range(2))
    truth = x.astype(np.float64) @ y.astype(np.float64)
    try:
        a, b = on_device(x, device), on_device(y, device)
        product = jit(_product)
        error = float(np.abs(np.asarray(product(a, b)) - truth).max() / np.abs(truth).max())
        gflops = 2 * size**3 / seconds(lambda: block_until_ready(product(a, b))) / 1e9
    except Exception as failure:    # a driver may raise anything; the doctor reports it and goes on
        return Check(str(device), size, None, None, private(f"{type(failure).__name__}: {failure}"))
    problem = "" if error <= TOLERANCE else f"wrong: the error is {error:.1e} of the largest element"
    return Check(str(device), size, error, round(gflops, 1), problem)


def _product(x: Array, y: Array) -> Array:
    return matmul(x, y)


def seconds(call: Callable[[], object]) -> float:
    """The best of a few timings."""
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end or best == float("inf"):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def has_loader() -> bool:
    """Whether the system has a Vulkan loader (asked on Linux only)."""
    return ctypes.util.find_library("vulkan") is not None


def cures(system: str, release: str, kinds: Sequence[str], loader: bool) -> list[str]:
    """What to do for a (better) GPU: `kinds` are those of the GPU devices that were found.

    >>> cures("linux", "6.1.0", ["hardware"], True)
    []
    >>> cures("linux", "6.1.0", [], False)[0][:40]
    'No Vulkan loader (libvulkan.so.1) was fo'
    """
    if "hardware" in kinds:
        return []
    found: list[str] = []
    if system == "linux" and not loader:
        found.append("No Vulkan loader (libvulkan.so.1) was found. Install it: apt-get install libvulkan1 (Debian, "
                     "Ubuntu), dnf install vulkan-loader (Fedora), pacman -S vulkan-icd-loader (Arch)")
    if system == "linux":
        driver = ("No hardware GPU was found. If this machine has one, install its Vulkan driver: apt-get install "
                  "mesa-vulkan-drivers (AMD, Intel), or NVIDIA's own driver")
        found.append(driver if kinds else driver + ". Mesa also brings one in software, which is enough for tests")
        found.append("In a container, hand the GPU in: --device /dev/dri (AMD, Intel), or --gpus all -e "
                     "NVIDIA_DRIVER_CAPABILITIES=all (NVIDIA)")
    else:
        found.append("No hardware GPU was found. Update the graphics driver; a remote desktop may hide it")
    if "microsoft" in release.lower():
        found.append("This is WSL: its Linux side has no hardware Vulkan driver by default. Run Python on Windows "
                     "itself, or install Mesa's dozen driver")
    if "software" in kinds:
        found.append("Only a software adapter was found: right, but slower than the CPU device, so it is never the "
                     "default. Ask for it with LANTERN_DEVICE=gpu")
    return found


def private(text: str) -> str:
    """A text without absolute paths, which tell user names.

    >>> private("cannot load /home/ada/.venv/lib/libwgpu.so: no such file")
    'cannot load <path>/libwgpu.so: no such file'
    """
    return re.sub(r"(?<![\w.:/])(?:[A-Za-z]:)?(?:[\\/][^\s\\/:'\"]+)+[\\/](?=[^\s\\/:'\"]+)", "<path>/", text)


def as_json(report: Report) -> str:
    """The report for a program or a bug report."""
    return json.dumps(asdict(report) | {"healthy": report.healthy}, indent=2)


def as_text(report: Report) -> str:
    """The report for people."""
    lines = [
        f"Python    {report.python}",
        f"System    {report.os}, {report.machine}",
        "Packages  " + ", ".join([f"{name} {number}" for name, number in report.packages.items()]),
    ]
    lines += ["Settings  " + ", ".join([f"{k}={v}" for k, v in report.settings.items()])] if report.settings else []
    lines += ["", "Adapters" if report.adapters else "Adapters  none"]
    for adapter in report.adapters:
        lines += _adapter_lines(adapter)
    lines += ["", f"Default   {report.default_device}: {report.reason}"]
    lines += ["", "A matrix product on each device, against NumPy", *map(_check_line, report.checks)]
    lines += ["", "What to do"] if report.cures else ["", "Nothing is missing."]
    lines += [f"  - {cure}" for cure in report.cures]
    return "\n".join(lines)


def _adapter_lines(adapter: Adapter) -> list[str]:
    limits = ", ".join([f"{name.removeprefix('max-')} {value:,}" for name, value in adapter.limits.items()])
    return [f"  {adapter.device}   {adapter.name}",
            f"          type {adapter.type}, {adapter.backend}, driver {adapter.driver}",
            f"          limits: {limits}",
            f"          features: {', '.join(adapter.features)}"]


def _check_line(found: Check) -> str:
    head = f"  {found.device:7} {found.size}x{found.size}"
    if found.max_error is None or found.gflops is None:
        return f"{head}  FAILED  {found.problem}"
    state = f"FAILED ({found.problem})" if found.problem else "ok"
    return f"{head}  {state}  max error {found.max_error:.1e}, {found.gflops:,.1f} GFLOP/s"
