"""Convolutions, pooling and attention against recorded values of PyTorch, forward and backward, on the CPU and a GPU.

`python -m tools.record_torch` makes the record."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

import lantern
from lantern import lax, nn
from tests.conftest import need_gpu
from tools.record_torch import CASES, FILE

RECORD: Mapping[str, Any] = dict(np.load(FILE))
SPATIAL = "DHW"


def pairs(padding: Sequence[int]) -> list[tuple[int, int]]:
    """As many zeros before as behind."""
    return [(p, p) for p in padding]


def convolved(x: Any, w: Any, last: bool, stride: Any = None, padding: Any = None, dilation: Any = None,
              groups: int = 1) -> Any:
    """In PyTorch's layout; or, if features are to be last, in the layout of Flax."""
    count = x.ndim - 2
    space = SPATIAL[-count:]
    zeros = pairs(padding or (0,) * count)
    if not last:
        numbers = (f"NC{space}", f"OI{space}", f"NC{space}")
        return lax.conv_general_dilated(x, w, stride or (1,) * count, zeros, rhs_dilation=dilation,
                                        dimension_numbers=numbers, feature_group_count=groups)
    numbers = (f"N{space}C", f"{space}IO", f"N{space}C")
    order, back = (0, *range(2, x.ndim), 1), (0, x.ndim - 1, *range(1, x.ndim - 1))
    found = lax.conv_general_dilated(lax.transpose(x, order), lax.transpose(w, (*range(2, x.ndim), 1, 0)),
                                     stride or (1,) * count, zeros, rhs_dilation=dilation, dimension_numbers=numbers,
                                     feature_group_count=groups)
    return lax.transpose(found, back)


def conv_transposed(x: Any, w: Any, stride: Any, padding: Any) -> Any:
    """The gradient of a convolution with this kernel."""
    return lax.conv_transpose(x, w, stride, pairs(padding), dimension_numbers=("NCHW", "OIHW", "NCHW"),
                              transpose_kernel=True, use_consistent_padding=True)


def pooled(function: Any, x: Any, kernel_size: Any, stride: Any, padding: Any = (0, 0), **settings: Any) -> Any:
    """Features are last here."""
    found = function(lax.transpose(x, (0, 2, 3, 1)), kernel_size, stride, pairs(padding), **settings)
    return lax.transpose(found, (0, 3, 1, 2))


def attended(q: Any, k: Any, v: Any, enable_gqa: bool = False, **settings: Any) -> Any:
    """Heads stand before positions in PyTorch."""
    q, k, v = [lax.transpose(x, (0, 2, 1, 3)) for x in (q, k, v)]
    return lax.transpose(nn.dot_product_attention(q, k, v, **settings), (0, 2, 1, 3))


def run(name: str, last: bool, *xs: Any) -> Any:
    """Our result of a case."""
    case = CASES[name]
    match case.function:
        case "conv_transpose2d":
            return conv_transposed(*xs, **case.settings)
        case "max_pool2d":
            return pooled(nn.max_pool, *xs, **case.settings)
        case "avg_pool2d":
            return pooled(nn.avg_pool, *xs, **case.settings)
        case "scaled_dot_product_attention":
            return attended(*xs, **case.settings)
        case _:
            return convolved(*xs, last, **case.settings)


LAYOUTS = [(name, last) for name in CASES for last in ((False, True) if name.startswith("conv") else (False,))
           if not (last and name == "conv_transpose2d")]


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize(("name", "last"), LAYOUTS)
def test_values_and_gradients(name: str, last: bool, device: str) -> None:
    if device == "gpu":
        need_gpu()
    xs = [RECORD[f"{name}/input{k}"] for k in range(len(CASES[name].shapes))]
    cotangent = RECORD[f"{name}/cotangent"]
    with lantern.default_device(device):
        @lantern.jit
        def both(cotangent: Any, *xs: Any) -> Any:
            found, back = lantern.vjp(lambda *xs: run(name, last, *xs), *xs)
            return found, back(cotangent)

        found, slopes = both(cotangent, *xs)
        close(found, RECORD[f"{name}/result"])
        for k, slope in enumerate(slopes):
            close(slope, RECORD[f"{name}/gradient{k}"])


def close(got: Any, want: np.ndarray[Any, Any]) -> None:
    """Within 1e-5 of the largest."""
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5 * max(1.0, float(np.abs(want).max())))
