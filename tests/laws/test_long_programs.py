"""Programs of twenty operations on the CPU and in the emulator: jit, grad and vmap agree with the judge."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.laws.long_programs import BINARY, COUNT, UNARY, Program, X, Y, agree, programs, value

long = settings(max_examples=COUNT, deadline=None, derandomize=True,
                suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


@long
@given(programs)
def test_the_cpu_agrees_with_the_judge(f: Program) -> None:
    agree(f, "cpu")


@settings(long, max_examples=COUNT // 4)
@given(programs)
def test_the_emulator_agrees_with_the_judge(f: Program) -> None:
    agree(f, "emulate", (value,))


@pytest.mark.parametrize("name", sorted([*UNARY, *BINARY]))
def test_operations_keep_the_range(name: str) -> None:
    """What makes the programs well conditioned."""
    got = np.asarray(Program(((name, 1, 0),))(X, Y))
    assert got.shape == X.shape and got.min() >= 0.5 - 1e-5 and got.max() <= 2.0 + 1e-5, (got.min(), got.max())
