"""Forward mode: values and tangents, equation by equation."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from lantern.errors import NotDifferentiableError
from lantern.source import in_role
from lantern.trace import context
from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Literal, Var
from lantern.trace.primitive import Tangent, Value, Zero
from lantern.trace.staging import with_line
from lantern.transforms.closed import trace_with_rules
from lantern.transforms.masks import Force, Mask, materialise, memo_by_jaxpr, pick, spread


def jvp_eval(jaxpr: Jaxpr, primals: Sequence[Value], tangents: Sequence[Tangent],
             known: Mapping[Var, Value] | None = None) -> tuple[list[Value], list[Tangent]]:
    """Values and tangents of the outputs. What `known` holds is not computed a second time."""
    known = known or {}
    env: dict[Var, tuple[Value, Tangent]] = dict(zip(jaxpr.invars, zip(primals, tangents, strict=True), strict=True))

    def read(a: Atom) -> tuple[Value, Tangent]:
        return (a, Zero(a.aval)) if isinstance(a, Literal) else env[a]

    trace = context.current()
    for e in jaxpr.eqns:
        trace.at(in_role(e.source, "derivative"))
        pairs = [read(a) for a in e.invars]
        outs, touts = _jvp_eqn(e, [p for p, _ in pairs], [t for _, t in pairs], known, trace)
        env.update(zip(e.outvars, zip(outs, touts, strict=True), strict=True))
    trace.at(None)
    pairs = [read(a) for a in jaxpr.outvars]
    return [p for p, _ in pairs], [t for _, t in pairs]


def _jvp_eqn(e: Eqn, primals: Sequence[Value], tangents: Sequence[Tangent], known: Mapping[Var, Value],
             trace: context.Trace) -> tuple[Sequence[Value], Sequence[Tangent]]:
    primitive = e.primitive
    moving = any([type(t) is not Zero for t in tangents])
    if moving and primitive.jvp_joint is not None:
        return primitive.jvp_joint(primals, tangents, **e.params)
    outs = [known[v] for v in e.outvars] if e.outvars and e.outvars[0] in known else \
        trace.bind(primitive, primals, e.params, e.source)
    if not moving:
        return outs, [Zero(v.aval) for v in e.outvars]
    if primitive.jvp is None:
        raise NotDifferentiableError(f"{primitive} has no derivative (used at {e.source})")
    try:
        return outs, primitive.jvp(primals, outs, tangents, **e.params)
    except NotDifferentiableError as error:
        raise with_line(error, e.source) from None


@memo_by_jaxpr
def jvp_jaxpr(jaxpr: Jaxpr, nonzero: Mask, force: Force = False) -> tuple[Jaxpr, list[bool]]:
    """(primals, nonzero tangents) -> (outs, nonzero out tangents), and which out tangents are there.

    `force`: outputs whose zero tangent is written out.
    """
    nonzero_out: list[bool] = []

    def body(*args: Value) -> Sequence[Value]:
        primals, ts = args[: len(nonzero)], iter(args[len(nonzero):])
        tangents = [next(ts) if nz else Zero(v.aval) for v, nz in zip(jaxpr.invars, nonzero, strict=True)]
        outs, touts = jvp_eval(jaxpr, primals, tangents)
        touts = [materialise(t) if f else t for t, f in zip(touts, spread(force, len(outs)), strict=True)]
        nonzero_out.extend([type(t) is not Zero for t in touts])
        return [*outs, *pick(touts, nonzero_out)]

    avals = [*jaxpr.in_avals, *[a.strong() for a in pick(jaxpr.in_avals, nonzero)]]
    return trace_with_rules(body, avals, "jvp"), nonzero_out
