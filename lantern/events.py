"""What happens inside, for whoever listens: the board, logs, tests. Nobody listening costs one test of a list."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: `kind` is a dotted name such as `compile.end`; `data` is plain values."""

    kind: str
    data: dict[str, Any] = field(default_factory=dict[str, Any])


Listener = Callable[[Event], None]
_listeners: list[Listener] = []


def subscribe(listener: Listener) -> Callable[[], None]:
    """Call `listener` with every event from now on; the returned function ends it.

    >>> seen = []
    >>> end = subscribe(lambda event: seen.append(event.kind))
    >>> emit("compile.end"); end(); emit("compile.end"); seen
    ['compile.end']
    """
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def emit(kind: str, **data: Any) -> None:
    """Tell everybody who listens."""
    if _listeners:
        event = Event(kind, data)
        for listener in list(_listeners):
            listener(event)
