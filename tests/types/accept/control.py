"""Loops and branches: what a body gets and gives decides every type."""
from __future__ import annotations

from typing import Any, NamedTuple, assert_type

import lantern.numpy as jnp
from lantern import lax
from lantern.typing import Bool, Dim, Float, Int


class Time(Dim):
    """Steps."""


class Units(Dim):
    """Of a layer."""


class State(NamedTuple):
    """A carry."""
    h: Float[Units]
    n: Int[()]

xs, w, h = jnp.ones((Time(8), Units(6))), jnp.ones((Units(6), Units(6))), jnp.ones((Units(6),))
state = State(h, jnp.zeros((), jnp.int32))


def step(h: Float[Units], x: Float[Units]) -> tuple[Float[Units], Float[()]]:
    """A recurrent layer."""
    h = jnp.tanh(h @ w + x)
    return h, h.sum()


def quiet(h: Float[Units], x: Float[Units]) -> tuple[Float[Units], None]:
    """Nothing is stacked."""
    return h * x, None


def again(h: Float[Units], _: None) -> tuple[Float[Units], Float[Units]]:
    """No rows."""
    return h, h


def named(s: State, x: Float[Units]) -> tuple[State, Float[Units]]:
    """A named tuple is carried."""
    return State(s.h + x, s.n + 1), s.h


def total(c: Float[()], x: Float[Units]) -> tuple[Float[()], Float[()]]:
    """A number comes first."""
    return c + x.sum(), c


def pair(s: tuple[Int[()], Float[Units]], x: Float[Units],
         ) -> tuple[tuple[Int[()], Float[Units]], tuple[Float[Units], Float[Units]]]:
    """Trees everywhere."""
    return (s[0] + 1, s[1]), (x, x)


def both(h: Float[Units], x: tuple[Float[Units], Float[()]]) -> tuple[Float[Units], Float[()]]:
    """Rows of two arrays."""
    return h * x[0], x[1]

assert_type(lax.scan(step, h, xs), tuple[Float[Units], Float[Time]])
assert_type(lax.scan(step, h, xs, reverse=True, unroll=4)[0], Float[Units])
assert_type(lax.scan(quiet, h, xs), tuple[Float[Units], None])
assert_type(lax.scan(again, h, length=3), tuple[Float[Units], Float[Any, Units]])
assert_type(lax.scan(named, state, xs), tuple[State, Float[Time, Units]])
assert_type(lax.scan(total, 0.0, xs), tuple[Float[()], Float[Time]])
assert_type(lax.scan(pair, (0, h), xs)[0][1], Float[Units])
assert_type(lax.scan(both, h, (xs, xs.sum(1))), tuple[Float[Units], Float[Any]])
assert_type(lax.scan(lambda c, x: (c * x, c), h, xs), tuple[Float[Units], Float[Time, Units]])
assert_type(lax.truncated_scan(step, h, xs, every=4), tuple[Float[Units], Float[Time]])
assert_type(lax.map(jnp.sum, xs), Float[Time])


def norm(x: Float[Units]) -> Float[()]:
    """Of one row."""
    return (x * x).sum()


assert_type(lax.map(norm, xs, batch_size=2), Float[Time])


def small(h: Float[Units]) -> Bool[()]:
    """A condition."""
    return (h < 3.0).all()


def double(h: Float[Units]) -> Float[Units]:
    """A body."""
    return h * 2.0


def add_number(i: Int[()], h: Float[Units]) -> Float[Units]:
    """A numbered body."""
    return h + 1.0


assert_type(lax.while_loop(small, double, h), Float[Units])
assert_type(lax.while_loop(lambda h: (h < 3.0).all(), lambda h: h * 2.0, h), Float[Units])
assert_type(lax.fori_loop(0, 3, add_number, h), Float[Units])
assert_type(lax.fori_loop(0, 3, lambda i, h: h * 2.0, h), Float[Units])
assert_type(lax.cond(h.sum() > 0, double, jnp.sin, h), Float[Units])
assert_type(lax.cond(h.sum() > 0, lambda x: x * 2.0, lambda x: -x, h), Float[Units])
assert_type(lax.switch(jnp.array(1), [double, double], h), Float[Units])
assert_type(lax.associative_scan(jnp.maximum, xs), Float[Time, Units])
assert_type(lax.associative_scan(lambda a, b: a * b, xs), Float[Time, Units])
