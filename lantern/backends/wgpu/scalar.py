"""The scalar language in WGSL: types, constants, operations and reductions as expressions."""
from __future__ import annotations

import math
from collections.abc import Sequence

from lantern.backends.wgpu import packed, pairs
from lantern.dtypes import (
    BF16,
    BOOL,
    F16,
    F32,
    I32,
    U8,
    U32,
    i8,
    i16,
    is_complex,
    is_float,
    short_name,
    u16,
)
from lantern.errors import DeviceError, InternalError
from lantern.lower.expr import TO_BOOL, Const, DType, ReduceOp, ScalarOp

NARROW: dict[DType, DType] = {i8.dtype: I32, i16.dtype: I32, U8: U32, u16.dtype: U32, F16: F32, BF16: F32}
_WIDE: dict[DType, str] = {F32: "f32", I32: "i32", U32: "u32", BOOL: "bool"}
# Numbers of 8 and 16 bits are computed in 32 and brought back into range after each operation.
TYPES: dict[DType, str] = _WIDE | {narrow: _WIDE[wide] for narrow, wide in NARROW.items()} | pairs.PAIRS
ZEROS: dict[str, str] = {"f32": "0.0", "i32": "0i", "u32": "0u", "bool": "false"} | pairs.ZEROS
LAST_INDEX = "2147483647i"      # the position of an ARG* reduction that has seen nothing

CURES = {
    "float64": "float64 needs a feature that WGSL does not have; use the CPU device or float32",
    "int64": "int64 is not offered on this device yet; use the CPU device or int32",
    "uint64": "uint64 is not offered on this device yet; use the CPU device or uint32",
    "complex128": "complex128 needs float64, which WGSL does not have; use the CPU device or complex64",
}


def wgsl_type(dtype: DType) -> str:
    """The type of a value in a shader.

    Raises DeviceError for a dtype that the device lacks.

    >>> wgsl_type(F32)
    'f32'
    """
    if dtype not in TYPES:
        cure = CURES.get(dtype.name, f"{dtype} is not offered on this device; use the CPU device or a 32-bit type")
        raise DeviceError(f"dtype {dtype} ({short_name(dtype)}) on a WebGPU device: {cure}")
    return TYPES[dtype]


def storage_type(dtype: DType) -> str:
    """The type of an element as it is read from a buffer: a bool is a u32, since WGSL has no bool in memory."""
    kind = wgsl_type(dtype)
    return "u32" if kind == "bool" else kind


def from_storage(text: str, dtype: DType) -> str:
    """The value of an element read from a buffer."""
    return f"{text} != 0u" if dtype == BOOL else text


def to_storage(text: str, dtype: DType) -> str:
    """What is written to a buffer for a value."""
    return f"u32({text})" if dtype == BOOL else text


def constant(const: Const, opaque: bool = False) -> str:
    """A number. `opaque` hides it from constant evaluation, which refuses overflow and division by zero.

    >>> constant(Const.of(-0.5, F32)), constant(Const.of(float("nan"), F32)), constant(Const.of(-1, I32))
    ('-0.5', 'bits_f32(0x7fc00000u)', '-1i')
    """
    if const.dtype in NARROW:
        const = Const.of(const.value, NARROW[const.dtype])
    kind = wgsl_type(const.dtype)
    if kind in pairs.ZEROS:
        half = F32 if is_complex(const.dtype) else U32
        words = [Const(half, const.bits & 0xffffffff), Const(half, const.bits >> 32)]
        return f"{kind}({', '.join([constant(w, opaque) for w in words])})"
    if kind == "bool":
        return "true" if const.bits else "false"
    if kind == "f32":
        value = float(const.value)
        strange = not math.isfinite(value) or 0.0 < abs(value) < 1.2e-38 or (const.bits == 0x80000000)
        strange |= const.bits & 0x7fffffff == 0x7f7fffff    # the largest: its shortest decimal lies beyond it
        return f"bits_f32(0x{const.bits:08x}u)" if strange or opaque else _decimal(const)
    if opaque or (kind == "i32" and const.bits == 0x80000000):
        return f"opaque_{kind}(0x{const.bits:08x}u)"
    return f"{int(const.value)}{kind[0]}"


