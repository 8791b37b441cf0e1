"""DLPack: memory shared with other array libraries, by way of NumPy's."""
from __future__ import annotations

from typing import Any, Protocol

import numpy as np

HOST = (1, 0)       # kDLCPU
VERSIONED = np.lib.NumpyVersion(np.__version__) >= "2.1.0"      # NumPy speaks DLPack 1.0: it can say "read-only"


class Told(Protocol):
    """The array that errors speak of."""

    @property
    def aval(self) -> object:
        """Its type."""
        ...

    @property
    def device(self) -> object:
        """Its device."""
        ...


def handed_over(values: np.ndarray[Any, Any], told: Told, stream: Any, max_version: tuple[int, int] | None,
                dl_device: tuple[int, int] | None, copy: bool | None) -> Any:
    """The capsule of a host array: of a copy, or with `copy=False` of the memory itself, read-only.

    The capsule refers to the array, so nobody takes its memory as donated while another library looks at it.
    """
    what = f"x.__dlpack__: {told.aval} on {told.device}"
    if stream is not None:
        raise BufferError(f"{what}: it is handed over in host memory, which has no streams; leave stream out")
    if dl_device is not None and tuple(dl_device) != HOST:
        raise BufferError(f"{what}: it is handed over in host memory, {HOST}, not on the device {dl_device}. Move it "
                          "in the other library")
    versioned: dict[str, Any] = {"max_version": max_version} if VERSIONED and max_version is not None else {}
    try:
        if copy is not False:
            return np.array(values).__dlpack__(**versioned)
        if str(told.device).startswith("gpu"):
            raise BufferError("its memory is the GPU's, and what was asked for needs a copy")
        if not versioned or versioned["max_version"][0] < 1:
            raise BufferError("its memory is read-only, which DLPack says from version 1.0 on (NumPy from 2.1 on)")
        shown = values.view()
        shown.setflags(write=False)
        return shown.__dlpack__(**versioned)
    except BufferError as error:
        cure = "Leave copy=False out" if copy is False else "Convert it with astype"
        raise BufferError(f"{what}: {error}. {cure}, or use numpy.asarray(x)") from None


def received(x: Any, copy: bool | None) -> np.ndarray[Any, Any]:
    """What another library hands over, as a read-only NumPy array in host memory: the same memory, if it lies there in
    order, else a copy. The other library keeps its memory alive; nobody here ever writes it.

    Raises TypeError for what does not speak DLPack, BufferError for what NumPy cannot take and for `copy=False` where a
    copy is needed.
    """
    if not hasattr(x, "__dlpack__") or not hasattr(x, "__dlpack_device__"):
        raise TypeError(f"from_dlpack: wanted an array of a library that speaks DLPack (__dlpack__ and "
                        f"__dlpack_device__), got {type(x).__name__}. Convert it with lantern.numpy.asarray")
    place = tuple(x.__dlpack_device__())
    try:
        values = _taken(x, place, copy)
    except (BufferError, TypeError, RuntimeError, ValueError, AttributeError) as error:
        raise BufferError(f"from_dlpack: {type(x).__name__} cannot be taken over: {error}. Copy it to the host in its "
                          "own library, as NumPy array") from error
    lies_well = values.flags.c_contiguous and values.flags.aligned
    if copy is False and not lies_well:
        raise BufferError(f"from_dlpack: {type(x).__name__} of shape {list(values.shape)} does not lie in row-major "
                          "order, and copy=False forbids a copy")
    if (copy and not VERSIONED) or not lies_well:
        values = np.array(values, order="C")
    found = values.view()       # its own flags: whoever handed it over may go on writing
    found.setflags(write=False)
    return found


def _taken(x: Any, place: tuple[int, ...], copy: bool | None) -> np.ndarray[Any, Any]:
    if place == HOST and copy is not True:
        return np.from_dlpack(x)
    if not VERSIONED:
        if place != HOST:
            raise BufferError(f"it lies on the device {place}")
        return np.from_dlpack(x)
    return np.from_dlpack(x, device="cpu", copy=copy)
