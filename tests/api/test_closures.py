"""closure_convert and linear_transpose."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.errors import ArgumentError, NotDifferentiableError

XS = jnp.array([0.5, 1.0, 2.0])
A = jnp.array(np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32))


def close(a: Any, b: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def test_traced_values_are_hoisted() -> None:
    counts: list[int] = []

    def f(a: Any, n: Any) -> Any:
        converted, values = lantern.closure_convert(lambda t: {"o": jnp.sum(t["x"] * a * XS) * n}, {"x": XS})
        counts.append(len(values))
        return converted({"x": XS}, *values)["o"]

    want = 3 * np.sum(np.square(XS))
    close(f(1.0, 3), want)
    close(lantern.grad(f)(1.0, 3), want)
    close(lantern.jit(f)(1.0, 3), want)
    assert counts == [0, 1, 2]      # XS itself stays inside; under jit the integer is traced as well


def test_converted_functions_check_their_arguments() -> None:
    def f(a: Any, use: Any) -> Any:
        converted, values = lantern.closure_convert(lambda x: x * a, XS)
        return jnp.sum(use(converted, values))

    for use, words in (
            (lambda g, vs: g(XS), r"and 1 closed-over values, got .* and 0, at test_closures.py:\d+"),
            (lambda g, vs: g(XS[:2], *vs), r"wants f32\[3\], got f32\[2\]"),
            (lambda g, vs: g((XS,), *vs), r"wants arguments of the structure \(\*,\) .* got \(\(\*,\),\)"),
            (lambda g, vs: g(XS, XS), r"wants f32\*?\[\], got f32\[3\]")):
        with pytest.raises(ArgumentError, match=r"closure_convert\(<lambda>\).*" + words):
            lantern.grad(f)(2.0, use)


def test_transposes() -> None:
    ct = jnp.array([1.0, -2.0])
    close(lantern.linear_transpose(lambda x: A @ x, XS)(ct)[0], A.T @ ct)
    close(lantern.linear_transpose(lantern.jit(lambda x: A @ x), XS)(ct)[0], A.T @ ct)
    close(lantern.linear_transpose(lambda x: lantern.remat(lambda x: A @ x)(x), XS)(ct)[0], A.T @ ct)
    first, second = lantern.linear_transpose(lambda x, y: {"o": 2.0 * x["a"] + y}, {"a": XS}, XS)({"o": XS})
    close(first["a"], 2 * XS)
    close(second, XS)
    shape = lantern.ShapeDtypeStruct((3,), jnp.float32)
    close(lantern.linear_transpose(lambda x: A @ x, shape)(ct)[0], A.T @ ct)
    close(lantern.linear_transpose(lambda x: lax.scan(lambda c, r: (c + r @ x, r @ x), 0.0, A)[0], XS)(2.0)[0],
          2 * np.sum(A, 0))
    close(lantern.linear_transpose(lambda x: lax.cond(True, lambda x: 3.0 * x, lambda x: x, x), XS)(XS)[0], 3 * XS)
    close(lantern.linear_transpose(lambda x: jnp.zeros(2), XS)(ct)[0], np.zeros(3))


def test_transposes_compose() -> None:
    def pulled(a: Any, ct: Any) -> Any:
        return lantern.linear_transpose(lambda x: a @ x, XS)(ct)[0]

    ct = jnp.array([1.0, -2.0])
    close(lantern.jit(pulled)(A, ct), A.T @ ct)
    close(lantern.grad(lambda a: jnp.sum(pulled(a, ct) * XS))(A), np.outer(ct, XS))
    close(lantern.vmap(pulled, (None, 0))(A, jnp.stack([ct, ct]))[1], A.T @ ct)
    close(lantern.linear_transpose(lambda ct: pulled(A, ct), ct)(XS)[0], A @ XS)


def test_errors() -> None:
    for f in (jnp.sin, lambda x: x * x, lambda x: lantern.jit(jnp.cos)(x), lambda x: jnp.sum(x) * x,
              lambda x: lax.scan(lambda c, _: (c * x, None), x, None, 2)[0]):
        with pytest.raises(NotDifferentiableError, match=r"linear_transpose.*: the function is not linear: its "
                                                         r"derivative depends .* at test_closures.py:\d+.*Use vjp"):
            lantern.linear_transpose(f, XS)
    with pytest.raises(ArgumentError, match=r"argument `x` is i32\[3\]; only floating-point arguments can be "):
        lantern.linear_transpose(lambda x: x, jnp.arange(3))
    with pytest.raises(TypeError, match="linear_transpose: wanted a function, got 3, at "):
        lantern.linear_transpose(3, XS)
    with pytest.raises(TypeError, match="closure_convert: wanted a function, got 3, at "):
        lantern.closure_convert(3, XS)
    back = lantern.linear_transpose(lambda x: A @ x, XS)
    with pytest.raises(ArgumentError, match=r"wanted a cotangent f32\[2\], got f32\[3\], at test_closures.py:\d+"):
        back(XS)
    with pytest.raises(ArgumentError, match=r"wanted a cotangent of the structure \*, got \(\*, \*\), at"):
        back((XS, XS))
