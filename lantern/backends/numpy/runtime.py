"""What generated code leans on: memory that is used again, tiles, rows, donated arrays, scatters, calls of the host."""
from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context, ContextVar
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from lantern.backends.base import Buffer, Executable
from lantern.caches import on_clear
from lantern.dtypes import F32, F64, is_float
from lantern.errors import DeviceError, InternalError
from lantern.lower.expr import DType, ReduceOp
from lantern.trace.aval import ShapedArray

AnyArray: TypeAlias = "np.ndarray[Any, Any]"
Function: TypeAlias = Callable[[Sequence[Buffer]], Sequence[Buffer]]

ALIGNMENT = 64          # a cache line, and the widest vector
LARGE = 1 << 20         # bytes from which fresh memory costs more in page faults than the work on it
POOL_LIMIT = 1 << 30    # bytes that the pool may hold on to


def _left() -> float:
    """Bytes that this machine can still give, where the system says so; else infinity."""
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            entries = dict(line.split(":", 1) for line in lines)
        return 1024 * sum([int(entries[name].split()[0]) for name in ("MemAvailable", "SwapFree")])
    except (OSError, KeyError, ValueError):
        return math.inf


def _fresh(size: int) -> AnyArray:
    """`size` new bytes.

    Raises DeviceError where there is no room. Linux would lend more than there is, and end the process that uses it.
    """
    room = _left() if size >= POOL_LIMIT else math.inf
    if size <= room:
        try:
            return np.empty(size, np.uint8)
        except (MemoryError, ValueError):       # ValueError: no address is that large
            pass
    left = f", which has {int(room)} left" if room < math.inf else ""
    raise DeviceError(f"program: an array needs {size} bytes of the memory of the CPU device{left}. Make it in parts")


def block(size: int) -> AnyArray:
    """`size` bytes at an aligned address, not initialised.

    >>> block(100).nbytes, block(100).ctypes.data % ALIGNMENT
    (100, 0)
    """
    whole = _fresh(size + ALIGNMENT)
    start = -whole.ctypes.data % ALIGNMENT
    return whole[start:start + size]


