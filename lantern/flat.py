"""Functions over leaves: between the user's pytrees and the transforms."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from lantern import tree
from lantern.annotations import call as call_checked
from lantern.annotations import dim_names
from lantern.backends.array import DeviceArray
from lantern.backends.base import Device
from lantern.devices import common_device, on_device
from lantern.dtypes import element_type
from lantern.source import user_source
from lantern.trace import context
from lantern.trace.array import AnyArray, Array, is_array
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.constants import constant, unwrapped
from lantern.trace.context import typeof
from lantern.trace.jaxpr import Literal, Var
from lantern.trace.primitive import Value
from lantern.trace.staging import StagingTrace, Traced, Tracer, trace

Function: TypeAlias = Callable[..., Any]


class Stand(Array[Any, *tuple[Any, ...]]):
    """Stands for an argument of which only the type is known."""

    __slots__ = ("_aval",)

    def __init__(self, aval: ShapedArray) -> None:
        self._aval = aval

    @property
    def aval(self) -> ShapedArray:
        """Shape and dtype."""
        return self._aval


@dataclass(frozen=True, slots=True)
class ShapeDtypeStruct:
    """A shape and a dtype without a value: an argument for `eval_shape`, and its result."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        object.__setattr__(self, "shape", tuple(shape))
        object.__setattr__(self, "dtype", element_type(dtype))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)


def stand_in(leaf: Any) -> Any:
    """What a function is traced with in place of a ShapeDtypeStruct; anything else is itself."""
    return Stand(shaped(leaf.shape, leaf.dtype)) if isinstance(leaf, ShapeDtypeStruct) else leaf


def name_of(f: Function) -> str:
    """What messages call the function."""
    return getattr(f, "__name__", type(f).__name__)


def argument_names(f: Function, args: Sequence[Any], kwargs: dict[str, Any] | None = None) -> list[str]:
    """One readable path a leaf: `params['w']`."""
    names: list[str] = []
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            names += [f"{p.name}[{i}]" for i in range(len(args) - len(names))]
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            names.append(p.name)
    names += [f"argument_{i}" for i in range(len(names), len(args))]
    pairs = [*zip(names, args, strict=False), *sorted((kwargs or {}).items())]
    return [p for n, a in pairs for p in tree.paths(tree.structure(a), n)]


def as_value(x: Any, device: Device | None, name: Callable[[], str], what: str) -> Value:
    """A leaf as an array. In eager code (device given) NumPy and Python values go to the device; in a trace they stay.

    Raises TypeError, naming the argument, for what is no array.
    """
    if is_array(x):
        if isinstance(x, DeviceArray):
            x.check_alive()
            return x if device is None else on_device(x, device)
        return x
    if isinstance(x, Literal):
        return x if device is None else on_device(x, device, loose=True)
    if hasattr(x, "__lantern_array__"):
        return as_value(unwrapped(x), device, name, what)
    found = constant(x)
    if found is None:
        raise TypeError(
            f"{what}: argument `{name()}` must be an array or a number, got {x!r} of type {type(x).__name__}, "
            f"at {user_source()}. Leave it out of the differentiated or mapped arguments, or name it in "
            "static_argnames")
    values, aval = found
    if device is None:
        return Literal(values[()], aval) if aval.weak else values
    return on_device(values, device, aval.weak, loose=True)


def as_values(leaves: Sequence[Any], names: Callable[[], Sequence[str]], what: str,
              place: Device | None = None) -> list[Value]:
    """All leaves as arrays of one device: `place`, or theirs. Inside a trace, as they are.

    Raises DeviceError for arrays of two devices, or of another than `place`.
    """
    device = None
    if context.current() is context.EAGER and not any([isinstance(x, Tracer) for x in leaves]):
        device = common_device(leaves, what, place)
    return [x if type(x) is DeviceArray and x.donated_to is None and (x.device is device or device is None)
            else as_value(x, device, lambda i=i: names()[i], what) for i, x in enumerate(leaves)]


class Flat:
    """f over leaves. After the call, `out_tree` is known. `place`: the device for NumPy and Python values."""

    def __init__(self, f: Function, args: Sequence[Any], kwargs: dict[str, Any], verb: str,
                 place: Device | None = None) -> None:
        self.f, self.verb, self.args, self.kwargs = f, verb, args, kwargs
        leaves, self.treedef = tree.flatten((tuple(args), kwargs))
        self.leaves = as_values(leaves, lambda: self.names, self.title, place)
        self.avals = [typeof(x) for x in self.leaves]
        self.out_tree: Any = None

    @cached_property
    def names(self) -> list[str]:
        """One readable path a leaf, for messages."""
        return argument_names(self.f, self.args, self.kwargs)

    @property
    def name(self) -> str:
        """What messages call the function."""
        return name_of(self.f)

    def __call__(self, *leaves: Value) -> Sequence[Value]:
        """f's outputs as leaves; their structure goes to `out_tree`."""
        args, kwargs = tree.unflatten(self.treedef, leaves)
        outs = call_checked(self.f, args, kwargs)
        flat, self.out_tree = tree.flatten(outs)
        return [as_output(x, self.title) for x in flat]

    @property
    def title(self) -> str:
        """`grad(loss)`."""
        return f"{self.verb}({self.name})"

    def trace(self, values: Sequence[Value | None] | None, stage_all: bool) -> Traced:
        """Stage the function; see `lantern.trace.staging.trace`."""
        quoted = [f"`{n}`" for n in self.names]
        axes = self._axes() if stage_all else None
        return trace(self, self.avals, values, title=self.title, names=quoted, stage_all=stage_all, axes=axes)

    def _axes(self) -> list[tuple[str, ...] | None]:
        """The names that annotations give to the axes of each leaf, for whoever reads the program."""
        args, kwargs = tree.unflatten(self.treedef, [Stand(a) for a in self.avals])
        found = dim_names(self.f, args, kwargs)
        return [found.get(name) for name in self.names] if found else [None] * len(self.avals)


def as_output(x: Any, what: str) -> Value:
    """What the user's function returned, as something to stage.

    Raises TypeError for what is no array.
    """
    if is_array(x) or isinstance(x, Literal):
        return x
    if hasattr(x, "__lantern_array__"):
        return as_output(unwrapped(x), what)
    found = constant(x)
    if found is None:
        raise TypeError(
            f"{what}: the function must return arrays, got {x!r} of type {type(x).__name__}, at {user_source()}")
    values, aval = found
    return Literal(values[()], aval) if aval.weak else values


def as_result(x: Value) -> AnyArray:
    """A result for the user: literals and NumPy values become arrays of the device or of the trace that stages them."""
    if is_array(x):
        return x
    place = context.current()
    while isinstance(place, StagingTrace):
        if place.stage_all:
            var = place.atom(np.asarray(x.value) if isinstance(x, Literal) else x)
            assert isinstance(var, Var)
            return Tracer(place, var, user_source())
        place = place.parent
    return on_device(x, common_device((), "result"), isinstance(x, Literal) and x.aval.weak, loose=True)
