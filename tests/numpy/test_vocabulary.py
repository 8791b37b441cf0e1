"""Functions made of others, one row each: NumPy's value (plain, jitted, mapped, on a GPU) and the derivative."""
from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp
from lantern.errors import ArgumentError, ShapeError
from lantern.testing import check_grads

R = np.random.default_rng(7)
V = np.float32([3, -1, 2, 0.5, -2.5, 4])                       # no ties
M = R.normal(size=(3, 4)).astype(np.float32)
N = R.normal(size=(3, 4)).astype(np.float32)
HOLES = np.float32([[1, np.nan, 3, -1], [np.nan, 2, -4, 0.5]])
EMPTY = np.float32([[1, np.nan], [np.nan, np.nan]])
K = np.int32([3, 1, 1, 0, 4, 1])
RISING = np.float32([-2, -1, 0.5, 2, 3])


@dataclass(frozen=True)
class Row:
    """`f(xp, *args)` with xp NumPy or lantern.numpy; `grad`: how often it is differentiated."""

    name: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    grad: int = 0
    mapped: bool = True
    jitted: bool = True
    tolerance: float = 2e-6


def row(name: str, *args: Any, f: Callable[..., Any] | None = None, **options: Any) -> Row:
    """A row whose function is that of the name."""
    return Row(name, f or (lambda xp, *a: getattr(xp, name.split()[0])(*a)), args, **options)


def _by_axis(name: str, **settings: Any) -> Callable[..., Any]:
    return lambda xp, *a: getattr(xp, name)(*a, **settings)


