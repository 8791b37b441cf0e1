"""lantern.lax: the primitives by name, without promotion or broadcasting. Values have their tests in the op table."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.errors import ArgumentError, ShapeError

F = np.float32([-1.5, 0.0, 2.0])
N = np.int32([-7, 0, 7])

UNARY = ("neg", "abs", "sign", "floor", "ceil", "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh",
         "square", "reciprocal")
NUMPY = {"neg": "negative"}


@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str) -> None:
    x = np.abs(F) + 0.5 if name in ("sqrt", "log", "log1p", "reciprocal") else F
    found = getattr(lax, name)(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, getattr(np, NUMPY.get(name, name))(x.astype(np.float64)), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("name", "twin"), [("add", "add"), ("sub", "subtract"), ("mul", "multiply"), ("max",
                                                                                                       "maximum"),
                                            ("min", "minimum"), ("eq", "equal"), ("ne", "not_equal"), ("lt", "less"),
                                            ("le", "less_equal"), ("gt", "greater"), ("ge", "greater_equal")])
def test_binary(name: str, twin: str) -> None:
    for x, y in ((F, F[::-1].copy()), (N, N[::-1].copy()), (F, 2), (2.5, F)):
        np.testing.assert_array_equal(getattr(lax, name)(x, y), getattr(np, twin)(x, y))


def test_nothing_is_promoted_or_broadcast() -> None:
    with pytest.raises(ShapeError,
                       match=r"add: operands must have one dtype, got f32\[3\] and i32\[3\], at test_lax.py:\d+"):
        lax.add(F, N)
    with pytest.raises(ShapeError,
                       match=r"add: operands must have one shape, got f32\[3\] and f32\[1\], at test_lax.py:\d+"):
        lax.add(F, F[:1])
    with pytest.raises(TypeError, match=r"add: the Python float 0\.5 stands beside i32.*, at test_lax.py:\d+"):
        lax.add(N, 0.5)
    with pytest.raises(OverflowError, match="300"):
        lax.add(np.int8([1]), 300)
    assert lax.add(np.float16([1]), 2).dtype == np.float16


def test_remainders_and_shifts() -> None:
    x, y = np.int32([-7, 7, -7, 7, 5]), np.int32([3, -3, -3, 3, 0])
    with np.errstate(all="ignore"):
        assert lax.rem(x, y).tolist() == [-1, 1, -1, 1, 0]
        np.testing.assert_array_equal(lax.rem(F, np.float32([1, 1, -1.5])), np.fmod(F, np.float32([1, 1, -1.5])))
    assert lax.shift_left(N, np.int32([1, 1, 40])).tolist() == [-14, 0, 0]
    assert lax.shift_right_arithmetic(np.int32([-8, 8]), 1).tolist() == [-4, 4]
    assert lax.shift_right_logical(np.int32([-8, 8]), 1).tolist() == [0x7FFFFFFC, 4]
    assert lax.shift_right_logical(np.uint32([1 << 31]), 31).tolist() == [1]
    with pytest.raises(ShapeError, match="shift_right_arithmetic: wanted signed integers"):
        lax.shift_right_arithmetic(np.uint32([1]), 1)


def test_choosing_and_converting() -> None:
    assert lax.select(F > 0, F, lax.neg(F)).tolist() == [1.5, 0.0, 2.0]
    assert lax.clamp(-1.0, F, 1.0).tolist() == [-1.0, 0.0, 1.0]
    assert lax.convert_element_type(F, jnp.int32).tolist() == [-1, 0, 2]
    assert lax.bitcast_convert_type(np.float32([1.0]), jnp.uint32).tolist() == [0x3F800000]
    assert lax.integer_pow(F, 2).tolist() == [2.25, 0.0, 4.0]
    assert isinstance(lax.integer_pow(2.0, 0), lantern.Array)
    assert lax.round(np.float32([0.5, 1.5])).tolist() == [0.0, 2.0]
    assert lax.is_finite(np.float32([1, np.inf, np.nan])).tolist() == [True, False, False]
    assert lax.bitwise_not(np.array([True])).tolist() == [False]


X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
STRUCTURE: list[tuple[Any, Any]] = [
    (lambda: lax.broadcast_in_dim(X[0], (5, 3, 4), (1, 2)), np.broadcast_to(X[0], (5, 3, 4))),
    (lambda: lax.broadcast(X, (2,)), np.broadcast_to(X, (2, 2, 3, 4))),
    (lambda: lax.reshape(X, (4, 6)), X.reshape(4, 6)),
    (lambda: lax.expand_dims(X, (0, -1)), X[None, ..., None]),
    (lambda: lax.squeeze(X[:1], (0,)), X[0]),
    (lambda: lax.transpose(X, (2, 0, 1)), X.transpose(2, 0, 1)),
    (lambda: lax.slice(X, (0, 1, 0), (2, 3, 4), (1, 1, 2)), X[:, 1:3, ::2]),
    (lambda: lax.slice_in_dim(X, -2, None, axis=1), X[:, -2:]),
    (lambda: lax.slice_in_dim(X, 0, -1, 2, axis=2), X[:, :, :-1:2]),
    (lambda: lax.pad(X[0, 0], 7, [(1, -1, 1)]), np.float32([7, 0, 7, 1, 7, 2, 7])),
    (lambda: lax.concatenate([X, X], 1), np.concatenate([X, X], 1)),
    (lambda: lax.rev(X, (0, 2)), X[::-1, :, ::-1]),
    (lambda: lax.iota(jnp.int32, 3), np.arange(3, dtype=np.int32)),
    (lambda: lax.broadcasted_iota(jnp.int32, (2, 3), 1), np.broadcast_to(np.arange(3, dtype=np.int32), (2, 3))),
    (lambda: lax.full((2,), 7.0), np.float32([7, 7])),
    (lambda: lax.full_like(N, 7), np.int32([7, 7, 7])),
    (lambda: lax.reduce_sum(X, (0, 2)), X.sum((0, 2))),
    (lambda: lax.reduce_max(X, (1,)), X.max(1)),
    (lambda: lax.reduce_min(X, (1,)), X.min(1)),
    (lambda: lax.reduce_prod(X[0, :2], (0,)), X[0, :2].prod(0)),
    (lambda: lax.reduce_and(X > 3, (0,)), (X > 3).all(0)),
    (lambda: lax.reduce_or(X > 20, (0,)), (X > 20).any(0)),
    (lambda: lax.argmax(X, 1, np.int32), X.argmax(1).astype(np.int32)),
    (lambda: lax.argmin(X, 2, jnp.uint8), X.argmin(2).astype(np.uint8)),
    (lambda: lax.dot_general(X, X, (((2,), (2,)), ((0,), (0,)))), X @ X.swapaxes(1, 2)),
    (lambda: lax.dot(X[0], X[1].T), X[0] @ X[1].T),
    (lambda: lax.batch_matmul(X, X.swapaxes(1, 2)), X @ X.swapaxes(1, 2)),
]


@pytest.mark.parametrize(("call", "wanted"), STRUCTURE, ids=range(len(STRUCTURE)))
def test_structure(call: Any, wanted: Any) -> None:
    found = call()
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def test_stop_gradient() -> None:
    assert lantern.grad(lambda x: x * lax.stop_gradient(x))(3.0).item() == 3.0


def test_collectives() -> None:
    def f(x: Any) -> Any:
        tree = lax.psum({"a": x, "b": (x * 2,)}, "rows")
        return (tree["a"], tree["b"][0], lax.pmean(x, "rows"), lax.pmax(x, "rows"), lax.pmin(x, "rows"),
                lax.axis_index("rows"),
                lax.axis_size("rows"))
    found = lantern.vmap(f, axis_name="rows")(np.float32([1, 2, 6]))
    assert [v.tolist() for v in found] == [[9.0] * 3, [18.0] * 3, [3.0] * 3, [6.0] * 3, [1.0] * 3, [0, 1, 2], [3] * 3]
    with pytest.raises(ArgumentError, match="no axis is named 'rows'"):
        lax.psum(1.0, "rows")
