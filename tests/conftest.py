"""What all tests share: the devices that must agree, and texts that are compared with files."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lantern
from lantern import config

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the texts of tests/golden anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden("wgsl/softmax.txt", text)` compares a text with its file; `pytest --update-golden` writes the file."""
    update = bool(request.config.getoption("--update-golden"))

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        assert path.exists(), f"there is no tests/golden/{name}; run pytest --update-golden, then read what it wrote"
        assert text == path.read_text("utf-8"), f"tests/golden/{name} differs; if it should, run pytest --update-golden"

    return compare


def need_gpu() -> None:
    """Skip without an adapter; fail where one was promised."""
    if not lantern.devices("gpu"):
        assert not config.flags.require_adapter, "LANTERN_REQUIRE_ADAPTER is set and there is no GPU adapter"
        pytest.skip("no GPU adapter")


@pytest.fixture
def gpu() -> None:
    """The test needs a GPU adapter."""
    need_gpu()


@pytest.fixture(params=["reference", "emulate", "cpu", "gpu"])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each device in turn, as the default one."""
    name: str = request.param
    if name == "gpu":
        need_gpu()
    with lantern.default_device(name):
        yield name
