"""Kernels over values that are written once: what `build` makes, `fuse` rewrites and `schedule` gives memory."""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from lantern.lower.join import bound_once
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
class Fence:
    """No work: output k is argument k, which fusion does not see. There may be more arguments, which come first too."""

    args: tuple[int, ...]
    outs: tuple[int, ...]


AnyNode: TypeAlias = Node | Call | Fence


@dataclass(frozen=True, slots=True)
class Graph:
    """A Program before it has memory: nodes in an order in which they can run, each value made by one of them.

    A value is elements in flat order, as a slot is; `outputs` may repeat a value or name an input.
    """

    values: tuple[ShapedArray, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    out_avals: tuple[ShapedArray, ...]
    nodes: tuple[AnyNode, ...]
    name: str = field(default="", compare=False)

    def __str__(self) -> str:
        steps = tuple([Dispatch(n.kernel, n.args, n.outs) if isinstance(n, Node) else Run(n.region, n.args, n.outs)
                       for n in without_fences(self).nodes if not isinstance(n, Fence)])
        return print_program(Program(self.values, self.inputs, self.outputs, self.out_avals, steps))


def without_fences(graph: Graph) -> Graph:
    """The same nodes in the same order; what a fence gave is again what it was given."""
    if not any([isinstance(n, Fence) for n in graph.nodes]):
        return graph
    same: dict[int, int] = {}
    nodes: list[AnyNode] = []
    for node in graph.nodes:
        args = tuple([same.get(v, v) for v in node.args])
        if isinstance(node, Fence):
            same.update(zip(node.outs, args, strict=False))
        elif isinstance(node, Node):
            kernel, args = bound_once(node.kernel, args)    # both sides of a fence are the same memory
            nodes.append(Node(kernel, args, node.outs))
        else:
            nodes.append(replace(node, args=args))
    return replace(graph, outputs=tuple([same.get(v, v) for v in graph.outputs]), nodes=tuple(nodes))
