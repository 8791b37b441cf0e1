"""Operations outside any trace: programs cached by type and bits, and tracebacks that show the user's frames."""
from __future__ import annotations

import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lantern
import lantern.numpy as jnp


def test_settings_are_told_apart_by_type_and_bits() -> None:
    """1, 1.0 and True are equal, and so are 0.0 and -0.0; what they make of an array is not."""
    x = jnp.arange(3)
    bounds: list[Any] = [1, 1.0, np.float32(1), 1]
    assert [str(jnp.clip(x, min=low).dtype) for low in bounds] == ["int32", "float32", "float32", "int32"]
    nothing = jnp.asarray([np.nan])
    signs = [bool(np.signbit(np.asarray(jnp.nan_to_num(nothing, nan=zero)))[0]) for zero in (0.0, -0.0, 0.0)]
    assert signs == [False, True, False]


WRONG: list[Callable[[Any], Any]] = [
    lambda x: x + jnp.ones(4), lambda x: x @ jnp.ones((4, 5)), lambda x: jnp.sum(x, axis=2),
    lambda x: jnp.where(x > 0, x, jnp.ones(4)), lambda x: operator.mul(x, "text"),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_tracebacks_are_short(wrong: Callable[[Any], Any]) -> None:
    """At most the operator and the boundary of ours stand behind the user's line, which the message names."""
    x = jnp.ones(3)
    with pytest.raises((TypeError, ValueError), match=r"at test_eager.py:\d+ in <lambda>") as caught:
        wrong(x)
    names = [Path(t.path).name for t in caught.traceback]
    assert len(names) - names.index("test_eager.py") <= 4, names


def test_full_tracebacks() -> None:
    """LANTERN_TRACEBACK=full keeps every frame."""
    lantern.config.update("traceback", "full")
    try:
        with pytest.raises(TypeError) as caught:
            jnp.ones(3) + jnp.ones(4)
    finally:
        lantern.config.update("traceback", "short")
    assert len(caught.traceback) > 4
