"""Rules that methods of `Array` and functions of `lantern.numpy` share: element by element, and reductions.

A rule turns a signature into its overloads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tools.stubs.notation import Row, array, unseen
from tools.stubs.patterns import AXES, BROADCAST, ONE_AXIS_REDUCTIONS, SEVERAL_REDUCTIONS
from tools.stubs.signature import Signature

Rule: TypeAlias = Callable[[Signature], Iterator[str]]


def applied(rule: Rule, of: Signature) -> list[str]:
    """The lines of a stub for one function; a single overload is none."""
    lines = list(rule(of))
    return lines if lines.count("@overload") > 1 else lines[1:]


NUMPY_VALUE = "np.ndarray[Any, Any] | np.generic"
FOREIGN = f"{NUMPY_VALUE} | SupportsLanternArray | Number"  # what is no Array and becomes one
ARRAY_LIKE = f"{unseen()} | {FOREIGN}"
UNKNOWN_ARRAY = array("...", "Any")


def is_method(of: Signature) -> bool:
    """Whether the first operand is `self`."""
    return of.arguments[0] == "self"


def foreign(of: Signature, *operands: str) -> list[str]:
    """For functions: NumPy arrays and numbers are welcome too, of unknown shape. One overload takes all of `ArrayLike`:
    without it pyright would try every member of that union with every overload."""
    if is_method(of):
        return []
    return of.overload(dict.fromkeys(operands or of.arguments[:1], ARRAY_LIKE), UNKNOWN_ARRAY)


@dataclass(frozen=True)
class Kind:
    """What an operation does to element types: (operands, result) for arrays; (array, scalar, result) for scalars."""

    arrays: tuple[tuple[str, str], ...]
    scalars: tuple[tuple[str, str, str], ...]


ARITHMETIC = Kind(
    (("Y", "Y"),),
    (
        ("F", "float", "F"),
        ("I", "int", "I"),
        ("bool_", "bool", "bool_"),
        ("bool_", "int", "i32"),
        ("X", "float", "f32"),
        ("Y", "Number", "Any"),
    ),
)
DIVISION = Kind((("F", "F"), ("X", "f32")), (("F", "float", "F"), ("X", "float", "f32"), ("D", "Number", "Any")))
COMPARISON = Kind((("D", "bool_"),), (("D", "float", "bool_"),))
BITWISE = Kind((("X", "X"),), (("I", "int", "I"), ("bool_", "bool", "bool_")))
SHIFT = Kind((("I", "I"),), (("I", "int", "I"),))
PRODUCT = Kind((("D", "D"),), ())


@dataclass(frozen=True)
class Binary:
    """Two operands that broadcast (or what `table` says instead)."""

    kind: Kind
    table: Sequence[Row] = BROADCAST

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads: scalars, then operands of unknown shape (which would fit every row), then the table."""
        yield from self.scalars(of, *of.arguments[:2])
        if not is_method(of):
            yield from self.scalars(of, *of.arguments[1::-1])
        for operand, result in self.kind.arrays:
            unknown = array("...", operand)
            for first, second in ((unseen(operand), unknown), (unknown, unseen(operand))):
                yield from self.overload(of, first, second, array("...", result))
            for r in self.table:
                first, second = [array(shape, operand) for shape in r.operands]
                yield from self.overload(of, first, second, array(r.result, result))
        if is_method(of):
            yield from self.overload(of, unseen("Any"), ARRAY_LIKE, UNKNOWN_ARRAY)
        yield from foreign(of, *of.arguments[:2])

    def scalars(self, of: Signature, operand: str, scalar: str) -> Iterator[str]:
        """An array and a Python scalar, or a NumPy value, whose shape is not known to the types."""
        for dtype, number, result in self.kind.scalars:
            yield from of.overload({operand: array("*L", dtype), scalar: number}, array("*L", result))
        yield from of.overload({operand: "Array", scalar: NUMPY_VALUE}, UNKNOWN_ARRAY)

    def overload(self, of: Signature, first: str, second: str, result: str) -> list[str]:
        """The overload for operands of these types."""
        return of.overload(dict(zip(of.arguments[:2], (first, second), strict=True)), result)


