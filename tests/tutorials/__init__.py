"""Programs as JAX's documentation teaches to write them: only the lines that import something are lantern's."""
from __future__ import annotations
