"""Tracing: recording operations, and values on demand.

A trace is given the values of some of its inputs (grad: its arguments; jit, vmap and loop bodies: none; a jvp: the
primals, not the tangents). A value is known when every input it depends on is known. What a trace computes on demand it
computes in its parent trace; hence the parent can differentiate it, stage it or refuse.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar
from weakref import ref

import numpy as np

from lantern import config
from lantern.errors import EscapedTracerError, LanternError, ShapeError, TracerConversionError, UnknownValueError
from lantern.source import Source, user_source
from lantern.trace import context
from lantern.trace.array import Array, is_host_array
from lantern.trace.aval import ShapedArray
from lantern.trace.context import Trace, typeof
from lantern.trace.jaxpr import (
    Atom,
    Eqn,
    Input,
    Jaxpr,
    Literal,
    Var,
    axis_names,
    needed_eqns,
    silenced,
    subjaxprs,
)
from lantern.trace.leaks import check_no_leaks
from lantern.trace.primitive import Inline, Primitive, Structured, Value

E = TypeVar("E", bound=LanternError)


class _UnknownInputs(Exception):
    """Says which inputs of which trace are not known; the tracer that was looked at makes the message."""


def frozen(x: Any) -> np.ndarray[Any, Any]:
    """An array that nobody can change: x itself if it is one, else a copy."""
    if type(x) is np.ndarray and not x.flags.writeable and x.base is None:
        return x
    copied = np.array(x)
    copied.setflags(write=False)
    return copied


class StagingTrace:
    """Records equations. `values` maps a variable to its value *in the parent trace*, once that is known.

    `stage_all` false: an equation with no operand of this trace goes to the parent, unless it speaks of a named axis.
    """

    def __init__(self, title: str, parent: Trace, stage_all: bool) -> None:
        self.title, self.parent, self.stage_all, self.live = title, parent, stage_all, True
        self.source: Source | None = None       # set by a transform: the line of the equation it is at
        self.eqns: list[Eqn] = []
        self.producer: dict[Var, int] = {}
        self.values: dict[Var, Value] = {}
        self.captured: dict[int, tuple[Var, Value]] = {}    # by id; the value is held, so the id stays its own
        self.names: dict[Var, str] = {}                     # of inputs, for messages
        self.cut: Source | None = None                      # where a value was last taken out as a Python number
        self.made: list[ref[Tracer]] | None = None          # all tracers, if somebody asks which outlive the trace

    def at(self, source: Source | None) -> None:
        """What is bound next inherits this line."""
        self.source = source

    def new_input(self, aval: ShapedArray, name: str, source: Source | None,
                  axes: tuple[str, ...] | None = None) -> Tracer:
        """One more argument, with names of its axes if the user has given them."""
        var = Var(aval) if axes is None else Input(aval, axes)
        self.names[var] = name
        return Tracer(self, var, source)

    def atom(self, x: Value) -> Atom:
        """What stands for x in this trace's equations."""
        if type(x) is Tracer:
            if x.trace is self:
                return x.variable
            if not is_ancestor(x.trace, self):
                raise misplaced(x)
        elif type(x) is Literal:
            return x
        elif is_host_array(x):
            x = frozen(x)   # evaluation is late and the user may refill this buffer: read it now, and again at next use
        entry = self.captured.get(id(x))
        if entry is None:
            entry = self.captured[id(x)] = (Var(typeof(x)), x)
            self.values[entry[0]] = x
        return entry[0]

    def bind(self, primitive: Primitive, args: Sequence[Value], params: Mapping[str, Any],
             source: Source | None = None) -> Sequence[Value]:
        """Record one equation, or hand it to the parent if nothing here is of this trace."""
        if not self.live:
            raise EscapedTracerError(f"{primitive.name} was called under {self.title}, which has already returned")
        if (not self.stage_all and not any([type(a) is Tracer and a.trace is self for a in args])
                and not axis_names(params)):
            return self.parent.bind(primitive, args, params, source)
        source = source or self.source or user_source()
        if not self.stage_all and acts(primitive, params) and self.knows(args):
            return self.act(primitive, args, params, source)
        atoms = tuple([self.atom(a) for a in args])
        try:
            outs = tuple([Var(aval) for aval in primitive.abstract(*[a.aval for a in atoms], **params)])
        except ShapeError as error:
            raise with_line(error, source) from None
        index = len(self.eqns)
        self.eqns.append(Eqn(primitive, atoms, params, outs, source))
        for v in outs:
            self.producer[v] = index
        return [Tracer(self, v, source) for v in outs]

    def knows(self, args: Sequence[Value]) -> bool:
        """Whether all values are at hand while the user's function runs, up to the outermost trace."""
        mine = [a.variable for a in args if type(a) is Tracer and a.trace is self]
        if self.stage_all or any([self.slice(v)[1] for v in mine]):
            return False
        outer = [a for a in args if type(a) is not Tracer or a.trace is not self]
        parent = self.parent
        return not isinstance(parent, StagingTrace) or parent.knows([*outer, *map(self.value_of, mine)])

    def act(self, primitive: Primitive, args: Sequence[Value], params: Mapping[str, Any],
            source: Source | None) -> Sequence[Value]:
        """Bind an effect in the parent now: so it happens once, between the other effects of the user's function.

        What is recorded has the results already. If it is differentiated it runs again, in silence.
        """
        atoms = tuple([self.atom(a) for a in args])
        values = [a if type(a) is Literal else self.value_of(a) for a in atoms]     # pyright: ignore[reportArgumentType]
        outs = self.parent.bind(primitive, values, params, source)
        e = Eqn(primitive, atoms, silenced(params), tuple([Var(typeof(x)) for x in outs]), source)
        if outs:
            self.eqns.append(e)
            self.producer.update(dict.fromkeys(e.outvars, len(self.eqns) - 1))
            self.values.update(zip(e.outvars, outs, strict=True))
        return [Tracer(self, v, source) for v in e.outvars]

    def evaluate(self, e: Eqn) -> None:
        """Bind one equation in the parent and keep its results."""
        args = [a if type(a) is Literal else self.values[a] for a in e.invars]  # pyright: ignore[reportArgumentType]
        self.values.update(zip(e.outvars, self.parent.bind(e.primitive, args, e.params, e.source), strict=True))

    def value_of(self, var: Var) -> Value:
        """The parent's value of `var`: runs the equations it depends on and that have not run before, in order."""
        if var not in self.values:
            indices, unknown = self.slice(var)
            if unknown:
                raise _UnknownInputs(f"{', '.join([self.names[v] for v in unknown])} of {self.title}")
            for i in sorted(indices):
                self.evaluate(self.eqns[i])
        return self.values[var]

    def slice(self, var: Var) -> tuple[set[int], list[Var]]:
        """Indices of the equations to run for `var`, and the inputs without value that it depends on."""
        indices: set[int] = set()
        unknown: dict[Var, None] = {}
        stack = [var]
        while stack:
            v = stack.pop()
            if v in self.values:
                continue
            i = self.producer.get(v)
            if i is None:
                unknown[v] = None
            elif i not in indices:
                indices.add(i)
                stack.extend([a for a in self.eqns[i].invars if isinstance(a, Var)])
        return indices, list(unknown)

    def close(self) -> None:
        """A tracer that escapes pins this object, so let it hold nothing."""
        self.live = False
        self.eqns, self.producer, self.values, self.captured, self.names = [], {}, {}, {}, {}


