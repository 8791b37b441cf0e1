"""jit: caches, static and donated arguments, closures, methods, devices, stages, reasons for compiling again."""
from __future__ import annotations

import gc
import pickle
import weakref
from functools import partial
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.errors import ArgumentError, DeviceError, DonatedArrayError, UnknownValueError


def test_compiles_once_for_each_kind_of_arguments() -> None:
    traces: list[int] = []

    @lantern.jit
    def f(x: Any) -> Any:
        traces.append(1)
        return x * 2.0

    assert f(jnp.ones(3)).tolist() == [2.0, 2.0, 2.0]
    f(jnp.zeros(3))
    f(np.zeros(3, np.float32))
    assert (len(traces), f.n_compiles) == (1, 1)
    f(jnp.ones(4))
    f(jnp.ones(3, dtype=jnp.int32))
    assert (len(traces), f.n_compiles) == (3, 3)
    f(1.0)      # a Python scalar is weak, an array of rank 0 is not
    f(2.0)
    f(jnp.asarray(1.0, dtype=jnp.float32))
    assert f.n_compiles == 5


def test_static_arguments_by_name_position_type_and_bits() -> None:
    @lantern.jit(static_argnames="n")
    def power(x: Any, n: int) -> Any:
        return x if n == 1 else x * x

    assert float(power(3.0, n=2)) == 9.0
    assert float(power(3.0, 1)) == 3.0
    assert power.n_compiles == 2

    pick = lantern.jit(lambda flag, x: x + 1.0 if flag else x, static_argnums=0)
    assert float(pick(True, 1.0)) == 2.0
    assert float(pick(False, 1.0)) == 1.0

    sign = lantern.jit(lambda x, s: x + (1.0 if np.signbit(s) else 0.0), static_argnames=("s",))
    assert float(sign(1.0, 0.0)) == 1.0
    assert float(sign(1.0, -0.0)) == 2.0        # equal, but not the same bits
    kind = lantern.jit(lambda x, s: x * (2.0 if isinstance(s, bool) else 3.0), static_argnames=("s",))
    assert [float(kind(1.0, True)), float(kind(1.0, 1))] == [2.0, 3.0]


def test_static_arguments_that_cannot_be() -> None:
    f = lantern.jit(lambda x, shape: jnp.broadcast_to(x, shape), static_argnames=("shape",))
    message = r"static argument `shape` must be hashable, got \[2, 3\] of type list.*tuple"
    with pytest.raises(ArgumentError, match=message):
        f(1.0, [2, 3])
    with pytest.raises(ArgumentError, match="static_argnames names 'y'; the parameters are x"):
        lantern.jit(lambda x: x, static_argnames="y")
    with pytest.raises(ArgumentError, match="static_argnums=3"):
        lantern.jit(lambda x: x, static_argnums=3)


def test_closures_methods_and_keyword_arguments() -> None:
    scale = jnp.asarray([1.0, 2.0])

    class Model:
        def __init__(self) -> None:
            self.w = jnp.asarray([3.0, 4.0])

        @lantern.jit
        def apply(self: Any, x: Any) -> Any:
            return x * scale

    lantern.tree.register_node(Model, lambda m: ((m.w,), None), lambda _, xs: Model())
    assert Model().apply(jnp.ones(2)).tolist() == [1.0, 2.0]
    assert lantern.jit(lambda x, *, k: x * k)(2.0, k=3.0).item() == 6.0

    def total(*xs: Any, **named: Any) -> Any:
        return sum(xs) + named["a"]

    assert lantern.jit(total)(1.0, 2.0, a=3.0).item() == 6.0
    ones: Any = lantern.jit(lambda: jnp.ones(2))()
    assert ones.tolist() == [1.0, 1.0]


def test_results_may_be_inputs_constants_and_trees() -> None:
    f = lantern.jit(lambda x: {"same": x, "two": 2.0, "none": None, "list": [x + 1.0, x]})
    out: Any = f(jnp.ones(2))
    assert out["same"].tolist() == [1.0, 1.0]
    assert out["two"].item() == 2.0
    assert out["none"] is None
    assert out["list"][0].tolist() == [2.0, 2.0]

    def g(x: Any) -> Any:
        return "text"

    with pytest.raises(TypeError, match=r"jit\(g\): the function must return arrays, got 'text' of type str"):
        lantern.jit(g)(1.0)


