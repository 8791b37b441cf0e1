"""Indexed updates are those of NumPy, on every device, compiled, differentiated and batched."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lantern
from lantern import lax
from lantern import numpy as jnp
from lantern.errors import ArgumentError, ShapeError
from lantern.events import subscribe
from lantern.lower.kernel import Copy, Dispatch, Loop, Run, Scatter, Target
from lantern.lower.passes import lower_jaxpr

X = np.linspace(0.5, 2, 60, dtype=np.float32).reshape(3, 4, 5)
A = np.array
INDICES = [
    0, -1, (0, 1), (0, 1, 2), slice(1, None), slice(None, None, -1), (slice(None), slice(3, 0, -2)), ..., (..., 1),
    (None, 1), (0, ..., None, slice(1, 3)), (slice(2, 1),), (),
    A([0, 2, 0]), (A([0, 2]), A([1, 1])), (A([0, 2]), slice(None), A([1, 1])), (slice(None), A([[3, 1], [3, 0]])),
    (1, slice(1, 3), A([0, 4])), (A([1, 1]), slice(None, None, 2), None), (slice(None, None, -1), A([0, 1]), 0),
    A([], np.int32), X > 1, (X[:, :, 0] > 1,), (slice(None), np.array([True, False, True, False])), [0, 2],
]
UFUNCS: dict[str, np.ufunc] = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "min": np.minimum,
                               "max": np.maximum, "divide": np.divide, "power": np.power}


def names(value: object) -> str:
    return str(value).replace("\n", "")


def updated(x: Any, index: Any, name: str, value: Any) -> Any:
    """What NumPy makes of an update, with every duplicate counted."""
    out = x.copy()
    if name == "set":
        out[index] = value
    elif name in ("divide", "power"):
        whole = np.ones_like(x)
        np.multiply.at(whole, index, value)
        out = UFUNCS[name](x, whole)
    else:
        UFUNCS[name].at(out, index, value)
    return out


@pytest.mark.parametrize("name", ["set", *UFUNCS])
@pytest.mark.parametrize("index", INDICES, ids=names)
def test_updates_with_known_indices(index: Any, name: str) -> None:
    value = np.random.default_rng(0).uniform(0.5, 2, X[index].shape).astype(np.float32)
    want = updated(X, index, name, value)
    np.testing.assert_allclose(getattr(jnp.asarray(X).at[index], name)(value), want, rtol=1e-6)
    compiled = lantern.jit(lambda x, v: getattr(x.at[index], name)(v))
    np.testing.assert_allclose(compiled(X, value), want, rtol=1e-6)


@pytest.mark.parametrize("name", ["set", "add", "max"])
def test_updates_on_every_device(device: str, name: str) -> None:
    rows, columns = A([2, 0, 2, -1]), A([1, 1, 1, 3])
    value = np.arange(20, dtype=np.float32).reshape(4, 5)
    want = updated(X, (rows, columns), name, value)
    found = lantern.jit(lambda x, i, j, v: getattr(x.at[i, j], name)(v))(X, rows, columns, value)
    np.testing.assert_allclose(found, want, rtol=1e-6)
    moved = lantern.jit(lambda x, i, v: getattr(x.at[:, i, 1:4:2], name)(v))(X, np.int32(2), value[0, 0])
    np.testing.assert_allclose(moved, updated(X, (slice(None), 2, slice(1, 4, 2)), name, value[0, 0]), rtol=1e-6)
    np.testing.assert_allclose(getattr(jnp.asarray(X).at[1, ::-2], name)(3.0), updated(X, (1, slice(None, None, -2)),
                                                                                      name, 3), rtol=1e-6)


def test_the_last_of_repeated_updates_wins(device: str) -> None:
    r = np.random.default_rng(0)
    places, value = r.integers(0, 50, 3000).astype(np.int32), r.normal(size=3000).astype(np.float32)
    want = np.zeros(50, np.float32)
    want[places] = value
    np.testing.assert_array_equal(lantern.jit(lambda i, v: jnp.zeros(50).at[i].set(v))(places, value), want)


def test_modes_for_positions_out_of_range(device: str) -> None:
    x, i = jnp.arange(4), jnp.array([1, 4, -5, -1])
    for mode in (None, "drop", "fill", "promise_in_bounds"):
        assert x.at[i].set(9, mode=mode).tolist() == [0, 9, 2, 9]
    assert x.at[i].add(9, mode="clip").tolist() == [9, 10, 2, 21]
    assert x.at[i].add(9, mode="wrap").tolist() == [9, 10, 2, 21]
    assert x.at[i].get().tolist() == [1, 3, 0, 3]
    assert x.at[i].get(mode="clip").tolist() == [1, 3, 0, 3]
    assert x.at[i].get(mode="wrap").tolist() == [1, 0, 3, 3]
    assert x.at[i].get(mode="fill", fill_value=7).tolist() == [1, 7, 7, 3]
    assert x.at[i].get(mode="fill").tolist() == [1, -2**31, -2**31, 3]
    assert np.isnan(jnp.zeros(2).at[jnp.array(5)].get(mode="fill"))
    assert x.at[9].set(1, mode="drop").tolist() == [0, 1, 2, 3]
    assert x.at[9].set(7, mode="clip").tolist() == [0, 1, 2, 7]
    assert x.at[9].get(mode="wrap").item() == 1


def test_an_update_under_a_mask_needs_no_values() -> None:
    f = lantern.jit(lambda x: x.at[x > 1].set(0.0))
    np.testing.assert_array_equal(f(X), np.where(X > 1, 0, X))
    g = lantern.jit(lambda x, m: x.at[m].add(np.arange(5.0)))
    mask = np.array([True, False, True])
    np.testing.assert_allclose(g(X, np.repeat(mask[:, None], 4, 1)), X + mask[:, None, None] * np.arange(5), rtol=1e-6)
    with pytest.raises(TypeError, match=r"at\[...\].set: the shape of x\[mask\] depends .*test_at.py"):
        lantern.jit(lambda x, v: x.at[x > 1].set(v))(X, X[X > 1])


def test_apply_counts_repetitions() -> None:
    x = jnp.arange(1, 5, dtype=jnp.float32)
    assert x.at[np.array([0, 0, 2])].apply(lambda v: v * 2).tolist() == [4, 2, 6, 4]
    assert x.at[1:3].apply(jnp.negative).tolist() == [1, -2, -3, 4]
    f = lantern.jit(lambda x, i: x.at[i].apply(lambda v: v * 2))
    assert f(x, np.array([3, 3, 3, 0])).tolist() == [2, 2, 3, 32]


def test_other_dtypes() -> None:
    assert jnp.zeros(3, bool).at[jnp.array([1, 1])].set(True).tolist() == [False, True, False]
    assert jnp.zeros(3, bool).at[jnp.array([1, 1])].max(A([False, True])).tolist() == [False, True, False]
    assert jnp.arange(3).at[jnp.array([1, 1])].multiply(3).tolist() == [0, 9, 2]
    assert jnp.arange(3).at[1].divide(2).tolist() == [0, 0.5, 2]
    assert jnp.arange(3, dtype=jnp.uint32).at[jnp.array([2, 2])].min(A([1, 7], np.uint32)).tolist() == [0, 1, 1]
    assert jnp.zeros(3, jnp.float16).at[jnp.array([2, 2])].add(1).dtype == np.float16
    assert jnp.zeros(()).at[()].set(2).tolist() == 2


@pytest.mark.parametrize("name", ["set", "add", "multiply", "min", "max", "subtract", "divide"])
def test_gradients_with_repeated_positions(name: str) -> None:
    r = np.random.default_rng(1)
    x, v = [r.permutation(np.linspace(0.5, 2, n)) for n in (5, 6)]
    i = A([1, 1, 4, -1, 1, 0])

    def f(x: Any, v: Any) -> Any:
        return jnp.sum(getattr(jnp.asarray(x).at[jnp.asarray(i)], name)(v) ** 2)

    before = lantern.config.flags.enable_x64
    lantern.config.flags.enable_x64 = True
    try:
        for first in (0, 1):
            along = [r.normal(size=a.shape) for a in (x, v)]
            slope = lantern.grad(f, first)
            shifted = [[a + s * 1e-6 * d for a, d in zip((x, v), along, strict=True)] for s in (1, -1)]
            found = sum([np.sum(np.asarray(lantern.grad(f, k)(x, v)) * d) for k, d in enumerate(along)])
            want = (float(f(*shifted[0])) - float(f(*shifted[1]))) / 2e-6
            assert found == pytest.approx(want, rel=1e-6, abs=1e-6)
            second = lantern.jvp(slope, (x, v), tuple(along))[1]
            want_second = (np.asarray(slope(*shifted[0])) - np.asarray(slope(*shifted[1]))) / 2e-6
            np.testing.assert_allclose(second, want_second, rtol=1e-5, atol=1e-5)
    finally:
        lantern.config.flags.enable_x64 = before


def test_products_of_repeated_positions_with_zeros_have_the_right_derivative() -> None:
    slope = lantern.grad(lambda v: jnp.sum(jnp.ones(3).at[jnp.array([0, 0, 1, 1, 2])].multiply(v)))
    assert slope(A([0.0, 3.0, 0.0, 0.0, 5.0], np.float32)).tolist() == [3, 0, 0, 0, 1]


def test_vmap_over_indices_and_operands() -> None:
    xs, i = jnp.asarray(X[0]), A([[0, 1], [4, 4], [2, -1], [0, 3]])
    want = np.stack([updated(x, k, "add", np.float32(1)) for x, k in zip(X[0], i, strict=True)])
    np.testing.assert_allclose(lantern.vmap(lambda x, k: x.at[k].add(1.0))(xs, i), want)
    want = np.stack([updated(X[0, 0], k, "set", np.float32([1, 2])) for k in i])
    np.testing.assert_allclose(lantern.vmap(lambda k: xs[0].at[k].set(A([1.0, 2.0])))(i), want)
    rows = lantern.vmap(lambda x, k: x.at[k].set(7.0))(xs, A([0, 4, 2, 1]))
    np.testing.assert_allclose(rows, np.where(np.arange(5) == A([0, 4, 2, 1])[:, None], 7, X[0]))
    slopes = lantern.vmap(lantern.grad(lambda x, k: jnp.sum(x.at[k].multiply(x[k]))))(xs, i[:, 0])
    want = 1 + (np.arange(5) == i[:, :1]) * (2 * X[0] - 1)
    np.testing.assert_allclose(slopes, want, rtol=1e-6)


def test_wrong_updates() -> None:
    x = jnp.asarray(X)
    with pytest.raises(IndexError, match=r"at\[...\].set: index 3 is out of range for axis 0 of f32\[3,4,5\]"):
        x.at[3].set(0)
    with pytest.raises(IndexError, match=r"at\[...\].add: index 9 is out of range .*, at test_at"):
        x.at[np.array([0, 9])].add(0)
    with pytest.raises(IndexError, match=r"at\[...\].set: too many indices"):
        x.at[0, 0, 0, 0].set(0)
    with pytest.raises(TypeError, match=r"at\[...\].set: wanted integers, slices, .* got 1.5"):
        x.at[1.5].set(0)
    with pytest.raises(TypeError, match=r"at\[...\].set: positions must be integers, got float32"):
        x.at[jnp.array([1.0])].set(0)
    with pytest.raises(ShapeError, match=r"at\[...\].set: a value of f32\[3\] does not broadcast to the shape "
                                         r"\(4, 5\) that is written in f32\[3,4,5\], at test_at"):
        x.at[0].set(np.zeros(3))
    with pytest.raises(ShapeError, match=r"a value of f32\[2\] does not broadcast to the shape \(3, 4, 5\)"):
        x.at[jnp.array([0, 1, 2])].add(np.zeros(2))
    with pytest.raises(TypeError, match=r"at\[...\].set: a value of f32.\[\] does not fit into i32\[3\].* f32"):
        jnp.arange(3).at[0].set(1.5)
    with pytest.raises(ArgumentError, match=r"at\[...\].set: wanted a mode of None, 'clip', .* got 'raise'"):
        x.at[0].set(0, mode="raise")


def test_misuses_name_the_cure() -> None:
    x = jnp.asarray(X)
    with pytest.raises(TypeError, match=r"x\[i\] = v does not work, at test_at.py.*x.at\[i\].set\(v\)"):
        x[0] = 1
    with pytest.raises(TypeError, match=r"x.at\[i\] = v: f32\[3,4,5\] is immutable.*y = x.at\[i\].set\(v\)"):
        x.at[0] = 1
    for wrong in (lambda: x.at[0] + 1, lambda: jnp.sin(x.at[0]), lambda: float(x.at[0]), lambda: np.asarray(x.at[0])):
        with pytest.raises(TypeError, match=r"x.at\[i\] of f32\[3,4,5\] is no array.*x.at\[i\].set\(v\)"):
            wrong()


def test_put_along_axis() -> None:
    order, value = np.argsort(-X, 1)[:, :2], np.ones((3, 2, 1), np.float32)
    want = X.copy()
    np.put_along_axis(want, order, value, 1)
    np.testing.assert_array_equal(jnp.put_along_axis(X, order, value, 1), want)
    np.testing.assert_array_equal(lantern.jit(lambda x, i, v: jnp.put_along_axis(x, i, v, 1))(X, order, value), want)
    assert jnp.put_along_axis(np.zeros((2, 2)), A([3, 0]), A([1, 2]), None).tolist() == [[2, 0], [0, 1]]
    with pytest.raises(ShapeError, match="put_along_axis: array and indices must have one rank"):
        jnp.put_along_axis(X, A([0]), 1, 0)
    with pytest.raises(ShapeError, match=r"put_along_axis: indices of shape \(3, 1, 2\) do not fit f32\[3,4,5\]"):
        jnp.put_along_axis(X, np.zeros((3, 1, 2), np.int32), 1, 1)
    with pytest.raises(ShapeError, match=r"put_along_axis: a value of f32\[7\] does not broadcast"):
        jnp.put_along_axis(X, order, np.zeros(7), 1)
    with pytest.raises(ArgumentError, match="inplace must be False"):
        jnp.put_along_axis(X, order, value, 1, inplace=True)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_random_updates(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    index: list[Any] = []
    for size in shape[:data.draw(st.integers(0, len(shape)))]:
        bound = st.one_of(st.none(), st.integers(-size - 1, size + 1))
        index.append(data.draw(st.one_of(
            st.integers(-size, size - 1),
            st.builds(slice, bound, bound, st.sampled_from([None, 1, 2, -1, -2])),
            st.lists(st.integers(-size, size - 1), min_size=2, max_size=2).map(np.array))))
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    chosen = tuple(index)
    value = np.arange(x[chosen].size, dtype=np.float32).reshape(x[chosen].shape) + 1
    traced = tuple([jnp.asarray(i) if isinstance(i, np.ndarray) else i for i in chosen])
    for name in ("set", "add", "min"):
        want = updated(x, chosen, name, value)
        np.testing.assert_array_equal(getattr(jnp.asarray(x).at[traced], name)(value), want)
        np.testing.assert_array_equal(getattr(jnp.asarray(x).at[chosen], name)(value), want)


def _steps(program: Any) -> list[Any]:
    found: list[Any] = []
    for step in program.steps:
        found.append(step)
        if isinstance(step, Run) and isinstance(step.region, Loop):
            found += _steps(step.region.body)
    return found


@pytest.mark.parametrize("update", [
    lambda x, i: x.at[i].set(1.0), lambda x, i: x.at[i].add(1.0), lambda x, i: x.at[:, i].multiply(2.0),
    lambda x, i: x.at[i, 3:9].set(jnp.arange(6.0)), lambda x, i: lax.dynamic_update_slice(x, jnp.ones((2, 5)), (i, 0)),
    lambda x, i: x.at[i].set(x[i] + 1.0), lambda x, i: x.at[i].set(jnp.cos(x[i + 1]))])
def test_a_loop_writes_only_what_it_updates(update: Any) -> None:
    """The carry of a scan is updated where it lies: no step copies it, and no kernel has as many points as it."""
    def f(x: Any) -> Any:
        return lax.fori_loop(0, 100, lambda i, x: update(x, i % 50), x)

    x = np.zeros((100, 100), np.float32)
    program = lower_jaxpr(lantern.make_jaxpr(f)(x), Target("numpy")).program
    body = next(s.region.body for s in program.steps if isinstance(s, Run))
    steps = _steps(body)
    assert not [s for s in steps if isinstance(s, Copy)]
    written = [np.prod(stage.cols) for s in steps if isinstance(s, Dispatch) for stage in s.kernel.stages
               if any(isinstance(store, Scatter) for store in stage.stores)]
    assert written and sum(written) <= 100
    want = np.zeros((100, 100), np.float32)
    for i in range(100):
        want = np.asarray(update(jnp.asarray(want), i % 50))
    np.testing.assert_array_equal(lantern.jit(f)(x), want)


def test_eager_updates_at_all_positions_are_one_program() -> None:
    def updated_at(k: int, x: Any) -> Any:
        return x.at[k].set(float(k)).at[k, 2 * k].add(1.0)

    x = updated_at(0, jnp.zeros((7, 13)))
    passes: list[Any] = []
    end = subscribe(lambda event: passes.append(event) if event.kind == "lower.pass" else None)
    try:
        for k in range(1, 7):
            x = updated_at(k, x)
    finally:
        end()
    assert not passes
    want = np.repeat(np.arange(7.0)[:, None], 13, 1)
    want[np.arange(7), 2 * np.arange(7)] += 1
    np.testing.assert_array_equal(x, want)
