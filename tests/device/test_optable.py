"""The GPU computes what the reference computes, for every case of the op table that its types allow."""
from __future__ import annotations

from collections.abc import Generator

import ml_dtypes
import numpy as np
import pytest

from lantern.backends.wgpu import WgpuBackend
from lantern.devices import default_device
from tests.ops.laws import differentiable, every_case, in_every_precision, in_small_integers
from tests.ops.test_backends import SMALL_INTEGERS, check_device, check_device_gradient, check_small_integers
from tests.optable.table import Case, Row

# Factorisations without a kernel say once in a process that they copy their matrices: tests/device/test_linalg.py.
pytestmark = pytest.mark.filterwarnings("ignore::lantern.errors.TransferWarning")

LACKING = ("int64", "uint64", "float64", "complex128")     # types that no GPU has


def fits(row: Row, case: Case) -> bool:
    """Whether operands and results have types that every GPU has."""
    arrays = [x.dtype for x in case.draw() if isinstance(x, np.ndarray)]
    wanted = [v for v in case.params.values() if isinstance(v, np.dtype)]
    return all(d.name not in LACKING for d in (*arrays, *wanted))


@pytest.fixture(autouse=True)
def judged(backend: WgpuBackend) -> Generator[None]:
    """The reference as the default device; there is a GPU to compare."""
    with default_device("reference"):
        yield


@every_case(fits)
def test_gpu_equals_reference(row: Row, case: Case) -> None:
    check_device(row, case, "gpu")


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@every_case(lambda row, case: in_every_precision(row, case) and fits(row, case))
def test_gpu_equals_reference_in_16_bits(row: Row, case: Case, dtype: type) -> None:
    check_device(row, case, "gpu", dtype)


@SMALL_INTEGERS
@every_case(lambda row, case: in_small_integers(row, case) and fits(row, case))
def test_gpu_equals_reference_in_small_integers(row: Row, case: Case, dtype: type) -> None:
    check_small_integers(row, case, "gpu", dtype)


@every_case(lambda row, case: fits(row, case) and differentiable(row, case))
def test_compiled_gradient_on_the_gpu_equals_reference(row: Row, case: Case) -> None:
    check_device_gradient(row, case, "gpu")
