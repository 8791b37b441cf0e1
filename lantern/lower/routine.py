"""Kernels that users write: WGSL for a GPU, and a NumPy function for everything else."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lantern.trace.aval import ShapedArray


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of text stands in the user's Python: its file and the line of its first line."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Written:
    """WGSL as a user wrote it, with what is needed to make a shader of it.

    inputs, outputs   names of the arrays, which the text uses as flat `array<T>`
    body              without `grid` the statements of one invocation, whose number is `i`; else declarations and a
                      function `main` with the builtins that it wants
    header            declarations that stand before it
    constants         names with Python numbers
    threads           how many invocations one example has, if there is no `grid`
    grid              workgroups of one example
    layers            for each vmap, the outermost first, its size and which inputs have its axis
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    body: str
    header: str = ""
    constants: tuple[tuple[str, bool | int | float], ...] = ()
    workgroup_size: tuple[int, int, int] = (64, 1, 1)
    threads: int = 0
    grid: tuple[int, int, int] | None = None
    layers: tuple[tuple[int, tuple[bool, ...]], ...] = ()
    body_place: Place | None = field(default=None, compare=False)
    header_place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Routine:
    """A computation that is written twice: a GPU runs `written`; all others call `function`, as a HostCall does.

    It has no effect: it may run in any order, once or twice. Equality of functions is by identity.
    """

    function: Callable[..., Sequence[Any]]
    written: Written
    args: tuple[ShapedArray, ...]
    outs: tuple[ShapedArray, ...]
    name: str = field(default="", compare=False)
