"""Rules of what moves elements around: reshape, transpose, indexing and their kin; methods and functions alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.stubs.notation import DIMS, Row, array, row, rows, unseen
from tools.stubs.operators import foreign, is_method
from tools.stubs.patterns import GATHERS, INDEXING, PERMUTATIONS, SWAPS
from tools.stubs.signature import Signature

MAXIMUM_RANK = 4


def reshape(of: Signature) -> Iterator[str]:
    """A -1 gives a size that is not known; the number of elements is checked when the program runs."""
    whole, to = array("..."), ("shape: {}, /" if is_method(of) else "{}")
    for shape, result in shapes_asked_for(minus_one=True):
        yield from of.overload({of.arguments[0]: whole, "shape": to.format(shape)}, array(result))
    if is_method(of):
        for rank in range(1, MAXIMUM_RANK + 1):
            dims = DIMS[:rank]
            for sizes, result in ((dims, " ".join(dims)), (("int",) * rank, " ".join("?" * rank))):
                separate = [f"{d.lower()}: {size}" for d, size in zip(dims, sizes, strict=True)]
                yield from of.overload({"self": whole, "shape": ", ".join([*separate, "/"])}, array(result))
    else:
        yield from of.overload({of.arguments[0]: whole, "shape": "int"}, array("?"))
        yield from foreign(of)


def shapes_asked_for(minus_one: bool = False) -> Iterator[tuple[str, str]]:
    """Types of a shape argument, and the shapes they stand for. Tuples of named sizes come first: all type checkers
    understand them, where the rest needs pyright."""
    for rank in range(1, MAXIMUM_RANK + 1):
        yield f"tuple[{', '.join(DIMS[:rank])}]", " ".join(DIMS[:rank])
    for rank in range(1, MAXIMUM_RANK + 1) if minus_one else ():
        for unknown in range(rank):
            words = ["NMKJ"[i] if i != unknown else "?" for i in range(rank)]
            yield f"Shape[tuple[{', '.join([w if w != '?' else 'Literal[-1]' for w in words])}]]", " ".join(words)
    yield "Shape[tuple[*L]]", "*L"


def transpose(of: Signature) -> Iterator[str]:
    """The axes as a tuple of literals (methods: also one by one); none given: reversed."""
    method, optional = is_method(of), of.default("axes") == "None" or is_method(of)
    first, axes_as = of.arguments[0], ("axes: {}, /" if method else "{}")
    any_axes = "tuple[int, ...] | None = None" if optional else "tuple[int, ...]"
    yield from of.overload({first: unseen(), "axes": axes_as.format(any_axes)}, array("..."))
    for order, r in PERMUTATIONS:
        axes = [f"Literal[{i}]" for i in order]
        operand, result = array(r.operands[0]), array(r.result)
        if optional and is_reversal(order):
            yield from of.overload({first: operand, "axes": axes_as.format("None = None")}, result)
        yield from of.overload({first: operand, "axes": axes_as.format(f"tuple[{', '.join(axes)}]")}, result)
        if method:
            separate = [f"axis{n}: {axis}" for n, axis in enumerate(axes)]
            yield from of.overload({first: operand, "axes": ", ".join([*separate, "/"])}, result)
    yield from foreign(of)


def is_reversal(order: Sequence[int]) -> bool:
    """Whether a permutation reverses the axes."""
    return [*order] == [*range(len(order))][::-1]


def swapaxes(of: Signature) -> Iterator[str]:
    """Two literal axes."""
    yield from of.overload({of.arguments[0]: unseen(), "axis1": "int", "axis2": "int"}, array("..."))
    for first, second, r in SWAPS:
        types = {of.arguments[0]: array(r.operands[0]), "axis1": first, "axis2": second}
        yield from of.overload(types, array(r.result))
    yield from foreign(of)


@dataclass(frozen=True)
class AlongAxis:
    """An array and a literal axis, row by row. `every`: what happens where the axis is None."""

    table: tuple[tuple[int, Row], ...]
    every: Row | None = None
    unknown_axis: str = "int"

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads."""
        first, default = of.arguments[0], of.default("axis")
        yield from of.overload(
            {first: unseen(), "axis": self._written(self.unknown_axis, default, default != "None")}, array("...")
        )
        if self.every is not None:
            types = {first: array(self.every.operands[0]), "axis": self._written("None", default, default == "None")}
            yield from of.overload(types, array(self.every.result))
        for axis, r in self.table:
            types = {
                first: array(r.operands[0]),
                "axis": self._written(f"Literal[{axis}]", default, default == str(axis)),
            }
            yield from of.overload(types, array(r.result))
        yield from foreign(of)

    def _written(self, axis: str, default: str | None, is_default: bool) -> str:
        return f"{axis} = {default}" if is_default and default is not None else axis


