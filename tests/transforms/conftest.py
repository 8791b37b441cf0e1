"""Control flow under all transforms, on the judge, in double precision, with every checker on."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

import lantern
from lantern import config


@pytest.fixture(autouse=True)
def judged(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(config.flags, "check", True)
    if "device" in request.fixturenames:
        yield
        return
    monkeypatch.setattr(config.flags, "enable_x64", True)
    with lantern.default_device("reference"):
        yield
