"""Random keys that are used twice: `lantern.debug.key_reuse`.

Every key that comes into being (from a seed, by `split`, `fold_in`, `clone`) gets a number. The numbers go with the
keys through whatever moves them, evaluated by the moving operations themselves: an array of keys is an array of
numbers. Whoever draws spends the numbers; a number that is spent twice is a key used twice. Programs are walked with
the numbers before they run, loops for two steps (short ones for all), branches one after the other from the same start.
What a key becomes is forgotten where it depends on values that are not known: then nothing is said.
"""
from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from weakref import ref

import numpy as np

from lantern.dtypes import KEY
from lantern.errors import KeyReuseError
from lantern.ops.keys import random_unwrap_p
from lantern.source import Source
from lantern.trace.array import is_array
from lantern.trace.aval import ShapedArray
from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Literal, Params, Var, subjaxprs
from lantern.trace.primitive import Inline, Primitive
from lantern.transforms.cond import cond_p
from lantern.transforms.masks import parts
from lantern.transforms.physical import MOVES, TESTS, has_keys
from lantern.transforms.remat import fence_p
from lantern.transforms.scan import INVARIANTS, scan_p
from lantern.transforms.while_loop import while_p

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
STEPS = 64      # a loop with at most so many steps is walked to its end


@dataclass(frozen=True, slots=True)
class Use:
    """Where a key was spent. `eqn`: in which program's equation, if in one; `run`: in which call."""

    function: str
    source: Source | None
    eqn: Eqn | None
    run: int


@dataclass(frozen=True, slots=True)
class Around:
    """What is around an operation: the call, the innermost loop, and, in what a loop computes once for all steps, the
    keys that do not change along it (by the ids of their origins)."""

    run: int
    loop: str = ""
    steady: frozenset[int] = frozenset()


_births = itertools.count(1)
_runs = itertools.count(1)


class Origin:
    """Keys that came into being together: their first number, and for each whether it is spent, by its use (from 1)."""

    __slots__ = ("first", "spent", "uses")

    def __init__(self, count: int) -> None:
        self.first = next(_births) << 32
        self.spent = np.zeros(count, np.int32)
        self.uses: list[Use] = []

    def spend(self, numbers: Numbers, use: Use) -> Use | None:
        """Mark those of these numbers that belong here; the use before, if one was spent."""
        mine = numbers[(numbers >= self.first) & (numbers < self.first + len(self.spent))] - self.first
        earlier = self.spent[mine]
        if earlier.any():
            return self.uses[int(earlier[earlier > 0][0]) - 1]
        if len(np.unique(mine)) < len(mine):
            return use
        if len(mine):
            self.uses.append(use)
            self.spent[mine] = len(self.uses)
        return None


@dataclass(frozen=True, slots=True)
class Keys:
    """The numbers of an array of keys, and where they come from."""

    numbers: Numbers
    origins: tuple[Origin, ...]

    def at(self, index: int) -> Keys:
        """One row."""
        return Keys(self.numbers[index], self.origins)


# Keys; an array or literal whose value is known; None for a value that is not
Known: TypeAlias = Any


def fresh(shape: tuple[int, ...]) -> Keys:
    """New keys."""
    count = int(np.prod(shape))
    origin = Origin(count)
    return Keys(np.arange(origin.first, origin.first + count).reshape(shape), (origin,))


def _fresh(avals: Sequence[ShapedArray]) -> list[Known]:
    return [fresh(a.shape) if a.dtype is KEY else None for a in avals]


def spend(keys: Keys, use: Use, around: Around) -> None:
    """Use keys up. Raises KeyReuseError if one of them was, or is there twice."""
    numbers = keys.numbers.reshape(-1)
    for origin in keys.origins:
        earlier = origin.spend(numbers, use)
        if earlier is not None:
            raise _reused(keys, use, earlier, around)
        if id(origin) in around.steady and use in origin.uses:
            raise _in_each_step(use, around)


def _in_each_step(use: Use, around: Around) -> KeyReuseError:
    line = f", at {use.source}" if use.source is not None else ""
    return KeyReuseError(f"{use.function}: each step of a {around.loop or 'loop'} uses the same key{line}. Carry a key "
                         "and split it in each step, or use lantern.random.fold_in(key, step)")


def _reused(keys: Keys, use: Use, earlier: Use, around: Around) -> KeyReuseError:
    line = f", at {use.source}" if use.source is not None else ""
    if earlier is use:
        return KeyReuseError(f"{use.function}: one key stands at several of {keys.numbers.size} places, each of which "
                             f"draws the same{line}. Make as many keys with lantern.random.split(key, n)")
    if earlier.eqn is not None and earlier.eqn is use.eqn and earlier.run == use.run:
        return _in_each_step(use, around)
    before = f"{earlier.function} at {earlier.source}" if earlier.source is not None else earlier.function
    return KeyReuseError(f"{use.function}: a key that {before} has used is used again{line}. Make new keys with "
                         "lantern.random.split(key), or say that it is meant with lantern.random.clone(key)")


