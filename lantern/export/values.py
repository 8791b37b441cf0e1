"""Parameters of equations in files: a closed set of tagged values. Nothing in a file names Python code.

    null, true, 3, "text"        themselves                  {"f64": "<bits>"}            a Python float
    [...]                        a tuple                     {"c128": "<bits>"}           a Python complex
    {"dtype": "f32"}             a dtype                     {"set": [...]}               a frozenset
    {"aval": 4}                  a type, by its number       {"number": ["f32", "<bits>"]}  a NumPy scalar
    {"jaxpr": 2}                 a program, by its number    {"const": ["f32", "<bits>"]}   a constant of a kernel
    {"array": [1, 4]}            an array and its type       {"enum": ["ReduceOp", "sum"]}  a member of an enum below
    {"data": ["Names", {...}]}   a dataclass below           {"policy": "dots_saveable"}    what checkpoint saves
    {"wgsl": {...}}              a kernel in WGSL: its text, for the kernel of this name that the process has made
"""
from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import fields
from enum import Enum
from typing import Any, cast

import numpy as np

from lantern import checkpoint_policies
from lantern.dtypes import KEY, SHORT_NAMES
from lantern.errors import ExportError
from lantern.export.rules import NotExported, TracedBackward, TracedForward, TracedJvp, TracedTangents
from lantern.extend.wgsl import WgslDefinition, kernel_called
from lantern.lower.expr import Const, ReduceOp, ScalarOp
from lantern.lower.kernel import Dot
from lantern.ops.conv import Letters, Window
from lantern.ops.patches import Slide
from lantern.trace.jaxpr import Literal
from lantern.transforms.custom import OfOutputs
from lantern.transforms.remat import Names, Policy

ENUMS: dict[str, type[Enum]] = {kind.__name__: kind for kind in (ReduceOp, ScalarOp)}
DATACLASSES: dict[str, type[Any]] = {kind.__name__: kind for kind in (
    Dot, Letters, Names, NotExported, OfOutputs, Slide, TracedBackward, TracedForward, TracedJvp, TracedTangents,
    Window)}
POLICIES: dict[str, Policy] = {f.__name__: f for f in (
    checkpoint_policies.nothing_saveable, checkpoint_policies.everything_saveable, checkpoint_policies.dots_saveable,
    checkpoint_policies.dots_with_no_batch_dims_saveable)}
DTYPES = {name: dtype for dtype, name in SHORT_NAMES.items()}
TYPES = {**DTYPES, str(KEY): KEY}       # of arrays: random keys are no numbers
LARGEST = 2 ** 63
KERNEL = ("inputs", "outputs", "body", "header", "workgroup_size")

Encode = Callable[[Any], Any]
Wrong = Callable[[str], ExportError]


def simple(value: Any, again: Encode) -> Any:
    """What needs no table: the JSON of a value, whose parts `again` writes. Raises ExportError for what has none."""
    match value:
        case Enum() if type(value).__name__ in ENUMS:
            return {"enum": [type(value).__name__, value.value]}
        case np.dtype():
            return {"dtype": SHORT_NAMES[cast("np.dtype[Any]", value)]}
        case _ if value is KEY:
            return {"dtype": str(KEY)}
        case Const(dtype, bits):
            return {"const": [SHORT_NAMES[dtype], f"{bits:x}"]}
        case np.generic():
            return {"number": number(cast("np.generic[Any]", value))}
        case None | bool():
            return value
        case str() if type(value) is str:       # of a subclass the class would be lost
            return value
        case int():
            if not -LARGEST < value < LARGEST:
                raise ExportError(f"export: the integer {value} of a parameter is too large")
            return int(value)
        case float():
            return {"f64": struct.pack("<d", value).hex()}
        case complex():
            return {"c128": struct.pack("<dd", value.real, value.imag).hex()}
        case tuple() if type(cast(object, value)) is tuple:
            return [again(v) for v in cast("tuple[Any, ...]", value)]
        case frozenset():
            return {"set": sorted([again(v) for v in cast("frozenset[Any]", value)], key=repr)}
        case WgslDefinition():
            return {"wgsl": {"name": value.name, **{k: again(getattr(value.kernel, k)) for k in KERNEL}}}
        case _:
            if type(value).__name__ in DATACLASSES and type(value) is DATACLASSES[type(value).__name__]:
                parts = {f.name: again(getattr(value, f.name)) for f in fields(value)}
                return {"data": [type(value).__name__, parts]}
            raise ExportError(f"{value!r} of type {type(value).__name__} has no place in a file")


