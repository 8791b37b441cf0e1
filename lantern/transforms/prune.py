"""What loops and branches need not do: outputs that nobody reads, operands that nothing uses, a carry that stays.

Each rule takes an equation, which of its outputs are read, and a way to make jaxprs smaller. It gives the equation to
run instead, and the outputs that are other values than that equation's.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Literal, Var, needed_eqns
from lantern.trace.primitive import Structured
from lantern.transforms.masks import Mask, parts, pick, settle

Shrink = Callable[[Jaxpr], Jaxpr]
Pruned = tuple[Eqn, Mapping[Var, Atom]]


def prune_scan(e: Eqn, used: Sequence[bool], shrink: Shrink) -> Pruned:
    """A carry stays if it is read, or if the next step of one that stays reads it. What no step changes is a const, and
    what is a number is written into the body."""
    n_consts, n_carry = e.params["n_consts"], e.params["n_carry"]
    body = shrink(e.params["jaxpr"])
    consts, carry, xs = parts(e.invars, n_consts, n_carry)
    c, k, x = parts(body.invars, n_consts, n_carry)
    outs_k, outs_y = parts(body.outvars, n_carry)
    steady = [a is b for a, b in zip(k, outs_k, strict=True)]
    same = dict(zip(pick(e.outvars[:n_carry], steady), pick(carry, steady), strict=True))
    consts, c = [*consts, *pick(carry, steady)], [*c, *pick(k, steady)]
    k, outs_k = pick(k, steady, False), pick(outs_k, steady, False)
    of_y = used[n_carry:]
    body = written_in(Jaxpr((*c, *k, *x), body.eqns, (*outs_k, *outs_y)), consts)
    kept, _ = settle(pick(used[:n_carry], steady, False),
                     lambda m: parts(live(body, [*m, *of_y], shrink), len(c), len(k))[1])
    body = smaller(body, [*kept, *of_y], consts, shrink)
    of_c, _, of_x = parts(live(body), len(c), len(k))
    invars = (*pick(consts, of_c), *pick(pick(carry, steady, False), kept), *pick(xs, of_x))
    outvars = (*pick(pick(e.outvars[:n_carry], steady, False), kept), *pick(e.outvars[n_carry:], of_y))
    if len(invars) == len(e.invars) and len(outvars) == len(e.outvars) and not any(steady):
        return e, {}
    body = Jaxpr((*pick(c, of_c), *pick(k, kept), *pick(x, of_x)), body.eqns, body.outvars)
    params = {**e.params, "jaxpr": body, "n_consts": sum(of_c), "n_carry": sum(kept)}
    return Eqn(e.primitive, invars, params, outvars, e.source), same


def prune_while(e: Eqn, used: Sequence[bool], shrink: Shrink) -> Pruned:
    """As for a scan; the condition reads the carry as well."""
    n_condition, n_body = e.params["n_condition"], e.params["n_body"]
    condition, body = shrink(e.params["condition"]), shrink(e.params["body"])
    of_condition, of_body, carry = parts(e.invars, n_condition, n_body)
    ca, ck = parts(condition.invars, n_condition)
    ba, bk = parts(body.invars, n_body)
    steady = [a is b for a, b in zip(bk, body.outvars, strict=True)]
    still, moving = pick(carry, steady), pick(carry, steady, False)
    same = dict(zip(pick(e.outvars, steady), still, strict=True))
    of_condition, of_body = [*of_condition, *still], [*of_body, *still]
    ca, ck = [*ca, *pick(ck, steady)], pick(ck, steady, False)
    ba, bk = [*ba, *pick(bk, steady)], pick(bk, steady, False)
    condition = written_in(Jaxpr((*ca, *ck), condition.eqns, condition.outvars), of_condition)
    body = written_in(Jaxpr((*ba, *bk), body.eqns, tuple(pick(body.outvars, steady, False))), of_body)
    asked, read = parts(live(condition), len(ca))
    wanted = [a or b for a, b in zip(pick(used, steady, False), read, strict=True)]
    kept, _ = settle(wanted, lambda m: parts(live(body, m, shrink), len(ba))[1])
    body = smaller(body, kept, of_body, shrink)
    of_b, _ = parts(live(body), len(ba))
    outvars = tuple(pick(pick(e.outvars, steady, False), kept))
    invars = (*pick(of_condition, asked), *pick(of_body, of_b), *pick(moving, kept))
    if len(invars) == len(e.invars) and not any(steady):
        return e, {}
    params = {"condition": Jaxpr((*pick(ca, asked), *pick(ck, kept)), condition.eqns, condition.outvars),
              "body": Jaxpr((*pick(ba, of_b), *pick(bk, kept)), body.eqns, body.outvars),
              "n_condition": sum(asked), "n_body": sum(of_b)}
    return Eqn(e.primitive, invars, {**e.params, **params}, outvars, e.source), same


def prune_cond(e: Eqn, used: Sequence[bool], shrink: Shrink) -> Pruned:
    """Branches take what one of them reads, and give what is read."""
    index, *args = e.invars
    branches = [written_in(shrink(b), args) for b in e.params["branches"]]
    branches = [smaller(b, used, args, shrink) for b in branches]
    read = [any(flags) for flags in zip(*map(live, branches), strict=True)]
    if all(read) and all(used):
        return e, {}
    made = tuple([Jaxpr(tuple(pick(b.invars, read)), b.eqns, b.outvars) for b in branches])
    return Eqn(e.primitive, (index, *pick(args, read)), {**e.params, "branches": made}, tuple(pick(e.outvars, used)),
               e.source), {}


def live(jaxpr: Jaxpr, outs: Mask | None = None, shrink: Shrink | None = None) -> list[bool]:
    """Which inputs the outputs `outs` (default: all), or effects, depend on; loops inside are made smaller by `shrink`,
    since they need less where less of them is read."""
    wanted = jaxpr.outvars if outs is None else pick(jaxpr.outvars, outs)
    eqns = needed_eqns(jaxpr.eqns, wanted)
    less = len(eqns) < len(jaxpr.eqns) or len(wanted) < len(jaxpr.outvars)
    if shrink is not None and less and any([isinstance(e.primitive.lower, Structured) for e in eqns]):
        rest = shrink(Jaxpr(jaxpr.invars, eqns, tuple(wanted)))
        eqns, wanted = rest.eqns, rest.outvars
    read = {a for e in eqns for a in e.invars} | set(wanted)
    return [v in read for v in jaxpr.invars]


def smaller(jaxpr: Jaxpr, outs: Mask, operands: Sequence[Atom], shrink: Shrink) -> Jaxpr:
    """A jaxpr that `shrink` made, then `written_in`, with the outputs `outs` only. Where neither takes anything away it
    stays as it is: each level of a nest would else shrink all levels inside several times."""
    if all(outs) and not any([isinstance(a, Literal) for a in operands]):
        return jaxpr
    return shrink(Jaxpr(jaxpr.invars, jaxpr.eqns, tuple(pick(jaxpr.outvars, outs))))


def written_in(jaxpr: Jaxpr, operands: Sequence[Atom]) -> Jaxpr:
    """The jaxpr with those of its first inputs that are numbers in their places; they stay inputs, unread."""
    known: dict[Atom, Atom] = {v: a for v, a in zip(jaxpr.invars, operands, strict=False) if isinstance(a, Literal)}
    if not known:
        return jaxpr
    eqns = tuple([Eqn(e.primitive, tuple([known.get(a, a) for a in e.invars]), e.params, e.outvars, e.source)
                  for e in jaxpr.eqns])
    return Jaxpr(jaxpr.invars, eqns, tuple([known.get(a, a) for a in jaxpr.outvars]))
