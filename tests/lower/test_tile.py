"""Index algebra against brute force."""
from __future__ import annotations

import itertools

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lantern.backends.emulate import run_kernel
from lantern.dtypes import F32
from lantern.lower.expr import Body, Const, Guard, Load, row_major
from lantern.lower.kernel import Kernel, Stage, Store
from lantern.lower.tile import Affine, decompose, find_split, substitute
from lantern.trace.aval import shaped

sizes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


@settings(max_examples=200, deadline=None)
@given(sizes, st.data())
def test_coordinates_name_the_element(shape: tuple[int, ...], data: st.DataObject) -> None:
    loop = data.draw(sizes)
    coefs = tuple([data.draw(st.integers(-6, 12)) for _ in loop])
    place = Affine(data.draw(st.integers(0, 8)), coefs)
    strides = row_major(shape)
    found = decompose(place, loop, shape, strides)
    assume(found is not None)
    assert found is not None
    for point in itertools.product(*map(range, loop)):
        at = [a.offset + sum(c * p for c, p in zip(a.coefs, point, strict=True)) for a in found]
        assert all(0 <= q < n for q, n in zip(at, shape, strict=True))
        flat = place.offset + sum(c * p for c, p in zip(coefs, point, strict=True))
        assert flat == sum(s * q for s, q in zip(strides, at, strict=True))


def test_a_flat_loop_is_cut_at_the_rows_it_crosses() -> None:
    assert find_split(Affine(0, (1,)), (24,), (2, 3, 4), (12, 4, 1)) == (0, 4)
    assert find_split(Affine(0, (4, 1)), (6, 4), (2, 3, 4), (12, 4, 1)) == (0, 3)
    assert find_split(Affine(0, (1,)), (10,), (3, 4), (4, 1)) is None


def _values(load: Load, size: tuple[int, ...], x: np.ndarray) -> np.ndarray:
    body = Body(len(size))
    store = Store(0, body.add(load), 0, row_major(size))
    out = shaped(size, F32)
    return run_kernel(Kernel((shaped(x.shape, F32),), (out,), (), (Stage(size, body.done(), stores=(store,)),)), [x])[0]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_guarded_load_seen_through_a_strided_and_guarded_map(data: st.DataObject) -> None:
    """One axis: pad a vector (start, step), then read the padded one with any step, direction and pad."""
    n = data.draw(st.integers(1, 5))
    x = np.arange(1, n + 1, dtype=np.float32)
    start, step, after = data.draw(st.integers(-2, 3)), data.draw(st.integers(1, 3)), data.draw(st.integers(0, 2))
    padded_size = max(1, start + (n - 1) * step + 1 + after)
    fill = Const.of(-1.0, F32)
    inner = Load(0, 0, (1,), (Guard(0, start, start + (n - 1) * step + 1, step),), fill)
    padded = _values(inner, (padded_size,), x)

    c = data.draw(st.sampled_from([-2, -1, 0, 1, 2, 3]))
    count = data.draw(st.integers(1, 4))
    offset = data.draw(st.integers(0, padded_size - 1))
    assume(0 <= offset + c * (count - 1) < padded_size)
    axis = Affine(offset, (c,))
    if data.draw(st.booleans()):
        under = (Guard(0, data.draw(st.integers(0, 2)), 99, data.draw(st.integers(1, 2))),)
        stop = under[0].start + (count - 1) * under[0].step + 1
        under = (Guard(0, under[0].start, stop, under[0].step),)
        size = stop + data.draw(st.integers(0, 2))
    else:
        under, size = (), count
    seen = substitute(inner, [axis], (size,), under)
    assume(seen is not None)
    assert seen is not None
    found = np.full(size, -1.0, np.float32) if isinstance(seen, Const) else _values(seen, (size,), x)
    for i in range(size):
        guard = under[0] if under else Guard(0, 0, size)
        if guard.start <= i < guard.stop and (i - guard.start) % guard.step == 0:
            assert found[i] == padded[offset + c * ((i - guard.start) // guard.step)]
