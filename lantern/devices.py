"""Devices: which there are, which is the default and why, and moving values between them."""
from __future__ import annotations

import copyreg
import functools
import importlib
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from lantern import config
from lantern.backends.array import DeviceArray
from lantern.backends.base import Backend, Device
from lantern.dtypes import KEY
from lantern.errors import DeviceError
from lantern.reference import REFERENCE
from lantern.trace.aval import shaped
from lantern.trace.jaxpr import Literal

DeviceLike: TypeAlias = "Device | str"

_opening = threading.RLock()     # one device for all threads, also if they ask at the same time for the first time


@dataclass(slots=True, eq=False)
class _Opener:
    """Makes a backend when it is first used. Importing its module takes time that not every process wants to spend."""

    module: str
    kind: str
    args: tuple[Any, ...] = ()
    backend: Backend | None = None

    def __call__(self) -> Backend:
        if self.backend is None:
            with _opening:
                if self.backend is None:
                    self.backend = getattr(importlib.import_module(self.module), self.kind)(*self.args)
        assert self.backend is not None, "internal: no backend was opened"
        return self.backend


CPU = Device("cpu", 0, "CPU (NumPy)", "cpu", _Opener("lantern.backends.numpy", "NumpyBackend"))
EMULATE = Device("emulate", 0, "kernels evaluated in NumPy", "cpu",
                 _Opener("lantern.backends.emulate", "EmulateBackend"))
_override: ContextVar[Device | None] = ContextVar("lantern_device", default=None)


def gpus() -> tuple[Device, ...]:
    """One device an adapter, best first. wgpu is imported here and not before."""
    with _opening:
        return _gpus()


@functools.lru_cache(maxsize=1)
def _gpus() -> tuple[Device, ...]:
    module: Any = importlib.import_module("lantern.backends.wgpu.device")
    return tuple([Device("gpu", i, a.name, "software" if a.type == "CPU" else "hardware",
                         _Opener("lantern.backends.wgpu.runtime", "WgpuBackend", (a,)))
                  for i, a in enumerate(module.adapters())])


def devices(platform: str | None = None) -> list[Device]:
    """The devices of this machine: CPU first, then GPU adapters, best first. `platform`: only "cpu" or "gpu".

    Raises DeviceError for another platform.

    >>> devices("cpu")
    [Device(cpu:0, 'CPU (NumPy)')]
    """
    if platform not in (None, "cpu", "gpu"):
        raise DeviceError(f"devices: no platform is called {platform!r}; there are 'cpu' and 'gpu'")
    return [d for d in (CPU, *(() if platform == "cpu" else gpus())) if platform in (None, d.platform)]


def local_devices(process_index: int | None = None, backend: str | None = None) -> list[Device]:
    """As `devices`: there is one process."""
    return devices(backend)


def device_count(backend: str | None = None) -> int:
    """The number of devices, of all platforms or of one: "cpu" or "gpu".

    >>> device_count("cpu")
    1
    """
    return len(devices(backend))


def default_backend() -> str:
    """The platform of the default device: "cpu" or "gpu".

    >>> with default_device("cpu"):
    ...     default_backend()
    'cpu'
    """
    return current_device().platform


def process_index(backend: str | None = None) -> int:
    """0: there is one process."""
    return 0


def process_count(backend: str | None = None) -> int:
    """1: there is one process."""
    return 1


def find_device(name: DeviceLike) -> Device:
    """The device that `name` means.

    That is "cpu", "gpu", "gpu:1", a part of an adapter's name; or "reference" and "emulate", the judges.
    Raises DeviceError that lists what there is, TypeError for what is no name.
    """
    if isinstance(name, Device):
        return name
    if not isinstance(name, str):      # pyright: ignore[reportUnnecessaryIsInstance]: callers may be untyped
        raise TypeError(f"device: wanted a Device or a name such as 'cpu' or 'gpu:0', got {name!r}")
    for special in (CPU, REFERENCE, EMULATE):
        if name in (special.platform, str(special)):
            return special
    matches = [d for d in gpus() if name in ("gpu", str(d)) or name.lower() in d.name.lower()]
    if not name or not matches:
        there = ", ".join(f"{d} ({d.name})" for d in devices())
        raise DeviceError(f"no device is called {name!r}; there are {there}. Set LANTERN_DEVICE or device= to one of "
                          "them; `lantern doctor` explains a missing GPU")
    return matches[0]


