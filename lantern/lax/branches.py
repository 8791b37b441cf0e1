"""`cond` and `switch`: one of several functions runs, chosen by a value that only the running program knows."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from lantern import config
from lantern.dtypes import BOOL, I32, KEY, is_integer, no_numbers
from lantern.flat import name_of
from lantern.lax.bodies import Body, check_function, check_same_outputs, leaves_of, results, stage
from lantern.lax.operands import ArrayLike, argument_error, shape_error
from lantern.lax.plain import plain_choice
from lantern.ops.compare import ne
from lantern.ops.convert import convert
from lantern.ops.elementwise import clamp
from lantern.trace.context import bind, typeof
from lantern.trace.jaxpr import Jaxpr, Literal, Var
from lantern.trace.primitive import Value
from lantern.tracebacks import boundary
from lantern.transforms.cond import cond_p
from lantern.transforms.jit import jit_p

T = TypeVar("T")


def cond(pred: ArrayLike, true_fun: Callable[..., T], false_fun: Callable[..., T], *operands: Any) -> T:
    """`true_fun(*operands)` if pred holds, else `false_fun(*operands)`; only one of them runs.

    pred is a scalar: a bool, or a number that counts as true unless it is 0. Operands and results are pytrees; both
    functions are traced and must return the same structure, shapes and dtypes. Differentiable in both modes. Under
    `vmap` with a batched pred both run and `where` selects; the branch not taken must then be harmless for
    `grad(vmap(f))` (no infinite derivatives), which guarding its operand with `where` achieves.

    Raises TypeError for what is no function and for structures that differ, ShapeError for outputs of different types
    and for a pred that is no scalar.

    >>> import lantern.numpy as jnp
    >>> cond(jnp.array(2.0) > 1, lambda x: x + 1, lambda x: x * 10, 5.0).item()
    6.0
    """
    return boundary(_cond)(pred, true_fun, false_fun, operands)


def _cond(pred: ArrayLike, true_fun: Callable[..., T], false_fun: Callable[..., T], operands: Sequence[Any]) -> T:
    check_function("cond", "true_fun", true_fun)
    check_function("cond", "false_fun", false_fun)
    x = _scalar("cond", "pred", pred)
    chosen: Value
    if isinstance(x, (np.ndarray, Literal)):
        chosen = int(bool(_number(x)))
    else:
        chosen = convert(x if typeof(x).dtype == BOOL else ne(x, 0), I32)
    return _choose("cond", chosen, (false_fun, true_fun), operands, ("false_fun", "true_fun"))


def switch(index: ArrayLike, branches: Sequence[Callable[..., T]], *operands: Any) -> T:
    """`branches[index](*operands)`; only that branch runs. An index outside is moved to the nearest branch.

    index is a scalar integer. Operands and results are pytrees; all branches are traced and must return the same
    structure, shapes and dtypes. Differentiable in both modes; under `vmap` with a batched index all branches run.

    Raises ArgumentError without branches, TypeError for what is no function and for structures that differ, ShapeError
    for outputs of different types and for an index that is no scalar integer.

    >>> import lantern.numpy as jnp
    >>> switch(jnp.array(1), [jnp.sin, jnp.square, jnp.exp], 3.0).item()
    9.0
    """
    return boundary(_switch)(index, branches, operands)


def _switch(index: ArrayLike, branches: Sequence[Callable[..., T]], operands: Sequence[Any]) -> T:
    functions = tuple(branches)
    if not functions:
        raise argument_error("switch: wanted at least one branch, got none")
    for i, f in enumerate(functions):
        check_function("switch", f"branches[{i}]", f)
    x = _scalar("switch", "index", index)
    dtype = typeof(x).dtype
    if not is_integer(dtype):
        raise shape_error(f"switch: the index must be an integer, got {typeof(x)}", "Convert it with astype.")
    last = len(functions) - 1
    chosen: Value
    if isinstance(x, (np.ndarray, Literal)):
        chosen = min(max(int(_number(x)), 0), last)
    else:
        chosen = convert(clamp(0, x, min(last, int(np.iinfo(dtype).max))), I32)
    names = [f"branches[{i}] ({name_of(f)})" for i, f in enumerate(functions)]
    return _choose("switch", chosen, functions, operands, names)


def _scalar(function: str, name: str, given: Any) -> Value:
    found = leaves_of(function, given, name)
    avals = found.avals
    if len(avals) != 1 or found.names != [name] or avals[0].shape:
        got = ", ".join(map(str, avals)) or "nothing"
        raise shape_error(f"{function}: {name} must be a scalar, got {got}", "Reduce it with any, all or sum, or use "
                          "lantern.numpy.where to choose elements." if function == "cond" else "")
    if avals[0].dtype is KEY:
        raise no_numbers(function, f"{name} is {avals[0]}")
    return found.values[0]


def _number(x: Any) -> Any:
    return x.value if isinstance(x, Literal) else x[()]


def _choose(function: str, chosen: Value, branches: Sequence[Callable[..., T]], operands: Sequence[Any],
            names: Sequence[str]) -> T:
    """All branches are staged. An index that is known here decides at once."""
    if config.jit_disabled() and (out := plain_choice(chosen, branches, operands)):
        return out[0]
    given = [leaves_of(function, x, f"operands[{i}]") for i, x in enumerate(operands)]
    values = [x for g in given for x in g.values]
    paths = [n for g in given for n in g.names]
    bodies = [stage(function, f, [g.treedef for g in given], [typeof(x) for x in values], paths) for f in branches]
    check_same_outputs(function, bodies, names)
    if isinstance(chosen, int):
        body = bodies[chosen]
        outs = bind(jit_p, *body.captured, *values, jaxpr=body.jaxpr, name=f"{function}({name_of(branches[chosen])})")
        weak = [all([a.weak for a in same]) for same in zip(*[b.jaxpr.out_avals for b in bodies], strict=True)]
        outs = [convert(x, typeof(x).dtype, weak=w) for x, w in zip(outs, weak, strict=True)]
    else:
        captured = {id(x): x for b in bodies for x in b.captured}
        outs = bind(cond_p, chosen, *captured.values(), *values,
                    branches=tuple([_with_all_captured(b, captured) for b in bodies]))
    return results(bodies[0].out_tree, outs)


def _with_all_captured(body: Body, captured: dict[int, Value]) -> Jaxpr:
    """A branch that takes what any branch captured."""
    mine = dict(zip(map(id, body.captured), body.jaxpr.invars, strict=False))
    head = [mine[k] if k in mine else Var(typeof(x)) for k, x in captured.items()]
    return Jaxpr((*head, *body.jaxpr.invars[len(body.captured):]), body.jaxpr.eqns, body.jaxpr.outvars)
