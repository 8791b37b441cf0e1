"""The table of functions: which rule gives each public function of `lantern.numpy` and `lantern.nn` its overloads.

A function that is not here is exported with the types it has in its source.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from tools.stubs import creation, joining, layout, products, selections
from tools.stubs.notation import array, row, unseen
from tools.stubs.operators import (
    ARITHMETIC,
    ARRAY_LIKE,
    BITWISE,
    COMPARISON,
    DIVISION,
    FLOATS,
    PARTS,
    POSITIONS,
    SAME,
    SHIFT,
    TOTALS,
    TRUTH,
    UNKNOWN_ARRAY,
    Binary,
    Kept,
    Kind,
    Like,
    Reduction,
    Rule,
    Unary,
    foreign,
)
from tools.stubs.patterns import GENERAL_BROADCAST, MOVES
from tools.stubs.shaped import Shaped, gives, several
from tools.stubs.signature import Parameter, Signature

LOGICAL = Kind((("D", "bool_"),), (("D", "float", "bool_"),))
BITS = (("X", "X"),)

# Functions of two positional-only arguments that broadcast: all functions of one kind have one type.
BROADCASTING: dict[str, tuple[Kind, str]] = {
    "Arithmetic": (ARITHMETIC, "add subtract multiply floor_divide remainder mod power pow maximum minimum"),
    "Division": (
        DIVISION,
        "divide true_divide float_power arctan2 atan2 hypot logaddexp logaddexp2 copysign nextafter heaviside",
    ),
    "Comparison": (
        COMPARISON,
        "equal not_equal less less_equal greater greater_equal logical_and logical_or logical_xor",
    ),
    "Bitwise": (BITWISE, "bitwise_and bitwise_or bitwise_xor"),
    "Shift": (SHIFT, "left_shift right_shift bitwise_left_shift bitwise_right_shift"),
}
PROTOCOL_OF = {name: protocol for protocol, (_, names) in BROADCASTING.items() for name in names.split()}


# Masks of attention and their kin. A call is tried with each overload in turn, its arguments anew: no more than needed.
MASKS = {
    "*L K N M": ("K N M", "1 N M", "K 1 M", "1 1 M"),
    "P K N M": ("P 1 1 M", "P 1 N M", "1 1 N M"),
}


def where(of: Signature) -> Iterator[str]:
    """Three operands that broadcast: one has the whole shape, the others that shape, ones, its last sizes, or none; a
    mask also the ones of attention."""
    alone = replace(of, parameters=(of.parameters[0], *of.parameters[3:]))
    of = replace(of, parameters=of.parameters[:3])
    condition, first, second = of.arguments
    yield from of.overload(
        {condition: unseen("bool_"), first: f"{array('...')} | float", second: array("...")}, array("...")
    )
    yield from of.overload({condition: unseen("bool_"), first: array("..."), second: "float"}, array("..."))
    yield from of.overload(
        {condition: array("...", "bool_"), first: unseen(), second: f"{array('...')} | float"}, array("...")
    )
    yield from of.overload(
        {condition: array("...", "bool_"), first: f"{array('...')} | float", second: unseen()}, array("...")
    )
    for c, x, y, result in _chosen():
        element = "f32" if (x, y) == ("float", "float") else "D"
        chosen = [shape if shape == "float" else array(shape) for shape in (x, y)]
        yield from of.overload(
            {condition: array(c, "bool_"), first: chosen[0], second: chosen[1]}, array(result, element)
        )
    yield from of.overload({condition: "Array", first: ARRAY_LIKE, second: ARRAY_LIKE}, UNKNOWN_ARRAY)
    yield from foreign(of, condition, first, second)
    yield from alone.overload({condition: ARRAY_LIKE, "fill_value": "Any = None"}, "tuple[Array[i32, Any], ...]")


def _chosen() -> Iterator[tuple[str, str, str, str]]:
    yield from [("*L", x, y, "*L") for x, y in itertools.product(("*L", "float", ""), repeat=2)]
    yield from [("", x, y, "*L") for x, y in (("*L", "*L"), ("*L", "float"), ("float", "*L"), ("*L", ""), ("", "*L"))]
    whole, parts = "*L N", ("*L N", "*L 1", "N", "", "float")
    for c, x, y in itertools.product(parts[:-1], parts, parts):
        if whole in (c, x, y) and not {c, x, y} <= {whole, "", "float"}:
            yield c, x, y, whole
    matrix = "*L N M"
    values = ((matrix, matrix), (matrix, "float"), ("float", matrix), (matrix, ""), ("", matrix))
    for mask in ("N M", "1 M", "N 1"):
        yield from [(mask, x, y, matrix) for x, y in values]
    for whole, masks in MASKS.items():
        values = ((whole, "float"), ("float", whole), (whole, whole))
        yield from [(mask, x, y, whole) for mask in masks for x, y in values]


def clip(of: Signature) -> Iterator[str]:
    """Limits are scalars, or arrays of the same shape."""
    limit = "float | Array[D, *tuple[()]] | {} | np.ndarray[Any, Any] | None = None"
    same = limit.format(array("*L"))
    yield from of.overload({of.arguments[0]: array("*L"), "min": same, "max": same}, array("*L"))
    yield from foreign(of)


def moveaxis(of: Signature) -> Iterator[str]:
    """Two literal axes."""
    first, source, destination = of.arguments
    yield from of.overload(
        {first: unseen(), source: "int | Sequence[int]", destination: "int | Sequence[int]"}, array("...")
    )
    table = (
        (0, -1, "N *L -> *L N"),
        (-1, 0, "*L N -> N *L"),
        (0, 1, "N M *L -> M N *L"),
        (1, 0, "N M *L -> M N *L"),
        (1, -1, "N M *L -> N *L M"),
        (-1, 1, "N *L M -> N M *L"),
        (-1, -2, "*L N M -> *L M N"),
        (-2, -1, "*L N M -> *L M N"),
        (1, 2, "N M K *L -> N K M *L"),
        (2, 1, "N M K *L -> N K M *L"),
        (0, 2, "N M K *L -> M K N *L"),
        (2, 0, "N M K *L -> K N M *L"),
    )
    for a, b, r in (*[(f"Literal[{a}]", f"Literal[{b}]", row(shapes)) for a, b, shapes in table], *MOVES):
        yield from of.overload({first: array(r.operands[0]), source: a, destination: b}, array(r.result))
    yield from foreign(of)


def broadcast_to(of: Signature) -> Iterator[str]:
    """The shape that is asked for; whether the array fits is checked when the program runs."""
    for written, result in layout.shapes_asked_for():
        yield from of.overload({of.arguments[0]: array("..."), "shape": written}, array(result))
    yield from foreign(of)


def shape(of: Signature) -> Iterator[str]:
    """A tuple of sizes."""
    yield from of.overload({of.arguments[0]: array("*L")}, "tuple[*L]")
    yield from foreign(of)


def one_hot(of: Signature) -> Iterator[str]:
    """A named number of classes, or one that is not known."""
    for classes, size in (("A", "A"), ("int", "?")):
        for dtype, element in ((None, "f32"), *creation.ASKED_DTYPES):
            types = (
                {"dtype": dtype}
                if dtype
                else {p.name: f"None = {p.default}" for p in of.parameters if p.name == "dtype"}
            )
            yield from of.overload(
                {of.arguments[0]: array("*L", "I"), of.arguments[1]: classes, **types}, array(f"*L {size}", element)
            )
    yield from foreign(of)


def allclose(of: Signature) -> Iterator[str]:
    """One answer for operands that broadcast."""
    first, second = of.arguments[:2]
    yield from Shaped("... -> ", TRUTH, {second: "float"}, foreign=False)(of)
    yield from Shaped("... -> ", TRUTH, {first: "float"}, names=second, foreign=False)(of)
    for r in GENERAL_BROADCAST:
        yield from of.overload({first: array(r.operands[0]), second: array(r.operands[1])}, array("", "bool_"))
    yield from of.overload({first: f"{ARRAY_LIKE}", second: "ArrayLike"}, array("", "bool_"))
    yield from of.overload({first: "Array", second: ARRAY_LIKE}, array("", "bool_"))


def choices(of: Signature) -> Iterator[str]:
    """Conditions and choices of one shape; numbers among the choices follow it."""
    conditions, values, default = of.arguments
    yield from of.overload({values: f"Sequence[{unseen()}]"}, array("..."))
    chosen = {values: f"Sequence[{array('*L')}]", default: f"float | {array('*L')} | {array('')} = 0"}
    yield from of.overload({conditions: f"Sequence[{array('*L', 'bool_')}]", **chosen}, array("*L"))
    yield from of.overload({values: "Sequence[np.ndarray[Any, Any] | float]"}, UNKNOWN_ARRAY)


def gradient(of: Signature) -> Iterator[str]:
    """The array's shape: one array for an axis or a vector, else one for each axis."""
    first = of.arguments[0]
    axes = [(0, "N *L"), (-1, "*L N"), (1, "M N *L"), (-2, "*L N M")]
    for dtype, result in FLOATS:
        yield from of.overload({first: unseen(dtype)}, "Any")
        for axis, shape in axes:
            yield from of.overload({first: array(shape, dtype), "axis": f"Literal[{axis}]"}, array(shape, result))
        yield from of.overload({first: array("N", dtype), "axis": "None = None"}, array("N", result))
        yield from of.overload({first: array("N M *L", dtype), "axis": "None = None"},
                               f"list[{array('N M *L', result)}]")
    yield from foreign(of)


