"""Rows: factorisations of matrices, and solutions of linear systems.

Vectors that are determined but for a sign or phase are compared through products in which that cancels.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.dtypes import is_complex
from lantern.ops import (
    linalg_cholesky,
    linalg_eigen,
    linalg_lu,
    linalg_parts,
    linalg_qr,
    linalg_svd,
    linalg_triangular,
    shape,
)
from lantern.ops.broadcast import reduce_sum
from lantern.ops.complex import real
from lantern.ops.convert import convert
from lantern.ops.elementwise import mul
from lantern.trace.context import typeof
from tests.optable.table import Case, Row, Wrong, complexes, table, uniform

F32, I32 = np.float32, np.int32
MATRIX, VECTOR = np.ones((2, 3), F32), np.ones(3, F32)
SINGULAR = np.ones((2, 2), F32)


def _square(r: Any, *size: int) -> Any:
    """Matrices that are neither nearly singular nor nearly without order among their eigenvalues."""
    n = size[-1]
    return (uniform(r, *size, n, low=-0.5, high=0.5) + np.diag(np.arange(n) + 1.5)).astype(F32)


def _complex_square(r: Any, n: int) -> Any:
    return (complexes(r, n, n) * 0.3 + np.diag(np.arange(n) * 1.5 + 2)).astype(np.complex64)


def _tall(r: Any, *size: int) -> Any:
    m, n = size[-2:]
    return (uniform(r, *size, low=-0.5, high=0.5) + np.eye(m, n) * (np.arange(n) + 2.0)).astype(F32)


def _conjugate(x: Any) -> Any:
    return np.conj(np.swapaxes(x, -1, -2))


def _definite(x: Any) -> Any:
    return x @ _conjugate(x) / x.shape[-1] + np.eye(x.shape[-1], dtype=x.dtype)


def _hermitian(x: Any) -> Any:
    """What is read of x: its lower triangle, and the real part of its diagonal."""
    below = np.tril(x, -1)
    return below + _conjugate(below) + np.real(x) * np.eye(x.shape[-1])


def _cholesky(x: Any) -> Any:
    try:
        return np.linalg.cholesky(_hermitian(x))
    except np.linalg.LinAlgError:
        return np.stack([np.tril(np.full_like(x[0], np.nan)), np.linalg.cholesky(x[1])])


def _triangular(a: Any, b: Any, left_side: bool = True, lower: bool = True, transpose_a: bool = False,
                conjugate_a: bool = False, unit_diagonal: bool = False) -> Any:
    t = np.tril(a) if lower else np.triu(a)
    if unit_diagonal:
        t = t + (1 - t) * np.eye(t.shape[-1])
    t = np.swapaxes(t, -1, -2) if transpose_a else t
    t = np.conj(t) if conjugate_a else t
    if (np.diagonal(t, axis1=-2, axis2=-1) == 0).any():
        return np.array([[-np.inf], [np.inf]])
    return np.linalg.solve(t, b) if left_side else np.swapaxes(np.linalg.solve(np.swapaxes(t, -1, -2), np.swapaxes(
        b, -1, -2)), -1, -2)


def _solve(a: Any, b: Any) -> Any:
    return np.array([[-np.inf], [np.inf]]) if np.array_equal(a, SINGULAR) else np.linalg.solve(a, b)


def _lu(a: Any) -> Any:
    """The factors, and beside them the permutation."""
    found, _, order = linalg_lu.lu(a)
    rows = typeof(order).shape
    return shape.concatenate([found, shape.reshape(convert(order, typeof(found).dtype), (*rows, 1))], len(rows))


def _lu_twin(a: Any) -> Any:
    """Row by row, as in a textbook."""
    if a.ndim == 3:
        return np.stack([_lu_twin(x) for x in a])
    x, order = np.array(a), np.arange(a.shape[-2])
    for k in range(min(x.shape)):
        p = k + int(np.argmax(np.abs(x[k:, k])))
        x[[k, p]], order[[k, p]] = x[[p, k]], order[[p, k]]
        if x[k, k] != 0:
            x[k + 1:, k] /= x[k, k]
        x[k + 1:, k + 1:] -= np.outer(x[k + 1:, k], x[k, k + 1:])
    return np.concatenate([x, order[:, None]], 1)


def _qr(a: Any, full: bool = False) -> Any:
    q, r = linalg_qr.qr(a, full)
    return shape.concatenate([q, linalg_parts.swapped(r)], typeof(q).ndim - 2)


def _qr_twin(a: Any, full: bool = False) -> Any:
    q, r = np.linalg.qr(a, mode="complete" if full else "reduced")
    return np.concatenate([q, np.swapaxes(r, -1, -2)], -2)


def _reflections(a: Any) -> Any:
    found, factors = linalg_qr.reflections(a)
    size = typeof(factors).shape
    return shape.concatenate([linalg_parts.swapped(found), shape.reshape(factors, (*size, 1))], len(size))


def _reflections_twin(a: Any) -> Any:
    found, factors = np.linalg.qr(a, mode="raw")
    return np.concatenate([found, factors[..., None]], -1)


def _squared(x: Any) -> Any:
    return real(mul(x, linalg_parts.conjugated(x))) if is_complex(typeof(x).dtype) else mul(x, x)


def _row(x: Any) -> Any:
    return shape.reshape(x, (*typeof(x).shape[:-1], 1, typeof(x).shape[-1]))


def _eigh(a: Any) -> Any:
    w, v = linalg_eigen.eigh(a)
    return shape.concatenate([_row(w), _squared(v)], typeof(v).ndim - 2)


def _eigh_twin(a: Any) -> Any:
    w, v = np.linalg.eigh(a)
    return np.concatenate([w[..., None, :], np.abs(v) ** 2], -2)


def _svd(a: Any, full: bool = False, vectors: bool = True) -> Any:
    if not vectors:
        return linalg_svd.svd(a, vectors=False)[0]
    u, s, vh = linalg_svd.svd(a, full)
    if full and typeof(u).shape != typeof(vh).shape:
        return reduce_sum(_squared(u), (typeof(u).ndim - 1,))
    return shape.concatenate([_row(s), _squared(u), linalg_parts.swapped(_squared(vh))], typeof(u).ndim - 2)


def _svd_twin(a: Any, full: bool = False, vectors: bool = True) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices=full)
    if not vectors or (full and u.shape != vh.shape):
        return np.sum(np.abs(u) ** 2, -1) if vectors else s
    return np.concatenate([s[..., None, :], np.abs(u) ** 2, np.swapaxes(np.abs(vh) ** 2, -1, -2)], -2)


def _eig(a: Any, left: bool = False, right: bool = True) -> Any:
    """Sums over the eigenvalues: their order is nobody's business."""
    w, *vectors = linalg_eigen.eig(a, left=left, right=right)
    rows = [reduce_sum(mul(mul(w, w), w), (typeof(w).ndim - 1,))]
    for v in vectors:
        weights = linalg_parts.as_rows(mul(w, w), typeof(v).shape[-2])
        weighted = mul(weights, convert(_squared(v), typeof(v).dtype))
        rows.append(reduce_sum(mul(weighted, weights), (typeof(v).ndim - 1, typeof(v).ndim - 2)))
        rows.append(reduce_sum(shape.slice(weighted, [0] * typeof(v).ndim, [*typeof(v).shape[:-2], 1,
                                                                            typeof(v).shape[-1]]),
                               (typeof(v).ndim - 1, typeof(v).ndim - 2)))
    return shape.concatenate([shape.reshape(x, (*typeof(x).shape, 1)) for x in rows], typeof(rows[0]).ndim)


