"""Timing contenders side by side: in turns, so that whatever else the machine does hits all of them alike."""
from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

BATCH_SECONDS = 0.01    # one turn: long against the clock, short against changes of the machine's mood


@dataclass(frozen=True, slots=True)
class Contender:
    """What is timed. `call` may return before its work is done; `wait` gets the last result and waits for it."""

    call: Callable[[], Any]
    wait: Callable[[Any], Any] = lambda _: None


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds a call: the least of all turns, and the median."""

    least: float
    median: float


def race(contenders: Mapping[str, Contender], seconds: float) -> dict[str, Timing]:
    """Times all contenders in turns for about `seconds` each; at least three turns."""
    counts = {name: _batch(c) for name, c in contenders.items()}
    turns: dict[str, list[float]] = {name: [] for name in contenders}
    end = time.perf_counter() + seconds * len(contenders)
    while time.perf_counter() < end or min([len(t) for t in turns.values()]) < 3:
        for name, contender in contenders.items():
            turns[name].append(_turn(contender, counts[name]))
    return {name: Timing(min(t), statistics.median(t)) for name, t in turns.items()}


def _batch(contender: Contender) -> int:
    """How many calls make a turn."""
    _turn(contender, 2)     # compiles, touches memory
    count = 1
    while count < 1 << 16 and _turn(contender, count) * count < BATCH_SECONDS:
        count *= 2
    return count


def _turn(contender: Contender, count: int) -> float:
    call = contender.call
    start = time.perf_counter()
    result = None
    for _ in range(count):
        result = call()
    contender.wait(result)
    return (time.perf_counter() - start) / count


def shown(seconds: float) -> str:
    """A duration for people.

    >>> shown(0.0123), shown(4.5e-6)
    ('12.3 ms', '4.50 us')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:#.3g} us"
