"""From a Kernel to WGSL: checks what the device can hold, then picks the form that the kernel takes."""
from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from lantern.backends.wgpu.device import ROUNDS_F16
from lantern.backends.wgpu.elementwise import render_elementwise
from lantern.backends.wgpu.matmul import find_product, render_matmul
from lantern.backends.wgpu.nest import Memory
from lantern.backends.wgpu.packed import stored_bytes
from lantern.backends.wgpu.rows import render_rows
from lantern.backends.wgpu.scalar import wgsl_type
from lantern.backends.wgpu.shader import Grid, Shader
from lantern.dtypes import I32
from lantern.errors import DeviceError
from lantern.lower.expr import Apply, Const, DType
from lantern.lower.kernel import Kernel, Target

MOST_POSITIONS = 1 << 31        # positions are i32 for the user's program


def render(kernel: Kernel, target: Target, shared: Mapping[int, int] | None = None,
           moving: Collection[str] = ()) -> Shader:
    """The shader of a kernel: the same text for equal kernels, with the user's lines as comments.

    `shared` maps an argument to the output whose memory it has. `moving` are the buffers ("arg0", "out1") of which the
    kernel sees the row whose number the uniform `turn` has. Raises DeviceError for a dtype that the device lacks and
    for arrays or domains beyond its limits.
    """
    _check(kernel, target)
    sizes = {f"arg{k}": a.size for k, a in enumerate(kernel.args)} | {f"out{k}": a.size
                                                                     for k, a in enumerate(kernel.outs)}
    rows = {name: sizes[name] for name in sorted(moving)}
    shader = _render(kernel, target, Memory(kernel, shared or {}, rows, hardware=ROUNDS_F16 in target.features))
    if len(shader.bindings) > target.max_buffers + 1:       # the target keeps one back for the driver
        raise DeviceError(f"internal: kernel {shader.name} binds {len(shader.bindings)} buffers, but this device binds "
                          f"{target.max_buffers}")
    return shader


def _render(kernel: Kernel, target: Target, memory: Memory) -> Shader:
    if not kernel.row_count or not any(a.size for a in kernel.outs):
        return Shader(kernel.name or "kernel", "", (), Grid(0, 1, 1))
    if len(kernel.stages) == 1 and not kernel.stages[0].reductions:
        if math.prod(kernel.stages[0].cols) == 0:
            return Shader(kernel.name or "kernel", "", (), Grid(0, 1, 1))
        return render_elementwise(kernel, memory, target)
    _several_stages(kernel, memory, target)     # finds the buffers of vec4, which earlier stages have to know, too
    return _several_stages(kernel, memory, target)


def _several_stages(kernel: Kernel, memory: Memory, target: Target) -> Shader:
    product = find_product(kernel)
    return render_rows(kernel, memory, target) if product is None else render_matmul(kernel, product, memory, target)


def _check(kernel: Kernel, target: Target) -> None:
    title = kernel.name or "kernel"
    for stage in kernel.stages:
        for instr in stage.body:
            if isinstance(instr, (Const, Apply)):
                wgsl_type(instr.dtype)
        for part, count in (("rows", kernel.row_count), ("columns", math.prod(stage.cols))):
            if count >= MOST_POSITIONS:
                raise DeviceError(f"kernel {title}: {count} {part} are more than {I32} positions can count; "
                                  "split the arrays")
        if not stage.reductions and kernel.row_count * math.prod(stage.cols) >= MOST_POSITIONS:
            raise DeviceError(f"kernel {title}: {kernel.row_count * math.prod(stage.cols)} elements are more than "
                              f"{I32} positions can count; split the arrays")
    for aval in (*kernel.args, *kernel.outs):
        wgsl_type(aval.dtype)
        check_size(aval.size, aval.dtype, str(aval), target)


def check_size(count: int, dtype: DType, what: str, target: Target) -> None:
    """Raise DeviceError if an array of `count` elements is larger than one buffer may be."""
    needed = stored_bytes(count, dtype)
    if needed > target.max_binding:
        raise DeviceError(f"{what} needs {needed} bytes of device memory, but one buffer on this device holds at "
                          f"most {target.max_binding}. Split the array, or use the CPU device.")
