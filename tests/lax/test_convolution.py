"""lax.conv_general_dilated and its relatives: layouts, groups, transposed convolutions, kernels, memory, errors."""
from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern import lax
from lantern.errors import ArgumentError, ShapeError
from lantern.lower.kernel import Target
from lantern.lower.passes import lower_jaxpr
from lantern.testing import check_grads

R = np.random.default_rng(0)
NHWC = ("NHWC", "HWIO", "NHWC")


def normal(*shape: int) -> Any:
    """f32 numbers."""
    return R.standard_normal(shape).astype(np.float32)


def direct(x: Any, w: Any, strides: Any = (1, 1), pads: Any = ((0, 0), (0, 0)), groups: int = 1) -> Any:
    """A convolution in NCHW, one element of the kernel after the other, in double precision."""
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), *pads))
    rows, columns = [(n - k) // s + 1 for n, k, s in zip(x.shape[2:], w.shape[2:], strides, strict=True)]
    parts = []
    for a, b in zip(np.split(x, groups, 1), np.split(w.astype(np.float64), groups, 0), strict=True):
        out = np.zeros((x.shape[0], b.shape[0], rows, columns))
        for i, j in np.ndindex(*w.shape[2:]):
            seen = a[:, :, i:, j:][:, :, ::strides[0], ::strides[1]][:, :, :rows, :columns]
            out += np.einsum("nchw,oc->nohw", seen, b[:, :, i, j])
        parts.append(out)
    return np.concatenate(parts, 1)


@pytest.mark.parametrize("spec", [("NCHW", "OIHW", "NCHW"), NHWC, ("HNCW", "WIHO", "CWHN"), ("CHWN", "IHWO", "NHWC")])
@pytest.mark.parametrize("groups", [1, 2])
def test_layouts(spec: tuple[str, str, str], groups: int) -> None:
    x, w = normal(2, 4, 5, 6), normal(6, 4 // groups, 3, 2)
    want = direct(x, w, (2, 1), ((1, 0), (2, 1)), groups)
    given = [x.transpose(["NCHW".index(c) for c in spec[0]]), w.transpose(["OIHW".index(c) for c in spec[1]])]
    by_letter = {"H": (2, (1, 0)), "W": (1, (2, 1))}        # windows are counted as the kernel's axes lie
    order = [by_letter[c] for c in spec[1] if c in by_letter]
    found = lax.conv_general_dilated(*given, [s for s, _ in order], [p for _, p in order], dimension_numbers=spec,
                                     feature_group_count=groups)
    np.testing.assert_allclose(np.transpose(found, [spec[2].index(c) for c in "NCHW"]), want, rtol=1e-5, atol=1e-5)


def test_paddings_by_name() -> None:
    x, w = normal(1, 1, 5, 6), normal(1, 1, 3, 2)
    for name, pads in (("SAME", ((1, 1), (0, 1))), ("same_lower", ((1, 1), (1, 0))), ("VALID", ((0, 0), (0, 0)))):
        np.testing.assert_allclose(lax.conv(x, w, (1, 1), name), direct(x, w, (1, 1), pads), rtol=1e-5, atol=1e-5)
    assert lax.padtype_to_pads((5, 4), (3, 3), (1, 2), "SAME") == [(1, 1), (0, 1)]
    assert lax.conv(x, w, (2, 4), "SAME").shape == (1, 1, 3, 2)


def test_groups_of_the_batch() -> None:
    x, w = normal(4, 3, 5, 5), normal(6, 3, 2, 2)
    want = np.concatenate([direct(x[:2], w[:3]), direct(x[2:], w[3:])], 1)
    found = lax.conv_general_dilated(x, w, (1, 1), "VALID", batch_group_count=2)
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5)


def test_a_transposed_convolution_is_the_gradient() -> None:
    """With the kernel transposed and the padding of the forward convolution, for strides that divide and others."""
    for stride, size, dilation in itertools.product((1, 2, 3), (2, 3, 5), (1, 2)):
        w = normal(size, 2, 4)
        span = (size - 1) * dilation + 1
        pads = [(min(1, span - 1), span // 3)]
        y = normal(1, 4, 4)
        length = (y.shape[1] - 1) * stride + span - sum(pads[0])

        def forward(x: Any, w: Any = w, stride: int = stride, dilation: int = dilation, pads: Any = pads) -> Any:
            return lax.conv_general_dilated(x, w, (stride,), pads, rhs_dilation=(dilation,),
                                            dimension_numbers=("NHC", "HIO", "NHC"))

        (want,) = lantern.vjp(forward, np.zeros((1, length, 2), np.float32))[1](y)
        found = lax.conv_transpose(y, w, (stride,), pads, rhs_dilation=(dilation,), transpose_kernel=True,
                                   use_consistent_padding=True)
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5)


def test_sizes_of_transposed_convolutions() -> None:
    for stride, size in itertools.product((1, 2, 3), (1, 2, 3, 4)):
        x, w = normal(1, 5, 2), normal(size, 2, 3)
        assert lax.conv_transpose(x, w, (stride,), "SAME").shape == (1, 5 * stride, 3)
        assert lax.conv_transpose(x, w, (stride,), "VALID").shape == (1, 5 * stride + max(size - stride, 0), 3)


def test_patches() -> None:
    x = normal(2, 3, 5, 6)
    found = lax.conv_general_dilated_patches(x, (3, 2), (2, 1), [(1, 0), (0, 0)])
    w = normal(4, 3, 3, 2)
    want = direct(x, w, (2, 1), ((1, 0), (0, 0)))
    np.testing.assert_allclose(np.einsum("nfhw,of->nohw", found, w.reshape(4, -1)), want, rtol=1e-5, atol=1e-5)
    last = lax.conv_general_dilated_patches(x.transpose(0, 2, 3, 1), (3, 2), (2, 1), [(1, 0), (0, 0)],
                                            dimension_numbers=NHWC)
    np.testing.assert_array_equal(np.transpose(last, (0, 3, 1, 2)), found)


def test_types() -> None:
    x, w = np.full((1, 1, 4000), 1.0), np.full((1, 1, 4000), 0.75)
    for dtype in (np.float16, ml_dtypes.bfloat16):      # summed in float32: in 16 bits the sum would stop growing
        found = lax.conv(x.astype(dtype), w.astype(dtype), (1,), "VALID")
        assert found.dtype == dtype
        np.testing.assert_allclose(np.asarray(found, np.float32), 3000, rtol=4e-3)
        wide = lax.conv(x.astype(dtype), w.astype(dtype), (1,), "VALID", preferred_element_type=np.float32)
        assert (wide.dtype, wide.item()) == (np.float32, 3000)
    small = np.full((1, 1, 4), 100, np.int8)
    assert lax.conv(small, small, (1,), "VALID", preferred_element_type=np.int32).item() == 40000
    assert lax.conv(small, small, (1,), "VALID").item() == np.int8(64)      # integers wrap


def test_batched_operands() -> None:
    xs, ws = normal(3, 2, 4, 6, 5), normal(3, 6, 2, 3, 3)

    def f(x: Any, w: Any) -> Any:
        return lax.conv_general_dilated(x, w, (2, 1), "SAME", feature_group_count=2)

    for axes in ((0, 0), (0, None), (None, 0)):
        picked = [x if a == 0 else x[0] for x, a in zip((xs, ws), axes, strict=True)]
        want = [f(*[x[k] if a == 0 else x for x, a in zip(picked, axes, strict=True)]) for k in range(3)]
        np.testing.assert_allclose(lantern.vmap(f, axes)(*picked), want, rtol=1e-5, atol=1e-5)


def test_second_derivatives() -> None:
    check_grads(lambda x, w: lax.conv_transpose(x, w, (2,), "SAME"), (normal(1, 3, 2), normal(3, 2, 2)), order=2)


def block(x: Any, w: Any, b: Any) -> Any:
    """A convolution, its bias and relu."""
    return lantern.nn.relu(lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=NHWC) + b)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_kernels(device: str, request: pytest.FixtureRequest) -> None:
    """Padding is one kernel, the product with bias and relu the other; nothing holds the patches."""
    if device == "gpu":
        request.getfixturevalue("gpu")
    x, w, b = normal(2, 16, 16, 8), normal(3, 3, 8, 16), normal(16)
    with lantern.default_device(device):
        for f, args, most in ((block, (x, w, b), 2), (block, (x, w[:1, :1], b), 1),
                              (lambda x, w: lax.conv(x, w, (2, 2), "VALID"), (x, x), 1),
                              (lambda x: lantern.nn.max_pool(x, (2, 2), (2, 2)), (x,), 1)):
            kernels = lantern.jit(f).lower(*args).kernels
            assert len(kernels) == most, [k.name for k in kernels]
            largest = max(a.size for k in kernels for a in (*k.args, *k.outs))
            assert largest <= 2 * 18 * 18 * 16
        slopes = lantern.jit(lantern.grad(lambda *xs: jnp.sum(block(*xs)), (0, 1, 2)))
        assert len(slopes.lower(x, w, b).kernels) <= 8


def test_texts(golden: Callable[[str, str], None]) -> None:
    """The jaxpr of a gradient, and the kernels of the forward pass: a strided convolution in groups, and pooling."""
    def f(x: Any, w: Any) -> Any:
        found = lax.conv_general_dilated(x, w, (2, 1), "SAME", dimension_numbers=NHWC, feature_group_count=2)
        return lantern.nn.max_pool(lantern.nn.relu(found), (2, 2), (1, 2))

    x, w = np.ones((2, 8, 8, 6), np.float32), np.ones((3, 3, 3, 4), np.float32)
    golden("conv/jaxpr.txt", str(lantern.make_jaxpr(lantern.grad(lambda x, w: jnp.sum(f(x, w)), 1))(x, w)) + "\n")
    golden("conv/fused.txt", lower_jaxpr(lantern.jit(f).trace(x, w).jaxpr, Target("wgpu", recompute=True))
           .stages["fused"]() + "\n")


@pytest.mark.parametrize("last", [False, True])
def test_large_copies_in_pieces(last: bool) -> None:
    """Patches of 7 MB: the CPU copies those of two images at a time, and then those of the last one."""
    x, w = normal(5, 16, 50, 50), normal(8, 16, 3, 3)
    want = direct(x, w, pads=((1, 1), (1, 1)))
    if not last:
        np.testing.assert_allclose(lax.conv(x, w, (1, 1), "SAME"), want, rtol=1e-5, atol=2e-5)
        return
    found = lax.conv_general_dilated(x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0), (1, 1), "SAME",
                                     dimension_numbers=NHWC)
    np.testing.assert_allclose(np.transpose(found, (0, 3, 1, 2)), want, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_a_long_sum_is_cut_by_the_batch(device: str, request: pytest.FixtureRequest) -> None:
    """The gradient of a small kernel on large images: a product for each image, and their sum. Patches have 9 MB."""
    if device == "gpu":
        request.getfixturevalue("gpu")
    x, ct = normal(6, 12, 60, 60), normal(6, 16, 58, 58)
    want = np.stack([np.tensordot(ct, x[:, :, i:i + 58, j:j + 58], ((0, 2, 3), (0, 2, 3)))
                     for i, j in np.ndindex(3, 3)], -1)
    with lantern.default_device(device):
        slope = lantern.jit(lambda x, ct: lantern.vjp(lambda w: lax.conv(x, w, (1, 1), "VALID"),
                                                      np.zeros((16, 12, 3, 3), np.float32))[1](ct)[0])
        assert [k.dot.batch for k in slope.lower(x, ct).kernels if k.dot] == [1]
        np.testing.assert_allclose(slope(x, ct), want.reshape(16, 12, 3, 3), rtol=1e-4, atol=1e-2)


X, W = np.ones((2, 5, 6, 3), np.float32), np.ones((4, 5, 2, 2), np.float32)
ERRORS: list[tuple[type[Exception], str, Any, dict[str, Any]]] = [
    (ShapeError, r"array and kernel must have the same rank, at least 2, got shapes \(2, 5, 6, 3\) and \(4, 5, 2\)",
     (X, W[..., 0], (1, 1), "VALID"), {}),
    (ShapeError, r"the array f32\[2,5,6,3\] has 5 features \(axis 1\), but the kernel f32\[4,4,2,2\] takes 4 \(axis",
     (X, W[:, :4], (1, 1), "VALID"), {}),
    (ShapeError, r"has 5 features \(axis 1\), but the kernel .* takes 5 \(axis 1\) in each of 2 groups, at ",
     (X, W, (1, 1), "VALID"), {"feature_group_count": 2}),
    (ShapeError, r"the 4 output features of the kernel .* cannot be cut into 5 groups",
     (X, W[:, :1], (1, 1), "VALID"), {"feature_group_count": 5}),
    (ShapeError, r"the batch of 2 of the array .* cannot be cut into 4 groups",
     (X, W, (1, 1), "VALID"), {"batch_group_count": 4}),
    (ArgumentError, r"feature_group_count and batch_group_count must be 1 or more, and one of them 1, got 2 and 2",
     (X, W, (1, 1), "VALID"), {"feature_group_count": 2, "batch_group_count": 2}),
    (ArgumentError, r"dimension_numbers must name 4 axes by different characters: N, .*\('NHWC', 'HWIO', 'NHCC'\)",
     (X, W, (1, 1), "VALID"), {"dimension_numbers": ("NHWC", "HWIO", "NHCC")}),
    (ArgumentError, r"dimension_numbers must be three strings", (X, W, (1, 1), "VALID"), {"dimension_numbers": "NHWC"}),
    (ArgumentError, r"each of the dimension numbers must be an order of the axes 0 to 3", (X, W, (1, 1), "VALID"),
     {"dimension_numbers": lax.ConvDimensionNumbers((0, 1, 2, 2), (0, 1, 2, 3), (0, 1, 2, 3))}),
    (ShapeError, r"wanted 2 window_strides of 1 or more, .* got \(1,\), at ", (X, W, (1,), "VALID"), {}),
    (ShapeError, r"wanted 2 rhs_dilation of 1 or more, .* got \(0, 1\)", (X, W, (1, 1), "VALID"),
     {"rhs_dilation": (0, 1)}),
    (ArgumentError, r"padding must be 'SAME', 'VALID', 'SAME_LOWER' or a pair", (X, W, (1, 1), "FULL"), {}),
    (ShapeError, r"wanted a pair \(low, high\) for each of 2 axes, got \[\(1, 1\)\]", (X, W, (1, 1), [(1, 1)]), {}),
    (ShapeError, r"padding must be a name or a pair \(low, high\) of integers", (X, W, (1, 1), [1, 1]), {}),
    (ArgumentError, r"wanted a pair \(low, high\) for each axis beside lhs_dilation=\(2, 1\)", (X, W, (1, 1), "SAME"),
     {"lhs_dilation": (2, 1)}),
    (ShapeError, r"negative padding removes more than there is", (X, W, (1, 1), [(-4, -4), (0, 0)]), {}),
    (ShapeError, r"array and kernel must have one dtype, got f32\[2,5,6,3\] and i32\[4,5,2,2\]",
     (X, W.astype(np.int32), (1, 1), "VALID"), {}),
    (ShapeError, r"wanted numbers, got bool", (X > 0, W > 0, (1, 1), "VALID"), {}),
    (ArgumentError, r"precision must be None", (X, W, (1, 1), "VALID"), {"precision": "exact"}),
]


@pytest.mark.parametrize(("error", "pattern", "args", "settings"), ERRORS)
def test_errors(error: type[Exception], pattern: str, args: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(error, match=pattern):
        lax.conv_general_dilated(*args, **settings)


def test_errors_of_transposed_convolutions() -> None:
    with pytest.raises(ArgumentError, match=r"conv_transpose: padding must be 'SAME', 'VALID' or a pair"):
        lax.conv_transpose(np.ones((1, 4, 2)), np.ones((3, 2, 2)), (2,), "SAME_LOWER")
    with pytest.raises(ArgumentError, match=r"conv_transpose: there is no default layout for f32\[1,1,1,1,1,1\]"):
        lax.conv_transpose(np.ones((1,) * 6), np.ones((1,) * 6), (1,) * 4, "SAME")
