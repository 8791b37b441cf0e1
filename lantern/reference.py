"""The judge: walks a jaxpr with the `impl` rules, in NumPy. Written for truth and never tuned."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lantern.backends.base import Buffer, Device, Executable
from lantern.errors import InternalError
from lantern.lower.kernel import Program, Target
from lantern.trace.aval import ShapedArray
from lantern.trace.jaxpr import Jaxpr
from lantern.transforms.jit import run_impl


class ReferenceBackend:
    """Memory of the judge: NumPy arrays. It evaluates jaxprs, not Programs."""

    target = Target("reference")

    def write(self, array: np.ndarray[Any, Any]) -> Buffer:
        """A read-only copy."""
        copied = np.array(array)
        copied.setflags(write=False)
        return copied

    def read(self, buffer: Buffer, aval: ShapedArray) -> np.ndarray[Any, Any]:
        """The buffer itself."""
        return buffer

    def compile(self, program: Program) -> Executable:
        """Never asked for: see `executable`."""
        raise InternalError("internal: the reference evaluates jaxprs, not programs")

    def texts(self, program: Program) -> tuple[str, ...]:
        """No kernels, no texts."""
        return ()

    def source(self, program: Program) -> str:
        """Nothing is generated."""
        return ""

    def wait(self) -> None:
        """Nothing is pending."""


def executable(jaxpr: Jaxpr) -> Executable:
    """The function that evaluates `jaxpr` on NumPy arrays."""

    def run(buffers: Sequence[Buffer]) -> Sequence[Buffer]:
        with np.errstate(all="ignore"):
            outs = run_impl(jaxpr, buffers)
        return [_frozen(x, v.aval) for x, v in zip(outs, jaxpr.outvars, strict=True)]

    return run


def _frozen(x: Any, aval: ShapedArray) -> np.ndarray[Any, Any]:
    x = np.asarray(x)
    if x.shape != aval.shape or x.dtype != aval.dtype:
        raise InternalError(f"internal: an impl rule gave {x.dtype}{list(x.shape)} where {aval} was promised")
    x.setflags(write=False)
    return x


_backend = ReferenceBackend()
REFERENCE = Device("reference", 0, "the judge (NumPy, one operation at a time)", "cpu", lambda: _backend)
