"""Rules of products and of what stands on the last two axes, in `lantern.numpy` and `lantern.numpy.linalg`."""

from __future__ import annotations

from tools.stubs.einsum import einsum
from tools.stubs.notation import rows
from tools.stubs.operators import FLOATS, PRODUCT, TOTALS, Binary, Rule
from tools.stubs.patterns import DOT, MATMUL
from tools.stubs.shaped import Shaped, several

INNER = "*L K, K -> *L\nK, *L K -> *L\n*L K, N K -> *L N\nK, *L K -> *L\n*L K, N M K -> *L N M"
VECDOT = "*L N, *L N -> *L\n*L N, N -> *L\nN, *L N -> *L\n*L N M, N M -> *L N\nN M, *L N M -> *L N"
CROSS = "*L 3, *L 3 -> *L 3\n*L 3, 3 -> *L 3\n3, *L 3 -> *L 3\n*L N, *L N -> *L N\n*L N, N -> *L N\nN, *L N -> *L N"

# Contracted axes are the last of one operand and the first of the other.
CONTRACTED = {
    "Literal[1]": "*L K, K -> *L\n*L K, K M -> *L M\nN K, K *L -> N *L\nK, K *L -> *L\n*L K, K M N -> *L M N",
    "Literal[2] = 2": "*L J K, J K -> *L\n*L J K, J K M -> *L M\nN J K, J K *L -> N *L\nJ K, J K *L -> *L",
    "Literal[0]": "*L, -> *L\n, *L -> *L\n*L, N -> *L N\nN, *L -> N *L\n*L, N M -> *L N M",
}
TENSORDOT = several(
    *[Shaped(table, given={"axes": axes}, foreign=False) for axes, table in CONTRACTED.items()],
    Shaped("..., ... -> ...", given={"axes": "Sequence[Any]"}),
)

TRACE = several(
    Shaped("N M *L -> *L", TOTALS, {"axis1": "Literal[0] = 0", "axis2": "Literal[1] = 1"}, foreign=False),
    Shaped("*L N M -> *L", TOTALS, {"axis1": "Literal[-2]", "axis2": "Literal[-1]"}),
)
DIAGONAL = several(
    Shaped("N M *L -> *L ?", given={"axis1": "Literal[0] = 0", "axis2": "Literal[1] = 1"}, foreign=False),
    Shaped("*L N M -> *L ?", given={"axis1": "Literal[-2]", "axis2": "Literal[-1]"}),
)
COVARIANCE = several(
    Shaped("N M -> N N\nM -> ", FLOATS, {"y": "None = None", "rowvar": "Literal[True] = True"}, foreign=False),
    Shaped("M N -> N N\nM -> ", FLOATS, {"y": "None = None", "rowvar": "Literal[False]"}, foreign=False),
    Shaped("M, M -> 2 2\nN M, K M -> ? ?", FLOATS),
)

RULES: dict[str, Rule] = {
    "einsum": einsum,
    "matmul": Binary(PRODUCT, MATMUL),
    "dot": Binary(PRODUCT, DOT),
    "vdot": Binary(PRODUCT, rows("N, N ->")),
    "inner": Binary(PRODUCT, rows("K, K ->\n" + INNER)),
    "vecdot": Shaped(VECDOT),
    "outer": Binary(PRODUCT, rows("N, M -> N M")),
    "tensordot": TENSORDOT,
    "cross": Shaped(CROSS),
    "kron": Shaped("N M, K J -> ? ?\nN, M -> ?\n, *L -> *L\n*L, -> *L\nN M K, P Q R -> ? ? ?"),
    "trace": TRACE,
    "diagonal": DIAGONAL,
    "diag": several(
        Shaped("N -> N N\nN M -> ?", given={"k": "Literal[0] = 0"}, foreign=False),
        Shaped("N -> ? ?\nN M -> ?", given={"k": "int"}),
    ),
    **dict.fromkeys(("cov", "corrcoef"), COVARIANCE),
    **dict.fromkeys(("convolve", "correlate"), Shaped("N, M -> ?")),
}