def along(*lines: str) -> tuple[tuple[int, Row], ...]:
    """Read rows such as `-1: *L 1 -> *L`."""
    return tuple([(int(axis), row(shapes)) for axis, _, shapes in [line.partition(":") for line in lines]])


SQUEEZE = AlongAxis(
    along("0: 1 *L -> *L", "-1: *L 1 -> *L", "1: N 1 *L -> N *L", "-2: *L 1 N -> *L N",
          "2: N M 1 *L -> N M *L", "-3: *L 1 N M -> *L N M"),
    row("... -> ..."),
    "int | tuple[int, ...]",
)
EXPAND_DIMS = AlongAxis(
    along("0: *L -> 1 *L", "-1: *L -> *L 1", "1: N *L -> N 1 *L", "-2: *L N -> *L 1 N", "2: N M *L -> N M 1 *L",
          "-3: *L N M -> *L 1 N M", "3: N M K *L -> N M K 1 *L", "-4: *L N M K -> *L 1 N M K"),
    unknown_axis="int | tuple[int, ...]",
)
REPEAT = AlongAxis(
    along("0: N *L -> ? *L", "-1: *L N -> *L ?", "1: M N *L -> M ? *L", "-2: *L N M -> *L ? M"), row("... -> ?")
)
SAME_ALONG = AlongAxis(
    along("0: N *L -> N *L", "-1: *L N -> *L N", "1: N M *L -> N M *L", "-2: *L N M -> *L N M"), row("*L -> *L")
)

HALVED = AlongAxis(along("-1: *L N -> *L ?", "0: N *L -> ? *L", "1: M N *L -> M ? *L", "-2: *L N M -> *L ? M"))
ALONG_WITHOUT = AlongAxis(along("-1: *L N -> *L", "0: N *L -> *L", "1: M N *L -> M *L", "-2: *L N M -> *L M"))

TAKE = {
    0: rows("N *L, -> *L\nN *L, P -> P *L\nN *L, P Q -> P Q *L\nN, *H -> *H\nN M, *H -> *H M"),
    -1: rows("*L N, -> *L\n*L N, P -> *L P\n*L N, P Q -> *L P Q"),
    1: rows("M N *L, -> M *L\nM N *L, P -> M P *L\nM N *L, P Q -> M P Q *L"),
}


def take(of: Signature) -> Iterator[str]:
    """Elements at integer positions along a literal axis."""
    first, whole = of.arguments[0], array("...")
    yield from of.overload(
        {first: unseen(), "indices": f"{array('...', 'I')} | int", "axis": "int | None = None"}, whole
    )
    yield from of.overload({first: whole, "indices": array("*L", "I"), "axis": "None = None"}, array("*L"))
    for axis, table in TAKE.items():
        for r in table:
            values, positions = r.operands
            types = {first: array(values), "indices": array(positions, "I"), "axis": f"Literal[{axis}]"}
            yield from of.overload(types, array(r.result))
        yield from of.overload(
            {first: array(table[0].operands[0]), "indices": "int", "axis": f"Literal[{axis}]"},
            array("*L" if axis < 1 else "M *L"),
        )
    yield from foreign(of)


def take_along_axis(of: Signature) -> Iterator[str]:
    """Positions of the array's rank; the result has their shape."""
    yield from of.overload({of.arguments[0]: array("..."), "indices": array("*L", "I")}, array("*L"))
    yield from foreign(of)


def getitem(of: Signature) -> Iterator[str]:
    """`x[...]`: indices of up to three parts, among them integer arrays that gather."""
    yield from of.overload({"self": unseen(), "index": "Any"}, array("..."))
    yield from of.overload({"self": array("*L"), "index": "EllipsisType | tuple[()]"}, array("*L"))
    for index, r in (*INDEXING, *GATHERS):
        yield from of.overload({"self": array(r.operands[0]), "index": index}, array(r.result))


def iteration(of: Signature) -> Iterator[str]:
    """Rows."""
    yield from of.overload({"self": unseen()}, f"Iterator[{array('...')}]")
    yield from of.overload({"self": array("N *L")}, f"Iterator[{array('*L')}]")


def to_dtype(of: Signature) -> Iterator[str]:
    """A marker, one of Python's number types, or anything NumPy takes for a dtype."""
    for dtype, result in (
        ("type[G]", "G"),
        ("type[bool]", "bool_"),
        ("type[int]", "i32"),
        ("type[float]", "f32"),
        ("type[complex]", "Any"),
        ("str | type[np.generic] | np.dtype[Any]", "Any"),
    ):
        yield from of.overload({of.arguments[0]: array("*L"), "dtype": dtype}, array("*L", result))
    yield from foreign(of)
