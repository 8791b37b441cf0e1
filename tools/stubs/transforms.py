"""Rules of the transforms: `grad`, `vmap` and their kin take and give functions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from tools.stubs.notation import array, unseen
from tools.stubs.operators import Rule
from tools.stubs.signature import Signature

LOSS = array("", "F")

# Containers of arrays, whose types cannot say "the same with one more axis": results of such functions are Any.
TREE = "tuple[Any, ...] | list[Any] | dict[Any, Any] | DataclassInstance"

# Type variables for arguments of any type; `Rest` (a ParamSpec) is what follows them.
VALUES = ("T", "U", "V")


def _function(arguments: list[str], result: str) -> str:
    return f"Callable[Concatenate[{', '.join([*arguments, 'Rest'])}], {result}]"


def _argnums() -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """Types of `argnums`, how many arguments they need, and the chosen ones."""
    yield "Literal[0] = 0", 1, (0,)
    for i in (1, 2):
        yield f"Literal[{i}]", i + 1, (i,)
    for chosen in ((0,), (0, 1), (1, 2), (0, 2), (0, 1, 2)):
        yield f"tuple[{', '.join([f'Literal[{i}]' for i in chosen])}]", max(chosen) + 1, chosen


@dataclass(frozen=True)
class Gradient:
    """`grad` or `value_and_grad`: gradients have the types of the arguments, whatever these are."""

    with_value: bool

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads. The first one only tells a lambda that its first parameter is an array."""
        given = array("*L", "F")
        types = {"f": _function([given], LOSS), "argnums": "Literal[0] = 0", "has_aux": "Literal[False] = False"}
        yield from of.overload(types, _function([given], self._result(given, False)))
        for has_aux in (False, True):
            for argnums, count, chosen in _argnums():
                arguments = [*VALUES[:count]]
                gradients = ", ".join([VALUES[i] for i in chosen])
                gradient = gradients if argnums.startswith("Literal") else f"tuple[{gradients}]"
                types = {
                    "f": _function(arguments, f"tuple[{LOSS}, W]" if has_aux else LOSS),
                    "argnums": argnums,
                    "has_aux": "Literal[True]" if has_aux else "Literal[False] = False",
                }
                yield from of.overload(types, _function(arguments, self._result(gradient, has_aux)))

    def _result(self, gradient: str, has_aux: bool) -> str:
        if self.with_value:
            return f"tuple[tuple[{LOSS}, W], {gradient}]" if has_aux else f"tuple[{LOSS}, {gradient}]"
        return f"tuple[{gradient}, W]" if has_aux else gradient


def jvp(of: Signature) -> Iterator[str]:
    """Primals and tangents have the types of the parameters."""
    for has_aux, result in (("Literal[False] = False", "tuple[T, T]"), ("Literal[True]", "tuple[T, T, W]")):
        f = "Callable[[*L], T]" if result == "tuple[T, T]" else "Callable[[*L], tuple[T, W]]"
        yield from of.overload({"f": f, "primals": "tuple[*L]", "tangents": "tuple[*L]", "has_aux": has_aux}, result)


def vjp(of: Signature) -> Iterator[str]:
    """The pullback takes what the function gives, and gives a tuple of what it takes."""
    pullback = "Callable[[T], tuple[*L]]"
    for has_aux, f, result in (
        ("Literal[False] = False", "T", f"tuple[T, {pullback}]"),
        ("Literal[True]", "tuple[T, W]", f"tuple[T, {pullback}, W]"),
    ):
        yield from of.overload({"f": f"Callable[[*L], {f}]", "primals": "*primals: *L", "has_aux": has_aux}, result)


def linearize(of: Signature) -> Iterator[str]:
    """The push takes what the function takes."""
    yield from of.overload({"f": "Callable[[*L], T]", "primals": "*primals: *L"}, "tuple[T, Callable[[*L], T]]")


