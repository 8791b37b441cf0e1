"""The rules of a primitive made from a Definition. The user's rules speak of one example; those here map them.

A primitive that `vmap` has passed over carries `layers`: for each vmap, the outermost first, its size and which
operands have its axis. Every rule peels one layer off and maps the rest with `lantern.vmap`; so an operation keeps its
own derivative under any nesting of transforms.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias, cast

import numpy as np

from lantern.api import jvp as push_forward
from lantern.api import vmap
from lantern.caches import on_clear
from lantern.dtypes import is_inexact
from lantern.errors import ArgumentError
from lantern.extend.definition import (
    Definition,
    Params,
    as_many,
    cotangents_of,
    outputs_of,
    results,
    tangents_of,
)
from lantern.flat import as_output
from lantern.ops.broadcast import broadcast_in_dim_p, reduce_sum
from lantern.ops.elementwise import add
from lantern.trace import context
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind, bind1, typeof
from lantern.trace.jaxpr import Jaxpr, Literal
from lantern.trace.primitive import (
    Axis,
    BatchRule,
    Dims,
    Linear,
    Primitive,
    Rewritten,
    Structured,
    Tangent,
    Value,
    Zero,
)
from lantern.trace.staging import trace
from lantern.transforms.closed import trace_with_rules
from lantern.transforms.jit import run_impl
from lantern.transforms.masks import materialise, merge, pick, zeros
from lantern.transforms.transpose import transpose_eval

Layers: TypeAlias = "tuple[tuple[int, tuple[bool, ...]], ...]"
# the parameters of an equation -> the definition, the layers, and the parameters that the user's rules know
Chosen: TypeAlias = "tuple[Definition, Layers, Params]"
Choose: TypeAlias = "Callable[[dict[str, Any]], Chosen]"


def of_definition(d: Definition) -> Choose:
    """For a primitive that has one definition."""
    return lambda params: (d, params.get("layers", ()), {k: v for k, v in params.items() if k != "layers"})


def of_parameter(params: dict[str, Any]) -> Chosen:
    """For a primitive that many definitions share: the equation says which one, as `op`."""
    return params["op"], params.get("layers", ()), {k: v for k, v in params.items() if k not in ("op", "layers")}


def make_primitive(name: str, choose: Choose, lower: Structured | Rewritten,
                   custom_batch: BatchRule | None = None) -> Primitive:
    """The primitive whose rules are those of definitions. `custom_batch`: instead of layers."""
    def abstract(*avals: ShapedArray, **params: Any) -> Sequence[ShapedArray]:
        return out_avals(*choose(params), avals)

    def impl(*arrays: Any, **params: Any) -> Sequence[Any]:
        return evaluate(*choose(params), arrays)

    def batch(axis: Axis, args: Sequence[Value], dims: Dims, **params: Any) -> tuple[Sequence[Value], Dims]:
        layer = axis.size, tuple([d is not None for d in dims])
        outs = bind(primitive, *args, **{**params, "layers": (layer, *params.get("layers", ()))})
        return outs, [0] * len(outs)

    def jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent],
            **params: Any) -> Sequence[Tangent]:
        def again(*args: Value) -> Sequence[Value]:
            return bind(primitive, *args, **{k: v for k, v in params.items() if k != "layers"})

        d, layers, known = choose(params)
        return _jvp(_Jvp(d, known, again), layers, primals, outs, tangents)

    def transpose(cts: Sequence[Tangent], args: Sequence[Value], **params: Any) -> Sequence[Value | None]:
        return _transpose(*choose(params), cts, args)

    primitive = Primitive(name, abstract, impl, lower, custom_batch or batch, jvp, transpose=transpose)
    return primitive


def inner_avals(layers: Layers, avals: Sequence[ShapedArray]) -> list[ShapedArray]:
    """The avals of one example."""
    for _, mask in layers:
        avals = [a.with_shape(a.shape[1:]) if m else a for a, m in zip(avals, mask, strict=True)]
    return list(avals)


def out_avals(d: Definition, layers: Layers, params: Params, avals: Sequence[ShapedArray]) -> list[ShapedArray]:
    """The avals of the results: every layer adds an axis to each."""
    sizes = tuple([size for size, _ in layers])
    found, _ = results(d, inner_avals(layers, avals), params)
    return [a.with_shape((*sizes, *a.shape)) for a in found]


def evaluate(d: Definition, layers: Layers, params: Params, arrays: Sequence[Any]) -> list[Any]:
    """The results by the user's NumPy rule, one example at a time."""
    if not layers:
        arrays = [np.asarray(x) for x in arrays]
        wanted, _ = results(d, [typeof(x) for x in arrays], params)
        with np.errstate(all="ignore"):
            found = d.impl(*arrays, **params)
        return [np.asarray(x) for x in outputs_of(d, found, wanted, "reference" if d.lower is None else "impl")]
    (size, mask), *rest = layers
    rows = [evaluate(d, tuple(rest), params, [x[k] if m else x for x, m in zip(arrays, mask, strict=True)])
            for k in range(size)]
    wanted = out_avals(d, layers, params, [typeof(np.asarray(x)) for x in arrays])
    return [np.stack(column) if size else np.zeros(a.shape, a.dtype)
            for a, column in zip(wanted, zip(*rows, strict=True) if size else [()] * len(wanted), strict=True)]


