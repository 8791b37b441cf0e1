"""`lantern.lax.linalg`: factorisations of matrices, with jax.lax.linalg's names and arguments.

Matrices are the last two axes, all axes before them are batches. cholesky, triangular_solve and qr are kernels on a
GPU; lu, eigh, svd and eig copy the matrices to the CPU and back, and say so once (`errors.TransferWarning`). What has
no answer (a matrix that is not positive definite, a zero pivot, a NaN) gives NaN or infinities for that matrix, and no
error, so that compiled and mapped programs go on.
"""
from __future__ import annotations

from lantern.absent import Absent
from lantern.lax.linalg.factors import cholesky as cholesky
from lantern.lax.linalg.factors import eig as eig
from lantern.lax.linalg.factors import eigh as eigh
from lantern.lax.linalg.factors import geqrf as geqrf
from lantern.lax.linalg.factors import householder_product as householder_product
from lantern.lax.linalg.factors import lu as lu
from lantern.lax.linalg.factors import lu_pivots_to_permutation as lu_pivots_to_permutation
from lantern.lax.linalg.factors import qr as qr
from lantern.lax.linalg.factors import svd as svd
from lantern.lax.linalg.factors import triangular_solve as triangular_solve

__getattr__ = Absent(__name__)