@dataclass(frozen=True)
class Jacobian:
    """The sizes of the result, then those of the argument; for a hessian those of the argument twice."""

    twice: bool = False

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads."""
        for argnums, before in (("Literal[0] = 0", []), ("Literal[1]", ["T"])):
            yield from self._overload(of, argnums, before, unseen("F"), "...", array("...", "F"))
            for sizes in ("", "N", "N M", "N M K"):
                yield from self._overload(of, argnums, before, array(sizes, "F"), sizes, array(sizes, "F"))
            out = LOSS if self.twice else "Any"
            yield from of.overload(
                {"f": _function([*before, "Z"], out), "argnums": argnums}, _function([*before, "Z"], "Any")
            )

    def _overload(
        self, of: Signature, argnums: str, before: list[str], argument: str, sizes: str, given: str
    ) -> list[str]:
        out = LOSS if self.twice else array("*L" if sizes != "..." else "...", "G")
        double = f"{sizes} {sizes}" if sizes != "..." else sizes
        result = array(double if self.twice else f"*L {sizes}" if sizes != "..." else sizes, "F" if self.twice else "G")
        return of.overload(
            {"f": _function([*before, argument], out), "argnums": argnums}, _function([*before, given], result)
        )


def make_jaxpr(of: Signature) -> Iterator[str]:
    """The same arguments."""
    yield from of.overload({"f": "Callable[Rest, Any]"}, "Callable[Rest, Jaxpr]")


MOST_ARGUMENTS = 4
OTHER_AXIS = "Literal[1, -1, 2, -2] | list[Any] | tuple[Any, ...] | dict[str, Any]"
ANY_AXIS = f"{OTHER_AXIS} | Literal[0] | None"


def vmap(of: Signature) -> Iterator[str]:
    """Up to four arguments, each mapped over its first axis or not mapped. The new axis is N.

    What comes first is tried first, and a call inside a call is tried again for each overload of the outer one: the
    usual results of all numbers of arguments stand before the rare ones.
    """
    patterns = [m for count in range(1, MOST_ARGUMENTS + 1) for m in itertools.product((True, False), repeat=count)
                if any(m)]
    for result in _results():
        for mapped in patterns:
            yield from _vmap(of, mapped, *result)
    for mapped in patterns:
        anything = ["Any" if m else f"X{i}" for i, m in enumerate(mapped, 1)]
        trees = [f"Z{i}" if m else f"X{i}" for i, m in enumerate(mapped, 1)]
        types = {"f": f"Callable[[{', '.join(trees)}], Any]", "in_axes": _in_axes(mapped), "out_axes": "Any = 0"}
        yield from of.overload(types, f"Callable[[{', '.join(anything)}], Any]")
    for count in range(1, MOST_ARGUMENTS + 1):  # other axes, and axes of containers
        for i in range(count):
            axes = ", ".join([f"{OTHER_AXIS if j == i else ANY_AXIS}" for j in range(count)])
            yield from of.overload({"f": "Callable[..., Any]", "in_axes": f"tuple[{axes}]"}, "Callable[..., Any]")
    yield from of.overload({"f": "Callable[..., Any]", "in_axes": "Literal[1, -1, 2, -2]"}, "Callable[..., Any]")


def _results() -> Iterator[tuple[str, str, str]]:
    """What a function gives, where the new axis goes, and what the mapped function gives."""
    one, first, second = array("*L", "G"), array("*L", "D"), array("*H", "G")
    yield one, "Literal[0] = 0", array("N *L", "G")
    yield f"tuple[{first}, {second}]", "Literal[0] = 0", f"tuple[{array('N *L')}, {array('N *H', 'G')}]"
    yield TREE, "Any = 0", "Any"
    yield one, "Literal[-1]", array("*L N", "G")
    yield array("M *L", "G"), "Literal[1]", array("M N *L", "G")
    yield one, "None", one


def _in_axes(mapped: tuple[bool, ...]) -> str:
    axes = f"tuple[{', '.join(['Literal[0]' if m else 'None' for m in mapped])}]"
    return f"Literal[0] | {axes} = 0" if all(mapped) else axes


def _vmap(of: Signature, mapped: tuple[bool, ...], result: str, out_axes: str, batched: str) -> Iterator[str]:
    takes = [f"Array[D{i}, *S{i}]" if m else f"X{i}" for i, m in enumerate(mapped, 1)]
    size = "Any" if batched in (array("*L", "G"), "Any") and sum(mapped) == 1 else "N"
    given = [f"Array[D{i}, {size}, *S{i}]" if m else f"X{i}" for i, m in enumerate(mapped, 1)]
    types = {"f": f"Callable[[{', '.join(takes)}], {result}]", "in_axes": _in_axes(mapped), "out_axes": out_axes}
    yield from of.overload(types, f"Callable[[{', '.join(given)}], {batched}]")


RULES: dict[str, Rule] = {
    "grad": Gradient(with_value=False),
    "value_and_grad": Gradient(with_value=True),
    "jvp": jvp,
    "vjp": vjp,
    "linearize": linearize,
    "jacfwd": Jacobian(),
    "jacrev": Jacobian(),
    "hessian": Jacobian(twice=True),
    "make_jaxpr": make_jaxpr,
    "vmap": vmap,
}

_ARGUMENTS = range(1, MOST_ARGUMENTS + 1)
VARIABLES = (
    *[f'{v} = TypeVar("{v}", default=Any)' for v in ("T", "U", "V", "W")],
    'Rest = ParamSpec("Rest", default=...)',
    'F = TypeVar("F", bound=Floating, default=Any)',     # a loss is real
    f'Z = TypeVar("Z", bound={TREE}, default=Any)',
    *[f'D{i} = TypeVar("D{i}", bound=DType, default=Any)' for i in _ARGUMENTS],
    *[f'S{i} = TypeVarTuple("S{i}", default=Unpack[tuple[Any, ...]])' for i in _ARGUMENTS],
    *[f'X{i} = TypeVar("X{i}", default=Any)' for i in _ARGUMENTS],
    *[f'Z{i} = TypeVar("Z{i}", bound=Array | {TREE}, default=Any)' for i in _ARGUMENTS],
)
IMPORTS = (
    "from collections.abc import Callable",
    "from typing import Concatenate",
    "from typing_extensions import ParamSpec",
    "from _typeshed import DataclassInstance",
)
