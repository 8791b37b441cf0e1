"""How elements lie in buffers: those of 8 and 16 bits (and bools, as bytes) are packed into u32 words.

A word is read and shifted by whoever needs one of its elements. It is written by one invocation as a whole where four
neighbours are stored together, else with two atomic operations for each element: two invocations may write parts of the
same word.
"""
from __future__ import annotations

from collections.abc import Sequence

from lantern.dtypes import short_name
from lantern.lower.expr import DType


def per_word(dtype: DType) -> int:
    """Elements in four bytes.

    >>> import numpy as np
    >>> per_word(np.dtype("float16")), per_word(np.dtype("bool")), per_word(np.dtype("int32"))
    (2, 4, 1)
    """
    return max(1, 4 // dtype.itemsize)


def stored_bytes(count: int, dtype: DType) -> int:
    """Bytes that `count` elements take, in whole words.

    >>> import numpy as np
    >>> stored_bytes(5, np.dtype("int8")), stored_bytes(5, np.dtype("float32"))
    (8, 20)
    """
    return -(-count * dtype.itemsize // 4) * 4


def four_type(dtype: DType, kind: str) -> str:
    """The type of four neighbours in a buffer; `kind`: that of one, where it takes a word of its own."""
    return {1: f"vec4<{kind}>", 2: "vec2<u32>", 4: "u32"}[per_word(dtype)]


def load_four(text: str, dtype: DType) -> str:
    """Four neighbours as a vec4 of values, from what a buffer of fours holds."""
    return text if per_word(dtype) == 1 else f"four_{_name(dtype)}({text})"


def pack_four(text: str, dtype: DType) -> str:
    """What a buffer of fours holds, from a vec4 of values."""
    return text if per_word(dtype) == 1 else f"pack_{_name(dtype)}({text})"


def load_one(buffer: str, index: str, dtype: DType, fours: bool, atomic: bool) -> str:
    """One element of a buffer, which may be declared in fours or as atomics."""
    many = per_word(dtype)
    if many == 1 and not fours:
        return f"{buffer}[{index}]"
    index = grouped(index)
    if fours:
        word = {1: f"{buffer}[{index} / 4u][{index} % 4u]", 2: f"{buffer}[{index} / 4u][{index} / 2u % 2u]",
                4: f"{buffer}[{index} / 4u]"}[many]
    else:
        word = f"{buffer}[{index} / {many}u]"
        word = f"atomicLoad(&{word})" if atomic else word
    return word if many == 1 else from_bits(f"{word} >> ({index} % {many}u * {32 // many}u)", dtype)


def grouped(text: str) -> str:
    """An expression that may stand beside any operator."""
    return f"({text})" if " " in text else text


def store_one(buffer: str, index: str, value: str, dtype: DType) -> Sequence[str]:
    """The statements that write one packed element, whoever else writes to the same word."""
    many, bits = per_word(dtype), 32 // per_word(dtype)
    return ("{", f"  let e = {index};", f"  let s = e % {many}u * {bits}u;",
            f"  atomicAnd(&{buffer}[e / {many}u], ~({_mask(dtype)} << s));",
            f"  atomicOr(&{buffer}[e / {many}u], {to_bits(value, dtype)} << s);", "}")


def update_one(buffer: str, index: str, update: str, dtype: DType) -> Sequence[str]:
    """The statements that replace one packed element `old` by `update`, an expression of it."""
    many, bits = per_word(dtype), 32 // per_word(dtype)
    return ("{", f"  let e = {index};", f"  let s = e % {many}u * {bits}u;",
            f"  var word = atomicLoad(&{buffer}[e / {many}u]);", "  loop {",
            f"    let old = {from_bits('word >> s', dtype)};",
            f"    let bits = {to_bits(update, dtype)};",
            f"    let wanted = (word & ~({_mask(dtype)} << s)) | (bits << s);",
            f"    let found = atomicCompareExchangeWeak(&{buffer}[e / {many}u], word, wanted);",
            "    if (found.exchanged) { break; }", "    word = found.old_value;", "  }", "}")


def to_bits(text: str, dtype: DType) -> str:
    """The bits of a packed element, the lowest of a u32 whose others are zero."""
    return f"to_bits_{_name(dtype)}({text})"


def from_bits(text: str, dtype: DType) -> str:
    """The value that the lowest bits of a u32 mean, whatever the others are."""
    return f"from_bits_{_name(dtype)}({text})"


def _name(dtype: DType) -> str:
    """The ending of the prelude's functions; a bool is a byte that is 0 or 1."""
    name = short_name(dtype)
    return "u8" if name == "bool" else name


def _mask(dtype: DType) -> str:
    return "0xffffu" if per_word(dtype) == 2 else "0xffu"
