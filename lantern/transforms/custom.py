"""custom_jvp and custom_vjp: equations that hold a function's jaxpr and the user's rules for its derivative.

Operands: what the function captured, the arrays among its nondifferentiable arguments (`fixed`), its other arguments.
A rule is run where a derivative is taken, with what is known there; until then only the jaxpr counts.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from lantern.dtypes import is_inexact
from lantern.errors import NotDifferentiableError
from lantern.ops.broadcast import reduce_sum
from lantern.source import Source, user_source
from lantern.trace import context
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind, extended_axes, typeof
from lantern.trace.jaxpr import Jaxpr
from lantern.trace.primitive import Axis, Dims, Inline, Linear, Primitive, Tangent, Value, Zero
from lantern.trace.staging import StagingTrace, trace
from lantern.transforms.batch import batch_eval, batch_jaxpr, batched_avals, front
from lantern.transforms.jit import run_impl
from lantern.transforms.masks import materialise, merge, parts, pick

Values: TypeAlias = "Sequence[Value]"
# (fixed arrays, arguments, tangents) -> (outputs, tangents); a tangent may be Zero on both sides
JvpRule: TypeAlias = Callable[[Values, Values, Sequence[Tangent]], tuple[Values, Sequence[Tangent]]]
# (fixed arrays, arguments) -> (outputs, residuals, what else `bwd` needs)
Forward: TypeAlias = "Callable[[Values, Values], tuple[Values, Values, Any]]"
# (what else, residuals, cotangents) -> a cotangent (None: zero) for each argument
Backward: TypeAlias = "Callable[[Any, Values, Values], Sequence[Value | None]]"


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Python values from `fwd` to `bwd`; compared by identity."""

    value: Any


def current_line() -> Source | None:
    """The line of the equation that a transform is at, or else the user's."""
    place = context.current()
    return (place.source if isinstance(place, StagingTrace) else None) or user_source()


def vectorised(f: Callable[..., Values], axis: Axis, args: Values, dims: Dims,
               title: str) -> tuple[list[Value], list[int | None]]:
    """f, a function of leaves, over one more axis. What has no such axis is known to f."""
    avals = [typeof(x) if d is None else typeof(x).with_shape(typeof(x).shape[1:])
             for x, d in zip(args, dims, strict=True)]
    values = [x if d is None else None for x, d in zip(args, dims, strict=True)]
    with extended_axes(axis.name, axis.size):
        t = trace(f, avals, values, title=title, stage_all=False)
    return batch_eval(t.jaxpr, axis, [*t.captured, *args], [*[None] * len(t.captured), *dims])


def _refuse_captured(tangents: Sequence[Tangent], name: str) -> None:
    for t in tangents:
        if type(t) is not Zero:
            raise NotDifferentiableError(
                f"{name} uses a value of the function around it that is being differentiated, {typeof(t)}, at "
                f"{current_line()}. Its derivative rule knows the arguments only: pass the value as an argument "
                "(lantern.closure_convert finds such values), or stop its gradient (lantern.lax.stop_gradient)")


def _abstract(*avals: ShapedArray, jaxpr: Jaxpr, **rules: Any) -> Sequence[ShapedArray]:
    return jaxpr.out_avals


def _impl(*args: Any, jaxpr: Jaxpr, **rules: Any) -> Sequence[Any]:
    return run_impl(jaxpr, args)


# custom_jvp

@dataclass(frozen=True, slots=True, eq=False)
class _BatchedJvp:
    """A rule over one more axis. `dims`: of the fixed arrays and the arguments; tangents go with their arguments."""

    rule: JvpRule
    axis: Axis
    dims: tuple[int | None, ...]
    name: str

    def __call__(self, fixed: Values, primals: Values, tangents: Sequence[Tangent]) -> tuple[Values, Sequence[Tangent]]:
        moving = [type(t) is not Zero for t in tangents]
        arg_dims = self.dims[len(fixed):]
        still = [Zero(_without(t.aval, d)) for t, d in zip(tangents, arg_dims, strict=True) if type(t) is Zero]
        given: list[int] = []
        nonzero: list[bool] = []
        zeros: list[Zero] = []

        def one(*xs: Value) -> Values:
            first, second, rest = parts(xs, len(fixed), len(primals))
            filled = merge(moving, rest, still)
            outs, touts = self.rule(first, second, filled)
            given.append(len(outs))
            nonzero.extend([type(t) is not Zero for t in touts])
            zeros.extend([t for t in touts if type(t) is Zero])
            return [*outs, *pick(touts, nonzero)]

        results, found = vectorised(one, self.axis, [*fixed, *primals, *pick(tangents, moving)],
                                    [*self.dims, *pick(arg_dims, moving)], f"vmap({self.name})")
        results = [front(x, d, self.axis.size) for x, d in zip(results, found, strict=True)]
        outs, touts = results[: given[0]], results[given[0]:]
        none = [Zero(z.aval.with_shape((self.axis.size, *z.aval.shape))) for z in zeros]
        return outs, merge(nonzero, touts, none)

    def __str__(self) -> str:
        return f"vmap({self.rule})"


