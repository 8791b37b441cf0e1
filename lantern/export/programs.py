"""Jaxprs in files: tables of types, source lines and programs, in which a program comes after those that it holds."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from lantern.dtypes import KEY, short_name
from lantern.errors import ExportError
from lantern.export import values
from lantern.export.container import refused
from lantern.export.rules import TRACED, portable
from lantern.ops.constant import Table
from lantern.source import Source
from lantern.trace.aval import ShapedArray, key_words, shaped
from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Literal, Var
from lantern.trace.primitive import Inline, Primitive, registry
from lantern.transforms.callback import HOST_PRIMITIVES
from lantern.transforms.remat import remat_p

LONGEST_AXIS = 2 ** 31 - 1
LARGEST_VALUE = 2 ** 40         # bytes
MOST_EQUATIONS = 1_000_000      # of a program and all that it holds, each as often as it is held


@dataclass(slots=True)
class Writer:
    """Collects the tables."""

    avals: dict[ShapedArray, int] = field(default_factory=dict[ShapedArray, int])
    sources: dict[tuple[str, int, str], int] = field(default_factory=dict[tuple[str, int, str], int])
    jaxprs: list[Any] = field(default_factory=list[Any])
    arrays: list[np.ndarray[Any, Any]] = field(default_factory=list["np.ndarray[Any, Any]"])
    seen: dict[tuple[Jaxpr, int], int] = field(default_factory=dict[tuple[Jaxpr, int], int])
    operations: set[str] = field(default_factory=set[str])

    def tables(self) -> dict[str, Any]:
        """What the reader needs before all else."""
        return {"avals": [[list(map(int, a.shape)), short_name(a.dtype), a.weak] for a in self.avals],
                "sources": list(self.sources), "jaxprs": self.jaxprs}

    def aval(self, a: ShapedArray) -> int:
        """The number of a type."""
        return self.avals.setdefault(a, len(self.avals))

    def array(self, x: np.ndarray[Any, Any]) -> int:
        """The number of an array."""
        self.arrays.append(x)
        return len(self.arrays) - 1

    def jaxpr(self, jaxpr: Jaxpr, order: int) -> int:
        """The number of a program; `order`: how often rules of the user's may be asked for derivatives of another."""
        key = jaxpr, order
        if key in self.seen:
            return self.seen[key]
        number: dict[Atom, int] = {v: k for k, v in enumerate(jaxpr.invars)}
        eqns = [self.equation(e, number, order) for e in jaxpr.eqns]
        self.jaxprs.append({"in": [self.aval(v.aval) for v in jaxpr.invars], "eqns": eqns,
                            "out": [self.atom(a, number) for a in jaxpr.outvars]})
        return self.seen.setdefault(key, len(self.jaxprs) - 1)

    def atom(self, a: Atom, number: dict[Atom, int]) -> Any:
        """A variable by its number, a literal by its bits."""
        return values.literal(a) if isinstance(a, Literal) else number[a]

    def equation(self, e: Eqn, number: dict[Atom, int], order: int) -> dict[str, Any]:
        """One equation. Raises ExportError, naming it and the line, for what cannot leave the process."""
        if e.primitive in HOST_PRIMITIVES:
            raise ExportError(
                f"export: {e.primitive} calls the Python function {e.params['function'].name}, which cannot go into a "
                f"file, at {e.source}. Leave it out of what is exported, or compute its result before and pass it in")
        e = portable(e, order)
        ins = [self.atom(a, number) for a in e.invars]
        params = {k: self.param(e, k, v, order) for k, v in e.params.items()}
        for v in e.outvars:
            number[v] = len(number)
        self.operations.add(e.primitive.name)
        outs = [self.aval(v.aval) for v in e.outvars]
        at = {} if e.source is None else {"at": self.source(e.source)}
        return {"op": e.primitive.name, "in": ins, "params": params, "out": outs, **at}

    def source(self, source: Source) -> int:
        """The number of a line."""
        key = source.file, source.line, source.code.co_name
        return self.sources.setdefault(key, len(self.sources))

    def param(self, e: Eqn, name: str, value: Any, order: int) -> Any:
        """A parameter of an equation."""
        try:
            if e.primitive is remat_p and name == "policy":
                return values.policy(value) or self.value(value, order)
            return self.value(value, order)
        except ExportError as error:
            if str(error).startswith("export: "):
                raise
            raise ExportError(f"export: {e.primitive}: its parameter {name}={error}, at {e.source}. Leave the "
                              "operation out of what is exported") from None

    def value(self, value: Any, order: int) -> Any:
        """A parameter, or a part of one."""
        match value:
            case Jaxpr():
                return {"jaxpr": self.jaxpr(value, order)}
            case ShapedArray():
                return {"aval": self.aval(value)}
            case Table():
                return {"array": [self.array(value.values), self.aval(value.aval)]}
            case _:
                inside = max(0, order - 1) if isinstance(value, TRACED) else order
                return values.simple(value, lambda v: self.value(v, inside))


