"""`lantern.scipy.linalg`: jax.scipy.linalg's names and arguments. Matrices are the last two axes, the others batches.

`overwrite_a`, `overwrite_b`, `check_finite`, `lapack_driver`, `lwork`, `debug` and `turbo` are accepted and do nothing:
arrays do not change, and what is not finite gives NaN. cholesky, qr, and the solves with their factors are kernels on a
GPU; the rest copies its matrices to the CPU (see `lantern.numpy.linalg`).
"""
from __future__ import annotations

from lantern.absent import Absent
from lantern.scipy.linalg.exponential import expm as expm
from lantern.scipy.linalg.factors import cho_factor as cho_factor
from lantern.scipy.linalg.factors import cho_solve as cho_solve
from lantern.scipy.linalg.factors import cholesky as cholesky
from lantern.scipy.linalg.factors import det as det
from lantern.scipy.linalg.factors import eigh as eigh
from lantern.scipy.linalg.factors import inv as inv
from lantern.scipy.linalg.factors import lu as lu
from lantern.scipy.linalg.factors import lu_factor as lu_factor
from lantern.scipy.linalg.factors import lu_solve as lu_solve
from lantern.scipy.linalg.factors import qr as qr
from lantern.scipy.linalg.factors import solve as solve
from lantern.scipy.linalg.factors import solve_triangular as solve_triangular
from lantern.scipy.linalg.factors import svd as svd
from lantern.scipy.linalg.structured import block_diag as block_diag
from lantern.scipy.linalg.structured import toeplitz as toeplitz

__getattr__ = Absent(__name__)
