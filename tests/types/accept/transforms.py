"""What the transforms make of a function's type: every result is asserted."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar, TypeVarTuple, assert_type

import lantern
import lantern.numpy as jnp
from lantern.stages import Lowered, Traced
from lantern.trace.jaxpr import Jaxpr
from lantern.typing import Dim, Float


class Batch(Dim):
    """Examples."""


class Pixels(Dim):
    """What goes in."""


class Hidden(Dim):
    """What comes out."""


class Params(NamedTuple):
    """A pytree."""

    weight: Float[Pixels, Hidden]
    bias: Float[Hidden]


L = TypeVarTuple("L")
K = TypeVar("K")
M = TypeVar("M")
Three = Literal[3]
Five = Literal[5]
x, w = jnp.ones((Batch(8), Pixels(6))), jnp.ones((Pixels(6), Hidden(7)))
params = Params(w, jnp.ones((Hidden(7),)))
v = jnp.ones((Pixels(6),))


def loss(w: Float[Pixels, Hidden], x: Float[Batch, Pixels]) -> Float[()]:
    """A scalar."""
    return (x @ w).sum()


def layer(x: Float[Pixels], w: Float[Pixels, Hidden]) -> Float[Hidden]:
    """One example."""
    return jnp.tanh(x @ w)


def matmul(x: Float[*L, K], w: Float[K, M]) -> Float[*L, M]:
    """Polymorphic."""
    return x @ w


def model_loss(params: Params, x: Float[Batch, Pixels], *, scale: float = 1.0) -> Float[()]:
    """A pytree, and an argument by name."""
    return (x @ params.weight + params.bias).mean() * scale


def with_aux(w: Float[Pixels, Hidden], x: Float[Batch, Pixels]) -> tuple[Float[()], Float[Batch, Hidden]]:
    """A scalar and something else."""
    y = x @ w
    return y.sum(), y


def square(x: Float[Pixels]) -> Float[Pixels]:
    """As many out as in."""
    return x * x


def energy(x: Float[Pixels]) -> Float[()]:
    """For hessians."""
    return (x * x * x).sum()


# jit keeps the signature
assert_type(lantern.jit(loss)(w, x), Float[()])
assert_type(lantern.jit(loss)(w=w, x=x), Float[()])
assert_type(lantern.jit(matmul)(jnp.ones((3, 4)), jnp.ones((4, 5))), Float[Three, Five])
assert_type(lantern.jit(model_loss)(params, x, scale=2.0), Float[()])
assert_type(lantern.jit(loss).trace(w, x), Traced)
assert_type(lantern.jit(loss).lower(w, x), Lowered)
assert_type(lantern.jit(loss).n_compiles, int)
assert_type(lantern.make_jaxpr(loss)(w, x), Jaxpr)


class Network:
    """Methods can be compiled."""

    @lantern.jit(static_argnames="self")
    def forward(self, x: Float[*L, Pixels], w: Float[Pixels, M]) -> Float[*L, M]:
        """Polymorphic."""
        return x @ w

    @lantern.jit(static_argnums=0, static_argnames="power")
    def powers(self, x: Float[Batch, Pixels], *, power: int = 2) -> Float[Pixels]:
        """An argument by name."""
        return (x ** power).sum(0)


assert_type(Network().forward(x, w), Float[Batch, Hidden])
assert_type(Network().powers(x, power=3), Float[Pixels])

# gradients have the types of the arguments
assert_type(lantern.grad(loss)(w, x), Float[Pixels, Hidden])
assert_type(lantern.grad(loss, 1)(w, x), Float[Batch, Pixels])
assert_type(lantern.grad(loss, argnums=(0, 1))(w, x), tuple[Float[Pixels, Hidden], Float[Batch, Pixels]])
assert_type(lantern.value_and_grad(loss)(w, x), tuple[Float[()], Float[Pixels, Hidden]])
assert_type(lantern.grad(model_loss)(params, x), Params)
assert_type(lantern.value_and_grad(model_loss)(params, x, scale=2.0), tuple[Float[()], Params])
assert_type(lantern.grad(with_aux, has_aux=True)(w, x), tuple[Float[Pixels, Hidden], Float[Batch, Hidden]])
assert_type(lantern.value_and_grad(with_aux, has_aux=True)(w, x),
            tuple[tuple[Float[()], Float[Batch, Hidden]], Float[Pixels, Hidden]])
assert_type(lantern.jit(lantern.grad(lantern.jit(loss)))(w, x), Float[Pixels, Hidden])

# vmap adds an axis
assert_type(lantern.vmap(square)(x), Float[Batch, Pixels])
assert_type(lantern.vmap(layer, in_axes=(0, None))(x, w), Float[Batch, Hidden])
assert_type(lantern.jit(lantern.vmap(layer, in_axes=(0, None)))(x, w), Float[Batch, Hidden])
assert_type(lantern.vmap(lantern.jit(layer), (0, None))(x, w), Float[Batch, Hidden])
assert_type(lantern.vmap(layer, (0, None), out_axes=1)(x, w), Float[Hidden, Batch])
assert_type(lantern.vmap(lantern.grad(energy))(x), Float[Batch, Pixels])
assert_type(lantern.vmap(lantern.vmap(square))(jnp.ones((3, Batch(8), Pixels(6)))), Float[Three, Batch, Pixels])
assert_type(lantern.vmap(square, axis_name="batch")(x), Float[Batch, Pixels])
assert_type(lantern.vmap(lantern.value_and_grad(energy))(x), tuple[Float[Batch], Float[Batch, Pixels]])


def scores(params: Params, x: Float[Pixels]) -> Float[Hidden]:
    """A pytree that is not mapped."""
    return x @ params.weight + params.bias


assert_type(lantern.vmap(scores, in_axes=(None, 0))(params, x), Float[Batch, Hidden])

# derivatives of functions with several outputs
assert_type(lantern.jvp(square, (v,), (v,)), tuple[Float[Pixels], Float[Pixels]])
value, pull = lantern.vjp(layer, v, w)
assert_type(value, Float[Hidden])
assert_type(pull(value), tuple[Float[Pixels], Float[Pixels, Hidden]])
out, push = lantern.linearize(square, v)
assert_type(push(v), Float[Pixels])
assert_type(lantern.jacfwd(layer)(v, w), Float[Hidden, Pixels])
assert_type(lantern.jacrev(layer, 1)(v, w), Float[Hidden, Pixels, Hidden])
assert_type(lantern.hessian(energy)(v), Float[Pixels, Pixels])

# the results are ordinary functions
step: Callable[[Float[Pixels, Hidden], Float[Batch, Pixels]], Float[Pixels, Hidden]] = lantern.jit(lantern.grad(loss))
anything: Callable[..., Any] = lantern.jit(loss)

# lambdas: their parameters are arrays of unknown type, and are not reported
gradient = lantern.grad(lambda x: jnp.sum(x * 2.0))
slope = lantern.value_and_grad(lambda x: jnp.sum(jnp.square(x)))
nested = lantern.vmap(lantern.vmap(lantern.vmap(lantern.grad(energy))))(jnp.ones((3, 5, Batch(8), Pixels(6))))
assert_type(nested, Float[Three, Five, Batch, Pixels])
