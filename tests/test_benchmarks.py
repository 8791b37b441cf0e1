"""The benchmarks run: every row on the CPU, without the peers and with very short turns."""
from __future__ import annotations

import numpy as np
import pytest

import benchmarks.__main__ as command
from benchmarks import functions, measure, peers, vocabulary, workloads
from lantern.devices import CPU


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "installed", lambda _: False)
    monkeypatch.setattr(measure, "BATCH_SECONDS", 1e-4)


def test_a_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["--device", "cpu", "--quick", "--only", "floats"])
    head, row = capsys.readouterr().out.strip().splitlines()[-2:]
    assert "/ numpy" in head and row.startswith("x + 1 on 4 floats") and row.endswith("20 us")


def test_every_row_computes_what_numpy_computes() -> None:
    rows = [*workloads.workloads(CPU, quick=True), *vocabulary.vocabulary(workloads.Bench(CPU), small=True)]
    for make in rows:
        row = make()
        own, hand = [np.asarray(row.contenders[name].call()) for name in ("lantern", "numpy")]
        np.testing.assert_allclose(own, hand, 2e-5, 2e-5, err_msg=row.name)


def test_the_step_trains() -> None:
    params, x, y = functions.digits()
    step = functions.numpy_sgd_step(params, x, y)
    first = step()
    assert step() < first