@dataclass(slots=True)
class Reader:
    """Builds what the tables say. Every type is computed again, so that no equation can lie about its results."""

    arrays: list[memoryview]
    avals: list[ShapedArray] = field(default_factory=list[ShapedArray])
    sources: list[Source] = field(default_factory=list[Source])
    jaxprs: list[Jaxpr] = field(default_factory=list[Jaxpr])
    costs: list[int] = field(default_factory=list[int])     # equations of each jaxpr and those below it
    known: dict[str, Primitive] = field(default_factory=registry)

    def tables(self, header: dict[str, Any]) -> None:
        """Read the tables. Raises ExportError for what does not fit together."""
        self.avals = [_aval(a) for a in _listed(header, "avals")]
        self.sources = [_source(s) for s in _listed(header, "sources")]
        for data in _listed(header, "jaxprs"):
            self.costs.append(1)
            self.jaxprs.append(self.jaxpr(data))

    def aval(self, number: Any) -> ShapedArray:
        """The type of this number."""
        return _entry(self.avals, number, "type")

    def array(self, number: Any, aval: ShapedArray) -> np.ndarray[Any, Any]:
        """The array of this number."""
        data, aval = _entry(self.arrays, number, "array"), key_words(aval) if aval.dtype is KEY else aval
        if len(data) != aval.nbytes:
            raise refused(f"an array of {aval} has {len(data)} bytes instead of {aval.nbytes}")
        return np.frombuffer(data, aval.dtype).reshape(aval.shape)

    def program(self, number: Any) -> Jaxpr:
        """The program of this number. What it costs is counted to the one being read."""
        jaxpr = _entry(self.jaxprs, number, "program")
        if len(self.costs) > len(self.jaxprs):
            self.costs[-1] += self.costs[number]
            if self.costs[-1] > MOST_EQUATIONS:
                raise refused(f"the program has more than {MOST_EQUATIONS} equations when all that it calls is written "
                              "out")
        return jaxpr

    def jaxpr(self, data: Any) -> Jaxpr:
        """One program."""
        match data:
            case {"in": list(ins), "eqns": list(eqns), "out": list(outs)}:      # pyright: ignore[reportUnknownVariableType]
                pass
            case _:
                raise refused("a program is not understood")
        bound = [Var(self.aval(a)) for a in cast("list[Any]", ins)]
        invars = tuple(bound)
        self.costs[-1] += len(cast("list[Any]", eqns))
        found = tuple([self.equation(e, bound) for e in cast("list[Any]", eqns)])
        return Jaxpr(invars, found, tuple([self.atom(a, bound) for a in cast("list[Any]", outs)]))

    def atom(self, data: Any, bound: Sequence[Var]) -> Atom:
        """A variable or a literal."""
        match data:
            case [name, text, bool(weak)]:
                value = values.read_number([name, text], refused)
                return Literal(value, shaped((), value.dtype, weak))
            case _:
                return _entry(bound, data, "variable")

    def equation(self, data: Any, bound: list[Var]) -> Eqn:
        """One equation; its results are bound after it."""
        match data:
            case {"op": str(name), "in": list(ins), "params": dict(params), "out": list(outs), **rest}:      # pyright: ignore[reportUnknownVariableType]
                pass
            case _:
                raise refused("an equation is not understood")
        primitive = self.primitive(name)
        source = _entry(self.sources, rest["at"], "line") if "at" in rest else None
        invars = tuple([self.atom(a, bound) for a in cast("list[Any]", ins)])
        given = {k: self.value(v) for k, v in cast("dict[str, Any]", params).items()}
        outvars = tuple([Var(self.aval(a)) for a in cast("list[Any]", outs)])
        eqn = Eqn(primitive, invars, given, outvars, source)
        _check(eqn)
        bound += outvars
        return eqn

    def primitive(self, name: str) -> Primitive:
        """The operation of this name."""
        primitive = self.known.get(name)
        if primitive is None or primitive in HOST_PRIMITIVES:
            raise refused(f"it uses the operation {name!r:.80}, which this process does not have. If a module of "
                          "yours makes it (lantern.extend.primitive), import that before loading; else the file was "
                          "written by a later lantern")
        return primitive

    def value(self, data: Any) -> Any:
        """A parameter, or a part of one."""
        match data:
            case {"jaxpr": number}:
                return self.program(number)
            case {"aval": number}:
                return self.aval(number)
            case {"array": [number, aval]}:
                return Table(self.array(number, self.aval(aval)), self.aval(aval))
            case _:
                return values.read_simple(data, self.value, refused)


