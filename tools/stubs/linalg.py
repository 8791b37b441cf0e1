"""Rules of `lantern.numpy.linalg` and `lantern.scipy.linalg`: matrices are the last two axes, those before are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from tools.stubs.notation import array, row, rows, unseen
from tools.stubs.operators import FLOATS, PRODUCT, UNKNOWN_ARRAY, Binary, Reduction, Rule, foreign
from tools.stubs.patterns import MATMUL
from tools.stubs.products import CROSS, TENSORDOT, VECDOT
from tools.stubs.shaped import Shaped, by_position, several
from tools.stubs.signature import Signature

# Of a complex matrix: what is real in the results, and what is complex.
LENGTHS = (("f32", "f32"), ("c64", "f32"), ("F", "F"), ("X", "f32"))
SPECTRUM = (("f32", "f32 f32"), ("c64", "f32 c64"), ("F", "F F"), ("X", "f32 f32"))
TRIPLE = (("f32", "f32"), ("c64", "c64 f32 c64"), ("F", "F"), ("X", "f32"))
COMPLEX = (("f32", "c64"), ("c64", "c64"), ("f64", "c128"), ("c128", "c128"), ("X", "c64"))

SYSTEMS = "*L N N, N -> *L N\n*L N N, *L N K -> *L N K\nN N, *L N K -> *L N K\n*L N N, N K -> *L N K"
SQUARE = Shaped("*L N N -> *L N N", FLOATS)
DETERMINANT = Shaped("*L N N -> *L", FLOATS)

Pairs: TypeAlias = Sequence[tuple[str, str]]
Case: TypeAlias = tuple[Mapping[str, str], str]


def decomposed(form: str, dtypes: Pairs, whole: Case, thin: Case) -> Rule:
    """Factors of a square matrix, or of one whose smaller side the types cannot name; whole factors, or thin ones: what
    asks for them, and the table."""
    return several(*[Shaped(table, dtypes, given, form=form) for given, table in (whole, thin)])


QR_WHOLE = "*L N N -> *L N N; *L N N\n*L N M -> *L N N; *L N M"
QR_THIN = "*L N N -> *L N N; *L N N\n*L N M -> *L N ?; *L ? M"
R = Shaped("*L N N -> *L N N\n*L N M -> *L ? M", FLOATS, {"mode": 'Literal["r"]'})
SVD_WHOLE = "*L N N -> *L N N; *L N; *L N N\n*L N M -> *L N N; *L ?; *L M M"
SVD_THIN = "*L N N -> *L N N; *L N; *L N N\n*L N M -> *L N ?; *L ?; *L ? M"
ONLY_VALUES = Shaped("*L N N -> *L N\n*L N M -> *L ?", LENGTHS, {"compute_uv": "Literal[False]"})


def svd(form: str) -> Rule:
    """Singular vectors and values, or values only."""
    both = {"compute_uv": "Literal[True] = True"}
    whole = ({"full_matrices": "Literal[True] = True", **both}, SVD_WHOLE)
    thin = ({"full_matrices": "Literal[False]", **both}, SVD_THIN)
    return several(decomposed(form, TRIPLE, whole, thin), ONLY_VALUES)


def multi_dot(of: Signature) -> Iterator[str]:
    """Two to four matrices; the ends may be vectors."""
    first = of.arguments[0]
    yield from of.overload({first: f"Sequence[{unseen()}]"}, array("..."))
    for line in ("N M, M K -> N K", "N M, M K, K J -> N J", "N M, M K, K J, J P -> N P", "M, M K -> K", "N M, M -> N"):
        r = row(line)
        yield from of.overload({first: f"tuple[{', '.join([array(s) for s in r.operands])}]"}, array(r.result))
    yield from of.overload({first: f"list[{array('? ?')}]"}, array("? ?"))
    yield from of.overload({first: "Sequence[np.ndarray[Any, Any]]"}, UNKNOWN_ARRAY)


def cho_solve(of: Signature) -> Iterator[str]:
    """A factor with its triangle, and right-hand sides."""
    factor, sides = of.arguments[:2]
    anything = f"tuple[{unseen('F')}, bool]"
    yield from of.overload({factor: anything, sides: array("...", "F")}, array("...", "F"))
    yield from of.overload({factor: f"tuple[{array('...', 'F')}, bool]", sides: unseen("F")}, array("...", "F"))
    for r in rows(SYSTEMS):
        given = {factor: f"tuple[{array(r.operands[0], 'F')}, bool]", sides: array(r.operands[1], "F")}
        yield from of.overload(given, array(r.result, "F"))
    yield from of.overload({factor: "tuple[np.ndarray[Any, Any], bool]"}, UNKNOWN_ARRAY)


def lu_solve(of: Signature) -> Iterator[str]:
    """Packed factors with their exchanges, and right-hand sides."""
    factors, sides = of.arguments[:2]
    exchanges = array("...", "i32")
    yield from of.overload({factors: f"tuple[{unseen('F')}, {exchanges}]"}, array("...", "F"))
    for r in rows(SYSTEMS):
        given = {factors: f"tuple[{array(r.operands[0], 'F')}, {exchanges}]", sides: array(r.operands[1], "F")}
        yield from of.overload(given, array(r.result, "F"))


def block_diag(of: Signature) -> Iterator[str]:
    """A matrix whose sizes are sums."""
    yield from of.overload({}, array("? ?", "Any"))


def toeplitz(of: Signature) -> Iterator[str]:
    """A column, and a row that is the column where none is given."""
    yield from Shaped("*L N -> *L N N", given={"r": "None = None"}, foreign=False)(of)
    yield from Shaped("N, M -> N M", foreign=False)(of)
    yield from foreign(of)


def scipy_eigh(of: Signature) -> Iterator[str]:
    """Values and vectors, or values only."""
    both, values = {"eigvals_only": "Literal[False] = False"}, {"eigvals_only": "Literal[True]"}
    yield from Shaped("*L N N -> *L N; *L N N", SPECTRUM, both)(of)
    yield from Shaped("*L N N -> *L N", LENGTHS, values)(of)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("cholesky", "inv", "matrix_power"), SQUARE),
    "det": DETERMINANT,
    "slogdet": Shaped("*L N N -> *L; *L", (("f32", "f32"), ("c64", "c64 f32"), ("F", "F"), ("X", "f32")),
                      form="SlogdetResult[{}, {}]"),
    "eigh": Shaped("*L N N -> *L N; *L N N", SPECTRUM, form="EighResult[{}, {}]"),
    "eig": Shaped("*L N N -> *L N; *L N N", COMPLEX, form="EigResult[{}, {}]"),
    "eigvals": Shaped("*L N N -> *L N", COMPLEX),
    "eigvalsh": Shaped("*L N N -> *L N", LENGTHS),
    "solve": Shaped(SYSTEMS, FLOATS),
    "qr": several(
        decomposed("QRResult[{}, {}]", FLOATS, ({"mode": 'Literal["reduced"] = "reduced"'}, QR_THIN),
                   ({"mode": 'Literal["complete"]'}, QR_WHOLE)),
        R,
    ),
    "svd": svd("SVDResult[{}, {}, {}]"),
    "svdvals": Shaped("*L N N -> *L N\n*L N M -> *L ?", LENGTHS),
    "pinv": Shaped("*L N M -> *L M N", FLOATS),
    "matrix_rank": Shaped("*L N M -> *L", (("D", "i32"),)),
    "cond": Shaped("*L N M -> *L", LENGTHS),
    "norm": by_position("ord", Reduction(LENGTHS), Reduction((("F", "F"),))),
    "vector_norm": Reduction(LENGTHS),
    "matrix_norm": several(
        Shaped("*L N M -> *L", LENGTHS, {"keepdims": "Literal[False] = False"}, foreign=False),
        Shaped("*L N M -> *L 1 1", LENGTHS, {"keepdims": "Literal[True]"}),
    ),
    "lstsq": Shaped("N M, N -> M; ?; ; ?\nN M, N K -> M K; ?; ; ?", (("F", "F F i32 F"),)),
    "cross": Shaped(CROSS),
    "diagonal": several(
        Shaped("*L N N -> *L N\n*L N M -> *L ?", given={"offset": "Literal[0] = 0"}, foreign=False),
        Shaped("*L N M -> *L ?", given={"offset": "int"}),
    ),
    "trace": Shaped("*L N M -> *L"),
    "outer": Shaped("N, M -> N M"),
    "tensordot": TENSORDOT,
    "vecdot": Shaped(VECDOT),
    "matmul": Binary(PRODUCT, MATMUL),
    "matrix_transpose": Shaped("*L N M -> *L M N"),
    "multi_dot": multi_dot,
}

SCIPY: dict[str, Rule] = {
    **dict.fromkeys(("cholesky", "inv", "expm"), SQUARE),
    "det": DETERMINANT,
    **dict.fromkeys(("solve", "solve_triangular"), Shaped(SYSTEMS, FLOATS)),
    "cho_factor": Shaped("*L N N -> *L N N", FLOATS, form="tuple[{}, bool]"),
    "cho_solve": cho_solve,
    "eigh": scipy_eigh,
    "lu": several(
        Shaped("*L N N -> *L N N; *L N N; *L N N\n*L N M -> *L N N; *L N ?; *L ? M", FLOATS,
               {"permute_l": "Literal[False] = False"}),
        Shaped("*L N N -> *L N N; *L N N\n*L N M -> *L N ?; *L ? M", FLOATS, {"permute_l": "Literal[True]"}),
    ),
    "lu_factor": Shaped("*L N N -> *L N N; *L N\n*L N M -> *L N M; *L ?", (("F", "F i32"), ("X", "f32 i32"))),
    "lu_solve": lu_solve,
    "qr": several(
        decomposed("tuple[{}, {}]", FLOATS, ({"mode": 'Literal["full"] = "full"'}, QR_WHOLE),
                   ({"mode": 'Literal["economic"]'}, QR_THIN)),
        Shaped("*L N N -> *L N N\n*L N M -> *L N M", FLOATS, {"mode": 'Literal["r"]'}, form="tuple[{}]"),
    ),
    "svd": svd("tuple[{}, {}, {}]"),
    "block_diag": block_diag,
    "toeplitz": toeplitz,
}
