"""What it costs before the first call: tracing, lowering and compiling the gradient of a network of fifty layers."""
from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import lantern
from benchmarks.functions import F32, Library, deep_loss
from benchmarks.measure import Timing
from benchmarks.peers import jax_on, lantern_on
from lantern.backends.base import Device

LAYERS = 50


def stage_times(device: Device, turns: int) -> dict[str, dict[str, Timing]]:
    """For each library the times of its stages, measured in turns; caches are emptied before each."""
    libraries: dict[str, Callable[[], dict[str, float]]] = {"lantern": _stages_of_lantern(device)}
    jax = jax_on(device.platform)
    if jax is not None:
        libraries["jax"] = _stages_of_jax(jax)
    found: dict[str, dict[str, list[float]]] = {name: {} for name in libraries}
    for _ in range(turns):
        for name, run in libraries.items():
            for stage, seconds in run().items():
                found[name].setdefault(stage, []).append(seconds)
    return {name: {stage: Timing(min(t), statistics.median(t)) for stage, t in stages.items()}
            for name, stages in found.items()}


def equations(device: Device) -> int:
    """How many equations the traced gradient has."""
    lib = lantern_on(device)
    return len(lantern.jit(_gradient(lib)).trace(*_arguments(lib)).jaxpr.eqns)


def _gradient(lib: Library) -> Callable[..., Any]:
    return lib.package.value_and_grad(deep_loss(lib.numpy))


def _arguments(lib: Library) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    layers = [(lib.put(random.normal(size=(32, 32)).astype(F32)), lib.put(np.zeros(32, F32))) for _ in range(LAYERS)]
    return layers, lib.put(np.ones((16, 32), F32))


def _stages_of_lantern(device: Device) -> Callable[[], dict[str, float]]:
    lib = lantern_on(device)
    arguments = _arguments(lib)

    def run() -> dict[str, float]:
        lantern.clear_caches()
        clock = _Clock()
        traced = lantern.jit(_gradient(lib)).trace(*arguments)
        clock.lap("trace and differentiate")
        lowered = traced.lower()
        clock.lap("lower")
        device.backend.compile(lowered.program)
        clock.lap("compile")
        return clock.laps
    return run


def _stages_of_jax(lib: Library) -> Callable[[], dict[str, float]]:
    arguments = _arguments(lib)

    def run() -> dict[str, float]:
        lib.package.clear_caches()
        clock = _Clock()
        traced = lib.package.jit(_gradient(lib)).trace(*arguments)
        clock.lap("trace and differentiate")
        lowered = traced.lower()
        clock.lap("lower")
        lowered.compile()
        clock.lap("compile")
        return clock.laps
    return run


class _Clock:
    """Seconds from one lap to the next."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.last = time.perf_counter()

    def lap(self, name: str) -> None:
        """The end of one stage."""
        now = time.perf_counter()
        self.laps[name], self.last = now - self.last, now
