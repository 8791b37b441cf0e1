"""einops as a real consumer of the array API: `einops.array_api` on arrays and inside traced functions."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp

einops = pytest.importorskip("einops", reason="einops is not installed (it is in the test extra)")
api = pytest.importorskip("einops.array_api", reason="einops is older than 0.7")
X = np.arange(2 * 3 * 4 * 6, dtype=np.float32).reshape(2, 3, 4, 6)


def test_rearrange(device: str) -> None:
    x = jnp.asarray(X)
    for pattern, sizes in (("b c h w -> b h w c", {}), ("b c (h p) (w q) -> b (h w) (c p q)", {"p": 2, "q": 3}),
                           ("b ... -> b (...)", {}), ("b c h w -> (b c) 1 h w", {})):
        np.testing.assert_array_equal(api.rearrange(x, pattern, **sizes), einops.rearrange(X, pattern, **sizes))


@pytest.mark.parametrize("reduction", ["sum", "mean", "max", "min", "prod"])
def test_reduce(reduction: str) -> None:
    x = X / 100
    found = api.reduce(jnp.asarray(x), "b c (h p) w -> b h w", reduction, p=2)
    np.testing.assert_allclose(found, einops.reduce(x, "b c (h p) w -> b h w", reduction, p=2), rtol=1e-5)


def test_repeat_pack_unpack() -> None:
    x = jnp.asarray(X)
    np.testing.assert_array_equal(api.repeat(x, "b c h w -> b c (h 2) w k", k=3),
                                  einops.repeat(X, "b c h w -> b c (h 2) w k", k=3))
    packed, shapes = api.pack([x, x[:, :, 0]], "b * w")
    assert packed.shape == (2, 15, 6)
    for part, wanted in zip(api.unpack(packed, shapes, "b * w"), (X, X[:, :, 0]), strict=True):
        np.testing.assert_array_equal(part, wanted)
    np.testing.assert_array_equal(api.asnumpy(x), X)


def test_inside_transforms(device: str) -> None:
    """Attention over patches: traced, differentiated and mapped like any other function."""
    def f(x: Any) -> Any:
        patches = api.rearrange(x, "c (h p) (w q) -> (h w) (c p q)", p=2, q=3)
        scores = patches @ patches.T
        return jnp.sum(api.reduce(jnp.tanh(scores), "i j -> i", "mean") ** 2)

    def plain(x: Any) -> Any:
        patches = x.reshape(3, 2, 2, 2, 3).transpose(1, 3, 0, 2, 4).reshape(4, 18)
        return jnp.sum(jnp.tanh(patches @ patches.T).mean(1) ** 2)

    x = jnp.asarray(X / 500)
    for of in (lantern.vmap, lambda g: lantern.jit(lantern.vmap(lantern.grad(g)))):
        np.testing.assert_allclose(of(f)(x), of(plain)(x), rtol=1e-4, atol=1e-5)


def test_wrong_patterns_are_einops_own_error() -> None:
    with pytest.raises(einops.EinopsError, match="Input tensor shape"):
        api.rearrange(jnp.asarray(X), "b c -> c b")
