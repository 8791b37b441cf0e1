"""The gallery of examples: each is right by its own checks, the same on both backends, and says what it found."""
from __future__ import annotations

import functools
import importlib
import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lantern
from lantern.errors import TransferWarning
from lantern.examples import physics
from lantern.examples.command import CheckError, check, command
from tests.conftest import need_gpu

# What two devices must agree on, and within which relative and absolute error. Training amplifies the last bits, so
# only its first steps are compared; what it comes to is bounded by the examples' own checks.
AGREE: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "char_rnn": (lambda r: r.losses[:20], 1e-3, 0),
    "compression": (lambda r: [*r.compressed[1].reshape(-1), *r.errors, r.digits_error], 1e-3, 1e-3),
    "gaussian_process": (lambda r: [*r.likelihoods[:20], *r.mean], 1e-2, 1e-2),
    "heat": (lambda r: [*r.spread.reshape(-1), *r.found.reshape(-1), *r.costs], 1e-3, 1e-3),
    "hmc": (lambda r: r.first[:, :3].reshape(-1), 1e-2, 1e-3),
    "kalman": (lambda r: [*r.parallel, *r.sequential, *r.gradients], 1e-4, 1e-4),
    "kmeans": (lambda r: r.distances, 1e-2, 0),
    "maml": (lambda r: r.losses[:20], 1e-3, 0),
    "nbody": (lambda r: [*r.orbit.reshape(-1), *r.energies], 1e-3, 1e-3),
    "neural_ode": (lambda r: r.losses[:50], 1e-3, 0),
    "physics": (lambda r: [*r.gradient, *r.throw], 1e-3, 0),
    "wgsl_op": (lambda r: [*r.losses[:20], *r.plain_losses[:20]], 1e-3, 0),
}


@functools.cache
def result(name: str, device: str) -> Any:
    """The quick run; its own checks raise CheckError."""
    with lantern.default_device(device), warnings.catch_warnings():
        warnings.simplefilter("ignore", TransferWarning)    # compression on a GPU: svd and eigh
        return importlib.import_module(f"lantern.examples.{name}").run(quick=True, seed=0)


@pytest.mark.parametrize("name", AGREE)
def test_it_is_right_by_its_own_checks(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    result.cache_clear()
    result(name, "cpu")
    assert "check      " in capsys.readouterr().out


@pytest.mark.parametrize("name", AGREE)
def test_both_backends_agree(name: str) -> None:
    need_gpu()
    of, relative, absolute = AGREE[name]
    np.testing.assert_allclose(of(result(name, "gpu")), of(result(name, "cpu")), rtol=relative, atol=absolute)


def different(one: Any, other: Any) -> bool:
    """Whether any field is another one."""
    return any(not np.array_equal(np.asarray(x), np.asarray(y)) for x, y in zip(one, other, strict=True))


@pytest.mark.parametrize("name", ["physics", "kalman", "nbody", "heat", "gaussian_process"])
def test_a_seed_decides(name: str) -> None:
    """Bit for bit on one device, and another seed gives something else."""
    of = AGREE[name][0]
    first = of(result(name, "cpu"))
    with lantern.default_device("cpu"):
        module = importlib.import_module(f"lantern.examples.{name}")
        again, other = module.run(quick=True, seed=0), module.run(quick=True, seed=1)
    np.testing.assert_array_equal(of(again), first)
    assert different(again, other)


def test_what_physics_found() -> None:
    """The gradient through `if` and `while`, and a throw that bounces into the basket."""
    found = result("physics", "cpu")
    assert physics.relative(found.gradient, found.differences) < 1e-3
    with lantern.default_device("cpu"):
        ball, bounces, hit = physics.simulate(lantern.numpy.array(found.throw))
    assert (bounces, hit) == (2, False)
    np.testing.assert_allclose([float(ball.x), float(ball.y)], physics.BASKET, atol=0.05)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Device and reason, the checks, the time."""
    assert physics.main(["--quick", "--device", "cpu", "--seed", "3"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("device     cpu:0: CPU (NumPy) (asked for with --device)")
    assert said.count("\ncheck      ") == 2
    assert "\ntime       " in said


def test_a_failed_check_is_an_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    def run(quick: bool, seed: int) -> None:
        check("error", 2.0 if quick else float("nan"), at_most=1.0)

    assert command("name", "Title.\n", run, ["--quick", "--device", "cpu"]) == 1
    assert "error: 2 should be at most 1" in capsys.readouterr().err
    assert command("name", "Title.\n", run, ["--device", "cpu"]) == 1
    with pytest.raises(CheckError):
        run(True, 0)
    with pytest.raises(SystemExit):
        command("name", "Title.\n", run, ["--device", "tpu"])


@pytest.mark.parametrize("name", ["compression", "gaussian_process", "heat", "kmeans"])
def test_pictures(name: str) -> None:
    """Bytes, in grey or in three colours, with light and dark."""
    drawn = importlib.import_module(f"lantern.examples.{name}").picture(result(name, "cpu"))
    assert drawn.dtype == np.uint8
    assert drawn.ndim == 2 or drawn.shape[2] == 3
    assert min(drawn.shape[:2]) >= 64 and np.ptp(drawn) > 128


def test_a_picture_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With Pillow a PNG; without it the line that installs it."""
    path = tmp_path / "plates.png"
    heat = importlib.import_module("lantern.examples.heat")
    status = heat.main(["--quick", "--device", "cpu", "--out", str(path)])
    if importlib.util.find_spec("PIL") is None:
        assert status == 1
        assert 'pip install "lantern-jit[examples]"' in capsys.readouterr().err
    else:
        assert status == 0
        assert path.read_bytes().startswith(b"\x89PNG")
