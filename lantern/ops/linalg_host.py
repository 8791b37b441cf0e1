"""Where factorisations run: NumPy's LAPACK on the host, kernels in WGSL on a GPU, or a transfer that warns once."""
from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from threading import Lock
from typing import Any, TypeAlias

import numpy as np

from lantern.dtypes import F32, short_name
from lantern.errors import TransferWarning
from lantern.lower.kernel import HostCall, Region
from lantern.lower.routine import Routine, Written
from lantern.ops.build import AnyArray
from lantern.source import user_source
from lantern.trace.aval import ShapedArray
from lantern.trace.primitive import SubLowering

HostFunction: TypeAlias = Callable[..., Sequence[AnyArray]]


def for_each(function: HostFunction, outs: Sequence[ShapedArray], *arrays: AnyArray) -> Sequence[AnyArray]:
    """`function(*arrays)`, NumPy's on stacks of matrices; results have the dtypes of `outs`.

    Where LAPACK fails for a matrix (it is singular, not positive definite, or has NaN), the results for this matrix,
    and no other, are NaN.
    """
    with np.errstate(all="ignore"):
        try:
            found = function(*arrays)
        except np.linalg.LinAlgError:
            found = _one_by_one(function, outs, arrays)
    return [np.asarray(x, a.dtype) for x, a in zip(found, outs, strict=True)]


def _one_by_one(function: HostFunction, outs: Sequence[ShapedArray], arrays: Sequence[AnyArray]) -> list[AnyArray]:
    lead = arrays[0].shape[:-2]
    made = [np.full(a.shape, np.nan, a.dtype) for a in outs]
    for place in np.ndindex(*lead):
        try:
            for x, y in zip(made, function(*[a[place] for a in arrays]), strict=True):
                x[place] = y
        except np.linalg.LinAlgError:
            continue
    return made


@lru_cache(maxsize=1024)
def _named(function: HostFunction, outs: tuple[ShapedArray, ...]) -> HostFunction:
    return partial(for_each, function, outs)


@lru_cache(maxsize=1024)
def with_settings(function: Callable[..., Any], **settings: Any) -> HostFunction:
    """The function with keyword arguments; the same object for the same settings, since lowered programs compare
    functions by identity."""
    return partial(function, **settings)


def on_host(name: str, function: HostFunction, avals: Sequence[ShapedArray], outs: Sequence[ShapedArray],
            lower: SubLowering) -> HostCall:
    """A call of NumPy. On a GPU it copies the matrices there and back, and says so once."""
    if lower.target.backend == "wgpu":
        _warn_of_transfer(name)
    results = tuple([a.strong() for a in outs])
    return HostCall(_named(function, results), tuple([a.strong() for a in avals]), results, name)


def as_kernel(name: str, function: HostFunction, written: Written, avals: Sequence[ShapedArray],
              outs: Sequence[ShapedArray], lower: SubLowering) -> Region:
    """A kernel in WGSL on a GPU, NumPy elsewhere; NumPy, too, where there is nothing to bind or no such numbers."""
    args, results = tuple([a.strong() for a in avals]), tuple([a.strong() for a in outs])
    if args[0].dtype != F32:
        return on_host(f"{name} of {short_name(args[0].dtype)}", function, avals, outs, lower)
    if not all([a.size for a in (*args, *results)]):
        return HostCall(_named(function, results), args, results, name)
    return Routine(_named(function, results), written, args, results, name)


_said: list[str] = []
_lock = Lock()


def _warn_of_transfer(name: str) -> None:
    """Once in a process, whatever the operation."""
    with _lock:
        if _said:
            return
        _said.append(name)
    source = user_source()
    where = f", at {source}" if source is not None else ""
    warnings.warn(f"{name} has no GPU kernel: the matrices are copied to the CPU and back each time{where}. "
                  "Compute it on the CPU device, or silence this with warnings.filterwarnings('ignore', category="
                  "lantern.errors.TransferWarning). lu, solve, svd, eigh and eig are such; this is said once",
                  TransferWarning, stacklevel=2)
