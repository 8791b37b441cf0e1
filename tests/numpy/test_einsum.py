"""einsum against NumPy, the order in which it contracts, and texts that it cannot read."""
from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.errors import ArgumentError, ShapeError
from lantern.numpy.contraction_order import EXACT, contraction_path, steps_of
from lantern.testing import check_grads

RNG = np.random.default_rng(1)


def close(found: Any, wanted: Any) -> None:
    """Shapes and values agree."""
    assert found.shape == np.shape(wanted)
    np.testing.assert_allclose(np.asarray(found).astype(np.float64), np.asarray(wanted, np.float64), 1e-5, 1e-5)


def sample(*shape: int) -> Any:
    """Normal numbers."""
    return RNG.normal(size=shape).astype(np.float32)


EINSUMS: list[tuple[Any, ...]] = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ii->i", (3, 3)), ("ii", (3, 3)), ("ij->ji", (2, 3)),
    ("ij->", (2, 3)), ("i,j->ij", (2,), (3,)), ("bij,bjk->bik", (4, 2, 3), (4, 3, 5)),
    ("...ij,...jk->...ik", (4, 2, 3), (4, 3, 5)), ("...ij,jk->...ik", (4, 2, 3), (3, 5)),
    ("ij,ij,ij->", (2, 3), (2, 3), (2, 3)), ("ij,jk,kl,lm->im", (2, 3), (3, 4), (4, 5), (5, 6)),
    ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)), ("i...,j...->ij...", (2, 4), (3, 4)), ("iij->j", (3, 3, 2)),
    ("...", (2, 3)), ("...->...", (2, 3)), ("ijk,ikl->jl", (2, 3, 4), (2, 4, 5)),
    ("ab,cd,ef->ace", (2, 3), (4, 5), (6, 7)), ("a,a,a->a", (3,), (3,), (3,)),
    (" i j , j k -> i k ", (2, 3), (3, 4)), ("i,->i", (3,), ()), ("aab,abc->c", (2, 2, 3), (2, 3, 4)),
    ("aaa->a", (2, 2, 2)), ("...i,...i", (2, 1, 3), (4, 3)), ("ba,b", (2, 3), (2,)), ("ij,kj->ik", (2, 1), (3, 5)),
    ("ij,jk->...ik", (2, 3), (3, 4)), ("ij...,j->...", (2, 3, 4), (3,)), (",", (), ()), ("", ()),
    ("i,j,k,l->", (2,), (3,), (4,), (5,)), ("Za,aZ->", (2, 3), (3, 2)), ("ij,jk->k", (0, 3), (3, 4)),
    ("abcd,ce,dfa->bfe", (2, 3, 4, 5), (4, 6), (5, 7, 2)),
]


@pytest.mark.parametrize("case", EINSUMS, ids=lambda c: c[0].replace(" ", ""))
def test_einsum(case: Any) -> None:
    text, *shapes = case
    xs = [sample(*s) for s in shapes]
    close(jnp.einsum(text, *xs), np.einsum(text, *xs))
    close(lantern.jit(lambda *a: jnp.einsum(text, *a))(*xs), np.einsum(text, *xs))
    numbers = [np.round(x * 3).astype(np.int32) for x in xs]
    close(jnp.einsum(text, *numbers, optimize="greedy"), np.einsum(text, *numbers))
    close(jnp.einsum(text, *numbers, optimize=False), np.einsum(text, *numbers))
    bools = [x > 0 for x in xs]
    found, want = jnp.einsum(text, *bools), np.einsum(text, *[b.astype(np.int32) for b in bools]) > 0
    assert found.dtype == np.bool_
    np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("case", [("abcd,ce,dfa->bfe", (2, 1, 2, 3), (2, 2), (3, 2, 2)), ("ii,i->", (3, 3), (3,)),
                                  ("...i,...i", (2, 1, 3), (4, 3))], ids=lambda c: c[0])
