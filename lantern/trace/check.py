"""The type checker of the IR: it runs the abstract rules again."""
from __future__ import annotations

from lantern.errors import InternalError
from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Literal, Var, subjaxprs


def check_jaxpr(jaxpr: Jaxpr) -> None:
    """Raises InternalError unless every variable is bound once, before use, and has the type its primitive gives it."""
    bound = set(jaxpr.invars)
    for e in jaxpr.eqns:
        _check_inputs(e, bound)
        _check_outputs(e)
        if bound & set(e.outvars):
            raise InternalError(f"internal: {e.primitive} binds a variable twice, at {e.source}")
        bound.update(e.outvars)
        for value in e.params.values():
            for sub in subjaxprs(value):
                check_jaxpr(sub)
    for a in jaxpr.outvars:
        if not _is_bound(a, bound):
            raise InternalError("internal: an output of the jaxpr is not bound")


def _is_bound(a: Atom, bound: set[Var]) -> bool:
    return isinstance(a, Literal) or a in bound


def _check_inputs(e: Eqn, bound: set[Var]) -> None:
    if not all(_is_bound(a, bound) for a in e.invars):
        raise InternalError(f"internal: {e.primitive} reads an unbound variable, at {e.source}")


def _check_outputs(e: Eqn) -> None:
    wanted = list(e.primitive.abstract(*[a.aval for a in e.invars], **e.params))
    got = [v.aval for v in e.outvars]
    if wanted != got:
        raise InternalError(f"internal: {e.primitive} gives {', '.join(map(str, wanted))}, but its variables say "
                            f"{', '.join(map(str, got))}, at {e.source}")
