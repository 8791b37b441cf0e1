"""What a row of the op table is: one primitive, its NumPy twin, its samples, its errors, its tolerances."""
from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from lantern.errors import ShapeError

Arrays: TypeAlias = "tuple[Any, ...]"
Random: TypeAlias = np.random.Generator


@dataclass(frozen=True, slots=True)
class Case:
    """Arguments of a row's function, drawn at random. Python scalars among them are no arrays: they become literals.

    `smooth`: the function may be differentiated here: no ties, no kinks, nothing infinite.
    """

    make: Callable[[Random], Arrays]
    params: Mapping[str, Any] = field(default_factory=dict)
    smooth: bool = True

    def draw(self, seed: int = 0) -> Arrays:
        """The arguments; the same for the same seed."""
        return self.make(np.random.default_rng([seed, zlib.crc32(repr(sorted(self.params.items(), key=str)).encode())]))


@dataclass(frozen=True, slots=True)
class Wrong:
    """Arguments that must raise, and what the message says (a regular expression)."""

    args: Arrays
    pattern: str
    params: Mapping[str, Any] = field(default_factory=dict)
    error: type[Exception] = ShapeError


@dataclass(frozen=True, slots=True)
class Row:
    """One primitive.

    function     the function of `lantern.ops` that binds it
    twin         the same in NumPy, for float64 arguments where the case has floats
    order        how many times it may be differentiated (the laws go to 2); 0: its derivative is zero or does not exist
    every_precision  also tested in f16, bf16 and f64
    tolerance    of a device against the reference, in units of the last place
    absolute     added to it, relative to the largest element (sums, where small results come from large terms)
    reference_only  why no device computes it
    never_seen   why no trace of the function holds it
    """

    name: str
    function: Callable[..., Any]
    twin: Callable[..., Any]
    cases: tuple[Case, ...]
    errors: tuple[Wrong, ...] = ()
    order: int = 0
    every_precision: bool = True
    tolerance: float = 4
    absolute: float = 0
    reference_only: str = ""
    never_seen: str = ""


def uniform(r: Random, *shape: int, low: float = -2, high: float = 2) -> np.ndarray[Any, Any]:
    """f32 numbers between `low` and `high`."""
    return r.uniform(low, high, shape).astype(np.float32)


def apart(r: Random, *shape: int, by: float = 0.3) -> np.ndarray[Any, Any]:
    """f32 numbers of which no two are nearly equal: multiples of `by`, shuffled and centred, with a little noise."""
    count = int(np.prod(shape))
    numbers = (r.permutation(count) - count / 2 + 0.25) * by + r.uniform(-0.1, 0.1, count) * by
    return numbers.reshape(shape).astype(np.float32)


def integers(r: Random, *shape: int, low: int = -9, high: int = 10, dtype: Any = np.int32) -> np.ndarray[Any, Any]:
    """Whole numbers from `low` up to (without) `high`."""
    return r.integers(low, high, shape).astype(dtype)


def bools(r: Random, *shape: int) -> np.ndarray[Any, Any]:
    """True and False."""
    return r.integers(0, 2, shape).astype(bool)


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3e38, -3e38, 1e-30, 88.8, -104.0, 7.25,
                      np.inf, -np.inf, np.nan], np.float32)
EXTREME = np.array([0, 1, -1, 2, 7, -7, 31, 32, 33, 2**31 - 1, -2**31, 12345, -12345], np.int32)


def special(r: Random) -> Arrays:
    """One operand with the numbers that go wrong."""
    return (SPECIAL.copy(),)


def special_pairs(r: Random) -> Arrays:
    """All pairs of them."""
    x, y = np.meshgrid(SPECIAL, SPECIAL)
    return x, y


def extreme_pairs(r: Random) -> Arrays:
    """All pairs of integers at the ends and around the width."""
    x, y = np.meshgrid(EXTREME, EXTREME)
    return x, y


def complexes(r: Random, *shape: int, away: float = 0.3) -> np.ndarray[Any, Any]:
    """c64 numbers in all four quadrants, neither near 0 nor near the axes (where branches are cut)."""
    parts = [r.uniform(away, 1.5, shape) * r.choice([-1.0, 1.0], shape) for _ in range(2)]
    return np.asarray(parts[0] + 1j * parts[1]).astype(np.complex64)


def is_floating(x: Any) -> bool:
    """Whether an argument is an array of floats or of complex numbers: whether it may be differentiated by."""
    return isinstance(x, np.ndarray) and x.dtype.kind in "fc"


def table(*rows: Row) -> dict[str, Row]:
    """The rows by name; each once."""
    found = {row.name: row for row in rows}
    assert len(found) == len(rows), "a primitive has two rows"
    return found
