"""For tests: derivatives against differences of values, trees of arrays against each other, leaks of tracers."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import numpy as np

from lantern import api, config, tree
from lantern.backends.array import DeviceArray
from lantern.devices import current_device, on_device
from lantern.dtypes import is_complex, is_inexact
from lantern.errors import ArgumentError
from lantern.flat import as_values, name_of
from lantern.trace.aval import ShapedArray
from lantern.trace.context import typeof
from lantern.trace.jaxpr import PLAIN

Function = Callable[..., Any]
Wide = list[np.ndarray[Any, Any]]

TOLERANCES = {"bfloat16": 1e-1, "float16": 3e-2, "float32": 2e-3, "float64": 1e-5, "complex64": 2e-3,
              "complex128": 1e-5}
PRECISIONS = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52,
              "complex64": 2.0**-23, "complex128": 2.0**-52}


def check_grads(f: Function, args: Sequence[Any], order: int, modes: Sequence[str] = ("fwd", "rev"),
                atol: float | None = None, rtol: float | None = None, eps: float | None = None) -> None:
    """Check the derivatives of `f(*args)` up to `order` against central differences, along random directions.

    `args` are trees of arrays; integers are kept as they are. `modes`: "fwd" (jvp), "rev" (vjp) or both; at higher
    orders every sequence of modes. By default `eps` is the cube root of the precision of the least precise argument,
    and the tolerances are 1e-5 in f64, 2e-3 in f32, 3e-2 in f16, 1e-1 in bf16. The directions are the same at each
    call. The method: Baydin et al., "Automatic differentiation in machine learning: a survey", section 2.1.

    Raises AssertionError with the mode, the order and the difference; ArgumentError for an unknown mode or order.

    >>> import lantern.numpy as jnp
    >>> check_grads(jnp.sin, (0.5,), order=2)
    """
    if isinstance(modes, str):
        modes = (modes,)
    if not modes or any([m not in ("fwd", "rev") for m in modes]):
        raise ArgumentError(f"check_grads: modes must be among 'fwd' and 'rev', got {modes!r}")
    if order < 1:
        raise ArgumentError(f"check_grads: order must be at least 1, got {order}")
    _check_orders(f, tuple(args), order, modes, (), (atol, rtol, eps))


_Bounds = tuple[float | None, float | None, float | None]


def _check_orders(f: Function, args: tuple[Any, ...], order: int, modes: Sequence[str], path: tuple[str, ...],
                  bounds: _Bounds) -> None:
    for mode in modes:
        here = (*path, mode)
        what = f"check_grads({name_of(f)}): mode {' of '.join(reversed(here))}, order {len(here)}"
        if mode == "fwd":
            _check_jvp(f, partial(api.jvp, f), args, bounds, what)
            following = _forward(f, args)
        else:
            _check_vjp(f, partial(api.vjp, f), args, bounds, what)
            following = _backward(f, args)
        if order > 1:
            following.__name__ = name_of(f)
            _check_orders(following, args, order - 1, modes, here, bounds)


def _forward(f: Function, args: tuple[Any, ...]) -> Function:
    direction = _random_like(args, 3)
    return lambda *xs: api.jvp(f, xs, direction)


def _backward(f: Function, args: tuple[Any, ...]) -> Function:
    cotangent = _random_like(f(*args), 4)

    def following(*xs: Any) -> Any:
        y, pull = api.vjp(f, *xs)
        return y, pull(cotangent)

    return following


def check_jvp(f: Function, f_jvp: Callable[..., Any], args: Sequence[Any], atol: float | None = None,
              rtol: float | None = None, eps: float | None = None, err_msg: str = "") -> None:
    """Check `f_jvp(args, tangents) -> (values, tangents)` against f and its differences; see `check_grads`.

    Raises AssertionError.

    >>> import lantern
    >>> check_jvp(lambda x: x * x, lambda xs, ts: lantern.jvp(lambda x: x * x, xs, ts), (3.0,))
    """
    _check_jvp(f, f_jvp, tuple(args), (atol, rtol, eps), err_msg or f"check_jvp({name_of(f)})")


def _check_jvp(f: Function, f_jvp: Callable[..., Any], args: tuple[Any, ...], bounds: _Bounds, what: str) -> None:
    tangents = _random_like(args, 1)
    values, found = f_jvp(args, tangents)
    _compare(_floats(values), _floats(f(*args)), args, bounds, f"{what}: the values of jvp and of the function")
    expected = _differences(f, args, tangents, bounds[2])
    _compare(_floats(found), expected, args, bounds, f"{what}: the tangents of jvp and the differences of values")


def check_vjp(f: Function, f_vjp: Callable[..., Any], args: Sequence[Any], atol: float | None = None,
              rtol: float | None = None, eps: float | None = None, err_msg: str = "") -> None:
    """Check `f_vjp(*args) -> (values, pull)` against f and its differences: <ct, J v> = <J^T ct, v>.

    Raises AssertionError.

    >>> from functools import partial
    >>> import lantern
    >>> f = lambda x: x * x
    >>> check_vjp(f, partial(lantern.vjp, f), (3.0,))
    """
    _check_vjp(f, f_vjp, tuple(args), (atol, rtol, eps), err_msg or f"check_vjp({name_of(f)})")


def _check_vjp(f: Function, f_vjp: Callable[..., Any], args: tuple[Any, ...], bounds: _Bounds, what: str) -> None:
    values, pull = f_vjp(*args)
    plain = f(*args)
    _compare(_floats(values), _floats(plain), args, bounds, f"{what}: the values of vjp and of the function")
    tangents, cotangents = _random_like(args, 1), _random_like(plain, 2)
    back = _floats(pull(cotangents))
    forward = _differences(f, args, tangents, bounds[2])
    found = _inner(back, _floats(tangents))
    expected = _inner(_floats(cotangents), forward)
    _compare([np.asarray(found)], [np.asarray(expected)], args, bounds,
             f"{what}: <vjp(ct), v> and <ct, differences along v>")


def _leaves(x: Any) -> list[Any]:
    return as_values(tree.leaves(x), lambda: tree.paths(tree.structure(x), "argument"), "testing")


def _floats(x: Any) -> Wide:
    """The floating-point leaves in float64, complex ones in complex128."""
    return [_wide(v if isinstance(v, DeviceArray) else getattr(v, "value", v))
            for v in _leaves(x) if is_inexact(typeof(v).dtype)]


def _wide(x: Any) -> np.ndarray[Any, Any]:
    values = np.asarray(x)
    return values.astype(np.complex128 if is_complex(values.dtype) else np.float64)


def _like(numbers: Any, leaf: Any) -> Any:
    """Numbers as an array of the leaf's type and device."""
    aval = typeof(leaf)
    device = leaf.device if isinstance(leaf, DeviceArray) else current_device()
    return on_device(np.asarray(numbers).astype(aval.dtype), device)


