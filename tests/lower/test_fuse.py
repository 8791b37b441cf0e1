"""What becomes one kernel, and what must not. Every count stands for a value that was compared with `impl` first."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lantern.dtypes import F32, I32
from lantern.lower.expr import Load
from lantern.lower.kernel import Target
from lantern.ops import compare, convert, dot, elementwise, index, reduce, shape
from lantern.ops.broadcast import broadcast_in_dim
from lantern.trace.context import typeof
from tests.lower.helpers import CPU, GPU, both, f32, i32, kernels, lower

both_targets = pytest.mark.parametrize("target", [CPU, GPU], ids=["cpu", "gpu"])


def rows(x: Any, like: Any) -> Any:
    """A value per row, repeated along the row."""
    return broadcast_in_dim(x, typeof(like).shape, (0,))


def bias(x: Any, like: Any) -> Any:
    """A value per column, repeated for each row."""
    return broadcast_in_dim(x, typeof(like).shape, (typeof(like).ndim - 1,))


def gelu(x: Any) -> Any:
    cube = elementwise.mul(elementwise.mul(x, x), x)
    inner = elementwise.mul(elementwise.add(x, elementwise.mul(cube, 0.044715)), 0.7978845608)
    return elementwise.mul(elementwise.mul(x, 0.5), elementwise.add(elementwise.tanh(inner), 1.0))


def softmax(x: Any) -> Any:
    e = elementwise.exp(elementwise.sub(x, rows(reduce.reduce_max(x, (1,)), x)))
    return elementwise.div(e, rows(reduce.reduce_sum(e, (1,)), e))


def logsumexp(x: Any) -> Any:
    top = reduce.reduce_max(x, (1,))
    e = elementwise.exp(elementwise.sub(x, rows(top, x)))
    return elementwise.add(elementwise.log(reduce.reduce_sum(e, (1,))), top)


def log_softmax(x: Any) -> Any:
    return elementwise.sub(x, rows(logsumexp(x), x))


def layernorm(x: Any, scale: Any, shift: Any) -> Any:
    n = typeof(x).shape[1]
    centred = elementwise.sub(x, rows(elementwise.mul(reduce.reduce_sum(x, (1,)), 1 / n), x))
    variance = elementwise.mul(reduce.reduce_sum(elementwise.mul(centred, centred), (1,)), 1 / n)
    normal = elementwise.mul(centred, rows(elementwise.rsqrt(elementwise.add(variance, 1e-5)), x))
    return elementwise.add(elementwise.mul(normal, bias(scale, x)), bias(shift, x))


def dense(x: Any, w: Any, b: Any) -> Any:
    y = dot.dot_general(x, w, ((1,), (0,)))
    return elementwise.max(elementwise.add(y, bias(b, y)), 0.0)


ONE_KERNEL: list[tuple[Callable[..., Any], list[Any]]] = [
    (gelu, [f32(4, 6)]), (softmax, [f32(4, 6)]), (logsumexp, [f32(4, 6)]), (log_softmax, [f32(4, 6)]),
    (layernorm, [f32(4, 6), f32(6), f32(6)]), (dense, [f32(3, 4), f32(4, 5), f32(5)]),
    (lambda x: reduce.reduce_sum(elementwise.mul(x, x), (0, 1)), [f32(4, 6)]),
    (lambda x: shape.transpose(elementwise.exp(shape.transpose(x, (1, 0))), (1, 0)), [f32(4, 6)]),
    (lambda x: elementwise.neg(shape.reshape(elementwise.exp(shape.reshape(x, (24,))), (2, 12))), [f32(4, 6)]),
    (lambda x: elementwise.mul(shape.pad(x, 2.0, [(1, 2, 1)]), 3.0), [f32(5)]),
    (lambda x: shape.slice(shape.pad(x, 0.0, [(2, 2, 0)]), (2,), (7,), (1,)), [f32(5)]),
    (lambda x, i: elementwise.mul(index.take(x, i, 0), 2.0), [f32(5, 2), i32(3)]),
    (lambda i: convert.convert(compare.eq(rows(i, np.zeros((3, 7))), shape.iota(I32, (3, 7), 1)), F32), [i32(3)]),
]


@both_targets
@pytest.mark.parametrize("case", range(len(ONE_KERNEL)))
def test_one_kernel(case: int, target: Target) -> None:
    f, avals = ONE_KERNEL[case]
    assert len(kernels(f, *avals, target=target)) == 1


@both_targets
def test_softmax_has_three_stages_and_reads_one_buffer(target: Target) -> None:
    (kernel,) = kernels(softmax, f32(4, 6), target=target)
    assert [len(s.reductions) for s in kernel.stages] == [1, 1, 0]
    assert (kernel.rows, [s.cols for s in kernel.stages], len(kernel.args)) == ((4,), [(6,), (6,), (6,)], 1)


@both_targets
def test_an_epilogue_leaves_the_product_recognisable(target: Target) -> None:
    (kernel,) = kernels(dense, f32(3, 4), f32(4, 5), f32(5), target=target)
    assert kernel.dot is not None and (kernel.dot.m, kernel.dot.n) == (1, 1)
    assert [s.cols for s in kernel.stages] == [(4,), ()]


@both_targets
def test_an_epilogue_through_reshape_and_transpose(target: Target) -> None:
    def heads(x: Any, w: Any) -> Any:
        y = shape.reshape(dot.dot_general(x, w, ((1,), (0,))), (2, 3, 4, 5))
        return elementwise.mul(shape.transpose(y, (0, 2, 1, 3)), 0.5)

    (kernel,) = kernels(heads, f32(6, 7), f32(7, 20), target=target)
    assert kernel.dot is not None and (kernel.dot.m, kernel.dot.n) == (2, 2)


@both_targets
def test_transposed_operands_of_a_product_are_strides(target: Target) -> None:
    (kernel,) = kernels(lambda x, w: dot.dot_general(shape.transpose(x, (1, 0)), w, ((1,), (0,))), f32(4, 3), f32(4, 5),
                        target=target)
    assert [i.strides for i in kernel.stages[0].body if isinstance(i, Load)] == [(1, 0, 3), (0, 1, 5)]


def test_a_cheap_prologue_goes_into_a_product_only_where_recomputing_pays() -> None:
    def f(x: Any, w: Any) -> Any:
        return dot.dot_general(elementwise.max(x, 0.0), w, ((1,), (0,)))

    assert len(kernels(f, f32(3, 4), f32(4, 5), target=GPU)) == 1
    assert len(kernels(f, f32(3, 4), f32(4, 5), target=CPU)) == 2


@both_targets
def test_dear_work_is_not_multiplied(target: Target) -> None:
    """exp of 6 numbers, then a product with 4 x 6: the exp stays with the 6."""
    def f(x: Any, y: Any) -> Any:
        return elementwise.mul(y, bias(elementwise.exp(elementwise.sin(x)), y))

    assert len(kernels(f, f32(6), f32(4, 6), target=target)) == 2
    assert len(kernels(lambda x, w: dot.dot_general(elementwise.exp(x), w, ((1,), (0,))), f32(3, 4), f32(4, 5),
                       target=target)) == 2


def test_dear_work_may_be_padded_on_a_gpu() -> None:
    def f(x: Any, y: Any) -> Any:
        return shape.concatenate([elementwise.exp(x), elementwise.neg(y)], 0)

    assert len(kernels(f, f32(5), f32(3), target=GPU)) == 1
    assert len(kernels(f, f32(5), f32(3), target=CPU)) == 3


@both_targets
def test_an_intermediate_with_other_readers_is_one_more_output(target: Target) -> None:
    def f(x: Any, w: Any) -> list[Any]:
        h = elementwise.tanh(x)
        return [elementwise.mul(h, 2.0), dot.dot_general(h, w, ((1,), (0,))), h]

    first, second = kernels(f, f32(3, 4), f32(4, 5), target=target)
    assert len(first.outs) == 2 and second.dot is not None


@both_targets
def test_a_sum_stores_what_it_sums_for_others(target: Target) -> None:
    def f(x: Any) -> list[Any]:
        e = elementwise.exp(x)
        return [e, reduce.reduce_sum(e, (1,))]

    (kernel,) = kernels(f, f32(4, 6), target=target)
    assert len(kernel.outs) == 2 and kernel.stages[0].reductions and kernel.stages[0].stores


@both_targets
def test_two_kernels_whose_union_would_wait_for_itself(target: Target) -> None:
    """y and z share x, but z needs a product of y: y and z cannot be one kernel."""
    def f(x: Any, w: Any) -> Any:
        y = elementwise.exp(x)
        return elementwise.add(dot.dot_general(y, w, ((1,), (0,))), elementwise.mul(y, 2.0))

    made = kernels(f, f32(4, 4), f32(4, 4), target=target)
    assert len(made) == 2


def test_fusion_keeps_to_the_buffers_a_target_binds() -> None:
    def f(*xs: Any) -> Any:
        total = xs[0]
        for x in xs[1:]:
            total = elementwise.add(total, x)
        return total

    few = Target("few", max_buffers=4)
    made = kernels(f, *[f32(5)] * 9, target=few)
    assert max(len(k.args) + len(k.outs) for k in made) <= 4
    assert len(kernels(f, *[f32(5)] * 9)) == 1


@pytest.mark.parametrize("count", [8, 20])
def test_more_operands_than_a_target_binds(count: int) -> None:
    def f(*xs: Any) -> Any:
        return shape.concatenate(xs, 0)

    made = kernels(f, *[f32(k % 3 + 1, 2) for k in range(count)], target=GPU)
    assert len(made) > 1 and max(len(k.args) + len(k.outs) for k in made) <= GPU.max_buffers


def test_fusion_keeps_kernels_short() -> None:
    def f(x: Any) -> Any:
        for _ in range(400):
            x = elementwise.sin(elementwise.mul(x, 0.5))
        return x

    made = lower(f, f32(5)).program.kernels
    assert 3 < len(made) < 10 and max(len(s.body) for k in made for s in k.stages) <= 256


@both_targets
def test_shared_subexpressions_do_not_grow(target: Target) -> None:
    """Forty squarings share each step: as a tree that would be 2**40 loads."""
    def f(x: Any) -> Any:
        for _ in range(40):
            x = elementwise.mul(elementwise.add(x, x), 0.5)
        return x

    (kernel,) = kernels(f, f32(5), target=target)
    assert len(kernel.stages[0].body) < 100


@both_targets
@pytest.mark.parametrize("zero", [f32(0, 4), f32(3, 0)])
def test_zero_size_arrays(target: Target, zero: Any) -> None:
    def f(x: Any) -> list[Any]:
        return [elementwise.exp(x), reduce.reduce_sum(x, (1,)), reduce.reduce_sum(elementwise.neg(x), (0, 1))]

    for wanted, got in zip(*both(f, zero, target=target), strict=True):
        np.testing.assert_array_equal(got, wanted)
