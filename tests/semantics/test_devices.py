"""The third table of docs/semantics.md: one row, one test. A test's docstring begins with its row."""
from __future__ import annotations

import gc
import threading
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import random
from lantern.config import read_environment
from lantern.devices import default_device_and_reason
from lantern.errors import DeviceError, DonatedArrayError, EscapedTracerError, LanternError


def test_default_device() -> None:
    """default device: hardware or CPU; four ways to choose."""
    chosen, reason = default_device_and_reason()
    assert chosen.kind != "software" or "LANTERN_DEVICE" in reason
    with lantern.default_device("emulate"):
        assert str(jnp.ones((2,)).device) == "emulate:0"
    assert str(lantern.device_put(np.ones(2), "emulate").device) == "emulate:0"
    assert str(lantern.jit(lambda x: x + 1, device="emulate")(np.ones(2, np.float32)).device) == "emulate:0"
    lantern.config.update("device", "emulate")
    try:
        assert str(jnp.ones((2,)).device) == "emulate:0"
        lantern.config.update("device", "nonsense")
        with pytest.raises(DeviceError, match="no device is called 'nonsense'; there are cpu:0"):
            jnp.ones((2,))
    finally:
        lantern.config.update("device", "")


def test_commitment(device: str) -> None:
    """commitment: loose values follow the arrays; two devices are an error that names both."""
    x = jnp.ones((2,))
    other = lantern.device_put(np.ones(2, np.float32), "cpu" if device != "cpu" else "emulate")
    with lantern.default_device("cpu"):
        for y in (x + 1, x + np.ones(2, np.float32), lantern.jit(lambda x, n: x + n)(x, np.ones(2, np.float32))):
            assert y.device is x.device
    for f in (lambda: x + other, lambda: lantern.jit(jnp.add)(x, other)):
        with pytest.raises(DeviceError, match="two devices") as caught:
            f()
        assert str(x.device) in str(caught.value)
        assert str(other.device) in str(caught.value)


def test_donation(device: str) -> None:
    """donation: the array is gone, and the error says where to."""
    step = lantern.jit(lambda x: x + 1, donate_argnums=(0,))
    x = jnp.ones((2,)) * 1
    assert step(x).tolist() == [2, 2]
    with pytest.raises(DonatedArrayError, match="donated to"):
        x + 1
    both = lantern.jit(lambda x, y: x + y, donate_argnums=(0, 1))
    y = jnp.ones((2,)) * 1
    with pytest.raises(LanternError, match="donat"):
        both(y, y)


def draws() -> dict[str, np.ndarray[Any, Any]]:
    """Random arrays that all devices must agree on."""
    key = random.key(7)
    made: dict[str, Callable[[], Any]] = {
        "uniform": lambda: random.uniform(key, (1000,)),
        "randint": lambda: random.randint(key, (1000,), -5, 1000),
        "bernoulli": lambda: random.bernoulli(key, 0.3, (1000,)),
        "permutation": lambda: random.permutation(key, 257),
        "normal": lambda: random.normal(key, (1000,)),
    }
    return {name: np.asarray(make()) for name, make in made.items()}


def test_equal_bits(device: str) -> None:
    """equal bits: on one device always; of random numbers on all devices."""
    f = lantern.jit(lambda x: jnp.tanh(x @ x).sum())
    x = random.normal(random.key(1), (33, 33))
    assert np.asarray(f(x)).tobytes() == np.asarray(f(x)).tobytes()
    here = draws()
    with lantern.default_device("reference"):
        truth = draws()
    for name in ("uniform", "randint", "bernoulli", "permutation"):
        np.testing.assert_array_equal(here[name], truth[name], err_msg=name)
    np.testing.assert_array_max_ulp(here["normal"], truth["normal"], 4)


def test_threads() -> None:
    """threads: caches may be shared, tracers not."""
    f = lantern.jit(lambda x: jnp.tanh(x) * 2)
    results: list[Any] = []
    workers = [threading.Thread(target=lambda: results.append(f(np.ones(3, np.float32)).tolist())) for _ in range(8)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert results == [results[0]] * 8

    def leaks(x: Any) -> Any:
        def use() -> None:
            try:
                x + 1
            except EscapedTracerError as error:
                results.append(str(error))
        worker = threading.Thread(target=use)
        worker.start()
        worker.join()
        return x * 2

    lantern.grad(leaks)(1.0)
    assert "thread" in results[-1]


def test_caches() -> None:
    """caches: jit of a lambda in a loop does not grow; they can be emptied."""
    alive: list[weakref.ref[Any]] = []
    for i in range(10):
        def f(x: Any, i: int = i) -> Any:
            return x * i
        lantern.jit(f)(1.0)
        alive.append(weakref.ref(f))
        del f
    gc.collect()
    assert sum(r() is not None for r in alive) <= 1
    g = lantern.jit(lambda x: x * 3)
    g(1.0)
    lantern.clear_caches()
    assert float(g(2.0)) == 6


def test_configuration() -> None:
    """configuration: one table; unknown variables warn, wrong values raise."""
    with pytest.warns(UserWarning, match="LANTERN_DEVIEC is no setting"):
        read_environment({"LANTERN_DEVIEC": "gpu"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_environment({"LANTERN_DEVICE": "gpu", "HOME": "x"}).device == "gpu"
    with pytest.raises(ValueError, match="LANTERN_CHECK: wanted 0 or 1, got 'maybe'"):
        read_environment({"LANTERN_CHECK": "maybe"})
    with pytest.raises(ValueError, match="no setting 'nonsense'"):
        lantern.config.update("nonsense", 1)
