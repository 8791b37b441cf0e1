"""Discrete distributions: signs, choices, categories, counts.

Counts of a small mean are drawn by inversion, others by transformed rejection. As for the gamma distribution all
elements take a fixed number of rounds, which leaves one undecided with a probability below 1e-12: nothing asks a GPU.
"""
from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from lantern.dtypes import F32, canonical, is_integer, python_dtype, short_name
from lantern.eager import one_program
from lantern.lax.loops import fori_loop, scan
from lantern.lax.operands import (
    ArrayLike,
    DType,
    DTypeLike,
    ShapeLike,
    argument_error,
    array,
    canonical_axis,
    canonical_shape,
    inexact,
    shape_error,
    type_error,
)
from lantern.numpy.arithmetic import abs, ceil, clip, floor, sqrt
from lantern.numpy.creation import zeros, zeros_like
from lantern.numpy.cumulative import cumsum
from lantern.numpy.indexing import take
from lantern.numpy.logic import (
    equal,
    greater,
    isinf,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    where,
)
from lantern.numpy.reductions import all, argmax
from lantern.numpy.shaping import flip, moveaxis, reshape
from lantern.numpy.sorting import argsort, searchsorted
from lantern.numpy.ufuncs import log, log1p
from lantern.ops.gamma import lgamma
from lantern.ops.random import random_split
from lantern.random.bits import floating, unit
from lantern.random.continuous import gumbel
from lantern.random.integers import randint
from lantern.random.keys import words
from lantern.random.parameters import parameter, parameters, sample_shape
from lantern.random.permutations import permutation
from lantern.trace.array import Array

_INVERSIONS = 44        # P(Poisson(10) >= 44) < 1e-14
_REJECTIONS = 24        # at most 30 of 100 proposals are rejected


def _whole(function: str, dtype: DTypeLike) -> DType:
    wanted = canonical(dtype)
    if not is_integer(wanted):
        raise type_error(f"{function}: wanted an integer dtype, got {short_name(wanted)}")
    return wanted


@one_program(1)
def rademacher(key: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = int) -> Array:
    """-1 or 1, equally likely.

    >>> from lantern import random
    >>> sorted(set(random.rademacher(random.key(0), (50,)).tolist()))
    [-1, 1]
    """
    sizes = canonical_shape("rademacher", shape)
    heads = less(unit(words("rademacher", key), sizes, python_dtype(float)), 0.5)
    return where(heads, 1, -1).astype(canonical(dtype))


@one_program(2)
def geometric(key: ArrayLike, p: ArrayLike, shape: ShapeLike | None = None, dtype: DTypeLike = int) -> Array:
    """How many trials of probability p it takes to the first success: 1, 2, ...

    >>> from lantern import random
    >>> bool((random.geometric(random.key(0), 0.3, (9,)) >= 1).all())
    True
    """
    wanted, chance = _whole("geometric", dtype), inexact("geometric", p)
    (chance,) = parameters("geometric", shape, chance.dtype, chance)
    u = unit(words("geometric", key), chance.shape, chance.dtype)
    return (floor(log(where(equal(u, 0), 1, u)) / log1p(-chance)) + 1).astype(wanted)