def value_of(x: Known) -> np.ndarray[Any, Any] | None:
    """The value of an operand that is none of keys, if it is known."""
    if x is None:
        return None
    return np.asarray(x.value if isinstance(x, Literal) else x)


def walk(jaxpr: Jaxpr, args: Sequence[Known], around: Around) -> list[Known]:
    """The outputs of a program that is not run."""
    if not has_keys(jaxpr):
        return [None] * len(jaxpr.outvars)
    env: dict[Var, Known] = dict(zip(jaxpr.invars, args, strict=True))

    def read(a: Atom) -> Known:
        return a if isinstance(a, Literal) else env[a]

    for e in jaxpr.eqns:
        avals = [v.aval for v in e.outvars]
        if any([a.aval.dtype is KEY for a in (*e.invars, *e.outvars)]) or _holds_keys(e.params):
            outs = step(e.primitive, e.params, [read(a) for a in e.invars], avals, e.source, e, around)
        else:
            outs = [None] * len(avals)
        env.update(zip(e.outvars, outs, strict=True))
    return [read(a) for a in jaxpr.outvars]


def _holds_keys(params: Params) -> bool:
    return any([has_keys(s) for value in params.values() for s in subjaxprs(value)])


def step(primitive: Primitive, params: Params, args: Sequence[Known], avals: Sequence[ShapedArray],
         source: Source | None, eqn: Eqn | None, around: Around) -> Sequence[Known]:
    """One operation. Raises KeyReuseError."""
    if primitive is random_unwrap_p:
        if params["by"]:
            spend(args[0], Use(params["by"], source, eqn, around.run), around)
        return [None]
    if primitive is scan_p:
        return _scan(args, around, **params)
    if primitive is while_p:
        return _while(args, around, **params)
    if primitive is cond_p:
        return _cond(args, avals, around, **params)
    if primitive.lower is Inline.SUBJAXPR:
        if params.get("name") == INVARIANTS:
            steady = [id(o) for x in args if isinstance(x, Keys) for o in x.origins]
            around = replace(around, loop="scan", steady=around.steady.union(steady))
        return walk(params["jaxpr"], args, around)
    # a fence stands before what remat computes a second time, from the same keys on purpose
    if primitive in MOVES and primitive is not fence_p and primitive not in TESTS and avals:
        return [_moved(primitive, params, args, avals[0])]
    return _fresh(avals)


def _moved(primitive: Primitive, params: Params, args: Sequence[Known], aval: ShapedArray) -> Keys:
    """Keys moved as their numbers are, if positions and conditions are known."""
    operands = [x.numbers if isinstance(x, Keys) else value_of(x) for x in args]
    if any([x is None for x in operands]):
        return fresh(aval.shape)
    origins = {id(o): o for x in args if isinstance(x, Keys) for o in x.origins}
    return Keys(np.asarray(primitive.impl(*operands, **params)[0]), tuple(origins.values()))


def _scan(args: Sequence[Known], around: Around, *, jaxpr: Jaxpr, n_consts: int, n_carry: int, length: int,
          reverse: bool) -> Sequence[Known]:
    consts, carry, xs = parts(args, n_consts, n_carry)
    order = [*range(length)][::-1] if reverse else [*range(length)]
    walked = order if length <= STEPS else order[:2]
    around = replace(around, loop="scan", steady=frozenset())
    rows: dict[int, list[Known]] = {}
    before: list[Known] = carry
    for i in walked:
        given = [x.at(i) if isinstance(x, Keys) else None for x in xs]
        before, outs = carry, walk(jaxpr, [*consts, *carry, *given], around)
        carry, rows[i] = outs[:n_carry], outs[n_carry:]
    stacks = jaxpr.out_avals[n_carry:]
    if len(walked) == length:
        return [*carry, *[_stacked([rows[k][j] for k in range(length)], a.with_shape((length, *a.shape)))
                          for j, a in enumerate(stacks)]]
    for x in xs:
        if isinstance(x, Keys):
            _spend_as(x, order)
    return [*_settled(before, carry), *_fresh([a.with_shape((length, *a.shape)) for a in stacks])]


def _stacked(rows: Sequence[Known], aval: ShapedArray) -> Known:
    if aval.dtype is not KEY:
        return None
    origins = {id(o): o for x in rows for o in x.origins}
    numbers = np.array([x.numbers for x in rows], np.int64).reshape(aval.shape)
    return Keys(numbers, tuple(origins.values()))


