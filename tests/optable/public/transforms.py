"""Rows of public functions: the transforms, and trees."""
from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

import lantern
from tests.optable.public.row import S, one, told

F32 = np.float32
TREE = {"a": 1, "b": (2, 3)}


def cube(x: Any) -> Any:
    """x ** 3, summed."""
    return (x * x * x).sum()


def _ruled(m: Any, name: str) -> Any:
    """A function whose rule says that its derivative is 7."""
    f = getattr(m, name)(lambda x: x * 2)
    if name == "custom_jvp":
        f.defjvp(lambda primals, tangents: (primals[0] * 2, 7 * tangents[0]))
    else:
        f.defvjp(lambda x: (x * 2, None), lambda _, g: (7 * g,))
    return lantern.grad(f)(1.0)


def _staged(m: Any) -> Any:
    """A value that is computed while tracing, and may decide."""
    def f(x: Any) -> Any:
        with m.ensure_compile_time_eval():
            big = lantern.numpy.asarray(3.0) > 2
        return x * 2 if big else x

    return lantern.jit(f)(1.5)


def _named(m: Any) -> Any:
    with m.named_scope("room"):
        return lantern.jit(lambda x: x * 2)(2.0)


def _unjitted(m: Any) -> Any:
    with m.disable_jit():
        return lantern.jit(lambda x: x * 2 if x > 0 else x)(2.0)


TOP = [
    one("lantern", "jit", lambda m, x: m.jit(cube)(x), S, twin=cube, smooth=True),
    one("lantern", "vmap", lambda m, x: m.vmap(cube)(x), S, twin=lambda x: (x ** 3).sum(1), smooth=True),
    one("lantern", "grad", lambda m, x: m.grad(cube)(x), S, twin=lambda x: 3 * x * x, smooth=True),
    one("lantern", "value_and_grad", lambda m, x: m.value_and_grad(cube)(x), S, twin=lambda x: (cube(x), 3 * x * x)),
    one("lantern", "jvp", lambda m, x: m.jvp(cube, (x,), (x,)), S, twin=lambda x: (cube(x), 3 * cube(x))),
    one("lantern", "vjp", lambda m, x: m.vjp(cube, x)[1](2.0)[0], S, twin=lambda x: 6 * x * x),
    *[one("lantern", name, lambda m, x, name=name: getattr(m, name)(lambda v: v * v)(x), S[0],
          twin=lambda x: np.diag(2 * x)) for name in ("jacrev", "jacfwd", "jacobian")],
    one("lantern", "hessian", lambda m, x: m.hessian(cube)(x), S[0], twin=lambda x: np.diag(6 * x)),
    *[one("lantern", name, lambda m, x, name=name: lantern.grad(getattr(m, name)(cube))(x), S,
          twin=lambda x: 3 * x * x) for name in ("checkpoint", "remat")],
    *[told("lantern", name, lambda m, name=name: _ruled(m, name), 7.0) for name in ("custom_jvp", "custom_vjp")],
    one("lantern", "pure_callback", lambda m, x: m.pure_callback(np.sin, lantern.ShapeDtypeStruct(x.shape, x.dtype), x),
        S, twin=np.sin, mapped=False),
    one("lantern", "device_put", lambda m, x: m.device_put(x, "cpu"), S, twin=lambda x: x, mapped=False),
    one("lantern", "device_get", lambda m, x: m.device_get(x), S, twin=lambda x: x, mapped=False),
    one("lantern", "block_until_ready", lambda m, x: m.block_until_ready(x), S, twin=lambda x: x, mapped=False),
    one("lantern", "Array", lambda m, x: isinstance(lantern.numpy.asarray(x), m.Array), S, twin=lambda x: True,
        mapped=False),
    told("lantern", "ShapeDtypeStruct", lambda m: m.ShapeDtypeStruct((2, 3), F32).shape, (2, 3)),
    told("lantern", "eval_shape", lambda m: m.eval_shape(lambda x: x @ x.T, S).shape, (3, 3)),
    told("lantern", "make_jaxpr", lambda m: len(m.make_jaxpr(lambda x: x * 2)(1.0).eqns), 1),
    told("lantern", "default_backend", lambda m: m.default_backend(), "cpu"),
    told("lantern", "disable_jit", _unjitted, 4.0), told("lantern", "named_scope", _named, 4.0),
    told("lantern", "ensure_compile_time_eval", _staged, 3.0),
    told("lantern", "debug", lambda m: callable(m.debug.print), True),
]


class Point:
    """A pair that is registered as a tree."""

    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = x, y

    def tree_flatten(self) -> Any:
        """Parts, and nothing else."""
        return (self.x, self.y), None

    @classmethod
    def tree_unflatten(cls, _: Any, parts: Any) -> Point:
        """From parts."""
        return cls(*parts)


def _doubled(value: Any) -> Any:
    found: Any = lantern.tree.map(lambda v: 2 * v, value)
    return found.x, found.y


def _registered(m: Any) -> Any:
    class Pair(Point):
        """A class of this call's own."""

    m.register_pytree_node(Pair, lambda p: ((p.x, p.y), None), lambda _, parts: Pair(*parts))
    return _doubled(Pair(1, 2))


def _dataclass(m: Any) -> Any:
    @dataclass
    class Pair:
        """A class of this call's own."""

        x: Any
        y: Any

    return _doubled(m.register_dataclass(Pair)(x=1, y=2))


TREES = [
    told("tree", "map", lambda m: m.map(lambda v: v * 2, TREE), {"a": 2, "b": (4, 6)}),
    told("tree", "leaves", lambda m: m.leaves(TREE), [1, 2, 3]),
    told("tree", "flatten", lambda m: list(m.flatten(TREE)[0]), [1, 2, 3]),
    told("tree", "structure", lambda m: m.structure(TREE) == lantern.tree.flatten(TREE)[1], True),
    told("tree", "unflatten", lambda m: m.unflatten(lantern.tree.structure(TREE), [4, 5, 6]), {"a": 4, "b": (5, 6)}),
    told("tree", "all", lambda m: (m.all(TREE), m.all({"a": 0})), (True, False)),
    told("tree", "reduce", lambda m: m.reduce(operator.add, TREE), 6),
    told("tree", "map_with_path", lambda m: len(m.map_with_path(lambda p, v: len(p), TREE)["b"]), 2),
    told("tree", "register_pytree_node", _registered, (2, 4)),
    told("tree", "register_pytree_node_class", lambda m: _doubled(m.register_pytree_node_class(
        type("Pair", (Point,), {}))(1, 2)), (2, 4)),
    told("tree", "register_dataclass", _dataclass, (2, 4)),
]

ROWS = [*TOP, *TREES]
