"""Looking into running programs: printing, callbacks and breakpoints inside them, NaNs, leaks, names, plain Python."""
from __future__ import annotations

import importlib
import os
import string
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from lantern import config, tree
from lantern.callbacks import call_for_effect
from lantern.errors import ArgumentError
from lantern.flat import name_of
from lantern.source import scoped, user_frame, user_source
from lantern.trace import context
from lantern.trace.array import is_host_array
from lantern.trace.staging import StagingTrace, Tracer
from lantern.tracebacks import boundary


@boundary
def callback(callback: Callable[..., Any], *args: Any, ordered: bool = False, **kwargs: Any) -> None:
    """Call `callback(*args, **kwargs)` where the program gets to this line, with arrays as read-only NumPy arrays.

    It works in `jit`, in loops and branches, under `vmap` (one call for each element) and under differentiation (the
    values, once; tangents are not shown). The calls of one program keep their order. The result is dropped; what the
    callback raises reaches the caller. `ordered=True` makes `vmap` an ArgumentError.

    >>> import lantern, lantern.numpy as jnp
    >>> seen = []
    >>> step = lantern.jit(lambda x: (callback(lambda v: seen.append(float(v)), x), x * 2.0)[1])
    >>> float(step(jnp.array(3.0))), seen
    (6.0, [3.0])
    """
    if not callable(callback):
        raise TypeError(f"debug.callback: wanted a function, got {callback!r}, at {user_source()}")
    call_for_effect(callback, name_of(callback), args, kwargs, ordered)


@boundary
def print(fmt: str, *args: Any, ordered: bool = False, **kwargs: Any) -> None:
    """Print `fmt.format(*args, **kwargs)` where the program gets to this line; arrays look as in NumPy.

    A format specification for an array applies to each element. Where and how often: as `callback`.

    Raises ArgumentError, at once, for a format that does not fit the arguments.

    >>> import lantern, lantern.numpy as jnp
    >>> step = lantern.jit(lambda x: (print("x = {x:.2f}, {}", "there", x=x), x * 2.0)[1])
    >>> y = step(jnp.array([1.0, 2.5]))
    x = [1.00 2.50], there
    """
    _check_format(fmt, args, kwargs)
    call_for_effect(_Print(fmt), "debug.print", args, kwargs, ordered, ours=True)


@boundary
def breakpoint(*args: Any, ordered: bool = False, **kwargs: Any) -> None:
    """Stop in the debugger. In eager code, and where values are known (under `grad`), in the frame of the caller.

    Inside `jit` and loops the program stops when it gets here, and the debugger sees `args` and `kwargs`, the arrays
    among them as NumPy arrays. `sys.breakpointhook` and `PYTHONBREAKPOINT` are respected, as by Python's `breakpoint`.

    >>> import lantern
    >>> hook, sys.breakpointhook = sys.breakpointhook, lambda: sys.stdout.write(str(sys._getframe(1).f_locals))
    >>> _ = lantern.jit(lambda x: (breakpoint(x=x), x)[1])(2.0)
    {'args': (), 'kwargs': {'x': array(2., dtype=float32)}}
    >>> sys.breakpointhook = hook
    """
    trace = context.current()
    while isinstance(trace, StagingTrace) and not trace.stage_all:
        trace = trace.parent
    if isinstance(trace, StagingTrace) or any([isinstance(x, Tracer) for x in tree.leaves((args, kwargs))]):
        call_for_effect(_stop, "debug.breakpoint", args, kwargs, ordered, ours=True)
    elif _has_hook():
        sys.breakpointhook()        # noqa: T100
    else:
        _debugger().set_trace(user_frame())


def _stop(*args: Any, **kwargs: Any) -> None:
    """Where a compiled program stops."""
    if _has_hook():
        sys.breakpointhook()        # noqa: T100
    else:
        _debugger().set_trace(sys._getframe())      # pyright: ignore[reportPrivateUsage]


def _has_hook() -> bool:
    return sys.breakpointhook is not sys.__breakpointhook__ or "PYTHONBREAKPOINT" in os.environ


def _debugger() -> Any:
    module: Any = importlib.import_module("pdb")    # slow to import, and rarely wanted
    return module.Pdb()


def debug_nans(new_val: bool = True) -> AbstractContextManager[None]:
    """Inside the `with` block an operation or compiled function whose result holds a NaN raises.

    The error names the equation that made it of operands without one, its line, also "in the gradient of" a line, the
    shapes and the numbers. The results are looked at after each call, in a compiled function only those that leave it;
    then the function runs once more on the reference, without its effects. For the whole process:
    `lantern.config.update("debug_nans", True)` or `LANTERN_DEBUG_NANS=1`.

    Raises NonFiniteError, a FloatingPointError.

    >>> import lantern, lantern.numpy as jnp
    >>> with debug_nans():
    ...     lantern.jit(lambda x: jnp.log(x) + 1.0)(jnp.array([1.0, -1.0]))
    Traceback (most recent call last):
    lantern.errors.NonFiniteError: log made a NaN: f32[2] = log f32[2], log(-1.0) = nan at index (1,), at ...
    """
    return config.switched("debug_nans", new_val)


