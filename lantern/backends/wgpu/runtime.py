"""The backend: writes and reads arrays, compiles programs, records and submits their kernels."""
from __future__ import annotations

import os
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from lantern import config
from lantern.backends.base import Executable
from lantern.backends.wgpu.device import AdapterInfo, make_target, open_device
from lantern.backends.wgpu.executable import run_plan
from lantern.backends.wgpu.interrupts import Deferred, Undeferred, hear
from lantern.backends.wgpu.memory import Allocation, Buffer, Pool
from lantern.backends.wgpu.native import Handle, Native, Prepared, trusted_module, wgpu
from lantern.backends.wgpu.packed import stored_bytes
from lantern.backends.wgpu.plan import Pipeline, Plan, make_plan
from lantern.backends.wgpu.render import check_size, render
from lantern.backends.wgpu.scalar import wgsl_type
from lantern.backends.wgpu.shader import Shader
from lantern.backends.wgpu.turns import Turns
from lantern.backends.wgpu.written import Lines, refusal, render_routine
from lantern.caches import on_clear
from lantern.errors import DeviceError
from lantern.events import emit
from lantern.lower.kernel import HostCall, Kernel, Program, Target
from lantern.lower.routine import Routine
from lantern.source import user_source
from lantern.trace.aval import ShapedArray

PIPELINES = 1024            # compiled kernels that are remembered
MOST_DEFERRED = 256         # host calls that may be put off
GROUPS = 4096               # bind groups that are remembered, the last ones that were used: see MOST in steady.py
PENDING_DISPATCHES = 32     # recorded launches after which a submission is due,
PENDING_BYTES = 1 << 24     # or memory that they touch,
PENDING_SECONDS = 1e-3      # or time since the first of them
MOST_DISPATCHES = 4096      # recorded launches of one program after which it is submitted before its end
UNSENT_BYTES = 1 << 26      # written data that may wait for the next submission
PIECE = 1 << 26             # bytes read at a time


