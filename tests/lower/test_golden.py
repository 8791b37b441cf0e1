"""The texts of lowered programs."""
from __future__ import annotations

from collections.abc import Callable

from tests.lower.helpers import CPU, GPU, f32, lower
from tests.lower.test_fuse import dense, gelu, layernorm, softmax

Golden = Callable[[str, str], None]


def test_softmax(golden: Golden) -> None:
    golden("lower/softmax.txt", lower(softmax, f32(4, 6)).text("fused") + "\n")


def test_gelu(golden: Golden) -> None:
    golden("lower/gelu.txt", lower(gelu, f32(4, 6), donated=[0]).text("scheduled") + "\n")


def test_layernorm(golden: Golden) -> None:
    golden("lower/layernorm.txt", lower(layernorm, f32(4, 6), f32(6), f32(6)).text("fused") + "\n")


def test_two_dense_layers(golden: Golden) -> None:
    avals = [f32(8, 4), f32(4, 5), f32(5), f32(5, 3), f32(3)]
    lowering = lower(lambda x, w, b, v, c: dense(dense(x, w, b), v, c), *avals, target=GPU)
    golden("lower/dense.txt", "\n\n".join([f"-- {name}\n{lowering.text(name)}" for name in lowering.stages]) + "\n")


def test_texts_do_not_change_between_runs() -> None:
    assert lower(softmax, f32(4, 6)).text("fused") == lower(softmax, f32(4, 6), target=CPU).text("fused")