@dataclass(frozen=True, slots=True, eq=False)
class OfOutputs:
    """A rule that is given the outputs, which the function's own jaxpr computes: (fixed arrays, arguments, outputs,
    tangents) -> tangents."""

    rule: Callable[[Values, Values, Values, Sequence[Tangent]], Sequence[Tangent]]

    def batched(self, axis: Axis, dims: Sequence[int | None], name: str) -> OfOutputs:
        """The rule over one more axis, which all outputs have."""
        def rule(fixed: Values, primals: Values, outs: Values, tangents: Sequence[Tangent]) -> Sequence[Tangent]:
            def joined(fixed: Values, given: Values, moving: Sequence[Tangent]) -> tuple[Values, Sequence[Tangent]]:
                args, inner = parts(given, len(primals))
                return (), self.rule(fixed, args, inner, moving[: len(primals)])

            over = _BatchedJvp(joined, axis, (*dims, *[0] * len(outs)), name)
            return over(fixed, [*primals, *outs], [*tangents, *[Zero(typeof(o)) for o in outs]])[1]

        return OfOutputs(rule)

    def __str__(self) -> str:
        return str(self.rule)


def _without(aval: ShapedArray, dim: int | None) -> ShapedArray:
    return aval if dim is None else aval.with_shape(aval.shape[1:])


def _jvp_jvp(primals: Values, tangents: Sequence[Tangent], *, jaxpr: Jaxpr, rule: JvpRule | OfOutputs, captured: int,
             fixed: int, name: str) -> tuple[Values, Sequence[Tangent]]:
    _refuse_captured(tangents[:captured], name)
    n = captured + fixed
    still = all([type(t) is Zero for t in tangents[n:]])
    if not still and not isinstance(rule, OfOutputs):
        return rule(primals[captured:n], primals[n:], tangents[n:])
    outs = bind(custom_jvp_p, *primals, jaxpr=jaxpr, rule=rule, captured=captured, fixed=fixed, name=name)
    if still or not isinstance(rule, OfOutputs):
        return outs, [Zero(a.strong()) for a in jaxpr.out_avals]
    return outs, rule.rule(primals[captured:n], primals[n:], outs, tangents[n:])


def _jvp_batch(axis: Axis, args: Values, dims: Dims, *, jaxpr: Jaxpr, rule: JvpRule | OfOutputs, captured: int,
               fixed: int, name: str) -> tuple[Values, Dims]:
    j, out_dims = batch_jaxpr(jaxpr, axis, list(dims), True)
    over = tuple(dims[captured:])
    batched = rule.batched(axis, over, name) if isinstance(rule, OfOutputs) else _BatchedJvp(rule, axis, over, name)
    return bind(custom_jvp_p, *args, jaxpr=j, rule=batched, captured=captured, fixed=fixed, name=name), out_dims


custom_jvp_p = Primitive("custom_jvp", _abstract, _impl, Inline.SUBJAXPR, _jvp_batch, jvp_joint=_jvp_jvp)


# custom_vjp

@dataclass(frozen=True, slots=True, eq=False)
class _BatchedForward:
    """`fwd` over one more axis. Outputs get it; residuals have it only where they depend on it."""

    fwd: Forward
    axis: Axis
    dims: tuple[int | None, ...]
    name: str

    def __call__(self, fixed: Values, args: Values) -> tuple[Values, Values, Any]:
        seen: list[tuple[int, Any]] = []

        def one(*xs: Value) -> Values:
            outs, residuals, other = self.fwd(xs[: len(fixed)], xs[len(fixed):])
            seen.append((len(outs), other))
            return [*outs, *residuals]

        results, found = vectorised(one, self.axis, [*fixed, *args], self.dims, f"vmap({self.name})")
        n, other = seen[0]
        outs = [front(x, d, self.axis.size) for x, d in zip(results[:n], found[:n], strict=True)]
        return outs, results[n:], (other, tuple(found[n:]))

    def __str__(self) -> str:
        return f"vmap({self.fwd})"


@dataclass(frozen=True, slots=True, eq=False)
class _BatchedBackward:
    """`bwd` over one more axis. An argument without it gets the sum of the cotangents."""

    bwd: Backward
    axis: Axis
    dims: tuple[int | None, ...]    # of the arguments
    name: str

    def __call__(self, other: Any, residuals: Values, cts: Values) -> Sequence[Value | None]:
        inner, residual_dims = other
        there: list[bool] = []

        def one(*xs: Value) -> Values:
            back = self.bwd(inner, xs[: len(residuals)], xs[len(residuals):])
            there.extend([c is not None for c in back])
            return [c for c in back if c is not None]

        results, found = vectorised(one, self.axis, [*residuals, *cts], [*residual_dims, *[0] * len(cts)],
                                    f"vmap({self.name})")
        fronted = [front(x, d, self.axis.size) for x, d in zip(results, found, strict=True)]
        summed = [x if d == 0 else reduce_sum(x, (0,)) for x, d in zip(fronted, pick(self.dims, there), strict=True)]
        return merge(there, summed, [None] * there.count(False))

    def __str__(self) -> str:
        return f"vmap({self.bwd})"


