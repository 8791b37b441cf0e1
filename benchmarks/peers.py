"""The libraries beside lantern, where they are installed."""
from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import lantern
import lantern.numpy as jnp
from benchmarks.functions import Library
from lantern.backends.base import Device


def installed(name: str) -> bool:
    """Whether a package could be imported."""
    return importlib.util.find_spec(name) is not None


def lantern_on(device: Device) -> Library:
    """lantern, with arrays on `device`."""
    return Library(lantern, jnp, lambda x: lantern.device_put(x, device), lantern.block_until_ready)


def jax_on(platform: str) -> Library | None:
    """JAX on the same kind of device, or None."""
    if not installed("jax"):
        return None
    jax: Any = importlib.import_module("jax")
    try:
        device = jax.devices(platform)[0]
    except RuntimeError:
        return None
    numpy: Any = importlib.import_module("jax.numpy")
    return Library(jax, numpy, lambda x: jax.device_put(x, device), jax.block_until_ready)


@dataclass(frozen=True, slots=True)
class Torch:
    """PyTorch on one device."""

    torch: Any
    device: str
    wait: Callable[[Any], Any]

    def put(self, x: np.ndarray[Any, Any]) -> Any:
        """A tensor."""
        return self.torch.tensor(x, device=self.device)


def torch_on(platform: str) -> Torch | None:
    """PyTorch on the same kind of device, or None."""
    if not installed("torch"):
        return None
    torch: Any = importlib.import_module("torch")
    if platform == "cpu":
        return Torch(torch, "cpu", lambda _: None)
    return Torch(torch, "cuda", lambda _: torch.cuda.synchronize()) if torch.cuda.is_available() else None
