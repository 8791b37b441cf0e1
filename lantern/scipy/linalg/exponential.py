"""The exponential of a matrix."""
from __future__ import annotations

from collections.abc import Sequence

from lantern.dtypes import F64, real_dtype
from lantern.eager import one_program
from lantern.lax.branches import cond
from lantern.lax.loops import fori_loop
from lantern.lax.operands import ArrayLike, stretch
from lantern.numpy.arithmetic import abs, ceil, maximum
from lantern.numpy.creation import eye
from lantern.numpy.linalg.operands import matrices
from lantern.numpy.logic import where
from lantern.numpy.reductions import any, max, sum
from lantern.numpy.shaping import expand_dims
from lantern.numpy.ufuncs import exp2, log2
from lantern.ops.convert import convert
from lantern.ops.elementwise import stop_gradient
from lantern.ops.linalg_lu import solve
from lantern.ops.linalg_triangular import triangular_solve
from lantern.trace.array import Array

# The approximant's degree, the norm up to which it is exact to the last place, and its coefficients.
SINGLE = 7, 3.925724783138660, (17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0)
DOUBLE = 13, 5.371920351148152, (64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
                                 129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0,
                                 40840800.0, 960960.0, 16380.0, 182.0, 1.0)


@one_program(1)
def expm(A: ArrayLike, *, upper_triangular: bool = False, max_squarings: int = 16) -> Array:
    """The exponential of square matrices (..., n, n), by scaling, a Pade approximant of degree 7 (f32) or 13 (f64), and
    squaring (Higham 2005, "The scaling and squaring method for the matrix exponential revisited").

    A matrix that needs more squarings than `max_squarings` (its 1-norm is above some 4 * 2^16) gives NaN, as in JAX.
    `upper_triangular` promises triangles, which on a GPU stay there; others copy their matrices to the CPU to solve one
    system. Raises ShapeError unless the matrices are square.

    >>> import numpy as np
    >>> expm(np.array([[0.0, 1.0], [0.0, 0.0]])).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    x = matrices("expm", A)
    if not x.size:
        return x
    _, bound, coefficients = DOUBLE if real_dtype(x.dtype) == F64 else SINGLE
    size: Array = stop_gradient(max(sum(abs(x), -2), -1))
    squarings = maximum(ceil(log2(maximum(size / bound, 1e-30))), 0)
    scaled = x * convert(expand_dims(exp2(-squarings), (-2, -1)), x.dtype)
    odd, even = _sums(scaled, coefficients)
    p, q = even + odd, even - odd
    first: Array = triangular_solve(q, p, lower=False) if upper_triangular else solve(q, p)

    def square(k: Array, found: Array) -> Array:
        more = expand_dims(k < squarings, (-2, -1))

        def doubled(y: Array) -> Array:
            return where(more, y @ y, y)

        return cond(any(more), doubled, _same, found)

    found = fori_loop(0, max_squarings, square, first)
    return where(expand_dims(squarings > max_squarings, (-2, -1)), float("nan"), found)


def _same(x: Array) -> Array:
    return x


def _sums(x: Array, coefficients: Sequence[float]) -> tuple[Array, Array]:
    """The odd and the even terms of the approximant's numerator, by Horner's rule in x^2."""
    square = x @ x
    one = stretch(eye(x.shape[-1], dtype=x.dtype), x.shape)
    odd, even = one * coefficients[-1], one * coefficients[-2]
    for k in range(len(coefficients) - 3, 0, -2):
        odd, even = square @ odd + one * coefficients[k], square @ even + one * coefficients[k - 1]
    return x @ odd, even
