"""Indexed updates: `x.at[index].set(value)` is a new array; x itself never changes."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NoReturn, TypeVar, cast

import numpy as np

from lantern.dtypes import I32
from lantern.lax.loops import fori_loop
from lantern.lax.operands import ArrayLike, array, is_host_array, size_of, type_error
from lantern.lax.operands import cast as converted
from lantern.numpy.arithmetic import divide, negative, power
from lantern.numpy.creation import ones_like
from lantern.numpy.indexing import broadcast_value, getitem
from lantern.numpy.logic import where
from lantern.numpy.reductions import max as largest
from lantern.numpy.updates import READERS, WRITERS, make_plan, masked, write_window
from lantern.ops.broadcast import full
from lantern.ops.scatter import By
from lantern.trace.array import Array
from lantern.trace.context import EAGER, current

X = TypeVar("X")        # the type of the array, which an update keeps


class At(Generic[X]):
    """What `x.at` is: indexed, it has the methods that update."""

    __slots__ = ("_array",)

    def __init__(self, x: X) -> None:
        self._array = cast("Array", x)

    def __getitem__(self, index: Any) -> AtIndex[X]:
        return cast("AtIndex[X]", AtIndex(self._array, index))

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise type_error(f"x.at[i] = v: {self._array.aval} is immutable", "Write y = x.at[i].set(v).")

    def __repr__(self) -> str:
        return f"<x.at of {self._array.aval}: write x.at[i].set(v)>"


class AtIndex(Generic[X]):
    """Elements of an array that are to be updated: `x.at[index]`, without effect until one of its methods is called.

    Positions known while tracing raise IndexError where they are out of range, unless a `mode` says what to do. Unknown
    ones are dropped (None, "drop" or "fill"), moved to the nearest end ("clip") or counted modulo the size ("wrap");
    "promise_in_bounds" says that there are none. Where positions repeat, `set` keeps the last value, and the others
    combine all of them.
    """

    __slots__ = ("_array", "_index")

    def __init__(self, x: X, index: Any) -> None:
        self._array, self._index = cast("Array", x), index

    def set(self, values: ArrayLike, *, mode: str | None = None, indices_are_sorted: bool = False,
            unique_indices: bool = False) -> X:
        """x with the values at the indexed places; they broadcast to the shape of x[index].

        Raises ShapeError if they do not, TypeError if x cannot hold their dtype, IndexError for a known position out of
        range.

        >>> from lantern import numpy as jnp
        >>> jnp.zeros(3).at[1].set(5).tolist()
        [0.0, 5.0, 0.0]
        """
        return self._update("set", "set", values, mode, unique_indices)

    def add(self, values: ArrayLike, *, mode: str | None = None, indices_are_sorted: bool = False,
            unique_indices: bool = False) -> X:
        """x with the values added. Repeated positions add up, in no fixed order. Raises as `set`.

        >>> from lantern import numpy as jnp
        >>> jnp.zeros(3).at[jnp.array([0, 2, 0])].add(1).tolist()
        [2.0, 0.0, 1.0]
        """
        return self._update("add", "add", values, mode, unique_indices)

    def subtract(self, values: ArrayLike, *, mode: str | None = None, indices_are_sorted: bool = False,
                 unique_indices: bool = False) -> X:
        """x with the values subtracted. Raises as `set`.

        >>> from lantern import numpy as jnp
        >>> jnp.zeros(3).at[1:].subtract(1).tolist()
        [0.0, -1.0, -1.0]
        """
        return self._update("subtract", "add", negative(array("at[...].subtract", values)), mode, unique_indices)

    def multiply(self, values: ArrayLike, *, mode: str | None = None, indices_are_sorted: bool = False,
                 unique_indices: bool = False) -> X:
        """x with elements multiplied by the values. Raises as `set`.

        >>> from lantern import numpy as jnp
        >>> jnp.ones(3).at[jnp.array([0, 0])].multiply(3).tolist()
        [9.0, 1.0, 1.0]
        """
        return self._update("multiply", "mul", values, mode, unique_indices)

    mul = multiply

    def divide(self, values: ArrayLike, *, mode: str | None = None, indices_are_sorted: bool = False,
               unique_indices: bool = False) -> Array:
        """x with elements divided by the values; integers become floats. Raises as `set`.

        >>> from lantern import numpy as jnp
        >>> jnp.ones(3).at[1].divide(2).tolist()
        [1.0, 0.5, 1.0]
        """
        whole = AtIndex(ones_like(self._array), self._index)
        return divide(self._array, whole._update("divide", "mul", values, mode, unique_indices))

    def power(self, values: ArrayLike, *, mode: str | None = None, indices_are_sorted: bool = False,
              unique_indices: bool = False) -> Array:
        """x with elements raised to the values. Raises as `set`.

        >>> from lantern import numpy as jnp
        >>> jnp.array([1.0, 2.0, 3.0]).at[1:].power(2).tolist()
        [1.0, 4.0, 9.0]
        """
        whole = AtIndex(ones_like(self._array), self._index)
        return power(self._array, whole._update("power", "mul", values, mode, unique_indices))

    def min(self, values: ArrayLike, *, mode: str | None = None, indices_are_sorted: bool = False,
            unique_indices: bool = False) -> X:
        """x with elements replaced by the values where these are smaller; NaN wins. Raises as `set`.

        >>> from lantern import numpy as jnp
        >>> jnp.arange(3).at[1:].min(1).tolist()
        [0, 1, 1]
        """
        return self._update("min", "min", values, mode, unique_indices)

    def max(self, values: ArrayLike, *, mode: str | None = None, indices_are_sorted: bool = False,
            unique_indices: bool = False) -> X:
        """x with elements replaced by the values where these are larger; NaN wins. Raises as `set`.

        >>> from lantern import numpy as jnp
        >>> jnp.arange(3).at[:2].max(1).tolist()
        [1, 1, 2]
        """
        return self._update("max", "max", values, mode, unique_indices)

    def apply(self, func: Callable[[Any], Any], *, mode: str | None = None, indices_are_sorted: bool = False,
              unique_indices: bool = False) -> X:
        """x with `func`, an elementwise function, applied once for each time that a position occurs.

        Raises as `set`.

        >>> from lantern import numpy as jnp
        >>> jnp.ones(3).at[jnp.array([0, 0, 2])].apply(lambda x: 2 * x).tolist()
        [4.0, 1.0, 2.0]
        """
        x = self._array
        plan, arrays = make_plan("apply", x, self._index, mode, unique_indices)
        if plan.unique:
            return self._update("apply", "set", func(self.get(mode=mode)), mode, True)
        counts = AtIndex(full(x.shape, 0, I32), self._index)._update("apply", "add", 1, mode, False)
        known = current() is EAGER and all([is_host_array(a) for a in arrays])
        times = int(largest(counts)) if known and x.size else size_of(plan.index_shape)

        def once(k: Any, x: Array) -> Array:
            return where(counts > k, converted(array("at[...].apply", func(x)), x.dtype), x)

        return cast("X", fori_loop(0, times, once, x))

    def get(self, *, mode: str | None = None, fill_value: bool | int | float | None = None,
            indices_are_sorted: bool = False, unique_indices: bool = False) -> Array:
        """x[index] with a mode: out of range, "fill" and "drop" read `fill_value` (by default NaN, the least signed or
        largest unsigned integer, or True), "clip" the nearest end, "wrap" counts modulo the size. Raises as `set`.

        >>> from lantern import numpy as jnp
        >>> jnp.arange(3).at[jnp.array([1, 7])].get(mode="fill", fill_value=-1).tolist()
        [1, -1]
        """
        if mode in (None, "promise_in_bounds"):
            return getitem(self._array, self._index)
        plan, arrays = make_plan("get", self._array, self._index, mode, unique_indices)
        if not arrays:
            return getitem(self._array, self._index)
        return READERS[len(arrays)](self._array, *arrays, plan, fill_value)

    def _update(self, name: str, by: By, values: Any, mode: str | None, unique: bool) -> X:
        x, function = self._array, f"at[...].{name}"
        found = masked(function, by, x, self._index, values)
        if found is not None:
            return cast("X", found)
        plan, arrays = make_plan(name, x, self._index, mode, unique)
        value = broadcast_value(function, x, values, plan.shape)
        if 0 in plan.shape:
            return cast("X", x)
        if arrays:
            return cast("X", WRITERS[len(arrays)](x, value, *arrays, plan, by))
        starts = np.asarray(plan.cut.start, np.int32) if current() is EAGER else None
        where_to = plan.without_starts() if starts is not None else plan
        return cast("X", write_window(x, value, starts, where_to, by))

    def _refuse(self, other: Any = None) -> NoReturn:
        raise type_error(f"x.at[i] of {self._array.aval} is no array: it says which elements to update",
                         "Call a method, as in x.at[i].set(v) or x.at[i].add(v), or read x[i].")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __iadd__ = __isub__ = __imul__ = __itruediv__ = __pow__ = __matmul__ = __neg__ = __float__ = __int__ = _refuse
    __lantern_array__ = _refuse

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        self._refuse()

    def __repr__(self) -> str:
        return f"<x.at[i] of {self._array.aval}: call one of its methods, such as set(v)>"
