"""Ctrl-C comes between commands, not amid one: half a recording would leave arrays without their values."""
from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

signal: Any = importlib.import_module("_signal")    # without the wrappers that turn numbers into enums, which cost 9 us

_SIGINT = int(signal.SIGINT)
_MAIN = threading.main_thread()
_Handler = Callable[[int, FrameType | None], Any]
_heard: list[tuple[_Handler, int, FrameType | None]] = []


class Deferred:
    """Inside the `with` block SIGINT is only noted; `hear`, or the end of the block, lets it happen.

    Python runs handlers in the main thread alone, so other threads have nothing to defer. A block inside another one,
    and a signal that is ignored or handled outside Python, are left alone.
    """

    __slots__ = ("handler",)

    def __init__(self) -> None:
        self.handler: _Handler | None = None

    def __enter__(self) -> None:
        if threading.current_thread() is not _MAIN:
            return
        handler = signal.getsignal(_SIGINT)
        if not callable(handler) or getattr(handler, "__func__", None) is Deferred._note:
            return
        self.handler = handler
        signal.signal(_SIGINT, self._note)

    def __exit__(self, *_: object) -> None:
        if self.handler is not None:
            signal.signal(_SIGINT, self.handler)
            hear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        assert self.handler is not None, "internal: an interruption was deferred outside a block"
        _heard.append((self.handler, number, frame))


class Undeferred:
    """Inside the `with` block, which is inside a `Deferred` one, SIGINT is handled as outside of that."""

    __slots__ = ("_note",)

    def __init__(self) -> None:
        self._note: Any = None

    def __enter__(self) -> None:
        if threading.current_thread() is not _MAIN:
            return
        note = signal.getsignal(_SIGINT)
        deferred: Any = getattr(note, "__self__", None)
        if isinstance(deferred, Deferred):
            signal.signal(_SIGINT, deferred.handler)
            self._note = note
            hear()

    def __exit__(self, *_: object) -> None:
        if self._note is not None:
            signal.signal(_SIGINT, self._note)


def hear() -> None:
    """Where stopping does no harm: what was noted happens now."""
    if _heard and threading.current_thread() is _MAIN:
        handler, number, frame = _heard.pop()
        _heard.clear()
        handler(number, frame)
