"""These tests are about tracing, so they run on the judge, in double precision."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

import lantern
from lantern import config


@pytest.fixture(autouse=True)
def on_the_reference(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if "any_device" in request.keywords:
        yield
        return
    monkeypatch.setattr(config.flags, "enable_x64", True)
    with lantern.default_device("reference"):
        yield
