"""Elements of eight bytes in WGSL: two words that travel together, as a vec2. Complex numbers compute, too.

Nothing of eight bytes is read or written four at a time: a vec4 of vec2 does not exist. WGSL has no atomics of eight
bytes; sums of complex numbers add to each word by itself.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from lantern.dtypes import C64, is_complex, is_float
from lantern.errors import InternalError
from lantern.lower.expr import DType, ReduceOp, ScalarOp

PAIRS: dict[DType, str] = {C64: "vec2<f32>"}
ZEROS: dict[str, str] = {"vec2<f32>": "vec2<f32>()", "vec2<u32>": "vec2<u32>()"}

_INFIX = {ScalarOp.ADD: "+", ScalarOp.SUB: "-"}
_CALLS = frozenset({
    ScalarOp.MUL, ScalarOp.DIV, ScalarOp.NEG, ScalarOp.CONJ, ScalarOp.ABS, ScalarOp.SIGN, ScalarOp.SQRT, ScalarOp.RSQRT,
    ScalarOp.EXP, ScalarOp.EXPM1, ScalarOp.LOG, ScalarOp.LOG1P, ScalarOp.SIN, ScalarOp.COS, ScalarOp.TAN, ScalarOp.TANH,
    ScalarOp.POW, ScalarOp.EQ, ScalarOp.NE, ScalarOp.ISNAN, ScalarOp.ISFINITE,
})


def is_wide(dtype: DType) -> bool:
    """Whether an element takes two words.

    >>> is_wide(C64)
    True
    """
    return dtype.itemsize > 4


def complex_operation(op: ScalarOp, xs: Sequence[str]) -> str | None:
    """The expression of an operation on complex numbers; None if there is no such thing.

    >>> complex_operation(ScalarOp.MUL, ["v0", "v1"]), complex_operation(ScalarOp.IMAG, ["v0"])
    ('mul_c64(v0, v1)', 'v0.y')
    """
    if op in _CALLS:
        return f"{op.value}_c64({', '.join(xs)})"
    if op in _INFIX:
        return f"{xs[0]} {_INFIX[op]} {xs[1]}"
    match op:
        case ScalarOp.REAL:
            return f"{xs[0]}.x"
        case ScalarOp.IMAG:
            return f"{xs[0]}.y"
        case _:
            return None


def to_complex(x: str, kind: DType) -> str:
    """A number of dtype `kind` as a complex one."""
    if is_complex(kind):
        return x
    return f"c64_from_f32({x})" if is_float(kind) else f"c64_from_f32(f32({x}))"


def four(kind: str) -> str:
    """The type of four values in registers: complex ones are columns of a matrix, whose sums and multiples WGSL has.

    >>> four("f32"), four("vec2<f32>")
    ('vec4<f32>', 'mat4x2<f32>')
    """
    return "mat4x2<f32>" if kind == "vec2<f32>" else f"vec4<{kind}>"


def lane(text: str, number: int, kind: str) -> str:
    """One of four values.

    >>> lane("a", 2, "f32"), lane("a", 2, "vec2<f32>")
    ('a.z', 'a[2]')
    """
    return f"{text}[{number}]" if kind == "vec2<f32>" else f"{text}.{'xyzw'[number]}"


Number: TypeAlias = "tuple[str, bool]"      # the expression of a float, and whether it is a literal zero
Parts: TypeAlias = "tuple[Number, Number]"


def with_zeros(op: ScalarOp, left: Parts, right: Parts) -> str | None:
    """An operation on numbers of which some parts are known to be zero; None if none is, or for other operations.

    Drivers take y * 0.0 for 0.0 and y + 0.0 for y, which is wrong for NaN, infinities and -0.0.

    >>> with_zeros(ScalarOp.ADD, (("v0.x", False), ("v0.y", False)), (("1.5", False), ("0.0", True)))
    'vec2<f32>(v0.x + 1.5, add_zero(v0.y, 0.0))'
    """
    (a, b), (c, d) = left, right
    if not any([zero for _, zero in (a, b, c, d)]):
        return None
    match op:
        case ScalarOp.ADD:
            parts = _plus(a, c), _plus(b, d)
        case ScalarOp.SUB:
            parts = _minus(a, c), _minus(b, d)
        case ScalarOp.MUL:
            parts = f"{_times(a, c)} - {_times(b, d)}", f"{_times(a, d)} + {_times(b, c)}"
        case ScalarOp.DIV if d[1]:
            return f"div_real_c64(vec2<f32>({a[0]}, {b[0]}), {c[0]})"
        case _:
            return None
    return f"vec2<f32>({parts[0]}, {parts[1]})"


def _plus(x: Number, y: Number) -> str:
    if x[1] or y[1]:
        return f"add_zero({y[0]}, {x[0]})" if x[1] else f"add_zero({x[0]}, {y[0]})"
    return f"{x[0]} + {y[0]}"


def _minus(x: Number, y: Number) -> str:
    if x[1] or y[1]:
        return f"add_zero({x[0]}, neg_f32({y[0]}))" if y[1] else f"add_zero(neg_f32({y[0]}), {x[0]})"
    return f"{x[0]} - {y[0]}"


def _times(x: Number, y: Number) -> str:
    if x[1] or y[1]:
        return f"mul_zero({y[0]}, {x[0]})" if x[1] else f"mul_zero({x[0]}, {y[0]})"
    return f"{x[0]} * {y[0]}"


def add_atomically(buffer: str, index: str, value: str, op: ReduceOp) -> Sequence[str]:
    """The statements that add `value` to a complex element of a buffer of atomic words.

    Products, whose two words change together, cannot be written like this: `ops/scatter.py` makes them otherwise.
    """
    if op is not ReduceOp.SUM:
        raise InternalError(f"internal: scatter by {op.value} of numbers of eight bytes")
    lines = ["{", f"  let e = 2u * {index};", f"  let added = {value};"]
    for word, part in enumerate("xy"):
        place = f"&{buffer}[e + {word}u]" if word else f"&{buffer}[e]"
        lines += [f"  var old_{part} = atomicLoad({place});", "  loop {",
                  f"    let folded = bitcast<u32>(bitcast<f32>(old_{part}) + added.{part});",
                  f"    let found = atomicCompareExchangeWeak({place}, old_{part}, folded);",
                  "    if (found.exchanged) { break; }", f"    old_{part} = found.old_value;", "  }"]
    return [*lines, "}"]
