"""Rows of public functions: lantern.lax, nn, random, tree, and the transforms."""
from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

import lantern
from tests.optable.public.row import B, C, K, M, N, S, U, V, W, drawn, one, told

F32, I32 = np.float32, np.int32
IMAGE = S[None, None]
KERNEL = U[None, None, :2, :2].copy()
KEEP = (((1,), (0,)), ((), ()))
ROW_NUMBERS = lantern.lax.GatherDimensionNumbers((1,), (0,), (0,))


def _named(m: Any, call: Any, x: Any) -> Any:
    """Under a vmap that names its axis."""
    return lantern.vmap(lambda v: call(m, v), axis_name="i")(x)


def _correlated(x: Any, k: Any) -> Any:
    """A window of two by two, moved over the last two axes."""
    rows, columns = x.shape[-2] - 1, x.shape[-1] - 1
    return sum([x[..., i:i + rows, j:j + columns] * k[0, 0, i, j] for i in range(2) for j in range(2)])


def _spread(x: Any, k: Any) -> Any:
    """The transposed convolution with stride 1 and no padding, as XLA writes it: the kernel is not turned round."""
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return _correlated(wide, k)


LAX = [
    *[one("lax", name, lambda m, x, name=name: getattr(m, name)(x), U, twin=twin, smooth=True) for name, twin in (
        ("rsqrt", lambda x: 1 / np.sqrt(x)), ("square", np.square), ("cos", np.cos), ("exp", np.exp))],
    *[one("lax", name, lambda m, x, y, name=name: getattr(m, name)(x, y), U, W, twin=twin, smooth=True)
      for name, twin in (("add", np.add), ("mul", np.multiply), ("div", np.divide), ("max", np.maximum),
                         ("min", np.minimum))],
    one("lax", "rem", lambda m, x, y: m.rem(x, y), N, N[::-1].copy() * 2 + 1, twin=np.fmod),
    one("lax", "ge", lambda m, x, y: m.ge(x, y), N, N[::-1].copy(), twin=np.greater_equal),
    one("lax", "floor", lambda m, x: m.floor(x), S, twin=np.floor),
    one("lax", "is_finite", lambda m, x: m.is_finite(x), S, twin=np.isfinite),
    one("lax", "stop_gradient", lambda m, x: m.stop_gradient(x), S, twin=lambda x: x),
    one("lax", "real", lambda m, x: m.real(x), C, twin=np.real), one("lax", "imag", lambda m, x: m.imag(x), C,
                                                                     twin=np.imag),
    one("lax", "complex", lambda m, x, y: m.complex(x, y), U, W, twin=lambda x, y: x + 1j * y),
    one("lax", "clamp", lambda m, x: m.clamp(-0.55, x, 0.7), S, twin=lambda x: np.clip(x, -0.55, 0.7), smooth=True),
    one("lax", "select", lambda m, b, x, y: m.select(b, x, y), B, S, U, twin=np.where, smooth=True),
    one("lax", "convert_element_type", lambda m, x: m.convert_element_type(x, I32), S, twin=lambda x: x.astype(I32)),
    one("lax", "bitcast_convert_type", lambda m, x: m.bitcast_convert_type(x, I32), S, twin=lambda x: x.view(I32)),
    one("lax", "reshape", lambda m, x: m.reshape(x, (2, 6)), S, twin=lambda x: x.reshape(2, 6), smooth=True),
    one("lax", "broadcast", lambda m, x: m.broadcast(x, (2,)), S, twin=lambda x: np.stack([x, x]), smooth=True),
    one("lax", "broadcast_in_dim", lambda m, x: m.broadcast_in_dim(x, (5, 2), (0,)), V,
        twin=lambda x: np.stack([x, x], 1), smooth=True),
    one("lax", "concatenate", lambda m, x, y: m.concatenate([x, y], 1), S, U,
        twin=lambda x, y: np.concatenate([x, y], 1), smooth=True),
    one("lax", "slice_in_dim", lambda m, x: m.slice_in_dim(x, 0, 4, 2, axis=1), S, twin=lambda x: x[:, 0:4:2],
        smooth=True),
    one("lax", "index_in_dim", lambda m, x: m.index_in_dim(x, 2, 1, keepdims=False), S, twin=lambda x: x[:, 2]),
    one("lax", "dynamic_slice", lambda m, x, i: m.dynamic_slice(x, (i, 1), (2, 2)), S, I32(1),
        twin=lambda x, i: x[i:i + 2, 1:3], smooth=True),
    one("lax", "dynamic_slice_in_dim", lambda m, x, i: m.dynamic_slice_in_dim(x, i, 2), S, I32(1),
        twin=lambda x, i: x[i:i + 2], smooth=True),
    one("lax", "dynamic_index_in_dim", lambda m, x, i: m.dynamic_index_in_dim(x, i), S, I32(1),
        twin=lambda x, i: x[i:i + 1], smooth=True),
    one("lax", "dynamic_update_slice", lambda m, x, y, i: m.dynamic_update_slice(x, y[:1], (i, 0)), S, U, I32(1),
        twin=lambda x, y, i: np.stack([x[0], y[0], x[2]]), smooth=True),
    one("lax", "dynamic_update_slice_in_dim", lambda m, x, y, i: m.dynamic_update_slice_in_dim(x, y[:1], i, 0), S, U,
        I32(1), twin=lambda x, y, i: np.stack([x[0], y[0], x[2]])),
    one("lax", "dynamic_update_index_in_dim", lambda m, x, y, i: m.dynamic_update_index_in_dim(x, y[0], i, 0), S, U,
        I32(1), twin=lambda x, y, i: np.stack([x[0], y[0], x[2]])),
    one("lax", "gather", lambda m, x, i: m.gather(x, i[:, None] % 3, ROW_NUMBERS, (1, 4)), S, K,
        twin=lambda x, i: x[i % 3], smooth=True),
    one("lax", "dot", lambda m, x, y: m.dot(x, y), S, M, twin=np.dot, smooth=True),
    one("lax", "dot_general", lambda m, x, y: m.dot_general(x, y, KEEP), S, M, twin=np.matmul, smooth=True),
    one("lax", "conv_general_dilated", lambda m, x, k: m.conv_general_dilated(x, k, (1, 1), "VALID"), IMAGE, KERNEL,
        twin=_correlated, smooth=True),
    one("lax", "conv_transpose", lambda m, x, k: m.conv_transpose(x, k, (1, 1), "VALID",
                                                                  dimension_numbers=("NCHW", "OIHW", "NCHW")),
        IMAGE, KERNEL, twin=_spread, smooth=True),
    one("lax", "reduce_window", lambda m, x: m.reduce_window(x, 0.0, m.add, (2, 2), (1, 1), "VALID"), S,
        twin=lambda x: _correlated(x, np.ones((1, 1, 2, 2)))),
    one("lax", "top_k", lambda m, x: m.top_k(x, 2)[0], S, twin=lambda x: -np.sort(-x, 1)[:, :2], smooth=True),
    one("lax", "approx_max_k", lambda m, x: m.approx_max_k(x, 2), S, twin=lambda x: (-np.sort(-x, 1)[:, :2],
                                                                                    np.argsort(-x, 1)[:, :2])),
    one("lax", "scan", lambda m, x: m.scan(lambda c, v: (c + v, c * v), 0 * x[0], x)[0], S,
        twin=lambda x: x.sum(0), smooth=True),
    one("lax", "map", lambda m, x: m.map(lambda v: v * v, x), S, twin=np.square, smooth=True),
    one("lax", "fori_loop", lambda m, x: m.fori_loop(0, 3, lambda i, v: v * 0.5 + i, x), S,
        twin=lambda x: x / 8 + 2.5, smooth=True),
    one("lax", "while_loop", lambda m, x: m.while_loop(lambda v: v.sum() < 50, lambda v: v * 2, x), U,
        twin=lambda x: x * 2.0 ** np.ceil(np.log2(50 / x.sum()))),
    one("lax", "cond", lambda m, x: m.cond(x[0, 0] > 0, lambda v: v * 2, lambda v: -v, x), U, twin=lambda x: 2 * x,
        smooth=True),
    one("lax", "switch", lambda m, i, x: m.switch(i, [lambda v: v * 2, lambda v: -v], x), I32(1), U,
        twin=lambda i, x: -x, smooth=True),
    one("lax", "associative_scan", lambda m, x: m.associative_scan(np.add if isinstance(x, np.ndarray) else
                                                                   (lambda a, b: a + b), x), S,
        twin=lambda x: np.cumsum(x, 0), smooth=True),
    one("lax", "psum", lambda m, x: _named(m, lambda m, v: m.psum(v, "i"), x), S, twin=lambda x: x * 0 + x.sum(0)),
    one("lax", "pmean", lambda m, x: _named(m, lambda m, v: m.pmean(v, "i"), x), S, twin=lambda x: x * 0 + x.mean(0)),
    one("lax", "pmax", lambda m, x: _named(m, lambda m, v: m.pmax(v, "i"), x), S, twin=lambda x: x * 0 + x.max(0)),
    one("lax", "pmin", lambda m, x: _named(m, lambda m, v: m.pmin(v, "i"), x), S, twin=lambda x: x * 0 + x.min(0)),
    one("lax", "axis_index", lambda m, x: _named(m, lambda m, v: m.axis_index("i") + 0 * v, x), N,
        twin=lambda x: 0 * x + np.arange(3)[:, None]),
    one("lax", "all_gather", lambda m, x: _named(m, lambda m, v: m.all_gather(v, "i"), x), S,
        twin=lambda x: np.stack([x] * 3)),
    one("lax", "ppermute", lambda m, x: _named(m, lambda m, v: m.ppermute(v, "i", [(0, 1), (1, 2), (2, 0)]), x), S,
        twin=lambda x: np.roll(x, 1, 0)),
    one("lax", "with_sharding_constraint", lambda m, x: m.with_sharding_constraint(x, None), S, twin=lambda x: x),
    told("lax", "iota", lambda m: m.iota(I32, 4), np.arange(4)),
    told("lax", "broadcasted_iota", lambda m: m.broadcasted_iota(I32, (2, 3), 1), [[0, 1, 2]] * 2),
    told("lax", "full", lambda m: m.full((2,), 3.0), [3, 3]),
    told("lax", "broadcast_shapes", lambda m: m.broadcast_shapes((3, 1), (4,)), (3, 4)),
    told("lax", "dtype", lambda m: m.dtype(1.5), np.dtype(F32)),
    told("lax", "Precision", lambda m: m.Precision.HIGHEST.name, "HIGHEST"),
]


