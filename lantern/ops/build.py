"""What primitives are built with: operands, checks of their types, and the builder of linear primitives."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, TypeAlias

import numpy as np

from lantern.dtypes import (
    BF16,
    BOOL,
    C64,
    C128,
    F16,
    F32,
    F64,
    I32,
    I64,
    KEY,
    U8,
    U32,
    i8,
    i16,
    is_complex,
    is_inexact,
    no_numbers,
    short_name,
    u16,
    u64,
)
from lantern.errors import ShapeError
from lantern.lower.expr import DType
from lantern.source import user_source
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind1, typeof
from lantern.trace.jaxpr import PLAIN, Literal, literal
from lantern.trace.primitive import (
    AbstractRule,
    Alias,
    Axis,
    BatchRule,
    Dims,
    ImplRule,
    Linear,
    LowerRule,
    Primitive,
    Rewritten,
    Structured,
    Tangent,
    Value,
    Zero,
)
from lantern.trace.staging import with_line

AnyArray: TypeAlias = "np.ndarray[Any, Any]"

FLOATS = frozenset({F16, BF16, F32, F64})
INTEGERS = frozenset({i8.dtype, i16.dtype, I32, I64, U8, u16.dtype, U32, u64.dtype})
BOOLS = frozenset({BOOL})
COMPLEX = frozenset({C64, C128})
REALS = FLOATS | INTEGERS
INEXACT = FLOATS | COMPLEX
NUMBERS = REALS | COMPLEX
BITS = INTEGERS | BOOLS
ORDERED = REALS | BOOLS
ANYTHING = NUMBERS | BOOLS
MOVABLE = ANYTHING | {KEY}      # what may be chosen or written, whatever it is
PARTS = frozenset({F32, F64})       # the floats that complex numbers are made of
_WORDS = {FLOATS: "floats", INTEGERS: "integers", NUMBERS: "numbers", BITS: "integers or bools", BOOLS: "bools",
          COMPLEX: "complex numbers", INEXACT: "floats", REALS: "numbers", ORDERED: "numbers or bools",
          ANYTHING: "numbers or bools", MOVABLE: "numbers, bools or keys", PARTS: "floats of 32 or 64 bits"}


def same_type(name: str, avals: Sequence[ShapedArray], accepts: frozenset[DType]) -> ShapedArray:
    """The one aval of elementwise operands: one dtype, and one shape or rank 0. It is weak if all of them are.

    Raises ShapeError if shapes or dtypes differ, or if the dtype is not in `accepts`.
    """
    first = avals[0]
    for other in avals:
        if other is not first:
            return _joined(name, avals, accepts)
    if first.dtype not in accepts:
        raise unaccepted(name, first, accepts)
    return first


def _joined(name: str, avals: Sequence[ShapedArray], accepts: frozenset[DType]) -> ShapedArray:
    widest, weak = avals[0], True
    for a in avals:
        weak = weak and a.weak
        if a.shape and a.shape != widest.shape:
            if widest.shape:
                raise ShapeError(f"{name}: operands must have one shape, got {listed(avals)}. Broadcast them first")
            widest = a
    if any([a.dtype != widest.dtype for a in avals]):
        raise ShapeError(f"{name}: operands must have one dtype, got {listed(avals)}. Convert them first")
    if widest.dtype not in accepts:
        raise unaccepted(name, widest, accepts)
    return widest if weak == widest.weak else shaped(widest.shape, widest.dtype, weak)


def unaccepted(name: str, aval: ShapedArray, accepts: frozenset[DType]) -> ShapeError | TypeError:
    """The error for an operand of a wrong kind of dtype."""
    if aval.dtype is KEY:
        return no_numbers(name, f"wanted {_WORDS[accepts]}, got {aval}")
    if is_complex(aval.dtype):
        what = "no order, so this is not defined" if accepts in (REALS, ORDERED) else "no such function here"
        return ShapeError(f"{name}: wanted {_WORDS[accepts]}, got {aval}: complex numbers have {what}. Take abs, real "
                          "or imag first")
    return ShapeError(f"{name}: wanted {_WORDS[accepts]}, got {aval}. Convert it first")


def listed(avals: Sequence[ShapedArray]) -> str:
    """The avals in words.

    >>> listed([shaped((2, 3), np.dtype("float32")), shaped((4,), np.dtype("int32"))])
    'f32[2,3] and i32[4]'
    """
    words = [str(a) for a in avals]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def call(primitive: Primitive, *args: Value, **params: Any) -> Value:
    """Bind an elementwise primitive: Python scalars become literals of the dtype of the arrays beside them.

    Raises ShapeError if the arrays' shapes differ: a rank-0 array would need a broadcast for its cotangent to be right.
    """
    like = None
    plain = False
    for x in args:
        if type(x) in PLAIN:
            plain = True
        elif like is None:
            like = typeof(x)
        elif type(x) is not Literal and typeof(x) is not like:
            _same_shapes(primitive, args)
    if plain:
        args = tuple([scalar_like(primitive.name, x, like) if type(x) in PLAIN else x for x in args])
    return bind1(primitive, *args, **params)


def _same_shapes(primitive: Primitive, args: Sequence[Value]) -> None:
    avals = [typeof(x) for x in args if type(x) not in PLAIN and type(x) is not Literal]
    if any(a.shape != avals[0].shape for a in avals):
        error = ShapeError(f"{primitive.name}: operands must have one shape, got {listed(avals)}. Broadcast them first")
        raise with_line(error, user_source())


def scalar_like(name: str, x: bool | int | float | complex, like: ShapedArray | None) -> Literal:
    """A Python scalar as a literal of the dtype (and weakness) of `like`.

    Raises ShapeError for a fraction beside integers, OverflowError for an integer that does not fit.

    >>> scalar_like("mul", 2, shaped((3,), np.dtype("float32")))
    Literal(2.0, f32[])
    """
    if like is None:
        return literal(x)
    held = is_complex if type(x) is complex else is_inexact
    if type(x) in (float, complex) and not held(like.dtype):
        raise ShapeError(f"{name}: the Python {type(x).__name__} {x} stands beside {like}. Convert one of them first")
    strong = literal(x, like.dtype, name)
    return Literal(strong.value, shaped((), like.dtype, True)) if like.weak else strong


def as_operand(x: Value) -> Value:
    """A Python scalar as a weak literal of its default dtype, anything else as it is."""
    return literal(x) if type(x) in PLAIN else x


def is_linear(x: Value) -> bool:
    """Whether a transposition rule is asked for this operand's cotangent."""
    return type(x) is Linear


