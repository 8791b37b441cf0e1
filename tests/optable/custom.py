"""Rows: functions with rules of the user's, rematerialisation, solves, and the constants that rules close over."""
from __future__ import annotations

from typing import Any

import numpy as np

import lantern.numpy as jnp
from lantern.api import vjp
from lantern.custom_batching import custom_vmap
from lantern.custom_rules import custom_jvp, custom_vjp
from lantern.lax.solves import custom_linear_solve
from lantern.ops.constant import Table, constant
from lantern.ops.elementwise import mul
from lantern.rematerialization import checkpoint, checkpoint_name
from lantern.trace.aval import shaped
from lantern.transforms.remat import fenced
from tests.optable.table import Case, Random, Row, table, uniform


def _two(r: Random) -> Any:
    return uniform(r, 3, 2), uniform(r, 3, 2)


def _wave(x: Any, y: Any) -> Any:
    return jnp.sin(x) * y


_with_jvp = custom_jvp(_wave)


@_with_jvp.defjvp
def _wave_jvp(primals: Any, tangents: Any) -> Any:
    (x, y), (dx, dy) = primals, tangents
    return _with_jvp(x, y), jnp.cos(x) * y * dx + jnp.sin(x) * dy


_with_vjp = custom_vjp(_wave)
_with_vjp.defvjp(lambda x, y: (_wave(x, y), (x, y)),
                 lambda kept, ct: (jnp.cos(kept[0]) * kept[1] * ct, jnp.sin(kept[0]) * ct))


def _pulled_back(x: Any, y: Any) -> Any:
    return vjp(_with_vjp, x, y)[1](jnp.cos(y))[0]


_with_vmap = custom_vmap(_wave)


@_with_vmap.def_vmap
def _wave_vmap(axis_size: int, in_batched: Any, x: Any, y: Any) -> Any:
    return _wave(x, y), True


@checkpoint
def _again(x: Any, y: Any) -> Any:
    return jnp.sin(jnp.cos(x) * y) * y


def _named(x: Any, y: Any) -> Any:
    return checkpoint_name(jnp.sin(x), "wave") * y


def _fenced(x: Any, y: Any) -> Any:
    return mul(*fenced([jnp.sin(x), y], [x]))


def _scaled(x: Any) -> Any:
    """x times a table of numbers."""
    numbers = (np.arange(x.size) / x.size + 0.5).astype(x.dtype).reshape(x.shape)
    return mul(x, constant(Table(numbers, shaped(x.shape, x.dtype))))


def _scaled_twin(x: Any) -> Any:
    return x * (np.arange(x.size) / x.size + 0.5).reshape(x.shape)


def _solve(d: Any, b: Any) -> Any:
    """(1 + u v^T) x = b for u = d and v = cos(d) / 4, by the formula of Sherman and Morrison."""
    u, v = d, jnp.cos(d) * 0.25

    def without(b: Any, u: Any, v: Any) -> Any:
        return b - u * (jnp.sum(v * b) / (1.0 + jnp.sum(v * u)))

    return custom_linear_solve(lambda x: x + u * jnp.sum(v * x), b, lambda _, b: without(b, u, v),
                               lambda _, b: without(b, v, u))


def _solve_twin(d: Any, b: Any) -> Any:
    return np.linalg.solve(np.eye(d.size) + np.outer(d, np.cos(d) / 4), b)


PAIR = (Case(_two),)
ROWS = table(
    Row("custom_jvp", _with_jvp, lambda x, y: np.sin(x) * y, PAIR, order=2, tolerance=16, every_precision=False),
    # order 0: the laws of derivatives want forward mode; tests/api/test_custom_vjp.py has reverse mode
    Row("custom_vjp", _with_vjp, lambda x, y: np.sin(x) * y, PAIR, tolerance=16, every_precision=False),
    Row("custom_vjp_linear", _pulled_back, lambda x, y: np.cos(x) * y * np.cos(y), PAIR, tolerance=16,
        every_precision=False, never_seen="it is transposed before anything runs, and has no other meaning"),
    Row("custom_vmap", _with_vmap, lambda x, y: np.sin(x) * y, PAIR, order=2, tolerance=16, every_precision=False),
    Row("remat", _again, lambda x, y: np.sin(np.cos(x) * y) * y, PAIR, order=2, tolerance=64, absolute=1e-6,
        every_precision=False),
    Row("name", _named, lambda x, y: np.sin(x) * y, PAIR, order=2, tolerance=16, every_precision=False),
    Row("fence", _fenced, lambda x, y: np.sin(x) * y, PAIR, order=2, tolerance=16, every_precision=False),
    Row("constant", _scaled, _scaled_twin, (Case(lambda r: (uniform(r, 3, 2),)), Case(lambda r: (uniform(r, 1),))),
        order=2, every_precision=False),
    Row("host_constant", _scaled, _scaled_twin, (Case(lambda r: (uniform(r, 5, 9),)),), order=2, every_precision=False),
    Row("linear_solve", _solve, _solve_twin, (Case(lambda r: (uniform(r, 4), uniform(r, 4))),), order=2, tolerance=256,
        absolute=1e-5, every_precision=False),
)
