"""The stages of a compiled function as values: Traced, Lowered, Compiled; the compile cache; eager execution."""
from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lantern import config, events, recompiles
from lantern.backends.array import DeviceArray
from lantern.backends.base import Device, Executable
from lantern.caches import BoundedCache, on_clear
from lantern.devices import (
    REFERENCE,
    DeviceLike,
    brought_together,
    clear_literals,
    common_device,
    find_device,
    literal_buffer,
    on_device,
)
from lantern.dtypes import KEY, no_numbers
from lantern.errors import DeviceError, NonFiniteError, ShapeError
from lantern.lower.cost import CostAnalysis, MemoryStats, program_cost, program_memory
from lantern.lower.kernel import Kernel, Program
from lantern.lower.late import lower_jaxpr
from lantern.nonfinite import watched
from lantern.reference import executable as reference_executable
from lantern.source import Source, user_source
from lantern.trace.array import is_host_array
from lantern.trace.aval import ShapedArray
from lantern.trace.check import check_jaxpr
from lantern.trace.jaxpr import Eqn, Jaxpr, Literal, Var, fingerprint, param_key
from lantern.trace.primitive import Inline, Primitive, Structured, Value
from lantern.trace.staging import Tracer, misplaced, with_line
from lantern.transforms.callback import HOST_PRIMITIVES, pins_objects
from lantern.transforms.late import follow, reuse_is_checked, settle
from lantern.transforms.physical import physical
from lantern.tree import TreeDef

if TYPE_CHECKING:
    from lantern.lower.passes import Lowering

logger = logging.getLogger("lantern")


@dataclass(frozen=True, slots=True)
class Runnable:
    """A program ready to run on one device, as the compile cache keeps it: from flat buffers to flat buffers."""

    lowering: Lowering | None       # None on the reference, which has no kernels
    executable: Executable
    device: Device
    out_avals: tuple[ShapedArray, ...]
    seconds: float