# (cotangent, aval of the linear operand, *other operands, **params) -> its cotangent
LinearTranspose: TypeAlias = Callable[Concatenate[Value, ShapedArray, ...], Value]
# (operand with the new axis in front, *others, **params) -> the output, with the new axis in front
LinearBatch: TypeAlias = Callable[Concatenate[Axis, Value, ...], Value]


def linear(name: str, abstract: AbstractRule, impl: ImplRule, lower: LowerRule | Alias | Rewritten | Structured,
           transpose: LinearTranspose, batch: LinearBatch | None = None,
           batch_all: BatchRule | None = None) -> Primitive:
    """A primitive linear in its first operand; the others (indices) have no derivative. The tangent goes the same way.

    `batch` is enough for one operand; with more, `batch_all` has to look at the dims.
    """
    def jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent],
            **params: Any) -> Sequence[Tangent]:
        if type(tangents[0]) is Zero:
            return [Zero(typeof(outs[0]))]
        return [bind1(primitive, tangents[0], *primals[1:], **params)]

    def transpose_first(cts: Sequence[Tangent], args: Sequence[Value], **params: Any) -> Sequence[Value | None]:
        others = [None] * (len(args) - 1)
        return [transpose(cts[0], args[0].aval, *args[1:], **params) if is_linear(args[0]) else None, *others]

    def batch_first(axis: Axis, args: Sequence[Value], dims: Dims, /, **params: Any) -> tuple[Sequence[Value], Dims]:
        assert batch is not None and dims[0] == 0, f"internal: {name} has no rule for a batch of dims {dims}"
        return [batch(axis, args[0], **params)], [0]

    primitive = Primitive(name, abstract, impl, lower, batch_all or batch_first, jvp, transpose=transpose_first)
    return primitive


def check_axes(name: str, aval: ShapedArray, axes: Sequence[int]) -> None:
    """Raises ShapeError unless `axes` are different axes of the operand, counted from the front."""
    if len(set(axes)) != len(axes) or not all(0 <= a < aval.ndim for a in axes):
        raise ShapeError(f"{name}: wanted different axes from 0 to {aval.ndim - 1}, got {tuple(axes)} for {aval}")


def show(dtype: DType) -> str:
    """The short name of a dtype, for messages."""
    return short_name(dtype)
