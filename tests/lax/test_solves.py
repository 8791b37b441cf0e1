"""custom_root against the implicit function theorem; custom_linear_solve by conjugate gradients, to order 2."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.errors import CustomRuleError, NotDifferentiableError, UnknownValueError
from tests.ops.laws import difference, x64

R = np.random.default_rng(3)
ROOT = R.normal(size=(4, 4))
MATRIX = (np.eye(4) + ROOT @ ROOT.T * 0.2)
B = R.normal(size=4)
V = R.normal(size=4)


def close(a: Any, b: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def newton(f: Any, x: Any) -> Any:
    """Newton's method for numbers, as a loop that any trace can stage."""
    def step(_: Any, x: Any) -> Any:
        y, slope = lantern.jvp(f, (x,), (jnp.ones_like(x),))
        return x - y / slope

    return lax.fori_loop(0, 30, step, x)


def eager_newton(f: Any, x: Any) -> Any:
    """The same as Python writes it: it looks at values."""
    while abs(y := f(x)) > 1e-6:
        x = x - y / lantern.grad(f)(x)
    return x


def divide(g: Any, y: Any) -> Any:
    return y / g(1.0)


@pytest.mark.parametrize("solve", [newton, eager_newton])
def test_root_of_a_number(solve: Any) -> None:
    """x^3 + a x = b: dx/da = -x / (3 x^2 + a), dx/db = 1 / (3 x^2 + a)."""
    def root(a: Any, b: Any) -> Any:
        return lax.custom_root(lambda x: x ** 3 + a * x - b, 1.0, solve, divide)

    x = float(root(2.0, 5.0))
    close(x ** 3 + 2 * x, 5.0)
    slope = 3 * x * x + 2
    close(lantern.grad(root, (0, 1))(2.0, 5.0), (-x / slope, 1 / slope))
    close(lantern.jvp(root, (2.0, 5.0), (1.0, 2.0)), (x, (2 - x) / slope))
    close(lantern.grad(lantern.grad(root, 1), 1)(2.0, 5.0), -6 * x / slope ** 3, 1e-4)
    close(lantern.hessian(lambda p: root(p[0], p[1]))(jnp.array([2.0, 5.0])),
          [[(2 * x / slope ** 2) - 6 * x ** 3 / slope ** 3, -1 / slope ** 2 + 6 * x ** 2 / slope ** 3],
           [-1 / slope ** 2 + 6 * x ** 2 / slope ** 3, -6 * x / slope ** 3]], 1e-4) if solve is newton else None
    if solve is newton:
        close(lantern.jit(lantern.grad(lantern.jit(root)))(2.0, 5.0), -x / slope)
        close(lantern.vmap(lantern.grad(root, 1), (None, 0))(2.0, jnp.array([5.0, 5.0])), [1 / slope] * 2)
        close(lantern.grad(lambda b: jnp.sum(lantern.vmap(root, (None, 0))(2.0, b * jnp.ones(2))))(5.0), 2 / slope)
        close(lantern.grad(lantern.remat(root))(2.0, 5.0), -x / slope)
    else:
        with pytest.raises(UnknownValueError):
            lantern.jit(lantern.grad(root))(2.0, 5.0)


def test_root_of_a_tree_by_the_implicit_function_theorem() -> None:
    """A x + sin(x) = p, so dx = (A + diag cos x)^-1 dp and, for a scale s of A, dx = -(...)^-1 A x ds."""
    def solve(f: Any, x: Any) -> Any:
        return lax.fori_loop(0, 200, lambda _, x: {"u": x["u"] - 0.3 * f(x)["u"]}, x)

    def tangent_solve(g: Any, y: Any) -> Any:
        return lax.custom_linear_solve(g, y, conjugate, symmetric=True)

    def root(s: Any, p: Any) -> Any:
        return lax.custom_root(lambda x: {"u": s * (MATRIX @ x["u"]) + jnp.sin(x["u"]) - p}, {"u": jnp.zeros(4)}, solve,
                               tangent_solve)["u"]

    with x64(), lantern.default_device("reference"):
        x = np.asarray(root(1.0, B))
        close(MATRIX @ x + np.sin(x), B)
        inverse = np.linalg.inv(MATRIX + np.diag(np.cos(x)))
        close(lantern.jvp(lambda p: root(1.0, p), (B,), (V,))[1], inverse @ V)
        close(lantern.grad(lambda p: jnp.sum(root(1.0, p) * V))(B), inverse.T @ V)
        close(lantern.grad(lambda s: jnp.sum(root(s, B) * V))(1.0), -V @ inverse @ MATRIX @ x)
        curve = lantern.grad(lambda p: jnp.sum(lantern.grad(lambda p: jnp.sum(root(1.0, p) * V))(p) * B))(B)
        # the second derivative of x by p along (v, w) is J (sin x * (J v) * (J w)) with J the inverse
        close(curve, inverse.T @ (np.sin(x) * (inverse.T @ V) * (inverse @ B)), 1e-4)


