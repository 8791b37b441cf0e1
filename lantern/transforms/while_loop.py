"""`while(*condition consts, *body consts, *carry)`: forward mode only, since the number of residuals is not known."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lantern.dtypes import BOOL
from lantern.errors import InternalError, NotDifferentiableError
from lantern.lower.kernel import While
from lantern.ops.reduce import reduce_or
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind, typeof
from lantern.trace.interpret import eval_jaxpr
from lantern.trace.jaxpr import Eqn, Jaxpr, Var
from lantern.trace.primitive import Axis, Dims, Primitive, Structured, SubLowering, Tangent, Value, Zero
from lantern.trace.staging import trace_closed
from lantern.transforms.batch import batch_jaxpr, front
from lantern.transforms.cond import where_batched
from lantern.transforms.jit import run_impl
from lantern.transforms.jvp import jvp_jaxpr
from lantern.transforms.masks import Force, Mask, materialise, memo_by_jaxpr, merge, parts, pick, settle
from lantern.transforms.partial_eval import partial_eval_jaxpr, without_effects
from lantern.transforms.prune import prune_while


def _abstract(*avals: ShapedArray, condition: Jaxpr, body: Jaxpr, n_condition: int,
              n_body: int) -> Sequence[ShapedArray]:
    of_condition, of_body, carry = parts([a.strong() for a in avals], n_condition, n_body)
    predicate = [(a.shape, a.dtype) for a in condition.out_avals]
    if (predicate != [((), BOOL)] or [a.strong() for a in condition.in_avals] != [*of_condition, *carry]
            or [a.strong() for a in body.in_avals] != [*of_body, *carry]
            or [a.strong() for a in body.out_avals] != carry):
        raise InternalError(
            f"internal: the condition or body of a while loop does not fit {', '.join(map(str, avals))}")
    return body.out_avals


def _impl(*args: Any, condition: Jaxpr, body: Jaxpr, n_condition: int, n_body: int) -> Sequence[Any]:
    of_condition, of_body, carry = parts(args, n_condition, n_body)
    while bool(run_impl(condition, [*of_condition, *carry])[0]):
        carry = run_impl(body, [*of_body, *carry])
    return [*map(np.asarray, carry)]


def _lower(avals: Sequence[ShapedArray], lower: SubLowering, *, condition: Jaxpr, body: Jaxpr, n_condition: int,
           n_body: int) -> While:
    return While(lower(condition, (), ()), lower(body, range(n_body, len(body.invars)), ()), n_condition, n_body)


@memo_by_jaxpr
def _jvp_body(body: Jaxpr, n_body: int, nonzero: Mask) -> tuple[Jaxpr, list[bool]]:
    """(consts, their tangents, carry, tangents) -> (carry, tangents), and which carries have tangents."""
    of_consts, of_carry = parts(nonzero, n_body)
    of_carry, missing = settle(of_carry, lambda m: jvp_jaxpr(body, [*of_consts, *m])[1])
    j, _ = jvp_jaxpr(body, [*of_consts, *of_carry], _forced(missing))
    c, k, dc, dk = parts(j.invars, n_body, len(of_carry), sum(of_consts))
    return Jaxpr((*c, *dc, *k, *dk), j.eqns, j.outvars), of_carry


def _forced(missing: Sequence[bool]) -> Force:
    return tuple(missing) if any(missing) else False


@memo_by_jaxpr
def _with_unread(condition: Jaxpr, avals: Sequence[ShapedArray]) -> Jaxpr:
    return Jaxpr((*condition.invars, *[Var(a) for a in avals]), condition.eqns, condition.outvars)


def _jvp(primals: Sequence[Value], tangents: Sequence[Tangent], *, condition: Jaxpr, body: Jaxpr, n_condition: int,
         n_body: int) -> tuple[Sequence[Value], Sequence[Tangent]]:
    of_condition, of_body, carry = parts(primals, n_condition, n_body)
    _, d_body, d_carry = parts(tangents, n_condition, n_body)
    moving = [t for t in d_body if type(t) is not Zero]
    j, of_carry = _jvp_body(body, n_body, [type(t) is not Zero for t in (*d_body, *d_carry)])
    d_carry = [materialise(t) for t in pick(d_carry, of_carry)]
    test = _with_unread(condition, [typeof(t).strong() for t in d_carry])
    outs = bind(while_p, *of_condition, *of_body, *moving, *carry, *d_carry, condition=test, body=j,
                n_condition=n_condition, n_body=n_body + len(moving))
    n = len(carry)
    return outs[:n], merge(of_carry, outs[n:], [Zero(v.aval) for v in pick(body.outvars, of_carry, False)])


def _dims(batched: Sequence[bool]) -> list[int | None]:
    return [0 if b else None for b in batched]


@memo_by_jaxpr
def _batch_bodies(body: Jaxpr, condition: Jaxpr, n_condition: int, n_body: int, axis: Axis,
                  batched: Mask) -> tuple[Jaxpr, Jaxpr, list[bool], bool]:
    """Condition and body over one more axis, which carries have it, and whether the predicate does."""
    of_condition, of_body, of_carry = parts(batched, n_condition, n_body)

    def step(m: Sequence[bool]) -> list[bool]:
        return [d == 0 for d in batch_jaxpr(body, axis, _dims([*of_body, *m]))[1]]

    of_carry, missing = settle(of_carry, step)
    if batch_jaxpr(condition, axis, _dims([*of_condition, *of_carry]))[1][0] == 0:
        of_carry = [True] * len(of_carry)       # each element stops at its own time
        missing = [not f for f in step(of_carry)]
    test, (dim,) = batch_jaxpr(condition, axis, _dims([*of_condition, *of_carry]))
    wide, _ = batch_jaxpr(body, axis, _dims([*of_body, *of_carry]), _forced(missing))
    if dim is None:
        return test, wide, of_carry, False
    return _any_running(test), _running_on(test, wide, n_condition, n_body), of_carry, True


def _any_running(test: Jaxpr) -> Jaxpr:
    return trace_closed(lambda *args: [reduce_or(eval_jaxpr(test, args)[0], (0,))], test.in_avals, "while")


def _running_on(test: Jaxpr, wide: Jaxpr, n_condition: int, n_body: int) -> Jaxpr:
    """The body for those elements that are still running; the others keep their values."""
    def body(*args: Value) -> Sequence[Value]:
        of_condition, of_body, carry = parts(args, n_condition, n_body)
        running = eval_jaxpr(test, [*of_condition, *carry])[0]
        new = eval_jaxpr(wide, [*of_body, *carry])
        return [where_batched(running, x, old) for x, old in zip(new, carry, strict=True)]

    return trace_closed(body, [*test.in_avals[:n_condition], *wide.in_avals], "while")


def _batch(axis: Axis, args: Sequence[Value], dims: Dims, *, condition: Jaxpr, body: Jaxpr, n_condition: int,
           n_body: int) -> tuple[Sequence[Value], Dims]:
    test, wide, of_carry, own_time = _batch_bodies(body, condition, n_condition, n_body, axis, [d == 0 for d in dims])
    of_condition, of_body, carry = parts(args, n_condition, n_body)
    carry = [front(x, d, axis.size) if b else x
             for x, d, b in zip(carry, dims[n_condition + n_body:], of_carry, strict=True)]
    if own_time:
        of_body = [*of_condition, *of_body]
    outs = bind(while_p, *of_condition, *of_body, *carry, condition=test, body=wide, n_condition=n_condition,
                n_body=len(of_body))
    return outs, _dims(of_carry)


@memo_by_jaxpr
def _split_bodies(body: Jaxpr, condition: Jaxpr, n_condition: int, n_body: int,
                  unknown: Mask) -> tuple[Jaxpr, Jaxpr, list[bool]] | None:
    """Condition and body of the known carry alone, and which carries are unknown; None if the condition is."""
    of_condition, of_body, of_carry = parts(unknown, n_condition, n_body)
    of_carry, missing = settle(of_carry, lambda m: partial_eval_jaxpr(body, [*of_body, *m])[2])
    if partial_eval_jaxpr(condition, [*of_condition, *of_carry])[2][0]:
        return None
    known = partial_eval_jaxpr(body, [*of_body, *of_carry], _forced(missing))[0]
    small = Jaxpr((*condition.invars[:n_condition], *pick(condition.invars[n_condition:], of_carry, False)),
                  condition.eqns, condition.outvars)
    alone = Jaxpr(known.invars, known.eqns, known.outvars[: of_carry.count(False)])
    return small, alone, of_carry


def _split(e: Eqn, unknown: Sequence[bool]) -> tuple[Sequence[Eqn], Sequence[Eqn]]:
    """The known carry runs alone, with all effects; the unknown loop runs everything else again, since the steps of the
    first cannot be stored."""
    n_condition, n_body = e.params["n_condition"], e.params["n_body"]
    found = _split_bodies(e.params["body"], e.params["condition"], n_condition, n_body, unknown)
    if found is None:
        return [], [e]
    small, alone, of_carry = found
    of_condition, of_body, carry = parts(e.invars, n_condition, n_body)
    known_of_body = pick(of_body, unknown[n_condition: n_condition + n_body], False)
    first = Eqn(while_p, (*of_condition, *known_of_body, *pick(carry, of_carry, False)),
                {"condition": small, "body": alone, "n_condition": n_condition, "n_body": len(known_of_body)},
                tuple(pick(e.outvars, of_carry, False)), e.source)
    again = tuple([v if u else Var(v.aval) for v, u in zip(e.outvars, of_carry, strict=True)])
    silent = {k: without_effects(v) if isinstance(v, Jaxpr) else v for k, v in e.params.items()}
    return [first], [Eqn(while_p, e.invars, silent, again, e.source)]


def _transpose(cts: Sequence[Tangent], args: Sequence[Value], **params: Any) -> Sequence[Value | None]:
    raise NotDifferentiableError(
        "while_loop has no reverse mode: it does not know how many steps to remember. Use scan, or fori_loop with "
        "static bounds; with a bound on the number of steps, scan that many and keep finished values by where; or use "
        "forward mode (jvp, jacfwd)")


while_p = Primitive("while", _abstract, _impl, Structured(_lower, prune_while), _batch, jvp_joint=_jvp,
                    transpose=_transpose, split=_split)
