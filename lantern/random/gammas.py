"""The gamma distribution, and those made of it: beta, chi square, t, F, Dirichlet, generalised normal, the ball.

Marsaglia and Tsang ("A simple method for generating gamma variables", 2000) reject at most one proposal in sixteen. All
elements take as many rounds as leave a rejection with a probability below 1e-14: a loop that asked whether all are done
would have a GPU wait for the answer in each round. Of many elements the undecided ones are packed together after each
round, so that the later ones cost little. Each element has a key of its own and uses it as JAX does: the numbers are
JAX's, to rounding.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lantern.custom_rules import custom_jvp
from lantern.dtypes import F32, python_dtype
from lantern.eager import one_program
from lantern.lax.loops import fori_loop
from lantern.lax.operands import ArrayLike, DType, DTypeLike, ShapeLike, argument_error, canonical_shape, shape_error
from lantern.numpy.arithmetic import abs, maximum, power, sqrt
from lantern.numpy.creation import full, zeros, zeros_like
from lantern.numpy.indexing import take
from lantern.numpy.logic import equal, greater_equal, less, less_equal, logical_and, logical_not, logical_or, where
from lantern.numpy.reductions import max, sum
from lantern.numpy.searching import nonzero
from lantern.numpy.shaping import broadcast_to, expand_dims, reshape
from lantern.numpy.ufuncs import exp, log
from lantern.ops.gamma import digamma
from lantern.ops.incomplete_gamma import random_gamma_grad
from lantern.ops.random import random_split
from lantern.random.bits import floating, unit
from lantern.random.continuous import exponential
from lantern.random.draws import standard_normal
from lantern.random.keys import words
from lantern.random.parameters import parameter, parameters, sample_shape
from lantern.trace.array import Array
from lantern.tree import map, register_dataclass

_ROUNDS = 12
_MANY = 1 << 14         # elements from which on packing pays


@dataclass(frozen=True, slots=True)
class _State:
    """Of each element: its key, the key for drawing x again, whether it is, the accepted V, and whether it is done."""

    keys: Array
    again: Array
    retry: Array
    cube: Array
    done: Array


register_dataclass(_State)


def _each(x: Array, like: Array) -> Array:
    """A condition an element, for the words of its key."""
    return broadcast_to(expand_dims(x, -1), like.shape)


def _propose(state: _State, shape: Array) -> _State:
    """One proposal an element. Where 1 + c x was negative, only x is drawn again, from the key in `again`."""
    d = shape - 1 / 3
    three = random_split(state.keys, (3,))
    two = random_split(where(_each(state.retry, state.keys), state.again, three[:, 1]), (2,))
    x = standard_normal(two[:, 1], (), shape.dtype)
    v = 1 + x * ((1 / 3) / sqrt(d))
    negative = less_equal(v, 0)
    safe = where(negative, 1, v)
    cube, u, square = safe * safe * safe, unit(three[:, 2], (), shape.dtype), x * x
    rejected = logical_and(greater_equal(u, 1 - 0.0331 * (square * square)),
                           greater_equal(log(u), square * 0.5 + d * (1 - cube + log(cube))))
    moving = logical_and(logical_not(negative), rejected)
    taken = logical_not(logical_or(negative, rejected))
    return _State(where(_each(moving, state.keys), three[:, 0], state.keys), two[:, 0], negative,
                  where(logical_or(state.done, negative), state.cube, cube), logical_or(state.done, taken))


def _decided(state: _State, shape: Array, rounds: int) -> Array:
    """V of each element after so many rounds.

    A round decides all but at most one element in sixteen. Of many elements the others are then packed into an eighth
    of the room; the probability that they do not fit is below 1e-100.
    """
    count = shape.size
    if count < _MANY:
        return fori_loop(0, rounds, lambda _, s: _propose(s, shape), state).cube
    state = _propose(state, shape)
    places = nonzero(logical_not(state.done), size=count // 8, fill_value=count)[0]
    left = map(lambda x: take(x, places, 0, mode="clip"), state)
    later = _decided(left, take(shape, places, 0, mode="clip"), rounds - 1)
    return state.cube.at[places].set(later, mode="drop")


def _accepted(key: Array, shape: Array) -> Array:
    """Gamma variates of a vector of shapes >= 1, whose keys are u32[n,2]."""
    none = zeros(shape.shape, np.bool_)
    return (shape - 1 / 3) * _decided(_State(key, key, none, zeros_like(shape) + 1, none), shape, _ROUNDS)


def _draw(key: Array, a: Array, logarithm: bool) -> Array:
    """Gamma variates of shape a. Below 1 a variate of shape a + 1 times a power 1 / a of a uniform number."""
    count = a.size
    keys = random_split(random_split(key, (count,)), (2,)) if count else zeros((0, 2, 2), np.uint32)
    shape = reshape(a, (count,))
    high = greater_equal(shape, 1)
    drawn = _accepted(keys[:, 0], where(high, shape, shape + 1))
    boost = log(1 - unit(keys[:, 1], (), a.dtype))
    if logarithm:
        found = log(drawn) + where(logical_or(high, equal(boost, 0)), 0, boost / shape)
    else:
        found = drawn * where(high, 1, exp(boost / shape))
    found = where(shape > 0, found, where(equal(shape, 0), -np.inf if logarithm else 0.0, np.nan))
    return reshape(found, a.shape)


def _plain(key: Array, a: Array) -> Array:
    return _draw(key, a, False)


def _log(key: Array, a: Array) -> Array:
    return _draw(key, a, True)


_gamma, _loggamma = custom_jvp(_plain), custom_jvp(_log)


def _gamma_jvp(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    """The variate moves with its shape so that its rank stays."""
    found = _gamma(*primals)
    return found, tangents[1] * random_gamma_grad(primals[1], found)


def _loggamma_jvp(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
    """Where the variate itself underflows, P(a, x) is x**a / gamma(a + 1)."""
    a, found = primals[1], _loggamma(*primals)
    tiny = less(found, -80)
    x = exp(where(tiny, 0, found))
    return found, tangents[1] * where(tiny, (digamma(a + 1) - found) / a, random_gamma_grad(a, x) / x)


_gamma.defjvp(_gamma_jvp)
_loggamma.defjvp(_loggamma_jvp)


def _narrow(function: str, dtype: DTypeLike) -> tuple[DType, DType]:
    """The dtype that was asked for, and the one in which rejection works."""
    wanted = floating(function, dtype)
    return wanted, F32 if wanted.itemsize < 4 else wanted


@one_program(2)
def gamma(key: ArrayLike, a: ArrayLike, shape: ShapeLike | None = None, dtype: DTypeLike = float) -> Array:
    """Gamma floats of shape a and scale 1; NaN for negative a. Differentiable by a (implicit reparameterisation).

    Raises ShapeError if a does not broadcast to the shape.

    >>> from lantern import random
    >>> bool((random.gamma(random.key(0), 2.0, (9,)) > 0).all())
    True
    """
    wanted, wide = _narrow("gamma", dtype)
    (a,) = parameters("gamma", shape, wide, a)
    return _gamma(words("gamma", key), a).astype(wanted)


@one_program(2)
def loggamma(key: ArrayLike, a: ArrayLike, shape: ShapeLike | None = None, dtype: DTypeLike = float) -> Array:
    """The logarithms of gamma floats, exact where those underflow, as they do for small a.

    >>> from lantern import random
    >>> bool((random.loggamma(random.key(0), 1e-4, (9,)) < -10).any())
    True
    """
    wanted, wide = _narrow("loggamma", dtype)
    (a,) = parameters("loggamma", shape, wide, a)
    return _loggamma(words("loggamma", key), a).astype(wanted)


@one_program(3)
def beta(key: ArrayLike, a: ArrayLike, b: ArrayLike, shape: ShapeLike | None = None, dtype: DTypeLike = float) -> Array:
    """Beta floats: the share of one gamma variate in the sum of two. Differentiable by a and b.

    >>> from lantern import random
    >>> x = random.beta(random.key(0), 2.0, 3.0, (9,))
    >>> bool((x > 0).all()), bool((x < 1).all())
    (True, True)
    """
    wanted, wide = _narrow("beta", dtype)
    first, second = parameters("beta", shape, wide, a, b)
    keys = random_split(words("beta", key), (2,))
    x, y = _loggamma(keys[0], first), _loggamma(keys[1], second)
    larger = maximum(x, y)
    p, q = exp(x - larger), exp(y - larger)
    return (p / (p + q)).astype(wanted)


@one_program(2)
def chisquare(key: ArrayLike, df: ArrayLike, shape: ShapeLike | None = None, dtype: DTypeLike = float) -> Array:
    """Chi square floats with df degrees of freedom: twice a gamma variate of shape df / 2.

    >>> from lantern import random
    >>> bool((random.chisquare(random.key(0), 3.0, (9,)) > 0).all())
    True
    """
    wanted, wide = _narrow("chisquare", dtype)
    (freedom,) = parameters("chisquare", shape, wide, df)
    return _chisquare(words("chisquare", key), freedom).astype(wanted)


def _chisquare(key: Array, freedom: Array) -> Array:
    return 2 * exp(_loggamma(key, freedom / 2))


@one_program(3)
def f(key: ArrayLike, dfnum: ArrayLike, dfden: ArrayLike, shape: ShapeLike | None = None,
      dtype: DTypeLike = float) -> Array:
    """F floats: the ratio of two chi square variates, each over its degrees of freedom.

    >>> from lantern import random
    >>> bool((random.f(random.key(0), 3.0, 5.0, (9,)) > 0).all())
    True
    """
    wanted, wide = _narrow("f", dtype)
    above, below = parameters("f", shape, wide, dfnum, dfden)
    keys = random_split(words("f", key), (2,))
    return ((_chisquare(keys[1], above) / above) / (_chisquare(keys[0], below) / below)).astype(wanted)


@one_program(2)
def t(key: ArrayLike, df: ArrayLike, shape: ShapeLike | None = None, dtype: DTypeLike = float) -> Array:
    """Student's t with df degrees of freedom: a normal variate over the root of a chi square one over df.

    >>> from lantern import random
    >>> random.t(random.key(0), 3.0, (9,)).shape
    (9,)
    """
    wanted, wide = _narrow("t", dtype)
    (freedom,) = parameters("t", shape, wide, df)
    keys = random_split(words("t", key), (2,))
    z, half = standard_normal(keys[0], freedom.shape, wide), freedom / 2
    return (z * sqrt(half / _gamma(keys[1], half))).astype(wanted)


@one_program(2)
def dirichlet(key: ArrayLike, alpha: ArrayLike, shape: ShapeLike | None = None, dtype: DTypeLike = float) -> Array:
    """Points of a simplex, along the last axis, on which alpha has the concentrations; its other axes are batches.
    `shape`: that of the batch of samples.

    Raises ShapeError if alpha has no axis, or does not broadcast to the shape.

    >>> from lantern import random
    >>> random.dirichlet(random.key(0), np.ones(3), (4,)).shape
    (4, 3)
    """
    wanted, wide = _narrow("dirichlet", dtype)
    a = parameter("dirichlet", alpha, wide)
    if not a.ndim:
        raise shape_error(f"dirichlet: wanted concentrations along an axis, got {a.aval}", "Give an array of them.")
    sizes = sample_shape("dirichlet", shape, a.shape[:-1])
    (a,) = parameters("dirichlet", (*sizes, a.shape[-1]), wide, a)
    logs = _loggamma(words("dirichlet", key), a)
    e = exp(logs - max(logs, -1, keepdims=True, initial=-np.inf))
    return (e / sum(e, -1, keepdims=True)).astype(wanted)


@one_program(2)
def generalized_normal(key: ArrayLike, p: ArrayLike, shape: ShapeLike = (), dtype: DTypeLike = float) -> Array:
    """Floats whose density falls like exp(-|x|**p).

    >>> from lantern import random
    >>> random.generalized_normal(random.key(0), 3.0, (9,)).shape
    (9,)
    """
    wanted, wide = _narrow("generalized_normal", dtype)
    (power_of,) = parameters("generalized_normal", shape, wide, p)
    return _generalized_normal(words("generalized_normal", key), power_of).astype(wanted)


def _generalized_normal(key: Array, p: Array) -> Array:
    keys = random_split(key, (2,))
    signs = where(less(unit(keys[1], p.shape, python_dtype(float)), 0.5), full((), 1, p.dtype), -1)
    return signs * power(_gamma(keys[0], 1 / p), 1 / p)


@one_program(1)
def ball(key: ArrayLike, d: int, p: float = 2, shape: ShapeLike = (), dtype: DTypeLike = float) -> Array:
    """Points of the unit ball of the p-norm in d dimensions, along a new last axis, with equal chances everywhere
    (Barthe, Guedon, Mendelson, Naor 2005).

    Raises ArgumentError for a negative dimension.

    >>> from lantern import random
    >>> x = random.ball(random.key(0), 3, shape=(9,))
    >>> x.shape, bool(((x * x).sum(-1) <= 1).all())
    ((9, 3), True)
    """
    wanted, wide = _narrow("ball", dtype)
    sizes = canonical_shape("ball", shape)
    if d < 0:
        raise argument_error(f"ball: the dimension must not be negative, got {d}")
    keys = random_split(words("ball", key), (2,))
    (power_of,) = parameters("ball", (*sizes, d), wide, p)
    g = _generalized_normal(keys[0], power_of)
    e = exponential(keys[1], sizes, wide)
    length = power(sum(power(abs(g), p), -1) + e, 1 / p)
    return (g / expand_dims(length, -1)).astype(wanted)
