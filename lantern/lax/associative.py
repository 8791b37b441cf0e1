"""`associative_scan`: all prefixes under an associative operation, in about 2 log2(n) rounds."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lantern import tree
from lantern.flat import as_output, name_of
from lantern.lax.bodies import check_function, leaves_of, results
from lantern.lax.operands import canonical_axis, shape_error, type_error
from lantern.ops.shape import concatenate, reshape, rev
from lantern.ops.shape import slice as slice_
from lantern.trace.context import typeof
from lantern.trace.primitive import Value
from lantern.tracebacks import boundary

T = TypeVar("T")


def associative_scan(fn: Callable[[T, T], T], elems: T, reverse: bool = False, axis: int = 0) -> T:
    """All prefixes of `elems` along `axis` under fn: element k of the result is fn of elements 0 to k, in this order.

    elems is a pytree of arrays that have one size along the axis; fn takes two such trees (of any size along it), works
    on them element by element, and gives a third; it must be associative. Neighbours are combined in pairs, the
    prefixes of the pairs found by recursion, and those between filled in (Blelloch 1990): about 2 log2(n) rounds, 2 n
    elements of work. `reverse`: suffixes, from the end.

    Raises ShapeError for leaves whose sizes along the axis differ or that have no such axis, and for an fn that changes
    shapes or dtypes; TypeError if fn changes the structure.

    >>> import lantern.numpy as jnp
    >>> associative_scan(jnp.add, jnp.array([1, 2, 3, 4])).tolist()
    [1, 3, 6, 10]
    """
    return boundary(_associative_scan)(fn, elems, reverse, axis)


def _associative_scan(fn: Callable[..., Any], elems: Any, reverse: bool, axis: int) -> Any:
    check_function("associative_scan", "fn", fn)
    found = leaves_of("associative_scan", elems, "elems")
    for name, aval in zip(found.names, found.avals, strict=True):
        if not aval.shape:
            raise shape_error(f"associative_scan: `{name}` is {aval} and has no axis to go along")
    axes = [canonical_axis("associative_scan", axis, a) for a in found.avals]
    sizes = {n: a.shape[k] for n, a, k in zip(found.names, found.avals, axes, strict=True)}
    if len(set(sizes.values())) > 1:
        listed = ", ".join([f"`{n}` has {size}" for n, size in sizes.items()])
        raise shape_error(f"associative_scan: all elems must have one size along axis {axis}, but {listed}")
    values = [rev(x, (k,)) for x, k in zip(found.values, axes, strict=True)] if reverse else found.values
    outs = _Prefixes(fn, found.treedef, found.names, axes).of(values) if values else values
    return results(found.treedef, [rev(x, (k,)) for x, k in zip(outs, axes, strict=True)] if reverse else outs)


class _Prefixes:
    def __init__(self, fn: Callable[..., Any], treedef: tree.TreeDef, names: Sequence[str],
                 axes: Sequence[int]) -> None:
        self.fn, self.treedef, self.names, self.axes = fn, treedef, names, axes

    def of(self, xs: Sequence[Value]) -> list[Value]:
        count = typeof(xs[0]).shape[self.axes[0]]
        if count < 2:
            return list(xs)
        pairs = self.combined(self.every_other(xs, 0, count - 1), self.every_other(xs, 1, count))
        odd = self.of(pairs)
        before = odd if count % 2 else self.every_one(odd, 0, count // 2 - 1)
        first = self.every_one(xs, 0, 1)
        if count == 2:
            return [concatenate([a, b], k) for a, b, k in zip(first, odd, self.axes, strict=True)]
        rest = self.combined(before, self.every_other(xs, 2, count))
        even = [concatenate([a, b], k) for a, b, k in zip(first, rest, self.axes, strict=True)]
        return [_interleaved(a, b, k) for a, b, k in zip(even, odd, self.axes, strict=True)]

    def combined(self, xs: Sequence[Value], ys: Sequence[Value]) -> list[Value]:
        out = self.fn(tree.unflatten(self.treedef, xs), tree.unflatten(self.treedef, ys))
        found, treedef = tree.flatten(out)
        f = name_of(self.fn)
        if treedef is not self.treedef:
            raise type_error(f"associative_scan: {f} must return the structure that it gets, {self.treedef}, but "
                             f"returns {treedef}")
        outs = [as_output(x, f"associative_scan({f})") for x in found]
        for name, x, out in zip(self.names, xs, outs, strict=True):
            wanted, got = typeof(x), typeof(out)
            if (wanted.shape, wanted.dtype) != (got.shape, got.dtype):
                raise shape_error(f"associative_scan: {f} must keep shapes and dtypes, but `{name}` is {wanted} and "
                                  f"becomes {got}")
        return outs

    def every_other(self, xs: Sequence[Value], start: int, stop: int) -> list[Value]:
        return [_cut(x, k, start, stop, 2) for x, k in zip(xs, self.axes, strict=True)]

    def every_one(self, xs: Sequence[Value], start: int, stop: int) -> list[Value]:
        return [_cut(x, k, start, stop, 1) for x, k in zip(xs, self.axes, strict=True)]


def _cut(x: Value, axis: int, start: int, stop: int, stride: int) -> Value:
    shape = typeof(x).shape
    starts, stops, strides = [0] * len(shape), list(shape), [1] * len(shape)
    starts[axis], stops[axis], strides[axis] = start, stop, stride
    return slice_(x, starts, stops, strides)


def _interleaved(even: Value, odd: Value, axis: int) -> Value:
    """Elements 0, 2, 4, ... and 1, 3, 5, ... along the axis: as many of both, or one more of the even ones."""
    shape, count = typeof(even).shape, typeof(odd).shape[axis]
    pairs = (*shape[:axis], count, 1, *shape[axis + 1:])
    both = concatenate([reshape(_cut(even, axis, 0, count, 1), pairs), reshape(odd, pairs)], axis + 1)
    joined = reshape(both, (*shape[:axis], 2 * count, *shape[axis + 1:]))
    return joined if shape[axis] == count else concatenate([joined, _cut(even, axis, count, count + 1, 1)], axis)