def test_derivatives_and_batches(case: Any) -> None:
    text, *shapes = case
    xs = tuple([sample(*s) for s in shapes])
    check_grads(lambda *a: jnp.einsum(text, *a), xs, order=2)
    several = [np.stack([x, x + 1]) for x in xs]
    want = [np.einsum(text, *[x[k] for x in several]) for k in range(2)]
    close(lantern.vmap(lambda *a: jnp.einsum(text, *a))(*several), want)


def test_on_every_device(device: str) -> None:
    xs = [sample(*s) for s in ((3, 4), (4, 5), (5, 3))]
    close(jnp.einsum("ij,jk,ki->ik", *xs), np.einsum("ij,jk,ki->ik", *xs))


def test_lists_of_axes() -> None:
    x, y = sample(2, 3, 4), sample(3, 4, 5)
    close(jnp.einsum(x, [0, 1, 2], y, [1, 2, 3], [0, 3]), np.einsum(x, [0, 1, 2], y, [1, 2, 3], [0, 3]))
    close(jnp.einsum(x, [0, 1, 2]), np.einsum(x, [0, 1, 2]))
    close(jnp.einsum(x, (0, 51, 2), [51]), np.einsum(x, (0, 51, 2), [51]))
    close(jnp.einsum(x, [Ellipsis, 1], [1, Ellipsis]), np.einsum(x, [Ellipsis, 1], [1, Ellipsis]))


def test_numbers_are_operands_too() -> None:
    x = sample(3)
    close(jnp.einsum("i,->i", x, 2.0), 2 * x)
    close(jnp.einsum(",i,i", 3, x, jnp.asarray(x)), 3 * (x * x).sum())
    np.testing.assert_allclose(jnp.einsum("i,i", x + 1j, x), ((x + 1j) * x).sum(), 1e-5)


def test_precision_and_element_type() -> None:
    x = np.full((2, 4), 300, np.float16)
    found = jnp.einsum("ij,kj", x, x, precision=lax.Precision.HIGHEST, preferred_element_type=np.float32)
    assert found.dtype == np.float32
    assert found.tolist() == [[360000.0] * 2] * 2
    small = np.full((1, 3), 100, np.int8)
    assert jnp.einsum("ij,ij->i", small, small, preferred_element_type=np.int32).item() == 30000
    assert jnp.einsum("ij,ij->i", x, x.astype(np.float32)).dtype == np.float32


def counted(operands: list[str], out: str, sizes: dict[str, int], order: Any) -> int:
    """The least operations over all ways to contract, by trying them."""
    if len(operands) == 1:
        return 0
    best = None
    for i, j in itertools.combinations(range(len(operands)), 2):
        rest = [t for k, t in enumerate(operands) if k not in (i, j)]
        both = set(operands[i] + operands[j])
        kept = "".join([c for c in both if c in "".join(rest) + out])
        cost = int(np.prod([sizes[c] for c in both])) * (1 if len(kept) == len(both) else 2)
        total = cost + counted([*rest, kept], out, sizes, order)
        best = total if best is None else min(best, total)
    assert best is not None
    return best


@pytest.mark.parametrize("seed", range(12))
def test_the_exact_order_takes_the_fewest_operations(seed: int) -> None:
    r = np.random.default_rng(seed)
    letters = "abcdefg"
    sizes = {c: int(r.integers(1, 9)) for c in letters}
    operands = ["".join(r.permutation(list(letters))[:r.integers(1, 4)]) for _ in range(5)]
    used = sorted(set("".join(operands)))
    out = "".join(used[:r.integers(0, 3)])
    sizes = {c: sizes[c] for c in used}
    path = contraction_path("einsum", operands, out, sizes, "optimal")
    total = sum([s.operations for s in steps_of(operands, out, sizes, path)])
    assert total == counted(operands, out, sizes, None)
    for method in ("greedy", "naive"):
        other = contraction_path("einsum", operands, out, sizes, method)
        assert total <= sum([s.operations for s in steps_of(operands, out, sizes, other)])
    xs = [np.round(sample(*[sizes[c] for c in t])).astype(np.int32) for t in operands]
    text = ",".join(operands) + "->" + out
    np.testing.assert_array_equal(jnp.einsum(text, *xs), np.einsum(text, *xs))


