"""`checkpoint`, which is `remat`: less memory for derivatives, for the price of computing values a second time."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, overload

from lantern import tree
from lantern.calls import is_outside, joined, positions_of
from lantern.flat import Flat, Function, as_result, name_of
from lantern.source import user_source
from lantern.trace.context import bind
from lantern.tracebacks import boundary
from lantern.transforms.remat import Policy, named, nothing_saveable, remat_p

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class _Dynamic:
    """f as a function of its arguments but the static ones."""

    def __init__(self, f: Function, positions: Sequence[int], args: tuple[Any, ...]) -> None:
        self.f, self.positions, self.args = f, positions, args
        self.__name__ = name_of(f)

    def __call__(self, *dynamic: Any, **kwargs: Any) -> Any:
        fixed = [self.args[i] for i in self.positions]
        return self.f(*joined(self.positions, len(self.args), fixed, dynamic), **kwargs)


@overload
def checkpoint(fun: Callable[P, R], *, prevent_cse: bool = True, policy: Policy | None = None,
               static_argnums: int | Sequence[int] = ()) -> Callable[P, R]: ...
@overload
def checkpoint(*, prevent_cse: bool = True, policy: Policy | None = None,
               static_argnums: int | Sequence[int] = ()) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def checkpoint(fun: Function | None = None, *, prevent_cse: bool = True, policy: Policy | None = None,
               static_argnums: int | Sequence[int] = ()) -> Any:
    """fun with the same values and derivatives, whose intermediate results are not kept for the derivative.

    Reverse mode runs fun a second time from its arguments when the cotangents arrive (Griewank and Walther 2000,
    Algorithm 799). `policy`, one of `lantern.checkpoint_policies`, says which results are kept all the same.
    `prevent_cse=False` lets the compiler find out that both runs compute the same, which loses the memory again; inside
    the body of a scan nothing can be found out, and a fence is not needed. Static arguments stay Python values.
    What fun closes over is differentiated as ever. A decorator, with or without options; also called `remat`.

    Raises TypeError for a policy that is no function, ArgumentError for static_argnums out of range.

    >>> import lantern, lantern.numpy as jnp
    >>> @checkpoint
    ... def layer(x):
    ...     return jnp.sin(jnp.sin(x))
    >>> float(lantern.grad(layer)(0.0))
    1.0
    """
    if fun is None:
        return partial(checkpoint, prevent_cse=prevent_cse, policy=policy, static_argnums=static_argnums)
    if not callable(fun):
        raise TypeError(f"checkpoint: wanted a function, got {fun!r}")
    if policy is not None and not callable(policy):
        raise TypeError(f"checkpoint({name_of(fun)}): the policy must be a function, such as "
                        f"checkpoint_policies.dots_saveable, got {policy!r}, at {user_source()}")
    positions = positions_of(fun, static_argnums, (), "checkpoint")
    params = {"policy": policy or nothing_saveable, "prevent_cse": prevent_cse, "name": f"checkpoint({name_of(fun)})"}

    @wraps(fun, updated=())
    @boundary
    def call(*args: Any, **kwargs: Any) -> Any:
        if is_outside():
            return fun(*args, **kwargs)
        static = [i for i in positions if i < len(args)]
        dynamic = [x for i, x in enumerate(args) if i not in static]
        flat = Flat(_Dynamic(fun, static, args) if static else fun, dynamic, kwargs, "checkpoint")
        t = flat.trace(flat.leaves, stage_all=True)
        outs = bind(remat_p, *t.captured, *flat.leaves, jaxpr=t.jaxpr, **params)
        return tree.unflatten(flat.out_tree, [as_result(x) for x in outs])

    return call


remat = checkpoint


def checkpoint_name(x: T, name: str) -> T:
    """x itself; policies such as `checkpoint_policies.save_only_these_names` know it by this name. x is a pytree.

    >>> float(checkpoint_name(1.5, "activation"))
    1.5
    """
    if not isinstance(name, str):   # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"checkpoint_name: the name must be a str, got {name!r}, at {user_source()}")
    leaves, treedef = tree.flatten(x)
    flat = Flat(_identity, leaves, {}, "checkpoint_name")
    return tree.unflatten(treedef, [as_result(named(leaf, name)) for leaf in flat.leaves])


def _identity(*leaves: Any) -> Any:
    return leaves
