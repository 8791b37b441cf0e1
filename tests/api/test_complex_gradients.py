"""Derivatives of complex functions: JAX's conventions."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import grad, hessian, jacfwd, jacrev, jit, jvp, vjp, vmap
from lantern.errors import NotDifferentiableError

Z = np.array([1 + 2j, -0.5 + 0.25j], np.complex64)


@pytest.fixture(autouse=True)
def on_cpu() -> Iterator[None]:
    """The CPU is the default device."""
    with lantern.default_device("cpu"):
        yield


def near(got: Any, want: Any) -> None:
    """Equal up to rounding in single precision."""
    np.testing.assert_allclose(np.asarray(got), np.asarray(want), rtol=1e-5, atol=1e-6)


def test_gradient_of_a_real_function() -> None:
    """d/dx - i d/dy, so that a step along the conjugate goes up."""
    near(grad(lambda z: jnp.sum(jnp.abs(z) ** 2))(Z), 2 * Z.conj())
    near(grad(lambda z: jnp.sum(z.real))(Z), [1, 1])
    near(grad(lambda z: jnp.sum(z.imag))(Z), [-1j, -1j])
    near(grad(lambda z: jnp.sum((z * z).real))(Z), 2 * Z)
    near(grad(lambda z: jnp.sum(jnp.abs(z)))(Z), Z.conj() / np.abs(Z))
    near(grad(lambda z: jnp.sum(jnp.angle(z)))(Z), -1j / Z)
    assert grad(lambda z: jnp.abs(z))(0j).item() == 0
    z = jnp.asarray(Z)
    for _ in range(80):
        z = z - 0.1 * grad(lambda z: jnp.sum(jnp.abs(z - (3 + 1j)) ** 2))(z).conj()
    near(z, [3 + 1j] * 2)


def test_real_arguments_have_real_gradients() -> None:
    """What goes through complex numbers in between comes back as real."""
    def f(x: Any) -> Any:
        return jnp.sum(jnp.abs(jnp.exp(1j * x) + x) ** 2)      # 1 + 2 x cos(x) + x**2

    x = np.float32([0.5, -1.25])
    slope = grad(f)(x)
    assert slope.dtype == np.float32
    near(slope, 2 * np.cos(x) - 2 * x * np.sin(x) + 2 * x)
    near(jacfwd(lambda x: jnp.exp(1j * x))(jnp.float32.dtype.type(0.5)), 1j * np.exp(0.5j))


def test_holomorphic_gradients() -> None:
    near(grad(lambda z: z ** 3, holomorphic=True)(1 + 2j), 3 * (1 + 2j) ** 2)
    near(grad(jit(lambda z: jnp.sin(z) / z), holomorphic=True)(1 + 2j),
         np.cos(1 + 2j) / (1 + 2j) - np.sin(1 + 2j) / (1 + 2j) ** 2)
    near(vmap(grad(jnp.exp, holomorphic=True))(Z), np.exp(Z))
    near(grad(grad(lambda z: z ** 3, holomorphic=True), holomorphic=True)(1 + 2j), 6 * (1 + 2j))
    value, slope = lantern.value_and_grad(jnp.log, holomorphic=True)(1j)
    near([value, slope], [np.log(1j), -1j])


def test_jacobians() -> None:
    a = np.array([[1 + 1j, 2], [3j, -1]], np.complex64)
    for jacobian in (jacfwd, jacrev):
        near(jacobian(lambda z: a @ z, holomorphic=True)(Z), a)
        near(jacobian(jnp.exp, holomorphic=True)(Z), np.diag(np.exp(Z)))
    near(jacrev(lambda z: jnp.abs(z) ** 2)(Z), np.diag(2 * Z.conj()))
    near(hessian(lambda z: jnp.sum(z ** 3), holomorphic=True)(Z), np.diag(6 * Z))


def test_forward_and_reverse_mode_agree() -> None:
    """Re<w, J v> = Re<J^T w, v>, without conjugates."""
    def f(z: Any) -> Any:
        return jnp.conj(z) * z.real + jnp.exp(z) * jnp.abs(z)

    v, w = np.array([1 - 1j, 2j], np.complex64), np.array([0.5j, 1 + 1j], np.complex64)
    _, push = jvp(f, (Z,), (v,))
    (pull,) = vjp(f, Z)[1](w)
    near(np.real(np.sum(w * np.asarray(push))), np.real(np.sum(np.asarray(pull) * v)))
    h = 1e-3
    near_h = (np.asarray(f(Z + h * v)) - np.asarray(f(Z - h * v))) / (2 * h)
    np.testing.assert_allclose(np.asarray(push), near_h, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("make", "argument", "pattern"), [
    (lambda: grad(jnp.exp), 1j, r"grad\(exp\): the function must return real numbers, got c64.*holomorphic=True"),
    (lambda: grad(jnp.exp, holomorphic=True), 1.0, r"grad\(exp\): argument `x` is f32.*arguments must be complex"),
    (lambda: grad(jnp.abs, holomorphic=True), 1j, r"grad\(abs\): the function must return complex numbers, got f32"),
    (lambda: jacfwd(jnp.exp), 1j, r"jacfwd\(exp\): argument `x` is c64.*no one Jacobian.*holomorphic=True"),
    (lambda: jacrev(jnp.exp), 1j, r"jacrev\(exp\): the function must return real numbers, got c64"),
    (lambda: jacfwd(jnp.abs, holomorphic=True), 1j, r"jacfwd\(abs\): the function must return complex numbers"),
    (lambda: hessian(jnp.exp), 1j, r"is c64.*no one Jacobian"),
])
def test_errors(make: Any, argument: complex, pattern: str) -> None:
    with pytest.raises(NotDifferentiableError, match=pattern):
        make()(argument)


def test_tangents_and_cotangents_that_are_python_ints() -> None:
    """They are floats beside floats: as integers their derivative would be zero."""
    near(jvp(lambda x: x * x, (2.0,), (1,))[1], 4)
    near(vjp(lambda x: x * x, 2.0)[1](1)[0], 4)
    near(jvp(lambda z: z * z, (1j,), (1,))[1], 2j)
    with pytest.raises(lantern.errors.ArgumentError, match=r"the tangent of `x` must be f32\[\], got c64\*\[\]"):
        jvp(lambda x: x * x, (2.0,), (1j,))


def test_custom_rules_of_complex_functions() -> None:
    @lantern.custom_jvp
    def f(z: Any) -> Any:
        return z * z

    f.defjvp(lambda primals, tangents: (primals[0] ** 2, 3 * primals[0] * tangents[0]))
    near(grad(f, holomorphic=True)(1 + 1j), 3 + 3j)

    @lantern.custom_vjp
    def g(z: Any) -> Any:
        return jnp.abs(z)

    g.defvjp(lambda z: (jnp.abs(z), z), lambda z, ct: (ct * 2j * z,))
    near(grad(g)(1 + 1j), 2j - 2)
