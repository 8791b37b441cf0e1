"""scikit-learn's array API dispatch as a real consumer: estimators and metrics that compute on lantern's arrays."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("learning.py")
NUMBERS = {"mean_squared_error", "mean_absolute_error", "accuracy_score", "roc_auc_score"}


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What the program prints."""
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-W", "ignore", str(PROGRAM)], capture_output=True, text=True, cwd=root,
                          env={**os.environ, "PYTHONPATH": str(root), "SCIPY_ARRAY_API": "1"})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_estimators_and_metrics_agree(said: list[str]) -> None:
    """Arrays come back as lantern's, and the numbers are scikit-learn's own."""
    rows = [line.split() for line in said if not line.startswith("StandardScaler")]
    assert len(rows) == 15
    for name, kind, away in rows:
        assert kind == ("float" if name in NUMBERS else "DeviceArray"), name
        assert float(away) < 2e-4, (name, away)


def test_estimators_that_write_into_arrays_say_so(said: list[str]) -> None:
    """Arrays of lantern are immutable; scikit-learn's own line is named, and no number is wrong."""
    line = next(line for line in said if line.startswith("StandardScaler"))
    assert "is immutable: x[i] = v does not work, at" in line
