"""Arrays of other libraries that hand over their memory."""
from __future__ import annotations

from typing import Any

from lantern.backends.array import DeviceArray
from lantern.backends.dlpack import received
from lantern.devices import CPU, DeviceLike, find_device, on_device
from lantern.dtypes import canonical
from lantern.errors import TracerConversionError
from lantern.source import user_source
from lantern.trace.array import Array, is_array
from lantern.trace.aval import shaped


def from_dlpack(x: Any, /, *, device: DeviceLike | None = None, copy: bool | None = None) -> Array:
    """An array of another library (PyTorch, NumPy, CuPy) as one of lantern, through DLPack.

    It keeps its dtype and lies on the CPU, or on `device`. In host memory and row-major order it is the same memory
    unless `copy=True`: the other library must not write there any more, lantern never does. What lies elsewhere is
    copied.

    Raises TypeError for what does not speak DLPack and for a dtype that lantern lacks, BufferError for what cannot be
    taken over, and where `copy=False` and a copy is needed; TracerConversionError for a traced value.

    >>> import numpy
    >>> from_dlpack(numpy.arange(3, dtype="int16"))
    Array([0, 1, 2], shape=(3,), dtype=int16, device=cpu:0)
    """
    if is_array(x) and not isinstance(x, DeviceArray):
        raise TracerConversionError(f"from_dlpack: {x.aval} is traced and has no memory, at {user_source()}. It is an "
                                    "array of lantern already: use it as it is")
    home = x.device if isinstance(x, DeviceArray) else CPU
    place = home if device is None else find_device(device)
    if isinstance(x, DeviceArray) and place is home and not copy:
        return x
    if copy is False and place is not CPU:
        raise BufferError(f"from_dlpack: copy=False, and {place} has another memory than the host")
    values = received(x, copy)
    dtype = canonical(values.dtype)
    if place is not CPU:
        return on_device(values, place)
    return DeviceArray(shaped(values.shape, dtype), values, CPU)
