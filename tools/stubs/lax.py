"""Rules of `lantern.lax`: operands of one shape and one element type; nothing broadcasts, nothing is promoted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tools.stubs.functions import each
from tools.stubs.layout import shapes_asked_for
from tools.stubs.notation import Row, array, rows, unseen
from tools.stubs.operators import PRODUCT, SAME, TRUTH, UNKNOWN_ARRAY, Binary, Kind, Rule, Unary, foreign
from tools.stubs.patterns import MATMUL, PERMUTATIONS, REDUCTIONS
from tools.stubs.signature import Signature
from tools.stubs.transforms import TREE

EQUAL = rows("*L, *L -> *L\n*L, -> *L\n, *L -> *L")
NUMBERS = (("F", "float"), ("I", "int"))
ARITHMETIC = Kind((("D", "D"),), tuple([(d, number, d) for d, number in NUMBERS]))
COMPARISON = Kind((("D", "bool_"),), tuple([(d, number, "bool_") for d, number in NUMBERS]))
BITWISE = Kind((("X", "X"),), (("I", "int", "I"), ("bool_", "bool", "bool_")))


def same_tree(of: Signature) -> Iterator[str]:
    """Collectives: each leaf keeps its type."""
    yield from of.overload({of.arguments[0]: "T"}, "T")


def select(of: Signature) -> Iterator[str]:
    """A condition and two values of one shape."""
    values = dict.fromkeys(of.arguments[1:], array("*L"))
    yield from of.overload({of.arguments[0]: array("*L", "bool_"), **values}, array("*L"))
    yield from foreign(of, *of.arguments)


def converted(of: Signature) -> Iterator[str]:
    """Another element type."""
    yield from of.overload({of.arguments[0]: array("*L"), of.arguments[1]: "type[G]"}, array("*L", "G"))
    yield from foreign(of)


def reduce(of: Signature) -> Iterator[str]:
    """Axes as a tuple of literals."""
    first, axes = of.arguments
    yield from of.overload({first: unseen(), axes: "Sequence[int]"}, array("..."))
    for axis, without, _ in REDUCTIONS:
        if "-" not in axis:
            written = axis if axis.startswith("tuple") else f"tuple[{axis}]"
            yield from of.overload({first: array(without.operands[0]), axes: written}, array(without.result))
    yield from foreign(of)


def transpose(of: Signature) -> Iterator[str]:
    """A permutation as a tuple of literals."""
    first, permutation = of.arguments
    yield from of.overload({first: unseen(), permutation: "Sequence[int]"}, array("..."))
    for order, r in PERMUTATIONS:
        written = f"tuple[{', '.join([f'Literal[{i}]' for i in order])}]"
        yield from of.overload({first: array(r.operands[0]), permutation: written}, array(r.result))
    yield from foreign(of)


class Product:
    """A product whose element type may be asked for."""

    def __init__(self, shapes: tuple[Row, ...]) -> None:
        self.plain = Binary(PRODUCT, shapes)

    def __call__(self, of: Signature) -> Iterator[str]:
        """All overloads."""
        asked = of.parameters[-1]
        yield from self.plain(replace(of, parameters=of.parameters[:-1]))
        operands = dict.fromkeys(of.arguments[:2], "ArrayLike")
        for precision in ("PrecisionLike", "PrecisionLike = None"):     # before a required one, none has a default
            types = {**operands, "precision": precision, asked.name: "object"}
            yield from of.overload(types, UNKNOWN_ARRAY)


def reshape(of: Signature) -> Iterator[str]:
    """The shape that is asked for."""
    for written, result in shapes_asked_for():
        yield from of.overload({of.arguments[0]: array("..."), of.arguments[1]: written}, array(result))
    yield from foreign(of)


# Values whose type does not say what the body gets: containers of arrays, NumPy arrays.
LOOSE = f"{TREE} | np.ndarray[Any, Any]"


def _carries() -> Iterator[tuple[str, str]]:
    """Types of the initial carry, and of the carry that the body takes; the body returns T.

    A number takes the type that the body makes of it, so numbers come first; containers, which may hold numbers, have
    a second chance where the exact type does not fit.
    """
    yield "float", "Any"
    yield "T", "T"
    yield LOOSE, "Any"


def _outputs(count: str) -> Iterator[tuple[str, str]]:
    """Types of y, and of `count` stacked ys."""
    yield array("*H", "G"), array(f"{count} *H", "G")
    yield TREE, "Any"


def _rows() -> Iterator[tuple[str, str, str]]:
    """Types of xs, of one row of them, and how many rows there are."""
    yield array("N *L"), array("*L"), "N"
    yield LOOSE, "Any", "?"


def scan(of: Signature) -> Iterator[str]:
    """Rows of xs go in, ys come out with one more axis."""
    for init, carry in _carries():
        for xs, x, count in (*_rows(), ("None = None", "None", "?")):
            for y, ys in (("None", "None"), *_outputs(count)):
                body = f"Callable[[{carry}, {x}], tuple[T, {y}]]"
                yield from of.overload({"f": body, "init": init, "xs": xs}, f"tuple[T, {ys}]")


def mapped(of: Signature) -> Iterator[str]:
    """As scan, without a carry."""
    for xs, x, count in _rows():
        for y, ys in _outputs(count):
            yield from of.overload({"f": f"Callable[[{x}], {y}]", "xs": xs}, ys)


def while_loop(of: Signature) -> Iterator[str]:
    """The value keeps its type."""
    for init, val in _carries():
        test, body = f"Callable[[{val}], ArrayLike]", f"Callable[[{val}], T]"
        yield from of.overload({"cond_fun": test, "body_fun": body, "init_val": init}, "T")


def fori_loop(of: Signature) -> Iterator[str]:
    """As while_loop; the body also takes the number of the step."""
    for init, val in _carries():
        body = f"Callable[[{array('', 'i32')}, {val}], T]"
        yield from of.overload({"body_fun": body, "init_val": init}, "T")


def branches(of: Signature) -> Iterator[str]:
    """Functions of the operands."""
    functions = of.arguments[1:-1]
    for arguments, operands in (("[*L]", "*operands: *L"), ("...", f"*operands: float | {LOOSE}")):
        one = f"Callable[{arguments}, T]"
        written = one if len(functions) == 2 else f"Sequence[{one}]"
        yield from of.overload({**dict.fromkeys(functions, written), "operands": operands}, "T")


RULES: dict[str, Rule] = {
    **each("neg abs sign floor ceil square round stop_gradient", Unary(SAME)),
    **each("sqrt rsqrt exp expm1 log log1p sin cos tan tanh logistic erf erf_inv erfc lgamma digamma "
           "bessel_i0e bessel_i1e reciprocal", Unary((("F", "F"),))),
    **each("bitwise_not", Unary((("X", "X"),))),
    **each("is_finite", Unary(TRUTH)),
    **each("add sub mul div rem pow atan2 max min", Binary(ARITHMETIC, EQUAL)),
    **each("eq ne lt le gt ge", Binary(COMPARISON, EQUAL)),
    **each("bitwise_and bitwise_or bitwise_xor", Binary(BITWISE, EQUAL)),
    **each("reduce_sum reduce_prod reduce_max reduce_min", reduce),
    **each("psum pmean pmax pmin", same_tree),
    "select": select,
    "convert_element_type": converted,
    "transpose": transpose,
    "reshape": reshape,
    "dot": Product(rows("N K, K M -> N M\nK, K M -> M\nN K, K -> N\nK, K ->")),
    **each("cumsum cumprod cummax cummin", Unary(SAME)),
    **each("cumlogsumexp", Unary((("F", "F"),))),
    **each("scan truncated_scan", scan),
    **each("cond switch", branches),
    "map": mapped,
    "while_loop": while_loop,
    "fori_loop": fori_loop,
    "batch_matmul": Binary(PRODUCT, MATMUL[1:2]),
}
VARIABLES = ('T = TypeVar("T", default=Any)',)
