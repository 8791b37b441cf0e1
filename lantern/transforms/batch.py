"""Batching: the new axis comes first (dim 0) or is absent (None)."""
from __future__ import annotations

from collections.abc import Sequence

from lantern.ops.shape import broadcast_in_dim
from lantern.trace import context
from lantern.trace.aval import ShapedArray
from lantern.trace.context import extended_axes, typeof
from lantern.trace.jaxpr import Atom, Jaxpr, Literal, Params, Var, axis_names
from lantern.trace.primitive import Axis, Dims, Value
from lantern.transforms.closed import trace_with_rules
from lantern.transforms.masks import Force, memo_by_jaxpr, spread


def front(x: Value, dim: int | None, size: int) -> Value:
    """x with the batch axis first: broadcast if it has none."""
    if dim == 0:
        return x
    shape = typeof(x).shape
    return broadcast_in_dim(x, (size, *shape), tuple(range(1, len(shape) + 1)))


def batch_eval(jaxpr: Jaxpr, axis: Axis, args: Sequence[Value], dims: Dims) -> tuple[list[Value], list[int | None]]:
    """Outputs and their dims."""
    env: dict[Var, tuple[Value, int | None]] = dict(zip(jaxpr.invars, zip(args, dims, strict=True), strict=True))

    def read(a: Atom) -> tuple[Value, int | None]:
        return (a, None) if isinstance(a, Literal) else env[a]

    trace = context.current()
    with extended_axes(axis.name, axis.size):
        for e in jaxpr.eqns:
            trace.at(e.source)
            pairs = [read(a) for a in e.invars]
            values, flags = [x for x, _ in pairs], [d for _, d in pairs]
            if all([d is None for d in flags]) and not mentions(e.params, axis):
                outs, out_dims = trace.bind(e.primitive, values, e.params, e.source), [None] * len(e.outvars)
            else:
                outs, out_dims = e.primitive.batch(axis, values, flags, **e.params)
            env.update(zip(e.outvars, zip(outs, out_dims, strict=True), strict=True))
    trace.at(None)
    pairs = [read(a) for a in jaxpr.outvars]
    return [x for x, _ in pairs], [d for _, d in pairs]


def mentions(params: Params, axis: Axis) -> bool:
    """Whether an equation speaks of the axis by name, itself or in a sub-jaxpr.

    Then it is batched even without a batched operand.
    """
    return axis.name is not None and axis.name in axis_names(params)


@memo_by_jaxpr
def batch_jaxpr(jaxpr: Jaxpr, axis: Axis, dims: Dims, force: Force = False) -> tuple[Jaxpr, list[int | None]]:
    """The batched program and the dims of its outputs. `force`: outputs that must be batched."""
    out_dims: list[int | None] = []

    def body(*args: Value) -> Sequence[Value]:
        outs, found = batch_eval(jaxpr, axis, args, dims)
        forced = spread(force, len(outs))
        outs = [front(x, d, axis.size) if f else x for x, d, f in zip(outs, found, forced, strict=True)]
        out_dims.extend([0 if f else d for d, f in zip(found, forced, strict=True)])
        return outs

    return trace_with_rules(body, batched_avals(jaxpr.in_avals, axis.size, dims), "vmap"), out_dims


def batched_avals(avals: Sequence[ShapedArray], size: int, dims: Dims) -> list[ShapedArray]:
    """Avals with the new axis where there is one."""
    return [a if d is None else a.with_shape((size, *a.shape)) for a, d in zip(avals, dims, strict=True)]