def test_the_count_is_that_of_numpy() -> None:
    """NumPy's begins to count at one."""
    text, shapes = "bdik,acaj,ikab,ajac,ikbd->bj", {"a": 5, "b": 4, "c": 6, "d": 3, "i": 7, "j": 2, "k": 3}
    operands = text.split("->")[0].split(",")
    xs = [np.ones([shapes[c] for c in t]) for t in operands]
    want = float(str(np.einsum_path(text, *xs, optimize="optimal")[1]).split("Optimized FLOP count:")[1].split()[0])
    path = contraction_path("einsum", operands, "bj", shapes, "optimal")
    assert sum([s.operations for s in steps_of(operands, "bj", shapes, path)]) + 1 == pytest.approx(want, rel=1e-3)


def test_a_chain_of_many_operands_is_contracted_from_its_thin_end() -> None:
    """More than the exact order takes: greedy, and no product of two matrices."""
    count = EXACT + 10
    xs = [np.eye(20, dtype=np.float32)] * count + [sample(20)]
    letters = "abcdefghijklmnopqrstuvwxyz"
    text = ",".join([letters[k:k + 2] for k in range(count)]) + f",{letters[count]}->a"
    path, told = jnp.einsum_path(text, *xs, optimize=True)
    assert path[0] == "einsum_path" and path[1] == (count - 1, count) and len(path) == count + 1
    assert f"{count * 20 * 20 * 2:.2e} operations" in told
    close(jnp.einsum(text, *xs), xs[-1])


def test_it_is_contracted_in_a_good_order() -> None:
    x = sample(2, 300)
    jaxpr = lantern.make_jaxpr(lambda a, b, c: jnp.einsum("ij,jk,k->i", a, b, c))(x, sample(300, 400), sample(400))
    assert max([v.aval.size for e in jaxpr.eqns for v in e.outvars]) <= 300
    jaxpr = lantern.make_jaxpr(lambda a, b, c: jnp.einsum("ij,jk,k->i", a, b, c, optimize=False))(
        x, sample(300, 400), sample(400))
    assert max([v.aval.size for e in jaxpr.eqns for v in e.outvars]) == 800


@pytest.mark.parametrize(("text", "shapes", "count"), [
    ("ij,jk->ik", [(8, 16), (16, 4)], 1), ("ij,jk->ki", [(8, 16), (16, 4)], 1), ("ij,jk,kl->il", [(8, 8)] * 3, 2),
    ("bqhd,bkhd->bhqk", [(2, 8, 4, 16)] * 2, 1), ("ii->", [(8, 8)], 1), ("i,j->ij", [(8,), (9,)], 1),
    ("ij->ji", [(8, 9)], 1), ("bij,bj,bk->ik", [(2, 8, 8), (2, 8), (2, 9)], 2)])
def test_kernels(text: str, shapes: Any, count: int) -> None:
    """One for each contraction: transposes and diagonals are ways to read."""
    program = lantern.jit(lambda *xs: jnp.einsum(text, *xs)).lower(*[sample(*s) for s in shapes])
    assert len(program.kernels) == count


def test_paths() -> None:
    xs = [sample(*s) for s in ((2, 3), (3, 4), (4, 5))]
    path, told = jnp.einsum_path("ij,jk,kl->il", *xs, optimize="optimal")
    assert path == ["einsum_path", (0, 1), (0, 1)]
    assert told.startswith("ij,jk,kl->il: 1.28e+02 operations")
    for given in (path, path[1:], [(0, 2), (0, 1)], [(0, 1, 2)], [(1, 2)]):
        close(jnp.einsum("ij,jk,kl->il", *xs, optimize=given), np.einsum("ij,jk,kl->il", *xs))
    assert jnp.einsum_path("ij", xs[0])[0] == ["einsum_path"]