def _listed(header: dict[str, Any], name: str) -> list[Any]:
    found = header.get(name)
    if not isinstance(found, list):
        raise refused(f"the header has no list of {name}")
    return cast("list[Any]", found)


def _entry(table: Sequence[Any], number: Any, what: str) -> Any:
    if type(number) is not int or not 0 <= number < len(table):
        raise refused(f"there is no {what} of number {number!r:.80}")
    return table[number]


def _aval(data: Any) -> ShapedArray:
    match data:
        case [list(shape), str(dtype), bool(weak)] if dtype in values.TYPES and all(     # pyright: ignore[reportUnknownVariableType]
                type(n) is int and 0 <= n <= LONGEST_AXIS for n in cast("list[Any]", shape)):
            aval = shaped(tuple(cast("list[int]", shape)), values.TYPES[dtype], weak)
        case _:
            raise refused(f"a type is not understood: {data!r:.80}")
    if aval.nbytes > LARGEST_VALUE:
        raise refused(f"a value of type {aval} would need {aval.nbytes} bytes")
    return aval


def _source(data: Any) -> Source:
    """A line of the process that wrote the file, for messages."""
    match data:
        case [str(file), int(line), str(name)] if 0 < line <= LONGEST_AXIS and "\0" not in file:
            code = compile("0", file, "eval").replace(co_name=name, co_firstlineno=line)
            return Source(code, len(code.co_code))
        case _:
            raise refused("a source line is not understood")


def _check(e: Eqn) -> None:
    """Raises ExportError unless the results have the types that the operation gives."""
    got = [v.aval for v in e.outvars]
    try:
        wanted = list(e.primitive.abstract(*[a.aval for a in e.invars], **e.params))
    except Exception as error:
        raise refused(f"{e.primitive} cannot be computed: {error}") from error
    if wanted != got:
        raise refused(f"{e.primitive} gives {', '.join(map(str, wanted))}, and the file says "
                      f"{', '.join(map(str, got))}")
    if e.primitive.lower is Inline.SUBJAXPR:
        taken = [a.strong() for a in e.params["jaxpr"].in_avals]
        if taken != [a.aval.strong() for a in e.invars]:
            raise refused(f"{e.primitive} takes {', '.join(map(str, taken))}, and is given other types")
