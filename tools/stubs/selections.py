"""Rules of what finds, sorts out and counts: how many there are is in a type only where `size=` names it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tools.stubs.creation import ASKED_DTYPES
from tools.stubs.notation import array, decided, unseen
from tools.stubs.operators import ARRAY_LIKE, FOREIGN, UNKNOWN_ARRAY, Reduction, Rule, foreign
from tools.stubs.shaped import Items, Shaped, gives, several
from tools.stubs.signature import Signature

# `size=Batch(8)` names the size, an int or none leaves it unknown.
SIZES = (("A", "A"), ("int | None = None", "?"))


def found(shapes: tuple[tuple[str, str], ...], dtype: str | None = "i32", parts: bool = False) -> Rule:
    """Operands, and results in which `#` is the size that is asked for. `parts`: a tuple of vectors of that size."""

    def rule(of: Signature) -> Iterator[str]:
        for size, written in SIZES:
            for operand, result in shapes:
                arrays = [array(r.replace("#", written).strip(), dtype or "D") for r in result.split(";")]
                held = f"tuple[{', '.join(arrays)}]" if parts else arrays[0]
                yield from of.overload({of.arguments[0]: decided(array(operand)), "size": size}, held)
        unknown = f"tuple[{array('?', dtype or 'Any')}, ...]" if parts else UNKNOWN_ARRAY
        yield from of.overload({of.arguments[0]: ARRAY_LIKE}, unknown)

    return rule


NONZERO = (("N", "#"), ("N M", "#;#"), ("N M K", "#;#;#"), ("N M K J", "#;#;#;#"))
PLACES = (("N", "# 1"), ("N M", "# 2"), ("N M K", "# 3"), ("N M K J", "# 4"))


def picked(of: Signature) -> Iterator[str]:
    """Elements for which a condition holds, from all of the array or along an axis."""
    array_name = of.arguments[1]
    for size, written in SIZES:
        axes = [("None = None", "...", "?")] if "axis" in of.arguments else [("", "...", "?")]
        if "axis" in of.arguments:
            axes += [(f"Literal[{a}]", operand, result) for a, operand, result in
                     ((0, "N *L", "? *L"), (-1, "*L N", "*L ?"), (1, "M N *L", "M ? *L"))]
        for axis, operand, result in axes:
            types = {array_name: decided(array(operand)), "size": size, **({"axis": axis} if axis else {})}
            yield from of.overload(types, array(result.replace("?", written)))
    yield from foreign(of, array_name)


def unique(of: Signature) -> Iterator[str]:
    """The values, and for each flag an array of positions, numbers or counts."""
    first, flags = of.arguments[0], ("return_index", "return_inverse", "return_counts")
    for size, written in SIZES:
        for chosen in itertools.product((False, True), repeat=3):
            asked = ["Literal[True]" if on else "Literal[False] = False" for on in chosen]
            types = dict(zip(flags, asked, strict=True))
            parts = [array(written), *[array("*L" if i == 1 else written, "i32") for i in range(3) if chosen[i]]]
            result = f"tuple[{', '.join(parts)}]" if any(chosen) else parts[0]
            yield from of.overload({first: decided(array("*L")), **types, "axis": "None = None", "size": size}, result)
    none = dict.fromkeys(flags, "Literal[False] = False")
    for axis, operand, result in ((0, "N *L", "? *L"), (-1, "*L N", "*L ?"), (1, "M N *L", "M ? *L")):
        yield from of.overload({first: array(operand), **none, "axis": f"Literal[{axis}]"}, array(result))
    yield from of.overload({first: ARRAY_LIKE}, "Any")


def unique_parts(form: str, *dtypes: str) -> Rule:
    """A named tuple: the values, then what its name says. `#` is how many values there are."""

    def rule(of: Signature) -> Iterator[str]:
        first = of.arguments[0]
        for size, written in SIZES:
            types = {"vector": array(written, "i32"), "whole": array("*L", "i32")}
            yield from of.overload({first: decided(array("*L")), "size": size},
                                   f"{form}[{', '.join([array(written), *[types[d] for d in dtypes]])}]")
        types = {"vector": array("?", "i32"), "whole": array("...", "i32")}
        yield from of.overload({first: ARRAY_LIKE},
                               f"{form}[{', '.join([array('?', 'Any'), *[types[d] for d in dtypes]])}]")

    return rule


def of_sets(of: Signature) -> Iterator[str]:
    """Two arrays of any shapes; a vector."""
    first, second = of.arguments[:2]
    plain = {"return_indices": "Literal[False] = False"} if "return_indices" in of.arguments else {}
    for size, written in SIZES:
        both = dict.fromkeys((first, second), decided(array("...")))
        yield from of.overload({**both, **plain, "size": size}, array(written))
        if plain:
            three = f"tuple[{array(written)}, {array(written, 'i32')}, {array(written, 'i32')}]"
            yield from of.overload({**both, "return_indices": "Literal[True]", "size": size}, three)
    yield from of.overload(dict.fromkeys((first, second), ARRAY_LIKE), "Any" if plain else array("?", "Any"))


def quantile(of: Signature) -> Iterator[str]:
    """A reduction for one number; for several an axis in front."""
    one = of.with_type("q", f"float | {array('', 'f32')}")
    yield from Reduction((("F", "F"), ("X", "f32")))(one)
    for q, size in ((array("P", "F"), "P"), ("list[float]", "?")):
        for dtype, result in (("F", "F"), ("X", "f32")):
            types, first = {"q": q, "keepdims": "Literal[False] = False"}, of.arguments[0]
            yield from of.overload({**types, first: unseen(dtype), "axis": "Any = None"}, array("...", result))
            for axis, operand, rest in (("None = None", "...", ""), ("Literal[0]", "N *L", "*L"),
                                        ("Literal[-1]", "*L N", "*L"), ("Literal[1]", "M N *L", "M *L")):
                yield from of.overload({**types, first: array(operand, dtype), "axis": axis},
                                       array(f"{size} {rest}", result))
    yield from of.overload(dict.fromkeys(of.arguments[:2], ARRAY_LIKE), UNKNOWN_ARRAY)


def places(of: Signature) -> Iterator[str]:
    """Two vectors of positions, as many as the triangle has elements."""
    yield from of.overload({}, f"tuple[{array('?', 'i32')}, {array('?', 'i32')}]")


def diag_indices(of: Signature) -> Iterator[str]:
    """A vector of positions for each axis."""
    for n, size in (("A", "A"), ("int", "?")):
        one = array(size, "i32")
        yield from of.overload({"n": n, "ndim": "Literal[2] = 2"}, f"tuple[{one}, {one}]")
        yield from of.overload({"n": n, "ndim": "int"}, f"tuple[{one}, ...]")


def unravelled(of: Signature) -> Iterator[str]:
    """The positions along each of the axes of a shape."""
    first = of.arguments[0]
    for operand, result in ((array("*L", "I"), array("*L", "I")), (f"{unseen('I')} | {FOREIGN}", UNKNOWN_ARRAY)):
        for rank in (1, 2, 3, 4):
            shape = f"tuple[{', '.join(['int'] * rank)}]"
            yield from of.overload({first: operand, "shape": shape}, f"tuple[{', '.join([result] * rank)}]")


def indices(of: Signature) -> Iterator[str]:
    """One grid of positions for each axis."""
    dense = {"sparse": "Literal[False] = False"}
    for dtype, element in (("None = None", "i32"), *ASKED_DTYPES):
        for rank in (1, 2, 3):
            named = f"tuple[{', '.join('ABC'[:rank])}]"
            yield from of.overload({of.arguments[0]: named, "dtype": dtype, **dense},
                                   array(f"{rank} {' '.join('ABC'[:rank])}", element))
            literal = f"Shape[tuple[{', '.join('NMK'[:rank])}]]"
            yield from of.overload({of.arguments[0]: literal, "dtype": dtype, **dense},
                                   array(f"{rank} {' '.join('NMK'[:rank])}", element))
    yield from of.overload({"sparse": "bool = False"}, "Any")


def counts(of: Signature) -> Iterator[str]:
    """How often each number occurs; a named length is the size."""
    first = of.arguments[0]
    for length, size in (("A", "A"), ("int | None = None", "?")):
        for weights, dtype in (("None = None", "i32"), (array("N", "F"), "F")):
            types = {first: decided(array("N", "X")), "weights": weights, "length": length}
            yield from of.overload(types, array(size, dtype))
    yield from foreign(of)


def histogram(of: Signature) -> Iterator[str]:
    """Counts and edges: given edges are one more than the counts, a number of bins is a plain int."""
    two = f"tuple[{array('?', 'Any')}, {array('?', 'Any')}]"
    yield from of.overload({of.arguments[0]: array("..."), "bins": array("N", "F")},
                           f"tuple[{array('?', 'Any')}, {array('N', 'F')}]")
    yield from of.overload({}, two)


RULES: dict[str, Rule] = {
    "nonzero": found(NONZERO, parts=True),
    "argwhere": found(PLACES),
    "flatnonzero": found((("...", "#"),)),
    **dict.fromkeys(("compress", "extract"), picked),
    "unique": unique,
    "unique_all": unique_parts("UniqueAll", "vector", "whole"),
    "unique_counts": unique_parts("UniqueCounts", "vector"),
    "unique_inverse": unique_parts("UniqueInverse", "whole"),
    "unique_values": found((("...", "#"),), None),
    **dict.fromkeys(("union1d", "intersect1d", "setdiff1d", "setxor1d"), of_sets),
    **dict.fromkeys(("quantile", "percentile", "nanquantile", "nanpercentile"), quantile),
    **dict.fromkeys(("tril_indices", "triu_indices", "tril_indices_from", "triu_indices_from"), places),
    "diag_indices": diag_indices,
    "unravel_index": unravelled,
    "indices": indices,
    "bincount": counts,
    "histogram": histogram,
    "histogram_bin_edges": gives("?", "Any"),
    "lexsort": several(Shaped("N *L -> *L", (("D", "i32"),), foreign=False), Items("*L -> *L", dtype="i32")),
}
