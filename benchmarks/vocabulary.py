"""More races: convolution, attention, Fourier transform, Cholesky factor, sorting."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.functions import F32, Array
from benchmarks.measure import Contender
from benchmarks.workloads import Bench, Workload


def conv(b: Bench, batch: int, size: int, channels: int) -> Workload:
    """A layer of a residual network: 3x3 windows, as many channels out as in, channels last."""
    random = np.random.default_rng(0)
    x = random.normal(size=(batch, size, size, channels)).astype(F32)
    w = random.normal(size=(3, 3, channels, channels)).astype(F32)
    layout = ("NHWC", "HWIO", "NHWC")
    contenders = {name: b.compiled(lib, lambda u, v, lib=lib: lib.package.lax.conv_general_dilated(
        u, v, (1, 1), "SAME", dimension_numbers=layout), x, w) for name, lib in b.libraries()}
    contenders["numpy"] = Contender(lambda: _numpy_conv(x, w))
    if b.torch is not None:
        conv_of, weights = b.torch.torch.nn.functional.conv2d, np.ascontiguousarray(w.transpose(3, 2, 0, 1))
        contenders |= b.in_torch(lambda u, v: conv_of(u.permute(0, 3, 1, 2), v, padding=1), x, weights)
    return Workload(f"conv 3x3, {batch}x{size}x{size}x{channels}", contenders, 2.0 * x.size * 9 * channels)


def _numpy_conv(x: Array, w: Array) -> Array:
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2)).transpose(0, 1, 2, 4, 5, 3)
    return windows.reshape(*x.shape[:3], -1) @ w.reshape(-1, w.shape[-1])


def attention(b: Bench, heads: int, length: int, size: int) -> Workload:
    """One head after the other: softmax(q k) v."""
    random = np.random.default_rng(0)
    q, k, v = [random.normal(size=(heads, length, size)).astype(F32) for _ in range(3)]
    scale = size**-0.5

    def make(np_: Any) -> Callable[..., Any]:
        def attend(q: Any, k: Any, v: Any) -> Any:
            scores = np_.matmul(q, np_.swapaxes(k, 1, 2)) * scale
            weights = np_.exp(scores - scores.max(-1, keepdims=True))
            return np_.matmul(weights / weights.sum(-1, keepdims=True), v)
        return attend

    contenders = b.jitted(make, q, k, v) | {"numpy": Contender(lambda: make(np)(q, k, v))}
    if b.torch is not None:
        attend = b.torch.torch.nn.functional.scaled_dot_product_attention
        contenders |= b.in_torch(lambda q, k, v: attend(q[None], k[None], v[None])[0], q, k, v)
    return Workload(f"attention {heads}x{length}x{size}", contenders, 4.0 * heads * length**2 * size)


def fft(b: Bench, rows: int, size: int) -> Workload:
    """Complex numbers, along the rows."""
    random = np.random.default_rng(0)
    x = (random.normal(size=(rows, size)) + 1j * random.normal(size=(rows, size))).astype(np.complex64)
    contenders = b.jitted(lambda np_: np_.fft.fft, x) | {"numpy": Contender(lambda: np.fft.fft(x))}
    if b.torch is not None:
        contenders |= b.in_torch(b.torch.torch.fft.fft, x)
    return Workload(f"fft {rows}x{size}", contenders | b.copy(x))


def cholesky(b: Bench, size: int) -> Workload:
    """A positive definite matrix."""
    a = np.random.default_rng(0).normal(size=(size, size))
    x = (a @ a.T / size + np.eye(size)).astype(F32)
    contenders = b.jitted(lambda np_: np_.linalg.cholesky, x) | {"numpy": Contender(lambda: np.linalg.cholesky(x))}
    if b.torch is not None:
        contenders |= b.in_torch(b.torch.torch.linalg.cholesky, x)
    return Workload(f"cholesky {size}", contenders, size**3 / 3)


def sort(b: Bench, size: int) -> Workload:
    """Random numbers."""
    x = np.random.default_rng(0).normal(size=size).astype(F32)
    contenders = b.jitted(lambda np_: np_.sort, x) | {"numpy": Contender(lambda: np.sort(x))}
    if b.torch is not None:
        contenders |= b.in_torch(lambda v: b.torch.torch.sort(v)[0], x)     # pyright: ignore[reportOptionalMemberAccess]
    return Workload(f"sort {size >> 10} K", contenders)


def vocabulary(b: Bench, small: bool) -> Iterator[Callable[[], Workload]]:
    """The rows, made one at a time."""
    yield lambda: conv(b, *((2, 16, 16) if small else (8, 32, 64) if b.on_cpu else (32, 64, 128)))
    yield lambda: attention(b, *((2, 64, 32) if small else (8, 512, 64) if b.on_cpu else (64, 1024, 64)))
    yield lambda: fft(b, *((16, 256) if small else (256, 1024) if b.on_cpu else (4096, 1024)))
    yield lambda: cholesky(b, 64 if small else 512 if b.on_cpu else 1024)
    yield lambda: sort(b, 1 << (12 if small else 18 if b.on_cpu else 20))
