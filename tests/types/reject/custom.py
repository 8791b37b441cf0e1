"""Each marked line calls a decorated function wrongly."""
from __future__ import annotations

import lantern
import lantern.numpy as jnp
from lantern.typing import Dim, Float


class Units(Dim):
    """Of a layer."""


class Hidden(Dim):
    """Of the next layer."""


x, y = jnp.ones((Units(6),)), jnp.ones((Hidden(7),))


@lantern.custom_jvp
def wave(x: Float[Units]) -> Float[Units]:
    """A plain decorator."""
    return jnp.sin(x)


def _scaled(x: Float[Units], how: str) -> Float[Units]:
    return x * len(how)


scaled = lantern.custom_vjp(_scaled, nondiff_argnums=(1,))


@lantern.checkpoint
def again(x: Float[Units], *, scale: float = 2.0) -> Float[Units]:
    """Without settings."""
    return x * scale


wave(y)                             # error: reportArgumentType
wave(x, 2)                          # error: reportCallIssue
scaled(x, 3)                        # error: reportArgumentType
scaled(x)                           # error: reportCallIssue
again(x, 2.0)                       # error: reportCallIssue
lantern.checkpoint(3)               # error: reportArgumentType
lantern.checkpoint_name(x, 3)       # error: reportArgumentType
wrong: Float[Hidden] = wave(x)      # error: reportAssignmentType
