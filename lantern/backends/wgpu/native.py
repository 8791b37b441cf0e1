"""The few calls of the native library that run often, without the wrappers: those cost ten times as much.

Calls made while recording report nothing; their faults surface when the recording is finished or submitted, and those
calls are checked. Handles are opaque.
"""
from __future__ import annotations

import importlib
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from lantern.backends.wgpu.interrupts import hear
from lantern.errors import DeviceError

Handle: TypeAlias = Any
Prepared: TypeAlias = tuple[Handle, Handle, int, int, int, bool]    # pipeline, bind group, grid, whether rows move

# These modules make their names at run time, so no type checker knows what is in them.
wgpu: Any = importlib.import_module("wgpu")
_api: Any = importlib.import_module("wgpu.backends.wgpu_native._api")
_ffi: Any = importlib.import_module("wgpu.backends.wgpu_native._ffi")
ffi: Any = _ffi.ffi
lib: Any = _ffi.lib
checked: Any = _api.libf            # the same functions, raising GPUError

STORAGE = int(wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC | wgpu.BufferUsage.COPY_DST)
STAGING = int(wgpu.BufferUsage.MAP_READ | wgpu.BufferUsage.COPY_DST)
SPINS = 100                 # polls without a pause: about a tenth of a millisecond
IN_FLIGHT = 16              # submissions that may be under way before the host waits for the oldest


