"""Functions of functions: vectorize, apply_along_axis, apply_over_axes, piecewise, fromfunction, by `vmap`."""
from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import wraps
from typing import Any, TypeAlias

from lantern import tree
from lantern.api import vmap
from lantern.dtypes import canonical
from lantern.lax.operands import (
    ArrayLike,
    DTypeLike,
    ShapeLike,
    argument_error,
    array,
    as_sequence,
    canonical_axis,
    canonical_shape,
    common_shape,
    shape_error,
)
from lantern.numpy.creation import full_like
from lantern.numpy.logic import where
from lantern.numpy.shaping import expand_dims, moveaxis, reshape
from lantern.ops import shape as ops
from lantern.ops.convert import convert
from lantern.trace.array import Array

# `vmap` for axes that are computed: its type speaks of those that are written out.
_vmap: Any = vmap
_Sizes: TypeAlias = "list[tuple[str, ...]]"
_CORE = r"\(\s*(?:\w+(?:\s*,\s*\w+)*)?\s*\)"
_SIGNATURE = rf"\s*{_CORE}(?:\s*,\s*{_CORE})*\s*->\s*{_CORE}(?:\s*,\s*{_CORE})*\s*"


def _parsed(signature: str) -> tuple[_Sizes, _Sizes]:
    """The names of core sizes of each operand and result."""
    if not re.fullmatch(_SIGNATURE, signature):
        raise argument_error(f"vectorize: the signature {signature!r} does not parse",
                             "It looks like '(m,n),(n)->(m)'.")
    sides = [[tuple(re.findall(r"\w+", core)) for core in re.findall(_CORE, side)] for side in signature.split("->")]
    return sides[0], sides[1]


def vectorize(pyfunc: Callable[..., Any], *, excluded: Collection[int | str] = frozenset(),
              signature: str | None = None) -> Callable[..., Any]:
    """A function of numbers (or of small arrays, as `signature` says) as one of arrays that broadcast.

    `signature`, such as "(m,n),(n)->(m)", names the last axes of each operand and result, which `pyfunc` gets and
    gives; the axes before them broadcast and are mapped by `vmap`. `excluded`: positions and names of arguments that go
    to `pyfunc` as they are.

    The function raises ArgumentError for a signature that does not parse or another number of operands, and ShapeError
    for sizes that do not fit it.

    >>> import numpy as np
    >>> dot = vectorize(lambda a, b: (a * b).sum(), signature="(n),(n)->()")
    >>> dot(np.ones((2, 3)), np.ones(3)).tolist()
    [3.0, 3.0]
    """
    cores = None if signature is None else _parsed(signature)

    @wraps(pyfunc)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        mapped = [k for k in range(len(args)) if k not in excluded]
        names = [n for n in kwargs if n not in excluded]
        operands = [array("vectorize", args[k]) for k in mapped] + [array("vectorize", kwargs[n]) for n in names]

        def call(*given: Any) -> Any:
            positional = list(args)
            for k, x in zip(mapped, given, strict=False):
                positional[k] = x
            return pyfunc(*positional, **{**kwargs, **dict(zip(names, given[len(mapped):], strict=True))})

        inner = [()] * len(operands) if cores is None else cores[0]
        if len(inner) != len(operands):
            raise argument_error(f"vectorize: the signature {signature!r} has {len(inner)} operands, got "
                                 f"{len(operands)}")
        return _mapped(call, operands, inner, None if cores is None else cores[1], signature)

    return wrapped


def _mapped(call: Callable[..., Any], operands: Sequence[Array], inner: _Sizes, outer: _Sizes | None,
            signature: str | None) -> Any:
    sizes: dict[str, int] = {}
    for x, names in zip(operands, inner, strict=True):
        if x.ndim < len(names):
            raise shape_error(f"vectorize: the signature {signature!r} wants the axes ({','.join(names)}), got "
                              f"{x.aval}")
        for name, size in zip(names, x.shape[x.ndim - len(names):], strict=True):
            if sizes.setdefault(name, size) != size:
                raise shape_error(f"vectorize: the size {name} of {signature!r} is {sizes[name]} and {size}, got "
                                  f"{' and '.join([str(y.aval) for y in operands])}")
    leads = [x.shape[:x.ndim - len(names)] for x, names in zip(operands, inner, strict=True)]
    lead = common_shape("vectorize", leads, operands)
    padded = [(1,) * (len(lead) - len(shape)) + shape for shape in leads]
    # Axes of size 1 are left out where another operand has more there: `vmap` repeats what it does not map.
    given = [reshape(x, (*[n for n in shape if n != 1], *x.shape[x.ndim - len(names):]))
             for x, shape, names in zip(operands, padded, inner, strict=True)]
    mapped: Callable[..., Any] = _checked(call, outer, sizes, signature)
    for k in reversed(range(len(lead))):
        axes = tuple([None if shape[k] == 1 else 0 for shape in padded])
        mapped = _with_axis(mapped) if all(a is None for a in axes) else _vmap(mapped, in_axes=axes)
    return mapped(*given)


def _with_axis(f: Callable[..., Any]) -> Callable[..., Any]:
    def one(*args: Any) -> Any:
        return tree.map(lambda y: expand_dims(y, 0), f(*args))

    return one


