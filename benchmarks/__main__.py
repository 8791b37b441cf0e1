"""How fast lantern is beside NumPy, JAX and PyTorch, as ratios from one run.

    python -m benchmarks [--device cpu|gpu] [--quick] [--only TEXT]

All contenders of a row take turns, so the ratios mean more than the times. A ratio is lantern's time over the other's:
below 1, lantern is faster. NumPy is hand-written with buffers that are used again. `floor` is the time of copying as
many bytes as the row must read and write, as a part of lantern's time: 100 % is as fast as memory allows.
"""
from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

import lantern
from benchmarks.compiling import LAYERS, equations, stage_times
from benchmarks.measure import Timing, race, shown
from benchmarks.vocabulary import vocabulary
from benchmarks.workloads import Bench, Workload, workloads
from lantern.backends.base import Device
from lantern.devices import find_device

PEERS = ("numpy", "jax", "torch")


def print_head(device: Device) -> None:
    """The columns."""
    print(f"\n{device}: {device.name} ({device.kind})")
    print(f"{'':24}{'least':>9}{'median':>9}" + "".join([f"{'/ ' + p:>9}" for p in PEERS]) + f"{'floor':>9}   goal")


def print_row(row: Workload, timings: Mapping[str, Timing]) -> None:
    """One workload: lantern's times, then ratios of the least times."""
    own = timings["lantern"]
    cells = [f"{own.least / timings[p].least:>9.2f}" if p in timings else f"{'-':>9}" for p in PEERS]
    floor = f"{100 * timings['copy'].least / own.least:>8.0f}%" if "copy" in timings else f"{'-':>9}"
    rate = f"   {row.flops / own.least / 1e12:.3g} TFLOP/s" if row.flops else ""
    goal = f"   {row.goal}" if row.goal else ""
    print(f"{row.name:24}{shown(own.least):>9}{shown(own.median):>9}{''.join(cells)}{floor}{goal}{rate}", flush=True)


def print_stages(device: Device, quick: bool) -> None:
    """What comes before the first call, beside JAX."""
    times = stage_times(device, 3 if quick else 7)
    print(f"\nvalue_and_grad of a network of {LAYERS} layers ({equations(device)} equations), from nothing")
    print(f"{'':24}{'least':>9}{'median':>9}{'/ jax':>9}   goal")
    peer = times.get("jax", {})
    for stage, t in times["lantern"].items():
        ratio = f"{t.least / peer[stage].least:>9.2f}" if stage in peer else f"{'-':>9}"
        goal = "   60 ms" if stage.startswith("trace") else ""
        print(f"{stage:24}{shown(t.least):>9}{shown(t.median):>9}{ratio}{goal}", flush=True)


def bench(device: Device, quick: bool, only: str) -> None:
    """All rows on one device."""
    print_head(device)
    rows = [*workloads(device, quick), *vocabulary(Bench(device), quick or device.kind == "software")]
    for make in rows:
        row = make()
        if only in row.name:
            print_row(row, race(row.contenders, 0.2 if quick else 1.0))
    if only in "compile":
        print_stages(device, quick)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    description, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser("python -m benchmarks", description=description, epilog=rest,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", help="cpu, gpu, or a part of an adapter's name (default: each device)")
    parser.add_argument("--quick", action="store_true", help="small sizes, short turns")
    parser.add_argument("--only", default="", help="only rows whose name contains this")
    options = parser.parse_args(arguments)
    chosen = [find_device(options.device)] if options.device else lantern.devices()
    for device in chosen:
        with lantern.default_device(device):
            bench(device, options.quick, options.only)


if __name__ == "__main__":
    main()
