"""What samplers accept: parameters that broadcast to the shape of all samples."""
from __future__ import annotations

from lantern.lax.operands import (
    ArrayLike,
    DType,
    ShapeLike,
    array,
    canonical_shape,
    cast,
    common_shape,
    constant,
    shape_error,
    stretch,
)
from lantern.ops.convert import convert
from lantern.trace.array import Array


def parameter(function: str, x: ArrayLike, dtype: DType) -> Array:
    """One parameter as an array of the dtype."""
    return constant(cast(x, dtype)) if isinstance(x, (int, float)) else convert(array(function, x), dtype)


def parameters(function: str, shape: ShapeLike | None, dtype: DType, *values: ArrayLike) -> list[Array]:
    """The parameters, stretched to the shape of the samples: `shape`, or what they broadcast to together.

    Raises ShapeError, naming the function and the shapes, if they do not broadcast to it.
    """
    found = [parameter(function, v, dtype) for v in values]
    sizes = sample_shape(function, shape, *[v.shape for v in found])
    return [stretch(v, sizes) for v in found]


def sample_shape(function: str, shape: ShapeLike | None, *batches: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the samples, to which the parameters' shapes must broadcast."""
    if shape is None:
        return common_shape(function, batches)
    sizes = canonical_shape(function, shape)
    if any(len(b) > len(sizes) or any(n not in (1, m) for n, m in zip(b[::-1], sizes[::-1], strict=False))
           for b in batches):
        shown = " and ".join([str(b) for b in batches])
        raise shape_error(f"{function}: parameters of shape {shown} do not broadcast to samples of shape {sizes}",
                          "The shape is that of all samples, with the axes of the parameters last.")
    return sizes
