"""Complex numbers in lantern.numpy: NumPy's values, and the dtypes of JAX."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.errors import ShapeError
from lantern.testing import check_grads

Z = np.array([[1 + 2j, -3 + 0.5j, 2 - 1j], [0.25 - 2j, 1j, -1.5 + 0j]], np.complex64)
W = np.array([[0.5 - 1j, 2 + 2j, 1j], [3 + 0j, -1 - 1j, 0.75 + 0.25j]], np.complex64)

UNARY = ["abs", "negative", "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "square", "reciprocal",
         "real", "imag", "conj", "angle", "isnan", "isfinite", "isinf", "isreal", "iscomplex", "sum", "prod", "mean",
         "var", "std", "log2", "log10", "exp2", "expm1", "log1p", "sign", "round", "ravel",
         "transpose", "diff", "any", "all", "count_nonzero", "nan_to_num"]


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_array(name: str) -> None:
    f: Callable[..., Any] = getattr(jnp, name, None) or pytest.fail(f"lantern.numpy has no {name}")
    want = np.asarray(Z / np.abs(Z) if name == "sign" else getattr(np, name)(Z))
    for got in (np.asarray(f(Z)), np.asarray(lantern.jit(f)(Z))):
        assert got.shape == want.shape
        assert got.dtype.kind == want.dtype.kind and got.dtype.itemsize <= 8
        np.testing.assert_allclose(got, want, rtol=3e-6, atol=1e-6)


BINARY = ["add", "subtract", "multiply", "divide", "power", "equal", "not_equal", "dot", "matmul", "vdot", "inner",
          "outer", "allclose", "isclose", "array_equal", "logical_and"]


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_arrays(name: str) -> None:
    x, y = (Z, W.T) if name in ("dot", "matmul") else (Z, W)
    want = np.asarray(getattr(np, name)(x, y))
    for got in (getattr(jnp, name)(x, y), lantern.jit(getattr(jnp, name))(x, y)):
        np.testing.assert_allclose(np.asarray(got), want, rtol=3e-6, atol=1e-6)


def test_python_numbers_are_weak() -> None:
    assert (jnp.ones(2) + 1j).dtype == np.complex64
    assert (jnp.ones(2, "float64") * 1j).dtype == np.complex128
    assert (jnp.ones(2, "complex128") * 1j).dtype == np.complex128
    assert (jnp.ones(2, "bfloat16") * 1j).dtype == np.complex64
    assert lantern.jit(lambda z: z * 2)(1j).item() == 2j
    assert jnp.asarray(1j).weak_type and complex(jnp.asarray(1 + 2j)) == 1 + 2j
    assert (Z[0] * jnp.asarray(W[0])).dtype == np.complex64


def test_constructors() -> None:
    assert jnp.array([1, 2j]).tolist() == [1, 2j]
    assert jnp.zeros(2, complex).dtype == jnp.ones((2,), jnp.complex64).dtype == np.complex64
    assert jnp.full((2,), 1 - 1j).tolist() == [1 - 1j] * 2
    assert jnp.asarray(np.ones(2, np.complex128)).dtype == np.complex64
    assert jnp.asarray(np.ones(2, np.complex128), "complex128").dtype == np.complex128
    assert jnp.linspace(0, 1j, 3).tolist() == [0, 0.5j, 1j]
    assert jnp.arange(3, dtype=complex).tolist() == [0, 1, 2]
    assert jnp.eye(2, dtype="complex64").tolist() == [[1, 0], [0, 1]]
    assert lax.complex(np.float32([1, 2]), 3.0).tolist() == [1 + 3j, 2 + 3j]
    with pytest.raises(TypeError, match=r"full: the Python complex 1j stands beside f32, .*, at test_complex.py:\d+"):
        jnp.full((2,), 1j, "float32")


def test_views_and_indexing() -> None:
    z = jnp.asarray(Z)
    assert z[0, ::2].tolist() == Z[0, ::2].tolist()
    assert jnp.take(z, np.array([2, 0]), axis=1).tolist() == Z[:, [2, 0]].tolist()
    assert jnp.where(z.real > 0, z, 0).tolist() == np.where(Z.real > 0, Z, 0).tolist()
    assert jnp.concatenate([z, z]).shape == (4, 3) and jnp.pad(z, 1).tolist() == np.pad(Z, 1).tolist()
    assert jnp.einsum("ij,ij->i", Z, W).tolist() == pytest.approx(np.einsum("ij,ij->i", Z, W).tolist())
    assert z.T.conj().tolist() == Z.T.conj().tolist()
    assert (z.real + 1j * z.imag).tolist() == Z.tolist()


def test_questions_about_dtypes() -> None:
    assert jnp.iscomplexobj(Z) and jnp.iscomplexobj(1j) and not jnp.iscomplexobj(1.0)
    assert jnp.isrealobj(np.float32(1)) and not jnp.isrealobj(jnp.asarray(Z))
    assert jnp.isscalar(1j)


def test_what_has_no_order() -> None:
    for f in (jnp.less, jnp.greater_equal, jnp.maximum, jnp.minimum):
        with pytest.raises(ShapeError, match=r"c64\[2,3\].*complex numbers have no order.*, at test_complex.py:\d+"):
            f(Z, W)
    for f in (jnp.max, jnp.min, jnp.argmax, jnp.argmin, jnp.sort, jnp.argsort):
        with pytest.raises(ShapeError, match=r"c64\[.*\].*complex numbers have no order"):
            f(Z)
    for f in (jnp.floor, jnp.ceil, jnp.trunc):
        with pytest.raises(ShapeError, match=r"wanted (floats|numbers).*, got c64\[2,3\]"):
            f(Z)
    with pytest.raises(ShapeError, match="no order"):
        jnp.floor_divide(Z, W)


def test_printing() -> None:
    assert repr(jnp.array([1 + 2j])) == "Array([1.+2.j], shape=(1,), dtype=complex64, device=cpu:0)"
    text = str(lantern.make_jaxpr(lambda z: z * 2j)(Z))
    assert "c64[2,3] = mul a 2j" in text


def test_loops_and_branches() -> None:
    def step(z: Any, w: Any) -> Any:
        return z * w + 1j, z

    last, every = lantern.jit(lambda z, w: lax.scan(step, z, w))(jnp.asarray(1 + 1j), Z[0])
    z, want = np.complex64(1 + 1j), []
    for w in Z[0]:
        want.append(z)
        z = z * w + np.complex64(1j)
    np.testing.assert_allclose(np.asarray(every), want, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(last), z, rtol=1e-6)
    chosen = lax.cond(True, lambda z: z * 1j, lambda z: z, jnp.asarray(Z))
    np.testing.assert_array_equal(np.asarray(chosen), Z * 1j)


BY_PARTS = ("arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "sinh", "cosh", "expm1")
SPREAD = (np.random.default_rng(0).normal(size=(2, 300)) * 10.0 ** np.arange(-6, 6).repeat(25)).astype(np.float32)
ENDS = np.array([complex(a, b) for a in (0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan)
                 for b in (0.0, -0.0, 2.5, -3.0, np.inf, -np.inf, np.nan)], np.complex64)


@pytest.mark.parametrize("name", BY_PARTS)
def test_functions_by_parts(name: str) -> None:
    z = (SPREAD[0] + 1j * SPREAD[1]).astype(np.complex64)
    z = z[np.abs(z) < 80] if name in ("sinh", "cosh", "expm1") else z
    wanted = getattr(np, name)(z.astype(np.complex128))
    np.testing.assert_allclose(getattr(jnp, name)(z), wanted, rtol=3e-5 if name in ("sinh", "cosh") else 3e-6)
    if name == "expm1":         # NumPy's is not that of the standard at infinities
        return
    # Where both parts are infinite, sinh may have any sign.
    ends = ENDS[np.isfinite(ENDS.real) | np.isfinite(ENDS.imag)] if name == "sinh" else ENDS
    with np.errstate(all="ignore"):
        found, wanted = np.asarray(getattr(jnp, name)(ends)), getattr(np, name)(ends)
    for part in ("real", "imag"):
        f, w = getattr(found, part), getattr(wanted, part)
        known = ~np.isnan(f) & ~np.isnan(w)
        np.testing.assert_array_equal(np.isnan(f), np.isnan(w), str(ends[np.isnan(f) != np.isnan(w)]))
        np.testing.assert_allclose(f[known], w[known], rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("name", BY_PARTS)
def test_their_derivatives(name: str) -> None:
    check_grads(getattr(jnp, name), (np.complex64([0.3 + 0.4j, -1.2 + 0.7j, 2 - 3j]),), order=1)


def test_the_inverse_hyperbolic_sine_has_slope_one_at_zero() -> None:
    assert lantern.grad(jnp.arcsinh)(0.0) == 1 and lantern.grad(jnp.arcsinh)(-0.0) == 1
    assert np.signbit(np.asarray(jnp.arcsinh(-0.0)))
    assert np.isnan(np.asarray(jnp.arccosh(np.float32([-5, 0.5])))).all()


@pytest.mark.parametrize("name", ["arccos", "arctanh", "cosh"])
def test_functions_by_parts_on_a_gpu(name: str, gpu: None) -> None:
    z = np.complex64([0.3 + 0.4j, -1.2 + 0.7j, 2 - 3j, -4 - 1e-3j])
    with lantern.default_device("gpu"):
        np.testing.assert_allclose(getattr(jnp, name)(z), getattr(np, name)(z.astype(np.complex128)), rtol=2e-6)
