"""The autodiff cookbook: gradients, checks, products of Hessians and vectors, Jacobians forward and backward, and rules
of one's own."""
from __future__ import annotations

from typing import Any

import numpy as np

import lantern as jax
import lantern.numpy as jnp
from lantern import custom_jvp, grad, hessian, jacfwd, jacrev, jit, jvp, lax, random, value_and_grad, vjp, vmap
from lantern.tree_util import tree_map

key = random.key(0)


def sigmoid(x):
    return 0.5 * (jnp.tanh(x / 2) + 1)


def predict(W, b, inputs):
    return sigmoid(jnp.dot(inputs, W) + b)


inputs = jnp.array([[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]])
targets = jnp.array([True, True, False, True])


def loss(W, b):
    preds = predict(W, b, inputs)
    label_probs = preds * targets + (1 - preds) * (1 - targets)
    return -jnp.sum(jnp.log(label_probs))


key, W_key, b_key = random.split(key, 3)
W = random.normal(W_key, (3,))
b = random.normal(b_key, ())


def f(W):
    return predict(W, b, inputs)


def hvp(f, primals, tangents):
    return jvp(grad(f), primals, tangents)[1]


def hvp_revrev(f, x, v):
    return grad(lambda x: jnp.vdot(grad(f)(x), v))(x)


def vmap_jmp(f, W, M):
    def _jvp(s):
        return jvp(f, (W,), (s,))[1]

    return vmap(_jvp)(M)


def vmap_mjp(f, x, M):
    _, vjp_fun = vjp(f, x)
    outs, = vmap(vjp_fun)(M)
    return outs


@custom_jvp
def log1pexp(x):
    return jnp.log(1.0 + jnp.exp(x))


@log1pexp.defjvp
def log1pexp_jvp(primals, tangents):
    x, = primals
    x_dot, = tangents
    return log1pexp(x), (1 - 1 / (1 + jnp.exp(x))) * x_dot


@jax.custom_vjp
def clip_gradient(lo, hi, x):
    return x


def clip_gradient_fwd(lo, hi, x):
    return x, (lo, hi)


def clip_gradient_bwd(res, g):
    lo, hi = res
    return None, None, jnp.clip(g, lo, hi)


clip_gradient.defvjp(clip_gradient_fwd, clip_gradient_bwd)


def fixed_point(a, x_init):
    def cond_fun(carry):
        x_prev, x = carry
        return jnp.abs(x_prev - x) > 1e-5

    def body_fun(carry):
        _, x = carry
        return x, 0.5 * (x + a / x)

    return lax.while_loop(cond_fun, body_fun, (x_init, 0.5 * (x_init + a / x_init)))[1]


def main() -> dict[str, Any]:
    found: dict[str, Any] = {}
    found["tanh"] = jnp.stack([grad(jnp.tanh)(2.0), grad(grad(jnp.tanh))(2.0), grad(grad(grad(jnp.tanh)))(2.0)])
    found["W_grad"] = grad(loss, argnums=0)(W, b)
    found["b_grad"] = grad(loss, 1)(W, b)
    found["both"] = grad(loss, (0, 1))(W, b)
    found["as_dict"] = grad(lambda p: loss(p["W"], p["b"]))({"W": W, "b": b})["W"]
    found["value"], found["gradient"] = value_and_grad(loss, (0, 1))(W, b)

    key, vec_key = random.split(random.key(3))
    vec = random.normal(vec_key, W.shape)
    eps = 1e-2
    numerical = (loss(W + eps / 2.0 * vec, b) - loss(W - eps / 2.0 * vec, b)) / eps
    assert np.allclose(numerical, jnp.vdot(grad(loss)(W, b), vec), atol=1e-2)

    found["jacobian"] = jacfwd(f)(W)
    assert np.allclose(found["jacobian"], jacrev(f)(W), atol=1e-6)
    found["hessian"] = hessian(f)(W)

    X = random.normal(key, (30, 40))
    g = lambda X: jnp.sum(jnp.tanh(X) ** 2)     # noqa: E731
    V = random.normal(vec_key, (30, 40))
    found["hvp"] = hvp(g, (X,), (V,))
    assert np.allclose(found["hvp"], hvp_revrev(g, X, V), 1e-4, 1e-4)
    one_loss = lambda W, x, t: -jnp.log(jnp.where(t, predict(W, b, x), 1 - predict(W, b, x)))   # noqa: E731
    found["per_example"] = jit(vmap(grad(one_loss), in_axes=(None, 0, 0)))(W, inputs, targets)

    U = random.normal(key, (5, *W.shape))
    found["jmp"] = vmap_jmp(f, W, U)
    M = random.normal(key, (5, 4))
    found["mjp"] = vmap_mjp(f, W, M)

    found["log1pexp"] = jnp.stack([grad(log1pexp)(3.0), grad(log1pexp)(100.0)])
    found["clipped"] = vmap(grad(lambda x: jnp.sin(clip_gradient(-0.75, 0.75, x))))(jnp.linspace(0, 6, 7))
    found["sqrt"] = jit(fixed_point)(2.0, 1.0)
    found["slope_of_sqrt"] = jvp(lambda a: fixed_point(a, 1.0), (2.0,), (1.0,))[1]
    found["scaled"] = tree_map(lambda x: 2 * x, (W, b))
    found["where"] = grad(lambda x: jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0))(0.0)
    return found


if __name__ == "__main__":
    print(main())   # noqa: T201
