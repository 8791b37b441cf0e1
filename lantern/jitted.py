"""`jit`: traced once for each kind of arguments, compiled once for each device, then called without tracing."""
from __future__ import annotations

import inspect
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial, update_wrapper
from typing import Any, Concatenate, Generic, NoReturn, ParamSpec, TypeVar, overload

from lantern import config, recompiles, tree
from lantern.annotations import call as call_checked
from lantern.backends.array import DeviceArray
from lantern.backends.base import Device
from lantern.caches import BoundedCache
from lantern.devices import DeviceLike, brought_together, common_device, current_device, find_device, on_device
from lantern.errors import ArgumentError, DonatedArrayError
from lantern.flat import Flat, Function, ShapeDtypeStruct, argument_names, as_values, name_of, stand_in
from lantern.source import user_source
from lantern.stages import Compiled, Lowered, Runnable, Traced, compile_jaxpr
from lantern.trace import context
from lantern.trace.aval import ShapedArray
from lantern.trace.context import axes_in_scope, bind
from lantern.trace.jaxpr import param_key
from lantern.trace.staging import Tracer
from lantern.tracebacks import boundary
from lantern.transforms.jit import jit_p
from lantern.transforms.late import follow_program, reuse_is_checked, settle
from lantern.transforms.physical import has_keys

P = ParamSpec("P")
R = TypeVar("R")
Rest = ParamSpec("Rest")
T = TypeVar("T")


@dataclass(slots=True)
class Entry:
    """One kind of call: its trace and, once it ran outside any trace, its program and the captured arrays' memory."""

    traced: Traced
    compiled: Runnable | None = None
    captured: tuple[DeviceArray, ...] = ()
    placed: bool = False        # whether the function or an array that it captured is bound to a device
    follows: bool = False       # whether its keys are checked for reuse, at each call


class _Static:
    """A static argument in a cache key: by type and value, floats by their bits."""

    __slots__ = ("key", "value")

    def __init__(self, value: Any) -> None:
        self.value, self.key = value, param_key(value)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Static) and self.key == other.key

    def __repr__(self) -> str:
        return repr(self.value)


