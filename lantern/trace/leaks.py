"""`check_tracer_leaks`: which tracers outlive their trace, and who holds them."""
from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from types import CellType, FrameType, FunctionType
from typing import Any
from weakref import ref

from lantern.errors import EscapedTracerError
from lantern.source import is_internal

STEPS = 500     # objects looked at on the way to a name


def check_no_leaks(made: Sequence[ref[Any]], title: str) -> None:
    """Raises EscapedTracerError, with the line that made it and who holds it, if one of a closed trace is alive."""
    gc.collect()
    alive = [x for r in made if (x := r()) is not None]
    if alive:
        x = alive[0]
        more = f" (and {len(alive) - 1} more)" if len(alive) > 1 else ""
        raise EscapedTracerError(
            f"{title} has returned and {x.aval}, made at {x.source}, is still held{more} by {held_by(x, [alive])}. "
            "Return it (has_aux=True), or store float(x) or lantern.device_get(x) instead of x.")


def held_by(x: Any, ours: Sequence[Any]) -> str:
    """A chain of references from a name that the user knows to x, such as `cache['w'] in model.py (module model)`."""
    seen = {id(x), *[id(o) for o in ours]}
    names = _running()
    level: list[tuple[Any, str]] = [(x, "")]
    while level and len(seen) < STEPS:
        following: list[tuple[Any, str]] = []
        for held, path in level:
            if id(held) in names:
                return f"`{names[id(held)][0]}{path}` {names[id(held)][1]}"
            for holder in gc.get_referrers(held):
                if id(holder) in seen or isinstance(holder, FrameType) or holder is level or holder is following:
                    continue
                seen.add(id(holder))
                found = _named(holder, held, path)
                if found:
                    return found
                following.append((holder, _step(holder, held) + path))
        level = [pair for pair in following if pair[0] is not level]
    return "an object that has no name"


def _running() -> dict[int, tuple[str, str]]:
    """Local variables of the user's functions that are still running: the collector does not see those."""
    found: dict[int, tuple[str, str]] = {}
    for frame in _frames():
        if not is_internal(frame.f_code.co_filename) and frame.f_locals is not frame.f_globals:
            for name, value in list(frame.f_locals.items()):
                found.setdefault(id(value), (name, f"of {frame.f_code.co_name}, which is running"))
    return found


def _frames() -> Iterator[FrameType]:
    frame = sys._getframe(1)        # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        yield frame
        frame = frame.f_back


def _named(holder: Any, held: Any, path: str) -> str:
    """The end of the chain, if the holder is one: a module, or a function's closure or default."""
    if isinstance(holder, dict):
        for module in list(sys.modules.values()):
            if getattr(module, "__dict__", None) is holder:
                return f"`{_step(holder, held)[2:-2]}{path}` of the module {module.__name__}"
    if isinstance(holder, CellType):
        for function in gc.get_referrers(holder):
            if isinstance(function, tuple):
                function = next((f for f in gc.get_referrers(function) if isinstance(f, FunctionType)), None)
            if isinstance(function, FunctionType) and holder in (function.__closure__ or ()):
                name = function.__code__.co_freevars[(function.__closure__ or ()).index(holder)]
                return f"`{name}{path}`, a variable of the closure of {function.__qualname__}"
    return ""


def _step(holder: Any, held: Any) -> str:
    """How the holder names what it holds."""
    if isinstance(holder, dict):
        return next((f"[{k!r}]" for k, v in holder.items() if v is held), "")       # pyright: ignore[reportUnknownVariableType]
    if isinstance(holder, (list, tuple)):
        return next((f"[{i}]" for i, v in enumerate(holder) if v is held), "")      # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(holder, CellType):
        return ""
    names = [n for n in dir(holder) if not n.startswith("__") and n in getattr(holder, "__dict__", {})]
    return next((f".{n}" for n in names if getattr(holder, n) is held), f" in a {type(holder).__name__}")
