"""Primitives of the user's: all rules in one place, under every transform; without a lowering they run on the host."""
from __future__ import annotations

from typing import Any

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern import extend, lax
from lantern.extend import Axis, Linear, ShapedArray, check_kernel, elementwise, linear, primitive

X = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)


def _exp_jvp(primals: Any, out: Any, tangents: Any) -> Any:
    return out * tangents[0]


lowered = primitive("test_exp_lowered", abstract=lambda x: x, impl=np.exp, lower=jnp.exp, jvp=_exp_jvp)
hosted = primitive("test_exp_hosted", abstract=lambda x: x, impl=np.exp, jvp=_exp_jvp)
sorted_ = primitive("test_sorted", abstract=lambda x: (x, ShapedArray(x.shape, np.dtype(np.int32))),
                    impl=lambda x: (np.sort(x), np.argsort(x, kind="stable").astype(np.int32)))
scale = primitive("test_scale", abstract=lambda x, *, by: x, impl=lambda x, *, by: x * x.dtype.type(by),
                  lower=lambda x, *, by: x * by, transpose=lambda ct, x, *, by: scale(ct, by=by))
product = primitive("test_product", abstract=lambda x, w: ShapedArray((*x.shape[:-1], w.shape[1]), x.dtype),
                    impl=np.matmul, lower=jnp.matmul,
                    jvp=(lambda t, out, x, w: product(t, w), lambda t, out, x, w: product(x, t)),
                    transpose=lambda ct, x, w: ((ct @ w.T, None) if isinstance(x, Linear) else (None, x.T @ ct)))


def test_the_public_parts() -> None:
    """What a rule in full needs is there, and nothing is a private name."""
    for name in ("Primitive", "Zero", "Linear", "Axis", "bind", "bind1", "typeof", "literal", "Literal", "ShapedArray",
                 "primitive", "elementwise", "linear", "wgsl_kernel", "check_kernel", "Operation"):
        assert getattr(extend, name).__doc__, name
    assert str(extend.typeof(X)) == "f32[3,4]"


def test_transforms(device: str) -> None:
    """With a lowering and without, an operation is what it computes."""
    x = jnp.asarray(X)
    for op in (lowered, hosted):
        for transform in (lambda f: f, lantern.jit, lantern.vmap, lambda f: lantern.jit(lantern.vmap(lantern.vmap(f))),
                          lambda f: lantern.grad(lambda v: jnp.sin(f(v)).sum()),
                          lambda f: lantern.jit(lantern.vmap(lantern.grad(lambda v: (f(v) ** 2).sum()))),
                          lambda f: lambda v: lantern.hessian(lambda u: f(u).sum())(v[0]),
                          lambda f: lambda v: lax.scan(lambda c, r: (c + f(r), f(c)), v[0] * 0, v)[1]):
            np.testing.assert_allclose(np.asarray(transform(op)(x)), np.asarray(transform(jnp.exp)(x)), rtol=1e-4,
                                       atol=1e-5)


def test_several_results_without_a_derivative(device: str) -> None:
    """Mapped one example at a time."""
    values, order = lantern.jit(lantern.vmap(sorted_))(jnp.asarray(X))
    np.testing.assert_array_equal(np.asarray(values), np.sort(X))
    np.testing.assert_array_equal(np.asarray(order), np.argsort(X, kind="stable"))


def test_transposition(device: str) -> None:
    """Linear in the first operand, and in each of two; parameters reach every rule."""
    x = jnp.asarray(X)
    w = jnp.asarray(X.T.copy())
    got = lantern.grad(lambda v: (scale(v, by=3.0) ** 2).sum())(x)
    np.testing.assert_allclose(np.asarray(got), 18 * X, rtol=1e-5)
    plain = [lantern.vmap(lantern.grad(lambda a, b, f=f: (f(a[None], b) ** 3).sum(), (0, 1)), in_axes=(0, None))(x, w)
             for f in (product, jnp.matmul)]
    for a, b in zip(*plain, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=1e-4)
    second = [lantern.jit(lantern.hessian(lambda b, f=f: (f(x, b) ** 2).sum()))(w) for f in (product, jnp.matmul)]
    np.testing.assert_allclose(np.asarray(second[0]), np.asarray(second[1]), rtol=1e-4, atol=1e-4)


def test_elementwise_and_linear(device: str) -> None:
    """A stable softplus with its own derivative; a reversal that is its own transposition."""
    softplus = elementwise(f"test_softplus_{device}", lambda x, b: jnp.logaddexp(x * b, 0.0) / b,
                           [lambda g, y, x, b: g / (1 + jnp.exp(-b * x)), None])
    x = jnp.asarray(X)
    np.testing.assert_allclose(np.asarray(softplus(x, 2.0)), np.logaddexp(2 * X, 0) / 2, rtol=1e-5)
    got = lantern.jit(lantern.grad(lambda v: softplus(v, 2.0).sum()))(x)
    np.testing.assert_allclose(np.asarray(got), 1 / (1 + np.exp(-2 * X)), rtol=1e-5)
    turned = linear(f"test_turned_{device}", lambda v, *, axis: jnp.flip(v, axis),
                    lambda g, aval, *, axis: jnp.flip(g, axis))
    weights = jnp.arange(4.0)
    slope = lantern.grad(lambda v: (turned(v, axis=1) * weights).sum())(x)
    np.testing.assert_array_equal(np.asarray(slope), np.tile(np.arange(4.0)[::-1], (3, 1)))


def test_a_rule_for_batches(device: str) -> None:
    """Given in full, in place of the derived one."""
    seen: list[int] = []

    def batch(axis: Axis, args: Any, dims: Any) -> Any:
        seen.append(axis.size)
        return [jnp.exp(args[0])], [0]

    op = primitive(f"test_batched_{device}", abstract=lambda x: x, impl=np.exp, lower=jnp.exp, batch=batch)
    np.testing.assert_allclose(np.asarray(lantern.vmap(op)(jnp.asarray(X))), np.exp(X), rtol=1e-5)
    assert seen == [3]


def test_rules_may_close_over_arrays(device: str) -> None:
    """In the lowering and in the derivative, also where nothing can be captured: in loops, under jit."""
    table = jnp.asarray(X[0])
    op = primitive(f"test_table_{device}", abstract=lambda x: x, impl=lambda x: x * X[0], lower=lambda x: x * table,
                   jvp=lambda primals, out, tangents: tangents[0] * table)
    x = jnp.asarray(X)
    for f in (op, lambda v: v * table):
        slope = lantern.jit(lantern.grad(lambda v, f=f: lax.scan(lambda c, r: (f(c) + r, c), v[0], v)[0].sum()))(x)
        want = np.stack([X[0] ** 3 + X[0] ** 2, X[0], np.ones(4, np.float32)])
        np.testing.assert_allclose(np.asarray(slope), want, rtol=1e-5, atol=1e-6)


def test_it_is_fused_where_it_is_lowered() -> None:
    """The user's function becomes part of the kernel around it."""
    with lantern.default_device("cpu"):
        program = lantern.jit(lambda x: jnp.sin(lowered(x * 2)) + 1).lower(jnp.asarray(X))
    assert len(program.kernels) == 1


def test_the_check_serves_primitives() -> None:
    assert check_kernel(lowered, X, order=2).largest_error < 1e-5
    assert check_kernel(product, X, X.T.copy(), order=2).largest_error < 1e-5