ROWS = [
    row("cumsum", M, grad=1), row("cumsum axis", M, f=_by_axis("cumsum", axis=1), grad=1),
    row("cumsum int8", np.int8([100, 100, 100]), f=lambda xp, x: xp.cumsum(x, dtype=np.int32)),
    row("cumprod", M, f=_by_axis("cumprod", axis=0), grad=2),
    row("cumprod zero", np.float32([2, 0, 3]), f=_by_axis("cumprod")),
    row("nancumsum", HOLES), row("nancumprod", HOLES, f=_by_axis("nancumprod", axis=1)),
    row("cumulative_sum", M, f=_by_axis("cumulative_sum", axis=1, include_initial=True), grad=1),
    row("cumulative_prod", V, f=_by_axis("cumulative_prod", include_initial=True), grad=1),
    row("ediff1d", V, f=lambda xp, x: xp.ediff1d(x, to_end=np.float32([9, 8]), to_begin=np.float32(7)), grad=1),
    row("diff ends", M, f=lambda xp, x: xp.diff(x, axis=0, prepend=x[:1], append=x[1:]), grad=1),
    *[row(f"{name} {axis}", HOLES, f=_by_axis(name, axis=axis))
      for name in ("nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd") for axis in (None, 1)],
    row("nanmax nothing", EMPTY, f=_by_axis("nanmax", axis=-1)),
    row("nanargmax", HOLES, f=_by_axis("nanargmax", axis=1)), row("nanargmin", HOLES, f=_by_axis("nanargmin", axis=0)),
    row("nanstd ddof", HOLES, f=_by_axis("nanstd", axis=1, ddof=1, keepdims=True)),
    row("nanmean grad", M, f=_by_axis("nanmean", axis=1), grad=1),
    *[row(f"quantile {m}", M, np.float32([0.1, 0.5, 1.0]), f=_by_axis("quantile", axis=1, method=m))
      for m in ("linear", "lower", "higher", "midpoint", "nearest")],
    row("quantile grad", M, f=lambda xp, x: xp.quantile(x, 0.3, axis=(0, 1)), grad=1),
    row("quantile keepdims", M, f=lambda xp, x: xp.quantile(x, 0.3, axis=0, keepdims=True)),
    row("quantile infinite", np.float32([1, np.inf, -np.inf]), f=lambda xp, x: xp.quantile(x, np.float32([0, 0.5])) if
        xp is jnp else np.float32([-np.inf, 1])),      # NumPy's difference of infinities makes NaN
    row("percentile", M, f=lambda xp, x: xp.percentile(x, 25), grad=1),
    row("median", M, f=_by_axis("median", axis=0), grad=1), row("median nan", HOLES, f=_by_axis("median", axis=1)),
    row("median int", K), row("nanmedian", HOLES, f=_by_axis("nanmedian", axis=1)),
    row("nanquantile", HOLES, f=lambda xp, x: xp.nanquantile(x, np.float32([0.2, 0.9]), axis=0)),
    row("nanpercentile", EMPTY, f=lambda xp, x: xp.nanpercentile(x, 50, axis=-1)),
    row("cov", M, f=lambda xp, x: xp.cov(x), grad=1, tolerance=1e-5),
    row("cov weights", M, f=lambda xp, x: xp.cov(x, x[0], fweights=np.int32([1, 2, 3, 1]), aweights=RISING[1:] + 3,
                                                 ddof=0), tolerance=1e-5),
    row("cov columns", M, f=_by_axis("cov", rowvar=False, bias=True), tolerance=1e-5),
    row("cov one", V, f=_by_axis("cov")), row("corrcoef", M, grad=1, tolerance=1e-5),
    row("bincount", K, f=lambda xp, k: xp.bincount(k, minlength=7) if xp is np else xp.bincount(k, length=7)),
    row("bincount weights", K, V, f=lambda xp, k, w: xp.bincount(k, w, 7) if xp is np else xp.bincount(k, w, length=7)),
    row("histogram", M, f=lambda xp, x: xp.histogram(x, 5)),
    row("histogram edges", M, f=lambda xp, x: xp.histogram(x, RISING, weights=N, density=True)),
    row("histogram range", M, f=lambda xp, x: xp.histogram(x, 4, range=(-1, 1))),
    row("histogram2d", V, K.astype(np.float32), f=lambda xp, x, y: xp.histogram2d(x, y, (3, RISING), density=True)),
    row("digitize", M, RISING), row("digitize right", V, RISING[::-1], f=_by_axis("digitize", right=True)),
    row("logspace", f=lambda xp: xp.logspace(np.float32(0), np.float32([2, 3]), 4, base=np.float32(2)), tolerance=1e-5),
    row("geomspace", f=lambda xp: xp.geomspace(np.float32(-1), np.float32(-1000), 4), tolerance=1e-5),
    row("geomspace axis", np.float32([1, 2]), f=lambda xp, x: xp.geomspace(x, x * 8, 4, axis=1), grad=1, tolerance=1e-5,
        mapped=False),
    row("tril_indices", f=lambda xp: xp.tril_indices(3, 1, 4)),
    row("triu_indices", f=lambda xp: xp.triu_indices(4, -1)),
    row("tril_indices_from", M), row("triu_indices_from", M), row("diag_indices", f=lambda xp: xp.diag_indices(3, 3)),
    row("diag_indices_from", M[:, :3]), row("indices", f=lambda xp: xp.indices((2, 3))),
    row("indices sparse", f=lambda xp: xp.indices((2, 3), sparse=True)),
    row("ix_", K, np.int32([1, 0]), mapped=False),
    row("unravel_index", K * 5, f=lambda xp, k: xp.unravel_index(k, (3, 7))),
    row("ravel_multi_index", K, K, f=lambda xp, i, j: xp.ravel_multi_index((i, j), (2, 3), mode="wrap")),
    row("ravel_multi_index clip", K, K,
        f=lambda xp, i, j: xp.ravel_multi_index((i, j), (2, 3), mode="clip", order="F")),
    row("isin", K, np.int32([1, 4])), row("isin invert", M, M[0], f=_by_axis("isin", invert=True)),
    row("isin nothing", K, np.zeros(0, np.int32)), row("isin nan", np.float32([np.nan, 1]), np.float32([np.nan, 1])),
    row("union1d", K, np.int32([9, 1]), f=lambda xp, x, y: xp.union1d(x, y) if xp is np else xp.union1d(x, y, size=5)),
    row("unravel_index int8", np.int8([100, 3]), f=lambda xp, k: xp.unravel_index(k, (20, 30))),
    row("nanmean complex", np.complex64([[1 + 2j, np.nan], [3, 4j]]), f=_by_axis("nanmean", axis=-1)),
    row("cov nothing", np.zeros((2, 0), np.float32)), row("polyval nothing", np.zeros(0, np.float32), V),
    row("bincount int8", np.int8([3, 3, 1]), f=lambda xp, k: xp.bincount(k, None, 300)[:4] if xp is np else
        xp.bincount(k, length=300)[:4]),
    row("signbit", np.float32([-1, -0.0, 0.0, np.inf, -np.nan])), row("signbit int", np.int32([-3, 0])),
    row("copysign", V, -N[0, :1], f=lambda xp, x, y: xp.copysign(x, y), grad=1),
    row("nextafter", np.float32([1, -1, 0, 0, np.inf, 3, -3]), np.float32([2, -2, 1, 0, 0, np.nan, 4])),
    row("ldexp", V, np.int32([3, -4, 0, 10, -1, 1]), grad=1), row("frexp", np.float32([8, -0.75, 0, 1e30, np.inf])),
    row("modf", np.float32([1.5, -2.25, -0.0, 3, -np.inf])), row("heaviside", np.float32([-1, 0, 2]), np.float32(0.5)),
    row("fmax", HOLES[0], HOLES[1], ), row("fmin", HOLES[0], HOLES[1]), row("pow", np.abs(M) + 1, N, grad=1),
    row("interp", M, f=lambda xp, x: xp.interp(x, RISING, RISING ** 2)),
    row("interp grad", RISING[:4] + 0.3, RISING, RISING ** 2, f=_by_axis("interp"), grad=1, mapped=False),
    row("interp ends", M * 9, f=lambda xp, x: xp.interp(x, RISING, RISING, left=-7.0, right=np.nan)),
    row("interp period", M, f=lambda xp, x: xp.interp(x, RISING, RISING[::-1], period=7.0), tolerance=1e-4),
    row("gradient", M, f=lambda xp, x: list(xp.gradient(x)), grad=1),
    row("gradient axis", M, f=lambda xp, x: xp.gradient(x, 0.5, axis=1), grad=1),
    row("gradient places", RISING ** 3, RISING, f=lambda xp, y, x: xp.gradient(y, x), tolerance=1e-5),
    row("trapezoid", M, f=lambda xp, y: xp.trapezoid(y, dx=0.5), grad=1),
    row("trapezoid places", M, N, f=lambda xp, y, x: xp.trapezoid(y, x, axis=0), grad=1),
    row("polyval", np.float32([1, -2, 3]), M, grad=1), row("kron", M, N[:2, :2], grad=1), row("kron ranks", V[:2], M),
    row("block", M, N, f=lambda xp, x, y: xp.block([[x, y], [x[:1], y[2:]]]), grad=1),
    row("partition", V, f=lambda xp, x: xp.sort(xp.partition(x, 2)[:2])),
    row("argpartition", V, f=lambda xp, x: xp.sort(xp.argpartition(x, 2)[:2])),
    row("apply_along_axis", M, f=lambda xp, x: xp.apply_along_axis(lambda v: xp.outer(v, v)[:2], 0, x), grad=1),
    row("apply_over_axes", M, f=lambda xp, x: xp.apply_over_axes(xp.sum, x, [0, 1]), grad=1),
    row("piecewise", M + 2, f=lambda xp, x: xp.piecewise(x, [x < 0, x > 1], [lambda v: -v, lambda v: v * v, 5]),
        grad=1),
    row("fromfunction", f=lambda xp: xp.fromfunction(lambda i, j: i * 2 + j, (2, 3), dtype=np.int32)),
    row("reshape F", M, f=lambda xp, x: xp.reshape(x, (2, 6), order="F"), grad=1),
    row("var correction", M, f=_by_axis("var", axis=0, correction=1), grad=1),
    row("floor_divide zero", np.float32([-0.0, 0.0, 1]), np.float32([-2, np.inf, -np.inf]), f=_by_axis("floor_divide")),
]
BY_NAME = {r.name: r for r in ROWS}