def _checked(call: Callable[..., Any], outer: _Sizes | None, sizes: dict[str, int], signature: str | None
             ) -> Callable[..., Any]:
    """The function, whose results must be what the signature says."""
    if outer is None:
        return call

    def checked(*args: Any) -> Any:
        found: Any = call(*args)
        several = isinstance(found, (tuple, list))
        results = as_sequence(found)
        if len(results) != len(outer) or (len(outer) > 1) != several:
            raise argument_error(f"vectorize: the signature {signature!r} has {len(outer)} results, got {len(results)}")
        known = dict(sizes)
        for y, names in zip([array("vectorize", y) for y in results], outer, strict=True):
            if y.ndim != len(names) or any(known.setdefault(n, s) != s for n, s in zip(names, y.shape, strict=True)):
                raise shape_error(f"vectorize: the signature {signature!r} wants a result of the axes "
                                  f"({','.join(names)}), got {y.aval}")
        return found

    return checked


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: ArrayLike, *args: Any, **kwargs: Any) -> Array:
    """A function of vectors applied to each vector along an axis; the axes of its result stand in that one's place.

    `args` and `kwargs` go to the function as they are. Raises ArgumentError for an axis that is out of range.

    >>> import numpy as np
    >>> apply_along_axis(lambda v: v - v[0], 1, np.array([[1, 2], [5, 9]])).tolist()
    [[0, 1], [0, 4]]
    """
    x = array("apply_along_axis", arr)
    place = canonical_axis("apply_along_axis", axis, x.aval)

    def mapped(v: Any) -> Any:
        return array("apply_along_axis", func1d(v, *args, **kwargs))

    whole: Callable[..., Any] = mapped
    for _ in range(x.ndim - 1):
        whole = _vmap(whole)
    found = array("apply_along_axis", whole(moveaxis(x, place, -1)))
    rank = found.ndim - (x.ndim - 1)
    return moveaxis(found, tuple(range(x.ndim - 1, found.ndim)), tuple(range(place, place + rank)))


def apply_over_axes(func: Callable[[Any, int], Any], a: ArrayLike, axes: int | Sequence[int]) -> Array:
    """`func(a, axis)` for one axis after the other; an axis that it removes comes back with size 1.

    Raises ShapeError if it changes the rank otherwise.

    >>> import numpy as np
    >>> apply_over_axes(lambda x, k: x.sum(k), np.ones((2, 3)), (0, 1)).tolist()
    [[6.0]]
    """
    x = array("apply_over_axes", a)
    for axis in axes if isinstance(axes, Sequence) else (axes,):
        place = canonical_axis("apply_over_axes", axis, x.aval)
        found = array("apply_over_axes", func(x, place))
        if found.ndim not in (x.ndim, x.ndim - 1):
            raise shape_error(f"apply_over_axes: the function must keep the rank or remove axis {place}, it made "
                              f"{found.aval} of {x.aval}")
        x = found if found.ndim == x.ndim else expand_dims(found, place)
    return x


def piecewise(x: ArrayLike, condlist: Sequence[ArrayLike] | ArrayLike, funclist: Sequence[Any], *args: Any,
              **kw: Any) -> Array:
    """Each element by the function (or number) of the last condition that holds there; one more function is for where
    none does (else 0). In x's dtype.

    Every function sees all of x, and all are differentiated: guard what is not finite elsewhere, as for `where`.
    Raises ArgumentError unless there are as many functions as conditions, or one more.

    >>> import numpy as np
    >>> piecewise(np.array([-2.0, 3.0]), [np.array([True, False])], [abs, lambda v: v * 10]).tolist()
    [2.0, 30.0]
    """
    at = array("piecewise", x)
    conditions: list[Any] = list(condlist) if isinstance(condlist, Sequence) else [condlist]
    if len(funclist) - len(conditions) not in (0, 1):
        raise argument_error(f"piecewise: wanted as many functions as conditions, or one more, got {len(funclist)} for "
                             f"{len(conditions)}")

    def value(f: Any) -> Array:
        return convert(array("piecewise", f(at, *args, **kw)), at.dtype) if callable(f) else full_like(at, f)

    found = value(funclist[-1]) if len(funclist) > len(conditions) else full_like(at, 0)
    for condition, f in zip(conditions, funclist, strict=False):
        found = where(condition, value(f), found)
    return found


def fromfunction(function: Callable[..., Any], shape: ShapeLike, *, dtype: DTypeLike = float, **kwargs: Any) -> Any:
    """The function of the positions along each axis of a grid, which it gets as numbers.

    >>> fromfunction(lambda i, j: i + j, (2, 2), dtype=int).tolist()
    [[0, 1], [1, 2]]
    """
    sizes, wanted = canonical_shape("fromfunction", shape), canonical(dtype)
    mapped: Callable[..., Any] = lambda *places: function(*places, **kwargs)        # noqa: E731
    for k in reversed(range(len(sizes))):
        mapped = _vmap(mapped, in_axes=tuple([0 if i == k else None for i in range(len(sizes))]))
    return mapped(*[ops.iota(wanted, (n,), 0) for n in sizes])
