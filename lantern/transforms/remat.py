"""Rematerialisation: a jaxpr whose values are computed again for the derivative, save those that a policy keeps.

Partial evaluation saves the inputs (and what the policy keeps) instead of all that the unknown part needs; what
computes the rest again goes into the unknown equation. Its transposition puts a fence before that: neither CSE nor
fusion may find out that the same values were there before, and nothing is computed again before the cotangents come.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind, bind1
from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Literal, Var, has_effect, jaxpr_has_effect, needed_eqns
from lantern.trace.primitive import Alias, Axis, Dims, Inline, Linear, Primitive, Tangent, Value, Zero
from lantern.transforms.batch import batch_jaxpr
from lantern.transforms.jit import jit_p, run_impl
from lantern.transforms.jvp import jvp_jaxpr
from lantern.transforms.masks import merge, pick
from lantern.transforms.partial_eval import partial_eval_jaxpr
from lantern.transforms.transpose import transpose_jaxpr

Values: TypeAlias = "Sequence[Value]"
# (primitive, *operand avals, **params) -> whether the equation's outputs are saved
Policy: TypeAlias = Callable[..., bool]


# a value's name, for policies

def _name_abstract(x: ShapedArray, *, name: str) -> Sequence[ShapedArray]:
    return [x]


def _name_impl(x: Any, *, name: str) -> Sequence[Any]:
    return [x]


def _name_jvp(primals: Values, outs: Values, tangents: Sequence[Tangent], *, name: str) -> Sequence[Tangent]:
    return tangents


def _name_transpose(cts: Sequence[Tangent], args: Values, *, name: str) -> Sequence[Value | None]:
    return cts


def _name_batch(axis: Axis, args: Values, dims: Dims, *, name: str) -> tuple[Values, Dims]:
    return [named(args[0], name)], dims


name_p = Primitive("name", _name_abstract, _name_impl, Alias.OPERAND, _name_batch, _name_jvp,
                   transpose=_name_transpose)


def named(x: Value, name: str) -> Value:
    """x, called so."""
    return bind1(name_p, x, name=name)


@dataclass(frozen=True, slots=True)
class Names:
    """The policy that decides by names: saves those (`saves`), or everything but those."""

    names: frozenset[str]
    saves: bool

    def __call__(self, primitive: Primitive, *avals: ShapedArray, **params: Any) -> bool:
        """Whether to save."""
        return (params["name"] in self.names) == self.saves if primitive is name_p else not self.saves


# the fence: (*values, *what must be there first) -> values

def _fence_abstract(*xs: ShapedArray, count: int) -> Sequence[ShapedArray]:
    return xs[:count]


def _fence_impl(*xs: Any, count: int) -> Sequence[Any]:
    return xs[:count]


def _fence_jvp(primals: Values, outs: Values, tangents: Sequence[Tangent], *, count: int) -> Sequence[Tangent]:
    return tangents[:count]


def _fence_transpose(cts: Sequence[Tangent], args: Values, *, count: int) -> Sequence[Value | None]:
    return [*cts, *[None] * (len(args) - count)]


def _fence_batch(axis: Axis, args: Values, dims: Dims, *, count: int) -> tuple[Values, Dims]:
    return bind(fence_p, *args, count=count), dims[:count]


fence_p = Primitive("fence", _fence_abstract, _fence_impl, Alias.FENCE, _fence_batch, _fence_jvp,
                    transpose=_fence_transpose)


def fenced(values: Values, after: Values = ()) -> list[Value]:
    """The same values, which no optimisation sees through; they are there once those of `after` are."""
    arrays = [x for x in values if not isinstance(x, Literal)]
    if not arrays:
        return list(values)
    mask = [not isinstance(x, Literal) for x in values]
    behind = bind(fence_p, *arrays, *[x for x in after if not isinstance(x, Literal)], count=len(arrays))
    return merge(mask, behind, pick(values, mask, False))


# remat

def _abstract(*avals: ShapedArray, jaxpr: Jaxpr, **rest: Any) -> Sequence[ShapedArray]:
    return jaxpr.out_avals


def _impl(*args: Any, jaxpr: Jaxpr, **rest: Any) -> Sequence[Any]:
    return run_impl(jaxpr, args)


def _jvp(primals: Values, tangents: Sequence[Tangent], *, jaxpr: Jaxpr,
         **rest: Any) -> tuple[Values, Sequence[Tangent]]:
    nonzero = [type(t) is not Zero for t in tangents]
    j, nonzero_out = jvp_jaxpr(jaxpr, nonzero)
    outs = bind(remat_p, *primals, *pick(tangents, nonzero), jaxpr=j, **rest)
    n = len(jaxpr.outvars)
    zeros = [Zero(a.aval) for a in pick(jaxpr.outvars, nonzero_out, False)]
    return outs[:n], merge(nonzero_out, outs[n:], zeros)


def _batch(axis: Axis, args: Values, dims: Dims, *, jaxpr: Jaxpr, **rest: Any) -> tuple[Values, Dims]:
    j, out_dims = batch_jaxpr(jaxpr, axis, list(dims))
    return bind(remat_p, *args, jaxpr=j, **rest), out_dims


def _split(e: Eqn, unknown: Sequence[bool]) -> tuple[Sequence[Eqn], Sequence[Eqn]]:
    """Known outputs and saved values; then, from these and the inputs, what else is needed once more, and the rest."""
    policy: Policy = e.params["policy"]
    inner = e.params["jaxpr"] if policy is nothing_saveable else inlined(e.params["jaxpr"])
    known, later, unknown_out, residuals = partial_eval_jaxpr(inner, list(unknown))
    count = unknown_out.count(False)
    inputs = set(known.invars)
    saveable = _saveable(known.eqns, policy) - inputs
    again = tuple([_anew(x, saveable) for x in needed_eqns(known.eqns, residuals, saveable | inputs)
                   if not has_effect(x)])
    read = _reads(again, residuals)
    saved = [v for v in read if v in saveable]
    kept = [v for v in known.invars if v in read]
    body = Jaxpr((*saved, *kept, *later.invars[len(residuals):]), (*again, *later.eqns), later.outvars)
    operands = dict(zip(known.invars, pick(e.invars, unknown, False), strict=True))
    fresh = [Var(v.aval) for v in saved]
    first = Jaxpr(known.invars, known.eqns, (*known.outvars[:count], *saved))
    first = Jaxpr(first.invars, needed_eqns(first.eqns, first.outvars), first.outvars)
    outs = (*pick(e.outvars, unknown_out, False), *fresh)
    now = Eqn(remat_p, tuple(operands.values()), {**e.params, "jaxpr": first}, outs, e.source)
    invars = (*fresh, *[operands[v] for v in kept], *pick(e.invars, unknown))
    then = Eqn(remat_p, invars, {**e.params, "jaxpr": body}, tuple(pick(e.outvars, unknown_out)), e.source)
    return ([now] if outs or jaxpr_has_effect(first) else []), ([then] if then.outvars else [])


def _anew(e: Eqn, saved: set[Var]) -> Eqn:
    """An equation to run once more, whose results that were saved have other names."""
    if saved.isdisjoint(e.outvars):
        return e
    return Eqn(e.primitive, e.invars, e.params, tuple([Var(v.aval) if v in saved else v for v in e.outvars]), e.source)


def _reads(eqns: Sequence[Eqn], wanted: Sequence[Var]) -> dict[Var, None]:
    """What equations and results read from outside, in order."""
    made = {v for e in eqns for v in e.outvars}
    atoms: list[Atom] = [*[a for e in eqns for a in e.invars], *wanted]
    return dict.fromkeys([a for a in atoms if isinstance(a, Var) and a not in made])


def _saveable(eqns: Sequence[Eqn], policy: Policy) -> set[Var]:
    """The variables that the policy keeps, and those from equations with effects, which happen once.

    A named value and its operand are one and the same: the operand is kept, and names decide about it where the policy
    goes by names.
    """
    found: set[Var] = set()
    for e in eqns:
        keeps = has_effect(e) or policy(e.primitive, *[a.aval for a in e.invars], **e.params)
        if e.primitive is not name_p:
            found.update(e.outvars if keeps else ())
        elif isinstance(e.invars[0], Var):
            if keeps:
                found.add(e.invars[0])
            elif isinstance(policy, Names):
                found.discard(e.invars[0])
    return found


def nothing_saveable(primitive: Primitive, *avals: ShapedArray, **params: Any) -> bool:
    """Keep the inputs alone: everything is computed again."""
    return False


def inlined(jaxpr: Jaxpr) -> Jaxpr:
    """With the equations of `jit` in place of its calls, so that a policy sees them."""
    if not any([e.primitive is jit_p for e in jaxpr.eqns]):
        return jaxpr
    env: dict[Var, Atom] = {v: v for v in jaxpr.invars}
    eqns: list[Eqn] = []
    _inline(jaxpr.eqns, env, eqns)
    return Jaxpr(jaxpr.invars, tuple(eqns), tuple([_read(env, a) for a in jaxpr.outvars]))


def _read(env: dict[Var, Atom], a: Atom) -> Atom:
    return a if isinstance(a, Literal) else env[a]


def _inline(source: Sequence[Eqn], env: dict[Var, Atom], eqns: list[Eqn]) -> None:
    for e in source:
        invars = tuple([_read(env, a) for a in e.invars])
        if e.primitive is jit_p:
            inner: Jaxpr = e.params["jaxpr"]
            below: dict[Var, Atom] = dict(zip(inner.invars, invars, strict=True))
            _inline(inner.eqns, below, eqns)
            env.update(zip(e.outvars, [_read(below, a) for a in inner.outvars], strict=True))
        else:
            outs = tuple([Var(v.aval) for v in e.outvars])
            eqns.append(Eqn(e.primitive, invars, e.params, outs, e.source))
            env.update(zip(e.outvars, outs, strict=True))


def _transpose(cts: Sequence[Tangent], args: Values, *, jaxpr: Jaxpr, prevent_cse: bool,
               **rest: Any) -> Sequence[Value | None]:
    linear, nonzero = [type(a) is Linear for a in args], [type(c) is not Zero for c in cts]
    j, reached = transpose_jaxpr(jaxpr, linear, nonzero)
    known, arriving = pick(args, linear, False), pick(cts, nonzero)
    if prevent_cse:
        early = _read_early(j, len(known))
        wanted = [v in early for v in j.invars[: len(known)]]
        known = merge(wanted, fenced(pick(known, wanted), arriving), pick(known, wanted, False))
    outs = bind(remat_p, *known, *arriving, jaxpr=j, prevent_cse=prevent_cse, **rest)
    back = merge(reached, outs, [None] * (len(reached) - sum(reached)))
    return merge(linear, back, [None] * (len(args) - sum(linear)))


def _read_early(j: Jaxpr, count: int) -> set[Atom]:
    """What is read by equations that depend on the first `count` inputs alone, and so could run before the others are
    there."""
    late: set[Atom] = set(j.invars[count:])
    early: set[Atom] = set()
    for e in j.eqns:
        if late.isdisjoint(e.invars):
            early.update(e.invars)
        else:
            late.update(e.outvars)
    return early


remat_p = Primitive("remat", _abstract, _impl, Inline.SUBJAXPR, _batch, jvp_joint=_jvp, transpose=_transpose,
                    split=_split)
