"""The rows on threads, forks, Ctrl-C, caches and pickles, in depth."""
from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import caches, lax, random, stages
from lantern.errors import DonatedArrayError, EscapedTracerError

F = Callable[..., Any]


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What `work` gives for each number, all at the same time; the first error is raised."""
    start = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(k: int) -> None:
        start.wait()
        try:
            results[k] = work(k)
        except BaseException as error:
            results[k] = error

    threads = [threading.Thread(target=run, args=(k,)) for k in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
        assert not t.is_alive(), "a thread hangs"
    for r in results:
        if isinstance(r, BaseException):
            raise r
    return results


def loss(x: Any) -> Any:
    c, ys = lax.scan(lambda c, r: (jnp.tanh(c + r), c * r), 0.0, x)
    return jnp.sum(ys * ys) + c


def test_threads_trace_differentiate_and_compile_at_once(device: str) -> None:
    """One jitted function, new to all of them, in shapes that come in another order in each thread."""
    f = lantern.jit(loss)
    transforms: list[F] = [f, lantern.grad(loss), lantern.jit(lantern.grad(f)), lambda x: lantern.vmap(f)(x[None])]
    shapes = [2, 3, 5, 7]
    single = [[np.asarray(t(np.linspace(-1, 1, n, dtype=np.float32))) for n in shapes] for t in transforms]
    lantern.clear_caches()

    def work(k: int) -> list[list[Any]]:
        with lantern.default_device(device):    # a thread starts from the process's settings
            order = np.random.default_rng(k).permutation(len(shapes))
            return [[(i, np.asarray(t(np.linspace(-1, 1, shapes[i], dtype=np.float32)))) for i in order]
                    for t in transforms]

    for found in in_threads(8, work):
        for rows, wants in zip(found, single, strict=True):
            for i, row in rows:
                np.testing.assert_array_equal(row, wants[i])


def test_threads_while_caches_are_cleared() -> None:
    f = lantern.jit(lambda x: jnp.sin(x) * 2)

    def work(k: int) -> bool:
        for i in range(30):
            if k == 0:
                lantern.clear_caches()
            np.testing.assert_allclose(np.asarray(f(np.full(i % 5 + 1, k, np.float32))), 2 * np.sin(k), rtol=1e-6)
        return True

    assert in_threads(6, work) == [True] * 6


def test_each_thread_has_its_own_trace() -> None:
    """A thread that starts amid a trace computes for itself; the tracer of another is an error with both lines."""
    found: list[Any] = []

    def f(x: Any) -> Any:
        found.append(in_threads(3, lambda k: float(lantern.jit(lambda v: v * v)(float(k)))))
        pattern = r"made at test_processes.py:\d+ in .*used at test_processes.py:\d+ in <lambda>\. A trace belongs to"
        with pytest.raises(EscapedTracerError, match=pattern):
            in_threads(1, lambda k: x + 1)
        return x * 3

    assert float(lantern.grad(f)(1.0)) == 3
    assert float(lantern.jit(f)(1.0)) == 3
    assert found == [[0, 1, 4]] * 2


def test_a_leaked_tracer_names_both_lines() -> None:
    kept: list[Any] = []

    def leaks(x: Any) -> Any:
        kept.append(x * 2)      # BORN
        return x

    lantern.grad(leaks)(1.0)
    born = leaks.__code__.co_firstlineno + 1
    for use in (lambda: kept[0] + 1, lambda: float(kept[0]), lambda: lantern.jit(lambda y: y * kept[0])(1.0)):
        with pytest.raises(EscapedTracerError, match=rf"escaped from grad\(leaks\), which has returned: it was made at "
                                                     rf"test_processes.py:{born} in leaks, and is used at "
                                                     r"test_processes.py:\d+ in <lambda>.*has_aux=True"):
            use()


def test_mutation_names_the_cure() -> None:
    def f(x: Any) -> Any:
        x[0] = 5.0
        return jnp.sum(x)

    line = f.__code__.co_firstlineno + 1
    for g in (f, lantern.jit(f), lantern.grad(f), lantern.vmap(f)):
        x = jnp.ones((2, 2) if g.__name__.startswith("vmap") else 2)
        pattern = rf"f32\[2\] is immutable: x\[i\] = v does not work, at test_processes.py:{line} in f\. Write y"
        with pytest.raises(TypeError, match=pattern):
            g(x)


def worker(device: str, x: Any, key: Any) -> tuple[Any, str]:
    """Runs in a process of its own."""
    with lantern.default_device(device):
        y = lantern.jit(lambda x: x * 2 + random.uniform(key, x.shape))(x)
        return lantern.grad(lambda v: jnp.sum(v * v))(y), str(y.device)


@pytest.mark.parametrize("place", ["cpu", "gpu"])
def test_spawned_workers(place: str, request: pytest.FixtureRequest) -> None:
    """Arrays and keys go there and results come back; a spawned process may open the GPU that its parent has open."""
    if place == "gpu":
        request.getfixturevalue("gpu")
    with lantern.default_device(place):
        x, key = jnp.arange(3.0) * 1, random.key(3)
        want, where = worker(place, x, key)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            (found, there), = pool.starmap_async(worker, [(place, x, key)]).get(120)
        assert there == where == str(found.device)
        np.testing.assert_array_equal(np.asarray(found), np.asarray(want))


INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
import lantern, lantern.numpy as jnp
from lantern import lax
lantern.config.update("device", sys.argv[1])

def trace_for_long(x):
    for _ in range(10**7):
        x = jnp.sin(x)
    return x

def loop(x):
    return lax.fori_loop(0, 10**7, lambda i, c: jnp.tanh(c @ c) + 1.0, x)

def wait(x):
    return lax.while_loop(lambda c: jnp.sum(c) > -1.0, lambda c: jnp.tanh(c @ c), x)

def eager(x):
    while True:
        x = jnp.tanh(x @ x)

CASES = {"trace": lantern.jit(trace_for_long), "grad": lantern.grad(lambda x: jnp.sum(trace_for_long(x))),
         "scan": lambda x: np.asarray(lantern.jit(loop)(x)), "while": lambda x: np.asarray(lantern.jit(wait)(x)),
         "eager": eager}
x = jnp.ones((64, 64)) / 64
f = lantern.jit(lambda x: jnp.sum(jnp.tanh(x @ x)))
want = float(f(x))
for name, case in CASES.items():
    def interrupt():
        time.sleep(0.4)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt).start()
    start = time.perf_counter()
    try:
        case(x)
        print(name, "not interrupted")
    except KeyboardInterrupt:
        if time.perf_counter() - start > 5:
            print(name, "late")
    assert float(f(x)) == want
    assert lantern.grad(lambda x: jnp.sum(x * x))(x).tolist() == (2 * x).tolist()
print("done")
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
@pytest.mark.parametrize("place", ["cpu", "gpu"])
def test_interruptions_leave_everything_usable(place: str, request: pytest.FixtureRequest) -> None:
    """Ctrl-C amid a trace, a long loop of one program, a loop that reads its condition back, eager code."""
    if place == "gpu":
        request.getfixturevalue("gpu")
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, place], capture_output=True, text=True, timeout=120,
                          check=False)
    assert (done.stdout.strip(), done.returncode) == ("done", 0), done.stdout + done.stderr


DROPPED = """
import _thread, sys, threading, time
import lantern, lantern.numpy as jnp
lantern.config.update("device", sys.argv[1])
f = lantern.jit(lambda x: x + 1.0)
x = f(jnp.zeros(()))
lost = 0
for k in range(30):
    try:
        threading.Timer(0.001 + k * 2e-5, _thread.interrupt_main).start()
        end = time.perf_counter() + 1
        while time.perf_counter() < end:
            f(x)        # the result is dropped at once
        lost += 1
    except KeyboardInterrupt:
        pass