class Jitted(Generic[P, R]):
    """What `jit` returns. Called like the function; `trace(...)`, `lower(...)` show the stages; `n_compiles` counts."""

    def __init__(self, f: Callable[P, R], static_argnums: Sequence[int], static_argnames: Sequence[str],
                 donate_argnums: Sequence[int], device: Device | None, max_compiles: int | None) -> None:
        self.f, self.device, self.n_compiles, self.max_compiles = f, device, 0, max_compiles
        self.donate = _donated_positions(f, donate_argnums)
        self.static = _static_names(f, static_argnums, static_argnames)
        self.signature = inspect.signature(f) if self.static else None
        self.cache: BoundedCache[Any, Entry] = BoundedCache(512)
        self.kinds: deque[recompiles.Kind] = deque(maxlen=max_compiles or 1)      # what was traced, newest last
        update_wrapper(self, f, updated=())
        self.__name__ = f"jit({name_of(f)})"

    @overload
    def __get__(self, instance: None, owner: Any = None) -> Jitted[P, R]: ...
    @overload
    def __get__(self: Jitted[Concatenate[T, Rest], R], instance: T, owner: Any = None) -> Callable[Rest, R]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else partial(self, instance)

    def __repr__(self) -> str:
        return f"<{self.__name__}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self.__name__} is a compiled function and does not pickle; "
                        "pickle the plain function and jit it again")

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run, tracing and compiling if this kind of arguments is new."""
        if context.current() is context.EAGER:
            fast = None if self.static or self.donate else self._fast(args, kwargs)
            return fast[0] if fast is not None else self._call(args, kwargs)
        return self._inside(args, kwargs)

    def _fast(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any] | None:
        """The cached call with arrays, or trees of them, as arguments: one dictionary look-up. None: the long way."""
        leaves, structure = _leaves(args, kwargs)
        avals: list[ShapedArray] = []
        device, loose = None, True
        for a in leaves:
            if type(a) is not DeviceArray or a.donated_to is not None:
                return None
            if device is None:
                device = a.device
            elif a.device is not device:
                return None
            avals.append(a.aval)
            loose = loose and a.loose
        if device is None or (self.device is not None and device is not self.device):
            return None
        entry = self.cache.get((structure, tuple(avals), (), device, _environment()))
        if entry is None or entry.compiled is None or entry.follows:
            return None
        if any([c.donated_to is not None for c in entry.captured]):
            return None
        compiled = entry.compiled
        outs = compiled.executable([*[c.buffer for c in entry.captured], *[a.buffer for a in leaves]])
        loose = loose and not entry.placed
        results = [DeviceArray(v, b, device, loose) for v, b in zip(compiled.out_avals, outs, strict=True)]
        out_tree = entry.traced.out_tree
        return (results[0] if out_tree is tree.LEAF else tree.unflatten(out_tree, results),)

    @boundary
    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Outside any trace: compile if needed, run."""
        if config.jit_disabled():
            return call_checked(self.f, args, kwargs)
        flat, statics = self._flat(args, kwargs)
        device = self.device or common_device(flat.leaves, flat.title)
        key = (_tree_key(flat), tuple(flat.avals), statics, device, _environment())
        entry = self.cache.get(key) or self.cache.put(key, self._new(key, flat, statics, device))
        traced = entry.traced
        if entry.compiled is None:
            together = brought_together([*traced.captured, *flat.leaves], flat.title, device)
            captured = tuple([on_device(x, device, loose=True) for x in together[:len(traced.captured)]])
            entry.placed = self.device is not None or not all([x.loose for x in captured])
            entry.follows = reuse_is_checked() and has_keys(traced.jaxpr)
            entry.captured, entry.compiled = captured, compile_jaxpr(traced.jaxpr, device, traced.donated, traced.name)
        return self._execute(entry.compiled, traced, entry.captured, flat.leaves, lambda: flat.names, entry.placed)

    def _execute(self, run: Runnable, traced: Traced, captured: Sequence[DeviceArray], leaves: Sequence[Any],
                 names: Callable[[], Sequence[str]], placed: bool) -> Any:
        """Run a program on arrays of its device, and put the results together."""
        for x in captured:
            x.check_alive()
        known = follow_program(traced.jaxpr, [*traced.captured, *leaves]) if reuse_is_checked() else ()
        if traced.donated:
            self._check_donation(leaves, names, traced)
        try:
            outs = run.executable([*[c.buffer for c in captured], *[x.buffer for x in leaves]])
        finally:        # a call that was interrupted may have overwritten them, too
            for i in traced.donated:
                leaves[i - len(traced.captured)].donate(self.__name__)
        loose = not placed and all([x.loose for x in leaves])
        results = [DeviceArray(v, b, run.device, loose) for v, b in zip(run.out_avals, outs, strict=True)]
        if known:
            settle(results, known)
        return tree.unflatten(traced.out_tree, results)

    @boundary
    def _call_compiled(self, compiled: Compiled, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A compiled function's call: nothing is traced, so everything is checked."""
        traced, title, device = compiled.traced, f"compiled {name_of(self.f)}", compiled.device
        if self.signature is not None:
            dynamic = [n for n in self.signature.parameters if n not in self.static]
            if len(args) > len(dynamic):
                raise ArgumentError(f"{title}: wanted at most {len(dynamic)} arguments ({', '.join(dynamic)}), got "
                                    f"{len(args)}, at {user_source()}. Static arguments were given to lower(...)")
            args, kwargs = (), {**dict(zip(dynamic, args, strict=False)), **kwargs}
        leaves, structure = tree.flatten((args, kwargs))
        if structure is not traced.in_tree:
            raise ArgumentError(f"{title}: it was compiled for arguments of the structure {traced.in_tree}, got "
                                f"{structure}, at {user_source()}. Lower the function for this structure, or call jit")
        def names() -> Sequence[str]:
            return argument_names(self.f, args, kwargs)

        values: Sequence[Any] = leaves
        if not all([type(x) is DeviceArray and x.device is device and x.donated_to is None and x.aval == wanted
                    for x, wanted in zip(leaves, compiled.in_avals, strict=True)]):
            values = self._arguments_of(compiled, leaves, names, title)
        placed = self.device is not None
        return self._execute(compiled.runnable, traced, compiled.captured, values, names, placed)

    def _arguments_of(self, compiled: Compiled, leaves: Sequence[Any], names: Callable[[], Sequence[str]],
                      title: str) -> Sequence[Any]:
        """The leaves as arrays of the types and on the device that a function was compiled for."""
        if any([isinstance(x, Tracer) for x in leaves]):
            raise TypeError(f"{title}: a compiled function cannot be transformed, at {user_source()}. Call the jitted "
                            "function inside jit, grad and vmap")
        values = as_values(leaves, names, title, compiled.device)
        for k, (x, wanted) in enumerate(zip(values, compiled.in_avals, strict=True)):
            if (x.aval.shape, x.aval.dtype) != (wanted.shape, wanted.dtype):
                raise ArgumentError(f"{title}: argument `{names()[k]}` must be {wanted.strong()}, got "
                                    f"{x.aval.strong()}, at {user_source()}. Convert it, or lower the function for "
                                    "this type")
        return values

    @boundary
    def _inside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Inside a trace: one equation. A trace that captured a tracer holds for this call only."""
        if config.jit_disabled():
            return call_checked(self.f, args, kwargs)
        flat, statics = self._flat(args, kwargs)
        key = (_tree_key(flat), tuple(flat.avals), statics, None, _environment())
        entry = self.cache.get(key)
        if entry is None:
            entry = self._new(key, flat, statics, self.device or current_device())
            if not any(isinstance(x, Tracer) for x in entry.traced.captured):
                self.cache.put(key, entry)
        traced = entry.traced
        outs = bind(jit_p, *traced.captured, *flat.leaves, jaxpr=traced.jaxpr, name=traced.name)
        return tree.unflatten(traced.out_tree, outs)

    def _flat(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Flat, tuple[Any, ...]]:
        """The traced arguments as leaves, and the static ones for the key."""
        if self.signature is None:
            return Flat(self.f, args, kwargs, "jit", self.device), ()
        bound = self.signature.bind(*args, **kwargs)
        defaults = self.signature.parameters      # of the others too, but those stay Python's: f may branch on them
        statics = {n: bound.arguments[n] if n in bound.arguments else defaults[n].default for n in self.static}
        for name, value in statics.items():
            _check_hashable(self.__name__, name, value)
        traced = {n: v for n, v in bound.arguments.items() if n not in statics}
        f = partial(_call_bound, self.f, self.signature, statics)
        update_wrapper(f, self.f)
        return Flat(f, (), traced, "jit", self.device), tuple([(n, _Static(v)) for n, v in statics.items()])

    def _new(self, key: Any, flat: Flat, statics: tuple[Any, ...], device: Device) -> Entry:
        """A call of a new kind. Raises RecompileError if the budget is spent (calls inside traces have their own)."""
        if self.max_compiles is not None:
            like = [k for k in list(self.cache.entries) if (k[3] is None) == (key[3] is None)]
            if len(like) >= self.max_compiles:
                raise recompiles.over_budget(self.__name__, self.max_compiles, self.kinds, _kind(flat, statics, device))
        recompiles.check_allowed(self.__name__, self.kinds, _kind(flat, statics, device))
        return self._trace(flat, statics, device)

    def _trace(self, flat: Flat, statics: tuple[Any, ...], device: Device) -> Entry:
        t = flat.trace(None, stage_all=True)
        self.n_compiles += 1
        kind = _kind(flat, statics, device)
        recompiles.record(self.__name__, self.kinds[-1] if self.kinds else None, kind)
        self.kinds.append(kind)
        donated = frozenset([len(t.captured) + i for i in self._donated_leaves(flat)])
        return Entry(Traced(t.jaxpr, flat.treedef, flat.out_tree, flat.name, tuple(t.captured), device, donated))

    def _donated_leaves(self, flat: Flat) -> list[int]:
        """Positions among the leaves of those that belong to donated arguments."""
        args, kwargs = tree.unflatten(flat.treedef, range(len(flat.leaves)))
        if self.signature:
            names = list(self.signature.parameters)
            return sorted(tree.leaves([kwargs[names[i]] for i in self.donate if names[i] in kwargs]))
        given = range(-len(args), len(args))    # what is given by keyword is not donated, as in JAX
        return sorted(tree.leaves([args[i] for i in self.donate if i in given]))

    def _check_donation(self, leaves: Sequence[Any], names: Callable[[], Sequence[str]], traced: Traced) -> None:
        shift = len(traced.captured)
        ids = [id(x.buffer) for x in leaves]
        for i in traced.donated:
            if ids.count(ids[i - shift]) > 1:
                raise DonatedArrayError(
                    f"{self.__name__}: the array given as `{names()[i - shift]}` is donated and given a second "
                    "time in the same call. Pass a copy: lantern.device_put(numpy.asarray(x))")

    def trace(self, *args: P.args, **kwargs: P.kwargs) -> Traced:
        """The first stage for these arguments, arrays or ShapeDtypeStructs: `.jaxpr`, then `.lower()`."""
        given, named = tree.map(stand_in, (args, kwargs))
        flat, statics = self._flat(given, named)
        traced = self._trace(flat, statics, self.device or common_device(flat.leaves, flat.title)).traced
        return replace(traced, caller=self._call_compiled)

    def lower(self, *args: P.args, **kwargs: P.kwargs) -> Lowered:
        """The second stage for these arguments, arrays or ShapeDtypeStructs: `.as_text()`, `.cost_analysis()`,
        `.kernels`, then `.compile()`, which gives a function that never traces."""
        return self.trace(*args, **kwargs).lower()

    def eval_shape(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """The shapes and dtypes of the results, a tree of ShapeDtypeStructs, for arrays or ShapeDtypeStructs."""
        traced = self.trace(*args, **kwargs)
        return tree.unflatten(traced.out_tree, [ShapeDtypeStruct(a.shape, a.dtype) for a in traced.out_avals])

    @property
    def cache_size(self) -> int:
        """How many kinds of calls are remembered."""
        return len(self.cache.entries)

    def clear_cache(self) -> None:
        """Forget this function's traces."""
        self.cache.entries.clear()


def _environment() -> tuple[Any, ...]:
    """What else a trace depends on."""
    return config.flags.enable_x64, axes_in_scope(), config.mode()


def _kind(flat: Flat, statics: tuple[Any, ...], device: Device) -> recompiles.Kind:
    types = tuple(zip(flat.names, [str(a) for a in flat.avals], strict=True))
    values = tuple([(n, repr(v)) for n, v in statics])
    return recompiles.Kind(types, str(flat.treedef), values, str(device), _environment())


def _leaves(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Sequence[Any], Any]:
    """The leaves and what `_tree_key` says of them; plain arrays are not flattened."""
    if not kwargs:
        for a in args:
            if type(a) is not DeviceArray:
                break
        else:
            return args, len(args)
    try:
        return tree.flatten((args, kwargs))
    except ArgumentError:       # the long way raises it again, with a traceback for the user
        return (None,), None


def _tree_key(flat: Flat) -> Any:
    """The structure of the arguments; for plain arrays their number, which the fast path knows without flattening."""
    args, kwargs = flat.treedef.children
    plain = kwargs.num_leaves == 0 and all([c is tree.LEAF for c in args.children])
    return len(args.children) if plain else flat.treedef


def _call_bound(f: Function, signature: inspect.Signature, statics: dict[str, Any], **traced: Any) -> Any:
    given = statics | traced
    bound = inspect.BoundArguments(signature, OrderedDict((n, given[n]) for n in signature.parameters if n in given))
    return call_checked(f, bound.args, bound.kwargs)


def _static_names(f: Function, argnums: Sequence[int], argnames: Iterable[str]) -> tuple[str, ...]:
    if not argnums and not argnames:
        return ()
    parameters = list(inspect.signature(f).parameters)
    for n in argnames:
        if n not in parameters:
            raise ArgumentError(
                f"jit({name_of(f)}): static_argnames names {n!r}; the parameters are {', '.join(parameters)}")
    for i in argnums:
        if not -len(parameters) <= i < len(parameters):
            raise ArgumentError(
                f"jit({name_of(f)}): static_argnums={i} is out of range for the parameters {', '.join(parameters)}")
    return tuple(dict.fromkeys([*[parameters[i] for i in argnums], *argnames]))


def _donated_positions(f: Function, argnums: Sequence[int]) -> frozenset[int]:
    if not argnums:
        return frozenset()
    parameters = inspect.signature(f).parameters
    count = len(parameters)
    for i in argnums:
        if not -count <= i < count and all(p.kind is not p.VAR_POSITIONAL for p in parameters.values()):
            raise ArgumentError(f"jit({name_of(f)}): donate_argnums={i} is out of range for the parameters "
                                f"{', '.join(parameters)}")
    return frozenset(argnums)


def _check_hashable(title: str, name: str, value: Any) -> None:
    try:
        hash(value)
    except TypeError:
        raise ArgumentError(
            f"{title}: the static argument `{name}` must be hashable, got {value!r} of type {type(value).__name__}. "
            "Pass a tuple instead of a list, or let it be traced") from None


def _sequence(x: int | str | Sequence[Any]) -> Sequence[Any]:
    return (x,) if isinstance(x, (int, str)) else tuple(x)


@overload
def jit(f: Callable[P, R], *, static_argnums: int | Sequence[int] = (), static_argnames: str | Sequence[str] = (),
        donate_argnums: int | Sequence[int] = (), device: DeviceLike | None = None,
        max_compiles: int | None = None) -> Jitted[P, R]: ...
@overload
def jit(*, static_argnums: int | Sequence[int] = (), static_argnames: str | Sequence[str] = (),
        donate_argnums: int | Sequence[int] = (), device: DeviceLike | None = None, max_compiles: int | None = None,
        ) -> Callable[[Callable[P, R]], Jitted[P, R]]: ...
def jit(f: Function | None = None, *, static_argnums: int | Sequence[int] = (),
        static_argnames: str | Sequence[str] = (), donate_argnums: int | Sequence[int] = (),
        device: DeviceLike | None = None, max_compiles: int | None = None) -> Any:
    """f compiled: traced once for each kind of arguments (structure, shapes, dtypes), fused, and run as one program.

    Static arguments are Python values that the trace may branch on; each new value compiles again. Donated arguments
    give their memory to the call. `device` is where NumPy and Python arguments go. Also a decorator, with or without
    options.

    Raises UnknownValueError where Python needs the value of a traced argument, ArgumentError for static arguments that
    cannot be hashed, RecompileError, with what differs, for the call that would compile program `max_compiles` + 1.

    >>> @jit
    ... def double(x):
    ...     return x * 2.0
    >>> float(double(3.0)), double.n_compiles
    (6.0, 1)
    """
    nums, names, donate = _sequence(static_argnums), _sequence(static_argnames), _sequence(donate_argnums)
    place = None if device is None else find_device(device)
    if max_compiles is not None and (type(max_compiles) is not int or max_compiles < 1):
        raise ArgumentError(f"jit: max_compiles must be a positive int or None, got {max_compiles!r}")
    if f is None:
        return partial(Jitted, static_argnums=nums, static_argnames=names, donate_argnums=donate, device=place,
                       max_compiles=max_compiles)
    if not callable(f):
        raise TypeError(f"jit: wanted a function, got {f!r}")
    return Jitted(f, nums, names, donate, place, max_compiles)
