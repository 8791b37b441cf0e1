"""`python -m lantern`: the same as the command `lantern`, for when the scripts folder is not on PATH."""
from __future__ import annotations

from lantern.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
