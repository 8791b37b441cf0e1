"""Kernels in WGSL that the tests run: elementwise, a stencil, two results, workgroup memory, integers, complex."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

import lantern
import lantern.numpy as jnp
from lantern.extend import ShapedArray, wgsl_kernel

HALF = math.sqrt(2 / math.pi)


def gelu_reference(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return (0.5 * x * (1 + np.tanh(HALF * (x + 0.044715 * x ** 3)))).astype(x.dtype)


def gelu_slope_reference(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    t = np.tanh(HALF * (x + 0.044715 * x ** 3))
    return (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * HALF * (1 + 3 * 0.044715 * x * x)).astype(x.dtype)


GELU_HEADER = """
fn inner(x: f32) -> f32 {
  return 0.7978845608 * (x + 0.044715 * x * x * x);
}
"""


def plain_slope(x: Any) -> Any:
    """The same with lantern's functions, for the second derivative."""
    t = jnp.tanh(HALF * (x + 0.044715 * x ** 3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * HALF * (1 + 3 * 0.044715 * x * x)


gelu_slope = wgsl_kernel(
    "gelu_slope", """
        let t = tanh_f32(inner(x[i]));
        out[i] = 0.5 * (1.0 + t) + 0.5 * x[i] * (1.0 - t * t) * 0.7978845608 * (1.0 + 3.0 * 0.044715 * x[i] * x[i]);
    """, shape=lambda x: x, reference=gelu_slope_reference, header=GELU_HEADER,
    jvp=lambda primals, out, tangents: lantern.grad(lambda v: plain_slope(v).sum())(primals[0]) * tangents[0])

gelu = wgsl_kernel(
    "gelu", "out[i] = 0.5 * x[i] * (1.0 + tanh_f32(inner(x[i])));", shape=lambda x: x, reference=gelu_reference,
    header=GELU_HEADER, jvp=lambda primals, out, tangents: gelu_slope(primals[0]) * tangents[0])


def laplacian_reference(u: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    p = np.pad(u, 1)
    return (p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u).astype(u.dtype)


def plain_laplacian(u: Any) -> Any:
    p = jnp.pad(u, 1)
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u


laplacian = wgsl_kernel(
    "laplacian", """
        let row = i / u_shape[1];
        let column = i % u_shape[1];
        var sum = -4.0 * u[i];
        if (row > 0u) { sum += u[i - u_shape[1]]; }
        if (row + 1u < u_shape[0]) { sum += u[i + u_shape[1]]; }
        if (column > 0u) { sum += u[i - 1u]; }
        if (column + 1u < u_shape[1]) { sum += u[i + 1u]; }
        out[i] = sum;
    """, shape=lambda u: u, reference=laplacian_reference,
    transpose=lambda ct, u: laplacian(ct))      # symmetric


def _polar_vjp(primals: Any, out: Any, cts: Any) -> Any:
    x, y = primals
    radius, _ = out
    by_radius, by_angle = cts
    return (by_radius * x / radius - by_angle * y / radius ** 2, by_radius * y / radius + by_angle * x / radius ** 2)


polar = wgsl_kernel(
    "polar", """
        let length = sqrt_f32(x[i] * x[i] + y[i] * y[i]);
        radius[i] = length;
        angle[i] = atan2_f32(y[i], x[i]);
    """, shape=lambda x, y: (x, y), reference=lambda x, y: (np.hypot(x, y), np.arctan2(y, x)),
    outputs=("radius", "angle"), vjp=_polar_vjp)

# Positions modulo `period`, and how often the last one was passed: two integer results, one of another shape.
wrapped = wgsl_kernel(
    "wrapped", """
        rest[i] = n[i] % period;
        if (i == 0u) { turns[0] = n[n_size - 1u] / period; }
    """, shape=lambda n, *, period: (n, ShapedArray((), n.dtype)), outputs=("rest", "turns"),
    reference=lambda n, *, period: (n % n.dtype.type(period), (n.reshape(-1)[-1] // n.dtype.type(period))))

# One workgroup for each row: its sum, by a tree in workgroup memory.
row_sums = wgsl_kernel(
    "row_sums", """
var<workgroup> sums: array<f32, 32>;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var k = lane; k < x_shape[1]; k += 32u) { sum += x[group.x * x_shape[1] + k]; }
    sums[lane] = sum;
    for (var width = 16u; width > 0u; width /= 2u) {
        workgroupBarrier();
        if (lane < width) { sums[lane] += sums[lane + width]; }
    }
    if (lane == 0u) { out[group.x] = sums[0]; }
}
    """, shape=lambda x: ShapedArray(x.shape[:1], x.dtype), reference=lambda x: x.sum(1),
    grid=lambda x: x.shape[0], workgroup_size=32,
    transpose=lambda ct, x: jnp.broadcast_to(ct[:, None], x.aval.shape))

# Every row scaled by weights of its own length: operands of different ranks.
weighted = wgsl_kernel(
    "weighted", "out[i] = x[i] * w[i % w_size];", shape=lambda x, w: x, reference=lambda x, w: x * w,
    jvp=(lambda t, out, x, w: t * w, lambda t, out, x, w: x * t))

# Each invocation writes two elements, or one at the end; a function of the prelude's name is the user's own.
paired = wgsl_kernel(
    "paired", """
        for (var k = 2u * i; k < min(2u * i + 2u, x_size); k++) {
            out[k] = sign_f32(x[k]) * select(1.0, 2.0, doubled);    // x[k] /* as a comment */
        }
    """, header="fn sign_f32(x: f32) -> f32 { return select(-1.0, 1.0, x > 0.0); }", shape=lambda x, *, doubled: x,
    reference=lambda x, *, doubled: np.where(x > 0, 1, -1).astype(x.dtype) * (2 if doubled else 1),
    threads=lambda x, *, doubled: (x.size + 1) // 2)

# Tiles of 8 x 8, with every builtin that has to be adapted for batches.
turned = wgsl_kernel(
    "turned", """
var<workgroup> tile: array<array<f32, 9>, 8>;

@compute @workgroup_size(8, 8)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    if (id.y < x_shape[0] && id.x < x_shape[1]) { tile[local.y][local.x] = x[id.y * x_shape[1] + id.x]; }
    workgroupBarrier();
    let row = group.x * 8u + local.y;
    let column = group.y * 8u + local.x;
    if (row < x_shape[1] && column < x_shape[0]) {
        out[row * x_shape[0] + column] = tile[local.x][local.y] + f32(groups.x * groups.y * groups.z - 1u);
    }
}
    """, shape=lambda x: ShapedArray(x.shape[::-1], x.dtype),
    grid=lambda x: (-(-x.shape[1] // 8), -(-x.shape[0] // 8)),
    reference=lambda x: x.T + x.dtype.type(-(-x.shape[1] // 8) * -(-x.shape[0] // 8) - 1),
    jvp=lambda primals, out, tangents: tangents[0].T)


squared = wgsl_kernel("squared", "out[i] = mul_c64(z[i], z[i]);", shape=lambda z: z, reference=np.square,
                      jvp=lambda primals, out, tangents: 2 * primals[0] * tangents[0])
