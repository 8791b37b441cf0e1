"""Running sums, products, extrema and log-sum-exps along an axis, in about 2 log2(n) rounds."""
from __future__ import annotations

from collections.abc import Callable

from lantern.eager import one_program
from lantern.lax.associative import associative_scan
from lantern.lax.operands import ArrayLike, canonical_axis, inexact
from lantern.lax.operands import array as as_array
from lantern.ops import elementwise as ops
from lantern.ops.compare import ne, select
from lantern.trace.array import Array
from lantern.trace.primitive import Value


@one_program(1)
def cumsum(operand: ArrayLike, axis: int = 0, reverse: bool = False) -> Array:
    """The sum of all elements up to each along `axis`; with `reverse` from each to the end. Shape and dtype stay.

    Sums are added in the order of a tree, so floats differ in the last digits from a loop's.

    >>> import lantern.numpy as jnp
    >>> cumsum(jnp.array([1, 2, 3])).tolist()
    [1, 3, 6]
    """
    return _running("cumsum", ops.add, operand, axis, reverse)


@one_program(1)
def cumprod(operand: ArrayLike, axis: int = 0, reverse: bool = False) -> Array:
    """The product of all elements up to each along `axis`; with `reverse` from each to the end.

    >>> import lantern.numpy as jnp
    >>> cumprod(jnp.array([1, 2, 3]), reverse=True).tolist()
    [6, 6, 3]
    """
    return _running("cumprod", ops.mul, operand, axis, reverse)


@one_program(1)
def cummax(operand: ArrayLike, axis: int = 0, reverse: bool = False) -> Array:
    """The largest of all elements up to each along `axis` (NaN wins); with `reverse` from each to the end.

    >>> import lantern.numpy as jnp
    >>> cummax(jnp.array([1, 3, 2])).tolist()
    [1, 3, 3]
    """
    return _running("cummax", ops.max, operand, axis, reverse)


@one_program(1)
def cummin(operand: ArrayLike, axis: int = 0, reverse: bool = False) -> Array:
    """The smallest of all elements up to each along `axis` (NaN wins); with `reverse` from each to the end.

    >>> import lantern.numpy as jnp
    >>> cummin(jnp.array([3, 1, 2])).tolist()
    [3, 1, 1]
    """
    return _running("cummin", ops.min, operand, axis, reverse)


@one_program(1)
def cumlogsumexp(operand: ArrayLike, axis: int = 0, reverse: bool = False) -> Array:
    """The logarithm of the sum of the exponentials of all elements up to each along `axis`, without overflow.

    >>> import lantern.numpy as jnp
    >>> cumlogsumexp(jnp.array([1000.0, 1000.0])).tolist()
    [1000.0, 1000.693...]
    """
    return _running("cumlogsumexp", _log_add_exp, inexact("cumlogsumexp", operand), axis, reverse)


def _log_add_exp(x: Value, y: Value) -> Value:
    """log(exp(x) + exp(y)). Two equal infinities have no difference; their sum is the answer, as it is for NaN."""
    difference = ops.sub(x, y)
    undefined = ne(difference, difference)
    harmless = select(undefined, 0, difference)     # or the branch not taken would give a NaN derivative
    finite = ops.add(ops.max(x, y), ops.log1p(ops.exp(ops.neg(ops.abs(harmless)))))
    return select(undefined, ops.add(x, y), finite)


def _running(function: str, combine: Callable[[Value, Value], Value], operand: ArrayLike, axis: int,
             reverse: bool) -> Array:
    x = as_array(function, operand)
    return associative_scan(combine, x, reverse, canonical_axis(function, axis, x.aval))