def test_nested_jit_and_tracing_inside_others() -> None:
    inner = lantern.jit(lambda x: jnp.sin(x) * 2.0)
    outer = lantern.jit(lambda x: inner(x) + inner(x * 2.0))
    x = 0.3
    np.testing.assert_allclose(float(outer(x)), 2 * np.sin(x) + 2 * np.sin(2 * x), rtol=1e-6)
    assert inner.n_compiles == 1
    text = str(lantern.make_jaxpr(outer)(x))
    assert text.count("jit[") == 3


def test_donation() -> None:
    step = lantern.jit(lambda w, g: w - g, donate_argnums=0)
    w: Any = jnp.ones(3)
    g: Any = jnp.ones(3)
    out = step(w, g)
    assert out.tolist() == [0.0, 0.0, 0.0]
    assert w.is_deleted() and not g.is_deleted()
    for use in (lambda: w + 1.0, lambda: float(w[0]), lambda: step(w, g), lambda: np.asarray(w)):
        with pytest.raises(DonatedArrayError, match=r"donated to jit\(<lambda>\)"):
            use()
    assert "donated" in repr(w)
    with pytest.raises(DonatedArrayError, match="second time"):
        step(g, g)
    assert g.tolist() == [1.0, 1.0, 1.0]
    assert step(np.ones(3, np.float32), g).tolist() == [0.0, 0.0, 0.0]


def test_donation_by_position_only() -> None:
    with pytest.raises(ArgumentError, match=r"jit\(<lambda>\): donate_argnums=2 is out of range .* x, y"):
        lantern.jit(lambda x, y: x + y, donate_argnums=2)
    step = lantern.jit(lambda x, y: x + y, donate_argnums=(1, 0))
    x: Any = jnp.ones(3)
    y: Any = jnp.ones(3)
    assert step(x, y=y).tolist() == [2.0, 2.0, 2.0]
    assert x.is_deleted() and not y.is_deleted()
    many = lantern.jit(lambda *xs: xs[0] + xs[1], donate_argnums=1)
    assert many(jnp.ones(3), y).tolist() == [2.0, 2.0, 2.0]
    assert y.is_deleted()


def test_donating_what_others_hold() -> None:
    """A captured array, and a number whose memory eager code uses again and again."""
    scale: Any = jnp.ones(3)
    scaled = lantern.jit(lambda x: x * scale)
    assert scaled(jnp.ones(3)).tolist() == [1.0, 1.0, 1.0]
    step = lantern.jit(lambda x: x + 1.0, donate_argnums=0)
    step(scale)
    for call in (lambda: scaled(jnp.ones(3)), lambda: scaled(x=jnp.ones(3))):
        with pytest.raises(DonatedArrayError, match=r"f32\[3\] was donated to jit\(<lambda>\)"):
            call()
    for device in ("cpu", *(["gpu"] if lantern.devices("gpu") else [])):
        with lantern.default_device(device):
            for number in (jnp.zeros(()), jnp.asarray(0.0), jnp.full((), 0.0, jnp.float32)):
                assert float(step(number)) == 1.0
            assert float(jnp.maximum(jnp.asarray(-1.0), 0.0)) == 0.0
            assert jnp.zeros(2).tolist() == [0.0, 0.0]


def test_devices_meet_only_on_purpose() -> None:
    here = lantern.device_put(np.ones(2, np.float32), "cpu")
    there = lantern.device_put(np.ones(2, np.float32), "reference")
    with pytest.raises(DeviceError, match=r"two devices, cpu:0 .* and reference:0"):
        _ = here + there
    with pytest.raises(DeviceError, match=r"jit\(<lambda>\).*cpu:0.*reference:0"):
        lantern.jit(lambda x, y: x + y)(here, there)
    on_reference = lantern.jit(lambda x: x + 1.0, device="reference")
    assert str(on_reference(np.ones(2, np.float32)).device) == "reference:0"
    with pytest.raises(DeviceError, match=r"reference:0.*cpu:0"):
        on_reference(here)
    with lantern.default_device("reference"):
        ones: Any = jnp.ones(2)
        assert str(ones.device) == "reference:0"
    with pytest.raises(DeviceError, match=r"no device is called 'nonsense'; there are cpu:0"):
        lantern.jit(lambda x: x, device="nonsense")


