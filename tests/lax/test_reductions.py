"""lax.reduce and lax.reduce_window: known operations and any other function, padding, dilation, errors."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.errors import ShapeError
from lantern.testing import check_grads

R = np.random.default_rng(0)


def direct(x: Any, init: Any, f: Any, sizes: Any, strides: Any, pads: Any, base: Any, dilation: Any) -> Any:
    """One window after the other."""
    spread = np.full([(n - 1) * b + 1 + p + q for n, b, (p, q) in zip(x.shape, base, pads, strict=True)], init, x.dtype)
    spread[tuple([slice(p, p + (n - 1) * b + 1, b) for n, b, (p, _) in zip(x.shape, base, pads, strict=True)])] = x
    counts = [(n - (k - 1) * d - 1) // s + 1
              for n, k, s, d in zip(spread.shape, sizes, strides, dilation, strict=True)]
    out = np.empty(counts, x.dtype)
    for place in np.ndindex(*counts):
        seen = spread[tuple([slice(i * s, i * s + (k - 1) * d + 1, d)
                             for i, s, k, d in zip(place, strides, sizes, dilation, strict=True)])]
        total = x.dtype.type(init)
        for value in seen.flat:
            total = f(total, value)
        out[place] = total
    return out


CASES = [
    ((5, 6), (2, 3), (1, 2), ((0, 0), (0, 0)), (1, 1), (1, 1)),
    ((5, 6), (3, 2), (2, 1), ((1, 0), (2, 1)), (1, 1), (2, 3)),
    ((4, 3), (2, 2), (1, 2), ((1, 1), (0, 2)), (2, 3), (1, 2)), ((7,), (3,), (3,), ((0, 1),), (1,), (1,)),
    ((3, 4), (1, 1), (2, 1), ((0, 0), (0, 0)), (1, 1), (1, 1))]
OPERATIONS = {
    "add": (lax.add, 0.0, np.add), "operator": (lambda a, b: a + b, 0.0, np.add), "mul": (lax.mul, 1.0, np.multiply),
    "max": (jnp.maximum, -np.inf, np.maximum), "min": (lax.min, np.inf, np.minimum),
    "start": (lax.max, 0.25, np.maximum), "other": (lambda a, b: a + b + 0.5 * a * b, 0.0,
                                                    lambda a, b: a + b + 0.5 * a * b)}


@pytest.mark.parametrize("name", OPERATIONS)
def test_windows(name: str) -> None:
    f, init, twin = OPERATIONS[name]
    for shape, *how in CASES:
        x = R.uniform(-1, 1, shape).astype(np.float32)
        found = lax.reduce_window(x, init, f, *how)
        np.testing.assert_allclose(found, direct(x, init, twin, *how), rtol=2e-5, atol=1e-6)
        assert lax.reduce_window_shape_tuple(shape, *how) == found.shape


def test_windows_by_name_of_padding() -> None:
    x = np.arange(5.0, dtype=np.float32)
    assert lax.reduce_window(x, 0, lax.add, (2,), (2,), "SAME").tolist() == [1, 5, 4]
    assert lax.reduce_window(x, 0, lax.add, (2,), (2,), "SAME_LOWER").tolist() == [0, 3, 7]
    assert lax.reduce_window(x > 2, False, lax.bitwise_or, (2,)).tolist() == [False, False, True, True]
    assert lax.reduce_window(np.int32([3, 1, 2]), np.iinfo(np.int32).min, lax.max, (2,)).tolist() == [3, 2]


def test_start_values_that_only_the_program_knows() -> None:
    x = R.uniform(-1, 1, (4, 5)).astype(np.float32)
    how = ((2, 2), (1, 2), ((1, 0), (0, 1)), (1, 1), (1, 1))
    found = lantern.jit(lambda x, i: lax.reduce_window(x, i, lax.max, *how))(x, 0.5)
    np.testing.assert_array_equal(found, direct(x, 0.5, np.maximum, *how))


def test_several_arrays() -> None:
    """Each maximum with its position."""
    def larger(a: Any, b: Any) -> Any:
        first = a[0] >= b[0]
        return jnp.where(first, a[0], b[0]), jnp.where(first, a[1], b[1])

    x = R.permutation(30).reshape(5, 6).astype(np.float32)
    places = np.arange(30, dtype=np.int32).reshape(5, 6)
    values, found = lax.reduce((x, places), (-np.inf, -1), larger, (1,))
    np.testing.assert_array_equal(values, x.max(1))
    np.testing.assert_array_equal(found, places[np.arange(5), x.argmax(1)])
    values, found = lax.reduce_window((x, places), (-np.inf, -1), larger, (2, 3), (1, 2), "SAME")
    np.testing.assert_array_equal(values, lax.reduce_window(x, -np.inf, lax.max, (2, 3), (1, 2), "SAME"))
    np.testing.assert_array_equal(np.take(x, found), values)


def test_reduce() -> None:
    x = R.uniform(0.5, 1.5, (3, 4, 5)).astype(np.float32)
    np.testing.assert_allclose(lax.reduce(x, 0.0, lax.add, (0, 2)), x.sum((0, 2)), rtol=1e-6)
    np.testing.assert_allclose(lax.reduce(x, 2.0, lax.mul, (1,)), 2 * x.prod(1), rtol=1e-6)
    np.testing.assert_allclose(lax.reduce(x, 0.0, lambda a, b: a + b + a * b, (-1,)), np.prod(x + 1, -1) - 1, rtol=1e-5)
    assert lax.reduce(x, 0.0, lax.add, ()).shape == (3, 4, 5)
    assert lax.reduce(np.zeros((0, 2)), 7.0, lax.add, (0,)).tolist() == [7, 7]
    assert lax.reduce(np.zeros((2, 0)), 7.0, lambda a, b: a * b + a, (0,)).shape == (0,)
    assert lax.reduce(np.int32([5, 3, 6]), -1, lax.bitwise_and, (0,)).item() == 0


def test_derivatives() -> None:
    x = (R.permutation(30).reshape(5, 6) / 7).astype(np.float32)
    for f, init in ((lax.max, -np.inf), (lax.mul, 1.0), (lambda a, b: a + b + a * b, 0.0)):
        check_grads(lambda x, f=f, init=init: lax.reduce_window(x, init, f, (3, 2), (2, 2), "SAME"), (x,), order=2)
    ones = lantern.grad(lambda x: jnp.sum(lax.reduce_window(x, -np.inf, lax.max, (3,), (2,))))(np.ones(7, np.float32))
    assert ones.tolist() == [1, 0, 1, 0, 1, 0, 0]       # the first of equal elements
    rows = np.stack([x, -x])
    f = lantern.grad(lambda x: jnp.sum(lax.reduce_window(x, -np.inf, lax.max, (2, 2), (1, 1)) ** 2))
    np.testing.assert_allclose(lantern.vmap(f)(rows), [f(r) for r in rows], rtol=1e-6)


def test_errors() -> None:
    x = np.ones((3, 4), np.float32)
    with pytest.raises(TypeError, match=r"reduce_window: computation must give what it gets, f32\[\], but gives bool"):
        lax.reduce_window(x, 0.0, lambda a, b: a > b, (2, 2))
    with pytest.raises(TypeError, match=r"reduce: wanted one start value for each array, got the structures"):
        lax.reduce((x, x), 0.0, lax.add, (0,))
    with pytest.raises(ShapeError, match=r"reduce: arrays must have one shape, got f32\[3,4\], f32\[3\], at "):
        lax.reduce((x, x[:, 0]), (0.0, 0.0), lambda a, b: a, (0,))
    with pytest.raises(ShapeError, match=r"reduce_window: start values must be numbers \(rank 0\), got f32\[3,4\]"):
        lax.reduce_window(x, x, lax.add, (2, 2))
    with pytest.raises(ShapeError, match=r"reduce_window: wanted 2 window_dimensions of 1 or more, .* got \(2,\), at "):
        lax.reduce_window(x, 0.0, lax.add, (2,))
    with pytest.raises(ShapeError, match=r"reduce_window: negative padding removes more than there is"):
        lax.reduce_window(x, 0.0, lax.add, (2, 2), (1, 1), [(-2, -2), (0, 0)])
    with pytest.raises(TypeError, match=r"reduce: computation must be a function, got 3 of type int, at "):
        lax.reduce(x, 0.0, 3, (0,))  # type: ignore[arg-type]
