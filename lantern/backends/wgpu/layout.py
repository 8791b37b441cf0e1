"""How a row kernel is laid over invocations, and which values stay in their registers between stages."""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lantern.backends.wgpu.nest import dtype_of, reachable
from lantern.backends.wgpu.point import store_refs
from lantern.dtypes import BOOL
from lantern.lower.expr import Apply, Gather, Load, Ref
from lantern.lower.kernel import Kernel, Stage

CACHED_NUMBERS = 64         # row values that one invocation may keep in registers
UNROLLED = 16               # turns of a loop that may be written out


@dataclass(frozen=True, slots=True)
class Layout:
    """How invocations are laid over rows and columns. `by_row`: neighbours belong to neighbouring rows."""

    tall: int
    lanes: int
    by_row: bool

    @property
    def size(self) -> int:
        """Invocations of a workgroup."""
        return self.tall * self.lanes

    @property
    def spacing(self) -> int:
        """Distance between the lanes of one row."""
        return self.tall if self.by_row else 1


def choose_layout(kernel: Kernel, widest: int, size: int) -> Layout:
    """Rows and lanes per workgroup, for at most `size` invocations; `widest`: vec4 steps in the longest stage."""
    rows = kernel.row_count
    if _neighbouring_rows(kernel):
        tall = min(32, _power(rows), size)
        lanes = max(1, min(size // tall, _power(widest) // 4))
        if rows * lanes >= 1 << 17:     # enough rows to fill any device: no need to share them
            lanes = 1
        return Layout(min(size // lanes, 256, max(tall, _power(rows))) if lanes == 1 else tall, lanes, True)
    lanes = min(size, _power(widest)) if widest > 8 else 1
    while lanes > 32 and rows * lanes > 1 << 17 and widest < 4 * lanes:    # enough to do: fewer steps of the tree
        lanes //= 2
    return Layout(max(1, min(size // lanes, 64, _power(rows))), lanes, False)


def _power(n: int) -> int:
    """The smallest power of two that is at least n."""
    return 1 << max(0, n - 1).bit_length()


def _neighbouring_rows(kernel: Kernel) -> bool:
    """Whether neighbouring rows are neighbours in memory and neighbouring columns are not, for most loads."""
    balance = 0
    for stage in kernel.stages:
        rank, row_axes = len(kernel.rows), [k for k, n in enumerate(kernel.rows) if n > 1]
        col_axes = [rank + k for k, n in enumerate(stage.cols) if n > 1]
        if not row_axes or not col_axes:
            continue
        for load in stage.body:
            if isinstance(load, Load):
                across, along = abs(load.strides[row_axes[-1]]), abs(load.strides[col_axes[-1]])
                balance += (across == 1 and along != 1) - (along == 1 and across != 0)    # broadcasts are cheap
    return balance > 0


def find_reuse(kernel: Kernel, widths: Sequence[int], layout: Layout
               ) -> tuple[list[dict[Ref, str]], dict[tuple[int, Ref], str]]:
    """Values that a stage folds and a later one computes again (the exponentials of a softmax): they stay in registers.

    Returns for each stage the values that it finds there, and for the stages that leave them (stage, value) -> name.
    """
    table: dict[object, int] = {}
    folded: dict[tuple[tuple[int, ...], int, int], tuple[int, Ref]] = {}
    reused: list[dict[Ref, str]] = []
    left: dict[tuple[int, Ref], str] = {}
    for number, (stage, width) in enumerate(zip(kernel.stages, widths, strict=True)):
        numbers = _numbers(stage, table)
        matches = {r: folded[key] for r, n in enumerate(numbers) if (key := (stage.cols, width, n)) in folded}
        wanted = [r.value for r in stage.reductions] + store_refs(stage.stores)
        found: dict[Ref, str] = {}
        for ref in reachable(stage.body, wanted, matches):
            if ref in matches:
                found[ref] = left.setdefault(matches[ref], f"left{len(left)}")
        reused.append(found)
        turns = -(-math.prod(stage.cols) // (layout.lanes * width))
        if 0 < turns <= UNROLLED and turns * width <= CACHED_NUMBERS // 2:
            for fold in stage.reductions:
                computed = isinstance(stage.body[fold.value], Apply) and fold.value not in found
                if computed and dtype_of(kernel, stage, fold.value) != BOOL:
                    folded[stage.cols, width, numbers[fold.value]] = (number, fold.value)
    return reused, left


def _numbers(stage: Stage, table: dict[object, int]) -> list[int]:
    """A number for each value of a body, equal for equal expressions in whatever stage."""
    numbers: list[int] = []
    for instr in stage.body:
        match instr:
            case Apply(op, refs, dtype):
                key: object = (op, tuple([numbers[r] for r in refs]), dtype)
            case Gather(arg, index):
                key = (arg, numbers[index])
            case _:
                key = instr
        numbers.append(table.setdefault(key, len(table)))
    return numbers
