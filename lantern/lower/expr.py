"""The scalar language: what one point of a loop nest computes. Closed: a backend renders exactly this."""
from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

import numpy as np

from lantern.source import Source

DType: TypeAlias = "np.dtype[Any]"


class ScalarOp(Enum):
    """Operations on numbers. Operands share one dtype unless the comment says otherwise; the result has it too.

    Semantics are those of `docs/semantics.md` on every backend: integers wrap, integer division floors and gives 0 for
    a zero divisor, shifts past the width give 0 (arithmetic right shift: sign fill), NaN passes through MAX, MIN, SIGN.
    Complex numbers have no order: of the operations on numbers they have arithmetic, EQ, NE, ABS (a float), SIGN
    (z / |z|), POW and the functions from SQRT to TANH. CONVERT to another kind takes their real part.
    """

    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    DIV = "div"              # floats only
    FLOORDIV = "floordiv"    # integers only
    MOD = "mod"              # sign of the divisor, as Python's %
    NEG = "neg"
    ABS = "abs"
    SIGN = "sign"
    FLOOR = "floor"
    CEIL = "ceil"
    ROUND = "round"          # half to even
    SQRT = "sqrt"
    RSQRT = "rsqrt"
    EXP = "exp"
    EXPM1 = "expm1"
    LOG = "log"
    LOG1P = "log1p"
    SIN = "sin"
    COS = "cos"
    TAN = "tan"
    TANH = "tanh"
    ATAN2 = "atan2"
    ERF = "erf"
    ERFINV = "erfinv"
    POW = "pow"
    MAX = "max"
    MIN = "min"
    EQ = "eq"                # comparisons give bool
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    AND = "and"              # integers and bool
    OR = "or"
    XOR = "xor"
    NOT = "not"
    SHL = "shl"
    SHR = "shr"              # arithmetic for signed, logical for unsigned integers
    ISNAN = "isnan"          # gives bool
    ISFINITE = "isfinite"    # gives bool
    SELECT = "select"        # (bool, x, y): x where true, else y
    CONVERT = "convert"      # to Apply.dtype: float to int truncates, saturates, NaN gives 0; to bool is `!= 0`
    BITCAST = "bitcast"      # same bits, same width, as Apply.dtype
    REAL = "real"            # a part of a complex number gives a float
    IMAG = "imag"
    CONJ = "conj"            # complex only
    COMPLEX = "complex"      # (real, imaginary part): two floats give a complex number


COMPARISONS = frozenset({ScalarOp.EQ, ScalarOp.NE, ScalarOp.LT, ScalarOp.LE, ScalarOp.GT, ScalarOp.GE})
TO_BOOL = COMPARISONS | {ScalarOp.ISNAN, ScalarOp.ISFINITE}


class ReduceOp(Enum):
    """How a stage folds its inner loop. MAX, MIN, ARGMAX and ARGMIN let NaN win; ARG* give the first i32 position."""

    SUM = "sum"
    PROD = "prod"
    MAX = "max"
    MIN = "min"
    AND = "and"
    OR = "or"
    ARGMAX = "argmax"
    ARGMIN = "argmin"


Ref: TypeAlias = int    # position of an earlier instruction in the same body


@dataclass(frozen=True, slots=True)
class Const:
    """A number by its bits, so that -0.0, NaN payloads, 1 and True stay apart. `bits` is unsigned."""

    dtype: DType
    bits: int

    @staticmethod
    def of(value: object, dtype: DType) -> Const:
        """The constant nearest to `value` in `dtype`."""
        return Const(dtype, int.from_bytes(np.asarray(value, dtype).tobytes(), "little"))

    @property
    def value(self) -> Any:
        """The number as a NumPy scalar of its dtype."""
        return np.frombuffer(self.bits.to_bytes(self.dtype.itemsize, "little"), self.dtype)[0]

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class LoopIndex:
    """The i32 position along one axis of the domain (rows first, then the stage's columns)."""

    axis: int


@dataclass(frozen=True, slots=True)
class Guard:
    """A load is made only where start <= i < stop and (i - start) % step == 0 for the position i along `axis`."""

    axis: int
    start: int
    stop: int
    step: int = 1


@dataclass(frozen=True, slots=True)
class Load:
    """args[arg] at flat element `offset + sum(strides[k] * position(k))`.

    position(k) is the loop position along axis k, or `(i - start) // step` where a guard stands on that axis. Outside a
    guard the value is `fill`. Without guards the address is always in range.
    """

    arg: int
    offset: int
    strides: tuple[int, ...]
    guards: tuple[Guard, ...] = ()
    fill: Const | None = None


@dataclass(frozen=True, slots=True)
class Gather:
    """args[arg] at the flat element given by an i32 value, which the body keeps in range."""

    arg: int
    index: Ref


@dataclass(frozen=True, slots=True)
class Reduced:
    """The result of reduction `slot` of an earlier stage of the same kernel, for the current row."""

    stage: int
    slot: int


@dataclass(frozen=True, slots=True)
class Apply:
    """One scalar operation; `dtype` is that of the result."""

    op: ScalarOp
    operands: tuple[Ref, ...]
    dtype: DType


Instr: TypeAlias = "Const | LoopIndex | Load | Gather | Reduced | Apply"


@dataclass(slots=True)
class Body:
    """Builds a tuple of instructions, never the same one twice. `source` is noted beside each new one."""

    rank: int
    instrs: list[Instr] = field(default_factory=list["Instr"])
    seen: dict[Instr, Ref] = field(default_factory=dict["Instr", Ref])
    source: Source | None = None
    sources: list[Source | None] = field(default_factory=list["Source | None"])

    def add(self, instr: Instr) -> Ref:
        """Append `instr`, or find it."""
        ref = self.seen.get(instr)
        if ref is None:
            ref = self.seen[instr] = len(self.instrs)
            self.instrs.append(instr)
            self.sources.append(self.source)
        return ref

    def const(self, value: object, dtype: DType) -> Ref:
        """A number."""
        return self.add(Const.of(value, dtype))

    def index(self, axis: int) -> Ref:
        """The i32 loop position along `axis`."""
        return self.add(LoopIndex(axis))

    def load(self, arg: int, strides: tuple[int, ...], offset: int = 0, guards: tuple[Guard, ...] = (),
             fill: Const | None = None) -> Ref:
        """An affine read; see `Load`."""
        assert len(strides) == self.rank, "internal: one stride per axis of the domain"
        return self.add(Load(arg, offset, strides, guards, fill))

    def gather(self, arg: int, index: Ref) -> Ref:
        """A read at a computed flat position."""
        return self.add(Gather(arg, index))

    def reduced(self, stage: int, slot: int = 0) -> Ref:
        """What an earlier stage reduced for this row."""
        return self.add(Reduced(stage, slot))

    def apply(self, op: ScalarOp, *operands: Ref, dtype: DType) -> Ref:
        """One operation."""
        return self.add(Apply(op, operands, dtype))

    def done(self) -> tuple[Instr, ...]:
        """The finished body."""
        return tuple(self.instrs)


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Element strides of a contiguous array; axes of size one get stride 0.

    >>> row_major((2, 3, 4))
    (12, 4, 1)
    """
    strides: list[int] = []
    step = 1
    for n in reversed(shape):
        strides.append(step if n != 1 else 0)
        step *= n
    return tuple(reversed(strides))
