"""Rows of public functions: linear algebra, Fourier transforms, special functions."""
from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
import scipy.special
import scipy.stats

from tests.optable.public.row import M, P, S, U, V, W, one, same

X = V[:4].copy()
LINALG, FFT, SPECIAL, SOLVE = "numpy.linalg", "numpy.fft", "scipy.special", "scipy.linalg"
Q = (P + P.T) / 2


def _made_again(m: Any, name: str, x: Any) -> Any:
    """Factors are not unique: what they multiply to is."""
    match name:
        case "qr":
            q, r = m.qr(x)
            return q @ r
        case "svd":
            u, s, vh = m.svd(x, full_matrices=False)
            return (u * s) @ vh
        case "eigh":
            w, v = m.eigh(x)
            return (v * w) @ v.T
        case _:
            w, v = m.eig(x)
            return (v * w) @ m.inv(v)


ROWS = [
    *same(LINALG, "inv det pinv", M, room=np.linalg, smooth=True, tolerance=1e-4),
    *same(LINALG, "cholesky", P, room=np.linalg, smooth=True, tolerance=1e-4),
    *same(LINALG, "norm", S, room=np.linalg, smooth=True),
    one(LINALG, "matrix_norm", lambda m, x: m.matrix_norm(x), S, twin=np.linalg.norm, smooth=True),
    one(LINALG, "vector_norm", lambda m, x: m.vector_norm(x, axis=1), S, twin=lambda x: np.linalg.norm(x, axis=1)),
    one(LINALG, "svdvals", lambda m, x: m.svdvals(x), S, twin=lambda x: np.linalg.svd(x, compute_uv=False)),
    one(LINALG, "solve", lambda m, a, b: m.solve(a, b), M, M[:, :2].copy() + 1, room=np.linalg, smooth=True,
        tolerance=1e-4),
    one(LINALG, "slogdet", lambda m, x: tuple(m.slogdet(x)), M, room=np.linalg, smooth=True),
    *same(LINALG, "eigvalsh", P, room=np.linalg, tolerance=1e-4), *same(LINALG, "matrix_rank", M, room=np.linalg),
    one(LINALG, "eigvals", lambda m, x: np.sort(np.asarray(m.eigvals(x)).real), P, twin=np.linalg.eigvalsh,
        mapped=False, tolerance=1e-4),
    *[one(LINALG, name, lambda m, x, name=name: _made_again(m, name, x), x, twin=lambda x: x, tolerance=1e-4)
      for name, x in (("qr", M), ("svd", S), ("eigh", Q))],
    one(LINALG, "eig", lambda m, x: _made_again(m, "eig", x), M, twin=lambda x: x + 0j, mapped=False, tolerance=1e-4),
    one(LINALG, "matrix_power", lambda m, x: m.matrix_power(x, 3), M, room=np.linalg, tolerance=1e-4),
    one(LINALG, "cross", lambda m, x, y: m.cross(x, y), V[:3].copy(), U[0, :3].copy(), room=np),
    one(LINALG, "outer", lambda m, x, y: m.outer(x, y), V, V, room=np),
    one(LINALG, "trace", lambda m, x: m.trace(x), M, room=np),
    one(LINALG, "vecdot", lambda m, x, y: m.vecdot(x, y), S, U, twin=lambda x, y: (x * y).sum(-1)),
    one(LINALG, "diagonal", lambda m, x: m.diagonal(x), M, room=np),
    one(LINALG, "tensordot", lambda m, x, y: m.tensordot(x, y, axes=((0, 1), (0, 1))), S, U, room=np),

    *same(FFT, "rfft fft ifft rfftn fftn ifftn", S, room=np.fft), *same(FFT, "hfft ihfft", S, room=np.fft),
    one(FFT, "irfft", lambda m, x: m.irfft(x, 6), S, room=np.fft), one(FFT, "irfftn", lambda m, x: m.irfftn(x), S,
                                                                       room=np.fft),
    *same(FFT, "fftshift ifftshift", S, room=np.fft),
    one(FFT, "fftfreq", lambda m: m.fftfreq(7, 0.5), room=np.fft), one(FFT, "rfftfreq", lambda m: m.rfftfreq(7, 0.5),
                                                                       room=np.fft),

    *same(SPECIAL, "entr expit gammaln erf digamma i0e i1e ndtr", W, room=scipy.special, smooth=True, tolerance=1e-4),
    *same(SPECIAL, "erfinv ndtri", U, room=scipy.special, smooth=True, tolerance=1e-4),
    *same(SPECIAL, "xlogy", U, W, room=scipy.special, smooth=True),
    one(SPECIAL, "logsumexp", lambda m, x: m.logsumexp(x, axis=1), S, room=scipy.special, smooth=True),
    one(SPECIAL, "betainc", lambda m, x: m.betainc(1.5, 2.5, x), U, room=scipy.special, tolerance=1e-4),
    one(SPECIAL, "gammainc", lambda m, x: m.gammainc(1.5, x), U, room=scipy.special, tolerance=1e-4),

    *same(SOLVE, "cholesky", P, room=scipy.linalg, smooth=True, tolerance=1e-4, lower=True),
    *same(SOLVE, "expm", (M / 8).astype(np.float32), room=scipy.linalg, tolerance=1e-4),
    one(SOLVE, "solve_triangular", lambda m, a, b: m.solve_triangular(a, b, lower=True), np.tril(M), X,
        room=scipy.linalg, smooth=True, tolerance=1e-4),
    one(SOLVE, "cho_factor", lambda m, x: np.tril(m.cho_factor(x, lower=True)[0]), P, room=scipy.linalg, mapped=False,
        tolerance=1e-4),
    one(SOLVE, "cho_solve", lambda m, c, b: m.cho_solve((c, True), b), np.linalg.cholesky(P), X, room=scipy.linalg,
        tolerance=1e-4),
    one(SOLVE, "block_diag", lambda m, x, y: m.block_diag(x, y), S, U, room=scipy.linalg),
    *same("scipy.stats.norm", "pdf logpdf cdf", S, np.float32(0.3), W, room=scipy.stats.norm, smooth=True,
          tolerance=1e-4),
]
