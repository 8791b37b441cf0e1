"""`cond(index, *operands)`: one of several branches, which take the same operands and give the same types."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from lantern.dtypes import I32
from lantern.errors import InternalError
from lantern.lower.kernel import Branch
from lantern.ops.broadcast import broadcast_in_dim, instantiate
from lantern.ops.compare import eq, select
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import bind, typeof
from lantern.trace.interpret import eval_jaxpr
from lantern.trace.jaxpr import Eqn, Jaxpr, Var, has_effect
from lantern.trace.primitive import Axis, Dims, Linear, Primitive, Structured, SubLowering, Tangent, Value, Zero
from lantern.trace.staging import trace_closed
from lantern.transforms.batch import batch_eval, batch_jaxpr, front
from lantern.transforms.jit import run_impl
from lantern.transforms.jvp import jvp_jaxpr
from lantern.transforms.masks import Mask, memo_by_jaxpr, merge, pick
from lantern.transforms.partial_eval import partial_eval_jaxpr
from lantern.transforms.prune import prune_cond
from lantern.transforms.transpose import transpose_jaxpr

Branches = tuple[Jaxpr, ...]


def _union(masks: Sequence[Sequence[bool]]) -> list[bool]:
    return [any(flags) for flags in zip(*masks, strict=True)]


def _abstract(*avals: ShapedArray, branches: Branches) -> Sequence[ShapedArray]:
    index, operands = avals[0], [a.strong() for a in avals[1:]]
    outs = [[a.strong() for a in b.out_avals] for b in branches]
    if (index.shape, index.dtype) != ((), I32) or any([o != outs[0] for o in outs]) or any(
            [[a.strong() for a in b.in_avals] != operands for b in branches]):
        raise InternalError("internal: branches take other types than they are given, or give different ones")
    return [shaped(same[0].shape, same[0].dtype, all([a.weak for a in same]))
            for same in zip(*[b.out_avals for b in branches], strict=True)]


def _impl(index: Any, *operands: Any, branches: Branches) -> Sequence[Any]:
    return [*map(np.asarray, run_impl(branches[int(index)], operands))]


def _lower(avals: Sequence[ShapedArray], lower: SubLowering, *, branches: Branches) -> Branch:
    return Branch(tuple([lower(b, (), range(len(b.outvars))) for b in branches]))


def _jvp(primals: Sequence[Value], tangents: Sequence[Tangent], *,
         branches: Branches) -> tuple[Sequence[Value], Sequence[Tangent]]:
    nonzero = [type(t) is not Zero for t in tangents[1:]]
    nonzero_out = _union([jvp_jaxpr(b, nonzero)[1] for b in branches])
    joint = tuple([jvp_jaxpr(b, nonzero, nonzero_out)[0] for b in branches])
    outs = bind(cond_p, *primals, *pick(tangents[1:], nonzero), branches=joint)
    n = len(nonzero_out)
    still = [Zero(v.aval) for v in pick(branches[0].outvars, nonzero_out, False)]
    return outs[:n], merge(nonzero_out, outs[n:], still)


def _batch(axis: Axis, args: Sequence[Value], dims: Dims, *, branches: Branches) -> tuple[Sequence[Value], Dims]:
    if dims[0] is None:
        batched = _union([[d == 0 for d in batch_jaxpr(b, axis, dims[1:])[1]] for b in branches])
        wide = tuple([batch_jaxpr(b, axis, dims[1:], batched)[0] for b in branches])
        return bind(cond_p, *args, branches=wide), [0 if b else None for b in batched]
    results: list[list[Value]] = []     # the index differs along the batch: run every branch and select
    for b in branches:
        outs, out_dims = batch_eval(b, axis, args[1:], dims[1:])
        results.append([front(x, d, axis.size) for x, d in zip(outs, out_dims, strict=True)])
    chosen = results[-1]
    for i in reversed(range(len(branches) - 1)):
        here = eq(args[0], i)
        chosen = [where_batched(here, x, y) for x, y in zip(results[i], chosen, strict=True)]
    return chosen, [0] * len(chosen)


def where_batched(mask: Value, x: Value, y: Value) -> Value:
    """x or y, for each element of the first axis of both."""
    shape = typeof(x).shape
    return select(broadcast_in_dim(mask, shape, (0,)) if len(shape) > 1 else mask, x, y)


def _slots(residuals: Sequence[Sequence[Var]]) -> tuple[list[ShapedArray], list[list[int]]]:
    """Places for the residuals of all branches, of which one runs: their types, and the place of each residual."""
    found: list[list[tuple[ShapedArray, int]]] = []
    for vs in residuals:
        seen: Counter[ShapedArray] = Counter()
        found.append([])
        for v in vs:
            found[-1].append((v.aval, seen[v.aval]))
            seen[v.aval] += 1
    keys = list(dict.fromkeys([key for row in found for key in row]))
    return [aval for aval, _ in keys], [[keys.index(key) for key in row] for row in found]


def _with_slots(branch: Jaxpr, n_known: int, slots: Sequence[ShapedArray], places: Sequence[int]) -> Jaxpr:
    """A known branch that fills the slots of its residuals; the others hold zeros."""
    def body(*args: Value) -> Sequence[Value]:
        outs = eval_jaxpr(branch, args)
        mine = dict(zip(places, outs[n_known:], strict=True))
        return [*outs[:n_known], *[mine[k] if k in mine else instantiate(Zero(a)) for k, a in enumerate(slots)]]

    return trace_closed(body, branch.in_avals, "cond")


@memo_by_jaxpr
def _split_branches(first: Jaxpr, others: Branches, unknown: Mask
                    ) -> tuple[list[bool], Branches, Branches, list[ShapedArray]]:
    """(unknown_out, known, later, slots): known gives known outs and slots, later takes known ins, slots, unknown ins.

    Every known branch fills slots for the residuals of all, since nobody knows which of them runs.
    """
    branches = (first, *others)
    unknown_out = _union([partial_eval_jaxpr(b, unknown)[2] for b in branches])
    cut = [partial_eval_jaxpr(b, unknown, unknown_out) for b in branches]
    positions = [{v: i for i, v in enumerate(known.invars)} for known, *_ in cut]
    fresh = [[v for v in residuals if v not in at] for at, (*_, residuals) in zip(positions, cut, strict=True)]
    slots, places = _slots(fresh)
    n_known = unknown_out.count(False)
    known: list[Jaxpr] = []
    later: list[Jaxpr] = []
    for (now, rest, _, residuals), at, new, place in zip(cut, positions, fresh, places, strict=True):
        now = Jaxpr(now.invars, now.eqns, (*now.outvars[:n_known], *new))
        known.append(_with_slots(now, n_known, slots, place))
        inner = dict(zip(residuals, rest.invars, strict=False))
        taken = [Var(a) for a in (*now.in_avals, *slots)]
        for v in residuals:
            taken[at[v] if v in at else len(at) + place[new.index(v)]] = inner[v]
        later.append(Jaxpr((*taken, *rest.invars[len(residuals):]), rest.eqns, rest.outvars))
    return unknown_out, tuple(known), tuple(later), slots


def _split(e: Eqn, unknown: Sequence[bool]) -> tuple[Sequence[Eqn], Sequence[Eqn]]:
    """A known cond that also gives residuals, and an unknown one that reads them."""
    if unknown[0]:      # under a derivative the index is always known; hoisting may ask about one that varies
        return [], [e]
    branches: Branches = e.params["branches"]
    unknown_out, known, later, slots = _split_branches(branches[0], branches[1:], unknown[1:])
    index, *operands = e.invars
    known_in, unknown_in = pick(operands, unknown[1:], False), pick(operands, unknown[1:])
    made = [Var(a) for a in slots]
    known_out = pick(e.outvars, unknown_out, False)
    first = Eqn(cond_p, (index, *known_in), {"branches": known}, (*known_out, *made), e.source)
    second = Eqn(cond_p, (index, *known_in, *made, *unknown_in), {"branches": later},
                 tuple(pick(e.outvars, unknown_out)), e.source)
    return _worth_running(first), _worth_running(second)


def _worth_running(e: Eqn) -> list[Eqn]:
    return [e] if e.outvars or has_effect(e) else []


def _transpose(cts: Sequence[Tangent], args: Sequence[Value], *, branches: Branches) -> Sequence[Value | None]:
    linear, nonzero = [type(a) is Linear for a in args[1:]], [type(c) is not Zero for c in cts]
    reached = _union([transpose_jaxpr(b, linear, nonzero)[1] for b in branches])
    back = tuple([transpose_jaxpr(b, linear, nonzero, reached)[0] for b in branches])
    outs = bind(cond_p, args[0], *pick(args[1:], linear, False), *pick(cts, nonzero), branches=back)
    cotangents = merge(reached, outs, [None] * reached.count(False))
    return [None, *merge(linear, cotangents, [None] * linear.count(False))]


cond_p = Primitive("cond", _abstract, _impl, Structured(_lower, prune_cond), _batch, jvp_joint=_jvp,
                   transpose=_transpose, split=_split)
