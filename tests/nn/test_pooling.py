"""nn.max_pool, min_pool and avg_pool: arguments and errors. Values and gradients are PyTorch's, in test_torch.py."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax, nn
from lantern.errors import ShapeError
from lantern.testing import check_grads

X = np.random.default_rng(0).permutation(48).reshape(2, 4, 6, 1).astype(np.float32)


def tiles(x: Any) -> Any:
    """Windows of 2 x 3 side by side, as a last axis."""
    return x.reshape(2, 2, 2, 2, 3, 1).transpose(0, 1, 3, 5, 2, 4).reshape(2, 2, 2, 1, 6)


def test_values() -> None:
    for function, twin in ((nn.max_pool, np.max), (nn.min_pool, np.min), (nn.avg_pool, np.mean)):
        np.testing.assert_allclose(function(X, (2, 3), (2, 3)), twin(tiles(X), -1), rtol=1e-6)
        np.testing.assert_allclose(function(X[0], (2, 3), (2, 3)), twin(tiles(X), -1)[0], rtol=1e-6)
        np.testing.assert_allclose(lantern.vmap(lambda x, f=function: f(x, (2, 3), (2, 3)))(X), twin(tiles(X), -1),
                                   rtol=1e-6)
        assert function(X, (2, 3)).shape == (2, 3, 4, 1)
        assert function(X, (2, 3), padding="SAME").shape == X.shape
        assert function(X, (2, 3), (2, 2), [(1, 0), (0, 2)]).shape == (2, 2, 3, 1)
    assert nn.max_pool(np.int32([[5], [-7]]), (2,), (1,), [(1, 1)]).tolist() == [[5], [5], [-7]]
    assert nn.avg_pool(np.int32([[5], [-7]]), (2,)).tolist() == [[-1]]
    np.testing.assert_allclose(nn.pool(X, 0.0, lax.add, (2, 3), (2, 3)), tiles(X).sum(-1))


def test_padding_does_not_count() -> None:
    ones = np.ones((3, 3, 1), np.float32)
    assert nn.avg_pool(ones, (2, 2), padding=[(1, 1), (1, 1)], count_include_pad=False).tolist() == np.ones(
        (4, 4, 1)).tolist()
    assert nn.avg_pool(ones, (2, 2), padding=[(1, 0), (1, 0)])[0, 0, 0].item() == 0.25
    assert nn.max_pool(-ones, (2, 2), padding="SAME").tolist() == (-ones).tolist()


def test_second_derivatives() -> None:
    check_grads(lambda x: nn.max_pool(x, (3, 2), (2, 1), "SAME"), (X[:1, :3, :4] / 7,), order=2)
    check_grads(lambda x: nn.avg_pool(x, (3, 2), (2, 1), "SAME", False), (X[:1, :3, :4] / 7,), order=2)


@pytest.mark.parametrize("function", [nn.max_pool, nn.avg_pool])
def test_gradients_hold_no_patches(function: Any) -> None:
    x = np.ones((4, 32, 32, 8), np.float32)
    slope = lantern.jit(lantern.grad(lambda x: jnp.sum(function(x, (3, 3), (2, 2)) ** 2)))
    sizes = [a.size for k in slope.lower(x).kernels for a in (*k.args, *k.outs)]
    assert max(sizes) <= 4 * 34 * 34 * 8


def test_errors() -> None:
    with pytest.raises(ShapeError, match=r"max_pool: wanted an axis for each of the window's, \(2, 2\), .*f32\[3,3\]"):
        nn.max_pool(np.ones((3, 3)), (2, 2))
    with pytest.raises(ShapeError, match=r"avg_pool: wanted a stride for each axis of the window \(2,\), got \(1, 1\)"):
        nn.avg_pool(np.ones((3, 3)), (2,), (1, 1))
