"""`DeviceArray`: an array with a value, on a device."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern import tree
from lantern.backends.base import Buffer, Device
from lantern.backends.dlpack import HOST, handed_over
from lantern.dtypes import KEY, no_numbers
from lantern.errors import DonatedArrayError
from lantern.trace.array import Array
from lantern.trace.aval import ShapedArray, key_words


class DeviceArray(Array[Any, *tuple[Any, ...]]):
    """A value in a device's memory. Reading it (print, float, numpy.asarray) waits for the device.

    `loose`: nobody said where it should lie (`zeros`, `array`, what is computed from nothing else); beside an array of
    another device it is copied there.

    How it pickles is registered with `copyreg` by `lantern.devices`, which finds devices by name.
    """

    __slots__ = ("__weakref__", "_aval", "buffer", "device", "donated_to", "loose")

    def __init__(self, aval: ShapedArray, buffer: Buffer, device: Device, loose: bool = False) -> None:
        self._aval, self.buffer, self.device, self.loose = aval, buffer, device, loose
        self.donated_to: str | None = None

    @property
    def aval(self) -> ShapedArray:
        """Shape, dtype and weakness."""
        return self._aval

    def check_alive(self) -> None:
        """Raises DonatedArrayError if the memory was given away."""
        if self.donated_to is not None:
            raise DonatedArrayError(f"{self._aval} was donated to {self.donated_to} and has no value any more. "
                                    "Use that call's result, or call without donate_argnums.")

    def donate(self, to: str) -> None:
        """Give the memory away; `to` names the call that took it."""
        self.check_alive()
        self.donated_to, self.buffer = to, None

    def numpy(self) -> np.ndarray[Any, Any]:
        """The values, read-only. Raises TypeError for random keys, which have none."""
        if self._aval.dtype is KEY:
            raise no_numbers("numpy.asarray", f"got {self._aval}")
        return self.elements()

    def elements(self) -> np.ndarray[Any, Any]:
        """What lies in memory, read-only: the values, or the words of keys (u32 along a last axis)."""
        self.check_alive()
        aval = self._aval
        return self.device.backend.read(self.buffer, key_words(aval) if aval.dtype is KEY else aval)

    def block_until_ready(self) -> DeviceArray:
        """Wait until the value has been computed."""
        self.check_alive()
        self.device.backend.wait()
        return self

    def is_deleted(self) -> bool:
        """Whether the array was donated."""
        return self.donated_to is not None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        values = self.numpy()
        if dtype is not None and np.dtype(dtype) != values.dtype:
            if copy is False:
                raise ValueError(f"a copy is needed to convert {self._aval} to {np.dtype(dtype)}")
            return values.astype(dtype)
        return values.copy() if copy else values

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return func(*tree.map(_host, args), **tree.map(_host, kwargs))

    def host_value(self, what: str) -> np.ndarray[Any, Any]:
        """The values, read-only."""
        if self._aval.dtype is KEY:
            raise no_numbers(what, f"got {self._aval}")
        return self.numpy()

    def __dlpack__(self, *, stream: Any = None, max_version: tuple[int, int] | None = None,
                   dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> Any:
        """The values for another library, in host memory: a copy, since some libraries write where they must not.

        `copy=False`: the memory itself, marked as read-only; for arrays on the CPU and DLPack from 1.0 on. Raises
        BufferError for what cannot be handed over so.
        """
        return handed_over(self.numpy(), self, stream, max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        return HOST

    def __repr__(self) -> str:
        if self.donated_to is not None:
            return f"Array(donated to {self.donated_to}, shape={self.shape}, dtype={self.dtype}, device={self.device})"
        if self._aval.dtype is KEY:
            shown = np.array2string(self.elements(), prefix=f"Array({self._aval} of words ")
            return f"Array({self._aval} of words {shown}, device={self.device})"
        shown = np.array2string(self.numpy(), separator=", ", prefix="Array(")
        return f"Array({shown}, shape={self.shape}, dtype={self.dtype}, device={self.device})"

    def __str__(self) -> str:
        return str(self.numpy()) if self.donated_to is None and self._aval.dtype is not KEY else repr(self)

    def __format__(self, spec: str) -> str:
        return format(self.host_value("format(x)")[()], spec) if spec else str(self)

    def __copy__(self) -> DeviceArray:
        return self

    def __deepcopy__(self, memo: Any) -> DeviceArray:
        return self


def _host(x: Any) -> Any:
    return x.numpy() if isinstance(x, DeviceArray) else x
