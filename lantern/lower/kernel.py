"""Kernels and programs: loop nests over numbered buffers, and the order in which they run."""
from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from lantern.lower.expr import Instr, ReduceOp, Ref
from lantern.lower.routine import Routine
from lantern.source import Source
from lantern.trace.aval import ShapedArray


@dataclass(frozen=True, slots=True)
class Reduction:
    """Folds the body's value `value` over all columns of the stage, in row-major order where order matters."""

    op: ReduceOp
    value: Ref


@dataclass(frozen=True, slots=True)
class Store:
    """Writes `value` to flat element `offset + sum(strides[k] * i_k)` of outs[out]; each element once."""

    out: int
    value: Ref
    offset: int
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Scatter:
    """Folds `value` by `op` into outs[out] at the flat i32 position `index`, where `keep` (bool) holds.

    SUM, PROD, MAX and MIN may meet positions that repeat, in any order. `op` None writes the value, and no position
    repeats. The buffer starts as the elements of args[start] (zeros if None); what is not written stays.
    """

    out: int
    index: Ref
    value: Ref
    keep: Ref
    op: ReduceOp | None = ReduceOp.SUM
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One loop nest over rows x cols. `sources` runs beside `body` and does not count for equality."""

    cols: tuple[int, ...]
    body: tuple[Instr, ...]
    reductions: tuple[Reduction, ...] = ()
    stores: tuple[Store | Scatter, ...] = ()
    sources: tuple[Source | None, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Dot:
    """Says that stage 0 is a matrix product: its one reduction is the SUM of MUL(a, b) over the columns.

    The rows are `batch` axes, then `m` axes (a varies, b does not), then `n` axes (b varies, a does not), in this
    order; the numbers are counts of axes.
    """

    batch: int
    m: int
    n: int


@dataclass(frozen=True, slots=True)
class Kernel:
    """One launch. Every stage runs over the same `rows`; stages of a row run in order and see earlier reductions.

    Elementwise work has one stage and no rows' worth of meaning: rows=(), cols=domain. A reduction has rows=kept axes,
    a stage that reduces over cols, and one with cols=() that stores. Softmax is two reducing stages and a storing one.
    A kernel is its own cache key: equality is by value, apart from names and sources.
    """

    args: tuple[ShapedArray, ...]
    outs: tuple[ShapedArray, ...]
    rows: tuple[int, ...]
    stages: tuple[Stage, ...]
    dot: Dot | None = None
    name: str = field(default="", compare=False)
    _hash: int = field(default=0, init=False, compare=False, repr=False)

    def __hash__(self) -> int:
        if not self._hash:      # fusion makes many kernels that nobody looks up
            object.__setattr__(self, "_hash", hash((self.args, self.outs, self.rows, self.stages, self.dot)) or 1)
        return self._hash

    @property
    def row_count(self) -> int:
        """Number of rows: 1 if there are no row axes."""
        return math.prod(self.rows)


@dataclass(frozen=True, slots=True)
class Alloc:
    """From here on, `slot` has memory."""

    slot: int


@dataclass(frozen=True, slots=True)
class Free:
    """The memory of `slot` may be used again."""

    slot: int


@dataclass(frozen=True, slots=True)
class Clear:
    """Fills `slot` with zero bits, before kernels that add to it."""

    slot: int


@dataclass(frozen=True, slots=True)
class Copy:
    """Fills `slot` with the elements of another, before kernels that write a part of it."""

    slot: int
    source: int


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Runs a kernel on slots. An output slot may be an argument's slot only where the schedule proved that safe."""

    kernel: Kernel
    args: tuple[int, ...]
    outs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """Runs `body` once for each step 0, 1, ..., length - 1, or backwards if `reverse`.

    args: constants, initial carry, xs. outs: last carry, ys. The body takes constants, carry and one row of each of xs,
    and gives carry and one row of each of ys: row k of a buffer of `length` rows of n elements is its elements from
    k * n on. The body owns its carry (those inputs are donated): the initial one is copied first. Its outputs are
    different slots; those of ys are neither inputs nor constants of it, so they may lie in the rows themselves.
    """

    body: Program
    constants: int
    carry: int
    length: int
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class While:
    """Runs `body` on the carry as long as `condition` gives true.

    args: the condition's constants, the body's constants, initial carry. outs: last carry. The condition takes its
    constants and the carry, writes neither, and gives one bool; the body takes its constants and the carry, which it
    owns (the initial one is copied first), and gives the carry, in different slots.
    """

    condition: Program
    body: Program
    condition_constants: int
    body_constants: int


