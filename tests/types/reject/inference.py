"""Gaussian processes, HMC, a variational autoencoder and k-means with one mistake a line."""
from __future__ import annotations

from typing import NamedTuple

import lantern
import lantern.numpy as jnp
from lantern import lax, nn, random
from lantern.typing import Bool, Dim, Float, Int, Key


class Points(Dim):
    """What was measured."""


class Places(Dim):
    """What is asked for."""


class Features(Dim):
    """Of a point."""


class Centres(Dim):
    """Clusters."""


class Chains(Dim):
    """Samplers side by side."""


class Draws(Dim):
    """Samples of a chain."""


class Latent(Dim):
    """What an image is squeezed into."""


class Settings(NamedTuple):
    """Of a kernel."""

    amplitude: Float[()]
    lengths: Float[Features]


def kernel(s: Settings, a: Float[Features], b: Float[Features]) -> Float[()]:
    """Squared exponential."""
    return s.amplitude * jnp.exp(-0.5 * (((a - b) / s.lengths) ** 2).sum())


def gaussian_process(s: Settings, x: Float[Points, Features], y: Float[Points], at: Float[Places, Features]) -> None:
    """Covariances, means and the gradient of the likelihood."""
    def against(a: Float[Features]) -> Float[Points]:
        return lantern.vmap(kernel, in_axes=(None, None, 0))(s, a, x)

    def row(s: Settings, a: Float[Features]) -> Float[Points]:
        return lantern.vmap(kernel, in_axes=(None, None, 0))(s, a, x)

    inner, across = lantern.vmap(against)(x), lantern.vmap(against)(at)
    mean: Float[Places] = across @ y
    kernel(s, x, at)                                                # error: reportArgumentType
    kernel(x[0], x[1], s)                                           # error: reportArgumentType
    lantern.vmap(kernel, in_axes=(None, 0, 0))(s, x, at)            # error: reportArgumentType
    lantern.vmap(kernel, in_axes=(None, 0))(s, x, x)                # error: reportArgumentType
    lantern.vmap(kernel, in_axes=(None, 0, None))(s, x, x)          # error: reportArgumentType
    across.T @ y                                                    # error: reportOperatorIssue
    y @ across                                                      # error: reportOperatorIssue
    inner + across                                                  # error: reportOperatorIssue
    inner + jnp.eye(Places(5))                                      # error: reportOperatorIssue
    inner @ mean                                                    # error: reportOperatorIssue
    mean - y                                                        # error: reportOperatorIssue
    across * mean                                                   # error: reportOperatorIssue
    x / s.lengths[:, None]                                          # error: reportOperatorIssue
    x - at                                                          # error: reportOperatorIssue
    x[:, None, :] - at[:, None, :]                                  # error: reportOperatorIssue
    Settings(s.lengths, s.amplitude)                                # error: reportArgumentType
    lantern.grad(row)                                               # error: reportArgumentType
    lantern.hessian(row)                                            # error: reportArgumentType
    lantern.grad(kernel)(s, x[0], y)                                # error: reportArgumentType
    slope: Float[Features] = lantern.grad(kernel)(s, x[0], x[1])    # error: reportAssignmentType
    variance: Float[Places] = across @ inner @ across.T             # error: reportAssignmentType


def energy(q: Float[Features]) -> Float[()]:
    """A normal density."""
    return 0.5 * (q * q).sum()


