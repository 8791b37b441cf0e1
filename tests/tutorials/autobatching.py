"""Autobatching for Bayesian inference: a log density of one set of parameters, of many by hand, and of many by vmap;
then variational inference with all draws of the noise in one batch."""
from __future__ import annotations

import functools
from typing import Any

import numpy as np

import lantern as jax
import lantern.numpy as jnp
import lantern.scipy as jsp
from lantern import random

np.random.seed(10009)
NUM_FEATURES = 10
NUM_POINTS = 100

true_beta = np.random.randn(NUM_FEATURES).astype(jnp.float32)
all_x = np.random.randn(NUM_POINTS, NUM_FEATURES).astype(jnp.float32)
y = (np.random.rand(NUM_POINTS) < (1.0 / (1.0 + np.exp(-all_x @ true_beta)))).astype(jnp.int32)


def log_joint(beta):
    result = 0.0
    # No axis is given, so that everything is summed: right for one beta only.
    result = result + jnp.sum(jsp.stats.norm.logpdf(beta, loc=0.0, scale=1.0))
    result = result + jnp.sum(-jnp.log(1 + jnp.exp(-(2 * y - 1) * jnp.dot(all_x, beta))))
    return result


def batched_log_joint(beta):
    result = 0.0
    result = result + jnp.sum(jsp.stats.norm.logpdf(beta, loc=0.0, scale=1.0), axis=-1)
    result = result + jnp.sum(-jnp.log(1 + jnp.exp(-(2 * y - 1) * jnp.dot(all_x, beta.T).T)), axis=-1)
    return result


vmap_batched_log_joint = jax.vmap(log_joint)


def elbo(beta_loc, beta_log_scale, epsilon):
    beta_sample = beta_loc + jnp.exp(beta_log_scale) * epsilon
    return jnp.mean(vmap_batched_log_joint(beta_sample), 0) + jnp.sum(beta_log_scale - 0.5 * np.log(2 * np.pi))


elbo_and_grads = jax.jit(jax.value_and_grad(elbo, argnums=(0, 1)))


@functools.partial(jax.jit, static_argnums=(1, 2))
def draw(key, count, size):
    return random.normal(key, (count, size))


def main() -> dict[str, Any]:
    batch_size = 10
    batched_betas = np.random.default_rng(1).normal(size=(batch_size, NUM_FEATURES)).astype(np.float32)
    one = log_joint(batched_betas[0])
    by_hand, by_vmap = batched_log_joint(batched_betas), vmap_batched_log_joint(batched_betas)

    beta_loc = jnp.zeros(NUM_FEATURES, jnp.float32)
    beta_log_scale = jnp.zeros(NUM_FEATURES, jnp.float32)
    key = random.key(10)
    losses = []
    for _ in range(200):
        key, subkey = random.split(key)
        epsilon = draw(subkey, 128, NUM_FEATURES)
        value, (loc_grad, log_scale_grad) = elbo_and_grads(beta_loc, beta_log_scale, epsilon)
        beta_loc += 0.01 * loc_grad
        beta_log_scale += 0.01 * log_scale_grad
        losses.append(value)
    return {"one": one, "by_hand": by_hand, "by_vmap": by_vmap, "elbo": jnp.stack(losses)[::20], "loc": beta_loc,
            "scale": jnp.exp(beta_log_scale)}


if __name__ == "__main__":
    print(main())   # noqa: T201