def _random_like(x: Any, seed: int) -> Any:
    """Normal numbers in the structure, shapes and dtypes of x; zeros for integers."""
    r = np.random.default_rng(seed)
    leaves = _leaves(x)

    def numbers(a: ShapedArray) -> np.ndarray[Any, Any]:
        real = r.standard_normal(a.shape) if is_inexact(a.dtype) else np.zeros(a.shape)
        return real + 1j * r.standard_normal(a.shape) if is_complex(a.dtype) else np.asarray(real)

    return tree.unflatten(tree.structure(x), [_like(numbers(typeof(v)), v) for v in leaves])


def _differences(f: Function, args: tuple[Any, ...], tangents: Any, eps: float | None) -> Wide:
    """The derivative along the tangents, by central differences."""
    leaves, along = _leaves(args), _leaves(tangents)
    step = eps or _worst(args, PRECISIONS) ** (1 / 3)

    def at(sign: float) -> Wide:
        moved = [_like(_wide(x) + sign * step * _wide(t), x) if is_inexact(typeof(x).dtype) else x
                 for x, t in zip(leaves, along, strict=True)]
        return _floats(f(*tree.unflatten(tree.structure(args), moved)))

    return [(a - b) / (2 * step) for a, b in zip(at(1.0), at(-1.0), strict=True)]


