"""Long reductions in two kernels."""
from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lantern.backends.emulate import run_program
from lantern.ops import elementwise, reduce
from lantern.ops.broadcast import broadcast_in_dim
from lantern.trace.context import typeof
from tests.lower.helpers import CPU, GPU, f32, kernels, lower, sample


@pytest.mark.parametrize("size", [1 << 16, 100_003, 5000])      # even, prime, awkward
def test_a_long_sum_is_two_kernels_on_a_gpu(size: int) -> None:
    def f(x: Any) -> Any:
        return reduce.reduce_sum(elementwise.mul(x, x), (0,))

    assert len(kernels(f, f32(size), target=GPU)) == 2
    assert len(kernels(f, f32(size), target=CPU)) == 1


def test_a_long_row_in_the_middle() -> None:
    def f(x: Any) -> Any:
        return elementwise.exp(elementwise.neg(reduce.reduce_max(x, (1,))))

    made = kernels(f, f32(3, 99, 101), target=GPU)
    assert len(made) == 1
    made = kernels(lambda x: reduce.reduce_min(x, (1, 2)), f32(3, 99, 101), target=GPU)
    assert len(made) == 2 and made[0].rows[0] == 3


def test_a_short_or_wide_reduction_stays_whole() -> None:
    assert len(kernels(lambda x: reduce.reduce_sum(x, (1,)), f32(64, 5000), target=GPU)) == 1
    assert len(kernels(lambda x: reduce.reduce_sum(x, (1,)), f32(3, 4000), target=GPU)) == 1


def test_positions_are_not_pieced_together() -> None:
    assert len(kernels(lambda x: reduce.argmax(x, 0), f32(10_000), target=GPU)) == 1


def test_softmax_of_one_long_row_is_many_parallel_kernels() -> None:
    def softmax(x: Any) -> Any:
        e = elementwise.exp(elementwise.sub(x, broadcast_in_dim(reduce.reduce_max(x, (0,)), typeof(x).shape, ())))
        return elementwise.div(e, broadcast_in_dim(reduce.reduce_sum(e, (0,)), typeof(x).shape, ()))

    args = [sample(f32(9973), 0)]
    program = lower(softmax, f32(9973), target=GPU).program
    assert all(math.prod(s.cols) <= 4096 for k in program.kernels for s in k.stages if s.reductions)
    found = run_program(program, args)[0]
    np.testing.assert_allclose(found.sum(), 1.0, rtol=1e-4)
