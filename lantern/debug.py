"""Looking into running programs."""
from __future__ import annotations

import string
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lantern.callbacks import call_for_effect
from lantern.errors import ArgumentError
from lantern.flat import name_of
from lantern.source import user_source
from lantern.trace.array import is_host_array
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
    call_for_effect(_Print(fmt), "debug.print", args, kwargs, ordered)


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