def _eig_twin(a: Any, left: bool = False, right: bool = True) -> Any:
    w, v = np.linalg.eig(a)
    u = np.linalg.eig(_conjugate(a))
    found = [np.sum(w ** 3, -1)]
    for vectors, values, wanted in ((u[1], np.conj(u[0]), left), (v, w, right)):
        if wanted:
            weighted = np.abs(vectors) ** 2 * values[..., None, :] ** 2
            found += [np.sum(weighted * values[..., None, :] ** 2, (-1, -2)), np.sum(weighted[..., 0, :], -1)]
    return np.stack(found, -1)


def _drawn(make: Any, *sizes: Any, smooth: bool = True, **params: Any) -> Case:
    return Case(lambda r: tuple([make(r, *size) for size in sizes]), params, smooth)


def _system(n: Any, b: Any, smooth: bool = True, **params: Any) -> Case:
    return Case(lambda r: (_square(r, *n), uniform(r, *b)), params, smooth)


def _not_square(name: str, *more: Any) -> tuple[Wrong, ...]:
    return (Wrong((MATRIX, *more), rf"{name}: wanted square matrices, got f32\[2,3\], whose last two sizes "
                                     "are 2 and 3"),
            Wrong((VECTOR, *more), rf"{name}: wanted matrices \(rank 2 or more\), got f32\[3\]"),
            Wrong((np.ones((2, 2), I32), *more), rf"{name}: wanted f32, f64, c64 or c128, got i32\[2,2\]"))