def ix_(of: Signature) -> Iterator[str]:
    """One to three vectors, each along an axis of its own."""
    for results in (("N",), ("N 1", "1 M"), ("N 1 1", "1 M 1", "1 1 K")):
        operands = tuple([Parameter(f"x{i}", "/", array("NMK"[i]), None) for i in range(len(results))])
        yield from replace(of, parameters=operands).overload({}, f"tuple[{', '.join([array(r) for r in results])}]")
    yield from of.overload({}, f"tuple[{UNKNOWN_ARRAY}, ...]")


def attention(of: Signature) -> Iterator[str]:
    """The query's shape; keys and values have its batch and size of a head, and a length of their own. They may have
    fewer heads: groups of the query's."""
    plain = {"return_residual": "Literal[False] = False"}
    whole = Shaped("N M K J, N P K J, N P K J -> N M K J\nM K J, P K J, P K J -> M K J\n"
                   "N M K J, N P Q J, N P Q J -> N M K J", (("F", "F"),), plain)
    yield from whole(of)
    yield from of.overload({"return_residual": "Literal[True]"}, "tuple[Array, Array]")


def pooled(of: Signature) -> Iterator[str]:
    """Batch and features; the sizes between are computed."""
    for sizes, shape, result in (("tuple[int, int]", "*L N M K", "*L ? ? K"), ("tuple[int]", "*L N K", "*L ? K"),
                                 ("tuple[int, int, int]", "*L N M J K", "*L ? ? ? K")):
        yield from of.overload({of.arguments[0]: unseen(), "window_shape": sizes}, array("..."))
        yield from of.overload({of.arguments[0]: array(shape), "window_shape": sizes}, array(result))
    yield from foreign(of)


