"""Small programs traced with the real ops, lowered, and run in the emulator."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lantern import config
from lantern.backends.emulate import run_program
from lantern.lower.kernel import Kernel, Target
from lantern.lower.passes import Lowering, lower_jaxpr
from lantern.trace.aval import ShapedArray, shaped
from lantern.trace.jaxpr import Jaxpr
from lantern.trace.staging import trace_closed
from lantern.transforms.jit import run_impl

GPU = Target("gpu", max_buffers=8, recompute=True, split_reduce=64)
CPU = Target("cpu")


def f32(*shape: int) -> ShapedArray:
    """A float32 aval."""
    return shaped(shape, np.dtype("float32"))


def i32(*shape: int) -> ShapedArray:
    """An int32 aval."""
    return shaped(shape, np.dtype("int32"))


def trace(f: Callable[..., Any], *avals: ShapedArray) -> Jaxpr:
    """The jaxpr of a function written with ops."""
    def listed(*args: Any) -> Sequence[Any]:
        outs = f(*args)
        return outs if isinstance(outs, (list, tuple)) else [outs]
    return trace_closed(listed, avals, "test")


def lower(f: Callable[..., Any], *avals: ShapedArray, target: Target = CPU, donated: Sequence[int] = ()) -> Lowering:
    """A function through all passes, each of them checked."""
    return checked(lambda: lower_jaxpr(trace(f, *avals), target, donated))


def checked(make: Callable[[], Lowering]) -> Lowering:
    """Lower with a checker after each pass."""
    before = config.flags.check
    config.flags.check = True
    try:
        return make()
    finally:
        config.flags.check = before


def kernels(f: Callable[..., Any], *avals: ShapedArray, target: Target = CPU) -> tuple[Kernel, ...]:
    """The kernels that a function becomes, after its values have been compared with `impl`."""
    for wanted, got in zip(*both(f, *avals, target=target), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=1e-6)
    return lower(f, *avals, target=target).program.kernels


def sample(aval: ShapedArray, seed: int) -> np.ndarray[Any, Any]:
    """Numbers that do not hide mistakes: all different, of both signs; small non-negative integers."""
    values = np.random.default_rng(seed).normal(size=aval.shape)
    return values.astype(aval.dtype) if aval.dtype.kind == "f" else np.abs(values * 3).astype(aval.dtype)


def both(f: Callable[..., Any], *avals: ShapedArray,
         target: Target = CPU) -> tuple[list[np.ndarray[Any, Any]], list[np.ndarray[Any, Any]]]:
    """The outputs by `impl` and by the emulated program."""
    args = [sample(a, k) for k, a in enumerate(avals)]
    with np.errstate(all="ignore"):
        wanted = [np.asarray(x) for x in run_impl(trace(f, *avals), args)]
    return wanted, run_program(lower(f, *avals, target=target).program, args)
