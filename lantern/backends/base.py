"""What a backend is: memory and a compiler for Programs. It knows kernels, not what they mean."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from lantern.lower.kernel import Program, Target
from lantern.trace.aval import ShapedArray

Buffer: TypeAlias = Any     # each backend's own; the CPU's is a read-only np.ndarray of the array's shape

# Input buffers in order (shaped as their avals) -> output buffers in order.
Executable: TypeAlias = Callable[[Sequence[Buffer]], Sequence[Buffer]]


class Backend(Protocol):
    """One device's memory and compiler. Buffers are opaque to everybody else."""

    @property
    def target(self) -> Target:
        """What lowering may rely on here."""
        ...

    def write(self, array: np.ndarray[Any, Any]) -> Buffer:
        """Copy an array to the device. Raises DeviceError if the device cannot hold it or lacks its dtype."""
        ...

    def read(self, buffer: Buffer, aval: ShapedArray) -> np.ndarray[Any, Any]:
        """Copy back to the host; waits for pending work."""
        ...

    def compile(self, program: Program) -> Executable:
        """Make a program runnable. The executable returns fresh buffers and may not wait for the device."""
        ...

    def texts(self, program: Program) -> tuple[str, ...]:
        """The source text of each kernel, in launch order, for people to read."""
        ...

    def source(self, program: Program) -> str:
        """All that was generated for a program, as one text."""
        ...

    def wait(self) -> None:
        """Block until all submitted work is done."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Device:
    """A place where arrays live. Compared by identity; `lantern.devices()` lists them.

    platform   "cpu" or "gpu"
    index      position among the devices of its platform
    name       what people read: "CPU (NumPy)", an adapter's name
    kind       "cpu", "hardware" or "software" (a GPU driver that runs on the CPU)
    """

    platform: str
    index: int
    name: str
    kind: str
    open: Callable[[], Backend]

    def __str__(self) -> str:
        return f"{self.platform}:{self.index}"

    def __repr__(self) -> str:
        return f"Device({self.platform}:{self.index}, {self.name!r})"

    @property
    def backend(self) -> Backend:
        """The opened backend; the first use creates the GPU device."""
        return self.open()
