"""Device memory: buffers in size classes that are used again. Nothing is destroyed while the device may still need it.

Work runs in the order of submission, so memory that Python has dropped may be given to later commands at once.
"""
from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

from lantern.backends.wgpu.native import STAGING, STORAGE, Handle, Native, wgpu
from lantern.errors import DeviceError
from lantern.source import user_source

KEEP = 256 << 20            # bytes of unused memory that are kept in any case,
KEEP_BRIEFLY = 1 << 30      # and while a loop may want them back, these, or twice what is in use,
BRIEFLY = 1.0               # for so many seconds: getting memory from the driver costs more than a kernel that fills it


class Allocation:
    """A buffer of the device. `epoch`: the last recording that used it; `idle`: since when it is free."""

    __slots__ = ("epoch", "handle", "id", "idle", "size")

    def __init__(self, handle: Handle, number: int, size: int) -> None:
        self.handle = handle
        self.id = number
        self.size = size
        self.epoch = -1
        self.idle = 0.0


class _End(ref[Any]):
    """Notes that a buffer is gone. Its callback is `deque.append`: no Python code runs, so that a Ctrl-C that comes
    just then is not raised where Python drops exceptions (in a `__del__`), and it is atomic under the lock."""

    __slots__ = ("allocation",)

    allocation: Allocation | None


class Returns:
    """What Python has dropped: `held` keeps the notes while their buffers live."""

    __slots__ = ("held", "queue")

    def __init__(self) -> None:
        self.held: dict[int, _End] = {}
        self.queue: deque[Any] = deque()

    def expect(self, buffer: Buffer, allocation: Allocation) -> _End:
        """The allocation comes back when the buffer goes."""
        end = _End(buffer, self.queue.append)
        end.allocation = allocation
        self.held[id(end)] = end
        return end

    def taken(self) -> Iterator[Allocation]:
        """The allocations that came back."""
        while self.queue:
            end = self.queue.popleft()
            del self.held[id(end)]
            if end.allocation is not None:
                yield end.allocation


class Buffer:
    """What an array holds: an allocation, given back when Python drops the buffer. None: an array of size zero.

    `shared`: two arrays hold this buffer, so neither may be overwritten.
    """

    __slots__ = ("__weakref__", "_end", "allocation", "nbytes", "shared")

    def __init__(self, allocation: Allocation | None, nbytes: int, returned: Returns) -> None:
        self.allocation = allocation
        self.nbytes = nbytes
        self.shared = False
        self._end = None if allocation is None else returned.expect(self, allocation)

    def take(self) -> Allocation | None:
        """The allocation, which the caller owns from now on."""
        allocation, self.allocation = self.allocation, None
        if self._end is not None:
            self._end.allocation = None
        return allocation


def size_class(nbytes: int) -> int:
    """Powers of two up to 1 MiB, then four steps for each doubling.

    >>> size_class(5), size_class(257), size_class((1 << 20) + 1)
    (256, 512, 1310720)
    """
    if nbytes <= 1 << 20:
        return max(256, 1 << (nbytes - 1).bit_length())
    step = 1 << ((nbytes - 1).bit_length() - 3)
    return -(-nbytes // step) * step


class Pool:
    """Memory of one device. `forget` is told the number of every allocation that is given up for good."""

    def __init__(self, native: Native, most: int, forget: Callable[[set[int]], None]) -> None:
        self._native = native
        self._most = most
        self._forget = forget
        self._numbers = itertools.count()
        self._free: dict[int, list[Allocation]] = {}
        self._staging: dict[int, Handle] = {}
        self.returned = Returns()
        self.live = 0
        self.unused = 0
        self._aged = 0.0

    def take(self, nbytes: int) -> Allocation:
        """Memory of at least `nbytes` bytes, its contents unknown. Raises DeviceError if there is no more."""
        self.collect()
        size = self.size(nbytes)
        free = self._free.get(size)
        if free:
            self.unused -= size
            self.live += size
            return free.pop()
        allocation = Allocation(self._create(size), next(self._numbers), size)
        self.live += size
        return allocation

    def size(self, nbytes: int) -> int:
        """The bytes that `take` takes."""
        size = size_class(nbytes)
        return size if size <= self._most else -(-nbytes // 16) * 16

    def give(self, allocation: Allocation) -> None:
        """Take memory back; it may be handed out again at once."""
        allocation.idle = 0.0
        self._free.setdefault(allocation.size, []).append(allocation)
        self.live -= allocation.size
        self.unused += allocation.size

    def collect(self) -> None:
        """Take in what Python has dropped, and give up memory that has not been wanted for long."""
        for allocation in self.returned.taken():
            self.give(allocation)
        if self.unused > KEEP:
            now = time.monotonic()
            most = max(KEEP_BRIEFLY, 2 * self.live)
            if self.unused > most or now - self._aged > BRIEFLY / 4:
                self._age(now, most)

    def _age(self, now: float, most: int) -> None:
        self._aged = now
        for free in self._free.values():
            for allocation in reversed(free):
                if allocation.idle:
                    break               # those below have been free for longer
                allocation.idle = now
        self._release(KEEP, now - BRIEFLY)
        self._release(most, now)

    def trim(self) -> None:
        """Give up all unused memory."""
        self._release(0, float("inf"))

    def _release(self, keep: int, before: float) -> None:
        """Give up memory that has been free since `before`, the largest first, until `keep` bytes are left."""
        gone: set[int] = set()
        for size in sorted(self._free, reverse=True):
            free = self._free[size]
            while free and self.unused > keep and free[0].idle <= before:
                allocation = free.pop(0)
                gone.add(allocation.id)
                self.unused -= size
                self._native.release_buffer(allocation.handle)
        if gone:
            self._forget(gone)

    def _create(self, size: int) -> Handle:
        try:
            return self._native.create_buffer(size, STORAGE)
        except wgpu.GPUOutOfMemoryError:
            self.trim()
            self._native.submit()
            self._native.wait()
        try:
            return self._native.create_buffer(size, STORAGE)
        except wgpu.GPUOutOfMemoryError as error:
            raise DeviceError(f"the device has no room for {size} more bytes ({self.live} bytes are in use), at "
                              f"{user_source()}. Drop arrays that are not needed, donate arguments, or work in smaller "
                              "pieces.") from error

    def staging(self, nbytes: int) -> tuple[Handle, int]:
        """A buffer to read through, and its size; give it back with `keep_staging`."""
        size = size_class(nbytes)
        return self._staging.pop(size, None) or self._native.create_buffer(size, STAGING), size

    def keep_staging(self, handle: Handle, size: int) -> None:
        """Keep a staging buffer for the next read."""
        old: Any = self._staging.pop(size, None)
        if old is not None:
            self._native.release_buffer(old)
        self._staging[size] = handle
