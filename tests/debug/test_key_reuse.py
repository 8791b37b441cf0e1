"""`debug.key_reuse`: keys that are used twice, at once and inside programs, and what is no reuse."""
from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lantern
import lantern.numpy as jnp
from lantern import debug, lax, random
from lantern.errors import KeyReuseError
from lantern.transforms import key_reuse


@pytest.fixture(autouse=True)
def on_cpu() -> Iterator[None]:
    with lantern.default_device("cpu"):
        yield


def key() -> Any:
    return random.key(0)


def keys(n: int = 3) -> Any:
    return random.split(random.key(0), n)


def several(*draws: Callable[[Any], Any]) -> Callable[[], Any]:
    """One key, drawn from by all of these."""
    def run() -> None:
        k = key()
        for draw in draws:
            draw(k)
    return run


def rows_drawn() -> None:
    k = keys()
    random.normal(k[0])
    random.normal(k[1])
    random.normal(k[0])


def row_of_a_batch() -> None:
    k = keys()
    lantern.vmap(random.normal)(k)
    random.normal(k[2])


def gathered_row() -> None:
    k = keys()
    random.normal(k[jnp.array(1)])
    random.normal(k.reshape(3, 1)[1, 0])


def written_row() -> None:
    k = keys()
    random.normal(k[0])
    random.normal(k.at[1].set(k[0])[1])


def chosen() -> None:
    a, b = keys(2)
    random.normal(jnp.where(jnp.array(True), a, b))
    random.normal(a)


def in_a_python_loop() -> None:
    k = key()
    for _ in range(2):
        random.normal(k)


def same_compiled_call() -> None:
    k, f = key(), lantern.jit(random.normal)
    f(k)
    f(k)


def result_of_a_call() -> None:
    again, _ = lantern.jit(lambda k: (k, random.normal(k)))(key())
    random.normal(again)


def closed_over() -> None:
    k = key()
    f = lantern.jit(lambda x: x + random.uniform(k))
    f(1.0)
    f(2.0)


def last_of_a_scan() -> None:
    k = keys(500)
    lax.scan(lambda c, row: (c, random.normal(row)), 0, k)
    random.normal(k[499])


def used_rows_of_a_scan() -> None:
    _, used = lax.scan(lambda c, row: (c, (row, random.normal(row))), 0, keys())
    random.normal(used[0][1])


def branch_then_draw() -> None:
    f = lantern.jit(lambda c, k: lax.cond(c, random.normal, lambda q: 0.0, k) + random.uniform(k))
    f(jnp.array(True), key())


def without_jit() -> None:
    with debug.disable_jit():
        lantern.jit(lambda k: random.normal(k) + random.uniform(k))(key())


AGAIN = (r"a key that {} at test_key_reuse\.py:\d+ in .* has used is used again, at test_key_reuse\.py:\d+ in "
         r".*split\(key\)")
EACH = r"normal: each step of a {} uses the same key, at test_key_reuse\.py:\d+ in .*fold_in"

REUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "normal_uniform": (several(random.normal, random.uniform), "uniform: " + AGAIN.format("normal")),
    "split_normal": (several(random.split, random.normal), "normal: " + AGAIN.format("split")),
    "split_split": (several(random.split, random.split), "split: " + AGAIN.format("split")),
    "bits_permutation": (several(random.bits, lambda k: random.permutation(k, 3)),
                         "permutation: " + AGAIN.format("bits")),
    "randint_bernoulli": (several(lambda k: random.randint(k, (2,), 0, 5), random.bernoulli), "bernoulli: "),
    "fold_in_after": (several(random.normal, lambda k: random.fold_in(k, 1), random.normal), "normal: "),
    "rows": (rows_drawn, "normal: " + AGAIN.format("normal")), "batch": (row_of_a_batch, "normal: "),
    "gathered": (gathered_row, "normal: "), "written": (written_row, "normal: "), "chosen": (chosen, "normal: "),
    "python_loop": (in_a_python_loop, "normal: " + AGAIN.format("normal")),
    "broadcast": (lambda: lantern.vmap(random.normal)(jnp.broadcast_to(key(), (3,))),
                  r"normal: one key stands at several of 3 places.*at test_key_reuse\.py:\d+.*split\(key, n\)"),
    "jit": (lambda: lantern.jit(lambda k: random.normal(k) + random.uniform(k))(key()),
            "uniform: " + AGAIN.format("normal")),
    "jit_in_jit": (lambda: lantern.jit(lambda k: lantern.jit(random.normal)(k) + random.uniform(k))(key()),
                   "uniform: "),
    "jit_called_twice": (same_compiled_call, "normal: " + AGAIN.format("normal")),
    "jit_result": (result_of_a_call, "normal: " + AGAIN.format("normal")), "closed_over": (closed_over, "uniform: "),
    "scan_const": (several(lambda k: lax.scan(lambda c, _: (c + random.normal(k), None), 0.0, None, length=5)),
                   EACH.format("scan")),
    "scan_const_in_jit": (lambda: lantern.jit(lambda k: lax.scan(
        lambda c, _: (c + random.normal(k), None), 0.0, None, length=500)[0])(key()), EACH.format("scan")),
    "scan_carry": (lambda: lax.scan(lambda k, _: (k, random.normal(k)), key(), None, length=5), EACH.format("scan")),
    "scan_carry_beside": (lambda: lax.scan(lambda c, x: (c, x + random.normal(c[0])), (key(), 0.0), jnp.arange(500.0)),
                          EACH.format("scan")),
    "scan_split": (lambda: lax.scan(lambda k, x: (k, random.normal(random.split(k)[0]) + x), key(), jnp.arange(3.0)),
                   r"split: each step of a scan"),
    "fori_loop": (several(lambda k: lax.fori_loop(0, 9, lambda i, c: c + random.normal(k), 0.0)), EACH.format("scan")),
    "scan_then": (last_of_a_scan, "normal: " + AGAIN.format("normal")),
    "scan_results": (used_rows_of_a_scan, "normal: " + AGAIN.format("normal")),
    "while": (lambda: lantern.jit(lambda k, n: lax.while_loop(
        lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] + random.normal(k)), (0, 0.0)))(key(), 3),
        EACH.format("while_loop")),
    "cond_then": (branch_then_draw, "uniform: " + AGAIN.format("normal")),
    "grad": (lambda: lantern.grad(lambda x, k: x * random.normal(k) * random.normal(k))(1.0, key()), "normal: "),
    "vmap": (lambda: lantern.vmap(lambda k: random.normal(k) + random.normal(k))(keys()), "normal: "),
    "disable_jit": (without_jit, "uniform: "),
}


@pytest.mark.parametrize("name", REUSED)
def test_reuse_raises_with_both_lines(name: str) -> None:
    run, message = REUSED[name]
    with debug.key_reuse(), pytest.raises(KeyReuseError, match=message):
        run()
    run()       # nothing is said without the check


def split_and_used() -> None:
    k = key()
    a, b = random.split(k)
    random.normal(a)
    random.normal(b)
    for i in range(3):
        random.normal(random.fold_in(k, i))
    random.key_data(k)
    assert bool(k == k)


def iterated() -> None:
    for k in keys():
        random.normal(k)


def trained() -> None:
    @lantern.jit
    def step(k: Any, x: Any) -> Any:
        k, used = random.split(k)
        return k, lantern.grad(lambda v: jnp.sin(v * random.normal(used)))(x)

    k, x = key(), jnp.array(1.0)
    for _ in range(4):
        k, x = step(k, x)


def walked(length: int) -> Callable[[], Any]:
    def step(k: Any, _: Any) -> Any:
        k, used = random.split(k)
        return k, random.normal(used)

    def run() -> None:
        k, _ = lantern.jit(lambda k: lax.scan(step, k, None, length=length))(key())
        random.normal(k)
    return run


