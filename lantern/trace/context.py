"""The current trace, asked by every operation; the slot through which eager operations run; named axes in scope."""
from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Protocol

from lantern.errors import ArgumentError
from lantern.source import Source, user_source
from lantern.trace.array import is_array, is_host_array
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.jaxpr import Literal
from lantern.trace.primitive import Primitive, Value


class Trace(Protocol):
    """Where operations go: evaluated at once, or recorded."""

    live: bool

    @property
    def parent(self) -> Trace | None:
        """The trace outside this one."""
        ...

    def bind(self, primitive: Primitive, args: Sequence[Value], params: Mapping[str, Any],
             source: Source | None = None) -> Sequence[Value]:
        """Apply a primitive."""
        ...

    def at(self, source: Source | None) -> None:
        """What is bound next belongs to this line."""
        ...


EagerRun = Callable[[Primitive, Sequence[Value], Mapping[str, Any], Source | None], Sequence[Value]]


class EagerTrace:
    """The outermost trace: an operation runs where it is bound, through the slot that `install_eager` fills."""

    parent: Trace | None = None
    live = True
    run: EagerRun | None = None

    def bind(self, primitive: Primitive, args: Sequence[Value], params: Mapping[str, Any],
             source: Source | None = None) -> Sequence[Value]:
        """Run one operation now."""
        assert self.run is not None, "internal: install_eager was not called"
        try:
            return self.run(primitive, args, params, source)
        except Exception as error:
            if source is not None:
                error.add_note(f"while evaluating {primitive.name}, written at {source}")
            raise

    def at(self, source: Source | None) -> None:
        """Lines are found on the stack here."""


EAGER = EagerTrace()
_current: ContextVar[Trace] = ContextVar("lantern_trace", default=EAGER)


def install_eager(run: EagerRun) -> None:
    """Give operations outside any trace their meaning. Called once, at import."""
    EAGER.run = run


def current() -> Trace:
    """The innermost trace of this thread (or copied context)."""
    return _current.get()


def enter(trace: Trace) -> Any:
    """Make `trace` current; give the result to `leave`."""
    return _current.set(trace)


def leave(token: Any) -> None:
    """Undo `enter`."""
    _current.reset(token)


@contextmanager
def entered(trace: Trace) -> Generator[None]:
    """`trace` is current inside the `with` block."""
    token = _current.set(trace)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def ensure_compile_time_eval() -> Generator[None]:
    """Inside the `with` block operations run at once, also while a function is traced: their operands must have values.

    >>> import lantern, lantern.numpy as jnp
    >>> @lantern.jit
    ... def f(x):
    ...     with ensure_compile_time_eval():
    ...         n = int(jnp.sum(jnp.arange(4)))
    ...     return x * n
    >>> float(f(2.0))
    12.0
    """
    with entered(EAGER):
        yield


def bind(primitive: Primitive, *args: Value, **params: Any) -> Sequence[Value]:
    """Apply a primitive in the current trace."""
    return _current.get().bind(primitive, args, params)


def bind1(primitive: Primitive, *args: Value, **params: Any) -> Value:
    """Apply a primitive with one result."""
    return _current.get().bind(primitive, args, params)[0]


def typeof(x: Value) -> ShapedArray:
    """The aval of an array, a literal, a NumPy array or scalar.

    >>> import numpy as np
    >>> str(typeof(np.zeros((2, 3), "float32")))
    'f32[2,3]'
    """
    if is_array(x) or isinstance(x, Literal):
        return x.aval
    if is_host_array(x):
        return shaped(x.shape, x.dtype)
    raise TypeError(f"{type(x).__name__} is not an array: {x!r}")


_axes: ContextVar[Mapping[Hashable, int]] = ContextVar("lantern_axes", default=MappingProxyType({}))


def axis_size(name: Hashable) -> int:
    """The size of a named axis in scope.

    Raises ArgumentError if no enclosing vmap has an axis of this name.
    """
    axes = _axes.get()
    if name not in axes:
        known = ", ".join(map(repr, axes)) or "none"
        raise ArgumentError(f"no axis is named {name!r} here (in scope: {known}), at {user_source()}. "
                            f"Name it with vmap(..., axis_name={name!r})")
    return axes[name]


def axes_in_scope() -> tuple[tuple[Hashable, int], ...]:
    """The named axes, for cache keys."""
    return tuple(_axes.get().items())


@contextmanager
def extended_axes(name: Hashable | None, size: int) -> Generator[None]:
    """Inside the `with` block an axis of this name (None: nothing) is in scope."""
    if name is None:
        yield
        return
    token = _axes.set({**_axes.get(), name: size})
    try:
        yield
    finally:
        _axes.reset(token)