class WgpuBackend:
    """One device's memory and compiler; see `lantern.backends.base.Backend`. Safe to use from several threads."""

    def __init__(self, adapter: AdapterInfo) -> None:
        self.adapter = adapter
        self._target = make_target(adapter)
        self.native = Native(open_device(adapter))
        self.pool = Pool(self.native, adapter.limit("max-buffer-size"), self._forget)
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._lost = ""
        self._turns = Turns(self.native)
        self.native.before_submit = self._turns.send
        self._pipelines: OrderedDict[Any, Pipeline] = OrderedDict()
        self._layouts: dict[tuple[tuple[str, ...], bool], tuple[int, Any, Any]] = {}
        self._groups: OrderedDict[tuple[int, ...], Handle] = OrderedDict()
        on_clear(self.clear_caches)
        self._deferred: list[tuple[HostCall, Sequence[Allocation | None]]] = []
        self._epoch = 0
        self._dispatches = 0
        self._limit = MOST_DISPATCHES
        self._bytes = 0
        self._since = 0.0
        self._unsent = 0

    # The protocol

    @property
    def target(self) -> Target:
        """What lowering may rely on here."""
        return self._target

    def write(self, array: np.ndarray[Any, Any]) -> Buffer:
        """Copy an array to the device; elements of 8 and 16 bits and bools lie there as in NumPy.

        Raises DeviceError if the device cannot hold it or lacks its dtype.
        """
        wgsl_type(array.dtype)
        check_size(array.size, array.dtype, f"an array of shape {array.shape} and dtype {array.dtype}", self._target)
        with self.session("write"):
            return Buffer(self.send(array), stored_bytes(array.size, array.dtype), self.pool.returned)

    def read(self, buffer: Buffer, aval: ShapedArray) -> np.ndarray[Any, Any]:
        """Copy back to the host; waits for pending work, in slices, so that Ctrl-C is heard."""
        with self.session("read"):
            self._settle()
            return self.fetch(buffer.allocation, aval)

    def compile(self, program: Program) -> Executable:
        """Make a program runnable: every kernel is rendered and compiled now.

        Raises DeviceError for dtypes and sizes that the device cannot have.
        """
        with self.session(program.name or "program"):
            plan = make_plan(program, self._target, self.pipeline)
        return _Executable(self, plan)

    def texts(self, program: Program) -> tuple[str, ...]:
        """The WGSL of each kernel, in launch order; empty for kernels with nothing to do."""
        found: list[str] = []

        def show(kernel: Kernel | Routine, shared: Mapping[int, int], moving: Collection[str]) -> Pipeline:
            shader = (render_routine(kernel, self._target)[0] if isinstance(kernel, Routine)
                      else render(kernel, self._target, shared, moving))
            found.append(shader.text)
            return Pipeline(shader, None, None, -1, ())

        make_plan(program, self._target, show)
        return tuple(found)

    def source(self, program: Program) -> str:
        """The WGSL of all kernels, in launch order."""
        return "\n\n".join(self.texts(program))

    def clear_caches(self) -> None:
        """Forget compiled kernels (those of programs that still exist stay alive), and give up unused memory."""
        if os.getpid() == self._process:
            with self._lock:
                self._pipelines.clear()
                self.pool.collect()
                self.pool.trim()

    def wait(self) -> None:
        """Block until all work is done."""
        with self.session("wait"):
            self._settle()
            self.flush()
            self.native.wait()

    # For the executable

    @contextmanager
    def session(self, what: str) -> Generator[None]:
        """The lock, Ctrl-C only where it does no harm, and what the library reports as lantern's errors.

        Raises DeviceError in a forked child, after the device was lost, and for faults of the driver.
        """
        if os.getpid() != self._process:
            raise DeviceError("this process was forked after the GPU had been opened, and a GPU cannot be shared that "
                              "way. Start workers with multiprocessing's 'spawn' method, or open the GPU only in them.")
        with self._lock, Deferred():
            if self._lost:
                raise DeviceError(f"the GPU device was lost ({self._lost}); its arrays are gone. Restart the process.")
            try:
                yield
            except wgpu.GPUOutOfMemoryError as error:
                raise DeviceError(f"{what}: the device has no memory left, at {user_source()}: {error}. Drop arrays "
                                  "that are not needed, donate arguments, or work in smaller pieces.") from error
            except wgpu.GPUError as error:
                text = str(error)
                if "lost" in text.lower():
                    self._lost = text.strip().splitlines()[0]
                    raise DeviceError(f"{what}: the GPU device was lost: {text}") from error
                raise DeviceError(f"internal: {what}: the driver refused a command: {text}") from error

    def buffer(self, nbytes: int) -> Buffer:
        """A new buffer."""
        return Buffer(self.pool.take(nbytes) if nbytes else None, nbytes, self.pool.returned)

    def send(self, array: np.ndarray[Any, Any]) -> Allocation | None:
        """New memory with these values."""
        data = _whole_words(np.ascontiguousarray(array))
        if not data.nbytes:
            return None
        allocation = self.pool.take(data.nbytes)
        if allocation.epoch == self._epoch:      # recorded commands still need what it held before
            self.flush()
        self.native.write(allocation.handle, data, data.nbytes)
        self._unsent += data.nbytes
        if self._unsent > UNSENT_BYTES:
            self._submit()
        return allocation

    def fetch(self, allocation: Allocation | None, aval: ShapedArray) -> np.ndarray[Any, Any]:
        """The values that memory has when all that was recorded is done."""
        found = np.empty(stored_bytes(aval.size, aval.dtype), np.uint8)
        for start in range(0, found.nbytes, PIECE):
            if allocation is None:
                raise DeviceError(f"{aval}: its memory was donated to a compiled call")
            size = min(PIECE, found.nbytes - start)
            found[start:start + size] = np.frombuffer(self._read(allocation, start, size), np.uint8)
        return found[:aval.nbytes].view(aval.dtype).reshape(aval.shape)

    def later(self, call: HostCall, held: Sequence[Allocation | None]) -> None:
        """Call a function that only looks, on these values, when somebody next waits or many have come together."""
        self._deferred.append((call, held))
        if len(self._deferred) >= MOST_DEFERRED:
            self._settle()

    def _settle(self) -> None:
        """Make the calls that were put off. What one raises reaches the user; those after it are dropped."""
        if not self._deferred:
            return
        calls, self._deferred = self._deferred, []
        given = [[self.fetch(a, aval) for a, aval in zip(held, call.args, strict=True)] for call, held in calls]
        for _, held in calls:
            for allocation in held:
                if allocation is not None:
                    self.pool.give(allocation)
        with self.released():
            for (call, _), args in zip(calls, given, strict=True):
                call.function(*args)

    @contextmanager
    def released(self) -> Generator[None]:
        """While the user's Python runs amid a program, other threads may use the device and Ctrl-C is heard at once."""
        with Undeferred():
            self._lock.release()
            try:
                yield
            finally:
                self._lock.acquire()

    def begin(self) -> None:
        """A program is about to be recorded."""
        self._limit = self._dispatches + MOST_DISPATCHES

    def launch(self, pipeline: Pipeline, allocations: Sequence[Allocation], sizes: Sequence[int], row: int) -> None:
        """Record one kernel, at the given row of the arrays of which it knows rows."""
        if self._dispatches >= self._limit or (pipeline.moving and self._turns.full):
            self._submit()
        handle, group, x, y, z, moving = self.prepare(pipeline, allocations, sizes)
        if moving:
            self.native.turn(self._turns.group, self._turns.offset(row))
        self.native.dispatch(handle, group, x, y, z)
        self._dispatches += 1

    def replay(self, cycle: Sequence[Sequence[Prepared]], rows: Sequence[int], start: int) -> None:
        """Record a loop's steps, from `start` in a cycle of steps that repeat."""
        def launches() -> Iterator[tuple[Prepared, int]]:
            for k, row in enumerate(rows, start=start):
                offset = self._turns.offset(row)
                for prepared in cycle[k % len(cycle)]:
                    yield prepared, offset

        coming = launches()
        while True:
            room = max(0, self._limit - self._dispatches)
            done = self.native.replay(coming, self._turns.group, room)
            self._dispatches += done
            if done < room:
                return
            self._submit()

    def touch(self, allocations: Iterable[Allocation]) -> None:
        """What was recorded uses these."""
        for a in allocations:
            a.epoch = self._epoch

    def prepare(self, pipeline: Pipeline, allocations: Sequence[Allocation], sizes: Sequence[int]) -> Prepared:
        """What recording one kernel on this memory takes."""
        key = (pipeline.layout_number, *[a.id for a in allocations], *sizes)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = self.native.create_bind_group(
                pipeline.layout, [(a.handle, n) for a, n in zip(allocations, sizes, strict=True)])
            if len(self._groups) > GROUPS:
                self.native.release_bind_group(self._groups.popitem(last=False)[1])
        else:
            self._groups.move_to_end(key)
        epoch = self._epoch
        for a in allocations:
            a.epoch = epoch
        grid = pipeline.shader.grid
        return pipeline.handle, group, grid.x, grid.y, grid.z, pipeline.moving

    def clear(self, allocation: Allocation, nbytes: int) -> None:
        """Record filling with zeros."""
        allocation.epoch = self._epoch
        self.native.clear(allocation.handle, nbytes)

    def copy(self, source: Allocation, target: Allocation, nbytes: int) -> None:
        """Record filling `target` with the bytes of `source`."""
        source.epoch = target.epoch = self._epoch
        self.native.copy(source.handle, 0, target.handle, nbytes)

    def duplicate(self, allocation: Allocation) -> Allocation:
        """A copy, recorded."""
        copy = self.pool.take(allocation.size)
        copy.epoch = allocation.epoch = self._epoch
        self.native.copy(allocation.handle, 0, copy.handle, allocation.size)
        return copy

    def recorded(self, nbytes: int) -> None:
        """A program was recorded that touches `nbytes`: submit, if enough has come together.

        Small programs are submitted several at a time, since a submission costs more than they do.
        """
        self._bytes += nbytes
        now = time.perf_counter()
        if self._since == 0.0:
            self._since = now
        if (self._dispatches >= PENDING_DISPATCHES or self._bytes >= PENDING_BYTES
                or now - self._since > PENDING_SECONDS):
            self.flush()

    def flush(self) -> None:
        """Submit what was recorded."""
        if self.native.recording:
            self._submit()

    def _submit(self) -> None:
        self._epoch += 1
        self._dispatches = self._bytes = self._unsent = 0
        self._limit = MOST_DISPATCHES
        self._since = 0.0
        self.native.submit()

    def _read(self, allocation: Allocation, start: int, size: int) -> bytes:
        staging, capacity = self.pool.staging(size)
        done = False
        try:
            self.native.copy(allocation.handle, start, staging, size)
            self._submit()
            data = self.native.read(staging, size)
            done = True
            return data
        finally:
            if done:
                self.pool.keep_staging(staging, capacity)
            else:
                self.native.release_buffer(staging)

    def _forget(self, gone: set[int]) -> None:
        """Drop the bind groups of memory that was given up."""
        for key in [k for k in self._groups if not gone.isdisjoint(k[1:1 + len(k) // 2])]:
            self.native.release_bind_group(self._groups.pop(key))

    # Pipelines

    def pipeline(self, kernel: Kernel | Routine, shared: Mapping[int, int], moving: Collection[str] = ()) -> Pipeline:
        """The compiled kernel, from the cache if an equal one was compiled before."""
        what = (kernel.written, kernel.args, kernel.outs) if isinstance(kernel, Routine) else kernel
        key = (what, tuple(sorted(shared.items())), tuple(moving))
        found = self._pipelines.get(key)
        if found is not None:
            self._pipelines.move_to_end(key)
            return found
        hear()
        start = time.perf_counter()
        if isinstance(kernel, Routine):
            shader, lines = render_routine(kernel, self._target)
            made = self._compile_users(kernel, shader, lines)
        else:
            shader = render(kernel, self._target, shared, moving)
            made = self._compile(shader, bool(moving))
        emit("wgpu.compile", kernel=shader.name, text=shader.text, seconds=time.perf_counter() - start)
        self._pipelines[key] = made
        if len(self._pipelines) > PIPELINES:
            self._pipelines.popitem(last=False)
        return made

    def _compile(self, shader: Shader, moving: bool) -> Pipeline:
        if not shader.text:
            return Pipeline(shader, None, None, -1, ())
        try:
            return self._build(shader, moving, trusted=not config.flags.check)
        except wgpu.GPUError as error:
            with tempfile.NamedTemporaryFile("w", suffix=".wgsl", delete=False) as file:
                file.write(shader.text)
            raise DeviceError(f"internal: kernel {shader.name}: the driver refused its WGSL, which is in {file.name}: "
                              f"{error}") from error

    def _compile_users(self, routine: Routine, shader: Shader, lines: Sequence[Lines]) -> Pipeline:
        """A kernel that the user wrote: with checks of bounds, since nobody else has checked them."""
        if not shader.text:
            return Pipeline(shader, None, None, -1, ())
        try:
            return self._build(shader, moving=False, trusted=False)
        except wgpu.GPUError as error:
            raise refusal(routine, shader, lines, str(error)) from None

    def _build(self, shader: Shader, moving: bool, trusted: bool) -> Pipeline:
        device = self.native.object
        number, layout, pipeline_layout = self._layout(
            tuple(["storage" if b.output else "read-only-storage" for b in shader.bindings]), moving)
        module = trusted_module(device, shader.text) if trusted else device.create_shader_module(code=shader.text)
        pipeline = device.create_compute_pipeline(
            layout=pipeline_layout, compute={"module": module, "entry_point": "main"})
        return Pipeline(shader, pipeline._internal, layout._internal, number, (pipeline, layout), moving)

    def _layout(self, kinds: tuple[str, ...], moving: bool) -> tuple[int, Any, Any]:
        found = self._layouts.get((kinds, moving))
        if found is None:
            device = self.native.object
            layout = device.create_bind_group_layout(entries=[
                {"binding": k, "visibility": wgpu.ShaderStage.COMPUTE, "buffer": {"type": kind}}
                for k, kind in enumerate(kinds)])
            layouts = [layout, self._turns.layout] if moving else [layout]
            found = self._layouts[kinds, moving] = (len(self._layouts), layout,
                                                    device.create_pipeline_layout(bind_group_layouts=layouts))
        return found


def _whole_words(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A contiguous array, or its bytes with zeros behind them: commands move whole words."""
    if array.nbytes % 4 == 0:
        return array
    padded = np.zeros(stored_bytes(array.size, array.dtype), np.uint8)
    padded[:array.nbytes] = array.reshape(-1).view(np.uint8)
    return padded


class _Executable:
    """A compiled program: input buffers in, output buffers out, without waiting for the device."""

    __slots__ = ("_backend", "_plan")

    def __init__(self, backend: WgpuBackend, plan: Plan) -> None:
        self._backend = backend
        self._plan = plan

    def __call__(self, inputs: Sequence[Buffer]) -> list[Buffer]:
        backend, plan = self._backend, self._plan
        with backend.session(plan.name):
            return run_plan(backend, plan, inputs)
