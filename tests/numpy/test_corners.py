"""Corners where a plain composition of operations goes wrong: extremes, bools, masks, odd arguments."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
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
    with pytest.raises(TypeError, match=r"integer_pow: the exponent is an int, got 2.0, at test_corners.py:"):
        lax.integer_pow(np.float32(2), 2.0)


def test_traced_padding_values() -> None:
    """A value around the elements has a derivative, and may differ along a batch."""
    x, config = np.float32([1, 2]), [(1, -1, 1)]
    assert lantern.jit(lambda v: lax.pad(x, v, config))(np.float32(5)).tolist() == [5, 1, 5]
    assert lantern.grad(lambda v: lax.pad(x, v, config).sum())(5.0) == 2
    assert lantern.vmap(lambda v: lax.pad(x, v, config))(np.float32([5, 6])).tolist() == [[5, 1, 5], [6, 1, 6]]
    with pytest.raises(TypeError, match=r"pad: wanted one padding value, got f32\[2\], at test_corners.py:"):
        lax.pad(x, jnp.asarray(x), config)


def test_silent_nonsense_is_refused() -> None:
    x = np.ones(3, np.float32)
    with pytest.raises(TypeError, match=r"shift_right_logical: wanted integers, got f32\[3\], at test_corners.py:"):
        lax.shift_right_logical(x, x)
    with pytest.raises(lantern.errors.NotDifferentiableError, match="the derivative by its first argument"):
        lantern.grad(lambda n: lax.polygamma(n, 2.5))(1.0)
    assert lantern.grad(lambda v: lax.polygamma(1.0, v))(2.5) < 0


WRONG: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "axis": (lambda: jnp.sum(np.ones(3), axis="a"), TypeError, r"sum: an axis is an int, got 'a'"),
    "axes": (lambda: jnp.sum(np.ones(3), axis=np.ones(3)), TypeError, r"sum: an axis is an int, got an array of shape"),
    "size": (lambda: jnp.nonzero(np.ones(3), size="a"), TypeError, r"nonzero: size is an int, got 'a'"),
    "num": (lambda: jnp.linspace(0, 1, 2.5), TypeError, r"linspace: num is an int, got 2.5"),
    "k": (lambda: lax.top_k(np.ones(3), 1.5), TypeError, r"top_k: k is an int, got 1.5"),
    "arrays": (lambda: jnp.concatenate(3), TypeError, r"concatenate: wanted a sequence of arrays, got int"),
    "number": (lambda: jnp.stack(np.float32(3)), TypeError, r"stack: wanted a sequence of arrays, got float32"),
    "dot": (lambda: lax.dot(np.float32(1), np.ones(2)), TypeError, r"dot: wanted arrays with axes, got f32\[\] and"),
    "matrices": (lambda: lax.batch_matmul(np.ones(2), np.ones(2)), TypeError, r"batch_matmul: wanted matrices, got"),
    "shape": (lambda: jnp.reshape(np.ones(4), (2, 2.0)), TypeError, r"reshape: a size is an int, got 2.0"),
    "parts": (lambda: jnp.split(np.ones(4), None), TypeError, r"split: the number of parts is an int"),
}


@pytest.mark.parametrize("case", WRONG)
def test_arguments_of_a_wrong_kind(case: str) -> None:
    call, kind, pattern = WRONG[case]
    with pytest.raises(kind, match=pattern + r".*, at test_corners.py:\d+"):
        call()


def test_what_is_no_device() -> None:
    with pytest.raises(TypeError, match=r"device: wanted a Device or a name such as 'cpu' or 'gpu:0', got 3"):
        jnp.zeros(3, device=3)


def test_shapes_and_cuts_in_arrays() -> None:
    assert jnp.reshape(np.arange(6), np.array([2, 3])).shape == (2, 3)
    assert [x.tolist() for x in jnp.split(np.arange(4), jnp.array([1, 3]))] == [[0], [1, 2], [3]]


@pytest.mark.parametrize("dtype, tolerance", [(np.float16, 1e-3), (ml_dtypes.bfloat16, 8e-3)])
def test_hyperbolic_functions_of_16_bits(dtype: Any, tolerance: float) -> None:
    x = np.array([-9, -3.3, 0.1, 2, 7, 10]).astype(dtype)
    for name in ("sinh", "cosh"):
        found, wanted = getattr(jnp, name)(x), getattr(np, name)(x.astype(np.float64))
        assert found.dtype == dtype
        np.testing.assert_allclose(np.asarray(found, np.float64), wanted, rtol=tolerance)


def test_the_imaginary_part_of_nan() -> None:
    assert jnp.imag(np.float32([np.nan, np.inf, -1])).tolist() == [0, 0, 0]
    assert not np.signbit(jnp.imag(np.float32([-1]))).any()


def test_nextafter_of_a_number_and_an_array() -> None:
    found = lantern.jit(lambda v: jnp.nextafter(2, v))(np.float32([[3, 1]]))
    np.testing.assert_array_equal(found, np.nextafter(np.float32(2), np.float32([[3, 1]])))


@pytest.mark.parametrize("make", [lambda: jnp.ones(2**45), lambda: jnp.zeros((2**62, 4)),
                                  lambda: jnp.outer(np.ones(2**23), np.ones(2**23))])
def test_more_than_there_is_memory(make: Callable[[], Any]) -> None:
    with pytest.raises(lantern.errors.DeviceError, match=r"an array needs \d+ bytes of the memory of the CPU device"):
        make()