def acts(primitive: Primitive, params: Mapping[str, Any]) -> bool:
    """Whether an equation does more than compute. One that the user's rule replaces under differentiation (it holds a
    jaxpr and has no transposition) waits for that."""
    if primitive.effect is not None:
        return True
    lower = primitive.lower
    if type(lower) is not Structured and (lower is not Inline.SUBJAXPR or primitive.transpose is None):
        return False
    return any([acts(e.primitive, e.params) for v in params.values() for s in subjaxprs(v) for e in s.eqns])


def with_line(error: E, source: Source | None) -> E:
    """The same error with the user's line before the cure (after the first sentence), unless it has one."""
    text = str(error)
    if source is None or ", at " in text or ", in the " in text:
        return error
    head, dot, cure = text.partition(". ")
    return type(error)(f"{head}, {source.place}{dot}{cure}")


def is_ancestor(trace: Trace, of: Trace | None) -> bool:
    """Whether `trace` is `of` or around it, and still open."""
    while of is not None and of is not trace:
        of = of.parent
    return of is trace and trace.live


def misplaced(t: Tracer) -> EscapedTracerError:
    """The error for a tracer used where its trace is not active."""
    if t.trace.live:
        return EscapedTracerError(
            f"{t.aval} belongs to {t.trace.title}, which is not active here: it was made at {t.source}, and is used at "
            f"{user_source()}. "
            "A trace belongs to one thread: start the thread outside, or compute in this one. Inside "
            "ensure_compile_time_eval operands must have values: leave the block before.")
    return EscapedTracerError(
        f"{t.aval} escaped from {t.trace.title}, which has returned: it was made at {t.source}, and is used at "
        f"{user_source()}. "
        "Return it (has_aux=True), or store float(x) or lantern.device_get(x) instead of x.")