def _decimal(const: Const) -> str:
    text = str(const.value)     # the shortest decimal that reads back as the same f32
    return text if "." in text or "e" in text else text + ".0"


_INFIX: dict[ScalarOp, str] = {ScalarOp.ADD: "+", ScalarOp.SUB: "-", ScalarOp.MUL: "*"}
_COMPARE: dict[ScalarOp, str] = {ScalarOp.EQ: "==", ScalarOp.NE: "!=", ScalarOp.LT: "<", ScalarOp.LE: "<=",
                                 ScalarOp.GT: ">", ScalarOp.GE: ">="}
_BITWISE: dict[ScalarOp, str] = {ScalarOp.AND: "&", ScalarOp.OR: "|", ScalarOp.XOR: "^"}
_FLOAT_CALLS = frozenset({
    ScalarOp.DIV, ScalarOp.MOD, ScalarOp.SIGN, ScalarOp.SQRT, ScalarOp.RSQRT, ScalarOp.EXP, ScalarOp.EXPM1,
    ScalarOp.LOG, ScalarOp.LOG1P, ScalarOp.SIN, ScalarOp.COS, ScalarOp.TAN, ScalarOp.TANH, ScalarOp.ATAN2, ScalarOp.ERF,
    ScalarOp.ERFINV, ScalarOp.POW, ScalarOp.MAX, ScalarOp.MIN, ScalarOp.EQ, ScalarOp.NE, ScalarOp.NEG,
})
_FLOAT_BUILTINS = frozenset({ScalarOp.ABS, ScalarOp.FLOOR, ScalarOp.CEIL, ScalarOp.ROUND})
_INTEGER_CALLS = frozenset({ScalarOp.FLOORDIV, ScalarOp.MOD, ScalarOp.SHL, ScalarOp.SHR, ScalarOp.POW})
_INTEGER_BUILTINS = frozenset({ScalarOp.MAX, ScalarOp.MIN, ScalarOp.ABS})
_SAME = frozenset({ScalarOp.FLOOR, ScalarOp.CEIL, ScalarOp.ROUND})
# What leaves numbers of 8 and 16 bits in their range (and a float one of its kind).
_CLOSED = TO_BOOL | _SAME | {ScalarOp.SIGN, ScalarOp.MAX, ScalarOp.MIN, ScalarOp.MOD, ScalarOp.AND, ScalarOp.OR,
                             ScalarOp.XOR, ScalarOp.SHR, ScalarOp.SELECT, ScalarOp.CONVERT, ScalarOp.BITCAST}
_CLOSED_FLOATS = (_CLOSED - {ScalarOp.MOD}) | {ScalarOp.NEG, ScalarOp.ABS}


def narrowed(op: ScalarOp, text: str, dtype: DType) -> str:
    """The result of an operation brought back into its dtype: integers wrap, floats are rounded.

    >>> narrowed(ScalarOp.ADD, "v0 + v1", F16), narrowed(ScalarOp.ADD, "v0 + v1", F32)
    ('round_f16(v0 + v1)', 'v0 + v1')
    """
    if dtype not in NARROW or op in (_CLOSED_FLOATS if is_float(dtype) else _CLOSED):
        return text
    return f"{'round' if is_float(dtype) else 'wrap'}_{short_name(dtype)}({text})"


