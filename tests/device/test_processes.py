"""A device and the rest of its process: threads that meet at its opening, Ctrl-C amid a recording."""
from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from lantern.backends.wgpu import WgpuBackend
from lantern.backends.wgpu.interrupts import Deferred, hear
from lantern.backends.wgpu.memory import Pool
from lantern.backends.wgpu.native import wgpu
from lantern.errors import DeviceError
from tests.device.kernels import f32, product, program

FIRST_USE = """
import threading
import numpy as np
import lantern
f = lantern.jit(lambda x: x * 2)
x, results, start = np.ones(3, np.float32), [], threading.Barrier(8)
def work():
    start.wait()
    results.append(f(f(x)))
threads = [threading.Thread(target=work) for _ in range(8)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert [r.tolist() for r in results] == [[4, 4, 4]] * 8, results
assert len({id(r.device.backend) for r in results}) == 1
assert sum(results[1:], results[0]).tolist() == [32, 32, 32]
"""


def test_threads_that_use_the_device_first(backend: WgpuBackend) -> None:
    """The first use of a device by many at once opens it once."""
    environment = {**os.environ, "LANTERN_DEVICE": "gpu"}
    found = subprocess.run([sys.executable, "-c", FIRST_USE], env=environment, capture_output=True, text=True,
                           timeout=120, check=False)
    assert found.returncode == 0, found.stderr


class Full:
    """A device without memory."""

    def create_buffer(self, size: int, usage: int) -> Any:
        raise wgpu.GPUOutOfMemoryError("no memory left")

    def submit(self) -> None:
        pass

    def wait(self) -> None:
        pass


def test_a_lack_of_memory_names_the_line() -> None:
    pool: Any = Pool(Full(), 1 << 30, lambda gone: None)     # type: ignore[arg-type]
    pattern = r"no room for 1024 more bytes \(0 bytes are in use\), at test_processes.py:\d+ in test_a_lack"
    with pytest.raises(DeviceError, match=pattern):
        pool.take(1000)


def test_interruptions_are_deferred() -> None:
    """Nothing happens inside a block, or in one inside it, until it is heard or the block ends; then once."""
    handler = signal.getsignal(signal.SIGINT)
    reached: list[int] = []
    with pytest.raises(KeyboardInterrupt), Deferred():
        with Deferred():
            _thread.interrupt_main()
            reached.append(1)
        reached.append(2)
    assert reached == [1, 2]
    with Deferred():
        _thread.interrupt_main()
        with pytest.raises(KeyboardInterrupt):
            hear()
    with Deferred():
        hear()
    assert signal.getsignal(signal.SIGINT) is handler


def test_dropping_an_array_runs_no_python(backend: WgpuBackend) -> None:
    """Python drops an interruption that comes in a finalizer, so there is none; the memory comes back."""
    x = backend.write(np.ones(3, np.float32))
    live, calls = backend.pool.live, list[str]()
    sys.setprofile(lambda frame, event, _: calls.append(frame.f_code.co_name) if event == "call" else None)
    del x
    sys.setprofile(None)
    assert calls == []
    backend.pool.collect()
    assert backend.pool.live < live


def test_an_interrupted_wait_loses_no_commands(backend: WgpuBackend) -> None:
    """What was recorded before Ctrl-C is computed, and what comes after it, too."""
    executable = backend.compile(program(product(1, 64, 64, 64)))
    x = backend.write(np.full((1, 64, 64), 1 / 64, np.float32))
    for _ in range(20):
        before = executable([x, x])[0]
        with pytest.raises(KeyboardInterrupt), Deferred():
            _thread.interrupt_main()
            backend.read(before, f32(1, 64, 64))
        after = executable([x, before])[0]
        for found in (before, after):
            np.testing.assert_allclose(backend.read(found, f32(1, 64, 64)), 1 / 64, rtol=1e-6)