class Caller(Protocol):
    """Calls a compiled function: what `jit` knows of its arguments."""

    def __call__(self, compiled: Compiled, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Check the arguments, run, and put the results together."""
        ...


@dataclass(frozen=True, slots=True)
class Traced:
    """What a function does for arguments of given types.

    `caller` belongs to stages that a user has asked for; cached ones do without it, for it keeps the function alive.
    """

    jaxpr: Jaxpr
    in_tree: TreeDef
    out_tree: TreeDef
    name: str
    captured: tuple[Value, ...]
    device: Device
    donated: frozenset[int] = frozenset()
    caller: Caller | None = field(default=None, repr=False)

    @property
    def fun_name(self) -> str:
        """What the function is called."""
        return self.name

    @property
    def in_avals(self) -> list[ShapedArray]:
        """Avals of the inputs: captured arrays first, then the leaves of the arguments."""
        return self.jaxpr.in_avals

    @property
    def out_avals(self) -> list[ShapedArray]:
        """Avals of the outputs."""
        return self.jaxpr.out_avals

    @property
    def args_info(self) -> Any:
        """The types of (args, kwargs), as a tree."""
        return self.in_tree.unflatten(self.in_avals[len(self.captured):])

    @property
    def out_info(self) -> Any:
        """The types of the results, as a tree."""
        return self.out_tree.unflatten(self.out_avals)

    def lower(self, device: DeviceLike | None = None) -> Lowered:
        """To kernels, for the given device or the one the function was traced for."""
        device = self.device if device is None else find_device(device)
        lowering = lower_jaxpr(physical(self.jaxpr), device.backend.target, donated=self.donated)
        return Lowered(lowering, device, self)


@dataclass(frozen=True, slots=True)
class Stage:
    """What a lowered and a compiled function can be asked."""

    lowering: Lowering
    device: Device
    traced: Traced

    @property
    def program(self) -> Program:
        """The scheduled program."""
        return self.lowering.program

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """Its kernels in launch order."""
        return self.lowering.program.kernels

    @property
    def jaxpr(self) -> Jaxpr:
        """The program before lowering."""
        return self.traced.jaxpr

    @property
    def in_tree(self) -> TreeDef:
        """The structure of (args, kwargs)."""
        return self.traced.in_tree

    @property
    def out_tree(self) -> TreeDef:
        """The structure of the results."""
        return self.traced.out_tree

    @property
    def in_avals(self) -> list[ShapedArray]:
        """The types of the arguments' leaves, without the arrays that the function closed over."""
        return self.traced.in_avals[len(self.traced.captured):]

    @property
    def args_info(self) -> Any:
        """The types of (args, kwargs), as a tree."""
        return self.traced.args_info

    @property
    def out_info(self) -> Any:
        """The types of the results, as a tree."""
        return self.traced.out_info

    def stage(self, name: str) -> str:
        """The text after one of the compiler's passes, such as "fused".

        Raises KeyError that lists the passes.
        """
        return self.lowering.text(name)

    def texts(self) -> tuple[str, ...]:
        """The backend's source of each kernel."""
        return self.device.backend.texts(self.program)

    def wgsl(self) -> tuple[str, ...]:
        """The WGSL of each kernel. Raises DeviceError if the device is no GPU."""
        if self.device.platform != "gpu":
            raise DeviceError(f"wgsl() needs a program lowered for a GPU, this one is for {self.device}; "
                              "use lower(device='gpu')")
        return self.texts()

    def cost_analysis(self) -> CostAnalysis:
        """A dict with "flops", "transcendentals" and "bytes accessed", counted from the kernels; printed, a table.

        Floating point arithmetic and comparisons count one, a matrix product 2 m n k, functions such as exp are
        counted apart, integers not at all. Of each array what is read or written counts once. A loop counts as often
        as it runs, a while loop once, of branches the dearest; `.notes` says so, `.kernels` has each step.

        >>> import lantern, lantern.numpy as jnp
        >>> product = lantern.jit(lambda x, y: x @ y).lower(jnp.ones((2, 3)), jnp.ones((3, 4)))
        >>> product.cost_analysis()
        {'flops': 48, 'transcendentals': 0, 'bytes accessed': 104}
        """
        return program_cost(self.program)

    def memory_analysis(self) -> MemoryStats:
        """Bytes of arguments, results, and of what is held in between, as the schedule has it.

        >>> import lantern, lantern.numpy as jnp
        >>> lantern.jit(jnp.sum).lower(jnp.ones(10)).memory_analysis().argument_size_in_bytes
        40
        """
        return program_memory(self.program, len(self.traced.captured), len(self.device.backend.source(self.program)))


@dataclass(frozen=True, slots=True)
class Lowered(Stage):
    """A program of kernels for one device's target, before the backend has seen it."""

    def as_text(self, stage: str = "scheduled") -> str:
        """The program after its last pass, or after another one."""
        return self.stage(stage)

    def compile(self) -> Compiled:
        """Make it runnable (or find it in the compile cache).

        Raises TypeError for a function that closes over a traced value, which has no memory to be compiled in.
        """
        for x in self.traced.captured:
            if isinstance(x, Tracer):
                raise TypeError(f"compile({self.traced.name}): it uses {x.aval}, made at {x.source}, which has no "
                                "value while tracing. Pass it as an argument")
        runnable = compile_jaxpr(self.jaxpr, self.device, self.traced.donated, self.traced.name)
        captured = tuple([on_device(x, self.device, loose=True) for x in self.traced.captured])
        return Compiled(self.lowering, self.device, self.traced, runnable, captured)


@dataclass(frozen=True, slots=True)
class Compiled(Stage):
    """A compiled function: called as the function was lowered, without its static arguments, it never traces."""

    runnable: Runnable
    captured: tuple[DeviceArray, ...]       # what the function closed over, on the device

    def as_text(self) -> str:
        """What the backend generated: WGSL, or the source of a NumPy function."""
        return self.device.backend.source(self.program)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's results; they may still be on their way.

        Raises ArgumentError, naming the argument, for another structure, shape or dtype than it was compiled for;
        TypeError for traced values, DeviceError for arrays of another device.
        """
        caller = self.traced.caller
        assert caller is not None, "internal: a cached stage was called"
        return caller(self, args, kwargs)


_compiled: BoundedCache[Any, Runnable] = BoundedCache(2048)


def compile_jaxpr(jaxpr: Jaxpr, device: Device, donated: frozenset[int] = frozenset(), name: str = "") -> Runnable:
    """From the cache by fingerprint, or lowered and compiled now."""
    words = physical(jaxpr)
    if words is not jaxpr:
        return replace(compile_jaxpr(words, device, donated, name), out_avals=tuple(jaxpr.out_avals))
    mode = config.mode()
    if mode is not None and (mode.debug_nans or mode.debug_infs):
        made = _compile(jaxpr, device, frozenset(), name)       # a NaN's origin is looked for with the inputs
        return replace(made, executable=watched(made.executable, jaxpr, device, mode))
    return _compile(jaxpr, device, donated, name)


def _compile(jaxpr: Jaxpr, device: Device, donated: frozenset[int], name: str) -> Runnable:
    kept = not pins_objects(jaxpr)      # else the program goes with the function that was compiled
    key = (fingerprint(jaxpr), device, donated, config.flags.check)
    found = _compiled.get(key) if kept else None
    if found is not None:
        return found
    recompiles.check_allowed(name or "a program")
    start = time.perf_counter()
    if config.flags.check:
        check_jaxpr(jaxpr)
    lowering = None if device is REFERENCE else lower_jaxpr(jaxpr, device.backend.target, donated=donated)
    run = reference_executable(jaxpr) if lowering is None else device.backend.compile(lowering.program)
    seconds = time.perf_counter() - start
    events.emit("compile.end", name=name, device=str(device), seconds=seconds, equations=len(jaxpr.eqns))
    if config.flags.log_compiles:
        logger.warning("compiled %s for %s in %.1f ms (%d equations)",
                       name or "program", device, seconds * 1e3, len(jaxpr.eqns))
    made = Runnable(lowering, run, device, tuple(jaxpr.out_avals), seconds)
    return _compiled.put(key, made) if kept else made


_eager: BoundedCache[Any, Runnable] = BoundedCache(4096)
on_clear(clear_literals)


def run_eager(primitive: Primitive, args: Sequence[Value], params: Mapping[str, Any],
              source: Source | None = None) -> Sequence[Value]:
    """An operation outside any trace: its own cached one-equation program. `source`: the line that it is run for, if
    that is not the one that runs it."""
    device: Device | None = None
    loose = True
    for a in args:
        if type(a) is DeviceArray:
            if device is None:
                device = a.device
            elif a.device is not device:
                return run_eager(primitive, brought_together(args, primitive.name), params, source)
            if a.donated_to is not None:
                a.check_alive()
            loose = loose and a.loose
    if device is None:
        device = common_device((), primitive.name)
    avals: list[ShapedArray] = []
    buffers: list[Any] = []
    for a in args:
        avals.append(a.aval if isinstance(a, (DeviceArray, Literal)) else _aval_of(primitive, a))
        buffers.append(a.buffer if type(a) is DeviceArray else literal_buffer(a, device) if type(a) is Literal
                       else device.backend.write(np.asarray(a)))
    if primitive in HOST_PRIMITIVES:
        return _call_host(primitive, args, params, device)
    if primitive.lower is Inline.SUBJAXPR or isinstance(primitive.lower, Structured):
        compiled = _compile_operation(primitive, avals, params, device)     # its jaxpr is new each time: by fingerprint
    else:
        key = (primitive, tuple(avals), tuple([(k, param_key(v)) for k, v in params.items()]), device,
               config.flags.check, config.mode())
        compiled = _eager.get(key)
        if compiled is None:
            compiled = _eager.put(key, _compile_operation(primitive, avals, params, device))
    known = follow(primitive, params, args, compiled.out_avals, source or user_source()) if reuse_is_checked() else ()
    try:
        outs = compiled.executable(buffers)
    except NonFiniteError as error:
        raise with_line(error, source or user_source()) from None
    made = [DeviceArray(v, b, device, loose) for v, b in zip(compiled.out_avals, outs, strict=True)]
    if known:
        settle(made, known)
    return made


def _call_host(primitive: Primitive, args: Sequence[Value], params: Mapping[str, Any],
               device: Device) -> list[DeviceArray]:
    """A call of the user's Python needs no program."""
    for a in args:
        if type(a) is DeviceArray and a.aval.dtype is KEY:
            raise no_numbers(primitive.name, f"got {a.aval}")
    outs = primitive.impl(*[a.value if type(a) is Literal else np.asarray(a) for a in args], **params)
    return [on_device(x, device) for x in outs]


def _aval_of(primitive: Primitive, x: Any) -> ShapedArray:
    if is_host_array(x):
        return ShapedArray(x.shape, x.dtype)
    if isinstance(x, Tracer):
        raise misplaced(x)
    raise TypeError(f"{primitive.name}: wanted arrays, got {type(x).__name__}, at {user_source()}")


def _compile_operation(primitive: Primitive, avals: Sequence[ShapedArray], params: Mapping[str, Any],
                       device: Device) -> Runnable:
    if primitive.lower is Inline.SUBJAXPR:
        return compile_jaxpr(params["jaxpr"], device, name=str(params.get("name", primitive.name)))
    source = user_source()
    invars = tuple([Var(a) for a in avals])
    try:
        outvars = tuple([Var(a) for a in primitive.abstract(*avals, **params)])
    except ShapeError as error:
        raise with_line(error, source) from None
    jaxpr = Jaxpr(invars, (Eqn(primitive, invars, params, outvars, None),), outvars)
    return compile_jaxpr(jaxpr, device, name=primitive.name)

