"""Calls of functions that carry rules: arguments found by the signature, staged, and handed to rules as the user wrote
them; what rules return, compared with what must come.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, cast

from lantern import tree
from lantern.annotations import call as call_checked
from lantern.dtypes import is_float
from lantern.errors import ArgumentError, CustomRuleError, EscapedTracerError
from lantern.flat import Flat, Function, argument_names, as_result, name_of
from lantern.ops.broadcast import broadcast_in_dim_p
from lantern.ops.convert import convert
from lantern.source import Source, user_source
from lantern.trace import context
from lantern.trace.array import is_array
from lantern.trace.aval import ShapedArray
from lantern.trace.constants import constant, unwrapped
from lantern.trace.context import bind, bind1, typeof
from lantern.trace.jaxpr import Jaxpr, Literal
from lantern.trace.primitive import Primitive, Value
from lantern.tree import TreeDef

P = ParamSpec("P")
R = TypeVar("R")


class _Array:
    """Stands for an array among the leaves of fixed arguments."""


_ARRAY = _Array()


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call, as its rules see it. `fixed` arguments have no derivative; arrays among them are operands all the same.

    title      `custom_jvp(f)`
    positions  of the fixed arguments among all `count`
    fixed      their structure, and their leaves, arrays left out
    names      of the other arguments, and of their leaves
    """

    title: str
    positions: tuple[int, ...]
    count: int
    fixed: tuple[TreeDef, tuple[Any, ...]]
    names: tuple[str, ...]
    leaf_names: tuple[str, ...]
    in_tree: TreeDef
    out_tree: TreeDef
    in_avals: tuple[ShapedArray, ...]
    out_avals: tuple[ShapedArray, ...]

    def fixed_arguments(self, arrays: Sequence[Value]) -> list[Any]:
        """The fixed arguments, with these arrays in them."""
        return _rebuilt(self.fixed, map(as_argument, arrays))

    def arguments(self, leaves: Sequence[Value]) -> tuple[Any, ...]:
        """The other arguments, made of these leaves."""
        return tree.unflatten(self.in_tree, [as_argument(x) for x in leaves])

    def all_arguments(self, arrays: Sequence[Value], leaves: Sequence[Value]) -> tuple[Any, ...]:
        """Both, in the order of the signature."""
        return joined(self.positions, self.count, self.fixed_arguments(arrays), self.arguments(leaves))

    def outputs(self, rule: Function, result: Any, what: str, avals: Sequence[ShapedArray]) -> list[Value]:
        """The leaves of a tree that must look like the function's result, with these types.

        Raises CustomRuleError.
        """
        leaves, treedef = tree.flatten(result)
        if treedef is not self.out_tree:
            raise wrong(self.title, rule, f"returned {what} of the structure {treedef}, wanted that of the function's "
                                          f"result, {self.out_tree}")
        paths = tree.paths(self.out_tree)
        return [fitted(self.title, rule, x, a, what + (f" at {p}" if p else ""))
                for x, a, p in zip(leaves, avals, paths, strict=True)]


def _rebuilt(fixed: tuple[TreeDef, tuple[Any, ...]], arrays: Any) -> list[Any]:
    treedef, leaves = fixed
    rest = iter(arrays)
    return tree.unflatten(treedef, [next(rest) if x is _ARRAY else x for x in leaves])


def joined(positions: Sequence[int], count: int, fixed: Sequence[Any], others: Sequence[Any]) -> tuple[Any, ...]:
    """All arguments in order. `positions`: of the fixed ones.

    >>> joined((1,), 3, ["b"], ["a", "c"])
    ('a', 'b', 'c')
    """
    first, second = iter(fixed), iter(others)
    return tuple([next(first) if i in positions else next(second) for i in range(count)])


def as_argument(x: Value) -> Value:
    """A value as the user may see it: literals and NumPy arrays become arrays, weak ones stay weak."""
    if is_array(x):
        return x
    shape = typeof(x).shape
    return bind1(broadcast_in_dim_p, x, shape=shape, dims=tuple(range(len(shape))))


def line_of(rule: Function) -> Source | None:
    """Where a rule is written, or else where the user's code is at."""
    code = getattr(rule, "__code__", None)
    return user_source() if code is None else Source(code, 0)


def wrong(title: str, rule: Function, what: str, cure: str = "") -> CustomRuleError:
    """`custom_vjp(f): its rule bwd returned ..., at model.py:12`."""
    return CustomRuleError(f"{title}: its rule {name_of(rule)} {what}, at {line_of(rule)}{'. ' if cure else ''}{cure}")


def run_rule(title: str, rule: Function, *args: Any) -> Any:
    """What a rule returns.

    Raises CustomRuleError for a rule that takes other arguments, or closes over what was traced elsewhere.
    """
    try:
        return rule(*args)
    except TypeError as error:
        if _takes(rule, args):
            raise
        raise wrong(title, rule, f"does not take the {len(args)} arguments that it is given: {error}") from error
    except EscapedTracerError as error:
        raise wrong(title, rule, "uses a traced value that is none of its arguments",
                    "Pass the value as an argument of the function, or (custom_vjp) as a residual; "
                    f"lantern.closure_convert finds such values. In detail: {error}") from error


