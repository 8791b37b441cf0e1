"""Generalised convolutions: one-dimensional smoothing, an edge filter over a picture with any layout, strides, dilation
and transposition; then a small network of convolutions that is trained."""
from __future__ import annotations

from typing import Any

import numpy as np

import lantern as jax
import lantern.numpy as jnp
from lantern import lax, nn, random


def smoothed():
    key = random.key(1701)
    x = jnp.linspace(0, 10, 500)
    y = jnp.sin(x) + 0.2 * random.normal(key, shape=(500,))
    window = jnp.ones(10) / 10
    return jnp.convolve(y, window, mode="same")


def picture():
    img = np.zeros((1, 32, 40, 3), np.float32)
    for k in range(3):
        x, y = 6 + 8 * k, 8 + 8 * k
        img[0, x:x + 10, y:y + 10, k] = 1.0
    return img


def edges(kernel_size=3):
    # A kernel of 3 x 3 for each pair of colours, in the order of JAX's tutorial: HWIO.
    kernel = np.zeros((kernel_size, kernel_size, 3, 3), dtype=np.float32)
    kernel += np.array([[1, 1, 0], [1, 0, -1], [0, -1, -1]])[:, :, None, None]
    return kernel


def layouts(img, kernel):
    dn = lax.conv_dimension_numbers(img.shape, kernel.shape, ("NHWC", "HWIO", "NHWC"))
    found = {}
    found["same"] = lax.conv_general_dilated(img, kernel, (1, 1), "SAME", (1, 1), (1, 1), dn)
    found["valid"] = lax.conv_general_dilated(img, kernel, (1, 1), "VALID", (1, 1), (1, 1), dn)
    found["stride"] = lax.conv_general_dilated(img, kernel, (2, 2), "SAME", (1, 1), (1, 1), dn)
    found["dilated"] = lax.conv_general_dilated(img, kernel, (1, 1), "VALID", (1, 1), (4, 4), dn)
    found["up"] = lax.conv_general_dilated(img, kernel, (1, 1), ((0, 0), (0, 0)), (2, 2), (1, 1), dn)
    found["padded"] = lax.conv_general_dilated(img, kernel, (1, 1), ((20, 20), (0, 10)), (1, 1), (1, 1), dn)
    found["nchw"] = lax.conv(jnp.transpose(img, [0, 3, 1, 2]), jnp.transpose(kernel, [3, 2, 0, 1]), (1, 1), "SAME")
    found["transposed"] = lax.conv_transpose(img, kernel, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return found


def one_and_three_dimensions():
    kernel = np.array([[[1, 0, -1], [-1, 0, 1]]]).astype(np.float32)[:, :, 0:1]
    kernel = jnp.transpose(jnp.asarray(kernel), [1, 2, 0])
    data = np.zeros((1, 200, 1), dtype=np.float32)
    for i in range(2):
        for k in range(2):
            x = 35 * i + 30 + 60 * k
            data[0, x:x + 30, k % 1] = 1.0
    one = lax.conv_general_dilated(data, kernel, (1,), "SAME", (1,), (1,), ("NWC", "WIO", "NWC"))
    cube = np.zeros((1, 8, 8, 8, 1), np.float32)
    cube[0, 2:6, 2:6, 2:6] = 1
    laplace = np.array([[[0, 0, 0], [0, 1, 0], [0, 0, 0]], [[0, 1, 0], [1, -6, 1], [0, 1, 0]],
                        [[0, 0, 0], [0, 1, 0], [0, 0, 0]]], dtype=np.float32)[:, :, :, None, None]
    three = lax.conv_general_dilated(cube, laplace, (1, 1, 1), "SAME", (1, 1, 1), (1, 1, 1),
                                     ("NHWDC", "HWDIO", "NHWDC"))
    return one, three


def network(params, x):
    x = nn.relu(lax.conv_general_dilated(x, params["w1"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return lax.conv_general_dilated(x, params["w2"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


@jax.jit
def step(params, x, y):
    def loss(params):
        return jnp.mean((network(params, x) - y) ** 2)

    value, grads = jax.value_and_grad(loss)(params)
    return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), value


def trained():
    w1_key, w2_key = random.split(random.key(0))
    params = {"w1": 0.3 * random.normal(w1_key, (3, 3, 3, 4)), "w2": 0.3 * random.normal(w2_key, (3, 3, 4, 1))}
    x = picture()
    y = x[:, ::2, ::2].sum(-1, keepdims=True)
    losses = []
    for _ in range(20):
        params, value = step(params, x, y)
        losses.append(value)
    return jnp.stack(losses)


def main() -> dict[str, Any]:
    one, three = one_and_three_dimensions()
    return {"smoothed": smoothed(), **layouts(picture(), edges()), "one": one, "three": three, "losses": trained()}


if __name__ == "__main__":
    print(main())   # noqa: T201
