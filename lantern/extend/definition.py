"""What a user gives of one operation: its rules as plain functions, checked wherever their results come in."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from lantern.dtypes import is_inexact
from lantern.errors import ArgumentError, CustomRuleError, NotDifferentiableError
from lantern.source import Source
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import typeof
from lantern.trace.primitive import Tangent, Value, Zero

Rule: TypeAlias = Callable[..., Any]
Params: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Definition:
    """One operation. Rules see single examples: `vmap` is derived from them. Compared by identity.

    `maker` is the function of `lantern.extend` that made it, for messages. Results of rules may be one array, if the
    shape rule gives one, else a sequence.
    """

    name: str
    maker: str
    source: Source | None
    abstract: Rule
    impl: Rule
    lower: Rule | None = None
    jvp: Rule | Sequence[Rule | None] | None = None
    vjp: Rule | None = None
    transpose: Rule | None = None

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{self.maker}({self.name!r})>"

    @property
    def place(self) -> str:
        """Where the user made it, for messages."""
        return f"{self.name} (made at {self.source})" if self.source else self.name

    def missing(self, rule: str, what: str) -> NotDifferentiableError:
        """The error for a derivative that nobody gave."""
        return NotDifferentiableError(f"{self.place} has no rule for {what}. Give {rule} to {self.maker}(...)")


def check_definition(d: Definition) -> Definition:
    """The definition itself.

    Raises ArgumentError for a name that is no identifier, TypeError for rules that are not functions, both naming the
    rule.
    """
    if not isinstance(cast(Any, d.name), str) or not d.name.isidentifier():
        raise ArgumentError(f"{d.maker}: an operation's name must be an identifier such as 'my_op', got {d.name!r}")
    for name, rule in (("abstract", d.abstract), ("impl", d.impl)):
        if not callable(rule):
            raise TypeError(f"{d.maker}({d.name!r}): {_WORDS.get((d.maker, name), name)} is missing or no function: "
                            f"{rule!r}. {_WHY[name]}")
    for name, rule in (("lower", d.lower), ("vjp", d.vjp), ("transpose", d.transpose)):
        if rule is not None and not callable(rule):
            raise TypeError(f"{d.maker}({d.name!r}): {name} must be a function or None, got {rule!r}")
    each = as_many(d.jvp)
    if not all(rule is None or callable(rule) for rule in each):
        raise TypeError(f"{d.maker}({d.name!r}): jvp must be a function, or a tuple with a function or None for each "
                        f"operand, got {d.jvp!r}")
    if d.jvp is not None and d.vjp is not None:
        raise ArgumentError(f"{d.maker}({d.name!r}): give jvp (both modes) or vjp (reverse mode only), not both")
    return d


_WORDS = {("lantern.extend.wgsl_kernel", "abstract"): "shape", ("lantern.extend.wgsl_kernel", "impl"): "reference"}
_WHY = {"abstract": "It gives the shapes and dtypes of the results",
        "impl": "It computes the results in NumPy: the truth that devices are compared with"}


def results(d: Definition, avals: Sequence[ShapedArray], params: Params) -> tuple[tuple[ShapedArray, ...], bool]:
    """The avals of one example's results, and whether the shape rule gave one alone.

    Raises CustomRuleError for what is no shape with a dtype.
    """
    found = d.abstract(*[a.strong() for a in avals], **params)
    single = hasattr(found, "shape") and hasattr(found, "dtype")
    return tuple([_aval(d, x) for x in as_many(found)]), single


def as_many(found: Any) -> Sequence[Any]:
    """What a rule gave, as a sequence: itself, or the one thing that it is."""
    return cast("Sequence[Any]", found) if isinstance(found, (tuple, list)) else (found,)


def _aval(d: Definition, x: Any) -> ShapedArray:
    if not hasattr(x, "shape") or not hasattr(x, "dtype"):
        raise CustomRuleError(f"{d.place}: its shape rule must give lantern.ShapeDtypeStruct(shape, dtype), or a tuple "
                              f"of them, got {x!r}")
    shape = tuple(x.shape)
    if not all(isinstance(n, (int, np.integer)) and n >= 0 for n in shape):
        raise CustomRuleError(f"{d.place}: its shape rule gave the shape {shape}; sizes are whole numbers from 0 on")
    return shaped(tuple([int(n) for n in shape]), np.dtype(x.dtype))


def _listed(d: Definition, found: Any, rule: str) -> Sequence[Any]:
    if isinstance(found, (tuple, list)):
        return cast("Sequence[Any]", found)
    raise CustomRuleError(f"{d.place}: its {rule} rule must give an array or a tuple of arrays, got {found!r} of type "
                          f"{type(found).__name__}")


def outputs_of(d: Definition, found: Any, wanted: Sequence[ShapedArray], rule: str) -> list[Any]:
    """What a rule gave for the results, as a list.

    Raises CustomRuleError if it is not one array for each result, of its shape and dtype.
    """
    many: Sequence[Any] = (found,) if hasattr(found, "shape") else _listed(d, found, rule)
    if len(many) != len(wanted):
        raise CustomRuleError(f"{d.place}: its {rule} rule gave {len(many)} arrays where the shape rule promised "
                         f"{len(wanted)}: {', '.join(map(str, wanted))}")
    for k, (x, aval) in enumerate(zip(many, wanted, strict=True)):
        _check(d, x, aval, f"its {rule} rule gave", f"result {k}")
    return list(many)


def _check(d: Definition, x: Any, aval: ShapedArray, said: str, place: str) -> None:
    got = typeof(x).strong() if hasattr(x, "dtype") else None
    if got is None or got.shape != aval.shape or got.dtype != aval.dtype:
        raise CustomRuleError(f"{d.place}: {said} {got or repr(x)} for {place}, which is {aval.strong()}")


def tangents_of(d: Definition, found: Any, wanted: Sequence[ShapedArray], rule: str) -> list[Tangent]:
    """Tangents that a rule gave for the results: None and Zero stand for zero.

    Raises CustomRuleError as `outputs_of` does.
    """
    many: Sequence[Any] = (found,) if found is None or hasattr(found, "shape") or isinstance(found, Zero) else \
        _listed(d, found, rule)
    if len(many) != len(wanted):
        raise CustomRuleError(f"{d.place}: its {rule} rule gave {len(many)} tangents for {len(wanted)} results")
    return [_tangent(d, x, a, f"its {rule} rule gave", f"the tangent of result {k}")
            for k, (x, a) in enumerate(zip(many, wanted, strict=True))]


def cotangents_of(d: Definition, found: Any, wanted: Sequence[ShapedArray], rule: str) -> list[Value | None]:
    """Cotangents that a rule gave for the operands: None stands for zero, and must where an operand is no float.

    Raises CustomRuleError as `outputs_of` does.
    """
    many: Sequence[Any] = (found,) if found is None or hasattr(found, "shape") else _listed(d, found, rule)
    if len(many) != len(wanted):
        raise CustomRuleError(f"{d.place}: its {rule} rule gave {len(many)} cotangents for {len(wanted)} operands; "
                         "give None for operands without one")
    back: list[Value | None] = []
    for k, (x, a) in enumerate(zip(many, wanted, strict=True)):
        c = _tangent(d, x, a, f"its {rule} rule gave", f"the cotangent of operand {k}") if is_inexact(a.dtype) else None
        back.append(None if isinstance(c, Zero) else c)
    return back


def _tangent(d: Definition, x: Any, aval: ShapedArray, said: str, place: str) -> Tangent:
    if x is None or isinstance(x, Zero):
        return Zero(aval)
    _check(d, x, aval, said, place)
    return x