CURE = r" of '.*', at test_einsum\.py:\d+ in <lambda>\. Write a letter for each axis"
ONES = np.ones((2, 3))
ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: jnp.einsum("ij,jk->ik", ONES, np.ones((4, 5))), ShapeError,
     r"^einsum: 'j' in 'ij,jk->ik' must have one size, got 3 \(axis 1 of f32\[2,3\]\) and 4 \(axis 0 of .*\), at"),
    (lambda: jnp.einsum("...i,...i", np.ones((2, 3)), np.ones((4, 3))), ShapeError, r"'\.\.\.' in .* got 2 .* and 4"),
    (lambda: jnp.einsum("ij->k", ONES), ArgumentError, "'k' cannot be in the result of 'ij->k': it is an axis of no"),
    (lambda: jnp.einsum("ij->ii", ONES), ArgumentError, "'i' cannot be in the result of 'ij->ii': it occurs twice"),
    (lambda: jnp.einsum("ijk", ONES), ShapeError, r"einsum: 'ijk' in 'ijk' does not describe the 2 axes of f32\[2,3\]"),
    (lambda: jnp.einsum("i", ONES), ShapeError, r"'i' in 'i' does not describe the 2 axes"),
    (lambda: jnp.einsum("ij,jk", ONES), ArgumentError, "'ij,jk' describes 2 operands, got 1"),
    (lambda: jnp.einsum("ij"), ArgumentError, "wanted at least one operand beside 'ij'"),
    (lambda: jnp.einsum("i?", ONES), ArgumentError, "^einsum: cannot read '\\?' at position 1" + CURE),
    (lambda: jnp.einsum("i1", ONES), ArgumentError, "cannot read '1' at position 1" + CURE),
    (lambda: jnp.einsum("ij=>i", ONES), ArgumentError, "cannot read '=' at position 2" + CURE),
    (lambda: jnp.einsum("ij-i", ONES), ArgumentError, "'-' without '>' at position 2" + CURE),
    (lambda: jnp.einsum("ij->i->j", ONES), ArgumentError, "a second '->' at position 5" + CURE),
    (lambda: jnp.einsum("i..", ONES), ArgumentError, r"'\.' instead of '\.\.\.' at position 1" + CURE),
    (lambda: jnp.einsum("......", ONES), ArgumentError, r"a second '\.\.\.' in one operand at position 3" + CURE),
    (lambda: jnp.einsum("ij->i,j", ONES), ArgumentError, "cannot read ',' at position 5" + CURE),
    (lambda: jnp.einsum("...j->j", ONES), ArgumentError, r"the result of '...j->j' must have '...', as operands have"),
    (lambda: jnp.einsum("ii", ONES), ShapeError, "'i' in 'ii' must have one size"),
    (lambda: jnp.einsum(ONES, "ij"), ArgumentError, "behind each operand a list of whole numbers .*, got 'ij'"),
    (lambda: jnp.einsum(ONES, [0, 1.5]), ArgumentError, r"got \[0, 1\.5\]"),
    (lambda: jnp.einsum("ij,ij", ONES, ONES, optimize="best"), ArgumentError,
     "optimize must be a bool, one of optimal, greedy, auto, naive, or a path .* got 'best'"),
    (lambda: jnp.einsum("ij,ij", ONES, ONES, optimize=[(0, 2)]), ArgumentError,
     r"step \(0, 2\) of the path \[\(0, 2\)\] does not fit 2 operands"),
    (lambda: jnp.einsum("ij,ij", ONES, ONES, optimize=[(0, 0)]), ArgumentError, r"step \(0, 0\)"),
    (lambda: jnp.einsum("ij", ONES, precision="best"), ArgumentError, "einsum: precision must be None"),
    (lambda: jnp.einsum_path("ij->k", ONES), ArgumentError, "einsum_path: 'k' cannot be in the result"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=range(len(ERRORS)))
def test_errors(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