_NO_KERNEL_ERRORS = (Wrong((VECTOR,), r": wanted matrices \(rank 2 or more\), got f32\[3\]"),
                     Wrong((np.ones((2, 2), np.float16),), r": wanted f32, f64, c64 or c128, got f16\[2,2\]"))

ROWS = table(
    Row("cholesky", linalg_cholesky.cholesky, _cholesky,
        (Case(lambda r: (_definite(_square(r, 4)),)), Case(lambda r: (_definite(_square(r, 2, 3)),)),
         Case(lambda r: (_definite(_complex_square(r, 3)),)),
         Case(lambda r: (_definite(uniform(r, 70, 70)),), smooth=False),
         Case(lambda r: (np.float32([[[1, 9], [2, 3]], [[4, 0], [0, 9]]]),), smooth=False),
         Case(lambda r: (np.zeros((0, 0), F32),), smooth=False), Case(lambda r: (np.zeros((0, 2, 2), F32),),
                                                                      smooth=False)),
        _not_square("cholesky"), order=2, every_precision=False, tolerance=32, absolute=2e-6),
    Row("cholesky_blocks", linalg_cholesky.cholesky_blocks, _cholesky,
        (Case(lambda r: (_definite(_square(r, 2, 3)),)), Case(lambda r: (_definite(uniform(r, 150, 150)),))),
        _not_square("cholesky"), every_precision=False, tolerance=32, absolute=2e-6),
    Row("triangular_solve", linalg_triangular.triangular_solve, _triangular,
        (_system((3,), (3, 2)), _system((3,), (2, 3), left_side=False, lower=False),
         _system((2, 3), (2, 3, 1), transpose_a=True), _system((3,), (3, 2), lower=False, transpose_a=True,
                                                               unit_diagonal=True),
         Case(lambda r: (_complex_square(r, 3), complexes(r, 3, 2)), {"conjugate_a": True, "transpose_a": True}),
         Case(lambda r: (_square(r, 70) * 0.2 + 3 * np.eye(70, dtype=F32), uniform(r, 70, 21)), smooth=False),
         Case(lambda r: (_square(r, 33) * 0.2 + 3 * np.eye(33, dtype=F32), uniform(r, 33, 3)), {"lower": False},
              smooth=False),
         Case(lambda r: (np.float32([[1, 2], [0, 0]]), np.ones((2, 1), F32)), {"lower": False}, smooth=False),
         Case(lambda r: (np.zeros((0, 0), F32), np.zeros((0, 2), F32)), smooth=False),
         Case(lambda r: (np.ones((2, 2), F32), np.zeros((2, 0), F32)), smooth=False)),
        (*_not_square("triangular_solve", np.ones((3, 2), F32)),
         Wrong((SINGULAR, np.ones((3, 1), F32)), r"triangular_solve: wanted right-hand sides with 2 rows and the "
                                                 r"batches \(\), got f32\[2,2\] and f32\[3,1\], at "),
         Wrong((SINGULAR, np.ones(2, F32)), r"triangular_solve: wanted right-hand sides with 2 rows"),
         Wrong((SINGULAR, np.ones((2, 1), I32)), r"triangular_solve: operands must have one dtype, got")),
        order=2, every_precision=False, tolerance=32, absolute=2e-6),
    Row("lu", _lu, _lu_twin,
        (_drawn(_square, (4,)), _drawn(_square, (2, 3)), _drawn(_tall, (4, 2)), _drawn(_tall, (2, 3)),
         Case(lambda r: (_complex_square(r, 3),)), _drawn(uniform, (40, 36), smooth=False),
         Case(lambda r: (SINGULAR,), smooth=False), Case(lambda r: (np.zeros((0, 0), F32),), smooth=False)),
        _NO_KERNEL_ERRORS, order=2, every_precision=False, tolerance=64, absolute=1e-5),
    Row("solve", linalg_lu.solve, _solve,
        (_system((3,), (3, 2)), _system((2, 3), (2, 3, 1)),
         Case(lambda r: (_complex_square(r, 3), complexes(r, 3, 2))),
         Case(lambda r: (SINGULAR, np.float32([[1], [2]])), smooth=False),
         Case(lambda r: (np.zeros((0, 0), F32), np.zeros((0, 2), F32)), smooth=False)),
        (*_not_square("solve", np.ones((3, 2), F32)),
         Wrong((SINGULAR, np.ones((3, 1), F32)), r"solve: wanted right-hand sides with 2 rows and the batches \(\), "
                                                 r"got f32\[2,2\] and f32\[3,1\], at ")),
        order=2, every_precision=False, tolerance=64, absolute=1e-5),
    Row("reflections", _reflections, _reflections_twin,
        (_drawn(_tall, (4, 3)), _drawn(_tall, (2, 3, 3)), _drawn(uniform, (80, 70)),
         Case(lambda r: (complexes(r, 3, 3),)), Case(lambda r: (np.eye(3, dtype=F32) * -2,), smooth=False)),
        _NO_KERNEL_ERRORS, every_precision=False, tolerance=64, absolute=1e-5),
    Row("qr", _qr, _qr_twin,
        (_drawn(_tall, (4, 2)), _drawn(_tall, (2, 3, 3)), _drawn(_tall, (2, 4)), _drawn(_tall, (3, 3), full=True),
         Case(lambda r: (_complex_square(r, 3),)), _drawn(uniform, (36, 20), smooth=False, full=True),
         Case(lambda r: (np.zeros((3, 0), F32),), smooth=False), Case(lambda r: (np.zeros((0, 0), F32),),
                                                                     smooth=False)),
        _NO_KERNEL_ERRORS, order=2, every_precision=False, tolerance=64, absolute=1e-5),
    Row("eigh", _eigh, _eigh_twin,
        (_drawn(_square, (3,)), _drawn(_square, (2, 3)), Case(lambda r: (_complex_square(r, 3),)),
         Case(lambda r: (np.zeros((0, 0), F32),), smooth=False)),
        _not_square("eigh"), order=2, every_precision=False, tolerance=64, absolute=1e-5),
    Row("svd", _svd, _svd_twin,
        (_drawn(_tall, (4, 2)), _drawn(_tall, (2, 3, 3)), _drawn(_tall, (2, 4)), _drawn(_tall, (3, 3), full=True),
         _drawn(_tall, (4, 3), vectors=False), Case(lambda r: (_complex_square(r, 3),)),
         _drawn(_tall, (4, 2), smooth=False, full=True), Case(lambda r: (np.zeros((0, 0), F32),), smooth=False)),
        _NO_KERNEL_ERRORS, order=2, every_precision=False, tolerance=64, absolute=1e-5),
    Row("eig", _eig, _eig_twin,
        (_drawn(_square, (2, 3), left=True), _drawn(_square, (3,), right=False),
         Case(lambda r: (_complex_square(r, 3),)),
         Case(lambda r: (np.float32([[0.2, 1.5, 0.1], [-1, 0.3, 0.2], [0.1, 0.3, 2.5]]),))),
        _not_square("eig"), order=2, every_precision=False, tolerance=64, absolute=2e-5),
)
