"""Random programs that keep values in a mild range, as data that hypothesis can shrink."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

import lantern
import lantern.numpy as jnp

SHAPE = (3, 4)

UNARY: dict[str, Callable[[Any], Any]] = {
    "sin": jnp.sin,
    "tanh": jnp.tanh,
    "decay": lambda x: jnp.exp(-x * x),
    "log1p": lambda x: jnp.log1p(x * x),
    "sqrt": lambda x: jnp.sqrt(x * x + 0.5),
    "square": lambda x: 0.5 * x * x / (1.0 + x * x),
    "center": lambda x: x - jnp.mean(x, axis=1, keepdims=True),
    "rows": lambda x: jnp.broadcast_to(jnp.max(x, axis=0), SHAPE),
    "softmax": lambda x: lantern.nn.softmax(x, axis=-1),
    "turn": lambda x: jnp.reshape(jnp.transpose(x), SHAPE),
    "shift": lambda x: jnp.concatenate([x[1:], x[:1]], axis=0),
    "flip": lambda x: jnp.flip(x, axis=1),
    "pad": lambda x: jnp.pad(x[:, 1:3], ((0, 0), (1, 1))),
    "jit": lantern.jit(lambda x: jnp.cos(x) * 0.5 + x),
    "each": lantern.vmap(lambda row: row * jnp.sum(row) * 0.1),
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: 0.5 * (x + y),
    "mul": lambda x, y: x * y / (1.0 + jnp.abs(x)),
    "sub": lambda x, y: 0.5 * (x - y),
    "where": lambda x, y: jnp.where(x > y, x * 0.9, y),
    "maximum": jnp.maximum,
    "matmul": lambda x, y: 0.25 * (x @ y.T) @ y,
    "outer": lambda x, y: jnp.tanh(x[:, :1] * y[:1, :]),
}


@dataclass(frozen=True)
class Program:
    """Steps on a growing list of values; the first two are the inputs, the last one is the output."""

    steps: tuple[tuple[str, int, int], ...]

    def __call__(self, x: Any, y: Any) -> Any:
        values = [x, y]
        for name, i, j in self.steps:
            a, b = values[i % len(values)], values[j % len(values)]
            values.append(UNARY[name](a) if name in UNARY else BINARY[name](a, b))
        return values[-1]

    @property
    def __name__(self) -> str:
        return "program"


steps = st.tuples(st.sampled_from([*UNARY, *BINARY]), st.integers(0, 20), st.integers(0, 20))
programs = st.builds(Program, st.lists(steps, min_size=1, max_size=10).map(tuple))
