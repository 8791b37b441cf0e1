"""grad, vmap and their kin: argnums, aux, axes, trees, compositions, messages."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import ArgumentError, NotDifferentiableError, ShapeError


def close(a: Any, b: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def test_argnums() -> None:
    def f(x: Any, y: Any, z: Any = 2.0) -> Any:
        return x * y * z

    assert float(lantern.grad(f)(3.0, 4.0)) == 8.0
    assert float(lantern.grad(f, argnums=1)(3.0, 4.0)) == 6.0
    assert [float(g) for g in lantern.grad(f, argnums=(0, 1))(3.0, 4.0)] == [8.0, 6.0]
    assert [float(g) for g in lantern.grad(f, argnums=(-1,))(3.0, 4.0)] == [6.0]
    assert float(lantern.grad(f)(3.0, 4.0, z=5.0)) == 20.0
    with pytest.raises(ArgumentError, match="argnums=2"):
        lantern.grad(f, argnums=2)(1.0, 1.0)


def test_grad_refuses_integers_and_vectors() -> None:
    def f(x: Any) -> Any:
        return x * 2.0

    with pytest.raises(NotDifferentiableError, match=r"grad\(f\): argument `x` is i32\*?\[\]; .*astype"):
        lantern.grad(f)(1)
    with pytest.raises(NotDifferentiableError, match=r"must return one floating-point scalar, got f32\[3\]"):
        lantern.grad(lambda x: x * 2.0)(jnp.ones(3))
    with pytest.raises(NotDifferentiableError, match=r"got f32\[\], f32\[\]; .*has_aux"):
        lantern.grad(lambda x: (jnp.sum(x), jnp.sum(x)))(jnp.ones(3))
    with pytest.raises(NotDifferentiableError, match=r"got i32"):
        lantern.grad(lambda x: jnp.sum(x).astype(jnp.int32))(jnp.ones(3))
    with pytest.raises(TypeError, match=r"grad\(f\): argument `x` must be an array or a number, got 'a' of type str"):
        lantern.grad(f)("a")


@pytest.mark.parametrize("number", [3, True, np.int32(3)])
def test_integers_have_zero_tangents(number: Any) -> None:
    """Also where they become floats on the way: a cotangent cut to an integer would be a wrong number."""
    def f(x: Any, i: Any) -> Any:
        return x * i * 0.3

    _, pull = lantern.vjp(f, jnp.ones(2), number)
    gx, gi = pull(jnp.ones(2))
    close(gx, [0.3 * number] * 2)
    assert float(gi) == 0
    one = type(number)(1)
    for push in (lambda *t: lantern.jvp(f, (jnp.ones(2), number), t)[1], lantern.linearize(f, jnp.ones(2), number)[1]):
        assert push(jnp.zeros(2), one).tolist() == [0.0, 0.0]


def test_arguments_of_the_transforms_that_cannot_be() -> None:
    def f(x: Any, y: Any) -> Any:
        return x * y

    wrong: Any = "x"
    with pytest.raises(ArgumentError, match=r"grad\(f\): argnums must be an int or a sequence of ints, got 'x'"):
        lantern.grad(f, argnums=wrong)(1.0, 2.0)
    with pytest.raises(ArgumentError, match=r"vmap\(f\): in_axes must be an int, None, or a tree .*, got \(0, 'x'\)"):
        lantern.vmap(f, in_axes=(0, wrong))(jnp.ones(2), jnp.ones(2))
    with pytest.raises(ArgumentError, match=r"vmap\(f\): out_axes must be an int, None, or a tree of them, got 0\.5"):
        lantern.vmap(f, out_axes=0.5)(jnp.ones(2), jnp.ones(2))
    number: Any = 3
    for transform in (lantern.grad, lantern.value_and_grad, lantern.vmap, lantern.jit, lantern.hessian):
        with pytest.raises(TypeError, match="wanted a function, got 3"):
            transform(number)


def test_vjp_jvp_linearize_and_their_messages() -> None:
    def f(x: Any, y: Any) -> Any:
        return {"a": jnp.sin(x) * y, "b": y}

    _, pull = lantern.vjp(f, jnp.ones(2), jnp.ones(2))
    gx, gy = pull({"a": jnp.ones(2), "b": jnp.zeros(2)})
    close(gx, np.cos(np.ones(2)))
    close(gy, np.sin(np.ones(2)))
    with pytest.raises(ArgumentError, match="structure"):
        pull(jnp.ones(2))
    with pytest.raises(ArgumentError, match=r"wants a cotangent f32\[2\], got f32\[3\]"):
        pull({"a": jnp.ones(3), "b": jnp.zeros(2)})
    _, dy = lantern.jvp(jnp.sin, (0.5,), (2.0,))
    close(dy, 2 * np.cos(0.5))
    with pytest.raises(ArgumentError, match=r"the tangent of `x` must be f32\[2\], got f32\[3\]"):
        lantern.jvp(lambda x: x, (jnp.ones(2),), (jnp.ones(3),))
    _, push = lantern.linearize(lambda x: x ** 3, 2.0)
    close(push(1.0), 12.0)
    close(lantern.vmap(push)(jnp.asarray([1.0, 2.0])), [12.0, 24.0])


def test_jacobians_and_hessian() -> None:
    def f(x: Any) -> Any:
        return jnp.stack([x[0] * x[1], jnp.sin(x[0]), x[1] ** 2])

    x = jnp.asarray([0.5, 2.0])
    wanted = [[2.0, 0.5], [np.cos(0.5), 0.0], [0.0, 4.0]]
    both = (lantern.jacfwd(f), lantern.jacrev(f))
    for jacobian in (*both, *map(lantern.jit, both)):
        close(jacobian(x), wanted)
    tree = lantern.jacrev(lambda p: {"s": p["w"] * p["b"]})({"w": jnp.ones(2), "b": 3.0})
    close(tree["s"]["w"], 3 * np.eye(2))
    close(tree["s"]["b"], np.ones(2))
    quadratic = jnp.asarray([[2.0, 1.0], [1.0, 4.0]])
    for second in (lantern.hessian, lambda f: lantern.jacrev(lantern.jacfwd(f)),
                   lambda f: lantern.jit(lantern.hessian(f))):
        close(second(lambda x: 0.5 * x @ quadratic @ x)(x), quadratic)


def test_the_gradient_of_a_laplacian(device: str) -> None:
    """Third derivatives, whose program has constants (unit vectors) as results on the way."""
    rng = np.random.default_rng(8)
    centres, weights = np.float32(rng.standard_normal((10, 2))), np.float32(rng.standard_normal(10))

    def field(x: Any) -> Any:
        return jnp.sum(weights * jnp.exp(-jnp.sum((centres - x) ** 2, axis=-1)))

    slope = lantern.grad(lambda x: jnp.trace(lantern.hessian(field)(x)))
    x = jnp.asarray([-1.0, 0.0])
    wanted = [-4.7012, 3.5764]      # by JAX
    close(slope(x), wanted, 1e-4)
    close(lantern.jit(slope)(x), wanted, 1e-4)
    close(lantern.jit(lantern.vmap(slope))(jnp.stack([x, x])), [wanted] * 2, 1e-4)


@pytest.mark.parametrize("transform", [lambda f: f, lantern.jit], ids=["plain", "jit"])
def test_smooth_functions_have_higher_derivatives_at_ties(transform: Any) -> None:
    """Written with abs and maximum, which have a corner there, these would lose their curvature."""
    d2 = transform(lantern.grad(lantern.grad(lantern.nn.softplus)))
    close([d2(x) for x in (0.0, -0.0, 1.5, -1.5, 100.0, -100.0)], [0.25, 0.25, 0.149146, 0.149146, 0.0, 0.0])
    close(transform(lantern.grad(lantern.grad(lantern.nn.log_sigmoid)))(0.0), -0.25)
    close(transform(lantern.hessian(lambda v: jnp.logaddexp(v[0], v[1])))(jnp.ones(2)), [[0.25, -0.25], [-0.25, 0.25]])
    infinity = np.inf
    slope = transform(lantern.vmap(lantern.grad(jnp.logaddexp)))
    close(slope(np.float32([0, -infinity, infinity, -infinity]), np.float32([infinity, 0, 0, -infinity])), [0, 0, 1, 1])


def test_vmap_axes() -> None:
    x = jnp.asarray(np.arange(6.0).reshape(2, 3))
    close(lantern.vmap(jnp.sum)(x), [3.0, 12.0])
    close(lantern.vmap(jnp.sum, in_axes=1)(x), [3.0, 5.0, 7.0])
    close(lantern.vmap(jnp.sum, in_axes=-1)(x), [3.0, 5.0, 7.0])
    close(lantern.vmap(lambda v: v * 2.0, out_axes=1)(x), 2 * np.asarray(x).T)
    close(lantern.vmap(lambda p, v: p["w"] * v, in_axes=({"w": None}, 0))({"w": 2.0}, x), 2 * np.asarray(x))
    close(lantern.vmap(lambda v: 1.0, out_axes=None)(x), 1.0)
    close(lantern.vmap(lambda v: 1.0)(x), [1.0, 1.0])
    close(lantern.vmap(lambda: 1.0, axis_size=3)(), [1.0, 1.0, 1.0])
    a, b = lantern.vmap(lambda v: (v, jnp.sum(v)), out_axes=(1, 0))(x)
    assert a.shape == (3, 2) and b.shape == (2,)
    outer = lantern.vmap(lantern.vmap(lambda a, b: a * b, (None, 0)), (0, None))
    close(outer(jnp.ones(2), jnp.ones(3)), np.ones((2, 3)))


def test_vmap_messages_list_arguments_and_sizes() -> None:
    def f(x: Any, y: Any) -> Any:
        return x + y

    with pytest.raises(ArgumentError, match=r"vmap\(f\): mapped axes must have one size, but `x` has 2, `y` has 3"):
        lantern.vmap(f)(jnp.ones(2), jnp.ones(3))
    with pytest.raises(ArgumentError, match=r"argument `y` is f32\[\] and has no axis 0; use None"):
        lantern.vmap(f)(jnp.ones(2), jnp.asarray(1.0, dtype=jnp.float32))
    with pytest.raises(ArgumentError, match="one entry for each of 2 arguments"):
        lantern.vmap(f, in_axes=(0, 0, 0))(jnp.ones(2), jnp.ones(2))
    with pytest.raises(ArgumentError, match="does not fit the outputs"):
        lantern.vmap(f, out_axes=(0, 0))(jnp.ones(2), jnp.ones(2))
    with pytest.raises(ArgumentError, match="out_axes is None for an output that depends on a mapped argument"):
        lantern.vmap(f, out_axes=None)(jnp.ones(2), jnp.ones(2))
    with pytest.raises(ArgumentError, match="at least one argument must be mapped"):
        lantern.vmap(f, in_axes=None)(1.0, 2.0)
    with pytest.raises(ArgumentError, match="out_axes=2 is out of range"):
        lantern.vmap(f, out_axes=2)(jnp.ones(2), jnp.ones(2))


def test_collectives_over_named_axes() -> None:
    x = jnp.asarray([1.0, 2.0, 3.0])
    close(lantern.vmap(lambda v: v / lantern.lax.psum(v, "i"), axis_name="i")(x), np.asarray(x) / 6)
    close(lantern.vmap(lambda v: lantern.lax.pmean(v, "i"), axis_name="i")(x), [2.0, 2.0, 2.0])
    close(lantern.vmap(lambda v: v * lantern.lax.axis_index("i"), axis_name="i")(x), [0.0, 2.0, 6.0])
    close(lantern.vmap(lambda v: lantern.lax.psum(1, "i"), axis_name="i")(x), [3, 3, 3])
    jitted = lantern.jit(lantern.vmap(lantern.jit(lambda v: lantern.lax.pmax(v, "i") - v), axis_name="i"))
    close(jitted(x), [2.0, 1.0, 0.0])
    with pytest.raises(ArgumentError, match="no axis is named 'j' here"):
        lantern.vmap(lambda v: lantern.lax.psum(v, "j"), axis_name="i")(x)


def test_shape_errors_name_operation_shapes_and_line() -> None:
    def model(x: Any) -> Any:
        return x @ jnp.ones((3, 4))

    for call in (lantern.jit(model), lantern.vmap(model), lantern.grad(lambda x: jnp.sum(model(x))), model):
        with pytest.raises(ShapeError, match=r"matmul|dot") as e:
            call(jnp.ones((2, 2)) if call is not lantern.vmap(model) else jnp.ones((1, 2, 2)))
        assert "3,4" in str(e.value) and "test_transforms.py" in str(e.value), e.value


def test_keyword_arguments_are_mapped_and_differentiated_through() -> None:
    close(lantern.vmap(lambda x, *, s: x * s)(jnp.ones(2), s=jnp.asarray([1.0, 2.0])), [1.0, 2.0])
    close(lantern.grad(lambda x, *, s: x * s)(2.0, s=3.0), 3.0)


def test_eval_shape_computes_nothing() -> None:
    out = lantern.eval_shape(lambda x, y: {"m": x @ y}, lantern.ShapeDtypeStruct((2, 3), jnp.float32), jnp.ones((3, 5)))
    assert out["m"].shape == (2, 5) and out["m"].dtype == np.float32


def test_per_example_gradients() -> None:
    def loss(w: Any, x: Any, y: Any) -> Any:
        return (jnp.tanh(x @ w) - y) ** 2

    w, y = jnp.asarray([0.1, 0.2, 0.3]), jnp.ones(5)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(5, 3)).astype("f4"))
    each = lantern.vmap(lantern.grad(lantern.jit(loss)), in_axes=(None, 0, 0))(w, x, y)
    one_by_one = [np.asarray(lantern.grad(loss)(w, x[i], y[i])) for i in range(5)]
    close(each, np.stack(one_by_one))
    close(jnp.sum(each, axis=0), lantern.grad(lambda w: jnp.sum(lantern.vmap(loss, (None, 0, 0))(w, x, y)))(w))
