"""Foreign values become arrays: Python scalars, NumPy arrays, objects with `__lantern_array__`."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.dtypes import canonical, default, python_dtype
from lantern.source import user_source
from lantern.trace.array import is_array, is_host_array
from lantern.trace.aval import ShapedArray, shaped


def narrowed(x: np.ndarray[Any, Any], wanted: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """x in an integer or float dtype of 32 bits.

    Raises OverflowError if an integer does not fit: values never change in silence.
    """
    if wanted.kind in "iu" and x.size:
        low, high, bounds = int(x.min()), int(x.max()), np.iinfo(wanted)
        if low < bounds.min or high > bounds.max:
            bad = low if low < bounds.min else high
            raise OverflowError(f"{x.dtype} array holds {bad}, which does not fit into {wanted}; use 64-bit types "
                                "(an explicit dtype, or lantern.config.update('enable_x64', True)) on the CPU")
    with np.errstate(over="ignore"):    # a float64 beyond float32 becomes inf, as everywhere
        return x.astype(wanted)


def constant(x: Any) -> tuple[np.ndarray[Any, Any], ShapedArray] | None:
    """A read-only copy of a Python scalar, NumPy scalar or NumPy array in its default width, with its aval.

    None for what is none of these.
    """
    if is_host_array(x):        # NumPy's float64 and complex128 scalars are Python numbers, too
        values = np.array(x)
        weak, wanted = False, default(canonical(values.dtype))
        if wanted != values.dtype:
            values = narrowed(values, wanted)
    elif isinstance(x, (bool, int, float, complex)):
        dtype = python_dtype(_kind(x))
        values = narrowed(np.asarray(x), dtype) if dtype.kind in "iu" else np.asarray(x, dtype)
        weak = dtype.kind != "b"
    else:
        return None
    values.setflags(write=False)
    return values, shaped(values.shape, values.dtype, weak)


def _kind(x: object) -> type[Any]:
    """Which of Python's numbers x is; NumPy's scalars may be a subclass."""
    return bool if isinstance(x, bool) else int if isinstance(x, int) else float if isinstance(x, float) else complex


def unwrapped(x: Any) -> Any:
    """x, or the array or number that its `__lantern_array__` gives.

    Raises TypeError if that gives anything else.
    """
    if is_array(x) or not hasattr(x, "__lantern_array__"):
        return x
    found = x.__lantern_array__()
    if is_array(found) or is_host_array(found) or isinstance(found, (bool, int, float, complex)):
        return found
    raise TypeError(f"{type(x).__name__}.__lantern_array__() must give an array or a number, got {found!r:.80} of type "
                    f"{type(found).__name__}, at {user_source()}. Return lantern.numpy.asarray(...) there")
