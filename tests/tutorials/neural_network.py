"""A simple neural network: layers as lists of arrays, batches by vmap, gradients by grad, all of it compiled by jit."""
from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import lantern.numpy as jnp
from lantern import grad, jit, random, vmap
from lantern.scipy.special import logsumexp

LAYER_SIZES = [64, 48, 32, 10]
STEP_SIZE = 0.5
BATCH_SIZE = 128


def random_layer_params(m, n, key, scale=1e-1):
    w_key, b_key = random.split(key)
    return scale * random.normal(w_key, (n, m)), scale * random.normal(b_key, (n,))


def init_network_params(sizes, key):
    keys = random.split(key, len(sizes))
    return [random_layer_params(m, n, k) for m, n, k in zip(sizes[:-1], sizes[1:], keys, strict=False)]


def relu(x):
    return jnp.maximum(0, x)


def predict(params, image):
    activations = image
    for w, b in params[:-1]:
        outputs = jnp.dot(w, activations) + b
        activations = relu(outputs)
    final_w, final_b = params[-1]
    logits = jnp.dot(final_w, activations) + final_b
    return logits - logsumexp(logits)


batched_predict = vmap(predict, in_axes=(None, 0))


def one_hot(x, k, dtype=jnp.float32):
    return jnp.array(x[:, None] == jnp.arange(k), dtype)


def accuracy(params, images, targets):
    target_class = jnp.argmax(targets, axis=1)
    predicted_class = jnp.argmax(batched_predict(params, images), axis=1)
    return jnp.mean(predicted_class == target_class)


def loss(params, images, targets):
    preds = batched_predict(params, images)
    return -jnp.mean(jnp.sum(preds * targets, axis=1))


@jit
def update(params, x, y):
    grads = grad(loss)(params, x, y)
    return [(w - STEP_SIZE * dw, b - STEP_SIZE * db) for (w, b), (dw, db) in zip(params, grads, strict=True)]


def main() -> dict[str, Any]:
    digits = load_digits()
    images = (digits.data / 16).astype(np.float32)
    labels = one_hot(jnp.asarray(digits.target.astype(np.int32)), 10)
    params = init_network_params(LAYER_SIZES, random.key(0))

    image = random.normal(random.key(1), (64,))
    batch = random.normal(random.key(1), (10, 64))
    before = loss(params, images, labels)
    one, ten = predict(params, image), batched_predict(params, batch)

    for epoch in range(8):
        order = np.random.default_rng(epoch).permutation(len(images))
        for start in range(0, len(images) - BATCH_SIZE, BATCH_SIZE):
            rows = order[start:start + BATCH_SIZE]
            params = update(params, images[rows], labels[rows])
    return {"one": one, "ten": ten, "before": before, "after": loss(params, images, labels),
            "accuracy": accuracy(params, images, labels)}


if __name__ == "__main__":
    print(main())   # noqa: T201
