"""The IR: variables, literals, equations, jaxprs; dead code and fingerprints."""
from __future__ import annotations

import struct
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast
from weakref import WeakKeyDictionary

import numpy as np

from lantern.dtypes import KEY, no_numbers, python_dtype, short_name
from lantern.source import Source, user_source
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.primitive import Inline, Primitive

Params: TypeAlias = Mapping[str, Any]


class Var:
    """A variable; identity is its name. A plain slotted class, since three are made per operation."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray) -> None:
        self.aval = aval

    def __repr__(self) -> str:
        return f"Var({self.aval})"


class Input(Var):
    """An input whose axes the user has named: `f32[Batch,784]`. The names are for readers only."""

    __slots__ = ("axes",)

    def __init__(self, aval: ShapedArray, axes: tuple[str, ...]) -> None:
        super().__init__(aval)
        self.axes = axes


class Literal:
    """A number in a program. Its rank is 0, and it may stand beside an operand of any shape, so it needs no cotangent.

    `value` is a NumPy scalar of the aval's dtype.
    """

    __slots__ = ("aval", "value")

    def __init__(self, value: Any, aval: ShapedArray) -> None:
        self.value, self.aval = aval.dtype.type(value), aval

    @property
    def key(self) -> tuple[bytes, ShapedArray]:
        """Equal for equal bits and types: 1, True, 1.0, -0.0 and NaN stay apart."""
        return self.value.tobytes(), self.aval

    def __repr__(self) -> str:
        return f"Literal({self.value}, {self.aval})"


def misfit(name: str, what: str, cure: str) -> str:
    """The message for a Python number that an operation's dtype cannot hold, with the user's line."""
    source = user_source()
    line = f", at {source}" if source is not None else ""
    return f"{name}{': ' if name else ''}{what}{line}. {cure}"


# The exact types of the Python numbers that become literals.
PLAIN: frozenset[type] = frozenset({bool, int, float, complex})


def literal(value: bool | int | float | complex, dtype: np.dtype[Any] | None = None, name: str = "") -> Literal:
    """A Python scalar in a given dtype; without one, weakly typed in the default dtype of its kind.

    Raises OverflowError for an integer that the dtype cannot hold, TypeError for a complex number beside other dtypes;
    the messages name the operation, `name`, and the user's line.
    """
    weak = dtype is None
    dtype = dtype or python_dtype(type(value))
    if dtype is KEY:
        raise no_numbers(name, f"the Python number {value} stands beside {KEY}")
    if dtype.kind in "iu" and isinstance(value, int):
        bounds = np.iinfo(dtype)
        if not bounds.min <= value <= bounds.max:
            raise OverflowError(misfit(name, f"the Python int {value} does not fit into {dtype} ({bounds.min} to "
                                             f"{bounds.max})", "Use a wider dtype"))
    if isinstance(value, complex) and dtype.kind != "c":
        what = f"the Python complex {value} stands beside {short_name(dtype)}, which cannot hold it"
        raise TypeError(misfit(name, what, "Take its real part, or convert the other operand with astype"))
    return Literal(value, shaped((), dtype, weak))


Atom: TypeAlias = Var | Literal


class Eqn:
    """outvars = primitive[params] invars. A plain slotted class for speed; treat it as frozen."""

    __slots__ = ("invars", "outvars", "params", "primitive", "source")

    def __init__(self, primitive: Primitive, invars: tuple[Atom, ...], params: Params, outvars: tuple[Var, ...],
                 source: Source | None) -> None:
        self.primitive, self.invars, self.params, self.outvars, self.source = primitive, invars, params, outvars, source


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Jaxpr:
    """A closed program: equations in order. An output may be a literal or an input. """

    invars: tuple[Var, ...]
    eqns: tuple[Eqn, ...]
    outvars: tuple[Atom, ...]

    @property
    def in_avals(self) -> list[ShapedArray]:
        """Avals of the inputs."""
        return [v.aval for v in self.invars]

    @property
    def out_avals(self) -> list[ShapedArray]:
        """Avals of the outputs."""
        return [v.aval for v in self.outvars]

    def __str__(self) -> str:
        return print_jaxpr(self)


def subjaxprs(param: Any) -> Sequence[Jaxpr]:
    """The jaxprs that one parameter of an equation holds: itself, or those of a tuple."""
    if isinstance(param, Jaxpr):
        return (param,)
    if isinstance(param, tuple):
        return tuple([p for p in cast(tuple[object, ...], param) if isinstance(p, Jaxpr)])
    return ()


def count_eqns(jaxpr: Jaxpr) -> int:
    """Number of equations, those of sub-jaxprs included."""
    return sum(1 + sum(count_eqns(s) for v in e.params.values() for s in subjaxprs(v)) for e in jaxpr.eqns)


def has_effect(e: Eqn) -> bool:
    """Whether an equation does more than compute, by itself or in a jaxpr that it holds."""
    if e.primitive.effect is not None:
        return True
    if callable(e.primitive.lower):     # one kernel
        return False
    return any([jaxpr_has_effect(s) for v in e.params.values() for s in subjaxprs(v)])


def jaxpr_has_effect(jaxpr: Jaxpr) -> bool:
    """Whether one of its equations does more than compute."""
    return _traits(jaxpr).effect


def axis_names(params: Params) -> frozenset[Hashable]:
    """The named axes that an equation with these parameters speaks of, itself or in a jaxpr that it holds."""
    found = frozenset([params["axis_name"]]) if "axis_name" in params else frozenset[Hashable]()
    return found.union(*[_traits(s).axis_names for v in params.values() for s in subjaxprs(v)])


@dataclass(frozen=True, slots=True)
class _Traits:
    effect: bool
    axis_names: frozenset[Hashable]


_known_traits: WeakKeyDictionary[Jaxpr, _Traits] = WeakKeyDictionary()


def _traits(jaxpr: Jaxpr) -> _Traits:
    """Asked again at every level of nested loops, so found once for each jaxpr."""
    found = _known_traits.get(jaxpr)
    if found is None:
        names = frozenset[Hashable]().union(*[axis_names(e.params) for e in jaxpr.eqns])
        found = _known_traits[jaxpr] = _Traits(any([has_effect(e) for e in jaxpr.eqns]), names)
    return found


def silenced(params: Params) -> Params:
    """The parameters of an equation whose jaxprs do nothing but compute (an effect with results stays)."""
    if not any([jaxpr_has_effect(s) for v in params.values() for s in subjaxprs(v)]):
        return params

    def without(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple([without(v) for v in cast("tuple[Any, ...]", value)])
        if not isinstance(value, Jaxpr):
            return value
        eqns = [Eqn(e.primitive, e.invars, silenced(e.params), e.outvars, e.source) for e in value.eqns
                if e.outvars or e.primitive.effect is None]
        return Jaxpr(value.invars, tuple(eqns), value.outvars)

    return {name: without(v) for name, v in params.items()}


def needed_eqns(eqns: Sequence[Eqn], wanted: Iterable[Atom], known: Collection[Var] = ()) -> tuple[Eqn, ...]:
    """The equations that `wanted` depends on (and those with effects), given that the values of `known` are at hand."""
    live = {a for a in wanted if type(a) is Var and a not in known}
    kept: list[Eqn] = []
    for e in reversed(eqns):
        if not live.isdisjoint(e.outvars) or (has_effect(e) and not (e.outvars and e.outvars[0] in known)):
            kept.append(e)
            for a in e.invars:
                if type(a) is Var and a not in known:
                    live.add(a)
    kept.reverse()
    return tuple(kept)


def dce(jaxpr: Jaxpr) -> Jaxpr:
    """Without the equations that no output and no effect depends on. Inputs stay."""
    return Jaxpr(jaxpr.invars, needed_eqns(jaxpr.eqns, jaxpr.outvars), jaxpr.outvars)


def param_key(value: Any) -> Hashable:
    """A parameter as a key under which -0.0 and 0.0, and 1, 1.0 and True stay apart.

    >>> param_key(0.0) == param_key(-0.0), param_key((1, 2)) == param_key((True, 2))
    (False, False)
    """
    kind = cast("type[Any]", type(value))
    if isinstance(value, tuple):
        return tuple([param_key(v) for v in cast("tuple[Any, ...]", value)])
    if isinstance(value, float):
        return kind, struct.pack("<d", value)
    if isinstance(value, np.generic):
        return kind, value.tobytes()
    return kind, value


def fingerprint(jaxpr: Jaxpr) -> tuple[Any, ...]:
    """Equal for equal computations: variables are numbered in order; sources do not count."""
    number: dict[Var, int] = {}

    def atom(a: Atom) -> Any:
        return a.key if type(a) is Literal else number.setdefault(a, len(number))    # pyright: ignore[reportArgumentType]

    def param(v: Any) -> Any:
        subs = subjaxprs(v)
        return tuple(map(fingerprint, subs)) if subs else param_key(v)

    def params(e: Eqn) -> Any:
        if e.primitive.lower is Inline.SUBJAXPR:    # names and rules of the user's do not count either
            return fingerprint(e.params["jaxpr"])
        return tuple([(k, param(e.params[k])) for k in sorted(e.params)])

    head = tuple([v.aval for v in jaxpr.invars])
    for v in jaxpr.invars:
        atom(v)
    body = tuple([(e.primitive.name, tuple(map(atom, e.invars)), params(e),
                   tuple([(atom(v), v.aval) for v in e.outvars])) for e in jaxpr.eqns])
    return head, body, tuple(map(atom, jaxpr.outvars))


_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Namer:
    """Letters for variables in order of first appearance: a ... z, aa, ab, ..."""

    def __init__(self) -> None:
        self.names: dict[Var, str] = {}

    def __call__(self, a: Atom) -> str:
        """The letters of a variable; the value of a literal, with its dtype unless that is weak."""
        if isinstance(a, Literal):
            text = repr(a.value.item()) if a.aval.dtype.kind in "biufc" else str(a.value)
            return text if a.aval.weak else f"{text}:{short_name(a.aval.dtype)}"
        if a not in self.names:
            n, name = len(self.names), ""
            while n >= 0:
                name, n = _LETTERS[n % 26] + name, n // 26 - 1
            self.names[a] = name
        return self.names[a]


def _param(value: Any) -> str:
    if isinstance(value, np.dtype):
        return short_name(cast("np.dtype[Any]", value))
    if isinstance(value, tuple):
        return f"({','.join(map(_param, cast(tuple[Any, ...], value)))})"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    return str(value)


def _type(v: Var) -> str:
    return v.aval.text(v.axes) if isinstance(v, Input) else str(v.aval)


def print_jaxpr(jaxpr: Jaxpr, indent: str = "", column: int = 72) -> str:
    """The text: deterministic names, sorted params, sub-jaxprs indented, the source at the right margin."""
    name = Namer()
    lines = [f"{indent}{{ lambda {' '.join(f'{name(v)}:{_type(v)}' for v in jaxpr.invars)} ."]
    for e in jaxpr.eqns:
        shown = [f"{k}={_param(e.params[k])}" for k in sorted(e.params) if not subjaxprs(e.params[k])]
        left = " ".join(f"{name(v)}:{v.aval}" for v in e.outvars)
        call = f"{e.primitive.name}[{' '.join(shown)}]" if shown else e.primitive.name
        text = f"{indent}  {left} = {' '.join([call, *map(name, e.invars)])}"
        lines.append(f"{text:<{column}}  # {e.source}" if e.source else text)
        lines += [print_jaxpr(s, indent + "    ", column) for k in sorted(e.params) for s in subjaxprs(e.params[k])]
    lines.append(f"{indent}  in ({', '.join(map(name, jaxpr.outvars))}) }}")
    return "\n".join(lines)
