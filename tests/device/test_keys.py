"""Random keys on a GPU: they lie there as their words, move as anything does, and draw the same bits."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax, random

pytestmark = pytest.mark.usefixtures("gpu")


def moved(keys: Any, mask: Any, places: Any) -> tuple[Any, ...]:
    """Keys of shape (2, 3) moved by all that has a kernel."""
    def step(carry: Any, row: Any) -> Any:
        return jnp.where(mask[0, 0], carry[::-1], row), carry[0]

    last, rows = lax.scan(step, keys[0], keys)
    chosen = lax.cond(mask[0, 1], lambda k: k[0], lambda k: k[1], keys)
    return (keys.T, jnp.concatenate([keys, keys[:, ::-1]]), jnp.where(mask, keys, keys[1, 1]), keys[:, places],
            keys.at[:, places].set(keys[:, :2]), lax.dynamic_update_slice(keys, keys[1:], (places[0], 0)),
            keys.reshape(3, 2), keys == keys[0, 1], last, rows, chosen)


def drawn(key: Any) -> tuple[Any, ...]:
    """What must be equal bit for bit."""
    return (random.bits(key, (33,), "uint8"), random.bits(key, (33,), "uint16"), random.bits(key, (33,)),
            random.randint(key, (33,), -5, 7), random.randint(key, (33,), 3, 4_000_000_000, "uint32"),
            random.uniform(key, (33,)), random.uniform(key, (33,), jnp.bfloat16), random.bernoulli(key, 0.3, (33,)))


def on(device: str, f: Any, *args: Any) -> list[Any]:
    with lantern.default_device(device):
        found = lantern.jit(f)(*[a() for a in args])
        return [np.asarray(random.key_data(x) if x.dtype == random.key(0).dtype else x) for x in found]


def test_keys_move() -> None:
    given = (lambda: random.split(random.key(1), (2, 3)),
             lambda: jnp.array([[True, False, True], [False, True, False]]), lambda: jnp.array([2, 0]))
    for got, want in zip(on("gpu", moved, *given), on("cpu", moved, *given), strict=True):
        np.testing.assert_array_equal(got, want)


def test_bits_are_those_of_the_cpu() -> None:
    for got, want in zip(on("gpu", drawn, lambda: random.key(8)), on("cpu", drawn, lambda: random.key(8)), strict=True):
        assert got.tobytes() == want.tobytes()


def test_keys_are_carried_between_devices() -> None:
    key = lantern.device_put(random.split(random.key(3), 2), "gpu")
    assert key.device.platform == "gpu" and "key<fry>[2]" in repr(key)
    back = lantern.device_put(key, "cpu")
    assert back.device.platform == "cpu"
    assert jnp.array_equal(back, random.split(lantern.device_put(random.key(3), "cpu")))
