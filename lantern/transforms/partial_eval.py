"""Partial evaluation: one jaxpr becomes what can run now and what must wait, joined by residuals."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lantern.ops.broadcast import broadcast_in_dim_p
from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Var, dce, has_effect, jaxpr_has_effect, subjaxprs
from lantern.transforms.masks import Force, Mask, memo_by_jaxpr, pick, spread


@memo_by_jaxpr
def partial_eval_jaxpr(jaxpr: Jaxpr, unknown_in: Mask,
                       force: Force = False, hoisting: bool = False, recompute: bool = False
                       ) -> tuple[Jaxpr, Jaxpr, list[bool], tuple[Var, ...]]:
    """(known, unknown, unknown_out, residuals).

    known: known ins -> known outs + residuals. unknown: residuals + unknown ins -> unknown outs. The residuals are
    named by the variables of `jaxpr`. `force`: outputs that must come from `unknown` even if they are known.
    `hoisting`: what is known shall run once for all rounds of a loop, so that effects, which are for each round, wait.
    `recompute`: `unknown` makes repeated and constant arrays itself, from what is smaller, instead of reading them.
    """
    unknown = set(pick(jaxpr.invars, unknown_in))

    def is_unknown(a: Atom) -> bool:
        return isinstance(a, Var) and a in unknown

    known_eqns: list[Eqn] = []
    rest: list[Eqn] = []
    for e in jaxpr.eqns:
        flags = [is_unknown(a) for a in e.invars]
        if hoisting and has_effect(e):
            rest.append(e)
            unknown.update(e.outvars)
            continue
        if not any(flags):
            known_eqns.append(e)
            continue
        first, second = e.primitive.split(e, flags) if e.primitive.split else ((), (e,))
        known_eqns.extend(first)
        rest.extend(second)
        unknown.update([v for x in second for v in x.outvars])
    forced = spread(force, len(jaxpr.outvars))
    unknown_out = [is_unknown(a) or f for a, f in zip(jaxpr.outvars, forced, strict=True)]
    later = dce(Jaxpr((), tuple(rest), tuple(pick(jaxpr.outvars, unknown_out))))
    if recompute:
        later = _with_repetitions(later, known_eqns, unknown)
    residuals = _read_from_outside(later, unknown)
    now = Jaxpr(tuple(pick(jaxpr.invars, unknown_in, False)), tuple(known_eqns),
                (*pick(jaxpr.outvars, unknown_out, False), *residuals))
    later = Jaxpr((*residuals, *pick(jaxpr.invars, unknown_in)), later.eqns, later.outvars)
    return dce(now), later, unknown_out, residuals


def _with_repetitions(later: Jaxpr, known: Sequence[Eqn], unknown: set[Var]) -> Jaxpr:
    """With the equations again that write the same few numbers many times, where `later` reads their results."""
    cheap = {v: e for e in known for v in e.outvars
             if (e.primitive is broadcast_in_dim_p or not any([isinstance(a, Var) for a in e.invars]))
             and not has_effect(e)}
    while found := [cheap[v] for v in _read_from_outside(later, unknown) if v in cheap]:
        later = Jaxpr(later.invars, (*dict.fromkeys(found), *later.eqns), later.outvars)
    return later


def _read_from_outside(later: Jaxpr, unknown: set[Var]) -> tuple[Var, ...]:
    inner = {v for e in later.eqns for v in e.outvars}
    reads: list[Atom] = [*[a for e in later.eqns for a in e.invars], *later.outvars]
    return tuple(dict.fromkeys([a for a in reads if isinstance(a, Var) and a not in unknown and a not in inner]))


def split_residuals(residuals: Sequence[Var], known_invars: Sequence[Var],
                    operands: Sequence[Any]) -> tuple[list[Any], list[Var]]:
    """For the split rules of sub-jaxpr primitives: the atom that each residual has outside, and the new residuals.

    New are those that need a variable there: an input is not saved twice.
    """
    outer = dict(zip(known_invars, operands, strict=True))
    new = [v for v in residuals if v not in outer]
    fresh = {v: Var(v.aval) for v in new}
    return [outer[v] if v in outer else fresh[v] for v in residuals], new


def without_effects(jaxpr: Jaxpr) -> Jaxpr:
    """The same outputs, for a program whose effects have happened already."""
    if not jaxpr_has_effect(jaxpr):
        return jaxpr
    live = set(jaxpr.outvars)
    kept: list[Eqn] = []
    for e in reversed(jaxpr.eqns):
        if not live.isdisjoint(e.outvars):
            kept.append(Eqn(e.primitive, e.invars, {k: _silent(v) for k, v in e.params.items()}, e.outvars, e.source))
            live.update(e.invars)
    return Jaxpr(jaxpr.invars, tuple(reversed(kept)), jaxpr.outvars)


def _silent(param: Any) -> Any:
    """A parameter of an equation, its jaxprs without effects."""
    if isinstance(param, Jaxpr):
        return without_effects(param)
    subs = subjaxprs(param)
    return tuple(map(without_effects, subs)) if subs and len(subs) == len(param) else param
