"""Random programs of twenty operations that keep every value between 0.5 and 2, and how well a result must agree.

The measure is the judge's own error: its float32 result against the same program in float64.
"""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

import lantern
import lantern.numpy as jnp
from lantern import config, lax

# How many programs are compared: with ALL_PROGRAMS set two hundred on each device, which takes minutes.
COUNT = 200 if "ALL_PROGRAMS" in os.environ else 60
LENGTH = 20
SHAPE = (3, 4)
FACTOR = 50         # times the error of the float32 judge
PERTURBED = 1e-6    # a relative change of the inputs, after which a well-posed gradient is nearly the same



@lantern.custom_vjp
def _damped(x: Any) -> Any:
    return 0.75 * x + 0.25


def _damped_back(factor: Any, ct: Any) -> tuple[Any]:
    return (factor * ct,)


_damped.defvjp(lambda x: (_damped(x), jnp.full_like(x, 0.75)), _damped_back)


@lantern.custom_jvp
def _bent(x: Any) -> Any:
    return jnp.sqrt(0.5 * (1.0 + x * x)) * 0.9


@_bent.defjvp
def _bent_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    return _bent(x), 0.45 * x / jnp.sqrt(0.5 * (1.0 + x * x)) * t


def _branch(x: Any) -> Any:
    """One of two branches, chosen by a number that no rounding moves across the bound."""
    return lax.cond(jnp.round(jnp.sum(x)) > 12.5, lambda v: 0.5 * (v + v[:, ::-1]), lambda v: 1.0 / v, x)


def _doubled(x: Any) -> Any:
    """Steps until the largest element would pass 2; their number is the same for nearby values. Forward mode only, so
    the scale it finds is a constant."""
    scale = lax.while_loop(lambda s: s * 0.9 > 0.6, lambda s: s * 0.9, lax.stop_gradient(jnp.round(jnp.max(x)) * 0.5))
    return jnp.sqrt(x * (0.5 + 0.0 * x + scale * 0.5))


def _loop(x: Any) -> Any:
    last, ys = lax.scan(lambda c, row: (0.5 * (c + row), jnp.sqrt(c * row)), x[0], x)
    return 0.5 * (ys + last)


UNARY: dict[str, Callable[[Any], Any]] = {
    "reciprocal": lambda x: 1.0 / x,
    "root": lambda x: x**0.5,
    "sin": lambda x: 1.25 + 0.75 * jnp.sin(3.0 * x),
    "cos": lambda x: 1.25 + 0.75 * jnp.cos(2.0 * x),
    "tanh": lambda x: 0.5 + jnp.tanh(x),
    "exp": lambda x: 0.5 + jnp.exp(-x),
    "log": lambda x: 1.0 + 0.5 * jnp.log(x),
    "logistic": lambda x: 0.5 + 1.0 / (1.0 + jnp.exp(-x)),
    "mean": lambda x: 0.5 * (x + jnp.mean(x, axis=1, keepdims=True)),
    "largest": lambda x: jnp.broadcast_to(jnp.max(x, axis=0), SHAPE),
    "smallest": lambda x: 0.5 * (x + jnp.min(x)),
    "product": lambda x: jnp.broadcast_to(jnp.prod(x, axis=1, keepdims=True)**0.25, SHAPE),
    "softmax": lambda x: 0.5 + lantern.nn.softmax(x, axis=-1),
    "length": lambda x: jnp.broadcast_to(jnp.sqrt(jnp.mean(x * x, axis=0)), SHAPE),
    "turn": lambda x: jnp.reshape(jnp.transpose(x), SHAPE),
    "roll": lambda x: jnp.concatenate([x[1:], x[:1]], axis=0),
    "flip": lambda x: x[:, ::-1],
    "pad": lambda x: jnp.pad(x[:, 1:3], ((0, 0), (1, 1)), constant_values=1.0),
    "rows": lambda x: x[np.array([2, 0, 2])],
    "running": lambda x: x @ jnp.asarray(np.triu(np.ones((4, 4))) / np.arange(1.0, 5.0), dtype=x.dtype),
    "pick": lambda x: jnp.take_along_axis(x, jnp.argmax(x, axis=1, keepdims=True), axis=1) + 0.0 * x,
    "jit": lantern.jit(lambda x: 0.5 * (x + 1.0 / x)),
    "each": lantern.vmap(lambda row: 0.5 * (row + jnp.mean(row))),
    "scan": _loop,
    "backwards": lambda x: lax.scan(lambda c, row: (0.5 * (c + 1.0 / row), c), jnp.mean(x, axis=0), x, reverse=True)[1],
    "fori": lambda x: lax.fori_loop(0, 3, lambda i, v: 0.5 * (v + x[i]), x),
    "map": lambda x: lax.map(lambda row: 0.5 * (row + row[::-1]), x),
    "prefix": lambda x: lax.associative_scan(lambda a, b: jnp.sqrt(a * b), x, axis=1),
    "branch": _branch,
    "doubled": _doubled,
    "set": lambda x: x.at[1, 1:3].set(1.0),
    "add": lambda x: x.at[np.array([0, 2, 0])].add(0.1 * x[0]) * 0.8 + 0.08,
    "least": lambda x: x.at[:, np.array([3, 0, 3])].min(1.25),
    "window": lambda x: lax.dynamic_update_slice(x, lax.dynamic_slice(x, (0, 1), (2, 2)), (1, 2)),
    "sort": lambda x: jnp.sort(x, axis=1),
    "damped": _damped,
    "bent": _bent,
    "remat": lantern.checkpoint(lambda x: 0.5 + jnp.tanh(jnp.sin(x))),
    "half": lambda x: jnp.where(x > 1.0, x * 0.5 + 0.5, 0.5 + 0.5 * x * x),
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "middle": lambda x, y: 0.5 * (x + y),
    "geometric": lambda x, y: jnp.sqrt(x * y),
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "where": lambda x, y: jnp.where(x + 0.1 > y, x, y),
    "ratio": lambda x, y: jnp.sqrt(jnp.sqrt(x / y)),
    "power": lambda x, y: x ** (0.5 * y),
    "matmul": lambda x, y: jnp.sqrt(jnp.sqrt(x @ y.T / 4.0) @ y / 3.0) * 0.5 + 0.3,
    "outer": lambda x, y: jnp.sqrt(x[:, :1] * y[:1, :]),
    "angle": lambda x, y: 0.5 + jnp.arctan2(x, y),
    "norm": lambda x, y: jnp.sqrt(0.5 * (x * x + y * y)),
}


