"""Products and einsum against NumPy."""
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


EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ii->i", (3, 3)), ("ii", (3, 3)), ("ij->ji", (2, 3)),
    ("ij->", (2, 3)), ("i,j->ij", (2,), (3,)), ("bij,bjk->bik", (4, 2, 3), (4, 3, 5)), ("...ij,...jk->...ik", (4, 2, 3),
                                                                                        (4, 3, 5)),
    ("...ij,jk->...ik", (4, 2, 3), (3, 5)), ("ij,ij,ij->", (2, 3), (2, 3), (2, 3)), ("ij,jk,kl,lm->im", (2, 3), (3, 4),
                                                                                     (4, 5), (5, 6)),
    ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)), ("i...,j...->ij...", (2, 4), (3, 4)), ("iij->j", (3, 3, 2)),
    ("...", (2, 3)),
    ("...->...", (2, 3)), ("ijk,ikl->jl", (2, 3, 4), (2, 4, 5)), ("ab,cd,ef->ace", (2, 3), (4, 5), (6, 7)), ("a,a,a->a",
                                                                                                             (3,), (3,),
                                                                                                             (3,)),
    (" i j , j k -> i k ", (2, 3), (3, 4)), ("i,->i", (3,), ()), ("aab,abc->c", (2, 2, 3), (2, 3, 4)), ("aaa->a", (2, 2,
                                                                                                                   2)),
    ("...i,...i", (2, 1, 3), (4, 3)), ("ba,b", (2, 3), (2,)), ("ij,kj->ik", (2, 1), (3, 5)),
]


@pytest.mark.parametrize("case", EINSUMS, ids=lambda c: c[0].replace(" ", ""))
def test_einsum(case: Any) -> None:
    text, *shapes = case
    xs = [sample(s) for s in shapes]
    close(jnp.einsum(text, *xs), np.einsum(text, *xs))
    close(lantern.jit(lambda *a: jnp.einsum(text, *a))(*xs), np.einsum(text, *xs))
    numbers = np.round(sample(shapes[0]) * 3).astype(np.int32)
    rest = [np.ones(s, np.int32) for s in shapes[1:]]
    close(jnp.einsum(text, numbers, *rest), np.einsum(text, numbers, *rest))


def test_einsum_of_lists() -> None:
    x, y = sample((2, 3, 4)), sample((3, 4, 5))
    close(jnp.einsum(x, [0, 1, 2], y, [1, 2, 3], [0, 3]), np.einsum(x, [0, 1, 2], y, [1, 2, 3], [0, 3]))
    close(jnp.einsum(x, [0, 1, 2]), np.einsum(x, [0, 1, 2]))
    close(jnp.einsum(x, [Ellipsis, 1], [1, Ellipsis]), np.einsum(x, [Ellipsis, 1], [1, Ellipsis]))


def test_einsum_contracts_in_a_good_order() -> None:
    x = sample((2, 300))
    jaxpr = lantern.make_jaxpr(lambda a, b, c: jnp.einsum("ij,jk,k->i", a, b, c))(x, sample((300, 400)), sample((400,)))
    assert "[300,400]" not in str(jaxpr).split(".", 1)[1]
    sizes = [o.size for o in jaxpr.out_avals]
    assert sizes == [2]
    assert max([v.aval.size for e in jaxpr.eqns for v in e.outvars]) <= 300


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
    (lambda: jnp.einsum("ij,jk->ik", np.ones((2, 3)), np.ones((4, 5))), ShapeError,
     r"einsum: 'j' in 'ij,jk->ik' must have one size, got 3 \(axis 1 of f32\[2,3\]\) and 4 \(axis 0 of .*\), at"),
    (lambda: jnp.einsum("ij->k", np.ones((2, 3))), ArgumentError, "einsum: 'k' must occur once in the result"),
    (lambda: jnp.einsum("ij->ii", np.ones((2, 3))), ArgumentError, "einsum: 'i' must occur once"),
    (lambda: jnp.einsum("ijk", np.ones((2, 3))), ShapeError,
     r"einsum: 'ijk' in 'ijk' does not describe the 2 axes of f32\[2,3\]"),
    (lambda: jnp.einsum("ij,jk", np.ones((2, 3))), ArgumentError, "has 2 operands, got 1"),
    (lambda: jnp.einsum("i?", np.ones((2, 3))), ArgumentError, "cannot read 'i\\?'"),
    (lambda: jnp.einsum("ii", np.ones((2, 3))), ShapeError, "'i' in 'ii' must have one size"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=range(len(ERRORS)))
def test_errors(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
