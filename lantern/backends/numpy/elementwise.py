"""Scalar operations on whole arrays: the ufunc with the exact meaning where there is one, else a short sequence."""
from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lantern.dtypes import BF16, BOOL, F16, F32, is_complex, is_float, is_inexact
from lantern.lower.expr import TO_BOOL, Const, DType, ScalarOp
from lantern.lower.scalar import apply

Ufunc = Any     # np.ufunc, or a function of one array

_FLOATS: dict[ScalarOp, Ufunc] = {
    ScalarOp.ADD: np.add, ScalarOp.SUB: np.subtract, ScalarOp.MUL: np.multiply, ScalarOp.DIV: np.divide,
    ScalarOp.MOD: np.remainder, ScalarOp.NEG: np.negative, ScalarOp.ABS: np.absolute, ScalarOp.SIGN: np.sign,
    ScalarOp.FLOOR: np.floor, ScalarOp.CEIL: np.ceil, ScalarOp.ROUND: np.rint, ScalarOp.SQRT: np.sqrt,
    ScalarOp.EXP: np.exp, ScalarOp.EXPM1: np.expm1, ScalarOp.LOG: np.log, ScalarOp.LOG1P: np.log1p,
    ScalarOp.SIN: np.sin, ScalarOp.COS: np.cos, ScalarOp.TAN: np.tan, ScalarOp.TANH: np.tanh,
    ScalarOp.ATAN2: np.arctan2, ScalarOp.POW: np.power, ScalarOp.MAX: np.maximum, ScalarOp.MIN: np.minimum,
    ScalarOp.EQ: np.equal, ScalarOp.NE: np.not_equal, ScalarOp.LT: np.less, ScalarOp.LE: np.less_equal,
    ScalarOp.GT: np.greater, ScalarOp.GE: np.greater_equal, ScalarOp.ISNAN: np.isnan, ScalarOp.ISFINITE: np.isfinite,
}
_COMPLEX: dict[ScalarOp, Ufunc] = {
    **{op: _FLOATS[op] for op in (
        ScalarOp.ADD, ScalarOp.SUB, ScalarOp.MUL, ScalarOp.DIV, ScalarOp.NEG, ScalarOp.SQRT, ScalarOp.EXP,
        ScalarOp.EXPM1, ScalarOp.LOG, ScalarOp.LOG1P, ScalarOp.SIN, ScalarOp.COS, ScalarOp.TAN, ScalarOp.TANH,
        ScalarOp.POW, ScalarOp.EQ, ScalarOp.NE, ScalarOp.ISNAN, ScalarOp.ISFINITE)},
    ScalarOp.CONJ: np.conjugate,
}
_INTEGERS: dict[ScalarOp, Ufunc] = {
    **{op: _FLOATS[op] for op in (
        ScalarOp.ADD, ScalarOp.SUB, ScalarOp.MUL, ScalarOp.MOD, ScalarOp.NEG, ScalarOp.ABS, ScalarOp.SIGN, ScalarOp.MAX,
        ScalarOp.MIN, ScalarOp.EQ, ScalarOp.NE, ScalarOp.LT, ScalarOp.LE, ScalarOp.GT, ScalarOp.GE)},
    ScalarOp.FLOORDIV: np.floor_divide, ScalarOp.AND: np.bitwise_and, ScalarOp.OR: np.bitwise_or,
    ScalarOp.XOR: np.bitwise_xor, ScalarOp.NOT: np.invert, ScalarOp.SHL: np.left_shift, ScalarOp.SHR: np.right_shift,
}
_BOOLS: dict[ScalarOp, Ufunc] = {
    op: _INTEGERS[op] for op in (
        ScalarOp.MAX, ScalarOp.MIN, ScalarOp.EQ, ScalarOp.NE, ScalarOp.LT, ScalarOp.LE, ScalarOp.GT, ScalarOp.GE,
        ScalarOp.AND, ScalarOp.OR, ScalarOp.XOR, ScalarOp.NOT)}

# Below this many elements `where`, which picks element by element, is faster than masks of bits.
FEW = 4096


@functools.cache
def find_ufunc(op: ScalarOp, dtype: DType) -> Ufunc | None:
    """The ufunc that is this operation on operands of `dtype`, with a result of that dtype (or bool).

    >>> find_ufunc(ScalarOp.ADD, F32)
    <ufunc 'add'>
    >>> find_ufunc(ScalarOp.ERF, F32) is None
    True
    """
    table = _BOOLS if dtype == BOOL else _FLOATS if is_float(dtype) else _COMPLEX if is_complex(dtype) else _INTEGERS
    ufunc = table.get(op)
    if ufunc is None:
        return None
    ones = [np.ones(1, dtype)] * ufunc.nin
    try:
        found = ufunc(*ones)
    except TypeError:       # bfloat16 lacks some
        return None
    return ufunc if found.dtype == (BOOL if op in TO_BOOL else dtype) else None


