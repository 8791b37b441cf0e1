"""Abstract values: what is known of an array before it has a value."""
from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lantern.dtypes import U32, short_name


@dataclass(frozen=True, slots=True)
class ShapedArray:
    """Shape and dtype. `weak` marks values that came from Python scalars: they adopt the dtype they meet.

    >>> str(ShapedArray((2, 3), np.dtype("float32")))
    'f32[2,3]'
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    weak: bool = False
    _hash: int = field(default=0, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.shape, self.dtype, self.weak)))

    def __hash__(self) -> int:
        return self._hash       # avals are keys of every cache

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the elements."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return self.text(self.shape)

    def text(self, axes: Sequence[object]) -> str:
        """As `str`, with other words for the sizes: `f32[Batch,784]`."""
        return f"{short_name(self.dtype)}{'*' if self.weak else ''}[{','.join(map(str, axes))}]"

    def with_shape(self, shape: tuple[int, ...]) -> ShapedArray:
        """The same element type in another shape."""
        return self if shape == self.shape else shaped(shape, self.dtype, self.weak)

    def with_dtype(self, dtype: np.dtype[Any]) -> ShapedArray:
        """The same shape with another (strong) element type."""
        return shaped(self.shape, dtype)

    def strong(self) -> ShapedArray:
        """The same without the mark of a Python scalar."""
        return shaped(self.shape, self.dtype) if self.weak else self


@functools.lru_cache(maxsize=1 << 14)
def shaped(shape: tuple[int, ...], dtype: np.dtype[Any], weak: bool = False) -> ShapedArray:
    """An interned ShapedArray: equal ones are usually the same object, which makes comparing them cheap."""
    return ShapedArray(shape, dtype, weak)


def key_words(keys: ShapedArray) -> ShapedArray:
    """The words of keys, as they lie in memory.

    >>> from lantern.dtypes import KEY
    >>> str(key_words(ShapedArray((3,), KEY)))
    'u32[3,2]'
    """
    return shaped((*keys.shape, 2), U32)
