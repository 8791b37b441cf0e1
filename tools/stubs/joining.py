"""Rules of what puts arrays together and takes them apart: stacks, splits, pads, tiles, grids."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from tools.stubs.layout import AlongAxis, along
from tools.stubs.notation import array, decided, unseen
from tools.stubs.operators import ARRAY_LIKE, UNKNOWN_ARRAY, Rule, foreign
from tools.stubs.shaped import Items, Shaped, by_position, several
from tools.stubs.signature import Parameter, Signature

# The axis that is joined, and what the shapes are.
JOINED = ((0, "? *L"), (-1, "*L ?"), (1, "N ? *L"), (-2, "*L ? N"))


def _axis(axis: int) -> str:
    return f"Literal[{axis}]" + (" = 0" if axis == 0 else "")


def concatenate(of: Signature) -> Iterator[str]:
    """All sizes but the joined one agree; that one is not known to the types."""
    first = of.arguments[0]
    yield from of.overload({first: f"Sequence[{unseen()}]", "axis": "int | None = 0"}, array("..."))
    for axis, shape in JOINED:
        yield from of.overload({first: f"Sequence[{array(shape)}]", "axis": _axis(axis)}, array(shape))
    yield from of.overload({first: f"Sequence[{array('...')}]", "axis": "None"}, array("?"))
    yield from of.overload({first: "Sequence[np.ndarray[Any, Any]]"}, UNKNOWN_ARRAY)


def append(of: Signature) -> Iterator[str]:
    """As concatenate; without an axis both are flattened."""
    first, second, _ = of.arguments
    yield from of.overload({first: array("..."), second: f"{array('...')} | float", "axis": "None = None"}, array("?"))
    for one, other in ((unseen(), array("...")), (array("..."), unseen())):
        yield from of.overload({first: one, second: other, "axis": "int"}, array("..."))
    for axis, shape in JOINED:
        yield from of.overload({first: array(shape), second: array(shape), "axis": f"Literal[{axis}]"}, array(shape))
    yield from foreign(of, first, second)


def stack(of: Signature) -> Iterator[str]:
    """A tuple of two to four arrays gives a literal size."""
    first = of.arguments[0]
    yield from of.overload({first: f"Sequence[{unseen()}]", "axis": "int = 0"}, array("..."))
    for count in (2, 3, 4, None):
        size = str(count) if count else "?"
        for axis, shape, result in ((0, "*L", f"{size} *L"), (-1, "*L", f"*L {size}"), (1, "N *L", f"N {size} *L")):
            one = array(shape)
            given = decided(f"tuple[{', '.join([one] * count)}]") if count else f"Sequence[{one}]"
            yield from of.overload({first: given, "axis": _axis(axis)}, array(result))
    yield from of.overload({first: "Sequence[np.ndarray[Any, Any]]"}, UNKNOWN_ARRAY)


def split(of: Signature) -> Iterator[str]:
    """Parts whose sizes along the axis are not known."""
    first = of.arguments[0]
    yield from of.overload({first: unseen(), "axis": "int = 0"}, f"list[{array('...')}]")
    for axis, operand, part in (
        (0, "N *L", "? *L"),
        (-1, "*L N", "*L ?"),
        (1, "M N *L", "M ? *L"),
        (-2, "*L N M", "*L ? M"),
    ):
        yield from of.overload({first: array(operand), "axis": _axis(axis)}, f"list[{array(part)}]")


def parts(table: str) -> Rule:
    """A list of parts, along an axis that the function's name says."""
    return Shaped(table, form="list[{}]")


def unstack(of: Signature) -> Iterator[str]:
    """The slices along an axis."""
    first = of.arguments[0]
    yield from of.overload({first: unseen(), "axis": "int = 0"}, f"tuple[{array('...')}, ...]")
    for axis, operand, part in ((0, "N *L", "*L"), (-1, "*L N", "*L"), (1, "M N *L", "M *L")):
        yield from of.overload({first: array(operand), "axis": _axis(axis)}, f"tuple[{array(part)}, ...]")


NO_PAD = "tuple[Literal[0], Literal[0]]"
SOME_PAD = "tuple[int, int]"


def pad(of: Signature) -> Iterator[str]:
    """Axes padded by a literal (0, 0) keep their size."""
    first, width = of.arguments[:2]
    yield from of.overload({first: unseen(), width: "Any"}, array("..."))
    for rank in (1, 2, 3, 4):
        names = "NMKJ"[:rank]
        for kept in itertools.product((True, False), repeat=rank):
            if any(kept) and not all(kept):
                widths = ", ".join([NO_PAD if k else SOME_PAD for k in kept])
                shape = " ".join([n if k else "?" for n, k in zip(names, kept, strict=True)])
                types = {first: decided(array(" ".join(names))), width: f"tuple[{widths}]"}
                yield from of.overload(types, array(shape))
    numbers = f"int | {SOME_PAD} | tuple[{SOME_PAD}] | list[Any] | np.ndarray[Any, Any]"
    for rank in range(5):
        widths = f" | tuple[{', '.join([SOME_PAD] * rank)}]" if rank > 1 else ""
        shape = " ".join("NMKJ"[:rank])
        yield from of.overload({first: array(shape), width: f"{numbers}{widths}"}, array(" ".join("?" * rank)))
    yield from foreign(of)


