"""Laws of public functions: what a program calls by JAX's names gives NumPy's values, compiles under vmap, and has the
derivatives that differences show. Primitives have more laws, beside this file; so do functions in their own tests."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import lantern
from lantern.testing import check_grads
from tests.optable.public import PUBLIC
from tests.optable.public.row import Asked, Holds, Public, bound


@pytest.fixture(autouse=True)
def on_cpu() -> Iterator[None]:
    """The CPU is the default device."""
    with lantern.default_device("cpu"):
        yield


def every(kept: Callable[[Public], bool] = lambda row: True) -> Any:
    """A test for each row."""
    rows = [row for row in PUBLIC.values() if kept(row)]
    return pytest.mark.parametrize("row", rows, ids=[f"{r.module}.{r.name}" for r in rows])


def close(found: Any, wanted: Any, tolerance: float) -> None:
    """Trees of one structure, arrays of one shape, numbers nearly equal, all else equal."""
    if isinstance(wanted, (tuple, list)) and isinstance(found, (tuple, list)):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            close(one, other, tolerance)
        return
    if wanted is None or isinstance(wanted, (dict, str, np.dtype)):
        assert found == wanted
        return
    one, other = np.asarray(found), np.asarray(wanted)
    assert one.shape == other.shape
    assert one.dtype.kind == other.dtype.kind or {one.dtype.kind, other.dtype.kind} <= set("iufb")
    scale = np.abs(np.nan_to_num(other, posinf=1, neginf=1)).max(initial=1) if other.dtype.kind != "b" else 1
    np.testing.assert_allclose(one, other, tolerance, tolerance * scale)


@every()
def test_value(row: Public) -> None:
    """And it is the public function that was called."""
    asked = Asked(row.module)
    found = bound(row, asked)(*row.args)
    if isinstance(row.twin, Holds):
        assert row.twin.of(np.asarray(found))
    else:
        close(found, row.twin(*row.args), row.tolerance)
    assert row.name in (row.call.__code__.co_names if row.module.startswith("Array") else asked.names)


def other(x: Any) -> Any:
    """Another sample in the same domain."""
    return np.asarray(x * np.float32(1.05) if np.asarray(x).dtype.kind in "fc" else x)


@every(lambda row: row.mapped)
def test_compiled_under_vmap(row: Public) -> None:
    two = [row.args, tuple([other(x) for x in row.args])]
    found = lantern.jit(lantern.vmap(bound(row)))(*[np.stack(pair) for pair in zip(*two, strict=True)])
    for k, args in enumerate(two):
        close(lantern.tree.map(lambda leaf, k=k: np.asarray(leaf)[k], found), row.twin(*args), row.tolerance)


@every(lambda row: row.smooth)
def test_derivative(row: Public) -> None:
    check_grads(bound(row), row.args, order=1, rtol=1e-2, atol=1e-2)