def rematerialised(x: Any, k: Any) -> Any:
    def step(c: Any, _: Any) -> Any:
        y, q = c
        q, used = random.split(q)
        return (jnp.sin(y * random.normal(used)), q), None
    return lax.scan(lantern.checkpoint(step), (x, k), None, length=5)[0][0]


def looked_at_in_grad() -> None:
    k = key()

    def loss(x: Any) -> Any:
        noise = random.normal(k)
        return x * noise if noise > 0 else x * noise * 2.0

    lantern.grad(loss)(1.0)


FINE: dict[str, Callable[[], Any]] = {
    "split": split_and_used, "iteration": iterated, "training": trained, "short_scan": walked(5),
    "long_scan": walked(500), "branches": lambda: lantern.jit(
        lambda c, k: lax.cond(c, random.normal, random.uniform, k))(True, key()),
    "clone": several(random.normal, lambda k: random.normal(random.clone(k))),
    "same_seed": lambda: (random.normal(key()), random.normal(key())),
    "batch": lambda: lantern.vmap(random.normal)(keys()),
    "rows_of_a_scan": lambda: lax.scan(lambda c, k: (c, random.normal(k)), 0, keys(500)),
    "fold_in": several(lambda k: lax.fori_loop(0, 9, lambda i, c: c + random.normal(random.fold_in(k, i)), 0.0)),
    "while": lambda: lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, random.split(s[1])[0]), (0, key())),
    "grad": lambda: lantern.grad(lambda x, k: x * random.normal(k))(1.0, key()),
    "remat": lambda: lantern.grad(lantern.checkpoint(lambda x, k: jnp.sin(x * random.normal(k))))(1.0, key()),
    "remat_in_jit": lambda: lantern.jit(lantern.grad(rematerialised))(1.0, key()),
    "value_in_grad": looked_at_in_grad,
    "batch_of_gradients": lambda: lantern.vmap(lantern.grad(lambda x, k: x * random.normal(k)), (None, 0))(1.0, keys()),
    "samplers": lambda: (random.permutation(key(), 10), random.randint(key(), (3,), 0, 5), random.bernoulli(key()),
                         random.bits(key(), (2,), "uint64"), random.uniform(key(), (3,), "float64")),
    "raw": lambda: (random.normal(random.PRNGKey(0)), random.normal(random.PRNGKey(0))),
}


@pytest.mark.parametrize("name", FINE)
def test_what_is_no_reuse(name: str) -> None:
    with debug.key_reuse():
        FINE[name]()


def test_settings() -> None:
    k = key()
    lantern.config.update("debug_key_reuse", True)
    try:
        with debug.key_reuse(False):
            random.normal(k)
            random.normal(k)
        random.normal(k)
        with pytest.raises(KeyReuseError):
            random.normal(k)
    finally:
        lantern.config.update("debug_key_reuse", False)
    assert lantern.config.read_environment({"LANTERN_DEBUG_KEY_REUSE": "1"}).mode == lantern.config.Mode(
        debug_key_reuse=True)


def test_nothing_is_kept_of_dead_keys() -> None:
    with debug.key_reuse():
        gc.collect()
        before = len(key_reuse._living.entries)
        for _ in range(20):
            random.normal(random.split(random.key(1))[0])
        gc.collect()
        assert len(key_reuse._living.entries) <= before


def test_the_check_costs_nothing_when_off() -> None:
    """No program looks different, and compiled calls stay on the fast way."""
    f = lantern.jit(lambda k: random.normal(k))
    f(key())
    compiled = f.n_compiles
    with debug.key_reuse():
        f(key())
    f(key())
    assert f.n_compiles == compiled + 1 and f.cache_size == 2
    assert [e.follows for e in f.cache.entries.values()] == [False, True]
