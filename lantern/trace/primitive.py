"""Primitives: one frozen value holds every rule of an operation."""
from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Concatenate, Protocol, TypeAlias

from lantern.trace.aval import ShapedArray

if TYPE_CHECKING:
    from lantern.lower.kernel import Kernel, Program, Region, Target
    from lantern.trace.jaxpr import Atom, Eqn, Jaxpr, Var

# What a rule computes with: a Tracer or another Array, a NumPy array, a Literal; in tangents also Zero, under
# transposition also Linear. The closed set spans floors above this one, so the alias stays open.
Value: TypeAlias = Any
Tangent: TypeAlias = Any
Dims: TypeAlias = "Sequence[int | None]"


@dataclass(frozen=True, slots=True)
class Zero:
    """A tangent or cotangent known to be zero; never materialised before it must be."""

    aval: ShapedArray


@dataclass(frozen=True, slots=True)
class Linear:
    """Stands for an operand under transposition: it has an aval and no value."""

    aval: ShapedArray


@dataclass(frozen=True, slots=True)
class Axis:
    """The axis that `vmap` adds: its size, and its name for collectives."""

    size: int
    name: Hashable | None = None


class Effect(Enum):
    """What an equation does besides computing. Dead-code elimination and CSE keep equations with an effect."""

    ORDERED = "ordered"
    UNORDERED = "unordered"
    CHECK = "check"


class Inline(Enum):
    """A lowering that is the primitive's own sub-jaxpr (`jaxpr` in its params)."""

    SUBJAXPR = "subjaxpr"


class Alias(Enum):
    """A lowering that is no work: outputs and operands become the same slots.

    OPERAND    the one output has the first operand's elements, in the same flat order and of the same dtype (reshape)
    FENCE      output k is operand k, but nothing sees through: equations on its two sides are neither shared nor fused,
               and what reads an output runs after all operands are there
    """

    OPERAND = "operand"
    FENCE = "fence"


class SubLowering(Protocol):
    """Lowers the jaxprs that an equation holds, for the target of the program around it."""

    @property
    def target(self) -> Target:
        """What the program may rely on."""
        ...

    def __call__(self, jaxpr: Jaxpr, donated: Collection[int], own: Collection[int]) -> Program:
        """The program of a sub-jaxpr; `Structured` says what the positions mean."""
        ...


@dataclass(frozen=True, slots=True)
class Structured:
    """A lowering that runs sub-jaxprs or Python: `rule(avals, lower, **params)` gives a Region of `lower/kernel.py`, or
    for this target a jaxpr, which takes the equation's place.

    `lower(jaxpr, donated, own)` is the Program of a sub-jaxpr: inputs at the positions `donated` may be overwritten;
    its outputs are different slots, those at the positions `own` are no inputs, and no output is an input that is not
    donated. `prune(eqn, used, shrink)`, if there is one, leaves out what is not needed: `used` says which outputs are
    read, `shrink` makes a jaxpr smaller. It gives an equation, and what outputs are that this one does not make.
    """

    rule: RegionRule
    prune: PruneRule | None = None


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A lowering by other primitives: `rule(avals, **params)` gives a jaxpr, which takes the equation's place."""

    rule: RewriteRule


AbstractRule: TypeAlias = Callable[..., Sequence[ShapedArray]]
ImplRule: TypeAlias = Callable[..., Sequence[Any]]
JvpRule: TypeAlias = Callable[Concatenate[Sequence[Value], Sequence[Value], Sequence[Tangent], ...], Sequence[Tangent]]
JointJvpRule: TypeAlias = Callable[
    Concatenate[Sequence[Value], Sequence[Tangent], ...], tuple[Sequence[Value], Sequence[Tangent]]]
TransposeRule: TypeAlias = Callable[Concatenate[Sequence[Tangent], Sequence[Value], ...], Sequence[Value | None]]
BatchRule: TypeAlias = Callable[Concatenate[Axis, Sequence[Value], Dims, ...], tuple[Sequence[Value], Dims]]
SplitRule: TypeAlias = "Callable[[Eqn, Sequence[bool]], tuple[Sequence[Eqn], Sequence[Eqn]]]"
LowerRule: TypeAlias = "Callable[Concatenate[Sequence[ShapedArray], ...], Kernel]"
PruneRule: TypeAlias = "Callable[[Eqn, Sequence[bool], Callable[[Jaxpr], Jaxpr]], tuple[Eqn, Mapping[Var, Atom]]]"
RegionRule: TypeAlias = "Callable[Concatenate[Sequence[ShapedArray], SubLowering, ...], Region | Jaxpr]"
RewriteRule: TypeAlias = "Callable[Concatenate[Sequence[ShapedArray], ...], Jaxpr]"


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """An operation. All arrays in rules have exact dtypes: primitives never promote or broadcast.

    A scalar operand (rank 0) may stand beside any shape in elementwise primitives.

    name       unique; the registry refuses a second
    abstract   (avals, **params) -> out avals; where shape errors are born
    impl       (NumPy arrays, **params) -> NumPy arrays; written for truth, not speed
    lower      (operand avals, **params) -> one unfused Kernel; Inline; Alias; Structured; Rewritten; or
               None (reference only)
    jvp        (primals, outs, tangents, **params) -> out tangents, in terms of ops; for first-order primitives
    jvp_joint  (primals, tangents, **params) -> (outs, out tangents); for primitives with sub-jaxprs
    transpose  (cotangents, args, **params) -> one cotangent or None an argument; args in question are `Linear`
    batch      (Axis, args, dims, **params) -> (outs, dims); dims hold 0 (the new axis is first) or None
    split      (eqn, unknown) -> (known eqns, unknown eqns); for primitives with sub-jaxprs
    """

    name: str
    abstract: AbstractRule
    impl: ImplRule
    lower: LowerRule | Inline | Alias | Structured | Rewritten | None
    batch: BatchRule
    jvp: JvpRule | None = None
    jvp_joint: JointJvpRule | None = None
    transpose: TransposeRule | None = None
    split: SplitRule | None = None
    effect: Effect | None = None

    def __post_init__(self) -> None:
        if self.name in _registry:
            raise ValueError(f"primitive {self.name!r} is defined twice")
        _registry[self.name] = self

    def __repr__(self) -> str:
        return self.name


_registry: dict[str, Primitive] = {}


def registry() -> dict[str, Primitive]:
    """Every primitive by name, as a copy."""
    return dict(_registry)