def _vjp_jvp(primals: Values, tangents: Sequence[Tangent], *, jaxpr: Jaxpr, fwd: Forward, bwd: Backward, captured: int,
             fixed: int, name: str) -> tuple[Values, Sequence[Tangent]]:
    _refuse_captured(tangents[:captured], name)
    n = captured + fixed
    moving = [type(t) is not Zero and is_inexact(typeof(t).dtype) for t in tangents[n:]]
    if not any(moving):
        outs = bind(custom_vjp_p, *primals, jaxpr=jaxpr, fwd=fwd, bwd=bwd, captured=captured, fixed=fixed, name=name)
        return outs, [Zero(a.strong()) for a in jaxpr.out_avals]
    outs, residuals, other = fwd(primals[captured:n], primals[n:])
    avals = tuple([typeof(o).strong() for o in outs])
    touts = bind(custom_vjp_linear_p, *residuals, *pick(tangents[n:], moving), bwd=bwd, other=Kept(other),
                 moving=tuple(moving), out_avals=avals, name=name)
    return outs, _merged_floats(avals, touts)


def _merged_floats(avals: Sequence[ShapedArray], floats: Values) -> list[Tangent]:
    """One tangent for each output; integers have none."""
    mask = [is_inexact(a.dtype) for a in avals]
    return merge(mask, floats, [Zero(a) for a in pick(avals, mask, False)])


def _vjp_batch(axis: Axis, args: Values, dims: Dims, *, jaxpr: Jaxpr, fwd: Forward, bwd: Backward, captured: int,
               fixed: int, name: str) -> tuple[Values, Dims]:
    j, out_dims = batch_jaxpr(jaxpr, axis, list(dims), True)
    forward = _BatchedForward(fwd, axis, tuple(dims[captured:]), name)
    backward = _BatchedBackward(bwd, axis, tuple(dims[captured + fixed:]), name)
    outs = bind(custom_vjp_p, *args, jaxpr=j, fwd=forward, bwd=backward, captured=captured, fixed=fixed, name=name)
    return outs, out_dims


custom_vjp_p = Primitive("custom_vjp", _abstract, _impl, Inline.SUBJAXPR, _vjp_batch, jvp_joint=_vjp_jvp)


# The linear part: (residuals, tangents that are not zero) -> tangents of the outputs that are floats. Nobody can
# compute it; it is there to be transposed.

def _linear_abstract(*avals: ShapedArray, out_avals: Sequence[ShapedArray], **rest: Any) -> Sequence[ShapedArray]:
    return [a for a in out_avals if is_inexact(a.dtype)]


def _no_forward_mode(*args: Any, name: str, **rest: Any) -> NoReturn:
    raise NotDifferentiableError(
        f"{name} is a custom_vjp function, which has no forward mode (jvp, linearize, jacfwd, hessian, while_loop), at "
        f"{current_line()}. Use reverse mode (grad, vjp, jacrev), or give it a custom_jvp rule instead")


def _linear_transpose(cts: Sequence[Tangent], args: Values, *, bwd: Backward, other: Kept, moving: Sequence[bool],
                      out_avals: Sequence[ShapedArray], name: str) -> Sequence[Value | None]:
    residuals, tangents = parts(args, len(args) - sum(moving))
    full = [materialise(c) for c in _merged_floats(out_avals, cts)]
    back = pick(bwd(other.value, residuals, full), moving)
    wanted = [c if type(t) is Linear else None for c, t in zip(back, tangents, strict=True)]    # or a written-out zero
    return [*[None] * len(residuals), *wanted]


def _linear_batch(axis: Axis, args: Values, dims: Dims, *, bwd: Backward, other: Kept, moving: Sequence[bool],
                  out_avals: Sequence[ShapedArray], name: str) -> tuple[Values, Dims]:
    n = len(args) - sum(moving)
    arg_dims = merge(moving, dims[n:], [None] * (len(moving) - sum(moving)))
    backward = _BatchedBackward(bwd, axis, tuple(arg_dims), name)
    avals = tuple(batched_avals(out_avals, axis.size, [0] * len(out_avals)))
    outs = bind(custom_vjp_linear_p, *args, bwd=backward, other=Kept((other.value, tuple(dims[:n]))),
                moving=tuple(moving), out_avals=avals, name=name)
    return outs, [0] * len(outs)


custom_vjp_linear_p = Primitive("custom_vjp_linear", _linear_abstract, _no_forward_mode, _no_forward_mode,
                                _linear_batch, jvp_joint=_no_forward_mode, transpose=_linear_transpose)
