"""Random programs: the fused program equals the unfused one bit for bit, and the `impl` rules within rounding."""
from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lantern.backends.emulate import run_program
from lantern.lower.build import build
from lantern.lower.passes import InnerLowering, lower_jaxpr
from lantern.lower.schedule import schedule
from lantern.lower.simplify import simplify
from lantern.lower.verify import check_graph, check_program
from lantern.ops import compare, dot, elementwise, index, reduce, shape
from lantern.ops.broadcast import broadcast_in_dim
from lantern.trace.context import typeof
from lantern.transforms.jit import run_impl
from tests.lower.helpers import CPU, GPU, checked, f32, i32, sample, trace

SIZES = [1, 2, 3, 4, 6]


def _binary(draw: random.Random, pool: list[Any], x: Any) -> Any:
    """Beside a value of the same shape, a literal, or another value broadcast to fit."""
    others = [y for y in pool if typeof(y).shape == typeof(x).shape]
    lower = [y for y in pool if typeof(y).ndim < typeof(x).ndim and _fits(typeof(y).shape, typeof(x).shape)]
    y = draw.choice([*others, *lower, 0.5, -2.0])
    if y is not x and not isinstance(y, float) and typeof(y).shape != typeof(x).shape:
        y = broadcast_in_dim(y, typeof(x).shape, _fits(typeof(y).shape, typeof(x).shape))
    op = draw.choice([elementwise.add, elementwise.sub, elementwise.mul, elementwise.max])
    return op(x, y)


def _fits(small: tuple[int, ...], large: tuple[int, ...]) -> tuple[int, ...]:
    """Increasing axes of `large` with the sizes of `small`; empty if there are none."""
    dims: list[int] = []
    for n in small:
        start = dims[-1] + 1 if dims else 0
        found = next((k for k in range(start, len(large)) if large[k] == n), None)
        if found is None:
            return ()
        dims.append(found)
    return tuple(dims)


def _unary(draw: random.Random, pool: list[Any], x: Any) -> Any:
    return draw.choice([elementwise.neg, elementwise.tanh, elementwise.abs, elementwise.sin])(x)


def _select(draw: random.Random, pool: list[Any], x: Any) -> Any:
    return elementwise.select(compare.gt(x, 0.0), x, elementwise.mul(x, 0.1))


def _transpose(draw: random.Random, pool: list[Any], x: Any) -> Any:
    return shape.transpose(x, draw.sample(range(typeof(x).ndim), typeof(x).ndim))


def _reshape(draw: random.Random, pool: list[Any], x: Any) -> Any:
    sizes = list(typeof(x).shape)
    if len(sizes) > 1 and draw.random() < 0.5:
        k = draw.randint(0, len(sizes) - 2)
        sizes[k:k + 2] = [sizes[k] * sizes[k + 1]]
    elif sizes:
        k = draw.randint(0, len(sizes) - 1)
        divisor = draw.choice([d for d in range(1, sizes[k] + 1) if sizes[k] % d == 0])
        sizes[k:k + 1] = [sizes[k] // divisor, divisor]
    return shape.reshape(x, tuple(sizes))


def _slice(draw: random.Random, pool: list[Any], x: Any) -> Any:
    start = [draw.randint(0, n - 1) for n in typeof(x).shape]
    limit = [draw.randint(a + 1, n) for a, n in zip(start, typeof(x).shape, strict=True)]
    strides = [draw.randint(1, 2) for _ in start]
    return shape.slice(x, start, limit, strides)


def _pad(draw: random.Random, pool: list[Any], x: Any) -> Any:
    config = [(draw.randint(-1, 2), draw.randint(0, 2), draw.randint(0, 1)) for _ in typeof(x).shape]
    sizes = [n + low + high + inner * (n - 1) for n, (low, high, inner) in zip(typeof(x).shape, config, strict=True)]
    return shape.pad(x, draw.choice([0.0, 1.5]), config) if all(n > 0 for n in sizes) else x


def _reverse(draw: random.Random, pool: list[Any], x: Any) -> Any:
    return shape.rev(x, [k for k in range(typeof(x).ndim) if draw.random() < 0.5])


def _concatenate(draw: random.Random, pool: list[Any], x: Any) -> Any:
    return shape.concatenate([x, elementwise.neg(x)], draw.randint(0, typeof(x).ndim - 1)) if typeof(x).ndim else x


def _reduce(draw: random.Random, pool: list[Any], x: Any) -> Any:
    axes = [k for k in range(typeof(x).ndim) if draw.random() < 0.5]
    return draw.choice([reduce.reduce_sum, reduce.reduce_max])(x, tuple(axes)) if axes else x


def _normalise(draw: random.Random, pool: list[Any], x: Any) -> Any:
    """What softmax and layernorm are made of: a reduction, broadcast back."""
    if not typeof(x).ndim:
        return x
    axis = draw.randint(0, typeof(x).ndim - 1)
    kept = tuple([k for k in range(typeof(x).ndim) if k != axis])
    found = draw.choice([reduce.reduce_sum, reduce.reduce_max])(x, (axis,))
    return elementwise.sub(x, broadcast_in_dim(found, typeof(x).shape, kept))


def _product(draw: random.Random, pool: list[Any], x: Any) -> Any:
    if typeof(x).ndim != 2:
        return x
    others = [y for y in pool if typeof(y).ndim == 2 and typeof(y).shape[0] == typeof(x).shape[1]]
    return dot.dot_general(x, draw.choice(others), ((1,), (0,))) if others else x


def _take(draw: random.Random, pool: list[Any], x: Any) -> Any:
    return x


STEPS = [_binary, _binary, _unary, _unary, _select, _transpose, _reshape, _slice, _pad, _reverse, _concatenate, _reduce,
         _normalise, _normalise, _product, _take]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_fused_equals_unfused(seed: int) -> None:
    draw = random.Random(seed)      # drawing every choice from hypothesis makes programs of two equations
    sizes = [tuple(draw.choices(SIZES, k=draw.randint(0, 3))) for _ in range(draw.randint(1, 3))]

    def program(*args: Any) -> list[Any]:
        pool = list(args[:-1])
        for _ in range(draw.randint(2, 14)):
            x = draw.choice(pool[-4:])
            step = draw.choice(STEPS)
            y = index.take(x, args[-1], 0) if step is _take and typeof(x).ndim else step(draw, pool, x)
            if math.prod(typeof(y).shape) <= 4096:
                pool.append(y)
        return pool[-draw.randint(1, 3):]

    avals = [*[f32(*s) for s in sizes], i32(3)]
    jaxpr = trace(program, *avals)
    args = [sample(a, k) for k, a in enumerate(avals)]
    graph = build(simplify(jaxpr), CPU, InnerLowering(CPU))
    check_graph(graph)
    plain = schedule(graph)
    check_program(plain)
    unfused = run_program(plain, args)
    with np.errstate(all="ignore"):
        wanted = run_impl(jaxpr, args)
    for target in (CPU, GPU):
        fused = run_program(checked(lambda target=target: lower_jaxpr(jaxpr, target)).program, args)
        for a, b, c in zip(wanted, unfused, fused, strict=True):
            np.testing.assert_array_equal(c, b)
            np.testing.assert_allclose(c, a, rtol=1e-4, atol=1e-4)
