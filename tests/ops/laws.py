"""What the laws share: the cases of the table, bound functions, comparisons, directions."""
from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from lantern import config
from lantern.dtypes import is_inexact
from tests.optable import ROWS
from tests.optable.table import Case, Row, is_floating


def every_case(wanted: Callable[[Row, Case], bool] = lambda row, case: True) -> pytest.MarkDecorator:
    """Parametrise a law over the cases of the table."""
    chosen = [pytest.param(row, case, id=f"{name}-{k}")
              for name, row in ROWS.items() for k, case in enumerate(row.cases) if wanted(row, case)]
    return pytest.mark.parametrize(("row", "case"), chosen)


def differentiable(row: Row, case: Case) -> bool:
    """Whether the laws of derivatives speak of this case."""
    return row.order > 0 and case.smooth and any(is_floating(x) for x in case.draw())


# Rows whose integer operands are numbers (not positions) and may have any integer dtype.
_COUNTING = {"add", "sub", "mul", "floordiv", "mod", "neg", "abs", "sign", "max", "min", "integer_pow", "pow",
             "and", "or", "xor", "not", "shift_left", "shift_right", "eq", "ne", "lt", "le", "gt", "ge", "select",
             "reduce_sum", "reduce_prod", "reduce_max", "reduce_min", "argmax", "argmin", "dot", "cumsum", "transpose",
             "slice", "pad", "concatenate", "rev", "reshape", "broadcast_in_dim", "convert", "conv", "patches",
             "window_sum", "window_extremum", "window_position"}


def in_every_precision(row: Row, case: Case) -> bool:
    """Whether a case may be drawn in floats of other widths."""
    floats = any(isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in case.draw())
    return row.every_precision and case.smooth and floats


def in_small_integers(row: Row, case: Case) -> bool:
    """Whether a case has arrays of integers that may as well be of 8 or 16 bits, or of floats that may be integers."""
    arrays = [x for x in case.draw() if isinstance(x, np.ndarray)]
    shaping = row.name in ("transpose", "slice", "concatenate", "rev", "reshape", "broadcast_in_dim")
    return row.name in _COUNTING and any(x.dtype.kind == "i" or (shaping and x.dtype.kind == "f") for x in arrays)


def as_integers(args: Sequence[Any], dtype: Any) -> list[Any]:
    """Integers and floats among the arrays as `dtype`; integers wrap."""
    with np.errstate(all="ignore"):
        return [(100 * x if x.dtype.kind == "f" else x).astype(np.int64).astype(dtype)
                if isinstance(x, np.ndarray) and x.dtype.kind in "if" else x for x in args]


def bind_arrays(row: Row, case: Case, args: Sequence[Any],
                wanted: Callable[[Any], bool]) -> tuple[Callable[..., Any], list[Any]]:
    """The row's function of the wanted arguments alone, and those arguments; the others are fixed."""
    places = [k for k, x in enumerate(args) if wanted(x)]

    def f(*chosen: Any) -> Any:
        full = list(args)
        for k, x in zip(places, chosen, strict=True):
            full[k] = x
        return row.function(*full, **case.params)

    return f, [args[k] for k in places]


def is_array(x: Any) -> bool:
    """Python scalars are no arrays."""
    return isinstance(x, np.ndarray)


def widened(args: Sequence[Any], dtype: Any = np.float64) -> list[Any]:
    """Float arrays in another precision; complex ones in double precision beside float64."""
    wide = np.complex128 if dtype is np.float64 else np.complex64
    with np.errstate(all="ignore"):
        return [x.astype(wide if x.dtype.kind == "c" else dtype) if is_floating(x) else x for x in args]


def twin_of(row: Row, case: Case, args: Sequence[Any]) -> np.ndarray[Any, Any]:
    """What NumPy says, computed in float64."""
    with np.errstate(all="ignore"):
        return np.asarray(row.twin(*widened(args), **case.params))


@contextmanager
def x64() -> Generator[None]:
    """64-bit types as the default."""
    before = config.flags.enable_x64
    config.flags.enable_x64 = True
    try:
        yield
    finally:
        config.flags.enable_x64 = before


def epsilon(dtype: np.dtype[Any]) -> float:
    """The distance from 1 to the next number."""
    return {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52,
            "complex64": 2.0**-23, "complex128": 2.0**-52}[dtype.name]


def assert_equal(got: Any, want: Any, tolerance: float = 0, absolute: float = 0) -> None:
    """Shapes and dtypes agree; integers and bools exactly, floats within `tolerance` units of the last place (plus
    `absolute` times the largest element); NaN and infinities at the same places."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.dtype == want.dtype, f"dtype {got.dtype} is not {want.dtype}"
    assert got.shape == want.shape, f"shape {got.shape} is not {want.shape}"
    if not is_inexact(got.dtype):
        np.testing.assert_array_equal(got, want)
        return
    unit = epsilon(got.dtype)
    double = np.complex128 if got.dtype.kind == "c" else np.float64
    x, y = got.astype(double), want.astype(double)
    largest = np.max(np.abs(y[np.isfinite(y)]), initial=0)
    denormal = {"float16": 2.0**-14, "float64": 0, "complex128": 0}.get(got.dtype.name, 2.0**-126)
    scale = absolute * unit / 2.0**-23
    np.testing.assert_allclose(x, y, rtol=tolerance * unit, atol=denormal + scale * max(largest, 1))


def close(got: Any, want: Any, tolerance: float = 1e-6) -> None:
    """Numbers in float64 agree relative to the largest."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"shape {got.shape} is not {want.shape}"
    scale = max(1.0, np.max(np.abs(want), initial=0))
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * scale)


def direction(xs: Sequence[Any], seed: int) -> list[np.ndarray[Any, Any]]:
    """A random direction for each array."""
    r = np.random.default_rng(seed)


    def numbers(x: Any) -> Any:
        return r.uniform(0.5, 1.5, np.shape(x)) * r.choice([-1.0, 1.0], np.shape(x))

    return [np.asarray(numbers(x) + 1j * numbers(x) if np.asarray(x).dtype.kind == "c" else numbers(x)) for x in xs]


def difference(f: Callable[..., Sequence[Any]], xs: Sequence[Any], along: Sequence[Any],
               step: float = 1e-5) -> list[Any]:
    """The derivative of f along a direction, by central differences."""
    after = f(*[x + step * v for x, v in zip(xs, along, strict=True)])
    before = f(*[x - step * v for x, v in zip(xs, along, strict=True)])
    return [(np.asarray(a) - np.asarray(b)) / (2 * step) for a, b in zip(after, before, strict=True)]


def inner(xs: Sequence[Any], ys: Sequence[Any]) -> float:
    """The real part of the sum of all products (unconjugated: the pairing in which JAX's rules are transposed)."""
    return float(np.real(sum([np.sum(np.asarray(x) * np.asarray(y)) for x, y in zip(xs, ys, strict=True)])))
