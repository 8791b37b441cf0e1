"""Random bits: a counter-based generator, the same bits on every backend.

Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011)
enciphers a 64-bit counter under a 64-bit key. A key is two u32 words along the last axis; more axes in front are a
batch of keys. The counter of an element is its flat position, and its 32 bits are both words of the cipher joined by
xor: the bits of JAX's partitionable threefry, as are the keys that `random_split` and `random_fold_in` make.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lantern.dtypes import BOOL, I32, U32
from lantern.errors import ShapeError
from lantern.lower import views
from lantern.lower.expr import Body, Ref, ScalarOp, row_major
from lantern.lower.kernel import Kernel
from lantern.ops.broadcast import front
from lantern.ops.build import AnyArray
from lantern.ops.pointwise import ON_ARRAYS, Scalars, zero_tangents
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind1
from lantern.trace.primitive import Axis, Dims, Primitive, Value

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def threefry(s: Scalars, key: tuple[Any, Any], counter: tuple[Any, Any]) -> tuple[Any, Any]:
    """Both words of the cipher, written in scalar operations on u32."""
    def apply(op: ScalarOp, a: Any, b: Any) -> Any:
        return s.apply(op, a, b, dtype=U32)

    parity = apply(ScalarOp.XOR, apply(ScalarOp.XOR, key[0], key[1]), s.const(_PARITY, U32))
    keys = (*key, parity)
    x, y = apply(ScalarOp.ADD, counter[0], keys[0]), apply(ScalarOp.ADD, counter[1], keys[1])
    for group in range(5):
        for turn in _ROTATIONS[group % 2]:
            x = apply(ScalarOp.ADD, x, y)
            left = apply(ScalarOp.SHL, y, s.const(turn, U32))
            right = apply(ScalarOp.SHR, y, s.const(32 - turn, U32))
            y = apply(ScalarOp.XOR, x, apply(ScalarOp.OR, left, right))
        x = apply(ScalarOp.ADD, x, keys[(group + 1) % 3])
        injected = apply(ScalarOp.ADD, keys[(group + 2) % 3], s.const(group + 1, U32))
        y = apply(ScalarOp.ADD, y, injected)
    return x, y


def _check_key(name: str, key: ShapedArray) -> None:
    if key.dtype != U32 or key.shape[-1:] != (2,):
        raise ShapeError(f"{name}: a key is u32[2] (or a batch of them, u32[...,2]), got {key}. "
                         "Make one with lantern.random.key(seed)")


def _check_count(name: str, shape: tuple[int, ...]) -> None:
    if math.prod(shape) > 1 << 32 or any(n < 0 for n in shape):
        raise ShapeError(f"{name}: wanted a shape of at most 2**32 elements, got {shape}. Split the key and make parts")


def _load_key(body: Body, key: ShapedArray) -> tuple[Ref, Ref]:
    """The two words, where the domain starts with the key's batch axes."""
    strides = (*row_major(key.shape)[:-1], *[0] * (body.rank - key.ndim + 1))
    return body.load(0, strides), body.load(0, strides, 1)


def _flat_position(body: Body, first: int, shape: tuple[int, ...]) -> Ref:
    """The position within `shape`, whose axes are the domain's from `first` on, as u32."""
    total = body.const(0, U32)
    for k, stride in enumerate(row_major(shape)):
        if stride:
            index = body.apply(ScalarOp.CONVERT, body.index(first + k), dtype=U32)
            term = body.apply(ScalarOp.MUL, index, body.const(stride, U32), dtype=U32)
            total = body.apply(ScalarOp.ADD, total, term, dtype=U32)
    return total


def _cipher_arrays(key: AnyArray, shape: tuple[int, ...]) -> tuple[AnyArray, AnyArray]:
    """Both words for each key and each position in `shape`."""
    counter = np.arange(math.prod(shape), dtype=np.uint32).reshape(shape)
    lead = (*key.shape[:-1], *[1] * len(shape))
    words = key[..., 0].reshape(lead), key[..., 1].reshape(lead)
    return threefry(ON_ARRAYS, words, (np.zeros_like(counter), counter))


# random_bits


def _bits_abstract(key: ShapedArray, *, shape: tuple[int, ...]) -> Sequence[ShapedArray]:
    _check_key("random_bits", key)
    _check_count("random_bits", shape)
    return [shaped((*key.shape[:-1], *shape), U32)]


def _bits_impl(key: AnyArray, *, shape: tuple[int, ...]) -> Sequence[AnyArray]:
    return [np.asarray(np.bitwise_xor(*_cipher_arrays(key, shape)))]


