"""Convolutions, with jax.lax's names and arguments.

As everywhere in neural networks, a "convolution" does not turn the kernel around: it is a correlation.
"""
from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from lantern.dtypes import canonical
from lantern.eager import one_program
from lantern.lax.operands import ArrayLike, DTypeLike, argument_error, array, cast, shape_error, size_of
from lantern.lax.paddings import Padding, counts, padding_name, pairs
from lantern.lax.precision import PrecisionLike, check_precision
from lantern.ops import shape as ops
from lantern.ops.conv import Letters, Window, spread_size
from lantern.ops.conv import conv as convolve
from lantern.ops.patches import Slide, patches
from lantern.trace.array import Array
from lantern.trace.aval import ShapedArray
from lantern.trace.primitive import Value

# letters of spatial axes, in the order of the kernel's: all but those of groups, batch and features
_SPATIAL = "hwdxyz" + "".join([x for x in string.ascii_letters if x not in "hwdxyzgnco"])


class ConvDimensionNumbers(NamedTuple):
    """Where the axes lie: of the array (batch, feature, spatial axes), of the kernel (output feature, input feature,
    spatial axes) and of the result (batch, feature, spatial axes)."""

    lhs_spec: tuple[int, ...]
    rhs_spec: tuple[int, ...]
    out_spec: tuple[int, ...]


DimensionNumbers: TypeAlias = "ConvDimensionNumbers | tuple[str, str, str] | None"


def conv_dimension_numbers(lhs_shape: Sequence[int], rhs_shape: Sequence[int],
                           dimension_numbers: DimensionNumbers) -> ConvDimensionNumbers:
    """The layouts as numbers of axes. Strings name axes by one character each: N and C in the array and the result, O
    and I in the kernel, and spatial axes by any others, the same in all three. None means NCHW, OIHW, NCHW.

    Raises ShapeError if the ranks differ, ArgumentError for strings that name no layout.

    >>> conv_dimension_numbers((1, 5, 5, 3), (3, 3, 3, 8), ("NHWC", "HWIO", "NHWC")).rhs_spec
    (3, 2, 0, 1)
    """
    return _numbers("conv_dimension_numbers", tuple(lhs_shape), tuple(rhs_shape), dimension_numbers)


def _numbers(function: str, lhs: tuple[int, ...], rhs: tuple[int, ...], given: Any) -> ConvDimensionNumbers:
    rank = len(lhs)
    if len(rhs) != rank or rank < 2:
        raise shape_error(f"{function}: array and kernel must have the same rank, at least 2, got shapes {lhs} and "
                          f"{rhs}", "Both have two axes (batch and feature) beside the spatial ones.")
    if given is None:
        return ConvDimensionNumbers(*[tuple(range(rank))] * 3)
    if isinstance(given, ConvDimensionNumbers):
        if any(sorted(spec) != list(range(rank)) for spec in given):
            raise argument_error(f"{function}: each of the dimension numbers must be an order of the axes 0 to "
                                 f"{rank - 1}, got {given}")
        return given
    if not isinstance(given, (tuple, list)) or list(map(type, given)) != [str] * 3:      # pyright: ignore[reportUnknownArgumentType]
        raise argument_error(f"{function}: dimension_numbers must be three strings such as ('NHWC', 'HWIO', 'NHWC'), "
                             f"ConvDimensionNumbers or None, got {given!r}")
    texts: list[str] = list(given)      # pyright: ignore[reportUnknownArgumentType]
    spatial = [x for x in texts[1] if x not in "OI"]
    for text, need in zip(texts, ("NC", "OI", "NC"), strict=True):
        if sorted(text) != sorted([*need, *spatial]) or len(set(text)) != rank or len(text) != rank:
            raise argument_error(f"{function}: dimension_numbers must name {rank} axes by different characters: N, C "
                                 f"in the first and third, O, I in the second, and the same spatial ones in all, got "
                                 f"{tuple(texts)} for shapes {lhs} and {rhs}")
    places = [tuple([text.index(x) for x in (*need, *spatial)])
              for text, need in zip(texts, ("NC", "OI", "NC"), strict=True)]
    return ConvDimensionNumbers(*places)