@dataclass(frozen=True)
class Program:
    """Steps on a growing list of values; the first two are the inputs, the last one is the output."""

    steps: tuple[tuple[str, int, int], ...]

    def __call__(self, x: Any, y: Any) -> Any:
        values = [jnp.asarray(x), jnp.asarray(y)]
        for name, i, j in self.steps:
            a, b = values[-1 - i % len(values)], values[-1 - j % len(values)]
            values.append(UNARY[name](a) if name in UNARY else BINARY[name](a, b))
        return values[-1]

    @property
    def __name__(self) -> str:
        return "program"


_steps = st.tuples(st.sampled_from(sorted([*UNARY, *BINARY])), st.integers(0, 3), st.integers(0, 5))
programs = st.builds(Program, st.lists(_steps, min_size=LENGTH, max_size=LENGTH).map(tuple))

_GENERATOR = np.random.default_rng(3)
X, Y = (_GENERATOR.uniform(0.5, 2.0, SHAPE).astype("f4") for _ in range(2))
WEIGHTS = _GENERATOR.uniform(0.5, 1.0, SHAPE).astype("f4")

Outcome = list[np.ndarray[Any, Any]]
Run = Callable[[Program, Sequence[Any]], Any]


def value(f: Program, inputs: Sequence[Any]) -> Any:
    """Under jit."""
    return [lantern.jit(f)(*inputs)]


def gradient(f: Program, inputs: Sequence[Any]) -> Any:
    """jit of grad, in both arguments."""
    return lantern.jit(lantern.grad(_loss(f), (0, 1)))(*inputs)


def gradient_of_jit(f: Program, inputs: Sequence[Any]) -> Any:
    """grad of jit: what runs now and what waits are compiled apart."""
    return lantern.grad(_loss(lantern.jit(f)), (0, 1))(*inputs)


def batched_gradient(f: Program, inputs: Sequence[Any]) -> Any:
    """jit of vmap of grad, over the first argument."""
    x, y = inputs
    xs = jnp.stack([x, 0.5 + 0.5 * x, 2.0 / (1.0 + x)])
    return [lantern.jit(lantern.vmap(lantern.grad(_loss(f)), in_axes=(0, None)))(xs, y)]


RUNS: tuple[Run, ...] = (value, gradient, gradient_of_jit, batched_gradient)


def _loss(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, y: jnp.sum(f(x, y) * jnp.asarray(WEIGHTS, dtype=x.dtype))


@contextmanager
def _wide() -> Iterator[None]:
    before = config.flags.enable_x64
    config.flags.enable_x64 = True
    try:
        yield
    finally:
        config.flags.enable_x64 = before


def _outcome(run: Run, f: Program, inputs: Sequence[Any]) -> Outcome:
    return [np.asarray(x) for x in run(f, inputs)]


def agree(f: Program, device: str, runs: Sequence[Run] = RUNS) -> None:
    """Every run on the device is as near to float64 as the judge's own float32 result, within the factor.

    A program whose derivative jumps near these inputs (two operands of a maximum that are equal but for rounding) has
    nothing to agree with, and is not counted.
    """
    wide = [X.astype("f8"), Y.astype("f8")]
    with lantern.default_device("reference"):
        with _wide():
            near = [x * (1.0 + PERTURBED) for x in wide]
            exact = {run: _outcome(run, f, wide) for run in runs}
            moved = {run: _outcome(run, f, near) for run in runs}
        for run in runs:
            for a, b in zip(exact[run], moved[run], strict=True):
                assume(np.abs(a - b).max() <= 1e-3 * (1.0 + np.abs(a).max()))
        judged = {run: _outcome(run, f, [X, Y]) for run in runs}
    with lantern.default_device(device):
        for run in runs:
            for got, single, double in zip(_outcome(run, f, [X, Y]), judged[run], exact[run], strict=True):
                assert got.dtype == np.float32 and got.shape == double.shape
                _within(got, single, double, f"{run.__name__} on {device}")


def _within(got: Any, single: Any, double: Any, what: str) -> None:
    unit = float(np.finfo(np.float32).eps) * max(1.0, float(np.abs(double).max()))
    allowed = FACTOR * max(float(np.abs(single - double).max()), unit)
    error = float(np.abs(got - single).max())
    assert error <= allowed, f"{what}: off by {error:.3g}, allowed {allowed:.3g}"