@dataclass(frozen=True, slots=True)
class Operand:
    """An array in the generated code: its variable and type, and its value if that is a constant."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    constant: Const | None = None


class Emitter(Protocol):
    """What the sequences below need of the generator."""

    def line(self, text: str) -> None:
        """One more statement."""
        ...

    def use(self, function: object, name: str) -> str:
        """The name of a function."""
        ...

    def number(self, value: object, dtype: DType) -> str:
        """The name of a constant."""
        ...

    def temporary(self, shape: tuple[int, ...], dtype: DType) -> str:
        """Scratch until the end of this operation."""
        ...

    def bits(self, operand: Operand, dtype: DType) -> str:
        """The operand's bits as integers of the same width."""
        ...


def emit(to: Emitter, op: ScalarOp, operands: Sequence[Operand], out: Operand) -> None:
    """Statements that compute the operation into `out`."""
    names = [x.name for x in operands]
    kind = operands[0].dtype
    if op is ScalarOp.SELECT:
        _select(to, operands, out)
    elif op is ScalarOp.CONVERT:
        _convert(to, operands[0], out)
    elif op is ScalarOp.RSQRT and find_ufunc(ScalarOp.SQRT, kind) and kind.itemsize >= 4:
        to.line(f"{to.use(np.sqrt, 'sqrt')}({names[0]}, {out.name})")
        to.line(f"{to.use(np.divide, 'divide')}({to.number(1, kind)}, {out.name}, {out.name})")
    else:
        ufunc = find_ufunc(op, kind)
        if ufunc is not None:
            to.line(_call(to, ufunc, names, out.name))
        elif kind in (F16, BF16) and find_ufunc(op, F32):
            _in_single_precision(to, find_ufunc(op, F32), operands, out)
        else:
            to.use(apply, "apply")
            to.line(f"{out.name}[...] = apply({to.use(op, op.name)}, ({', '.join(names)},), {out.name}.dtype)")


def _call(to: Emitter, ufunc: Ufunc, names: Sequence[str], out: str) -> str:
    """A third positional argument costs less than `out=`, but NumPy has deprecated it for two ufuncs."""
    by_name = "out=" if ufunc in (np.maximum, np.minimum) else ""
    return f"{to.use(ufunc, ufunc.__name__)}({', '.join([*names, by_name + out])})"


def _in_single_precision(to: Emitter, ufunc: Ufunc, operands: Sequence[Operand], out: Operand) -> None:
    wide: list[str] = []
    for x in operands:
        wide.append(to.temporary(x.shape, F32))
        to.line(f"{wide[-1]}[...] = {x.name}")
    result = out.name if out.dtype == BOOL else to.temporary(out.shape, F32)
    to.line(_call(to, ufunc, wide, result))
    if result != out.name:
        to.line(f"{out.name}[...] = {result}")


def _convert(to: Emitter, x: Operand, out: Operand) -> None:
    if out.dtype == BOOL:
        to.line(f"{to.use(np.not_equal, 'not_equal')}({x.name}, {to.number(0, x.dtype)}, {out.name})")
    elif (is_float(x.dtype) and not is_inexact(out.dtype)) or (is_complex(x.dtype) and not is_complex(out.dtype)):
        to.use(apply, "apply")
        to.line(f"{out.name}[...] = apply({to.use(ScalarOp.CONVERT, 'CONVERT')}, ({x.name},), {out.name}.dtype)")
    else:
        to.line(f"{out.name}[...] = {x.name}")


def _select(to: Emitter, operands: Sequence[Operand], out: Operand) -> None:
    """Large selections go by bits, y ^ ((x ^ y) & mask): branches that depend on data cost more than the passes."""
    condition, x, y = operands
    if all([x.shape in ((), (1,), out.shape) for x in operands]) and int(np.prod(out.shape)) == 1:
        to.line(f"{out.name}[...] = {x.name} if {condition.name} else {y.name}")
        return
    if int(np.prod(out.shape)) < FEW or out.dtype.itemsize > 8:
        where = to.use(np.where, "where")
        to.line(f"{out.name}[...] = {where}({condition.name}, {x.name}, {y.name})")
        return
    both, xor = to.use(np.bitwise_and, "bitwise_and"), to.use(np.bitwise_xor, "bitwise_xor")
    word = np.dtype(np.bool_) if out.dtype == BOOL else np.dtype(f"i{out.dtype.itemsize}")
    result = to.bits(out, word)
    if x.constant is not None and x.constant.bits == 0 and word != BOOL:
        mask = to.temporary(condition.shape, word)
        to.line(f"{mask}[...] = {condition.name}")
        to.line(f"{to.use(np.subtract, 'subtract')}({mask}, {to.number(1, word)}, {mask})")
        to.line(f"{both}({to.bits(y, word)}, {mask}, {result})")
        return
    mask = condition.name
    if word != BOOL:
        mask = to.temporary(condition.shape, word)
        to.line(f"{mask}[...] = {condition.name}")
        to.line(f"{to.use(np.negative, 'negative')}({mask}, {mask})")
    if y.constant is not None and y.constant.bits == 0:
        to.line(f"{both}({to.bits(x, word)}, {mask}, {result})")
        return
    different = to.temporary(out.shape, word)
    to.line(f"{xor}({to.bits(x, word)}, {to.bits(y, word)}, {different})")
    to.line(f"{both}({different}, {mask}, {different})")
    to.line(f"{xor}({different}, {to.bits(y, word)}, {result})")
