"""What the commands of the examples share: options, the device, checks that are printed and kept."""
from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import lantern
from lantern.devices import default_device_and_reason, find_device
from lantern.errors import DeviceError, MissingExtraError
from lantern.extras import require_extra


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
            arguments: Sequence[str] | None = None, picture: Callable[[Any], Any] | None = None) -> int:
    """Run an example, `run(quick, seed)`, as a program; the exit status: 0, or 1 if something is missing or wrong.

    `picture(result)` gives bytes, (rows, columns) or with 3 colours, which `--out` writes to a PNG.
    """
    title = (about or "").partition("\n")[0]
    parser = argparse.ArgumentParser(f"python -m lantern.examples.{module}", description=title)
    parser.add_argument("--device", choices=("cpu", "gpu"), help="where to compute (default: as `lantern doctor` says)")
    parser.add_argument("--seed", type=int, default=0, help="draws whatever is random (default: 0)")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    if picture is not None:
        parser.add_argument("--out", help="write what was found to this PNG (needs Pillow)")
    options = parser.parse_args(arguments)
    try:
        asked = options.device
        device, reason = (find_device(asked), "asked for with --device") if asked else default_device_and_reason()
        print(f"device     {device}: {device.name} ({reason})")
        start = time.perf_counter()
        with lantern.default_device(device):
            found = run(options.quick, options.seed)
        if picture is not None and options.out:
            require_extra("PIL.Image").fromarray(picture(found)).save(options.out)
            print(f"picture    {options.out}")
    except (DeviceError, CheckError, MissingExtraError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"time       {time.perf_counter() - start:.1f} s, compiling included")
    return 0
