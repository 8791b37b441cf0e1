"""Records what jax.random draws, for tests/random: `python -m tools.record_samplers` writes tests/data/samplers.npz.

JAX is needed here only. The values are those of JAX 0.10.2 on a CPU.
"""
from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.random
import numpy as np

from tests.random.samplers import CALLS, KEY

PATH = Path(__file__).parents[1] / "tests" / "data" / "samplers.npz"


def main() -> None:
    """Write the file."""
    key: Any = jax.random.wrap_key_data(jax.numpy.asarray(KEY))
    found = {name: np.asarray(call(jax.random, key)) for name, call in CALLS.items()}
    found["gamma_slope"] = np.asarray(jax.vmap(jax.grad(lambda a: jax.random.gamma(key, a)))(jax.numpy.asarray(
        [0.3, 1, 2, 50, 1000], np.float32)))
    found["gamma_many"] = np.asarray(jax.random.gamma(key, np.float32(1), (1 << 14,)))[::31]
    np.savez_compressed(PATH, **found)


if __name__ == "__main__":
    main()
