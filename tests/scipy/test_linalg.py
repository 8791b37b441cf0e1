"""scipy.linalg against products of what it gives: values, derivatives, compiled, batches, errors."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.scipy.linalg as jsl
from lantern.errors import ArgumentError, ShapeError
from lantern.testing import check_grads
from tests.ops.laws import x64

RNG = np.random.default_rng(6)
A = RNG.normal(size=(2, 4, 4)) + 3 * np.eye(4)
S = A @ A.swapaxes(-1, -2) / 4 + np.eye(4)
B = RNG.normal(size=(2, 4, 2))
T = RNG.normal(size=(2, 5, 3))
V = RNG.normal(size=4)
C = A + 1j * RNG.normal(size=A.shape)


def close(found: Any, wanted: Any, tolerance: float = 1e-9) -> None:
    """Shapes and values agree."""
    assert found.shape == np.shape(wanted)
    np.testing.assert_allclose(np.asarray(found), wanted, tolerance, tolerance * max(1, np.max(np.abs(wanted))))


@pytest.mark.parametrize("trans", [0, 1, 2, "N", "T", "C"])
@pytest.mark.parametrize("lower", [False, True])
def test_solve_triangular(trans: Any, lower: bool) -> None:
    with x64():
        for a, b in ((A, B), (A[0], V), (C, B + 0j), (A, V[None])):
            t = np.tril(a) if lower else np.triu(a)
            t = t if trans in (0, "N") else t.swapaxes(-1, -2) if trans in (1, "T") else t.swapaxes(-1, -2).conj()
            found = np.asarray(jsl.solve_triangular(a, b, trans, lower))
            np.testing.assert_allclose((t @ found[..., None])[..., 0] if b.ndim < 3 else t @ found,
                                       np.broadcast_to(b, found.shape), 1e-9, 1e-9)
        check_grads(lambda a, b: jsl.solve_triangular(a, b, trans, lower, unit_diagonal=True), (A, B), 1)


@pytest.mark.parametrize("lower", [False, True])
def test_solves_by_cholesky(lower: bool) -> None:
    with x64():
        wanted = np.linalg.solve(S, B)
        triangle = np.tril(S) if lower else np.triu(S)      # all that is read
        factor = jsl.cho_factor(triangle, lower)
        close(factor[0], np.linalg.cholesky(S) if lower else np.linalg.cholesky(S).swapaxes(-1, -2))
        close(jsl.cho_solve(factor, B), wanted)
        close(jsl.solve(triangle, B, lower=lower, assume_a="pos"), wanted)
        close(lantern.jit(lantern.vmap(lambda a, b: jsl.solve(a, b, assume_a="pos")))(S, B), wanted)
        hermitian = C @ C.conj().swapaxes(-1, -2)
        close(jsl.solve(hermitian, B, assume_a="pos", lower=lower), np.linalg.solve(hermitian, B))
        check_grads(lambda a, b: jsl.solve(a @ a.swapaxes(-1, -2), b, assume_a="pos", lower=lower), (A, B), 2)


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 4, 4), (40, 40)])
def test_lu(shape: tuple[int, ...]) -> None:
    x = RNG.normal(size=shape)
    with x64():
        p, low, upper = jsl.lu(x)
        close(p @ low @ upper, x)
        close(jsl.lu(x, permute_l=True)[0], np.asarray(p @ low))
        assert np.abs(low).max() <= 1 and (np.diagonal(low, 0, -2, -1) == 1).all() and not np.triu(low, 1).any()
        assert not np.tril(upper, -1).any()
        check = [y for y in shape if y > 5]
        if not check:
            check_grads(lambda a: jsl.lu(a)[1:], (x,), 1)


@pytest.mark.parametrize("trans", [0, 1, 2])
def test_lu_solve(trans: int) -> None:
    with x64():
        for a, b in ((A[0], B[0]), (C[0], V + 0j), (A, B), (A[:, ::-1], B)):
            m = a if trans == 0 else a.swapaxes(-1, -2) if trans == 1 else a.swapaxes(-1, -2).conj()
            close(jsl.lu_solve(jsl.lu_factor(a), b, trans), np.linalg.solve(m, b))
        check_grads(lambda a, b: jsl.lu_solve(jsl.lu_factor(a), b, trans), (A, B), 1)
    pivots = lantern.lax.linalg.lu_pivots_to_permutation(np.array([[2, 2, 2], [0, 1, 2]]), 3)
    assert pivots.tolist() == [[2, 0, 1], [0, 1, 2]]


def test_other_factors() -> None:
    with x64():
        for mode in ("full", "economic"):
            q, r = jsl.qr(T, mode=mode)
            close(q @ r, T)
        close(abs(jsl.qr(T, mode="r")[0][:, :3]), np.abs(np.linalg.qr(T, mode="r")))
        u, s, vh = jsl.svd(T, full_matrices=False)
        close((u * s[..., None, :]) @ vh, T)
        close(jsl.svd(T, compute_uv=False), np.linalg.svd(T, compute_uv=False))
        w, v = jsl.eigh(S)
        close((v * w[..., None, :]) @ v.swapaxes(-1, -2), S)
        close(jsl.eigh(np.triu(S), lower=False, eigvals_only=True), np.linalg.eigvalsh(S))
        close(jsl.det(A), np.linalg.det(A))
        close(jsl.inv(A), np.linalg.inv(A))
        q, r = jsl.qr(C)
        close(q @ r, C)


def test_householder_product() -> None:
    with x64():
        for x in (T, C, A[:, :, :2]):
            found, factors = lantern.lax.linalg.geqrf(x)
            q = np.asarray(lantern.lax.linalg.householder_product(found, factors))
            close(q @ np.triu(np.asarray(found)[:, :x.shape[-1]]), x)
            close(q.conj().swapaxes(-1, -2) @ q, np.broadcast_to(np.eye(x.shape[-1]), (2, *[x.shape[-1]] * 2)))


def by_eigenvalues(a: Any) -> Any:
    """The exponential of a matrix that has enough eigenvectors."""
    w, v = np.linalg.eig(a)
    found = (v * np.exp(w)[..., None, :]) @ np.linalg.inv(v)
    return found if np.iscomplexobj(a) else found.real


@pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0, 8.0])
def test_expm(scale: float) -> None:
    with x64():
        for a in (A * scale, C[0] * scale, scale * A * np.array([0.01, 1])[:, None, None]):
            close(jsl.expm(a), by_eigenvalues(a), 1e-8)
        close(jsl.expm(np.triu(A) * scale, upper_triangular=True), by_eigenvalues(np.triu(A) * scale), 1e-8)
        close(lantern.vmap(jsl.expm)(A * scale), by_eigenvalues(A * scale), 1e-8)
    close(lantern.jit(jsl.expm)(A * scale), by_eigenvalues(A * scale), 2e-4)


def test_derivatives_and_limits_of_expm() -> None:
    with x64():
        check_grads(jsl.expm, (A[0] * 2,), 1)
        check_grads(jsl.expm, (A[0] / 4,), 2)
        assert np.isnan(jsl.expm(np.stack([A[0], A[0] * 1e3]), max_squarings=3)[1]).all()
        assert jsl.expm(np.zeros((0, 0))).shape == (0, 0)
    assert jsl.expm(np.zeros((2, 2))).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_block_diag_and_toeplitz() -> None:
    found = jsl.block_diag(np.ones((2, 1)), np.array([2, 3]), 4.0)
    assert found.tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [0, 2, 3, 0], [0, 0, 0, 4]]
    assert jsl.block_diag().shape == (1, 0)
    assert jsl.toeplitz(np.array([1, 2, 3]), np.array([9, 5])).tolist() == [[1, 5], [2, 1], [3, 2]]
    assert jsl.toeplitz(np.array([1j, 2])).tolist() == [[1j, 2], [2, 1j]]
    assert jsl.toeplitz(np.ones((2, 3))).shape == (2, 3, 3)
    check_grads(lambda c, r: jsl.toeplitz(c, r), (V, V[:2]), 1)


ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: jsl.solve_triangular(A, np.ones(3)), ShapeError, "^solve_triangular: wanted right-hand sides with 4 rows, "
                                                              r"got f32\[2,4,4\] and f32\[3\], at "),
    (lambda: jsl.solve_triangular(A, B, trans=3), ArgumentError, "^solve_triangular: wanted trans 0 or 'N'"),
    (lambda: jsl.cho_solve((np.ones((2, 3)), True), B), ShapeError, "^cho_solve: wanted square matrices"),
    (lambda: jsl.solve(A, B, assume_a="banded"), ArgumentError, "^solve: wanted assume_a 'gen'.*got 'banded'"),
    (lambda: jsl.qr(A, mode="raw"), ArgumentError, "^qr: wanted mode 'full'"),
    (lambda: jsl.eigh(A, b=A), ArgumentError, "^eigh: there are no generalised problems"),
    (lambda: jsl.expm(T), ShapeError, r"^expm: wanted square matrices, got f32\[2,5,3\]"),
    (lambda: jsl.block_diag(A), ShapeError, r"^block_diag: wanted arrays of rank 2 or less, got f32\[2,4,4\]"),
    (lambda: jsl.toeplitz(1.0), ShapeError, "^toeplitz: wanted vectors"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=range(len(ERRORS)))
def test_errors(call: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
