"""Differentiating at given values: tracing with what is known, linearizing, running the linear part both ways."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lantern import tree
from lantern.dtypes import is_inexact, promote
from lantern.errors import ArgumentError, NotDifferentiableError
from lantern.flat import Flat, as_values
from lantern.ops.convert import convert
from lantern.trace.aval import ShapedArray
from lantern.trace.context import typeof
from lantern.trace.interpret import eval_jaxpr
from lantern.trace.primitive import Tangent, Value, Zero
from lantern.trace.staging import trace
from lantern.transforms.jvp import jvp_eval
from lantern.transforms.masks import materialise, merge, pick, zeros
from lantern.transforms.partial_eval import partial_eval_jaxpr
from lantern.transforms.transpose import transpose_eval


class Linearized:
    """f's outputs at the given point, and its linear part: (residuals, tangents) -> out tangents."""

    def __init__(self, flat: Flat) -> None:
        t = flat.trace(flat.leaves, stage_all=False)
        self.cut, self.title = t.cut, flat.title
        self.inputs, self.in_avals = flat.leaves, flat.avals
        self.out_avals = t.jaxpr.out_avals
        args = [*t.captured, *flat.leaves]
        self.nonzero_out: list[bool] = []

        def body(*ins: Value) -> Sequence[Value]:
            tangents = [*[Zero(typeof(x)) for x in t.captured], *_of_floats(ins[len(args):])]
            outs, touts = jvp_eval(t.jaxpr, ins[: len(args)], tangents, t.known)
            self.nonzero_out = [type(o) is not Zero for o in touts]
            return [*outs, *pick(touts, self.nonzero_out)]

        avals = [*[typeof(x) for x in args], *[a.strong() for a in flat.avals]]
        names = [*["a captured value"] * len(t.captured), *[f"`{n}`" for n in flat.names],
                 *[f"the tangent of `{n}`" for n in flat.names]]
        j = trace(body, avals, [*args, *[None] * len(flat.leaves)], title=flat.title, names=names)
        t.known.clear()     # j.captured holds what the derivative needs of the values looked at; the rest goes now
        n_out = len(self.nonzero_out)
        unknown = [False] * (len(j.captured) + len(args)) + [True] * len(flat.leaves)
        force = [False] * n_out + [True] * sum(self.nonzero_out)
        known, self.lin, unknown_out, _ = partial_eval_jaxpr(j.jaxpr, unknown, force)
        assert not any(unknown_out[:n_out]), "internal: a primal output depends on a tangent"
        values = eval_jaxpr(known, [*j.captured, *args], j.known)
        self.outs, self.residuals = values[:n_out], values[n_out:]

    def check_connected(self) -> None:
        """Raises NotDifferentiableError if the first output lost its dependence as a value left as a Python number."""
        if self.cut is not None and not self.nonzero_out[0]:
            raise NotDifferentiableError(
                f"{self.title}: the result depends on no differentiated argument, but a value was taken out as a "
                f"Python number (float, int, item, math functions), at {self.cut}. Keep it an array (lantern.numpy "
                "functions), or wrap it in lantern.lax.stop_gradient if a zero gradient is meant")

    def push(self, tangents: Sequence[Tangent]) -> list[Value]:
        """Tangents of the inputs (Zero allowed) to tangents of the outputs."""
        outs = eval_jaxpr(self.lin, [*self.residuals, *[materialise(t) for t in tangents]])
        missing = [zeros(a) for a in pick(self.out_avals, self.nonzero_out, False)]
        return merge(self.nonzero_out, outs, missing)

    def pull(self, cotangents: Sequence[Tangent]) -> list[Value]:
        """Cotangents of the outputs (Zero allowed) to cotangents of the inputs.

        Staged with the values at hand, so that a custom rule may look at them; then run equation by equation.
        """
        cts = pick(cotangents, self.nonzero_out)
        linear = [False] * len(self.residuals) + [True] * len(self.in_avals)
        present = [type(c) is not Zero for c in cts]
        args = [*self.residuals, *pick(cts, present)]
        n = len(self.residuals)

        def body(*ins: Value) -> Sequence[Value]:
            rest = iter(ins[n:])
            full = [next(rest) if p else c for c, p in zip(cts, present, strict=True)]
            return [materialise(c) for c in transpose_eval(self.lin, linear, ins[:n], full)]

        t = trace(body, [typeof(x) for x in args], args, title=self.title)
        return eval_jaxpr(t.jaxpr, [*t.captured, *args], t.known)


def push_forward(flat: Flat, tangents: Sequence[Tangent]) -> tuple[list[Value], list[Value]]:
    """Forward mode in one pass: outputs and their tangents."""
    t = flat.trace(flat.leaves, stage_all=False)
    args = [*t.captured, *flat.leaves]

    def body(*ins: Value) -> Sequence[Value]:
        zero = [Zero(typeof(x)) for x in t.captured]
        outs, touts = jvp_eval(t.jaxpr, ins[: len(args)], [*zero, *_of_floats(ins[len(args):])], t.known)
        return [*outs, *map(materialise, touts)]

    every = [*args, *tangents]
    j = trace(body, [typeof(x) for x in every], every, title=flat.title)
    outs = eval_jaxpr(j.jaxpr, [*j.captured, *every], j.known)
    return outs[: len(outs) // 2], outs[len(outs) // 2:]


def _of_floats(tangents: Sequence[Value]) -> list[Tangent]:
    """Integers and bools cannot move a little: their tangents are zero, whatever was given."""
    return [x if is_inexact(typeof(x).dtype) else Zero(typeof(x)) for x in tangents]


def check_tangents(flat: Flat, tangents: Sequence[Any]) -> list[Value]:
    """Tangents as values.

    Raises ArgumentError unless they have the structure, shapes and dtypes of the inputs.
    """
    leaves, treedef = tree.flatten((tuple(tangents), {}))
    if treedef is not flat.treedef:
        raise ArgumentError(f"{flat.title}: tangents must have the structure of the primals, {flat.treedef}, "
                            f"got {treedef}")
    values = as_values(leaves, lambda: [f"the tangent of {n}" for n in flat.names], flat.title)
    for name, x, aval in zip(flat.names, values, flat.avals, strict=True):
        if not fits(typeof(x), aval):
            raise ArgumentError(f"{flat.title}: the tangent of `{name}` must be {aval.strong()}, got {typeof(x)}")
    return [fitted(x, aval) for x, aval in zip(values, flat.avals, strict=True)]


def fits(got: ShapedArray, wanted: ShapedArray) -> bool:
    """Whether a tangent or cotangent has the type of what it belongs to; Python numbers take any that holds them."""
    held = promote([(wanted.dtype, False), (got.dtype, True)])[0] == wanted.dtype
    return got.shape == wanted.shape and (got.dtype == wanted.dtype or (got.weak and held))


def fitted(x: Value, wanted: ShapedArray) -> Value:
    """One that fits, in the dtype of what it belongs to: a Python int beside a float is a float."""
    return x if typeof(x).dtype == wanted.dtype or not is_inexact(wanted.dtype) else convert(x, wanted.dtype)
