"""associative_scan against the plain loop: any size, axis, tree and operation; its depth; its derivatives."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern.numpy as jnp
from lantern import grad, jit, lax, make_jaxpr, vmap
from lantern.errors import ArgumentError, ShapeError
from lantern.trace.jaxpr import count_eqns

GENERATOR = np.random.default_rng(0)


def compose(f: Any, g: Any) -> Any:
    """First f, then g: x -> a x + b as pairs (a, b). Not commutative."""
    return f[0] * g[0], f[1] * g[0] + g[1]


def loop(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    outs = [(a[0], b[0])] if len(a) else []
    for k in range(1, len(a)):
        outs.append(compose(outs[-1], (a[k], b[k])))
    return np.array([x for x, _ in outs]), np.array([y for _, y in outs])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 31])
def test_every_size(n: int, reverse: bool) -> None:
    a, b = GENERATOR.uniform(0.5, 1.5, n).astype(np.float32), GENERATOR.normal(size=n).astype(np.float32)
    wanted = [w[::-1] for w in loop(a[::-1], b[::-1])] if reverse else loop(a, b)
    def f(elems: Any) -> Any:
        return lax.associative_scan(compose, elems, reverse)

    for g in (f, jit(f)):
        for got, w in zip(g((a, b)), wanted, strict=True):
            np.testing.assert_allclose(np.asarray(got), w, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_every_axis(axis: int) -> None:
    x = GENERATOR.integers(0, 100, (3, 4, 5))
    got = lax.associative_scan(jnp.maximum, x, axis=axis)
    assert np.array_equal(np.asarray(got), np.maximum.accumulate(x, axis))
    flags = lax.associative_scan(lambda a, b: {"any": a["any"] | b["any"]}, {"any": x > 50}, axis=axis)["any"]
    assert np.array_equal(np.asarray(flags), np.logical_or.accumulate(x > 50, axis))


def test_matrices_are_elements() -> None:
    ms = GENERATOR.normal(size=(6, 2, 2)).astype(np.float32)
    got = np.asarray(lax.associative_scan(jnp.matmul, ms))
    wanted = ms[0]
    for k in range(6):
        wanted = ms[0] if k == 0 else wanted @ ms[k]
        np.testing.assert_allclose(got[k], wanted, rtol=1e-4, atol=1e-5)


def test_negative_zeros_and_nans_pass_as_they_are() -> None:
    x = np.float32([-0.0, np.nan, 1.0, -0.0, np.inf])
    got = np.asarray(lax.associative_scan(lambda a, b: b, x))
    assert got.tobytes() == x.tobytes()


def test_the_depth_is_logarithmic() -> None:
    sizes = [count_eqns(make_jaxpr(lambda x: lax.associative_scan(jnp.add, x))(np.zeros(n, np.float32)))
             for n in (64, 128, 256)]
    assert sizes[2] - sizes[1] == sizes[1] - sizes[0] < 20


def test_derivatives_and_batches() -> None:
    a, b = GENERATOR.uniform(0.5, 1.5, 7).astype(np.float32), GENERATOR.normal(size=7).astype(np.float32)

    def f(a: Any, b: Any) -> Any:
        return jnp.sum(jnp.sin(lax.associative_scan(compose, (a, b))[1]))

    def same(a: Any, b: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            c = compose(c, x)
            return c, jnp.sin(c[1])
        return jnp.sum(lax.scan(step, (1.0, 0.0), (a, b))[1])

    for g, wanted in zip(grad(f, (0, 1))(a, b), grad(same, (0, 1))(a, b), strict=True):
        np.testing.assert_allclose(np.asarray(g), np.asarray(wanted), rtol=1e-4, atol=1e-5)
    rows = GENERATOR.uniform(0.5, 1.5, (3, 7)).astype(np.float32)
    got = vmap(lambda a: lax.associative_scan(jnp.multiply, a))(rows)
    np.testing.assert_allclose(np.asarray(got), np.cumprod(rows, 1), rtol=1e-5)


X = np.zeros((3, 2), np.float32)


@pytest.mark.parametrize(("call", "error", "pattern"), [
    (lambda: lax.associative_scan(jnp.add, {"a": X, "b": X[:2]}), ShapeError,
     r"associative_scan: all elems must have one size along axis 0, but `elems\['a'\]` has 3, `elems\['b'\]` has 2"),
    (lambda: lax.associative_scan(jnp.add, 1.0), ShapeError, r"associative_scan: `elems` is f32\*\[\] and has no axis"),
    (lambda: lax.associative_scan(jnp.add, X, axis=2), ArgumentError, r"associative_scan: .*2.*f32\[3,2\]"),
    (lambda: lax.associative_scan(lambda a, b: (a, b), X), TypeError,
     r"associative_scan: <lambda> must return the structure that it gets, \*, but returns \(\*, \*\)"),
    (lambda: lax.associative_scan(lambda a, b: jnp.sum(a), X), ShapeError,
     r"associative_scan: <lambda> must keep shapes and dtypes, but `elems` is f32\[1,2\] and becomes f32\[\]"),
    (lambda: lax.associative_scan(7, X), TypeError, "associative_scan: fn must be a function, got 7"),
    (lambda: lax.associative_scan(jnp.add, ["a"]), TypeError, r"`elems\[0\]` must be an array or a number, got 'a'"),
])
def test_messages(call: Any, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        call()
