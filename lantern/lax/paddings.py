"""How windows are padded: `SAME`, `VALID`, `SAME_LOWER`, or a pair of counts for each axis."""
from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TypeAlias

from lantern.lax.operands import argument_error, shape_error
from lantern.ops.conv import spread_size

Padding: TypeAlias = "str | Sequence[tuple[int, int]]"
NAMES = ("SAME", "VALID", "SAME_LOWER")


def padtype_to_pads(in_shape: Sequence[int], window_shape: Sequence[int], window_strides: Sequence[int],
                    padding: str) -> list[tuple[int, int]]:
    """The (low, high) counts of a padding by name: with "SAME" there are ceil(size / stride) places, and an odd zero
    stands behind ("SAME_LOWER": before); with "VALID" there is none.

    Raises ArgumentError for another name, ShapeError for sequences of different lengths.

    >>> padtype_to_pads((5, 4), (3, 3), (1, 2), "SAME")
    [(1, 1), (0, 1)]
    """
    name = padding_name("padtype_to_pads", padding)
    if not len(in_shape) == len(window_shape) == len(window_strides):
        raise shape_error(f"padtype_to_pads: wanted as many sizes of windows and strides as axes, got "
                          f"{tuple(in_shape)}, {tuple(window_shape)} and {tuple(window_strides)}")
    if name == "VALID":
        return [(0, 0)] * len(in_shape)
    pads: list[tuple[int, int]] = []
    for n, k, s in zip(in_shape, window_shape, window_strides, strict=True):
        total = max((-(-n // s) - 1) * s + k - n, 0)
        low = total // 2 if name == "SAME" else -(-total // 2)
        pads.append((low, total - low))
    return pads


def padding_name(function: str, padding: str) -> str:
    """The name of a padding in capitals. Raises ArgumentError for one that there is not."""
    if padding.upper() not in NAMES:
        raise argument_error(f"{function}: padding must be {', '.join(map(repr, NAMES))} or a pair (low, high) for "
                             f"each axis, got {padding!r}")
    return padding.upper()


def pairs(function: str, padding: Padding, sizes: Sequence[int], window: Sequence[int], strides: Sequence[int],
          dilation: Sequence[int]) -> list[tuple[int, int]]:
    """The padding of each axis in numbers; `dilation` is that of the window.

    Raises ArgumentError for an unknown name, ShapeError unless there is one pair for each axis.
    """
    if isinstance(padding, str):
        spans = [spread_size(n, by) for n, by in zip(window, dilation, strict=True)]
        return padtype_to_pads(sizes, spans, strides, padding_name(function, padding))
    try:
        found = [(operator.index(low), operator.index(high)) for low, high in padding]
    except (TypeError, ValueError):
        raise shape_error(f"{function}: padding must be a name or a pair (low, high) of integers for each axis, got "
                          f"{padding!r}") from None
    if len(found) != len(sizes):
        raise shape_error(f"{function}: wanted a pair (low, high) for each of {len(sizes)} axes, got {found}")
    return found


def counts(function: str, name: str, given: Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Strides or dilations, one for each axis; None: all 1.

    Raises ShapeError for another number of them, or any below 1.
    """
    if given is None:
        return (1,) * rank
    try:
        found = tuple([operator.index(n) for n in given])
    except TypeError as error:
        if type(error) is not TypeError:        # an UnknownValueError says more
            raise
        raise shape_error(f"{function}: {name} must be a sequence of integers, got {given!r}") from None
    if len(found) != rank or any(n < 1 for n in found):
        raise shape_error(f"{function}: wanted {rank} {name} of 1 or more, one for each axis that the window moves "
                          f"along, got {found}")
    return found
