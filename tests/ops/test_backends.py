"""Each device computes what the reference computes, eagerly, compiled, and the compiled gradient."""
from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from lantern.api import grad
from lantern.devices import default_device
from lantern.jitted import jit
from tests.ops.laws import (
    as_integers,
    assert_equal,
    bind_arrays,
    differentiable,
    every_case,
    in_every_precision,
    in_small_integers,
    is_array,
    is_floating,
    widened,
    x64,
)
from tests.ops.test_compositions import total
from tests.optable.table import Case, Row

DEVICES = pytest.mark.parametrize("device", ["emulate", "cpu"])
SMALL_INTEGERS = pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16])


def check_device(row: Row, case: Case, device: str, dtype: Any = np.float32) -> None:
    """Eager and compiled results of one case (its floats in `dtype`) equal those of the reference."""
    f, arrays = bind_arrays(row, case, widened(case.draw(), dtype), is_array)
    want = np.asarray(f(*arrays))
    with default_device(device):
        assert_equal(f(*arrays), want, row.tolerance, row.absolute)
        assert_equal(jit(f)(*arrays), want, row.tolerance, row.absolute)


def check_small_integers(row: Row, case: Case, device: str, dtype: Any) -> None:
    """Eager and compiled results of one case, its integers in `dtype`, equal those of the reference."""
    f, arrays = bind_arrays(row, case, as_integers(case.draw(), dtype), is_array)
    want = np.asarray(f(*arrays))
    with default_device(device):
        assert_equal(f(*arrays), want)
        assert_equal(jit(f)(*arrays), want)


def check_device_gradient(row: Row, case: Case, device: str) -> None:
    """The compiled gradient of one case equals the reference's."""
    f, arrays = bind_arrays(row, case, case.draw(), is_floating)
    weights: Any = np.full_like(np.asarray(f(*arrays)), 0.7)
    slopes = grad(lambda *xs: total(f(*xs), weights), tuple(range(len(arrays))))
    want = slopes(*arrays)
    with default_device(device):
        for got, expected in zip(jit(slopes)(*arrays), want, strict=True):
            assert_equal(got, expected, 16 * row.tolerance, max(row.absolute, 2e-6))


@DEVICES
@every_case()
def test_device_equals_reference(row: Row, case: Case, device: str) -> None:
    check_device(row, case, device)


@DEVICES
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64])
@every_case(in_every_precision)
def test_device_equals_reference_in_every_precision(row: Row, case: Case, device: str, dtype: type) -> None:
    with x64():
        check_device(row, case, device, dtype)


@DEVICES
@SMALL_INTEGERS
@every_case(in_small_integers)
def test_device_equals_reference_in_small_integers(row: Row, case: Case, device: str, dtype: type) -> None:
    check_small_integers(row, case, device, dtype)


@DEVICES
@every_case(differentiable)
def test_compiled_gradient_equals_reference(row: Row, case: Case, device: str) -> None:
    check_device_gradient(row, case, device)
