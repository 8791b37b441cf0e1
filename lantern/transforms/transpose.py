"""Transposition: a linear jaxpr run backwards, from cotangents of outputs to cotangents of inputs."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lantern import config
from lantern.errors import InternalError, NotDifferentiableError
from lantern.ops.elementwise import add
from lantern.source import in_role
from lantern.trace import context
from lantern.trace.context import typeof
from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Literal
from lantern.trace.primitive import Linear, Tangent, Value, Zero
from lantern.trace.staging import with_line
from lantern.transforms.closed import trace_with_rules
from lantern.transforms.masks import Force, Mask, materialise, memo_by_jaxpr, pick, spread


class _Cotangents:
    """Sums of the cotangents that have arrived at each variable."""

    def __init__(self, moving: set[Any]) -> None:
        self.moving = moving
        self.sums: dict[Any, Value] = {}

    def accumulate(self, a: Atom, c: Tangent | None, e: Eqn | None = None) -> None:
        if c is None or type(c) is Zero or a not in self.moving:
            return
        if config.flags.check and typeof(c).strong() != a.aval.strong():
            raise InternalError(f"internal: the transposition of {e.primitive if e else 'outputs'} gives {typeof(c)} "
                                f"for {a.aval}")
        self.sums[a] = add(self.sums[a], c) if a in self.sums else c


def transpose_eval(lin: Jaxpr, linear: Mask, args: Sequence[Value], cts: Sequence[Tangent]) -> list[Tangent]:
    """Cotangents (or Zero) of the linear inputs; `args` are the values of the others, `cts` may hold Zero."""
    env: dict[Any, Value] = dict(zip(pick(lin.invars, linear, False), args, strict=True))
    inputs = pick(lin.invars, linear)
    moving: set[Any] = set(inputs)
    trace = context.current()
    for e in lin.eqns:      # what does not depend on a linear input is computed forwards
        if any([a in moving for a in e.invars]):
            moving.update(e.outvars)
        else:
            values = [a if isinstance(a, Literal) else env[a] for a in e.invars]
            env.update(zip(e.outvars, trace.bind(e.primitive, values, e.params, e.source), strict=True))
    ct = _Cotangents(moving)
    for a, c in zip(lin.outvars, cts, strict=True):
        ct.accumulate(a, c)
    for e in reversed(lin.eqns):
        if not e.outvars or e.outvars[0] not in moving or not any([v in ct.sums for v in e.outvars]):
            continue
        trace.at(in_role(e.source, "gradient"))
        _transpose_eqn(e, env, ct)
    trace.at(None)
    return [ct.sums.get(v, Zero(v.aval)) for v in inputs]


def _transpose_eqn(e: Eqn, env: dict[Any, Value], ct: _Cotangents) -> None:
    if e.primitive.transpose is None:
        raise NotDifferentiableError(f"{e.primitive} has no reverse mode (used at {e.source}); "
                                     "use forward mode (jvp, jacfwd)")
    operands = [a if isinstance(a, Literal) else env[a] if a not in ct.moving else Linear(a.aval) for a in e.invars]
    cts = [ct.sums.pop(v, Zero(v.aval)) for v in e.outvars]
    try:
        back = e.primitive.transpose(cts, operands, **e.params)
    except NotDifferentiableError as error:
        raise with_line(error, e.source) from None
    for a, c in zip(e.invars, back, strict=True):
        ct.accumulate(a, c, e)


@memo_by_jaxpr
def transpose_jaxpr(lin: Jaxpr, linear: Mask, nonzero: Mask, force: Force = False) -> tuple[Jaxpr, list[bool]]:
    """(other ins, nonzero cotangents) -> cotangents of the linear ins that are reached, and which those are.

    `force`: linear ins whose cotangent is written out, reached or not.
    """
    reached: list[bool] = []
    others = pick(lin.in_avals, linear, False)

    def body(*args: Value) -> Sequence[Value]:
        rest: Iterator[Value] = iter(args[len(others):])
        cts = [next(rest) if nz else Zero(a.aval) for a, nz in zip(lin.outvars, nonzero, strict=True)]
        back = transpose_eval(lin, linear, args[: len(others)], cts)
        back = [materialise(c) if f else c for c, f in zip(back, spread(force, len(back)), strict=True)]
        reached.extend([type(c) is not Zero for c in back])
        return pick(back, reached)

    avals = [*others, *[a.strong() for a in pick(lin.out_avals, nonzero)]]
    return trace_with_rules(body, avals, "transpose"), reached
