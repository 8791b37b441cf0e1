"""Rules of `lantern.lax`: operands of one shape and one element type; nothing broadcasts, nothing is promoted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tools.stubs.convolution import Convolution
from tools.stubs.creation import ASKED_DTYPES, FULL, like
from tools.stubs.functions import each
from tools.stubs.joining import JOINED
from tools.stubs.layout import shapes_asked_for
from tools.stubs.notation import Row, array, decided, rows, unseen
from tools.stubs.operators import (
    ARRAY_LIKE,
    PARTS,
    PRODUCT,
    SAME,
    TRUTH,
    UNKNOWN_ARRAY,
    Binary,
    Kind,
    Like,
    Rule,
    Unary,
    foreign,
)
from tools.stubs.patterns import MATMUL, PERMUTATIONS, REDUCTIONS
from tools.stubs.shaped import Shaped, gives
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
    yield LOOSE, "T"


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
    """Functions of the operands. Arrays that they give must be of one type, where a bare T would be a union of both;
    operands that are not all arrays have a second chance."""
    functions = of.arguments[1:-1]
    loose = f"operand: float | {LOOSE}, /, *operands: float | {LOOSE}"
    for arguments, operands in (("[*L]", "*operands: *L"), ("...", loose)):
        for result in (array("*H", "G"), "W"):
            one = f"Callable[{arguments}, {result}]"
            written = one if len(functions) == 2 else f"Sequence[{one}]"
            yield from of.overload({**dict.fromkeys(functions, written), "operands": operands}, result)


def ordered(of: Signature) -> Iterator[str]:
    """One array, or several in the order of the first."""
    first = of.arguments[0]
    yield from of.overload({first: array("*L")}, array("*L"))
    for count, dtypes in ((2, ("D", "G")), (3, ("D", "G", "Any"))):
        arrays = ", ".join([array("*L", d) for d in dtypes[:count]])
        yield from of.overload({first: f"tuple[{arrays}]"}, f"tuple[{arrays}]")
    yield from of.overload({first: f"Sequence[{array('*L', 'Any')}]"}, f"tuple[{array('*L', 'Any')}, ...]")
    yield from foreign(of)


AXES = ((-1, "*L {}"), (0, "{} *L"), (1, "M {} *L"), (-2, "*L {} M"))


def _with_positions(shape: str, _: str = "D") -> str:
    return f"tuple[{array(shape)}, {array(shape, 'i32')}]"


def along(name: str, result: str, dtypes: str = "D", counted: str = "") -> Rule:
    """Along a literal axis, the parameter `name`: `result` with `#` for what becomes of it (nothing: it goes away). A
    named number `counted` is its size."""

    def rule(of: Signature) -> Iterator[str]:
        first, default = of.arguments[0], of.default(name)
        held = array if ";" not in dtypes else _with_positions
        yield from of.overload({first: unseen()}, held("...", dtypes))
        for number, size in (("A", "A"), ("int", "?")) if counted else (("", "?"),):
            for axis, shape in AXES:
                types = {first: decided(array(shape.format("N"))) if counted else array(shape.format("N"))}
                types |= {counted: number} if counted else {}
                literal = f"Literal[{axis}]" + (f" = {axis}" if default == str(axis) else "")
                after = shape.format(result.replace("#", size))
                yield from of.overload({**types, name: literal}, held(after, dtypes))
        if ";" not in dtypes:
            yield from foreign(of)

    return rule


def index_in_dim(of: Signature) -> Iterator[str]:
    """One element of an axis, which stays with size 1 unless `keepdims=False`."""
    first = of.arguments[0]
    yield from of.overload({first: unseen()}, array("..."))
    for keepdims, size in (("Literal[True] = True", "1"), ("Literal[False]", "")):
        for axis, shape in AXES:
            literal = f"Literal[{axis}]" + (" = 0" if axis == 0 else "")
            yield from of.overload({first: array(shape.format("N")), "axis": literal, "keepdims": keepdims},
                                   array(shape.format(size)))
    yield from foreign(of)


def joined(of: Signature) -> Iterator[str]:
    """All sizes but the joined one agree; that one is not known to the types."""
    first, axis = of.arguments
    yield from of.overload({first: f"Sequence[{unseen()}]", axis: "int"}, array("..."))
    for number, shape in JOINED:
        yield from of.overload({first: f"Sequence[{array(shape)}]", axis: f"Literal[{number}]"}, array(shape))
    yield from of.overload({first: "Sequence[np.ndarray[Any, Any]]", axis: "int"}, UNKNOWN_ARRAY)


def sized(name: str, of_operand: bool = False) -> Rule:
    """The shape that an argument asks for, `of_operand` in front of the operand's own."""

    def rule(of: Signature) -> Iterator[str]:
        first = of.arguments[0]
        rest = " *L" if of_operand else ""
        table = [("tuple[A]", "A"), ("tuple[A, B]", "A B"), ("Shape[tuple[N]]", "N"), ("Shape[tuple[N, M]]", "N M")]
        for written, result in table if of_operand else shapes_asked_for():
            operand = decided(array("*L" if of_operand else "..."))
            yield from of.overload({first: operand, name: written}, array(f"{result}{rest}"))
        yield from foreign(of)

    return rule


def counting(of: Signature) -> Iterator[str]:
    """Numbers along one axis of a shape."""
    sizes = shapes_asked_for() if "shape" in of.arguments else iter((("A", "A"), ("int", "?")))
    name = "shape" if "shape" in of.arguments else "size"
    for written, result in sizes:
        for dtype, element in ASKED_DTYPES:
            yield from of.overload({"dtype": dtype, name: written}, array(result, element))