@one_program(2)
def categorical(key: ArrayLike, logits: ArrayLike, axis: int = -1, shape: ShapeLike | None = None,
                replace: bool = True, mode: str | None = None) -> Array:
    """Positions along an axis, with probabilities in proportion to exp(logits): the largest of logits and Gumbel noise.

    `shape`: that of all samples; it ends with the other axes of the logits. Without replacement the samples along the
    axes before these are all different. Raises ShapeError where the shape does not fit, ArgumentError for more samples
    without replacement than there are positions.

    >>> from lantern import random
    >>> random.categorical(random.key(0), np.array([-np.inf, 0.0, -np.inf]), shape=(4,)).tolist()
    [1, 1, 1, 1]
    """
    scores = inexact("categorical", logits)
    place = canonical_axis("categorical", axis, scores.aval)
    count, batch = scores.shape[place], scores.shape[:place] + scores.shape[place + 1:]
    sizes = sample_shape("categorical", shape, batch)
    lead = sizes[:len(sizes) - len(batch)]
    if not count and math.prod(sizes):
        raise shape_error(f"categorical: there is no position along axis {axis} of {scores.aval}")
    found = words("categorical", key)
    if replace:
        inner = sizes[len(lead):]
        noise = gumbel(found, (*lead, *inner[:place], count, *inner[place:]), scores.dtype, mode)
        return argmax(noise + scores, len(lead) + place)
    total = math.prod(lead)
    if total > count:
        raise argument_error(f"categorical: {total} samples without replacement, but there are {count} positions",
                             "Pass a smaller shape, or replace=True.")
    if sizes[len(lead):] != batch:
        raise shape_error(f"categorical: without replacement the shape must end with {batch}, got {sizes}")
    noisy = moveaxis(scores + gumbel(found, scores.shape, scores.dtype, mode), place, -1)
    order = argsort(-noisy, -1)[..., :total]
    return reshape(moveaxis(order, -1, 0), sizes)


def choice(key: ArrayLike, a: int | ArrayLike, shape: ShapeLike = (), replace: bool = True, p: ArrayLike | None = None,
           axis: int = 0, mode: str | None = None) -> Array:
    """Elements of a along an axis (an integer means 0 ... a - 1), with probabilities p, or all equally likely.

    Raises ArgumentError for more samples than elements without replacement, and for an empty a; ShapeError unless p
    has one number an element.

    >>> from lantern import random
    >>> sorted(random.choice(random.key(0), 4, (4,), replace=False).tolist())
    [0, 1, 2, 3]
    """
    sizes = canonical_shape("choice", shape)
    if isinstance(a, int):
        return reshape(_places(key, a, sizes, replace, p, mode), sizes)
    values = array("choice", a)
    if not values.ndim:
        return choice(key, operator.index(values), sizes, replace, p, axis, mode)
    place = canonical_axis("choice", axis, values.aval)
    places = _places(key, values.shape[place], sizes, replace, p, mode)
    return reshape(take(values, places, place), values.shape[:place] + sizes + values.shape[place + 1:])


def _places(key: ArrayLike, count: int, sizes: tuple[int, ...], replace: bool, p: ArrayLike | None,
            mode: str | None) -> Array:
    """As many positions below `count` as samples are wanted, in one vector."""
    total = math.prod(sizes)
    if total and count <= 0:
        raise argument_error(f"choice: there is nothing to choose from, a has {count} elements")
    if not replace and total > count:
        raise argument_error(f"choice: {total} samples without replacement, but there are {count} elements",
                             "Pass a smaller shape, or replace=True.")
    found = words("choice", key)
    if not total:
        return zeros((0,), int)
    if p is not None:
        return _weighted(found, p, count, total, replace, mode)
    return randint(found, (total,), 0, count) if replace else permutation(found, count)[:total]


def _weighted(key: Array, p: ArrayLike, count: int, total: int, replace: bool, mode: str | None) -> Array:
    chances = inexact("choice", p)
    if chances.shape != (count,):
        raise shape_error(f"choice: wanted p with one probability for each of {count} elements, got {chances.aval}")
    if not replace:
        return argsort(-(gumbel(key, (count,), chances.dtype, mode) + log(chances)))[:total]
    sums = cumsum(chances)
    return searchsorted(sums, sums[-1] * (1 - unit(key, (total,), chances.dtype)))


# Counts


