"""The generated stubs: they are current, and say what the modules say: names, parameters, kinds and defaults."""
from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from lantern.backends.array import DeviceArray
from lantern.trace.array import Array
from lantern.trace.staging import Tracer
from tools.stubs.__main__ import main
from tools.stubs.files import texts
from tools.stubs.signature import ROOT

STUBS = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): text
         for path, text in texts().items()}
OF_STUBS_ONLY = {"Shape", "Unseen", "Unknown"}
POSITIONAL = inspect.Parameter.POSITIONAL_ONLY
EITHER = inspect.Parameter.POSITIONAL_OR_KEYWORD
KEYWORD = inspect.Parameter.KEYWORD_ONLY


def test_stubs_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, f"run python -m tools.stubs\n{capsys.readouterr().out}"


def functions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef]:
    return (node for node in body if isinstance(node, ast.FunctionDef))


def parameters(function: ast.FunctionDef) -> list[tuple[str, Any, ast.expr | None]]:
    """Name, kind and default of each parameter of a stub (not `*args` and `**kwargs`)."""
    a = function.args
    positional = [*a.posonlyargs, *a.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(a.defaults)) + [*a.defaults]
    kinds = [POSITIONAL] * len(a.posonlyargs) + [EITHER] * len(a.args)
    return [*[(p.arg, kind, d) for p, kind, d in zip(positional, kinds, defaults, strict=True)],
            *[(p.arg, KEYWORD, d) for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True)]]


def disagreements(stub: ast.FunctionDef, runtime: Callable[..., Any], names: dict[str, Any]) -> Iterator[str]:
    """What a call that the stub allows would find otherwise at run time."""
    actual = inspect.signature(runtime).parameters
    given = parameters(stub)
    takes_any_positional = any(p.kind is p.VAR_POSITIONAL for p in actual.values())
    order = [n for n, kind, _ in given if kind is not KEYWORD and n in actual]
    if order != [n for n in actual if n in order]:
        yield f"line {stub.lineno}: another order of parameters"
    for name, kind, default in given:
        if name not in actual:
            if not (takes_any_positional and kind is POSITIONAL):
                yield f"line {stub.lineno}: no parameter is called {name}"
            continue
        real = actual[name]
        if not (real.kind in (kind, EITHER) or real.kind is real.VAR_POSITIONAL):
            yield f"line {stub.lineno}: {name} is {real.kind.description}"
        if default is not None and real.kind is not real.VAR_POSITIONAL:
            value = eval(compile(ast.Expression(default), "stub", "eval"), names)
            if value is not real.default and value != real.default:
                yield f"line {stub.lineno}: the default of {name} is {real.default!r}, not {value!r}"
    required = [n for n, p in actual.items() if p.default is p.empty and p.kind in (POSITIONAL, EITHER, KEYWORD)]
    missing = [n for n in required if n not in [name for name, _, _ in given]]
    if missing:
        yield f"line {stub.lineno}: {', '.join(missing)} must be given"


def written_in(function: Callable[..., Any]) -> dict[str, Any]:
    """The names that stand for something where a function was written, which its defaults may use."""
    return getattr(inspect.unwrap(function), "__globals__", {})


def public_names(body: list[ast.stmt]) -> set[str]:
    """What a stub defines or exports, helpers of stubs left out."""
    found: set[str] = set()
    for node in body:
        match node:
            case ast.FunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name) if not any(ast.unparse(d) == "type_check_only" for d in node.decorator_list):
                found.add(name)
            case ast.ImportFrom(names=names):
                found |= {n.name for n in names if n.asname == n.name}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case _:
                continue
    return {n for n in found if not n.startswith("_")} - OF_STUBS_ONLY


def own_names(module: ModuleType) -> set[str]:
    """What a module defines or exports: functions and classes of its own, and what it imports as itself."""
    tree = ast.parse(inspect.getsource(module))
    return public_names(tree.body) | {n for n in ("Key",) if hasattr(module, n)}


@pytest.mark.parametrize("name", STUBS)
def test_a_stub_has_the_names_of_its_module(name: str) -> None:
    helpers = {"Reversed", "Swapped"}
    stub, module = public_names(ast.parse(STUBS[name]).body) - helpers, own_names(importlib.import_module(name))
    assert stub == module, f"only in the stub: {sorted(stub - module)}; only in the module: {sorted(module - stub)}"


@pytest.mark.parametrize("name", STUBS)
def test_functions_agree_with_their_stub(name: str) -> None:
    module = importlib.import_module(name)
    found = [f"{f.name}, {problem}" for f in functions(ast.parse(STUBS[name]).body)
             for function in [getattr(module, f.name)]
             for problem in disagreements(f, function, {**vars(module), **written_in(function)})]
    assert not found, "\n".join(found)


def test_functions_of_one_type_take_two_arguments_by_position() -> None:
    module = importlib.import_module("lantern.numpy")
    nodes = ast.parse(STUBS["lantern.numpy"]).body
    protocols = {n.name for n in nodes if isinstance(n, ast.ClassDef)}
    names = [n.target.id for n in nodes if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
             and ast.unparse(n.annotation) in protocols]
    assert names
    for name in names:
        found = inspect.signature(getattr(module, name)).parameters.values()
        assert [p.kind for p in found] == [POSITIONAL, POSITIONAL], name


def test_methods_agree_with_the_stub_of_array() -> None:
    classes = [n for n in ast.parse(STUBS["lantern.trace.array"]).body if isinstance(n, ast.ClassDef)]
    stub = next(c for c in classes if c.name == "Array")
    found: list[str] = []
    for method in functions(stub.body):
        kinds = [Array] if hasattr(Array, method.name) and method.name != "__format__" else [Tracer, DeviceArray]
        for kind in kinds:
            runtime = inspect.getattr_static(kind, method.name, None)
            if runtime is None:
                found.append(f"{kind.__name__} has no {method.name}")
            elif not isinstance(runtime, property):
                found += [f"{kind.__name__}.{method.name}, {problem}" for problem in disagreements(method, runtime, {})]
    members = {f.name for f in functions(stub.body)}
    members |= {ast.unparse(n.target) for n in stub.body if isinstance(n, ast.AnnAssign)}
    found += [f"the stub has no {n}" for n, v in vars(Array).items() if inspect.isfunction(v) and n not in members]
    assert not found, "\n".join(found)
