"""`python -m tools.stubs` writes the stubs; `--check` only says whether they are current (exit status 1 if not)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tools.stubs.files import ROOT, texts


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser(
        "python -m tools.stubs", description="Write the .pyi stubs of lantern from the tables."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a stub is not current")
    options = parser.parse_args(arguments)
    stale = [
        (path, text) for path, text in texts().items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        if not options.check:
            path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{'not current' if options.check else 'written'}: {path.relative_to(ROOT)}\n")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
