"""Eager functions as single programs: outside any trace `x + b` is one cached kernel, not convert, broadcast, add."""
from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from lantern import config, tree
from lantern.backends.array import DeviceArray
from lantern.backends.base import Device
from lantern.caches import BoundedCache
from lantern.devices import common_device, literal_buffer, on_device
from lantern.dtypes import is_float
from lantern.flat import as_output
from lantern.stages import Runnable, compile_jaxpr
from lantern.trace import context
from lantern.trace.array import is_host_array
from lantern.trace.aval import ShapedArray
from lantern.trace.constants import constant
from lantern.trace.jaxpr import literal, param_key
from lantern.trace.staging import trace
from lantern.tracebacks import shorten

P = ParamSpec("P")
R = TypeVar("R")

SMALL = range(128)          # Python ints that fit every type: their value need not be known when promoting
FITTING = range(-2 ** 31, 2 ** 31)      # those that have a default dtype to be traced in


class _Program:
    """A function compiled for one kind of operands."""

    __slots__ = ("captured", "compiled", "out_tree")

    def __init__(self, compiled: Runnable, captured: list[DeviceArray], out_tree: tree.TreeDef) -> None:
        self.compiled, self.captured, self.out_tree = compiled, [x.buffer for x in captured], out_tree


def one_program(operands: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """For functions of arrays: in eager code the whole function is one cached program. Inside a trace nothing changes.

    The first `operands` positional arguments are arrays or numbers; all others are settings and part of the cache key.
    Whatever this cannot serve (lists, settings without hash) runs operation by operation, with the same result.
    """
    def decorate(f: Callable[P, R]) -> Callable[P, R]:
        cache: BoundedCache[Any, _Program] = BoundedCache(1024)
        name = getattr(f, "__name__", "function")

        @wraps(f)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if context.current() is not context.EAGER:
                return f(*args, **kwargs)
            try:
                return run(args, kwargs)
            except Exception as error:
                shorten(error)
                raise

        def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            found = _operands(args[:operands], name)
            if found is None:
                return f(*args, **kwargs)
            avals, buffers, settings, device, loose = found
            more = param_key((args[operands:], *kwargs.items())) if kwargs or len(args) > operands else ()
            mode = config.mode()
            key = (avals, settings, more, device, config.flags.enable_x64, mode)
            try:
                program = cache.get(key)
            except TypeError:       # a setting without hash
                return f(*args, **kwargs)
            if program is None:
                if mode is not None:        # operation by operation: then an error has its line
                    return f(*args, **kwargs)
                program = cache.put(key, _compile(f, args, kwargs, avals, settings, device, name))
            outs = program.compiled.executable([*program.captured, *buffers])
            results = [DeviceArray(v, b, device, loose) for v, b in zip(program.compiled.out_avals, outs, strict=True)]
            return results[0] if program.out_tree is tree.LEAF else tree.unflatten(program.out_tree, results)

        return call

    return decorate


# avals and buffers of the traced operands; for each operand its Python int if that is a setting, None if it is traced;
# the device, and whether the results are loose
_Found = tuple[tuple[ShapedArray, ...], list[Any], tuple[Any, ...], Device, bool]


def _operands(args: tuple[Any, ...], name: str) -> _Found | None:
    device: Device | None = None
    any_float, loose = False, True
    for a in args:
        if type(a) is DeviceArray:
            if a.donated_to is not None or (device is not None and a.device is not device):
                return None     # the plain way raises
            device = a.device
            loose = loose and a.loose
            any_float = any_float or is_float(a.aval.dtype)
    if device is None:
        device = common_device((), name)
    avals: list[ShapedArray] = []
    buffers: list[Any] = []
    settings: list[Any] = []
    for a in args:
        if type(a) is DeviceArray:
            aval, buffer = a.aval, a.buffer
        elif type(a) is float or (type(a) is int and (a in SMALL or (any_float and a in FITTING))):
            number = literal(a)
            aval, buffer = number.aval, literal_buffer(number, device)
        elif is_host_array(a):
            value = constant(a)
            assert value is not None, "internal: a NumPy array is a constant"
            aval, buffer = value[1], on_device(value[0], device).buffer
        elif type(a) in (int, bool, type(None)):
            settings.append((a,))
            continue
        else:
            return None
        settings.append(None)
        avals.append(aval)
        buffers.append(buffer)
    return (tuple(avals), buffers, tuple(settings), device, loose) if avals else None


def _compile(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], avals: tuple[ShapedArray, ...],
             settings: tuple[Any, ...], device: Device, name: str) -> _Program:
    out_tree: list[tree.TreeDef] = []

    def body(*traced: Any) -> list[Any]:
        rest = iter(traced)
        given = [next(rest) if s is None else s[0] for s in settings]
        leaves, treedef = tree.flatten(f(*given, *args[len(settings):], **kwargs))
        out_tree.append(treedef)
        return [as_output(x, name) for x in leaves]

    names = [f"`operand {i}`" for i in range(len(avals))]
    t = trace(body, avals, title=name, names=names)
    captured = [on_device(x, device) for x in t.captured]
    return _Program(compile_jaxpr(t.jaxpr, device, name=name), captured, out_tree[0])
