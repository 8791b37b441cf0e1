"""Random keys: made from words, read as words, and used up.

A key is an element of its own dtype, `key<fry>`. None of these operations has a kernel: in memory a key is its two
words, u32 along a last axis, and before lowering every operation on keys becomes one on words
(`lantern.transforms.physical`).
"""
from __future__ import annotations

from collections.abc import Sequence

from lantern.dtypes import KEY, U32
from lantern.errors import ShapeError
from lantern.ops.build import AnyArray
from lantern.ops.pointwise import zero_tangents
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind1
from lantern.trace.primitive import Axis, Dims, Primitive, Value


def _check_keys(name: str, keys: ShapedArray) -> None:
    if keys.dtype != KEY:
        raise ShapeError(f"{name}: wanted random keys, got {keys}. Make them with lantern.random.key(seed)")


# random_wrap


def _wrap_abstract(words: ShapedArray) -> Sequence[ShapedArray]:
    if words.dtype != U32 or words.shape[-1:] != (2,):
        raise ShapeError(f"random_wrap: wanted the words of keys, u32[...,2], got {words}")
    return [shaped(words.shape[:-1], KEY)]


def _same_impl(x: AnyArray) -> Sequence[AnyArray]:
    return [x]


def _wrap_batch(axis: Axis, args: Sequence[Value], dims: Dims) -> tuple[Sequence[Value], Dims]:
    return [random_wrap(args[0])], [0]


random_wrap_p = Primitive("random_wrap", _wrap_abstract, _same_impl, None, _wrap_batch, zero_tangents)


def random_wrap(words: Value) -> Value:
    """The keys whose words, u32[...,2], these are.

    Raises ShapeError for another dtype or shape.
    """
    return bind1(random_wrap_p, words)


# random_unwrap


def _unwrap_abstract(keys: ShapedArray, *, by: str) -> Sequence[ShapedArray]:
    _check_keys("random_unwrap", keys)
    return [shaped((*keys.shape, 2), U32)]


def _unwrap_impl(x: AnyArray, *, by: str) -> Sequence[AnyArray]:
    return [x]


def _unwrap_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, by: str) -> tuple[Sequence[Value], Dims]:
    return [random_unwrap(args[0], by)], [0]


random_unwrap_p = Primitive("random_unwrap", _unwrap_abstract, _unwrap_impl, None, _unwrap_batch, zero_tangents)


def random_unwrap(keys: Value, by: str = "") -> Value:
    """The words of keys, u32[...,2]. `by`: the function that uses the keys up; empty if they are only looked at.

    Raises ShapeError for what is no key.
    """
    return bind1(random_unwrap_p, keys, by=by)


# random_clone


def _clone_abstract(keys: ShapedArray) -> Sequence[ShapedArray]:
    _check_keys("random_clone", keys)
    return [keys]


def _clone_batch(axis: Axis, args: Sequence[Value], dims: Dims) -> tuple[Sequence[Value], Dims]:
    return [random_clone(args[0])], [0]


random_clone_p = Primitive("random_clone", _clone_abstract, _same_impl, None, _clone_batch, zero_tangents)


def random_clone(keys: Value) -> Value:
    """The same keys, which count as unused.

    Raises ShapeError for what is no key.
    """
    return bind1(random_clone_p, keys)
