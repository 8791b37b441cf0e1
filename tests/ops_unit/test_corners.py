"""Derivatives at corners, literals, and what the laws of the table do not speak of."""
from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lantern.api import grad, jvp, make_jaxpr, vmap
from lantern.devices import default_device
from lantern.errors import ArgumentError, ShapeError
from lantern.jitted import jit
from lantern.ops import collective, convert, elementwise, index, reduce, shape
from lantern.ops.compare import gt, select


@pytest.fixture(autouse=True)
def judged() -> Iterator[None]:
    """The reference as the default device."""
    with default_device("reference"):
        yield


def slope(f: Callable[[Any], Any], x: float, order: int = 1) -> float:
    """The derivative of a function of one number."""
    for _ in range(order):
        f = grad(f)
    return float(f(np.float32(x)))


@pytest.mark.parametrize(("exponent", "order", "want"), [
    (2.0, 1, 0.0), (2.0, 2, 2.0), (2.0, 3, 0.0), (1.0, 1, 1.0), (1.0, 2, 0.0), (0.0, 1, 0.0), (0.0, 2, 0.0),
    (3.0, 3, 6.0)])
def test_pow_at_zero(exponent: float, order: int, want: float) -> None:
    assert slope(lambda x: elementwise.pow(x, exponent), 0.0, order) == want
    traced = np.float32(exponent)
    if order < 3:
        assert slope(lambda x: elementwise.pow(x, elementwise.add(traced, elementwise.mul(0.0, x))), 0.0) == \
            slope(lambda x: elementwise.pow(x, exponent), 0.0)


def test_pow_by_the_exponent() -> None:
    assert slope(lambda y: elementwise.pow(np.float32(0), y), 2.0) == 0.0
    assert slope(lambda y: elementwise.pow(0.0, y), 2.0) == 0.0
    assert slope(lambda y: elementwise.pow(2.0, y), 3.0) == pytest.approx(8 * np.log(2), rel=1e-6)
    assert np.isnan(slope(lambda y: elementwise.pow(-2.0, y), 2.0))
    both = grad(grad(elementwise.pow), 1)(np.float32(3), np.float32(0))     # d2/dxdy x**y = 1 / x at y = 0
    assert float(both) == pytest.approx(1 / 3, rel=1e-6)


@pytest.mark.parametrize("power", [0, 1, 2, 5, -2])
def test_integer_pow(power: int) -> None:
    assert slope(lambda x: elementwise.integer_pow(x, power), 1.5) == pytest.approx(power * 1.5 ** (power - 1),
                                                                                    rel=1e-6)
    assert float(np.asarray(elementwise.integer_pow(np.float32(np.nan), 0))) == 1.0


@pytest.mark.parametrize(("values", "want"), [
    ([3.0, 0.0, 2.0], [0.0, 6.0, 0.0]), ([0.0, 0.0, 2.0], [0.0, 0.0, 0.0]), ([2.0, 3.0, 4.0], [12.0, 8.0, 6.0]),
    ([5.0], [1.0]),
    ([], [])])
def test_gradient_of_a_product_with_zeros(values: list[float], want: list[float]) -> None:
    assert np.asarray(grad(lambda x: reduce.reduce_prod(x, (0,)))(np.array(values, np.float32))).tolist() == want


def test_hessian_of_a_product_with_two_zeros() -> None:
    slopes = grad(lambda x: reduce.reduce_prod(x, (0,)))
    x = np.array([0, 0, 2], np.float32)
    rows = [np.asarray(jvp(slopes, (x,), (u,))[1]).tolist() for u in np.eye(3, dtype=np.float32)]
    assert rows == [[0, 2, 0], [2, 0, 0], [0, 0, 0]]


def test_ties_share_the_derivative() -> None:
    assert slope(lambda x: elementwise.max(x, np.float32(1)), 1.0) == 0.5
    assert slope(lambda x: elementwise.min(1.0, x), 1.0) == 0.5
    several = np.array([2, 1, 2, 2, 0], np.float32)
    third = pytest.approx([1 / 3, 0, 1 / 3, 1 / 3, 0])
    assert np.asarray(grad(lambda x: reduce.reduce_max(x, (0,)))(several)).tolist() == third
    assert slope(lambda x: elementwise.clamp(-1.0, x, 1.0), 1.0) == 0.0
    assert slope(elementwise.abs, 0.0) == 0.0


def test_logistic_far_out() -> None:
    x = np.array([-200, -100, -80, 0, 80, 200, np.inf, -np.inf], np.float32)
    with np.errstate(over="ignore"):
        want = (1 / (1 + np.exp(-x.astype(np.float64)))).astype(np.float32)
    np.testing.assert_allclose(np.asarray(elementwise.logistic(x)), want, rtol=1e-6, atol=2e-38)
    assert slope(elementwise.logistic, 200.0) == 0.0
    assert slope(elementwise.logistic, -200.0) == 0.0


def test_what_is_not_chosen_passes_no_derivative() -> None:
    assert slope(lambda x: select(gt(x, 0), x, elementwise.log(x)), 2.0) == 1.0
    assert slope(lambda x: elementwise.stop_gradient(elementwise.mul(x, x)), 2.0) == 0.0
    assert slope(lambda x: elementwise.mul(x, elementwise.floor(x)), 2.5) == 2.0


