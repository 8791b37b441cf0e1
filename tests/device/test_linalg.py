"""Factorisations on a GPU: kernels past a tile and past a workgroup, gradients, and the transfer that warns once."""
from __future__ import annotations

import warnings
from collections.abc import Generator

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
import lantern.scipy.linalg as jsl
from lantern.backends.wgpu import WgpuBackend
from lantern.errors import TransferWarning
from lantern.ops import linalg_host

RNG = np.random.default_rng(7)


@pytest.fixture(autouse=True)
def on_gpu(backend: WgpuBackend) -> Generator[None]:
    """The GPU as the default device."""
    with lantern.default_device("gpu"):
        yield


def definite(*shape: int) -> np.ndarray:
    """Positive definite matrices."""
    x = RNG.normal(size=(*shape, shape[-1])).astype(np.float32)
    return (x @ x.swapaxes(-1, -2) / shape[-1] + np.eye(shape[-1])).astype(np.float32)


@pytest.mark.parametrize("shape", [(3, 70), (2, 130)])
def test_cholesky_and_its_solves(shape: tuple[int, ...]) -> None:
    a, b = definite(*shape), RNG.normal(size=(*shape, 5)).astype(np.float32)
    found = np.asarray(jnp.linalg.cholesky(a))
    np.testing.assert_allclose(found, np.linalg.cholesky(a.astype(np.float64)), 1e-4, 1e-5)
    assert not np.triu(found, 1).any()
    solved = jsl.cho_solve((found, True), b)
    np.testing.assert_allclose(np.asarray(solved), np.linalg.solve(a.astype(np.float64), b), 1e-3, 1e-4)


def test_what_is_not_definite_is_nan() -> None:
    for n in (20, 130):
        a = np.stack([definite(n)] * 2)
        a[1, n // 2, n // 2] = -1
        first, second = np.asarray(jnp.linalg.cholesky(a))
        assert np.isfinite(first).all() and np.isnan(second[np.tril_indices(n)]).all() and not np.triu(second, 1).any()


@pytest.mark.parametrize("shape", [(40, 33), (2, 80, 70), (50, 130)])
def test_qr(shape: tuple[int, ...]) -> None:
    a = RNG.normal(size=shape).astype(np.float32)
    q, r = (np.asarray(x) for x in jnp.linalg.qr(a))
    wanted = np.linalg.qr(a.astype(np.float64))
    np.testing.assert_allclose(q, wanted[0], 1e-3, 2e-4)
    np.testing.assert_allclose(r, wanted[1], 1e-3, 2e-3)


@pytest.mark.parametrize("columns", [1, 33])
def test_triangular_solve(columns: int) -> None:
    a = np.linalg.cholesky(definite(100)).astype(np.float32)
    b = RNG.normal(size=(100, columns)).astype(np.float32)
    for trans, lower in ((0, True), (1, False)):
        t = a if lower else a.T.copy()
        wanted = np.linalg.solve((t.T if trans else t).astype(np.float64), b)
        np.testing.assert_allclose(np.asarray(jsl.solve_triangular(t, b, trans, lower)), wanted, 1e-3, 1e-4)


def log_likelihood(a: lantern.Array, y: lantern.Array) -> lantern.Array:
    """That of a Gaussian, up to a constant."""
    factor = jnp.linalg.cholesky(a)
    z = jsl.solve_triangular(factor, y, lower=True)
    return -0.5 * jnp.sum(z * z) - jnp.sum(jnp.log(jnp.diagonal(factor)))


def test_gradients_stay_on_the_gpu() -> None:
    """Rasmussen and Williams 2006, eq. 5.9: half of (a^-1 y)(a^-1 y)^T - a^-1."""
    a, y = definite(150), RNG.normal(size=150).astype(np.float32)
    linalg_host._said.clear()
    found = np.asarray(lantern.jit(lantern.grad(log_likelihood))(a, y))
    inverse = np.linalg.inv(a.astype(np.float64))
    np.testing.assert_allclose(found, (np.outer(inverse @ y, inverse @ y) - inverse) / 2, 1e-3, 1e-4)
    q = np.asarray(lantern.grad(lambda x: jnp.sum(jnp.linalg.qr(x).R ** 3))(a[:6, :4]))
    with lantern.default_device("cpu"):
        np.testing.assert_allclose(q, lantern.grad(lambda x: jnp.sum(jnp.linalg.qr(x).R ** 3))(a[:6, :4]), 1e-3, 1e-3)
    assert not linalg_host._said


def test_a_transfer_warns_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linalg_host, "_said", [])
    a = definite(9)
    with pytest.warns(TransferWarning, match=r"^solve has no GPU kernel: .*, at test_linalg.py:\d+ in .*Compute it on "
                                             r"the CPU device, or silence this"):
        inverse = jnp.linalg.inv(a)
    np.testing.assert_allclose(np.asarray(inverse), np.linalg.inv(a), 1e-3, 1e-4)
    assert inverse.device == lantern.devices("gpu")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = np.asarray(lantern.jit(jnp.linalg.svdvals)(a))
    np.testing.assert_allclose(values, np.linalg.svd(a, compute_uv=False), 1e-4)


def test_transfers_under_grad_and_vmap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linalg_host, "_said", ["said"])
    a, b = definite(3, 6), RNG.normal(size=(3, 6)).astype(np.float32)

    def loss(a: lantern.Array, b: lantern.Array) -> lantern.Array:
        return jnp.sum(jnp.linalg.solve(a, b) ** 2) + jnp.linalg.slogdet(a)[1] + jnp.sum(jnp.linalg.eigvalsh(a) ** 2)

    slopes = lantern.jit(lantern.vmap(lantern.grad(loss)))
    found = np.asarray(slopes(a, b))
    with lantern.default_device("cpu"):
        np.testing.assert_allclose(found, slopes(a, b), 1e-3, 1e-3)
