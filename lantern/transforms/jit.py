"""`jit`: a primitive holding a closed jaxpr. Masks matter: each rule may meet Zero for some tangents and cotangents."""
from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

from lantern.trace.context import bind
from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Literal, Var, jaxpr_has_effect
from lantern.trace.primitive import Axis, Dims, Inline, Linear, Primitive, Tangent, Value, Zero
from lantern.transforms.batch import batch_jaxpr
from lantern.transforms.jvp import jvp_jaxpr
from lantern.transforms.masks import merge, pick
from lantern.transforms.partial_eval import partial_eval_jaxpr, split_residuals
from lantern.transforms.transpose import transpose_jaxpr


def _jvp(primals: Sequence[Value], tangents: Sequence[Tangent], *, jaxpr: Jaxpr,
         name: str) -> tuple[Sequence[Value], Sequence[Tangent]]:
    nonzero = [type(t) is not Zero for t in tangents]
    j, nonzero_out = jvp_jaxpr(jaxpr, nonzero)
    outs = bind(jit_p, *primals, *pick(tangents, nonzero), jaxpr=j, name=f"jvp({name})")
    n = len(jaxpr.outvars)
    zeros = [Zero(a.aval) for a in pick(jaxpr.outvars, nonzero_out, False)]
    return outs[:n], merge(nonzero_out, outs[n:], zeros)


def _batch(axis: Axis, args: Sequence[Value], dims: Dims, *, jaxpr: Jaxpr, name: str) -> tuple[Sequence[Value], Dims]:
    j, out_dims = batch_jaxpr(jaxpr, axis, list(dims))
    return bind(jit_p, *args, jaxpr=j, name=f"vmap({name})"), out_dims


def _split(e: Eqn, unknown: Sequence[bool]) -> tuple[Sequence[Eqn], Sequence[Eqn]]:
    name = e.params["name"]
    known, later, unknown_out, residuals = partial_eval_jaxpr(e.params["jaxpr"], list(unknown))
    known_in, unknown_in = pick(e.invars, unknown, False), pick(e.invars, unknown)
    outer, new = split_residuals(residuals, known.invars, known_in)
    known_outs, unknown_outs = pick(e.outvars, unknown_out, False), pick(e.outvars, unknown_out)
    known = Jaxpr(known.invars, known.eqns, (*known.outvars[: len(known_outs)], *new))
    fresh: list[Var] = [a for v, a in zip(residuals, outer, strict=True) if v in set(new)]
    first = [Eqn(jit_p, tuple(known_in), {"jaxpr": known, "name": name}, (*known_outs, *fresh), e.source)]
    second = [Eqn(jit_p, (*outer, *unknown_in), {"jaxpr": later, "name": f"linear({name})"}, tuple(unknown_outs),
                  e.source)]
    return (first if known.outvars or jaxpr_has_effect(known) else [],
            second if later.outvars or jaxpr_has_effect(later) else [])


def _transpose(cts: Sequence[Tangent], args: Sequence[Value], *, jaxpr: Jaxpr, name: str) -> Sequence[Value | None]:
    linear, nonzero = [type(a) is Linear for a in args], [type(c) is not Zero for c in cts]
    j, reached = transpose_jaxpr(jaxpr, linear, nonzero)
    outs = bind(jit_p, *pick(args, linear, False), *pick(cts, nonzero), jaxpr=j, name=f"transpose({name})")
    back = merge(reached, outs, [None] * (len(reached) - sum(reached)))
    return merge(linear, back, [None] * (len(args) - sum(linear)))


def _impl(*args: Any, jaxpr: Jaxpr, name: str) -> Sequence[Any]:
    return run_impl(jaxpr, args)


Observer: TypeAlias = Callable[[Eqn, Sequence[Any], Sequence[Any]], None]
_observer: ContextVar[Observer | None] = ContextVar("lantern_observer", default=None)


@contextmanager
def observed(observer: Observer) -> Generator[None]:
    """Inside the `with` block `run_impl` tells of each equation, its operands and its results, in sub-jaxprs too.

    Equations that are there for their effect alone are left out: they have happened.
    """
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


def run_impl(jaxpr: Jaxpr, args: Sequence[Any]) -> list[Any]:
    """A jaxpr by the `impl` rules alone, on NumPy arrays: no trace is consulted."""
    observer = _observer.get()
    env: dict[Atom, Any] = dict(zip(jaxpr.invars, args, strict=True))

    def read(a: Atom) -> Any:
        return a.value if isinstance(a, Literal) else env[a]

    for e in jaxpr.eqns:
        if observer is not None and not e.outvars:
            continue
        operands = [read(a) for a in e.invars]
        outs = e.primitive.impl(*operands, **e.params)
        env.update(zip(e.outvars, outs, strict=True))
        if observer is not None:
            observer(e, operands, outs)
    return [read(a) for a in jaxpr.outvars]


def _abstract(*avals: Any, jaxpr: Jaxpr, name: str) -> Any:
    return jaxpr.out_avals


jit_p = Primitive("jit", _abstract, _impl, Inline.SUBJAXPR, _batch, jvp_joint=_jvp, transpose=_transpose, split=_split)
