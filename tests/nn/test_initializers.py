"""nn.initializers: shapes, dtypes, spreads of the numbers, errors."""
from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import lantern
from lantern.errors import ArgumentError, ShapeError
from lantern.nn import initializers
from lantern.random import key

SHAPE = (3, 3, 40, 60)      # kernel, inputs, outputs
IN, OUT = 360, 540
VARIANCES: dict[str, tuple[Any, float, float]] = {      # with the largest number there may be
    "uniform": (initializers.uniform(2.0), 4 / 12, 2),
    "normal": (initializers.normal(0.1), 0.01, math.inf),
    "truncated_normal": (initializers.truncated_normal(0.1), 0.01 * 0.87962566 ** 2, 0.2),
    "glorot_uniform": (initializers.glorot_uniform(), 2 / (IN + OUT), math.sqrt(6 / (IN + OUT))),
    "xavier_normal": (initializers.xavier_normal(), 2 / (IN + OUT), 2.274 * math.sqrt(2 / (IN + OUT))),
    "he_uniform": (initializers.he_uniform(), 2 / IN, math.sqrt(6 / IN)),
    "kaiming_normal": (initializers.kaiming_normal(), 2 / IN, 2.274 * math.sqrt(2 / IN)),
    "lecun_uniform": (initializers.lecun_uniform(), 1 / IN, math.sqrt(3 / IN)),
    "lecun_normal": (initializers.lecun_normal(), 1 / IN, 2.274 * math.sqrt(1 / IN)),
    "fan_out": (initializers.variance_scaling(3.0, "fan_out", "normal"), 3 / OUT, math.inf),
    "fan_geo_avg": (initializers.variance_scaling(1.0, "fan_geo_avg", "uniform"), 1 / math.sqrt(IN * OUT), math.inf),
    "batch": (initializers.variance_scaling(1.0, "fan_in", "normal", 2, 3, (0, 1)), 1 / 40, math.inf),
}


@pytest.mark.parametrize("name", VARIANCES)
def test_spreads(name: str) -> None:
    init, variance, largest = VARIANCES[name]
    found = np.asarray(init(key(1), SHAPE))
    assert (found.shape, found.dtype) == (SHAPE, np.float32)
    centre = 1.0 if name == "uniform" else 0.0
    assert abs(found.mean() - centre) < 5 * math.sqrt(variance / found.size)
    assert abs(found.var() / variance - 1) < 0.05
    assert np.abs(found).max() <= largest * (1 + 1e-6)
    np.testing.assert_allclose(lantern.jit(init, static_argnums=1)(key(1), SHAPE), found, rtol=1e-6)
    assert not np.array_equal(init(key(2), SHAPE), found)
    assert init(key(1), (1, 1, 4, 2), np.float16).dtype == np.float16


def test_constants() -> None:
    assert initializers.zeros(key(0), (2,)).tolist() == [0, 0]
    assert initializers.ones(key(0), (2,), np.int32).tolist() == [1, 1]
    assert initializers.constant(0.5, np.float16)(key(0), (1, 2)).dtype == np.float16
    assert initializers.constant(np.array([1.0, 2.0]))(key(0), (2, 2)).tolist() == [[1, 2], [1, 2]]
    assert initializers.he_normal()(key(0), (0, 3)).shape == (0, 3)


def test_orthogonal() -> None:
    for shape, axis in (((6, 4), -1), ((4, 6), -1), ((2, 5, 3), 1)):
        found = np.asarray(initializers.orthogonal(2.0, axis)(key(0), shape))
        assert found.shape == shape
        matrix = np.moveaxis(found, axis, -1).reshape(-1, shape[axis])
        small = matrix @ matrix.T if matrix.shape[0] < matrix.shape[1] else matrix.T @ matrix
        np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5)
    kernel = np.asarray(initializers.delta_orthogonal()(key(0), (3, 2, 4, 5)))
    np.testing.assert_allclose(kernel[1, 0] @ kernel[1, 0].T, np.eye(4), atol=1e-5)
    assert np.count_nonzero(kernel) == 20
    assert initializers.orthogonal()(key(0), (0, 3)).shape == (0, 3)
    with pytest.raises(ShapeError, match=r"initializers.orthogonal: wanted a shape of two axes or more .* got \(3,\)"):
        initializers.orthogonal()(key(0), (3,))
    with pytest.raises(ShapeError, match=r"initializers.delta_orthogonal: .* got \(3, 3, 4, 2\)"):
        initializers.delta_orthogonal()(key(0), (3, 3, 4, 2))


def test_errors() -> None:
    with pytest.raises(ArgumentError, match=r"variance_scaling: mode must be 'fan_in', .* got 'fan'"):
        initializers.variance_scaling(1.0, "fan", "normal")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"variance_scaling: distribution must be .* got 'cauchy'"):
        initializers.variance_scaling(1.0, "fan_in", "cauchy")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match=r"variance_scaling: in_axis -2, .* must be axes of the shape, got \(3,\)"):
        initializers.he_normal()(key(0), (3,))
    with pytest.raises(TypeError, match=r"initializers.normal: wanted a float dtype, got int32, at "):
        initializers.normal()(key(0), (3,), np.int32)
