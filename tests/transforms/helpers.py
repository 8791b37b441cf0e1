"""What the tests of control flow share: comparisons, and all ways to a derivative."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern.trace.check import check_jaxpr
from lantern.trace.jaxpr import Eqn, Jaxpr, subjaxprs

F = Callable[..., Any]


def close(a: Any, b: Any, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def check_against(f: F, loop: F, args: Sequence[Any], order: int = 2) -> None:
    """f is `loop`, written with control flow: values and derivatives by each argument agree, in both modes, plain and
    compiled, to the given order."""
    close(f(*args), loop(*args))
    close(lantern.jit(f)(*args), loop(*args))
    generator = np.random.default_rng(len(args) + order)
    for i, x in enumerate(args):
        def one(x: Any, f: F = f, i: int = i) -> Any:
            return f(*args[:i], x, *args[i + 1:])

        def same(x: Any, i: int = i) -> Any:
            return one(x, loop, i)

        wanted = lantern.grad(same)(x)
        along = generator.normal(size=np.shape(x))
        close(lantern.grad(one)(x), wanted)
        close(lantern.grad(lantern.jit(one))(x), wanted)
        close(lantern.jit(lantern.grad(one))(x), wanted)
        close(lantern.jvp(one, (x,), (along,))[1], np.sum(np.asarray(wanted) * along))
        close(lantern.linearize(one, x)[1](along), np.sum(np.asarray(wanted) * along))
        check_jaxpr(lantern.make_jaxpr(lantern.grad(one))(x))
        if order > 1:
            def slope(x: Any, one: F = one, along: Any = along) -> Any:
                return jnp.sum(lantern.grad(one)(x) * along)

            def same_slope(x: Any, same: F = same, along: Any = along) -> Any:
                return jnp.sum(lantern.grad(same)(x) * along)

            wanted = lantern.grad(same_slope)(x)
            close(lantern.grad(slope)(x), wanted)
            close(lantern.jit(lantern.grad(lantern.jit(slope)))(x), wanted)
            close(lantern.jvp(lantern.grad(one), (x,), (along,))[1], wanted)
            close(lantern.grad(lambda x, one=one, along=along: lantern.jvp(one, (x,), (along,))[1])(x), wanted)
            check_jaxpr(lantern.make_jaxpr(lantern.grad(slope))(x))


def equations(jaxpr: Jaxpr, name: str) -> Iterator[Eqn]:
    """All equations of a primitive, those of sub-jaxprs included."""
    for e in jaxpr.eqns:
        if e.primitive.name == name:
            yield e
        for value in e.params.values():
            for sub in subjaxprs(value):
                yield from equations(sub, name)
