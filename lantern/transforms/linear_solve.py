"""linear_solve: x with A x = b, by a solver of the user's; its derivatives are solves again, whatever the solver does.

Operands: constants, which all jaxprs take first, then b. `jaxpr` solves, `matvec` is A, `transposed` solves with A^T.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from lantern.errors import NotDifferentiableError
from lantern.ops.elementwise import neg, sub
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind
from lantern.trace.jaxpr import Jaxpr
from lantern.trace.primitive import Axis, Dims, Inline, Linear, Primitive, Tangent, Value, Zero
from lantern.transforms.batch import batch_jaxpr, front
from lantern.transforms.custom import current_line
from lantern.transforms.jit import jit_p, run_impl
from lantern.transforms.jvp import jvp_jaxpr
from lantern.transforms.masks import materialise, merge, pick
from lantern.transforms.transpose import transpose_jaxpr

Values: TypeAlias = "Sequence[Value]"


def _abstract(*avals: ShapedArray, jaxpr: Jaxpr, **rest: Any) -> Sequence[ShapedArray]:
    return jaxpr.out_avals


def _impl(*args: Any, jaxpr: Jaxpr, **rest: Any) -> Sequence[Any]:
    return run_impl(jaxpr, args)


def _jvp(primals: Values, tangents: Sequence[Tangent], *, matvec: Jaxpr, count: int,
         **rest: Any) -> tuple[Values, Sequence[Tangent]]:
    """A dx = db - dA x."""
    consts, outs = primals[:count], bind(linear_solve_p, *primals, matvec=matvec, count=count, **rest)
    nonzero = [type(t) is not Zero for t in tangents[:count]]
    right: list[Tangent] = list(tangents[count:])
    if any(nonzero):
        j, moved = jvp_jaxpr(matvec, [*nonzero, *[False] * len(outs)])
        found = bind(jit_p, *consts, *outs, *pick(tangents[:count], nonzero), jaxpr=j, name="custom_linear_solve")
        changes = merge(moved, found[len(outs):], [Zero(a) for a in pick(matvec.out_avals, moved, False)])
        right = [_difference(t, c) for t, c in zip(right, changes, strict=True)]
    if all([type(t) is Zero for t in right]):
        return outs, [Zero(a.strong()) for a in matvec.out_avals]
    return outs, bind(linear_solve_p, *consts, *map(materialise, right), matvec=matvec, count=count, **rest)


def _difference(x: Tangent, y: Tangent) -> Tangent:
    if type(y) is Zero:
        return x
    return neg(y) if type(x) is Zero else sub(x, y)


def _transpose(cts: Sequence[Tangent], args: Values, *, jaxpr: Jaxpr, matvec: Jaxpr, transposed: Jaxpr | None,
               count: int) -> Sequence[Value | None]:
    if transposed is None:
        raise NotDifferentiableError(f"custom_linear_solve: reverse mode needs a solver of the transposed system, at "
                                     f"{current_line()}. Give transpose_solve, or symmetric=True")
    n = len(cts)
    back, _ = transpose_jaxpr(matvec, [*[False] * count, *[True] * n], [True] * n, True)
    found = bind(linear_solve_p, *args[:count], *map(materialise, cts), jaxpr=transposed, matvec=back, transposed=jaxpr,
                 count=count)
    return [*[None] * count, *[c if type(a) is Linear else None for c, a in zip(found, args[count:], strict=True)]]


def _batch(axis: Axis, args: Values, dims: Dims, *, jaxpr: Jaxpr, matvec: Jaxpr, transposed: Jaxpr | None,
           count: int) -> tuple[Values, Dims]:
    every = [*dims[:count], *[0] * (len(args) - count)]
    fronted = [front(x, d, axis.size) for x, d in zip(args[count:], dims[count:], strict=True)]
    solve, out_dims = batch_jaxpr(jaxpr, axis, every, True)
    back = None if transposed is None else batch_jaxpr(transposed, axis, every, True)[0]
    outs = bind(linear_solve_p, *args[:count], *fronted, jaxpr=solve, matvec=batch_jaxpr(matvec, axis, every, True)[0],
                transposed=back, count=count)
    return outs, out_dims


linear_solve_p = Primitive("linear_solve", _abstract, _impl, Inline.SUBJAXPR, _batch, jvp_joint=_jvp,
                           transpose=_transpose)
