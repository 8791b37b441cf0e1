"""`custom_vmap`: functions that say themselves how they are mapped over one more axis."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from lantern import tree
from lantern.calls import Call, CustomFunction, check_callable, fitted, pair_of, run_rule, wrong
from lantern.flat import Function, name_of
from lantern.trace.primitive import Axis, Value
from lantern.tracebacks import boundary
from lantern.transforms.custom_vmap import custom_vmap_p

P = ParamSpec("P")
R = TypeVar("R")
Rest = ParamSpec("Rest")
T = TypeVar("T")
Rule = TypeVar("Rule", bound=Callable[..., Any])


class custom_vmap(CustomFunction[P, R]):   # JAX's name, used as a decorator
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
        super().__init__(fun)
        self.rule: Function | None = None

    @overload
    def __get__(self, instance: None, owner: Any = None) -> custom_vmap[P, R]: ...
    @overload
    def __get__(self: custom_vmap[Concatenate[T, Rest], R], instance: T, owner: Any = None) -> Callable[Rest, R]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else partial(self, instance)

    def def_vmap(self, vmap_rule: Rule) -> Rule:
        """Set the rule, and return it."""
        check_callable(self.title, vmap_rule=vmap_rule)
        self.rule = vmap_rule
        return vmap_rule

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's own value; `vmap` follows the rule."""
        return boundary(self._call)(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        rule = self.rule
        if rule is None:
            raise self.without_rule("def_vmap(rule)")
        return self.run(args, kwargs, custom_vmap_p, lambda staged: {"rule": _Rule(staged.call, rule)})


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
