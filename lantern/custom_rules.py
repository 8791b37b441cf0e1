"""`custom_jvp` and `custom_vjp`: functions whose derivative is what the user says."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar, cast, overload

import numpy as np

from lantern import tree
from lantern.calls import (
    Call,
    CustomFunction,
    as_argument,
    check_callable,
    fitted,
    is_outside,
    leaf_value,
    pair_of,
    run_now,
    run_rule,
    stage_call,
    wrong,
)
from lantern.dtypes import is_inexact
from lantern.errors import CustomRuleError
from lantern.flat import Function, as_result, name_of
from lantern.ops.elementwise import add
from lantern.source import user_source
from lantern.trace.array import is_array
from lantern.trace.aval import ShapedArray
from lantern.trace.context import bind, typeof
from lantern.trace.primitive import Tangent, Value, Zero
from lantern.tracebacks import boundary
from lantern.transforms.custom import OfOutputs, custom_jvp_p, custom_vjp_p
from lantern.transforms.masks import materialise, zeros
from lantern.tree import TreeDef

P = ParamSpec("P")
R = TypeVar("R")
Rest = ParamSpec("Rest")
T = TypeVar("T")
Rule = TypeVar("Rule", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class SymbolicZero:
    """A tangent that is zero, for rules defined with `symbolic_zeros=True`."""

    aval: ShapedArray

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return self.aval.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type."""
        return self.aval.dtype


