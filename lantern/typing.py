"""What annotations are written with: arrays whose types carry an element type and named sizes.

    class Batch(Dim): ...
    class Pixels(Dim): ...

    def brightness(images: Float[Batch, Pixels]) -> Float[Batch]:
        return images.mean(-1)

A type checker follows the sizes through operators and transforms; while tracing, the same annotations are checked
against the real shapes (`lantern.annotations`). `docs/typed-shapes.md` says what the types can express and what not.
"""
from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self, TypeAlias, TypeVar, TypeVarTuple

import numpy as np

from lantern.dtypes import (
    Complex,
    DType,
    Floating,
    Integer,
    bf16,
    bool_,
    c64,
    c128,
    f16,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    prng_key,
    u8,
    u16,
    u32,
    u64,
)
from lantern.errors import ShapeError
from lantern.trace.array import Array

__all__ = [
    "AnyShape", "Array", "ArrayLike", "Bool", "Complex", "DType", "Dim", "Float", "Floating", "Int", "Integer", "Key",
    "bf16", "bool_", "c64", "c128", "f16", "f32", "f64", "i8", "i16", "i32", "i64", "prng_key", "u8", "u16", "u32",
    "u64", "unknown",
]


D = TypeVar("D", bound=DType)


def unknown(x: Array[D, *tuple[Any, ...]]) -> Array[D, *tuple[Any, ...]]:
    """x itself, of which a type checker knows the element type only: where shapes are beyond the types.

    >>> import lantern.numpy as jnp
    >>> unknown(jnp.ones((2, 3))).shape
    (2, 3)
    """
    return x


class Dim(int):
    """The base of named sizes. A subclass is a name; an instance is an int that a type checker knows by that name.

    A class with a `size` has that size always.

    >>> class Batch(Dim): ...
    >>> class Digits(Dim):
    ...     size = 10
    >>> Batch(32), Digits()
    (Batch(32), Digits(10))

    Raises ShapeError for a negative size, a size other than the class's own, and none where the class has none.
    """

    size: ClassVar[int | None] = None

    def __new__(cls, size: int | None = None) -> Self:
        """The named size."""
        found = cls.size if size is None else size
        if found is None:
            raise ShapeError(f"{cls.__name__}() needs a size: {cls.__name__}(32)")
        if cls.size is not None and found != cls.size:
            raise ShapeError(f"{cls.__name__} has size {cls.size}, got {found}")
        if found < 0:
            raise ShapeError(f"{cls.__name__}: a size cannot be negative, got {found}")
        return super().__new__(cls, found)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({int(self)})"

    __str__ = int.__repr__


# A TypeVarTuple without a default: `Float[()]` must stay rank 0, where a default would turn it into any shape.
Sizes = TypeVarTuple("Sizes")

Float: TypeAlias = Array[f32, *Sizes]
Int: TypeAlias = Array[i32, *Sizes]
Bool: TypeAlias = Array[bool_, *Sizes]
Key: TypeAlias = Array[prng_key, *Sizes]    # random keys: Key[()] is one, Key[Batch] as many as the batch has
AnyShape: TypeAlias = tuple[Any, ...]     # Float[*AnyShape]: the shape is not known to the types


class SupportsLanternArray(Protocol):
    """A foreign object that knows how to become an array."""

    def __lantern_array__(self) -> Array:
        """The array that the object stands for."""
        ...


# What functions of arrays accept.
ArrayLike: TypeAlias = (
    "Array | np.ndarray[Any, Any] | np.generic | bool | int | float | complex | SupportsLanternArray")
