"""The laws run on the reference, with every checker on, unless they say otherwise."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from lantern import config
from lantern.devices import default_device


@pytest.fixture(autouse=True)
def judged() -> Iterator[None]:
    """The reference as the default device, and checkers on."""
    before = config.flags.check
    config.flags.check = True
    try:
        with default_device("reference"):
            yield
    finally:
        config.flags.check = before
