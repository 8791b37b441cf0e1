"""What the Python array API standard asks of the module itself: its version, its devices and dtypes, moving arrays.

https://data-apis.org/array-api/2024.12/: `docs/array-api.md` says how far `lantern.numpy` follows it.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.backends.base import Device
from lantern.devices import DeviceLike, current_device, find_device
from lantern.devices import devices as all_devices
from lantern.dtypes import I32, bool_, canonical, python_dtype
from lantern.lax.operands import DType, as_sequence
from lantern.transfer import device_put

API_VERSION = "2024.12"
API_VERSIONS = ("2021.12", "2022.12", "2023.12", API_VERSION)

bool = bool_        # the standard's name, which nothing else in this file may use

_KINDS: dict[str, tuple[str, ...]] = {
    "bool": ("bool",),
    "signed integer": ("int8", "int16", "int32", "int64"),
    "unsigned integer": ("uint8", "uint16", "uint32", "uint64"),
    "real floating": ("float32", "float64"),
    "complex floating": ("complex64", "complex128"),
}
_UNIONS: dict[str, tuple[str, ...]] = {
    "integral": ("signed integer", "unsigned integer"),
    "numeric": ("signed integer", "unsigned integer", "real floating", "complex floating"),
}


class NamespaceInfo:
    """What `__array_namespace_info__()` gives: capabilities, devices and dtypes, as the array API standard has them."""

    __slots__ = ()

    def capabilities(self) -> dict[str, Any]:
        """Boolean masks and shapes that depend on values work outside traces (and inside with `size=`); the rank has
        no limit but NumPy's.

        >>> NamespaceInfo().capabilities()["boolean indexing"]
        True
        """
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Device:
        """Where new arrays are made."""
        return current_device()

    def devices(self) -> list[Device]:
        """The devices of this machine: the CPU first."""
        return all_devices()

    def default_dtypes(self, *, device: DeviceLike | None = None) -> dict[str, DType]:
        """The dtypes of Python numbers, and that of positions: int32, or int64 in x64 mode for "integral".

        >>> NamespaceInfo().default_dtypes()["real floating"]
        dtype('float32')
        """
        return {"real floating": python_dtype(float), "complex floating": python_dtype(complex),
                "integral": python_dtype(int), "indexing": I32}

    def dtypes(self, *, device: DeviceLike | None = None, kind: str | tuple[str, ...] | None = None
               ) -> dict[str, DType]:
        """The dtypes of the standard that a device has, by name; `kind` chooses as in `isdtype`.

        Raises ValueError for another kind.

        >>> sorted(NamespaceInfo().dtypes(kind="real floating", device="cpu"))
        ['float32', 'float64']
        """
        wanted = tuple(_KINDS) if kind is None else as_sequence(kind)
        simple = [k for name in wanted for k in _UNIONS.get(name, (name,))]
        unknown = [k for k in simple if k not in _KINDS]
        if unknown:
            raise ValueError(f"dtypes: no kind is called {unknown[0]!r}; there are {', '.join([*_KINDS, *_UNIONS])}")
        place = current_device() if device is None else find_device(device)
        return {name: canonical(np.dtype(name)) for k in simple for name in _KINDS[k]
                if place.platform != "gpu" or name == "complex64" or np.dtype(name).itemsize < 8}


def array_namespace_info() -> NamespaceInfo:
    """What the array API standard calls `__array_namespace_info__`.

    >>> sorted(array_namespace_info().default_dtypes())
    ['complex floating', 'indexing', 'integral', 'real floating']
    """
    return NamespaceInfo()


def check_api_version(version: str | None) -> None:
    """Raises ValueError for a version of the standard that `lantern.numpy` does not speak.

    >>> check_api_version("2024.12")
    """
    if version is not None and version not in API_VERSIONS:
        raise ValueError(f"__array_namespace__: lantern.numpy speaks versions {', '.join(API_VERSIONS)} of the array "
                         f"API standard, got {version!r}")


def to_device(x: Any, device: DeviceLike, stream: Any = None) -> Any:
    """A copy of an array on another device; a traced value stays where its trace is.

    Raises ValueError for a stream: lantern orders all work of a device itself.

    >>> import lantern.numpy as jnp
    >>> to_device(jnp.zeros(2), "cpu").device
    Device(cpu:0, 'CPU (NumPy)')
    """
    if stream is not None:
        raise ValueError(f"to_device: wanted stream=None, got {stream!r}")
    return device_put(x, device)
