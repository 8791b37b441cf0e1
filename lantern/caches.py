"""Bounded caches that can be cleared together."""
from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_all: list[Callable[[], None]] = []


class BoundedCache(Generic[K, V]):
    """A dictionary that drops its oldest quarter when full. Reading takes no lock."""

    __slots__ = ("entries", "limit", "lock")

    def __init__(self, limit: int) -> None:
        self.entries: dict[K, V] = {}
        self.limit, self.lock = limit, threading.Lock()
        on_clear(self.entries.clear)

    def get(self, key: K) -> V | None:
        """The entry, or None."""
        return self.entries.get(key)

    def put(self, key: K, value: V) -> V:
        """Keep `value`; returns it."""
        with self.lock:
            if len(self.entries) >= self.limit:
                for old in list(self.entries)[: self.limit // 4 + 1]:
                    del self.entries[old]
            self.entries[key] = value
        return value


def on_clear(clear: Callable[[], Any]) -> None:
    """`clear_caches` shall call this as well."""
    _all.append(clear)


def clear_caches() -> None:
    """Forget every compiled program and cached trace of the process; later calls compile again.

    >>> clear_caches()
    """
    for clear in _all:
        clear()