def _worst(args: Any, table: dict[str, float]) -> float:
    """The largest number of a table for the dtypes of the arguments."""
    found = [table[typeof(v).dtype.name] for v in _leaves(args) if is_inexact(typeof(v).dtype)]
    if not found:
        raise ArgumentError("testing: no argument is a floating-point array, so there is nothing to differentiate by")
    return max(found)


def _inner(xs: Wide, ys: Wide) -> float:
    """Bilinear over the reals: a cotangent of a complex number is not conjugated, as in JAX."""
    return math.fsum([float(np.sum(x * y).real) for x, y in zip(xs, ys, strict=True)])


def _compare(found: Wide, expected: Wide, args: Any, bounds: _Bounds, what: str) -> None:
    default = _worst(args, TOLERANCES)
    atol, rtol = (default if b is None else b for b in bounds[:2])
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        _compare_arrays(a, b, atol, rtol, what if len(found) == 1 else f"{what} (result {k})")


def _compare_arrays(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any], atol: float, rtol: float, what: str) -> None:
    if a.shape != b.shape:
        raise AssertionError(f"{what}: shapes {a.shape} and {b.shape}")
    x, y = (v if v.dtype.kind == "c" else v.astype(np.float64) for v in (a, b))
    with np.errstate(invalid="ignore", over="ignore"):
        allowed = atol + rtol * np.abs(y)
        near = (np.abs(x - y) <= allowed) & (allowed > 0)
        wrong = ~((a == b) | near | (np.isnan(x) & np.isnan(y)))
        gap = np.where(wrong, np.nan_to_num(np.abs(x - y), nan=np.inf), -1.0)
    if wrong.any():
        at = np.unravel_index(int(np.argmax(gap)), a.shape)
        place = f" at index {tuple(map(int, at))}" if a.ndim else ""
        raise AssertionError(
            f"{what} differ: {x[at]:.8g} and {y[at]:.8g}{place}, by {abs(x[at] - y[at]):.3g} (allowed: "
            f"{atol:.3g} + {rtol:.3g} * {abs(y[at]):.3g}); {int(wrong.sum())} of {a.size} numbers do")


def assert_close(actual: Any, expected: Any, atol: float | None = None, rtol: float | None = None,
                 check_dtypes: bool = True, err_msg: str = "") -> None:
    """Two trees of arrays have one structure, equal shapes and dtypes, and nearly equal numbers (NaN equals NaN).

    Default tolerances are ten units of the last place of the less precise dtype; integers and bools are equal exactly.

    Raises AssertionError with the path of the leaf, the place and the numbers.

    >>> import lantern.numpy as jnp
    >>> assert_close({"w": jnp.ones(2) / 3.0 * 3.0}, {"w": jnp.ones(2)})
    >>> assert_close({"w": jnp.ones(2)}, {"w": jnp.zeros(2)})
    Traceback (most recent call last):
    AssertionError: ['w'] differ: 1 and 0 at index (0,), by 1 ...
    """
    title = f"{err_msg}: " if err_msg else ""
    if tree.structure(actual) is not tree.structure(expected):
        raise AssertionError(f"{title}structures {tree.structure(actual)} and {tree.structure(expected)} differ")
    for path, x, y in zip(tree.paths(tree.structure(actual)), tree.leaves(actual), tree.leaves(expected), strict=True):
        a, b = np.asarray(x), np.asarray(y)
        where = f"{title}{path or 'the arrays'}"
        kind = type(x) in PLAIN or type(y) in PLAIN     # a Python number has no dtype
        if check_dtypes and not kind and a.dtype != b.dtype:
            raise AssertionError(f"{where}: dtypes {a.dtype} and {b.dtype} differ")
        precisions = [PRECISIONS[v.dtype.name] for v in (a, b) if v.dtype.name in PRECISIONS]
        default = 10 * max(precisions) if precisions else 0.0
        _compare_arrays(a, b, default if atol is None else atol, default if rtol is None else rtol, where)


def check_leaks() -> AbstractContextManager[None]:
    """Inside the `with` block a traced value that outlives its trace raises EscapedTracerError, naming who holds it.

    >>> import lantern
    >>> with check_leaks():
    ...     float(lantern.grad(lambda x: x * x)(3.0))
    6.0
    """
    return config.switched("check_tracer_leaks", True)
