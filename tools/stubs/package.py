"""Stubs of modules: overloads for what the tables speak of, all else as it stands in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tools.stubs.functions import BROADCASTING
from tools.stubs.notation import indented, stub, words_of
from tools.stubs.operators import Binary, Rule, applied
from tools.stubs.signature import Parameter, Signature, function, read, source

IMPORTS = (
    "from collections.abc import Sequence",
    "from typing import Any, Literal, Protocol, TypeAlias, overload, type_check_only",
    "import numpy as np",
    "from typing_extensions import TypeVar, TypeVarTuple, Unpack",
    "from lantern.devices import DeviceLike",
    "from lantern.dtypes import Complex, DType, Floating, Integer, bool_, c64, c128, f32, f64, i32, prng_key, u32",
    "from lantern.lax.operands import ArrayLike, AxisLike, DTypeLike, Number, ShapeLike, SupportsLanternArray",
    "from lantern.trace.array import Array",
    "from lantern.typing import Dim",
)

NO_TYPES = ("__future__", "lantern.absent")


def exported(module: str) -> Iterator[tuple[str, str, str]]:
    """What a module imports in order to export it, `from a import b as b`: (module, name there, name here)."""
    for node in source(module).body:
        if isinstance(node, ast.ImportFrom):
            yield from [(node.module or "", a.name, a.name) for a in node.names if a.asname == a.name]


@dataclass(frozen=True)
class Table:
    """What a stub adds to its module: rules of functions, functions whose type is a protocol, other definitions of
    constants, type variables, imports."""

    docstring: str
    rules: Mapping[str, Rule]
    protocols: Mapping[str, str] = field(default_factory=dict[str, str])
    constants: Mapping[str, str] = field(default_factory=dict[str, str])
    variables: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()


def text(module: str, table: Table) -> str:
    """The stub of a module: what it exports and what it defines."""
    exports: list[str] = []
    body: list[str] = []
    protocols: dict[str, list[str]] = {}
    for where, name, here in exported(module):
        signature = function(where, name)
        if signature is not None and name in table.protocols:
            protocols.setdefault(table.protocols[name], []).append(name)
        elif signature is not None and name in table.rules:
            body += applied(table.rules[name], signature)
        else:
            exports.append(f"from {where} import {name} as {here}")
    for protocol, names in protocols.items():
        body += broadcasting(protocol, names, module)
    own = [*defined(module, table)]
    imports = with_imports_of(module, ["import builtins", *IMPORTS, *table.imports])
    typed = [(where, function(where, name)) for where, name, here in exported(module) if here in table.rules]
    imports += annotation_imports([(where, s) for where, s in typed if s is not None], imports)
    builtin = [t.__name__ for t in (bool, int, float, complex)]
    hidden = [name for name in builtin if name in [here for _, _, here in exported(module)]]
    return stub(table.docstring, [*imports, *exports], [meaning_builtins(hidden, line) for line in [*body, *own]],
                table.variables)


def meaning_builtins(hidden: list[str], line: str) -> str:
    """A line of a module that exports names of Python's own types (the array API has a `bool`), which means those."""
    if hidden and not line.lstrip().startswith('"""'):
        return re.sub(rf"(?<![\w.'\"])(?<!def )({'|'.join(hidden)})(?![\w'\"])(?!:)", r"builtins.\1", line)
    return line


def defined(module: str, table: Table) -> Iterator[str]:
    """The public functions, constants and aliases of a module itself."""
    for node in source(module).body:
        match node:
            case ast.FunctionDef(name=name) if not name.startswith("_"):
                rule = table.rules.get(name)
                yield from applied(rule, read(node)) if rule else [read(node).line()]
            case ast.Assign(targets=[ast.Name(id=name)]) if name in table.constants:
                yield table.constants[name]
            case ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
                yield ast.unparse(node)
            case _:
                continue


def with_imports_of(module: str, imports: list[str]) -> list[str]:
    """These imports, and what the module imports itself, for annotations taken from its source. What answers for absent
    names stays out: a type checker knows which names there are."""
    known = {name for line in imports for name in line.partition(" import ")[2].split(", ")}
    nodes = [n for n in source(module).body if isinstance(n, ast.ImportFrom) and n.module not in NO_TYPES]
    own = [(n.module, a.name) for n in nodes for a in n.names if not a.asname]
    # Functions stand in no annotation, though their names may stand in a sentence of the stub.
    types = [(where, name) for where, name in own if name[0].isupper() or where == "lantern.dtypes"]
    return [*imports, *[f"from {where} import {name}" for where, name in types if name not in known]]


def annotation_imports(signatures: Sequence[tuple[str, Signature]], imports: Sequence[str]) -> list[str]:
    """Where the annotations of these signatures, each of a module, get the names from that no line imports yet."""
    known = {name for line in imports for name in line.partition(" import ")[2].split(", ")}
    found: dict[str, str] = {}
    for module, signature in signatures:
        words = words_of(" ".join([signature.result, *[p.annotation for p in signature.parameters]])) - known
        for node in source(module).body:
            match node:
                case ast.ImportFrom(module=str() as where, names=names):
                    found |= {a.name: where for a in names if a.name in words and not a.asname}
                case ast.ClassDef(name=name) if name in words:
                    found[name] = module
                case ast.Assign(value=ast.Call()):      # type variables, which a stub has of its own
                    continue
                case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]) if name in words:
                    found[name] = module
                case _:
                    continue
    return [f"from {where} import {name}" for name, where in sorted(found.items())]


def broadcasting(protocol: str, names: list[str], module: str) -> Iterator[str]:
    """Binary functions of one kind: a protocol with the overloads, and the functions with their first line of text."""
    operands = tuple([Parameter(n, "/", "", None) for n in ("x", "y")])
    self_first = Signature("__call__", operands, "Array")
    yield from ("", "", "@type_check_only", f"class {protocol}(Protocol):")
    overloads = Binary(BROADCASTING[protocol][0])(self_first)
    yield from indented([line.replace("__call__(", "__call__(self, ", 1) for line in overloads])
    yield ""
    origin = {here: (where, name) for where, name, here in exported(module)}
    for name in names:
        signature = function(*origin[name])
        assert signature is not None and [p.kind for p in signature.parameters] == ["/", "/"], f"{name} is not binary"
        yield from (f"{name}: {protocol}", f'"""{summary(*origin[name])}"""')


def summary(module: str, name: str) -> str:
    """The first line of a function's documentation."""
    found = next(n for n in source(module).body if isinstance(n, ast.FunctionDef) and n.name == name)
    return (ast.get_docstring(found) or "").partition("\n")[0]
