"""The races: what lantern, NumPy, JAX and PyTorch each do for one row of the table."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks import functions
from benchmarks.functions import F32, Array, Library
from benchmarks.measure import Contender
from benchmarks.peers import Torch, jax_on, lantern_on, torch_on
from lantern.backends.base import Device


@dataclass(frozen=True, slots=True)
class Workload:
    """One row. The contender "copy", where there is one, moves as many bytes as must be moved: the floor."""

    name: str
    contenders: dict[str, Contender]
    flops: float = 0
    goal: str = ""


@dataclass(slots=True)
class Bench:
    """The libraries on one device."""

    device: Device
    lantern: Library = field(init=False)
    jax: Library | None = field(init=False)
    torch: Torch | None = field(init=False)

    def __post_init__(self) -> None:
        self.lantern = lantern_on(self.device)
        self.jax, self.torch = jax_on(self.device.platform), torch_on(self.device.platform)

    @property
    def on_cpu(self) -> bool:
        """Whether NumPy runs where lantern does."""
        return self.device.platform == "cpu"

    def jitted(self, make: Callable[[Any], Callable[..., Any]], *arrays: Array) -> dict[str, Contender]:
        """lantern and JAX: `make(their NumPy)`, compiled."""
        return {name: _jitted(lib, make(lib.numpy), arrays) for name, lib in self.libraries()}

    def compiled(self, lib: Library, f: Callable[..., Any], *arrays: Array) -> Contender:
        """A function of one library, compiled."""
        return _jitted(lib, f, arrays)

    def libraries(self) -> Iterator[tuple[str, Library]]:
        """lantern, and JAX if it is there."""
        yield "lantern", self.lantern
        if self.jax is not None:
            yield "jax", self.jax

    def in_torch(self, call: Callable[..., Any], *arrays: Array) -> dict[str, Contender]:
        """PyTorch, eager, if it is there."""
        if self.torch is None:
            return {}
        tensors = [self.torch.put(x) for x in arrays]
        return {"torch": Contender(lambda: call(*tensors), self.torch.wait)}

    def copy(self, x: Array) -> dict[str, Contender]:
        """Reading and writing as many bytes as x has: by NumPy on the CPU, elsewhere by PyTorch or a kernel of ours."""
        if self.on_cpu:
            out = np.empty_like(x)
            return {"copy": Contender(lambda: np.copyto(out, x))}
        if self.torch is not None:
            source = self.torch.put(x)
            target = self.torch.torch.empty_like(source)
            return {"copy": Contender(lambda: target.copy_(source), self.torch.wait)}
        return {"copy": _jitted(self.lantern, lambda v: -v, (x,))}


def _jitted(lib: Library, f: Callable[..., Any], arrays: tuple[Array, ...]) -> Contender:
    compiled, values = lib.package.jit(f), [lib.put(x) for x in arrays]
    return Contender(lambda: compiled(*values), lib.wait)


def tiny(b: Bench) -> Workload:
    """What a call costs that computes almost nothing."""
    x = np.ones(4, F32)
    contenders = b.jitted(lambda np_: lambda v: v + 1.0, x)
    contenders |= {"numpy": Contender(lambda: x + 1.0)} | b.in_torch(lambda v: v + 1.0, x)
    return Workload("x + 1 on 4 floats", contenders, goal="20 us" if b.on_cpu else "60 us of CPU")


def gelu(b: Bench, size: int) -> Workload:
    """A chain of elementwise operations."""
    x = np.random.default_rng(0).normal(size=size).astype(F32)
    contenders = b.jitted(functions.gelu, x)
    contenders |= {"numpy": Contender(functions.numpy_gelu(x))}
    if b.torch is not None:
        gelu_of = b.torch.torch.nn.functional.gelu
        contenders |= b.in_torch(lambda v: gelu_of(v, approximate="tanh"), x)
    goal = "80 % of copying" if size >= 1 << 26 and not b.on_cpu else ""
    return Workload(f"gelu chain, {_count(size)}", contenders | b.copy(x), goal=goal)


def softmax(b: Bench, rows: int, columns: int) -> Workload:
    """Two reductions and what is between them."""
    x = np.random.default_rng(0).normal(size=(rows, columns)).astype(F32)
    contenders = b.jitted(functions.softmax, x)
    contenders |= {"numpy": Contender(functions.numpy_softmax(x))}
    if b.torch is not None:
        softmax_of = b.torch.torch.softmax
        contenders |= b.in_torch(lambda v: softmax_of(v, -1), x)
    goal = "60 % of copying" if not b.on_cpu else ""
    return Workload(f"softmax [{rows}, {columns}]", contenders | b.copy(x), goal=goal)


def matmul(b: Bench, size: int) -> Workload:
    """Two square matrices."""
    random = np.random.default_rng(0)
    x, y = [random.normal(size=(size, size)).astype(F32) for _ in range(2)]
    out = np.empty_like(x)
    contenders = b.jitted(lambda np_: lambda u, v: u @ v, x, y)
    contenders |= {"numpy": Contender(lambda: np.matmul(x, y, out=out))} | b.in_torch(lambda u, v: u @ v, x, y)
    goal = "20 TFLOP/s on an H200" if size == 4096 and not b.on_cpu else ""
    return Workload(f"matmul {size}", contenders, 2.0 * size**3, goal)


def digits_step(b: Bench) -> Workload:
    """One training step of the network of the digits example, as one program."""
    params, x, y = functions.digits()
    contenders: dict[str, Contender] = {}
    for name, lib in b.libraries():
        contenders[name] = _training(lib, params, x, y)
    contenders["numpy"] = Contender(functions.numpy_sgd_step(params, x, y))
    if b.torch is not None:
        t = b.torch
        contenders["torch"] = Contender(functions.torch_sgd_step(t.torch, params, t.put(x), t.put(y), t.device), t.wait)
    return Workload("digits train step", contenders, goal="2 x numpy" if b.on_cpu else "")


def _training(lib: Library, params: functions.Params, x: Array, y: Array) -> Contender:
    """Each call takes the parameters that the last one gave."""
    step = lib.package.jit(functions.sgd_step(lib))
    state = [{k: lib.put(v) for k, v in params.items()}]
    images, labels = lib.put(x), lib.put(y)

    def call() -> Any:
        state[0], value = step(state[0], images, labels)
        return value
    return Contender(call, lib.wait)


def scan(b: Bench) -> Workload:
    """Many short steps, one after the other."""
    random = np.random.default_rng(0)
    start, xs = np.zeros(64, F32), random.normal(size=(functions.STEPS, 64)).astype(F32)
    contenders = {name: _jitted(lib, functions.scanned(lib), (start, xs)) for name, lib in b.libraries()}
    contenders["numpy"] = Contender(functions.numpy_scanned(start, xs))
    beyond = 3e-3 * functions.STEPS * functions.EQUATIONS
    goal = f"numpy + {beyond:.0f} ms" if b.on_cpu else "reads nothing back"
    return Workload("scan 1,000 steps", contenders, goal=goal)


def workloads(device: Device, quick: bool) -> Iterator[Callable[[], Workload]]:
    """The rows for a device, made one at a time: large arrays do not wait for their turn."""
    b = Bench(device)
    small = quick or device.kind == "software"
    yield lambda: tiny(b)
    for size in (1 << 10, 1 << 16, 1 << 20) + (() if small else (1 << 24,) if b.on_cpu else (1 << 26,)):
        yield lambda size=size: gelu(b, size)
    rows, columns = (512, 1024) if small else (4096, 1024) if b.on_cpu else (16384, 4096)
    yield lambda: softmax(b, rows, columns)
    for size in (64, 256) + (() if small else (1024,) if b.on_cpu else (1024, 4096)):
        yield lambda size=size: matmul(b, size)
    yield lambda: digits_step(b)
    yield lambda: scan(b)


def _count(size: int) -> str:
    """A power of two for people.

    >>> _count(1 << 16)
    '64 K'
    """
    return f"{size >> 20} M" if size >= 1 << 20 else f"{size >> 10} K"
