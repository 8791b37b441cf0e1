"""`scan(*consts, *carry, *xs)`: a body run once for each row of xs. Outs: the last carry and the stacked ys."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from lantern.errors import InternalError
from lantern.lower.kernel import Loop
from lantern.ops.elementwise import add_p
from lantern.ops.shape import transpose
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind, typeof
from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Params, Var, has_effect
from lantern.trace.primitive import Axis, Dims, Linear, Primitive, Structured, SubLowering, Tangent, Value, Zero
from lantern.transforms.batch import batch_jaxpr, front
from lantern.transforms.jit import jit_p, run_impl
from lantern.transforms.jvp import jvp_jaxpr
from lantern.transforms.masks import Force, Mask, materialise, memo_by_jaxpr, merge, parts, pick, settle, zeros
from lantern.transforms.partial_eval import partial_eval_jaxpr
from lantern.transforms.prune import prune_scan
from lantern.transforms.transpose import transpose_eval, transpose_jaxpr

INVARIANTS = "scan_invariants"      # the program, before a loop, of what its steps have in common



def _stacked(aval: ShapedArray, length: int) -> ShapedArray:
    return aval.with_shape((length, *aval.shape))


def _row(aval: ShapedArray) -> ShapedArray:
    return aval.with_shape(aval.shape[1:])


def _abstract(*avals: ShapedArray, jaxpr: Jaxpr, n_consts: int, n_carry: int, length: int,
              reverse: bool) -> Sequence[ShapedArray]:
    fixed, xs = avals[: n_consts + n_carry], avals[n_consts + n_carry:]
    given = [a.strong() for a in (*fixed, *map(_row, xs))]
    wanted = [a.strong() for a in jaxpr.in_avals]
    carry, ys = jaxpr.out_avals[:n_carry], jaxpr.out_avals[n_carry:]
    again = [a.strong() for a in carry]
    if given != wanted or again != wanted[n_consts: n_consts + n_carry] or any([a.shape[0] != length for a in xs]):
        raise InternalError(
            f"internal: a scan of {length} steps over {', '.join(map(str, avals))} has a body that takes "
            f"{', '.join(map(str, wanted))} and gives {', '.join(map(str, jaxpr.out_avals))}")
    return [*carry, *[_stacked(a, length) for a in ys]]


def _impl(*args: Any, jaxpr: Jaxpr, n_consts: int, n_carry: int, length: int, reverse: bool) -> Sequence[Any]:
    consts, carry, xs = parts(args, n_consts, n_carry)
    stacks = [np.zeros((length, *a.shape), a.dtype) for a in jaxpr.out_avals[n_carry:]]
    for i in reversed(range(length)) if reverse else range(length):
        carry, ys = parts(run_impl(jaxpr, [*consts, *carry, *[np.asarray(x[i]) for x in xs]]), n_carry)
        for stack, y in zip(stacks, ys, strict=True):
            stack[i] = y
    return [*map(np.asarray, carry), *stacks]


def _lower(avals: Sequence[ShapedArray], lower: SubLowering, *, jaxpr: Jaxpr, n_consts: int, n_carry: int, length: int,
           reverse: bool) -> Loop:
    body = lower(jaxpr, range(n_consts, n_consts + n_carry), range(n_carry, len(jaxpr.outvars)))
    return Loop(body, n_consts, n_carry, length, reverse)


def _forced(missing: Sequence[bool], others: int) -> Force:
    """The mask for `force`; False, which the memo of the search already holds, if there is nothing to force."""
    return (*missing, *[False] * others) if any(missing) else False


@memo_by_jaxpr
def _jvp_body(jaxpr: Jaxpr, n_consts: int, n_carry: int, nonzero: Mask) -> tuple[Jaxpr, list[bool], list[bool]]:
    """(consts, their tangents, carry, tangents, xs, tangents) -> (carry, tangents, ys, tangents).

    And which inputs and which outputs have tangents.
    """
    of_consts, of_carry, of_xs = parts(nonzero, n_consts, n_carry)
    of_carry, missing = settle(of_carry, lambda m: jvp_jaxpr(jaxpr, [*of_consts, *m, *of_xs])[1][:n_carry])
    n_ys = len(jaxpr.outvars) - n_carry
    found = [*of_consts, *of_carry, *of_xs]
    j, nonzero_out = jvp_jaxpr(jaxpr, found, _forced(missing, n_ys))
    c, k, x, dc, dk, dx = parts(j.invars, n_consts, n_carry, len(of_xs), sum(of_consts), sum(of_carry))
    k_out, y_out, dk_out, dy_out = parts(j.outvars, n_carry, n_ys, sum(of_carry))
    body = Jaxpr((*c, *dc, *k, *dk, *x, *dx), j.eqns, (*k_out, *dk_out, *y_out, *dy_out))
    return body, found, nonzero_out


def _jvp(primals: Sequence[Value], tangents: Sequence[Tangent], *, jaxpr: Jaxpr, n_consts: int, n_carry: int,
         length: int, reverse: bool) -> tuple[Sequence[Value], Sequence[Tangent]]:
    body, nonzero, nonzero_out = _jvp_body(jaxpr, n_consts, n_carry, [type(t) is not Zero for t in tangents])
    c, k, x = parts(primals, n_consts, n_carry)
    moving = [pick(map(materialise, t), m) for t, m in zip(parts(tangents, n_consts, n_carry),
                                                           parts(nonzero, n_consts, n_carry), strict=True)]
    dc, dk, dx = moving
    outs = bind(scan_p, *c, *dc, *k, *dk, *x, *dx, jaxpr=body, n_consts=len(c) + len(dc), n_carry=len(k) + len(dk),
                length=length, reverse=reverse)
    n_ys = len(jaxpr.outvars) - n_carry
    k_out, dk_out, y_out, dy_out = parts(outs, n_carry, len(dk), n_ys)
    avals = [*jaxpr.out_avals[:n_carry], *[_stacked(a, length) for a in jaxpr.out_avals[n_carry:]]]
    still = [Zero(a) for a in pick(avals, nonzero_out, False)]
    return [*k_out, *y_out], merge(nonzero_out, [*dk_out, *dy_out], still)


@memo_by_jaxpr
def _batch_body(jaxpr: Jaxpr, n_consts: int, n_carry: int, axis: Axis,
                batched: Mask) -> tuple[Jaxpr, list[bool], list[int | None]]:
    """The body over one more axis; which carries have it; the dims of its outputs."""
    of_consts, of_carry, of_xs = parts(batched, n_consts, n_carry)

    def run(carry: Sequence[bool], force: Force) -> tuple[Jaxpr, list[int | None]]:
        return batch_jaxpr(jaxpr, axis, [0 if b else None for b in (*of_consts, *carry, *of_xs)], force)

    of_carry, missing = settle(of_carry, lambda m: [d == 0 for d in run(m, False)[1][:n_carry]])
    body, out_dims = run(of_carry, _forced(missing, len(jaxpr.outvars) - n_carry))
    return body, of_carry, out_dims


def _swapped(x: Value) -> Value:
    """The new axis and the axis of steps exchanged."""
    return transpose(x, (1, 0, *range(2, typeof(x).ndim)))


def _batch(axis: Axis, args: Sequence[Value], dims: Dims, *, jaxpr: Jaxpr, n_consts: int, n_carry: int, length: int,
           reverse: bool) -> tuple[Sequence[Value], Dims]:
    body, of_carry, out_dims = _batch_body(jaxpr, n_consts, n_carry, axis, [d == 0 for d in dims])
    consts, carry, xs = parts(args, n_consts, n_carry)
    _, carry_dims, xs_dims = parts(dims, n_consts, n_carry)
    carry = [front(x, d, axis.size) if b else x for x, d, b in zip(carry, carry_dims, of_carry, strict=True)]
    xs = [x if d is None else _swapped(x) for x, d in zip(xs, xs_dims, strict=True)]
    outs = bind(scan_p, *consts, *carry, *xs, jaxpr=body, n_consts=n_consts, n_carry=n_carry, length=length,
                reverse=reverse)
    carry, ys = parts(outs, n_carry)
    ys = [y if d is None else _swapped(y) for y, d in zip(ys, out_dims[n_carry:], strict=True)]
    return [*carry, *ys], out_dims


@dataclass(frozen=True, slots=True)
class _Split:
    """A body cut in three. Values are named by the variables of the body, whatever they are outside.

    before   known consts -> invariants: what does not change along the loop is computed once
    known    the known loop: known_consts, known carry, known xs -> known carry, known ys, stacked
    later    the unknown loop: later_consts, unknown consts, unknown carry, later_xs, unknown xs -> unknown outs
    """

    of_carry: list[bool]
    unknown_out: list[bool]
    operands: tuple[Var, ...]       # the known consts, carry and xs
    before: Jaxpr
    invariants: tuple[Var, ...]
    known: Jaxpr
    known_consts: tuple[Var, ...]
    stacked: tuple[Var, ...]
    later: Jaxpr
    later_consts: tuple[Var, ...]
    later_xs: tuple[Var, ...]


@memo_by_jaxpr
def _split_body(jaxpr: Jaxpr, n_consts: int, n_carry: int, unknown: Mask) -> _Split:
    n_ys = len(jaxpr.outvars) - n_carry
    of_consts, of_carry, of_xs = parts(unknown, n_consts, n_carry)
    of_carry, missing = settle(of_carry,
                               lambda m: partial_eval_jaxpr(jaxpr, [*of_consts, *m, *of_xs])[2][:n_carry])
    known, later, unknown_out, residuals = partial_eval_jaxpr(jaxpr, [*of_consts, *of_carry, *of_xs],
                                                              _forced(missing, n_ys), False, True)
    consts, carry, xs = parts(known.invars, of_consts.count(False), of_carry.count(False))
    n_known = len(known.outvars) - len(residuals)

    before, loop, varies, loop_consts = partial_eval_jaxpr(
        known, [*[False] * len(consts), *[True] * (len(carry) + len(xs))],
        [*[True] * n_known, *[False] * len(residuals)], True, True)
    steady = pick(residuals, varies[n_known:], False)
    moving = pick(residuals, varies[n_known:])
    invariants = tuple([v for v in dict.fromkeys([*steady, *loop_consts]) if v not in consts])
    stacked = tuple([v for v in moving if v not in xs])
    inner, lc, lk, lx = parts(later.invars, len(residuals), sum(of_consts), sum(of_carry))
    named = dict(zip(residuals, inner, strict=True))
    return _Split(
        of_carry, unknown_out, known.invars,
        Jaxpr(before.invars, before.eqns, invariants), invariants,
        Jaxpr(loop.invars, loop.eqns, (*loop.outvars[:n_known], *stacked)), loop_consts, stacked,
        Jaxpr((*[named[v] for v in steady], *lc, *lk, *[named[v] for v in moving], *lx), later.eqns, later.outvars),
        tuple(steady), tuple(moving))


@memo_by_jaxpr
def _hoisted(jaxpr: Jaxpr, n_consts: int) -> tuple[Jaxpr, Jaxpr, tuple[Var, ...]]:
    unknown = [*[False] * n_consts, *[True] * (len(jaxpr.invars) - n_consts)]
    before, loop, _, residuals = partial_eval_jaxpr(jaxpr, unknown, True, True, True)
    invariants = tuple([v for v in residuals if v not in before.invars])
    return Jaxpr(before.invars, before.eqns, invariants), loop, residuals


def hoisted(jaxpr: Jaxpr, consts: Sequence[Value]) -> tuple[Jaxpr, list[Value]]:
    """A body without what depends on its consts alone, which is computed here, and the consts of the new one."""
    before, loop, read = _hoisted(jaxpr, len(consts))
    values = dict(zip(before.invars, consts, strict=True))
    if before.outvars:
        outs = bind(jit_p, *consts, jaxpr=before, name=INVARIANTS)
        values.update(zip(cast("tuple[Var, ...]", before.outvars), outs, strict=True))
    return loop, [values[v] for v in read]


def _split(e: Eqn, unknown: Sequence[bool]) -> tuple[Sequence[Eqn], Sequence[Eqn]]:
    """A known loop that also stacks residuals, and an unknown one that reads them.

    What does not change along the loop is computed before it; what is an operand already is not stacked.
    """
    n_consts, n_carry, length = e.params["n_consts"], e.params["n_carry"], e.params["length"]
    s = _split_body(e.params["jaxpr"], n_consts, n_carry, unknown)
    consts, carry, xs = parts(e.invars, n_consts, n_carry)
    of_consts, _, of_xs = parts(unknown, n_consts, n_carry)
    kc, kk, kx = pick(consts, of_consts, False), pick(carry, s.of_carry, False), pick(xs, of_xs, False)
    outer: dict[Var, Atom] = dict(zip(s.operands, [*kc, *kk, *kx], strict=True))
    first: list[Eqn] = []
    if s.invariants:
        made = [Var(v.aval) for v in s.invariants]
        outer.update(zip(s.invariants, made, strict=True))
        first.append(Eqn(jit_p, tuple(kc), {"jaxpr": s.before, "name": INVARIANTS}, tuple(made), e.source))
    loop = {"length": length, "reverse": e.params["reverse"]}
    stacks = [Var(_stacked(v.aval, length)) for v in s.stacked]
    if s.known.outvars or any(map(has_effect, s.known.eqns)):
        first.append(Eqn(scan_p, (*[outer[v] for v in s.known_consts], *kk, *kx),
                         {"jaxpr": s.known, "n_consts": len(s.known_consts), "n_carry": len(kk), **loop},
                         (*pick(e.outvars, s.unknown_out, False), *stacks), e.source))
    outer.update(zip(s.stacked, stacks, strict=True))
    uc, uk, ux = pick(consts, of_consts), pick(carry, s.of_carry), pick(xs, of_xs)
    ins = (*[outer[v] for v in s.later_consts], *uc, *uk, *[outer[v] for v in s.later_xs], *ux)
    later = Eqn(scan_p, ins, {"jaxpr": s.later, "n_consts": len(s.later_consts) + len(uc), "n_carry": len(uk), **loop},
                tuple(pick(e.outvars, s.unknown_out)), e.source)
    return first, ([later] if s.later.outvars or any(map(has_effect, s.later.eqns)) else [])


@memo_by_jaxpr
def _transpose_body(jaxpr: Jaxpr, n_consts: int, n_carry: int, linear: Mask,
                    nonzero: Mask) -> tuple[Jaxpr, list[bool], list[bool], list[bool]]:
    """One step backwards in time.

    (other consts, sums so far of the cotangents of linear consts, cotangents of carry, other xs, cotangents of ys)
    -> (sums, cotangents of carry, cotangents of linear xs); and which of these three are there.
    """
    l_consts = linear[:n_consts]
    of_carry, of_ys = parts(nonzero, n_carry)

    def reached(m: Sequence[bool]) -> list[list[bool]]:
        return parts(transpose_jaxpr(jaxpr, linear, [*m, *of_ys])[1], sum(l_consts), n_carry)

    of_carry, missing = settle(of_carry, lambda m: reached(m)[1])
    of_consts, _, of_xs = reached(of_carry)
    force = [*[False] * len(of_consts), *missing, *[False] * len(of_xs)] if any(missing) else False
    step, _ = transpose_jaxpr(jaxpr, linear, [*of_carry, *of_ys], force)
    rc, rx = parts(step.invars[: linear.count(False)], l_consts.count(False))
    cotangents = step.invars[linear.count(False):]
    ct_k, ct_y = parts(cotangents, sum(of_carry))
    new, outs = parts(step.outvars, sum(of_consts))
    sums, added = [Var(a.aval.strong()) for a in new], [Var(a.aval.strong()) for a in new]
    adding = [Eqn(add_p, (a, b), {}, (c,), None) for a, b, c in zip(sums, new, added, strict=True)]
    body = Jaxpr((*rc, *sums, *ct_k, *rx, *ct_y), (*step.eqns, *adding), (*added, *outs))
    return body, of_consts, of_carry, of_xs


def _transpose(cts: Sequence[Tangent], args: Sequence[Value], *, jaxpr: Jaxpr, n_consts: int, n_carry: int,
               length: int, reverse: bool) -> Sequence[Value | None]:
    """Backwards in time.

    Every carry of a linear loop is linear, whatever its first value is: a tangent may start as a written-out zero.
    Carries that depend on nothing linear (counters) are computed first, by a loop of their own.
    """
    params = {"jaxpr": jaxpr, "n_consts": n_consts, "n_carry": n_carry, "length": length, "reverse": reverse}
    consts, carry, xs = parts([type(a) is Linear for a in args], n_consts, n_carry)
    if not all(carry):
        moving, _ = settle(carry, lambda m: partial_eval_jaxpr(jaxpr, [*consts, *m, *xs])[2][:n_carry])
        if not all(moving):
            return _transpose_mixed(cts, args, [*consts, *moving, *xs], params)
    linear = [*consts, *[True] * n_carry, *xs]
    nonzero = [type(c) is not Zero for c in cts]
    j, of_consts, of_carry, of_xs = _transpose_body(jaxpr, n_consts, n_carry, linear, nonzero)
    rc, rx = pick(args[:n_consts], consts, False), pick(args[n_consts + n_carry:], xs, False)
    sums = [zeros(a.aval) for a in pick(pick(args[:n_consts], consts), of_consts)]
    ct_k, ct_y = parts(cts, n_carry)
    ct_k, ct_y = pick(map(materialise, ct_k), of_carry), pick(ct_y, nonzero[n_carry:])
    outs = bind(scan_p, *rc, *sums, *ct_k, *rx, *ct_y, jaxpr=j, n_consts=len(rc), n_carry=len(sums) + len(ct_k),
                length=length, reverse=not reverse)
    reached = [*of_consts, *of_carry, *of_xs]
    back = merge(linear, merge(reached, outs, [None] * reached.count(False)), [None] * linear.count(False))
    return [c if type(a) is Linear else None for c, a in zip(back, args, strict=True)]


def _transpose_mixed(cts: Sequence[Tangent], args: Sequence[Value], linear: Sequence[bool],
                     params: Params) -> Sequence[Value | None]:
    invars = tuple([Var(a.aval if type(a) is Linear else typeof(a)) for a in args])
    outvars = tuple([Var(a) for a in _abstract(*[v.aval for v in invars], **params)])
    known, later = _split(Eqn(scan_p, invars, params, outvars, None), linear)
    asked = [type(a) is Linear for a in args]
    both = Jaxpr(invars, (*known, *later), outvars)
    back = transpose_eval(both, asked, pick(args, asked, False), cts)
    return merge(asked, back, [None] * asked.count(False))


scan_p = Primitive("scan", _abstract, _impl, Structured(_lower, prune_scan), _batch, jvp_joint=_jvp,
                   transpose=_transpose, split=_split)
