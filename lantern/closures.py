"""Functions made explicit: `closure_convert`, `linear_transpose`."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lantern import tree
from lantern.dtypes import is_inexact
from lantern.errors import ArgumentError, NotDifferentiableError
from lantern.flat import Flat, Function, Stand, as_result, as_values
from lantern.source import Source, user_source
from lantern.trace.array import is_array, is_host_array
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.context import typeof
from lantern.trace.interpret import eval_jaxpr
from lantern.trace.jaxpr import Jaxpr, dce
from lantern.trace.primitive import Value
from lantern.trace.staging import Traced, Tracer
from lantern.tracebacks import boundary
from lantern.transforms.jvp import jvp_jaxpr
from lantern.transforms.masks import materialise, merge, pick
from lantern.transforms.partial_eval import partial_eval_jaxpr
from lantern.transforms.transpose import transpose_eval


def closure_convert(fun: Function, *example_args: Any) -> tuple[Callable[..., Any], list[Any]]:
    """`(converted, values)`: the traced values that fun closes over, and fun as a function of its arguments and these.

    `converted(*args, *values)` is `fun(*args)`, for arguments of the example's structure, shapes and dtypes. For rules
    of custom functions, which know arguments only. Arrays that are not traced stay inside. fun is traced once here, so
    it may not branch on the values of its arguments.

    >>> import lantern
    >>> def solve(scale):
    ...     converted, values = closure_convert(lambda x: x * scale, 1.0)
    ...     return converted(3.0, *values)
    >>> float(lantern.grad(solve)(2.0))
    3.0
    """
    _check_function("closure_convert", fun)
    flat = Flat(fun, example_args, {}, "closure_convert")
    t = flat.trace(None, stage_all=True)
    hoisted = [isinstance(x, Tracer) for x in t.captured]
    kept = pick(t.captured, hoisted, False)

    def converted(*args: Any) -> Any:
        count = len(example_args)
        leaves, treedef = tree.flatten((args[:count], {}))
        values = as_values(leaves, lambda: flat.names, flat.title)
        avals = [*flat.avals, *[typeof(x) for x in pick(t.captured, hoisted)]]
        found = [*values, *as_values(args[count:], lambda: ["a closed-over value"] * len(args), flat.title)]
        _check_like(flat, treedef, found, avals)
        operands = merge(hoisted, found[len(values):], kept)
        outs = eval_jaxpr(t.jaxpr, [*operands, *values])
        return tree.unflatten(flat.out_tree, [as_result(x) for x in outs])

    return boundary(converted), pick(t.captured, hoisted)


def _check_function(verb: str, fun: Any) -> None:
    if not callable(fun):
        raise TypeError(f"{verb}: wanted a function, got {fun!r}, at {user_source()}")


def _check_like(flat: Flat, treedef: tree.TreeDef, values: Sequence[Value], avals: Sequence[ShapedArray]) -> None:
    if treedef is not flat.treedef or len(values) != len(avals):
        raise ArgumentError(f"{flat.title}: the converted function wants arguments of the structure "
                            f"{flat.treedef.children[0]} and {len(avals) - len(flat.avals)} closed-over values, got "
                            f"{treedef.children[0]} and {len(values) - treedef.num_leaves}, at {user_source()}")
    for x, aval in zip(values, avals, strict=True):
        got = typeof(x)
        if got.shape != aval.shape or (got.dtype != aval.dtype and not got.weak):
            raise ArgumentError(f"{flat.title}: the converted function wants {aval}, got {got}, at {user_source()}")


def linear_transpose(fun: Function, *primals: Any) -> Callable[..., tuple[Any, ...]]:
    """The transpose of a linear function: from a cotangent of its result to a tuple of cotangents of its arguments.

    `primals` say the structure, shapes and dtypes of the arguments: arrays, or anything with shape and dtype. A
    constant that fun adds does not matter.

    Raises NotDifferentiableError if fun is not linear, naming the line; ArgumentError for arguments that are not
    floating-point, and for a cotangent that does not look like the result.

    >>> import lantern.numpy as jnp
    >>> back = linear_transpose(lambda x: 2.0 * x[:2], jnp.zeros(3))
    >>> back(jnp.ones(2))[0].tolist()
    [2.0, 2.0, 0.0]
    """
    return boundary(_linear_transpose)(fun, primals)


def _stand(x: Any) -> Any:
    described = not is_array(x) and not is_host_array(x) and hasattr(x, "shape") and hasattr(x, "dtype")
    return Stand(shaped(tuple(x.shape), x.dtype)) if described else x


def _linear_transpose(fun: Function, primals: tuple[Any, ...]) -> Callable[..., tuple[Any, ...]]:
    _check_function("linear_transpose", fun)
    flat = Flat(fun, tree.map(_stand, primals), {}, "linear_transpose")
    for name, aval in zip(flat.names, flat.avals, strict=True):
        if not is_inexact(aval.dtype):
            raise ArgumentError(f"{flat.title}: argument `{name}` is {aval}; only floating-point arguments can be "
                                f"linear, at {user_source()}")
    t = flat.trace(None, stage_all=True)
    lin, nonzero = _linear_part(t, flat)

    def transposed(cotangent: Any) -> tuple[Any, ...]:
        leaves, treedef = tree.flatten(cotangent)
        if treedef is not flat.out_tree:
            raise ArgumentError(f"{flat.title}: wanted a cotangent of the structure {flat.out_tree}, got {treedef}, at "
                                f"{user_source()}")
        cts = as_values(leaves, lambda: tree.paths(flat.out_tree, "cotangent"), flat.title)
        for c, aval in zip(cts, t.jaxpr.out_avals, strict=True):
            got = typeof(c)
            if got.shape != aval.shape or (got.dtype != aval.dtype and not got.weak):
                raise ArgumentError(f"{flat.title}: wanted a cotangent {aval.strong()}, got {got}, at {user_source()}")
        linear = [False] * len(t.captured) + [True] * len(flat.leaves)
        back = transpose_eval(lin, linear, t.captured, pick(cts, nonzero))
        return tree.unflatten(flat.treedef, [as_result(materialise(c)) for c in back])[0]

    return boundary(transposed)


def _linear_part(t: Traced, flat: Flat) -> tuple[Jaxpr, list[bool]]:
    """(captured, tangents) -> tangents: the derivative, which for a linear function does not depend on where it is
    taken. And which outputs have one."""
    count, n = len(t.captured), len(flat.leaves)
    j, nonzero = jvp_jaxpr(t.jaxpr, [*[False] * count, *[True] * n])
    known, later, unknown, _ = partial_eval_jaxpr(j, [*[False] * count, *[True] * n, *[False] * n])
    depends = unknown[len(nonzero):]
    if any(depends):
        raise NotDifferentiableError(f"{flat.title}: the function is not linear: its derivative depends on its "
                                     f"arguments, at {_line_of_output(later)}. Use vjp to transpose its derivative")
    first = unknown[: len(nonzero)].count(False)
    outs = known.outvars[first: first + len(depends)]
    return dce(Jaxpr(known.invars, known.eqns, outs)), nonzero


def _line_of_output(later: Jaxpr) -> Source | None:
    return next((e.source for e in reversed(later.eqns) if later.outvars[-1] in e.outvars), None) or user_source()
