"""`impl` rules equal NumPy, in every precision."""
from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from tests.ops.laws import assert_equal, every_case, in_every_precision, is_floating, twin_of, widened, x64
from tests.optable.table import Case, Row


@every_case()
def test_reference_equals_numpy(row: Row, case: Case) -> None:
    args = case.draw()
    got = np.asarray(row.function(*args, **case.params))
    with np.errstate(all="ignore"):
        assert_equal(got, twin_of(row, case, args).astype(got.dtype), row.tolerance, row.absolute)


@every_case(lambda row, case: row.every_precision and any(is_floating(x) for x in case.draw()))
def test_reference_equals_numpy_in_float64(row: Row, case: Case) -> None:
    args = widened(case.draw())
    with x64():
        got = np.asarray(row.function(*args, **case.params))
    # bisection and the like in the twins are good to a few hundred units
    assert_equal(got, twin_of(row, case, args).astype(got.dtype), 1000 * row.tolerance, row.absolute)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@every_case(in_every_precision)
def test_reference_equals_numpy_in_16_bits(row: Row, case: Case, dtype: type) -> None:
    args = widened(case.draw(), dtype)
    got = np.asarray(row.function(*args, **case.params))
    want = twin_of(row, case, [np.asarray(x, np.float32) if np.asarray(x).dtype == dtype else x for x in args])
    assert got.dtype == (want.dtype if want.dtype.kind != "f" else dtype)
    assert_equal(got, want.astype(got.dtype), row.tolerance, row.absolute)