def _spend_as(xs: Keys, order: Sequence[int]) -> None:
    """What was spent of the first row is spent of those that were not walked."""
    for origin in xs.origins:
        mine = (xs.numbers >= origin.first) & (xs.numbers < origin.first + len(origin.spent))
        found = np.where(mine, origin.spent[np.where(mine, xs.numbers - origin.first, 0)], 0)
        for i in order[2:]:
            spent = found[order[0]] > 0
            origin.spent[(xs.numbers[i] - origin.first)[spent & mine[i]]] = found[order[0]][spent & mine[i]]


def _settled(before: Sequence[Known], after: Sequence[Known]) -> list[Known]:
    """The carry of a loop after more steps than were walked: what does not change any more, or new keys."""
    return [(b if np.array_equal(a.numbers, b.numbers) else fresh(b.numbers.shape)) if isinstance(b, Keys) else None
            for a, b in zip(before, after, strict=True)]


def _while(args: Sequence[Known], around: Around, *, condition: Jaxpr, body: Jaxpr, n_condition: int,
           n_body: int) -> Sequence[Known]:
    of_condition, of_body, start = parts(args, n_condition, n_body)
    carry: list[Known] = [x if isinstance(x, Keys) else None for x in start]
    before = carry
    around = replace(around, loop="while_loop", steady=frozenset())
    for _ in range(2):
        walk(condition, [*of_condition, *carry], around)
        before, carry = carry, walk(body, [*of_body, *carry], around)
    return _settled(before, carry)


def _cond(args: Sequence[Known], avals: Sequence[ShapedArray], around: Around, *,
          branches: tuple[Jaxpr, ...]) -> Sequence[Known]:
    index, operands = value_of(args[0]), args[1:]
    if index is not None:
        return walk(branches[int(np.clip(index, 0, len(branches) - 1))], operands, around)
    origins = list({id(o): o for x in operands if isinstance(x, Keys) for o in x.origins}.values())
    start = [o.spent.copy() for o in origins]
    ends = list(start)
    found: list[list[Known]] = []
    for branch in branches:
        for o, spent in zip(origins, start, strict=True):
            o.spent[:] = spent
        found.append(walk(branch, operands, around))
        ends = [np.maximum(end, o.spent) for end, o in zip(ends, origins, strict=True)]
    for o, spent in zip(origins, ends, strict=True):
        o.spent[:] = spent
    return [_same(outs, a) for outs, a in zip(zip(*found, strict=True), avals, strict=True)]


def _same(outs: Sequence[Known], aval: ShapedArray) -> Known:
    """What all branches give, or new keys."""
    if aval.dtype is not KEY:
        return None
    return outs[0] if all([np.array_equal(x.numbers, outs[0].numbers) for x in outs]) else fresh(aval.shape)


# Arrays that live: by id, with a reference that forgets the entry when the array dies.


@dataclass(slots=True)
class _Living:
    entries: dict[int, tuple[Any, Keys]] = field(default_factory=dict[int, "tuple[Any, Keys]"])

    def of(self, x: Any) -> Keys:
        """The numbers of an array of keys; one that was made while nobody looked is new."""
        entry = self.entries.get(id(x))
        if entry is None or entry[0]() is not x:
            self.put(x, fresh(x.aval.shape))
            entry = self.entries[id(x)]
        return entry[1]

    def put(self, x: Any, keys: Keys) -> None:
        """Remember, as long as the array lives."""
        number = id(x)
        self.entries[number] = (ref(x, lambda _: self.entries.pop(number, None)), keys)


_living = _Living()


def _known(x: Any) -> Known:
    return _living.of(x) if is_array(x) and x.aval.dtype is KEY else x


def follow(primitive: Primitive, params: Mapping[str, Any], args: Sequence[Any], avals: Sequence[ShapedArray],
           source: Source | None) -> Sequence[Known]:
    """An operation that is about to run on arrays. Give the result to `settle`, with the arrays that it made.

    Raises KeyReuseError.
    """
    return step(primitive, params, [_known(x) for x in args], avals, source, None, Around(next(_runs)))


def follow_program(jaxpr: Jaxpr, args: Sequence[Any]) -> Sequence[Known]:
    """A program that is about to run on arrays. Raises KeyReuseError."""
    return walk(jaxpr, [_known(x) for x in args], Around(next(_runs)))


def settle(made: Sequence[Any], known: Sequence[Known]) -> None:
    """The arrays that came of what was followed."""
    for x, keys in zip(made, known, strict=True):
        if isinstance(keys, Keys):
            _living.put(x, keys)
