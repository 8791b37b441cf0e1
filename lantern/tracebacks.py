"""Tracebacks that end at the user's line: lantern's own frames are cut out unless LANTERN_TRACEBACK=full."""
from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from lantern import config
from lantern.source import is_internal

P = ParamSpec("P")
R = TypeVar("R")


def filtered(tb: TracebackType | None) -> TracebackType | None:
    """The same traceback without frames of lantern; all of it if nothing else is there."""
    kept: list[TracebackType] = []
    at = tb
    while at is not None:
        if not is_internal(at.tb_frame.f_code.co_filename):
            kept.append(at)
        at = at.tb_next
    chain: TracebackType | None = None
    for t in reversed(kept):
        chain = TracebackType(chain, t.tb_frame, t.tb_lasti, t.tb_lineno)
    return chain


def boundary(f: Callable[P, R]) -> Callable[P, R]:
    """For public functions: an exception that leaves `f` shows the user's frames.

    This function's own frame stays, since Python adds it while the exception passes.
    """

    @wraps(f)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        __tracebackhide__ = True
        try:
            return f(*args, **kwargs)
        except Exception as error:
            shorten(error)
            raise

    return wrapped


def shorten(error: BaseException) -> None:
    """Cut lantern's frames out of an exception on its way, and out of those it came from."""
    if config.flags.traceback == "full":
        return
    seen: set[int] = set()
    pending: list[Any] = [error]
    while pending:
        at = pending.pop()
        if at is not None and id(at) not in seen:
            seen.add(id(at))
            at.__traceback__ = filtered(at.__traceback__)
            pending += [at.__cause__, at.__context__]
