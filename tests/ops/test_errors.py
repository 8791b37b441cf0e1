"""Wrong arguments raise, and the message says what was wanted, what came, and where."""
from __future__ import annotations

import re

import numpy as np
import pytest

from lantern.jitted import jit
from tests.optable import ROWS
from tests.optable.table import Row, Wrong

CASES = [pytest.param(row, wrong, id=f"{name}-{k}") for name, row in ROWS.items() for k, wrong in enumerate(row.errors)]


@pytest.mark.parametrize(("row", "wrong"), CASES)
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
def test_errors(row: Row, wrong: Wrong, compiled: bool) -> None:
    arrays = [k for k, x in enumerate(wrong.args) if isinstance(x, np.ndarray)]

    def f(*chosen: object) -> object:
        args = list(wrong.args)
        for k, x in zip(arrays, chosen, strict=True):
            args[k] = x
        return row.function(*args, **wrong.params)

    with pytest.raises(wrong.error, match=wrong.pattern) as caught:
        (jit(f) if compiled else f)(*[wrong.args[k] for k in arrays])
    assert re.search(r", at \w+\.py:\d+ in [\w<]+", str(caught.value)), "the message names the user's line"
