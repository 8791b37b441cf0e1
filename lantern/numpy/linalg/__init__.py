"""`lantern.numpy.linalg`: jax.numpy.linalg's names, arguments and meaning, and those of the array API 2024.12.

Matrices are the last two axes; the axes before them are batches. They hold f32, f64, c64 or c128 (integers become
floats). What has no answer, such as the inverse of a singular matrix, is NaN or infinite for that matrix, no error.

On a GPU cholesky, triangular solves and qr are kernels. solve, inv, det (beyond 3 x 3), slogdet, svd, eigh, eig and
what is made of them copy their matrices to the CPU and back; `lantern.errors.TransferWarning` says so once in a
process.
"""
from __future__ import annotations

from lantern.absent import Absent
from lantern.numpy.linalg.chains import cross as cross
from lantern.numpy.linalg.chains import diagonal as diagonal
from lantern.numpy.linalg.chains import matrix_power as matrix_power
from lantern.numpy.linalg.chains import multi_dot as multi_dot
from lantern.numpy.linalg.chains import outer as outer
from lantern.numpy.linalg.chains import tensordot as tensordot
from lantern.numpy.linalg.chains import trace as trace
from lantern.numpy.linalg.factors import cholesky as cholesky
from lantern.numpy.linalg.factors import eig as eig
from lantern.numpy.linalg.factors import eigh as eigh
from lantern.numpy.linalg.factors import eigvals as eigvals
from lantern.numpy.linalg.factors import eigvalsh as eigvalsh
from lantern.numpy.linalg.factors import qr as qr
from lantern.numpy.linalg.factors import svd as svd
from lantern.numpy.linalg.factors import svdvals as svdvals
from lantern.numpy.linalg.norms import cond as cond
from lantern.numpy.linalg.norms import matrix_norm as matrix_norm
from lantern.numpy.linalg.norms import norm as norm
from lantern.numpy.linalg.norms import vector_norm as vector_norm
from lantern.numpy.linalg.results import EighResult as EighResult
from lantern.numpy.linalg.results import EigResult as EigResult
from lantern.numpy.linalg.results import QRResult as QRResult
from lantern.numpy.linalg.results import SlogdetResult as SlogdetResult
from lantern.numpy.linalg.results import SVDResult as SVDResult
from lantern.numpy.linalg.solving import det as det
from lantern.numpy.linalg.solving import inv as inv
from lantern.numpy.linalg.solving import lstsq as lstsq
from lantern.numpy.linalg.solving import matrix_rank as matrix_rank
from lantern.numpy.linalg.solving import pinv as pinv
from lantern.numpy.linalg.solving import slogdet as slogdet
from lantern.numpy.linalg.solving import solve as solve
from lantern.numpy.linalg.solving import tensorinv as tensorinv
from lantern.numpy.linalg.solving import tensorsolve as tensorsolve
from lantern.numpy.products import matmul as matmul
from lantern.numpy.products import vecdot as vecdot
from lantern.numpy.shaping import matrix_transpose as matrix_transpose

__getattr__ = Absent(__name__)