def _by_rejection(key: Array, propose: Callable[[Array, Array], tuple[Array, Array]], like: Array) -> Array:
    """For each element a proposal that is accepted; `propose` makes one of two uniform numbers.

    As in JAX it is the last one before all elements had one, which gives JAX's numbers. (Whether a proposal is taken
    does not depend on its value, so that is as good as the first.)
    """
    def step(_: Any, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        key, found, done = state
        keys = random_split(key, (3,))
        u, v = unit(keys[1], like.shape, like.dtype) - 0.5, unit(keys[2], like.shape, like.dtype)
        proposal, accepted = propose(u, v)
        taken = logical_and(accepted, logical_not(all(done)))
        return keys[0], where(taken, proposal, found), logical_or(done, accepted)

    return fori_loop(0, _REJECTIONS, step, (key, zeros_like(like), zeros(like.shape, np.bool_)))[1]


def _counted(key: Array, term: Callable[[Array], Array], most: Array, second: bool) -> Array:
    """How many terms, each made of a uniform number, have a sum that is not above `most`.

    `second`: which of the two keys of a split is used, the other one goes on.
    """
    def step(_: Any, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        key, count, total = state
        keys = random_split(key, (2,))
        total = total + term(unit(keys[int(second)], most.shape, most.dtype))
        return keys[1 - int(second)], where(less_equal(total, most), count + 1, count), total

    return fori_loop(0, _INVERSIONS, step, (key, zeros_like(most), zeros_like(most)))[1]


@one_program(2)
def poisson(key: ArrayLike, lam: ArrayLike, shape: ShapeLike | None = None, dtype: DTypeLike = int) -> Array:
    """Poisson counts of mean lam: below 10 by exponential waiting times (Knuth), else by transformed rejection
    (Hormann 1993). NaN and negative means give -1.

    Raises ShapeError if lam does not broadcast to the shape, TypeError unless dtype is an integer.

    >>> from lantern import random
    >>> random.poisson(random.key(0), 0.0, (3,)).tolist()
    [0, 0, 0]
    """
    wanted = _whole("poisson", dtype)
    (mean,) = parameters("poisson", shape, F32, lam)
    found = words("poisson", key)
    few = logical_or(isnan(mean), less(mean, 10))
    low, high = where(logical_and(few, greater(mean, 0)), mean, 0), where(few, 1e5, mean)
    counted = _counted(found, lambda u: -log(u), low, True)
    b = 0.931 + 2.53 * sqrt(high)
    a = -0.059 + 0.02483 * b
    squeeze, likely = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2)
    log_mean = log(high)

    def propose(u: Array, v: Array) -> tuple[Array, Array]:
        edge = 0.5 - abs(u)
        k = floor((2 * a / edge + b) * u + high + 0.43)
        inside = greater(k, -1)
        near = where(inside, k, 0)
        within = log(v * squeeze / (a / (edge * edge) + b)) <= near * log_mean - high - lgamma(near + 1)
        at_once = logical_and(edge >= 0.07, v <= likely)
        refused = logical_or(logical_not(inside), logical_and(edge < 0.013, v > edge))
        return k, logical_or(at_once, logical_and(logical_not(refused), within))

    drawn = where(few, counted, _by_rejection(found, propose, high))
    return where(mean >= 0, drawn, -1).astype(wanted)


@one_program(3)
def binomial(key: ArrayLike, n: ArrayLike, p: ArrayLike, shape: ShapeLike | None = None,
             dtype: DTypeLike = float) -> Array:
    """How many of n trials of probability p succeed, as floats: by geometric waiting times where n min(p, 1 - p) <= 10,
    else by transformed rejection (Hormann 1993). NaN for negative n and p; a p above 1 counts as 1.

    Raises ShapeError if n and p do not broadcast to the shape.

    >>> from lantern import random
    >>> random.binomial(random.key(0), 5, 1.0, (3,)).tolist()
    [5.0, 5.0, 5.0]
    """
    wanted = floating("binomial", dtype)
    wide = F32 if wanted.itemsize < 4 else wanted
    count, chance = parameters("binomial", shape, wide, n, p)
    return _binomial(words("binomial", key), count, chance).astype(wanted)


def _binomial(key: Array, count: Array, chance: Array) -> Array:
    invalid = logical_or(logical_or(isnan(count), isnan(chance)), logical_or(less(count, 0), less(chance, 0)))
    low = less(chance, 0.5)
    q = where(invalid, 0.01, where(low, chance, 1 - clip(chance, 0, 1)))
    endless = isinf(count)
    whole = where(logical_or(invalid, endless), 0, floor(count))
    few = less_equal(whole * q, 10)
    rate = log1p(-q)
    waits = where(few, whole, 0)
    counted = _counted(key, lambda u: ceil(log(u) / where(equal(rate, 0), -1e-30, rate)), waits, False)
    many, r = where(few, 1e4, whole), where(few, 0.5, q)
    drawn = where(few, counted, _by_rejection(key, _proposal(many, r), many))
    drawn = where(low, drawn, whole - drawn)
    return where(invalid, np.nan, where(endless, where(equal(chance, 0), 0, np.inf), drawn))


def _proposal(count: Array, p: Array) -> Callable[[Array, Array], tuple[Array, Array]]:
    """Hormann's algorithm BTRS."""
    spread = sqrt(count * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    centre, likely = count * p + 0.5, 0.92 - 4.2 / b
    odds, alpha = p / (1 - p), (2.83 + 5.1 / b) * spread
    m = floor((count + 1) * p)
    fixed = (m + 0.5) * log((m + 1) / (odds * (count - m + 1))) + _tail(m) + _tail(count - m)

    def propose(u: Array, v: Array) -> tuple[Array, Array]:
        edge = 0.5 - abs(u)
        k = floor((2 * a / edge + b) * u + centre)
        inside = logical_and(k >= 0, k <= count)
        near = where(inside, k, m)
        left = count - near
        bound = (fixed + (count + 1) * log((count - m + 1) / (left + 1))
                 + (near + 0.5) * log(odds * (left + 1) / (near + 1)) - _tail(near) - _tail(left))
        within = log(v * alpha / (a / (edge * edge) + b)) <= bound
        at_once = logical_and(edge >= 0.07, v <= likely)
        return near, logical_and(inside, logical_or(at_once, within))

    return propose


def _tail(k: Array) -> Array:
    """What Stirling's formula leaves of log(k!), k >= 0: from the factorial itself below 10."""
    small = less(k, 10)
    low = where(small, k, 0)
    exact = lgamma(low + 1) - (low + 0.5) * log(low + 1) + (low + 1) - 0.5 * math.log(2 * math.pi)
    square = (k + 1) * (k + 1)
    return where(small, exact, (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1))


@one_program(3)
def multinomial(key: ArrayLike, n: ArrayLike, p: ArrayLike, *, shape: ShapeLike | None = None, dtype: DTypeLike = float,
                unroll: int | bool = 1) -> Array:
    """How often each of the categories along the last axis of p comes in n trials: binomial counts one after the other.

    n broadcasts to the other axes of p, and p to `shape`, which has the categories last. Raises ShapeError if not.

    >>> from lantern import random
    >>> random.multinomial(random.key(0), 6, np.array([0.5, 0.2, 0.3])).sum().item()
    6.0
    """
    wanted = floating("multinomial", dtype)
    wide = F32 if wanted.itemsize < 4 else wanted
    chances = parameter("multinomial", p, wide)
    if not chances.ndim:
        raise shape_error(f"multinomial: wanted probabilities along an axis, got {chances.aval}")
    (chances,) = parameters("multinomial", chances.shape if shape is None else shape, wide, chances)
    (left,) = parameters("multinomial", chances.shape[:-1], wide, n)
    chances = moveaxis(chances, -1, 0)
    rest = flip(cumsum(flip(chances, 0), 0), 0)
    shares = clip(chances / where(equal(rest, 0), 1, rest), 0, 1)
    keys = random_split(words("multinomial", key), (chances.shape[0],))

    def draw(left: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        share, one = step
        count = _binomial(one, left, share)
        return left - count, count

    _, counts = scan(draw, left, (shares, keys), unroll=unroll)
    return moveaxis(counts, 0, -1).astype(wanted)
