"""Random bits, and what all draws are made of: whole words, floats in [0, 1), bounds."""
from __future__ import annotations

import numpy as np

from lantern.dtypes import F32, F64, canonical, default, is_float, short_name
from lantern.eager import one_program
from lantern.lax.operands import (
    ArrayLike,
    DType,
    DTypeLike,
    ShapeLike,
    array,
    canonical_shape,
    cast,
    common_shape,
    constant,
    shape_error,
    stretch,
    type_error,
)
from lantern.numpy.arithmetic import multiply
from lantern.numpy.element_types import finfo
from lantern.numpy.logic import bitwise_and, bitwise_or, left_shift, right_shift
from lantern.ops.convert import convert
from lantern.ops.random import random_bits, random_split
from lantern.random.keys import words
from lantern.trace.array import Array


@one_program(1)
def bits(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = None) -> Array:
    """Random bits as unsigned integers of 8, 16, 32 or 64 bits; 32 unless asked otherwise, 64 in x64 mode.

    Raises TypeError for another dtype.

    >>> from lantern import random
    >>> random.bits(random.key(0), (3,)).dtype
    dtype('uint32')
    """
    wanted = default(np.dtype(np.uint64)) if dtype is None else canonical(dtype)
    if wanted.kind != "u":
        raise type_error(f"bits: wanted an unsigned integer dtype, got {short_name(wanted)}")
    return random_words(words("bits", key), canonical_shape("bits", shape), wanted)


def random_words(key: Array, shape: tuple[int, ...], dtype: DType) -> Array:
    """Up to 32 bits are the low ones of one word; 64 are both words of the cipher."""
    if dtype.itemsize < 8:
        return convert(random_bits(key, shape), dtype)
    pairs = convert(random_split(key, shape), dtype)
    return bitwise_or(left_shift(pairs[..., 0], 32), pairs[..., 1])


def floating(function: str, dtype: DTypeLike) -> DType:
    """The floating point dtype that was asked for. Raises TypeError for another."""
    wanted = canonical(dtype)
    if not is_float(wanted):
        raise type_error(f"{function}: wanted a floating point dtype, got {short_name(wanted)}")
    return wanted


def unit(key: Array, shape: tuple[int, ...], dtype: DType) -> Array:
    """Uniform in [0, 1): a whole number of as many bits as the mantissa has, times a power of two; exact on every
    device."""
    info = finfo(dtype)
    mantissa = int(info.nmant)
    if dtype == F64:
        whole, wide = right_shift(random_words(key, shape, np.dtype(np.uint64)), 64 - mantissa), F64
    else:
        width = 8 if mantissa < 8 else int(info.bits)       # JAX draws 8 bits for bfloat16
        drawn = random_bits(key, shape)
        drawn = drawn if width == 32 else bitwise_and(drawn, (1 << width) - 1)
        whole, wide = right_shift(drawn, width - mantissa), F32
    return convert(multiply(convert(whole, wide), 2.0 ** -mantissa), dtype)



def bound(function: str, x: ArrayLike, shape: tuple[int, ...], dtype: DType) -> Array:
    """A bound of a distribution, stretched to the shape."""
    found = constant(cast(x, dtype)) if isinstance(x, (int, float)) else convert(array(function, x), dtype)
    if common_shape(function, [found.shape, shape]) != shape:
        raise shape_error(f"{function}: bounds of shape {found.shape} do not broadcast to {shape}")
    return stretch(found, shape)