def policy(value: Any) -> Any:
    """What `checkpoint` saves: by name, or by the names of values; a function of the user's is left behind."""
    if isinstance(value, Names):
        return None
    name = next((n for n, f in POLICIES.items() if f is value), "nothing_saveable")
    return {"policy": name}


def number(value: np.generic[Any]) -> list[Any]:
    """A NumPy scalar by its type and bits."""
    return [SHORT_NAMES[value.dtype], value.tobytes().hex()]


def read_number(data: Any, wrong: Wrong) -> Any:
    """The NumPy scalar again."""
    match data:
        case [str(name), str(text)] if name in DTYPES:
            bits, dtype = _bits(text, wrong), DTYPES[name]
            if len(bits) == dtype.itemsize:
                return np.frombuffer(bits, dtype)[0]
        case _:
            pass
    raise wrong(f"a number is not understood: {data!r:.80}")


def _bits(text: str, wrong: Wrong) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise wrong(f"{text!r:.80} is no hexadecimal number") from None


def read_simple(data: Any, again: Encode, wrong: Wrong) -> Any:
    """The value that `simple` or `policy` wrote."""
    match data:
        case None | bool() | str() | int():
            return data
        case list():
            return tuple([again(v) for v in cast("list[Any]", data)])
        case {"f64": str(text)} if len(text) == 16:
            return struct.unpack("<d", _bits(text, wrong))[0]
        case {"c128": str(text)} if len(text) == 32:
            return complex(*struct.unpack("<dd", _bits(text, wrong)))
        case {"dtype": str(name)} if name in TYPES:
            return TYPES[name]
        case {"number": found}:
            return read_number(found, wrong)
        case {"const": [str(name), str(text)]} if name in DTYPES and len(text) <= 2 * DTYPES[name].itemsize:
            return Const(DTYPES[name], int(text, 16))
        case {"set": list(parts)}:      # pyright: ignore[reportUnknownVariableType]
            return frozenset([again(v) for v in cast("list[Any]", parts)])
        case {"enum": [str(name), found]} if name in ENUMS:
            return ENUMS[name](found)
        case {"policy": str(name)} if name in POLICIES:
            return POLICIES[name]
        case {"data": [str(name), dict(parts)]} if name in DATACLASSES:     # pyright: ignore[reportUnknownVariableType]
            kind, given = DATACLASSES[name], cast("dict[str, Any]", parts)
            if {f.name for f in fields(kind)} != set(given):
                raise wrong(f"a {name} has other parts than it should: {', '.join(map(str, given))}")
            return kind(**{k: again(v) for k, v in given.items()})
        case {"wgsl": {"name": str(name), **rest}}:
            return _kernel(name, {k: again(v) for k, v in rest.items()}, wrong)
        case _:
            raise wrong(f"a value is not understood: {data!r:.80}")


def _kernel(name: str, parts: dict[str, Any], wrong: Wrong) -> WgslDefinition:
    """The kernel of this process with the same name and text: only it knows the NumPy reference."""
    found = kernel_called(name)
    if found is None:
        raise wrong(f"it calls the WGSL kernel {name}, which this process has not made. Import the module that calls "
                    "lantern.extend.wgsl_kernel before loading")
    if any(getattr(found.kernel, k) != parts.get(k) for k in KERNEL):
        raise wrong(f"it calls the WGSL kernel {name}, and the one of this name in this process has another text. "
                    "Export the function again")
    return found


def literal(a: Literal) -> Any:
    """A number that stands in a program."""
    return [*number(a.value), a.aval.weak]
