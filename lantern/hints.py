"""What annotations say of arrays: type expressions such as `Float[Batch, *L]` read into hints that can be compared."""
from __future__ import annotations

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import typing_extensions

from lantern.dtypes import DType
from lantern.trace.array import Array
from lantern.typing import Dim


@dataclass(frozen=True, slots=True)
class Named:
    """A size with a name: a Dim class, a TypeVar or a NewType. `size` is set for a Dim class of one size."""

    name: str
    key: object
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Exactly:
    """A literal size; several: one of them."""

    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AnySize:
    """A size that the annotation leaves open."""


@dataclass(frozen=True, slots=True)
class Pack:
    """Any number of sizes; with a name (a TypeVarTuple) the same ones throughout a call."""

    name: str = ""
    key: object = None


Size: TypeAlias = Named | Exactly | AnySize | Pack


@dataclass(frozen=True, slots=True)
class ElementType:
    """An element type: one dtype, a family (the class Floating, ...), or a TypeVar, the same throughout a call."""

    dtype: np.dtype[Any] | None
    family: type[DType] = DType
    name: str = ""
    key: object = None


@dataclass(frozen=True, slots=True)
class ArrayHint:
    """`Array[dtype, *sizes]`. At most one of the sizes is a Pack."""

    element: ElementType
    sizes: tuple[Size, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """`tuple[A, B]`: item by item; None is not checked."""

    items: tuple[Hint | None, ...]


@dataclass(frozen=True, slots=True)
class Each:
    """`list[A]`, `tuple[A, ...]`, `dict[str, A]`: all values alike."""

    value: Hint


@dataclass(frozen=True, slots=True)
class Fields:
    """A dataclass or named tuple (attributes), or a TypedDict (keys). Fields are read when needed: a class may contain
    itself. `arguments` are those of a generic class, by type parameter."""

    kind: type
    arguments: tuple[tuple[object, Any], ...]

    @property
    def hints(self) -> Mapping[str, Hint]:
        """The fields that say something of arrays."""
        return _fields(self.kind, self.arguments)


Hint: TypeAlias = ArrayHint | Items | Each | Fields
Arguments: TypeAlias = "Mapping[object, Any]"


class Unreadable(Exception):
    """An annotation that means something else."""


def hints_of(f: Any) -> tuple[dict[str, Hint], Hint | None]:
    """The hints of a function's parameters, by name, and of its result. What cannot be resolved is left out."""
    found = {n: h for n, a in _resolved(f).items() if (h := read(a, {})) is not None}
    result = found.pop("return", None)
    return found, result


def _resolved(f: Any) -> dict[str, Any]:
    """Annotations as objects. Names are looked up where the function was defined: its module and its closure."""
    try:
        names = inspect.getclosurevars(f).nonlocals
    except (TypeError, ValueError):
        names = {}
    try:
        return get_type_hints(f, localns={**names} or None)
    except Exception:   # one annotation cannot be resolved: take those that can
        found: dict[str, Any] = {}
        for name, annotation in _annotations(f).items():
            try:
                found[name] = eval(annotation, f.__globals__, {**names}) if isinstance(annotation, str) else annotation
            except Exception:
                continue
        return found


def _annotations(f: Any) -> Mapping[str, Any]:
    try:
        return f.__annotations__
    except Exception:   # Python 3.14 evaluates here
        return {}


def read(annotation: Any, arguments: Arguments) -> Hint | None:
    """The hint of one annotation; None if it says nothing of arrays."""
    try:
        return _read(annotation, arguments)
    except Unreadable:
        return None


def _read(annotation: Any, arguments: Arguments) -> Hint | None:
    if isinstance(annotation, typing_extensions.TypeAliasType):
        return _read(annotation.__value__, arguments)
    if isinstance(annotation, TypeVar):
        return _read(arguments[annotation], {}) if annotation in arguments else None
    origin, given = get_origin(annotation), get_args(annotation)
    if origin is typing.Annotated:
        return _read(given[0], arguments)
    if origin is Array:
        return ArrayHint(_element(given[0], arguments), tuple([s for a in given[1:] for s in _sizes(a, arguments)]))
    if origin in (typing.Union, types.UnionType):
        some = [a for a in given if a is not type(None)]
        return _read(some[0], arguments) if len(some) == 1 else None
    if origin is tuple and not (len(given) == 2 and given[1] is Ellipsis):
        items = tuple([read(a, arguments) for a in given])
        return Items(items) if any(i is not None for i in items) else None
    kind: Any = origin or annotation
    if not isinstance(kind, type):
        return None
    if given and issubclass(kind, (Sequence, Mapping)):
        each = read(given[1] if issubclass(kind, Mapping) else given[0], arguments)
        return None if each is None else Each(each)
    return _read_class(kind, given, arguments)


def _read_class(kind: Any, given: tuple[Any, ...], arguments: Arguments) -> Hint | None:
    if not (dataclasses.is_dataclass(kind) or typing_extensions.is_typeddict(kind) or _is_namedtuple(kind)):
        return None
    parameters: tuple[Any, ...] = getattr(kind, "__parameters__", ())
    if len(parameters) != len(given):
        given = (Any,) * len(parameters)
    found: Any = kind
    return Fields(found, tuple([(p, arguments.get(g, g)) for p, g in zip(parameters, given, strict=True)]))


def _is_namedtuple(kind: Any) -> bool:
    return hasattr(kind, "_fields") and issubclass(kind, tuple)


@functools.lru_cache(maxsize=1024)
def _fields(kind: type, arguments: tuple[tuple[object, Any], ...]) -> Mapping[str, Hint]:
    try:
        annotations = get_type_hints(kind)
    except Exception:
        annotations = {n: a for n, a in _annotations(kind).items() if not isinstance(a, str)}
    return {n: h for n, a in annotations.items() if (h := read(a, dict(arguments))) is not None}


def _element(marker: Any, arguments: Arguments) -> ElementType:
    marker = arguments.get(marker, marker)
    if isinstance(marker, TypeVar):
        bound = marker.__bound__
        family: type[DType] = bound if isinstance(bound, type) and issubclass(bound, DType) else DType
        return ElementType(None, family, marker.__name__, marker)
    if isinstance(marker, type) and issubclass(marker, DType):
        return ElementType(getattr(marker, "dtype", None), marker)
    return ElementType(None)


def _sizes(size: Any, arguments: Arguments) -> tuple[Size, ...]:
    """What stands at one place: usually one size, for `*tuple[A, B]` several."""
    if get_origin(size) in (typing.Unpack, typing_extensions.Unpack):
        size = get_args(size)[0]
    if isinstance(size, typing.TypeVarTuple):
        return (Pack(size.__name__, size),) if size not in arguments else (Pack(),)
    if get_origin(size) is tuple:
        inner = get_args(size)
        return (Pack(),) if inner[-1:] == (Ellipsis,) else tuple([s for a in inner for s in _sizes(a, arguments)])
    return (_size(arguments.get(size, size)),)


def _size(size: Any) -> Size:
    literals: tuple[Any, ...] = get_args(size) if get_origin(size) is typing.Literal else ()
    if literals:
        return Exactly(tuple([int(value) for value in literals]))
    if size is Any or size in (int, Dim):
        return AnySize()
    if isinstance(size, type) and issubclass(size, Dim):
        return Named(size.__name__, size, size.size)
    if isinstance(size, (TypeVar, typing.NewType)):
        return Named(size.__name__, size)
    raise Unreadable(f"{size} is no size")