def _bits_lower(avals: Sequence[ShapedArray], *, shape: tuple[int, ...]) -> Kernel:
    def emit(body: Body) -> Ref:
        counter = body.const(0, U32), _flat_position(body, avals[0].ndim - 1, shape)
        return body.apply(ScalarOp.XOR, *threefry(body, _load_key(body, avals[0]), counter), dtype=U32)

    return views.loop_nest(avals, _bits_abstract(avals[0], shape=shape), emit)


def _bits_batch(axis: Axis, args: Sequence[Value], dims: Dims, *,
                shape: tuple[int, ...]) -> tuple[Sequence[Value], Dims]:
    return [random_bits(args[0], shape)], [0]


random_bits_p = Primitive("random_bits", _bits_abstract, _bits_impl, _bits_lower, _bits_batch, zero_tangents)


def random_bits(key: Value, shape: Sequence[int]) -> Value:
    """32 random bits (u32) for each element of `shape`, for each key.

    Raises ShapeError if `key` is not u32[...,2], or for more than 2**32 elements.

    >>> [hex(n) for n in random_bits(np.uint32([0, 42]), (2,)).tolist()]
    ['0x7d1c13a2', '0xae0730d9']
    """
    return bind1(random_bits_p, key, shape=tuple(shape))


# random_split


def _split_abstract(key: ShapedArray, *, shape: tuple[int, ...]) -> Sequence[ShapedArray]:
    _check_key("random_split", key)
    _check_count("random_split", shape)
    return [shaped((*key.shape[:-1], *shape, 2), U32)]


def _split_impl(key: AnyArray, *, shape: tuple[int, ...]) -> Sequence[AnyArray]:
    return [np.stack(_cipher_arrays(key, shape), -1)]


def _by_word(body: Body, words: tuple[Ref, Ref]) -> Ref:
    """The first or the second word, by the position along the last axis."""
    first = body.apply(ScalarOp.EQ, body.index(body.rank - 1), body.const(0, I32), dtype=BOOL)
    return body.apply(ScalarOp.SELECT, first, *words, dtype=U32)


def _split_lower(avals: Sequence[ShapedArray], *, shape: tuple[int, ...]) -> Kernel:
    def emit(body: Body) -> Ref:
        counter = body.const(0, U32), _flat_position(body, avals[0].ndim - 1, shape)
        return _by_word(body, threefry(body, _load_key(body, avals[0]), counter))

    return views.loop_nest(avals, _split_abstract(avals[0], shape=shape), emit)


def _split_batch(axis: Axis, args: Sequence[Value], dims: Dims, *,
                 shape: tuple[int, ...]) -> tuple[Sequence[Value], Dims]:
    return [random_split(args[0], shape)], [0]


random_split_p = Primitive("random_split", _split_abstract, _split_impl, _split_lower, _split_batch, zero_tangents)


def random_split(key: Value, shape: Sequence[int]) -> Value:
    """New keys, `shape` of them, for each key: u32[..., *shape, 2].

    Raises ShapeError if `key` is not u32[...,2], or for more than 2**32 keys.

    >>> random_split(np.uint32([0, 42]), (3,)).shape
    (3, 2)
    """
    return bind1(random_split_p, key, shape=tuple(shape))


# random_fold_in


def _fold_abstract(key: ShapedArray, data: ShapedArray) -> Sequence[ShapedArray]:
    _check_key("random_fold_in", key)
    if data.dtype != U32 or data.shape != key.shape[:-1]:
        raise ShapeError(f"random_fold_in: wanted one u32 for each key, got {data} for keys {key}. Convert it first")
    return [key.strong()]


def _fold_impl(key: AnyArray, data: AnyArray) -> Sequence[AnyArray]:
    counter = np.zeros_like(data), data
    return [np.stack(threefry(ON_ARRAYS, (key[..., 0], key[..., 1]), counter), -1)]


def _fold_lower(avals: Sequence[ShapedArray]) -> Kernel:
    def emit(body: Body) -> Ref:
        counter = body.const(0, U32), body.load(1, (*row_major(avals[1].shape), 0))
        return _by_word(body, threefry(body, _load_key(body, avals[0]), counter))

    return views.loop_nest(avals, _fold_abstract(*avals), emit)


def _fold_batch(axis: Axis, args: Sequence[Value], dims: Dims) -> tuple[Sequence[Value], Dims]:
    return [bind1(random_fold_in_p, *[front(a, d, axis.size) for a, d in zip(args, dims, strict=True)])], [0]


random_fold_in_p = Primitive("random_fold_in", _fold_abstract, _fold_impl, _fold_lower, _fold_batch, zero_tangents)


def random_fold_in(key: Value, data: Value) -> Value:
    """A new key from each key and a number (u32) that belongs to it.

    Raises ShapeError if `key` is not u32[...,2] or `data` is not a u32 for each key.

    >>> random_fold_in(np.uint32([0, 42]), np.uint32(7)).shape
    (2,)
    """
    return bind1(random_fold_in_p, key, data)
