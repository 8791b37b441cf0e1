"""Loops, branches and calls of the host on the CPU backend, against the emulator."""
from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings

from lantern.backends.emulate import run_program
from lantern.backends.numpy import NumpyBackend
from lantern.lower.kernel import Program
from tests.backends.nested_programs import AnyArray, inputs_of, nested_programs

BACKEND = NumpyBackend()


def agree(found: AnyArray, wanted: AnyArray) -> None:
    assert found.shape == wanted.shape and found.dtype == wanted.dtype and not found.flags.writeable
    np.testing.assert_allclose(found, wanted, 1e-4, 1e-5)


def check(program: Program, *calls: list[AnyArray]) -> list[list[Any]]:
    """Calls the program several times; earlier results stay what they were."""
    run = BACKEND.compile(program)
    results: list[list[Any]] = []
    for inputs in calls:
        results.append(list(run([BACKEND.write(x) for x in inputs])))
    for inputs, found in zip(calls, results, strict=True):
        for f, w in zip(found, run_program(program, inputs), strict=True):
            agree(f, w)
    return results


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(nested_programs())
def test_random_programs(program: Program) -> None:
    inputs = [inputs_of(program, seed) for seed in (0, 1)]
    before = [[x.copy() for x in row] for row in inputs]
    check(program, *inputs)
    for row, old in zip(inputs, before, strict=True):
        for x, o in zip(row, old, strict=True):
            np.testing.assert_array_equal(x, o)