def _axes(mask: Sequence[bool]) -> list[int | None]:
    return [0 if m else None for m in mask]


def _array(x: Value) -> Value:
    """A literal as an array: users' rules know operators and methods."""
    return bind1(broadcast_in_dim_p, x, shape=(), dims=()) if type(x) is Literal else x


# Derivatives


class _Jvp:
    """One operation under differentiation. `again` binds it to other operands."""

    __slots__ = ("again", "d", "params")

    def __init__(self, d: Definition, params: Params, again: Callable[..., Sequence[Value]]) -> None:
        self.d, self.params, self.again = d, params, again


def _jvp(op: _Jvp, layers: Layers, primals: Sequence[Value], outs: Sequence[Value],
         tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    if not layers:
        return _jvp_of_one(op, [_array(x) for x in primals], outs, tangents)
    (_, mask), *rest = layers
    moving = [type(t) is not Zero for t in tangents]
    nonzero: list[bool] = []
    zeros: list[Tangent] = []

    def one(primals: Sequence[Value], outs: Sequence[Value], moved: Sequence[Value]) -> list[Value]:
        still = [Zero(typeof(p)) for p in pick(primals, moving, False)]
        found = _jvp(op, tuple(rest), primals, outs, merge(moving, moved, still))
        nonzero.extend([type(t) is not Zero for t in found])
        zeros.extend(pick(found, nonzero, False))
        return pick(found, nonzero)

    dims = _axes(mask)
    moved = vmap(one, in_axes=(dims, 0, pick(dims, moving)))(list(primals), list(outs), pick(tangents, moving))
    flat = [Zero(typeof(y)) for y in pick(outs, nonzero, False)]
    return merge(nonzero, moved, flat)


def _jvp_of_one(op: _Jvp, primals: Sequence[Value], outs: Sequence[Value],
                tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    d, params = op.d, op.params
    wanted, single = results(d, [typeof(x) for x in primals], params)
    out: Any = outs[0] if single else tuple(outs)
    if d.vjp is not None:
        moving = tuple([type(t) is not Zero for t in tangents])
        backward = _backward(d, tuple(params.items()), moving, single)
        return bind(tangent_p, *primals, *outs, *map(_array, pick(tangents, moving)), op=backward)
    if callable(d.jvp):
        shown = [_array(materialise(t)) if is_inexact(typeof(p).dtype) else None
                 for t, p in zip(tangents, primals, strict=True)]
        return _staged(d, tangents_of(d, d.jvp(tuple(primals), out, tuple(shown), **params), wanted, "jvp"))
    if d.jvp is not None:
        return _sum(d, d.jvp, primals, out, wanted, tangents, params)
    if d.transpose is None:
        raise d.missing("jvp= or vjp=", "differentiation")
    if any([type(t) is not Zero for t in tangents[1:]]):
        raise d.missing("jvp=", "differentiation by other operands than the first, in which it is linear")
    return op.again(tangents[0], *primals[1:])


def _sum(d: Definition, rules: Sequence[Any], primals: Sequence[Value], out: Any, wanted: Sequence[ShapedArray],
         tangents: Sequence[Tangent], params: Params) -> list[Tangent]:
    """What each moving operand adds, by its own rule."""
    if len(rules) != len(primals):
        raise ArgumentError(f"{d.place}: jvp has {len(rules)} rules for {len(primals)} operands; "
                            "give None where there is none")
    total: list[Tangent] = [Zero(a) for a in wanted]
    for rule, t in zip(rules, tangents, strict=True):
        if rule is not None and type(t) is not Zero:
            part = _staged(d, tangents_of(d, rule(_array(t), out, *primals, **params), wanted, "jvp"))
            total = [p if type(z) is Zero else z if type(p) is Zero else add(z, p)
                     for z, p in zip(total, part, strict=True)]
    return total


def _staged(d: Definition, found: Sequence[Tangent]) -> list[Tangent]:
    return [t if type(t) is Zero else as_output(t, d.name) for t in found]


def _transpose(d: Definition, layers: Layers, params: Params, cts: Sequence[Tangent],
               args: Sequence[Value]) -> Sequence[Value | None]:
    if not layers:
        return _transpose_of_one(d, params, cts, args)
    (_, mask), *rest = layers
    linear = [type(a) is Linear for a in args]
    waiting = pick(args, linear)
    inner = [Linear(a.aval.with_shape(a.aval.shape[1:])) if m else a
             for a, m in zip(waiting, pick(mask, linear), strict=True)]
    present = [type(c) is not Zero for c in cts]
    reached: list[bool] = []

    def one(values: Sequence[Value], given: Sequence[Value]) -> list[Value]:
        zeros = [Zero(c.aval.with_shape(c.aval.shape[1:])) for c in pick(cts, present, False)]
        every = _transpose(d, tuple(rest), params, merge(present, given, zeros), merge(linear, inner, values))
        back = pick(every, linear)
        reached.extend([c is not None for c in back])
        return pick(back, reached)

    values = pick(args, linear, False)
    found = vmap(one, in_axes=(_axes(pick(mask, linear, False)), 0))(values, pick(cts, present))
    mapped = pick(pick(mask, linear), reached)
    found = [c if m else reduce_sum(c, (0,)) for c, m in zip(found, mapped, strict=True)]
    back = merge(reached, found, [None] * (len(reached) - sum(reached)))
    return merge(linear, back, [None] * len(values))


def _transpose_of_one(d: Definition, params: Params, cts: Sequence[Tangent],
                      args: Sequence[Value]) -> Sequence[Value | None]:
    if d.transpose is None:
        raise d.missing("transpose=", "transposition (reverse mode asks for it, since its derivative rule calls it)")
    avals = [a.aval if type(a) is Linear else typeof(a) for a in args]
    _, single = results(d, avals, params)
    given = [_array(materialise(c)) for c in cts]
    shown = [a if type(a) is Linear else _array(a) for a in args]
    back = cotangents_of(d, d.transpose(given[0] if single else tuple(given), *shown, **params), avals, "transpose")
    return [as_output(c, d.name) if c is not None and type(a) is Linear else None
            for c, a in zip(back, args, strict=True)]


@lru_cache(maxsize=1024)
def _backward(d: Definition, params: tuple[tuple[str, Any], ...], moving: tuple[bool, ...],
              single: bool) -> Definition:
    """The tangent of an operation that has only a reverse rule: of operands, results, and the tangents that move.

    Its transposition is that rule; it itself is computed by transposing the rule.
    """
    known = dict(params)

    def parts(args: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
        last = len(args) - sum(moving)
        return args[:len(moving)], args[len(moving):last], args[last:]

    def back(primals: Sequence[Any], outs: Sequence[Any], cts: Sequence[Any]) -> list[Value | None]:
        assert d.vjp is not None, "internal: only for operations with a reverse rule"
        found = d.vjp(tuple(primals), outs[0] if single else tuple(outs), cts[0] if single else tuple(cts), **known)
        return pick(cotangents_of(d, found, [typeof(x) for x in primals], "vjp"), moving)

    def abstract(*avals: ShapedArray) -> Any:
        outs = parts(avals)[1]
        return outs[0] if single else tuple(outs)

    def forward(*args: Any) -> list[Value]:
        primals, outs, tangents = parts(args)
        reached: list[bool] = []

        def reverse(*cts: Value) -> list[Value]:
            found = back(primals, outs, cts)
            reached.extend([c is not None for c in found])
            return [as_output(c, d.name) for c in pick(found, reached)]

        t = trace(reverse, [typeof(x) for x in outs], title=d.name)
        linear = [k >= len(t.captured) for k in range(len(t.jaxpr.invars))]
        return [materialise(x) for x in transpose_eval(t.jaxpr, linear, t.captured, pick(tangents, reached))]

    def impl(*arrays: Any) -> list[Any]:
        return run_impl(staged(d, forward, [typeof(x) for x in arrays], "vjp rule"), arrays)

    def again(primals: Sequence[Any], out: Any, tangents: Sequence[Any]) -> list[Value]:
        moved = [zeros(typeof(p)) if t is None else t for p, t in zip(primals, tangents, strict=True)]
        return push_forward(forward, tuple(primals), tuple(moved))[1]

    def transpose(cts: Any, *args: Any) -> list[Any]:
        primals, outs, _ = parts(args)
        found = back(primals, outs, [cts] if single else cts)
        return [*[None] * (len(args) - sum(moving)), *found]

    return Definition(d.name, d.maker, d.source, abstract, impl, forward, jvp=again, transpose=transpose)


on_clear(_backward.cache_clear)


# Lowering


def rewritten(choose: Choose) -> Rewritten:
    """The lowering by the user's function of lantern arrays."""
    def rule(avals: Sequence[ShapedArray], **params: Any) -> Jaxpr:
        d, layers, known = choose(params)
        assert d.lower is not None, "internal: a definition without this rule is lowered otherwise"
        return closed_jaxpr(d, d.lower, layers, known, avals)

    return Rewritten(rule)


def closed_jaxpr(d: Definition, rule: Callable[..., Any], layers: Layers, params: Params,
                 avals: Sequence[ShapedArray]) -> Jaxpr:
    """The user's rule as a jaxpr, mapped over the layers.

    Raises CustomRuleError if its results are not as promised.
    """
    wanted, _ = results(d, inner_avals(layers, avals), params)

    def one(*args: Value) -> list[Value]:
        return outputs_of(d, rule(*args, **params), wanted, "lower")

    f: Callable[..., Any] = one
    for _, mask in reversed(layers):
        in_axes: Any = tuple(_axes(mask))
        f = cast("Callable[..., Any]", vmap)(f, in_axes=in_axes)
    return staged(d, f, avals, "lower rule")


def staged(d: Definition, f: Callable[..., Any], avals: Sequence[ShapedArray], rule: str) -> Jaxpr:
    """A function of arrays as a jaxpr; arrays that it closes over become constants of it.

    Raises NotDifferentiableError if it closes over a traced value.
    """
    def flat(*args: Value) -> list[Value]:
        found: Any = f(*args)
        return [as_output(x, d.name) for x in as_many(found)]

    with context.entered(context.EAGER):
        return trace_with_rules(flat, [a.strong() for a in avals], f"{d.place}, {rule}")


tangent_p = make_primitive("tangent", of_parameter, rewritten(of_parameter))