def test_stages() -> None:
    def layer(x: Any, w: Any) -> Any:
        return jnp.tanh(x @ w)

    f = lantern.jit(layer, device="cpu")
    traced = f.trace(jnp.ones((2, 3)), jnp.ones((3, 4)))
    assert [str(a) for a in traced.out_avals] == ["f32[2,4]"]
    assert "tanh" in str(traced.jaxpr) and "test_jit.py" in str(traced.jaxpr)
    lowered = traced.lower()
    assert len(lowered.kernels) == 1
    assert "tanh" in lowered.stage("fused")
    with pytest.raises(KeyError, match="there are"):
        lowered.stage("nonsense")
    with pytest.raises(DeviceError, match="wgsl"):
        lowered.wgsl()
    compiled: Any = lowered.compile()
    out = compiled(jnp.ones((2, 3)), jnp.ones((3, 4)))
    np.testing.assert_allclose(np.asarray(out), np.tanh(np.full((2, 4), 3.0)), rtol=1e-6)


def test_explain_recompiles(capsys: pytest.CaptureFixture[str]) -> None:
    f = lantern.jit(lambda x, n: x * n, static_argnames="n")
    f(jnp.ones(2), n=1)
    f(jnp.ones(3), n=1)
    f(jnp.ones(3), n=2)
    text = lantern.explain_recompiles()
    assert "argument `x` was f32[2] and is f32[3]" in text
    assert "static argument `n` was 1 and is 2" in text
    assert capsys.readouterr().out.strip() == text


def test_functions_and_their_constants_are_not_kept_alive() -> None:
    def make() -> tuple[Any, Any]:
        big = jnp.ones(1000)
        f = lantern.jit(lambda x: x + big)
        f(jnp.zeros(1000))
        return weakref.ref(big), weakref.ref(f)

    array, function = make()
    gc.collect()
    assert array() is None and function() is None


def test_arrays_and_keys_pickle_and_functions_say_why_not() -> None:
    x: Any = jnp.asarray([1.0, 2.0], dtype=jnp.bfloat16)
    again = pickle.loads(pickle.dumps(x))
    assert again.dtype == x.dtype and again.tolist() == x.tolist() and again.device is x.device
    key: Any = lantern.random.key(1)
    again = pickle.loads(pickle.dumps(key))
    assert again.dtype is key.dtype and bool(again == key)
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(lantern.jit(lambda x: x))


def test_clear_caches() -> None:
    f = lantern.jit(lambda x: x * 3.0)
    assert float(f(2.0)) == 6.0
    lantern.clear_caches()
    assert float(f(2.0)) == 6.0
    assert f.n_compiles == 2


def test_defaults_beside_static_arguments_stay_pythons() -> None:
    """Only what is given is traced: a flag that is left at its default may decide a branch."""
    @partial(lantern.jit, static_argnums=(1,))
    def f(x: Any, times: int, flip: bool = False, *, scale: Any = 2.0) -> Any:
        return (-x if flip else x) * times * scale

    x = jnp.ones(2)
    assert f(x, 3).tolist() == [6.0, 6.0]
    assert f(x, times=3, scale=jnp.array(1.0)).tolist() == [3.0, 3.0]
    with pytest.raises(UnknownValueError, match="flip"):
        f(x, 3, True)
    assert lantern.jit(f.f, static_argnames=("times", "flip"))(x, 3).tolist() == [6.0, 6.0]
    jitted = lantern.jit(lax.dynamic_update_index_in_dim, static_argnums=3)
    assert jitted(jnp.zeros((2, 2)), jnp.ones(2), 1, 0).tolist() == [[0.0, 0.0], [1.0, 1.0]]