def default_device_and_reason() -> tuple[Device, str]:
    """The device for new arrays, and why it is that one."""
    override = _override.get()
    if override is not None:
        return override, "chosen by lantern.default_device(...)"
    if config.flags.device:
        return find_device(config.flags.device), f"chosen by LANTERN_DEVICE={config.flags.device}"
    return _best()


@functools.lru_cache(maxsize=1)
def _best() -> tuple[Device, str]:
    hardware = [d for d in gpus() if d.kind == "hardware"]
    if hardware:
        return hardware[0], "the best hardware GPU adapter"
    if gpus():
        return CPU, f"the only GPU adapter ({gpus()[0].name}) is a software one, which is slower than the CPU device"
    return CPU, "no GPU adapter was found"


def current_device() -> Device:
    """The device for new arrays, which is also where operations without array operands run."""
    override = _override.get()
    if override is not None:
        return override
    return find_device(config.flags.device) if config.flags.device else _best()[0]


@contextmanager
def default_device(device: DeviceLike) -> Generator[Device]:
    """Inside the `with` block new arrays live on `device`.

    >>> with default_device("cpu") as d:
    ...     print(d)
    cpu:0
    """
    token = _override.set(find_device(device))
    try:
        yield current_device()
    finally:
        _override.reset(token)


def common_device(args: Sequence[Any], what: str, place: Device | None = None) -> Device:
    """The one device of the arrays among `args` (and of `place`), else of the first loose one, else the default.

    Raises DeviceError that names both if there are two.
    """
    found, nearest = place, None
    for a in args:
        if type(a) is not DeviceArray:
            continue
        if a.loose:
            nearest = nearest or a.device
        elif a.device is not found:
            if found is not None:
                raise DeviceError(f"{what}: operands live on two devices, {found} ({found.name}) and {a.device} "
                                  f"({a.device.name}). Move one with lantern.device_put(x, device)")
            found = a.device
    return found or nearest or current_device()


def brought_together(args: Sequence[Any], what: str, place: Device | None = None) -> list[Any]:
    """The operands, arrays among them on one device: `place`, or that of those that are not loose.

    Raises DeviceError that names both if there are two.
    """
    device = common_device(args, what, place)
    return [on_device(a, device, loose=True) if type(a) is DeviceArray else a for a in args]


def on_device(x: Any, device: Device, weak: bool = False, loose: bool = False) -> DeviceArray:
    """A NumPy array or literal as an array of `device`; a device array of another device is copied through the host."""
    if type(x) is DeviceArray:
        return x if x.device is device else DeviceArray(x.aval, device.backend.write(x.elements()), device, loose)
    if type(x) is Literal:      # not `literal_buffer`: the user may donate this array
        return DeviceArray(x.aval, device.backend.write(np.asarray(x.value)), device, loose)
    x = np.asarray(x)
    return DeviceArray(shaped(x.shape, x.dtype, weak), device.backend.write(x), device, loose)


def placed(x: DeviceArray, device: Device) -> DeviceArray:
    """The array on a device that somebody chose for it: a copy, unless it was placed there before."""
    if x.device is device and not x.loose:
        return x
    return DeviceArray(x.aval, device.backend.write(x.elements()), device)


_literals: dict[Any, Any] = {}


def literal_buffer(x: Literal, device: Device) -> Any:
    """A literal's memory on a device, to be read only; the same few numbers come again and again in eager code."""
    key = (x.value.tobytes(), x.aval.dtype, device)
    buffer = _literals.get(key)
    if buffer is None:
        if len(_literals) >= 1024:
            _literals.clear()
        buffer = _literals[key] = device.backend.write(np.asarray(x.value))
    return buffer


def clear_literals() -> None:
    """Forget the literals' memory."""
    _literals.clear()


def _unpickle(values: np.ndarray[Any, Any], weak: bool, device: str, keys: bool = False) -> DeviceArray:
    try:
        place = find_device(device)
    except DeviceError:     # made on a machine with a GPU, loaded on one without
        place = current_device()
    return keys_of(values, place) if keys else on_device(values, place, weak)


def keys_of(words: np.ndarray[Any, Any], device: Device, loose: bool = False) -> DeviceArray:
    """Random keys on a device, of their words (u32 along a last axis)."""
    return DeviceArray(shaped(words.shape[:-1], KEY), device.backend.write(words), device, loose)


def _reduce(x: DeviceArray) -> Any:
    return _unpickle, (np.array(x.elements()), x.aval.weak, str(x.device), x.aval.dtype is KEY)


copyreg.pickle(DeviceArray, _reduce)
