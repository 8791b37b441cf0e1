"""`lantern.testing`: right derivatives pass, wrong ones are named by mode and order."""
from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.errors import ArgumentError, EscapedTracerError
from lantern.testing import assert_close, check_grads, check_jvp, check_leaks, check_vjp

X = np.array([0.3, -0.7, 1.1], np.float32)


def test_right_derivatives_pass(device: str) -> None:
    def f(params: Any, n: int) -> Any:
        return {"loss": jnp.sum(jnp.tanh(params["w"]) * params["b"]) * n, "square": params["b"] ** 2}

    args = ({"w": np.outer(X, X), "b": np.float32(0.7)}, 3)
    check_grads(f, args, 2)
    check_grads(lantern.jit(f), args, 2, modes="rev")
    check_grads(lambda x: lax.scan(lambda c, r: (jnp.sin(c * r), c), 1.0, x), (X,), 2)
    check_grads(lambda x: lax.fori_loop(0, 3, lambda i, v: jnp.cos(v), x), (X,), 3, modes=["fwd"])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_tolerances_follow_the_dtype(dtype: str) -> None:
    with lantern.default_device("reference"):
        x = jnp.asarray(X).astype(dtype)
        check_grads(lambda x: jnp.sum(jnp.sin(x)), (x,), 2)
        off = {"float16": 0.2, "bfloat16": 0.5, "float32": 1e-2, "float64": 1e-4}[dtype]

        def wrong(x: Any) -> Any:
            return jnp.sum(jnp.sin(x)) + off * jnp.sum(lax.stop_gradient(x))

        with pytest.raises(AssertionError, match="order 1: the tangents of jvp and the differences of values differ"):
            check_grads(wrong, (x,), 1, modes=["fwd"])
        with pytest.raises(AssertionError, match="<vjp"):
            check_grads(wrong, (x,), 1, modes=["rev"])
        check_grads(wrong, (x,), 1, atol=2.0)


def test_complex_numbers() -> None:
    with lantern.default_device("cpu"):
        z = jnp.asarray(np.array([1 + 2j, 0.5 - 0.3j]))
        check_grads(lambda z: jnp.sin(z) * z, (z,), 2)
        check_grads(lambda z, x: jnp.sum(jnp.abs(z * x)), (z, X[:2]), 1)
        check_grads(lambda z: jnp.real(z) * jnp.imag(z), (z,), 2)
        with pytest.raises(AssertionError, match="order 1"):
            check_grads(lambda z: jnp.sin(z) + lax.stop_gradient(z), (z,), 1)


def test_wrong_derivatives_are_named() -> None:
    @lantern.custom_jvp
    def cube(x: Any) -> Any:
        return x ** 3

    # Right at order 1, wrong at order 2.
    cube.defjvp(lambda xs, ts: (xs[0] ** 3, 3 * lax.stop_gradient(xs[0]) ** 2 * ts[0]))
    check_grads(cube, (np.float32(0.5),), 1)
    for modes, text in ((["fwd"], "mode fwd of fwd, order 2: the tangents"),
                        (["rev"], r"mode rev of rev, order 2: <vjp\(ct\), v>"), (["fwd", "rev"], "order 2")):
        with pytest.raises(AssertionError, match=rf"check_grads\(.*\): .*{text}.* differ: .*, by .* \(allowed: "):
            check_grads(cube, (np.float32(0.5),), 2, modes=modes)


def test_given_rules() -> None:
    def f(x: Any) -> Any:
        return jnp.sum(x * x)

    check_jvp(f, partial(lantern.jvp, f), (X,))
    check_vjp(f, partial(lantern.vjp, f), (X,))
    with pytest.raises(AssertionError, match=r"mine: the tangents of jvp"):
        check_jvp(f, lambda xs, ts: (f(*xs), jnp.sum(xs[0] * ts[0])), (X,), err_msg="mine")
    with pytest.raises(AssertionError, match=r"check_vjp\(f\): the values of vjp and of the function differ"):
        check_vjp(f, lambda x: (f(x) + 1, lambda ct: (2 * x * ct,)), (X,))


def test_wrong_arguments() -> None:
    with pytest.raises(ArgumentError, match="modes must be among 'fwd' and 'rev', got"):
        check_grads(jnp.sin, (X,), 1, modes=["forward"])
    with pytest.raises(ArgumentError, match="order must be at least 1, got 0"):
        check_grads(jnp.sin, (X,), 0)
    with pytest.raises(ArgumentError, match="no argument is a floating-point array"):
        check_grads(lambda n: n, (3,), 1)


def test_assert_close() -> None:
    big = np.array([2**53 + 1])
    same: list[tuple[Any, Any]] = [
        (X, jnp.asarray(X)), (np.array([np.nan, np.inf]), np.array([np.nan, np.inf])), (1.0, jnp.ones(())),
        ({"a": [X]}, {"a": [X + np.float32(1e-7)]}), (np.array([True]), np.array([True])), (big, big.copy()),
        (np.zeros((0, 3)), np.zeros((0, 3))), (np.array(1 + 2j), np.array(1 + 2j))]
    for a, b in same:
        assert_close(a, b)
    differ: list[tuple[Any, Any, str]] = [
        (X, X * 1.01, r"the arrays differ: 1.1\d* and 1.1\d* at index \(2,\), by 0.011"), (X, X[:2], r"shapes \(3,\)"),
        (X, X.astype(np.float64), "dtypes float32 and float64 differ"), ([X], (X,), "structures"),
        ({"a": [X]}, {"a": [-X]}, r"\['a'\]\[0\] differ"), (big, big - 1, "1 of 1 numbers do"),
        (np.array([np.nan]), np.array([1.0]), "nan and 1"), (True, False, "differ"),
        (np.array(1j), np.array(-1j), "by 2")]
    for a, b, pattern in differ:
        with pytest.raises(AssertionError, match=pattern):
            assert_close(a, b)
    assert_close(X, X * 1.01, rtol=0.02)
    assert_close(X, X.astype(np.float64), check_dtypes=False)


def test_leaks() -> None:
    kept: list[Any] = []
    with check_leaks(), pytest.raises(EscapedTracerError, match=r"is still held by `kept\[0\]`"):
        lantern.jit(lambda x: (kept.append(x), x)[1])(X)
