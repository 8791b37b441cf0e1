"""Small programs over arrays of literal sizes, and what NumPy makes of them: the cases of tests/test_type_fuzz.py.

A family lists all its programs; a seeded sample of them, half of them wrong, is what the test checks.
"""
from __future__ import annotations

import itertools
import random
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Shape = tuple[int, ...]
SIZES = (1, 2, 3)
NAMES = "xyz"


@dataclass(frozen=True, slots=True)
class Operand:
    """An array that a program gets."""

    shape: Shape
    dtype: str = "f32"

    def value(self) -> np.ndarray:
        """Any one; zeros are right as positions."""
        return np.zeros(self.shape, {"f32": np.float32, "i32": np.int32, "bool_": np.bool_}[self.dtype])

    def __str__(self) -> str:
        return annotation(self.shape, self.dtype)


@dataclass(frozen=True, slots=True)
class Case:
    """An expression of `x`, `y`, `z`; `function` is the type of an `f` that it may call. Where it is `exact`, a type
    checker must know every size of the result; otherwise it may know less."""

    family: str
    expression: str
    operands: tuple[Operand, ...]
    function: tuple[tuple[Shape, ...], Shape] | None = None
    exact: bool = True

    def wanted(self) -> Operand | None:
        """What NumPy gives; None if it is an error."""
        values: dict[str, Any] = dict(zip(NAMES, [o.value() for o in self.operands], strict=False))
        values |= {"jnp": np, "lantern": LOOPS, "f": None if self.function is None else Typed(*self.function)}
        try:
            with np.errstate(all="ignore"):
                result = np.asarray(eval(self.expression, values))
        except (ValueError, IndexError, AttributeError):
            return None
        return Operand(result.shape, {"f": "f32", "i": "i32", "b": "bool_"}[result.dtype.kind])

    def line(self, number: int) -> str:
        """The program that the type checker reads."""
        parameters = [f"{name}: {operand}" for name, operand in zip(NAMES, self.operands, strict=False)]
        if self.function is not None:
            taken, given = self.function
            arguments = ", ".join([annotation(shape) for shape in taken])
            parameters.append(f"f: Callable[[{arguments}], {annotation(given)}]")
        return f"def case_{number}({', '.join(parameters)}): reveal_type({self.expression})"

    def __str__(self) -> str:
        return f"{self.expression} with {', '.join([f'{n}{o.shape}' for n, o in zip(NAMES, self.operands, strict=False)])}"


def annotation(shape: Shape, dtype: str = "f32") -> str:
    """The type of an array of this shape."""
    return f"Array[{', '.join([dtype, *([f'Literal[{n}]' for n in shape] or ['*tuple[()]'])])}]"


@dataclass(frozen=True)
class Typed:
    """A function of arrays that takes no other shapes than its own."""

    taken: tuple[Shape, ...]
    given: Shape

    def __call__(self, *values: np.ndarray) -> np.ndarray:
        if tuple([v.shape for v in values]) != self.taken:
            raise ValueError("another shape")
        return np.zeros(self.given, np.float32)


def looped(f: Callable[..., np.ndarray], in_axes: tuple[int | None, ...] | int = 0) -> Callable[..., np.ndarray]:
    """`vmap` as a loop."""
    def run(*values: np.ndarray) -> np.ndarray:
        axes = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(values)
        mapped = [v for v, axis in zip(values, axes, strict=True) if axis is not None]
        sizes = {v.shape[0] for v in mapped}
        if len(sizes) != 1:
            raise ValueError("different sizes")
        return np.stack([f(*[v if axis is None else v[i] for v, axis in zip(values, axes, strict=True)])
                         for i in range(sizes.pop())])
    return run


LOOPS = types.SimpleNamespace(vmap=looped)


def shapes(most: int, sizes: Sequence[int] = SIZES) -> list[Shape]:
    """All shapes of at most this rank."""
    return [s for rank in range(most + 1) for s in itertools.product(sizes, repeat=rank)]


