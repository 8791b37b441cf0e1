"""The last table of docs/semantics.md: one row, one test. A test's docstring begins with its row."""
from __future__ import annotations

import gc
import os
import signal
import threading
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import export, random
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
    x = lantern.device_put(jnp.ones((2,)), device)
    other = lantern.device_put(np.ones(2, np.float32), "cpu" if device != "cpu" else "emulate")
    with lantern.default_device("cpu"):
        loose = jnp.ones(2)
        for z in (np.ones(2, np.float32), loose, loose * 2, lantern.jit(jnp.exp)(loose), jnp.arange(2)):
            for y in (x + 1, x + z, z + x, lantern.jit(lambda x, n: x + n)(x, z), lantern.jit(lambda x, z=z: x + z)(x),
                      x - lantern.grad(lambda x, z=z: (x * z).sum())(x)):
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


def test_exported_functions(device: str) -> None:
    """exported functions: without tracing, on any device; a rule that stayed behind is missed loudly."""
    calls = []

    @lantern.custom_jvp
    def tripled(x: Any) -> Any:
        calls.append(1)
        return x * x

    tripled.defjvps(lambda t, out, x: 3.0 * t)
    with lantern.default_device("cpu"):
        exported = export.export(lantern.jit(tripled))(2.0)
    short, whole = [export.deserialize(exported.serialize(vjp_order=n)) for n in (0, 1)]
    count = len(calls)
    assert float(short.call(3.0)) == 9.0 and float(lantern.grad(whole.call)(5.0)) == 3.0
    with pytest.raises(LanternError, match="vjp_order"):
        lantern.grad(short.call)(5.0)
    assert len(calls) == count


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


def in_a_fork(attempt: Callable[[], object]) -> str:
    """What `attempt` gives in a forked child, or its error; the child dies after 20 seconds."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(20)
        try:
            text = repr(attempt())
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
        os.write(write, text.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(child, 0)
    return text


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")     # of forking a process with threads
def test_fork(device: str) -> None:
    """fork: in a child of a process with an open GPU its use is an error; other devices work."""
    f = lantern.jit(lambda x: x + 1)
    x = jnp.ones((2,))
    f(x)
    for attempt in (lambda: np.asarray(x).tolist(), lambda: f(x).tolist(), lambda: jnp.ones((2,)).tolist()):
        if device == "gpu":
            assert "DeviceError: this process was forked after the GPU had been opened" in in_a_fork(attempt)
        else:
            assert in_a_fork(attempt) in ("[1.0, 1.0]", "[2.0, 2.0]")
    with lantern.default_device("cpu"):
        assert in_a_fork(lambda: f(np.ones(2, np.float32)).tolist()) == "[2.0, 2.0]"
    assert f(x).tolist() == [2, 2]


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_interruption(device: str) -> None:
    """Ctrl-C: ends tracing and waiting, and everything works on afterwards."""
    def slow(x: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return jnp.tanh(x @ x)

    x = jnp.ones((64, 64))
    for transform in (lantern.jit, lantern.vmap, lambda f: lantern.grad(lambda x: jnp.sum(f(x)))):
        with pytest.raises(KeyboardInterrupt):
            transform(slow)(x[None] if transform is lantern.vmap else x)
        assert lantern.jit(lambda x: jnp.sum(x))(x).tolist() == 4096
    f = lantern.jit(lambda x: jnp.tanh(x @ x) / 64)
    start = x = jnp.ones((16, 16))
    want = np.asarray(f(f(x)))
    for delay in (0.005, 0.0075, 0.01, 0.0125):
        kept = [start]      # Python drops an interruption that comes while an array is finalized,
        gc.disable()        # or in what test tools call when garbage is collected
        timer = threading.Timer(delay, lambda: os.kill(os.getpid(), signal.SIGINT))
        try:
            with pytest.raises(KeyboardInterrupt):
                timer.start()
                for _ in range(20_000):
                    kept.append(f(kept[-1]))
                    if len(kept) % 10 == 0:
                        kept[-1].block_until_ready()
        finally:
            gc.enable()
        timer.join()
        np.testing.assert_array_equal(np.asarray(f(f(start))), want)
        if len(kept) > 2:       # what had been returned is whole
            np.testing.assert_array_equal(np.asarray(kept[2]), want)
            assert np.isfinite(np.asarray(kept[-1])).all()


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
