"""Solvers whose derivatives are those of the solution, not of the solver's steps: `custom_root`, `custom_linear_solve`.

By the implicit function theorem: f(x, p) = 0 gives dx = -(df/dx)^-1 df/dp dp (Blondel et al. 2022, "Efficient and
modular implicit differentiation").
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from lantern import tree
from lantern.api import jvp, linearize
from lantern.calls import check_callable, is_outside, pair_of
from lantern.closures import closure_convert, linear_transpose
from lantern.custom_rules import call_with_rule_of_outputs
from lantern.dtypes import is_inexact
from lantern.errors import CustomRuleError
from lantern.flat import Flat, as_result, name_of
from lantern.ops.elementwise import neg
from lantern.source import user_source
from lantern.trace.context import bind, typeof
from lantern.trace.jaxpr import Jaxpr, Var
from lantern.trace.primitive import Value
from lantern.trace.staging import Traced
from lantern.tracebacks import boundary
from lantern.transforms.linear_solve import linear_solve_p
from lantern.transforms.masks import zeros

Function: TypeAlias = Callable[..., Any]


def custom_root(f: Function, initial_guess: Any, solve: Function, tangent_solve: Function,
                has_aux: bool = False) -> Any:
    """x with f(x) = 0, differentiable in what f closes over.

    `solve(f, initial_guess)` finds x, in any way: its steps are not differentiated, and the guess has no derivative.
    `tangent_solve(g, y)` solves g(x) = y for the linear function g, the derivative of f at the root; for reverse mode
    it must be linear in y (a division by `g(1.0)`, a dense solve, or `custom_linear_solve`). x and f(x) are pytrees of
    one structure. With `has_aux`, solve returns `(x, aux)`, and so does this; aux has no derivative.

    Raises CustomRuleError, naming the function, where structures, shapes or dtypes do not agree.

    >>> import lantern
    >>> def newton(f, x):
    ...     for _ in range(20):
    ...         y, slope = lantern.value_and_grad(f)(x)
    ...         x = x - y / slope
    ...     return x
    >>> def root(a):
    ...     return custom_root(lambda x: x * x - a, 1.0, newton, lambda g, y: y / g(1.0))
    >>> round(float(root(9.0)), 5), round(float(lantern.grad(root)(9.0)), 5)
    (3.0, 0.16667)
    """
    return boundary(_custom_root)(f, initial_guess, solve, tangent_solve, has_aux)


def _custom_root(f: Function, guess: Any, solve: Function, tangent_solve: Function, has_aux: bool) -> Any:
    check_callable("custom_root", f=f, solve=solve, tangent_solve=tangent_solve)
    outside: tuple[Function, list[Any]] = f, []
    converted, values = outside if is_outside() else closure_convert(f, guess)
    like = Flat(_identity, (guess,), {}, "custom_root")
    _check_like(like, f, "f", converted(guess, *values))

    def root(guess: Any, values: Sequence[Any]) -> Any:
        def of_x(x: Any) -> Any:
            return converted(x, *values)

        found = solve(of_x, guess)
        x = pair_of("custom_root", solve, found, "(x, aux), since has_aux=True")[0] if has_aux else found
        _check_like(like, solve, "solve", x)
        return found

    def rule(primals: tuple[Any, Any], found: Any, tangents: tuple[Any, Any]) -> Any:
        (_, values), (_, moves) = primals, tangents
        x = found[0] if has_aux else found
        right = tree.map(zeros_like, x)
        if values:
            right = jvp(lambda *given: converted(x, *given), tuple(values), tuple(moves))[1]
        push = linearize(lambda x: converted(x, *values), x)[1]
        dx = tangent_solve(push, tree.map(neg, right))
        _check_like(like, tangent_solve, "tangent_solve", dx)
        return (dx, tree.map(zeros_like, found[1])) if has_aux else dx

    return call_with_rule_of_outputs(root, rule, (guess, list(values)), "custom_root")


def _identity(x: Any) -> Any:
    return x


def zeros_like(x: Any) -> Any:
    """Zeros of x's type."""
    return as_result(zeros(typeof(x).strong()))


