"""What the commands of the examples share: options, the device, checks that are printed and kept."""
from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import lantern
from lantern.devices import default_device_and_reason, find_device
from lantern.errors import DeviceError


class CheckError(AssertionError):
    """An example did not come out as it should."""


def check(what: str, value: float, at_most: float) -> None:
    """Print a figure with its bound. Raises CheckError if it is larger (or NaN).

    >>> check("error", 0.001, at_most=0.01)
    check      error: 0.001, at most 0.01
    """
    if not value <= at_most:
        raise CheckError(f"{what}: {value:.3g} should be at most {at_most:.3g}")
    print(f"check      {what}: {value:.3g}, at most {at_most:.3g}")


def command(module: str, about: str | None, run: Callable[[bool, int], Any],
            arguments: Sequence[str] | None = None) -> int:
    """Run an example, `run(quick, seed)`, as a program; the exit status: 0, or 1 if something is missing or wrong."""
    title = (about or "").partition("\n")[0]
    parser = argparse.ArgumentParser(f"python -m lantern.examples.{module}", description=title)
    parser.add_argument("--device", choices=("cpu", "gpu"), help="where to compute (default: as `lantern doctor` says)")
    parser.add_argument("--seed", type=int, default=0, help="draws whatever is random (default: 0)")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    options = parser.parse_args(arguments)
    try:
        asked = options.device
        device, reason = (find_device(asked), "asked for with --device") if asked else default_device_and_reason()
        print(f"device     {device}: {device.name} ({reason})")
        start = time.perf_counter()
        with lantern.default_device(device):
            run(options.quick, options.seed)
    except (DeviceError, CheckError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"time       {time.perf_counter() - start:.1f} s, compiling included")
    return 0
