"""Rules of what makes arrays out of sizes and values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from tools.stubs.layout import shapes_asked_for
from tools.stubs.notation import array, decided
from tools.stubs.operators import ARRAY_LIKE, FOREIGN, foreign
from tools.stubs.signature import Signature

# A dtype argument that is given, and the element type that it means.
ASKED_DTYPES = (
    ("type[G]", "G"),
    ("type[bool]", "bool_"),
    ("type[int]", "i32"),
    ("type[float]", "f32"),
    ("type[complex]", "Any"),
    ("str | type[np.generic] | np.dtype[Any]", "Any"),
)


def shapes() -> Iterator[tuple[str, str]]:
    """Types of a shape argument, with the shapes that they mean. An int is a shape of rank 1; a list is not welcome,
    since its length has no type."""
    yield from shapes_asked_for()
    yield "A", "A"
    yield "int", "?"


@dataclass(frozen=True)
class Filled:
    """A shape, and a dtype that may be left out. `values`: types of the fill value with the dtypes they imply;
    `default`: what the dtype is otherwise."""

    default: str = "f32"
    values: tuple[tuple[str, str], ...] = ()

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads."""
        no_dtype = of.default("dtype")
        unasked = "None = None" if no_dtype == "None" else f"type[{no_dtype}] = {no_dtype}"
        none = [("tuple[()] = ()", "")] if of.default("shape") == "()" else []
        for written, result in (*none, *shapes()):
            for value, dtype in self.values or (("", self.default),):
                types = {"shape": written, "fill_value": value} if value else {"shape": written}
                yield from of.overload({**types, "dtype": unasked}, array(result, dtype))
            for dtype, element in ASKED_DTYPES:
                yield from of.overload({"shape": written, "dtype": dtype}, array(result, element))


FULL = Filled(values=(("bool", "bool_"), ("int", "i32"), ("float", "f32"), ("Array[G, *tuple[()]]", "G")))


def like(of: Signature) -> Iterator[str]:
    """The shape and dtype of another array, unless others are asked for."""
    first = of.arguments[0]
    for dtype, element in (("None = None", "D"), *ASKED_DTYPES):
        yield from of.overload({first: array("*L"), "dtype": dtype, "shape": "None = None"}, array("*L", element))
    for written, result in shapes_asked_for():
        for dtype, element in (("None = None", "D"), *ASKED_DTYPES):
            yield from of.overload({first: array("..."), "dtype": dtype, "shape": written}, array(result, element))
    yield from foreign(of)


def from_values(of: Signature) -> Iterator[str]:
    """Arrays keep their type; nested lists of numbers show their rank."""
    first = of.arguments[0]
    for dtype, element in (("None = None", "D"), *ASKED_DTYPES):
        yield from of.overload({first: array("*L"), "dtype": dtype}, array("*L", element))
    for number, element in (("bool", "bool_"), ("int", "i32"), ("float", "f32")):
        for rank in range(4):
            nested = "list[" * rank + number + "]" * rank
            yield from of.overload({first: nested, "dtype": "None = None"}, array(" ".join("?" * rank), element))
    for rank in range(4):
        for dtype, element in ASKED_DTYPES:
            nested = "list[" * rank + "float" + "]" * rank
            yield from of.overload({first: nested, "dtype": dtype}, array(" ".join("?" * rank), element))
    for dtype, element in (("None = None", "Any"), *ASKED_DTYPES):
        yield from of.overload(
            {first: f"{FOREIGN} | list[Any] | tuple[Any, ...]", "dtype": dtype}, array("...", element)
        )


def arange(of: Signature) -> Iterator[str]:
    """`arange(Batch(8))` has size Batch; otherwise the size is not known."""
    one = {"stop": "None = None", "step": "None = None"}
    some = {"stop": "{} | None = None", "step": "{} | None = None"}
    yield from of.overload({"start": "A", **one, "dtype": "None = None"}, array("A", "i32"))
    yield from of.overload({"start": "A", **one, "dtype": "type[G]"}, array("A", "G"))
    for number, element in (("int", "i32"), ("float", "f32")):
        types = {name: text.format(number) for name, text in some.items()}
        yield from of.overload({"start": number, **types, "dtype": "None = None"}, array("?", element))
    for dtype, element in ASKED_DTYPES:
        types = {name: text.format("float") for name, text in some.items()}
        yield from of.overload({"start": "float", **types, "dtype": dtype}, array("?", element))


@dataclass(frozen=True)
class Spaced:
    """Numbers at equal distances: a named number is the size. Of arrays, along a first or last axis."""

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads."""
        steps = [("Literal[False] = False", "{}"), ("Literal[True]", "tuple[{}, {}]")]
        for retstep, held in steps if "retstep" in of.arguments else [("", "{}")]:
            asked = {"retstep": retstep} if retstep else {}
            number = f"float | {array('', 'f32')}"
            for (num, size), (dtype, element) in itertools.product(
                (("A", "A"), ("int = 50", "?")), (("None = None", "f32"), *ASKED_DTYPES)
            ):
                types = {"start": number, "stop": number, "num": num, "dtype": dtype, **asked}
                yield from of.overload(types, held.format(array(size, element), array("", element)))
            for (num, size), (axis, shape) in itertools.product(
                (("A", "A"), ("int = 50", "?")), (("Literal[0] = 0", "{} *L"), ("Literal[-1]", "*L {}"))
            ):
                for start, stop in (("*L", "*L"), ("*L", ""), ("", "*L")):
                    ends = [decided(array(end, "F")) if end else f"float | {array('', 'F')}" for end in (start, stop)]
                    types = {"start": ends[0], "stop": ends[1], "num": num, "dtype": "None = None", "axis": axis}
                    result = held.format(array(shape.format(size), "F"), array("*L", "F"))
                    yield from of.overload({**types, **asked}, result)
        anything = {"start": ARRAY_LIKE, "stop": ARRAY_LIKE}
        yield from of.overload(anything, "Any" if "retstep" in of.arguments else array("...", "Any"))


def square_matrix(of: Signature) -> Iterator[str]:
    """`eye(n, m)`: named sizes, or sizes that are not known."""
    rows = of.arguments[0]
    columns = "M" if "M" in of.arguments else None
    cases = [({rows: "A"}, "A A"), ({rows: "int"}, "? ?")]
    if columns:
        cases = [
            ({rows: "A", columns: "None = None"}, "A A"),
            ({rows: "A", columns: "B"}, "A B"),
            ({rows: "int", columns: "int | None = None"}, "? ?"),
        ]
    for types, result in cases:
        for dtype, element in (("None = None", "f32"), *ASKED_DTYPES):
            yield from of.overload({**types, "dtype": dtype}, array(result, element))