def pairs(most: int) -> list[tuple[Shape, Shape]]:
    """All pairs of shapes, but of two that differ by 2 for 3 and 3 for 2 only one."""
    found = itertools.product(shapes(most), repeat=2)
    return [(a, b) for a, b in found if next(n for n in (*a, *b, 2) if n > 1) == 2]


def distinct(rank: int) -> Operand:
    """No two sizes are equal: a wrong axis shows."""
    return Operand((2, 3, 4, 5)[:rank])


OPERATORS = tuple([f"x {op} y" for op in ("+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!=")]) + tuple(
    [f"jnp.{name}(x, y)" for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "arctan2",
                                      "equal", "less", "logical_and", "hypot")])
PRODUCTS = ("x @ y", "jnp.matmul(x, y)", "jnp.dot(x, y)", "x.dot(y)")


def binary() -> Iterator[Case]:
    """Every pair of shapes, each with one of the operators in turn."""
    operators = itertools.cycle(OPERATORS)
    for a, b in pairs(4):
        yield Case("binary", next(operators), (Operand(a), Operand(b)))


def products() -> Iterator[Case]:
    """Every pair of shapes, as operands of one of the products in turn."""
    forms = itertools.cycle(PRODUCTS)
    for a, b in pairs(4):
        yield Case("matmul", next(forms), (Operand(a), Operand(b)))


AXES = ("None", "0", "1", "2", "-1", "-2", "-3")
PAIRS = ("(0, 1)", "(1, 0)", "(-2, -1)", "(-1, -2)", "(0, -1)", "(-1, 0)", "(1, 2)", "(0, 2)", "(1, -1)", "(0, -2)", "(-3, -1)",
         "(-3, -2)", "(0, 1, 2)", "(-3, -2, -1)", "(0, 0)", "(0, 3)", "(-1, 2)")
REDUCTIONS = ("sum", "mean", "max", "min", "prod", "std", "var", "all", "any")


def reductions() -> Iterator[Case]:
    """Methods and functions along literal axes; no `axis=0` of rank 0, which only NumPy takes."""
    names = itertools.cycle(REDUCTIONS)
    for rank, axis, kept, method in itertools.product(range(4), (*AXES, *PAIRS), ("", ", keepdims=True"), (True, False)):
        if rank == 0 and axis in ("0", "-1"):
            continue
        name = next(names)
        call = f"x.{name}(axis={axis}{kept})" if method else f"jnp.{name}(x, axis={axis}{kept})"
        yield Case("reductions", call, (distinct(rank),))
    for rank, axis, name in itertools.product(range(1, 4), AXES, ("argmax", "argmin")):
        yield Case("reductions", f"x.{name}({axis})", (distinct(rank),))
        yield Case("reductions", f"jnp.{name}(x, axis={axis}, keepdims=True)", (distinct(rank),))


def layout() -> Iterator[Case]:
    """Transposes, swaps, moves, new and dropped axes of ranks 0 to 3, and permutations of rank 4."""
    axes = range(-4, 4)
    for rank in range(4):
        for a, b in itertools.product(axes, repeat=2):
            yield Case("layout", f"x.swapaxes({a}, {b})", (distinct(rank),))
            yield Case("layout", f"jnp.moveaxis(x, {a}, {b})", (distinct(rank),))
        for a in axes:
            yield Case("layout", f"jnp.expand_dims(x, {a})", (distinct(rank),))
            for ones in itertools.product((1, 2), repeat=rank) if rank else ():
                yield Case("layout", f"jnp.squeeze(x, {a})", (Operand(ones),))
        for tail in (".T", ".mT"):
            yield Case("layout", f"x{tail}", (distinct(rank),))
    for rank, length in itertools.product(range(1, 5), repeat=2):
        for order in itertools.permutations(range(length)):
            yield Case("layout", f"x.transpose({order})", (distinct(rank),))
            yield Case("layout", f"jnp.transpose(x, {order})", (distinct(rank),))
    for shape in ((2, 2), (4,), (1, 4), (2, 1, 2), (1, 2, 2, 1)):
        yield Case("layout", f"x.reshape({shape})", (Operand((4,)),))
        yield Case("layout", f"jnp.reshape(x, {shape})", (Operand((2, 2)),))


