"""Functions that users give to loops and branches, as jaxprs: leaves with readable paths, staging, comparing types."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lantern import tree
from lantern.annotations import call as call_checked
from lantern.backends.array import DeviceArray
from lantern.dtypes import promote
from lantern.flat import as_output, as_result, name_of
from lantern.lax.operands import shape_error, type_error
from lantern.ops.convert import convert
from lantern.trace.array import is_array
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.constants import constant, unwrapped
from lantern.trace.context import typeof
from lantern.trace.jaxpr import Jaxpr, Literal
from lantern.trace.primitive import Value
from lantern.trace.staging import trace


@dataclass(frozen=True, slots=True)
class Leaves:
    """A pytree of arrays taken apart; `names` are the paths of its leaves."""

    values: list[Value]
    treedef: tree.TreeDef
    names: list[str]

    @property
    def avals(self) -> list[ShapedArray]:
        """Shapes and dtypes."""
        return [typeof(x) for x in self.values]


def leaves_of(function: str, given: Any, name: str) -> Leaves:
    """The leaves of an argument. Raises TypeError that names the leaf for what is no array."""
    found, treedef = tree.flatten(given)
    names = tree.paths(treedef, name)
    return Leaves([_value(function, x, n) for x, n in zip(found, names, strict=True)], treedef, names)


def _value(function: str, given: Any, name: str) -> Value:
    x = unwrapped(given)
    if is_array(x) or isinstance(x, Literal):
        if isinstance(x, DeviceArray):
            x.check_alive()
        return x
    found = constant(x)
    if found is None:
        raise type_error(f"{function}: `{name}` must be an array or a number, got {x!r} of type {type(x).__name__}",
                         "Let the function capture what is no array.")
    values, aval = found
    return Literal(values[()], aval) if aval.weak else values


def check_function(function: str, parameter: str, f: Any) -> None:
    """Raises TypeError unless f can be called."""
    if not callable(f):
        raise type_error(f"{function}: {parameter} must be a function, got {f!r} of type {type(f).__name__}")


@dataclass(frozen=True, slots=True)
class Body:
    """A staged function. Its jaxpr takes the captured values first."""

    jaxpr: Jaxpr
    captured: list[Value]
    out_tree: tree.TreeDef


def stage(function: str, f: Callable[..., Any], trees: Sequence[tree.TreeDef], avals: Sequence[ShapedArray],
          names: Sequence[str], check: Callable[[Any], None] | None = None) -> Body:
    """f as a jaxpr of the leaves of its arguments; `check` sees what f returned."""
    title = f"{function}({name_of(f)})"
    out_tree = tree.LEAF

    def flat(*leaves: Value) -> Sequence[Value]:
        nonlocal out_tree
        rest = iter(leaves)
        args = tuple([tree.unflatten(t, [next(rest) for _ in range(t.num_leaves)]) for t in trees])
        out = call_checked(f, args, {})
        if check is not None:
            check(out)
        outs, out_tree = tree.flatten(out)
        return [as_output(x, title) for x in outs]

    t = trace(flat, avals, title=title, names=[f"`{n}`" for n in names])
    return Body(t.jaxpr, t.captured, out_tree)


def same_kind(a: ShapedArray, b: ShapedArray) -> bool:
    """Whether shapes and dtypes are equal; weakness does not count."""
    return a.shape == b.shape and a.dtype == b.dtype


def promoted_carry(carry: Leaves, outs: Sequence[ShapedArray]) -> Leaves | None:
    """The carry with Python numbers in the dtypes that the body makes of them; None if nothing changes.

    So a loop may start from 0 and return floats.
    """
    changed = False
    values = list(carry.values)
    for i, (a, b) in enumerate(zip(carry.avals, outs, strict=True)):
        if a.weak and a.shape == b.shape and a.dtype != b.dtype:
            dtype, weak = promote([(a.dtype, True), (b.dtype, b.weak)])
            if dtype != a.dtype:
                x = values[i]
                values[i] = (Literal(x.value, shaped((), dtype, weak)) if isinstance(x, Literal)
                             else convert(x, dtype, weak=weak))
                changed = True
    return Leaves(values, carry.treedef, carry.names) if changed else None


def stage_loop(function: str, stage_body: Callable[[Leaves], Body], carry: Leaves,
               carry_tree: Callable[[Body], tree.TreeDef], f: Callable[..., Any]) -> tuple[Body, Leaves]:
    """The body of a loop and its first carry, once the carry has the same types before and after.

    Raises TypeError for another structure, ShapeError that names the leaves of another type.
    """
    while True:
        body = stage_body(carry)
        found = carry_tree(body)
        if found is not carry.treedef:
            raise type_error(f"{function}: {name_of(f)} must return a carry of the structure that it gets, "
                             f"{carry.treedef}, but returns {found}")
        outs = body.jaxpr.out_avals[: len(carry.values)]
        better = promoted_carry(carry, outs)
        if better is None:
            _check_carry(function, carry, outs, name_of(f))
            return body, carry
        carry = better


def _check_carry(function: str, carry: Leaves, outs: Sequence[ShapedArray], f: str) -> None:
    wrong = [f"`{n}` is {a} and {f} returns {b}" for n, a, b in zip(carry.names, carry.avals, outs, strict=True)
             if not same_kind(a, b)]
    if wrong:
        raise shape_error(f"{function}: the carry must keep its shapes and dtypes, but {'; '.join(wrong)}",
                          "Start from a value of the type that the body returns, or convert in the body (astype, "
                          "reshape).")


def check_same_outputs(function: str, bodies: Sequence[Body], names: Sequence[str]) -> None:
    """Raises TypeError if branches return different structures, ShapeError that names the outputs of other types."""
    first = bodies[0]
    for body, name in zip(bodies[1:], names[1:], strict=True):
        if body.out_tree is not first.out_tree:
            raise type_error(f"{function}: all branches must return the same structure, but {names[0]} returns "
                             f"{first.out_tree} and {name} returns {body.out_tree}")
        paths = tree.paths(first.out_tree, "output")
        wrong = [f"`{p}` is {a} from {names[0]} and {b} from {name}"
                 for p, a, b in zip(paths, first.jaxpr.out_avals, body.jaxpr.out_avals, strict=True)
                 if not same_kind(a, b)]
        if wrong:
            raise shape_error(f"{function}: all branches must return the same shapes and dtypes, but "
                              f"{'; '.join(wrong)}", "Convert in the branches (astype, reshape).")


def results(treedef: tree.TreeDef, values: Sequence[Value]) -> Any:
    """The tree of results for the user."""
    return tree.unflatten(treedef, [as_result(x) for x in values])
