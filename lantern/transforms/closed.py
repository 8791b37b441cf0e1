"""Staging a walk over a closed jaxpr: arrays that the rules of custom functions close over go into the program."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lantern.dtypes import KEY
from lantern.errors import NotDifferentiableError
from lantern.ops.constant import Table, primitive_of
from lantern.ops.keys import random_wrap_p
from lantern.trace.aval import ShapedArray, key_words
from lantern.trace.jaxpr import Eqn, Jaxpr, Var
from lantern.trace.primitive import Value
from lantern.trace.staging import Traced, Tracer, trace


def trace_with_rules(f: Callable[..., Sequence[Value]], avals: Sequence[ShapedArray], title: str) -> Jaxpr:
    """Stage a function that takes all it computes with as arguments, but for arrays that a custom rule closes over.

    Raises NotDifferentiableError for a rule that closes over a traced value.
    """
    traced = trace(f, avals, title=title)
    return _with_constants(traced, title) if traced.captured else traced.jaxpr


def _with_constants(traced: Traced, title: str) -> Jaxpr:
    count = len(traced.captured)
    variables, invars = traced.jaxpr.invars[:count], traced.jaxpr.invars[count:]
    eqns = [e for v, x in zip(variables, traced.captured, strict=True) for e in _constant(v, x, title)]
    return Jaxpr(invars, (*eqns, *traced.jaxpr.eqns), traced.jaxpr.outvars)


def _constant(var: Var, x: Any, title: str) -> list[Eqn]:
    if isinstance(x, Tracer):
        raise NotDifferentiableError(
            f"{title}: a rule of a custom function uses {x.aval}, made at {x.source} in {x.trace.title}, which is none "
            "of its arguments; inside jit, loops and remat a rule knows its arguments only. Pass the value as an "
            "argument of the function, or (custom_vjp) as a residual; lantern.closure_convert finds such values")
    if var.aval.dtype is KEY:
        words = Var(key_words(var.aval))
        return [_table(words, x.elements()), Eqn(random_wrap_p, (words,), {}, (var,), None)]
    return [_table(var, np.asarray(x))]


def _table(var: Var, values: np.ndarray[Any, Any]) -> Eqn:
    table = Table(values, var.aval)
    return Eqn(primitive_of(table), (), {"table": table}, (var,), None)
