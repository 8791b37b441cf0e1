"""Walking a jaxpr with values: each equation is bound in the current trace."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lantern.trace import context
from lantern.trace.jaxpr import Atom, Jaxpr, Literal, Var, needed_eqns
from lantern.trace.primitive import Value


def eval_jaxpr(jaxpr: Jaxpr, args: Sequence[Value], known: Mapping[Var, Value] | None = None) -> list[Value]:
    """The outputs. Skips what `known` already tells and forgets values after their last use."""
    env: dict[Any, Value] = dict(zip(jaxpr.invars, args, strict=True))
    eqns = jaxpr.eqns
    if known:
        env.update(known)
        eqns = needed_eqns(jaxpr.eqns, jaxpr.outvars, known)
    last: dict[Atom, int] = {a: i for i, e in enumerate(eqns) for a in e.invars if type(a) is Var}
    for a in jaxpr.outvars:
        last[a] = len(eqns)
    bind = context.current().bind
    for i, e in enumerate(eqns):
        outs = bind(e.primitive, [a if type(a) is Literal else env[a] for a in e.invars], e.params, e.source)
        for v, x in zip(e.outvars, outs, strict=True):
            if v in last:
                env[v] = x
        for a in e.invars:
            if last.get(a) == i:
                env.pop(a, None)
    return [a if type(a) is Literal else env[a] for a in jaxpr.outvars]
