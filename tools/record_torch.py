"""Records what PyTorch computes for convolutions, pooling and attention, forward and backward: tests/data/torch.npz.

    python -m tools.record_torch

needs PyTorch; the tests (tests/nn/test_torch.py) need only the file. Each case has inputs, the result, a random
cotangent and the gradients of the inputs. Numbers are f32 and come from a fixed seed.
"""
from __future__ import annotations

import importlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).parents[1] / "tests" / "data" / "torch.npz"


@dataclass(frozen=True, slots=True)
class Case:
    """A function of torch.nn.functional, the shapes of its inputs, and its settings."""

    function: str
    shapes: tuple[tuple[int, ...], ...]
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


CASES: dict[str, Case] = {
    "conv1d": Case("conv1d", ((2, 3, 9), (4, 3, 3)), {"stride": (2,), "padding": (1,)}),
    "conv2d": Case("conv2d", ((2, 3, 7, 8), (4, 3, 3, 3)), {"padding": (1, 1)}),
    "conv2d_strided": Case("conv2d", ((2, 4, 9, 8), (6, 4, 3, 2)), {"stride": (2, 3), "padding": (1, 0)}),
    "conv2d_dilated": Case("conv2d", ((1, 2, 9, 9), (3, 2, 3, 3)), {"padding": (2, 1), "dilation": (2, 3)}),
    "conv2d_groups": Case("conv2d", ((2, 6, 5, 5), (4, 3, 3, 3)), {"padding": (1, 1), "groups": 2}),
    "conv2d_depthwise": Case("conv2d", ((2, 8, 6, 6), (8, 1, 3, 3)),
                             {"stride": (2, 2), "padding": (1, 1), "groups": 8}),
    "conv2d_tiled": Case("conv2d", ((2, 8, 10, 10), (16, 8, 3, 3)), {"padding": (1, 1)}),
    "conv3d": Case("conv3d", ((1, 2, 4, 5, 4), (3, 2, 2, 3, 2)), {"stride": (1, 2, 1), "padding": (1, 0, 1)}),
    "conv_transpose2d": Case("conv_transpose2d", ((2, 4, 5, 4), (4, 3, 3, 3)), {"stride": (2, 2), "padding": (1, 1)}),
    "max_pool2d": Case("max_pool2d", ((2, 3, 8, 8),), {"kernel_size": (2, 2), "stride": (2, 2)}),
    "max_pool2d_overlapping": Case("max_pool2d", ((2, 3, 9, 7),),
                                   {"kernel_size": (3, 3), "stride": (2, 1), "padding": (1, 1)}),
    "max_pool2d_equal": Case("max_pool2d", ((1, 2, 6, 6),), {"kernel_size": (3, 2), "stride": (2, 2)}),
    "avg_pool2d": Case("avg_pool2d", ((2, 3, 8, 7),), {"kernel_size": (3, 2), "stride": (2, 2), "padding": (1, 1)}),
    "avg_pool2d_inside": Case("avg_pool2d", ((2, 3, 8, 7),), {"kernel_size": (3, 3), "stride": (2, 2),
                                                              "padding": (1, 1), "count_include_pad": False}),
    "attention": Case("scaled_dot_product_attention", ((2, 3, 5, 8), (2, 3, 6, 8), (2, 3, 6, 8))),
    "attention_causal": Case("scaled_dot_product_attention", ((1, 2, 7, 4), (1, 2, 7, 4), (1, 2, 7, 4)),
                             {"is_causal": True, "scale": 0.3}),
    "attention_groups": Case("scaled_dot_product_attention", ((2, 4, 5, 8), (2, 2, 5, 8), (2, 2, 5, 8)),
                             {"enable_gqa": True}),
}


def inputs(name: str) -> list[np.ndarray[Any, Any]]:
    """The inputs of a case: normal numbers, in the case of equal ones rounded."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    found = [random.standard_normal(shape).astype(np.float32) for shape in CASES[name].shapes]
    return [np.round(x) for x in found] if name.endswith("equal") else found


def record() -> dict[str, np.ndarray[Any, Any]]:
    """All arrays by name: `case/input0`, `case/gradient0`, ..., `case/result`, `case/cotangent`."""
    torch = importlib.import_module("torch")
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for name, case in CASES.items():
        given = inputs(name)
        leaves = [torch.tensor(x, requires_grad=True) for x in given]
        result = getattr(torch.nn.functional, case.function)(*leaves, **case.settings)
        random = np.random.default_rng(zlib.crc32(name.encode()) + 1)
        cotangent: np.ndarray[Any, Any] = random.standard_normal(tuple(result.shape)).astype(np.float32)
        result.backward(torch.tensor(cotangent))
        arrays |= {f"{name}/result": result.detach().numpy(), f"{name}/cotangent": cotangent}
        arrays |= {f"{name}/input{k}": x for k, x in enumerate(given)}
        arrays |= {f"{name}/gradient{k}": x.grad.numpy() for k, x in enumerate(leaves)}
    return arrays


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, **record())       # pyright: ignore[reportArgumentType]
    print(f"written: {FILE.name}, {FILE.stat().st_size} bytes, {len(CASES)} cases")
