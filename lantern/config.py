"""Every setting, in one table. Environment variables `LANTERN_*` give the first values; unknown ones warn."""
from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Mode:
    """How closely programs are watched: part of every cache key, so that nothing costs anything while all is off."""

    debug_nans: bool = False
    debug_infs: bool = False
    disable_jit: bool = False
    check_tracer_leaks: bool = False
    strict_promotion: bool = False
    checked_indexing: bool = False
    debug_key_reuse: bool = False


@dataclass(slots=True)
class Flags:
    """The settings in force. Change them with `update`."""

    enable_x64: bool = False
    check: bool = False
    device: str = ""
    traceback: str = "short"
    limits: str = ""
    require_adapter: bool = False
    log_compiles: bool = False
    mode: Mode | None = None        # None: all of it off


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: its variable, how the text is read, and what it does."""

    variable: str
    field: str
    read: Callable[[str], Any]
    meaning: str


def _boolean(text: str) -> bool:
    if text.lower() in ("1", "true", "on", "yes"):
        return True
    if text.lower() in ("0", "false", "off", "no", ""):
        return False
    raise ValueError(f"wanted 0 or 1, got {text!r}")


def _traceback(text: str) -> str:
    if text not in ("short", "full"):
        raise ValueError(f"wanted short or full, got {text!r}")
    return text


def _promotion(text: str) -> bool:
    if text not in ("standard", "strict"):
        raise ValueError(f"numpy_dtype_promotion: wanted standard or strict, got {text!r}")
    return text == "strict"


SETTINGS: tuple[Setting, ...] = (
    Setting("LANTERN_ENABLE_X64", "enable_x64", _boolean, "64-bit types are the default on the CPU"),
    Setting("LANTERN_CHECK", "check", _boolean, "every compiler pass is followed by its checker"),
    Setting("LANTERN_DEVICE", "device", str, "the default device: cpu, gpu, or a part of an adapter's name"),
    Setting("LANTERN_TRACEBACK", "traceback", _traceback, "full: keep lantern's own frames in tracebacks"),
    Setting("LANTERN_LIMITS", "limits", str, "lower a GPU's limits, for tests: max-buffer-size=1024,..."),
    Setting("LANTERN_REQUIRE_ADAPTER", "require_adapter", _boolean, "tests: a missing GPU adapter is a failure"),
    Setting("LANTERN_LOG_COMPILES", "log_compiles", _boolean, "log each compilation with its time"),
    Setting("LANTERN_DEBUG_NANS", "debug_nans", _boolean, "an operation that makes a NaN raises"),
    Setting("LANTERN_CHECKED_INDEXING", "checked_indexing", _boolean, "a position out of range raises"),
    Setting("LANTERN_DEBUG_KEY_REUSE", "debug_key_reuse", _boolean, "a random key that is used twice raises"),
    Setting("LANTERN_DEBUG_INFS", "debug_infs", _boolean, "an operation that makes an infinity raises"),
    Setting("LANTERN_DISABLE_JIT", "disable_jit", _boolean, "jit and loops run as plain Python"),
    Setting("LANTERN_CHECK_TRACER_LEAKS", "check_tracer_leaks", _boolean, "a tracer that outlives its trace raises"),
    Setting("LANTERN_NUMPY_DTYPE_PROMOTION", "numpy_dtype_promotion", str,
            "strict: operands of different dtypes raise (standard: they are promoted)"),
)


_MODES = tuple([f.name for f in fields(Mode)])
_NAMES = (*[f.name for f in fields(Flags) if f.name != "mode"], *[n for n in _MODES if n != "strict_promotion"],
          "numpy_dtype_promotion")


def _set(target: Flags, name: str, value: Any) -> None:
    if name == "numpy_dtype_promotion":
        name, value = "strict_promotion", _promotion(value)
    if name not in _MODES:
        setattr(target, name, value)
        return
    mode = replace(target.mode or Mode(), **{name: bool(value)})
    target.mode = None if mode == Mode() else mode


def read_environment(environment: dict[str, str]) -> Flags:
    """The flags that an environment asks for.

    Raises ValueError for a value that cannot be read; unknown LANTERN_ variables warn.

    >>> read_environment({"LANTERN_ENABLE_X64": "1"}).enable_x64
    True
    """
    found = Flags()
    known = {s.variable: s for s in SETTINGS}
    for name, text in environment.items():
        if not name.startswith("LANTERN_"):
            continue
        setting = known.get(name)
        if setting is None:
            warnings.warn(f"{name} is no setting of lantern; it has {', '.join(known)}", stacklevel=2)
            continue
        try:
            _set(found, setting.field, setting.read(text))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return found


flags = read_environment(dict(os.environ))


def update(name: str, value: Any) -> None:
    """Change a setting for the rest of the process; `name` is a field of `Flags` or of `Mode`, or JAX's name for it,
    which begins with `jax_`.

    Raises ValueError for a name that is none.

    >>> update("check", flags.check)
    """
    name = name.removeprefix("jax_")
    if name not in _NAMES:
        raise ValueError(f"config has no setting {name!r}; it has {', '.join(_NAMES)}")
    _set(flags, name, value)


local_mode: ContextVar[Mode | None] = ContextVar("lantern_mode", default=None)


def mode() -> Mode | None:
    """The mode of this thread: that of the innermost `with` block, else that of the process."""
    return local_mode.get() or flags.mode


@contextmanager
def switched(name: str, value: bool) -> Generator[None]:
    """One field of the mode has another value inside the `with` block, in this thread."""
    token = local_mode.set(replace(mode() or Mode(), **{name: bool(value)}))
    try:
        yield
    finally:
        local_mode.reset(token)


def numpy_dtype_promotion(value: str) -> AbstractContextManager[None]:
    """How operands of different dtypes meet inside the `with` block: "standard" (promoted, as in JAX) or "strict"
    (PromotionError; Python numbers still take the dtype beside them).

    Raises ValueError for another word.

    >>> import numpy as np
    >>> import lantern.numpy as jnp
    >>> with numpy_dtype_promotion("strict"):
    ...     jnp.add(np.float32(1), np.int32(2))
    Traceback (most recent call last):
    lantern.errors.PromotionError: add: strict promotion: f32[] and i32[] have different dtypes, ...
    """
    return switched("strict_promotion", _promotion(value))


@contextmanager
def enable_x64(new_val: bool = True) -> Generator[None]:
    """64-bit types are the default on the CPU inside the `with` block (in all threads), or with False they are not.

    >>> import lantern.numpy as jnp
    >>> with enable_x64():
    ...     jnp.zeros(2, device="cpu").dtype
    dtype('float64')
    """
    before = flags.enable_x64
    flags.enable_x64 = bool(new_val)
    try:
        yield
    finally:
        flags.enable_x64 = before


def strict_promotion() -> bool:
    """Whether operands of different dtypes raise.

    >>> strict_promotion()
    False
    """
    now = mode()
    return now is not None and now.strict_promotion


def jit_disabled() -> bool:
    """Whether `jit` and loops shall run as plain Python here.

    >>> jit_disabled()
    False
    """
    now = mode()
    return now is not None and now.disable_jit
