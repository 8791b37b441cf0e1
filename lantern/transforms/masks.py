"""Masks and memos: which inputs a transform treats how, and results kept as long as their jaxpr lives."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from lantern.dtypes import KEY
from lantern.ops.keys import random_wrap
from lantern.ops.shape import broadcast_in_dim
from lantern.trace.aval import ShapedArray, key_words
from lantern.trace.jaxpr import Jaxpr, literal
from lantern.trace.primitive import Value, Zero

T = TypeVar("T")
R = TypeVar("R")
Mask: TypeAlias = "Sequence[bool]"
Force: TypeAlias = "Sequence[bool] | bool"      # outputs that must be treated so: some, all or none


def pick(xs: Iterable[T], mask: Mask, want: bool = True) -> list[T]:
    """The elements whose flag is `want`."""
    return [x for x, m in zip(xs, mask, strict=True) if m == want]


def merge(mask: Mask, yes: Iterable[T], no: Iterable[T]) -> list[T]:
    """The inverse of two `pick`s."""
    a, b = iter(yes), iter(no)
    return [next(a) if m else next(b) for m in mask]


def spread(force: Force, count: int) -> Sequence[bool]:
    """One flag an output."""
    return (force,) * count if isinstance(force, bool) else force


def parts(xs: Sequence[T], *sizes: int) -> list[list[T]]:
    """Consecutive parts of these sizes, and what is left.

    >>> parts("abcde", 2, 1)
    [['a', 'b'], ['c'], ['d', 'e']]
    """
    cut: list[list[T]] = []
    at = 0
    for n in sizes:
        cut.append(list(xs[at: at + n]))
        at += n
    return [*cut, list(xs[at:])]


def settle(mask: Mask, step: Callable[[list[bool]], Sequence[bool]]) -> tuple[list[bool], list[bool]]:
    """What a loop does to the mask of its carry: grown until the body, `step`, adds nothing to it.

    And where the body gives less than the grown mask says, so that the caller must force it.
    """
    grown = list(mask)
    while True:
        found = step(grown)
        more = [a or b for a, b in zip(grown, found, strict=True)]
        if more == grown:
            return grown, [a and not b for a, b in zip(grown, found, strict=True)]
        grown = more


def zeros(aval: ShapedArray) -> Value:
    """A written-out zero: a literal if it has rank 0."""
    if aval.dtype is KEY:
        return random_wrap(zeros(key_words(aval)))
    zero = literal(0, aval.dtype)
    return broadcast_in_dim(zero, aval.shape, ()) if aval.shape else zero


def materialise(t: Value) -> Value:
    """A tangent that can be computed with: Zero written out."""
    return zeros(t.aval) if type(t) is Zero else t


def memo_by_jaxpr(f: Callable[..., R]) -> Callable[..., R]:
    """Sub-jaxprs meet the same transform again and again; the entry dies with the jaxpr."""
    memo: WeakKeyDictionary[Jaxpr, dict[Any, R]] = WeakKeyDictionary()

    @wraps(f)
    def wrapped(jaxpr: Jaxpr, *args: Any) -> R:
        table = memo.setdefault(jaxpr, {})
        key = tuple([tuple(a) if isinstance(a, list) else a for a in args])     # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        if key not in table:
            table[key] = f(jaxpr, *key)
        return table[key]

    return wrapped
