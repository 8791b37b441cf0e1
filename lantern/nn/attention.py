"""Scaled dot-product attention (Vaswani et al., Attention is all you need, 2017), with jax.nn's name and arguments."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from lantern.dtypes import BOOL, F32, is_float, is_integer
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, argument_error, array, shape_error, type_error
from lantern.nn.functions import softmax
from lantern.numpy.arithmetic import add, multiply, subtract
from lantern.numpy.creation import astype
from lantern.numpy.einsum import einsum
from lantern.numpy.logic import greater_equal, less, less_equal, logical_and
from lantern.numpy.logic import where as choose
from lantern.numpy.ranges import arange
from lantern.numpy.shaping import reshape, transpose
from lantern.ops.elementwise import stop_gradient
from lantern.scipy.special.entropies import logsumexp
from lantern.trace.array import Array
from lantern.trace.aval import ShapedArray

_NAME = "dot_product_attention"
MASKED = -0.7 * float(np.finfo(np.float32).max)     # finite, so that a row of only masked scores has no NaN


@one_program(5)
def dot_product_attention(query: ArrayLike, key: ArrayLike, value: ArrayLike, bias: ArrayLike | None = None,
                          mask: ArrayLike | None = None, *, scale: float | None = None, is_causal: bool = False,
                          query_seq_lengths: ArrayLike | None = None, key_value_seq_lengths: ArrayLike | None = None,
                          local_window_size: int | tuple[int, int] | None = None, implementation: str | None = None,
                          return_residual: bool = False) -> Any:
    """softmax(scale * query key^T + bias) value, for each batch element and head.

    query   [batch, T, heads, size] or [T, heads, size]
    key, value  [batch, S, groups, size] or [S, groups, size]; `heads` is a multiple of `groups`, and neighbouring heads
            share a group (Ainslie et al., GQA, 2023)
    bias    added to the scores; its axes are 1 or those of [batch, heads, T, S]
    mask    bools of such a shape: where False, a key is not attended to
    scale   None: 1 / sqrt(size)
    is_causal  position t attends to the keys up to t
    query_seq_lengths, key_value_seq_lengths  [batch]: the first so many positions count; results of others are zeros
    local_window_size  how far to the left and right of t keys may be
    implementation  None or "xla": there is one
    return_residual  also return the logarithms of the softmaxes' sums, [batch, T, heads], without a derivative

    Returns an array of the query's shape and dtype. Scores and softmax are computed in float32 at least. A row whose
    keys are all masked gets the mean of all values, as in JAX.

    Raises ShapeError if shapes or dtypes do not fit, TypeError for a mask that is not bool, ArgumentError for an
    unknown implementation.

    >>> x = np.ones((4, 2, 8))
    >>> dot_product_attention(x, x, x, is_causal=True).shape
    (4, 2, 8)
    """
    if implementation not in (None, "xla"):
        raise argument_error(f"{_NAME}: implementation must be None or 'xla', got {implementation!r}")
    given = [array(_NAME, x) for x in (query, key, value)]
    q, k, v = [_with_batch(x) for x in given]
    _check(q.aval, k.aval, v.aval)
    batch, rows, heads, size = q.shape
    columns, groups = k.shape[1:3]
    shape = (batch, heads, rows, columns)
    wide = F32 if q.dtype.itemsize < 4 else q.dtype
    grouped = reshape(astype(q, wide), (batch, rows, groups, heads // groups, size))
    scores = multiply(einsum("btkgh,bskh->bkgts", grouped, astype(k, wide)),
                      1 / math.sqrt(size) if scale is None else scale)
    if bias is not None:
        scores = astype(add(scores, _by_group("bias", array(_NAME, bias), shape, groups)), wide)
    lengths = [_lengths(name, n, batch) for name, n in (("query_seq_lengths", query_seq_lengths),
                                                        ("key_value_seq_lengths", key_value_seq_lengths))]
    scores = _masked(scores, mask, shape, is_causal, lengths, local_window_size)
    weights = astype(softmax(scores), k.dtype)
    found = reshape(einsum("bkgts,bskh->btkgh", weights, v), q.shape)
    if lengths[0] is not None:
        found = choose(less(reshape(arange(rows), (1, rows, 1, 1)), reshape(lengths[0], (batch, 1, 1, 1))), found, 0)
    found = reshape(found, given[0].shape)
    if not return_residual:
        return found
    sums = reshape(stop_gradient(logsumexp(scores, -1)), (batch, heads, rows))
    return found, reshape(astype(transpose(sums, (0, 2, 1)), k.dtype), given[0].shape[:-1])


def _with_batch(x: Array) -> Array:
    if x.ndim not in (3, 4) or not is_float(x.dtype):
        raise shape_error(f"{_NAME}: query, key and value are floats of shape [batch, length, heads, size] or [length, "
                          f"heads, size], got {x.aval}")
    return reshape(x, (1, *x.shape)) if x.ndim == 3 else x


def _check(q: ShapedArray, k: ShapedArray, v: ShapedArray) -> None:
    shown = f"query {q}, key {k} and value {v}"
    if not q.dtype == k.dtype == v.dtype:
        raise shape_error(f"{_NAME}: wanted one dtype, got {shown}", "Convert them first.")
    if k.shape != v.shape or (q.shape[0], q.shape[3]) != (k.shape[0], k.shape[3]):
        raise shape_error(f"{_NAME}: key and value must have one shape, and share batch and size with the query, got "
                          f"{shown}", "The axes are batch, length, heads, size.")
    if not k.shape[2] or q.shape[2] % k.shape[2]:
        raise shape_error(f"{_NAME}: the heads of the query (axis 2) must be a multiple of those of the key, got "
                          f"{shown}")


def _by_group(name: str, x: Array, shape: tuple[int, ...], groups: int) -> Array:
    """A bias or mask with the heads' axis cut into groups."""
    whole = (1,) * (4 - x.ndim) + x.shape
    if len(whole) != 4 or any(n not in (1, m) for n, m in zip(whole, shape, strict=True)):
        raise shape_error(f"{_NAME}: the axes of the {name} must be 1 or those of the scores [batch, heads, T, S] = "
                          f"{list(shape)}, got {x.aval}")
    heads = (1, 1) if whole[1] == 1 else (groups, whole[1] // groups)
    return reshape(x, (whole[0], *heads, *whole[2:]))


def _lengths(name: str, given: ArrayLike | None, batch: int) -> Array | None:
    if given is None:
        return None
    found = array(_NAME, given)
    if found.shape != (batch,) or not is_integer(found.dtype):
        raise shape_error(f"{_NAME}: {name} must be one integer for each of {batch} batch elements, got {found.aval}")
    return found


def _masked(scores: Array, mask: ArrayLike | None, shape: tuple[int, ...], is_causal: bool,
            lengths: list[Array | None], local: int | tuple[int, int] | None) -> Array:
    """Scores that do not count are `MASKED`."""
    batch, _, rows, columns = shape
    t, s = reshape(arange(rows), (rows, 1)), arange(columns)
    kept: list[Array] = []
    if mask is not None:
        found = array(_NAME, mask)
        if found.dtype != BOOL:
            raise type_error(f"{_NAME}: the mask must be bool, got {found.aval}",
                             "Numbers that are added to the scores are given as `bias`.")
        kept.append(_by_group("mask", found, shape, scores.shape[1]))
    if is_causal:
        kept.append(greater_equal(t, s))
    if local is not None:
        left, right = (local, local) if isinstance(local, int) else local
        kept += [less_equal(subtract(t, left), s), less_equal(s, add(t, right))]
    if lengths[0] is not None:
        kept.append(less(t, reshape(lengths[0], (batch, 1, 1, 1, 1))))
    if lengths[1] is not None:
        kept.append(less(s, reshape(lengths[1], (batch, 1, 1, 1, 1))))
    if not kept:
        return scores
    both = kept[0]
    for other in kept[1:]:
        both = logical_and(both, other)
    return choose(both, scores, MASKED)