class Tracer(Array[Any, *tuple[Any, ...]]):
    """A value being traced. Python may look at it (`if`, `float`, `print`) when its trace knows it."""

    __slots__ = ("__weakref__", "source", "trace", "variable")

    def __init__(self, trace: StagingTrace, var: Var, source: Source | None) -> None:
        self.trace, self.variable, self.source = trace, var, source
        if trace.made is not None:
            trace.made.append(ref(self))

    @property
    def aval(self) -> ShapedArray:
        """Shape, dtype and weakness."""
        return self.variable.aval

    @property
    def device(self) -> None:    # pyright: ignore[reportIncompatibleVariableOverride]
        """None: where a traced value will lie is decided when its program runs. `zeros(n, device=x.device)` works."""
        return None

    def concrete(self, what: str, cuts: bool = False) -> Any:
        """The value as a device array; `what` names the wish in the error.

        `cuts`: the value leaves as a number, whose later use has no gradient.
        """
        value: Any = self
        while type(value) is Tracer:
            trace = value.trace
            if cuts:
                trace.cut = user_source()
            if not trace.live or not is_ancestor(trace, context.current()):
                raise misplaced(value)
            try:
                value = trace.value_of(value.variable)
            except _UnknownInputs as inputs:
                raise UnknownValueError(
                    f"{what} needs the value of {self.aval}, at {user_source()}. It was made at {self.source} and "
                    f"depends on {inputs}, which has no value while tracing. Use lantern.numpy.where, lax.cond, "
                    "lax.scan or lax.while_loop, make the argument static (static_argnames), or differentiate outside "
                    "jit, where values are known."
                ) from None
        return value.value if type(value) is Literal else value

    def host_value(self, what: str) -> np.ndarray[Any, Any]:
        """The values, if they are known. Whatever leaves as a number ends its gradient; a decision (bool) does not."""
        return np.asarray(self.concrete(what, cuts=what != "bool(x)"))

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise TracerConversionError(
            f"numpy.asarray(x): {self.aval} (made at {self.source}) is traced by {self.trace.title}; a conversion "
            f"would cut the gradient in silence, at {user_source()}. Use lantern.numpy functions, or "
            "lantern.device_get(x) to take the value as a constant.")

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> NoReturn:
        raise TracerConversionError(
            f"numpy.{func.__name__} cannot trace or differentiate {self.aval} (made at {self.source}), "
            f"at {user_source()}. Use lantern.numpy.{func.__name__}, or lantern.device_get(x) to take the value as "
            "a constant.")

    def __dlpack__(self, **_: Any) -> NoReturn:
        raise TracerConversionError(
            f"{self.aval} (made at {self.source}) is traced by {self.trace.title} and has no memory, "
            f"at {user_source()}. Use lantern.device_get(x) to take the value as a constant.")

    def __repr__(self) -> str:
        try:
            return repr(self.concrete("print(x)"))
        except (UnknownValueError, EscapedTracerError):
            return f"Tracer({self.aval}, {self.trace.title})"

    def __str__(self) -> str:
        try:
            return str(self.concrete("print(x)"))
        except (UnknownValueError, EscapedTracerError):
            return f"Tracer({self.aval}, {self.trace.title})"

    def __format__(self, spec: str) -> str:
        return format(self.concrete("format(x)"), spec) if spec else str(self)

    def __reduce__(self) -> NoReturn:
        raise TracerConversionError(
            f"{self.aval} (made at {self.source}) is traced by {self.trace.title} and cannot be pickled")

    def block_until_ready(self) -> Tracer:
        """Nothing to wait for."""
        return self


