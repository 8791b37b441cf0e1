"""The examples keep their promises: they learn, alike on each device, and say what a newcomer should read."""
from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import lantern
from lantern.examples import digits

FIRST = 10


@pytest.fixture(scope="module")
def cpu() -> digits.Result:
    """The quick run on the CPU."""
    with lantern.default_device("cpu"):
        return digits.train(digits.load(), seed=0, steps=digits.QUICK_STEPS)


def test_the_digits_are_learnt(cpu: digits.Result) -> None:
    """At least 96 % of 360 test images; a thousand steps do not forget it."""
    assert len(cpu.losses) == digits.QUICK_STEPS
    assert cpu.accuracy >= 0.96
    with lantern.default_device("cpu"):
        assert digits.train(digits.load(), seed=1).accuracy >= 0.96


def test_the_same_seed_gives_the_same_run(cpu: digits.Result) -> None:
    """Bit for bit, on the same device."""
    with lantern.default_device("cpu"):
        again = digits.train(digits.load(), seed=0, steps=FIRST)
        other = digits.train(digits.load(), seed=1, steps=FIRST)
    assert again.losses == cpu.losses[:FIRST]
    assert other.losses != again.losses


@pytest.mark.usefixtures("gpu")
def test_the_gpu_agrees(cpu: digits.Result) -> None:
    """Accuracy within 1 %, the first ten losses within 1e-4."""
    with lantern.default_device("gpu"):
        gpu = digits.train(digits.load(), seed=0, steps=digits.QUICK_STEPS)
    np.testing.assert_allclose(gpu.losses[:FIRST], cpu.losses[:FIRST], rtol=1e-4)
    assert abs(gpu.accuracy - cpu.accuracy) <= 0.01


def test_the_update_compiles_once() -> None:
    """All steps use one program."""
    with lantern.default_device("cpu"):
        before = digits.update.n_compiles
        digits.train(digits.load(), seed=3, steps=5)
        assert digits.update.n_compiles - before <= 1


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Device and reason, progress, accuracy, confusion, a mistake as a picture, what next."""
    assert digits.main(["--quick", "--device", "cpu", "--seed", "2"]) == 0
    said = capsys.readouterr().out
    assert "device     cpu:0: CPU (NumPy) (asked for with --device)" in said
    assert "1,797 images of 8x8: 1,437 to learn from, 360 to test on" in said
    assert said.count("\nstep ") == 20
    assert "accuracy   9" in said
    assert "    0 | " in said
    assert "it got wrong: a " in said
    assert "@" in said
    assert "What to try next" in said


def test_the_default_device_and_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --device the choice is explained."""
    with lantern.default_device("cpu"):
        assert digits.main(["--steps", "1"]) == 0
    assert "(chosen by lantern.default_device(...))" in capsys.readouterr().out


@pytest.mark.parametrize(("arguments", "status", "words"), [
    (["--steps", "0"], 2, "--steps must be at least 1, got 0"),
    (["--device", "tpu"], 2, "invalid choice: 'tpu'"),
])
def test_bad_options(arguments: list[str], status: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong, and the exit status of a usage error."""
    try:
        assert digits.main(arguments) == status
    except SystemExit as end:
        assert end.code == status
    assert words in capsys.readouterr().err


def test_without_scikit_learn() -> None:
    """The exact pip line, and no traceback."""
    statement = ("import sys; sys.modules['sklearn'] = None; from lantern.examples.digits import main; "
                 "raise SystemExit(main(['--quick', '--device', 'cpu']))")
    done = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'python -m pip install "lantern-jit[examples]"' in done.stderr
    assert "Traceback" not in done.stderr
