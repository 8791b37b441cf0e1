"""The CPU device: programs as generated NumPy code."""
from __future__ import annotations

from typing import Any

import numpy as np

from lantern.backends.base import Buffer, Executable
from lantern.backends.numpy.program import load, render
from lantern.backends.numpy.runtime import executable
from lantern.lower.kernel import Program, Run, Target, calls_host
from lantern.trace.aval import ShapedArray


class NumpyBackend:
    """The CPU. Buffers are read-only, row-major NumPy arrays; a program is one Python function of ufunc calls.

    >>> backend = NumpyBackend()
    >>> backend.read(backend.write(np.ones(2)), ShapedArray((2,), np.dtype("float64")))
    array([1., 1.])
    """

    def __init__(self) -> None:
        self._target = Target("numpy")

    @property
    def target(self) -> Target:
        """Every dtype and any size; computing a value twice is never cheaper than keeping it."""
        return self._target

    def write(self, array: np.ndarray[Any, Any]) -> Buffer:
        """A read-only copy."""
        copied = np.array(array, order="C")
        copied.setflags(write=False)
        return copied

    def read(self, buffer: Buffer, aval: ShapedArray) -> np.ndarray[Any, Any]:
        """The buffer itself, which nobody can write."""
        return buffer

    def compile(self, program: Program) -> Executable:
        """The program as a function. It may be called by several threads at once; results are new arrays."""
        host = any(isinstance(step, Run) and calls_host(step.region) for step in program.steps)
        return executable(load(render(program), program.name), host)

    def texts(self, program: Program) -> tuple[str, ...]:
        """The statements of each kernel, with the user's lines as comments."""
        return render(program, comments=True).kernels

    def source(self, program: Program) -> str:
        """The whole generated function."""
        return render(program, comments=True).text

    def wait(self) -> None:
        """Calls return when their work is done: nothing is ever pending."""
