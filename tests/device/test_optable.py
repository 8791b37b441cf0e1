"""The GPU computes what the reference computes, for every case of the op table that its types allow."""
from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest

from lantern.backends.wgpu import WgpuBackend
from lantern.devices import default_device
from tests.ops.laws import differentiable, every_case
from tests.ops.test_backends import check_device, check_device_gradient
from tests.optable.table import Case, Row

TYPES = ("bool", "int32", "uint32", "float32")


def fits(row: Row, case: Case) -> bool:
    """Whether operands and results have types that every GPU has."""
    arrays = [x.dtype for x in case.draw() if isinstance(x, np.ndarray)]
    wanted = [v for v in case.params.values() if isinstance(v, np.dtype)]
    return all(d.name in TYPES for d in (*arrays, *wanted))


@pytest.fixture(autouse=True)
def judged(backend: WgpuBackend) -> Generator[None]:
    """The reference as the default device; there is a GPU to compare."""
    with default_device("reference"):
        yield


@every_case(fits)
def test_gpu_equals_reference(row: Row, case: Case) -> None:
    check_device(row, case, "gpu")


@every_case(lambda row, case: fits(row, case) and differentiable(row, case))
def test_compiled_gradient_on_the_gpu_equals_reference(row: Row, case: Case) -> None:
    check_device_gradient(row, case, "gpu")
