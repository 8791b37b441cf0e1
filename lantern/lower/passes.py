"""Lowering as a list of named passes: each is timed, checked on request, and keeps its result for people to read."""
from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from lantern import config
from lantern.events import emit
from lantern.lower.build import build, separate
from lantern.lower.fuse import fuse
from lantern.lower.graph import Graph
from lantern.lower.kernel import Program, Target
from lantern.lower.print import print_program
from lantern.lower.schedule import schedule
from lantern.lower.simplify import simplify
from lantern.lower.split import split
from lantern.lower.verify import check_graph, check_jaxpr, check_program
from lantern.trace.jaxpr import Jaxpr, print_jaxpr

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lowering:
    """A lowered function: the program, and the text of every pass in order (made when asked for)."""

    program: Program
    stages: Mapping[str, Callable[[], str]]

    def text(self, stage: str) -> str:
        """The text after one pass. Raises KeyError with the names there are."""
        if stage not in self.stages:
            raise KeyError(f"no pass is named {stage!r}; there are {', '.join(self.stages)}")
        return self.stages[stage]()


def lower_jaxpr(jaxpr: Jaxpr, target: Target, donated: Collection[int] = ()) -> Lowering:
    """Lowers a jaxpr through the passes simplified, built, fused, split and scheduled.

    `donated`: positions of inputs whose memory may be reused. With `config.flags.check` each pass is followed by its
    checker, which raises InternalError. Emits one `lower.pass` event per pass, with its name and seconds.
    """
    texts: dict[str, Callable[[], str]] = {}

    def run(name: str, make: Callable[[], T], check: Callable[[T], None], text: Callable[[T], str]) -> T:
        start = time.perf_counter()
        made = make()
        seconds = time.perf_counter() - start
        if config.flags.check:
            check(made)
        texts[name] = lambda: text(made)
        emit("lower.pass", name=name, seconds=seconds, text=texts[name])
        return made

    def fits(graph: Graph) -> None:
        check_graph(graph, target)

    simple = run("simplified", lambda: simplify(jaxpr), check_jaxpr, print_jaxpr)
    built = run("built", lambda: build(simple, target, InnerLowering(target)), check_graph, str)
    fused = run("fused", lambda: fuse(built, target), fits, str)
    cut = run("split", lambda: split(fused, target), fits, str) if target.split_reduce else fused
    program = run("scheduled", lambda: schedule(cut, donated), check_program, print_program)
    return Lowering(program, texts)


@dataclass(slots=True)
class InnerLowering:
    """Lowers the jaxprs that equations hold, through the same passes; an equal question is answered once."""

    target: Target
    made: dict[tuple[Jaxpr, frozenset[int], frozenset[int]], Program] = field(
        default_factory=dict[tuple[Jaxpr, frozenset[int], frozenset[int]], Program])

    def __call__(self, jaxpr: Jaxpr, donated: Collection[int], own: Collection[int]) -> Program:
        """The program of a sub-jaxpr."""
        key = jaxpr, frozenset(donated), frozenset(own)
        if key not in self.made:
            graph = fuse(separate(build(simplify(jaxpr), self.target, self), *key[1:]), self.target)
            if self.target.split_reduce:
                graph = split(graph, self.target)
            self.made[key] = schedule(graph, *key[1:])
            if config.flags.check:
                check_graph(graph, self.target)
                check_program(self.made[key])
        return self.made[key]