def operation(op: ScalarOp, xs: Sequence[str], kind: DType, dtype: DType) -> str:
    """The expression of one operation on named values of dtype `kind`, with a result of `dtype`.

    >>> operation(ScalarOp.MAX, ["v0", "v1"], F32, F32), operation(ScalarOp.ADD, ["v0", "v1"], I32, I32)
    ('max_f32(v0, v1)', 'v0 + v1')
    """
    match op:
        case ScalarOp.SELECT:
            return f"select({xs[2]}, {xs[1]}, {xs[0]})"
        case ScalarOp.CONVERT:
            return _convert(xs[0], kind, dtype)
        case ScalarOp.BITCAST:
            return _bitcast(xs[0], kind, dtype)
        case _:
            pass
    if kind == BOOL:
        text = _boolean(op, xs)
    elif is_complex(kind):
        text = pairs.complex_operation(op, xs)
    elif is_float(kind):
        text = _float(op, xs)
    else:
        text = _integer(op, xs, wgsl_type(kind))
    if text is None:
        raise InternalError(f"internal: scalar operation {op.value} has no meaning for {kind}")
    return narrowed(op, text, dtype)


def _float(op: ScalarOp, xs: Sequence[str]) -> str | None:
    if op in _FLOAT_CALLS:
        return f"{op.value}_f32({', '.join(xs)})"
    if op in _FLOAT_BUILTINS:
        return f"{op.value}({xs[0]})"
    if op in _INFIX or op in _COMPARE:
        return f"{xs[0]} {(_INFIX | _COMPARE)[op]} {xs[1]}"
    if op in (ScalarOp.ISNAN, ScalarOp.ISFINITE):
        return f"{'is_nan' if op is ScalarOp.ISNAN else 'is_finite'}({xs[0]})"
    return f"vec2<f32>({xs[0]}, {xs[1]})" if op is ScalarOp.COMPLEX else None


def _integer(op: ScalarOp, xs: Sequence[str], kind: str) -> str | None:
    if op in _INTEGER_CALLS:
        return f"{op.value}_{kind}({', '.join(xs)})"
    if op in _INTEGER_BUILTINS:
        return f"{op.value}({', '.join(xs)})"
    if op in _SAME:
        return xs[0]
    match op:
        case ScalarOp.NEG:
            return f"-{xs[0]}" if kind == "i32" else f"0u - {xs[0]}"
        case ScalarOp.SIGN:
            return f"sign({xs[0]})" if kind == "i32" else f"min({xs[0]}, 1u)"
        case ScalarOp.NOT:
            return f"~{xs[0]}"
        case ScalarOp.ISNAN | ScalarOp.ISFINITE:
            return "true" if op is ScalarOp.ISFINITE else "false"
        case ScalarOp.DIV:
            return None
        case _:
            sign = (_INFIX | _COMPARE | _BITWISE).get(op)
            return f"{xs[0]} {sign} {xs[1]}" if sign else None


def _boolean(op: ScalarOp, xs: Sequence[str]) -> str | None:
    match op:
        case ScalarOp.AND | ScalarOp.MIN:
            return f"{xs[0]} & {xs[1]}"
        case ScalarOp.OR | ScalarOp.MAX:
            return f"{xs[0]} | {xs[1]}"
        case ScalarOp.XOR | ScalarOp.NE:
            return f"{xs[0]} != {xs[1]}"
        case ScalarOp.NOT:
            return f"!{xs[0]}"
        case ScalarOp.EQ:
            return f"{xs[0]} == {xs[1]}"
        case ScalarOp.LT | ScalarOp.LE | ScalarOp.GT | ScalarOp.GE:
            return f"u32({xs[0]}) {_COMPARE[op]} u32({xs[1]})"
        case ScalarOp.ISNAN | ScalarOp.ISFINITE:
            return "true" if op is ScalarOp.ISFINITE else "false"
        case _:
            return None


def _bitcast(x: str, kind: DType, dtype: DType) -> str:
    if dtype in NARROW or kind in NARROW:
        return packed.from_bits(packed.to_bits(x, kind), dtype)
    return f"bitcast<{wgsl_type(dtype)}>({x})"


