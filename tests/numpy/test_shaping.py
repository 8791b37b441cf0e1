"""Shapes and orders of elements against NumPy."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import ArgumentError, ShapeError

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def same(found: Any, wanted: Any) -> None:
    """Arrays (or sequences of them) agree in shape, dtype and values."""
    if isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted)
        for a, b in zip(found, wanted, strict=True):
            same(a, b)
        return
    assert found.shape == wanted.shape
    np.testing.assert_array_equal(np.asarray(found), wanted)


CALLS: list[tuple[str, tuple[Any, ...]]] = [
    *[("reshape", (X, s)) for s in ((4, 6), (-1,), (2, -1, 2), -1, 24, [6, 4], (2, 3, 4, 1))],
    ("ravel", (X,)), ("transpose", (X,)), ("transpose", (X, (1, -1, 0))), ("swapaxes", (X, 0, -1)),
    ("moveaxis", (X, 0, -1)), ("moveaxis", (X, (0, 1), (-1, 0))), ("moveaxis", (X, [2], [0])),
    *[("expand_dims", (X, a)) for a in (0, -1, (0, 2), (0, -1))],
    *[("squeeze", (X[:1, :, :1], a)) for a in (None, 0, -1, (0, 2))],
    *[("broadcast_to", (X, s)) for s in ((2, 3, 4), (5, 2, 3, 4))], ("broadcast_to", (X[:, :1], (2, 3, 4))),
    *[(n, (v,)) for n in ("atleast_1d", "atleast_2d", "atleast_3d") for v in (np.float32(2), X[0, 0], X[0], X)],
    *[("flip", (X, a)) for a in (None, 0, -1, (0, 1))], ("fliplr", (X,)), ("flipud", (X,)),
    *[("roll", (X, s, a)) for s, a in ((1, None), (-2, 0), (5, 1), ((1, 2), (0, 1)), (1, (0, 1)), (0, 2))],
    *[("rot90", (X, k, a)) for k in (-1, 0, 1, 2, 3) for a in ((0, 1), (2, 0))],
    *[("concatenate", ([X, X + 1], a)) for a in (0, 1, -1, None)], ("concatenate", (X,)),
    *[("stack", ([X, X + 1], a)) for a in (0, 1, -1)],
    ("hstack", ([X[0, 0], X[0, 1]],)), ("hstack", ([X[0], X[1]],)), ("vstack", ([X[0, 0], X[0, 1]],)), ("vstack", ([X,
                                                                                                                    X],)),
    ("dstack", ([X[0, 0], X[0, 1]],)), ("column_stack", ([X[0, 0], X[0].T],)), ("append", (X, 2.0)), ("append", (X, X,
                                                                                                                 1)),
    *[("split", (X, n, a)) for n, a in ((2, 0), (3, 1), ([1, 3], 2), ([1], -1))],
    *[("array_split", (np.arange(7.0, dtype=np.float32), n)) for n in (1, 2, 3, 7, 9, [2, 5])],
    ("vsplit", (X, 2)), ("hsplit", (X, 3)),
    *[("tile", (X[0], r)) for r in (2, (2, 1), (1, 2, 1), (2, 2, 2, 2), 0)],
    *[("repeat", (X, r, a)) for r, a in ((2, None), (2, 0), (3, -1), ([1, 0, 2], 1), (0, 0))],
    *[("pad", (X, w, m)) for w in (1, (1, 2), ((1, 2), (0, 1), (0, 0))) for m in ("constant", "edge", "wrap",
                                                                                  "symmetric")],
    ("pad", (X, 1, "reflect")),
    *[("diff", (X ** 2, n, a)) for n in (0, 1, 2, 4) for a in (-1, 0)], ("diff", (X[0, 0] > 1,)),
    *[("diagonal", (X, o)) for o in (-2, -1, 0, 1, 3, 9)], ("diagonal", (X, 1, 2, 0)), ("trace", (X,)), ("trace", (X, 1,
                                                                                                                   1,
                                                                                                                   2)),
    *[(n, (X, k)) for n in ("tril", "triu") for k in (-1, 0, 2)], *[("diag", (X[0, 0], k)) for k in (-1, 0, 2)],
    *[("diag", (X[0], k)) for k in (-1, 0, 2)],
]


@pytest.mark.parametrize(("name", "arguments"), CALLS, ids=[f"{n}{i}" for i, (n, _) in enumerate(CALLS)])
def test_like_numpy(name: str, arguments: tuple[Any, ...]) -> None:
    wanted = getattr(np, name)(*arguments)
    same(getattr(jnp, name)(*arguments), wanted)
    first, *rest = arguments
    if isinstance(first, np.ndarray):
        same(lantern.jit(lambda x: getattr(jnp, name)(x, *rest))(first), wanted)
    if isinstance(wanted, np.ndarray) and wanted.dtype.kind == "f" and isinstance(first, np.ndarray):
        linear = lantern.grad(lambda x: jnp.sum(getattr(jnp, name)(x, *rest) * np.cos(wanted)))(first)
        assert linear.shape == first.shape


def test_other_shape_functions() -> None:
    same(jnp.broadcast_arrays(np.zeros((2, 1)), np.zeros(3), 1.0), np.broadcast_arrays(np.zeros((2, 1)), np.zeros(3),
                                                                                       1.0))
    assert jnp.broadcast_shapes((2, 1), (3,), 1) == (2, 3)
    same(jnp.unstack(X, axis=1), list(np.moveaxis(X, 1, 0)))
    same(jnp.permute_dims(X, (2, 0, 1)), X.transpose(2, 0, 1))
    same(jnp.matrix_transpose(X), X.swapaxes(1, 2))
    same(jnp.concat([X, X], axis=1), np.concatenate([X, X], 1))
    assert (jnp.shape(X), jnp.ndim(X), jnp.size(X), jnp.size(X, -1)) == ((2, 3, 4), 3, 24, 4)
    same(jnp.pad(np.arange(3), 1, constant_values=7), np.pad(np.arange(3), 1, constant_values=7))
    same(jnp.pad(X[0], 1, constant_values=jnp.asarray(2.5)), np.pad(X[0], 1, constant_values=2.5))


def test_methods() -> None:
    x = jnp.asarray(X)
    same(x.T, X.T)
    same(x.mT, X.swapaxes(1, 2))
    same(x.reshape(4, -1), X.reshape(4, -1))
    same(x.reshape((4, 6)), X.reshape(4, 6))
    same(x.transpose(1, 0, 2), X.transpose(1, 0, 2))
    same(x.transpose(), X.transpose())
    same(x.flatten(), X.ravel())
    same(list(x), list(X))
    same(x[:1].squeeze(0), X[0])


def test_joining_promotes() -> None:
    assert jnp.concatenate([np.arange(2), np.ones(2)]).dtype == np.float32
    assert jnp.stack([1, 2.5]).tolist() == [1.0, 2.5]
    assert jnp.concatenate([np.arange(2)], dtype=jnp.float16).dtype == np.float16


ERRORS: list[tuple[str, tuple[Any, ...], type[Exception], str]] = [
    ("reshape", (X, (5, 5)), ShapeError,
     r"reshape: f32\[2,3,4\] has 24 elements, which do not fit shape \(5, 5\), at test_sh"),
    ("reshape", (X, (-1, -1)), ShapeError, "At most one size may be -1"),
    ("reshape", (X, (-1, 7)), ShapeError, r"do not fit shape \(-1, 7\)"),
    ("transpose", (X, (0, 1)), ShapeError, r"transpose: wanted an order of 3 axes, got \(0, 1\) for f32\[2,3,4\]"),
    ("transpose", (X, (0, 1, 1)), ArgumentError, r"transpose: axes must differ"),
    ("swapaxes", (X, 0, 3), ArgumentError, r"swapaxes: axis 3 is out of range for f32\[2,3,4\]"),
    ("moveaxis", (X, (0, 1), 0), ArgumentError, "moveaxis: source and destination"),
    ("squeeze", (X, 0), ShapeError, r"squeeze: axis 0 must have size 1, got 2 in f32\[2,3,4\]"),
    ("broadcast_to", (X, (3, 4)), ShapeError, r"broadcast_to: f32\[2,3,4\] does not fit shape \(3, 4\)"),
    ("broadcast_to", (X, (5, 3, 4)), ShapeError, r"does not fit shape \(5, 3, 4\)"),
    ("concatenate", ([X, X[:, :2]],), ShapeError,
     r"concatenate: sizes must agree in all axes but axis 0, got f32\[2,3,4\] and "
                                                  r"f32\[2,2,4\], at test_shaping.py:\d+ in test_errors"),
    ("concatenate", ([],), ShapeError, "concatenate: wanted at least one array, got none"),
    ("concatenate", ([1.0, 2.0],), ShapeError, r"concatenate: wanted arrays of rank 1 or more.*Use stack"),
    ("stack", ([X, X[0]],), ShapeError, r"stack: arrays must have one shape, got f32\[2,3,4\] and f32\[3,4\]"),
    ("split", (X, 4, 1), ShapeError, r"split: axis 1 of f32\[2,3,4\] cannot be cut into 4 equal parts.*array_split"),
    ("repeat", (X, [1, 2], 1), ShapeError, r"repeat: wanted one count or 3 \(axis 1 of f32\[2,3,4\]\), got 2"),
    ("repeat", (X, -1, 1), ArgumentError, "repeat: a count must not be negative"),
    ("pad", (X, -1), ArgumentError, "pad: widths must not be negative"),
    ("pad", (X, 1, "mean"), ArgumentError,
     "pad: wanted a mode of constant, edge, reflect, symmetric, wrap, got 'mean'"),
    ("broadcast_shapes", ((2,), (3,)), ShapeError,
     r"broadcast_shapes: shapes \(2,\) and \(3,\) cannot be broadcast together"),
    ("diagonal", (X[0, 0],), ShapeError, r"diagonal: wanted two axes or more, got f32\[4\]"),
    ("tril", (X[0, 0],), ShapeError, r"tril: wanted a matrix"),
    ("diag", (X,), ShapeError, r"diag: wanted a vector or a matrix"),
]


@pytest.mark.parametrize(("name", "arguments", "kind", "message"), ERRORS, ids=[f"{e[0]}{i}" for i,
                                                                                e in enumerate(ERRORS)])
def test_errors(name: str, arguments: tuple[Any, ...], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        getattr(jnp, name)(*arguments)
