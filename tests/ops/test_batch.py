"""vmap equals a loop, for every choice of mapped operands."""
from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from lantern.api import grad, vmap
from tests.ops.laws import assert_equal, bind_arrays, differentiable, every_case, is_array, is_floating
from tests.ops.test_compositions import total
from tests.optable.table import Case, Row

SIZE = 3


def drawn(row: Row, case: Case, wanted: Any = is_array) -> tuple[Any, list[list[Any]]]:
    """The function of the case's arrays, and several draws of them."""
    f, _ = bind_arrays(row, case, case.draw(), wanted)
    return f, [[x for x in case.draw(seed) if wanted(x)] for seed in range(SIZE)]


def looped(f: Any, draws: list[list[Any]], mapped: tuple[bool, ...]) -> Any:
    """f for each element: its own draw where mapped, else the first."""
    outs = [f(*[draw[k] if m else draws[0][k] for k, m in enumerate(mapped)]) for draw in draws]
    return np.stack([np.asarray(out) for out in outs])


@every_case(lambda row, case: any(is_array(x) for x in case.draw()))
def test_vmap_equals_a_loop(row: Row, case: Case) -> None:
    f, draws = drawn(row, case)
    count = len(draws[0])
    patterns = [p for p in itertools.product([True, False],
                                             repeat=count) if any(p)] if count <= 3 else [(True,) * count]
    for mapped in patterns:
        want = looped(f, draws, mapped)
        for axis in (0, -1):
            args = [np.stack([d[k] for d in draws], axis) if m else draws[0][k] for k, m in enumerate(mapped)]
            got = vmap(f, tuple([axis if m else None for m in mapped]), axis)(*args)
            assert_equal(np.moveaxis(np.asarray(got), axis, 0), want, row.tolerance, row.absolute)


@every_case(lambda row, case: any(is_array(x) for x in case.draw()))
def test_vmap_over_no_elements(row: Row, case: Case) -> None:
    f, draws = drawn(row, case)
    want = np.asarray(f(*draws[0]))
    got = np.asarray(vmap(f)(*[np.zeros((0, *x.shape), x.dtype) for x in draws[0]]))
    assert (got.shape, got.dtype) == ((0, *want.shape), want.dtype)


@every_case(differentiable)
def test_vmap_of_grad_equals_a_loop(row: Row, case: Case) -> None:
    f, draws = drawn(row, case, is_floating)
    weights = np.full_like(np.asarray(f(*draws[0])), 0.7)
    places = tuple(range(len(draws[0])))
    slopes = grad(lambda *xs: total(f(*xs), weights), places)
    got = vmap(slopes)(*[np.stack([d[k] for d in draws]) for k in places])
    for k, g in enumerate(got):
        want = np.stack([np.asarray(slopes(*draw)[k]) for draw in draws])
        assert_equal(g, want, 4 * row.tolerance, max(row.absolute, 1e-6))


@every_case(lambda row, case: sum(map(is_array, case.draw())) == 2)
def test_nested_vmap_over_one_operand_each(row: Row, case: Case) -> None:
    f, draws = drawn(row, case)
    xs, ys = np.stack([d[0] for d in draws]), np.stack([d[1] for d in draws])
    want = np.stack([np.stack([np.asarray(f(x, y)) for x in xs]) for y in ys])
    assert_equal(vmap(vmap(f, (0, None)), (None, 0))(xs, ys), want, row.tolerance, row.absolute)
    want = np.stack([np.stack([np.asarray(f(x, y)) for y in ys]) for x in xs])
    repeated = np.stack([np.stack([x] * SIZE) for x in xs])
    assert_equal(vmap(vmap(f), (0, None))(repeated, ys), want, row.tolerance, row.absolute)
