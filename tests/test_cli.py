"""`lantern doctor`: what it says with and without a GPU, and that it tells nobody's name."""
from __future__ import annotations

import getpass
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from lantern import cli, doctor
from lantern.backends.base import Backend, Device
from lantern.devices import CPU
from lantern.doctor import Check, as_json, as_text, check, cures, examine, private


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads the speeds here."""
    monkeypatch.setattr(doctor, "SECONDS", 0.0)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any adapter."""
    monkeypatch.setattr(doctor, "gpus", lambda: ())
    monkeypatch.setattr(doctor, "default_device_and_reason", lambda: (CPU, "no GPU adapter was found"))
    monkeypatch.setattr(doctor, "has_loader", lambda: False)
    monkeypatch.setattr(sys, "platform", "linux")


def test_doctor_runs_as_a_module() -> None:
    """`python -m lantern doctor` on this machine: it ends well, and its JSON is complete."""
    done = subprocess.run([sys.executable, "-m", "lantern", "doctor", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["healthy"] is True
    assert set(asdict(examine())) | {"healthy"} == set(report)
    assert [c["device"] for c in report["checks"]] == ["cpu:0", *[a["device"] for a in report["adapters"]]]
    for found in report["checks"]:
        assert 0 < found["max_error"] < doctor.TOLERANCE
        assert found["gflops"] > 0


def test_doctor_without_a_gpu(no_gpu: None, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 0, the CPU works, and the cure for the missing loader is named."""
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "Adapters  none" in said
    assert "Default   cpu:0 (CPU (NumPy)): no GPU adapter was found" in said
    assert "cpu:0   512x512  ok" in said
    assert "No Vulkan loader (libvulkan.so.1) was found. Install it: apt-get install libvulkan1" in said


def test_doctor_when_wgpu_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wgpu that does not load is reported, without the paths in its message, and the CPU is used."""
    def broken() -> tuple[Device, ...]:
        raise OSError("cannot load library '/home/lovelace/venv/libwgpu_native.so'")
    monkeypatch.setattr(doctor, "gpus", broken)
    report = examine()
    assert report.default_device == "cpu:0 (CPU (NumPy))"
    assert "cannot load library '<path>/libwgpu_native.so'" in report.cures[0]
    assert "lovelace" not in as_json(report)


def test_doctor_with_a_nonsense_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """LANTERN_DEVICE=nonsense is explained, not a traceback."""
    monkeypatch.setattr("lantern.config.flags.device", "nonsense")
    report = examine()
    assert "no device is called 'nonsense'" in report.cures[0]


def test_a_failing_device_is_reported() -> None:
    """Whatever a driver raises becomes a line of the report, and the exit status 1."""
    def fail() -> Backend:
        raise RuntimeError("device lost")
    found = check(Device("gpu", 0, "broken", "software", fail))
    assert found == Check("gpu:0", 512, None, None, "RuntimeError: device lost")


def test_a_wrong_device_is_ill(no_gpu: None, monkeypatch: pytest.MonkeyPatch,
                               capsys: pytest.CaptureFixture[str]) -> None:
    """A matrix product that is wrong makes the command fail."""
    wrong = Check("cpu:0", 512, 0.5, 1.0, "wrong: the error is 5.0e-01")
    monkeypatch.setattr(doctor, "check", lambda _: wrong)
    assert cli.main(["doctor"]) == 1
    assert "FAILED (wrong: the error is 5.0e-01)" in capsys.readouterr().out


@pytest.mark.parametrize(("system", "release", "kinds", "loader", "words"), [
    ("linux", "6.1", [], True, ["mesa-vulkan-drivers", "--gpus all"]),
    ("linux", "6.1", ["software"], True, ["Only a software adapter", "LANTERN_DEVICE=gpu"]),
    ("linux", "5.15-microsoft-standard-WSL2", [], True, ["This is WSL"]),
    ("win32", "11", [], True, ["Update the graphics driver"]),
    ("darwin", "25", ["hardware"], True, []),
])
def test_cures(system: str, release: str, kinds: list[str], loader: bool, words: list[str]) -> None:
    """Each machine gets its own advice."""
    said = " ".join(cures(system, release, kinds, loader))
    assert all(word in said for word in words)
    assert bool(said) == bool(words)


@pytest.mark.parametrize(("text", "expected"), [
    ("/home/ada/x.so is gone", "<path>/x.so is gone"),
    (r"C:\Users\ada\x.dll is gone", "<path>/x.dll is gone"),
    ("see https://example.org/a/b", "see https://example.org/a/b"),
    ("1/2 and a/b", "1/2 and a/b"),
])
def test_private(text: str, expected: str) -> None:
    """Absolute paths lose their folders."""
    assert private(text) == expected


def test_no_names_no_paths() -> None:
    """Neither the user's name nor their home is in the report."""
    report = examine()
    said = as_text(report) + as_json(report)
    assert str(Path.home()) + "/" not in said
    assert getpass.getuser() not in said.lower().split()