@one_program(2)
def conv_general_dilated(lhs: ArrayLike, rhs: ArrayLike, window_strides: Sequence[int], padding: Padding,
                         lhs_dilation: Sequence[int] | None = None, rhs_dilation: Sequence[int] | None = None,
                         dimension_numbers: DimensionNumbers = None, feature_group_count: int = 1,
                         batch_group_count: int = 1, precision: PrecisionLike = None,
                         preferred_element_type: DTypeLike = None) -> Array:
    """The array `lhs` convolved with the kernel `rhs`, along any number of spatial axes.

    window_strides      how far the kernel moves, for each spatial axis
    padding             "SAME", "VALID", "SAME_LOWER", or (low, high) for each spatial axis; negative ones cut
    lhs_dilation        the array's elements are so far apart, with zeros between (a transposed convolution)
    rhs_dilation        the kernel's elements are so far apart (an atrous convolution)
    dimension_numbers   where the axes lie, see `conv_dimension_numbers`; None: NCHW, OIHW, NCHW
    feature_group_count the features are cut into groups, each with a kernel of its own; as many groups as features make
                        a depthwise convolution
    batch_group_count   the same of the batch
    precision           ignored: f32 is computed in f32, and f16 and bf16 are summed in f32
    preferred_element_type  the dtype to compute in and to return

    Raises ShapeError if shapes, dtypes, groups or windows do not fit, ArgumentError for unknown names.

    >>> import numpy as np
    >>> x, w = np.arange(16.0).reshape(1, 1, 4, 4), np.ones((1, 1, 3, 3))
    >>> conv_general_dilated(x, w, (1, 1), "VALID").tolist()
    [[[[45.0, 54.0], [81.0, 90.0]]]]
    """
    name = "conv_general_dilated"
    x, w = array(name, lhs), array(name, rhs)
    check_precision(name, precision)
    if preferred_element_type is not None:
        wanted = canonical(preferred_element_type)
        x, w = cast(x, wanted), cast(w, wanted)
    if x.dtype != w.dtype:
        raise shape_error(f"{name}: array and kernel must have one dtype, got {x.aval} and {w.aval}",
                          "Convert one of them with astype.")
    numbers = _numbers(name, x.shape, w.shape, dimension_numbers)
    spatial = x.ndim - 2
    strides = counts(name, "window_strides", window_strides, spatial)
    spread = _spread(name, lhs_dilation, spatial, padding)
    dilation = counts(name, "rhs_dilation", rhs_dilation, spatial)
    _check_groups(name, x.aval, w.aval, numbers, feature_group_count, batch_group_count)
    sizes, kernel = [[a.shape[k] for k in spec[2:]] for a, spec in zip((x, w), numbers[:2], strict=True)]
    pads = pairs(name, padding, sizes, kernel, strides, dilation)
    windows = tuple([Window(_SPATIAL[k], strides[k], *pads[k], spread[k], dilation[k]) for k in range(spatial)])
    return _grouped(x, w, numbers, windows, feature_group_count, batch_group_count)


def _spread(name: str, given: Sequence[int] | None, spatial: int, padding: Padding) -> tuple[int, ...]:
    """lhs_dilation in numbers. What padding by name would mean beside it is not agreed upon."""
    spread = counts(name, "lhs_dilation", given, spatial)
    if isinstance(padding, str) and any(n != 1 for n in spread):
        raise argument_error(f"{name}: wanted a pair (low, high) for each axis beside lhs_dilation={spread}, got "
                             f"padding={padding!r}", "conv_transpose knows what 'SAME' and 'VALID' mean there.")
    return spread


def _check_groups(name: str, x: ShapedArray, w: ShapedArray, numbers: ConvDimensionNumbers, features: int,
                  batches: int) -> None:
    if features < 1 or batches < 1 or (features > 1 and batches > 1):
        raise argument_error(f"{name}: feature_group_count and batch_group_count must be 1 or more, and one of them 1, "
                             f"got {features} and {batches}")
    have, take = x.shape[numbers.lhs_spec[1]], w.shape[numbers.rhs_spec[1]]
    made, batch = w.shape[numbers.rhs_spec[0]], x.shape[numbers.lhs_spec[0]]
    if have != take * features:
        groups = f" in each of {features} groups" if features > 1 else ""
        raise shape_error(f"{name}: the array {x} has {have} features (axis {numbers.lhs_spec[1]}), but the kernel {w} "
                          f"takes {take} (axis {numbers.rhs_spec[1]}){groups}",
                          "dimension_numbers says which axes these are.")
    if made % (features * batches):
        raise shape_error(f"{name}: the {made} output features of the kernel {w} (axis {numbers.rhs_spec[0]}) cannot "
                          f"be cut into {features * batches} groups")
    if batch % batches:
        raise shape_error(f"{name}: the batch of {batch} of the array {x} (axis {numbers.lhs_spec[0]}) cannot be cut "
                          f"into {batches} groups")


