"""JAX's `flatten_util`: a tree of arrays as one vector, and back."""
from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from lantern import tree
from lantern.dtypes import short_name
from lantern.errors import ArgumentError
from lantern.lax.operands import array
from lantern.numpy.creation import astype, zeros
from lantern.numpy.element_types import result_type
from lantern.numpy.joining import concatenate
from lantern.numpy.shaping import ravel, reshape
from lantern.source import user_source
from lantern.trace.array import AnyArray
from lantern.trace.context import typeof


def ravel_pytree(pytree: Any) -> tuple[AnyArray, Callable[[AnyArray], Any]]:
    """All leaves of a tree as one vector of their common dtype, and the function that makes the tree again.

    The function takes a vector of this length. Where the leaves had several dtypes it takes the common one and gives
    each leaf its own back; where they had one, it takes any, so that tangents and other precisions pass.

    Raises (the function) ArgumentError for a vector of another shape, TypeError for another dtype.

    >>> import lantern.numpy as jnp
    >>> flat, unravel = ravel_pytree({"w": jnp.ones((2, 2)), "b": jnp.zeros(3)})
    >>> flat.shape, unravel(flat * 2.0)["w"].tolist()
    ((7,), [[2.0, 2.0], [2.0, 2.0]])
    """
    leaves, treedef = tree.flatten(pytree)
    arrays = [array("ravel_pytree", x) for x in leaves]
    if not arrays:
        return zeros(0), lambda flat: treedef.unflatten(())
    avals = [typeof(x) for x in arrays]
    dtype = result_type(*arrays)
    same = all([a.dtype == dtype for a in avals])
    parts = [ravel(x) if same else astype(ravel(x), dtype) for x in arrays]
    flat = concatenate(parts)
    ends = [0, *accumulate([a.size for a in avals])]

    def unravel(flat: Any) -> Any:
        vector = array("unravel", flat)
        _check(vector, ends[-1], None if same else dtype)
        found = [reshape(vector[i:j], a.shape) for (i, j), a in zip(pairwise(ends), avals, strict=True)]
        return treedef.unflatten(found if same else _converted(found, [a.dtype for a in avals]))

    return flat, unravel


def _check(vector: AnyArray, length: int, dtype: np.dtype[Any] | None) -> None:
    if vector.shape != (length,):
        raise ArgumentError(f"unravel: wanted a vector of {length} elements, got {typeof(vector)}, at {user_source()}. "
                            "Pass one made by ravel_pytree of a tree of the same shapes")
    if dtype is not None and vector.dtype != dtype:
        raise TypeError(f"unravel: wanted {short_name(dtype)}, the common dtype of leaves of several, got "
                        f"{typeof(vector)}, at {user_source()}. Convert it with astype")


def _converted(arrays: Sequence[AnyArray], dtypes: Sequence[np.dtype[Any]]) -> list[AnyArray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # complex to real: the imaginary parts came from real numbers
        return [astype(x, d) for x, d in zip(arrays, dtypes, strict=True)]