def by_numpy(r: Row, args: Sequence[Any]) -> Any:
    """NumPy's value, without its warnings."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        return r.f(np, *args)


def compare(found: Any, wanted: Any, tolerance: float) -> None:
    """Shapes and values agree, signs of zeros too; arrays in tuples and lists one by one."""
    if isinstance(wanted, (tuple, list)):
        assert len(found) == len(wanted)
        for f, w in zip(found, wanted, strict=True):
            compare(f, w, tolerance)
        return
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    assert found.dtype.itemsize <= (8 if found.dtype.kind == "c" else 4)
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
    if wanted.dtype.kind == "f" and not tolerance > 1e-5:
        zeros = (wanted == 0) & (found == 0)
        np.testing.assert_array_equal(np.signbit(found[zeros]), np.signbit(wanted[zeros]))


@pytest.mark.parametrize("name", BY_NAME)
def test_values(name: str) -> None:
    r = BY_NAME[name]
    wanted = by_numpy(r, r.args)
    compare(r.f(jnp, *r.args), wanted, r.tolerance)
    if r.jitted:
        compare(lantern.jit(lambda *a: r.f(jnp, *a))(*r.args), wanted, r.tolerance)


@pytest.mark.parametrize("name", [r.name for r in ROWS if r.mapped and r.args])
def test_mapped(name: str) -> None:
    r = BY_NAME[name]
    two = [np.stack([a, a[::-1] if np.ndim(a) else a]) for a in r.args]
    plain = [by_numpy(r, [a[k] for a in two]) for k in range(2)]
    wanted = [np.stack(x) for x in zip(*plain, strict=True)] if isinstance(plain[0], (tuple, list)) else np.stack(plain)
    found = lantern.vmap(lambda *a: r.f(jnp, *a))(*two)
    compare(list(found) if isinstance(wanted, list) else found, wanted, r.tolerance)


@pytest.mark.parametrize("name", [r.name for r in ROWS if r.grad])
def test_derivatives(name: str) -> None:
    r = BY_NAME[name]
    floats = [k for k, a in enumerate(r.args) if np.asarray(a).dtype == np.float32]

    def f(*given: Any) -> Any:
        args = list(r.args)
        for k, x in zip(floats, given, strict=True):
            args[k] = x
        return r.f(jnp, *args)

    check_grads(f, tuple([r.args[k] for k in floats]), order=r.grad)


@pytest.mark.parametrize("name", ["cumsum axis", "nanmax 1", "quantile linear", "cov", "bincount weights", "histogram",
                                  "isin", "signbit", "nextafter", "frexp", "interp", "gradient", "floor_divide zero"])
def test_on_a_gpu(name: str, gpu: None) -> None:
    r = BY_NAME[name]
    wanted = by_numpy(r, r.args)
    with lantern.default_device("gpu"):
        compare(lantern.jit(lambda *a: r.f(jnp, *a))(*r.args), wanted, 10 * r.tolerance)


MISTAKES: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: jnp.cumsum(M, 2), ArgumentError, r"cumsum: axis 2 is out of range for f32\[3,4\]"),
    (lambda: jnp.cumulative_sum(M), ArgumentError, r"`axis` may be left out .*f32\[3,4\], at .* Give the"),
    (lambda: jnp.ediff1d(M > 0), TypeError, r"ediff1d: wanted numbers, got bool\[12\]"),
    (lambda: jnp.nanmax(np.zeros((2, 0))), ArgumentError, "max of no elements is not defined"),
    (lambda: jnp.quantile(M, 0.5, method="best"), ArgumentError, "wanted a method of linear, .*, got 'best'"),
    (lambda: jnp.quantile(M, M), ShapeError, r"fractions must have rank 0 or 1, got f32\[3,4\]"),
    (lambda: jnp.median(np.zeros(0)), ArgumentError, r"median: no elements have no median, got f32\[0\]"),
    (lambda: jnp.median(np.complex64([1])), TypeError, r"median: complex numbers have no order, got c64\[1\]"),
    (lambda: jnp.cov(np.zeros((1, 2, 3))), ShapeError, r"cov: wanted rank 1 or 2, got f32\[1,2,3\]"),
    (lambda: jnp.cov(M, V), ShapeError, r"as many observations of each variable, got f32\[3,4\] and f32\[6\]"),
    (lambda: jnp.cov(M, fweights=K), ShapeError, r"wanted weights of shape \(4,\).*, got i32\[6\]"),
    (lambda: jnp.bincount(np.int32([1, -1])), ArgumentError, "bincount: wanted numbers from 0, got -1"),
    (lambda: jnp.bincount(np.uint32([4 * 10**9])), ArgumentError, "positions end at 2147483647, wanted 4000000001"),
    (lambda: jnp.argsort(np.complex64([1])), ShapeError, r"argsort: .*, got c64\[1\]: complex numbers have no order"),
    (lambda: jnp.searchsorted(V, 1j), ShapeError, r"searchsorted: .*, got c64\[6\]: complex numbers have no order"),
    (lambda: jnp.bincount(V), TypeError, r"bincount: wanted integers, got f32\[6\]"),
    (lambda: jnp.bincount(K[None]), ShapeError, r"bincount: wanted a vector, got i32\[1,6\], at .* Ravel it"),
    (lambda: lantern.jit(jnp.bincount)(K), TypeError, r"depends on the values of i32\[6\].*bincount\(x, length=n\)"),
    (lambda: jnp.histogram(V, "auto"), ArgumentError, "a number of bins or their edges, got 'auto'"),
    (lambda: jnp.histogram(V, 0), ArgumentError, "wanted one bin or more, got 0"),
    (lambda: jnp.histogram(V, 2, weights=K[:2]), ShapeError, r"wanted weights of shape \(6,\), got i32\[2\]"),
    (lambda: jnp.digitize(V, M), ShapeError, r"digitize: bins must be a vector, got f32\[3,4\]"),
    (lambda: jnp.geomspace(1, 2, -1), ArgumentError, "num must not be negative"),
    (lambda: jnp.tril_indices_from(V), ShapeError, r"tril_indices_from: wanted a matrix, got f32\[6\]"),
    (lambda: jnp.diag_indices_from(M), ShapeError, r"all of one size, got f32\[3,4\]"),
    (lambda: jnp.ix_(M), ShapeError, r"ix_: wanted vectors, got f32\[3,4\]"),
    (lambda: jnp.unravel_index(V, (2, 3)), TypeError, r"unravel_index: wanted integers, got f32\[6\]"),
    (lambda: jnp.ravel_multi_index((K, K), (2, 3)), ArgumentError, "positions from 0 to 1 along axis 0, got 0 to 4"),
    (lambda: lantern.jit(lambda k: jnp.ravel_multi_index((k, k), (9, 9)))(K), TypeError,
     "Use mode='clip' or mode='wrap'"),
    (lambda: jnp.copysign(np.complex64(1), 1.0), TypeError, r"copysign: wanted real numbers, got c64\[\] and c64\[\]"),
    (lambda: jnp.signbit(np.complex64(1)), TypeError, r"signbit: wanted real numbers, got c64\[\]"),
    (lambda: jnp.ldexp(V, V), TypeError, r"ldexp: wanted whole exponents, got f32\[6\], at .* Use x \* 2 \*\* y"),
    (lambda: jnp.interp(V, V[:2], V), ShapeError, r"xp and fp as vectors of one length.* got f32\[2\] and f32\[6\]"),
    (lambda: jnp.gradient(V[:1]), ShapeError, r"two samples or more along axis 0, got f32\[1\]"),
    (lambda: jnp.gradient(M, 1.0, 2.0, 3.0), ArgumentError, "one distance, or one for each of 2 axes, got 3"),
    (lambda: jnp.polyval(np.float32(1), V), ShapeError, r"polyval: wanted a vector of coefficients, got f32\[\]"),
    (lambda: jnp.block([[V], V]), ArgumentError, r"lists nested to one depth.* got depths \[0, 1\]"),
    (lambda: jnp.partition(V, 6), ArgumentError, r"partition: there is no place 6 along axis -1 of f32\[6\]"),
    (lambda: jnp.reshape(M, 12, "A"), ArgumentError, "an order of 'C' or 'F', got 'A'"),
    (lambda: jnp.diff(M, axis=0, prepend=M[:, :2]), ShapeError, "concatenate: sizes must agree"),
]


@pytest.mark.parametrize("call, error, message", MISTAKES)
def test_mistakes(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        call()
    assert "test_vocabulary.py" in str(caught.value)        # the user's line