class custom_jvp(CustomFunction[P, R]):    # JAX's name, used as a decorator
    """A function with a derivative rule of the user's own, for forward and reverse mode.

    `defjvp` gives the rule: `rule(primals, tangents) -> (out, tangent of out)`, where primals and tangents are tuples
    like the function's arguments, and the tangent looks like the result. It must be linear in the tangents. In front
    of these two come the arguments at `nondiff_argnums` (Python values, functions, arrays), which have no derivative.
    The rule runs only where a derivative is taken; it may branch and print on primals that are known there.

    Raises CustomRuleError if there is no rule, or if it returns another structure, shape or dtype;
    NotDifferentiableError if the function uses a value being differentiated that is none of its arguments.

    >>> import lantern, lantern.numpy as jnp
    >>> @custom_jvp
    ... def softplus(x):
    ...     return jnp.log1p(jnp.exp(x))
    >>> @softplus.defjvp
    ... def softplus_jvp(primals, tangents):
    ...     (x,), (dx,) = primals, tangents
    ...     return softplus(x), dx / (1.0 + jnp.exp(-x))
    >>> float(lantern.grad(softplus)(0.0)), float(lantern.grad(softplus)(100.0))
    (0.5, 1.0)
    """

    def __init__(self, fun: Callable[P, R], nondiff_argnums: int | Sequence[int] = (),
                 nondiff_argnames: str | Sequence[str] = ()) -> None:
        super().__init__(fun, nondiff_argnums, nondiff_argnames)
        self.rule: Function | None = None
        self.symbolic_zeros = False

    @overload
    def __get__(self, instance: None, owner: Any = None) -> custom_jvp[P, R]: ...
    @overload
    def __get__(self: custom_jvp[Concatenate[T, Rest], R], instance: T, owner: Any = None) -> Callable[Rest, R]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else partial(self, instance)

    def defjvp(self, jvp: Rule, symbolic_zeros: bool = False) -> Rule:
        """Set the rule, and return it.

        With `symbolic_zeros`, tangents that are zero arrive as `SymbolicZero`, and may be returned as such.
        """
        check_callable(self.title, jvp=jvp)
        self.rule, self.symbolic_zeros = jvp, symbolic_zeros
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """Set one rule an argument: `rule(tangent, out, *primals)` is that argument's part of the result's tangent.

        None where it is zero. The parts are added.

        >>> import lantern, lantern.numpy as jnp
        >>> square = custom_jvp(lambda x: x * x)
        >>> square.defjvps(lambda t, out, x: 2.0 * x * t)
        >>> float(lantern.grad(square)(3.0))
        6.0
        """
        if self.nondiff:
            raise CustomRuleError(f"{self.title}: defjvps cannot be used with nondiff_argnums, at {user_source()}. "
                                  "Use defjvp")
        self.defjvp(_Parts(cast("custom_jvp[..., Any]", self), jvps), symbolic_zeros=True)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's own value; derivatives follow the rule."""
        return boundary(self._call)(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        rule = self.rule
        if rule is None:
            raise self.without_rule("defjvp(rule)")
        return self.run(args, kwargs, custom_jvp_p, lambda staged: {
            "rule": _Jvp(staged.call, rule, self.symbolic_zeros), "fixed": staged.fixed})


class _Parts:
    """The rule that `defjvps` makes."""

    def __init__(self, function: custom_jvp[..., Any], rules: Sequence[Function | None]) -> None:
        self.function, self.rules = function, rules
        self.__name__ = "defjvps"

    def __call__(self, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        if len(self.rules) != len(primals):
            raise CustomRuleError(
                f"{self.function.title}: defjvps got {len(self.rules)} rules for {len(primals)} arguments, at "
                f"{user_source()}. Give one for each, None where the derivative is zero")
        out = self.function(*primals)
        total: Any = None
        for rule, tangent in zip(self.rules, tangents, strict=True):
            if rule is not None and not all([type(t) is SymbolicZero for t in tree.leaves(tangent)]):
                part = rule(tree.map(_written_out, tangent), out, *primals)
                total = part if total is None else tree.map(add, total, part)
        return out, tree.map(_zero_like, out) if total is None else total


def _zero_like(x: Any) -> SymbolicZero:
    return SymbolicZero(typeof(x).strong())


def _written_out(t: Any) -> Any:
    return as_argument(zeros(t.aval)) if type(t) is SymbolicZero else t


@dataclass(frozen=True, slots=True, eq=False)
class _Jvp:
    """A jvp rule over leaves."""

    call: Call
    rule: Function
    symbolic_zeros: bool

    def __call__(self, fixed: Sequence[Value], primals: Sequence[Value],
                 tangents: Sequence[Tangent]) -> tuple[Sequence[Value], Sequence[Tangent]]:
        call, title = self.call, self.call.title
        given = [self._tangent(t) for t in tangents]
        result = run_rule(title, self.rule, *call.fixed_arguments(fixed), call.arguments(primals),
                          tree.unflatten(call.in_tree, given))
        out, tangent = pair_of(title, self.rule, result, "(out, tangent)")
        outs = call.outputs(self.rule, out, "the output", call.out_avals)
        leaves, treedef = tree.flatten(tangent)
        if treedef is not call.out_tree:
            raise wrong(title, self.rule, f"returned a tangent of the structure {treedef}, wanted that of the result, "
                                          f"{call.out_tree}")
        paths = tree.paths(call.out_tree)
        return outs, [self._checked(x, a, p) for x, a, p in zip(leaves, call.out_avals, paths, strict=True)]

    def _tangent(self, t: Tangent) -> Any:
        if type(t) is Zero and self.symbolic_zeros:
            return SymbolicZero(t.aval.strong())
        return as_argument(materialise(t))

    def _checked(self, x: Any, aval: ShapedArray, path: str) -> Tangent:
        if type(x) is SymbolicZero or not is_inexact(aval.dtype):
            return Zero(aval.strong())
        return fitted(self.call.title, self.rule, x, aval.strong(), f"the tangent of output {path}".rstrip())

    def __str__(self) -> str:
        return name_of(self.rule)


def call_with_rule_of_outputs(fun: Function, rule: Function, args: tuple[Any, ...], verb: str) -> Any:
    """`fun(*args)`, with `rule(primals, out, tangents)` for the tangent of the result. What fun closes over has no
    derivative, and that is meant."""
    if is_outside():
        return run_now(fun, args, (), verb)
    staged = stage_call(fun, args, (), verb)
    call = staged.call

    def of_leaves(fixed: Sequence[Value], primals: Sequence[Value], outs: Sequence[Value],
                  tangents: Sequence[Tangent]) -> Sequence[Tangent]:
        moves = tree.unflatten(call.in_tree, [as_argument(materialise(t)) for t in tangents])
        out = tree.unflatten(call.out_tree, [as_argument(x) for x in outs])
        found = run_rule(call.title, rule, call.arguments(primals), out, moves)
        avals = [a.strong() for a in call.out_avals]
        leaves = call.outputs(rule, found, "the tangent", avals)
        return [x if is_inexact(a.dtype) else Zero(a) for x, a in zip(leaves, avals, strict=True)]

    outs = bind(custom_jvp_p, *staged.operands, jaxpr=staged.jaxpr, rule=OfOutputs(of_leaves), captured=0,
                fixed=staged.captured, name=call.title)
    return tree.unflatten(call.out_tree, [as_result(x) for x in outs])


class custom_vjp(CustomFunction[P, R]):    # JAX's name, used as a decorator
    """A function with a rule of the user's own for reverse mode (grad, vjp, jacrev).

    `defvjp(fwd, bwd)` gives it: `fwd(*arguments) -> (out, residuals)` and `bwd(residuals, cotangent of out) -> a tuple
    of cotangents`, one for each argument, or None for zero. Residuals may hold anything. Arguments at `nondiff_argnums`
    (Python values, functions, arrays) have no derivative; `fwd` gets them in their places, `bwd` in front.
    The rules run only where a derivative is taken; they may branch and print on what is known there: outside jit,
    loops and checkpoint also on residuals and cotangents.

    Raises CustomRuleError if there is no rule, or if one returns what does not fit; NotDifferentiableError in forward
    mode, and if the function uses a value being differentiated that is none of its arguments.

    >>> import lantern, lantern.numpy as jnp
    >>> @custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, g: (jnp.clip(g, -1.0, 1.0),))
    >>> float(lantern.grad(lambda x: clipped(x) * 5.0)(2.0))
    1.0
    """

    def __init__(self, fun: Callable[P, R], nondiff_argnums: int | Sequence[int] = (),
                 nondiff_argnames: str | Sequence[str] = ()) -> None:
        super().__init__(fun, nondiff_argnums, nondiff_argnames)
        self.fwd: Function | None = None
        self.bwd: Function | None = None

    @overload
    def __get__(self, instance: None, owner: Any = None) -> custom_vjp[P, R]: ...
    @overload
    def __get__(self: custom_vjp[Concatenate[T, Rest], R], instance: T, owner: Any = None) -> Callable[Rest, R]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else partial(self, instance)

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """Set the two rules."""
        check_callable(self.title, fwd=fwd, bwd=bwd)
        self.fwd, self.bwd = fwd, bwd

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's own value; derivatives follow the rules."""
        return boundary(self._call)(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        fwd, bwd = self.fwd, self.bwd
        if fwd is None or bwd is None:
            raise self.without_rule("defvjp(fwd, bwd)")
        return self.run(args, kwargs, custom_vjp_p, lambda staged: {
            "fwd": _Forward(staged.call, fwd), "bwd": _Backward(staged.call, bwd), "fixed": staged.fixed})


@dataclass(frozen=True, slots=True, eq=False)
class _Residuals:
    """What `fwd` kept: the structure, and the leaves, arrays left out."""

    treedef: TreeDef
    leaves: tuple[Any, ...]
    fixed: int


class _Slot:
    """Stands for an array among the leaves of residuals."""


_SLOT = _Slot()


@dataclass(frozen=True, slots=True, eq=False)
class _Forward:
    """`fwd` over leaves. The arrays among the fixed arguments are residuals as well, the first ones."""

    call: Call
    rule: Function

    def __call__(self, fixed: Sequence[Value], args: Sequence[Value]) -> tuple[list[Value], list[Value], _Residuals]:
        call = self.call
        result = run_rule(call.title, self.rule, *call.all_arguments(fixed, args))
        out, residuals = pair_of(call.title, self.rule, result, "(out, residuals)")
        outs = call.outputs(self.rule, out, "the output", call.out_avals)
        leaves, treedef = tree.flatten(residuals)
        arrays = [x for x in leaves if _is_residual(x)]
        kept = _Residuals(treedef, tuple([_SLOT if _is_residual(x) else x for x in leaves]), len(fixed))
        return outs, [*fixed, *[leaf_value(x) for x in arrays]], kept

    def __str__(self) -> str:
        return name_of(self.rule)


def _is_residual(x: Any) -> bool:
    return is_array(x) or isinstance(x, np.ndarray)


@dataclass(frozen=True, slots=True, eq=False)
class _Backward:
    """`bwd` over leaves."""

    call: Call
    rule: Function

    def __call__(self, other: Any, residuals: Sequence[Value], cts: Sequence[Value]) -> Sequence[Value | None]:
        call, kept = self.call, cast(_Residuals, other)
        arrays = iter([as_argument(x) for x in residuals[kept.fixed:]])
        given = tree.unflatten(kept.treedef, [next(arrays) if x is _SLOT else x for x in kept.leaves])
        ct = tree.unflatten(call.out_tree, [as_argument(c) for c in cts])
        result = run_rule(call.title, self.rule, *call.fixed_arguments(residuals[: kept.fixed]), given, ct)
        return self._checked(result)

    def _checked(self, result: Any) -> list[Value | None]:
        call = self.call
        names = ", ".join([f"`{n}`" for n in call.names])
        if not isinstance(result, (tuple, list)):
            raise wrong(call.title, self.rule, f"must return a tuple of cotangents, for {names}, got "
                                               f"{type(result).__name__}", "Write (x,) for one argument")
        given = cast("Sequence[Any]", result)
        if len(given) != len(call.names):
            raise wrong(call.title, self.rule, f"returned {len(given)} cotangents for {len(call.names)} arguments, "
                                               f"{names}", "Return None for an argument whose cotangent is zero")
        leaves = [x for n, d, ct in zip(call.names, call.in_tree.children, given, strict=True)
                  for x in self._leaves(d, ct, n)]
        return [None if x is None or not is_inexact(a.dtype) else
                fitted(call.title, self.rule, x, a.strong(), f"the cotangent of `{n}`")
                for x, a, n in zip(leaves, call.in_avals, call.leaf_names, strict=True)]

    def _leaves(self, wanted: TreeDef, ct: Any, path: str) -> list[Any]:
        """The leaves of one cotangent; None stands for all leaves below it."""
        if ct is None:
            return [None] * wanted.num_leaves
        if wanted.node is None:
            if not tree.all_leaves([ct]):
                raise wrong(self.call.title, self.rule, f"returned a cotangent of `{path}` of the structure "
                                                        f"{tree.structure(ct)}, wanted one array")
            return [ct]
        top = tree.unflatten(wanted, [0] * wanted.num_leaves)
        if type(ct) is not type(top) or _keys(ct) != _keys(top):
            raise wrong(self.call.title, self.rule, f"returned a cotangent of `{path}` of the structure "
                                                    f"{tree.structure(ct)}, wanted {wanted}")
        parts = wanted.node.flatten(ct)[0]
        return [x for c, d, n in zip(parts, wanted.children, wanted.names, strict=True)
                for x in self._leaves(d, c, path + n)]

    def __str__(self) -> str:
        return name_of(self.rule)


def _keys(x: Any) -> TreeDef:
    """The structure of the outermost container alone."""
    return tree.structure(x, is_leaf=lambda y: y is not x)
