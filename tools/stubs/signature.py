"""Signatures read from the sources, and overloads made from them: names, order, kinds and defaults cannot drift."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Parameter:
    """One parameter. `kind`: "/" positional only, "" either way, "*" keyword only, "*args", "**kwargs"."""

    name: str
    kind: str
    annotation: str
    default: str | None


@dataclass(frozen=True)
class Signature:
    """A function's name, parameters and result, as its source says."""

    name: str
    parameters: tuple[Parameter, ...]
    result: str

    def line(self, types: Mapping[str, str] | None = None, result: str | None = None) -> str:
        """The function as one line of a stub, with other types for some parameters.

        A type stands for the whole parameter: `Literal[0]` makes it required, `int = 0` does not. The type of `*shape`
        may be a list of parameters, which replaces it.
        """
        return f"def {self.name}({', '.join(_text(self.parameters, types or {}))}) -> {result or self.result}: ..."

    def overload(self, types: Mapping[str, str], result: str) -> list[str]:
        """The same as one of several overloads."""
        unknown = [n for n in types if n not in [p.name for p in self.parameters]]
        assert not unknown, f"{self.name} has no parameter {', '.join(unknown)}"
        return ["@overload", self.line(types, result)]

    def default(self, name: str) -> str | None:
        """The default of a parameter, as it is written."""
        return next(p.default for p in self.parameters if p.name == name)

    def with_type(self, name: str, annotation: str) -> Signature:
        """The same with another type for one parameter."""
        return replace(
            self,
            parameters=tuple([replace(p, annotation=annotation) if p.name == name else p for p in self.parameters]),
        )

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple([p.name for p in self.parameters])


def _text(parameters: Sequence[Parameter], types: Mapping[str, str]) -> Iterator[str]:
    """The parameters. One that became required after others with a default must be given by name."""
    starred = seen_default = False
    for i, p in enumerate(parameters):
        given = types.get(p.name)
        if p.kind in ("*args", "**kwargs"):
            starred = starred or p.kind == "*args"
            yield given or f"{p.kind.rstrip('args').rstrip('kw')}{p.name}: {p.annotation}"
            continue
        written = given if given is not None else p.annotation + (f" = {p.default}" if p.default is not None else "")
        has_default = " = " in written
        if not starred and (p.kind == "*" or (seen_default and not has_default)):
            starred = True
            yield "*"
        seen_default = seen_default or has_default
        yield f"{p.name}: {written}" if written else p.name
        if p.kind == "/" and (i + 1 == len(parameters) or parameters[i + 1].kind != "/"):
            yield "/"


def read(function: ast.FunctionDef) -> Signature:
    """The signature of a definition."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    found = [
        _parameter(a, "/" if i < len(arguments.posonlyargs) else "", d)
        for i, (a, d) in enumerate(zip(positional, [*missing, *arguments.defaults], strict=True))
    ]
    if arguments.vararg:
        found.append(_parameter(arguments.vararg, "*args", None))
    found += [_parameter(a, "*", d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    if arguments.kwarg:
        found.append(_parameter(arguments.kwarg, "**kwargs", None))
    return Signature(function.name, tuple(found), ast.unparse(function.returns) if function.returns else "None")


def _parameter(argument: ast.arg, kind: str, default: ast.expr | None) -> Parameter:
    annotation = ast.unparse(argument.annotation) if argument.annotation else ""
    return Parameter(argument.arg, kind, annotation, ast.unparse(default) if default is not None else None)


def path_of(module: str) -> Path:
    """The source of a module of lantern."""
    plain = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return plain if plain.exists() else plain.with_suffix("") / "__init__.py"


@functools.cache
def source(module: str) -> ast.Module:
    """The syntax tree of a module of lantern."""
    return ast.parse(path_of(module).read_text(encoding="utf-8"))


def function(module: str, name: str) -> Signature | None:
    """The signature of a function of a module; None if `name` is something else (or defined elsewhere)."""
    found = [n for n in source(module).body if isinstance(n, ast.FunctionDef) and n.name == name]
    return read(found[-1]) if found else None


def methods(module: str, name: str) -> tuple[dict[str, Signature], frozenset[str]]:
    """The signatures of a class's methods, and which of them are properties."""
    found = next(n for n in source(module).body if isinstance(n, ast.ClassDef) and n.name == name)
    functions = [n for n in found.body if isinstance(n, ast.FunctionDef)]
    properties = [f.name for f in functions if any(ast.unparse(d) == "property" for d in f.decorator_list)]
    return {f.name: read(f) for f in functions}, frozenset(properties)