def test_numbers_become_literals_of_the_dtype_beside_them() -> None:
    text = str(make_jaxpr(lambda x: elementwise.mul(2, x))(np.array([1, 2], np.float16)))
    assert "f16[2] = mul 2.0:f16" in text
    with pytest.raises(ShapeError, match=r"mul: the Python float 0.5 stands beside i32\[2\]"):
        elementwise.mul(np.array([1, 2], np.int32), 0.5)
    with pytest.raises(OverflowError, match="300 does not fit"):
        elementwise.add(np.array([1], np.int8), 300)


def test_arrays_of_rank_0_do_not_stand_beside_others() -> None:
    with pytest.raises(ShapeError,
                       match=r"mul: operands must have one shape, got f32\[2\] and f32\[\], at test_corners.py:"):
        elementwise.mul(np.array([1, 2], np.float32), np.asarray(np.float32(3)))


def test_weakness() -> None:
    weak = jit(lambda x: (elementwise.add(x, 1), elementwise.mul(x, x), convert.convert(x, np.dtype(np.float32))))(2.0)
    assert [y.weak_type for y in weak] == [True, True, False]
    assert not elementwise.add(np.array([1], np.float32), 1).weak_type


def test_reading_clips_and_its_gradient_goes_to_what_was_read() -> None:
    x, places = np.array([1, 2, 3], np.float32), np.array([-5, 1, 9, 1], np.int32)
    assert np.asarray(index.take(x, places, 0)).tolist() == [1, 2, 3, 2]
    slopes = grad(lambda x: reduce.reduce_sum(index.take(x, places, 0), (0,)))(x)
    assert np.asarray(slopes).tolist() == [1, 2, 1]
    nothing = grad(lambda x: reduce.reduce_sum(index.take(x, places, 0, mode="zero"), (0,)))(x)
    assert np.asarray(nothing).tolist() == [0, 2, 0]


def test_take_along_axis() -> None:
    r = np.random.default_rng(0)
    x, places = r.normal(size=(3, 4, 5)).astype(np.float32), r.integers(0, 4, (3, 2, 5)).astype(np.int32)
    assert (np.asarray(index.take_along_axis(x, places, 1)) == np.take_along_axis(x, places, 1)).all()


@pytest.mark.parametrize("device", ["reference", "emulate", "cpu"])
def test_many_arrays_are_concatenated_in_groups(device: str) -> None:
    parts = [np.array([k, -k], np.float32) for k in range(100)]
    with default_device(device):
        joined = jit(lambda *xs: shape.concatenate(xs, 0))(*parts)
    assert np.asarray(joined).tolist() == np.concatenate(parts).tolist()


def test_named_axes() -> None:
    x = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    assert vmap(lambda v: elementwise.mul(v, collective.psum(1, "i")), axis_name="i")(x).tolist() == (3 * x).tolist()
    means = vmap(lambda v: collective.pmean(v, "i"), axis_name="i")(x)
    assert np.asarray(means).tolist() == [[3, 4]] * 3
    inner = vmap(vmap(lambda v: collective.psum(v, "j"), axis_name="j"), axis_name="i")(x)
    outer = vmap(vmap(lambda v: collective.psum(v, "i"), axis_name="j"), axis_name="i")(x)
    assert (np.asarray(inner)[:, 0].tolist(), np.asarray(outer)[0].tolist()) == ([3, 7, 11], [9, 12])
    places = jit(vmap(jit(lambda v: collective.axis_index("i")), axis_name="i"))(x)
    assert np.asarray(places).tolist() == [0, 1, 2]
    with pytest.raises(ArgumentError, match="no axis is named 'k' here"):
        vmap(lambda v: collective.psum(v, "k"), axis_name="i")(x)
    with pytest.raises(ArgumentError, match=r"no axis is named 'i' here \(in scope: none\)"):
        jit(lambda v: collective.axis_index("i"))(x)


def test_the_gradient_inside_vmap_is_that_of_the_sum_over_all_elements() -> None:
    """psum hands each operand the cotangents of all elements, as in JAX."""
    x = np.array([0.5, -1.0, 2.0], np.float32)

    def loss(v: Any) -> Any:
        return elementwise.mul(elementwise.sin(v), collective.psum(elementwise.mul(v, v), "i"))

    want = np.cos(x) * np.sum(x * x) + 2 * x * np.sum(np.sin(x))
    np.testing.assert_allclose(np.asarray(vmap(grad(loss), axis_name="i")(x)), want, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(np.asarray(jit(vmap(grad(jit(loss)), axis_name="i"))(x)), want, rtol=1e-6, atol=1e-6)
    outside = grad(lambda x: reduce.reduce_sum(vmap(loss, axis_name="i")(x), (0,)))(x)
    np.testing.assert_allclose(np.asarray(outside), want, rtol=1e-6, atol=1e-6)


def test_integers_have_no_tangent() -> None:
    def f(x: Any) -> Any:
        whole = convert.convert(x, np.dtype(np.int32))
        return elementwise.mul(x, convert.convert(elementwise.mul(whole, whole), np.dtype(np.float32)))

    assert slope(f, 3.5) == 9.0
    assert operator.index(int(np.asarray(reduce.argmax(np.array([1, 3, 2], np.float32), 0)))) == 1