def _takes(rule: Function, args: tuple[Any, ...]) -> bool:
    try:
        inspect.signature(rule).bind(*args)
    except TypeError:
        return False
    except ValueError:      # it has no signature
        return True
    return True


def check_callable(what: str, **functions: Any) -> None:
    """Raises TypeError, naming the argument, for what is no function."""
    for name, f in functions.items():
        if not callable(f):
            raise TypeError(f"{what}: `{name}` must be a function, got {f!r}, at {user_source()}")


def pair_of(title: str, rule: Function, result: Any, what: str) -> tuple[Any, Any]:
    """What a rule returned, if it is a pair."""
    if not isinstance(result, (tuple, list)) or len(cast("Sequence[Any]", result)) != 2:
        raise wrong(title, rule, f"must return a pair {what}, got {_shown(result)}")
    first, second = cast("Sequence[Any]", result)
    return first, second


def _shown(x: Any) -> str:
    if isinstance(x, (tuple, list)):
        given = cast("Sequence[Any]", x)
        return f"a {type(x).__name__} of {len(given)}"      # pyright: ignore[reportUnknownArgumentType]
    return str(typeof(x)) if is_array(x) else f"{x!r} of type {type(x).__name__}"


def fitted(title: str, rule: Function, x: Any, wanted: ShapedArray, what: str) -> Value:
    """A leaf that a rule returned, in the wanted dtype if it is weak.

    Raises CustomRuleError for another shape or dtype.
    """
    value = leaf_value(x)
    got = None if value is None else typeof(value)
    if got is None or not _fits(got, wanted):
        raise wrong(title, rule, f"returned {got or _shown(x)} as {what}, wanted {wanted.strong()}")
    return value if got == wanted else convert(value, wanted.dtype, weak=wanted.weak)


def leaf_value(x: Any) -> Value | None:
    """An array, a literal, or a Python or NumPy value as one of these; None for what is no array."""
    if is_array(x) or isinstance(x, Literal):
        return x
    if hasattr(x, "__lantern_array__"):
        return unwrapped(x)
    found = constant(x)
    if found is None:
        return None
    values, aval = found
    return Literal(values[()], aval) if aval.weak else values


def _fits(got: ShapedArray, wanted: ShapedArray) -> bool:
    same = got.dtype == wanted.dtype or (got.weak and is_float(got.dtype) <= is_float(wanted.dtype))
    return got.shape == wanted.shape and same


def resolved(f: Function, args: tuple[Any, ...], kwargs: dict[str, Any], verb: str) -> tuple[Any, ...]:
    """All arguments by position, defaults filled in.

    Raises TypeError where they do not fit the signature, ArgumentError for parameters that have no position.
    """
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):
        if kwargs:
            raise ArgumentError(f"{verb}({name_of(f)}): its signature is not known, so arguments must be given by "
                                f"position, got {', '.join(kwargs)}, at {user_source()}") from None
        return args
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        raise ArgumentError(f"{verb}({name_of(f)}): keyword-only parameters have no position that a rule could "
                            f"know, got {', '.join(bound.kwargs)}, at {user_source()}. Make them positional parameters")
    return bound.args


def positions_of(f: Function, argnums: int | Sequence[int], argnames: str | Sequence[str],
                 verb: str) -> tuple[int, ...]:
    """Positions that are in range, in order. Raises ArgumentError for others, TypeError for what is no int."""
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    names = (argnames,) if isinstance(argnames, str) else tuple(argnames)
    try:
        parameters = inspect.signature(f).parameters
    except (TypeError, ValueError):
        return tuple(sorted(set(numbers)))
    listed = list(parameters)
    for n in names:
        if n not in listed:
            raise ArgumentError(f"{verb}({name_of(f)}): no parameter is named {n!r}; there are {', '.join(listed)}, "
                                f"at {user_source()}")
    endless = any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
    for i in numbers:
        if not isinstance(i, int):      # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{verb}({name_of(f)}): wanted positions as ints, got {argnums!r}, at {user_source()}")
        if not 0 <= i < len(listed) and not (endless and i >= 0):
            raise ArgumentError(f"{verb}({name_of(f)}): argument number {i} is out of range for the parameters "
                                f"{', '.join(listed) or '(none)'}, at {user_source()}")
    return tuple(sorted({*numbers, *[listed.index(n) for n in names]}))


