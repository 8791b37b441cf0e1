"""How precisely products are to be computed: accepted where JAX accepts it, and always at its highest."""
from __future__ import annotations

from enum import Enum
from typing import Any, TypeAlias

from lantern.lax.operands import argument_error, as_sequence


class Precision(Enum):
    """How precisely the products of f32 are computed. All three mean the same here: f32 products are summed in f32."""

    DEFAULT = "default"
    HIGH = "high"
    HIGHEST = "highest"


PrecisionLike: TypeAlias = "str | Precision | tuple[str, str] | tuple[Precision, Precision] | None"

_NAMES = ("default", "high", "highest", "fastest", "bfloat16", "bfloat16_3x", "tensorfloat32", "float32")


def check_precision(function: str, precision: Any) -> None:
    """Raises ArgumentError for what is no precision: a member of `Precision`, one of JAX's names, one of these for each
    operand, or None.

    >>> check_precision("dot", "highest")
    """
    given = as_sequence(precision)
    wrong = [p for p in given if not (p is None or isinstance(p, Precision) or p in _NAMES)]
    if wrong or len(given) not in (1, 2):
        raise argument_error(f"{function}: precision must be None, a lax.Precision, one of {', '.join(_NAMES)}, or a "
                             f"pair of them, got {precision!r}")