def test_root_details() -> None:
    """The guess and the solver's own closures have no derivative, and say nothing; aux comes out."""
    def root(a: Any, guess: Any) -> Any:
        def solve(f: Any, x: Any) -> Any:
            return newton(f, x) + 0.0 * a, {"steps": 30}    # the solver sees a as well

        return lax.custom_root(lambda x: x * x - a, guess, solve, divide, has_aux=True)

    x, aux = root(9.0, 1.0)
    close(x, 3.0)
    assert int(aux["steps"]) == 30
    close(lantern.grad(lambda a, g: root(a, g)[0], (0, 1))(9.0, 1.0), (1 / 6, 0.0))
    close(lantern.grad(lambda a: root(a, 1.0)[0] * a)(9.0), 3 + 9 / 6)
    close(lantern.jit(lantern.grad(lambda a: root(a, 1.0)[0]))(9.0), 1 / 6)


def test_root_errors() -> None:
    def root(f: Any = lambda x: x - 1.0, solve: Any = lambda f, x: x, tangent_solve: Any = divide) -> Any:
        return lantern.grad(lambda a: jnp.sum(lax.custom_root(lambda x: f(x) * a, jnp.ones(2), solve, tangent_solve)))

    with pytest.raises(CustomRuleError, match=r"custom_root: f, <lambda>, must return f32\[2\], got f32\[\], at "
                                              r"test_solves.py:\d+"):
        root(f=jnp.sum)(1.0)
    with pytest.raises(CustomRuleError, match=r"solve, <lambda>, must return the structure \*, got \(\*, \*\)"):
        root(solve=lambda f, x: (x, x))(1.0)
    with pytest.raises(CustomRuleError, match=r"custom_root: solve, <lambda>, must return f32\[2\], got f32\[1\]"):
        root(solve=lambda f, x: x[:1])(1.0)
    with pytest.raises(CustomRuleError, match=r"root: tangent_solve, <lambda>, must return f32\[2\], got f32\[1\]"):
        root(tangent_solve=lambda g, y: y[:1])(1.0)
    with pytest.raises(CustomRuleError, match=r"root: its rule <lambda> must return a pair \(x, aux\).* got f32"):
        lax.custom_root(lambda x: x, 1.0, lambda f, x: x, divide, has_aux=True)
    with pytest.raises(TypeError, match=r"custom_root: `solve` must be a function, got 4, at test_solves.py:\d+"):
        lax.custom_root(lambda x: x, 1.0, 4, divide)
    with pytest.raises(CustomRuleError, match=r"custom_root: solve, <lambda>, must return the structure \*, got None"):
        lax.custom_root(lambda x: x, 1.0, lambda f, x: None, divide)


def conjugate(matvec: Any, b: Any) -> Any:
    """Conjugate gradients, on pytrees with one leaf or arrays; a fixed number of steps is exact for four unknowns."""
    leaves, treedef = lantern.tree.flatten(b)
    (b,) = leaves

    def product(x: Any) -> Any:
        return lantern.tree.leaves(matvec(lantern.tree.unflatten(treedef, [x])))[0]

    def step(_: Any, state: Any) -> Any:
        x, r, p, rr = state
        q = product(p)
        alpha = jnp.where(rr > 1e-30, rr / jnp.sum(p * q), 0.0)
        x, r = x + alpha * p, r - alpha * q
        new = jnp.sum(r * r)
        return x, r, r + jnp.where(rr > 1e-30, new / rr, 0.0) * p, new

    x = lax.fori_loop(0, 8, step, (jnp.zeros_like(b), b, b, jnp.sum(b * b)))[0]
    return lantern.tree.unflatten(treedef, [x])


def by_conjugate_gradients(m: Any, b: Any) -> Any:
    a = m @ m.T
    return lax.custom_linear_solve(lambda x: a @ x, b, conjugate, symmetric=True)


def test_linear_solve_by_conjugate_gradients_to_order_two() -> None:
    with x64(), lantern.default_device("reference"):
        want = np.linalg.solve(MATRIX @ MATRIX.T, B)
        close(by_conjugate_gradients(MATRIX, B), want)
        for place, x in ((0, MATRIX), (1, B)):
            def f(z: Any, place: int = place) -> Any:
                given = [MATRIX, B]
                given[place] = z
                return jnp.sum(by_conjugate_gradients(*given) * V)

            along = R.normal(size=x.shape)
            slope = lantern.grad(f)(x)
            close(np.sum(np.asarray(slope) * along), difference(lambda z, f=f: [f(z)], [x], [along])[0], 1e-6)
            close(lantern.jvp(f, (x,), (along,))[1], np.sum(np.asarray(slope) * along), 1e-8)
            close(lantern.jit(lantern.grad(lantern.jit(f)))(x), slope, 1e-8)
            close(lantern.grad(lantern.remat(f))(x), slope, 1e-8)

            def along_slope(z: Any, f: Any = f, along: Any = along) -> Any:
                return jnp.sum(lantern.grad(f)(z) * along)

            close(lantern.grad(along_slope)(x), difference(lambda z, f=f: [lantern.grad(f)(z)], [x], [along])[0], 1e-5)
            close(lantern.jvp(lantern.grad(f), (x,), (along,))[1], lantern.grad(along_slope)(x), 1e-7)
        mapped = lantern.vmap(by_conjugate_gradients, (None, 0))(MATRIX, np.stack([B, V]))
        close(mapped, np.linalg.solve(MATRIX @ MATRIX.T, np.stack([B, V]).T).T)
        close(lantern.vmap(lantern.grad(lambda m, b: jnp.sum(by_conjugate_gradients(m, b) * V)), (None, 0))(
            MATRIX, np.stack([B, B]))[1], lantern.grad(lambda m: jnp.sum(by_conjugate_gradients(m, B) * V))(MATRIX))


