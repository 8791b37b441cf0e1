"""These tests run on the CPU device; tests/semantics and tests/device compare devices."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

import lantern


@pytest.fixture(autouse=True)
def on_cpu() -> Iterator[None]:
    """The CPU is the default device."""
    with lantern.default_device("cpu"):
        yield
