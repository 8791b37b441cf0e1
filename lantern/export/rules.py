"""Rules of the user's, as programs: what custom functions carry into a file in place of Python functions."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from lantern.dtypes import is_inexact
from lantern.errors import ExportError, NotDifferentiableError
from lantern.trace.aval import ShapedArray
from lantern.trace.context import typeof
from lantern.trace.interpret import eval_jaxpr
from lantern.trace.jaxpr import Eqn, Jaxpr, Params
from lantern.trace.primitive import Tangent, Value, Zero
from lantern.transforms.closed import trace_with_rules
from lantern.transforms.custom import OfOutputs, Values, custom_jvp_p, custom_vjp_p
from lantern.transforms.custom_vmap import custom_vmap_p
from lantern.transforms.jit import jit_p
from lantern.transforms.masks import materialise, merge, parts, pick


@dataclass(frozen=True, slots=True, eq=False)
class TracedJvp:
    """A rule of custom_jvp: (fixed, arguments, tangents of those that are floats) -> (outputs, some tangents).

    moving   which arguments have tangents
    nonzero  which outputs have tangents; `outs` are the types of all
    """

    jaxpr: Jaxpr
    moving: tuple[bool, ...]
    nonzero: tuple[bool, ...]
    outs: tuple[ShapedArray, ...]

    def __call__(self, fixed: Values, primals: Values, tangents: Sequence[Tangent]) -> tuple[Values, Sequence[Tangent]]:
        """The outputs and their tangents."""
        given = [materialise(t) for t in pick(tangents, self.moving)]
        outs, moved = parts(eval_jaxpr(self.jaxpr, [*fixed, *primals, *given]), len(self.outs))
        return outs, merge(self.nonzero, moved, [Zero(a) for a in pick(self.outs, self.nonzero, False)])


@dataclass(frozen=True, slots=True, eq=False)
class TracedTangents:
    """The same for a rule that is given the outputs: (fixed, arguments, outputs, tangents) -> some tangents."""

    jaxpr: Jaxpr
    moving: tuple[bool, ...]
    nonzero: tuple[bool, ...]
    outs: tuple[ShapedArray, ...]

    def __call__(self, fixed: Values, primals: Values, outs: Values, tangents: Sequence[Tangent]) -> Sequence[Tangent]:
        """The tangents of the outputs."""
        given = [materialise(t) for t in pick(tangents, self.moving)]
        moved = eval_jaxpr(self.jaxpr, [*fixed, *primals, *outs, *given])
        return merge(self.nonzero, moved, [Zero(a) for a in pick(self.outs, self.nonzero, False)])


@dataclass(frozen=True, slots=True, eq=False)
class TracedForward:
    """The `fwd` of custom_vjp: (fixed, arguments) -> `count` outputs, then residuals."""

    jaxpr: Jaxpr
    count: int

    def __call__(self, fixed: Values, args: Values) -> tuple[Values, Values, Any]:
        """Outputs, residuals, and nothing else."""
        outs, residuals = parts(eval_jaxpr(self.jaxpr, [*fixed, *args]), self.count)
        return outs, residuals, ()


@dataclass(frozen=True, slots=True, eq=False)
class TracedBackward:
    """The `bwd` of custom_vjp: (residuals, cotangents) -> the cotangents that `there` marks; the others are zero."""

    jaxpr: Jaxpr
    there: tuple[bool, ...]

    def __call__(self, other: Any, residuals: Values, cts: Values) -> Sequence[Value | None]:
        """A cotangent (None: zero) for each argument."""
        back = eval_jaxpr(self.jaxpr, [*residuals, *cts])
        return merge(self.there, back, [None] * self.there.count(False))


@dataclass(frozen=True, slots=True, eq=False)
class NotExported:
    """Stands for a rule that stayed behind."""

    name: str

    def __call__(self, *args: Any) -> NoReturn:
        """Raises NotDifferentiableError."""
        raise NotDifferentiableError(
            f"{self.name} has a derivative rule of its own, which the exported function lacks at this order. Export it "
            "with a larger one: exported.serialize(vjp_order=1), or export.save(path, exported, vjp_order=1)")


TRACED = (TracedJvp, TracedTangents, TracedForward, TracedBackward, NotExported)


def portable(e: Eqn, order: int) -> Eqn:
    """An equation whose rules are programs; with `order` 0, rules stay behind.

    Raises ExportError for a rule that cannot be traced.
    """
    params: Params
    match e.primitive:
        case primitive if primitive is custom_vmap_p:
            return Eqn(jit_p, e.invars, {k: e.params[k] for k in ("jaxpr", "name")}, e.outvars, e.source)
        case primitive if primitive is custom_jvp_p:
            params = {**e.params, "rule": _guarded(e, _jvp_rule, order)}
        case primitive if primitive is custom_vjp_p:
            fwd, bwd = _guarded(e, _vjp_rules, order)
            params = {**e.params, "fwd": fwd, "bwd": bwd}
        case _:
            return e
    return Eqn(e.primitive, e.invars, params, e.outvars, e.source)


def _guarded(e: Eqn, make: Any, order: int) -> Any:
    try:
        return make(e, order)
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(f"export: the rule of {e.params['name']}, called at {e.source}, cannot be traced: {error}. "
                          "Write it without decisions about values, or export with vjp_order=0") from error


def _jvp_rule(e: Eqn, order: int) -> Any:
    rule, name = e.params["rule"], e.params["name"]
    inner = rule.rule if isinstance(rule, OfOutputs) else rule
    if isinstance(inner, TRACED):
        return rule
    if order == 0:
        return NotExported(name)
    n, m = e.params["captured"], e.params["captured"] + e.params["fixed"]
    avals = [a.aval.strong() for a in e.invars]
    fixed, primals = avals[n:m], avals[m:]
    outs = tuple([v.aval.strong() for v in e.outvars])
    moving = tuple([is_inexact(a.dtype) for a in primals])
    still = [Zero(a) for a in pick(primals, moving, False)]
    nonzero: list[bool] = []
    given = [*outs] if isinstance(rule, OfOutputs) else []

    def body(*xs: Value) -> Values:
        first, second, made, moved = parts(xs, len(fixed), len(primals), len(given))
        tangents = merge(moving, moved, still)
        if isinstance(rule, OfOutputs):
            found, touts = [], rule.rule(first, second, made, tangents)
        else:
            found, touts = rule(first, second, tangents)
        nonzero.extend([type(t) is not Zero and is_inexact(typeof(t).dtype) for t in touts])
        return [*found, *pick(touts, nonzero)]

    jaxpr = trace_with_rules(body, [*fixed, *primals, *given, *pick(primals, moving)], name)
    if isinstance(rule, OfOutputs):
        return OfOutputs(TracedTangents(jaxpr, moving, tuple(nonzero), outs))
    return TracedJvp(jaxpr, moving, tuple(nonzero), outs)


def _vjp_rules(e: Eqn, order: int) -> tuple[Any, Any]:
    fwd, bwd, name = e.params["fwd"], e.params["bwd"], e.params["name"]
    if isinstance(fwd, TRACED):
        return fwd, bwd
    if order == 0:
        return NotExported(name), NotExported(name)
    n, m = e.params["captured"], e.params["captured"] + e.params["fixed"]
    avals = [a.aval.strong() for a in e.invars]
    outs = [v.aval.strong() for v in e.outvars]
    others: list[Any] = []

    def forward(*xs: Value) -> Values:
        found, residuals, other = fwd(xs[: m - n], xs[m - n:])
        others.append(other)
        return [*found, *residuals]

    first = trace_with_rules(forward, avals[n:], name)
    residuals = [a.strong() for a in first.out_avals[len(outs):]]
    there: list[bool] = []

    def backward(*xs: Value) -> Values:
        back = bwd(others[0], xs[: len(residuals)], xs[len(residuals):])
        there.extend([c is not None for c in back])
        return [c for c in back if c is not None]

    second = trace_with_rules(backward, [*residuals, *outs], name)
    return TracedForward(first, len(outs)), TracedBackward(second, tuple(there))