def tile(of: Signature) -> Iterator[str]:
    """Sizes that are repeated are not known; those before them are kept."""
    first, times = of.arguments
    yield from of.overload({first: unseen(), times: "int | Sequence[int]"}, array("..."))
    for count, given in ((1, "int | tuple[int]"), (2, "tuple[int, int]"), (3, "tuple[int, int, int]")):
        repeated = " ".join("?" * count)
        yield from of.overload({first: array(f"*L {' '.join('NMK'[:count])}"), times: given}, array(f"*L {repeated}"))
        for rank in range(count):
            yield from of.overload({first: array(" ".join("NMK"[:rank])), times: given}, array(repeated))
    yield from foreign(of)


def meshgrid(of: Signature) -> Iterator[str]:
    """Two or three vectors; the first two axes are exchanged, as in pictures, unless `indexing="ij"`."""
    options = of.parameters[1:]
    for indexing, shapes in (('Literal["xy"] = "xy"', ("N", "M N", "M N K")), ('Literal["ij"]', ("N", "N M", "N M K"))):
        for shape in shapes:
            rank = len(shape.split())
            for sparse, result in (("Literal[False] = False", shape), ("Literal[True]", " ".join("?" * rank))):
                vectors = [Parameter(f"x{i}", "/", array(n), None) for i, n in enumerate("NMK"[:rank])]
                one = replace(of, parameters=(*vectors, *options))
                yield from one.overload({"sparse": sparse, "indexing": indexing}, f"list[{array(result)}]")
    yield from of.overload({of.arguments[0]: f"*{of.arguments[0]}: {ARRAY_LIKE}"}, f"list[{UNKNOWN_ARRAY}]")


TWO_SHAPES = """
*L, -> *L
, *L -> *L
*L N, *L 1 -> *L N
*L 1, *L N -> *L N
*L N, N -> *L N
N, *L N -> *L N
N 1, 1 M -> N M
"""


def broadcast_arrays(of: Signature) -> Iterator[str]:
    """Two arrays, or any number of one shape."""
    every = of.arguments[0]
    yield from of.overload({every: f"*{every}: {array('*L')}"}, f"list[{array('*L')}]")
    two = replace(of, parameters=tuple([Parameter(name, "/", "", None) for name in "ab"]))
    yield from Shaped(TWO_SHAPES, form="list[{}]", foreign=False)(two)
    yield from of.overload({every: f"*{every}: {ARRAY_LIKE}"}, f"list[{UNKNOWN_ARRAY}]")


DIFF = AlongAxis(along("-1: *L N -> *L ?", "0: N *L -> ? *L", "1: M N *L -> M ? *L", "-2: *L N M -> *L ? M"))

RULES: dict[str, Rule] = {
    **dict.fromkeys(("concatenate", "concat"), concatenate),
    "append": append,
    "stack": stack,
    "hstack": Items("N -> ?\nN ? *L -> N ? *L\n -> #"),
    "vstack": Items("N -> # N\n? N *L -> ? N *L"),
    "dstack": Items("N -> 1 N #\nN M -> N M #\nN M ? *L -> N M ? *L"),
    "column_stack": Items("N -> N #\nN ? -> N ?"),
    **dict.fromkeys(("split", "array_split"), split),
    "vsplit": parts("N *L -> ? *L"),
    "hsplit": parts("M N *L -> M ? *L\nN -> ?"),
    "unstack": unstack,
    "pad": pad,
    "tile": tile,
    "meshgrid": meshgrid,
    "broadcast_arrays": broadcast_arrays,
    "diff": by_position("n", DIFF),
    "ediff1d": Shaped("... -> ?"),
    "atleast_1d": Shaped(" -> 1\nN *L -> N *L"),
    "atleast_2d": Shaped(" -> 1 1\nN -> 1 N\nN M *L -> N M *L"),
    "atleast_3d": Shaped(" -> 1 1 1\nN -> 1 N 1\nN M -> N M 1\nN M K *L -> N M K *L"),
    "rot90": several(
        *[
            Shaped(f"N M *L -> {turned} *L", given={"k": k}, foreign=k == "int")
            for k, turned in (("Literal[1, -1, 3, -3] = 1", "M N"), ("Literal[0, 2, -2]", "N M"), ("int", "? ?"))
        ]
    ),
}