PARTS = ("0", ":", "0:1", "None", "...")


def indexing() -> Iterator[Case]:
    """Up to three parts, and integer arrays of rank 0 and 1 among them."""
    for rank in range(4):
        for length in (1, 2, 3):
            for parts in itertools.product((*PARTS, "y"), repeat=length):
                if parts.count("...") > 1 or parts.count("y") > (length < 3) + 1:
                    continue
                for positions in ((), (2,)) if "y" in parts else (None,):
                    others = () if positions is None else (Operand(positions, "i32"),)
                    yield Case("indexing", f"x[{', '.join(parts)}]", (distinct(rank), *others), exact="0:1" not in parts)
        yield Case("indexing", "x[y]", (distinct(rank), Operand((2, 3), "i32")))


def maps() -> Iterator[Case]:
    """`vmap` of functions of one to three arrays, mapped along the first axis or not."""
    inner = shapes(2, (3, 4))
    rng = random.Random(1)
    for count in (1, 2, 3):
        for axes in itertools.product((0, None), repeat=count):
            for _ in range(60):
                taken = tuple(rng.choices(inner, k=count))
                given = [((2, *s) if axis == 0 else s) for s, axis in zip(taken, axes, strict=True)]
                if rng.random() < 0.5:  # one argument is wrong
                    i = rng.randrange(count)
                    given[i] = rng.choice([(5, *given[i][1:]), given[i][1:], (2, *given[i])])
                result = rng.choice(inner)
                written = rng.choice(["0", str(axes)]) if None not in axes else str(axes)
                call = f"lantern.vmap(f, in_axes={written})({', '.join(NAMES[:count])})"
                yield Case("vmap", call, tuple([Operand(s) for s in given]), (taken, result))


def choices() -> Iterator[Case]:
    """`where`: a mask and two values, one of which has the whole shape."""
    for whole in shapes(3, (2, 3)):
        row = [whole, whole[-1:], (*whole[:-1], 1)[:len(whole)], (), (4, *whole[1:])]
        for mask, other in itertools.product(row, repeat=2):
            yield Case("where", "jnp.where(x, y, z)", (Operand(mask, "bool_"), Operand(whole), Operand(other)))
            yield Case("where", "jnp.where(x, z, y)", (Operand(mask, "bool_"), Operand(whole), Operand(other)))
            yield Case("where", "jnp.where(x, y, z)", (Operand(whole, "bool_"), Operand(mask), Operand(other)))
        for mask, other in itertools.product([*row, *[whole[i:] for i in range(len(whole))]], (whole, ())):
            yield Case("where", "jnp.where(x, y, z)", (Operand(mask, "bool_"), Operand(whole), Operand(other)))
            yield Case("where", "jnp.where(x, 0.0, y)", (Operand(mask, "bool_"), Operand(whole)))


FAMILIES = {f.__name__: f for f in (binary, products, reductions, layout, indexing, maps, choices)}


def sample(family: Callable[[], Iterator[Case]], count: int | None, seed: int = 0) -> list[tuple[Case, Operand | None]]:
    """Some cases with what NumPy says of them, half of them wrong if there are as many; all for None."""
    cases = list(dict.fromkeys(family()))
    if count is None:
        return [(case, case.wanted()) for case in cases]
    random.Random(seed).shuffle(cases)
    right: list[tuple[Case, Operand | None]] = []
    wrong: list[tuple[Case, Operand | None]] = []
    for case in cases:
        wanted = case.wanted()
        kind = wrong if wanted is None else right
        if len(kind) < count // 2:
            kind.append((case, wanted))
        if len(right) + len(wrong) == count // 2 * 2:
            break
    return right + wrong