class Pool:
    """Large memory, used again as soon as nobody refers to it.

    Fresh pages cost about three times what a fused kernel needs to fill them. Every array on a block, and every view of
    such an array, refers to the block itself (NumPy shortens chains of bases), so the block's reference count says
    whether it is free: no array needs a destructor, and memory that a user still sees is never used again.
    """

    def __init__(self, limit: int = POOL_LIMIT) -> None:
        self.limit, self.held = limit, 0
        self.blocks: dict[int, list[AnyArray]] = {}
        self.lock = threading.Lock()
        self.free = self._count([np.empty(0, np.uint8)], 0)     # what the count of an unused block is, here

    @staticmethod
    def _count(blocks: list[AnyArray], position: int) -> int:
        return sys.getrefcount(blocks[position])

    def take(self, size: int) -> AnyArray:
        """At least `size` bytes, free again when the last array on them is gone."""
        step = 1 << max(size.bit_length() - 4, 0)       # at most an eighth too large
        rounded = -(-size // step) * step
        with self.lock:
            row = self.blocks.setdefault(rounded, [])
            for k in range(len(row)):
                if self._count(row, k) == self.free:
                    return row[k]
            if self.held + rounded > self.limit:
                self._trim()
            found = _fresh(rounded)
            if self.held + rounded <= self.limit:
                self.held += rounded
                self.blocks.setdefault(rounded, []).append(found)
            return found

    def lent_to_one(self, array: AnyArray) -> bool:
        """Whether `array` lies on a block of the pool that no other array lies on."""
        base = array.base
        if not isinstance(base, np.ndarray):
            return False
        with self.lock:
            row = self.blocks.get(base.nbytes, [])
            found = [k for k in range(len(row)) if row[k] is base]
            return bool(found) and self._count(row, found[0]) == self.free + 2      # array.base and our own `base`

    def _trim(self) -> None:
        for size, row in list(self.blocks.items()):
            kept = [row[k] for k in range(len(row)) if self._count(row, k) != self.free]
            self.held -= size * (len(row) - len(kept))
            self.blocks[size] = kept

    def clear(self) -> None:
        """Give back what nobody uses."""
        with self.lock:
            self._trim()


pool = Pool()
on_clear(pool.clear)


def large(shape: tuple[int, ...], dtype: DType, size: int) -> AnyArray:
    """An array of `size` bytes on memory of the pool, not initialised.

    >>> large((512, 512), np.dtype("float32"), 1 << 20).shape
    (512, 512)
    """
    return np.ndarray(shape, dtype, pool.take(size))


def tiles(size: int, step: int, axis: int, scratch: Sequence[AnyArray]) -> Iterator[tuple[Any, ...]]:
    """For each tile of `step` positions: its slice of the large arrays, then the scratch arrays, cut for the last tile.

    >>> [(s, t.shape) for s, t in tiles(5, 2, 0, [np.empty(2)])]
    [(slice(0, 2, None), (2,)), (slice(2, 4, None), (2,)), (slice(4, 5, None), (1,))]
    """
    rest = size % step
    for start in range(0, size - rest, step):
        yield slice(start, start + step), *scratch
    if rest:
        cut = (*[slice(None)] * axis, slice(rest))
        yield slice(size - rest, size), *[x[cut] for x in scratch]


class _Holder:
    __slots__ = ("buffer",)

    def __init__(self, buffer: AnyArray) -> None:
        self.buffer = buffer


def _references(x: AnyArray) -> int:
    return sys.getrefcount(x)


def _references_of_a_donated_array() -> int:
    """What `_references` says of an array that only its donor, the list of arguments and the running code refer to."""
    holder = _Holder(np.empty(1))
    arguments = [holder.buffer]
    x, = arguments
    return _references(x)


_DONATED = _references_of_a_donated_array()


def claim(x: AnyArray) -> AnyArray:
    """A donated array, writable: itself if nobody else can see its memory, else a copy."""
    alone = _references(x) <= _DONATED + _CALL      # `claim` itself refers to x once more than the code measured
    if alone and (x.flags.owndata or pool.lent_to_one(x)):
        x.setflags(write=True)
        return x
    return x.copy()


def _references_of_a_call() -> int:
    def called(x: AnyArray) -> int:
        return _references(x)

    array = np.empty(1)
    return called(array) - _references(array)


_CALL = _references_of_a_call()


FOLDS: dict[ReduceOp, np.ufunc] = {ReduceOp.PROD: np.multiply, ReduceOp.MAX: np.maximum, ReduceOp.MIN: np.minimum}


def scatter(out: AnyArray, index: AnyArray, value: AnyArray, keep: AnyArray, op: ReduceOp | None) -> None:
    """Folds each value by `op` into its flat position of `out`, or writes it, where `keep` holds.

    >>> out = np.zeros(3, np.float32)
    >>> scatter(out, np.int32([2, 0, 2]), np.float32([1, 2, 3]), np.array(True), ReduceOp.MAX)
    >>> out
    array([2., 0., 3.], dtype=float32)
    """
    if op is ReduceOp.SUM:
        scatter_add(out, index, value, keep)
        return
    if keep.ndim or not keep:
        index, value, keep = np.broadcast_arrays(index, value, keep)
        index, value = index[keep], value[keep]
    if op is None:
        out[index] = value
    else:
        FOLDS[op].at(out, index, value)


def scatter_add(out: AnyArray, index: AnyArray, value: AnyArray, keep: AnyArray) -> None:
    """Adds each value at its flat position of `out`, where `keep` holds; repeated positions add up.

    >>> out = np.zeros(3, np.float32)
    >>> scatter_add(out, np.int32([2, 0, 2]), np.float32([1, 2, 3]), np.array(True))
    >>> out
    array([2., 0., 4.], dtype=float32)
    """
    index, value, keep = np.broadcast_arrays(index, value, keep)
    place, amount = index[keep], value[keep]
    if is_float(out.dtype) and (place.size * 8 >= out.size or out.dtype not in (F32, F64)):
        out[...] = out + np.bincount(place, amount.astype(F64), out.size)       # in double precision, rounded once
    else:
        np.add.at(out, place, amount)


def elements(x: AnyArray) -> Iterator[AnyArray]:
    """Views of rank 0, one for each element along the only axis.

    >>> [v.ndim for v in elements(np.zeros(2))]
    [0, 0]
    """
    return map(x.__getitem__, zip(range(len(x)), repeat(...)))


_outer: ContextVar[Any] = ContextVar("floating-point errors outside of the program", default=None)


def call_host(function: Callable[..., Sequence[Any]], name: str, outs: Sequence[ShapedArray],
              *args: AnyArray) -> list[AnyArray]:
    """The results of a Python function of read-only arrays, called with the caller's floating-point errors.

    Raises InternalError if they are not of the avals `outs`; what the function raises passes unchanged.
    """
    for x in args:
        x.setflags(write=False)
    outer = _outer.get() or np.geterr()
    with np.errstate(divide=outer["divide"], over=outer["over"], under=outer["under"], invalid=outer["invalid"]):
        found = [np.asarray(x) for x in function(*args)]
    if [(x.shape, x.dtype) for x in found] != [(a.shape, a.dtype) for a in outs]:
        got = ", ".join([f"{x.dtype}{list(x.shape)}" for x in found])
        raise InternalError(f"internal: {name or 'a host call'} gave {got}, wanted {', '.join(map(str, outs))}")
    return found


def executable(make: Callable[[], Function], calls_host: bool = False) -> Executable:
    """The function that runs what `make` makes.

    `make` allocates scratch memory and returns code that uses it, so each call checks one such frame out and puts it
    back: threads and re-entrant calls never share scratch. Floating-point errors are silent; where NumPy keeps that
    setting in a context variable, each frame has its own context, which is cheaper to enter than `np.errstate`. Code
    that calls the user's functions runs in the caller's context, which these may read and set.
    """
    idle: list[Function] = []

    def frame() -> Function:
        if not _CONTEXTUAL or calls_host:
            return _quiet(make())
        context = Context()
        context.run(np.seterr, all="ignore")
        return partial(context.run, context.run(make))

    def execute(buffers: Sequence[Buffer]) -> Sequence[Buffer]:
        try:
            run = idle.pop()
        except IndexError:
            run = frame()
        try:
            return run(buffers)
        finally:
            idle.append(run)

    return execute


_CONTEXTUAL = np.lib.NumpyVersion(np.__version__) >= "2.0.0"


def _quiet(run: Function) -> Function:
    def silent(buffers: Sequence[Buffer]) -> Sequence[Buffer]:
        token = _outer.set(np.geterr())
        try:
            with np.errstate(all="ignore"):
                return run(buffers)
        finally:
            _outer.reset(token)

    return silent
