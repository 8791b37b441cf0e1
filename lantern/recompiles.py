"""Why functions were compiled again: the difference between kinds of calls, in words."""
from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from lantern import events
from lantern.caches import on_clear
from lantern.errors import RecompileError
from lantern.source import user_source


@dataclass(frozen=True, slots=True)
class Kind:
    """What a compilation of a function was for: names and types of its leaves, structure, static arguments, device."""

    types: tuple[tuple[str, str], ...]
    structure: str
    statics: tuple[tuple[str, str], ...]
    device: str
    environment: tuple[Any, ...]


_history: deque[tuple[str, tuple[str, ...]]] = deque(maxlen=256)
on_clear(_history.clear)


def record(name: str, before: Kind | None, now: Kind) -> None:
    """One more compilation of the function `name`."""
    if before is not None:
        reasons = difference(before, now)
        _history.append((name, reasons))
        events.emit("compile.again", name=name, reasons=reasons)


def difference(before: Kind, now: Kind) -> tuple[str, ...]:
    """What changed, one sentence a field.

    >>> a = Kind((("x", "f32[2]"),), "*", (), "cpu:0", ())
    >>> difference(a, Kind((("x", "f32[3]"),), "*", (), "cpu:0", ()))
    ('argument `x` was f32[2] and is f32[3]',)
    """
    reasons: list[str] = []
    old, new = dict(before.types), dict(now.types)
    reasons += [f"argument `{n}` was {old[n]} and is {t}" for n, t in new.items() if n in old and old[n] != t]
    reasons += [f"argument `{n}` is new" for n in new if n not in old]
    reasons += [f"argument `{n}` is gone" for n in old if n not in new]
    if before.structure != now.structure and not reasons:
        reasons.append(f"the structure of the arguments was {before.structure} and is {now.structure}")
    static = dict(before.statics)
    reasons += [f"static argument `{n}` was {static.get(n)} and is {v}" for n, v in now.statics if static.get(n) != v]
    if before.device != now.device:
        reasons.append(f"the device was {before.device} and is {now.device}")
    if before.environment != now.environment:
        reasons.append("x64 mode, a debug mode or the named axes in scope changed")
    return tuple(reasons) or ("the cache had forgotten this kind of call, or the trace captured a traced value",)


def over_budget(name: str, most: int, before: Iterable[Kind], now: Kind) -> RecompileError:
    """The error for a call that needs one more program than `max_compiles` allows: how it differs from the most similar
    one that there is a program for."""
    reasons = min([difference(kind, now) for kind in before], key=len)
    return RecompileError(
        f"{name}: max_compiles={most} and this call needs another program: {'; '.join(reasons)}. Give arguments of one "
        "shape and dtype (pad them), let a static argument be traced, or raise max_compiles")


_forbidden: ContextVar[bool] = ContextVar("lantern_no_compiles", default=False)


@contextmanager
def no_compiles() -> Generator[None]:
    """Inside the `with` block, in this thread, whatever would be traced or compiled anew raises RecompileError.

    For a loop whose first step has compiled all that the others need. Eager operations are programs, too.

    >>> import lantern, lantern.numpy as jnp
    >>> double = lantern.jit(lambda x: x * 2.0)
    >>> x, y = jnp.zeros(2), jnp.zeros(3)
    >>> _ = double(x)
    >>> with no_compiles():
    ...     _ = double(x)
    ...     double(y)
    Traceback (most recent call last):
    lantern.errors.RecompileError: jit(<lambda>): a compilation inside no_compiles(): argument `x` was f32[2] and ...
    """
    token = _forbidden.set(True)
    try:
        yield
    finally:
        _forbidden.reset(token)


def check_allowed(name: str, before: Iterable[Kind] = (), now: Kind | None = None) -> None:
    """Raises RecompileError inside `no_compiles`."""
    if _forbidden.get():
        differences = [] if now is None else [difference(kind, now) for kind in before]
        reasons = min(differences, key=len) if differences else ("it was not compiled before",)
        raise RecompileError(f"{name}: a compilation inside no_compiles(): {'; '.join(reasons)}, at {user_source()}. "
                             "Call it with such arguments before")


def explain_recompiles() -> str:
    """Why functions were compiled again, newest last: prints and returns the text.

    >>> import lantern, lantern.numpy as jnp
    >>> lantern.clear_caches()      # forgets the reasons as well
    >>> double = lantern.jit(lambda x: x * 2.0)
    >>> _ = double(jnp.zeros(2)), double(jnp.zeros(3))
    >>> text = explain_recompiles()
    jit(...) was compiled again: ...
    """
    lines = [f"{name} was compiled again: {'; '.join(reasons)}" for name, reasons in _history]
    text = "\n".join(lines) or "no function was compiled more than once"
    print(text)
    return text