print(lost)
"""


@pytest.mark.parametrize("place", ["cpu", "gpu"])
def test_no_interruption_is_lost_while_arrays_are_dropped(place: str, request: pytest.FixtureRequest) -> None:
    if place == "gpu":
        request.getfixturevalue("gpu")
    done = subprocess.run([sys.executable, "-c", DROPPED, place], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0"]
    assert "Exception ignored" not in done.stderr


def test_jit_of_lambdas_in_a_loop_does_not_grow(device: str) -> None:
    alive: list[weakref.ref[Any]] = []
    for i in range(20):
        big = jnp.ones((100,)) * i

        def step(c: Any, r: Any, big: Any = big) -> Any:
            lantern.debug.callback(lambda v: big is None, c)
            return c * r + jnp.sum(big), c

        g = lantern.jit(lambda x, step=step: lax.scan(step, 0.0, x)[0])
        g(np.ones(3, np.float32))
        lantern.grad(g)(np.ones(3, np.float32))
        alive += [weakref.ref(g), weakref.ref(big)]
        del g, big, step
    gc.collect()
    assert sum(r() is not None for r in alive) <= 2


def test_caches_are_bounded() -> None:
    """Fresh shapes, fresh functions, fresh bodies and fresh callbacks fill caches up to their limits and no further."""
    lantern.clear_caches()
    with lantern.default_device("cpu"):
        f = lantern.jit(lambda x: x + 1.0)
        for n in range(530):
            f(np.ones(n + 1, np.float32))
        assert f.cache_size <= 512
        for i in range(40):
            lax.scan(lambda c, r, i=i: (c * r + i, c), 0.0, jnp.ones(3))
            lantern.debug.callback(lambda v, i=i: None, jnp.ones(3))
    sizes = [(len(c.entries), c.limit) for c in list(caches._caches)]
    assert all(size <= limit for size, limit in sizes)
    assert all(len(key) for key in list(stages._eager.entries))
    lantern.clear_caches()
    assert all(not c.entries for c in list(caches._caches))
    assert f(np.ones(2, np.float32)).tolist() == [2, 2]


def test_a_small_cache_drops_its_oldest() -> None:
    cache: caches.BoundedCache[int, int] = caches.BoundedCache(8)
    for i in range(100):
        cache.put(i, i)
        assert len(cache.entries) <= 8
    assert cache.get(99) == 99
    assert cache.get(0) is None


def test_what_pickles(device: str) -> None:
    """Arrays of every kind, keys, dtypes, structures, and trees of them."""
    tree = {"w": jnp.asarray([[1.5, -0.0]]), "n": jnp.asarray(3), "flag": jnp.asarray(True), "empty": jnp.zeros((0, 2)),
            "key": random.key(5), "dtype": np.dtype("uint32"), "structure": lantern.tree.structure({"a": [(2, None)]})}
    for again in (pickle.loads(pickle.dumps(tree)), copy.deepcopy(tree)):
        assert again["structure"] is tree["structure"]
        assert again["dtype"] == tree["dtype"]
        for name in ("w", "n", "flag", "empty"):
            a, b = again[name], tree[name]
            assert (a.dtype, a.shape, a.device, a.aval.weak) == (b.dtype, b.shape, b.device, b.aval.weak)
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
        assert random.uniform(again["key"], (3,)).tolist() == random.uniform(tree["key"], (3,)).tolist()
    for compiled in (lantern.jit(jnp.sin), lantern.jit(lantern.grad(jnp.sin))):
        with pytest.raises(TypeError, match=r"jit\(.*\) is a compiled function and does not pickle; pickle the plain "):
            pickle.dumps(compiled)
    donated = jnp.ones(2) * 1
    lantern.jit(lambda x: x + 1, donate_argnums=0)(donated)
    with pytest.raises(DonatedArrayError, match=r"was donated to jit\(<lambda>\)"):
        pickle.dumps(donated)
