"""`custom_vmap`: functions that say themselves how they are mapped over one more axis."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from lantern import tree
from lantern.calls import (
    Call,
    check_callable,
    fitted,
    is_outside,
    pair_of,
    resolved,
    run_now,
    run_rule,
    stage_call,
    wrong,
)
from lantern.errors import CustomRuleError
from lantern.flat import Function, as_result, name_of
from lantern.source import user_source
from lantern.trace.context import bind
from lantern.trace.primitive import Axis, Value
from lantern.tracebacks import boundary
from lantern.transforms.custom_vmap import custom_vmap_p

P = ParamSpec("P")
R = TypeVar("R")
Rest = ParamSpec("Rest")
T = TypeVar("T")
Rule = TypeVar("Rule", bound=Callable[..., Any])


class custom_vmap(Generic[P, R]):   # JAX's name, used as a decorator
    """A function with a rule of the user's own for `vmap`.

    `def_vmap` gives it: `rule(axis_size, in_batched, *args) -> (out, out_batched)`. `in_batched` looks like args, with
    a bool at each leaf that says whether it has the new axis in front; `out_batched` looks like out and says the same
    of the results. `grad` and `jvp` of the mapped function differentiate the rule.

    Raises CustomRuleError if there is no rule, or if it returns what does not fit; ArgumentError if the function uses a
    mapped value that is none of its arguments.

    >>> import lantern, lantern.numpy as jnp
    >>> @custom_vmap
    ... def product(w, x):
    ...     return w @ x
    >>> @product.def_vmap
    ... def product_rule(axis_size, in_batched, w, x):
    ...     w_mapped, x_mapped = in_batched
    ...     return (x @ w.T if x_mapped and not w_mapped else lantern.vmap(jnp.matmul, (0, 0))(w, x)), True
    >>> lantern.vmap(product, (None, 0))(jnp.eye(2), jnp.ones((3, 2))).shape
    (3, 2)
    """

    def __init__(self, fun: Callable[P, R]) -> None:
        if not callable(fun):
            raise TypeError(f"custom_vmap: wanted a function, got {fun!r}")
        self.fun = fun
        self.rule: Function | None = None
        update_wrapper(self, fun, updated=())
        self.__name__ = name_of(fun)

    @overload
    def __get__(self, instance: None, owner: Any = None) -> custom_vmap[P, R]: ...
    @overload
    def __get__(self: custom_vmap[Concatenate[T, Rest], R], instance: T, owner: Any = None) -> Callable[Rest, R]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else partial(self, instance)

    def __repr__(self) -> str:
        return f"<{self.title}>"

    @property
    def title(self) -> str:
        """What messages call the function."""
        return f"custom_vmap({self.__name__})"

    def def_vmap(self, vmap_rule: Rule) -> Rule:
        """Set the rule, and return it."""
        check_callable(self.title, vmap_rule=vmap_rule)
        self.rule = vmap_rule
        return vmap_rule

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's own value; `vmap` follows the rule."""
        return boundary(self._call)(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self.rule is None:
            raise CustomRuleError(f"{self.title} has no rule, at {user_source()}. Define one: "
                                  f"{self.__name__}.def_vmap(rule)")
        given = resolved(self.fun, args, kwargs, "custom_vmap")
        if is_outside():
            return run_now(self.fun, given, (), "custom_vmap")
        staged = stage_call(self.fun, given, (), "custom_vmap")
        outs = bind(custom_vmap_p, *staged.operands, jaxpr=staged.jaxpr, rule=_Rule(staged.call, self.rule),
                    captured=staged.captured, name=self.title)
        return tree.unflatten(staged.call.out_tree, [as_result(x) for x in outs])


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """A rule over leaves."""

    call: Call
    rule: Function

    def __call__(self, axis: Axis, args: Sequence[Value], mapped: Sequence[bool]) -> tuple[list[Value], list[bool]]:
        call = self.call
        in_batched = list(tree.unflatten(call.in_tree, mapped))
        result = run_rule(call.title, self.rule, axis.size, in_batched, *call.arguments(args))
        out, out_batched = pair_of(call.title, self.rule, result, "(out, out_batched)")
        flags, treedef = tree.flatten(out_batched)
        if treedef is not call.out_tree:
            raise wrong(call.title, self.rule, f"returned out_batched of the structure {treedef}, wanted a bool for "
                                               f"each leaf of the result, {call.out_tree}")
        for f in flags:
            if not isinstance(f, bool):
                raise wrong(call.title, self.rule, f"returned {f!r} in out_batched, wanted True or False")
        avals = [a.with_shape((axis.size, *a.shape)) if f else a for a, f in zip(call.out_avals, flags, strict=True)]
        leaves, found = tree.flatten(out)
        if found is not call.out_tree:
            raise wrong(call.title, self.rule, f"returned an output of the structure {found}, wanted that of the "
                                               f"result, {call.out_tree}")
        words = [f"output {p} (out_batched says {f})".replace("  ", " ")
                 for p, f in zip(tree.paths(call.out_tree), flags, strict=True)]
        return [fitted(call.title, self.rule, x, a, w) for x, a, w in zip(leaves, avals, words, strict=True)], flags

    def __str__(self) -> str:
        return name_of(self.rule)
