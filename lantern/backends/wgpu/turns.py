"""Which row of a loop's arrays a kernel is at: a table of numbers, one of which a launch binds by its offset.

The numbers below `FIXED` are written once and stay. Others are collected while commands are recorded, and written just
before these are submitted: the device sees them in that order.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.backends.wgpu.native import Handle, Native, wgpu

FIXED = 4096        # numbers that are always there,
FREE = 4352         # and how many others one submission may use
BYTES = 16          # of one entry


class Turns:
    """The table of one device, made when the first loop needs it. It has one bind group, for any offset."""

    def __init__(self, native: Native) -> None:
        self._native = native
        limits: dict[str, int] = dict(native.object.limits)
        self._spacing = max(BYTES, limits["min-uniform-buffer-offset-alignment"])
        self._buffer: Handle = None
        self._group: Handle = None
        self._entries: dict[int, int] = {}
        self.layout: Any = native.object.create_bind_group_layout(entries=[{
            "binding": 0, "visibility": wgpu.ShaderStage.COMPUTE,
            "buffer": {"type": "uniform", "has_dynamic_offset": True, "min_binding_size": BYTES}}])

    @property
    def group(self) -> Handle:
        """What a launch binds."""
        if self._group is None:
            size = (FIXED + FREE) * self._spacing
            self._buffer = self._native.create_buffer(size, int(wgpu.BufferUsage.UNIFORM | wgpu.BufferUsage.COPY_DST))
            self._group = self._native.create_bind_group(self.layout._internal, [(self._buffer, BYTES)])
            self._write(np.arange(FIXED, dtype=np.uint32), 0)
        return self._group

    @property
    def full(self) -> bool:
        """Whether what was recorded has to be submitted before there is room for another number."""
        return len(self._entries) >= FREE

    def offset(self, row: int) -> int:
        """Where a number stands in the table, in bytes."""
        if row < FIXED:
            return row * self._spacing
        return self._entries.setdefault(row, FIXED + len(self._entries)) * self._spacing

    def send(self) -> None:
        """Write the numbers that recorded commands want, before they are submitted."""
        if self._entries:
            self._write(np.fromiter(self._entries, np.uint32, len(self._entries)), FIXED)
            self._entries.clear()

    def _write(self, numbers: np.ndarray[Any, Any], first: int) -> None:
        table = np.zeros((len(numbers), self._spacing // 4), np.uint32)
        table[:, 0] = numbers
        self._native.write(self._buffer, table, table.nbytes, first * self._spacing)
