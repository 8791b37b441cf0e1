"""Annotations checked while tracing: `ShapeError: loss(w): dim Hidden was bound to 64 but is 65 here`.

A function whose parameters and result are annotated with `Float[Batch, Pixels]` and the like, or with containers of
these, is compared with what it is called with whenever a transform traces it; compiled calls cost nothing. What is not
annotated, and an annotation that says nothing of arrays or cannot be resolved, is not checked.
"""
from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from lantern import config
from lantern.dtypes import (
    F32,
    F64,
    I32,
    I64,
    DType,
    Floating,
    Integer,
    default,
    is_float,
    is_integer,
    python_dtype,
    short_name,
)
from lantern.errors import ShapeError
from lantern.hints import ArrayHint, Each, ElementType, Exactly, Fields, Hint, Items, Named, Pack, Size, hints_of
from lantern.source import user_source
from lantern.trace.array import Array
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import typeof

P = ParamSpec("P")
R = TypeVar("R")
NumpyDType: TypeAlias = "np.dtype[Any]"
AxisNames: TypeAlias = dict[str, tuple[str, ...]]


class Bound:
    """What one call has settled so far: sizes, runs of sizes and dtypes, each with the place where it was settled; and
    the names of the axes of each leaf."""

    def __init__(self, function: str) -> None:
        self.function = function
        self.sizes: dict[object, tuple[int, str]] = {}
        self.packs: dict[object, tuple[tuple[int, ...], str]] = {}
        self.dtypes: dict[object, tuple[NumpyDType, str]] = {}
        self.names: AxisNames = {}


@dataclass(frozen=True, slots=True)
class Contract:
    """What a function's annotations say."""

    name: str
    signature: inspect.Signature
    parameters: Mapping[str, Hint]
    result: Hint | None

    def check_arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Bound:
        """Compare arguments with their annotations. What does not fit the signature is left to the call itself.

        Raises ShapeError.
        """
        bound = Bound(self.name)
        try:
            given = self.signature.bind(*args, **kwargs).arguments
        except TypeError:
            return bound
        for name, value in given.items():
            if name in self.parameters:
                _compare(bound, self.parameters[name], value, name)
        return bound

    def check_result(self, bound: Bound, result: Any) -> None:
        """Compare what the function returned with its annotation. Raises ShapeError."""
        if self.result is not None:
            _compare(bound, self.result, result, "return")