def checked_indexing(new_val: bool = True) -> AbstractContextManager[None]:
    """Inside the `with` block a position that is out of range raises, also one in an array on a device.

    Without it such positions follow the documented mode in silence: reads are moved to the nearest end, writes are
    dropped. Compiled functions hold the checks if they are called inside the block; a GPU goes on, and the error comes
    when somebody next waits for a result. What asks for a mode (`mode="clip"`) is not checked. For the whole process:
    `lantern.config.update("checked_indexing", True)` or `LANTERN_CHECKED_INDEXING=1`.

    Raises IndexError with the position, the axis, its size and the line.

    >>> import lantern, lantern.numpy as jnp
    >>> with checked_indexing():
    ...     lantern.jit(lambda x, i: x[i])(jnp.arange(3), jnp.array(7)).block_until_ready()
    Traceback (most recent call last):
    IndexError: getitem: index 7 is out of range for axis 0 of i32[3] (size 3), at ...
    """
    return config.switched("checked_indexing", new_val)


def debug_infs(new_val: bool = True) -> AbstractContextManager[None]:
    """As `debug_nans`, for infinities.

    >>> import lantern, lantern.numpy as jnp
    >>> with debug_infs():
    ...     jnp.array(1.0) / 0.0
    Traceback (most recent call last):
    lantern.errors.NonFiniteError: div made an infinity: f32*[] = div f32*[], ..., div(1.0, 0.0) = inf, at ...
    """
    return config.switched("debug_infs", new_val)


def debug_key_reuse(new_val: bool = True) -> AbstractContextManager[None]:
    """Inside the `with` block a random key that is used twice raises: by `split`, `bits` or a sampler.

    Looking at a key (`key_data`), moving it and `fold_in` do not use it, and `clone` makes a new one of it. Compiled
    functions are looked through before they run, for keys that every step of a loop uses, too, and for copies of one
    key in an array. Raw keys (`PRNGKey`) are not followed, nor are keys at positions that are not known. For the whole
    process: `lantern.config.update("debug_key_reuse", True)` or `LANTERN_DEBUG_KEY_REUSE=1`.

    Raises KeyReuseError with both lines.

    >>> import lantern
    >>> from lantern import random
    >>> with debug_key_reuse():
    ...     lantern.jit(lambda key: random.normal(key) + random.uniform(key))(random.key(0))
    Traceback (most recent call last):
    lantern.errors.KeyReuseError: uniform: a key that normal at ... has used is used again, at ...
    """
    return config.switched("debug_key_reuse", new_val)


key_reuse = debug_key_reuse


def disable_jit(disable: bool = True) -> AbstractContextManager[None]:
    """Inside the `with` block `jit` does nothing, and loops and branches run as Python: debuggers see values.

    For the whole process: `lantern.config.update("disable_jit", True)` or `LANTERN_DISABLE_JIT=1`.

    >>> import lantern
    >>> with disable_jit():
    ...     lantern.jit(lambda x: x if x > 0 else -x)(-2.0)
    2.0
    """
    return config.switched("disable_jit", disable)


def check_tracer_leaks(new_val: bool = True) -> AbstractContextManager[None]:
    """Inside the `with` block a traced value that outlives its trace raises when the trace ends.

    The error names the line that made it and who holds it. Slow: the garbage collector runs after every trace.

    Raises EscapedTracerError.

    >>> import lantern
    >>> def f(x, kept=[]):
    ...     kept.append(x)
    ...     return x
    >>> with check_tracer_leaks():
    ...     lantern.jit(f)(1.0)
    Traceback (most recent call last):
    lantern.errors.EscapedTracerError: jit(f) has returned and f32*[], made at ..., is still held by ...
    """
    return config.switched("check_tracer_leaks", new_val)


def named_scope(name: str) -> AbstractContextManager[None]:
    """Operations traced inside the `with` block, or in the decorated function, carry `name` beside their line.

    It appears in jaxprs, in the comments of kernels and in errors; scopes nest (`encoder/attention`).

    >>> import lantern
    >>> @named_scope("gate")
    ... def double(x):
    ...     return x * 2.0
    >>> "(gate)" in str(lantern.make_jaxpr(double)(1.0))
    True
    """
    if not isinstance(name, str) or not name:       # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"named_scope: wanted a name (str), got {name!r}, at {user_source()}")
    return scoped(name)


class _Print:
    """Prints its arguments. Equal for equal formats, so that programs that print can be shared."""

    __slots__ = ("fmt",)

    def __init__(self, fmt: str) -> None:
        self.fmt = fmt

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        sys.stdout.write(_FORMATTER.vformat(self.fmt, args, kwargs) + "\n")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Print) and other.fmt == self.fmt

    def __hash__(self) -> int:
        return hash(self.fmt)


class _Formatter(string.Formatter):
    """`str.format` whose specifications apply to the elements of arrays."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if is_host_array(value) and value.ndim and format_spec:
            return np.array2string(np.asarray(value), formatter={"all": lambda x: format(x, format_spec)})
        return format(value, format_spec)


class _Checker(string.Formatter):
    """Formats nothing; sees that every field has an argument and every argument a field."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return ""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        first = field_name.replace("[", ".").split(".")[0]
        key = int(first) if first.isdecimal() else first
        return self.get_value(key, args, kwargs), key

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        return value

    def check_unused_args(self, used_args: set[int | str], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        unused = [str(k) for k in [*range(len(args)), *kwargs] if k not in used_args]
        if unused:
            raise LookupError(f"argument {', '.join(unused)} is not used")


_FORMATTER, _CHECKER = _Formatter(), _Checker()


def _check_format(fmt: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    try:
        _CHECKER.vformat(fmt, args, kwargs)
    except (LookupError, ValueError) as error:
        reason = error.args[0] if error.args else error
        raise ArgumentError(f"debug.print: the format {fmt!r} does not fit the arguments: {reason}, at "
                            f"{user_source()}. Write '{{}}' for each argument and '{{name}}' for each keyword (an "
                            "f-string would print tracers: pass the values as arguments)") from None
