"""Which functions take random keys: those that move elements and ask nothing of them. All others refuse, by name."""
from __future__ import annotations

from lantern.dtypes import KEY, no_numbers
from lantern.trace.array import AnyArray

MOVING = frozenset({
    "all_gather", "append", "array_equal", "array_split", "asarray", "at", "at[...].get", "at[...].set",
    "atleast_1d", "atleast_2d", "atleast_3d", "block", "broadcast", "broadcast_arrays", "broadcast_in_dim",
    "broadcast_to", "choice", "choose", "collapse", "column_stack", "concatenate", "copy", "device_put", "diagonal",
    "dstack", "dynamic_index_in_dim", "dynamic_slice", "dynamic_slice_in_dim", "dynamic_update_index_in_dim",
    "dynamic_update_slice", "dynamic_update_slice_in_dim", "eq", "equal", "expand_dims", "flip", "fliplr", "flipud",
    "gather", "getitem", "hsplit", "hstack", "index_in_dim", "index_take", "moveaxis", "ndim", "ne", "not_equal",
    "permutation", "permute_dims", "put_along_axis", "ravel", "repeat", "reshape", "rev", "roll", "rot90",
    "scatter", "select", "select_n", "shape", "size", "slice", "slice_in_dim", "split", "squeeze", "stack",
    "stop_gradient", "swapaxes", "take", "take_along_axis", "tile", "transpose", "unstack", "vsplit", "vstack",
    "where",
})


def check_moves(function: str, x: AnyArray) -> None:
    """Raises TypeError, with the line and the cure, if x holds random keys and the function does not take them.

    >>> import lantern
    >>> check_moves("reshape", lantern.random.key(0))
    >>> check_moves("add", lantern.random.key(0))
    Traceback (most recent call last):
    TypeError: add: got key<fry>[]: random keys are no numbers, at ... Draw with lantern.random.bits(key), or look ...
    """
    if x.aval.dtype is KEY and function not in MOVING:
        raise no_numbers(function, f"got {x.aval}")