def call(f: Callable[..., R], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> R:
    """`f(*args, **kwargs)`, with arguments and result compared with f's annotations.

    Raises ShapeError, `loss(w): dim Hidden was bound to 64 but is 65 here`, with what was wanted, what came, and where
    the size had been settled.

    >>> call(abs, (-2,), {})
    2
    """
    contract, leading, named = _contract_of(f)
    if contract is None:
        return f(*args, **kwargs)
    bound = contract.check_arguments((*leading, *args), {**named, **kwargs})
    result = f(*args, **kwargs)
    contract.check_result(bound, result)
    return result


def typed(f: Callable[P, R]) -> Callable[P, R]:
    """f, with its annotations checked at every call; for functions outside jit, grad and vmap, which check anyway.

    Raises TypeError at the first call if there is no annotation that speaks of arrays, or if one names what cannot be
    found; ShapeError at a call that does not fit.

    >>> import lantern.numpy as jnp
    >>> from lantern.typing import Dim, Float
    >>> class Width(Dim): ...
    >>> @typed
    ... def dot(x: Float[Width], y: Float[Width]) -> Float[()]:
    ...     return (x * y).sum()
    >>> dot(jnp.ones(3), jnp.ones(4))
    Traceback (most recent call last):
        ...
    lantern.errors.ShapeError: dot(y): dim Width was bound to 3 but is 4 here: wanted f32[Width], got f32[4], at ...
    """
    @functools.wraps(f)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        contract, _, _ = _contract_of(f)
        if contract is None:
            raise TypeError(f"typed: {f!r} has no annotation of arrays that can be read here. Annotate it with "
                            "lantern.typing (classes of sizes outside of functions), or leave `typed` out")
        return call(f, args, kwargs)

    return checked


def dim_names(f: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> AxisNames:
    """The axes of each annotated leaf of the arguments, by its path; sizes without a name are numbers.

    Raises ShapeError as `call` does.

    >>> from lantern.typing import Dim, Float
    >>> class Batch(Dim): ...
    >>> def loss(x: Float[Batch, Any]) -> Float[()]: ...
    >>> dim_names(loss, (np.zeros((8, 3), "float32"),), {})
    {'x': ('Batch', '3')}
    """
    contract, leading, named = _contract_of(f)
    return contract.check_arguments((*leading, *args), {**named, **kwargs}).names if contract is not None else {}


_contracts: WeakKeyDictionary[Any, Contract | None] = WeakKeyDictionary()


def _contract_of(f: Any) -> tuple[Contract | None, tuple[Any, ...], Mapping[str, Any]]:
    """The contract of f, with the arguments that f adds: `self` of a method, those of a partial."""
    match f:
        case types.FunctionType():
            return _contract(f), (), {}
        case types.MethodType():
            return _contract(f.__func__), (f.__self__,), {}
        case functools.partial() if "__wrapped__" not in vars(f):   # pyright: ignore[reportUnknownArgumentType]
            contract, leading, named = _contract_of(f.func)
            return contract, (*leading, *f.args), {**named, **f.keywords}
        case _:
            method = f.__call__
            plain = isinstance(method, types.MethodType) and not hasattr(f, "__wrapped__")
            return _contract_of(method) if plain else (None, (), {})


def _contract(f: Any) -> Contract | None:
    """From the cache, or read now. A wrapper has the annotations of what it wraps, which need not be true of itself
    (vmap adds axes), so it has no contract."""
    if hasattr(f, "__wrapped__") or not hasattr(f, "__code__"):
        return None
    if f not in _contracts:
        parameters, result = hints_of(f)
        said = bool(parameters) or result is not None
        name = f.__qualname__.rpartition("<locals>.")[2].removesuffix(".__call__")
        _contracts[f] = Contract(name, inspect.signature(f), parameters, result) if said else None
    return _contracts[f]


def _compare(bound: Bound, hint: Hint, value: Any, path: str) -> None:
    """One value with one hint; containers go down. A value of another kind than the hint is not judged here."""
    if isinstance(hint, ArrayHint):
        aval = _aval(value)
        if aval is not None:
            _compare_array(bound, hint, aval, path)
        return
    for inner, item, name in _parts(hint, value):
        _compare(bound, inner, item, path + name)


def _parts(hint: Items | Each | Fields, value: Any) -> Iterator[tuple[Hint, Any, str]]:
    """The parts of a container that have hints, with what their path ends in."""
    listed, mapped = isinstance(value, (tuple, list)), isinstance(value, Mapping)
    match hint:
        case Items(items) if listed and len(value) == len(items):
            yield from [(h, v, f"[{i}]") for i, (h, v) in enumerate(zip(items, value, strict=True)) if h is not None]
        case Each(inner) if listed or mapped:
            entries = value.items() if mapped else enumerate(value)
            yield from [(inner, v, f"[{key!r}]") for key, v in entries]
        case Fields() if mapped:
            yield from [(h, value[name], f"[{name!r}]") for name, h in hint.hints.items() if name in value]
        case Fields(kind) if isinstance(value, kind):
            yield from [(h, getattr(value, name), f".{name}") for name, h in hint.hints.items() if hasattr(value, name)]
        case _:
            return


def _aval(x: Any) -> ShapedArray | None:
    """Shape and dtype of what is an array or becomes one; None for anything else."""
    if isinstance(x, (bool, int, float)):
        kind = bool if isinstance(x, bool) else int if isinstance(x, int) else float
        return shaped((), python_dtype(kind), kind is not bool)
    try:
        aval = typeof(x)
    except TypeError:
        return None
    return aval if isinstance(x, Array) else shaped(aval.shape, default(aval.dtype), aval.weak)


def _compare_array(bound: Bound, hint: ArrayHint, aval: ShapedArray, path: str) -> None:
    def fail(what: str, origin: str = "") -> ShapeError:
        source = user_source()
        line = f", at {source}" if source is not None else ""
        return ShapeError(f"{bound.function}({path}): {what}: wanted {_written(hint)}, got {aval}{line}{origin}")

    _compare_dtype(bound, hint.element, aval, path, fail)
    places = _aligned(hint.sizes, aval.shape)
    if places is None:
        least = len([s for s in hint.sizes if not isinstance(s, Pack)])
        wanted = f"at least {least}" if least < len(hint.sizes) else f"{least}"
        raise fail(f"wanted rank {wanted} but it is {aval.ndim}")
    names: list[str] = []
    for size, found in places:
        if isinstance(size, Pack):
            _compare_pack(bound, size, found, path, fail)
        else:
            _compare_size(bound, size, found[0], path, fail)
        names += [size.name] if isinstance(size, Named) else map(str, found)
    bound.names[path] = tuple(names)


def _aligned(sizes: tuple[Size, ...], shape: tuple[int, ...]) -> list[tuple[Size, tuple[int, ...]]] | None:
    """Each size of the hint with the axes that it speaks of; None if the rank does not fit."""
    at = next((i for i, s in enumerate(sizes) if isinstance(s, Pack)), None)
    if at is None:
        return [(s, (n,)) for s, n in zip(sizes, shape, strict=True)] if len(sizes) == len(shape) else None
    after = len(sizes) - at - 1
    if len(shape) < at + after:
        return None
    end = len(shape) - after
    return [*[(s, (n,)) for s, n in zip(sizes[:at], shape, strict=False)], (sizes[at], shape[at:end]),
            *[(s, (n,)) for s, n in zip(sizes[at + 1:], shape[end:], strict=True)]]


Fail = Callable[..., ShapeError]


def _compare_size(bound: Bound, size: Size, found: int, path: str, fail: Fail) -> None:
    match size:
        case Exactly(sizes):
            if found not in sizes:
                raise fail(f"a size must be {' or '.join(map(str, sizes))} but is {found} here")
        case Named(name, key, fixed):
            if fixed is not None and found != fixed:
                raise fail(f"dim {name} has size {fixed} but is {found} here")
            known, where = bound.sizes.setdefault(key, (found, path))
            if known != found:
                raise fail(f"dim {name} was bound to {known} but is {found} here", f". {name} was bound by `{where}`")
        case _:
            return


def _compare_pack(bound: Bound, pack: Pack, found: tuple[int, ...], path: str, fail: Fail) -> None:
    if pack.key is not None:
        known, where = bound.packs.setdefault(pack.key, (found, path))
        if known != found:
            raise fail(f"dims *{pack.name} were bound to {known} but are {found} here",
                       f". *{pack.name} was bound by `{where}`")


def _compare_dtype(bound: Bound, element: ElementType, aval: ShapedArray, path: str, fail: Fail) -> None:
    if not _in_family(element.family, aval) or not _same(element.dtype, aval):
        wanted = short_name(element.dtype) if element.dtype is not None else element.family.__name__
        raise fail(f"the dtype must be {wanted} but is {short_name(aval.dtype)} here")
    if element.key is not None and not aval.weak:
        known, where = bound.dtypes.setdefault(element.key, (aval.dtype, path))
        if known != aval.dtype:
            raise fail(f"dtype {element.name} was bound to {short_name(known)} but is {short_name(aval.dtype)} here",
                       f". {element.name} was bound by `{where}`")


def _in_family(family: type[DType], aval: ShapedArray) -> bool:
    if issubclass(family, Floating):
        return is_float(aval.dtype) or aval.weak
    return not issubclass(family, Integer) or is_integer(aval.dtype)


def _same(wanted: NumpyDType | None, aval: ShapedArray) -> bool:
    """Whether the dtype is the wanted one. A Python number adopts what it meets, unless it would lose its fraction; in
    x64 mode the 64-bit type stands in for the 32-bit one."""
    if wanted is None or wanted == aval.dtype:
        return True
    if aval.weak:
        return is_float(wanted) or (is_integer(wanted) and not is_float(aval.dtype))
    return config.flags.enable_x64 and (wanted, aval.dtype) in ((F32, F64), (I32, I64))


def _element_name(element: ElementType) -> str:
    if element.dtype is not None:
        return short_name(element.dtype)
    return element.name or ("_" if element.family is DType else element.family.__name__)


def _written(hint: ArrayHint) -> str:
    """As an aval prints, with names: `f32[Batch,64]`."""
    return f"{_element_name(hint.element)}[{','.join(map(_size_name, hint.sizes))}]"


def _size_name(size: Size) -> str:
    match size:
        case Named(name):
            return name
        case Exactly(sizes):
            return "|".join(map(str, sizes))
        case Pack(name):
            return f"*{name}" if name else "..."
        case _:
            return "_"