def _softmax(x: Any) -> Any:
    return scipy.special.softmax(x, -1)


def _sigmoid(x: Any) -> Any:
    return scipy.special.expit(x)


def _attention(q: Any, k: Any, v: Any) -> Any:
    """One head; rows are times."""
    weights = _softmax(np.einsum("bthd,bshd->bhts", q, k) / np.sqrt(q.shape[-1]))
    return np.einsum("bhts,bshd->bthd", weights, v)


NN = [
    *[one("nn", name, lambda m, x, name=name: getattr(m, name)(x), S, twin=twin, smooth=True) for name, twin in (
        ("softmax", _softmax), ("log_softmax", lambda x: np.log(_softmax(x))), ("relu", lambda x: np.maximum(x, 0)),
        ("sigmoid", _sigmoid), ("softplus", lambda x: np.log1p(np.exp(x))), ("tanh", np.tanh),
        ("gelu", lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))),
        ("elu", lambda x: np.where(x > 0, x, np.expm1(x))), ("silu", lambda x: x * _sigmoid(x)),
        ("swish", lambda x: x * _sigmoid(x)), ("log_sigmoid", lambda x: np.log(_sigmoid(x))),
        ("leaky_relu", lambda x: np.where(x > 0, x, 0.01 * x)), ("relu6", lambda x: np.clip(x, 0, 6)),
        ("selu", lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x))),
        ("celu", lambda x: np.where(x > 0, x, np.expm1(x))), ("mish", lambda x: x * np.tanh(np.log1p(np.exp(x)))),
        ("glu", lambda x: x[:, :2] * _sigmoid(x[:, 2:])), ("hard_tanh", lambda x: np.clip(x, -1, 1)),
        ("hard_sigmoid", lambda x: np.clip(x + 3, 0, 6) / 6), ("hard_silu", lambda x: x * np.clip(x + 3, 0, 6) / 6),
        ("hard_swish", lambda x: x * np.clip(x + 3, 0, 6) / 6),
        ("standardize", lambda x: (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)))],
    one("nn", "logsumexp", lambda m, x: m.logsumexp(x, axis=1), S, twin=lambda x: scipy.special.logsumexp(x, 1),
        smooth=True),
    one("nn", "one_hot", lambda m, i: m.one_hot(i, 4), K, twin=lambda i: np.eye(4)[i]),
    one("nn", "dot_product_attention", lambda m, q, k, v: m.dot_product_attention(q, k, v), *[
        np.stack([x, x[::-1]], 1)[None].copy() for x in (S, U, W)], twin=_attention, smooth=True),
]