def clamp(of: Signature) -> Iterator[str]:
    """Limits are numbers, scalars or arrays of the same shape."""
    limit = f"float | {array('')} | {array('*L')}"
    yield from of.overload({"x": array("*L"), "min": limit, "max": limit}, array("*L"))
    yield from foreign(of, "x")


def select_n(of: Signature) -> Iterator[str]:
    """Cases of one shape, which `which` has, too, if it is no scalar."""
    which, cases = of.arguments
    for shape in ("*L", ""):
        yield from of.overload({which: array(shape, "X"), cases: f"*{cases}: {array('*L')}"}, array("*L"))
    yield from of.overload({which: ARRAY_LIKE, cases: f"*{cases}: {ARRAY_LIKE}"}, UNKNOWN_ARRAY)


def expand_dims(of: Signature) -> Iterator[str]:
    """New axes of size 1, as a tuple of literals."""
    first, axes = of.arguments
    yield from of.overload({first: unseen(), axes: "Sequence[int]"}, array("..."))
    for literals, operand, result in (("0", "*L", "1 *L"), ("-1", "*L", "*L 1"), ("1", "N *L", "N 1 *L"),
                                      ("2", "N M *L", "N M 1 *L"), ("0, 1", "*L", "1 1 *L"), ("0, -1", "*L", "1 *L 1"),
                                      ("-2", "*L N", "*L 1 N")):
        written = f"tuple[{', '.join([f'Literal[{a}]' for a in literals.split(', ')])}]"
        yield from of.overload({first: array(operand), axes: written}, array(result))
    yield from foreign(of)


def squeeze(of: Signature) -> Iterator[str]:
    """Axes of size 1, as a tuple of literals."""
    first, axes = of.arguments
    yield from of.overload({first: unseen(), axes: "Sequence[int]"}, array("..."))
    for literals, operand, result in (("0", "1 *L", "*L"), ("-1", "*L 1", "*L"), ("1", "N 1 *L", "N *L"),
                                      ("2", "N M 1 *L", "N M *L"), ("0, 1", "1 1 *L", "*L"), ("-2", "*L 1 N", "*L N")):
        written = f"tuple[{', '.join([f'Literal[{a}]' for a in literals.split(', ')])}]"
        yield from of.overload({first: array(operand), axes: written}, array(result))
    yield from foreign(of)


RANKS = "N -> ?\nN M -> ? ?\nN M K -> ? ? ?\nN M K J -> ? ? ? ?\n -> "      # the rank stays, sizes are computed

RULES: dict[str, Rule] = {
    **each("argmax argmin", along("axis", "", "i32")),
    "sort": ordered,
    "sort_key_val": Shaped("*L, *L -> *L; *L", (("D G", "D G"),), foreign=False),
    "top_k": along("axis", "#", "D; i32", "k"),
    **each("approx_max_k approx_min_k", along("reduction_dimension", "#", "D; i32", "k")),
    "axis_index": gives("", "i32"),
    "broadcast": sized("sizes", of_operand=True),
    "broadcast_in_dim": sized("shape"),
    "dynamic_slice": sized("slice_sizes"),
    **each("broadcasted_iota iota", counting),
    "full": FULL,
    "full_like": like,
    "clamp": clamp,
    "collapse": Shaped("N M *L -> ? *L", given={"start_dimension": "Literal[0]", "stop_dimension": "Literal[2]"}),
    "complex": Shaped("*L, *L -> *L", (("f32", "c64"), ("f64", "c128"))),
    "conj": Unary(SAME),
    **each("real imag", Unary(PARTS)),
    **each("clz population_count integer_pow reduce_precision", Unary(SAME)),
    "rev": Unary(SAME),
    "nextafter": Binary(ARITHMETIC, EQUAL),
    **each("shift_left shift_right_arithmetic shift_right_logical", Binary(BITWISE, EQUAL)),
    **each("igamma igammac igamma_grad_a random_gamma_grad zeta polygamma", Binary(ARITHMETIC, EQUAL)),
    **each("betainc regularized_incomplete_beta", Shaped("*L, *L, *L -> *L\n, , *L -> *L", (("F", "F"),))),
    "concatenate": joined,
    "conv": Convolution(groups=False, layouts=False),
    "conv_general_dilated": Convolution(),
    "conv_with_general_padding": Convolution(groups=False, layouts=False),
    "conv_transpose": Convolution(groups=False, channels_last=True),
    "conv_general_dilated_patches": Shaped(RANKS),
    **each("dynamic_index_in_dim index_in_dim", index_in_dim),
    "dynamic_slice_in_dim": along("axis", "#", counted="slice_size"),
    "slice_in_dim": along("axis", "#"),
    **each("dynamic_update_index_in_dim dynamic_update_slice dynamic_update_slice_in_dim", Like(0, SAME)),
    **each("scatter scatter_add scatter_max scatter_min scatter_mul scatter_sub", Like(0, SAME)),
    "expand_dims": expand_dims,
    "squeeze": squeeze,
    "pad": Shaped(RANKS),
    "slice": Shaped(RANKS),
    "reduce_window": Shaped(RANKS),
    **each("reduce_and reduce_or", reduce),
    "select_n": select_n,
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
VARIABLES = ('T = TypeVar("T", default=Any)', f'W = TypeVar("W", bound={TREE} | float | None, default=Any)')
