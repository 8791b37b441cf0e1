"""The stub of `lantern/trace/array.py`: the class `Array`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.stubs import layout, package, selections
from tools.stubs.notation import array, indented, stub, unseen
from tools.stubs.operators import (
    ARITHMETIC,
    BITWISE,
    COMPARISON,
    DIVISION,
    FLOATS,
    POSITIONS,
    PRODUCT,
    SAME,
    SHIFT,
    TOTALS,
    TRUTH,
    Binary,
    Kept,
    Like,
    Reduction,
    Reflected,
    Rule,
    Unary,
    applied,
)
from tools.stubs.patterns import DOT, MATMUL, PERMUTATIONS
from tools.stubs.products import DIAGONAL
from tools.stubs.signature import methods

MODULE = "lantern.trace.array"

OPERATORS = {
    "add": ARITHMETIC,
    "sub": ARITHMETIC,
    "mul": ARITHMETIC,
    "truediv": DIVISION,
    "floordiv": ARITHMETIC,
    "mod": ARITHMETIC,
    "pow": ARITHMETIC,
    "and": BITWISE,
    "or": BITWISE,
    "xor": BITWISE,
    "lshift": SHIFT,
    "rshift": SHIFT,
}

RULES: dict[str, Rule] = {
    **{f"__{name}__": Binary(kind) for name, kind in OPERATORS.items()},
    **{f"__r{name}__": Reflected(kind) for name, kind in OPERATORS.items()},
    **{f"__{name}__": Binary(COMPARISON) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "__matmul__": Binary(PRODUCT, MATMUL),
    "dot": Binary(PRODUCT, DOT),
    "__rmatmul__": Reflected(PRODUCT),
    "sum": Reduction(TOTALS),
    "prod": Reduction(TOTALS),
    "mean": Reduction(FLOATS),
    "var": Reduction(FLOATS),
    "std": Reduction(FLOATS),
    "max": Reduction(SAME),
    "min": Reduction(SAME),
    "all": Reduction(TRUTH),
    "any": Reduction(TRUTH),
    **dict.fromkeys(("cumsum", "cumprod"), Kept(TOTALS)),
    "sort": Kept(SAME),
    "argsort": Kept(POSITIONS),
    "searchsorted": Like(1, POSITIONS),
    "argmax": Reduction(POSITIONS, one_axis=True),
    "argmin": Reduction(POSITIONS, one_axis=True),
    **dict.fromkeys(("__neg__", "__pos__", "__abs__", "__round__", "round", "copy"), Unary(SAME)),
    **dict.fromkeys(("conj", "conjugate"), Unary(SAME)),
    "ptp": Reduction(SAME),
    "diagonal": DIAGONAL,
    "nonzero": selections.RULES["nonzero"],
    "__invert__": Unary((("X", "X"),)),
    "__getitem__": layout.getitem,
    "__iter__": layout.iteration,
    "astype": layout.to_dtype,
    "reshape": layout.reshape,
    "transpose": layout.transpose,
    "swapaxes": layout.swapaxes,
    "squeeze": layout.SQUEEZE,
    "take": layout.take,
    "repeat": layout.REPEAT,
}

# Methods with one signature: types of parameters, and the result.
LIMIT = "float | Array[D, *tuple[()]] | np.ndarray[Any, Any] | None = None"
ONE_SIGNATURE: dict[str, tuple[dict[str, str], str]] = {
    "to_device": ({}, "Self"),
    "ravel": ({}, array("?")),
    "flatten": ({}, array("?")),
    "clip": ({"min": LIMIT, "max": LIMIT}, "Array[D, Unpack[S]]"),
    "__divmod__": ({"other": "Self | float"}, "tuple[Self, Self]"),
    "__rdivmod__": ({"other": "float"}, "tuple[Self, Self]"),
    "__float__": ({"self": array("")}, "float"),
    "__int__": ({"self": array("")}, "int"),
    "__index__": ({"self": array("", "I")}, "int"),
}

# What the kinds of Array add to the class itself: conversions that need a value, waiting for it, and its device.
OF_EVERY_KIND = """
device: Device
def __bool__(self) -> bool: ...
def __float__(self: Array[D, *tuple[()]]) -> float: ...
def __int__(self: Array[D, *tuple[()]]) -> int: ...
def __index__(self: Array[I, *tuple[()]]) -> int: ...
def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]: ...
def item(self) -> Any: ...
def tolist(self) -> Any: ...
def block_until_ready(self) -> Self: ...
""".strip().splitlines()

PROPERTIES = {"shape": "tuple[Unpack[S]]", "real": "Self", "imag": "Self", "at": "At[Self]"}
# Written as attributes.
DESCRIPTORS = {"T": "Reversed", "mT": "Swapped", "device": "Device"}

IMPORTS = (
    "from collections.abc import Iterator",
    "from types import EllipsisType, ModuleType",
    "from typing import Any, Generic, Literal, Protocol, TypeAlias, overload, type_check_only",
    "import numpy as np",
    "from typing_extensions import Self, TypeVar, TypeVarTuple, Unpack",
    "from lantern.dtypes import Complex, DType, Floating, Integer, bool_, c64, c128, f32, f64, i32",
    "from lantern.trace.aval import ShapedArray",
    "from lantern.backends.base import Device",
    "from lantern.lax.operands import Number, SupportsLanternArray",
    "from lantern.numpy.at import At",
    "from lantern.typing import Dim",
)


def _members() -> Iterator[str]:
    yield from ("__slots__ = ()", "__array_priority__: float", "__hash__: None")
    defined, properties = methods(MODULE, "Array")
    yield from [line for line in OF_EVERY_KIND if re.split(r"\W+", line.removeprefix("def "))[0] not in defined]
    for name, signature in defined.items():
        if name in RULES:
            yield from applied(RULES[name], signature)
        elif name in ONE_SIGNATURE:
            yield signature.line(*ONE_SIGNATURE[name])
        elif name in DESCRIPTORS:
            yield f"{name}: {DESCRIPTORS[name]}"
        elif name in properties:
            yield from ("@property", signature.line(result=PROPERTIES.get(name)))
        else:
            yield signature.line()


def _views() -> Iterator[str]:
    """`x.T` and `x.mT` are properties with a result for each rank: descriptors with an overloaded `__get__`."""
    reversals = [(r.operands[0], r.result) for order, r in PERMUTATIONS if layout.is_reversal(order)]
    for name, table in (("Reversed", [("", ""), *reversals]), ("Swapped", [("*L N M", "*L M N")])):
        yield from ("", "", f"class {name}:")
        for operand, result in ((unseen("G"), array("...", "G")), *[(array(a, "G"), array(b, "G")) for a, b in table]):
            yield from indented(
                ["@overload", f"def __get__(self, array: {operand}, owner: Any = None, /) -> {result}: ..."]
            )


def text() -> str:
    """The whole stub."""
    functions = package.defined(MODULE, package.Table("", {}))
    body = ["class Array(Generic[D, Unpack[S]]):", *indented(_members()), *_views(), "", "", *functions]
    variables = ('D = TypeVar("D", bound=DType, default=Any)', 'S = TypeVarTuple("S", default=Unpack[tuple[Any, ...]])')
    return stub(
        "`Array` as type checkers see it: what each operator and method does to shapes and element types.",
        package.with_imports_of(MODULE, [*IMPORTS]),
        body,
        variables,
    )
