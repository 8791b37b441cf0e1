"""Bounded caches that can be cleared together."""
from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakSet

K = TypeVar("K")
V = TypeVar("V")

_caches: WeakSet[Any] = WeakSet()      # weak: a cache dies with the function it serves
_others: list[Callable[[], Any]] = []


class BoundedCache(Generic[K, V]):
    """A dictionary that drops its oldest quarter when full. Reading takes no lock."""

    __slots__ = ("__weakref__", "entries", "limit", "lock")

    def __init__(self, limit: int) -> None:
        self.entries: dict[K, V] = {}
        self.limit, self.lock = limit, threading.Lock()
        _caches.add(self)

    def get(self, key: K) -> V | None:
        """The entry, or None."""
        return self.entries.get(key)

    def put(self, key: K, value: V) -> V:
        """Keep `value`; returns it."""
        with self.lock:
            if len(self.entries) >= self.limit:
                for old in list(self.entries)[: self.limit // 4 + 1]:
                    self.entries.pop(old, None)     # `clear_caches` takes no lock
            self.entries[key] = value
        return value


def on_clear(clear: Callable[[], Any]) -> None:
    """`clear_caches` shall call this as well."""
    _others.append(clear)


def clear_caches() -> None:
    """Forget every compiled program and cached trace of the process; later calls compile again.

    >>> clear_caches()
    """
    for cache in list(_caches):
        cache.entries.clear()
    for clear in _others:
        clear()
