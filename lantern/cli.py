"""The command `lantern`, which is also `python -m lantern`."""
from __future__ import annotations

import argparse
from collections.abc import Sequence

from lantern.doctor import as_json, as_text, examine, version


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser("lantern", description="Function transforms on arrays: jit, grad, vmap.")
    found.add_argument("--version", action="version", version=f"lantern-jit {version('lantern-jit')}")
    commands = found.add_subparsers(dest="command", required=True)
    doctor = commands.add_parser("doctor", help="what there is, whether it works, and what to do about it")
    doctor.add_argument("--json", action="store_true", help="for programs and bug reports")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status: 1 if a device computes wrongly.

    >>> main(["--version"])
    Traceback (most recent call last):
    SystemExit: 0
    """
    options = parser().parse_args(arguments)
    report = examine()
    print(as_json(report) if options.json else as_text(report))
    return 0 if report.healthy else 1
