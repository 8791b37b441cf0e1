"""`Exported`: a traced function apart from the Python that made it; `export`, and the way to a file and back."""
from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from lantern import tree
from lantern.backends.array import DeviceArray
from lantern.devices import CPU, common_device, keys_of, on_device
from lantern.dtypes import KEY, default
from lantern.errors import ArgumentError, DeviceError, ExportError
from lantern.export import trees
from lantern.export.container import Bytes, packed, refused, unpacked
from lantern.export.programs import Reader, Writer
from lantern.flat import as_values
from lantern.jitted import Jitted, jit
from lantern.source import user_source
from lantern.trace.array import is_host_array
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind, typeof
from lantern.trace.jaxpr import Jaxpr
from lantern.trace.primitive import Value
from lantern.trace.staging import Tracer
from lantern.tracebacks import boundary
from lantern.transforms.jit import jit_p

PLATFORMS = ("cpu", "gpu")
JUDGES = ("emulate", "reference")       # they run everything


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Exported:
    """A function as a program. `call` it, also under `jit`, `grad` and `vmap`; `serialize` it.

    fun_name   what the function was called
    in_tree    structure of (args, kwargs);  out_tree: of the result
    in_avals   types of the leaves of the arguments;  out_avals: of the results
    platforms  where it may run ("cpu", "gpu"); empty: everywhere
    donated    positions of the leaves whose memory a call takes
    captured   arrays that the function closed over: the first inputs of `jaxpr`
    names      of a function with static arguments: the parameters that are left, all of which `in_tree` has by keyword
    """

    fun_name: str
    in_tree: tree.TreeDef
    in_avals: tuple[ShapedArray, ...]
    out_tree: tree.TreeDef
    out_avals: tuple[ShapedArray, ...]
    platforms: tuple[str, ...]
    donated: tuple[int, ...]
    jaxpr: Jaxpr
    captured: tuple[Value, ...]
    names: tuple[str, ...] = ()
    run: Jitted[..., Any] = field(init=False)

    def __post_init__(self) -> None:
        def call(*leaves: Value) -> Sequence[Value]:
            return bind(jit_p, *self.captured, *leaves, jaxpr=self.jaxpr, name=self.fun_name)

        call.__name__ = self.fun_name
        object.__setattr__(self, "run", jit(call, donate_argnums=self.donated))

    def __repr__(self) -> str:
        types = [", ".join(map(str, avals)) for avals in (self.in_avals, self.out_avals)]
        return f"Exported({self.fun_name}: ({types[0]}) -> ({types[1]}))"

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The function's results. Nothing is traced but one equation; the program is compiled once for each device.

        Raises ArgumentError for arguments of another structure, shape or dtype, naming the first that differs;
        DeviceError on a platform that is not among `platforms`.
        """
        return self._call(args, kwargs)

    @boundary
    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        title = f"exported {self.fun_name}"
        if self.names:
            if len(args) > len(self.names):
                raise ArgumentError(f"{title}: wanted at most {len(self.names)} arguments ({', '.join(self.names)}), "
                                    f"got {len(args)}, at {user_source()}. Static arguments were given to export(f)")
            args, kwargs = (), {**dict(zip(self.names, args, strict=False)), **kwargs}
        leaves, structure = tree.flatten((args, kwargs))
        if structure is not self.in_tree:
            raise ArgumentError(f"{title}: wanted arguments of the structure {_shown(self.in_tree)}, got "
                                f"{_shown(structure)}, at {user_source()}. Pass what it was exported for")
        wide = [_wide(x, a) for x, a in zip(leaves, self.in_avals, strict=True)]
        values = as_values(wide, self._paths, title)
        for k, (x, wanted) in enumerate(zip(values, self.in_avals, strict=True)):
            found = typeof(x)
            if (found.shape, found.dtype) != (wanted.shape, wanted.dtype):
                raise ArgumentError(f"{title}: the argument {self._paths()[k]} must be {wanted.strong()}, got "
                                    f"{found.strong()}, at {user_source()}. Convert it, or export the function for "
                                    "this type")
        if self.platforms and not any([isinstance(x, Tracer) for x in values]):
            self._check_platform(values, title)
        return tree.unflatten(self.out_tree, self.run(*values))

    def _paths(self) -> list[str]:
        """One readable name a leaf: `args[0]['w']`; `x['w']` where all parameters are known by name."""
        args, kwargs = self.in_tree.children
        if self.names:
            return [p for n, c in zip(kwargs.names, kwargs.children, strict=True) for p in tree.paths(c, n[2:-2])]
        return [*tree.paths(args, "args"), *tree.paths(kwargs, "kwargs")]

    def _check_platform(self, values: Sequence[Value], title: str) -> None:
        device = common_device(values, title)
        if device.platform not in (*self.platforms, *JUDGES):
            raise DeviceError(f"{title}: it was exported for {' and '.join(self.platforms)}, and the call runs on "
                              f"{device}. Use lantern.default_device({self.platforms[0]!r}), or export with more "
                              "platforms")

    def serialize(self, vjp_order: int = 0) -> bytes:
        """The bytes of a file; `deserialize` reads them in any process, on any device.

        vjp_order  how often the loaded function may be differentiated where it calls functions with derivative rules of
                   their own (custom_jvp, custom_vjp): those rules are traced and go into the file. All else has
                   derivatives of every order in any case.

        Raises ExportError, naming the equation and the line, for calls of Python, for parameters that have no place in
        a file, and for rules that cannot be traced.
        """
        if type(vjp_order) is not int or vjp_order < 0:
            raise ArgumentError(f"export.serialize: vjp_order must be a whole number from 0, got {vjp_order!r}")
        w = Writer()
        main = w.jaxpr(self.jaxpr, vjp_order)
        captured = [[w.array(_host(x)), w.aval(typeof(x))] for x in self.captured]
        structures = {"in_tree": trees.encoded(self.in_tree, lambda v: w.value(v, 0)),
                      "out_tree": trees.encoded(self.out_tree, lambda v: w.value(v, 0))}
        header = {"name": self.fun_name, "platforms": list(self.platforms), "donated": list(self.donated),
                  "names": list(self.names), "vjp_order": vjp_order, "main": main, "captured": captured,
                  **structures, **w.tables()}
        return packed(header, w.arrays)


def export(fun_jit: Jitted[..., Any], *, platforms: Sequence[str] | None = None) -> Callable[..., Exported]:
    """A function of example arguments (arrays or `lantern.ShapeDtypeStruct`s) that gives the Exported for their types.

    `platforms`: where it may run, "cpu" and "gpu"; default: everywhere. It is lowered for each of those named that this
    machine has, so that what they cannot compute is said now.

    Raises TypeError for what is no result of `lantern.jit`, ArgumentError for an unknown platform, DeviceError for what
    a platform cannot compute.

    >>> import lantern, lantern.numpy as jnp
    >>> norm = export(lantern.jit(lambda x: jnp.sqrt(jnp.sum(x * x))))(lantern.ShapeDtypeStruct((2,), jnp.float32))
    >>> again = deserialize(norm.serialize())
    >>> float(again.call(jnp.array([3.0, 4.0]))), lantern.grad(again.call)(jnp.array([3.0, 4.0])).tolist()
    (5.0, [0.6..., 0.8...])
    """
    if not isinstance(fun_jit, Jitted):    # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"export: wanted the result of lantern.jit, got {fun_jit!r}. Write export(lantern.jit(f))")
    wanted = () if platforms is None else tuple(platforms)
    for p in wanted:
        if p not in PLATFORMS:
            raise ArgumentError(f"export: no platform is called {p!r}; there are {', '.join(map(repr, PLATFORMS))}")

    def made(*args: Any, **kwargs: Any) -> Exported:
        traced = fun_jit.trace(*args, **kwargs)
        held = [x for x in traced.captured if isinstance(x, Tracer)]
        if held:
            raise ExportError(f"export({traced.name}): it uses {held[0].aval}, made at {held[0].source}, which has no "
                              "value while tracing. Export outside other transforms")
        for p in wanted:
            if p == "cpu" or traced.device.platform == p:
                traced.lower(CPU if p == "cpu" else traced.device)
        count = len(traced.captured)
        parameters = () if fun_jit.signature is None else fun_jit.signature.parameters
        names = tuple([n for n in parameters if n not in fun_jit.static])
        return Exported(traced.name, traced.in_tree, tuple(traced.in_avals[count:]), traced.out_tree,
                        tuple(traced.out_avals), wanted, tuple(sorted([i - count for i in traced.donated])),
                        traced.jaxpr, traced.captured, names)

    return boundary(made)


@boundary
def deserialize(data: Bytes) -> Exported:
    """The Exported that `serialize` wrote. Reading runs no Python of the file's: there is none in it.

    Raises ExportError for bytes that are cut, changed, of a later version or no such file; for operations (of
    `lantern.extend`) and containers that this process does not have.
    """
    header, arrays = unpacked(data)
    try:
        return _built(header, arrays)
    except ExportError:
        raise
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        raise refused(f"the parts of the file do not fit together: {error}") from error


def _built(header: dict[str, Any], arrays: list[memoryview]) -> Exported:
    reader = Reader(arrays)
    reader.tables(header)
    match header:
        case {"name": str(name), "platforms": list(platforms), "donated": list(donated), "main": main,     # pyright: ignore[reportUnknownVariableType]
              "captured": list(captured), "in_tree": ins, "out_tree": outs, "names": list(names)}:      # pyright: ignore[reportUnknownVariableType]
            pass
        case _:
            raise refused("the header lacks a part")
    jaxpr = reader.program(main)
    held: list[Value] = []
    for number, aval in cast("list[Any]", captured):
        kind = reader.aval(aval)
        values = np.array(reader.array(number, kind))
        held.append(keys_of(values, CPU, loose=True) if kind.dtype is KEY else
                    on_device(values, CPU, kind.weak, loose=True))
    in_tree, out_tree = [trees.decoded(t, reader.value, refused) for t in (ins, outs)]
    in_avals = tuple(jaxpr.in_avals[len(held):])
    given = [typeof(x).strong() for x in held]
    if given != [a.strong() for a in jaxpr.in_avals[:len(held)]] or in_tree.num_leaves != len(in_avals) or (
            out_tree.num_leaves != len(jaxpr.outvars)) or len(in_tree.children) != 2:
        raise refused("the arguments or results have another structure than the program")
    places = cast("list[Any]", donated)
    if any(type(i) is not int or not 0 <= i < len(in_avals) for i in places) or not set(platforms) <= set(PLATFORMS):     # pyright: ignore[reportUnknownArgumentType]
        raise refused("a donated argument or a platform does not exist")
    if any(not isinstance(n, str) for n in cast("list[Any]", names)):
        raise refused("a parameter has no name")
    return Exported(name, in_tree, in_avals, out_tree, tuple(jaxpr.out_avals), tuple(cast("list[str]", platforms)),
                    tuple(places), jaxpr, tuple(held), tuple(cast("list[str]", names)))


def save(path: str | os.PathLike[str], exported: Exported, vjp_order: int = 0) -> None:
    """Write `exported.serialize(vjp_order)` to a file. A file of this name is replaced at once or not at all."""
    data = exported.serialize(vjp_order)
    beside = Path(path).with_name(f".{Path(path).name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> Exported:
    """The Exported in a file. Raises ExportError as `deserialize`, OSError if there is no such file."""
    return deserialize(Path(path).read_bytes())


def _host(x: Value) -> np.ndarray[Any, Any]:
    return x.elements() if isinstance(x, DeviceArray) else np.asarray(x)


def _wide(x: Any, aval: ShapedArray) -> Any:
    """A NumPy array of 64 bits stays one where the function takes 64 bits."""
    if is_host_array(x) and x.dtype == aval.dtype and default(aval.dtype) != aval.dtype:
        return on_device(x, common_device((), "exported"), loose=True)
    return x


def _shown(structure: tree.TreeDef) -> str:
    args, kwargs = structure.children
    return f"{args}" if not kwargs.children else f"{args} and keywords {kwargs}"
