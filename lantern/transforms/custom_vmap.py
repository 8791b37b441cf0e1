"""custom_vmap: an equation that holds a function's jaxpr and the user's rule for batching it.

Forward mode differentiates the jaxpr, and where it is batched the rule. Partial evaluation leaves the rule behind: what
`grad` made of a function is batched as ever, while `grad` of the batched function goes through the rule.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from lantern.errors import ArgumentError
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind, typeof
from lantern.trace.jaxpr import Jaxpr
from lantern.trace.primitive import Axis, Dims, Inline, Primitive, Tangent, Value, Zero
from lantern.trace.staging import trace
from lantern.transforms.batch import batch_jaxpr, front
from lantern.transforms.custom import current_line
from lantern.transforms.jit import jit_p, run_impl
from lantern.transforms.jvp import jvp_eval, jvp_jaxpr
from lantern.transforms.masks import materialise, merge, pick

Values: TypeAlias = "Sequence[Value]"
# (axis, arguments, which of them have it in front) -> (outputs, which of them have it)
VmapRule: TypeAlias = Callable[[Axis, Values, Sequence[bool]], tuple[Values, Sequence[bool]]]


@dataclass(frozen=True, slots=True, eq=False)
class _JvpOfRule:
    """The rule for a function's derivative: the derivative of its rule.

    nonzero      which arguments have tangents, which follow the arguments
    nonzero_out  which outputs have
    """

    rule: VmapRule
    nonzero: tuple[bool, ...]
    nonzero_out: tuple[bool, ...]
    name: str

    def __call__(self, axis: Axis, args: Values, mapped: Sequence[bool]) -> tuple[Values, Sequence[bool]]:
        n = len(self.nonzero)
        none = [False] * (n - sum(self.nonzero))
        both = [p or t for p, t in zip(mapped[:n], merge(self.nonzero, mapped[n:], none), strict=True)]

        def fronted(x: Value, has: bool, wanted: bool) -> Value:
            return front(x, None, axis.size) if wanted and not has else x

        primals = [fronted(*row) for row in zip(args[:n], mapped[:n], both, strict=True)]
        moving = [fronted(*row) for row in zip(args[n:], mapped[n:], pick(both, self.nonzero), strict=True)]
        tangents = merge(self.nonzero, moving, [Zero(typeof(x)) for x in pick(primals, self.nonzero, False)])
        flags: list[bool] = []

        def body(*xs: Value) -> Values:
            outs, found = self.rule(axis, xs, both)
            flags.extend(found)
            return outs

        t = trace(body, [typeof(x) for x in primals], primals, title=f"vmap({self.name})")
        still = [Zero(typeof(x)) for x in t.captured]
        outs, touts = jvp_eval(t.jaxpr, [*t.captured, *primals], [*still, *tangents], t.known)
        return [*outs, *map(materialise, pick(touts, self.nonzero_out))], [*flags, *pick(flags, self.nonzero_out)]

    def __str__(self) -> str:
        return f"jvp({self.rule})"


def _abstract(*avals: ShapedArray, jaxpr: Jaxpr, **rest: Any) -> Sequence[ShapedArray]:
    return jaxpr.out_avals


def _impl(*args: Any, jaxpr: Jaxpr, **rest: Any) -> Sequence[Any]:
    return run_impl(jaxpr, args)


def _jvp(primals: Values, tangents: Sequence[Tangent], *, jaxpr: Jaxpr, rule: VmapRule, captured: int,
         name: str) -> tuple[Values, Sequence[Tangent]]:
    nonzero = [type(t) is not Zero for t in tangents]
    j, nonzero_out = jvp_jaxpr(jaxpr, nonzero)
    operands, title = [*primals, *pick(tangents, nonzero)], f"jvp({name})"
    if any(nonzero[:captured]):     # the rule knows nothing of these
        outs = bind(jit_p, *operands, jaxpr=j, name=title)
    else:
        derived = _JvpOfRule(rule, tuple(nonzero[captured:]), tuple(nonzero_out), name)
        outs = bind(custom_vmap_p, *operands, jaxpr=j, rule=derived, captured=captured, name=title)
    n = len(jaxpr.outvars)
    zeros = [Zero(a.aval) for a in pick(jaxpr.outvars, nonzero_out, False)]
    return outs[:n], merge(nonzero_out, outs[n:], zeros)


def _batch(axis: Axis, args: Values, dims: Dims, *, jaxpr: Jaxpr, rule: VmapRule, captured: int,
           name: str) -> tuple[Values, Dims]:
    for x, d in zip(args[:captured], dims[:captured], strict=True):
        if d is not None:
            raise ArgumentError(
                f"{name} uses a value of the function around it that is mapped over, {typeof(x)} with the new axis, at "
                f"{current_line()}. Its rule knows the arguments only: pass the value as an argument")
    mapped = [d is not None for d in dims[captured:]]
    if not any(mapped):
        j, out_dims = batch_jaxpr(jaxpr, axis, list(dims))
        return bind(jit_p, *args, jaxpr=j, name=f"vmap({name})"), out_dims
    outs, flags = rule(axis, args[captured:], mapped)
    return outs, [0 if f else None for f in flags]


custom_vmap_p = Primitive("custom_vmap", _abstract, _impl, Inline.SUBJAXPR, _batch, jvp_joint=_jvp, split=jit_p.split)