def logsumexp(of: Signature) -> Iterator[str]:
    """A reduction, unless the sign is asked for, too."""
    yield from of.overload({"return_sign": "Literal[True]"}, "tuple[Array, Array]")
    yield from Reduction(FLOATS)(of.with_type("return_sign", "Literal[False]"))


def each(names: str, rule: Rule) -> dict[str, Rule]:
    """One rule for several functions."""
    return dict.fromkeys(names.split(), rule)


RULES: dict[str, Rule] = {
    **joining.RULES,
    **products.RULES,
    **selections.RULES,
    **each("abs absolute", Unary(PARTS)),
    **each(
        "negative positive sign square copy tril triu floor ceil trunc fix nan_to_num round", Unary(SAME)
    ),
    **each("exp exp2 expm1 log log2 log10 log1p sqrt reciprocal rint fabs deg2rad rad2deg", Unary(FLOATS)),
    **each("sin cos tan arcsin arccos arctan asin acos atan sinh cosh tanh", Unary(FLOATS)),
    **each("arcsinh arccosh arctanh asinh acosh atanh", Unary(FLOATS)),
    **each("isnan isfinite isinf isposinf isneginf logical_not signbit", Unary(TRUTH)),
    **each("invert bitwise_not bitwise_invert", Unary(BITS)),
    **each("max min amax amin ptp nanmax nanmin", Reduction(SAME)),
    **each("mean var std nanmean nanvar nanstd median nanmedian", Reduction(FLOATS)),
    **each("sum prod nansum nanprod", Reduction(TOTALS)),
    **each("all any", Reduction(TRUTH)),
    **each("argmax argmin nanargmax nanargmin", Reduction(POSITIONS, one_axis=True)),
    "count_nonzero": Reduction(POSITIONS),
    **each("cumsum cumprod nancumsum nancumprod", Kept(TOTALS)),
    "sort": Kept(SAME),
    "partition": Like(0, SAME),
    "argsort": Kept(POSITIONS),
    "argpartition": Like(0, POSITIONS),
    "searchsorted": Like(1, POSITIONS),
    **each("conj conjugate", Unary(SAME)),
    **each("real imag", Unary(PARTS)),
    "angle": Unary((("c64", "f32"), ("c128", "f64"), *FLOATS)),
    **each("iscomplex isreal", Unary(TRUTH)),
    "average": Reduction(FLOATS),
    "trapezoid": layout.ALONG_WITHOUT,
    **each("cumulative_sum cumulative_prod", Kept(TOTALS)),
    "frexp": Shaped("*L -> *L; *L", (("F", "F i32"), ("X", "f32 i32"))),
    "modf": Shaped("*L -> *L; *L", FLOATS),
    "divmod": Shaped("*L, *L -> *L; *L\n*L, -> *L; *L\n*L N, N -> *L N; *L N\n*L N, *L 1 -> *L N; *L N"),
    "ldexp": Shaped("*L, *L -> *L\n*L, -> *L\n, *L -> *L\n*L N, N -> *L N", (("F I", "F"),)),
    **each("fmax fmin", Binary(ARITHMETIC)),
    "isclose": Binary(COMPARISON),
    "allclose": allclose,
    **each("array_equal array_equiv", gives("", "bool_")),
    "polyval": several(Shaped("P, *L -> *L"), Shaped("P -> ", given={"x": "float"})),
    **each("piecewise put_along_axis", Like(0, SAME)),
    "select": choices,
    "gradient": gradient,
    "ix_": ix_,
    "tri": creation.square_matrix,
    "linspace": creation.Spaced(),
    **each("logspace geomspace", creation.Spaced()),
    "digitize": Like(0, POSITIONS),
    "isin": Like(0, TRUTH),
    "interp": Like(0, FLOATS),
    "where": where,
    "clip": clip,
    **each("zeros ones empty", creation.Filled()),
    "full": creation.FULL,
    **each("zeros_like ones_like empty_like full_like", creation.like),
    **each("array asarray", creation.from_values),
    "astype": layout.to_dtype,
    "arange": creation.arange,
    "eye": creation.square_matrix,
    "identity": creation.square_matrix,
    "reshape": layout.reshape,
    "ravel": Shaped("... -> ?"),
    "transpose": layout.transpose,
    "permute_dims": layout.transpose,
    "matrix_transpose": Shaped("*L N M -> *L M N"),
    "swapaxes": layout.swapaxes,
    "moveaxis": moveaxis,
    "expand_dims": layout.EXPAND_DIMS,
    "squeeze": layout.SQUEEZE,
    "broadcast_to": broadcast_to,
    "shape": shape,
    **each("flip roll", layout.SAME_ALONG),
    **each("fliplr flipud", Unary(SAME)),
    "repeat": layout.REPEAT,
    "take": layout.take,
    "take_along_axis": layout.take_along_axis,
}

NN: dict[str, Rule] = {
    **each("relu relu6 gelu sigmoid silu swish softplus tanh elu selu leaky_relu log_sigmoid", Unary(FLOATS)),
    **each("celu hard_sigmoid hard_silu hard_swish log1mexp mish soft_sign sparse_plus sparse_sigmoid squareplus",
           Unary(FLOATS)),
    **each("softmax log_softmax", layout.SAME_ALONG),
    "logsumexp": logsumexp,
    "one_hot": one_hot,
    **each("hard_tanh identity", Unary(SAME)),
    "logmeanexp": Reduction(FLOATS),
    "standardize": layout.SAME_ALONG,
    "glu": layout.HALVED,
    "dot_product_attention": attention,
    **each("avg_pool max_pool min_pool pool", pooled),
}
