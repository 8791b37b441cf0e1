"""Kernels over values that are written once: what `build` makes, `fuse` rewrites and `schedule` gives memory."""
from __future__ import annotations

from dataclasses import dataclass, field

from lantern.lower.kernel import Dispatch, Kernel, Program, Region, Run
from lantern.lower.print import print_program
from lantern.trace.aval import ShapedArray


@dataclass(frozen=True, slots=True)
class Node:
    """One launch: `kernel` on the numbered values `args`, giving the values `outs`."""

    kernel: Kernel
    args: tuple[int, ...]
    outs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One region: opaque to fusion."""

    region: Region
    args: tuple[int, ...]
    outs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """A Program before it has memory: nodes in an order in which they can run, each value made by one of them.

    A value is elements in flat order, as a slot is; `outputs` may repeat a value or name an input.
    """

    values: tuple[ShapedArray, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    out_avals: tuple[ShapedArray, ...]
    nodes: tuple[Node | Call, ...]
    name: str = field(default="", compare=False)

    def __str__(self) -> str:
        steps = tuple([Dispatch(n.kernel, n.args, n.outs) if isinstance(n, Node) else Run(n.region, n.args, n.outs)
                       for n in self.nodes])
        return print_program(Program(self.values, self.inputs, self.outputs, self.out_avals, steps))