class Native:
    """One device's queue, with at most one command encoder and one compute pass open."""

    def __init__(self, device: Any) -> None:
        self.object = device
        self.device: Handle = device._internal
        self.queue: Handle = device.queue._internal
        self._encoder: Handle = None
        self._pass: Handle = None
        self._turn = -1
        self._offset = ffi.new("uint32_t[1]")
        self.before_submit: Callable[[], None] | None = None
        self.submissions = 0        # so many were made,
        self.reads = 0              # and so many pieces of memory were read back
        self._descriptor = ffi.new("WGPUBufferDescriptor *")
        self._encoder_descriptor = ffi.new("WGPUCommandEncoderDescriptor *")
        self._pass_descriptor = ffi.new("WGPUComputePassDescriptor *")
        self._finish_descriptor = ffi.new("WGPUCommandBufferDescriptor *")
        self._commands = ffi.new("WGPUCommandBuffer[1]")
        self._submissions: deque[Any] = deque()
        self._map_status: list[int] = []
        self._map_callback = ffi.callback("void(WGPUMapAsyncStatus, WGPUStringView, void *, void *)", self._mapped)
        self._map_info = ffi.new("WGPUBufferMapCallbackInfo *")
        self._map_info.mode = lib.WGPUCallbackMode_AllowProcessEvents
        self._map_info.callback = self._map_callback

    # Buffers and bind groups

    def create_buffer(self, size: int, usage: int) -> Handle:
        """A buffer of `size` bytes, a multiple of 4. Raises GPUError (GPUOutOfMemoryError if there is no room)."""
        self._descriptor.size = size
        self._descriptor.usage = usage
        return checked.wgpuDeviceCreateBuffer(self.device, self._descriptor)

    def release_buffer(self, handle: Handle) -> None:
        """Give up our reference; the device keeps the memory for as long as submitted work needs it."""
        lib.wgpuBufferRelease(handle)

    def create_bind_group(self, layout: Handle, buffers: Sequence[tuple[Handle, int]]) -> Handle:
        """Buffers with the bytes of each to bind."""
        entries = ffi.new("WGPUBindGroupEntry[]", len(buffers))
        for number, (buffer, size) in enumerate(buffers):
            entry = entries[number]
            entry.binding, entry.buffer, entry.offset, entry.size = number, buffer, 0, size
        descriptor = ffi.new("WGPUBindGroupDescriptor *")
        descriptor.layout, descriptor.entryCount, descriptor.entries = layout, len(buffers), entries
        return checked.wgpuDeviceCreateBindGroup(self.device, descriptor)

    def release_bind_group(self, handle: Handle) -> None:
        """Give up our reference."""
        lib.wgpuBindGroupRelease(handle)

    def write(self, buffer: Handle, data: Any, size: int, start: int = 0) -> None:
        """Copy bytes into a buffer, from byte `start`, before whatever is submitted next."""
        checked.wgpuQueueWriteBuffer(self.queue, buffer, start, ffi.from_buffer(data), size)

    # Recording

    @property
    def recording(self) -> bool:
        """Whether there are commands that have not been submitted."""
        return self._encoder is not None

    def dispatch(self, pipeline: Handle, group: Handle, x: int, y: int, z: int) -> None:
        """Record one launch."""
        current = self._pass
        if current is None:
            current = self._pass = lib.wgpuCommandEncoderBeginComputePass(self._open(), self._pass_descriptor)
        lib.wgpuComputePassEncoderSetPipeline(current, pipeline)
        lib.wgpuComputePassEncoderSetBindGroup(current, 0, group, 0, ffi.NULL)
        lib.wgpuComputePassEncoderDispatchWorkgroups(current, x, y, z)

    def replay(self, launches: Iterator[tuple[Prepared, int]], table: Handle, most: int) -> int:
        """Record prepared launches, each with its place in the table of numbers, until there are no more or there are
        `most`. Returns how many there were. What the one before has set is not set again."""
        last_pipeline: Handle = None
        last_group: Handle = None
        count = 0
        for (pipeline, group, x, y, z, moving), offset in itertools.islice(launches, most):
            if moving and offset != self._turn:
                self.turn(table, offset)
            current = self._pass
            if current is None:
                current = self._pass = lib.wgpuCommandEncoderBeginComputePass(self._open(), self._pass_descriptor)
            if pipeline is not last_pipeline:
                lib.wgpuComputePassEncoderSetPipeline(current, pipeline)
                last_pipeline = pipeline
            if group is not last_group:
                lib.wgpuComputePassEncoderSetBindGroup(current, 0, group, 0, ffi.NULL)
                last_group = group
            lib.wgpuComputePassEncoderDispatchWorkgroups(current, x, y, z)
            count += 1
        return count

    def turn(self, group: Handle, offset: int) -> None:
        """Record that what follows binds an entry of a table of numbers."""
        if self._turn == offset:
            return
        current = self._pass
        if current is None:
            current = self._pass = lib.wgpuCommandEncoderBeginComputePass(self._open(), self._pass_descriptor)
        self._turn = self._offset[0] = offset
        lib.wgpuComputePassEncoderSetBindGroup(current, 1, group, 1, self._offset)

    def clear(self, buffer: Handle, size: int) -> None:
        """Record filling the first `size` bytes with zeros."""
        self._end_pass()
        lib.wgpuCommandEncoderClearBuffer(self._open(), buffer, 0, size)

    def copy(self, source: Handle, start: int, target: Handle, size: int) -> None:
        """Record a copy of `size` bytes from byte `start` of one buffer to the start of another."""
        self._end_pass()
        lib.wgpuCommandEncoderCopyBufferToBuffer(self._open(), source, start, target, 0, size)

    def _open(self) -> Handle:
        if self._encoder is None:
            self._encoder = lib.wgpuDeviceCreateCommandEncoder(self.device, self._encoder_descriptor)
        return self._encoder

    def _end_pass(self) -> None:
        if self._pass is not None:
            lib.wgpuComputePassEncoderEnd(self._pass)
            lib.wgpuComputePassEncoderRelease(self._pass)
            self._pass = None
            self._turn = -1

    def submit(self) -> None:
        """Submit what was recorded, and pending writes. Raises GPUError for faults of the recorded commands."""
        if self.before_submit is not None:
            self.before_submit()
        self._end_pass()
        self.submissions += 1
        encoder, self._encoder = self._encoder, None
        if encoder is None:
            self._remember(checked.wgpuQueueSubmitForIndex(self.queue, 0, ffi.NULL))
            return
        try:
            commands = checked.wgpuCommandEncoderFinish(encoder, self._finish_descriptor)
        finally:
            lib.wgpuCommandEncoderRelease(encoder)
        self._commands[0] = commands
        try:
            self._remember(checked.wgpuQueueSubmitForIndex(self.queue, 1, self._commands))
        finally:
            lib.wgpuCommandBufferRelease(commands)

    def _remember(self, index: int) -> None:
        self._submissions.append(ffi.new("WGPUSubmissionIndex *", index))
        if len(self._submissions) > IN_FLIGHT:
            checked.wgpuDevicePoll(self.device, True, self._submissions.popleft())

    # Waiting

    def wait(self) -> None:
        """Block until all submitted work is done, in slices, so that Ctrl-C is heard."""
        pause = _Pause()
        while not checked.wgpuDevicePoll(self.device, False, ffi.NULL) & 0xFF:     # the higher bytes are not set
            pause()
        self._submissions.clear()

    def read(self, buffer: Handle, size: int) -> bytes:
        """The first `size` bytes of a staging buffer, once submitted work has filled it.

        An interruption leaves the buffer unmapped; the caller should release it then.
        """
        self._map_status.clear()
        self.reads += 1
        checked.wgpuBufferMapAsync(buffer, lib.WGPUMapMode_Read, 0, size, self._map_info[0])
        pause = _Pause()
        try:
            while not self._map_status:
                checked.wgpuDevicePoll(self.device, False, ffi.NULL)
                if not self._map_status:
                    pause()
            if self._map_status[0] != lib.WGPUMapAsyncStatus_Success:
                raise DeviceError("reading from the device failed: its memory could not be mapped")
            return bytes(ffi.buffer(lib.wgpuBufferGetConstMappedRange(buffer, 0, size), size))
        finally:
            lib.wgpuBufferUnmap(buffer)

    def _mapped(self, status: int, message: Any, first: Any, second: Any) -> None:
        self._map_status.append(int(status))


class _Pause:
    """Between polls: nothing at first, since most waits are short, then sleeps that grow to a millisecond."""

    __slots__ = ("turns",)

    def __init__(self) -> None:
        self.turns = 0

    def __call__(self) -> None:
        hear()
        self.turns += 1
        if self.turns > SPINS:
            time.sleep(min(1e-3, 2e-5 * (self.turns - SPINS)))


def trusted_module(device: Any, text: str) -> Any:
    """A shader module without bounds checks and loop counters, if the library offers that; else an ordinary one.

    Parsing and type checking are the same. Addresses are in range by the rules of the kernel language.
    """
    if not hasattr(lib, "wgpuDeviceCreateShaderModuleTrusted"):
        return device.create_shader_module(code=text)
    source = _api.new_struct_p("WGPUShaderSourceWGSL *", code=_api.to_c_string_view(text))
    source[0].chain.next = ffi.NULL
    source[0].chain.sType = lib.WGPUSType_ShaderSourceWGSL
    descriptor = _api.new_struct_p(
        "WGPUShaderModuleDescriptor *", nextInChain=ffi.cast("WGPUChainedStruct *", source),
        label=_api.to_c_string_view(""))
    handle = checked.wgpuDeviceCreateShaderModuleTrusted(device._internal, descriptor, 0)
    return _api.GPUShaderModule("", handle, device)