def _convert(x: str, kind: DType, dtype: DType) -> str:
    source, wanted = wgsl_type(kind), wgsl_type(dtype)
    if is_complex(dtype):
        return pairs.to_complex(x, kind)
    if is_complex(kind):
        return f"bool_from_c64({x})" if dtype == BOOL else _convert(f"{x}.x", F32, dtype)
    if source == "f32" and wanted != "f32":
        return f"{short_name(dtype)}_from_f32({x})"
    if wanted == "bool" and source != "bool":
        return f"{x} != {ZEROS[source]}"
    text = x if source == wanted else f"{wanted}({x})"     # between integers WGSL keeps the bits
    exact = kind in (dtype, BOOL) or (kind.kind == dtype.kind and kind.itemsize < dtype.itemsize)
    return text if exact else narrowed(ScalarOp.ADD, text, dtype)


def identity(op: ReduceOp, dtype: DType) -> str:
    """What a reduction starts from.

    >>> identity(ReduceOp.MAX, F32), identity(ReduceOp.PROD, I32)
    ('bits_f32(0xff800000u)', '1i')
    """
    kind = wgsl_type(dtype)
    match op:
        case ReduceOp.SUM | ReduceOp.OR:
            return ZEROS[kind]
        case ReduceOp.PROD:
            return {"f32": "1.0", "i32": "1i", "u32": "1u", "bool": "true", "vec2<f32>": "vec2<f32>(1.0, 0.0)"}[kind]
        case ReduceOp.AND:
            return {"i32": "-1i", "u32": "4294967295u", "bool": "true"}[kind]
        case ReduceOp.MAX | ReduceOp.ARGMAX:
            return {"f32": "bits_f32(0xff800000u)", "i32": "opaque_i32(0x80000000u)", "u32": "0u",
                    "bool": "false"}[kind]
        case ReduceOp.MIN | ReduceOp.ARGMIN:
            return {"f32": "bits_f32(0x7f800000u)", "i32": "2147483647i", "u32": "4294967295u",
                    "bool": "true"}[kind]


_FOLDS: dict[ReduceOp, ScalarOp] = {ReduceOp.SUM: ScalarOp.ADD, ReduceOp.PROD: ScalarOp.MUL, ReduceOp.MAX: ScalarOp.MAX,
                                    ReduceOp.MIN: ScalarOp.MIN, ReduceOp.AND: ScalarOp.AND, ReduceOp.OR: ScalarOp.OR}


def combine(op: ReduceOp, x: str, y: str, dtype: DType) -> str:
    """Two partial results of a reduction folded into one; not for ARG*, whose order is `better`."""
    return operation(_FOLDS[op], [x, y], dtype, dtype)


def infix(op: ReduceOp, dtype: DType) -> bool:
    """Whether `combine` is written with an operator, and so needs parentheses inside of another."""
    return op not in (ReduceOp.MAX, ReduceOp.MIN) or dtype == BOOL


def every(tests: Sequence[str]) -> str:
    """Whether all conditions hold; empty if there is none. Not by &&, which is a branch: drivers choke on many.

    >>> every(["a < b", "c"])
    '(a < b) & c'
    """
    return " & ".join([t if t.isidentifier() else f"({t})" for t in tests]) if len(tests) > 1 else "".join(tests)


def better(op: ReduceOp, x: str, y: str, dtype: DType) -> str:
    """Whether value `x` wins over value `y` in ARGMAX or ARGMIN, whichever comes first: NaN wins over numbers."""
    sign = ">" if op is ReduceOp.ARGMAX else "<"
    if dtype == BOOL:
        return f"(u32({x}) {sign} u32({y}))"
    if is_float(dtype):
        return f"(({x} {sign} {y}) | (is_nan({x}) & !is_nan({y})))"
    return f"({x} {sign} {y})"


def equally_good(x: str, y: str, dtype: DType) -> str:
    """Whether neither of two values wins in ARGMAX or ARGMIN."""
    return f"(({x} == {y}) | (is_nan({x}) & is_nan({y})))" if is_float(dtype) else f"({x} == {y})"