class _Body:
    """A function of (arrays among the fixed arguments, *other arguments)."""

    def __init__(self, f: Function, positions: Sequence[int], count: int, fixed: tuple[TreeDef, tuple[Any, ...]],
                 names: Sequence[str]) -> None:
        self.f, self.positions, self.count, self.fixed = f, positions, count, fixed
        self.__name__ = name_of(f)
        shown = [n if n.isidentifier() and n != "fixed" else f"argument_{k}" for k, n in enumerate(names)]
        parameters = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_ONLY) for n in ("fixed", *shown)]
        self.__signature__ = inspect.Signature(parameters)      # for messages

    def __call__(self, arrays: Sequence[Value], *others: Any) -> Any:
        return call_checked(self.f, joined(self.positions, self.count, _rebuilt(self.fixed, arrays), others), {})


@dataclass(frozen=True, slots=True, eq=False)
class Staged:
    """A call inside a trace: operands are what the function captured, `fixed` arrays, leaves of the other arguments."""

    jaxpr: Jaxpr
    operands: list[Value]
    captured: int
    fixed: int
    call: Call


def flat_call(f: Function, args: tuple[Any, ...], positions: Sequence[int],
              verb: str) -> tuple[Flat, tuple[TreeDef, tuple[Any, ...]], list[Any]]:
    """f over leaves, arrays among the fixed arguments first; the fixed arguments without them; the others."""
    fixed, fixed_tree = tree.flatten([args[i] for i in positions if i < len(args)])
    others = [x for i, x in enumerate(args) if i not in positions]
    kept = fixed_tree, tuple([_ARRAY if is_array(x) else x for x in fixed])
    arrays = [x for x in fixed if is_array(x)]
    names = _other_names(f, len(args), positions)
    flat = Flat(_Body(f, positions, len(args), kept, names), (arrays, *others), {}, verb)
    paths = [p for n, x in zip(names, others, strict=True) for p in tree.paths(tree.structure(x), n)]
    flat.names = [*tree.paths(tree.structure(arrays), "fixed"), *paths]
    return flat, kept, others


def _other_names(f: Function, count: int, positions: Sequence[int]) -> tuple[str, ...]:
    return tuple([n for i, n in enumerate(argument_names(f, [0] * count)) if i not in positions])


def run_now(f: Function, args: tuple[Any, ...], positions: Sequence[int], verb: str) -> Any:
    """Outside any trace no rule is needed: a plain call."""
    flat, _, _ = flat_call(f, args, positions, verb)
    outs = [as_result(x) for x in flat(*flat.leaves)]
    return tree.unflatten(flat.out_tree, outs)


def stage_call(f: Function, args: tuple[Any, ...], positions: Sequence[int], verb: str) -> Staged:
    """f's jaxpr for these arguments. Python may branch on their values where the caller may."""
    flat, kept, others = flat_call(f, args, positions, verb)
    t = flat.trace(flat.leaves, stage_all=True)
    n = sum([x is _ARRAY for x in kept[1]])
    call = Call(flat.title, tuple(positions), len(args), kept, _other_names(f, len(args), positions),
                tuple(flat.names[n:]), tree.structure(tuple(others)), flat.out_tree, tuple(flat.avals[n:]),
                tuple(t.jaxpr.out_avals))
    return Staged(t.jaxpr, [*t.captured, *flat.leaves], len(t.captured), n, call)


def is_outside() -> bool:
    """Whether there is no trace."""
    return context.current() is context.EAGER


class CustomFunction(Generic[P, R]):
    """A function that carries rules of the user's own, and which of its arguments have no derivative.

    The kinds define `__call__` themselves, by `run` with a primitive and what their rules are for one call.
    """

    def __init__(self, fun: Callable[P, R], nondiff_argnums: int | Sequence[int] = (),
                 nondiff_argnames: str | Sequence[str] = ()) -> None:
        self.verb = type(self).__name__
        if not callable(fun):
            raise TypeError(f"{self.verb}: wanted a function, got {fun!r}")
        self.fun = fun
        self.nondiff = positions_of(fun, nondiff_argnums, nondiff_argnames, self.verb)
        update_wrapper(cast("Callable[..., Any]", self), fun, updated=())
        self.__name__ = name_of(fun)

    @property
    def title(self) -> str:
        """What messages call the function."""
        return f"{self.verb}({self.__name__})"

    def __repr__(self) -> str:
        return f"<{self.title}>"

    def without_rule(self, definition: str) -> CustomRuleError:
        """The error of a call before there is a rule."""
        return CustomRuleError(f"{self.title} has no rule, at {user_source()}. Define one: "
                               f"{self.__name__}.{definition}")

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any], primitive: Primitive,
            rules: Callable[[Staged], dict[str, Any]]) -> Any:
        """Outside any trace the function itself; else one equation of the primitive, with the rules as parameters."""
        given = resolved(self.fun, args, kwargs, self.verb)
        if is_outside():
            return run_now(self.fun, given, self.nondiff, self.verb)
        staged = stage_call(self.fun, given, self.nondiff, self.verb)
        outs = bind(primitive, *staged.operands, jaxpr=staged.jaxpr, captured=staged.captured, name=self.title,
                    **rules(staged))
        return tree.unflatten(staged.call.out_tree, [as_result(x) for x in outs])
