"""Keys as they lie in memory: before lowering, a program on keys becomes one on their words, u32 along a last axis.

So no backend and no pass of the compiler knows keys. An operation that only moves elements does the same to words, the
last axis going along; `MOVES` says how, and thereby which operations take keys. Jaxprs that equations hold are
translated with them.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from lantern.dtypes import I32, KEY, no_numbers
from lantern.ops.broadcast import broadcast_in_dim, broadcast_in_dim_p
from lantern.ops.compare import eq_p, ne_p, select_p
from lantern.ops.elementwise import stop_gradient_p
from lantern.ops.index import take_p
from lantern.ops.keys import random_clone_p, random_unwrap_p, random_wrap_p
from lantern.ops.reduce import reduce_and, reduce_or
from lantern.ops.scatter import scatter_p
from lantern.ops.shape import concatenate_p, reshape_p, rev_p, slice_p, transpose_p
from lantern.ops.windows import dynamic_slice_p, dynamic_update_slice_p
from lantern.trace import context
from lantern.trace.aval import key_words
from lantern.trace.context import typeof
from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Literal, Params, Var, literal, subjaxprs
from lantern.trace.primitive import Inline, Primitive, Value
from lantern.trace.staging import trace_closed
from lantern.transforms.jit import jit_p
from lantern.transforms.masks import memo_by_jaxpr
from lantern.transforms.remat import fence_p, name_p

# (operands, words in place of keys; params) -> the same for words
Move: TypeAlias = Callable[[Sequence[Value], Params], tuple[Sequence[Value], Mapping[str, Any]]]
WORDS = 2


def _same(args: Sequence[Value], params: Params) -> tuple[Sequence[Value], Params]:
    return args, params


def _reshape(args: Sequence[Value], params: Params) -> tuple[Sequence[Value], Params]:
    return args, {"shape": (*params["shape"], WORDS)}


def _broadcast(args: Sequence[Value], params: Params) -> tuple[Sequence[Value], Params]:
    shape = params["shape"]
    return args, {"shape": (*shape, WORDS), "dims": (*params["dims"], len(shape))}


def _transpose(args: Sequence[Value], params: Params) -> tuple[Sequence[Value], Params]:
    return args, {"perm": (*params["perm"], len(params["perm"]))}


def _slice(args: Sequence[Value], params: Params) -> tuple[Sequence[Value], Params]:
    more = {"start": 0, "limit": WORDS, "strides": 1}
    return args, {name: (*value, more[name]) for name, value in params.items()}


def _window(args: Sequence[Value], params: Params) -> tuple[Sequence[Value], Params]:
    more = {"sizes": WORDS, "strides": 1}
    return (*args, literal(0, I32)), {name: (*value, more[name]) for name, value in params.items()}


def _stretched(args: Sequence[Value], keys: Sequence[bool]) -> list[Value]:
    """Operands of one shape: one key beside arrays is stretched, for it has no literal. What is no key, a condition,
    counts for both words."""
    shapes = [typeof(x).shape[:-1] if key else typeof(x).shape for x, key in zip(args, keys, strict=True)]
    shape = max(shapes, key=len)
    lead = len(shape)
    return [x if not key and not s else broadcast_in_dim(x, (*shape, WORDS), range(lead - len(s), lead + key))
            for x, s, key in zip(args, shapes, keys, strict=True)]


def _select(args: Sequence[Value], params: Params) -> tuple[Sequence[Value], Params]:
    return _stretched(args, (False, True, True)), params


def _compared(args: Sequence[Value], params: Params) -> tuple[Sequence[Value], Params]:
    return _stretched(args, (True, True)), params


MOVES: Mapping[Primitive, Move] = {
    reshape_p: _reshape, broadcast_in_dim_p: _broadcast, transpose_p: _transpose, slice_p: _slice, select_p: _select,
    dynamic_slice_p: _window, dynamic_update_slice_p: _window, eq_p: _compared, ne_p: _compared,
    **dict.fromkeys((concatenate_p, rev_p, take_p, scatter_p, stop_gradient_p, name_p, fence_p), _same),
}
# What is true of keys is true of all their words, or of one.
TESTS: Mapping[Primitive, Callable[[Value, Sequence[int]], Value]] = {eq_p: reduce_and, ne_p: reduce_or}
_RENAMES = (random_wrap_p, random_unwrap_p, random_clone_p)     # words stay as they are


@memo_by_jaxpr
def has_keys(jaxpr: Jaxpr) -> bool:
    """Whether a value of the program, or of a jaxpr in it, is made of keys."""
    if any([v.aval.dtype is KEY for v in jaxpr.invars]):
        return True
    return any([_has_keys(e) or any([v.aval.dtype is KEY for v in e.outvars]) for e in jaxpr.eqns])


def _has_keys(e: Eqn) -> bool:
    return any([has_keys(s) for value in e.params.values() for s in subjaxprs(value)])


def physical(jaxpr: Jaxpr) -> Jaxpr:
    """The program on words; the same object if there are no keys in it.

    Raises TypeError, with the line, for an operation that does not take keys.
    """
    return _translated(jaxpr) if has_keys(jaxpr) else jaxpr


@memo_by_jaxpr
def _translated(jaxpr: Jaxpr) -> Jaxpr:
    def body(*args: Value) -> Sequence[Value]:
        env: dict[Var, Value] = dict(zip(jaxpr.invars, args, strict=True))

        def read(a: Atom) -> Value:
            return a if isinstance(a, Literal) else env[a]

        trace = context.current()
        for e in jaxpr.eqns:
            trace.at(e.source)
            env.update(zip(e.outvars, _on_words(e, [read(a) for a in e.invars], trace), strict=True))
        trace.at(None)
        return [read(a) for a in jaxpr.outvars]

    return trace_closed(body, [key_words(a) if a.dtype is KEY else a for a in jaxpr.in_avals], "keys")


def _on_words(e: Eqn, args: Sequence[Value], trace: context.Trace) -> Sequence[Value]:
    if e.primitive in _RENAMES:
        return args
    if _has_keys(e):
        if e.primitive.lower is Inline.SUBJAXPR:
            name = str(e.params.get("name", e.primitive.name))
            return trace.bind(jit_p, args, {"jaxpr": physical(e.params["jaxpr"]), "name": name}, e.source)
        return trace.bind(e.primitive, args, {k: _param(v) for k, v in e.params.items()}, e.source)
    params: Params = e.params
    if any([v.aval.dtype is KEY for v in (*e.invars, *e.outvars)]) and not _holds_jaxprs(e):
        move = MOVES.get(e.primitive)
        if move is None:
            raise refused(e)
        args, params = move(args, params)
        if e.primitive in TESTS:
            found = trace.bind(e.primitive, args, params, e.source)[0]
            return [TESTS[e.primitive](found, (typeof(found).ndim - 1,))]
    return trace.bind(e.primitive, args, params, e.source)


def _holds_jaxprs(e: Eqn) -> bool:
    return any([subjaxprs(value) for value in e.params.values()])


def _param(value: Any) -> Any:
    if isinstance(value, Jaxpr):
        return physical(value)
    if isinstance(value, tuple):
        return tuple([_param(v) for v in cast("tuple[Any, ...]", value)])
    return value


def refused(e: Eqn) -> TypeError:
    """The error for an operation that does more with keys than move them."""
    shown = ", ".join([str(a.aval) for a in e.invars])
    return no_numbers(e.primitive.name, f"got {shown}", source=e.source)
