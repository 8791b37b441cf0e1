"""Programs a newcomer runs: `python -m lantern.examples.digits`. They use the public interface only."""
from __future__ import annotations
