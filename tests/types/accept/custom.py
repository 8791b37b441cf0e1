"""Decorators for rules keep the signature of what they decorate."""
from __future__ import annotations

from typing import Any, assert_type

import lantern
import lantern.numpy as jnp
from lantern.custom_batching import custom_vmap
from lantern.typing import Dim, Float


class Units(Dim):
    """Of a layer."""


x = jnp.ones((Units(6),))


@lantern.custom_jvp
def wave(x: Float[Units], scale: float = 1.0) -> Float[Units]:
    """A plain decorator."""
    return jnp.sin(x) * scale


@wave.defjvp
def wave_jvp(primals: Any, tangents: Any) -> Any:
    """A rule stays what it was."""
    return wave(*primals), tangents[0]


def _scaled(x: Float[Units], how: str) -> Float[Units]:
    return x * len(how)


# as a decorator, partial(custom_vjp, ...) is of an unknown type to pyright
scaled = lantern.custom_vjp(_scaled, nondiff_argnums=(1,))


def _fwd(x: Float[Units], how: str) -> tuple[Float[Units], None]:
    return _scaled(x, how), None


def _bwd(how: str, residuals: None, ct: Float[Units]) -> tuple[Float[Units]]:
    return (ct,)


scaled.defvjp(_fwd, _bwd)


@custom_vmap
def mapped(x: Float[Units]) -> Float[Units]:
    """For vmap."""
    return x


@lantern.checkpoint
def again(x: Float[Units], *, scale: float = 2.0) -> Float[Units]:
    """Without settings."""
    return x * scale


@lantern.remat(policy=lantern.checkpoint_policies.dots_saveable)
def kept(x: Float[Units]) -> Float[Units]:
    """With a policy."""
    return x


@mapped.def_vmap
def mapped_rule(axis_size: int, in_batched: Any, x: Any) -> Any:
    """A rule."""
    return x, True


assert_type(wave(x), Float[Units])
assert_type(wave(x, scale=2.0), Float[Units])
assert_type(wave_jvp((x,), (x,)), Any)
assert_type(scaled(x, "abc"), Float[Units])
assert_type(mapped(x), Float[Units])
assert_type(again(x, scale=3.0), Float[Units])
assert_type(kept(x), Float[Units])
assert_type(lantern.checkpoint_name(x, "wave"), Float[Units])