def _grouped(x: Value, w: Value, numbers: ConvDimensionNumbers, windows: tuple[Window, ...], features: int,
             batches: int) -> Array:
    """Groups become an axis of their own in front of the axis that was cut."""
    def named(spec: Sequence[int], first: str, second: str) -> list[str]:
        names = [""] * len(spec)
        for axis, text in zip(spec, (first, second, *[v.letter for v in windows]), strict=True):
            names[axis] = text
        return names

    group = "g" if features * batches > 1 else ""
    lhs = named(numbers.lhs_spec, (group if batches > 1 else "") + "n", (group if features > 1 else "") + "c")
    rhs = named(numbers.rhs_spec, group + "o", "c")
    out = named(numbers.out_spec, "n", group + "o")
    letters = Letters("".join(lhs), "".join(rhs), "".join(out))
    found = convolve(_cut(x, lhs, features * batches), _cut(w, rhs, features * batches), letters.text, windows)
    if not group:
        return found
    place = letters.out.index(group)
    shape = found.shape
    return ops.reshape(found, (*shape[:place], shape[place] * shape[place + 1], *shape[place + 2:]))


def _cut(x: Value, names: Sequence[str], groups: int) -> Value:
    shape: list[int] = []
    for n, name in zip(x.shape, names, strict=True):
        shape += [groups, n // groups] if len(name) == 2 else [n]
    return ops.reshape(x, shape)


def conv(lhs: ArrayLike, rhs: ArrayLike, window_strides: Sequence[int], padding: Padding,
         precision: PrecisionLike = None, preferred_element_type: DTypeLike = None) -> Array:
    """`conv_general_dilated` in the layout NCHW, OIHW, without dilation and groups.

    >>> import numpy as np
    >>> conv(np.ones((1, 2, 4)), np.ones((3, 2, 2)), (2,), "VALID").shape
    (1, 3, 2)
    """
    return conv_general_dilated(lhs, rhs, window_strides, padding, precision=precision,
                                preferred_element_type=preferred_element_type)


def conv_with_general_padding(lhs: ArrayLike, rhs: ArrayLike, window_strides: Sequence[int], padding: Padding,
                              lhs_dilation: Sequence[int] | None, rhs_dilation: Sequence[int] | None,
                              precision: PrecisionLike = None, preferred_element_type: DTypeLike = None) -> Array:
    """`conv_general_dilated` in the layout NCHW, OIHW, without groups.

    >>> import numpy as np
    >>> conv_with_general_padding(np.ones((1, 2, 4)), np.ones((3, 2, 2)), (1,), [(1, 0)], (1,), (2,)).shape
    (1, 3, 3)
    """
    return conv_general_dilated(lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation, precision=precision,
                                preferred_element_type=preferred_element_type)


_LAYOUTS = {2: ("NC", "IO", "NC"), 3: ("NHC", "HIO", "NHC"), 4: ("NHWC", "HWIO", "NHWC"),
            5: ("NHWDC", "HWDIO", "NHWDC")}


def conv_transpose(lhs: ArrayLike, rhs: ArrayLike, strides: Sequence[int], padding: Padding,
                   rhs_dilation: Sequence[int] | None = None, dimension_numbers: DimensionNumbers = None,
                   transpose_kernel: bool = False, precision: PrecisionLike = None,
                   preferred_element_type: DTypeLike = None, use_consistent_padding: bool = False) -> Array:
    """The array with its elements `strides` apart, convolved: an upsampling, also called deconvolution (Zeiler et al.,
    Deconvolutional networks, 2010). The default layout is NHWC, HWIO.

    padding            "SAME" gives size * stride places, "VALID" all at which anything meets the kernel; pairs say how
                       many zeros are put around the spread array
    transpose_kernel   the gradient of the forward convolution with this kernel: its spatial axes are reversed and its
                       two feature axes change places
    use_consistent_padding  pairs are those of the forward convolution instead, as in PyTorch

    Raises ShapeError if shapes do not fit, ArgumentError for unknown names and layouts.

    >>> import numpy as np
    >>> conv_transpose(np.ones((1, 4, 2)), np.ones((3, 2, 5)), (2,), "SAME").shape
    (1, 8, 5)
    """
    name = "conv_transpose"
    x, w = array(name, lhs), array(name, rhs)
    if dimension_numbers is None and x.ndim == w.ndim and x.ndim not in _LAYOUTS:
        raise argument_error(f"{name}: there is no default layout for {x.aval}", "Give dimension_numbers.")
    numbers = _numbers(name, x.shape, w.shape, dimension_numbers or _LAYOUTS.get(x.ndim))
    spatial = x.ndim - 2
    strides = counts(name, "strides", strides, spatial)
    dilation = counts(name, "rhs_dilation", rhs_dilation, spatial)
    spans = [spread_size(w.shape[k], by) for k, by in zip(numbers.rhs_spec[2:], dilation, strict=True)]
    pads: list[tuple[int, int]] = []
    if isinstance(padding, str):
        named = padding_name(name, padding)
        if named == "SAME_LOWER":
            raise argument_error(f"{name}: padding must be 'SAME', 'VALID' or a pair for each axis, got {padding!r}")
        pads = [_transposed_padding(k, s, named) for k, s in zip(spans, strides, strict=True)]
    else:
        pads = pairs(name, padding, spans, spans, strides, (1,) * spatial)
        if use_consistent_padding:
            pads = [(k - low - 1, k - high - 1) for k, (low, high) in zip(spans, pads, strict=True)]
    if transpose_kernel:
        w = ops.rev(w, numbers.rhs_spec[2:])
        o, i = numbers.rhs_spec[:2]
        w = ops.transpose(w, [i if k == o else o if k == i else k for k in range(w.ndim)])
    return conv_general_dilated(x, w, (1,) * spatial, pads, strides, dilation, numbers, precision=precision,
                                preferred_element_type=preferred_element_type)


def _transposed_padding(span: int, stride: int, name: str) -> tuple[int, int]:
    """Zeros around the spread array, for as many places as the forward convolution of that padding has elements."""
    total = span + stride - 2
    if name == "VALID":
        return span - 1, total + max(span - stride, 0) - span + 1
    low = span - 1 if stride > span - 1 else -(-total // 2)
    return low, total - low


def conv_general_dilated_patches(lhs: ArrayLike, filter_shape: Sequence[int], window_strides: Sequence[int],
                                 padding: Padding, lhs_dilation: Sequence[int] | None = None,
                                 rhs_dilation: Sequence[int] | None = None, dimension_numbers: DimensionNumbers = None,
                                 precision: PrecisionLike = None, preferred_element_type: DTypeLike = None) -> Array:
    """What a convolution would see: the windows of `filter_shape`, as features. Arguments as in `conv_general_dilated`.

    The feature axis holds, for each feature of the array, the elements of its window in row-major order.

    Raises ShapeError if shapes do not fit.

    >>> import numpy as np
    >>> conv_general_dilated_patches(np.arange(4.0).reshape(1, 1, 4), (2,), (1,), "VALID").tolist()
    [[[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]]
    """
    name = "conv_general_dilated_patches"
    x = array(name, lhs)
    check_precision(name, precision)
    if preferred_element_type is not None:
        x = cast(x, canonical(preferred_element_type))
    spatial = x.ndim - 2
    kernel = counts(name, "filter_shape", filter_shape, spatial)
    numbers = _numbers(name, x.shape, (1, 1, *kernel), dimension_numbers)
    strides = counts(name, "window_strides", window_strides, spatial)
    spread = _spread(name, lhs_dilation, spatial, padding)
    dilation = counts(name, "rhs_dilation", rhs_dilation, spatial)
    axes = numbers.lhs_spec
    pads = pairs(name, padding, [x.shape[k] for k in axes[2:]], kernel, strides, dilation)
    config = [(0, 0, 0)] * x.ndim
    for k, axis in enumerate(axes[2:]):
        config[axis] = (*pads[k], spread[k] - 1)
    slides = [Slide(axis, kernel[k], strides[k], dilation[k]) for k, axis in enumerate(axes[2:])]
    seen = ops.transpose(patches(ops.pad(x, 0, config), slides),
                         [*axes[:2], *range(x.ndim, x.ndim + spatial), *axes[2:]])
    found = ops.reshape(seen, (seen.shape[0], seen.shape[1] * size_of(kernel), *seen.shape[2 + spatial:]))
    return ops.transpose(found, [numbers.out_spec.index(k) for k in range(x.ndim)])

