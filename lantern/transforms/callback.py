"""Calls of the user's Python from inside programs: pure ones, those for debugging, and those with other effects."""
from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NoReturn

import numpy as np

from lantern import tree
from lantern.errors import ArgumentError, CallbackError, NotDifferentiableError
from lantern.lower.kernel import HostCall
from lantern.ops.shape import reshape
from lantern.source import user_source
from lantern.trace.array import is_host_array
from lantern.trace.aval import ShapedArray
from lantern.trace.constants import constant
from lantern.trace.context import bind, typeof
from lantern.trace.jaxpr import Jaxpr, param_key, subjaxprs
from lantern.trace.primitive import (
    Axis,
    Dims,
    Effect,
    Primitive,
    Structured,
    SubLowering,
    Tangent,
    Value,
    Zero,
)
from lantern.transforms.batch import front

NumPyArray = np.ndarray[Any, Any]
_PLAIN = (bool, int, float, str, type(None))


class Callback:
    """A Python function of pytrees as one of flat NumPy arrays. Equal to another if all its parts are.

    `treedef` is the structure of (args, kwargs); `statics` holds the leaves that are no arrays (place, value);
    `out_tree` is the structure of the result, None if it is dropped. The line of the call is no part. `ours`: the
    function holds nothing of the user's, so that a cache may keep it. `deferred`: it only looks, and may run later.
    """

    __slots__ = ("deferred", "function", "key", "name", "out_tree", "pins", "source", "statics", "treedef")

    def __init__(self, function: Callable[..., Any], name: str, treedef: tree.TreeDef,
                 statics: tuple[tuple[int, Any], ...], out_tree: tree.TreeDef | None, ours: bool = False,
                 deferred: bool = False) -> None:
        self.deferred = deferred
        self.function, self.name, self.treedef, self.statics = function, name, treedef, statics
        self.out_tree, self.source = out_tree, user_source()
        self.pins = not ours or any([type(x) not in _PLAIN for _, x in statics])
        self.key: Hashable = (_hashable(function), treedef, tuple([(i, _hashable(x)) for i, x in statics]), out_tree)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Callback) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return self.name

    def __call__(self, *arrays: NumPyArray) -> Sequence[Any]:
        """The leaves of the result."""
        rest, statics = iter(arrays), dict(self.statics)
        leaves = [statics[i] if i in statics else next(rest) for i in range(self.treedef.num_leaves)]
        args, kwargs = tree.unflatten(self.treedef, leaves)
        result = self.function(*args, **kwargs)
        if self.out_tree is None:
            return ()
        found, structure = tree.flatten(result)
        if structure is not self.out_tree:
            raise CallbackError(f"callback {self.name}: the result must have the structure {self.out_tree}, got "
                                f"{structure}, at {self.source}. Return what result_shape_dtypes describes")
        return found


class Mapped:
    """A callback called once for each element of the batch. `flags`: which operands have the new axis in front."""

    __slots__ = ("callback", "flags", "size")

    def __init__(self, callback: Callback | Mapped, size: int, flags: tuple[bool, ...]) -> None:
        self.callback, self.size, self.flags = callback, size, flags

    @property
    def name(self) -> str:
        """The callback's."""
        return self.callback.name

    @property
    def pins(self) -> bool:
        """Whether it holds the user's objects."""
        return self.callback.pins

    @property
    def deferred(self) -> bool:
        """Whether it may run later."""
        return self.callback.deferred

    @property
    def parts(self) -> Hashable:
        """What equality compares."""
        return self.callback, self.size, self.flags

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapped) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __repr__(self) -> str:
        return f"vmap({self.name})"

    def elements(self, arrays: Sequence[NumPyArray]) -> list[list[NumPyArray]]:
        """The operands of each call."""
        return [[x[k] if f else x for x, f in zip(arrays, self.flags, strict=True)] for k in range(self.size)]


HostFunction = Callback | Mapped


