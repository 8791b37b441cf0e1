"""The devices that must agree."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

import lantern
from lantern import config


@pytest.fixture(params=["reference", "emulate", "cpu", "gpu"])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each device in turn, as the default one."""
    name: str = request.param
    if name == "gpu" and not lantern.devices("gpu"):
        assert not config.flags.require_adapter, "LANTERN_REQUIRE_ADAPTER is set and there is no GPU adapter"
        pytest.skip("no GPU adapter")
    with lantern.default_device(name):
        yield name