@dataclass(frozen=True)
class Reflected:
    """`2 * x`: only for what is no array on the left."""

    kind: Kind

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads."""
        yield from Binary(self.kind).scalars(of, *of.arguments[:2])


@dataclass(frozen=True)
class Unary:
    """One operand, the same shape. Pairs of element types: operand and result."""

    dtypes: tuple[tuple[str, str], ...]

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads."""
        for operand, result in self.dtypes:
            yield from of.overload({of.arguments[0]: array("*L", operand)}, array("*L", result))
        yield from foreign(of)


@dataclass(frozen=True)
class Kept:
    """Along any axis, which keeps its size; axis None flattens. Pairs of element types: operand and result."""

    dtypes: tuple[tuple[str, str], ...]

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads; those where the element type of the result is asked for come last."""
        default = of.default("axis")
        some = "int" if default == "None" else f"int = {default}"
        none = "None = None" if default == "None" else "None"
        asks = [(operand, result, "None = None") for operand, result in self.dtypes]
        if "dtype" in of.arguments:
            asks += [("D", "G", "type[G]"), ("D", "Any", "str | type[Any] | np.dtype[Any]")]
        for operand, result, dtype in asks:
            types = {"dtype": dtype} if "dtype" in of.arguments else {}
            first = of.arguments[0]
            yield from of.overload({first: unseen(operand), "axis": some, **types}, array("...", result))
            yield from of.overload({first: array("*L", operand), "axis": some, **types}, array("*L", result))
            yield from of.overload({first: array("...", operand), "axis": none, **types}, array("?", result))
        yield from foreign(of)


@dataclass(frozen=True)
class Like:
    """The result has the shape of one operand. Pairs of element types: of that operand and of the result."""

    operand: int
    dtypes: tuple[tuple[str, str], ...]

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads."""
        for operand, result in self.dtypes:
            yield from of.overload({of.arguments[self.operand]: array("*L", operand)}, array("*L", result))
        yield from foreign(of, of.arguments[self.operand])


KEEPDIMS, NO_KEEPDIMS = "Literal[True]", "Literal[False] = False"


@dataclass(frozen=True)
class Reduction:
    """Without one axis, several or all. Pairs of element types: operand and result. Axes are literals: a size that goes
    away must be known by its place."""

    dtypes: tuple[tuple[str, str], ...]
    one_axis: bool = False

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads; those where the element type of the result is asked for come last."""
        asks = [(operand, result, "None = None") for operand, result in self.dtypes]
        if "dtype" in of.arguments:
            asks += [("D", "G", "type[G]"), ("D", "Any", "str | type[Any] | np.dtype[Any]")]
        for operand, result, dtype in asks:
            types = {"dtype": dtype} if "dtype" in of.arguments else {}
            for axis, shapes, keepdims in self._cases():
                shape = shapes.operands[0]
                taken = unseen(operand) if shape == "unseen" else array(shape, operand)
                yield from of.overload(
                    {of.arguments[0]: taken, "axis": axis, **types, "keepdims": keepdims}, array(shapes.result, result)
                )
        yield from foreign(of)

    def _cases(self) -> Iterator[tuple[str, Row, str]]:
        yield "None = None", Row(("...",), ""), NO_KEEPDIMS
        yield "None = None", Row(("unseen",), "..."), KEEPDIMS
        for rank in range(len(AXES) + 1):
            yield "None = None", Row((" ".join(AXES[:rank]),), " ".join("1" * rank)), KEEPDIMS
        yield "None = None", Row(("...",), "..."), KEEPDIMS
        yield "int" if self.one_axis else "int | tuple[int, ...]", Row(("unseen",), "..."), "bool = False"
        for axis, without, kept in ONE_AXIS_REDUCTIONS if self.one_axis else SEVERAL_REDUCTIONS:
            yield axis, without, NO_KEEPDIMS
            yield axis, kept, KEEPDIMS


SAME = (("D", "D"),)
FLOATS = (("F", "F"), ("X", "f32"))
TRUTH = (("D", "bool_"),)
POSITIONS = (("D", "i32"),)
PARTS = (("c64", "f32"), ("c128", "f64"), ("D", "D"))   # of complex numbers
TOTALS = (("F", "F"), ("i32", "i32"), ("bool_", "i32"), ("I", "Any"))
