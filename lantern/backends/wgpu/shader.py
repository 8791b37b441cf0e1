"""A finished shader: its text, what to bind and how many workgroups to launch."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lantern.backends.wgpu.nest import Binding, Memory
from lantern.backends.wgpu.prelude import functions_for
from lantern.errors import DeviceError
from lantern.lower.kernel import Kernel, Target


@dataclass(frozen=True, slots=True)
class Grid:
    """Workgroups in three dimensions; `linear` is a workgroup's number in the shader."""

    x: int
    y: int
    z: int

    @property
    def count(self) -> int:
        """How many there are; at least as many as were asked for."""
        return self.x * self.y * self.z

    @property
    def linear(self) -> str:
        """The expression of a workgroup's number."""
        if self.z > 1:
            return f"((group.z * {self.y}u + group.y) * {self.x}u + group.x)"
        return f"(group.y * {self.x}u + group.x)" if self.y > 1 else "group.x"


@dataclass(frozen=True, slots=True)
class Shader:
    """What the runtime needs of one kernel. An empty text: nothing to run."""

    name: str
    text: str
    bindings: tuple[Binding, ...]
    grid: Grid


def make_grid(kernel: Kernel, groups: int, target: Target) -> Grid:
    """At least `groups` workgroups, within the device's limit for each dimension.

    Raises DeviceError if three dimensions are not enough.
    """
    most = target.max_groups
    if groups <= most:
        return Grid(groups, 1, 1)
    x = min(most, 32768)
    y = -(-groups // x)
    if y <= most:
        return Grid(x, y, 1)
    z = -(-groups // (x * most))
    if z > most:
        raise DeviceError(f"kernel {kernel.name or 'kernel'} needs {groups} workgroups; this device runs at most "
                          f"{most} along each of three dimensions. Split the computation.")
    return Grid(x, most, z)


def finish(kernel: Kernel, memory: Memory, grid: Grid, size: int, functions: Sequence[str], main: Sequence[str],
           variables: Sequence[str] = ()) -> Shader:
    """Put a shader together: declarations, the prelude's functions, the kernel's own, and the entry point."""
    own = "\n\n".join([*functions, "\n".join([
        f"@compute @workgroup_size({size})",
        "fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {",
        *main, "}"])])
    parts = [memory.declarations(), "\n".join(variables), functions_for(own, memory.hardware), own]
    title = f"// {kernel.name}\n" if kernel.name else ""
    return Shader(kernel.name or "kernel", title + "\n\n".join([p for p in parts if p]) + "\n", memory.bindings(), grid)
