"""Products against NumPy."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(1)
SHAPES = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
          ((5, 2, 3), (5, 3, 4)), ((5, 1, 2, 3), (4, 3, 2)), ((1, 2, 3), (5, 3, 4)), ((5, 2, 3), (1, 3, 4)), ((3,), (5,
                                                                                                                     3,
                                                                                                                     4)),
          ((5, 2, 3), (3,)), ((0, 3), (3, 4)), ((2, 0), (0, 4)), ((6, 1, 2, 3), (1, 5, 3, 4)), ((2, 1, 3), (2, 3, 1))]


def close(found: Any, wanted: Any) -> None:
    """Shapes and values agree."""
    assert found.shape == np.shape(wanted)
    np.testing.assert_allclose(np.asarray(found).astype(np.float64), np.asarray(wanted, np.float64), 1e-5, 1e-5)


def sample(shape: tuple[int, ...]) -> Any:
    """Normal numbers."""
    return RNG.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("left", "right"), SHAPES, ids=str)
def test_matmul(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    x, y = sample(left), sample(right)
    close(jnp.matmul(x, y), x @ y)
    close(jnp.asarray(x) @ y, x @ y)
    integers = [np.round(3 * v).astype(np.int32) for v in (x, y)]
    assert jnp.matmul(*integers).dtype == np.int32
    close(jnp.matmul(*integers), np.matmul(*integers))
    ct = sample((x @ y).shape)
    slopes = lantern.grad(lambda a, b: jnp.sum(jnp.matmul(a, b) * ct), (0, 1))(x, y)
    assert [s.shape for s in slopes] == [left, right]


@pytest.mark.parametrize(("left", "right"), [*SHAPES[:6], ((), (3,)), ((2, 3), ())], ids=str)
def test_dot_and_friends(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    x, y = sample(left), sample(right)
    if left != (2, 3) or right != (5, 3, 4):
        close(jnp.dot(x, y), np.dot(x, y))
    close(jnp.outer(x, y), np.outer(x, y))
    if x.shape[-1:] == y.shape[-1:]:
        close(jnp.inner(x, y), np.inner(x, y))


def test_other_products() -> None:
    x, y = sample((2, 3, 4)), sample((3, 4, 5))
    for axes in (2, 1, 0):
        if axes == 1:
            close(jnp.tensordot(x, y.reshape(4, 15), 1), np.tensordot(x, y.reshape(4, 15), 1))
        else:
            close(jnp.tensordot(x, y, axes), np.tensordot(x, y, axes))
    close(jnp.tensordot(x, y, ((1, 2), (0, 1))), np.tensordot(x, y, ((1, 2), (0, 1))))
    close(jnp.tensordot(x, y, ([2, 1], [1, 0])), np.tensordot(x, y, ([2, 1], [1, 0])))
    close(jnp.vdot(x, x.reshape(4, 6)), np.vdot(x, x.reshape(4, 6)))
    close(jnp.vecdot(x, y[0, :, 0], axis=-1), np.sum(x * y[0, :, 0], -1))
    close(jnp.trace(x), np.trace(x))


def test_bools_and_half_precision() -> None:
    mask = np.array([[True, False], [False, False]])
    assert jnp.matmul(mask, mask).dtype == np.bool_
    close(jnp.matmul(mask, ~mask), np.matmul(mask, ~mask))
    ones = np.full((1, 4096), 1, np.float16)
    found = jnp.matmul(ones, ones.T)
    assert found.dtype == np.float16
    assert found.item() == 4096
    assert jnp.matmul(ones, np.ones((4096, 1), np.float32)).dtype == np.float32


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: jnp.matmul(np.ones((2, 3)), np.ones((4, 5))), ShapeError,
     r"^matmul: contracted sizes must agree, got 3 \(axis 1 of f32\[2,3\]\) and 4 \(axis 0 of f32\[4,5\]\), at "),
    (lambda: jnp.ones((2, 3)) @ np.ones(4), ShapeError,
     r"matmul: contracted .* 3 \(axis 1 of f32\[2,3\]\) and 4 \(axis 0 of f32\[4\]"),
    (lambda: jnp.matmul(np.ones((2, 2, 3)), np.ones((5, 3, 4))), ShapeError,
     r"matmul: shapes f32\[2,2,3\] and f32\[5,3,4\] cannot"),
    (lambda: jnp.matmul(np.ones((5, 2, 3)), np.ones((5, 4, 3))), ShapeError,
     r"matmul: contracted .* 3 \(axis 2 .* 4 \(axis 1 of"),
    (lambda: jnp.matmul(2.0, np.ones(3)), ShapeError, "matmul: operands must have rank 1 or more.*multiply"),
    (lambda: jnp.dot(np.ones(3), np.ones(4)), ShapeError, r"dot: contracted sizes must agree, got 3"),
    (lambda: jnp.inner(np.ones(3), np.ones(4)), ShapeError, r"inner: contracted sizes must agree"),
    (lambda: jnp.tensordot(np.ones((2, 3)), np.ones((4, 3)), 1), ShapeError, r"tensordot: contracted sizes must agree"),
    (lambda: jnp.tensordot(np.ones(3), np.ones(3), 2), ArgumentError, r"tensordot: cannot contract 2 axes"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=range(len(ERRORS)))
def test_errors(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
