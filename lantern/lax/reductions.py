"""`reduce` and `reduce_window`: folds by any associative function, with jax.lax's names and arguments.

A function that is one of the known operations (sum, product, extrema, all, any) becomes that operation, which is found
by looking at what it does. Any other is applied to pairs of neighbours, in about log2(n) rounds.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lantern import tree
from lantern.api import vmap
from lantern.backends.array import DeviceArray
from lantern.dtypes import BOOL, is_float
from lantern.lax.bodies import check_function, stage
from lantern.lax.operands import array, canonical_axes, cast, describe, operand, shape_error, shape_of, type_error
from lantern.lax.paddings import Padding, counts, pairs
from lantern.lower.simplify import simplify
from lantern.ops import reduce as folds
from lantern.ops import shape as ops
from lantern.ops.broadcast import broadcast_in_dim, full, reduce_sum
from lantern.ops.compare import select
from lantern.ops.conv import Window
from lantern.ops.patches import Slide, patches
from lantern.ops.reduce_window import window_extremum, window_sum
from lantern.trace.array import Array
from lantern.trace.aval import shaped
from lantern.trace.jaxpr import Jaxpr, Literal
from lantern.trace.primitive import Value

_KNOWN: dict[str, Callable[[Value, Sequence[int]], Value]] = {
    "add": reduce_sum, "mul": folds.reduce_prod, "max": folds.reduce_max, "min": folds.reduce_min,
    "and": folds.reduce_and, "or": folds.reduce_or}


@dataclass(frozen=True, slots=True)
class _Fold:
    """Arrays of one shape to fold, their start values, and how: `known` is the name of an operation, if it is one."""

    xs: list[Array]
    inits: list[Value]
    combine: Callable[..., Any]
    treedef: tree.TreeDef
    known: str

    def two(self, left: Sequence[Value], right: Sequence[Value]) -> list[Value]:
        """The function of all pairs of numbers of two lists of arrays."""
        shape = left[0].shape
        flat = [tree.unflatten(self.treedef, [ops.reshape(x, (x.size,)) for x in side]) for side in (left, right)]
        found = tree.flatten(vmap(self.combine)(*flat))[0]
        return [ops.reshape(x, shape) for x in found]

    def starts(self, shape: Sequence[int]) -> list[Value]:
        """The start values, repeated."""
        return [broadcast_in_dim(i, tuple(shape), ()) for i in self.inits]

    def with_start(self, found: Sequence[Value]) -> list[Value]:
        """What was folded, with the start values before it, where these change anything."""
        if self.known and number_of(self.inits[0]) == _identity(self.known, self.xs[0].dtype):
            return list(found)
        return self.two(self.starts(found[0].shape), found) if found[0].size else list(found)

    def last(self, xs: Sequence[Value]) -> list[Value]:
        """Folds the last axis, which is not empty, by applying the function to neighbours."""
        xs = list(xs)
        while (n := xs[0].shape[-1]) > 1:
            left, right = [[_part(x, first, n // 2 * 2, 2) for x in xs] for first in (0, 1)]
            met, rest = self.two(left, right), [_part(x, n // 2 * 2, n, 1) for x in xs]
            xs = [ops.concatenate(pair, x.ndim - 1) if n % 2 else pair[0]
                  for x, *pair in zip(xs, met, rest, strict=True)]
        return [ops.reshape(x, x.shape[:-1]) for x in xs]


def _part(x: Value, start: int, stop: int, step: int) -> Value:
    lead = x.shape[:-1]
    return ops.slice(x, (*[0] * len(lead), start), (*lead, stop), (*[1] * len(lead), step))


def _fold(function: str, operands: Any, init_values: Any, computation: Callable[..., Any]) -> _Fold:
    check_function(function, "computation", computation)
    leaves, treedef = tree.flatten(operands)
    starts, starts_tree = tree.flatten(init_values)
    if not leaves or treedef is not starts_tree:
        raise type_error(f"{function}: wanted one start value for each array, got the structures {treedef} and "
                         f"{starts_tree}")
    xs = [array(function, x) for x in leaves]
    if any(x.shape != xs[0].shape for x in xs):
        raise shape_error(f"{function}: arrays must have one shape, got {', '.join([str(x.aval) for x in xs])}")
    given = [operand(function, i) for i in starts]
    if any(shape_of(i) for i in given):
        raise shape_error(f"{function}: start values must be numbers (rank 0), got {', '.join(map(describe, given))}")
    inits = [cast(i, x.dtype, function=function) for i, x in zip(given, xs, strict=True)]
    avals = [shaped((), x.dtype) for x in xs]
    names = [f"{side}{path}" for side in ("accumulated", "value") for path in tree.paths(treedef, "")]
    body = stage(function, computation, (treedef, treedef), [*avals, *avals], names)
    found = [v.aval for v in body.jaxpr.outvars]
    if body.out_tree is not treedef or [(v.shape, v.dtype) for v in found] != [((), a.dtype) for a in avals]:
        raise type_error(f"{function}: computation must give what it gets, {', '.join(map(str, avals))}, but gives "
                         f"{', '.join(map(str, found))}")
    known = "" if body.captured or len(xs) > 1 else _operation(simplify(body.jaxpr))
    return _Fold(xs, inits, computation, treedef, known)


def _operation(jaxpr: Jaxpr) -> str:
    """The name of the one operation that a function of two numbers is, if we fold by it."""
    if len(jaxpr.eqns) != 1 or jaxpr.outvars[0] is not jaxpr.eqns[0].outvars[0]:
        return ""
    eqn, bools = jaxpr.eqns[0], jaxpr.invars[0].aval.dtype == BOOL
    name = eqn.primitive.name
    both = len(eqn.invars) == 2 and {id(v) for v in eqn.invars} == {id(v) for v in jaxpr.invars}
    return name if both and name in _KNOWN and bools == (name in ("and", "or")) else ""


def number_of(x: Value) -> Any:
    """The number that a start value is; None if only the running program knows it."""
    if isinstance(x, Literal):
        return x.value
    return np.asarray(x)[()] if isinstance(x, DeviceArray) else None


def _identity(name: str, dtype: np.dtype[Any]) -> Any:
    if name in ("max", "min"):
        low = name == "max"
        if is_float(dtype):
            return -np.inf if low else np.inf
        return np.iinfo(dtype).min if low else np.iinfo(dtype).max
    return {"add": 0, "mul": 1, "and": True, "or": False}[name]


def reduce(operands: Any, init_values: Any, computation: Callable[[Any, Any], Any], dimensions: Sequence[int]) -> Any:
    """Arrays folded over axes by an associative function of two numbers, from a start value.

    `operands` may be a pytree of arrays of one shape; then the start values and the function's arguments and result
    have the same structure. Nothing but the start value comes of no elements.

    Raises TypeError if the function does not give what it gets, ShapeError for arrays of different shapes.

    >>> import lantern.lax
    >>> reduce(np.arange(6).reshape(2, 3), 0, lantern.lax.add, (0,)).tolist()
    [3, 5, 7]
    """
    fold = _fold("reduce", operands, init_values, computation)
    axes = canonical_axes("reduce", tuple(dimensions), fold.xs[0].aval)
    shape = fold.xs[0].shape
    kept = [k for k in range(len(shape)) if k not in axes]
    rest = [shape[k] for k in kept]
    if 0 in [shape[k] for k in axes]:
        found = fold.starts(rest)
    elif fold.known:
        found = fold.with_start([_KNOWN[fold.known](fold.xs[0], axes)])
    else:
        lines = [ops.reshape(ops.transpose(x, [*kept, *axes]), (*rest, math.prod([shape[k] for k in axes])))
                 for x in fold.xs]
        found = fold.with_start(fold.last(lines) if 0 not in rest else [full(tuple(rest), 0, x.dtype) for x in fold.xs])
    return tree.unflatten(fold.treedef, found)


@dataclass(frozen=True, slots=True)
class _Windows:
    """How windows lie over an array: padding for each axis, as `pad` wants it, and slides along axes that have any."""

    config: list[tuple[int, int, int]]
    slides: list[Slide]
    shape: tuple[int, ...]


def _windows(function: str, shape: tuple[int, ...], window: Sequence[int], strides: Sequence[int] | None,
             padding: Padding, base_dilation: Sequence[int] | None, window_dilation: Sequence[int] | None) -> _Windows:
    rank = len(shape)
    sizes = counts(function, "window_dimensions", window, rank)
    steps = counts(function, "window_strides", strides, rank)
    spread = counts(function, "base_dilation", base_dilation, rank)
    dilation = counts(function, "window_dilation", window_dilation, rank)
    pads = pairs(function, padding, shape, sizes, steps, dilation)
    moves = [Window("", steps[k], *pads[k], spread[k], dilation[k]) for k in range(rank)]
    if any(m.padded(n) < 0 for m, n in zip(moves, shape, strict=True)):
        raise shape_error(f"{function}: negative padding removes more than there is: got {pads} for shape {shape}")
    slides = [Slide(k, sizes[k], steps[k], dilation[k]) for k in range(rank) if sizes[k] != 1 or steps[k] != 1]
    found = tuple([m.count(n, k) for m, n, k in zip(moves, shape, sizes, strict=True)])
    return _Windows([(*pads[k], spread[k] - 1) for k in range(rank)], slides, found)


def reduce_window_shape_tuple(operand_shape: Sequence[int], window_dimensions: Sequence[int],
                              window_strides: Sequence[int] | None, padding: Padding,
                              base_dilation: Sequence[int] | None = None,
                              window_dilation: Sequence[int] | None = None) -> tuple[int, ...]:
    """The shape of `reduce_window`'s result.

    >>> reduce_window_shape_tuple((5, 5), (2, 3), (1, 2), "SAME")
    (5, 3)
    """
    return _windows("reduce_window_shape_tuple", tuple(operand_shape), window_dimensions, window_strides, padding,
                    base_dilation, window_dilation).shape


def reduce_window(operand: Any, init_value: Any, computation: Callable[[Any, Any], Any],
                  window_dimensions: Sequence[int], window_strides: Sequence[int] | None = None,
                  padding: Padding = "VALID", base_dilation: Sequence[int] | None = None,
                  window_dilation: Sequence[int] | None = None) -> Any:
    """Each window of an array folded by an associative function of two numbers, from a start value.

    window_dimensions  sizes of the window, one for each axis
    window_strides     how far it moves along each axis; None: 1
    padding            "SAME", "VALID", "SAME_LOWER" or (low, high) for each axis: start values around the array; names
                       speak of the array before its base_dilation
    base_dilation      the array's elements are so far apart, with start values between
    window_dilation    the window's elements are so far apart

    `operand` may be a pytree of arrays of one shape; then the start values and the function's arguments and result have
    the same structure. The derivative of a maximum goes to the first of equal elements.
    Raises ShapeError if sizes do not fit, TypeError if the function does not give what it gets.

    >>> import lantern.lax
    >>> reduce_window(np.array([1.0, 3.0, 2.0, 0.0]), -np.inf, lantern.lax.max, (2,), (2,)).tolist()
    [3.0, 2.0]
    """
    name = "reduce_window"
    fold = _fold(name, operand, init_value, computation)
    how = _windows(name, fold.xs[0].shape, window_dimensions, window_strides, padding, base_dilation, window_dilation)
    if 0 in how.shape:
        return tree.unflatten(fold.treedef, [full(how.shape, 0, x.dtype) for x in fold.xs])
    padded = [_padded(x, i, how.config) for x, i in zip(fold.xs, fold.inits, strict=True)]
    if not how.slides:
        found: list[Value] = padded
    elif fold.known:
        found = [_known_windows(fold.known, padded[0], how.slides)]
    else:
        lines = [patches(x, how.slides) for x in padded]
        count = math.prod([s.size for s in how.slides])
        found = fold.last([ops.reshape(x, (*how.shape, count)) for x in lines])
    return tree.unflatten(fold.treedef, fold.with_start(found))


def _padded(x: Value, init: Value, config: list[tuple[int, int, int]]) -> Value:
    """x with start values around it; those that only the running program knows are put there by a mask."""
    number = number_of(init)
    if number is not None or not any(any(c) for c in config):
        return ops.pad(x, number if number is not None else 0, config)
    zeros = ops.pad(x, 0, config)
    inside = ops.pad(full(x.shape, True, BOOL), False, config)
    return select(inside, zeros, broadcast_in_dim(init, zeros.shape, ()))


def _known_windows(name: str, x: Value, slides: Sequence[Slide]) -> Value:
    match name:
        case "add":
            return window_sum(x, slides)
        case "max" | "min":
            return window_extremum(x, slides, name == "max")
        case _:
            return _KNOWN[name](patches(x, slides), range(x.ndim, x.ndim + len(slides)))