class _ById:
    """A value without a hash, as a key: itself and nothing else."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


def _hashable(x: Any) -> Hashable:
    try:
        hash(x)
    except TypeError:
        return _ById(x)
    return param_key(x)


def call_host(function: HostFunction, results: Sequence[ShapedArray], arrays: Sequence[Any]) -> list[NumPyArray]:
    """Call the user's function with copies that stay as they are, and check what it gives.

    Raises CallbackError, naming the callback, for results of another structure, shape or dtype than promised.
    """
    if isinstance(function, Mapped):
        inner = [a.with_shape(a.shape[1:]) for a in results]
        rows = [call_host(function.callback, inner, xs) for xs in function.elements([np.asarray(x) for x in arrays])]
        return [np.stack([row[k] for row in rows]) if rows else np.zeros(a.shape, a.dtype)
                for k, a in enumerate(results)]
    found = function(*[_kept(x) for x in arrays])
    return [_result(x, a, function) for x, a in zip(found, results, strict=True)]


def _kept(x: Any) -> NumPyArray:
    """A read-only copy: the program will use this memory again, and the user may keep the array."""
    copied = np.array(x)
    copied.setflags(write=False)
    return copied


def _result(x: Any, wanted: ShapedArray, callback: Callback) -> NumPyArray:
    if hasattr(x, "__array__") and not is_host_array(x):
        x = np.asarray(x)
    found = (x, typeof(x)) if is_host_array(x) and x.dtype == wanted.dtype else constant(x)
    if found is None:
        raise CallbackError(f"callback {callback}: wanted {wanted}, got {x!r} of type {type(x).__name__}, at "
                            f"{callback.source}. Return NumPy arrays or numbers")
    values, aval = found
    fits = aval.dtype == wanted.dtype or (aval.weak and aval.dtype.kind == wanted.dtype.kind)
    if aval.shape != wanted.shape or not fits:
        raise CallbackError(f"callback {callback}: wanted {wanted}, got {aval.strong()}, at {callback.source}. "
                            "Convert the result with numpy.asarray(result, dtype), or correct result_shape_dtypes")
    return np.asarray(values, wanted.dtype)


def _impl(*arrays: Any, function: HostFunction, results: tuple[ShapedArray, ...], **_: Any) -> Sequence[Any]:
    return call_host(function, results, arrays)


def _abstract(*avals: ShapedArray, results: tuple[ShapedArray, ...], **_: Any) -> Sequence[ShapedArray]:
    return results


def _region(avals: Sequence[ShapedArray], lower: SubLowering, *, function: HostFunction,
            results: tuple[ShapedArray, ...], **_: Any) -> HostCall:
    return HostCall(lambda *arrays: call_host(function, results, arrays), tuple([a.strong() for a in avals]), results,
                    function.name, function.deferred)


def _mapped(axis: Axis, dims: Dims, function: HostFunction,
            results: Sequence[ShapedArray]) -> tuple[Mapped, tuple[ShapedArray, ...]]:
    return (Mapped(function, axis.size, tuple([d is not None for d in dims])),
            tuple([a.with_shape((axis.size, *a.shape)) for a in results]))


def _pure_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, function: HostFunction,
                results: tuple[ShapedArray, ...], vmap_method: str | None) -> tuple[Sequence[Value], Dims]:
    mapped, more = _mapped(axis, dims, function, results)
    match vmap_method:
        case "sequential" | "sequential_unrolled":
            function = mapped
        case "broadcast_all":
            args = [front(x, d, axis.size) for x, d in zip(args, dims, strict=True)]
        case "expand_dims":
            args = [reshape(x, (1, *typeof(x).shape)) if d is None else x for x, d in zip(args, dims, strict=True)]
        case _:
            raise ArgumentError(
                f"pure_callback({function.name}) under vmap needs to know how to batch the call. Give vmap_method="
                "'sequential' (one call for each element), 'expand_dims' or 'broadcast_all' (one call with an axis "
                "in front)")
    return bind(pure_callback_p, *args, function=function, results=more, vmap_method=vmap_method), [0] * len(results)


def _pure_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *,
              function: HostFunction, **_: Any) -> NoReturn:
    raise NotDifferentiableError(f"pure_callback({function.name}) has no derivative. Give it one with "
                                 "lantern.custom_jvp or lantern.custom_vjp, or call it on lax.stop_gradient(x)")


def _io_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent], *, function: HostFunction,
            **_: Any) -> NoReturn:
    raise NotDifferentiableError(f"io_callback({function.name}) has no derivative. Call it on lax.stop_gradient(x), "
                                 "or give it a rule with lantern.custom_jvp or lantern.custom_vjp")


def _io_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, function: HostFunction,
              results: tuple[ShapedArray, ...], ordered: bool) -> tuple[Sequence[Value], Dims]:
    _refuse_order(ordered, f"io_callback({function.name})")
    mapped, more = _mapped(axis, dims, function, results)
    return bind(io_callback_p, *args, function=mapped, results=more, ordered=ordered), [0] * len(results)


def _debug_jvp(primals: Sequence[Value], outs: Sequence[Value], tangents: Sequence[Tangent],
               **_: Any) -> Sequence[Tangent]:
    return [Zero(typeof(x)) for x in outs]      # there are none: a tangent is not shown


def _debug_batch(axis: Axis, args: Sequence[Value], dims: Dims, *, function: HostFunction,
                 results: tuple[ShapedArray, ...], ordered: bool) -> tuple[Sequence[Value], Dims]:
    _refuse_order(ordered, f"debug.callback({function.name})")
    return bind(debug_callback_p, *args, function=_mapped(axis, dims, function, results)[0], results=results,
                ordered=ordered), []


def _refuse_order(ordered: bool, what: str) -> None:
    if ordered:
        raise ArgumentError(f"{what}: under vmap there is no order among the elements. Leave out ordered=True; "
                            "calls of one program keep their order in any case")


pure_callback_p = Primitive("pure_callback", _abstract, _impl, Structured(_region), _pure_batch, jvp=_pure_jvp)
io_callback_p = Primitive("io_callback", _abstract, _impl, Structured(_region), _io_batch, jvp=_io_jvp,
                          effect=Effect.UNORDERED)
debug_callback_p = Primitive("debug_callback", _abstract, _impl, Structured(_region), _debug_batch, jvp=_debug_jvp,
                             effect=Effect.UNORDERED)
HOST_PRIMITIVES = frozenset({pure_callback_p, io_callback_p, debug_callback_p})


def pins_objects(jaxpr: Jaxpr) -> bool:
    """Whether a program holds functions or objects of the user's, which a cache must not keep alive."""
    for e in jaxpr.eqns:
        if e.primitive in HOST_PRIMITIVES:
            if e.params["function"].pins:
                return True
        elif any([pins_objects(s) for v in e.params.values() for s in subjaxprs(v)]):
            return True
    return False
