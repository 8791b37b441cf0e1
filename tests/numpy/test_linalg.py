"""Factorisations, solutions and norms against NumPy: values, derivatives, batches, compiled; what has no answer."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import ArgumentError, NotDifferentiableError, ShapeError
from lantern.testing import check_grads
from tests.ops.laws import x64

RNG = np.random.default_rng(5)
A = RNG.normal(size=(2, 4, 4)) + 4 * np.eye(4)
S = A @ A.swapaxes(-1, -2) / 4 + np.diag(np.arange(4.0))
T = RNG.normal(size=(2, 5, 3))
B = RNG.normal(size=(2, 4, 2))
V = RNG.normal(size=4)
C = A + 1j * RNG.normal(size=A.shape)
H = C @ C.conj().swapaxes(-1, -2)
LINALG, NUMPY = jnp.linalg, np.linalg

# name: (function of a module and arrays, arrays, how often it is differentiable); `m` is our module or NumPy's
CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...], int]] = {
    "cholesky": (lambda m, a: m.cholesky(a), (S,), 2),
    "cholesky_complex": (lambda m, a: m.cholesky(a), (H,), 0),
    "qr": (lambda m, a: tuple(m.qr(a)), (T,), 2),
    "qr_wide": (lambda m, a: tuple(m.qr(a)), (T.swapaxes(-1, -2),), 1),
    "qr_complete": (lambda m, a: tuple(m.qr(a, mode="complete")), (T,), 0),
    "qr_r": (lambda m, a: m.qr(a, mode="r"), (T,), 1),
    "qr_raw": (lambda m, a: tuple(m.qr(a, mode="raw")), (T,), 0),
    "eigh": (lambda m, a: (m.eigh(a)[0], abs(m.eigh(a)[1])), (S,), 1),
    "eigh_complex": (lambda m, a: m.eigh(a)[0], (H,), 0),
    "eigvalsh": (lambda m, a: m.eigvalsh(a), (S,), 2),
    "eigvals": (lambda m, a: (m.eigvals(a) ** 3 + 0j).sum(-1), (A,), 0),
    "eig": (lambda m, a: (abs(m.eig(a)[1]) ** 2 * (m.eig(a)[0] + 0j)[..., None, :]).sum(-1), (A,), 0),
    "svd": (lambda m, a: (m.svd(a, full_matrices=False)[1], abs(m.svd(a, full_matrices=False)[0])), (T,), 1),
    "svd_full": (lambda m, a: (abs(m.svd(a)[0][..., :3]), abs(m.svd(a)[2])), (T,), 0),
    "svdvals": (lambda m, a: m.svd(a, compute_uv=False), (T,), 2),
    "svd_hermitian": (lambda m, a: m.svd(a, hermitian=True)[1], (S - 5 * np.eye(4),), 0),
    "svd_hermitian_product": (lambda m, a: (lambda u, s, vh: (u * s[..., None, :]) @ vh)(*m.svd(a, hermitian=True)),
                              (S - 5 * np.eye(4),), 0),
    "solve": (lambda m, a, b: m.solve(a, b), (A, B), 2),
    "solve_vector": (lambda m, a, b: m.solve(a, b), (A, V), 1),
    "solve_broadcast": (lambda m, a, b: m.solve(a, b), (A[0], B), 1),
    "inv": (lambda m, a: m.inv(a), (A,), 2),
    "inv_complex": (lambda m, a: m.inv(a), (C,), 1),
    "det": (lambda m, a: m.det(a), (A,), 2),
    "det_3": (lambda m, a: m.det(a[:, :3, :3]), (A,), 2),
    "det_1": (lambda m, a: m.det(a[:, :1, :1]), (A,), 1),
    "det_complex": (lambda m, a: m.det(a), (C,), 1),
    "slogdet": (lambda m, a: tuple(m.slogdet(-a[:, :3, :3])), (A,), 2),
    "slogdet_complex": (lambda m, a: tuple(m.slogdet(a)), (C,), 1),
    "pinv": (lambda m, a: m.pinv(a), (T,), 2),
    "pinv_of_low_rank": (lambda m, a: m.pinv(a @ a.swapaxes(-1, -2), rcond=1e-4), (T,), 0),
    "lstsq": (lambda m, a, b: tuple(m.lstsq(a, b)), (T[0], B.reshape(-1)[:10].reshape(5, 2)), 0),
    "matrix_rank": (lambda m, a: m.matrix_rank(a @ a.swapaxes(-1, -2)).astype(np.int32), (T,), 0),
    "matrix_rank_hermitian": (lambda m, a: m.matrix_rank(a, hermitian=True).astype(np.int32), (S,), 0),
    "tensorinv": (lambda m, a: m.tensorinv(a), (A[0].reshape(2, 2, 4),), 1),
    "tensorsolve": (lambda m, a, b: m.tensorsolve(a, b), (A[0].reshape(2, 2, 4), V.reshape(2, 2)), 1),
    "tensorsolve_axes": (lambda m, a, b: m.tensorsolve(a, b, axes=(0,)), (A[0].T.reshape(4, 2, 2),
                                                                               V.reshape(2, 2)), 0),
    "matrix_power": (lambda m, a: (m.matrix_power(a, 5), m.matrix_power(a, -2), m.matrix_power(a, 0)), (A / 4,), 1),
    "multi_dot": (lambda m, a, b, c: m.multi_dot([a, b, c]), (V, A[0], B[0]), 1),
    "cond": (lambda m, a: (m.cond(a), m.cond(a, -2), m.cond(a[:, :3], 1)), (T,), 0),
    "norms_of_vectors": (lambda m, a: tuple([m.norm(a, o, axis=-1) for o in (None, 1, 2, 3.5, np.inf, -np.inf, 0)]),
                         (A,), 1),
    "norms_of_matrices": (lambda m, a: tuple([m.norm(a, o, axis=(0, 2), keepdims=k) for k in (False, True) for o in
                                              (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)]), (A,), 0),
    "norm_of_all": (lambda m, a: (m.norm(a), m.norm(a[0], 2), m.norm(a, keepdims=True)), (A,), 2),
    "norm_complex": (lambda m, a: m.norm(a, 3, axis=-1), (C,), 0),
}


def leaves(x: Any) -> list[Any]:
    """The arrays of a result."""
    return list(x) if isinstance(x, tuple) else [x]


def close(found: Any, wanted: Any, tolerance: float = 1e-9) -> None:
    """Shapes, kinds and values agree."""
    assert len(leaves(found)) == len(leaves(wanted))
    for x, y in zip(leaves(found), leaves(wanted), strict=True):
        assert x.shape == np.shape(y)
        assert np.asarray(x).dtype.kind == np.asarray(y).dtype.kind
        np.testing.assert_allclose(np.asarray(x), y, tolerance, tolerance * max(1, np.max(np.abs(y), initial=0)))


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name: str) -> None:
    f, args, order = CASES[name]
    if name == "cond":
        args = (args[0][:, :3],)
    with x64():
        wanted = f(NUMPY, *args)
        close(f(LINALG, *args), wanted)
        close(lantern.jit(lambda *xs: f(LINALG, *xs))(*args), wanted)
        mapped = lantern.jit(lantern.vmap(lambda *xs: f(LINALG, *xs)))(*[np.stack([x, x + 0.1 * x]) for x in args])
        close(tuple([x[0] for x in leaves(mapped)]), wanted, 1e-8)
        if order:
            check_grads(lambda *xs: f(LINALG, *xs), args, order)


@pytest.mark.parametrize("dtype", ["float32", "complex64", "int32"])
def test_dtypes(dtype: str) -> None:
    x = (3 * S).astype(dtype)
    kind = np.result_type(dtype, np.float32) if dtype != "int32" else np.float32
    for f in (LINALG.cholesky, LINALG.inv, LINALG.det, LINALG.pinv, lambda a: LINALG.qr(a)[0]):
        assert f(x).dtype == kind
    assert LINALG.norm(x).dtype == LINALG.svdvals(x).dtype == LINALG.eigvalsh(x).dtype == np.float32
    assert LINALG.eigvals(x).dtype == np.complex64


def test_results_have_names() -> None:
    u, s, vh = found = LINALG.svd(T, full_matrices=False)
    assert (found.U, found.S, found.Vh) == (u, s, vh) or found.U is u
    assert LINALG.eigh(S).eigenvalues.shape == (2, 4) and LINALG.eig(S).eigenvectors.shape == (2, 4, 4)
    assert LINALG.qr(T).R.shape == (2, 3, 3) and LINALG.slogdet(S).logabsdet.shape == (2,)


def test_upper_and_lower_triangles() -> None:
    lower, upper = np.tril(S), np.triu(S)
    close(LINALG.cholesky(S, upper=True), np.linalg.cholesky(S).swapaxes(-1, -2), 1e-5)
    for x, word in ((lower, "L"), (upper, "U")):
        close(LINALG.eigvalsh(x, word, symmetrize_input=False), np.linalg.eigvalsh(S), 1e-5)
        close(LINALG.cholesky(x, upper=word == "U", symmetrize_input=False),
              LINALG.cholesky(S, upper=word == "U"), 1e-5)


def test_what_has_no_answer_is_not_finite() -> None:
    """No error, eagerly or compiled, and the other matrices of the stack keep their answers."""
    stack = np.stack([S[0], -S[0]])
    for f in (LINALG.cholesky, lantern.jit(LINALG.cholesky)):
        found = np.asarray(f(stack))
        close(jnp.asarray(found[0]), np.linalg.cholesky(S[0]), 1e-5)
        assert np.isnan(found[1][np.tril_indices(4)]).all() and not found[1][np.triu_indices(4, 1)].any()
    singular = np.array([[1.0, 1.0], [1.0, 1.0]])
    assert not np.isfinite(LINALG.inv(singular)).all()
    close(LINALG.inv(np.stack([singular, 2 * np.eye(2)]))[1], np.eye(2) / 2, 1e-6)
    assert LINALG.det(singular).item() == 0 and LINALG.cond(singular).item() > 1e7
    assert [x.item() for x in LINALG.slogdet(np.zeros((4, 4)))] == [0.0, -np.inf]
    broken = np.stack([S[0], np.full((4, 4), np.nan)])
    for f in (LINALG.svdvals, LINALG.eigvalsh, LINALG.eigvals):
        found = np.asarray(f(broken))
        assert np.isfinite(found[0]).all() and np.isnan(found[1]).all()


def test_gradient_of_det_of_a_singular_matrix() -> None:
    x = A[0].copy()
    x[:, 3] = x[:, 0] + x[:, 1]
    with x64():
        cofactors = [[(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(x, i, 0), j, 1)) for j in range(4)]
                     for i in range(4)]
        close(lantern.grad(LINALG.det)(x), np.array(cofactors), 1e-6)


def test_slogdet_by_qr() -> None:
    with x64():
        for x in (A, -A, A[:, ::-1]):
            close(tuple(LINALG.slogdet(x, method="qr")), tuple(np.linalg.slogdet(x)))
        check_grads(lambda a: LINALG.slogdet(a, method="qr")[1], (A,), 2)


def test_empty_matrices() -> None:
    none, flat = np.zeros((0, 0)), np.zeros((3, 0))
    assert LINALG.det(none).item() == 1 and LINALG.cholesky(none).shape == (0, 0) and LINALG.inv(none).shape == (0, 0)
    assert LINALG.svdvals(flat).shape == (0,) and LINALG.pinv(flat).shape == (0, 3) and LINALG.norm(none).item() == 0
    assert LINALG.solve(none, np.zeros((0, 2))).shape == (0, 2) and LINALG.matrix_rank(flat).item() == 0
    assert LINALG.eigvals(none).shape == (0,) and LINALG.eigh(none)[1].shape == (0, 0)
    assert LINALG.inv(np.zeros((0, 2, 2))).shape == (0, 2, 2) and LINALG.qr(flat)[0].shape == (3, 0)


def test_lstsq_of_low_rank_and_leftovers() -> None:
    x = np.outer(np.arange(1.0, 6), [1, 2, 0])
    b = np.arange(5.0)
    found, squares, rank, values = LINALG.lstsq(x, b)
    wanted = np.linalg.lstsq(x, b)
    close(found, wanted[0], 1e-5)
    assert rank.item() == 1 and squares.shape == (1,) and values.shape == (3,)
    assert LINALG.lstsq(x, b, numpy_resid=True)[1].shape == (0,)


def test_cross() -> None:
    x, y = T[0], T[1]
    close(jnp.cross(x, y), np.cross(x, y), 1e-5)
    close(jnp.cross(x.T, y.T, axis=0), np.cross(x.T, y.T, axis=0), 1e-5)
    close(jnp.cross(x.T, y, 0, -1, 0), np.cross(x.T, y, 0, -1, 0), 1e-5)
    padded = np.concatenate([x[:, :2], 0 * x[:, :1]], 1)
    close(jnp.cross(x[:, :2], y), np.cross(padded, y), 1e-5)
    close(jnp.cross(x[:, :2], y[:, :2]), x[:, 0] * y[:, 1] - x[:, 1] * y[:, 0], 1e-5)
    close(LINALG.cross(x[:, None], y), np.cross(x[:, None], y), 1e-5)


def test_products_under_the_standards_names() -> None:
    x = RNG.normal(size=(2, 3, 3)).astype(np.float32)
    close(LINALG.diagonal(x, offset=1), np.diagonal(x, 1, -2, -1), 1e-6)
    close(LINALG.trace(x), np.trace(x, 0, -2, -1), 1e-6)
    close(LINALG.outer(V, V), np.outer(V, V), 1e-6)
    close(LINALG.vector_norm(x, axis=(0, 2), keepdims=True, ord=1), np.abs(x).sum((0, 2), keepdims=True), 1e-6)
    close(LINALG.matrix_norm(x, ord="nuc"), np.linalg.norm(x, "nuc", (-2, -1)), 1e-5)
    close(LINALG.tensordot(x[0], x[1], axes=1), x[0] @ x[1], 1e-5)


ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: LINALG.inv(np.ones((2, 3))), ShapeError,
     r"^inv: wanted square matrices, got f32\[2,3\], whose last two sizes are 2 and 3, at "),
    (lambda: LINALG.det(np.ones(3)), ShapeError, r"^det: wanted matrices \(rank 2 or more\), got f32\[3\], at .* The "),
    (lambda: LINALG.cholesky(np.ones((2, 2), np.float16)), TypeError, r"^cholesky: wanted f32, f64.*got f16\[2,2\], "),
    (lambda: LINALG.solve(A, np.ones(3)), ShapeError, r"^solve: wanted right-hand sides with 4 rows, got f32\[2,4,4\] "
                                                       r"and f32\[3\], at .* Only a b of rank 1 is a vector"),
    (lambda: LINALG.solve(A, np.ones((3, 4, 2))), ShapeError, "solve: shapes .* cannot be broadcast together"),
    (lambda: LINALG.qr(A, mode="fast"), ArgumentError, "^qr: wanted mode 'reduced'.* got 'fast'"),
    (lambda: LINALG.eigh(A, "X"), ArgumentError, "^eigh: wanted UPLO 'L' or 'U', got 'X'"),
    (lambda: LINALG.norm(A, 3, axis=(0, 1)), ArgumentError, "^norm: wanted 'fro', 'nuc'.*got 3"),
    (lambda: LINALG.norm(A, "fro", axis=0), ArgumentError, "^norm: wanted a number as the order of vectors, got 'fro'"),
    (lambda: LINALG.norm(A, 2), ArgumentError, r"^norm: wanted one axis .* got 3 of f32\[2,4,4\]"),
    (lambda: LINALG.matrix_power(A, 1.5), ArgumentError, "^matrix_power: wanted an int"),
    (lambda: LINALG.multi_dot([V]), ArgumentError, "^multi_dot: wanted two arrays or more, got 1"),
    (lambda: LINALG.multi_dot([V, T[0], V]), ShapeError, r"^multi_dot: sizes must agree, got f32\[4\] beside f32\[5,3"),
    (lambda: LINALG.cross(V, V), ShapeError, "^cross: wanted 3 elements along axis -1"),
    (lambda: jnp.cross(V, V), ShapeError, "^cross: wanted 2 or 3 elements along axis -1"),
    (lambda: LINALG.lstsq(A, V), ShapeError, r"^lstsq: wanted a matrix \(m, n\)"),
    (lambda: LINALG.tensorinv(T), ShapeError, "^tensorinv: the product of the first 2 sizes"),
    (lambda: LINALG.slogdet(C, method="qr"), ArgumentError, "^slogdet: wanted method 'lu', or 'qr' for real"),
    (lambda: LINALG.pinv(A, 0.1, rcond=0.1), ArgumentError, "^pinv: rtol and rcond are two names"),
    (lambda: lantern.lax.linalg.qr(A, pivoting=True), ArgumentError, "^qr: there is no pivoting"),
    (lambda: lantern.lax.linalg.eigh(A, subset_by_index=(3, 9)), ArgumentError, "^eigh: wanted 0 <= start <= stop"),
    (lambda: lantern.grad(lambda x: LINALG.svd(x).U.sum())(T), NotDifferentiableError,
     r"svd: the vectors past the singular values of f32\[2,5,3\] are not determined.*full_matrices=False"),
    (lambda: lantern.grad(lambda x: LINALG.qr(x, "complete").Q.sum())(T), NotDifferentiableError,
     r"qr: the columns of q past those of f32\[2,5,3\] are not determined.*mode='reduced'"),
    (lambda: lantern.grad(lambda x: LINALG.qr(x, "raw").Q.sum())(T), NotDifferentiableError, "reflections: .* Use qr"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=range(len(ERRORS)))
def test_errors(call: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
