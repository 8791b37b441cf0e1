"""Corners where a plain composition of operations goes wrong: extremes, bools, masks, odd arguments."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax, nn

TRUE = np.array([True])
BYTE = np.array([1], np.int8)


@pytest.mark.parametrize("function", [jnp.floor_divide, jnp.remainder, jnp.power, jnp.left_shift, jnp.right_shift])
def test_numbers_made_of_bools_are_strong(function: Callable[..., Any]) -> None:
    """As a weak int32 the result would adopt the dtype beside it."""
    found = function(jnp.asarray(TRUE), jnp.asarray(TRUE))
    assert (found.dtype, found.weak_type) == (np.int32, False)
    assert (found + BYTE).dtype == np.int32
    assert (jnp.square(jnp.asarray(TRUE)) + BYTE).dtype == np.int32


def test_ldexp_beyond_the_range_of_powers() -> None:
    x = np.array([1, 1.5, 0, -0.0, 1e-38, 1e30, np.nan, np.inf, -np.inf, 1, 3], np.float32)
    e = np.array([32767, -32767, 2000, -2**31, 200, -200, 3, -9999, 2**31 - 1, 127, -120], np.int32)
    with np.errstate(over="ignore"):
        wanted = np.ldexp(x, e)
    np.testing.assert_array_equal(jnp.ldexp(x, e), wanted)
    assert np.signbit(jnp.ldexp(x, e)[3])
    assert jnp.ldexp(np.float32([2, 0]), np.uint32([2**32 - 1] * 2)).tolist() == [np.inf, 0]
    assert jnp.ldexp(np.float16([2, 2]), np.int8([-100, 3])).tolist() == [0, 16]
    assert lantern.grad(lambda v: jnp.ldexp(v, 3))(0.0) == 8


def test_hypot_of_an_infinite_side() -> None:
    x, y = np.float32([np.nan, np.inf, -np.inf, np.nan]), np.float32([-np.inf, np.nan, 1, 1])
    np.testing.assert_array_equal(jnp.hypot(x, y), np.hypot(x, y))
    with pytest.raises(TypeError, match=r"hypot: wanted real numbers, got c64\[2\].*Take abs"):
        jnp.hypot(np.ones(2, np.complex64), np.ones(2, np.complex64))


def test_integers_in_linspace_are_rounded_down() -> None:
    wanted = np.linspace(-2, 1, 7, dtype=np.int32)
    assert jnp.linspace(-2, 1, 7, dtype="int32").tolist() == wanted.tolist()
    assert lantern.jit(lambda a: jnp.linspace(a, 1, 7, dtype="int32"))(-2.0).tolist() == wanted.tolist()


@pytest.mark.parametrize("args, dtype", [((5, 0, -2), "uint8"), ((-128, 128, 255), "int8"), ((0, 1, 1000), "int8"),
                                         ((300, 300), "int8"), ((200, -1, -200), "uint8")])
def test_arange_with_a_step_that_the_dtype_does_not_hold(args: tuple[int, ...], dtype: str) -> None:
    found, wanted = jnp.arange(*args, dtype=dtype), np.arange(*args).astype(dtype)
    assert (found.dtype, found.tolist()) == (wanted.dtype, wanted.tolist())


def test_softmax_where_everything_is_masked() -> None:
    x, mask = np.float32([[1, 2], [3, 4]]), np.array([[True, True], [False, False]])
    e = np.exp(x[0]) / np.exp(x[0]).sum()
    np.testing.assert_allclose(nn.softmax(x, where=mask), [e, [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(nn.log_softmax(x, where=mask), [np.log(e), [-np.inf] * 2], rtol=1e-6)
    slope = lantern.grad(lambda v: nn.softmax(v, where=mask)[:, 0].sum())(x)
    np.testing.assert_allclose(slope, [[e[0] * e[1], -e[0] * e[1]], [0, 0]], rtol=1e-5)
    assert np.isnan(nn.softmax(np.float32([-np.inf, -np.inf]), where=np.array([True, True]))).all()


def test_negative_counts_of_repeat() -> None:
    with pytest.raises(ValueError, match=r"repeat: a count must not be negative, got .*, at test_corners.py:"):
        jnp.repeat(np.arange(3), np.array([1, -1, 2]), total_repeat_length=4)
    found = lantern.jit(lambda n: jnp.repeat(np.arange(3), n, total_repeat_length=4))(np.array([1, -1, 2]))
    assert found.tolist() == [0, 2, 2, 2]


def test_bools_as_sums() -> None:
    x = np.array([[0, 3], [1, 2]])
    for name in ("sum", "prod", "cumsum", "cumprod", "nansum"):
        found, wanted = getattr(jnp, name)(x, axis=1, dtype=bool), getattr(np, name)(x, axis=1, dtype=bool)
        assert (found.dtype, found.tolist()) == (wanted.dtype, wanted.tolist()), name
    assert jnp.vecdot(TRUE, TRUE).dtype == bool


def test_extremes_with_an_initial_value_have_one_dtype() -> None:
    for length in (0, 2):
        found = jnp.max(np.ones(length, np.int8), initial=2.5)
        assert (found.dtype, found.item()) == (np.float32, 2.5)
    with pytest.raises(TypeError, match=r"max: wanted numbers, got c64\[1\]: complex numbers have no order"):
        jnp.max(np.ones(1, np.complex64), initial=2.5)


def test_what_sets_and_grids_are_made_of() -> None:
    assert jnp.setdiff1d(TRUE, np.array([5], np.int16)).dtype == bool
    assert jnp.indices(()).shape == np.indices(()).shape
    assert jnp.zeros(np.array([2, 3])).shape == (2, 3)


def test_what_is_no_number() -> None:
    for values in ([None, 1.0], ["1"], np.array([None, 1.0]), np.array(["1"])):
        with pytest.raises(TypeError, match=r"asarray: wanted numbers, got (NoneType|str_?), at test_corners.py:"):
            jnp.asarray(values, dtype="float32")
    with pytest.raises(TypeError, match=r"integer_pow: wanted a Python int as exponent, got 2.0, at test_corners.py:"):
        lax.integer_pow(np.float32(2), 2.0)     # type: ignore[arg-type]