@dataclass(frozen=True, slots=True)
class Branch:
    """Runs the branch whose number the i32 args[0] is; it is in range. Each branch takes args[1:] and gives outs, in
    slots of its own that differ."""

    branches: tuple[Program, ...]


@dataclass(frozen=True, slots=True)
class HostCall:
    """Calls a Python function with args as NumPy arrays of the avals `args`; it returns arrays of the avals `outs`.

    Host calls run in the order of the program; a `deferred` one, which gives nothing and only looks, may run as late as
    when somebody next waits for the device. Equality is by the identity of the function.
    """

    function: Callable[..., Sequence[Any]]
    args: tuple[ShapedArray, ...]
    outs: tuple[ShapedArray, ...]
    name: str = field(default="", compare=False)
    deferred: bool = False


Region: TypeAlias = "Loop | While | Branch | HostCall | Routine"


@dataclass(frozen=True, slots=True)
class Run:
    """Does what no single kernel can. It gives its output slots memory (they have none before), and never writes its
    arguments."""

    region: Region
    args: tuple[int, ...]
    outs: tuple[int, ...]


Step: TypeAlias = "Alloc | Free | Clear | Copy | Dispatch | Run"


@dataclass(frozen=True, slots=True)
class Program:
    """A whole compiled function over numbered slots.

    A slot is memory for `slots[i].size` elements of `slots[i].dtype`; its shape carries no meaning, since kernels
    address elements flat: a reshape is the same slot. `outputs` may repeat a slot or name an input's. Inputs in
    `donated` may be overwritten and freed; all others are never written.
    """

    slots: tuple[ShapedArray, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    out_avals: tuple[ShapedArray, ...]
    steps: tuple[Step, ...]
    donated: frozenset[int] = frozenset()
    name: str = field(default="", compare=False)

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The kernels in launch order; those of loops and branches once, where they stand."""
        return tuple(_kernels(self))


def subprograms(region: Region) -> tuple[Program, ...]:
    """The programs that a region runs."""
    match region:
        case Loop(body):
            return (body,)
        case While(condition, body):
            return (condition, body)
        case Branch(branches):
            return branches
        case HostCall() | Routine():
            return ()


def calls_host(region: Region) -> bool:
    """Whether a region calls Python, by itself or inside: such regions run in the order of the program."""
    return isinstance(region, HostCall) or any(
        isinstance(step, Run) and calls_host(step.region) for inner in subprograms(region) for step in inner.steps)


def _kernels(program: Program) -> Iterator[Kernel]:
    for step in program.steps:
        match step:
            case Dispatch(kernel):
                yield kernel
            case Run(region):
                for inner in subprograms(region):
                    yield from _kernels(inner)
            case Alloc() | Free() | Clear() | Copy():
                pass


@dataclass(frozen=True, slots=True)
class Target:
    """What lowering may rely on: limits and features of a device, part of every cache key.

    `max_buffers`: storage buffers one kernel may bind. `max_binding`: bytes of one buffer. `recompute`: a cheap
    producer with several consumers may be computed in each of them (good where memory is slow, bad for NumPy).
    `split_reduce`: reductions with fewer rows than this many are cut in two kernels (0: never). `select_work`: branches
    of no more operations than this many run all, and select, where reading the index back would cost more (0: never).
    `lacks`: dtypes that no value may have, each with what to do about it.
    """

    backend: str
    max_buffers: int = 1 << 30
    max_binding: int = 1 << 62
    max_workgroup_size: int = 256
    max_workgroup_memory: int = 16384
    max_groups: int = 65535
    recompute: bool = False
    split_reduce: int = 0
    select_work: int = 0
    lacks: tuple[tuple[str, str], ...] = ()
    features: frozenset[str] = frozenset()
    settings: tuple[tuple[str, Any], ...] = ()