def within(low: float, high: float, integral: bool = False) -> Any:
    """64 draws in the support, not all alike. Moments and distributions are tested in tests/random."""
    def holds(x: Any) -> bool:
        whole = not integral or bool((x == np.round(x)).all())
        return x.shape == (64,) and whole and low <= x.min() < x.max() <= high

    return holds


def key_of(seed: int) -> Any:
    """Its two words."""
    return lambda x: x.tolist() == [0, seed]


def words(keys: Any) -> Any:
    """The two numbers of each key."""
    return lantern.random.key_data(keys).tolist()


INF, MANY = float("inf"), (64,)
RANDOM = [
    told("random", "PRNGKey", lambda m: words(m.PRNGKey(5)), [0, 5]),
    told("random", "key", lambda m: words(m.key(5)), [0, 5]),
    drawn("key_data", key_of(7)),
    told("random", "clone", lambda m: words(m.clone(lantern.random.key(5))), [0, 5]),
    told("random", "split", lambda m: len({tuple(k) for k in words(m.split(lantern.random.key(5), 3))}), 3),
    told("random", "fold_in", lambda m: words(m.fold_in(lantern.random.key(5), 1)) != [0, 5], True),
    drawn("normal", within(-9, 9), MANY), drawn("uniform", within(0, 1), MANY), drawn("gumbel", within(-9, 30), MANY),
    drawn("truncated_normal", within(-1, 2), -1, 2, MANY), drawn("laplace", within(-30, 30), MANY),
    drawn("cauchy", within(-INF, INF), MANY), drawn("exponential", within(0, 30), MANY),
    drawn("logistic", within(-30, 30), MANY), drawn("rademacher", within(-1, 1, True), MANY),
    drawn("bits", within(0, 2 ** 32 - 1, True), MANY), drawn("bernoulli", within(0, 1, True), 0.5, MANY),
    drawn("gamma", within(0, 99), 2.0, MANY), drawn("beta", within(0, 1), 2.0, 3.0, MANY),
    drawn("poisson", within(0, 99, True), 3.0, MANY), drawn("chisquare", within(0, 99), 3.0, MANY),
    drawn("weibull_min", within(0, 99), 1.0, 2.0, MANY), drawn("binomial", within(0, 9, True), 9, 0.5, MANY),
    drawn("randint", within(0, 8, True), MANY, 0, 9),
    drawn("permutation", lambda x: sorted(x.tolist()) == list(range(9)), 9),
    drawn("choice", lambda x: sorted(x.tolist()) == list(range(5)), 5, (5,), replace=False),
    drawn("categorical", lambda x: x.tolist() == [1] * 4, F32([-99, 99, -99]), shape=(4,)),
    drawn("dirichlet", lambda x: x.shape == (4, 3) and np.allclose(x.sum(1), 1), F32([1, 2, 3]), (4,)),
    drawn("multivariate_normal", lambda x: x.shape == (4, 2) and np.allclose(x, 9, atol=0.01), F32([9, 9]),
          1e-8 * np.eye(2, dtype=F32), (4,)),
    drawn("ball", lambda x: x.shape == (64, 3) and bool((np.square(x).sum(1) <= 1).all()), 3, shape=MANY),
]

ROWS = [*LAX, *NN, *RANDOM]