@dataclass(frozen=True, slots=True)
class Traced:
    """`jaxpr` takes the captured values first. `known`: what was computed on the way, for the final run to reuse.

    `cut`: where the function last took a value out as a Python number, which ends its gradient.
    """

    jaxpr: Jaxpr
    captured: list[Value]
    known: dict[Var, Value]
    cut: Source | None = None


def trace(f: Callable[..., Sequence[Value]], avals: Sequence[ShapedArray], values: Sequence[Value] | None = None, *,
          title: str, names: Sequence[str] | None = None, stage_all: bool = True,
          axes: Sequence[tuple[str, ...] | None] | None = None) -> Traced:
    """Stage f. `values[i] is None` means that input i is not known; `axes` has names for the axes of inputs."""
    t = StagingTrace(title, context.current(), stage_all)
    mode = config.mode()
    if mode is None or not mode.check_tracer_leaks:
        return _stage(t, f, avals, values, names, axes)
    made = t.made = []
    traced = _stage(t, f, avals, values, names, axes)
    check_no_leaks(made, title)
    return traced


def _stage(t: StagingTrace, f: Callable[..., Sequence[Value]], avals: Sequence[ShapedArray],
           values: Sequence[Value] | None, names: Sequence[str] | None,
           axes: Sequence[tuple[str, ...] | None] | None) -> Traced:
    source = user_source()
    ins = [t.new_input(a, names[i] if names else f"`argument_{i}`", source, axes[i] if axes else None)
           for i, a in enumerate(avals)]
    for tracer, v in zip(ins, values or (), strict=bool(values)):
        if v is not None:
            t.values[tracer.variable] = v
    token = context.enter(t)
    try:
        outs = tuple([t.atom(o) for o in f(*ins)])
        captured = list(t.captured.values())
        eqns = needed_eqns(t.eqns, outs)
        jaxpr = Jaxpr((*[v for v, _ in captured], *[i.variable for i in ins]), eqns, outs)
        looked = len(t.values) > len(captured)      # else nothing was computed on the way
        known = {v: t.values[v] for e in eqns for v in e.outvars if v in t.values} if looked else {}
        return Traced(jaxpr, [x for _, x in captured], known, t.cut)
    finally:
        context.leave(token)
        t.close()


def trace_closed(f: Callable[..., Sequence[Value]], avals: Sequence[ShapedArray], title: str) -> Jaxpr:
    """Stage a function that captures nothing: a transform walking a closed jaxpr."""
    traced = trace(f, avals, title=title)
    assert not traced.captured, f"internal: {title} captured {traced.captured}"
    return traced.jaxpr
