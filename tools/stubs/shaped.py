"""The rule that most functions share: what each operand looks like, and what that makes of the results, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tools.stubs.notation import array, decided, rows, unseen
from tools.stubs.operators import FOREIGN, SAME, UNKNOWN_ARRAY, Rule, foreign
from tools.stubs.signature import Signature

UNKNOWN = "..."


@dataclass(frozen=True)
class Shaped:
    """Rows such as `*L N K, *L K -> *L N`; results of several arrays are separated by semicolons.

    Pairs of element types: of all operands, or of each (`F I`); of all results, or of each. `names`: which parameters
    the operands are, by default the first ones. `given`: types of other parameters. `form`: what holds the results,
    such as `EighResult[{}, {}]`, where that is not a tuple.
    """

    table: str
    dtypes: Sequence[tuple[str, str]] = SAME
    given: Mapping[str, str] = field(default_factory=dict[str, str])
    names: str = ""
    form: str = ""
    foreign: bool = True

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads: operands of unknown shape (which would fit every row) first."""
        table = rows(self.table)
        count = len(table[0].operands)
        names = self.names.split() or of.arguments[:count]
        for dtype, result in self.dtypes:
            elements = _each(dtype, count)
            for i in range(count):
                operands = [unseen(e) if i == j else array(UNKNOWN, e) for j, e in enumerate(elements)]
                yield from self._overload(of, names, operands, ";".join([UNKNOWN] * self._results()), result)
            for r in table:
                operands = [array(shape, e) for shape, e in zip(r.operands, elements, strict=True)]
                yield from self._overload(of, names, operands, r.result, result)
        if self.foreign and not self.form and self._results() == 1:
            yield from foreign(of, *names)
        elif self.foreign:
            types = dict.fromkeys(names, FOREIGN)
            yield from of.overload({**types, **self.given}, self._held([UNKNOWN_ARRAY] * self._results()))

    def _results(self) -> int:
        return len(rows(self.table)[0].result.split(";"))

    def _overload(
        self, of: Signature, names: Sequence[str], operands: Sequence[str], shapes: str, dtype: str
    ) -> list[str]:
        parts = [part.strip() for part in shapes.split(";")]
        arrays = [array(shape, e) for shape, e in zip(parts, _each(dtype, len(parts)), strict=True)]
        return of.overload({**dict(zip(names, operands, strict=True)), **self.given}, self._held(arrays))

    def _held(self, arrays: Sequence[str]) -> str:
        if self.form:
            return self.form.format(*arrays)
        return arrays[0] if len(arrays) == 1 else f"tuple[{', '.join(arrays)}]"


def _each(words: str, count: int) -> list[str]:
    """One word for each of several, or the same for all."""
    found = words.split()
    return found if len(found) == count else found * count


def several(*rules: Rule) -> Rule:
    """The overloads of some rules, one after the other; where two say the same, once."""

    def all_of_them(of: Signature) -> Iterator[str]:
        said: set[str] = set()
        for rule in rules:
            lines = list(rule(of))
            for line in [x for x in lines if x != "@overload"]:
                if line not in said:
                    said.add(line)
                    yield from ("@overload", line)

    return all_of_them


def by_position(name: str, rule: Rule, again: Rule | None = None) -> Rule:
    """The overloads of a rule, and those of `again` where `name` is given: then what follows needs no name either."""

    def both(of: Signature) -> Iterator[str]:
        yield from rule(of)
        required = tuple([replace(p, default=None) if p.name == name else p for p in of.parameters])
        yield from (again or rule)(replace(of, parameters=required))

    return both


def gives(result: str, dtype: str = "D", **types: str) -> Rule:
    """One signature, whose result has this shape whatever the arguments are."""

    def one(of: Signature) -> Iterator[str]:
        yield from of.overload(types, array(result, dtype))

    return one


@dataclass(frozen=True)
class Items:
    """A sequence of arrays, or a tuple of some: rows such as `N -> ? N`, with the literal axis that they are for."""

    table: str
    given: Mapping[str, str] = field(default_factory=dict[str, str])
    dtype: str = "D"

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads; `#` in a result is the number of arrays, where the types know it."""
        first = of.arguments[0]
        yield from of.overload({first: f"Sequence[{unseen()}]"}, array(UNKNOWN, self.dtype))
        for r in rows(self.table):
            one = array(r.operands[0])
            for count in (2, 3, 4) if "#" in r.result else ():
                counted = array(r.result.replace("#", str(count)), self.dtype)
                yield from of.overload({first: decided(f"tuple[{', '.join([one] * count)}]"), **self.given}, counted)
            any_number = array(r.result.replace("#", "?"), self.dtype)
            yield from of.overload({first: f"Sequence[{one}]", **self.given}, any_number)
        yield from of.overload({first: "Sequence[np.ndarray[Any, Any] | float]"}, UNKNOWN_ARRAY)
