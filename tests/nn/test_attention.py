"""nn.dot_product_attention against the formula in double precision, for each argument; kernels and errors. Recorded
values of PyTorch are in test_torch.py."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import nn
from lantern.errors import ArgumentError, ShapeError

R = np.random.default_rng(0)
B, T, S, N, K, H = 2, 5, 7, 4, 2, 8
Q, KEY, V = [R.standard_normal(s).astype(np.float32) for s in ((B, T, N, H), (B, S, K, H), (B, S, K, H))]
BIAS = R.standard_normal((1, N, T, S)).astype(np.float32)
MASK = R.random((B, 1, T, S)) < 0.7
MASK[..., 0] = True
ROWS, COLUMNS = np.arange(T)[:, None], np.arange(S)


def formula(scores: Any, kept: Any = True, v: Any = V) -> Any:
    """Softmax over what is kept, times the values; scores of [B, N, T, S]."""
    weights = np.where(kept, np.exp(scores - scores.max(-1, keepdims=True)), 0)
    weights /= weights.sum(-1, keepdims=True)
    return np.einsum("bnts,bsnh->btnh", weights, np.repeat(v, N // K, 2))


SCORES = np.einsum("btnh,bsnh->bnts", Q.astype(np.float64), np.repeat(KEY, N // K, 2)) / np.sqrt(H)
LENGTHS = np.arange(T)[None, :, None, None] < np.array([3, 5])[:, None, None, None]
CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "plain": ({}, formula(SCORES)),
    "scale": ({"scale": 0.25}, formula(SCORES * np.sqrt(H) / 4)),
    "bias": ({"bias": BIAS}, formula(SCORES + BIAS)),
    "mask": ({"mask": MASK}, formula(SCORES, MASK)),
    "mask_heads": ({"mask": MASK[0, 0]}, formula(SCORES, MASK[0, 0])),
    "causal": ({"is_causal": True, "mask": MASK}, formula(SCORES, MASK & (ROWS >= COLUMNS))),
    "window": ({"local_window_size": 1}, formula(SCORES, np.abs(ROWS - COLUMNS) <= 1)),
    "window_left": ({"local_window_size": (2, 0)}, formula(SCORES, (ROWS - COLUMNS <= 2) & (ROWS >= COLUMNS))),
    "lengths": ({"key_value_seq_lengths": np.int32([7, 2]), "query_seq_lengths": np.int32([3, 5])},
                formula(SCORES, np.array([7, 2])[:, None, None, None] > COLUMNS) * LENGTHS),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name: str) -> None:
    settings, want = CASES[name]
    np.testing.assert_allclose(nn.dot_product_attention(Q, KEY, V, **settings), want, rtol=1e-4, atol=1e-5)


def test_shapes_types_and_batches() -> None:
    one = nn.dot_product_attention(Q[0], KEY[0], V[0])
    np.testing.assert_allclose(one, CASES["plain"][1][0], rtol=1e-4, atol=1e-5)
    several = lantern.vmap(nn.dot_product_attention)(Q, KEY, V)
    np.testing.assert_allclose(several, CASES["plain"][1], rtol=1e-4, atol=1e-5)
    half = nn.dot_product_attention(*[x.astype(np.float16) for x in (Q, KEY, V)])
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, CASES["plain"][1], rtol=1e-2, atol=1e-2)
    found, sums = nn.dot_product_attention(Q, KEY, V, return_residual=True)
    assert found.shape == Q.shape
    np.testing.assert_allclose(sums, np.log(np.exp(SCORES).sum(-1)).transpose(0, 2, 1), rtol=1e-5)


def test_a_row_without_keys_has_the_mean() -> None:
    nothing = np.zeros((1, 1, T, S), bool)
    found, back = lantern.vjp(lambda q: nn.dot_product_attention(q, KEY, V, mask=nothing), Q)
    np.testing.assert_allclose(found, np.repeat(V.mean(1, keepdims=True), N // K, 2).repeat(T, 1), rtol=1e-5, atol=1e-6)
    assert np.isfinite(back(np.ones_like(Q))[0]).all()


def test_kernels() -> None:
    """Scores; masks and softmax; values."""
    f = lantern.jit(lambda q, k, v: nn.dot_product_attention(q, k, v, is_causal=True))
    assert len(f.lower(Q, KEY, V).kernels) == 3
    slopes = lantern.jit(lantern.grad(lambda q, k, v: jnp.sum(f(q, k, v)), (0, 1, 2)))
    assert len(slopes.lower(Q, KEY, V).kernels) <= 12


ERRORS: list[tuple[type[Exception], str, Any, dict[str, Any]]] = [
    (ShapeError, r"query, key and value are floats of shape \[batch, length, heads, size\] .*, got f32\[4,8\], at ",
     (Q[0, 0], KEY, V), {}),
    (ShapeError, r"wanted one dtype, got query f32\[2,5,4,8\], key f16", (Q, KEY.astype(np.float16), V), {}),
    (ShapeError, r"key and value must have one shape, and share batch and size with the query", (Q, KEY, V[:, 1:]), {}),
    (ShapeError, r"the heads of the query \(axis 2\) must be a multiple of those of the key",
     (Q[:, :, :3], KEY, V), {}),
    (ShapeError, r"the axes of the bias must be 1 or those of the scores .* = \[2, 4, 5, 7\], got f32\[5,5\]",
     (Q, KEY, V), {"bias": np.ones((5, 5), np.float32)}),
    (TypeError, r"the mask must be bool, got f32\[1,4,5,7\], at ", (Q, KEY, V), {"mask": BIAS}),
    (ShapeError, r"query_seq_lengths must be one integer for each of 2 batch elements, got i32\[3\]", (Q, KEY, V),
     {"query_seq_lengths": np.int32([1, 2, 3])}),
    (ArgumentError, r"implementation must be None or 'xla', got 'cudnn'", (Q, KEY, V), {"implementation": "cudnn"}),
]


@pytest.mark.parametrize(("error", "pattern", "args", "settings"), ERRORS)
def test_errors(error: type[Exception], pattern: str, args: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(error, match="dot_product_attention: " + pattern):
        nn.dot_product_attention(*args, **settings)