def hmc(key: Key[()], q: Float[Features], start: Float[Chains, Features], keys: Key[Chains]) -> None:
    """Leapfrog steps, and chains side by side."""
    def leap(state: tuple[Float[Features], Float[Features]], _: None,
             ) -> tuple[tuple[Float[Features], Float[Features]], None]:
        q, p = state
        p = p - 0.05 * lantern.grad(energy)(q)
        return (q + 0.1 * p, p), None

    def sample(key: Key[()], q: Float[Features]) -> Float[Features]:
        p = random.normal(key, (Features(3),))
        (there, arrival), _ = lax.scan(leap, (q, p), length=5)
        change = energy(there) + energy(arrival) - energy(q) - energy(p)
        return jnp.where(jnp.log(random.uniform(key)) < -change, there, q)

    moved = lantern.vmap(sample)(keys, start)
    lantern.grad(energy)(start)                                     # error: reportArgumentType
    q - 0.1 * energy(q) @ q                                         # error: reportOperatorIssue
    sample(key, start)                                              # error: reportArgumentType
    sample(q, key)                                                  # error: reportArgumentType
    sample(keys, q)                                                 # error: reportArgumentType
    lantern.vmap(sample)(key, start)                                # error: reportArgumentType
    lantern.vmap(sample, in_axes=(None, 0))(keys, start)            # error: reportArgumentType
    lantern.vmap(sample)(random.split(key, Draws(4)), start)        # error: reportArgumentType
    lantern.vmap(energy)(q)                                         # error: reportArgumentType
    moved + keys                                                    # error: reportOperatorIssue
    jnp.where(lantern.vmap(energy)(moved) < 1.0, moved, start)      # error: reportArgumentType
    jnp.minimum(moved, lantern.vmap(energy)(moved))                 # error: reportArgumentType
    lax.scan(leap, (q, energy(q)), length=5)[0][0] + start.T        # error: reportOperatorIssue
    kinetic: Float[Chains] = (moved ** 2).sum(0)                    # error: reportAssignmentType


class Coder(NamedTuple):
    """Half of an autoencoder."""

    mean: Float[Features, Latent]
    deviation: Float[Features, Latent]
    back: Float[Latent, Features]


def autoencoder(p: Coder, x: Float[Points, Features], key: Key[()]) -> None:
    """Encoding, drawing, decoding, and the divergence."""
    mean, deviation = x @ p.mean, nn.softplus(x @ p.deviation)
    z = mean + deviation * random.normal(key, (Points(8), Latent(2)))
    seen = nn.sigmoid(z @ p.back)
    mean + deviation * random.normal(key, (Latent(2), Points(8)))   # error: reportOperatorIssue
    mean + deviation * random.normal(key, (Features(3),))           # error: reportOperatorIssue
    mean + deviation @ mean                                         # error: reportOperatorIssue
    z @ p.mean                                                      # error: reportOperatorIssue
    z @ p.back.T                                                    # error: reportOperatorIssue
    z.T @ p.back                                                    # error: reportOperatorIssue
    ((seen - x) ** 2).sum(-1) + (mean ** 2 + deviation)             # error: reportOperatorIssue
    ((seen - z) ** 2).sum()                                         # error: reportOperatorIssue
    seen.sum(-1) - mean.sum(0)                                      # error: reportOperatorIssue
    Coder(p.mean, p.deviation, p.mean)                              # error: reportArgumentType
    loss: Float[()] = ((seen - x) ** 2).sum(-1)                     # error: reportAssignmentType


def means(x: Float[Points, Features], centres: Float[Centres, Features], near: Bool[Points, Centres]) -> None:
    """k-means: distances, the nearest centre, new centres."""
    distances = ((x[:, None, :] - centres[None, :, :]) ** 2).sum(-1)
    nearest = distances.argmin(-1)
    counts = jnp.zeros((Centres(3),)).at[nearest].add(1.0)
    total = jnp.zeros_like(centres).at[nearest].add(x)
    (x - centres) ** 2                                              # error: reportOperatorIssue
    (x[:, None] - centres[:, None]) ** 2                            # error: reportOperatorIssue
    x @ centres                                                     # error: reportOperatorIssue
    (x ** 2).sum(1) - 2 * (x @ centres.T)                           # error: reportOperatorIssue
    distances.argmin(2)                                             # error: reportArgumentType
    centres[distances]                                              # error: reportArgumentType
    centres[near]                                                   # error: reportArgumentType
    total / counts                                                  # error: reportOperatorIssue
    x - centres[distances.argmin(0)]                                # error: reportOperatorIssue
    near @ x                                                        # error: reportOperatorIssue
    near.astype(jnp.float32) @ x                                    # error: reportOperatorIssue
    nearest == counts                                               # error: reportOperatorIssue
    shares: Float[Centres] = nearest / 3                            # error: reportAssignmentType
    moved: Float[Centres, Features] = x[nearest]                    # error: reportAssignmentType
    labels: Int[Points] = distances.min(-1)                         # error: reportAssignmentType