def _check_like(like: Flat, function: Function, role: str, found: Any) -> None:
    """Raises CustomRuleError unless `found` has the structure, shapes and dtypes of the one argument of `like`."""
    wanted = like.treedef.children[0].children[0]
    leaves, treedef = tree.flatten(found)
    where = f"{like.verb}: {role}, {name_of(function)},"
    if treedef is not wanted:
        raise CustomRuleError(f"{where} must return the structure {wanted}, got {treedef}, at {user_source()}")
    for x, aval, path in zip(leaves, like.avals, tree.paths(wanted), strict=True):
        got = Flat(_identity, (x,), {}, like.verb).avals[0]
        if got.shape != aval.shape or (got.dtype != aval.dtype and not (got.weak or aval.weak)):
            raise CustomRuleError(f"{where} must return {aval.strong()}{f' at {path}' if path else ''}, got {got}, at "
                                  f"{user_source()}")


def custom_linear_solve(matvec: Function, b: Any, solve: Function, transpose_solve: Function | None = None,
                        symmetric: bool = False) -> Any:
    """x with matvec(x) = b, differentiable in b and in what the linear function `matvec` closes over.

    `solve(matvec, b)` finds x; derivatives are solves again, and its steps are not differentiated. For reverse mode
    give `transpose_solve(vecmat, b)`, which solves the transposed system, or `symmetric=True`. x and b are pytrees of
    one structure. Under a transform the solver is traced once for all right-hand sides, so it may not branch on values
    in Python: use `while_loop`, `fori_loop` or `scan`.

    Raises CustomRuleError where structures, shapes or dtypes do not agree, NotDifferentiableError in reverse mode
    without a transposed solver.

    >>> import lantern, lantern.numpy as jnp
    >>> def solve_diagonal(scale, b):
    ...     return custom_linear_solve(lambda x: scale * x, b, lambda matvec, b: b / scale, symmetric=True)
    >>> g = lantern.grad(lambda s, b: jnp.sum(solve_diagonal(s, b)))(jnp.array([2.0]), jnp.array([8.0]))
    >>> g.tolist()
    [-2.0]
    """
    return boundary(_custom_linear_solve)(matvec, b, solve, transpose_solve, symmetric)


def _custom_linear_solve(matvec: Function, b: Any, solve: Function, transpose_solve: Function | None,
                         symmetric: bool) -> Any:
    check_callable("custom_linear_solve", matvec=matvec, solve=solve)
    like = Flat(_identity, (b,), {}, "custom_linear_solve")
    for name, aval in zip(like.names, like.avals, strict=True):
        if not is_inexact(aval.dtype):
            raise CustomRuleError(f"custom_linear_solve: b must hold floating-point numbers, got {aval} as `{name}`, "
                                  f"at {user_source()}")
    if is_outside():
        found = solve(matvec, b)
        _check_like(like, solve, "solve", found)
        return found
    product = _traced(like, b, matvec, "matvec", matvec)
    solution = _traced(like, b, partial(solve, matvec), "solve", solve)
    back = solution if symmetric else None
    if transpose_solve is not None and not symmetric:
        transposed = linear_transpose(matvec, b)

        def vecmat(ct: Any) -> Any:
            return transposed(ct)[0]

        back = _traced(like, b, partial(transpose_solve, vecmat), "transpose_solve", transpose_solve)
    consts = {id(x): x for t in (product, solution, *([back] if back else [])) for x in t.captured}
    jaxprs = [None if t is None else _over(t, consts) for t in (solution, product, back)]
    outs = bind(linear_solve_p, *consts.values(), *like.leaves, jaxpr=jaxprs[0], matvec=jaxprs[1],
                transposed=jaxprs[2], count=len(consts))
    return tree.unflatten(like.treedef.children[0].children[0], [as_result(x) for x in outs])


def _traced(like: Flat, b: Any, f: Function, role: str, shown: Function) -> Traced:
    """One of the functions, staged for any right-hand side."""
    def checked(x: Any) -> Any:
        found = f(x)
        _check_like(like, shown, role, found)
        return found

    checked.__name__ = f"{role} {name_of(shown)}"
    flat = Flat(checked, (b,), {}, "custom_linear_solve")
    flat.avals = [a.strong() for a in flat.avals]
    return flat.trace(None, stage_all=True)


def _over(t: Traced, consts: dict[int, Value]) -> Jaxpr:
    """The jaxpr with all constants in front, also those of the other functions."""
    own = {id(x): v for x, v in zip(t.captured, t.jaxpr.invars, strict=False)}
    first = [own.get(key) or Var(typeof(x)) for key, x in consts.items()]
    return Jaxpr((*first, *t.jaxpr.invars[len(t.captured):]), t.jaxpr.eqns, t.jaxpr.outvars)