@pytest.mark.parametrize("device", ["cpu", "emulate"])
def test_linear_solve_on_devices(device: str) -> None:
    with lantern.default_device(device):
        m, b = jnp.array(MATRIX), jnp.array(B)
        close(lantern.jit(by_conjugate_gradients)(m, b), np.linalg.solve(MATRIX @ MATRIX.T, B), 1e-3)
        got = lantern.jit(lantern.grad(lambda b: jnp.sum(by_conjugate_gradients(m, b))))(b)
        close(got, np.linalg.solve(MATRIX @ MATRIX.T, np.ones(4)), 1e-3)


def test_transposed_solver() -> None:
    """Back substitution with a triangular matrix, forward substitution for the transposed one."""
    upper = np.triu(MATRIX).astype(np.float32)

    def backwards(a: Any, b: Any) -> Any:
        x = jnp.zeros(4)
        for i in reversed(range(4)):
            x = x.at[i].set((b[i] - jnp.sum(a[i] * x)) / a[i, i])
        return x

    def forwards(a: Any, b: Any) -> Any:
        return backwards(a[::-1, ::-1], b[::-1])[::-1]

    seen: list[Any] = []

    def solve(a: Any, b: Any, transposed: bool = True) -> Any:
        def back(vecmat: Any, b: Any) -> Any:
            seen.append(vecmat(b).shape)
            return forwards(a.T, b)

        return lax.custom_linear_solve(lambda x: a @ x, b, lambda matvec, b: backwards(a, b),
                                       back if transposed else None)

    close(solve(upper, B), np.linalg.solve(upper, B), 1e-4)
    close(lantern.grad(lambda b: jnp.sum(solve(upper, b) * V))(B), np.linalg.solve(upper.T, V), 1e-4)
    assert seen == [(4,)]
    want = -np.outer(np.linalg.solve(upper.T, V), np.linalg.solve(upper, B))
    close(lantern.grad(lambda a: jnp.sum(solve(a, B) * V))(upper), want, 1e-4)
    close(lantern.jvp(lambda b: solve(upper, b, False), (jnp.array(B),), (jnp.array(V),))[1],
          np.linalg.solve(upper, V), 1e-4)
    with pytest.raises(NotDifferentiableError, match=r"needs a solver of the transposed system, at .*symmetric=True"):
        lantern.grad(lambda b: jnp.sum(solve(upper, b, False)))(B)


def test_linear_solve_errors() -> None:
    def solve(matvec: Any = lambda x: x * 2.0, b: Any = B, by: Any = lambda matvec, b: b / 2.0, **options: Any) -> Any:
        return lantern.grad(
            lambda s: jnp.sum(lax.custom_linear_solve(lambda x: matvec(x) * s, b, by, **options)))(1.0)

    with pytest.raises(CustomRuleError, match=r"linear_solve: matvec, <lambda>, must return f32\[4\], got f32\[3\]"):
        solve(matvec=lambda x: x[:3])
    with pytest.raises(CustomRuleError, match=r"linear_solve: solve, <lambda>, must return f32\[4\], got f32\[2\]"):
        solve(by=lambda matvec, b: b[:2])
    with pytest.raises(CustomRuleError, match=r"solve, <lambda>, must return the structure \*, got \(\*,\)"):
        solve(by=lambda matvec, b: (b,))
    with pytest.raises(CustomRuleError, match=r"transpose_solve, <lambda>, must return f32\[4\], got f32\[2\]"):
        solve(transpose_solve=lambda vecmat, b: b[:2])
    with pytest.raises(CustomRuleError, match=r"b must hold floating-point numbers, got i32\[4\]"):
        solve(b=jnp.arange(4))
    with pytest.raises(TypeError, match=r"custom_linear_solve: `matvec` must be a function, got 3"):
        lax.custom_linear_solve(3, B, conjugate)
    with pytest.raises(UnknownValueError, match="bool"):
        solve(by=lambda matvec, b: b if b[0] > 0 else -b)
